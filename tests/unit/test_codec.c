#include "common/codec.h"
#include "common/guard.h"
#include "common/limits.h"
#include "proto/announcement.pb-c.h"
#include "proto/wire.pb-c.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define ANNOUNCEMENT &caravan__announcement__descriptor

struct fixture {
    struct arena arena;
    struct codec_places places;
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
    codec_places_finish(&f->places);
    problem_list_finish(&f->problems);
    buffer_finish(&f->text);
    free(f);
    return 0;
}

static void *read_yaml(struct fixture *f, const ProtobufCMessageDescriptor *type, const char *text)
{
    ProtobufCMessage *message = NULL;
    int rc =
        codec_read_yaml(type, span_of_text(text), &f->arena, &f->places, &message, &f->problems);

    if (rc) {
        buffer_clear(&f->text);
        problem_list_print(&f->problems, "test.yaml", &f->text);
        print_error("%s", buffer_text(&f->text));
    }
    assert_int_equal(rc, 0);
    return message;
}

static const char joint_call[] =
    "kind: joint call\n"
    "language: en\n"
    "title: RFBR-NSFC competition for the best basic research projects 2020\n"
    "nature: historical\n"
    "opens: 2020-04-14\n"
    "deadline: 2020-07-08\n"
    "duration: 24 months\n"
    "fields of science: [mathematics, physics and astronomy, chemistry and materials,\n"
    "  biology, Earth sciences, ICT and computing, engineering, medicine, agriculture]\n"
    "parties:\n"
    "  - name: Russian Foundation for Basic Research (RFBR)\n"
    "    country: RU\n"
    "    money: 1000000 to 3000000 RUB\n"
    "  - name: NSFC\n"
    "    country: CN\n"
    "    money: {currency: CNY, text: at least the same amount}\n"
    "consortium: {team: 2 to 10}\n"
    "criteria: relevance and novelty, conformity with world level, qualification, coordination of "
    "partners\n"
    "source: https://tass.com/science/1142309\n"
    "not stated: [deadline time, time zone, contact, apply link, number of awards]\n";

static const char visit[] =
    "kind: visit\n"
    "language: en\n"
    "title: Talented Young Scientist Program (TYSP)\n"
    "nature: historical\n"
    "parties:\n"
    "  - {name: MOST, country: CN}\n"
    "  - {name: China Science and Technology Exchange Center, country: CN}\n"
    "rolling: [Jan, Apr, Jul, Oct]\n"
    "stay: [6 months, 12 months]\n"
    "money: {amount: 12500 CNY, per: month, text: before tax}\n"
    "eligibility:\n"
    "  max age: 45\n"
    "  text: doctorate or five years of research experience; English or Chinese; full-time in "
    "China;\n"
    "    nationals of Afro-Asian countries (embassy page)\n"
    "host duties: [work permit and visa documents, advance payment]\n"
    "source: http://tysp.cstec.org.cn/en/process.aspx\n"
    "not stated: [places, contact]\n";

static void test_codec__reads_the_joint_call_that_people_wrote(void **state)
{
    const Caravan__Announcement *a = read_yaml(*state, ANNOUNCEMENT, joint_call);

    assert_int_equal(a->kind, CARAVAN__KIND__KIND_JOINT_CALL);
    assert_int_equal(a->details_case, CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL);
    assert_string_equal(a->title[0]->lang, "en");
    assert_int_equal(a->opens->year * 10000 + a->opens->month * 100 + a->opens->day, 20200414);
    assert_int_equal(a->n_deadline, 1);
    assert_int_equal(a->deadline[0]->at->date->day, 8);
    assert_false(a->deadline[0]->at->has_hour);
    assert_int_equal(a->joint_call->duration->value, 24);
    assert_int_equal(a->joint_call->duration->unit, CARAVAN__DURATION_UNIT__DURATION_UNIT_MONTH);
    assert_int_equal(a->n_fields_of_science, 9);
    assert_string_equal(a->fields_of_science[4]->label[0]->text, "Earth sciences");
    assert_int_equal(a->n_parties, 2);
    assert_true(a->parties[0]->money[0]->amount->min_minor == 100000000);
    assert_true(a->parties[0]->money[0]->amount->max_minor == 300000000);
    assert_null(a->parties[1]->money[0]->amount);
    assert_string_equal(a->parties[1]->money[0]->currency, "CNY");
    assert_int_equal(a->joint_call->consortium->team->max, 10);
    assert_int_equal(a->n_not_stated, 5);
}

static void test_codec__reads_the_visit_that_people_wrote(void **state)
{
    const Caravan__Announcement *a = read_yaml(*state, ANNOUNCEMENT, visit);

    assert_int_equal(a->rolling->n_review_months, 4);
    assert_int_equal(a->rolling->review_months[3], CARAVAN__MONTH__MONTH_OCT);
    assert_int_equal(a->visit->n_stay, 2);
    assert_true(a->money[0]->amount->min_minor == 1250000);
    assert_int_equal(a->money[0]->per, CARAVAN__PER__PER_MONTH);
    assert_int_equal(a->eligibility[0]->max_age, 45);
    assert_non_null(strstr(a->eligibility[0]->text[0]->text, "China; nationals"));
    assert_int_equal(a->visit->n_host_duties, 2);
    assert_string_equal(a->visit->host_duties[1]->text[0]->text, "advance payment");
}

static void test_codec__writes_what_people_would_write(void **state)
{
    struct fixture *f = *state;
    const ProtobufCMessage *message = read_yaml(f, ANNOUNCEMENT, visit);

    assert_true(codec_write_yaml(message, &f->text));
    assert_string_equal(buffer_text(&f->text),
                        "kind: visit\n"
                        "language: en\n"
                        "title: Talented Young Scientist Program (TYSP)\n"
                        "parties:\n"
                        "  - name: MOST\n"
                        "    country: CN\n"
                        "  - name: China Science and Technology Exchange Center\n"
                        "    country: CN\n"
                        "nature: historical\n"
                        "rolling: [jan, apr, jul, oct]\n"
                        "eligibility:\n"
                        "  - max age: 45\n"
                        "    text: doctorate or five years of research experience; English or "
                        "Chinese; full-time in China; "
                        "nationals of Afro-Asian countries (embassy page)\n"
                        "money:\n"
                        "  - amount: 12500 CNY\n"
                        "    per: month\n"
                        "    text: before tax\n"
                        "source: http://tysp.cstec.org.cn/en/process.aspx\n"
                        "not stated: [places, contact]\n"
                        "stay: [6 months, 12 months]\n"
                        "host duties: [work permit and visa documents, advance payment]\n");
}

/* ---- broken inputs --------------------------------------------------------------------------- */

static const char *problems_of(struct fixture *f, bool yaml, const ProtobufCMessageDescriptor *type,
                               const char *text)
{
    ProtobufCMessage *message = NULL;
    int rc;

    problem_list_finish(&f->problems);
    buffer_clear(&f->text);
    rc = (yaml ? codec_read_yaml : codec_read_json)(type, span_of_text(text), &f->arena, NULL,
                                                    &message, &f->problems);
    assert_int_equal(rc == 0, f->problems.errors == 0);
    assert_true(problem_list_print(&f->problems, "f", &f->text));
    return buffer_text(&f->text);
}

struct broken {
    const ProtobufCMessageDescriptor *type;
    const char *text, *problems;
};

static void check_broken(struct fixture *f, bool yaml, const struct broken *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *problems = problems_of(f, yaml, rows[i].type, rows[i].text);

        if (strcmp(problems, rows[i].problems) != 0)
            print_error("row %zu:\n%s", i, rows[i].text);
        assert_string_equal(problems, rows[i].problems);
    }
}

#define PARTY &caravan__party__descriptor
#define VISIT "kind: visit\n"

static void test_codec__refuses_what_is_not_plain_yaml(void **state)
{
    static const struct broken rows[] = {
        {PARTY, "", "f:1:1: error: found nothing, expected `key: value`\n"},
        {PARTY, "country: [CN\n",
         "f:2:1: error: found what is not YAML: did not find expected ',' or ']' (while parsing a "
         "flow "
         "sequence in line 1), expected `key: value`\n"},
        {PARTY, "country: &a CN\n", "f:1:10: error: found an anchor (&), expected a value\n"},
        {PARTY, "country: *a\n", "f:1:10: error: found an alias (*), expected the value itself\n"},
        {PARTY, "country: !!str CN\n", "f:1:10: error: found a tag (!), expected a value\n"},
        {PARTY, "name: !a {en: A}\n", "f:1:7: error: found a tag (!), expected a value\n"},
        {PARTY, "country: CN\n---\ncountry: TH\n",
         "f:2:1: error: found a second document, expected one in a file\n"},
        {PARTY, "[a]: b\n", "f:1:1: error: found a list or map as a key, expected a word\n"},
        {PARTY, "country: \"C\\0N\"\n",
         "f:1:10: error: found a NUL character, expected text without it\n"},
        {PARTY, "country: CN\nror: \xC3\x28\n",
         "f:2:6: error: found byte 0xC3 that is not UTF-8, expected text in UTF-8\n"},
        {PARTY, "[[[[[[[[[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]]]]]]]]\n",
         "f:1:25: error: found too many levels, expected fewer\n"},
    };

    check_broken(*state, true, rows, sizeof rows / sizeof rows[0]);
}

static void test_codec__refuses_yaml_keys_with_place_found_and_expected(void **state)
{
    static const struct broken rows[] = {
        {PARTY, "country:\n",
         "f:1:9: error: country: found nothing (null), expected a value: leave the key out when it "
         "is "
         "not known\n"},
        {PARTY, "country: null\n",
         "f:1:10: error: country: found nothing (null), expected a value: leave the key out when "
         "it is "
         "not known, write the word in quotes when it is meant\n"},
        {PARTY, "name: ~\n",
         "f:1:7: error: name: found nothing (null), expected a value: leave the key out when it is "
         "not "
         "known\n"},
        {PARTY, "country: CN\ncountry: TH\n",
         "f:2:1: error: country: found this key a second time, expected it once\n"},
        {PARTY, "node-id: 00\nnode id: 01\n",
         "f:2:1: error: node id: found this key a second time, expected it once\n"},
        {PARTY, "contry: CN\n",
         "f:1:1: error: contry: found the unknown key \"contry\"; did you mean \"country\"?\n"},
        {PARTY, "Country: CN\n",
         "f:1:1: error: Country: found the unknown key \"Country\"; did you mean \"country\"?\n"},
        {PARTY, "xyzzy: CN\n",
         "f:1:1: error: xyzzy: found the unknown key \"xyzzy\", expected one of: node id, ror, "
         "name, "
         "country, role, office, money, deadline, eligibility, themes, contact, apply url\n"},
        {PARTY, "- country: CN\n",
         "f:1:1: error: found a list, expected the keys: node id, ror, name, country, role, "
         "office, "
         "money, deadline, eligibility, themes, contact, apply url\n"},
        {ANNOUNCEMENT, VISIT "joint call: {}\n",
         "f:2:1: error: joint call: found a kind as a key, expected \"kind: joint call\" and its "
         "keys beside it\n"},
        {&caravan__sync_message__descriptor, "hello: {}\npull: {}\n",
         "f:2:1: error: pull: found this key beside \"hello\", expected only one of them\n"},
    };

    check_broken(*state, true, rows, sizeof rows / sizeof rows[0]);
}

static void test_codec__refuses_yaml_values_with_place_found_and_expected(void **state)
{
    static const struct broken rows[] = {
        {PARTY, "role: leed\n",
         "f:1:7: error: role: found \"leed\", expected one of: lead, partner, funder, host, "
         "operator, "
         "endorser; did you mean \"lead\"?\n"},
        {PARTY, "role: unknown(7)\n",
         "f:1:7: error: role: found \"unknown(7)\", expected one of: lead, partner, funder, host, "
         "operator, endorser\n"},
        {PARTY, "node id: 0g\n",
         "f:1:10: error: node id: found \"0g\", expected hexadecimal digits, an even number of "
         "them\n"},
        {PARTY, "country: {CN: 1}\n",
         "f:1:10: error: country: found keys and values, expected text\n"},
        {PARTY, "name: {en: A, en: B}\n",
         "f:1:15: error: name.en: found this language a second time, expected it once\n"},
        {PARTY, "deadline: 2024-02-30\n",
         "f:1:11: error: deadline: found \"2024-02-30\": February 2024 has 29 days, expected a "
         "date, or "
         "date, time and zone: 2024-05-15 16:00 Asia/Bangkok\n"},
        {PARTY, "money: 1,500,000 CNY\n",
         "f:1:8: error: money: found \"1,500,000 CNY\", expected an amount without "
         "thousands "
         "separators: 1500000 CNY, up to 1500000 CNY, at least 1000 CNY or 1000000 to 3000000 "
         "RUB\n"},
        {PARTY, "money: 12 to 5 CNY\n",
         "f:1:8: error: money: found \"12 to 5 CNY\", expected the smaller amount first\n"},
        {PARTY, "money: 1.234 CNY\n",
         "f:1:8: error: money: found \"1.234 CNY\", expected an amount without thousands "
         "separators: 1500000 CNY, up to 1500000 CNY, at least 1000 CNY or 1000000 to 3000000 "
         "RUB\n"},
        {PARTY, "eligibility: {max age: old}\n",
         "f:1:24: error: eligibility.max age: found \"old\", expected a whole number from 0 to "
         "4294967295\n"},
        {PARTY, "eligibility: {max age: 4294967296}\n",
         "f:1:24: error: eligibility.max age: found \"4294967296\", expected a whole number from 0 "
         "to "
         "4294967295\n"},
        {ANNOUNCEMENT, VISIT "period: 2027 to 2026\n",
         "f:2:9: error: period: found \"2027 to 2026\", expected an end that is not before the "
         "start\n"},
        {ANNOUNCEMENT, VISIT "stay: 6 moons\n",
         "f:2:7: error: stay: found \"6 moons\", expected a duration: 20 s, 30 min, 6 months, 2 "
         "years\n"},
        {ANNOUNCEMENT, VISIT "visa support: maybe\n",
         "f:2:15: error: visa support: found \"maybe\", expected true or false (yes or no)\n"},
        {ANNOUNCEMENT, "kind: viist\nplaces: 3\n",
         "f:1:7: error: kind: found \"viist\", expected one of: visit, joint call, lab opening, "
         "tech "
         "offer, tech request, park opening, shared resource; did you mean \"visit\"?\n"},
    };

    check_broken(*state, true, rows, sizeof rows / sizeof rows[0]);
}

static void test_codec__refuses_broken_json_with_place_found_and_expected(void **state)
{
    static const struct broken rows[] = {
        {PARTY, "", "f:1:1: error: found the end, expected a value\n"},
        {PARTY, "{", "f:1:2: error: found the end, expected a text in \"quotes\"\n"},
        {PARTY, "{\n \"country\" \"CN\"}",
         "f:2:12: error: found '\"', expected ':' behind the key\n"},
        {PARTY, "{\"country\": \"CN\",}",
         "f:1:18: error: found '}', expected a text in \"quotes\"\n"},
        {PARTY, "{\"country\": \"CN\"} x",
         "f:1:19: error: found 'x', expected nothing behind the value\n"},
        {PARTY, "{\"country\": \"C\\u0000N\"}",
         "f:1:21: error: found 'N', expected no NUL character (\\u0000)\n"},
        {PARTY, "{\"country\": \"\\ud83d\"}",
         "f:1:20: error: found '\"', expected the second half of a surrogate pair\n"},
        {PARTY, "{\"country\": \"\\udc00\"}",
         "f:1:20: error: found '\"', expected the first half of a surrogate pair before it\n"},
        {PARTY, "{\"country\": \"\\x41\"}",
         "f:1:15: error: found 'x', expected one of \" \\ / b f n r t u behind \\\n"},
        {PARTY, "{\"country\": \"CN\n\"}",
         "f:1:16: error: found byte 0x0A, expected the closing quote (control characters are "
         "written "
         "\\u00XX)\n"},
        {PARTY, "{\"country\": 01}", "f:1:14: error: found '1', expected ',' or '}'\n"},
        {PARTY, "{\"country\": \"\xFF\"}",
         "f:1:14: error: found byte 0xFF, expected text in UTF-8\n"},
        {PARTY, "[[[[[[[[[[[[[[[[[[[[[[[[[", "f:1:25: error: found '[', expected fewer levels\n"},
        {PARTY, "{\"country\": 1}", "f:1:13: error: country: found 1, expected text\n"},
        {PARTY, "{\"country\": \"CN\", \"country\": \"TH\"}",
         "f:1:19: error: country: found this key a second time, expected it once\n"},
        {PARTY, "{\"apply url\": \"x\"}",
         "f:1:2: error: apply url: found the unknown key \"apply url\"; did you mean "
         "\"apply_url\"?\n"},
        {PARTY, "{\"money\": \"5 CNY\"}",
         "f:1:11: error: money: found \"5 CNY\", expected a list\n"},
        {PARTY, "{\"role\": \"lead\"}",
         "f:1:10: error: role: found \"lead\", expected one of: lead, partner, funder, host, "
         "operator, "
         "endorser; did you mean \"lead\"?\n"},
        {PARTY, "{\"node_id\": \"*\"}", "f:1:13: error: node_id: found \"*\", expected base64\n"},
        {&caravan__range__descriptor, "{\"min\": \"18446744073709551616\"}",
         "f:1:9: error: min: found \"18446744073709551616\", expected a whole number from 0 to "
         "18446744073709551615\n"},
        {&caravan__range__descriptor, "\"2 to 10\"",
         "f:1:1: error: found \"2 to 10\", expected the keys: min, max\n"},
    };

    check_broken(*state, false, rows, sizeof rows / sizeof rows[0]);
}

static void test_codec__reports_all_problems_at_once(void **state)
{
    assert_string_equal(
        problems_of(*state, true, PARTY,
                    "name: {en: A\n  , zh: [B]}\ncontry: CN\nrole: boss\nmoney: 5\n"),
        "f:2:9: error: name.zh: found a list, expected text, or the keys: lang, text, machine\n"
        "f:3:1: error: contry: found the unknown key \"contry\"; did you mean \"country\"?\n"
        "f:4:7: error: role: found \"boss\", expected one of: lead, partner, funder, host, "
        "operator, "
        "endorser\n"
        "f:5:8: error: money: found \"5\", expected an amount without thousands separators: "
        "1500000 CNY, up to 1500000 CNY, at least 1000 CNY or 1000000 to 3000000 RUB\n");
}

static void test_codec__bounds_size_and_memory(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *message = NULL;
    struct arena small;
    size_t size = LIMIT_YAML_SIZE + 1;
    char *text = malloc(size);

    memset(text, 'a', size);
    assert_int_equal(
        codec_read_yaml(PARTY, span_of(text, size), &f->arena, NULL, &message, &f->problems),
        ERROR_INVALID);
    assert_string_equal(f->problems.items[0].text, "found 1048577 bytes, expected at most 1048576");
    assert_int_equal(
        codec_read_json(PARTY, span_of(text, size), &f->arena, NULL, &message, &f->problems),
        ERROR_INVALID);
    free(text);
    /* every cap from nothing to enough: each allocation fails once, none crashes */
    for (size_t limit = 0; limit < 24000; limit += 16) {
        struct codec_places places = {0};
        int rc;

        arena_init(&small, limit);
        rc = codec_read_yaml(ANNOUNCEMENT, span_of_text(joint_call), &small, &places, &message,
                             NULL);
        assert_true(rc == ERROR_MEMORY || (rc == 0 && limit > 4000));
        assert_int_equal(rc == 0, message != NULL);
        codec_places_finish(&places);
        arena_finish(&small);
    }
    assert_non_null(message);
}

/* Reads, writes both ways, reads back; true when all went well, and then it is the same. */
static bool go_through(const char *yaml)
{
    struct problem_list problems = {0};
    struct codec_places places = {0};
    struct buffer text[2] = {{0}, {0}}, bytes[3] = {{0}, {0}, {0}};
    ProtobufCMessage *message = NULL, *back[2] = {NULL, NULL};
    struct arena arena;
    bool ok;

    arena_init(&arena, 4 * (size_t)LIMIT_ARENA_SIZE);
    ok = codec_read_yaml(ANNOUNCEMENT, span_of_text(yaml), &arena, &places, &message, &problems) ==
             0 &&
         codec_write_yaml(message, &text[0]) && codec_write_json(message, &text[1]) &&
         codec_read_yaml(ANNOUNCEMENT, buffer_span(&text[0]), &arena, NULL, &back[0], &problems) ==
             0 &&
         codec_read_json(ANNOUNCEMENT, buffer_span(&text[1]), &arena, NULL, &back[1], &problems) ==
             0 &&
         codec_pack(message, &bytes[0]) && codec_pack(back[0], &bytes[1]) &&
         codec_pack(back[1], &bytes[2]);
    if (ok) {
        assert_true(span_equal(buffer_span(&bytes[0]), buffer_span(&bytes[1])));
        assert_true(span_equal(buffer_span(&bytes[0]), buffer_span(&bytes[2])));
    }
    for (size_t i = 0; i < 3; i++)
        buffer_finish(&bytes[i]);
    buffer_finish(&text[0]);
    buffer_finish(&text[1]);
    codec_places_finish(&places);
    problem_list_finish(&problems);
    arena_finish(&arena);
    return ok;
}

static void test_codec__survives_every_failing_allocation(void **state)
{
    unsigned long failures = 0;

    (void)state;
    for (unsigned long n = 1;; n++) {
        bool ok, hit;

        fault_arm(n);
        ok = go_through(joint_call);
        hit = fault_disarm();
        failures += !ok;
        assert_true(ok || hit);
        if (!hit)
            break;
    }
    assert_in_range(failures, 5, 100000);
    for (unsigned long n = 1, hit = 1; hit; n++) { /* and when there are problems to report */
        fault_arm(n);
        assert_false(go_through("kind: visit\nstay: x\ntitel: [y]\nsdg: no\npurpose: z\n"));
        hit = fault_disarm();
    }
}

static void test_codec__stops_after_enough_problems(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *message;
    struct buffer text = {0};

    for (int i = 0; i < 5000; i++)
        assert_true(buffer_printf(&text, "k%d: [1, 2]\n", i));
    assert_int_equal(
        codec_read_yaml(PARTY, buffer_span(&text), &f->arena, NULL, &message, &f->problems),
        ERROR_INVALID);
    assert_int_equal(f->problems.errors, PROBLEM_LIMIT);
    buffer_finish(&text);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* What is written goes to this and is written back in the one way that we write. */
static void test_codec__knows_the_short_forms(void **state)
{
    static const struct {
        const char *line, *written;
    } rows[] = {
        {"opens: 2024", NULL},
        {"opens: '2024-08'", "opens: 2024-08"},
        {"opens: {year: 2024, month: 13}", "opens:\n  year: 2024\n  month: 13"},
        {"deadline: 2024-05-15 16:00 Asia/Bangkok", NULL},
        {"deadline: 2024-05-15T16:00:00Z", "deadline: 2024-05-15 16:00:00 UTC"},
        {"deadline: 2024-05-15 16:00", NULL},
        {"deadline: {what: full, at: 2024-05-15}", "deadline:\n  - what: full\n    at: 2024-05-15"},
        {"period: 2024-08 to 2025-07", NULL},
        {"period: from 2024-08", NULL},
        {"period: until 2025-07", NULL},
        {"period: 2024-03-19 to 2024-03-19", "period: 2024-03-19"},
        {"stay: [6 months, 1 year, 20 s, 1 day]", NULL},
        {"stay: 1 month", NULL},
        {"money: 1500000 CNY", NULL},
        {"money: 15000.5 CNY", "money: 15000.50 CNY"},
        {"money: 1500 JPY", NULL},
        {"money: 1.234 BHD", NULL},
        {"money: up to 1500000 cny", "money: up to 1500000 CNY"},
        {"money: from 5 CNY", "money: at least 5 CNY"},
        {"money: 1000000 to 3000000 RUB", NULL},
        {"money: {amount: 5 CNY}", "money: 5 CNY"},
        {"rolling: true", NULL},
        {"rolling: [Jan, Apr]", "rolling: [jan, apr]"},
        {"rolling: Jan", "rolling: jan"},
        {"fields of science: [1.3, physics]", "fields of science: [\"1.3\", physics]"},
        {"fields of science: {scheme: NSFC, code: B}",
         "fields of science:\n  - scheme: NSFC\n    code: B"},
        {"links: {length: 1 MiB}", "links:\n  - length: 1 MiB"},
        {"links: {length: 1500 B}", "links:\n  - length: 1500 B"},
        {"links: {length: 2 kB}", "links:\n  - length: 2000 B"},
        {"host duties: one", NULL},
        {"host duties: {en: one, zh: 一}", "host duties:\n  - en: one\n    zh: 一"},
        {"title: {en: A, zh: 一}", "title:\n  en: A\n  zh: 一"},
        {"title: {text: A, machine: true}", "title:\n  text: A\n  machine: true"},
        {"title: {no: A}", "title:\n  \"no\": A"},
        {"keywords: [NO, on, 1.5, 2024-01-01, '']",
         "keywords: [\"NO\", \"on\", \"1.5\", \"2024-01-01\", \"\"]"},
        {"visa-support: yes", "visa support: true"},
        {"places: 10", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture *f = *state;
        struct buffer text = {0}, expected = {0};
        const char *line = rows[i].written ? rows[i].written : rows[i].line;
        const ProtobufCMessage *message;

        buffer_printf(&text, "kind: visit\nlanguage: en\n%s\n", rows[i].line);
        message = read_yaml(f, ANNOUNCEMENT, buffer_text(&text));
        buffer_printf(&expected, "kind: visit\nlanguage: en\n%s\n", line);
        buffer_clear(&f->text);
        assert_true(codec_write_yaml(message, &f->text));
        assert_string_equal(buffer_text(&f->text), buffer_text(&expected));
        buffer_finish(&text);
        buffer_finish(&expected);
    }
}

static void test_codec__writes_json_as_protojson_with_the_names_of_the_schema(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *back = NULL;
    const char *const json =
        "{\"kind\": \"KIND_VISIT\", \"title\": [{\"lang\": \"en\", \"text\": \"A "
        "\\\"quoted\\\"\\n访问\"}], "
        "\"parties\": [{\"node_id\": \"/w==\", \"money\": [{\"amount\": {\"min_minor\": \"500\", "
        "\"max_minor\": \"500\", \"currency\": \"CNY\"}}]}], \"visit\": {\"stay\": [{\"value\": "
        "\"6\", "
        "\"unit\": \"DURATION_UNIT_MONTH\"}], \"places\": 10, \"visa_support\": true}}";

    assert_int_equal(
        codec_read_json(ANNOUNCEMENT, span_of_text(json), &f->arena, NULL, &back, &f->problems), 0);
    assert_true(codec_write_json(back, &f->text));
    assert_string_equal(buffer_text(&f->text), json);
    /* ProtoJSON readers also take numbers for 64 bits, null for "not there", escapes */
    assert_int_equal(codec_read_json(&caravan__range__descriptor,
                                     span_of_text("{\"min\": 7, \"max\": null}"), &f->arena, NULL,
                                     &back, &f->problems),
                     0);
    assert_true(((Caravan__Range *)back)->min == 7 && !((Caravan__Range *)back)->has_max);
    assert_int_equal(codec_read_json(PARTY,
                                     span_of_text("{\"country\": \"\\u79d1\\ud83d\\ude80\"}"),
                                     &f->arena, NULL, &back, &f->problems),
                     0);
    assert_string_equal(((Caravan__Party *)back)->country, "科🚀");
}

static void test_codec__shows_what_it_does_not_know(void **state)
{
    struct fixture *f = *state;
    /* role 7, an unknown field 99 twice and one in the first name */
    static const uint8_t bytes[] = {0x28, 7, 0x98, 6, 1, 0x98, 6, 2, 0x1A, 3, 0x98, 6, 1};
    ProtobufCMessage *message = NULL;

    assert_int_equal(guard_unpack(PARTY, span_of(bytes, sizeof bytes), &guard_limits_content,
                                  &f->arena, &message, NULL),
                     0);
    assert_int_equal(reflect_unknown(message), 3);
    assert_true(codec_write_yaml(message, &f->text));
    assert_string_equal(buffer_text(&f->text), "name:\n  - {}\nrole: unknown(7)\n");
    buffer_clear(&f->text);
    assert_true(codec_write_json(message, &f->text));
    assert_string_equal(buffer_text(&f->text), "{\"name\": [{}], \"role\": 7}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(test_codec__##name, set_up, tear_down)
        TEST(reads_the_joint_call_that_people_wrote),
        TEST(reads_the_visit_that_people_wrote),
        TEST(writes_what_people_would_write),
        TEST(refuses_what_is_not_plain_yaml),
        TEST(refuses_yaml_keys_with_place_found_and_expected),
        TEST(refuses_yaml_values_with_place_found_and_expected),
        TEST(refuses_broken_json_with_place_found_and_expected),
        TEST(reports_all_problems_at_once),
        TEST(bounds_size_and_memory),
        TEST(survives_every_failing_allocation),
        TEST(stops_after_enough_problems),
        TEST(knows_the_short_forms),
        TEST(writes_json_as_protojson_with_the_names_of_the_schema),
        TEST(shows_what_it_does_not_know),
    };

    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
