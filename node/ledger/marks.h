/* marks: inbox.db: which things of the inbox somebody has read. Local to this node: nothing of it
 * is ever sent. A file of its own, so that it can be lost without loss of anything that was
 * announced.
 *
 * The file is in rollback-journal mode: between two calls it is whole by itself, and a backup may
 * copy it. Threads: one at a time. */
#ifndef LEDGER_MARKS_H
#define LEDGER_MARKS_H

#include "common/bytes.h"
#include "common/error.h"
#include "node/core/ports.h"

struct marks;

#define MARKS_FILE "inbox.db"

/* Opens the file, or makes it, mode 0600. ERROR_CONFIG when a newer Caravan made it, or its mode
 * lets others in; ERROR_IO when it is damaged. */
int marks_create(const char *path, struct marks **out, struct error *error);
void marks_destroy(struct marks *marks); /* NULL is fine */

/* For a struct mark_store (ports.h), whose contracts are these. self: a struct marks. */
int marks_is_read(void *self, const struct id *feed, uint64_t seq, bool *read, struct error *error);
int marks_set_read(void *self, const struct mark *marks, size_t count, bool read,
                   struct error *error);

#endif
