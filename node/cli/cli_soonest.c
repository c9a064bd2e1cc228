#include "node/cli/cli_soonest.h"

#include <stdlib.h>
#include <string.h>

#include "common/codec.h"
#include "common/guard.h"

struct cli_soonest_item {
    uint64_t closes_ms, arrival;
    struct buffer bytes;
};

void cli_soonest_finish(struct cli_soonest *soonest)
{
    for (size_t i = 0; i < soonest->count; i++)
        buffer_finish(&soonest->items[i].bytes);
    free(soonest->items);
    *soonest = (struct cli_soonest){.limit = soonest->limit};
}

/* Of two that close at one moment, the newer one first, as in other lists. */
static int compare(const void *a, const void *b)
{
    const struct cli_soonest_item *left = a, *right = b;

    if (left->closes_ms != right->closes_ms)
        return left->closes_ms < right->closes_ms ? -1 : 1;
    return left->arrival > right->arrival ? -1 : left->arrival < right->arrival;
}

static void sort(struct cli_soonest *soonest)
{
    if (soonest->count)
        qsort(soonest->items, soonest->count, sizeof *soonest->items, compare);
    while (soonest->limit && soonest->count > soonest->limit)
        buffer_finish(&soonest->items[--soonest->count].bytes);
}

static bool add_one(struct cli_soonest *soonest, const Caravan__Item *item)
{
    struct cli_soonest_item *one;

    if (soonest->count == soonest->capacity) {
        size_t capacity = soonest->capacity ? soonest->capacity * 2 : 64;

        one = realloc(soonest->items, capacity * sizeof *one);
        if (!one)
            return false;
        soonest->items = one;
        soonest->capacity = capacity;
    }
    one = &soonest->items[soonest->count];
    *one = (struct cli_soonest_item){
        item->has_closes_ms ? item->closes_ms : UINT64_MAX, item->arrival, {0}};
    if (!codec_pack(&item->base, &one->bytes)) {
        buffer_finish(&one->bytes);
        return false;
    }
    soonest->count++;
    return true;
}

int cli_soonest_add(struct cli_soonest *soonest, Caravan__Item *const *items, size_t count,
                    struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!add_one(soonest, items[i]))
            return error_memory(error);
    sort(soonest);
    return ERROR_NONE;
}

const Caravan__Item *cli_soonest_get(const struct cli_soonest *soonest, size_t index,
                                     struct arena *arena)
{
    ProtobufCMessage *message;

    if (guard_unpack(&caravan__item__descriptor, buffer_span(&soonest->items[index].bytes),
                     &guard_limits_message, arena, &message, NULL))
        return NULL;
    return (const Caravan__Item *)message;
}
