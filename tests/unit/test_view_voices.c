/* Who has said what of which announcement. */
#include "node/core/view_voices.h"

#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CALL view_table_key(1, 5)
#define OTHER view_table_key(1, 6)

static size_t count_voices(const struct view_voices *voices, uint64_t announcement)
{
    size_t count = 0;

    for (const struct view_voice *voice = view_voices_first(voices, announcement); voice;
         voice = view_voices_next(voices, voice))
        count++;
    return count;
}

static void test_view_voices__are_none_at_first(void **state)
{
    struct view_voices voices = {0};

    (void)state;
    assert_null(view_voices_first(&voices, CALL));
    assert_null(view_voices_find(&voices, CALL, 2, 7));
    assert_null(view_voices_first(&voices, 0)); /* an announcement that nobody can have named */
    view_voices_finish(&voices);
}

static void test_view_voices__keep_the_newest_of_each_type(void **state)
{
    struct view_voices voices = {0};

    (void)state;
    assert_true(view_voices_add(&voices, CALL, 2, 9, 7));
    assert_true(view_voices_add(&voices, CALL, 2, 8, 7)); /* came later, is older */
    assert_int_equal(view_voices_find(&voices, CALL, 2, 7)->seq, 9);
    assert_true(view_voices_add(&voices, CALL, 2, 10, 7));
    assert_true(view_voices_add(&voices, CALL, 2, 4, 8));
    assert_true(view_voices_add(&voices, CALL, 3, 1, 7));
    assert_true(view_voices_add(&voices, OTHER, 2, 30, 7));
    assert_int_equal(view_voices_find(&voices, CALL, 2, 7)->seq, 10);
    assert_int_equal(view_voices_find(&voices, CALL, 2, 8)->seq, 4);
    assert_int_equal(view_voices_find(&voices, CALL, 3, 7)->seq, 1);
    assert_null(view_voices_find(&voices, CALL, 3, 8));
    assert_int_equal(count_voices(&voices, CALL), 3);
    assert_int_equal(count_voices(&voices, OTHER), 1);
    view_voices_finish(&voices);
    assert_null(view_voices_first(&voices, CALL));
}

/* However much one institution says of one announcement, it takes one place. */
static void test_view_voices__do_not_grow_with_what_one_says(void **state)
{
    struct view_voices voices = {0};

    (void)state;
    for (uint32_t seq = 1; seq <= 10000; seq++)
        assert_true(view_voices_add(&voices, CALL, 2, seq, 7));
    assert_int_equal(voices.count, 1);
    assert_int_equal(voices.capacity, 16);
    assert_int_equal(view_voices_find(&voices, CALL, 2, 7)->seq, 10000);
    view_voices_finish(&voices);
}

static void test_view_voices__find_each_of_many(void **state)
{
    struct view_voices voices = {0};

    (void)state;
    for (uint32_t i = 1; i <= 1000; i++)
        assert_true(view_voices_add(&voices, view_table_key(1, i % 100 + 1), i, i, 7));
    for (uint32_t i = 1; i <= 1000; i++)
        assert_int_equal(view_voices_find(&voices, view_table_key(1, i % 100 + 1), i, 7)->seq, i);
    for (uint32_t i = 1; i <= 100; i++)
        assert_int_equal(count_voices(&voices, view_table_key(1, i)), 10);
    view_voices_finish(&voices);
}

static void test_view_voices__change_nothing_when_memory_runs_out(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned long n = 1; !done; n++) {
        struct view_voices voices = {0};
        bool added;

        fault_arm(n);
        added = view_voices_add(&voices, CALL, 2, 9, 7);
        done = !fault_disarm();
        assert_int_equal(added, done);
        assert_int_equal(count_voices(&voices, CALL), added);
        assert_true(view_voices_add(&voices, CALL, 2, 9, 7));
        assert_int_equal(count_voices(&voices, CALL), 1);
        view_voices_finish(&voices);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_voices__are_none_at_first),
        cmocka_unit_test(test_view_voices__keep_the_newest_of_each_type),
        cmocka_unit_test(test_view_voices__do_not_grow_with_what_one_says),
        cmocka_unit_test(test_view_voices__find_each_of_many),
        cmocka_unit_test(test_view_voices__change_nothing_when_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
