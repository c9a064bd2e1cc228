/* memory_table: rows of bytes by key, kept in order of key, with one transaction at a time: every
 * row knows what it was before the transaction, so that readers go on seeing that, and a roll back
 * needs no memory. Threads: one. */
#ifndef LEDGER_MEMORY_TABLE_H
#define LEDGER_MEMORY_TABLE_H

#include "common/bytes.h"

struct memory_row {
    struct buffer key, value;
    bool changed;      /* in the open transaction; before it: */
    bool was_there;    /* … it was there, with */
    struct buffer old; /* … this value */
    struct memory_row *next_changed;
};

/* Zeroed is a valid empty table. */
struct memory_table {
    struct memory_row **rows;
    size_t count, capacity;
    struct memory_row *changed;
};

void memory_table_finish(struct memory_table *table);
/* Adds or replaces; false when memory runs out: the table is then unchanged. */
bool memory_table_put(struct memory_table *table, struct span key, struct span value);
/* false when there is no such row. committed: as it was before the open transaction. */
bool memory_table_get(const struct memory_table *table, struct span key, bool committed,
                      struct span *value);
/* Index of the first row whose key is not smaller. */
size_t memory_table_find(const struct memory_table *table, struct span key);
/* Row at an index below count; false when it is not to be seen. */
bool memory_table_at(const struct memory_table *table, size_t index, bool committed,
                     struct span *key, struct span *value);
void memory_table_commit(struct memory_table *table);
void memory_table_rollback(struct memory_table *table);

#endif
