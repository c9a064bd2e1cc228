/* ledger: a node's durable store of entries, in two implementations of struct store (node/core/
 * ports.h says what each operation promises): on SQLite for nodes, in memory for the simulation.
 *
 * The SQLite file: ledger.db (+ -wal, -shm while it is in use), mode 0600, WAL, synchronous=FULL.
 * Exactly one connection writes and checkpoints; the file <path>-lock holds a lock for it, so that
 * a second process is refused. Readers open read-only and never keep a read transaction between two
 * calls; long visits are cut into pages, so that the write-ahead log can always be emptied.
 *
 * Threads: each struct store belongs to one thread; a writer and any number of readers of one file
 * may run in different threads and processes. All stores on one ledger in memory belong to the
 * same thread. */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "node/core/ports.h"

enum ledger_mode {
    LEDGER_EXISTING, /* ERROR_NOT_FOUND when there is no file; an older one is copied and migrated;
                        the copy goes when something is erased */
    LEDGER_NEW,      /* ERROR_EXISTS when there is one */
};

/* The writer. ERROR_BUSY when another process writes; ERROR_CONFIG when the file's mode lets others
 * in, or a newer Caravan made it; ERROR_IO when it is damaged or no ledger. The caller ends it with
 * out->operations->destroy(out->self), which empties the write-ahead log into the file. */
int ledger_sqlite_create(const char *path, enum ledger_mode mode, struct store *out,
                         struct error *error);
/* A reader; the file must exist and be of this version. */
int ledger_sqlite_open_reader(const char *path, struct store *out, struct error *error);

/* The writer of a new, empty ledger in memory. Its ledger id is random, as on disk; tests make a
 * simulation repeat by fixing what is random. */
int ledger_memory_create(struct store *out, struct error *error);
/* A reader of the ledger that `writer` (from ledger_memory_create) writes. Destroy it before the
 * writer. */
int ledger_memory_open_reader(const struct store *writer, struct store *out, struct error *error);

/* Version of SQLite. */
const char *ledger_library(void);

#endif
