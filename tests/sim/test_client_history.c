/* The client's history command, as a person or a script runs it. */
#include "tests/sim/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/announcements.h"

#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void partner_revises(struct shell_world *world, const char *title)
{
    struct buffer content = {0}, revision = {0};

    announcements_write(CALL, title, "TH", "3", &content);
    announcements_revision(3, buffer_span(&content), &revision);
    shell_partner_publishes(world, TYPE(REVISION), &revision);
    buffer_finish(&content);
    buffer_finish(&revision);
}

static void test_client_history__history_says_what_each_step_changed(void **state)
{
    struct shell_world *world = *state;
    struct buffer content = {0};

    shell_partner_says(world, "First");
    partner_revises(world, "Second");
    announcements_withdrawal(3, "no \x1b[31m money", &content);
    shell_partner_publishes(world, TYPE(WITHDRAWAL), &content);
    shell_expect(world, "history th-two/3", 0,
                 "th-two/3  joint call, withdrawn\nNo. 3  published 20");
    shell_said(world, " UTC, received 20");
    shell_said(world, " UTC\n  First\nNo. 4  revised 20");
    shell_said(world, " UTC\n  title\n    - First\n    + Second\nNo. 5  withdrawn 20");
    shell_said(world, " UTC\n  no \\x1b[31m money\n");
    shell_expect(world, "history th-two/5", 0, "No. 3  published");
    shell_expect(world, "history th-two/3 --json | python3 -m json.tool --compact", 0,
                 "\"changes\":[{\"path\":\"title\",\"before\":\"First\",\"after\":\"Second\"}]");
    shell_said(world, "\"compared_with\":\"3\"");
    shell_said(world, "\"event\":\"withdrawn\"");
    shell_expect(world, "history nobody/1", 66, "nobody");
    shell_expect(world, "history", 64, "caravan history NAME");
    shell_expect(world, "history th-two/1", 0, "No. 1  entry");
    buffer_finish(&content);
}

static void test_client_history__history_passes_over_what_cannot_be_shown(void **state)
{
    struct shell_world *world = *state;
    struct buffer content = {0};

    shell_partner_says(world, "First");
    announcements_revision(3, span_of_text("\xff"), &content);
    shell_partner_publishes(world, TYPE(REVISION), &content);
    partner_revises(world, "Third");
    shell_expect(world, "history th-two/3", 0, " UTC\n  cannot be shown: ");
    shell_said(world, " UTC\n  compared with No. 3\n  title\n    - First\n    + Third\n");
    shell_expect(world, "history th-two/3 --from 4", 65, "No. 4: cannot be shown: ");
    shell_expect(world, "history th-two/3 --json | python3 -m json.tool", 0,
                 "\"problem\": \"cannot be shown");
    shell_said(world, "\"compared_with\": \"3\"");
    buffer_finish(&content);
}

static void test_client_history__history_compares_any_two_steps(void **state)
{
    struct shell_world *world = *state;

    shell_partner_says(world, "First");
    partner_revises(world, "Second");
    partner_revises(world, "Third");
    partner_revises(world, "First");
    shell_expect(world, "history th-two/3 --from 3 --to 5", 0,
                 "from No. 3 to No. 5\n  title\n    - First\n    + Third\n");
    shell_expect(world, "history th-two/3 --from 5 --to 4", 0, "    - Third\n    + Second\n");
    shell_expect(world, "history th-two/3 --to 4", 0, "from No. 3 to No. 4\n");
    shell_expect(world, "history th-two/3 --from 4", 0, "from No. 4 to No. 6\n");
    shell_expect(world, "history th-two/3 --from 3 --to 6", 0, "  nothing has changed\n");
    shell_expect(world, "history th-two/3 --from 4 --to 5 --json | python3 -m json.tool --compact",
                 0, "\"from\":\"4\",\"to\":\"5\",\"changes\":[{\"path\":\"title\"");
    shell_expect(world, "history th-two/3 --to 9", 66, "--to: No. 9 is no step of th-two/3");
    shell_expect(world, "history th-two/3 --from x", 64, "expected the number of a step");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_client_history__##name, shell_setup, shell_teardown)
    const struct CMUnitTest tests[] = {
        TEST(history_says_what_each_step_changed),
        TEST(history_passes_over_what_cannot_be_shown),
        TEST(history_compares_any_two_steps),
    };
    return cmocka_run_group_tests_name("client_history", tests, NULL, NULL);
}
