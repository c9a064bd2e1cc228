/* What we say of an announcement, made ready: what is refused and why. */
#include "tests/support/prepare.h"

#include "tests/support/joint.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* --- what is asked of all --------------------------------------------------------------------- */

static void test_ops_prepare__knows_its_types(void **state)
{
    struct prepare *world = *state;
    static const uint32_t others[] = {0, 1, 2, 3, 10, 11, 13, 15, 1000, UINT32_MAX};
    char expected[100];

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(expected, sizeof expected,
                 "content_type: found %" PRIu32 ", expected 4 to 9, 12 or 14", others[i]);
        prepare_refuse_one(world, "th-partner/3", others[i], span_of(NULL, 0), ERROR_INVALID,
                           expected);
    }
}

static void test_ops_prepare__needs_an_announcement_to_speak_of(void **state)
{
    struct prepare *world = *state;
    static const uint32_t types[] = {TYPE(REVISION), TYPE(WITHDRAWAL), TYPE(CONFIRMATION),
                                     TYPE(PROPOSAL), TYPE(OUTCOME),    TYPE(INTEREST),
                                     TYPE(READER)};
    static char long_name[5000];

    announcements_keep_as(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                          prepare_visit(world, "Gone"), 1, false);
    announcements_keep_as(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                          prepare_visit(world, "New"), 9, true);
    sealed_announce(&world->base->writer, &world->base->partner, "Theirs",
                    (struct institution *[]){&world->third}, 1, NULL);
    memset(long_name, 'x', sizeof long_name - 1);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        prepare_refuse_one(world, NULL, types[i], span_of(NULL, 0), ERROR_INVALID,
                           "no name of an announcement");
        prepare_refuse_one(world, long_name, types[i], span_of(NULL, 0), ERROR_INVALID,
                           "no name of an");
        prepare_refuse_one(world, "th-partner", types[i], span_of(NULL, 0), ERROR_INVALID,
                           "no name of an");
        prepare_refuse_one(world, "xx-nobody/3", types[i], span_of(NULL, 0), ERROR_NOT_FOUND,
                           "xx-nobody");
        prepare_refuse_one(world, "th-partner/99", types[i], span_of(NULL, 0), ERROR_NOT_FOUND,
                           "there is no th-partner/99 here; 5 entries");
        prepare_refuse_one(world, "th-partner/2", types[i], span_of(NULL, 0), ERROR_INVALID,
                           "th-partner/2 is no announcement");
        prepare_refuse_one(world, "th-partner/3", types[i], span_of(NULL, 0), ERROR_INVALID,
                           "is missing");
        prepare_refuse_one(world, "th-partner/4", types[i], span_of(NULL, 0), ERROR_INVALID,
                           "a newer one");
        prepare_refuse_one(world, "th-partner/5", types[i], span_of(NULL, 0), ERROR_INVALID,
                           "sealed for other institutions");
    }
}

static void test_ops_prepare__refuses_contents_that_cannot_be_read(void **state)
{
    struct prepare *world = *state;
    static const uint32_t types[] = {TYPE(CONFIRMATION), TYPE(PROPOSAL), TYPE(OUTCOME),
                                     TYPE(INTEREST), TYPE(ANNOUNCEMENT)};
    const char *call = prepare_partners_call(world);

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        prepare_refuse_one(world, call, types[i], span_of_text("\x0a\xff\x01"), ERROR_MALFORMED,
                           "");
}

static void test_ops_prepare__says_nothing_of_what_was_withdrawn(void **state)
{
    struct prepare *world = *state;
    Caravan__Proposal proposal = CARAVAN__PROPOSAL__INIT;
    Caravan__PrepareRequest reader;
    const char *call = prepare_partners_call(world);
    uint64_t ours = announcements_publish(&world->base->writer, &world->base->own,
                                          CARAVAN__KIND__KIND_VISIT, "Visit", "CN", NULL);

    announcements_withdraw(&world->base->writer, &world->base->partner, 3, NULL);
    announcements_withdraw(&world->base->writer, &world->base->own, ours, NULL);
    prepare_refuse_one(world, call, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_INVALID,
                       "was withdrawn");
    prepare_refuse_one(world, call, TYPE(PROPOSAL), prepare_pack(world, &proposal.base),
                       ERROR_INVALID, "was withdrawn");
    prepare_refuse_one(world, call, TYPE(INTEREST), span_of(NULL, 0), ERROR_INVALID,
                       "was withdrawn");
    prepare_refuse_one(world, "cn-own/3", TYPE(REVISION), prepare_visit(world, "New"),
                       ERROR_INVALID, "was withdrawn");
    prepare_refuse_one(world, "cn-own/3", TYPE(WITHDRAWAL), span_of(NULL, 0), ERROR_INVALID,
                       "was withdrawn");
    reader = prepare_request("cn-own/3", TYPE(READER), span_of(NULL, 0));
    prepare_refuse(world, &reader, ERROR_INVALID, "is public");
}

/* --- confirmations ---------------------------------------------------------------------------- */

static void test_ops_prepare__confirms_what_is_in_force(void **state)
{
    struct prepare *world = *state;
    const char *call = prepare_partners_call(world);
    Caravan__PrepareReply *reply = prepare_confirm(world, call, false);
    Caravan__Confirmation *made = caravan__confirmation__unpack(
        &world->arena.allocator, reply->content.len, reply->content.data);

    assert_int_equal(reply->content_type, TYPE(CONFIRMATION));
    assert_int_equal(reply->n_audience, 0);
    assert_int_equal(reply->revision, 3);
    assert_false(reply->has_previous);
    assert_non_null(made);
    assert_memory_equal(made->entry_hash.data, world->base->partner.head.hash.bytes, 32);
    assert_memory_equal(made->announcement->feed.data, world->base->partner.head.feed.bytes, 32);
    assert_int_equal(made->announcement->seq, 3);
}

/* To confirm, to decline and to confirm again are three things; each of them said twice is one. */
static void test_ops_prepare__knows_what_was_said_before(void **state)
{
    struct prepare *world = *state;
    const char *call = prepare_partners_call(world);
    Caravan__PrepareReply *first = prepare_confirm(world, call, false), *again, *declined;
    uint64_t seq = prepare_put(world, first);

    again = prepare_confirm(world, call, false);
    assert_true(again->same);
    assert_int_equal(again->previous, seq);
    assert_memory_equal(again->previous_hash.data, world->base->own.head.hash.bytes, 32);
    declined = prepare_confirm(world, call, true);
    assert_false(declined->same);
    assert_int_equal(declined->previous, seq);
    seq = prepare_put(world, declined);
    again = prepare_confirm(world, call, false);
    assert_false(again->same);
    assert_int_equal(again->previous, seq);
    prepare_put(world, again);
    assert_true(prepare_confirm(world, call, false)->same);
    announcements_revise(&world->base->writer, &world->base->partner, 3, CARAVAN__KIND__KIND_VISIT,
                         "No side", "TH");
    prepare_refuse_one(world, call, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_DENIED,
                       "does not name us");
}

static void test_ops_prepare__confirms_nothing_that_was_not_seen(void **state)
{
    struct prepare *world = *state;
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;
    const char *call = prepare_partners_call(world);
    struct id seen = world->base->partner.head.hash;
    struct buffer revision = {0};

    announcements_revision(3, prepare_call(world, &world->base->partner, &world->base->own),
                           &revision);
    announcements_keep(&world->base->writer, &world->base->partner, TYPE(REVISION),
                       buffer_span(&revision));
    confirmation.has_entry_hash = 1;
    confirmation.entry_hash.data = seen.bytes;
    confirmation.entry_hash.len = 32;
    prepare_refuse_one(world, call, TYPE(CONFIRMATION), prepare_pack(world, &confirmation.base),
                       ERROR_INVALID, "has been revised by No. 4 meanwhile");
    confirmation.entry_hash.len = 31;
    prepare_refuse_one(world, call, TYPE(CONFIRMATION), prepare_pack(world, &confirmation.base),
                       ERROR_INVALID, "entry_hash");
    buffer_finish(&revision);
}

static void test_ops_prepare__only_sides_confirm_and_propose(void **state)
{
    struct prepare *world = *state;
    Caravan__Proposal proposal = CARAVAN__PROPOSAL__INIT;
    const char *visit = prepare_visit_of(world, &world->base->partner, "th-partner");
    const char *ours =
        prepare_name(world, "cn-own",
                     announcements_keep(&world->base->writer, &world->base->own, TYPE(ANNOUNCEMENT),
                                        prepare_call(world, &world->base->own, &world->third)));

    prepare_refuse_one(world, visit, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_DENIED,
                       "does not name us as a party");
    prepare_refuse_one(world, visit, TYPE(PROPOSAL), prepare_pack(world, &proposal.base),
                       ERROR_DENIED, "does not name us");
    prepare_refuse_one(world, ours, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_INVALID,
                       "is our own announcement: our side is confirmed by publishing");
    prepare_refuse_one(world, ours, TYPE(PROPOSAL), prepare_pack(world, &proposal.base),
                       ERROR_INVALID, "our own announcement");
}

/* --- proposals -------------------------------------------------------------------------------- */

static struct span proposal_bytes(struct prepare *world, unsigned day)
{
    struct buffer content = {0};

    joint_proposal(&world->base->partner, 3, &world->base->own, day, &content);
    return prepare_keep(world, &content);
}

static void test_ops_prepare__proposes_for_our_side_alone(void **state)
{
    struct prepare *world = *state;
    const char *call = prepare_partners_call(world);
    Caravan__Proposal *proposal, empty = CARAVAN__PROPOSAL__INIT;
    Caravan__PrepareReply *reply;
    struct span bytes = proposal_bytes(world, 20);

    prepare_refuse_one(world, call, TYPE(PROPOSAL), prepare_pack(world, &empty.base), ERROR_INVALID,
                       "party is absent");
    proposal = caravan__proposal__unpack(&world->arena.allocator, bytes.size, bytes.data);
    proposal->party->node_id.data =
        world->third.head.feed.bytes; /* by a slip: it is ours all the same */
    reply = prepare_one(world, call, TYPE(PROPOSAL), prepare_pack(world, &proposal->base));
    proposal =
        caravan__proposal__unpack(&world->arena.allocator, reply->content.len, reply->content.data);
    assert_memory_equal(proposal->party->node_id.data, world->base->own.head.feed.bytes, 32);
    assert_memory_equal(proposal->entry_hash.data, world->base->partner.head.hash.bytes, 32);
    proposal->party->country = arena_copy_text(&world->arena, "Cathay", 6);
    proposal->has_entry_hash = 0;
    prepare_refuse_one(world, call, TYPE(PROPOSAL), prepare_pack(world, &proposal->base),
                       ERROR_INVALID, "with these terms the announcement");
}

/* What was taken back can be proposed again: that is another entry, not a retry. */
static void test_ops_prepare__can_say_again_what_was_taken_back(void **state)
{
    struct prepare *world = *state;
    const char *call = prepare_partners_call(world);
    Caravan__PrepareReply *first =
                              prepare_one(world, call, TYPE(PROPOSAL), proposal_bytes(world, 20)),
                          *again;
    uint64_t seq = prepare_put(world, first);
    struct id hash = world->base->own.head.hash;

    assert_false(first->has_previous);
    assert_true(prepare_one(world, call, TYPE(PROPOSAL), proposal_bytes(world, 20))->same);
    announcements_withdraw(&world->base->writer, &world->base->own, seq, NULL);
    again = prepare_one(world, call, TYPE(PROPOSAL), proposal_bytes(world, 20));
    assert_false(again->same);
    assert_true(again->has_previous_hash);
    assert_memory_equal(again->previous_hash.data, hash.bytes, 32);
}

/* --- outcomes --------------------------------------------------------------------------------- */

static void test_ops_prepare__tells_an_outcome_of_ours_only(void **state)
{
    struct prepare *world = *state;
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;
    const char *visit = prepare_visit_of(world, &world->base->partner, "th-partner");
    const char *ours = prepare_visit_of(world, &world->base->own, "cn-own");
    const char *call = prepare_partners_call(world);

    outcome.has_what = 1;
    outcome.what = CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_AWARDED;
    prepare_refuse_one(world, visit, TYPE(OUTCOME), prepare_pack(world, &outcome.base),
                       ERROR_DENIED, "is not ours");
    assert_int_equal(
        prepare_one(world, ours, TYPE(OUTCOME), prepare_pack(world, &outcome.base))->content_type,
        TYPE(OUTCOME));
    assert_int_equal(
        prepare_one(world, call, TYPE(OUTCOME), prepare_pack(world, &outcome.base))->content_type,
        TYPE(OUTCOME));
    outcome.what = CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_UNSPECIFIED;
    prepare_refuse_one(world, ours, TYPE(OUTCOME), prepare_pack(world, &outcome.base),
                       ERROR_INVALID, "what: found 0, expected");
    outcome.what = 99;
    prepare_refuse_one(world, ours, TYPE(OUTCOME), prepare_pack(world, &outcome.base),
                       ERROR_INVALID, "what: found 99, expected");
}

/* --- put -------------------------------------------------------------------------------------- */

static void refuse_put(struct prepare *world, const Caravan__PutRequest *request, const char *part)
{
    int code;

    assert_null(prepare_run(world, "put", &request->base, &code));
    assert_int_equal(code, ERROR_INVALID);
    if (!strstr(world->error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", world->error.text, part);
}

/* What has an operation of its own, which checks it, and what prepare never gives. */
static void test_ops_prepare__put_takes_only_what_prepare_gives(void **state)
{
    struct prepare *world = *state;
    static const uint32_t others[] = {0,
                                      TYPE(CERTIFICATE),
                                      TYPE(PROFILE),
                                      TYPE(ENDPOINTS),
                                      TYPE(ANNOUNCEMENT),
                                      TYPE(REVISION),
                                      TYPE(WITHDRAWAL),
                                      TYPE(ERASURE),
                                      TYPE(INTEREST),
                                      TYPE(READER),
                                      99};
    Caravan__PutRequest request = CARAVAN__PUT_REQUEST__INIT;

    refuse_put(world, &request, "content: found none, expected what prepare gives");
    request.has_content_type = request.has_content = 1;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        request.content_type = others[i];
        refuse_put(world, &request, "expected what prepare gives");
    }
    request.content_type = TYPE(CONFIRMATION);
    request.has_content = 0;
    refuse_put(world, &request, "content: found none, expected what prepare gives");
    request.has_content = request.has_request_id = 1;
    request.request_id.data = (uint8_t *)(uintptr_t) "short";
    request.request_id.len = 5;
    refuse_put(world, &request, "request_id: found 5 bytes, expected 16");
}

/* --- faults ----------------------------------------------------------------------------------- */

static void test_ops_prepare__survives_every_allocation_that_fails(void **state)
{
    struct prepare *world = *state;
    struct institution *audience[] = {&world->base->own, &world->third};
    uint64_t sealed = sealed_keep(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                                  prepare_call(world, &world->base->partner, &world->base->own),
                                  audience, 2, NULL);
    Caravan__PrepareRequest request = prepare_request(prepare_name(world, "th-partner", sealed),
                                                      TYPE(PROPOSAL), proposal_bytes(world, 20));

    prepare_put(world, prepare_reply(world, &request));
    prepare_fail_each(world, "prepare", &request.base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare_setup, prepare_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ops_prepare__knows_its_types),
        TEST(test_ops_prepare__needs_an_announcement_to_speak_of),
        TEST(test_ops_prepare__refuses_contents_that_cannot_be_read),
        TEST(test_ops_prepare__says_nothing_of_what_was_withdrawn),
        TEST(test_ops_prepare__confirms_what_is_in_force),
        TEST(test_ops_prepare__knows_what_was_said_before),
        TEST(test_ops_prepare__confirms_nothing_that_was_not_seen),
        TEST(test_ops_prepare__only_sides_confirm_and_propose),
        TEST(test_ops_prepare__proposes_for_our_side_alone),
        TEST(test_ops_prepare__can_say_again_what_was_taken_back),
        TEST(test_ops_prepare__tells_an_outcome_of_ours_only),
        TEST(test_ops_prepare__put_takes_only_what_prepare_gives),
        TEST(test_ops_prepare__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests_name("ops_prepare", tests, NULL, NULL);
}
