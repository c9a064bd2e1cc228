/* Orders to erase contents, as they stand in entries. */
#include "common/erasure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/limits.h"
#include "tests/support/fault.h"

#define ERASURE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE

static struct entry order(uint64_t seq, const void *content, size_t size)
{
    return (struct entry){.seq = seq,
                          .content_type = ERASURE,
                          .min_reader = 1,
                          .has_content = true,
                          .content = span_of(content, size)};
}
#define ORDER(seq, text) order(seq, text, sizeof text - 1)

static void read(struct erasure_list *list, struct entry entry)
{
    assert_int_equal(erasure_list_read(list, &entry, 1, NULL), ERROR_NONE);
}

static void test_erasure__names_seqs_of_entries_before_it(void **state)
{
    struct erasure_list list = {0};

    (void)state;
    read(&list, ORDER(9, "\x08\x07\x08\x03\x08\x07\x08\x00\x08\x09\x08\x0a"));
    assert_int_equal(list.count, 2);
    assert_int_equal(erasure_list_by(&list, 3), 9);
    assert_int_equal(erasure_list_by(&list, 7), 9);
    for (uint64_t seq = 0; seq < 12; seq++)
        assert_true(seq == 3 || seq == 7 || erasure_list_by(&list, seq) == 0);
    erasure_list_finish(&list);
}

static void test_erasure__the_first_order_counts(void **state)
{
    struct erasure_list list = {0};
    struct entry entries[] = {ORDER(9, "\x08\x03"), ORDER(5, "\x08\x03\x08\x04")};

    (void)state;
    assert_int_equal(erasure_list_read(&list, entries, 2, NULL), ERROR_NONE);
    read(&list, ORDER(4, "\x08\x02"));
    assert_int_equal(list.count, 3);
    assert_int_equal(erasure_list_by(&list, 2), 4);
    assert_int_equal(erasure_list_by(&list, 3), 5);
    assert_int_equal(erasure_list_by(&list, 4), 5);
    erasure_list_finish(&list);
}

static void test_erasure__may_be_packed_and_have_unknown_fields(void **state)
{
    struct erasure_list list = {0};

    (void)state;
    read(&list, ORDER(900, "\x0a\x03\x01\x80\x02"));
    read(&list, ORDER(901, "\x08\x02\xa2\x06\x02hi"));
    assert_int_equal(list.count, 3);
    assert_int_equal(erasure_list_by(&list, 256), 900);
    assert_int_equal(erasure_list_by(&list, 2), 901);
    erasure_list_finish(&list);
}

static void test_erasure__what_cannot_be_read_orders_nothing(void **state)
{
    static uint8_t many[2 * (LIMIT_PROTOBUF_FIELDS + 1)];
    struct erasure_list list = {0};
    struct entry newer = ORDER(9, "\x08\x03"), gone = newer, other = newer;

    (void)state;
    for (size_t i = 0; i < sizeof many; i += 2) {
        many[i] = 8;
        many[i + 1] = 1;
    }
    newer.min_reader = 2;
    gone.has_content = false;
    other.content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION;
    read(&list, newer);
    read(&list, gone);
    read(&list, other);
    read(&list, ORDER(9, ""));
    read(&list, ORDER(9, "\x08\x03\x0a\xff"));
    read(&list, ORDER(9, "\x08"));
    read(&list, order(9, many, sizeof many));
    assert_int_equal(list.count, 0);
    read(&list, order(9, many, sizeof many - 2)); /* the most that may stand in a content */
    assert_int_equal(list.count, 1);
    erasure_list_finish(&list);
}

static void test_erasure__says_when_memory_runs_out(void **state)
{
    struct entry entry = ORDER(9, "\x08\x03\x08\x04");
    struct error error;
    unsigned long n = 1;
    int code;

    (void)state;
    do {
        struct erasure_list list = {0};

        fault_arm(n++);
        code = erasure_list_read(&list, &entry, 1, &error);
        fault_disarm();
        assert_true(code == ERROR_NONE || code == ERROR_MEMORY);
        assert_true(code || list.count == 2);
        erasure_list_finish(&list);
    } while (code);
    assert_true(n > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erasure__names_seqs_of_entries_before_it),
        cmocka_unit_test(test_erasure__the_first_order_counts),
        cmocka_unit_test(test_erasure__may_be_packed_and_have_unknown_fields),
        cmocka_unit_test(test_erasure__what_cannot_be_read_orders_nothing),
        cmocka_unit_test(test_erasure__says_when_memory_runs_out),
    };

    return cmocka_run_group_tests_name("erasure", tests, NULL, NULL);
}
