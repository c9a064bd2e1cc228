/* Institutions by handle, both ways: what the cards of a home say. */
#include "node/cli/cli_names.h"

#include "common/card.h"
#include "common/limits.h"
#include "proto/announcement.pb-c.h"
#include "tests/support/folder.h"
#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct folder home;
static struct cli cli;
static struct cli_names *names;
static struct institution first, second;
static struct error error;

/* With its first certificate. */
static void found(struct institution *institution, uint8_t number)
{
    struct buffer entry = {0};

    institution_init(institution, number);
    institution_certify(institution, false, &entry);
    buffer_finish(&entry);
}

static int setup(void **state)
{
    (void)state;
    assert_int_equal(secret_start(NULL), ERROR_NONE);
    folder_init(&home);
    assert_int_equal(mkdir(folder_file(&home, "partners"), 0700), 0);
    cli = (struct cli){.home = home.path, .program = "caravan"};
    found(&first, 1);
    found(&second, 2);
    names = NULL;
    error_clear(&error);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cli_names_destroy(names);
    institution_finish(&first);
    institution_finish(&second);
    folder_finish(&home);
    return 0;
}

static void write_card(const struct institution *institution, const char *file, const char *handle)
{
    struct buffer armour = {0};

    institution_card(institution, handle, INSTITUTION_START_MS, &armour);
    folder_write(&home, file, 0600, armour.data, armour.size);
    buffer_finish(&armour);
}

static const char *name_of(const struct institution *institution)
{
    const struct codec_names *codec = cli_names_codec(names);

    return codec->name(codec->self, &institution->chain.feed);
}

static bool is_found(const char *handle, const struct institution *institution)
{
    const struct codec_names *codec = cli_names_codec(names);
    struct id feed;

    return codec->find(codec->self, handle, &feed) && id_equal(&feed, &institution->chain.feed);
}

static void test_cli_names__a_card_gives_a_handle_both_ways(void **state)
{
    (void)state;
    write_card(&first, "partners/th-first.card", "th-first");
    folder_write_text(&home, "partners/th-broken.card", 0600, "no card");
    assert_int_equal(cli_names_create(&cli, &names, &error), ERROR_NONE);
    assert_true(is_found("th-first", &first));
    assert_string_equal(name_of(&first), "th-first");
    assert_null(name_of(&second));
    assert_false(is_found("th-second", &second));
}

/* Of two institutions with one handle, a file that is written here and read again must not change
 * from one to the other: whoever is not found by the handle is named by its id. */
static void test_cli_names__a_handle_names_one_institution(void **state)
{
    (void)state;
    write_card(&first, "partners/one.card", "th-same");
    write_card(&second, "partners/two.card", "th-same");
    assert_int_equal(cli_names_create(&cli, &names, &error), ERROR_NONE);
    assert_true(is_found("th-same", &first) != is_found("th-same", &second));
    assert_true(is_found("th-same", &first) == (name_of(&first) != NULL));
    assert_true(is_found("th-same", &second) == (name_of(&second) != NULL));
}

static void test_cli_names__knows_nobody_without_a_home(void **state)
{
    (void)state;
    cli.home = NULL;
    assert_int_equal(cli_names_create(&cli, &names, &error), ERROR_NONE);
    assert_null(name_of(&first));
    assert_false(is_found("th-first", &first));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cli_names__a_card_gives_a_handle_both_ways),
        TEST(test_cli_names__a_handle_names_one_institution),
        TEST(test_cli_names__knows_nobody_without_a_home),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
