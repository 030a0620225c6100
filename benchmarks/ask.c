/* The request load generator: N associations, each a thread that sends prepared requests one after the other.
 *
 * `requests` holds the messages, C-FIND-RQ with its Identifier or C-ECHO-RQ, a length of four bytes (big endian) before
 * each; a thread takes the next one, over and over. Responses are counted by their statuses, nothing of an Identifier
 * is looked at. With -x, a C-CANCEL (the file `cancel`) is sent after so many responses, and what is measured is how
 * long the final one takes from there. With -a every request has an association of its own, which is then a part of
 * what is measured. SIGTERM, once the line "asking" was printed, ends the run early: each thread finishes its request.
 *
 *     cc -O2 -pthread -o ask ask.c
 *     ./ask -p PORT -c ASSOCIATIONS -n REQUESTS [-x RESPONSES] [-q REQUESTS_A_SECOND] [-a] -f FOLDER
 *
 * prints "asking", then one line of JSON.
 */
#include "peer.h"
#include <signal.h>

static struct bytes request, cancel, *requests;
static int request_count, port, associations = 1, total = 100, cancel_after, afresh;
static double offered, began; /* requests a second, 0 for as fast as they are answered */
static atomic_int next_request, asked, answered, rows, stopped;
static double *latencies, *firsts, *cancels;

static void stop(int unused) { stopped = unused; }

static void split_requests(struct bytes all) {
    for (size_t at = 0; at + 4 <= all.length; at += 4 + be32(all.data + at)) {
        requests = realloc(requests, (size_t)(request_count + 1) * sizeof *requests);
        requests[request_count++] = (struct bytes){all.data + at + 4, be32(all.data + at)};
    }
}

/* Sends a request and reads to the final response: 0 when that says what it should. */
static int ask(struct stream *stream, struct bytes message, int number) {
    double begun = now(), cancelled = 0;
    if (afresh && !associate(stream, port, request)) return -1;
    if (transmit(stream->fd, message)) return -1;
    for (int found = 0;;) {
        int status = status_of(next_pdu(stream));
        if (status == DATA_SET) continue;
        if (!firsts[number]) firsts[number] = now() - begun;
        if (status != PENDING && status != PENDING_WARNING) {
            latencies[number] = now() - begun;
            if (cancelled) cancels[number] = now() - cancelled;
            atomic_fetch_add(&rows, found);
            return status == (cancelled ? CANCELLED : SUCCESS) ? 0 : -1;
        }
        if (++found == cancel_after) {
            cancelled = now();
            if (transmit(stream->fd, cancel)) return -1;
        }
    }
}

static void wait_turn(int number) {
    double early = offered > 0 ? began + number / offered - now() : 0;
    if (early > 0) usleep((useconds_t)(early * 1e6));
}

static void *ask_requests(void *unused) {
    static _Thread_local struct stream stream;
    int number;
    if (!afresh && !associate(&stream, port, request)) return unused;
    do {
        if ((number = atomic_fetch_add(&next_request, 1)) >= total) break;
        wait_turn(number);
        atomic_fetch_add(&asked, 1);
        int failed = ask(&stream, requests[number % request_count], number);
        if (!failed) atomic_fetch_add(&answered, 1);
        if (failed && !afresh) break; /* what else comes on this association answers who knows what */
        if (afresh) release(&stream);
    } while (!stopped);
    release(&stream);
    return unused;
}

int main(int argc, char **argv) {
    const char *folder = ".";
    int option;
    while ((option = getopt(argc, argv, "p:c:n:x:q:f:a")) != -1) {
        if (option == 'p') port = atoi(optarg);
        else if (option == 'c') associations = atoi(optarg);
        else if (option == 'n') total = atoi(optarg);
        else if (option == 'q') offered = atof(optarg);
        else if (option == 'x') cancel_after = atoi(optarg);
        else if (option == 'f') folder = optarg;
        else if (option == 'a') afresh = 1;
        else return 2;
    }
    request = load_file(folder, "associate");
    cancel = load_file(folder, "cancel");
    split_requests(load_file(folder, "requests"));
    latencies = calloc((size_t)total * 3, sizeof *latencies);
    firsts = latencies + total;
    cancels = firsts + total;
    signal(SIGTERM, stop);
    puts("asking");
    fflush(stdout);
    began = now();
    double seconds = in_threads(associations, ask_requests);
    int failed = (stopped ? asked : total) - answered;
    printf("{\"answered\": %d, \"failed\": %d, \"rows\": %d, \"seconds\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"first_ms\": %.3f, \"cancel_ms\": %.3f}\n",
           answered, failed, rows, seconds, percentile_ms(latencies, total, 50), percentile_ms(latencies, total, 99),
           percentile_ms(firsts, total, 50), percentile_ms(cancels, total, 50));
    return 0;
}
