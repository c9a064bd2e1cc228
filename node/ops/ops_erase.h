/* ops_erase: which contents an announcement of ours has, and the order to erase some of them. For
 * ops_publish. Threads: the writer's. */
#ifndef OPS_OPS_ERASE_H
#define OPS_OPS_ERASE_H

#include "common/bytes.h"
#include "node/ops/operations.h"

/* The entries that hold what an announcement says or has said, but for those that were erased
 * already; in order. Zeroed is empty. */
struct ops_erase {
    uint64_t *seqs;
    size_t count, capacity;
    uint64_t withdrawn_by; /* 0: it is not withdrawn */
    uint64_t erased_by;    /* newest order that erased some of it before; 0: none */
    bool no_memory;
};

/* So many numbers stand in one order, as more would be too many fields; what is above goes into
 * further ones right behind it. */
#define OPS_ERASE_EACH 4000
/* So many can be named in one request and its reply. */
#define OPS_ERASE_MAX 60000

void ops_erase_finish(struct ops_erase *erase);
/* ERROR_TOO_LARGE when that many cannot be ordered erased at a time; asked before anything is
 * published. */
int ops_erase_check(size_t count, struct error *error);
/* The same in a view that is up to date, of what we have said of an announcement, too. */
int ops_erase_gather(const struct ops_context *context, uint64_t seq, uint64_t before,
                     struct ops_erase *erase, struct error *error);
/* Of the announcement at seq of our own feed, only those before entry `before` (0: all); the view
 * is brought up to date. Errors of view_history; ERROR_INVALID when it is no announcement. */
int ops_erase_find(const struct ops_context *context, uint64_t seq, uint64_t before,
                   struct ops_erase *erase, struct error *error);
/* Publishes the orders for them; count must not be 0, and must have been checked. *out: the first
 * of them, which has the request id. All or none: a failure behind the first one breaks the
 * transaction. Those of a request that was answered before are not ordered again. */
int ops_erase_publish(const struct ops_context *context, const struct ops_erase *erase,
                      const uint8_t *request, struct exchange_published *out, struct error *error);
/* What the orders name that answer for themselves at seq of our own feed, or were published with
 * what stands there, behind it; nothing when there is none. Behind a full order the next one is
 * taken for a part of it. */
int ops_erase_read(const struct ops_context *context, uint64_t seq, struct ops_erase *erase,
                   struct error *error);

#endif
