/* Forgetting what the entries of one feed have told, and reading them anew: after something of it
 * was erased or quarantined. */
#include "node/core/view_index_parts.h"

#include <string.h>

/* --- forgetting ------------------------------------------------------------------------------- */

static void clear(struct view_bits *bits)
{
    if (bits->size)
        memset(bits->bytes, 0, bits->size);
}

static void forget_changes(struct view_index *index, const struct view_feed *feed)
{
    for (size_t seq = 0; seq < feed->changed.size * 8; seq++)
        if (view_bits_has(&feed->changed, (uint32_t)seq))
            view_fold_forget(&index->fold, feed->number, (uint32_t)seq);
}

static void forget_links(struct view_index *index, struct view_feed *feed)
{
    struct view_links *links = &index->links;

    for (uint32_t number = 1; number <= links->node_count; number++) {
        uint64_t key = view_links_at(links, number)->key;

        if (key >> 32 != feed->number)
            continue;
        view_links_set(links, key, 0, NULL, 0);
        view_links_touch(links, key);
    }
    feed->links = 0;
}

static void forget_records(struct view_index *index, const struct view_feed *feed)
{
    for (size_t i = 0; i < index->chunk_count; i++)
        for (uint32_t place = 0; place < index->chunks[i].read; place++) {
            struct view_record *record = &index->chunks[i].records[place];

            if (record->seq && view_record_feed(record) == feed->number)
                *record = (struct view_record){0};
        }
}

static void forget(struct view_index *index, struct view_feed *feed)
{
    forget_changes(index, feed);
    view_voices_forget(&index->voices, feed->number);
    view_waiting_forget(&index->waiting, feed->number, id_equal(&feed->id, &index->own));
    forget_links(index, feed);
    forget_records(index, feed);
    clear(&feed->changed);
    clear(&feed->announcements);
    clear(&feed->linked);
    clear(&feed->known);
    feed->profile_seq = 0;
    feed->handle[0] = '\0';
    memset(&feed->institution, 0, sizeof feed->institution);
    feed->seen = false;
    view_links_renamed(&index->links);
}

/* --- reading anew ----------------------------------------------------------------------------- */

/* Its record only where records were read before. */
static int read_entry(void *context, const struct store_entry *stored)
{
    struct view_reading *reading = context;
    struct view_index *index = reading->index;
    struct view_record *record;
    struct view_feed *feed;

    if (stored->arrival > reading->last)
        return 0;
    view_index_tell(reading, stored);
    record = view_index_record(index, stored->arrival);
    if (reading->code || !record)
        return reading->code;
    feed = view_index_feed(index, &stored->entry.feed);
    feed->seen = true;
    reading->code = view_index_fill(reading, feed, stored, record);
    return reading->code;
}

int view_index_read_again(struct view_index *index, struct error *error)
{
    const struct store *store = &index->store;
    struct view_reading reading = {.index = index, .error = error, .last = index->last_arrival};
    int code = ERROR_NONE;

    for (size_t i = 0; i < index->feed_count && !code; i++) {
        struct view_feed *feed = index->feeds[i];

        if (!feed->again)
            continue;
        forget(index, feed);
        code = store->operations->entries(store->self, &feed->id, 1, UINT32_MAX, read_entry,
                                          &reading, error);
        code = code ? code : reading.code;
        feed->again = code != ERROR_NONE;
    }
    index->again = code != ERROR_NONE;
    return code;
}

/* --- what was quarantined --------------------------------------------------------------------- */

static int note_feed(void *context, const struct store_feed *row)
{
    struct view_index *index = context;
    struct view_feed *feed = view_index_feed(index, &row->head.feed);

    if (!feed || feed->quarantined == row->quarantined)
        return 0;
    feed->quarantined = row->quarantined;
    feed->again = index->again = true;
    return 0;
}

int view_index_note_quarantine(struct view_index *index, const struct store_info *info,
                               struct error *error)
{
    const struct store *store = &index->store;
    int code = store->operations->feeds(store->self, index->last_arrival, false, SIZE_MAX,
                                        note_feed, index, error);

    if (!code)
        index->generation = info->generation;
    return code;
}
