/* The query load generator: N associations, each a thread that asks prepared questions one after the other.
 *
 * `queries` holds the messages, a length of four bytes (big endian) before each; a thread asks every N-th of them, over
 * and over. Responses are counted by their statuses, nothing of an Identifier is looked at. With -x, a C-CANCEL (the
 * file `cancel`) is sent after so many responses, and what is measured is how long the final one takes from there.
 *
 *     cc -O2 -pthread -o find find.c
 *     ./find -p PORT -c ASSOCIATIONS -n QUERIES [-x RESPONSES] [-q QUERIES_A_SECOND] -f FOLDER      prints one line of JSON
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, COMMAND = 1 };

struct bytes {
    unsigned char *data;
    size_t length;
};

struct stream {
    int fd;
    size_t begin, end;
    unsigned char buffer[BUFFER];
};

static struct bytes request, cancel, *queries;
static int query_count, port, associations = 1, total = 100, cancel_after;
static double offered, began; /* queries a second, 0 for as fast as they are answered */
static atomic_int next_query, failed, rows;
static double *latencies, *firsts, *cancels;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t be32(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

static struct bytes load(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    struct bytes bytes = {NULL, (size_t)ftell(file)};
    rewind(file);
    bytes.data = malloc(bytes.length);
    if (fread(bytes.data, 1, bytes.length, file) != bytes.length) exit(2);
    fclose(file);
    return bytes;
}

static void split_queries(struct bytes all) {
    for (size_t at = 0; at + 4 <= all.length; at += 4 + be32(all.data + at)) {
        queries = realloc(queries, (size_t)(query_count + 1) * sizeof *queries);
        queries[query_count++] = (struct bytes){all.data + at + 4, be32(all.data + at)};
    }
}

static int transmit(int fd, struct bytes message) {
    while (message.length) {
        ssize_t done = send(fd, message.data, message.length, MSG_NOSIGNAL);
        if (done <= 0) return -1;
        message.data += done;
        message.length -= (size_t)done;
    }
    return 0;
}

/* The next PDU, header included; NULL at the end of the stream. */
static unsigned char *next_pdu(struct stream *stream) {
    for (;;) {
        size_t there = stream->end - stream->begin;
        unsigned char *pdu = stream->buffer + stream->begin;
        if (there >= 6 && there >= 6 + (size_t)be32(pdu + 2)) {
            stream->begin += 6 + (size_t)be32(pdu + 2);
            return pdu;
        }
        memmove(stream->buffer, pdu, there);
        stream->begin = 0;
        stream->end = there;
        ssize_t got = recv(stream->fd, stream->buffer + there, BUFFER - there, 0);
        if (got <= 0) return NULL;
        stream->end += (size_t)got;
    }
}

static int associate(struct stream *stream) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int tries = 0; connect(fd, (struct sockaddr *)&address, sizeof address); tries++) {
        if (tries == 100) return -1;
        usleep(20000);
    }
    struct timeval patience = {120, 0}; /* a server that hangs ends the run, it does not hang it */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    stream->fd = fd;
    stream->begin = stream->end = 0;
    if (transmit(fd, request)) return -1;
    unsigned char *pdu = next_pdu(stream);
    return pdu && pdu[0] == 2 ? 0 : -1;
}

/* The status of a response whose command is in this P-DATA-TF; -1 when it holds a data set, -2 for another PDU. */
static int status_of(const unsigned char *pdu) {
    if (pdu[0] != 4) return -2;
    uint32_t length = be32(pdu + 2);
    if (!(pdu[11] & COMMAND)) return -1;
    for (uint32_t at = 12; at + 10 <= length + 6; at += 8u + (uint32_t)(pdu[at + 5] << 8 | pdu[at + 4]))
        if (pdu[at + 2] == 0x00 && pdu[at + 3] == 0x09) return pdu[at + 9] << 8 | pdu[at + 8];
    return -2;
}

/* Asks, and reads to the final response. */
static int ask(struct stream *stream, struct bytes query, int number) {
    double begun = now(), cancelled = 0;
    int found = 0;
    if (transmit(stream->fd, query)) return -1;
    for (;;) {
        unsigned char *pdu = next_pdu(stream);
        int status = pdu ? status_of(pdu) : -2;
        if (status == -2) return -1;
        if (status == -1) continue;
        if (!firsts[number]) firsts[number] = now() - begun;
        if (status == 0xFF00 || status == 0xFF01) {
            found++;
            if (cancel_after && found == cancel_after) {
                cancelled = now();
                if (transmit(stream->fd, cancel)) return -1;
            }
            continue;
        }
        latencies[number] = now() - begun;
        if (cancelled) cancels[number] = now() - cancelled;
        atomic_fetch_add(&rows, found);
        return status == (cancelled ? 0xFE00 : 0) ? 0 : -1;
    }
}

static void *ask_queries(void *unused) {
    (void)unused;
    static unsigned char release[] = {5, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    struct stream *stream = malloc(sizeof *stream);
    int number, lost = associate(stream);
    while ((number = atomic_fetch_add(&next_query, 1)) < total) {
        if (offered > 0) {
            double early = began + number / offered - now();
            if (early > 0) usleep((useconds_t)(early * 1e6));
        }
        if (lost || (lost = ask(stream, queries[number % query_count], number))) {
            atomic_fetch_add(&failed, 1);
            break; /* a server that went away is not asked again */
        }
    }
    if (!lost && !transmit(stream->fd, (struct bytes){release, sizeof release})) next_pdu(stream);
    close(stream->fd);
    free(stream);
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double *values, int hundredths) {
    qsort(values, (size_t)total, sizeof *values, ascending);
    return values[(size_t)(total - 1) * (size_t)hundredths / 100] * 1e3;
}

int main(int argc, char **argv) {
    const char *folder = ".";
    int option;
    while ((option = getopt(argc, argv, "p:c:n:x:q:f:")) != -1) {
        if (option == 'p') port = atoi(optarg);
        else if (option == 'c') associations = atoi(optarg);
        else if (option == 'n') total = atoi(optarg);
        else if (option == 'q') offered = atof(optarg);
        else if (option == 'x') cancel_after = atoi(optarg);
        else if (option == 'f') folder = optarg;
        else return 2;
    }
    request = load(folder, "associate");
    cancel = load(folder, "cancel");
    split_queries(load(folder, "queries"));
    latencies = calloc((size_t)total * 3, sizeof *latencies);
    firsts = latencies + total;
    cancels = firsts + total;
    pthread_t *threads = malloc((size_t)associations * sizeof *threads);
    double begun = began = now();
    for (int i = 0; i < associations; i++) pthread_create(&threads[i], NULL, ask_queries, NULL);
    for (int i = 0; i < associations; i++) pthread_join(threads[i], NULL);
    double seconds = now() - begun;
    printf("{\"queries\": %d, \"failed\": %d, \"rows\": %d, \"seconds\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"first_ms\": %.3f, \"cancel_ms\": %.3f}\n",
           total, failed, rows, seconds, percentile(latencies, 50), percentile(latencies, 99), percentile(firsts, 50),
           percentile(cancels, 50));
    return 0;
}
