/* A row of the ledger's table of segments, as a damaged file could hold it: 16 bytes of numbers,
 * then the records. What can be read is read again, the same, after it was put together anew. */
#include "node/ledger/segment.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct segment_feed feed = {.network = "silkroad-test", .network_size = 13};

/* Adds every entry of the row to a segment; false: it is damaged. */
static bool copy(const struct segment_row *row, struct segment *out)
{
    struct segment_cursor cursor;
    struct store_entry entry;
    uint8_t room[LIMIT_ENTRY_SIZE];
    bool end = false, first = true;

    if (!segment_open(&cursor, &feed, row))
        return false;
    for (;;) {
        if (!segment_next(&cursor, &entry, &end))
            return false;
        if (end)
            return true;
        segment_bytes(&cursor, &entry, room);
        if (entry.entry.bytes.size == 0 || entry.entry.bytes.size > LIMIT_ENTRY_SIZE)
            abort();
        if (first &&
            segment_start(out, entry.arrival, entry.entry.seq, &entry.entry.previous, NULL))
            abort();
        first = false;
        if (segment_add(out, &feed, &entry, NULL))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment once = {0}, twice = {0};
    struct segment_row row;

    if (size < 16)
        return 0;
    feed.network_size = data[0] & 1 ? 13 : 0;
    row = (struct segment_row){.arrival = bytes_get_u64(data) >> 8 & UINT32_MAX,
                               .seq = bytes_get_u64(data + 4) & UINT32_MAX,
                               .count = bytes_get_u64(data + 8) & UINT32_MAX,
                               .records = span_of(data + 16, size - 16)};
    if (copy(&row, &once)) {
        row.records = buffer_span(&once.records);
        if (!copy(&row, &twice) ||
            !span_equal(buffer_span(&once.records), buffer_span(&twice.records)))
            abort();
    }
    segment_finish(&once);
    segment_finish(&twice);
    return 0;
}
