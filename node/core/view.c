#include "node/core/view.h"

#include "node/core/view_index.h"
#include "node/core/view_read.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TYPE_ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT
#define TYPE_REVISION CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION
#define TYPE_WITHDRAWAL CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL

struct view {
    struct view_index index;
};

int view_create(const struct store *store, const struct id *own, bool own_only, struct view **out,
                struct error *error)
{
    struct view *view = calloc(1, sizeof *view);

    if (!view)
        return error_memory(error);
    view_index_init(&view->index, store, own, own_only);
    *out = view;
    return ERROR_NONE;
}

void view_destroy(struct view *view)
{
    if (!view)
        return;
    view_index_finish(&view->index);
    free(view);
}

int view_update(struct view *view, struct error *error)
{
    return view_index_update(&view->index, error);
}

uint64_t view_last_arrival(const struct view *view)
{
    return view->index.last_arrival;
}

/* --- names ------------------------------------------------------------------------------------ */

const char *view_handle(const struct view *view, const struct id *feed)
{
    const struct view_feed *found = view_index_feed(&view->index, feed);

    return found ? found->handle : "";
}

void view_name(const struct view *view, const struct id *feed, uint64_t seq,
               char out[VIEW_NAME_SIZE])
{
    const char *handle = view_handle(view, feed);
    char hex[17];

    bytes_to_hex(feed->bytes, 8, hex);
    snprintf(out, VIEW_NAME_SIZE, "%s/%" PRIu64, *handle ? handle : hex, seq);
}

/* Hex digits or a fingerprint's digits, without spaces; "" when it is neither. */
static void squeeze(const char *name, char out[2 * BYTES_ID_SIZE + 1])
{
    size_t size = 0;

    for (; *name; name++) {
        if (*name == ' ')
            continue;
        if (!isxdigit((unsigned char)*name) || size == 2 * BYTES_ID_SIZE) {
            size = 0;
            break;
        }
        out[size++] = (char)tolower((unsigned char)*name);
    }
    out[size] = '\0';
}

static bool is_called(const struct view_feed *feed, const char *name, const char *digits)
{
    char text[2 * BYTES_ID_SIZE + 1];
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];

    if (feed->handle[0] && strcasecmp(feed->handle, name) == 0)
        return true;
    if (strlen(digits) < 8)
        return false;
    bytes_to_hex(feed->id.bytes, sizeof feed->id.bytes, text);
    if (strncmp(text, digits, strlen(digits)) == 0)
        return true;
    identity_fingerprint(&feed->id, fingerprint);
    squeeze(fingerprint, text);
    return strcmp(text, digits) == 0;
}

static int ambiguous(const char *name, const struct id *a, const struct id *b, struct error *error)
{
    char first[IDENTITY_FINGERPRINT_SIZE], second[IDENTITY_FINGERPRINT_SIZE];
    char hex_a[17], hex_b[17];

    identity_fingerprint(a, first);
    identity_fingerprint(b, second);
    bytes_to_hex(a->bytes, 8, hex_a);
    bytes_to_hex(b->bytes, 8, hex_b);
    return error_set(error, ERROR_EXISTS,
                     "two institutions are called %.40s: fingerprint %s (write %s) and fingerprint "
                     "%s (write %s); ask them by telephone which is which",
                     name, first, hex_a, second, hex_b);
}

int view_resolve(const struct view *view, const char *name, struct id *feed, struct error *error)
{
    const struct view_feed *found = NULL;
    const struct view_feed *candidate;
    char digits[2 * BYTES_ID_SIZE + 1];
    size_t at = 0;

    squeeze(name, digits);
    while ((candidate = map_next(&view->index.feeds, &at))) {
        if (!is_called(candidate, name, digits))
            continue;
        if (found)
            return ambiguous(name, &found->id, &candidate->id, error);
        found = candidate;
    }
    if (!found)
        return error_set(error, ERROR_NOT_FOUND,
                         "no institution is known as \"%.80s\"; expected a handle like th-nstda, a "
                         "fingerprint, or at least 8 hex digits of a feed id; caravan status lists "
                         "those that are known",
                         name);
    *feed = found->id;
    return ERROR_NONE;
}

int view_resolve_name(const struct view *view, const char *name, struct id *feed, uint64_t *seq,
                      struct error *error)
{
    const char *slash = strrchr(name, '/');
    char institution[96];
    char *end;
    uint64_t number;

    if (!slash || slash == name || (size_t)(slash - name) >= sizeof institution || slash[1] < '1' ||
        slash[1] > '9' || strlen(slash + 1) > 18)
        goto invalid;
    number = strtoull(slash + 1, &end, 10);
    if (*end)
        goto invalid;
    memcpy(institution, name, (size_t)(slash - name));
    institution[slash - name] = '\0';
    *seq = number;
    return view_resolve(view, institution, feed, error);
invalid:
    return error_set(error, ERROR_INVALID,
                     "\"%.80s\" is no name of an announcement; expected institution/number, like "
                     "th-nstda/42",
                     name);
}

/* --- what is shown ---------------------------------------------------------------------------- */

static const struct filter_facets *facets_in_force(const struct view_feed *feed,
                                                   const struct view_slot *base)
{
    return base->revised_by ? feed->slots[base->revised_by - 1].facets : base->facets;
}

/* An entry that is no announcement and no change of one. */
static bool other_is_wanted(const Caravan__Filter *filter, const struct view_slot *slot)
{
    if (filter_asks_content(filter))
        return false;
    return (filter && filter->other) || !view_read_knows_type(slot->content_type);
}

static bool is_listed(const Caravan__Filter *filter, const struct view_feed *feed,
                      const struct view_slot *slot)
{
    if (!filter_matches_handle(filter, feed->handle))
        return false;
    if (slot->content_type == TYPE_ANNOUNCEMENT)
        return (slot->withdrawn_by == 0 || (filter && filter->withdrawn)) &&
               filter_matches(filter, facets_in_force(feed, slot));
    return !view_feed_base(feed, slot) && other_is_wanted(filter, slot);
}

/* Whoever saw the announcement is told of its changes, also when it no longer matches. */
static bool is_event(const Caravan__Filter *filter, const struct view_feed *feed,
                     const struct view_slot *slot)
{
    const struct view_slot *base = view_feed_base(feed, slot);

    if (!filter_matches_handle(filter, feed->handle))
        return false;
    if (slot->content_type == TYPE_ANNOUNCEMENT)
        return filter_matches(filter, slot->facets);
    if (!base)
        return other_is_wanted(filter, slot);
    return filter_matches(filter, base->facets) || filter_matches(filter, slot->facets) ||
           (slot->content_type == TYPE_WITHDRAWAL &&
            filter_matches(filter, facets_in_force(feed, base)));
}

/* --- reading ---------------------------------------------------------------------------------- */

static void name_state(const struct view *view, const struct view_feed *feed, uint64_t seq,
                       struct view_state *state)
{
    memset(state, 0, sizeof *state);
    view_name(view, &feed->id, seq, state->name);
    state->handle = feed->handle;
    state->feed = feed->id;
    state->own = id_equal(&feed->id, &view->index.own);
    state->seq = seq;
}

/* An announcement or other entry as it is now. */
static int read_now(struct view *view, const struct view_feed *feed, uint64_t seq,
                    view_visitor visit, void *context, bool *stop, struct error *error)
{
    const struct view_slot *slot = &feed->slots[seq - 1];
    struct view_read read = {.store = &view->index.store, .visit = visit, .context = context};

    name_state(view, feed, seq, &read.state);
    if (slot->content_type == TYPE_ANNOUNCEMENT) {
        read.state.revised_by = slot->revised_by;
        read.state.withdrawn_by = slot->withdrawn_by;
    }
    read.state.content_type = slot->content_type;
    read.state.event_seq = read.state.revised_by ? read.state.revised_by : seq;
    read.content_seq = read.state.event_seq;
    return view_read(&read, stop, error);
}

/* One event as it left the announcement: a publication, a change, or another entry. */
static int read_event(struct view *view, const struct view_feed *feed, uint64_t seq,
                      view_visitor visit, void *context, bool *stop, struct error *error)
{
    const struct view_slot *slot = &feed->slots[seq - 1];
    const struct view_slot *base = view_feed_base(feed, slot);
    struct view_read read = {.store = &view->index.store, .visit = visit, .context = context};

    name_state(view, feed, base ? slot->target : seq, &read.state);
    read.state.content_type = slot->content_type;
    read.state.event_seq = seq;
    read.content_seq = seq;
    if (base && slot->content_type == TYPE_REVISION)
        read.state.revised_by = seq;
    if (base && slot->content_type == TYPE_WITHDRAWAL) {
        read.state.revised_by = base->revised_by;
        read.state.withdrawn_by = seq;
        read.content_seq = base->revised_by ? base->revised_by : slot->target;
    }
    return view_read(&read, stop, error);
}

/* true when the place in order is where its entry stands now. */
static bool is_current(const struct view_arrival *at)
{
    return at->feed->slots[at->seq - 1].arrival == at->arrival;
}

int view_list(struct view *view, const Caravan__Filter *filter, uint64_t before, size_t limit,
              view_visitor visit, void *context, uint64_t *next, uint64_t *total,
              struct error *error)
{
    const struct view_index *index = &view->index;
    bool full = limit == 0;
    size_t seen = 0;

    *next = *total = 0;
    for (size_t i = index->order_count; i-- > 0;) {
        const struct view_arrival *at = &index->order[i];
        int code;

        if (!is_current(at) || !is_listed(filter, at->feed, &at->feed->slots[at->seq - 1]))
            continue;
        ++*total;
        if (before && at->arrival >= before)
            continue;
        if (full) {
            if (*next == 0)
                *next = at->arrival + 1;
            continue;
        }
        code = read_now(view, at->feed, at->seq, visit, context, &full, error);
        if (code)
            return code;
        full = full || ++seen >= limit;
    }
    return ERROR_NONE;
}

int view_changes(struct view *view, const Caravan__Filter *filter, uint64_t after, size_t limit,
                 view_visitor visit, void *context, uint64_t *next, struct error *error)
{
    const struct view_index *index = &view->index;
    bool full = limit == 0;
    size_t seen = 0;

    *next = after;
    for (size_t i = view_index_after(index, after); i < index->order_count && !full; i++) {
        const struct view_arrival *at = &index->order[i];
        int code;

        if (is_current(at) && is_event(filter, at->feed, &at->feed->slots[at->seq - 1])) {
            code = read_event(view, at->feed, at->seq, visit, context, &full, error);
            if (code)
                return code;
            full = full || ++seen >= limit;
        }
        *next = at->arrival;
    }
    return ERROR_NONE;
}

static int find(const struct view *view, const struct id *feed, uint64_t seq,
                const struct view_feed **out, struct error *error)
{
    const struct view_feed *found = view_index_feed(&view->index, feed);
    char name[VIEW_NAME_SIZE];

    if (found && view_feed_slot(found, seq)) {
        *out = found;
        return ERROR_NONE;
    }
    view_name(view, feed, seq, name);
    return error_set(error, ERROR_NOT_FOUND,
                     "there is no %s here; %" PRIu64 " entries of that institution are known", name,
                     found ? found->count : 0);
}

/* People name an announcement by the number that first published it; by the number of one of its
 * changes they mean the same. */
static uint64_t announcement_of(const struct view_feed *feed, uint64_t seq)
{
    const struct view_slot *slot = &feed->slots[seq - 1];

    return view_feed_base(feed, slot) ? slot->target : seq;
}

int view_show(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
              void *context, struct error *error)
{
    const struct view_feed *found = NULL;
    bool stop = false;
    int code = find(view, feed, seq, &found, error);

    return code ? code
                : read_now(view, found, announcement_of(found, seq), visit, context, &stop, error);
}

int view_history(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
                 void *context, struct error *error)
{
    const struct view_feed *found = NULL;
    bool stop = false;
    int code = find(view, feed, seq, &found, error);

    if (!code) {
        seq = announcement_of(found, seq);
        code = read_event(view, found, seq, visit, context, &stop, error);
    }
    if (code || found->slots[seq - 1].content_type != TYPE_ANNOUNCEMENT)
        return code;
    for (uint64_t at = found->slots[seq - 1].first; at && !code && !stop;
         at = found->slots[at - 1].next)
        code = read_event(view, found, at, visit, context, &stop, error);
    return code;
}

int view_check_change(struct view *view, const struct id *feed, uint64_t seq, struct error *error)
{
    const struct view_feed *found = NULL;
    const struct view_slot *slot;
    char name[VIEW_NAME_SIZE];
    int code = find(view, feed, seq, &found, error);

    if (code)
        return code;
    slot = &found->slots[seq - 1];
    view_name(view, feed, seq, name);
    if (view_feed_base(found, slot)) {
        char base[VIEW_NAME_SIZE];

        view_name(view, feed, slot->target, base);
        return error_set(error, ERROR_INVALID,
                         "%s is a change of the announcement %s; change that one", name, base);
    }
    if (slot->content_type != TYPE_ANNOUNCEMENT)
        return error_set(error, ERROR_INVALID, "%s is no announcement", name);
    if (slot->withdrawn_by)
        return error_set(error, ERROR_INVALID,
                         "%s was withdrawn by No. %" PRIu64 "; publish a new announcement", name,
                         slot->withdrawn_by);
    return ERROR_NONE;
}
