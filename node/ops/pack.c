#include "node/ops/pack.h"

#define WIRE_LENGTH 2
#define LENGTH_SIZE 5 /* of a length under 2^35, as a varint */

static uint8_t tag(enum pack_kind kind)
{
    return (uint8_t)((unsigned)kind << 3 | WIRE_LENGTH);
}

bool pack_is(enum pack_kind kind, struct span message)
{
    return message.size > 0 && message.data[0] == tag(kind);
}

bool pack_add(enum pack_kind kind, struct span message, struct buffer *pack)
{
    uint8_t head[1 + LENGTH_SIZE];
    size_t size = 0, length = message.size;

    if (length >> (7 * LENGTH_SIZE) || !buffer_reserve(pack, sizeof head + length))
        return false;
    head[size++] = tag(kind);
    for (; length > 0x7f; length >>= 7)
        head[size++] = (uint8_t)(length | 0x80);
    head[size++] = (uint8_t)length;
    return buffer_append(pack, head, size) && buffer_append(pack, message.data, message.size);
}

bool pack_next(enum pack_kind kind, struct span *rest, struct span *message)
{
    uint64_t length = 0;
    size_t at = 1;

    if (!pack_is(kind, *rest))
        return false;
    for (unsigned shift = 0;; shift += 7) {
        if (at == rest->size || at > LENGTH_SIZE)
            return false;
        length |= (uint64_t)(rest->data[at] & 0x7f) << shift;
        if (rest->data[at++] < 0x80)
            break;
    }
    if (length > rest->size - at)
        return false;
    *message = span_of(rest->data + at, (size_t)length);
    *rest = span_of(rest->data + at + length, rest->size - at - (size_t)length);
    return true;
}
