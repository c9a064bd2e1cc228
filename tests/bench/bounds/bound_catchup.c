/* bound_catchup: a catch-up without Caravan's code. One thread reads rows of CHUNK entries from
 * SQLite and sends them over CURVE as they are asked for, some 2 MiB ahead; the other hashes header
 * and content of each and keeps the rows, synced every 16,384 entries.
 *
 * usage: bound_catchup FOLDER CONTENTS COUNT CHUNK */
#include "tests/bench/parts.h"
#include "tests/bench/tools.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static struct parts_file hub, node;
static void *serving;

/* Fills the hub's file; returns how many bytes went there, and the head. */
static uint64_t fill(const char *path, uint64_t count, uint64_t chunk, uint8_t head[32])
{
    struct contents contents = tools_contents(path);
    uint8_t *row = malloc(chunk * PARTS_ENTRY_MAX);
    struct arrivals arrivals = {0};
    uint64_t bytes = 0;

    TOOLS_MUST(row);
    parts_begin(&hub);
    for (uint64_t i = 0; i < count; i += chunk) {
        size_t size = parts_pack(&contents, i, count - i < chunk ? count - i : chunk, row);

        parts_hash(row, size, head, &arrivals);
        parts_insert(&hub, i / chunk, row, size);
        bytes += size;
    }
    parts_commit(&hub);
    free(row);
    return bytes;
}

static void *serve(void *unused)
{
    size_t size;

    for (uint64_t row; zmq_recv(serving, &row, 8, 0) == 8;) {
        const void *bytes = parts_read(&hub, row, &size);

        zmq_send(serving, bytes, size, 0);
    }
    return unused;
}

int main(int argc, char **argv)
{
    uint8_t head[32] = {0}, wanted[32] = {0};
    uint64_t count, chunk, rows, ahead;
    char endpoint[PARTS_ENDPOINT_SIZE];
    struct arrivals arrivals = {0};
    pthread_t thread;
    zmq_msg_t message;
    int64_t start;
    void *socket;
    double cpu;

    TOOLS_MUST(argc == 5);
    count = (uint64_t)tools_number(argv[3]);
    chunk = (uint64_t)tools_number(argv[4]);
    rows = (count + chunk - 1) / chunk;
    parts_keys();
    parts_open(&hub, argv[1], "hub");
    parts_open(&node, argv[1], "node");
    ahead = (2 << 20) / (fill(argv[2], count, chunk, wanted) / rows + 1) + 1;
    serving = parts_bind(zmq_ctx_new(), ZMQ_PAIR, true, 0, endpoint);
    socket = parts_connect(zmq_ctx_new(), ZMQ_PAIR, true, 0, endpoint);
    TOOLS_MUST(pthread_create(&thread, NULL, serve, NULL) == 0 && zmq_msg_init(&message) == 0);
    cpu = tools_cpu_seconds(0);
    start = tools_now_ns();
    parts_begin(&node);
    for (uint64_t row = 0, asked = 0; row < rows; row++) {
        for (; asked < rows && asked < row + ahead; asked++)
            TOOLS_MUST(zmq_send(socket, &asked, 8, 0) == 8);
        TOOLS_MUST(zmq_msg_recv(&message, socket, 0) > 0);
        parts_hash(zmq_msg_data(&message), zmq_msg_size(&message), head, &arrivals);
        parts_insert(&node, row, zmq_msg_data(&message), zmq_msg_size(&message));
        if (row % (16384 / chunk) == 0 || row == rows - 1) {
            parts_commit(&node);
            parts_begin(&node);
        }
    }
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(0) - cpu;
    arrivals.wrong += memcmp(head, wanted, 32) != 0;
    tools_print_rate(&arrivals, count, start, cpu);
    return 0;
}
