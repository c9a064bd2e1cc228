#include "tests/sim/network.h"
#include "common/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/serve.h"
#include "node/ledger/ledger.h"
#include "tests/sim/network_ports.h"
#include "tests/support/announcements.h"

const struct id *network_feed(const struct network *network, unsigned node)
{
    return &network->nodes[node].institution.chain.feed;
}

static void partner_changed(void *self, const struct id *feed)
{
    (void)feed;
    ((struct network_node *)self)->partner_changes++;
}

/* --- nodes --------------------------------------------------------------------------------------
 */

static void create_store(struct network_node *node)
{
    assert_int_equal(ledger_memory_create(&node->store, NULL), ERROR_NONE);
    assert_int_equal(ledger_memory_open_reader(&node->store, &node->reader, NULL), ERROR_NONE);
    store_fault_wrap(&node->faults, &node->store);
}

void network_init(struct network *network, unsigned count, uint64_t seed)
{
    network_seed_begin(seed);
    memset(network, 0, sizeof *network);
    network->count = count;
    network->random = seed;
    network->now_ms = INSTITUTION_START_MS;
    network->latency_max_ms = 50;
    network->group_commit = true;
    for (unsigned i = 0; i < count; i++) {
        struct network_node *node = &network->nodes[i];

        node->network = network;
        institution_init(&node->institution, (uint8_t)(i + 1));
        institution_certify(&node->institution, false, &node->genesis);
        create_store(node);
    }
}

static void destroy_store(struct network_node *node)
{
    node->reader.operations->destroy(node->reader.self);
    node->store.operations->destroy(node->store.self);
}

void network_new_store(struct network *network, unsigned index)
{
    assert_null(network->nodes[index].exchange);
    destroy_store(&network->nodes[index]);
    create_store(&network->nodes[index]);
}

void network_finish(struct network *network)
{
    for (unsigned i = 0; i < network->count; i++) {
        struct network_node *node = &network->nodes[i];

        network_stop(network, i);
        destroy_store(node);
        buffer_finish(&node->genesis);
        institution_finish(&node->institution);
    }
    assert_null(network->flights);
    network_seed_end();
}

static bool is_running(const struct network_node *node)
{
    return node->exchange && !node->dead;
}

/* Only a disk that is made to fail may refuse; a node then tries again. False: in vain. */
static bool begin(struct network_node *node)
{
    struct error error = {0};
    unsigned long failures = node->faults.failures;

    while (!node->open && exchange_begin(node->exchange, &error)) {
        if (node->faults.failures == failures)
            fail_msg("begin of node %u: %s", network_ports_index(node), error.text);
        if (node->faults.shut)
            return false;
        failures = node->faults.failures;
    }
    node->open = true;
    return true;
}

/* As the writer of a node does: time passes in the same transaction. False: nothing was written. */
static bool commit(struct network_node *node)
{
    struct error error = {0};
    enum network_kill kill = node->kill;
    int code;

    if (!node->open)
        return true;
    exchange_tick(node->exchange);
    node->kill = NETWORK_LIVES;
    node->dead = node->dead || kill != NETWORK_LIVES;
    if (kill == NETWORK_KILL_BEFORE)
        return false; /* the open transaction goes with the process */
    node->open = false;
    node->faults.lose_answer = kill == NETWORK_KILL_AFTER;
    code = exchange_commit(node->exchange, &error);
    node->faults.lose_answer = false;
    if (code && !node->dead && !node->faults.failed)
        fail_msg("commit of node %u: %s", network_ports_index(node), error.text);
    return code == ERROR_NONE;
}

static void add_partner(struct network_node *node, unsigned other)
{
    struct institution *institution = &node->network->nodes[other].institution;
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    struct card card = {.profile = &profile, .endpoints = &endpoints, .created_ms = 1};
    char handle[16];
    struct error error = {0};

    snprintf(handle, sizeof handle, "xx-node%u", other);
    profile.handle = handle;
    card.chain = institution->chain;
    if (exchange_partner_add(node->exchange, &card, node->relay[other], &error) &&
        !node->faults.failed)
        fail_msg("partner: %s", error.text);
}

static void add_partners(struct network_node *node)
{
    do {
        begin(node);
        for (unsigned other = 0; other < node->network->count; other++)
            if (node->knows[other])
                add_partner(node, other);
    } while (!commit(node) && is_running(node));
}

static void link_up(struct network *network, unsigned a, unsigned b, bool up)
{
    struct network_node *from = &network->nodes[a], *to = &network->nodes[b];

    if (from->linked[b] == up)
        return;
    from->linked[b] = up;
    if (!up)
        network_ports_drop(network, a, b);
    if (is_running(from)) {
        begin(from);
        exchange_link(from->exchange, network_feed(network, b), EXCHANGE_LIVE_OUT, up, "sim", "");
        exchange_link(from->exchange, network_feed(network, b), EXCHANGE_SYNC_OUT, up, "sim", "");
        commit(from);
    }
    if (is_running(to)) {
        begin(to);
        exchange_link(to->exchange, network_feed(network, a), EXCHANGE_SYNC_IN, up, "sim", "");
        commit(to);
    }
}

/* A link stands when its dialler wants it, both run, both know each other, and nothing is cut. */
static void update_links(struct network *network)
{
    for (unsigned a = 0; a < network->count; a++)
        for (unsigned b = 0; b < network->count; b++) {
            struct network_node *from = &network->nodes[a], *to = &network->nodes[b];

            link_up(network, a, b,
                    from->dials[b] && from->exchange && to->exchange && from->knows[b] &&
                        to->knows[a] && !network->cut[a][b]);
        }
}

void network_start(struct network *network, unsigned index, bool suspect, bool alone)
{
    struct network_node *node = &network->nodes[index];
    struct exchange_config config = {
        .network = INSTITUTION_NETWORK,
        .feed = *network_feed(network, index),
        .handle = "xx-self",
        .node_key = node->institution.node,
        .chain = &node->institution.chain,
        .genesis = buffer_span(&node->genesis),
        .store = node->store,
        .self = node,
        .partner_changed = partner_changed,
        .suspect = suspect,
        .alone = alone,
    };
    struct error error = {0};
    unsigned long failures;
    int code;

    node->dead = false;
    node->kill = NETWORK_LIVES;
    assert_int_equal(keyring_create(&node->keyring, NULL), ERROR_NONE);
    assert_int_equal(policy_create(network_feed(network, index), &node->policy, NULL), ERROR_NONE);
    network_ports_fill(node, &config);
    config.keyring = node->keyring;
    config.policy = node->policy;
    do {
        failures = node->faults.failures;
        code = exchange_create(&config, &node->exchange, &error);
    } while (code && node->faults.failures != failures);
    if (code)
        fail_msg("start of node %u: %s", index, error.text);
    add_partners(node);
    update_links(network);
}

void network_stop(struct network *network, unsigned index)
{
    struct network_node *node = &network->nodes[index];

    if (!node->exchange)
        return;
    exchange_destroy(node->exchange); /* an open transaction is lost, as in a kill */
    node->exchange = NULL;
    node->open = false;
    node->dead = false;
    update_links(network);
    for (unsigned other = 0; other < network->count; other++)
        network_ports_drop(network, index, other);
    keyring_destroy(node->keyring);
    policy_destroy(node->policy);
}

void network_accept(struct network *network, unsigned a, unsigned b, bool relay)
{
    struct network_node *node = &network->nodes[a];

    node->knows[b] = true;
    node->relay[b] = relay;
    if (is_running(node))
        add_partners(node);
    update_links(network);
}

void network_accept_all(struct network *network)
{
    for (unsigned a = 0; a < network->count; a++)
        for (unsigned b = 0; b < network->count; b++)
            if (a != b)
                network_accept(network, a, b, false);
}

void network_remove_partner(struct network *network, unsigned a, unsigned b)
{
    struct network_node *node = &network->nodes[a];

    node->knows[b] = false;
    update_links(network);
    if (node->exchange) {
        begin(node);
        exchange_partner_remove(node->exchange, network_feed(network, b));
        commit(node);
    }
}

void network_dial(struct network *network, unsigned a, unsigned b)
{
    network->nodes[a].dials[b] = true;
    update_links(network);
}

void network_dial_all(struct network *network)
{
    for (unsigned a = 0; a < network->count; a++)
        for (unsigned b = 0; b < network->count; b++)
            if (a != b)
                network_dial(network, a, b);
}

void network_cut(struct network *network, unsigned a, unsigned b, bool cut)
{
    network->cut[a][b] = network->cut[b][a] = cut;
    update_links(network);
}

/* --- time ---------------------------------------------------------------------------------------
 */

static void deliver(struct network *network, struct flight *flight)
{
    struct network_node *to = &network->nodes[flight->to];
    struct incoming *incoming;

    network->delivered++;
    incoming =
        incoming_create(network_feed(network, flight->from), flight->live ? flight->topic : NULL,
                        &flight->bytes, INSTITUTION_NETWORK, to->keyring);
    assert_non_null(incoming);
    if (incoming_is_request(incoming)) {
        struct buffer answer = {0};

        assert_int_equal(serve_answer(&to->reader, to->policy, &incoming->peer, incoming->message,
                                      &answer, NULL),
                         ERROR_NONE);
        network_ports_launch(network, flight->to, flight->from, NULL, buffer_span(&answer));
        buffer_finish(&answer);
    } else if (begin(to)) { /* else it is thrown away */
        exchange_incoming(to->exchange, incoming);
        if (!network->group_commit || network_ports_draw(network) % 3 == 0)
            commit(to);
    }
    incoming_destroy(incoming);
}

void network_inject(struct network *network, unsigned from, unsigned to, const char *topic,
                    struct span bytes)
{
    struct flight flight = {.from = from, .to = to, .live = topic != NULL};

    if (topic)
        snprintf(flight.topic, sizeof flight.topic, "%s", topic);
    assert_true(buffer_append(&flight.bytes, bytes.data, bytes.size));
    deliver(network, &flight);
    commit(&network->nodes[to]);
    buffer_finish(&flight.bytes);
}

void network_say(struct network *network, unsigned from, unsigned to,
                 const Caravan__SyncMessage *message)
{
    struct buffer bytes = {0};

    assert_true(fields_pack(&message->base, &bytes));
    network_inject(network, from, to, NULL, buffer_span(&bytes));
    buffer_finish(&bytes);
}

int network_import(struct network *network, unsigned index, unsigned feed,
                   const struct buffer *entries, size_t count, struct error *error)
{
    struct network_node *node = &network->nodes[index];
    struct buffer run = {0};
    uint64_t added, known, head;
    int code;

    institution_run(&network->nodes[feed].institution, entries, count, 0, &run);
    begin(node);
    code = exchange_import(node->exchange, span_of(NULL, 0), buffer_span(&run), &added, &known,
                           &head, error);
    commit(node);
    buffer_finish(&run);
    return code;
}

void network_kill(struct network *network, unsigned index, bool after)
{
    network->nodes[index].kill = after ? NETWORK_KILL_AFTER : NETWORK_KILL_BEFORE;
}

static void bury(struct network *network)
{
    for (unsigned i = 0; i < network->count; i++)
        if (network->nodes[i].dead)
            network_stop(network, i);
}

static void deliver_due(struct network *network)
{
    struct flight *flight;

    while ((flight = network->flights) && flight->at <= network->now_ms) {
        network->flights = flight->next;
        if (is_running(&network->nodes[flight->to]))
            deliver(network, flight);
        buffer_finish(&flight->bytes);
        free(flight);
    }
}

static void tick(struct network *network)
{
    for (unsigned i = 0; i < network->count; i++) {
        struct network_node *node = &network->nodes[i];

        if (!is_running(node))
            continue;
        if (begin(node))
            commit(node);
    }
}

bool network_run(struct network *network, uint64_t limit_ms,
                 bool (*done)(struct network *network, void *context), void *context)
{
    uint64_t end = network->now_ms + limit_ms, next_tick = network->now_ms;

    for (;;) {
        if (done && done(network, context))
            return true;
        if (network->now_ms >= end)
            return false;
        /* Straight to the next event. */
        network->now_ms =
            network->flights && network->flights->at < next_tick ? network->flights->at : next_tick;
        deliver_due(network);
        if (network->now_ms >= next_tick) {
            tick(network);
            next_tick = network->now_ms + 100;
        }
        bury(network);
    }
}

void network_settle(struct network *network)
{
    for (unsigned i = 0; i < network->count; i++)
        if (is_running(&network->nodes[i]))
            commit(&network->nodes[i]);
    bury(network);
}

void network_sleep(struct network *network, uint64_t ms)
{
    network_run(network, ms, NULL, NULL);
}

bool network_publish(struct network *network, unsigned index, const char *text)
{
    struct network_node *node = &network->nodes[index];
    struct exchange_published out;
    int code;

    if (!is_running(node) || !begin(node))
        return false;
    code = exchange_publish(node->exchange, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                            span_of_text(text), NULL, &out, NULL);
    if (!commit(node) || code)
        return false;
    node->acknowledged = out.seq;
    return true;
}

bool network_publish_burst(struct network *network, unsigned index, unsigned count)
{
    struct network_node *node = &network->nodes[index];
    struct exchange_published out = {0};
    char text[64];
    int code = 0;

    if (!is_running(node) || !begin(node))
        return false;
    for (unsigned i = 0; i < count && !code; i++) {
        snprintf(text, sizeof text, "announcement %u of %u at once", i, count);
        code = exchange_publish(node->exchange, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                                span_of_text(text), NULL, &out, NULL);
    }
    if (!commit(node) || code)
        return false;
    node->acknowledged = out.seq;
    return true;
}

uint64_t network_publish_content(struct network *network, unsigned index, uint32_t type,
                                 struct span content)
{
    struct network_node *node = &network->nodes[index];
    struct exchange_published out;
    struct error error;

    assert_true(is_running(node) && begin(node));
    if (exchange_publish(node->exchange, type, content, NULL, &out, &error))
        fail_msg("node %u publishes: %s", index, error.text);
    assert_true(commit(node));
    node->acknowledged = out.seq;
    return out.seq;
}

void network_publish_profile(struct network *network, unsigned index, const char *handle,
                             const char *country)
{
    struct buffer profile = {0};

    announcements_profile(handle, country, &profile);
    network_publish_content(network, index, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE,
                            buffer_span(&profile));
    buffer_finish(&profile);
}
