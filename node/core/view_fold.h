/* view_fold: what revisions and withdrawals make of the announcements that they name. Only what was
 * changed takes room here, about 70 bytes a change; announcements that stand as they were published
 * take none. Only view*.c include it. Threads: one at a time. */
#ifndef CORE_VIEW_FOLD_H
#define CORE_VIEW_FOLD_H

#include "common/error.h"
#include "node/core/view_dates.h"
#include "node/core/view_table.h"

/* One announcement that was changed. */
struct view_folded {
    uint32_t revised_by;     /* newest revision; 0: none */
    uint32_t withdrawn_by;   /* first withdrawal; 0: none */
    uint32_t keys;           /* of the newest revision (view_keys) */
    struct view_dates dates; /* of the newest revision */
    uint32_t first;          /* of its changes, in no order; in fold->changes, counted from 1 */
};

struct view_fold_change {
    uint32_t seq;
    uint32_t next; /* of the same announcement; 0: none */
};

/* Zeroed is valid and empty. */
struct view_fold {
    struct view_table places; /* feed and seq of the announcement -> place in folded, from 1 */
    struct view_folded *folded;
    struct view_fold_change *changes;
    size_t folded_count, folded_capacity, change_count, change_capacity;
    uint32_t free_change; /* a list by next; 0: none */
};

void view_fold_finish(struct view_fold *fold);
/* A change of the announcement at seq `target`. keys, dates: of a revision. false when memory ran
 * out: nothing changed. */
bool view_fold_add(struct view_fold *fold, uint32_t feed, uint32_t target, uint32_t seq,
                   bool withdrawal, uint32_t keys, struct view_dates dates);
/* NULL when nothing has ever named it. Borrowed until the next add. */
const struct view_folded *view_fold_get(const struct view_fold *fold, uint32_t feed,
                                        uint32_t target);
/* Nothing has changed the announcement: its feed is read anew. */
void view_fold_forget(struct view_fold *fold, uint32_t feed, uint32_t target);
/* The seqs of its changes, oldest first, each once; the caller frees *seqs (NULL when there are
 * none). ERROR_MEMORY only. */
int view_fold_changes(const struct view_fold *fold, const struct view_folded *folded,
                      uint32_t **seqs, size_t *count, struct error *error);

#endif
