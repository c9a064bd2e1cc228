/* What was ordered erased goes from every node that follows the protocol, in whatever order things
 * come, and nobody brings it back. What somebody only says to be erased does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/log.h"
#include "tests/sim/hostile.h"

#define MINUTE 60000u
#define ENDPOINTS CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS
#define ERASURE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE
#define SEQS 400

/* --- orders ----------------------------------------------------------------------------------- */

/* false: the store failed. */
static bool try_publish(struct network *network, unsigned number, uint32_t type,
                        struct span content)
{
    struct network_node *node = &network->nodes[number];
    struct exchange_published out;

    network_settle(network);
    if (exchange_begin(node->exchange, NULL))
        return false;
    if (exchange_publish(node->exchange, type, content, NULL, &out, NULL)) {
        exchange_commit(node->exchange, NULL);
        return false;
    }
    if (exchange_commit(node->exchange, NULL))
        return false;
    node->acknowledged = out.seq;
    return true;
}

static void publish(struct network *network, unsigned number, uint32_t type, struct span content)
{
    assert_true(try_publish(network, number, type, content));
}

static bool try_order(struct network *network, unsigned node, uint64_t *seqs, size_t count)
{
    Caravan__Erasure erasure = CARAVAN__ERASURE__INIT;
    struct buffer content = {0};
    bool done;

    erasure.seq = seqs;
    erasure.n_seq = count;
    assert_true(fields_pack(&erasure.base, &content));
    done = try_publish(network, node, ERASURE, buffer_span(&content));
    buffer_finish(&content);
    return done;
}

static void order(struct network *network, unsigned node, uint64_t *seqs, size_t count)
{
    assert_true(try_order(network, node, seqs, count));
}

static void order_one(struct network *network, unsigned node, uint64_t seq)
{
    order(network, node, &seq, 1);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* What a node has of a feed. */
struct holding {
    uint64_t count;
    bool content[SEQS], erased[SEQS];
};

static int note(void *context, const struct store_entry *row)
{
    struct holding *holding = context;

    assert_true(row->entry.seq < SEQS);
    assert_false(row->erased && row->entry.has_content);
    holding->count = row->entry.seq;
    holding->content[row->entry.seq] = row->entry.has_content;
    holding->erased[row->entry.seq] = row->erased != 0;
    return 0;
}

static struct holding look(struct network *network, unsigned node, unsigned feed)
{
    struct store *reader = &network->nodes[node].reader;
    struct holding holding = {0};

    assert_int_equal(reader->operations->entries(reader->self, network_feed(network, feed), 1,
                                                 UINT64_MAX, note, &holding, NULL),
                     ERROR_NONE);
    return holding;
}

static uint64_t missing_of(struct network *network, unsigned node, unsigned feed)
{
    struct exchange_feed_state state;

    assert_non_null(network_state(network, node, feed, &state));
    return state.missing;
}

static bool has(struct network *network, unsigned node, unsigned feed, uint64_t seq)
{
    return look(network, node, feed).content[seq];
}

static bool is_erased(struct network *network, unsigned node, unsigned feed, uint64_t seq)
{
    return look(network, node, feed).erased[seq];
}

static int take(void *context, const struct store_entry *row)
{
    assert_true(entry_encode(&row->entry, true, context));
    return 1;
}

/* SignedEntry bytes, as the node has them. */
static struct buffer entry_of(struct network *network, unsigned node, unsigned feed, uint64_t seq)
{
    struct store *reader = &network->nodes[node].reader;
    struct buffer bytes = {0};

    assert_int_equal(reader->operations->entries(reader->self, network_feed(network, feed), seq,
                                                 seq, take, &bytes, NULL),
                     ERROR_NONE);
    return bytes;
}

/* --- simple ways ------------------------------------------------------------------------------ */

static void test_erasure__goes_to_partners_that_hear_it(void **state)
{
    struct network network;

    (void)state;
    hostile_full_mesh(&network, 3, 81);
    assert_true(network_publish(&network, 0, "Ask for Anna"));
    assert_true(network_publish(&network, 0, "Ask for Boris"));
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    for (unsigned i = 0; i < 3; i++)
        assert_true(has(&network, i, 0, 2));
    order_one(&network, 0, 2);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(is_erased(&network, i, 0, 2));
        assert_true(has(&network, i, 0, 3));
        assert_int_equal(missing_of(&network, i, 0), 0);
    }
    order_one(&network, 0, 2); /* once more is harmless */
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_finish(&network);
}

static void test_erasure__reaches_who_was_away(void **state)
{
    struct network network;

    (void)state;
    hostile_full_mesh(&network, 3, 82);
    assert_true(network_publish(&network, 0, "Ask for Anna"));
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_stop(&network, 2);
    order_one(&network, 0, 2);
    hostile_publish_many(&network, 0, 300); /* much has happened since */
    network_start(&network, 2, false, false);
    assert_true(has(&network, 2, 0, 2));
    assert_true(network_run(&network, 10 * MINUTE, network_is_equal, NULL));
    assert_true(is_erased(&network, 2, 0, 2));
    /* And who has never been here gets it without. */
    network_stop(&network, 1);
    network_new_store(&network, 1);
    network_start(&network, 1, false, true);
    assert_true(network_run(&network, 10 * MINUTE, network_is_equal, NULL));
    assert_true(is_erased(&network, 1, 0, 2));
    assert_int_equal(missing_of(&network, 1, 0), 0);
    network_finish(&network);
}

/* Permanent contents, itself, what comes later: naming those changes nothing. */
static void test_erasure__heeds_only_orders_that_count(void **state)
{
    uint64_t seqs[] = {0, 1, 2, 3, 4, 5, 6, UINT64_MAX};
    struct network network;

    (void)state;
    hostile_full_mesh(&network, 2, 83);
    assert_true(network_publish(&network, 0, "two"));
    order(&network, 0, NULL, 0); /* names nothing */
    publish(&network, 0, ERASURE, span_of_text("\x0a\xff"));
    order(&network, 0, seqs, 8);
    assert_true(network_publish(&network, 0, "six"));
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    for (unsigned i = 0; i < 2; i++) {
        struct holding holding = look(&network, i, 0);

        assert_int_equal(holding.count, 6);
        for (uint64_t seq = 1; seq <= 6; seq++)
            assert_int_equal(holding.erased[seq], seq == 2);
        assert_true(holding.content[1] && holding.content[5] && holding.content[6]);
    }
    network_finish(&network);
}

/* Endpoints that are erased are not in force; those before them are, if they are still there. */
static void test_erasure__of_endpoints_leaves_those_before(void **state)
{
    static const char *const hosts[] = {"tcp://first:1", "tcp://second:1"};
    struct network network;
    unsigned changes;

    (void)state;
    hostile_full_mesh(&network, 2, 84);
    for (size_t i = 0; i < 2; i++) {
        Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
        char *sync[] = {(char *)(uintptr_t)hosts[i]};
        struct buffer content = {0};

        endpoints.sync = sync;
        endpoints.n_sync = 1;
        assert_true(fields_pack(&endpoints.base, &content));
        publish(&network, 0, ENDPOINTS, buffer_span(&content));
        buffer_finish(&content);
    }
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    changes = network.nodes[1].partner_changes;
    order_one(&network, 0, 2);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_int_equal(network.nodes[1].partner_changes, changes); /* was not in force */
    order_one(&network, 0, 3);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_int_equal(network.nodes[1].partner_changes, changes + 1);
    network_finish(&network);
}

/* --- who brings it back ----------------------------------------------------------------------- */

static void bring_back(struct network *network, const struct buffer *bytes)
{
    struct buffer message = {0};
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct error error;

    entry_topic_of_feed(network_feed(network, 0), topic);
    network_inject(network, 1, 2, topic, buffer_span(bytes));
    institution_run_message(&network->nodes[0].institution, bytes, 1, 0, &message);
    network_inject(network, 1, 2, NULL, buffer_span(&message));
    buffer_finish(&message);
    assert_int_equal(network_import(network, 2, 0, bytes, 1, &error), ERROR_NONE);
}

static int take_bare(void *context, const struct store_entry *row)
{
    assert_true(entry_encode(&row->entry, false, context));
    return 1;
}

/* What node 0 has of its feed, but for the content of No. 3. */
static void import_without_3(struct network *network)
{
    struct store *reader = &network->nodes[0].reader;
    struct buffer entries[4] = {{0}};
    struct error error;

    for (uint64_t seq = 1; seq <= 4; seq++)
        assert_int_equal(reader->operations->entries(reader->self, network_feed(network, 0), seq,
                                                     seq, seq == 3 ? take_bare : take,
                                                     &entries[seq - 1], NULL),
                         ERROR_NONE);
    assert_int_equal(network_import(network, 2, 0, entries, 1, &error), ERROR_NONE);
    assert_int_equal(network_import(network, 2, 0, entries + 1, 3, &error), ERROR_NONE);
    network_settle(network);
    for (size_t i = 0; i < 4; i++)
        buffer_finish(&entries[i]);
}

static void test_erasure__is_not_brought_back(void **state)
{
    struct network network;
    struct buffer erased, lacking;

    (void)state;
    hostile_full_mesh(&network, 3, 85);
    assert_true(network_publish(&network, 0, "Ask for Anna"));
    assert_true(network_publish(&network, 0, "Ask for Boris"));
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    erased = entry_of(&network, 0, 0, 2);
    order_one(&network, 0, 2);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    bring_back(&network, &erased);
    network_sleep(&network, 1000);
    assert_true(is_erased(&network, 2, 0, 2));
    /* Also not while another content of the feed is missing, so that late ones are looked at. */
    lacking = entry_of(&network, 0, 0, 3);
    network_cut(&network, 0, 2, true);
    network_cut(&network, 1, 2, true);
    network_stop(&network, 2);
    network_new_store(&network, 2);
    network_start(&network, 2, false, true);
    import_without_3(&network);
    assert_int_equal(missing_of(&network, 2, 0), 1);
    bring_back(&network, &erased);
    network_settle(&network);
    assert_true(is_erased(&network, 2, 0, 2));
    assert_false(has(&network, 2, 0, 3));
    bring_back(&network, &lacking);
    network_settle(&network);
    assert_true(is_erased(&network, 2, 0, 2));
    assert_true(has(&network, 2, 0, 3));
    assert_int_equal(missing_of(&network, 2, 0), 0);
    buffer_finish(&erased);
    buffer_finish(&lacking);
    network_finish(&network);
}

/* --- who claims an erasure that nobody ordered -------------------------------------------------
 */

static bool strip(Caravan__Run *run)
{
    bool changed = false;

    for (size_t i = 0; i < run->n_entries; i++)
        if (run->entries[i]->has_content && run->entries[i]->content.len > 4 &&
            memcmp(run->entries[i]->content.data, "Ask ", 4) == 0) {
            run->entries[i]->has_content = run->entries[i]->has_salt = false;
            changed = true;
        }
    return changed;
}

/* Node 1 relays 0's feed without some contents, as if they were erased. */
static bool claim_erased(void *context, unsigned from, unsigned to, const char *topic,
                         struct buffer *bytes)
{
    Caravan__SyncMessage *message;

    (void)context;
    (void)to;
    if (from != 1)
        return true;
    if (topic)
        return strncmp(topic, "feed/", 5) != 0;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    if (message && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RUN && strip(message->run)) {
        buffer_clear(bytes);
        assert_true(fields_pack(&message->base, bytes));
    }
    if (message)
        caravan__sync_message__free_unpacked(message, NULL);
    return true;
}

static bool node_2_holds_three(struct network *network, void *unused)
{
    (void)unused;
    return look(network, 2, 0).count == 3;
}

static bool node_2_misses_nothing(struct network *network, void *unused)
{
    (void)unused;
    return missing_of(network, 2, 0) == 0 && has(network, 2, 0, 2);
}

static bool publisher_knows(struct network *network, void *missing)
{
    struct exchange_feed_state state;

    return network_state(network, 0, 2, &state) && state.received_seq == 3 &&
           state.received_missing == *(uint64_t *)missing;
}

static void test_erasure__is_not_believed_without_an_order(void **state)
{
    struct network network;
    uint64_t one = 1, none = 0;

    (void)state;
    network_init(&network, 4, 86);
    network_accept_all(&network);
    network_accept(&network, 1, 0, true);
    network_accept(&network, 1, 2, true);
    network_accept(&network, 3, 0, true);
    network_dial(&network, 0, 1);
    network_dial(&network, 2, 1);
    hostile_start_all(&network);
    network.tamper = claim_erased;
    assert_true(network_publish(&network, 0, "Ask for Anna"));
    assert_true(network_publish(&network, 0, "Boris is asked"));
    assert_true(network_run(&network, 10 * MINUTE, node_2_holds_three, NULL));
    network_settle(&network);
    /* It is missing, not erased: status tells so, and so does the receipt. */
    assert_int_equal(missing_of(&network, 2, 0), 1);
    assert_false(is_erased(&network, 2, 0, 2));
    assert_true(has(&network, 2, 0, 3));
    assert_true(network_run(&network, 10 * MINUTE, publisher_knows, &one));
    /* An honest way is asked for it. */
    network_dial(&network, 3, 0);
    network_dial(&network, 2, 3);
    assert_true(network_run(&network, 60 * MINUTE, node_2_misses_nothing, NULL));
    assert_true(network_run(&network, 10 * MINUTE, publisher_knows, &none));
    network_finish(&network);
}

/* The order makes missing contents erased: nobody is asked for them any more. */
static void test_erasure__ends_the_search_for_what_is_missing(void **state)
{
    struct hostile_counting counting = {2, 1, CARAVAN__SYNC_MESSAGE__BODY_PULL, 0, false};
    struct network network;

    (void)state;
    network_init(&network, 3, 87);
    network_accept_all(&network);
    network_accept(&network, 1, 0, true);
    network_accept(&network, 1, 2, true);
    network_dial(&network, 0, 1);
    network_dial(&network, 2, 1);
    hostile_start_all(&network);
    network.tamper = claim_erased;
    assert_true(network_publish(&network, 0, "Ask for Anna"));
    assert_true(network_publish(&network, 0, "Boris is asked"));
    assert_true(network_run(&network, 10 * MINUTE, node_2_holds_three, NULL));
    network_settle(&network);
    assert_int_equal(missing_of(&network, 2, 0), 1);
    order_one(&network, 0, 2);
    assert_true(network_run(&network, 10 * MINUTE, network_is_equal, NULL));
    assert_int_equal(missing_of(&network, 2, 0), 0);
    assert_true(is_erased(&network, 2, 0, 2));
    network.tamper = hostile_count;
    network.context = &counting;
    network_sleep(&network, 60 * MINUTE);
    assert_int_equal(counting.count, 0);
    network_finish(&network);
}

/* --- all at random ---------------------------------------------------------------------------- */

#define NODES 4

struct chaos {
    struct network network;
    bool ordered[NODES][SEQS], announced[NODES][SEQS];
    uint64_t random;
    bool stopped[NODES];
};

static unsigned any(struct chaos *chaos, unsigned below)
{
    chaos->random = chaos->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(chaos->random >> 33) % below;
}

static void erase_some(struct chaos *chaos, unsigned node)
{
    uint64_t head = chaos->network.nodes[node].acknowledged, seqs[8];
    size_t count = 1 + any(chaos, 8);

    for (size_t i = 0; i < count; i++)
        seqs[i] = 1 + any(chaos, (unsigned)head + 3);
    if (!try_order(&chaos->network, node, seqs, count))
        return;
    for (size_t i = 0; i < count; i++)
        if (seqs[i] <= head && chaos->announced[node][seqs[i]])
            chaos->ordered[node][seqs[i]] = true;
}

static void publish_some(struct chaos *chaos, unsigned node)
{
    unsigned count = 1 + any(chaos, 5);

    for (unsigned i = 0; i < count; i++) {
        char text[32];

        snprintf(text, sizeof text, "text %u", any(chaos, 100000));
        if (try_publish(&chaos->network, node, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                        span_of_text(text)))
            chaos->announced[node][chaos->network.nodes[node].acknowledged] = true;
    }
}

/* A node whose disk is full does not start. */
static void start(struct chaos *chaos, unsigned node)
{
    struct store_fault *faults = &chaos->network.nodes[node].faults;
    unsigned per_mille = faults->per_mille;

    faults->per_mille = 0;
    network_start(&chaos->network, node, false, true);
    faults->per_mille = per_mille;
}

static void disturb(struct chaos *chaos)
{
    unsigned a = any(chaos, NODES), b = any(chaos, NODES);

    if (any(chaos, 3) && a != b) {
        network_cut(&chaos->network, a, b, any(chaos, 2));
        return;
    }
    if (chaos->stopped[a])
        start(chaos, a);
    else
        network_stop(&chaos->network, a);
    chaos->stopped[a] = !chaos->stopped[a];
}

static void act(struct chaos *chaos)
{
    unsigned node = any(chaos, NODES);
    struct exchange *exchange = chaos->network.nodes[node].exchange;

    if (any(chaos, 4) == 0)
        disturb(chaos);
    else if (!exchange || exchange_publishing(exchange) != EXCHANGE_OPEN ||
             chaos->network.nodes[node].acknowledged + 10 > SEQS)
        return;
    else if (any(chaos, 3))
        publish_some(chaos, node);
    else
        erase_some(chaos, node);
}

/* Every node has all contents but those that were ordered erased, and knows which those are. */
static bool is_as_ordered(struct network *network, void *context)
{
    const struct chaos *chaos = context;

    if (!network_is_equal(network, NULL))
        return false;
    for (unsigned node = 0; node < NODES; node++)
        for (unsigned feed = 0; feed < NODES; feed++) {
            struct holding holding = look(network, node, feed);

            if (missing_of(network, node, feed))
                return false;
            for (uint64_t seq = 1; seq <= holding.count; seq++)
                if (holding.erased[seq] != chaos->ordered[feed][seq] ||
                    holding.content[seq] == holding.erased[seq])
                    return false;
        }
    return true;
}

static void heal(struct chaos *chaos)
{
    for (unsigned a = 0; a < NODES; a++) {
        chaos->network.nodes[a].faults.per_mille = 0;
        if (chaos->stopped[a])
            network_start(&chaos->network, a, false, true);
        for (unsigned b = 0; b < NODES; b++)
            if (a != b)
                network_cut(&chaos->network, a, b, false);
    }
}

static void test_erasure__holds_in_any_order(void **state)
{
    static struct chaos chaos;
    uint64_t seeds = network_seeds(12);

    (void)state;
    for (uint64_t n = 0; n < seeds; n++) {
        const uint64_t seed = network_seed_nth(n);
        memset(&chaos, 0, sizeof chaos);
        chaos.random = seed;
        hostile_full_mesh(&chaos.network, NODES, 1000 + seed);
        for (unsigned node = 0; node < NODES; node++)
            for (unsigned other = 0; other < NODES; other++)
                if (node != other)
                    network_accept(&chaos.network, node, other, true);
        chaos.network.live_loss = any(&chaos, 60);
        chaos.network.latency_max_ms = 1 + any(&chaos, 2000);
        for (unsigned node = 0; node < NODES; node++)
            chaos.network.nodes[node].acknowledged = look(&chaos.network, node, node).count;
        for (unsigned node = 0; node < NODES && seed % 2; node++) /* full disks, now and then */
            chaos.network.nodes[node].faults.per_mille = 20;
        for (unsigned step = 0; step < 150; step++) {
            act(&chaos);
            network_sleep(&chaos.network, any(&chaos, 1500));
        }
        heal(&chaos);
        if (!network_run(&chaos.network, 120 * MINUTE, is_as_ordered, &chaos))
            fail_msg("seed %d: not all nodes have what was ordered", (int)seed);
        network_finish(&chaos.network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erasure__goes_to_partners_that_hear_it),
        cmocka_unit_test(test_erasure__reaches_who_was_away),
        cmocka_unit_test(test_erasure__heeds_only_orders_that_count),
        cmocka_unit_test(test_erasure__of_endpoints_leaves_those_before),
        cmocka_unit_test(test_erasure__is_not_brought_back),
        cmocka_unit_test(test_erasure__is_not_believed_without_an_order),
        cmocka_unit_test(test_erasure__ends_the_search_for_what_is_missing),
        cmocka_unit_test(test_erasure__holds_in_any_order),
    };

    log_set_level(LOG_SILENT);
    return cmocka_run_group_tests_name("erasure", tests, NULL, NULL);
}
