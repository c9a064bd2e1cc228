#include "tests/support/sealing.h"

#include "common/wire.h"
#include "tests/support/poly_collision.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "sealing: %s failed\n", what);
    abort();
}

void sealing_init(struct sealing *sealing, const char *network, const struct id *feed,
                  const struct seal_key *key)
{
    *sealing = (struct sealing){.network = network, .feed = *feed};
    memset(sealing->scalar, 0x5e, sizeof sealing->scalar);
    crypto_scalarmult_base(sealing->ephemeral.bytes, sealing->scalar);
    sealing_derive(sealing, key->bytes, "seal commitment", span_of(NULL, 0),
                   sealing->commitment.bytes);
    sealing->slots_size = LIMIT_SEAL_SLOTS_LEAST * LIMIT_SEAL_SLOT_SIZE;
    memset(sealing->slots, 0xa5, sizeof sealing->slots);
}

void sealing_finish(struct sealing *sealing)
{
    buffer_finish(&sealing->box);
    buffer_finish(&sealing->more);
}

static void put_text(struct buffer *out, const char *text)
{
    must(buffer_append(out, text, strlen(text)), "memory");
}

static void put_id(struct buffer *out, const struct id *id)
{
    must(buffer_append(out, id->bytes, sizeof id->bytes), "memory");
}

/* "caravan 1 " purpose NUL network NUL feed */
static void put_place(const struct sealing *sealing, const char *purpose, struct buffer *out)
{
    put_text(out, "caravan 1 ");
    put_text(out, purpose);
    must(buffer_append(out, "", 1), "memory");
    put_text(out, sealing->network);
    must(buffer_append(out, "", 1), "memory");
    put_id(out, &sealing->feed);
}

void sealing_derive(const struct sealing *sealing, const uint8_t key[32], const char *purpose,
                    struct span more, uint8_t out[32])
{
    struct buffer text = {0};

    put_place(sealing, purpose, &text);
    must(buffer_append(&text, more.data, more.size), "memory");
    must(crypto_generichash(out, 32, text.data, text.size, key, 32) == 0, "BLAKE2b");
    buffer_finish(&text);
}

void sealing_associate(const struct sealing *sealing, const char *purpose, struct buffer *out)
{
    put_place(sealing, purpose, out);
    put_id(out, &sealing->commitment);
}

static void wrap_shared(const struct sealing *sealing, const uint8_t shared[32],
                        const struct id *recipient, uint8_t key[32], uint8_t tag[SEALING_TAG_SIZE])
{
    struct buffer both = {0};
    uint8_t long_tag[32];

    put_id(&both, &sealing->ephemeral);
    put_id(&both, recipient);
    sealing_derive(sealing, shared, "seal wrap", buffer_span(&both), key);
    sealing_derive(sealing, shared, "seal tag", buffer_span(&both), long_tag);
    memcpy(tag, long_tag, SEALING_TAG_SIZE);
    buffer_finish(&both);
}

void sealing_wrap(const struct sealing *sealing, const struct id *recipient, uint8_t key[32],
                  uint8_t tag[SEALING_TAG_SIZE])
{
    uint8_t shared[32];

    must(crypto_scalarmult(shared, sealing->scalar, recipient->bytes) == 0, "X25519");
    wrap_shared(sealing, shared, recipient, key, tag);
}

void sealing_tag(const struct sealing *sealing, const struct secret *recipient,
                 uint8_t tag[SEALING_TAG_SIZE])
{
    uint8_t shared[32], key[32];

    must(crypto_scalarmult(shared, secret_bytes(recipient), sealing->ephemeral.bytes) == 0,
         "X25519");
    wrap_shared(sealing, shared, secret_public(recipient), key, tag);
}

void sealing_put_slot(struct sealing *sealing, size_t index, const struct id *recipient,
                      const struct seal_key *key)
{
    uint8_t *slot = sealing->slots + index * LIMIT_SEAL_SLOT_SIZE, wrapping[32];
    struct buffer associated = {0};

    must((index + 1) * LIMIT_SEAL_SLOT_SIZE <= sealing->slots_size, "a slot's place");
    sealing_wrap(sealing, recipient, wrapping, slot);
    sealing_associate(sealing, "seal slot", &associated);
    crypto_aead_xchacha20poly1305_ietf_encrypt(slot + SEALING_TAG_SIZE, NULL, key->bytes, 32,
                                               associated.data, associated.size, NULL, nonce,
                                               wrapping);
    buffer_finish(&associated);
}

void sealing_put_box(struct sealing *sealing, const struct seal_key *key, struct span padded)
{
    struct buffer associated = {0};
    uint8_t box_key[32];

    sealing_associate(sealing, "seal box", &associated);
    sealing_derive(sealing, key->bytes, "seal key", span_of(NULL, 0), box_key);
    buffer_clear(&sealing->box);
    must(buffer_reserve(&sealing->box, padded.size + 16), "memory");
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealing->box.data, NULL, padded.data, padded.size,
                                               associated.data, associated.size, NULL, nonce,
                                               box_key);
    sealing->box.size = padded.size + 16;
    buffer_finish(&associated);
}

/* What the plaintext of the box is mixed with. */
static void stream_of(const struct sealing *sealing, const struct seal_key *key,
                      uint8_t out[LIMIT_SEAL_PAD_LEAST])
{
    uint8_t box_key[32];

    sealing_derive(sealing, key->bytes, "seal key", span_of(NULL, 0), box_key);
    memset(out, 0, LIMIT_SEAL_PAD_LEAST);
    crypto_stream_xchacha20_xor_ic(out, out, LIMIT_SEAL_PAD_LEAST, nonce, 1, box_key);
}

void sealing_put_double_box(struct sealing *sealing, const struct seal_key *first,
                            struct seal_key *second)
{
    uint8_t a[LIMIT_SEAL_PAD_LEAST], b[LIMIT_SEAL_PAD_LEAST], first_key[32], second_key[32];
    static const uint8_t tag[16];
    struct buffer associated = {0};

    stream_of(sealing, first, a);
    do {
        second->bytes[31]++;
        second->bytes[30] = (uint8_t)(second->bytes[30] + (second->bytes[31] == 0));
        stream_of(sealing, second, b);
    } while (a[sizeof a - 1] != b[sizeof b - 1]);
    a[sizeof a - 1] ^= 0x80; /* so it is the ciphertext of zeros and 0x80 with the first key */
    buffer_clear(&sealing->box);
    must(buffer_append(&sealing->box, a, sizeof a) && buffer_append(&sealing->box, tag, sizeof tag),
         "memory");
    sealing_associate(sealing, "seal box", &associated);
    sealing_derive(sealing, first->bytes, "seal key", span_of(NULL, 0), first_key);
    sealing_derive(sealing, second->bytes, "seal key", span_of(NULL, 0), second_key);
    poly_collide(first_key, second_key, buffer_span(&associated), &sealing->box);
    buffer_finish(&associated);
}

void sealing_pad(struct span text, size_t size, struct buffer *out)
{
    must(text.size < size && buffer_reserve(out, size), "padding");
    memset(out->data + out->size, 0, size);
    memcpy(out->data + out->size, text.data, text.size);
    out->data[out->size + text.size] = 0x80;
    out->size += size;
}

void sealing_write(const struct sealing *sealing, struct buffer *out)
{
    must(wire_put_bytes(out, 1, span_of_id(&sealing->ephemeral)) &&
             wire_put_bytes(out, 2, span_of_id(&sealing->commitment)) &&
             wire_put_bytes(out, 3, span_of(sealing->slots, sealing->slots_size)) &&
             wire_put_bytes(out, 4, buffer_span(&sealing->box)) &&
             buffer_append(out, sealing->more.data, sealing->more.size),
         "writing");
}

/* The value of the next field, of that number. */
static struct span next_bytes(struct span *rest, unsigned number)
{
    size_t size = 0;
    struct span value;

    must(rest->size && rest->data[0] == (number << 3 | 2), "the order of the fields");
    rest->data++, rest->size--;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = rest->data[0];

        rest->data++, rest->size--;
        size |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    must(size <= rest->size, "a field's length");
    value = span_of(rest->data, size);
    rest->data += size, rest->size -= size;
    return value;
}

void sealing_read(struct sealing *sealing, const char *network, const struct id *feed,
                  struct span bytes)
{
    struct span slots, box;

    *sealing = (struct sealing){.network = network, .feed = *feed};
    must(span_to_id(next_bytes(&bytes, 1), &sealing->ephemeral), "the ephemeral key");
    must(span_to_id(next_bytes(&bytes, 2), &sealing->commitment), "the commitment");
    slots = next_bytes(&bytes, 3);
    must(slots.size <= sizeof sealing->slots, "slots");
    memcpy(sealing->slots, slots.data, slots.size);
    sealing->slots_size = slots.size;
    box = next_bytes(&bytes, 4);
    must(buffer_append(&sealing->box, box.data, box.size) && bytes.size == 0, "the box");
}

static void fill_by_count(void *self, void *out, size_t size)
{
    uint64_t *count = self;
    uint8_t number[8];

    bytes_put_u64(number, ++*count);
    must(crypto_generichash(out, size, number, sizeof number, NULL, 0) == 0, "BLAKE2b");
}

struct seal_random sealing_random(uint64_t *count)
{
    return (struct seal_random){count, fill_by_count};
}
