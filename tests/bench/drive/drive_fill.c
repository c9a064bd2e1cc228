/* drive_fill HOME CONTENTS [--feeds N] [--entries N] [--run N]: fills the home of a stopped node,
 * which must have run once, with the feeds of N new institutions: their cards in its partners/
 * folder, and so many entries in all in its ledger, through the store port, as if they had come
 * from them in runs of at most N. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "node/config/config.h"
#include "node/config/home.h"
#include "node/ledger/ledger.h"
#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/publisher.h"

/* Runs in one transaction: some thousand entries, as a node that is busy makes it. */
#define RUNS_PER_COMMIT 32

struct fill {
    const char *arguments[2]; /* home, file of contents */
    uint64_t feeds, entries, run;
    struct config config;
    struct contents contents;
    struct store store;
    struct publisher *publishers;
    uint64_t next; /* number of the next content */
};

static int open_home(struct fill *fill, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = config_load(fill->arguments[0], &fill->config, NULL, error);

    if (!code)
        code = home_path(fill->arguments[0], HOME_LEDGER, path, error);
    if (!code)
        code = ledger_sqlite_create(path, LEDGER_EXISTING, &fill->store, error);
    return code ? code : contents_read(fill->arguments[1], &fill->contents, error);
}

static int make_publishers(struct fill *fill, struct error *error)
{
    char folder[HOME_PATH_SIZE];
    int code = home_path(fill->arguments[0], HOME_PARTNERS, folder, error);

    fill->publishers = calloc(fill->feeds, sizeof *fill->publishers);
    if (!fill->publishers)
        return error_memory(error);
    for (uint64_t i = 0; !code && i < fill->feeds; i++)
        code = publisher_init(&fill->publishers[i], fill->config.message->network, (unsigned)i,
                              folder, error);
    return code;
}

/* Where this feed ends: all have the same number of entries, the first ones perhaps one more. */
static uint64_t last_of(const struct fill *fill, uint64_t feed)
{
    return fill->entries / fill->feeds + (feed < fill->entries % fill->feeds);
}

/* One run of every feed in turn, as it comes from many who publish at the same time. *more: some
 * have not reached their end. */
static int append_round(struct fill *fill, uint64_t *runs, bool *more, struct error *error)
{
    const struct store *store = &fill->store;
    int code = ERROR_NONE;

    *more = false;
    for (uint64_t i = 0; !code && i < fill->feeds; i++) {
        struct publisher *publisher = &fill->publishers[i];

        if (publisher->head.seq >= last_of(fill, i))
            continue;
        *more = true;
        if (++*runs % RUNS_PER_COMMIT == 0) {
            code = store->operations->commit(store->self, error);
            if (!code)
                code = store->operations->begin(store->self, error);
        }
        if (!code)
            code = publisher_append(publisher, &fill->contents, &fill->next, last_of(fill, i),
                                    (unsigned)fill->run, store, error);
    }
    return code;
}

static int append_all(struct fill *fill, struct error *error)
{
    const struct store *store = &fill->store;
    bool more = true;
    uint64_t runs = 0;
    int code = store->operations->begin(store->self, error);

    while (!code && more)
        code = append_round(fill, &runs, &more, error);
    for (uint64_t i = 0; !code && i < fill->feeds; i++)
        code = publisher_state_head(&fill->publishers[i], store, error);
    return code ? code : store->operations->commit(store->self, error);
}

static void print_done(const struct fill *fill, uint64_t started)
{
    uint64_t entries = 0, content_bytes = 0;

    for (uint64_t i = 0; i < fill->feeds; i++) {
        entries += fill->publishers[i].head.seq;
        content_bytes += fill->publishers[i].content_bytes;
    }
    printf("{\"info\": {\"feeds\": %" PRIu64 ", \"entries\": %" PRIu64
           ", \"content_bytes\": %" PRIu64 ", \"seconds\": %.3f}}\n",
           fill->feeds, entries, content_bytes, drive_seconds(started, drive_now()));
}

static void finish(struct fill *fill)
{
    for (uint64_t i = 0; fill->publishers && i < fill->feeds; i++)
        publisher_finish(&fill->publishers[i]);
    free(fill->publishers);
    contents_finish(&fill->contents);
    if (fill->store.operations)
        fill->store.operations->destroy(fill->store.self);
    config_finish(&fill->config);
}

static int check_arguments(const struct fill *fill, struct error *error)
{
    if (fill->feeds == 0 || fill->feeds > 9999 || fill->entries < 3 * fill->feeds ||
        fill->run == 0 || fill->run > PUBLISHER_RUN)
        return error_set(error, ERROR_USAGE,
                         "expected 1 to 9999 feeds, at least 3 entries a feed, runs of 1 to "
                         "%d",
                         PUBLISHER_RUN);
    return ERROR_NONE;
}

int main(int argc, char **argv)
{
    struct fill fill = {.feeds = 50, .entries = 100000, .run = PUBLISHER_RUN};
    const struct drive_option options[] = {{"--feeds", &fill.feeds, NULL},
                                           {"--entries", &fill.entries, NULL},
                                           {"--run", &fill.run, NULL},
                                           {NULL, NULL, NULL}};
    uint64_t started = drive_now();
    struct error error = {0};
    int code = drive_start(argc, argv, options, fill.arguments, 2, &error);

    if (!code)
        code = check_arguments(&fill, &error);
    if (!code)
        code = open_home(&fill, &error);
    if (!code)
        code = make_publishers(&fill, &error);
    if (!code)
        code = append_all(&fill, &error);
    if (!code)
        print_done(&fill, started);
    finish(&fill);
    return drive_end(argv[0], code, &error);
}
