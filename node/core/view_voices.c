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

/* From this place in items on; forgotten ones are passed over. */
static const struct view_voice *said_from(const struct view_voices *voices, uint32_t place)
{
    while (place && !voices->items[place - 1].seq)
        place = voices->items[place - 1].next;
    return place ? &voices->items[place - 1] : NULL;
}

const struct view_voice *view_voices_first(const struct view_voices *voices, uint64_t announcement)
{
    return said_from(voices, view_table_get(&voices->first, announcement));
}

const struct view_voice *view_voices_next(const struct view_voices *voices,
                                          const struct view_voice *voice)
{
    return said_from(voices, voice->next);
}

/* Its place in items, also when it is forgotten. */
static uint32_t place_of(const struct view_voices *voices, uint64_t announcement, uint32_t feed,
                         uint32_t type)
{
    uint32_t place = view_table_get(&voices->first, announcement);

    while (place &&
           (voices->items[place - 1].feed != feed || voices->items[place - 1].type != type))
        place = voices->items[place - 1].next;
    return place;
}

const struct view_voice *view_voices_find(const struct view_voices *voices, uint64_t announcement,
                                          uint32_t feed, uint32_t type)
{
    uint32_t place = place_of(voices, announcement, feed, type);

    return place && voices->items[place - 1].seq ? &voices->items[place - 1] : NULL;
}

void view_voices_forget(struct view_voices *voices, uint32_t feed)
{
    for (size_t i = 0; i < voices->count; i++)
        if (voices->items[i].feed == feed)
            voices->items[i].seq = 0;
}

bool view_voices_add(struct view_voices *voices, uint64_t announcement, uint32_t feed, uint32_t seq,
                     uint32_t type)
{
    uint32_t place = place_of(voices, announcement, feed, type), before;

    if (place) {
        struct view_voice *known = &voices->items[place - 1];

        known->seq = known->seq < seq ? seq : known->seq;
        return true;
    }
    before = view_table_get(&voices->first, announcement);
    if (!make_room(voices) ||
        !view_table_put(&voices->first, announcement, (uint32_t)voices->count + 1))
        return false;
    voices->items[voices->count++] = (struct view_voice){feed, seq, type, before};
    return true;
}
