/* The simulation itself: that a run repeats exactly, so that a seed which fails can be looked into.
 */
#include "tests/sim/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/log.h"
#include "tests/sim/hostile.h"

#define NODES 5
#define MINUTE 60000u

/* FNV-1a */
static void add(uint64_t *sum, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *sum = (*sum ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
}

/* All that is said, to whom, in which order. */
static bool note(void *context, unsigned from, unsigned to, const char *topic, struct buffer *bytes)
{
    add(context, &from, sizeof from);
    add(context, &to, sizeof to);
    if (topic)
        add(context, topic, 1);
    add(context, bytes->data, bytes->size);
    return true;
}

/* Five nodes that hand on each other's feeds, with losses, a partition and a restart. */
static uint64_t live(uint64_t seed)
{
    static struct network network;
    uint64_t sum = 0xcbf29ce484222325u;

    network_init(&network, NODES, seed);
    network.tamper = note;
    network.context = &sum;
    network.live_loss = 20;
    for (unsigned a = 0; a < NODES; a++)
        for (unsigned b = 0; b < NODES; b++)
            if (a != b)
                network_accept(&network, a, b, true);
    network_dial_all(&network);
    hostile_start_all(&network);
    network_cut(&network, 0, 1, true);
    for (unsigned a = 0; a < NODES; a++)
        hostile_publish_many(&network, a, 20);
    network_stop(&network, 2);
    network_sleep(&network, 1000);
    network_cut(&network, 0, 1, false);
    network_start(&network, 2, false, false);
    assert_true(network_run(&network, 5 * MINUTE, network_is_equal, NULL));
    network_finish(&network);
    return sum;
}

static void test_network__a_run_repeats_exactly(void **state)
{
    uint64_t first;

    (void)state;
    log_set_level(LOG_SILENT);
    first = live(1);
    assert_true(live(1) == first);
    assert_false(live(2) == first);
    assert_true(live(1) == first);
}

/* The keys of hash tables are part of that, and can be changed alone. */
static void test_network__the_map_seed_is_part_of_a_run(void **state)
{
    const char *found = getenv("CARAVAN_MAP_SEED");
    uint64_t other;

    (void)state;
    assert_int_equal(setenv("CARAVAN_MAP_SEED", "17", 1), 0);
    other = live(1);
    assert_true(live(1) == other);
    assert_int_equal(setenv("CARAVAN_MAP_SEED", "18", 1), 0);
    assert_false(live(1) == other);
    if (found)
        assert_int_equal(setenv("CARAVAN_MAP_SEED", found, 1), 0);
    else
        assert_int_equal(unsetenv("CARAVAN_MAP_SEED"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network__a_run_repeats_exactly),
        cmocka_unit_test(test_network__the_map_seed_is_part_of_a_run),
    };

    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
