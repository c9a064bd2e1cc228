/* blake: BLAKE2b-256 (RFC 7693, no key) of many messages at once. One hash cannot use the whole
 * width of the machine's vectors, four can: checking what comes in a catch-up is mostly this. The
 * hashes are those of libsodium, which makes every single one (identity.h), and all of them on a
 * machine without such vectors.
 *
 * Threads: no shared state. */
#ifndef COMMON_BLAKE_H
#define COMMON_BLAKE_H

#include "common/bytes.h"

struct blake_message {
    struct span first, second; /* hashed one behind the other, behind the prefix */
    struct id *hash;           /* gets the hash */
};

/* false: this machine cannot; nothing was done. */
bool blake_many(struct span prefix, const struct blake_message *messages, size_t count);

#endif
