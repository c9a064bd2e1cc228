/* sqlite_read: the reading operations of the ledger on SQLite, but for entries (sqlite_entries);
 * see struct store_operations.
 *
 * Visits of feeds are cut into pages, each a read transaction of its own.
 * Threads: as struct store. */
#ifndef LEDGER_SQLITE_READ_H
#define LEDGER_SQLITE_READ_H

#include "node/core/ports.h"

int sqlite_read_info(void *self, struct store_info *info, struct error *error);
int sqlite_read_feed(void *self, const struct id *feed, struct store_feed *out,
                     struct error *error);
int sqlite_read_cursor(void *self, const struct id *partner, uint8_t ledger[STORE_LEDGER_ID_SIZE],
                       uint64_t *arrival, struct error *error);
int sqlite_read_value(void *self, const char *name, struct buffer *out, struct error *error);
int sqlite_read_feeds(void *self, uint64_t after_arrival, bool with_empty, size_t limit,
                      store_feed_visitor visit, void *context, struct error *error);
int sqlite_read_certificates(void *self, const struct id *feed, store_certificate_visitor visit,
                             void *context, struct error *error);
int sqlite_read_conflicts(void *self, store_conflict_visitor visit, void *context,
                          struct error *error);
int sqlite_read_receipts(void *self, const struct id *feed, store_receipt_visitor visit,
                         void *context, struct error *error);

#endif
