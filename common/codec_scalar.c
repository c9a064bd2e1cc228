/* Numbers, words and texts: one value each. */
#include "common/codec.h"
#include "common/codec_parts.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_word(const struct codec_reader *reader, const struct value *value)
{
    return value->kind == VALUE_TEXT || (!reader->yaml && value->kind == VALUE_RAW);
}

/* Digits with an optional minus; false when it is something else or does not fit 64 bits. */
static bool parse_integer(const char *text, bool *negative, uint64_t *magnitude)
{
    *negative = *text == '-';
    *magnitude = 0;
    text += *negative;
    if (!*text)
        return false;
    for (; *text; text++) {
        uint64_t digit = (uint64_t)(*text - '0');

        if (!isdigit((unsigned char)*text) || *magnitude > (UINT64_MAX - digit) / 10)
            return false;
        *magnitude = *magnitude * 10 + digit;
    }
    return true;
}

static bool read_unsigned(struct codec_reader *reader, const struct value *value, uint64_t max,
                          uint64_t *number)
{
    char expected[64];
    bool negative;

    if (is_word(reader, value) && parse_integer(value->text, &negative, number) && !negative &&
        *number <= max)
        return true;
    snprintf(expected, sizeof expected, "a whole number from 0 to %" PRIu64, max);
    return codec_refuse(reader, value, expected);
}

static bool read_signed(struct codec_reader *reader, const struct value *value, int64_t max,
                        int64_t *number)
{
    uint64_t magnitude, limit = (uint64_t)max;
    char expected[80];
    bool negative;

    if (is_word(reader, value) && parse_integer(value->text, &negative, &magnitude) &&
        magnitude <= limit + negative) {
        *number = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        return true;
    }
    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, -max - 1,
             max);
    return codec_refuse(reader, value, expected);
}

static bool read_float(struct codec_reader *reader, const struct value *value, double *number)
{
    const char *text = value->text;
    char *end = NULL;

    if (is_word(reader, value)) {
        if (strcasecmp(text, "nan") == 0 || strcasecmp(text, "infinity") == 0 ||
            strcasecmp(text, "-infinity") == 0 ||
            (*text && strspn(text, "0123456789+-.eE") == strlen(text) &&
             strcspn(text, "0123456789") < strlen(text)))
            *number = strtod(text, &end);
        if (end && end != text && *end == '\0')
            return true;
    }
    return codec_refuse(reader, value, "a number such as 4.9");
}

static bool read_bool(struct codec_reader *reader, const struct value *value,
                      protobuf_c_boolean *slot)
{
    static const struct {
        const char *word;
        bool value, yaml_only;
    } words[] = {
        {"true", true, false}, {"false", false, false}, {"yes", true, true}, {"no", false, true}};

    if (value->kind == (reader->yaml ? VALUE_TEXT : VALUE_RAW))
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strcasecmp(value->text, words[i].word) == 0 &&
                (reader->yaml || !words[i].yaml_only)) {
                *slot = words[i].value;
                return true;
            }
    return codec_refuse(reader, value,
                        reader->yaml ? "true or false (yes or no)" : "true or false");
}

static bool refuse_enum(struct codec_reader *reader, const struct value *value,
                        const ProtobufCEnumDescriptor *type)
{
    struct codec_nearest nearest = {.wanted = value->text};
    struct buffer expected = {0};

    buffer_append_text(&expected, "one of: ");
    codec_enum_list(type, &expected);
    codec_nearest_enum(&nearest, type);
    if (nearest.name[0])
        buffer_printf(&expected, "; did you mean \"%s\"?", nearest.name);
    codec_refuse(reader, value, buffer_text(&expected));
    buffer_finish(&expected);
    return false;
}

static bool read_enum(struct codec_reader *reader, const struct value *value,
                      const ProtobufCEnumDescriptor *type, int32_t *slot)
{
    const ProtobufCEnumValue *known;
    int64_t number;
    int found;

    if (reader->yaml) {
        if (value->kind != VALUE_TEXT || !codec_enum_find(type, value->text, &found))
            return refuse_enum(reader, value, type);
        *slot = found;
        return true;
    }
    if (value->kind == VALUE_RAW) {
        if (!read_signed(reader, value, INT32_MAX, &number))
            return false;
        *slot = (int32_t)number;
        return true;
    }
    known = value->kind == VALUE_TEXT
                ? protobuf_c_enum_descriptor_get_value_by_name(type, value->text)
                : NULL;
    if (!known)
        return refuse_enum(reader, value, type);
    *slot = known->value;
    return true;
}

bool codec_find_feed(const struct codec_reader *reader, const char *text, struct id *feed)
{
    return (strlen(text) == 2 * sizeof feed->bytes &&
            bytes_from_hex(text, feed->bytes, sizeof feed->bytes)) ||
           (reader->names && reader->names->find(reader->names->self, text, feed));
}

/* Fields that name an institution on the wire; people write its handle. */
static bool is_feed(const ProtobufCFieldDescriptor *field)
{
    return strcmp(field->name, "node_id") == 0 || strcmp(field->name, "feed") == 0;
}

static bool read_feed(struct codec_reader *reader, const struct value *value,
                      ProtobufCBinaryData *slot)
{
    struct id feed;

    if (value->kind != VALUE_TEXT || !codec_find_feed(reader, value->text, &feed))
        return codec_refuse(reader, value,
                            reader->names ? "the handle of a partner (caravan partner list), or "
                                            "a feed id of 64 hexadecimal digits"
                                          : "a feed id of 64 hexadecimal digits");
    slot->len = sizeof feed.bytes;
    slot->data = (uint8_t *)arena_copy_text(reader->arena, feed.bytes, slot->len);
    return slot->data || codec_full(reader);
}

static bool read_bytes(struct codec_reader *reader, const struct value *value,
                       ProtobufCBinaryData *slot)
{
    struct buffer raw = {0};
    bool ok = value->kind == VALUE_TEXT;

    if (ok && reader->yaml)
        ok = value->size % 2 == 0 && buffer_reserve(&raw, value->size / 2 + 1) &&
             bytes_from_hex(value->text, raw.data, value->size / 2);
    else if (ok)
        ok = bytes_from_base64(value->text, value->size, &raw);
    if (!ok) {
        buffer_finish(&raw);
        return codec_refuse(reader, value,
                            reader->yaml ? "hexadecimal digits, an even number of them" : "base64");
    }
    slot->len = reader->yaml ? value->size / 2 : raw.size;
    slot->data = (uint8_t *)arena_copy_text(reader->arena, raw.data, slot->len);
    buffer_finish(&raw);
    return slot->data || codec_full(reader);
}

static bool read_string(struct codec_reader *reader, const struct value *value, const char **slot)
{
    if (value->kind != VALUE_TEXT)
        return codec_refuse(reader, value, "text");
    *slot = value->text; /* lives in the same arena */
    return true;
}

bool codec_read_scalar(struct codec_reader *reader, const struct value *value,
                       const ProtobufCFieldDescriptor *field, void *slot)
{
    uint64_t u = 0;
    int64_t i = 0;
    double d = 0;
    float f;
    bool ok;

    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(reader, value, slot);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(reader, value, field->descriptor, slot);
    case PROTOBUF_C_TYPE_BYTES:
        return reader->names && is_feed(field) ? read_feed(reader, value, slot)
                                               : read_bytes(reader, value, slot);
    case PROTOBUF_C_TYPE_STRING:
        return read_string(reader, value, slot);
    case PROTOBUF_C_TYPE_FLOAT:
        ok = read_float(reader, value, &d);
        f = (float)d;
        memcpy(slot, &f, sizeof f);
        return ok;
    case PROTOBUF_C_TYPE_DOUBLE:
        ok = read_float(reader, value, &d);
        memcpy(slot, &d, sizeof d);
        return ok;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        ok = read_signed(reader, value, INT32_MAX, &i);
        *(int32_t *)slot = (int32_t)i;
        return ok;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        ok = read_signed(reader, value, INT64_MAX, &i);
        memcpy(slot, &i, sizeof i);
        return ok;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        ok = read_unsigned(reader, value, UINT32_MAX, &u);
        *(uint32_t *)slot = (uint32_t)u;
        return ok;
    default: /* UINT64, FIXED64; messages never come here */
        ok = read_unsigned(reader, value, UINT64_MAX, &u);
        memcpy(slot, &u, sizeof u);
        return ok;
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The shortest text that reads back as the same number. */
static void print_float(double number, bool single, char *out, size_t size)
{
    if (isnan(number) || isinf(number)) {
        snprintf(out, size, "%s", isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        return;
    }
    for (int digits = single ? 6 : 15; digits <= 17; digits++) {
        double back;

        snprintf(out, size, "%.*g", digits, number);
        back = strtod(out, NULL);
        if (single ? (float)back == (float)number : memcmp(&back, &number, sizeof back) == 0)
            return;
    }
}

static struct value *write_float(struct codec_writer *writer, double number, bool single)
{
    bool word = isnan(number) || isinf(number);
    char text[64];

    print_float(number, single, text, sizeof text);
    return value_new_text(writer->arena, word ? VALUE_TEXT : VALUE_RAW, text, strlen(text));
}

static struct value *write_number(struct codec_writer *writer, bool wide, const char *text)
{
    return value_new_text(writer->arena, wide && !writer->yaml ? VALUE_TEXT : VALUE_RAW, text,
                          strlen(text));
}

static struct value *write_enum(struct codec_writer *writer, const ProtobufCEnumDescriptor *type,
                                int32_t number)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, number);
    char text[CODEC_NAME_SIZE];

    if (writer->yaml) {
        codec_enum_text(type, number, text);
        return value_new_text(writer->arena, VALUE_TEXT, text, strlen(text));
    }
    if (known)
        return value_new_text(writer->arena, VALUE_TEXT, known->name, strlen(known->name));
    snprintf(text, sizeof text, "%" PRId32, number);
    return value_new_text(writer->arena, VALUE_RAW, text, strlen(text));
}

static struct value *write_bytes(struct codec_writer *writer, const ProtobufCBinaryData *bytes)
{
    struct value *value = NULL;
    struct buffer text = {0};

    if (writer->yaml) {
        if (buffer_reserve(&text, bytes->len * 2 + 1)) {
            bytes_to_hex(bytes->data, bytes->len, (char *)text.data);
            value =
                value_new_text(writer->arena, VALUE_TEXT, (const char *)text.data, bytes->len * 2);
        }
    } else if (bytes_to_base64(bytes->data, bytes->len, &text)) {
        value = value_new_text(writer->arena, VALUE_TEXT, (const char *)text.data, text.size);
    }
    buffer_finish(&text);
    return value;
}

static struct value *write_string(struct codec_writer *writer, const char *text)
{
    struct value *value = value_new_text(writer->arena, VALUE_TEXT, text, strlen(text));

    if (value)
        value->quoted = true;
    return value;
}

const char *codec_name_feed(const struct codec_writer *writer, const ProtobufCBinaryData *feed)
{
    struct id id;

    if (!writer->yaml || !writer->names || !writer->names->name || feed->len != sizeof id.bytes)
        return NULL;
    memcpy(id.bytes, feed->data, sizeof id.bytes);
    return writer->names->name(writer->names->self, &id);
}

static struct value *write_feed(struct codec_writer *writer, const ProtobufCBinaryData *feed)
{
    const char *handle = codec_name_feed(writer, feed);

    return handle ? write_string(writer, handle) : write_bytes(writer, feed);
}

struct value *codec_write_scalar(struct codec_writer *writer, const ProtobufCFieldDescriptor *field,
                                 const void *slot)
{
    char text[32];

    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return write_number(writer, false, *(const protobuf_c_boolean *)slot ? "true" : "false");
    case PROTOBUF_C_TYPE_ENUM:
        return write_enum(writer, field->descriptor, *(const int32_t *)slot);
    case PROTOBUF_C_TYPE_BYTES:
        return is_feed(field) ? write_feed(writer, slot) : write_bytes(writer, slot);
    case PROTOBUF_C_TYPE_STRING:
        return write_string(writer, *(const char *const *)slot);
    case PROTOBUF_C_TYPE_FLOAT:
        return write_float(writer, (double)*(const float *)slot, true);
    case PROTOBUF_C_TYPE_DOUBLE:
        return write_float(writer, *(const double *)slot, false);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        snprintf(text, sizeof text, "%" PRId32, *(const int32_t *)slot);
        return write_number(writer, false, text);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        snprintf(text, sizeof text, "%" PRIu32, *(const uint32_t *)slot);
        return write_number(writer, false, text);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        snprintf(text, sizeof text, "%" PRId64, *(const int64_t *)slot);
        return write_number(writer, true, text);
    default:
        snprintf(text, sizeof text, "%" PRIu64, *(const uint64_t *)slot);
        return write_number(writer, true, text);
    }
}
