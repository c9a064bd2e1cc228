#include "node/core/view_index.h"

#include "common/arena.h"
#include "common/card.h"
#include "node/core/view_read.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
/* What is told of feeds and announcements by other entries. */
#define TOLD_TYPES                                                                                 \
    (STORE_TYPE(TYPE(PROFILE)) | STORE_TYPE(TYPE(REVISION)) | STORE_TYPE(TYPE(WITHDRAWAL)))
#define SORT_SHIFT 28
#define FEEDS_MAX (1u << SORT_SHIFT)

void view_index_init(struct view_index *index, const struct store *store, const struct id *own,
                     bool own_only)
{
    memset(index, 0, sizeof *index);
    index->store = *store;
    index->own = *own;
    index->own_only = own_only;
}

static void feed_destroy(struct view_feed *feed)
{
    free(feed->changed.bytes);
    free(feed->announcements.bytes);
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
    view_facets_finish(&index->facets);
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
    return (enum view_sort)(record->feed_sort >> SORT_SHIFT);
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

/* --- adding ----------------------------------------------------------------------------------- */

/* Seqs have no gaps in a ledger, so this is at most an eighth of as many bytes as entries. */
static bool set_bit(struct view_bits *bits, uint32_t seq)
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

static struct view_feed *take_feed(struct view_index *index, const struct id *id)
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

/* --- names and changes ------------------------------------------------------------------------ */

struct reading {
    struct view_index *index;
    struct arena arena;
    struct error *error;
    uint64_t last; /* arrivals above it are left for another time */
    int code;
};

static int tell_profile(struct view_feed *feed, const struct entry *entry, struct reading *reading)
{
    const Caravan__Profile *profile;
    int code = view_read_message(&caravan__profile__descriptor, entry->content, &reading->arena,
                                 (const ProtobufCMessage **)&profile, reading->error);

    if (code || !profile || entry->seq < feed->profile_seq || !profile->handle ||
        !card_handle_is_valid(profile->handle))
        return code;
    feed->profile_seq = entry->seq;
    memcpy(feed->handle, profile->handle, strlen(profile->handle) + 1);
    return ERROR_NONE;
}

static int tell_change(struct view_feed *feed, const struct entry *entry, struct reading *reading)
{
    struct view_index *index = reading->index;
    struct view_read_change change;
    struct filter_facets *facets = NULL;
    uint32_t number = VIEW_FACETS_NONE;
    int code = view_read_change(entry, &reading->arena, &change, reading->error);

    if (code || !change.target)
        return code;
    if (change.has_content && !index->own_only)
        code = view_read_facets(change.content, &reading->arena, &facets, reading->error);
    if (!code)
        code = view_facets_add(&index->facets, facets, &number, reading->error);
    if (code)
        return code;
    if (!set_bit(&feed->changed, (uint32_t)change.target) ||
        !view_fold_add(&index->fold, feed->number, (uint32_t)change.target, (uint32_t)entry->seq,
                       entry->content_type == TYPE(WITHDRAWAL), number))
        return error_memory(reading->error);
    return ERROR_NONE;
}

static int tell(void *context, const struct store_entry *stored)
{
    struct reading *reading = context;
    struct view_index *index = reading->index;
    const struct entry *entry = &stored->entry;
    struct view_feed *feed;

    if (stored->arrival > reading->last)
        return 1;
    if (entry->has_content && entry->min_reader <= VIEW_SCHEMA_VERSION &&
        (!index->own_only || id_equal(&entry->feed, &index->own))) {
        feed = take_feed(index, &entry->feed);
        arena_init(&reading->arena, LIMIT_ARENA_SIZE);
        if (!feed)
            reading->code = error_memory(reading->error);
        else if (entry->content_type == TYPE(PROFILE))
            reading->code = tell_profile(feed, entry, reading);
        else
            reading->code = tell_change(feed, entry, reading);
        arena_finish(&reading->arena);
    }
    if (!reading->code)
        index->told = stored->arrival;
    return reading->code;
}

static bool is_same_ledger(const struct view_index *index, const struct store_info *info)
{
    return index->started && memcmp(index->ledger, info->ledger, sizeof index->ledger) == 0 &&
           index->generation == info->generation && index->last_arrival <= info->last_arrival;
}

int view_index_update(struct view_index *index, struct error *error)
{
    const struct store *store = &index->store;
    struct reading reading = {.index = index, .error = error};
    struct store_info info;
    int code = store->operations->info(store->self, &info, error);

    if (!code && info.last_arrival > UINT32_MAX)
        code = error_set(error, ERROR_TOO_LARGE, "it has more than 4,294,967,295 entries");
    if (code)
        return error_prefix(error, "cannot read the ledger");
    if (!is_same_ledger(index, &info)) {
        view_index_reset(index);
        memcpy(index->ledger, info.ledger, sizeof index->ledger);
        index->generation = info.generation;
        index->started = true;
    }
    index->last_arrival = info.last_arrival;
    if (index->told >= info.last_arrival)
        return ERROR_NONE;
    reading.last = info.last_arrival;
    code = store->operations->arrivals(store->self, index->told, TOLD_TYPES, tell, &reading, error);
    if (!code)
        code = reading.code;
    if (code)
        return error_prefix(error, "cannot read the ledger");
    index->told = info.last_arrival;
    return ERROR_NONE;
}

/* --- records ---------------------------------------------------------------------------------- */

/* So many of the chunk's arrivals are not above `last`. */
static uint32_t chunk_size(size_t chunk, uint64_t last)
{
    uint64_t before = (uint64_t)chunk * VIEW_CHUNK;

    if (last <= before)
        return 0;
    return last - before < VIEW_CHUNK ? (uint32_t)(last - before) : VIEW_CHUNK;
}

static size_t chunks_up_to(uint64_t last)
{
    return (size_t)((last + VIEW_CHUNK - 1) / VIEW_CHUNK);
}

size_t view_index_unread(const struct view_index *index, uint64_t last)
{
    for (size_t i = chunks_up_to(last); i-- > 0;)
        if (i >= index->chunk_count || index->chunks[i].read < chunk_size(i, last))
            return i;
    return VIEW_INDEX_COMPLETE;
}

static struct view_record *record_at(const struct view_index *index, uint64_t arrival)
{
    size_t chunk = (size_t)((arrival - 1) / VIEW_CHUNK);

    if (chunk >= index->chunk_count || !index->chunks[chunk].records)
        return NULL;
    return &index->chunks[chunk].records[(arrival - 1) % VIEW_CHUNK];
}

/* An entry whose content was missing has come again with it: the old place is empty. */
static bool note_missing(struct view_index *index, const struct view_feed *feed,
                         const struct store_entry *stored)
{
    uint64_t key = view_table_key(feed->number, (uint32_t)stored->entry.seq);
    uint32_t before = view_table_get(&index->missing, key);
    struct view_record *old;

    if (!stored->entry.has_content)
        return view_table_put(&index->missing, key, (uint32_t)stored->arrival);
    if (!before)
        return true;
    old = record_at(index, before);
    if (old)
        *old = (struct view_record){0};
    return view_table_put(&index->missing, key, 0);
}

static int facets_of(struct reading *reading, const struct entry *entry, uint32_t *number)
{
    struct filter_facets *facets = NULL;
    int code = view_read_facets(entry->content, &reading->arena, &facets, reading->error);

    return code ? code : view_facets_add(&reading->index->facets, facets, number, reading->error);
}

static int target_of(struct reading *reading, const struct entry *entry, uint32_t *target)
{
    struct view_read_change change;
    int code = view_read_change(entry, &reading->arena, &change, reading->error);

    *target = code ? 0 : (uint32_t)change.target;
    return code;
}

static enum view_sort sort_of(uint32_t type)
{
    if (type == TYPE(ANNOUNCEMENT))
        return VIEW_ANNOUNCEMENT;
    if (type == TYPE(REVISION) || type == TYPE(WITHDRAWAL))
        return VIEW_CHANGE;
    return view_read_knows_type(type) ? VIEW_OTHER : VIEW_UNKNOWN;
}

static int fill_record(struct reading *reading, struct view_feed *feed,
                       const struct store_entry *stored, struct view_record *record)
{
    const struct entry *entry = &stored->entry;
    enum view_sort sort = sort_of(entry->content_type);
    bool readable = entry->has_content && entry->min_reader <= VIEW_SCHEMA_VERSION;
    uint32_t value = 0;
    int code = ERROR_NONE;

    arena_init(&reading->arena, LIMIT_ARENA_SIZE);
    if (readable && sort == VIEW_ANNOUNCEMENT)
        code = facets_of(reading, entry, &value);
    else if (readable && sort == VIEW_CHANGE)
        code = target_of(reading, entry, &value);
    arena_finish(&reading->arena);
    if (code)
        return code;
    if ((sort == VIEW_ANNOUNCEMENT && !set_bit(&feed->announcements, (uint32_t)entry->seq)) ||
        !note_missing(reading->index, feed, stored))
        return error_memory(reading->error);
    *record = (struct view_record){(uint32_t)entry->seq, feed->number | sort << SORT_SHIFT, value};
    return ERROR_NONE;
}

static int read_record(void *context, const struct store_entry *stored)
{
    struct reading *reading = context;
    struct view_index *index = reading->index;
    struct view_chunk *chunk = &index->chunks[(reading->last - 1) / VIEW_CHUNK];
    uint32_t place = (uint32_t)((stored->arrival - 1) % VIEW_CHUNK);
    struct view_feed *feed;

    if (stored->arrival > reading->last)
        return 1;
    feed = take_feed(index, &stored->entry.feed);
    reading->code = feed ? fill_record(reading, feed, stored, &chunk->records[place])
                         : error_memory(reading->error);
    if (reading->code)
        return 1;
    chunk->read = place + 1;
    return stored->arrival == reading->last;
}

static bool make_chunk(struct view_index *index, size_t chunk)
{
    size_t count = chunks_up_to(index->last_arrival);

    if (count > index->chunk_count) {
        struct view_chunk *chunks = realloc(index->chunks, count * sizeof *chunks);

        if (!chunks)
            return false;
        memset(chunks + index->chunk_count, 0, (count - index->chunk_count) * sizeof *chunks);
        index->chunks = chunks;
        index->chunk_count = count;
    }
    if (!index->chunks[chunk].records)
        index->chunks[chunk].records = calloc(VIEW_CHUNK, sizeof(struct view_record));
    return index->chunks[chunk].records != NULL;
}

int view_index_read(struct view_index *index, size_t chunk, struct error *error)
{
    const struct store *store = &index->store;
    uint64_t before = (uint64_t)chunk * VIEW_CHUNK;
    uint32_t size = chunk_size(chunk, index->last_arrival);
    struct reading reading = {.index = index, .error = error, .last = before + size};
    int code = ERROR_NONE;

    if (!make_chunk(index, chunk))
        return error_memory(error);
    if (index->chunks[chunk].read >= size)
        return ERROR_NONE;
    code = store->operations->arrivals(store->self, before + index->chunks[chunk].read,
                                       STORE_ALL_TYPES, read_record, &reading, error);
    if (!code)
        code = reading.code;
    if (code)
        return error_prefix(error, "cannot read the ledger");
    index->chunks[chunk].read = size; /* behind the last entry there may be none */
    return ERROR_NONE;
}
