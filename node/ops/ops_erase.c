#include "node/ops/ops_erase.h"

#include "common/fields.h"
#include "common/guard.h"
#include "node/ops/ops_parts.h"

#include <stdlib.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

void ops_erase_finish(struct ops_erase *erase)
{
    free(erase->seqs);
    *erase = (struct ops_erase){0};
}

static void add(struct ops_erase *erase, uint64_t seq)
{
    if (erase->count == erase->capacity) {
        size_t capacity = erase->capacity ? erase->capacity * 2 : 16;
        uint64_t *seqs = realloc(erase->seqs, capacity * sizeof *seqs);

        erase->no_memory = erase->no_memory || !seqs;
        if (!seqs)
            return;
        erase->seqs = seqs;
        erase->capacity = capacity;
    }
    erase->seqs[erase->count++] = seq;
}

struct finding {
    struct ops_erase *erase;
    uint64_t seq, before;
    bool found;
};

/* An announcement, or what one says of another; sealed is what was erased of such a one before. */
static bool says(uint32_t type)
{
    return type == TYPE(SEALED) || type == TYPE(ANNOUNCEMENT) || type == TYPE(PROPOSAL) ||
           type == TYPE(INTEREST);
}

/* A step of the announcement's history. */
static int note_step(void *context, const struct view_state *state)
{
    struct finding *finding = context;
    struct ops_erase *erase = finding->erase;

    if (state->seq != finding->seq)
        return 1; /* the number was that of one of its changes */
    if (says(state->content_type) && state->event_seq == finding->seq)
        finding->found = true;
    if (state->content_type == TYPE(WITHDRAWAL))
        erase->withdrawn_by = erase->withdrawn_by ? erase->withdrawn_by : state->event_seq;
    if ((!says(state->content_type) && state->content_type != TYPE(REVISION)) ||
        (finding->before && state->event_seq >= finding->before))
        return 0;
    if (!state->erased_by)
        add(erase, state->event_seq);
    else if (state->erased_by > erase->erased_by)
        erase->erased_by = state->erased_by;
    return erase->no_memory;
}

int ops_erase_check(size_t count, struct error *error)
{
    if (count <= OPS_ERASE_MAX)
        return ERROR_NONE;
    return error_set(error, ERROR_TOO_LARGE,
                     "erase: found %zu texts, expected at most %d at a time", count, OPS_ERASE_MAX);
}

int ops_erase_find(const struct ops_context *context, uint64_t seq, uint64_t before,
                   struct ops_erase *erase, struct error *error)
{
    int code = exchange_flush(context->exchange, error);

    if (!code)
        code = view_update(context->view, error);
    return code ? code : ops_erase_gather(context, seq, before, erase, error);
}

int ops_erase_gather(const struct ops_context *context, uint64_t seq, uint64_t before,
                     struct ops_erase *erase, struct error *error)
{
    struct finding finding = {erase, seq, before, false};
    int code = view_history(context->view, &context->feed, seq, note_step, &finding, error);

    if (!code && erase->no_memory)
        code = error_memory(error);
    if (!code)
        code = ops_erase_check(erase->count, error);
    if (code || finding.found)
        return code;
    code =
        view_check_change(context->view, &context->feed, seq, false, error); /* says what it is */
    return code ? code : error_set(error, ERROR_INVALID, "this is no announcement");
}

/* --- publishing -------------------------------------------------------------------------------
 */

static int publish_order(const struct ops_context *context, uint64_t *seqs, size_t count,
                         const uint8_t *request, struct exchange_published *out,
                         struct error *error)
{
    Caravan__Erasure erasure = CARAVAN__ERASURE__INIT;
    struct buffer content = {0};
    int code;

    erasure.n_seq = count;
    erasure.seq = seqs;
    code = fields_pack(&erasure.base, &content) ? ERROR_NONE : error_memory(error);
    if (!code)
        code = exchange_publish(context->exchange, TYPE(ERASURE), buffer_span(&content), request,
                                out, error);
    buffer_finish(&content);
    return code;
}

int ops_erase_publish(const struct ops_context *context, const struct ops_erase *erase,
                      const uint8_t *request, struct exchange_published *out, struct error *error)
{
    struct exchange_published order = {0};
    size_t done = 0;
    int code = ERROR_NONE;

    while (!code && done < erase->count && !order.repeated) {
        size_t left = erase->count - done;
        size_t count = left < OPS_ERASE_EACH ? left : OPS_ERASE_EACH;

        code =
            publish_order(context, erase->seqs + done, count, done ? NULL : request, &order, error);
        if (code && done) /* one does not come without the others */
            exchange_break(context->exchange, error);
        if (!code && !done)
            *out = order;
        done += count;
    }
    return code;
}

/* --- orders that were published before ---------------------------------------------------------
 */

struct reading_orders {
    struct ops_erase *erase;
    uint64_t seq; /* where they begin, or in front of it */
};

static size_t add_order(struct ops_erase *erase, struct span content)
{
    ProtobufCMessage *message;
    struct arena arena;
    size_t before = erase->count;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__erasure__descriptor, content, &guard_limits_content, &arena,
                     &message, NULL) == ERROR_NONE)
        for (size_t i = 0; i < ((const Caravan__Erasure *)message)->n_seq; i++)
            add(erase, ((const Caravan__Erasure *)message)->seq[i]);
    arena_finish(&arena);
    return erase->count - before;
}

static int take_order(void *context, const struct store_entry *stored)
{
    struct reading_orders *reading = context;

    if (stored->entry.content_type != TYPE(ERASURE))
        return stored->entry.seq != reading->seq;
    return add_order(reading->erase, stored->entry.content) < OPS_ERASE_EACH; /* else more follow */
}

int ops_erase_read(const struct ops_context *context, uint64_t seq, struct ops_erase *erase,
                   struct error *error)
{
    const uint64_t orders_max = OPS_ERASE_MAX / OPS_ERASE_EACH;
    struct reading_orders reading = {erase, seq};
    const struct store *store = &context->store;
    int code = exchange_flush(context->exchange, error);

    if (!code)
        code = store->operations->entries(store->self, &context->feed, seq, seq + orders_max,
                                          take_order, &reading, error);
    return !code && erase->no_memory ? error_memory(error) : code;
}
