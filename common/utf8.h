/* utf8: is it valid, how long is it, where does the next character start.
 *
 * Valid means RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Threads: any. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include "common/bytes.h"

/* Reads the character at text.data[*at] and moves *at behind it; -1 when it is not valid UTF-8
 * (then *at stays) or when the text ends there. */
int32_t utf8_next(struct span text, size_t *at);

/* Offset of the first byte that is not valid UTF-8; text.size when all is valid. */
size_t utf8_check(struct span text);

/* Characters (code points) of valid UTF-8; bytes that are not valid count as one each. */
size_t utf8_length(const char *text);

/* Appends a character as UTF-8; false when memory runs out. */
bool utf8_append(struct buffer *out, uint32_t character);

#endif
