#include "tests/support/exchange_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/core/incoming.h"
#include "node/ledger/ledger.h"

/* --- the outside ------------------------------------------------------------------------------ */

static bool bus_send(void *self, const struct id *partner, struct span message)
{
    (void)self, (void)partner, (void)message;
    return true;
}

static void bus_live(void *self, const char *topic, struct span payload)
{
    (void)self, (void)topic, (void)payload;
}

static uint64_t now(void *self)
{
    return ((struct exchange_fixture *)self)->now;
}

/* No two salts are the same. */
static void fill(void *self, void *out, size_t size)
{
    static uint8_t next;

    (void)self;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)out)[i] = next++;
}

static void changed(void *self, const struct id *feed)
{
    (void)feed;
    ((struct exchange_fixture *)self)->changed++;
}

/* --- its life --------------------------------------------------------------------------------- */

void exchange_fixture_init(struct exchange_fixture *f)
{
    *f = (struct exchange_fixture){.now = INSTITUTION_START_MS};
    institution_init(&f->own, 1);
    institution_certify(&f->own, false, &f->genesis);
    assert_int_equal(ledger_memory_create(&f->store, NULL), ERROR_NONE);
    f->real = f->store.operations;
    f->operations = *f->real;
    f->store.operations = &f->operations;
    assert_int_equal(keyring_create(&f->keyring, NULL), ERROR_NONE);
    assert_int_equal(policy_create(&f->own.chain.feed, &f->policy, NULL), ERROR_NONE);
    f->config = (struct exchange_config){
        .network = INSTITUTION_NETWORK,
        .feed = f->own.chain.feed,
        .handle = "th-own",
        .node_key = f->own.node,
        .chain = &f->own.chain,
        .genesis = buffer_span(&f->genesis),
        .store = f->store,
        .bus = {f, bus_send, bus_live},
        .clock = {f, now, now},
        .random = {f, fill},
        .keyring = f->keyring,
        .policy = f->policy,
        .self = f,
        .partner_changed = changed,
    };
}

void exchange_fixture_finish(struct exchange_fixture *f)
{
    exchange_destroy(f->exchange);
    f->store.operations->destroy(f->store.self);
    keyring_destroy(f->keyring);
    policy_destroy(f->policy);
    institution_finish(&f->own);
    buffer_finish(&f->genesis);
}

void exchange_fixture_start(struct exchange_fixture *f)
{
    exchange_destroy(f->exchange);
    f->exchange = NULL;
    assert_int_equal(exchange_create(&f->config, &f->exchange, NULL), ERROR_NONE);
}

void exchange_fixture_begin(struct exchange_fixture *f)
{
    assert_int_equal(exchange_begin(f->exchange, NULL), ERROR_NONE);
}

void exchange_fixture_commit(struct exchange_fixture *f)
{
    assert_int_equal(exchange_commit(f->exchange, NULL), ERROR_NONE);
}

/* --- what happens to it ----------------------------------------------------------------------- */

int exchange_fixture_accept(struct exchange_fixture *f, const struct identity_chain *chain,
                            const char *handle)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    struct card card = {
        .profile = &profile, .endpoints = &endpoints, .chain = *chain, .created_ms = 1};
    int code;

    profile.handle = (char *)(uintptr_t)handle;
    exchange_fixture_begin(f);
    code = exchange_partner_add(f->exchange, &card, true, &f->error);
    exchange_fixture_commit(f);
    return code;
}

void exchange_fixture_hear(struct exchange_fixture *f, const struct id *partner, const char *topic,
                           struct buffer *bytes)
{
    struct incoming *incoming =
        incoming_create(partner, topic, bytes, INSTITUTION_NETWORK, f->keyring);

    assert_non_null(incoming);
    exchange_fixture_begin(f);
    exchange_incoming(f->exchange, incoming);
    exchange_fixture_commit(f);
    incoming_destroy(incoming);
}

static int count_one(void *context, const struct store_quarantined *quarantined)
{
    (void)quarantined;
    ++*(size_t *)context;
    return 0;
}

size_t exchange_fixture_quarantined(const struct exchange_fixture *f, const struct id *feed)
{
    size_t count = 0;

    assert_int_equal(f->store.operations->quarantined(f->store.self, feed, count_one, &count, NULL),
                     ERROR_NONE);
    return count;
}
