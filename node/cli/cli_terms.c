#include "node/cli/cli_terms.h"

#include "common/guard.h"
#include "common/merge.h"
#include "node/cli/cli_find.h"
#include "proto/answer.pb-c.h"

/* NULL: it cannot be read. ERROR_MEMORY only. */
static int read_message(const ProtobufCMessageDescriptor *type, const ProtobufCBinaryData *bytes,
                        struct arena *arena, ProtobufCMessage **out, struct error *error)
{
    int code = guard_unpack(type, span_of(bytes->data, bytes->len), &guard_limits_content, arena,
                            out, error);

    if (code)
        *out = NULL;
    return code == ERROR_MEMORY ? code : ERROR_NONE;
}

/* The announcement that an item carries. */
static int read_item(const Caravan__Item *item, struct arena *arena, Caravan__Announcement **out,
                     struct error *error)
{
    ProtobufCMessage *message = NULL;
    int code = ERROR_NONE;

    if (!item->problem && item->has_content)
        code = read_message(&caravan__announcement__descriptor, &item->content, arena, &message,
                            error);
    *out = (Caravan__Announcement *)message;
    return code;
}

static bool equal(const ProtobufCBinaryData *one, const ProtobufCBinaryData *other)
{
    return span_equal(span_of(one->data, one->len), span_of(other->data, other->len));
}

/* The side's terms in that step. */
static int read_base(const Caravan__Item *step, const Caravan__Side *side, struct arena *arena,
                     const Caravan__Party **base, struct error *error)
{
    Caravan__Announcement *announcement = NULL;
    int code = read_item(step, arena, &announcement, error);

    *base = NULL;
    for (size_t i = 0; !code && announcement && i < announcement->n_parties && !*base; i++)
        if (equal(&announcement->parties[i]->node_id, &side->feed))
            *base = announcement->parties[i];
    return code;
}

static int merge(const Caravan__Party *base, Caravan__Party *proposed, struct arena *arena,
                 struct cli_terms *terms, struct error *error)
{
    struct merge merged;
    int code = merge_find(&base->base, &terms->now->base, &proposed->base, arena, &merged, error);

    if (code)
        return code;
    terms->then = (Caravan__Party *)merged.message;
    terms->changes = merged.pending;
    terms->conflicts = merged.conflicts;
    return ERROR_NONE;
}

/* What was proposed, on top of the revision that it was made for. */
static int apply(const Caravan__ShowReply *reply, const Caravan__Side *side,
                 const Caravan__Proposal *proposal, struct arena *arena, struct cli_terms *terms,
                 struct error *error)
{
    const Caravan__Item *step;
    const Caravan__Party *base;
    int code;

    if (proposal->has_entry_hash && equal(&reply->item->hash, &proposal->entry_hash)) {
        terms->made_for = terms->in_force;
        return merge(terms->now, proposal->party, arena, terms, error);
    }
    step = cli_find_step(reply, span_of(proposal->entry_hash.data, proposal->entry_hash.len));
    if (!step)
        return ERROR_NONE;
    code = read_base(step, side, arena, &base, error);
    if (code || !base)
        return code;
    terms->made_for = step->event_seq;
    return merge(base, proposal->party, arena, terms, error);
}

int cli_terms_find(const Caravan__ShowReply *reply, const Caravan__Side *side, struct arena *arena,
                   struct cli_terms *terms, struct error *error)
{
    const Caravan__Item *item = reply->item;
    ProtobufCMessage *message = NULL;
    const Caravan__Proposal *proposal;
    Caravan__Announcement *now;
    int code = read_item(item, arena, &now, error);

    *terms = (struct cli_terms){.in_force = item->revised_by ? item->revised_by : item->seq};
    if (!code)
        code =
            read_message(&caravan__proposal__descriptor, &side->proposal, arena, &message, error);
    proposal = (const Caravan__Proposal *)message;
    if (code || !now || side->party >= now->n_parties || !proposal || !proposal->party)
        return code;
    terms->now = now->parties[side->party];
    return apply(reply, side, proposal, arena, terms, error);
}
