/* watch: the ledger of a running node, seen from outside: what a reader finds in the file is
 * committed, whatever the node says. The node has no more work than without it: a look costs some
 * microseconds in this process, while being told of every page that is written costs the writer.
 *
 * Threads: a struct watch belongs to one thread. */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include "node/core/ports.h"

struct watch {
    char path[1024]; /* of ledger.db */
    struct store reader;
};

/* The ledger need not be there yet. The caller finishes *watch, which is empty on error. */
int watch_open(const char *home, struct watch *watch, struct error *error);
void watch_finish(struct watch *watch); /* zeroed is fine */

/* Calls look(context) every millisecond until it says true. ERROR_TIMEOUT at the deadline
 * (drive_now). look may read watch->reader: it is not called before the ledger is there; an error
 * that it sets ends the waiting, too. */
int watch_until(struct watch *watch, bool (*look)(void *context, struct error *error),
                void *context, uint64_t deadline, struct error *error);

/* Number of entries in the ledger: what a node with nothing else in it has taken so far. */
int watch_arrivals(struct watch *watch, uint64_t *arrivals, struct error *error);

#endif
