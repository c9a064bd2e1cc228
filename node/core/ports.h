/* ports: everything core code reaches outside itself through — store, marks, bus, clock, random —
 * as small function tables handed in at creation. The real ones: node/ledger (SQLite), node/net
 * (ZeroMQ); in the simulation: the in-memory ledger, a virtual network and a virtual clock.
 *
 * Threads: a struct store belongs to one thread. One store per ledger writes; readers have their
 * own, and see what is committed and nothing else. */
#ifndef CORE_PORTS_H
#define CORE_PORTS_H

#include "common/bytes.h"
#include "common/entry.h"
#include "common/erasure.h"
#include "common/error.h"

#define STORE_LEDGER_ID_SIZE 16
#define STORE_REQUEST_ID_SIZE 16

struct store_info {
    uint8_t
        ledger[STORE_LEDGER_ID_SIZE]; /* random, made with the ledger; arrivals are counted in it */
    uint64_t last_arrival;            /* 0: nothing yet */
    bool unclean;        /* something was erased, and is not yet gone from the store's own files */
    uint64_t generation; /* how often entries were quarantined: what was read before may be gone */
};

struct seal_content;

/* One entry as kept. Spans handed to a visitor are borrowed until it returns. */
struct store_entry {
    uint64_t arrival; /* assigned by append, 1, 2, 3 … in this ledger; late content takes a new one,
                         and so does erasing */
    uint64_t received_ms; /* Unix time of this node */
    uint64_t certificate; /* number in force for this entry */
    /* Seq of the entry that ordered its content erased; 0: none did. What was ordered erased has no
     * content, is not missing, and never gets one again, unless that entry is quarantined. */
    uint64_t erased;
    uint64_t recoveries; /* for append: becomes the head's; what is read back has 0 */
    /* has_content false: missing, or erased. append keeps a signature only when signature_checked
     * is true; what is read back has signature_checked true and a signature, or false and none. */
    struct entry entry;
    /* Of what was sealed and opened (opened.h): for whom it is. A ledger leaves it NULL. */
    const struct seal_content *seal;
};

/* What is known of a feed. */
struct store_feed {
    struct entry_head head; /* last entry that is kept; seq 0: none */
    uint64_t signed_seq;    /* last seq that has a signature: what can be handed on */
    uint64_t missing;       /* contents that are missing; not those that were ordered erased */
    uint64_t quarantined;   /* entries that were moved aside since there is the feed */
    uint64_t head_arrival;  /* arrival of the last change of this feed; 0: none */
    bool frozen;            /* a fork at the same certificate number */
    struct span statement;  /* SignedHead bytes of the publisher's latest; may be empty */
    uint64_t statement_ms;  /* its as_of_ms */
};

/* An entry that was moved aside, for another branch of its feed has won. It is shown, and counts
 * for nothing. */
struct store_quarantined {
    uint64_t generation; /* the one that began when it was moved: higher is later */
    struct store_entry entry;
};

struct store_certificate {
    uint64_t number;
    uint64_t seq;        /* of the entry that carries it; 0: not seen yet (known from a card) */
    struct span encoded; /* SignedCertificate */
};

/* Two signed entries at one seq: proof of a fork. */
struct store_conflict {
    struct id feed;
    uint64_t certificate;
    uint64_t seq;
    struct span kept, other; /* SignedEntry bytes */
};

struct store_receipt {
    struct id feed, receiver;
    uint64_t certificate, seq, missing, counter;
    uint64_t received_ms;
    struct span encoded; /* SignedReceipt */
};

/* Visitors return 0 to go on, anything else to stop. A read that was stopped returns ERROR_NONE:
 * what went wrong in a visitor is kept in its context. A visitor may read from the same store, it
 * must not write, begin, commit or roll back. Between two visits a reader may come to see what was
 * committed meanwhile; what was there from the start is never passed over. */
typedef int (*store_entry_visitor)(void *context, const struct store_entry *entry);
typedef int (*store_quarantined_visitor)(void *context,
                                         const struct store_quarantined *quarantined);
typedef int (*store_feed_visitor)(void *context, const struct store_feed *feed);
typedef int (*store_certificate_visitor)(void *context,
                                         const struct store_certificate *certificate);
typedef int (*store_conflict_visitor)(void *context, const struct store_conflict *conflict);
typedef int (*store_receipt_visitor)(void *context, const struct store_receipt *receipt);

/* A filter over content types: bit n = type n (n < 32). */
#define STORE_ALL_TYPES UINT32_MAX
#define STORE_TYPE(type) (1u << (type))

/* Every function returns an error code and fills error. Writing is allowed only between begin and
 * commit (else ERROR_INTERNAL), and only on the writing store: a reader answers ERROR_DENIED. After
 * commit returns ERROR_NONE everything written is on disk. A failed commit has written nothing and
 * has ended the transaction. The writer's reads see what it wrote before in the same transaction.
 * An error that a function names below leaves the transaction as it was; after any other one (disk
 * full, out of memory) commit fails, too, and the caller rolls back. */
struct store_operations {
    int (*info)(void *self, struct store_info *info, struct error *error);

    int (*begin)(void *self, struct error *error);
    int (*commit)(void *self, struct error *error);
    void (*rollback)(void *self); /* nothing when no transaction is open */

    /* Appends consecutive entries of one feed behind its head, making the feed when it is new;
     * moves head, signed_seq, missing and head_arrival; fills each entry's arrival. ERROR_GAP when
     * the first is not head + 1 or a seq is not the one before it plus 1; ERROR_BROKEN_CHAIN when
     * an entry's previous is not the hash of the one before it, or it is of another feed. Nothing
     * is then written. Entries are stored as they are: hashes and signatures were checked before.
     */
    int (*append)(void *self, struct store_entry *entries, size_t count, struct error *error);
    /* Late content of a kept entry that misses it. The entry takes a new arrival, the highest, and
     * the feed's head_arrival and missing follow. ERROR_NOT_FOUND when there is no such entry,
     * ERROR_EXISTS when it has its content, or was erased. */
    int (*put_content)(void *self, const struct id *feed, uint64_t seq, struct span salt,
                       struct span content, uint64_t received_ms, struct error *error);
    /* Salt and content of kept entries go, for good: after the commit nothing shows them any more,
     * and what still holds their bytes in the store's own files (a log, a copy that an upgrade has
     * left) is cleaned as soon as nobody reads it, also after a crash. orders: in order of seq,
     * each seq once. Each entry takes a new arrival, as with put_content. *erased: how many were.
     * Passed over are entries that are not kept, that were erased before, and those whose content
     * is permanent. With them (count above 0) go the contents of all entries of the feed that were
     * moved aside, but permanent ones: what is erased may stand there a second time. */
    int (*erase)(void *self, const struct id *feed, const struct erasure_order *orders,
                 size_t count, size_t *erased, struct error *error);
    /* Moves the entries of a feed from `first` on aside: the feed then ends in front of it (head,
     * signed_seq and missing go back, recoveries becomes the head's), and others can be appended.
     * That takes an arrival number, which no entry has: head_arrival moves. The generation goes up
     * by one. Certificates whose entries are moved are from then on known ahead (seq 0). Orders
     * to erase that entries from `first` on have given are void: contents that went because of them
     * are missing from then on, and can come again. Cursors, receipts, request ids and conflicts
     * stay. ERROR_NOT_FOUND when there is no such entry. */
    int (*quarantine)(void *self, const struct id *feed, uint64_t first, uint64_t recoveries,
                      struct error *error);
    /* frozen and statement of an existing or new feed; they do not move head_arrival. */
    int (*put_frozen)(void *self, const struct id *feed, bool frozen, struct error *error);
    int (*put_statement)(void *self, const struct id *feed, struct span signed_head,
                         uint64_t as_of_ms, struct error *error);
    /* Replaces by number; seq is only ever set, never cleared. Makes no feed. */
    int (*put_certificate)(void *self, const struct id *feed,
                           const struct store_certificate *certificate, struct error *error);
    /* Forgets those with this number and higher ones: others take their place. */
    int (*cut_certificates)(void *self, const struct id *feed, uint64_t first, struct error *error);
    /* Keeps the first one per feed and certificate number; a second is ERROR_NONE and not kept. */
    int (*put_conflict)(void *self, const struct store_conflict *conflict, struct error *error);
    /* Replaces the receiver's receipt for the feed. */
    int (*put_receipt)(void *self, const struct store_receipt *receipt, struct error *error);
    /* What a partner's ledger has told us: everything up to its arrival. */
    int (*put_cursor)(void *self, const struct id *partner,
                      const uint8_t ledger[STORE_LEDGER_ID_SIZE], uint64_t arrival,
                      struct error *error);
    /* A request id and the seq that answers it. ERROR_EXISTS when it is there. */
    int (*put_request)(void *self, const uint8_t request[STORE_REQUEST_ID_SIZE], uint64_t seq,
                       struct error *error);
    /* Small named values: "receipt-counter", "token", … */
    int (*put_value)(void *self, const char *name, struct span value, struct error *error);

    /* ERROR_NOT_FOUND when unknown. statement is borrowed until the next call. */
    int (*get_feed)(void *self, const struct id *feed, struct store_feed *out, struct error *error);
    int (*get_cursor)(void *self, const struct id *partner, uint8_t ledger[STORE_LEDGER_ID_SIZE],
                      uint64_t *arrival, struct error *error);
    int (*get_request)(void *self, const uint8_t request[STORE_REQUEST_ID_SIZE], uint64_t *seq,
                       struct error *error);
    /* Replaces what is in out. */
    int (*get_value)(void *self, const char *name, struct buffer *out, struct error *error);

    /* Feeds in the order of their last change (head_arrival), from after `after_arrival` on, at
     * most limit. Feeds without entries (head_arrival 0) are visited only with_empty and from 0 on:
     * all of them, first, not counted in limit. */
    int (*feeds)(void *self, uint64_t after_arrival, bool with_empty, size_t limit,
                 store_feed_visitor visit, void *context, struct error *error);
    /* In order of number. */
    int (*certificates)(void *self, const struct id *feed, store_certificate_visitor visit,
                        void *context, struct error *error);
    int (*conflicts)(void *self, store_conflict_visitor visit, void *context, struct error *error);
    int (*receipts)(void *self, const struct id *feed, store_receipt_visitor visit, void *context,
                    struct error *error);
    /* Entries first … last of one feed in order of seq. */
    int (*entries)(void *self, const struct id *feed, uint64_t first, uint64_t last,
                   store_entry_visitor visit, void *context, struct error *error);
    /* Those of one type (below 32), the last seq first. */
    int (*newest)(void *self, const struct id *feed, uint32_t type, store_entry_visitor visit,
                  void *context, struct error *error);
    /* What was quarantined of a feed: what was moved last comes first, each time in order of seq.
     */
    int (*quarantined)(void *self, const struct id *feed, store_quarantined_visitor visit,
                       void *context, struct error *error);
    /* Entries of all feeds in order of arrival, after `after`, only the given types. */
    int (*arrivals)(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                    void *context, struct error *error);
    /* Seqs of a feed whose content is missing, in order, at most limit. */
    int (*missing)(void *self, const struct id *feed, uint64_t *seqs, size_t limit, size_t *count,
                   struct error *error);

    void (*destroy)(void *self); /* rolls back what is open */
};

struct store {
    const struct store_operations *operations;
    void *self;
};

/* What people have read of the inbox: a set of entries, kept on disk. */
struct mark {
    struct id feed;
    uint64_t seq;
};

struct mark_store {
    void *self;
    int (*is_read)(void *self, const struct id *feed, uint64_t seq, bool *read,
                   struct error *error);
    /* All of them or, after an error, none; on disk when it returns. */
    int (*set_read)(void *self, const struct mark *marks, size_t count, bool read,
                    struct error *error);
};

/* What a node says to others. Calls never block and never fail loudly: what cannot be sent is lost,
 * and the protocol repairs it. */
struct bus {
    void *self;
    /* One sync message to a partner, over whichever link there is. false: no link or its queue
     * full. */
    bool (*send)(void *self, const struct id *partner, struct span message);
    /* One live message: topic and payload. */
    void (*live)(void *self, const char *topic, struct span payload);
};

struct clock {
    void *self;
    uint64_t (*wall_ms)(void *self);      /* Unix time */
    uint64_t (*monotonic_ms)(void *self); /* for time limits */
};

struct random_source {
    void *self;
    void (*fill)(void *self, void *out, size_t size);
};

#endif
