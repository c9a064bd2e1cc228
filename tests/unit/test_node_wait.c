#include "node/node_wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FOREVER_MS 3600000 /* the test's own time limit is shorter */

struct owner {
    struct node_wait wait;
    unsigned count; /* of items that are there, under the lock */
    unsigned looked;
};

static void *take(void *self)
{
    struct owner *owner = self;

    owner->looked++;
    if (!owner->count)
        return NULL;
    owner->count--;
    return owner;
}

static int setup(void **state)
{
    static struct owner owner;

    owner = (struct owner){0};
    node_wait_init(&owner.wait);
    *state = &owner;
    return 0;
}

static int teardown(void **state)
{
    struct owner *owner = *state;

    node_wait_finish(&owner->wait);
    return 0;
}

static void test_node_wait__gives_what_is_there_without_waiting(void **state)
{
    struct owner *owner = *state;

    owner->count = 1;
    assert_ptr_equal(node_wait_pop(&owner->wait, FOREVER_MS, take, owner), owner);
    assert_null(node_wait_pop(&owner->wait, 0, take, owner));
    assert_int_equal(owner->looked, 2);
}

/* What comes in the last moment is not missed. */
static void test_node_wait__looks_once_more_when_time_is_over(void **state)
{
    struct owner *owner = *state;

    assert_null(node_wait_pop(&owner->wait, 1, take, owner));
    assert_true(owner->looked >= 2);
}

static void test_node_wait__a_wake_ends_one_waiting(void **state)
{
    struct owner *owner = *state;

    node_wait_wake(&owner->wait);
    assert_null(node_wait_pop(&owner->wait, FOREVER_MS, take, owner));
    assert_null(node_wait_pop(&owner->wait, 1, take, owner));
}

static void test_node_wait__closed_gives_what_is_left_and_waits_no_more(void **state)
{
    struct owner *owner = *state;

    owner->count = 1;
    assert_false(node_wait_is_closed(&owner->wait));
    node_wait_close(&owner->wait);
    assert_true(node_wait_is_closed(&owner->wait));
    assert_ptr_equal(node_wait_pop(&owner->wait, FOREVER_MS, take, owner), owner);
    assert_null(node_wait_pop(&owner->wait, FOREVER_MS, take, owner));
}

static void *put(void *self)
{
    struct owner *owner = self;

    pthread_mutex_lock(&owner->wait.lock);
    owner->count++;
    pthread_cond_signal(&owner->wait.filled);
    pthread_mutex_unlock(&owner->wait.lock);
    return NULL;
}

static void test_node_wait__gets_what_another_thread_brings(void **state)
{
    struct owner *owner = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, put, owner), 0);
    assert_ptr_equal(node_wait_pop(&owner->wait, FOREVER_MS, take, owner), owner);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_node_wait__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(gives_what_is_there_without_waiting),
        TEST(looks_once_more_when_time_is_over),
        TEST(a_wake_ends_one_waiting),
        TEST(closed_gives_what_is_left_and_waits_no_more),
        TEST(gets_what_another_thread_brings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
