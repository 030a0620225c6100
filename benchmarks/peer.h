/* What the load generators have in common: the calling side of an association, as little of it as they can do with.
 *
 * Messages come prepared, as files; what is received is cut into PDUs in place, and nothing of a response is looked at
 * but its status. Everything is static: each program is compiled from one file and this header.
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

enum {
    BUFFER = 1 << 20,
    CONNECT_TRIES = 100,
    CONNECT_PAUSE_US = 20000,
    PATIENCE_SECONDS = 120, /* a server that hangs ends the run, it does not hang it */
    ASSOCIATE_AC = 2,
    P_DATA = 4,
    COMMAND = 1, /* a bit of the message control header, PS3.8 E.2 */
    SUCCESS = 0x0000,
    CANCELLED = 0xFE00,
    PENDING = 0xFF00,
    PENDING_WARNING = 0xFF01,
    DATA_SET = -1, /* what `status_of` says of a PDU without a status */
    BROKEN = -2,
};

struct bytes {
    unsigned char *data;
    size_t length;
};

struct stream { /* what was received on a connection and is not yet taken: from begin to end */
    int fd;
    size_t begin, end;
    unsigned char buffer[BUFFER];
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t be32(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static uint32_t le16(const unsigned char *p) { return (uint32_t)p[1] << 8 | p[0]; }

static struct bytes load_file(const char *folder, const char *name) {
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

static int transmit(int fd, struct bytes message) {
    while (message.length) {
        ssize_t done = send(fd, message.data, message.length, MSG_NOSIGNAL);
        if (done <= 0) return -1;
        message.data += done;
        message.length -= (size_t)done;
    }
    return 0;
}

/* The next PDU, header included, valid until the next call; NULL at the end of the stream. */
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

/* The status of the response whose command set is in this P-DATA-TF; DATA_SET or BROKEN when there is none. */
static int status_of(const unsigned char *pdu) {
    if (!pdu || pdu[0] != P_DATA) return BROKEN;
    if (!(pdu[11] & COMMAND)) return DATA_SET;
    uint32_t end = be32(pdu + 2) + 6;
    for (uint32_t at = 12; at + 10 <= end; at += 8 + le16(pdu + at + 4))
        if (le16(pdu + at + 2) == 0x0900) return (int)le16(pdu + at + 8);
    return BROKEN;
}

static void hang_up(struct stream *stream) {
    if (stream->fd >= 0) close(stream->fd);
    stream->fd = -1;
}

/* Connects and negotiates: the A-ASSOCIATE-AC, or NULL when there is none; the stream is closed then. */
static unsigned char *associate(struct stream *stream, int port, struct bytes request) {
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {PATIENCE_SECONDS, 0};
    stream->begin = stream->end = 0;
    stream->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(stream->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(stream->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int tries = 0;
    while (connect(stream->fd, (struct sockaddr *)&address, sizeof address) && ++tries < CONNECT_TRIES) usleep(CONNECT_PAUSE_US);
    unsigned char *answer = tries < CONNECT_TRIES && !transmit(stream->fd, request) ? next_pdu(stream) : NULL;
    if (answer && answer[0] == ASSOCIATE_AC) return answer;
    hang_up(stream);
    return NULL;
}

/* Waits for the A-RELEASE-RP, so that the association is over when this returns. */
static void release(struct stream *stream) {
    static unsigned char request[] = {5, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    if (stream->fd >= 0 && !transmit(stream->fd, (struct bytes){request, sizeof request})) next_pdu(stream);
    hang_up(stream);
}

/* Runs the same work in so many threads, to the end; the seconds it took. */
static double in_threads(int count, void *(*work)(void *)) {
    pthread_t *threads = malloc((size_t)count * sizeof *threads);
    double begun = now();
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    free(threads);
    return now() - begun;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The nearest rank among those that were measured, in milliseconds. A place that holds 0 was not measured. */
static double percentile_ms(double *seconds, int count, int hundredths) {
    qsort(seconds, (size_t)count, sizeof *seconds, ascending);
    int missing = 0;
    while (missing < count && seconds[missing] == 0) missing++;
    int measured = count - missing;
    return measured ? seconds[missing + (measured * hundredths + 99) / 100 - 1] * 1e3 : 0;
}
