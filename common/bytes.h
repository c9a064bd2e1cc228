/* bytes: views, growing buffers, fixed-size ids and their text forms (hex, base32, base64).
 *
 * Threads: no shared state. Ownership: a span is borrowed; a buffer owns its memory. */
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTES_ID_SIZE 32

/* A borrowed view; data may be NULL when size is 0. */
struct span {
    const uint8_t *data;
    size_t size;
};

/* A growing buffer. Zeroed is a valid empty buffer. */
struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* 32 bytes with a meaning: a feed id, an entry hash, a public key. Compared byte by byte. */
struct id {
    uint8_t bytes[BYTES_ID_SIZE];
};

struct span span_of(const void *data, size_t size);
struct span span_of_text(const char *text); /* without the final NUL; NULL gives an empty span */
struct span span_of_id(const struct id *id);
bool span_equal(struct span a, struct span b);
/* true and *id filled when the span holds exactly 32 bytes; else false and *id untouched. */
bool span_to_id(struct span span, struct id *id);

void buffer_finish(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
/* Gives memory back where more than half of it is not used. */
void buffer_trim(struct buffer *buffer);
/* The three below return false when memory runs out; the buffer is then unchanged. */
bool buffer_reserve(struct buffer *buffer, size_t more); /* data is then never NULL */
bool buffer_append(struct buffer *buffer, const void *data, size_t size);
bool buffer_append_text(struct buffer *buffer, const char *text);
bool buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Keeps a NUL behind the content (not counted in size) and returns it; "" when memory runs out. */
const char *buffer_text(struct buffer *buffer);
struct span buffer_span(const struct buffer *buffer);

bool id_equal(const struct id *a, const struct id *b);
bool id_is_zero(const struct id *id);
int id_compare(const void *a, const void *b); /* for qsort and bsearch over struct id */

/* Lower-case hex with a NUL: out must hold 2 * size + 1. */
void bytes_to_hex(const void *data, size_t size, char *out);
/* Reads exactly 2 * size hex digits, either case; false otherwise. */
bool bytes_from_hex(const char *hex, void *out, size_t size);
/* RFC 4648 base32, lower case, no padding, with a NUL: out must hold (size * 8 + 4) / 5 + 1. */
void bytes_to_base32(const void *data, size_t size, char *out);
/* RFC 4648 base64 with padding, appended to the buffer; false when memory runs out. */
bool bytes_to_base64(const void *data, size_t size, struct buffer *out);
/* Reads base64 with or without padding; white space is skipped. false on any other character, on a
 * wrong length or when memory runs out; what was appended before stays in the buffer. */
bool bytes_from_base64(const char *text, size_t size, struct buffer *out);

/* Foreign text for a sentence or a log line: at most size - 1 bytes, what is not printable ASCII
 * shows as '?', what does not fit as "...". Returns out. */
const char *bytes_visible(struct span text, char *out, size_t size);

/* Big-endian 64 bits. */
void bytes_put_u64(uint8_t out[8], uint64_t value);
uint64_t bytes_get_u64(const uint8_t in[8]);

#endif
