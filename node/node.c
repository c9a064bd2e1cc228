/* The node's threads, and what goes between them:
 *
 *     net ----messages, live, control----> check ----checked entries, operations----> writer
 *      ^                                     |                                          |
 *      |                                     +--requests to read----> server            |
 *      +------------ answers, entries on live, replies ---------------+-----------------+
 *
 * net and check push without waiting or stop reading; the writer never waits for net. */
#include "node/node.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/own.h"
#include "node/core/serve.h"
#include "node/ledger/backup.h"
#include "node/ledger/ledger.h"
#include "node/net/net_internal.h"
#include "node/node_desk.h"
#include "node/node_queue.h"
#include "node/node_token.h"
#include "node/node_watch.h"

/* What may wait between two threads: some times what is in flight from all partners. */
#define QUEUE_BYTES ((size_t)LIMIT_PULLS_TOTAL * LIMIT_MESSAGE_SIZE)
/* Events in one transaction: enough to share one sync to disk, few enough to answer soon. */
#define BATCH_ITEMS 512
#define BATCH_BYTES ((size_t)8 * 1024 * 1024)

enum item_kind { ITEM_MESSAGE, ITEM_LIVE, ITEM_CONTROL, ITEM_LINK, ITEM_INCOMING, ITEM_REQUEST };

/* What travels between threads. */
struct item {
    enum item_kind kind;
    struct id peer;
    enum access_role role;
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct buffer bytes;
    struct net_route route;
    struct incoming *incoming;
    struct node_request *request;
    enum exchange_link_kind link;
    bool up;
    char endpoint[NET_ENDPOINT_SIZE + 1], reason[128];
};

struct node {
    const struct node_options *options;
    struct config config;
    struct own own;
    int lock;
    struct store writer, reader;
    bool ledger_is_new, suspect, token_written;
    struct keyring *keyring;
    struct policy *policy;
    struct access_table *access;
    struct net *net;
    struct exchange *exchange;
    struct view *own_view, *view;
    struct node_watch watch;
    struct node_desk desk, server_desk;
    struct node_queue *to_check, *to_writer, *to_server;
    pthread_t check_thread, writer_thread, server_thread;
    bool check_runs, writer_runs, server_runs;
    atomic_uint_fast64_t changes; /* of the exchange, for the server's long polls */
    uint64_t started_ms;
    int stop_fd; /* eventfd: something is wrong, stop */
    struct error fatal;
};

static uint64_t wall_ms(void *self)
{
    struct timespec now;

    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t monotonic_ms(void *self)
{
    struct timespec now;

    (void)self;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void fill_random(void *self, void *out, size_t size)
{
    (void)self;
    secret_random(out, size);
}

static void item_destroy(void *value)
{
    struct item *item = value;

    if (!item)
        return;
    buffer_finish(&item->bytes);
    incoming_destroy(item->incoming);
    node_request_destroy(item->request);
    free(item);
}

static size_t item_bytes(const struct item *item)
{
    return sizeof *item + item->bytes.size + (item->incoming ? item->incoming->bytes.size : 0);
}

/* --- from net (its thread; nothing here waits)
 * ---------------------------------------------------- */

/* Hands a buffer over; true: taken. */
static bool offer(struct node *node, enum item_kind kind, const struct id *peer,
                  enum access_role role, const struct net_route *route, struct buffer *bytes)
{
    struct item *item = calloc(1, sizeof *item);

    if (!item)
        return false;
    item->kind = kind;
    if (peer)
        item->peer = *peer;
    item->role = role;
    if (route)
        item->route = *route;
    item->bytes = *bytes;
    if (!node_queue_try_push(node->to_check, item, item_bytes(item))) {
        free(item);
        return false;
    }
    *bytes = (struct buffer){0};
    return true;
}

static bool on_message(void *self, const struct id *peer, enum access_role role,
                       struct buffer *message)
{
    return offer(self, ITEM_MESSAGE, peer, role, NULL, message);
}

static bool on_control(void *self, const struct net_route *route, struct buffer *message)
{
    return offer(self, ITEM_CONTROL, NULL, ACCESS_NONE, route, message);
}

static void on_live(void *self, const struct id *from, struct span topic, struct span payload)
{
    struct node *node = self;
    struct item *item;

    if (topic.size > LIMIT_TOPIC_SIZE || payload.size > LIMIT_SIGNED_ENTRY_SIZE)
        return;
    item = calloc(1, sizeof *item);
    if (!item)
        return;
    item->kind = ITEM_LIVE;
    item->peer = *from;
    memcpy(item->topic, topic.data, topic.size);
    /* Live may drop: sync repairs it. */
    if (!buffer_append(&item->bytes, payload.data, payload.size) ||
        !node_queue_try_push(node->to_check, item, item_bytes(item)))
        item_destroy(item);
}

static void on_link(void *self, const struct net_link *link)
{
    static const enum exchange_link_kind kinds[] = {[NET_LIVE_OUT] = EXCHANGE_LIVE_OUT,
                                                    [NET_SYNC_OUT] = EXCHANGE_SYNC_OUT,
                                                    [NET_SYNC_IN] = EXCHANGE_SYNC_IN};
    struct node *node = self;
    struct item *item = calloc(1, sizeof *item);

    if (!item)
        return;
    item->kind = ITEM_LINK;
    item->peer = link->peer;
    item->link = kinds[link->kind];
    item->up = link->up;
    snprintf(item->endpoint, sizeof item->endpoint, "%s", link->endpoint ? link->endpoint : "");
    snprintf(item->reason, sizeof item->reason, "%.127s", link->reason ? link->reason : "");
    /* Through the same queue as messages, so that a link's first message comes behind it. A state
     * of a link must not be lost, and the check thread never waits for net, so waiting here is
     * safe. */
    if (!node_queue_push(node->to_check, item, item_bytes(item)))
        item_destroy(item);
}

static void stop_because(struct node *node, const char *text)
{
    uint64_t one = 1;

    log_error("node.fatal", "text", text);
    if (write(node->stop_fd, &one, sizeof one) < 0)
        abort(); /* an eventfd that cannot count to one: not serving is the only safe way on */
}

static void on_fatal(void *self, const char *text)
{
    stop_because(self, text);
}

static void on_refused(void *self, const struct id *key, const char *service, const char *address)
{
    char hex[2 * BYTES_ID_SIZE + 1];

    (void)self;
    bytes_to_hex(key->bytes, sizeof key->bytes, hex);
    log_info("gate.refused", "key", hex, "service", service, "address", address);
}

/* --- check thread
 * ---------------------------------------------------------------------------------- */

static void pass_on(struct node_queue *queue, struct item *item)
{
    if (!node_queue_push(queue, item, item_bytes(item)))
        item_destroy(item);
}

static void check_message(struct node *node, struct item *item)
{
    const char *topic = item->kind == ITEM_LIVE ? item->topic : NULL;
    bool request;

    item->incoming = incoming_create(&item->peer, topic, &item->bytes,
                                     node->config.message->network, node->keyring);
    if (!item->incoming) {
        item_destroy(item);
        return;
    }
    item->kind = ITEM_INCOMING;
    request = incoming_is_request(item->incoming);
    /* Whoever may only read gets no further than the server. */
    if (!access_may(topic ? ACCESS_PARTNER : item->role, request ? ACCESS_PULL : ACCESS_SPEAK))
        item_destroy(item);
    else
        pass_on(request ? node->to_server : node->to_writer, item);
}

static void check_control(struct node *node, struct item *item)
{
    item->request = node_request_create(&item->route, &item->bytes, monotonic_ms(NULL));
    if (!item->request) {
        item_destroy(item);
        return;
    }
    item->kind = ITEM_REQUEST;
    pass_on(item->request->operation && item->request->operation->where == OPS_WRITER
                ? node->to_writer
                : node->to_server,
            item);
}

static void *run_check(void *self)
{
    struct node *node = self;
    struct item *item;

    while ((item = node_queue_pop(node->to_check, 1000)) || !node_queue_is_closed(node->to_check)) {
        if (node_queue_take_relief(node->to_check))
            net_wake(node->net);
        if (!item)
            continue;
        if (item->kind == ITEM_CONTROL)
            check_control(node, item);
        else if (item->kind == ITEM_LINK)
            pass_on(node->to_writer, item);
        else
            check_message(node, item);
    }
    return NULL;
}

/* --- server thread
 * --------------------------------------------------------------------------------- */

static void fill_context(struct node *node, struct node_desk *desk)
{
    struct net_counts counts;

    net_get_counts(node->net, &counts);
    desk->context.now_ms = wall_ms(NULL);
    desk->context.live_dropped = counts.live_dropped;
}

static void answer_peer(struct node *node, const struct incoming *incoming)
{
    struct buffer answer = {0};
    struct error error, busy;

    if (serve_answer(&node->reader, node->policy, &incoming->peer, incoming->message, &answer,
                     &error)) {
        log_error("serve.failed", "text", error.text);
        error_set(&busy, ERROR_BUSY, "cannot read now");
        buffer_clear(&answer);
        serve_refusal(incoming->message->body_case == CARAVAN__SYNC_MESSAGE__BODY_PULL
                          ? incoming->message->pull->request
                          : 0,
                      NULL, 0, &busy, &answer);
    }
    /* Not sent: the link is gone or full; the peer asks again. */
    net_send(node->net, &incoming->peer, &answer);
    buffer_finish(&answer);
}

static void *run_server(void *self)
{
    struct node *node = self;
    struct node_desk *desk = &node->server_desk;
    struct item *item;

    for (;;) {
        uint64_t now = monotonic_ms(NULL);

        item = node_queue_pop(node->to_server, node_desk_next_ms(desk, now));
        if (!item && node_queue_is_closed(node->to_server))
            break;
        now = monotonic_ms(NULL);
        fill_context(node, desk);
        if (item && item->kind == ITEM_INCOMING) {
            answer_peer(node, item->incoming);
        } else if (item) {
            node_desk_take(desk, item->request, now);
            item->request = NULL;
        }
        item_destroy(item);
        node_desk_retry(desk, atomic_load(&node->changes), now);
        node_desk_send(desk, NULL);
    }
    return NULL;
}

/* --- writer thread
 * ---------------------------------------------------------------------------------- */

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

static void on_partner_changed(void *self, const struct id *feed)
{
    struct node *node = self;

    (void)feed;
    node->watch.dirty = true;
}

static void write_item(struct node *node, struct item *item)
{
    switch (item->kind) {
    case ITEM_INCOMING:
        exchange_incoming(node->exchange, item->incoming);
        break;
    case ITEM_LINK:
        exchange_link(node->exchange, &item->peer, item->link, item->up, item->endpoint,
                      item->reason);
        break;
    case ITEM_REQUEST:
        node_desk_take(&node->desk, item->request, monotonic_ms(NULL));
        item->request = NULL;
        break;
    case ITEM_MESSAGE:
    case ITEM_LIVE:
    case ITEM_CONTROL:
        break;
    }
    item_destroy(item);
}

/* Until the next thing that must be done without being asked. */
static uint64_t writer_wait_ms(struct node *node, uint64_t next_scan)
{
    uint64_t now = monotonic_ms(NULL), wait = exchange_next_ms(node->exchange);
    uint64_t scan = next_scan > now ? next_scan - now : 0;
    uint64_t poll = node_desk_next_ms(&node->desk, now);

    wait = scan < wait ? scan : wait;
    return poll < wait ? poll : wait;
}

static void confirm_token(struct node *node)
{
    struct error error;

    if (node->token_written || !exchange_trusted(node->exchange))
        return;
    if (node_token_write(node->options->home, &node->writer, &error))
        log_error("token.failed", "text", error.text);
    node->token_written = true;
}

/* The view of our own feed may have seen entries that a failed commit took back. */
static void renew_own_view(struct node *node)
{
    struct view *view;

    if (view_create(&node->writer, &node->own.chain.feed, true, &view, NULL))
        return;
    view_destroy(node->own_view);
    node->own_view = node->desk.context.view = view;
}

static void end_batch(struct node *node)
{
    struct error error = {0};
    int code = exchange_commit(node->exchange, &error);

    if (code) {
        log_error("ledger.commit", "code", error_name(error.code), "text", error.text);
        renew_own_view(node);
    }
    node_desk_send(&node->desk, code ? &error : NULL);
    if (node_watch_apply(&node->watch, &error))
        log_error("partners.apply", "text", error.text);
    confirm_token(node);
    if (atomic_exchange(&node->changes, exchange_changes(node->exchange)) !=
        exchange_changes(node->exchange))
        node_queue_wake(node->to_server);
}

/* One transaction. first: NULL when only time has passed. */
static void write_batch(struct node *node, struct item *first, bool scan)
{
    struct error error;
    size_t count = 0, bytes = 0;

    fill_context(node, &node->desk);
    if (exchange_begin(node->exchange, &error)) {
        log_error("ledger.begin", "text", error.text);
        item_destroy(first); /* a peer asks again; a client runs into its time limit */
        return;
    }
    if (scan)
        node_watch_scan(&node->watch);
    for (struct item *item = first; item; item = node_queue_pop(node->to_writer, 0)) {
        bytes += item_bytes(item);
        write_item(node, item);
        if (++count >= BATCH_ITEMS || bytes >= BATCH_BYTES)
            break;
    }
    exchange_tick(node->exchange);
    node_desk_retry(&node->desk, exchange_changes(node->exchange), monotonic_ms(NULL));
    end_batch(node);
}

static void *run_writer(void *self)
{
    struct node *node = self;
    uint64_t next_scan = 0;

    for (;;) {
        struct item *item = node_queue_pop(node->to_writer, writer_wait_ms(node, next_scan));
        uint64_t now = monotonic_ms(NULL);
        bool scan = now >= next_scan;

        if (!item && node_queue_is_closed(node->to_writer))
            break;
        if (scan)
            next_scan = now + LIMIT_PARTNERS_SCAN_MS;
        write_batch(node, item, scan);
    }
    return NULL;
}

/* --- building, one way down
 * -------------------------------------------------------------------------- */

static int back_up(void *self, const char *file, uint64_t *size, struct error *error)
{
    struct node *node = self;
    struct stat status;
    int code = backup_write(node->options->home, file, NULL, NULL, error);

    if (!code)
        *size = stat(file, &status) == 0 ? (uint64_t)status.st_size : 0;
    return code;
}

static int open_ledger(struct node *node, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(node->options->home, HOME_LEDGER, path, error);

    if (code)
        return code;
    code = ledger_sqlite_create(path, LEDGER_EXISTING, &node->writer, error);
    if (code == ERROR_NOT_FOUND) {
        node->ledger_is_new = true;
        code = ledger_sqlite_create(path, LEDGER_NEW, &node->writer, error);
    }
    if (!code)
        code = ledger_sqlite_open_reader(path, &node->reader, error);
    if (!code)
        code = node_token_check(node->options->home, &node->writer, node->ledger_is_new,
                                &node->suspect, error);
    if (!code && node->suspect && !node->options->alone)
        log_warning("ledger.suspect", "text",
                    "the ledger was restored or copied: publishing waits for a partner's answer");
    return code;
}

static int describe(struct node *node, struct error *error)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    struct buffer a = {0}, b = {0};
    int code;

    config_profile(&node->config, &profile);
    config_endpoints(&node->config, &endpoints);
    code = serve_pack(&profile.base, &a) && serve_pack(&endpoints.base, &b)
               ? exchange_describe(node->exchange, buffer_span(&a), buffer_span(&b), error)
               : error_memory(error);
    buffer_finish(&a);
    buffer_finish(&b);
    return code;
}

static int build_exchange(struct node *node, struct error *error)
{
    const struct exchange_config config = {
        .network = node->config.message->network,
        .feed = node->own.chain.feed,
        .handle = node->config.message->institution->handle,
        .node_key = node->own.node,
        .chain = &node->own.chain,
        .genesis = buffer_span(&node->own.genesis),
        .store = node->writer,
        .bus = {node, bus_send, bus_live},
        .clock = {NULL, wall_ms, monotonic_ms},
        .random = {NULL, fill_random},
        .keyring = node->keyring,
        .policy = node->policy,
        .suspect = node->suspect,
        .alone = node->options->alone,
        .self = node,
        .partner_changed = on_partner_changed,
    };
    int code = exchange_create(&config, &node->exchange, error);

    if (!code)
        code = view_create(&node->writer, &config.feed, true, &node->own_view, error);
    if (!code)
        code = view_create(&node->reader, &config.feed, false, &node->view, error);
    return code ? code : describe(node, error);
}

static int build_net(struct node *node, struct error *error)
{
    const Caravan__Listen *listen = node->config.message->listen;
    char control[HOME_PATH_SIZE];
    struct net_config config = {
        .transport = node->own.transport,
        .network = node->config.message->network,
        .listen_live = listen ? listen->live : NULL,
        .listen_sync = listen ? listen->sync : NULL,
        .control_path = control,
        .access = node->access,
        .memory_limit = net_memory_limit(),
        .events = {node, on_link, on_message, on_live, on_control, on_fatal, on_refused},
    };
    int code = home_path(node->options->home, HOME_SOCKET, control, error);

    if (!code)
        code = net_create(&config, &node->net, error);
    if (!code && node->options->plants)
        *net_plants(node->net) = *node->options->plants;
    return code;
}

static void build_desks(struct node *node)
{
    struct ops_context context = {
        .policy = node->policy,
        .network = node->config.message->network,
        .feed = node->own.chain.feed,
        .home = node->options->home,
        .started_ms = node->started_ms,
        .backup = back_up,
        .self = node,
    };
    const Caravan__Listen *listen = node->config.message->listen;

    context.listen_live = listen ? listen->live : NULL;
    context.listen_sync = listen ? listen->sync : NULL;
    node->server_desk = node->desk = (struct node_desk){.context = context, .net = node->net};
    node->desk.context.exchange = node->exchange;
    node->desk.context.store = node->writer;
    node->desk.context.view = node->own_view;
    node->server_desk.context.store = node->reader;
    node->server_desk.context.view = node->view;
    node->watch = (struct node_watch){.home = node->options->home,
                                      .config = &node->config,
                                      .exchange = node->exchange,
                                      .access = node->access,
                                      .net = node->net,
                                      .dirty = true};
}

static int make_queues(struct node *node, struct error *error)
{
    node->to_check = node_queue_create(LIMIT_QUEUE_LENGTH, QUEUE_BYTES);
    node->to_writer = node_queue_create(LIMIT_QUEUE_LENGTH, QUEUE_BYTES);
    node->to_server = node_queue_create(LIMIT_QUEUE_LENGTH, QUEUE_BYTES);
    return node->to_check && node->to_writer && node->to_server ? ERROR_NONE : error_memory(error);
}

static int load_config(struct node *node, bool check_only, struct error *error)
{
    struct buffer report = {0};
    int code = config_load(node->options->home, &node->config, &report, error);

    if (report.size)
        fputs(buffer_text(&report), stderr);
    else if (!code && check_only)
        puts("node.yaml is fine");
    buffer_finish(&report);
    return code;
}

static int build(struct node *node, struct error *error)
{
    const char *network = node->config.message->network;
    int code = home_lock(node->options->home, &node->lock, error);

    log_set_level(node->config.log_level);
    if (!code)
        code = own_load(node->options->home, network, &node->own, error);
    if (!code)
        code = open_ledger(node, error);
    if (!code)
        code = keyring_create(&node->keyring, error);
    if (!code)
        code = policy_create(&node->own.chain.feed, &node->policy, error);
    if (!code)
        code = access_table_create(&node->access, error);
    if (!code)
        code = make_queues(node, error);
    if (!code)
        code = build_net(node, error);
    if (!code)
        code = build_exchange(node, error);
    if (!code)
        build_desks(node);
    return code;
}

/* --- running and stopping
 * ---------------------------------------------------------------------------- */

static int start_thread(pthread_t *thread, bool *runs, void *(*run)(void *), struct node *node,
                        struct error *error)
{
    int number = pthread_create(thread, NULL, run, node);

    if (number) {
        errno = number;
        return error_errno(error, "start", "a thread");
    }
    *runs = true;
    return ERROR_NONE;
}

static int start(struct node *node, struct error *error)
{
    int code;

    /* Accepted partners are known to the gate before anybody can knock. */
    code = exchange_begin(node->exchange, error);
    if (code)
        return code;
    node_watch_scan(&node->watch);
    code = exchange_commit(node->exchange, error);
    if (!code)
        code = node_watch_apply(&node->watch, error);
    if (!code)
        code = net_start(node->net, error);
    if (!code)
        code = start_thread(&node->server_thread, &node->server_runs, run_server, node, error);
    if (!code)
        code = start_thread(&node->writer_thread, &node->writer_runs, run_writer, node, error);
    if (!code)
        code = start_thread(&node->check_thread, &node->check_runs, run_check, node, error);
    return code;
}

static void join(pthread_t thread, bool *runs)
{
    if (*runs)
        pthread_join(thread, NULL);
    *runs = false;
}

/* Refuse work, let what is under way end, wait. */
static void stop(struct node *node)
{
    if (node->to_check)
        node_queue_close(node->to_check);
    join(node->check_thread, &node->check_runs);
    if (node->to_writer)
        node_queue_close(node->to_writer);
    join(node->writer_thread, &node->writer_runs);
    if (node->to_server)
        node_queue_close(node->to_server);
    join(node->server_thread, &node->server_runs);
    if (node->net) {
        node_desk_finish(&node->desk);
        node_desk_finish(&node->server_desk);
        net_close(node->net);
        net_stop(node->net);
    }
}

static void dismantle(struct node *node)
{
    stop(node);
    node_watch_finish(&node->watch);
    view_destroy(node->view);
    view_destroy(node->own_view);
    exchange_destroy(node->exchange);
    net_destroy(node->net);
    node_queue_destroy(node->to_check, item_destroy);
    node_queue_destroy(node->to_writer, item_destroy);
    node_queue_destroy(node->to_server, item_destroy);
    access_table_destroy(node->access);
    policy_destroy(node->policy);
    keyring_destroy(node->keyring);
    if (node->reader.operations)
        node->reader.operations->destroy(node->reader.self);
    if (node->writer.operations)
        node->writer.operations->destroy(node->writer.self);
    own_finish(&node->own);
    home_unlock(node->lock);
    config_finish(&node->config);
}

/* Until a signal, or until something is wrong. */
static int wait_for_end(struct node *node, int signals, struct error *error)
{
    struct pollfd wait[2] = {{.fd = signals, .events = POLLIN},
                             {.fd = node->stop_fd, .events = POLLIN}};

    while (poll(wait, 2, -1) < 0)
        if (errno != EINTR)
            return error_errno(error, "wait for", "signals");
    if (wait[1].revents)
        return error_set(error, ERROR_INTERNAL,
                         "the node stopped itself because it could no longer serve safely; the log "
                         "says why");
    log_info("node.stopping");
    return ERROR_NONE;
}

static int serve(struct node *node, int signals, struct error *error)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];
    int code = build(node, error);

    if (!code)
        code = start(node, error);
    if (code)
        return code;
    identity_fingerprint(&node->own.chain.feed, fingerprint);
    log_info("node.started", "handle", node->config.message->institution->handle, "network",
             node->config.message->network, "fingerprint", fingerprint, "live",
             net_live_endpoint(node->net), "sync", net_sync_endpoint(node->net), "version",
             CARAVAN_VERSION);
    return wait_for_end(node, signals, error);
}

static int block_signals(int *signals, struct error *error)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads made later inherit it */
    signal(SIGPIPE, SIG_IGN);
    *signals = signalfd(-1, &set, SFD_CLOEXEC);
    return *signals < 0 ? error_errno(error, "watch", "signals") : ERROR_NONE;
}

int node_run(const struct node_options *options, struct error *error)
{
    struct node *node = calloc(1, sizeof *node);
    int signals = -1, code;

    if (!node)
        return error_memory(error);
    node->options = options;
    node->lock = node->stop_fd = -1;
    node->started_ms = wall_ms(NULL);
    code = secret_start(error);
    if (!code)
        code = load_config(node, options->check_config, error);
    if (code || options->check_config)
        goto out;
    code = block_signals(&signals, error);
    if (code)
        goto out;
    node->stop_fd = eventfd(0, EFD_CLOEXEC);
    code =
        node->stop_fd < 0 ? error_errno(error, "make", "an eventfd") : serve(node, signals, error);
out:
    dismantle(node);
    if (signals >= 0)
        close(signals);
    if (node->stop_fd >= 0)
        close(node->stop_fd);
    free(node);
    return code;
}
