/* Answers made ready; and what the operations inbox and show tell of answers and sides. */
#include "tests/support/prepare.h"

#include "tests/support/joint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static struct span answer_bytes(struct prepare *world, const char *text)
{
    struct buffer content = {0};

    sealed_interest_bytes(&world->third, 99, text,
                          &content); /* about something else: not believed */
    return prepare_keep(world, &content);
}

static void test_ops_inbox__answers_its_publisher_alone(void **state)
{
    struct prepare *world = *state;
    struct institution *audience[] = {&world->base->own, &world->third};
    uint64_t sealed = sealed_keep(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                                  prepare_call(world, &world->base->partner, &world->base->own),
                                  audience, 2, NULL);
    Caravan__PrepareReply *reply = prepare_one(world, prepare_name(world, "th-partner", sealed),
                                               TYPE(INTEREST), answer_bytes(world, "Hello"));
    uint64_t seq = prepare_put(world, reply);

    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    assert_string_equal(reply->audience[0], "th-partner");
    assert_int_equal(prepare_type_for(world, &world->base->partner, seq), TYPE(INTEREST));
    assert_int_equal(prepare_type_for(world, &world->base->own, seq), TYPE(INTEREST));
    assert_int_equal(prepare_type_for(world, &world->third, seq), TYPE(SEALED));
}

static void test_ops_inbox__refuses_an_answer_that_says_nothing(void **state)
{
    struct prepare *world = *state;
    Caravan__Interest interest = CARAVAN__INTEREST__INIT;
    const char *visit = prepare_visit_of(world, &world->base->partner, "th-partner");

    prepare_refuse_one(world, visit, TYPE(INTEREST), prepare_pack(world, &interest.base),
                       ERROR_INVALID, "from: found no name");
    prepare_refuse_one(world, visit, TYPE(INTEREST), answer_bytes(world, ""), ERROR_INVALID,
                       "about_us[1]: found no text");
    prepare_refuse_one(world, prepare_visit_of(world, &world->base->own, "cn-own"), TYPE(INTEREST),
                       answer_bytes(world, "Hello"), ERROR_INVALID, "is our own announcement");
    prepare_refuse_one(world, prepare_visit_of(world, &world->fourth, "za-fourth"), TYPE(INTEREST),
                       answer_bytes(world, "Hello"), ERROR_NOT_FOUND,
                       "nothing can be sealed for za-fourth");
}

static void test_ops_inbox__answers_again_what_was_taken_back(void **state)
{
    struct prepare *world = *state;
    const char *visit = prepare_visit_of(world, &world->base->partner, "th-partner");
    Caravan__PrepareReply *reply =
        prepare_one(world, visit, TYPE(INTEREST), answer_bytes(world, "Hello"));
    uint64_t seq = prepare_put(world, reply), withdrawal;
    struct id hash = world->base->own.head.hash;

    assert_false(reply->has_previous_hash);
    reply = prepare_one(world, visit, TYPE(INTEREST), answer_bytes(world, "Hello"));
    assert_false(reply->has_previous_hash); /* a retry: the same request id */
    reply =
        prepare_one(world, prepare_name(world, "cn-own", seq), TYPE(WITHDRAWAL), span_of(NULL, 0));
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    withdrawal = prepare_put(world, reply);
    assert_int_equal(prepare_type_for(world, &world->base->partner, withdrawal), TYPE(WITHDRAWAL));
    assert_int_equal(prepare_type_for(world, &world->third, withdrawal), TYPE(SEALED));
    prepare_refuse_one(world, prepare_name(world, "cn-own", seq), TYPE(WITHDRAWAL),
                       span_of(NULL, 0), ERROR_INVALID, "was withdrawn");
    reply = prepare_one(world, visit, TYPE(INTEREST), answer_bytes(world, "Hello"));
    assert_true(reply->has_previous_hash);
    assert_memory_equal(reply->previous_hash.data, hash.bytes, 32);
    assert_false(reply->same);
}

/* --- inbox and show --------------------------------------------------------------------------- */

static Caravan__InboxReply *inbox(struct prepare *world, Caravan__InboxRequest request)
{
    Caravan__InboxReply *reply;
    int code;

    do {
        reply = prepare_run(world, "inbox", &request.base, &code);
        if (!reply)
            fail_msg("inbox: %s", world->error.text);
        assert_int_equal(view_work(world->eyes.view, NULL), ERROR_NONE);
    } while (reply->counting);
    return reply;
}

static size_t count_kind(const Caravan__InboxReply *reply, Caravan__InboxKind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < reply->n_things; i++)
        count += reply->things[i]->kind == kind;
    return count;
}

/* A large proposal, for each of 60 parties that are one: the reply stays small. */
static void test_ops_inbox__inbox_bears_large_proposals(void **state)
{
    struct prepare *world = *state;
    struct institution *sides[] = {&world->base->partner, &world->base->own, &world->third};
    const unsigned days[] = {1, 2, 3};
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    Caravan__ShowRequest show = CARAVAN__SHOW_REQUEST__INIT;
    Caravan__Announcement *call;
    Caravan__Proposal *proposal;
    Caravan__LocalizedText reason = CARAVAN__LOCALIZED_TEXT__INIT, *reasons[] = {&reason};
    Caravan__Party *parties[62];
    struct buffer content = {0};
    int code;

    joint_write("Call", sides, days, 3, &content);
    call = caravan__announcement__unpack(&world->arena.allocator, content.size, content.data);
    parties[0] = call->parties[0];
    parties[1] = call->parties[1];
    for (size_t i = 2; i < 62; i++)
        parties[i] = call->parties[2];
    call->n_parties = 62;
    call->parties = parties;
    reason.lang = (char *)(uintptr_t) "en";
    reason.text = arena_alloc(&world->arena, 60001);
    memset(reason.text, 'x', 60000);
    for (uint64_t seq = 3; seq < 7; seq++) {
        announcements_keep(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                           prepare_pack(world, &call->base));
        buffer_clear(&content);
        joint_proposal(&world->base->partner, seq, &world->third, 20, &content);
        proposal = caravan__proposal__unpack(&world->arena.allocator, content.size, content.data);
        proposal->n_reason = 1;
        proposal->reason = reasons;
        announcements_keep(&world->base->writer, &world->third, TYPE(PROPOSAL),
                           prepare_pack(world, &proposal->base));
    }
    assert_int_equal(count_kind(inbox(world, request), CARAVAN__INBOX_KIND__INBOX_KIND_CONFIRM), 4);
    show.name = (char *)(uintptr_t) "th-partner/3";
    assert_non_null(prepare_run(world, "show", &show.base, &code));
    buffer_finish(&content);
}

/* Pages: each thing once, whatever the page holds; what follows an answer to nothing is there. */
static void test_ops_inbox__inbox_goes_page_by_page(void **state)
{
    struct prepare *world = *state;
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    uint64_t visit = announcements_publish(&world->base->writer, &world->base->own,
                                           CARAVAN__KIND__KIND_VISIT, "Visit", "CN", NULL);
    size_t things = 0;
    uint64_t last = UINT64_MAX;

    for (int i = 0; i < 7; i++)
        sealed_answer(&world->base->writer, &world->third, &world->base->own, i == 3 ? 999 : visit,
                      "Hello");
    request.has_limit = request.has_before_arrival = 1;
    request.limit = 2;
    do {
        Caravan__InboxReply *reply = inbox(world, request);

        assert_int_equal(reply->unread, 6 + 3);
        assert_int_equal(reply->to_do, 0);
        assert_in_range(reply->n_things, 1, 2);
        for (size_t i = 0; i < reply->n_things; i++, things++) {
            assert_true(reply->things[i]->arrival < last);
            assert_non_null(reply->things[i]->item);
            last = reply->things[i]->arrival;
        }
        request.before_arrival = reply->next_before;
    } while (request.before_arrival);
    assert_int_equal(things, 6 + 3);
}

/* By the number of a revision the same is told as by the first one's; later readers are named. */
static void test_ops_inbox__show_tells_voices_and_readers(void **state)
{
    struct prepare *world = *state;
    struct institution *one[] = {&world->base->own}, *two[] = {&world->base->own, &world->third};
    Caravan__ShowRequest request = CARAVAN__SHOW_REQUEST__INIT;
    Caravan__ShowReply *reply;
    struct buffer revision = {0};
    struct seal_key key;
    uint64_t call =
        sealed_keep(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                    prepare_call(world, &world->base->partner, &world->base->own), one, 1, &key);
    uint64_t revised;
    int code;

    sealed_share(&world->base->writer, &world->base->partner, call, &key, two, 2);
    prepare_put(world, prepare_confirm(world, prepare_name(world, "th-partner", call), false));
    announcements_revision(call, prepare_call(world, &world->base->partner, &world->base->own),
                           &revision);
    revised = sealed_keep(&world->base->writer, &world->base->partner, TYPE(REVISION),
                          buffer_span(&revision), one, 1, NULL);
    for (int i = 0; i < 2; i++) {
        request.name = (char *)(uintptr_t)prepare_name(world, "th-partner", i ? revised : call);
        reply = prepare_run(world, "show", &request.base, &code);
        assert_non_null(reply);
        assert_int_equal(reply->n_voices, 1);
        assert_int_equal(reply->item->n_audience, 2);
    }
    buffer_finish(&revision);
}

/* --- faults ----------------------------------------------------------------------------------- */

static void test_ops_inbox__survives_every_allocation_that_fails(void **state)
{
    struct prepare *world = *state;
    struct institution *audience[] = {&world->base->own, &world->third};
    uint64_t sealed = sealed_keep(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                                  prepare_call(world, &world->base->partner, &world->base->own),
                                  audience, 2, NULL);
    const char *call = prepare_name(world, "th-partner", sealed);
    char *one[] = {"ru-third"};
    uint64_t ours = prepare_put(world, prepare_announcement(world, one, 1));
    Caravan__PrepareRequest request =
        prepare_request(call, TYPE(INTEREST), answer_bytes(world, "Hello"));
    Caravan__InboxRequest asking = CARAVAN__INBOX_REQUEST__INIT;
    Caravan__ShowRequest show = CARAVAN__SHOW_REQUEST__INIT;
    struct buffer proposal = {0};

    joint_proposal(&world->base->partner, sealed, &world->base->own, 20, &proposal);
    prepare_put(world, prepare_one(world, call, TYPE(PROPOSAL), prepare_keep(world, &proposal)));
    sealed_answer(&world->base->writer, &world->third, &world->base->own, ours, "Hello");
    inbox(world, asking);
    prepare_fail_each(world, "prepare", &request.base);
    prepare_fail_each(world, "inbox", &asking.base);
    show.name = (char *)(uintptr_t)call;
    prepare_fail_each(world, "show", &show.base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare_setup, prepare_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ops_inbox__answers_its_publisher_alone),
        TEST(test_ops_inbox__refuses_an_answer_that_says_nothing),
        TEST(test_ops_inbox__answers_again_what_was_taken_back),
        TEST(test_ops_inbox__inbox_bears_large_proposals),
        TEST(test_ops_inbox__inbox_goes_page_by_page),
        TEST(test_ops_inbox__show_tells_voices_and_readers),
        TEST(test_ops_inbox__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests_name("ops_inbox", tests, NULL, NULL);
}
