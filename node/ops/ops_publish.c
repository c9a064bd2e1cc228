/* publish, revise, withdraw: what the operator writes into the own feed. Rules bind here, so that
 * nothing is published that readers could not be shown. */
#include "node/ops/ops_erase.h"
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
    bool erases; /* an order to erase belongs to it */
    struct ops_erase erase;
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
enum { REPLY_FEED = 1, REPLY_SEQ, REPLY_HASH, REPLY_NAME, REPLY_REPEATED, REPLY_ERASED };

static bool write_erased(const struct ops_erase *erase, struct buffer *reply)
{
    bool done = true;

    for (size_t i = 0; done && i < erase->count; i++)
        done = wire_put_number(reply, REPLY_ERASED, erase->seqs[i]);
    return done;
}

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
                   wire_put_number(reply, REPLY_REPEATED, published->repeated) &&
                   write_erased(&publication->erase, reply)
               ? ERROR_NONE
               : error_memory(error);
}

/* A retry gets the first answer, whatever has happened since. *done: it was one. */
static int answer_retry(struct publication *publication, bool *done, struct buffer *reply,
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
    if (publication->erases)
        code = ops_erase_read(publication->context, published.seq, &publication->erase, error);
    return code ? code : write_answer(publication, &published, reply, error);
}

/* The view of our own feed, for what looks at it before it writes. */
static int update_view(const struct ops_context *context, struct error *error)
{
    int code = exchange_flush(context->exchange, error);

    return code ? code : view_update(context->view, error);
}

static int publish_content(const struct publication *publication,
                           struct exchange_published *published, struct error *error)
{
    if (publication->content.size > LIMIT_CONTENT_SIZE)
        return error_set(error, ERROR_TOO_LARGE,
                         "it takes %zu bytes, at most %d are allowed; shorten the texts, or put "
                         "details on a page and link to it",
                         publication->content.size, LIMIT_CONTENT_SIZE);
    return exchange_publish(publication->context->exchange, publication->content_type,
                            publication->content, publication->request, published, error);
}

static int publish(const struct publication *publication, struct buffer *reply, struct error *error)
{
    struct exchange_published published = {0};
    int code = publish_content(publication, &published, error);

    return code ? code : write_answer(publication, &published, reply, error);
}

/* Publishes the orders for what publication->erase names, if that is something. *published: what
 * was published with them before in this transaction, and answers for all; seq 0: nothing was, and
 * the first order answers. */
static int publish_order(const struct publication *publication,
                         struct exchange_published *published, struct error *error)
{
    struct ops_context *context = publication->context;
    struct exchange_published order = {0};
    bool alone = published->seq == 0;
    int code;

    if (!publication->erase.count)
        return ERROR_NONE;
    code = ops_erase_publish(context, &publication->erase, alone ? publication->request : NULL,
                             &order, error);
    if (code && !alone) /* one does not come without the other */
        exchange_break(context->exchange, error);
    if (!code && alone)
        *published = order;
    return code;
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
    struct exchange_published published; /* in force; then the answer */
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

/* It says so already; but there may be earlier texts to erase. */
static int revise_nothing(struct publication *publication, struct comparison *comparison,
                          struct buffer *reply, struct error *error)
{
    struct exchange_published published = {0};
    int code = ERROR_NONE;

    if (publication->erases)
        code = ops_erase_find(publication->context, publication->target, comparison->published.seq,
                              &publication->erase, error);
    if (!code)
        code = publish_order(publication, &published, error);
    if (code)
        return code;
    return write_answer(publication, published.seq ? &published : &comparison->published, reply,
                        error);
}

static int publish_revision(struct publication *publication, const Caravan__ReviseRequest *request,
                            struct buffer *reply, struct error *error)
{
    struct exchange_published published = {0};
    struct buffer content = {0};
    int code = publication->erases ? ops_erase_find(publication->context, publication->target, 0,
                                                    &publication->erase, error)
                                   : ERROR_NONE;

    if (!code)
        code = pack_revision(request, &content, error);
    publication->content = buffer_span(&content);
    if (!code)
        code = publish_content(publication, &published, error);
    if (!code)
        code = publish_order(publication, &published, error);
    if (!code)
        code = write_answer(publication, &published, reply, error);
    buffer_finish(&content);
    return code;
}

static int revise(struct publication *publication, const Caravan__ReviseRequest *request,
                  struct buffer *reply, struct error *error)
{
    struct comparison comparison = {.content = span_of(request->content.data, request->content.len),
                                    .error = error};
    struct ops_context *context = publication->context;
    int code = check(context, &request->base, ops_publish_check_revise, &comparison.unknown, error);

    if (!code)
        code = check_change(context, request->announcement, false, error);
    if (!code)
        code = view_show(context->view, &context->feed, request->announcement, compare, &comparison,
                         error);
    if (code)
        return code;
    if (comparison.same)
        return revise_nothing(publication, &comparison, reply, error);
    return comparison.code ? comparison.code : publish_revision(publication, request, reply, error);
}

int ops_publish_revise(struct ops_context *context, const ProtobufCMessage *message,
                       struct buffer *reply, struct error *error)
{
    const Caravan__ReviseRequest *request = (const Caravan__ReviseRequest *)message;
    struct publication publication = {
        .context = context,
        .content_type = TYPE(REVISION),
        .target = request->announcement,
        .erases = request->erase_earlier,
    };
    bool done = false;
    int code =
        take_request_id(request->has_request_id, &request->request_id, &publication.request, error);

    if (!code)
        code = answer_retry(&publication, &done, reply, error);
    if (!code && !done)
        code = revise(&publication, request, reply, error);
    ops_erase_finish(&publication.erase);
    return code;
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

static int publish_withdrawal(struct publication *publication,
                              const Caravan__WithdrawRequest *request,
                              struct exchange_published *published, struct error *error)
{
    struct buffer content = {0};
    int code = check_change(publication->context, request->announcement, true, error);

    if (!code)
        code = pack_withdrawal(request, &content, error);
    publication->content = buffer_span(&content);
    if (!code)
        code = publish_content(publication, published, error);
    buffer_finish(&content);
    return code;
}

static int take_entry(void *context, const struct store_entry *entry)
{
    ((struct exchange_published *)context)->hash = entry->entry.hash;
    return 1;
}

/* What has withdrawn and erased it before answers. */
static int find_order(const struct publication *publication, struct exchange_published *published,
                      struct error *error)
{
    const struct ops_context *context = publication->context;

    *published = (struct exchange_published){.seq = publication->erase.erased_by, .repeated = true};
    return context->store.operations->entries(context->store.self, &context->feed, published->seq,
                                              published->seq, take_entry, published, error);
}

static int withdraw(struct publication *publication, const Caravan__WithdrawRequest *request,
                    struct buffer *reply, struct error *error)
{
    struct exchange_published published = {0};
    bool withdrawn = false;
    int code = ERROR_NONE;

    if (publication->erases)
        code = ops_erase_find(publication->context, request->announcement, 0, &publication->erase,
                              error);
    /* A reason for what was withdrawn before would be lost: then it is refused as without erase. */
    withdrawn = publication->erase.withdrawn_by && !request->n_reason;
    if (!code && !withdrawn)
        code = publish_withdrawal(publication, request, &published, error);
    if (!code)
        code = publish_order(publication, &published, error);
    if (!code && !published.seq)
        code = find_order(publication, &published, error);
    return code ? code : write_answer(publication, &published, reply, error);
}

int ops_publish_withdraw(struct ops_context *context, const ProtobufCMessage *message,
                         struct buffer *reply, struct error *error)
{
    const Caravan__WithdrawRequest *request = (const Caravan__WithdrawRequest *)message;
    struct publication publication = {
        .context = context,
        .content_type = TYPE(WITHDRAWAL),
        .target = request->announcement,
        .erases = request->erase,
    };
    bool done = false;
    int code =
        take_request_id(request->has_request_id, &request->request_id, &publication.request, error);

    if (!code)
        code = answer_retry(&publication, &done, reply, error);
    if (!code && !done)
        code = ops_publish_check_reason(request->reason, request->n_reason, error);
    if (!code && !done)
        code = withdraw(&publication, request, reply, error);
    ops_erase_finish(&publication.erase);
    return code;
}

/* --- put -------------------------------------------------------------------------------------- */

/* What prepare makes. Everything else has its own operation, which checks it. */
static bool may_put(uint32_t type)
{
    return type == TYPE(CONFIRMATION) || type == TYPE(PROPOSAL) || type == TYPE(OUTCOME) ||
           type == TYPE(SEALED);
}

/* What was published with an order before is not ordered again. */
static int put(const struct publication *publication, bool has_content, struct buffer *reply,
               struct error *error)
{
    struct exchange_published published = {0};
    int code = has_content ? publish_content(publication, &published, error) : ERROR_NONE;

    if (!code && !published.repeated)
        code = publish_order(publication, &published, error);
    return code ? code : write_answer(publication, &published, reply, error);
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

    publication.erase.seqs = request->erase; /* borrowed */
    publication.erase.count = request->n_erase;
    if (!code && request->has_content && !may_put(request->content_type))
        code = error_set(error, ERROR_INVALID,
                         "content_type: found %" PRIu32 ", expected what prepare gives",
                         request->content_type);
    if (!code && !request->has_content && !request->n_erase)
        code = error_set(error, ERROR_INVALID, "content: found none, expected what prepare gives");
    if (!code)
        code = ops_erase_check(request->n_erase, error);
    return code ? code : put(&publication, request->has_content, reply, error);
}
