/* entry: building, parsing and checking entries, runs and proofs. PROTOCOL.md §4.
 *
 * Pure: no clock, no store. What is *in* a content never refuses an entry; only size, bytes,
 * network, chain and signature do. Threads: no shared state. */
#ifndef COMMON_ENTRY_H
#define COMMON_ENTRY_H

#include "common/identity.h"
#include "proto/wire.pb-c.h"

/* The last entry somebody holds; compared by rank, then seq. The rank of a branch is made of the
 * certificates in force at its end: how many of them the recovery key has signed, then the number
 * of the newest. */
struct entry_head {
    struct id feed;
    uint64_t certificate;
    uint64_t seq; /* 0: nothing yet */
    struct id hash;
    uint64_t recoveries; /* of the certificates up to that number, those by the recovery key */
};

/* By rank alone: below 0 when a is outranked by b, 0 when neither is. */
int entry_head_rank(const struct entry_head *a, const struct entry_head *b);
int entry_head_compare(const struct entry_head *a, const struct entry_head *b);

/* A parsed entry. Spans point into the bytes it was parsed from. */
struct entry {
    struct span bytes;     /* the Entry message, as signed */
    struct span signature; /* 64 bytes, or empty */
    struct span salt;      /* 16 bytes, or empty when the content is absent */
    struct span content;
    bool has_content;       /* an empty content with a salt is a content */
    bool signature_checked; /* set by entry_run_check only */
    struct id hash;
    struct id feed;
    struct id previous; /* zero at seq 1 */
    struct id content_hash;
    uint64_t seq;
    uint64_t created_ms;
    uint32_t content_type;
    uint32_t content_size;
    uint32_t min_reader;
};

/* Parses SignedEntry bytes and checks sizes, presence, network, and that salt and content hash to
 * content_hash (when present). Does not check signature or chain. Spans point into bytes. Errors:
 * wrong-network, too-large, malformed. */
int entry_parse_bytes(struct span bytes, const char *network, struct entry *out,
                      struct error *error);

/* Reads an entry that is kept somewhere as its parts: bytes, signature, salt and content of *entry
 * are set, has_content says whether salt and content are there; fills all the rest but
 * signature_checked. Checks what entry_parse_bytes does, by the same rules, but for the network,
 * and that the bytes have the hash under which they are kept. ERROR_BROKEN_CHAIN when they do not.
 */
int entry_read_kept(struct entry *entry, const struct id *hash, struct error *error);

struct entry_draft {
    const char *network;
    struct id feed;
    uint64_t seq;
    struct id previous; /* zero at seq 1 */
    uint64_t created_ms;
    uint32_t content_type;
    uint32_t min_reader; /* 0 is written as 1 */
    struct span content;
    uint8_t salt[LIMIT_SALT_SIZE];
};

/* Builds and hashes an entry without a signature. Its parts are appended to out, to which its spans
 * point; so out must have room for ENTRY_ROOM bytes more than the content, and not move while the
 * entry is used. ERROR_TOO_LARGE when the content is over the limit. */
#define ENTRY_ROOM (LIMIT_ENTRY_SIZE + LIMIT_SALT_SIZE + IDENTITY_SIGNATURE_SIZE)
int entry_make(const struct entry_draft *draft, struct buffer *out, struct entry *entry,
               struct error *error);
/* Signs it; the signature is appended to the same buffer. It counts as checked only once
 * entry_run_check has looked at it. */
int entry_sign(struct entry *entry, const char *network, const struct secret *node,
               struct buffer *out, struct error *error);

/* Builds, hashes and signs; appends SignedEntry bytes to out, and the hash. ERROR_TOO_LARGE when
 * the content is over the limit. */
int entry_build(const struct entry_draft *draft, const struct secret *node, struct buffer *out,
                struct id *hash, struct error *error);

/* Appends SignedEntry bytes made of the parts of a parsed or stored entry. keep_content: false
 * hands it on as proof only. */
bool entry_encode(const struct entry *entry, bool keep_content, struct buffer *out);
/* How many bytes those are. */
size_t entry_encoded_size(const struct entry *entry, bool keep_content);

/* Consecutive entries of one feed. */
struct entry_run {
    struct id feed;
    struct entry *entries;
    size_t count;
    size_t kept;          /* entries before the proof; 1 … count */
    uint64_t certificate; /* in force after the last kept entry; set by entry_run_check */
};

/* What a Run message says besides its entries, and where they are. */
struct entry_run_frame {
    struct span bytes; /* of the Run */
    struct id feed;
    uint64_t request;    /* 0: none */
    uint64_t proof_from; /* a seq; 0: none */
    size_t count;        /* of entries; 0 in a Run that says "nothing to hand on yet" */
};

/* Reads a Run without looking into its entries; so a request is known even when they are broken.
 * ERROR_MALFORMED as in fields.h. */
int entry_run_open(struct span run, struct entry_run_frame *out, struct error *error);
/* Parses every entry of the Run; spans point into its bytes. Malformed: no entries, more than
 * LIMIT_RUN_ENTRIES, another feed, not consecutive, proof_from (a seq) out of range, no signature
 * on the last one or on an anchor, a certificate entry that is not the last, a kept content missing
 * that may never be missing. ERROR_BROKEN_CHAIN when an entry does not follow the one before it.
 * The caller finishes *out, which is empty on error. */
int entry_run_parse(const struct entry_run_frame *frame, const char *network, struct entry_run *out,
                    struct error *error);
/* Both at once. */
int entry_run_read(struct span run, const char *network, struct entry_run *out,
                   struct error *error);
/* A live entry is a run of one. Spans point into bytes. */
int entry_run_parse_single(struct span signed_entry, const char *network, struct entry_run *out,
                           struct error *error);
void entry_run_finish(struct entry_run *run);

/* Checks the signatures that must be there: every seq divisible by LIMIT_ANCHOR_INTERVAL, a
 * certificate entry, and the last. Sets signature_checked on those, and on no other.
 * chain: what is known of the feed; certificate: number in force before the run's first entry (0
 * before entry 1). A certificate entry may only be the last one of a run; it is checked as number
 * certificate + 1 against the chain, and it is signed by the node key that it names itself.
 * Entry 1 must be certificate 1. The caller appends the certificate to its chain after ingesting.
 * Errors: bad-signature, malformed, fork, gap (certificates are missing: ask for them). */
int entry_run_check(struct entry_run *run, const struct identity_chain *chain, uint64_t certificate,
                    struct error *error);

/* True for content types whose content is never erased: certificate, profile, withdrawal,
 * confirmation, vouch, erasure. */
bool entry_content_is_permanent(uint32_t content_type);
bool entry_is_certificate(const struct entry *entry);
/* True when the seq or type makes it an anchor. */
bool entry_is_anchor(const struct entry *entry);

/* The message; its bytes are borrowed from head. */
void entry_head_fill(const struct entry_head *head, Caravan__Head *out);
/* Numbers that fit each other. may_be_empty: "nothing yet" is a head, too. */
bool entry_head_is_possible(const struct entry_head *head, bool may_be_empty);
/* Signed statements. network and key as in identity.h. */
int entry_head_sign(const struct entry_head *head, const char *network, uint64_t as_of_ms,
                    const struct secret *node, struct buffer *signed_head, struct error *error);
/* Reads without checking the signature: to find out whether it says anything new. */
int entry_head_parse(struct span signed_head, const char *network, struct entry_head *head,
                     uint64_t *as_of_ms, struct error *error);
/* Checks bytes against the node key of the certificate number that the head itself names. */
int entry_head_check(struct span signed_head, const struct identity_chain *chain,
                     struct entry_head *head, uint64_t *as_of_ms, struct error *error);

/* head: certificate, seq and hash 0 while nothing has been received. */
struct entry_receipt {
    struct id receiver;
    struct entry_head head;
    uint64_t missing;
    uint64_t counter;
};
int entry_receipt_sign(const struct entry_receipt *receipt, const char *network,
                       const struct secret *node, struct buffer *signed_receipt,
                       struct error *error);
/* Reads without checking the signature: to find out whose chain to check with. */
int entry_receipt_parse(struct span signed_receipt, const char *network, struct entry_receipt *out,
                        struct error *error);
/* Checks with the newest certificate of the receiver's chain. */
int entry_receipt_check(struct span signed_receipt, const struct identity_chain *receiver,
                        struct entry_receipt *out, struct error *error);

/* Live topics: "feed/<26 characters>/" and "kind/<kind>/<country>/"; out holds LIMIT_TOPIC_SIZE
 * + 1. */
void entry_topic_of_feed(const struct id *feed, char out[LIMIT_TOPIC_SIZE + 1]);
/* "head/<26 characters>/": the publisher's SignedHead. */
void entry_topic_of_head(const struct id *feed, char out[LIMIT_TOPIC_SIZE + 1]);

#endif
