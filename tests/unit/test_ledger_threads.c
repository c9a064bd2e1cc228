/* One writer and several readers of one ledger at the same time; runs under the thread sanitizer,
 * too. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/ledger_fixture.h"

#define READERS 3
#define BATCHES 120
#define BATCH 10 /* entries a transaction, all of one feed */

struct reader {
    pthread_t thread;
    const char *path;
    struct id feeds[2];
    atomic_bool *done;
    atomic_bool follows; /* it has read something, or has ended */
    const char *wrong;   /* first thing that was; cmocka's asserts work in the main thread only */
    uint64_t rounds, last_arrival, seen, expected_seq;
};

static int check_arrival(void *context, const struct store_entry *entry)
{
    struct reader *reader = context;

    if (entry->arrival <= reader->last_arrival)
        reader->wrong = "arrivals do not rise";
    if (entry->entry.content.size != 7 || memcmp(entry->entry.content.data, "content", 7) != 0)
        reader->wrong = "a content is not what was written";
    reader->last_arrival = entry->arrival;
    reader->seen++;
    return 0;
}

static int check_seq(void *context, const struct store_entry *entry)
{
    struct reader *reader = context;

    if (entry->entry.seq != ++reader->expected_seq)
        reader->wrong = "a seq is missing or comes twice";
    return 0;
}

static void read_feed(struct reader *reader, struct store store, const struct id *id)
{
    struct store_feed feed;
    int code = call(store, get_feed, id, &feed, NULL);

    if (code == ERROR_NOT_FOUND)
        return;
    if (code)
        reader->wrong = "get_feed failed";
    else if (feed.head.seq % BATCH)
        reader->wrong = "half a transaction is to be seen";
    reader->expected_seq = 0;
    if (!code && call(store, entries, id, 1, feed.head.seq, check_seq, reader, NULL))
        reader->wrong = "entries failed";
    if (!code && reader->expected_seq != feed.head.seq)
        reader->wrong = "fewer entries than the head says";
}

/* Follows the ledger by arrival until the writer is done, and then once more. */
static void *read_along(void *context)
{
    struct reader *reader = context;
    struct store store;
    bool last = false;

    if (ledger_sqlite_open_reader(reader->path, &store, NULL) != ERROR_NONE) {
        reader->wrong = "a reader could not open the ledger";
        atomic_store(&reader->follows, true);
        return NULL;
    }
    while (!reader->wrong && !last) {
        struct store_info info;

        last = atomic_load(reader->done);
        if (call(store, info, &info, NULL) || info.last_arrival % BATCH)
            reader->wrong = "info failed or shows half a transaction";
        if (call(store, arrivals, reader->last_arrival, STORE_ALL_TYPES, check_arrival, reader,
                 NULL))
            reader->wrong = "arrivals failed";
        read_feed(reader, store, &reader->feeds[reader->rounds % 2]);
        reader->rounds++;
        if (reader->seen || reader->wrong)
            atomic_store(&reader->follows, true);
    }
    store.operations->destroy(store.self);
    return NULL;
}

static void test_ledger__is_read_while_it_is_written(void **state)
{
    struct ledger_fixture *f = *state;
    struct reader readers[READERS] = {0};
    char path[FOLDER_PATH_SIZE * 2];
    atomic_bool done = false;

    snprintf(path, sizeof path, "%s", folder_file(&f->folder, "ledger.db"));
    for (size_t i = 0; i < READERS; i++) {
        readers[i].path = path;
        readers[i].feeds[0] = f->a->feed;
        readers[i].feeds[1] = f->b->feed;
        readers[i].done = &done;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_along, &readers[i]), 0);
    }
    for (size_t i = 0; i < BATCHES; i++) {
        ledger_fixture_fill(f, i % 3 ? f->a : f->b, BATCH);
        /* On a busy machine all could be written before the first of them comes to read. */
        for (size_t k = 0; i == BATCHES / 4 && k < READERS; k++)
            while (!atomic_load(&readers[k].follows))
                sched_yield();
    }
    atomic_store(&done, true);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        if (readers[i].wrong)
            fail_msg("%s", readers[i].wrong);
        assert_int_equal(readers[i].seen, BATCHES * BATCH);
        assert_true(readers[i].rounds > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ledger__is_read_while_it_is_written,
                                        ledger_fixture_setup_sqlite, ledger_fixture_teardown),
    };

    return cmocka_run_group_tests_name("ledger_threads", tests, NULL, NULL);
}
