/* What a partner whose card was accepted can do to feeds, ours and others', with false claims, with
 * contents kept back, forks, old keys and certificates: nothing that lasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/fields.h"
#include "tests/sim/hostile.h"

#define MINUTE 60000u

/* --- our own feed -------------------------------------------------------------------------------
 */

/* Says all the time that it holds more of 0's feed, and never answers a pull. */
static void test_hostile_feeds__a_false_claim_does_not_close_publishing(void **state)
{
    (void)state;
    for (unsigned answers = 0; answers < 4; answers++) {
        struct hostile_counting counting = {1, 0, CARAVAN__SYNC_MESSAGE__BODY_RUN, 0,
                                            answers % 2 == 0};
        struct network network;
        unsigned closed = 0;

        hostile_full_mesh(&network, 3, 20 + answers);
        network.tamper = hostile_count;
        network.context = &counting;
        for (unsigned second = 0; second < 300; second++) {
            /* More of it, or another branch of a higher rank. */
            hostile_say_head(&network, 1, 0, network_feed(&network, 0), answers < 2 ? 1 : 9,
                             1000000000 + second);
            network_sleep(&network, 1000);
            closed += exchange_publishing(network.nodes[0].exchange) != EXCHANGE_OPEN;
            /* A new session does not make it credible again. */
            if (second % 50 == 49) {
                network_cut(&network, 0, 1, true);
                network_cut(&network, 0, 1, false);
            }
        }
        assert_true(closed <= 32);
        assert_true(network_publish(&network, 0, "still here"));
        assert_non_null(strstr(hostile_trouble(&network, 0, 1), "our own announcements"));
        /* Its word is asked for, but ever more rarely. */
        assert_true(counting.count < 100);
        network.tamper = NULL;
        network_finish(&network);
    }
}

static void test_hostile_feeds__a_doubted_partner_does_not_confirm_a_restored_ledger(void **state)
{
    struct hostile_counting counting = {1, 0, CARAVAN__SYNC_MESSAGE__BODY_RUN, 0, true};
    struct network network;

    (void)state;
    hostile_full_mesh(&network, 3, 22);
    network_cut(&network, 0, 2, true);
    network_stop(&network, 0);
    network.tamper = hostile_count;
    network.context = &counting;
    network_start(&network, 0, true, false);
    hostile_say_head(&network, 1, 0, network_feed(&network, 0), 1, 1000);
    network_sleep(&network, 3 * MINUTE);
    assert_int_equal(exchange_publishing(network.nodes[0].exchange), EXCHANGE_HELD);
    network_cut(&network, 0, 2, false);
    assert_true(network_run(&network, MINUTE, network_is_open, NULL));
    network_finish(&network);
}

/* --- contents -----------------------------------------------------------------------------------
 */

/* A relay that hands 0's entries on without their contents. */
static bool strip_contents(void *context, unsigned from, unsigned to, const char *topic,
                           struct buffer *bytes)
{
    Caravan__SyncMessage *message;
    unsigned long *pulls = context;

    if (topic)
        return from != 1 || to != 2;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    if (!message)
        return true;
    *pulls += from == 2 && to == 1 && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_PULL;
    if (from == 1 && to == 2 && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RUN) {
        for (size_t i = 0; i < message->run->n_entries; i++)
            if (message->run->n_entries > 1 || message->run->entries[i]->content.len < 100)
                message->run->entries[i]->has_salt = message->run->entries[i]->has_content = false;
        buffer_clear(bytes);
        assert_true(fields_pack(&message->base, bytes));
    }
    caravan__sync_message__free_unpacked(message, NULL);
    return true;
}

static void test_hostile_feeds__missing_contents_are_asked_for_in_peace_and_found(void **state)
{
    struct network network;
    struct exchange_feed_state feed;
    unsigned long pulls = 0;

    (void)state;
    network_init(&network, 4, 23);
    network_accept_all(&network);
    network_accept(&network, 1, 0, true);
    network_accept(&network, 3, 0, true);
    network_dial(&network, 1, 0);
    network_dial(&network, 3, 0);
    network_dial(&network, 2, 1);
    network.tamper = strip_contents;
    network.context = &pulls;
    hostile_start_all(&network);
    hostile_publish_many(&network, 0, 50);
    network_sleep(&network, MINUTE);
    assert_non_null(network_state(&network, 2, 0, &feed));
    assert_int_equal(feed.head.seq, 51);
    assert_int_equal(feed.missing, 50);
    pulls = 0;
    network_sleep(&network, 10 * MINUTE);
    assert_true(pulls > 0 && pulls < 30);
    network_dial(&network, 2, 3);
    network_sleep(&network, MINUTE);
    assert_non_null(network_state(&network, 2, 0, &feed));
    assert_int_equal(feed.missing, 0);
    network_finish(&network);
}

/* --- forks and old keys -------------------------------------------------------------------------
 */

/* An institution without a node, whose entries node 1 gets from a file; 1 hands them on to 2. */
static void publish_by_hand(struct network *network, struct institution *publisher, unsigned count,
                            struct buffer *last)
{
    for (unsigned i = 0; i < count; i++) {
        struct error error;

        buffer_clear(last);
        institution_say(publisher, "by hand", last);
        if (network_import(network, 1, 0, last, 1, &error))
            fail_msg("import: %s", error.text);
    }
}

static void hand_made(struct network *network, uint64_t seed)
{
    network_init(network, 3, seed);
    network_accept_all(network);
    network_accept(network, 1, 0, true);
    network_dial(network, 1, 2);
    network_dial(network, 2, 1);
    network_start(network, 1, false, false);
    network_start(network, 2, false, false);
    assert_int_equal(network_import(network, 1, 0, &network->nodes[0].genesis, 1, NULL),
                     ERROR_NONE);
}

static bool holds_as_much(struct network *network, void *unused)
{
    (void)unused;
    return network_holds(network, 2, 0, NULL) == network_holds(network, 1, 0, NULL);
}

static void test_hostile_feeds__a_fork_of_another_length_is_seen(void **state)
{
    (void)state;
    /* How many entries the second copy of 0 has published, against 3 of the first. */
    for (unsigned count = 1; count < 9; count += 7) {
        struct network network;
        struct exchange_feed_state feed;

        hostile_full_mesh(&network, 2, 24 + count);
        hostile_publish_many(&network, 0, 3);
        assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
        network_stop(&network, 0);
        network_new_store(&network, 0);
        network_cut(&network, 0, 1, true);
        network_start(&network, 0, true, true);
        network_sleep(&network, 1000);
        for (unsigned i = 0; i < count; i++)
            assert_true(network_publish(&network, 0, "another branch"));
        network_cut(&network, 0, 1, false);
        network_sleep(&network, 5 * MINUTE);
        assert_non_null(network_state(&network, 1, 0, &feed));
        assert_true(feed.frozen);
        assert_int_equal(network_holds(&network, 1, 0, NULL), 4);
        assert_int_equal(exchange_publishing(network.nodes[0].exchange), EXCHANGE_FROZEN);
        network_finish(&network);
    }
}

static void test_hostile_feeds__a_revoked_key_cannot_freeze_a_feed(void **state)
{
    struct network network;
    struct exchange_feed_state feed;
    struct institution *publisher, thief;
    struct buffer bytes = {0}, genesis = {0};
    char topic[LIMIT_TOPIC_SIZE + 1];

    (void)state;
    hand_made(&network, 40);
    publisher = &network.nodes[0].institution;
    institution_init(&thief, 1);
    institution_certify(&thief, false, &genesis);
    publish_by_hand(&network, publisher, 3, &bytes);
    thief.head = publisher->head;
    buffer_clear(&bytes);
    institution_certify(publisher, false, &bytes);
    assert_int_equal(network_import(&network, 1, 0, &bytes, 1, NULL), ERROR_NONE);
    publish_by_hand(&network, publisher, 2, &bytes);
    assert_true(network_run(&network, MINUTE, holds_as_much, NULL));
    assert_int_equal(network_holds(&network, 2, 0, NULL), 7);
    /* The old key signs another No. 5, where certificate 2 stands, and goes on behind it. */
    entry_topic_of_feed(network_feed(&network, 0), topic);
    for (unsigned i = 0; i < 4; i++) {
        buffer_clear(&bytes);
        institution_say(&thief, "by the thief", &bytes);
        network_inject(&network, 1, 2, topic, buffer_span(&bytes));
    }
    assert_non_null(network_state(&network, 2, 0, &feed));
    assert_false(feed.frozen);
    assert_true(hostile_trouble(&network, 2, 1)[0] != '\0');
    buffer_clear(&bytes);
    publish_by_hand(&network, publisher, 1, &bytes);
    assert_true(network_run(&network, 10 * MINUTE, holds_as_much, NULL));
    assert_int_equal(network_holds(&network, 2, 0, NULL), 8);
    institution_finish(&thief);
    buffer_finish(&bytes);
    buffer_finish(&genesis);
    network_finish(&network);
}

static void test_hostile_feeds__a_new_certificate_ends_a_fork(void **state)
{
    struct network network;
    struct exchange_feed_state feed;
    struct institution *publisher, other;
    struct buffer bytes = {0}, genesis = {0};
    char topic[LIMIT_TOPIC_SIZE + 1];

    (void)state;
    hand_made(&network, 41);
    publisher = &network.nodes[0].institution;
    institution_init(&other, 1);
    institution_certify(&other, false, &genesis);
    publish_by_hand(&network, publisher, 3, &bytes);
    assert_true(network_run(&network, MINUTE, holds_as_much, NULL));
    buffer_clear(&bytes);
    institution_say(&other, "another No. 2", &bytes);
    entry_topic_of_feed(network_feed(&network, 0), topic);
    network_inject(&network, 1, 2, topic, buffer_span(&bytes));
    assert_non_null(network_state(&network, 2, 0, &feed));
    assert_true(feed.frozen);
    /* Nothing is taken but the certificate that chooses this branch. */
    publish_by_hand(&network, publisher, 1, &bytes);
    network_sleep(&network, MINUTE);
    assert_int_equal(network_holds(&network, 2, 0, NULL), 4);
    buffer_clear(&bytes);
    institution_certify(publisher, true, &bytes);
    assert_int_equal(network_import(&network, 1, 0, &bytes, 1, NULL), ERROR_NONE);
    publish_by_hand(&network, publisher, 2, &bytes);
    assert_true(network_run(&network, MINUTE, holds_as_much, NULL));
    assert_int_equal(network_holds(&network, 2, 0, NULL), 8);
    assert_non_null(network_state(&network, 2, 0, &feed));
    assert_false(feed.frozen);
    institution_finish(&other);
    buffer_finish(&bytes);
    buffer_finish(&genesis);
    network_finish(&network);
}

/* --- certificates -------------------------------------------------------------------------------
 */

static void say_certificates(struct network *network, unsigned from, unsigned to,
                             const struct identity_chain *chain)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Certificates certificates = CARAVAN__CERTIFICATES__INIT;
    Caravan__SignedCertificate *list[100];

    for (size_t i = 0; i < chain->count; i++)
        list[i] = caravan__signed_certificate__unpack(NULL, chain->encoded[i].size,
                                                      chain->encoded[i].data);
    certificates.has_feed = true;
    certificates.feed = fields_binary(span_of_id(&chain->feed));
    certificates.certificates = list;
    certificates.n_certificates = chain->count;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES;
    message.certificates = &certificates;
    network_say(network, from, to, &message);
    for (size_t i = 0; i < chain->count; i++)
        caravan__signed_certificate__free_unpacked(list[i], NULL);
}

static void test_hostile_feeds__certificates_learned_ahead_survive_a_restart(void **state)
{
    struct network network;
    struct institution *publisher;
    struct buffer bytes = {0};

    (void)state;
    hand_made(&network, 42);
    assert_true(network_run(&network, MINUTE, holds_as_much, NULL));
    publisher = &network.nodes[0].institution;
    institution_certify(publisher, false, &bytes);
    say_certificates(&network, 1, 2, &publisher->chain);
    /* A newer card names one more. */
    institution_certify(publisher, false, &bytes);
    network_accept(&network, 2, 0, false);
    network_stop(&network, 2);
    network_start(&network, 2, false, false);
    assert_true(network_run(&network, MINUTE, holds_as_much, NULL));
    buffer_finish(&bytes);
    network_finish(&network);
}

static void test_hostile_feeds__an_endless_chain_of_certificates_ends(void **state)
{
    struct network network;
    struct institution *publisher;
    struct buffer bytes = {0};
    const struct keyring_entry *keys;

    (void)state;
    hand_made(&network, 43);
    publisher = &network.nodes[0].institution;
    while (publisher->chain.count < 90) {
        buffer_clear(&bytes);
        institution_certify(publisher, false, &bytes);
    }
    say_certificates(&network, 1, 2, &publisher->chain);
    keys = keyring_take(network.nodes[2].keyring, network_feed(&network, 0));
    assert_non_null(keys);
    assert_int_equal(keys->chain.count, LIMIT_CERTIFICATES);
    keyring_release(network.nodes[2].keyring, keys);
    assert_non_null(strstr(hostile_trouble(&network, 2, 1), "too-large"));
    buffer_finish(&bytes);
    network_finish(&network);
}

/* --- cursors ------------------------------------------------------------------------------------
 */

static void relayed(struct network *network, uint64_t seed, bool relay)
{
    network_init(network, 3, seed);
    network_accept_all(network);
    network_accept(network, 1, 0, relay);
    network_dial(network, 1, 0);
    network_dial(network, 2, 1);
    hostile_start_all(network);
    hostile_publish_many(network, 0, 5);
}

static void test_hostile_feeds__a_feed_followed_again_is_caught_up(void **state)
{
    (void)state;
    for (unsigned restart = 0; restart < 2; restart++) {
        struct network network;
        struct hostile_counting counting = {2, 1, CARAVAN__SYNC_MESSAGE__BODY_PULL, 0, false};

        relayed(&network, 44 + restart, true);
        assert_true(network_run(&network, MINUTE, hostile_node_2_has_all_of_0, NULL));
        network.tamper = hostile_count;
        network.context = &counting;
        network_remove_partner(&network, 2, 0);
        hostile_publish_many(&network, 0, 5);
        network_sleep(&network, 2 * MINUTE);
        /* What is not followed is not asked for. */
        assert_int_equal(counting.count, 0);
        assert_int_equal(network_holds(&network, 2, 0, NULL), 6);
        if (restart) {
            network_stop(&network, 2);
            network_start(&network, 2, false, false);
            network_sleep(&network, MINUTE);
        }
        network_accept(&network, 2, 0, false);
        assert_true(network_run(&network, MINUTE, hostile_node_2_has_all_of_0, NULL));
        network_finish(&network);
    }
}

static void test_hostile_feeds__a_feed_that_begins_to_be_handed_on_is_told(void **state)
{
    struct network network;

    (void)state;
    relayed(&network, 46, false);
    network_sleep(&network, MINUTE);
    assert_int_equal(network_holds(&network, 1, 0, NULL), 6);
    assert_int_equal(network_holds(&network, 2, 0, NULL), 0);
    network_accept(&network, 1, 0, true);
    assert_true(network_run(&network, MINUTE, hostile_node_2_has_all_of_0, NULL));
    network_finish(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_feeds__a_false_claim_does_not_close_publishing),
        cmocka_unit_test(test_hostile_feeds__a_doubted_partner_does_not_confirm_a_restored_ledger),
        cmocka_unit_test(test_hostile_feeds__missing_contents_are_asked_for_in_peace_and_found),
        cmocka_unit_test(test_hostile_feeds__a_fork_of_another_length_is_seen),
        cmocka_unit_test(test_hostile_feeds__a_revoked_key_cannot_freeze_a_feed),
        cmocka_unit_test(test_hostile_feeds__a_new_certificate_ends_a_fork),
        cmocka_unit_test(test_hostile_feeds__certificates_learned_ahead_survive_a_restart),
        cmocka_unit_test(test_hostile_feeds__an_endless_chain_of_certificates_ends),
        cmocka_unit_test(test_hostile_feeds__a_feed_followed_again_is_caught_up),
        cmocka_unit_test(test_hostile_feeds__a_feed_that_begins_to_be_handed_on_is_told),
    };

    return cmocka_run_group_tests_name("hostile_feeds", tests, NULL, NULL);
}
