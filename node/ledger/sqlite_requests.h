/* sqlite_requests: the ids of the owner's requests, and the seqs that answer them.
 *
 * Ids are random. An index of them in which every commit puts some is written again nearly as a
 * whole each time: with 100,000 ids that is more than the announcements themselves. So the newest
 * ids stand in the order in which they came: in the table request_recent, a row for each commit,
 * and in the writer's memory. When SQLITE_REQUESTS_RECENT have come they go into the index
 * (sqlite_request_index.h), in the transaction of the last of them. Records look the same in both.
 *
 * Whoever adds something in a transaction settles before its commit. All of these mark the
 * transaction as failed when they fail, but for errors that ports.h names. Threads: as struct
 * store. */
#ifndef LEDGER_SQLITE_REQUESTS_H
#define LEDGER_SQLITE_REQUESTS_H

#include "node/ledger/sqlite_ledger.h"

/* Few institutions will ever publish more: for them the index stays empty. In memory they take up
 * to 3 MiB, and reading them, at the first publication after a start, some 10 ms. */
#define SQLITE_REQUESTS_RECENT 65536

/* put_request and get_request of the port. */
int sqlite_requests_put(struct sqlite_ledger *ledger, const uint8_t id[STORE_REQUEST_ID_SIZE],
                        uint64_t seq, struct error *error);
int sqlite_requests_get(void *self, const uint8_t id[STORE_REQUEST_ID_SIZE], uint64_t *seq,
                        struct error *error);

/* Writes what is not yet in the tables. */
int sqlite_requests_settle(struct sqlite_ledger *ledger, struct error *error);
/* After a transaction that did not commit. */
void sqlite_requests_forget(struct sqlite_ledger *ledger);
void sqlite_requests_finish(struct sqlite_ledger *ledger);

#endif
