#include "node/ops/operations.h"

#include "common/fields.h"
#include "common/guard.h"
#include "common/wire.h"
#include "node/ops/ops_parts.h"

#include <string.h>

#define ROW(text, type, answer, thread, verb, place, waiting, handler)                             \
    {                                                                                              \
        .name = (text), .request = &caravan__##type##__descriptor,                                 \
        .reply = &caravan__##answer##__descriptor, .where = (thread), .method = (verb),            \
        .path = (place), .wait_ms = (waiting), .run = (handler),                                   \
    }

/* What it carries is looked at before the writer has it. */
#define CHECKED(text, type, answer, verb, place, look, handler)                                    \
    {                                                                                              \
        .name = (text), .request = &caravan__##type##__descriptor,                                 \
        .reply = &caravan__##answer##__descriptor, .where = OPS_WRITER, .method = (verb),          \
        .path = (place), .check = (look), .run = (handler),                                        \
    }

const struct ops_operation ops_operations[] = {
    CHECKED("publish", publish_request, publish_reply, "POST", "/announcements",
            ops_publish_check_new, ops_publish_new),
    CHECKED("revise", revise_request, publish_reply, "POST", "/announcements/revise",
            ops_publish_check_revise, ops_publish_revise),
    ROW("withdraw", withdraw_request, publish_reply, OPS_WRITER, "POST", "/announcements/withdraw",
        NULL, ops_publish_withdraw),
    ROW("prepare", prepare_request, prepare_reply, OPS_READER, "POST", "/prepare", NULL,
        ops_prepare),
    ROW("put", put_request, publish_reply, OPS_WRITER, "POST", "/entries", NULL, ops_publish_put),
    ROW("list", list_request, list_reply, OPS_READER, "GET", "/announcements", NULL, ops_list),
    ROW("show", show_request, show_reply, OPS_READER, "GET", "/announcement", NULL, ops_list_show),
    ROW("history", history_request, history_reply, OPS_READER, "GET", "/announcement/history", NULL,
        ops_list_history),
    ROW("inbox", inbox_request, inbox_reply, OPS_READER, "GET", "/inbox", NULL, ops_inbox),
    ROW("mark", mark_request, mark_reply, OPS_READER, "POST", "/inbox/read", NULL, ops_inbox_mark),
    ROW("changes", changes_request, changes_reply, OPS_READER, "GET", "/changes",
        ops_list_changes_wait, ops_list_changes),
    ROW("coverage", coverage_request, coverage_reply, OPS_WRITER, "GET", "/coverage",
        ops_status_coverage_wait, ops_status_coverage),
    ROW("status", empty, status_reply, OPS_WRITER, "GET", "/status", NULL, ops_status),
    ROW("keys", keys_request, keys_reply, OPS_WRITER, "GET", "/keys", NULL, ops_keys),
    ROW("certify", certify_request, certify_reply, OPS_WRITER, "POST", "/keys", NULL,
        ops_keys_certify),
    ROW("retire", empty, empty, OPS_WRITER, "POST", "/keys/retire", NULL, ops_keys_retire),
    ROW("read", read_request, read_reply, OPS_READER, "GET", "/feed", NULL, ops_feed_read),
    ROW("import", import_request, import_reply, OPS_WRITER, "POST", "/feed", NULL, ops_feed_import),
    ROW("resolve", resolve_request, resolve_reply, OPS_READER, "GET", "/institution", NULL,
        ops_feed_resolve),
    ROW("backup", backup_request, backup_reply, OPS_READER, "POST", "/backup", NULL,
        ops_feed_backup),
    ROW("dial", dial_request, dial_reply, OPS_WRITER, "POST", "/dial", ops_feed_dial_wait,
        ops_feed_dial),
    {.name = NULL},
};

enum { REQUEST_ID = 1, REQUEST_OPERATION, REQUEST_REQUEST, REQUEST_COUNT };

static const struct fields_rule request_rules[REQUEST_COUNT] = {
    [REQUEST_ID] = {FIELDS_U64, "id", 0, false},
    [REQUEST_OPERATION] = {FIELDS_BYTES, "operation", 0, true},
    [REQUEST_REQUEST] = {FIELDS_BYTES, "request", 0, false},
};
static const struct fields_message request_message = {"ControlRequest", request_rules,
                                                      REQUEST_COUNT};

static const struct ops_operation *find(struct span name)
{
    for (const struct ops_operation *operation = ops_operations; operation->name; operation++)
        if (span_equal(name, span_of_text(operation->name)))
            return operation;
    return NULL;
}

const struct ops_operation *ops_find(const char *name)
{
    return find(span_of_text(name));
}

/* They cost no more than their own memory where they wait: before they are unpacked. */
static int check_size(const struct ops_operation *operation, struct span request,
                      struct error *error)
{
    bool reads = operation->where == OPS_READER || strcmp(operation->method, "GET") == 0;

    if (!reads || request.size <= LIMIT_READING_SIZE)
        return ERROR_NONE;
    return error_set(error, ERROR_TOO_LARGE, "found %zu bytes, expected at most %d", request.size,
                     LIMIT_READING_SIZE);
}

int ops_read(struct span bytes, struct arena *arena, uint64_t *id,
             const struct ops_operation **operation, ProtobufCMessage **request,
             struct error *error)
{
    struct fields_value in[REQUEST_COUNT];
    const struct ops_operation *found;
    char name[64];
    int code = fields_read(&request_message, bytes, in, error);

    *id = in[REQUEST_ID].number;
    if (code)
        return error_prefix(error, "control request");
    found = find(in[REQUEST_OPERATION].bytes);
    if (!found)
        return error_set(
            error, ERROR_INVALID,
            "control request: operation: found \"%s\", expected one that this node has; "
            "is the client newer than the node?",
            bytes_visible(in[REQUEST_OPERATION].bytes, name, sizeof name));
    code = check_size(found, in[REQUEST_REQUEST].bytes, error);
    if (!code)
        code = guard_unpack(found->request, in[REQUEST_REQUEST].bytes, &guard_limits_message, arena,
                            request, error);
    if (code)
        return error_prefix(error, "request of \"%s\"", found->name);
    *operation = found;
    return ERROR_NONE;
}

int ops_run(const struct ops_operation *operation, struct ops_context *context,
            const ProtobufCMessage *request, struct buffer *reply, struct error *error)
{
    int code = operation->where == OPS_READER ? view_update(context->view, error) : ERROR_NONE;

    if (!code)
        code = operation->run(context, request, reply, error);
    if (code <= ERROR_NONE) /* what was tried on the way (a look-up that found nothing) is over */
        error_clear(error);
    return code;
}

/* Written field by field: a node in a burst writes a hundred thousand a second. */
enum { CONTROL_REPLY_ID = 1, CONTROL_REPLY_ERROR, CONTROL_REPLY_TEXT, CONTROL_REPLY_REPLY };

bool ops_write(uint64_t id, struct span reply, const struct error *error, struct buffer *out)
{
    if (!wire_put_number(out, CONTROL_REPLY_ID, id))
        return false;
    if (!error || error->code == ERROR_NONE)
        return wire_put_bytes(out, CONTROL_REPLY_REPLY, reply);
    return wire_put_bytes(out, CONTROL_REPLY_ERROR, span_of_text(error_name(error->code))) &&
           wire_put_bytes(out, CONTROL_REPLY_TEXT, span_of_text(error->text));
}

/* --- parts ------------------------------------------------------------------------------------ */

int ops_reply(const ProtobufCMessage *message, struct buffer *reply, struct error *error)
{
    size_t size = protobuf_c_message_get_packed_size(message);

    if (!buffer_reserve(reply, size ? size : 1))
        return error_memory(error);
    reply->size += protobuf_c_message_pack(message, reply->data + reply->size);
    return ERROR_NONE;
}

ProtobufCBinaryData ops_binary(struct arena *arena, const void *data, size_t size)
{
    ProtobufCBinaryData binary = {.len = 0, .data = arena_alloc(arena, size ? size : 1)};

    if (binary.data && size) {
        memcpy(binary.data, data, size);
        binary.len = size;
    }
    return binary;
}

char *ops_feed_name(struct arena *arena, const struct view *view, const struct id *feed)
{
    const char *handle = view_handle(view, feed);
    char hex[2 * sizeof feed->bytes + 1];

    if (*handle)
        return arena_copy_text(arena, handle, strlen(handle));
    bytes_to_hex(feed->bytes, sizeof feed->bytes, hex);
    return arena_copy_text(arena, hex, sizeof hex - 1);
}

ProtobufCBinaryData ops_id(const struct id *id)
{
    ProtobufCBinaryData binary = {.len = sizeof id->bytes, .data = (uint8_t *)(uintptr_t)id->bytes};

    return binary;
}

int ops_take_feed(const ProtobufCBinaryData *data, struct id *feed, struct error *error)
{
    if (span_to_id(span_of(data->data, data->len), feed))
        return ERROR_NONE;
    return error_set(error, ERROR_INVALID, "feed: found %zu bytes, expected 32", data->len);
}
