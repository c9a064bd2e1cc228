/* Lists: the records of the index, newest first, picked by a filter. */
#include "node/core/view_parts.h"

#define TYPE_SEALED CARAVAN__CONTENT_TYPE__CONTENT_TYPE_SEALED

#include <stdlib.h>
#include <string.h>

/* Announcements whose facets stand only in the ledger and were read for one list: about 20 ms. */
#define READS_MAX 1000

enum answer { UNASKED, YES, NO };

struct listing {
    struct view *view;
    const Caravan__Filter *filter;
    bool asks_content, asks_rules, asks_dates;
    uint8_t *feeds;                               /* enum answer: does the publisher match? */
    uint8_t *facets, *rules;                      /* enum answer, of number n at n */
    size_t feed_count, facets_count, rules_count; /* answers that there is room for */
    bool complete;                                /* every record was read */
    size_t reads;
    bool read_chunk; /* one for each list */
    bool unread;     /* of the record that is looked at only the number is known */
    struct error *error;
    int code;
};

bool view_parts_takes_other(const Caravan__Filter *filter, bool known_type)
{
    return !filter_asks_content(filter) && ((filter && filter->other) || !known_type);
}

static bool publisher_matches(struct listing *listing, const struct view_feed *feed)
{
    uint8_t *known = &listing->feeds[feed->number];

    if (*known == UNASKED)
        *known = filter_matches_handle(listing->filter, feed->handle) ? YES : NO;
    return *known == YES;
}

struct content_check {
    const Caravan__Filter *filter;
    bool revision, asks_dates, matches;
    struct error *error;
    int code;
};

/* What there is no room for in the index. */
static int check_content(void *context, const struct store_entry *stored)
{
    struct content_check *check = context;
    struct span content = stored->entry.content;
    struct view_read_change change;
    struct view_read_keys keys;
    struct arena arena;

    if (!stored->entry.has_content)
        return 1;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (check->revision) {
        check->code = view_read_change(&stored->entry, &arena, &change, check->error);
        content = change.content;
    }
    if (!check->code) {
        check->code = view_read_keys(content, &arena, &keys, check->error);
        check->matches = view_read_keys_match(&keys, check->filter) &&
                         (!check->asks_dates || filter_matches_dates(check->filter, &keys.window));
        view_read_keys_finish(&keys);
    }
    arena_finish(&arena);
    return 1;
}

static bool content_matches(struct listing *listing, const struct view_feed *feed, uint64_t seq,
                            bool revision)
{
    const struct store *store = &listing->view->index.store;
    struct content_check check = {.filter = listing->filter,
                                  .revision = revision,
                                  .asks_dates = listing->unread && listing->asks_dates,
                                  .error = listing->error};
    int code = store->operations->entries(store->self, &feed->id, seq, seq, check_content, &check,
                                          listing->error);

    listing->reads++;
    listing->code = code ? code : check.code;
    return check.matches;
}

static bool facets_match(struct listing *listing, uint32_t number)
{
    const struct view_blocks *blocks = &listing->view->index.facets;
    uint8_t *known = &listing->facets[number];

    if (*known == UNASKED) {
        const void *facets = number ? view_blocks_get(blocks, number).data : NULL;

        *known = filter_matches(listing->filter, facets) ? YES : NO;
    }
    return *known == YES;
}

static bool rules_match(struct listing *listing, uint32_t number)
{
    const struct view_blocks *blocks = &listing->view->index.rules;
    uint8_t *known = &listing->rules[number];

    if (*known == UNASKED)
        *known = filter_matches_rules(listing->filter, view_blocks_get(blocks, number)) ? YES : NO;
    return *known == YES;
}

/* By what the index keeps, or else by what stands in the ledger. */
static bool keys_match(struct listing *listing, const struct view_feed *feed, uint32_t keys,
                       uint64_t seq, bool revision)
{
    uint32_t facets = view_keys_facets(keys), rules = view_keys_rules(keys);

    if (facets == VIEW_ELSEWHERE || (listing->asks_rules && rules == VIEW_ELSEWHERE))
        return content_matches(listing, feed, seq, revision);
    return facets_match(listing, facets) && (!listing->asks_rules || rules_match(listing, rules));
}

static bool dates_match(const struct listing *listing, const struct view_dates *dates)
{
    const struct announcement_window window = view_dates_unpack(dates);

    return filter_matches_dates(listing->filter, &window);
}

/* What was withdrawn is open at no time. */
static bool takes_withdrawn(const struct listing *listing)
{
    return listing->filter && listing->filter->withdrawn && !listing->asks_dates;
}

static bool announcement_matches(struct listing *listing, const struct view_feed *feed,
                                 const struct view_record *record)
{
    const struct view_folded *folded = view_index_folded(&listing->view->index, feed, record->seq);
    bool revised = folded && folded->revised_by;

    if (folded && folded->withdrawn_by && !takes_withdrawn(listing))
        return false;
    if (listing->unread && !revised && (listing->asks_dates || listing->asks_content))
        return content_matches(listing, feed, record->seq, false);
    if (listing->asks_dates && !dates_match(listing, revised ? &folded->dates : &record->dates))
        return false;
    if (!listing->asks_content)
        return true;
    return revised ? keys_match(listing, feed, folded->keys, folded->revised_by, true)
                   : keys_match(listing, feed, record->value, record->seq, false);
}

/* A revision or withdrawal of what is no announcement of its feed stands for itself. */
static bool changes_something(struct listing *listing, const struct view_feed *feed,
                              uint32_t target)
{
    const struct view_folded *folded = view_index_folded(&listing->view->index, feed, target);
    bool is = view_bits_has(&feed->announcements, target);

    /* Of a sealed one that was erased only its revision tells that it is one. */
    if (is || !target || (listing->complete && !(folded && folded->revised_by)))
        return is;
    listing->reads++;
    listing->code =
        view_parts_is_announcement(listing->view, &feed->id, target, &is, listing->error);
    return is;
}

static enum view_sort sort_now(const struct listing *listing, const struct view_feed *feed,
                               const struct view_record *record)
{
    enum view_sort sort = view_record_sort(record);

    if (sort != VIEW_SEALED)
        return sort;
    return view_parts_is_base(listing->view, &feed->id, record->seq, TYPE_SEALED)
               ? VIEW_ANNOUNCEMENT
               : VIEW_OTHER;
}

static bool record_matches(struct listing *listing, const struct view_record *record)
{
    const struct view_feed *feed;

    if (record->seq == 0)
        return false;
    feed = listing->view->index.feeds[view_record_feed(record)];
    if (!publisher_matches(listing, feed))
        return false;
    switch (sort_now(listing, feed, record)) {
    case VIEW_ANNOUNCEMENT:
        return announcement_matches(listing, feed, record);
    case VIEW_CHANGE:
        return view_parts_takes_other(listing->filter, true) &&
               !changes_something(listing, feed, record->value);
    case VIEW_OTHER:
    case VIEW_SEALED:
        return view_parts_takes_other(listing->filter, true);
    case VIEW_UNKNOWN:
        return view_parts_takes_other(listing->filter, false);
    }
    return false;
}

static int look_at_index(struct listing *listing);

/* A member of a group, as a record. Where its own was not read, its content is looked at. */
static struct view_record member_record(const struct view_index *index, uint64_t key,
                                        uint32_t arrival, bool *read)
{
    const struct view_feed *feed = index->feeds[key >> 32];
    struct view_record record = {.seq = (uint32_t)(key & UINT32_MAX), .feed_sort = feed->number};
    size_t chunk = (arrival - 1) / VIEW_CHUNK;
    uint32_t place = (arrival - 1) % VIEW_CHUNK;

    /* VIEW_ANNOUNCEMENT is 0 in feed_sort. */
    *read = chunk < index->chunk_count && place < index->chunks[chunk].read &&
            index->chunks[chunk].records[place].seq == record.seq &&
            index->chunks[chunk].records[place].feed_sort == record.feed_sort;
    if (*read)
        record = index->chunks[chunk].records[place];
    return record;
}

static bool is_linked(const struct view_index *index, const struct view_record *record)
{
    return record->seq && view_record_sort(record) == VIEW_ANNOUNCEMENT &&
           view_bits_has(&index->feeds[view_record_feed(record)]->linked, record->seq);
}

/* The group that a record stands in; count 0: none. */
static void take_group(struct listing *listing, const struct view_record *record,
                       struct view_parts_group *group)
{
    struct view_index *index = &listing->view->index;
    uint32_t reads = index->links.reads;

    group->count = 0;
    group->elsewhere = false;
    if (!is_linked(index, record))
        return;
    listing->code = view_parts_row(listing->view, index->feeds[view_record_feed(record)],
                                   record->seq, group, listing->error);
    listing->reads += index->links.reads - reads;
    if (!listing->code && index->links.reads != reads) /* feeds may have become known */
        listing->code = look_at_index(listing);
}

/* Announcements that are one call are one row, where the newest of them stands; the row is there
 * when one of them matches. */
static bool row_matches(struct listing *listing, const struct view_record *record)
{
    struct view_parts_group group;
    bool matches = false;

    take_group(listing, record, &group);
    if (listing->code || group.elsewhere)
        return false;
    if (!group.count)
        return record_matches(listing, record);
    for (size_t i = 0; i < group.count && !matches && !listing->code; i++) {
        bool read;
        const struct view_record member = member_record(&listing->view->index, group.members[i].key,
                                                        group.members[i].arrival, &read);

        listing->unread = !read;
        matches = record_matches(listing, &member);
        listing->unread = false;
    }
    return matches;
}

/* The next match below arrival *at, in records that were read; *at 0: none. false: somewhere on the
 * way a chunk is not read, or enough was read from the ledger; *at says where. */
static bool find_match(struct listing *listing, uint64_t *at)
{
    const struct view_index *index = &listing->view->index;

    while (*at > 0) {
        const struct view_chunk *chunk = &index->chunks[(*at - 1) / VIEW_CHUNK];
        uint64_t first = (*at - 1) / VIEW_CHUNK * VIEW_CHUNK;

        if (chunk->read < *at - first)
            return false;
        for (; *at > first; --*at) {
            if (row_matches(listing, &chunk->records[*at - first - 1]) || listing->code)
                return true;
            if (listing->reads > READS_MAX)
                return false;
        }
    }
    return true;
}

static bool make_room(uint8_t **answers, size_t *count, size_t needed)
{
    uint8_t *more = needed > *count ? realloc(*answers, needed) : *answers;

    if (!more)
        return false;
    if (needed > *count)
        memset(more + *count, UNASKED, needed - *count);
    *answers = more;
    *count = needed;
    return true;
}

/* Feeds, facets and rules may have come with a chunk that was just read. */
static int look_at_index(struct listing *listing)
{
    const struct view_index *index = &listing->view->index;

    listing->complete = view_index_unread(index, index->last_arrival) == VIEW_INDEX_COMPLETE;
    if (make_room(&listing->feeds, &listing->feed_count, index->feed_count + 1) &&
        make_room(&listing->facets, &listing->facets_count, (size_t)index->facets.count + 1) &&
        make_room(&listing->rules, &listing->rules_count, (size_t)index->rules.count + 1))
        return ERROR_NONE;
    return error_memory(listing->error);
}

static int count_all(struct listing *listing, uint64_t *total)
{
    uint64_t at = listing->view->index.last_arrival;
    uint64_t count = 0;

    for (;; at--, count++) {
        if (!find_match(listing, &at)) {
            *total = VIEW_UNKNOWN_TOTAL;
            return ERROR_NONE;
        }
        if (listing->code || !at)
            break;
    }
    *total = count;
    return listing->code;
}

static int read_chunk(struct listing *listing, size_t chunk)
{
    int code = view_index_read(&listing->view->index, chunk, listing->error);

    listing->read_chunk = true;
    return code ? code : look_at_index(listing);
}

/* What is shown of a row. */
static struct view_record front_record(struct listing *listing, const struct view_record *record)
{
    struct view_parts_group group;
    bool read;

    take_group(listing, record, &group);
    return group.count && !listing->code
               ? member_record(&listing->view->index, group.members[0].key,
                               group.members[0].arrival, &read)
               : *record;
}

static int list_page(struct listing *listing, uint64_t at, size_t limit, view_visitor visit,
                     void *context, uint64_t *next)
{
    struct view_index *index = &listing->view->index;
    bool full = limit == 0;

    for (;;) {
        bool found =
            (at == 0 || (at - 1) / VIEW_CHUNK < index->chunk_count) && find_match(listing, &at);
        struct view_record record;
        const struct view_feed *feed;

        if (listing->code)
            return listing->code;
        if (!found && !listing->read_chunk && !full && listing->reads <= READS_MAX) {
            int code = read_chunk(listing, (size_t)((at - 1) / VIEW_CHUNK));

            if (code)
                return code;
            continue;
        }
        if (!found || at == 0 || full) {
            *next = at ? at + 1 : 0;
            return ERROR_NONE;
        }
        record = front_record(listing,
                              &index->chunks[(at - 1) / VIEW_CHUNK].records[(at - 1) % VIEW_CHUNK]);
        if (listing->code)
            return listing->code;
        feed = index->feeds[view_record_feed(&record)];
        listing->code = view_parts_now(listing->view, &feed->id, record.seq,
                                       sort_now(listing, feed, &record) == VIEW_ANNOUNCEMENT, false,
                                       visit, context, &full, listing->error);
        if (listing->code)
            return listing->code;
        full = full || --limit == 0;
        at--;
    }
}

int view_list(struct view *view, const Caravan__Filter *filter, uint64_t before, size_t limit,
              view_visitor visit, void *context, uint64_t *next, uint64_t *total,
              struct error *error)
{
    struct view_index *index = &view->index;
    struct listing listing = {.view = view,
                              .filter = filter,
                              .asks_content = filter_asks_content(filter),
                              .asks_rules = filter_asks_rules(filter),
                              .asks_dates = filter_asks_dates(filter),
                              .error = error};
    uint64_t from = before && before <= index->last_arrival ? before - 1 : index->last_arrival;
    int code = look_at_index(&listing);

    *next = 0;
    *total = VIEW_UNKNOWN_TOTAL;
    index->wanted = index->last_arrival;
    if (!code)
        code = list_page(&listing, from, limit, visit, context, next);
    if (!code && !listing.complete && !listing.read_chunk)
        code = read_chunk(&listing, view_index_unread(index, index->last_arrival));
    if (!code && listing.complete)
        code = count_all(&listing, total);
    free(listing.feeds);
    free(listing.facets);
    free(listing.rules);
    return code;
}
