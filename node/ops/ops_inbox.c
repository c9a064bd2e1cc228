/* inbox, mark: what waits for somebody at our institution, and what of it was read. */
#include "node/ops/ops_parts.h"

#include "node/core/view_inbox.h"

#include <inttypes.h>
#include <stdlib.h>

struct inbox {
    struct ops_context *context;
    struct view_inbox_thing *things;
    size_t count;
    bool complete;
    struct error *error;
};

static int inbox_read(struct inbox *inbox)
{
    return view_inbox(inbox->context->view, &inbox->things, &inbox->count, &inbox->complete,
                      inbox->error);
}

static int is_read(const struct inbox *inbox, const struct view_inbox_thing *thing, bool *read)
{
    const struct ops_marks *marks = &inbox->context->marks;

    *read = false;
    return marks->self ? marks->is_read(marks->self, &thing->feed, thing->seq, read, inbox->error)
                       : ERROR_NONE;
}

/* Which thing people mean by handle/number; NULL, SIZE_MAX: every one. */
static int find(const struct inbox *inbox, const char *name, const struct view_inbox_thing **found)
{
    struct id feed;
    uint64_t seq;
    int code = view_resolve_name(inbox->context->view, name, &feed, &seq, inbox->error);

    if (code)
        return code;
    for (size_t i = 0; i < inbox->count; i++)
        if (id_equal(&inbox->things[i].feed, &feed) && inbox->things[i].seq == seq) {
            *found = &inbox->things[i];
            return ERROR_NONE;
        }
    return error_set(inbox->error, ERROR_NOT_FOUND,
                     "%.80s is not in the inbox; see what is: caravan inbox --all", name);
}

/* --- inbox ------------------------------------------------------------------------------------ */

struct page {
    struct inbox inbox;
    const Caravan__InboxRequest *request;
    size_t limit;
    struct arena arena;
    Caravan__InboxReply answer;
    Caravan__InboxThing *now; /* the item goes here */
    size_t empty;             /* what the arena holds before the first thing */
    bool no_memory;
};

/* A view_visitor. */
static int add_item(void *context, const struct view_state *state)
{
    struct page *page = context;

    page->now->item = ops_list_item(page->inbox.context->view, &page->arena, state);
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

static int add_thing(struct page *page, const struct view_inbox_thing *thing, bool read)
{
    struct inbox *inbox = &page->inbox;
    Caravan__InboxThing *out = arena_alloc(&page->arena, sizeof *out);
    int code;

    if (!out)
        return error_memory(inbox->error);
    caravan__inbox_thing__init(out);
    out->has_kind = out->has_feed = out->has_seq = out->has_arrival = out->has_read = true;
    out->has_withdrawn = out->has_to_do = true;
    out->kind = kind_of(thing->kind);
    out->feed = ops_binary(&page->arena, thing->feed.bytes, sizeof thing->feed.bytes);
    out->seq = thing->seq;
    out->handle = ops_feed_name(&page->arena, inbox->context->view, &thing->feed);
    out->arrival = thing->arrival;
    out->read = read;
    out->withdrawn = thing->withdrawn;
    out->to_do = thing->to_do;
    page->now = out;
    code = view_inbox_show(inbox->context->view, thing, add_item, page, inbox->error);
    if (code == ERROR_NOT_FOUND) /* it answers an announcement that we do not have */
        code = ERROR_NONE;
    else if (!code && (page->no_memory || page->arena.over_limit || page->arena.no_memory))
        code = error_memory(inbox->error);
    page->answer.things[page->answer.n_things++] = out;
    return code;
}

/* The page is full: the next one begins behind this thing. Things of one arrival stay together. */
static bool is_full(const struct page *page)
{
    return page->answer.n_things >= page->limit || page->arena.used - page->empty >= OPS_REPLY_SIZE;
}

static bool is_on_page(const struct page *page, const struct view_inbox_thing *thing, bool read)
{
    const Caravan__InboxRequest *request = page->request;

    return !request->summary && !(request->unread && read) &&
           (!request->before_arrival || thing->arrival < request->before_arrival);
}

static int fill_page(struct page *page)
{
    struct inbox *inbox = &page->inbox;
    uint64_t last = 0;
    int code = ERROR_NONE;

    for (size_t i = 0; i < inbox->count && !code; i++) {
        const struct view_inbox_thing *thing = &inbox->things[i];
        bool read;

        code = is_read(inbox, thing, &read);
        page->answer.unread += !read;
        page->answer.to_do += thing->to_do;
        if (code || page->answer.next_before || !is_on_page(page, thing, read))
            continue;
        if (is_full(page) && thing->arrival != last) {
            page->answer.next_before = last;
            continue;
        }
        code = add_thing(page, thing, read);
        last = thing->arrival;
    }
    return code;
}

static int fill_one(struct page *page)
{
    const struct view_inbox_thing *thing = NULL;
    bool read = false;
    int code = find(&page->inbox, page->request->name, &thing);

    if (!code)
        code = is_read(&page->inbox, thing, &read);
    return code ? code : add_thing(page, thing, read);
}

int ops_inbox(struct ops_context *context, const ProtobufCMessage *message, struct buffer *reply,
              struct error *error)
{
    const Caravan__InboxRequest *request = (const Caravan__InboxRequest *)message;
    struct page page = {.inbox = {.context = context, .error = error},
                        .request = request,
                        .limit = request->limit ? request->limit : OPS_LIMIT_DEFAULT,
                        .answer = CARAVAN__INBOX_REPLY__INIT};
    int code = inbox_read(&page.inbox);

    if (page.limit > OPS_LIMIT_MAX)
        page.limit = OPS_LIMIT_MAX;
    arena_init(&page.arena, LIMIT_ARENA_SIZE);
    if (!code) {
        page.answer.things =
            arena_alloc(&page.arena, (page.inbox.count + 1) * sizeof *page.answer.things);
        page.empty = page.arena.used;
        code = page.answer.things ? ERROR_NONE : error_memory(error);
    }
    if (!code)
        code = request->name ? fill_one(&page) : fill_page(&page);
    if (!code) {
        page.answer.has_next_before = page.answer.has_counting = true;
        page.answer.has_unread = page.answer.has_to_do = !request->name;
        page.answer.counting = !page.inbox.complete;
        code = ops_reply(&page.answer.base, reply, error);
    }
    arena_finish(&page.arena);
    free(page.inbox.things);
    return code;
}

/* --- mark ------------------------------------------------------------------------------------- */

static int mark_one(struct inbox *inbox, const struct view_inbox_thing *thing, bool read,
                    uint64_t *changed)
{
    const struct ops_marks *marks = &inbox->context->marks;
    bool now;
    int code = is_read(inbox, thing, &now);

    if (code || now == read)
        return code;
    ++*changed;
    return marks->set_read(marks->self, &thing->feed, thing->seq, read, inbox->error);
}

static int mark_all(struct inbox *inbox, bool read, uint64_t *changed)
{
    int code = ERROR_NONE;

    for (size_t i = 0; i < inbox->count && !code; i++)
        code = mark_one(inbox, &inbox->things[i], read, changed);
    return code;
}

int ops_inbox_mark(struct ops_context *context, const ProtobufCMessage *message,
                   struct buffer *reply, struct error *error)
{
    const Caravan__MarkRequest *request = (const Caravan__MarkRequest *)message;
    Caravan__MarkReply answer = CARAVAN__MARK_REPLY__INIT;
    struct inbox inbox = {.context = context, .error = error};
    const struct view_inbox_thing *thing;
    int code;

    if (!context->marks.self)
        return error_set(error, ERROR_INTERNAL, "this node keeps no marks");
    code = inbox_read(&inbox);
    if (!code && request->name) {
        code = find(&inbox, request->name, &thing);
        if (!code)
            code = mark_one(&inbox, thing, !request->unread, &answer.changed);
    } else if (!code) {
        code = mark_all(&inbox, !request->unread, &answer.changed);
    }
    answer.has_changed = true;
    if (!code)
        code = ops_reply(&answer.base, reply, error);
    free(inbox.things);
    return code;
}
