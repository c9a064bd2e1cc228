/* memory_table: rows of bytes by key, kept in order of key, with one transaction at a time: every
 * row knows what it was before the transaction, so that readers go on seeing that, and a roll back
 * needs no memory. Rows stand in blocks, so that adding one moves few others: a table of a hundred
 * thousand random keys fills as fast as one of a thousand. Threads: one. */
#ifndef LEDGER_MEMORY_TABLE_H
#define LEDGER_MEMORY_TABLE_H

#include "common/bytes.h"

#define MEMORY_TABLE_BLOCK 128

struct memory_row {
    struct buffer key, value;
    bool changed;      /* in the open transaction; before it: */
    bool was_there;    /* … it was there, with */
    struct buffer old; /* … this value */
    struct memory_row *next_changed;
};

struct memory_block {
    size_t count; /* at least one */
    struct memory_row *rows[MEMORY_TABLE_BLOCK];
};

/* Zeroed is a valid empty table. */
struct memory_table {
    struct memory_block **blocks;
    size_t count, capacity; /* of blocks */
    struct memory_row *changed;
};

/* Where a row stands, until one is added or taken back. */
struct memory_place {
    size_t block, row;
};

void memory_table_finish(struct memory_table *table);
/* Adds or replaces; false when memory runs out: the table is then unchanged. */
bool memory_table_put(struct memory_table *table, struct span key, struct span value);
/* false when there is no such row. committed: as it was before the open transaction. */
bool memory_table_get(const struct memory_table *table, struct span key, bool committed,
                      struct span *value);
/* Place of the first row whose key is not smaller. */
struct memory_place memory_table_find(const struct memory_table *table, struct span key);
/* The first row from a place on that is to be seen; the place is then behind it. false: there is
 * none. */
bool memory_table_next(const struct memory_table *table, struct memory_place *place, bool committed,
                       struct span *key, struct span *value);
void memory_table_commit(struct memory_table *table);
void memory_table_rollback(struct memory_table *table);

#endif
