/* bound_fanout: live fan-out without Caravan's code: one XPUB with CURVE sends the same contents to
 * many subscribers in one thread, as fast as they take them.
 *
 * usage: bound_fanout CONTENTS SUBSCRIBERS SECONDS */
#include "tests/bench/parts.h"
#include "tests/bench/tools.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#define AHEAD 32 /* messages that the slowest subscriber may not have yet */

static char endpoint[PARTS_ENDPOINT_SIZE];
static uint64_t subscribers, wrong;
static atomic_uint_fast64_t sent, taken; /* messages; taken: by all subscribers */
static atomic_bool over;

/* Goes round all subscribers and takes what each has, until they have all that was sent. */
static void *subscribe(void *unused)
{
    struct arrivals *arrivals = calloc(subscribers, sizeof *arrivals);
    void **sockets = calloc(subscribers, sizeof *sockets), *context = zmq_ctx_new();
    zmq_msg_t message;

    TOOLS_MUST(arrivals && sockets && zmq_msg_init(&message) == 0);
    TOOLS_MUST(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)subscribers + 8) == 0);
    for (uint64_t i = 0; i < subscribers; i++)
        sockets[i] = parts_connect(context, ZMQ_SUB, true, 0, endpoint);
    for (uint64_t all = 0; !over || taken < sent * subscribers; all = 0) {
        for (uint64_t i = 0; i < subscribers; i++)
            for (; zmq_msg_recv(&message, sockets[i], ZMQ_DONTWAIT) >= 0; all++)
                arrivals_add(&arrivals[i], zmq_msg_data(&message), zmq_msg_size(&message));
        taken += all;
        if (all < subscribers)
            usleep(200);
    }
    for (uint64_t i = 0; i < subscribers; i++)
        wrong += arrivals[i].wrong + (arrivals[i].next != sent);
    return unused;
}

int main(int argc, char **argv)
{
    uint8_t bytes[TOOLS_CONTENT_MAX], joined;
    struct rlimit files;
    pthread_t thread;

    TOOLS_MUST(argc == 4);
    struct contents contents = tools_contents(argv[1]);
    subscribers = (uint64_t)tools_number(argv[2]);
    TOOLS_MUST(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max; /* three a subscriber */
    TOOLS_MUST(setrlimit(RLIMIT_NOFILE, &files) == 0);
    parts_keys();
    void *hub = zmq_ctx_new();
    TOOLS_MUST(zmq_ctx_set(hub, ZMQ_IO_THREADS, 2) == 0); /* as Caravan */
    void *socket = parts_bind(hub, ZMQ_XPUB, true, 0, endpoint);
    parts_set(socket, ZMQ_XPUB_VERBOSE, 1); /* hears of every subscriber */
    TOOLS_MUST(pthread_create(&thread, NULL, subscribe, NULL) == 0);
    for (uint64_t i = 0; i < subscribers; i++)
        TOOLS_MUST(zmq_recv(socket, &joined, 1, 0) == 1);
    double cpu = tools_cpu_seconds(0);
    int64_t start = tools_now_ns(), end = start + tools_number(argv[3]) * 1000000000;
    while (tools_now_ns() < end) {
        if (sent * subscribers > taken + AHEAD * subscribers) {
            usleep(200);
            continue;
        }
        size_t size = tools_content(&contents, sent, bytes);
        TOOLS_MUST(zmq_send(socket, bytes, size, 0) == (int)size);
        sent++;
    }
    over = true;
    pthread_join(thread, NULL);
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(0) - cpu;
    struct arrivals all = {.next = taken, .wrong = wrong};
    tools_print_rate(&all, sent * subscribers, start, cpu);
    return 0;
}
