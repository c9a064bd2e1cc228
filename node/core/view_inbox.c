#include "node/core/view_inbox.h"

#include "node/core/view_group.h"
#include "node/core/view_refusal.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

const char *view_inbox_kind_name(enum view_inbox_kind kind)
{
    static const char *const names[] = {
        [VIEW_INBOX_ANSWER] = "answer",     [VIEW_INBOX_CONFIRM] = "confirm",
        [VIEW_INBOX_PROPOSAL] = "proposal", [VIEW_INBOX_DECLINED] = "declined",
        [VIEW_INBOX_PARTNER] = "partner",   [VIEW_INBOX_LINK] = "link",
        [VIEW_INBOX_REFUSED] = "refused",
    };

    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

_Static_assert(VIEW_INBOX_MAX == VIEW_WAITING_MAX, "one bound with two names");

/* Of one announcement of ours, with all its sides. */
#define THINGS_MAX (2 * VIEW_SIDES_MAX)
/* Whoever changes links without end is waited for so many times, and no longer. */
#define PASSES_MAX 3
/* What looks cost, in the unit of VIEW_INBOX_SLICE (some 10 microseconds). */
#define COST_BYTES 2048 /* of content that is read, for one */
#define COST_SIDE 3
#define COST_READ 3 /* of a linked announcement */
#define NODES_FOR_ONE 64

struct looking {
    struct view *view;
    uint32_t place;
    struct view_subject subject; /* as it was when the look began */
    struct view_thing found[THINGS_MAX];
    size_t count;
    uint32_t cost;
    struct error *error;
    int code;
};

/* --- what is found ---------------------------------------------------------------------------- */

static struct view_feed *feed_of(const struct looking *looking)
{
    return looking->view->index.feeds[looking->subject.key >> 32];
}

static uint32_t seq_of(const struct looking *looking)
{
    return (uint32_t)(looking->subject.key & UINT32_MAX);
}

static int take_arrival(void *context, const struct store_entry *stored)
{
    *(uint32_t *)context = (uint32_t)stored->arrival;
    return 1;
}

/* Of an entry that has not brought this before, arrival and mark are asked. */
static void ask(struct looking *looking, struct view_thing *thing, const struct id *feed)
{
    const struct store *store = &looking->view->index.store;
    const struct mark_store *marks = &looking->view->marks;
    const struct view_thing *known =
        view_waiting_known(&looking->view->index.waiting, looking->place, thing->feed, thing->seq);

    if (known) {
        thing->arrival = known->arrival;
        thing->read = known->read;
        return;
    }
    if (!thing->arrival)
        looking->code = store->operations->entries(store->self, feed, thing->seq, thing->seq,
                                                   take_arrival, &thing->arrival, looking->error);
    if (!looking->code && marks->self)
        looking->code = marks->is_read(marks->self, feed, thing->seq, &thing->read, looking->error);
    looking->cost++;
}

/* An entry that is not there brings nothing. */
static void add(struct looking *looking, struct view_thing *thing)
{
    const struct view_feed *feed = looking->view->index.feeds[thing->feed];

    if (looking->code || looking->count == THINGS_MAX)
        return;
    ask(looking, thing, &feed->id);
    if (!looking->code && thing->arrival)
        looking->found[looking->count++] = *thing;
}

/* --- answers and partners --------------------------------------------------------------------- */

/* Whoever answers can name any number: one that is no announcement of ours is none to show. */
static void look_at_answer(struct looking *looking)
{
    const struct view *view = looking->view;
    const struct view_folded *folded =
        view_index_folded(&view->index, feed_of(looking), seq_of(looking));
    bool is = false;

    looking->code = view_parts_is_announcement(view, &view->index.own, looking->subject.about, &is,
                                               looking->error);
    if (is)
        add(looking, &(struct view_thing){.kind = VIEW_INBOX_ANSWER,
                                          .feed = feed_of(looking)->number,
                                          .seq = seq_of(looking),
                                          .arrival = looking->subject.arrival,
                                          .withdrawn = folded && folded->withdrawn_by});
}

static void look_at_partner(struct looking *looking)
{
    add(looking, &(struct view_thing){.kind = VIEW_INBOX_PARTNER,
                                      .feed = feed_of(looking)->number,
                                      .seq = seq_of(looking)});
}

/* --- sides ------------------------------------------------------------------------------------ */

struct own_word {
    const struct view_state *state;
    bool names; /* it says yes or no to what is in force */
    struct error *error;
    int code;
};

static int read_own_word(void *context, const struct store_entry *stored)
{
    struct own_word *word = context;
    const Caravan__Confirmation *said;
    struct view_read_voice voice;
    struct arena arena;
    struct id hash;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    word->code = view_read_voice(&stored->entry, &arena, &voice, word->error);
    said = word->code ? NULL : (const Caravan__Confirmation *)voice.message;
    word->names = said && span_to_id(span_of(said->entry_hash.data, said->entry_hash.len), &hash) &&
                  id_equal(&hash, &word->state->hash);
    arena_finish(&arena);
    return 1;
}

/* Have we said yes or no to the entry that is in force? That is all view_sides would tell of our
 * own side here; to look at the others would cost 64 times as much. */
static bool have_spoken(struct looking *looking, const struct view_state *state)
{
    const struct view_index *index = &looking->view->index;
    const struct store *store = &index->store;
    const struct view_feed *own = view_index_feed(index, &index->own);
    const struct view_voice *voice = own ? view_voices_find(&index->voices, looking->subject.key,
                                                            own->number, TYPE(CONFIRMATION))
                                         : NULL;
    struct own_word word = {.state = state, .error = looking->error};

    if (!voice)
        return false;
    looking->code = store->operations->entries(store->self, &own->id, voice->seq, voice->seq,
                                               read_own_word, &word, looking->error);
    looking->code = looking->code ? looking->code : word.code;
    return word.names;
}

/* A view_side_visitor: was what we propose refused? */
static int hear_refusal(void *context, const struct view_side *side)
{
    struct looking *looking = context;

    looking->cost += COST_SIDE;
    if (side->own && side->refused_seq)
        add(looking, &(struct view_thing){.kind = VIEW_INBOX_REFUSED,
                                          .feed = feed_of(looking)->number,
                                          .seq = (uint32_t)side->refused_seq});
    return side->own || looking->code;
}

/* Only when we have proposed something. */
static void look_for_refusal(struct looking *looking, const struct view_state *state)
{
    const struct view_index *index = &looking->view->index;
    const struct view_feed *own = view_index_feed(index, &index->own);
    int code =
        own && view_voices_find(&index->voices, looking->subject.key, own->number, TYPE(PROPOSAL))
            ? view_sides(looking->view, state, hear_refusal, looking, looking->error)
            : ERROR_NONE;

    looking->code = looking->code ? looking->code : code;
}

/* A view_visitor: somebody's announcement. What was withdrawn asks for nothing. */
static int ask_us(void *context, const struct view_state *state)
{
    struct looking *looking = context;

    looking->cost += (uint32_t)(state->content.size / COST_BYTES);
    if (!state->withdrawn_by)
        look_for_refusal(looking, state);
    if (!looking->code && !state->withdrawn_by &&
        view_sides_names(state, &looking->view->index.own) && !have_spoken(looking, state))
        add(looking, &(struct view_thing){
                         .kind = VIEW_INBOX_CONFIRM,
                         .feed = feed_of(looking)->number,
                         .seq = (uint32_t)(state->revised_by ? state->revised_by : state->seq),
                         .to_do = true});
    return 1;
}

/* A view_side_visitor. */
static int hear_side(void *context, const struct view_side *side)
{
    struct looking *looking = context;
    const struct view_feed *feed = view_index_feed(&looking->view->index, &side->feed);

    looking->cost += COST_SIDE;
    if (feed && side->proposal_seq && !side->refused_seq)
        add(looking, &(struct view_thing){.kind = VIEW_INBOX_PROPOSAL,
                                          .feed = feed->number,
                                          .seq = (uint32_t)side->proposal_seq,
                                          .to_do = true});
    if (feed && side->state == VIEW_SIDE_DECLINED)
        add(looking, &(struct view_thing){.kind = VIEW_INBOX_DECLINED,
                                          .feed = feed->number,
                                          .seq = (uint32_t)side->by_seq});
    return looking->code;
}

/* A view_visitor: an announcement of ours. */
static int hear_sides(void *context, const struct view_state *state)
{
    struct looking *looking = context;
    int code = state->withdrawn_by
                   ? ERROR_NONE
                   : view_sides(looking->view, state, hear_side, looking, looking->error);

    looking->code = looking->code ? looking->code : code;
    return 1;
}

static void look_at_announcement(struct looking *looking, view_visitor visit)
{
    const struct id *feed = &feed_of(looking)->id;
    bool is = false, stop = false;
    int code =
        view_parts_is_announcement(looking->view, feed, seq_of(looking), &is, looking->error);

    if (!code && is)
        code = view_parts_now(looking->view, feed, seq_of(looking), true, false, visit, looking,
                              &stop, looking->error);
    looking->code = looking->code ? looking->code : code;
}

/* --- links ------------------------------------------------------------------------------------ */

static bool is_own(const struct view *view, uint64_t key)
{
    return id_equal(&view->index.feeds[key >> 32]->id, &view->index.own);
}

/* Somebody else's announcement links one of ours, which does not agree. */
static void look_at_link(struct looking *looking)
{
    struct view *view = looking->view;
    const struct view_links *links = &view->index.links;
    uint32_t number = view_links_find(links, looking->subject.key), reads = links->reads;
    uint32_t place = number ? view_links_at(links, number)->out : 0;
    bool waits = false;

    while (place && !waits && !looking->code) {
        uint32_t to = view_links_link(links, place)->to;

        if (is_own(view, view_links_at(links, to)->key))
            looking->code = view_parts_is_one_sided(view, number, to, &waits, looking->error);
        place = view_links_link(links, place)->next_out;
    }
    looking->cost += COST_READ * (links->reads - reads);
    if (waits)
        add(looking, &(struct view_thing){.kind = VIEW_INBOX_LINK,
                                          .feed = feed_of(looking)->number,
                                          .seq = view_links_at(links, number)->by,
                                          .to_do = true});
}

static bool links_ours(const struct view *view, uint32_t number)
{
    const struct view_links *links = &view->index.links;
    uint32_t place = view_links_at(links, number)->out;

    if (is_own(view, view_links_at(links, number)->key))
        return false;
    while (place && !is_own(view, view_links_at(links, view_links_link(links, place)->to)->key))
        place = view_links_link(links, place)->next_out;
    return place != 0;
}

/* Whether a link waits for us may depend on links of others (view_group.h): when any has changed,
 * all that lead to ours are looked at again. Little is read for that: facts are kept there. */
static bool note_links(struct view *view)
{
    struct view_links *links = &view->index.links;
    struct view_waiting *waiting = &view->index.waiting;

    for (uint32_t i = 0; i < NODES_FOR_ONE && waiting->link_at < links->node_count; i++) {
        uint32_t number = waiting->link_at + 1;
        uint64_t key = view_links_at(links, number)->key;

        if (links_ours(view, number) && !view_waiting_add(waiting, VIEW_WAITING_LINK, key))
            return false;
        waiting->link_at++;
    }
    return true;
}

/* --- looking ---------------------------------------------------------------------------------- */

static int look(struct view *view, uint32_t place, uint32_t *cost, struct error *error)
{
    struct view_waiting *waiting = &view->index.waiting;
    struct looking looking = {.view = view, .place = place, .cost = 1, .error = error};

    looking.subject = *view_waiting_subject(waiting, place);
    switch ((enum view_waiting_source)looking.subject.source) {
    case VIEW_WAITING_ANSWER:
        look_at_answer(&looking);
        break;
    case VIEW_WAITING_NAMING:
        look_at_announcement(&looking, ask_us);
        break;
    case VIEW_WAITING_SPOKEN:
        look_at_announcement(&looking, hear_sides);
        break;
    case VIEW_WAITING_LINK:
        look_at_link(&looking);
        break;
    case VIEW_WAITING_PARTNER:
        look_at_partner(&looking);
        break;
    case VIEW_WAITING_SOURCES:
        break;
    }
    *cost += looking.cost;
    if (!looking.code && !view_waiting_set(waiting, place, looking.found, looking.count))
        looking.code = error_memory(error);
    return looking.code;
}

enum step { STEP_LOOK, STEP_LINKS, STEP_LINKS_AGAIN, STEP_NONE };

static enum step next_step(const struct view *view)
{
    const struct view_waiting *waiting = &view->index.waiting;
    const struct view_links *links = &view->index.links;

    if (view_waiting_next(waiting))
        return STEP_LOOK;
    if (waiting->link_at < links->node_count)
        return STEP_LINKS;
    return waiting->link_version != links->version && waiting->link_passes < PASSES_MAX
               ? STEP_LINKS_AGAIN
               : STEP_NONE;
}

bool view_parts_inbox_waits(const struct view *view)
{
    return next_step(view) != STEP_NONE;
}

int view_parts_inbox_work(struct view *view, struct error *error)
{
    struct view_waiting *waiting = &view->index.waiting;
    enum step step = next_step(view);
    uint32_t cost = 0;
    int code = ERROR_NONE;

    for (; step != STEP_NONE && cost < VIEW_INBOX_SLICE && !code; step = next_step(view)) {
        if (step == STEP_LOOK) {
            code = look(view, view_waiting_next(waiting), &cost, error);
        } else if (step == STEP_LINKS) {
            code = note_links(view) ? ERROR_NONE : error_memory(error);
            cost++;
        } else {
            waiting->link_at = 0;
            waiting->link_version = view->index.links.version;
            waiting->link_passes++;
        }
    }
    if (!code && step == STEP_NONE)
        view->wants_inbox = false; /* what comes later is for whoever asks again */
    return code;
}

int view_inbox_work(struct view *view, const struct mark_store *marks, bool *complete,
                    struct error *error)
{
    struct view_waiting *waiting = &view->index.waiting;
    int code;

    *complete = false;
    view->marks = *marks;
    view->wants_inbox = true;
    code = view_group_complete(view, complete, error); /* reads one chunk of records at most */
    if (!*complete)
        waiting->link_passes = 0; /* links are still coming in by themselves */
    if (!code)
        code = view_parts_inbox_work(view, error);
    *complete = !code && *complete && !view_parts_inbox_waits(view);
    if (*complete)
        waiting->link_passes = 0;
    return code;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void show_thing(const struct view_index *index, const struct view_thing *thing,
                       struct view_inbox_thing *out)
{
    const struct view_subject *subject = view_waiting_subject(&index->waiting, thing->subject);
    bool answers = thing->kind == VIEW_INBOX_ANSWER;

    *out = (struct view_inbox_thing){
        .kind = (enum view_inbox_kind)thing->kind,
        .feed = index->feeds[thing->feed]->id,
        .seq = thing->seq,
        .arrival = thing->arrival,
        .about = answers ? index->own : index->feeds[subject->key >> 32]->id,
        .about_seq = answers ? subject->about : subject->key & UINT32_MAX,
        .withdrawn = thing->withdrawn,
        .to_do = thing->to_do,
        .read = thing->read,
    };
}

void view_inbox_count(const struct view *view, struct view_inbox_counts *out)
{
    const struct view_waiting *waiting = &view->index.waiting;

    *out = (struct view_inbox_counts){waiting->count, waiting->unread, waiting->to_do};
}

void view_inbox_visit(const struct view *view, uint64_t before, bool unread,
                      view_inbox_visitor visit, void *context)
{
    const struct view_waiting *waiting = &view->index.waiting;
    struct view_waiting_at at = view_waiting_start(waiting, before);
    const struct view_thing *thing;
    struct view_inbox_thing shown;

    while ((thing = view_waiting_step(waiting, &at, unread))) {
        show_thing(&view->index, thing, &shown);
        if (visit(context, &shown))
            return;
    }
}

bool view_inbox_find(const struct view *view, const struct id *feed, uint64_t seq,
                     struct view_inbox_thing *out)
{
    const struct view_index *index = &view->index;
    uint64_t key = view_index_key(index, feed, seq);
    const struct view_thing *thing = key ? view_waiting_find(&index->waiting, key) : NULL;

    if (thing)
        show_thing(index, thing, out);
    return thing != NULL;
}

int view_inbox_mark(struct view *view, const struct mark *entries, size_t count, bool read,
                    struct error *error)
{
    struct view_index *index = &view->index;
    int code = view->marks.set_read(view->marks.self, entries, count, read, error);

    for (size_t i = 0; i < count && !code; i++) {
        uint64_t key = view_index_key(index, &entries[i].feed, entries[i].seq);

        if (key)
            view_waiting_mark(&index->waiting, key, read);
    }
    return code;
}

void view_inbox_more(const struct view *view, view_inbox_more_visitor visit, void *context)
{
    static const enum view_inbox_kind kinds[] = {
        [VIEW_WAITING_ANSWER] = VIEW_INBOX_ANSWER,   [VIEW_WAITING_NAMING] = VIEW_INBOX_CONFIRM,
        [VIEW_WAITING_LINK] = VIEW_INBOX_LINK,       [VIEW_WAITING_PARTNER] = VIEW_INBOX_PARTNER,
        [VIEW_WAITING_SPOKEN] = VIEW_INBOX_PROPOSAL,
    };
    const struct view_index *index = &view->index;

    for (uint32_t i = 0; i < index->waiting.feed_count; i++) {
        const struct view_waiting_feed *feed = &index->waiting.feeds[i];
        struct view_inbox_more more = {kinds[feed->source], index->feeds[feed->feed]->id,
                                       feed->noted - feed->count};

        if (more.count && visit(context, &more))
            return;
    }
}

/* --- one -------------------------------------------------------------------------------------- */

struct showing {
    struct view *view;
    view_visitor visit;
    void *context;
    struct error *error;
    int code;
};

static int show_said(void *context, const struct store_entry *stored)
{
    struct showing *showing = context;
    struct view_read read = {.visit = showing->visit, .context = showing->context};
    struct view_read_voice voice;
    struct arena arena;
    bool stop = false;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    showing->code =
        view_refusal_read_voice(showing->view, &stored->entry, &arena, &voice, showing->error);
    if (!showing->code && voice.message)
        showing->code =
            view_parts_voice(showing->view, stored, &voice, &read, &stop, showing->error);
    arena_finish(&arena);
    return 1;
}

int view_inbox_show(struct view *view, const struct view_inbox_thing *thing, view_visitor visit,
                    void *context, struct error *error)
{
    const struct store *store = &view->index.store;
    struct showing showing = {view, visit, context, error, ERROR_NONE};
    int code;

    if (thing->kind == VIEW_INBOX_CONFIRM || thing->kind == VIEW_INBOX_PARTNER ||
        thing->kind == VIEW_INBOX_LINK)
        return view_show(view, &thing->about, thing->about_seq, visit, context, error);
    code = store->operations->entries(store->self, &thing->feed, thing->seq, thing->seq, show_said,
                                      &showing, error);
    return code ? code : showing.code;
}
