/* A disk that fails, and processes that die, at any moment: what was acknowledged stays, memory
 * says what the store says, and the network becomes equal again. */
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

static void start_all(struct network *network)
{
    for (unsigned i = 0; i < network->count; i++)
        network_start(network, i, false, false);
    assert_true(network_run(network, MINUTE, network_is_open, NULL));
}

/* What an exchange says of every feed, and the keys that its checkers use, are those of the store.
 */
static void assert_memory_is_store(struct network *network, unsigned a)
{
    struct network_node *node = &network->nodes[a];

    for (unsigned b = 0; b < network->count; b++) {
        struct exchange_feed_state state;
        struct store_feed row = {0};
        const struct keyring_entry *keys;

        node->reader.operations->get_feed(node->reader.self, network_feed(network, b), &row, NULL);
        assert_non_null(network_state(network, a, b, &state));
        assert_int_equal(state.head.seq, row.head.seq);
        assert_int_equal(state.head.certificate, row.head.certificate);
        assert_memory_equal(&state.head.hash, &row.head.hash, sizeof row.head.hash);
        assert_int_equal(state.missing, row.missing);
        assert_int_equal(state.frozen, row.frozen);
        keys = keyring_take(node->keyring, network_feed(network, b));
        assert_non_null(keys);
        assert_int_equal(keys->number, row.head.certificate);
        keyring_release(node->keyring, keys);
    }
}

/* One life of two nodes: catch-up, publishing, describing oneself. Node 1's n-th write fails; false
 * when there was no n-th. */
static bool live_with_failure(unsigned long n)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    struct network network;
    struct buffer bytes = {0};
    bool failed;

    network_init(&network, 2, 100 + n);
    network_accept_all(&network);
    network_dial_all(&network);
    network.nodes[1].faults.fail_at = n;
    network_start(&network, 0, false, false);
    for (int i = 0; i < 300; i++)
        network_publish(&network, 0, "before the other one runs");
    network_start(&network, 1, false, false);
    profile.handle = (char *)(uintptr_t) "xx-self";
    profile.country = (char *)(uintptr_t) "XX";
    buffer_reserve(&bytes, protobuf_c_message_get_packed_size(&profile.base));
    bytes.size = protobuf_c_message_pack(&profile.base, bytes.data);
    assert_int_equal(
        exchange_describe(network.nodes[1].exchange, buffer_span(&bytes), span_of(NULL, 0), NULL),
        ERROR_NONE);
    for (int i = 0; i < 30; i++) {
        network_sleep(&network, 200);
        network_publish(&network, 0, "live");
        network_publish(&network, 1, "from the one whose disk fails");
        network_sleep(&network, 300);
        network_settle(&network);
        assert_memory_is_store(&network, 1);
    }
    failed = network.nodes[1].faults.failures > 0;
    if (!network_run(&network, 5 * MINUTE, network_is_equal, NULL))
        fail_msg("failure %lu: the nodes did not become equal", n);
    assert_memory_is_store(&network, 1);
    assert_true(network_holds(&network, 1, 0, NULL) >= 301);
    assert_true(network_holds(&network, 1, 1, NULL) >= network.nodes[1].acknowledged);
    /* It is described once, whichever write failed: entry 1, the profile, what was published. */
    network_sleep(&network, 5000);
    assert_int_equal(exchange_publishing(network.nodes[1].exchange), EXCHANGE_OPEN);
    assert_int_equal(network_count(&network, 1, 1, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE), 1);
    buffer_finish(&bytes);
    network_finish(&network);
    return failed;
}

static void test_faults__every_write_may_fail(void **state)
{
    unsigned long n = 1;

    (void)state;
    log_set_level(LOG_SILENT);
    while (n < 400 && live_with_failure(n))
        n += n < 60 ? 1 : 7;
    assert_true(n > 60);
}

/* A disk that stays full: the partner is not asked for the same again and again. */
static void test_faults__a_full_disk_does_not_pull_in_circles(void **state)
{
    struct network network;
    uint64_t before;

    (void)state;
    network_init(&network, 2, 7);
    network_accept_all(&network);
    network_dial_all(&network);
    start_all(&network);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_stop(&network, 1);
    for (int i = 0; i < 500; i++)
        assert_true(network_publish(&network, 0, "while it is away"));
    network_start(&network, 1, false, false);
    network.nodes[1].faults.per_mille = 1000;
    network.nodes[1].faults.spares_begin = true;
    before = network.delivered;
    network_sleep(&network, 10 * MINUTE);
    assert_int_equal(network_holds(&network, 1, 0, NULL), 1);
    /* Statements every 3 s and the hellos of ten minutes are about 600; pulls must add little. */
    assert_true(network.delivered - before < 1200);
    network.nodes[1].faults.per_mille = 0;
    assert_true(network_run(&network, 2 * MINUTE, network_is_equal, NULL));
    network_finish(&network);
}

/* Node 0's ledger is put back to its first entry, as by an old snapshot; node 1 holds 30 more. */
static void roll_back(struct network *network, bool suspect)
{
    network_init(network, 2, 8);
    network_accept_all(network);
    network_dial_all(network);
    start_all(network);
    for (int i = 0; i < 30; i++)
        assert_true(network_publish(network, 0, "before the snapshot came back"));
    assert_true(network_run(network, MINUTE, network_is_equal, NULL));
    network_stop(network, 0);
    network_new_store(network, 0);
    network_start(network, 0, suspect, false);
}

static bool is_checking(struct network *network, void *unused)
{
    (void)unused;
    return exchange_publishing(network->nodes[0].exchange) == EXCHANGE_CHECKING;
}

/* The disk works again, and somebody tries to publish all the time: it goes on behind what was
 * fetched back. */
static void assert_no_fork(struct network *network)
{
    struct exchange_feed_state state;

    for (unsigned i = 0; i < 2000 && !network_publish(network, 0, "as soon as it may"); i++)
        network_sleep(network, 100);
    assert_int_equal(network_holds(network, 0, 0, NULL), 32);
    assert_true(network_run(network, MINUTE, network_is_equal, NULL));
    for (unsigned a = 0; a < 2; a++) {
        assert_false(network_state(network, a, 0, &state)->frozen);
        assert_string_equal(network_state(network, 0, 1, &state)->trouble, "");
    }
}

static bool is_pulling(struct network *network, void *unused)
{
    (void)unused;
    return exchange_awaits(network->nodes[0].exchange);
}

/* Nothing can be written: from the start on; or what comes of our own feed is taken, and lost at
 * the commit. */
static void fill_disk(struct network *network, bool at_commit)
{
    struct store_fault *faults = &network->nodes[0].faults;

    if (at_commit) {
        assert_true(network_run(network, MINUTE, is_pulling, NULL));
        network_settle(network);
    }
    faults->spares_begin = true;
    faults->per_mille = at_commit ? 0 : 1000;
    faults->no_commit = at_commit;
}

static void empty_disk(struct network_node *node)
{
    node->faults.per_mille = 0;
    node->faults.no_commit = false;
}

/* What comes of our own feed cannot be written: that is not the word of the partner. */
static void test_faults__a_full_disk_opens_no_publishing_behind_our_own_feed(void **state)
{
    (void)state;
    log_set_level(LOG_SILENT);
    for (unsigned life = 0; life < 40; life++) {
        const unsigned seconds = 1 + life / 2 * 7;
        struct network network;

        roll_back(&network, false);
        fill_disk(&network, life % 2);
        assert_true(network_run(&network, MINUTE, is_checking, NULL));
        for (unsigned i = 0; i < 10 * seconds; i++) {
            network_sleep(&network, 100);
            network_settle(&network);
            assert_int_equal(exchange_publishing(network.nodes[0].exchange), EXCHANGE_CHECKING);
        }
        empty_disk(&network.nodes[0]);
        assert_no_fork(&network);
        network_finish(&network);
    }
}

/* No transaction begins, so what comes is thrown away. */
static void test_faults__a_shut_disk_opens_no_publishing_behind_our_own_feed(void **state)
{
    (void)state;
    log_set_level(LOG_SILENT);
    for (unsigned seconds = 1; seconds < 60; seconds += 4) {
        struct network network;

        roll_back(&network, false);
        assert_true(network_run(&network, MINUTE, is_checking, NULL));
        network_settle(&network);
        network.nodes[0].faults.shut = true;
        network_sleep(&network, seconds * 1000);
        assert_int_equal(exchange_publishing(network.nodes[0].exchange), EXCHANGE_CHECKING);
        network.nodes[0].faults.shut = false;
        assert_no_fork(&network);
        network_finish(&network);
    }
}

/* A restored ledger is confirmed by what was fetched back, not by what could not be kept. */
static void test_faults__a_full_disk_confirms_no_restored_ledger(void **state)
{
    struct network network;

    (void)state;
    log_set_level(LOG_SILENT);
    roll_back(&network, true);
    fill_disk(&network, true);
    for (unsigned i = 0; i < 2 * MINUTE / 100; i++) {
        network_sleep(&network, 100);
        network_settle(&network);
        assert_false(exchange_trusted(network.nodes[0].exchange));
    }
    empty_disk(&network.nodes[0]);
    assert_no_fork(&network);
    assert_true(exchange_trusted(network.nodes[0].exchange));
    network_finish(&network);
}

static uint64_t next(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

/* Kills at commits, failing writes, partitions and loss, in random order. */
static void chaos(uint64_t seed)
{
    struct network network;
    uint64_t random = seed * 991;
    uint64_t acknowledged[3] = {0};

    network_init(&network, 3, seed);
    network.live_loss = (unsigned)(seed % 50);
    network.latency_max_ms = (unsigned)(seed * 31 % 700);
    network_accept_all(&network);
    network_accept(&network, 1, 0, true);
    network_dial_all(&network);
    start_all(&network);
    for (unsigned i = 0; i < 3; i++) {
        network.nodes[i].faults.per_mille = (unsigned)(seed % 3) * 15;
        network.nodes[i].faults.random = seed + i;
    }
    for (int step = 0; step < 100; step++) {
        unsigned a = (unsigned)next(&random) % 3, b = (unsigned)next(&random) % 3;

        switch (next(&random) % 8) {
        case 0:
            if (a != b)
                network_cut(&network, a, b, !network.cut[a][b]);
            break;
        case 1:
            if (network.nodes[a].exchange)
                network_kill(&network, a, next(&random) % 2);
            else
                network_start(&network, a, false, false);
            break;
        default:
            network_publish(&network, a, "in the middle of it all");
            break;
        }
        network_sleep(&network, next(&random) % 400);
        for (unsigned i = 0; i < 3; i++)
            if (network.nodes[i].acknowledged > acknowledged[i])
                acknowledged[i] = network.nodes[i].acknowledged;
    }
    for (unsigned a = 0; a < 3; a++) {
        network.nodes[a].faults.per_mille = 0;
        network.nodes[a].kill = NETWORK_LIVES;
        for (unsigned b = 0; b < a; b++)
            network_cut(&network, a, b, false);
    }
    network_sleep(&network, 1);
    for (unsigned a = 0; a < 3; a++)
        if (!network.nodes[a].exchange)
            network_start(&network, a, false, false);
    if (!network_run(&network, 10 * MINUTE, network_is_equal, NULL))
        fail_msg("seed %llu: the nodes did not become equal", (unsigned long long)seed);
    network_settle(&network);
    for (unsigned a = 0; a < 3; a++) {
        assert_memory_is_store(&network, a);
        for (unsigned b = 0; b < 3; b++) {
            assert_true(network_holds(&network, a, b, NULL) >= acknowledged[b]);
            assert_false(network_state(&network, a, b, &(struct exchange_feed_state){0})->frozen);
        }
    }
    network_finish(&network);
}

static void test_faults__kills_and_failing_disks_lose_nothing_acknowledged(void **state)
{
    const uint64_t seeds = network_seeds(80);

    (void)state;
    log_set_level(LOG_SILENT);
    for (uint64_t n = 0; n < seeds; n++)
        chaos(network_seed_nth(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults__every_write_may_fail),
        cmocka_unit_test(test_faults__a_full_disk_does_not_pull_in_circles),
        cmocka_unit_test(test_faults__a_full_disk_opens_no_publishing_behind_our_own_feed),
        cmocka_unit_test(test_faults__a_shut_disk_opens_no_publishing_behind_our_own_feed),
        cmocka_unit_test(test_faults__a_full_disk_confirms_no_restored_ledger),
        cmocka_unit_test(test_faults__kills_and_failing_disks_lose_nothing_acknowledged),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
