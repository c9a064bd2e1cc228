/* sqlite_write: the writing operations of the ledger on SQLite; see struct store_operations.
 * Threads: as struct store. */
#ifndef LEDGER_SQLITE_WRITE_H
#define LEDGER_SQLITE_WRITE_H

#include "node/ledger/sqlite_ledger.h"

/* ERROR_NONE when this store may write now. */
int sqlite_write_allowed(const struct sqlite_ledger *ledger, struct error *error);

int sqlite_write_append(void *self, struct store_entry *entries, size_t count, struct error *error);
int sqlite_write_content(void *self, const struct id *feed, uint64_t seq, struct span salt,
                         struct span content, uint64_t received_ms, struct error *error);
int sqlite_write_erase(void *self, const struct id *feed, const struct erasure_order *orders,
                       size_t count, size_t *erased, struct error *error);
int sqlite_write_frozen(void *self, const struct id *feed, bool frozen, struct error *error);
int sqlite_write_statement(void *self, const struct id *feed, struct span signed_head,
                           uint64_t as_of_ms, struct error *error);
int sqlite_write_certificate(void *self, const struct id *feed,
                             const struct store_certificate *certificate, struct error *error);
int sqlite_write_cut_certificates(void *self, const struct id *feed, uint64_t first,
                                  struct error *error);
int sqlite_write_conflict(void *self, const struct store_conflict *conflict, struct error *error);
int sqlite_write_receipt(void *self, const struct store_receipt *receipt, struct error *error);
int sqlite_write_cursor(void *self, const struct id *partner,
                        const uint8_t ledger[STORE_LEDGER_ID_SIZE], uint64_t arrival,
                        struct error *error);
int sqlite_write_request(void *self, const uint8_t request[STORE_REQUEST_ID_SIZE], uint64_t seq,
                         struct error *error);
int sqlite_write_value(void *self, const char *name, struct span value, struct error *error);

#endif
