/* Two announcements as a peer may send them, one after the other (two bytes say where the first one
 * ends): what has changed is found, and nothing is said to have changed only when nothing has. */
#include "common/codec.h"
#include "common/difference.h"
#include "common/guard.h"
#include "common/limits.h"
#include "common/utf8.h"
#include "proto/announcement.pb-c.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool is_same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    struct buffer bytes[2] = {{0}, {0}};
    bool same;

    require(codec_pack(a, &bytes[0]) && codec_pack(b, &bytes[1]));
    same = span_equal(buffer_span(&bytes[0]), buffer_span(&bytes[1]));
    buffer_finish(&bytes[0]);
    buffer_finish(&bytes[1]);
    return same;
}

/* The pieces make up both texts again. */
static void check_text(const struct difference_change *change)
{
    struct difference_piece *pieces = NULL;
    struct buffer texts[2] = {{0}, {0}};
    struct arena arena;
    size_t count = 0;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    require(difference_text(change->before, change->after, &arena, &pieces, &count));
    for (size_t i = 0; i < count; i++) {
        require(!pieces[i].same || span_equal(pieces[i].before, pieces[i].after));
        require(buffer_append(&texts[0], pieces[i].before.data, pieces[i].before.size) &&
                buffer_append(&texts[1], pieces[i].after.data, pieces[i].after.size));
    }
    require(strcmp(buffer_text(&texts[0]), change->before) == 0);
    require(strcmp(buffer_text(&texts[1]), change->after) == 0);
    buffer_finish(&texts[0]);
    buffer_finish(&texts[1]);
    arena_finish(&arena);
}

static void check_list(const struct difference_list *list)
{
    struct buffer json = {0};

    require(difference_write_json(list, &json) && utf8_check(buffer_span(&json)) == json.size);
    for (size_t i = 0; i < list->count; i++) {
        const struct difference_change *change = &list->items[i];

        require(change->path[0] && strlen(change->path) < DIFFERENCE_PATH_SIZE);
        require(change->before || change->after);
        if (change->before && change->after)
            check_text(change);
    }
    buffer_finish(&json);
}

static size_t compare(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    struct difference_list list = {0};
    struct arena arena;
    size_t count;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    require(difference_find(a, b, NULL, &arena, &list, NULL) == ERROR_NONE);
    check_list(&list);
    count = list.count;
    arena_finish(&arena);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ProtobufCMessage *messages[2] = {NULL, NULL};
    size_t first = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
    struct arena arena;

    if (size < 2 || first > size - 2 || size - 2 - first > LIMIT_CONTENT_SIZE)
        return 0;
    arena_init(&arena, 2 * LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__announcement__descriptor, span_of(data + 2, first),
                     &guard_limits_content, &arena, &messages[0], NULL) == 0 &&
        guard_unpack(&caravan__announcement__descriptor,
                     span_of(data + 2 + first, size - 2 - first), &guard_limits_content, &arena,
                     &messages[1], NULL) == 0) {
        bool same = is_same(messages[0], messages[1]);

        require((compare(messages[0], messages[1]) == 0) == same);
        require((compare(messages[1], messages[0]) == 0) == same);
        require(compare(messages[0], messages[0]) == 0);
    }
    arena_finish(&arena);
    return 0;
}
