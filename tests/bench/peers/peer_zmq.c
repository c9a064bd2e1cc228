/* peer_zmq: raw libzmq, PUB to SUB over TCP, in two threads with a context each.
 *
 * usage: peer_zmq rate    plain|curve CONTENTS COUNT
 *        peer_zmq latency plain|curve CONTENTS COUNT RATE */
#include "tests/bench/parts.h"
#include "tests/bench/tools.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define HWM 10000

static uint64_t wanted, rate; /* rate: 0: as fast as it goes */
static bool curve;
static char endpoint[PARTS_ENDPOINT_SIZE];

/* The subscriber's, until it has ended; a message brings it what was written to due before. */
static struct arrivals arrivals;
static int64_t *due, finished_at;
static double *ms;

static void *subscribe(void *unused)
{
    void *context = zmq_ctx_new(), *socket;
    zmq_msg_t message;

    socket = parts_connect(context, ZMQ_SUB, curve, HWM, endpoint);
    zmq_msg_init(&message);
    while (arrivals.next < wanted) {
        const void *data;
        uint64_t number;
        size_t size;

        TOOLS_MUST(zmq_msg_recv(&message, socket, 0) >= 0);
        data = zmq_msg_data(&message);
        size = zmq_msg_size(&message);
        number = tools_message_number(data, size);
        if (rate && number < wanted)
            ms[arrivals.next] = (double)(tools_now_ns() - due[number]) / 1e6;
        arrivals_add(&arrivals, data, size);
    }
    finished_at = tools_now_ns();
    zmq_msg_close(&message);
    zmq_close(socket);
    zmq_ctx_term(context);
    return unused;
}

static void publish(void *socket, const struct contents *contents)
{
    uint8_t bytes[TOOLS_CONTENT_MAX];
    int64_t start = tools_now_ns();

    for (uint64_t i = 0; i < wanted; i++) {
        size_t size = tools_content(contents, i, bytes);

        if (rate) {
            due[i] = start + (int64_t)(i * 1000000000 / rate);
            tools_sleep_until(due[i]);
        }
        TOOLS_MUST(zmq_send(socket, bytes, size, 0) == (int)size);
    }
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *socket;
    struct contents contents;
    pthread_t thread;
    int64_t start;
    char joined;
    double cpu;

    if (argc < 5)
        tools_die("usage: peer_zmq rate|latency plain|curve CONTENTS COUNT [RATE]");
    curve = strcmp(argv[2], "curve") == 0;
    contents = tools_contents(argv[3]);
    wanted = (uint64_t)tools_number(argv[4]);
    if (argc > 5)
        rate = (uint64_t)tools_number(argv[5]);
    due = calloc(wanted, sizeof *due);
    ms = calloc(wanted, sizeof *ms);
    TOOLS_MUST(wanted > 0 && due && ms);
    parts_keys();
    /* XPUB, to see that the subscriber is there, and to wait for it instead of dropping. */
    socket = parts_bind(context, ZMQ_XPUB, curve, HWM, endpoint);
    parts_set(socket, ZMQ_XPUB_NODROP, 1);
    TOOLS_MUST(pthread_create(&thread, NULL, subscribe, NULL) == 0);
    TOOLS_MUST(zmq_recv(socket, &joined, 1, 0) == 1); /* its subscription */
    cpu = tools_cpu_seconds(0);
    start = tools_now_ns();
    publish(socket, &contents);
    pthread_join(thread, NULL);
    cpu = tools_cpu_seconds(0) - cpu;
    zmq_close(socket);
    zmq_ctx_term(context);
    if (rate)
        tools_print_latency(ms, wanted, &arrivals, wanted);
    else
        tools_print_rate(&arrivals, wanted, finished_at - start, cpu);
    return 0;
}
