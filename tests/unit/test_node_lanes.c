#include "node/node_lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "tests/support/fault.h"

static const struct id alice = {{1}}, bob = {{2}};

static size_t discarded;

static void discard(void *item)
{
    (void)item;
    discarded++;
}

static struct node_lanes *make(size_t each, size_t all)
{
    struct node_lanes *lanes = node_lanes_create((struct node_lanes_room){each, 100 * each},
                                                 (struct node_lanes_room){all, 100 * all});

    assert_non_null(lanes);
    return lanes;
}

static enum node_lanes_taken try(struct node_lanes *lanes, const struct id *peer, const char *item)
{
    return node_lanes_try_push(lanes, peer, (void *)(uintptr_t)item, 1);
}

static void push(struct node_lanes *lanes, const struct id *peer, const char *item)
{
    assert_int_equal(try(lanes, peer, item), NODE_LANES_TAKEN);
}

static void expect(struct node_lanes *lanes, const char *item)
{
    const char *found = node_lanes_pop(lanes, 0);

    assert_non_null(found);
    assert_string_equal(found, item);
}

static void test_node_lanes__take_turns_and_keep_their_order(void **state)
{
    struct node_lanes *lanes = make(8, 16);

    (void)state;
    push(lanes, &alice, "a1");
    push(lanes, &alice, "a2");
    push(lanes, &alice, "a3");
    push(lanes, &bob, "b1");
    push(lanes, NULL, "own");
    expect(lanes, "a1");
    expect(lanes, "b1");
    push(lanes, &bob, "b2"); /* new again: behind those that wait */
    expect(lanes, "own");
    expect(lanes, "a2");
    expect(lanes, "b2");
    expect(lanes, "a3");
    assert_null(node_lanes_pop(lanes, 0));
    node_lanes_destroy(lanes, discard);
}

static void test_node_lanes__a_flood_fills_its_own_lane_only(void **state)
{
    struct node_lanes *lanes = make(3, 16);

    (void)state;
    for (int i = 0; i < 3; i++)
        push(lanes, &alice, "flood");
    assert_int_equal(try(lanes, &alice, "more"), NODE_LANES_NEVER);
    assert_false(node_lanes_take_relief(lanes)); /* nobody is to offer it again */
    push(lanes, &bob, "b1");
    expect(lanes, "flood");
    push(lanes, &alice, "again");
    discarded = 0;
    node_lanes_destroy(lanes, discard);
    assert_int_equal(discarded, 4);
}

static void test_node_lanes__bytes_are_bounded_but_one_item_always_fits(void **state)
{
    struct node_lanes *lanes = make(3, 4);
    char item;

    (void)state;
    assert_int_equal(node_lanes_try_push(lanes, &alice, &item, 300), NODE_LANES_TAKEN);
    assert_int_equal(node_lanes_try_push(lanes, &alice, &item, 1), NODE_LANES_NEVER);
    assert_int_equal(node_lanes_try_push(lanes, &bob, &item, 101), NODE_LANES_LATER);
    assert_ptr_equal(node_lanes_pop(lanes, 0), &item);
    assert_int_equal(node_lanes_try_push(lanes, &bob, &item, 1000), NODE_LANES_TAKEN);
    node_lanes_destroy(lanes, discard);
}

static void test_node_lanes__the_owner_has_room_when_peers_have_filled_all(void **state)
{
    struct node_lanes *lanes = make(2, 2);

    (void)state;
    push(lanes, &alice, "a1");
    push(lanes, &bob, "b1");
    assert_int_equal(try(lanes, &bob, "b2"), NODE_LANES_LATER);
    push(lanes, NULL, "own 1");
    push(lanes, NULL, "own 2");
    assert_int_equal(try(lanes, NULL, "own 3"), NODE_LANES_NEVER);
    assert_false(node_lanes_take_relief(lanes));
    expect(lanes, "a1");
    assert_false(node_lanes_take_relief(lanes)); /* the owner's lane is still full */
    expect(lanes, "b1");
    expect(lanes, "own 1");
    assert_true(node_lanes_take_relief(lanes));
    assert_false(node_lanes_take_relief(lanes)); /* once */
    expect(lanes, "own 2");
    node_lanes_destroy(lanes, discard);
}

/* More than its lane's limit, since what its clients have sent is to be answered; not without end.
 */
static void test_node_lanes__push_refuses_the_owner_where_all_would_be_full(void **state)
{
    struct node_lanes *lanes = make(1, 3);
    char item[] = "own";

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(node_lanes_push(lanes, NULL, item, 1));
    assert_false(node_lanes_push(lanes, NULL, item, 1));
    expect(lanes, "own");
    assert_true(node_lanes_push(lanes, NULL, item, 1));
    node_lanes_destroy(lanes, discard);
}

/* However much comes of what may be lost, what was asked for has its room; in order, too. */
static void test_node_lanes__spare_items_have_half_a_lane_of_their_own(void **state)
{
    struct node_lanes *lanes = make(4, 16);
    char spare[] = "spare", bulk[] = "bulk";

    (void)state;
    assert_true(node_lanes_try_spare(lanes, &alice, spare, 1));
    push(lanes, &alice, "a1");
    assert_true(node_lanes_try_spare(lanes, &alice, spare, 1));
    assert_false(node_lanes_try_spare(lanes, &alice, spare, 1));
    for (int i = 0; i < 3; i++)
        push(lanes, &alice, "answer");
    assert_int_equal(try(lanes, &alice, "more"), NODE_LANES_NEVER);
    expect(lanes, "spare");
    assert_int_equal(try(lanes, &alice, "more"), NODE_LANES_NEVER);
    assert_true(node_lanes_try_spare(lanes, &alice, bulk, 199));
    assert_false(node_lanes_try_spare(lanes, &alice, bulk, 1));
    expect(lanes, "a1");
    expect(lanes, "spare");
    assert_false(node_lanes_try_spare(lanes, &alice, bulk, 2)); /* bytes: 199 of 200 */
    assert_true(node_lanes_try_spare(lanes, &alice, bulk, 1));
    node_lanes_destroy(lanes, discard);
}

/* As many partners as fill all with what came on live: what was asked for still has its room. */
static void test_node_lanes__spare_items_of_all_have_half_of_their_own(void **state)
{
    struct node_lanes *lanes = make(4, 4);
    char spare[] = "spare";

    (void)state;
    assert_true(node_lanes_try_spare(lanes, &alice, spare, 1));
    assert_true(node_lanes_try_spare(lanes, &bob, spare, 1));
    assert_false(node_lanes_try_spare(lanes, &bob, spare, 1));
    for (int i = 0; i < 2; i++) {
        push(lanes, &alice, "a");
        push(lanes, &bob, "b");
    }
    assert_int_equal(try(lanes, &bob, "more"), NODE_LANES_LATER);
    expect(lanes, "spare");
    assert_false(node_lanes_take_relief(lanes)); /* that made no room for what was refused */
    expect(lanes, "spare");
    assert_int_equal(try(lanes, &bob, "more"), NODE_LANES_LATER);
    assert_true(node_lanes_try_spare(lanes, &bob, spare, 1));
    node_lanes_close(lanes);
    assert_false(node_lanes_try_spare(lanes, &alice, spare, 1));
    node_lanes_destroy(lanes, discard);
}

#define KIB ((size_t)1024)

/* A partner that sends a lot at once gets no more done than one that sends little: for a run of 384
 * KiB 24 small ones of another go. */
static void test_node_lanes__big_items_take_as_many_turns_as_they_are_worth(void **state)
{
    struct node_lanes *lanes = node_lanes_create((struct node_lanes_room){1000, 4096 * KIB},
                                                 (struct node_lanes_room){4000, 16384 * KIB});
    char big[] = "big", small[] = "small";
    size_t smalls = 0, bigs = 0;

    (void)state;
    assert_non_null(lanes);
    for (int i = 0; i < 4; i++)
        assert_int_equal(node_lanes_try_push(lanes, &alice, big, 384 * KIB), NODE_LANES_TAKEN);
    for (int i = 0; i < 200; i++)
        assert_int_equal(node_lanes_try_push(lanes, &bob, small, 1500), NODE_LANES_TAKEN);
    while (bigs < 4) {
        const void *item = node_lanes_pop(lanes, 0);

        assert_non_null(item);
        bigs += item == big;
        smalls += item == small;
        if (item == big)
            assert_in_range(smalls, 24 * bigs - 1, 24 * bigs);
    }
    node_lanes_destroy(lanes, discard);
}

/* Alone, or beside others that send little, a big one waits for nobody else. */
static void test_node_lanes__big_items_come_at_once_when_nobody_else_waits(void **state)
{
    struct node_lanes *lanes = node_lanes_create((struct node_lanes_room){1000, 4096 * KIB},
                                                 (struct node_lanes_room){4000, 16384 * KIB});
    char big[] = "big", small[] = "small";

    (void)state;
    assert_non_null(lanes);
    for (int i = 0; i < 3; i++)
        assert_int_equal(node_lanes_try_push(lanes, &alice, big, 1024 * KIB), NODE_LANES_TAKEN);
    assert_int_equal(node_lanes_try_push(lanes, &bob, small, 1), NODE_LANES_TAKEN);
    assert_ptr_equal(node_lanes_pop(lanes, 0), small);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(node_lanes_pop(lanes, 0), big);
    assert_null(node_lanes_pop(lanes, 0));
    node_lanes_destroy(lanes, discard);
}

static void *pop(void *lanes)
{
    return node_lanes_pop(lanes, 60000);
}

static void *push_waiting(void *lanes)
{
    return node_lanes_push(lanes, &alice, lanes, 1) ? lanes : NULL;
}

static void test_node_lanes__push_waits_for_room_and_passes_the_lanes_limit(void **state)
{
    struct node_lanes *lanes = make(1, 2);
    pthread_t thread;
    void *done;

    (void)state;
    push(lanes, &alice, "a1");
    assert_non_null(push_waiting(lanes)); /* the lane is full */
    assert_int_equal(pthread_create(&thread, NULL, push_waiting, lanes), 0);
    expect(lanes, "a1");
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_ptr_equal(done, lanes);
    assert_int_equal(pthread_create(&thread, NULL, push_waiting, lanes), 0);
    node_lanes_close(lanes);
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_null(done);
    node_lanes_destroy(lanes, discard);
}

static void test_node_lanes__a_waiting_pop_gets_what_comes_or_the_end(void **state)
{
    struct node_lanes *lanes = make(2, 2);
    pthread_t thread;
    void *found;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, pop, lanes), 0);
    assert_non_null(push_waiting(lanes));
    assert_int_equal(pthread_join(thread, &found), 0);
    assert_ptr_equal(found, lanes);
    push(lanes, &bob, "b1");
    node_lanes_close(lanes);
    assert_true(node_lanes_is_closed(lanes));
    assert_int_equal(try(lanes, &bob, "b2"), NODE_LANES_LATER);
    assert_non_null(node_lanes_pop(lanes, 60000));
    assert_null(node_lanes_pop(lanes, 60000)); /* does not wait */
    node_lanes_destroy(lanes, discard);
}

static void test_node_lanes__without_memory_the_item_stays_the_callers(void **state)
{
    unsigned long failures = 0;
    bool done = false;

    (void)state;
    while (!done) {
        struct node_lanes *lanes = make(2, 2);
        char item;

        fault_arm(failures + 1);
        done = node_lanes_try_push(lanes, &alice, &item, 1) == NODE_LANES_TAKEN;
        fault_disarm();
        failures += !done;
        assert_int_equal(node_lanes_pop(lanes, 0) == &item, done);
        node_lanes_destroy(lanes, discard);
    }
    assert_true(failures >= 3); /* the item's place, the lane, the map */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_lanes__take_turns_and_keep_their_order),
        cmocka_unit_test(test_node_lanes__a_flood_fills_its_own_lane_only),
        cmocka_unit_test(test_node_lanes__bytes_are_bounded_but_one_item_always_fits),
        cmocka_unit_test(test_node_lanes__the_owner_has_room_when_peers_have_filled_all),
        cmocka_unit_test(test_node_lanes__spare_items_have_half_a_lane_of_their_own),
        cmocka_unit_test(test_node_lanes__spare_items_of_all_have_half_of_their_own),
        cmocka_unit_test(test_node_lanes__big_items_take_as_many_turns_as_they_are_worth),
        cmocka_unit_test(test_node_lanes__big_items_come_at_once_when_nobody_else_waits),
        cmocka_unit_test(test_node_lanes__push_refuses_the_owner_where_all_would_be_full),
        cmocka_unit_test(test_node_lanes__push_waits_for_room_and_passes_the_lanes_limit),
        cmocka_unit_test(test_node_lanes__a_waiting_pop_gets_what_comes_or_the_end),
        cmocka_unit_test(test_node_lanes__without_memory_the_item_stays_the_callers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
