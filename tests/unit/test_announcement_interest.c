/* What an answer must say before it is sent. */
#include "common/announcement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

/* An answer that may be sent, to be spoiled. */
struct answer {
    Caravan__Interest interest;
    Caravan__Party from;
    Caravan__LocalizedText name, said;
    Caravan__LocalizedText *names[1], *texts[2];
};

static struct answer answer;

static int setup(void **state)
{
    (void)state;
    caravan__interest__init(&answer.interest);
    caravan__party__init(&answer.from);
    caravan__localized_text__init(&answer.name);
    caravan__localized_text__init(&answer.said);
    answer.name.lang = answer.said.lang = text("en");
    answer.name.text = text("Institute of Tests");
    answer.said.text = text("We would like to take part.");
    answer.names[0] = &answer.name;
    answer.texts[0] = answer.texts[1] = &answer.said;
    answer.from.n_name = 1;
    answer.from.name = answer.names;
    answer.from.country = text("TH");
    answer.interest.from = &answer.from;
    answer.interest.n_kind_of_cooperation = 1;
    answer.interest.kind_of_cooperation = answer.texts;
    return 0;
}

static void assert_refused(const char *expected)
{
    struct error error = {0};

    assert_int_equal(announcement_check_interest(&answer.interest, &error), ERROR_INVALID);
    if (strncmp(error.text, expected, strlen(expected)) != 0)
        fail_msg("\"%s\", expected \"%s\"", error.text, expected);
    assert_int_equal(announcement_check_interest(&answer.interest, NULL), ERROR_INVALID);
}

static void test_announcement_interest__takes_one_text_of_the_three(void **state)
{
    struct error error = {0};

    (void)state;
    assert_int_equal(announcement_check_interest(&answer.interest, &error), ERROR_NONE);
    answer.interest.n_kind_of_cooperation = 0;
    answer.interest.n_what_is_unclear = 1;
    answer.interest.what_is_unclear = answer.texts;
    assert_int_equal(announcement_check_interest(&answer.interest, &error), ERROR_NONE);
    answer.interest.n_what_is_unclear = 0;
    answer.interest.n_about_us = 2;
    answer.interest.about_us = answer.texts;
    assert_int_equal(announcement_check_interest(&answer.interest, &error), ERROR_NONE);
    answer.interest.n_about_us = 0;
    assert_refused("found nothing of `kind of cooperation`, `what is unclear`, `about us`");
}

static void test_announcement_interest__asks_who_answers(void **state)
{
    (void)state;
    answer.from.country = text("Thailand");
    assert_refused("from.country: found \"Thailand\", expected a code of ISO 3166-1");
    answer.from.country = NULL;
    assert_refused("from.country: found \"\"");
    answer.from.country = text("TH");
    answer.name.text = text("");
    assert_refused("from.name[1]: found no text");
    answer.from.n_name = 0;
    assert_refused("from: found no name");
    answer.interest.from = NULL;
    assert_refused("from: found no name");
}

static void test_announcement_interest__asks_for_texts_with_their_language(void **state)
{
    static char most[8001], more[8002];
    struct error error = {0};

    (void)state;
    answer.said.lang = NULL;
    assert_refused("kind_of_cooperation[1]: found the language \"\", expected one of BCP 47");
    answer.said.lang = text("not a language");
    assert_refused("kind_of_cooperation[1]: found the language \"not a language\"");
    answer.said.lang = text("en");
    answer.said.text = NULL;
    assert_refused("kind_of_cooperation[1]: found no text");
    memset(most, 'x', sizeof most - 1);
    memset(more, 'x', sizeof more - 1);
    answer.said.text = most;
    assert_int_equal(announcement_check_interest(&answer.interest, &error), ERROR_NONE);
    answer.said.text = more;
    assert_refused("kind_of_cooperation[1]: found 8001 bytes, expected at most 8000");
    /* and of each of the others */
    answer.interest.n_kind_of_cooperation = 0;
    answer.interest.n_what_is_unclear = 2;
    answer.interest.what_is_unclear = answer.texts;
    answer.texts[0] = &answer.name;
    assert_refused("what_is_unclear[2]: found 8001 bytes");
    answer.interest.n_what_is_unclear = 0;
    answer.interest.n_about_us = 2;
    answer.interest.about_us = answer.texts;
    assert_refused("about_us[2]: found 8001 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_announcement_interest__takes_one_text_of_the_three, setup),
        cmocka_unit_test_setup(test_announcement_interest__asks_who_answers, setup),
        cmocka_unit_test_setup(test_announcement_interest__asks_for_texts_with_their_language,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
