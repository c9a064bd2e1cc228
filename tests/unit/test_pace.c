#include "node/net/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PER_SECOND 100

static unsigned take_many(struct pace *pace, unsigned count, uint64_t now)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < count; i++)
        taken += pace_take(pace, PER_SECOND, 1, now);
    return taken;
}

static void a_second_at_once_and_no_more(void **state)
{
    struct pace pace = {0};

    (void)state;
    assert_int_equal(take_many(&pace, 1000, 50000), PER_SECOND);
    assert_int_equal(take_many(&pace, 1000, 50000), 0);
}

static void time_makes_it_good(void **state)
{
    struct pace pace = {0};

    (void)state;
    take_many(&pace, 1000, 50000);
    assert_int_equal(take_many(&pace, 1000, 50500), PER_SECOND / 2);
    assert_int_equal(take_many(&pace, 1000, 51500), PER_SECOND);
    assert_int_equal(take_many(&pace, 1000, 900000), PER_SECOND);
}

/* Steps that are shorter than a message's share must add up. */
static void short_steps_add_up(void **state)
{
    struct pace pace = {0};
    unsigned taken = 0;

    (void)state;
    take_many(&pace, 1000, 50000);
    for (uint64_t now = 50001; now <= 51000; now++)
        taken += take_many(&pace, 10, now);
    assert_int_equal(taken, PER_SECOND);
}

static void who_keeps_the_pace_is_never_stopped(void **state)
{
    struct pace pace = {0};

    (void)state;
    for (uint64_t i = 0; i < 10000; i++)
        assert_true(pace_take(&pace, PER_SECOND, 1, 50000 + i * 1000 / PER_SECOND));
}

/* The last one may pass the limit, and is paid for in time. */
static void a_large_one_counts_as_many(void **state)
{
    struct pace pace = {0};
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        taken += pace_take(&pace, PER_SECOND, 30, 50000);
    assert_int_equal(taken, 4);
    assert_int_equal(take_many(&pace, 10, 50200), 0); /* 120 were spent */
    assert_int_equal(take_many(&pace, 100, 50300), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_at_once_and_no_more),
        cmocka_unit_test(time_makes_it_good),
        cmocka_unit_test(short_steps_add_up),
        cmocka_unit_test(who_keeps_the_pace_is_never_stopped),
        cmocka_unit_test(a_large_one_counts_as_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
