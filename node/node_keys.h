/* node_keys: the node's own keys while it runs: takes over those that the client has made, and
 * decides which transport key is used.
 *
 *     in use: the newest --certify------------------> the former one
 *             the former --all partners have it-----> the newest
 *             the former --operator: retire---------> the newest
 *             the newest --certify, former stolen---> the former, until the partners that are
 *                                                     connected have it, 10 s at the most
 *
 * So nobody is locked out who knows the former key alone: a socket answers by one key only, and a
 * partner that has the new certificate tries both (PROTOCOL.md, "Certificates").
 *
 * Threads: the writer's, but for what says otherwise. */
#ifndef NODE_NODE_KEYS_H
#define NODE_NODE_KEYS_H

#include <stdatomic.h>

#include "node/config/own.h"
#include "node/core/exchange.h"
#include "node/ops/operations.h"

struct node;

struct node_keys {
    const struct secret *wire;   /* the transport key in use */
    bool pending;                /* certified in this transaction */
    struct keyfiles next;        /* … for these keys */
    struct identity_chain chain; /* … with it */
    uint32_t rotations;          /* since the start */
    bool unsettled;              /* in force, and the files are not in their places yet */
    uint64_t switch_at;        /* monotonic ms: the newest key is used then; 0: when all have it */
    uint64_t looked_at;        /* the exchange's changes when partners were looked at last */
    struct keyfiles_list kept; /* used no more, and perhaps looked at by other threads still */
    /* Who works with the files in keys/: a backup, or a rotation until they are in their places. */
    atomic_int users;
    _Atomic(struct secret *) fresh_sealing; /* for the reader's thread to take over */
};

/* At the start, with keys and ledger: what was certified before the process was killed comes into
 * force. */
int node_keys_start(struct node *node, struct error *error);
/* The operations. */
void node_keys_fill(struct node *node, struct ops_keys *out);
/* After each transaction: what was certified in it holds, or not. */
void node_keys_committed(struct node *node, bool done);
/* Once a second. */
void node_keys_tick(struct node *node);
/* The reader's thread: reads with a new sealing key, too. */
void node_keys_read(struct node *node);
/* Any thread: a backup begins (false: not now), and ends. */
bool node_keys_begin_backup(struct node *node);
void node_keys_end_backup(struct node *node);
void node_keys_finish(struct node *node);

#endif
