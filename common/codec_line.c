/* One value in one line, for those who compare or list values. */
#include "common/codec.h"
#include "common/codec_parts.h"
#include "common/limits.h"

#include <string.h>

/* As for whole messages: the tree costs more than the message. */
#define LINE_ARENA (16 * (size_t)LIMIT_ARENA_SIZE)

static bool is_single(const struct value *value)
{
    return value->kind == VALUE_TEXT || value->kind == VALUE_RAW;
}

/* A text inside a line: its line ends would break it. */
static bool append_inside(const struct value *value, struct buffer *out)
{
    size_t start = out->size;

    if (value->size == 0)
        return buffer_append_text(out, "\"\"");
    if (!buffer_append(out, value->text, value->size))
        return false;
    for (size_t i = start; i < out->size; i++)
        if (out->data[i] == '\n')
            out->data[i] = ' ';
    return true;
}

static bool append_value(const struct value *value, bool inside, struct buffer *out)
{
    const char *brackets = value->kind == VALUE_MAP ? "{}" : "[]";
    bool framed = inside || value->count == 0;
    bool ok;

    if (is_single(value))
        return inside ? append_inside(value, out) : buffer_append(out, value->text, value->size);
    ok = !framed || buffer_append(out, brackets, 1);
    for (const struct value *child = value->first; ok && child; child = child->next) {
        if (value->kind == VALUE_MAP)
            ok = buffer_printf(out, "%s: ", child->key);
        ok =
            ok && append_value(child, true, out) && (!child->next || buffer_append_text(out, ", "));
    }
    return ok && (!framed || buffer_append(out, brackets + 1, 1));
}

static struct value *write_one(struct codec_writer *writer, const ProtobufCMessage *message,
                               const ProtobufCFieldDescriptor *field, size_t index)
{
    const ProtobufCMessage *part;

    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return codec_write_scalar(writer, field, reflect_value(message, field, index));
    part = reflect_message(message, field, index);
    if (codec_is_texts(field) && ((const Caravan__LocalizedText *)part)->text)
        return codec_write_text(writer, (const Caravan__LocalizedText *)part);
    return codec_write_value(writer, part);
}

bool codec_write_line(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      size_t index, const char *language, struct buffer *out, bool *single)
{
    struct arena arena;
    struct codec_writer writer = {.yaml = true, .arena = &arena, .language = language};
    const struct value *value;
    bool ok;

    arena_init(&arena, LINE_ARENA);
    value = write_one(&writer, message, field, index);
    ok = value && append_value(value, false, out);
    if (ok && single)
        *single = is_single(value);
    arena_finish(&arena);
    return ok;
}

const ProtobufCFieldDescriptor *codec_main_field(const ProtobufCMessageDescriptor *type)
{
    const char *name = NULL;

    if (type == &caravan__localized_text__descriptor)
        return reflect_find(type, "text");
    for (const struct codec_short *row = codec_shorts; row->type; row++) {
        if (row->type != type || !row->field)
            continue;
        if (name)
            return NULL;
        name = row->field;
    }
    return name ? reflect_find(type, name) : NULL;
}
