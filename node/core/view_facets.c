#include "node/core/view_facets.h"

#include <stdlib.h>
#include <string.h>

/* An item's own memory, its pointer, and its share of the table. */
#define ITEM_OVERHEAD 48

void view_facets_finish(struct view_facets *facets)
{
    for (uint32_t i = 0; i < facets->count; i++)
        filter_facets_destroy(facets->items[i]);
    free(facets->items);
    view_table_finish(&facets->numbers);
    *facets = (struct view_facets){0};
}

const struct filter_facets *view_facets_get(const struct view_facets *facets, uint32_t number)
{
    return number ? facets->items[number - 1] : NULL;
}

static bool is_same(const struct filter_facets *a, const struct filter_facets *b, size_t size)
{
    return filter_facets_size(a) == size && memcmp(a, b, size) == 0;
}

static bool keep(struct view_facets *facets, struct filter_facets *one, uint64_t hash)
{
    if (facets->count == facets->capacity) {
        uint32_t capacity = facets->capacity ? facets->capacity * 2 : 64;
        struct filter_facets **items = realloc(facets->items, capacity * sizeof *items);

        if (!items)
            return false;
        facets->items = items;
        facets->capacity = capacity;
    }
    if (!view_table_put(&facets->numbers, hash, facets->count + 1))
        return false;
    facets->items[facets->count++] = one;
    facets->bytes += filter_facets_size(one) + ITEM_OVERHEAD;
    return true;
}

int view_facets_add(struct view_facets *facets, struct filter_facets *one, uint32_t *number,
                    struct error *error)
{
    uint32_t found;
    uint64_t hash;
    size_t size;

    *number = VIEW_FACETS_NONE;
    if (!one)
        return ERROR_NONE;
    size = filter_facets_size(one);
    hash = view_table_hash(&facets->numbers, one, size);
    found = view_table_get(&facets->numbers, hash);
    if (found || facets->bytes + size + ITEM_OVERHEAD > VIEW_FACETS_BYTES) {
        /* Two that differ may have one hash: then the second is read where it is. */
        *number =
            found && is_same(facets->items[found - 1], one, size) ? found : VIEW_FACETS_ELSEWHERE;
        filter_facets_destroy(one);
        return ERROR_NONE;
    }
    if (!keep(facets, one, hash)) {
        filter_facets_destroy(one);
        return error_memory(error);
    }
    *number = facets->count;
    return ERROR_NONE;
}
