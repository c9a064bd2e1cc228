/* drive_latency PUBLISHER PARTNER CONTENTS [--rate N] [--seconds N]: publishes N announcements a
 * second at even distances through a client of the publisher's node, while a client of the
 * partner's node follows what is new there, as `caravan follow` does. An announcement's latency
 * runs from the moment in which it was due to be published, whether the publisher was held up or
 * not, until the follower has it, which is after the partner has committed it. One process, one
 * clock. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/control.pb-c.h"
#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/feeder.h"

#define SECOND_NS 1000000000u
#define LAST_NS                                                                                    \
    (20 * (uint64_t)SECOND_NS) /* so long after the last one was sent it must be there */
#define POLL_MS 1000

struct latency {
    const char *arguments[3];
    uint64_t rate, seconds, count;
    struct contents contents;
    struct feeder feeder; /* at the publisher */
    struct party partner;
    uint64_t base, started; /* base: seq before the first one */
    uint64_t *received;     /* drive_now, by place */
    _Atomic uint64_t come;  /* how many the follower has */
    atomic_bool over;
    uint64_t twice, strange;
    uint64_t after; /* where the follower is */
    struct error following;
};

static uint64_t due(const struct latency *latency, uint64_t place)
{
    return latency->started + place * SECOND_NS / latency->rate;
}

/* --- the follower ----------------------------------------------------------------------------- */

static void take_item(struct latency *latency, const Caravan__Item *item, uint64_t now)
{
    uint64_t place = item->event_seq - latency->base - 1;
    struct id feed;

    if (!span_to_id(span_of(item->feed.data, item->feed.len), &feed) ||
        !id_equal(&feed, &latency->feeder.party.feed) || place >= latency->count) {
        latency->strange++;
    } else if (latency->received[place]) {
        latency->twice++;
    } else {
        latency->received[place] = now;
        atomic_fetch_add(&latency->come, 1);
    }
}

/* One long poll. has_after false: only to learn where the ledger ends. */
static int poll_changes(struct latency *latency, bool has_after, struct error *error)
{
    Caravan__ChangesRequest request = CARAVAN__CHANGES_REQUEST__INIT;
    const Caravan__ChangesReply *changes;
    ProtobufCMessage *reply;
    uint64_t now;
    int code;

    request.has_after = has_after;
    request.after = latency->after;
    request.has_wait_ms = true;
    request.wait_ms = POLL_MS;
    party_forget(&latency->partner);
    code = client_call(latency->partner.client, "changes", &request.base,
                       &caravan__changes_reply__descriptor, &latency->partner.arena,
                       POLL_MS + CLIENT_TIMEOUT_MS, &reply, error);
    if (code)
        return code;
    now = drive_now();
    changes = (const Caravan__ChangesReply *)reply;
    for (size_t i = 0; i < changes->n_items; i++)
        take_item(latency, changes->items[i], now);
    latency->after = changes->next_after;
    return ERROR_NONE;
}

static void *follow(void *context)
{
    struct latency *latency = context;

    while (!latency->following.code && !atomic_load(&latency->over) &&
           atomic_load(&latency->come) < latency->count)
        poll_changes(latency, true, &latency->following);
    atomic_store(&latency->over, true);
    return NULL;
}

/* --- the publisher ---------------------------------------------------------------------------- */

static int publish_all(struct latency *latency, struct error *error)
{
    int code = ERROR_NONE;

    for (uint64_t place = 0; !code && place < latency->count; place++) {
        drive_sleep_until(due(latency, place));
        code = feeder_publish(&latency->feeder, error);
    }
    return code ? code : feeder_settle(&latency->feeder, error);
}

/* --- one after the other ---------------------------------------------------------------------- */

static int prepare(struct latency *latency, struct error *error)
{
    int code = contents_read(latency->arguments[2], &latency->contents, error);

    latency->count = latency->rate * latency->seconds;
    latency->received = calloc(latency->count + 1, sizeof *latency->received);
    if (!code && (!latency->received || !latency->count))
        code = error_memory(error);
    if (!code)
        code = feeder_open(latency->arguments[0], &latency->contents, &latency->feeder, error);
    if (!code)
        code = party_open(latency->arguments[1], &latency->partner, error);
    latency->base = latency->feeder.party.seq;
    return code ? code : poll_changes(latency, false, error);
}

static void wait_for_last(struct latency *latency)
{
    uint64_t deadline = drive_now() + LAST_NS;

    while (!atomic_load(&latency->over) && drive_now() < deadline)
        drive_sleep_until(drive_now() + SECOND_NS / 1000);
    atomic_store(&latency->over, true);
}

static int run(struct latency *latency, struct error *error)
{
    pthread_t thread;
    int code;

    if (pthread_create(&thread, NULL, follow, latency))
        return error_set(error, ERROR_MEMORY, "cannot start a thread");
    latency->started = drive_now() + SECOND_NS / 10;
    code = publish_all(latency, error);
    if (!code)
        wait_for_last(latency);
    atomic_store(&latency->over, true);
    pthread_join(thread, NULL);
    if (!code && latency->following.code) {
        *error = latency->following;
        code = (int)error->code;
    }
    return code;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static double percentile(const uint64_t *sorted, uint64_t count, double percent)
{
    uint64_t place = (uint64_t)((double)count * percent / 100.0);

    return count ? (double)sorted[place < count ? place : count - 1] / 1e6 : 0;
}

static void print_done(struct latency *latency)
{
    uint64_t *sorted = latency->received, count = 0;

    for (uint64_t i = 0; i < latency->count; i++)
        if (latency->received[i])
            sorted[count++] = latency->received[i] - due(latency, i);
    qsort(sorted, count, sizeof *sorted, compare);
    printf("{\"values\": {\"p50_ms\": %.3f, \"p99_ms\": %.3f}, \"checks\": {\"answered\": [%" PRIu64
           ", %" PRIu64 "], \"in_order\": [%" PRIu64 ", %" PRIu64 "], \"followed\": [%" PRIu64
           ", %" PRIu64 "], \"twice\": [%" PRIu64 ", 0], \"strange\": [%" PRIu64
           ", 0]}, \"info\": {\"p90_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f}}\n",
           percentile(sorted, count, 50), percentile(sorted, count, 99), latency->feeder.answered,
           latency->count, latency->feeder.in_order, latency->count, count, latency->count,
           latency->twice, latency->strange, percentile(sorted, count, 90),
           percentile(sorted, count, 99.9), percentile(sorted, count, 100));
}

int main(int argc, char **argv)
{
    struct latency latency = {.rate = 500, .seconds = 5};
    const struct drive_option options[] = {
        {"--rate", &latency.rate, NULL}, {"--seconds", &latency.seconds, NULL}, {NULL, NULL, NULL}};
    struct error error = {0};
    int code = drive_start(argc, argv, options, latency.arguments, 3, &error);

    if (!code)
        code = prepare(&latency, &error);
    if (!code)
        code = run(&latency, &error);
    if (!code)
        print_done(&latency);
    free(latency.received);
    feeder_finish(&latency.feeder);
    party_finish(&latency.partner);
    contents_finish(&latency.contents);
    return drive_end(argv[0], code, &error);
}
