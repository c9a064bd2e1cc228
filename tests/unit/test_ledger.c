/* One suite over both implementations of struct store: every promise of node/core/ports.h; the
 * small tables are in test_ledger_tables.c, what comes late in test_ledger_late.c. */
#include "tests/support/ledger_seen.h"

#include <stdlib.h>
#include <string.h>

/* --- transactions ----------------------------------------------------------------------------- */

static void test_ledger__starts_empty_with_an_id(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_info info = {0}, again = {0};
    struct store_feed feed;
    uint8_t zero[STORE_LEDGER_ID_SIZE] = {0};

    ok(call(f->writer, info, &info, &f->error));
    assert_memory_not_equal(info.ledger, zero, sizeof zero);
    assert_int_equal(info.last_arrival, 0);
    assert_int_equal(call(f->writer, get_feed, &f->a->feed, &feed, &f->error), ERROR_NOT_FOUND);
    assert_int_equal(ledger_seen_feeds(f->writer, 0, true, 10)->count, 0);
    assert_int_equal(ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES)->count, 0);
    ledger_fixture_reopen(f);
    ok(call(f->writer, info, &again, &f->error));
    assert_memory_equal(info.ledger, again.ledger, sizeof zero);
}

static void test_ledger__writes_only_in_a_transaction(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entry = sample_next(f->a, ANNOUNCEMENT, "one");
    uint8_t sixteen[16] = {1};

    assert_int_equal(call(f->writer, append, &entry, 1, &f->error), ERROR_INTERNAL);
    assert_int_equal(call(f->writer, put_content, &f->a->feed, 1, entry.entry.salt,
                          entry.entry.content, 1, &f->error),
                     ERROR_INTERNAL);
    assert_int_equal(call(f->writer, put_frozen, &f->a->feed, true, &f->error), ERROR_INTERNAL);
    assert_int_equal(call(f->writer, quarantine, &f->a->feed, 1, 0, &f->error), ERROR_INTERNAL);
    assert_int_equal(call(f->writer, cut_certificates, &f->a->feed, 1, &f->error), ERROR_INTERNAL);
    assert_int_equal(call(f->writer, put_request, sixteen, 1, &f->error), ERROR_INTERNAL);
    assert_int_equal(call(f->writer, put_value, "a", span_of_text("b"), &f->error), ERROR_INTERNAL);
    assert_int_equal(call(f->writer, commit, &f->error), ERROR_INTERNAL);
    ledger_fixture_rollback(f); /* nothing to do */
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, begin, &f->error), ERROR_INTERNAL);
    ledger_fixture_append(f, entry);
    ledger_fixture_commit(f);
    assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, UINT64_MAX)->count, 1);
}

static void test_ledger__a_reader_cannot_write(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entry = sample_next(f->a, ANNOUNCEMENT, "one");
    struct store_certificate certificate = {1, 1, span_of_text("c")};
    struct store_conflict conflict = {.kept = span_of_text("k"), .other = span_of_text("o")};
    struct store_receipt receipt = {.encoded = span_of_text("r")};
    uint8_t sixteen[16] = {1};
    struct store r;

    ledger_fixture_open_reader(f);
    r = f->reader;
    assert_int_equal(call(r, begin, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, commit, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, append, &entry, 1, &f->error), ERROR_DENIED);
    assert_int_equal(
        call(r, put_content, &f->a->feed, 1, entry.entry.salt, entry.entry.content, 1, &f->error),
        ERROR_DENIED);
    assert_int_equal(call(r, put_frozen, &f->a->feed, true, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, quarantine, &f->a->feed, 1, 0, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, cut_certificates, &f->a->feed, 1, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, put_statement, &f->a->feed, span_of_text("s"), 1, &f->error),
                     ERROR_DENIED);
    assert_int_equal(call(r, put_certificate, &f->a->feed, &certificate, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, put_conflict, &conflict, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, put_receipt, &receipt, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, put_cursor, &f->a->feed, sixteen, 1, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, put_request, sixteen, 1, &f->error), ERROR_DENIED);
    assert_int_equal(call(r, put_value, "a", span_of_text("b"), &f->error), ERROR_DENIED);
    /* Also while the writer's transaction is open; and rolling back harms nobody. */
    ledger_fixture_begin(f);
    assert_int_equal(call(r, put_value, "a", span_of_text("b"), &f->error), ERROR_DENIED);
    r.operations->rollback(r.self);
    ledger_fixture_append(f, entry);
    ledger_fixture_commit(f);
    assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, 1)->count, 1);
}

static void put_everything(struct ledger_fixture *f, uint8_t number, const char *text)
{
    struct store_certificate certificate = {2, 9, span_of_text(text)};
    struct store_conflict conflict = {f->a->feed, number, 5, span_of_text(text), span_of_text("o")};
    struct store_receipt receipt = {
        .feed = f->a->feed, .receiver = f->b->feed, .seq = number, .encoded = span_of_text(text)};
    uint8_t sixteen[16] = {number};

    ledger_fixture_append(f, sample_next(f->a, ANNOUNCEMENT, text));
    ok(call(f->writer, put_frozen, &f->a->feed, number % 2, &f->error));
    ok(call(f->writer, put_statement, &f->a->feed, span_of_text(text), number, &f->error));
    ok(call(f->writer, put_statement, &f->b->feed, span_of_text(text), number, &f->error));
    ok(call(f->writer, put_certificate, &f->a->feed, &certificate, &f->error));
    ok(call(f->writer, put_conflict, &conflict, &f->error));
    ok(call(f->writer, put_receipt, &receipt, &f->error));
    ok(call(f->writer, put_cursor, &f->b->feed, sixteen, number, &f->error));
    ok(call(f->writer, put_request, sixteen, number, &f->error));
    ok(call(f->writer, put_value, "name", span_of_text(text), &f->error));
}

static int count_conflict(void *context, const struct store_conflict *conflict)
{
    size_t *count = context;

    assert_int_equal(conflict->seq, 5);
    (*count)++;
    return 0;
}

static int keep_certificate(void *context, const struct store_certificate *certificate)
{
    struct buffer *text = context;

    buffer_clear(text);
    assert_true(buffer_append(text, certificate->encoded.data, certificate->encoded.size));
    return 0;
}

static int keep_receipt(void *context, const struct store_receipt *receipt)
{
    *(uint64_t *)context = receipt->seq;
    return 0;
}

/* What put_everything(f, 1, "old") left is there, and nothing of put_everything(f, 2, "new"). */
static void assert_only_old(struct ledger_fixture *f, struct store store)
{
    uint8_t second[16] = {2}, ledger[16];
    struct store_feed feed;
    struct store_info info;
    struct buffer text = {0};
    uint64_t number = 0;
    size_t conflicts = 0;

    ok(call(store, info, &info, NULL));
    assert_int_equal(info.last_arrival, 1);
    ok(call(store, get_feed, &f->a->feed, &feed, NULL));
    assert_int_equal(feed.head.seq, 1);
    assert_int_equal(feed.head_arrival, 1);
    assert_true(feed.frozen);
    assert_int_equal(feed.statement_ms, 1);
    assert_true(span_equal(feed.statement, span_of_text("old")));
    assert_int_equal(ledger_seen_arrivals(store, 0, STORE_ALL_TYPES)->count, 1);
    assert_int_equal(ledger_seen_entries(store, &f->a->feed, 0, UINT64_MAX)->count, 1);
    assert_int_equal(ledger_seen_feeds(store, 0, true, 10)->count, 2);
    ok(call(store, conflicts, count_conflict, &conflicts, NULL));
    assert_int_equal(conflicts, 1);
    ok(call(store, certificates, &f->a->feed, keep_certificate, &text, NULL));
    assert_string_equal(buffer_text(&text), "old");
    ok(call(store, receipts, &f->a->feed, keep_receipt, &number, NULL));
    assert_int_equal(number, 1);
    ok(call(store, get_cursor, &f->b->feed, ledger, &number, NULL));
    assert_int_equal(number, 1);
    assert_int_equal(call(store, get_request, second, &number, NULL), ERROR_NOT_FOUND);
    ok(call(store, get_value, "name", &text, NULL));
    assert_string_equal(buffer_text(&text), "old");
    buffer_finish(&text);
}

static void test_ledger__rolls_everything_back(void **state)
{
    struct ledger_fixture *f = *state;

    ledger_fixture_begin(f);
    put_everything(f, 1, "old");
    ledger_fixture_commit(f);
    assert_only_old(f, f->writer);
    ledger_fixture_begin(f);
    put_everything(f, 2, "new");
    ledger_fixture_rollback(f);
    assert_only_old(f, f->writer);
    ledger_fixture_reopen(f);
    assert_only_old(f, f->writer);
}

static void test_ledger__a_reader_sees_only_what_is_committed(void **state)
{
    struct ledger_fixture *f = *state;
    struct buffer text = {0};

    ledger_fixture_begin(f);
    put_everything(f, 1, "old");
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    put_everything(f, 2, "new");
    assert_only_old(f, f->reader);
    /* The writer sees its own. */
    ok(call(f->writer, get_value, "name", &text, NULL));
    assert_string_equal(buffer_text(&text), "new");
    assert_int_equal(ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES)->count, 2);
    ledger_fixture_commit(f);
    ok(call(f->reader, get_value, "name", &text, NULL));
    assert_string_equal(buffer_text(&text), "new");
    assert_int_equal(ledger_seen_arrivals(f->reader, 0, STORE_ALL_TYPES)->count, 2);
    buffer_finish(&text);
}

static void test_ledger__rolls_a_new_feed_back(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry first = sample_next(f->a, ANNOUNCEMENT, "one");
    struct store_feed feed;

    ledger_fixture_begin(f);
    ledger_fixture_append(f, first);
    ok(call(f->writer, put_frozen, &f->b->feed, true, &f->error));
    ledger_fixture_rollback(f);
    assert_int_equal(call(f->writer, get_feed, &f->a->feed, &feed, NULL), ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, get_feed, &f->b->feed, &feed, NULL), ERROR_NOT_FOUND);
    assert_int_equal(ledger_seen_feeds(f->writer, 0, true, 10)->count, 0);
    ledger_fixture_begin(f);
    ledger_fixture_append(f, first);
    ledger_fixture_commit(f);
    ok(call(f->writer, get_feed, &f->a->feed, &feed, NULL));
    assert_int_equal(feed.head_arrival, 1);
}

/* --- entries ---------------------------------------------------------------------------------- */

static void test_ledger__gives_an_entry_back_whole(void **state)
{
    struct ledger_fixture *f = *state;
    uint8_t *big = malloc(LIMIT_CONTENT_SIZE);
    struct store_entry entries[5];

    for (size_t i = 0; i < LIMIT_CONTENT_SIZE; i++)
        big[i] = (uint8_t)(i * 7 + i / 251);
    entries[0] = sample_next(f->a, ANNOUNCEMENT, "one");
    entries[1] = sample_next(f->a, UNKNOWN_TYPE, ""); /* an empty content is a content */
    entries[2] = sample_next_bytes(f->a, ANNOUNCEMENT, span_of(big, LIMIT_CONTENT_SIZE));
    entries[3] = sample_without_content(sample_next(f->a, REVISION, "gone"));
    entries[4] = sample_unsigned(sample_next(f->a, ANNOUNCEMENT, "five"));
    entries[4].received_ms = 1800000000123u;
    entries[4].certificate = 3;
    ledger_fixture_begin(f);
    ok(call(f->writer, append, entries, 5, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    entries[4].entry.signature = span_of(NULL, 0); /* nobody checked it: it is not kept */
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(entries[i].arrival, i + 1);
        ledger_seen_kept(f->writer, entries[i]);
    }
    free(big);
}

static void test_ledger__append_moves_the_feed(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[3] = {sample_next(f->a, ANNOUNCEMENT, "one"),
                                     sample_without_content(sample_next(f->a, ANNOUNCEMENT, "two")),
                                     sample_unsigned(sample_next(f->a, ANNOUNCEMENT, "three"))};
    struct store_feed feed;

    entries[2].certificate = 2;
    ledger_fixture_begin(f);
    ok(call(f->writer, append, entries, 0, &f->error));
    ok(call(f->writer, append, entries, 3, &f->error));
    for (int i = 0; i < 2; i++) {
        ok(call(f->writer, get_feed, &f->a->feed, &feed, &f->error));
        assert_true(id_equal(&feed.head.feed, &f->a->feed));
        assert_true(id_equal(&feed.head.hash, &entries[2].entry.hash));
        assert_int_equal(feed.head.seq, 3);
        assert_int_equal(feed.head.certificate, 2);
        assert_int_equal(feed.signed_seq, 2);
        assert_int_equal(feed.missing, 1);
        assert_int_equal(feed.head_arrival, 3);
        assert_false(feed.frozen);
        assert_int_equal(feed.statement.size, 0);
        if (i == 0)
            ledger_fixture_commit(f);
        ledger_fixture_reopen(f);
    }
}

static void test_ledger__refuses_a_gap_and_a_broken_chain(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, "one");
    struct store_entry two = sample_next(f->a, ANNOUNCEMENT, "two");
    struct store_entry three = sample_next(f->a, ANNOUNCEMENT, "three");
    struct store_entry gap[2] = {one, three}, wrong = two, foreign[2] = {one, two};
    struct store_feed feed;

    wrong.entry.previous = three.entry.hash;
    foreign[1].entry.feed = f->b->feed;
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, append, &two, 1, &f->error), ERROR_GAP);
    assert_non_null(strstr(f->error.text, "entry 2 does not follow entry 0"));
    assert_int_equal(call(f->writer, append, gap, 2, &f->error), ERROR_GAP);
    assert_int_equal(call(f->writer, append, foreign, 2, &f->error), ERROR_BROKEN_CHAIN);
    assert_int_equal(call(f->writer, get_feed, &f->a->feed, &feed, NULL), ERROR_NOT_FOUND);
    ledger_fixture_append(f, one);
    assert_int_equal(call(f->writer, append, &one, 1, &f->error), ERROR_GAP);
    assert_int_equal(call(f->writer, append, &three, 1, &f->error), ERROR_GAP);
    assert_int_equal(call(f->writer, append, &wrong, 1, &f->error), ERROR_BROKEN_CHAIN);
    /* None of these has spoiled the transaction. */
    ledger_fixture_append(f, two);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, 10)->count, 2);
}

static void test_ledger__reads_ranges_in_order(void **state)
{
    struct ledger_fixture *f = *state;
    struct ledger_seen *seen;

    ledger_fixture_begin(f);
    for (int i = 0; i < 1500; i++) { /* more than a page, interleaved */
        ledger_fixture_append(f, sample_next(f->a, ANNOUNCEMENT, "a"));
        if (i % 3 == 0)
            ledger_fixture_append(f, sample_next(f->b, ANNOUNCEMENT, "b"));
    }
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    seen = ledger_seen_entries(f->reader, &f->a->feed, 0, UINT64_MAX);
    assert_int_equal(seen->count, 1500);
    for (size_t i = 0; i < seen->count; i++)
        assert_int_equal(seen->seqs[i], i + 1);
    seen = ledger_seen_entries(f->reader, &f->a->feed, 100, 1300);
    assert_int_equal(seen->count, 1201);
    assert_int_equal(seen->seqs[0], 100);
    assert_int_equal(seen->seqs[1200], 1300);
    assert_int_equal(ledger_seen_entries(f->reader, &f->a->feed, 1500, 1500)->count, 1);
    assert_int_equal(ledger_seen_entries(f->reader, &f->a->feed, 1501, UINT64_MAX)->count, 0);
    assert_int_equal(ledger_seen_entries(f->reader, &f->a->feed, 9, 8)->count, 0);
    assert_int_equal(ledger_seen_entries(f->reader, &f->b->feed, UINT64_MAX, UINT64_MAX)->count, 0);
    seen = ledger_seen_start();
    seen->stop_after = 7;
    ok(call(f->reader, entries, &f->a->feed, 1, 1500, ledger_seen_entry, seen, NULL));
    assert_int_equal(seen->count, 7);
}

static void test_ledger__reads_one_type_from_the_newest_on(void **state)
{
    struct ledger_fixture *f = *state;
    struct ledger_seen *seen;

    assert_int_equal(ledger_seen_newest(f->writer, &f->a->feed, REVISION, 0)->count, 0);
    ledger_fixture_begin(f);
    for (int i = 0; i < 700; i++) {
        ledger_fixture_append(f, sample_next(f->a, i % 100 < 5 ? REVISION : ANNOUNCEMENT, "a"));
        ledger_fixture_append(f, sample_next(f->b, ANNOUNCEMENT, "b"));
    }
    seen = ledger_seen_newest(f->writer, &f->a->feed, REVISION, 1);
    assert_int_equal(seen->count, 1);
    assert_int_equal(seen->seqs[0], 605);
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    seen = ledger_seen_newest(f->reader, &f->a->feed, REVISION, 0);
    assert_int_equal(seen->count, 35);
    for (size_t i = 0; i < seen->count; i++)
        assert_int_equal(seen->seqs[i], 601 - i / 5 * 100 + 4 - i % 5);
    seen = ledger_seen_newest(f->reader, &f->a->feed, REVISION, 7);
    assert_int_equal(seen->count, 7);
    assert_int_equal(seen->seqs[6], 504);
    assert_int_equal(ledger_seen_newest(f->reader, &f->b->feed, REVISION, 0)->count, 0);
}

static void test_ledger__reads_by_arrival(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_info info;
    struct ledger_seen *seen;

    ledger_fixture_begin(f);
    for (int i = 0; i < 700; i++) {
        ledger_fixture_append(f, sample_next(f->a, i % 5 ? ANNOUNCEMENT : REVISION, "a"));
        ledger_fixture_append(f, sample_next(f->b, i % 7 ? ANNOUNCEMENT : UNKNOWN_TYPE, "b"));
    }
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    seen = ledger_seen_arrivals(f->reader, 0, STORE_ALL_TYPES);
    assert_int_equal(seen->count, 1400);
    for (size_t i = 0; i < seen->count; i++) {
        assert_int_equal(seen->arrivals[i], i + 1);
        assert_true(id_equal(&seen->feeds[i], i % 2 ? &f->b->feed : &f->a->feed));
    }
    seen = ledger_seen_arrivals(f->reader, 1390, STORE_ALL_TYPES);
    assert_int_equal(seen->count, 10);
    assert_int_equal(seen->arrivals[0], 1391);
    assert_int_equal(ledger_seen_arrivals(f->reader, 1400, STORE_ALL_TYPES)->count, 0);
    assert_int_equal(ledger_seen_arrivals(f->reader, UINT64_MAX, STORE_ALL_TYPES)->count, 0);
    assert_int_equal(ledger_seen_arrivals(f->reader, 0, STORE_TYPE(REVISION))->count, 140);
    assert_int_equal(
        ledger_seen_arrivals(f->reader, 0, STORE_TYPE(REVISION) | STORE_TYPE(ANNOUNCEMENT))->count,
        1300);
    /* A type above 31 has no bit; 77 must not be taken for 77 - 64 = 13. */
    assert_int_equal(ledger_seen_arrivals(f->reader, 0, STORE_TYPE(UNKNOWN_TYPE % 32))->count, 0);
    ok(call(f->reader, info, &info, NULL));
    assert_int_equal(info.last_arrival, 1400);
    seen = ledger_seen_start();
    seen->stop_after = 600;
    ok(call(f->reader, arrivals, 0, STORE_ALL_TYPES, ledger_seen_entry, seen, NULL));
    assert_int_equal(seen->count, 600);
}

static int see_nested(void *context, const struct store_entry *entry)
{
    struct ledger_seen *seen = context;
    struct ledger_compare compare = {.expected = *entry};
    struct store_feed feed;

    ok(call(seen->store, get_feed, &entry->entry.feed, &feed, NULL));
    assert_int_equal(feed.head.seq, 30);
    ok(call(seen->store, entries, &entry->entry.feed, entry->entry.seq, entry->entry.seq,
            ledger_compare_entry, &compare, NULL));
    assert_int_equal(compare.count, 1);
    seen->count++;
    return 0;
}

static void test_ledger__a_visitor_may_read(void **state)
{
    struct ledger_fixture *f = *state;
    struct ledger_seen *seen = ledger_seen_start();

    ledger_fixture_fill(f, f->a, 30);
    ledger_fixture_open_reader(f);
    seen->store = f->reader;
    ok(call(f->reader, entries, &f->a->feed, 1, 30, see_nested, seen, NULL));
    seen->store = f->writer;
    ledger_fixture_begin(f);
    ok(call(f->writer, entries, &f->a->feed, 1, 30, see_nested, seen, NULL));
    ledger_fixture_commit(f);
    assert_int_equal(seen->count, 60);
}

static void test_ledger__lists_what_is_missing(void **state)
{
    struct ledger_fixture *f = *state;
    uint64_t seqs[8];
    size_t count = 9;

    ok(call(f->writer, missing, &f->a->feed, seqs, 8, &count, &f->error));
    assert_int_equal(count, 0);
    ledger_fixture_begin(f);
    for (int i = 1; i <= 30; i++) {
        struct store_entry entry = sample_next(f->a, ANNOUNCEMENT, "text");

        ledger_fixture_append(f, i % 5 ? entry : sample_without_content(entry));
        ledger_fixture_append(f, sample_without_content(sample_next(f->b, ANNOUNCEMENT, "text")));
    }
    ledger_fixture_commit(f);
    ok(call(f->writer, missing, &f->a->feed, seqs, 8, &count, &f->error));
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seqs[i], (i + 1) * 5);
    ok(call(f->writer, missing, &f->b->feed, seqs, 4, &count, &f->error));
    assert_int_equal(count, 4);
    assert_int_equal(seqs[3], 4);
    ok(call(f->writer, missing, &f->b->feed, seqs, 0, &count, &f->error));
    assert_int_equal(count, 0);
}

/* --- feeds ------------------------------------------------------------------------------------ */

static void test_ledger__pages_feeds_by_their_last_change(void **state)
{
    enum { FEEDS = 12 };
    struct ledger_fixture *f = *state;
    struct sample *samples[FEEDS];
    struct ledger_seen *seen;

    ledger_fixture_begin(f);
    for (uint8_t i = 0; i < FEEDS; i++) {
        samples[i] = sample_create((uint8_t)(i + 3));
        ledger_fixture_append(f, sample_next(samples[i], ANNOUNCEMENT, "first"));
    }
    ledger_fixture_append(f, sample_next(samples[4], ANNOUNCEMENT, "second"));
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    seen = ledger_seen_feeds(f->reader, 0, false, 5);
    assert_int_equal(seen->count, 5);
    assert_true(id_equal(&seen->feeds[4], &samples[5]->feed)); /* 4 has moved to the end */
    assert_int_equal(seen->arrivals[4], 6);
    seen = ledger_seen_feeds(f->reader, 6, false, 100);
    assert_int_equal(seen->count, 7);
    assert_true(id_equal(&seen->feeds[6], &samples[4]->feed));
    assert_int_equal(seen->arrivals[6], 13);
    assert_int_equal(seen->last_feed.head.seq, 2);
    assert_int_equal(ledger_seen_feeds(f->reader, 13, true, 100)->count, 0);
    assert_int_equal(ledger_seen_feeds(f->reader, UINT64_MAX, true, 100)->count, 0);
    assert_int_equal(ledger_seen_feeds(f->reader, 0, true, 0)->count, 0);
    seen = ledger_seen_start();
    seen->stop_after = 3;
    ok(call(f->reader, feeds, 0, true, 100, ledger_seen_feed, seen, NULL));
    assert_int_equal(seen->count, 3);
    for (size_t i = 0; i < FEEDS; i++)
        sample_destroy(samples[i]);
}

static void test_ledger__keeps_feeds_without_entries(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_feed feed;
    struct ledger_seen *seen;

    ledger_fixture_begin(f);
    ok(call(f->writer, put_statement, &f->b->feed, span_of_text("head"), 7, &f->error));
    ok(call(f->writer, put_statement, &f->b->feed, span_of_text("later head"), UINT64_MAX,
            &f->error));
    ledger_fixture_append(f, sample_next(f->a, ANNOUNCEMENT, "one"));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ok(call(f->writer, get_feed, &f->b->feed, &feed, &f->error));
    assert_true(id_equal(&feed.head.feed, &f->b->feed));
    assert_int_equal(feed.head.seq, 0);
    assert_int_equal(feed.head_arrival, 0);
    assert_true(span_equal(feed.statement, span_of_text("later head")));
    assert_int_equal(feed.statement_ms, UINT64_MAX);
    assert_int_equal(ledger_seen_feeds(f->writer, 0, false, 10)->count, 1);
    seen = ledger_seen_feeds(f->writer, 0, true, 1); /* the empty one is not counted in the limit */
    assert_int_equal(seen->count, 2);
    assert_true(id_equal(&seen->feeds[0], &f->b->feed));
    assert_int_equal(ledger_seen_feeds(f->writer, 1, true, 10)->count, 0);
    ledger_fixture_begin(f);
    ledger_fixture_append(f, sample_next(f->b, ANNOUNCEMENT, "one"));
    ok(call(f->writer, put_frozen, &f->b->feed, true, &f->error));
    ledger_fixture_commit(f);
    ok(call(f->writer, get_feed, &f->b->feed, &feed, &f->error));
    assert_int_equal(feed.head_arrival, 2); /* freezing does not move it */
    assert_true(feed.frozen);
    assert_true(span_equal(feed.statement, span_of_text("later head")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger__starts_empty_with_an_id),
        LEDGER_FIXTURE_BOTH(test_ledger__writes_only_in_a_transaction),
        LEDGER_FIXTURE_BOTH(test_ledger__a_reader_cannot_write),
        LEDGER_FIXTURE_BOTH(test_ledger__rolls_everything_back),
        LEDGER_FIXTURE_BOTH(test_ledger__a_reader_sees_only_what_is_committed),
        LEDGER_FIXTURE_BOTH(test_ledger__rolls_a_new_feed_back),
        LEDGER_FIXTURE_BOTH(test_ledger__gives_an_entry_back_whole),
        LEDGER_FIXTURE_BOTH(test_ledger__append_moves_the_feed),
        LEDGER_FIXTURE_BOTH(test_ledger__refuses_a_gap_and_a_broken_chain),
        LEDGER_FIXTURE_BOTH(test_ledger__reads_ranges_in_order),
        LEDGER_FIXTURE_BOTH(test_ledger__reads_one_type_from_the_newest_on),
        LEDGER_FIXTURE_BOTH(test_ledger__reads_by_arrival),
        LEDGER_FIXTURE_BOTH(test_ledger__a_visitor_may_read),
        LEDGER_FIXTURE_BOTH(test_ledger__lists_what_is_missing),
        LEDGER_FIXTURE_BOTH(test_ledger__pages_feeds_by_their_last_change),
        LEDGER_FIXTURE_BOTH(test_ledger__keeps_feeds_without_entries),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
