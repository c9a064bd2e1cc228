#include "common/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const char *code(const char *vocabulary, const char *text)
{
    const struct vocabulary_term *term =
        vocabulary_find(vocabulary_get(vocabulary), text, strlen(text));

    return term ? term->code : "none";
}

static const char *suggested(const char *vocabulary, const char *text)
{
    const struct vocabulary_term *term =
        vocabulary_suggest(vocabulary_get(vocabulary), text, strlen(text));

    return term ? term->code : "none";
}

static void test_vocabulary__has_every_list_in_full(void **state)
{
    (void)state;
    assert_int_equal(vocabulary_count(vocabulary_get("country")), 249);
    assert_int_equal(vocabulary_count(vocabulary_get("ford")), 6 + 42);
    assert_int_equal(vocabulary_count(vocabulary_get("sdg")), 17);
    assert_int_equal(vocabulary_count(vocabulary_get("nace")), 22 + 87);
    assert_true(vocabulary_count(vocabulary_get("currency")) > 150);
    assert_true(vocabulary_count(vocabulary_get("language")) > 500);
    assert_null(vocabulary_get("planets"));
    assert_null(vocabulary_get(NULL));
    assert_int_equal(vocabulary_count(NULL), 0);
    assert_null(vocabulary_at(vocabulary_get("sdg"), 17));
    assert_string_equal(vocabulary_at(vocabulary_get("sdg"), 16)->code, "17");
}

static void test_vocabulary__a_stored_code_is_exact(void **state)
{
    const struct vocabulary *country = vocabulary_get("country");

    (void)state;
    assert_non_null(vocabulary_find_code(country, "NO", 2));
    assert_null(vocabulary_find_code(country, "no", 2));
    assert_null(vocabulary_find_code(country, "Norway", 6));
    assert_null(vocabulary_find_code(country, "N", 1));
    assert_non_null(vocabulary_find_code(country, "NOx", 2)); /* the size counts, not a NUL */
    assert_null(vocabulary_find_code(country, "", 0));
    assert_null(vocabulary_find_code(country, "NO\0x", 4));
    for (size_t i = 0; i < vocabulary_count(country); i++) {
        const char *code = vocabulary_at(country, i)->code;

        assert_ptr_equal(vocabulary_find_code(country, code, strlen(code)),
                         vocabulary_at(country, i));
    }
    assert_null(vocabulary_find_code(NULL, "NO", 2));
}

static void test_vocabulary__people_write_codes_names_or_other_spellings(void **state)
{
    static const struct {
        const char *vocabulary, *text, *code;
    } cases[] = {
        {"country", "th", "TH"},
        {"country", "Thailand", "TH"},
        {"country", "south_africa", "ZA"},
        {"country", "Russia", "RU"},
        {"country", "LKA", "LK"},
        {"country", "中国", "CN"},
        {"country", "Bosnia & Herzegovina", "BA"},
        {"currency", "rmb", "CNY"},
        {"currency", "Thai Baht", "THB"},
        {"currency", "roubles", "RUB"},
        {"ford", "1.1", "1.1"},
        {"ford", "mathematics", "1.1"},
        {"ford", "Physics and Astronomy", "1.3"},
        {"ford", "Physics & astronomy", "1.3"},
        {"ford", "ICT and computing", "1.2"},
        {"ford", "biology", "1.6"},
        {"ford", "chemistry and materials", "1.4"},
        {"ford", "Earth sciences", "1.5"},
        {"ford", "engineering", "2"},
        {"ford", "medicine", "3"},
        {"ford", "agriculture", "4"},
        {"ford", "2.11", "2.11"},
        {"ford", "数学", "1.1"},
        {"language", "Filipino", "fil"},
        {"language", "Sinhala", "si"},
        {"language", "zh", "zh"},
        {"nace", "c", "C"},
        {"nace", "72", "72"},
        {"sdg", "climate action", "13"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(code(cases[i].vocabulary, cases[i].text), cases[i].code);
}

static void test_vocabulary__does_not_guess(void **state)
{
    char longer[1000];

    (void)state;
    memset(longer, 'a', sizeof longer);
    assert_null(vocabulary_find(vocabulary_get("ford"), longer, sizeof longer));
    assert_null(vocabulary_find(vocabulary_get("ford"), "", 0));
    assert_null(vocabulary_find(vocabulary_get("ford"), " - ", 3));
    assert_string_equal(code("ford", "11"), "none");  /* not 1.1 */
    assert_string_equal(code("ford", "1 1"), "none"); /* not 1.1 */
    assert_string_equal(code("ford", "mathe"), "none");
    assert_string_equal(code("country", "Korea"), "none"); /* which one? */
    assert_string_equal(code("country", "mathematics|maths"), "none");
    assert_string_equal(code("currency", "XAU"), "none"); /* gold has no minor unit */
}

static void test_vocabulary__suggests_what_is_near(void **state)
{
    (void)state;
    assert_string_equal(suggested("ford", "mathematcis"), "1.1");
    assert_string_equal(suggested("ford", "astronmy"), "1.3");
    assert_string_equal(suggested("ford", "computer and inf"), "1.2");
    assert_string_equal(suggested("country", "Thialand"), "TH");
    assert_string_equal(suggested("country", "Sri Lnaka"), "LK");
    assert_string_equal(suggested("currency", "CNX"), "CNY");
    assert_string_equal(suggested("ford", "underwater basket weaving"), "none");
    assert_string_equal(suggested("country", "??"), "none");
    assert_null(vocabulary_suggest(NULL, "x", 1));
}

static void test_vocabulary__knows_minor_units(void **state)
{
    (void)state;
    assert_int_equal(vocabulary_decimals("CNY"), 2);
    assert_int_equal(vocabulary_decimals("RUB"), 2);
    assert_int_equal(vocabulary_decimals("LKR"), 2);
    assert_int_equal(vocabulary_decimals("JPY"), 0);
    assert_int_equal(vocabulary_decimals("KWD"), 3);
    assert_int_equal(vocabulary_decimals("CLF"), 4);
    assert_int_equal(vocabulary_decimals("cny"), -1);
    assert_int_equal(vocabulary_decimals("???"), -1);
    assert_int_equal(vocabulary_decimals(NULL), -1);
}

static void test_vocabulary__labels_a_code(void **state)
{
    (void)state;
    assert_string_equal(vocabulary_label(vocabulary_get("ford"), "1.3"), "Physical sciences");
    assert_string_equal(vocabulary_label(vocabulary_get("ford"), "9.9"), "9.9");
    assert_string_equal(vocabulary_label(vocabulary_get("ford"), NULL), "");
}

static void test_vocabulary__checks_language_tags(void **state)
{
    static const char *const good[] = {"zh",    "zh-Hant", "zh-Hant-TW",       "fil",
                                       "en-ZA", "th",      "sr-Latn-RS-ekavsk"};
    static const char *const bad[] = {"",       "xx-", "qq", "english", "en_GB",
                                      "zh--CN", "ZH",  "e1", "-en",     "en-waytoolongsubtag"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(vocabulary_language_tag(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(vocabulary_language_tag(bad[i], strlen(bad[i])));
    assert_false(vocabulary_language_tag(NULL, 0));
}

/* A spelling that leads to another term than its own would be a trap. NACE repeats the name of a
 * section for its only division: there the section, which comes first, is right. */
static void test_vocabulary__every_spelling_leads_to_its_own_term(void **state)
{
    static const char *const names[] = {"country", "currency", "ford", "language", "sdg", "nace"};

    (void)state;
    for (size_t v = 0; v < sizeof names / sizeof names[0]; v++) {
        const struct vocabulary *vocabulary = vocabulary_get(names[v]);
        const struct vocabulary_term *term;

        assert_non_null(vocabulary);
        for (size_t i = 0; (term = vocabulary_at(vocabulary, i)); i++) {
            const char *text = term->aliases;
            const char *by_label = code(names[v], term->label);

            assert_string_equal(code(names[v], term->code), term->code);
            if (strcmp(by_label, term->code) != 0 && strcmp(names[v], "nace") != 0)
                fail_msg("%s: %s also is %s", names[v], term->label, by_label);
            while (*text) {
                size_t size = strcspn(text, "|");
                const struct vocabulary_term *found = vocabulary_find(vocabulary, text, size);

                if (found != term)
                    fail_msg("%s: \"%.*s\" of %s leads to %s", names[v], (int)size, text,
                             term->code, found ? found->code : "nothing");
                text += text[size] ? size + 1 : size;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vocabulary__has_every_list_in_full),
        cmocka_unit_test(test_vocabulary__a_stored_code_is_exact),
        cmocka_unit_test(test_vocabulary__people_write_codes_names_or_other_spellings),
        cmocka_unit_test(test_vocabulary__does_not_guess),
        cmocka_unit_test(test_vocabulary__suggests_what_is_near),
        cmocka_unit_test(test_vocabulary__knows_minor_units),
        cmocka_unit_test(test_vocabulary__labels_a_code),
        cmocka_unit_test(test_vocabulary__checks_language_tags),
        cmocka_unit_test(test_vocabulary__every_spelling_leads_to_its_own_term),
    };

    return cmocka_run_group_tests_name("vocabulary", tests, NULL, NULL);
}
