/* read, import, resolve: feeds as a whole. backup, dial: care of the node. */
#include "node/ops/ops_parts.h"

#include "node/core/serve.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* --- read ------------------------------------------------------------------------------------- */

/* A run and the certificates share one reply. */
#define READ_RUN_SIZE (LIMIT_MESSAGE_SIZE / 2)

struct parts {
    struct buffer run, certificates;
};

static int read_parts(struct ops_context *context, const struct id *feed, uint64_t first,
                      struct parts *parts, uint64_t *count, struct error *error)
{
    const struct store *store = &context->store;
    struct store_feed known;
    int code = store->operations->get_feed(store->self, feed, &known, error);

    if (code)
        return error_prefix(error, "cannot read the feed");
    if (first == 1)
        code = serve_certificates(store, feed, 0, &parts->certificates, error);
    if (!code && first <= known.signed_seq)
        code = serve_run(store, feed, first, known.head.seq, READ_RUN_SIZE, 0, &parts->run, count,
                         error);
    return code;
}

int ops_feed_read(struct ops_context *context, const ProtobufCMessage *message,
                  struct buffer *reply, struct error *error)
{
    const Caravan__ReadRequest *request = (const Caravan__ReadRequest *)message;
    Caravan__ReadReply answer = CARAVAN__READ_REPLY__INIT;
    uint64_t first = request->first ? request->first : 1;
    struct parts parts = {{0}, {0}};
    struct id feed;
    uint64_t count = 0;
    int code = ops_take_feed(&request->feed, &feed, error);

    if (!code)
        code = read_parts(context, &feed, first, &parts, &count, error);
    if (!code) {
        answer.has_run = count > 0;
        answer.run.data = parts.run.data;
        answer.run.len = parts.run.size;
        answer.has_certificates = first == 1;
        answer.certificates.data = parts.certificates.data;
        answer.certificates.len = parts.certificates.size;
        answer.has_next = true;
        answer.next = first + count;
        code = ops_reply(&answer.base, reply, error);
    }
    buffer_finish(&parts.run);
    buffer_finish(&parts.certificates);
    return code;
}

int ops_feed_import(struct ops_context *context, const ProtobufCMessage *message,
                    struct buffer *reply, struct error *error)
{
    const Caravan__ImportRequest *request = (const Caravan__ImportRequest *)message;
    Caravan__ImportReply answer = CARAVAN__IMPORT_REPLY__INIT;
    int code = exchange_import(context->exchange,
                               span_of(request->certificates.data, request->certificates.len),
                               span_of(request->run.data, request->run.len), &answer.added,
                               &answer.known, &answer.seq, error);

    if (code)
        return code;
    answer.has_added = answer.has_known = answer.has_seq = true;
    return ops_reply(&answer.base, reply, error);
}

int ops_feed_resolve(struct ops_context *context, const ProtobufCMessage *message,
                     struct buffer *reply, struct error *error)
{
    const Caravan__ResolveRequest *request = (const Caravan__ResolveRequest *)message;
    Caravan__ResolveReply answer = CARAVAN__RESOLVE_REPLY__INIT;
    const struct store *store = &context->store;
    struct store_feed known;
    struct id feed;
    int code = view_resolve(context->view, request->name ? request->name : "", &feed, error);

    if (!code)
        code = store->operations->get_feed(store->self, &feed, &known, error);
    if (code)
        return code;
    answer.has_feed = answer.has_seq = true;
    answer.feed = ops_id(&feed);
    answer.handle = (char *)(uintptr_t)view_handle(context->view, &feed);
    answer.seq = known.head.seq;
    return ops_reply(&answer.base, reply, error);
}

/* --- care ------------------------------------------------------------------------------------- */

int ops_feed_backup(struct ops_context *context, const ProtobufCMessage *message,
                    struct buffer *reply, struct error *error)
{
    const Caravan__BackupRequest *request = (const Caravan__BackupRequest *)message;
    Caravan__BackupReply answer = CARAVAN__BACKUP_REPLY__INIT;
    int code;

    if (!request->file || request->file[0] != '/')
        return error_set(error, ERROR_INVALID, "file: found \"%.80s\", expected an absolute path",
                         request->file ? request->file : "");
    if (!context->backup)
        return error_set(error, ERROR_INTERNAL, "this node cannot write backups");
    code = context->backup(context->self, request->file, &answer.size, error);
    if (code)
        return code;
    answer.has_size = true;
    return ops_reply(&answer.base, reply, error);
}

struct partner {
    const char *handle; /* asked for; "" any */
    struct id feed;
    char found_handle[LIMIT_HANDLE_SIZE + 1];
    bool known, found; /* a partner of that name; … that is connected */
};

static void find_partner(void *context, const struct exchange_feed_state *state)
{
    struct partner *partner = context;

    if (!state->partner || partner->found ||
        (partner->handle[0] && strcasecmp(partner->handle, state->handle) != 0))
        return;
    partner->known = true;
    partner->found = state->exchanging;
    partner->feed = state->feed;
    memcpy(partner->found_handle, state->handle, sizeof partner->found_handle);
}

static int pick_partner(const struct ops_context *context, const Caravan__DialRequest *request,
                        struct partner *partner, struct error *error)
{
    memset(partner, 0, sizeof *partner);
    partner->handle = request->handle ? request->handle : "";
    exchange_feeds(context->exchange, find_partner, partner);
    if (partner->found)
        return ERROR_NONE;
    if (partner->handle[0] && !partner->known)
        return error_set(error, ERROR_NOT_FOUND, "there is no partner %.40s; see: caravan status",
                         partner->handle);
    if (partner->handle[0])
        return error_set(error, ERROR_BUSY, "%.40s is not connected, so it cannot dial back",
                         partner->handle);
    return error_set(error, ERROR_BUSY, "no partner is connected, so nobody can dial back");
}

uint32_t ops_feed_dial_wait(const ProtobufCMessage *request)
{
    uint32_t wait_ms = ((const Caravan__DialRequest *)request)->wait_ms;

    return wait_ms < OPS_WAIT_MAX_MS ? wait_ms : OPS_WAIT_MAX_MS;
}

int ops_feed_dial(struct ops_context *context, const ProtobufCMessage *message,
                  struct buffer *reply, struct error *error)
{
    Caravan__DialReply answer = CARAVAN__DIAL_REPLY__INIT;
    struct exchange_dialled dialled = {0};
    struct partner partner;
    int code = pick_partner(context, (const Caravan__DialRequest *)message, &partner, error);

    if (code)
        return code;
    if (context->first_try && !exchange_dial(context->exchange, &partner.feed))
        return error_set(error, ERROR_BUSY, "%s cannot be asked now; try again",
                         partner.found_handle);
    exchange_dialled(context->exchange, &partner.feed, &dialled);
    if (!dialled.known)
        return context->last_try ? error_set(error, ERROR_TIMEOUT, "%s has not answered yet",
                                             partner.found_handle)
                                 : OPS_WAIT;
    answer.handle = partner.found_handle;
    answer.has_live_up = answer.has_sync_up = true;
    answer.live_up = dialled.live_up;
    answer.sync_up = dialled.sync_up;
    answer.text = dialled.text;
    return ops_reply(&answer.base, reply, error);
}
