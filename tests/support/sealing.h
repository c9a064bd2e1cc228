/* sealing: Sealed bytes put together by hand, part by part, as a hostile publisher may do it. From
 * PROTOCOL.md with libsodium, and with nothing of common/seal: a second opinion on it. What fails
 * here is a bug of the test. */
#ifndef TESTS_SUPPORT_SEALING_H
#define TESTS_SUPPORT_SEALING_H

#include "common/seal.h"

#define SEALING_TAG_SIZE 4

struct sealing {
    const char *network;
    struct id feed;
    uint8_t scalar[32]; /* of the ephemeral key */
    struct id ephemeral, commitment;
    uint8_t slots[LIMIT_SEAL_SLOTS * LIMIT_SEAL_SLOT_SIZE];
    size_t slots_size;
    struct buffer box;
    struct buffer more; /* fields behind the known ones */
};

/* With a fixed ephemeral key, the commitment to `key`, eight slots that are nobody's, no box. */
void sealing_init(struct sealing *sealing, const char *network, const struct id *feed,
                  const struct seal_key *key);
void sealing_finish(struct sealing *sealing);

/* keyed BLAKE2b-256 as the protocol has it. */
void sealing_derive(const struct sealing *sealing, const uint8_t key[32], const char *purpose,
                    struct span more, uint8_t out[32]);
/* "caravan 1 " purpose NUL network NUL feed commitment, appended. */
void sealing_associate(const struct sealing *sealing, const char *purpose, struct buffer *out);
/* The key that wraps for this recipient, and its tag. */
void sealing_wrap(const struct sealing *sealing, const struct id *recipient, uint8_t key[32],
                  uint8_t tag[SEALING_TAG_SIZE]);
/* The tag that this Sealed has for a recipient, found with the recipient's secret. */
void sealing_tag(const struct sealing *sealing, const struct secret *recipient,
                 uint8_t tag[SEALING_TAG_SIZE]);

/* Slot `index` wraps the key for the recipient. */
void sealing_put_slot(struct sealing *sealing, size_t index, const struct id *recipient,
                      const struct seal_key *key);
/* The box is these bytes, encrypted, as they are. */
void sealing_put_box(struct sealing *sealing, const struct seal_key *key, struct span padded);
/* A box that two keys open, padding and all, each to another text of 4,095 bytes. `second` is
 * changed to the next key whose stream ends with the same byte as the first one's, so that 0x80
 * stands at the end of both. */
void sealing_put_double_box(struct sealing *sealing, const struct seal_key *first,
                            struct seal_key *second);
/* Appends text, 0x80 and zeros up to `size`. */
void sealing_pad(struct span text, size_t size, struct buffer *out);
/* Appends the bytes of the Sealed. */
void sealing_write(const struct sealing *sealing, struct buffer *out);

/* Takes a Sealed that seal_make has made apart; only the first four fields, in their order. */
void sealing_read(struct sealing *sealing, const char *network, const struct id *feed,
                  struct span bytes);

/* Random bytes that are the same in every run: the hashes of 1, 2, 3 … */
struct seal_random sealing_random(uint64_t *count);

#endif
