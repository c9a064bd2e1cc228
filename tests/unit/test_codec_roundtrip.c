/* Every message of every schema: YAML, bytes, JSON, bytes, YAML: unchanged. */
#include "common/codec.h"
#include "common/limits.h"
#include "proto/announcement.pb-c.h"
#include "proto/answer.pb-c.h"
#include "proto/config.pb-c.h"
#include "proto/control.pb-c.h"
#include "proto/feed.pb-c.h"
#include "proto/wire.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TYPES 256
#define ROUNDS 150

/* ---- all types ------------------------------------------------------------------------------- */

static const ProtobufCMessageDescriptor *types[MAX_TYPES];
static size_t type_count;

static void reach(const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < type_count; i++)
        if (types[i] == type)
            return;
    assert_true(type_count < MAX_TYPES);
    types[type_count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            reach(type->fields[i].descriptor);
}

/* What no other message holds. */
static void reach_all(void)
{
    static const ProtobufCMessageDescriptor *const roots[] = {
        &caravan__control_request__descriptor,
        &caravan__control_reply__descriptor,
        &caravan__empty__descriptor,
        &caravan__publish_request__descriptor,
        &caravan__revise_request__descriptor,
        &caravan__withdraw_request__descriptor,
        &caravan__publish_reply__descriptor,
        &caravan__list_request__descriptor,
        &caravan__list_reply__descriptor,
        &caravan__show_request__descriptor,
        &caravan__show_reply__descriptor,
        &caravan__history_request__descriptor,
        &caravan__history_reply__descriptor,
        &caravan__changes_request__descriptor,
        &caravan__changes_reply__descriptor,
        &caravan__coverage_request__descriptor,
        &caravan__coverage_reply__descriptor,
        &caravan__status_reply__descriptor,
        &caravan__read_request__descriptor,
        &caravan__read_reply__descriptor,
        &caravan__import_request__descriptor,
        &caravan__import_reply__descriptor,
        &caravan__resolve_request__descriptor,
        &caravan__resolve_reply__descriptor,
        &caravan__backup_request__descriptor,
        &caravan__backup_reply__descriptor,
        &caravan__dial_request__descriptor,
        &caravan__dial_reply__descriptor,
        &caravan__sync_message__descriptor,
        &caravan__config__descriptor,
        &caravan__announcement__descriptor,
        &caravan__entry__descriptor,
        &caravan__certificate__descriptor,
        &caravan__card__descriptor,
        &caravan__signed_card__descriptor,
        &caravan__head_statement__descriptor,
        &caravan__receipt_statement__descriptor,
        &caravan__revision__descriptor,
        &caravan__withdrawal__descriptor,
        &caravan__confirmation__descriptor,
        &caravan__proposal__descriptor,
        &caravan__outcome__descriptor,
        &caravan__interest__descriptor,
        &caravan__erasure__descriptor,
        &caravan__sealed__descriptor,
        &caravan__sealed_content__descriptor,
        &caravan__reader__descriptor,
        &caravan__prepare_request__descriptor,
        &caravan__prepare_reply__descriptor,
        &caravan__put_request__descriptor,
        &caravan__inbox_request__descriptor,
        &caravan__inbox_reply__descriptor,
        &caravan__mark_request__descriptor,
        &caravan__mark_reply__descriptor,
        &caravan__keys_request__descriptor,
        &caravan__keys_reply__descriptor,
        &caravan__certify_request__descriptor,
        &caravan__certify_reply__descriptor,
    };

    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        reach(roots[i]);
}

static bool is_reached(const char *name)
{
    for (size_t i = 0; i < type_count; i++)
        if (strcmp(types[i]->short_name, name) == 0)
            return true;
    return false;
}

static void test_codec_roundtrip__covers_every_message_of_the_schemas(void **state)
{
    char line[512], name[128];
    size_t found = 0;
    glob_t files;

    (void)state;
    assert_int_equal(glob(CARAVAN_SOURCE_DIR "/proto/*.proto", 0, NULL, &files), 0);
    assert_in_range(files.gl_pathc, 5, 100);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        FILE *file = fopen(files.gl_pathv[i], "r");

        assert_non_null(file);
        while (fgets(line, sizeof line, file)) {
            if (sscanf(line, "message %127s", name) != 1)
                continue;
            if (!is_reached(name))
                print_error("%s is not covered\n", name);
            assert_true(is_reached(name));
            found++;
        }
        fclose(file);
    }
    globfree(&files);
    assert_int_equal(found, type_count);
}

/* ---- random messages ------------------------------------------------------------------------- */

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* What YAML, JSON and short forms stumble over. */
static const char *const texts[] = {
    "",
    " ",
    "a",
    "NO",
    "no",
    "on",
    "y",
    "~",
    "null",
    "Null",
    "true",
    "free",
    "2024-08-01",
    "2024",
    "1.3",
    "26",
    "C",
    "0x1F",
    "1e3",
    "-5",
    "+7",
    ".5",
    "1_000",
    "12:30:45",
    "<<",
    "=",
    "a: b",
    "a:",
    ":a",
    "a #b",
    "#a",
    "- a",
    "-",
    "--- a",
    "? a",
    "[a",
    "{a}",
    "a, b",
    "'a'",
    "\"a\"",
    "`a`",
    "@a",
    "%a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "a\\b",
    "a\nb",
    "a\nb\n",
    "a\n\nb",
    "\na",
    "a\n\n",
    "  a\nb",
    "a\n  b",
    "a\n   \nb",
    "a\tb",
    "\ta",
    "a\r\nb",
    " a ",
    "a ",
    "\x01",
    "\x1B[31m",
    "\x7F",
    "\xC2\x85",
    "\xE2\x80\xA8",
    "\xE2\x80\xA9",
    "\xEF\xBB\xBF",
    "\xEF\xBF\xBF",
    "\xC2\xA0",
    "科技部",
    "ห้องปฏิบัติการ",
    "පර්යේෂණ",
    "Лаборатория",
    "🛰️",
    "en",
    "zh-Hant",
    "lang",
    "text",
    "machine",
    "from 2024",
    "up to 5",
    "5 CNY",
    "UTC",
    "Asia/Bangkok",
    "+07:00",
    "\"",
    "\\",
    "a\"b",
    "FORD",
    "NACE",
    "unknown(7)",
    "joint call",
    "... b",
    "a\n...\nb",
    "a\n--- b",
    "key: |",
    "NaN",
};

static char *random_text(struct arena *arena)
{
    const char *a = texts[draw(sizeof texts / sizeof texts[0])];
    const char *b = draw(4) ? "" : texts[draw(sizeof texts / sizeof texts[0])];
    char *text = arena_alloc(arena, strlen(a) + strlen(b) + 1);

    assert_non_null(text);
    memcpy(text, a, strlen(a));
    memcpy(text + strlen(a), b, strlen(b) + 1);
    return text;
}

static const char *random_language(void)
{
    static const char *const languages[] = {"en", "zh", "th", "no", "zh-Hant"};

    return languages[draw(5)];
}

static ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *type,
                                        struct arena *arena);

static uint64_t random_number(void)
{
    static const uint64_t numbers[] = {0, 1, 2, 12, 24, 100, 1024, 1 << 20, 2024, 9999, 1500000};

    switch (draw(3)) {
    case 0:
        return draw(13);
    case 1:
        return numbers[draw(sizeof numbers / sizeof numbers[0])];
    default:
        return draw(2) ? UINT64_MAX - draw(3) : draw(UINT64_MAX);
    }
}

static const char *special_text(const ProtobufCFieldDescriptor *field)
{
    static const char *const currencies[] = {"CNY", "JPY", "RUB", "BHD", "XXX", "cny"};

    if (strcmp(field->name, "currency") == 0)
        return currencies[draw(6)];
    if (strcmp(field->name, "lang") == 0 || strcmp(field->name, "language") == 0)
        return random_language();
    if (strcmp(field->name, "zone") == 0)
        return draw(2) ? "Asia/Bangkok" : "+07:00";
    return NULL;
}

static void random_value(const ProtobufCFieldDescriptor *field, void *slot, struct arena *arena)
{
    const ProtobufCEnumDescriptor *names = field->descriptor;
    ProtobufCBinaryData *bytes = slot;
    const char *special;
    uint64_t number = random_number();

    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)slot = random_message(field->descriptor, arena);
        break;
    case PROTOBUF_C_TYPE_STRING:
        special = draw(4) ? special_text(field) : NULL;
        *(const char **)slot = special ? special : random_text(arena);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        bytes->len = draw(3) ? (size_t)draw(40) : 0;
        bytes->data = arena_alloc(arena, bytes->len + 1);
        for (size_t i = 0; i < bytes->len; i++)
            bytes->data[i] = (uint8_t)draw(256);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int32_t *)slot = names->values[draw(names->n_values)].value;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)slot = draw(2) != 0;
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)slot = draw(8) ? (float)(int64_t)number / 7.0f : 1.0f / 0.0f;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)slot = draw(8) ? (double)(int64_t)number / 7.0 : -1.0 / 0.0;
        break;
    default:
        memcpy(slot, &number, reflect_size(field));
    }
}

/* Dates that exist, so that their short forms are used, too. */
static void fix_date(ProtobufCMessage *message)
{
    Caravan__Date *date = (Caravan__Date *)message;

    if (message->descriptor != &caravan__date__descriptor || !draw(3))
        return;
    date->has_year = true;
    date->year = (uint32_t)(1990 + draw(50));
    date->has_month = draw(3) != 0;
    date->month = date->has_month ? (uint32_t)(1 + draw(12)) : 0;
    date->has_day = date->has_month && draw(3);
    date->day = date->has_day ? (uint32_t)(1 + draw(28)) : 0;
}

static void fix_instant(ProtobufCMessage *message, struct arena *arena)
{
    Caravan__Instant *instant = (Caravan__Instant *)message;

    if (message->descriptor != &caravan__instant__descriptor || !draw(3))
        return;
    instant->date = (Caravan__Date *)random_message(&caravan__date__descriptor, arena);
    instant->has_minute = instant->has_hour;
    instant->hour %= 24;
    instant->minute %= 60;
    instant->second %= 60;
}

/* The one thing that YAML cannot say: details of another kind than `kind`. */
static void fix_kind(ProtobufCMessage *message, struct arena *arena)
{
    Caravan__Announcement *announcement = (Caravan__Announcement *)message;
    const ProtobufCFieldDescriptor *member;
    void *slot;

    if (message->descriptor != &caravan__announcement__descriptor)
        return;
    announcement->has_kind = true;
    announcement->kind = (Caravan__Kind)(1 + draw(7));
    member = codec_details(message->descriptor, (int)announcement->kind);
    slot = reflect_room(message, member, 1, arena);
    *(ProtobufCMessage **)slot = random_message(member->descriptor, arena);
}

static ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
    ProtobufCMessage *message = reflect_new(type, arena);
    unsigned sparse = 1 + (unsigned)draw(type->n_fields > 6 ? 8 : 3);

    assert_non_null(message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        size_t count = field->label == PROTOBUF_C_LABEL_REPEATED ? (size_t)(1 + draw(3)) : 1;
        uint8_t *slot;

        if (draw(sparse))
            continue;
        slot = reflect_room(message, field, count, arena);
        assert_non_null(slot);
        for (size_t k = 0; k < count; k++)
            random_value(field, slot + k * reflect_size(field), arena);
    }
    fix_date(message);
    fix_instant(message, arena);
    fix_kind(message, arena);
    return message;
}

/* ---- the way there and back ------------------------------------------------------------------ */

typedef int (*reader)(const ProtobufCMessageDescriptor *, struct span, struct arena *,
                      struct codec_places *, ProtobufCMessage **, struct problem_list *);

static ProtobufCMessage *read_back(reader read, const ProtobufCMessageDescriptor *type,
                                   struct buffer *text, struct arena *arena)
{
    struct problem_list problems = {0};
    ProtobufCMessage *message = NULL;
    struct buffer report = {0};

    if (read(type, buffer_span(text), arena, NULL, &message, &problems)) {
        problem_list_print(&problems, type->short_name, &report);
        fprintf(stderr, "%s\n%s", buffer_text(text), buffer_text(&report));
        fail();
    }
    problem_list_finish(&problems);
    return message;
}

static void assert_same(const ProtobufCMessage *a, const ProtobufCMessage *b, struct buffer *text)
{
    struct buffer packed[2] = {{0}, {0}};

    assert_true(codec_pack(a, &packed[0]) && codec_pack(b, &packed[1]));
    if (!span_equal(buffer_span(&packed[0]), buffer_span(&packed[1]))) {
        struct buffer before = {0}, after = {0};

        codec_write_json(a, &before);
        codec_write_json(b, &after);
        fprintf(stderr, "%s changed on the way:\n%s\nbefore: %s\nafter:  %s\n",
                a->descriptor->short_name, buffer_text(text), buffer_text(&before),
                buffer_text(&after));
        buffer_finish(&before);
        buffer_finish(&after);
    }
    assert_true(span_equal(buffer_span(&packed[0]), buffer_span(&packed[1])));
    buffer_finish(&packed[0]);
    buffer_finish(&packed[1]);
}

static void go_round(const ProtobufCMessageDescriptor *type)
{
    struct buffer yaml = {0}, json = {0}, again = {0};
    ProtobufCMessage *message, *back;
    struct arena arena;

    arena_init(&arena, 4 * (size_t)LIMIT_ARENA_SIZE);
    message = random_message(type, &arena);
    assert_true(codec_write_yaml(message, &yaml));
    back = read_back(codec_read_yaml, type, &yaml, &arena);
    assert_same(message, back, &yaml);
    assert_true(codec_write_json(back, &json));
    back = read_back(codec_read_json, type, &json, &arena);
    assert_same(message, back, &json);
    assert_true(codec_write_yaml(back, &again));
    assert_string_equal(buffer_text(&yaml), buffer_text(&again));
    buffer_finish(&yaml);
    buffer_finish(&json);
    buffer_finish(&again);
    arena_finish(&arena);
}

static void test_codec_roundtrip__changes_no_message(void **state)
{
    const char *chosen = getenv("CARAVAN_SEED");
    uint64_t start = chosen ? strtoull(chosen, NULL, 10) : 20261123;

    (void)state;
    for (size_t i = 0; i < type_count; i++)
        for (uint64_t round = 0; round < ROUNDS; round++) {
            seed = (start + i * ROUNDS + round) * 0x9E3779B97F4A7C15u | 1;
            go_round(types[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_roundtrip__covers_every_message_of_the_schemas),
        cmocka_unit_test(test_codec_roundtrip__changes_no_message),
    };

    reach_all();
    return cmocka_run_group_tests_name("codec_roundtrip", tests, NULL, NULL);
}
