/* From a tree of values to a message. */
#include "common/codec.h"
#include "common/codec_parts.h"
#include "proto/feed.pb-c.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS 256

/* ---- problems and places --------------------------------------------------------------------- */

void codec_problem(struct codec_reader *reader, const struct value *at, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list args;

    reader->errors++;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problem_add(reader->problems, PROBLEM_ERROR, at->line, at->column, reader->path, "%s", text);
}

/* Memory is full, or there are more problems than are kept: reading on serves nobody. */
bool codec_stops(const struct codec_reader *reader)
{
    return reader->out_of_memory || reader->errors >= PROBLEM_LIMIT;
}

bool codec_full(struct codec_reader *reader)
{
    reader->out_of_memory = true;
    return false;
}

static void describe(const struct value *value, char out[80])
{
    int cut = value->size > 40 ? 40 : (int)value->size;

    while (cut > 0 && (size_t)cut < value->size && ((unsigned char)value->text[cut] & 0xC0) == 0x80)
        cut--;
    switch (value->kind) {
    case VALUE_LIST:
        snprintf(out, 80, "a list");
        break;
    case VALUE_MAP:
        snprintf(out, 80, "keys and values");
        break;
    default:
        if (value->size == 0 && !value->quoted)
            snprintf(out, 80, "nothing");
        else
            snprintf(out, 80, value->kind == VALUE_RAW ? "%.*s%s" : "\"%.*s%s\"", cut, value->text,
                     (size_t)cut < value->size ? "…" : "");
    }
}

bool codec_refuse(struct codec_reader *reader, const struct value *value, const char *expected)
{
    char found[80];

    describe(value, found);
    codec_problem(reader, value, "found %s, expected %s", found, expected);
    return false;
}

size_t codec_path_push(struct codec_reader *reader, const char *key, size_t index)
{
    size_t length = strlen(reader->path), room = sizeof reader->path - length;

    if (key)
        snprintf(reader->path + length, room, "%s%.40s", length ? "." : "", key);
    else
        snprintf(reader->path + length, room, "[%zu]", index + 1);
    return length;
}

void codec_note_place(struct codec_reader *reader, const struct value *value,
                      const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      size_t index)
{
    struct codec_places *places = reader->places;

    if (!places)
        return;
    if (places->count == places->capacity) {
        size_t capacity = places->capacity ? 2 * places->capacity : 64;
        struct codec_place *items = realloc(places->items, capacity * sizeof *items);

        if (!items) {
            codec_full(reader);
            return;
        }
        places->items = items;
        places->capacity = capacity;
    }
    places->items[places->count++] =
        (struct codec_place){message, field, index, value->line, value->column};
}

void codec_places_finish(struct codec_places *places)
{
    if (!places)
        return;
    free(places->items);
    *places = (struct codec_places){0};
}

const struct codec_place *codec_places_find(const struct codec_places *places,
                                            const ProtobufCMessage *message,
                                            const ProtobufCFieldDescriptor *field, size_t index)
{
    for (size_t i = 0; places && i < places->count; i++) {
        const struct codec_place *place = &places->items[i];

        if (place->message == message && place->field == field && place->index == index)
            return place;
    }
    return NULL;
}

/* ---- fields ---------------------------------------------------------------------------------- */

bool codec_is_null(const struct codec_reader *reader, const struct value *value)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    if (!reader->yaml)
        return value->kind == VALUE_RAW && strcmp(value->text, "null") == 0;
    if (value->kind != VALUE_TEXT || value->quoted)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(value->text, words[i]) == 0)
            return true;
    return false;
}

bool codec_refuse_null(struct codec_reader *reader, const struct value *value)
{
    codec_problem(reader, value,
                  "found nothing (null), expected a value: leave the key out when it is not "
                  "known%s",
                  value->size > 1 ? ", write the word in quotes when it is meant" : "");
    return false;
}

static bool read_one(struct codec_reader *reader, const struct value *value,
                     const ProtobufCFieldDescriptor *field, void *slot)
{
    ProtobufCMessage *inner;
    bool ok;

    if (codec_is_null(reader, value))
        return codec_refuse_null(reader, value);
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return codec_read_scalar(reader, value, field, slot);
    inner = reflect_new(field->descriptor, reader->arena);
    if (!inner)
        return codec_full(reader);
    ok = codec_read_value(reader, value, inner);
    /* Of a map the good keys are kept; half of a short form would only cause further problems. */
    if (ok || value->kind == VALUE_MAP)
        memcpy(slot, &inner, sizeof inner);
    return ok;
}

/* One value may stand for a list of one. */
static bool read_list(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    size_t count = value->kind == VALUE_LIST ? value->count : 1, kept = 0;
    const struct value *item = value->kind == VALUE_LIST ? value->first : value;
    uint8_t *slots;

    if (!reader->yaml && value->kind != VALUE_LIST)
        return codec_refuse(reader, value, "a list");
    if (count == 0)
        return true;
    slots = reflect_room(message, field, count, reader->arena);
    if (!slots)
        return codec_full(reader);
    for (size_t i = 0; i < count && !codec_stops(reader); i++, item = item->next) {
        size_t length =
            value->kind == VALUE_LIST ? codec_path_push(reader, NULL, i) : strlen(reader->path);
        uint8_t *slot = slots + kept * reflect_size(field);

        codec_note_place(reader, item, message, field, kept);
        /* What could not be read takes no place, so that the list never holds a NULL. */
        if (read_one(reader, item, field, slot) ||
            (field->type == PROTOBUF_C_TYPE_MESSAGE && *(void **)(void *)slot))
            kept++;
        reader->path[length] = '\0';
    }
    reflect_shrink(message, field, reader->out_of_memory ? 0 : kept);
    return true;
}

bool codec_read_field(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    /* protobuf-c's widest value */
    union {
        uint64_t number;
        void *pointer;
        ProtobufCBinaryData bytes;
    } slot = {0};
    void *place;

    if (reader->yaml && codec_is_texts(field))
        return codec_read_texts(reader, value, message, field);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_list(reader, value, message, field);
    codec_note_place(reader, value, message, field, 0);
    if (!read_one(reader, value, field, &slot) &&
        (field->type != PROTOBUF_C_TYPE_MESSAGE || !slot.pointer))
        return false;
    place = reflect_room(message, field, 1, reader->arena);
    memcpy(place, &slot, reflect_size(field));
    return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Where keys of a map go: the message itself and, for a flattened one, its kind's fields. */
struct target {
    ProtobufCMessage *message, *details;
    const struct codec_flat *flat;
    bool seen[2][MAX_FIELDS];
};

/* The members of a flattened oneof are no keys: their fields stand at the top level. */
static bool is_member(const struct target *target, const reflect_field *field)
{
    return target->flat && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
}

static void append_keys(const struct codec_reader *reader, const struct target *target,
                        const reflect_type *type, struct buffer *out)
{
    char key[CODEC_NAME_SIZE];

    for (unsigned i = 0; i < type->n_fields; i++) {
        if (is_member(target, &type->fields[i]))
            continue;
        codec_key(&type->fields[i], key);
        buffer_printf(out, "%s%s", out->size ? ", " : "",
                      reader->yaml ? key : type->fields[i].name);
    }
}

static void unknown_key(struct codec_reader *reader, const struct value *child,
                        const struct target *target)
{
    struct codec_nearest nearest = {.wanted = child->key};
    struct value at = {.line = child->key_line, .column = child->key_column};
    const reflect_type *type = target->message->descriptor;
    const reflect_field *member = codec_find_key(type, child->key);
    struct buffer keys = {0};

    codec_nearest_fields(&nearest, type);
    if (target->details)
        codec_nearest_fields(&nearest, target->details->descriptor);
    for (char *c = nearest.name; *c && !reader->yaml; c++)
        *c = *c == ' ' ? '_' : *c;
    append_keys(reader, target, type, &keys);
    if (target->details)
        append_keys(reader, target, target->details->descriptor, &keys);
    if (member && is_member(target, member))
        codec_problem(reader, &at,
                      "found a kind as a key, expected \"%s: %.60s\" and its keys beside "
                      "it",
                      target->flat->kind, child->key);
    else if (nearest.name[0])
        codec_problem(reader, &at, "found the unknown key \"%.60s\"; did you mean \"%s\"?",
                      child->key, nearest.name);
    else
        codec_problem(reader, &at, "found the unknown key \"%.60s\", expected one of: %s",
                      child->key, buffer_text(&keys));
    buffer_finish(&keys);
}

/* A key of another kind than the announcement's: better said than "unknown". */
static bool key_of_other_kind(struct codec_reader *reader, const struct value *child,
                              const struct target *target)
{
    const reflect_type *type = target->message->descriptor;
    struct value at = {.line = child->key_line, .column = child->key_column};
    char kind[CODEC_NAME_SIZE];

    for (unsigned i = 0; target->flat && i < type->n_fields; i++) {
        const reflect_field *field = &type->fields[i];

        if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
            !codec_find_key(field->descriptor, child->key))
            continue;
        codec_key(field, kind);
        if (target->details) /* else the missing kind is the problem, and is reported */
            codec_problem(reader, &at, "found \"%.60s\", which is a key of the kind \"%s\"",
                          child->key, kind);
        return true;
    }
    return false;
}

static const reflect_field *find_target(const struct value *child, struct target *target,
                                        ProtobufCMessage **message, unsigned *level)
{
    const reflect_field *field = codec_find_key(target->message->descriptor, child->key);

    *message = target->message;
    *level = 0;
    if (field && is_member(target, field))
        field = NULL;
    if (!field && target->details) {
        field = codec_find_key(target->details->descriptor, child->key);
        *message = target->details;
        *level = 1;
    }
    return field;
}

static const reflect_field *find_field(const struct codec_reader *reader, const struct value *child,
                                       struct target *target, ProtobufCMessage **message,
                                       unsigned *level)
{
    if (reader->yaml)
        return find_target(child, target, message, level);
    *message = target->message;
    *level = 0;
    return reflect_find(target->message->descriptor, child->key);
}

static void read_child(struct codec_reader *reader, const struct value *child,
                       struct target *target)
{
    ProtobufCMessage *message;
    unsigned level;
    const reflect_field *field = find_field(reader, child, target, &message, &level);
    struct value at = {.line = child->key_line, .column = child->key_column};
    const reflect_field *other;
    size_t index;

    if (!field) {
        if (!key_of_other_kind(reader, child, target))
            unknown_key(reader, child, target);
        return;
    }
    index = (size_t)(field - message->descriptor->fields);
    if (index < MAX_FIELDS && target->seen[level][index]) {
        codec_problem(reader, &at, "found this key a second time, expected it once");
        return;
    }
    if (index < MAX_FIELDS)
        target->seen[level][index] = true;
    if (!reader->yaml && codec_is_null(reader, child))
        return; /* ProtoJSON: null is "not there" */
    other = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? reflect_oneof(message, field) : NULL;
    if (other)
        codec_problem(reader, &at, "found this key beside \"%s\", expected only one of them",
                      other->name);
    else
        codec_read_field(reader, child, message, field);
}

const ProtobufCFieldDescriptor *codec_details(const ProtobufCMessageDescriptor *type, int kind)
{
    const struct codec_flat *flat = codec_flat_of(type);
    const reflect_field *field = flat ? reflect_find(type, flat->kind) : NULL;
    char name[CODEC_NAME_SIZE];

    if (!field || !protobuf_c_enum_descriptor_get_value(field->descriptor, kind))
        return NULL;
    codec_enum_text(field->descriptor, kind, name);
    field = codec_find_key(type, name);
    return field && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ? field : NULL;
}

/* Opens the sub-message that the kind names, so that its keys can stand at the top level. */
static void open_details(struct codec_reader *reader, const struct value *map,
                         struct target *target)
{
    const reflect_type *type = target->message->descriptor;
    const reflect_field *field = reflect_find(type, target->flat->kind), *member;
    const struct value *child = map->first;
    int kind = 0;
    void *slot;

    while (child && codec_find_key(type, child->key) != field)
        child = child->next;
    if (!child) {
        struct buffer list = {0};

        codec_enum_list(field->descriptor, &list);
        codec_note_place(reader, map, target->message, field, 0);
        codec_problem(reader, map, "found no key \"%s\", expected it with one of: %s",
                      target->flat->kind, buffer_text(&list));
        buffer_finish(&list);
        return;
    }
    if (child->kind != VALUE_TEXT || !codec_enum_find(field->descriptor, child->text, &kind))
        return; /* reported when the field is read */
    member = codec_details(type, kind);
    if (!member)
        return;
    target->details = reflect_new(member->descriptor, reader->arena);
    if (!target->details) {
        codec_full(reader);
        return;
    }
    codec_note_place(reader, map, target->details, NULL, 0);
    slot = reflect_room(target->message, member, 1, reader->arena);
    memcpy(slot, &target->details, sizeof target->details);
}

/* Plain texts need the language before they are read, wherever its key stands. */
static void find_language(struct codec_reader *reader, const struct value *map,
                          const reflect_type *type)
{
    const reflect_field *field = reflect_find(type, "language");

    if (!field || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return;
    for (const struct value *child = map->first; child; child = child->next)
        if (child->kind == VALUE_TEXT && codec_find_key(type, child->key) == field) {
            reader->language = child->text;
            return;
        }
}

static bool is_aside(const struct codec_reader *reader, const struct value *child)
{
    return reader->names && reader->names->aside && !*reader->path &&
           strcmp(child->key, reader->names->aside) == 0;
}

static bool read_map(struct codec_reader *reader, const struct value *map,
                     ProtobufCMessage *message)
{
    struct target target = {.message = message};
    const char *language = reader->language;
    size_t errors = reader->errors;

    codec_note_place(reader, map, message, NULL, 0);
    if (reader->yaml) {
        target.flat = codec_flat_of(message->descriptor);
        find_language(reader, map, message->descriptor);
        if (target.flat)
            open_details(reader, map, &target);
    }
    for (const struct value *child = map->first; child && !codec_stops(reader);
         child = child->next) {
        size_t length;

        if (is_aside(reader, child))
            continue;
        length = codec_path_push(reader, child->key, 0);
        read_child(reader, child, &target);
        reader->path[length] = '\0';
    }
    reader->language = language;
    return reader->errors == errors;
}

static bool read_short(struct codec_reader *reader, const struct codec_short *row,
                       const struct value *value, ProtobufCMessage *message)
{
    const reflect_field *field;

    if (row->read)
        return row->read(reader, value, message);
    field = reflect_find(message->descriptor, row->field);
    return codec_read_field(reader, value, message, field);
}

bool codec_read_value(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message)
{
    const struct codec_short *row = NULL;
    struct buffer expected = {0};
    char key[CODEC_NAME_SIZE];

    if (reader->yaml)
        row = codec_short_for(message->descriptor, value);
    if (row) {
        codec_note_place(reader, value, message, NULL, 0);
        return read_short(reader, row, value, message);
    }
    if (value->kind == VALUE_MAP)
        return read_map(reader, value, message);
    buffer_append_text(&expected, "the keys: ");
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        codec_key(&message->descriptor->fields[i], key);
        buffer_printf(&expected, "%s%s", i ? ", " : "",
                      reader->yaml ? key : message->descriptor->fields[i].name);
    }
    codec_refuse(reader, value, buffer_text(&expected));
    buffer_finish(&expected);
    return false;
}

/* ---- whole texts ----------------------------------------------------------------------------- */

static int report_full(struct problem_list *problems, const struct arena *arena)
{
    problem_add(problems, PROBLEM_ERROR, 0, 0, "",
                "found more than fits in %zu bytes of memory, expected a smaller text",
                arena->limit);
    return ERROR_MEMORY;
}

static int read_text(const ProtobufCMessageDescriptor *type, struct span text,
                     const struct codec_reader *start, ProtobufCMessage **out)
{
    struct codec_reader reader = *start;
    struct problem_list *problems = reader.problems;
    struct arena *arena = reader.arena;
    ProtobufCMessage *message;
    struct value *root = NULL;
    int rc;

    *out = NULL;
    rc = reader.yaml ? value_read_yaml(text, arena, &root, problems)
                     : value_read_json(text, arena, &root, problems);
    if (rc)
        return rc == ERROR_MEMORY ? report_full(problems, arena) : rc;
    message = reflect_new(type, arena);
    if (!message)
        return report_full(problems, arena);
    codec_read_value(&reader, root, message);
    if (reader.out_of_memory)
        return report_full(problems, arena);
    *out = message;
    return reader.errors ? ERROR_INVALID : 0;
}

int codec_read_yaml(const ProtobufCMessageDescriptor *type, struct span text, struct arena *arena,
                    struct codec_places *places, ProtobufCMessage **message,
                    struct problem_list *problems)
{
    return codec_read_yaml_with(type, text, NULL, NULL, arena, places, message, problems);
}

int codec_read_yaml_with(const ProtobufCMessageDescriptor *type, struct span text,
                         const struct codec_names *names, const char *language, struct arena *arena,
                         struct codec_places *places, ProtobufCMessage **message,
                         struct problem_list *problems)
{
    struct codec_reader reader = {.yaml = true,
                                  .arena = arena,
                                  .places = places,
                                  .problems = problems,
                                  .language = language,
                                  .names = names};

    return read_text(type, text, &reader, message);
}

int codec_read_json(const ProtobufCMessageDescriptor *type, struct span text, struct arena *arena,
                    struct codec_places *places, ProtobufCMessage **message,
                    struct problem_list *problems)
{
    struct codec_reader reader = {.arena = arena, .places = places, .problems = problems};

    return read_text(type, text, &reader, message);
}
