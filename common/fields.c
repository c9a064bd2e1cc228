#include "common/fields.h"

#include <inttypes.h>
#include <string.h>

static const char *const wire_names[] = {"a number",    "64 fixed bits", "bytes",
                                         "a group",     "a group's end", "32 fixed bits",
                                         "wire type 6", "wire type 7"};

static int malformed(const struct fields_cursor *cursor, size_t at, const char *found,
                     const char *expected)
{
    return error_set(cursor->error, ERROR_MALFORMED, "%s: byte %zu: found %s, expected %s",
                     cursor->message, at, found, expected);
}

static int read_long_varint(struct fields_cursor *cursor, uint64_t *value)
{
    size_t start = cursor->at;

    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte;

        if (cursor->at == cursor->bytes.size)
            return malformed(cursor, start, "the end", "a whole number");
        byte = cursor->bytes.data[cursor->at++];
        if (shift == 63 && byte > 1)
            break;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return ERROR_NONE;
    }
    return malformed(cursor, start, "a number over 64 bits", "at most 64 bits in ten bytes");
}

/* Nearly all are of one byte. */
static inline int read_varint(struct fields_cursor *cursor, uint64_t *value)
{
    if (cursor->at < cursor->bytes.size && cursor->bytes.data[cursor->at] < 0x80) {
        *value = cursor->bytes.data[cursor->at++];
        return ERROR_NONE;
    }
    return read_long_varint(cursor, value);
}

static int read_bytes(struct fields_cursor *cursor, uint64_t size, struct span *out)
{
    size_t left = cursor->bytes.size - cursor->at;

    if (size > left)
        return error_set(cursor->error, ERROR_MALFORMED,
                         "%s: byte %zu: found a field of %" PRIu64
                         " bytes, expected at most the %zu that are left",
                         cursor->message, cursor->at, size, left);
    *out = span_of(cursor->bytes.data + cursor->at, (size_t)size);
    cursor->at += (size_t)size;
    return ERROR_NONE;
}

/* One field's value of whatever wire type; value.present is not set. */
static int read_value(struct fields_cursor *cursor, size_t start, unsigned wire,
                      struct fields_value *value)
{
    int code;

    switch (wire) {
    case 0:
        return read_varint(cursor, &value->number);
    case 1:
        return read_bytes(cursor, 8, &value->bytes);
    case 2:
        code = read_varint(cursor, &value->number);
        return code ? code : read_bytes(cursor, value->number, &value->bytes);
    case 5:
        return read_bytes(cursor, 4, &value->bytes);
    default:
        return malformed(cursor, start, wire_names[wire], "a number, bytes or fixed bits");
    }
}

int fields_next(struct fields_cursor *cursor, struct fields_field *field)
{
    size_t start = cursor->at;
    uint64_t key;
    int code;

    *field = (struct fields_field){0};
    if (cursor->at == cursor->bytes.size)
        return ERROR_NONE;
    code = read_varint(cursor, &key);
    if (code)
        return code;
    if (key >> 3 == 0 || key >> 3 > 536870911)
        return malformed(cursor, start, "an impossible field number",
                         "a field number from 1 to 536870911");
    field->number = (uint32_t)(key >> 3);
    field->wire = key & 7;
    field->value.present = true;
    return read_value(cursor, start, field->wire, &field->value);
}

static int check_value(const struct fields_cursor *cursor, size_t start,
                       const struct fields_rule *rule, const struct fields_field *field)
{
    unsigned expected = rule->type == FIELDS_BYTES || rule->type == FIELDS_MANY ? 2 : 0;
    const struct fields_value *value = &field->value;

    if (field->wire != expected)
        return error_set(cursor->error, ERROR_MALFORMED, "%s: byte %zu: %s is %s, expected %s",
                         cursor->message, start, rule->name, wire_names[field->wire],
                         wire_names[expected]);
    if (rule->size && value->bytes.size != rule->size)
        return error_set(cursor->error, ERROR_MALFORMED,
                         "%s: byte %zu: %s has %zu bytes, expected %u", cursor->message, start,
                         rule->name, value->bytes.size, (unsigned)rule->size);
    if (rule->type == FIELDS_U32 && value->number > UINT32_MAX)
        return error_set(cursor->error, ERROR_MALFORMED,
                         "%s: byte %zu: %s is %" PRIu64 ", expected at most 4294967295",
                         cursor->message, start, rule->name, value->number);
    return ERROR_NONE;
}

/* The field that was read at start into the values. */
static int take_field(const struct fields_cursor *cursor, size_t start,
                      const struct fields_message *message, struct fields_field *field,
                      struct fields_value *values)
{
    const struct fields_rule *rule = &message->rules[field->number];
    uint64_t before = values[field->number].number;
    int code;

    if (rule->type == FIELDS_NONE)
        return ERROR_NONE;
    if (values[field->number].present && rule->type != FIELDS_MANY)
        return error_set(cursor->error, ERROR_MALFORMED,
                         "%s: byte %zu: %s stands a second time, expected once", message->name,
                         start, rule->name);
    code = check_value(cursor, start, rule, field);
    if (rule->type == FIELDS_MANY)
        field->value.number = before + 1;
    values[field->number] = field->value;
    return code;
}

int fields_read(const struct fields_message *message, struct span bytes,
                struct fields_value *values, struct error *error)
{
    struct fields_cursor cursor = {message->name, bytes, 0, error};
    struct fields_field field;

    memset(values, 0, message->count * sizeof *values);
    while (cursor.at < bytes.size) {
        size_t start = cursor.at;
        int code = fields_next(&cursor, &field);

        if (!code && field.number < message->count)
            code = take_field(&cursor, start, message, &field, values);
        if (code)
            return code;
    }
    for (uint32_t i = 1; i < message->count; i++)
        if (message->rules[i].required && !values[i].present)
            return error_set(error, ERROR_MALFORMED, "%s: found no %s in %zu bytes, expected it",
                             message->name, message->rules[i].name, bytes.size);
    return ERROR_NONE;
}

ProtobufCBinaryData fields_binary(struct span span)
{
    return (ProtobufCBinaryData){span.size, (uint8_t *)(uintptr_t)span.data};
}

bool fields_pack(const ProtobufCMessage *message, struct buffer *out)
{
    if (!buffer_reserve(out, protobuf_c_message_get_packed_size(message)))
        return false;
    out->size += protobuf_c_message_pack(message, out->data + out->size);
    return true;
}
