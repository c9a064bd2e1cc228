/* An entry that says something of an announcement, shown by itself. */
#include "node/cli/cli_voice.h"

#include "common/codec.h"
#include "common/limits.h"
#include "node/cli/cli_item.h"
#include "proto/answer.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static const struct cli cli = {.program = "caravan"};
static struct arena arena;
static struct buffer content, yaml;
static Caravan__Item item;
static struct error error;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    content = yaml = (struct buffer){0};
    caravan__item__init(&item);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_finish(&content);
    buffer_finish(&yaml);
    arena_finish(&arena);
    return 0;
}

static void carry(uint32_t type, const ProtobufCMessage *message)
{
    buffer_clear(&content);
    assert_true(codec_pack(message, &content));
    caravan__item__init(&item);
    item.content_type = type;
    item.has_content = true;
    item.content.data = content.data;
    item.content.len = content.size;
}

static void test_cli_voice__reads_an_entry_by_itself(void **state)
{
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;

    (void)state;
    name.has_seq = true;
    name.seq = 4;
    outcome.announcement = &name;
    outcome.has_number = true;
    outcome.number = 12;
    carry(TYPE(OUTCOME), &outcome.base);
    assert_null(cli_voice_read(&item, &arena));
    cli_voice_alone(&item);
    assert_non_null(cli_voice_read(&item, &arena));
    assert_int_equal(cli_voice_write(&cli, &item, &arena, &yaml, &error), ERROR_NONE);
    assert_string_equal(buffer_text(&yaml), "number: 12\n"); /* not what it is about */
}

static void test_cli_voice__leaves_other_entries_as_they_are(void **state)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;

    (void)state;
    carry(TYPE(PROFILE), &confirmation.base);
    cli_voice_alone(&item);
    assert_false(item.has_said);
    carry(TYPE(CONFIRMATION), &confirmation.base);
    item.problem = (char *)(uintptr_t) "cannot be shown";
    cli_voice_alone(&item);
    assert_false(item.has_said);
    assert_int_equal(cli_voice_write(&cli, &item, &arena, &yaml, &error), ERROR_NONE);
    item.problem = NULL;
    cli_voice_alone(&item);
    assert_true(item.has_said);
    assert_int_equal(cli_voice_write(&cli, &item, &arena, &yaml, &error), ERROR_NONE);
    assert_int_equal(yaml.size, 0); /* a confirmation says no more than what it confirms */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cli_voice__reads_an_entry_by_itself),
        TEST(test_cli_voice__leaves_other_entries_as_they_are),
    };

    return cmocka_run_group_tests_name("cli_voice", tests, NULL, NULL);
}
