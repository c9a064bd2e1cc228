/* inbox, mark: what waits for somebody at our institution, and what of it was read. */
#include "node/ops/ops_parts.h"

#include "node/core/view_inbox.h"

#include <stdlib.h>

/* Marks that are written in one transaction: some 20 ms. */
#define MARKS_AT_ONCE 1000
#define MORE_ROWS_MAX 100

static int look(struct ops_context *context, bool *complete, struct error *error)
{
    return view_inbox_work(context->view, &context->marks, complete, error);
}

/* Which thing people mean by handle/number. complete: there is no other one. */
static int find(struct ops_context *context, const char *name, bool complete,
                struct view_inbox_thing *out, bool *found, struct error *error)
{
    struct id feed;
    uint64_t seq;
    int code = view_resolve_name(context->view, name, &feed, &seq, error);

    *found = !code && view_inbox_find(context->view, &feed, seq, out);
    if (code || *found || !complete)
        return code;
    return error_set(error, ERROR_NOT_FOUND,
                     "%.80s is not in the inbox; see what is: caravan inbox --all", name);
}

/* --- inbox ------------------------------------------------------------------------------------ */

struct page {
    struct ops_context *context;
    const Caravan__InboxRequest *request;
    size_t limit;
    struct arena arena;
    Caravan__InboxReply answer;
    Caravan__InboxThing *now; /* the item goes here */
    size_t empty;             /* what the arena holds before the first thing */
    uint64_t last;            /* arrival of the last thing */
    bool no_memory;
    struct error *error;
    int code;
};

/* A view_visitor. */
static int add_item(void *context, const struct view_state *state)
{
    struct page *page = context;

    page->now->item = ops_list_item(page->context->view, &page->arena, state);
    page->no_memory = !page->now->item;
    return 1;
}

static Caravan__InboxKind kind_of(enum view_inbox_kind kind)
{
    static const Caravan__InboxKind kinds[] = {
        [VIEW_INBOX_ANSWER] = CARAVAN__INBOX_KIND__INBOX_KIND_ANSWER,
        [VIEW_INBOX_CONFIRM] = CARAVAN__INBOX_KIND__INBOX_KIND_CONFIRM,
        [VIEW_INBOX_PROPOSAL] = CARAVAN__INBOX_KIND__INBOX_KIND_PROPOSAL,
        [VIEW_INBOX_DECLINED] = CARAVAN__INBOX_KIND__INBOX_KIND_DECLINED,
        [VIEW_INBOX_PARTNER] = CARAVAN__INBOX_KIND__INBOX_KIND_PARTNER,
        [VIEW_INBOX_LINK] = CARAVAN__INBOX_KIND__INBOX_KIND_LINK,
        [VIEW_INBOX_REFUSED] = CARAVAN__INBOX_KIND__INBOX_KIND_REFUSED,
    };

    return kinds[kind];
}

static int add_thing(struct page *page, const struct view_inbox_thing *thing)
{
    struct view *view = page->context->view;
    Caravan__InboxThing *out = arena_alloc(&page->arena, sizeof *out);
    int code;

    if (!out)
        return error_memory(page->error);
    caravan__inbox_thing__init(out);
    out->has_kind = out->has_feed = out->has_seq = out->has_arrival = out->has_read = true;
    out->has_withdrawn = out->has_to_do = true;
    out->kind = kind_of(thing->kind);
    out->feed = ops_binary(&page->arena, thing->feed.bytes, sizeof thing->feed.bytes);
    out->seq = thing->seq;
    out->handle = ops_feed_name(&page->arena, view, &thing->feed);
    out->arrival = thing->arrival;
    out->read = thing->read;
    out->withdrawn = thing->withdrawn;
    out->to_do = thing->to_do;
    page->now = out;
    code = view_inbox_show(view, thing, add_item, page, page->error);
    if (code == ERROR_NOT_FOUND) /* it answers an announcement that we do not have */
        code = ERROR_NONE;
    else if (!code && (page->no_memory || page->arena.over_limit || page->arena.no_memory))
        code = error_memory(page->error);
    page->answer.things[page->answer.n_things++] = out;
    return code;
}

/* The page is full: the next one begins behind this thing. */
static bool is_full(const struct page *page)
{
    return page->answer.n_things >= page->limit || page->arena.used - page->empty >= OPS_REPLY_SIZE;
}

/* A view_inbox_visitor. Things of one arrival stay together. */
static int add_to_page(void *context, const struct view_inbox_thing *thing)
{
    struct page *page = context;

    if (is_full(page) && (thing->arrival != page->last || page->answer.n_things > page->limit)) {
        page->answer.next_before = page->last;
        return 1;
    }
    page->code = add_thing(page, thing);
    page->last = thing->arrival;
    return page->code;
}

/* A view_inbox_more_visitor. */
static int add_more(void *context, const struct view_inbox_more *more)
{
    struct page *page = context;
    Caravan__InboxMore *out = arena_alloc(&page->arena, sizeof *out);

    if (!out) {
        page->code = error_memory(page->error);
        return 1;
    }
    caravan__inbox_more__init(out);
    out->has_kind = out->has_feed = out->has_count = true;
    out->kind = kind_of(more->kind);
    out->feed = ops_binary(&page->arena, more->feed.bytes, sizeof more->feed.bytes);
    out->handle = ops_feed_name(&page->arena, page->context->view, &more->feed);
    out->count = more->count;
    page->answer.more[page->answer.n_more++] = out;
    return page->answer.n_more == MORE_ROWS_MAX;
}

static int fill_page(struct page *page)
{
    const Caravan__InboxRequest *request = page->request;
    const struct view *view = page->context->view;
    struct view_inbox_counts counts;

    view_inbox_count(view, &counts);
    page->answer.has_unread = page->answer.has_to_do = true;
    page->answer.unread = counts.unread;
    page->answer.to_do = counts.to_do;
    view_inbox_more(view, add_more, page);
    page->empty = page->arena.used;
    if (!page->code && !request->summary)
        view_inbox_visit(view, request->before_arrival, request->unread, add_to_page, page);
    return page->code;
}

static int fill_one(struct page *page)
{
    struct view_inbox_thing thing;
    bool found;
    int code = find(page->context, page->request->name, !page->answer.counting, &thing, &found,
                    page->error);

    if (code || !found)
        return code;
    page->answer.counting = false; /* it is all that was asked for */
    return add_thing(page, &thing);
}

static int make_room(struct page *page)
{
    page->answer.things =
        arena_alloc(&page->arena, (page->limit + 1) * sizeof *page->answer.things);
    page->answer.more = arena_alloc(&page->arena, MORE_ROWS_MAX * sizeof *page->answer.more);
    return page->answer.things && page->answer.more ? ERROR_NONE : error_memory(page->error);
}

int ops_inbox(struct ops_context *context, const ProtobufCMessage *message, struct buffer *reply,
              struct error *error)
{
    const Caravan__InboxRequest *request = (const Caravan__InboxRequest *)message;
    struct page page = {.context = context,
                        .request = request,
                        .limit = request->limit ? request->limit : OPS_LIMIT_DEFAULT,
                        .answer = CARAVAN__INBOX_REPLY__INIT,
                        .error = error};
    bool complete;
    int code = look(context, &complete, error);

    if (page.limit > OPS_LIMIT_MAX)
        page.limit = OPS_LIMIT_MAX;
    page.answer.has_next_before = page.answer.has_counting = true;
    page.answer.counting = !complete;
    arena_init(&page.arena, LIMIT_ARENA_SIZE);
    if (!code)
        code = make_room(&page);
    if (!code)
        code = request->name ? fill_one(&page) : fill_page(&page);
    if (!code)
        code = ops_reply(&page.answer.base, reply, error);
    arena_finish(&page.arena);
    return code;
}

/* --- mark ------------------------------------------------------------------------------------- */

struct marking {
    struct mark marks[MARKS_AT_ONCE];
    size_t count;
    bool read, full;
};

/* A view_inbox_visitor. What one entry has brought stands together, and has one mark. */
static int gather(void *context, const struct view_inbox_thing *thing)
{
    struct marking *marking = context;
    const struct mark *last = marking->count ? &marking->marks[marking->count - 1] : NULL;

    if (thing->read == marking->read ||
        (last && last->seq == thing->seq && id_equal(&last->feed, &thing->feed)))
        return 0;
    marking->full = marking->count == MARKS_AT_ONCE;
    if (!marking->full)
        marking->marks[marking->count++] = (struct mark){thing->feed, thing->seq};
    return marking->full;
}

/* What the request means, of it so much that can be done at once. */
static int choose(struct ops_context *context, const Caravan__MarkRequest *request, bool complete,
                  struct marking *marking, struct error *error)
{
    struct view_inbox_thing thing;
    bool found;
    int code;

    marking->count = 0;
    marking->full = false;
    marking->read = !request->unread;
    if (!request->name) {
        view_inbox_visit(context->view, 0, marking->read, gather, marking);
        marking->full = marking->full || !complete;
        return ERROR_NONE;
    }
    code = find(context, request->name, complete, &thing, &found, error);
    if (found)
        gather(marking, &thing);
    marking->full = !found;
    return code;
}

int ops_inbox_mark(struct ops_context *context, const ProtobufCMessage *message,
                   struct buffer *reply, struct error *error)
{
    const Caravan__MarkRequest *request = (const Caravan__MarkRequest *)message;
    Caravan__MarkReply answer = CARAVAN__MARK_REPLY__INIT;
    struct marking *marking;
    bool complete;
    int code;

    if (!context->marks.self)
        return error_set(error, ERROR_INTERNAL, "this node keeps no marks");
    marking = malloc(sizeof *marking);
    code = marking ? look(context, &complete, error) : error_memory(error);
    if (!code)
        code = choose(context, request, complete, marking, error);
    if (!code && marking->count)
        code = view_inbox_mark(context->view, marking->marks, marking->count, marking->read, error);
    if (!code) {
        answer.has_changed = answer.has_more = true;
        answer.changed = marking->count;
        answer.more = marking->full;
        code = ops_reply(&answer.base, reply, error);
    }
    free(marking);
    return code;
}
