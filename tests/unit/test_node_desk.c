#include "node/node_desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "node/ops/pack.h"

#define MANY 4096
#define REPLY ((size_t)64 * 1024)
#define REPLIES_MAX ((size_t)8 * 1024 * 1024)

static size_t runs;

static int say_much(struct ops_context *context, const ProtobufCMessage *request,
                    struct buffer *reply, struct error *error)
{
    (void)context;
    (void)request;
    runs++;
    if (!buffer_reserve(reply, REPLY))
        return error_memory(error);
    memset(reply->data + reply->size, 'x', REPLY);
    reply->size += REPLY;
    return ERROR_NONE;
}

static const struct ops_operation much = {.name = "much", .where = OPS_WRITER, .run = say_much};

static void add_request(struct buffer *message, uint64_t id, const char *operation,
                        const struct buffer *content)
{
    Caravan__ControlRequest request = CARAVAN__CONTROL_REQUEST__INIT;
    struct buffer bytes = {0};

    request.has_id = true;
    request.id = id;
    request.operation = (char *)(uintptr_t)operation;
    request.has_request = true;
    request.request.data = content->data;
    request.request.len = content->size;
    assert_true(buffer_reserve(&bytes, protobuf_c_message_get_packed_size(&request.base)));
    bytes.size = protobuf_c_message_pack(&request.base, bytes.data);
    assert_true(pack_add(PACK_REQUESTS, buffer_span(&bytes), message));
    buffer_finish(&bytes);
}

/* So many requests in one message. */
static struct node_request *read_many(size_t count, const char *operation,
                                      const struct buffer *content)
{
    const struct net_route route = {.size = 1, .bytes = {1}};
    struct buffer message = {0};

    for (uint64_t id = 1; id <= count; id++)
        add_request(&message, id, operation, content);
    return node_request_create(&route, &message, 0, 0);
}

static void destroy_all(struct node_request *request)
{
    struct node_request *next;

    for (; request; request = next) {
        next = request->next;
        node_request_destroy(request);
    }
}

static void desk_finish(struct node_desk *desk)
{
    destroy_all(desk->finished);
    buffer_finish(&desk->replies);
}

static void test_node_desk__bounds_the_replies_to_one_pack(void **state)
{
    const struct buffer nothing = {0};
    struct node_request *list = read_many(MANY, "status", &nothing), *next;
    size_t answered = 0, refused = 0;
    struct node_desk desk;

    (void)state;
    runs = 0;
    node_desk_init(&desk);
    for (; list; list = next) {
        next = list->next;
        list->operation = &much;
        node_desk_take(&desk, list, 0);
    }
    /* Each has its answer, in order; what was refused was not run. */
    for (const struct node_request *one = desk.finished; one; one = one->next) {
        assert_int_equal(one->id, answered + refused + 1);
        if (one->error) {
            assert_int_equal(one->error->code, ERROR_BUSY);
            assert_non_null(strstr(one->error->text, "more than 8 MiB"));
            assert_int_equal(one->reply_size, 0);
            refused++;
        } else {
            assert_int_equal(refused, 0);
            answered++;
        }
    }
    assert_int_equal(answered + refused, MANY);
    assert_int_equal(answered, runs);
    assert_int_equal(answered, REPLIES_MAX / REPLY + 1);
    assert_true(desk.replies.size <= REPLIES_MAX + REPLY);
    desk_finish(&desk);
}

/* The bound is the pack's, whichever desk runs its parts; another message starts anew. */
static void test_node_desk__counts_for_each_pack_alone(void **state)
{
    const struct buffer nothing = {0};
    struct node_desk desks[2];
    size_t refused = 0;

    (void)state;
    node_desk_init(&desks[0]);
    node_desk_init(&desks[1]);
    for (int round = 0; round < 2; round++) {
        struct node_request *list = read_many(REPLIES_MAX / REPLY + 2, "status", &nothing), *next;

        for (size_t i = 0; list; list = next, i++) {
            next = list->next;
            list->operation = &much;
            node_desk_take(&desks[i % 2], list, 0);
        }
    }
    for (int i = 0; i < 2; i++) {
        for (const struct node_request *one = desks[i].finished; one; one = one->next)
            refused += one->error != NULL;
        desk_finish(&desks[i]);
    }
    assert_int_equal(refused, 2);
}

/* What one message may cost is bounded; who is above it is told so, everybody by name. */
static void test_node_desk__answers_each_of_a_pack_that_takes_too_much_memory(void **state)
{
    Caravan__PublishRequest publish = CARAVAN__PUBLISH_REQUEST__INIT;
    struct buffer content = {0}, text = {0};
    struct node_request *list;
    size_t count = 0, refused = 0;

    (void)state;
    assert_true(buffer_reserve(&text, 4000));
    memset(text.data, 'x', 4000);
    publish.has_announcement = true;
    publish.announcement.data = text.data;
    publish.announcement.len = 4000;
    assert_true(buffer_reserve(&content, 5000));
    content.size = protobuf_c_message_pack(&publish.base, content.data);
    list = read_many(MANY, "publish", &content);
    for (const struct node_request *one = list; one; one = one->next) {
        assert_int_equal(one->id, ++count);
        refused += one->error && strstr(one->error->text, "request of \"publish\"");
        assert_true(one->error || one->operation);
    }
    assert_int_equal(count, MANY);
    assert_in_range(refused, 1, MANY - 1000);
    assert_true(node_request_bytes(list) <= (size_t)2 * LIMIT_ARENA_SIZE + MANY);
    destroy_all(list);
    buffer_finish(&content);
    buffer_finish(&text);
}

/* Taken apart, the requests of a pack stand for no more than the pack did. */
static void test_node_desk__shares_the_memory_of_a_pack(void **state)
{
    const struct buffer nothing = {0};
    struct node_request *list = read_many(MANY, "status", &nothing), *next;
    size_t whole = node_request_bytes(list), sum = 0;

    (void)state;
    assert_in_range(whole, MANY * sizeof *list, (size_t)2 * LIMIT_ARENA_SIZE);
    for (; list; list = next) {
        next = list->next;
        list->next = NULL;
        sum += node_request_bytes(list);
        node_request_destroy(list);
    }
    assert_int_equal(sum, whole);
}

static int wait_for_news(struct ops_context *context, const ProtobufCMessage *request,
                         struct buffer *reply, struct error *error)
{
    (void)context, (void)request, (void)reply, (void)error;
    return OPS_WAIT;
}

static void test_node_desk__whose_time_is_over_is_told_why(void **state)
{
    static const struct ops_operation news = {.name = "news", .run = wait_for_news};
    const struct buffer nothing = {0};
    struct node_request *list = read_many(4, "status", &nothing), *next;
    struct node_desk desk;
    struct error why;

    (void)state;
    node_desk_init(&desk);
    for (; list; list = next) {
        next = list->next;
        list->operation = &news;
        list->deadline = 10 * list->id;
        node_desk_take(&desk, list, 0);
    }
    assert_int_equal(desk.waiting_count, 4);
    error_set(&why, ERROR_IO, "the disk is away");
    node_desk_expire(&desk, 9, &why);
    assert_int_equal(desk.waiting_count, 4);
    node_desk_expire(&desk, 20, &why);
    assert_int_equal(desk.waiting_count, 2);
    for (const struct node_request *one = desk.finished; one; one = one->next) {
        assert_in_range(one->id, 1, 2);
        assert_int_equal(one->error->code, ERROR_IO);
        assert_string_equal(one->error->text, "the disk is away");
    }
    destroy_all(desk.waiting);
    desk_finish(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_desk__bounds_the_replies_to_one_pack),
        cmocka_unit_test(test_node_desk__counts_for_each_pack_alone),
        cmocka_unit_test(test_node_desk__answers_each_of_a_pack_that_takes_too_much_memory),
        cmocka_unit_test(test_node_desk__shares_the_memory_of_a_pack),
        cmocka_unit_test(test_node_desk__whose_time_is_over_is_told_why),
    };

    return cmocka_run_group_tests_name("node_desk", tests, NULL, NULL);
}
