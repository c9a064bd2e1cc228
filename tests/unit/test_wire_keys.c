/* By which transport keys a partner counts, on a ledger in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.pb-c.h"
#include "tests/support/keys_world.h"

static const struct id *key_of(const struct keys_world *world, uint64_t number)
{
    return &identity_chain_get(&world->other.chain, number)->transport_key;
}

/* It counts by the keys of these certificates; 0: by no other one. */
static void assert_counts(struct keys_world *world, uint64_t newest, uint64_t former)
{
    struct id keys[2];
    size_t count = exchange_wire_keys(world->base.exchange, &world->other.chain.feed, keys);

    assert_int_equal(count, former ? 2 : 1);
    assert_true(id_equal(&keys[0], key_of(world, newest)));
    if (former)
        assert_true(id_equal(&keys[1], key_of(world, former)));
}

static void see(struct keys_world *world, uint64_t number)
{
    exchange_fixture_begin(&world->base);
    exchange_seen_key(world->base.exchange, &world->other.chain.feed, key_of(world, number));
    exchange_fixture_commit(&world->base);
}

/* A certificate after a theft, learned ahead. */
static void add_stolen(struct keys_world *world)
{
    const struct identity_chain *chain = &world->other.chain;
    struct secret *transport;
    struct buffer bytes = {0};
    struct identity_certificate_draft draft = {.network = INSTITUTION_NETWORK,
                                               .feed = &chain->feed,
                                               .number = chain->count + 1,
                                               .previous =
                                                   &identity_chain_get(chain, chain->count)->hash,
                                               .node_key = secret_public(world->other.node),
                                               .sealing_key = secret_public(world->other.sealing),
                                               .former_stolen = true};

    assert_int_equal(secret_generate(SECRET_TRANSPORT, &transport, NULL), ERROR_NONE);
    draft.transport_key = secret_public(transport);
    assert_int_equal(identity_certificate_build(&draft, world->other.root, &bytes, NULL),
                     ERROR_NONE);
    assert_int_equal(identity_chain_append(&world->other.chain, buffer_span(&bytes), NULL),
                     ERROR_NONE);
    buffer_finish(&bytes);
    secret_destroy(transport);
}

static void test_wire_keys__the_former_key_counts_until_the_newest_was_seen(void **state)
{
    struct keys_world *world = *state;
    struct id keys[2];

    assert_int_equal(exchange_wire_keys(world->base.exchange, &world->other.chain.feed, keys), 0);
    keys_world_add_partner(world);
    assert_counts(world, 1, 0);
    keys_world_certify(&world->other, NULL);
    keys_world_add_partner(world);
    assert_counts(world, 2, 1);
    see(world, 1);
    assert_counts(world, 2, 1);
    assert_int_equal(world->base.changed, 0);
    see(world, 2);
    assert_counts(world, 2, 0);
    assert_int_equal(world->base.changed, 1);
    see(world, 2);
    assert_int_equal(world->base.changed, 1);
    keys_world_certify(&world->other, NULL);
    keys_world_add_partner(world);
    assert_counts(world, 3, 2);
}

static void test_wire_keys__what_was_seen_is_known_after_a_restart(void **state)
{
    struct keys_world *world = *state;

    keys_world_certify(&world->other, NULL);
    keys_world_add_partner(world);
    see(world, 2);
    exchange_fixture_start(&world->base);
    keys_world_add_partner(world);
    assert_counts(world, 2, 0);
}

static void test_wire_keys__a_stolen_key_counts_for_nothing_at_once(void **state)
{
    struct keys_world *world = *state;

    keys_world_certify(&world->other, NULL);
    keys_world_add_partner(world);
    assert_counts(world, 2, 1);
    add_stolen(world);
    keys_world_add_partner(world);
    assert_counts(world, 3, 0);
}

/* Outside a transaction (the disk is full) nothing is written, and it is seen another time. */
static void test_wire_keys__without_a_transaction_nothing_is_kept(void **state)
{
    struct keys_world *world = *state;

    keys_world_certify(&world->other, NULL);
    keys_world_add_partner(world);
    exchange_seen_key(world->base.exchange, &world->other.chain.feed, key_of(world, 2));
    assert_counts(world, 2, 1);
}

static void test_wire_keys__our_certificates_are_shown_unasked(void **state)
{
    struct keys_world *world = *state;
    Caravan__SyncMessage *message;

    keys_world_add_partner(world);
    exchange_tell_certificates(world->base.exchange);
    assert_int_equal(world->sent.size, 0); /* not connected */
    exchange_fixture_begin(&world->base);
    exchange_link(world->base.exchange, &world->other.chain.feed, EXCHANGE_SYNC_OUT, true, "", "");
    exchange_fixture_commit(&world->base);
    exchange_tell_certificates(world->base.exchange);
    message = caravan__sync_message__unpack(NULL, world->sent.size, world->sent.data);
    assert_non_null(message);
    assert_int_equal(message->body_case, CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES);
    assert_int_equal(message->certificates->n_certificates, 1);
    assert_memory_equal(message->certificates->feed.data, world->base.own.chain.feed.bytes, 32);
    caravan__sync_message__free_unpacked(message, NULL);
    assert_int_equal(exchange_own_chain(world->base.exchange)->count, 1);
    assert_int_equal(exchange_own_certificate_seq(world->base.exchange, 1), 1);
    assert_int_equal(exchange_own_certificate_seq(world->base.exchange, 0), 0);
    assert_int_equal(exchange_own_certificate_seq(world->base.exchange, 2), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, keys_world_setup, keys_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_wire_keys__the_former_key_counts_until_the_newest_was_seen),
        TEST(test_wire_keys__what_was_seen_is_known_after_a_restart),
        TEST(test_wire_keys__a_stolen_key_counts_for_nothing_at_once),
        TEST(test_wire_keys__without_a_transaction_nothing_is_kept),
        TEST(test_wire_keys__our_certificates_are_shown_unasked),
    };
#undef TEST

    return cmocka_run_group_tests_name("wire_keys", tests, NULL, NULL);
}
