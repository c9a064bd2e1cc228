/* Our own keys: what is in force, who knows it, and bringing a new certificate into force. */
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "common/wire.h"
#include "node/ops/ops_parts.h"

#define QUARANTINED_MAX 100

struct showing {
    struct ops_context *context;
    struct arena arena;
    Caravan__KeysReply answer;
    size_t partner_room, quarantined_room;
    bool no_memory;
};

/* Makes room for one more pointer in a list that is freed at the end. */
static bool reserve_one(void *list, size_t count, size_t *room)
{
    void ***pointers = list, **more;
    size_t wanted = *room ? *room * 2 : 16;

    if (count < *room)
        return true;
    more = realloc(*pointers, wanted * sizeof *more);
    if (!more)
        return false;
    *pointers = more;
    *room = wanted;
    return true;
}

static void visit_feed(void *context, const struct exchange_feed_state *state)
{
    struct showing *showing = context;
    Caravan__KeysReply *answer = &showing->answer;
    Caravan__KeysPartner *row;

    if (state->own) {
        answer->has_seq = answer->has_frozen = true;
        answer->seq = state->head.seq;
        answer->frozen = state->frozen;
    }
    if (!state->partner)
        return;
    row = arena_alloc(&showing->arena, sizeof *row);
    if (!row || !reserve_one(&answer->partners, answer->n_partners, &showing->partner_room)) {
        showing->no_memory = true;
        return;
    }
    caravan__keys_partner__init(row);
    row->has_feed = row->has_newest = row->has_exchanging = true;
    row->feed = ops_binary(&showing->arena, state->feed.bytes, sizeof state->feed.bytes);
    row->handle = arena_copy_text(&showing->arena, state->handle, strlen(state->handle));
    row->newest = state->received_newest;
    row->exchanging = state->exchanging;
    answer->partners[answer->n_partners++] = row;
}

/* NULL when it is no announcement that can be read. */
static char *title_of(struct arena *out, const struct entry *entry)
{
    const Caravan__Announcement *announcement;
    ProtobufCMessage *message = NULL;
    struct arena arena;
    char *title = NULL;

    if (entry->content_type != CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT ||
        !entry->has_content)
        return NULL;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__announcement__descriptor, entry->content, &guard_limits_content,
                     &arena, &message, NULL) == ERROR_NONE) {
        announcement = (const Caravan__Announcement *)message;
        if (announcement->n_title && announcement->title[0]->text)
            title = arena_copy_text(out, announcement->title[0]->text,
                                    strlen(announcement->title[0]->text));
    }
    arena_finish(&arena);
    return title;
}

static int visit_quarantined(void *context, const struct store_quarantined *quarantined)
{
    struct showing *showing = context;
    Caravan__KeysReply *answer = &showing->answer;
    const struct entry *entry = &quarantined->entry.entry;
    Caravan__KeysQuarantined *row;

    answer->quarantined_total++;
    if (answer->n_quarantined == QUARANTINED_MAX)
        return 0;
    row = arena_alloc(&showing->arena, sizeof *row);
    if (!row ||
        !reserve_one(&answer->quarantined, answer->n_quarantined, &showing->quarantined_room)) {
        showing->no_memory = true;
        return 1;
    }
    caravan__keys_quarantined__init(row);
    row->has_seq = row->has_hash = row->has_content_type = row->has_created_ms = true;
    row->seq = entry->seq;
    row->hash = ops_binary(&showing->arena, entry->hash.bytes, sizeof entry->hash.bytes);
    row->content_type = entry->content_type;
    row->created_ms = entry->created_ms;
    row->title = title_of(&showing->arena, entry);
    answer->quarantined[answer->n_quarantined++] = row;
    return 0;
}

static bool add_certificates(struct showing *showing)
{
    const struct exchange *exchange = showing->context->exchange;
    const struct identity_chain *chain = exchange_own_chain(exchange);
    Caravan__KeysReply *answer = &showing->answer;
    struct buffer bytes = {0};
    bool ok = wire_put_bytes(&bytes, 2, span_of_id(&chain->feed));

    answer->certificate = arena_alloc(&showing->arena, (chain->count + 1) * sizeof(void *));
    for (size_t i = 0; i < chain->count && ok && answer->certificate; i++) {
        const struct identity_certificate *from = &chain->certificates[i];
        Caravan__KeysCertificate *row = arena_alloc(&showing->arena, sizeof *row);

        ok = row && wire_put_bytes(&bytes, 3, buffer_span(&chain->encoded[i]));
        if (!ok)
            break;
        caravan__keys_certificate__init(row);
        row->has_number = row->has_created_ms = row->has_by_recovery = true;
        row->has_former_stolen = row->has_seq = true;
        row->number = from->number;
        row->created_ms = from->created_ms;
        row->by_recovery = from->by_recovery;
        row->former_stolen = from->former_stolen;
        row->seq = exchange_own_certificate_seq(exchange, from->number);
        answer->certificate[answer->n_certificate++] = row;
    }
    answer->has_certificates = ok;
    if (ok)
        answer->certificates = ops_binary(&showing->arena, bytes.data, bytes.size);
    buffer_finish(&bytes);
    return ok && answer->certificate;
}

/* *hash is room for place->hash. */
static int take_place(uint64_t after, bool has_hash, const ProtobufCBinaryData *data,
                      struct id *hash, struct exchange_place *place, struct error *error)
{
    *place = (struct exchange_place){.after = after};
    if (!has_hash)
        return ERROR_NONE;
    if (!span_to_id(span_of(data->data, data->len), hash))
        return error_set(error, ERROR_INVALID, "after_hash: found %zu bytes, expected 32",
                         data->len);
    place->hash = hash;
    return ERROR_NONE;
}

static int find_base(struct showing *showing, const Caravan__KeysRequest *request,
                     struct error *error)
{
    Caravan__KeysReply *answer = &showing->answer;
    struct identity_certificate base;
    struct exchange_place place;
    struct id hash;
    int code = take_place(request->after, request->has_after_hash, &request->after_hash, &hash,
                          &place, error);

    if (!code)
        code = exchange_certificate_at(showing->context->exchange, &place, &base, error);
    if (code)
        return code;
    answer->has_base_number = answer->has_base_hash = answer->has_base_root = true;
    answer->base_number = base.number;
    answer->base_hash = ops_binary(&showing->arena, base.hash.bytes, BYTES_ID_SIZE);
    answer->base_root = ops_binary(&showing->arena, base.root_key.bytes, BYTES_ID_SIZE);
    return ERROR_NONE;
}

int ops_keys(struct ops_context *context, const ProtobufCMessage *message, struct buffer *reply,
             struct error *error)
{
    const Caravan__KeysRequest *request = (const Caravan__KeysRequest *)message;
    const struct store *store = &context->store;
    struct showing showing = {.context = context};
    Caravan__KeysReply *answer = &showing.answer;
    int code;

    caravan__keys_reply__init(answer);
    arena_init(&showing.arena, LIMIT_ARENA_SIZE);
    answer->has_former_transport = answer->has_former_sealing = true;
    answer->former_transport = context->keys.former_transport;
    answer->former_sealing = context->keys.former_sealing;
    answer->has_in_force = answer->has_in_use = true;
    answer->in_force = exchange_own_certificate(context->exchange);
    answer->in_use = exchange_own_key_certificate(context->exchange);
    answer->has_quarantined_total = true;
    exchange_feeds(context->exchange, visit_feed, &showing);
    code = find_base(&showing, request, error);
    if (!code)
        code = store->operations->quarantined(store->self, &context->feed, visit_quarantined,
                                              &showing, error);
    if (!code && (!add_certificates(&showing) || showing.no_memory || showing.arena.over_limit ||
                  showing.arena.no_memory))
        code = error_memory(error);
    if (!code)
        code = ops_reply(&answer->base, reply, error);
    free(answer->partners);
    free(answer->quarantined);
    arena_finish(&showing.arena);
    return code;
}

int ops_keys_certify(struct ops_context *context, const ProtobufCMessage *message,
                     struct buffer *reply, struct error *error)
{
    const Caravan__CertifyRequest *request = (const Caravan__CertifyRequest *)message;
    Caravan__CertifyReply answer = CARAVAN__CERTIFY_REPLY__INIT;
    struct span certificate = span_of(request->certificate.data, request->certificate.len);
    struct identity_certificate base;
    struct exchange_published published;
    struct exchange_place place;
    struct id hash;
    int code;

    if (!context->keys.certify)
        return error_set(error, ERROR_INTERNAL, "this node cannot change its keys");
    code = take_place(request->after, request->has_after_hash, &request->after_hash, &hash, &place,
                      error);
    if (!code)
        code = exchange_certificate_at(context->exchange, &place, &base, error);
    if (!code)
        code = context->keys.certify(context->self, certificate, &place, &published, error);
    if (code)
        return code;
    answer.number = base.number + 1;
    answer.has_number = answer.has_seq = true;
    answer.seq = published.seq;
    return ops_reply(&answer.base, reply, error);
}

int ops_keys_retire(struct ops_context *context, const ProtobufCMessage *message,
                    struct buffer *reply, struct error *error)
{
    Caravan__Empty answer = CARAVAN__EMPTY__INIT;
    int code;

    (void)message;
    if (!context->keys.retire)
        return error_set(error, ERROR_INTERNAL, "this node cannot change its keys");
    code = context->keys.retire(context->self, error);
    return code ? code : ops_reply(&answer.base, reply, error);
}
