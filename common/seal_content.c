#include "common/seal_parts.h"

#include "common/fields.h"
#include "common/wire.h"
#include "proto/feed.pb-c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAD_BEGIN 0x80 /* then zeros: ISO/IEC 7816-4 */

enum { CONTENT_TYPE = 1, CONTENT_CONTENT, CONTENT_AUDIENCE, CONTENT_MIN_READER, CONTENT_COUNT };

static const struct fields_rule content_rules[CONTENT_COUNT] = {
    [CONTENT_TYPE] = {FIELDS_U32, "content_type", 0, true},
    [CONTENT_CONTENT] = {FIELDS_BYTES, "content", 0, false},
    [CONTENT_AUDIENCE] = {FIELDS_MANY, "audience", BYTES_ID_SIZE, true},
    [CONTENT_MIN_READER] = {FIELDS_U32, "min_reader", 0, false},
};
static const struct fields_message content_message = {"SealedContent", content_rules,
                                                      CONTENT_COUNT};

/* --- sizes ----------------------------------------------------------------------------------- */

size_t seal_slot_count(size_t audience_count)
{
    size_t slots = LIMIT_SEAL_SLOTS_LEAST;

    while (slots < audience_count + 1)
        slots *= 2;
    return slots;
}

size_t seal_padded_size(size_t size)
{
    size_t padded = (size / LIMIT_SEAL_PAD_STEP + 1) * LIMIT_SEAL_PAD_STEP;

    return padded < LIMIT_SEAL_PAD_LEAST ? LIMIT_SEAL_PAD_LEAST : padded;
}

/* The largest SealedContent, so that the Sealed is no larger than a content may be. */
static size_t packed_most(size_t audience_count)
{
    size_t slots = seal_slot_count(audience_count) * LIMIT_SEAL_SLOT_SIZE;
    size_t box_frame = wire_field_size(4, LIMIT_CONTENT_SIZE) - LIMIT_CONTENT_SIZE;
    size_t around = 2 * wire_field_size(1, BYTES_ID_SIZE) + wire_field_size(3, slots) + box_frame +
                    SEAL_MAC_SIZE;

    return (LIMIT_CONTENT_SIZE - around) / LIMIT_SEAL_PAD_STEP * LIMIT_SEAL_PAD_STEP - 1;
}

static uint32_t min_reader_of(const struct seal_draft *draft)
{
    return draft->min_reader ? draft->min_reader : 1;
}

/* What stands in a SealedContent besides the content's own bytes, when there are many of those. */
static size_t packed_frame(uint32_t content_type, uint32_t min_reader, size_t audience_count)
{
    size_t content_frame =
        wire_field_size(CONTENT_CONTENT, LIMIT_CONTENT_SIZE) - LIMIT_CONTENT_SIZE;

    return 1 + wire_varint_size(content_type) + 1 + wire_varint_size(min_reader) + content_frame +
           audience_count * wire_field_size(CONTENT_AUDIENCE, BYTES_ID_SIZE);
}

size_t seal_room(size_t audience_count)
{
    if (audience_count < 1 || audience_count > LIMIT_SEAL_AUDIENCE)
        return 0;
    return packed_most(audience_count) - packed_frame(1, 1, audience_count);
}

/* --- rules ----------------------------------------------------------------------------------- */

bool seal_content_type_is_allowed(uint32_t content_type)
{
    switch (content_type) {
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_UNSPECIFIED:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_VOUCH:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE:
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_SEALED:
        return false;
    default:
        return true;
    }
}

static int check_draft(const struct seal_draft *draft, struct error *error)
{
    size_t most;

    if (!seal_content_type_is_allowed(draft->content_type))
        return error_set(error, ERROR_INVALID,
                         "found content type %" PRIu32 " to be sealed, expected one that may be "
                         "read by some only",
                         draft->content_type);
    if (draft->audience_count < 1 || draft->audience_count > LIMIT_SEAL_AUDIENCE)
        return error_set(error, ERROR_INVALID,
                         "found %zu institutions to seal a content for, expected 1 to %d",
                         draft->audience_count, LIMIT_SEAL_AUDIENCE);
    most = packed_most(draft->audience_count) -
           packed_frame(draft->content_type, min_reader_of(draft), draft->audience_count);
    if (draft->content.size > most)
        return error_set(error, ERROR_TOO_LARGE,
                         "the content has %zu bytes, expected at most %zu when it is sealed for "
                         "%zu institutions",
                         draft->content.size, most, draft->audience_count);
    return ERROR_NONE;
}

static int refuse_reader(const struct id *feed, const char *found, struct error *error)
{
    char hex[2 * BYTES_ID_SIZE + 1];

    bytes_to_hex(feed->bytes, sizeof feed->bytes, hex);
    return error_set(error, ERROR_INVALID,
                     "among those to seal a content for, found %s %s, expected each other "
                     "institution once",
                     found, hex);
}

/* Feed ids in ascending order, each once. */
static int sort_audience(const struct seal_draft *draft, struct id *feeds, struct error *error)
{
    for (size_t i = 0; i < draft->audience_count; i++) {
        feeds[i] = draft->audience[i].feed;
        if (id_equal(&feeds[i], &draft->feed))
            return refuse_reader(&feeds[i], "the publisher", error);
    }
    qsort(feeds, draft->audience_count, sizeof *feeds, id_compare);
    for (size_t i = 1; i < draft->audience_count; i++)
        if (id_equal(&feeds[i - 1], &feeds[i]))
            return refuse_reader(&feeds[i], "twice", error);
    return ERROR_NONE;
}

/* --- packing --------------------------------------------------------------------------------- */

static bool put_content(const struct seal_draft *draft, const struct id *feeds, struct buffer *out)
{
    bool done = wire_put_number(out, CONTENT_TYPE, draft->content_type) &&
                wire_put_bytes(out, CONTENT_CONTENT, draft->content);

    for (size_t i = 0; done && i < draft->audience_count; i++)
        done = wire_put_bytes(out, CONTENT_AUDIENCE, span_of_id(&feeds[i]));
    return done && wire_put_number(out, CONTENT_MIN_READER, min_reader_of(draft));
}

static bool pad(struct buffer *out, size_t start)
{
    size_t size = out->size - start, padded = seal_padded_size(size);

    if (!buffer_reserve(out, padded - size))
        return false;
    memset(out->data + out->size, 0, padded - size);
    out->data[out->size] = PAD_BEGIN;
    out->size = start + padded;
    return true;
}

int seal_content_pack(const struct seal_draft *draft, struct buffer *out, struct error *error)
{
    size_t start = out->size;
    struct id *feeds = NULL;
    int code = check_draft(draft, error);

    if (code)
        return code;
    feeds = malloc(draft->audience_count * sizeof *feeds);
    code = feeds ? sort_audience(draft, feeds, error) : error_memory(error);
    if (!code && !(put_content(draft, feeds, out) && pad(out, start)))
        code = error_memory(error);
    if (code)
        out->size = start;
    free(feeds);
    return code;
}

/* --- reading --------------------------------------------------------------------------------- */

int seal_unpad(struct span padded, size_t *size, struct error *error)
{
    size_t end = padded.size;

    while (end && padded.data[end - 1] == 0)
        end--;
    if (!end || padded.data[end - 1] != PAD_BEGIN)
        return error_set(error, ERROR_INVALID,
                         "Sealed: found 0x%02x in front of the padding's zeros, expected 0x80",
                         end ? (unsigned)padded.data[end - 1] : 0u);
    if (seal_padded_size(end - 1) != padded.size)
        return error_set(error, ERROR_INVALID,
                         "Sealed: found %zu bytes padded to %zu, expected %zu", end - 1,
                         padded.size, seal_padded_size(end - 1));
    *size = end - 1;
    return ERROR_NONE;
}

static int check_read(const struct fields_value *values, struct error *error)
{
    if (!seal_content_type_is_allowed((uint32_t)values[CONTENT_TYPE].number))
        return error_set(error, ERROR_MALFORMED,
                         "SealedContent: found content type %" PRIu64 ", expected one that may be "
                         "read by some only",
                         values[CONTENT_TYPE].number);
    if (values[CONTENT_AUDIENCE].number > LIMIT_SEAL_AUDIENCE)
        return error_set(error, ERROR_MALFORMED,
                         "SealedContent: found %" PRIu64 " institutions in the audience, expected "
                         "at most %d",
                         values[CONTENT_AUDIENCE].number, LIMIT_SEAL_AUDIENCE);
    return ERROR_NONE;
}

static int take_reader(struct span value, const struct id *publisher, struct seal_content *content,
                       struct error *error)
{
    struct id *feed = &content->audience[content->audience_count];

    memcpy(feed->bytes, value.data, sizeof feed->bytes);
    if (id_equal(feed, publisher))
        return error_set(error, ERROR_MALFORMED,
                         "SealedContent: found the publisher in the audience, expected others "
                         "only");
    if (content->audience_count && id_compare(feed - 1, feed) >= 0)
        return error_set(error, ERROR_MALFORMED,
                         "SealedContent: found number %zu of the audience not above the one "
                         "before it, expected ascending feed ids",
                         content->audience_count + 1);
    content->audience_count++;
    return ERROR_NONE;
}

/* Size and number of the fields have been checked. */
static int read_audience(struct span bytes, const struct id *publisher,
                         struct seal_content *content, struct error *error)
{
    struct fields_cursor cursor = {content_message.name, bytes, 0, error};
    struct fields_field field;
    int code = fields_next(&cursor, &field);

    while (!code && field.number) {
        if (field.number == CONTENT_AUDIENCE)
            code = take_reader(field.value.bytes, publisher, content, error);
        if (!code)
            code = fields_next(&cursor, &field);
    }
    return code;
}

int seal_content_read(struct span bytes, const struct id *feed, struct seal_content *out,
                      struct error *error)
{
    struct fields_value values[CONTENT_COUNT];
    struct seal_content content;
    int code = fields_read(&content_message, bytes, values, error);

    if (!code)
        code = check_read(values, error);
    if (code)
        return code;
    content.content_type = (uint32_t)values[CONTENT_TYPE].number;
    content.min_reader = (uint32_t)values[CONTENT_MIN_READER].number;
    content.content = values[CONTENT_CONTENT].bytes;
    content.audience_count = 0;
    code = read_audience(bytes, feed, &content, error);
    if (!code)
        *out = content;
    return code;
}

bool seal_content_names(const struct seal_content *content, const struct id *feed)
{
    return bsearch(feed, content->audience, content->audience_count, sizeof *feed, id_compare) !=
           NULL;
}
