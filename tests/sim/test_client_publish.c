/* The client's commands that publish, as a person or a script runs them: one file and many, what is
 * refused, and what has to wait. */
#include "tests/sim/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void test_client_publish__publish_prints_the_name_and_repeats_nothing(void **state)
{
    struct shell_world *world = *state;
    char arguments[1024];

    shell_publish(world, "a.yaml", "First call");
    assert_string_equal(world->output, "cn-one/3\n");
    shell_publish(world, "a.yaml", "First call");
    assert_string_equal(world->output, "cn-one/3\n");
    shell_publish(world, "b.yaml", "Second call");
    assert_string_equal(world->output, "cn-one/4\n");
    snprintf(arguments, sizeof arguments, "publish %s", folder_file(&world->home, "a.yaml"));
    shell_expect(world, arguments, 0, "published already");
    snprintf(arguments, sizeof arguments, "publish --again %s",
             folder_file(&world->home, "a.yaml"));
    shell_expect(world, arguments, 0, "cn-one/5\n");
}

/* valid_until of an announcement, as text. */
static void copy_end_of(struct shell_world *world, const char *name, char out[64])
{
    char arguments[64];
    const char *at;

    snprintf(arguments, sizeof arguments, "--json show %s 2>/dev/null", name);
    shell_expect(world, arguments, 0, "\"valid_until\"");
    at = strstr(world->output, "\"valid_until\"");
    snprintf(out, 64, "%.*s", (int)strcspn(at, "}"), at);
}

/* Without any date in it, what is published ends so many months from the day of publishing. */
static void test_client_publish__publish_repeats_nothing_on_another_day(void **state)
{
    struct shell_world *world = *state;
    const char *build = getenv("CARAVAN_BUILD");
    char client[1024], arguments[1024], ends[2][64];

    assert_non_null(build);
    folder_write_text(&world->home, "a.yaml", 0600,
                      "kind: joint call\nlanguage: en\ntitle: No dates\nsummary: For tests.\n"
                      "parties: [{name: Institute of Tests, country: CN}]\ncountries: [TH]\n");
    snprintf(arguments, sizeof arguments, "publish %s", folder_file(&world->home, "a.yaml"));
    shell_expect(world, arguments, 0, "cn-one/3\n");
    snprintf(client, sizeof client, "%s/tests/another_day 1", build);
    world->client = client;
    shell_expect(world, arguments, 0, "cn-one/3\n");
    shell_said(world, "published already");
    /* The other day is one to the client: what it publishes anew ends a day later. */
    snprintf(arguments, sizeof arguments, "publish --again %s",
             folder_file(&world->home, "a.yaml"));
    shell_expect(world, arguments, 0, "cn-one/4\n");
    world->client = NULL;
    copy_end_of(world, "cn-one/3", ends[0]);
    copy_end_of(world, "cn-one/4", ends[1]);
    assert_string_not_equal(ends[0], ends[1]);
}

static void test_client_publish__publish_checks_every_file_first(void **state)
{
    struct shell_world *world = *state;
    char good[512], arguments[2048];

    snprintf(good, sizeof good, "%s", shell_notice(world, "good.yaml", "Good"));
    folder_write_text(&world->home, "bad.yaml", 0600, "kind: joint cal\ntitle: Bad\n");
    snprintf(arguments, sizeof arguments, "publish %s %s", good,
             folder_file(&world->home, "bad.yaml"));
    shell_expect(world, arguments, 65, "bad.yaml:1:");
    shell_said(world, "joint call"); /* did you mean */
    shell_expect(world, "list", 0, "no announcement");
    shell_expect(world, "publish", 64, "publish FILE");
    shell_expect(world, "publish /does/not/exist.yaml", 66, "/does/not/exist.yaml");
}

static void write_notices(struct shell_world *world, unsigned first, unsigned count)
{
    char name[32], title[32];

    for (unsigned i = first; i < first + count; i++) {
        snprintf(name, sizeof name, "call%03u.yaml", i);
        snprintf(title, sizeof title, "Title %03u", i);
        shell_notice(world, name, title);
    }
}

static void test_client_publish__publish_of_many_files_keeps_their_order(void **state)
{
    struct shell_world *world = *state;
    struct buffer expected = {0};
    char arguments[1024];

    write_notices(world, 0, 200);
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml 2>/dev/null", world->home.path);
    for (int i = 0; i < 200; i++)
        buffer_printf(&expected, "cn-one/%d\n", i + 3);
    shell_expect(world, arguments, 0, "cn-one/3\n");
    assert_string_equal(world->output, buffer_text(&expected));
    shell_expect(world, arguments, 0, "cn-one/3\n"); /* the same names again */
    assert_string_equal(world->output, buffer_text(&expected));
    shell_expect(world, "show cn-one/3", 0, "Title 000");
    shell_expect(world, "show cn-one/202", 0, "Title 199");
    shell_expect(world, "show cn-one/203", 66, "");
    buffer_finish(&expected);
}

static void refuse(struct shell_world *world, const char *words)
{
    pthread_mutex_lock(&world->lock);
    world->refused = words;
    pthread_mutex_unlock(&world->lock);
}

/* What is on its way when one file is refused is published, and said. */
static void test_client_publish__publish_says_which_of_many_was_refused(void **state)
{
    struct shell_world *world = *state;
    char arguments[1024];

    write_notices(world, 0, 20);
    refuse(world, "Title 007");
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml", world->home.path);
    shell_expect(world, arguments, 65, "call007.yaml: refused, as a test wants it");
    shell_said(world, "cn-one/9\ncn-one/10\n");
    shell_said(world, "cn-one/21\n");
    shell_expect(world, "show cn-one/9", 0, "Title 006");
    shell_expect(world, "show cn-one/10", 0, "Title 008");
    refuse(world, NULL);
    shell_expect(world, arguments, 0, "cn-one/9\n");
    shell_said(world, "cn-one/22\n");
    shell_expect(world, "show cn-one/22", 0, "Title 007");
    shell_expect(world, "show cn-one/23", 66, "");
    /* The first one goes alone. */
    refuse(world, "Title 000");
    snprintf(arguments, sizeof arguments, "publish --again %s/call*.yaml", world->home.path);
    shell_expect(world, arguments, 65, "call000.yaml: refused, as a test wants it");
    shell_expect(world, "show cn-one/23", 66, "");
    refuse(world, NULL);
}

/* In JSON it is one object: what was published, and the error beside it. */
static void test_client_publish__publish_says_in_json_what_came_before_a_refusal(void **state)
{
    struct shell_world *world = *state;
    char arguments[1024];
    const char *line;

    write_notices(world, 0, 5);
    refuse(world, "Title 002");
    snprintf(arguments, sizeof arguments, "--json publish %s/call*.yaml 2>/dev/null",
             world->home.path);
    shell_expect(world, arguments, 65, "\"error\": {\"code\": \"invalid\", \"text\": \"");
    shell_said(world, "call002.yaml: refused, as a test wants it");
    line = strchr(world->output, '\n');
    assert_true(line && !line[1]);
    assert_int_equal(strncmp(world->output, "{\"published\": [{", 16), 0);
    shell_said(world, "\"cn-one/3\"");
    shell_said(world, "\"cn-one/4\"");
    shell_said(world, "\"cn-one/5\"");
    shell_said(world, "\"cn-one/6\"");
    /* Nothing was: the error alone. */
    refuse(world, "Title 000");
    snprintf(arguments, sizeof arguments, "--json publish --again %s/call*.yaml 2>/dev/null",
             world->home.path);
    shell_expect(world, arguments, 65, "{\"error\": {\"code\": \"invalid\"");
    shell_said_not(world, "published");
    refuse(world, NULL);
}

static void put_off(struct shell_world *world, const char *words, enum error_code code,
                    unsigned times, bool others)
{
    pthread_mutex_lock(&world->lock);
    world->put_off = words;
    world->put_off_code = code;
    world->put_off_times = times;
    world->put_off_others = others;
    pthread_mutex_unlock(&world->lock);
}

/* Publishing is held from the ninth on, for a while. */
static void test_client_publish__publish_sends_again_what_was_held(void **state)
{
    struct shell_world *world = *state;
    struct buffer expected = {0};
    char arguments[1024];

    write_notices(world, 0, 20);
    for (int i = 0; i < 20; i++)
        buffer_printf(&expected, "cn-one/%d\n", i + 3);
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml 2>/dev/null", world->home.path);
    put_off(world, "Title 008", ERROR_HELD, 13, true);
    shell_expect(world, arguments, 0, "cn-one/3\n");
    assert_string_equal(world->output, buffer_text(&expected));
    shell_expect(world, "show cn-one/11", 0, "Title 008");
    shell_expect(world, "show cn-one/22", 0, "Title 019");
    buffer_finish(&expected);
}

/* Too much waited when they came: they are sent again, and those behind them had room. */
static void test_client_publish__publish_sends_again_what_had_no_room(void **state)
{
    struct shell_world *world = *state;
    char arguments[1024];

    write_notices(world, 0, 20);
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml", world->home.path);
    put_off(world, "Title 008", ERROR_BUSY, 2, false);
    shell_expect(world, arguments, 0, "cn-one/10\ncn-one/22\ncn-one/11\n");
    shell_said_not(world, "put off");
    shell_expect(world, "show cn-one/22", 0, "Title 008");
    shell_expect(world, "show cn-one/23", 66, "");
    /* The other commands do the same. */
    put_off(world, "no longer true", ERROR_BUSY, 1, false);
    shell_expect(world, "withdraw cn-one/22 --reason 'no longer true'", 0, "cn-one/22\n");
}

static void test_client_publish__publish_waits_for_partners(void **state)
{
    struct shell_world *world = *state;
    char arguments[1024];

    snprintf(arguments, sizeof arguments, "publish --wait %s",
             shell_notice(world, "a.yaml", "Call"));
    shell_expect(world, arguments, 0, "received by th-two (1 of 1)");
    pthread_mutex_lock(&world->lock);
    network_stop(&world->network, 1);
    pthread_mutex_unlock(&world->lock);
    snprintf(arguments, sizeof arguments, "publish --timeout 1 %s",
             shell_notice(world, "b.yaml", "Other call"));
    shell_expect(world, arguments, 75, "cn-one/4");
    shell_said(world, "th-two");
    snprintf(arguments, sizeof arguments, "--json publish --timeout 1 %s 2>/dev/null",
             folder_file(&world->home, "b.yaml"));
    shell_expect(world, arguments, 75, "\"complete\": false");
}

static void test_client_publish__revise_and_withdraw(void **state)
{
    struct shell_world *world = *state;
    char arguments[1024];

    shell_publish(world, "a.yaml", "First title");
    snprintf(arguments, sizeof arguments, "revise cn-one/3 %s",
             shell_notice(world, "a.yaml", "Second title"));
    shell_expect(world, arguments, 0, "cn-one/3\n");
    shell_expect(world, arguments, 0, "nothing was published");
    shell_expect(world, "show cn-one/3", 0, "title: Second title");
    shell_said(world, "Revised");
    shell_expect(world, "withdraw cn-one/3 --reason 'no \x1b[31m money'", 0, "cn-one/3\n");
    shell_expect(world, "withdraw cn-one/3", 0, "withdrawn already");
    shell_expect(world, "show cn-one/3", 0, "no \\x1b[31m money");
    shell_said(world, "withdrawn");
    shell_expect(world, arguments, 65, "was withdrawn by No. 5");
    shell_expect(world, "withdraw th-two/2", 77, "not your own");
    shell_expect(world, "withdraw cn-one", 65, "th-nstda/42");
    shell_expect(world, "withdraw cn-one/3 --reason no --language engl", 64, "BCP 47");
    shell_expect(world, "withdraw cn-one/99", 66, "cn-one/99");
}

/* Every command that needs an announcement, a readable one, or our own, says what else it found. */
static void test_client_publish__says_what_a_name_stands_for(void **state)
{
    struct shell_world *world = *state;

    shell_partner_says(world, "Theirs");
    shell_publish(world, "a.yaml", "Ours");
    shell_expect(world, "confirm th-two/2", 65, "th-two/2 is no announcement");
    shell_expect(world, "outcome th-two/2 closed", 65, "th-two/2 is no announcement");
    shell_expect(world, "link cn-one/2 th-two/3", 65, "cn-one/2 is no announcement");
    shell_expect(world, "link cn-one/3 th-two/1", 65, "th-two/1 is no announcement");
    shell_expect(world, "link cn-one/3 th-two/4", 66, "th-two/4");
    shell_expect(
        world, "link th-two/3 cn-one/3", 77,
        "th-two/3 is not your own announcement; only its publisher can link it. An own one "
        "is linked to it so: caravan link OURS th-two/3\n");
    shell_expect(world, "withdraw th-two/3", 77,
                 "th-two/3 is not your own announcement; only its publisher can change it\n");
    shell_expect(world, "share th-two/3 th-two", 65, "is not a sealed announcement of ours");
    shell_expect(world, "share cn-one/3 th-two", 65, "is not a sealed announcement of ours");
    shell_expect(world, "history th-two/9", 66, "th-two/9");
    shell_expect(world, "link cn-one/3 th-two/3", 0, "readers see both as one when its publisher");
    shell_expect(world, "link cn-one/3 th-two/3", 0, "says already");
    shell_expect(world, "link cn-one/3 th-two/3 --remove --wait", 0, "received by th-two");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_client_publish__##name, shell_setup, shell_teardown)
    const struct CMUnitTest tests[] = {
        TEST(publish_prints_the_name_and_repeats_nothing),
        TEST(publish_repeats_nothing_on_another_day),
        TEST(publish_checks_every_file_first),
        TEST(publish_of_many_files_keeps_their_order),
        TEST(publish_says_which_of_many_was_refused),
        TEST(publish_says_in_json_what_came_before_a_refusal),
        TEST(publish_sends_again_what_was_held),
        TEST(publish_sends_again_what_had_no_room),
        TEST(publish_waits_for_partners),
        TEST(revise_and_withdraw),
        TEST(says_what_a_name_stands_for),
    };
    return cmocka_run_group_tests_name("client_publish", tests, NULL, NULL);
}
