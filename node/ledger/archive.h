/* archive: the files of a home as rows of the table sqlar, both ways. Part of backup.
 *
 * Only names that belong into a backup are taken, in both directions: a name such as "../x" or
 * "keys/root.key" never comes in or out. Threads: as struct database. */
#ifndef LEDGER_ARCHIVE_H
#define LEDGER_ARCHIVE_H

#include "node/ledger/database.h"

/* Makes the table and puts the home's files into it. */
int archive_pack(const struct database *database, const char *home, struct error *error);
/* Every row is fit to be written, and nothing that must be there is missing. */
int archive_check(const struct database *database, struct error *error);
/* Writes the files into the home, new ones only; archive_check must have passed. */
int archive_unpack(const struct database *database, const char *home, struct error *error);
/* Removes what archive_unpack writes, and the folders for it if they are empty then. */
void archive_remove(const struct database *database, const char *home);

#endif
