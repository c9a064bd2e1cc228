/* Which part of a list is which part of the other: by equality, then by what the table says, then
 * by place. */
#include "common/codec.h"
#include "common/difference_parts.h"
#include "common/text.h"
#include "common/utf8.h"
#include "proto/announcement.pb-c.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 5
#define LABELS 3

/* What makes a part the same one. A key is a list of fields; one with "-" must be absent, of the
 * others one must be there. Keys are tried in turn. A label is a list of fields, too; the first
 * that says something is taken. apart: what fits no key is another part, also in the same place. */
struct identity {
    const ProtobufCMessageDescriptor *type;
    const char *keys[KEYS];
    const char *labels[LABELS];
    bool apart;
};

static const struct identity identities[] = {
    {&caravan__localized_text__descriptor, {"lang"}, {"lang"}, false},
    {&caravan__party__descriptor,
     {"node_id", "ror", "name country", "name", "country -node_id -ror"},
     {"name", "country", "ror"},
     true},
    {&caravan__deadline__descriptor, {"what party", "what"}, {"what party"}, false},
    {&caravan__money__descriptor, {"paid_by per basis", "paid_by"}, {"paid_by"}, false},
    {&caravan__eligibility__descriptor, {"who countries", "who"}, {"who"}, false},
    {&caravan__contact__descriptor,
     {"email", "office", "url", "person"},
     {"office", "email", "url"},
     false},
    {&caravan__field_of_science__descriptor, {"scheme code", "label"}, {"code", "label"}, false},
    {&caravan__sector__descriptor, {"scheme code", "label"}, {"code", "label"}, false},
    {&caravan__equipment__descriptor, {"pid", "name", "acronym"}, {"name", "acronym"}, false},
    {&caravan__link__descriptor, {"url", "sha256", "rel title lang"}, {"title", "rel"}, false},
    {&caravan__related__descriptor, {"announcement", "url", "rel"}, {"rel"}, false},
    {&caravan__place__descriptor, {"name"}, {"name", "city", "country"}, false},
    {&caravan__site__descriptor, {"place", "host"}, {"place", "host"}, false},
    {&caravan__programme_item__descriptor, {"item", "time"}, {"item"}, false},
    {&caravan__cost__descriptor, {"item"}, {"item"}, false},
    {&caravan__milestone__descriptor, {"what phase", "what date", "what"}, {"what phase"}, false},
    {&caravan__space__descriptor, {"type available_from", "type"}, {"type"}, false},
    {&caravan__investment_share__descriptor, {"party"}, {"party"}, false},
    {&caravan__access_route__descriptor, {"name"}, {"name"}, false},
};

static const struct identity *identity_of(const void *descriptor)
{
    for (size_t i = 0; i < sizeof identities / sizeof *identities; i++)
        if (identities[i].type == descriptor)
            return &identities[i];
    return NULL;
}

/* The next word of a list of fields; false at its end. */
static bool next_field(const char **words, const reflect_type *type, const reflect_field **field,
                       bool *absent)
{
    char name[CODEC_NAME_SIZE];
    size_t size;

    *words += strspn(*words, " ");
    *absent = **words == '-';
    *words += *absent;
    size = strcspn(*words, " ");
    if (size == 0)
        return false;
    assert(size < sizeof name);
    memcpy(name, *words, size);
    name[size] = '\0';
    *words += size;
    *field = reflect_find(type, name);
    assert(*field); /* the table is ours */
    return true;
}

/* --- keys ------------------------------------------------------------------------------------- */

bool difference_bytes(const ProtobufCMessage *message, const reflect_field *field, size_t index,
                      struct buffer *out)
{
    const ProtobufCBinaryData *bytes;
    const char *text;

    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return codec_pack(reflect_message(message, field, index), out);
    case PROTOBUF_C_TYPE_STRING:
        text = reflect_text(message, field, index);
        return buffer_append(out, text, strlen(text));
    case PROTOBUF_C_TYPE_BYTES:
        bytes = reflect_value(message, field, index);
        return buffer_append(out, bytes->data, bytes->len);
    default:
        return buffer_append(out, reflect_value(message, field, index), reflect_size(field));
    }
}

/* The key of a part: of a list only its first value, which is the authentic text. *has: it has such
 * a key. */
static bool write_key(const ProtobufCMessage *part, const char *words, struct buffer *out,
                      bool *has)
{
    const reflect_field *field;
    bool absent;

    *has = false;
    while (next_field(&words, part->descriptor, &field, &absent)) {
        bool set = reflect_count(part, field) > 0;
        uint8_t size[8] = {0};
        size_t start = out->size;

        if (absent && set) {
            *has = false;
            return true;
        }
        if (absent)
            continue;
        /* Room for the length, so that no two keys run together. */
        if (!buffer_append(out, size, sizeof size) ||
            (set && !difference_bytes(part, field, 0, out)))
            return false;
        bytes_put_u64(size, set ? out->size - start : 0);
        memcpy(out->data + start, size, sizeof size);
        *has = *has || set;
    }
    return true;
}

struct key {
    size_t start, index;
    struct span bytes;
};

struct keys {
    struct buffer bytes;
    struct key *keys;
    size_t count;
};

struct pairing {
    const ProtobufCMessage *const *messages;
    const reflect_field *field;
    struct difference_pairs *pairs;
    struct keys keys[2];
};

static int compare_bytes(const struct key *a, const struct key *b)
{
    size_t least = a->bytes.size < b->bytes.size ? a->bytes.size : b->bytes.size;
    int order = least ? memcmp(a->bytes.data, b->bytes.data, least) : 0;

    if (order)
        return order;
    return a->bytes.size < b->bytes.size ? -1 : a->bytes.size > b->bytes.size;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = compare_bytes(x, y);

    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

/* words NULL: the whole part is its key. */
static bool add_key(struct pairing *pairing, int side, size_t index, const char *words)
{
    const ProtobufCMessage *message = pairing->messages[side];
    struct keys *keys = &pairing->keys[side];
    struct key *key = &keys->keys[keys->count];
    bool has = true;

    *key = (struct key){.start = keys->bytes.size, .index = index};
    if (words
            ? !write_key(reflect_message(message, pairing->field, index), words, &keys->bytes, &has)
            : !difference_bytes(message, pairing->field, index, &keys->bytes))
        return false;
    key->bytes.size = keys->bytes.size - key->start;
    keys->count += has;
    return true;
}

/* The keys of all parts that have no partner yet, in order. */
static bool gather_keys(struct pairing *pairing, int side, const char *words)
{
    struct keys *keys = &pairing->keys[side];

    buffer_clear(&keys->bytes);
    keys->count = 0;
    for (size_t i = 0; i < pairing->pairs->count[side]; i++)
        if (pairing->pairs->partner[side][i] == DIFFERENCE_NONE &&
            !add_key(pairing, side, i, words))
            return false;
    for (size_t i = 0; i < keys->count; i++)
        keys->keys[i].bytes.data = keys->bytes.data + keys->keys[i].start;
    if (keys->count)
        qsort(keys->keys, keys->count, sizeof *keys->keys, compare_keys);
    return true;
}

static void join(struct difference_pairs *pairs, size_t a, size_t b)
{
    pairs->partner[0][a] = b;
    pairs->partner[1][b] = a;
}

/* Of parts with the same key the first goes with the first, the second with the second. */
static bool pair_by(struct pairing *pairing, const char *words)
{
    const struct keys *a = &pairing->keys[0], *b = &pairing->keys[1];
    size_t i = 0, k = 0;

    if (!gather_keys(pairing, 0, words) || !gather_keys(pairing, 1, words))
        return false;
    while (i < a->count && k < b->count) {
        int order = compare_bytes(&a->keys[i], &b->keys[k]);

        if (order == 0)
            join(pairing->pairs, a->keys[i].index, b->keys[k].index);
        i += order <= 0;
        k += order >= 0;
    }
    return true;
}

/* What is left between the same two neighbours, in turn. */
static void pair_by_place(struct difference_pairs *pairs)
{
    size_t at = 0;

    for (size_t i = 0; i < pairs->count[0]; i++) {
        if (pairs->partner[0][i] != DIFFERENCE_NONE)
            at = pairs->partner[0][i] + 1;
        else if (at < pairs->count[1] && pairs->partner[1][at] == DIFFERENCE_NONE)
            join(pairs, i, at++);
    }
}

static bool is_reordered(const struct difference_pairs *pairs)
{
    size_t next = 0;

    for (size_t i = 0; i < pairs->count[0]; i++) {
        if (pairs->partner[0][i] == DIFFERENCE_NONE)
            continue;
        if (pairs->partner[0][i] < next)
            return true;
        next = pairs->partner[0][i];
    }
    return false;
}

static bool make_room(struct pairing *pairing, struct arena *arena)
{
    struct difference_pairs *pairs = pairing->pairs;

    for (int side = 0; side < 2; side++) {
        size_t count = reflect_count(pairing->messages[side], pairing->field);

        pairs->count[side] = count;
        pairs->partner[side] = arena_alloc(arena, (count + 1) * sizeof *pairs->partner[side]);
        pairing->keys[side].keys = arena_alloc(arena, (count + 1) * sizeof(struct key));
        if (!pairs->partner[side] || !pairing->keys[side].keys)
            return false;
        for (size_t i = 0; i < count; i++)
            pairs->partner[side][i] = DIFFERENCE_NONE;
    }
    return true;
}

bool difference_pair(const ProtobufCMessage *const messages[2], const reflect_field *field,
                     struct arena *arena, struct difference_pairs *out)
{
    const struct identity *identity =
        field->type == PROTOBUF_C_TYPE_MESSAGE ? identity_of(field->descriptor) : NULL;
    struct pairing pairing = {.messages = messages, .field = field, .pairs = out};
    bool ok = make_room(&pairing, arena) && pair_by(&pairing, NULL);

    for (size_t i = 0; ok && identity && i < KEYS && identity->keys[i]; i++)
        ok = pair_by(&pairing, identity->keys[i]);
    if (ok && !(identity && identity->apart))
        pair_by_place(out);
    if (ok)
        out->reordered = is_reordered(out);
    buffer_finish(&pairing.keys[0].bytes);
    buffer_finish(&pairing.keys[1].bytes);
    return ok;
}

/* --- labels ----------------------------------------------------------------------------------- */

/* A text may be of any length, also in characters that take no column. */
bool difference_cut(const char *text, struct buffer *out)
{
    char start[DIFFERENCE_LABEL_SIZE + 1];
    size_t size = strnlen(text, DIFFERENCE_LABEL_SIZE + 1);

    if (size <= DIFFERENCE_LABEL_SIZE)
        return text_fit(text, DIFFERENCE_LABEL_COLUMNS, false, out);
    size = DIFFERENCE_LABEL_SIZE;
    while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
        size--;
    memcpy(start, text, size);
    start[size] = '\0';
    return text_columns(start) > DIFFERENCE_LABEL_COLUMNS
               ? text_fit(start, DIFFERENCE_LABEL_COLUMNS, false, out)
               : text_fit(start, DIFFERENCE_LABEL_COLUMNS - 1, false, out) &&
                     buffer_append_text(out, "…");
}

static bool label_of(const ProtobufCMessage *part, struct buffer *out);

static bool append_word(const ProtobufCMessage *part, const reflect_field *field,
                        struct buffer *out)
{
    struct buffer line = {0};
    bool ok;

    if (field->descriptor == &caravan__localized_text__descriptor) {
        const Caravan__LocalizedText *text =
            (const Caravan__LocalizedText *)reflect_message(part, field, 0);

        return difference_cut(text->text ? text->text : "", out);
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return label_of(reflect_message(part, field, 0), out);
    ok = codec_write_line(part, field, 0, NULL, &line, NULL) &&
         difference_cut(buffer_text(&line), out);
    buffer_finish(&line);
    return ok;
}

/* All fields of one label that are there. */
static bool append_words(const ProtobufCMessage *part, const char *words, struct buffer *out)
{
    const reflect_field *field;
    size_t start = out->size;
    bool absent, ok = true;

    while (ok && next_field(&words, part->descriptor, &field, &absent)) {
        if (reflect_count(part, field) == 0)
            continue;
        ok = (out->size == start || buffer_append_text(out, ", ")) && append_word(part, field, out);
    }
    return ok;
}

static bool label_of(const ProtobufCMessage *part, struct buffer *out)
{
    const struct identity *identity = identity_of(part->descriptor);
    size_t start = out->size;
    bool ok = true;

    for (size_t i = 0; ok && identity && i < LABELS && identity->labels[i]; i++)
        if (out->size == start)
            ok = append_words(part, identity->labels[i], out);
    return ok;
}

bool difference_label(const ProtobufCMessage *message, const reflect_field *field, size_t index,
                      struct buffer *out)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return true;
    return label_of(reflect_message(message, field, index), out);
}
