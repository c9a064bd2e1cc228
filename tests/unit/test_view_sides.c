/* Where the sides of a joint announcement stand. */
#include "node/core/view_sides.h"

#include "common/fields.h"
#include "proto/answer.pb-c.h"
#include "tests/support/fault.h"
#include "tests/support/joint.h"
#include "tests/support/view_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* --- a call of two sides, led by the partner or by us ------------------------------------------
 */

static void write_call(struct view_world *world, const char *title, unsigned our_day,
                       unsigned their_day, struct buffer *out)
{
    struct institution *sides[] = {&world->partner, &world->own};
    const unsigned days[] = {their_day, our_day};

    joint_write(title, sides, days, 2, out);
}

/* The partner's call, which names us. */
static uint64_t publish_call(struct view_world *world, const char *title, unsigned our_day,
                             struct id *hash)
{
    struct buffer content = {0};
    uint64_t seq;

    write_call(world, title, our_day, 15, &content);
    seq = announcements_keep(&world->writer, &world->partner, TYPE(ANNOUNCEMENT),
                             buffer_span(&content));
    *hash = world->partner.head.hash;
    buffer_finish(&content);
    return seq;
}

static uint64_t revise_call(struct view_world *world, uint64_t call, const char *title,
                            unsigned our_day, struct id *hash)
{
    struct buffer content = {0}, revision = {0};
    uint64_t seq;

    write_call(world, title, our_day, 15, &content);
    announcements_revision(call, buffer_span(&content), &revision);
    seq =
        announcements_keep(&world->writer, &world->partner, TYPE(REVISION), buffer_span(&revision));
    *hash = world->partner.head.hash;
    buffer_finish(&content);
    buffer_finish(&revision);
    return seq;
}

/* --- what is seen, as text ----------------------------------------------------------------------
 */

struct seeing {
    struct view *view;
    struct buffer lines;
    int code;
};

static int see_side(void *context, const struct view_side *side)
{
    struct seeing *seeing = context;

    buffer_printf(&seeing->lines, "%s%s: %s", side->handle, side->own ? " (we)" : "",
                  view_side_state_name(side->state));
    if (side->revision)
        buffer_printf(&seeing->lines, " %" PRIu64, side->revision);
    if (side->by_seq)
        buffer_printf(&seeing->lines, " by %" PRIu64, side->by_seq);
    if (side->proposal_seq)
        buffer_printf(&seeing->lines, ", proposal %" PRIu64, side->proposal_seq);
    if (side->refused_seq)
        buffer_printf(&seeing->lines, " refused by %" PRIu64, side->refused_seq);
    buffer_append_text(&seeing->lines, "\n");
    return 0;
}

static int see(void *context, const struct view_state *state)
{
    struct seeing *seeing = context;

    seeing->code = view_sides(seeing->view, state, see_side, seeing, NULL);
    return 1;
}

static void check_sides(struct view_world *world, uint64_t call, const char *expected)
{
    struct seeing seeing = {.view = world->view};

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_show(world->view, &world->partner.head.feed, call, see, &seeing, NULL),
                     ERROR_NONE);
    assert_int_equal(seeing.code, ERROR_NONE);
    assert_string_equal(buffer_text(&seeing.lines), expected);
    buffer_finish(&seeing.lines);
}

static uint64_t confirm(struct view_world *world, uint64_t call, const struct id *hash,
                        bool declined)
{
    return joint_confirm(&world->writer, &world->own, &world->partner, call, hash, declined);
}

/* --- confirmations ------------------------------------------------------------------------------
 */

static void test_view_sides__are_none_of_an_announcement_by_one(void **state)
{
    struct view_world *world = *state;
    uint64_t seq = announcements_publish(&world->writer, &world->partner, CARAVAN__KIND__KIND_VISIT,
                                         "Visit", "TH", NULL);

    check_sides(world, seq, "");
}

static void test_view_sides__show_each_state_in_turn(void **state)
{
    struct view_world *world = *state;
    struct id first, second;
    uint64_t call = publish_call(world, "Call", 1, &first);
    char expected[256];
    uint64_t by, revision;

    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
    by = confirm(world, call, &first, false);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): confirmed %" PRIu64 " by %" PRIu64 "\n", call,
             by);
    check_sides(world, call, expected);
    revision = revise_call(world, call, "Call, revised", 1, &second);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): confirmed an earlier revision %" PRIu64
             " by %" PRIu64 "\n",
             call, by);
    check_sides(world, call, expected);
    by = confirm(world, call, &second, false);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): confirmed %" PRIu64 " by %" PRIu64 "\n", revision,
             by);
    check_sides(world, call, expected);
    by = confirm(world, call, &second, true);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): declined %" PRIu64 " by %" PRIu64 "\n", revision,
             by);
    check_sides(world, call, expected);
}

/* X, Y, X again: the text is the same, the confirmation of the first X is not one of the last. */
static void test_view_sides__revive_no_old_confirmation(void **state)
{
    struct view_world *world = *state;
    struct id first, second, third;
    uint64_t call = publish_call(world, "X", 1, &first);
    uint64_t by = confirm(world, call, &first, false);
    char expected[256];

    revise_call(world, call, "Y", 1, &second);
    revise_call(world, call, "X", 1, &third);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): confirmed an earlier revision %" PRIu64
             " by %" PRIu64 "\n",
             call, by);
    check_sides(world, call, expected);
}

static void test_view_sides__say_so_when_the_revision_is_not_here(void **state)
{
    struct view_world *world = *state;
    struct id first, unknown = {{9}};
    uint64_t call = publish_call(world, "Call", 1, &first);
    uint64_t by = confirm(world, call, &unknown, false);
    char expected[256];

    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): confirmed a revision that is not here by %" PRIu64
             "\n",
             by);
    check_sides(world, call, expected);
}

/* The confirmation may come before what it confirms, and before the institution itself. */
static void test_view_sides__do_not_depend_on_the_order_of_arrival(void **state)
{
    struct view_world *world = *state;
    struct institution third;
    struct institution *sides[3];
    const unsigned days[] = {1, 2, 3};
    struct buffer content = {0};
    struct id hash, feed;
    struct institution later;

    institution_init(&third, 3);
    institution_init(&later, 4);
    sides[0] = &later;
    sides[1] = &world->own;
    sides[2] = &third;
    feed = later.head.feed;
    joint_write("Call", sides, days, 3, &content);
    /* What the later one will publish as its No. 3, known beforehand only to the test. */
    {
        struct institution twin;
        struct buffer bytes = {0}, profile = {0};

        institution_init(&twin, 4);
        institution_certify(&twin, false, &bytes);
        announcements_profile("za-later", "ZA", &profile);
        institution_append(&twin, TYPE(PROFILE), buffer_span(&profile), &bytes);
        institution_append(&twin, TYPE(ANNOUNCEMENT), buffer_span(&content), &bytes);
        hash = twin.head.hash;
        institution_finish(&twin);
        buffer_finish(&bytes);
        buffer_finish(&profile);
    }
    announcements_join(&world->writer, &third, "ru-third", "RU");
    joint_confirm(&world->writer, &third, &later, 3, &hash, false);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    announcements_join(&world->writer, &later, "za-later", "ZA");
    assert_int_equal(
        announcements_keep(&world->writer, &later, TYPE(ANNOUNCEMENT), buffer_span(&content)), 3);
    assert_true(id_equal(&later.head.hash, &hash));
    {
        struct seeing seeing = {.view = world->view};

        assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
        assert_int_equal(view_show(world->view, &feed, 3, see, &seeing, NULL), ERROR_NONE);
        assert_string_equal(buffer_text(&seeing.lines),
                            "za-later: publisher\ncn-own (we): proposed\n"
                            "ru-third: confirmed 3 by 3\n");
        buffer_finish(&seeing.lines);
    }
    institution_finish(&third);
    institution_finish(&later);
    buffer_finish(&content);
}

static void test_view_sides__hear_only_those_that_are_named(void **state)
{
    struct view_world *world = *state;
    struct institution stranger;
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash);

    institution_init(&stranger, 3);
    announcements_join(&world->writer, &stranger, "ru-stranger", "RU");
    joint_confirm(&world->writer, &stranger, &world->partner, call, &hash, false);
    joint_propose(&world->writer, &stranger, &world->partner, call, 9);
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
    institution_finish(&stranger);
}

/* --- proposals ----------------------------------------------------------------------------------
 */

static void test_view_sides__show_a_proposal_until_it_is_taken_over(void **state)
{
    struct view_world *world = *state;
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash);
    uint64_t first = joint_propose(&world->writer, &world->own, &world->partner, call, 20);
    uint64_t newest = joint_propose(&world->writer, &world->own, &world->partner, call, 25);
    char expected[256];

    assert_true(newest > first);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): proposed, proposal %" PRIu64 "\n", newest);
    check_sides(world, call, expected);
    revise_call(world, call, "Call", 20, &hash); /* the older one: no */
    check_sides(world, call, expected);
    revise_call(world, call, "Call", 25, &hash);
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
}

/* Adds an address to what we propose, or to our side of the call: a field that the other leaves. */
static void with_address(const ProtobufCMessageDescriptor *type, struct buffer *content)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, content->size, content->data);
    Caravan__Party *party;

    assert_non_null(message);
    party = type == &caravan__proposal__descriptor ? ((Caravan__Proposal *)message)->party
                                                   : ((Caravan__Announcement *)message)->parties[1];
    party->apply_url = strdup("https://apply.example");
    buffer_clear(content);
    assert_true(fields_pack(message, content));
    protobuf_c_message_free_unpacked(message, NULL);
}

static void revise_with_address(struct view_world *world, uint64_t call, unsigned our_day)
{
    struct buffer content = {0}, revision = {0};

    write_call(world, "Call", our_day, 15, &content);
    with_address(&caravan__announcement__descriptor, &content);
    announcements_revision(call, buffer_span(&content), &revision);
    announcements_keep(&world->writer, &world->partner, TYPE(REVISION), buffer_span(&revision));
    buffer_finish(&content);
    buffer_finish(&revision);
}

/* Our proposal of a day, made for the text with this hash; its seq. */
static uint64_t propose_for(struct view_world *world, uint64_t call, const struct id *hash,
                            unsigned day)
{
    struct buffer proposal = {0};
    uint64_t seq;

    joint_proposal_for(&world->partner, call, hash, &world->own, day, &proposal);
    seq = announcements_keep(&world->writer, &world->own, TYPE(PROPOSAL), buffer_span(&proposal));
    buffer_finish(&proposal);
    return seq;
}

/* We propose another day for the first text; the publisher gives us an address, then takes the day
 * over. Our proposal has no address, and is taken over all the same. */
static void test_view_sides__know_a_proposal_that_was_taken_over_in_a_later_text(void **state)
{
    struct view_world *world = *state;
    char expected[256];
    uint64_t call, seq;
    struct id hash;

    call = publish_call(world, "Call", 1, &hash);
    seq = propose_for(world, call, &hash, 20);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): proposed, proposal %" PRIu64 "\n", seq);
    check_sides(world, call, expected);
    revise_with_address(world, call, 1);
    check_sides(world, call, expected);
    revise_with_address(world, call, 20);
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
    revise_with_address(world, call, 21);
    check_sides(world, call, expected);
}

/* What changes nothing of its text is never taken over by another one. */
static void test_view_sides__keep_a_proposal_that_changes_nothing(void **state)
{
    struct view_world *world = *state;
    char expected[256];
    uint64_t call, seq;
    struct id hash;

    call = publish_call(world, "Call", 1, &hash);
    seq = propose_for(world, call, &hash, 1);
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
    revise_call(world, call, "Call", 2, &hash);
    snprintf(expected, sizeof expected,
             "th-partner: publisher\ncn-own (we): proposed, proposal %" PRIu64 "\n", seq);
    check_sides(world, call, expected);
}

static void test_view_sides__forget_a_proposal_that_was_withdrawn(void **state)
{
    struct view_world *world = *state;
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash);
    uint64_t proposal = joint_propose(&world->writer, &world->own, &world->partner, call, 20);

    announcements_withdraw(&world->writer, &world->own, proposal, NULL);
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
}

static void test_view_sides__take_no_proposal_for_another_side(void **state)
{
    struct view_world *world = *state;
    struct buffer content = {0};
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash);

    joint_proposal(&world->partner, call, &world->partner, 20, &content); /* in our feed */
    announcements_keep(&world->writer, &world->own, TYPE(PROPOSAL), buffer_span(&content));
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
    buffer_finish(&content);
}

/* --- refusals -----------------------------------------------------------------------------------
 */

/* The publisher's word on a proposal of ours. */
static uint64_t answer(struct view_world *world, uint64_t proposal, const struct id *hash,
                       bool declined)
{
    return joint_confirm(&world->writer, &world->partner, &world->own, proposal, hash, declined);
}

static void check_refused(struct view_world *world, uint64_t call, uint64_t proposal,
                          uint64_t refusal)
{
    char expected[256];

    snprintf(expected, sizeof expected,
             refusal ? "th-partner: publisher\ncn-own (we): proposed, proposal %" PRIu64
                       " refused by %" PRIu64 "\n"
                     : "th-partner: publisher\ncn-own (we): proposed, proposal %" PRIu64 "\n",
             proposal, refusal);
    check_sides(world, call, expected);
    view_reset(world->view); /* whoever starts anew sees the same */
    check_sides(world, call, expected);
}

static void test_view_sides__show_what_the_publisher_refused(void **state)
{
    struct view_world *world = *state;
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash);
    uint64_t first = joint_propose(&world->writer, &world->own, &world->partner, call, 20);
    struct id proposed = world->own.head.hash;
    uint64_t refusal = answer(world, first, &proposed, true), newest;

    check_refused(world, call, first, refusal);
    revise_call(world, call, "Call, revised", 1, &hash); /* it stays refused */
    check_refused(world, call, first, refusal);
    newest = joint_propose(&world->writer, &world->own, &world->partner, call, 20);
    check_refused(world, call, newest, 0); /* the same once more is another one */
    proposed = world->own.head.hash;
    refusal = answer(world, newest, &proposed, true);
    check_refused(world, call, newest, refusal);
    answer(world, newest, &proposed, false); /* the newest word counts */
    check_refused(world, call, newest, 0);
    refusal = answer(world, newest, &proposed, true);
    check_refused(world, call, newest, refusal);
    revise_call(world, call, "Call", 20, &hash); /* taken over all the same */
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
}

static void test_view_sides__take_no_refusal_of_something_else(void **state)
{
    struct view_world *world = *state;
    struct institution third;
    struct id hash, proposed, other = {{7}};
    uint64_t call = publish_call(world, "Call", 1, &hash);
    uint64_t proposal = joint_propose(&world->writer, &world->own, &world->partner, call, 20);

    proposed = world->own.head.hash;
    institution_init(&third, 3);
    announcements_join(&world->writer, &third, "ru-third", "RU");
    joint_confirm(&world->writer, &third, &world->own, proposal, &proposed, true);
    joint_confirm(&world->writer, &world->own, &world->own, proposal, &proposed, true);
    check_refused(world, call, proposal, 0); /* only the publisher can */
    answer(world, proposal, &other, true);
    check_refused(world, call, proposal, 0); /* another entry, on another branch perhaps */
    answer(world, proposal - 1, &proposed, true);
    check_refused(world, call, proposal, 0);
    joint_confirm(&world->writer, &world->partner, &world->partner, call, &proposed, true);
    check_refused(world, call, proposal, 0); /* nor is it one as a word on the announcement */
    institution_finish(&third);
}

/* Each proposal has an answer of its own: one refusal does not take the place of another. */
static void test_view_sides__keep_refusals_of_several_sides_apart(void **state)
{
    struct view_world *world = *state;
    struct institution third;
    struct institution *sides[] = {&world->partner, &world->own, &third};
    const unsigned days[] = {15, 1, 2};
    struct buffer content = {0};
    uint64_t call, ours, theirs;

    institution_init(&third, 3);
    announcements_join(&world->writer, &third, "ru-third", "RU");
    joint_write("Call", sides, days, 3, &content);
    call = announcements_keep(&world->writer, &world->partner, TYPE(ANNOUNCEMENT),
                              buffer_span(&content));
    ours = joint_propose(&world->writer, &world->own, &world->partner, call, 20);
    theirs = joint_propose(&world->writer, &third, &world->partner, call, 21);
    assert_int_equal(ours, theirs); /* numbers alone do not tell them apart */
    answer(world, ours, &world->own.head.hash, true);
    check_sides(world, call,
                "th-partner: publisher\ncn-own (we): proposed, proposal 3 refused by 4\n"
                "ru-third: proposed, proposal 3\n");
    joint_confirm(&world->writer, &world->partner, &third, theirs, &third.head.hash, true);
    check_sides(world, call,
                "th-partner: publisher\ncn-own (we): proposed, proposal 3 refused by 4\n"
                "ru-third: proposed, proposal 3 refused by 5\n");
    institution_finish(&third);
    buffer_finish(&content);
}

/* --- who is a side ------------------------------------------------------------------------------
 */

/* A party with an id of another size is no side; one that is named twice is one, the first. */
static void test_view_sides__are_parties_with_a_whole_id_each_once(void **state)
{
    struct view_world *world = *state;
    struct institution *sides[] = {&world->partner, &world->partner, &world->own,
                                   &world->own,     &world->own,     &world->own};
    const unsigned days[] = {1, 2, 3, 4, 5, 6};
    struct buffer content = {0};
    Caravan__Announcement *call;
    uint64_t seq;

    joint_write("Call", sides, days, 6, &content);
    call = caravan__announcement__unpack(NULL, content.size, content.data);
    assert_non_null(call);
    call->parties[2]->node_id.len = 31;
    call->parties[3]->node_id.len = 0;
    buffer_clear(&content);
    assert_true(buffer_reserve(&content, protobuf_c_message_get_packed_size(&call->base) + 1));
    content.size = protobuf_c_message_pack(&call->base, content.data);
    caravan__announcement__free_unpacked(call, NULL);
    seq = announcements_keep(&world->writer, &world->partner, TYPE(ANNOUNCEMENT),
                             buffer_span(&content));
    check_sides(world, seq, "th-partner: publisher\ncn-own (we): proposed\n");
    buffer_finish(&content);
}

/* What we have said ourselves: whether it stands, and whether it is this. */
static void look_at_own(struct view_world *world, uint64_t call, uint32_t type, struct span content,
                        struct view_own_voice *out)
{
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_sides_own_voice(world->view, &world->partner.head.feed, call, type,
                                          content, out, NULL),
                     ERROR_NONE);
}

static void test_view_sides__know_what_we_have_said_and_taken_back(void **state)
{
    struct view_world *world = *state;
    struct view_own_voice own;
    struct buffer content = {0};
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash), proposal;

    joint_proposal(&world->partner, call, &world->own, 20, &content);
    look_at_own(world, call, TYPE(PROPOSAL), buffer_span(&content), &own);
    assert_int_equal(own.seq, 0);
    proposal = joint_propose(&world->writer, &world->own, &world->partner, call, 20);
    hash = world->own.head.hash;
    look_at_own(world, call, TYPE(PROPOSAL), buffer_span(&content), &own);
    assert_int_equal(own.seq, proposal);
    assert_true(own.same && !own.withdrawn && id_equal(&own.hash, &hash));
    look_at_own(world, call, TYPE(PROPOSAL), span_of_text("else"), &own);
    assert_false(own.same);
    announcements_withdraw(&world->writer, &world->own, proposal, NULL);
    look_at_own(world, call, TYPE(PROPOSAL), buffer_span(&content), &own);
    assert_int_equal(own.seq, proposal);
    assert_true(!own.same && own.withdrawn && id_equal(&own.hash, &hash));
    buffer_finish(&content);
}

/* --- odd contents and faults --------------------------------------------------------------------
 */

static void test_view_sides__bear_odd_contents(void **state)
{
    static const uint8_t nonsense[] = {0xff, 0xff, 0xff, 0x01};
    struct view_world *world = *state;
    struct id hash, none = {{0}};
    uint64_t call = publish_call(world, "Call", 1, &hash);

    announcements_keep(&world->writer, &world->own, TYPE(CONFIRMATION),
                       span_of(nonsense, sizeof nonsense));
    announcements_keep(&world->writer, &world->own, TYPE(PROPOSAL), span_of(NULL, 0));
    confirm(world, UINT64_MAX, &none, false);
    confirm(world, 0, &none, false);
    check_sides(world, call, "th-partner: publisher\ncn-own (we): proposed\n");
}

static void test_view_sides__survive_every_allocation_that_fails(void **state)
{
    struct view_world *world = *state;
    struct id first, second;
    uint64_t call = publish_call(world, "Call", 1, &first);
    bool done = false;

    confirm(world, call, &first, false);
    answer(world, joint_propose(&world->writer, &world->own, &world->partner, call, 20),
           &world->own.head.hash, true);
    revise_call(world, call, "Call, revised", 1, &second);
    for (unsigned long n = 1; !done; n++) {
        struct seeing seeing = {.view = world->view};
        struct error error = {0};
        int code;

        assert_true(buffer_reserve(&seeing.lines, 4096));
        view_reset(world->view);
        fault_arm(n);
        code = view_update(world->view, &error);
        if (!code)
            code = view_show(world->view, &world->partner.head.feed, call, see, &seeing, &error);
        code = code ? code : seeing.code;
        done = !fault_disarm();
        if (code && code != ERROR_MEMORY)
            print_error("%lu: %s\n", n, error.text);
        assert_int_equal(code, done ? ERROR_NONE : ERROR_MEMORY);
        buffer_finish(&seeing.lines);
    }
}

/* --- changes ------------------------------------------------------------------------------------
 */

static int see_event(void *context, const struct view_state *state)
{
    struct buffer *lines = context;

    buffer_printf(lines, "%s type %" PRIu32 " No. %" PRIu64 " by %s\n", state->name,
                  state->content_type, state->event_seq,
                  state->said ? state->speaker_handle : "its publisher");
    return 0;
}

static void test_view_sides__are_heard_in_changes(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t visit = CARAVAN__KIND__KIND_VISIT;
    struct buffer lines = {0};
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash), next = 0, after;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    after = view_last_arrival(world->view);
    confirm(world, call, &hash, false);
    answer(world, joint_propose(&world->writer, &world->own, &world->partner, call, 20),
           &world->own.head.hash, true);
    answer(world, 4, &hash, true); /* it refuses no proposal, and is about nothing here */
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_changes(world->view, NULL, after, 10, see_event, &lines, &next, NULL),
                     ERROR_NONE);
    view_world_lines(&lines, "th-partner/3 type 7 No. 3 by cn-own\n"
                             "th-partner/3 type 8 No. 4 by cn-own\n"
                             "th-partner/3 type 7 No. 4 by th-partner\n");
    /* By what the announcement is, not by who speaks. */
    filter.n_kind = 1;
    filter.kind = &visit;
    assert_int_equal(view_changes(world->view, &filter, after, 10, see_event, &lines, &next, NULL),
                     ERROR_NONE);
    view_world_lines(&lines, "");
}

static void test_view_sides__are_told_with_the_announcement(void **state)
{
    struct view_world *world = *state;
    struct institution stranger;
    struct buffer lines = {0};
    struct id hash;
    uint64_t call = publish_call(world, "Call", 1, &hash);

    institution_init(&stranger, 3);
    announcements_join(&world->writer, &stranger, "ru-stranger", "RU");
    joint_confirm(&world->writer, &stranger, &world->partner, call, &hash, false);
    answer(world, joint_propose(&world->writer, &world->own, &world->partner, call, 20),
           &world->own.head.hash, true);
    confirm(world, call, &hash, true);
    confirm(world, call, &hash, false);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_sides_said(world->view, &world->partner.head.feed, call, see_event, &lines, NULL),
        ERROR_NONE);
    view_world_lines(&lines, "th-partner/3 type 8 No. 3 by cn-own\n"
                             "th-partner/3 type 7 No. 4 by th-partner\n"
                             "th-partner/3 type 7 No. 5 by cn-own\n");
    institution_finish(&stranger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_world_setup, view_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_view_sides__are_none_of_an_announcement_by_one),
        TEST(test_view_sides__show_each_state_in_turn),
        TEST(test_view_sides__revive_no_old_confirmation),
        TEST(test_view_sides__say_so_when_the_revision_is_not_here),
        TEST(test_view_sides__do_not_depend_on_the_order_of_arrival),
        TEST(test_view_sides__hear_only_those_that_are_named),
        TEST(test_view_sides__show_a_proposal_until_it_is_taken_over),
        TEST(test_view_sides__know_a_proposal_that_was_taken_over_in_a_later_text),
        TEST(test_view_sides__keep_a_proposal_that_changes_nothing),
        TEST(test_view_sides__forget_a_proposal_that_was_withdrawn),
        TEST(test_view_sides__take_no_proposal_for_another_side),
        TEST(test_view_sides__show_what_the_publisher_refused),
        TEST(test_view_sides__take_no_refusal_of_something_else),
        TEST(test_view_sides__keep_refusals_of_several_sides_apart),
        TEST(test_view_sides__are_parties_with_a_whole_id_each_once),
        TEST(test_view_sides__know_what_we_have_said_and_taken_back),
        TEST(test_view_sides__bear_odd_contents),
        TEST(test_view_sides__survive_every_allocation_that_fails),
        TEST(test_view_sides__are_heard_in_changes),
        TEST(test_view_sides__are_told_with_the_announcement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
