/* peer_jetstream: a NATS JetStream stream in a file, with libnats.
 *
 * usage: peer_jetstream publish PORT PID CONTENTS COUNT WINDOW
 *        peer_jetstream pull    PORT PID CONTENTS COUNT FEEDS each|all
 *        peer_jetstream latency PORT PID CONTENTS COUNT RATE
 *
 * publish: asynchronous, WINDOW unacknowledged; until the last acknowledgement.
 * pull: COUNT messages of FEEDS subjects lie there; 1,000 at a time, every one or every last one
 * acknowledged. PID: of the server, whose CPU time is counted. */
#include "tests/bench/tools.h"

#include <nats/nats.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define STREAM "FEEDS"
#define BATCH 1000

static struct contents contents;
static jsCtx *js;
static uint64_t wanted;

static void must(natsStatus status, const char *what)
{
    if (status != NATS_OK)
        tools_die("%s: %s, %s", what, natsStatus_GetText(status), nats_GetLastError(NULL));
}

/* window: messages that wait for an acknowledgement, at most. */
static void open_stream(int port, int64_t window)
{
    char *subjects[] = {(char[]){"feed.*"}};
    const char *subject = subjects[0];
    jsStreamConfig config;
    natsConnection *connection;
    jsOptions options;
    char url[64];

    snprintf(url, sizeof url, "nats://127.0.0.1:%d", port);
    must(natsConnection_ConnectTo(&connection, url), "connect");
    must(jsOptions_Init(&options), "options");
    options.PublishAsync.MaxPending = window;
    options.PublishAsync.StallWait = 60000;
    must(natsConnection_JetStream(&js, connection, &options), "JetStream");
    must(jsStreamConfig_Init(&config), "stream");
    config.Name = STREAM;
    config.Subjects = &subject;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    must(js_AddStream(NULL, js, &config, NULL, NULL), "add stream");
}

static void publish(uint64_t number, uint64_t feeds)
{
    static uint8_t bytes[TOOLS_CONTENT_MAX];
    size_t size = tools_content(&contents, number, bytes);
    char subject[32];

    snprintf(subject, sizeof subject, "feed.%llu", (unsigned long long)(number % feeds));
    must(js_PublishAsync(js, subject, bytes, (int)size, NULL), "publish");
}

static void finish_publishing(void)
{
    natsMsgList refused = {0};
    jsPubOptions options;

    must(jsPubOptions_Init(&options), "options");
    options.MaxWait = 60000;
    must(js_PublishAsyncComplete(js, &options), "waiting for the acknowledgements");
    js_PublishAsyncGetPendingList(&refused, js);
    TOOLS_MUST(refused.Count == 0);
}

static void publish_all(uint64_t feeds)
{
    for (uint64_t i = 0; i < wanted; i++)
        publish(i, feeds);
    finish_publishing();
}

static uint64_t messages_in_stream(void)
{
    jsStreamInfo *info;
    uint64_t count;

    must(js_GetStreamInfo(&info, js, STREAM, NULL, NULL), "stream info");
    count = info->State.Msgs;
    jsStreamInfo_Destroy(info);
    return count;
}

/* --- the three measurements ------------------------------------------------------------------- */

static void measure_publish(long pid)
{
    struct arrivals arrivals = {0};
    double cpu = tools_cpu_seconds(pid);
    int64_t start = tools_now_ns();

    publish_all(1);
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(pid) - cpu;
    arrivals.next = messages_in_stream();
    tools_print_rate(&arrivals, wanted, start, cpu);
}

static void pull(natsSubscription *subscription, bool each, struct arrivals *arrivals)
{
    natsMsgList list = {0};

    must(natsSubscription_Fetch(&list, subscription, BATCH, 30000, NULL), "fetch");
    for (int i = 0; i < list.Count; i++) {
        arrivals_add(arrivals, natsMsg_GetData(list.Msgs[i]),
                     (size_t)natsMsg_GetDataLength(list.Msgs[i]));
        if (each || i == list.Count - 1)
            must(natsMsg_Ack(list.Msgs[i], NULL), "acknowledge");
    }
    natsMsgList_Destroy(&list);
}

/* The server has seen every acknowledgement. */
static void wait_acknowledged(natsSubscription *subscription)
{
    jsConsumerInfo *info;
    uint64_t floor;

    do {
        must(natsSubscription_GetConsumerInfo(&info, subscription, NULL, NULL), "consumer info");
        floor = info->AckFloor.Stream;
        jsConsumerInfo_Destroy(info);
    } while (floor < wanted);
}

static void measure_pull(long pid, uint64_t feeds, bool each)
{
    struct arrivals arrivals = {0};
    natsSubscription *subscription;
    jsSubOptions options;
    int64_t start;
    double cpu;

    publish_all(feeds);
    TOOLS_MUST(messages_in_stream() == wanted);
    must(jsSubOptions_Init(&options), "options");
    options.Config.AckPolicy = each ? js_AckExplicit : js_AckAll;
    options.Config.MaxAckPending = 1000000;
    cpu = tools_cpu_seconds(pid);
    start = tools_now_ns();
    must(js_PullSubscribe(&subscription, js, "feed.*", "partner", NULL, &options, NULL),
         "subscribe");
    while (arrivals.next < wanted)
        pull(subscription, each, &arrivals);
    wait_acknowledged(subscription);
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(pid) - cpu;
    tools_print_rate(&arrivals, wanted, start, cpu);
}

struct latency {
    struct arrivals arrivals;
    int64_t *due;
    double *ms;
    atomic_bool done; /* and with it all else that the library's thread has written */
};

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *argument)
{
    struct latency *latency = argument;
    const char *data = natsMsg_GetData(message);
    size_t size = (size_t)natsMsg_GetDataLength(message);
    uint64_t number = tools_message_number(data, size);

    (void)connection, (void)subscription;
    if (number < wanted)
        latency->ms[latency->arrivals.next % wanted] =
            (double)(tools_now_ns() - latency->due[number]) / 1e6;
    arrivals_add(&latency->arrivals, data, size);
    must(natsMsg_Ack(message, NULL), "acknowledge");
    natsMsg_Destroy(message);
    if (latency->arrivals.next >= wanted)
        latency->done = true;
}

static void measure_latency(uint64_t rate)
{
    struct latency latency = {0};
    natsSubscription *subscription;
    jsSubOptions options;
    int64_t start;

    latency.due = calloc(wanted, sizeof *latency.due);
    latency.ms = calloc(wanted, sizeof *latency.ms);
    TOOLS_MUST(latency.due && latency.ms);
    must(jsSubOptions_Init(&options), "options");
    options.ManualAck = true;
    must(js_Subscribe(&subscription, js, "feed.*", on_message, &latency, NULL, &options, NULL),
         "subscribe");
    start = tools_now_ns() + 100000000;
    for (uint64_t i = 0; i < wanted; i++) {
        latency.due[i] = start + (int64_t)(i * 1000000000 / rate);
        tools_sleep_until(latency.due[i]);
        publish(i, 1);
    }
    finish_publishing();
    for (int i = 0; i < 1000 && !latency.done; i++)
        nats_Sleep(10);
    TOOLS_MUST(latency.done);
    tools_print_latency(latency.ms, wanted, &latency.arrivals, wanted);
}

int main(int argc, char **argv)
{
    uint64_t last;
    long pid;

    if (argc < 7)
        tools_die("usage: peer_jetstream publish|pull|latency PORT PID CONTENTS COUNT LAST "
                  "[each|all]");
    pid = tools_number(argv[3]);
    contents = tools_contents(argv[4]);
    wanted = (uint64_t)tools_number(argv[5]);
    last = (uint64_t)tools_number(argv[6]);
    TOOLS_MUST(wanted > 0 && last > 0);
    must(nats_Open(-1), "libnats");
    open_stream((int)tools_number(argv[2]), strcmp(argv[1], "publish") == 0 ? (int64_t)last : 4000);
    if (strcmp(argv[1], "publish") == 0)
        measure_publish(pid);
    else if (strcmp(argv[1], "pull") == 0 && argc == 8)
        measure_pull(pid, last, strcmp(argv[7], "each") == 0);
    else if (strcmp(argv[1], "latency") == 0)
        measure_latency(last);
    else
        tools_die("peer_jetstream: unknown measurement %s", argv[1]);
    return 0;
}
