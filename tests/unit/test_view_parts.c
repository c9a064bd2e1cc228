/* The small parts of the view's index: the table, the blocks, the changes. */
#include "node/core/view_table.h"

#include "node/core/view_blocks.h"
#include "node/core/view_fold.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DATES ((struct view_dates){1, 2})

/* --- table ------------------------------------------------------------------------------------ */

static void test_view_table__finds_what_was_put(void **state)
{
    struct view_table table = {0};

    (void)state;
    assert_int_equal(view_table_get(&table, view_table_key(0, 1)), 0);
    for (uint32_t feed = 0; feed < 50; feed++)
        for (uint32_t seq = 1; seq <= 200; seq++)
            assert_true(view_table_put(&table, view_table_key(feed, seq), feed * 1000 + seq));
    assert_int_equal(table.count, 10000);
    for (uint32_t feed = 0; feed < 50; feed++)
        for (uint32_t seq = 1; seq <= 200; seq++)
            assert_int_equal(view_table_get(&table, view_table_key(feed, seq)), feed * 1000 + seq);
    assert_int_equal(view_table_get(&table, view_table_key(50, 1)), 0);
    assert_int_equal(view_table_get(&table, view_table_key(0, 201)), 0);
    assert_true(table.capacity * 3 >= table.count * 4);
    view_table_finish(&table);
    assert_int_equal(view_table_get(&table, view_table_key(0, 1)), 0);
}

static void test_view_table__replaces_and_forgets(void **state)
{
    struct view_table table = {0};
    uint64_t key = view_table_key(7, UINT32_MAX);

    (void)state;
    assert_true(view_table_put(&table, key, UINT32_MAX));
    assert_true(view_table_put(&table, key, 5));
    assert_int_equal(view_table_get(&table, key), 5);
    assert_true(view_table_put(&table, key, 0));
    assert_int_equal(view_table_get(&table, key), 0);
    assert_int_equal(table.count, 1);
    view_table_finish(&table);
}

static void test_view_table__is_unchanged_without_memory(void **state)
{
    struct view_table table = {0};
    uint32_t seq = 1;

    (void)state;
    for (unsigned failures = 0; failures < 6; seq++) {
        bool done;

        fault_arm(1 + failures % 2); /* growing asks for keys, then for values */
        done = view_table_put(&table, view_table_key(0, seq), seq);
        if (fault_disarm()) {
            assert_false(done);
            assert_int_equal(view_table_get(&table, view_table_key(0, seq)), 0);
            assert_true(view_table_put(&table, view_table_key(0, seq), seq));
            failures++;
        }
        for (uint32_t i = 1; i <= seq; i++)
            assert_int_equal(view_table_get(&table, view_table_key(0, i)), i);
    }
    view_table_finish(&table);
}

static void test_view_table__hashes_every_byte_and_the_size(void **state)
{
    static const uint8_t bytes[40] = {0};
    struct view_table table = {0}, other = {0};
    uint64_t hash = view_table_hash(&table, bytes, 20);

    (void)state;
    assert_true(hash != 0 && view_table_hash(&table, bytes, 20) == hash);
    for (size_t size = 0; size < 40; size++)
        assert_true(size == 20 || view_table_hash(&table, bytes, size) != hash);
    for (size_t i = 0; i < 20; i++) {
        uint8_t changed[20] = {0};

        changed[i] = 1;
        assert_true(view_table_hash(&table, changed, 20) != hash);
    }
    assert_true(view_table_hash(&other, bytes, 20) != hash); /* nobody can aim */
    view_table_finish(&table);
    view_table_finish(&other);
}

/* --- blocks ----------------------------------------------------------------------------------- */

#define LIMITS                                                                                     \
    {                                                                                              \
        .bytes_max = VIEW_FACETS_BYTES, .count_max = VIEW_FACETS_MAX                               \
    }

static uint32_t add(struct view_blocks *blocks, const char *text)
{
    uint32_t number = 77;

    assert_int_equal(view_blocks_add(blocks, span_of_text(text), &number, NULL), ERROR_NONE);
    return number;
}

static void test_view_blocks__keeps_equal_ones_once(void **state)
{
    struct view_blocks blocks = LIMITS;
    uint32_t first = add(&blocks, "TH"), second = add(&blocks, "CN"), third = add(&blocks, "");

    (void)state;
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    assert_int_equal(third, 3);
    assert_int_equal(add(&blocks, "CN"), second);
    assert_int_equal(add(&blocks, "CNX"), 4);
    assert_int_equal(blocks.count, 4);
    assert_true(span_equal(view_blocks_get(&blocks, second), span_of_text("CN")));
    assert_int_equal((uintptr_t)view_blocks_get(&blocks, second).data % sizeof(uint32_t), 0);
    view_blocks_finish(&blocks);
    assert_int_equal(add(&blocks, "CN"), 1); /* empty, with its limits */
    view_blocks_finish(&blocks);
}

/* A publisher that invents a country for each announcement does not fill the memory. */
static void test_view_blocks__takes_a_bounded_amount_of_memory(void **state)
{
    struct view_blocks blocks = LIMITS;
    static char text[4000];
    uint32_t number = 1, kept;

    (void)state;
    memset(text, 'X', sizeof text - 1);
    for (int i = 0; number != VIEW_ELSEWHERE; i++) {
        snprintf(text, sizeof text, "%06d", i % 1000000);
        text[6] = 'X';
        number = add(&blocks, text);
    }
    kept = blocks.count;
    assert_in_range(blocks.bytes, VIEW_FACETS_BYTES * 9 / 10, VIEW_FACETS_BYTES);
    assert_in_range(kept, 1000, 3000);
    snprintf(text, sizeof text, "%06d", 0);
    text[6] = 'X';
    assert_int_equal(add(&blocks, text), 1); /* known: as before */
    assert_int_equal(blocks.count, kept);
    view_blocks_finish(&blocks);
}

static void test_view_blocks__has_no_number_that_is_too_large(void **state)
{
    struct view_blocks blocks = {.bytes_max = VIEW_RULES_BYTES, .count_max = VIEW_RULES_MAX};
    char text[16];

    (void)state;
    for (unsigned i = 1; i <= VIEW_RULES_MAX + 10; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(add(&blocks, text), i <= VIEW_RULES_MAX ? i : VIEW_ELSEWHERE);
    }
    view_blocks_finish(&blocks);
}

static void test_view_blocks__says_when_memory_runs_out(void **state)
{
    unsigned failures = 0;
    int code = ERROR_MEMORY;

    (void)state;
    for (unsigned long n = 1; code == ERROR_MEMORY; n++) {
        struct view_blocks blocks = LIMITS;
        uint32_t number;

        fault_arm(n);
        code = view_blocks_add(&blocks, span_of_text("TH"), &number, NULL);
        failures += fault_disarm();
        assert_int_equal(number, code ? VIEW_NONE : 1);
        assert_int_equal(blocks.count, code ? 0 : 1);
        view_blocks_finish(&blocks);
    }
    assert_int_equal(code, ERROR_NONE);
    assert_int_equal(failures, 4); /* the block; the pointers; the table's keys and values */
}

static void test_view_keys__hold_two_numbers(void **state)
{
    static const uint32_t facets[] = {VIEW_NONE, 1, 4711, VIEW_FACETS_MAX, VIEW_ELSEWHERE};
    static const uint32_t rules[] = {VIEW_NONE, 1, 4711, VIEW_RULES_MAX, VIEW_ELSEWHERE};

    (void)state;
    assert_int_equal(view_keys(VIEW_NONE, VIEW_NONE), 0);
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            uint32_t keys = view_keys(facets[i], rules[k]);

            assert_int_equal(view_keys_facets(keys), facets[i]);
            assert_int_equal(view_keys_rules(keys), rules[k]);
        }
}

/* --- changes ---------------------------------------------------------------------------------- */

static void assert_changes(const struct view_fold *fold, const struct view_folded *folded,
                           const uint32_t *expected, size_t expected_count)
{
    uint32_t *seqs;
    size_t count;

    assert_int_equal(view_fold_changes(fold, folded, &seqs, &count, NULL), ERROR_NONE);
    assert_int_equal(count, expected_count);
    assert_memory_equal(seqs, expected, count * sizeof *seqs);
    free(seqs);
}

static void test_view_fold__knows_the_newest_revision_and_the_first_withdrawal(void **state)
{
    static const uint32_t all[] = {4, 5, 7, 9, 12};
    struct view_fold fold = {0};
    const struct view_folded *folded;

    (void)state;
    assert_null(view_fold_get(&fold, 1, 3));
    assert_true(view_fold_add(&fold, 1, 3, 7, false, 70, DATES));
    assert_true(view_fold_add(&fold, 1, 3, 12, true, 0, DATES));
    assert_true(
        view_fold_add(&fold, 1, 3, 4, false, 40, DATES)); /* late contents come in any order */
    assert_true(view_fold_add(&fold, 1, 3, 9, false, 90, DATES));
    assert_true(view_fold_add(&fold, 1, 3, 5, true, 0, DATES));
    assert_true(view_fold_add(&fold, 1, 3, 9, false, 90, DATES));
    assert_true(view_fold_add(&fold, 2, 3, 99, true, 0, DATES)); /* another feed */
    folded = view_fold_get(&fold, 1, 3);
    assert_non_null(folded);
    assert_int_equal(folded->revised_by, 9);
    assert_int_equal(folded->keys, 90);
    assert_int_equal(folded->withdrawn_by, 5);
    assert_changes(&fold, folded, all, 5);
    folded = view_fold_get(&fold, 2, 3);
    assert_int_equal(folded->revised_by, 0);
    assert_int_equal(folded->withdrawn_by, 99);
    assert_null(view_fold_get(&fold, 1, 4));
    view_fold_finish(&fold);
}

static void test_view_fold__is_unchanged_without_memory(void **state)
{
    unsigned failures = 0;
    bool done = false;
    uint32_t *seqs;
    size_t count;

    (void)state;
    for (unsigned long n = 1; !done; n++) {
        struct view_fold fold = {0};

        fault_arm(n);
        done = view_fold_add(&fold, 1, 3, 7, true, 0, DATES);
        failures += fault_disarm();
        if (!done) {
            assert_null(view_fold_get(&fold, 1, 3));
            assert_true(view_fold_add(&fold, 1, 3, 7, true, 0, DATES));
        }
        fault_arm(1);
        assert_int_equal(view_fold_changes(&fold, view_fold_get(&fold, 1, 3), &seqs, &count, NULL),
                         ERROR_MEMORY);
        assert_true(fault_disarm());
        assert_null(seqs);
        view_fold_finish(&fold);
    }
    assert_int_equal(failures, 4); /* the announcement, the change; the table's keys and values */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_table__finds_what_was_put),
        cmocka_unit_test(test_view_table__replaces_and_forgets),
        cmocka_unit_test(test_view_table__is_unchanged_without_memory),
        cmocka_unit_test(test_view_table__hashes_every_byte_and_the_size),
        cmocka_unit_test(test_view_blocks__keeps_equal_ones_once),
        cmocka_unit_test(test_view_blocks__takes_a_bounded_amount_of_memory),
        cmocka_unit_test(test_view_blocks__has_no_number_that_is_too_large),
        cmocka_unit_test(test_view_blocks__says_when_memory_runs_out),
        cmocka_unit_test(test_view_keys__hold_two_numbers),
        cmocka_unit_test(test_view_fold__knows_the_newest_revision_and_the_first_withdrawal),
        cmocka_unit_test(test_view_fold__is_unchanged_without_memory),
    };
    return cmocka_run_group_tests_name("view_parts", tests, NULL, NULL);
}
