/* branch and ingest: which branch of a forked feed is taken, over an exchange on a ledger in memory
 * that nobody is connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"
#include "tests/support/exchange_fixture.h"
#include "tests/support/fault.h"

#define COUNT 10

struct fixture {
    struct exchange_fixture base;
    struct institution other, twin; /* with the same keys */
    struct buffer ours[COUNT], theirs[COUNT];
    size_t our_count, their_count;
    struct feed *feed; /* of the other institution, which is a partner */
    uint64_t added;
};

static int add_partner(struct fixture *f, const struct identity_chain *chain)
{
    return exchange_fixture_accept(&f->base, chain, "cn-other");
}

/* The other institution's card names certificate 1. */
static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    exchange_fixture_init(&f->base);
    exchange_fixture_start(&f->base);
    institution_init(&f->other, 2);
    institution_init(&f->twin, 2);
    institution_certify(&f->other, false, &f->ours[f->our_count++]);
    institution_certify(&f->twin, false, &f->theirs[f->their_count++]);
    assert_int_equal(add_partner(f, &f->other.chain), ERROR_NONE);
    f->feed = feed_find(f->base.exchange, &f->other.chain.feed);
    f->base.changed = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    exchange_fixture_finish(&f->base);
    institution_finish(&f->other);
    institution_finish(&f->twin);
    for (size_t i = 0; i < COUNT; i++) {
        buffer_finish(&f->ours[i]);
        buffer_finish(&f->theirs[i]);
    }
    free(f);
    return 0;
}

/* What the two branches say, a letter an entry: a certificate by the root key (c) or the recovery
 * key (R), a profile (p), or something else. */
static void say(struct institution *institution, const char *script, struct buffer *entries,
                size_t *count)
{
    static const uint8_t profile[] = {0x0a, 5, 'c', 'n', '-', 'x', 'x'};

    for (; *script; script++) {
        char text[2] = {*script, '\0'};

        assert_true(*count < COUNT);
        if (*script == 'c' || *script == 'R')
            institution_certify(institution, *script == 'R', &entries[*count]);
        else if (*script == 'p')
            institution_append(institution, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE,
                               span_of(profile, sizeof profile), &entries[*count]);
        else
            institution_say(institution, text, &entries[*count]);
        ++*count;
    }
}

static void branches(struct fixture *f, const char *ours, const char *theirs)
{
    say(&f->other, ours, f->ours, &f->our_count);
    say(&f->twin, theirs, f->theirs, &f->their_count);
}

static enum ingest_result ingest_now(struct fixture *f, struct buffer *entries, size_t from,
                                     size_t to)
{
    struct buffer bytes = {0};
    struct entry_run run = {0};
    enum ingest_result result;

    institution_run(&f->other, entries + from - 1, to - from + 1, 0, &bytes);
    assert_int_equal(entry_run_read(buffer_span(&bytes), INSTITUTION_NETWORK, &run, NULL),
                     ERROR_NONE);
    result = ingest_run(f->base.exchange, f->feed, &run, false, 0, &f->added, &f->base.error);
    entry_run_finish(&run);
    buffer_finish(&bytes);
    return result;
}

/* Entries No. from … to of a branch as a run, in a transaction. */
static enum ingest_result ingest(struct fixture *f, struct buffer *entries, size_t from, size_t to)
{
    enum ingest_result result;

    exchange_fixture_begin(&f->base);
    result = ingest_now(f, entries, from, to);
    exchange_fixture_commit(&f->base);
    return result;
}

/* Each certificate ends a run. */
static void ingest_all(struct fixture *f, const char *script, struct buffer *entries)
{
    size_t first = 1;

    for (size_t i = 1; i <= strlen(script) + 1; i++) {
        char letter = i == 1 ? 'c' : script[i - 2];

        if (letter != 'c' && letter != 'R' && i < strlen(script) + 1)
            continue;
        assert_int_equal(ingest(f, entries, first, i), INGEST_ADDED);
        first = i + 1;
    }
}

/* In memory and in the store. */
static void check(struct fixture *f, const struct entry_head *head, uint64_t recoveries,
                  bool frozen, size_t aside)
{
    struct store_feed row;
    const struct keyring_entry *keys = keyring_take(f->base.keyring, &f->feed->id);

    assert_int_equal(f->feed->head.seq, head->seq);
    assert_memory_equal(&f->feed->head.hash, &head->hash, sizeof head->hash);
    assert_int_equal(f->feed->head.certificate, head->certificate);
    assert_int_equal(f->feed->head.recoveries, recoveries);
    assert_int_equal(f->feed->frozen, frozen);
    assert_int_equal(
        f->base.store.operations->get_feed(f->base.store.self, &f->feed->id, &row, NULL),
        ERROR_NONE);
    assert_memory_equal(&row.head.hash, &head->hash, sizeof head->hash);
    assert_int_equal(row.head.certificate, head->certificate);
    assert_int_equal(row.head.recoveries, recoveries);
    assert_int_equal(row.frozen, frozen);
    assert_int_equal(exchange_fixture_quarantined(&f->base, &f->feed->id), aside);
    assert_int_equal(f->feed->quarantined, aside);
    assert_non_null(keys);
    assert_int_equal(keys->number, head->certificate);
    keyring_release(f->base.keyring, keys);
}

/* --- the certificate's place ------------------------------------------------------------------ */

static void test_branch__a_certificate_before_what_we_hold_quarantines_it(void **state)
{
    struct fixture *f = *state;

    branches(f, "aabbb", "aac");
    ingest_all(f, "aabbb", f->ours);
    assert_int_equal(ingest(f, f->theirs, 4, 4), INGEST_ADDED);
    assert_int_equal(f->added, 1);
    check(f, &f->twin.head, 0, false, 3);
    /* The thief goes on: it changes nothing. */
    assert_int_equal(ingest(f, f->ours, 4, 4), INGEST_REFUSED);
    assert_int_equal(f->base.error.code, ERROR_FORK);
    assert_int_equal(ingest(f, f->ours, 5, 6), INGEST_REFUSED);
    check(f, &f->twin.head, 0, false, 3);
}

static void test_branch__a_certificate_on_the_other_branch_brings_it(void **state)
{
    struct fixture *f = *state;

    branches(f, "aabbbbb", "aaddcd");
    ingest_all(f, "aabbbbb", f->ours);
    assert_int_equal(ingest(f, f->theirs, 4, 5), INGEST_FORK);
    assert_int_equal(ingest(f, f->theirs, 2, 6), INGEST_ADDED);
    assert_int_equal(f->added, 3);
    assert_int_equal(ingest(f, f->theirs, 7, 7), INGEST_ADDED);
    check(f, &f->twin.head, 0, false, 5);
}

static void test_branch__a_frozen_feed_goes_where_the_certificate_stands(void **state)
{
    struct fixture *f = *state;

    branches(f, "aabcb", "aadc");
    assert_int_equal(ingest(f, f->ours, 1, 1), INGEST_ADDED);
    assert_int_equal(ingest(f, f->ours, 2, 4), INGEST_ADDED);
    assert_int_equal(ingest(f, f->theirs, 4, 4), INGEST_FORK);
    assert_true(f->feed->frozen);
    assert_int_equal(ingest(f, f->ours, 5, 5), INGEST_ADDED);
    check(f, &(struct entry_head){.seq = 5, .certificate = 2, .hash = f->feed->head.hash}, 0, false,
          0);
    /* The other branch has one of this number, too: once more it cannot be told. */
    assert_int_equal(ingest(f, f->theirs, 4, 5), INGEST_FORK);
    assert_int_equal(ingest(f, f->ours, 6, 6), INGEST_FROZEN);
    say(&f->twin, "ec", f->theirs, &f->their_count);
    assert_int_equal(ingest(f, f->theirs, 6, 7), INGEST_FROZEN); /* does not follow ours */
    assert_int_equal(ingest(f, f->theirs, 4, 5), INGEST_FROZEN);
    check(f, &(struct entry_head){.seq = 5, .certificate = 2, .hash = f->feed->head.hash}, 0, true,
          0);
}

/* --- the recovery key ------------------------------------------------------------------------- */

static void test_branch__recovery_outranks_any_number_by_the_root_key(void **state)
{
    struct fixture *f = *state;

    branches(f, "abcbcb", "aRd");
    ingest_all(f, "abcbcb", f->ours);
    assert_int_equal(ingest(f, f->theirs, 3, 3), INGEST_ADDED);
    assert_int_equal(ingest(f, f->theirs, 4, 4), INGEST_ADDED);
    check(f, &f->twin.head, 1, false, 5);
    assert_int_equal(f->feed->chain.count, 2);
    assert_true(f->feed->chain.certificates[1].by_recovery);
    /* What the stolen root key signs, with whatever number, comes to nothing. */
    assert_int_equal(ingest(f, f->ours, 3, 4), INGEST_REFUSED);
    assert_int_equal(ingest(f, f->ours, 5, 6), INGEST_REFUSED);
    check(f, &f->twin.head, 1, false, 5);
    /* And it is so after a restart. */
    exchange_fixture_start(&f->base);
    f->feed = feed_find(f->base.exchange, &f->other.chain.feed);
    check(f, &f->twin.head, 1, false, 5);
    assert_int_equal(f->feed->chain.count, 2);
    assert_true(f->feed->chain.certificates[1].by_recovery);
}

static void test_branch__the_order_of_arrival_does_not_matter(void **state)
{
    struct fixture *f = *state;

    branches(f, "abcbcb", "aRd");
    ingest_all(f, "aRd", f->theirs);
    assert_int_equal(ingest(f, f->ours, 3, 4), INGEST_REFUSED);
    assert_int_equal(ingest(f, f->ours, 5, 6), INGEST_REFUSED);
    check(f, &f->twin.head, 1, false, 0);
}

static void test_branch__a_card_can_bring_the_recovery(void **state)
{
    struct fixture *f = *state;

    branches(f, "abcbcb", "aRd");
    ingest_all(f, "abcbcb", f->ours);
    assert_int_equal(add_partner(f, &f->twin.chain), ERROR_NONE);
    /* What stood under certificate 2 is gone at once; the rest is for the entries to say. */
    check(f, &(struct entry_head){.seq = 3, .certificate = 1, .hash = f->feed->head.hash}, 0, true,
          4);
    assert_true(f->base.changed > 0);
    assert_int_equal(ingest(f, f->ours, 4, 4), INGEST_REFUSED);
    assert_int_equal(add_partner(f, &f->other.chain), ERROR_FORK); /* the thief's */
    assert_int_equal(ingest(f, f->theirs, 2, 3), INGEST_ADDED);
    assert_int_equal(ingest(f, f->theirs, 4, 4), INGEST_ADDED);
    check(f, &f->twin.head, 1, false, 5);
}

/* Checked by another thread with a key that was in force then. */
static void test_branch__a_check_with_a_key_that_was_replaced_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct incoming *incoming;
    struct buffer bytes = {0}, lie = {0};

    branches(f, "ab", "aR");
    f->other.number = 3; /* other keys than those of the recovery */
    say(&f->other, "cb", f->ours, &f->our_count);
    ingest_all(f, "abcb", f->ours);
    /* Behind the entry of the recovery, by the key that it replaces. */
    f->other.head = f->twin.head;
    institution_say(&f->other, "by the thief", &lie);
    institution_run_message(&f->other, &lie, 1, 0, &bytes);
    incoming =
        incoming_create(&f->other.chain.feed, NULL, &bytes, INSTITUTION_NETWORK, f->base.keyring);
    assert_non_null(incoming);
    assert_true(incoming->checked);
    assert_int_equal(ingest(f, f->theirs, 3, 3), INGEST_ADDED);
    exchange_fixture_begin(&f->base);
    exchange_incoming(f->base.exchange, incoming);
    exchange_fixture_commit(&f->base);
    check(f, &f->twin.head, 1, false, 3);
    incoming_destroy(incoming);
    buffer_finish(&lie);
}

static void test_branch__a_card_from_before_the_recovery_still_names_a_partner(void **state)
{
    struct fixture *f = *state;

    branches(f, "abcb", "aR");
    ingest_all(f, "abcb", f->ours);
    assert_int_equal(ingest(f, f->theirs, 3, 3), INGEST_ADDED);
    exchange_fixture_start(&f->base);
    assert_int_equal(add_partner(f, &f->other.chain), ERROR_NONE);
    f->feed = feed_find(f->base.exchange, &f->other.chain.feed);
    assert_non_null(f->feed->partner);
    check(f, &f->twin.head, 1, false, 3);
    assert_true(f->feed->chain.certificates[1].by_recovery);
    /* It says nothing of them: whoever made it may have been the thief. */
    assert_string_equal(feed_handle(f->feed), "");
}

/* --- what goes with the entries --------------------------------------------------------------- */

static void test_branch__what_was_learned_of_them_goes_too(void **state)
{
    struct fixture *f = *state;

    branches(f, "aapb", "aac");
    ingest_all(f, "aapb", f->ours);
    assert_string_equal(feed_handle(f->feed), "cn-xx");
    assert_int_equal(ingest(f, f->theirs, 4, 4), INGEST_ADDED);
    assert_string_equal(feed_handle(f->feed), "cn-other"); /* as the card says */
    assert_true(f->base.changed > 0);
}

/* --- failures --------------------------------------------------------------------------------- */

/* Either all of it is done, or nothing. */
static void test_branch__a_change_is_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct entry_head before;
    bool done = false;

    branches(f, "abcbcb", "aRd");
    ingest_all(f, "abcbcb", f->ours);
    before = f->feed->head;
    for (unsigned long n = 1; !done; n++) {
        struct buffer bytes = {0};
        struct entry_run run = {0};
        bool hit;

        institution_run(&f->other, f->theirs + 2, 1, 0, &bytes);
        assert_int_equal(entry_run_read(buffer_span(&bytes), INSTITUTION_NETWORK, &run, NULL),
                         ERROR_NONE);
        while (exchange_begin(f->base.exchange, NULL))
            ;
        fault_arm(n);
        ingest_run(f->base.exchange, f->feed, &run, false, 0, &f->added, &f->base.error);
        done =
            exchange_commit(f->base.exchange, NULL) == ERROR_NONE && f->feed->head.recoveries == 1;
        hit = fault_disarm();
        assert_true(done || hit);
        entry_run_finish(&run);
        buffer_finish(&bytes);
        if (done)
            break;
        while (exchange_begin(f->base.exchange, NULL))
            ;
        exchange_fixture_commit(&f->base);
        check(f, &before, 0, false, 0);
    }
    assert_int_equal(ingest(f, f->theirs, 4, 4), INGEST_ADDED);
    check(f, &f->twin.head, 1, false, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_branch__a_certificate_before_what_we_hold_quarantines_it),
        TEST(test_branch__a_certificate_on_the_other_branch_brings_it),
        TEST(test_branch__a_frozen_feed_goes_where_the_certificate_stands),
        TEST(test_branch__recovery_outranks_any_number_by_the_root_key),
        TEST(test_branch__the_order_of_arrival_does_not_matter),
        TEST(test_branch__a_card_can_bring_the_recovery),
        TEST(test_branch__a_check_with_a_key_that_was_replaced_does_not_count),
        TEST(test_branch__a_card_from_before_the_recovery_still_names_a_partner),
        TEST(test_branch__what_was_learned_of_them_goes_too),
        TEST(test_branch__a_change_is_whole_or_not_at_all),
    };

    return cmocka_run_group_tests_name("branch", tests, NULL, NULL);
}
