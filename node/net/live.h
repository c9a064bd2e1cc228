/* live: the live service (XPUB) and the links to partners' live services (SUB). Fast, may lose:
 * what is lost is noticed and repaired over sync. Threads: live_publish from any thread; everything
 * else is the net thread's. */
#ifndef NET_LIVE_H
#define NET_LIVE_H

#include "node/net/net.h"
#include "node/net/plants.h"
#include "node/net/pollset.h"

struct live_config {
    void *context; /* ZeroMQ */
    const struct secret *key;
    const char *listen;              /* NULL: outwards only */
    struct access_table *access;     /* borrowed */
    const struct net_events *events; /* borrowed; link and live are used */
    const struct net_plants *plants; /* borrowed */
};

struct live; /* opaque */

int live_create(const struct live_config *config, struct live **out, struct error *error);
/* Binds. Before the net thread runs. */
int live_open(struct live *live, struct error *error);
const char *live_endpoint(const struct live *live);
void live_close(struct live *live, const char *reason);
void live_destroy(struct live *live);

/* As net_live; *first is set when the queue was empty before: wake the net thread. */
bool live_publish(struct live *live, const char *topic, struct span payload, bool *first);

int live_set_partners(struct live *live, const struct net_partner *partners, size_t count,
                      struct error *error);
void live_redial(struct live *live, const struct id *feed);
/* As net_use_key. */
void live_use_key(struct live *live, const struct secret *key);
/* Somebody lost a right: everyone passes the gate again. */
void live_cut(struct live *live);

void live_poll(struct live *live, struct pollset *set);
/* Publishes what waits, handles timers; milliseconds until it wants to be called again, or -1. */
long live_tick(struct live *live);

void live_get_counts(struct live *live, struct net_counts *counts);

#endif
