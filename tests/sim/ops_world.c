#include "tests/sim/ops_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "tests/support/announcements.h"

#define MINUTE 60000u
#define CALL CARAVAN__KIND__KIND_JOINT_CALL

static bool has_profile(struct network *network, void *unused)
{
    (void)unused;
    return network_is_equal(network, NULL) && network_is_open(network, NULL);
}

int ops_world_setup(void **state)
{
    struct ops_world *world = calloc(1, sizeof *world);

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
    network_publish_profile(&world->network, 0, "cn-one", "CN");
    network_publish_profile(&world->network, 1, "cn-two", "CN");
    assert_true(network_run(&world->network, MINUTE, has_profile, NULL));
    world->last_try = true;
    *state = world;
    return 0;
}

int ops_world_teardown(void **state)
{
    struct ops_world *world = *state;

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

static int run(struct ops_world *world, unsigned number, const struct ops_operation *operation,
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

void *ops_world_call_code(struct ops_world *world, unsigned number, const char *name,
                          const ProtobufCMessage *request, int *code)
{
    Caravan__ControlRequest outer = CARAVAN__CONTROL_REQUEST__INIT;
    struct buffer inner = {0}, bytes = {0}, reply = {0};
    const struct ops_operation *operation = NULL;
    ProtobufCMessage *unpacked = NULL;
    void *answer = NULL;
    uint64_t id = 0;

    assert_true(fields_pack(request, &inner));
    outer.has_id = 1;
    outer.id = 42;
    outer.operation = (char *)(uintptr_t)name;
    outer.has_request = 1;
    outer.request.data = inner.data;
    outer.request.len = inner.size;
    assert_true(fields_pack(&outer.base, &bytes));
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

void *ops_world_call(struct ops_world *world, unsigned number, const char *name,
                     const ProtobufCMessage *request)
{
    int code;
    void *answer = ops_world_call_code(world, number, name, request, &code);

    if (!answer)
        fail_msg("%s: %s", name, world->error.text);
    return answer;
}

void ops_world_assert_refused(struct ops_world *world, const char *name,
                              const ProtobufCMessage *request, enum error_code expected,
                              const char *part)
{
    int code;

    assert_null(ops_world_call_code(world, 0, name, request, &code));
    assert_int_equal(code, expected);
    if (!strstr(world->error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", world->error.text, part);
}

Caravan__PublishReply *ops_world_publish(struct ops_world *world, const char *title,
                                         const char *request)
{
    Caravan__PublishRequest message = CARAVAN__PUBLISH_REQUEST__INIT;
    struct buffer content = {0};
    Caravan__PublishReply *reply;

    announcements_write(CALL, title, "CN", "2.1", &content);
    message.has_announcement = 1;
    message.announcement = fields_binary(buffer_span(&content));
    message.has_request_id = request != NULL;
    message.request_id = fields_binary(span_of_text(request));
    reply = ops_world_call(world, 0, "publish", &message.base);
    buffer_finish(&content);
    return reply;
}

Caravan__PublishReply *ops_world_revise(struct ops_world *world, uint64_t seq, const char *title)
{
    Caravan__ReviseRequest message = CARAVAN__REVISE_REQUEST__INIT;
    struct buffer content = {0};
    Caravan__PublishReply *reply;

    announcements_write(CALL, title, "CN", NULL, &content);
    message.has_announcement = 1;
    message.announcement = seq;
    message.has_content = 1;
    message.content = fields_binary(buffer_span(&content));
    reply = ops_world_call(world, 0, "revise", &message.base);
    buffer_finish(&content);
    return reply;
}

Caravan__PublishReply *ops_world_withdraw(struct ops_world *world, uint64_t seq,
                                          const char *request)
{
    Caravan__WithdrawRequest message = CARAVAN__WITHDRAW_REQUEST__INIT;

    message.has_announcement = 1;
    message.announcement = seq;
    message.has_request_id = request != NULL;
    message.request_id = fields_binary(span_of_text(request));
    return ops_world_call(world, 0, "withdraw", &message.base);
}

Caravan__ListReply *ops_world_list(struct ops_world *world, unsigned node)
{
    Caravan__ListRequest message = CARAVAN__LIST_REQUEST__INIT;

    return ops_world_call(world, node, "list", &message.base);
}

Caravan__ShowReply *ops_world_show(struct ops_world *world, unsigned node, char *name)
{
    Caravan__ShowRequest message = CARAVAN__SHOW_REQUEST__INIT;

    message.name = name;
    return ops_world_call(world, node, "show", &message.base);
}

void ops_world_assert_title(const Caravan__Item *item, const char *expected)
{
    Caravan__Announcement *announcement =
        caravan__announcement__unpack(NULL, item->content.len, item->content.data);

    assert_non_null(announcement);
    assert_string_equal(announcement->title[0]->text, expected);
    caravan__announcement__free_unpacked(announcement, NULL);
}

bool ops_world_is_received(struct network *network, void *unused)
{
    struct exchange_feed_state partner, own;

    (void)unused;
    network_state(network, 0, 0, &own);
    network_state(network, 0, 1, &partner);
    return partner.received_known && partner.received_seq == own.head.seq;
}
