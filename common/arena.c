#include "common/arena.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 4096
#define ALIGNMENT _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used;
    _Alignas(max_align_t) uint8_t data[];
};

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void release(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){.limit = limit};
    arena->allocator = (ProtobufCAllocator){allocate, release, arena};
}

void arena_finish(struct arena *arena)
{
    struct arena_block *block, *next;

    if (!arena)
        return;
    for (block = arena->blocks; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct arena){0};
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    size_t total = sizeof(struct arena_block) + room;
    struct arena_block *block;

    if (total > arena->limit - arena->used) { /* a small remainder is still worth using */
        room = size;
        total = sizeof(struct arena_block) + room;
    }
    if (total > arena->limit - arena->used) {
        arena->over_limit = true;
        return NULL;
    }
    block = malloc(total);
    if (!block) {
        arena->no_memory = true;
        return NULL;
    }
    block->size = room;
    block->used = 0;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->used += total;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    void *result;

    if (size > arena->limit) {
        arena->over_limit = true;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!block || block->size - block->used < size)
        block = add_block(arena, size);
    if (!block)
        return NULL;
    result = block->data + block->used;
    block->used += size;
    return memset(result, 0, size);
}

char *arena_copy_text(struct arena *arena, const void *text, size_t size)
{
    char *copy = size < SIZE_MAX ? arena_alloc(arena, size + 1) : NULL;

    if (copy && size)
        memcpy(copy, text, size);
    return copy;
}
