#include "node/ledger/segment.h"

#include <string.h>

#include "common/wire.h"

#define ALL_FLAGS                                                                                  \
    (SEGMENT_CONTENT | SEGMENT_SIGNATURE | SEGMENT_WHOLE | SEGMENT_CERTIFICATE | SEGMENT_READER |  \
     SEGMENT_ERASED)
/* Flags, five to eight varints, the size of the bytes, two hashes. */
#define HEAD_SIZE (1 + 9 * WIRE_VARINT_SIZE + 2 * BYTES_ID_SIZE)
#define FIRST_TYPE_WITHOUT_BIT 32

/* --- Entry bytes ------------------------------------------------------------------------------ */

/* Keys of the fields of Entry; all numbers are below 16, so each key is one byte. */
enum {
    KEY_NETWORK = 1 << 3 | 2,
    KEY_FEED = 2 << 3 | 2,
    KEY_SEQ = 3 << 3,
    KEY_PREVIOUS = 4 << 3 | 2,
    KEY_CREATED = 5 << 3,
    KEY_TYPE = 6 << 3,
    KEY_CONTENT_HASH = 7 << 3 | 2,
    KEY_CONTENT_SIZE = 8 << 3,
    KEY_READER = 9 << 3
};

static uint8_t *put_number(uint8_t *at, uint8_t key, uint64_t value)
{
    *at++ = key;
    return wire_write_varint(at, value);
}

static uint8_t *put_id(uint8_t *at, uint8_t key, const struct id *id)
{
    *at++ = key;
    *at++ = BYTES_ID_SIZE;
    memcpy(at, id->bytes, BYTES_ID_SIZE);
    return at + BYTES_ID_SIZE;
}

/* What our encoder makes of these parts. A network of 64 bytes leaves it far below the limit. */
static size_t rebuild(const struct segment_feed *feed, const struct entry *entry,
                      uint8_t out[LIMIT_ENTRY_SIZE])
{
    uint8_t *at = out;

    *at++ = KEY_NETWORK;
    *at++ = (uint8_t)feed->network_size;
    memcpy(at, feed->network, feed->network_size);
    at = put_id(at + feed->network_size, KEY_FEED, &feed->feed);
    at = put_number(at, KEY_SEQ, entry->seq);
    if (entry->seq > 1)
        at = put_id(at, KEY_PREVIOUS, &entry->previous);
    at = put_number(at, KEY_CREATED, entry->created_ms);
    at = put_number(at, KEY_TYPE, entry->content_type);
    at = put_id(at, KEY_CONTENT_HASH, &entry->content_hash);
    at = put_number(at, KEY_CONTENT_SIZE, entry->content_size);
    return (size_t)(put_number(at, KEY_READER, entry->min_reader) - out);
}

struct span segment_network(struct span entry)
{
    if (entry.size > 2 && entry.data[0] == KEY_NETWORK && entry.data[1] <= LIMIT_NETWORK_SIZE &&
        entry.data[1] <= entry.size - 2)
        return span_of(entry.data + 2, entry.data[1]);
    return span_of(NULL, 0);
}

uint64_t segment_type(uint32_t content_type)
{
    return (uint64_t)1 << (content_type < FIRST_TYPE_WITHOUT_BIT ? content_type
                                                                 : FIRST_TYPE_WITHOUT_BIT);
}

/* --- writing ---------------------------------------------------------------------------------- */

static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (value & 1 ? UINT64_MAX : 0);
}

void segment_finish(struct segment *segment)
{
    buffer_finish(&segment->records);
    *segment = (struct segment){0};
}

int segment_start(struct segment *segment, uint64_t arrival, uint64_t seq,
                  const struct id *previous, struct error *error)
{
    struct buffer records = segment->records;

    buffer_clear(&records);
    *segment = (struct segment){.records = records, .arrival = arrival, .seq = seq};
    return buffer_append(&segment->records, previous->bytes, BYTES_ID_SIZE) ? ERROR_NONE
                                                                            : error_memory(error);
}

static int damaged(struct error *error)
{
    return error_set(error, ERROR_MALFORMED, "a segment of the ledger is damaged");
}

/* Reads through the records, so that more can be added behind them. */
static int follow(struct segment *segment, const struct segment_feed *feed, struct error *error)
{
    const struct segment_row row = {segment->arrival, segment->seq, segment->count,
                                    buffer_span(&segment->records)};
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false;

    if (!segment_open(&cursor, feed, &row))
        return damaged(error);
    for (;;) {
        if (!segment_next(&cursor, &entry, &end))
            return damaged(error);
        if (end)
            return ERROR_NONE;
        segment->types |= segment_type(entry.entry.content_type);
        segment->types |= entry.erased ? SEGMENT_HAS_ERASED : 0;
        segment->missing += !entry.entry.has_content && !entry.erased;
        segment->certificate = cursor.certificate;
        segment->received_ms = cursor.received_ms;
        segment->created_ms = cursor.created_ms;
    }
}

int segment_load(struct segment *segment, const struct segment_feed *feed,
                 const struct segment_row *row, struct error *error)
{
    struct buffer records = segment->records;
    int rc;

    buffer_clear(&records);
    *segment = (struct segment){
        .records = records, .arrival = row->arrival, .seq = row->seq, .count = row->count};
    rc = buffer_append(&segment->records, row->records.data, row->records.size)
             ? ERROR_NONE
             : error_memory(error);
    return rc ? rc : follow(segment, feed, error);
}

size_t segment_room(const struct store_entry *entry)
{
    return HEAD_SIZE + entry->entry.bytes.size + entry->entry.salt.size +
           entry->entry.content.size + IDENTITY_SIGNATURE_SIZE;
}

static bool has_right_sizes(const struct store_entry *stored)
{
    const struct entry *entry = &stored->entry;

    return (!entry->has_content || !stored->erased) &&
           (!entry->signature_checked || entry->signature.size == IDENTITY_SIGNATURE_SIZE) &&
           (!entry->has_content ||
            (entry->salt.size == LIMIT_SALT_SIZE && entry->content.size == entry->content_size)) &&
           entry->content_size <= LIMIT_CONTENT_SIZE && entry->bytes.size > 0 &&
           entry->bytes.size <= LIMIT_ENTRY_SIZE;
}

static uint8_t *put_bytes(uint8_t *at, struct span bytes)
{
    if (bytes.size)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

static uint8_t *put_record(const struct segment *segment, uint8_t flags,
                           const struct store_entry *stored, uint8_t *at)
{
    const struct entry *entry = &stored->entry;

    *at++ = flags;
    at = wire_write_varint(at, entry->content_type);
    at = wire_write_varint(at, entry->content_size);
    at = wire_write_varint(at, zigzag(stored->received_ms - segment->received_ms));
    at = wire_write_varint(at, zigzag(entry->created_ms - segment->created_ms));
    if (flags & SEGMENT_CERTIFICATE)
        at = wire_write_varint(at, stored->certificate);
    if (flags & SEGMENT_READER)
        at = wire_write_varint(at, entry->min_reader);
    if (flags & SEGMENT_ERASED)
        at = wire_write_varint(at, stored->erased);
    at = put_bytes(at, span_of_id(&entry->hash));
    at = put_bytes(at, span_of_id(&entry->content_hash));
    if (flags & SEGMENT_WHOLE)
        at = put_bytes(wire_write_varint(at, entry->bytes.size), entry->bytes);
    if (flags & SEGMENT_CONTENT)
        at = put_bytes(put_bytes(at, entry->salt), entry->content);
    if (flags & SEGMENT_SIGNATURE)
        at = put_bytes(at, entry->signature);
    return at;
}

int segment_add(struct segment *segment, const struct segment_feed *feed,
                const struct store_entry *stored, struct error *error)
{
    const struct entry *entry = &stored->entry;
    uint8_t room[LIMIT_ENTRY_SIZE], flags = 0, *start;

    if (!has_right_sizes(stored))
        return error_set(error, ERROR_INTERNAL,
                         "entry %llu, or its signature, salt or content, has a size that it cannot "
                         "have",
                         (unsigned long long)entry->seq);
    if (!buffer_reserve(&segment->records, segment_room(stored)))
        return error_memory(error);
    flags |= entry->has_content ? SEGMENT_CONTENT : 0;
    flags |= entry->signature_checked ? SEGMENT_SIGNATURE : 0;
    flags |= stored->certificate != segment->certificate ? SEGMENT_CERTIFICATE : 0;
    flags |= entry->min_reader != 1 ? SEGMENT_READER : 0;
    flags |= stored->erased ? SEGMENT_ERASED : 0;
    if (!feed->network_size || !span_equal(entry->bytes, span_of(room, rebuild(feed, entry, room))))
        flags |= SEGMENT_WHOLE;
    start = segment->records.data + segment->records.size;
    segment->records.size += (size_t)(put_record(segment, flags, stored, start) - start);
    segment->count++;
    segment->types |= segment_type(entry->content_type);
    segment->types |= stored->erased ? SEGMENT_HAS_ERASED : 0;
    segment->missing += !entry->has_content && !stored->erased;
    segment->certificate = stored->certificate;
    segment->received_ms = stored->received_ms;
    segment->created_ms = entry->created_ms;
    return ERROR_NONE;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool take_number(struct segment_cursor *cursor, uint64_t *out)
{
    const uint8_t *at = cursor->records.data + cursor->at;
    const uint8_t *end = cursor->records.data + cursor->records.size;
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
        uint8_t byte = *at++;

        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            cursor->at = (size_t)(at - cursor->records.data);
            *out = value;
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct segment_cursor *cursor, size_t size, struct span *out)
{
    if (size > cursor->records.size - cursor->at)
        return false;
    *out = span_of(cursor->records.data + cursor->at, size);
    cursor->at += size;
    return true;
}

bool segment_open(struct segment_cursor *cursor, const struct segment_feed *feed,
                  const struct segment_row *row)
{
    *cursor = (struct segment_cursor){.feed = feed,
                                      .records = row->records,
                                      .at = BYTES_ID_SIZE,
                                      .left = row->count,
                                      .hash = row->records.data,
                                      .arrival = row->arrival,
                                      .seq = row->seq};
    return row->records.size > BYTES_ID_SIZE && row->count > 0 && row->seq > 0 &&
           row->count <= INT64_MAX && row->seq <= INT64_MAX - row->count && row->arrival > 0 &&
           row->arrival <= INT64_MAX - row->count && feed->network_size <= LIMIT_NETWORK_SIZE;
}

/* The numbers of a record. */
static bool take_numbers(struct segment_cursor *cursor, uint8_t flags, struct store_entry *stored)
{
    struct entry *entry = &stored->entry;
    uint64_t type, size, received, created, reader = 1, erased = 0;

    if (!take_number(cursor, &type) || !take_number(cursor, &size) ||
        !take_number(cursor, &received) || !take_number(cursor, &created) ||
        (flags & SEGMENT_CERTIFICATE && !take_number(cursor, &cursor->certificate)) ||
        (flags & SEGMENT_READER && !take_number(cursor, &reader)) ||
        (flags & SEGMENT_ERASED && (flags & SEGMENT_CONTENT || !take_number(cursor, &erased) ||
                                    erased <= cursor->seq || erased > INT64_MAX)))
        return false;
    if (type > UINT32_MAX || size > LIMIT_CONTENT_SIZE || reader > UINT32_MAX)
        return false;
    cursor->received_ms += unzigzag(received);
    cursor->created_ms += unzigzag(created);
    entry->content_type = (uint32_t)type;
    entry->content_size = (uint32_t)size;
    entry->min_reader = (uint32_t)reader;
    stored->erased = erased;
    return true;
}

/* What a record has beside its numbers and hashes. */
static bool take_parts(struct segment_cursor *cursor, uint8_t flags, struct entry *entry)
{
    uint64_t size;

    cursor->whole = span_of(NULL, 0);
    if (flags & SEGMENT_WHOLE &&
        (!take_number(cursor, &size) || size == 0 || size > LIMIT_ENTRY_SIZE ||
         !take_bytes(cursor, (size_t)size, &cursor->whole)))
        return false;
    if (!(flags & SEGMENT_WHOLE) && cursor->feed->network_size == 0)
        return false;
    if (flags & SEGMENT_CONTENT && (!take_bytes(cursor, LIMIT_SALT_SIZE, &entry->salt) ||
                                    !take_bytes(cursor, entry->content_size, &entry->content)))
        return false;
    entry->has_content = flags & SEGMENT_CONTENT;
    entry->signature_checked = flags & SEGMENT_SIGNATURE;
    return !entry->signature_checked ||
           take_bytes(cursor, IDENTITY_SIGNATURE_SIZE, &entry->signature);
}

bool segment_next(struct segment_cursor *cursor, struct store_entry *out, bool *end)
{
    struct entry *entry = &out->entry;
    const uint8_t *previous = cursor->hash;
    struct span flags, hash, content_hash;

    *end = cursor->left == 0;
    if (*end)
        return cursor->at == cursor->records.size;
    entry->salt = entry->content = entry->signature = entry->bytes = span_of(NULL, 0);
    if (!take_bytes(cursor, 1, &flags) || flags.data[0] & ~ALL_FLAGS ||
        !take_numbers(cursor, flags.data[0], out) || !take_bytes(cursor, BYTES_ID_SIZE, &hash) ||
        !take_bytes(cursor, BYTES_ID_SIZE, &content_hash) ||
        !take_parts(cursor, flags.data[0], entry))
        return false;
    memcpy(entry->hash.bytes, hash.data, BYTES_ID_SIZE);
    memcpy(entry->content_hash.bytes, content_hash.data, BYTES_ID_SIZE);
    memcpy(entry->previous.bytes, previous, BYTES_ID_SIZE);
    entry->feed = cursor->feed->feed;
    entry->seq = cursor->seq++;
    entry->created_ms = cursor->created_ms;
    out->seal = NULL;
    out->arrival = cursor->arrival++;
    out->received_ms = cursor->received_ms;
    out->certificate = cursor->certificate;
    cursor->hash = hash.data;
    cursor->left--;
    return true;
}

void segment_bytes(const struct segment_cursor *cursor, struct store_entry *stored,
                   uint8_t room[LIMIT_ENTRY_SIZE])
{
    stored->entry.bytes = cursor->whole.size
                              ? cursor->whole
                              : span_of(room, rebuild(cursor->feed, &stored->entry, room));
}
