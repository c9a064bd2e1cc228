/* Content that comes to a kept entry later, over both implementations of struct store. */
#include "tests/support/ledger_seen.h"

static void test_ledger__late_content_takes_a_new_arrival(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry full[4], held[4];
    struct store_feed feed;
    struct ledger_seen *seen;

    for (int i = 0; i < 4; i++) {
        full[i] = sample_next(f->a, ANNOUNCEMENT, "text");
        held[i] = i == 1 || i == 2 ? sample_without_content(full[i]) : full[i];
    }
    ledger_fixture_begin(f);
    ok(call(f->writer, append, held, 4, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, &f->a->feed, 2, full[1].entry.salt, full[1].entry.content, 99,
            &f->error));
    ok(call(f->writer, get_feed, &f->a->feed, &feed, NULL));
    assert_int_equal(feed.missing, 1);
    assert_int_equal(feed.head_arrival, 5);
    assert_int_equal(feed.head.seq, 4);
    /* Not committed: a reader still misses it, at its old place. */
    seen = ledger_seen_arrivals(f->reader, 0, STORE_ALL_TYPES);
    assert_int_equal(seen->count, 4);
    assert_int_equal(seen->seqs[1], 2);
    assert_false(seen->has_content[1]);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    full[1].received_ms = 99;
    ledger_seen_kept(f->writer, full[1]);
    seen = ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES);
    assert_int_equal(seen->count, 4);
    assert_int_equal(seen->seqs[3], 2);
    assert_int_equal(seen->arrivals[3], 5);
    assert_true(seen->has_content[3]);
    assert_int_equal(ledger_seen_feeds(f->writer, 4, false, 10)->count, 1);
}

static void test_ledger__late_content_has_its_errors_and_rolls_back(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, "one");
    struct store_entry two = sample_next(f->a, ANNOUNCEMENT, "two");
    struct store_entry held = sample_without_content(two);
    struct span salt = two.entry.salt, content = two.entry.content;
    struct store_info info;

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_append(f, held);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, put_content, &f->a->feed, 3, salt, content, 1, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, put_content, &f->a->feed, 0, salt, content, 1, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, put_content, &f->b->feed, 1, salt, content, 1, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, put_content, &f->a->feed, 1, salt, content, 1, &f->error),
                     ERROR_EXISTS);
    ok(call(f->writer, put_content, &f->a->feed, 2, salt, content, 1, &f->error));
    assert_int_equal(call(f->writer, put_content, &f->a->feed, 2, salt, content, 1, &f->error),
                     ERROR_EXISTS);
    ledger_fixture_rollback(f);
    ledger_seen_kept(f->writer, held);
    ok(call(f->writer, info, &info, NULL));
    assert_int_equal(info.last_arrival, 2);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, &f->a->feed, 2, salt, content, two.received_ms, &f->error));
    ledger_fixture_commit(f);
    ledger_seen_kept(f->writer, two);
}

/* The next arrival belongs to an entry that does not stand behind it in its feed: whatever is done
 * to keep rows few must not join the two. */
static void test_ledger__what_comes_after_late_content_keeps_its_place(void **state)
{
    enum { BEFORE = 3, AFTER = 40 };
    struct ledger_fixture *f = *state;
    struct store_entry all[BEFORE + AFTER];

    for (int i = 0; i < BEFORE + AFTER; i++)
        all[i] = sample_next(f->a, ANNOUNCEMENT, "text");
    ledger_fixture_begin(f);
    for (int i = 0; i < BEFORE; i++)
        ledger_fixture_append(f, i == 1 ? sample_without_content(all[i]) : all[i]);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_content, &f->a->feed, 2, all[1].entry.salt, all[1].entry.content,
            all[1].received_ms, &f->error));
    ledger_fixture_commit(f);
    for (int i = BEFORE; i < BEFORE + AFTER; i++) {
        ledger_fixture_begin(f);
        ledger_fixture_append(f, all[i]);
        ledger_fixture_commit(f);
    }
    ledger_fixture_reopen(f);
    for (int i = 0; i < BEFORE + AFTER; i++)
        ledger_seen_kept(f->writer, all[i]);
    assert_int_equal(ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES)->count, BEFORE + AFTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger__late_content_takes_a_new_arrival),
        LEDGER_FIXTURE_BOTH(test_ledger__late_content_has_its_errors_and_rolls_back),
        LEDGER_FIXTURE_BOTH(test_ledger__what_comes_after_late_content_keeps_its_place),
    };

    return cmocka_run_group_tests_name("ledger_late", tests, NULL, NULL);
}
