/* From a message to a tree of values. */
#include "common/codec.h"
#include "common/codec_parts.h"
#include "common/limits.h"
#include "proto/announcement.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* The tree costs more than the message: a value, a key and a text for every field. */
#define WRITE_ARENA (16 * (size_t)LIMIT_ARENA_SIZE)

static const struct codec_flat flats[] = {{&caravan__announcement__descriptor, "kind"}};

const struct codec_flat *codec_flat_of(const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < sizeof flats / sizeof flats[0]; i++)
        if (flats[i].type == type)
            return &flats[i];
    return NULL;
}

const char *codec_language_of(const ProtobufCMessage *message, const char *fallback)
{
    const reflect_field *field = reflect_find(message->descriptor, "language");

    if (!field || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED || !reflect_count(message, field))
        return fallback;
    return reflect_text(message, field, 0);
}

static struct value *write_one(struct codec_writer *writer, const ProtobufCMessage *message,
                               const ProtobufCFieldDescriptor *field, size_t index)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return codec_write_value(writer, reflect_message(message, field, index));
    return codec_write_scalar(writer, field, reflect_value(message, field, index));
}

struct value *codec_write_field(struct codec_writer *writer, const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field)
{
    size_t count = reflect_count(message, field);
    struct value *list;

    if (writer->yaml && codec_is_texts(field))
        return codec_write_texts(writer, message, field);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return write_one(writer, message, field, 0);
    list = value_new(writer->arena, VALUE_LIST);
    for (size_t i = 0; list && i < count; i++) {
        struct value *item = write_one(writer, message, field, i);

        if (!item)
            return NULL;
        if (writer->yaml && count == 1 && item->kind != VALUE_LIST && item->kind != VALUE_MAP)
            return item;
        value_append(list, item);
    }
    return list;
}

static bool write_fields(struct codec_writer *writer, const ProtobufCMessage *message,
                         const reflect_field *flattened, struct value *map)
{
    char key[CODEC_NAME_SIZE];

    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const reflect_field *field = &message->descriptor->fields[i];
        struct value *child;

        if (reflect_count(message, field) == 0)
            continue;
        if (field == flattened) {
            if (!write_fields(writer, reflect_message(message, field, 0), NULL, map))
                return false;
            continue;
        }
        child = codec_write_field(writer, message, field);
        codec_key(field, key);
        if (!child || !(child->key = writer->yaml ? arena_copy_text(writer->arena, key, strlen(key))
                                                  : field->name))
            return false;
        value_append(map, child);
    }
    return true;
}

const reflect_field *codec_flattened(const ProtobufCMessage *message)
{
    const struct codec_flat *flat = codec_flat_of(message->descriptor);
    const reflect_field *kind = flat ? reflect_find(message->descriptor, flat->kind) : NULL;
    const reflect_field *member;

    if (!kind || !reflect_count(message, kind))
        return NULL;
    member = codec_details(message->descriptor, *(const int *)reflect_value(message, kind, 0));
    return member && reflect_count(message, member) ? member : NULL;
}

struct value *codec_write_value(struct codec_writer *writer, const ProtobufCMessage *message)
{
    struct codec_writer inner = *writer;
    struct value *map = NULL;

    if (writer->yaml)
        map = codec_write_short(writer, message);
    if (map)
        return map;
    map = value_new(writer->arena, VALUE_MAP);
    inner.language = codec_language_of(message, writer->language);
    if (!map || !write_fields(&inner, message, writer->yaml ? codec_flattened(message) : NULL, map))
        return NULL;
    return map;
}

/* ---- short forms ----------------------------------------------------------------------------- */

static const reflect_field *only_field(const ProtobufCMessage *message)
{
    const reflect_field *only = NULL;

    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const reflect_field *field = &message->descriptor->fields[i];

        if (!reflect_count(message, field))
            continue;
        if (only)
            return NULL;
        only = field;
    }
    return only;
}

static bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    struct buffer packed[2] = {{0}, {0}};
    bool same = codec_pack(a, &packed[0]) && codec_pack(b, &packed[1]) &&
                span_equal(buffer_span(&packed[0]), buffer_span(&packed[1]));

    buffer_finish(&packed[0]);
    buffer_finish(&packed[1]);
    return same;
}

/* A short form counts only if it says exactly the same: reads it back. */
static bool reads_back(struct codec_writer *writer, const struct value *value,
                       const ProtobufCMessage *message)
{
    struct codec_reader reader = {
        .yaml = true, .arena = writer->arena, .language = writer->language, .names = writer->names};
    ProtobufCMessage *back = reflect_new(message->descriptor, writer->arena);

    return back && codec_short_for(message->descriptor, value) &&
           codec_read_value(&reader, value, back) && reader.errors == 0 &&
           same_message(message, back);
}

static struct value *short_value(struct codec_writer *writer, const struct codec_short *row,
                                 const ProtobufCMessage *message)
{
    struct buffer text = {0};
    struct value *value = NULL;

    if (!row->write) {
        const reflect_field *field = only_field(message);

        return field && strcmp(field->name, row->field) == 0
                   ? codec_write_field(writer, message, field)
                   : NULL;
    }
    if (row->write(writer, message, &text))
        value = value_new_text(writer->arena, VALUE_TEXT, (const char *)text.data, text.size);
    buffer_finish(&text);
    return value;
}

/* What is read back is text: numbers and truth values are only marked as such for writing. */
static struct value *as_text(struct value *value)
{
    if (value && value->kind == VALUE_RAW)
        value->kind = VALUE_TEXT;
    for (struct value *child = value ? value->first : NULL; child; child = child->next)
        as_text(child);
    return value;
}

struct value *codec_write_short(struct codec_writer *writer, const ProtobufCMessage *message)
{
    for (const struct codec_short *row = codec_shorts; row->type; row++) {
        struct value *value;

        if (row->type != message->descriptor)
            continue;
        value = as_text(short_value(writer, row, message));
        if (value && reads_back(writer, value, message))
            return value;
    }
    return NULL;
}

/* ---- whole messages -------------------------------------------------------------------------- */

static bool write_text(const ProtobufCMessage *message, bool yaml, const struct codec_names *names,
                       const char *language, struct buffer *out)
{
    struct arena arena;
    struct codec_writer writer = {
        .yaml = yaml, .arena = &arena, .language = language, .names = names};
    struct value *root;
    bool ok;

    arena_init(&arena, WRITE_ARENA);
    root = codec_write_value(&writer, message);
    ok = root && (yaml ? value_write_yaml(root, out) : value_write_json(root, out));
    arena_finish(&arena);
    return ok;
}

bool codec_write_yaml(const ProtobufCMessage *message, struct buffer *out)
{
    return write_text(message, true, NULL, NULL, out);
}

bool codec_write_yaml_with(const ProtobufCMessage *message, const struct codec_names *names,
                           const char *language, struct buffer *out)
{
    return write_text(message, true, names, language, out);
}

bool codec_write_json(const ProtobufCMessage *message, struct buffer *out)
{
    return write_text(message, false, NULL, NULL, out);
}

bool codec_pack(const ProtobufCMessage *message, struct buffer *out)
{
    size_t size = protobuf_c_message_get_packed_size(message);

    if (!buffer_reserve(out, size))
        return false;
    if (size)
        out->size += protobuf_c_message_pack(message, out->data + out->size);
    return true;
}
