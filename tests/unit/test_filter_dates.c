/* Which announcements somebody wants to see: by their dates, and by who may apply. */
#include "common/filter.h"

#include "common/announcement.h"
#include "common/arena.h"
#include "common/eligible.h"
#include "common/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "kind: joint call\nlanguage: en\ntitle: A\nparties: {name: A, country: TH}\n"
#define SECOND INT64_C(1000)
#define DAY (86400 * SECOND)

static const struct moment_date today = {2026, 11, 23};

static int64_t at(const char *rfc3339)
{
    int64_t ms;

    assert_int_equal(moment_ms_from_rfc3339(rfc3339, strlen(rfc3339), &ms, NULL), 0);
    return ms;
}

static const Caravan__Announcement *read(const char *lines, struct arena *arena)
{
    struct problem_list problems = {0};
    Caravan__Announcement *announcement = NULL;
    char yaml[1024];

    arena_init(arena, LIMIT_ARENA_SIZE);
    snprintf(yaml, sizeof yaml, "%s%s", HEAD, lines);
    assert_int_equal(
        announcement_read(span_of_text(yaml), &today, arena, &announcement, NULL, &problems), 0);
    problem_list_finish(&problems);
    return announcement;
}

static Caravan__Filter asking(const char *moment, const char *within)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    filter.has_open = filter.open = !within;
    filter.has_closing_within_ms = within != NULL;
    filter.closing_within_ms = within ? strtoull(within, NULL, 10) * (uint64_t)DAY : 0;
    filter.has_at_ms = 1;
    filter.at_ms = (uint64_t)at(moment);
    return filter;
}

/* Is it open at a moment, or (within: days) does it close soon? The state says the same. */
static bool matches(const char *lines, const char *moment, const char *within)
{
    Caravan__Filter filter = asking(moment, within);
    struct announcement_window window;
    struct arena arena;
    const Caravan__Announcement *announcement = read(lines, &arena);
    bool open = announcement_state_at(announcement, at(moment)) == ANNOUNCEMENT_OPEN, match;

    window = announcement_window(announcement);
    assert_int_equal(open, window.opens_ms <= at(moment) && at(moment) < window.ends_ms);
    match = filter_matches_dates(&filter, &window);
    assert_true(within ? !match || open : match == open);
    arena_finish(&arena);
    return match;
}

#define BANGKOK "deadline: 2027-03-31 16:00 Asia/Bangkok\nvalid until: 2027-12-31\n"

static void test_filter_dates__closes_at_the_very_minute(void **state)
{
    (void)state;
    assert_true(matches(BANGKOK, "2027-03-31T08:59:59Z", NULL));
    assert_false(matches(BANGKOK, "2027-03-31T09:00:00Z", NULL));
    /* the clock of Kiribati shows 1 April already, that of Bangkok decides */
    assert_true(matches(BANGKOK, "2027-03-31T22:59:59+14:00", NULL));
    assert_false(matches(BANGKOK, "2027-03-31T23:00:00+14:00", NULL));
}

static void test_filter_dates__a_day_ends_when_it_has_ended_everywhere(void **state)
{
    (void)state;
    assert_true(matches("deadline: 2027-03-31\n", "2027-04-01T11:59:59Z", NULL));
    assert_false(matches("deadline: 2027-03-31\n", "2027-04-01T12:00:00Z", NULL));
    assert_true(matches("deadline: 2027-03-31 16:00\n", "2027-04-01T03:59:59Z", NULL));
    assert_false(matches("deadline: 2027-03-31 16:00\n", "2027-04-01T04:00:00Z", NULL));
    assert_true(matches("deadline: 2027-03-31 Asia/Bangkok\n", "2027-03-31T16:59:59Z", NULL));
    assert_false(matches("deadline: 2027-03-31 Asia/Bangkok\n", "2027-03-31T17:00:00Z", NULL));
}

static void test_filter_dates__opens_when_the_day_begins_somewhere(void **state)
{
    (void)state;
    assert_false(matches("opens: 2027-01-01\n" BANGKOK, "2026-12-31T09:59:59Z", NULL));
    assert_true(matches("opens: 2027-01-01\n" BANGKOK, "2026-12-31T10:00:00Z", NULL));
}

static void test_filter_dates__what_dates_do_not_tell_is_not_open(void **state)
{
    static const char *const lines[] = {"status: planned\n", "status: cancelled\n",
                                        "status: archived\n", "nature: historical\n"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[256];

        snprintf(text, sizeof text, "%s" BANGKOK, lines[i]);
        assert_false(matches(text, "2027-03-01T00:00:00Z", NULL));
        assert_false(matches(text, "2027-03-30T00:00:00Z", "14"));
    }
}

static void test_filter_dates__closes_within_a_time(void **state)
{
    (void)state;
    assert_false(matches(BANGKOK, "2027-03-17T08:59:59Z", "14"));
    assert_true(matches(BANGKOK, "2027-03-17T09:00:00Z", "14"));
    assert_true(matches(BANGKOK, "2027-03-31T08:59:59Z", "14"));
    assert_false(matches(BANGKOK, "2027-03-31T09:00:00Z", "14"));
    assert_false(matches("opens: 2027-03-30\n" BANGKOK, "2027-03-29T00:00:00Z", "14"));
    assert_true(matches("opens: 2027-03-30\n" BANGKOK, "2027-03-30T00:00:00Z", "14"));
}

/* The end of its validity, or of the visit, is no deadline; nor is one of a call that takes
 * applications all the year. */
static void test_filter_dates__only_deadlines_are_near(void **state)
{
    (void)state;
    assert_true(matches("valid until: 2027-03-31\n", "2027-03-30T00:00:00Z", NULL));
    assert_false(matches("valid until: 2027-03-31\n", "2027-03-30T00:00:00Z", "14"));
    assert_false(matches("rolling: true\n" BANGKOK, "2027-03-30T00:00:00Z", "14"));
    assert_true(matches("rolling: true\n" BANGKOK, "2027-04-30T00:00:00Z", NULL));
    assert_false(
        matches("deadline: {what: result, at: 2027-03-31}\n", "2027-03-30T00:00:00Z", "14"));
}

/* The last one of all sides counts; validity that ends before it ends it. */
static void test_filter_dates__the_last_side_closes(void **state)
{
    const char *sides = "deadline:\n  - {at: 2027-03-31 16:00 Asia/Bangkok, party: TH}\n"
                        "  - {at: 2027-03-31 17:00 Africa/Johannesburg, party: ZA}\n";

    (void)state;
    assert_true(matches(sides, "2027-03-31T14:59:59Z", "1"));
    assert_false(matches(sides, "2027-03-31T15:00:00Z", "1"));
    assert_true(
        matches("deadline: 2027-03-31\nvalid until: 2027-02-28\n", "2027-03-01T11:59:59Z", NULL));
    assert_false(
        matches("deadline: 2027-03-31\nvalid until: 2027-02-28\n", "2027-03-01T12:00:00Z", NULL));
    assert_false(
        matches("deadline: 2027-03-31\nvalid until: 2027-02-28\n", "2027-02-27T12:00:00Z", "60"));
}

/* What somebody may have seen since it came. */
static void test_filter_dates__remembers_what_was_open_meanwhile(void **state)
{
    Caravan__Filter filter = asking("2027-04-10T00:00:00Z", NULL);
    struct arena arena;
    struct announcement_window window = announcement_window(read(BANGKOK, &arena));

    (void)state;
    assert_false(filter_matches_dates(&filter, &window));
    assert_true(filter_matched_dates(&filter, &window, at("2027-03-31T08:59:59Z")));
    assert_false(filter_matched_dates(&filter, &window, at("2027-03-31T09:00:00Z")));
    filter = asking("2027-03-20T00:00:00Z", "14");
    assert_true(filter_matched_dates(&filter, &window, 0));
    filter = asking("2027-03-10T00:00:00Z", "14");
    assert_false(filter_matched_dates(&filter, &window, 0));
    /* a clock that was set back: what came "later" is weighed at the moment itself */
    filter = asking("2027-03-20T00:00:00Z", NULL);
    assert_true(filter_matched_dates(&filter, &window, at("2027-06-01T00:00:00Z")));
    arena_finish(&arena);
}

static void test_filter_dates__knows_what_has_just_come_near(void **state)
{
    Caravan__Filter filter = asking("2027-03-17T09:00:00Z", "14");
    struct arena arena;
    struct announcement_window window = announcement_window(read(BANGKOK, &arena));

    (void)state;
    filter.has_entered_since_ms = 1;
    filter.entered_since_ms = filter.at_ms - 1;
    assert_true(filter_matches_dates(&filter, &window));
    filter.entered_since_ms = filter.at_ms;
    filter.at_ms += 5000;
    assert_false(filter_matches_dates(&filter, &window));
    arena_finish(&arena);
}

static void test_filter_dates__without_a_question_everything_matches(void **state)
{
    const struct announcement_window never = {INT64_MIN, INT64_MIN, false};
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    (void)state;
    assert_false(filter_asks_dates(NULL));
    assert_false(filter_asks_dates(&filter));
    assert_true(filter_matches_dates(NULL, &never));
    assert_true(filter_matches_dates(&filter, &never));
    filter.has_closing_within_ms = 1; /* 0 ms: in this very moment, which is none before its end */
    assert_true(filter_asks_dates(&filter));
    assert_true(filter_asks_content(&filter));
    assert_false(filter_matches_dates(&filter, &never));
}

/* ---- who may apply --------------------------------------------------------------------------- */

static bool may_apply(const char *lines, char *country, Caravan__OrganisationType type,
                      bool ineligible)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    struct buffer rules = {0};
    struct arena arena;
    bool match;

    assert_true(eligible_rules(read(lines, &arena), &rules));
    filter.for_country = country;
    filter.n_for_type = 1;
    filter.for_type = &type;
    filter.has_ineligible = 1;
    filter.ineligible = ineligible;
    assert_true(filter_asks_content(&filter));
    assert_int_equal(filter_asks_rules(&filter), !ineligible);
    assert_int_equal(filter_check(&filter, NULL), ERROR_NONE);
    match = filter_matches_rules(&filter, buffer_span(&rules));
    buffer_finish(&rules);
    arena_finish(&arena);
    return match;
}

#define UNIVERSITY CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_UNIVERSITY
#define COMPANY CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_COMPANY

static void test_filter_dates__leaves_out_what_a_rule_excludes(void **state)
{
    const char *rule =
        "eligibility: {who: organisation, countries: [TH, CN], org types: company}\n";

    (void)state;
    assert_true(may_apply(rule, "CN", COMPANY, false));
    assert_false(may_apply(rule, "CN", UNIVERSITY, false));
    assert_false(may_apply(rule, "LK", COMPANY, false));
    assert_true(may_apply(rule, "LK", COMPANY, true));
    assert_true(may_apply("", "LK", COMPANY, false)); /* not stated: it cannot be told */
}

/* Equal rules are equal bytes, whatever else is said; others are not. */
static void test_filter_dates__tells_rules_apart_by_their_bytes(void **state)
{
    static const char *const lines[] = {
        "deadline: 2027-03-31\neligibility: {who: organisation, org types: company, text: A}\n",
        "deadline: 2028-04-30\neligibility: {who: organisation, org types: company, text: B}\n",
        "deadline: 2027-03-31\neligibility: {who: organisation, org types: sme, text: A}\n",
        "eligibility: {who: organisation, org types: company}\n",
    };
    struct buffer rules[4] = {{0}};
    struct arena arena;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(eligible_rules(read(lines[i], &arena), &rules[i]));
        arena_finish(&arena);
    }
    assert_true(span_equal(buffer_span(&rules[0]), buffer_span(&rules[1])));
    assert_false(span_equal(buffer_span(&rules[0]), buffer_span(&rules[2])));
    assert_false(span_equal(buffer_span(&rules[0]), buffer_span(&rules[3])));
    for (size_t i = 0; i < 4; i++)
        buffer_finish(&rules[i]);
}

static void assert_refused(const Caravan__Filter *filter, const char *text)
{
    struct error error = {0};

    assert_int_equal(filter_check(filter, &error), ERROR_INVALID);
    assert_string_equal(error.text, text);
}

static void test_filter_dates__questions_are_checked(void **state)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    Caravan__OrganisationType type = (Caravan__OrganisationType)77;

    (void)state;
    filter.n_for_type = 1;
    filter.for_type = &type;
    assert_refused(&filter,
                   "for_type: found kinds of organisation, expected for_country with them");
    filter.for_country = "TH";
    assert_refused(&filter, "there is no kind of organisation with number 77");
    type = COMPANY;
    filter.for_us = 1;
    assert_refused(&filter, "for_us and for_country are both given, expected one of them");
    filter.for_us = 0;
    filter.for_country = "UK";
    assert_refused(&filter, "there is no country code \"UK\"; did you mean GB (United Kingdom)?");
    filter.for_country = "GB";
    filter.closing_within_ms = UINT64_C(253402300800001);
    assert_refused(&filter, "closing_within_ms: found 253402300800001, expected at most "
                            "253402300800000");
    filter.closing_within_ms = 0;
    filter.at_ms = UINT64_MAX;
    assert_refused(&filter, "at_ms: found 18446744073709551615, expected at most 253402300800000");
    filter.at_ms = 0;
    filter.n_for_type = FILTER_VALUES + 1;
    assert_refused(&filter, "a filter has more than 64 values of one sort; ask for fewer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter_dates__closes_at_the_very_minute),
        cmocka_unit_test(test_filter_dates__a_day_ends_when_it_has_ended_everywhere),
        cmocka_unit_test(test_filter_dates__opens_when_the_day_begins_somewhere),
        cmocka_unit_test(test_filter_dates__what_dates_do_not_tell_is_not_open),
        cmocka_unit_test(test_filter_dates__closes_within_a_time),
        cmocka_unit_test(test_filter_dates__only_deadlines_are_near),
        cmocka_unit_test(test_filter_dates__the_last_side_closes),
        cmocka_unit_test(test_filter_dates__remembers_what_was_open_meanwhile),
        cmocka_unit_test(test_filter_dates__knows_what_has_just_come_near),
        cmocka_unit_test(test_filter_dates__without_a_question_everything_matches),
        cmocka_unit_test(test_filter_dates__leaves_out_what_a_rule_excludes),
        cmocka_unit_test(test_filter_dates__tells_rules_apart_by_their_bytes),
        cmocka_unit_test(test_filter_dates__questions_are_checked),
    };
    return cmocka_run_group_tests_name("filter_dates", tests, NULL, NULL);
}
