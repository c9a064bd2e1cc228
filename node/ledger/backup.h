/* backup: one file that holds all that a node is, except root and recovery key, and the way back.
 *
 * The file is a SQLite database: the ledger's tables, and a table `sqlar` in the layout that
 * SQLite documents for archives (`sqlite3 FILE -Atv` lists it), with
 *
 *     node.yaml, keys/{node.key,transport.key,sealing.key,certificates,genesis},
 *     partners/<handle>.card, listeners/<name>.key
 *
 * It holds secret keys: its mode is 0600. It is consistent while the node runs, since all of the
 * ledger is copied within one read transaction. Other files of the home are neither saved nor
 * brought back. The way back leaves out the file ledger.token and gives the ledger a new id: the
 * node then holds publishing until a partner has said what it has of our feed, and partners read
 * our heads from the start.
 *
 * Threads: no shared state; do not restore into a home that is in use. */
#ifndef LEDGER_BACKUP_H
#define LEDGER_BACKUP_H

#include <stdint.h>

#include "common/error.h"

/* done of total pages of the ledger; called every few MiB. May be NULL. */
typedef void (*backup_progress)(void *context, uint64_t done, uint64_t total);

/* ERROR_EXISTS when there is such a file; ERROR_CONFIG when a file that must be in the home is not
 * there. Written under the name <file>.partial first; on error nothing is left. */
int backup_write(const char *home, const char *file, backup_progress progress, void *context,
                 struct error *error);
/* home is an empty folder, or is made. ERROR_EXISTS when there is something in it; ERROR_INVALID
 * when the file is no backup, or holds something that does not belong into one; ERROR_IO when it is
 * damaged. Everything is checked before anything is written; on error nothing is left in the home.
 */
int backup_restore(const char *file, const char *home, backup_progress progress, void *context,
                   struct error *error);

#endif
