/* Operations of whole nodes: who has received what, and whether all is well. */
#include "tests/sim/ops_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/support/announcements.h"

#define MINUTE 60000u

static void test_ops_status__coverage_waits_until_partners_have_it(void **state)
{
    struct ops_world *world = *state;
    Caravan__CoverageRequest message = CARAVAN__COVERAGE_REQUEST__INIT;
    Caravan__CoverageReply *reply;
    int code;

    ops_world_publish(world, "Call", NULL);
    message.has_seq = 1;
    message.seq = 3;
    world->last_try = false;
    assert_null(ops_world_call_code(world, 0, "coverage", &message.base, &code));
    assert_int_equal(code, OPS_WAIT);
    world->last_try = true;
    reply = ops_world_call(world, 0, "coverage", &message.base);
    assert_false(reply->complete);
    assert_int_equal(reply->n_received_by, 1);
    assert_true(network_run(&world->network, MINUTE, ops_world_is_received, NULL));
    world->last_try = false;
    reply = ops_world_call(world, 0, "coverage", &message.base);
    assert_true(reply->complete);
    assert_int_equal(reply->received_by[0]->seq, 3);
    assert_true(reply->received_by[0]->current);
    message.seq = 4;
    ops_world_assert_refused(world, "coverage", &message.base, ERROR_NOT_FOUND, "ends at No. 3");
    assert_int_equal(ops_world_show(world, 0, "cn-one/3")->n_received_by, 1);
}

static const Caravan__Problem *find_problem(const Caravan__StatusReply *status, const char *part)
{
    for (size_t i = 0; i < status->n_problems; i++)
        if (strstr(status->problems[i]->what, part))
            return status->problems[i];
    return NULL;
}

static Caravan__StatusReply *status_of(struct ops_world *world)
{
    Caravan__Empty message = CARAVAN__EMPTY__INIT;

    return ops_world_call(world, 0, "status", &message.base);
}

static void test_ops_status__status_shows_an_exchange_that_works(void **state)
{
    struct ops_world *world = *state;
    Caravan__StatusReply *status;

    assert_true(network_run(&world->network, MINUTE, ops_world_is_received, NULL));
    status = status_of(world);
    assert_string_equal(status->publishing, "open");
    assert_string_equal(status->network, INSTITUTION_NETWORK);
    assert_int_equal(status->seq, 2);
    assert_int_equal(status->entries, 4);
    assert_int_equal(status->n_partners, 1);
    assert_true(status->partners[0]->exchanging);
    assert_int_equal(status->partners[0]->seq, 2);
    assert_true(status->partners[0]->received->current);
    assert_true(status->partners[0]->n_links > 0);
    if (status->n_problems)
        fail_msg("found the problem \"%s\", expected none", status->problems[0]->what);
}

/* Node 0 goes on behind No. 1, as after a theft. */
static void certify_anew(struct ops_world *world, struct institution *keys)
{
    struct exchange *exchange = world->network.nodes[0].exchange;
    const struct exchange_place place = {.after = 1};
    struct exchange_published out;
    struct buffer entries = {0};

    institution_init(keys, 1);
    institution_certify(keys, false, &entries);
    institution_certify(keys, false, &entries);
    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    assert_int_equal(exchange_certify(exchange, buffer_span(&keys->chain.encoded[1]), keys->node,
                                      &place, &out, NULL),
                     ERROR_NONE);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
    buffer_finish(&entries);
}

static void test_ops_status__status_counts_what_was_quarantined(void **state)
{
    struct ops_world *world = *state;
    Caravan__Empty request = CARAVAN__EMPTY__INIT;
    Caravan__StatusReply *status;
    struct institution keys;
    uint64_t before_ms;

    assert_true(network_run(&world->network, MINUTE, ops_world_is_received, NULL));
    before_ms = world->network.now_ms;
    certify_anew(world, &keys);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    status = status_of(world);
    assert_int_equal(status->quarantined, 1);
    assert_false(status->partners[0]->has_quarantined);
    status = ops_world_call(world, 1, "status", &request.base);
    assert_false(status->has_quarantined);
    assert_int_equal(status->partners[0]->quarantined, 1);
    /* The partner is told which, since when, and what it means. */
    assert_int_equal(status->partners[0]->quarantined_first, 2);
    assert_in_range(status->partners[0]->quarantined_ms, before_ms, world->network.now_ms);
    assert_int_equal(status->n_problems, 1);
    assert_non_null(strstr(status->problems[0]->what, "1 entry of "));
    assert_non_null(strstr(status->problems[0]->what, ", from No. 2 on, counts for nothing since"));
    network_stop(&world->network, 0); /* before the key that it borrows goes */
    institution_finish(&keys);
}

static void test_ops_status__status_says_what_is_wrong_and_what_to_do(void **state)
{
    struct ops_world *world = *state;
    Caravan__StatusReply *status;

    network_stop(&world->network, 1);
    network_sleep(&world->network, 1000);
    status = status_of(world);
    assert_false(status->partners[0]->exchanging);
    assert_non_null(find_problem(status, "connect"));
    assert_true(strlen(find_problem(status, "connect")->todo) > 10);
    network_remove_partner(&world->network, 0, 1);
    status = status_of(world);
    assert_int_equal(status->n_partners, 0);
    assert_non_null(find_problem(status, "no partner yet"));
}

static void test_ops_status__status_says_that_nothing_can_be_stored_until_it_can(void **state)
{
    struct ops_world *world = *state;
    struct store_fault *faults = &world->network.nodes[0].faults;
    Caravan__StatusReply *status;

    assert_true(network_run(&world->network, MINUTE, ops_world_is_received, NULL));
    faults->spares_begin = true;
    faults->per_mille = 1000;
    assert_true(network_publish(&world->network, 1, "Does not fit"));
    network_sleep(&world->network, 10000);
    status = status_of(world);
    assert_non_null(find_problem(status, "nothing new can be stored"));
    assert_false(find_problem(status, "nothing new can be stored")->warning);
    faults->per_mille = 0;
    network_sleep(&world->network, MINUTE);
    status = status_of(world);
    assert_null(find_problem(status, "nothing new can be stored"));
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_ops_status__##name, ops_world_setup, ops_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(coverage_waits_until_partners_have_it),
        TEST(status_shows_an_exchange_that_works),
        TEST(status_counts_what_was_quarantined),
        TEST(status_says_what_is_wrong_and_what_to_do),
        TEST(status_says_that_nothing_can_be_stored_until_it_can),
    };
    return cmocka_run_group_tests_name("ops_status", tests, NULL, NULL);
}
