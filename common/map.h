/* map: from a 32-byte id to a pointer; open addressing, grows, never shrinks. The map borrows what
 * it points to. Ids are hashes and public keys, but a peer may choose them: slots are found with a
 * keyed mix so that nobody can aim at one. Threads: no shared state; lock outside. */
#ifndef COMMON_MAP_H
#define COMMON_MAP_H

#include "common/bytes.h"

struct map_slot {
    struct id key;
    void *value; /* NULL: free */
};

/* Zeroed is a valid empty map. */
struct map {
    struct map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
};

void map_finish(struct map *map);
void *map_get(const struct map *map, const struct id *key); /* NULL when absent */
/* Sets or replaces; value must not be NULL. false when memory ran out: nothing changed. */
bool map_put(struct map *map, const struct id *key, void *value);
void *map_remove(struct map *map, const struct id *key); /* what was there, or NULL */
/* Walks all values: start with *at = 0; NULL at the end. Don't change the map meanwhile. */
void *map_next(const struct map *map, size_t *at);

#endif
