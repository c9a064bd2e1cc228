/* Contents that are erased by order, over both implementations of struct store. */
#include "tests/support/ledger_seen.h"

#define PROFILE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE

static size_t erase(struct ledger_fixture *f, const struct id *feed,
                    const struct erasure_order *orders, size_t count)
{
    size_t erased = 77;

    ok(call(f->writer, erase, feed, orders, count, &erased, &f->error));
    return erased;
}

static struct store_entry erased(struct store_entry entry, uint64_t by)
{
    struct store_entry out = sample_without_content(entry);

    out.erased = by;
    return out;
}

static int look(void *context, const struct store_entry *entry)
{
    struct store_entry *out = context;

    out->arrival = entry->arrival;
    out->erased = entry->erased;
    return 1;
}

/* The seq of the order, as this store shows it; 0: not erased. */
static uint64_t erased_by(struct store store, const struct id *feed, uint64_t seq)
{
    struct store_entry entry = {0};

    ok(call(store, entries, feed, seq, seq, look, &entry, NULL));
    assert_true(entry.arrival > 0);
    return entry.erased;
}

static void test_ledger__erases_by_order(void **state)
{
    struct ledger_fixture *f = *state;
    const struct erasure_order orders[] = {{2, 6}, {3, 5}};
    struct store_entry all[6];
    struct store_feed feed;
    struct ledger_seen *seen;
    uint64_t missing[8];
    size_t count;

    for (int i = 0; i < 6; i++)
        all[i] = sample_next(f->a, ANNOUNCEMENT, "text");
    ledger_fixture_begin(f);
    for (int i = 0; i < 6; i++)
        ledger_fixture_append(f, i == 2 || i == 3 ? sample_without_content(all[i]) : all[i]);
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    assert_int_equal(erase(f, &f->a->feed, orders, 2), 2);
    ok(call(f->writer, get_feed, &f->a->feed, &feed, NULL));
    assert_int_equal(feed.missing, 1);
    assert_int_equal(feed.head_arrival, 8);
    assert_int_equal(feed.head.seq, 6);
    /* Not committed: a reader still has it, at its old place. */
    ledger_seen_kept(f->reader, all[1]);
    assert_int_equal(erased_by(f->reader, &f->a->feed, 2), 0);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ledger_seen_kept(f->reader, erased(all[1], 6));
    ledger_seen_kept(f->writer, erased(all[1], 6));
    ledger_seen_kept(f->writer, erased(all[2], 5));
    ledger_seen_kept(f->writer, all[4]);
    assert_int_equal(erased_by(f->writer, &f->a->feed, 2), 6);
    assert_int_equal(erased_by(f->writer, &f->a->feed, 3), 5);
    assert_int_equal(erased_by(f->writer, &f->a->feed, 4), 0);
    seen = ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES);
    assert_int_equal(seen->count, 6);
    assert_int_equal(seen->seqs[4], 2);
    assert_int_equal(seen->arrivals[4], 7);
    assert_int_equal(seen->seqs[5], 3);
    ok(call(f->writer, missing, &f->a->feed, missing, 8, &count, NULL));
    assert_int_equal(count, 1);
    assert_int_equal(missing[0], 4);
}

static void test_ledger__never_takes_an_erased_content_again(void **state)
{
    struct ledger_fixture *f = *state;
    const struct erasure_order order = {1, 3};
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, "one");

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    assert_int_equal(erase(f, &f->a->feed, &order, 1), 1);
    assert_int_equal(call(f->writer, put_content, &f->a->feed, 1, one.entry.salt, one.entry.content,
                          1, &f->error),
                     ERROR_EXISTS);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, put_content, &f->a->feed, 1, one.entry.salt, one.entry.content,
                          1, &f->error),
                     ERROR_EXISTS);
    ledger_fixture_commit(f);
    ledger_seen_kept(f->writer, erased(one, 3));
}

static void test_ledger__passes_over_what_it_cannot_erase(void **state)
{
    struct ledger_fixture *f = *state;
    const struct erasure_order orders[] = {{0, 9}, {1, 9}, {2, 9}, {3, 9}, {7, 9}};
    const struct erasure_order again[] = {{2, 8}, {3, 8}};
    struct store_entry profile = sample_next(f->a, PROFILE, "who we are");
    struct store_entry two = sample_next(f->a, ANNOUNCEMENT, "two");
    struct store_info info;
    size_t count = 9;

    ledger_fixture_begin(f);
    ledger_fixture_append(f, profile);
    ledger_fixture_append(f, two);
    assert_int_equal(erase(f, &f->b->feed, orders, 5), 0);
    assert_int_equal(erase(f, &f->a->feed, orders, 5), 1);
    assert_int_equal(erase(f, &f->a->feed, again, 2), 0); /* the first order stands */
    assert_int_equal(erase(f, &f->a->feed, orders, 0), 0);
    ledger_fixture_commit(f);
    ledger_seen_kept(f->writer, profile);
    assert_int_equal(erased_by(f->writer, &f->a->feed, 2), 9);
    ok(call(f->writer, info, &info, NULL));
    assert_int_equal(info.last_arrival, 3);
    /* Outside of a transaction. */
    assert_int_equal(call(f->writer, erase, &f->a->feed, orders, 5, &count, NULL), ERROR_INTERNAL);
    assert_int_equal(count, 0);
    ledger_fixture_open_reader(f);
    assert_int_equal(call(f->reader, erase, &f->a->feed, orders, 5, &count, NULL), ERROR_DENIED);
}

static void test_ledger__takes_back_what_it_erased(void **state)
{
    struct ledger_fixture *f = *state;
    const struct erasure_order orders[] = {{1, 4}, {2, 4}, {3, 4}};
    struct store_entry all[3], late;

    for (int i = 0; i < 3; i++)
        all[i] = sample_next(f->a, ANNOUNCEMENT, "text");
    late = all[1];
    ledger_fixture_begin(f);
    ledger_fixture_append(f, all[0]);
    ledger_fixture_append(f, sample_without_content(all[1]));
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, &f->a->feed, 2, late.entry.salt, late.entry.content, 9, NULL));
    ledger_fixture_append(f, all[2]);
    assert_int_equal(erase(f, &f->a->feed, orders, 3), 3);
    ledger_fixture_rollback(f);
    ledger_seen_kept(f->writer, all[0]);
    ledger_seen_kept(f->writer, sample_without_content(all[1]));
    assert_int_equal(ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES)->count, 2);
    /* What came late goes as well. */
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, &f->a->feed, 2, late.entry.salt, late.entry.content, 9, NULL));
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    assert_int_equal(erase(f, &f->a->feed, orders, 3), 2);
    ledger_fixture_rollback(f);
    late.received_ms = 9;
    ledger_seen_kept(f->writer, late);
    ledger_fixture_begin(f);
    assert_int_equal(erase(f, &f->a->feed, orders, 3), 2);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ledger_seen_kept(f->writer, erased(late, 4));
}

/* The order came in the same run: the content was never written. */
static void test_ledger__appends_what_is_erased_already(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = erased(sample_next(f->a, ANNOUNCEMENT, "one"), 2);
    struct store_entry two = sample_next(f->a, ANNOUNCEMENT, "two");
    struct store_feed feed;

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_append(f, two);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ledger_seen_kept(f->writer, one);
    ok(call(f->writer, get_feed, &f->a->feed, &feed, NULL));
    assert_int_equal(feed.missing, 0);
    assert_int_equal(erased_by(f->writer, &f->a->feed, 1), 2);
}

static void test_ledger__erases_many(void **state)
{
    enum { MANY = 1500 };
    static struct erasure_order orders[MANY];
    struct ledger_fixture *f = *state;
    struct ledger_seen *seen;

    ledger_fixture_fill(f, f->a, MANY + 1);
    for (size_t i = 0; i < MANY; i++)
        orders[i] = (struct erasure_order){i + 1, MANY + 1};
    ledger_fixture_begin(f);
    assert_int_equal(erase(f, &f->a->feed, orders, MANY), MANY);
    assert_int_equal(erase(f, &f->a->feed, orders, MANY), 0);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    seen = ledger_seen_entries(f->writer, &f->a->feed, 1, UINT64_MAX);
    assert_int_equal(seen->count, MANY + 1);
    for (size_t i = 0; i <= MANY; i++)
        assert_int_equal(seen->has_content[i], i == MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger__erases_by_order),
        LEDGER_FIXTURE_BOTH(test_ledger__never_takes_an_erased_content_again),
        LEDGER_FIXTURE_BOTH(test_ledger__passes_over_what_it_cannot_erase),
        LEDGER_FIXTURE_BOTH(test_ledger__takes_back_what_it_erased),
        LEDGER_FIXTURE_BOTH(test_ledger__appends_what_is_erased_already),
        LEDGER_FIXTURE_BOTH(test_ledger__erases_many),
    };

    return cmocka_run_group_tests_name("ledger_erase", tests, NULL, NULL);
}
