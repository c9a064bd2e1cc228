#include "node/core/view_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CAPACITY_FIRST 64

static uint64_t mix(uint64_t x)
{
    /* splitmix64's finaliser */
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void make_seed(struct view_table *table)
{
    if (table->seed)
        return;
    if (getrandom(&table->seed, sizeof table->seed, 0) < 0)
        table->seed = (uintptr_t)table;
    table->seed |= 1; /* 0 stands for none */
}

/* The slot that holds the key, or the free one where it would go. Needs a free slot. */
static size_t find(const struct view_table *table, uint64_t key)
{
    size_t at = (size_t)mix(key ^ table->seed) & (table->capacity - 1);

    while (table->keys[at] && table->keys[at] != key)
        at = (at + 1) & (table->capacity - 1);
    return at;
}

static bool grow(struct view_table *table)
{
    struct view_table bigger = {.capacity = table->capacity ? table->capacity * 2 : CAPACITY_FIRST,
                                .count = table->count};

    make_seed(table);
    bigger.seed = table->seed;
    bigger.keys = calloc(bigger.capacity, sizeof *bigger.keys);
    bigger.values = malloc(bigger.capacity * sizeof *bigger.values);
    if (!bigger.keys || !bigger.values) {
        view_table_finish(&bigger);
        return false;
    }
    for (size_t i = 0; i < table->capacity; i++) {
        size_t at;

        if (!table->keys[i])
            continue;
        at = find(&bigger, table->keys[i]);
        bigger.keys[at] = table->keys[i];
        bigger.values[at] = table->values[i];
    }
    free(table->keys);
    free(table->values);
    *table = bigger;
    return true;
}

void view_table_finish(struct view_table *table)
{
    free(table->keys);
    free(table->values);
    *table = (struct view_table){0};
}

uint64_t view_table_key(uint32_t feed, uint32_t seq)
{
    return (uint64_t)feed << 32 | seq;
}

uint32_t view_table_get(const struct view_table *table, uint64_t key)
{
    size_t at;

    if (!table->count)
        return 0;
    at = find(table, key);
    return table->keys[at] ? table->values[at] : 0;
}

bool view_table_put(struct view_table *table, uint64_t key, uint32_t value)
{
    size_t at;

    at = table->count ? find(table, key) : 0;
    if (table->count && table->keys[at]) {
        table->values[at] = value;
        return true;
    }
    if (table->count * 4 >= table->capacity * 3) {
        if (!grow(table))
            return false;
        at = find(table, key);
    }
    table->count++;
    table->keys[at] = key;
    table->values[at] = value;
    return true;
}

uint64_t view_table_hash(struct view_table *table, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash;

    make_seed(table);
    hash = mix(table->seed + size);
    for (size_t done = 0; done < size; done += 8) {
        uint64_t part = 0;

        memcpy(&part, at + done, size - done < 8 ? size - done : 8);
        hash = mix(hash ^ part);
    }
    return hash | 1; /* 0 is no key */
}
