/* Operations of whole nodes, as the control link runs them: bytes in, bytes out. */
#include "node/ops/operations.h"

#include "tests/sim/network.h"
#include "tests/support/announcements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/filter.h"
#include "common/limits.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60000u
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define VISIT CARAVAN__KIND__KIND_VISIT
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* Two nodes; 0 is ours. */
struct world {
    struct network network;
    struct view *views[2][2]; /* of node n: reader, writer */
    struct arena arena;       /* replies live here until the test ends */
    struct error error;       /* of the last call */
    bool last_try;
    unsigned calls;
};

static bool has_profile(struct network *network, void *unused)
{
    (void)unused;
    return network_is_equal(network, NULL) && network_is_open(network, NULL);
}

static void publish_content(struct world *world, unsigned node, uint32_t type, struct span content)
{
    struct exchange *exchange = world->network.nodes[node].exchange;
    struct exchange_published published;

    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    assert_int_equal(exchange_publish(exchange, type, content, NULL, &published, NULL), ERROR_NONE);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
}

static void publish_profile(struct world *world, unsigned node, const char *handle)
{
    struct buffer profile = {0};

    announcements_profile(handle, "CN", &profile);
    publish_content(world, node, TYPE(PROFILE), buffer_span(&profile));
    buffer_finish(&profile);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    arena_init(&world->arena, 64 * 1024 * 1024);
    network_init(&world->network, 2, 7);
    world->network.group_commit = false; /* what was said is done at once */
    network_accept_all(&world->network);
    network_dial_all(&world->network);
    for (unsigned i = 0; i < 2; i++) {
        struct network_node *node = &world->network.nodes[i];
        const struct id *feed = &node->institution.chain.feed;

        network_start(&world->network, i, false, false);
        assert_int_equal(view_create(&node->reader, feed, false, &world->views[i][0], NULL), 0);
        assert_int_equal(view_create(&node->store, feed, true, &world->views[i][1], NULL), 0);
    }
    assert_true(network_run(&world->network, MINUTE, network_is_open, NULL));
    publish_profile(world, 0, "cn-one");
    publish_profile(world, 1, "cn-two");
    assert_true(network_run(&world->network, MINUTE, has_profile, NULL));
    world->last_try = true;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 2; i++) {
        view_destroy(world->views[i][0]);
        view_destroy(world->views[i][1]);
    }
    network_finish(&world->network);
    arena_finish(&world->arena);
    free(world);
    return 0;
}

/* --- calling ---------------------------------------------------------------------------------- */

static int save_nothing(void *self, const char *file, uint64_t *size, struct error *error)
{
    (void)self;
    (void)error;
    *size = strlen(file);
    return ERROR_NONE;
}

static int run(struct world *world, unsigned number, const struct ops_operation *operation,
               const ProtobufCMessage *request, struct buffer *reply)
{
    struct network_node *node = &world->network.nodes[number];
    bool writes = operation->where == OPS_WRITER;
    struct ops_context context = {
        .exchange = writes ? node->exchange : NULL,
        .store = writes ? node->store : node->reader,
        .view = world->views[number][writes],
        .policy = node->policy,
        .network = INSTITUTION_NETWORK,
        .feed = node->institution.chain.feed,
        .now_ms = world->network.now_ms,
        .started_ms = INSTITUTION_START_MS,
        .backup = save_nothing,
        .first_try = true,
        .last_try = world->last_try,
    };
    struct ops_check check = {0};
    struct error wrong = {0};
    int code;

    /* A node's checking thread does it before; every second time it is left to the handler. */
    if (operation->check && world->calls++ % 2) {
        check.done = true;
        if (operation->check(request, context.now_ms, &check.unknown, &wrong))
            check.error = &wrong;
        context.check = &check;
    }
    if (writes)
        assert_int_equal(exchange_begin(node->exchange, NULL), ERROR_NONE);
    code = ops_run(operation, &context, request, reply, &world->error);
    if (writes)
        assert_int_equal(exchange_commit(node->exchange, NULL), ERROR_NONE);
    return code;
}

static void pack(const ProtobufCMessage *message, struct buffer *out)
{
    assert_true(buffer_reserve(out, protobuf_c_message_get_packed_size(message) + 1));
    out->size += protobuf_c_message_pack(message, out->data + out->size);
}

/* As the control link does it. NULL: world->error says why, or OPS_WAIT stands in *code. */
static void *call_code(struct world *world, unsigned number, const char *name,
                       const ProtobufCMessage *request, int *code)
{
    Caravan__ControlRequest outer = CARAVAN__CONTROL_REQUEST__INIT;
    struct buffer inner = {0}, bytes = {0}, reply = {0};
    const struct ops_operation *operation = NULL;
    ProtobufCMessage *unpacked = NULL;
    void *answer = NULL;
    uint64_t id = 0;

    pack(request, &inner);
    outer.has_id = 1;
    outer.id = 42;
    outer.operation = (char *)(uintptr_t)name;
    outer.has_request = 1;
    outer.request.data = inner.data;
    outer.request.len = inner.size;
    pack(&outer.base, &bytes);
    error_clear(&world->error);
    *code = ops_read(buffer_span(&bytes), &world->arena, &id, &operation, &unpacked, &world->error);
    assert_int_equal(id, 42);
    if (!*code)
        *code = run(world, number, operation, unpacked, &reply);
    if (!*code)
        answer = protobuf_c_message_unpack(operation->reply, &world->arena.allocator, reply.size,
                                           reply.data);
    assert_true(*code || answer);
    buffer_finish(&inner);
    buffer_finish(&bytes);
    buffer_finish(&reply);
    return answer;
}

static void *call(struct world *world, unsigned number, const char *name,
                  const ProtobufCMessage *request)
{
    int code;
    void *answer = call_code(world, number, name, request, &code);

    if (!answer)
        fail_msg("%s: %s", name, world->error.text);
    return answer;
}

static void assert_refused(struct world *world, const char *name, const ProtobufCMessage *request,
                           enum error_code expected, const char *part)
{
    int code;

    assert_null(call_code(world, 0, name, request, &code));
    assert_int_equal(code, expected);
    if (!strstr(world->error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", world->error.text, part);
}

static ProtobufCBinaryData binary(struct span span)
{
    return (ProtobufCBinaryData){.len = span.size, .data = (uint8_t *)(uintptr_t)span.data};
}

static Caravan__PublishReply *publish(struct world *world, const char *title, const char *request)
{
    Caravan__PublishRequest message = CARAVAN__PUBLISH_REQUEST__INIT;
    struct buffer content = {0};
    Caravan__PublishReply *reply;

    announcements_write(CALL, title, "CN", "2.1", &content);
    message.has_announcement = 1;
    message.announcement = binary(buffer_span(&content));
    message.has_request_id = request != NULL;
    message.request_id = binary(span_of_text(request));
    reply = call(world, 0, "publish", &message.base);
    buffer_finish(&content);
    return reply;
}

static Caravan__PublishReply *revise(struct world *world, uint64_t seq, const char *title)
{
    Caravan__ReviseRequest message = CARAVAN__REVISE_REQUEST__INIT;
    struct buffer content = {0};
    Caravan__PublishReply *reply;

    announcements_write(CALL, title, "CN", NULL, &content);
    message.has_announcement = 1;
    message.announcement = seq;
    message.has_content = 1;
    message.content = binary(buffer_span(&content));
    reply = call(world, 0, "revise", &message.base);
    buffer_finish(&content);
    return reply;
}

static Caravan__PublishReply *withdraw(struct world *world, uint64_t seq, const char *request)
{
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;

    message.has_announcement = 1;
    message.announcement = seq;
    message.has_request_id = request != NULL;
    message.request_id = binary(span_of_text(request));
    return call(world, 0, "withdraw", &message.base);
}

static Caravan__ListReply *list(struct world *world, unsigned node)
{
    Caravan__ListRequest message = CARAVAN__LIST_REQUEST__INIT;

    return call(world, node, "list", &message.base);
}

static Caravan__ShowReply *show(struct world *world, unsigned node, char *name)
{
    Caravan__ShowRequest message = CARAVAN__SHOW_REQUEST__INIT;

    message.name = name;
    return call(world, node, "show", &message.base);
}

static void assert_title(const Caravan__Item *item, const char *expected)
{
    Caravan__Announcement *announcement =
        caravan__announcement__unpack(NULL, item->content.len, item->content.data);

    assert_non_null(announcement);
    assert_string_equal(announcement->title[0]->text, expected);
    caravan__announcement__free_unpacked(announcement, NULL);
}

/* --- publishing ------------------------------------------------------------------------------- */

static void test_operations__publish_reaches_a_partners_list(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *reply = publish(world, "Call", NULL);
    Caravan__ListReply *listed;

    assert_string_equal(reply->name, "cn-one/3");
    assert_int_equal(reply->seq, 3);
    assert_false(reply->repeated_request);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    listed = list(world, 1);
    assert_int_equal(listed->n_items, 1);
    assert_int_equal(listed->total, 1);
    assert_string_equal(listed->items[0]->name, "cn-one/3");
    assert_false(listed->items[0]->own);
    assert_null(listed->items[0]->problem);
    assert_memory_equal(listed->items[0]->hash.data, reply->hash.data, 32);
    assert_title(listed->items[0], "Call");
}

static void test_operations__publish_answers_a_retry_as_before(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *first = publish(world, "Call", "0123456789abcdef");
    Caravan__PublishReply *again;

    publish(world, "Another", "0123456789abcdeX");
    again = publish(world, "Call", "0123456789abcdef");
    assert_true(again->repeated_request);
    assert_string_equal(again->name, first->name);
    assert_int_equal(again->seq, first->seq);
    assert_memory_equal(again->hash.data, first->hash.data, 32);
    assert_int_equal(list(world, 0)->total, 2);
}

/* The rules may have changed, or the day, since the first one was answered. */
static void test_operations__publish_answers_a_retry_that_the_rules_refuse(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *first = publish(world, "Call", "0123456789abcdef");
    Caravan__PublishRequest message = CARAVAN__PUBLISH_REQUEST__INIT;
    const Caravan__PublishReply *again;

    message.has_announcement = message.has_request_id = 1;
    message.announcement = binary(span_of_text("\x0a\xff"));
    message.request_id = binary(span_of_text("0123456789abcdef"));
    again = call(world, 0, "publish", &message.base);
    assert_true(again->repeated_request);
    assert_string_equal(again->name, first->name);
    message.request_id = binary(span_of_text("0123456789abcdeX"));
    assert_refused(world, "publish", &message.base, ERROR_MALFORMED, "byte");
    assert_int_equal(list(world, 0)->total, 1);
}

static void test_operations__publish_refuses_what_readers_could_not_be_shown(void **state)
{
    struct world *world = *state;
    Caravan__PublishRequest message = CARAVAN__PUBLISH_REQUEST__INIT;
    struct buffer content = {0};

    for (world->calls = 0; world->calls < 2;)
        assert_refused(world, "publish", &message.base, ERROR_INVALID, "absent");
    message.has_announcement = 1;
    message.announcement = binary(span_of_text("\x0a\xff"));
    assert_refused(world, "publish", &message.base, ERROR_MALFORMED, "byte");
    announcements_write(CALL, "", "CN", NULL, &content);
    message.announcement = binary(buffer_span(&content));
    assert_refused(world, "publish", &message.base, ERROR_INVALID, "title");
    buffer_clear(&content);
    announcements_write(CALL, "Call", "Cathay", NULL, &content);
    message.announcement = binary(buffer_span(&content));
    for (world->calls = 0; world->calls < 2;)
        assert_refused(world, "publish", &message.base, ERROR_INVALID, "country");
    buffer_clear(&content);
    announcements_write(CALL, "Call", "CN", NULL, &content);
    message.announcement = binary(buffer_span(&content));
    message.has_request_id = 1;
    message.request_id = binary(span_of_text("short"));
    assert_refused(world, "publish", &message.base, ERROR_INVALID, "expected 16");
    buffer_finish(&content);
    assert_int_equal(list(world, 0)->total, 0);
}

static void test_operations__revise_and_withdraw_keep_the_name(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *reply;
    Caravan__ShowReply *shown;

    publish(world, "First", NULL);
    publish(world, "Other", NULL);
    reply = revise(world, 3, "Second");
    assert_string_equal(reply->name, "cn-one/3");
    assert_int_equal(reply->seq, 5);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    shown = show(world, 1, "cn-one/3");
    assert_title(shown->item, "Second");
    assert_int_equal(shown->item->revised_by, 5);
    assert_int_equal(shown->n_history, 2);
    assert_title(shown->history[0], "First");
    reply = withdraw(world, 3, NULL);
    assert_string_equal(reply->name, "cn-one/3");
    assert_int_equal(list(world, 0)->total, 1);
    shown = show(world, 0, "cn-one/3");
    assert_true(shown->item->withdrawn);
    assert_int_equal(shown->n_history, 3);
}

static void test_operations__revise_of_nothing_new_publishes_nothing(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *first, *again;

    publish(world, "First", NULL);
    first = revise(world, 3, "Second");
    again = revise(world, 3, "Second");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, first->seq);
    assert_int_equal(revise(world, 3, "Third")->seq, 5);
    assert_int_equal(revise(world, 3, "Second")->seq, 6); /* back again is a change */
}

static void test_operations__only_own_standing_announcements_are_changed(void **state)
{
    struct world *world = *state;
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;

    publish(world, "Call", NULL);
    assert_refused(world, "withdraw", &message.base, ERROR_NOT_FOUND, "cn-one/0");
    message.has_announcement = 1;
    message.announcement = 1;
    assert_refused(world, "withdraw", &message.base, ERROR_INVALID, "no announcement");
    message.announcement = 4;
    assert_refused(world, "withdraw", &message.base, ERROR_NOT_FOUND, "cn-one/4");
    withdraw(world, 3, NULL);
    message.announcement = 3;
    assert_refused(world, "withdraw", &message.base, ERROR_INVALID, "was withdrawn by No. 4");
}

/* The answer got lost, the node has done it: the retry gets it, not "was withdrawn". */
static void test_operations__withdraw_answers_a_retry_as_before(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *again;

    publish(world, "Call", NULL);
    assert_int_equal(withdraw(world, 3, "0123456789abcdef")->seq, 4);
    again = withdraw(world, 3, "0123456789abcdef");
    assert_int_equal(again->seq, 4);
    assert_true(again->repeated_request);
    assert_string_equal(again->name, "cn-one/3");
}

/* A field of a later version: 2000 = 1. */
#define UNKNOWN_FIELD "\x80\x7d\x01"

/* --- erasing -----------------------------------------------------------------------------------
 */

static Caravan__PublishReply *withdraw_and_erase(struct world *world, uint64_t seq,
                                                 const char *request)
{
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;

    message.has_announcement = message.has_erase = message.erase = 1;
    message.announcement = seq;
    message.has_request_id = request != NULL;
    message.request_id = binary(span_of_text(request));
    return call(world, 0, "withdraw", &message.base);
}

static Caravan__PublishReply *revise_and_erase(struct world *world, uint64_t seq, const char *title,
                                               const char *request)
{
    Caravan__ReviseRequest message = CARAVAN__REVISE_REQUEST__INIT;
    struct buffer content = {0};
    Caravan__PublishReply *reply;

    announcements_write(CALL, title, "CN", NULL, &content);
    message.has_announcement = message.has_content = 1;
    message.announcement = seq;
    message.content = binary(buffer_span(&content));
    message.has_erase_earlier = message.erase_earlier = 1;
    message.has_request_id = request != NULL;
    message.request_id = binary(span_of_text(request));
    reply = call(world, 0, "revise", &message.base);
    buffer_finish(&content);
    return reply;
}

static void assert_erased(const Caravan__PublishReply *reply, size_t count, uint64_t first)
{
    assert_int_equal(reply->n_erased, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(reply->erased[i], first + i);
}

static void test_operations__withdraw_erases_all_that_it_said(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *reply, *again;
    Caravan__ShowReply *shown;

    publish(world, "First", NULL);
    revise(world, 3, "Second");
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
        shown = show(world, node, "cn-one/3");
        assert_true(shown->item->withdrawn);
        assert_false(shown->item->has_content);
        assert_int_equal(shown->item->erased_by, 6);
        assert_int_equal(shown->n_history, 2); /* nothing tells any more what No. 4 revised */
        shown = show(world, node, "cn-one/4");
        assert_false(shown->item->has_content);
        assert_non_null(strstr(shown->item->problem, "erased by No. 6"));
    }
}

static void test_operations__withdraw_erases_what_was_withdrawn_before(void **state)
{
    struct world *world = *state;
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT, *texts[] = {&text};
    Caravan__PublishReply *reply, *again;

    publish(world, "First", NULL);
    withdraw(world, 3, "0123456789abcdef");
    text.lang = (char *)(uintptr_t) "en";
    text.text = (char *)(uintptr_t) "a second reason";
    message.has_announcement = message.has_erase = message.erase = 1;
    message.announcement = 3;
    message.n_reason = 1;
    message.reason = texts;
    assert_refused(world, "withdraw", &message.base, ERROR_INVALID, "was withdrawn by No. 4");
    reply = withdraw_and_erase(world, 3, "fedcba9876543210");
    assert_int_equal(reply->seq, 5);
    assert_erased(reply, 1, 3);
    again = withdraw_and_erase(world, 3, "fedcba9876543210");
    assert_true(again->repeated_request);
    assert_int_equal(again->seq, 5);
    assert_erased(again, 1, 3);
    message.announcement = 5;
    assert_refused(world, "withdraw", &message.base, ERROR_INVALID, "is no announcement");
    message.announcement = 9;
    assert_refused(world, "withdraw", &message.base, ERROR_NOT_FOUND, "there is no");
}

static void test_operations__revise_erases_what_it_said_before(void **state)
{
    struct world *world = *state;
    Caravan__PublishReply *reply, *again;
    Caravan__ShowReply *shown;

    publish(world, "First", NULL);
    revise(world, 3, "Second");
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
    revise(world, 3, "Fourth");
    reply = revise_and_erase(world, 3, "Fourth", NULL);
    assert_int_equal(reply->seq, 8);
    assert_string_equal(reply->name, "cn-one/3");
    assert_erased(reply, 1, 5);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    for (unsigned node = 0; node < 2; node++) {
        shown = show(world, node, "cn-one/3");
        assert_title(shown->item, "Fourth");
        assert_int_equal(shown->n_history, 2);
        assert_non_null(strstr(shown->history[0]->problem, "erased by No. 6"));
    }
}

static void test_operations__revise_refuses_to_drop_unknown_fields(void **state)
{
    struct world *world = *state;
    Caravan__ReviseRequest message = CARAVAN__REVISE_REQUEST__INIT;
    struct buffer newer = {0}, older = {0};

    announcements_write(CALL, "By a newer version", "CN", NULL, &newer);
    assert_true(buffer_append_text(&newer, UNKNOWN_FIELD));
    publish_content(world, 0, TYPE(ANNOUNCEMENT), buffer_span(&newer));
    announcements_write(CALL, "By this version", "CN", NULL, &older);
    message.has_announcement = message.has_content = 1;
    message.announcement = 3;
    message.content = binary(buffer_span(&older));
    assert_refused(world, "revise", &message.base, ERROR_INVALID, "does not know");
    assert_true(buffer_append_text(&older, UNKNOWN_FIELD)); /* a newer client keeps it */
    message.content = binary(buffer_span(&older));
    call(world, 0, "revise", &message.base);
    buffer_finish(&newer);
    buffer_finish(&older);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void test_operations__changes_wait_for_news(void **state)
{
    struct world *world = *state;
    Caravan__ChangesRequest message = CARAVAN__CHANGES_REQUEST__INIT;
    Caravan__ChangesReply *reply = call(world, 0, "changes", &message.base);
    int code;

    assert_int_equal(reply->n_items, 0); /* from now on */
    message.has_after = 1;
    message.after = reply->next_after;
    world->last_try = false;
    assert_null(call_code(world, 0, "changes", &message.base, &code));
    assert_int_equal(code, OPS_WAIT);
    publish(world, "News", NULL);
    reply = call(world, 0, "changes", &message.base);
    assert_int_equal(reply->n_items, 1);
    assert_title(reply->items[0], "News");
    assert_true(reply->next_after > message.after);
    message.after = reply->next_after;
    world->last_try = true;
    assert_int_equal(((Caravan__ChangesReply *)call(world, 0, "changes", &message.base))->n_items,
                     0);
    message.after = UINT64_MAX; /* another ledger's count: from the beginning */
    assert_int_equal(((Caravan__ChangesReply *)call(world, 0, "changes", &message.base))->n_items,
                     1);
}

static void test_operations__filters_are_checked(void **state)
{
    struct world *world = *state;
    Caravan__ListRequest message = CARAVAN__LIST_REQUEST__INIT;
    Caravan__ChangesRequest changes = CARAVAN__CHANGES_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char *country = "Siam";

    filter.n_country = 1;
    filter.country = &country;
    message.filter = changes.filter = &filter;
    assert_refused(world, "list", &message.base, ERROR_INVALID, "Siam");
    assert_refused(world, "changes", &changes.base, ERROR_INVALID, "Siam");
}

static void test_operations__list_cuts_large_replies_into_pages(void **state)
{
    struct world *world = *state;
    Caravan__ListRequest message = CARAVAN__LIST_REQUEST__INIT;
    Caravan__ListReply *reply;
    size_t seen = 0, pages = 0;
    char content[60000];

    memset(content, 'x', sizeof content); /* unreadable, but kept and counted */
    for (int i = 0; i < 20; i++)
        publish_content(world, 0, TYPE(ANNOUNCEMENT), span_of(content, sizeof content));
    do {
        reply = call(world, 0, "list", &message.base);
        assert_true(protobuf_c_message_get_packed_size(&reply->base) < LIMIT_MESSAGE_SIZE);
        assert_int_equal(reply->total, 20);
        seen += reply->n_items;
        pages++;
        message.has_before_arrival = 1;
        message.before_arrival = reply->next_before;
    } while (reply->next_before);
    assert_int_equal(seen, 20);
    assert_true(pages > 1);
}

/* Unlike show, which leaves contents out of a large reply. */
static void test_operations__history_has_all_contents_page_by_page(void **state)
{
    struct world *world = *state;
    Caravan__HistoryRequest message = CARAVAN__HISTORY_REQUEST__INIT;
    const Caravan__HistoryReply *reply;
    struct buffer content = {0}, revision = {0};
    uint64_t last = 0;
    size_t seen = 0, pages = 0;

    publish(world, "Call", NULL);
    assert_true(buffer_reserve(&content, 60000));
    memset(content.data, 'x', 60000); /* unreadable, but kept and counted */
    content.size = 60000;
    announcements_revision(3, buffer_span(&content), &revision);
    for (int i = 0; i < 20; i++)
        publish_content(world, 0, TYPE(REVISION), buffer_span(&revision));
    message.name = "cn-one/3";
    do {
        reply = call(world, 0, "history", &message.base);
        assert_true(protobuf_c_message_get_packed_size(&reply->base) < LIMIT_MESSAGE_SIZE);
        for (size_t i = 0; i < reply->n_items; i++, seen++) {
            assert_true(reply->items[i]->has_content);
            assert_true(reply->items[i]->event_seq > last);
            last = reply->items[i]->event_seq;
        }
        assert_true(!reply->next_after || reply->next_after == last);
        pages++;
        message.has_after = 1;
        message.after = reply->next_after;
    } while (reply->next_after);
    assert_int_equal(seen, 21);
    assert_true(pages > 1);
    message.after = 0;
    message.has_limit = 1;
    message.limit = 21; /* all of them, and no empty page behind them */
    while ((reply = call(world, 0, "history", &message.base))->next_after)
        message.after = reply->next_after;
    assert_true(reply->n_items > 0);
    message.name = "cn-one/99";
    assert_refused(world, "history", &message.base, ERROR_NOT_FOUND, "cn-one/99");
    message.name = "cn-one";
    assert_refused(world, "history", &message.base, ERROR_INVALID, "th-nstda/42");
    buffer_finish(&content);
    buffer_finish(&revision);
}

/* --- coverage and status ---------------------------------------------------------------------- */

static bool is_received(struct network *network, void *unused)
{
    struct exchange_feed_state partner, own;

    (void)unused;
    network_state(network, 0, 0, &own);
    network_state(network, 0, 1, &partner);
    return partner.received_known && partner.received_seq == own.head.seq;
}

static void test_operations__coverage_waits_until_partners_have_it(void **state)
{
    struct world *world = *state;
    Caravan__CoverageRequest message = CARAVAN__COVERAGE_REQUEST__INIT;
    Caravan__CoverageReply *reply;
    int code;

    publish(world, "Call", NULL);
    message.has_seq = 1;
    message.seq = 3;
    world->last_try = false;
    assert_null(call_code(world, 0, "coverage", &message.base, &code));
    assert_int_equal(code, OPS_WAIT);
    world->last_try = true;
    reply = call(world, 0, "coverage", &message.base);
    assert_false(reply->complete);
    assert_int_equal(reply->n_received_by, 1);
    assert_true(network_run(&world->network, MINUTE, is_received, NULL));
    world->last_try = false;
    reply = call(world, 0, "coverage", &message.base);
    assert_true(reply->complete);
    assert_int_equal(reply->received_by[0]->seq, 3);
    assert_true(reply->received_by[0]->current);
    message.seq = 4;
    assert_refused(world, "coverage", &message.base, ERROR_NOT_FOUND, "ends at No. 3");
    assert_int_equal(show(world, 0, "cn-one/3")->n_received_by, 1);
}

static const Caravan__Problem *find_problem(const Caravan__StatusReply *status, const char *part)
{
    for (size_t i = 0; i < status->n_problems; i++)
        if (strstr(status->problems[i]->what, part))
            return status->problems[i];
    return NULL;
}

static Caravan__StatusReply *status_of(struct world *world)
{
    Caravan__Empty message = CARAVAN__EMPTY__INIT;

    return call(world, 0, "status", &message.base);
}

static void test_operations__status_shows_an_exchange_that_works(void **state)
{
    struct world *world = *state;
    Caravan__StatusReply *status;

    assert_true(network_run(&world->network, MINUTE, is_received, NULL));
    status = status_of(world);
    assert_string_equal(status->publishing, "open");
    assert_string_equal(status->network, INSTITUTION_NETWORK);
    assert_int_equal(status->seq, 2);
    assert_int_equal(status->entries, 4);
    assert_int_equal(status->n_partners, 1);
    assert_true(status->partners[0]->exchanging);
    assert_int_equal(status->partners[0]->seq, 2);
    assert_true(status->partners[0]->received->current);
    assert_true(status->partners[0]->n_links > 0);
    if (status->n_problems)
        fail_msg("found the problem \"%s\", expected none", status->problems[0]->what);
}

/* Node 0 goes on behind No. 1, as after a theft. */
static void certify_anew(struct world *world, struct institution *keys)
{
    struct exchange *exchange = world->network.nodes[0].exchange;
    const struct exchange_place place = {.after = 1};
    struct exchange_published out;
    struct buffer entries = {0};

    institution_init(keys, 1);
    institution_certify(keys, false, &entries);
    institution_certify(keys, false, &entries);
    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    assert_int_equal(exchange_certify(exchange, buffer_span(&keys->chain.encoded[1]), keys->node,
                                      &place, &out, NULL),
                     ERROR_NONE);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
    buffer_finish(&entries);
}

static void test_operations__status_counts_what_was_quarantined(void **state)
{
    struct world *world = *state;
    Caravan__Empty request = CARAVAN__EMPTY__INIT;
    Caravan__StatusReply *status;
    struct institution keys;
    uint64_t before_ms;

    assert_true(network_run(&world->network, MINUTE, is_received, NULL));
    before_ms = world->network.now_ms;
    certify_anew(world, &keys);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    status = status_of(world);
    assert_int_equal(status->quarantined, 1);
    assert_false(status->partners[0]->has_quarantined);
    status = call(world, 1, "status", &request.base);
    assert_false(status->has_quarantined);
    assert_int_equal(status->partners[0]->quarantined, 1);
    /* The partner is told which, since when, and what it means. */
    assert_int_equal(status->partners[0]->quarantined_first, 2);
    assert_in_range(status->partners[0]->quarantined_ms, before_ms, world->network.now_ms);
    assert_int_equal(status->n_problems, 1);
    assert_non_null(strstr(status->problems[0]->what, "1 entry of "));
    assert_non_null(strstr(status->problems[0]->what, ", from No. 2 on, counts for nothing since"));
    network_stop(&world->network, 0); /* before the key that it borrows goes */
    institution_finish(&keys);
}

static void test_operations__status_says_what_is_wrong_and_what_to_do(void **state)
{
    struct world *world = *state;
    Caravan__StatusReply *status;

    network_stop(&world->network, 1);
    network_sleep(&world->network, 1000);
    status = status_of(world);
    assert_false(status->partners[0]->exchanging);
    assert_non_null(find_problem(status, "connect"));
    assert_true(strlen(find_problem(status, "connect")->todo) > 10);
    network_remove_partner(&world->network, 0, 1);
    status = status_of(world);
    assert_int_equal(status->n_partners, 0);
    assert_non_null(find_problem(status, "no partner yet"));
}

static void test_operations__status_says_that_nothing_can_be_stored_until_it_can(void **state)
{
    struct world *world = *state;
    struct store_fault *faults = &world->network.nodes[0].faults;
    Caravan__StatusReply *status;

    assert_true(network_run(&world->network, MINUTE, is_received, NULL));
    faults->spares_begin = true;
    faults->per_mille = 1000;
    assert_true(network_publish(&world->network, 1, "Does not fit"));
    network_sleep(&world->network, 10000);
    status = status_of(world);
    assert_non_null(find_problem(status, "nothing new can be stored"));
    assert_false(find_problem(status, "nothing new can be stored")->warning);
    faults->per_mille = 0;
    network_sleep(&world->network, MINUTE);
    status = status_of(world);
    assert_null(find_problem(status, "nothing new can be stored"));
}

/* --- feeds and care --------------------------------------------------------------------------- */

static void test_operations__a_feed_is_read_and_imported(void **state)
{
    struct world *world = *state;
    Caravan__ResolveRequest resolve = CARAVAN__RESOLVE_REQUEST__INIT;
    Caravan__ReadRequest read = CARAVAN__READ_REQUEST__INIT;
    Caravan__ImportRequest import = CARAVAN__IMPORT_REQUEST__INIT;
    Caravan__ResolveReply *resolved;
    Caravan__ReadReply *part;
    Caravan__ImportReply *imported;
    uint64_t added = 0, known = 0;

    network_cut(&world->network, 0, 1, true);
    publish(world, "Carried by hand", NULL);
    resolve.name = "cn-one";
    resolved = call(world, 0, "resolve", &resolve.base);
    assert_int_equal(resolved->seq, 3);
    read.has_feed = read.has_first = 1;
    read.feed = resolved->feed;
    read.first = 1;
    for (part = call(world, 0, "read", &read.base); part->has_run;
         part = call(world, 0, "read", &read.base)) {
        assert_int_equal(part->has_certificates, read.first == 1);
        import.has_certificates = part->has_certificates;
        import.has_run = 1;
        import.certificates = part->certificates;
        import.run = part->run;
        imported = call(world, 1, "import", &import.base);
        added += imported->added;
        known += imported->known;
        read.first = part->next;
    }
    assert_int_equal(part->next, 4);
    assert_int_equal(added, 1);
    assert_int_equal(known, 2);
    assert_int_equal(list(world, 1)->n_items, 1);
    read.feed.len = 31;
    assert_refused(world, "read", &read.base, ERROR_INVALID, "expected 32");
    resolve.name = "nobody";
    assert_refused(world, "resolve", &resolve.base, ERROR_NOT_FOUND, "nobody");
}

static void test_operations__backup_wants_an_absolute_path(void **state)
{
    struct world *world = *state;
    Caravan__BackupRequest message = CARAVAN__BACKUP_REQUEST__INIT;

    message.file = "here";
    assert_refused(world, "backup", &message.base, ERROR_INVALID, "absolute");
    message.file = "/there";
    assert_int_equal(((Caravan__BackupReply *)call(world, 0, "backup", &message.base))->size, 6);
}

static void test_operations__dial_asks_once_and_waits(void **state)
{
    struct world *world = *state;
    Caravan__DialRequest message = CARAVAN__DIAL_REQUEST__INIT;
    int code;

    message.handle = "cn-three";
    assert_refused(world, "dial", &message.base, ERROR_NOT_FOUND, "cn-three");
    message.handle = NULL;
    world->last_try = false;
    assert_null(call_code(world, 0, "dial", &message.base, &code));
    assert_int_equal(code, OPS_WAIT);
    network_stop(&world->network, 1);
    network_sleep(&world->network, 1000);
    world->last_try = true;
    assert_refused(world, "dial", &message.base, ERROR_BUSY, "no partner is connected");
}

/* --- the link itself -------------------------------------------------------------------------- */

static void assert_unreadable(struct world *world, struct span bytes, enum error_code expected,
                              const char *part)
{
    const struct ops_operation *operation;
    ProtobufCMessage *request;
    struct error error = {0};
    uint64_t id;

    assert_int_equal(ops_read(bytes, &world->arena, &id, &operation, &request, &error), expected);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void test_operations__broken_control_messages_get_their_own_errors(void **state)
{
    struct world *world = *state;
    Caravan__ControlRequest message = CARAVAN__CONTROL_REQUEST__INIT;
    struct buffer bytes = {0};

    assert_unreadable(world, span_of_text("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                      ERROR_MALFORMED, "control request");
    assert_unreadable(world, span_of_text("\x12\x05lis"), ERROR_MALFORMED, "byte");
    assert_unreadable(world, span_of_text("\x12\x02\xff\xfe"), ERROR_INVALID, "\"??\"");
    assert_unreadable(world, span_of(NULL, 0), ERROR_MALFORMED, "found no operation");
    assert_unreadable(world, span_of_text("\x12\x04lisp"), ERROR_INVALID, "\"lisp\"");
    message.operation = "list";
    message.has_request = 1;
    message.request = binary(span_of_text("\x0a\x7f"));
    pack(&message.base, &bytes);
    assert_unreadable(world, buffer_span(&bytes), ERROR_MALFORMED, "request of \"list\"");
    buffer_finish(&bytes);
}

/* What asks only is refused before it is unpacked when it is larger than any such request need be;
 * what carries something may be as large as a message. */
static void test_operations__requests_that_only_read_have_a_size_of_their_own(void **state)
{
    struct world *world = *state;
    Caravan__ControlRequest message = CARAVAN__CONTROL_REQUEST__INIT;
    Caravan__ListRequest list = CARAVAN__LIST_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char handle[] = "th-institution-of-a-long-handle1", country[] = "TH", science[] = "2.11";
    uint32_t kinds[FILTER_VALUES];
    char *handles[FILTER_VALUES], *countries[FILTER_VALUES], *sciences[FILTER_VALUES];
    const struct ops_operation *operation;
    ProtobufCMessage *request;
    struct buffer bytes = {0}, filled = {0};
    struct error error = {0};
    uint64_t id;

    assert_int_equal(strlen(handle), LIMIT_HANDLE_SIZE);
    for (size_t i = 0; i < FILTER_VALUES; i++) {
        handles[i] = handle;
        countries[i] = country;
        sciences[i] = science;
        kinds[i] = UINT32_MAX;
    }
    filter.n_kind = filter.n_country = filter.n_field_of_science = filter.n_handle = FILTER_VALUES;
    filter.kind = kinds;
    filter.country = countries;
    filter.field_of_science = sciences;
    filter.handle = handles;
    list.filter = &filter;
    pack(&list.base, &filled);
    message.operation = "list";
    message.has_request = 1;
    message.request = binary(buffer_span(&filled));
    pack(&message.base, &bytes);
    assert_int_equal(
        ops_read(buffer_span(&bytes), &world->arena, &id, &operation, &request, &error), 0);
    while (filled.size <= LIMIT_READING_SIZE)
        assert_true(buffer_append(&filled, "\xc2\x3e\x01\x00", 4)); /* unknown field 1000 */
    message.request = binary(buffer_span(&filled));
    buffer_clear(&bytes);
    pack(&message.base, &bytes);
    assert_unreadable(world, buffer_span(&bytes), ERROR_TOO_LARGE, "\"list\": found 8");
    message.operation = "status";
    buffer_clear(&bytes);
    pack(&message.base, &bytes);
    assert_unreadable(world, buffer_span(&bytes), ERROR_TOO_LARGE, "\"status\": found 8");
    message.operation = "withdraw";
    message.request = binary(span_of(filled.data + filled.size - 4, 4));
    buffer_clear(&bytes);
    pack(&message.base, &bytes);
    assert_int_equal(
        ops_read(buffer_span(&bytes), &world->arena, &id, &operation, &request, &error), 0);
    buffer_finish(&bytes);
    buffer_finish(&filled);
}

static void test_operations__every_row_can_be_found_and_run(void **state)
{
    (void)state;
    for (const struct ops_operation *row = ops_operations; row->name; row++) {
        assert_ptr_equal(ops_find(row->name), row);
        assert_non_null(row->request);
        assert_non_null(row->reply);
        assert_non_null(row->run);
        assert_non_null(row->method);
        assert_int_equal(row->path[0], '/');
        for (const struct ops_operation *other = ops_operations; other != row; other++)
            assert_false(strcmp(row->path, other->path) == 0 &&
                         strcmp(row->method, other->method) == 0);
    }
    assert_null(ops_find("no such"));
}

static void test_operations__errors_travel_as_code_and_sentence(void **state)
{
    struct error error;
    struct buffer bytes = {0};
    Caravan__ControlReply *reply;

    (void)state;
    error_set(&error, ERROR_HELD, "wait");
    assert_true(ops_write(7, span_of(NULL, 0), &error, &bytes));
    reply = caravan__control_reply__unpack(NULL, bytes.size, bytes.data);
    assert_int_equal(reply->id, 7);
    assert_string_equal(reply->error, "held");
    assert_string_equal(reply->text, "wait");
    assert_false(reply->has_reply);
    caravan__control_reply__free_unpacked(reply, NULL);
    buffer_clear(&bytes);
    assert_true(ops_write(8, span_of_text("abc"), NULL, &bytes));
    reply = caravan__control_reply__unpack(NULL, bytes.size, bytes.data);
    assert_null(reply->error);
    assert_int_equal(reply->reply.len, 3);
    caravan__control_reply__free_unpacked(reply, NULL);
    buffer_finish(&bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_operations__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(publish_reaches_a_partners_list),
        TEST(publish_answers_a_retry_as_before),
        TEST(publish_answers_a_retry_that_the_rules_refuse),
        TEST(publish_refuses_what_readers_could_not_be_shown),
        TEST(revise_and_withdraw_keep_the_name),
        TEST(revise_of_nothing_new_publishes_nothing),
        TEST(only_own_standing_announcements_are_changed),
        TEST(withdraw_answers_a_retry_as_before),
        TEST(withdraw_erases_all_that_it_said),
        TEST(withdraw_erases_what_was_withdrawn_before),
        TEST(revise_erases_what_it_said_before),
        TEST(revise_refuses_to_drop_unknown_fields),
        TEST(changes_wait_for_news),
        TEST(filters_are_checked),
        TEST(list_cuts_large_replies_into_pages),
        TEST(history_has_all_contents_page_by_page),
        TEST(coverage_waits_until_partners_have_it),
        TEST(status_shows_an_exchange_that_works),
        TEST(status_counts_what_was_quarantined),
        TEST(status_says_what_is_wrong_and_what_to_do),
        TEST(status_says_that_nothing_can_be_stored_until_it_can),
        TEST(a_feed_is_read_and_imported),
        TEST(backup_wants_an_absolute_path),
        TEST(dial_asks_once_and_waits),
        TEST(broken_control_messages_get_their_own_errors),
        TEST(requests_that_only_read_have_a_size_of_their_own),
        TEST(every_row_can_be_found_and_run),
        TEST(errors_travel_as_code_and_sentence),
    };
    return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}
