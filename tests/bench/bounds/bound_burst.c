/* bound_burst: a burst without Caravan's code. A client sends entries over ipc in packs, WINDOW
 * ahead; the publisher hashes header and content of each, keeps the pack, answers, and sends it on
 * over CURVE; the partner hashes again and keeps it. Packs that have come meanwhile share a synced
 * commit.
 *
 * usage: bound_burst FOLDER CONTENTS COUNT PACK WINDOW */
#include "tests/bench/parts.h"
#include "tests/bench/tools.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define GROUP 64 /* packs a commit, at most */

struct stage {
    struct parts_file file;
    void *in, *out; /* out: the partner; NULL: this is the partner, nobody waits for its answers */
    uint64_t packs;
    struct arrivals arrivals;
    uint8_t head[32];
};

static void *work(void *argument)
{
    struct stage *stage = argument;
    zmq_msg_t group[GROUP];
    uint64_t done = 0, count;

    while (done < stage->packs) {
        parts_begin(&stage->file);
        for (count = 0; count < GROUP; count++) {
            zmq_msg_t *pack = &group[count];

            zmq_msg_init(pack);
            if (zmq_msg_recv(pack, stage->in, count ? ZMQ_DONTWAIT : 0) < 0)
                break;
            parts_hash(zmq_msg_data(pack), zmq_msg_size(pack), stage->head, &stage->arrivals);
            parts_insert(&stage->file, done + count, zmq_msg_data(pack), zmq_msg_size(pack));
        }
        parts_commit(&stage->file);
        for (uint64_t i = 0; i < count && stage->out; i++)
            TOOLS_MUST(zmq_send(stage->in, "", 0, 0) == 0 &&
                       zmq_msg_send(&group[i], stage->out, 0) >= 0);
        done += count;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct stage publisher = {.packs = 0}, partner = {.packs = 0};
    char endpoint[PARTS_ENDPOINT_SIZE], path[4096];
    uint64_t count, pack, window, answered = 0;
    struct contents contents;
    pthread_t threads[2];
    void *context = zmq_ctx_new(), *client = zmq_socket(context, ZMQ_PAIR);
    uint8_t *bytes;
    int64_t start;
    double cpu;

    TOOLS_MUST(argc == 6);
    contents = tools_contents(argv[2]);
    count = (uint64_t)tools_number(argv[3]);
    pack = (uint64_t)tools_number(argv[4]);
    window = (uint64_t)tools_number(argv[5]) / pack;
    publisher.packs = partner.packs = (count + pack - 1) / pack;
    bytes = malloc(pack * PARTS_ENTRY_MAX);
    parts_keys();
    parts_open(&publisher.file, argv[1], "publisher");
    parts_open(&partner.file, argv[1], "partner");
    snprintf(path, sizeof path, "ipc://%s/ipc", argv[1]);
    publisher.in = zmq_socket(context, ZMQ_PAIR);
    TOOLS_MUST(bytes && !zmq_bind(publisher.in, path) && !zmq_connect(client, path));
    publisher.out = parts_bind(context, ZMQ_PAIR, true, 0, endpoint);
    partner.in = parts_connect(zmq_ctx_new(), ZMQ_PAIR, true, 0, endpoint);
    cpu = tools_cpu_seconds(0);
    start = tools_now_ns();
    TOOLS_MUST(!pthread_create(&threads[0], NULL, work, &publisher));
    TOOLS_MUST(!pthread_create(&threads[1], NULL, work, &partner));
    for (uint64_t i = 0; i < publisher.packs; i++) {
        uint64_t left = count - i * pack;
        size_t size = parts_pack(&contents, i * pack, left < pack ? left : pack, bytes);

        for (; i - answered > window; answered++)
            TOOLS_MUST(zmq_recv(client, path, sizeof path, 0) == 0);
        TOOLS_MUST(zmq_send(client, bytes, size, 0) == (int)size);
    }
    pthread_join(threads[1], NULL);
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(0) - cpu;
    partner.arrivals.wrong += memcmp(publisher.head, partner.head, 32) != 0;
    tools_print_rate(&partner.arrivals, count, start, cpu);
    return 0;
}
