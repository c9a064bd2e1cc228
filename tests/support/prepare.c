#include "tests/support/prepare.h"

#include "tests/support/fault.h"
#include "tests/support/joint.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define NAME_SIZE 64

static int keep_certificate(void *context, const struct store_entry *stored)
{
    buffer_append(context, stored->entry.content.data, stored->entry.content.size);
    return 1;
}

/* As ingest does it with entry 1. */
static void know(struct prepare *world, const struct institution *institution)
{
    const struct store *store = &world->base->writer;
    struct buffer encoded = {0};
    struct store_certificate certificate = {.number = 1, .seq = 1};

    assert_int_equal(store->operations->entries(store->self, &institution->head.feed, 1, 1,
                                                keep_certificate, &encoded, NULL),
                     ERROR_NONE);
    certificate.encoded = buffer_span(&encoded);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    assert_int_equal(store->operations->put_certificate(store->self, &institution->head.feed,
                                                        &certificate, NULL),
                     ERROR_NONE);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    buffer_finish(&encoded);
}

int prepare_setup(void **state)
{
    struct prepare *world = calloc(1, sizeof *world);
    void *made = NULL;

    assert_non_null(world);
    assert_int_equal(view_world_setup(&made), 0);
    world->base = made;
    institution_init(&world->third, 3);
    institution_init(&world->fourth, 4);
    announcements_join(&world->base->writer, &world->third, "ru-third", "RU");
    announcements_join(&world->base->writer, &world->fourth, "za-fourth", "ZA");
    know(world, &world->base->own);
    know(world, &world->base->partner);
    know(world, &world->third);
    sealed_eyes_open(&world->eyes, &world->base->reader, &world->base->own);
    arena_init(&world->arena, 64 * 1024 * 1024);
    *state = world;
    return 0;
}

int prepare_teardown(void **state)
{
    struct prepare *world = *state;
    void *made = world->base;

    arena_finish(&world->arena);
    sealed_eyes_close(&world->eyes);
    institution_finish(&world->third);
    institution_finish(&world->fourth);
    free(world);
    return view_world_teardown(&made);
}

/* --- contents --------------------------------------------------------------------------------- */

struct span prepare_pack(struct prepare *world, const ProtobufCMessage *message)
{
    uint8_t *bytes = arena_alloc(&world->arena, protobuf_c_message_get_packed_size(message) + 1);

    assert_non_null(bytes);
    return span_of(bytes, protobuf_c_message_pack(message, bytes));
}

const char *prepare_name(struct prepare *world, const char *handle, uint64_t seq)
{
    char *name = arena_alloc(&world->arena, NAME_SIZE);

    assert_non_null(name);
    snprintf(name, NAME_SIZE, "%s/%" PRIu64, handle, seq);
    return name;
}

struct span prepare_keep(struct prepare *world, struct buffer *content)
{
    struct span kept =
        span_of(arena_copy_text(&world->arena, content->data, content->size), content->size);

    buffer_finish(content);
    return kept;
}

struct span prepare_visit(struct prepare *world, const char *title)
{
    struct buffer content = {0};

    announcements_write(CARAVAN__KIND__KIND_VISIT, title, "CN", NULL, &content);
    return prepare_keep(world, &content);
}

struct span prepare_call(struct prepare *world, struct institution *lead, struct institution *side)
{
    struct institution *sides[] = {lead, side};
    const unsigned days[] = {15, 1};
    struct buffer content = {0};

    joint_write("Call", sides, days, 2, &content);
    return prepare_keep(world, &content);
}

const char *prepare_partners_call(struct prepare *world)
{
    return prepare_name(
        world, "th-partner",
        announcements_keep(&world->base->writer, &world->base->partner, TYPE(ANNOUNCEMENT),
                           prepare_call(world, &world->base->partner, &world->base->own)));
}

const char *prepare_visit_of(struct prepare *world, struct institution *publisher,
                             const char *handle)
{
    return prepare_name(world, handle,
                        announcements_publish(&world->base->writer, publisher,
                                              CARAVAN__KIND__KIND_VISIT, "Visit", "CN", NULL));
}

/* --- asking ----------------------------------------------------------------------------------- */

struct ops_context prepare_context(struct prepare *world)
{
    return (struct ops_context){.store = world->base->reader,
                                .view = world->eyes.view,
                                .opened = world->eyes.opened,
                                .network = INSTITUTION_NETWORK,
                                .feed = world->base->own.head.feed,
                                .now_ms = INSTITUTION_START_MS,
                                .first_try = true,
                                .last_try = true};
}

void *prepare_run(struct prepare *world, const char *name, const ProtobufCMessage *request,
                  int *code)
{
    const struct ops_operation *operation = ops_find(name);
    struct ops_context context = prepare_context(world);
    struct buffer bytes = {0};
    void *reply = NULL;

    error_clear(&world->error);
    *code = ops_run(operation, &context, request, &bytes, &world->error);
    if (!*code)
        reply = protobuf_c_message_unpack(operation->reply, &world->arena.allocator, bytes.size,
                                          bytes.data);
    buffer_finish(&bytes);
    return reply;
}

Caravan__PrepareRequest prepare_request(const char *name, uint32_t type, struct span content)
{
    Caravan__PrepareRequest request = CARAVAN__PREPARE_REQUEST__INIT;

    request.name = (char *)(uintptr_t)name;
    request.has_content_type = request.has_content = 1;
    request.content_type = type;
    request.content.data = (uint8_t *)(uintptr_t)content.data;
    request.content.len = content.size;
    return request;
}

Caravan__PrepareReply *prepare_reply(struct prepare *world, const Caravan__PrepareRequest *request)
{
    int code;
    void *reply = prepare_run(world, "prepare", &request->base, &code);

    if (!reply)
        fail_msg("prepare: %s", world->error.text);
    return reply;
}

void prepare_refuse(struct prepare *world, const Caravan__PrepareRequest *request,
                    enum error_code expected, const char *part)
{
    int code;

    assert_null(prepare_run(world, "prepare", &request->base, &code));
    if (code != (int)expected || !strstr(world->error.text, part))
        fail_msg("%s \"%s\", expected %s \"%s\"", error_name((enum error_code)code),
                 world->error.text, error_name(expected), part);
    assert_int_equal(world->error.code, expected);
}

void prepare_refuse_one(struct prepare *world, const char *name, uint32_t type, struct span content,
                        enum error_code expected, const char *part)
{
    Caravan__PrepareRequest request = prepare_request(name, type, content);

    prepare_refuse(world, &request, expected, part);
}

Caravan__PrepareReply *prepare_one(struct prepare *world, const char *name, uint32_t type,
                                   struct span content)
{
    Caravan__PrepareRequest request = prepare_request(name, type, content);

    return prepare_reply(world, &request);
}

uint64_t prepare_put(struct prepare *world, const Caravan__PrepareReply *reply)
{
    return announcements_keep(&world->base->writer, &world->base->own, reply->content_type,
                              span_of(reply->content.data, reply->content.len));
}

Caravan__PrepareReply *prepare_announcement(struct prepare *world, char **audience, size_t count)
{
    Caravan__PrepareRequest request =
        prepare_request(NULL, TYPE(ANNOUNCEMENT), prepare_visit(world, "For some"));

    request.n_audience = count;
    request.audience = audience;
    return prepare_reply(world, &request);
}

static int take_type(void *context, const struct store_entry *stored)
{
    *(uint32_t *)context = stored->entry.content_type;
    return 1;
}

uint32_t prepare_type_for(struct prepare *world, struct institution *institution, uint64_t seq)
{
    struct opened *opened;
    struct store store;
    uint32_t type = 0;

    assert_int_equal(opened_create(&world->base->reader, INSTITUTION_NETWORK, &institution->sealing,
                                   1, &opened, NULL),
                     ERROR_NONE);
    store = opened_store(opened);
    assert_int_equal(store.operations->entries(store.self, &world->base->own.head.feed, 1, seq,
                                               take_type, &type, NULL),
                     ERROR_NONE);
    /* all are visited, so that Readers count */
    for (uint64_t i = 1; i <= world->base->own.head.seq; i++)
        assert_int_equal(store.operations->entries(store.self, &world->base->own.head.feed, i, i,
                                                   take_type, &type, NULL),
                         ERROR_NONE);
    assert_int_equal(store.operations->entries(store.self, &world->base->own.head.feed, seq, seq,
                                               take_type, &type, NULL),
                     ERROR_NONE);
    opened_destroy(opened);
    return type;
}

Caravan__PrepareReply *prepare_confirm(struct prepare *world, const char *call, bool declined)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;

    confirmation.has_declined = confirmation.declined = declined;
    return prepare_one(world, call, TYPE(CONFIRMATION), prepare_pack(world, &confirmation.base));
}

void prepare_fail_each(struct prepare *world, const char *operation,
                       const ProtobufCMessage *request)
{
    struct ops_context context = prepare_context(world);
    bool done = false;

    for (unsigned long n = 1; !done; n++) {
        struct buffer bytes = {0};
        int code;

        error_clear(&world->error);
        fault_arm(n);
        code = ops_run(ops_find(operation), &context, request, &bytes, &world->error);
        done = !fault_disarm();
        if (code != (done ? ERROR_NONE : ERROR_MEMORY))
            fail_msg("%s, allocation %lu: code %d, %s", operation, n, code, world->error.text);
        buffer_finish(&bytes);
    }
}
