#include "tests/support/keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/ledger/ledger.h"

static uint64_t now(void *self)
{
    return ((struct keys_world *)self)->now_ms;
}

static bool bus_send(void *self, const struct id *partner, struct span message)
{
    struct keys_world *world = self;

    assert_true(id_equal(partner, &world->other.chain.feed));
    buffer_clear(&world->sent);
    return buffer_append(&world->sent, message.data, message.size);
}

static void bus_live(void *self, const char *topic, struct span payload)
{
    (void)self, (void)topic, (void)payload;
}

static void fill(void *self, void *out, size_t size)
{
    (void)self;
    memset(out, 7, size);
}

static void partner_changed(void *self, const struct id *feed)
{
    (void)feed;
    ((struct keys_world *)self)->changes++;
}

void keys_world_certify(struct institution *institution, struct buffer *out)
{
    struct buffer unused = {0};

    institution_certify(institution, false, out ? out : &unused);
    buffer_finish(&unused);
}

void keys_world_start(struct keys_world *world)
{
    const struct exchange_config config = {
        .network = INSTITUTION_NETWORK,
        .feed = world->own.chain.feed,
        .handle = "th-own",
        .node_key = world->own.node,
        .chain = &world->own.chain,
        .genesis = buffer_span(&world->genesis),
        .store = world->store,
        .bus = {world, bus_send, bus_live},
        .clock = {world, now, now},
        .random = {NULL, fill},
        .keyring = world->keyring,
        .policy = world->policy,
        .self = world,
        .partner_changed = partner_changed,
    };

    assert_int_equal(exchange_create(&config, &world->exchange, NULL), ERROR_NONE);
}

int keys_world_setup(void **state)
{
    struct keys_world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    log_set_level(LOG_SILENT);
    world->now_ms = INSTITUTION_START_MS;
    institution_init(&world->own, 1);
    institution_init(&world->other, 2);
    keys_world_certify(&world->own, &world->genesis);
    keys_world_certify(&world->other, NULL);
    assert_int_equal(ledger_memory_create(&world->store, NULL), ERROR_NONE);
    assert_int_equal(keyring_create(&world->keyring, NULL), ERROR_NONE);
    assert_int_equal(policy_create(&world->own.chain.feed, &world->policy, NULL), ERROR_NONE);
    keys_world_start(world);
    *state = world;
    return 0;
}

int keys_world_teardown(void **state)
{
    struct keys_world *world = *state;

    exchange_destroy(world->exchange);
    world->store.operations->destroy(world->store.self);
    policy_destroy(world->policy);
    keyring_destroy(world->keyring);
    institution_finish(&world->own);
    institution_finish(&world->other);
    buffer_finish(&world->genesis);
    buffer_finish(&world->sent);
    free(world);
    return 0;
}

void keys_world_add_partner(struct keys_world *world)
{
    Caravan__LocalizedText word = CARAVAN__LOCALIZED_TEXT__INIT, *words[] = {&word};
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    struct buffer armour = {0};
    struct card card = {0};

    word.lang = (char *)(uintptr_t) "en";
    word.text = (char *)(uintptr_t) "An institution";
    profile.handle = (char *)(uintptr_t) "th-other";
    profile.country = (char *)(uintptr_t) "TH";
    profile.n_name = 1;
    profile.name = words;
    assert_int_equal(card_write(&world->other.chain, &profile, NULL, ++world->now_ms,
                                world->other.node, &armour, NULL),
                     ERROR_NONE);
    assert_int_equal(card_read(buffer_span(&armour), INSTITUTION_NETWORK, &card, NULL), ERROR_NONE);
    assert_int_equal(exchange_begin(world->exchange, NULL), ERROR_NONE);
    assert_int_equal(exchange_partner_add(world->exchange, &card, false, NULL), ERROR_NONE);
    assert_int_equal(exchange_commit(world->exchange, NULL), ERROR_NONE);
    card_finish(&card);
    buffer_finish(&armour);
}
