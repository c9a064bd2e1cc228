/* What others wrote, on a terminal: harmless and in columns. */
#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_clean(const char *text, bool lines, const char *expected)
{
    struct buffer out = {0};

    assert_true(text_clean(text, lines, &out));
    assert_string_equal(buffer_text(&out), expected);
    buffer_finish(&out);
}

static void assert_fit(const char *text, size_t columns, const char *expected)
{
    struct buffer out = {0};

    assert_true(text_fit(text, columns, true, &out));
    assert_string_equal(buffer_text(&out), expected);
    assert_int_equal(text_columns(buffer_text(&out)), columns);
    buffer_finish(&out);
}

static void test_text__shows_terminal_commands_instead_of_obeying(void **state)
{
    (void)state;
    assert_clean("\033[2Jgone", false, "\\x1b[2Jgone");
    assert_clean("bell\a back\b del\177", false, "bell\\x07 back\\x08 del\\x7f");
    assert_clean("\xc2\x9b"
                 "31m C1",
                 false, "\\x9b31m C1");
    assert_clean("\r overwrites", true, "\\x0d overwrites");
}

static void test_text__shows_what_turns_direction(void **state)
{
    (void)state;
    assert_clean("up to \xe2\x80\xae"
                 "YNC 001",
                 false, "up to \\u202eYNC 001");
    assert_clean("\xe2\x81\xa6"
                 "a\xe2\x81\xa9",
                 false, "\\u2066a\\u2069");
    assert_clean("\xe2\x80\x8f", false, "\\u200f");
    assert_clean("\xf3\xa0\x81\x81", false, "\\ue0041");
}

static void test_text__keeps_the_languages_of_the_network(void **state)
{
    static const char *const texts[] = {"联合实验室", "ทุนวิจัย", "Совместный конкурс",
                                        "ශ්‍රී ලංකාව", "Café “quoted” – dash"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_clean(texts[i], false, texts[i]);
}

static void test_text__keeps_lines_only_when_asked(void **state)
{
    (void)state;
    assert_clean("a\nb\tc", false, "a b c");
    assert_clean("a\nb\tc", true, "a\nb c");
    assert_clean(NULL, true, "");
}

static void test_text__shows_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    assert_clean("a\xff"
                 "b\xc3",
                 false, "a\\xffb\\xc3");
}

static void test_text__counts_columns(void **state)
{
    (void)state;
    assert_int_equal(text_columns("abc"), 3);
    assert_int_equal(text_columns("联合"), 4);
    assert_int_equal(text_columns("ｆｕｌｌ"), 8);
    assert_int_equal(text_columns("ที่นี่"), 2); /* tho, two marks; no, two marks */
    assert_int_equal(text_columns("Конкурс"), 7);
    assert_int_equal(text_columns("e\xcc\x81"), 1);
    assert_int_equal(text_columns("🔬"), 2);
    assert_int_equal(text_columns(""), 0);
}

static void test_text__fits_and_fills(void **state)
{
    (void)state;
    assert_fit("short", 8, "short   ");
    assert_fit("exactly8", 8, "exactly8");
    assert_fit("longer than 8", 8, "longer …");
    assert_fit("联合实验室", 7, "联合实…");
    assert_fit("联合实验室", 6, "联合… "); /* a wide letter is not halved */
    assert_fit("联合", 4, "联合");
    assert_fit("ที่นี่", 2, "ที่นี่"); /* marks stay with the last letter that fits */
    assert_fit("\033[2J", 8, "\\x1b[2J ");
    assert_fit("anything", 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__shows_terminal_commands_instead_of_obeying),
        cmocka_unit_test(test_text__shows_what_turns_direction),
        cmocka_unit_test(test_text__keeps_the_languages_of_the_network),
        cmocka_unit_test(test_text__keeps_lines_only_when_asked),
        cmocka_unit_test(test_text__shows_bytes_that_are_not_utf8),
        cmocka_unit_test(test_text__counts_columns),
        cmocka_unit_test(test_text__fits_and_fills),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
