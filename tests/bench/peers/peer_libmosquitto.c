/* peer_libmosquitto: Mosquitto with QoS 1 through libmosquitto, the client library that comes with
 * it, as a program that people write uses it: one publisher with many messages on their way, one
 * subscriber with a persistent session, each with the library's own thread. peer_mosquitto.c is
 * what a client made for speed gets from the same broker.
 *
 * usage: peer_libmosquitto PORT PID CONTENTS COUNT WINDOW
 *
 * Until the subscriber has all and all are acknowledged. PID: of the broker, whose CPU time is
 * counted. */
#include "tests/bench/tools.h"

#include <mosquitto.h>
#include <pthread.h>
#include <string.h>

#define TOPIC "announcements"
#define NOTHING_S 20 /* so long nothing comes: something is lost */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects what follows */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct arrivals arrivals;
static uint64_t acknowledged, subscribed;

static void on_message(struct mosquitto *session, void *unused,
                       const struct mosquitto_message *message)
{
    (void)session, (void)unused;
    pthread_mutex_lock(&lock);
    arrivals_add(&arrivals, message->payload, (size_t)message->payloadlen);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_publish(struct mosquitto *session, void *unused, int id)
{
    (void)session, (void)unused, (void)id;
    pthread_mutex_lock(&lock);
    acknowledged++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_subscribe(struct mosquitto *session, void *unused, int id, int count,
                         const int *granted)
{
    (void)session, (void)unused, (void)id;
    TOOLS_MUST(count == 1 && granted[0] == 1);
    pthread_mutex_lock(&lock);
    subscribed = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_until(const uint64_t *number, uint64_t wanted)
{
    struct timespec end;

    pthread_mutex_lock(&lock);
    while (*number < wanted) {
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += NOTHING_S;
        TOOLS_MUST(pthread_cond_timedwait(&changed, &lock, &end) == 0);
    }
    pthread_mutex_unlock(&lock);
}

static struct mosquitto *open_session(const char *name, int port)
{
    struct mosquitto *session = mosquitto_new(name, false, NULL);

    TOOLS_MUST(session);
    mosquitto_message_callback_set(session, on_message);
    mosquitto_publish_callback_set(session, on_publish);
    mosquitto_subscribe_callback_set(session, on_subscribe);
    TOOLS_MUST(mosquitto_max_inflight_messages_set(session, 0) == MOSQ_ERR_SUCCESS);
    TOOLS_MUST(mosquitto_int_option(session, MOSQ_OPT_TCP_NODELAY, 1) == MOSQ_ERR_SUCCESS);
    TOOLS_MUST(mosquitto_connect(session, "127.0.0.1", port, 60) == MOSQ_ERR_SUCCESS);
    TOOLS_MUST(mosquitto_loop_start(session) == MOSQ_ERR_SUCCESS);
    return session;
}

static void close_session(struct mosquitto *session)
{
    TOOLS_MUST(mosquitto_disconnect(session) == MOSQ_ERR_SUCCESS);
    TOOLS_MUST(mosquitto_loop_stop(session, false) == MOSQ_ERR_SUCCESS);
    mosquitto_destroy(session);
}

int main(int argc, char **argv)
{
    static uint8_t content[TOOLS_CONTENT_MAX];
    struct mosquitto *publisher, *subscriber;
    struct contents contents;
    uint64_t count, window;
    int64_t start;
    double cpu;
    int port;

    if (argc != 6)
        tools_die("usage: peer_libmosquitto PORT PID CONTENTS COUNT WINDOW");
    port = (int)tools_number(argv[1]);
    contents = tools_contents(argv[3]);
    count = (uint64_t)tools_number(argv[4]);
    window = (uint64_t)tools_number(argv[5]);
    TOOLS_MUST(count > 0 && window > 0 && mosquitto_lib_init() == MOSQ_ERR_SUCCESS);
    subscriber = open_session("subscriber", port);
    TOOLS_MUST(mosquitto_subscribe(subscriber, NULL, TOPIC, 1) == MOSQ_ERR_SUCCESS);
    wait_until(&subscribed, 1);
    publisher = open_session("publisher", port);
    cpu = tools_cpu_seconds(tools_number(argv[2]));
    start = tools_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        size_t size = tools_content(&contents, i, content);

        if (i >= window)
            wait_until(&acknowledged, i - window + 1);
        TOOLS_MUST(mosquitto_publish(publisher, NULL, TOPIC, (int)size, content, 1, false) ==
                   MOSQ_ERR_SUCCESS);
    }
    wait_until(&arrivals.next, count);
    wait_until(&acknowledged, count);
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(tools_number(argv[2])) - cpu;
    close_session(publisher);
    close_session(subscriber);
    mosquitto_lib_cleanup();
    tools_print_rate(&arrivals, count, start, cpu);
    return 0;
}
