#include "common/fields.h"

#include <inttypes.h>
#include <string.h>

struct cursor {
    const char *message;
    struct span bytes;
    size_t at;
    struct error *error;
};

static const char *const wire_names[] = {"a number",    "64 fixed bits", "bytes",
                                         "a group",     "a group's end", "32 fixed bits",
                                         "wire type 6", "wire type 7"};

static int malformed(const struct cursor *cursor, size_t at, const char *found,
                     const char *expected)
{
    return error_set(cursor->error, ERROR_MALFORMED, "%s: byte %zu: found %s, expected %s",
                     cursor->message, at, found, expected);
}

static int read_varint(struct cursor *cursor, uint64_t *value)
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

static int read_bytes(struct cursor *cursor, uint64_t size, struct span *out)
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
static int read_value(struct cursor *cursor, size_t start, unsigned wire,
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

static int check_value(const struct cursor *cursor, size_t start, const struct fields_rule *rule,
                       unsigned wire, const struct fields_value *value)
{
    unsigned expected = rule->type == FIELDS_BYTES ? 2 : 0;

    if (wire != expected)
        return error_set(cursor->error, ERROR_MALFORMED, "%s: byte %zu: %s is %s, expected %s",
                         cursor->message, start, rule->name, wire_names[wire],
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

static int read_field(struct cursor *cursor, const struct fields_message *message,
                      struct fields_value *values)
{
    size_t start = cursor->at;
    struct fields_value value = {0};
    const struct fields_rule *rule;
    uint64_t key, number;
    int code = read_varint(cursor, &key);

    if (code)
        return code;
    number = key >> 3;
    if (number == 0 || number > 536870911)
        return malformed(cursor, start, "an impossible field number",
                         "a field number from 1 to 536870911");
    code = read_value(cursor, start, key & 7, &value);
    if (code || number >= message->count)
        return code;
    rule = &message->rules[number];
    if (rule->type == FIELDS_NONE)
        return ERROR_NONE;
    if (values[number].present)
        return error_set(cursor->error, ERROR_MALFORMED,
                         "%s: byte %zu: %s stands a second time, expected once", message->name,
                         start, rule->name);
    code = check_value(cursor, start, rule, key & 7, &value);
    value.present = true;
    values[number] = value;
    return code;
}

int fields_read(const struct fields_message *message, struct span bytes,
                struct fields_value *values, struct error *error)
{
    struct cursor cursor = {message->name, bytes, 0, error};

    memset(values, 0, message->count * sizeof *values);
    while (cursor.at < bytes.size) {
        int code = read_field(&cursor, message, values);

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
