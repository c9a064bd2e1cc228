/* list, show, history, changes: announcements for readers. */
#include "node/ops/ops_filter.h"
#include "node/ops/ops_parts.h"

#include "node/core/view_audience.h"
#include "node/core/view_group.h"
#include "node/core/view_sides.h"

#include <stdlib.h>
#include <string.h>

/* Names of an audience and reasons of withdrawals count, too: a page ends before it is full. */
#define ARENA_ENOUGH (LIMIT_ARENA_SIZE / 2)

/* About what a side takes in a reply. */
#define SIDE_SIZE 100
/* Bytes of proposals in one item: many times what honest sides propose. */
#define PROPOSALS_SIZE (256 * 1024)

/* Items while they are gathered; everything lives in the arena. */
struct items {
    struct arena arena;
    const struct ops_filter *filter; /* what each item says besides; NULL: nothing */
    Caravan__Item **items;
    size_t count, capacity;
    size_t content_size;
    struct view *view; /* sides of joint announcements are looked up in it; NULL: they are not */
    bool proposals;    /* … and what they propose */
    bool no_memory;
};

/* Room for the contents of one reply, the last of which may cross the bound, and their messages. */
static void items_init(struct items *items, size_t capacity)
{
    memset(items, 0, sizeof *items);
    arena_init(&items->arena, LIMIT_ARENA_SIZE);
    items->capacity = capacity;
    items->items = calloc(capacity ? capacity : 1, sizeof *items->items);
    items->no_memory = !items->items;
}

static void items_finish(struct items *items)
{
    free(items->items);
    arena_finish(&items->arena);
}

static size_t limit_of(uint32_t asked)
{
    return asked == 0 ? OPS_LIMIT_DEFAULT : asked > OPS_LIMIT_MAX ? OPS_LIMIT_MAX : asked;
}

static bool copy_reason(struct arena *arena, const Caravan__Withdrawal *withdrawal,
                        Caravan__Item *item)
{
    item->reason = arena_alloc(arena, (withdrawal->n_reason + 1) * sizeof *item->reason);
    if (!item->reason)
        return false;
    for (size_t i = 0; i < withdrawal->n_reason; i++) {
        const Caravan__LocalizedText *from = withdrawal->reason[i];
        Caravan__LocalizedText *to = arena_alloc(arena, sizeof *to);

        if (!to)
            return false;
        caravan__localized_text__init(to);
        to->lang = from->lang ? arena_copy_text(arena, from->lang, strlen(from->lang)) : NULL;
        to->text = from->text ? arena_copy_text(arena, from->text, strlen(from->text)) : NULL;
        to->has_machine = from->has_machine;
        to->machine = from->machine;
        item->reason[item->n_reason++] = to;
    }
    return true;
}

/* --- sides ------------------------------------------------------------------------------------ */

struct sides {
    struct arena *arena;
    size_t room; /* for the bytes of proposals; of more is told only that they are there */
    Caravan__Side *items[VIEW_SIDES_MAX];
    size_t count;
};

/* A view_side_visitor. */
static int add_side(void *context, const struct view_side *side)
{
    static const Caravan__SideState states[] = {
        [VIEW_SIDE_PUBLISHER] = CARAVAN__SIDE_STATE__SIDE_STATE_PUBLISHER,
        [VIEW_SIDE_PROPOSED] = CARAVAN__SIDE_STATE__SIDE_STATE_PROPOSED,
        [VIEW_SIDE_CONFIRMED] = CARAVAN__SIDE_STATE__SIDE_STATE_CONFIRMED,
        [VIEW_SIDE_EARLIER] = CARAVAN__SIDE_STATE__SIDE_STATE_EARLIER,
        [VIEW_SIDE_ELSEWHERE] = CARAVAN__SIDE_STATE__SIDE_STATE_ELSEWHERE,
        [VIEW_SIDE_DECLINED] = CARAVAN__SIDE_STATE__SIDE_STATE_DECLINED,
    };
    struct sides *sides = context;
    Caravan__Side *out = arena_alloc(sides->arena, sizeof *out);

    if (!out)
        return 1;
    caravan__side__init(out);
    out->has_party = out->has_feed = out->has_own = out->has_state = true;
    out->party = (uint32_t)side->party;
    out->feed = ops_binary(sides->arena, side->feed.bytes, sizeof side->feed.bytes);
    out->handle = arena_copy_text(sides->arena, side->handle, strlen(side->handle));
    out->own = side->own;
    out->state = states[side->state];
    out->has_revision = side->revision != 0;
    out->revision = side->revision;
    out->has_by_seq = out->has_by_ms = side->by_seq != 0;
    out->by_seq = side->by_seq;
    out->by_ms = side->by_ms;
    out->has_proposal_seq = out->has_proposal_ms = side->proposal_seq != 0;
    out->proposal_seq = side->proposal_seq;
    out->proposal_ms = side->proposal_ms;
    out->has_refused_seq = out->has_refused_ms = side->refused_seq != 0;
    out->refused_seq = side->refused_seq;
    out->refused_ms = side->refused_ms;
    out->has_proposal = side->proposal_seq && side->proposal.size <= sides->room;
    sides->room -= out->has_proposal ? side->proposal.size : 0;
    if (out->has_proposal)
        out->proposal = ops_binary(sides->arena, side->proposal.data, side->proposal.size);
    sides->items[sides->count++] = out;
    return 0;
}

static bool add_sides(struct view *view, struct arena *arena, bool proposals,
                      const struct view_state *state, Caravan__Item *item)
{
    struct sides sides = {.arena = arena, .room = proposals ? PROPOSALS_SIZE : 0};
    int code = view ? view_sides(view, state, add_side, &sides, NULL) : ERROR_NONE;

    item->sides = arena_alloc(arena, (sides.count + 1) * sizeof *item->sides);
    if (code || !item->sides)
        return false;
    memcpy(item->sides, sides.items, sides.count * sizeof *item->sides);
    item->n_sides = sides.count;
    return !arena->over_limit && !arena->no_memory;
}

/* For whom it is, without its publisher. all: with those that may read it later on; else those that
 * the seal names, which costs nothing. */
static bool find_audience(struct view *view, bool all, const struct view_state *state,
                          struct view_audience *out)
{
    const struct seal_content *seal = state->seal;

    out->count = 0;
    if (all)
        return view_audience(view, state, out, NULL) == ERROR_NONE;
    for (size_t i = 0; i < seal->audience_count; i++)
        view_audience_add(out, &seal->audience[i]);
    return true;
}

static bool add_audience(struct view *view, struct arena *arena, bool all,
                         const struct view_state *state, Caravan__Item *item)
{
    struct view_audience audience;

    item->has_sealed = item->sealed = state->seal != NULL;
    if (!state->seal || !view)
        return true;
    if (!find_audience(view, all, state, &audience))
        return false;
    item->audience = arena_alloc(arena, (audience.count + 1) * sizeof *item->audience);
    for (size_t i = 0; i < audience.count && item->audience; i++) {
        char *name;

        if (id_equal(&audience.feeds[i], &state->feed))
            continue;
        name = ops_feed_name(arena, view, &audience.feeds[i]);
        if (!name)
            return false;
        item->audience[item->n_audience++] = name;
    }
    return item->audience != NULL;
}

/* --- links ------------------------------------------------------------------------------------ */

struct linking {
    struct view *view;
    struct arena *arena;
    Caravan__Item *item;
};

static Caravan__ItemLink *make_link(struct linking *linking, const struct id *feed, uint64_t seq)
{
    Caravan__ItemLink *link = arena_alloc(linking->arena, sizeof *link);
    char name[VIEW_NAME_SIZE];

    if (!link)
        return NULL;
    caravan__item_link__init(link);
    view_name(linking->view, feed, seq, name);
    link->name = arena_copy_text(linking->arena, name, strlen(name));
    link->has_feed = link->has_seq = true;
    link->feed = ops_binary(linking->arena, feed->bytes, sizeof feed->bytes);
    link->seq = seq;
    return link;
}

/* A view_group_visitor. */
static int add_link(void *context, const struct view_group_link *seen)
{
    static const Caravan__LinkState states[] = {
        [VIEW_LINK_ONE] = CARAVAN__LINK_STATE__LINK_STATE_ONE,
        [VIEW_LINK_ONE_SIDED] = CARAVAN__LINK_STATE__LINK_STATE_ONE_SIDED,
        [VIEW_LINK_CROWDED] = CARAVAN__LINK_STATE__LINK_STATE_CROWDED,
        [VIEW_LINK_NOT_HERE] = CARAVAN__LINK_STATE__LINK_STATE_NOT_HERE,
        [VIEW_LINK_TAKEN_BACK] = CARAVAN__LINK_STATE__LINK_STATE_WITHDRAWN,
        [VIEW_LINK_PLAIN] = CARAVAN__LINK_STATE__LINK_STATE_PLAIN,
    };
    struct linking *linking = context;
    Caravan__ItemLink *link = make_link(linking, &seen->feed, seen->seq);

    if (!link)
        return 1;
    link->has_rel = link->has_state = link->has_own = true;
    link->rel = seen->rel;
    link->state = states[seen->state];
    link->own = seen->own;
    linking->item->links[linking->item->n_links++] = link;
    return 0;
}

static bool add_group(struct linking *linking, const struct view_state *state)
{
    Caravan__Item *item = linking->item;
    struct view_group group;

    if (view_group_of(linking->view, &state->feed, state->seq, &group, NULL))
        return false;
    item->also = group.count ? arena_alloc(linking->arena, group.count * sizeof *item->also) : NULL;
    for (size_t i = 0; i < group.count && item->also; i++) {
        const struct view_group_member *member = &group.members[i];

        if (member->seq == state->seq && id_equal(&member->feed, &state->feed))
            continue;
        item->also[item->n_also] = make_link(linking, &member->feed, member->seq);
        if (!item->also[item->n_also])
            return false;
        item->n_also++;
    }
    return !group.count || item->also;
}

/* What the announcement is one with, and what it says of others. */
static bool add_links(struct view *view, struct arena *arena, const struct view_state *state,
                      Caravan__Item *item)
{
    struct linking linking = {view, arena, item};

    if (!view || !state->announcement || state->said)
        return true;
    if (state->announcement->n_related) {
        item->links = arena_alloc(arena, VIEW_GROUP_LINKS_MAX * sizeof *item->links);
        if (!item->links || view_group_links(view, state, add_link, &linking, NULL))
            return false;
    }
    return add_group(&linking, state) && !arena->over_limit && !arena->no_memory;
}

static bool add_voice(struct arena *arena, const struct view_state *state, Caravan__Item *item)
{
    size_t size = protobuf_c_message_get_packed_size(state->said);

    item->has_speaker = item->has_said = true;
    item->speaker = ops_binary(arena, state->speaker.bytes, sizeof state->speaker.bytes);
    item->speaker_handle =
        arena_copy_text(arena, state->speaker_handle, strlen(state->speaker_handle));
    item->said.data = arena_alloc(arena, size ? size : 1);
    if (!item->said.data)
        return false;
    item->said.len = protobuf_c_message_pack(state->said, item->said.data);
    return true;
}

/* --- items ------------------------------------------------------------------------------------ */

static void set_numbers(const struct view_state *state, Caravan__Item *item)
{
    item->has_seq = true;
    item->seq = state->seq;
    item->has_event_seq = true;
    item->event_seq = state->event_seq;
    item->has_revised_by = state->revised_by != 0;
    item->revised_by = state->revised_by;
    item->has_withdrawn = true;
    item->withdrawn = state->withdrawn_by != 0;
    item->has_created_ms = true;
    item->created_ms = state->created_ms;
    item->has_received_ms = true;
    item->received_ms = state->received_ms;
    item->has_arrival = true;
    item->arrival = state->arrival;
    item->has_content_type = true;
    item->content_type = state->content_type;
    item->has_min_reader = true;
    item->min_reader = state->min_reader;
    item->has_own = true;
    item->own = state->own;
    item->has_erased_by = state->erased_by != 0;
    item->erased_by = state->erased_by;
}

static Caravan__Item *make_item(struct arena *arena, const struct view_state *state)
{
    Caravan__Item *item = arena_alloc(arena, sizeof *item);

    if (!item)
        return NULL;
    caravan__item__init(item);
    set_numbers(state, item);
    item->name = arena_copy_text(arena, state->name, strlen(state->name));
    item->handle = arena_copy_text(arena, state->handle, strlen(state->handle));
    item->has_feed = item->has_hash = true;
    item->feed = ops_binary(arena, state->feed.bytes, sizeof state->feed.bytes);
    item->hash = ops_binary(arena, state->hash.bytes, sizeof state->hash.bytes);
    item->has_content = state->has_content;
    if (state->has_content)
        item->content = ops_binary(arena, state->content.data, state->content.size);
    if (state->problem[0])
        item->problem = arena_copy_text(arena, state->problem, strlen(state->problem));
    if ((state->withdrawal && !copy_reason(arena, state->withdrawal, item)) ||
        (state->said && !add_voice(arena, state, item)))
        return NULL;
    return arena->over_limit || arena->no_memory ? NULL : item;
}

static bool mark_item(struct items *items, Caravan__Item *item)
{
    return !items->filter ||
           ops_filter_mark(items->filter, item, &items->arena, NULL) == ERROR_NONE;
}

/* proposals: what costs more, too, as show has it. */
static Caravan__Item *whole_item(struct view *view, struct arena *arena, bool proposals,
                                 const struct view_state *state)
{
    Caravan__Item *item = make_item(arena, state);

    return item && add_sides(view, arena, proposals, state, item) &&
                   add_audience(view, arena, proposals, state, item) &&
                   add_links(view, arena, state, item)
               ? item
               : NULL;
}

Caravan__Item *ops_list_item(struct view *view, struct arena *arena, const struct view_state *state)
{
    return whole_item(view, arena, true, state);
}

static size_t sides_size(const Caravan__Item *item)
{
    size_t size = item->n_sides * SIDE_SIZE;

    for (size_t i = 0; i < item->n_sides; i++)
        size += item->sides[i]->proposal.len;
    return size;
}

/* A view_visitor. Stops when the reply is large enough; the client asks for the next page. */
static int add_item(void *context, const struct view_state *state)
{
    struct items *items = context;
    Caravan__Item *item;

    if (items->count == items->capacity || items->no_memory)
        return 1;
    item = whole_item(items->view, &items->arena, items->proposals, state);
    items->no_memory = !item || !mark_item(items, item);
    if (items->no_memory)
        return 1;
    items->items[items->count++] = item;
    items->content_size += state->content.size + item->said.len + sides_size(item) +
                           (item->n_links + item->n_also) * SIDE_SIZE;
    return items->content_size >= OPS_REPLY_SIZE || items->arena.used >= ARENA_ENOUGH;
}

/* Of an institution that is not known nothing is listed in any case: most likely a slip. */
static int check_handles(const struct ops_context *context, const Caravan__Filter *filter,
                         struct error *error)
{
    int code = ERROR_NONE;

    for (size_t i = 0; filter && i < filter->n_handle && !code; i++) {
        struct error local = {0};
        struct id feed;

        /* Two of one handle are both listed. */
        if (view_resolve(context->view, filter->handle[i], &feed, &local) == ERROR_NOT_FOUND)
            code = error_set(error, ERROR_NOT_FOUND, "%s", local.text);
    }
    return code;
}

int ops_list(struct ops_context *context, const ProtobufCMessage *message, struct buffer *reply,
             struct error *error)
{
    const Caravan__ListRequest *request = (const Caravan__ListRequest *)message;
    Caravan__ListReply answer = CARAVAN__LIST_REPLY__INIT;
    size_t limit = limit_of(request->limit);
    struct ops_filter filter;
    struct items items;
    int code = ops_filter_take(context, request->filter, &filter, error);

    if (!code)
        code = check_handles(context, request->filter, error);
    if (code)
        return code;
    items_init(&items, limit);
    items.view = context->view;
    items.filter = &filter;
    code = view_list(context->view, &filter.filter, request->before_arrival, limit, add_item,
                     &items, &answer.next_before, &answer.total, error);
    if (!code && items.no_memory)
        code = error_memory(error);
    if (!code) {
        answer.n_items = items.count;
        answer.items = items.items;
        answer.has_next_before = answer.has_last_arrival = true;
        answer.has_total = answer.total != VIEW_UNKNOWN_TOTAL;
        answer.has_counting = true;
        answer.counting = !answer.has_total && view_has_work(context->view);
        answer.last_arrival = view_last_arrival(context->view);
        code = ops_reply(&answer.base, reply, error);
    }
    items_finish(&items);
    return code;
}

/* --- changes ---------------------------------------------------------------------------------- */

uint32_t ops_list_changes_wait(const ProtobufCMessage *request)
{
    uint32_t wait_ms = ((const Caravan__ChangesRequest *)request)->wait_ms;

    return wait_ms < OPS_WAIT_MAX_MS ? wait_ms : OPS_WAIT_MAX_MS;
}

/* An arrival that this ledger has not reached is of another one (a restored backup): from its
 * beginning, so that nothing is missed. What earlier tries of this poll have read without finding
 * anything is not read again. */
static uint64_t after_of(const struct ops_context *context, const Caravan__ChangesRequest *request)
{
    uint64_t last = view_last_arrival(context->view);

    if (!request->has_after)
        return last;
    if (context->progress && context->progress <= last)
        return context->progress;
    return request->after > last ? 0 : request->after;
}

int ops_list_changes(struct ops_context *context, const ProtobufCMessage *message,
                     struct buffer *reply, struct error *error)
{
    const Caravan__ChangesRequest *request = (const Caravan__ChangesRequest *)message;
    Caravan__ChangesReply answer = CARAVAN__CHANGES_REPLY__INIT;
    size_t limit = limit_of(request->limit);
    struct ops_filter filter;
    struct items items;
    int code = ops_filter_take(context, request->filter, &filter, error);

    if (code)
        return code;
    items_init(&items, limit);
    items.filter = &filter;
    code = view_changes(context->view, &filter.filter, after_of(context, request), limit, add_item,
                        &items, &answer.next_after, error);
    if (!code && items.no_memory)
        code = error_memory(error);
    context->progress = answer.next_after;
    /* When there is more to read than one try reads, the client asks on. */
    if (!code && items.count == 0 && request->has_after && !context->last_try &&
        answer.next_after >= view_last_arrival(context->view))
        code = OPS_WAIT;
    if (!code) {
        answer.n_items = items.count;
        answer.items = items.items;
        answer.has_next_after = true;
        code = ops_reply(&answer.base, reply, error);
    }
    items_finish(&items);
    return code;
}

/* --- show ------------------------------------------------------------------------------------- */

/* History without its contents once the reply is large: what was in force is shown anyway. */
#define HISTORY_MAX 200

static int add_history(void *context, const struct view_state *state)
{
    struct items *items = context;
    struct view_state light = *state;

    if (items->content_size + state->content.size > OPS_REPLY_SIZE) {
        light.has_content = false;
        light.content = span_of(NULL, 0);
    }
    add_item(items, &light);
    return items->no_memory || items->count == items->capacity;
}

/* A view_visitor: what is said, without the announcement once more. */
static int add_said(void *context, const struct view_state *state)
{
    struct view_state light = *state;

    light.has_content = false;
    light.announcement = NULL;
    light.withdrawal = NULL;
    return add_item(context, &light);
}

struct receipts {
    struct ops_context *context;
    struct items *items; /* for the arena */
    uint64_t head;
    Caravan__Coverage *rows[OPS_LIMIT_MAX];
    size_t count;
};

static int add_receipt(void *context, const struct store_receipt *receipt)
{
    struct receipts *receipts = context;
    struct arena *arena = &receipts->items->arena;
    const char *handle = view_handle(receipts->context->view, &receipt->receiver);
    Caravan__Coverage *row = arena_alloc(arena, sizeof *row);

    if (!row) {
        receipts->items->no_memory = true;
        return 1;
    }
    caravan__coverage__init(row);
    row->has_feed = row->has_seq = row->has_missing = row->has_received_ms = true;
    row->feed = ops_binary(arena, receipt->receiver.bytes, sizeof receipt->receiver.bytes);
    row->handle = arena_copy_text(arena, handle, strlen(handle));
    row->seq = receipt->seq;
    row->missing = receipt->missing;
    row->received_ms = receipt->received_ms;
    row->has_current = true;
    row->current = receipt->seq >= receipts->head;
    receipts->items->no_memory = arena->over_limit || arena->no_memory;
    receipts->rows[receipts->count++] = row;
    return receipts->count == OPS_LIMIT_MAX;
}

static int read_receipts(struct receipts *receipts, struct error *error)
{
    const struct ops_context *context = receipts->context;
    const struct store *store = &context->store;
    struct store_feed feed;
    int code = store->operations->get_feed(store->self, &context->feed, &feed, error);

    if (code)
        return code;
    receipts->head = feed.head.seq;
    return store->operations->receipts(store->self, &context->feed, add_receipt, receipts, error);
}

/* The others that are one with it, as long as they fit into a reply. */
static int read_group(struct ops_context *context, const struct items *now, struct items *group,
                      struct error *error)
{
    const Caravan__Item *item = now->count ? now->items[0] : NULL;
    int code = ERROR_NONE;

    for (size_t i = 0; item && i < item->n_also && !code && !group->no_memory; i++) {
        struct id feed;

        if (span_to_id(span_of(item->also[i]->feed.data, item->also[i]->feed.len), &feed))
            code = view_show(context->view, &feed, item->also[i]->seq, add_history, group, error);
    }
    return code;
}

static int write_show(struct items *now, struct items *history, struct items *voices,
                      struct items *group, bool complete, struct receipts *receipts,
                      struct buffer *reply, struct error *error)
{
    Caravan__ShowReply answer = CARAVAN__SHOW_REPLY__INIT;

    if (now->no_memory || history->no_memory || voices->no_memory || group->no_memory ||
        now->count != 1)
        return error_memory(error);
    answer.n_group = group->count;
    answer.group = group->items;
    answer.has_counting = true;
    answer.counting = !complete;
    answer.n_voices = voices->count;
    answer.voices = voices->items;
    answer.item = now->items[0];
    answer.n_history = history->count;
    answer.history = history->items;
    answer.n_received_by = receipts->count;
    answer.received_by = receipts->rows;
    return ops_reply(&answer.base, reply, error);
}

int ops_list_show(struct ops_context *context, const ProtobufCMessage *message,
                  struct buffer *reply, struct error *error)
{
    const Caravan__ShowRequest *request = (const Caravan__ShowRequest *)message;
    struct receipts receipts = {.context = context};
    struct ops_filter own = {.asks_eligible = true, .asks_dates = true};
    struct items now, history, voices, group;
    bool complete = false;
    struct id feed;
    uint64_t seq;
    int code =
        view_resolve_name(context->view, request->name ? request->name : "", &feed, &seq, error);

    if (code)
        return code;
    items_init(&now, 1);
    items_init(&history, HISTORY_MAX);
    items_init(&voices, HISTORY_MAX);
    items_init(&group, VIEW_GROUP_MAX);
    receipts.items = &history;
    view_own_institution(context->view, &own.institution);
    now.filter = &own;
    now.view = context->view;
    now.proposals = true;
    code = view_group_complete(context->view, &complete, error);
    if (!code)
        code = view_show(context->view, &feed, seq, add_item, &now, error);
    if (!code)
        code = read_group(context, &now, &group, error);
    if (!code)
        code = view_history(context->view, &feed, seq, add_history, &history, error);
    if (!code && now.count) /* also by the number of a revision */
        code = view_sides_said(context->view, &feed, now.items[0]->seq, add_said, &voices, error);
    if (!code && id_equal(&feed, &context->feed))
        code = read_receipts(&receipts, error);
    if (!code)
        code = write_show(&now, &history, &voices, &group, complete, &receipts, reply, error);
    items_finish(&group);
    items_finish(&voices);
    items_finish(&history);
    items_finish(&now);
    return code;
}

/* --- history ---------------------------------------------------------------------------------- */

struct steps {
    struct items items;
    bool more; /* not all fitted into one reply */
};

static int add_step(void *context, const struct view_state *state)
{
    struct steps *steps = context;
    struct items *items = &steps->items;

    if (items->count == items->capacity || items->arena.used >= OPS_REPLY_SIZE) {
        steps->more = true;
        return 1;
    }
    add_item(items, state);
    return items->no_memory;
}

int ops_list_history(struct ops_context *context, const ProtobufCMessage *message,
                     struct buffer *reply, struct error *error)
{
    const Caravan__HistoryRequest *request = (const Caravan__HistoryRequest *)message;
    Caravan__HistoryReply answer = CARAVAN__HISTORY_REPLY__INIT;
    struct steps steps = {.more = false};
    struct id feed;
    uint64_t seq;
    int code =
        view_resolve_name(context->view, request->name ? request->name : "", &feed, &seq, error);

    if (code)
        return code;
    items_init(&steps.items, limit_of(request->limit));
    code = view_history_after(context->view, &feed, seq, request->after, add_step, &steps, error);
    if (!code && steps.items.no_memory)
        code = error_memory(error);
    if (!code) {
        answer.n_items = steps.items.count;
        answer.items = steps.items.items;
        answer.has_next_after = true;
        answer.next_after = steps.more ? answer.items[answer.n_items - 1]->event_seq : 0;
        code = ops_reply(&answer.base, reply, error);
    }
    items_finish(&steps.items);
    return code;
}
