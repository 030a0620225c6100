/* The load generator: N associations, each a thread that sends one prepared object again and again under new UIDs.
 *
 * A message is laid out once an association, in the PDU size that the server announced; an instance costs the patching
 * of digits, one send and one recv. Files come from `objects.py`: the A-ASSOCIATE-RQ, the C-STORE-RQ command set and
 * the data set, in which every UID that has to change ends in a run of the digit 7, 7 long for the instance, 6 for the
 * series and 5 for the study ("17777777" and so on; a component never begins with 0).
 *
 *     cc -O2 -pthread -o load load.c -lm
 *     ./load -p PORT -c ASSOCIATIONS -n INSTANCES -r RUN -f FOLDER      prints one line of JSON
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

enum { HEADER = 12, PLACES_MAX = 16, CAP = 131072, INSTANCES_A_SERIES = 100, SERIES_A_STUDY = 2 };

struct bytes {
    unsigned char *data;
    size_t length;
};

struct place { /* digits to patch in the message */
    size_t at;
    int digits;
};

static struct bytes request, command, data_set;
static int port, associations = 1, total = 100;
static unsigned run = 1;
static atomic_int next_instance, failed;
static double *latencies;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

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

static int receive(int fd, unsigned char *into, size_t count) {
    while (count) {
        ssize_t got = recv(fd, into, count, 0);
        if (got <= 0) return -1;
        into += got;
        count -= (size_t)got;
    }
    return 0;
}

static int transmit(int fd, const unsigned char *from, size_t count) {
    while (count) {
        ssize_t done = send(fd, from, count, MSG_NOSIGNAL);
        if (done <= 0) return -1;
        from += done;
        count -= (size_t)done;
    }
    return 0;
}

static uint32_t be32(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

/* Connects and negotiates; tells how long a PDU may be. */
static int associate(size_t *pdu_length) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int tries = 0; connect(fd, (struct sockaddr *)&address, sizeof address); tries++) {
        if (tries == 100) return -1;
        usleep(20000);
    }
    struct timeval patience = {60, 0}; /* a server that hangs ends the run, it does not hang it */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    unsigned char head[6];
    if (transmit(fd, request.data, request.length) || receive(fd, head, 6) || head[0] != 2) return -1;
    uint32_t length = be32(head + 2);
    unsigned char *body = malloc(length);
    if (receive(fd, body, length)) return -1;
    *pdu_length = CAP;
    for (uint32_t at = 68; at + 4 <= length; at += 4u + (uint32_t)(body[at + 2] << 8 | body[at + 3])) {
        if (body[at] != 0x50) continue;
        for (uint32_t sub = at + 4; sub + 8 <= length; sub += 4u + (uint32_t)(body[sub + 2] << 8 | body[sub + 3])) {
            uint32_t limit = be32(body + sub + 4);
            if (body[sub] == 0x51 && limit && limit < *pdu_length) *pdu_length = limit;
        }
    }
    free(body);
    return fd;
}

static void add_pdv(struct bytes *message, int control, const unsigned char *data, size_t length) {
    unsigned char *h = message->data + message->length;
    uint32_t pdu = htonl((uint32_t)length + 6), pdv = htonl((uint32_t)length + 2);
    h[0] = 4;
    h[1] = 0;
    memcpy(h + 2, &pdu, 4);
    memcpy(h + 6, &pdv, 4);
    h[10] = 1;
    h[11] = (unsigned char)control;
    memcpy(h + HEADER, data, length);
    message->length += HEADER + length;
}

static struct bytes lay_out(size_t pdu_length) {
    size_t room = (pdu_length - 6) & ~(size_t)1;
    size_t fragments = data_set.length / room + 2;
    struct bytes message = {malloc(command.length + data_set.length + (fragments + 1) * HEADER), 0};
    add_pdv(&message, 3, command.data, command.length);
    for (size_t at = 0; at < data_set.length; at += room) {
        size_t rest = data_set.length - at;
        add_pdv(&message, rest <= room ? 2 : 0, data_set.data + at, rest < room ? rest : room);
    }
    return message;
}

/* Finds the runs of 7 behind a "1" in the first bytes of the message. */
static int find_places(const struct bytes *message, struct place *places) {
    int found = 0;
    size_t end = message->length < 16384 ? message->length : 16384;
    for (size_t at = 1; at < end && found < PLACES_MAX; at++) {
        size_t run_end = at;
        while (run_end < end && message->data[run_end] == '7') run_end++;
        int digits = (int)(run_end - at);
        if (digits >= 5 && digits <= 7 && message->data[at - 1] == '1') places[found++] = (struct place){at, digits};
        if (digits) at = run_end;
    }
    return found;
}

static void patch(struct bytes *message, const struct place *places, int count, unsigned number) {
    for (int i = 0; i < count; i++) {
        unsigned value = number;
        if (places[i].digits == 6) value = number / INSTANCES_A_SERIES;
        if (places[i].digits == 5) value = number / INSTANCES_A_SERIES / SERIES_A_STUDY;
        for (int digit = places[i].digits; digit--; value /= 10) message->data[places[i].at + (size_t)digit] = (unsigned char)('0' + value % 10);
    }
}

/* The status of the response that comes, or -1. */
static int response(int fd) {
    unsigned char head[6], body[4096];
    if (receive(fd, head, 6) || head[0] != 4 || be32(head + 2) > sizeof body || receive(fd, body, be32(head + 2))) return -1;
    uint32_t length = be32(head + 2);
    for (uint32_t at = 6; at + 10 <= length; at += 8u + (uint32_t)(body[at + 5] << 8 | body[at + 4]))
        if (body[at + 2] == 0x00 && body[at + 3] == 0x09) return body[at + 9] << 8 | body[at + 8];
    return -1;
}

static void *send_objects(void *unused) {
    (void)unused;
    static const unsigned char release[] = {5, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    size_t pdu_length;
    int number, fd = associate(&pdu_length);
    struct place places[PLACES_MAX];
    struct bytes message = fd < 0 ? (struct bytes){NULL, 0} : lay_out(pdu_length);
    int count = fd < 0 ? 0 : find_places(&message, places);
    while ((number = atomic_fetch_add(&next_instance, 1)) < total) {
        double begun = now();
        if (fd >= 0) patch(&message, places, count, run * 1000000u % 9000000u + (unsigned)number);
        if (fd < 0 || transmit(fd, message.data, message.length)) {
            atomic_fetch_add(&failed, 1);
            if (fd >= 0) close(fd);
            fd = -1;
            break; /* a server that went away is not asked again */
        }
        int status = response(fd);
        if (status != 0) atomic_fetch_add(&failed, 1);
        latencies[number] = now() - begun;
        if (status < 0) break;
    }
    if (fd >= 0) {
        transmit(fd, release, sizeof release);
        unsigned char rest[10];
        receive(fd, rest, sizeof rest);
        close(fd);
    }
    free(message.data);
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    const char *folder = ".";
    int option;
    while ((option = getopt(argc, argv, "p:c:n:r:f:")) != -1) {
        if (option == 'p') port = atoi(optarg);
        else if (option == 'c') associations = atoi(optarg);
        else if (option == 'n') total = atoi(optarg);
        else if (option == 'r') run = (unsigned)atoi(optarg);
        else if (option == 'f') folder = optarg;
        else return 2;
    }
    request = load(folder, "associate");
    command = load(folder, "command");
    data_set = load(folder, "data-set");
    latencies = calloc((size_t)total, sizeof *latencies);
    pthread_t *threads = malloc((size_t)associations * sizeof *threads);
    double begun = now();
    for (int i = 0; i < associations; i++) pthread_create(&threads[i], NULL, send_objects, NULL);
    for (int i = 0; i < associations; i++) pthread_join(threads[i], NULL);
    double seconds = now() - begun;
    int missing = 0;
    for (int i = 0; i < total; i++) missing += latencies[i] == 0;
    qsort(latencies, (size_t)total, sizeof *latencies, ascending);
    printf("{\"instances\": %d, \"failed\": %d, \"unsent\": %d, \"seconds\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n", total,
           failed, missing, seconds, latencies[total / 2] * 1e3, latencies[total - 1 - total / 100] * 1e3);
    return 0;
}
