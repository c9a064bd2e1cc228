/* merge: what somebody has changed of a message, carried over into what the message has become
 * meanwhile. By whole fields of the outermost message, lists as a whole; what this version does not
 * know of it counts as one field more.
 *
 *     base      the message that was looked at
 *     theirs    … with what they have changed
 *     now       … with what others have changed since
 *
 * Threads: no shared state. */
#ifndef COMMON_MERGE_H
#define COMMON_MERGE_H

#include "common/error.h"
#include "common/reflect.h"

struct merge {
    /* `now`, with every field that `theirs` has changed as it is there. */
    ProtobufCMessage *message;
    size_t changed; /* fields that theirs has changed against base */
    size_t pending; /* … of these, those that are something else in now */
    /* Of these, those that now has changed against base as well, as people write them: "deadline,
     * apply url"; NULL: none. */
    const char *conflicts;
};

/* All three are of one type, which has no oneof in its outermost message. *out lives in the arena,
 * shares the values of all three, and is set on success only. ERROR_MEMORY only. */
int merge_find(const ProtobufCMessage *base, const ProtobufCMessage *now,
               const ProtobufCMessage *theirs, struct arena *arena, struct merge *out,
               struct error *error);

#endif
