/* The publisher of a joint announcement refuses what a side proposes. */
#include "tests/support/joint.h"
#include "tests/support/prepare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static struct span proposal_bytes(struct prepare *world, unsigned day)
{
    struct buffer content = {0};

    joint_proposal(&world->base->partner, 3, &world->base->own, day, &content);
    return prepare_keep(world, &content);
}

/* No. `seq` of the third institution is refused. */
static Caravan__PrepareRequest refusal_of(struct prepare *world, const char *call, uint64_t seq,
                                          bool declined)
{
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    Caravan__Confirmation refusal = CARAVAN__CONFIRMATION__INIT;

    name.has_feed = name.has_seq = 1;
    name.feed = (ProtobufCBinaryData){32, world->third.head.feed.bytes};
    name.seq = seq;
    refusal.announcement = &name;
    refusal.has_declined = refusal.declined = declined;
    return prepare_request(call, TYPE(CONFIRMATION), prepare_pack(world, &refusal.base));
}

static void test_ops_refusal__refuses_what_a_side_proposes(void **state)
{
    struct prepare *world = *state;
    uint64_t seq = announcements_keep(&world->base->writer, &world->base->own, TYPE(ANNOUNCEMENT),
                                      prepare_call(world, &world->base->own, &world->third));
    uint64_t proposal =
        joint_propose(&world->base->writer, &world->third, &world->base->own, seq, 20);
    const char *call = prepare_name(world, "cn-own", seq);
    Caravan__PrepareRequest request = refusal_of(world, call, proposal, true);
    Caravan__PrepareReply *reply = prepare_reply(world, &request);
    Caravan__Confirmation *made = caravan__confirmation__unpack(
        &world->arena.allocator, reply->content.len, reply->content.data);

    assert_int_equal(reply->content_type, TYPE(CONFIRMATION));
    assert_int_equal(reply->revision, seq);
    assert_false(reply->has_previous);
    assert_memory_equal(made->announcement->feed.data, world->third.head.feed.bytes, 32);
    assert_int_equal(made->announcement->seq, proposal);
    assert_memory_equal(made->entry_hash.data, world->third.head.hash.bytes, 32);
    assert_true(made->declined);
    prepare_put(world, reply);
    reply = prepare_reply(world, &request); /* said before */
    assert_true(reply->same);
    assert_int_equal(reply->previous, world->base->own.head.seq);
    proposal = joint_propose(&world->base->writer, &world->third, &world->base->own, seq, 20);
    prepare_refuse(world, &request, ERROR_INVALID, "look at it again"); /* it has proposed anew */
    request = refusal_of(world, call, proposal, true);
    assert_false(prepare_reply(world, &request)->has_previous);
}

static void test_ops_refusal__refuses_only_what_is_proposed_to_us(void **state)
{
    struct prepare *world = *state;
    uint64_t seq = announcements_keep(&world->base->writer, &world->base->own, TYPE(ANNOUNCEMENT),
                                      prepare_call(world, &world->base->own, &world->third));
    const char *call = prepare_name(world, "cn-own", seq), *theirs = prepare_partners_call(world);
    Caravan__PrepareRequest request = refusal_of(world, call, 3, true);
    uint64_t proposal;

    prepare_refuse(world, &request, ERROR_NOT_FOUND, "no side with this feed proposes other terms");
    proposal = joint_propose(&world->base->writer, &world->third, &world->base->own, seq, 20);
    request = refusal_of(world, call, proposal, false);
    prepare_refuse(world, &request, ERROR_INVALID, "declined: found no");
    request = refusal_of(world, theirs, proposal, true);
    prepare_refuse(world, &request, ERROR_DENIED, "only its publisher can refuse");
    request = refusal_of(world, call, proposal, true);
    prepare_reply(world, &request);
    announcements_withdraw(&world->base->writer, &world->base->own, seq, NULL);
    prepare_refuse(world, &request, ERROR_INVALID, "was withdrawn");
}

static void test_ops_refusal__refuses_under_the_same_seal(void **state)
{
    struct prepare *world = *state;
    struct institution *audience[] = {&world->third};
    uint64_t seq =
        sealed_keep(&world->base->writer, &world->base->own, TYPE(ANNOUNCEMENT),
                    prepare_call(world, &world->base->own, &world->third), audience, 1, NULL);
    Caravan__PrepareRequest request = refusal_of(
        world, prepare_name(world, "cn-own", seq),
        joint_propose(&world->base->writer, &world->third, &world->base->own, seq, 20), true);
    Caravan__PrepareReply *reply = prepare_reply(world, &request);
    uint64_t refusal = prepare_put(world, reply);

    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    assert_string_equal(reply->audience[0], "ru-third");
    assert_int_equal(prepare_type_for(world, &world->third, refusal), TYPE(CONFIRMATION));
    assert_int_equal(prepare_type_for(world, &world->base->partner, refusal), TYPE(SEALED));
}

/* Whoever insists says so in an entry of its own. */
static void test_ops_refusal__can_propose_again_what_was_refused(void **state)
{
    struct prepare *world = *state;
    const char *call = prepare_partners_call(world);
    Caravan__PrepareReply *again;
    uint64_t seq =
        prepare_put(world, prepare_one(world, call, TYPE(PROPOSAL), proposal_bytes(world, 20)));

    assert_true(prepare_one(world, call, TYPE(PROPOSAL), proposal_bytes(world, 20))->same);
    joint_confirm(&world->base->writer, &world->base->partner, &world->base->own, seq,
                  &world->base->own.head.hash, true);
    again = prepare_one(world, call, TYPE(PROPOSAL), proposal_bytes(world, 20));
    assert_false(again->same);
    assert_int_equal(again->previous, seq);
    prepare_put(world, again);
    assert_true(prepare_one(world, call, TYPE(PROPOSAL), proposal_bytes(world, 20))->same);
}

static void test_ops_refusal__survives_every_allocation_that_fails(void **state)
{
    struct prepare *world = *state;
    uint64_t seq = announcements_keep(&world->base->writer, &world->base->own, TYPE(ANNOUNCEMENT),
                                      prepare_call(world, &world->base->own, &world->third));
    uint64_t proposal =
        joint_propose(&world->base->writer, &world->third, &world->base->own, seq, 20);
    Caravan__PrepareRequest request =
        refusal_of(world, prepare_name(world, "cn-own", seq), proposal, true);

    prepare_fail_each(world, "prepare", &request.base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare_setup, prepare_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ops_refusal__refuses_what_a_side_proposes),
        TEST(test_ops_refusal__refuses_only_what_is_proposed_to_us),
        TEST(test_ops_refusal__refuses_under_the_same_seal),
        TEST(test_ops_refusal__can_propose_again_what_was_refused),
        TEST(test_ops_refusal__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests_name("ops_refusal", tests, NULL, NULL);
}
