#include "common/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct fields_rule rules[] = {
    [1] = {FIELDS_BYTES, "name", 0, true},
    [2] = {FIELDS_U64, "big", 0, false},
    [3] = {FIELDS_U32, "small", 0, false},
    [5] = {FIELDS_BYTES, "key", 4, false},
};
static const struct fields_message message = {"Thing", rules, 6};

static int read_bytes(const char *data, size_t size, struct fields_value *values,
                      struct error *error)
{
    return fields_read(&message, span_of(data, size), values, error);
}

static void test_fields__reads_values_and_skips_what_it_does_not_know(void **state)
{
    static const char bytes[] = "\x0a\x02hi"                                   /* 1: "hi" */
                                "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" /* 2: 2^64 - 1 */
                                "\x20\x07"                                     /* 4: no rule */
                                "\x31"
                                "12345678"
                                "\x3d"
                                "1234"
                                "\x42\x00"                 /* 6, 7, 8 */
                                "\xf8\xff\xff\xff\x0f\x00" /* 2^29 - 1 */
                                "\x18\x83\x80\x00"         /* 3, long form */
                                "\x2a\x04"
                                "abcd"; /* 5 */
    struct fields_value values[6];

    (void)state;
    assert_int_equal(read_bytes(bytes, sizeof bytes - 1, values, NULL), 0);
    assert_true(span_equal(values[1].bytes, span_of_text("hi")));
    assert_true(values[2].present && values[2].number == UINT64_MAX);
    assert_true(values[3].present && values[3].number == 3);
    assert_false(values[4].present);
    assert_true(span_equal(values[5].bytes, span_of_text("abcd")));
    assert_int_equal(read_bytes("\x0a\x00", 2, values, NULL), 0);
    assert_true(values[1].present && values[1].bytes.size == 0);
    assert_false(values[2].present);
}

#define BAD(text, found, expected)                                                                 \
    {                                                                                              \
        text, sizeof text - 1, found, expected                                                     \
    }

static void test_fields__refuses_broken_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *found, *expected;
    } bad[] = {
        BAD("", "found no name in 0 bytes", "expected it"),
        BAD("\x0a", "byte 1: found the end", "a whole number"),
        BAD("\x0a\x05hi", "byte 2: found a field of 5 bytes", "the 2 that are left"),
        BAD("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "of 18446744073709551615 bytes",
            "the 0 that are left"),
        BAD("\x0a\x00\x0a\x00", "byte 2: name stands a second time", "once"),
        BAD("\x08\x01", "byte 0: name is a number", "expected bytes"),
        BAD("\x0a\x00\x12\x00", "byte 2: big is bytes", "expected a number"),
        BAD("\x0a\x00\x15"
            "1234",
            "byte 2: big is 32 fixed bits", "expected a number"),
        BAD("\x0a\x00\x18\x80\x80\x80\x80\x10", "byte 2: small is 4294967296", "4294967295"),
        BAD("\x0a\x00\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "over 64 bits", "ten bytes"),
        BAD("\x0a\x00\x2a\x03"
            "abc",
            "byte 2: key has 3 bytes", "expected 4"),
        BAD("\x0a\x00\x00\x00", "byte 2: found an impossible field number", "1 to 536870911"),
        BAD("\x0a\x00\x80\x80\x80\x80\x10\x00", "an impossible field number", "1 to 536870911"),
        BAD("\x0a\x00\x33\x34", "byte 2: found a group", "a number, bytes or fixed bits"),
        BAD("\x0a\x00\x36", "byte 2: found wire type 6", "a number, bytes or fixed bits"),
        BAD("\x0a\x00\x31"
            "1234567",
            "a field of 8 bytes", "the 7 that are left"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fields_value values[6];
        struct error error = {0};

        if (read_bytes(bad[i].bytes, bad[i].size, values, &error) != ERROR_MALFORMED ||
            strncmp(error.text, "Thing: ", 7) != 0 || !strstr(error.text, bad[i].found) ||
            !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s", i, error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields__reads_values_and_skips_what_it_does_not_know),
        cmocka_unit_test(test_fields__refuses_broken_bytes),
    };

    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
