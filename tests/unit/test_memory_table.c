/* The tables of the ledger in memory, against an array that says what must be there. */
#include "node/ledger/memory_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 3000 /* many blocks */

/* What is in the table for a key: 0 is no row. */
struct model {
    uint64_t now[KEYS], committed[KEYS];
};

struct key {
    uint8_t bytes[8];
};

static struct key key_of(uint64_t n)
{
    struct key key;

    bytes_put_u64(key.bytes, n);
    return key;
}

static void put(struct memory_table *table, struct model *model, uint64_t n, uint64_t value)
{
    struct key key = key_of(n), bytes = key_of(value);

    assert_true(memory_table_put(table, span_of(key.bytes, 8), span_of(bytes.bytes, 8)));
    model->now[n] = value;
}

static void check_each(const struct memory_table *table, const uint64_t *expected, bool committed)
{
    for (uint64_t n = 0; n < KEYS; n++) {
        struct key key = key_of(n);
        struct span value = {0};
        bool found = memory_table_get(table, span_of(key.bytes, 8), committed, &value);

        assert_int_equal(found, expected[n] != 0);
        if (found)
            assert_int_equal(bytes_get_u64(value.data), expected[n]);
    }
}

/* In order, from a key on. */
static void check_walk(const struct memory_table *table, const uint64_t *expected, bool committed,
                       uint64_t from)
{
    struct key first = key_of(from);
    struct memory_place place = memory_table_find(table, span_of(first.bytes, 8));
    struct span key, value;

    for (uint64_t n = from; n < KEYS; n++) {
        if (!expected[n])
            continue;
        assert_true(memory_table_next(table, &place, committed, &key, &value));
        assert_int_equal(bytes_get_u64(key.data), n);
        assert_int_equal(bytes_get_u64(value.data), expected[n]);
    }
    assert_false(memory_table_next(table, &place, committed, &key, &value));
}

static void check(const struct memory_table *table, const struct model *model)
{
    check_each(table, model->now, false);
    check_each(table, model->committed, true);
    for (uint64_t from = 0; from < KEYS; from += 371) {
        check_walk(table, model->now, false, from);
        check_walk(table, model->committed, true, from);
    }
}

static void commit(struct memory_table *table, struct model *model)
{
    memory_table_commit(table);
    memcpy(model->committed, model->now, sizeof model->now);
}

static void rollback(struct memory_table *table, struct model *model)
{
    memory_table_rollback(table);
    memcpy(model->now, model->committed, sizeof model->now);
}

/* Keys in a fixed random order, in transactions of all sizes, half of them taken back. */
static void test_memory_table__holds_what_was_put(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    struct memory_table table = {0};

    (void)state;
    srand(1);
    check(&table, model);
    for (int turn = 0; turn < 60; turn++) {
        for (int puts = rand() % (turn % 10 ? 100 : 2000); puts > 0; puts--)
            put(&table, model, (uint64_t)rand() % KEYS, (uint64_t)rand() + 1);
        if (turn % 6 == 0)
            check(&table, model);
        if (turn % 2)
            commit(&table, model);
        else
            rollback(&table, model);
        if (turn % 6 < 2)
            check(&table, model);
    }
    memory_table_finish(&table);
    free(model);
}

static void fill(struct memory_table *table, struct model *model, bool down)
{
    for (uint64_t n = 0; n < KEYS; n++)
        put(table, model, down ? KEYS - 1 - n : n, n + 1);
}

static void test_memory_table__takes_keys_in_both_orders(void **state)
{
    (void)state;
    for (int down = 0; down < 2; down++) {
        struct model *model = calloc(1, sizeof *model);
        struct memory_table table = {0};

        fill(&table, model, down);
        check(&table, model);
        rollback(&table, model); /* nothing is left */
        check(&table, model);
        fill(&table, model, down);
        commit(&table, model);
        check(&table, model);
        memory_table_finish(&table);
        free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_table__holds_what_was_put),
        cmocka_unit_test(test_memory_table__takes_keys_in_both_orders),
    };

    return cmocka_run_group_tests_name("memory_table", tests, NULL, NULL);
}
