/* view_table: from (feed number, seq) to a number; 12 bytes a slot, never more than three quarters
 * full. Only view*.c include it. Peers choose seqs: slots are found with a mix that is keyed anew
 * for each table, so that nobody can aim at one. Threads: one at a time. */
#ifndef CORE_VIEW_TABLE_H
#define CORE_VIEW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is a valid empty table. */
struct view_table {
    uint64_t *keys; /* 0: free */
    uint32_t *values;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
};

void view_table_finish(struct view_table *table);
/* The key of an entry; never 0, as seqs begin with 1. */
uint64_t view_table_key(uint32_t feed, uint32_t seq);
/* 0 when absent. */
uint32_t view_table_get(const struct view_table *table, uint64_t key);
/* Sets or replaces; value 0 is as good as absent, but keeps its slot. key must not be 0. false when
 * memory ran out: nothing changed. Replacing never fails. */
bool view_table_put(struct view_table *table, uint64_t key, uint32_t value);
/* Another 64 bits, the same for the same bytes in this table's life. For keys made of contents. */
uint64_t view_table_hash(struct view_table *table, const void *bytes, size_t size);

#endif
