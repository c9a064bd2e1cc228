/* What is valid UTF-8, and where it ends. */
#include "common/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_utf8__takes_what_rfc_3629_takes(void **state)
{
    static const char *const valid[] = {"",
                                        "a",
                                        "plain text of more than eight",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const broken[] = {"\x80",
                                         "\xc0\x80",
                                         "\xc1\xbf",
                                         "\xe0\x9f\xbf",
                                         "\xed\xa0\x80",
                                         "\xf0\x8f\xbf\xbf",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xff",
                                         "\xc2",
                                         "\xe2\x82",
                                         "\xf0\x9f\x98",
                                         "\xc2\x41"};

    (void)state;
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        assert_int_equal(utf8_check(span_of_text(valid[i])), strlen(valid[i]));
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(utf8_check(span_of_text(broken[i])), 0);
}

/* Wherever in a text the first bad byte is, and whatever is before and behind it. */
static void test_utf8__finds_the_first_bad_byte(void **state)
{
    static const char *const parts[] = {"a", "\xc3\xa9", "\xe0\xb8\x81", "\xf0\x9f\x98\x80"};
    char text[128];

    (void)state;
    for (size_t part = 0; part < 4; part++)
        for (size_t ascii = 0; ascii < 20; ascii++) {
            size_t size = strlen(parts[part]), bad;

            memset(text, 'x', sizeof text);
            memcpy(text + ascii, parts[part], size);
            assert_int_equal(utf8_check(span_of(text, 60)), 60);
            for (bad = 0; bad < 60; bad++) {
                char before = text[bad];
                bool inside = bad > ascii && bad < ascii + size;

                text[bad] = '\xff';
                assert_int_equal(utf8_check(span_of(text, 60)), inside ? ascii : bad);
                text[bad] = before;
            }
            for (size_t end = 0; end < 60; end++) /* cut off */
                assert_int_equal(utf8_check(span_of(text, end)),
                                 end > ascii && end < ascii + size ? ascii : end);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8__takes_what_rfc_3629_takes),
        cmocka_unit_test(test_utf8__finds_the_first_bad_byte),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
