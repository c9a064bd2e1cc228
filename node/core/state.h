/* state: what an exchange knows in memory; shared by the files that make up exchange.h (exchange,
 * feed, ingest, catchup, session, coverage, own) and by nobody else.
 *
 * A feed is something to hold; a partner is somebody to talk to. Every partner has a feed; a feed
 * may be there without a partner (our own, or one whose partner was removed). Threads: the
 * exchange's. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "common/map.h"
#include "node/core/exchange.h"

/* What a partner says that it has of a feed. */
struct source {
    struct partner *partner;
    uint64_t certificate, seq;
    uint64_t retry_at; /* monotonic ms; don't ask before */
    unsigned faults;   /* in a row */
    bool wanted;       /* seq is above our head: counted in partner->wants */
};

struct pull {
    struct feed *feed;
    struct partner *partner;
    uint64_t request;
    uint64_t first;
    uint64_t deadline; /* monotonic ms */
};

struct feed {
    struct id id;
    struct identity_chain chain;
    uint64_t *positions; /* of certificate number n at n - 1: the seq of its entry, 0 = not seen */
    size_t position_count;
    struct entry_head head;
    uint64_t missing;
    bool frozen;
    struct partner *partner; /* NULL: not accepted, or our own */
    Caravan__Profile *profile;
    Caravan__Endpoints *endpoints;
    uint64_t profile_ms, endpoints_ms; /* when the publisher says it made them */
    /* the publisher's latest statement */
    struct buffer statement;
    struct entry_head stated;
    uint64_t as_of_ms;
    bool statement_dirty;
    /* its latest receipt for our feed */
    bool received_known;
    uint64_t received_seq, received_missing, received_ms, received_counter;
    /* catch-up */
    struct source *sources;
    size_t source_count;
    struct pull *pull; /* under way; NULL: none */
    bool needy;        /* in the queue */
    struct feed *next_needy;
    /* changed by the open transaction */
    bool changed;
    struct feed *next_changed;
};

struct partner {
    struct feed *feed;
    bool relay;
    uint64_t card_ms; /* of the accepted card */
    struct exchange_link_state links[EXCHANGE_LINK_KINDS];
    /* the session: since a sync link came up */
    bool session;
    bool greeted;      /* its hello has come */
    bool live_link;    /* it hears us on live */
    bool answered;     /* it has said what it holds of our feed, since the session began */
    bool heads_done;   /* it has told all its heads once */
    uint64_t hello_at; /* monotonic ms: next keep-alive */
    int64_t clock_skew_ms;
    bool clock_known;
    unsigned pulls;
    size_t wants;
    /* cursor: what its ledger has told us, and what of it is safely ours */
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    uint64_t told, kept;
    char trouble[256];
    uint64_t dial_request;
    struct exchange_dialled dialled;
};

/* Goes out after the commit. */
struct outgoing {
    struct outgoing *next;
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct buffer payload;
};

struct exchange {
    struct exchange_config config;
    char network[LIMIT_NETWORK_SIZE + 1];
    char handle[LIMIT_HANDLE_SIZE + 1];
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    struct map feeds, partners; /* by feed id */
    struct feed *own;
    uint64_t changes;
    /* transaction */
    bool open, wrote;
    bool broken; /* something failed: commit must not succeed */
    struct error broken_error;
    struct feed *changed;
    struct outgoing *outbox, **outbox_end;
    /* catch-up */
    struct feed *needy, **needy_end;
    struct pull pulls[LIMIT_PULLS_TOTAL]; /* feed NULL: free */
    uint64_t next_request;
    /* own feed */
    uint64_t started_at; /* monotonic ms */
    bool start_checked;
    bool ahead;   /* a partner holds more of our feed than we do */
    bool trusted; /* the ledger is ours without doubt: not suspect, or confirmed, or --alone */
    uint64_t statement_at;  /* monotonic ms: next own head on live */
    uint64_t statements_at; /* monotonic ms: next time others' statements are stored */
    uint64_t receipt_counter;
    bool described;
    struct buffer wanted_profile, wanted_endpoints; /* publish these as soon as we may */
};

/* --- feed: load, keep and change what is known of feeds (feed.c) -------------------------------
 */

struct feed *feed_find(const struct exchange *exchange, const struct id *id);
/* Finds or makes it; NULL with error when memory ran out. */
struct feed *feed_get(struct exchange *exchange, const struct id *id, struct error *error);
void feed_destroy(struct feed *feed);
/* Reads one feed's state from the store again (everything but sources and partner). */
int feed_load(struct exchange *exchange, struct feed *feed, struct error *error);
/* Loads all. */
int feed_load_all(struct exchange *exchange, struct error *error);
/* Certificate number in force for an entry at seq. */
uint64_t feed_certificate_at(const struct feed *feed, uint64_t seq);
int feed_set_position(struct feed *feed, uint64_t number, uint64_t seq, struct error *error);
/* Takes over what an entry's content, or a card, says of the feed itself (profile, endpoints),
 * unless what is known was made later. Contents that cannot be read change nothing. true when the
 * endpoints changed. */
bool feed_learn(struct feed *feed, uint32_t content_type, uint64_t created_ms, struct span content);
const char *feed_handle(const struct feed *feed); /* "" when unknown */
int feed_publish_keys(struct exchange *exchange, struct feed *feed, struct error *error);

/* --- ingest: entries into the store (ingest.c) --------------------------------------------------
 */

enum ingest_result {
    INGEST_ADDED,    /* at least one new entry */
    INGEST_KNOWN,    /* nothing new */
    INGEST_GAP,      /* further ahead than head + 1 */
    INGEST_FORK,     /* the feed is now frozen */
    INGEST_DIVERGED, /* does not follow our head, though signed: ask for the entry at our head */
    INGEST_REFUSED,  /* breaks the feed; error says why */
    INGEST_FAILED    /* our own fault (store, memory): the transaction is broken */
};
/* checked: entry_run_check has passed with `certificate`. error is filled for REFUSED and FAILED.
 */
enum ingest_result ingest_run(struct exchange *exchange, struct feed *feed, struct entry_run *run,
                              bool checked, uint64_t certificate, uint64_t *added,
                              struct error *error);
/* Appends entries that were checked and follow the head. */
int ingest_append(struct exchange *exchange, struct feed *feed, struct entry *entries, size_t count,
                  struct error *error);
/* Late content of an entry that we keep without. true when it was stored. */
bool ingest_late_content(struct exchange *exchange, struct feed *feed, const struct entry *entry);
void exchange_break(struct exchange *exchange, const struct error *error);

/* --- catchup: who has what, and asking for it (catchup.c) ---------------------------------------
 */

/* A partner says that it holds a feed up to head. */
void catchup_note(struct exchange *exchange, struct feed *feed, struct partner *partner,
                  const struct entry_head *head);
void catchup_moved(struct exchange *exchange, struct feed *feed); /* the head moved */
void catchup_want(struct exchange *exchange,
                  struct feed *feed);         /* queue it if it lacks something */
void catchup_pump(struct exchange *exchange); /* send pulls while credit lasts */
/* A Run came: for our pull? Then the pull is done. */
struct pull *catchup_find(struct exchange *exchange, const struct partner *partner,
                          uint64_t request);
void catchup_done(struct exchange *exchange, struct pull *pull, bool progress);
/* Don't ask this partner for this feed for a while. */
void catchup_fault(struct exchange *exchange, struct feed *feed, struct partner *partner,
                   uint64_t wait_ms);
/* Asks for the entry at our head, to see whether the feed is forked. */
void catchup_probe(struct exchange *exchange, struct feed *feed, struct partner *partner);
void catchup_forget(struct exchange *exchange, struct partner *partner); /* the session ended */
void catchup_tick(struct exchange *exchange, uint64_t now);

/* --- session: talking to partners (session.c) ----------------------------------------------------
 */

struct partner *partner_find(const struct exchange *exchange, const struct id *feed);
bool session_up(const struct partner *partner); /* a sync link is up */
bool session_send(struct exchange *exchange, struct partner *partner,
                  const Caravan__SyncMessage *message);
void session_tick(struct exchange *exchange, uint64_t now);
void session_trouble(struct exchange *exchange, struct partner *partner, const struct error *error);
/* New heads to partners that do not hear us on live. */
void session_tell_head(struct exchange *exchange, const struct feed *feed);
void session_ask_heads(struct exchange *exchange, struct partner *partner);

/* --- coverage: receipts (coverage.c)
 * -------------------------------------------------------------- */

int coverage_load(struct exchange *exchange, struct error *error);
/* Tells what we hold of a feed: its publisher, or who hands it on to us. */
void coverage_send(struct exchange *exchange, struct feed *feed);
void coverage_send_to(struct exchange *exchange, struct feed *feed, struct partner *partner);
void coverage_receive(struct exchange *exchange, struct partner *partner,
                      const Caravan__Receipts *receipts);

/* --- own: our own feed (own.c)
 * -------------------------------------------------------------------- */

int own_start(struct exchange *exchange, struct error *error);
void own_tick(struct exchange *exchange, uint64_t now);
/* Signs our head: out on live, and to the servers. */
void own_state_head(struct exchange *exchange);
void own_statement(struct exchange *exchange, struct feed *feed, struct span signed_head,
                   struct partner *from);

/* --- outbox (exchange.c)
 * --------------------------------------------------------------------------- */

/* Queues an entry for live under all its topics, if it is ours or handed on. */
void exchange_queue_live(struct exchange *exchange, const struct feed *feed,
                         const struct entry *entry);
uint64_t exchange_now(const struct exchange *exchange);  /* monotonic ms */
uint64_t exchange_wall(const struct exchange *exchange); /* Unix ms */

#endif
