/* bound_latency: the way of one entry without Caravan's code: the publisher commits one row and
 * sends it over CURVE, the subscriber commits one row and stamps; every commit is synced. It runs
 * from the moment in which it was due to be published.
 *
 * usage: bound_latency FOLDER CONTENTS COUNT RATE */
#include "tests/bench/parts.h"
#include "tests/bench/tools.h"

#include <pthread.h>
#include <stdlib.h>
#include <zmq.h>

static struct parts_file publisher, subscriber;
static char endpoint[PARTS_ENDPOINT_SIZE];
static uint64_t wanted;
static int64_t *due; /* a message brings the other thread what was written here before */
static double *ms;
static struct arrivals arrivals;

static void *subscribe(void *unused)
{
    void *socket = parts_connect(zmq_ctx_new(), ZMQ_SUB, true, 0, endpoint);
    zmq_msg_t message;

    zmq_msg_init(&message);
    while (arrivals.next < wanted) {
        TOOLS_MUST(zmq_msg_recv(&message, socket, 0) >= 0);
        uint64_t number = tools_message_number(zmq_msg_data(&message), zmq_msg_size(&message));
        TOOLS_MUST(number < wanted);
        parts_insert(&subscriber, arrivals.next, zmq_msg_data(&message), zmq_msg_size(&message));
        ms[arrivals.next] = (double)(tools_now_ns() - due[number]) / 1e6;
        arrivals_add(&arrivals, zmq_msg_data(&message), zmq_msg_size(&message));
    }
    return unused;
}

int main(int argc, char **argv)
{
    uint8_t bytes[TOOLS_CONTENT_MAX], joined;
    struct contents contents;
    pthread_t thread;
    uint64_t rate;
    int64_t start;
    void *socket;

    TOOLS_MUST(argc == 5);
    contents = tools_contents(argv[2]);
    wanted = (uint64_t)tools_number(argv[3]);
    rate = (uint64_t)tools_number(argv[4]);
    due = calloc(wanted, sizeof *due);
    ms = calloc(wanted, sizeof *ms);
    TOOLS_MUST(wanted > 0 && rate > 0 && due && ms);
    parts_keys();
    parts_open(&publisher, argv[1], "publisher");
    parts_open(&subscriber, argv[1], "subscriber");
    socket = parts_bind(zmq_ctx_new(), ZMQ_XPUB, true, 0, endpoint);
    TOOLS_MUST(pthread_create(&thread, NULL, subscribe, NULL) == 0);
    TOOLS_MUST(zmq_recv(socket, &joined, 1, 0) == 1); /* its subscription */
    start = tools_now_ns();
    for (uint64_t i = 0; i < wanted; i++) {
        size_t size = tools_content(&contents, i, bytes);

        due[i] = start + (int64_t)(i * 1000000000 / rate);
        tools_sleep_until(due[i]);
        parts_insert(&publisher, i, bytes, size);
        TOOLS_MUST(zmq_send(socket, bytes, size, 0) == (int)size);
    }
    pthread_join(thread, NULL);
    tools_print_latency(ms, wanted, &arrivals, wanted);
    return 0;
}
