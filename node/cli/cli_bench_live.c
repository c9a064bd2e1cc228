#include "node/cli/cli_bench.h"

#include "common/live_message.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <zmq.h>

/* The node's own sockets are not for the client (siblings never include each other); these carry
 * the same message over the same encryption. */
#define TOPIC "feed/bench/"
#define KEY_SIZE 41
#define WAIT_MS 5000
#define STEP_MS 200

struct live {
    void *context, *out, *in;
    struct buffer message;
    atomic_bool stop;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* A lost message would make the figure better, so nothing may be dropped. */
static bool open_out(struct live *live, const char *secret, char *endpoint, size_t size)
{
    return (live->out = zmq_socket(live->context, ZMQ_XPUB)) && set(live->out, ZMQ_LINGER, 0) &&
           set(live->out, ZMQ_XPUB_NODROP, 1) && set(live->out, ZMQ_SNDTIMEO, STEP_MS) &&
           set(live->out, ZMQ_RCVTIMEO, WAIT_MS) && set(live->out, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt(live->out, ZMQ_CURVE_SECRETKEY, secret, KEY_SIZE - 1) == 0 &&
           zmq_bind(live->out, "tcp://127.0.0.1:*") == 0 &&
           zmq_getsockopt(live->out, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0;
}

static bool open_in(struct live *live, const char *server, const char *public, const char *secret,
                    const char *endpoint)
{
    return (live->in = zmq_socket(live->context, ZMQ_SUB)) && set(live->in, ZMQ_LINGER, 0) &&
           set(live->in, ZMQ_RCVTIMEO, STEP_MS) &&
           zmq_setsockopt(live->in, ZMQ_CURVE_SERVERKEY, server, KEY_SIZE - 1) == 0 &&
           zmq_setsockopt(live->in, ZMQ_CURVE_PUBLICKEY, public, KEY_SIZE - 1) == 0 &&
           zmq_setsockopt(live->in, ZMQ_CURVE_SECRETKEY, secret, KEY_SIZE - 1) == 0 &&
           zmq_setsockopt(live->in, ZMQ_SUBSCRIBE, TOPIC, sizeof TOPIC - 1) == 0 &&
           zmq_connect(live->in, endpoint) == 0;
}

static int open_sockets(struct live *live, struct error *error)
{
    char server[2][KEY_SIZE], client[2][KEY_SIZE], endpoint[64], subscription[64];
    int size = -1;

    live->context = zmq_ctx_new();
    if (live->context && zmq_curve_keypair(server[0], server[1]) == 0 &&
        zmq_curve_keypair(client[0], client[1]) == 0 &&
        open_out(live, server[1], endpoint, sizeof endpoint) &&
        open_in(live, server[0], client[0], client[1], endpoint))
        size = zmq_recv(live->out, subscription, sizeof subscription, 0);
    return size > 0 ? ERROR_NONE
                    : error_set(error, ERROR_IO, "cannot connect to this machine itself: %s",
                                zmq_strerror(zmq_errno()));
}

static void *send_all(void *argument)
{
    struct live *live = argument;

    while (!atomic_load(&live->stop))
        zmq_send(live->out, live->message.data, live->message.size, 0);
    return NULL;
}

/* Messages that arrive in so many seconds, counted from the first one. */
static int count(struct live *live, double seconds, const volatile sig_atomic_t *stop, double *rate,
                 struct error *error)
{
    double begun = now(), first = 0, last = begun;
    unsigned long messages = 0;

    while (first == 0 || last - first < seconds) {
        char bytes[16]; /* the rest of a longer message is received and cut off */

        if (stop && *stop)
            return error_set(error, ERROR_TIMEOUT, "stopped");
        if (zmq_recv(live->in, bytes, sizeof bytes, 0) < 0)
            last = now();
        else if (++messages % 64 == 1)
            last = now();
        if (messages && first == 0)
            first = last;
        if (first == 0 && last - begun > WAIT_MS / 1000.0)
            return error_set(error, ERROR_TIMEOUT, "nothing arrives on this machine's loopback");
    }
    *rate = (double)messages / (last - first);
    return ERROR_NONE;
}

int cli_bench_live(struct span payload, double seconds, const volatile sig_atomic_t *stop,
                   double *rate, struct error *error)
{
    struct live live = {0};
    pthread_t thread;
    int code = live_message_append(&live.message, TOPIC, payload) ? open_sockets(&live, error)
                                                                  : error_memory(error);

    if (!code && pthread_create(&thread, NULL, send_all, &live) != 0)
        code = error_memory(error);
    else if (!code) {
        code = count(&live, seconds, stop, rate, error);
        atomic_store(&live.stop, true);
        pthread_join(thread, NULL);
    }
    if (live.in)
        zmq_close(live.in);
    if (live.out)
        zmq_close(live.out);
    if (live.context)
        while (zmq_ctx_term(live.context) != 0 && zmq_errno() == EINTR)
            ;
    buffer_finish(&live.message);
    return code;
}
