/* sqlite_entries: reading entries from the segments of the ledger on SQLite; see struct
 * store_operations.
 *
 * Visits are cut into pages, each a read transaction of its own, that end between two segments.
 * Threads: as struct store. */
#ifndef LEDGER_SQLITE_ENTRIES_H
#define LEDGER_SQLITE_ENTRIES_H

#include "node/core/ports.h"

int sqlite_entries_by_seq(void *self, const struct id *feed, uint64_t first, uint64_t last,
                          store_entry_visitor visit, void *context, struct error *error);
int sqlite_entries_newest(void *self, const struct id *feed, uint32_t type,
                          store_entry_visitor visit, void *context, struct error *error);
int sqlite_entries_by_arrival(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                              void *context, struct error *error);
int sqlite_entries_missing(void *self, const struct id *feed, uint64_t *seqs, size_t limit,
                           size_t *count, struct error *error);

#endif
