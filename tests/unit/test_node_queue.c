#include "node/node_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

static void discard(void *item)
{
    (void)item;
}

static void test_node_queue__gives_back_in_order_and_refuses_when_full(void **state)
{
    struct node_queue *queue = node_queue_create(3, 100);
    int items[4];

    (void)state;
    assert_true(node_queue_try_push(queue, &items[0], 40));
    assert_true(node_queue_try_push(queue, &items[1], 40));
    assert_false(node_queue_try_push(queue, &items[2], 40)); /* bytes */
    assert_true(node_queue_try_push(queue, &items[2], 1));
    assert_false(node_queue_try_push(queue, &items[3], 1)); /* items */
    assert_ptr_equal(node_queue_pop(queue, 0), &items[0]);
    assert_ptr_equal(node_queue_pop(queue, 0), &items[1]);
    assert_ptr_equal(node_queue_pop(queue, 0), &items[2]);
    assert_null(node_queue_pop(queue, 0));
    node_queue_destroy(queue, discard);
}

static void test_node_queue__takes_one_item_of_any_size(void **state)
{
    struct node_queue *queue = node_queue_create(3, 100);
    int item;

    (void)state;
    assert_true(node_queue_try_push(queue, &item, 1000));
    assert_false(node_queue_try_push(queue, &item, 1));
    node_queue_destroy(queue, discard);
}

static void test_node_queue__closed_refuses_pushes_and_empties(void **state)
{
    struct node_queue *queue = node_queue_create(3, 100);
    int item;

    (void)state;
    assert_true(node_queue_try_push(queue, &item, 1));
    node_queue_close(queue);
    assert_false(node_queue_try_push(queue, &item, 1));
    assert_ptr_equal(node_queue_pop(queue, 1000), &item);
    assert_null(node_queue_pop(queue, 1000));
    assert_true(node_queue_is_closed(queue));
    node_queue_destroy(queue, discard);
}

static unsigned discarded;

static void count_discarded(void *item)
{
    (void)item;
    discarded++;
}

static void test_node_queue__discards_what_is_left(void **state)
{
    struct node_queue *queue = node_queue_create(3, 100);
    int item;

    (void)state;
    assert_true(node_queue_try_push(queue, &item, 1));
    assert_true(node_queue_try_push(queue, &item, 1));
    discarded = 0;
    node_queue_destroy(queue, count_discarded);
    assert_int_equal(discarded, 2);
    node_queue_destroy(NULL, count_discarded);
}

#define ITEMS 100000

static void *push_all(void *context)
{
    static int items[ITEMS];

    for (int i = 0; i < ITEMS; i++) {
        items[i] = i;
        while (!node_queue_try_push(context, &items[i], 1))
            sched_yield();
    }
    node_queue_close(context);
    return NULL;
}

static void test_node_queue__carries_everything_between_threads(void **state)
{
    struct node_queue *queue = node_queue_create(16, 8);
    pthread_t thread;
    int expected = 0, *item;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, push_all, queue), 0);
    while ((item = node_queue_pop(queue, 10000)) || !node_queue_is_closed(queue)) {
        assert_non_null(item);
        assert_int_equal(*item, expected++);
    }
    assert_int_equal(expected, ITEMS);
    pthread_join(thread, NULL);
    node_queue_destroy(queue, discard);
}

static void *wake_it(void *context)
{
    node_queue_wake(context);
    return NULL;
}

static void test_node_queue__a_wake_ends_a_wait(void **state)
{
    struct node_queue *queue = node_queue_create(16, 8);
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wake_it, queue), 0);
    assert_null(node_queue_pop(queue, 3600000)); /* the test's own time limit tells a failure */
    pthread_join(thread, NULL);
    node_queue_destroy(queue, discard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_queue__gives_back_in_order_and_refuses_when_full),
        cmocka_unit_test(test_node_queue__takes_one_item_of_any_size),
        cmocka_unit_test(test_node_queue__closed_refuses_pushes_and_empties),
        cmocka_unit_test(test_node_queue__discards_what_is_left),
        cmocka_unit_test(test_node_queue__carries_everything_between_threads),
        cmocka_unit_test(test_node_queue__a_wake_ends_a_wait),
    };

    return cmocka_run_group_tests_name("node_queue", tests, NULL, NULL);
}
