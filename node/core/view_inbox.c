#include "node/core/view_inbox.h"

#include "node/core/view_refusal.h"

#include <stdlib.h>

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

struct gathering {
    struct view *view;
    struct view_inbox_thing *things;
    size_t count, capacity;
    struct error *error;
    int code;
};

static bool add(struct gathering *gathering, const struct view_inbox_thing *thing)
{
    if (gathering->count == gathering->capacity) {
        size_t capacity = gathering->capacity ? gathering->capacity * 2 : 32;
        struct view_inbox_thing *things = realloc(gathering->things, capacity * sizeof *things);

        if (!things) {
            gathering->code = error_memory(gathering->error);
            return false;
        }
        gathering->things = things;
        gathering->capacity = capacity;
    }
    gathering->things[gathering->count++] = *thing;
    return true;
}

static int take_arrival(void *context, const struct store_entry *stored)
{
    *(uint64_t *)context = stored->arrival;
    return 1;
}

/* Adds it with the arrival of the entry that brought it; an entry that is not there brings
 * nothing. */
static void add_with_arrival(struct gathering *gathering, struct view_inbox_thing *thing)
{
    const struct store *store = &gathering->view->index.store;
    int code = store->operations->entries(store->self, &thing->feed, thing->seq, thing->seq,
                                          take_arrival, &thing->arrival, gathering->error);

    if (code)
        gathering->code = code;
    else if (thing->arrival)
        add(gathering, thing);
}

/* --- answers and partners --------------------------------------------------------------------- */

/* Whoever answers can name any number: one that is no announcement of ours is none to show. */
static bool is_ours(struct gathering *gathering, const struct view_answer *answer)
{
    const struct view *view = gathering->view;
    bool is = false;

    gathering->code =
        view_parts_is_announcement(view, &view->index.own, answer->about, &is, gathering->error);
    return is && !gathering->code;
}

static void gather_answers(struct gathering *gathering)
{
    const struct view_index *index = &gathering->view->index;

    for (size_t i = 0; i < index->answer_count && !gathering->code; i++) {
        const struct view_answer *answer = &index->answers[i];
        const struct view_feed *feed = index->feeds[answer->feed];
        const struct view_folded *folded = view_index_folded(index, feed, answer->seq);

        if (!is_ours(gathering, answer))
            continue;
        add(gathering, &(struct view_inbox_thing){.kind = VIEW_INBOX_ANSWER,
                                                  .feed = feed->id,
                                                  .seq = answer->seq,
                                                  .arrival = answer->arrival,
                                                  .about = index->own,
                                                  .about_seq = answer->about,
                                                  .withdrawn = folded && folded->withdrawn_by});
    }
}

/* Feeds of which an entry is here, with the name that they go by. */
static void gather_partners(struct gathering *gathering)
{
    const struct view_index *index = &gathering->view->index;

    for (size_t i = 0; i < index->feed_count && !gathering->code; i++) {
        const struct view_feed *feed = index->feeds[i];
        struct view_inbox_thing thing = {.kind = VIEW_INBOX_PARTNER,
                                         .feed = feed->id,
                                         .seq = 1,
                                         .about = feed->id,
                                         .about_seq = 1};

        if (*feed->handle && !id_equal(&feed->id, &index->own))
            add_with_arrival(gathering, &thing);
    }
}

/* --- sides ------------------------------------------------------------------------------------ */

struct siding {
    struct gathering *gathering;
    const struct view_state *state;
};

/* Ours, of somebody's announcement: have we said yes or no to what is in force? */
static int ask_us(void *context, const struct view_side *side)
{
    struct siding *siding = context;
    const struct view_state *state = siding->state;
    uint64_t now = state->revised_by ? state->revised_by : state->seq;
    struct view_inbox_thing thing = {.kind = VIEW_INBOX_CONFIRM,
                                     .feed = state->feed,
                                     .seq = now,
                                     .about = state->feed,
                                     .about_seq = state->seq,
                                     .to_do = true};

    if (!side->own)
        return 0;
    if (side->refused_seq)
        add_with_arrival(siding->gathering, &(struct view_inbox_thing){.kind = VIEW_INBOX_REFUSED,
                                                                       .feed = state->feed,
                                                                       .seq = side->refused_seq,
                                                                       .about = state->feed,
                                                                       .about_seq = state->seq});
    if (side->state != VIEW_SIDE_CONFIRMED &&
        (side->state != VIEW_SIDE_DECLINED || side->revision != now))
        add_with_arrival(siding->gathering, &thing);
    return 1;
}

/* Others', of an announcement of ours. */
static int hear_side(void *context, const struct view_side *side)
{
    struct siding *siding = context;
    struct view_inbox_thing thing = {
        .feed = side->feed, .about = siding->state->feed, .about_seq = siding->state->seq};

    if (side->proposal_seq && !side->refused_seq) {
        thing.kind = VIEW_INBOX_PROPOSAL;
        thing.seq = side->proposal_seq;
        thing.to_do = true;
        add_with_arrival(siding->gathering, &thing);
    }
    if (side->state == VIEW_SIDE_DECLINED) {
        thing.kind = VIEW_INBOX_DECLINED;
        thing.seq = side->by_seq;
        thing.to_do = false;
        thing.arrival = 0;
        add_with_arrival(siding->gathering, &thing);
    }
    return siding->gathering->code;
}

/* A view_visitor. What was withdrawn asks for nothing. */
static int look_at_sides(void *context, const struct view_state *state)
{
    struct gathering *gathering = context;
    struct siding siding = {gathering, state};
    int code = state->withdrawn_by
                   ? ERROR_NONE
                   : view_sides(gathering->view, state, state->own ? hear_side : ask_us, &siding,
                                gathering->error);

    if (code)
        gathering->code = code;
    return 1;
}

static void gather_sides(struct gathering *gathering, const struct view_named *named)
{
    const struct view_index *index = &gathering->view->index;

    for (size_t i = 0; i < named->count && !gathering->code; i++) {
        const struct view_feed *feed = index->feeds[named->keys[i] >> 32];
        uint64_t seq = named->keys[i] & UINT32_MAX;
        bool is = false, stop = false;
        int code =
            view_parts_is_announcement(gathering->view, &feed->id, seq, &is, gathering->error);

        if (!code && is)
            code = view_parts_now(gathering->view, &feed->id, seq, true, false, look_at_sides,
                                  gathering, &stop, gathering->error);
        gathering->code = gathering->code ? gathering->code : code;
    }
}

/* --- links ------------------------------------------------------------------------------------ */

/* Somebody else's announcement links one of ours, which does not agree. */
static bool waits_for_us(struct gathering *gathering, uint32_t number)
{
    const struct view_links *links = &gathering->view->index.links;
    const struct view_feed *own =
        view_index_feed(&gathering->view->index, &gathering->view->index.own);
    uint32_t place = view_links_at(links, number)->out;
    bool waits = false;

    if (!own || view_links_at(links, number)->key >> 32 == own->number)
        return false;
    while (place && !waits && !gathering->code) {
        uint32_t to = view_links_link(links, place)->to;

        if (view_links_at(links, to)->key >> 32 == own->number)
            gathering->code =
                view_parts_is_one_sided(gathering->view, number, to, &waits, gathering->error);
        place = view_links_link(links, place)->next_out;
    }
    return waits && !gathering->code;
}

static void gather_links(struct gathering *gathering)
{
    const struct view_index *index = &gathering->view->index;

    for (uint32_t i = 1; i <= index->links.node_count && !gathering->code; i++) {
        const struct view_link_node *node;
        struct view_inbox_thing thing = {.kind = VIEW_INBOX_LINK, .to_do = true};

        if (!waits_for_us(gathering, i))
            continue;
        node = view_links_at(&index->links, i);
        thing.feed = thing.about = index->feeds[node->key >> 32]->id;
        thing.seq = node->by;
        thing.about_seq = node->key & UINT32_MAX;
        add_with_arrival(gathering, &thing);
    }
}

/* --- all -------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct view_inbox_thing *left = a, *right = b;

    if (left->arrival != right->arrival)
        return left->arrival > right->arrival ? -1 : 1;
    return left->kind < right->kind ? -1 : left->kind > right->kind;
}

int view_inbox(struct view *view, struct view_inbox_thing **things, size_t *count, bool *complete,
               struct error *error)
{
    struct gathering gathering = {.view = view, .error = error};

    *things = NULL;
    *count = 0;
    *complete = view_want_all(view);
    gather_answers(&gathering);
    gather_partners(&gathering);
    gather_sides(&gathering, &view->index.naming);
    gather_sides(&gathering, &view->index.spoken);
    gather_links(&gathering);
    if (gathering.code) {
        free(gathering.things);
        return gathering.code;
    }
    if (gathering.count)
        qsort(gathering.things, gathering.count, sizeof *gathering.things, compare);
    *things = gathering.things;
    *count = gathering.count;
    return ERROR_NONE;
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
