/* Operations of whole nodes: what is withdrawn or revised is erased, too. */
#include "tests/sim/ops_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/ops/ops_erase.h"
#include "tests/support/announcements.h"

#define MINUTE 60000u
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static Caravan__PublishReply *withdraw_and_erase(struct ops_world *world, uint64_t seq,
                                                 const char *request)
{
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;

    message.has_announcement = message.has_erase = message.erase = 1;
    message.announcement = seq;
    message.has_request_id = request != NULL;
    message.request_id = fields_binary(span_of_text(request));
    return ops_world_call(world, 0, "withdraw", &message.base);
}

static Caravan__PublishReply *revise_and_erase(struct ops_world *world, uint64_t seq,
                                               const char *title, const char *request)
{
    Caravan__ReviseRequest message = CARAVAN__REVISE_REQUEST__INIT;
    struct buffer content = {0};
    Caravan__PublishReply *reply;

    announcements_write(CALL, title, "CN", NULL, &content);
    message.has_announcement = message.has_content = 1;
    message.announcement = seq;
    message.content = fields_binary(buffer_span(&content));
    message.has_erase_earlier = message.erase_earlier = 1;
    message.has_request_id = request != NULL;
    message.request_id = fields_binary(span_of_text(request));
    reply = ops_world_call(world, 0, "revise", &message.base);
    buffer_finish(&content);
    return reply;
}

static void assert_erased(const Caravan__PublishReply *reply, size_t count, uint64_t first)
{
    assert_int_equal(reply->n_erased, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(reply->erased[i], first + i);
}

static void test_ops_erase__withdraw_erases_all_that_it_said(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *reply, *again;
    Caravan__ShowReply *shown;

    ops_world_publish(world, "First", NULL);
    ops_world_revise(world, 3, "Second");
    reply = withdraw_and_erase(world, 3, "0123456789abcdef");
    assert_int_equal(reply->seq, 5);
    assert_string_equal(reply->name, "cn-one/3");
    assert_erased(reply, 2, 3);
    again = withdraw_and_erase(world, 3, "0123456789abcdef");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, 5);
    assert_erased(again, 2, 3);
    again = withdraw_and_erase(world, 3, NULL); /* once more is harmless */
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, 6);
    assert_int_equal(again->n_erased, 0);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    for (unsigned node = 0; node < 2; node++) {
        shown = ops_world_show(world, node, "cn-one/3");
        assert_true(shown->item->withdrawn);
        assert_false(shown->item->has_content);
        assert_int_equal(shown->item->erased_by, 6);
        assert_int_equal(shown->n_history, 2); /* nothing tells any more what No. 4 revised */
        shown = ops_world_show(world, node, "cn-one/4");
        assert_false(shown->item->has_content);
        assert_non_null(strstr(shown->item->problem, "erased by No. 6"));
    }
}

static void test_ops_erase__withdraw_erases_what_was_withdrawn_before(void **state)
{
    struct ops_world *world = *state;
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT, *texts[] = {&text};
    Caravan__PublishReply *reply, *again;

    ops_world_publish(world, "First", NULL);
    ops_world_withdraw(world, 3, "0123456789abcdef");
    text.lang = (char *)(uintptr_t) "en";
    text.text = (char *)(uintptr_t) "a second reason";
    message.has_announcement = message.has_erase = message.erase = 1;
    message.announcement = 3;
    message.n_reason = 1;
    message.reason = texts;
    ops_world_assert_refused(world, "withdraw", &message.base, ERROR_INVALID,
                             "was withdrawn by No. 4");
    reply = withdraw_and_erase(world, 3, "fedcba9876543210");
    assert_int_equal(reply->seq, 5);
    assert_erased(reply, 1, 3);
    again = withdraw_and_erase(world, 3, "fedcba9876543210");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, 5);
    assert_erased(again, 1, 3);
    message.announcement = 5;
    ops_world_assert_refused(world, "withdraw", &message.base, ERROR_INVALID, "is no announcement");
    message.announcement = 9;
    ops_world_assert_refused(world, "withdraw", &message.base, ERROR_NOT_FOUND, "there is no");
}

static void test_ops_erase__revise_erases_what_it_said_before(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *reply, *again;
    Caravan__ShowReply *shown;

    ops_world_publish(world, "First", NULL);
    ops_world_revise(world, 3, "Second");
    reply = revise_and_erase(world, 3, "Third", "0123456789abcdef");
    assert_int_equal(reply->seq, 5);
    assert_erased(reply, 2, 3);
    again = revise_and_erase(world, 3, "Third", "0123456789abcdef");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, 5);
    assert_erased(again, 2, 3);
    again = revise_and_erase(world, 3, "Third", NULL);
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, 5);
    assert_int_equal(again->n_erased, 0);
    /* A text that stands already can still lose what was before it. */
    ops_world_revise(world, 3, "Fourth");
    reply = revise_and_erase(world, 3, "Fourth", NULL);
    assert_int_equal(reply->seq, 8);
    assert_string_equal(reply->name, "cn-one/3");
    assert_erased(reply, 1, 5);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    for (unsigned node = 0; node < 2; node++) {
        shown = ops_world_show(world, node, "cn-one/3");
        ops_world_assert_title(shown->item, "Fourth");
        assert_int_equal(shown->n_history, 2);
        assert_non_null(strstr(shown->history[0]->problem, "erased by No. 6"));
    }
}

/* Beside the operation, which would look at all of it each time. */
static void revise_often(struct ops_world *world, uint64_t seq, unsigned times)
{
    struct exchange *exchange = world->network.nodes[0].exchange;
    Caravan__Revision revision = CARAVAN__REVISION__INIT;
    struct buffer announcement = {0}, content = {0};
    struct exchange_published published;

    announcements_write(CALL, "Again", "CN", NULL, &announcement);
    revision.has_announcement = revision.has_content = 1;
    revision.announcement = seq;
    revision.content = fields_binary(buffer_span(&announcement));
    assert_true(fields_pack(&revision.base, &content));
    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    while (times--)
        assert_int_equal(exchange_publish(exchange, TYPE(REVISION), buffer_span(&content), NULL,
                                          &published, NULL),
                         ERROR_NONE);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
    buffer_finish(&announcement);
    buffer_finish(&content);
}

static void assert_erased_by(struct ops_world *world, char *name, uint64_t order)
{
    for (unsigned node = 0; node < 2; node++) {
        const Caravan__Item *item = ops_world_show(world, node, name)->item;

        assert_false(item->has_content);
        assert_int_equal(item->erased_by, order);
    }
}

static void test_ops_erase__revise_erases_more_than_one_order_names(void **state)
{
    struct ops_world *world = *state;
    const uint64_t last = 4 + OPS_ERASE_EACH + 5;
    Caravan__PublishReply *reply, *again;
    char name[32];

    ops_world_publish(world, "First", NULL);
    revise_often(world, 3, OPS_ERASE_EACH + 5);
    reply = revise_and_erase(world, 3, "Last", "0123456789abcdef");
    assert_int_equal(reply->seq, last);
    assert_erased(reply, OPS_ERASE_EACH + 6, 3);
    again = revise_and_erase(world, 3, "Last", "0123456789abcdef");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, last);
    assert_erased(again, OPS_ERASE_EACH + 6, 3);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    ops_world_assert_title(ops_world_show(world, 1, "cn-one/3")->item, "Last");
    assert_erased_by(world, "cn-one/4", last + 1);
    snprintf(name, sizeof name, "cn-one/%u", OPS_ERASE_EACH + 2);
    assert_erased_by(world, name, last + 1);
    snprintf(name, sizeof name, "cn-one/%u", OPS_ERASE_EACH + 3);
    assert_erased_by(world, name, last + 2);
    snprintf(name, sizeof name, "cn-one/%u", OPS_ERASE_EACH + 8);
    assert_erased_by(world, name, last + 2);
}

static void test_ops_erase__withdraw_fills_one_order(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *reply, *again;

    ops_world_publish(world, "First", NULL);
    revise_often(world, 3, OPS_ERASE_EACH - 1);
    reply = withdraw_and_erase(world, 3, "0123456789abcdef");
    assert_int_equal(reply->seq, 3 + OPS_ERASE_EACH);
    assert_erased(reply, OPS_ERASE_EACH, 3);
    assert_int_equal(ops_world_publish(world, "Next", NULL)->seq, reply->seq + 2);
    again = withdraw_and_erase(world, 3, "0123456789abcdef");
    assert_true(again->repeated_request);
    assert_erased(again, OPS_ERASE_EACH, 3);
}

/* The order behind its own is another's. */
static void test_ops_erase__withdraw_answers_a_retry_with_its_own_order(void **state)
{
    struct ops_world *world = *state;
    Caravan__PublishReply *reply, *again;

    ops_world_publish(world, "Another", NULL);
    ops_world_withdraw(world, 3, NULL);
    ops_world_publish(world, "First", NULL);
    ops_world_revise(world, 5, "Second");
    reply = withdraw_and_erase(world, 5, "0123456789abcdef");
    assert_int_equal(reply->seq, 7);
    assert_erased(reply, 2, 5);
    again = withdraw_and_erase(world, 3, NULL);
    assert_int_equal(again->seq, 9);
    assert_erased(again, 1, 3);
    again = withdraw_and_erase(world, 5, "0123456789abcdef");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, 7);
    assert_erased(again, 2, 5);
}

/* Refused before anything of it, or what others ask for meanwhile, is touched. */
static void test_ops_erase__put_refuses_more_than_can_be_answered(void **state)
{
    struct ops_world *world = *state;
    Caravan__PutRequest request = CARAVAN__PUT_REQUEST__INIT;

    request.has_content_type = request.has_content = 1;
    request.content_type = TYPE(SEALED);
    request.content = fields_binary(span_of_text("content"));
    request.n_erase = OPS_ERASE_MAX + 1;
    request.erase = calloc(request.n_erase, sizeof *request.erase);
    assert_non_null(request.erase);
    for (size_t i = 0; i < request.n_erase; i++)
        request.erase[i] = i + 1;
    ops_world_assert_refused(world, "put", &request.base, ERROR_TOO_LARGE,
                             "erase: found 60001 texts, expected at most 60000 at a time");
    assert_int_equal(ops_world_publish(world, "Call", NULL)->seq, 3);
    request.n_erase = OPS_ERASE_MAX;
    assert_int_equal(((Caravan__PublishReply *)ops_world_call(world, 0, "put", &request.base))->seq,
                     4);
    assert_int_equal(ops_world_publish(world, "Call", NULL)->seq,
                     5 + OPS_ERASE_MAX / OPS_ERASE_EACH);
    free(request.erase);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_ops_erase__##name, ops_world_setup, ops_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(withdraw_erases_all_that_it_said),
        TEST(withdraw_erases_what_was_withdrawn_before),
        TEST(revise_erases_what_it_said_before),
        TEST(revise_erases_more_than_one_order_names),
        TEST(withdraw_fills_one_order),
        TEST(withdraw_answers_a_retry_with_its_own_order),
        TEST(put_refuses_more_than_can_be_answered),
    };
    return cmocka_run_group_tests_name("ops_erase", tests, NULL, NULL);
}
