/* migrate: steps between two versions of the ledger's tables that are more than SQL; see schema.h.
 * They run in the transaction of the migration. Threads: as struct database. */
#ifndef LEDGER_MIGRATE_H
#define LEDGER_MIGRATE_H

#include "node/ledger/database.h"

/* Version 1 to 2: from a row for each entry to segments, and from a row for each request id to
 * records (sqlite_requests.h); drops the tables of the rows. */
int migrate_to_version_2(const struct database *database, struct error *error);

/* Version 2 to 3: proofs of forks lose contents that may be erased; they prove without. */
int migrate_to_version_3(const struct database *database, struct error *error);

#endif
