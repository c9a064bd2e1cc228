/* What is different for a side of a joint announcement. */
#include "node/cli/cli_sides.h"

#include "common/codec.h"
#include "common/fields.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_voice.h"
#include "proto/answer.pb-c.h"
#include "tests/support/fault.h"
#include "tests/support/joint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two institutions, the call in its first and second revision, and the reply to show. */
struct world {
    struct institution lead, other;
    struct buffer first, second, proposal;
    Caravan__ShowReply reply;
    Caravan__Item now, step, *history[1];
    Caravan__Side side, *sides[1];
    struct id hashes[2]; /* of the entries of step and now */
};

static ProtobufCBinaryData binary(const struct buffer *buffer)
{
    return (ProtobufCBinaryData){buffer->size, buffer->data};
}

static void write_call(struct world *world, unsigned day, struct buffer *out)
{
    struct institution *sides[] = {&world->lead, &world->other};
    const unsigned days[] = {1, day};

    joint_write("Call", sides, days, 2, out);
}

static void fill_item(Caravan__Item *item, uint64_t seq, const struct buffer *content)
{
    caravan__item__init(item);
    item->has_content_type = item->has_content = item->has_event_seq = item->has_seq = 1;
    item->content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT;
    item->content = binary(content);
    item->seq = 4;
    item->event_seq = seq;
    item->name = (char *)(uintptr_t) "cn-lead/4";
}

static void set_hash(Caravan__Item *item, int byte, struct id *hash)
{
    memset(hash->bytes, byte, sizeof hash->bytes);
    item->has_hash = 1;
    item->hash = fields_binary(span_of_id(hash));
}

/* The other has confirmed No. 4; No. 6 is in force; it proposes a third day. */
static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    if (!world)
        return -1;
    institution_init(&world->lead, 1);
    institution_init(&world->other, 2);
    write_call(world, 2, &world->first);
    write_call(world, 3, &world->second);
    fill_item(&world->step, 4, &world->first);
    fill_item(&world->now, 6, &world->second);
    set_hash(&world->step, 4, &world->hashes[0]);
    set_hash(&world->now, 6, &world->hashes[1]);
    joint_proposal_for(&world->lead, 4, &world->hashes[1], &world->other, 9, &world->proposal);
    caravan__side__init(&world->side);
    world->now.has_revised_by = 1;
    world->now.revised_by = 6;
    world->side.handle = (char *)(uintptr_t) "th-other";
    world->side.party = 1;
    world->side.feed = fields_binary(span_of_id(&world->other.head.feed));
    world->side.has_revision = world->side.has_proposal = world->side.has_proposal_seq = 1;
    world->side.revision = 4;
    world->side.proposal_seq = 7;
    world->side.proposal = binary(&world->proposal);
    world->sides[0] = &world->side;
    world->history[0] = &world->step;
    world->now.sides = world->sides;
    world->now.n_sides = 1;
    caravan__show_reply__init(&world->reply);
    world->reply.item = &world->now;
    world->reply.history = world->history;
    world->reply.n_history = 1;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    institution_finish(&world->lead);
    institution_finish(&world->other);
    buffer_finish(&world->first);
    buffer_finish(&world->second);
    buffer_finish(&world->proposal);
    free(world);
    return 0;
}

static void check_printed(const struct world *world, enum cli_sides_what what, const char *expected)
{
    struct cli cli = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(cli_sides_print(&cli, out, &world->reply, &world->side, what, 1, NULL), 0);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void check_json(const struct world *world, const char *expected)
{
    struct buffer json = {0};

    assert_int_equal(cli_sides_json(&world->reply, &json, NULL), 0);
    assert_string_equal(buffer_text(&json), expected);
    buffer_finish(&json);
}

static void test_cli_sides__say_what_has_changed_since(void **state)
{
    check_printed(*state, CLI_SIDES_SINCE,
                  " parties / Institute of Tests / deadline\n"
                  "   - 2099-06-02 UTC\n   + 2099-06-03 UTC\n");
}

static void test_cli_sides__say_what_is_proposed(void **state)
{
    check_printed(*state, CLI_SIDES_PROPOSED,
                  " deadline\n   - 2099-06-03 UTC\n   + 2099-06-09 UTC\n");
}

/* The proposal of the side is one for the revision with this hash, with this day. */
static void propose_for(struct world *world, const struct id *hash, unsigned day)
{
    buffer_clear(&world->proposal);
    joint_proposal_for(&world->lead, 4, hash, &world->other, day, &world->proposal);
    world->side.proposal = binary(&world->proposal);
}

/* No. 6 has moved the day from 2 to 3; what was proposed for No. 4 moves it, too. */
static void test_cli_sides__say_what_both_have_changed(void **state)
{
    struct world *world = *state;

    propose_for(world, &world->hashes[0], 9);
    check_printed(world, CLI_SIDES_PROPOSED,
                  " deadline\n   - 2099-06-03 UTC\n   + 2099-06-09 UTC\n"
                  " made for No. 4; No. 6, in force, has changed since: deadline\n");
    propose_for(world, &world->hashes[0], 3);
    check_printed(world, CLI_SIDES_PROPOSED, " nothing would change\n");
}

/* For No. 4 it proposed nothing about the day: that of No. 6 stays. */
static void test_cli_sides__leave_what_was_not_proposed(void **state)
{
    struct world *world = *state;

    propose_for(world, &world->hashes[0], 2);
    check_printed(world, CLI_SIDES_PROPOSED, " nothing would change\n");
}

static void test_cli_sides__do_not_guess_what_a_proposal_was_made_for(void **state)
{
    static const char gone[] = " made for an earlier revision, which cannot be read here\n";
    static const struct id stranger = {{9}};
    struct world *world = *state;

    propose_for(world, &stranger, 9);
    check_printed(world, CLI_SIDES_PROPOSED, gone);
    propose_for(world, NULL, 9);
    check_printed(world, CLI_SIDES_PROPOSED, gone);
    propose_for(world, &world->hashes[0], 9);
    world->step.has_content = 0; /* it was erased */
    check_printed(world, CLI_SIDES_PROPOSED, gone);
    world->step.has_content = 1;
    world->side.feed = world->step.hash; /* it was no party then */
    check_printed(world, CLI_SIDES_PROPOSED, gone);
}

static void test_cli_sides__say_that_the_text_is_the_same_again(void **state)
{
    struct world *world = *state;

    world->step.content = world->now.content;
    check_printed(world, CLI_SIDES_SINCE, " nothing has changed\n");
}

static void test_cli_sides__are_silent_where_nothing_differs(void **state)
{
    struct world *world = *state;

    world->side.revision = 6;
    world->side.has_proposal = 0;
    check_printed(world, CLI_SIDES_SINCE, "");
    check_printed(world, CLI_SIDES_PROPOSED, "");
    world->side.revision = 0;
    check_printed(world, CLI_SIDES_SINCE, "");
    check_json(world, "[]");
}

/* The reply of show holds no more than it has room for. */
static void test_cli_sides__say_where_to_look_when_the_step_is_not_at_hand(void **state)
{
    struct world *world = *state;

    world->step.has_content = 0;
    check_printed(world, CLI_SIDES_SINCE, " see: caravan history cn-lead/4 --from 4\n");
    world->reply.n_history = 0;
    check_printed(world, CLI_SIDES_SINCE, " see: caravan history cn-lead/4 --from 4\n");
}

static void test_cli_sides__bear_odd_proposals(void **state)
{
    static uint8_t nonsense[] = {0xff, 0xff, 0xff, 0x01};
    struct world *world = *state;

    world->side.proposal = (ProtobufCBinaryData){sizeof nonsense, nonsense};
    check_printed(world, CLI_SIDES_PROPOSED, " they cannot be shown\n");
    world->side.proposal = (ProtobufCBinaryData){0, nonsense};
    check_printed(world, CLI_SIDES_PROPOSED, " they cannot be shown\n");
    world->side.proposal = binary(&world->proposal);
    world->side.party = 2;
    check_printed(world, CLI_SIDES_PROPOSED, " they cannot be shown\n");
}

#define ALL                                                                                        \
    "[{\"handle\": \"th-other\", \"from\": \"4\", \"changes\": [{\"path\": \"parties / "           \
    "Institute of Tests / deadline\", \"before\": \"2099-06-02 UTC\", \"after\": "                 \
    "\"2099-06-03 UTC\"}]}, {\"handle\": \"th-other\", \"proposal\": \"7\", "                      \
    "\"changes\": [{\"path\": \"deadline\", \"before\": \"2099-06-03 UTC\", "                      \
    "\"after\": \"2099-06-09 UTC\"}]}]"

static void test_cli_sides__are_written_for_scripts(void **state)
{
    check_json(*state, ALL);
}

static void test_cli_sides__survive_every_allocation_that_fails(void **state)
{
    const struct world *world = *state;
    bool done = false;
    int failed = 0;

    for (unsigned long n = 1; !done; n++) {
        struct buffer json = {0};
        struct error error = {0};
        int code;

        fault_arm(n);
        code = cli_sides_json(&world->reply, &json, &error);
        done = !fault_disarm();
        /* Where a time zone's rules find no room, the answer is whole all the same. */
        if (code == ERROR_NONE)
            assert_string_equal(buffer_text(&json), ALL);
        else
            assert_int_equal(code, ERROR_MEMORY);
        failed += code != ERROR_NONE;
        buffer_finish(&json);
    }
    assert_true(failed > 10);
}

/* --- voices ------------------------------------------------------------------------------------
 */

static void pack_outcome(bool text, struct buffer *out)
{
    Caravan__LocalizedText said = CARAVAN__LOCALIZED_TEXT__INIT, *texts[] = {&said};
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;

    said.lang = (char *)(uintptr_t) "en";
    said.text = (char *)(uintptr_t) "ten and two";
    outcome.has_what = 1;
    outcome.what = CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_AWARDED;
    outcome.has_number = text;
    outcome.number = 12;
    outcome.n_text = text;
    outcome.text = texts;
    assert_true(codec_pack(&outcome.base, out));
}

static void check_outcome(const struct buffer *said, const char *expected)
{
    Caravan__Item item = CARAVAN__ITEM__INIT;
    struct buffer out = {0};
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    item.content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_OUTCOME;
    item.has_said = 1;
    item.said = binary(said);
    assert_true(cli_voice_outcome(&item, &arena, &out));
    assert_string_equal(buffer_text(&out), expected);
    buffer_clear(&out);
    item.content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION;
    assert_true(cli_voice_outcome(&item, &arena, &out));
    assert_int_equal(out.size, 0);
    buffer_finish(&out);
    arena_finish(&arena);
}

static void test_cli_voice__says_an_outcome_in_one_line(void **state)
{
    struct buffer said = {0};

    (void)state;
    pack_outcome(true, &said);
    check_outcome(&said, "awarded 12: ten and two");
    buffer_clear(&said);
    pack_outcome(false, &said);
    check_outcome(&said, "awarded");
    buffer_clear(&said);
    assert_true(buffer_append(&said, "\xff", 1));
    check_outcome(&said, "");
    buffer_finish(&said);
}

static void test_cli_voice__knows_who_speaks(void **state)
{
    struct world *world = *state;
    uint8_t lead[32] = {1}, other[32] = {2}, stranger[32] = {3};
    Caravan__Item voice = CARAVAN__ITEM__INIT;

    world->now.feed = (ProtobufCBinaryData){32, lead};
    world->side.feed = (ProtobufCBinaryData){32, other};
    voice.speaker = (ProtobufCBinaryData){32, other};
    assert_ptr_equal(cli_voice_side(&world->now, &voice), &world->side);
    assert_false(cli_voice_is_ours(&world->now, &voice));
    world->side.own = 1;
    assert_true(cli_voice_is_ours(&world->now, &voice));
    voice.speaker.data = lead; /* it publishes, and is no party of its own call */
    assert_null(cli_voice_side(&world->now, &voice));
    assert_false(cli_voice_is_ours(&world->now, &voice));
    world->now.own = 1;
    assert_true(cli_voice_is_ours(&world->now, &voice));
    voice.speaker.data = stranger;
    assert_false(cli_voice_is_ours(&world->now, &voice));
}

static void pack_refusal(const uint8_t *feed, uint64_t seq, bool declined, struct buffer *out)
{
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    Caravan__Confirmation said = CARAVAN__CONFIRMATION__INIT;

    name.has_feed = name.has_seq = 1;
    name.feed = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)feed};
    name.seq = seq;
    said.announcement = &name;
    said.has_declined = said.declined = declined;
    assert_true(codec_pack(&said.base, out));
}

static void check_refusal(struct world *world, const uint8_t *feed, uint64_t seq, bool declined,
                          const char *event, const Caravan__Side *side)
{
    const Caravan__AnnouncementName *refusal;
    struct buffer said = {0};
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    pack_refusal(feed, seq, declined, &said);
    world->now.content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION;
    world->now.has_said = 1;
    world->now.said = binary(&said);
    assert_string_equal(cli_item_event(&world->now), event);
    refusal = cli_voice_refusal(&world->now, &arena);
    if (side) {
        assert_non_null(refusal);
        assert_int_equal(refusal->seq, seq);
        assert_ptr_equal(cli_voice_refused(&world->now, refusal), side);
    } else if (refusal) {
        assert_null(cli_voice_refused(&world->now, refusal));
    }
    arena_finish(&arena);
    buffer_finish(&said);
}

/* A confirmation that names another entry than what it is about is the publisher's no to it. */
static void test_cli_voice__tells_a_refusal_from_what_a_side_declines(void **state)
{
    struct world *world = *state;
    uint8_t lead[32] = {1}, other[32] = {2}, stranger[32] = {3};

    world->now.feed = (ProtobufCBinaryData){32, lead};
    world->now.seq = 4;
    world->side.feed = (ProtobufCBinaryData){32, other};
    check_refusal(world, other, 5, true, "refused", &world->side);
    check_refusal(world, other, 4, true, "refused", &world->side);
    check_refusal(world, stranger, 5, true, "refused", NULL);
    check_refusal(world, lead, 4, true, "declined", NULL);
    check_refusal(world, lead, 4, false, "confirmed", NULL);
    check_refusal(world, other, 5, false, "confirmed", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_cli_sides__say_what_has_changed_since),
        TEST(test_cli_sides__say_what_is_proposed),
        TEST(test_cli_sides__say_what_both_have_changed),
        TEST(test_cli_sides__leave_what_was_not_proposed),
        TEST(test_cli_sides__do_not_guess_what_a_proposal_was_made_for),
        TEST(test_cli_sides__say_that_the_text_is_the_same_again),
        TEST(test_cli_sides__are_silent_where_nothing_differs),
        TEST(test_cli_sides__say_where_to_look_when_the_step_is_not_at_hand),
        TEST(test_cli_sides__bear_odd_proposals),
        TEST(test_cli_sides__are_written_for_scripts),
        TEST(test_cli_sides__survive_every_allocation_that_fails),
        cmocka_unit_test(test_cli_voice__says_an_outcome_in_one_line),
        TEST(test_cli_voice__knows_who_speaks),
        TEST(test_cli_voice__tells_a_refusal_from_what_a_side_declines),
    };
#undef TEST

    return cmocka_run_group_tests_name("cli_sides", tests, NULL, NULL);
}
