#include "node/config/recovery_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"
#include "node/config/home_new.h"

static uint8_t made[32];
static struct buffer paper; /* ends with a NUL */

static int setup(void **state)
{
    const struct id feed = {{1}}, public = {{2}};

    (void)state;
    assert_int_equal(secret_start(NULL), 0);
    for (size_t i = 0; i < sizeof made; i++)
        made[i] = (uint8_t)(7 * i + 3);
    assert_true(home_new_paper("Test (th-test)", "test", &feed, &public, made, &paper));
    assert_true(buffer_append(&paper, "", 1));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_finish(&paper);
    return 0;
}

static char *text(void)
{
    return (char *)paper.data;
}

static int read_text(const char *page, uint8_t secret[32], struct error *error)
{
    return recovery_paper_read(span_of_text(page), secret, error);
}

static void assert_refused(const char *page, const char *says)
{
    uint8_t secret[32], nothing[32] = {0};
    struct error error = {0};

    memset(secret, 1, sizeof secret);
    assert_int_equal(read_text(page, secret, &error), ERROR_INVALID);
    if (!strstr(error.text, says))
        fail_msg("\"%s\" does not say \"%s\"", error.text, says);
    assert_memory_equal(secret, nothing, sizeof secret);
}

/* Where line `number` begins, and its first digit. */
static char *line_at(unsigned number)
{
    char begin[] = "\n    1   ";

    begin[5] = (char)('0' + number);
    return strstr(text(), begin) + 1;
}

static void test_recovery_paper__reads_what_was_printed(void **state)
{
    uint8_t secret[32];

    (void)state;
    assert_int_equal(read_text(text(), secret, NULL), ERROR_NONE);
    assert_memory_equal(secret, made, sizeof made);
}

static void test_recovery_paper__reads_the_four_lines_as_somebody_types_them(void **state)
{
    char typed[512] = "", *at = typed;
    uint8_t secret[32];

    (void)state;
    for (unsigned i = 4; i >= 1; i--) {
        const char *line = line_at(i);
        size_t size = strcspn(line, "\n");

        for (size_t k = 0; k < size; k++)
            if (k < 8 || line[k] != ' ' || i % 2)
                *at++ = (char)(i == 1 && !strchr("chek", line[k]) ? toupper((unsigned char)line[k])
                                                                  : line[k]);
        strcpy(at, "\r\n");
        at += 2;
    }
    assert_int_equal(read_text(typed, secret, NULL), ERROR_NONE);
    assert_memory_equal(secret, made, sizeof made);
}

static void test_recovery_paper__every_slip_is_found_and_its_line_named(void **state)
{
    (void)state;
    for (unsigned number = 1; number <= 4; number++) {
        char *line = line_at(number), says[16];

        snprintf(says, sizeof says, "line %u", number);
        for (size_t i = 8; line[i] != '\n'; i++) {
            char was = line[i];

            if (was == ' ')
                continue;
            line[i] = was == '0' ? '1' : '0';
            assert_refused(text(), says);
            line[i] = 'x';
            assert_refused(text(), says);
            line[i] = was;
        }
    }
}

static void test_recovery_paper__lines_that_are_missing_or_too_many_are_named(void **state)
{
    char page[4096];
    char *line = line_at(3);

    (void)state;
    assert_refused("", "line 1 is missing");
    assert_refused("no paper at all\n", "line 1 is missing");
    snprintf(page, sizeof page, "%s%.*s\n", text(), (int)strcspn(line, "\n"), line);
    assert_refused(page, "line 3 stands there twice");
    snprintf(page, sizeof page, "%.*s", (int)(line - text()), text());
    assert_refused(page, "line 3 is missing");
    assert_refused("5 0011 2233 4455 6677 check 0000\n", "expected lines 1 to 4");
    assert_refused("1 0011 2233 4455 check 0000\n", "expected 16 digits");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_recovery_paper__reads_what_was_printed),
        TEST(test_recovery_paper__reads_the_four_lines_as_somebody_types_them),
        TEST(test_recovery_paper__every_slip_is_found_and_its_line_named),
        TEST(test_recovery_paper__lines_that_are_missing_or_too_many_are_named),
    };
#undef TEST

    return cmocka_run_group_tests_name("recovery_paper", tests, NULL, NULL);
}
