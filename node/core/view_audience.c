#include "node/core/view_audience.h"

#include "common/seal.h"
#include "node/core/view_parts.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

bool view_audience_add(struct view_audience *audience, const struct id *feed)
{
    for (size_t i = 0; i < audience->count; i++)
        if (id_equal(&audience->feeds[i], feed))
            return true;
    if (audience->count == sizeof audience->feeds / sizeof audience->feeds[0])
        return false;
    audience->feeds[audience->count++] = *feed;
    return true;
}

static void take(struct view_audience *audience, const struct seal_content *seal)
{
    for (size_t i = 0; i < seal->audience_count; i++)
        view_audience_add(audience, &seal->audience[i]); /* of a full one some are left out */
}

static int visit_reader(void *context, const struct store_entry *stored)
{
    if (stored->seal)
        take(context, stored->seal);
    return 1;
}

/* Those that the newest Reader of an entry names. */
static int take_readers(struct view *view, const struct id *feed, uint64_t seq,
                        struct view_audience *audience, struct error *error)
{
    const struct view_index *index = &view->index;
    const struct store *store = &index->store;
    const struct view_feed *publisher = view_index_feed(index, feed);
    const struct view_voice *voice =
        publisher ? view_voices_find(&index->voices, view_index_key(index, feed, seq),
                                     publisher->number, TYPE(READER))
                  : NULL;

    return voice ? store->operations->entries(store->self, feed, voice->seq, voice->seq,
                                              visit_reader, audience, error)
                 : ERROR_NONE;
}

int view_audience(struct view *view, const struct view_state *state, struct view_audience *out,
                  struct error *error)
{
    int code;

    out->count = 0;
    if (!state->seal)
        return ERROR_NONE;
    view_audience_add(out, &state->feed);
    take(out, state->seal);
    code = take_readers(view, &state->feed, state->seq, out, error);
    return code || !state->revised_by
               ? code
               : take_readers(view, &state->feed, state->revised_by, out, error);
}
