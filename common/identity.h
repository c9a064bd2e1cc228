/* identity: hashes and signatures with their purpose tags, certificates, a feed's chain of
 * certificates, fingerprints, cards. PROTOCOL.md §2 and §3 is the contract; byte vectors in
 * tests/vectors.
 *
 * hash(purpose, bytes)     = BLAKE2b-256("caravan 1 " purpose NUL bytes)
 * signature(purpose, …)    = Ed25519("caravan 1 sign " purpose NUL network NUL hash)
 *
 * where hash is hash(purpose, bytes). libsodium's acceptance rule is the network's rule: canonical
 * S, canonical key, no small-order key or R; no batch verification.
 *
 * Threads: no shared state; a struct identity_chain belongs to one thread or is not changed. */
#ifndef COMMON_IDENTITY_H
#define COMMON_IDENTITY_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/limits.h"
#include "common/secret.h"
#include "proto/feed.pb-c.h"

#define IDENTITY_SIGNATURE_SIZE 64

enum identity_purpose {
    IDENTITY_ENTRY,       /* "entry" */
    IDENTITY_CONTENT,     /* "content": salt, then content; hash only */
    IDENTITY_CERTIFICATE, /* "certificate" */
    IDENTITY_CARD,        /* "card" */
    IDENTITY_HEAD,        /* "head": HeadStatement */
    IDENTITY_RECEIPT,     /* "receipt": ReceiptStatement */
    IDENTITY_RECOVERY,    /* "recovery": a recovery public key; hash only */
};

void identity_hash(enum identity_purpose purpose, struct span bytes, struct id *hash);
/* The same over two pieces one after the other (salt and content). */
void identity_hash2(enum identity_purpose purpose, struct span first, struct span second,
                    struct id *hash);

/* hash: of what is signed, made with the same purpose. */
int identity_sign(const struct secret *key, enum identity_purpose purpose, const char *network,
                  const struct id *hash, uint8_t signature[IDENTITY_SIGNATURE_SIZE],
                  struct error *error);
bool identity_verify(const struct id *key, enum identity_purpose purpose, const char *network,
                     const struct id *hash, struct span signature);

/* Eight groups of five digits, made from the feed id; read over the telephone in any language:
 * "04517 88210 …". out holds IDENTITY_FINGERPRINT_SIZE. */
#define IDENTITY_FINGERPRINT_SIZE 48
void identity_fingerprint(const struct id *feed, char out[IDENTITY_FINGERPRINT_SIZE]);

/* A checked certificate, by value. */
struct identity_certificate {
    uint64_t number;
    struct id hash; /* of the Certificate's bytes */
    struct id node_key, transport_key, sealing_key;
    struct id recovery_hash; /* zero when not named */
    struct id root_key;      /* in force after this certificate */
    bool by_recovery;
    bool former_stolen; /* the keys of the one before may be in others' hands */
    uint64_t created_ms;
};

/* The certificates of one feed, 1 … count, each checked against the one before. */
struct identity_chain {
    struct id feed; /* the first root key */
    char network[LIMIT_NETWORK_SIZE + 1];
    struct id root_key, recovery_hash; /* in force */
    struct identity_certificate *certificates;
    struct buffer *encoded; /* SignedCertificate bytes of each, as received */
    size_t count;
};

/* ERROR_INVALID unless the name is 1 to LIMIT_NETWORK_SIZE of a-z 0-9 '-' '.'. */
int identity_network_check(const char *network, struct error *error);

/* An empty chain for a feed. ERROR_INVALID when the network name is not valid. */
int identity_chain_init(struct identity_chain *chain, const struct id *feed, const char *network,
                        struct error *error);
void identity_chain_finish(struct identity_chain *chain);
/* A deep copy; *to must be finished by the caller. */
int identity_chain_copy(const struct identity_chain *from, struct identity_chain *to,
                        struct error *error);
/* Checks SignedCertificate bytes as the next one (number count + 1) without changing the chain. */
int identity_chain_check(const struct identity_chain *chain, struct span signed_certificate,
                         struct identity_certificate *out, struct error *error);
/* The same, and appends. A certificate that is already there is ERROR_NONE. A different one with a
 * known number, validly signed, is ERROR_FORK; a number too high ERROR_GAP. The chain is unchanged
 * on error. */
int identity_chain_append(struct identity_chain *chain, struct span signed_certificate,
                          struct error *error);
/* The same for any number from 1 to count + 1, judged against the certificates before it. The
 * caller compares the hash with a known certificate of that number. ERROR_GAP for a higher number.
 */
int identity_chain_check_at(const struct identity_chain *chain, uint64_t number,
                            struct span signed_certificate, struct identity_certificate *out,
                            struct error *error);
/* As append; but a different certificate with a known number, validly signed, takes the place of
 * the one that is there, and those behind that one go. Whether it should is for the caller to know.
 */
int identity_chain_replace(struct identity_chain *chain, struct span signed_certificate,
                           struct error *error);
/* What SignedCertificate bytes say, with nothing judged: neither who signed them nor what they
 * follow. root_key and recovery_hash are those that it names, or zero. */
int identity_certificate_peek(struct span signed_certificate, struct identity_certificate *out,
                              struct error *error);
/* How many of the first `number` certificates (at most count) the recovery key has signed. */
uint64_t identity_chain_recoveries(const struct identity_chain *chain, uint64_t number);
/* So many certificates, from the first on, are the same in both. */
size_t identity_chain_common(const struct identity_chain *a, const struct identity_chain *b);
/* The network that Certificate bytes (not SignedCertificate) name: only for finding out, nothing is
 * checked but the name's own rule. */
int identity_certificate_network(struct span certificate, char network[LIMIT_NETWORK_SIZE + 1],
                                 struct error *error);
/* NULL when number is 0 or above count. */
const struct identity_certificate *identity_chain_get(const struct identity_chain *chain,
                                                      uint64_t number);

/* Builds a certificate and signs it with the root key (new_root NULL) or with the recovery key.
 * recovery_hash: NULL when not named. Appends SignedCertificate bytes to out. */
struct identity_certificate_draft {
    const char *network;
    const struct id *feed;
    uint64_t number;
    const struct id *previous; /* NULL at number 1 */
    const struct id *node_key, *transport_key, *sealing_key;
    const struct id *recovery_hash;
    const struct id *new_root;
    bool former_stolen;
    uint64_t created_ms;
};
int identity_certificate_build(const struct identity_certificate_draft *draft,
                               const struct secret *signer, struct buffer *out,
                               struct error *error);

#endif
