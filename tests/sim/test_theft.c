/* Theft and forks: the keys of node 0 are stolen, or its feed is forked by accident, and all honest
 * nodes end on the same branch whatever the order of events: random orders, partitions, restarts,
 * and a thief who publishes, certifies and serves first, last, or to some of the nodes.
 *
 * A seed that fails is named; see network_seed.h for how to try it again, or more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/core/state.h"
#include "tests/sim/hostile.h"
#include "tests/sim/network_ports.h"

#define MINUTE 60000u
/* Sanitizers take ten times as long. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEEDS 100u
#endif
#endif
#if !defined(SEEDS) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#define SEEDS 100u
#endif
#ifndef SEEDS
#define SEEDS 1000u
#endif
#define OLD_KEYS 16

struct theft {
    struct network network;
    struct institution thief;     /* has the keys of node 0 as they were */
    bool has_root;                /* the thief; else only the node key */
    int captured;                 /* a node that hears of no new branch; -1: none */
    uint64_t last_good;           /* entry behind which the thief goes on */
    struct secret *old[OLD_KEYS]; /* of node 0 */
    size_t old_count;
    unsigned keys; /* made so far */
    bool stolen, certified;
};

static unsigned any(struct theft *theft, unsigned below)
{
    return (unsigned)(network_ports_draw(&theft->network) % below);
}

/* --- certificates -------------------------------------------------------------------------------
 */

static struct secret *new_key(struct theft *theft, enum secret_kind kind)
{
    struct secret *secret = NULL;
    uint8_t bytes[32];

    memset(bytes, 0xa5, sizeof bytes);
    bytes[0] = (uint8_t)++theft->keys;
    assert_int_equal(secret_from_bytes(kind, bytes, &secret, NULL), ERROR_NONE);
    return secret;
}

/* The certificate that follows another one, with fresh keys; *node is the node key that it names.
 */
static void make_certificate(struct theft *theft, const struct institution *institution,
                             const struct identity_certificate *before, bool by_recovery,
                             struct secret **node, struct buffer *out)
{
    struct secret *transport = new_key(theft, SECRET_TRANSPORT);
    struct secret *root = new_key(theft, SECRET_ROOT), *recovery = new_key(theft, SECRET_RECOVERY);
    struct id recovery_hash;
    struct identity_certificate_draft draft = {
        .network = INSTITUTION_NETWORK,
        .feed = &institution->chain.feed,
        .number = before->number + 1,
        .previous = &before->hash,
        .created_ms = 1,
    };

    *node = new_key(theft, SECRET_NODE);
    draft.node_key = secret_public(*node);
    draft.transport_key = draft.sealing_key = secret_public(transport);
    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(recovery)), &recovery_hash);
    if (by_recovery) {
        draft.recovery_hash = &recovery_hash;
        draft.new_root = secret_public(root);
    }
    assert_int_equal(
        identity_certificate_build(&draft, by_recovery ? institution->recovery : institution->root,
                                   out, NULL),
        ERROR_NONE);
    secret_destroy(transport);
    secret_destroy(root);
    secret_destroy(recovery);
}

static void keep_key(struct theft *theft, struct secret *key)
{
    assert_true(theft->old_count < OLD_KEYS);
    theft->old[theft->old_count++] = key;
}

/* Node 0 certifies; after: the last good entry, or 0. What the disk does not take has not been. */
static int certify(struct theft *theft, bool by_recovery, uint64_t after, struct error *error)
{
    struct network_node *owner = &theft->network.nodes[0];
    const struct exchange_place place = {.after = after};
    struct identity_certificate before;
    struct exchange_published out;
    struct buffer encoded = {0};
    struct secret *node = NULL;
    int code;

    network_settle(&theft->network);
    if (exchange_begin(owner->exchange, error))
        return ERROR_IO;
    assert_int_equal(exchange_certificate_at(owner->exchange, &place, &before, error), ERROR_NONE);
    make_certificate(theft, &owner->institution, &before, by_recovery, &node, &encoded);
    code = exchange_certify(owner->exchange, buffer_span(&encoded), node, &place, &out, error);
    if (exchange_commit(owner->exchange, NULL))
        code = ERROR_IO;
    keep_key(theft, code ? node : owner->institution.node);
    if (!code)
        owner->institution.node = node;
    buffer_finish(&encoded);
    return code;
}

/* --- the thief ----------------------------------------------------------------------------------
 */

/* What is done in the feed from here on, the thief does in its own way. */
static void steal(struct theft *theft)
{
    struct buffer genesis = {0};

    institution_init(&theft->thief, 1);
    institution_certify(&theft->thief, false, &genesis);
    buffer_finish(&genesis);
    theft->last_good = network_holds(&theft->network, 0, 0, &theft->thief.head.hash);
    theft->thief.head.seq = theft->last_good;
    theft->stolen = true;
}

/* To all of `nodes` (bits), as if their partners had it. */
static void tell(struct theft *theft, unsigned nodes, const struct buffer *entries, size_t count)
{
    struct network *network = &theft->network;
    char topic[LIMIT_TOPIC_SIZE + 1];

    entry_topic_of_feed(network_feed(network, 0), topic);
    for (unsigned to = 0; to < network->count; to++)
        for (size_t i = 0; i < count; i++)
            if (nodes >> to & 1 && network->nodes[to].exchange && !network->nodes[to].dead)
                network_inject(network, to == 1 ? 2 : 1, to, topic, buffer_span(&entries[i]));
}

static void lie(struct theft *theft, unsigned nodes, bool certifies)
{
    struct buffer entries[6] = {{0}}, encoded = {0};
    size_t count = 0;

    if (certifies) {
        struct secret *node;

        make_certificate(theft, &theft->thief,
                         &theft->thief.chain.certificates[theft->thief.chain.count - 1], false,
                         &node, &encoded);
        assert_int_equal(identity_chain_append(&theft->thief.chain, buffer_span(&encoded), NULL),
                         ERROR_NONE);
        secret_destroy(theft->thief.node);
        theft->thief.node = node;
        institution_append(&theft->thief, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE,
                           buffer_span(&encoded), &entries[count++]);
        buffer_finish(&encoded);
    }
    for (unsigned more = 1 + any(theft, 5); more && count < 6; more--)
        institution_say(&theft->thief, "by the thief", &entries[count++]);
    tell(theft, nodes, entries, count);
    for (size_t i = 0; i < count; i++)
        buffer_finish(&entries[i]);
}

/* The captured node goes on serving what it has, and hears of nothing else. */
static bool keep_from_captured(void *context, unsigned from, unsigned to, const char *topic,
                               struct buffer *bytes)
{
    struct theft *theft = context;
    Caravan__SyncMessage *message;
    bool keeps;

    (void)from;
    if ((int)to != theft->captured)
        return true;
    if (topic)
        return false;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    keeps = message && (message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RUN ||
                        message->body_case == CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES);
    if (message)
        caravan__sync_message__free_unpacked(message, NULL);
    return !keeps;
}

/* --- the end ------------------------------------------------------------------------------------
 */

static bool agree(struct network *network, void *context)
{
    const struct theft *theft = context;
    struct exchange_feed_state own, held;

    if (!network_state(network, 0, 0, &own) || own.frozen ||
        exchange_publishing(network->nodes[0].exchange) != EXCHANGE_OPEN)
        return false;
    for (unsigned a = 1; a < network->count; a++) {
        if ((int)a == theft->captured)
            continue;
        if (!network_state(network, a, 0, &held) || held.frozen || held.missing ||
            held.head.seq != own.head.seq || !id_equal(&held.head.hash, &own.head.hash) ||
            entry_head_rank(&held.head, &own.head) != 0)
            return false;
    }
    return true;
}

static void explain_sources(const struct theft *theft, unsigned a)
{
    const struct network_node *node = &theft->network.nodes[a];
    const struct feed *feed = feed_find(node->exchange, network_feed(&theft->network, 0));

    print_message("  chain %zu, walk at No. %llu from %llu, proven %llu/%llu, pulls %d%s%s\n",
                  feed->chain.count, (unsigned long long)feed->walk.seq,
                  (unsigned long long)feed->walk.from, (unsigned long long)feed->proven.recoveries,
                  (unsigned long long)feed->proven.certificate,
                  feed->pulls ? (int)feed->pulls->kind : -1, feed->diverged ? ", diverged" : "",
                  a == 0 && node->exchange->ahead ? ", behind others" : "");
    for (size_t i = 0; i < feed->source_count; i++) {
        const struct source *source = &feed->sources[i];

        print_message("  source %s: No. %llu (heard %llu), certificate %llu/%llu%s%s%s, faults %u, "
                      "asked %u, able %d\n",
                      source->partner->card_handle, (unsigned long long)source->head.seq,
                      (unsigned long long)source->heard,
                      (unsigned long long)source->head.recoveries,
                      (unsigned long long)source->head.certificate, source->off ? ", off" : "",
                      source->wanted ? ", wanted" : "", source->partner->doubted ? ", doubted" : "",
                      source->faults, source->asked_chain, source->partner->able);
    }
}

static void explain_node(struct theft *theft, unsigned a)
{
    struct exchange_feed_state state;

    if (!theft->network.nodes[a].exchange || !network_state(&theft->network, a, 0, &state))
        return;
    print_message("node %u: No. %llu, certificate %llu (%llu by recovery)%s%s, publishing %d, "
                  "hash %02x%02x, trouble: %s\n",
                  a, (unsigned long long)state.head.seq, (unsigned long long)state.head.certificate,
                  (unsigned long long)state.head.recoveries, state.frozen ? ", frozen" : "",
                  (int)a == theft->captured ? ", captured" : "",
                  (int)exchange_publishing(theft->network.nodes[a].exchange),
                  state.head.hash.bytes[0], state.head.hash.bytes[1], state.trouble);
    explain_sources(theft, a);
}

static void explain(struct theft *theft, uint64_t seed, const char *what)
{
    for (unsigned a = 0; a < theft->network.count; a++)
        explain_node(theft, a);
    fail_msg("seed %llu: %s", (unsigned long long)seed, what);
}

static void heal(struct theft *theft)
{
    struct network *network = &theft->network;

    for (unsigned a = 0; a < network->count; a++)
        for (unsigned b = a + 1; b < network->count; b++)
            network_cut(network, a, b, false);
    for (unsigned a = 0; a < network->count; a++) {
        network->nodes[a].faults.per_mille = 0;
        if (!network->nodes[a].exchange)
            network_start(network, a, false, false);
    }
}

static void finish(struct theft *theft)
{
    network_finish(&theft->network);
    institution_finish(&theft->thief);
    for (size_t i = 0; i < theft->old_count; i++)
        secret_destroy(theft->old[i]);
}

/* --- random
 * -------------------------------------------------------------------------------------
 */

static void set_up(struct theft *theft, uint64_t seed)
{
    struct network *network = &theft->network;

    memset(theft, 0, sizeof *theft);
    theft->captured = -1;
    network_init(network, 3 + (unsigned)(seed % 4), seed);
    for (unsigned a = 0; a < network->count; a++)
        for (unsigned b = 0; b < network->count; b++)
            if (a != b)
                network_accept(network, a, b, b == 0);
    /* A line, so that all hang together, and some more. */
    for (unsigned a = 0; a + 1 < network->count; a++)
        network_dial(network, a, a + 1);
    for (unsigned a = 0; a < network->count; a++)
        for (unsigned b = 0; b < network->count; b++)
            if (a != b && any(theft, 3) == 0)
                network_dial(network, a, b);
    network->live_loss = any(theft, 2) ? 0 : any(theft, 60);
    hostile_start_all(network);
    theft->has_root = any(theft, 3) == 0;
    if (any(theft, 4) == 0)
        network->nodes[any(theft, network->count)].faults.per_mille = 30;
    if (network->count > 3 && any(theft, 3) == 0) {
        /* One whose place in the line nobody needs. */
        theft->captured = (int)network->count - 1;
        network->tamper = keep_from_captured;
        network->context = theft;
    }
}

static unsigned some_nodes(struct theft *theft)
{
    unsigned all = (1u << theft->network.count) - 1;

    return any(theft, 3) == 0 ? all
                              : 1u << any(theft, theft->network.count) | (any(theft, all) & all);
}

static void partition(struct theft *theft)
{
    struct network *network = &theft->network;
    unsigned a = any(theft, network->count), b = any(theft, network->count);

    if (a != b)
        network_cut(network, a, b, any(theft, 4) != 0);
}

static void restart(struct theft *theft)
{
    unsigned node = any(theft, theft->network.count);

    if (theft->network.nodes[node].exchange)
        network_stop(&theft->network, node);
    else
        network_start(&theft->network, node, false, false);
}

static void owner_says(struct theft *theft)
{
    char text[32];

    snprintf(text, sizeof text, "announcement %u", any(theft, 1000000));
    for (unsigned more = 1 + any(theft, 4); more; more--)
        network_publish(&theft->network, 0, text); /* while it may */
}

/* Behind which entry? Of a fork that is an accident, any branch may be the one to keep. */
static uint64_t choose_entry(struct theft *theft)
{
    struct exchange_feed_state own;
    uint64_t after = theft->last_good;

    assert_non_null(network_state(&theft->network, 0, 0, &own));
    if (!theft->has_root && any(theft, 3) == 0 && own.head.seq > after)
        after += any(theft, (unsigned)(own.head.seq - after) + 1);
    return after < own.head.seq ? after : own.head.seq;
}

/* Once it is known what happened. The root key alone may not be enough, nor may the disk take it.
 */
static void owner_certifies(struct theft *theft)
{
    struct error error = {0};
    bool by_recovery = theft->has_root && any(theft, 4);
    int code;

    if (!theft->network.nodes[0].exchange || theft->certified)
        return;
    code = certify(theft, by_recovery, choose_entry(theft), &error);
    if (code && code != ERROR_IO && (code != ERROR_INVALID || by_recovery || !theft->has_root))
        fail_msg("certify: %s", error.text);
    theft->certified = !code && by_recovery == theft->has_root;
}

static void step(struct theft *theft)
{
    switch (any(theft, 9)) {
    case 0:
    case 1:
        owner_says(theft);
        break;
    case 2:
    case 3:
    case 4:
        if (!theft->stolen && theft->network.nodes[0].exchange)
            steal(theft);
        if (theft->stolen)
            lie(theft, some_nodes(theft), theft->has_root && any(theft, 2));
        break;
    case 5:
    case 6:
        partition(theft);
        break;
    case 7:
        restart(theft);
        break;
    default:
        if (theft->stolen && any(theft, 2))
            owner_certifies(theft);
        break;
    }
    network_sleep(&theft->network, any(theft, 3) ? any(theft, 200) : any(theft, 8000));
}

static void run_seed(uint64_t seed)
{
    static struct theft theft;
    struct network *network = &theft.network;
    struct id hash;

    set_up(&theft, seed);
    owner_says(&theft);
    for (unsigned steps = 4 + any(&theft, 14); steps; steps--)
        step(&theft);
    if (!network->nodes[0].exchange)
        network_start(network, 0, false, false);
    if (!theft.stolen)
        steal(&theft);
    lie(&theft, some_nodes(&theft), false);
    heal(&theft);
    while (!theft.certified)
        owner_certifies(&theft);
    /* And once more, to everybody, when it is too late. */
    if (any(&theft, 2))
        lie(&theft, (1u << network->count) - 1, theft.has_root);
    if (!network_run(network, 15 * MINUTE, agree, &theft))
        explain(&theft, seed, "not all are on the branch of the newest certificate");
    if (!network_publish(network, 0, "all is well"))
        explain(&theft, seed, "the owner cannot publish");
    if (!network_run(network, 5 * MINUTE, agree, &theft))
        explain(&theft, seed, "what is published now does not reach all");
    assert_true(network_holds(network, 0, 0, &hash) > theft.last_good - (theft.last_good > 0));
    finish(&theft);
}

static int count_one(void *context, const struct store_quarantined *quarantined)
{
    (void)quarantined;
    ++*(uint64_t *)context;
    return 0;
}

static bool as_much_as_node_1(struct network *network, void *unused)
{
    (void)unused;
    return network_holds(network, 2, 0, NULL) == network_holds(network, 1, 0, NULL);
}

/* --- far back -----------------------------------------------------------------------------------
 */

#define MANY 3000u

/* Three nodes that have caught up; then node 0 is alone, and its keys are stolen. */
static void set_up_apart(struct theft *theft, uint64_t seed)
{
    memset(theft, 0, sizeof *theft);
    theft->captured = -1;
    hostile_full_mesh(&theft->network, 3, seed);
    network_accept(&theft->network, 1, 0, true);
    network_accept(&theft->network, 2, 0, true);
    hostile_publish_many(&theft->network, 0, 3);
    assert_true(network_run(&theft->network, MINUTE, network_is_equal, NULL));
    steal(theft);
    network_cut(&theft->network, 0, 1, true);
    network_cut(&theft->network, 0, 2, true);
}

static void publish_many(struct theft *theft)
{
    for (unsigned i = 0; i < MANY; i += 250)
        assert_true(network_publish_burst(&theft->network, 0, 250));
}

static uint64_t count_quarantined(struct theft *theft, unsigned a)
{
    struct store *reader = &theft->network.nodes[a].reader;
    uint64_t count = 0;

    assert_int_equal(reader->operations->quarantined(reader->self, network_feed(&theft->network, 0),
                                                     count_one, &count, NULL),
                     ERROR_NONE);
    return count;
}

static void test_theft__a_branch_is_left_far_back(void **state)
{
    static struct buffer entries[MANY];
    struct theft theft;
    struct error error;

    (void)state;
    set_up_apart(&theft, 5001);
    for (unsigned i = 0; i < MANY; i++)
        institution_say(&theft.thief, "by the thief", &entries[i]);
    assert_int_equal(network_import(&theft.network, 1, 0, entries, MANY, NULL), ERROR_NONE);
    assert_true(network_run(&theft.network, MINUTE, as_much_as_node_1, NULL));
    publish_many(&theft);
    assert_int_equal(certify(&theft, false, 0, &error), ERROR_NONE);
    network_cut(&theft.network, 0, 2, false);
    assert_true(network_run(&theft.network, 2 * MINUTE, agree, &theft));
    network_settle(&theft.network);
    assert_int_equal(network_holds(&theft.network, 2, 0, NULL), 1 + 3 + MANY + 1);
    assert_int_equal(count_quarantined(&theft, 1), MANY);
    assert_int_equal(count_quarantined(&theft, 2), MANY);
    assert_int_equal(count_quarantined(&theft, 0), 0);
    for (unsigned i = 0; i < MANY; i++)
        buffer_finish(&entries[i]);
    finish(&theft);
}

static void test_theft__a_frozen_feed_goes_on_behind_much_that_it_missed(void **state)
{
    struct buffer other = {0};
    struct exchange_feed_state feed;
    struct theft theft;
    struct error error;

    (void)state;
    set_up_apart(&theft, 5002);
    network_cut(&theft.network, 0, 1, false);
    assert_true(network_publish(&theft.network, 0, "by the owner"));
    network_sleep(&theft.network, MINUTE);
    network_cut(&theft.network, 0, 1, true);
    institution_say(&theft.thief, "by the thief", &other);
    tell(&theft, 1u << 1 | 1u << 2, &other, 1);
    for (unsigned a = 1; a < 3; a++)
        assert_true(network_state(&theft.network, a, 0, &feed)->frozen);
    publish_many(&theft);
    network_cut(&theft.network, 0, 1, false);
    network_sleep(&theft.network, MINUTE);
    assert_int_equal(network_holds(&theft.network, 1, 0, NULL), 5);
    assert_int_equal(certify(&theft, false, 0, &error), ERROR_NONE);
    assert_true(network_run(&theft.network, 2 * MINUTE, agree, &theft));
    network_settle(&theft.network);
    assert_int_equal(network_holds(&theft.network, 2, 0, NULL), 1 + 4 + MANY + 1);
    assert_int_equal(count_quarantined(&theft, 1), 0);
    buffer_finish(&other);
    finish(&theft);
}

/* --- what partners are said to hold -------------------------------------------------------------
 */

static void test_theft__receipts_follow_the_head_back(void **state)
{
    struct buffer entries[6] = {{0}};
    struct exchange_feed_state held;
    struct theft theft;
    struct error error;

    (void)state;
    set_up_apart(&theft, 5003);
    network_cut(&theft.network, 0, 1, false);
    network_cut(&theft.network, 0, 2, false);
    for (unsigned i = 0; i < 6; i++)
        institution_say(&theft.thief, "by the thief", &entries[i]);
    tell(&theft, 1u << 1 | 1u << 2, entries, 6);
    network_sleep(&theft.network, MINUTE);
    assert_int_equal(network_state(&theft.network, 0, 1, &held)->received_seq, 10);
    network_cut(&theft.network, 0, 1, true);
    assert_int_equal(certify(&theft, false, theft.last_good, &error), ERROR_NONE);
    /* Of what it said under the old certificate, what is common counts. */
    assert_int_equal(network_state(&theft.network, 0, 1, &held)->received_seq, 4);
    network_cut(&theft.network, 0, 1, false);
    assert_true(network_run(&theft.network, MINUTE, agree, &theft));
    network_sleep(&theft.network, 1000);
    for (unsigned a = 1; a < 3; a++)
        assert_int_equal(network_state(&theft.network, 0, a, &held)->received_seq, 5);
    for (unsigned i = 0; i < 6; i++)
        buffer_finish(&entries[i]);
    finish(&theft);
}

/* --- what the thief orders erased ---------------------------------------------------------------
 */

static void make_order(uint64_t seq, struct buffer *out)
{
    Caravan__Erasure erasure = CARAVAN__ERASURE__INIT;

    erasure.seq = &seq;
    erasure.n_seq = 1;
    assert_true(fields_pack(&erasure.base, out));
}

struct at_seq {
    bool has_content;
    uint64_t erased;
};

static int take_row(void *context, const struct store_entry *row)
{
    *(struct at_seq *)context = (struct at_seq){row->entry.has_content, row->erased};
    return 1;
}

/* What node a has at a seq of the owner's feed. */
static struct at_seq at_seq(struct theft *theft, unsigned a, uint64_t seq)
{
    struct store *reader = &theft->network.nodes[a].reader;
    struct at_seq at = {0};

    network_settle(&theft->network);
    assert_int_equal(reader->operations->entries(reader->self, network_feed(&theft->network, 0),
                                                 seq, seq, take_row, &at, NULL),
                     ERROR_NONE);
    return at;
}

static int count_content(void *context, const struct store_quarantined *quarantined)
{
    *(uint64_t *)context += quarantined->entry.entry.has_content;
    return 0;
}

static uint64_t count_quarantined_contents(struct theft *theft, unsigned a)
{
    struct store *reader = &theft->network.nodes[a].reader;
    uint64_t count = 0;

    network_settle(&theft->network);
    assert_int_equal(reader->operations->quarantined(reader->self, network_feed(&theft->network, 0),
                                                     count_content, &count, NULL),
                     ERROR_NONE);
    return count;
}

static void order_by_owner(struct theft *theft, uint64_t seq)
{
    struct buffer content = {0};

    make_order(seq, &content);
    network_publish_content(&theft->network, 0, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE,
                            buffer_span(&content));
    buffer_finish(&content);
}

/* The order is outranked: what went because of it comes back from those who have not seen it. And
 * an order by the owner reaches what the thief has said, too, where that is kept. */
static void test_theft__an_erasure_by_the_thief_is_void_in_the_end(void **state)
{
    struct buffer content = {0}, entries[2] = {{0}};
    struct theft theft;
    struct error error;

    (void)state;
    set_up_apart(&theft, 5004);
    network_cut(&theft.network, 1, 2, true);
    make_order(3, &content);
    institution_append(&theft.thief, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE,
                       buffer_span(&content), &entries[0]);
    institution_say(&theft.thief, "of Anna", &entries[1]);
    tell(&theft, 1u << 1, entries, 2);
    network_sleep(&theft.network, 1000);
    assert_int_equal(at_seq(&theft, 1, 3).erased, 5);
    assert_int_equal(certify(&theft, false, theft.last_good, &error), ERROR_NONE);
    network_cut(&theft.network, 0, 1, false);
    network_cut(&theft.network, 0, 2, false);
    assert_true(network_run(&theft.network, MINUTE, agree, &theft));
    assert_int_equal(at_seq(&theft, 1, 3).erased, 0);
    assert_true(at_seq(&theft, 1, 3).has_content);
    assert_int_equal(count_quarantined_contents(&theft, 1), 2);
    order_by_owner(&theft, 2);
    assert_true(network_run(&theft.network, MINUTE, agree, &theft));
    for (unsigned a = 0; a < 3; a++) {
        assert_int_equal(at_seq(&theft, a, 2).erased, 6);
        assert_true(at_seq(&theft, a, 3).has_content);
    }
    assert_int_equal(count_quarantined_contents(&theft, 1),
                     1); /* of the order, which is for good */
    assert_int_equal(count_quarantined(&theft, 1), 2);
    for (size_t i = 0; i < 2; i++)
        buffer_finish(&entries[i]);
    buffer_finish(&content);
    finish(&theft);
}

static void test_theft__all_end_on_the_same_branch(void **state)
{
    uint64_t seeds = network_seeds(SEEDS);

    (void)state;
    print_message("%llu seeds%s\n", (unsigned long long)seeds,
                  seeds < 1000 ? "; a plain build tries 1000" : "");
    for (uint64_t n = 0; n < seeds; n++)
        run_seed(network_seed_nth(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_theft__a_branch_is_left_far_back),
        cmocka_unit_test(test_theft__a_frozen_feed_goes_on_behind_much_that_it_missed),
        cmocka_unit_test(test_theft__receipts_follow_the_head_back),
        cmocka_unit_test(test_theft__an_erasure_by_the_thief_is_void_in_the_end),
        cmocka_unit_test(test_theft__all_end_on_the_same_branch),
    };

    return cmocka_run_group_tests_name("theft", tests, NULL, NULL);
}
