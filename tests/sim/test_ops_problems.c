/* What is wrong, and what to do about it: each trouble gets its own sentence and its own advice. */
#include "node/ops/ops_problems.h"

#include "tests/sim/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60000u

/* A real exchange with one partner; the partner's state is made up by each test. */
struct world {
    struct network network;
    struct ops_context context;
    struct exchange_feed_state state;
    struct exchange_dialled dialled;
    struct arena arena;
    struct ops_problems problems;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    network_init(&world->network, 2, 3);
    world->network.group_commit = false; /* what was said is done at once */
    network_accept_all(&world->network);
    network_dial_all(&world->network);
    network_start(&world->network, 0, false, false);
    network_start(&world->network, 1, false, false);
    assert_true(network_run(&world->network, MINUTE, network_is_open, NULL));
    world->context.exchange = world->network.nodes[0].exchange;
    world->context.listen_sync = "tcp://0.0.0.0:7411";
    world->state.feed = world->network.nodes[1].institution.chain.feed;
    world->state.partner = world->state.exchanging = true;
    strcpy(world->state.handle, "th-two");
    arena_init(&world->arena, LIMIT_ARENA_SIZE);
    ops_problems_init(&world->problems, &world->arena);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    ops_problems_finish(&world->problems);
    arena_finish(&world->arena);
    network_finish(&world->network);
    free(world);
    return 0;
}

/* The partner tells where it can be reached. */
static void publish_endpoints(struct world *world)
{
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    char *live = "tcp://two.example:7410", *sync = "tcp://two.example:7411";
    uint8_t bytes[256];
    size_t size;

    endpoints.n_live = endpoints.n_sync = 1;
    endpoints.live = &live;
    endpoints.sync = &sync;
    size = caravan__endpoints__pack(&endpoints, bytes);
    network_publish_content(&world->network, 1, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS,
                            span_of(bytes, size));
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
}

/* One problem with the partner: what and todo hold these parts. */
static void assert_problem(struct world *world, const char *what, const char *todo, bool warning)
{
    const Caravan__Problem *problem;
    size_t before = world->problems.count;

    assert_true(
        ops_problems_partner(&world->problems, &world->state, &world->dialled, &world->context));
    assert_int_equal(world->problems.count, before + 1);
    problem = world->problems.items[before];
    if (!strstr(problem->what, what) || !strstr(problem->todo, todo))
        fail_msg("found \"%s\", \"%s\"; expected in them \"%s\", \"%s\"", problem->what,
                 problem->todo, what, todo);
    assert_int_equal(problem->warning, warning);
}

static void test_ops_problems__a_good_partner_has_none(void **state)
{
    struct world *world = *state;

    world->state.clock_known = true;
    world->state.clock_skew_ms = LIMIT_CLOCK_SKEW_MS;
    assert_true(
        ops_problems_partner(&world->problems, &world->state, &world->dialled, &world->context));
    assert_true(ops_problems_node(&world->problems, &world->context, EXCHANGE_OPEN, NULL, 1));
    assert_int_equal(world->problems.count, 0);
}

static const Caravan__Problem *tell_aside(struct world *world, uint64_t quarantined,
                                          const struct ops_aside *aside, uint64_t now_ms)
{
    size_t before = world->problems.count;

    world->state.quarantined = quarantined;
    assert_true(ops_problems_aside(&world->problems, &world->state, aside, now_ms));
    assert_in_range(world->problems.count, before, before + 1);
    return world->problems.count == before ? NULL : world->problems.items[before];
}

static void test_ops_problems__tell_of_entries_that_count_for_nothing(void **state)
{
    struct world *world = *state;
    struct ops_aside aside = {.first = 5, .since_ms = 1700000000000, .stolen = true};
    const Caravan__Problem *problem = tell_aside(world, 3, &aside, 1700000000000);

    assert_non_null(problem);
    assert_string_equal(problem->what,
                        "3 entries of th-two, from No. 5 on, count for nothing since 2023-11-14 "
                        "22:13 UTC: it says that the key that signed them was stolen");
    assert_string_equal(
        problem->todo, "whoever has read them and acted on them should ask th-two what holds; what "
                       "it publishes now does (this note goes away after 90 days)");
    assert_true(problem->warning);
    aside.stolen = false;
    problem = tell_aside(world, 1, &aside, 1700000000000 + OPS_ASIDE_TOLD_MS);
    assert_non_null(problem);
    assert_string_equal(problem->what,
                        "1 entry of th-two, from No. 5 on, counts for nothing since 2023-11-14 "
                        "22:13 UTC: its feed had two branches, and it goes on with the other one");
    assert_null(tell_aside(world, 1, &aside, 1700000000001 + OPS_ASIDE_TOLD_MS));
    aside.since_ms = 0; /* its certificate is on its way: the feed is disputed until then */
    assert_null(tell_aside(world, 1, &aside, 1700000000000));
    assert_null(tell_aside(world, 0, &(struct ops_aside){0}, 1700000000000));
}

static void test_ops_problems__two_that_only_dial_out_need_a_way(void **state)
{
    struct world *world = *state;

    world->state.exchanging = false;
    assert_problem(world, "it has no address of its own", "it connects to us", false);
    world->context.listen_sync = NULL;
    assert_problem(world, "outwards only", "relay", false);
    /* we have its entries: the partner of this world, once connected, could hand them on */
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    world->state.head.seq = 3;
    assert_true(
        ops_problems_partner(&world->problems, &world->state, &world->dialled, &world->context));
    assert_int_equal(world->problems.count, 2);
}

static void test_ops_problems__the_reason_decides_the_advice(void **state)
{
    struct world *world = *state;
    struct exchange_link_state *link = &world->state.links[EXCHANGE_SYNC_OUT];

    publish_endpoints(world);
    world->state.exchanging = false;
    strcpy(link->endpoint, "tcp://two.example:7411");
    strcpy(link->reason, "nobody answers there");
    assert_problem(world, "th-two at tcp://two.example:7411: nobody answers", "firewalls", false);
    strcpy(link->reason,
           "the partner refused our key: it has not accepted our card, or knows a newer one");
    assert_problem(world, "refused our key", "send them your card", false);
    strcpy(link->reason, "the handshake failed: the partner's card may be old");
    assert_problem(world, "card may be old", "newest card", false);
    strcpy(link->reason, "what answers there is not a node of this network");
    assert_problem(world, "not a node", "another program", false);
    link->up = true;
    assert_problem(world, "has not said yet", "wait a moment", true);
}

static void note_exchanging(void *context, const struct exchange_feed_state *state)
{
    bool *any = context;

    *any = *any || state->exchanging;
}

static bool nobody_exchanges(struct network *network, void *unused)
{
    bool any = false;

    (void)unused;
    exchange_feeds(network->nodes[0].exchange, note_exchanging, &any);
    return !any;
}

/* A partner that has confirmed our newest certificate has let us in before. */
static void test_ops_problems__a_refusal_by_who_let_us_in_before_means_old_keys(void **state)
{
    struct world *world = *state;
    const struct ops_context *context = &world->context;
    struct exchange_link_state *link = &world->state.links[EXCHANGE_SYNC_OUT];
    size_t count;

    publish_endpoints(world);
    world->state.exchanging = false;
    world->state.received_known = world->state.received_newest = true;
    strcpy(link->reason, "the partner refused our key: it has not accepted our card, or knows a "
                         "newer one");
    /* Others let us in: it is this partner that has changed something. */
    assert_problem(world, "refused our key", "whether they have removed our card", false);
    count = world->problems.count;
    assert_true(ops_problems_node(&world->problems, context, EXCHANGE_OPEN, NULL, 1));
    assert_int_equal(world->problems.count, count);
    /* Nobody does. */
    ops_problems_finish(&world->problems);
    ops_problems_init(&world->problems, &world->arena);
    network_cut(&world->network, 0, 1, true);
    assert_true(network_run(&world->network, MINUTE, nobody_exchanges, NULL));
    assert_problem(world, "refused our key", "said below", false);
    assert_true(ops_problems_node(&world->problems, context, EXCHANGE_HELD, NULL, 1));
    assert_int_equal(world->problems.count, 3);
    assert_non_null(
        strstr(world->problems.items[1]->what, "our keys are probably too old: 1 of 1"));
    assert_non_null(strstr(world->problems.items[1]->todo, "caravan import"));
    assert_null(strstr(world->problems.items[2]->todo, "--alone"));
}

static void test_ops_problems__names_forks_faults_and_gaps(void **state)
{
    struct world *world = *state;

    world->state.frozen = true;
    world->state.head.seq = 41;
    assert_problem(world, "disputed: after No. 41", "telephone", false);
    world->state.frozen = false;
    strcpy(world->state.trouble, "bad-signature at No. 7");
    assert_problem(world, "bad-signature at No. 7", "nothing wrong was stored", true);
    world->state.trouble[0] = '\0';
    world->state.missing = 3;
    assert_problem(world, "3 contents of th-two are missing", "asked of all partners", true);
    world->state.missing = 0;
    world->dialled.known = true;
    world->dialled.live_up = true;
    strcpy(world->dialled.text, "no route to host");
    assert_problem(world, "could not reach this node: no route to host", "public:", true);
    world->context.listen_sync = NULL; /* it is not meant to be reached */
    assert_true(
        ops_problems_partner(&world->problems, &world->state, &world->dialled, &world->context));
    assert_int_equal(world->problems.count, 4);
}

static void test_ops_problems__a_clock_that_differs_from_all_is_our_own(void **state)
{
    struct world *world = *state;

    world->state.clock_known = true;
    world->state.clock_skew_ms = -20 * 60 * 1000;
    assert_problem(world, "20 minutes behind ours", "NTP", true);
    assert_true(ops_problems_node(&world->problems, &world->context, EXCHANGE_OPEN, NULL, 1));
    assert_int_equal(world->problems.count, 1); /* of one partner alone nobody knows whose it is */
    world->state.clock_skew_ms = -21 * 60 * 1000;
    assert_problem(world, "21 minutes behind ours", "NTP", true);
    assert_true(ops_problems_node(&world->problems, &world->context, EXCHANGE_OPEN, NULL, 2));
    assert_int_equal(world->problems.count, 3);
    assert_non_null(strstr(world->problems.items[2]->what, "our own clock is wrong"));
}

static void test_ops_problems__publishing_that_waits_says_why(void **state)
{
    static const struct {
        enum exchange_publishing publishing;
        const char *what, *todo;
    } cases[] = {
        {EXCHANGE_CHECKING, "waits until partners", "10 seconds"},
        {EXCHANGE_HELD, "restored or copied", "--alone"},
        {EXCHANGE_FROZEN, "own feed is forked", "new certificate"},
        {EXCHANGE_REPLACED, "nothing that this node signs counts", "caravan key recover"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(
            ops_problems_node(&world->problems, &world->context, cases[i].publishing, NULL, 1));
        assert_int_equal(world->problems.count, i + 1);
        assert_non_null(strstr(world->problems.items[i]->what, cases[i].what));
        assert_non_null(strstr(world->problems.items[i]->todo, cases[i].todo));
    }
}

static void test_ops_problems__erased_bytes_that_stay_are_told(void **state)
{
    struct world *world = *state;
    struct store_info info = {0};

    assert_true(ops_problems_ledger(&world->problems, &info));
    assert_int_equal(world->problems.count, 0);
    info.unclean = true;
    assert_true(ops_problems_ledger(&world->problems, &info));
    assert_int_equal(world->problems.count, 1);
    assert_non_null(strstr(world->problems.items[0]->what, "what was erased"));
    assert_non_null(strstr(world->problems.items[0]->todo, "backup"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_ops_problems__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_good_partner_has_none),
        TEST(tell_of_entries_that_count_for_nothing),
        TEST(two_that_only_dial_out_need_a_way),
        TEST(the_reason_decides_the_advice),
        TEST(a_refusal_by_who_let_us_in_before_means_old_keys),
        TEST(names_forks_faults_and_gaps),
        TEST(a_clock_that_differs_from_all_is_our_own),
        TEST(publishing_that_waits_says_why),
        TEST(erased_bytes_that_stay_are_told),
    };
    return cmocka_run_group_tests_name("ops_problems", tests, NULL, NULL);
}
