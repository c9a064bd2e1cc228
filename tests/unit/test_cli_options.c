#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/cli/cli.h"

static const struct cli_command command = {
    .name = "send", .group = "g", .usage = "send FILE…", .help = "Example: caravan send x"};

struct values {
    const char *to;
    const char *lang[4]; /* at most three */
    bool wait;
};

static int read_options(struct cli *cli, struct values *values, char **argv, int *rest,
                        struct error *error)
{
    const struct cli_option options[] = {
        {.name = "--to", .value = "WHO", .help = "h", .text = &values->to},
        {.name = "--lang", .value = "TAG", .help = "h", .list = values->lang, .list_size = 4},
        {.name = "--wait", .help = "h", .flag = &values->wait},
        {.name = NULL},
    };
    int argc = 0;

    while (argv[argc])
        argc++;
    memset(error, 0, sizeof *error);
    return cli_options(cli, &command, options, argc, argv, rest, error);
}

#define ARGUMENTS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_cli_options__takes_options_anywhere(void **state)
{
    struct cli cli = {.program = "caravan"};
    struct values values = {0};
    struct error error;
    char **argv =
        ARGUMENTS("a", "--to", "th-demo", "b", "--wait", "--lang=en", "--lang", "zh", "-");
    int rest = 0;

    (void)state;
    assert_int_equal(read_options(&cli, &values, argv, &rest, &error), ERROR_NONE);
    assert_int_equal(rest, 3);
    assert_string_equal(argv[0], "a");
    assert_string_equal(argv[1], "b");
    assert_string_equal(argv[2], "-");
    assert_string_equal(values.to, "th-demo");
    assert_true(values.wait);
    assert_string_equal(values.lang[0], "en");
    assert_string_equal(values.lang[1], "zh");
    assert_null(values.lang[2]);
}

static void test_cli_options__two_dashes_end_options(void **state)
{
    struct cli cli = {.program = "caravan"};
    struct values values = {0};
    struct error error;
    char **argv = ARGUMENTS("--wait", "--", "--to", "--json");
    int rest = 0;

    (void)state;
    assert_int_equal(read_options(&cli, &values, argv, &rest, &error), ERROR_NONE);
    assert_int_equal(rest, 2);
    assert_string_equal(argv[0], "--to");
    assert_string_equal(argv[1], "--json");
    assert_null(values.to);
    assert_false(cli.json);
}

static void test_cli_options__common_options_stand_behind_a_command_too(void **state)
{
    struct cli cli = {.program = "caravan"};
    struct values values = {0};
    struct error error;
    int rest = 0;

    (void)state;
    assert_int_equal(
        read_options(&cli, &values, ARGUMENTS("--json", "--home", "/h", "x"), &rest, &error),
        ERROR_NONE);
    assert_true(cli.json);
    assert_string_equal(cli.home, "/h");
    assert_int_equal(rest, 1);
}

static void test_cli_options__says_what_is_wrong(void **state)
{
    static const struct {
        char *argv[6];
        const char *text;
    } rows[] = {
        {{"--wiat"}, "send has no option \"--wiat\"; did you mean --wait?"},
        {{"--zzzzzzz"}, "send has no option \"--zzzzzzz\"; see: caravan send --help"},
        {{"--to"}, "--to needs a value: --to WHO"},
        {{"--wait=yes"}, "--wait takes no value"},
        {{"--json=1"}, "--json takes no value"},
        {{"-w"}, "send has no option \"-w\""},
        {{"--lang=a", "--lang=b", "--lang=c", "--lang=d"}, "--lang is given more than 3 times"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cli cli = {.program = "caravan"};
        struct values values = {0};
        struct error error;
        char *argv[6];
        int rest = 0;

        memcpy(argv, rows[i].argv, sizeof argv);
        assert_int_equal(read_options(&cli, &values, argv, &rest, &error), ERROR_USAGE);
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.text, rows[i].text))
            fail_msg("expected \"%s\" in \"%s\"", rows[i].text, error.text);
    }
}

static void test_cli__nearest_finds_typing_errors_and_beginnings(void **state)
{
    static const char *const words[] = {"status", "publish", "list", "listener", NULL};

    (void)state;
    assert_string_equal(cli_nearest("stauts", words), "status");
    assert_string_equal(cli_nearest("pubish", words), "publish");
    assert_string_equal(cli_nearest("stat", words), "status");
    assert_string_equal(cli_nearest("lst", words), "list");
    assert_null(cli_nearest("xyzzy", words));
    assert_null(cli_nearest("", words));
    assert_null(cli_nearest("a-very-long-word-that-is-near-to-nothing-at-all", words));
}

static void test_cli__commands_are_complete(void **state)
{
    static const char *const groups[] = {CLI_GROUP_SETUP, CLI_GROUP_PARTNERS, CLI_GROUP_WRITE,
                                         CLI_GROUP_READ, CLI_GROUP_CARE};

    (void)state;
    assert_non_null(cli_commands[0]);
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        bool known = false;

        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
            known = known || strcmp(c->group, groups[g]) == 0;
        if (!known)
            fail_msg("%s is in no group of the overview", c->name);
        if (strncmp(c->usage, c->name, strlen(c->name)) != 0)
            fail_msg("usage of %s does not begin with its name", c->name);
        if (!strstr(c->help, "Example: caravan "))
            fail_msg("help of %s has no example", c->name);
        if (strlen(c->summary) == 0 || strlen(c->summary) > 80)
            fail_msg("summary of %s is no line", c->name);
        if (!c->run && c != &cmd_run)
            fail_msg("%s does nothing", c->name);
    }
}

static void printed(const char *text, bool lines, const char *expected)
{
    char *out = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&out, &size);

    assert_non_null(file);
    cli_print_text(file, text, lines);
    fclose(file);
    assert_string_equal(out, expected);
    free(out);
}

static void test_cli__foreign_text_cannot_command_the_terminal(void **state)
{
    (void)state;
    printed("plain \xe0\xb8\x81", false, "plain \xe0\xb8\x81");
    printed("\033[2Jx", false, "\\x1b[2Jx");
    printed("a\nb", false, "a\\x0ab");
    printed("a\nb", true, "a\nb");
    printed("\xc2\x9b", false, "\\x9b");       /* C1: CSI */
    printed("\xe2\x80\xae", false, "\\u202e"); /* turns the direction */
    printed("\xff\xfe", false, "\\xff\\xfe");  /* not UTF-8 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cli_options__takes_options_anywhere),
        cmocka_unit_test(test_cli_options__two_dashes_end_options),
        cmocka_unit_test(test_cli_options__common_options_stand_behind_a_command_too),
        cmocka_unit_test(test_cli_options__says_what_is_wrong),
        cmocka_unit_test(test_cli__nearest_finds_typing_errors_and_beginnings),
        cmocka_unit_test(test_cli__commands_are_complete),
        cmocka_unit_test(test_cli__foreign_text_cannot_command_the_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
