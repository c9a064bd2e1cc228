/* What difference's own files share; nobody else includes it. */
#ifndef COMMON_DIFFERENCE_PARTS_H
#define COMMON_DIFFERENCE_PARTS_H

#include "common/difference.h"
#include "common/reflect.h"

#define DIFFERENCE_NONE SIZE_MAX
/* Columns, and bytes, that a part's name takes in a path. */
#define DIFFERENCE_LABEL_COLUMNS 48
#define DIFFERENCE_LABEL_SIZE 192

/* Which part of one list is which part of the other; partner[side][i] is an index into the other
 * side's list or DIFFERENCE_NONE. reordered: the pairs stand in another order. */
struct difference_pairs {
    size_t count[2];
    size_t *partner[2];
    bool reordered;
};

/* Pairs the parts of a repeated field of two messages of one type; what it fills lives in the
 * arena. false when memory runs out. */
bool difference_pair(const ProtobufCMessage *const messages[2], const reflect_field *field,
                     struct arena *arena, struct difference_pairs *out);

/* Appends what tells a part of a list from the others, ready for a terminal and cut; nothing when
 * the part has no name. false when memory runs out. */
bool difference_label(const ProtobufCMessage *message, const reflect_field *field, size_t index,
                      struct buffer *out);
/* Appends text, ready for a terminal and cut to the size of a label. */
bool difference_cut(const char *text, struct buffer *out);

/* Appends one value's own bytes: two values are equal when these are. */
bool difference_bytes(const ProtobufCMessage *message, const reflect_field *field, size_t index,
                      struct buffer *out);

#endif
