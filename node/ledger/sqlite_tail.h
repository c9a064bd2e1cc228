/* sqlite_tail: how the writer of the ledger on SQLite puts entries into segments, and changes those
 * that are there.
 *
 * Entries that are appended to one feed in a transaction, in one call or one after the other,
 * gather in the tail until SEGMENT_SIZE; then, and before something reads them, and at commit, they
 * become a row. What comes by live, entry by entry, makes tiny rows; so when SQLITE_TAIL_MERGE_ROWS
 * small ones, or SQLITE_TAIL_MERGE_SIZE bytes, of one feed stand at the end of the table with
 * nothing between, they become one, in the transaction of the last of them: each entry is written
 * twice at most (going on with the last row at every commit would write it a dozen times). They are
 * counted in memory, so a start leaves some small ones behind. Rows are not merged at any other
 * time.
 *
 * A late content takes its entry out of its row, which becomes up to two; the entry goes into the
 * tail at its new arrival. What is erased goes the same way, without its content; each row that
 * holds some of it is written anew once, however many they are.
 *
 * All of these mark the transaction as failed when they fail, but for errors that ports.h names.
 * Threads: as struct store. */
#ifndef LEDGER_SQLITE_TAIL_H
#define LEDGER_SQLITE_TAIL_H

#include "node/ledger/sqlite_ledger.h"

#define SQLITE_TAIL_SMALL (SEGMENT_SIZE / 8) /* bytes: what counts as a small row */
#define SQLITE_TAIL_MERGE_ROWS 32
#define SQLITE_TAIL_MERGE_SIZE (SEGMENT_SIZE - SQLITE_TAIL_SMALL)

/* Makes it the feed that is appended to. ERROR_NOT_FOUND: there is none. */
int sqlite_tail_feed(struct sqlite_ledger *ledger, const struct id *id, struct error *error);
/* … and makes it when there is none. */
int sqlite_tail_make_feed(struct sqlite_ledger *ledger, const struct id *id, struct error *error);
/* A row for the feed, if it has none. */
int sqlite_tail_add_feed(struct sqlite_ledger *ledger, const struct id *id, struct error *error);
/* Appends the next entry of this feed, whose place was checked; sets its arrival. */
int sqlite_tail_add(struct sqlite_ledger *ledger, struct store_entry *entry, struct error *error);
/* put_content. */
int sqlite_tail_content(struct sqlite_ledger *ledger, const struct id *feed, uint64_t seq,
                        struct span salt, struct span content, uint64_t received_ms,
                        struct error *error);

/* erase. */
int sqlite_tail_erase(struct sqlite_ledger *ledger, const struct id *feed,
                      const struct erasure_order *orders, size_t count, size_t *erased,
                      struct error *error);

/* A row of the feed that is appended to begins with this seq: one that has it in its midst becomes
 * two. Nothing is in the tail then. ERROR_NOT_FOUND: there is no such entry. */
int sqlite_tail_cut(struct sqlite_ledger *ledger, uint64_t first, struct error *error);

/* Then: orders to erase that entries from this seq on have given are void. Those that were erased
 * by them miss their contents again. */
int sqlite_tail_void(struct sqlite_ledger *ledger, uint64_t first, struct error *error);

/* Writes what is not yet in the tables; nothing in a reader. */
int sqlite_tail_settle(struct sqlite_ledger *ledger, struct error *error);
/* For reading: settles, and finds the feed. *known false: there is none, which is no error. */
int sqlite_tail_find_feed(struct sqlite_ledger *ledger, const struct id *id,
                          struct sqlite_feed *out, bool *known, struct error *error);
/* Before a commit, settled: merges small rows if it is time to. */
int sqlite_tail_tidy(struct sqlite_ledger *ledger, struct error *error);
/* After a commit: what is in the tail is not gone on with. */
void sqlite_tail_close(struct sqlite_ledger *ledger);
/* After a transaction that did not commit. */
void sqlite_tail_forget(struct sqlite_ledger *ledger);
void sqlite_tail_finish(struct sqlite_ledger *ledger);

#endif
