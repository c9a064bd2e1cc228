#include "node/core/view_blocks.h"

#include <stdlib.h>
#include <string.h>

struct view_block {
    uint32_t size;
    uint8_t bytes[];
};

/* A block's own memory, its pointer, and its share of the table. */
#define BLOCK_OVERHEAD 48

void view_blocks_finish(struct view_blocks *blocks)
{
    for (uint32_t i = 0; i < blocks->count; i++)
        free(blocks->items[i]);
    free(blocks->items);
    view_table_finish(&blocks->numbers);
    *blocks = (struct view_blocks){.bytes_max = blocks->bytes_max, .count_max = blocks->count_max};
}

struct span view_blocks_get(const struct view_blocks *blocks, uint32_t number)
{
    const struct view_block *block = blocks->items[number - 1];

    return span_of(block->bytes, block->size);
}

static bool has_room(const struct view_blocks *blocks, size_t size)
{
    return blocks->count < blocks->count_max && size <= UINT32_MAX &&
           blocks->bytes + size + BLOCK_OVERHEAD <= blocks->bytes_max;
}

static bool keep(struct view_blocks *blocks, struct view_block *one, uint64_t hash)
{
    if (blocks->count == blocks->capacity) {
        uint32_t capacity = blocks->capacity ? blocks->capacity * 2 : 64;
        struct view_block **items = realloc(blocks->items, capacity * sizeof *items);

        if (!items)
            return false;
        blocks->items = items;
        blocks->capacity = capacity;
    }
    if (!view_table_put(&blocks->numbers, hash, blocks->count + 1))
        return false;
    blocks->items[blocks->count++] = one;
    blocks->bytes += one->size + BLOCK_OVERHEAD;
    return true;
}

static int add_new(struct view_blocks *blocks, struct span bytes, uint64_t hash, uint32_t *number,
                   struct error *error)
{
    struct view_block *one = malloc(sizeof *one + bytes.size);

    if (!one)
        return error_memory(error);
    one->size = (uint32_t)bytes.size;
    memcpy(one->bytes, bytes.data, bytes.size);
    if (!keep(blocks, one, hash)) {
        free(one);
        return error_memory(error);
    }
    *number = blocks->count;
    return ERROR_NONE;
}

int view_blocks_add(struct view_blocks *blocks, struct span bytes, uint32_t *number,
                    struct error *error)
{
    uint64_t hash = view_table_hash(&blocks->numbers, bytes.data, bytes.size);
    uint32_t found = view_table_get(&blocks->numbers, hash);

    *number = VIEW_NONE;
    if (found) /* two that differ may have one hash: then the second is read where it is */
        *number = span_equal(view_blocks_get(blocks, found), bytes) ? found : VIEW_ELSEWHERE;
    else if (!has_room(blocks, bytes.size))
        *number = VIEW_ELSEWHERE;
    return *number ? ERROR_NONE : add_new(blocks, bytes, hash, number, error);
}

/* --- the two numbers of an announcement ------------------------------------------------------- */

/* Facets in the lower 17 bits, rules above; all ones: elsewhere. */
#define FACETS_BITS 17
#define FACETS_MASK ((1u << FACETS_BITS) - 1)
#define RULES_MASK ((1u << (32 - FACETS_BITS)) - 1)

_Static_assert(VIEW_FACETS_MAX < FACETS_MASK && VIEW_RULES_MAX < RULES_MASK,
               "every number and \"elsewhere\" has its place");

uint32_t view_keys(uint32_t facets, uint32_t rules)
{
    return (rules & RULES_MASK) << FACETS_BITS | (facets & FACETS_MASK);
}

static uint32_t number_of(uint32_t bits, uint32_t mask)
{
    return bits == mask ? VIEW_ELSEWHERE : bits;
}

uint32_t view_keys_facets(uint32_t keys)
{
    return number_of(keys & FACETS_MASK, FACETS_MASK);
}

uint32_t view_keys_rules(uint32_t keys)
{
    return number_of(keys >> FACETS_BITS, RULES_MASK);
}
