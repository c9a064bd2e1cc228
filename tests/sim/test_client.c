/* The client's commands that read, as a person or a script runs them: list, show, status, follow;
 * and what it says when there is no node. */
#include "tests/sim/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void test_client__list_shows_a_table_and_json(void **state)
{
    struct shell_world *world = *state;

    shell_publish(world, "a.yaml", "联合研究 with columns");
    shell_partner_says(world, "From \xe2\x80\xae Thailand");
    shell_expect(world, "list", 0,
                 "NAME      KIND        STATE  DEADLINE    COUNTRIES  TITLE\n"
                 "th-two/3  joint call  open               TH         From \\u202e Thailand\n"
                 "cn-one/3  joint call  open   2099-12-31  CN TH      联合研究 with columns\n");
    shell_expect(world, "list --handle cn-one", 0, "cn-one/3");
    assert_null(strstr(world->output, "th-two"));
    shell_expect(world, "list --country China --kind joint-call --field medicine", 0, "cn-one/3");
    assert_null(strstr(world->output, "th-two"));
    shell_expect(world, "list --kind visit", 0, "no announcement matches");
    shell_expect(world, "list --limit 1", 0, "1 of 2");
    shell_expect(world, "list --all", 0, "profile");
    shell_expect(world, "list --json", 0, "\"title\": [{\"lang\": \"en\", \"text\": \"联合");
    shell_said(world, "\\u202e");
    shell_said(world, "\"total\": \"2\"");
    shell_expect(world,
                 "list --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)"
                 "[\"items\"]))'",
                 0, "2\n");
    shell_expect(world, "list --kind visitt", 64, "expected one of visit");
    shell_expect(world, "list --limit x", 64, "--limit");
}

static void test_client__show_tells_state_deadline_and_receivers(void **state)
{
    struct shell_world *world = *state;
    char arguments[1024];

    snprintf(arguments, sizeof arguments, "publish --wait %s",
             shell_notice(world, "a.yaml", "Call"));
    shell_expect(world, arguments, 0, "cn-one/3");
    shell_expect(world, "show cn-one/3", 0, "joint call, open");
    shell_said(world, "2099-12-31, time zone not stated");
    shell_said(world, "Received by  th-two");
    shell_said(world, "\ntitle: Call\n");
    shell_expect(world, "show cn-one/3 --json", 0, "\"state\": \"open\"");
    shell_said(world, "\"event\": \"published\"");
    shell_said(world, "\"received_by\": [{");
    shell_expect(world, "show cn-one/3 --json | python3 -m json.tool", 0, "announcement");
    shell_expect(world, "show cn-one/1", 0, "certificate");
    shell_expect(world, "show cn-one/2", 0, "handle: cn-one");
    shell_expect(world, "withdraw --wait cn-one/3", 0, "received by th-two");
    shell_expect(world, "show cn-one/3", 0, "Received by  th-two");
    shell_expect(world, "show nobody/1", 66, "nobody");
    shell_expect(world, "show", 64, "caravan show NAME");
}

static void test_client__the_odd_is_shown_as_such(void **state)
{
    struct shell_world *world = *state;

    pthread_mutex_lock(&world->lock);
    network_publish_content(&world->network, 1, TYPE(ANNOUNCEMENT), span_of_text("\xff\xff"));
    network_publish_content(&world->network, 1, 77, span_of_text("future"));
    pthread_mutex_unlock(&world->lock);
    shell_partner_says(world, "Later entry");
    shell_expect(world, "list", 0, "Later entry");
    shell_said(world, "content type 77");
    shell_expect(world, "show th-two/3", 0, "cannot be shown");
    shell_expect(world, "list --json", 0, "\"problem\": \"cannot be shown");
}

static void test_client__status_tells_and_checks(void **state)
{
    struct shell_world *world = *state;

    pthread_mutex_lock(&world->lock);
    network_sleep(&world->network, 10000);
    pthread_mutex_unlock(&world->lock);
    shell_expect(world, "status", 0, "cn-one");
    shell_said(world, "th-two");
    shell_said(world, "2 of 2");
    shell_said(world, "Nothing is wrong.");
    shell_expect(world, "status --check", 0, "this node exchanges");
    shell_expect(world, "status --json | python3 -m json.tool", 0, "\"exchanging\": true");
    pthread_mutex_lock(&world->lock);
    network_stop(&world->network, 1);
    pthread_mutex_unlock(&world->lock);
    shell_expect(world, "status", 0, "What to do:");
    shell_said(world, "not connected");
    shell_expect(world, "status --check", 76, "none of 1 partners");
    pthread_mutex_lock(&world->lock);
    network_remove_partner(&world->network, 0, 1);
    pthread_mutex_unlock(&world->lock);
    shell_expect(world, "status --check", 76, "there is no partner");
}

static void expect_line(FILE *pipe, char line[4096], const char *part)
{
    assert_non_null(fgets(line, 4096, pipe));
    if (!strstr(line, part))
        fail_msg("found the line: %s\nexpected in it: %s", line, part);
}

static void test_client__follow_goes_on_after_a_restart(void **state)
{
    struct shell_world *world = *state;
    char line[4096], arguments[128], pid_text[32];
    FILE *pipe;
    int pid;

    shell_partner_says(world, "Before");
    pipe = shell_open(world, "echo $$;",
                      "follow --json --since-start --kind 'joint call' 2>/dev/null");
    assert_non_null(fgets(pid_text, sizeof pid_text, pipe));
    pid = atoi(pid_text);
    assert_true(pid > 1);
    expect_line(pipe, line, "Before");
    assert_non_null(strstr(line, "\"event\": \"published\""));
    shell_partner_says(world, "Live");
    expect_line(pipe, line, "Live");
    shell_stop_serving(world);
    shell_partner_says(world, "While away");
    shell_start_serving(world);
    expect_line(pipe, line, "While away");
    kill(pid, SIGTERM);
    pclose(pipe);
    snprintf(arguments, sizeof arguments, "follow --from x");
    shell_expect(world, arguments, 64, "--from");
}

static void test_client__says_when_the_node_is_down(void **state)
{
    struct shell_world *world = *state;

    shell_stop_serving(world);
    shell_expect(world, "list", 69, "run");
    shell_expect(world, "follow", 69, "run");
    shell_expect(world, "status --check --json", 69, "\"code\": \"node-down\"");
    shell_start_serving(world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_client__##name, shell_setup, shell_teardown)
    const struct CMUnitTest tests[] = {
        TEST(list_shows_a_table_and_json),    TEST(show_tells_state_deadline_and_receivers),
        TEST(the_odd_is_shown_as_such),       TEST(status_tells_and_checks),
        TEST(follow_goes_on_after_a_restart), TEST(says_when_the_node_is_down),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
