#include "node/core/view_refusal.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

bool view_refusal_is(const struct view_read_voice *voice, const struct id *proposal)
{
    const Caravan__Confirmation *said = (const Caravan__Confirmation *)voice->message;
    struct id hash;

    return said && said->base.descriptor == &caravan__confirmation__descriptor && said->declined &&
           span_to_id(span_of(said->entry_hash.data, said->entry_hash.len), &hash) &&
           id_equal(&hash, proposal);
}

const struct view_voice *view_refusal_find(const struct view_index *index,
                                           const struct id *publisher, const struct id *proposer,
                                           uint64_t proposal)
{
    const struct view_feed *feed = view_index_feed(index, publisher);

    return feed ? view_voices_find(&index->voices, view_index_key(index, proposer, proposal),
                                   feed->number, TYPE(CONFIRMATION))
                : NULL;
}

struct looking {
    const struct entry *entry; /* the confirmation */
    struct view_read_voice *voice;
    struct error *error;
    int code;
};

/* The entry that the confirmation names. */
static int visit_named(void *context, const struct store_entry *stored)
{
    struct looking *looking = context;
    struct view_read_voice proposal;
    struct arena arena;

    if (stored->entry.content_type != TYPE(PROPOSAL) ||
        !view_refusal_is(looking->voice, &stored->entry.hash))
        return 1;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    looking->code = view_read_voice(&stored->entry, &arena, &proposal, looking->error);
    if (!looking->code && proposal.seq && id_equal(&proposal.feed, &looking->entry->feed)) {
        looking->voice->feed = proposal.feed;
        looking->voice->seq = proposal.seq;
    }
    arena_finish(&arena);
    return 1;
}

int view_refusal_read_voice(struct view *view, const struct entry *entry, struct arena *arena,
                            struct view_read_voice *out, struct error *error)
{
    const struct store *store = &view->index.store;
    struct looking looking = {entry, out, error, ERROR_NONE};
    int code = view_read_voice(entry, arena, out, error);
    struct id feed = out->feed; /* the visit changes it */

    if (code || !out->seq || entry->content_type != TYPE(CONFIRMATION) ||
        !((const Caravan__Confirmation *)out->message)->declined)
        return code;
    code = store->operations->entries(store->self, &feed, out->seq, out->seq, visit_named, &looking,
                                      error);
    return code ? code : looking.code;
}
