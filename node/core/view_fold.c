#include "node/core/view_fold.h"

#include <stdlib.h>

void view_fold_finish(struct view_fold *fold)
{
    view_table_finish(&fold->places);
    free(fold->folded);
    free(fold->changes);
    *fold = (struct view_fold){0};
}

/* Room for one more of each, so that nothing can fail half-way. */
static bool make_room(struct view_fold *fold)
{
    if (fold->folded_count == fold->folded_capacity) {
        size_t capacity = fold->folded_capacity ? fold->folded_capacity * 2 : 16;
        struct view_folded *folded = realloc(fold->folded, capacity * sizeof *folded);

        if (!folded)
            return false;
        fold->folded = folded;
        fold->folded_capacity = capacity;
    }
    if (!fold->free_change && fold->change_count == fold->change_capacity) {
        size_t capacity = fold->change_capacity ? fold->change_capacity * 2 : 16;
        struct view_fold_change *changes = realloc(fold->changes, capacity * sizeof *changes);

        if (!changes)
            return false;
        fold->changes = changes;
        fold->change_capacity = capacity;
    }
    return true;
}

/* There is room. Returns its place, from 1. */
static uint32_t take_change(struct view_fold *fold)
{
    uint32_t place = fold->free_change;

    if (!place)
        return (uint32_t)++fold->change_count;
    fold->free_change = fold->changes[place - 1].next;
    return place;
}

bool view_fold_add(struct view_fold *fold, uint32_t feed, uint32_t target, uint32_t seq,
                   bool withdrawal, uint32_t keys, struct view_dates dates)
{
    uint64_t key = view_table_key(feed, target);
    uint32_t place = view_table_get(&fold->places, key);
    struct view_folded *folded;
    uint32_t change;

    if (!make_room(fold))
        return false;
    if (!place) {
        place = (uint32_t)fold->folded_count + 1;
        if (!view_table_put(&fold->places, key, place))
            return false;
        fold->folded[fold->folded_count++] = (struct view_folded){0};
    }
    folded = &fold->folded[place - 1];
    change = take_change(fold);
    fold->changes[change - 1] = (struct view_fold_change){seq, folded->first};
    folded->first = change;
    if (withdrawal && (!folded->withdrawn_by || folded->withdrawn_by > seq))
        folded->withdrawn_by = seq;
    if (!withdrawal && folded->revised_by <= seq) {
        folded->revised_by = seq;
        folded->keys = keys;
        folded->dates = dates;
    }
    return true;
}

const struct view_folded *view_fold_get(const struct view_fold *fold, uint32_t feed,
                                        uint32_t target)
{
    uint32_t place = view_table_get(&fold->places, view_table_key(feed, target));

    return place ? &fold->folded[place - 1] : NULL;
}

void view_fold_forget(struct view_fold *fold, uint32_t feed, uint32_t target)
{
    uint32_t place = view_table_get(&fold->places, view_table_key(feed, target)), last;
    struct view_folded *folded = place ? &fold->folded[place - 1] : NULL;

    if (!folded)
        return;
    for (last = folded->first; last && fold->changes[last - 1].next;)
        last = fold->changes[last - 1].next;
    if (last) {
        fold->changes[last - 1].next = fold->free_change;
        fold->free_change = folded->first;
    }
    *folded = (struct view_folded){0};
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

int view_fold_changes(const struct view_fold *fold, const struct view_folded *folded,
                      uint32_t **seqs, size_t *count, struct error *error)
{
    size_t all = 0, kept = 0;
    uint32_t *found;

    *seqs = NULL;
    *count = 0;
    for (uint32_t at = folded->first; at; at = fold->changes[at - 1].next)
        all++;
    if (!all)
        return ERROR_NONE;
    found = malloc(all * sizeof *found);
    if (!found)
        return error_memory(error);
    all = 0;
    for (uint32_t at = folded->first; at; at = fold->changes[at - 1].next)
        found[all++] = fold->changes[at - 1].seq;
    qsort(found, all, sizeof *found, compare);
    for (size_t i = 0; i < all; i++)
        if (kept == 0 || found[kept - 1] != found[i])
            found[kept++] = found[i];
    *seqs = found;
    *count = kept;
    return ERROR_NONE;
}
