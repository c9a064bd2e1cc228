/* sqlite_request_index: where request ids stand once they are no longer recent (sqlite_requests.h).
 *
 * A row for each id would cost a search and a B-tree entry for each. So the rows of the table
 * request_chunk hold up to SQLITE_REQUEST_CHUNK of them, sorted, a page full: adding thousands at a
 * time reads and writes each row once. A row's key is made of the first 63 bits of its first id;
 * all ids with these bits stand in one row, which for random ids is one.
 *
 *     records = (id (16 bytes) seq (8 bytes, big-endian))…
 *
 * All of these mark the transaction as failed when they fail. Threads: as struct store. */
#ifndef LEDGER_SQLITE_REQUEST_INDEX_H
#define LEDGER_SQLITE_REQUEST_INDEX_H

#include "node/ledger/sqlite_ledger.h"

#define SQLITE_REQUEST_RECORD (STORE_REQUEST_ID_SIZE + sizeof(uint64_t))
#define SQLITE_REQUEST_CHUNK 160

int sqlite_request_index_is_empty(struct sqlite_ledger *ledger, bool *empty, struct error *error);
/* *seq is set when *found. */
int sqlite_request_index_find(struct sqlite_ledger *ledger, const uint8_t id[STORE_REQUEST_ID_SIZE],
                              uint64_t *seq, bool *found, struct error *error);
/* Adds records of ids that are not in it, sorted by id. */
int sqlite_request_index_add(struct sqlite_ledger *ledger, struct span records,
                             struct error *error);

#endif
