#include "common/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 5000

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__holds_what_was_put_and_not_removed),
        cmocka_unit_test(test_map__is_empty_when_zeroed),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
