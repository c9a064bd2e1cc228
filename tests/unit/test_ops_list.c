/* list and changes over a large ledger: what one request does, and what the next one goes on with.
 */
#include "node/ops/operations.h"

#include "node/core/view_index.h"
#include "tests/support/view_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define MANY (VIEW_CHUNK + 100u)

static void publish_many(struct view_world *world, unsigned count)
{
    const struct store *store = &world->writer;

    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < count; i++)
        announcements_publish(store, &world->own, CALL, "Many", "CN", NULL);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
}

static struct ops_context context_of(struct view_world *world)
{
    return (struct ops_context){.store = world->reader, .view = world->view, .first_try = true};
}

/* The reply, for the caller to free; NULL with what ops_run returned in *code. */
static void *run(struct ops_context *context, const char *name, const ProtobufCMessage *request,
                 int *code)
{
    const struct ops_operation *operation = ops_find(name);
    struct buffer bytes = {0};
    struct error error;
    void *reply = NULL;

    *code = ops_run(operation, context, request, &bytes, &error);
    if (!*code)
        reply = protobuf_c_message_unpack(operation->reply, NULL, bytes.size, bytes.data);
    buffer_finish(&bytes);
    return reply;
}

static Caravan__ListReply *list(struct view_world *world, uint64_t before)
{
    struct ops_context context = context_of(world);
    Caravan__ListRequest request = CARAVAN__LIST_REQUEST__INIT;
    Caravan__ListReply *reply;
    int code;

    request.has_limit = request.has_before_arrival = 1;
    request.limit = 5;
    request.before_arrival = before;
    reply = run(&context, "list", &request.base, &code);
    assert_non_null(reply);
    return reply;
}

/* A client that wants the total, and not another page, asks for what was before arrival 1. */
static void test_ops_list__tells_the_total_once_it_is_counted(void **state)
{
    struct view_world *world = *state;
    Caravan__ListReply *reply;

    publish_many(world, MANY);
    reply = list(world, 0);
    assert_int_equal(reply->n_items, 5);
    assert_false(reply->has_total);
    assert_true(reply->counting);
    assert_int_not_equal(reply->next_before, 0);
    caravan__list_reply__free_unpacked(reply, NULL);
    reply = list(world, 1);
    assert_int_equal(reply->n_items, 0);
    assert_true(reply->has_total);
    assert_false(reply->counting);
    assert_int_equal(reply->total, MANY);
    assert_int_equal(reply->next_before, 0);
    caravan__list_reply__free_unpacked(reply, NULL);
}

static Caravan__ChangesReply *changes(struct ops_context *context, uint64_t after, char *country,
                                      int *code)
{
    Caravan__ChangesRequest request = CARAVAN__CHANGES_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    filter.n_country = 1;
    filter.country = &country;
    request.filter = &filter;
    request.has_after = request.has_wait_ms = 1;
    request.after = after;
    request.wait_ms = 1000;
    return run(context, "changes", &request.base, code);
}

/* Much that does not match is passed over in steps: an empty answer that leads on, not one long
 * wait for the others. */
static void test_ops_list__changes_lead_on_over_what_does_not_match(void **state)
{
    struct view_world *world = *state;
    struct ops_context context = context_of(world);
    Caravan__ChangesReply *reply;
    uint64_t after;
    int code;

    publish_many(world, MANY);
    announcements_publish(&world->writer, &world->partner, CALL, "Here", "TH", NULL);
    reply = changes(&context, 0, "TH", &code);
    assert_non_null(reply);
    assert_int_equal(reply->n_items, 0);
    after = reply->next_after;
    assert_in_range(after, 1, MANY);
    caravan__changes_reply__free_unpacked(reply, NULL);
    context.progress = 0;
    reply = changes(&context, after, "TH", &code);
    assert_non_null(reply);
    assert_int_equal(reply->n_items, 1);
    assert_string_equal(reply->items[0]->name, "th-partner/3");
    caravan__changes_reply__free_unpacked(reply, NULL);
}

/* A poll that waits does not read again what it has passed. */
static void test_ops_list__a_waiting_poll_goes_on_where_it_was(void **state)
{
    struct view_world *world = *state;
    struct ops_context context = context_of(world);
    Caravan__ChangesReply *reply;
    uint64_t start;
    int code;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    start = view_last_arrival(world->view);
    publish_many(world, 3);
    assert_null(changes(&context, start, "TH", &code));
    assert_int_equal(code, OPS_WAIT);
    assert_int_equal(context.progress, start + 3);
    publish_many(world, 2);
    assert_null(changes(&context, start, "TH", &code));
    assert_int_equal(code, OPS_WAIT);
    assert_int_equal(context.progress, start + 5);
    announcements_publish(&world->writer, &world->partner, CALL, "Here", "TH", NULL);
    reply = changes(&context, start, "TH", &code);
    assert_non_null(reply);
    assert_int_equal(reply->n_items, 1);
    assert_int_equal(reply->next_after, start + 6);
    caravan__changes_reply__free_unpacked(reply, NULL);
}

/* When its time is up, the answer says how far it has come. */
static void test_ops_list__the_last_try_answers(void **state)
{
    struct view_world *world = *state;
    struct ops_context context = context_of(world);
    Caravan__ChangesReply *reply;
    int code;

    publish_many(world, 3);
    context.last_try = true;
    reply = changes(&context, 1, "TH", &code);
    assert_non_null(reply);
    assert_int_equal(reply->n_items, 0);
    assert_int_equal(reply->next_after, view_last_arrival(world->view));
    caravan__changes_reply__free_unpacked(reply, NULL);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_ops_list__##name, view_world_setup, view_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(tells_the_total_once_it_is_counted),
        TEST(changes_lead_on_over_what_does_not_match),
        TEST(a_waiting_poll_goes_on_where_it_was),
        TEST(the_last_try_answers),
    };
    return cmocka_run_group_tests_name("ops_list", tests, NULL, NULL);
}
