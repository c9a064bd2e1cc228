/* pack: several requests, or several replies, in one message of the control link (control.proto):
 * what each message costs on its way is then shared. A message is a pack when it begins with the
 * pack field; nothing else may stand in it. Threads: no shared state. */
#ifndef OPS_PACK_H
#define OPS_PACK_H

#include "common/bytes.h"

/* A pack that has this many bytes is sent; a bigger one would only make the other end wait. */
#define PACK_SIZE (32 * 1024)

enum pack_kind { PACK_REQUESTS = 4, PACK_REPLIES = 5 }; /* the field's number */

bool pack_is(enum pack_kind kind, struct span message);
/* Appends a message to a pack; false when memory ran out: the pack is unchanged. */
bool pack_add(enum pack_kind kind, struct span message, struct buffer *pack);
/* Takes the next message out of what is left of a pack; *rest moves on. false: that was all, or
 * what is left is malformed (rest->size is then not 0). The span points into the pack. */
bool pack_next(enum pack_kind kind, struct span *rest, struct span *message);

#endif
