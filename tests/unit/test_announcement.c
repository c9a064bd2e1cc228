#include "common/announcement.h"
#include "common/guard.h"
#include "common/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANNOUNCEMENT &caravan__announcement__descriptor

static const struct moment_date today = {2026, 11, 23};

struct fixture {
    struct arena arena;
    struct problem_list problems;
    struct buffer text;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    arena_init(&f->arena, LIMIT_ARENA_SIZE);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_finish(&f->arena);
    problem_list_finish(&f->problems);
    buffer_finish(&f->text);
    free(f);
    return 0;
}

/* The problems as printed; the announcement may be NULL. */
static const char *problems_of(struct fixture *f, const char *yaml, Caravan__Announcement **out)
{
    Caravan__Announcement *announcement = NULL;

    problem_list_finish(&f->problems);
    buffer_clear(&f->text);
    announcement_read(span_of_text(yaml), &today, &f->arena, &announcement, NULL, &f->problems);
    if (out)
        *out = announcement;
    assert_true(problem_list_print(&f->problems, "a.yaml", &f->text));
    return buffer_text(&f->text);
}

static Caravan__Announcement *read_good(struct fixture *f, const char *yaml)
{
    Caravan__Announcement *announcement;
    const char *problems = problems_of(f, yaml, &announcement);

    if (!announcement)
        print_error("%s", problems);
    assert_non_null(announcement);
    return announcement;
}

#define HEAD                                                                                       \
    "kind: joint call\nlanguage: en\ntitle: A call\n"                                              \
    "parties: [{name: MOST, country: CN}, {name: NSTDA, country: TH}]\n"
#define ANSWERS                                                                                    \
    "not stated: [summary, deadline, fields of science, money, contact, links, funding type, "     \
    "mirror application, project period]\n"

/* ---- the table ------------------------------------------------------------------------------- */

static unsigned check_rows(const ProtobufCMessageDescriptor *type,
                           const ProtobufCMessageDescriptor **seen, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (seen[i] == type)
            return count;
    seen[count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const struct announcement_rule *rule = announcement_rule_of(type, field);

        if (!rule || !rule->help || !*rule->help)
            print_error("no rule for %s.%s\n", type->short_name, field->name);
        assert_non_null(rule);
        assert_non_null(rule->help);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            count = check_rows(field->descriptor, seen, count);
    }
    return count;
}

static void test_announcement__every_field_of_the_schema_has_a_rule(void **state)
{
    const ProtobufCMessageDescriptor *seen[128];
    unsigned count = check_rows(ANNOUNCEMENT, seen, 0);
    size_t rows = 0, fields = 0;

    (void)state;
    assert_in_range(count, 40, 127);
    for (unsigned i = 0; i < count; i++)
        fields += seen[i]->n_fields;
    for (const struct announcement_rule *rule = announcement_rules; rule->message; rule++) {
        const ProtobufCFieldDescriptor *field = NULL;

        for (unsigned i = 0; i < count; i++)
            if (strcmp(seen[i]->short_name, rule->message) == 0)
                field = reflect_find(seen[i], rule->field);
        if (!field)
            print_error("no field for the rule %s.%s\n", rule->message, rule->field);
        assert_non_null(field);
        rows++;
    }
    assert_int_equal(rows, fields); /* none twice, none left over */
    assert_in_range(rows, 1, 512);
}

static void test_announcement__names_of_a_kind_do_not_clash_with_common_ones(void **state)
{
    const ProtobufCMessageDescriptor *common = ANNOUNCEMENT;

    (void)state;
    for (int kind = 1; kind <= 7; kind++) {
        const ProtobufCFieldDescriptor *member = codec_details(common, kind);
        const ProtobufCMessageDescriptor *own;

        assert_non_null(member);
        own = member->descriptor;
        for (unsigned i = 0; i < own->n_fields; i++)
            assert_null(codec_find_key(common, own->fields[i].name));
    }
    assert_null(codec_details(common, 0));
    assert_null(codec_details(common, 8));
}

/* ---- required, expected, limits -------------------------------------------------------------- */

static void test_announcement__refuses_what_lacks_the_required(void **state)
{
    static const struct {
        const char *yaml, *error;
    } rows[] = {
        {"kind: visit\nlanguage: en\nparties: {name: MOST, country: CN}\n",
         "a.yaml:1:1: error: title: found nothing, expected \"title\": "},
        {"kind: visit\ntitle: A visit\nparties: {name: MOST, country: CN}\n",
         "title.lang: found nothing, expected \"lang\": The language, BCP 47: write `language: "
         "en`"},
        {"kind: visit\nlanguage: en\ntitle: A visit\n",
         "a.yaml:1:1: error: parties: found nothing, expected \"parties\": "},
        {"kind: visit\nlanguage: en\ntitle: A visit\nparties:\n  - name: MOST\n",
         "a.yaml:5:5: error: parties[1].country: found nothing, expected \"country\": "},
        {"kind: visit\nlanguage: en\ntitle: A visit\nparties:\n  - country: CN\n",
         "a.yaml:5:5: error: parties[1].name: found nothing, expected \"name\": "},
        {"language: en\ntitle: A visit\nparties: {name: MOST, country: CN}\n",
         "a.yaml:1:1: error: found no key \"kind\", expected it with one of: visit, joint call, "
         "lab "
         "opening, tech offer, tech request, park opening, shared resource\n"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Caravan__Announcement *announcement;
        const char *problems = problems_of(*state, rows[i].yaml, &announcement);

        if (!strstr(problems, rows[i].error))
            print_error("row %zu: %s", i, problems);
        assert_non_null(strstr(problems, rows[i].error));
        assert_null(announcement);
        assert_int_equal(((struct fixture *)*state)->problems.errors, 1);
    }
}

static void test_announcement__warns_once_about_the_expected_until_it_is_answered(void **state)
{
    struct fixture *f = *state;
    const char *problems = problems_of(f, HEAD, NULL);

    assert_int_equal(f->problems.errors, 0);
    assert_int_equal(f->problems.warnings, 9);
    assert_non_null(strstr(problems, "a.yaml:1:1: warning: contact: found nothing, expected "
                                     "\"contact\": An office, not a person; if the notice does not "
                                     "say it: not stated: [contact]\n"));
    problems = problems_of(f, HEAD ANSWERS, NULL);
    assert_string_equal(problems, "");
    problems_of(f, HEAD "deadline: 2027-03-01 16:00\n" ANSWERS, NULL);
    assert_non_null(strstr(buffer_text(&f->text), "a.yaml:5:11: warning: deadline[1].at.zone: "));
    assert_int_equal(f->problems.warnings, 1);
}

static void test_announcement__knows_limits_and_vocabularies(void **state)
{
    static const struct {
        const char *line, *error;
    } rows[] = {
        {"countries: [CN, Chnia]\n", "a.yaml:5:17: error: countries[2]: found \"Chnia\", expected "
                                     "a country code of ISO 3166-1 such "
                                     "as CN; did you mean CN (China)?\n"},
        {"language: englisch\n", "found this key a second time, expected it once"},
        {"sdg: [7, 18]\n", "a.yaml:5:10: error: sdg[2]: found 18, expected 1 to 17\n"},
        {"source: www.example.org\n", "a.yaml:5:9: error: source: found \"www.example.org\", "
                                      "expected an address that begins with "
                                      "https:// or http://, without spaces\n"},
        {"contact: {office: A, email: office at example}\n",
         "a.yaml:5:29: error: contact[1].email: found \"office at example\", expected an e-mail "
         "address: office@example.org\n"},
        {"contact: {office: A, phone: 025647000}\n",
         "contact[1].phone: found \"025647000\", expected a number with its country: +66 2 564 "
         "7000\n"},
        {"contact: {office: A, orcid: 0000-0002-1825-0098}\n", "contact[1].orcid: found"},
        {"contact: {office: A, person: Somebody}\n",
         "contact[1].person consents: found nothing, expected \"person consents\": true: the "
         "person has "
         "agreed to be named\n"},
        {"keywords: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]\n",
         "a.yaml:5:12: error: keywords: found 16 values, expected at most 15\n"},
        {"fields of science: [9.9]\n", ""},
        {"fields of science: [1.99]\n",
         "fields of science[1].code: found \"1.99\", expected a code of OECD FORD such as 1.3"},
        {"valid until: 2028-11-24\n",
         "valid until: found a day more than 24 months ahead, expected an earlier one, or at the "
         "latest that of the last deadline\n"},
        {"deadline: 2031-05-01\nvalid until: 2031-05-02\n",
         "valid until: found a day more than 24 months ahead, expected an earlier one, or at the "
         "latest that of the last deadline\n"},
        {"money: {amount: 5 CNY, currency: CNY, per: year}\n",
         "money[1].currency: found a currency beside an amount, expected it in the amount\n"},
        {"money: {amount: {min minor: 5, max minor: 4, currency: CNY}, per: year}\n",
         "money[1].amount.max minor: found less than min, expected the smaller amount first\n"},
        {"project period: {start: 2027, end: 2026}\n",
         "project period.end: found an end before the start, expected a later one\n"},
        {"consortium: {team: {min: 3, max: 2}}\n",
         "consortium.team.max: found less than min, expected the smaller number first\n"},
        {"opens: {year: 2027, month: 2, day: 30}\n",
         "opens: found a day that does not exist, expected one of the calendar\n"},
        {"summary: {en: A, zh: \"\"}\n",
         "a.yaml:5:22: error: summary.text: found an empty text, expected The text\n"},
        {"summary: [{lang: en, text: A}, {lang: en, text: B}]\n",
         "summary: found two texts in \"en\", expected one for each language\n"},
        {"deadline: {at: {date: 2027-01-01, hour: 16, zone: Asia/Bangkk}}\n",
         "deadline[1].at.zone: found"},
        {"deadline: {what: unspecified, at: 2027-01-01}\n",
         "deadline[1].what: found \"unspecified\", expected one of: intent, pre proposal, full"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char yaml[1024];

        snprintf(yaml, sizeof yaml, "%s%s%s", HEAD, rows[i].line, ANSWERS);
        problems_of(f, yaml, NULL);
        if (!strstr(buffer_text(&f->text), rows[i].error) ||
            f->problems.errors != (*rows[i].error != '\0'))
            print_error("row %zu: %s", i, buffer_text(&f->text));
        assert_non_null(strstr(buffer_text(&f->text), rows[i].error));
        assert_int_equal(f->problems.errors, *rows[i].error != '\0');
    }
}

/* A text's limit is that of the field that holds it, and is named once. */
static void test_announcement__a_description_may_be_long(void **state)
{
    struct fixture *f = *state;
    char yaml[9000];

    snprintf(yaml, sizeof yaml, HEAD ANSWERS "description: x%07999d\n", 1);
    read_good(f, yaml);
    snprintf(yaml, sizeof yaml, HEAD ANSWERS "description: x%08000d\n", 1);
    assert_string_equal(problems_of(f, yaml, NULL),
                        "a.yaml:6:14: error: description: found 8001 characters (en), expected at "
                        "most 8000\n");
}

static void test_announcement__reports_reading_and_checking_together(void **state)
{
    struct fixture *f = *state;

    problems_of(f,
                "kind: visit\nlanguage: en\nparties: {name: MOST, country: CN}\n"
                "stage: opened\ntitel: A\nplaces: many\nopens: soon\n",
                NULL);
    if (f->problems.errors != 5)
        print_error("%s", buffer_text(&f->text));
    assert_int_equal(f->problems.errors, 5);
    assert_non_null(strstr(buffer_text(&f->text),
                           "a.yaml:4:1: error: stage: found \"stage\", which is "
                           "a key of the kind \"lab opening\"\n"));
    assert_non_null(strstr(buffer_text(&f->text), "a.yaml:5:1: error: titel: found the unknown key "
                                                  "\"titel\"; did you mean \"title\"?\n"));
    assert_non_null(strstr(buffer_text(&f->text),
                           "a.yaml:6:9: error: places: found \"many\", expected "
                           "a whole number from 0 to 4294967295\n"));
}

static void test_announcement__warns_about_an_end_before_the_deadline(void **state)
{
    struct fixture *f = *state;

    problems_of(f, HEAD "deadline: 2031-05-31\nvalid until: 2028-11-23\n" ANSWERS, NULL);
    assert_string_equal(buffer_text(&f->text),
                        "a.yaml:6:14: warning: valid until: found a day before the last deadline, "
                        "which closes it on that day; expected a later one, or none: then it is "
                        "filled in\n");
    problems_of(f, HEAD "deadline: 2031-05-31\nvalid until: 2031-05-31\n" ANSWERS, NULL);
    assert_string_equal(buffer_text(&f->text), "");
    problems_of(f, HEAD "deadline: 2031-05-31\nvalid until: 2031-05\n" ANSWERS, NULL);
    assert_string_equal(buffer_text(&f->text), ""); /* the month ends with that day */
    problems_of(f, HEAD "deadline: 2027-05-31\nrolling: true\nvalid until: 2027-01-31\n" ANSWERS,
                NULL);
    assert_string_equal(buffer_text(&f->text), "");
}

static void test_announcement__warns_about_a_deadline_that_has_passed(void **state)
{
    struct fixture *f = *state;

    problems_of(f, HEAD "deadline: 2020-07-08\n" ANSWERS, NULL);
    assert_string_equal(buffer_text(&f->text),
                        "a.yaml:5:11: warning: deadline: found a day that has passed, expected one "
                        "ahead, or \"nature: historical\"\n");
    problems_of(f, HEAD "deadline: 2020-07-08\nnature: historical\n" ANSWERS, NULL);
    assert_string_equal(buffer_text(&f->text), "");
}

/* ---- prepare, state, texts ------------------------------------------------------------------- */

static void assert_contact_warning(struct fixture *f, const char *contact, const char *expected)
{
    char yaml[1024];

    snprintf(yaml, sizeof yaml, HEAD "contact: {%s}\n" ANSWERS, contact);
    problems_of(f, yaml, NULL);
    if (f->problems.warnings != (expected != NULL) || f->problems.errors ||
        (expected && !strstr(buffer_text(&f->text), expected)))
        fail_msg("%s: found %s, expected %s", contact, buffer_text(&f->text), expected);
}

static void test_announcement__warns_about_contacts_of_persons(void **state)
{
    static const char *const persons[] = {"somchai.jaidee@nstda.or.th",  "j.smith@example.org",
                                          "Anna.Maria.Petrova@rscf.ru",  "wang_xiaoming@example.cn",
                                          "nimal.perera@nsf.example.lk", "noel.uys@nrf.ac.za"};
    static const char *const offices[] = {
        "office@example.org",      "joint.calls@example.org",   "international.office@example.org",
        "info.th@example.org",     "grants_office@example.org", "cn-th@most.cn",
        "bilateral@nsfc.gov.cn",   "r.d@example.org",           "call2027.th@example.org",
        "tto.service@example.org", "no.reply@example.org",      "cooperation@example.org"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof persons / sizeof *persons; i++) {
        char contact[128];

        snprintf(contact, sizeof contact, "office: A, email: %s", persons[i]);
        assert_contact_warning(f, contact,
                               "contact[1].email: found an address that looks like a person's, "
                               "expected one of the office; all partners keep it until it is "
                               "erased (caravan withdraw --erase");
    }
    for (size_t i = 0; i < sizeof offices / sizeof *offices; i++) {
        char contact[128];

        snprintf(contact, sizeof contact, "office: A, email: %s", offices[i]);
        assert_contact_warning(f, contact, NULL);
    }
    assert_contact_warning(f, "office: A, email: lab.physics@GMail.com",
                           "a.yaml:5:29: warning: contact[1].email: found an address at a provider "
                           "for everybody, expected one of the office");
    assert_contact_warning(f, "office: A, person: Somebody, person consents: true",
                           "a.yaml:5:30: warning: contact[1].person: found a person, expected the "
                           "office alone; all partners keep it");
    assert_contact_warning(f, "office: A, orcid: \"https://orcid.org/0000-0002-1825-0097\"",
                           "contact[1].orcid: found the ORCID of a person");
}

/* One warning for the person, not another one for what belongs to the same person. */
static void test_announcement__says_once_that_a_person_is_named(void **state)
{
    struct fixture *f = *state;

    problems_of(f,
                HEAD "contact: {office: A, person: Somebody, person consents: true, orcid: "
                     "\"https://orcid.org/0000-0002-1825-0097\"}\n" ANSWERS,
                NULL);
    assert_int_equal(f->problems.warnings, 1);
    problems_of(f, HEAD "contact: {office: A, person: Somebody, person consents: false}\n" ANSWERS,
                NULL);
    assert_int_equal(f->problems.errors, 1);
    assert_int_equal(f->problems.warnings, 0);
}

static void test_announcement__a_field_of_science_gets_the_code_of_its_name(void **state)
{
    struct fixture *f = *state;
    const Caravan__Announcement *a = read_good(
        f, HEAD "fields of science: [Mathematics, ICT and computing, 2.11, {label: {en: other, zh: "
                "数学}},\n"
                "  {scheme: NSFC, code: B, label: chemistry}, {scheme: RSF, label: physics}]\n");

    assert_string_equal(a->fields_of_science[0]->code, "1.1");
    assert_string_equal(a->fields_of_science[0]->label[0]->text, "Mathematics");
    assert_string_equal(a->fields_of_science[1]->code, "1.2");
    assert_string_equal(a->fields_of_science[2]->code, "2.11");
    assert_int_equal(a->fields_of_science[2]->n_label, 0);
    assert_string_equal(a->fields_of_science[3]->code, "1.1"); /* by its Chinese name */
    assert_string_equal(a->fields_of_science[4]->code, "B");
    assert_null(a->fields_of_science[5]->code); /* another scheme's name */
}

static void test_announcement__an_unknown_field_of_science_is_a_warning(void **state)
{
    struct fixture *f = *state;

    problems_of(f,
                HEAD "deadline: 2027-03-31\nfields of science: [mathematcis, gardening]\n" ANSWERS,
                NULL);
    assert_string_equal(
        buffer_text(&f->text),
        "a.yaml:6:21: warning: fields of science[1]: found \"mathematcis\" without a code, "
        "expected "
        "a name or a code of OECD FORD; did you mean 1.1 Mathematics\n"
        "a.yaml:6:34: warning: fields of science[2]: found \"gardening\" without a code, expected "
        "a name or a code of OECD FORD\n");
    assert_int_equal(f->problems.errors, 0);
}

static void test_announcement__prepare_writes_codes_and_the_expiry(void **state)
{
    static const struct {
        const char *line;
        unsigned year, month, day;
    } rows[] = {
        {"deadline: 2027-03-31\n", 2027, 3, 31},
        {"deadline: 2027-03-31 16:00 Asia/Bangkok\n", 2027, 3, 31},
        {"deadline: [2027-03-31, {what: result, at: 2027-09-01}]\n", 2027, 3, 31},
        {"", 2027, 5, 23},
        {"rolling: true\n", 2028, 11, 23},
        {"deadline: 2031-01-01\n", 2031, 1, 1}, /* it is open until then */
        {"deadline: 2031-01\n", 2031, 1, 31},
        {"deadline: [2027-03-31, 2031-01-01 16:00 Asia/Bangkok]\n", 2031, 1, 1},
        {"deadline: 2031-01-01\nrolling: true\n", 2028, 11, 23},
        {"deadline: 2031-01-01\nvalid until: 2027-01-31\n", 2027, 1, 31},
        {"valid until: 2027-01\n", 2027, 1, 0},
    };
    struct fixture *f = *state;
    const Caravan__Announcement *a;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char yaml[1024];

        snprintf(yaml, sizeof yaml, "%s%s", HEAD, rows[i].line);
        a = read_good(f, yaml);
        assert_int_equal(a->valid_until->year, rows[i].year);
        assert_int_equal(a->valid_until->month, rows[i].month);
        assert_int_equal(a->valid_until->day, rows[i].day);
    }
    a = read_good(f, "kind: visit\nlanguage: en\ntitle: A\nnature: historical\n"
                     "parties: {name: MOST, country: China}\ncountries: [th, South Africa]\n"
                     "money: 5 rmb\n");
    assert_null(a->valid_until);
    assert_string_equal(a->parties[0]->country, "CN");
    assert_string_equal(a->countries[0], "TH");
    assert_string_equal(a->countries[1], "ZA");
    assert_string_equal(a->money[0]->amount->currency, "CNY");
}

/* What was filled in moves with what it was taken from; what somebody has chosen stays. */
static void test_announcement__expiry_moves_where_nobody_chose_it(void **state)
{
    static const struct {
        const char *before, *after; /* after: with the valid_until of before */
        bool filled;
        unsigned year, month, day;
    } rows[] = {
        {"deadline: [2031-05-15, 2031-06-15]\n", "deadline: [2031-05-15, 2031-05-20]\n", true, 2031,
         5, 20},
        {"deadline: [2031-05-15, 2031-06-15]\n", "deadline: [2031-07-15, 2031-08-15]\n", true, 2031,
         8, 15},
        {"deadline: 2031-06-15\n", "rolling: true\n", true, 2028, 11, 23},
        {"rolling: true\n", "deadline: 2031-06-15\n", true, 2031, 6, 15},
        {"deadline: 2027-06-15\nvalid until: 2027-06-20\n", "deadline: 2027-06-18\n", false, 2027,
         6, 20},
        {"deadline: 2027-06-15\nvalid until: 2027-06-20\n", "deadline: 2027-07-18\n", false, 2027,
         7, 18},
        {"deadline: 2027-06-15\nvalid until: 2027-06-10\n", "deadline: 2027-07-18\n", false, 2027,
         6, 10},
        {"deadline: 2027-06-30\nvalid until: 2027-06\n", "deadline: 2027-06-01\n", false, 2027, 6,
         0},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const Caravan__Announcement *read;
        Caravan__Announcement before, after;
        char yaml[1024];

        snprintf(yaml, sizeof yaml, "%s%s", HEAD, rows[i].before);
        read = read_good(f, yaml);
        before = *read;
        assert_int_equal(announcement_expiry_is_filled(&before, &today), rows[i].filled);
        snprintf(yaml, sizeof yaml, "%s%s", HEAD, rows[i].after);
        after = *read_good(f, yaml);
        after.valid_until = before.valid_until;
        assert_int_equal(announcement_move_expiry(&before, &after, &today, &f->arena, NULL), 0);
        assert_int_equal(after.valid_until->year, rows[i].year);
        assert_int_equal(after.valid_until->month, rows[i].month);
        assert_int_equal(after.valid_until->day, rows[i].day);
    }
}

static int64_t at(const char *rfc3339)
{
    int64_t ms = 0;

    assert_int_equal(moment_ms_from_rfc3339(rfc3339, strlen(rfc3339), &ms, NULL), 0);
    return ms;
}

static void test_announcement__state_follows_from_dates_and_zones(void **state)
{
    static const struct {
        const char *lines, *now;
        enum announcement_state state;
    } rows[] = {
        {"deadline: 2027-03-31 16:00 Asia/Bangkok\n", "2027-03-31T08:59:59Z", ANNOUNCEMENT_OPEN},
        {"deadline: 2027-03-31 16:00 Asia/Bangkok\n", "2027-03-31T09:00:00Z", ANNOUNCEMENT_CLOSED},
        /* a day without a zone ends when it has ended everywhere */
        {"deadline: 2027-03-31\n", "2027-04-01T11:59:59Z", ANNOUNCEMENT_OPEN},
        {"deadline: 2027-03-31\n", "2027-04-01T12:00:00Z", ANNOUNCEMENT_CLOSED},
        {"deadline: 2027-03\n", "2027-04-01T11:59:59Z", ANNOUNCEMENT_OPEN},
        {"opens: 2027-01-15\ndeadline: 2027-03-31\n", "2027-01-14T09:59:59Z",
         ANNOUNCEMENT_FORTHCOMING},
        {"opens: 2027-01-15\ndeadline: 2027-03-31\n", "2027-01-14T10:00:00Z", ANNOUNCEMENT_OPEN},
        {"deadline: [2027-01-31, 2027-03-31]\n", "2027-02-10T00:00:00Z", ANNOUNCEMENT_OPEN},
        {"rolling: [Jan]\n", "2027-04-01T00:00:00Z", ANNOUNCEMENT_OPEN},
        {"rolling: [Jan]\n", "2029-04-01T00:00:00Z", ANNOUNCEMENT_CLOSED},
        {"nature: historical\n", "2026-11-23T00:00:00Z", ANNOUNCEMENT_CLOSED},
        {"status: planned\n", "2029-04-01T00:00:00Z", ANNOUNCEMENT_PLANNED},
        {"status: cancelled\ndeadline: 2027-03-31\n", "2026-12-01T00:00:00Z",
         ANNOUNCEMENT_CANCELLED},
        {"status: archived\n", "2026-12-01T00:00:00Z", ANNOUNCEMENT_ARCHIVED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char yaml[1024];
        enum announcement_state found;

        snprintf(yaml, sizeof yaml, "%s%s", HEAD, rows[i].lines);
        found = announcement_state_at(read_good(*state, yaml), at(rows[i].now));
        if (found != rows[i].state)
            print_error("row %zu: %s\n", i, announcement_state_name(found));
        assert_int_equal(found, rows[i].state);
    }
}

static void test_announcement__chooses_the_title_by_language(void **state)
{
    const Caravan__Announcement *a =
        read_good(*state, "kind: visit\ntitle: {zh-Hans: 访问, en: Visit, th: เยือน}\n"
                          "parties: {name: {zh: 科技部}, country: CN}\n");

    assert_string_equal(announcement_title(a, NULL), "访问");
    assert_string_equal(announcement_title(a, "zh"), "访问");
    assert_string_equal(announcement_title(a, "th"), "เยือน");
    assert_string_equal(announcement_title(a, "si"), "Visit");
    assert_string_equal(announcement_text(a->parties[0]->name, 1, "en"), "科技部");
    assert_string_equal(announcement_text(NULL, 0, "en"), "");
}

static void test_announcement__tells_what_cannot_be_shown(void **state)
{
    struct fixture *f = *state;
    Caravan__Announcement *a = read_good(f, HEAD);
    struct error error;

    assert_int_equal(announcement_showable(a, &error), 0);
    a->kind = (Caravan__Kind)CARAVAN__KIND__KIND_VISIT;
    assert_int_equal(announcement_showable(a, &error), ERROR_INVALID);
    assert_string_equal(error.text, "details: found other ones than those of the kind \"visit\", "
                                    "expected these");
    a->kind = (Caravan__Kind)99;
    assert_int_equal(announcement_showable(a, &error), ERROR_INVALID);
    assert_string_equal(error.text,
                        "kind: found \"unknown(99)\", expected a kind that this version knows");
    a->kind = CARAVAN__KIND__KIND_JOINT_CALL;
    a->n_title = 0;
    assert_int_equal(announcement_showable(a, &error), ERROR_INVALID);
    assert_string_equal(error.text, "title: found nothing, expected a title");
}

/* ---- the template ---------------------------------------------------------------------------- */

/* Takes the # away before keys; help lines begin with "# ". */
static void uncomment(struct buffer *text)
{
    char *in = (char *)(uintptr_t)buffer_text(text), *out = in;

    for (char *line = in; *line;) {
        size_t length = strcspn(line, "\n") + 1;

        if (line[0] == '#' && line[1] != ' ') {
            line++;
            length--;
        }
        memmove(out, line, length);
        out += length;
        line += length;
    }
    text->size = (size_t)(out - in);
}

static void test_announcement__templates_pass_as_they_are_and_filled_in(void **state)
{
    struct fixture *f = *state;

    for (int kind = 1; kind <= 7; kind++) {
        struct buffer text = {0};
        char *copy;

        assert_true(announcement_template(kind, &text));
        read_good(f, buffer_text(&text));
        uncomment(&text);
        assert_null(strstr(buffer_text(&text), "\n#k"));
        copy = strdup(buffer_text(&text));
        problems_of(f, copy, NULL);
        if (f->problems.errors)
            print_error("%s%s", copy, buffer_text(&f->text));
        assert_int_equal(f->problems.errors, 0);
        free(copy);
        buffer_finish(&text);
    }
    assert_false(announcement_template(0, &f->text));
    assert_false(announcement_template(8, &f->text));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_announcement__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_field_of_the_schema_has_a_rule),
        TEST(names_of_a_kind_do_not_clash_with_common_ones),
        TEST(refuses_what_lacks_the_required),
        TEST(warns_once_about_the_expected_until_it_is_answered),
        TEST(knows_limits_and_vocabularies),
        TEST(a_description_may_be_long),
        TEST(reports_reading_and_checking_together),
        TEST(warns_about_an_end_before_the_deadline),
        TEST(warns_about_a_deadline_that_has_passed),
        TEST(warns_about_contacts_of_persons),
        TEST(says_once_that_a_person_is_named),
        TEST(a_field_of_science_gets_the_code_of_its_name),
        TEST(an_unknown_field_of_science_is_a_warning),
        TEST(prepare_writes_codes_and_the_expiry),
        TEST(expiry_moves_where_nobody_chose_it),
        TEST(state_follows_from_dates_and_zones),
        TEST(chooses_the_title_by_language),
        TEST(tells_what_cannot_be_shown),
        TEST(templates_pass_as_they_are_and_filled_in),
    };

    return cmocka_run_group_tests_name("announcement", tests, NULL, NULL);
}
