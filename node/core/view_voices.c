#include "node/core/view_voices.h"

#include <stdlib.h>

void view_voices_finish(struct view_voices *voices)
{
    view_table_finish(&voices->first);
    free(voices->items);
    *voices = (struct view_voices){0};
}

static bool make_room(struct view_voices *voices)
{
    size_t capacity = voices->capacity ? voices->capacity * 2 : 16;
    struct view_voice *items;

    if (voices->count < voices->capacity)
        return true;
    items = realloc(voices->items, capacity * sizeof *items);
    if (!items)
        return false;
    voices->items = items;
    voices->capacity = capacity;
    return true;
}

const struct view_voice *view_voices_first(const struct view_voices *voices, uint64_t announcement)
{
    uint32_t place = view_table_get(&voices->first, announcement);

    return place ? &voices->items[place - 1] : NULL;
}

const struct view_voice *view_voices_next(const struct view_voices *voices,
                                          const struct view_voice *voice)
{
    return voice->next ? &voices->items[voice->next - 1] : NULL;
}

const struct view_voice *view_voices_find(const struct view_voices *voices, uint64_t announcement,
                                          uint32_t feed, uint32_t type)
{
    const struct view_voice *voice = view_voices_first(voices, announcement);

    while (voice && (voice->feed != feed || voice->type != type))
        voice = view_voices_next(voices, voice);
    return voice;
}

bool view_voices_add(struct view_voices *voices, uint64_t announcement, uint32_t feed, uint32_t seq,
                     uint32_t type)
{
    const struct view_voice *known = view_voices_find(voices, announcement, feed, type);
    uint32_t before;

    if (known) {
        struct view_voice *own = &voices->items[known - voices->items];

        own->seq = own->seq < seq ? seq : own->seq;
        return true;
    }
    before = view_table_get(&voices->first, announcement);
    if (!make_room(voices) ||
        !view_table_put(&voices->first, announcement, (uint32_t)voices->count + 1))
        return false;
    voices->items[voices->count++] = (struct view_voice){feed, seq, type, before};
    return true;
}
