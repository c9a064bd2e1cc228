/* vectors: the known answers of PROTOCOL.md, made again from nothing. tests/vectors/vectors.txt
 * holds them; unit.vectors compares, `unit_vectors --write FILE` makes the file anew. */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include "common/bytes.h"

/* Appends the whole text: comments, and lines "name = value". */
void vectors_write(struct buffer *out);

/* Its part on sealed contents, in vectors_sealed.c: this announcement, sealed in the feed of
 * institution 1 for 2 and 3. */
void vectors_write_sealed(struct span announcement, struct buffer *out);

/* Its part on joint announcements, in vectors_sides.c. */
void vectors_write_sides(struct buffer *out);

#endif
