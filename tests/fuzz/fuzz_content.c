/* The bytes of an announcement as a peer may send them: guard, unpack, check, show. */
#include "common/announcement.h"
#include "common/guard.h"
#include "common/limits.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* JSON says everything that this version knows, so that it can be read back. */
static void check_json(const ProtobufCMessage *message)
{
    struct buffer json = {0}, again = {0};
    ProtobufCMessage *back = NULL;
    struct arena arena;

    arena_init(&arena, 4 * (size_t)LIMIT_ARENA_SIZE);
    if (!codec_write_json(message, &json))
        abort();
    if (json.size <= LIMIT_YAML_SIZE) {
        if (codec_read_json(message->descriptor, buffer_span(&json), &arena, NULL, &back, NULL))
            abort();
        if (!codec_write_json(back, &again) || !span_equal(buffer_span(&json), buffer_span(&again)))
            abort();
    }
    buffer_finish(&json);
    buffer_finish(&again);
    arena_finish(&arena);
}

/* YAML may hold what is no input ("unknown(7)"); what is read back must be the same. A message with
 * unknown fields has no short form, since that says everything; without them it may have one. */
static void check_yaml(const ProtobufCMessage *message)
{
    struct buffer yaml = {0}, again = {0};
    ProtobufCMessage *back = NULL;
    struct arena arena;

    arena_init(&arena, 4 * (size_t)LIMIT_ARENA_SIZE);
    if (!codec_write_yaml(message, &yaml))
        abort();
    if (reflect_unknown(message) == 0 &&
        codec_read_yaml(message->descriptor, buffer_span(&yaml), &arena, NULL, &back, NULL) == 0) {
        if (!codec_write_yaml(back, &again))
            abort();
        if (!span_equal(buffer_span(&yaml), buffer_span(&again)))
            abort();
    }
    buffer_finish(&yaml);
    buffer_finish(&again);
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct moment_date today = {2026, 11, 23};
    struct problem_list problems = {0};
    ProtobufCMessage *message = NULL;
    struct error error = {0};
    struct arena arena;

    if (size > LIMIT_CONTENT_SIZE)
        return 0;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__announcement__descriptor, span_of(data, size), &guard_limits_content,
                     &arena, &message, &error) == 0) {
        const Caravan__Announcement *announcement = (const Caravan__Announcement *)message;

        announcement_showable(announcement, &error);
        announcement_state_at(announcement, 1800000000000);
        announcement_title(announcement, "th");
        announcement_check(announcement, &today, NULL, &problems);
        check_json(message);
        check_yaml(message);
    } else if (error.code == ERROR_NONE || !error.text[0]) {
        abort(); /* refused without a reason */
    }
    problem_list_finish(&problems);
    arena_finish(&arena);
    return 0;
}
