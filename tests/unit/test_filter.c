/* Which announcements somebody wants to see. */
#include "common/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A joint call of CN and TH that concerns RU, too; civil engineering (2.1) and health (3.3). */
static struct filter_facets *joint_call(void)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__Party china = CARAVAN__PARTY__INIT, thailand = CARAVAN__PARTY__INIT;
    Caravan__Party *parties[] = {&china, &thailand};
    Caravan__FieldOfScience civil = CARAVAN__FIELD_OF_SCIENCE__INIT;
    Caravan__FieldOfScience health = CARAVAN__FIELD_OF_SCIENCE__INIT;
    Caravan__FieldOfScience other = CARAVAN__FIELD_OF_SCIENCE__INIT;
    Caravan__FieldOfScience *fields[] = {&civil, &health, &other};
    char *countries[] = {"RU", "CN"};
    struct filter_facets *facets = NULL;

    china.country = "CN";
    thailand.country = "TH";
    civil.code = "2.1";
    health.code = "3.3";
    health.scheme = "FORD";
    other.code = "1.1";
    other.scheme = "NSFC"; /* another scheme: not a FORD code */
    announcement.has_kind = 1;
    announcement.kind = CARAVAN__KIND__KIND_JOINT_CALL;
    announcement.n_parties = 2;
    announcement.parties = parties;
    announcement.n_countries = 2;
    announcement.countries = countries;
    announcement.n_fields_of_science = 3;
    announcement.fields_of_science = fields;
    assert_int_equal(filter_facets_create(&announcement, &facets, NULL), ERROR_NONE);
    return facets;
}

static bool country_matches(const struct filter_facets *facets, char *country)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    filter.n_country = 1;
    filter.country = &country;
    return filter_matches(&filter, facets);
}

static bool field_matches(const struct filter_facets *facets, char *field)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    filter.n_field_of_science = 1;
    filter.field_of_science = &field;
    return filter_matches(&filter, facets);
}

static void test_filter__matches_countries_and_those_of_parties(void **state)
{
    struct filter_facets *facets = joint_call();

    (void)state;
    assert_int_equal(facets->countries, 3); /* CN stands there twice, and counts once */
    assert_string_equal(filter_facets_country(facets, 0), "RU");
    assert_string_equal(filter_facets_country(facets, 2), "TH");
    assert_null(filter_facets_country(facets, 3));
    assert_true(country_matches(facets, "RU"));
    assert_true(country_matches(facets, "CN"));
    assert_true(country_matches(facets, "TH"));
    assert_false(country_matches(facets, "LK"));
    filter_facets_destroy(facets);
}

static void test_filter__matches_beginnings_of_field_codes(void **state)
{
    struct filter_facets *facets = joint_call();

    (void)state;
    assert_true(field_matches(facets, "2"));
    assert_true(field_matches(facets, "2.1"));
    assert_true(field_matches(facets, "3"));
    assert_false(field_matches(facets, "2.11")); /* another field, not a part of 2.1 */
    assert_false(field_matches(facets, "1"));    /* NSFC's 1.1 is no FORD code */
    assert_false(field_matches(facets, "RU"));
    filter_facets_destroy(facets);
}

static void test_filter__knows_fields_by_their_names(void **state)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__FieldOfScience named = CARAVAN__FIELD_OF_SCIENCE__INIT;
    Caravan__FieldOfScience *fields[] = {&named};
    Caravan__LocalizedText other = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText label = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *labels[] = {&other, &label};
    struct filter_facets *facets = NULL;

    (void)state;
    other.text = "no field of any list";
    label.text = "Chemistry";
    named.n_label = 2;
    named.label = labels;
    announcement.n_fields_of_science = 1;
    announcement.fields_of_science = fields;
    assert_int_equal(filter_facets_create(&announcement, &facets, NULL), ERROR_NONE);
    assert_true(field_matches(facets, "1.4"));
    assert_false(field_matches(facets, "1.3"));
    filter_facets_destroy(facets);
}

static void test_filter__needs_all_conditions(void **state)
{
    struct filter_facets *facets = joint_call();
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kinds[] = {CARAVAN__KIND__KIND_VISIT, CARAVAN__KIND__KIND_JOINT_CALL};
    char *country = "TH";
    char *field = "5";

    (void)state;
    filter.n_kind = 2;
    filter.kind = kinds;
    filter.n_country = 1;
    filter.country = &country;
    assert_true(filter_matches(&filter, facets));
    filter.n_field_of_science = 1;
    filter.field_of_science = &field;
    assert_false(filter_matches(&filter, facets));
    filter.n_field_of_science = 0;
    filter.n_kind = 1;
    assert_false(filter_matches(&filter, facets));
    filter_facets_destroy(facets);
}

static void test_filter__lets_the_unreadable_through_only_without_conditions(void **state)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kind = 1;

    (void)state;
    assert_true(filter_matches(NULL, NULL));
    assert_true(filter_matches(&filter, NULL));
    filter.n_kind = 1;
    filter.kind = &kind;
    assert_false(filter_matches(&filter, NULL));
}

static void test_filter__matches_handles_in_any_case(void **state)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char *handle = "TH-demo";

    (void)state;
    assert_true(filter_matches_handle(&filter, ""));
    filter.n_handle = 1;
    filter.handle = &handle;
    assert_true(filter_matches_handle(&filter, "th-demo"));
    assert_false(filter_matches_handle(&filter, "th-demo2"));
    assert_false(filter_matches_handle(&filter, ""));
}

static void assert_refused(const Caravan__Filter *filter, const char *part)
{
    struct error error = {0};

    assert_int_equal(filter_check(filter, &error), ERROR_INVALID);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void test_filter__is_checked_value_by_value(void **state)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kind = 99;
    char *country = "CX9";
    char *field = "9.9";

    (void)state;
    assert_int_equal(filter_check(&filter, NULL), ERROR_NONE);
    filter.n_kind = 1;
    filter.kind = &kind;
    assert_refused(&filter, "number 99");
    kind = CARAVAN__KIND__KIND_PARK_OPENING;
    filter.n_country = 1;
    filter.country = &country;
    assert_refused(&filter, "\"CX9\"");
    country = "CN";
    filter.n_field_of_science = 1;
    filter.field_of_science = &field;
    assert_refused(&filter, "\"9.9\"");
    field = "2.11";
    assert_int_equal(filter_check(&filter, NULL), ERROR_NONE);
    filter.n_handle = FILTER_VALUES + 1;
    assert_refused(&filter, "more than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter__matches_countries_and_those_of_parties),
        cmocka_unit_test(test_filter__matches_beginnings_of_field_codes),
        cmocka_unit_test(test_filter__knows_fields_by_their_names),
        cmocka_unit_test(test_filter__needs_all_conditions),
        cmocka_unit_test(test_filter__lets_the_unreadable_through_only_without_conditions),
        cmocka_unit_test(test_filter__matches_handles_in_any_case),
        cmocka_unit_test(test_filter__is_checked_value_by_value),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
