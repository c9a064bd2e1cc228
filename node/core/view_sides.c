#include "node/core/view_sides.h"

#include "common/fields.h"
#include "common/merge.h"
#include "node/core/view_refusal.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
/* Of a longer history only so many are looked through: about 2 ms. */
#define REVISIONS_MAX 256

const char *view_side_state_name(enum view_side_state state)
{
    static const char *const names[] = {
        [VIEW_SIDE_PUBLISHER] = "publisher",
        [VIEW_SIDE_PROPOSED] = "proposed",
        [VIEW_SIDE_CONFIRMED] = "confirmed",
        [VIEW_SIDE_EARLIER] = "confirmed an earlier revision",
        [VIEW_SIDE_ELSEWHERE] = "confirmed a revision that is not here",
        [VIEW_SIDE_DECLINED] = "declined",
    };

    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

struct looking {
    struct view *view;
    const struct view_state *state;
    const Caravan__Party *party;
    struct view_side side;
    uint64_t key; /* of the announcement, in the voices */
    struct arena arena;
    struct buffer proposal;
    struct error *error;
    int code;
};

/* --- which entry is it? ----------------------------------------------------------------------- */

struct hash_check {
    const struct id *hash;
    bool same;
};

static int compare_hash(void *context, const struct store_entry *stored)
{
    struct hash_check *check = context;

    check->same = id_equal(&stored->entry.hash, check->hash);
    return 1;
}

static bool has_hash(struct looking *looking, uint64_t seq, const struct id *hash)
{
    const struct store *store = &looking->view->index.store;
    struct hash_check check = {hash, false};

    if (!looking->code)
        looking->code = store->operations->entries(store->self, &looking->state->feed, seq, seq,
                                                   compare_hash, &check, looking->error);
    return check.same;
}

/* The publication or revision with this hash; 0: none is here. */
static uint64_t find_revision(struct looking *looking, const struct id *hash)
{
    const struct view_index *index = &looking->view->index;
    const struct view_folded *folded = view_index_folded(
        index, view_index_feed(index, &looking->state->feed), looking->state->seq);
    uint64_t now = looking->state->revised_by ? looking->state->revised_by : looking->state->seq;
    uint64_t found = 0;
    uint32_t *seqs = NULL;
    size_t count = 0;

    if (has_hash(looking, now, hash))
        return now;
    if (has_hash(looking, looking->state->seq, hash))
        return looking->state->seq;
    if (folded && !looking->code)
        looking->code = view_fold_changes(&index->fold, folded, &seqs, &count, looking->error);
    for (size_t i = count; i-- > 0 && count - i <= REVISIONS_MAX && !found && !looking->code;)
        if (seqs[i] != folded->withdrawn_by && has_hash(looking, seqs[i], hash))
            found = seqs[i];
    free(seqs);
    return found;
}

/* --- what it says ----------------------------------------------------------------------------- */

/* Visits the entry of a voice; NULL: there is none. */
static void visit_voice(struct looking *looking, const struct view_voice *voice,
                        store_entry_visitor visit)
{
    const struct view_index *index = &looking->view->index;
    const struct store *store = &index->store;
    int code;

    if (!voice || looking->code)
        return;
    code = store->operations->entries(store->self, &index->feeds[voice->feed]->id, voice->seq,
                                      voice->seq, visit, looking, looking->error);
    looking->code = looking->code ? looking->code : code;
}

/* Visits the side's newest entry of a type. */
static void read_newest(struct looking *looking, uint32_t type, store_entry_visitor visit)
{
    const struct view_index *index = &looking->view->index;
    const struct view_feed *feed = view_index_feed(index, &looking->side.feed);

    if (feed)
        visit_voice(looking, view_voices_find(&index->voices, looking->key, feed->number, type),
                    visit);
}

static int visit_confirmation(void *context, const struct store_entry *stored)
{
    struct looking *looking = context;
    struct view_side *side = &looking->side;
    const Caravan__Confirmation *confirmation;
    struct view_read_voice voice;
    struct id hash;
    uint64_t now = looking->state->revised_by ? looking->state->revised_by : looking->state->seq;

    looking->code = view_read_voice(&stored->entry, &looking->arena, &voice, looking->error);
    if (looking->code || !voice.message)
        return 1;
    confirmation = (const Caravan__Confirmation *)voice.message;
    side->by_seq = stored->entry.seq;
    side->by_ms = stored->entry.created_ms;
    if (span_to_id(span_of(confirmation->entry_hash.data, confirmation->entry_hash.len), &hash))
        side->revision = find_revision(looking, &hash);
    if (confirmation->declined)
        side->state = VIEW_SIDE_DECLINED;
    else if (side->revision == now)
        side->state = VIEW_SIDE_CONFIRMED;
    else
        side->state = side->revision ? VIEW_SIDE_EARLIER : VIEW_SIDE_ELSEWHERE;
    return 1;
}

/* Packed messages tell whether two say the same: what is unknown to us is compared, too. */
static bool says_the_same(struct looking *looking, const Caravan__Party *proposed)
{
    struct buffer now = {0}, then = {0};
    bool same = false;

    if (fields_pack(&looking->party->base, &now) && fields_pack(&proposed->base, &then))
        same = span_equal(buffer_span(&now), buffer_span(&then));
    else
        looking->code = error_memory(looking->error);
    buffer_finish(&now);
    buffer_finish(&then);
    return same;
}

struct comparing {
    struct looking *looking;
    const Caravan__Proposal *proposal;
    bool taken_over;
};

/* A view_visitor: of the revision that the proposal was made for. */
static int compare_base(void *context, const struct view_state *state)
{
    struct comparing *comparing = context;
    struct looking *looking = comparing->looking;
    const Caravan__Announcement *base = state->announcement;
    struct merge merge;
    struct id feed;

    for (size_t i = 0; base && i < base->n_parties; i++) {
        const Caravan__Party *party = base->parties[i];

        if (!span_to_id(span_of(party->node_id.data, party->node_id.len), &feed) ||
            !id_equal(&feed, &looking->side.feed))
            continue;
        looking->code =
            merge_find(&party->base, &looking->party->base, &comparing->proposal->party->base,
                       &looking->arena, &merge, looking->error);
        comparing->taken_over = !looking->code && merge.changed && !merge.pending;
        break;
    }
    return 1;
}

/* Does the revision in force say all that the proposal changes against the one it was made for? The
 * publisher may have changed something else of this side in between. */
static bool is_taken_over(struct looking *looking, const Caravan__Proposal *proposal)
{
    const struct view_state *state = looking->state;
    struct comparing comparing = {looking, proposal, false};
    uint64_t revision = 0;
    struct id hash;
    int code;

    if (span_to_id(span_of(proposal->entry_hash.data, proposal->entry_hash.len), &hash))
        revision = find_revision(looking, &hash);
    if (looking->code || !revision || revision == state->revised_by)
        return false;
    code = view_history_after(looking->view, &state->feed, state->seq, revision - 1, compare_base,
                              &comparing, looking->error);
    looking->code = looking->code ? looking->code : code;
    return comparing.taken_over;
}

static bool is_withdrawn(const struct view *view, const struct id *feed, uint64_t seq)
{
    const struct view_index *index = &view->index;
    const struct view_folded *folded = view_index_folded(index, view_index_feed(index, feed), seq);

    return folded && folded->withdrawn_by;
}

static int visit_proposal(void *context, const struct store_entry *stored)
{
    struct looking *looking = context;
    const Caravan__Proposal *proposal;
    struct view_read_voice voice;
    struct id feed;

    looking->code = view_read_voice(&stored->entry, &looking->arena, &voice, looking->error);
    if (looking->code || !voice.message)
        return 1;
    proposal = (const Caravan__Proposal *)voice.message;
    /* Only of itself may it propose anything. */
    if (!proposal->party ||
        !span_to_id(span_of(proposal->party->node_id.data, proposal->party->node_id.len), &feed) ||
        !id_equal(&feed, &looking->side.feed) ||
        is_withdrawn(looking->view, &looking->side.feed, stored->entry.seq) ||
        says_the_same(looking, proposal->party) || is_taken_over(looking, proposal) ||
        looking->code)
        return 1;
    if (!buffer_append(&looking->proposal, stored->entry.content.data, stored->entry.content.size))
        looking->code = error_memory(looking->error);
    looking->side.proposal = buffer_span(&looking->proposal);
    looking->side.proposal_seq = stored->entry.seq;
    looking->side.proposal_ms = stored->entry.created_ms;
    looking->side.proposal_hash = stored->entry.hash;
    return 1;
}

/* What the publisher says of the proposal. */
static int visit_refusal(void *context, const struct store_entry *stored)
{
    struct looking *looking = context;
    struct view_read_voice voice;

    looking->code = view_read_voice(&stored->entry, &looking->arena, &voice, looking->error);
    if (looking->code || !view_refusal_is(&voice, &looking->side.proposal_hash))
        return 1;
    looking->side.refused_seq = stored->entry.seq;
    looking->side.refused_ms = stored->entry.created_ms;
    return 1;
}

static void look_for_refusal(struct looking *looking)
{
    const struct view_side *side = &looking->side;

    if (side->proposal_seq)
        visit_voice(looking,
                    view_refusal_find(&looking->view->index, &looking->state->feed, &side->feed,
                                      side->proposal_seq),
                    visit_refusal);
}

/* --- sides ------------------------------------------------------------------------------------ */

static void look_at_side(struct looking *looking, size_t party, const struct id *feed)
{
    looking->party = looking->state->announcement->parties[party];
    looking->side = (struct view_side){.party = party,
                                       .feed = *feed,
                                       .handle = view_handle(looking->view, feed),
                                       .own = id_equal(feed, &looking->view->index.own),
                                       .state = VIEW_SIDE_PROPOSED};
    buffer_clear(&looking->proposal);
    if (id_equal(feed, &looking->state->feed)) {
        looking->side.state = VIEW_SIDE_PUBLISHER;
        return;
    }
    arena_init(&looking->arena, LIMIT_ARENA_SIZE);
    read_newest(looking, TYPE(CONFIRMATION), visit_confirmation);
    read_newest(looking, TYPE(PROPOSAL), visit_proposal);
    look_for_refusal(looking);
    arena_finish(&looking->arena);
}

static bool feed_of(const Caravan__Party *party, struct id *feed)
{
    return span_to_id(span_of(party->node_id.data, party->node_id.len), feed);
}

static bool is_among(const struct id *feed, const struct id *feeds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (id_equal(feed, &feeds[i]))
            return true;
    return false;
}

static bool is_joint(const struct view_state *state)
{
    const Caravan__Announcement *announcement = state->announcement;
    struct id feed;

    for (size_t i = 0; announcement && i < announcement->n_parties; i++)
        if (feed_of(announcement->parties[i], &feed) && !id_equal(&feed, &state->feed))
            return true;
    return false;
}

int view_sides(struct view *view, const struct view_state *state, view_side_visitor visit,
               void *context, struct error *error)
{
    const Caravan__Announcement *announcement = state->announcement;
    struct looking looking = {.view = view, .state = state, .error = error};
    struct id seen[VIEW_SIDES_MAX];
    size_t count = 0;

    if (!is_joint(state))
        return ERROR_NONE;
    looking.key = view_index_key(&view->index, &state->feed, state->seq);
    for (size_t i = 0; i < announcement->n_parties && count < VIEW_SIDES_MAX; i++) {
        if (!feed_of(announcement->parties[i], &seen[count]) || is_among(&seen[count], seen, count))
            continue;
        look_at_side(&looking, i, &seen[count++]);
        if (looking.code || visit(context, &looking.side))
            break;
    }
    buffer_finish(&looking.proposal);
    return looking.code;
}

bool view_sides_names(const struct view_state *state, const struct id *feed)
{
    const Caravan__Announcement *announcement = state->announcement;
    struct id seen[VIEW_SIDES_MAX];
    size_t count = 0;

    for (size_t i = 0; announcement && i < announcement->n_parties && count < VIEW_SIDES_MAX; i++) {
        if (!feed_of(announcement->parties[i], &seen[count]) || is_among(&seen[count], seen, count))
            continue;
        if (id_equal(&seen[count++], feed))
            return !id_equal(feed, &state->feed);
    }
    return false;
}

/* --- what was said ---------------------------------------------------------------------------- */

struct said {
    const struct view_voice *voice;
    uint64_t arrival;
};

struct telling {
    struct view *view;
    view_visitor visit;
    void *context;
    bool stop;
    struct error *error;
    int code;
};

static int visit_arrival(void *context, const struct store_entry *stored)
{
    ((struct said *)context)->arrival = stored->arrival;
    return 1;
}

static bool is_side(const struct view_state *state, const struct id *feed)
{
    struct id party;

    for (size_t i = 0; i < state->announcement->n_parties; i++)
        if (feed_of(state->announcement->parties[i], &party) && id_equal(&party, feed))
            return true;
    return id_equal(&state->feed, feed);
}

/* A view_visitor: strangers may say what they like, it is not told. */
static int tell_of_sides(void *context, const struct view_state *state)
{
    struct telling *telling = context;

    return state->announcement && is_side(state, &state->speaker)
               ? telling->visit(telling->context, state)
               : 0;
}

static int visit_said(void *context, const struct store_entry *stored)
{
    struct telling *telling = context;
    struct view_read read = {.visit = tell_of_sides, .context = telling};
    struct view_read_voice voice;
    struct arena arena;

    if (!view_read_is_voice(stored->entry.content_type))
        return 1; /* what the index keeps beside them: Readers, and our own answers */
    arena_init(&arena, LIMIT_ARENA_SIZE);
    telling->code =
        view_refusal_read_voice(telling->view, &stored->entry, &arena, &voice, telling->error);
    if (!telling->code && voice.message)
        telling->code =
            view_parts_voice(telling->view, stored, &voice, &read, &telling->stop, telling->error);
    arena_finish(&arena);
    return 1;
}

static int compare_arrivals(const void *a, const void *b)
{
    const struct said *left = a, *right = b;

    return left->arrival < right->arrival ? -1 : left->arrival > right->arrival;
}

/* Reads the entry of a voice. */
static int read_voice(struct view *view, const struct view_voice *voice, store_entry_visitor visit,
                      void *context, struct error *error)
{
    const struct store *store = &view->index.store;

    return store->operations->entries(store->self, &view->index.feeds[voice->feed]->id, voice->seq,
                                      voice->seq, visit, context, error);
}

/* The publisher's word on a voice that is a proposal; NULL: none. */
static const struct view_voice *word_on(const struct view_index *index, const struct id *publisher,
                                        const struct view_voice *voice)
{
    return voice->type == TYPE(PROPOSAL)
               ? view_refusal_find(index, publisher, &index->feeds[voice->feed]->id, voice->seq)
               : NULL;
}

/* All voices about the announcement, and of its publisher about proposals for it, by arrival; the
 * caller frees *all. */
static int gather(struct view *view, const struct id *publisher, uint64_t seq, struct said **all,
                  size_t *count, struct error *error)
{
    const struct view_index *index = &view->index;
    const struct view_voices *voices = &index->voices;
    const struct view_voice *first =
        view_voices_first(voices, view_index_key(index, publisher, seq));
    const struct view_voice *voice, *word;
    int code = ERROR_NONE;

    *count = 0;
    for (voice = first; voice; voice = view_voices_next(voices, voice))
        *count += word_on(index, publisher, voice) ? 2 : 1;
    *all = calloc(*count ? *count : 1, sizeof **all);
    if (!*all)
        return error_memory(error);
    *count = 0;
    for (voice = first; voice; voice = view_voices_next(voices, voice)) {
        (*all)[(*count)++].voice = voice;
        word = word_on(index, publisher, voice);
        if (word)
            (*all)[(*count)++].voice = word;
    }
    for (size_t i = 0; i < *count && !code; i++)
        code = read_voice(view, (*all)[i].voice, visit_arrival, &(*all)[i], error);
    qsort(*all, *count, sizeof **all, compare_arrivals);
    return code;
}

int view_sides_said(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
                    void *context, struct error *error)
{
    struct telling telling = {.view = view, .visit = visit, .context = context, .error = error};
    struct said *all = NULL;
    size_t count = 0;
    int code = gather(view, feed, seq, &all, &count, error);

    for (size_t i = 0; i < count && !code && !telling.stop; i++) {
        code = read_voice(view, all[i].voice, visit_said, &telling, error);
        code = code ? code : telling.code;
    }
    free(all);
    return code;
}

/* --- our own ---------------------------------------------------------------------------------- */

struct own_check {
    struct span content;
    struct view_own_voice *out;
};

static int compare_content(void *context, const struct store_entry *stored)
{
    struct own_check *check = context;

    check->out->hash = stored->entry.hash;
    check->out->same = !check->out->withdrawn && stored->entry.has_content &&
                       span_equal(stored->entry.content, check->content);
    return 1;
}

int view_sides_own_voice(struct view *view, const struct id *feed, uint64_t seq,
                         uint32_t content_type, struct span content, struct view_own_voice *out,
                         struct error *error)
{
    const struct view_index *index = &view->index;
    const struct store *store = &index->store;
    const struct view_feed *own = view_index_feed(index, &index->own);
    uint64_t key = view_index_key(index, feed, seq);
    const struct view_voice *voice =
        own ? view_voices_find(&index->voices, key, own->number, content_type) : NULL;
    struct own_check check = {content, out};

    *out = (struct view_own_voice){0};
    if (!voice)
        return ERROR_NONE;
    out->seq = voice->seq;
    out->withdrawn = is_withdrawn(view, &own->id, voice->seq);
    return store->operations->entries(store->self, &own->id, voice->seq, voice->seq,
                                      compare_content, &check, error);
}
