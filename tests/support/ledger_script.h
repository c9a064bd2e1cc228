/* ledger_script: one of everything written to a ledger, and read back; and small helpers for tests
 * of the ledger on SQLite. */
#ifndef TESTS_SUPPORT_LEDGER_SCRIPT_H
#define TESTS_SUPPORT_LEDGER_SCRIPT_H

#include "tests/support/ledger_fixture.h"

/* Entries 1 … 3 of a feed, the second without its content, the third without its signature, and one
 * of another: made once, since making them allocates. */
struct ledger_script {
    struct store_entry a[3], held, b;
};

struct ledger_script ledger_script_make(struct ledger_fixture *f);
/* One transaction with everything in it, not committed; stops at the first error. */
int ledger_script_write(struct store store, struct ledger_script *script, struct error *error);
/* Reads everything that was written: 2 feeds, 3 + 4 entries, one of each other. */
int ledger_script_read(struct store store, struct ledger_script *script, size_t *seen,
                       struct error *error);
#define LEDGER_SCRIPT_SEEN (2 + 3 + 4 + 1 + 1 + 1 + 1)

const char *ledger_script_file(struct ledger_fixture *f);
void ledger_script_close(struct ledger_fixture *f);
/* Closes the writer and opens it anew. */
int ledger_script_open(struct ledger_fixture *f);
/* Closes the writer and turns the tables back to an older version, 2 at least. */
void ledger_script_make_older(struct ledger_fixture *f, size_t version);
/* f->error has this in it. */
void ledger_script_says(struct ledger_fixture *f, const char *text);
/* Seq of the feed's head; 0: none. */
uint64_t ledger_script_head(struct store store, const struct id *feed);
/* A visitor that counts into a size_t. */
int ledger_script_count(void *context, const struct store_entry *entry);
int ledger_script_count_feed(void *context, const struct store_feed *feed);

#endif
