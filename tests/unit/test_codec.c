#include "common/codec.h"
#include "common/guard.h"
#include "common/limits.h"
#include "common/utf8.h"
#include "proto/announcement.pb-c.h"
#include "proto/config.pb-c.h"
#include "proto/wire.pb-c.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(test_codec__##name, set_up, tear_down)
        TEST(reads_the_joint_call_that_people_wrote),
        TEST(reads_the_visit_that_people_wrote),
        TEST(writes_what_people_would_write),
    };

    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
