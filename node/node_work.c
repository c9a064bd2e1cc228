/* The node's threads: check, server, reader, writer. */
#include "node/node_parts.h"

#include <stdlib.h>
#include <time.h>

#include "common/log.h"
#include "node/core/serve.h"
#include "node/node_token.h"

/* Events in one transaction: enough to share one sync to disk, few enough to answer soon. */
#define BATCH_EVENTS 2048
#define TOKEN_AGAIN_MS 10000
#define BEGIN_AGAIN_NS 200000000 /* after a transaction could not begin */
#define BATCH_BYTES ((size_t)8 * 1024 * 1024)
/* … and not longer than this: events differ in what they cost, and whoever published in this batch
 * waits for its commit. A quarter of a second is felt, not taken for a fault, and many times what a
 * sync to disk takes. The event that is under way is not cut in two. */
#define BATCH_MS 250
/* A server that has nothing to do; it is woken when something comes. */
#define SERVER_WAIT_MS 60000
#define LINGER_MS 20 /* how long entries of a catch-up wait for more of it */
/* Between two looks for contents that were erased, whose keys go. */
#define FORGET_MS 500

uint64_t node_wall_ms(void *self)
{
    struct timespec now;

    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t node_monotonic_ms(void *self)
{
    struct timespec now;

    (void)self;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void node_item_destroy(void *value)
{
    struct node_item *item = value;
    struct node_request *request;

    if (!item)
        return;
    buffer_finish(&item->bytes);
    incoming_destroy(item->incoming);
    while ((request = item->request)) {
        item->request = request->next;
        node_request_destroy(request);
    }
    free(item);
}

static size_t incoming_bytes(const struct incoming *incoming)
{
    return sizeof *incoming + incoming->bytes.size + incoming->arena.used +
           incoming->run.count * sizeof *incoming->run.entries;
}

size_t node_item_bytes(const struct node_item *item)
{
    return sizeof *item + item->bytes.size + (item->incoming ? incoming_bytes(item->incoming) : 0) +
           node_request_bytes(item->request);
}

/* --- check thread --- */

/* Of a peer that has enough waiting what comes is thrown away, but for the state of its links; so
 * is what came on live when all have. */
static bool to_writer(struct node *node, const struct id *peer, struct node_item *item)
{
    size_t bytes = node_item_bytes(item);
    enum node_lanes_taken taken = NODE_LANES_LATER;

    if (item->kind == NODE_ITEM_INCOMING && item->incoming->source != INCOMING_SYNC)
        return node_lanes_try_spare(node->to_writer, peer, item, bytes);
    if (item->kind == NODE_ITEM_INCOMING)
        taken = node_lanes_try_push(node->to_writer, peer, item, bytes);
    return taken == NODE_LANES_TAKEN ||
           (taken == NODE_LANES_LATER && node_lanes_push(node->to_writer, peer, item, bytes));
}

static void pass_on(struct node *node, const struct id *peer, struct node_item *item)
{
    if (!to_writer(node, peer, item))
        node_item_destroy(item);
}

static uint64_t request_number(const Caravan__SyncMessage *message)
{
    switch (message->body_case) {
    case CARAVAN__SYNC_MESSAGE__BODY_PULL:
        return message->pull->request;
    case CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES_REQUEST:
        return message->certificates_request->request;
    default:
        return 0;
    }
}

static void answer_refusal(struct node *node, const struct incoming *incoming,
                           const struct error *why)
{
    struct buffer answer = {0};

    if (serve_refusal(request_number(incoming->message), NULL, 0, why, &answer))
        net_send(node->net, &incoming->peer, &answer);
    buffer_finish(&answer);
}

static void answer_busy(struct node *node, const struct incoming *incoming, const char *why)
{
    struct error busy;

    error_set(&busy, ERROR_BUSY, "%s", why);
    answer_refusal(node, incoming, &busy);
}

/* The check thread waits for no server: others' messages are behind this one. */
static void pass_to_server(struct node *node, struct node_item *item)
{
    enum node_turn turn = item->role == ACCESS_PARTNER ? NODE_TURN_PARTNERS : NODE_TURN_READERS;
    size_t size = item->incoming->bytes.size;
    struct error error;

    if (size <= LIMIT_REQUEST_SIZE &&
        node_turns_push(node->to_server, turn, &item->peer, item, node_item_bytes(item)))
        return;
    if (size > LIMIT_REQUEST_SIZE)
        error_set(&error, ERROR_TOO_LARGE, "request: found %zu bytes, expected at most %d", size,
                  LIMIT_REQUEST_SIZE);
    else
        error_set(&error, ERROR_BUSY, "too many requests wait already");
    answer_refusal(node, item->incoming, &error);
    node_item_destroy(item);
}

static void check_message(struct node *node, struct node_item *item)
{
    const char *topic = item->kind == NODE_ITEM_LIVE ? item->topic : NULL;
    bool request;

    item->incoming = incoming_create(&item->peer, topic, &item->bytes,
                                     node->config.message->network, node->keyring);
    if (!item->incoming) {
        node_item_destroy(item);
        return;
    }
    item->kind = NODE_ITEM_INCOMING;
    request = incoming_is_request(item->incoming);
    /* Whoever may only read gets no further than the server. */
    if (!access_may(topic ? ACCESS_PARTNER : item->role, request ? ACCESS_PULL : ACCESS_SPEAK))
        node_item_destroy(item);
    else if (request)
        pass_to_server(node, item);
    else
        pass_on(node, &item->peer, item);
}

/* Each by itself, so that others have their turn between two requests of one client. */
static void pass_to_reader(struct node *node, struct node_request *request)
{
    struct node_item *item = calloc(1, sizeof *item);
    struct error busy;

    if (!item) {
        error_memory(&busy);
        node_desk_refuse(node->net, request, &busy);
        return;
    }
    item->kind = NODE_ITEM_REQUEST;
    item->request = request;
    if (node_queue_try_push(node->to_reader, item, node_item_bytes(item)))
        return;
    error_set(&busy, ERROR_BUSY, "too many requests wait already; try again");
    node_desk_refuse(node->net, request, &busy);
    item->request = NULL;
    node_item_destroy(item);
}

static void check_control(struct node *node, struct node_item *item)
{
    struct node_request *request = node_request_create(&item->route, &item->bytes,
                                                       node_monotonic_ms(NULL), node_wall_ms(NULL));
    struct node_request *next, **end = &item->request;
    struct error busy;

    item->kind = NODE_ITEM_REQUEST;
    for (; request; request = next) {
        next = request->next;
        request->next = NULL;
        if (request->operation && request->operation->where == OPS_WRITER) {
            *end = request;
            end = &request->next;
        } else {
            pass_to_reader(node, request);
        }
    }
    if (item->request && node_lanes_push(node->to_writer, NULL, item, node_item_bytes(item)))
        return;
    if (item->request) {
        error_set(&busy, ERROR_BUSY, "too many requests wait already; try again");
        node_desk_refuse(node->net, item->request, &busy);
        item->request = NULL;
    }
    node_item_destroy(item);
}

void *node_work_check(void *self)
{
    struct node *node = self;
    struct node_item *item;

    while ((item = node_lanes_pop(node->to_check, 1000)) || !node_lanes_is_closed(node->to_check)) {
        if (node_lanes_take_relief(node->to_check))
            net_wake(node->net);
        if (!item)
            continue;
        if (item->kind == NODE_ITEM_CONTROL)
            check_control(node, item);
        else if (item->kind == NODE_ITEM_LINK)
            pass_on(node, &item->peer, item);
        else
            check_message(node, item);
    }
    return NULL;
}

/* --- server thread: what peers ask for --- */

static void answer_peer(struct node *node, const struct incoming *incoming)
{
    struct buffer answer = {0};
    struct error error;

    if (serve_answer(&node->server, node->policy, &incoming->peer, incoming->message, &answer,
                     &error)) {
        log_error("serve.failed", "text", error.text);
        answer_busy(node, incoming, "cannot read now");
    } else {
        /* Not sent: the link is gone or full; the peer asks again. */
        net_send(node->net, &incoming->peer, &answer);
    }
    buffer_finish(&answer);
}

void *node_work_server(void *self)
{
    struct node *node = self;
    struct node_item *item;

    while ((item = node_turns_pop(node->to_server, SERVER_WAIT_MS)) ||
           !node_turns_is_closed(node->to_server)) {
        if (item)
            answer_peer(node, item->incoming);
        node_item_destroy(item);
    }
    return NULL;
}

/* --- reader thread: the owner's lists, and whoever follows --- */

static void fill_context(struct node *node, struct node_desk *desk)
{
    struct net_counts counts;

    net_get_counts(node->net, &counts);
    desk->context.now_ms = node_wall_ms(NULL);
    desk->context.live_dropped = counts.live_dropped;
}

/* Returns how many there were. */
static size_t take_requests(struct node_desk *desk, struct node_item *item, uint64_t now)
{
    struct node_request *request;
    size_t count = 0;

    for (; (request = item->request); count++) {
        item->request = request->next;
        node_desk_take(desk, request, now);
    }
    return count;
}

static void work_on_view(struct node *node)
{
    struct error error;

    if (view_work(node->view, &error)) {
        log_error("view.failed", "text", error.text);
        node->view_rests = true;
    }
}

/* Keys of what was erased go, also when nobody asks for anything: this thread never waits longer
 * than a second. */
static void forget_keys(struct node *node, uint64_t now)
{
    uint64_t changes = atomic_load(&node->changes);
    struct error error;

    if (changes == node->forgot_at || now - node->forgot_ms < FORGET_MS)
        return;
    node->forgot_ms = now;
    if (opened_forget(node->opened, &error))
        log_error("view.failed", "text", error.text);
    else
        node->forgot_at = changes;
}

void *node_work_reader(void *self)
{
    struct node *node = self;
    struct node_desk *desk = &node->reader_desk;
    struct node_item *item;

    for (;;) {
        bool works = view_has_work(node->view) && !node->view_rests;
        uint64_t now = node_monotonic_ms(NULL);

        item = node_queue_pop(node->to_reader, works ? 0 : node_desk_next_ms(desk, now));
        if (!item && node_queue_is_closed(node->to_reader))
            break;
        now = node_monotonic_ms(NULL);
        fill_context(node, desk);
        node_keys_read(node);
        if (item) {
            node->view_rests = false;
            take_requests(desk, item, now);
        } else if (works) {
            work_on_view(node);
        }
        node_item_destroy(item);
        node_desk_retry(desk, atomic_load(&node->changes), now);
        node_desk_send(desk, NULL);
        forget_keys(node, now);
    }
    return NULL;
}

/* --- writer thread --- */

static bool bus_send(void *self, const struct id *partner, struct span message)
{
    struct node *node = self;
    struct buffer bytes = {0};
    bool sent =
        buffer_append(&bytes, message.data, message.size) && net_send(node->net, partner, &bytes);

    buffer_finish(&bytes);
    return sent;
}

static void bus_live(void *self, const char *topic, struct span payload)
{
    struct node *node = self;

    net_live(node->net, topic, payload);
}

/* Returns how many events that was. */
static size_t write_item(struct node *node, struct node_item *item)
{
    size_t count = 1;

    switch (item->kind) {
    case NODE_ITEM_INCOMING:
        exchange_incoming(node->exchange, item->incoming);
        break;
    case NODE_ITEM_LINK:
        exchange_link(node->exchange, &item->peer, item->link, item->up, item->endpoint,
                      item->reason);
        if (item->up)
            exchange_seen_key(node->exchange, &item->peer, &item->key);
        break;
    case NODE_ITEM_REQUEST:
        count = take_requests(&node->desk, item, node_monotonic_ms(NULL));
        break;
    case NODE_ITEM_MESSAGE:
    case NODE_ITEM_LIVE:
    case NODE_ITEM_CONTROL:
        break;
    }
    node_item_destroy(item);
    return count;
}

/* Until the next thing that must be done without being asked. */
static uint64_t writer_wait_ms(struct node *node, uint64_t next_scan)
{
    uint64_t now = node_monotonic_ms(NULL), wait = exchange_next_ms(node->exchange);
    uint64_t scan = next_scan > now ? next_scan - now : 0;
    uint64_t poll = node_desk_next_ms(&node->desk, now);

    wait = scan < wait ? scan : wait;
    return poll < wait ? poll : wait;
}

static void confirm_token(struct node *node)
{
    uint64_t now = node_monotonic_ms(NULL);
    struct error error;

    if (node->token_written || now < node->token_at || !exchange_trusted(node->exchange))
        return;
    node->token_written = !node_token_write(node->options->home, &node->writer, &error);
    if (node->token_written)
        return;
    log_error("token.failed", "text", error.text);
    node->token_at = now + TOKEN_AGAIN_MS;
}

static void end_batch(struct node *node)
{
    struct error error = {0};
    int code = exchange_commit(node->exchange, &error);

    if (code) {
        log_error("ledger.commit", "code", error_name(error.code), "text", error.text);
        view_reset(node->own_view); /* it may have seen what was taken back */
    }
    node_keys_committed(node, code == ERROR_NONE);
    node_desk_send(&node->desk, code ? &error : NULL);
    if (node_watch_apply(&node->watch, &error))
        log_error("partners.apply", "text", error.text);
    confirm_token(node);
    if (atomic_exchange(&node->changes, exchange_changes(node->exchange)) !=
        exchange_changes(node->exchange))
        node_queue_wake(node->to_reader);
}

/* A peer asks again, a client is told; but nobody tells again that a link is up or down, and that
 * needs no transaction. Returns how many events that was. */
static size_t refuse_item(struct node *node, struct node_item *item, const struct error *error)
{
    if (item->kind == NODE_ITEM_LINK)
        return write_item(node, item);
    node_desk_refuse(node->net, item->request, error);
    item->request = NULL;
    node_item_destroy(item);
    return 1;
}

struct batch {
    uint64_t began_ms;
    size_t events, bytes;
    bool pressing; /* there is more in it than runs: somebody may wait for the commit */
};

/* Returns false when the batch is full. */
static bool add_to_batch(struct node *node, struct batch *batch, struct node_item *item,
                         const struct error *refusal)
{
    batch->bytes += node_item_bytes(item);
    batch->pressing =
        batch->pressing || item->kind != NODE_ITEM_INCOMING || !item->incoming->is_run;
    batch->events += refusal ? refuse_item(node, item, refusal) : write_item(node, item);
    return batch->events < BATCH_EVENTS && batch->bytes < BATCH_BYTES &&
           node_monotonic_ms(NULL) - batch->began_ms < BATCH_MS;
}

/* While more of a catch-up is on its way a sync to disk is better shared. */
static uint64_t linger_ms(struct node *node, const struct batch *batch)
{
    uint64_t spent = node_monotonic_ms(NULL) - batch->began_ms;

    return batch->pressing || !exchange_awaits(node->exchange) || spent >= LINGER_MS
               ? 0
               : LINGER_MS - spent;
}

/* One transaction. first: NULL when only time has passed. */
static void write_batch(struct node *node, struct node_item *first, bool scan)
{
    const struct timespec pause = {.tv_nsec = BEGIN_AGAIN_NS};
    struct batch batch = {.began_ms = node_monotonic_ms(NULL)};
    struct error error;
    bool open;

    fill_context(node, &node->desk);
    node_keys_fill(node, &node->desk.context.keys);
    open = exchange_begin(node->exchange, &error) == ERROR_NONE;
    if (!open)
        log_error("ledger.begin", "text", error.text);
    else if (scan)
        node_watch_scan(&node->watch);
    for (struct node_item *item = first; item;
         item = node_lanes_pop(node->to_writer, open ? linger_ms(node, &batch) : 0))
        if (!add_to_batch(node, &batch, item, open ? NULL : &error))
            break;
    if (!open) {
        node_desk_expire(&node->desk, node_monotonic_ms(NULL), &error);
        node_desk_send(&node->desk, NULL);
        nanosleep(&pause, NULL); /* timers that are due would have us ask again without end */
        return;
    }
    exchange_tick(node->exchange);
    node_desk_retry(&node->desk, exchange_changes(node->exchange), node_monotonic_ms(NULL));
    end_batch(node);
    if (scan)
        node_keys_tick(node);
}

void *node_work_writer(void *self)
{
    struct node *node = self;
    uint64_t next_scan = 0;

    for (;;) {
        struct node_item *item = node_lanes_pop(node->to_writer, writer_wait_ms(node, next_scan));
        uint64_t now = node_monotonic_ms(NULL);
        bool scan = now >= next_scan;

        if (!item && node_lanes_is_closed(node->to_writer))
            break;
        if (scan)
            next_scan = now + LIMIT_PARTNERS_SCAN_MS;
        write_batch(node, item, scan);
    }
    return NULL;
}

struct bus node_work_bus(struct node *node)
{
    return (struct bus){node, bus_send, bus_live};
}
