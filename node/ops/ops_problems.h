/* ops_problems: what is wrong, as sentences with what to do about it. */
#ifndef OPS_OPS_PROBLEMS_H
#define OPS_OPS_PROBLEMS_H

#include "common/arena.h"
#include "node/ops/operations.h"
#include "node/ops/ops_aside.h"

struct ops_problems {
    struct arena *arena;
    Caravan__Problem **items; /* owned; the problems live in the arena */
    size_t count, capacity;
    size_t partners, skewed; /* partners whose clock is known, and those that differ much */
    int64_t skew_ms;         /* of one of them */
    bool asked, exchanging;  /* whether any partner exchanges, once that was asked */
    size_t refusing; /* partners that have let us in with our newest certificate, and refuse us */
};

void ops_problems_init(struct ops_problems *problems, struct arena *arena);
void ops_problems_finish(struct ops_problems *problems);
/* What is wrong with one partner. false when memory runs out. */
bool ops_problems_partner(struct ops_problems *problems, const struct exchange_feed_state *state,
                          const struct exchange_dialled *dialled,
                          const struct ops_context *context);
/* Entries of a partner count for nothing any more (ops_aside.h); nothing when that is long ago.
 * false when memory runs out. */
bool ops_problems_aside(struct ops_problems *problems, const struct exchange_feed_state *state,
                        const struct ops_aside *aside, uint64_t now_ms);
/* What is wrong with this node; after all partners. failure: exchange_failure. */
bool ops_problems_node(struct ops_problems *problems, const struct ops_context *context,
                       enum exchange_publishing publishing, const struct error *failure,
                       size_t partners);
/* … and with its ledger. */
bool ops_problems_ledger(struct ops_problems *problems, const struct store_info *info);

#endif
