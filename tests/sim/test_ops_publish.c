/* Operations of whole nodes: publish, revise, withdraw. */
#include "tests/sim/ops_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/fields.h"
#include "tests/support/announcements.h"

#define MINUTE 60000u
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void test_ops_publish__publish_reaches_a_partners_list(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *reply = ops_world_publish(world, "Call", NULL);
    Caravan__ListReply *listed;

    assert_string_equal(reply->name, "cn-one/3");
    assert_int_equal(reply->seq, 3);
    assert_false(reply->repeated_request);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    listed = ops_world_list(world, 1);
    assert_int_equal(listed->n_items, 1);
    assert_int_equal(listed->total, 1);
    assert_string_equal(listed->items[0]->name, "cn-one/3");
    assert_false(listed->items[0]->own);
    assert_null(listed->items[0]->problem);
    assert_memory_equal(listed->items[0]->hash.data, reply->hash.data, 32);
    ops_world_assert_title(listed->items[0], "Call");
}

static void test_ops_publish__publish_answers_a_retry_as_before(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *first = ops_world_publish(world, "Call", "0123456789abcdef");
    Caravan__PublishReply *again;

    ops_world_publish(world, "Another", "0123456789abcdeX");
    again = ops_world_publish(world, "Call", "0123456789abcdef");
    assert_true(again->repeated_request);
    assert_string_equal(again->name, first->name);
    assert_int_equal(again->seq, first->seq);
    assert_memory_equal(again->hash.data, first->hash.data, 32);
    assert_int_equal(ops_world_list(world, 0)->total, 2);
}

/* The rules may have changed, or the day, since the first one was answered. */
static void test_ops_publish__publish_answers_a_retry_that_the_rules_refuse(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *first = ops_world_publish(world, "Call", "0123456789abcdef");
    Caravan__PublishRequest message = CARAVAN__PUBLISH_REQUEST__INIT;
    const Caravan__PublishReply *again;

    message.has_announcement = message.has_request_id = 1;
    message.announcement = fields_binary(span_of_text("\x0a\xff"));
    message.request_id = fields_binary(span_of_text("0123456789abcdef"));
    again = ops_world_call(world, 0, "publish", &message.base);
    assert_true(again->repeated_request);
    assert_string_equal(again->name, first->name);
    message.request_id = fields_binary(span_of_text("0123456789abcdeX"));
    ops_world_assert_refused(world, "publish", &message.base, ERROR_MALFORMED, "byte");
    assert_int_equal(ops_world_list(world, 0)->total, 1);
}

static void test_ops_publish__publish_refuses_what_readers_could_not_be_shown(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishRequest message = CARAVAN__PUBLISH_REQUEST__INIT;
    struct buffer content = {0};

    for (world->calls = 0; world->calls < 2;)
        ops_world_assert_refused(world, "publish", &message.base, ERROR_INVALID, "absent");
    message.has_announcement = 1;
    message.announcement = fields_binary(span_of_text("\x0a\xff"));
    ops_world_assert_refused(world, "publish", &message.base, ERROR_MALFORMED, "byte");
    announcements_write(CALL, "", "CN", NULL, &content);
    message.announcement = fields_binary(buffer_span(&content));
    ops_world_assert_refused(world, "publish", &message.base, ERROR_INVALID, "title");
    buffer_clear(&content);
    announcements_write(CALL, "Call", "Cathay", NULL, &content);
    message.announcement = fields_binary(buffer_span(&content));
    for (world->calls = 0; world->calls < 2;)
        ops_world_assert_refused(world, "publish", &message.base, ERROR_INVALID, "country");
    buffer_clear(&content);
    announcements_write(CALL, "Call", "CN", NULL, &content);
    message.announcement = fields_binary(buffer_span(&content));
    message.has_request_id = 1;
    message.request_id = fields_binary(span_of_text("short"));
    ops_world_assert_refused(world, "publish", &message.base, ERROR_INVALID, "expected 16");
    buffer_finish(&content);
    assert_int_equal(ops_world_list(world, 0)->total, 0);
}

static void test_ops_publish__revise_and_withdraw_keep_the_name(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *reply;
    Caravan__ShowReply *shown;

    ops_world_publish(world, "First", NULL);
    ops_world_publish(world, "Other", NULL);
    reply = ops_world_revise(world, 3, "Second");
    assert_string_equal(reply->name, "cn-one/3");
    assert_int_equal(reply->seq, 5);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    shown = ops_world_show(world, 1, "cn-one/3");
    ops_world_assert_title(shown->item, "Second");
    assert_int_equal(shown->item->revised_by, 5);
    assert_int_equal(shown->n_history, 2);
    ops_world_assert_title(shown->history[0], "First");
    reply = ops_world_withdraw(world, 3, NULL);
    assert_string_equal(reply->name, "cn-one/3");
    assert_int_equal(ops_world_list(world, 0)->total, 1);
    shown = ops_world_show(world, 0, "cn-one/3");
    assert_true(shown->item->withdrawn);
    assert_int_equal(shown->n_history, 3);
}

static void test_ops_publish__revise_of_nothing_new_publishes_nothing(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *first, *again;

    ops_world_publish(world, "First", NULL);
    first = ops_world_revise(world, 3, "Second");
    again = ops_world_revise(world, 3, "Second");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, first->seq);
    assert_int_equal(ops_world_revise(world, 3, "Third")->seq, 5);
    assert_int_equal(ops_world_revise(world, 3, "Second")->seq, 6); /* back again is a change */
}

static void test_ops_publish__only_own_standing_announcements_are_changed(void **state)
{
    struct ops_world *world = *state;
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;

    ops_world_publish(world, "Call", NULL);
    ops_world_assert_refused(world, "withdraw", &message.base, ERROR_NOT_FOUND, "cn-one/0");
    message.has_announcement = 1;
    message.announcement = 1;
    ops_world_assert_refused(world, "withdraw", &message.base, ERROR_INVALID, "no announcement");
    message.announcement = 4;
    ops_world_assert_refused(world, "withdraw", &message.base, ERROR_NOT_FOUND, "cn-one/4");
    ops_world_withdraw(world, 3, NULL);
    message.announcement = 3;
    ops_world_assert_refused(world, "withdraw", &message.base, ERROR_INVALID,
                             "was withdrawn by No. 4");
}

/* The answer got lost, the node has done it: the retry gets it, not "was withdrawn". */
static void test_ops_publish__withdraw_answers_a_retry_as_before(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *again;

    ops_world_publish(world, "Call", NULL);
    assert_int_equal(ops_world_withdraw(world, 3, "0123456789abcdef")->seq, 4);
    again = ops_world_withdraw(world, 3, "0123456789abcdef");
    assert_int_equal(again->seq, 4);
    assert_true(again->repeated_request);
    assert_string_equal(again->name, "cn-one/3");
}

/* A field of a later version: 2000 = 1. */
#define UNKNOWN_FIELD "\x80\x7d\x01"

static void test_ops_publish__revise_refuses_to_drop_unknown_fields(void **state)
{
    struct ops_world *world = *state;
    Caravan__ReviseRequest message = CARAVAN__REVISE_REQUEST__INIT;
    struct buffer newer = {0}, older = {0};

    announcements_write(CALL, "By a newer version", "CN", NULL, &newer);
    assert_true(buffer_append_text(&newer, UNKNOWN_FIELD));
    network_publish_content(&world->network, 0, TYPE(ANNOUNCEMENT), buffer_span(&newer));
    announcements_write(CALL, "By this version", "CN", NULL, &older);
    message.has_announcement = message.has_content = 1;
    message.announcement = 3;
    message.content = fields_binary(buffer_span(&older));
    ops_world_assert_refused(world, "revise", &message.base, ERROR_INVALID, "does not know");
    assert_true(buffer_append_text(&older, UNKNOWN_FIELD)); /* a newer client keeps it */
    message.content = fields_binary(buffer_span(&older));
    ops_world_call(world, 0, "revise", &message.base);
    buffer_finish(&newer);
    buffer_finish(&older);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_ops_publish__##name, ops_world_setup, ops_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(publish_reaches_a_partners_list),
        TEST(publish_answers_a_retry_as_before),
        TEST(publish_answers_a_retry_that_the_rules_refuse),
        TEST(publish_refuses_what_readers_could_not_be_shown),
        TEST(revise_and_withdraw_keep_the_name),
        TEST(revise_of_nothing_new_publishes_nothing),
        TEST(only_own_standing_announcements_are_changed),
        TEST(withdraw_answers_a_retry_as_before),
        TEST(revise_refuses_to_drop_unknown_fields),
    };
    return cmocka_run_group_tests_name("ops_publish", tests, NULL, NULL);
}
