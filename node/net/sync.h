/* sync: the sync service (ROUTER), the links to partners' sync services (DEALER), and what waits to
 * be sent to each peer.
 *
 * A peer is known by the CURVE key that the gate let in, never by its routing id, and what the key
 * may do is looked up again at every message. A peer is reachable while a link to it is up or it
 * has a route: the connection to our service on which it spoke last. Messages are single frames.
 * Threads: sync_send from any thread; everything else is the net thread's. */
#ifndef NET_SYNC_H
#define NET_SYNC_H

#include "node/net/net.h"
#include "node/net/plants.h"
#include "node/net/pollset.h"

struct sync_config {
    void *context; /* ZeroMQ */
    const struct secret *key;
    const char *listen;              /* NULL: outwards only */
    struct access_table *access;     /* borrowed */
    const struct net_events *events; /* borrowed; link and message are used */
    const struct net_plants *plants; /* borrowed */
};

struct sync; /* opaque */

int sync_create(const struct sync_config *config, struct sync **out, struct error *error);
/* Binds. Before the net thread runs. */
int sync_open(struct sync *sync, struct error *error);
const char *sync_endpoint(const struct sync *sync);
/* Hangs up and closes everything; peers get their link events. */
void sync_close(struct sync *sync, const char *reason);
void sync_destroy(struct sync *sync);

/* As net_send. */
bool sync_send(struct sync *sync, const struct id *peer, struct buffer *message);

int sync_set_partners(struct sync *sync, const struct net_partner *partners, size_t count,
                      struct error *error);
void sync_redial(struct sync *sync, const struct id *feed);
/* As net_use_key. */
void sync_use_key(struct sync *sync, const struct secret *key);
/* Somebody lost a right: forgets every route and makes everyone pass the gate again. */
void sync_cut(struct sync *sync, const char *reason);

void sync_poll(struct sync *sync, struct pollset *set);
/* Sends what waits, offers again what was refused, handles timers; milliseconds until it wants to
 * be called again, or -1. */
long sync_tick(struct sync *sync);

void sync_get_counts(const struct sync *sync, struct net_counts *counts);

#endif
