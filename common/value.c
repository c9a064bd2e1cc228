#include "common/value.h"

#include <string.h>

struct value *value_new(struct arena *arena, enum value_kind kind)
{
    struct value *value = arena_alloc(arena, sizeof *value);

    if (value) {
        value->kind = kind;
        value->text = "";
    }
    return value;
}

struct value *value_new_text(struct arena *arena, enum value_kind kind, const char *text,
                             size_t size)
{
    struct value *value = value_new(arena, kind);
    char *copy = arena_copy_text(arena, text, size);

    if (!value || !copy)
        return NULL;
    value->text = copy;
    value->size = size;
    return value;
}

void value_append(struct value *parent, struct value *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

const struct value *value_get(const struct value *map, const char *key)
{
    for (const struct value *child = map->first; child; child = child->next)
        if (child->key && strcmp(child->key, key) == 0)
            return child;
    return NULL;
}
