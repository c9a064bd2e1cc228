#include "common/seal_parts.h"

#include "common/fields.h"
#include "common/identity.h"
#include "common/wire.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define PREFIX "caravan 1 "
/* Of "caravan 1 seal …" with its NUL; the longest is "seal commitment". */
#define PURPOSE_SIZE 32
#define ASSOCIATED_SIZE (PURPOSE_SIZE + LIMIT_NETWORK_SIZE + 1 + 2 * BYTES_ID_SIZE)

_Static_assert(SEAL_KEY_SIZE == crypto_generichash_KEYBYTES, "K is a key of BLAKE2b");
_Static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "… and its results");
_Static_assert(SEAL_MAC_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "of each box");
_Static_assert(LIMIT_SEAL_SLOT_SIZE == SEAL_TAG_SIZE + SEAL_KEY_SIZE + SEAL_MAC_SIZE, "a slot");

enum { SEALED_EPHEMERAL = 1, SEALED_COMMITMENT, SEALED_SLOTS, SEALED_BOX, SEALED_COUNT };

static const struct fields_rule sealed_rules[SEALED_COUNT] = {
    [SEALED_EPHEMERAL] = {FIELDS_BYTES, "ephemeral", BYTES_ID_SIZE, true},
    [SEALED_COMMITMENT] = {FIELDS_BYTES, "commitment", BYTES_ID_SIZE, true},
    [SEALED_SLOTS] = {FIELDS_BYTES, "slots", 0, true},
    [SEALED_BOX] = {FIELDS_BYTES, "box", 0, true},
};
static const struct fields_message sealed_message = {"Sealed", sealed_rules, SEALED_COUNT};

/* Each key encrypts one text in its life: K is fresh for each content, a wrapping key belongs to
 * one ephemeral key and one recipient. So the nonce need not differ. */
static const uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

/* Where a Sealed stands. */
struct place {
    const char *network;
    const struct id *feed;
};

/* What a sender and a recipient share, for one content. */
struct wrapping {
    uint8_t key[SEAL_KEY_SIZE];
    uint8_t tag[SEAL_TAG_SIZE];
};

void seal_key_wipe(struct seal_key *key)
{
    secret_wipe(key, sizeof *key);
}

void seal_opened_finish(struct seal_opened *opened)
{
    buffer_finish(&opened->content);
    seal_key_wipe(&opened->key);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* BLAKE2b-256 with a key over "caravan 1 " purpose NUL network NUL feed more. */
static void derive(const uint8_t key[SEAL_KEY_SIZE], const char *purpose, const struct place *place,
                   struct span more, uint8_t out[SEAL_KEY_SIZE])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, key, SEAL_KEY_SIZE, SEAL_KEY_SIZE);
    crypto_generichash_update(&state, (const uint8_t *)PREFIX, sizeof PREFIX - 1);
    crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
    crypto_generichash_update(&state, (const uint8_t *)place->network, strlen(place->network) + 1);
    crypto_generichash_update(&state, place->feed->bytes, sizeof place->feed->bytes);
    crypto_generichash_update(&state, more.data, more.size);
    crypto_generichash_final(&state, out, SEAL_KEY_SIZE);
    secret_wipe(&state, sizeof state);
}

static void commit(const struct seal_key *key, const struct place *place, struct id *commitment)
{
    derive(key->bytes, "seal commitment", place, span_of(NULL, 0), commitment->bytes);
}

static bool is_committed(const struct seal_key *key, const struct place *place,
                         const struct id *commitment)
{
    struct id own;

    commit(key, place, &own);
    return secret_equal(own.bytes, commitment->bytes, sizeof own.bytes);
}

/* scalar is the secret of one side, point the public key of the other. false: point is of small
 * order, so that everybody knows what they share. */
static bool wrap_with(const uint8_t scalar[32], const struct id *point, const struct place *place,
                      const struct id *ephemeral, const struct id *recipient, struct wrapping *out)
{
    uint8_t shared[crypto_scalarmult_BYTES], tag[SEAL_KEY_SIZE];
    const struct id both[] = {*ephemeral, *recipient};
    bool done = crypto_scalarmult(shared, scalar, point->bytes) == 0;

    if (done) {
        derive(shared, "seal wrap", place, span_of(both, sizeof both), out->key);
        derive(shared, "seal tag", place, span_of(both, sizeof both), tag);
        memcpy(out->tag, tag, sizeof out->tag);
    }
    secret_wipe(shared, sizeof shared);
    return done;
}

/* "caravan 1 " purpose NUL network NUL feed commitment; returns its size. */
static size_t associate(const char *purpose, const struct place *place, const struct id *commitment,
                        uint8_t out[ASSOCIATED_SIZE])
{
    const struct span parts[] = {
        {(const uint8_t *)PREFIX, sizeof PREFIX - 1},
        {(const uint8_t *)purpose, strlen(purpose) + 1},
        {(const uint8_t *)place->network, strlen(place->network) + 1},
        span_of_id(place->feed),
        span_of_id(commitment),
    };
    size_t size = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert(parts[i].size <= ASSOCIATED_SIZE - size);
        memcpy(out + size, parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    return size;
}

/* --- sealing --------------------------------------------------------------------------------- */

struct making {
    const struct seal_draft *draft;
    const struct seal_random *random;
    struct place place;
    struct seal_key key;
    uint8_t scalar[crypto_scalarmult_SCALARBYTES]; /* secret of the ephemeral key */
    struct id ephemeral, commitment;
    struct buffer slots, box;
};

static void draw_keys(struct making *making)
{
    const struct seal_random *random = making->random;

    random->fill(random->self, making->key.bytes, sizeof making->key.bytes);
    random->fill(random->self, making->scalar, sizeof making->scalar);
    crypto_scalarmult_base(making->ephemeral.bytes, making->scalar);
    commit(&making->key, &making->place, &making->commitment);
}

/* Recipient 0 is the publisher. */
static const struct id *recipient_key(const struct seal_draft *draft, size_t index)
{
    return index ? &draft->audience[index - 1].sealing_key : &draft->sealing_key;
}

static int refuse_key(const struct seal_draft *draft, size_t index, struct error *error)
{
    const struct id *feed = index ? &draft->audience[index - 1].feed : &draft->feed;
    char hex[2 * BYTES_ID_SIZE + 1], key_hex[2 * BYTES_ID_SIZE + 1];

    bytes_to_hex(feed->bytes, sizeof feed->bytes, hex);
    bytes_to_hex(recipient_key(draft, index)->bytes, BYTES_ID_SIZE, key_hex);
    return error_set(error, ERROR_INVALID,
                     "nothing can be sealed for %s: found the sealing key %s, which is of small "
                     "order, expected one that a secret belongs to",
                     hex, key_hex);
}

static bool has_slot(const struct seal_draft *draft, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (id_equal(recipient_key(draft, i), recipient_key(draft, index)))
            return true;
    return false;
}

static int put_slot(struct making *making, size_t index, struct error *error)
{
    const struct id *recipient = recipient_key(making->draft, index);
    uint8_t associated[ASSOCIATED_SIZE], *slot = making->slots.data + making->slots.size;
    struct wrapping wrapping;
    size_t size = associate("seal slot", &making->place, &making->commitment, associated);

    if (!wrap_with(making->scalar, recipient, &making->place, &making->ephemeral, recipient,
                   &wrapping))
        return refuse_key(making->draft, index, error);
    memcpy(slot, wrapping.tag, SEAL_TAG_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(slot + SEAL_TAG_SIZE, NULL, making->key.bytes,
                                               SEAL_KEY_SIZE, associated, size, NULL, nonce,
                                               wrapping.key);
    making->slots.size += LIMIT_SEAL_SLOT_SIZE;
    secret_wipe(&wrapping, sizeof wrapping);
    return ERROR_NONE;
}

/* Uniform, 0 … bound - 1: the few numbers that would favour some results are thrown away. */
static uint32_t draw_below(const struct seal_random *random, uint32_t bound)
{
    uint32_t fair = UINT32_MAX - UINT32_MAX % bound, value;
    uint8_t bytes[4];

    do {
        random->fill(random->self, bytes, sizeof bytes);
        value = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                bytes[3];
    } while (value >= fair);
    return value % bound;
}

static void shuffle(uint8_t *slots, size_t count, const struct seal_random *random)
{
    for (size_t i = count - 1; i > 0; i--) {
        uint8_t *a = slots + i * LIMIT_SEAL_SLOT_SIZE;
        uint8_t *b = slots + draw_below(random, (uint32_t)i + 1) * LIMIT_SEAL_SLOT_SIZE;
        uint8_t kept[LIMIT_SEAL_SLOT_SIZE];

        memcpy(kept, a, sizeof kept);
        memmove(a, b, sizeof kept);
        memcpy(b, kept, sizeof kept);
    }
}

static int make_slots(struct making *making, struct error *error)
{
    const struct seal_draft *draft = making->draft;
    size_t count = seal_slot_count(draft->audience_count), size = count * LIMIT_SEAL_SLOT_SIZE;
    int code = ERROR_NONE;

    if (!buffer_reserve(&making->slots, size))
        return error_memory(error);
    for (size_t i = 0; !code && i <= draft->audience_count; i++)
        if (!has_slot(draft, i))
            code = put_slot(making, i, error);
    if (code)
        return code;
    for (; making->slots.size < size; making->slots.size += LIMIT_SEAL_SLOT_SIZE)
        making->random->fill(making->random->self, making->slots.data + making->slots.size,
                             LIMIT_SEAL_SLOT_SIZE);
    shuffle(making->slots.data, count, making->random);
    return ERROR_NONE;
}

/* Encrypts what seal_content_pack has made, in its place. */
static int make_box(struct making *making, struct error *error)
{
    uint8_t associated[ASSOCIATED_SIZE], key[SEAL_KEY_SIZE];
    size_t size = associate("seal box", &making->place, &making->commitment, associated);
    struct buffer *box = &making->box;

    if (!buffer_reserve(box, SEAL_MAC_SIZE))
        return error_memory(error);
    derive(making->key.bytes, "seal key", &making->place, span_of(NULL, 0), key);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box->data, NULL, box->data, box->size, associated,
                                               size, NULL, nonce, key);
    box->size += SEAL_MAC_SIZE;
    secret_wipe(key, sizeof key);
    return ERROR_NONE;
}

static int write_sealed(const struct making *making, struct buffer *out, struct error *error)
{
    const struct span parts[SEALED_COUNT] = {
        [SEALED_EPHEMERAL] = span_of_id(&making->ephemeral),
        [SEALED_COMMITMENT] = span_of_id(&making->commitment),
        [SEALED_SLOTS] = buffer_span(&making->slots),
        [SEALED_BOX] = buffer_span(&making->box),
    };
    size_t size = 0;
    uint8_t *at;

    for (unsigned i = 1; i < SEALED_COUNT; i++)
        size += wire_field_size(i, parts[i].size);
    if (!buffer_reserve(out, size))
        return error_memory(error);
    at = out->data + out->size;
    for (unsigned i = 1; i < SEALED_COUNT; i++)
        at = wire_write_bytes(at, i, parts[i]);
    out->size = (size_t)(at - out->data);
    return ERROR_NONE;
}

int seal_make_with(const struct seal_draft *draft, const struct seal_random *random,
                   struct buffer *out, struct seal_key *key, struct error *error)
{
    struct making making = {
        .draft = draft, .random = random, .place = {draft->network, &draft->feed}};
    int code = identity_network_check(draft->network, error);

    if (!code)
        code = seal_content_pack(draft, &making.box, error);
    if (!code) {
        draw_keys(&making);
        code = make_slots(&making, error);
    }
    if (!code)
        code = make_box(&making, error);
    if (!code)
        code = write_sealed(&making, out, error);
    if (!code && key)
        *key = making.key;
    buffer_finish(&making.slots);
    buffer_finish(&making.box);
    secret_wipe(&making, sizeof making);
    return code;
}

static void strong_random(void *self, void *out, size_t size)
{
    (void)self;
    secret_random(out, size);
}

int seal_make(const struct seal_draft *draft, struct buffer *out, struct seal_key *key,
              struct error *error)
{
    static const struct seal_random strong = {NULL, strong_random};

    return seal_make_with(draft, &strong, out, key, error);
}

/* --- opening --------------------------------------------------------------------------------- */

struct sealed {
    struct id ephemeral, commitment;
    struct span slots, box;
};

static bool slots_fit(size_t size)
{
    size_t count = size / LIMIT_SEAL_SLOT_SIZE;

    return size % LIMIT_SEAL_SLOT_SIZE == 0 && count >= LIMIT_SEAL_SLOTS_LEAST &&
           count <= LIMIT_SEAL_SLOTS && (count & (count - 1)) == 0;
}

static bool box_fits(size_t size)
{
    return size >= LIMIT_SEAL_PAD_LEAST + SEAL_MAC_SIZE &&
           (size - SEAL_MAC_SIZE) % LIMIT_SEAL_PAD_STEP == 0;
}

static int read_sealed(struct span bytes, struct sealed *out, struct error *error)
{
    struct fields_value values[SEALED_COUNT];
    int code;

    if (bytes.size > LIMIT_CONTENT_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "Sealed: found %zu bytes, expected at most %d",
                         bytes.size, LIMIT_CONTENT_SIZE);
    code = fields_read(&sealed_message, bytes, values, error);
    if (code)
        return code;
    if (!slots_fit(values[SEALED_SLOTS].bytes.size))
        return error_set(error, ERROR_MALFORMED,
                         "Sealed: slots have %zu bytes, expected %d for each of 8, 16, 32, 64, 128 "
                         "or 256",
                         values[SEALED_SLOTS].bytes.size, LIMIT_SEAL_SLOT_SIZE);
    if (!box_fits(values[SEALED_BOX].bytes.size))
        return error_set(error, ERROR_MALFORMED,
                         "Sealed: box has %zu bytes, expected %d more than %d, %d, …",
                         values[SEALED_BOX].bytes.size, SEAL_MAC_SIZE, LIMIT_SEAL_PAD_LEAST,
                         LIMIT_SEAL_PAD_LEAST + LIMIT_SEAL_PAD_STEP);
    memcpy(out->ephemeral.bytes, values[SEALED_EPHEMERAL].bytes.data, BYTES_ID_SIZE);
    memcpy(out->commitment.bytes, values[SEALED_COMMITMENT].bytes.data, BYTES_ID_SIZE);
    out->slots = values[SEALED_SLOTS].bytes;
    out->box = values[SEALED_BOX].bytes;
    return ERROR_NONE;
}

/* What the slots have for one of our keys. */
enum finding { FOUND_NOTHING, FOUND_OTHER_KEY, FOUND_KEY };

/* Looks at every slot until one brings the committed key: so it does not matter in which order they
 * stand, and 256 that all carry our tag cost a fraction of a millisecond. */
static enum finding look_into_slots(const struct place *place, const struct sealed *sealed,
                                    const struct wrapping *wrapping, struct seal_key *key)
{
    uint8_t associated[ASSOCIATED_SIZE];
    size_t size = associate("seal slot", place, &sealed->commitment, associated);
    enum finding found = FOUND_NOTHING;

    for (size_t at = 0; at < sealed->slots.size; at += LIMIT_SEAL_SLOT_SIZE) {
        const uint8_t *slot = sealed->slots.data + at;

        if (memcmp(slot, wrapping->tag, SEAL_TAG_SIZE) != 0 ||
            crypto_aead_xchacha20poly1305_ietf_decrypt(key->bytes, NULL, NULL, slot + SEAL_TAG_SIZE,
                                                       LIMIT_SEAL_SLOT_SIZE - SEAL_TAG_SIZE,
                                                       associated, size, nonce, wrapping->key))
            continue;
        if (is_committed(key, place, &sealed->commitment))
            return FOUND_KEY;
        found = FOUND_OTHER_KEY;
    }
    return found;
}

static int find_key(const struct place *place, const struct sealed *sealed,
                    struct secret *const *secrets, size_t count, struct seal_key *key,
                    struct error *error)
{
    enum finding found = FOUND_NOTHING;
    struct wrapping wrapping;

    for (size_t i = 0; found != FOUND_KEY && i < count; i++) {
        enum finding here;

        assert(secret_kind_of(secrets[i]) == SECRET_SEALING);
        if (!wrap_with(secret_bytes(secrets[i]), &sealed->ephemeral, place, &sealed->ephemeral,
                       secret_public(secrets[i]), &wrapping))
            return error_set(error, ERROR_MALFORMED,
                             "Sealed: found an ephemeral key of small order, expected one that a "
                             "secret belongs to");
        here = look_into_slots(place, sealed, &wrapping, key);
        found = here > found ? here : found;
        secret_wipe(&wrapping, sizeof wrapping);
    }
    if (found == FOUND_NOTHING)
        return error_set(error, ERROR_NOT_FOUND, "this content is not sealed for us");
    if (found == FOUND_OTHER_KEY)
        return error_set(error, ERROR_INVALID,
                         "Sealed: found a key for us that the commitment does not name, expected "
                         "the one key that all recipients get");
    return ERROR_NONE;
}

/* The key has been held against the commitment. */
static int open_box(const struct place *place, const struct sealed *sealed,
                    const struct seal_key *key, struct buffer *out, struct error *error)
{
    uint8_t associated[ASSOCIATED_SIZE], box_key[SEAL_KEY_SIZE];
    size_t size = associate("seal box", place, &sealed->commitment, associated);
    size_t padded = sealed->box.size - SEAL_MAC_SIZE;
    int failed;

    if (!buffer_reserve(out, padded))
        return error_memory(error);
    derive(key->bytes, "seal key", place, span_of(NULL, 0), box_key);
    failed = crypto_aead_xchacha20poly1305_ietf_decrypt(out->data, NULL, NULL, sealed->box.data,
                                                        sealed->box.size, associated, size, nonce,
                                                        box_key);
    secret_wipe(box_key, sizeof box_key);
    if (failed)
        return error_set(error, ERROR_INVALID,
                         "Sealed: found a box that was changed or made with another key, expected "
                         "the one that belongs to the commitment");
    return seal_unpad(span_of(out->data, padded), &out->size, error);
}

int seal_open(struct span sealed, const char *network, const struct id *feed,
              struct secret *const *secrets, size_t count, struct seal_opened *out,
              struct error *error)
{
    const struct place place = {network, feed};
    struct sealed parts;
    int code = read_sealed(sealed, &parts, error);

    *out = (struct seal_opened){0};
    if (!code)
        code = find_key(&place, &parts, secrets, count, &out->key, error);
    if (!code)
        code = open_box(&place, &parts, &out->key, &out->content, error);
    if (code)
        seal_opened_finish(out);
    return code;
}

int seal_open_with_key(struct span sealed, const char *network, const struct id *feed,
                       const struct seal_key *key, struct seal_opened *out, struct error *error)
{
    const struct place place = {network, feed};
    struct sealed parts;
    int code = read_sealed(sealed, &parts, error);

    *out = (struct seal_opened){0};
    if (!code && !is_committed(key, &place, &parts.commitment))
        code = error_set(error, ERROR_INVALID,
                         "Sealed: found a commitment to another key than this one, expected the "
                         "key of this content");
    if (!code)
        code = open_box(&place, &parts, key, &out->content, error);
    if (code)
        seal_opened_finish(out);
    else
        out->key = *key;
    return code;
}
