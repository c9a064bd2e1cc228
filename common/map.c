#include "common/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t mix(uint64_t x)
{
    /* splitmix64's finaliser */
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static size_t slot_of(const struct map *map, const struct id *key)
{
    uint64_t part[4], hash = map->seed;

    memcpy(part, key->bytes, sizeof part);
    for (int i = 0; i < 4; i++)
        hash = mix(hash ^ part[i]);
    return (size_t)hash & (map->capacity - 1);
}

/* The slot that holds the key, or the free one where it would go. Needs a free slot. */
static struct map_slot *find(const struct map *map, const struct id *key)
{
    size_t at = slot_of(map, key);

    while (map->slots[at].value && !id_equal(&map->slots[at].key, key))
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

static bool grow(struct map *map)
{
    struct map bigger = {.capacity = map->capacity ? map->capacity * 2 : 16, .seed = map->seed};

    if (!map->capacity && getrandom(&bigger.seed, sizeof bigger.seed, 0) < 0)
        bigger.seed = (uintptr_t)map;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].value)
            *find(&bigger, &map->slots[i].key) = map->slots[i];
    bigger.count = map->count;
    free(map->slots);
    *map = bigger;
    return true;
}

void map_finish(struct map *map)
{
    if (!map)
        return;
    free(map->slots);
    *map = (struct map){0};
}

void *map_get(const struct map *map, const struct id *key)
{
    return map->capacity ? find(map, key)->value : NULL;
}

bool map_put(struct map *map, const struct id *key, void *value)
{
    struct map_slot *slot;

    if ((map->count + 1) * 4 > map->capacity * 3 && !grow(map))
        return false;
    slot = find(map, key);
    if (!slot->value)
        map->count++;
    slot->key = *key;
    slot->value = value;
    return true;
}

void *map_remove(struct map *map, const struct id *key)
{
    struct map_slot *slot;
    void *value;
    size_t hole, at;

    if (!map->capacity)
        return NULL;
    slot = find(map, key);
    value = slot->value;
    if (!value)
        return NULL;
    slot->value = NULL;
    map->count--;
    /* Close the gap: later members of the chain move back to where a search would stop. */
    hole = (size_t)(slot - map->slots);
    for (at = (hole + 1) & (map->capacity - 1); map->slots[at].value;
         at = (at + 1) & (map->capacity - 1)) {
        size_t home = slot_of(map, &map->slots[at].key);

        if (((at - home) & (map->capacity - 1)) >= ((at - hole) & (map->capacity - 1))) {
            map->slots[hole] = map->slots[at];
            map->slots[at].value = NULL;
            hole = at;
        }
    }
    return value;
}

void *map_next(const struct map *map, size_t *at)
{
    while (*at < map->capacity) {
        void *value = map->slots[(*at)++].value;

        if (value)
            return value;
    }
    return NULL;
}
