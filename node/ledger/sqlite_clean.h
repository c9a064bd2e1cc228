/* sqlite_clean: what was erased from the tables goes from the files, too.
 *
 * secure_delete overwrites what is deleted, but it does so in new versions of pages. The old ones
 * stand in the write-ahead log until that is emptied into the file and cut off, which no reader may
 * be in the way of. And where SQLite has put the rows of a page in a new order, copies of them may
 * stand between its list of rows and the first row, where nothing is any more. So after a commit
 * that erased something
 *
 *     1. the log is emptied and cut off;
 *     2. the copies that migrations have left beside the file (<path>.v1, …) are removed;
 *     3. in the pages of the file that hold rows, the room between list and rows is set to zero;
 *     4. the mark that this is owed is taken back.
 *
 * A step does some of it: 1 at once or not at all, and of 3 SQLITE_CLEAN_SIZE. The sweep through
 * the pages goes round in a ring: something that is erased meanwhile does not send it back to the
 * beginning; it goes on from where it is, and ends when it is there again. So what was erased is
 * gone from all pages after one round of steps, and while others go on being erased, too.
 *
 *                 erased                          end of the file
 *     NOTHING ------------------> ROUND ------------------------------> REST
 *        ^                        ^   | (erased: `from` becomes `at`)     |
 *        |                        |___|                                   |
 *        |                          ^              erased                 |
 *        |                          |_____________________________________|
 *        |                           at `from`, where something was       |
 *        |___________________________last erased__________________________|
 *
 * The mark is written in the transaction that erases, so that a process that ends in between goes
 * on at its next start; how far it has come is written with it, and with each commit that follows.
 *
 * Writing to the file beside SQLite is safe here and only here: this is the only connection that
 * writes, it is between two transactions and remembers no page, the log is empty, and what is
 * written is room that nobody reads.
 *
 * Threads: as struct store. */
#ifndef LEDGER_SQLITE_CLEAN_H
#define LEDGER_SQLITE_CLEAN_H

#include "node/ledger/sqlite_ledger.h"

/* Some 10 ms of work. */
#define SQLITE_CLEAN_SIZE (16 * 1024 * 1024)

/* In a transaction, before its commit: writes the mark if something was erased in it, and how far
 * the sweep has come if it has come further. Marks it as failed when it fails. */
int sqlite_clean_mark(struct sqlite_ledger *ledger, struct error *error);
/* A writer that was opened: reads the mark, and does a first step. */
int sqlite_clean_start(struct sqlite_ledger *ledger, struct error *error);
/* Does a step if something is owed; behind a commit. What cannot be done now is tried again with
 * the next step. */
void sqlite_clean_step(struct sqlite_ledger *ledger);
/* Before the writer is closed: as many steps as can be done now. */
void sqlite_clean_end(struct sqlite_ledger *ledger);

#endif
