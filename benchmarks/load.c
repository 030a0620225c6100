/* The store load generator: N associations, each a thread that sends one prepared object again and again under new UIDs.
 *
 * A message is laid out once an association, in the PDU size that the server announced; an instance costs the patching
 * of digits, one send and one recv. Files come from `objects.py`: the A-ASSOCIATE-RQ, the C-STORE-RQ command set and
 * the data set, in which every UID that has to change ends in a run of the digit 7, 7 long for the instance, 6 for the
 * series and 5 for the study ("17777777" and so on; a component never begins with 0).
 *
 *     cc -O2 -pthread -o load load.c
 *     ./load -p PORT -c ASSOCIATIONS -n INSTANCES -b NUMBER_OF_THE_FIRST -f FOLDER      prints one line of JSON
 */
#include "peer.h"

enum { HEADER = 12, PLACES_MAX = 16, PDU_CAP = 131072, HEAD = 16384, INSTANCES_A_SERIES = 100, SERIES_A_STUDY = 2 };

struct place { /* digits to patch in the message */
    size_t at;
    int digits;
};

static struct bytes request, command, data_set;
static int port, associations = 1, total = 100, first;
static atomic_int next_instance, stored;
static double *latencies;

static uint32_t be16(const unsigned char *p) { return (uint32_t)p[0] << 8 | p[1]; }

/* The longest PDU that the server takes: sub-item 51H of the user information, PS3.8 D.1. */
static size_t pdu_length_of(const unsigned char *ac) {
    uint32_t end = be32(ac + 2) + 6, longest = PDU_CAP;
    for (uint32_t at = 74; at + 4 <= end; at += 4 + be16(ac + at + 2)) {
        if (ac[at] != 0x50) continue;
        for (uint32_t sub = at + 4; sub + 8 <= end; sub += 4 + be16(ac + sub + 2)) {
            uint32_t limit = be32(ac + sub + 4);
            if (ac[sub] == 0x51 && limit && limit < longest) longest = limit;
        }
    }
    return longest;
}

static void add_pdv(struct bytes *message, int control, const unsigned char *data, size_t length) {
    unsigned char *h = message->data + message->length;
    uint32_t pdu = htonl((uint32_t)length + 6), pdv = htonl((uint32_t)length + 2);
    h[0] = P_DATA;
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
    size_t end = message->length < HEAD ? message->length : HEAD;
    for (size_t at = 1; at < end && found < PLACES_MAX; at++) {
        size_t run_end = at;
        while (run_end < end && message->data[run_end] == '7') run_end++;
        int digits = (int)(run_end - at);
        if (digits >= 5 && digits <= 7 && message->data[at - 1] == '1') places[found++] = (struct place){at, digits};
        if (digits) at = run_end;
    }
    return found;
}

static void patch(struct bytes *message, const struct place *places, int count, int number) {
    for (int i = 0; i < count; i++) {
        int value = number;
        if (places[i].digits == 6) value = number / INSTANCES_A_SERIES;
        if (places[i].digits == 5) value = number / INSTANCES_A_SERIES / SERIES_A_STUDY;
        unsigned char *digits = message->data + places[i].at;
        for (int digit = places[i].digits; digit--; value /= 10) digits[digit] = (unsigned char)('0' + value % 10);
    }
}

static void *send_objects(void *unused) {
    static _Thread_local struct stream stream;
    struct place places[PLACES_MAX];
    unsigned char *ac = associate(&stream, port, request);
    if (!ac) return unused;
    struct bytes message = lay_out(pdu_length_of(ac));
    int number, status = SUCCESS, count = find_places(&message, places);
    while (status != BROKEN && (number = atomic_fetch_add(&next_instance, 1)) < total) {
        patch(&message, places, count, first + number);
        double begun = now();
        status = transmit(stream.fd, message) ? BROKEN : status_of(next_pdu(&stream));
        latencies[number] = now() - begun;
        if (status == SUCCESS) atomic_fetch_add(&stored, 1);
    }
    release(&stream);
    free(message.data);
    return unused;
}

int main(int argc, char **argv) {
    const char *folder = ".";
    int option;
    while ((option = getopt(argc, argv, "p:c:n:b:f:")) != -1) {
        if (option == 'p') port = atoi(optarg);
        else if (option == 'c') associations = atoi(optarg);
        else if (option == 'n') total = atoi(optarg);
        else if (option == 'b') first = atoi(optarg);
        else if (option == 'f') folder = optarg;
        else return 2;
    }
    request = load_file(folder, "associate");
    command = load_file(folder, "command");
    data_set = load_file(folder, "data-set");
    latencies = calloc((size_t)total, sizeof *latencies);
    double seconds = in_threads(associations, send_objects);
    printf("{\"instances\": %d, \"stored\": %d, \"seconds\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n", total, stored,
           seconds, percentile_ms(latencies, total, 50), percentile_ms(latencies, total, 99));
    return 0;
}
