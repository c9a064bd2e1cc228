/* heads: where the feeds of a ledger end.
 *
 * Threads: a struct heads belongs to one thread. */
#ifndef BENCH_HEADS_H
#define BENCH_HEADS_H

#include "node/core/ports.h"

struct heads {
    struct entry_head *items; /* sorted by feed */
    size_t count, capacity;
    uint64_t entries; /* of all feeds */
};

int heads_read(const struct store *store, struct heads *out, struct error *error);
void heads_finish(struct heads *heads); /* zeroed is fine */
/* How many of the wanted heads are the same here. */
size_t heads_equal(const struct heads *wanted, const struct heads *here);

#endif
