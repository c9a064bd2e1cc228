/* arena: memory with a cap, given back all at once.
 *
 * What a peer sends may cost 65 times its size once unpacked, so it is unpacked into an arena: the
 * cap bounds it, and one arena_finish releases a message and everything in it. Never call
 * protobuf_c_message_free_unpacked on a message that lives in an arena.
 *
 * Ownership: everything returned is borrowed from the arena and ends with it. Threads: one at a
 * time. */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include "common/bytes.h"

#include <protobuf-c/protobuf-c.h>

struct arena {
    struct arena_block *blocks;
    size_t used;                  /* bytes taken from the system */
    size_t limit;                 /* … never above this */
    bool over_limit;              /* something did not fit under the cap */
    bool no_memory;               /* the system had no more */
    ProtobufCAllocator allocator; /* hand &arena.allocator to protobuf-c */
};

/* limit in bytes; LIMIT_ARENA_SIZE is the usual one. The struct must not be moved or copied after.
 */
void arena_init(struct arena *arena, size_t limit);
/* Gives all memory back. A zeroed or finished arena is fine. Must be initialised again before use.
 */
void arena_finish(struct arena *arena);

/* Zeroed memory, aligned for any type; NULL when the cap is reached (arena->over_limit is then
 * true) or the system has no more (arena->no_memory). */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy with a NUL behind it; NULL as above. */
char *arena_copy_text(struct arena *arena, const void *text, size_t size);

#endif
