/* seal: contents for named institutions only. PROTOCOL.md §4, "Sealed content", is the contract:
 * what is in the bytes, and why nobody else can open them or pass them off as their own.
 *
 * Who is named can open the bytes with a sealing key. Everybody else, relays too, sees neither what
 * kind of content it is, nor for whom, and its length and the number of readers in wide steps only.
 * The publisher is always a recipient: only so can a node that was restored from its partners read
 * what it sealed itself. A Sealed belongs to one network and one publisher: a copy in another feed
 * does not open. It holds one plaintext for all (key commitment), whoever built it.
 *
 * To read one: seal_open gives the SealedContent bytes and K; seal_content_read tells the true
 * type, the content and the audience.
 *
 * Pure but for the random bytes. Threads: no shared state. */
#ifndef COMMON_SEAL_H
#define COMMON_SEAL_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/secret.h"

#define SEAL_KEY_SIZE 32

/* The key K of one sealed content: whoever has it can read that content, and no other. Never log
 * it; whoever holds one wipes it (seal_key_wipe). */
struct seal_key {
    uint8_t bytes[SEAL_KEY_SIZE];
};
void seal_key_wipe(struct seal_key *key);

/* --- sealing --------------------------------------------------------------------------------- */

/* An institution that a content is for: feed id, and the sealing key of its newest certificate. */
struct seal_reader {
    struct id feed;
    struct id sealing_key;
};

struct seal_draft {
    const char *network;
    struct id feed;        /* the publisher's */
    struct id sealing_key; /* the publisher's own, which it opens the content with later */
    uint32_t content_type; /* the true one; seal_content_type_is_allowed */
    uint32_t min_reader;   /* 0 is written as 1 */
    struct span content;
    const struct seal_reader *audience; /* the others, in any order; no feed twice, not the
                                           publisher's */
    size_t audience_count;              /* 1 … LIMIT_SEAL_AUDIENCE */
};

/* Appends the bytes of a Sealed to out: the content of an entry of type SEALED. key (may be NULL)
 * gets K, so that the caller need not open it again to let a later reader in (Reader.key). On error
 * out and *key are unchanged. Errors: ERROR_INVALID (network name, audience, content type, a
 * sealing key that cannot be used: which, found, expected), ERROR_TOO_LARGE (more than fits: how
 * many bytes, and how many for so many institutions), ERROR_MEMORY. */
int seal_make(const struct seal_draft *draft, struct buffer *out, struct seal_key *key,
              struct error *error);

/* Where random bytes come from. Tests and vectors give their own, to make the same bytes again. */
struct seal_random {
    void *self;
    void (*fill)(void *self, void *out, size_t size);
};
/* seal_make with other random bytes: 32 for K, 32 for the ephemeral key, 52 for each slot that is
 * filled up, and 4 for each step of the shuffle (more when one is thrown away). */
int seal_make_with(const struct seal_draft *draft, const struct seal_random *random,
                   struct buffer *out, struct seal_key *key, struct error *error);

/* The most bytes of content that can be sealed for so many institutions (without the publisher), so
 * that it fits into an entry; 0 when that many cannot be named. */
size_t seal_room(size_t audience_count);

/* What may be sealed: any type but those that change the feed itself and must be public
 * (certificate, profile, endpoints, vouch, erasure), SEALED again, and 0. Types that this version
 * does not know may be sealed. */
bool seal_content_type_is_allowed(uint32_t content_type);

/* --- opening --------------------------------------------------------------------------------- */

/* What was in a Sealed. */
struct seal_opened {
    struct buffer content; /* SealedContent bytes */
    struct seal_key key;   /* K, e.g. for a Reader */
};
/* Wipes the key and frees the content. Zeroed or finished is fine. */
void seal_opened_finish(struct seal_opened *opened);

/* Opens Sealed bytes that stand in a feed of a network with the first of our sealing secrets that
 * fits: the one in force, and old ones that are kept for reading. All of kind SECRET_SEALING.
 * Costs one X25519 for each secret, and at most 256 short decryptions each, whatever the bytes are.
 * *out is empty on error; else the caller finishes it. Errors:
 *   ERROR_NOT_FOUND   it is not for us (or a copy from another feed or network: nobody can tell)
 *   ERROR_MALFORMED   not a Sealed: byte offset, found, expected; says nothing about for whom
 *   ERROR_TOO_LARGE   more bytes than a content may have
 *   ERROR_INVALID     a slot is for us, but what it leads to is broken, which only a publisher that
 *                     breaks the protocol can bring about; the sentence says what
 *   ERROR_MEMORY */
int seal_open(struct span sealed, const char *network, const struct id *feed,
              struct secret *const *secrets, size_t count, struct seal_opened *out,
              struct error *error);

/* Opens it with its key, as a Reader brings it. Errors as above, without ERROR_NOT_FOUND;
 * ERROR_INVALID also when it is the key of another content. */
int seal_open_with_key(struct span sealed, const char *network, const struct id *feed,
                       const struct seal_key *key, struct seal_opened *out, struct error *error);

/* --- what was sealed ------------------------------------------------------------------------- */

/* A SealedContent; content points into the bytes that it was read from. */
struct seal_content {
    uint32_t content_type; /* allowed by seal_content_type_is_allowed; may be unknown */
    uint32_t min_reader;   /* as in an entry; 0 when not said */
    struct span content;   /* not looked into */
    struct id audience[LIMIT_SEAL_AUDIENCE]; /* feed ids in ascending order, not the publisher's;
                                                what follows a content goes to the same */
    size_t audience_count;                   /* 1 … LIMIT_SEAL_AUDIENCE */
};

/* Reads SealedContent bytes from a Sealed in this feed. ERROR_MALFORMED: field, found, expected.
 * Like all that is in a content, it never refuses the entry: such a one cannot be shown. *out is
 * untouched on error. */
int seal_content_read(struct span bytes, const struct id *feed, struct seal_content *out,
                      struct error *error);
/* Whether an institution is named. The publisher may always read, and is not. */
bool seal_content_names(const struct seal_content *content, const struct id *feed);

#endif
