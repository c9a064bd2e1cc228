#include "node/core/view_index.h"

#include "common/arena.h"
#include "common/card.h"
#include "common/guard.h"
#include "node/core/view.h"

#include <stdlib.h>
#include <string.h>

/* Entries that are read between two looks at what others need: bounds a read transaction. */
#define PAGE_ENTRIES 2000

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
    for (uint64_t i = 0; i < feed->count; i++)
        filter_facets_destroy(feed->slots[i].facets);
    free(feed->slots);
    free(feed);
}

static void forget_all(struct view_index *index)
{
    struct view_feed *feed;
    size_t at = 0;

    while ((feed = map_next(&index->feeds, &at)))
        feed_destroy(feed);
    map_finish(&index->feeds);
    memset(&index->feeds, 0, sizeof index->feeds);
    free(index->order);
    index->order = NULL;
    index->order_count = index->order_capacity = 0;
    index->last_arrival = 0;
    index->last_seq = 0;
    index->own_missing = 0;
    index->started = false;
}

void view_index_finish(struct view_index *index)
{
    forget_all(index);
}

/* --- looking up ------------------------------------------------------------------------------- */

struct view_feed *view_index_feed(const struct view_index *index, const struct id *feed)
{
    return map_get(&index->feeds, feed);
}

struct view_slot *view_feed_slot(const struct view_feed *feed, uint64_t seq)
{
    if (seq == 0 || seq > feed->count || feed->slots[seq - 1].arrival == 0)
        return NULL;
    return &feed->slots[seq - 1];
}

struct view_slot *view_feed_base(const struct view_feed *feed, const struct view_slot *change)
{
    struct view_slot *base = view_feed_slot(feed, change->target);

    return base && base->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT ? base
                                                                                          : NULL;
}

size_t view_index_after(const struct view_index *index, uint64_t after)
{
    size_t low = 0;
    size_t high = index->order_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (index->order[middle].arrival <= after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- adding ----------------------------------------------------------------------------------- */

static struct view_feed *take_feed(struct view_index *index, const struct id *id)
{
    struct view_feed *feed = map_get(&index->feeds, id);

    if (feed)
        return feed;
    feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->id = *id;
    if (!map_put(&index->feeds, id, feed)) {
        free(feed);
        return NULL;
    }
    return feed;
}

/* Seqs have no gaps in a ledger, so this is as much as there are entries. */
static bool grow_slots(struct view_feed *feed, uint64_t seq)
{
    if (seq > feed->capacity) {
        uint64_t capacity = feed->capacity ? feed->capacity * 2 : 16;
        struct view_slot *slots;

        if (capacity < seq)
            capacity = seq;
        slots = realloc(feed->slots, capacity * sizeof *slots);
        if (!slots)
            return false;
        feed->slots = slots;
        feed->capacity = capacity;
    }
    while (feed->count < seq)
        memset(&feed->slots[feed->count++], 0, sizeof *feed->slots);
    return true;
}

static bool grow_order(struct view_index *index)
{
    size_t capacity = index->order_capacity ? index->order_capacity * 2 : 256;
    struct view_arrival *order;

    if (index->order_count < index->order_capacity)
        return true;
    order = realloc(index->order, capacity * sizeof *order);
    if (!order)
        return false;
    index->order = order;
    index->order_capacity = capacity;
    return true;
}

/* Puts a change into the list of what it names, which is in order of seq. */
static void link_change(struct view_feed *feed, uint64_t seq, uint64_t target)
{
    struct view_slot *change = &feed->slots[seq - 1];
    struct view_slot *base = &feed->slots[target - 1];
    uint64_t *link = &base->first;

    if (change->target)
        return;
    change->target = target;
    if (base->last && base->last < seq) /* the usual way: behind all others */
        link = &feed->slots[base->last - 1].next;
    while (*link && *link < seq)
        link = &feed->slots[*link - 1].next;
    change->next = *link;
    *link = seq;
    if (base->last < seq)
        base->last = seq;
    if (change->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION) {
        if (base->revised_by < seq)
            base->revised_by = seq;
    } else if (base->withdrawn_by == 0 || base->withdrawn_by > seq) {
        base->withdrawn_by = seq;
    }
}

/* Unpacks a content. *message NULL: it breaks a rule, which is shown as such and stops nothing. */
static int unpack(const ProtobufCMessageDescriptor *type, struct span content, struct arena *arena,
                  ProtobufCMessage **message, struct error *error)
{
    int code = guard_unpack(type, content, &guard_limits_content, arena, message, NULL);

    if (code == ERROR_MEMORY)
        return error_memory(error);
    if (code)
        *message = NULL;
    return ERROR_NONE;
}

static int read_facets(struct span content, struct arena *arena, struct filter_facets **facets,
                       struct error *error)
{
    ProtobufCMessage *message;
    int code = unpack(&caravan__announcement__descriptor, content, arena, &message, error);

    return code || !message
               ? code
               : filter_facets_create((const Caravan__Announcement *)message, facets, error);
}

static int read_revision(struct view_feed *feed, const struct entry *entry, struct arena *arena,
                         struct error *error)
{
    struct filter_facets **facets = &feed->slots[entry->seq - 1].facets;
    ProtobufCMessage *message;
    const Caravan__Revision *revision;
    int code = unpack(&caravan__revision__descriptor, entry->content, arena, &message, error);

    if (code || !message)
        return code;
    revision = (const Caravan__Revision *)message;
    if (revision->announcement > 0 && revision->announcement < entry->seq)
        link_change(feed, entry->seq, revision->announcement);
    if (!revision->has_content)
        return ERROR_NONE;
    return read_facets(span_of(revision->content.data, revision->content.len), arena, facets,
                       error);
}

static int read_withdrawal(struct view_feed *feed, const struct entry *entry, struct arena *arena,
                           struct error *error)
{
    ProtobufCMessage *message;
    int code = unpack(&caravan__withdrawal__descriptor, entry->content, arena, &message, error);
    uint64_t target;

    if (code || !message)
        return code;
    target = ((const Caravan__Withdrawal *)message)->announcement;
    if (target > 0 && target < entry->seq)
        link_change(feed, entry->seq, target);
    return ERROR_NONE;
}

static int read_profile(struct view_feed *feed, const struct entry *entry, struct arena *arena,
                        struct error *error)
{
    ProtobufCMessage *message;
    const Caravan__Profile *profile;
    int code = unpack(&caravan__profile__descriptor, entry->content, arena, &message, error);

    if (code || !message || entry->seq < feed->profile_seq)
        return code;
    profile = (const Caravan__Profile *)message;
    if (!profile->handle || !card_handle_is_valid(profile->handle))
        return ERROR_NONE;
    feed->profile_seq = entry->seq;
    memcpy(feed->handle, profile->handle, strlen(profile->handle) + 1);
    feed->country[0] = '\0';
    if (profile->country && strlen(profile->country) == 2)
        memcpy(feed->country, profile->country, sizeof feed->country);
    return ERROR_NONE;
}

static int read_content(struct view_feed *feed, const struct entry *entry, struct error *error)
{
    struct view_slot *slot = &feed->slots[entry->seq - 1];
    struct arena arena;
    int code = ERROR_NONE;

    if (!entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION)
        return ERROR_NONE;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    filter_facets_destroy(slot->facets);
    slot->facets = NULL;
    switch (entry->content_type) {
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT:
        code = read_facets(entry->content, &arena, &slot->facets, error);
        break;
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION:
        code = read_revision(feed, entry, &arena, error);
        break;
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL:
        code = read_withdrawal(feed, entry, &arena, error);
        break;
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE:
        code = read_profile(feed, entry, &arena, error);
        break;
    default:
        break;
    }
    arena_finish(&arena);
    return code;
}

static int add_entry(struct view_index *index, const struct store_entry *stored,
                     struct error *error)
{
    const struct entry *entry = &stored->entry;
    struct view_feed *feed = take_feed(index, &entry->feed);
    struct view_slot *slot;
    int code;

    if (!feed || !grow_slots(feed, entry->seq) || !grow_order(index))
        return error_memory(error);
    slot = &feed->slots[entry->seq - 1];
    slot->content_type = entry->content_type;
    code = read_content(feed, entry, error);
    if (code)
        return code;
    slot->arrival = stored->arrival;
    index->order[index->order_count++] = (struct view_arrival){stored->arrival, feed, entry->seq};
    index->last_arrival = stored->arrival;
    index->last_feed = entry->feed;
    index->last_hash = entry->hash;
    index->last_seq = entry->seq;
    return ERROR_NONE;
}

/* --- following the ledger --------------------------------------------------------------------- */

struct reading {
    struct view_index *index;
    struct error *error;
    size_t count; /* of this page */
    int code;
};

static int read_entry(void *context, const struct store_entry *entry)
{
    struct reading *reading = context;

    reading->code = add_entry(reading->index, entry, reading->error);
    return reading->code || ++reading->count == PAGE_ENTRIES;
}

static int read_page(struct view_index *index, struct reading *reading)
{
    const struct store *store = &index->store;
    const struct view_feed *own;

    if (!index->own_only)
        return store->operations->arrivals(store->self, index->last_arrival, STORE_ALL_TYPES,
                                           read_entry, reading, reading->error);
    own = view_index_feed(index, &index->own);
    return store->operations->entries(store->self, &index->own, own ? own->count + 1 : 1,
                                      UINT64_MAX, read_entry, reading, reading->error);
}

struct anchor {
    const struct view_index *index;
    bool there;
};

static int check_anchor(void *context, const struct store_entry *entry)
{
    struct anchor *anchor = context;

    anchor->there = id_equal(&entry->entry.hash, &anchor->index->last_hash) &&
                    entry->arrival >= anchor->index->last_arrival;
    return 1;
}

/* *same: what was read is still there. */
static int is_same_ledger(const struct view_index *index, const struct store_info *info,
                          uint64_t missing, bool *same, struct error *error)
{
    const struct store *store = &index->store;
    struct anchor anchor = {index, true};
    int code = ERROR_NONE;

    *same = false;
    if (!index->started || memcmp(index->ledger, info->ledger, sizeof index->ledger) != 0 ||
        index->last_arrival > info->last_arrival || index->own_missing != missing)
        return ERROR_NONE;
    if (index->last_seq) {
        anchor.there = false;
        code = store->operations->entries(store->self, &index->last_feed, index->last_seq,
                                          index->last_seq, check_anchor, &anchor, error);
    }
    *same = anchor.there;
    return code;
}

/* Contents missing in our own feed; 0 when the index follows by arrival. */
static int own_missing(const struct view_index *index, uint64_t *missing, struct error *error)
{
    const struct store *store = &index->store;
    struct store_feed feed;
    struct error ignored;
    int code;

    *missing = 0;
    if (!index->own_only)
        return ERROR_NONE;
    code = store->operations->get_feed(store->self, &index->own, &feed, &ignored);
    if (code == ERROR_NONE)
        *missing = feed.missing;
    return code == ERROR_NONE || code == ERROR_NOT_FOUND
               ? ERROR_NONE
               : error_set(error, ignored.code, "%s", ignored.text);
}

int view_index_update(struct view_index *index, struct error *error)
{
    struct store_info info;
    struct reading reading = {.index = index, .error = error};
    uint64_t missing;
    bool same;
    int code = index->store.operations->info(index->store.self, &info, error);

    if (!code)
        code = own_missing(index, &missing, error);
    if (!code)
        code = is_same_ledger(index, &info, missing, &same, error);
    if (code)
        return error_prefix(error, "cannot read the ledger");
    if (!same) {
        forget_all(index);
        memcpy(index->ledger, info.ledger, sizeof index->ledger);
        index->own_missing = missing;
        index->started = true;
    }
    do {
        reading.count = 0;
        code = read_page(index, &reading);
        if (!code)
            code = reading.code;
    } while (!code && reading.count == PAGE_ENTRIES);
    return code ? error_prefix(error, "cannot read the ledger") : ERROR_NONE;
}
