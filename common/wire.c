#include "common/wire.h"

#include <string.h>

#define LENGTH_SIZE 3 /* room that wire_begin keeps for a length: 2^21 - 1 */

enum { KEY_VARINT = 0, KEY_BYTES = 2 };

static uint64_t key(unsigned number, unsigned type)
{
    return (uint64_t)number << 3 | type;
}

size_t wire_varint_size(uint64_t value)
{
    size_t size = 1;

    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

size_t wire_field_size(unsigned number, size_t size)
{
    return wire_varint_size(key(number, KEY_BYTES)) + wire_varint_size(size) + size;
}

uint8_t *wire_write_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

uint8_t *wire_write_key(uint8_t *at, unsigned number, size_t size)
{
    return wire_write_varint(wire_write_varint(at, key(number, KEY_BYTES)), size);
}

uint8_t *wire_write_bytes(uint8_t *at, unsigned number, struct span value)
{
    at = wire_write_key(at, number, value.size);
    if (value.size)
        memcpy(at, value.data, value.size);
    return at + value.size;
}

bool wire_put_varint(struct buffer *out, uint64_t value)
{
    if (!buffer_reserve(out, WIRE_VARINT_SIZE))
        return false;
    out->size = (size_t)(wire_write_varint(out->data + out->size, value) - out->data);
    return true;
}

bool wire_put_number(struct buffer *out, unsigned number, uint64_t value)
{
    return wire_put_varint(out, key(number, KEY_VARINT)) && wire_put_varint(out, value);
}

bool wire_put_bytes(struct buffer *out, unsigned number, struct span value)
{
    if (!buffer_reserve(out, 2 * WIRE_VARINT_SIZE + value.size))
        return false;
    out->size = (size_t)(wire_write_bytes(out->data + out->size, number, value) - out->data);
    return true;
}

bool wire_begin(struct buffer *out, unsigned number, size_t *mark)
{
    if (!wire_put_varint(out, key(number, KEY_BYTES)) || !buffer_reserve(out, LENGTH_SIZE))
        return false;
    out->size += LENGTH_SIZE;
    *mark = out->size;
    return true;
}

void wire_end(struct buffer *out, size_t mark)
{
    size_t size = out->size - mark, spare = LENGTH_SIZE - wire_varint_size(size);
    uint8_t *at = out->data + mark - LENGTH_SIZE;

    /* Only what is short leaves room over, so moving it costs nothing. */
    wire_write_varint(at, size);
    if (spare)
        memmove(out->data + mark - spare, out->data + mark, size);
    out->size -= spare;
}
