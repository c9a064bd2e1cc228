/* net: all ZeroMQ of the node. Two services, live (XPUB) and sync (ROUTER), both CURVE behind one
 * gate; one outgoing live and sync link per partner; and the control socket for this machine.
 *
 *     other threads --net_send, net_live, net_control_reply--> bounded queues --+
 *                                                                           net thread -- sockets
 *     core <------- events (link, message, live, control, fatal) ---------------+
 *
 * Threads: one net thread owns all sockets but the gate's. Functions below may be called from any
 * thread after net_start, unless they say otherwise; none of them blocks on the network. Events
 * come on the net thread; a handler must not block, and may call net_send, net_live, net_wake and
 * net_control_reply, nothing else of this file.
 *
 * Life: net_create, net_start, net_close (refuse work), net_stop (wait), net_destroy (free).
 * A process has one net: its ZeroMQ context is made by net_create and ended by net_destroy. */
#ifndef NET_NET_H
#define NET_NET_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/secret.h"
#include "node/core/access.h"

#define NET_ENDPOINT_SIZE 256
#define NET_ROUTE_SIZE 32

enum net_link_kind {
    NET_LIVE_OUT, /* we read the peer's live service */
    NET_SYNC_OUT, /* we dialled the peer's sync service */
    NET_SYNC_IN   /* the peer dialled ours; said at its first message */
};
const char *net_link_kind_name(enum net_link_kind kind); /* "live-out"; never NULL */

/* One link came up or went down. Texts are borrowed until the handler returns. */
struct net_link {
    struct id peer; /* feed id of a partner; of others nothing is told */
    enum net_link_kind kind;
    bool up;
    const char *reason;   /* down: a sentence for people, with what to do; up: "" */
    const char *endpoint; /* what was dialled; NET_SYNC_IN: the address the peer comes from */
    struct id key;        /* up: the transport key that the peer has shown */
    uint32_t retry_ms;    /* down: when we dial again; 0: not by us */
};

/* Names one waiting client of the control socket; opaque, may be kept and copied. */
struct net_route {
    uint8_t size;
    uint8_t bytes[NET_ROUTE_SIZE];
};

struct net_events {
    void *self;
    void (*link)(void *self, const struct net_link *link);
    /* One sync message from an authenticated peer that may use sync at this moment. true: taken,
     * *message is now empty. false: the queue is full; net keeps the message, stops reading sync
     * and offers it again every few milliseconds and on net_wake. */
    bool (*message)(void *self, const struct id *peer, enum access_role role,
                    struct buffer *message);
    /* One live message of a partner. topic and payload are borrowed; may be dropped freely. */
    void (*live)(void *self, const struct id *from, struct span topic, struct span payload);
    /* One request on the control socket. Returns as message does. */
    bool (*control)(void *self, const struct net_route *route, struct buffer *message);
    /* The node can no longer serve safely: the gate has died. Both services are already closed;
     * the caller should stop the node. */
    void (*fatal)(void *self, const char *text);
    /* The gate refused a key (at most one such event a second). May be NULL. */
    void (*refused)(void *self, const struct id *key, const char *service, const char *address);
};

struct net_config {
    const struct secret *transport; /* X25519; must outlive net (net_use_key: the next one, too) */
    const char *network;
    const char *listen_live,
        *listen_sync;            /* tcp://address:port, port * for a free one; NULL: none */
    const char *control_path;    /* socket file, made mode 0600; NULL: no control socket */
    struct access_table *access; /* borrowed; must outlive net */
    size_t memory_limit; /* resident bytes above which all connections are cut; 0: no watch */
    struct net_events events;
};

struct net_partner {
    struct id feed;
    struct id transport_key; /* the newest */
    struct id former_key;    /* by which it may answer still; zero: none */
    char handle[LIMIT_HANDLE_SIZE + 1];
    char live[NET_ENDPOINT_SIZE + 1]; /* "" when it has none */
    char sync[NET_ENDPOINT_SIZE + 1];
};

struct net_counts {
    uint64_t live_sent, live_dropped;     /* messages; dropped: our queue was full */
    uint64_t sync_sent, sync_received;    /* messages */
    uint64_t sync_refused;                /* dropped: no right, no key, more than one frame, … */
    uint64_t gate_admitted, gate_refused; /* connections */
};

struct net; /* opaque */

/* Copies the texts of config. ERROR_INVALID when an endpoint or a path cannot be used. */
int net_create(const struct net_config *config, struct net **out, struct error *error);
/* Starts the gate, then binds, then starts the net thread. ERROR_IO says what is in the way. */
int net_start(struct net *net, struct error *error);
/* From now on net_send, net_live and net_control_reply refuse. Idempotent. */
void net_close(struct net *net);
/* Sends the control replies that wait, closes every socket, ends the net thread and then the gate.
 * No event comes after it returns. Idempotent; not from an event. */
void net_stop(struct net *net);
void net_destroy(struct net *net); /* stops first when needed; NULL is fine */

/* Where a service listens, with the port number it got; "" when it does not. After net_start. */
const char *net_live_endpoint(const struct net *net);
const char *net_sync_endpoint(const struct net *net);

/* The partners to dial, all of them: new ones are dialled, changed ones dialled anew, missing ones
 * hung up. Call access_table_set first. Whoever lost a right is cut off within 5 s: net drops its
 * routes at once and binds both services again, so that everyone passes the gate again. */
int net_set_partners(struct net *net, const struct net_partner *partners, size_t count,
                     struct error *error);
/* From now on we answer, and dial, with this key: every connection is cut, and made anew. The key
 * must outlive net, and so must the one before. */
void net_use_key(struct net *net, const struct secret *transport);
/* Tells that the access table has changed (net would notice by itself within a second). */
void net_access_changed(struct net *net);
/* Dials the partner's links that are down now, without waiting for the next try. */
void net_redial(struct net *net, const struct id *feed);
/* Tells that there is room again for what an event refused. */
void net_wake(struct net *net);

/* One message to a peer: over the link we dialled when it is up, else over the route on which the
 * peer spoke last. true: taken, *message is now empty; it is lost only if the link is lost.
 * false: no link or its queue is full; *message is untouched. */
bool net_send(struct net *net, const struct id *peer, struct buffer *message);
/* One live message to whoever listens; topic at most LIMIT_TOPIC_SIZE bytes. Never waits: when the
 * queue is full the message is dropped and counted, false returned. */
bool net_live(struct net *net, const char *topic, struct span payload);
/* Answers a control request; a client that went away is not an error. Returns as net_send does. */
bool net_control_reply(struct net *net, const struct net_route *route, struct buffer *message);

/* A good memory_limit: three quarters of what the machine, the container or the systemd unit has.
 */
size_t net_memory_limit(void);
/* Open files that one partner takes at the most: two connections in; two out, each with a monitor
 * and libzmq's own descriptors. */
#define NET_FILES_PER_PARTNER 12
/* Lets this process have as many open files as it may; returns how many, 0 when unknown. */
size_t net_raise_files(void);

void net_get_counts(const struct net *net, struct net_counts *out);

#endif
