#include "common/feedfile.h"

#include "common/fields.h"
#include "common/guard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_SIZE (sizeof FEEDFILE_MAGIC - 1)

/* --- writing --------------------------------------------------------------------------------- */

static int append_record(struct span record, struct buffer *out, struct error *error)
{
    uint8_t length[8];

    if (record.size > LIMIT_MESSAGE_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "a record has %zu bytes, expected at most %d",
                         record.size, LIMIT_MESSAGE_SIZE);
    bytes_put_u64(length, record.size);
    if (!buffer_reserve(out, FEEDFILE_RECORD_HEADER + record.size))
        return error_memory(error);
    buffer_append(out, length + 4, FEEDFILE_RECORD_HEADER);
    buffer_append(out, record.data, record.size);
    return ERROR_NONE;
}

/* The field headers are written by hand, so that each certificate stays the bytes it is. */
static bool append_field(struct buffer *out, uint8_t key, struct span value)
{
    uint8_t header[6] = {key};
    size_t used = 1, left = value.size;

    do {
        header[used++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left);
    return buffer_append(out, header, used) && buffer_append(out, value.data, value.size);
}

int feedfile_begin(const struct identity_chain *chain, struct buffer *out, struct error *error)
{
    enum { FEED_KEY = 2 << 3 | 2, CERTIFICATES_KEY = 3 << 3 | 2 };
    struct buffer record = {0};
    bool done = append_field(&record, FEED_KEY, span_of_id(&chain->feed));
    int code;

    for (size_t i = 0; done && i < chain->count; i++)
        done = append_field(&record, CERTIFICATES_KEY, buffer_span(&chain->encoded[i]));
    done = done && buffer_append(out, FEEDFILE_MAGIC, MAGIC_SIZE);
    code = done ? append_record(buffer_span(&record), out, error) : error_memory(error);
    buffer_finish(&record);
    return code;
}

int feedfile_append(struct span run, struct buffer *out, struct error *error)
{
    return append_record(run, out, error);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The record at file->at; moves behind it. */
static int next_record(struct feedfile *file, struct span *record, struct error *error)
{
    size_t left = file->bytes.size - file->at, size;
    const uint8_t *at = file->bytes.data + file->at;

    if (left < FEEDFILE_RECORD_HEADER)
        return error_set(error, ERROR_MALFORMED,
                         "byte %zu: found %zu bytes, expected the 4 of a record's length; the file "
                         "was cut off",
                         file->at, left);
    size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (size == 0 || size > LIMIT_MESSAGE_SIZE)
        return error_set(error, size ? ERROR_TOO_LARGE : ERROR_MALFORMED,
                         "byte %zu: found a record of %zu bytes, expected 1 to %d", file->at, size,
                         LIMIT_MESSAGE_SIZE);
    if (size > left - FEEDFILE_RECORD_HEADER)
        return error_set(error, ERROR_MALFORMED,
                         "byte %zu: found %zu of the %zu bytes of a record; the file was cut off, "
                         "expected all",
                         file->at, left - FEEDFILE_RECORD_HEADER, size);
    *record = span_of(at + FEEDFILE_RECORD_HEADER, size);
    file->at += FEEDFILE_RECORD_HEADER + size;
    return ERROR_NONE;
}

/* Unpacks into the arena, which this starts. */
static int unpack(const ProtobufCMessageDescriptor *type, struct span record, struct arena *arena,
                  void *message, struct error *error)
{
    arena_init(arena, LIMIT_ARENA_SIZE);
    return guard_unpack(type, record, &guard_limits_message, arena, message, error);
}

static int append_certificate(struct identity_chain *chain,
                              const Caravan__SignedCertificate *certificate, size_t index,
                              struct error *error)
{
    struct buffer encoded = {0};
    int code = fields_pack(&certificate->base, &encoded)
                   ? identity_chain_append(chain, buffer_span(&encoded), error)
                   : error_memory(error);

    if (!code && chain->count != index + 1)
        code = error_set(error, ERROR_MALFORMED, "certificate %zu stands twice, expected once",
                         chain->count);
    buffer_finish(&encoded);
    return code;
}

static int read_certificates(struct feedfile *file, const Caravan__Certificates *message,
                             const char *network, struct error *error)
{
    char named[LIMIT_NETWORK_SIZE + 1];
    struct id feed;
    int code = ERROR_NONE;

    if (!message->has_feed || !span_to_id(span_of(message->feed.data, message->feed.len), &feed))
        return error_set(error, ERROR_MALFORMED, "Certificates: feed has %zu bytes, expected %d",
                         message->has_feed ? message->feed.len : 0, BYTES_ID_SIZE);
    if (message->n_certificates == 0)
        return error_set(error, ERROR_MALFORMED,
                         "Certificates: found none, expected at least certificate 1");
    if (!network)
        code = identity_certificate_network(span_of(message->certificates[0]->certificate.data,
                                                    message->certificates[0]->has_certificate
                                                        ? message->certificates[0]->certificate.len
                                                        : 0),
                                            named, error);
    if (!code)
        code = identity_chain_init(&file->chain, &feed, network ? network : named, error);
    for (size_t i = 0; !code && i < message->n_certificates; i++)
        code = append_certificate(&file->chain, message->certificates[i], i, error);
    file->head.feed = feed;
    return code;
}

int feedfile_open(struct feedfile *file, struct span bytes, const char *network,
                  struct error *error)
{
    Caravan__Certificates *message = NULL;
    struct arena arena = {0};
    struct span record;
    int code;

    *file = (struct feedfile){.bytes = bytes};
    if (bytes.size < MAGIC_SIZE || memcmp(bytes.data, FEEDFILE_MAGIC, MAGIC_SIZE) != 0)
        return error_set(error, ERROR_MALFORMED,
                         "byte 0: found no line \"caravan-feed 1\", expected an exported feed");
    file->at = MAGIC_SIZE;
    code = next_record(file, &record, error);
    if (code)
        return code;
    code = unpack(&caravan__certificates__descriptor, record, &arena, &message, error);
    if (!code)
        code = read_certificates(file, message, network, error);
    if (code)
        error_prefix(error, "byte %zu", MAGIC_SIZE);
    arena_finish(&arena);
    return code;
}

void feedfile_finish(struct feedfile *file)
{
    if (!file)
        return;
    identity_chain_finish(&file->chain);
    *file = (struct feedfile){0};
}

void feedfile_record_finish(struct feedfile_record *record)
{
    if (!record)
        return;
    entry_run_finish(&record->run);
    record->bytes = span_of(NULL, 0);
}

/* The run must go on where the last one was kept up to. */
static int check_place(const struct feedfile *file, const struct entry_run *run,
                       struct error *error)
{
    const struct entry *first = &run->entries[0];

    if (!id_equal(&run->feed, &file->chain.feed))
        return error_set(error, ERROR_MALFORMED,
                         "found a run of another feed, expected the feed of the certificates");
    if (first->seq != file->head.seq + 1)
        return error_set(error, first->seq > file->head.seq ? ERROR_GAP : ERROR_MALFORMED,
                         "found a run from entry %" PRIu64 ", expected %" PRIu64, first->seq,
                         file->head.seq + 1);
    if (file->head.seq && !id_equal(&first->previous, &file->head.hash))
        return error_set(error, ERROR_BROKEN_CHAIN,
                         "entry %" PRIu64 ": previous is not the hash of entry %" PRIu64,
                         first->seq, file->head.seq);
    return ERROR_NONE;
}

static int verify_run(struct feedfile *file, struct entry_run *run, struct error *error)
{
    int code = check_place(file, run, error);

    if (!code)
        code = entry_run_check(run, &file->chain, file->head.certificate, error);
    if (!code && run->certificate > file->chain.count)
        code = error_set(error, ERROR_GAP,
                         "entry %" PRIu64 " is certificate %" PRIu64
                         ", expected it among the %zu in the first record",
                         run->entries[run->kept - 1].seq, run->certificate, file->chain.count);
    if (code)
        return code;
    for (size_t i = 0; i < run->kept; i++)
        file->missing += !run->entries[i].has_content;
    file->head.certificate = run->certificate;
    file->head.seq = run->entries[run->kept - 1].seq;
    file->head.hash = run->entries[run->kept - 1].hash;
    return ERROR_NONE;
}

int feedfile_next(struct feedfile *file, struct feedfile_record *record, struct error *error)
{
    size_t start = file->at;
    int code;

    feedfile_record_finish(record);
    if (file->at == file->bytes.size)
        return ERROR_NONE;
    code = next_record(file, &record->bytes, error);
    if (code)
        return code;
    code = entry_run_read(record->bytes, file->chain.network, &record->run, error);
    if (!code)
        code = verify_run(file, &record->run, error);
    if (code) {
        feedfile_record_finish(record);
        error_prefix(error, "byte %zu", start);
    }
    return code;
}

int feedfile_verify(struct feedfile *file, struct error *error)
{
    struct feedfile_record record = {0};
    int code;

    do {
        code = feedfile_next(file, &record, error);
    } while (!code && record.run.count);
    feedfile_record_finish(&record);
    if (!code && file->head.seq == 0)
        code =
            error_set(error, ERROR_MALFORMED,
                      "byte %zu: found the end of the file, expected at least one run", file->at);
    return code;
}
