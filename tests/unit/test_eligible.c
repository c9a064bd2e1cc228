/* May an institution apply? The rules as people write them, and the answers of the real notices. */
#include "common/eligible.h"

#include "common/announcement.h"
#include "common/arena.h"
#include "common/limits.h"
#include "common/vocabulary.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMO CARAVAN_SOURCE_DIR "/configs/demo/announcements/"

static const struct moment_date today = {2026, 11, 23};

/* "TH university institute": a country ("-": not known) and kinds. */
static struct eligible_institution institution(const char *text)
{
    Caravan__OrganisationType types[8];
    struct eligible_institution out;
    char copy[128], *rest, *word;
    const char *country;
    size_t count = 0;

    snprintf(copy, sizeof copy, "%s", text);
    country = strtok_r(copy, " ", &rest);
    while ((word = strtok_r(NULL, " ", &rest))) {
        int type;

        assert_true(codec_enum_find(&caravan__organisation_type__descriptor, word, &type));
        types[count++] = (Caravan__OrganisationType)type;
    }
    eligible_institution_init(&out, strcmp(country, "-") == 0 ? NULL : country, types, count);
    return out;
}

static const Caravan__Announcement *read(const char *yaml, struct arena *arena)
{
    struct problem_list problems = {0};
    Caravan__Announcement *announcement = NULL;

    if (announcement_read(span_of_text(yaml), &today, arena, &announcement, NULL, &problems)) {
        struct buffer text = {0};

        problem_list_print(&problems, "test", &text);
        fail_msg("%s", buffer_text(&text));
    }
    problem_list_finish(&problems);
    return announcement;
}

/* The answer and its sentence; the bytes of the rules give the same answer. */
static void assert_answer(const Caravan__Announcement *announcement, const char *who,
                          const char *expected)
{
    struct eligible_institution us = institution(who);
    struct buffer rules = {0};
    struct eligible eligible;
    char text[ELIGIBLE_WHY_SIZE + 16];

    assert_int_equal(eligible_check(announcement, &us, &eligible, NULL), ERROR_NONE);
    snprintf(text, sizeof text, "%s: %s", eligible_name(eligible.answer), eligible.why);
    if (strcmp(text, expected) != 0)
        fail_msg("%s\n  found    \"%s\"\n  expected \"%s\"", who, text, expected);
    assert_true(eligible_rules(announcement, &rules));
    assert_int_equal(eligible_by_rules(buffer_span(&rules), &us), eligible.answer);
    buffer_finish(&rules);
}

struct expected {
    const char *who, *answer;
};

/* An announcement of these lines, behind those that each has, and what it answers to whom. */
static void check(const char *lines, const struct expected *expected, size_t count)
{
    struct buffer yaml = {0};
    struct arena arena;
    const Caravan__Announcement *announcement;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    assert_true(buffer_printf(&yaml, "language: en\ntitle: A test\n%s", lines));
    announcement = read(buffer_text(&yaml), &arena);
    for (size_t i = 0; i < count; i++)
        assert_answer(announcement, expected[i].who, expected[i].answer);
    arena_finish(&arena);
    buffer_finish(&yaml);
}

#define CHECK(lines, ...)                                                                          \
    do {                                                                                           \
        const struct expected expected[] = {__VA_ARGS__};                                          \
        check((lines), expected, sizeof expected / sizeof *expected);                              \
    } while (0)

#define RESOURCE "kind: shared resource\nparties: {name: A, country: RU}\n"
#define CALL                                                                                       \
    "kind: joint call\nparties: [{name: A, country: TH}, {name: B, country: ZA}]\n"                \
    "countries: [TH, ZA]\n"

/* ---- one list -------------------------------------------------------------------------------- */

static void test_eligible__weighs_countries_and_kinds(void **state)
{
    (void)state;
    CHECK(RESOURCE "eligibility: {who: organisation, countries: [CN, TH, ZA, LK], org types: "
                   "[university, institute]}\n",
          {"TH university",
           "yes: eligibility[1].countries: CN, TH, ZA, LK; org types: university, institute"},
          {"TH company institute",
           "yes: eligibility[1].countries: CN, TH, ZA, LK; org types: university, institute"},
          {"RU university", "no: eligibility[1].countries: CN, TH, ZA, LK; not RU"},
          {"TH company", "no: eligibility[1].org types: university, institute; not company"},
          {"TH sme park", "no: eligibility[1].org types: university, institute; not sme, park"},
          {"TH", "unknown: eligibility[1].org types: university, institute; of which kind this "
                 "institution is, is not known"},
          {"- university", "unknown: eligibility[1].countries: CN, TH, ZA, LK; the country of this "
                           "institution is not known"},
          {"- company", "no: eligibility[1].org types: university, institute; not company"});
}

static void test_eligible__takes_small_companies_for_companies(void **state)
{
    (void)state;
    CHECK(RESOURCE "eligibility: {who: organisation, countries: TH, org types: company}\n",
          {"TH sme", "yes: eligibility[1].countries: TH; org types: company"},
          {"TH company", "yes: eligibility[1].countries: TH; org types: company"});
    CHECK(RESOURCE "eligibility: {who: organisation, countries: TH, org types: sme}\n",
          {"TH sme", "yes: eligibility[1].countries: TH; org types: sme"},
          {"TH company", "unknown: eligibility[1].org types: sme; whether this company is small or "
                         "medium is not known"},
          {"CN company", "no: eligibility[1].countries: TH; not CN"},
          {"TH ngo", "no: eligibility[1].org types: sme; not ngo"});
}

static void test_eligible__reads_rows_as_alternatives(void **state)
{
    (void)state;
    CHECK(RESOURCE "eligibility:\n  - {who: organisation, countries: CN, org types: company}\n  - "
                   "{who: organisation, countries: TH, org types: university}\n",
          {"TH university", "yes: eligibility[2].countries: TH; org types: university"},
          {"CN company", "yes: eligibility[1].countries: CN; org types: company"},
          /* the row that is nearer to a yes is named */
          {"TH company", "no: eligibility[2].org types: university; not company"},
          {"LK university", "no: eligibility[1].countries: CN; not LK"},
          {"TH", "unknown: eligibility[2].org types: university; of which kind this institution "
                 "is, is not known"});
}

/* A natural person who may apply, too, is not the institution. */
static void test_eligible__weighs_persons_only_where_nobody_else_may(void **state)
{
    (void)state;
    CHECK(RESOURCE "eligibility:\n  - {who: organisation, countries: CN, org types: company}\n  - "
                   "{who: person, countries: [CN, TH], min degree: doctorate}\n",
          {"TH university", "no: eligibility[1].countries: CN; not TH"});
    CHECK(
        RESOURCE "eligibility: {who: person, countries: [CN, TH], min degree: doctorate, max age: "
                 "45, career: [r1, r2], languages: en, text: who dives}\n",
        {"TH university", "yes: eligibility[1].countries: CN, TH; conditions: min degree "
                          "doctorate, max age 45, career r1 or r2, languages, what its text says"},
        {"TH", "yes: eligibility[1].countries: CN, TH; conditions: min degree doctorate, max age "
               "45, career r1 or r2, languages, what its text says"},
        {"ZA university", "no: eligibility[1].countries: CN, TH; not ZA"});
}

static void test_eligible__never_weighs_a_text(void **state)
{
    (void)state;
    CHECK(RESOURCE "eligibility: {text: developers of technology}\n",
          {"RU company", "unknown: eligibility[1].text: stated only as text"});
    CHECK(RESOURCE "countries: [TH]\neligibility: {who: organisation, org types: company, text: "
                   "registered in Thailand}\n",
          {"TH company", "yes: eligibility[1].org types: company; conditions: what its text says"},
          {"TH university", "no: eligibility[1].org types: company; not university"});
    CHECK(RESOURCE "eligibility: {who: organisation}\ncountries: TH\n",
          {"TH ngo", "yes: eligibility[1] fits"});
}

static void test_eligible__cannot_tell_what_is_not_stated(void **state)
{
    (void)state;
    CHECK(RESOURCE "countries: [TH, CN]\n",
          {"TH university", "unknown: eligibility: not stated; it concerns TH, CN, RU"},
          {"LK university", "unknown: eligibility: not stated; it concerns TH, CN, RU, not LK"},
          {"-", "unknown: eligibility: not stated; it concerns TH, CN, RU"});
    CHECK(RESOURCE "countries: [TH, CN]\neligibility: {who: organisation, org types: institute}\n",
          {"TH institute", "yes: eligibility[1].org types: institute"},
          {"LK institute",
           "unknown: eligibility[1] names no countries; it concerns TH, CN, RU, not LK"},
          {"LK company", "no: eligibility[1].org types: institute; not company"});
    CHECK(RESOURCE "eligibility: {who: organisation, org types: institute}\nnot stated: [eligible "
                   "countries]\n",
          {"RU institute", "unknown: eligibility: for which countries is not stated"},
          {"RU park", "no: eligibility[1].org types: institute; not park"});
}

/* ---- sides ----------------------------------------------------------------------------------- */

#define SIDES(thai, african)                                                                       \
    "kind: joint call\nparties:\n"                                                                 \
    "  - {name: A, country: TH, eligibility: {" thai "}}\n"                                        \
    "  - {name: B, country: ZA, eligibility: {" african "}}\n"

static void test_eligible__applies_on_its_own_side(void **state)
{
    (void)state;
    CHECK(SIDES("who: organisation, org types: university",
                "who: organisation, org types: [university, sme]"),
          {"TH university", "yes: parties[1].eligibility[1].org types: university"},
          {"TH sme", "no: parties[1].eligibility[1].org types: university; not sme"},
          {"ZA sme", "yes: parties[2].eligibility[1].org types: university, sme"},
          {"CN sme", "no: parties[1].eligibility[1]: for the side of TH; not CN"},
          {"- university", "unknown: parties[1].eligibility[1]: for the side of TH; the country of "
                           "this institution is not known"});
    CHECK(SIDES("who: organisation, countries: [TH, LK]", "who: organisation"),
          {"LK university", "yes: parties[1].eligibility[1].countries: TH, LK"},
          {"ZA university", "yes: parties[2].eligibility[1] fits"});
}

static void test_eligible__needs_the_common_list_and_its_side(void **state)
{
    (void)state;
    CHECK(
        SIDES("who: organisation, org types: [university, sme]",
              "who: organisation") "eligibility: {who: organisation, countries: [TH, ZA], org "
                                   "types: [university, institute]}\n",
        {"TH university", "yes: eligibility[1].countries: TH, ZA; org types: university, "
                          "institute; parties[1].eligibility[1].org types: university, sme"},
        {"TH sme", "no: eligibility[1].org types: university, institute; not sme"},
        {"TH institute", "no: parties[1].eligibility[1].org types: university, sme; not institute"},
        {"LK institute", "no: eligibility[1].countries: TH, ZA; not LK"});
}

static void test_eligible__knows_a_side_that_says_nothing(void **state)
{
    (void)state;
    CHECK("kind: joint call\nparties:\n  - {name: A, country: TH}\n  - {name: B, country: ZA, "
          "eligibility: {who: organisation, org types: sme}}\n",
          {"TH sme", "unknown: parties[1].eligibility: not stated for this side"},
          {"ZA sme", "yes: parties[2].eligibility[1].org types: sme"});
    CHECK("kind: joint call\nparties:\n  - {name: A, country: TH}\n  - {name: B, country: ZA, "
          "eligibility: {who: organisation, org types: sme}}\neligibility: {who: organisation, "
          "countries: [TH, ZA]}\n",
          {"TH university", "yes: eligibility[1].countries: TH, ZA"});
}

/* Two offices of one country are one side: either will do. */
static void test_eligible__takes_either_party_of_its_country(void **state)
{
    (void)state;
    CHECK("kind: joint call\nparties:\n  - {name: A, country: TH, eligibility: {who: organisation, "
          "org types: university}}\n  - {name: B, country: ZA}\n  - {name: C, country: TH, "
          "eligibility: {who: organisation, org types: company}}\n",
          {"TH company", "yes: parties[3].eligibility[1].org types: company"},
          {"TH university", "yes: parties[1].eligibility[1].org types: university"},
          {"TH ngo", "no: parties[1].eligibility[1].org types: university; not ngo"});
}

/* A single publisher's terms are for whoever its list names, not only for its own country. */
static void test_eligible__single_publisher_has_no_side(void **state)
{
    (void)state;
    CHECK("kind: shared resource\ncountries: [CN]\nparties: {name: A, country: RU, eligibility: "
          "{who: organisation, org types: sme}}\n",
          {"CN sme", "yes: parties[1].eligibility[1].org types: sme"},
          {"LK sme",
           "unknown: parties[1].eligibility[1] names no countries; it concerns CN, RU, not LK"});
}

/* ---- partners -------------------------------------------------------------------------------- */

static void test_eligible__leaves_open_whether_partners_are_found(void **state)
{
    (void)state;
    CHECK(
        CALL "eligibility: {who: consortium, countries: [TH, ZA, CN], min countries: 3}\n",
        {"TH university", "unknown: eligibility[1].min countries: 3 of TH, ZA, CN; find partners"},
        {"LK university", "no: eligibility[1].countries: TH, ZA, CN; not LK"});
    CHECK(CALL "eligibility: {who: consortium, countries: [TH, ZA]}\n",
          {"TH ngo", "unknown: eligibility[1].who: consortium of TH, ZA; find partners"});
    CHECK(CALL "eligibility: {who: organisation, countries: [TH, ZA]}\nconsortium: {partners: 2 to "
               "6, countries: 2}\n",
          {"TH ngo", "unknown: eligibility[1] fits; consortium: at least 2 partners from at least "
                     "2 countries; find partners"},
          {"CN ngo", "no: eligibility[1].countries: TH, ZA; not CN"});
    CHECK(CALL "eligibility: {who: organisation, countries: [TH, ZA]}\nconsortium: {partners: up "
               "to 6, team: 3 to 12}\nprior agreement: true\nip agreed before: true\nlimit per "
               "institution: 2\nend user required: true\n",
          {"TH ngo", "yes: eligibility[1].countries: TH, ZA; conditions: prior agreement, ip "
                     "agreed before, end user required, limit per institution"});
    CHECK(CALL "mirror application: true\neligibility: {who: organisation, countries: [TH, ZA]}\n",
          {"TH ngo", "unknown: eligibility[1] fits; mirror application: on each side somebody must "
                     "apply; find a partner in ZA"});
    CHECK("kind: visit\nparties: {name: A, country: CN}\nmirror application: true\ncountries: "
          "TH\neligibility: {who: organisation, org types: institute}\n",
          {"TH institute", "unknown: eligibility[1] fits; mirror application: on each side "
                           "somebody must apply; find a partner"});
}

/* ---- technology ------------------------------------------------------------------------------ */

#define OFFER "kind: tech offer\nparties: {name: A, country: TH}\ncountries: [TH, CN]\n"

static void test_eligible__rules_out_only_who_cannot_be_owned(void **state)
{
    (void)state;
    CHECK(OFFER
          "eligibility: {who: organisation, ownership rule: {min percent: 51, countries: TH}}\n",
          {"TH company", "unknown: eligibility[1].ownership rule: at least 51 % TH; who owns this "
                         "institution is not known"},
          {"CN company", "unknown: eligibility[1].ownership rule: at least 51 % TH; who owns this "
                         "institution is not known"},
          {"CN park university", "unknown: eligibility[1].ownership rule: at least 51 % TH; who "
                                 "owns this institution is not known"},
          {"CN", "unknown: eligibility[1].ownership rule: at least 51 % TH; who owns this "
                 "institution is not known"},
          {"TH university", "unknown: eligibility[1].ownership rule: at least 51 % TH; who owns "
                            "this institution is not known"},
          {"CN university",
           "no: eligibility[1].ownership rule: at least 51 % TH; not university of CN"},
          {"CN ministry funder",
           "no: eligibility[1].ownership rule: at least 51 % TH; not ministry, funder of CN"});
    CHECK(OFFER
          "eligibility: {who: organisation, ownership rule: {min percent: 50, countries: TH}}\n",
          {"CN university", "unknown: eligibility[1].ownership rule: at least 50 % TH; who owns "
                            "this institution is not known"});
    CHECK(OFFER "eligibility: {who: organisation, ownership rule: {text: Thai hands}}\n",
          {"CN university", "unknown: eligibility[1].ownership rule: stated as text; who owns this "
                            "institution is not known"});
    CHECK(
        OFFER "eligibility: {who: organisation, countries: [TH, CN]}\nlicence terms: {ownership "
              "rule: {min percent: 51, countries: TH}}\n",
        {"CN institute", "no: licence terms.ownership rule: at least 51 % TH; not institute of CN"},
        {"CN sme", "unknown: licence terms.ownership rule: at least 51 % TH; who owns this "
                   "institution is not known"});
}

static void test_eligible__takes_the_partner_sought_for_the_rules(void **state)
{
    (void)state;
    CHECK(OFFER "partner sought: {type: [company, sme], countries: [CN, ZA], role: makes it}\n",
          {"CN sme", "yes: partner sought.countries: CN, ZA; type: company, sme; conditions: what "
                     "its text says"},
          {"LK sme", "no: partner sought.countries: CN, ZA; not LK"},
          {"CN university", "no: partner sought.type: company, sme; not university"});
    CHECK(OFFER "partner sought: {type: [company, sme], countries: [CN, ZA]}\neligibility: {who: "
                "organisation, countries: LK}\n",
          {"LK university", "yes: eligibility[1].countries: LK"},
          {"CN sme", "no: eligibility[1].countries: LK; not CN"});
    CHECK(OFFER "partner sought: {role: makes it}\n",
          {"CN sme", "unknown: eligibility: not stated; it concerns TH, CN"});
}

/* ---- the real notices ------------------------------------------------------------------------ */

static void check_file(const char *file, const struct expected *expected, size_t count)
{
    char path[256], *text = malloc(LIMIT_YAML_SIZE);
    struct arena arena;
    FILE *from;
    size_t size;

    assert_non_null(text);
    snprintf(path, sizeof path, "%s%s.yaml", DEMO, file);
    from = fopen(path, "rb");
    assert_non_null(from);
    size = fread(text, 1, LIMIT_YAML_SIZE - 1, from);
    fclose(from);
    text[size] = '\0';
    arena_init(&arena, LIMIT_ARENA_SIZE);
    for (size_t i = 0; i < count; i++)
        assert_answer(read(text, &arena), expected[i].who, expected[i].answer);
    arena_finish(&arena);
    free(text);
}

#define CHECK_FILE(file, ...)                                                                      \
    do {                                                                                           \
        const struct expected expected[] = {__VA_ARGS__};                                          \
        check_file((file), expected, sizeof expected / sizeof *expected);                          \
    } while (0)

static void test_eligible__answers_of_the_real_notices(void **state)
{
    (void)state;
    CHECK_FILE("cn-demo/01-nsfc-rsf-2025",
               {"CN university", "unknown: parties[1].eligibility[1].text: stated only as text"},
               {"RU institute", "unknown: parties[2].eligibility[1].text: stated only as text"},
               {"TH university", "no: parties[1].eligibility[1]: for the side of CN; not TH"});
    CHECK_FILE("cn-demo/02-joint-programme-7",
               {"CN institute", "unknown: parties[1].eligibility[1] fits; mirror application: on "
                                "each side somebody must apply; find a partner in ZA"},
               {"ZA university", "unknown: parties[2].eligibility[1] fits; mirror application: on "
                                 "each side somebody must apply; find a partner in CN"},
               {"LK university", "no: parties[2].eligibility[1]: for the side of ZA; not LK"});
    CHECK_FILE("cn-demo/04-tysp",
               {"LK university", "unknown: eligibility: for which countries is not stated"});
    CHECK_FILE("cn-demo/05-china-thailand-jc23",
               {"TH institute", "unknown: eligibility[1].text: stated only as text"});
    CHECK_FILE("cn-demo/07-fast-2024",
               {"TH institute", "unknown: eligibility: not stated; it concerns CN, not TH"});
    CHECK_FILE("th-demo/03-tech-show-licence",
               {"TH sme", "unknown: eligibility[1].ownership rule: at least 51 % TH; who owns this "
                          "institution is not known"},
               {"CN institute",
                "no: eligibility[1].ownership rule: at least 51 % TH; not institute of CN"});
    CHECK_FILE("za-demo/01-nrf-rfbr-2019",
               {"ZA university", "yes: eligibility[1].countries: ZA, RU; org types: university, "
                                 "institute; conditions: what its text says"},
               {"CN university", "no: eligibility[1].countries: ZA, RU; not CN"});
    CHECK_FILE("za-demo/02-wader-drakenstein",
               {"CN sme", "unknown: eligibility[1].text: stated only as text"});
}

static void test_eligible__answers_of_the_samples(void **state)
{
    (void)state;
    CHECK_FILE(
        "th-demo/04-sample-joint-call",
        {"TH institute", "unknown: parties[1].eligibility[1] fits; eligibility[1].min countries: 2 "
                         "of TH, ZA; find partners"},
        {"TH sme", "no: parties[1].eligibility[1].org types: university, institute; not sme"},
        {"ZA sme", "unknown: parties[2].eligibility[1] fits; eligibility[1].min countries: 2 of "
                   "TH, ZA; find partners"},
        {"CN institute", "no: eligibility[1].countries: TH, ZA; not CN"});
    CHECK_FILE("lk-demo/02-sample-visit",
               {"TH institute", "yes: eligibility[1].countries: CN, TH, RU, ZA; conditions: min "
                                "degree master, career r1 or r2, languages, what its text says"},
               {"LK institute", "no: eligibility[1].countries: CN, TH, RU, ZA; not LK"});
    CHECK_FILE("ru-demo/03-sample-shared-resource",
               {"CN university",
                "yes: eligibility[1].countries: CN, TH, ZA, LK; org types: university, institute"});
    CHECK_FILE("cn-demo/09-sample-tech-offer",
               {"TH institute", "no: eligibility[1].org types: company, sme; not institute"});
}

/* ---- what strangers may write ---------------------------------------------------------------- */

/* All countries of the world fit into a sentence, and what is no code does not get into it. */
static void test_eligible__keeps_sentences_short_and_clean(void **state)
{
    const struct vocabulary *countries = vocabulary_get("country");
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__Eligibility row = CARAVAN__ELIGIBILITY__INIT;
    Caravan__Eligibility *rows[] = {&row};
    struct eligible_institution us = institution("TH institute");
    struct eligible eligible;
    char *codes[300] = {"\x1b[", "TOOLONG", "\xff\xfe"};
    size_t count = 3;

    (void)state;
    for (size_t i = 0; i < vocabulary_count(countries); i++)
        if (strcmp(vocabulary_at(countries, i)->code, "TH") != 0)
            codes[count++] = (char *)(uintptr_t)vocabulary_at(countries, i)->code;
    row.countries = codes;
    row.n_countries = count;
    announcement.eligibility = rows;
    announcement.n_eligibility = 1;
    assert_int_equal(eligible_check(&announcement, &us, &eligible, NULL), ERROR_NONE);
    assert_int_equal(eligible.answer, ELIGIBLE_NO);
    assert_true(strlen(eligible.why) < 120);
    assert_non_null(strstr(eligible.why, "countries: ??, ??, ??, "));
    assert_non_null(strstr(eligible.why, " more; not TH"));
}

static void test_eligible__ends_a_sentence_that_is_too_long(void **state)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__Eligibility row = CARAVAN__ELIGIBILITY__INIT;
    Caravan__Eligibility *rows[] = {&row};
    Caravan__Career careers[200];
    struct eligible_institution us = institution("TH institute");
    struct eligible eligible;

    (void)state;
    for (size_t i = 0; i < 200; i++)
        careers[i] = (Caravan__Career)(1000 + i); /* of a later version */
    row.career = careers;
    row.n_career = 200;
    announcement.eligibility = rows;
    announcement.n_eligibility = 1;
    assert_int_equal(eligible_check(&announcement, &us, &eligible, NULL), ERROR_NONE);
    assert_int_equal(eligible.answer, ELIGIBLE_YES);
    assert_int_equal(strlen(eligible.why), ELIGIBLE_WHY_SIZE - 1);
    assert_string_equal(eligible.why + ELIGIBLE_WHY_SIZE - 4, "...");
}

/* Kinds that this version does not know are a kind of their own; numbers may be any. */
static void test_eligible__bears_numbers_of_later_versions(void **state)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__Eligibility row = CARAVAN__ELIGIBILITY__INIT;
    Caravan__Eligibility other = CARAVAN__ELIGIBILITY__INIT;
    Caravan__Eligibility *rows[2] = {&row};
    Caravan__OrganisationType types[] = {(Caravan__OrganisationType)77,
                                         (Caravan__OrganisationType)-1};
    struct eligible_institution us = institution("TH institute");
    struct eligible eligible;

    (void)state;
    row.org_types = types;
    row.n_org_types = 2;
    row.who = (Caravan__EligibilityWho)(256 + CARAVAN__ELIGIBILITY_WHO__ELIGIBILITY_WHO_PERSON);
    row.min_countries = UINT32_MAX;
    announcement.eligibility = rows;
    announcement.n_eligibility = 1;
    assert_int_equal(eligible_check(&announcement, &us, &eligible, NULL), ERROR_NONE);
    assert_string_equal(eligible.why, "eligibility[1].org types: another kind; not institute");
    eligible_institution_init(&us, "TH", types, 2);
    assert_int_equal(eligible_check(&announcement, &us, &eligible, NULL), ERROR_NONE);
    assert_string_equal(eligible.why, "eligibility[1].min countries: 65535; find partners");
    rows[1] = &other; /* a list that is not only for persons */
    announcement.n_eligibility = 2;
    row.min_countries = 0;
    assert_int_equal(eligible_check(&announcement, &us, &eligible, NULL), ERROR_NONE);
    assert_string_equal(eligible.why, "eligibility[1].org types: another kind");
}

static void test_eligible__says_when_memory_runs_out(void **state)
{
    struct eligible_institution us = institution("TH institute");
    const Caravan__Announcement *announcement;
    struct eligible eligible;
    struct arena arena;
    unsigned failures = 0;
    int code = ERROR_MEMORY;

    (void)state;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    announcement =
        read("language: en\ntitle: A test\n" SIDES("countries: TH", "countries: ZA"), &arena);
    for (unsigned long n = 1; code == ERROR_MEMORY; n++) {
        struct error error = {0};

        fault_arm(n);
        code = eligible_check(announcement, &us, &eligible, &error);
        failures += fault_disarm();
        assert_int_equal(error.code, code);
    }
    assert_int_equal(code, ERROR_NONE);
    assert_int_equal(eligible.answer, ELIGIBLE_YES);
    assert_true(failures > 0);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eligible__weighs_countries_and_kinds),
        cmocka_unit_test(test_eligible__takes_small_companies_for_companies),
        cmocka_unit_test(test_eligible__reads_rows_as_alternatives),
        cmocka_unit_test(test_eligible__weighs_persons_only_where_nobody_else_may),
        cmocka_unit_test(test_eligible__never_weighs_a_text),
        cmocka_unit_test(test_eligible__cannot_tell_what_is_not_stated),
        cmocka_unit_test(test_eligible__applies_on_its_own_side),
        cmocka_unit_test(test_eligible__needs_the_common_list_and_its_side),
        cmocka_unit_test(test_eligible__knows_a_side_that_says_nothing),
        cmocka_unit_test(test_eligible__takes_either_party_of_its_country),
        cmocka_unit_test(test_eligible__single_publisher_has_no_side),
        cmocka_unit_test(test_eligible__leaves_open_whether_partners_are_found),
        cmocka_unit_test(test_eligible__rules_out_only_who_cannot_be_owned),
        cmocka_unit_test(test_eligible__takes_the_partner_sought_for_the_rules),
        cmocka_unit_test(test_eligible__answers_of_the_real_notices),
        cmocka_unit_test(test_eligible__answers_of_the_samples),
        cmocka_unit_test(test_eligible__keeps_sentences_short_and_clean),
        cmocka_unit_test(test_eligible__ends_a_sentence_that_is_too_long),
        cmocka_unit_test(test_eligible__bears_numbers_of_later_versions),
        cmocka_unit_test(test_eligible__says_when_memory_runs_out),
    };
    return cmocka_run_group_tests_name("eligible", tests, NULL, NULL);
}
