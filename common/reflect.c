#include "common/reflect.h"

#include <string.h>

static const void *place(const ProtobufCMessage *message, size_t offset)
{
    return (const uint8_t *)message + offset;
}

static bool is_oneof(const reflect_field *field)
{
    return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

static bool is_pointer(const reflect_field *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

size_t reflect_size(const reflect_field *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

size_t reflect_count(const ProtobufCMessage *message, const reflect_field *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)place(message, field->quantifier_offset);
    if (is_oneof(field))
        return *(const uint32_t *)place(message, field->quantifier_offset) == field->id;
    if (is_pointer(field))
        return *(void *const *)place(message, field->offset) != NULL;
    return *(const protobuf_c_boolean *)place(message, field->quantifier_offset) != 0;
}

static void copy(const ProtobufCMessage *from, ProtobufCMessage *to, size_t offset, size_t size)
{
    memcpy((uint8_t *)to + offset, place(from, offset), size);
}

void reflect_share(const ProtobufCMessage *from, const reflect_field *field, ProtobufCMessage *to)
{
    bool list = field->label == PROTOBUF_C_LABEL_REPEATED;

    copy(from, to, field->offset, list ? sizeof(void *) : reflect_size(field));
    if (list)
        copy(from, to, field->quantifier_offset, sizeof(size_t));
    else if (is_oneof(field))
        copy(from, to, field->quantifier_offset, sizeof(uint32_t));
    else if (!is_pointer(field))
        copy(from, to, field->quantifier_offset, sizeof(protobuf_c_boolean));
}

void reflect_overlay(const ProtobufCMessage *from, ProtobufCMessage *to)
{
    for (unsigned i = 0; i < from->descriptor->n_fields; i++)
        if (reflect_count(from, &from->descriptor->fields[i]))
            reflect_share(from, &from->descriptor->fields[i], to);
}

const void *reflect_value(const ProtobufCMessage *message, const reflect_field *field, size_t index)
{
    const void *value = place(message, field->offset);

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const uint8_t *const *)value + index * reflect_size(field);
    return value;
}

const char *reflect_text(const ProtobufCMessage *message, const reflect_field *field, size_t index)
{
    return *(const char *const *)reflect_value(message, field, index);
}

ProtobufCMessage *reflect_message(const ProtobufCMessage *message, const reflect_field *field,
                                  size_t index)
{
    return *(ProtobufCMessage *const *)reflect_value(message, field, index);
}

ProtobufCMessage *reflect_new(const reflect_type *type, struct arena *arena)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);

    if (message)
        protobuf_c_message_init(type, message);
    return message;
}

void *reflect_room(ProtobufCMessage *message, const reflect_field *field, size_t count,
                   struct arena *arena)
{
    uint8_t *base = (uint8_t *)message;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        void *values = arena_alloc(arena, (count ? count : 1) * reflect_size(field));

        if (values) {
            memcpy(base + field->offset, &values, sizeof values);
            *(size_t *)(void *)(base + field->quantifier_offset) = count;
        }
        return values;
    }
    if (is_oneof(field))
        *(uint32_t *)(void *)(base + field->quantifier_offset) = field->id;
    else if (!is_pointer(field))
        *(protobuf_c_boolean *)(void *)(base + field->quantifier_offset) = 1;
    return base + field->offset;
}

void reflect_shrink(ProtobufCMessage *message, const reflect_field *field, size_t count)
{
    *(size_t *)(void *)((uint8_t *)message + field->quantifier_offset) = count;
}

const reflect_field *reflect_find(const reflect_type *type, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(type, name);
}

const reflect_field *reflect_oneof(const ProtobufCMessage *message, const reflect_field *field)
{
    uint32_t id = *(const uint32_t *)place(message, field->quantifier_offset);

    return id ? protobuf_c_message_descriptor_get_field(message->descriptor, id) : NULL;
}

size_t reflect_unknown(const ProtobufCMessage *message)
{
    size_t count = message->n_unknown_fields;

    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const reflect_field *field = &message->descriptor->fields[i];

        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        for (size_t k = 0; k < reflect_count(message, field); k++)
            count += reflect_unknown(reflect_message(message, field, k));
    }
    return count;
}
