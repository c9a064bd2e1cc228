/* What people write: an announcement, and a configuration, from the same bytes. */
#include "common/announcement.h"
#include "common/limits.h"
#include "proto/config.pb-c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What could be read is written and read again, and is the same. */
static void check_same(const ProtobufCMessage *message)
{
    struct buffer text = {0}, bytes[2] = {{0}, {0}};
    ProtobufCMessage *back = NULL;
    struct arena arena;

    arena_init(&arena, 4 * (size_t)LIMIT_ARENA_SIZE);
    if (!codec_write_yaml(message, &text))
        abort();
    if (text.size <= LIMIT_YAML_SIZE) {
        if (codec_read_yaml(message->descriptor, buffer_span(&text), &arena, NULL, &back, NULL))
            abort();
        if (!codec_pack(message, &bytes[0]) || !codec_pack(back, &bytes[1]) ||
            !span_equal(buffer_span(&bytes[0]), buffer_span(&bytes[1])))
            abort();
    }
    buffer_finish(&text);
    buffer_finish(&bytes[0]);
    buffer_finish(&bytes[1]);
    arena_finish(&arena);
}

static void read_as(const ProtobufCMessageDescriptor *type, struct span text)
{
    struct problem_list problems = {0};
    struct codec_places places = {0};
    ProtobufCMessage *message = NULL;
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (codec_read_yaml(type, text, &arena, &places, &message, &problems) == 0) {
        check_same(message);
    } else if (problems.errors == 0) {
        abort(); /* refused without a reason */
    }
    codec_places_finish(&places);
    problem_list_finish(&problems);
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct moment_date today = {2026, 11, 23};
    struct span text = span_of(data, size);
    struct problem_list problems = {0};
    Caravan__Announcement *announcement = NULL;
    struct buffer report = {0};
    struct arena arena;

    read_as(&caravan__announcement__descriptor, text);
    read_as(&caravan__config__descriptor, text);
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (announcement_read(text, &today, &arena, &announcement, NULL, &problems) == 0) {
        if (announcement_showable(announcement, NULL))
            abort(); /* may be published, but not shown */
        announcement_state_at(announcement, 1800000000000);
    }
    problem_list_print(&problems, "f", &report);
    problem_list_finish(&problems);
    buffer_finish(&report);
    arena_finish(&arena);
    return 0;
}
