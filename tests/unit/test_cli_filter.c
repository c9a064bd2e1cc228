/* --open, --closing-within, --for-us and --for as people write them; and the order by deadline. */
#include "node/cli/cli_filter.h"

#include "common/limits.h"
#include "common/moment.h"
#include "node/cli/cli_soonest.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct cli_command command = {
    .name = "list", .group = "g", .usage = "list", .help = "Example: caravan list"};

/* The filter that these arguments give; code in *code. */
static void take(struct cli_filter *filter, const char *const *arguments, int *code,
                 struct error *error)
{
    const struct cli_option options[] = {CLI_FILTER_OPTIONS(*filter), {.name = NULL}};
    struct cli cli = {0};
    char copies[8][64], *argv[8];
    int count = 0, rest;

    for (; arguments[count]; count++) {
        snprintf(copies[count], sizeof copies[count], "%s", arguments[count]);
        argv[count] = copies[count];
    }
    *code = cli_options(&cli, &command, options, count, argv, &rest, error);
    if (!*code)
        *code = cli_filter_take(filter, error);
    /* what points to the copies is not looked at later */
    filter->closing_within = filter->institution = NULL;
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_for(const char *text, const char *country, const char *types)
{
    struct cli_filter filter = {0};
    struct error error = {0};
    char found[64] = "";
    int code;

    take(&filter, ARGUMENTS("--for", text), &code, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(code, ERROR_NONE);
    assert_string_equal(filter.filter.for_country, country);
    for (size_t i = 0; i < filter.filter.n_for_type; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%d ",
                 (int)filter.filter.for_type[i]);
    assert_string_equal(found, types);
    assert_int_equal(filter_check(&filter.filter, NULL), ERROR_NONE);
}

static void test_cli_filter__knows_institutions(void **state)
{
    (void)state;
    assert_for("TH", "TH", "");
    assert_for("Thailand,university", "TH", "1 ");
    assert_for("th, university, SME", "TH", "1 4 ");
    assert_for("Korea, Republic of", "KR", "");
    assert_for("Korea, Republic of,institute", "KR", "2 ");
    assert_for("CN,institute,company,sme,park,ministry,ngo,funder,university", "CN",
               "2 3 4 5 6 7 8 1 ");
}

static void assert_refused(const char *const *arguments, const char *text)
{
    struct cli_filter filter = {0};
    struct error error = {0};
    int code;

    take(&filter, arguments, &code, &error);
    assert_int_equal(code, ERROR_USAGE);
    assert_string_equal(error.text, text);
}

static void test_cli_filter__says_what_it_expected(void **state)
{
    (void)state;
    assert_refused(ARGUMENTS("--for", "Thailnd,university"),
                   "--for: found \"Thailnd\", expected a country like TH or Thailand, and kinds of "
                   "organisation behind it: TH,university; did you mean Thailand?");
    assert_refused(ARGUMENTS("--for", "TH,univrsity"),
                   "--for: found \"univrsity\", expected after the country kinds of organisation: "
                   "university, institute, company, sme, park, ministry, ngo, funder; did you mean "
                   "university?");
    assert_refused(ARGUMENTS("--for", "TH,"),
                   "--for: found \"\", expected after the country kinds of organisation: "
                   "university, institute, company, sme, park, ministry, ngo, funder");
    assert_refused(ARGUMENTS("--for", ""),
                   "--for: found \"\", expected a country like TH or Thailand, and kinds of "
                   "organisation behind it: TH,university");
    assert_refused(ARGUMENTS("--for", "TH,ngo,ngo,ngo,ngo,ngo,ngo,ngo,ngo,ngo"),
                   "--for: found more than 8 kinds of organisation, expected each once");
    assert_refused(ARGUMENTS("--for", "TH", "--for-us"),
                   "--for-us and --for: found both, expected one");
    assert_refused(ARGUMENTS("--closing-within", "soon"),
                   "--closing-within: found \"soon\", expected a time from now on like 36h, 14d, 2 "
                   "weeks or 1 month, at most 100 years");
}

static void test_cli_filter__passes_on_what_was_asked(void **state)
{
    struct cli_filter filter = {0};
    struct error error = {0};
    int code;

    (void)state;
    take(&filter, ARGUMENTS("--open", "--for-us", "--closing-within", "14d"), &code, &error);
    assert_int_equal(code, ERROR_NONE);
    assert_true(filter.filter.open && filter.filter.for_us && !filter.filter.for_country);
    assert_true(filter.filter.closing_within_ms == UINT64_C(14) * 86400000);
    memset(&filter, 0, sizeof filter);
    take(&filter, ARGUMENTS("--kind", "visit"), &code, &error);
    assert_int_equal(code, ERROR_NONE);
    assert_false(filter_asks_dates(&filter.filter) || filter.filter.for_us);
}

/* ---- durations ------------------------------------------------------------------------------- */

static uint64_t duration(const char *text, const char *now)
{
    struct error error = {0};
    int64_t now_ms;
    uint64_t ms;
    int code;

    assert_int_equal(moment_ms_from_rfc3339(now, strlen(now), &now_ms, NULL), ERROR_NONE);
    code = cli_filter_duration("--closing-within", text, now_ms, &ms, &error);
    assert_int_equal(code == ERROR_NONE, ms > 0);
    assert_true(!code || (code == ERROR_USAGE && strstr(error.text, "--closing-within: found \"")));
    return ms / 1000;
}

#define HOUR 3600u
#define DAY (24 * HOUR)

static void test_cli_filter__reads_durations(void **state)
{
    const char *now = "2027-01-31T10:00:00Z";

    (void)state;
    assert_int_equal(duration("14d", now), 14 * DAY);
    assert_int_equal(duration("14 days", now), 14 * DAY);
    assert_int_equal(duration("1  day", now), DAY);
    assert_int_equal(duration("2 weeks", now), 14 * DAY);
    assert_int_equal(duration("36 hours", now), 36 * HOUR);
    assert_int_equal(duration("36h", now), 36 * HOUR);
    assert_int_equal(duration("90min", now), 90 * 60);
    assert_int_equal(duration("10s", now), 10);
    assert_int_equal(duration("100 years", now), (100u * 365 + 24) * (uint64_t)DAY);
}

/* By the calendar: from 31 January to the last day of February. */
static void test_cli_filter__counts_months_in_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(duration("1 month", "2027-01-31T10:00:00Z"), 28 * DAY);
    assert_int_equal(duration("1 month", "2028-01-31T10:00:00Z"), 29 * DAY);
    assert_int_equal(duration("2 months", "2027-07-01T00:00:00Z"), 62 * DAY);
    assert_int_equal(duration("1 year", "2027-03-01T00:00:00Z"), 366 * DAY);
}

static void test_cli_filter__refuses_what_is_no_duration(void **state)
{
    static const char *const texts[] = {"",
                                        "14",
                                        "d",
                                        "-14d",
                                        "14 d x",
                                        "1.5 days",
                                        "0d",
                                        "14 fortnights",
                                        "{value: 3, unit: day}",
                                        "14d # a comment",
                                        "101 years",
                                        "99999999999999999999 days",
                                        "18446744073709551615 weeks",
                                        "1844674407370955161 months",
                                        "40000000000000000000000000000000000000000 d"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(duration(texts[i], "2027-01-31T10:00:00Z"), 0);
}

/* ---- the order by deadline ------------------------------------------------------------------- */

static Caravan__Item item(uint64_t closes_ms, uint64_t arrival, char *name)
{
    Caravan__Item one = CARAVAN__ITEM__INIT;

    one.has_closes_ms = closes_ms != 0;
    one.closes_ms = closes_ms;
    one.has_arrival = 1;
    one.arrival = arrival;
    one.name = name;
    return one;
}

static void assert_order(const struct cli_soonest *soonest, const char *expected)
{
    char found[64] = "";

    for (size_t i = 0; i < soonest->count; i++) {
        const Caravan__Item *one;
        struct arena arena;

        arena_init(&arena, LIMIT_ARENA_SIZE);
        one = cli_soonest_get(soonest, i, &arena);
        assert_non_null(one);
        strncat(found, one->name, sizeof found - strlen(found) - 1);
        arena_finish(&arena);
    }
    assert_string_equal(found, expected);
}

/* Over all pages; of two that close together the newer one first; what has no deadline last. */
static void test_cli_soonest__keeps_the_nearest_of_all_pages(void **state)
{
    Caravan__Item a = item(300, 9, "a"), b = item(100, 8, "b"), c = item(300, 7, "c");
    Caravan__Item d = item(0, 6, "d"), e = item(200, 5, "e"), f = item(50, 4, "f");
    Caravan__Item *first[] = {&a, &b, &c}, *second[] = {&d, &e, &f};
    struct cli_soonest all = {.limit = 0}, three = {.limit = 3};

    (void)state;
    assert_int_equal(cli_soonest_add(&all, first, 3, NULL), ERROR_NONE);
    assert_order(&all, "bac");
    assert_int_equal(cli_soonest_add(&all, second, 3, NULL), ERROR_NONE);
    assert_order(&all, "fbeacd");
    assert_int_equal(cli_soonest_add(&three, first, 3, NULL), ERROR_NONE);
    assert_int_equal(cli_soonest_add(&three, second, 3, NULL), ERROR_NONE);
    assert_order(&three, "fbe");
    cli_soonest_finish(&all);
    cli_soonest_finish(&three);
    assert_int_equal(cli_soonest_add(&three, NULL, 0, NULL), ERROR_NONE);
    assert_order(&three, "");
}

static void test_cli_soonest__says_when_memory_runs_out(void **state)
{
    Caravan__Item a = item(300, 9, "a"), b = item(100, 8, "b");
    Caravan__Item *items[] = {&a, &b};
    unsigned failures = 0;
    int code = ERROR_MEMORY;

    (void)state;
    for (unsigned long n = 1; code == ERROR_MEMORY; n++) {
        struct cli_soonest soonest = {.limit = 5};

        fault_arm(n);
        code = cli_soonest_add(&soonest, items, 2, NULL);
        failures += fault_disarm();
        cli_soonest_finish(&soonest);
    }
    assert_int_equal(code, ERROR_NONE);
    assert_int_equal(failures, 3); /* the list, and the bytes of each */
}

static void test_cli_filter__knows_a_time_that_is_not_quoted(void **state)
{
    struct cli_filter filter = {.closing_within = "36"};
    char *hours[] = {(char *)(uintptr_t) "hours"}, *months[] = {(char *)(uintptr_t) "months"},
         *other[] = {(char *)(uintptr_t) "th-demo/4"};
    struct error error = {0};

    (void)state;
    assert_int_equal(cli_filter_check_rest(&filter, 0, NULL, &error), ERROR_NONE);
    assert_int_equal(cli_filter_check_rest(&filter, 1, other, &error), ERROR_NONE);
    assert_int_equal(cli_filter_check_rest(&filter, 1, hours, &error), ERROR_USAGE);
    assert_string_equal(error.text, "--closing-within: found 36 and hours apart from each other, "
                                    "expected \"36 hours\" in quotes, or 36h");
    assert_int_equal(cli_filter_check_rest(&filter, 1, months, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, "\"36 months\" in quotes, or 36months"));
    filter.closing_within = "36h";
    assert_int_equal(cli_filter_check_rest(&filter, 1, hours, &error), ERROR_NONE);
    filter.closing_within = NULL;
    assert_int_equal(cli_filter_check_rest(&filter, 1, hours, &error), ERROR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cli_filter__knows_institutions),
        cmocka_unit_test(test_cli_filter__says_what_it_expected),
        cmocka_unit_test(test_cli_filter__passes_on_what_was_asked),
        cmocka_unit_test(test_cli_filter__reads_durations),
        cmocka_unit_test(test_cli_filter__counts_months_in_the_calendar),
        cmocka_unit_test(test_cli_filter__refuses_what_is_no_duration),
        cmocka_unit_test(test_cli_filter__knows_a_time_that_is_not_quoted),
        cmocka_unit_test(test_cli_soonest__keeps_the_nearest_of_all_pages),
        cmocka_unit_test(test_cli_soonest__says_when_memory_runs_out),
    };
    return cmocka_run_group_tests_name("cli_filter", tests, NULL, NULL);
}
