/* The demonstration's announcements and the examples: every file reads without a problem, and the
 * facts that the real notices state stay as they were stated. */
#include "common/announcement.h"
#include "common/arena.h"
#include "common/limits.h"
#include "common/moment.h"
#include "common/problem.h"
#include "proto/announcement.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO CARAVAN_SOURCE_DIR "/configs/demo/announcements/"
#define EXAMPLES CARAVAN_SOURCE_DIR "/configs/examples/"

struct notice {
    struct arena arena;
    char *text;
    const Caravan__Announcement *announcement;
};

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(LIMIT_YAML_SIZE);

    if (!file || !text)
        fail_msg("cannot read %s", path);
    *size = fread(text, 1, LIMIT_YAML_SIZE, file);
    fclose(file);
    return text;
}

/* The samples' dates are told from this day. */
static const struct moment_date today = {2026, 11, 23};

/* Reads, prepares and checks as `publish` does. Fails on any problem, a warning included. */
static void open_notice(struct notice *notice, const char *path)
{
    struct problem_list problems = {0};
    Caravan__Announcement *announcement = NULL;
    size_t size;
    int rc;

    arena_init(&notice->arena, LIMIT_ARENA_SIZE);
    notice->text = read_file(path, &size);
    rc = announcement_read(span_of(notice->text, size), &today, &notice->arena, &announcement, NULL,
                           &problems);
    if (rc || problems.errors || problems.warnings) {
        struct buffer text = {0};

        problem_list_print(&problems, path, &text);
        fail_msg("%d\n%s", rc, buffer_text(&text));
    }
    problem_list_finish(&problems);
    notice->announcement = announcement;
}

static void close_notice(struct notice *notice)
{
    arena_finish(&notice->arena);
    free(notice->text);
}

static void list_files(const char *pattern, glob_t *files)
{
    memset(files, 0, sizeof *files);
    if (glob(pattern, 0, NULL, files))
        fail_msg("no file is %s", pattern);
}

/* The first text in this language. */
static const char *text_in(Caravan__LocalizedText *const *texts, size_t count, const char *lang)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i]->lang, lang) == 0)
            return texts[i]->text;
    return "";
}

static int64_t end_of(const Caravan__Instant *at)
{
    struct moment_instant instant = {
        .date = {(uint16_t)at->date->year, (uint8_t)at->date->month, (uint8_t)at->date->day},
        .has_time = at->has_hour,
        .hour = (uint8_t)at->hour,
        .minute = (uint8_t)at->minute,
    };
    int64_t ms = 0;

    snprintf(instant.zone, sizeof instant.zone, "%s", at->zone ? at->zone : "");
    assert_int_equal(moment_instant_end_ms(&instant, &ms, NULL), 0);
    return ms;
}

static void assert_ends(const Caravan__Instant *at, const char *rfc3339)
{
    char text[MOMENT_RFC3339_SIZE];

    moment_ms_to_rfc3339(end_of(at), text);
    assert_string_equal(text, rfc3339);
}

static void assert_date(const Caravan__Date *date, unsigned year, unsigned month, unsigned day)
{
    assert_int_equal(date->year, year);
    assert_int_equal(date->month, month);
    assert_int_equal(date->day, day);
}

/* --- all files ------------------------------------------------------------------------------- */

static void test_notices__every_file_is_without_problems(void **state)
{
    static const char *const patterns[] = {DEMO "*/*.yaml", EXAMPLES "announcement-*.yaml"};
    static const size_t counts[] = {22, 2};

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        glob_t files;

        list_files(patterns[k], &files);
        assert_int_equal(files.gl_pathc, counts[k]);
        for (size_t i = 0; i < files.gl_pathc; i++) {
            struct notice notice;

            open_notice(&notice, files.gl_pathv[i]);
            close_notice(&notice);
        }
        globfree(&files);
    }
}

/* The same bytes again through YAML and through JSON: nothing is lost on the way to a reader. */
static void check_round_trips(const Caravan__Announcement *announcement)
{
    const ProtobufCMessageDescriptor *type = &caravan__announcement__descriptor;
    struct buffer bytes = {0}, text = {0}, again = {0};
    ProtobufCMessage *message = NULL;
    struct arena arena;

    assert_true(codec_pack(&announcement->base, &bytes));
    assert_in_range(bytes.size, 300, LIMIT_CONTENT_SIZE);
    for (int json = 0; json < 2; json++) {
        arena_init(&arena, LIMIT_ARENA_SIZE);
        buffer_clear(&text);
        buffer_clear(&again);
        if (json) {
            assert_true(codec_write_json(&announcement->base, &text));
            assert_int_equal(
                codec_read_json(type, buffer_span(&text), &arena, NULL, &message, NULL), 0);
        } else {
            assert_true(codec_write_yaml(&announcement->base, &text));
            assert_int_equal(
                codec_read_yaml(type, buffer_span(&text), &arena, NULL, &message, NULL), 0);
        }
        assert_true(codec_pack(message, &again));
        assert_true(span_equal(buffer_span(&bytes), buffer_span(&again)));
        arena_finish(&arena);
    }
    buffer_finish(&bytes);
    buffer_finish(&text);
    buffer_finish(&again);
}

static void test_notices__every_one_reads_back_the_same(void **state)
{
    glob_t files;

    (void)state;
    list_files(DEMO "*/*.yaml", &files);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct notice notice;

        open_notice(&notice, files.gl_pathv[i]);
        check_round_trips(notice.announcement);
        close_notice(&notice);
    }
    globfree(&files);
}

static void test_notices__fifteen_are_historical_and_seven_are_samples_one_a_kind(void **state)
{
    int historical = 0, samples[8] = {0}, kinds[8] = {0};
    glob_t files;

    (void)state;
    list_files(DEMO "*/*.yaml", &files);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct notice notice;
        const Caravan__Announcement *a;

        open_notice(&notice, files.gl_pathv[i]);
        a = notice.announcement;
        assert_in_range(a->kind, 1, 7);
        kinds[a->kind]++;
        if (a->nature == CARAVAN__NATURE__NATURE_SAMPLE)
            samples[a->kind]++;
        else if (a->nature == CARAVAN__NATURE__NATURE_HISTORICAL)
            historical++;
        else
            fail_msg("%s is neither historical nor a sample", files.gl_pathv[i]);
        close_notice(&notice);
    }
    globfree(&files);
    assert_int_equal(historical, 15);
    for (int kind = 1; kind <= 7; kind++)
        assert_int_equal(samples[kind], 1);
    assert_int_equal(kinds[CARAVAN__KIND__KIND_JOINT_CALL], 5 + 1);
    assert_int_equal(kinds[CARAVAN__KIND__KIND_VISIT], 3 + 1);
    assert_int_equal(kinds[CARAVAN__KIND__KIND_LAB_OPENING], 2 + 1);
    assert_int_equal(kinds[CARAVAN__KIND__KIND_SHARED_RESOURCE], 2 + 1);
}

static void check_sample(const char *path, const Caravan__Announcement *a)
{
    if (!strstr(path, "-sample-") || strncmp(a->title[0]->text, "Sample: ", 8) != 0 ||
        strncmp(a->summary[0]->text, "Sample announcement, ", 21) != 0 || a->n_not_stated > 0)
        fail_msg("%s: a sample says so in its name, title and summary, and states everything",
                 path);
    for (size_t i = 0; i < a->n_contact; i++)
        if (!a->contact[i]->email || !strstr(a->contact[i]->email, ".example.org"))
            fail_msg("%s: a sample's address is one that nobody has", path);
    assert_non_null(a->valid_until);
    if (a->valid_until->year < 2027 || a->valid_until->year > 2028)
        fail_msg("%s is valid until %u", path, a->valid_until->year);
    for (size_t i = 0; i < a->n_deadline; i++)
        assert_int_equal(a->deadline[i]->at->date->year, 2027);
}

static void check_historical(const char *path, const Caravan__Announcement *a)
{
    if (a->n_not_stated == 0 || strstr(path, "sample"))
        fail_msg("%s: a real notice leaves something out, and that is listed", path);
    if (a->status != CARAVAN__STATUS__STATUS_ARCHIVED)
        fail_msg("%s is over, and nothing else says so for certain", path);
    /* The one notice whose source was not kept says that too. */
    if (!a->source && !strstr(path, "01-nsfc-rsf-2025"))
        fail_msg("%s has no source", path);
    for (size_t i = 0; i < a->n_contact; i++)
        assert_null(a->contact[i]->person);
}

static void test_notices__each_is_marked_for_what_it_is(void **state)
{
    static const char *const folders[] = {"cn-demo", "th-demo", "ru-demo", "za-demo", "lk-demo"};

    (void)state;
    for (size_t k = 0; k < 5; k++) {
        char pattern[512], country[3];
        glob_t files;

        snprintf(pattern, sizeof pattern, DEMO "%s/*.yaml", folders[k]);
        snprintf(country, sizeof country, "%c%c", folders[k][0] - 32, folders[k][1] - 32);
        list_files(pattern, &files);
        assert_true(files.gl_pathc >= 2);
        for (size_t i = 0; i < files.gl_pathc; i++) {
            struct notice notice;

            open_notice(&notice, files.gl_pathv[i]);
            assert_string_equal(notice.announcement->parties[0]->country, country);
            if (notice.announcement->nature == CARAVAN__NATURE__NATURE_SAMPLE)
                check_sample(files.gl_pathv[i], notice.announcement);
            else
                check_historical(files.gl_pathv[i], notice.announcement);
            close_notice(&notice);
        }
        globfree(&files);
    }
}

static void test_notices__a_sample_joint_call_concerns_thailand(void **state)
{
    struct notice notice;
    const Caravan__Announcement *a;
    bool thailand = false;

    (void)state;
    open_notice(&notice, DEMO "th-demo/04-sample-joint-call.yaml");
    a = notice.announcement;
    assert_int_equal(a->kind, CARAVAN__KIND__KIND_JOINT_CALL);
    assert_true(a->n_parties >= 2);
    for (size_t i = 0; i < a->n_countries; i++)
        thailand = thailand || strcmp(a->countries[i], "TH") == 0;
    assert_true(thailand);
    assert_ends(a->parties[0]->deadline[0]->at, "2027-06-30T09:30:00Z");
    assert_ends(a->parties[1]->deadline[0]->at, "2027-06-30T15:00:00Z");
    close_notice(&notice);
}

/* --- facts of the real notices --------------------------------------------------------------- */

static void test_notices__fast_closes_at_16_00_ut(void **state)
{
    struct notice notice;
    const Caravan__Announcement *a;

    (void)state;
    open_notice(&notice, DEMO "cn-demo/07-fast-2024.yaml");
    a = notice.announcement;
    assert_int_equal(a->n_deadline, 1);
    assert_string_equal(a->deadline[0]->at->zone, "UTC");
    assert_ends(a->deadline[0]->at, "2024-05-15T16:00:00Z");
    assert_date(a->shared_resource->availability->start, 2024, 8, 0);
    assert_date(a->shared_resource->availability->end, 2025, 7, 0);
    assert_true(a->shared_resource->fee->free);
    assert_int_equal(a->shared_resource->resource_type,
                     CARAVAN__RESOURCE_TYPE__RESOURCE_TYPE_TELESCOPE_TIME);
    close_notice(&notice);
}

static void check_rfbr(const char *path)
{
    static const char *const fields[] = {"1.1", "1.3", "1.4", "1.6", "1.5", "1.2", "2", "3", "4"};
    struct notice notice;
    const Caravan__Announcement *a;
    const Caravan__Amount *amount;

    open_notice(&notice, path);
    a = notice.announcement;
    assert_string_equal(a->title[0]->text,
                        "RFBR-NSFC competition for the best basic research projects 2020");
    assert_date(a->opens, 2020, 4, 14);
    assert_false(a->deadline[0]->at->has_hour);
    assert_null(a->deadline[0]->at->zone);
    assert_ends(a->deadline[0]->at, "2020-07-09T12:00:00Z"); /* ended everywhere */
    assert_string_equal(a->parties[0]->country, "RU");
    amount = a->parties[0]->money[0]->amount;
    assert_int_equal(amount->min_minor, 100000000);
    assert_int_equal(amount->max_minor, 300000000);
    assert_string_equal(amount->currency, "RUB");
    assert_null(a->parties[1]->money[0]->amount);
    assert_string_equal(a->parties[1]->money[0]->text[0]->text, "at least the same amount");
    assert_int_equal(a->joint_call->consortium->team->min, 2);
    assert_int_equal(a->joint_call->consortium->team->max, 10);
    assert_int_equal(a->joint_call->duration->value, 24);
    assert_int_equal(a->n_fields_of_science, sizeof fields / sizeof fields[0]);
    for (size_t i = 0; i < a->n_fields_of_science; i++)
        assert_string_equal(a->fields_of_science[i]->code, fields[i]);
    assert_string_equal(a->fields_of_science[1]->label[0]->text, "physics and astronomy");
    assert_false(a->joint_call->has_mirror_application);
    close_notice(&notice);
}

static void test_notices__rfbr_states_one_to_three_million_roubles(void **state)
{
    (void)state;
    check_rfbr(DEMO "ru-demo/01-rfbr-nsfc-2020.yaml");
    check_rfbr(EXAMPLES "announcement-joint-call.yaml");
}

static void test_notices__nsfc_pays_up_to_a_million_and_a_half_yuan_a_project(void **state)
{
    struct notice notice;
    const Caravan__Announcement *a;
    const Caravan__Money *money;

    (void)state;
    open_notice(&notice, DEMO "cn-demo/01-nsfc-rsf-2025.yaml");
    a = notice.announcement;
    assert_string_equal(a->language, "zh");
    assert_string_equal(a->title[0]->text,
                        "2025年度国家自然科学基金委员会与俄罗斯科学基金会合作研究项目指南");
    assert_string_equal(a->title[0]->lang, "zh");
    money = a->parties[0]->money[0];
    assert_false(money->amount->has_min_minor);
    assert_int_equal(money->amount->max_minor, 150000000);
    assert_string_equal(money->amount->currency, "CNY");
    assert_int_equal(money->per, CARAVAN__PER__PER_PROJECT);
    assert_int_equal(money->basis, CARAVAN__COST_BASIS__COST_BASIS_DIRECT);
    assert_null(a->parties[1]->money[0]->amount); /* not stated: nothing may stand there */
    assert_int_equal(a->n_deadline, 0);
    assert_date(a->joint_call->project_period->start, 2026, 1, 1);
    assert_date(a->joint_call->project_period->end, 2028, 12, 31);
    assert_true(a->joint_call->mirror_application);
    close_notice(&notice);
}

static void check_tysp(const char *path)
{
    struct notice notice;
    const Caravan__Announcement *a;

    open_notice(&notice, path);
    a = notice.announcement;
    assert_int_equal(a->n_money, 1);
    assert_int_equal(a->money[0]->amount->max_minor, 1250000);
    assert_string_equal(a->money[0]->amount->currency, "CNY");
    assert_int_equal(a->money[0]->per, CARAVAN__PER__PER_MONTH);
    assert_int_equal(a->eligibility[0]->max_age, 45);
    assert_int_equal(a->rolling->n_review_months, 4);
    assert_int_equal(a->rolling->review_months[3], CARAVAN__MONTH__MONTH_OCT);
    assert_int_equal(a->visit->n_stay, 2);
    assert_int_equal(a->visit->stay[0]->value, 6);
    assert_int_equal(a->visit->stay[1]->value, 12);
    assert_int_equal(a->visit->stay[1]->unit, CARAVAN__DURATION_UNIT__DURATION_UNIT_MONTH);
    assert_false(a->visit->has_places);
    close_notice(&notice);
}

static void test_notices__tysp_pays_12500_yuan_a_month(void **state)
{
    (void)state;
    check_tysp(DEMO "cn-demo/04-tysp.yaml");
    check_tysp(EXAMPLES "announcement-visit.yaml");
}

static void test_notices__the_seventh_programme_keeps_each_sides_terms(void **state)
{
    struct notice notice;
    const Caravan__Announcement *a;

    (void)state;
    open_notice(&notice, DEMO "cn-demo/02-joint-programme-7.yaml");
    a = notice.announcement;
    assert_string_equal(text_in(a->title, a->n_title, "zh"), "第七批中国-南非联合研究计划交流项目");
    assert_int_equal(a->n_deadline, 0); /* the only date is one university's own */
    assert_int_equal(a->parties[0]->n_themes, 6);
    assert_int_equal(a->parties[1]->deadline[0]->what,
                     CARAVAN__DEADLINE_WHAT__DEADLINE_WHAT_INTERNAL);
    assert_date(a->parties[1]->deadline[0]->at->date, 2013, 4, 23);
    assert_false(a->joint_call->number_of_awards->number->has_min);
    assert_int_equal(a->joint_call->number_of_awards->number->max, 15);
    assert_int_equal(a->joint_call->number_of_awards->per, CARAVAN__PER__PER_YEAR);
    assert_true(a->joint_call->ip_agreed_before);
    close_notice(&notice);
}

static void test_notices__a_licence_needs_51_percent_thai_shareholding(void **state)
{
    struct notice notice;
    const Caravan__TechOffer *offer;

    (void)state;
    open_notice(&notice, DEMO "th-demo/03-tech-show-licence.yaml");
    offer = notice.announcement->tech_offer;
    assert_int_equal(offer->licence_terms->ownership_rule->min_percent, 51);
    assert_string_equal(offer->licence_terms->ownership_rule->countries[0], "TH");
    assert_true(offer->licence_terms->has_exclusive);
    assert_false(offer->licence_terms->exclusive);
    assert_false(offer->has_trl);
    assert_int_equal(offer->n_ip_status, 0);
    close_notice(&notice);
}

static void test_notices__laboratories_open_where_and_when_it_was_said(void **state)
{
    struct notice notice;
    const Caravan__LabOpening *lab;

    (void)state;
    open_notice(&notice, DEMO "th-demo/01-natural-medicine-lab.yaml");
    lab = notice.announcement->lab_opening;
    assert_string_equal(notice.announcement->language, "fil");
    assert_int_equal(lab->n_sites, 2);
    assert_string_equal(lab->sites[0]->place->country, "CN");
    assert_date(lab->sites[0]->opening, 2019, 3, 0);
    assert_string_equal(lab->sites[1]->place->country, "TH");
    assert_date(lab->sites[1]->opening, 2019, 8, 8);
    close_notice(&notice);
    open_notice(&notice, DEMO "cn-demo/06-ustc-chula-quantum-lab.yaml");
    lab = notice.announcement->lab_opening;
    assert_date(lab->sites[0]->opening, 2025, 12, 8);
    assert_int_equal(lab->n_equipment, 0);
    assert_false(lab->has_access);
    close_notice(&notice);
}

static void test_notices__the_park_broke_ground_in_2019_and_opened_in_2022(void **state)
{
    struct notice notice;
    const Caravan__ParkOpening *park;

    (void)state;
    open_notice(&notice, DEMO "th-demo/02-eeci.yaml");
    park = notice.announcement->park_opening;
    assert_int_equal(park->n_milestone, 2);
    assert_date(park->milestone[0]->date, 2019, 2, 27);
    assert_date(park->milestone[1]->date, 2022, 11, 0);
    assert_true(park->area->value > 499.9 && park->area->value < 500.1);
    assert_int_equal(park->area->unit, CARAVAN__AREA_UNIT__AREA_UNIT_HA);
    assert_int_equal(park->n_target_sectors, 6);
    assert_int_equal(park->n_spaces, 0);
    close_notice(&notice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notices__every_file_is_without_problems),
        cmocka_unit_test(test_notices__every_one_reads_back_the_same),
        cmocka_unit_test(test_notices__fifteen_are_historical_and_seven_are_samples_one_a_kind),
        cmocka_unit_test(test_notices__each_is_marked_for_what_it_is),
        cmocka_unit_test(test_notices__a_sample_joint_call_concerns_thailand),
        cmocka_unit_test(test_notices__fast_closes_at_16_00_ut),
        cmocka_unit_test(test_notices__rfbr_states_one_to_three_million_roubles),
        cmocka_unit_test(test_notices__nsfc_pays_up_to_a_million_and_a_half_yuan_a_project),
        cmocka_unit_test(test_notices__tysp_pays_12500_yuan_a_month),
        cmocka_unit_test(test_notices__the_seventh_programme_keeps_each_sides_terms),
        cmocka_unit_test(test_notices__a_licence_needs_51_percent_thai_shareholding),
        cmocka_unit_test(test_notices__laboratories_open_where_and_when_it_was_said),
        cmocka_unit_test(test_notices__the_park_broke_ground_in_2019_and_opened_in_2022),
    };

    return cmocka_run_group_tests_name("notices", tests, NULL, NULL);
}
