/* publish, revise, withdraw: what the operator writes into the own feed. Rules bind here, so that
 * nothing is published that readers could not be shown. */
#include "node/ops/ops_parts.h"

#include "common/announcement.h"
#include "common/guard.h"
#include "common/reflect.h"
#include "common/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* One thing to publish. target: the announcement that the answer names; 0: what is published. */
struct publication {
    struct ops_context *context;
    const uint8_t *request; /* id, or NULL */
    uint32_t content_type;
    struct span content;
    uint64_t target;
};

static int take_request_id(bool present, const ProtobufCBinaryData *data, const uint8_t **id,
                           struct error *error)
{
    *id = NULL;
    if (!present)
        return ERROR_NONE;
    if (data->len != STORE_REQUEST_ID_SIZE)
        return error_set(error, ERROR_INVALID, "request_id: found %zu bytes, expected %d",
                         data->len, STORE_REQUEST_ID_SIZE);
    *id = data->data;
    return ERROR_NONE;
}

/* As operations.c does it. */
enum { REPLY_FEED = 1, REPLY_SEQ, REPLY_HASH, REPLY_NAME, REPLY_REPEATED };

static int write_answer(const struct publication *publication,
                        const struct exchange_published *published, struct buffer *reply,
                        struct error *error)
{
    const struct ops_context *context = publication->context;
    char name[VIEW_NAME_SIZE];

    snprintf(name, sizeof name, "%s/%" PRIu64, exchange_own_handle(context->exchange),
             publication->target ? publication->target : published->seq);
    return wire_put_bytes(reply, REPLY_FEED, span_of_id(&context->feed)) &&
                   wire_put_number(reply, REPLY_SEQ, published->seq) &&
                   wire_put_bytes(reply, REPLY_HASH, span_of_id(&published->hash)) &&
                   wire_put_bytes(reply, REPLY_NAME, span_of_text(name)) &&
                   wire_put_number(reply, REPLY_REPEATED, published->repeated)
               ? ERROR_NONE
               : error_memory(error);
}

/* A retry gets the first answer, whatever has happened since. *done: it was one. */
static int answer_retry(const struct publication *publication, bool *done, struct buffer *reply,
                        struct error *error)
{
    struct exchange_published published;
    struct error local;
    int code;

    *done = false;
    if (!publication->request)
        return ERROR_NONE;
    code = exchange_find_published(publication->context->exchange, publication->request, &published,
                                   &local);
    if (code == ERROR_NOT_FOUND)
        return ERROR_NONE;
    if (code)
        return error_set(error, local.code, "%s", local.text);
    *done = true;
    return write_answer(publication, &published, reply, error);
}

/* The view of our own feed, for what looks at it before it writes. */
static int update_view(const struct ops_context *context, struct error *error)
{
    int code = exchange_flush(context->exchange, error);

    return code ? code : view_update(context->view, error);
}

static int publish(const struct publication *publication, struct buffer *reply, struct error *error)
{
    struct exchange_published published = {0};
    int code;

    if (publication->content.size > LIMIT_CONTENT_SIZE)
        return error_set(error, ERROR_TOO_LARGE,
                         "it takes %zu bytes, at most %d are allowed; shorten the texts, or put "
                         "details on a page and link to it",
                         publication->content.size, LIMIT_CONTENT_SIZE);
    code = exchange_publish(publication->context->exchange, publication->content_type,
                            publication->content, publication->request, &published, error);
    return code ? code : write_answer(publication, &published, reply, error);
}

int ops_publish_check_bytes(bool present, const ProtobufCBinaryData *data, uint64_t now_ms,
                            size_t *unknown, struct error *error)
{
    struct problem_list problems = {.errors_only = true};
    struct moment_civil now;
    struct arena arena;
    ProtobufCMessage *message;
    int code;

    if (!present)
        return error_set(error, ERROR_INVALID,
                         "announcement is absent; expected the bytes of an announcement");
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__announcement__descriptor, span_of(data->data, data->len),
                        &guard_limits_content, &arena, &message, error);
    if (!code) {
        moment_ms_to_civil((int64_t)now_ms, 0, &now);
        announcement_check((const Caravan__Announcement *)message, &now.date, NULL, &problems);
        code = problem_list_error(&problems, "announcement", error);
        *unknown = reflect_unknown(message);
    }
    problem_list_finish(&problems);
    arena_finish(&arena);
    return code;
}

int ops_publish_check_new(const ProtobufCMessage *message, uint64_t now_ms, size_t *unknown,
                          struct error *error)
{
    const Caravan__PublishRequest *request = (const Caravan__PublishRequest *)message;

    return ops_publish_check_bytes(request->has_announcement, &request->announcement, now_ms,
                                   unknown, error);
}

int ops_publish_check_revise(const ProtobufCMessage *message, uint64_t now_ms, size_t *unknown,
                             struct error *error)
{
    const Caravan__ReviseRequest *request = (const Caravan__ReviseRequest *)message;

    return ops_publish_check_bytes(request->has_content, &request->content, now_ms, unknown, error);
}

/* The same, if it was not done before. */
static int check(const struct ops_context *context, const ProtobufCMessage *request,
                 int (*look)(const ProtobufCMessage *, uint64_t, size_t *, struct error *),
                 size_t *unknown, struct error *error)
{
    const struct ops_check *done = context->check;

    if (!done || !done->done)
        return look(request, context->now_ms, unknown, error);
    *unknown = done->unknown;
    return done->error ? error_set(error, done->error->code, "%s", done->error->text) : ERROR_NONE;
}

int ops_publish_new(struct ops_context *context, const ProtobufCMessage *message,
                    struct buffer *reply, struct error *error)
{
    const Caravan__PublishRequest *request = (const Caravan__PublishRequest *)message;
    struct publication publication = {
        .context = context,
        .content_type = TYPE(ANNOUNCEMENT),
        .content = span_of(request->announcement.data, request->announcement.len),
    };
    struct error retried;
    size_t unknown;
    bool done = false;
    int code =
        take_request_id(request->has_request_id, &request->request_id, &publication.request, error);

    if (code)
        return code;
    code = check(context, message, ops_publish_check_new, &unknown, error);
    if (!code)
        return publish(&publication, reply, error); /* which knows its request id */
    /* What was published once is answered again, whatever the rules say of it today. */
    return answer_retry(&publication, &done, reply, &retried) || !done ? code : ERROR_NONE;
}

/* What was published before in this transaction counts, too. */
static int check_change(const struct ops_context *context, uint64_t seq, bool withdraw,
                        struct error *error)
{
    int code = update_view(context, error);

    return code ? code : view_check_change(context->view, &context->feed, seq, withdraw, error);
}

/* --- revise ----------------------------------------------------------------------------------- */

static int refuse_to_drop(const char *drop, struct error *error)
{
    return error_set(error, ERROR_INVALID,
                     "revising would lose something of the announcement: %s; revise it with the "
                     "newer one",
                     drop);
}

int ops_publish_check_drop(const struct view_state *state, size_t unknown, struct error *error)
{
    const char *drop = NULL;
    struct arena arena;
    ProtobufCMessage *message;
    int code;

    if (state->min_reader > VIEW_SCHEMA_VERSION)
        drop = "it was written by a newer version of Caravan";
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__announcement__descriptor, state->content, &guard_limits_content,
                        &arena, &message, NULL);
    if (code == ERROR_NONE && reflect_unknown(message) > unknown)
        drop = "it has fields that this version of Caravan does not know";
    arena_finish(&arena);
    if (code == ERROR_MEMORY)
        return error_memory(error);
    return drop ? refuse_to_drop(drop, error) : ERROR_NONE;
}

/* What is in force, against what shall replace it. */
struct comparison {
    struct span content;
    size_t unknown;
    bool same;                           /* nothing would change */
    struct exchange_published published; /* in force */
    struct error *error;
    int code; /* whether it would lose something */
};

static int compare(void *context, const struct view_state *state)
{
    struct comparison *comparison = context;

    comparison->published = (struct exchange_published){state->event_seq, state->hash, true};
    comparison->same = state->has_content && span_equal(state->content, comparison->content);
    if (!comparison->same)
        comparison->code = ops_publish_check_drop(state, comparison->unknown, comparison->error);
    return 0;
}

static int pack_revision(const Caravan__ReviseRequest *request, struct buffer *out,
                         struct error *error)
{
    Caravan__Revision revision = CARAVAN__REVISION__INIT;

    revision.has_announcement = true;
    revision.announcement = request->announcement;
    revision.has_content = true;
    revision.content = request->content;
    return ops_reply(&revision.base, out, error);
}

static int revise(struct publication *publication, const Caravan__ReviseRequest *request,
                  struct buffer *reply, struct error *error)
{
    struct comparison comparison = {.content = span_of(request->content.data, request->content.len),
                                    .error = error};
    struct ops_context *context = publication->context;
    struct buffer content = {0};
    int code = check(context, &request->base, ops_publish_check_revise, &comparison.unknown, error);

    if (!code)
        code = check_change(context, request->announcement, false, error);
    if (!code)
        code = view_show(context->view, &context->feed, request->announcement, compare, &comparison,
                         error);
    if (code)
        goto out;
    if (comparison.same) {
        code = write_answer(publication, &comparison.published, reply, error);
        goto out;
    }
    code = comparison.code;
    if (code)
        goto out;
    code = pack_revision(request, &content, error);
    publication->content = buffer_span(&content);
    if (!code)
        code = publish(publication, reply, error);
out:
    buffer_finish(&content);
    return code;
}

int ops_publish_revise(struct ops_context *context, const ProtobufCMessage *message,
                       struct buffer *reply, struct error *error)
{
    const Caravan__ReviseRequest *request = (const Caravan__ReviseRequest *)message;
    struct publication publication = {
        .context = context,
        .content_type = TYPE(REVISION),
        .target = request->announcement,
    };
    bool done = false;
    int code =
        take_request_id(request->has_request_id, &request->request_id, &publication.request, error);

    if (!code)
        code = answer_retry(&publication, &done, reply, error);
    return code || done ? code : revise(&publication, request, reply, error);
}

/* --- withdraw --------------------------------------------------------------------------------- */

int ops_publish_check_reason(Caravan__LocalizedText *const *reasons, size_t count,
                             struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const Caravan__LocalizedText *reason = reasons[i];

        if (!reason->text || !*reason->text || !reason->lang || !*reason->lang)
            return error_set(error, ERROR_INVALID, "reason[%zu]: expected a text and its language",
                             i + 1);
        if (strlen(reason->text) > 4000)
            return error_set(error, ERROR_INVALID,
                             "reason[%zu]: found %zu bytes, expected at most 4000", i + 1,
                             strlen(reason->text));
    }
    return ERROR_NONE;
}

static int pack_withdrawal(const Caravan__WithdrawRequest *request, struct buffer *out,
                           struct error *error)
{
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;

    withdrawal.has_announcement = true;
    withdrawal.announcement = request->announcement;
    withdrawal.n_reason = request->n_reason;
    withdrawal.reason = request->reason;
    return ops_reply(&withdrawal.base, out, error);
}

int ops_publish_withdraw(struct ops_context *context, const ProtobufCMessage *message,
                         struct buffer *reply, struct error *error)
{
    const Caravan__WithdrawRequest *request = (const Caravan__WithdrawRequest *)message;
    struct publication publication = {
        .context = context,
        .content_type = TYPE(WITHDRAWAL),
        .target = request->announcement,
    };
    struct buffer content = {0};
    bool done = false;
    int code =
        take_request_id(request->has_request_id, &request->request_id, &publication.request, error);

    if (!code)
        code = answer_retry(&publication, &done, reply, error);
    if (code || done)
        return code;
    code = ops_publish_check_reason(request->reason, request->n_reason, error);
    if (!code)
        code = check_change(context, request->announcement, true, error);
    if (!code)
        code = pack_withdrawal(request, &content, error);
    publication.content = buffer_span(&content);
    if (!code)
        code = publish(&publication, reply, error);
    buffer_finish(&content);
    return code;
}

/* --- put -------------------------------------------------------------------------------------- */

/* What prepare makes. Everything else has its own operation, which checks it. */
static bool may_put(uint32_t type)
{
    return type == TYPE(CONFIRMATION) || type == TYPE(PROPOSAL) || type == TYPE(OUTCOME) ||
           type == TYPE(SEALED);
}

int ops_publish_put(struct ops_context *context, const ProtobufCMessage *message,
                    struct buffer *reply, struct error *error)
{
    const Caravan__PutRequest *request = (const Caravan__PutRequest *)message;
    struct publication publication = {
        .context = context,
        .content_type = request->content_type,
        .content = span_of(request->content.data, request->content.len),
    };
    int code =
        take_request_id(request->has_request_id, &request->request_id, &publication.request, error);

    if (!code && (!may_put(request->content_type) || !request->has_content))
        code = error_set(error, ERROR_INVALID,
                         "content_type: found %" PRIu32 ", expected what prepare gives, with its "
                         "content",
                         request->content_type);
    return code ? code : publish(&publication, reply, error);
}
