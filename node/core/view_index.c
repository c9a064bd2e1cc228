#include "node/core/view_index.h"

#include "node/core/view_index_parts.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
/* What is told of feeds and announcements by other entries. */
#define TOLD_TYPES                                                                                 \
    (STORE_TYPE(TYPE(PROFILE)) | STORE_TYPE(TYPE(REVISION)) | STORE_TYPE(TYPE(WITHDRAWAL)) |       \
     STORE_TYPE(TYPE(CONFIRMATION)) | STORE_TYPE(TYPE(PROPOSAL)) | STORE_TYPE(TYPE(OUTCOME)) |     \
     STORE_TYPE(TYPE(INTEREST)) | STORE_TYPE(TYPE(READER)))
#define FEEDS_MAX (1u << VIEW_SORT_SHIFT)

void view_index_init(struct view_index *index, const struct store *store, const struct id *own,
                     bool own_only)
{
    memset(index, 0, sizeof *index);
    index->store = *store;
    index->own = *own;
    index->own_only = own_only;
    index->facets =
        (struct view_blocks){.bytes_max = VIEW_FACETS_BYTES, .count_max = VIEW_FACETS_MAX};
    index->rules = (struct view_blocks){.bytes_max = VIEW_RULES_BYTES, .count_max = VIEW_RULES_MAX};
}

static void feed_destroy(struct view_feed *feed)
{
    free(feed->changed.bytes);
    free(feed->announcements.bytes);
    free(feed->linked.bytes);
    free(feed->known.bytes);
    free(feed);
}

void view_index_finish(struct view_index *index)
{
    for (size_t i = 0; i < index->feed_count; i++)
        feed_destroy(index->feeds[i]);
    for (size_t i = 0; i < index->chunk_count; i++)
        free(index->chunks[i].records);
    map_finish(&index->by_id);
    free(index->feeds);
    free(index->chunks);
    view_fold_finish(&index->fold);
    view_voices_finish(&index->voices);
    view_blocks_finish(&index->facets);
    view_blocks_finish(&index->rules);
    view_links_finish(&index->links);
    view_waiting_finish(&index->waiting);
    view_table_finish(&index->missing);
}

void view_index_reset(struct view_index *index)
{
    const struct store store = index->store;
    const struct id own = index->own;
    bool own_only = index->own_only;

    view_index_finish(index);
    view_index_init(index, &store, &own, own_only);
}

/* --- looking up ------------------------------------------------------------------------------- */

uint32_t view_record_feed(const struct view_record *record)
{
    return record->feed_sort & (FEEDS_MAX - 1);
}

enum view_sort view_record_sort(const struct view_record *record)
{
    return (enum view_sort)(record->feed_sort >> VIEW_SORT_SHIFT);
}

bool view_bits_has(const struct view_bits *bits, uint32_t seq)
{
    return seq / 8 < bits->size && bits->bytes[seq / 8] >> (seq % 8) & 1;
}

struct view_feed *view_index_feed(const struct view_index *index, const struct id *feed)
{
    return map_get(&index->by_id, feed);
}

const struct view_folded *view_index_folded(const struct view_index *index,
                                            const struct view_feed *feed, uint64_t seq)
{
    if (!feed || seq > UINT32_MAX || !view_bits_has(&feed->changed, (uint32_t)seq))
        return NULL;
    return view_fold_get(&index->fold, feed->number, (uint32_t)seq);
}

uint64_t view_index_key(const struct view_index *index, const struct id *feed, uint64_t seq)
{
    const struct view_feed *known = view_index_feed(index, feed);

    return known && seq && seq <= UINT32_MAX ? view_table_key(known->number, (uint32_t)seq) : 0;
}

/* --- adding ----------------------------------------------------------------------------------- */

/* Seqs have no gaps in a ledger, so this is at most an eighth of as many bytes as entries. */
bool view_index_set_bit(struct view_bits *bits, uint32_t seq)
{
    if (seq / 8 >= bits->size) {
        size_t size = seq / 8 + 1 + bits->size / 2 + 8;
        uint8_t *bytes = realloc(bits->bytes, size);

        if (!bytes)
            return false;
        memset(bytes + bits->size, 0, size - bits->size);
        bits->bytes = bytes;
        bits->size = size;
    }
    bits->bytes[seq / 8] = (uint8_t)(bits->bytes[seq / 8] | 1u << (seq % 8));
    return true;
}

static bool grow_feeds(struct view_index *index)
{
    size_t capacity = index->feed_capacity ? index->feed_capacity * 2 : 16;
    struct view_feed **feeds;

    if (index->feed_count < index->feed_capacity)
        return true;
    feeds = realloc(index->feeds, capacity * sizeof *feeds);
    if (!feeds)
        return false;
    index->feeds = feeds;
    index->feed_capacity = capacity;
    return true;
}

struct view_feed *view_index_take_feed(struct view_index *index, const struct id *id)
{
    struct view_feed *feed = map_get(&index->by_id, id);

    if (feed || index->feed_count == FEEDS_MAX || !grow_feeds(index))
        return feed;
    feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->id = *id;
    feed->number = (uint32_t)index->feed_count;
    if (!map_put(&index->by_id, id, feed)) {
        free(feed);
        return NULL;
    }
    index->feeds[index->feed_count++] = feed;
    return feed;
}

bool view_index_name_feed(struct view_index *index, struct view_feed *by, const struct id *feed,
                          struct view_feed **out)
{
    *out = view_index_feed(index, feed);
    if (*out || by->strangers == VIEW_STRANGERS_MAX)
        return true;
    *out = view_index_take_feed(index, feed);
    by->strangers += *out != NULL;
    return *out != NULL;
}

/* --- following the ledger --------------------------------------------------------------------- */

static int tell(void *context, const struct store_entry *stored)
{
    struct view_reading *reading = context;

    if (stored->arrival > reading->last)
        return 1;
    if (stored->entry.content_type == TYPE(ERASURE))
        view_index_heed(reading, stored);
    else
        view_index_tell(reading, stored);
    if (!reading->code)
        reading->index->told = stored->arrival;
    return reading->code;
}

/* Orders count only behind what was read before: the rest is read as it is now. */
static int tell_all(struct view_index *index, struct error *error)
{
    const struct store *store = &index->store;
    struct view_reading reading = {.index = index, .error = error, .last = index->last_arrival};
    uint32_t types = index->told ? TOLD_TYPES | STORE_TYPE(TYPE(ERASURE)) : TOLD_TYPES;
    int code = store->operations->arrivals(store->self, index->told, types, tell, &reading, error);

    return code ? code : reading.code;
}

static bool is_same_ledger(const struct view_index *index, const struct store_info *info)
{
    return index->started && memcmp(index->ledger, info->ledger, sizeof index->ledger) == 0 &&
           index->last_arrival <= info->last_arrival;
}

static void start(struct view_index *index, const struct store_info *info)
{
    view_index_reset(index);
    memcpy(index->ledger, info->ledger, sizeof index->ledger);
    index->generation = info->generation;
    index->started = true;
}

static int follow(struct view_index *index, const struct store_info *info, struct error *error)
{
    int code = ERROR_NONE;

    if (!is_same_ledger(index, info))
        start(index, info);
    else if (index->generation != info->generation)
        code = view_index_note_quarantine(index, info, error);
    if (code)
        return code;
    index->last_arrival = info->last_arrival;
    if (index->told < index->last_arrival)
        code = tell_all(index, error);
    if (!code)
        index->told = index->last_arrival;
    return !code && index->again ? view_index_read_again(index, error) : code;
}

int view_index_update(struct view_index *index, struct error *error)
{
    const struct store *store = &index->store;
    struct store_info info;
    int code = store->operations->info(store->self, &info, error);

    if (!code && info.last_arrival > UINT32_MAX)
        code = error_set(error, ERROR_TOO_LARGE, "it has more than 4,294,967,295 entries");
    if (!code)
        code = follow(index, &info, error);
    return code ? error_prefix(error, "cannot read the ledger") : ERROR_NONE;
}
