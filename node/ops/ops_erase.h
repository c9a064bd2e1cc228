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

/* So many texts of one announcement fit into one order; who has revised it more often is refused.
 */
#define OPS_ERASE_MAX 4000

void ops_erase_finish(struct ops_erase *erase);
/* The same in a view that is up to date, of what we have said of an announcement, too. */
int ops_erase_gather(const struct ops_context *context, uint64_t seq, uint64_t before,
                     struct ops_erase *erase, struct error *error);
/* Of the announcement at seq of our own feed, only those before entry `before` (0: all); the view
 * is brought up to date. Errors of view_history; ERROR_INVALID when it is no announcement. */
int ops_erase_find(const struct ops_context *context, uint64_t seq, uint64_t before,
                   struct ops_erase *erase, struct error *error);
/* Publishes the order for them; count must not be 0. ERROR_TOO_LARGE above OPS_ERASE_MAX. */
int ops_erase_publish(const struct ops_context *context, const struct ops_erase *erase,
                      const uint8_t *request, struct exchange_published *out, struct error *error);
/* What the order names that answers for itself at seq of our own feed, or was published with what
 * stands there, behind it; nothing when there is none. */
int ops_erase_read(const struct ops_context *context, uint64_t seq, struct ops_erase *erase,
                   struct error *error);

#endif
