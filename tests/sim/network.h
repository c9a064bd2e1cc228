/* network: whole nodes in one process on a virtual clock. Each node is a real exchange with its own
 * in-memory ledger; between them is a virtual network with latency, loss on live, partitions and
 * tampering, all drawn from one seed, so that a run repeats exactly.
 *
 * Node n is institution n + 1 of tests/support/institution.h (at most 7). */
#ifndef TESTS_SIM_NETWORK_H
#define TESTS_SIM_NETWORK_H

#include "node/core/exchange.h"
#include "tests/sim/network_seed.h"
#include "tests/sim/store_fault.h"
#include "tests/support/institution.h"

#define NETWORK_NODES 7

struct network;

enum network_kill { NETWORK_LIVES, NETWORK_KILL_BEFORE, NETWORK_KILL_AFTER };

struct network_node {
    struct network *network;
    struct institution institution;
    struct buffer genesis;
    struct store_fault faults;
    struct store store, reader; /* the store is in front of faults */
    struct keyring *keyring;
    struct policy *policy;
    struct exchange *exchange; /* NULL while it is stopped */
    bool relay[NETWORK_NODES], knows[NETWORK_NODES];
    bool dials[NETWORK_NODES]; /* opens connections to this node whenever both run */
    bool linked[NETWORK_NODES];
    bool open;                /* a transaction is, which more may join */
    enum network_kill kill;   /* at its next commit */
    bool dead;                /* killed; network_run stops it */
    int64_t clock_wrong_ms;   /* how far its wall clock is ahead */
    unsigned partner_changes; /* calls of partner_changed */
    uint64_t acknowledged;    /* highest seq of its own feed that was published and committed */
};

struct network {
    unsigned count;
    struct network_node nodes[NETWORK_NODES];
    uint64_t now_ms; /* virtual; wall clock and monotonic clock */
    uint64_t random;
    unsigned live_loss;                     /* per cent */
    unsigned latency_max_ms;                /* of live and sync; sync keeps its order on a link */
    bool cut[NETWORK_NODES][NETWORK_NODES]; /* partition, set both ways */
    bool
        group_commit; /* mostly, what comes until the next tick shares a transaction; the default */
    struct flight *flights;
    uint64_t delivered, live_lost;
    /* May change or drop (return false) what one node says to another. live: topic, else NULL. */
    bool (*tamper)(void *context, unsigned from, unsigned to, const char *topic,
                   struct buffer *bytes);
    void *context;
};

/* One network at a time. seed: also of what is random in hash tables and keys, see network_seed.h.
 */
void network_init(struct network *network, unsigned count, uint64_t seed);
void network_finish(struct network *network);

/* The feed id of a node. */
const struct id *network_feed(const struct network *network, unsigned node);

/* a accepts b's card. */
void network_accept(struct network *network, unsigned a, unsigned b, bool relay);
void network_accept_all(struct network *network);
/* a dials b: one sync link that both use, and a hears b on live. */
void network_dial(struct network *network, unsigned a, unsigned b);
void network_dial_all(struct network *network);
void network_cut(struct network *network, unsigned a, unsigned b, bool cut);

void network_start(struct network *network, unsigned node, bool suspect, bool alone);
void network_stop(struct network *network, unsigned node);
/* A stopped node loses its ledger. */
void network_new_store(struct network *network, unsigned node);
void network_remove_partner(struct network *network, unsigned a, unsigned b);

/* The process ends at this node's next commit: just before it, or when it is on disk but nothing
 * has been said to anybody. It stays stopped until network_start. */
void network_kill(struct network *network, unsigned node, bool after);

/* What a hostile node 'from' could say: given to 'to' now, whatever links there are. topic: of a
 * live message, else NULL. */
void network_inject(struct network *network, unsigned from, unsigned to, const char *topic,
                    struct span bytes);
void network_say(struct network *network, unsigned from, unsigned to,
                 const Caravan__SyncMessage *message);
/* Gives a node SignedEntry bytes of a feed that it follows, as a file would. */
int network_import(struct network *network, unsigned node, unsigned feed,
                   const struct buffer *entries, size_t count, struct error *error);

/* Publishes a plain announcement content; false when publishing is not open. */
bool network_publish(struct network *network, unsigned node, const char *text);
/* So many in one transaction. */
bool network_publish_burst(struct network *network, unsigned node, unsigned count);
/* A content of any type; the node is running, and nothing may hinder it. Its seq. */
uint64_t network_publish_content(struct network *network, unsigned node, uint32_t type,
                                 struct span content);
/* A profile with this handle and country. */
void network_publish_profile(struct network *network, unsigned node, const char *handle,
                             const char *country);
/* Runs until done says so, at most limit_ms of virtual time. */
bool network_run(struct network *network, uint64_t limit_ms,
                 bool (*done)(struct network *network, void *context), void *context);
void network_sleep(struct network *network, uint64_t ms);

/* Ends all open transactions. */
void network_settle(struct network *network);

/* Entries of one content type that node a holds of b's feed. */
unsigned network_count(struct network *network, unsigned a, unsigned b, uint32_t type);
/* What node a holds of b's feed; fails the test when the rows are not 1 … seq, chained. */
uint64_t network_holds(struct network *network, unsigned a, unsigned b, struct id *hash);
/* All running nodes that know a feed hold it up to its publisher's head, with the same hash. */
bool network_is_equal(struct network *network, void *unused);
/* All running nodes may publish. */
bool network_is_open(struct network *network, void *unused);
const struct exchange_feed_state *network_state(struct network *network, unsigned a, unsigned b,
                                                struct exchange_feed_state *out);

#endif
