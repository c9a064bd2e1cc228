#include "common/utf8.h"

#include <string.h>

int32_t utf8_next(struct span text, size_t *at)
{
    static const uint32_t lowest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t *data = text.data + *at;
    size_t left = text.size - *at, length;
    uint32_t value;

    if (*at >= text.size)
        return -1;
    if (data[0] < 0x80) {
        (*at)++;
        return data[0];
    }
    length = data[0] >= 0xF0 ? 4 : data[0] >= 0xE0 ? 3 : 2;
    if (data[0] < 0xC2 || data[0] > 0xF4 || left < length)
        return -1;
    value = data[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((data[i] & 0xC0) != 0x80)
            return -1;
        value = value << 6 | (data[i] & 0x3Fu);
    }
    if (value < lowest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return -1;
    *at += length;
    return (int32_t)value;
}

/* Most text is plain ASCII: eight bytes at a time. Returns where the first other byte may be. */
static size_t skip_ascii(struct span text, size_t at)
{
    for (uint64_t eight; text.size - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, text.data + at, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    return at;
}

size_t utf8_check(struct span text)
{
    size_t at = skip_ascii(text, 0);

    while (at < text.size) {
        if (utf8_next(text, &at) < 0)
            break;
        if (at < text.size && text.data[at] < 0x80)
            at = skip_ascii(text, at);
    }
    return at;
}

size_t utf8_length(const char *text)
{
    struct span span = span_of_text(text);
    size_t at = skip_ascii(span, 0), count = at;

    for (; at < span.size; count++)
        if (utf8_next(span, &at) < 0)
            at++;
    return count;
}

bool utf8_append(struct buffer *out, uint32_t c)
{
    uint8_t bytes[4];
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};

    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        bytes[i] = (uint8_t)(0x80 | (c & 0x3F));
    bytes[0] = (uint8_t)(lead[length] | c);
    return buffer_append(out, bytes, length);
}
