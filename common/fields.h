/* fields: strict reading of the flat protobuf messages whose exact bytes are hashed and signed
 * (Entry, Certificate, …), and of what carries them in bulk (Run). PROTOCOL.md §2, "Reading signed
 * bytes".
 *
 * A message is read into an array of values, indexed by field number, or field by field. Nothing is
 * allocated; spans point into the bytes. Unknown fields are skipped. Malformed: a known field that
 * stands twice, has another wire type or size than its rule, a 32-bit number that does not fit,
 * groups, field number 0, a varint over ten bytes or 64 bits, anything that reaches over the end, a
 * required field that is absent. Threads: no shared state. */
#ifndef COMMON_FIELDS_H
#define COMMON_FIELDS_H

#include "common/bytes.h"
#include "common/error.h"

#include <protobuf-c/protobuf-c.h>

enum fields_type {
    FIELDS_NONE,
    FIELDS_BYTES,
    FIELDS_U32,
    FIELDS_U64,
    FIELDS_MANY /* bytes, any number of times: the value's number counts them, its bytes are the
                   last one's; fields_next gives each */
};

struct fields_rule {
    enum fields_type type;
    const char *name;
    uint32_t size; /* bytes: exactly this many; 0: any number */
    bool required;
};

/* rules[n] is for field n; rules[0] is not used. Fields from count on are unknown. */
struct fields_message {
    const char *name;
    const struct fields_rule *rules;
    uint32_t count; /* at most FIELDS_COUNT_MAX */
};

#define FIELDS_COUNT_MAX 16

struct fields_value {
    bool present;
    uint64_t number; /* 0 when absent */
    struct span bytes;
};

/* Fills values[0 … message->count - 1]. Errors: malformed, with byte offset, found, expected. */
int fields_read(const struct fields_message *message, struct span bytes,
                struct fields_value *values, struct error *error);

/* Reading one field after the other, whatever they are. Set message, bytes and error; at 0. */
struct fields_cursor {
    const char *message; /* named in errors */
    struct span bytes;
    size_t at;
    struct error *error;
};

struct fields_field {
    uint32_t number; /* 0: the end was reached */
    unsigned wire;   /* 0, 1, 2 or 5 */
    struct fields_value value;
};

/* The next field. ERROR_MALFORMED as above, but for what only rules can tell. */
int fields_next(struct fields_cursor *cursor, struct fields_field *field);

/* For packing: protobuf-c has no const, but packing only reads. */
ProtobufCBinaryData fields_binary(struct span span);
/* Appends the packed message; false when memory runs out. */
bool fields_pack(const ProtobufCMessage *message, struct buffer *out);

#endif
