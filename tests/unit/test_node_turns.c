#include "node/node_turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "common/limits.h"
#include "tests/support/fault.h"

static const struct id alice = {{1}}, bob = {{2}}, carol = {{3}};

static size_t discarded;

static void discard(void *item)
{
    (void)item;
    discarded++;
}

static void push(struct node_turns *turns, enum node_turn turn, const struct id *peer,
                 const char *item)
{
    assert_true(node_turns_push(turns, turn, peer, (void *)(uintptr_t)item, 1));
}

static void expect(struct node_turns *turns, const char *item)
{
    const char *found = node_turns_pop(turns, 0);

    assert_non_null(found);
    assert_string_equal(found, item);
}

static void test_node_turns__serves_each_peer_in_turn(void **state)
{
    struct node_turns *turns = node_turns_create();

    (void)state;
    push(turns, NODE_TURN_PARTNERS, &alice, "a1");
    push(turns, NODE_TURN_PARTNERS, &alice, "a2");
    push(turns, NODE_TURN_PARTNERS, &alice, "a3");
    push(turns, NODE_TURN_PARTNERS, &bob, "b1");
    push(turns, NODE_TURN_PARTNERS, &carol, "c1");
    push(turns, NODE_TURN_PARTNERS, &carol, "c2");
    expect(turns, "a1");
    expect(turns, "b1");
    expect(turns, "c1");
    push(turns, NODE_TURN_PARTNERS, &bob, "b2"); /* new again: behind those that wait */
    expect(turns, "a2");
    expect(turns, "c2");
    expect(turns, "b2");
    expect(turns, "a3");
    assert_null(node_turns_pop(turns, 0));
    node_turns_destroy(turns, discard);
}

static void test_node_turns__readers_do_not_hold_up_partners(void **state)
{
    struct node_turns *turns = node_turns_create();

    (void)state;
    for (uint8_t i = 0; i < 200; i++) {
        const struct id reader = {{9, i}};

        push(turns, NODE_TURN_READERS, &reader, "reader");
    }
    expect(turns, "reader");
    push(turns, NODE_TURN_PARTNERS, &alice, "a1");
    push(turns, NODE_TURN_PARTNERS, &alice, "a2");
    expect(turns, "a1");
    expect(turns, "reader");
    expect(turns, "a2");
    expect(turns, "reader");
    discarded = 0;
    node_turns_destroy(turns, discard);
    assert_int_equal(discarded, 197);
}

static void test_node_turns__bounds_what_one_peer_has_waiting(void **state)
{
    struct node_turns *turns = node_turns_create();
    char item;

    (void)state;
    for (int i = 0; i < LIMIT_REQUESTS_PER_PEER; i++)
        assert_true(node_turns_push(turns, NODE_TURN_PARTNERS, &alice, &item, 1));
    assert_false(node_turns_push(turns, NODE_TURN_PARTNERS, &alice, &item, 1));
    assert_true(node_turns_push(turns, NODE_TURN_PARTNERS, &bob, &item, 1));
    assert_ptr_equal(node_turns_pop(turns, 0), &item); /* one of alice's */
    assert_true(node_turns_push(turns, NODE_TURN_PARTNERS, &alice, &item, 1));
    assert_false(node_turns_push(turns, NODE_TURN_PARTNERS, &alice, &item, 1));
    node_turns_destroy(turns, discard);
}

static void test_node_turns__bounds_the_bytes_of_one_peer_and_of_all(void **state)
{
    const size_t most = LIMIT_REQUEST_BYTES_PER_PEER;
    struct node_turns *turns = node_turns_create();
    struct id peer = {{9}};
    size_t full = 0;
    char item;

    (void)state;
    assert_true(node_turns_push(turns, NODE_TURN_READERS, &alice, &item, most - 1));
    assert_false(node_turns_push(turns, NODE_TURN_READERS, &alice, &item, 2));
    assert_true(node_turns_push(turns, NODE_TURN_READERS, &alice, &item, 1));
    assert_ptr_equal(node_turns_pop(turns, 0), &item);
    assert_true(node_turns_push(turns, NODE_TURN_READERS, &alice, &item, most - 1));
    for (full = 1;; full++) {
        peer.bytes[1] = (uint8_t)full;
        assert_true(node_turns_push(turns, NODE_TURN_PARTNERS, &peer, &item, most - 1));
        if (!node_turns_push(turns, NODE_TURN_PARTNERS, &peer, &item, 1))
            break;
        assert_true(full < 255);
    }
    assert_int_equal(full, LIMIT_REQUEST_BYTES_TOTAL / most);
    assert_true(node_turns_push(turns, NODE_TURN_PARTNERS, &bob, &item, 1)); /* has nothing yet */
    assert_false(node_turns_push(turns, NODE_TURN_PARTNERS, &bob, &item, 1));
    while (node_turns_pop(turns, 0))
        ;
    assert_true(node_turns_push(turns, NODE_TURN_PARTNERS, &bob, &item, most - 1));
    assert_true(node_turns_push(turns, NODE_TURN_PARTNERS, &bob, &item, 1));
    node_turns_destroy(turns, discard);
}

static void test_node_turns__closed_refuses_pushes_and_empties(void **state)
{
    struct node_turns *turns = node_turns_create();
    char item;

    (void)state;
    assert_true(node_turns_push(turns, NODE_TURN_READERS, &alice, &item, 1));
    node_turns_close(turns);
    assert_true(node_turns_is_closed(turns));
    assert_false(node_turns_push(turns, NODE_TURN_READERS, &alice, &item, 1));
    assert_ptr_equal(node_turns_pop(turns, 60000), &item);
    assert_null(node_turns_pop(turns, 60000)); /* does not wait */
    node_turns_destroy(turns, discard);
}

static void *pop(void *turns)
{
    return node_turns_pop(turns, 60000);
}

static void test_node_turns__a_waiting_pop_gets_what_comes_or_the_end(void **state)
{
    struct node_turns *turns = node_turns_create();
    pthread_t thread;
    void *found;
    char item;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, pop, turns), 0);
    assert_true(node_turns_push(turns, NODE_TURN_READERS, &alice, &item, 1));
    assert_int_equal(pthread_join(thread, &found), 0);
    assert_ptr_equal(found, &item);
    assert_int_equal(pthread_create(&thread, NULL, pop, turns), 0);
    node_turns_close(turns);
    assert_int_equal(pthread_join(thread, &found), 0);
    assert_null(found);
    node_turns_destroy(turns, discard);
}

static void test_node_turns__without_memory_the_item_stays_the_callers(void **state)
{
    unsigned long failures = 0;
    bool done = false;

    (void)state;
    while (!done) {
        struct node_turns *turns = node_turns_create();
        char item;

        fault_arm(failures + 1);
        done = node_turns_push(turns, NODE_TURN_PARTNERS, &alice, &item, 1);
        fault_disarm();
        failures += !done;
        assert_int_equal(node_turns_pop(turns, 0) == &item, done);
        node_turns_destroy(turns, discard);
    }
    assert_true(failures >= 3); /* the item's place, the lane, the map */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_turns__serves_each_peer_in_turn),
        cmocka_unit_test(test_node_turns__readers_do_not_hold_up_partners),
        cmocka_unit_test(test_node_turns__bounds_what_one_peer_has_waiting),
        cmocka_unit_test(test_node_turns__bounds_the_bytes_of_one_peer_and_of_all),
        cmocka_unit_test(test_node_turns__closed_refuses_pushes_and_empties),
        cmocka_unit_test(test_node_turns__a_waiting_pop_gets_what_comes_or_the_end),
        cmocka_unit_test(test_node_turns__without_memory_the_item_stays_the_callers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
