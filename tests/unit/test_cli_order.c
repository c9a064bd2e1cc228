/* Arguments in the wrong order. */
#include "node/cli/cli_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct cli_command command = {.name = "respond"};

static int check(const char *first, const char *second, struct error *error)
{
    char *argv[] = {(char *)(uintptr_t)first, (char *)(uintptr_t)second};

    return cli_order_check(&command, argv, error);
}

static void test_cli_order__knows_a_name(void **state)
{
    static const char *const others[] = {"",
                                         "th-demo",
                                         "th-demo/",
                                         "th-demo/x",
                                         "12",
                                         "/12",
                                         "letters/12",
                                         "TH-demo/1",
                                         "a/th-demo/1",
                                         "th-demo/1x",
                                         "th-a-handle-that-is-far-too-long-to-be/1"};

    (void)state;
    assert_true(cli_order_is_name("th-demo/15"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(cli_order_is_name(others[i]));
}

static void test_cli_order__says_what_stands_first(void **state)
{
    struct error error = {0};

    (void)state;
    assert_int_equal(check("th-demo/15", "answer.yaml", &error), ERROR_NONE);
    assert_int_equal(check("th-demo/15", "th-demo/16", &error), ERROR_NONE);
    assert_int_equal(check("0123abcd/15", "answer.yaml", &error), ERROR_NONE);
    assert_int_equal(check("answer.yaml", "th-demo/15", &error), ERROR_USAGE);
    assert_string_equal(error.text,
                        "the name stands first: caravan respond th-demo/15 answer.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cli_order__knows_a_name),
        cmocka_unit_test(test_cli_order__says_what_stands_first),
    };

    return cmocka_run_group_tests_name("cli_order", tests, NULL, NULL);
}
