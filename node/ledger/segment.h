/* segment: consecutive entries of one feed that took consecutive arrivals, as one compact blob:
 * what a row of the ledger's table `segment` holds. What can be rebuilt bit for bit is not stored
 * again: the Entry bytes of every encoder that writes its fields in order, all of them, and numbers
 * as short as possible (ours does) are made anew from their parts when they are read. The bytes of
 * any other encoder are kept whole beside the parts, so that they come out as they went in.
 *
 *     segment  = previous (32 bytes: hash of the entry before the first; zero at seq 1) record…
 *     record   = flags content_type content_size received created [certificate] [min_reader]
 *                [erased] hash (32) content_hash (32) [size entry] [salt (16) content]
 *                [signature (64)]
 *     flags    = one byte: bits of enum segment_flag; all others are 0
 *
 * All other numbers are varints as in protobuf. received and created are differences to the record
 * before (the first one: to 0), zigzag; certificate stands there when it is not that of the record
 * before (the first one: 0), min_reader when it is not 1, "size entry" (the bytes as they are) when
 * they cannot be rebuilt. previous of every later record is the hash of the one before it, so
 * hashes are stored and nothing is hashed when reading. content has content_size bytes.
 *
 * erased is the seq of the entry that ordered the content erased; such a record has no content.
 * Marks such as "quarantined" have room in the flags.
 *
 * Pure: no database. Threads: no shared state. */
#ifndef LEDGER_SEGMENT_H
#define LEDGER_SEGMENT_H

#include "node/core/ports.h"

/* One row takes up to so many bytes of records, but always one record. Measured with contents of
 * 400 bytes (tests/bench/drive/drive_ledger.c): 32 KiB saves half a percent of disk and 64 KiB two,
 * neither appends faster, and reading a single entry takes 1.9 and 2.3 times as long; with 16 KiB
 * that costs 15 us, as with a row for each. */
#define SEGMENT_SIZE (16 * 1024)

enum segment_flag {
    SEGMENT_CONTENT = 1,     /* salt and content are there */
    SEGMENT_SIGNATURE = 2,   /* a checked signature is there */
    SEGMENT_WHOLE = 4,       /* the Entry bytes are there */
    SEGMENT_CERTIFICATE = 8, /* another certificate number than the record before */
    SEGMENT_READER = 16,     /* min_reader is not 1 */
    SEGMENT_ERASED = 32      /* the content was ordered erased */
};

/* What all segments of a feed have in common. network: empty while none is known. */
struct segment_feed {
    struct id feed;
    uint8_t network[LIMIT_NETWORK_SIZE];
    size_t network_size;
};

/* The network that stands in Entry bytes; empty when it does not stand first, or is too long. */
struct span segment_network(struct span entry);

/* A bit for each content type, as in STORE_TYPE; all types above 31 share one more. */
#define SEGMENT_ALL_TYPES (((uint64_t)1 << 33) - 1)
uint64_t segment_type(uint32_t content_type);
/* Beside them: a content was ordered erased. */
#define SEGMENT_HAS_ERASED ((uint64_t)1 << 33)

/* --- writing ---------------------------------------------------------------------------------- */

/* A segment that is being made. Zeroed is an empty one without a place. */
struct segment {
    struct buffer records;
    uint64_t arrival, seq; /* of the first entry */
    uint64_t count;
    uint64_t types;                                /* bits of segment_type, HAS_ERASED */
    uint64_t missing;                              /* contents that are, and were not erased */
    uint64_t certificate, received_ms, created_ms; /* of the last record */
};

void segment_finish(struct segment *segment);
/* Empties it, keeping the memory, for entries from this place on. */
int segment_start(struct segment *segment, uint64_t arrival, uint64_t seq,
                  const struct id *previous, struct error *error);
/* Takes over a row, to go on with it. ERROR_MALFORMED when it is damaged. */
struct segment_row;
int segment_load(struct segment *segment, const struct segment_feed *feed,
                 const struct segment_row *row, struct error *error);
/* The most that an entry takes in a segment of its feed. */
size_t segment_room(const struct store_entry *entry);
/* Adds the next entry; its place is not looked at. ERROR_INTERNAL when salt or signature have a
 * size that no checked entry has. On an error the segment is unchanged. */
int segment_add(struct segment *segment, const struct segment_feed *feed,
                const struct store_entry *entry, struct error *error);
/* --- reading ---------------------------------------------------------------------------------- */

/* A row of the table; records are borrowed. */
struct segment_row {
    uint64_t arrival, seq, count;
    struct span records;
};

struct segment_cursor {
    const struct segment_feed *feed;
    struct span records;
    size_t at;           /* of the next record */
    uint64_t left;       /* records still to come */
    const uint8_t *hash; /* of the last record, or previous of the first */
    struct span whole;   /* Entry bytes of the last record, when they are stored */
    uint64_t arrival, seq, certificate, received_ms, created_ms;
};

/* false: it is damaged. feed and the row's records are borrowed. */
bool segment_open(struct segment_cursor *cursor, const struct segment_feed *feed,
                  const struct segment_row *row);
/* The next entry, all but its bytes; spans point into the records. *end: there is none. false: the
 * segment is damaged. */
bool segment_next(struct segment_cursor *cursor, struct store_entry *out, bool *end);
/* Fills the bytes of the entry that segment_next has just given; they point into the records or
 * into room. */
void segment_bytes(const struct segment_cursor *cursor, struct store_entry *entry,
                   uint8_t room[LIMIT_ENTRY_SIZE]);

#endif
