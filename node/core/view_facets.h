/* view_facets: what announcements are filtered by, each distinct one kept once and known by a
 * number: a million announcements have some thousand. Only view*.c include it.
 *
 * However many there are, they take no more than VIEW_FACETS_BYTES: what does not fit any more gets
 * the number VIEW_FACETS_ELSEWHERE, and is read from the ledger when it is needed. Threads: one at
 * a time. */
#ifndef CORE_VIEW_FACETS_H
#define CORE_VIEW_FACETS_H

#include "common/filter.h"
#include "node/core/view_table.h"

#define VIEW_FACETS_NONE 0u              /* the content cannot be read */
#define VIEW_FACETS_ELSEWHERE UINT32_MAX /* there is no room for it here */
#define VIEW_FACETS_BYTES ((size_t)8 * 1024 * 1024)

/* Zeroed is valid and empty. */
struct view_facets {
    struct filter_facets **items; /* of number n at n - 1 */
    uint32_t count, capacity;
    struct view_table numbers; /* hash -> number */
    size_t bytes;
};

void view_facets_finish(struct view_facets *facets);
/* Takes over `one` (NULL: unreadable), also on error. *number: never above facets->count, or
 * VIEW_FACETS_ELSEWHERE. ERROR_MEMORY only. */
int view_facets_add(struct view_facets *facets, struct filter_facets *one, uint32_t *number,
                    struct error *error);
/* NULL for VIEW_FACETS_NONE. Not for VIEW_FACETS_ELSEWHERE. */
const struct filter_facets *view_facets_get(const struct view_facets *facets, uint32_t number);

#endif
