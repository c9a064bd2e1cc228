#include "common/erasure.h"

#include "common/guard.h"

#include <stdlib.h>

#define ERASURE CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE

void erasure_list_finish(struct erasure_list *list)
{
    free(list->orders);
    *list = (struct erasure_list){0};
}

static bool add(struct erasure_list *list, uint64_t seq, uint64_t by)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        struct erasure_order *orders = realloc(list->orders, capacity * sizeof *orders);

        if (!orders)
            return false;
        list->orders = orders;
        list->capacity = capacity;
    }
    list->orders[list->count++] = (struct erasure_order){seq, by};
    return true;
}

static int read_order(const struct entry *entry, struct erasure_list *list, struct error *error)
{
    const Caravan__Erasure *erasure;
    ProtobufCMessage *message;
    struct arena arena;
    int code;

    if (entry->content_type != ERASURE || !entry->has_content || entry->min_reader > ERASURE_READER)
        return ERROR_NONE;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__erasure__descriptor, entry->content, &guard_limits_content,
                        &arena, &message, NULL);
    erasure = (const Caravan__Erasure *)message;
    for (size_t i = 0; !code && i < erasure->n_seq; i++)
        if (erasure->seq[i] && erasure->seq[i] < entry->seq &&
            !add(list, erasure->seq[i], entry->seq))
            code = ERROR_MEMORY;
    arena_finish(&arena);
    return code == ERROR_MEMORY ? error_memory(error) : ERROR_NONE;
}

static int compare(const void *a, const void *b)
{
    const struct erasure_order *left = a, *right = b;

    if (left->seq != right->seq)
        return left->seq < right->seq ? -1 : 1;
    return left->by < right->by ? -1 : left->by > right->by;
}

/* In order of seq, and of several orders for one the first. */
static void put_in_order(struct erasure_list *list)
{
    size_t kept = 0;

    if (!list->count)
        return;
    qsort(list->orders, list->count, sizeof *list->orders, compare);
    for (size_t i = 0; i < list->count; i++)
        if (!kept || list->orders[kept - 1].seq != list->orders[i].seq)
            list->orders[kept++] = list->orders[i];
    list->count = kept;
}

int erasure_list_read(struct erasure_list *list, const struct entry *entries, size_t count,
                      struct error *error)
{
    size_t before = list->count;
    int code = ERROR_NONE;

    for (size_t i = 0; i < count && !code; i++)
        code = read_order(&entries[i], list, error);
    if (list->count != before)
        put_in_order(list);
    return code;
}

/* The first one that is not below seq. */
static size_t place_of(const struct erasure_list *list, uint64_t seq)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->orders[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t erasure_list_by(const struct erasure_list *list, uint64_t seq)
{
    size_t place = place_of(list, seq);

    return place < list->count && list->orders[place].seq == seq ? list->orders[place].by : 0;
}
