#include "common/guard.h"

#include "common/limits.h"
#include "common/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_FIELDS 256 /* fields of one message type that the guard can tell apart */
#define PATH_SIZE 256

const struct guard_limits guard_limits_content = {LIMIT_PROTOBUF_DEPTH, LIMIT_PROTOBUF_FIELDS};
const struct guard_limits guard_limits_message = {LIMIT_PROTOBUF_DEPTH, LIMIT_MESSAGE_FIELDS};

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 };

struct scan {
    struct span bytes;
    size_t at;
    unsigned fields;
    const struct guard_limits *limits;
    struct error *error;
};

/* One message on the way down; the chain gives the path for error sentences. */
struct level {
    const struct level *parent;
    const ProtobufCMessageDescriptor *type;
    const ProtobufCFieldDescriptor *field; /* being looked at; NULL while unknown */
    size_t end;
    unsigned depth;
    uint8_t seen[MAX_FIELDS / 8];
};

static int scan_message(struct scan *scan, const struct level *parent,
                        const ProtobufCMessageDescriptor *type, size_t end);

static void append_path(const struct level *level, char *path)
{
    size_t used;

    if (level->parent)
        append_path(level->parent, path);
    else
        snprintf(path, PATH_SIZE, "%s", level->type->short_name);
    used = strlen(path);
    if (level->field)
        snprintf(path + used, PATH_SIZE - used, ".%s", level->field->name);
}

static int refuse(struct scan *scan, const struct level *level, enum error_code code, size_t at,
                  const char *found, const char *expected)
{
    char path[PATH_SIZE];

    append_path(level, path);
    return error_set(scan->error, code, "%s, byte %zu: found %s, expected %s", path, at, found,
                     expected);
}

static int malformed(struct scan *scan, const struct level *level, size_t at, const char *found,
                     const char *expected)
{
    return refuse(scan, level, ERROR_MALFORMED, at, found, expected);
}

static int read_varint(struct scan *scan, const struct level *level, uint64_t *value)
{
    size_t start = scan->at;

    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte;

        if (scan->at >= level->end)
            return malformed(scan, level, start, "a number that is cut off", "its remaining bytes");
        byte = scan->bytes.data[scan->at++];
        if (shift == 63 && byte > 1)
            break;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return 0;
    }
    return malformed(scan, level, start, "a number of more than 64 bits", "at most 64 bits");
}

static int skip_bytes(struct scan *scan, const struct level *level, uint64_t count)
{
    char found[96];

    if (count <= level->end - scan->at) {
        scan->at += (size_t)count;
        return 0;
    }
    snprintf(found, sizeof found, "a length of %" PRIu64 " with %zu bytes left", count,
             level->end - scan->at);
    return malformed(scan, level, scan->at, found, "a length that fits");
}

static enum wire wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LENGTH;
    default:
        return WIRE_VARINT;
    }
}

static bool bit(const struct level *level, size_t index)
{
    return level->seen[index / 8] >> (index % 8) & 1;
}

/* Refuses what would let two readers see two things; remembers the field. */
static int note_field(struct scan *scan, struct level *level, size_t at)
{
    const ProtobufCFieldDescriptor *field = level->field;
    size_t index = (size_t)(field - level->type->fields);
    bool member = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;

    if (index >= MAX_FIELDS)
        return error_set(scan->error, ERROR_INTERNAL, "%s has too many fields for the guard",
                         level->type->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return 0;
    if (bit(level, index))
        return malformed(scan, level, at, "this field a second time", "it once");
    for (size_t i = 0; member && i < level->type->n_fields && i < MAX_FIELDS; i++) {
        const ProtobufCFieldDescriptor *other = &level->type->fields[i];

        if (bit(level, i) && (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
            other->quantifier_offset == field->quantifier_offset) {
            char found[128];

            snprintf(found, sizeof found, "this field beside %s", other->name);
            return malformed(scan, level, at, found, "only one of them");
        }
    }
    level->seen[index / 8] = (uint8_t)(level->seen[index / 8] | 1u << (index % 8));
    return 0;
}

static int scan_text(struct scan *scan, const struct level *level, size_t start)
{
    struct span text = span_of(scan->bytes.data + start, scan->at - start);
    size_t valid = utf8_check(text);
    const uint8_t *nul = text.size ? memchr(text.data, 0, valid) : NULL;
    char found[64];

    if (nul)
        return malformed(scan, level, start + (size_t)(nul - text.data), "a NUL character",
                         "text without it");
    if (valid == text.size)
        return 0;
    snprintf(found, sizeof found, "byte 0x%02X that is not UTF-8", text.data[valid]);
    return malformed(scan, level, start + valid, found, "text in UTF-8");
}

/* Values packed one behind the other: each must end inside. */
static int scan_packed(struct scan *scan, const struct level *level, size_t end)
{
    struct level inner = *level;
    enum wire wire = wire_of(level->field->type);
    size_t width = wire == WIRE_32 ? 4 : 8;
    uint64_t value;
    int rc = 0;

    inner.end = end;
    while (rc == 0 && scan->at < end) {
        if (++scan->fields > scan->limits->fields)
            return refuse(scan, level, ERROR_TOO_LARGE, scan->at, "more fields than the limit",
                          "fewer");
        rc = wire == WIRE_VARINT ? read_varint(scan, &inner, &value)
                                 : skip_bytes(scan, &inner, width);
    }
    return rc;
}

static int scan_length(struct scan *scan, const struct level *level)
{
    const ProtobufCFieldDescriptor *field = level->field;
    uint64_t length;
    size_t start;
    int rc = read_varint(scan, level, &length);

    if (rc)
        return rc;
    start = scan->at;
    rc = skip_bytes(scan, level, length);
    if (rc || !field || field->type == PROTOBUF_C_TYPE_BYTES)
        return rc;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return scan_text(scan, level, start);
    scan->at = start;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan_message(scan, level, field->descriptor, start + (size_t)length);
    return scan_packed(scan, level, start + (size_t)length);
}

static int scan_value(struct scan *scan, const struct level *level, unsigned wire, size_t at)
{
    const ProtobufCFieldDescriptor *field = level->field;
    char found[64];
    uint64_t value;

    if (field && wire_of(field->type) != wire &&
        !(wire == WIRE_LENGTH && field->label == PROTOBUF_C_LABEL_REPEATED)) {
        snprintf(found, sizeof found, "wire type %u", wire);
        return malformed(scan, level, at, found,
                         wire_of(field->type) == WIRE_VARINT ? "0 (a number)"
                         : wire_of(field->type) == WIRE_64   ? "1 (64 bits)"
                         : wire_of(field->type) == WIRE_32   ? "5 (32 bits)"
                                                             : "2 (a length)");
    }
    switch (wire) {
    case WIRE_VARINT:
        return read_varint(scan, level, &value);
    case WIRE_64:
        return skip_bytes(scan, level, 8);
    case WIRE_32:
        return skip_bytes(scan, level, 4);
    case WIRE_LENGTH:
        return scan_length(scan, level);
    default:
        snprintf(found, sizeof found, "wire type %u%s", wire, wire < 5 ? " (a group)" : "");
        return malformed(scan, level, at, found, "0, 1, 2 or 5");
    }
}

static int scan_field(struct scan *scan, struct level *level)
{
    size_t at = scan->at;
    uint64_t tag;
    int rc;

    level->field = NULL;
    rc = read_varint(scan, level, &tag);
    if (rc)
        return rc;
    if (tag > UINT32_MAX || tag >> 3 == 0)
        return malformed(scan, level, at, tag >> 3 ? "a field number above 536870911" : "field 0",
                         "a field number");
    if (++scan->fields > scan->limits->fields) {
        char expected[64];

        snprintf(expected, sizeof expected, "at most %u", scan->limits->fields);
        return refuse(scan, level, ERROR_TOO_LARGE, at, "more fields than the limit", expected);
    }
    level->field = protobuf_c_message_descriptor_get_field(level->type, (unsigned)(tag >> 3));
    if (level->field) {
        rc = note_field(scan, level, at);
        if (rc)
            return rc;
    }
    return scan_value(scan, level, (unsigned)(tag & 7), at);
}

static int scan_message(struct scan *scan, const struct level *parent,
                        const ProtobufCMessageDescriptor *type, size_t end)
{
    struct level level = {.parent = parent, .type = type, .end = end};
    int rc = 0;

    level.depth = parent ? parent->depth + 1 : 1;
    if (level.depth > scan->limits->depth) {
        char found[64], expected[64];

        snprintf(found, sizeof found, "a message at depth %u", level.depth);
        snprintf(expected, sizeof expected, "at most %u", scan->limits->depth);
        return refuse(scan, parent, ERROR_TOO_LARGE, scan->at, found, expected);
    }
    while (rc == 0 && scan->at < end)
        rc = scan_field(scan, &level);
    return rc;
}

int guard_scan(const ProtobufCMessageDescriptor *type, struct span bytes,
               const struct guard_limits *limits, struct error *error)
{
    struct scan scan = {.bytes = bytes, .limits = limits, .error = error};
    struct error unused;

    if (!error)
        scan.error = &unused;
    return scan_message(&scan, NULL, type, bytes.size);
}

int guard_unpack(const ProtobufCMessageDescriptor *type, struct span bytes,
                 const struct guard_limits *limits, struct arena *arena, ProtobufCMessage **message,
                 struct error *error)
{
    ProtobufCMessage *result;
    int rc = guard_scan(type, bytes, limits, error);

    if (rc)
        return rc;
    arena->over_limit = arena->no_memory = false;
    result = protobuf_c_message_unpack(type, &arena->allocator, bytes.size, bytes.data);
    if (result) {
        *message = result;
        return 0;
    }
    if (arena->over_limit)
        return error_set(error, ERROR_TOO_LARGE,
                         "%s: found %zu bytes that need more memory than the limit of %zu",
                         type->short_name, bytes.size, arena->limit);
    if (arena->no_memory)
        return error_memory(error);
    return error_set(error, ERROR_MALFORMED, "%s: the bytes cannot be unpacked", type->short_name);
}
