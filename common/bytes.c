#include "common/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span span_of(const void *data, size_t size)
{
    return (struct span){data, size};
}

struct span span_of_text(const char *text)
{
    return (struct span){(const uint8_t *)text, text ? strlen(text) : 0};
}

struct span span_of_id(const struct id *id)
{
    return (struct span){id->bytes, sizeof id->bytes};
}

bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool span_to_id(struct span span, struct id *id)
{
    if (span.size != sizeof id->bytes)
        return false;
    memcpy(id->bytes, span.data, sizeof id->bytes);
    return true;
}

void buffer_finish(struct buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
}

void buffer_trim(struct buffer *buffer)
{
    uint8_t *data;

    if (!buffer->size)
        buffer_finish(buffer);
    if (buffer->size >= buffer->capacity / 2)
        return;
    data = realloc(buffer->data, buffer->size);
    if (!data)
        return; /* then it stays as it is */
    buffer->data = data;
    buffer->capacity = buffer->size;
}

bool buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t need, capacity;
    uint8_t *data;

    if (more > SIZE_MAX / 2 - buffer->size)
        return false;
    need = buffer->size + more;
    if (need <= buffer->capacity && buffer->data)
        return true;
    capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    data = realloc(buffer->data, capacity);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    if (!buffer_reserve(buffer, size))
        return false;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

bool buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

bool buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !buffer_reserve(buffer, (size_t)length + 1))
        return false;
    va_start(args, format);
    vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, args);
    va_end(args);
    buffer->size += (size_t)length;
    return true;
}

const char *buffer_text(struct buffer *buffer)
{
    if (!buffer_reserve(buffer, 1))
        return "";
    buffer->data[buffer->size] = 0;
    return (const char *)buffer->data;
}

struct span buffer_span(const struct buffer *buffer)
{
    return (struct span){buffer->data, buffer->size};
}

bool id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool id_is_zero(const struct id *id)
{
    static const struct id zero;

    return id_equal(id, &zero);
}

int id_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id));
}

void bytes_to_hex(const void *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = data;

    for (size_t i = 0; i < size; i++) {
        *out++ = digits[in[i] >> 4];
        *out++ = digits[in[i] & 15];
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool bytes_from_hex(const char *hex, void *out, size_t size)
{
    uint8_t *to = out;

    if (strlen(hex) != size * 2)
        return false;
    for (size_t i = 0; i < size * 2; i++)
        if (hex_digit(hex[i]) < 0)
            return false;
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return true;
}

void bytes_to_base32(const void *data, size_t size, char *out)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    const uint8_t *in = data;
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | in[i];
        count += 8;
        while (count >= 5) {
            count -= 5;
            *out++ = digits[bits >> count & 31];
        }
    }
    if (count)
        *out++ = digits[bits << (5 - count) & 31];
    *out = '\0';
}

bool bytes_to_base64(const void *data, size_t size, struct buffer *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = data;

    if (!buffer_reserve(out, (size + 2) / 3 * 4))
        return false;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)in[i + 2] : 0);
        char four[4] = {digits[bits >> 18 & 63], digits[bits >> 12 & 63],
                        left > 1 ? digits[bits >> 6 & 63] : '=',
                        left > 2 ? digits[bits & 63] : '='};

        buffer_append(out, four, sizeof four);
    }
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool bytes_from_base64(const char *text, size_t size, struct buffer *out)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t digits = 0, padding = 0;

    for (size_t i = 0; i < size; i++) {
        int digit;

        if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n')
            continue;
        if (text[i] == '=') {
            padding++;
            continue;
        }
        digit = base64_digit(text[i]);
        if (digit < 0 || padding)
            return false;
        digits++;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            uint8_t byte = (uint8_t)(bits >> (count -= 8));

            if (!buffer_append(out, &byte, 1))
                return false;
        }
    }
    return digits % 4 != 1 && padding <= 2 && (padding == 0 || (digits + padding) % 4 == 0) &&
           (bits & ((1u << count) - 1)) == 0;
}

const char *bytes_visible(struct span text, char *out, size_t size)
{
    size_t length = text.size < size ? text.size : size - 1;

    for (size_t i = 0; i < length; i++)
        out[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? (char)text.data[i] : '?';
    out[length] = '\0';
    if (length < text.size && length >= 3)
        memcpy(out + length - 3, "...", 3);
    return out;
}

void bytes_put_u64(uint8_t out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint64_t bytes_get_u64(const uint8_t in[8])
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}
