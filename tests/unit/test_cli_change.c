/* What has changed, as lines on a terminal. */
#include "node/cli/cli_change.h"

#include "common/text.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_lines(const char *before, const char *after, const char *expected)
{
    struct buffer out = {0};

    assert_true(cli_change_lines(before, after, &out));
    assert_string_equal(buffer_text(&out), expected);
    buffer_finish(&out);
}

static void test_cli_change__says_short_texts_whole(void **state)
{
    (void)state;
    assert_lines("2026-05-15", "2026-06-15", "- 2026-05-15\n+ 2026-06-15\n");
    assert_lines(NULL, "new", "+ new\n");
    assert_lines("old", NULL, "- old\n");
    assert_lines("", "x", "- \"\"\n+ x\n");
    assert_lines("两国联合项目征集指南", "联合项目征集",
                 "- 两国联合项目征集指南\n+ 联合项目征集\n");
}

#define LONG                                                                                       \
    "Applications are taken by both sides; each side looks at its own part first, and then "       \
    "together. "

static void test_cli_change__shows_of_long_texts_what_changed(void **state)
{
    (void)state;
    assert_lines(LONG "The call closes on 15 May. " LONG, LONG "The call closes on 1 June. " LONG,
                 "- …together. The call closes on 15 May. Applications are taken by…\n"
                 "+ …together. The call closes on 1 June. Applications are taken by…\n");
    assert_lines("One. " LONG LONG "Two.", "Uno. " LONG LONG "Three.",
                 "- One. Applications are taken by…\n"
                 "+ Uno. Applications are taken by…\n"
                 "- …first, and then together. Two.\n"
                 "+ …first, and then together. Three.\n");
    assert_lines(LONG "Gone. " LONG, LONG LONG,
                 "- …first, and then together. Gone. Applications are taken by…\n"
                 "+ …first, and then together. Applications are taken by…\n");
}

/* 30 columns are 15 Chinese characters; Thai marks stay on their letters. */
static void test_cli_change__counts_columns(void **state)
{
    static const char chinese[] = "联合实验室开放课题申请指南由双方共同发布并同时接收申请材料";
    static const char thai[] = "ผู้สมัครต้องเป็นนักวิจัยที่สังกัดสถาบันที่เข้าร่วมโครงการความร่วมมือ";
    struct buffer before = {0}, after = {0}, out = {0};

    (void)state;
    assert_true(buffer_printf(&before, "%s五月%s", chinese, chinese));
    assert_true(buffer_printf(&after, "%s六月%s", chinese, chinese));
    assert_lines(buffer_text(&before), buffer_text(&after),
                 "- …双方共同发布并同时接收申请材料五月联合实验室开放课题申请指南由…\n"
                 "+ …双方共同发布并同时接收申请材料六月联合实验室开放课题申请指南由…\n");
    buffer_clear(&before);
    buffer_clear(&after);
    assert_true(buffer_printf(&before, "%sก%s%s", thai, thai, thai));
    assert_true(buffer_printf(&after, "%sข%s%s", thai, thai, thai));
    assert_true(cli_change_lines(buffer_text(&before), buffer_text(&after), &out));
    assert_int_equal(text_columns(buffer_text(&out)), 2 * (2 + 1 + 30 + 1 + 30 + 1) + 2);
    buffer_finish(&before);
    buffer_finish(&after);
    buffer_finish(&out);
}

static void test_cli_change__shows_commands_to_the_terminal(void **state)
{
    (void)state;
    assert_lines("a\033[31m", "b\xe2\x80\xae", "- a\\x1b[31m\n+ b\\u202e\n");
    assert_lines("one\ntwo\n", NULL, "- one\n- two\n");
    assert_lines("one\ntwo\033c", "one\ntwo", "- one two\\x1bc\n+ one two\n");
}

static void test_cli_change__survives_every_failing_allocation(void **state)
{
    unsigned long failures = 0;

    (void)state;
    for (unsigned long n = 1;; n++) {
        struct buffer out = {0};
        bool ok, hit;

        fault_arm(n);
        ok = cli_change_lines("One. " LONG LONG "Two.", "Uno. " LONG LONG "Three.", &out);
        hit = fault_disarm();
        buffer_finish(&out);
        failures += !ok;
        assert_true(ok || hit);
        if (!hit)
            break;
    }
    assert_in_range(failures, 5, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cli_change__says_short_texts_whole),
        cmocka_unit_test(test_cli_change__shows_of_long_texts_what_changed),
        cmocka_unit_test(test_cli_change__counts_columns),
        cmocka_unit_test(test_cli_change__shows_commands_to_the_terminal),
        cmocka_unit_test(test_cli_change__survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
