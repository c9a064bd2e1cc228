/* Both implementations of struct store: entries that are moved aside because another branch of
 * their feed has won. What random work leaves is compared in test_ledger_random.c. */
#include "tests/support/ledger_seen.h"

#include <string.h>

struct aside {
    size_t count;
    uint64_t seqs[64], generations[64], arrivals[64];
    struct id hashes[64];
    size_t stop_after;
};

static int see(void *context, const struct store_quarantined *quarantined)
{
    struct aside *aside = context;

    assert_true(aside->count < 64);
    aside->seqs[aside->count] = quarantined->entry.entry.seq;
    aside->arrivals[aside->count] = quarantined->entry.arrival;
    aside->generations[aside->count] = quarantined->generation;
    aside->hashes[aside->count] = quarantined->entry.entry.hash;
    aside->count++;
    return aside->stop_after && aside->count == aside->stop_after;
}

static struct aside look(struct store store, const struct id *feed)
{
    struct aside aside = {0};

    ok(call(store, quarantined, feed, see, &aside, NULL));
    return aside;
}

static uint64_t generation(struct store store)
{
    struct store_info info;

    ok(call(store, info, &info, NULL));
    return info.generation;
}

static uint64_t head(struct store store, const struct id *feed)
{
    struct store_feed row;

    ok(call(store, get_feed, feed, &row, NULL));
    return row.head.seq;
}

/* Entries 1 … 6 of f->a: 3 without content, 4 and 6 without a signature; and one of f->b. */
static void fill(struct ledger_fixture *f, struct store_entry entries[6])
{
    static const char *const texts[6] = {"one", "two", "three", "four", "five", "six"};

    for (size_t i = 0; i < 6; i++) {
        entries[i] = sample_next(f->a, ANNOUNCEMENT, texts[i]);
        entries[i].certificate = 1 + i / 2;
        entries[i].recoveries = i / 4;
    }
    entries[2] = sample_without_content(entries[2]);
    entries[3] = sample_unsigned(entries[3]);
    entries[5] = sample_unsigned(entries[5]);
    ledger_fixture_begin(f);
    ok(call(f->writer, append, entries, 6, &f->error));
    ledger_fixture_append(f, sample_next(f->b, ANNOUNCEMENT, "b"));
    ledger_fixture_commit(f);
}

static void test_ledger_quarantine__moves_entries_aside_and_the_head_back(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[6];
    struct store_feed row;
    struct aside aside;

    fill(f, entries);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 5, 3, &f->error));
    for (int again = 0; again < 2; again++) {
        ok(call(f->writer, get_feed, &f->a->feed, &row, &f->error));
        assert_int_equal(row.head.seq, 4);
        assert_true(id_equal(&row.head.hash, &entries[3].entry.hash));
        assert_int_equal(row.head.certificate, 2);
        assert_int_equal(row.head.recoveries, 3);
        assert_int_equal(row.signed_seq, 3);
        assert_int_equal(row.missing, 1);
        assert_int_equal(row.quarantined, 2);
        assert_int_equal(row.head_arrival, 8);
        assert_int_equal(generation(f->writer), 1);
        assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, UINT64_MAX)->count, 4);
        assert_int_equal(ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES)->count, 5);
        assert_int_equal(ledger_seen_arrivals(f->writer, 7, STORE_ALL_TYPES)->count, 0);
        /* Who asks what has changed is told the feed again. */
        assert_int_equal(ledger_seen_feeds(f->writer, 7, false, 10)->count, 1);
        aside = look(f->writer, &f->a->feed);
        assert_int_equal(aside.count, 2);
        assert_int_equal(aside.seqs[0], 5);
        assert_true(id_equal(&aside.hashes[1], &entries[5].entry.hash));
        assert_int_equal(aside.arrivals[1], 6);
        assert_int_equal(aside.generations[0], 1);
        assert_int_equal(look(f->writer, &f->b->feed).count, 0);
        if (!again)
            ledger_fixture_commit(f);
        ledger_fixture_reopen(f);
    }
}

static void test_ledger_quarantine__makes_room_for_another_branch(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[6], other;
    struct aside aside;

    fill(f, entries);
    f->a->institution.head = (struct entry_head){
        .feed = f->a->feed, .certificate = 1, .seq = 4, .hash = entries[3].entry.hash};
    other = sample_next(f->a, REVISION, "another five");
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 5, 0, &f->error));
    ledger_fixture_append(f, other);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_int_equal(head(f->writer, &f->a->feed), 5);
    ledger_seen_kept(f->writer, other);
    assert_int_equal(ledger_seen_arrivals(f->writer, 8, STORE_ALL_TYPES)->count, 1);
    /* And back again, as a whole: what was moved last comes first. */
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 1, 0, &f->error));
    assert_int_equal(head(f->writer, &f->a->feed), 0);
    ok(call(f->writer, append, entries, 6, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_int_equal(head(f->writer, &f->a->feed), 6);
    ledger_seen_kept(f->writer, entries[4]);
    aside = look(f->writer, &f->a->feed);
    assert_int_equal(aside.count, 7);
    assert_int_equal(aside.seqs[0], 1);
    assert_int_equal(aside.generations[0], 2);
    assert_true(id_equal(&aside.hashes[4], &other.entry.hash));
    assert_int_equal(aside.seqs[5], 5);
    assert_int_equal(aside.generations[5], 1);
}

static void test_ledger_quarantine__refuses_what_is_not_there(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[6];

    fill(f, entries);
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, quarantine, &f->a->feed, 0, 0, &f->error), ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, quarantine, &f->a->feed, 7, 0, &f->error), ERROR_NOT_FOUND);
    f->a->feed.bytes[0] ^= 1;
    assert_int_equal(call(f->writer, quarantine, &f->a->feed, 1, 0, &f->error), ERROR_NOT_FOUND);
    assert_int_equal(look(f->writer, &f->a->feed).count, 0);
    f->a->feed.bytes[0] ^= 1;
    ledger_fixture_commit(f); /* none of these has spoiled it */
    assert_int_equal(generation(f->writer), 0);
    assert_int_equal(head(f->writer, &f->a->feed), 6);
}

/* Everything as it was, for the reader meanwhile and for all after the roll back. */
static void assert_untouched(struct store store, const struct ledger_fixture *f,
                             const struct store_entry entries[6])
{
    struct store_feed row;

    ok(call(store, get_feed, &f->a->feed, &row, NULL));
    assert_int_equal(row.head.seq, 6);
    assert_int_equal(row.missing, 1);
    assert_int_equal(generation(store), 0);
    assert_int_equal(look(store, &f->a->feed).count, 0);
    assert_int_equal(ledger_seen_arrivals(store, 0, STORE_ALL_TYPES)->count, 7);
    assert_int_equal(ledger_seen_entries(store, &f->a->feed, 1, 9)->count, 6);
    ledger_seen_kept(store, entries[4]);
}

static void test_ledger_quarantine__is_rolled_back(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[6], again[6];

    fill(f, entries);
    memcpy(again, entries, sizeof again);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, &f->a->feed, 3, span_of("0123456789abcdef", 16),
            span_of_text("three"), 1, &f->error));
    ok(call(f->writer, quarantine, &f->a->feed, 3, 0, &f->error));
    ok(call(f->writer, append, again + 2, 2, &f->error));
    ok(call(f->writer, quarantine, &f->a->feed, 2, 0, &f->error));
    ok(call(f->writer, append, again + 1, 5, &f->error));
    assert_int_equal(look(f->writer, &f->a->feed).count, 7);
    assert_untouched(f->reader, f, entries);
    ledger_fixture_rollback(f);
    assert_untouched(f->reader, f, entries);
    assert_untouched(f->writer, f, entries);
    ledger_fixture_reopen(f);
    assert_untouched(f->writer, f, entries);
}

struct certificates {
    size_t count;
    uint64_t numbers[8], seqs[8];
};

static int see_certificate(void *context, const struct store_certificate *certificate)
{
    struct certificates *seen = context;

    seen->numbers[seen->count] = certificate->number;
    seen->seqs[seen->count++] = certificate->seq;
    return 0;
}

static struct certificates certificates(struct ledger_fixture *f, const struct id *feed)
{
    struct certificates seen = {0};

    ok(call(f->writer, certificates, feed, see_certificate, &seen, NULL));
    return seen;
}

static void test_ledger_quarantine__certificates_go_with_their_entries(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[6];
    struct store_certificate certificate = {.encoded = span_of_text("c")};
    struct certificates seen;

    fill(f, entries);
    ledger_fixture_begin(f);
    for (uint64_t number = 1; number <= 4; number++) {
        certificate.number = number;
        certificate.seq = number < 4 ? 2 * number - 1 : 0;
        ok(call(f->writer, put_certificate, &f->a->feed, &certificate, &f->error));
        ok(call(f->writer, put_certificate, &f->b->feed, &certificate, &f->error));
    }
    ok(call(f->writer, quarantine, &f->a->feed, 3, 0, &f->error));
    seen = certificates(f, &f->a->feed);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.seqs[0], 1);
    assert_int_equal(seen.seqs[1], 0);
    assert_int_equal(seen.seqs[2], 0);
    ok(call(f->writer, cut_certificates, &f->a->feed, 3, &f->error));
    ok(call(f->writer, cut_certificates, &f->a->feed, 9, &f->error));
    assert_int_equal(certificates(f, &f->a->feed).count, 2);
    certificate.number = 3;
    certificate.seq = 0;
    ok(call(f->writer, put_certificate, &f->a->feed, &certificate, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    seen = certificates(f, &f->a->feed);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.numbers[2], 3);
    assert_int_equal(seen.seqs[2], 0);
    assert_int_equal(certificates(f, &f->b->feed).count, 4);
    assert_int_equal(certificates(f, &f->b->feed).seqs[2], 5);
}

static void test_ledger_quarantine__a_visitor_may_stop_and_read(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[6];
    struct aside aside = {.stop_after = 2};

    fill(f, entries);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 3, 0, &f->error));
    ledger_fixture_commit(f);
    ok(call(f->writer, quarantined, &f->a->feed, see, &aside, NULL));
    assert_int_equal(aside.count, 2);
    ledger_fixture_open_reader(f);
    assert_int_equal(look(f->reader, &f->a->feed).count, 4);
}

/* --- erasing ---------------------------------------------------------------------------------- */

static void erase(struct ledger_fixture *f, const struct erasure_order *orders, size_t count,
                  size_t expected)
{
    size_t erased = 77;

    ok(call(f->writer, erase, &f->a->feed, orders, count, &erased, &f->error));
    assert_int_equal(erased, expected);
}

struct erased {
    uint64_t by[8];
    bool has_content[8];
};

static int see_erased(void *context, const struct store_entry *entry)
{
    struct erased *erased = context;

    if (entry->entry.seq < 8) {
        erased->by[entry->entry.seq] = entry->erased;
        erased->has_content[entry->entry.seq] = entry->entry.has_content;
    }
    return 0;
}

static struct erased look_at_erased(struct store store, const struct id *feed)
{
    struct erased erased = {{0}, {0}};

    ok(call(store, entries, feed, 1, UINT64_MAX, see_erased, &erased, NULL));
    return erased;
}

static void assert_missing(struct store store, const struct id *feed, const uint64_t *expected,
                           size_t count)
{
    struct store_feed row;
    uint64_t seqs[8];
    size_t found = 0;

    ok(call(store, get_feed, feed, &row, NULL));
    assert_int_equal(row.missing, count);
    ok(call(store, missing, feed, seqs, 8, &found, NULL));
    assert_int_equal(found, count);
    assert_memory_equal(seqs, expected, count * sizeof *seqs);
}

static void test_ledger_quarantine__does_not_miss_what_was_erased(void **state)
{
    static const struct erasure_order orders[] = {{2, 4}, {3, 4}};
    struct ledger_fixture *f = *state;
    struct store_entry entries[6];
    struct erased erased;

    fill(f, entries);
    ledger_fixture_begin(f);
    erase(f, orders, 2, 2);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 5, 0, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_missing(f->writer, &f->a->feed, NULL, 0);
    erased = look_at_erased(f->writer, &f->a->feed);
    assert_int_equal(erased.by[2], 4);
    assert_int_equal(erased.by[3], 4);
}

/* 1 by an order that stays; 2, and 3, which was missing, by orders that go. */
static void assert_by_orders(struct store store, const struct id *feed)
{
    struct erased erased = look_at_erased(store, feed);

    assert_missing(store, feed, NULL, 0);
    assert_int_equal(erased.by[1], 4);
    assert_int_equal(erased.by[2], 5);
    assert_int_equal(erased.by[3], 6);
}

static void assert_void(struct store store, const struct id *feed)
{
    struct erased erased = look_at_erased(store, feed);
    const uint64_t missing[] = {2, 3};

    assert_missing(store, feed, missing, 2);
    assert_int_equal(erased.by[1], 4);
    assert_int_equal(erased.by[2], 0);
    assert_int_equal(erased.by[3], 0);
}

static void test_ledger_quarantine__makes_orders_to_erase_void(void **state)
{
    static const struct erasure_order orders[] = {{1, 4}, {2, 5}, {3, 6}}, again = {2, 7};
    struct ledger_fixture *f = *state;
    struct store_entry entries[6];
    const struct id *feed = &f->a->feed;
    const struct entry *two = &entries[1].entry;

    fill(f, entries);
    ledger_fixture_begin(f);
    erase(f, orders, 3, 3);
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, feed, 5, 0, &f->error));
    assert_void(f->writer, feed);
    assert_by_orders(f->reader, feed);
    ledger_fixture_rollback(f);
    assert_by_orders(f->writer, feed);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, feed, 5, 0, &f->error));
    ledger_fixture_commit(f);
    assert_void(f->reader, feed);
    ledger_fixture_reopen(f);
    assert_void(f->writer, feed);
    /* It can come again, and go again. */
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, feed, 2, two->salt, two->content, 1, &f->error));
    ledger_fixture_commit(f);
    assert_true(look_at_erased(f->writer, feed).has_content[2]);
    ledger_fixture_begin(f);
    erase(f, &again, 1, 1);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_int_equal(look_at_erased(f->writer, feed).by[2], 7);
    assert_missing(f->writer, feed, (const uint64_t[]){3}, 1);
}

/* In rows of many entries, some of which were rewritten for those that were erased. */
static void test_ledger_quarantine__makes_many_orders_void(void **state)
{
    enum { COUNT = 700, ORDERS = 100 };
    struct ledger_fixture *f = *state;
    struct erasure_order orders[ORDERS];
    struct store_feed row;

    ledger_fixture_fill(f, f->a, COUNT);
    for (size_t i = 0; i < ORDERS; i++)
        orders[i] = (struct erasure_order){1 + 5 * i, i % 3 ? 650 : 600};
    ledger_fixture_begin(f);
    erase(f, orders, ORDERS, ORDERS);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 601, 0, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ok(call(f->writer, get_feed, &f->a->feed, &row, NULL));
    assert_int_equal(row.missing, 66);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 600, 0, &f->error));
    ledger_fixture_commit(f);
    ok(call(f->writer, get_feed, &f->a->feed, &row, NULL));
    assert_int_equal(row.missing, ORDERS);
    assert_int_equal(look_at_erased(f->writer, &f->a->feed).by[1], 0);
}

/* All in one transaction: a content that came late goes, comes, goes and comes. */
static void test_ledger_quarantine__a_content_goes_and_comes_at_once(void **state)
{
    static const struct erasure_order orders[] = {{3, 5}, {3, 6}};
    struct ledger_fixture *f = *state;
    const struct id *feed = &f->a->feed;
    struct span salt = span_of("0123456789abcdef", 16), three = span_of_text("three");
    struct store_entry entries[6];

    fill(f, entries);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, feed, 3, salt, three, 1, &f->error));
    ledger_fixture_commit(f);
    for (int keep = 0; keep < 2; keep++) {
        ledger_fixture_begin(f);
        for (size_t i = 2; i-- > 0;) {
            erase(f, &orders[i], 1, 1);
            ok(call(f->writer, quarantine, feed, orders[i].by, 0, &f->error));
            ok(call(f->writer, put_content, feed, 3, salt, three, 1, &f->error));
        }
        if (keep) {
            erase(f, (const struct erasure_order[]){{3, 4}}, 1, 1);
            ledger_fixture_commit(f);
        } else {
            ledger_fixture_rollback(f);
        }
        ledger_fixture_reopen(f);
        assert_int_equal(look_at_erased(f->writer, feed).has_content[3], !keep);
        assert_int_equal(look_at_erased(f->writer, feed).by[3], keep ? 4 : 0);
        assert_int_equal(head(f->writer, feed), keep ? 4 : 6);
    }
}

/* What is kept of one of the quarantined entries. */
struct kept {
    struct id hash;
    bool seen, has_content, is_signed, has_bytes;
};

static int see_kept(void *context, const struct store_quarantined *quarantined)
{
    struct kept *kept = context;
    const struct entry *entry = &quarantined->entry.entry;

    if (!id_equal(&entry->hash, &kept->hash))
        return 0;
    kept->seen = true;
    kept->has_content = entry->has_content;
    kept->is_signed = entry->signature.size > 0;
    kept->has_bytes = entry->bytes.size > 0;
    return 1;
}

static bool keeps_content(struct store store, const struct entry *entry)
{
    struct kept kept = {.hash = entry->hash};

    ok(call(store, quarantined, &entry->feed, see_kept, &kept, NULL));
    assert_true(kept.seen && kept.is_signed && kept.has_bytes);
    return kept.has_content;
}

static void test_ledger_quarantine__contents_do_not_escape_erasure(void **state)
{
    static const struct erasure_order nothing = {3, 9}, none;
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, "one");
    struct store_entry moved = sample_next(f->a, ANNOUNCEMENT, "a name");
    struct store_entry permanent =
        sample_next(f->a, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, "who we are");
    struct store_entry other = sample_next(f->b, ANNOUNCEMENT, "another feed");

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_append(f, moved);
    ledger_fixture_append(f, permanent);
    ledger_fixture_append(f, other);
    ok(call(f->writer, quarantine, &f->a->feed, 2, 0, &f->error));
    ok(call(f->writer, quarantine, &f->b->feed, 1, 0, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    erase(f, &none, 0, 0); /* nothing is ordered */
    assert_true(keeps_content(f->writer, &moved.entry));
    erase(f, &nothing, 1, 0);
    assert_false(keeps_content(f->writer, &moved.entry));
    assert_true(keeps_content(f->reader, &moved.entry));
    ledger_fixture_rollback(f);
    assert_true(keeps_content(f->writer, &moved.entry));
    ledger_fixture_begin(f);
    erase(f, &nothing, 1, 0);
    ledger_fixture_commit(f);
    assert_false(keeps_content(f->reader, &moved.entry));
    ledger_fixture_reopen(f);
    assert_false(keeps_content(f->writer, &moved.entry));
    assert_true(keeps_content(f->writer, &permanent.entry));
    assert_true(keeps_content(f->writer, &other.entry));
    ledger_seen_kept(f->writer, one);
    /* What is moved later has its content, until the next order. */
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 1, 0, &f->error));
    assert_true(keeps_content(f->writer, &one.entry));
    erase(f, &nothing, 1, 0);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_false(keeps_content(f->writer, &one.entry));
    assert_int_equal(look(f->writer, &f->a->feed).count, 3);
}

/* In one transaction with all else. */
static void test_ledger_quarantine__is_rolled_back_with_erasures(void **state)
{
    static const struct erasure_order orders[] = {{1, 3}, {2, 5}, {5, 6}};
    struct ledger_fixture *f = *state;
    struct store_entry entries[6], again[6];

    fill(f, entries);
    memcpy(again, entries, sizeof again);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    erase(f, orders, 3, 3);
    ok(call(f->writer, quarantine, &f->a->feed, 4, 0, &f->error));
    erase(f, orders + 1, 1, 1);
    ok(call(f->writer, append, again + 3, 3, &f->error));
    ok(call(f->writer, quarantine, &f->a->feed, 3, 0, &f->error));
    erase(f, orders + 1, 1, 1);
    assert_false(keeps_content(f->writer, &entries[4].entry));
    assert_untouched(f->reader, f, entries);
    ledger_seen_kept(f->reader, entries[1]);
    ledger_fixture_rollback(f);
    for (size_t i = 0; i < 2; i++) {
        assert_untouched(f->writer, f, entries);
        for (size_t seq = 1; seq <= 6; seq++)
            if (entries[seq - 1].entry.signature_checked)
                ledger_seen_kept(f->writer, entries[seq - 1]);
        ledger_fixture_reopen(f);
    }
}

/* Across the rows of a large feed, at any place. */
static void test_ledger_quarantine__cuts_anywhere(void **state)
{
    struct ledger_fixture *f = *state;
    uint64_t count = 700;

    ledger_fixture_fill(f, f->a, (size_t)count);
    for (uint64_t cut = count; cut > 50; cut -= cut / 9 + 1) {
        struct store_feed row;

        ledger_fixture_begin(f);
        ok(call(f->writer, quarantine, &f->a->feed, cut, 0, &f->error));
        ledger_fixture_commit(f);
        assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, count)->count, cut - 1);
        ok(call(f->writer, get_feed, &f->a->feed, &row, NULL));
        assert_int_equal(row.signed_seq, cut - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__moves_entries_aside_and_the_head_back),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__makes_room_for_another_branch),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__refuses_what_is_not_there),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__is_rolled_back),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__certificates_go_with_their_entries),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__a_visitor_may_stop_and_read),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__does_not_miss_what_was_erased),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__makes_orders_to_erase_void),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__makes_many_orders_void),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__a_content_goes_and_comes_at_once),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__contents_do_not_escape_erasure),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__is_rolled_back_with_erasures),
        LEDGER_FIXTURE_BOTH(test_ledger_quarantine__cuts_anywhere),
    };

    return cmocka_run_group_tests_name("ledger_quarantine", tests, NULL, NULL);
}
