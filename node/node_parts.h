/* node_parts: the running node as its own files see it: node.c builds it, node_events.c takes what
 * net brings, node_work.c has its threads. Nobody else includes this, but its unit test. */
#ifndef NODE_NODE_PARTS_H
#define NODE_NODE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/config/config.h"
#include "node/config/own.h"
#include "node/core/exchange.h"
#include "node/core/view.h"
#include "node/net/net.h"
#include "node/node.h"
#include "node/node_desk.h"
#include "node/node_keys.h"
#include "node/node_lanes.h"
#include "node/node_queue.h"
#include "node/node_turns.h"
#include "node/node_watch.h"

enum node_item_kind {
    NODE_ITEM_MESSAGE,
    NODE_ITEM_LIVE,
    NODE_ITEM_CONTROL,
    NODE_ITEM_LINK,
    NODE_ITEM_INCOMING,
    NODE_ITEM_REQUEST
};

/* What travels between threads. */
struct node_item {
    enum node_item_kind kind;
    struct id peer;
    enum access_role role;
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct buffer bytes;
    struct net_route route;
    struct incoming *incoming;
    struct node_request *request; /* a list: of one message */
    enum exchange_link_kind link;
    bool up;
    struct id key; /* that the peer has shown */
    char endpoint[NET_ENDPOINT_SIZE + 1], reason[128];
};

struct node {
    const struct node_options *options;
    struct config config;
    struct own own;
    struct node_keys keys;
    int lock;
    struct store writer, server, reader; /* each of the thread of that name */
    bool ledger_is_new, suspect, token_written;
    uint64_t token_at; /* monotonic ms: written again, after it could not be */
    struct keyring *keyring;
    struct policy *policy;
    struct access_table *access;
    struct net *net;
    struct exchange *exchange;
    struct marks *marks;   /* what was read of the inbox; the reader's */
    struct opened *opened; /* what the reader's view looks through */
    struct view *own_view, *view;
    struct node_watch watch;
    bool view_rests; /* reading failed: no more until the next request */
    /* Changes, and monotonic ms, when the reader last forgot keys of what was erased. */
    uint64_t forgot_at, forgot_ms;
    struct node_desk desk, reader_desk;
    struct node_lanes *to_check, *to_writer;
    struct node_queue *to_reader;
    struct node_turns *to_server;
    pthread_t check_thread, writer_thread, server_thread, reader_thread;
    bool check_runs, writer_runs, server_runs, reader_runs;
    atomic_uint_fast64_t changes; /* of the exchange, for the reader's long polls */
    uint64_t started_ms;
    int stop_fd; /* eventfd: something is wrong, stop */
    struct error fatal;
};

uint64_t node_wall_ms(void *unused);      /* Unix time */
uint64_t node_monotonic_ms(void *unused); /* for time limits */

void node_item_destroy(void *item); /* NULL is fine */
size_t node_item_bytes(const struct node_item *item);

/* Its queues; for their test, too. Whatever was made before an error is the caller's. */
int node_make_queues(struct node *node, struct error *error);

/* Ends the node from any thread: it can no longer serve safely. */
void node_stop_because(struct node *node, const char *text);

/* What net calls, on its thread; nothing in it waits. */
struct net_events node_events(struct node *node);

/* The threads; self is the struct node. They end when their queue is closed and empty. */
void *node_work_check(void *self);
void *node_work_server(void *self);
void *node_work_reader(void *self);
void *node_work_writer(void *self);
/* What the exchange says to others. */
struct bus node_work_bus(struct node *node);

#endif
