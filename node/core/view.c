#include "node/core/view.h"

#include "node/core/opened.h"
#include "node/core/view_refusal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT
#define TYPE_REVISION CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION
#define TYPE_WITHDRAWAL CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL
#define TYPE_PROPOSAL CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROPOSAL
#define TYPE_SEALED CARAVAN__CONTENT_TYPE__CONTENT_TYPE_SEALED

/* So many of the entries that were moved aside last are looked through for one: a thief may have
 * published any number. */
#define ASIDE_MAX 1000

/* Entries that one call of view_changes reads: some 30 ms. */
#define CHANGES_MAX VIEW_CHUNK

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

void view_reset(struct view *view)
{
    view_index_reset(&view->index);
}

int view_update(struct view *view, struct error *error)
{
    return view_index_update(&view->index, error);
}

uint64_t view_last_arrival(const struct view *view)
{
    return view->index.last_arrival;
}

void view_own_institution(const struct view *view, struct eligible_institution *out)
{
    const struct view_feed *own = view_index_feed(&view->index, &view->index.own);

    *out = own ? own->institution : (struct eligible_institution){.types = 0};
}

/* Only what was there when a list was last asked for: what comes later is for the next list. */
static bool has_unread(const struct view *view)
{
    return view_index_unread(&view->index, view->index.wanted) != VIEW_INDEX_COMPLETE;
}

bool view_has_work(const struct view *view)
{
    return has_unread(view) || (view->wants_inbox && view_parts_inbox_waits(view));
}

int view_work(struct view *view, struct error *error)
{
    size_t chunk = view_index_unread(&view->index, view->index.wanted);

    if (chunk != VIEW_INDEX_COMPLETE)
        return view_index_read(&view->index, chunk, error);
    return view->wants_inbox ? view_parts_inbox_work(view, error) : ERROR_NONE;
}

bool view_want_all(struct view *view)
{
    view->index.wanted = view->index.last_arrival;
    return !has_unread(view);
}

/* --- reading ---------------------------------------------------------------------------------- */

void view_parts_name(const struct view *view, const struct id *feed, uint64_t seq,
                     struct view_state *state)
{
    memset(state, 0, sizeof *state);
    view_name(view, feed, seq, state->name);
    state->handle = view_handle(view, feed);
    state->feed = *feed;
    state->own = id_equal(feed, &view->index.own);
    state->seq = seq;
}

static const struct view_folded *folded_of(const struct view *view, const struct id *feed,
                                           uint64_t seq)
{
    return view_index_folded(&view->index, view_index_feed(&view->index, feed), seq);
}

int view_parts_now(struct view *view, const struct id *feed, uint64_t seq, bool announcement,
                   bool taken_back, view_visitor visit, void *context, bool *stop,
                   struct error *error)
{
    const struct view_folded *folded =
        announcement || taken_back ? folded_of(view, feed, seq) : NULL;
    struct view_read read = {.store = &view->index.store, .visit = visit, .context = context};

    view_parts_name(view, feed, seq, &read.state);
    if (announcement)
        read.state.content_type = TYPE_ANNOUNCEMENT;
    if (folded && announcement)
        read.state.revised_by = folded->revised_by;
    if (folded)
        read.state.withdrawn_by = folded->withdrawn_by;
    read.state.event_seq = read.state.revised_by ? read.state.revised_by : seq;
    read.content_seq = read.state.event_seq;
    return view_read(&read, NULL, stop, error);
}

/* One event as it left the announcement: a publication, a change, or another entry. base: of a
 * change, the announcement; else 0. event: where it is at hand. */
static int read_event(struct view *view, const struct id *feed, uint64_t seq, uint64_t base,
                      bool withdraws, const struct store_entry *event, struct view_read *read,
                      bool *stop, struct error *error)
{
    const struct view_folded *folded = withdraws ? folded_of(view, feed, base) : NULL;

    read->store = &view->index.store;
    view_parts_name(view, feed, base ? base : seq, &read->state);
    read->state.event_seq = seq;
    read->content_seq = seq;
    if (base && !withdraws)
        read->state.revised_by = seq;
    if (base && withdraws) {
        read->state.revised_by = folded ? folded->revised_by : 0;
        read->state.withdrawn_by = seq;
        read->content_seq = read->state.revised_by ? read->state.revised_by : base;
    }
    return view_read(read, event, stop, error);
}

/* Something about an announcement, which is shown as it is now. */
static int read_aside(struct view *view, const struct id *feed, uint64_t seq,
                      const struct store_entry *stored, struct view_read *read, bool *stop,
                      struct error *error)
{
    const struct view_folded *folded = folded_of(view, feed, seq);
    int code;

    read->store = &view->index.store;
    read->aside = true;
    if (folded) {
        read->state.revised_by = folded->revised_by;
        read->state.withdrawn_by = folded->withdrawn_by;
    }
    read->content_seq = read->state.revised_by ? read->state.revised_by : seq;
    read->state.event_seq = stored->entry.seq;
    code = view_read(read, stored, stop, error);
    read->aside = false;
    return code;
}

int view_parts_voice(struct view *view, const struct store_entry *stored,
                     const struct view_read_voice *voice, struct view_read *read, bool *stop,
                     struct error *error)
{
    view_parts_name(view, &voice->feed, voice->seq, &read->state);
    read->state.said = voice->message;
    read->state.speaker = stored->entry.feed;
    read->state.speaker_handle = view_handle(view, &stored->entry.feed);
    return read_aside(view, &voice->feed, voice->seq, stored, read, stop, error);
}

bool view_parts_is_base(const struct view *view, const struct id *feed, uint64_t seq,
                        uint32_t content_type)
{
    const struct view_folded *folded;

    if (content_type != TYPE_SEALED)
        return content_type == TYPE_ANNOUNCEMENT;
    folded = folded_of(view, feed, seq);
    return folded && folded->revised_by;
}

int view_parts_is_announcement(const struct view *view, const struct id *feed, uint64_t seq,
                               bool *is, struct error *error)
{
    const struct view_feed *found = view_index_feed(&view->index, feed);
    struct view_read_kind kind;
    int code;

    *is = found && seq <= UINT32_MAX && view_bits_has(&found->announcements, (uint32_t)seq);
    if (*is || !seq)
        return ERROR_NONE;
    code = view_read_kind(&view->index.store, feed, seq, &kind, error);
    *is = !code && kind.found && view_parts_is_base(view, feed, seq, kind.type);
    return code;
}

/* --- following -------------------------------------------------------------------------------- */

struct following {
    struct view *view;
    const Caravan__Filter *filter;
    size_t limit, scanned;
    struct view_read read;
    uint64_t next;
    bool stopped; /* there may be more */
    struct error *error;
    int code;
};

static bool content_matches(struct following *following, struct span content, int64_t since_ms,
                            struct arena *arena)
{
    struct view_read_keys keys;
    bool match;

    following->code = view_read_keys(content, arena, &keys, following->error);
    match = view_read_keys_match(&keys, following->filter) &&
            filter_matched_dates(following->filter, &keys.window, since_ms);
    view_read_keys_finish(&keys);
    return match;
}

/* Does an announcement match, or what a revision makes of one? By its dates, at some moment since
 * then. */
static bool entry_matches(struct following *following, const struct entry *entry, int64_t since_ms)
{
    struct view_read_change change = {0};
    struct arena arena;
    bool match = false;

    if (!filter_asks_content(following->filter))
        return true;
    if (!entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION)
        return false;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (entry->content_type == TYPE_ANNOUNCEMENT)
        match = content_matches(following, entry->content, since_ms, &arena);
    else if (entry->content_type == TYPE_REVISION)
        following->code = view_read_change(entry, &arena, &change, following->error);
    if (change.has_content)
        match = content_matches(following, change.content, since_ms, &arena);
    arena_finish(&arena);
    return match;
}

struct matching {
    struct following *following;
    bool match;
};

static int visit_other(void *context, const struct store_entry *stored)
{
    struct matching *matching = context;

    matching->match =
        entry_matches(matching->following, &stored->entry, (int64_t)stored->received_ms);
    return 1;
}

/* The same for an entry that is not at hand, at some moment since it came. */
static bool other_matches(struct following *following, const struct id *feed, uint64_t seq)
{
    const struct store *store = &following->view->index.store;
    struct matching matching = {following, false};
    int code = store->operations->entries(store->self, feed, seq, seq, visit_other, &matching,
                                          following->error);

    if (code)
        following->code = code;
    return matching.match && !following->code;
}

/* At the moment that the filter names. */
static bool matches_now(struct following *following, const struct entry *entry)
{
    const Caravan__Filter *filter = following->filter;

    return entry_matches(following, entry, filter ? (int64_t)filter->at_ms : 0);
}

/* Whoever saw the announcement is told of its changes, also when it no longer matches. */
static bool change_matches(struct following *following, const struct entry *entry, uint64_t base)
{
    const struct view_folded *folded;

    if (matches_now(following, entry) || following->code ||
        other_matches(following, &entry->feed, base))
        return true;
    folded = folded_of(following->view, &entry->feed, base);
    return entry->content_type == TYPE_WITHDRAWAL && folded && folded->revised_by &&
           other_matches(following, &entry->feed, folded->revised_by);
}

/* The announcement that a change belongs to, in the same feed; 0: none, or it is no change. */
static uint64_t base_of(struct following *following, const struct entry *entry)
{
    struct view_read_change change;
    struct arena arena;
    bool is = false;

    if ((entry->content_type != TYPE_REVISION && entry->content_type != TYPE_WITHDRAWAL) ||
        !entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION)
        return 0;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    following->code = view_read_change(entry, &arena, &change, following->error);
    arena_finish(&arena);
    if (!following->code)
        following->code = view_parts_is_announcement(following->view, &entry->feed, change.target,
                                                     &is, following->error);
    return is ? change.target : 0;
}

static bool now_or_first_matches(struct following *following, const struct id *feed, uint64_t seq)
{
    const struct view_folded *folded = folded_of(following->view, feed, seq);

    return other_matches(following, feed, seq) ||
           (!following->code && folded && folded->revised_by &&
            other_matches(following, feed, folded->revised_by));
}

/* Is it about an announcement that is here and matches? */
static bool is_voice(struct following *following, const struct entry *entry,
                     struct view_read_voice *voice, struct arena *arena)
{
    bool is = false;

    following->code =
        view_refusal_read_voice(following->view, entry, arena, voice, following->error);
    if (!following->code && voice->seq)
        following->code = view_parts_is_announcement(following->view, &voice->feed, voice->seq, &is,
                                                     following->error);
    return is && !following->code &&
           filter_matches_handle(following->filter, view_handle(following->view, &voice->feed)) &&
           now_or_first_matches(following, &voice->feed, voice->seq);
}

/* false: it is none that counts here. */
static bool follow_voice(struct following *following, const struct store_entry *stored, bool *full)
{
    struct view_read_voice voice;
    struct arena arena;
    bool is;

    if (!view_read_is_voice(stored->entry.content_type) &&
        !(view_read_is_answer(stored->entry.content_type) && stored->seal))
        return false;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    is = is_voice(following, &stored->entry, &voice, &arena);
    if (is) {
        following->code = view_parts_voice(following->view, stored, &voice, &following->read, full,
                                           following->error);
        *full = *full || --following->limit == 0;
    }
    arena_finish(&arena);
    return is;
}

/* An earlier announcement may be read by us now. false: it is no such entry. */
static bool follow_reader(struct following *following, const struct store_entry *stored, bool *full)
{
    const struct id *feed = &stored->entry.feed;
    uint64_t target = opened_target(stored);
    bool is = false;

    if (!target)
        return false;
    following->code =
        view_parts_is_announcement(following->view, feed, target, &is, following->error);
    if (!is || following->code ||
        !filter_matches_handle(following->filter, view_handle(following->view, feed)) ||
        !now_or_first_matches(following, feed, target))
        return true;
    view_parts_name(following->view, feed, target, &following->read.state);
    following->code =
        read_aside(following->view, feed, target, stored, &following->read, full, following->error);
    *full = *full || --following->limit == 0;
    return true;
}

static bool is_event(struct following *following, const struct entry *entry, uint64_t *base)
{
    *base = 0;
    if (!filter_matches_handle(following->filter, view_handle(following->view, &entry->feed)))
        return false;
    if (entry->content_type == TYPE_ANNOUNCEMENT)
        return matches_now(following, entry);
    *base = base_of(following, entry);
    if (*base && !following->code)
        return change_matches(following, entry, *base);
    return view_parts_takes_other(following->filter, view_read_knows_type(entry->content_type));
}

static int follow(void *context, const struct store_entry *stored)
{
    struct following *following = context;
    const struct entry *entry = &stored->entry;
    bool full = false;
    uint64_t base;

    if (stored->arrival > following->view->index.last_arrival)
        return 1;
    following->scanned++;
    if (!follow_reader(following, stored, &full) && !follow_voice(following, stored, &full) &&
        !following->code && is_event(following, entry, &base) && !following->code) {
        following->code = read_event(following->view, &entry->feed, entry->seq, base,
                                     entry->content_type == TYPE_WITHDRAWAL, stored,
                                     &following->read, &full, following->error);
        full = full || --following->limit == 0;
    }
    if (following->code)
        return 1;
    following->next = stored->arrival;
    following->stopped = full || following->scanned == CHANGES_MAX;
    return following->stopped;
}

int view_changes(struct view *view, const Caravan__Filter *filter, uint64_t after, size_t limit,
                 view_visitor visit, void *context, uint64_t *next, struct error *error)
{
    const struct store *store = &view->index.store;
    struct following following = {.view = view,
                                  .filter = filter,
                                  .limit = limit,
                                  .read = {.visit = visit, .context = context},
                                  .next = after,
                                  .error = error};
    uint64_t last = view->index.last_arrival;
    int code = ERROR_NONE;

    *next = after;
    if (!limit || after >= last)
        return ERROR_NONE;
    code =
        store->operations->arrivals(store->self, after, STORE_ALL_TYPES, follow, &following, error);
    if (!code)
        code = following.code;
    if (!code) /* behind the last entry that is there, arrivals have been taken by others */
        *next = following.stopped ? following.next : last;
    return code;
}

/* --- one announcement ------------------------------------------------------------------------- */

/* What people mean by a number: the announcement that first had it; by the number of one of its
 * changes the same. */
struct meant {
    struct view_read_kind kind; /* of the entry at the number that was given */
    uint64_t seq;               /* of the announcement or other entry */
    bool announcement;
};

static int count_entries(const struct view *view, const struct id *feed, uint64_t *count)
{
    const struct store *store = &view->index.store;
    struct store_feed known;
    int code;

    *count = 0;
    if (view->index.own_only && !id_equal(feed, &view->index.own))
        return ERROR_NONE;
    code = store->operations->get_feed(store->self, feed, &known, NULL);
    if (!code)
        *count = known.head.seq;
    return code == ERROR_NOT_FOUND ? ERROR_NONE : code;
}

struct aside_search {
    uint64_t seq;
    unsigned left;
    bool found;
};

/* A store_quarantined_visitor. */
static int find_aside(void *context, const struct store_quarantined *quarantined)
{
    struct aside_search *search = context;

    search->found = quarantined->entry.entry.seq == search->seq;
    return search->found || --search->left == 0;
}

/* Whoever has seen it here before wants to know where it went. */
static int refuse_absent(const struct view *view, const struct id *feed, uint64_t seq,
                         uint64_t count, struct error *error)
{
    const struct store *store = &view->index.store;
    struct aside_search search = {.seq = seq, .left = ASIDE_MAX};
    char name[VIEW_NAME_SIZE];

    view_name(view, feed, seq, name);
    store->operations->quarantined(store->self, feed, find_aside, &search, NULL);
    if (search.found)
        return error_set(
            error, ERROR_NOT_FOUND,
            "%s counts for nothing any more: its feed goes on another branch, as after "
            "a theft of keys (caravan status says more); %" PRIu64 " entries of that "
            "institution are known",
            name, count);
    return error_set(error, ERROR_NOT_FOUND,
                     "there is no %s here; %" PRIu64 " entries of that institution are known", name,
                     count);
}

static int find(const struct view *view, const struct id *feed, uint64_t seq, struct meant *out,
                struct error *error)
{
    uint64_t count;
    bool is = false;
    int code = count_entries(view, feed, &count);

    if (code)
        return error_set(error, (enum error_code)code, "cannot read the ledger");
    *out = (struct meant){.seq = seq};
    if (seq <= count)
        code = view_read_kind(&view->index.store, feed, seq, &out->kind, error);
    if (!code && !out->kind.found)
        return refuse_absent(view, feed, seq, count, error);
    out->announcement = view_parts_is_base(view, feed, seq, out->kind.type);
    if (!code && out->kind.target)
        code = view_parts_is_announcement(view, feed, out->kind.target, &is, error);
    if (is) {
        out->seq = out->kind.target;
        out->announcement = true;
    }
    return code;
}

/* What one has said of an announcement, and can withdraw. */
static bool may_be_taken_back(uint32_t type)
{
    return type == TYPE_PROPOSAL || view_read_is_answer(type);
}

/* What was sealed and then erased may have been an announcement: that it is withdrawn stays. */
static bool may_be_withdrawn(uint32_t type)
{
    return type == TYPE_SEALED || may_be_taken_back(type);
}

int view_show(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
              void *context, struct error *error)
{
    struct meant meant;
    bool stop = false;
    int code = find(view, feed, seq, &meant, error);

    return code ? code
                : view_parts_now(view, feed, meant.seq, meant.announcement,
                                 may_be_withdrawn(meant.kind.type), visit, context, &stop, error);
}

/* What changed it behind the entry `after`, oldest first. */
static int read_changes(struct view *view, const struct id *feed, uint64_t base, uint64_t after,
                        struct view_read *read, bool *stop, struct error *error)
{
    const struct view_folded *folded = folded_of(view, feed, base);
    uint32_t *seqs = NULL;
    size_t count = 0;
    int code =
        folded ? view_fold_changes(&view->index.fold, folded, &seqs, &count, error) : ERROR_NONE;

    for (size_t i = 0; i < count && !code && !*stop; i++) {
        struct view_read_kind kind;

        if (seqs[i] <= after)
            continue;
        code = view_read_kind(&view->index.store, feed, seqs[i], &kind, error);
        if (!code)
            code = read_event(view, feed, seqs[i], base, kind.type == TYPE_WITHDRAWAL, NULL, read,
                              stop, error);
    }
    free(seqs);
    return code;
}

int view_history_after(struct view *view, const struct id *feed, uint64_t seq, uint64_t after,
                       view_visitor visit, void *context, struct error *error)
{
    struct view_read read = {.visit = visit, .context = context};
    struct meant meant;
    bool stop = false;
    int code = find(view, feed, seq, &meant, error);

    if (!code && after < meant.seq)
        code = read_event(view, feed, meant.seq, 0, false, NULL, &read, &stop, error);
    if (!code && !stop && (meant.announcement || meant.kind.type == TYPE_SEALED))
        code = read_changes(view, feed, meant.seq, after, &read, &stop, error);
    return code;
}

int view_history(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
                 void *context, struct error *error)
{
    return view_history_after(view, feed, seq, 0, visit, context, error);
}

int view_check_change(struct view *view, const struct id *feed, uint64_t seq, bool withdraw,
                      struct error *error)
{
    const struct view_folded *folded;
    char name[VIEW_NAME_SIZE];
    struct meant meant;
    int code = find(view, feed, seq, &meant, error);

    if (code)
        return code;
    view_name(view, feed, seq, name);
    if (meant.seq != seq) {
        char base[VIEW_NAME_SIZE];

        view_name(view, feed, meant.seq, base);
        return error_set(error, ERROR_INVALID,
                         "%s is a change of the announcement %s; change that one", name, base);
    }
    folded = folded_of(view, feed, seq);
    if (folded && folded->withdrawn_by && (meant.announcement || may_be_withdrawn(meant.kind.type)))
        return error_set(error, ERROR_INVALID,
                         "%s was withdrawn by No. %" PRIu32 "; publish a new announcement", name,
                         folded->withdrawn_by);
    if (!meant.announcement && !(withdraw && may_be_taken_back(meant.kind.type)))
        return error_set(error, ERROR_INVALID, "%s is no announcement", name);
    return ERROR_NONE;
}
