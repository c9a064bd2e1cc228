#include "common/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct moment_date date(const char *text)
{
    struct moment_date read = {0, 0, 0};

    assert_int_equal(moment_date_from_text(text, strlen(text), &read, NULL), 0);
    return read;
}

static void assert_rfc3339(int64_t ms, const char *expected)
{
    char text[MOMENT_RFC3339_SIZE];

    moment_ms_to_rfc3339(ms, text);
    assert_string_equal(text, expected);
}

static void test_moment__the_length_of_a_date_is_its_precision(void **state)
{
    static const char *const dates[] = {"2024", "2024-08", "2024-08-01", "0001-01-01",
                                        "9999-12-31"};
    static const enum moment_precision precisions[] = {MOMENT_YEAR, MOMENT_MONTH, MOMENT_DAY,
                                                       MOMENT_DAY, MOMENT_DAY};

    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct moment_date read = date(dates[i]);
        char text[MOMENT_DATE_SIZE];

        assert_true(moment_date_valid(&read));
        assert_int_equal(moment_date_precision(&read), precisions[i]);
        moment_date_to_text(&read, text);
        assert_string_equal(text, dates[i]);
    }
}

static void test_moment__refuses_what_is_no_date(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "is no date; expected 2024, 2024-08 or 2024-08-01"},
        {"24-08-01", "is no date"},
        {"2024-8-1", "is no date"},
        {"2024-", "is no date"},
        {"2024-08-", "is no date"},
        {"2024-00", "is no date"},
        {"2024-08-00", "is no date"},
        {"2024/08/01", "is no date"},
        {"2024-08-01 ", "is no date"},
        {"2024-08-01x", "is no date"},
        {"2024-13", "there is no month 13"},
        {"0000", "there is no year"},
        {"2023-02-29", "February 2023 has 28 days"},
        {"1900-02-29", "February 1900 has 28 days"},
        {"2024-04-31", "April 2024 has 30 days"},
        {"tomorrow", "is no date"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct moment_date read = {1, 2, 3};
        struct error error = {0};

        assert_int_equal(moment_date_from_text(bad[i].text, strlen(bad[i].text), &read, &error),
                         ERROR_INVALID);
        if (!strstr(error.text, bad[i].says))
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", bad[i].text, error.text, bad[i].says);
        assert_int_equal(read.year, 1); /* untouched */
    }
}

static void test_moment__counts_every_day_both_ways(void **state)
{
    struct moment_date day = date("1970-01-01"), none = {0, 0, 0};
    struct moment_date previous;

    (void)state;
    assert_int_equal(moment_date_to_days(&day), 0);
    day = date("2000-03-01");
    assert_int_equal(moment_date_to_days(&day), 11017);
    day = date("0001-01-01");
    assert_int_equal(moment_date_to_days(&day), -719162);
    previous = day;
    for (int64_t days = -719161; days <= 2932896; days++) {
        day = moment_date_from_days(days);
        assert_true(moment_date_valid(&day));
        assert_int_equal(moment_date_to_days(&day), days);
        assert_int_equal(moment_date_compare(&previous, &day), -1);
        previous = day;
    }
    assert_int_equal(day.year, 9999);
    day = moment_date_from_days(2932897);
    assert_memory_equal(&day, &none, sizeof day);
    day = moment_date_from_days(INT64_MIN);
    assert_memory_equal(&day, &none, sizeof day);
}

static void test_moment__knows_the_days_a_date_covers(void **state)
{
    static const struct {
        const char *text, *first, *last;
    } cases[] = {
        {"2024", "2024-01-01", "2024-12-31"},
        {"2024-02", "2024-02-01", "2024-02-29"},
        {"2023-02", "2023-02-01", "2023-02-28"},
        {"2024-02-05", "2024-02-05", "2024-02-05"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct moment_date read = date(cases[i].text), first, last;
        char text[MOMENT_DATE_SIZE];

        first = moment_date_first_day(&read);
        last = moment_date_last_day(&read);
        moment_date_to_text(&first, text);
        assert_string_equal(text, cases[i].first);
        moment_date_to_text(&last, text);
        assert_string_equal(text, cases[i].last);
    }
}

static void test_moment__adds_months(void **state)
{
    static const struct {
        const char *text;
        int months;
        const char *sum;
    } cases[] = {
        {"2024-01-31", 1, "2024-02-29"},
        {"2024-01-31", -2, "2023-11-30"},
        {"2026-11-23", 24, "2028-11-23"},
        {"2024-08", 12, "2025-08"},
        {"2024", 24, "2026"},
        {"2024-12-31", 1, "2025-01-31"},
        {"9999-12-01", 1, ""},
        {"0001-01-01", -1, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct moment_date read = date(cases[i].text);
        struct moment_date sum = moment_date_add_months(&read, cases[i].months);
        char text[MOMENT_DATE_SIZE];

        moment_date_to_text(&sum, text);
        assert_string_equal(text, cases[i].sum);
    }
}

static void test_moment__a_day_ends_when_it_has_ended_everywhere(void **state)
{
    struct moment_date day = date("2018-07-06"), month = date("2024-02");

    (void)state;
    assert_rfc3339(moment_date_end_ms(&day), "2018-07-07T12:00:00Z");
    assert_rfc3339(moment_date_start_ms(&day), "2018-07-05T10:00:00Z");
    assert_rfc3339(moment_date_end_ms(&month), "2024-03-01T12:00:00Z");
}

static void test_moment__compares_dates(void **state)
{
    struct moment_date year = date("2024"), month = date("2024-01"), later = date("2024-01-02");

    (void)state;
    assert_int_equal(moment_date_compare(&year, &month), -1);
    assert_int_equal(moment_date_compare(&month, &year), 1);
    assert_int_equal(moment_date_compare(&later, &month), 1);
    assert_int_equal(moment_date_compare(&year, &year), 0);
}

/* Text as written, its canonical form, and when it is over. */
static void test_moment__reads_instants(void **state)
{
    static const struct {
        const char *text, *canonical, *end;
    } cases[] = {
        {"2024-05-15 16:00 Asia/Bangkok", NULL, "2024-05-15T09:00:00Z"},
        {"2024-05-15 16:00 UTC", NULL, "2024-05-15T16:00:00Z"},
        {"2024-05-15T16:00:00Z", "2024-05-15 16:00:00 UTC", "2024-05-15T16:00:00Z"},
        {"2024-05-15T16:00Z", "2024-05-15 16:00 UTC", "2024-05-15T16:00:00Z"},
        {"2024-05-15 16:00 +07:00", NULL, "2024-05-15T09:00:00Z"},
        {"2024-05-15 16:00+0530", "2024-05-15 16:00 +05:30", "2024-05-15T10:30:00Z"},
        {"2024-05-15 16:00-09", "2024-05-15 16:00 -09:00", "2024-05-16T01:00:00Z"},
        {"2024-05-15T16:00:30 Africa/Johannesburg", "2024-05-15 16:00:30 Africa/Johannesburg",
         "2024-05-15T14:00:30Z"},
        {"2024-05-15 24:00 Europe/Moscow", NULL, "2024-05-15T21:00:00Z"},
        {"2024-05-15 Asia/Shanghai", NULL, "2024-05-15T16:00:00Z"}, /* the end of the day there */
        {"2024-05 UTC", NULL, "2024-06-01T00:00:00Z"},
        {"2018-07-06", NULL, "2018-07-07T12:00:00Z"}, /* ended everywhere */
        {"2018-07-06 16:00", NULL, "2018-07-07T04:00:00Z"},
        {"2024", NULL, "2025-01-01T12:00:00Z"},
        {"2024-03-10 02:30 America/New_York", NULL, "2024-03-10T07:30:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct moment_instant instant, again;
        struct error error = {0};
        char text[MOMENT_INSTANT_SIZE];
        int64_t ms = 0;

        if (moment_instant_from_text(cases[i].text, strlen(cases[i].text), &instant, &error))
            fail_msg("%s: %s", cases[i].text, error.text);
        moment_instant_to_text(&instant, text);
        assert_string_equal(text, cases[i].canonical ? cases[i].canonical : cases[i].text);
        assert_int_equal(moment_instant_from_text(text, strlen(text), &again, NULL), 0);
        assert_memory_equal(&again, &instant, sizeof again);
        assert_int_equal(moment_instant_end_ms(&instant, &ms, &error), 0);
        assert_rfc3339(ms, cases[i].end);
    }
}

static void test_moment__keeps_what_was_not_stated_apart(void **state)
{
    struct moment_instant instant;

    (void)state;
    assert_int_equal(moment_instant_from_text("2018-07-06", 10, &instant, NULL), 0);
    assert_false(instant.has_time);
    assert_string_equal(instant.zone, "");
    assert_int_equal(moment_instant_from_text("2018-07-06 16:00", 16, &instant, NULL), 0);
    assert_true(instant.has_time);
    assert_false(instant.has_seconds);
    assert_string_equal(instant.zone, "");
}

static void test_moment__refuses_what_is_no_instant(void **state)
{
    static const struct {
        const char *text;
        enum error_code code;
        const char *says;
    } bad[] = {
        {"2024-05-15 ", ERROR_INVALID, "is no moment"},
        {"2024-05-15T", ERROR_INVALID, "is no moment"},
        {"2024-05-15 16", ERROR_INVALID, "is no moment"},
        {"2024-05-15 16:0", ERROR_INVALID, "is no moment"},
        {"2024-05-15 25:00 UTC", ERROR_INVALID, "is no moment"},
        {"2024-05-15 24:01 UTC", ERROR_INVALID, "is no moment"},
        {"2024-05-15 16:60 UTC", ERROR_INVALID, "is no moment"},
        {"2024-05-15 4 pm", ERROR_INVALID, "is no moment"},
        {"2024-05 16:00 UTC", ERROR_INVALID, "is no moment"},
        {"2024-05-15Z", ERROR_INVALID, "is no moment"},
        {"2024-05-15 16:00 +7", ERROR_INVALID, "is no time zone"},
        {"2024-05-15 16:00 +24:00", ERROR_INVALID, "is no time zone"},
        {"2024-05-15 16:00 ../../etc/passwd", ERROR_INVALID, "is no name of a time zone"},
        {"2024-05-15 16:00 asia/bangkok", ERROR_NOT_FOUND, "did you mean Asia/Bangkok?"},
        {"2024-05-15 16:00 UT", ERROR_NOT_FOUND, "did you mean UTC?"},
        {"2024-05-15 16:00 Asia/Atlantis", ERROR_NOT_FOUND, "there is no time zone"},
        {"2024-02-30 16:00 UTC", ERROR_INVALID, "February 2024 has 29 days"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct moment_instant instant;
        struct error error = {0};

        assert_int_equal(
            moment_instant_from_text(bad[i].text, strlen(bad[i].text), &instant, &error),
            bad[i].code);
        if (!strstr(error.text, bad[i].says))
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", bad[i].text, error.text, bad[i].says);
    }
}

static void test_moment__machine_time_goes_both_ways(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *canonical;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, NULL},
        {"2024-05-15T16:00:00Z", INT64_C(1715788800000), NULL},
        {"2024-05-15T16:00:00.250Z", INT64_C(1715788800250), NULL},
        {"2024-05-15T23:00:00+07:00", INT64_C(1715788800000), "2024-05-15T16:00:00Z"},
        {"2024-05-15t16:00:00.2509z", INT64_C(1715788800250), "2024-05-15T16:00:00.250Z"},
        {"1969-12-31T23:59:59.999Z", -1, NULL},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800000), NULL},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799000), NULL},
    };
    static const char *const bad[] = {"2024-05-15",
                                      "2024-05-15T16:00Z",
                                      "2024-05-15T16:00:00",
                                      "2024-05-15T24:00:00Z",
                                      "2024-05-15T16:00:00.Z",
                                      "2024-05-15T16:00:00 UTC",
                                      "2024-05-15T16:00:00UTC",
                                      "2024-05-15T16:00:60Z",
                                      ""};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 1;

        assert_int_equal(moment_ms_from_rfc3339(cases[i].text, strlen(cases[i].text), &ms, NULL),
                         0);
        assert_int_equal(ms, cases[i].ms);
        assert_rfc3339(ms, cases[i].canonical ? cases[i].canonical : cases[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;

        assert_int_equal(moment_ms_from_rfc3339(bad[i], strlen(bad[i]), &ms, NULL), ERROR_INVALID);
    }
    assert_rfc3339(INT64_MAX, "9999-12-31T23:59:59.807Z");
    assert_rfc3339(INT64_MIN, "0001-01-01T00:00:00.192Z");
}

static void test_moment__offsets_go_both_ways(void **state)
{
    char text[MOMENT_DATE_SIZE];
    int32_t offset;

    (void)state;
    moment_offset_to_text(-(9 * 3600 + 1800), text);
    assert_string_equal(text, "-09:30");
    assert_true(moment_offset_from_text(text, strlen(text), &offset));
    assert_int_equal(offset, -(9 * 3600 + 1800));
    assert_false(moment_offset_from_text("+0760", 5, &offset));
    assert_false(moment_offset_from_text("07:00", 5, &offset));
    assert_false(moment_offset_from_text("", 0, &offset));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moment__the_length_of_a_date_is_its_precision),
        cmocka_unit_test(test_moment__refuses_what_is_no_date),
        cmocka_unit_test(test_moment__counts_every_day_both_ways),
        cmocka_unit_test(test_moment__knows_the_days_a_date_covers),
        cmocka_unit_test(test_moment__adds_months),
        cmocka_unit_test(test_moment__a_day_ends_when_it_has_ended_everywhere),
        cmocka_unit_test(test_moment__compares_dates),
        cmocka_unit_test(test_moment__reads_instants),
        cmocka_unit_test(test_moment__keeps_what_was_not_stated_apart),
        cmocka_unit_test(test_moment__refuses_what_is_no_instant),
        cmocka_unit_test(test_moment__machine_time_goes_both_ways),
        cmocka_unit_test(test_moment__offsets_go_both_ways),
    };

    return cmocka_run_group_tests_name("moment", tests, NULL, NULL);
}
