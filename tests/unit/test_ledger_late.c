/* What comes to a kept entry later, over both implementations of struct store: content, signature.
 */
#include "tests/support/ledger_seen.h"

/* --- late content ----------------------------------------------------------------------------- */

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

/* --- late signatures -------------------------------------------------------------------------- */

static struct store_feed feed_of(struct store store, const struct id *id)
{
    struct store_feed feed;

    ok(call(store, get_feed, id, &feed, NULL));
    return feed;
}

static void test_ledger__signs_the_entry_just_appended(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[3], signed_one;

    for (int i = 0; i < 3; i++)
        entries[i] = sample_unsigned(sample_next(f->a, ANNOUNCEMENT, "text"));
    signed_one = entries[2];
    signed_one.entry.signature_checked = true;
    for (int i = 0; i < 2; i++)
        entries[i].entry.signature = span_of(NULL, 0);
    ledger_fixture_begin(f);
    ok(call(f->writer, append, entries, 3, &f->error));
    assert_int_equal(feed_of(f->writer, &f->a->feed).signed_seq, 0);
    ok(call(f->writer, put_signature, &f->a->feed, 3, signed_one.entry.signature, &f->error));
    assert_int_equal(feed_of(f->writer, &f->a->feed).signed_seq, 3);
    ledger_seen_kept(f->writer, signed_one);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ledger_fixture_open_reader(f);
    ledger_seen_kept(f->reader, entries[0]);
    ledger_seen_kept(f->reader, entries[1]);
    ledger_seen_kept(f->reader, signed_one);
    assert_int_equal(feed_of(f->reader, &f->a->feed).signed_seq, 3);
    assert_int_equal(feed_of(f->reader, &f->a->feed).head_arrival, 3);
    assert_int_equal(ledger_seen_arrivals(f->reader, 0, STORE_ALL_TYPES)->count, 3);
}

static void test_ledger__a_late_signature_moves_signed_seq_only_forward(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry entries[4], kept[4];
    struct store_info info;

    for (int i = 0; i < 4; i++) {
        kept[i] = sample_next(f->a, ANNOUNCEMENT, "text");
        entries[i] = i == 2 ? kept[i] : sample_unsigned(kept[i]);
    }
    ledger_fixture_begin(f);
    ok(call(f->writer, append, entries, 4, &f->error));
    ledger_fixture_append(f, sample_next(f->b, ANNOUNCEMENT, "between"));
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_signature, &f->a->feed, 2, kept[1].entry.signature, &f->error));
    assert_int_equal(feed_of(f->writer, &f->a->feed).signed_seq, 3);
    ok(call(f->writer, put_signature, &f->a->feed, 4, kept[3].entry.signature, &f->error));
    assert_int_equal(feed_of(f->writer, &f->a->feed).signed_seq, 4);
    /* Not committed: a reader sees neither. */
    entries[1].entry.signature = entries[3].entry.signature = span_of(NULL, 0);
    ledger_seen_kept(f->reader, entries[1]);
    ledger_seen_kept(f->reader, entries[3]);
    assert_int_equal(feed_of(f->reader, &f->a->feed).signed_seq, 3);
    ledger_fixture_commit(f);
    ledger_seen_kept(f->reader, kept[1]);
    ledger_seen_kept(f->reader, kept[3]);
    /* No new arrival. */
    assert_int_equal(feed_of(f->reader, &f->a->feed).signed_seq, 4);
    assert_int_equal(feed_of(f->reader, &f->a->feed).head_arrival, 4);
    ok(call(f->reader, info, &info, NULL));
    assert_int_equal(info.last_arrival, 5);
    assert_int_equal(ledger_seen_arrivals(f->reader, 4, STORE_ALL_TYPES)->count, 1);
}

static void test_ledger__a_late_signature_has_its_errors_and_rolls_back(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, "one");
    struct store_entry two = sample_next(f->a, ANNOUNCEMENT, "two");
    struct store_entry three = sample_next(f->a, ANNOUNCEMENT, "three");
    struct store_entry held = sample_unsigned(two);
    struct span signature = two.entry.signature;

    held.entry.signature = span_of(NULL, 0);
    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_append(f, held);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, put_signature, &f->a->feed, 3, signature, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, put_signature, &f->a->feed, 0, signature, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, put_signature, &f->b->feed, 1, signature, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, put_signature, &f->a->feed, 1, signature, &f->error),
                     ERROR_EXISTS);
    ok(call(f->writer, put_signature, &f->a->feed, 2, signature, &f->error));
    assert_int_equal(call(f->writer, put_signature, &f->a->feed, 2, signature, &f->error),
                     ERROR_EXISTS);
    /* One that goes away with its entry. */
    ledger_fixture_append(f, sample_unsigned(three));
    ok(call(f->writer, put_signature, &f->a->feed, 3, three.entry.signature, &f->error));
    ledger_fixture_rollback(f);
    ledger_seen_kept(f->writer, held);
    assert_int_equal(feed_of(f->writer, &f->a->feed).signed_seq, 1);
    /* None of the errors spoils a transaction. */
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, put_signature, &f->a->feed, 9, signature, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, put_signature, &f->a->feed, 1, signature, &f->error),
                     ERROR_EXISTS);
    ok(call(f->writer, put_signature, &f->a->feed, 2, signature, &f->error));
    ledger_fixture_commit(f);
    ledger_seen_kept(f->writer, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger__late_content_takes_a_new_arrival),
        LEDGER_FIXTURE_BOTH(test_ledger__late_content_has_its_errors_and_rolls_back),
        LEDGER_FIXTURE_BOTH(test_ledger__what_comes_after_late_content_keeps_its_place),
        LEDGER_FIXTURE_BOTH(test_ledger__signs_the_entry_just_appended),
        LEDGER_FIXTURE_BOTH(test_ledger__a_late_signature_moves_signed_seq_only_forward),
        LEDGER_FIXTURE_BOTH(test_ledger__a_late_signature_has_its_errors_and_rolls_back),
    };

    return cmocka_run_group_tests_name("ledger_late", tests, NULL, NULL);
}
