/* coverage: receipts that come and go, over an exchange on a ledger in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/core/state.h"
#include "tests/support/exchange_fixture.h"

enum { OWN, A, B, C, PARTIES }; /* C is no partner */

struct fixture {
    struct exchange_fixture base; /* whose own institution is OWN */
    struct institution others[PARTIES];
    struct id sent_to;         /* the last receipt went there … */
    struct entry_receipt sent; /* … and said this */
    unsigned receipts;
};

static const struct institution *institution_of(const struct fixture *f, unsigned party)
{
    return party == OWN ? &f->base.own : &f->others[party];
}

static const struct id *feed_id(const struct fixture *f, unsigned party)
{
    return &institution_of(f, party)->chain.feed;
}

static bool bus_send(void *self, const struct id *partner, struct span bytes)
{
    struct fixture *f = self;
    Caravan__SyncMessage *message = caravan__sync_message__unpack(NULL, bytes.size, bytes.data);
    struct buffer receipt = {0};

    assert_non_null(message);
    if (message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS) {
        assert_int_equal(message->receipts->n_receipts, 1);
        assert_true(fields_pack(&message->receipts->receipts[0]->base, &receipt));
        assert_int_equal(
            entry_receipt_parse(buffer_span(&receipt), INSTITUTION_NETWORK, &f->sent, NULL),
            ERROR_NONE);
        f->sent_to = *partner;
        f->receipts++;
    }
    caravan__sync_message__free_unpacked(message, NULL);
    buffer_finish(&receipt);
    return true;
}

static void start(struct fixture *f)
{
    exchange_fixture_start(&f->base);
    assert_int_equal(exchange_fixture_accept(&f->base, &f->others[A].chain, "cn-aa"), ERROR_NONE);
    assert_int_equal(exchange_fixture_accept(&f->base, &f->others[B].chain, "ru-bb"), ERROR_NONE);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct buffer unused = {0};

    assert_non_null(f);
    exchange_fixture_init(&f->base);
    f->base.config.bus.self = f;
    f->base.config.bus.send = bus_send;
    for (unsigned i = A; i < PARTIES; i++) {
        institution_init(&f->others[i], (uint8_t)(i + 1));
        institution_certify(&f->others[i], false, &unused);
    }
    buffer_finish(&unused);
    start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    exchange_fixture_finish(&f->base);
    for (unsigned i = A; i < PARTIES; i++)
        institution_finish(&f->others[i]);
    free(f);
    return 0;
}

static void connect(struct fixture *f, unsigned party)
{
    exchange_fixture_begin(&f->base);
    exchange_link(f->base.exchange, feed_id(f, party), EXCHANGE_SYNC_IN, true, "", "");
    exchange_fixture_commit(&f->base);
}

/* signer's receipt in the name of receiver for publisher's feed, handed over by from. */
static void receive(struct fixture *f, unsigned from, unsigned receiver, unsigned signer,
                    unsigned publisher, uint64_t seq, uint64_t counter)
{
    struct entry_receipt receipt = {.receiver = *feed_id(f, receiver),
                                    .head = {*feed_id(f, publisher), seq != 0, seq, {{0}}, 0},
                                    .counter = counter};
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Receipts receipts = CARAVAN__RECEIPTS__INIT;
    Caravan__SignedReceipt *list[1];
    struct buffer bytes = {0};

    assert_int_equal(entry_receipt_sign(&receipt, INSTITUTION_NETWORK,
                                        institution_of(f, signer)->node, &bytes, NULL),
                     ERROR_NONE);
    list[0] = caravan__signed_receipt__unpack(NULL, bytes.size, bytes.data);
    receipts.receipts = list;
    receipts.n_receipts = 1;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS;
    message.receipts = &receipts;
    buffer_clear(&bytes);
    assert_true(fields_pack(&message.base, &bytes));
    caravan__signed_receipt__free_unpacked(list[0], NULL);
    exchange_fixture_hear(&f->base, feed_id(f, from), NULL, &bytes);
}

static struct feed *feed_of(struct fixture *f, unsigned party)
{
    return feed_find(f->base.exchange, feed_id(f, party));
}

static void test_coverage__the_newest_counter_wins_even_with_less(void **state)
{
    struct fixture *f = *state;

    connect(f, A);
    receive(f, A, A, A, OWN, 1, 10);
    assert_int_equal(feed_of(f, A)->received.seq, 1);
    receive(f, A, A, A, OWN, 0, 12); /* it has lost its ledger */
    assert_int_equal(feed_of(f, A)->received.seq, 0);
    receive(f, A, A, A, OWN, 1, 11);
    assert_int_equal(feed_of(f, A)->received.seq, 0);
    /* By way of another partner it counts, too. */
    connect(f, B);
    receive(f, B, A, A, OWN, 1, 13);
    assert_int_equal(feed_of(f, A)->received.seq, 1);
    assert_false(feed_of(f, B)->received_known);
}

static void test_coverage__is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    uint64_t counter;

    connect(f, A);
    counter = f->sent.counter;
    receive(f, A, A, A, OWN, 1, 10);
    f->base.now -= 3600000; /* the clock was put back meanwhile */
    start(f);
    assert_true(feed_of(f, A)->received_known);
    assert_int_equal(feed_of(f, A)->received.seq, 1);
    assert_int_equal(feed_of(f, A)->received_counter, 10);
    /* What we sign now is newer than all that we signed before. */
    connect(f, A);
    assert_true(f->sent.counter > counter);
}

static void test_coverage__a_forged_receipt_is_nobodys(void **state)
{
    struct fixture *f = *state;

    connect(f, B);
    receive(f, B, A, B, OWN, 1, 10); /* B signs in A's name */
    assert_false(feed_of(f, A)->received_known);
    assert_non_null(strstr(feed_of(f, B)->partner->trouble, "bad-signature"));
    /* Of a stranger there is nothing to check it with, and nothing to blame. */
    feed_of(f, B)->partner->trouble[0] = '\0';
    receive(f, B, C, C, OWN, 1, 10);
    assert_string_equal(feed_of(f, B)->partner->trouble, "");
}

static void test_coverage__a_receipt_that_tells_nothing_new_is_not_checked(void **state)
{
    struct fixture *f = *state;

    connect(f, A);
    connect(f, B);
    receive(f, A, A, A, OWN, 1, 10);
    /* Signed by B in A's name: a check would fail. */
    receive(f, A, A, B, OWN, 1, 10);
    receive(f, A, A, B, OWN, 0, 9);
    assert_string_equal(feed_of(f, A)->partner->trouble, "");
    receive(f, B, A, B, OWN, 9, 10);
    assert_string_equal(feed_of(f, B)->partner->trouble, "");
    /* On its own link, what shows that it holds more of our feed than we do is never passed over.
     */
    receive(f, A, A, B, OWN, 9, 10);
    assert_non_null(strstr(feed_of(f, A)->partner->trouble, "bad-signature"));
    assert_int_equal(exchange_publishing(f->base.exchange), EXCHANGE_OPEN);
    receive(f, A, A, A, OWN, 9, 10);
    assert_int_equal(exchange_publishing(f->base.exchange), EXCHANGE_CHECKING);
}

/* It has lost its ledger, and its clock was put back. */
static void test_coverage__the_first_word_in_a_session_counts_whatever_its_counter(void **state)
{
    struct fixture *f = *state;

    connect(f, A);
    receive(f, A, A, A, OWN, 1, 10);
    exchange_fixture_begin(&f->base);
    exchange_link(f->base.exchange, feed_id(f, A), EXCHANGE_SYNC_IN, false, "", "");
    exchange_fixture_commit(&f->base);
    connect(f, A);
    assert_false(feed_of(f, A)->partner->answered);
    receive(f, A, A, B, OWN, 0, 3); /* by somebody else it is not */
    assert_false(feed_of(f, A)->partner->answered);
    receive(f, A, A, A, OWN, 0, 3);
    assert_true(feed_of(f, A)->partner->answered);
}

static void test_coverage__what_is_ours_is_told_to_its_publisher(void **state)
{
    struct fixture *f = *state;

    connect(f, A);
    assert_int_equal(f->receipts, 1); /* also that there is nothing yet */
    assert_memory_equal(&f->sent_to, feed_id(f, A), sizeof f->sent_to);
    assert_memory_equal(&f->sent.receiver, feed_id(f, OWN), sizeof f->sent.receiver);
    assert_memory_equal(&f->sent.head.feed, feed_id(f, A), sizeof f->sent.head.feed);
    assert_int_equal(f->sent.head.seq, 0);
    assert_int_equal(f->sent.head.certificate, 0);
}

static void test_coverage__a_receipt_for_another_is_handed_to_it_once(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    connect(f, A);
    receive(f, A, A, A, B, 1, 10); /* B is not connected: lost */
    connect(f, B);
    before = f->receipts;
    receive(f, A, A, A, B, 1, 11);
    assert_int_equal(f->receipts, before + 1);
    assert_memory_equal(&f->sent_to, feed_id(f, B), sizeof f->sent_to);
    assert_int_equal(f->sent.counter, 11);
    receive(f, A, A, A, B, 1, 11);
    receive(f, A, A, A, B, 1, 10);
    assert_int_equal(f->receipts, before + 1);
    receive(f, A, A, B, B, 1, 12); /* not signed by A: goes nowhere */
    receive(f, B, A, A, B, 1, 13); /* nor back to where it came from */
    assert_int_equal(f->receipts, before + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_coverage__the_newest_counter_wins_even_with_less),
        TEST(test_coverage__is_there_after_a_restart),
        TEST(test_coverage__a_forged_receipt_is_nobodys),
        TEST(test_coverage__a_receipt_that_tells_nothing_new_is_not_checked),
        TEST(test_coverage__the_first_word_in_a_session_counts_whatever_its_counter),
        TEST(test_coverage__what_is_ours_is_told_to_its_publisher),
        TEST(test_coverage__a_receipt_for_another_is_handed_to_it_once),
    };

    return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
