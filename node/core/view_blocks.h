/* view_blocks: what announcements are filtered by, each distinct block of bytes kept once and known
 * by a number: a million announcements have some thousand. The index has two of them, for facets
 * (filter_facets) and for rules (eligible_rules): both repeat, but not together, so that one for
 * both would have many times more. Only view*.c include it.
 *
 * However many blocks there are, they take no more than a set amount of memory: what does not fit
 * any more gets the number VIEW_ELSEWHERE, and is read from the ledger when it is needed. Threads:
 * one at a time. */
#ifndef CORE_VIEW_BLOCKS_H
#define CORE_VIEW_BLOCKS_H

#include "common/bytes.h"
#include "common/error.h"
#include "node/core/view_table.h"

#define VIEW_NONE 0u              /* the content cannot be read */
#define VIEW_ELSEWHERE UINT32_MAX /* there is no room for it here */

struct view_block;

/* Zeroed, with the two limits, is valid and empty. */
struct view_blocks {
    size_t bytes_max;
    uint32_t count_max;
    struct view_block **items; /* of number n at n - 1 */
    uint32_t count, capacity;
    struct view_table numbers; /* hash -> number */
    size_t bytes;
};

void view_blocks_finish(struct view_blocks *blocks);
/* Copies the bytes, unless it has the same. *number: never above blocks->count, or VIEW_ELSEWHERE;
 * VIEW_NONE on error. ERROR_MEMORY only. */
int view_blocks_add(struct view_blocks *blocks, struct span bytes, uint32_t *number,
                    struct error *error);
/* Aligned for numbers of 32 bits. Not for VIEW_NONE and VIEW_ELSEWHERE. */
struct span view_blocks_get(const struct view_blocks *blocks, uint32_t number);

/* --- the two numbers of an announcement, in one --------------------------------------------------
 */

#define VIEW_FACETS_BYTES ((size_t)8 * 1024 * 1024)
#define VIEW_FACETS_MAX ((1u << 17) - 2)
#define VIEW_RULES_BYTES ((size_t)4 * 1024 * 1024)
#define VIEW_RULES_MAX ((1u << 15) - 2)

/* Either may be VIEW_NONE or VIEW_ELSEWHERE; both VIEW_NONE: 0. */
uint32_t view_keys(uint32_t facets, uint32_t rules);
uint32_t view_keys_facets(uint32_t keys);
uint32_t view_keys_rules(uint32_t keys);

#endif
