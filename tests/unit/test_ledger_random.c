/* The ledger on SQLite against the one in memory: the same random work on both leaves the same,
 * seen by entry and by arrival, by the writer and by readers. Here rows are made, merged and cut in
 * all ways. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/ledger/segment.h"
#include "tests/support/ledger_script.h"
#include "tests/support/ledger_seen.h"

#define FEEDS 3
#define SEEDS 6
#define STEPS 250

struct both {
    struct ledger_fixture *f; /* its writer is the one on SQLite */
    struct store memory;
    struct sample *samples[FEEDS];
    struct store_entry kept[FEEDS][SAMPLE_ENTRIES]; /* as made: whole and signed */
    size_t count[FEEDS], committed[FEEDS];
    uint64_t random;
};

static unsigned any(struct both *both, unsigned below)
{
    both->random = both->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(both->random >> 33) % below;
}

/* Both stores must say the same. */
#define SAME(both, operation, ...)                                                                 \
    do {                                                                                           \
        struct error wrong = {0};                                                                  \
        int expected = call((both)->memory, operation, __VA_ARGS__, &wrong);                       \
        int got = call((both)->f->writer, operation, __VA_ARGS__, &wrong);                         \
        if (got != expected)                                                                       \
            fail_msg(#operation ": %d instead of %d: %s", got, expected, wrong.text);              \
    } while (0)

/* --- comparing -------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t sum, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        sum = (sum ^ bytes.data[i]) * 1099511628211u;
    return sum * 31 + bytes.size;
}

static int add_up(void *context, const struct store_entry *stored)
{
    uint64_t *sum = context;
    const struct entry *entry = &stored->entry;
    const uint64_t numbers[] = {stored->arrival,     stored->received_ms,     stored->certificate,
                                entry->seq,          stored->erased,          entry->created_ms,
                                entry->content_type, entry->has_content,      entry->min_reader,
                                entry->content_size, entry->signature_checked};

    *sum = mix(*sum, span_of(numbers, sizeof numbers));
    *sum = mix(*sum, span_of_id(&entry->hash));
    *sum = mix(*sum, span_of_id(&entry->previous));
    *sum = mix(*sum, span_of_id(&entry->content_hash));
    *sum = mix(*sum, entry->bytes);
    *sum = mix(*sum, entry->signature);
    *sum = mix(*sum, entry->salt);
    *sum = mix(*sum, entry->content);
    return 0;
}

struct few {
    uint64_t *sum;
    int left;
};

static int add_up_few(void *context, const struct store_entry *stored)
{
    struct few *few = context;

    add_up(few->sum, stored);
    return --few->left == 0;
}

static int add_up_quarantined(void *context, const struct store_quarantined *quarantined)
{
    uint64_t *sum = context;

    *sum = mix(*sum, span_of(&quarantined->generation, sizeof quarantined->generation));
    return add_up(sum, &quarantined->entry);
}

static uint64_t sum_of(struct both *both, struct store store, uint64_t from, uint32_t types)
{
    uint64_t sum = 1, missing[64];
    struct store_info info;
    size_t count;

    ok(call(store, info, &info, &both->f->error));
    sum = mix(sum, span_of(&info.generation, sizeof info.generation));
    sum = mix(sum, span_of(&info.last_arrival, sizeof info.last_arrival));
    ok(call(store, arrivals, from, types, add_up, &sum, &both->f->error));
    for (size_t i = 0; i < FEEDS; i++) {
        struct store_feed feed = {0};
        struct few few = {&sum, 20};
        uint64_t numbers[7];

        ok(call(store, entries, &both->samples[i]->feed, from, from + 40, add_up, &sum,
                &both->f->error));
        ok(call(store, newest, &both->samples[i]->feed, 2, add_up_few, &few, &both->f->error));
        ok(call(store, missing, &both->samples[i]->feed, missing, 64, &count, &both->f->error));
        sum = mix(sum, span_of(missing, count * sizeof missing[0]));
        ok(call(store, quarantined, &both->samples[i]->feed, add_up_quarantined, &sum,
                &both->f->error));
        if (call(store, get_feed, &both->samples[i]->feed, &feed, NULL))
            continue;
        numbers[0] = feed.head.seq;
        numbers[1] = feed.signed_seq;
        numbers[2] = feed.missing;
        numbers[3] = feed.head_arrival;
        numbers[4] = feed.head.certificate;
        numbers[5] = feed.head.recoveries;
        numbers[6] = feed.quarantined;
        sum = mix(sum, span_of(numbers, sizeof numbers));
    }
    return sum;
}

static void compare(struct both *both)
{
    static const uint32_t types[] = {STORE_ALL_TYPES, STORE_TYPE(2), STORE_TYPE(2) | STORE_TYPE(3),
                                     STORE_TYPE(REVISION),
                                     STORE_TYPE(1) | STORE_TYPE(ANNOUNCEMENT)};
    uint64_t from = any(both, 300);
    uint32_t type = types[any(both, 5)];

    assert_int_equal(sum_of(both, both->f->writer, from, type),
                     sum_of(both, both->memory, from, type));
    assert_int_equal(sum_of(both, both->f->writer, 0, STORE_ALL_TYPES),
                     sum_of(both, both->memory, 0, STORE_ALL_TYPES));
}

static void compare_readers(struct both *both)
{
    struct store sqlite, memory;

    ok(ledger_memory_open_reader(&both->memory, &memory, &both->f->error));
    ok(ledger_sqlite_open_reader(ledger_script_file(both->f), &sqlite, &both->f->error));
    assert_int_equal(sum_of(both, sqlite, 0, STORE_ALL_TYPES),
                     sum_of(both, memory, 0, STORE_ALL_TYPES));
    sqlite.operations->destroy(sqlite.self);
    memory.operations->destroy(memory.self);
}

/* --- work ------------------------------------------------------------------------------------- */

/* Made once: what is rolled back is appended again, perhaps in other pieces. */
static struct store_entry entry_at(struct both *both, size_t feed, size_t index)
{
    static const uint32_t types[] = {
        ANNOUNCEMENT, ANNOUNCEMENT, ANNOUNCEMENT, ANNOUNCEMENT, REVISION, 2, UNKNOWN_TYPE, 3};
    static char text[20000];
    struct sample *sample = both->samples[feed];

    memset(text, 'x', sizeof text - 1);
    while (sample->count <= index) {
        size_t size = any(both, 40) ? any(both, 800) : any(both, sizeof text);

        text[size] = '\0';
        both->kept[feed][sample->count] = sample_next(sample, types[any(both, 8)], text);
        text[size] = 'x';
    }
    return both->kept[feed][index];
}

static void append(struct both *both)
{
    struct store_entry entries[200];
    size_t feed = any(both, 4) ? 0 : any(both, FEEDS);
    size_t count = any(both, 3) ? 1 + any(both, 2) : any(both, 5) ? any(both, 20) : any(both, 200);

    if (both->count[feed] + count > SAMPLE_ENTRIES)
        return;
    for (size_t i = 0; i < count; i++) {
        struct store_entry entry = entry_at(both, feed, both->count[feed] + i);

        entry.received_ms = any(both, 5);
        entry.certificate = 1 + both->count[feed] / 300;
        entry.recoveries = both->count[feed] / 500;
        entry = any(both, 9) ? entry : sample_without_content(entry);
        entry = any(both, 3) ? sample_unsigned(entry) : entry;
        entries[i] = entry;
    }
    SAME(both, append, entries, count);
    both->count[feed] += count;
}

static void put_content(struct both *both)
{
    size_t feed = any(both, 3) ? 0 : any(both, FEEDS);
    uint64_t seqs[16];
    size_t count;
    uint64_t seq;
    const struct entry *entry;
    uint64_t now = any(both, 1000);

    ok(call(both->memory, missing, &both->samples[feed]->feed, seqs, 16, &count, NULL));
    seq = count && any(both, 8) ? seqs[any(both, (unsigned)count)] : 1 + any(both, 400);
    if (seq > both->samples[feed]->count)
        return;
    entry = &both->kept[feed][seq - 1].entry;
    SAME(both, put_content, &both->samples[feed]->feed, seq, entry->salt, entry->content, now);
}

static void erase(struct both *both)
{
    struct erasure_order orders[40];
    size_t feed = any(both, 3) ? 0 : any(both, FEEDS), count = 1 + any(both, 40), here, there;
    uint64_t seq = any(both, (unsigned)both->count[feed] + 2);
    struct error wrong = {0};

    for (size_t i = 0; i < count; i++) {
        orders[i] = (struct erasure_order){seq, both->count[feed] + 1};
        seq += any(both, 3) ? 1 : 1 + any(both, 30);
    }
    ok(call(both->memory, erase, &both->samples[feed]->feed, orders, count, &here, &wrong));
    ok(call(both->f->writer, erase, &both->samples[feed]->feed, orders, count, &there, &wrong));
    assert_int_equal(here, there);
}

static void quarantine(struct both *both)
{
    size_t feed = any(both, 3) ? 0 : any(both, FEEDS);
    uint64_t head = both->count[feed], back = any(both, 3) ? any(both, 30) : any(both, 500);
    uint64_t first = head > back ? head - back + any(both, 2) : any(both, 2);
    uint64_t recoveries = any(both, 3);

    SAME(both, quarantine, &both->samples[feed]->feed, first, recoveries);
    if (first && first <= head)
        both->count[feed] = first - 1;
}

static void work(struct both *both)
{
    unsigned pieces = any(both, 3) ? 1 : any(both, 12);

    ok(call(both->memory, begin, NULL));
    ledger_fixture_begin(both->f);
    for (unsigned i = 0; i < pieces; i++) {
        append(both);
        if (any(both, 6) == 0)
            put_content(both);
        if (any(both, 10) == 0)
            erase(both);
        if (any(both, 25) == 0)
            quarantine(both);
        if (any(both, 12) == 0)
            compare(both);
    }
    if (any(both, 8) == 0) {
        compare_readers(both);
        both->memory.operations->rollback(both->memory.self);
        ledger_fixture_rollback(both->f);
        memcpy(both->count, both->committed, sizeof both->count);
    } else {
        ok(call(both->memory, commit, NULL));
        ledger_fixture_commit(both->f);
        memcpy(both->committed, both->count, sizeof both->count);
    }
}

static void test_ledger__does_the_same_on_sqlite_and_in_memory(void **state)
{
    struct ledger_fixture *f = *state;
    static struct both both;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        ledger_script_close(f);
        remove(ledger_script_file(f));
        ok(ledger_sqlite_create(ledger_script_file(f), LEDGER_NEW, &f->writer, &f->error));
        both = (struct both){.f = f, .random = seed};
        ok(ledger_memory_create(&both.memory, NULL));
        for (size_t i = 0; i < FEEDS; i++)
            both.samples[i] = sample_create((uint8_t)(i + 3));
        for (size_t i = 0; i < STEPS; i++) {
            work(&both);
            if (i % 10 == 0)
                compare(&both);
            if (i % 60 == 59)
                ledger_fixture_reopen(f);
        }
        compare(&both);
        compare_readers(&both);
        both.memory.operations->destroy(both.memory.self);
        for (size_t i = 0; i < FEEDS; i++)
            sample_destroy(both.samples[i]);
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

static int64_t ask(struct ledger_fixture *f, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    int64_t value;

    assert_int_equal(sqlite3_open(ledger_script_file(f), &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

static void test_ledger__merges_what_comes_entry_by_entry(void **state)
{
    struct ledger_fixture *f = *state;

    for (int i = 0; i < 330; i++)
        ledger_fixture_fill(f, f->a, 1);
    /* 32 at a time, and ten that are not yet enough. */
    assert_int_equal(ask(f, "SELECT count(*) FROM segment WHERE count = 32"), 10);
    assert_int_equal(ask(f, "SELECT count(*) FROM segment"), 20);
    for (int i = 0; i < 64; i++) { /* two that take turns: nothing follows anything */
        ledger_fixture_fill(f, f->a, 1);
        ledger_fixture_fill(f, f->b, 1);
    }
    assert_int_equal(ask(f, "SELECT max(count) FROM segment WHERE arrival > 330"), 1);
    assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, UINT64_MAX)->count, 394);
    assert_int_equal(ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES)->count, 458);
}

static void test_ledger__one_transaction_makes_few_rows(void **state)
{
    struct ledger_fixture *f = *state;

    ledger_fixture_fill(f, f->a, 1000); /* one append each */
    assert_true(ask(f, "SELECT count(*) FROM segment") <= 20);
    assert_true(ask(f, "SELECT max(length(records)) FROM segment") <= SEGMENT_SIZE);
}

/* Rows that grow or go between two pages of a visit. */
struct meanwhile {
    struct ledger_fixture *f;
    struct store_entry late;
    size_t count;
    uint64_t seq;
};

static int write_meanwhile(void *context, const struct store_entry *entry)
{
    struct meanwhile *meanwhile = context;
    struct ledger_fixture *f = meanwhile->f;

    assert_int_equal(entry->entry.seq, meanwhile->seq + 1);
    meanwhile->seq = entry->entry.seq;
    if (++meanwhile->count % 50 == 0 && meanwhile->count < 1500)
        ledger_fixture_fill(f, f->a, 1);
    if (meanwhile->count == 300) {
        ledger_fixture_begin(f);
        ok(call(f->writer, put_content, &f->a->feed, meanwhile->late.entry.seq,
                meanwhile->late.entry.salt, meanwhile->late.entry.content, 1, &f->error));
        ledger_fixture_commit(f);
    }
    return 0;
}

static void test_ledger__a_visit_goes_on_while_rows_change(void **state)
{
    struct ledger_fixture *f = *state;
    struct meanwhile meanwhile = {.f = f};

    for (int i = 0; i < 700; i++) { /* more rows than a page: in pairs with b's */
        struct store_entry entry = sample_next(f->a, ANNOUNCEMENT, "content");

        if (i == 600) {
            meanwhile.late = entry;
            entry = sample_without_content(entry);
        }
        ledger_fixture_begin(f);
        ledger_fixture_append(f, entry);
        ledger_fixture_append(f, sample_next(f->b, ANNOUNCEMENT, "content"));
        ledger_fixture_commit(f);
    }
    ledger_fixture_open_reader(f);
    ok(call(f->reader, entries, &f->a->feed, 1, UINT64_MAX, write_meanwhile, &meanwhile,
            &f->error));
    assert_true(meanwhile.seq >= 700);
}

#define ROW(test)                                                                                  \
    cmocka_unit_test_setup_teardown(test, ledger_fixture_setup_sqlite, ledger_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_ledger__does_the_same_on_sqlite_and_in_memory),
        ROW(test_ledger__merges_what_comes_entry_by_entry),
        ROW(test_ledger__one_transaction_makes_few_rows),
        ROW(test_ledger__a_visit_goes_on_while_rows_change),
    };

    return cmocka_run_group_tests_name("ledger_random", tests, NULL, NULL);
}
