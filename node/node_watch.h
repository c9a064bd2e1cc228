/* node_watch: follows the folders partners/ and listeners/ of the home: a card that appears is a
 * new partner, one that changes replaces it; a partner that no card speaks of any more is removed,
 * whatever the files are called. What follows from it for the gate and for dialling is told to
 * access and net. Threads: the writer's. */
#ifndef NODE_NODE_WATCH_H
#define NODE_NODE_WATCH_H

#include "node/config/config.h"
#include "node/core/exchange.h"
#include "node/net/net.h"

struct node_watch {
    const char *home; /* borrowed, like all pointers here */
    const struct config *config;
    struct exchange *exchange;
    struct access_table *access;
    struct net *net;
    bool dirty; /* set it to dial and admit anew, e.g. after exchange's partner_changed */
    struct node_watch_file *cards, *listeners;
    size_t card_count, listener_count;
};

/* Looks at the folders; call between exchange_begin and exchange_commit. A file that cannot be used
 * is logged once and passed over: what was accepted before stays in force until its file goes, or
 * speaks of somebody else, whether that one can be accepted or not. */
void node_watch_scan(struct node_watch *watch);
/* Warns of each handle under relay: in node.yaml that no partner has; after the first scan. */
void node_watch_check_relay(const struct node_watch *watch);
/* Tells access and net what changed, if anything did; call after the commit. */
int node_watch_apply(struct node_watch *watch, struct error *error);
void node_watch_finish(struct node_watch *watch);

#endif
