/* state: what an exchange knows in memory; shared by the files that make up exchange.h (exchange,
 * membership, import, report, feed, branch, certify, restore, ingest, catchup, pulls, session,
 * coverage, own, publish) and by nobody else.
 *
 * A feed is something to hold; a partner is somebody to talk to. Every partner has a feed; a feed
 * may be there without a partner (our own, or one whose partner was removed). Threads: the
 * exchange's. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "common/map.h"
#include "node/core/exchange.h"

/* What a partner says that it has of a feed. Its word only: a pull shows whether it is true. */
struct source {
    struct partner *partner;
    struct entry_head head; /* the highest that it told; certificate 0: none yet */
    uint64_t heard;         /* an entry so far ahead came from it */
    bool off;               /* what it has does not follow what we hold: another branch */
    unsigned asked_chain;   /* times in a row that its certificates were asked for */
    uint64_t retry_at;      /* monotonic ms; don't ask for entries before */
    uint64_t asked_at;      /* monotonic ms */
    unsigned faults;        /* pulls in a row that brought nothing */
    size_t window;          /* how many ranges may be asked of it at once; 0 is 1 */
    bool lost;              /* an answer was lost, and nothing has come since */
    bool wanted;            /* we lack what it says it has: counted in partner->wants */
    /* Missing contents are asked for once round, then after a growing pause round again. */
    uint64_t content_after;   /* the round has come up to this seq */
    uint64_t content_at;      /* monotonic ms; don't begin the next round before */
    uint64_t content_wait_ms; /* the last pause */
};

enum pull_kind {
    PULL_ENTRIES,  /* behind our head */
    PULL_CONTENTS, /* of entries that we hold without */
    PULL_PROBE,    /* an entry that we hold: is the feed forked? */
    PULL_BACK      /* entries of a branch that outranks ours, from its end back to ours */
};

struct pull {
    struct feed *feed; /* NULL: free */
    struct partner *partner;
    enum pull_kind kind;
    uint64_t request;
    uint64_t first, last;
    size_t size;       /* bytes that may come back: its part of the credit */
    uint64_t missing;  /* contents that were missing when it went out */
    uint64_t asked_at; /* monotonic ms */
    uint64_t deadline;
    bool moot;         /* what was asked for before it did not come: its answer will not fit */
    struct pull *next; /* of the same feed, in the order of asking */
};

/* A branch that a partner says outranks ours is followed from its end back to an entry that we
 * hold, too. Each step is vouched for by the one before; a certificate on the way proves the rank
 * of all that lies in front of it. Nothing of it is kept: once the last common entry is known,
 * entries are asked for from there on as always. */
struct way_back {
    struct partner *partner; /* NULL: none under way */
    uint64_t seq;            /* this entry of the branch … */
    struct id hash;          /* … has this hash: the next step ends with it */
    uint64_t from;           /* a run that begins here may reach it; 0: not tried yet */
    bool signed_end;         /* the end's signature is good */
    struct entry_head rank;  /* of the branch: as told, until a certificate has shown it */
    bool proven;
};

/* The newest receipt of somebody else that was handed on to a publisher. */
struct passed_receipt {
    const struct feed *receiver;
    uint64_t counter;
    size_t by; /* so many certificates the receiver had */
};

struct feed {
    struct id id;
    /* What was learned stays true, even when the store could not keep it; but for certificates that
     * others outrank (branch.c). Those up to head.certificate are the ones of the entries held. */
    struct identity_chain chain;
    size_t stored_certificates; /* of the chain, those that are surely in the store */
    uint64_t *positions; /* of certificate number n at n - 1: the seq of its entry, 0 = not seen */
    size_t position_count;
    struct entry_head head;
    uint64_t missing, quarantined;
    bool frozen;
    struct partner *partner; /* NULL: not accepted, or our own */
    Caravan__Profile *profile;
    Caravan__Endpoints *endpoints;
    struct learned { /* from which entry (seq 0: from a card), made when by its own word */
        uint64_t seq, created_ms;
    } profile_from, endpoints_from;
    /* the publisher's latest statement */
    struct buffer statement;
    struct entry_head stated;
    uint64_t as_of_ms;
    bool statement_dirty;
    uint64_t passed_at; /* monotonic ms: when it was last handed on */
    /* its latest receipt for our feed */
    bool received_known;
    struct entry_head received;
    uint64_t received_missing, received_ms, received_counter;
    size_t received_by; /* so many certificates it had when its signature was checked */
    /* receipts for it, by others, that were handed on to it */
    struct passed_receipt *passed;
    size_t passed_count;
    /* catch-up */
    struct source *sources;
    size_t source_count;
    struct pull *pulls; /* under way */
    size_t entry_size;  /* bytes of message an entry took lately; 0: not known */
    uint64_t probe_at;  /* monotonic ms: no probe before */
    bool diverged;      /* signed entries that do not follow ours were seen, and no certificate
                          since: there is a fork */
    struct way_back walk;
    /* A branch of this rank goes on behind our head: while ours is lower, a frozen feed takes what
     * comes from those who have that much. Certificate 0: not known. */
    struct entry_head proven;
    bool chosen; /* what is ingested now comes from who has that much: a frozen feed takes it */
    bool needy;  /* in the queue */
    struct feed *next_needy;
    bool passed_over; /* a head of it was told while we did not follow it */
    uint64_t told_in; /* the message of heads that told it last; see heads_messages */
    /* changed by the open transaction, or by one that failed and could not be read again yet */
    bool changed;
    struct feed *next_changed;
};

struct partner {
    struct feed *feed;
    bool relay;
    uint64_t card_ms;                           /* of the accepted card */
    struct buffer card_profile, card_endpoints; /* … and what it says of the institution */
    char card_handle[LIMIT_HANDLE_SIZE + 1];    /* of the accepted card */
    struct exchange_link_state links[EXCHANGE_LINK_KINDS];
    /* the session: since a sync link came up */
    bool session;
    bool greeted;      /* its hello has come */
    bool live_link;    /* it hears us on live */
    bool answered;     /* it has said what it holds of our feed, since the session began */
    bool owed;         /* it gets a receipt once the transaction has ended */
    bool heads_done;   /* it has told all its heads once */
    uint64_t hello_at; /* monotonic ms: next keep-alive */
    int64_t clock_skew_ms;
    bool clock_known;
    size_t in_flight;  /* bytes that pulls under way may bring */
    bool choked;       /* a pull waits for more room than there is: no other one goes first */
    bool able;         /* it may be asked for more: counted in exchange->able */
    size_t wants;      /* feeds that it says it has more of than we do */
    bool useful;       /* able, and wants something: counted in exchange->useful */
    uint64_t given_up; /* the newest request whose answer counted as lost */
    bool disorderly;   /* such an answer came after all: its order tells nothing, in this session */
    /* It said that it holds more of our own feed than we do, and could not show it: its word no
     * longer closes our publishing, until it shows something. */
    bool doubted;
    /* cursor: what its ledger has told us, and what of it is safely ours */
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    uint64_t told, kept;
    bool unheard; /* something that it told could not be kept in mind: the cursor must not move */
    struct id seen_key; /* the transport key by which it was seen last; zero: none is known */
    char trouble[256];
    uint64_t logged_at;  /* monotonic ms: its last trouble in the log; 0: never */
    unsigned not_logged; /* troubles since then */
    uint64_t dial_request;
    struct exchange_dialled dialled;
};

/* An entry that goes out on live after the commit. */
struct outgoing {
    struct outgoing *next;
    const struct feed *feed;
    uint64_t seq;
    struct buffer payload;
    struct buffer topics; /* one after the other, each ended by a NUL */
    size_t topic_count;
};

/* Own entries of the open transaction that the store has not got yet (publish.c). The last one is
 * signed before it gets them, so the store never ends with an entry that nobody can check. */
struct own_run {
    struct entry *entries; /* LIMIT_OWN_RUN_ENTRIES of them */
    struct buffer bytes;   /* theirs; never moves */
    size_t count;
    uint8_t salts[64][LIMIT_SALT_SIZE]; /* random, used from the end on */
    size_t salt_count;
};

struct exchange {
    struct exchange_config config;
    char network[LIMIT_NETWORK_SIZE + 1];
    char handle[LIMIT_HANDLE_SIZE + 1];
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    struct map feeds, partners; /* by feed id */
    struct map handles;         /* feeds of partners, by the handle of the accepted card */
    struct feed *own;
    uint64_t changes;
    /* transaction */
    bool open, wrote;
    bool broken; /* something failed: commit must not succeed */
    struct error broken_error;
    bool certificates_new;           /* some feed's chain is longer than what the store has of it */
    const struct secret *former_key; /* of the node, before the open transaction certified another;
                                        NULL: it did not */
    bool describes;        /* profile or endpoints are published in the open transaction */
    uint64_t paused_until; /* monotonic ms: the store failed; no pulls until then */
    uint64_t pause_ms;
    struct error failure; /* why; code ERROR_NONE while the store works */
    uint64_t failed_at;   /* monotonic ms: when that was last seen */
    struct feed *changed;
    struct outgoing *outbox, **outbox_end;
    /* catch-up */
    struct feed *needy, **needy_end;
    bool news;        /* somebody in the queue may be served now who could not be before */
    bool full;        /* a pull waits for room that all share: nobody is served until one ends */
    uint64_t pump_at; /* monotonic ms: when somebody in the queue may be asked again */
    struct pull pulls[LIMIT_PULLS_TOTAL];
    size_t in_flight;  /* bytes that all of them may bring */
    size_t able;       /* partners that may be asked for more */
    size_t useful;     /* … and that say they have something */
    size_t incomplete; /* feeds of which contents are missing: whoever is able may have them */
    uint64_t next_request;
    uint64_t heads_messages; /* so many have come */
    /* own feed */
    uint64_t started_at; /* monotonic ms */
    bool start_checked;
    bool ahead; /* a partner that is not doubted says it holds more of our feed than we do */
    uint64_t ahead_since; /* monotonic ms: since then nothing of it came */
    bool trusted; /* the ledger is ours without doubt: not suspect, or confirmed, or --alone */
    uint64_t statement_at;  /* monotonic ms: next own head on live */
    uint64_t statements_at; /* monotonic ms: next time others' statements are stored */
    uint64_t receipt_counter, receipt_counter_stored;
    struct own_run run;
    /* First seqs of what was quarantined of our own feed, one after the other: a request id from
     * before may have been answered by an entry that is gone. */
    uint64_t *cuts;
    size_t cut_count;
    int64_t live_credit;                            /* tokens in thousandths, … */
    uint64_t live_at;                               /* … as of this monotonic ms */
    bool described;                                 /* profile and endpoints are to be looked at */
    struct buffer wanted_profile, wanted_endpoints; /* publish these as soon as we may */
};

/* --- feed: load, keep and change what is known of feeds (feed.c) -------------------------------
 */

struct feed *feed_find(const struct exchange *exchange, const struct id *id);
/* Finds or makes it; NULL with error when memory ran out. */
struct feed *feed_get(struct exchange *exchange, const struct id *id, struct error *error);
void feed_destroy(struct feed *feed);
/* Reads one feed's state from the store again (everything but sources, partner and what the
 * publisher says of itself). */
int feed_load(struct exchange *exchange, struct feed *feed, struct error *error);
/* Loads all. */
int feed_load_all(struct exchange *exchange, struct error *error);
void feed_set_missing(struct exchange *exchange, struct feed *feed, uint64_t missing);
/* Certificate number in force for an entry at seq. */
uint64_t feed_certificate_at(const struct feed *feed, uint64_t seq);
int feed_set_position(struct feed *feed, uint64_t number, uint64_t seq, struct error *error);
/* Takes over what an entry's content, or a card (seq 0), says of the feed itself (profile,
 * endpoints). Of entries the later one counts; between an entry and a card only the time that they
 * claim can tell. Contents that cannot be used change nothing. true when the endpoints changed. */
bool feed_learn(struct feed *feed, uint32_t content_type, uint64_t seq, uint64_t created_ms,
                struct span content);
const char *feed_handle(const struct feed *feed); /* "" when unknown */
int feed_publish_keys(struct exchange *exchange, struct feed *feed, struct error *error);
/* A certificate learned ahead of its entry (from a card, a file, a partner): checked, kept in
 * memory, and in the store with the next commit that succeeds. ERROR_TOO_LARGE above
 * LIMIT_CERTIFICATES; other errors as identity_chain_append. */
int feed_take_certificate(struct exchange *exchange, struct feed *feed, struct span encoded,
                          struct error *error);
/* Puts certificates that the store lacks; part of every commit. */
void feed_put_certificates(struct exchange *exchange);
void feed_certificates_are_stored(struct exchange *exchange);
/* The same for certificates 1 … count, or some of them in order. Where they are others than ours,
 * they take their place only when the whole has a higher rank, and what stands in the feed under
 * those that go is quarantined; else ERROR_FORK. Certificate 1 stays. */
int feed_take_certificates(struct exchange *exchange, struct feed *feed, const struct span *encoded,
                           size_t count, struct error *error);
/* … as they stand in a message: the first LIMIT_CERTIFICATES of them, and ERROR_TOO_LARGE when
 * there are more. */
int feed_take_messages(struct exchange *exchange, struct feed *feed,
                       const Caravan__Certificates *certificates, struct error *error);
/* Reads again what the stored entries of a feed, and its card, say of it: some may have gone. */
int feed_learn_again(struct exchange *exchange, struct feed *feed, struct error *error);

/* --- branch: which branch of a forked feed is taken (branch.c) ----------------------------------
 */

/* The rank of a feed's newest certificate, also one whose entry has not come. */
struct entry_head branch_of_chain(const struct identity_chain *chain, uint64_t number);
/* Is it certain that a branch of a higher rank than what we hold goes on behind our head? */
bool branch_is_proven(const struct feed *feed);
/* This chain outranks ours and takes its place. What we hold under certificates that are not in it
 * is quarantined. */
int branch_take_chain(struct exchange *exchange, struct feed *feed,
                      const struct identity_chain *chain, struct error *error);
/* Entries from `first` on have lost against a branch of this rank: they are quarantined, and the
 * feed is frozen until that rank is reached. */
int branch_quarantine(struct exchange *exchange, struct feed *feed, uint64_t first,
                      const struct entry_head *rank, struct error *error);
/* Does what this source has have to be followed back to what we hold? */
bool branch_needs_walk(const struct feed *feed, const struct source *source);
/* Sends the pull for the next step; false: not now. */
bool branch_pull(struct exchange *exchange, struct feed *feed, struct source *source);
enum branch_step {
    BRANCH_ON,    /* one step further */
    BRANCH_FOUND, /* the last common entry is our head now */
    BRANCH_LOST   /* this is not what the partner said that it has */
};
/* A run that answers such a pull. BRANCH_LOST also when our own store failed: the transaction is
 * broken then. */
enum branch_step branch_walk(struct exchange *exchange, struct feed *feed, struct entry_run *run);
void branch_forget(struct feed *feed, const struct partner *partner); /* NULL: whoever it is */

/* --- ingest: entries into the store (ingest.c) --------------------------------------------------
 */

enum ingest_result {
    INGEST_ADDED,    /* at least one new entry */
    INGEST_KNOWN,    /* nothing new */
    INGEST_GAP,      /* further ahead than head + 1 */
    INGEST_FORK,     /* the feed is now frozen */
    INGEST_FROZEN,   /* not taken: the feed is frozen, and this does not end that */
    INGEST_DIVERGED, /* does not follow our head, though signed: ask for the entry at our head */
    INGEST_REFUSED,  /* breaks the feed; error says why */
    INGEST_FAILED    /* our own fault (store, memory): the transaction is broken */
};
/* checked: entry_run_check has passed with `certificate`. error is filled for all but ADDED, KNOWN
 * and GAP. */
enum ingest_result ingest_run(struct exchange *exchange, struct feed *feed, struct entry_run *run,
                              bool checked, uint64_t certificate, uint64_t *added,
                              struct error *error);
/* Is this the hash of the entry at seq that we hold? Also true when it cannot be told. */
bool ingest_is_ours(struct exchange *exchange, const struct feed *feed, uint64_t seq,
                    const struct id *hash);
/* Appends entries that were checked and follow the head. */
int ingest_append(struct exchange *exchange, struct feed *feed, struct entry *entries, size_t count,
                  struct error *error);
/* The open transaction changes the feed: a commit announces it, a failed one reads it again. */
void ingest_mark_changed(struct exchange *exchange, struct feed *feed);
/* How many of the entries, from the first on, are the ones that we hold. */
int ingest_common(struct exchange *exchange, const struct feed *feed, const struct entry *entries,
                  size_t count, size_t *common, struct error *error);
/* Late content of an entry that we keep without. true when it was stored. */
bool ingest_late_content(struct exchange *exchange, struct feed *feed, const struct entry *entry);

/* --- erase: orders to erase contents (erase.c) --------------------------------------------------
 */

/* An entry that is to be appended loses its content, if that is ordered. */
void erase_apply(const struct erasure_list *list, struct store_entry *row);
/* Erases what the store has of it. *endpoints is set when they are others than before. */
int erase_carry_out(struct exchange *exchange, struct feed *feed, const struct erasure_list *list,
                    bool *endpoints, struct error *error);
/* Once for each ledger: carries out the orders that stood in it before there was this version. In a
 * transaction. */
int erase_load(struct exchange *exchange, struct error *error);

/* --- catchup: who has what, and asking for it (catchup.c) ---------------------------------------
 */

/* A partner says that it holds a feed up to head. */
void catchup_note(struct exchange *exchange, struct feed *feed, struct partner *partner,
                  const struct entry_head *head);
void catchup_moved(struct exchange *exchange, struct feed *feed); /* the head moved */
/* Puts a feed that lacks something into the queue. */
void catchup_want(struct exchange *exchange, struct feed *feed);
void catchup_pump(struct exchange *exchange); /* sends pulls while credit lasts */
/* The pull is answered (its Run is ingested; moved: entries were added), or never will be. A
 * partner whose answer did not bring what it says it has is not asked again for a while, longer
 * each time. */
void catchup_done(struct exchange *exchange, struct pull *pull, bool moved);
/* A Run for this request has come; before what is in it is looked at. Partners answer in the order
 * of the pulls, so what was asked of this one before has been lost: it is asked for again at once,
 * not after its time limit. A refusal tells nothing: "busy" overtakes the answers that wait. */
void catchup_answered(struct exchange *exchange, struct partner *partner, uint64_t request);
/* The partner has told its certificates of the feed: what it has may be judged now. */
void catchup_know(struct exchange *exchange, struct feed *feed, struct partner *partner);
/* The claimed rank of a source against what we hold: above 0 when it is higher. */
int catchup_rank(const struct feed *feed, const struct source *source);
struct source *catchup_source(struct feed *feed, const struct partner *partner);
/* The partner says "later": at its word, within bounds, and no fault of its. 0: not said when. */
void catchup_later(struct exchange *exchange, struct pull *pull, uint64_t wait_ms);
/* It said or sent something wrong about this feed: don't ask it for a while. */
void catchup_fault(struct exchange *exchange, struct feed *feed, struct partner *partner);
/* Asks for an entry that we hold, to see whether the feed is forked. */
void catchup_probe(struct exchange *exchange, struct feed *feed, struct partner *partner,
                   uint64_t seq);
/* The feed is no longer what it was when entries were asked for: the store took something back. */
void catchup_taken_back(struct exchange *exchange, struct feed *feed);
/* Pulls under way to the partner may have been lost with a link: asks again. */
void catchup_again(struct exchange *exchange, struct partner *partner);
void catchup_forget(struct exchange *exchange, struct partner *partner); /* the session ended */
void catchup_abandon(struct exchange *exchange, struct feed *feed);      /* no longer followed */
void catchup_tick(struct exchange *exchange, uint64_t now);
/* The highest seq of a feed that is said to exist by those who have not been caught at less. */
uint64_t catchup_believed_seq(const struct exchange *exchange, const struct feed *feed);

/* --- pulls: those under way, and credit (pulls.c)
 * ----------------------------------------------- */

/* The partner's links have changed. */
void pulls_update(struct exchange *exchange, struct partner *partner);
/* … or what it wants has. */
void pulls_update_use(struct exchange *exchange, struct partner *partner);
/* Is there anybody left whom something in the queue could be asked of? */
bool pulls_may_be_sent(const struct exchange *exchange);
void pulls_forget(struct exchange *exchange, struct partner *partner); /* it goes */
/* Which entries from first to at most end to ask for at once, and how many bytes of answer. */
void pulls_choose_range(const struct feed *feed, uint64_t first, uint64_t end, uint64_t *last,
                        size_t *size);
/* This came: how large are the feed's entries? */
void pulls_measure(struct feed *feed, const struct entry_run *run);
/* Of those that are not moot: the first, how many, and up to which seq entries are held or asked
 * for. */
const struct pull *pulls_first(const struct feed *feed);
size_t pulls_count(const struct feed *feed);
uint64_t pulls_asked(const struct feed *feed);
/* false: no credit, or it could not be sent. */
bool pulls_send(struct exchange *exchange, struct feed *feed, struct partner *partner,
                enum pull_kind kind, uint64_t first, uint64_t last, size_t size);
/* The pull that a Run or Refusal of this partner answers, or NULL. */
struct pull *pulls_find(struct exchange *exchange, const struct partner *partner, uint64_t request);
void pulls_release(struct exchange *exchange, struct pull *pull);
/* Those of the feed that were sent after this request are moot; 0: all. */
void pulls_moot_behind(struct feed *feed, uint64_t request);

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
bool session_ask_certificates(struct exchange *exchange, struct partner *partner,
                              const struct id *feed);

/* --- membership: partners (membership.c) --------------------------------------------------------
 */

/* A head of a feed was told that we know but don't follow (its partner was removed): should it be
 * followed again, all must tell their heads again. */
void membership_pass_over(struct exchange *exchange, struct feed *feed);
void membership_destroy(struct partner *partner);

/* By which key a partner was seen before this process began (wire_keys.c). */
void wire_keys_load(struct exchange *exchange, struct partner *partner);

/* --- coverage: receipts (coverage.c)
 * -------------------------------------------------------------- */

int coverage_load(struct exchange *exchange, struct error *error);
/* Reads again what the feeds that are known now have received of ours. */
int coverage_load_receipts(struct exchange *exchange, struct error *error);
/* Tells what we hold of a feed: its publisher, or who hands it on to us. */
void coverage_send(struct exchange *exchange, struct feed *feed);
/* What is owed to partners, about their own feeds; after a transaction, so that nothing is said
 * to be held that is not on disk. */
void coverage_send_owed(struct exchange *exchange);
/* How much of our feed, as it is now, the receiver surely has. */
uint64_t coverage_received_seq(const struct exchange *exchange, const struct feed *receiver);
void coverage_receive(struct exchange *exchange, struct partner *partner,
                      const Caravan__Receipts *receipts);
/* The counter goes into the store, so that it never goes back; part of a commit that writes. */
void coverage_put_counter(struct exchange *exchange);
/* It should be stored even though nothing else is to be written. */
bool coverage_counter_is_old(const struct exchange *exchange);

/* --- publish: new entries of our own feed (publish.c) -------------------------------------------
 */

/* The transaction has failed: nothing of it was published. */
void publish_forget(struct exchange *exchange);
void publish_init(struct exchange *exchange);
/* Reads again what was quarantined of our own feed. */
int publish_load_cuts(struct exchange *exchange, struct error *error);
/* Entries of our own from `first` on are being quarantined. */
int publish_note_cut(struct exchange *exchange, uint64_t first, struct error *error);
void publish_finish(struct exchange *exchange);

/* --- restore: quarantined entries of our own feed (restore.c) -----------------------------------
 */

struct restore {
    struct entry *entries; /* consecutive; the first follows an entry that stands in our feed */
    uint8_t **blocks;      /* what their spans point to */
    size_t count;
};
/* Those that lead from our feed to No. seq, which has this hash; none when it stands there itself.
 * ERROR_NOT_FOUND when they are not all there. *out is empty on error. */
int restore_find(struct exchange *exchange, uint64_t seq, const struct id *hash,
                 struct restore *out, struct error *error);
/* They follow our head now. */
int restore_append(struct exchange *exchange, struct restore *restore, struct error *error);
void restore_finish(struct restore *restore);

/* --- own: our own feed (own.c)
 * -------------------------------------------------------------------- */

int own_start(struct exchange *exchange, struct error *error);
/* Our node key is the one that the certificate in force names: what we sign is ours. */
bool own_key_is_in_force(const struct exchange *exchange);
void own_tick(struct exchange *exchange, uint64_t now);
/* Signs our head: out on live, and to the servers. */
void own_state_head(struct exchange *exchange);
/* A partner hands a publisher's word on, which should be of this feed (NULL: of whichever). Its
 * signature is checked only when it says something that is not known yet. false: it is not what it
 * says it is. */
bool own_statement(struct exchange *exchange, const struct feed *expected, struct span signed_head,
                   struct partner *from);

/* --- outbox (exchange.c)
 * --------------------------------------------------------------------------- */

/* Queues an entry for live under all its topics, if it is ours or handed on. */
void exchange_queue_live(struct exchange *exchange, const struct feed *feed,
                         const struct entry *entry);
/* Entries of a feed from `first` on do not go out after all. */
void exchange_unqueue_live(struct exchange *exchange, const struct feed *feed, uint64_t first);
uint64_t exchange_now(const struct exchange *exchange);  /* monotonic ms */
uint64_t exchange_wall(const struct exchange *exchange); /* Unix ms */

#endif
