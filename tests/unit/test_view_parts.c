/* The small parts of the view's index: the table, the facets, the changes. */
#include "node/core/view_table.h"

#include "common/filter.h"
#include "node/core/view_facets.h"
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

/* --- facets ----------------------------------------------------------------------------------- */

static struct filter_facets *make(Caravan__Kind kind, const char *country)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    char *countries[] = {(char *)(uintptr_t)country};
    struct filter_facets *facets = NULL;

    announcement.has_kind = 1;
    announcement.kind = kind;
    announcement.n_countries = country ? 1 : 0;
    announcement.countries = countries;
    assert_int_equal(filter_facets_create(&announcement, &facets, NULL), ERROR_NONE);
    return facets;
}

static uint32_t add(struct view_facets *facets, Caravan__Kind kind, const char *country)
{
    uint32_t number = 77;

    assert_int_equal(view_facets_add(facets, make(kind, country), &number, NULL), ERROR_NONE);
    return number;
}

static void test_view_facets__keeps_equal_ones_once(void **state)
{
    struct view_facets facets = {0};
    uint32_t number, first = add(&facets, CARAVAN__KIND__KIND_VISIT, "TH");
    uint32_t second = add(&facets, CARAVAN__KIND__KIND_VISIT, "CN");
    uint32_t third = add(&facets, CARAVAN__KIND__KIND_JOINT_CALL, "TH");

    (void)state;
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    assert_int_equal(third, 3);
    assert_int_equal(add(&facets, CARAVAN__KIND__KIND_VISIT, "CN"), second);
    assert_int_equal(add(&facets, CARAVAN__KIND__KIND_VISIT, NULL), 4);
    assert_int_equal(facets.count, 4);
    assert_string_equal(filter_facets_country(view_facets_get(&facets, second), 0), "CN");
    assert_int_equal(view_facets_add(&facets, NULL, &number, NULL), ERROR_NONE);
    assert_int_equal(number, VIEW_FACETS_NONE);
    assert_null(view_facets_get(&facets, VIEW_FACETS_NONE));
    view_facets_finish(&facets);
}

/* A publisher that invents a country for each announcement does not fill the memory. */
static void test_view_facets__takes_a_bounded_amount_of_memory(void **state)
{
    struct view_facets facets = {0};
    static char country[4000];
    uint32_t number = 1, kept;

    (void)state;
    memset(country, 'X', sizeof country - 1);
    for (int i = 0; number != VIEW_FACETS_ELSEWHERE; i++) {
        snprintf(country, sizeof country, "%06d", i % 1000000);
        country[6] = 'X';
        number = add(&facets, CARAVAN__KIND__KIND_VISIT, country);
    }
    kept = facets.count;
    assert_in_range(facets.bytes, VIEW_FACETS_BYTES * 9 / 10, VIEW_FACETS_BYTES);
    assert_in_range(kept, 1000, 3000);
    snprintf(country, sizeof country, "%06d", 0);
    country[6] = 'X';
    assert_int_equal(add(&facets, CARAVAN__KIND__KIND_VISIT, country), 1); /* known: as before */
    assert_int_equal(facets.count, kept);
    view_facets_finish(&facets);
}

static void test_view_facets__says_when_memory_runs_out(void **state)
{
    unsigned failures = 0;
    int code = ERROR_MEMORY;

    (void)state;
    for (unsigned long n = 1; code == ERROR_MEMORY; n++) {
        struct filter_facets *one = make(CARAVAN__KIND__KIND_VISIT, "TH");
        struct view_facets facets = {0};
        uint32_t number;

        fault_arm(n);
        code = view_facets_add(&facets, one, &number, NULL);
        failures += fault_disarm();
        assert_int_equal(number, code ? VIEW_FACETS_NONE : 1);
        assert_int_equal(facets.count, code ? 0 : 1);
        view_facets_finish(&facets);
    }
    assert_int_equal(code, ERROR_NONE);
    assert_int_equal(failures, 3); /* the pointers; the table's keys and values */
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
    assert_int_equal(folded->facets, 90);
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
        cmocka_unit_test(test_view_facets__keeps_equal_ones_once),
        cmocka_unit_test(test_view_facets__takes_a_bounded_amount_of_memory),
        cmocka_unit_test(test_view_facets__says_when_memory_runs_out),
        cmocka_unit_test(test_view_fold__knows_the_newest_revision_and_the_first_withdrawal),
        cmocka_unit_test(test_view_fold__is_unchanged_without_memory),
    };
    return cmocka_run_group_tests_name("view_parts", tests, NULL, NULL);
}
