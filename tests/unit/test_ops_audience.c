/* What is made ready for some institutions only: who can read it. */
#include "tests/support/prepare.h"

#include "tests/support/joint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void test_ops_audience__seals_a_new_announcement(void **state)
{
    struct prepare *world = *state;
    char *two[] = {"TH-Partner", "th-partner", "ru-third", "cn-own"}; /* ourselves: in any case */
    Caravan__PrepareReply *reply = prepare_announcement(world, two, 4);
    uint64_t seq = prepare_put(world, reply);

    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_false(reply->has_revision);
    assert_int_equal(reply->n_audience, 2);
    assert_string_equal(reply->audience[0], "th-partner");
    assert_string_equal(reply->audience[1], "ru-third");
    assert_int_equal(prepare_type_for(world, &world->base->own, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(prepare_type_for(world, &world->base->partner, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(prepare_type_for(world, &world->third, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(prepare_type_for(world, &world->fourth, seq), TYPE(SEALED));
}

static void test_ops_audience__refuses_an_audience_that_cannot_be(void **state)
{
    struct prepare *world = *state;
    char *unknown[] = {"xx-nobody"}, *us[] = {"cn-own"}, *no_card[] = {"ru-third", "za-fourth"};
    Caravan__PrepareRequest request =
        prepare_request(NULL, TYPE(ANNOUNCEMENT), prepare_visit(world, "For some"));

    prepare_refuse(world, &request, ERROR_INVALID, "audience: found none, expected the handles");
    request.n_audience = 1;
    request.audience = us;
    prepare_refuse(world, &request, ERROR_INVALID, "cn-own is this institution; name the others");
    request.audience = unknown;
    prepare_refuse(world, &request, ERROR_NOT_FOUND,
                   "no institution or group is known as \"xx-nobody\"");
    request.n_audience = 2;
    request.audience = no_card;
    prepare_refuse(world, &request, ERROR_NOT_FOUND,
                   "nothing can be sealed for za-fourth: its certificate is not known here");
    request = prepare_request(NULL, TYPE(ANNOUNCEMENT), prepare_visit(world, ""));
    request.n_audience = 1;
    request.audience = no_card;
    prepare_refuse(world, &request, ERROR_INVALID, "title");
}

/* Somebody spoke of a feed that nobody knows: it has no name, and nothing is sealed for it. */
static void test_ops_audience__does_not_know_feeds_that_were_only_named(void **state)
{
    struct prepare *world = *state;
    struct institution unseen;
    char hex[2 * BYTES_ID_SIZE + 1], *audience[] = {hex};
    Caravan__PrepareRequest request =
        prepare_request(NULL, TYPE(ANNOUNCEMENT), prepare_visit(world, "For some"));
    struct id hash = {{1}};

    institution_init(&unseen, 7);
    bytes_to_hex(unseen.head.feed.bytes, BYTES_ID_SIZE, hex);
    joint_confirm(&world->base->writer, &world->base->partner, &unseen, 3, &hash, false);
    request.n_audience = 1;
    request.audience = audience;
    prepare_refuse(world, &request, ERROR_NOT_FOUND, "no institution or group is known as");
    institution_finish(&unseen);
}

/* What would fit into an entry does not fit sealed. */
static void test_ops_audience__knows_how_much_can_be_sealed(void **state)
{
    struct prepare *world = *state;
    char *one[] = {"ru-third"};
    Caravan__Announcement *announcement;
    struct span bytes = prepare_visit(world, "Long");
    Caravan__PrepareRequest request;
    Caravan__LocalizedText texts[20], *pointers[20];
    char *text = arena_alloc(&world->arena, 3301);
    static const char *const languages[] = {"en", "th", "zh", "ru", "si", "fr", "de",
                                            "es", "it", "pt", "ja", "ko", "ar", "fa",
                                            "tr", "pl", "cs", "sv", "fi", "da"};

    memset(text, 'a', 3250);
    announcement = caravan__announcement__unpack(&world->arena.allocator, bytes.size, bytes.data);
    for (size_t i = 0; i < 20; i++) {
        caravan__localized_text__init(&texts[i]);
        texts[i].lang = (char *)(uintptr_t)languages[i];
        texts[i].text = text;
        pointers[i] = &texts[i];
    }
    announcement->n_description = 20;
    announcement->description = pointers;
    bytes = prepare_pack(world, &announcement->base);
    assert_in_range(bytes.size, seal_room(1) + 1, LIMIT_CONTENT_SIZE);
    request = prepare_request(NULL, TYPE(ANNOUNCEMENT), bytes);
    request.n_audience = 1;
    request.audience = one;
    prepare_refuse(world, &request, ERROR_TOO_LARGE, "bytes");
}

/* The revision, the confirmation and the withdrawal go to whom the announcement goes. */
static void test_ops_audience__seals_what_follows(void **state)
{
    struct prepare *world = *state;
    char *one[] = {"ru-third"};
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;
    uint64_t seq = prepare_put(world, prepare_announcement(world, one, 1)), revision;
    const char *name = prepare_name(world, "cn-own", seq);
    Caravan__PrepareReply *reply =
        prepare_one(world, name, TYPE(REVISION), prepare_visit(world, "Revised"));

    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    assert_string_equal(reply->audience[0], "ru-third");
    assert_int_equal(reply->previous, seq);
    assert_false(reply->same);
    revision = prepare_put(world, reply);
    assert_int_equal(prepare_type_for(world, &world->third, revision), TYPE(REVISION));
    assert_int_equal(prepare_type_for(world, &world->base->partner, revision), TYPE(SEALED));
    assert_true(prepare_one(world, name, TYPE(REVISION), prepare_visit(world, "Revised"))->same);
    reply = prepare_one(world, name, TYPE(WITHDRAWAL), prepare_pack(world, &withdrawal.base));
    assert_int_equal(reply->previous, revision);
    assert_int_equal(prepare_type_for(world, &world->third, prepare_put(world, reply)),
                     TYPE(WITHDRAWAL));
    prepare_refuse_one(world, name, TYPE(REVISION), prepare_visit(world, "Too late"), ERROR_INVALID,
                       "was withdrawn");
}

static void test_ops_audience__a_side_confirms_under_the_same_seal(void **state)
{
    struct prepare *world = *state;
    struct institution *audience[] = {&world->base->own, &world->third};
    uint64_t call = sealed_keep(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                                prepare_call(world, &world->base->partner, &world->base->own),
                                audience, 2, NULL);
    Caravan__PrepareReply *reply =
        prepare_confirm(world, prepare_name(world, "th-partner", call), false);
    uint64_t seq = prepare_put(world, reply);

    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 2);
    assert_int_equal(prepare_type_for(world, &world->base->partner, seq), TYPE(CONFIRMATION));
    assert_int_equal(prepare_type_for(world, &world->third, seq), TYPE(CONFIRMATION));
    assert_int_equal(prepare_type_for(world, &world->fourth, seq), TYPE(SEALED));
    assert_true(prepare_confirm(world, prepare_name(world, "th-partner", call), false)->same);
}

static void test_ops_audience__changes_only_our_own(void **state)
{
    struct prepare *world = *state;
    const char *visit = prepare_visit_of(world, &world->base->partner, "th-partner");
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT, *texts[] = {&text};

    prepare_refuse_one(world, visit, TYPE(REVISION), prepare_visit(world, "Mine"), ERROR_DENIED,
                       "only its publisher");
    prepare_refuse_one(world, visit, TYPE(WITHDRAWAL), span_of(NULL, 0), ERROR_DENIED,
                       "only its publisher");
    prepare_refuse_one(world, visit, TYPE(READER), span_of(NULL, 0), ERROR_DENIED,
                       "only its publisher");
    visit = prepare_visit_of(world, &world->base->own, "cn-own");
    withdrawal.n_reason = 1;
    withdrawal.reason = texts;
    prepare_refuse_one(world, visit, TYPE(WITHDRAWAL), prepare_pack(world, &withdrawal.base),
                       ERROR_INVALID, "reason[1]: expected a text and its language");
    prepare_refuse_one(world, visit, TYPE(REVISION), prepare_visit(world, ""), ERROR_INVALID,
                       "title");
}

/* --- Readers ---------------------------------------------------------------------------------- */

static Caravan__PrepareRequest sharing(const char *name, uint64_t entry, char **audience,
                                       size_t count)
{
    Caravan__PrepareRequest request = prepare_request(name, TYPE(READER), span_of(NULL, 0));

    request.has_entry = 1;
    request.entry = entry;
    request.n_audience = count;
    request.audience = audience;
    return request;
}

static void test_ops_audience__lets_a_later_one_read(void **state)
{
    struct prepare *world = *state;
    char *one[] = {"ru-third"}, *later[] = {"th-partner"};
    uint64_t seq = prepare_put(world, prepare_announcement(world, one, 1));
    Caravan__PrepareRequest request = sharing(prepare_name(world, "cn-own", seq), seq, later, 1);
    Caravan__PrepareReply *reply = prepare_reply(world, &request);
    uint64_t reader = prepare_put(world, reply);

    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 2);
    assert_int_equal(prepare_type_for(world, &world->base->partner, reader), TYPE(READER));
    assert_int_equal(prepare_type_for(world, &world->base->partner, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(prepare_type_for(world, &world->fourth, seq), TYPE(SEALED));
    /* and what follows is for it, too */
    reply = prepare_one(world, prepare_name(world, "cn-own", seq), TYPE(REVISION),
                        prepare_visit(world, "Revised"));
    assert_int_equal(reply->n_audience, 2);
    assert_int_equal(prepare_type_for(world, &world->base->partner, prepare_put(world, reply)),
                     TYPE(REVISION));
}

/* The key of another announcement, or of an answer, must not go out by a slip. */
static void test_ops_audience__gives_no_key_of_something_else(void **state)
{
    struct prepare *world = *state;
    char *one[] = {"ru-third"}, *later[] = {"th-partner"};
    uint64_t seq = prepare_put(world, prepare_announcement(world, one, 1)),
             other = prepare_put(world, prepare_announcement(world, one, 1));
    uint64_t answer =
        sealed_answer(&world->base->writer, &world->base->own, &world->third, 3, "Answer");
    Caravan__PrepareRequest request = sharing(prepare_name(world, "cn-own", seq), other, later, 1);

    prepare_refuse(world, &request, ERROR_INVALID,
                   "entry: found 4, expected 3, which first published cn-own/3");
    request.entry = answer;
    prepare_refuse(world, &request, ERROR_INVALID, "entry: found 5");
    request.entry = 0;
    prepare_refuse(world, &request, ERROR_INVALID, "entry: found 0");
    request.entry = 1;
    prepare_refuse(world, &request, ERROR_INVALID, "entry: found 1");
    request.entry = UINT64_MAX;
    prepare_refuse(world, &request, ERROR_INVALID, "entry: found 18446744073709551615");
    request = sharing(prepare_visit_of(world, &world->base->own, "cn-own"), 6, later, 1);
    prepare_refuse(world, &request, ERROR_INVALID, "is public: everybody may read it");
}

/* A party that could not read it could not confirm it. */
static void test_ops_audience__leaves_no_party_out(void **state)
{
    struct prepare *world = *state;
    struct institution *sides[] = {&world->base->own, &world->base->partner, &world->third,
                                   &world->third};
    const unsigned days[] = {15, 1, 2, 3};
    char *one[] = {"th-partner"}, *both[] = {"th-partner", "ru-third"};
    struct buffer content = {0};
    Caravan__PrepareRequest request;
    uint64_t seq;

    joint_write("Call", sides, days, 4, &content);
    request = prepare_request(NULL, TYPE(ANNOUNCEMENT), buffer_span(&content));
    request.n_audience = 1;
    request.audience = one;
    prepare_refuse(world, &request, ERROR_INVALID,
                   "found the node id of ru-third, for whom it would not be");
    prepare_refuse(world, &request, ERROR_INVALID,
                   "add ru-third to --to (or to `audience` in the file)");
    request.n_audience = 2;
    request.audience = both;
    assert_int_equal(prepare_reply(world, &request)->n_audience, 2);
    /* A revision that names one more. */
    seq = prepare_put(world, prepare_announcement(world, one, 1));
    request =
        prepare_request(prepare_name(world, "cn-own", seq), TYPE(REVISION), buffer_span(&content));
    prepare_refuse(world, &request, ERROR_INVALID, "caravan share cn-own/3 ru-third");
    seq = announcements_publish(&world->base->writer, &world->base->own, CARAVAN__KIND__KIND_VISIT,
                                "Visit", "CN", NULL);
    request =
        prepare_request(prepare_name(world, "cn-own", seq), TYPE(REVISION), buffer_span(&content));
    assert_int_equal(prepare_reply(world, &request)->content_type,
                     TYPE(REVISION)); /* public: all may read it */
    buffer_finish(&content);
}

/* --- faults ----------------------------------------------------------------------------------- */

static void test_ops_audience__survives_every_allocation_that_fails(void **state)
{
    struct prepare *world = *state;
    char *one[] = {"ru-third"}, *later[] = {"th-partner"};
    uint64_t ours = prepare_put(world, prepare_announcement(world, one, 1));
    const char *name = prepare_name(world, "cn-own", ours);
    Caravan__PrepareRequest request =
        prepare_request(name, TYPE(REVISION), prepare_visit(world, "Revised"));

    prepare_fail_each(world, "prepare", &request.base);
    request = sharing(name, ours, later, 1);
    prepare_fail_each(world, "prepare", &request.base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare_setup, prepare_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ops_audience__seals_a_new_announcement),
        TEST(test_ops_audience__refuses_an_audience_that_cannot_be),
        TEST(test_ops_audience__does_not_know_feeds_that_were_only_named),
        TEST(test_ops_audience__knows_how_much_can_be_sealed),
        TEST(test_ops_audience__leaves_no_party_out),
        TEST(test_ops_audience__seals_what_follows),
        TEST(test_ops_audience__a_side_confirms_under_the_same_seal),
        TEST(test_ops_audience__changes_only_our_own),
        TEST(test_ops_audience__lets_a_later_one_read),
        TEST(test_ops_audience__gives_no_key_of_something_else),
        TEST(test_ops_audience__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests_name("ops_audience", tests, NULL, NULL);
}
