/* The yardstick: a TCP sink that speaks just enough DICOM to be sent to, and writes one file an instance.
 *
 * One thread a connection, one large read buffer, the payload of P-DATA written as it comes. It accepts every
 * presentation context with the first transfer syntax proposed, answers every C-STORE-RQ 0000H and every C-ECHO-RQ,
 * indexes nothing and checks nothing. With -s it calls fdatasync before it answers. No archive can be faster than
 * this by more than luck, so a ratio to it says more than a rate.
 *
 *     cc -O2 -pthread -o sink sink.c && ./sink -p PORT -d DIRECTORY [-s]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20 };

static const char *directory;
static int sync_files;
static atomic_ulong serial;

struct peer {
    int fd;
    size_t begin, end;
    unsigned char buffer[BUFFER_BYTES];
};

static uint32_t be32(const unsigned char *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }
static uint16_t be16(const unsigned char *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t le32(const unsigned char *p) { return (uint32_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0]; }
static uint16_t le16(const unsigned char *p) { return (uint16_t)(p[1] << 8 | p[0]); }

static int fill(struct peer *peer, size_t wanted) {
    while (peer->end - peer->begin < wanted) {
        if (peer->begin && peer->begin + wanted > BUFFER_BYTES) {
            memmove(peer->buffer, peer->buffer + peer->begin, peer->end - peer->begin);
            peer->end -= peer->begin;
            peer->begin = 0;
        }
        ssize_t got = read(peer->fd, peer->buffer + peer->end, BUFFER_BYTES - peer->end);
        if (got <= 0) return -1;
        peer->end += (size_t)got;
    }
    return 0;
}

static const unsigned char *take(struct peer *peer, size_t count) {
    if (fill(peer, count)) return NULL;
    const unsigned char *bytes = peer->buffer + peer->begin;
    peer->begin += count;
    if (peer->begin == peer->end) peer->begin = peer->end = 0;
    return bytes;
}

static int put(int fd, const unsigned char *bytes, size_t count) {
    while (count) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0) {
            if (errno == EINTR) continue;
            return -1;
        }
        bytes += done;
        count -= (size_t)done;
    }
    return 0;
}

/* Answers an A-ASSOCIATE-RQ: its fixed part comes back, every context is accepted. */
static int accept_association(int fd, const unsigned char *rq, uint32_t length) {
    static const unsigned char user[] = {0x50, 0, 0, 8, 0x51, 0, 0, 4, 0, 2, 0, 0};
    unsigned char *ac = malloc(length + 64);
    size_t at = 6 + 68;
    memcpy(ac + 6, rq, 68);
    for (uint32_t item = 68; item + 4 <= length;) {
        uint16_t size = be16(rq + item + 2);
        if (rq[item] == 0x10) {
            memcpy(ac + at, rq + item, 4u + size);
            at += 4u + size;
        } else if (rq[item] == 0x20) {
            for (uint32_t sub = item + 8; sub + 4 <= item + 4 + size; sub += 4u + be16(rq + sub + 2)) {
                if (rq[sub] != 0x40) continue;
                uint16_t uid = be16(rq + sub + 2);
                unsigned char head[] = {0x21, 0, (uid + 8) >> 8, (uid + 8) & 255, rq[item + 4], 0, 0, 0, 0x40, 0, uid >> 8, uid & 255};
                memcpy(ac + at, head, 12);
                memcpy(ac + at + 12, rq + sub + 4, uid);
                at += 12u + uid;
                break;
            }
        }
        item += 4u + size;
    }
    memcpy(ac + at, user, sizeof user);
    at += sizeof user;
    uint32_t body = htonl((uint32_t)(at - 6));
    ac[0] = 2;
    ac[1] = 0;
    memcpy(ac + 2, &body, 4);
    int failed = put(fd, ac, at);
    free(ac);
    return failed;
}

/* Turns a C-STORE-RQ or C-ECHO-RQ into its response, element by element. */
static int respond(int fd, unsigned char context, const unsigned char *rq, size_t length) {
    unsigned char out[1024];
    size_t at = 12 + 12, uid_at = 0, uid_length = 0;
    uint16_t field = 0, id = 0;
    for (size_t i = 0; i + 8 <= length;) {
        uint16_t element = le16(rq + i + 2);
        uint32_t size = le32(rq + i + 4);
        if (element == 0x0002) {
            memcpy(out + at, rq + i, 8 + size);
            at += 8 + size;
        } else if (element == 0x0100) field = le16(rq + i + 8);
        else if (element == 0x0110) id = le16(rq + i + 8);
        else if (element == 0x1000) uid_at = i, uid_length = 8 + size;
        i += 8 + size;
    }
    const uint16_t values[][2] = {{0x0100, (uint16_t)(field | 0x8000)}, {0x0120, id}, {0x0800, 0x0101}, {0x0900, 0}};
    for (size_t i = 0; i < 4; i++) {
        unsigned char element[] = {0, 0, values[i][0] & 255, values[i][0] >> 8, 2, 0, 0, 0, values[i][1] & 255, values[i][1] >> 8};
        memcpy(out + at, element, 10);
        at += 10;
    }
    memcpy(out + at, rq + uid_at, uid_length);
    at += uid_length;
    uint32_t group = (uint32_t)(at - 24);
    unsigned char head[] = {4, 0, 0, 0, (at - 6) >> 8, (at - 6) & 255, 0, 0, (at - 10) >> 8, (at - 10) & 255, context, 3,
                            0, 0, 0, 0, 4, 0, 0, 0, group & 255, group >> 8, 0, 0};
    memcpy(out, head, 24);
    return put(fd, out, at);
}

static void *serve(void *argument) {
    struct peer *peer = argument;
    unsigned char command[1024];
    size_t command_length = 0;
    int file = -1, has_data_set = 0;
    const unsigned char *head;
    while ((head = take(peer, 6))) {
        unsigned char type = head[0];
        uint32_t length = be32(head + 2);
        if (type == 1) {
            const unsigned char *rq = length < BUFFER_BYTES ? take(peer, length) : NULL;
            if (!rq || accept_association(peer->fd, rq, length)) break;
        } else if (type == 4) {
            while (length >= 6) {
                if (!(head = take(peer, 6))) goto end;
                uint32_t rest = be32(head) - 2;
                unsigned char context = head[4], control = head[5];
                length -= rest + 6;
                if (control & 1) {
                    const unsigned char *bytes = take(peer, rest);
                    if (!bytes || command_length + rest > sizeof command) goto end;
                    memcpy(command + command_length, bytes, rest);
                    command_length += rest;
                    if (!(control & 2)) continue;
                    has_data_set = 0;
                    for (size_t i = 0; i + 10 <= command_length; i += 8 + le32(command + i + 4))
                        if (le16(command + i + 2) == 0x0800) has_data_set = le16(command + i + 8) != 0x0101;
                    if (has_data_set) {
                        char path[512];
                        unsigned long number = atomic_fetch_add(&serial, 1);
                        snprintf(path, sizeof path, "%s/%lu", directory, number);
                        file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
                        if (file < 0) goto end;
                    } else {
                        if (respond(peer->fd, context, command, command_length)) goto end;
                        command_length = 0;
                    }
                    continue;
                }
                while (rest) {
                    if (fill(peer, 1)) goto end;
                    size_t have = peer->end - peer->begin;
                    size_t part = have < rest ? have : rest;
                    const unsigned char *bytes = take(peer, part);
                    if (put(file, bytes, part)) goto end;
                    rest -= (uint32_t)part;
                }
                if (control & 2) {
                    if (sync_files && fdatasync(file)) goto end;
                    close(file);
                    file = -1;
                    if (respond(peer->fd, context, command, command_length)) goto end;
                    command_length = 0;
                }
            }
        } else if (type == 5) {
            static const unsigned char release[] = {6, 0, 0, 0, 0, 4, 0, 0, 0, 0};
            take(peer, length);
            put(peer->fd, release, sizeof release);
        } else
            break;
    }
end:
    if (file >= 0) close(file);
    close(peer->fd);
    free(peer);
    return NULL;
}

int main(int argc, char **argv) {
    int port = 0, option, one = 1;
    while ((option = getopt(argc, argv, "p:d:s")) != -1) {
        if (option == 'p') port = atoi(optarg);
        else if (option == 'd') directory = optarg;
        else if (option == 's') sync_files = 1;
        else return 2;
    }
    if (!directory) return 2;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 1024)) {
        perror("sink");
        return 1;
    }
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct peer *peer = malloc(sizeof *peer);
        peer->fd = fd;
        peer->begin = peer->end = 0;
        pthread_t thread;
        pthread_create(&thread, NULL, serve, peer);
        pthread_detach(thread);
    }
}
