#include "node/node_desk.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "node/ops/pack.h"

/* A long poll waits no longer than this, whatever it asks for. */
#define WAIT_MAX_MS 30000
/* So many long polls at a time: all are tried again at every change. */
#define WAITING_MAX 256

/* A pack has no more requests than this; those of our own client have far fewer. */
#define PACK_MAX 4096
/* Replies to one pack may take so many bytes: as much as is kept for a client that does not read.
 * What comes after that is refused. */
#define PACK_REPLIES_MAX ((size_t)8 * 1024 * 1024)
/* A buffer of replies that has grown larger is not kept. */
#define REPLIES_KEPT ((size_t)1024 * 1024)

/* The memory of all requests that came in one message. */
struct node_requests {
    atomic_size_t users;
    atomic_size_t replied; /* bytes of replies so far, on whichever desk */
    size_t share;          /* bytes of memory that each of them stands for */
    struct arena arena;    /* of what the requests say */
    struct arena own;      /* of the requests themselves: it has room for the largest pack */
};

_Static_assert((PACK_MAX + 1) * 2 * sizeof(struct node_request) <= LIMIT_ARENA_SIZE,
               "a pack's requests fit into their arena");

/* --- reading ---------------------------------------------------------------------------------- */

static struct node_requests *requests_create(void)
{
    struct node_requests *all = malloc(sizeof *all);

    if (!all)
        return NULL;
    atomic_init(&all->users, 1);
    atomic_init(&all->replied, 0);
    all->share = 0;
    arena_init(&all->arena, LIMIT_ARENA_SIZE);
    arena_init(&all->own, LIMIT_ARENA_SIZE);
    return all;
}

static void requests_release(struct node_requests *all)
{
    if (atomic_fetch_sub(&all->users, 1) > 1)
        return;
    arena_finish(&all->arena);
    arena_finish(&all->own);
    free(all);
}

void node_request_fail(struct node_request *request, const struct error *error)
{
    if (request->error)
        return;
    request->operation = NULL;
    request->error = malloc(sizeof *request->error);
    if (request->error) /* else it is answered with a sentence about memory */
        *request->error = *error;
}

static struct node_request *add_request(struct node_requests *all, const struct net_route *route,
                                        bool packed)
{
    struct node_request *request = arena_alloc(&all->own, sizeof *request);

    if (!request) { /* the client sees a time limit */
        log_error("control.memory", "text", "no memory for requests, which stay unanswered");
        return NULL;
    }
    atomic_fetch_add(&all->users, 1);
    request->all = all;
    request->route = *route;
    request->packed = packed;
    return request;
}

/* When memory runs out it is not done, and the handler does it. */
static void check_request(struct node_request *request, uint64_t wall)
{
    struct ops_check *check = &request->check;
    struct error error = {0};

    check->done = true;
    if (!request->operation->check(request->message, wall, &check->unknown, &error))
        return;
    check->error = malloc(sizeof *check->error);
    if (check->error)
        *check->error = error;
    else
        check->done = false;
}

static void read_request(struct node_request *request, struct span bytes, uint64_t now,
                         uint64_t wall)
{
    struct error error = {0};
    uint64_t wait = 0;

    if (ops_read(bytes, &request->all->arena, &request->id, &request->operation, &request->message,
                 &error))
        node_request_fail(request, &error);
    if (request->operation && request->operation->check)
        check_request(request, wall);
    if (request->operation && request->operation->wait_ms)
        wait = request->operation->wait_ms(request->message);
    request->deadline = now + (wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS);
}

static void read_pack(struct node_requests *all, const struct net_route *route, struct span rest,
                      uint64_t now, uint64_t wall, struct node_request **list)
{
    struct node_request *request = NULL;
    struct error error;
    struct span bytes;
    size_t count = 0;

    while (count < PACK_MAX && pack_next(PACK_REQUESTS, &rest, &bytes)) {
        request = add_request(all, route, true);
        if (!request)
            return;
        read_request(request, bytes, now, wall);
        *list = request;
        list = &request->next;
        count++;
    }
    if (!rest.size || !(request = add_request(all, route, true)))
        return;
    error_set(&error, ERROR_MALFORMED,
              "control request: after %zu requests of a pack found %zu bytes, expected %s", count,
              rest.size, count < PACK_MAX ? "one more request, or the end" : "the end");
    node_request_fail(request, &error);
    *list = request;
}

static void share_memory(struct node_requests *all, const struct node_request *list)
{
    size_t count = 0;

    for (; list; list = list->next)
        count++;
    if (count)
        all->share = (all->arena.used + all->own.used + count - 1) / count;
}

struct node_request *node_request_create(const struct net_route *route, struct buffer *bytes,
                                         uint64_t now, uint64_t wall)
{
    struct node_requests *all = requests_create();
    struct span message = buffer_span(bytes);
    struct node_request *list = NULL;

    if (all && pack_is(PACK_REQUESTS, message))
        read_pack(all, route, message, now, wall, &list);
    else if (all && (list = add_request(all, route, false)))
        read_request(list, message, now, wall);
    if (all) {
        share_memory(all, list);
        requests_release(all);
    }
    buffer_finish(bytes);
    return list;
}

void node_request_destroy(struct node_request *request)
{
    if (!request)
        return;
    free(request->error);
    free(request->check.error);
    requests_release(request->all);
}

size_t node_request_bytes(const struct node_request *list)
{
    size_t bytes = 0;

    for (; list; list = list->next)
        bytes += list->all->share;
    return bytes;
}

/* --- running ---------------------------------------------------------------------------------- */

void node_desk_init(struct node_desk *desk)
{
    *desk = (struct node_desk){0};
    desk->finished_end = &desk->finished;
}

/* Answers are many times larger than what asks for them, so what a pack may be told is bounded;
 * nothing of what is refused was done. */
static bool may_reply(struct node_request *request)
{
    struct error error;

    if (!request->packed || atomic_load(&request->all->replied) <= PACK_REPLIES_MAX)
        return true;
    error_set(&error, ERROR_BUSY,
              "the replies to this pack of requests take more than %zu MiB already; repeat this "
              "request in another message, with fewer beside it",
              PACK_REPLIES_MAX >> 20);
    node_request_fail(request, &error);
    return false;
}

/* true: it has been answered. */
static bool try_request(struct node_desk *desk, struct node_request *request, uint64_t now)
{
    struct error error;
    int code;

    error_clear(&error);
    if (!may_reply(request))
        return true;
    desk->context.first_try = !request->tried;
    desk->context.last_try = now >= request->deadline;
    desk->context.progress = request->progress;
    desk->context.check = &request->check;
    request->tried = true;
    request->reply_at = desk->replies.size;
    code = ops_run(request->operation, &desk->context, request->message, &desk->replies, &error);
    request->progress = desk->context.progress;
    if (code)
        desk->replies.size = request->reply_at;
    if (code == OPS_WAIT && !desk->context.last_try)
        return false;
    if (code == OPS_WAIT)
        error_set(&error, ERROR_TIMEOUT, "nothing happened in the time given");
    if (code)
        node_request_fail(request, &error);
    request->reply_size = desk->replies.size - request->reply_at;
    atomic_fetch_add(&request->all->replied, request->reply_size);
    return true;
}

static void finish(struct node_desk *desk, struct node_request *request)
{
    request->next = NULL;
    *desk->finished_end = request;
    desk->finished_end = &request->next;
}

void node_desk_take(struct node_desk *desk, struct node_request *request, uint64_t now)
{
    struct error error;

    if (!request->operation || try_request(desk, request, now)) {
        finish(desk, request);
        return;
    }
    if (desk->waiting_count >= WAITING_MAX) {
        error_set(&error, ERROR_BUSY,
                  "%d requests wait for news already, expected fewer; end some of these clients, "
                  "or try again later",
                  WAITING_MAX);
        node_request_fail(request, &error);
        finish(desk, request);
        return;
    }
    request->next = desk->waiting;
    desk->waiting = request;
    desk->waiting_count++;
}

void node_desk_retry(struct node_desk *desk, uint64_t changes, uint64_t now)
{
    struct node_request **place = &desk->waiting, *request;
    bool moved = changes != desk->seen;

    desk->seen = changes;
    while ((request = *place)) {
        if ((moved || now >= request->deadline) && try_request(desk, request, now)) {
            *place = request->next;
            desk->waiting_count--;
            finish(desk, request);
        } else {
            place = &request->next;
        }
    }
}

void node_desk_expire(struct node_desk *desk, uint64_t now, const struct error *error)
{
    struct node_request **place = &desk->waiting, *request;

    while ((request = *place)) {
        if (now < request->deadline) {
            place = &request->next;
            continue;
        }
        *place = request->next;
        desk->waiting_count--;
        node_request_fail(request, error);
        finish(desk, request);
    }
}

/* --- answering -------------------------------------------------------------------------------- */

/* Answers on their way; those to one client that follow each other share a message. */
struct sending {
    struct net *net;
    struct net_route route; /* whom the pack is for */
    struct buffer pack, message;
};

static void send_message(struct sending *sending, const struct net_route *route,
                         struct buffer *message)
{
    if (message->size && !net_control_reply(sending->net, route, message))
        buffer_clear(message);
}

static bool is_route(const struct net_route *a, const struct net_route *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static void send_one(struct sending *sending, const struct node_request *request, struct span reply,
                     const struct error *error)
{
    struct error memory;

    if (!request->operation && !error) {
        error_memory(&memory);
        error = &memory;
    }
    buffer_clear(&sending->message);
    if (!ops_write(request->id, reply, error, &sending->message))
        return;
    if (!request->packed) {
        send_message(sending, &request->route, &sending->message);
        return;
    }
    if (!is_route(&sending->route, &request->route) ||
        sending->pack.size + sending->message.size > PACK_SIZE) {
        send_message(sending, &sending->route, &sending->pack);
        sending->route = request->route;
    }
    pack_add(PACK_REPLIES, buffer_span(&sending->message), &sending->pack);
}

static void sending_finish(struct sending *sending)
{
    send_message(sending, &sending->route, &sending->pack);
    buffer_finish(&sending->pack);
    buffer_finish(&sending->message);
}

void node_desk_send(struct node_desk *desk, const struct error *commit_error)
{
    struct sending sending = {.net = desk->net};
    struct node_request *request;

    while ((request = desk->finished)) {
        struct span reply = {0};

        if (request->reply_size)
            reply = span_of(desk->replies.data + request->reply_at, request->reply_size);
        desk->finished = request->next;
        send_one(&sending, request, reply, request->error ? request->error : commit_error);
        node_request_destroy(request);
    }
    desk->finished_end = &desk->finished;
    buffer_clear(&desk->replies);
    if (desk->replies.capacity > REPLIES_KEPT)
        buffer_finish(&desk->replies);
    sending_finish(&sending);
}

void node_desk_refuse(struct net *net, struct node_request *list, const struct error *error)
{
    struct sending sending = {.net = net};
    struct node_request *next;

    for (; list; list = next) {
        next = list->next;
        send_one(&sending, list, span_of(NULL, 0), list->error ? list->error : error);
        node_request_destroy(list);
    }
    sending_finish(&sending);
}

uint64_t node_desk_next_ms(const struct node_desk *desk, uint64_t now)
{
    uint64_t wait = 1000;

    for (const struct node_request *request = desk->waiting; request; request = request->next) {
        uint64_t left = request->deadline > now ? request->deadline - now : 0;

        wait = left < wait ? left : wait;
    }
    return wait;
}

void node_desk_finish(struct node_desk *desk)
{
    struct error stopping;
    struct node_request *request;

    if (!desk->finished_end)
        return;
    error_set(&stopping, ERROR_NODE_DOWN, "the node is stopping");
    while ((request = desk->waiting)) {
        desk->waiting = request->next;
        desk->waiting_count--;
        node_request_fail(request, &stopping);
        finish(desk, request);
    }
    node_desk_send(desk, &stopping);
    buffer_finish(&desk->replies);
}
