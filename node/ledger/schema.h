/* schema: the tables of ledger.db and the steps from one version to the next.
 *
 * PRAGMA application_id tells a ledger (and a backup of one) from other SQLite files, PRAGMA
 * user_version is the version of the tables. Threads: as struct database. */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "node/ledger/database.h"

#define SCHEMA_LEDGER_ID 0x43524c31 /* "CRL1" */
#define SCHEMA_BACKUP_ID 0x43524231 /* "CRB1" */

/* Step n leads from version n to n + 1; step 0 makes an empty file a ledger. */
struct schema_step {
    const char *what; /* for people: "add …" */
    const char *sql;
    /* Runs behind the SQL, in the same transaction; may be NULL. */
    int (*run)(const struct database *database, struct error *error);
};
extern const struct schema_step schema_steps[];
extern const size_t schema_step_count; /* = the version that this program reads and writes */

/* Makes an empty ledger with a fresh ledger id, at a temporary name first. */
int schema_create(const char *path, struct error *error);
/* ERROR_NONE when application id and version are right; else says what the file is. */
int schema_check(const struct database *database, int64_t application_id, struct error *error);
/* Brings an older ledger to version `count`: copies it to <path>.v<old version>, then runs the
 * steps in one transaction. The connection is the writer. */
int schema_migrate(const struct database *database, const struct schema_step *steps, size_t count,
                   struct error *error);

#endif
