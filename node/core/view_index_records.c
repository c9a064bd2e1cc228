/* Records: what lists pick by. */
#include "node/core/view_index_parts.h"

#include "node/core/view_read.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

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

struct view_record *view_index_record(const struct view_index *index, uint64_t arrival)
{
    size_t chunk = (size_t)((arrival - 1) / VIEW_CHUNK);

    if (chunk >= index->chunk_count || (arrival - 1) % VIEW_CHUNK >= index->chunks[chunk].read)
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
    old = view_index_record(index, before);
    if (old)
        *old = (struct view_record){0};
    return view_table_put(&index->missing, key, 0);
}

static int target_of(struct view_reading *reading, const struct entry *entry, uint32_t *target)
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
    if (type == TYPE(SEALED))
        return VIEW_SEALED;
    return view_read_knows_type(type) ? VIEW_OTHER : VIEW_UNKNOWN;
}

/* A publication is here: its links, and the links to it. */
static int fill_links(struct view_reading *reading, struct view_feed *feed,
                      const struct entry *entry, bool readable)
{
    struct view_links *links = &reading->index->links;
    uint64_t key = view_table_key(feed->number, (uint32_t)entry->seq);

    view_links_touch(links, key);
    view_waiting_touch(&reading->index->waiting, key);
    if (view_links_find(links, key) && !view_index_set_bit(&feed->linked, (uint32_t)entry->seq))
        return error_memory(reading->error);
    return readable ? view_index_note_links(reading, feed, entry->content, entry->seq, entry->seq)
                    : ERROR_NONE;
}

int view_index_fill(struct view_reading *reading, struct view_feed *feed,
                    const struct store_entry *stored, struct view_record *record)
{
    const struct entry *entry = &stored->entry;
    enum view_sort sort = sort_of(entry->content_type);
    bool readable = entry->has_content && entry->min_reader <= VIEW_SCHEMA_VERSION;
    struct view_record made = {
        (uint32_t)entry->seq, feed->number | sort << VIEW_SORT_SHIFT, 0, {0, 0}};
    int code = ERROR_NONE;

    arena_init(&reading->arena, LIMIT_ARENA_SIZE);
    if (readable && sort == VIEW_ANNOUNCEMENT)
        code = view_index_keys(reading, entry->content, &made.value, &made.dates);
    if (!code && readable && sort == VIEW_ANNOUNCEMENT)
        code = view_index_note_naming(reading, feed, entry->content, entry->seq);
    if (!code && readable && sort == VIEW_CHANGE)
        code = target_of(reading, entry, &made.value);
    arena_finish(&reading->arena);
    if (code)
        return code;
    if ((sort == VIEW_ANNOUNCEMENT &&
         !view_index_set_bit(&feed->announcements, (uint32_t)entry->seq)) ||
        !view_index_note_known(feed, stored) || !note_missing(reading->index, feed, stored))
        return error_memory(reading->error);
    if (sort == VIEW_ANNOUNCEMENT) {
        arena_init(&reading->arena, LIMIT_ARENA_SIZE);
        code = fill_links(reading, feed, entry, readable);
        arena_finish(&reading->arena);
    }
    if (!code && sort == VIEW_ANNOUNCEMENT)
        code = view_index_note_own(reading, feed, entry->seq);
    if (code)
        return code;
    *record = made;
    return ERROR_NONE;
}

static int read_record(void *context, const struct store_entry *stored)
{
    struct view_reading *reading = context;
    struct view_index *index = reading->index;
    struct view_chunk *chunk = &index->chunks[(reading->last - 1) / VIEW_CHUNK];
    uint32_t place = (uint32_t)((stored->arrival - 1) % VIEW_CHUNK);
    struct view_feed *feed;

    if (stored->arrival > reading->last)
        return 1;
    feed = view_index_take_feed(index, &stored->entry.feed);
    if (feed)
        feed->seen = true;
    reading->code = feed ? view_index_fill(reading, feed, stored, &chunk->records[place])
                         : error_memory(reading->error);
    if (reading->code)
        return 1;
    chunk->read = place + 1;
    reading->bytes += stored->entry.content_size;
    return stored->arrival == reading->last || reading->bytes >= VIEW_CHUNK_BYTES;
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
    struct view_reading reading = {.index = index, .error = error, .last = before + size};
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
    if (reading.bytes < VIEW_CHUNK_BYTES)
        index->chunks[chunk].read = size; /* behind the last entry there may be none */
    return ERROR_NONE;
}
