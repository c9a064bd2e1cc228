#include "common/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/entropy.h"

#define COUNT 5000
#define WALKED 100 /* so many that two orders are never the same by chance */

static struct id id_of(unsigned n)
{
    struct id id = {{0}};

    memcpy(id.bytes, &n, sizeof n);
    return id;
}

/* Against an array that says what must be there, through puts and removes in a fixed random order.
 */
static void test_map__holds_what_was_put_and_not_removed(void **state)
{
    static unsigned values[COUNT];
    static bool there[COUNT];
    struct map map = {0};
    size_t count = 0, at = 0, seen = 0;

    (void)state;
    srand(1);
    for (int step = 0; step < 100000; step++) {
        unsigned n = (unsigned)rand() % COUNT;
        struct id key = id_of(n);

        if (rand() % 3) {
            assert_true(map_put(&map, &key, &values[n]));
            count += !there[n];
            there[n] = true;
        } else {
            assert_ptr_equal(map_remove(&map, &key), there[n] ? &values[n] : NULL);
            count -= there[n];
            there[n] = false;
        }
    }
    assert_int_equal(map.count, count);
    for (unsigned n = 0; n < COUNT; n++) {
        struct id key = id_of(n);

        assert_ptr_equal(map_get(&map, &key), there[n] ? &values[n] : NULL);
    }
    while (map_next(&map, &at))
        seen++;
    assert_int_equal(seen, count);
    map_finish(&map);
}

static void test_map__is_empty_when_zeroed(void **state)
{
    struct map map = {0};
    struct id key = id_of(1);

    (void)state;
    assert_null(map_get(&map, &key));
    assert_null(map_remove(&map, &key));
    map_finish(&map);
}

/* Where each of some values comes when a new map of them is walked. */
static void walk(unsigned order[WALKED])
{
    static unsigned values[WALKED];
    struct map map = {0};
    size_t at = 0;
    unsigned *value;

    for (unsigned n = 0; n < WALKED; n++) {
        struct id key = id_of(n);

        assert_true(map_put(&map, &key, &values[n]));
    }
    for (unsigned place = 0; (value = map_next(&map, &at)); place++)
        order[value - values] = place;
    map_finish(&map);
}

/* Each map has a key of its own, which nobody can know. */
static void test_map__no_two_have_the_same_order(void **state)
{
    unsigned first[WALKED], second[WALKED];

    (void)state;
    walk(first);
    walk(second);
    assert_memory_not_equal(first, second, sizeof first);
}

static void test_map__repeats_where_a_test_fixes_what_is_random(void **state)
{
    unsigned first[WALKED], second[WALKED];

    (void)state;
    entropy_fix(1);
    walk(first);
    walk(second); /* the next key from the same seed */
    assert_memory_not_equal(first, second, sizeof first);
    entropy_fix(1);
    walk(second);
    assert_memory_equal(first, second, sizeof first);
    entropy_fix(2);
    walk(second);
    assert_memory_not_equal(first, second, sizeof first);
    entropy_release();
    walk(second);
    assert_memory_not_equal(first, second, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__holds_what_was_put_and_not_removed),
        cmocka_unit_test(test_map__is_empty_when_zeroed),
        cmocka_unit_test(test_map__no_two_have_the_same_order),
        cmocka_unit_test(test_map__repeats_where_a_test_fixes_what_is_random),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
