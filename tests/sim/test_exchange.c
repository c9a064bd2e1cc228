/* Networks of whole nodes on a virtual clock: what the node promises to lose nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "tests/sim/network.h"

#define MINUTE 60000u

static void publish_many(struct network *network, unsigned node, unsigned count)
{
    char text[64];

    for (unsigned i = 0; i < count; i++) {
        snprintf(text, sizeof text, "announcement %u of node %u", i, node);
        assert_true(network_publish(network, node, text));
    }
}

static void start_all(struct network *network)
{
    for (unsigned i = 0; i < network->count; i++)
        network_start(network, i, false, false);
    assert_true(network_run(network, MINUTE, network_is_open, NULL));
}

static void assert_equal_feeds(struct network *network)
{
    for (unsigned a = 0; a < network->count; a++)
        for (unsigned b = 0; b < network->count; b++) {
            struct id own, held;

            if (a == b || !network->nodes[a].knows[b])
                continue;
            assert_int_equal(network_holds(network, a, b, &held),
                             network_holds(network, b, b, &own));
            assert_memory_equal(&held, &own, sizeof own);
        }
}

static void test_exchange__five_nodes_hold_everything(void **state)
{
    struct network network;
    struct exchange_feed_state feed;

    (void)state;
    network_init(&network, 5, 1);
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    for (unsigned i = 0; i < 5; i++)
        publish_many(&network, i, 20);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_equal_feeds(&network);
    network_sleep(&network, 5000);
    /* The publisher knows it: receipts. And the reader knows how fresh it is: statements. */
    assert_non_null(network_state(&network, 0, 3, &feed));
    assert_true(feed.received_known);
    assert_int_equal(feed.received_seq, network_holds(&network, 0, 0, NULL));
    assert_int_equal(feed.stated_seq, network_holds(&network, 3, 3, NULL));
    assert_true(feed.exchanging);
    network_finish(&network);
}

static void test_exchange__a_stopped_node_gets_a_thousand(void **state)
{
    struct network network;

    (void)state;
    network_init(&network, 2, 2);
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_stop(&network, 1);
    publish_many(&network, 0, 1000);
    network_start(&network, 1, false, false);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_int_equal(network_holds(&network, 1, 0, NULL), 1001);
    assert_equal_feeds(&network);
    network_finish(&network);
}

/* The last one of a burst goes out on live, so partners miss the others at once. */
static void test_exchange__a_burst_is_pulled_at_once(void **state)
{
    struct network network;
    uint64_t start;

    (void)state;
    network_init(&network, 2, 31);
    network.latency_max_ms = 5;
    network_accept_all(&network);
    network_dial(&network, 0, 1); /* 0 hears 1 on live, 1 hears 0 only over sync */
    start_all(&network);
    network_sleep(&network, 10000);
    for (unsigned from = 0; from < 2; from++) {
        assert_true(network_publish_burst(&network, from, 3000));
        assert_true(network_publish_burst(&network, from, 1500)); /* only runs */
        start = network.now_ms;
        assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
        assert_in_range(network.now_ms - start, 0, 1000); /* no head of every 3 s, no pause */
    }
    network_finish(&network);
}

/* Bursts through partitions, loss on live, kills before and after the commit. */
static void test_exchange__bursts_survive_partitions_and_kills(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < network_seeds(6); n++) {
        const uint64_t seed = network_seed_nth(n);
        struct network network;
        uint64_t acknowledged;

        network_init(&network, 3, seed * 77);
        network.live_loss = 20;
        network.latency_max_ms = 50;
        network_accept_all(&network);
        network_dial_all(&network);
        start_all(&network);
        for (unsigned round = 0; round < 6; round++) {
            unsigned from = (unsigned)(round + seed) % 3, other = (from + 1) % 3;

            network_cut(&network, from, other, round % 2 == 0);
            if (round % 3 == 1)
                network_kill(&network, from, (round + seed) % 2);
            network_publish_burst(&network, from, 200 + 400 * round);
            network_sleep(&network, 100 * round);
            network_publish_burst(&network, from, 1 + round);
            network_sleep(&network, 500);
            network_cut(&network, from, other, false);
            if (!network.nodes[from].exchange)
                network_start(&network, from, false, false);
            assert_true(network_run(&network, 2 * MINUTE, network_is_open, NULL));
        }
        assert_true(network_run(&network, 5 * MINUTE, network_is_equal, NULL));
        assert_equal_feeds(&network);
        for (unsigned i = 0; i < 3; i++) {
            acknowledged = network.nodes[i].acknowledged;
            assert_true(network_holds(&network, i, i, NULL) >= acknowledged);
        }
        network_finish(&network);
    }
}

static void test_exchange__live_loss_is_repaired(void **state)
{
    struct network network;

    (void)state;
    network_init(&network, 3, 3);
    network.live_loss = 30;
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(network_publish(&network, 0, "one of a thousand"));
        network_sleep(&network, 7);
    }
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_true(network.live_lost > 300);
    assert_int_equal(network_holds(&network, 1, 0, NULL), 1001);
    assert_equal_feeds(&network);
    network_finish(&network);
}

static void test_exchange__a_node_that_only_connects_outwards_takes_full_part(void **state)
{
    struct network network;

    (void)state;
    network_init(&network, 2, 4);
    network_accept_all(&network);
    network_dial(&network, 0, 1); /* 1 never dials, so it hears nobody on live */
    start_all(&network);
    for (unsigned i = 0; i < 50; i++) {
        assert_true(network_publish(&network, 0, "from inside"));
        assert_true(network_publish(&network, 1, "from outside"));
        network_sleep(&network, 20);
    }
    assert_true(network_run(&network, 2000, network_is_equal, NULL));
    assert_equal_feeds(&network);
    network_finish(&network);
}

static void test_exchange__a_relay_hands_on_a_feed(void **state)
{
    struct network network;
    struct exchange_feed_state feed;

    (void)state;
    network_init(&network, 3, 5);
    network_accept(&network, 0, 1, false); /* 0 publishes, 1 relays, 2 knows 0 by its card only */
    network_accept(&network, 1, 0, true);
    network_accept(&network, 1, 2, true);
    network_accept(&network, 2, 1, false);
    network_accept(&network, 2, 0, false);
    network_accept(&network, 0, 2, false);
    network_dial(&network, 0, 1);
    network_dial(&network, 2, 1);
    start_all(&network);
    publish_many(&network, 0, 600);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_int_equal(network_holds(&network, 2, 0, NULL), 601);
    assert_equal_feeds(&network);
    /* Receipts find their way back through the relay. */
    network_sleep(&network, 20000);
    assert_non_null(network_state(&network, 0, 2, &feed));
    assert_int_equal(feed.received_seq, 601);
    network_finish(&network);
}

/* Node 1 relays 0's feed to 2 and changes every entry of it on the way. */
static bool spoil(void *context, unsigned from, unsigned to, const char *topic,
                  struct buffer *bytes)
{
    unsigned *kind = context;

    /* Small sync messages are hellos, heads and receipts. */
    if (from != 1 || to != 2 || (topic ? strncmp(topic, "feed/", 5) != 0 : bytes->size < 400))
        return true;
    /* The end of the bytes is content, the middle is signature or entry, the beginning is framing.
     */
    bytes->data[*kind == 0 ? bytes->size - 3 : *kind == 1 ? bytes->size / 2 : 40] ^= 1;
    return true;
}

/* Node 2 holds all of 0's feed and of 1's. */
static bool node_2_holds_0_and_1(struct network *network, void *unused)
{
    (void)unused;
    for (unsigned b = 0; b < 2; b++) {
        struct id own, held;

        if (network_holds(network, 2, b, &held) != network_holds(network, b, b, &own) ||
            !id_equal(&own, &held))
            return false;
    }
    return true;
}

struct comparing {
    struct network *network;
    unsigned publisher;
    bool same;
};

static int take_signed(void *context, const struct store_entry *row)
{
    struct buffer *bytes = context;

    assert_true(entry_encode(&row->entry, true, bytes));
    return 1;
}

/* An entry that is held is the publisher's byte for byte; its signature is, or there is none. */
static int compare_entry(void *context, const struct store_entry *row)
{
    struct comparing *comparing = context;
    struct network_node *publisher = &comparing->network->nodes[comparing->publisher];
    struct store *reader = &publisher->reader;
    struct buffer theirs = {0};
    struct entry entry;

    reader->operations->entries(reader->self, &row->entry.feed, row->entry.seq, row->entry.seq,
                                take_signed, &theirs, NULL);
    assert_int_equal(entry_parse_bytes(buffer_span(&theirs), INSTITUTION_NETWORK, &entry, NULL),
                     ERROR_NONE);
    comparing->same =
        comparing->same && span_equal(entry.bytes, row->entry.bytes) &&
        span_equal(entry.salt, row->entry.salt) && span_equal(entry.content, row->entry.content) &&
        (!row->entry.signature.size || span_equal(entry.signature, row->entry.signature));
    buffer_finish(&theirs);
    return 0;
}

static bool holds_a_true_beginning(struct network *network, unsigned a, unsigned b)
{
    struct comparing comparing = {network, b, true};
    struct store *reader = &network->nodes[a].reader;

    reader->operations->entries(reader->self, &network->nodes[b].institution.chain.feed, 1,
                                UINT64_MAX, compare_entry, &comparing, NULL);
    return comparing.same;
}

static void test_exchange__a_spoiling_relay_harms_nobody(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        struct network network;
        struct exchange_feed_state feed;

        network_init(&network, 4, 6 + kind);
        network_accept_all(&network);
        network_accept(&network, 1, 0, true);
        network_accept(&network, 3, 0, true);
        network_dial(&network, 0, 1);
        network_dial(&network, 2, 1);
        start_all(&network);
        assert_true(network_run(&network, MINUTE, node_2_holds_0_and_1, NULL));
        network.tamper = spoil;
        network.context = &kind;
        publish_many(&network, 0, 40);
        network_sleep(&network, MINUTE);
        /* Caught: what was taken is the publisher's, and the partner that spoils is named. A
         * signature inside a run is not needed, not checked and not kept, so a run whose middle
         * was spoiled there may pass. */
        assert_true(holds_a_true_beginning(&network, 2, 0));
        if (kind != 1)
            assert_int_equal(network_holds(&network, 2, 0, NULL), 1);
        assert_non_null(network_state(&network, 2, 1, &feed));
        assert_true(feed.trouble[0] != '\0');
        /* An honest way to the feed is enough. */
        network_dial(&network, 0, 3);
        network_dial(&network, 2, 3);
        assert_true(network_run(&network, 10 * MINUTE, node_2_holds_0_and_1, NULL));
        network_finish(&network);
    }
}

static void test_exchange__a_restored_node_fetches_its_own_entries_back(void **state)
{
    struct network network;
    struct id before, after;

    (void)state;
    network_init(&network, 2, 9);
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    publish_many(&network, 0, 30);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_holds(&network, 0, 0, &before);
    network_stop(&network, 0);
    network_new_store(&network, 0); /* as after restoring an old backup */
    network_cut(&network, 0, 1, true);
    network_start(&network, 0, true, false);
    network_sleep(&network, MINUTE);
    /* Alone it must not publish: No. 2 exists already. */
    assert_int_equal(exchange_publishing(network.nodes[0].exchange), EXCHANGE_HELD);
    assert_false(network_publish(&network, 0, "too early"));
    network_cut(&network, 0, 1, false);
    assert_true(network_run(&network, MINUTE, network_is_open, NULL));
    assert_int_equal(network_holds(&network, 0, 0, &after), 31);
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(network_publish(&network, 0, "goes on"));
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_equal_feeds(&network);
    network_finish(&network);
}

static bool is_frozen(struct network *network, void *unused)
{
    struct exchange_feed_state feed;

    (void)unused;
    return network_state(network, 1, 0, &feed) && feed.frozen;
}

static void test_exchange__a_fork_freezes_the_feed_and_is_kept_as_proof(void **state)
{
    struct network network;
    struct id before, after;

    (void)state;
    network_init(&network, 2, 10);
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    publish_many(&network, 0, 3);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_holds(&network, 1, 0, &before);
    network_stop(&network, 0);
    network_new_store(&network, 0); /* as after restoring an old backup */
    network_cut(&network, 0, 1, true);
    network_start(&network, 0, true, true); /* the operator is wrong: another copy had published */
    publish_many(&network, 0, 3);
    network_cut(&network, 0, 1, false);
    assert_true(network_run(&network, MINUTE, is_frozen, NULL));
    assert_true(network_holds(&network, 1, 0, &after) == 4);
    assert_memory_equal(&before, &after, sizeof before);
    network_sleep(&network, MINUTE);
    assert_int_equal(exchange_publishing(network.nodes[0].exchange), EXCHANGE_FROZEN);
    assert_false(network_publish(&network, 0, "no more"));
    network_finish(&network);
}

static void test_exchange__nobody_publishes_in_anothers_name(void **state)
{
    struct network network;
    struct buffer forged = {0};
    struct incoming *incoming;
    struct institution thief;
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct exchange_feed_state feed;

    (void)state;
    network_init(&network, 3, 11);
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    /* 1 signs an entry that says it is 0's next one, and hands it to 2. */
    thief = network.nodes[1].institution;
    thief.head = (struct entry_head){.feed = network.nodes[0].institution.chain.feed, .seq = 1};
    network_holds(&network, 0, 0, &thief.head.hash);
    institution_append(&thief, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                       span_of_text("in another's name"), &forged);
    entry_topic_of_feed(&thief.head.feed, topic);
    incoming = incoming_create(&network.nodes[1].institution.chain.feed, topic, &forged,
                               INSTITUTION_NETWORK, network.nodes[2].keyring);
    exchange_begin(network.nodes[2].exchange, NULL);
    exchange_incoming(network.nodes[2].exchange, incoming);
    exchange_commit(network.nodes[2].exchange, NULL);
    incoming_destroy(incoming);
    assert_int_equal(network_holds(&network, 2, 0, NULL), 1);
    assert_non_null(network_state(&network, 2, 1, &feed));
    assert_non_null(strstr(feed.trouble, "bad-signature"));
    network_finish(&network);
}

static void test_exchange__a_removed_partner_hears_and_says_nothing(void **state)
{
    struct network network;

    (void)state;
    network_init(&network, 2, 12);
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_remove_partner(&network, 0, 1);
    publish_many(&network, 0, 5);
    publish_many(&network, 1, 5);
    network_sleep(&network, MINUTE);
    assert_int_equal(network_holds(&network, 1, 0, NULL), 1);
    assert_int_equal(network_holds(&network, 0, 1, NULL), 1);
    network_accept(&network, 0, 1, false);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_finish(&network);
}

/* Partitions, restarts, loss and reordering in random order; afterwards all hold everything. */
static void chaos(uint64_t seed)
{
    struct network network;
    uint64_t random = seed * 77777;

    network_init(&network, 4, seed);
    network.live_loss = (unsigned)(seed % 60);
    network.latency_max_ms = (unsigned)(seed * 13 % 900);
    network_accept_all(&network);
    for (unsigned i = 0; i < 4; i++)
        network_accept(&network, i, (i + 1) % 4, true);
    network_dial_all(&network);
    start_all(&network);
    for (int step = 0; step < 120; step++) {
        unsigned a, b;

        random = random * 6364136223846793005u + 1442695040888963407u;
        a = (unsigned)(random >> 33) % 4;
        b = (unsigned)(random >> 40) % 4;
        switch (random >> 50 & 7) {
        case 0:
            if (a != b)
                network_cut(&network, a, b, !network.cut[a][b]);
            break;
        case 1:
            if (network.nodes[a].exchange)
                network_stop(&network, a);
            else
                network_start(&network, a, false, false);
            break;
        case 2:
            /* A partner goes in the middle of whatever it is doing, and comes back. */
            if (a != b && network.nodes[a].knows[b] && random >> 60 < 5)
                network_remove_partner(&network, a, b);
            else if (a != b)
                network_accept(&network, a, b, b == (a + 1) % 4);
            break;
        default:
            if (network.nodes[a].exchange)
                network_publish(&network, a, "in the middle of it all");
            break;
        }
        network_sleep(&network, random >> 45 & 511);
    }
    for (unsigned a = 0; a < 4; a++) {
        for (unsigned b = 0; b < a; b++)
            network_cut(&network, a, b, false);
        if (!network.nodes[a].exchange)
            network_start(&network, a, false, false);
        for (unsigned b = 0; b < 4; b++)
            if (a != b)
                network_accept(&network, a, b, b == (a + 1) % 4);
    }
    if (!network_run(&network, 10 * MINUTE, network_is_equal, NULL))
        fail_msg("seed %llu: the nodes did not become equal", (unsigned long long)seed);
    assert_equal_feeds(&network);
    network_finish(&network);
}

static void test_exchange__survives_partitions_restarts_and_reordering(void **state)
{
    const uint64_t seeds = network_seeds(120);

    (void)state;
    log_set_level(LOG_SILENT);
    for (uint64_t n = 0; n < seeds; n++)
        chaos(network_seed_nth(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange__five_nodes_hold_everything),
        cmocka_unit_test(test_exchange__a_stopped_node_gets_a_thousand),
        cmocka_unit_test(test_exchange__a_burst_is_pulled_at_once),
        cmocka_unit_test(test_exchange__bursts_survive_partitions_and_kills),
        cmocka_unit_test(test_exchange__live_loss_is_repaired),
        cmocka_unit_test(test_exchange__a_node_that_only_connects_outwards_takes_full_part),
        cmocka_unit_test(test_exchange__a_relay_hands_on_a_feed),
        cmocka_unit_test(test_exchange__a_spoiling_relay_harms_nobody),
        cmocka_unit_test(test_exchange__a_restored_node_fetches_its_own_entries_back),
        cmocka_unit_test(test_exchange__a_fork_freezes_the_feed_and_is_kept_as_proof),
        cmocka_unit_test(test_exchange__nobody_publishes_in_anothers_name),
        cmocka_unit_test(test_exchange__a_removed_partner_hears_and_says_nothing),
        cmocka_unit_test(test_exchange__survives_partitions_restarts_and_reordering),
    };

    return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
