#include "node/core/view_group.h"

#include "node/core/view_parts.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT
/* Of one announcement so many parties are looked at (view_sides.h says the same). */
#define SIDES_MAX 64

_Static_assert(VIEW_GROUP_MAX == VIEW_LINKS_MAX, "one bound with two names");

/* --- what is known of an announcement --------------------------------------------------------- */

struct learning {
    struct view *view;
    uint32_t number;
    uint64_t arrival;
    bool found, here;
    uint32_t sides[SIDES_MAX];
    uint32_t side_count;
    struct error *error;
    int code;
};

static int see_publication(void *context, const struct store_entry *stored)
{
    struct learning *learning = context;

    learning->found = stored->entry.content_type == TYPE_ANNOUNCEMENT;
    learning->arrival = stored->arrival;
    return 1;
}

static void note_side(struct learning *learning, struct view_feed *by, const Caravan__Party *party)
{
    struct id id;
    struct view_feed *feed;

    if (!span_to_id(span_of(party->node_id.data, party->node_id.len), &id))
        return;
    if (!view_index_name_feed(&learning->view->index, by, &id, &feed))
        learning->code = error_memory(learning->error);
    else if (feed)
        learning->sides[learning->side_count++] = feed->number;
}

/* A view_visitor. Its links are kept, too: its record may not have been read yet. */
static int see_content(void *context, const struct view_state *state)
{
    struct learning *learning = context;
    struct view_index *index = &learning->view->index;
    const Caravan__Announcement *announcement = state->announcement;
    struct view_feed *feed = view_index_feed(index, &state->feed);

    learning->here = announcement != NULL;
    for (size_t i = 0; announcement && i < announcement->n_parties &&
                       learning->side_count < SIDES_MAX && !learning->code;
         i++)
        note_side(learning, feed, announcement->parties[i]);
    if (announcement && !learning->code)
        learning->code = view_index_link(index, feed, state->seq, state->event_seq, announcement,
                                         learning->error);
    return 1;
}

static int keep_facts(struct learning *learning, enum view_link_fact fact)
{
    uint32_t *sides = NULL;

    if (learning->side_count) {
        sides = malloc(learning->side_count * sizeof *sides);
        if (!sides)
            return error_memory(learning->error);
        memcpy(sides, learning->sides, learning->side_count * sizeof *sides);
    }
    view_links_learn(&learning->view->index.links, learning->number, fact,
                     (uint32_t)learning->arrival, sides, learning->side_count);
    return ERROR_NONE;
}

static int read_facts(struct learning *learning, const struct view_feed *feed, uint64_t seq)
{
    struct view_index *index = &learning->view->index;
    const struct store *store = &index->store;
    const struct view_folded *folded = view_index_folded(index, feed, seq);
    bool stop = false;
    int code;

    if (folded && folded->withdrawn_by)
        return keep_facts(learning, VIEW_LINK_WITHDRAWN);
    code = store->operations->entries(store->self, &feed->id, seq, seq, see_publication, learning,
                                      learning->error);
    index->links.reads++;
    if (code)
        return code;
    /* What has come since the last update is for the next one. */
    if (!learning->found || learning->arrival > index->last_arrival)
        return keep_facts(learning, VIEW_LINK_ABSENT);
    code = view_parts_now(learning->view, &feed->id, seq, true, false, see_content, learning, &stop,
                          learning->error);
    code = code ? code : learning->code;
    return code ? code : keep_facts(learning, learning->here ? VIEW_LINK_HERE : VIEW_LINK_ABSENT);
}

static int learn(struct view *view, uint32_t number, struct error *error)
{
    const struct view_link_node *node = view_links_at(&view->index.links, number);
    struct learning learning = {.view = view, .number = number, .error = error};

    if (node->fact != VIEW_LINK_UNKNOWN)
        return ERROR_NONE;
    return read_facts(&learning, view->index.feeds[node->key >> 32], node->key & UINT32_MAX);
}

/* --- groups ----------------------------------------------------------------------------------- */

struct gathering {
    struct view *view;
    uint32_t members[VIEW_LINKS_MAX];
    size_t count;
    bool crowded;
    struct error *error;
    int code;
};

static bool is_member(const struct gathering *gathering, uint32_t number)
{
    for (size_t i = 0; i < gathering->count; i++)
        if (gathering->members[i] == number)
            return true;
    return false;
}

/* What is known to belong to too many drags all of them along. */
static bool is_crowded(const struct view_links *links, uint32_t number)
{
    const struct view_link_node *node = view_links_at(links, number);

    return node->version == links->version && node->crowded;
}

static void join(struct gathering *gathering, uint32_t number)
{
    if (is_member(gathering, number))
        return;
    if (gathering->count == VIEW_LINKS_MAX || is_crowded(&gathering->view->index.links, number))
        gathering->crowded = true;
    else
        gathering->members[gathering->count++] = number;
}

static bool goes_on(const struct gathering *gathering)
{
    return !gathering->code && !gathering->crowded;
}

static void follow_out(struct gathering *gathering, uint32_t from)
{
    struct view_links *links = &gathering->view->index.links;
    uint32_t place = view_links_at(links, from)->out;

    while (place && goes_on(gathering)) {
        uint32_t to = view_links_link(links, place)->to;

        /* This may change the links of `to`, not those of `from`, which was learned. */
        gathering->code = learn(gathering->view, to, gathering->error);
        if (!gathering->code && view_links_agreed(links, from, to))
            join(gathering, to);
        place = view_links_link(links, place)->next_out;
    }
}

/* Very many may link to one: only whose link would be agreed is read. */
static bool may_agree(const struct view_links *links, uint32_t from, uint32_t to)
{
    const struct view_link_node *source = view_links_at(links, from);
    const struct view_link_node *aim = view_links_at(links, to);
    uint32_t feed = (uint32_t)(source->key >> 32);

    if (source->fact == VIEW_LINK_ABSENT || source->fact == VIEW_LINK_WITHDRAWN)
        return false;
    if (feed == (uint32_t)(aim->key >> 32))
        return true;
    for (uint32_t i = 0; i < aim->side_count; i++)
        if (aim->sides[i] == feed)
            return true;
    return false; /* what links each other is found from here */
}

static void follow_in(struct gathering *gathering, uint32_t to)
{
    struct view_links *links = &gathering->view->index.links;
    uint32_t place = view_links_at(links, to)->in;

    while (place && goes_on(gathering)) {
        uint32_t from = view_links_link(links, place)->from;
        uint32_t next = view_links_link(links, place)->next_in;
        uint32_t version = links->version;

        if (!is_member(gathering, from) && may_agree(links, from, to)) {
            gathering->code = learn(gathering->view, from, gathering->error);
            if (!gathering->code && view_links_says(links, from, to) &&
                view_links_agreed(links, from, to))
                join(gathering, from);
        }
        if (links->version != version) /* the list is another one: all is done again anyway */
            return;
        place = next;
    }
}

/* Follows agreed links from one announcement on. */
static void spread(struct gathering *gathering, uint32_t start)
{
    const struct view_links *links = &gathering->view->index.links;

    gathering->count = 0;
    gathering->crowded = false;
    gathering->code = learn(gathering->view, start, gathering->error);
    if (gathering->code || view_links_at(links, start)->fact != VIEW_LINK_HERE)
        return;
    join(gathering, start);
    for (size_t i = 0; i < gathering->count && goes_on(gathering); i++) {
        follow_out(gathering, gathering->members[i]);
        if (goes_on(gathering))
            follow_in(gathering, gathering->members[i]);
    }
}

static uint32_t newest_of(const struct gathering *gathering)
{
    const struct view_links *links = &gathering->view->index.links;
    uint32_t newest = gathering->members[0];

    for (size_t i = 1; i < gathering->count; i++)
        if (view_links_at(links, gathering->members[i])->arrival >
            view_links_at(links, newest)->arrival)
            newest = gathering->members[i];
    return newest;
}

static void keep_group(const struct gathering *gathering, uint32_t start)
{
    struct view_links *links = &gathering->view->index.links;
    uint32_t newest = gathering->count > 1 && !gathering->crowded ? newest_of(gathering) : 0;
    struct view_link_node *node = view_links_at(links, start);

    node->version = links->version;
    node->newest = 0;
    node->crowded = gathering->crowded;
    for (size_t i = 0; i < gathering->count; i++) {
        node = view_links_at(links, gathering->members[i]);
        node->version = links->version;
        node->newest = newest;
        node->crowded = gathering->crowded;
    }
}

/* What is read on the way may bring links with it that lead back: then once more, which reads
 * nothing twice. */
static int gather(struct gathering *gathering, uint32_t start)
{
    const struct view_links *links = &gathering->view->index.links;
    uint32_t version;

    do {
        version = links->version;
        spread(gathering, start);
    } while (!gathering->code && links->version != version);
    if (!gathering->code)
        keep_group(gathering, start);
    if (gathering->crowded)
        gathering->count = 0;
    return gathering->code;
}

/* --- who stands in front ---------------------------------------------------------------------- */

static bool is_mirror(const struct gathering *gathering, uint32_t number)
{
    const struct view_links *links = &gathering->view->index.links;
    uint32_t place = view_links_at(links, number)->out;

    for (; place; place = view_links_link(links, place)->next_out)
        if (view_links_link(links, place)->mirror &&
            is_member(gathering, view_links_link(links, place)->to))
            return true;
    return false;
}

static int compare_names(const struct view_index *index, uint64_t left, uint64_t right)
{
    const struct view_feed *a = index->feeds[left >> 32], *b = index->feeds[right >> 32];
    int order;

    if (!*a->handle != !*b->handle) /* who has no name yet stands behind */
        return *a->handle ? -1 : 1;
    order = strcmp(a->handle, b->handle);
    if (order || a != b)
        return order ? order : memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
    return (left & UINT32_MAX) < (right & UINT32_MAX) ? -1 : 1;
}

struct ranked {
    uint32_t number;
    bool mirror;
};

static bool stands_before(const struct view_index *index, const struct ranked *left,
                          const struct ranked *right)
{
    if (left->mirror != right->mirror)
        return right->mirror;
    return compare_names(index, view_links_at(&index->links, left->number)->key,
                         view_links_at(&index->links, right->number)->key) < 0;
}

static void sort(struct gathering *gathering)
{
    struct ranked ranked[VIEW_LINKS_MAX];

    for (size_t i = 0; i < gathering->count; i++) {
        const struct ranked one = {gathering->members[i],
                                   is_mirror(gathering, gathering->members[i])};
        size_t k = i;

        for (; k > 0 && stands_before(&gathering->view->index, &one, &ranked[k - 1]); k--)
            ranked[k] = ranked[k - 1];
        ranked[k] = one;
    }
    for (size_t i = 0; i < gathering->count; i++)
        gathering->members[i] = ranked[i].number;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* false: it stands alone. */
static int group_of(struct gathering *gathering, uint32_t number, bool *together)
{
    const struct view_links *links = &gathering->view->index.links;
    const struct view_link_node *node = number ? view_links_at(links, number) : NULL;
    int code = ERROR_NONE;

    *together = false;
    if (!node || (node->version == links->version && !node->newest))
        return ERROR_NONE;
    code = gather(gathering, number);
    *together = !code && gathering->count > 1;
    if (*together)
        sort(gathering);
    return code;
}

int view_group_of(struct view *view, const struct id *feed, uint64_t seq, struct view_group *out,
                  struct error *error)
{
    struct gathering gathering = {.view = view, .error = error};
    const struct view_index *index = &view->index;
    uint32_t number = view_links_find(&index->links, view_index_key(index, feed, seq));
    bool together;
    int code = group_of(&gathering, number, &together);

    out->count = 0;
    for (size_t i = 0; i < gathering.count && together; i++) {
        uint64_t key = view_links_at(&index->links, gathering.members[i])->key;

        out->members[out->count++] =
            (struct view_group_member){index->feeds[key >> 32]->id, key & UINT32_MAX};
    }
    return code;
}

int view_parts_row(struct view *view, const struct view_feed *feed, uint32_t seq,
                   struct view_parts_group *out, struct error *error)
{
    struct gathering gathering = {.view = view, .error = error};
    const struct view_links *links = &view->index.links;
    uint32_t number = view_links_find(links, view_table_key(feed->number, seq));
    const struct view_link_node *node = number ? view_links_at(links, number) : NULL;
    bool together;
    int code;

    out->count = 0;
    out->elsewhere =
        node && node->version == links->version && node->newest && node->newest != number;
    if (out->elsewhere)
        return ERROR_NONE;
    code = group_of(&gathering, number, &together);
    if (code || !together)
        return code;
    out->elsewhere = view_links_at(links, number)->newest != number;
    for (size_t i = 0; i < gathering.count; i++) {
        node = view_links_at(links, gathering.members[i]);
        out->members[out->count].key = node->key;
        out->members[out->count++].arrival = node->arrival;
    }
    return ERROR_NONE;
}

int view_group_complete(struct view *view, bool *complete, struct error *error)
{
    struct view_index *index = &view->index;
    int code = ERROR_NONE;

    *complete = view_want_all(view);
    if (!*complete) {
        code = view_index_read(index, view_index_unread(index, index->last_arrival), error);
        *complete = !code && view_want_all(view);
    }
    return code;
}

/* --- what an announcement says ---------------------------------------------------------------- */

static int state_of(struct view *view, uint32_t from, uint32_t to, enum view_link_state *state,
                    struct error *error)
{
    struct gathering gathering = {.view = view, .error = error};
    const struct view_links *links = &view->index.links;
    bool together;
    int code = learn(view, to, error);

    if (!code)
        code = group_of(&gathering, from, &together);
    if (code)
        return code;
    switch (view_links_at(links, to)->fact) {
    case VIEW_LINK_HERE:
        *state = !view_links_agreed(links, from, to) ? VIEW_LINK_ONE_SIDED
                 : together                          ? VIEW_LINK_ONE
                                                     : VIEW_LINK_CROWDED;
        break;
    case VIEW_LINK_WITHDRAWN:
        *state = VIEW_LINK_TAKEN_BACK;
        break;
    default:
        *state = VIEW_LINK_NOT_HERE;
    }
    if (*state == VIEW_LINK_ONE_SIDED && together && is_member(&gathering, to))
        *state = VIEW_LINK_ONE; /* by way of others */
    return ERROR_NONE;
}

int view_parts_is_one_sided(struct view *view, uint32_t from, uint32_t to, bool *is,
                            struct error *error)
{
    enum view_link_state state = VIEW_LINK_PLAIN;
    int code = learn(view, from, error);

    *is = false;
    if (!code && view_links_at(&view->index.links, from)->fact == VIEW_LINK_HERE)
        code = state_of(view, from, to, &state, error);
    *is = !code && state == VIEW_LINK_ONE_SIDED;
    return code;
}

static bool says_same(uint32_t rel)
{
    return rel == CARAVAN__RELATED_REL__RELATED_REL_SAME_AS ||
           rel == CARAVAN__RELATED_REL__RELATED_REL_MIRROR_OF;
}

static int judge(struct view *view, const struct view_state *state, struct view_group_link *link,
                 struct error *error)
{
    const struct view_index *index = &view->index;
    uint32_t from = view_links_find(&index->links, view_index_key(index, &state->feed, state->seq));
    uint32_t to = view_links_find(&index->links, view_index_key(index, &link->feed, link->seq));

    link->own = id_equal(&link->feed, &index->own);
    link->state = VIEW_LINK_PLAIN;
    if (!says_same(link->rel))
        return ERROR_NONE;
    if (state->withdrawn_by || /* it is one with nothing any more */
        (link->seq == state->seq && id_equal(&link->feed, &state->feed)))
        return ERROR_NONE;
    /* Beyond those that count it is not known. */
    link->state = link->seq > UINT32_MAX ? VIEW_LINK_NOT_HERE : VIEW_LINK_CROWDED;
    return from && to && view_links_says(&index->links, from, to)
               ? state_of(view, from, to, &link->state, error)
               : ERROR_NONE;
}

int view_group_links(struct view *view, const struct view_state *state, view_group_visitor visit,
                     void *context, struct error *error)
{
    const Caravan__Announcement *announcement = state->announcement;
    int code = ERROR_NONE;

    for (size_t i = 0;
         announcement && i < announcement->n_related && i < VIEW_GROUP_LINKS_MAX && !code; i++) {
        const Caravan__Related *related = announcement->related[i];
        const Caravan__AnnouncementName *name = related->announcement;
        struct view_group_link link = {.rel = (uint32_t)related->rel};

        if (!name || !name->seq ||
            !span_to_id(span_of(name->feed.data, name->feed.len), &link.feed))
            continue;
        link.seq = name->seq;
        code = judge(view, state, &link, error);
        if (!code && visit(context, &link))
            break;
    }
    return code;
}
