#include "common/entry.h"

#include "common/fields.h"
#include "common/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SIGNED_ENTRY = 1, SIGNED_SIGNATURE, SIGNED_SALT, SIGNED_CONTENT, SIGNED_COUNT };

static const struct fields_rule signed_rules[SIGNED_COUNT] = {
    [SIGNED_ENTRY] = {FIELDS_BYTES, "entry", 0, true},
    [SIGNED_SIGNATURE] = {FIELDS_BYTES, "signature", 0, false},
    [SIGNED_SALT] = {FIELDS_BYTES, "salt", 0, false},
    [SIGNED_CONTENT] = {FIELDS_BYTES, "content", 0, false},
};
static const struct fields_message signed_message = {"SignedEntry", signed_rules, SIGNED_COUNT};

enum {
    ENTRY_NETWORK = 1,
    ENTRY_FEED,
    ENTRY_SEQ,
    ENTRY_PREVIOUS,
    ENTRY_CREATED_MS,
    ENTRY_CONTENT_TYPE,
    ENTRY_CONTENT_HASH,
    ENTRY_CONTENT_SIZE,
    ENTRY_MIN_READER,
    ENTRY_COUNT
};

static const struct fields_rule entry_rules[ENTRY_COUNT] = {
    [ENTRY_NETWORK] = {FIELDS_BYTES, "network", 0, true},
    [ENTRY_FEED] = {FIELDS_BYTES, "feed", BYTES_ID_SIZE, true},
    [ENTRY_SEQ] = {FIELDS_U64, "seq", 0, true},
    [ENTRY_PREVIOUS] = {FIELDS_BYTES, "previous", BYTES_ID_SIZE, false},
    [ENTRY_CREATED_MS] = {FIELDS_U64, "created_ms", 0, false},
    [ENTRY_CONTENT_TYPE] = {FIELDS_U32, "content_type", 0, false},
    [ENTRY_CONTENT_HASH] = {FIELDS_BYTES, "content_hash", BYTES_ID_SIZE, true},
    [ENTRY_CONTENT_SIZE] = {FIELDS_U32, "content_size", 0, false},
    [ENTRY_MIN_READER] = {FIELDS_U32, "min_reader", 0, false},
};
static const struct fields_message entry_message = {"Entry", entry_rules, ENTRY_COUNT};

int entry_head_rank(const struct entry_head *a, const struct entry_head *b)
{
    if (a->recoveries != b->recoveries)
        return a->recoveries < b->recoveries ? -1 : 1;
    return a->certificate == b->certificate ? 0 : a->certificate < b->certificate ? -1 : 1;
}

int entry_head_compare(const struct entry_head *a, const struct entry_head *b)
{
    int rank = entry_head_rank(a, b);

    if (rank)
        return rank;
    return a->seq == b->seq ? 0 : a->seq < b->seq ? -1 : 1;
}

bool entry_content_is_permanent(uint32_t content_type)
{
    switch (content_type) {
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_VOUCH:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE:
        return true;
    default:
        return false;
    }
}

bool entry_is_certificate(const struct entry *entry)
{
    return entry->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE;
}

bool entry_is_anchor(const struct entry *entry)
{
    return entry->seq % LIMIT_ANCHOR_INTERVAL == 0 || entry_is_certificate(entry);
}

/* --- parsing --------------------------------------------------------------------------------- */

static int check_network(struct span found, const char *network, struct error *error)
{
    char text[LIMIT_NETWORK_SIZE + 1];

    if (span_equal(found, span_of_text(network)))
        return ERROR_NONE;
    return error_set(error, ERROR_WRONG_NETWORK, "Entry: network is \"%s\", expected \"%s\"",
                     bytes_visible(found, text, sizeof text), network);
}

static int check_place(const struct fields_value *in, struct error *error)
{
    uint64_t seq = in[ENTRY_SEQ].number;

    if (seq == 0 || seq > INT64_MAX)
        return error_set(error, ERROR_MALFORMED,
                         "Entry: seq is %" PRIu64 ", expected 1 to %" PRId64, seq, INT64_MAX);
    if (in[ENTRY_PREVIOUS].present != (seq > 1))
        return error_set(error, ERROR_MALFORMED,
                         "Entry %" PRIu64 ": found %s previous, expected %s", seq,
                         seq > 1 ? "no" : "a", seq > 1 ? "it" : "none at seq 1");
    if (in[ENTRY_CONTENT_SIZE].number > LIMIT_CONTENT_SIZE)
        return error_set(error, ERROR_TOO_LARGE,
                         "Entry %" PRIu64 ": content_size is %" PRIu64 ", expected at most %d", seq,
                         in[ENTRY_CONTENT_SIZE].number, LIMIT_CONTENT_SIZE);
    return ERROR_NONE;
}

/* Entry bytes into the struct; out->bytes is set. network NULL: whichever. */
static int read_entry(const char *network, struct entry *out, struct error *error)
{
    struct fields_value in[ENTRY_COUNT];
    int code;

    if (out->bytes.size > LIMIT_ENTRY_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "Entry has %zu bytes, expected at most %d",
                         out->bytes.size, LIMIT_ENTRY_SIZE);
    code = fields_read(&entry_message, out->bytes, in, error);
    if (!code && network)
        code = check_network(in[ENTRY_NETWORK].bytes, network, error);
    if (!code)
        code = check_place(in, error);
    if (code)
        return code;
    span_to_id(in[ENTRY_FEED].bytes, &out->feed);
    span_to_id(in[ENTRY_PREVIOUS].bytes, &out->previous);
    span_to_id(in[ENTRY_CONTENT_HASH].bytes, &out->content_hash);
    out->seq = in[ENTRY_SEQ].number;
    out->created_ms = in[ENTRY_CREATED_MS].number;
    out->content_type = (uint32_t)in[ENTRY_CONTENT_TYPE].number;
    out->content_size = (uint32_t)in[ENTRY_CONTENT_SIZE].number;
    out->min_reader = (uint32_t)in[ENTRY_MIN_READER].number;
    identity_hash(IDENTITY_ENTRY, out->bytes, &out->hash);
    return ERROR_NONE;
}

/* Salt and content, which stand beside the signed bytes. */
static int check_content(struct entry *out, bool has_content_field, struct error *error)
{
    struct id hash;

    out->has_content = out->salt.size > 0;
    if (!out->has_content) {
        if (has_content_field)
            return error_set(error, ERROR_MALFORMED,
                             "SignedEntry %" PRIu64 ": found a content without salt, expected both "
                             "or none",
                             out->seq);
        return ERROR_NONE;
    }
    if (out->salt.size != LIMIT_SALT_SIZE)
        return error_set(error, ERROR_MALFORMED,
                         "SignedEntry %" PRIu64 ": salt has %zu bytes, expected %d", out->seq,
                         out->salt.size, LIMIT_SALT_SIZE);
    if (out->content.size != out->content_size)
        return error_set(error, ERROR_MALFORMED,
                         "SignedEntry %" PRIu64 ": content has %zu bytes, expected %" PRIu32,
                         out->seq, out->content.size, out->content_size);
    identity_hash2(IDENTITY_CONTENT, out->salt, out->content, &hash);
    if (!id_equal(&hash, &out->content_hash))
        return error_set(error, ERROR_MALFORMED,
                         "SignedEntry %" PRIu64 ": salt and content do not hash to content_hash; "
                         "they were changed on the way",
                         out->seq);
    return ERROR_NONE;
}

/* What stands beside the signed bytes, which were read before. */
static int check_beside(struct entry *out, bool has_content_field, struct error *error)
{
    if (out->signature.size && out->signature.size != IDENTITY_SIGNATURE_SIZE)
        return error_set(error, ERROR_MALFORMED,
                         "SignedEntry %" PRIu64 ": signature has %zu bytes, expected %d", out->seq,
                         out->signature.size, IDENTITY_SIGNATURE_SIZE);
    return check_content(out, has_content_field, error);
}

static int finish_parse(const char *network, bool has_content_field, struct entry *out,
                        struct error *error)
{
    int code = read_entry(network, out, error);

    return code ? code : check_beside(out, has_content_field, error);
}

int entry_parse_bytes(struct span bytes, const char *network, struct entry *out,
                      struct error *error)
{
    struct fields_value in[SIGNED_COUNT];
    struct entry entry = {0};
    int code;

    if (bytes.size > LIMIT_SIGNED_ENTRY_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "SignedEntry has %zu bytes, expected at most %d",
                         bytes.size, LIMIT_SIGNED_ENTRY_SIZE);
    code = fields_read(&signed_message, bytes, in, error);
    if (code)
        return code;
    entry.bytes = in[SIGNED_ENTRY].bytes;
    entry.signature = in[SIGNED_SIGNATURE].bytes;
    entry.salt = in[SIGNED_SALT].bytes;
    entry.content = in[SIGNED_CONTENT].bytes;
    code = finish_parse(network, in[SIGNED_CONTENT].present, &entry, error);
    if (!code)
        *out = entry;
    return code;
}

int entry_read_kept(struct entry *entry, const struct id *hash, struct error *error)
{
    struct entry read = {.bytes = entry->bytes,
                         .signature = entry->signature,
                         .salt = entry->salt,
                         .content = entry->content};
    int code = read_entry(NULL, &read, error);

    if (!code && !id_equal(&read.hash, hash))
        code = error_set(error, ERROR_BROKEN_CHAIN,
                         "Entry: its bytes do not hash to the hash that is kept with them");
    if (!code)
        code = check_beside(&read, entry->has_content, error);
    if (!code && read.has_content != entry->has_content)
        code = error_set(error, ERROR_MALFORMED,
                         "SignedEntry %" PRIu64 ": found a salt of %zu bytes, expected %s",
                         read.seq, read.salt.size, entry->has_content ? "one" : "none");
    if (!code)
        *entry = read;
    return code;
}

/* --- building -------------------------------------------------------------------------------- */

static size_t pack_entry(const struct entry_draft *draft, const struct id *content_hash,
                         uint8_t out[LIMIT_ENTRY_SIZE])
{
    Caravan__Entry message = CARAVAN__ENTRY__INIT;
    size_t size;

    message.network = (char *)(uintptr_t)draft->network;
    message.has_feed = message.has_seq = message.has_created_ms = message.has_content_type = 1;
    message.has_content_hash = message.has_content_size = message.has_min_reader = 1;
    message.feed = fields_binary(span_of_id(&draft->feed));
    message.seq = draft->seq;
    message.has_previous = draft->seq > 1;
    message.previous = fields_binary(span_of_id(&draft->previous));
    message.created_ms = draft->created_ms;
    message.content_type = draft->content_type;
    message.content_hash = fields_binary(span_of_id(content_hash));
    message.content_size = (uint32_t)draft->content.size;
    message.min_reader = draft->min_reader ? draft->min_reader : 1;
    size = caravan__entry__get_packed_size(&message);
    return size > LIMIT_ENTRY_SIZE ? 0 : caravan__entry__pack(&message, out);
}

static int check_draft(const struct entry_draft *draft, struct error *error)
{
    if (draft->content.size > LIMIT_CONTENT_SIZE)
        return error_set(error, ERROR_TOO_LARGE,
                         "content has %zu bytes, expected at most %d; shorten the texts",
                         draft->content.size, LIMIT_CONTENT_SIZE);
    if (draft->seq == 0 || draft->seq > INT64_MAX)
        return error_set(error, ERROR_INTERNAL, "an entry cannot have the seq %" PRIu64,
                         draft->seq);
    return identity_network_check(draft->network, error);
}

/* Takes so many bytes of out, which has room for them. */
static struct span take_room(struct buffer *out, const void *data, size_t size)
{
    struct span span = span_of(out->data + out->size, size);

    buffer_append(out, data, size);
    return span;
}

int entry_make(const struct entry_draft *draft, struct buffer *out, struct entry *entry,
               struct error *error)
{
    uint8_t bytes[LIMIT_ENTRY_SIZE];
    size_t size;
    int code = check_draft(draft, error);

    if (code)
        return code;
    if (out->capacity - out->size < ENTRY_ROOM + draft->content.size)
        return error_set(error, ERROR_INTERNAL, "no room was made for an entry");
    *entry = (struct entry){.has_content = true,
                            .feed = draft->feed,
                            .previous = draft->previous,
                            .seq = draft->seq,
                            .created_ms = draft->created_ms,
                            .content_type = draft->content_type,
                            .content_size = (uint32_t)draft->content.size,
                            .min_reader = draft->min_reader ? draft->min_reader : 1};
    entry->salt = take_room(out, draft->salt, sizeof draft->salt);
    entry->content = take_room(out, draft->content.data, draft->content.size);
    identity_hash2(IDENTITY_CONTENT, entry->salt, entry->content, &entry->content_hash);
    size = pack_entry(draft, &entry->content_hash, bytes);
    entry->bytes = take_room(out, bytes, size);
    identity_hash(IDENTITY_ENTRY, entry->bytes, &entry->hash);
    return ERROR_NONE;
}

int entry_sign(struct entry *entry, const char *network, const struct secret *node,
               struct buffer *out, struct error *error)
{
    uint8_t signature[IDENTITY_SIGNATURE_SIZE];
    int code;

    if (out->capacity - out->size < sizeof signature)
        return error_set(error, ERROR_INTERNAL, "no room was made for a signature");
    code = identity_sign(node, IDENTITY_ENTRY, network, &entry->hash, signature, error);
    if (!code)
        entry->signature = take_room(out, signature, sizeof signature);
    return code;
}

int entry_build(const struct entry_draft *draft, const struct secret *node, struct buffer *out,
                struct id *hash, struct error *error)
{
    struct buffer parts = {0};
    struct entry entry;
    int code = check_draft(draft, error);

    if (!code && !buffer_reserve(&parts, ENTRY_ROOM + draft->content.size))
        code = error_memory(error);
    if (!code)
        code = entry_make(draft, &parts, &entry, error);
    if (!code)
        code = entry_sign(&entry, draft->network, node, &parts, error);
    if (!code && !entry_encode(&entry, true, out))
        code = error_memory(error);
    if (!code)
        *hash = entry.hash;
    buffer_finish(&parts);
    return code;
}

size_t entry_encoded_size(const struct entry *entry, bool keep_content)
{
    size_t size = wire_field_size(SIGNED_ENTRY, entry->bytes.size);

    if (entry->signature.size)
        size += wire_field_size(SIGNED_SIGNATURE, entry->signature.size);
    if (keep_content && entry->has_content)
        size += wire_field_size(SIGNED_SALT, entry->salt.size) +
                wire_field_size(SIGNED_CONTENT, entry->content.size);
    return size;
}

bool entry_encode(const struct entry *entry, bool keep_content, struct buffer *out)
{
    uint8_t *at;

    if (!buffer_reserve(out, entry_encoded_size(entry, keep_content)))
        return false;
    at = wire_write_bytes(out->data + out->size, SIGNED_ENTRY, entry->bytes);
    if (entry->signature.size)
        at = wire_write_bytes(at, SIGNED_SIGNATURE, entry->signature);
    if (keep_content && entry->has_content) {
        at = wire_write_bytes(at, SIGNED_SALT, entry->salt);
        at = wire_write_bytes(at, SIGNED_CONTENT, entry->content);
    }
    out->size = (size_t)(at - out->data);
    return true;
}

/* --- live topics ----------------------------------------------------------------------------- */

static void topic(const char *prefix, const struct id *feed, char out[LIMIT_TOPIC_SIZE + 1])
{
    char text[27];

    bytes_to_base32(feed->bytes, 16, text);
    snprintf(out, LIMIT_TOPIC_SIZE + 1, "%s/%s/", prefix, text);
}

void entry_topic_of_feed(const struct id *feed, char out[LIMIT_TOPIC_SIZE + 1])
{
    topic("feed", feed, out);
}

void entry_topic_of_head(const struct id *feed, char out[LIMIT_TOPIC_SIZE + 1])
{
    topic("head", feed, out);
}
