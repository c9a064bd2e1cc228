/* For whom an announcement is: on the command line, in the file, as a group of the configuration.
 */
#include "node/cli/cli_audience.h"

#include "common/limits.h"
#include "tests/support/fault.h"
#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct folder home;
static struct cli cli;
static struct arena arena;
static struct cli_audience audience;
static struct error error;

static int setup(void **state)
{
    (void)state;
    folder_init(&home);
    folder_write_text(&home, "node.yaml", 0600,
                      "network: silkroad\n"
                      "institution:\n"
                      "  handle: th-demo\n"
                      "  name: {en: Demo}\n"
                      "  country: TH\n"
                      "groups:\n"
                      "  - {name: funders, members: [ru-rsf, cn-nsfc]}\n"
                      "  - {name: neighbours, members: [lk-nsf, ru-rsf]}\n");
    cli = (struct cli){.home = home.path, .program = "caravan"};
    arena_init(&arena, LIMIT_ARENA_SIZE);
    audience = (struct cli_audience){0};
    error_clear(&error);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    folder_finish(&home);
    return 0;
}

static int add_text(const char *text)
{
    return cli_audience_add_text(&cli, text, &arena, &audience, &error);
}

static int add_file(const char *yaml)
{
    return cli_audience_add_file(&cli, span_of_text(yaml), &arena, &audience, &error);
}

static void check(const char *expected)
{
    struct buffer all = {0};

    for (size_t i = 0; i < audience.count; i++)
        buffer_printf(&all, "%s%s", i ? " " : "", audience.handles[i]);
    assert_string_equal(buffer_text(&all), expected);
    buffer_finish(&all);
}

static void assert_refused(int code, enum error_code expected, const char *part)
{
    assert_int_equal(code, expected);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void test_cli_audience__takes_handles_and_groups_in_order(void **state)
{
    (void)state;
    assert_int_equal(add_text("za-nrf,th-nstda, za-nrf"), ERROR_NONE);
    check("th-nstda za-nrf");
    assert_int_equal(add_text("funders,neighbours"), ERROR_NONE);
    check("cn-nsfc lk-nsf ru-rsf th-nstda za-nrf");
    /* … and whole ids, as show names institutions without a handle */
    assert_int_equal(add_text("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
                     ERROR_NONE);
    assert_int_equal(audience.count, 6);
    assert_refused(add_text("0123456789abcdef"), ERROR_USAGE, "expected a handle");
}

static void test_cli_audience__says_what_is_no_name(void **state)
{
    (void)state;
    assert_refused(add_text(""), ERROR_USAGE, "--to: found nothing");
    assert_refused(add_text(" , "), ERROR_USAGE, "--to: found nothing");
    assert_refused(add_text("th-nstda,strangers"), ERROR_USAGE,
                   "no institution or group is known as \"strangers\"; expected a handle");
    cli.home = NULL;
    assert_refused(add_text("funders"), ERROR_USAGE, "");
}

static void test_cli_audience__compares_the_names(void **state)
{
    struct cli_audience other = {0};
    struct buffer text = {0};

    (void)state;
    assert_true(cli_audience_equal(&audience, &other));
    assert_int_equal(add_text("za-nrf,th-nstda"), ERROR_NONE);
    assert_false(cli_audience_equal(&audience, &other));
    assert_int_equal(cli_audience_add_file(&cli, span_of_text("audience: [TH-nstda, za-nrf]"),
                                           &arena, &other, &error),
                     ERROR_USAGE); /* a handle is written small: it is no group either */
    assert_int_equal(cli_audience_add_file(&cli, span_of_text("audience: [th-nstda, za-nrf]"),
                                           &arena, &other, &error),
                     ERROR_NONE);
    assert_true(cli_audience_equal(&audience, &other));
    assert_int_equal(add_text("ru-rsf"), ERROR_NONE);
    assert_false(cli_audience_equal(&audience, &other));
    assert_true(cli_audience_print(&other, &text));
    assert_string_equal(buffer_text(&text), "th-nstda, za-nrf");
    buffer_finish(&text);
}

/* Handles need no home. */
static void test_cli_audience__needs_no_home_for_handles(void **state)
{
    (void)state;
    cli.home = NULL;
    assert_int_equal(add_text("th-nstda"), ERROR_NONE);
    check("th-nstda");
}

static void test_cli_audience__reads_the_file(void **state)
{
    (void)state;
    assert_int_equal(add_file("kind: visit\naudience: [funders, th-nstda]\n"), ERROR_NONE);
    check("cn-nsfc ru-rsf th-nstda");
    assert_int_equal(add_file("audience: za-nrf\n"), ERROR_NONE);
    check("cn-nsfc ru-rsf th-nstda za-nrf");
    audience.count = 0;
    assert_int_equal(add_file("kind: visit\n"), ERROR_NONE);
    assert_int_equal(add_file("- audience\n"), ERROR_NONE);
    assert_int_equal(add_file("title: {audience: th-nstda}\n"), ERROR_NONE);
    assert_int_equal(add_file(": : [no yaml"), ERROR_NONE);
    check("");
}

/* Whoever writes the key means that it is not for everybody. */
static void test_cli_audience__is_never_everybody_when_the_file_has_the_key(void **state)
{
    static const char *const files[] = {"audience:\n",
                                        "audience: []\n",
                                        "audience: {th-nstda: yes}\n",
                                        "audience: [[th-nstda]]\n",
                                        "audience: [th-nstda, {a: b}]\n",
                                        "audience: \"\"\n",
                                        "audience: all\n",
                                        "audience: th-nstda, za-nrf\n",
                                        "audience: [th-nstda, ~]\n"};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        audience.count = 0;
        error_clear(&error);
        if (add_file(files[i]) == ERROR_NONE)
            fail_msg("taken: %s", files[i]);
        assert_non_null(strstr(error.text, "audience: "));
    }
}

/* Nor when there is no memory to look. */
static void test_cli_audience__survives_every_allocation_that_fails(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned long n = 1; !done; n++) {
        int code;

        arena_finish(&arena);
        arena_init(&arena, LIMIT_ARENA_SIZE);
        audience = (struct cli_audience){0};
        error_clear(&error);
        fault_arm(n);
        code = add_file("audience: [funders, th-nstda]\n");
        done = !fault_disarm();
        if (!done && code == ERROR_NONE)
            fail_msg("allocation %lu: for %zu", n, audience.count);
        if (code)
            assert_int_equal(error.code, code);
    }
    check("cn-nsfc ru-rsf th-nstda");
}

/* Many files share one arena: a file that no longer fits must not go out to everybody. */
static void test_cli_audience__does_not_depend_on_what_else_was_read(void **state)
{
    struct arena small;

    (void)state;
    arena_init(&small, 8192);
    assert_int_equal(cli_audience_add_file(&cli,
                                           span_of_text("a: [b, c, d, e, f, g, h, i, j, k, l, m, n]"
                                                        "\naudience: th-nstda\n"),
                                           &small, &audience, &error),
                     ERROR_NONE);
    check("th-nstda");
    audience.count = 0;
    while (arena_alloc(&small, 64))
        ;
    assert_int_equal(cli_audience_add_file(&cli, span_of_text("audience: th-nstda\n"), &small,
                                           &audience, &error),
                     ERROR_MEMORY);
    arena_finish(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cli_audience__takes_handles_and_groups_in_order),
        TEST(test_cli_audience__says_what_is_no_name),
        TEST(test_cli_audience__compares_the_names),
        TEST(test_cli_audience__needs_no_home_for_handles),
        TEST(test_cli_audience__reads_the_file),
        TEST(test_cli_audience__is_never_everybody_when_the_file_has_the_key),
        TEST(test_cli_audience__survives_every_allocation_that_fails),
        TEST(test_cli_audience__does_not_depend_on_what_else_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
