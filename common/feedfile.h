/* feedfile: a feed as one file, for export, import and verify. PROTOCOL.md, "Exported feed".
 *
 *     "caravan-feed 1\n"
 *     record: Certificates          (feed and all its certificates)
 *     record: Run, Run, …           (from seq 1 on, each at most 1 MiB)
 *
 * A record is its length as 32 bits, big-endian, and that many bytes of protobuf. The file ends
 * behind the last run.
 *
 * Pure: writes into a buffer, reads from memory. Errors name the byte offset, what was found and
 * what was expected. Threads: no shared state. */
#ifndef COMMON_FEEDFILE_H
#define COMMON_FEEDFILE_H

#include "common/arena.h"
#include "common/entry.h"

#define FEEDFILE_MAGIC "caravan-feed 1\n"
#define FEEDFILE_RECORD_HEADER 4

/* Appends magic and certificates. */
int feedfile_begin(const struct identity_chain *chain, struct buffer *out, struct error *error);
/* Appends one record: the bytes of a Run. ERROR_TOO_LARGE when it is over LIMIT_MESSAGE_SIZE. */
int feedfile_append(struct span run, struct buffer *out, struct error *error);

/* A file being read, and how far it has been verified. */
struct feedfile {
    struct span bytes; /* the whole file, borrowed */
    size_t at;         /* of the next record */
    struct identity_chain chain;
    struct entry_head head; /* last entry that was verified and kept; seq 0: none yet */
    uint64_t missing;       /* contents that the file does not have */
};

/* Reads magic and certificates. network NULL: the one that the certificates name. The caller
 * finishes *file, also on error. */
int feedfile_open(struct feedfile *file, struct span bytes, const char *network,
                  struct error *error);
void feedfile_finish(struct feedfile *file);

/* One verified run. Its spans point into the file. */
struct feedfile_record {
    struct span bytes;    /* the Run message; points into the file */
    struct entry_run run; /* count 0: the file has ended */
};

/* Reads and verifies the next run: size, place behind the one before, chain, hashes, signatures.
 * Errors: those of entry_run_parse and entry_run_check; malformed for the file itself; gap or
 * broken-chain when a run does not follow. record must be zeroed before the first call; each call
 * releases what the last one gave; the caller finishes it at the end. */
int feedfile_next(struct feedfile *file, struct feedfile_record *record, struct error *error);
void feedfile_record_finish(struct feedfile_record *record);

/* Verifies to the end; file->head and file->missing then say what it holds. A file without any
 * entry is an error. */
int feedfile_verify(struct feedfile *file, struct error *error);

#endif
