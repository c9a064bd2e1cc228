/* linkset: the links of one kind, one per partner that has an endpoint for it.
 * Threads: the net thread. */
#ifndef NET_LINKSET_H
#define NET_LINKSET_H

#include "node/net/link.h"
#include "node/net/plants.h"

struct linkset {
    struct link_owner owner; /* self and changed of all links */
    enum net_link_kind kind;
    struct link **links;
    size_t count;
};

/* An empty set; key and plants are borrowed. */
void linkset_init(struct linkset *set, enum net_link_kind kind, void *context,
                  const struct secret *key, const struct net_plants *plants, void *self,
                  void (*changed)(void *self, const struct net_link *change));
/* Makes the links be those of the partners: hangs up what is gone or changed, dials what is new.
 * On ERROR_MEMORY some new links are missing. */
int linkset_update(struct linkset *set, const struct net_partner *partners, size_t count,
                   struct error *error);
/* Hangs up all links, and dials them again at once. */
void linkset_restart(struct linkset *set, const char *reason);
/* Hangs up all links; the set can be used again. */
void linkset_clear(struct linkset *set, const char *reason);
/* NULL when there is none, up or not. Borrowed until the next update. */
struct link *linkset_find(const struct linkset *set, const struct id *peer);
/* Monitors, and with ready not NULL the sockets of links that are up (context: struct link) and do
 * not rest. */
void linkset_poll(struct linkset *set, struct pollset *poll, pollset_handler ready);
/* Handles timers; milliseconds until the next one, or -1. */
long linkset_tick(struct linkset *set);

/* The sooner of two waits, each -1 for "never". */
long linkset_sooner(long a, long b);

#endif
