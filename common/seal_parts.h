/* seal_parts: what the files of seal share; for them only. Threads: no shared state. */
#ifndef COMMON_SEAL_PARTS_H
#define COMMON_SEAL_PARTS_H

#include "common/seal.h"

#define SEAL_TAG_SIZE 4  /* of a slot: tells whose it is */
#define SEAL_MAC_SIZE 16 /* of XChaCha20-Poly1305 */

/* Slots for so many institutions and the publisher. */
size_t seal_slot_count(size_t audience_count);
/* What so many bytes of SealedContent take once padded. */
size_t seal_padded_size(size_t size);

/* Checks the draft but for keys and network, and appends its SealedContent, padded; out is
 * unchanged on error. Errors as seal_make. */
int seal_content_pack(const struct seal_draft *draft, struct buffer *out, struct error *error);
/* How many of these bytes are SealedContent. ERROR_INVALID unless they are padded as they must be.
 */
int seal_unpad(struct span padded, size_t *size, struct error *error);

#endif
