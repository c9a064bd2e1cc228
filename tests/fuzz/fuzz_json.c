/* JSON: an announcement, and any message of the control link's. */
#include "common/codec.h"
#include "common/limits.h"
#include "proto/announcement.pb-c.h"
#include "proto/control.pb-c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(const ProtobufCMessageDescriptor *type, struct span text)
{
    struct problem_list problems = {0};
    struct buffer json = {0}, again = {0};
    ProtobufCMessage *message = NULL, *back = NULL;
    struct arena arena;

    arena_init(&arena, 4 * (size_t)LIMIT_ARENA_SIZE);
    if (codec_read_json(type, text, &arena, NULL, &message, &problems) == 0) {
        if (!codec_write_json(message, &json))
            abort();
        if (json.size <= LIMIT_YAML_SIZE &&
            (codec_read_json(type, buffer_span(&json), &arena, NULL, &back, NULL) ||
             !codec_write_json(back, &again) ||
             !span_equal(buffer_span(&json), buffer_span(&again))))
            abort();
    } else if (problems.errors == 0) {
        abort(); /* refused without a reason */
    }
    buffer_finish(&json);
    buffer_finish(&again);
    problem_list_finish(&problems);
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as(&caravan__announcement__descriptor, span_of(data, size));
    read_as(&caravan__status_reply__descriptor, span_of(data, size));
    return 0;
}
