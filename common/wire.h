/* wire: writing protobuf straight into its buffer, for what is too large or too often written to be
 * built up in memory first. The bytes are those that protobuf-c would make.
 *
 * Functions that return bool return false when memory runs out; the buffer is then unusable.
 * Threads: no shared state. */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include "common/bytes.h"

#define WIRE_VARINT_SIZE 10 /* of the longest one */

/* Bytes that the number takes. */
size_t wire_varint_size(uint64_t value);
/* Bytes that a length-delimited field of this size takes, with its key and length. */
size_t wire_field_size(unsigned number, size_t size);

bool wire_put_varint(struct buffer *out, uint64_t value);
bool wire_put_number(struct buffer *out, unsigned number, uint64_t value);
/* Bytes, text, or a sub-message that is packed already. */
bool wire_put_bytes(struct buffer *out, unsigned number, struct span value);

/* A sub-message whose fields follow: begin, put, end. *mark belongs to the pair. At most 2 MiB - 1
 * bytes may stand between them. */
bool wire_begin(struct buffer *out, unsigned number, size_t *mark);
void wire_end(struct buffer *out, size_t mark);

/* The same into memory that is known to be large enough; returns what is behind. */
uint8_t *wire_write_varint(uint8_t *at, uint64_t value);
uint8_t *wire_write_key(uint8_t *at, unsigned number,
                        size_t size); /* of a length-delimited field */
uint8_t *wire_write_bytes(uint8_t *at, unsigned number, struct span value);

#endif
