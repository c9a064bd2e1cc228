#include "node/node_desk.h"

#include <stdlib.h>

#include "common/limits.h"

/* A long poll waits no longer than this, whatever it asks for. */
#define WAIT_MAX_MS 30000
/* So many long polls at a time: all are tried again at every change. */
#define WAITING_MAX 256

struct node_request *node_request_create(const struct net_route *route, struct buffer *bytes,
                                         uint64_t now)
{
    struct node_request *request = calloc(1, sizeof *request);
    uint64_t wait = 0;

    if (!request) {
        buffer_finish(bytes);
        return NULL;
    }
    request->route = *route;
    arena_init(&request->arena, LIMIT_ARENA_SIZE);
    if (ops_read(buffer_span(bytes), &request->arena, &request->id, &request->operation,
                 &request->message, &request->error))
        request->operation = NULL;
    buffer_finish(bytes);
    if (request->operation && request->operation->wait_ms)
        wait = request->operation->wait_ms(request->message);
    request->deadline = now + (wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS);
    return request;
}

void node_request_destroy(struct node_request *request)
{
    if (!request)
        return;
    arena_finish(&request->arena);
    buffer_finish(&request->reply);
    free(request);
}

/* true: it has been answered. */
static bool try_request(struct node_desk *desk, struct node_request *request, uint64_t now)
{
    int code;

    desk->context.first_try = !request->tried;
    desk->context.last_try = now >= request->deadline;
    request->tried = true;
    code = ops_run(request->operation, &desk->context, request->message, &request->reply,
                   &request->error);
    if (code == OPS_WAIT && !desk->context.last_try)
        return false;
    if (code == OPS_WAIT)
        error_set(&request->error, ERROR_TIMEOUT, "nothing happened in the time given");
    else if (code == ERROR_NONE)
        error_clear(&request->error);
    return true;
}

static void finish(struct node_desk *desk, struct node_request *request)
{
    request->next = desk->finished;
    desk->finished = request;
}

void node_desk_take(struct node_desk *desk, struct node_request *request, uint64_t now)
{
    if (!request->operation || try_request(desk, request, now)) {
        finish(desk, request);
        return;
    }
    if (desk->waiting_count >= WAITING_MAX) {
        error_set(&request->error, ERROR_BUSY,
                  "%d requests wait for news already, expected fewer; end some of these clients, "
                  "or try again later",
                  WAITING_MAX);
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

static void send_one(struct net *net, struct node_request *request,
                     const struct error *commit_error)
{
    const struct error *error = request->error.code ? &request->error : commit_error;
    struct buffer bytes = {0};

    if (ops_write(request->id, buffer_span(&request->reply), error, &bytes) &&
        net_control_reply(net, &request->route, &bytes))
        return;
    buffer_finish(&bytes);
}

void node_desk_send(struct node_desk *desk, const struct error *commit_error)
{
    struct node_request *request;

    while ((request = desk->finished)) {
        desk->finished = request->next;
        send_one(desk->net, request, commit_error);
        node_request_destroy(request);
    }
}

void node_desk_refuse(struct net *net, struct node_request *request)
{
    send_one(net, request, NULL);
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

    error_set(&stopping, ERROR_NODE_DOWN, "the node is stopping");
    while ((request = desk->waiting)) {
        desk->waiting = request->next;
        desk->waiting_count--;
        request->error = stopping;
        finish(desk, request);
    }
    node_desk_send(desk, &stopping);
}
