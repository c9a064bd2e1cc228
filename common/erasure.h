/* erasure: orders to erase contents, as they stand in entries of type ERASURE. PROTOCOL.md §4,
 * Erasure. Pure. Threads: no shared state. */
#ifndef COMMON_ERASURE_H
#define COMMON_ERASURE_H

#include "common/entry.h"

/* Orders of a higher version (Entry.min_reader) are not carried out. */
#define ERASURE_READER 1

/* The content of the entry at seq goes. by: the seq of the entry that orders it. */
struct erasure_order {
    uint64_t seq, by;
};

/* Orders of one feed, in order of seq; of several for one seq the first. Zeroed is empty. */
struct erasure_list {
    struct erasure_order *orders;
    size_t count, capacity;
};

void erasure_list_finish(struct erasure_list *list);
/* Adds what the entries of one feed order. An order that cannot be read names nothing; what it says
 * of itself, or of what comes behind it, is not heeded. ERROR_MEMORY only. */
int erasure_list_read(struct erasure_list *list, const struct entry *entries, size_t count,
                      struct error *error);
/* Seq of the entry that orders it; 0: none does. */
uint64_t erasure_list_by(const struct erasure_list *list, uint64_t seq);

#endif
