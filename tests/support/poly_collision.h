/* poly_collision: one ciphertext that two keys open, each to another text. XChaCha20-Poly1305
 * commits to nothing: with 32 bytes of the text free to choose, anybody can build this. It is why a
 * Sealed has a commitment. */
#ifndef TESTS_SUPPORT_POLY_COLLISION_H
#define TESTS_SUPPORT_POLY_COLLISION_H

#include "common/bytes.h"

/* box holds a ciphertext (a multiple of 16 bytes, at least 32) and 16 bytes more. Changes the
 * ciphertext's first 32 bytes, and makes the last 16 the tag that is right with both keys, for the
 * associated data and a nonce of zeros. */
void poly_collide(const uint8_t first[32], const uint8_t second[32], struct span associated,
                  struct buffer *box);

#endif
