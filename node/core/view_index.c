#include "node/core/view_index.h"

#include "common/arena.h"
#include "common/card.h"
#include "node/core/opened.h"
#include "node/core/view_read.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
/* What is told of feeds and announcements by other entries. */
#define TOLD_TYPES                                                                                 \
    (STORE_TYPE(TYPE(PROFILE)) | STORE_TYPE(TYPE(REVISION)) | STORE_TYPE(TYPE(WITHDRAWAL)) |       \
     STORE_TYPE(TYPE(CONFIRMATION)) | STORE_TYPE(TYPE(PROPOSAL)) | STORE_TYPE(TYPE(OUTCOME)) |     \
     STORE_TYPE(TYPE(INTEREST)) | STORE_TYPE(TYPE(READER)))
#define SORT_SHIFT 28
#define FEEDS_MAX (1u << SORT_SHIFT)

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

uint64_t view_index_key(const struct view_index *index, const struct id *feed, uint64_t seq)
{
    const struct view_feed *known = view_index_feed(index, feed);

    return known && seq && seq <= UINT32_MAX ? view_table_key(known->number, (uint32_t)seq) : 0;
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

struct view_feed *view_index_take_feed(struct view_index *index, const struct id *feed)
{
    return take_feed(index, feed);
}

/* --- links ------------------------------------------------------------------------------------ */

/* A link that says of another announcement that it is the same. */
static bool target_of_link(struct view_index *index, const Caravan__Related *related,
                           struct view_feed **feed, uint64_t *seq, bool *no_memory)
{
    const Caravan__AnnouncementName *name = related->announcement;
    struct id id;

    if ((related->rel != CARAVAN__RELATED_REL__RELATED_REL_SAME_AS &&
         related->rel != CARAVAN__RELATED_REL__RELATED_REL_MIRROR_OF) ||
        !name || !name->seq || name->seq > UINT32_MAX ||
        !span_to_id(span_of(name->feed.data, name->feed.len), &id))
        return false;
    *seq = name->seq;
    *feed = take_feed(index, &id); /* its own entries may come later */
    *no_memory = !*feed;
    return *feed != NULL;
}

static bool is_among(const struct view_link_target *targets, size_t count, uint64_t key)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i].key == key)
            return true;
    return false;
}

/* Other announcements, each once, at most so many; *no_memory as said. */
static size_t targets_of(struct view_index *index, const Caravan__Announcement *announcement,
                         uint64_t own, struct view_link_target *targets, size_t most,
                         bool *no_memory)
{
    size_t count = 0;

    *no_memory = false;
    for (size_t i = 0; announcement && i < announcement->n_related && count < most; i++) {
        const Caravan__Related *related = announcement->related[i];
        struct view_feed *feed;
        uint64_t seq, key;

        if (!target_of_link(index, related, &feed, &seq, no_memory)) {
            if (*no_memory)
                return 0;
            continue;
        }
        key = view_table_key(feed->number, (uint32_t)seq);
        if (key != own && !is_among(targets, count, key))
            targets[count++] = (struct view_link_target){
                key, related->rel == CARAVAN__RELATED_REL__RELATED_REL_MIRROR_OF};
    }
    return count;
}

/* Lists look only at these. Peers choose which seqs they name, so only one that is here has a bit.
 */
static bool mark_linked(struct view_index *index, uint64_t key)
{
    struct view_feed *feed = index->feeds[key >> 32];
    uint32_t seq = (uint32_t)(key & UINT32_MAX);

    return !view_bits_has(&feed->announcements, seq) || set_bit(&feed->linked, seq);
}

int view_index_link(struct view_index *index, struct view_feed *feed, uint64_t seq, uint64_t by,
                    const Caravan__Announcement *announcement, struct error *error)
{
    struct view_link_target targets[VIEW_LINKS_MAX];
    uint64_t key = view_table_key(feed->number, (uint32_t)seq);
    bool no_memory;
    size_t others = feed->links - view_links_count(&index->links, key);
    size_t room = VIEW_LINKS_FEED_MAX - others;
    size_t count = targets_of(index, announcement, key, targets,
                              room < VIEW_LINKS_MAX ? room : VIEW_LINKS_MAX, &no_memory);
    bool ok = !no_memory && view_links_set(&index->links, key, (uint32_t)by, targets, count);

    feed->links = others + view_links_count(&index->links, key);
    if (!ok)
        return error_memory(error);
    if (count && !mark_linked(index, key))
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        if (!mark_linked(index, targets[i].key))
            return error_memory(error);
    return ERROR_NONE;
}

/* --- names and changes ------------------------------------------------------------------------ */

struct reading {
    struct view_index *index;
    struct arena arena;
    struct error *error;
    uint64_t last; /* arrivals above it are left for another time */
    size_t bytes;  /* of contents that were read */
    bool erased;   /* there is an order behind what was read before */
    int code;
};

/* What the inbox is to look at. */
static int note_waiting(struct reading *reading, enum view_waiting_source source,
                        const struct view_feed *feed, uint64_t seq)
{
    return view_waiting_add(&reading->index->waiting, source,
                            view_table_key(feed->number, (uint32_t)seq))
               ? ERROR_NONE
               : error_memory(reading->error);
}

/* Something happened to an announcement of ours, or it has come: what was said of it before counts
 * for the inbox. */
static int note_own(struct reading *reading, const struct view_feed *feed, uint64_t seq)
{
    struct view_index *index = reading->index;

    if (index->own_only || !id_equal(&feed->id, &index->own))
        return ERROR_NONE;
    view_waiting_touch_answers(&index->waiting, (uint32_t)seq);
    return view_voices_first(&index->voices, view_table_key(feed->number, (uint32_t)seq))
               ? note_waiting(reading, VIEW_WAITING_SPOKEN, feed, seq)
               : ERROR_NONE;
}

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
    eligible_institution_init(&feed->institution, profile->country, profile->organisation_type,
                              profile->n_organisation_type);
    view_links_renamed(&reading->index->links);
    return reading->index->own_only || id_equal(&feed->id, &reading->index->own)
               ? ERROR_NONE
               : note_waiting(reading, VIEW_WAITING_PARTNER, feed, 1);
}

/* The numbers of what a content is filtered by, and its dates. */
static int keys_of(struct reading *reading, struct span content, uint32_t *numbers,
                   struct view_dates *dates)
{
    struct view_index *index = reading->index;
    struct view_read_keys keys;
    uint32_t facets = VIEW_NONE, rules = VIEW_NONE;
    int code = view_read_keys(content, &reading->arena, &keys, reading->error);

    if (!code && keys.facets)
        code =
            view_blocks_add(&index->facets, span_of(keys.facets, filter_facets_size(keys.facets)),
                            &facets, reading->error);
    if (!code && keys.facets)
        code = view_blocks_add(&index->rules, buffer_span(&keys.rules), &rules, reading->error);
    *numbers = view_keys(facets, rules);
    *dates = view_dates_pack(&keys.window);
    view_read_keys_finish(&keys);
    return code;
}

/* Does it ask our side to confirm? */
static int note_naming(struct reading *reading, const struct view_feed *feed, struct span content,
                       uint64_t announcement)
{
    struct view_index *index = reading->index;
    bool names = false;
    int code = index->own_only || id_equal(&feed->id, &index->own)
                   ? ERROR_NONE
                   : view_read_names(content, &index->own, &reading->arena, &names, reading->error);

    return code || !names ? code : note_waiting(reading, VIEW_WAITING_NAMING, feed, announcement);
}

/* Entry `by` says what the announcement links, unless a newer one is in force. */
static int note_links(struct reading *reading, struct view_feed *feed, struct span content,
                      uint64_t announcement, uint64_t by)
{
    struct view_index *index = reading->index;
    const struct view_folded *folded = view_index_folded(index, feed, announcement);
    const Caravan__Announcement *said = NULL;
    int code;

    if (index->own_only || (folded && folded->revised_by && folded->revised_by != by))
        return ERROR_NONE;
    code = view_read_related(content, &reading->arena, &said, reading->error);
    return code ? code : view_index_link(index, feed, announcement, by, said, reading->error);
}

static int tell_change(struct view_feed *feed, const struct entry *entry, struct reading *reading)
{
    struct view_index *index = reading->index;
    struct view_read_change change;
    struct view_dates dates = {0, 0};
    uint32_t keys = view_keys(VIEW_NONE, VIEW_NONE);
    int code = view_read_change(entry, &reading->arena, &change, reading->error);

    if (code || !change.target)
        return code;
    if (change.has_content && !index->own_only)
        code = keys_of(reading, change.content, &keys, &dates);
    if (!code && change.has_content)
        code = note_naming(reading, feed, change.content, change.target);
    if (code)
        return code;
    if (!set_bit(&feed->changed, (uint32_t)change.target) ||
        !view_fold_add(&index->fold, feed->number, (uint32_t)change.target, (uint32_t)entry->seq,
                       entry->content_type == TYPE(WITHDRAWAL), keys, dates))
        return error_memory(reading->error);
    view_links_touch(&index->links, view_table_key(feed->number, (uint32_t)change.target));
    view_waiting_touch(&index->waiting, view_table_key(feed->number, (uint32_t)change.target));
    code = note_own(reading, feed, change.target);
    if (code)
        return code;
    return entry->content_type == TYPE(REVISION)
               ? note_links(reading, feed, change.content, change.target, entry->seq)
               : ERROR_NONE;
}

static int tell_voice(struct view_feed *feed, const struct entry *entry, struct reading *reading)
{
    struct view_index *index = reading->index;
    struct view_read_voice voice;
    struct view_feed *about;
    int code = view_read_voice(entry, &reading->arena, &voice, reading->error);

    if (code || !voice.seq || index->own_only)
        return code;
    about = take_feed(index, &voice.feed); /* its own entries may come later */
    if (!about ||
        !view_voices_add(&index->voices, view_table_key(about->number, (uint32_t)voice.seq),
                         feed->number, (uint32_t)entry->seq, entry->content_type))
        return error_memory(reading->error);
    view_waiting_touch(&index->waiting, view_table_key(about->number, (uint32_t)voice.seq));
    /* Peers choose which seqs they name: what is no announcement of ours waits for being one. */
    return view_bits_has(&about->announcements, (uint32_t)voice.seq) ||
                   view_index_folded(index, about, voice.seq)
               ? note_own(reading, about, voice.seq)
               : ERROR_NONE;
}

/* Our own answers: whether the newest was taken back. */
static int tell_own_answer(struct view_feed *feed, const struct entry *entry,
                           const struct view_read_voice *voice, struct reading *reading)
{
    struct view_feed *about = take_feed(reading->index, &voice->feed);

    return about && view_voices_add(&reading->index->voices,
                                    view_table_key(about->number, (uint32_t)voice->seq),
                                    feed->number, (uint32_t)entry->seq, TYPE(INTEREST))
               ? ERROR_NONE
               : error_memory(reading->error);
}

/* An answer is sealed for the institution whose announcement it names; others do not count. */
static int tell_answer(struct view_feed *feed, const struct store_entry *stored,
                       struct reading *reading)
{
    struct view_index *index = reading->index;
    struct view_read_voice voice;
    int code = view_read_voice(&stored->entry, &reading->arena, &voice, reading->error);

    if (code || !voice.seq || !stored->seal || index->own_only)
        return code;
    if (feed == view_index_feed(index, &index->own))
        return tell_own_answer(feed, &stored->entry, &voice, reading);
    if (!id_equal(&voice.feed, &index->own))
        return ERROR_NONE;
    return view_waiting_add_answer(&index->waiting,
                                   view_table_key(feed->number, (uint32_t)stored->entry.seq),
                                   (uint32_t)stored->arrival, (uint32_t)voice.seq)
               ? ERROR_NONE
               : error_memory(reading->error);
}

/* What an entry tells of feeds and announcements. */
static void tell_of(struct reading *reading, const struct store_entry *stored)
{
    struct view_index *index = reading->index;
    const struct entry *entry = &stored->entry;
    struct view_feed *feed;

    if (!entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION ||
        (index->own_only && !id_equal(&entry->feed, &index->own)))
        return;
    feed = take_feed(index, &entry->feed);
    arena_init(&reading->arena, LIMIT_ARENA_SIZE);
    if (feed)
        feed->seen = true;
    if (!feed)
        reading->code = error_memory(reading->error);
    else if (entry->content_type == TYPE(PROFILE))
        reading->code = tell_profile(feed, entry, reading);
    else if (view_read_is_voice(entry->content_type))
        reading->code = tell_voice(feed, entry, reading);
    else if (view_read_is_answer(entry->content_type))
        reading->code = tell_answer(feed, stored, reading);
    else if (entry->content_type == TYPE(REVISION) || entry->content_type == TYPE(WITHDRAWAL))
        reading->code = tell_change(feed, entry, reading);
    arena_finish(&reading->arena);
}

static struct view_record *record_at(const struct view_index *index, uint64_t arrival);
static int fill_record(struct reading *reading, struct view_feed *feed,
                       const struct store_entry *stored, struct view_record *record);

/* An earlier entry, which could not be read when it came. */
static int tell_again(void *context, const struct store_entry *stored)
{
    struct reading *reading = context;
    struct view_feed *feed = take_feed(reading->index, &stored->entry.feed);
    struct view_record *record = record_at(reading->index, stored->arrival);

    if (!feed)
        reading->code = error_memory(reading->error);
    tell_of(reading, stored);
    if (!reading->code && record && record->seq)
        reading->code = fill_record(reading, feed, stored, record);
    return 1;
}

/* Lets an earlier entry of its feed be read. */
static int tell_reader(struct reading *reading, const struct store_entry *stored)
{
    const struct store *store = &reading->index->store;
    uint64_t target = opened_target(stored);
    struct view_feed *feed = take_feed(reading->index, &stored->entry.feed);

    if (!feed)
        return error_memory(reading->error);
    if (!target)
        return ERROR_NONE;
    /* The newest Reader says who all may read. */
    if (!view_voices_add(&reading->index->voices, view_table_key(feed->number, (uint32_t)target),
                         feed->number, (uint32_t)stored->entry.seq, TYPE(READER)))
        return error_memory(reading->error);
    return store->operations->entries(store->self, &stored->entry.feed, target, target, tell_again,
                                      reading, reading->error);
}

static int tell(void *context, const struct store_entry *stored)
{
    struct reading *reading = context;

    if (stored->arrival > reading->last)
        return 1;
    reading->erased =
        stored->entry.content_type == TYPE(ERASURE) &&
        (!reading->index->own_only || id_equal(&stored->entry.feed, &reading->index->own));
    if (reading->erased)
        return 1;
    if (stored->entry.content_type == TYPE(READER)) {
        int code = tell_reader(reading, stored);

        reading->code = code ? code : reading->code;
    } else {
        tell_of(reading, stored);
    }
    if (!reading->code)
        reading->index->told = stored->arrival;
    return reading->code;
}

static bool is_same_ledger(const struct view_index *index, const struct store_info *info)
{
    return index->started && memcmp(index->ledger, info->ledger, sizeof index->ledger) == 0 &&
           index->generation == info->generation && index->last_arrival <= info->last_arrival;
}

static void start(struct view_index *index, const struct store_info *info)
{
    view_index_reset(index);
    memcpy(index->ledger, info->ledger, sizeof index->ledger);
    index->generation = info->generation;
    index->started = true;
}

/* Orders count only behind what was read before: the rest is read as it is now. */
static int tell_all(struct view_index *index, uint64_t last, bool *erased, struct error *error)
{
    const struct store *store = &index->store;
    struct reading reading = {.index = index, .error = error, .last = last};
    uint32_t types = index->told ? TOLD_TYPES | STORE_TYPE(TYPE(ERASURE)) : TOLD_TYPES;
    int code = store->operations->arrivals(store->self, index->told, types, tell, &reading, error);

    *erased = reading.erased;
    return code ? code : reading.code;
}

int view_index_update(struct view_index *index, struct error *error)
{
    const struct store *store = &index->store;
    struct store_info info;
    bool erased;
    int code = store->operations->info(store->self, &info, error);

    if (!code && info.last_arrival > UINT32_MAX)
        code = error_set(error, ERROR_TOO_LARGE, "it has more than 4,294,967,295 entries");
    if (code)
        return error_prefix(error, "cannot read the ledger");
    if (!is_same_ledger(index, &info))
        start(index, &info);
    index->last_arrival = info.last_arrival;
    if (index->told >= info.last_arrival)
        return ERROR_NONE;
    code = tell_all(index, info.last_arrival, &erased, error);
    if (!code && erased) {
        start(index, &info);
        index->last_arrival = info.last_arrival;
        code = tell_all(index, info.last_arrival, &erased, error);
    }
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
    if (type == TYPE(SEALED))
        return VIEW_SEALED;
    return view_read_knows_type(type) ? VIEW_OTHER : VIEW_UNKNOWN;
}

/* A publication is here: its links, and the links to it. */
static int fill_links(struct reading *reading, struct view_feed *feed, const struct entry *entry,
                      bool readable)
{
    struct view_links *links = &reading->index->links;
    uint64_t key = view_table_key(feed->number, (uint32_t)entry->seq);

    view_links_touch(links, key);
    view_waiting_touch(&reading->index->waiting, key);
    if (view_links_find(links, key) && !set_bit(&feed->linked, (uint32_t)entry->seq))
        return error_memory(reading->error);
    return readable ? note_links(reading, feed, entry->content, entry->seq, entry->seq)
                    : ERROR_NONE;
}

static int fill_record(struct reading *reading, struct view_feed *feed,
                       const struct store_entry *stored, struct view_record *record)
{
    const struct entry *entry = &stored->entry;
    enum view_sort sort = sort_of(entry->content_type);
    bool readable = entry->has_content && entry->min_reader <= VIEW_SCHEMA_VERSION;
    struct view_record made = {(uint32_t)entry->seq, feed->number | sort << SORT_SHIFT, 0, {0, 0}};
    int code = ERROR_NONE;

    arena_init(&reading->arena, LIMIT_ARENA_SIZE);
    if (readable && sort == VIEW_ANNOUNCEMENT)
        code = keys_of(reading, entry->content, &made.value, &made.dates);
    if (!code && readable && sort == VIEW_ANNOUNCEMENT)
        code = note_naming(reading, feed, entry->content, entry->seq);
    if (!code && readable && sort == VIEW_CHANGE)
        code = target_of(reading, entry, &made.value);
    arena_finish(&reading->arena);
    if (code)
        return code;
    if ((sort == VIEW_ANNOUNCEMENT && !set_bit(&feed->announcements, (uint32_t)entry->seq)) ||
        !note_missing(reading->index, feed, stored))
        return error_memory(reading->error);
    if (sort == VIEW_ANNOUNCEMENT) {
        arena_init(&reading->arena, LIMIT_ARENA_SIZE);
        code = fill_links(reading, feed, entry, readable);
        arena_finish(&reading->arena);
    }
    if (!code && sort == VIEW_ANNOUNCEMENT)
        code = note_own(reading, feed, entry->seq);
    if (code)
        return code;
    *record = made;
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
    if (feed)
        feed->seen = true;
    reading->code = feed ? fill_record(reading, feed, stored, &chunk->records[place])
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
    if (reading.bytes < VIEW_CHUNK_BYTES)
        index->chunks[chunk].read = size; /* behind the last entry there may be none */
    return ERROR_NONE;
}
