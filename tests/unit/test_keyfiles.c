/* Rotating the keys of a home that init made: every step, and a kill between any two of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/config/home.h"
#include "node/config/home_new.h"
#include "node/config/own.h"
#include "tests/support/crash.h"
#include "tests/support/fault.h"

#define NETWORK "test"

struct world {
    char home[64];
    struct secret *root;
    struct identity_chain chain; /* grows with each rotation */
    struct id nodes[4], transports[4], sealings[4];
};

static void note_newest(struct world *world)
{
    const struct identity_certificate *newest =
        identity_chain_get(&world->chain, world->chain.count);

    world->nodes[newest->number] = newest->node_key;
    world->transports[newest->number] = newest->transport_key;
    world->sealings[newest->number] = newest->sealing_key;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const struct home_new input = {.network = NETWORK,
                                   .title = "Test (th-test)",
                                   .yaml = span_of_text("network: test\n"),
                                   .now_ms = 1700000000000};
    char path[HOME_PATH_SIZE];
    struct id feed;

    strcpy(world->home, "/tmp/caravan-keys-XXXXXX");
    assert_non_null(mkdtemp(world->home));
    assert_int_equal(secret_start(NULL), 0);
    assert_int_equal(home_new(world->home, &input, &feed, NULL), 0);
    assert_int_equal(home_path(world->home, HOME_ROOT_KEY, path, NULL), 0);
    assert_int_equal(secret_load(path, SECRET_ROOT, &world->root, NULL), 0);
    assert_int_equal(own_load_chain(world->home, NETWORK, &world->chain, NULL), 0);
    note_newest(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char command[128];
    int code;

    snprintf(command, sizeof command, "rm -rf '%s'", world->home);
    code = system(command);
    secret_destroy(world->root);
    identity_chain_finish(&world->chain);
    free(world);
    return code;
}

/* What `caravan key rotate` does: new keys in keys/next, and a certificate, here added to the
 * chain as if it were in force. */
static void stage(struct world *world, bool stolen)
{
    const struct identity_certificate *last = identity_chain_get(&world->chain, world->chain.count);
    struct keyfiles keys;
    struct buffer bytes = {0};
    struct identity_certificate_draft draft = {.network = NETWORK,
                                               .feed = &world->chain.feed,
                                               .number = last->number + 1,
                                               .previous = &last->hash,
                                               .former_stolen = stolen,
                                               .created_ms = 1700000000001};

    assert_int_equal(keyfiles_make(&keys, NULL), 0);
    assert_int_equal(keyfiles_stage(world->home, &keys, NULL), 0);
    draft.node_key = secret_public(keys.node);
    draft.transport_key = secret_public(keys.transport);
    draft.sealing_key = secret_public(keys.sealing);
    assert_int_equal(identity_certificate_build(&draft, world->root, &bytes, NULL), 0);
    assert_int_equal(identity_chain_append(&world->chain, buffer_span(&bytes), NULL), 0);
    note_newest(world);
    buffer_finish(&bytes);
    keyfiles_finish(&keys);
}

static int take(struct world *world, struct error *error)
{
    struct keyfiles keys;
    int code = keyfiles_take(world->home, identity_chain_get(&world->chain, world->chain.count),
                             &keys, error);

    keyfiles_finish(&keys);
    return code;
}

static void rotate(struct world *world, bool stolen)
{
    stage(world, stolen);
    assert_int_equal(take(world, NULL), 0);
    assert_int_equal(keyfiles_settle(world->home, &world->chain, NULL), 0);
}

static bool has(const struct world *world, const char *name)
{
    char path[HOME_PATH_SIZE];

    assert_int_equal(home_path(world->home, name, path, NULL), 0);
    return access(path, F_OK) == 0;
}

static void assert_holds(const struct world *world, const char *name, enum secret_kind kind,
                         const struct id *expected)
{
    char path[HOME_PATH_SIZE];
    struct secret *secret = NULL;

    assert_int_equal(home_path(world->home, name, path, NULL), 0);
    assert_int_equal(secret_load(path, kind, &secret, NULL), 0);
    assert_true(id_equal(secret_public(secret), expected));
    secret_destroy(secret);
}

static void assert_loads(const struct world *world, uint64_t number)
{
    struct error error = {0};
    struct own own;

    if (own_load(world->home, NETWORK, &own, &error))
        fail_msg("%s", error.text);
    assert_int_equal(own.chain.count, number);
    assert_true(id_equal(secret_public(own.node), &world->nodes[number]));
    assert_true(id_equal(secret_public(own.transport), &world->transports[number]));
    assert_true(id_equal(secret_public(own.sealing), &world->sealings[number]));
    own_finish(&own);
}

static void test_keyfiles__what_is_staged_changes_nothing(void **state)
{
    struct world *world = *state;
    char path[HOME_PATH_SIZE];
    struct stat status;

    stage(world, false);
    assert_loads(world, 1);
    assert_int_equal(home_path(world->home, "keys/next/node.key", path, NULL), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(keyfiles_unstage(world->home, NULL), 0);
    assert_false(has(world, KEYFILES_NEXT));
    assert_int_equal(keyfiles_unstage(world->home, NULL), 0);
}

static void test_keyfiles__a_rotation_keeps_what_is_needed(void **state)
{
    struct world *world = *state;
    struct own own;

    rotate(world, false);
    assert_holds(world, HOME_NODE_KEY, SECRET_NODE, &world->nodes[2]);
    assert_holds(world, HOME_TRANSPORT_KEY, SECRET_TRANSPORT, &world->transports[2]);
    assert_holds(world, HOME_SEALING_KEY, SECRET_SEALING, &world->sealings[2]);
    assert_holds(world, "keys/transport-1.key", SECRET_TRANSPORT, &world->transports[1]);
    assert_holds(world, "keys/sealing-1.key", SECRET_SEALING, &world->sealings[1]);
    assert_false(has(world, "keys/node-1.key"));
    assert_false(has(world, "keys/node-new.key"));
    assert_int_equal(own_load(world->home, NETWORK, &own, NULL), 0);
    assert_true(id_equal(secret_public(own.former_transport), &world->transports[1]));
    assert_int_equal(own.former_sealing.count, 1);
    own_finish(&own);
    rotate(world, false);
    assert_int_equal(own_load(world->home, NETWORK, &own, NULL), 0);
    assert_true(id_equal(secret_public(own.former_transport), &world->transports[2]));
    assert_int_equal(own.former_sealing.count, 2);
    own_finish(&own);
    assert_int_equal(keyfiles_retire(world->home, NULL), 0);
    assert_int_equal(own_load(world->home, NETWORK, &own, NULL), 0);
    assert_null(own.former_transport);
    assert_int_equal(own.former_sealing.count, 2);
    own_finish(&own);
}

static void test_keyfiles__after_a_theft_only_reading_is_left(void **state)
{
    struct world *world = *state;
    struct own own;

    rotate(world, false);
    rotate(world, true);
    assert_false(has(world, "keys/transport-1.key"));
    assert_false(has(world, "keys/transport-2.key"));
    assert_int_equal(own_load(world->home, NETWORK, &own, NULL), 0);
    assert_null(own.former_transport);
    assert_int_equal(own.former_sealing.count, 2);
    own_finish(&own);
}

/* Killed before the n-th change of settling, for each n. Until certificates is replaced the keys
 * are the former ones, then the new ones; and whoever starts can finish it. */
static void kill_each_step(struct world *world, bool stolen)
{
    uint64_t before = world->chain.count;
    bool dead = true;

    stage(world, stolen);
    assert_int_equal(take(world, NULL), 0);
    assert_loads(world, before);
    for (unsigned long n = 1; dead; n++) {
        struct own own;

        crash_arm(n);
        keyfiles_settle(world->home, &world->chain, NULL);
        dead = crash_disarm();
        assert_int_equal(own_load(world->home, NETWORK, &own, NULL), 0);
        assert_true(own.chain.count == before || own.chain.count == before + 1);
        assert_int_equal(own.former_sealing.count,
                         own.chain.count == before ? before : own.chain.count - 1);
        own_finish(&own);
        if (n > 1)
            assert_loads(world, before + 1);
        assert_true(n < 20);
    }
    assert_loads(world, before + 1);
    assert_false(has(world, "keys/node-new.key"));
    assert_false(has(world, "keys/sealing-new.key"));
    assert_false(has(world, "keys/transport-new.key"));
}

static void test_keyfiles__can_be_killed_at_any_step(void **state)
{
    struct world *world = *state;

    kill_each_step(world, false);
    assert_true(has(world, "keys/transport-1.key"));
    kill_each_step(world, true);
    assert_false(has(world, "keys/transport-1.key"));
}

/* What was taken over and never came into force: the next start removes it, the next one to be
 * made goes its way. */
static void test_keyfiles__a_take_over_that_was_killed_leaves_the_old_keys(void **state)
{
    struct world *world = *state;

    for (unsigned long n = 1; n <= 3; n++) {
        struct identity_chain old = {0};

        stage(world, false);
        crash_arm(n);
        assert_int_not_equal(take(world, NULL), 0);
        assert_true(crash_disarm());
        identity_chain_finish(&world->chain);
        assert_int_equal(own_load_chain(world->home, NETWORK, &old, NULL), 0);
        world->chain = old;
        assert_loads(world, 1);
        assert_int_equal(keyfiles_settle(world->home, &world->chain, NULL), 0);
        assert_false(has(world, "keys/node-new.key"));
        assert_loads(world, 1);
    }
    rotate(world, false);
    assert_loads(world, 2);
}

static void test_keyfiles__takes_over_only_what_the_certificate_names(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    struct keyfiles others;

    stage(world, false);
    assert_int_equal(keyfiles_make(&others, NULL), 0);
    assert_int_equal(keyfiles_stage(world->home, &others, NULL), 0);
    keyfiles_finish(&others);
    assert_int_equal(take(world, &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "keys/next/node.key"));
    assert_loads(world, 1);
    assert_int_equal(keyfiles_unstage(world->home, NULL), 0);
    assert_int_equal(take(world, &error), ERROR_NOT_FOUND);
}

static void test_keyfiles__settling_needs_the_keys(void **state)
{
    struct world *world = *state;
    struct error error = {0};

    stage(world, false);
    assert_int_equal(keyfiles_settle(world->home, &world->chain, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "keys/node.key"));
    assert_loads(world, 1);
}

static void test_keyfiles__a_damaged_former_key_is_named(void **state)
{
    struct world *world = *state;
    char path[HOME_PATH_SIZE];
    struct error error = {0};
    struct own own;

    rotate(world, false);
    assert_int_equal(home_path(world->home, "keys/sealing-1.key", path, NULL), 0);
    assert_int_equal(home_write(path, 0600, span_of_text("caravan-key 1\n"), NULL), 0);
    assert_int_equal(own_load(world->home, NETWORK, &own, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.text, "sealing-1.key"));
}

static void test_keyfiles__survives_want_of_memory(void **state)
{
    struct world *world = *state;
    bool failed = true;

    rotate(world, false);
    for (unsigned long n = 1; failed; n++) {
        struct error error = {0};
        struct own own;
        int code;

        fault_arm(n);
        code = own_load(world->home, NETWORK, &own, &error);
        failed = fault_disarm();
        if (!code)
            own_finish(&own);
        else
            assert_int_equal(error.code, ERROR_MEMORY);
        assert_true(failed || !code);
    }
    stage(world, false);
    assert_int_equal(take(world, NULL), 0);
    for (unsigned long n = 1; failed || n == 1; n++) {
        fault_arm(n);
        keyfiles_settle(world->home, &world->chain, NULL);
        failed = fault_disarm();
    }
    assert_loads(world, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_keyfiles__what_is_staged_changes_nothing),
        TEST(test_keyfiles__a_rotation_keeps_what_is_needed),
        TEST(test_keyfiles__after_a_theft_only_reading_is_left),
        TEST(test_keyfiles__can_be_killed_at_any_step),
        TEST(test_keyfiles__a_take_over_that_was_killed_leaves_the_old_keys),
        TEST(test_keyfiles__takes_over_only_what_the_certificate_names),
        TEST(test_keyfiles__settling_needs_the_keys),
        TEST(test_keyfiles__a_damaged_former_key_is_named),
        TEST(test_keyfiles__survives_want_of_memory),
    };
#undef TEST

    return cmocka_run_group_tests_name("keyfiles", tests, NULL, NULL);
}
