/* publish, over an exchange on a ledger in memory that nobody is connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/core/state.h"
#include "tests/support/announcements.h"
#include "tests/support/exchange_fixture.h"
#include "tests/support/fault.h"

#define ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT
/* Above what goes out one by one, and no multiple of a run or an anchor. */
#define MANY (LIMIT_LIVE_BURST + 3 * LIMIT_OWN_RUN_ENTRIES + 77)

struct fixture {
    struct exchange_fixture base;
    unsigned live, heads, kinds, appends, fail_append;
    bool no_memory; /* allocations fail: those of the test itself, too */
};

static struct fixture *current; /* for the operation that fails */

static int append(void *self, struct store_entry *entries, size_t count, struct error *error)
{
    current->appends++;
    if (current->fail_append && --current->fail_append == 0)
        return error_set(error, ERROR_IO, "no space left");
    return current->base.real->append(self, entries, count, error);
}

static void bus_live(void *self, const char *topic, struct span payload)
{
    struct fixture *f = self;
    struct entry_run run = {0};

    if (strncmp(topic, "feed/", 5) == 0) { /* whoever hears it can check it */
        f->live++;
        if (f->no_memory)
            return;
        assert_int_equal(entry_run_parse_single(payload, INSTITUTION_NETWORK, &run, NULL), 0);
        assert_int_equal(
            entry_run_check(&run, &f->base.own.chain, run.entries[0].seq > 1 ? 1 : 0, NULL), 0);
        entry_run_finish(&run);
    }
    f->heads += strncmp(topic, "head/", 5) == 0;
    f->kinds += strncmp(topic, "kind/", 5) == 0;
}

static int setup(void **state)
{
    struct fixture *f = current = calloc(1, sizeof *f);

    assert_non_null(f);
    exchange_fixture_init(&f->base);
    f->base.operations.append = append;
    f->base.config.bus.self = f;
    f->base.config.bus.live = bus_live;
    exchange_fixture_start(&f->base);
    f->live = f->heads = f->appends = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    exchange_fixture_finish(&f->base);
    free(f);
    return 0;
}

static void begin(struct fixture *f)
{
    exchange_fixture_begin(&f->base);
}

static void commit(struct fixture *f)
{
    exchange_fixture_commit(&f->base);
}

static uint64_t publish_text(struct fixture *f, const char *text, const uint8_t *request,
                             bool repeated)
{
    struct exchange_published published;
    struct error error;

    if (exchange_publish(f->base.exchange, ANNOUNCEMENT, span_of_text(text), request, &published,
                         &error))
        fail_msg("%s", error.text);
    assert_int_equal(published.repeated, repeated);
    return published.seq;
}

static void publish_many(struct fixture *f, unsigned count)
{
    uint64_t seq = f->base.exchange->own->head.seq;

    for (unsigned i = 0; i < count; i++)
        assert_int_equal(publish_text(f, "a visit", NULL, false), ++seq);
}

struct walk {
    uint64_t seq;
    unsigned with_signature, without;
    struct id hash;
    bool last_is_signed;
};

static int walk_entry(void *context, const struct store_entry *row)
{
    struct walk *walk = context;
    struct buffer bytes = {0};
    struct entry entry;

    /* What is kept is what others will read: hashes, salt and chain. */
    assert_true(entry_encode(&row->entry, true, &bytes));
    assert_int_equal(entry_parse_bytes(buffer_span(&bytes), INSTITUTION_NETWORK, &entry, NULL), 0);
    assert_int_equal(entry.seq, ++walk->seq);
    if (entry.seq > 1)
        assert_true(id_equal(&entry.previous, &walk->hash));
    walk->hash = entry.hash;
    walk->last_is_signed = row->entry.signature.size > 0;
    walk->with_signature += walk->last_is_signed;
    walk->without += !walk->last_is_signed;
    if (entry.seq % LIMIT_ANCHOR_INTERVAL == 0)
        assert_true(walk->last_is_signed);
    buffer_finish(&bytes);
    return 0;
}

/* Reads all, and sees that it ends with a signature. */
static struct walk walk_all(struct fixture *f)
{
    const struct feed *own = f->base.exchange->own;
    struct store_feed row;
    struct walk walk = {0};

    assert_int_equal(f->base.store.operations->entries(f->base.store.self, &own->id, 1, UINT64_MAX,
                                                       walk_entry, &walk, NULL),
                     ERROR_NONE);
    assert_int_equal(f->base.store.operations->get_feed(f->base.store.self, &own->id, &row, NULL),
                     ERROR_NONE);
    assert_int_equal(row.head.seq, walk.seq);
    assert_int_equal(row.signed_seq, walk.seq);
    assert_int_equal(own->head.seq, walk.seq);
    assert_true(id_equal(&own->head.hash, &walk.hash));
    assert_true(walk.last_is_signed);
    return walk;
}

static void test_publish__few_go_out_one_by_one(void **state)
{
    struct fixture *f = *state;
    struct walk walk;

    for (unsigned i = 0; i < 100; i++) {
        begin(f);
        publish_many(f, 3);
        commit(f);
        assert_int_equal(f->live, 3 * (i + 1));
    }
    walk = walk_all(f);
    assert_int_equal(walk.with_signature, 301);
}

static void test_publish__many_are_signed_as_runs(void **state)
{
    struct fixture *f = *state;
    struct walk walk;

    begin(f);
    publish_many(f, MANY);
    assert_int_equal(f->live, 0); /* nothing goes out before the commit */
    commit(f);
    walk = walk_all(f);
    assert_int_equal(walk.seq, MANY + 1);
    /* Those one by one, an anchor and an end for each run, and the end of all. */
    assert_in_range(walk.with_signature, LIMIT_LIVE_BURST + 4, LIMIT_LIVE_BURST + 10);
    assert_int_equal(walk.without, MANY + 1 - walk.with_signature);
    assert_int_equal(f->live, walk.with_signature - 1);
    /* Few steps for the store. */
    assert_in_range(f->appends, 4, MANY / 100);
}

static void test_publish__every_transaction_ends_with_a_signature(void **state)
{
    struct fixture *f = *state;

    begin(f);
    publish_many(f, 2 * LIMIT_LIVE_BURST);
    commit(f);
    for (unsigned count = 1; count < 300; count += count < 10 ? 1 : 29) {
        unsigned live = f->live;

        begin(f);
        publish_many(f, count);
        commit(f);
        walk_all(f);
        assert_in_range(f->live - live, 1, 3); /* the last one, and anchors */
    }
}

static void test_publish__what_comes_too_fast_is_in_debt(void **state)
{
    struct fixture *f = *state;
    unsigned live;

    begin(f);
    publish_many(f, 3 * LIMIT_LIVE_BURST);
    commit(f);
    /* As long as many come, none goes out by itself, though the bucket is refilled a little. */
    for (int i = 0; i < 20; i++) {
        live = f->live;
        f->base.now += 10;
        begin(f);
        publish_many(f, 100);
        commit(f);
        assert_in_range(f->live - live, 1, 2);
    }
    f->base.now += 2 * LIMIT_LIVE_BURST * 1000 / LIMIT_LIVE_RATE;
    live = f->live;
    begin(f);
    publish_many(f, LIMIT_LIVE_BURST);
    commit(f);
    assert_int_equal(f->live - live, LIMIT_LIVE_BURST);
    /* A slow and steady stream is never short of tokens; a clock that stands still or goes back
     * does no harm. */
    f->base.now += 10000;
    for (int i = 0; i < 3000; i++) {
        live = f->live;
        f->base.now += 2;
        begin(f);
        publish_many(f, 3);
        commit(f);
        assert_int_equal(f->live - live, 3);
    }
    walk_all(f);
}

static void test_publish__large_contents_fit(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(LIMIT_CONTENT_SIZE + 2);
    struct exchange_published published;

    memset(text, 'x', LIMIT_CONTENT_SIZE + 1);
    text[LIMIT_CONTENT_SIZE + 1] = '\0';
    begin(f);
    publish_many(f, LIMIT_LIVE_BURST + 10);
    for (int i = 0; i < 7; i++)
        assert_int_equal(exchange_publish(f->base.exchange, ANNOUNCEMENT,
                                          span_of(text, LIMIT_CONTENT_SIZE), NULL, &published,
                                          NULL),
                         ERROR_NONE);
    assert_int_equal(exchange_publish(f->base.exchange, ANNOUNCEMENT,
                                      span_of(text, LIMIT_CONTENT_SIZE + 1), NULL, &published,
                                      NULL),
                     ERROR_TOO_LARGE);
    publish_many(f, 1); /* … breaks nothing */
    commit(f);
    assert_int_equal(walk_all(f).seq, LIMIT_LIVE_BURST + 19);
    free(text);
}

/* An announcement of full size that concerns more countries than it goes out for. */
static void write_wide(struct buffer *out)
{
    Caravan__Announcement *announcement;
    char codes[70][3], *countries[70], *body = calloc(1, LIMIT_CONTENT_SIZE);
    struct buffer content = {0};
    size_t room;

    announcements_write(CARAVAN__KIND__KIND_VISIT, "A visit", "TH", NULL, &content);
    announcement = caravan__announcement__unpack(NULL, content.size, content.data);
    assert_non_null(announcement);
    assert_int_equal(announcement->n_countries, 0);
    for (size_t i = 0; i < 70; i++) {
        snprintf(codes[i], sizeof codes[i], "%c%c", (char)('A' + i / 26), (char)('A' + i % 26));
        countries[i] = codes[i];
    }
    announcement->countries = countries;
    announcement->n_countries = 70;
    room = LIMIT_CONTENT_SIZE - protobuf_c_message_get_packed_size(&announcement->base) - 64;
    memset(body, 'x', room);
    announcement->source = body;
    assert_true(fields_pack(&announcement->base, out));
    assert_in_range(out->size, LIMIT_CONTENT_SIZE - 1024, LIMIT_CONTENT_SIZE);
    announcement->countries = NULL;
    announcement->n_countries = 0;
    announcement->source = NULL;
    caravan__announcement__free_unpacked(announcement, NULL);
    buffer_finish(&content);
    free(body);
}

static void test_publish__an_entry_is_kept_once_for_all_its_topics(void **state)
{
    struct fixture *f = *state;
    struct exchange_published published;
    struct buffer content = {0};
    size_t kept = 0;

    write_wide(&content);
    begin(f);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(exchange_publish(f->base.exchange, ANNOUNCEMENT, buffer_span(&content),
                                          NULL, &published, NULL),
                         ERROR_NONE);
    assert_int_equal(exchange_flush(f->base.exchange, NULL), ERROR_NONE);
    for (const struct outgoing *item = f->base.exchange->outbox; item; item = item->next)
        kept += item->payload.size;
    assert_in_range(kept, 10 * content.size, 10 * (content.size + LIMIT_ENTRY_SIZE));
    commit(f);
    assert_int_equal(f->live, 10);
    assert_int_equal(f->kinds, 10 * (LIMIT_TOPICS_PER_ENTRY - 1));
    buffer_finish(&content);
}

static void test_publish__a_request_is_answered_once(void **state)
{
    struct fixture *f = *state;
    uint8_t first[STORE_REQUEST_ID_SIZE] = {1}, second[STORE_REQUEST_ID_SIZE] = {2};
    struct exchange_published found;
    uint64_t seq;

    begin(f);
    publish_many(f, LIMIT_LIVE_BURST + 10);
    assert_int_equal(exchange_find_published(f->base.exchange, first, &found, NULL),
                     ERROR_NOT_FOUND);
    seq = publish_text(f, "one", first, false);
    publish_many(f, 5);
    /* In the same transaction: the store has not got it yet. */
    assert_int_equal(publish_text(f, "one", first, true), seq);
    assert_int_equal(exchange_find_published(f->base.exchange, first, &found, NULL), ERROR_NONE);
    assert_int_equal(found.seq, seq);
    assert_int_equal(publish_text(f, "two", second, false), seq + 6);
    commit(f);
    begin(f);
    assert_int_equal(publish_text(f, "another text", first, true), seq);
    publish_many(f, 1);
    commit(f);
    assert_int_equal(walk_all(f).seq, seq + 7);
}

/* The n-th append of a transaction fails: nothing of it holds, and all is as before. */
static void test_publish__a_failed_store_undoes_everything(void **state)
{
    struct fixture *f = *state;
    uint8_t request[STORE_REQUEST_ID_SIZE] = {9};

    begin(f);
    publish_many(f, LIMIT_LIVE_BURST + 10);
    commit(f);
    for (unsigned n = 1; n <= 3; n++) {
        uint64_t seq = f->base.exchange->own->head.seq;
        unsigned live = f->live, heads = f->heads;
        struct exchange_published published;
        struct error error;

        begin(f);
        publish_text(f, "one", request, false);
        f->fail_append = n;
        for (unsigned i = 0; i < 3 * LIMIT_OWN_RUN_ENTRIES - 1; i++)
            exchange_publish(f->base.exchange, ANNOUNCEMENT, span_of_text("a visit"), NULL,
                             &published, NULL);
        assert_int_equal(exchange_commit(f->base.exchange, &error), ERROR_IO);
        assert_int_equal(f->fail_append, 0);
        assert_int_equal(f->base.exchange->own->head.seq, seq);
        assert_int_equal(f->live, live);
        assert_int_equal(f->heads, heads);
        assert_int_equal(walk_all(f).seq, seq);
        begin(f);
        assert_int_equal(publish_text(f, "one", request, false), seq + 1);
        request[0]++;
        commit(f);
        walk_all(f);
    }
}

/* Whatever broke a transaction, its end is never told as a success. */
static void test_publish__a_failure_without_a_name_is_one(void **state)
{
    static const struct error unnamed = {0};
    struct fixture *f = *state;

    for (int named = 0; named < 2; named++) {
        struct error error = {0};

        begin(f);
        publish_many(f, 1);
        exchange_break(f->base.exchange, named ? NULL : &unnamed);
        assert_int_equal(exchange_commit(f->base.exchange, &error), ERROR_INTERNAL);
        assert_int_equal(error.code, ERROR_INTERNAL);
        assert_non_null(exchange_failure(f->base.exchange));
        begin(f);
        publish_many(f, 1);
        commit(f);
        assert_null(exchange_failure(f->base.exchange));
        /* Also for who does not ask why. */
        begin(f);
        exchange_break(f->base.exchange, &unnamed);
        assert_int_equal(exchange_commit(f->base.exchange, NULL), ERROR_INTERNAL);
        assert_non_null(exchange_failure(f->base.exchange));
        begin(f);
        publish_many(f, 1);
        commit(f);
    }
    walk_all(f);
}

/* Each allocation fails once: a transaction holds whole or not at all, and ends with a signature.
 */
static void test_publish__memory_may_run_out_anywhere(void **state)
{
    struct fixture *f = *state;
    bool failed = true;

    begin(f);
    publish_many(f, LIMIT_LIVE_BURST + 10);
    commit(f);
    for (unsigned long n = 1; failed; n++) {
        uint64_t seq = f->base.exchange->own->head.seq;
        unsigned good = 0;
        int code;

        begin(f);
        f->no_memory = true;
        fault_arm(n);
        for (unsigned i = 0; i < 20; i++) {
            struct exchange_published published;

            good += !exchange_publish(f->base.exchange, ANNOUNCEMENT, span_of_text("a visit"), NULL,
                                      &published, NULL);
        }
        code = exchange_commit(f->base.exchange, NULL);
        failed = fault_disarm();
        f->no_memory = false;
        /* What could not be read again then is read by the next transaction. */
        begin(f);
        commit(f);
        assert_int_equal(walk_all(f).seq, code ? seq : seq + good);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_publish__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(few_go_out_one_by_one),
        TEST(many_are_signed_as_runs),
        TEST(every_transaction_ends_with_a_signature),
        TEST(what_comes_too_fast_is_in_debt),
        TEST(large_contents_fit),
        TEST(an_entry_is_kept_once_for_all_its_topics),
        TEST(a_request_is_answered_once),
        TEST(a_failed_store_undoes_everything),
        TEST(a_failure_without_a_name_is_one),
        TEST(memory_may_run_out_anywhere),
    };

    return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
