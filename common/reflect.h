/* reflect: reads and sets fields of any generated message by its descriptor.
 *
 * A field "has n values": 0 or 1 for a singular one, n for a repeated one. Threads: no shared
 * state. */
#ifndef COMMON_REFLECT_H
#define COMMON_REFLECT_H

#include "common/arena.h"
#include "common/bytes.h"

#include <protobuf-c/protobuf-c.h>

typedef ProtobufCMessageDescriptor reflect_type;
typedef ProtobufCFieldDescriptor reflect_field;

/* How many values stand in the field. */
size_t reflect_count(const ProtobufCMessage *message, const reflect_field *field);

/* Value `index` (below the count): int32_t, uint32_t, int64_t, uint64_t, float, double,
 * protobuf_c_boolean, enum (int), char *, ProtobufCBinaryData or ProtobufCMessage * as the type
 * says. */
const void *reflect_value(const ProtobufCMessage *message, const reflect_field *field,
                          size_t index);
const char *reflect_text(const ProtobufCMessage *message, const reflect_field *field, size_t index);
ProtobufCMessage *reflect_message(const ProtobufCMessage *message, const reflect_field *field,
                                  size_t index);

/* A new message with nothing set; NULL when the arena is full. */
ProtobufCMessage *reflect_new(const reflect_type *type, struct arena *arena);

/* Makes room for `count` values (1 for a singular field), zeroed, and marks the field as set;
 * returns the first, the others follow. NULL when the arena is full. A field is given room once. */
void *reflect_room(ProtobufCMessage *message, const reflect_field *field, size_t count,
                   struct arena *arena);
/* Repeated fields only: fewer values than there was room for. */
void reflect_shrink(ProtobufCMessage *message, const reflect_field *field, size_t count);

/* Every field that stands in `from` takes the place of what `to` has in it, lists as a whole. Both
 * are of one type; values are shared afterwards, not copied. */
void reflect_overlay(const ProtobufCMessage *from, ProtobufCMessage *to);

/* The field of `to` becomes what it is in `from`, absent too; as above. Not for a oneof. */
void reflect_share(const ProtobufCMessage *from, const reflect_field *field, ProtobufCMessage *to);

/* Bytes that one value takes in memory. */
size_t reflect_size(const reflect_field *field);

/* By the schema's name; NULL when there is none. */
const reflect_field *reflect_find(const reflect_type *type, const char *name);

/* The member of the oneof that is set and to which `field` belongs; NULL when none is. */
const reflect_field *reflect_oneof(const ProtobufCMessage *message, const reflect_field *field);

/* Fields in the whole message that this version's schema does not know. */
size_t reflect_unknown(const ProtobufCMessage *message);

#endif
