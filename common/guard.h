/* guard: looks at protobuf bytes before they are unpacked.
 *
 * protobuf-c nests without a limit, takes any bytes as text and lets the last of two equal fields
 * win. So whatever comes from a file or a peer passes here first. Refused are: nesting deeper than
 * the limit, more fields than the limit (sub-messages counted), varints and lengths that are cut
 * off or too long, a wire type other than the schema's, groups, field number 0, text that is not
 * UTF-8 or holds a NUL, a singular field or two members of one oneof set twice (two readers could
 * see two things). Unknown fields pass, but count.
 *
 * Errors: ERROR_TOO_LARGE for a limit, ERROR_MALFORMED for the rest; the sentence gives the field,
 * the byte offset, what was found and what was expected. Threads: any. */
#ifndef COMMON_GUARD_H
#define COMMON_GUARD_H

#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

#include <protobuf-c/protobuf-c.h>

struct guard_limits {
    unsigned depth;  /* the outermost message is 1 */
    unsigned fields; /* in all */
};

extern const struct guard_limits guard_limits_content; /* what an entry carries, cards, heads … */
extern const struct guard_limits guard_limits_message; /* sync and control messages */

/* Returns 0 or an error_code. Reads the bytes only; allocates nothing. */
int guard_scan(const ProtobufCMessageDescriptor *type, struct span bytes,
               const struct guard_limits *limits, struct error *error);

/* Scans, then unpacks into the arena; *message (untouched on error) ends with the arena. Also
 * ERROR_TOO_LARGE when the message does not fit under the arena's cap, ERROR_MEMORY. */
int guard_unpack(const ProtobufCMessageDescriptor *type, struct span bytes,
                 const struct guard_limits *limits, struct arena *arena, ProtobufCMessage **message,
                 struct error *error);

#endif
