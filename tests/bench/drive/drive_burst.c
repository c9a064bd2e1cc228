/* drive_burst PUBLISHER PARTNER CONTENTS [--count N]: publishes N announcements through one client
 * of the publisher's node, with as many requests on their way as the client allows, and waits until
 * the partner's ledger has all of them, committed. Then it reads them there: the contents that were
 * sent, in that order, none lost, none twice, with the hashes that the publisher's node answered.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/party.h"
#include "tests/bench/drive/watch.h"

#define DEADLINE_NS (200 * (uint64_t)1000000000)

struct burst {
    const char *arguments[3]; /* home, home, file of contents */
    uint64_t count, base;     /* base: seq before the first one */
    struct contents contents;
    struct party publisher;
    struct watch partner;
    struct id *hashes; /* as answered, of the first announcement and so on */
    uint64_t answered, in_order;
    uint64_t started, answered_at, done; /* drive_now */
    uint64_t deadline, wanted;           /* seq that the partner must reach */
    struct error watching;
    atomic_bool failed; /* nothing more will come */
    /* what was found at the partner */
    uint64_t found, equal;
};

/* --- publishing ------------------------------------------------------------------------------- */

static int take_answer(struct burst *burst, uint64_t first_id, struct error *error)
{
    struct id hash;
    uint64_t id, seq, place;
    int code = party_answer(&burst->publisher, CLIENT_LONG_TIMEOUT_MS, &id, &seq, &hash, error);

    if (code)
        return code;
    place = id - first_id;
    burst->answered++;
    burst->in_order += seq == burst->base + place + 1;
    if (place < burst->count)
        burst->hashes[place] = hash;
    return ERROR_NONE;
}

static int publish_all(struct burst *burst, struct error *error)
{
    uint64_t sent = 0, id = 0, first_id = 0;
    int code = ERROR_NONE;

    while (!code && burst->answered < burst->count) {
        while (!code && sent < burst->count &&
               client_unanswered(burst->publisher.client) < CLIENT_WINDOW) {
            code =
                party_publish(&burst->publisher, contents_get(&burst->contents, sent), &id, error);
            first_id = sent++ ? first_id : id;
        }
        if (!code)
            code = take_answer(burst, first_id, error);
    }
    burst->answered_at = drive_now();
    return code;
}

/* --- the partner ------------------------------------------------------------------------------ */

static bool has_come(void *context, struct error *error)
{
    struct burst *burst = context;
    const struct store *store = &burst->partner.reader;
    struct store_feed feed;
    struct error unknown;
    int code = store->operations->get_feed(store->self, &burst->publisher.feed, &feed, &unknown);

    burst->done = drive_now();
    if (code && code != ERROR_NOT_FOUND)
        *error = unknown;
    return atomic_load(&burst->failed) || (!code && feed.head.seq >= burst->wanted);
}

static void *watch_partner(void *context)
{
    struct burst *burst = context;

    watch_until(&burst->partner, has_come, burst, burst->deadline, &burst->watching);
    return NULL;
}

static int take_entry(void *context, const struct store_entry *row)
{
    struct burst *burst = context;
    uint64_t place = row->entry.seq - burst->base - 1;

    burst->equal += place == burst->found && place < burst->count && row->entry.has_content &&
                    id_equal(&row->entry.hash, &burst->hashes[place]) &&
                    span_equal(row->entry.content, contents_get(&burst->contents, place));
    burst->found++;
    return 0;
}

static int look_through(struct burst *burst, struct error *error)
{
    const struct store *store = &burst->partner.reader;

    return store->operations->entries(store->self, &burst->publisher.feed, burst->base + 1,
                                      INT64_MAX, take_entry, burst, error);
}

/* --- one after the other ---------------------------------------------------------------------- */

static int prepare(struct burst *burst, struct error *error)
{
    int code = contents_read(burst->arguments[2], &burst->contents, error);

    burst->hashes = calloc(burst->count + 1, sizeof *burst->hashes);
    burst->deadline = drive_now() + DEADLINE_NS;
    if (!code && !burst->hashes)
        code = error_memory(error);
    if (!code)
        code = party_open(burst->arguments[0], &burst->publisher, error);
    if (!code)
        code = watch_open(burst->arguments[1], &burst->partner, error);
    if (code)
        return code;
    burst->base = burst->wanted = burst->publisher.seq;
    code = watch_until(&burst->partner, has_come, burst, burst->deadline, error);
    burst->wanted = burst->base + burst->count;
    return code;
}

static int run(struct burst *burst, struct error *error)
{
    pthread_t thread;
    int code;

    if (pthread_create(&thread, NULL, watch_partner, burst))
        return error_set(error, ERROR_MEMORY, "cannot start a thread");
    burst->started = drive_now();
    code = publish_all(burst, error);
    if (code)
        atomic_store(&burst->failed, true);
    pthread_join(thread, NULL);
    if (!code && burst->watching.code) {
        *error = burst->watching;
        code = (int)error->code;
    }
    return code;
}

static void print_done(const struct burst *burst, double cpu)
{
    double seconds = drive_seconds(burst->started, burst->done);

    printf("{\"values\": {\"rate\": %.1f}, \"checks\": {\"answered\": [%" PRIu64 ", %" PRIu64
           "], \"in_order\": [%" PRIu64 ", %" PRIu64 "], \"received\": [%" PRIu64 ", %" PRIu64
           "], \"as_sent\": [%" PRIu64 ", %" PRIu64
           "]}, \"info\": {\"seconds\": %.4f, \"answered_s\": %.4f, \"client_cpu_us\": %.2f, "
           "\"window\": %d}}\n",
           (double)burst->count / seconds, burst->answered, burst->count, burst->in_order,
           burst->count, burst->found, burst->count, burst->equal, burst->count, seconds,
           drive_seconds(burst->started, burst->answered_at), cpu * 1e6 / (double)burst->count,
           CLIENT_WINDOW);
}

int main(int argc, char **argv)
{
    struct burst burst = {.count = 100000};
    const struct drive_option options[] = {{"--count", &burst.count, NULL}, {NULL, NULL, NULL}};
    struct error error = {0};
    double cpu = 0;
    int code = drive_start(argc, argv, options, burst.arguments, 3, &error);

    if (!code)
        code = prepare(&burst, &error);
    if (!code) {
        cpu = drive_cpu_seconds();
        code = run(&burst, &error);
        cpu = drive_cpu_seconds() - cpu;
    }
    if (!code)
        code = look_through(&burst, &error);
    if (!code)
        print_done(&burst, cpu);
    free(burst.hashes);
    watch_finish(&burst.partner);
    party_finish(&burst.publisher);
    contents_finish(&burst.contents);
    return drive_end(argv[0], code, &error);
}
