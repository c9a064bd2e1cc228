/* sqlite_quarantine: entries that were moved aside, in the ledger on SQLite; see quarantine and
 * quarantined in struct store_operations.
 *
 * The rows of the table `quarantine` are rows of `segment` (segment.h) as they were, but for the
 * one that the cut goes through. Threads: as struct store. */
#ifndef LEDGER_SQLITE_QUARANTINE_H
#define LEDGER_SQLITE_QUARANTINE_H

#include "node/ledger/sqlite_ledger.h"

/* The step of the tables that makes room for them. */
extern const char sqlite_quarantine_schema[];

int sqlite_quarantine_move(void *self, const struct id *feed, uint64_t first, uint64_t recoveries,
                           struct error *error);
/* Something is erased in the feed: contents in its quarantine that may be erased go, too. */
int sqlite_quarantine_erase(struct sqlite_ledger *ledger, const struct id *feed,
                            struct error *error);
int sqlite_quarantine_visit(void *self, const struct id *feed, store_quarantined_visitor visit,
                            void *context, struct error *error);

#endif
