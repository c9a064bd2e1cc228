/* exchange: what a node decides. Events come in (links, messages, live entries, publishing, time),
 * answers go out through the ports. No socket, no database, no thread of its own: the same code
 * runs in `caravan run` and, many at a time, in the simulation.
 *
 * Group commit: between exchange_begin and exchange_commit any number of events are handled in one
 * transaction of the store. What others may see of it (live entries, heads, receipts, the answers
 * of publishing) goes out only after the commit.
 *
 * Threads: one at a time; in a node the writer thread. What other threads need is in struct keyring
 * (checking) and struct policy (serving), which have locks of their own. */
#ifndef CORE_EXCHANGE_H
#define CORE_EXCHANGE_H

#include "common/card.h"
#include "common/entry.h"
#include "node/core/incoming.h"
#include "node/core/keyring.h"
#include "node/core/policy.h"
#include "node/core/ports.h"

struct exchange;

struct exchange_config {
    const char *network;
    struct id feed;                     /* our own */
    const char *handle;                 /* our own */
    const struct secret *node_key;      /* borrowed for the life of the exchange, or until
                                           exchange_certify has replaced it and was committed */
    const struct identity_chain *chain; /* our own certificates; copied */
    struct span genesis; /* SignedEntry of entry 1, made by init; used when the ledger is
                            empty */
    struct store store;  /* the writer; borrowed */
    struct bus bus;
    struct clock clock;
    struct random_source random;
    struct keyring *keyring; /* borrowed; kept up to date for the checkers */
    struct policy *policy;   /* borrowed; kept up to date for the servers */
    bool suspect;            /* the ledger was restored or copied: hold until told */
    bool alone;              /* the operator says that no other copy of this feed runs */
    void *self;
    /* A partner's keys or endpoints have changed: dial it anew. May be NULL. */
    void (*partner_changed)(void *self, const struct id *feed);
};

/* Loads what the store knows; publishes the genesis entry when our feed is empty. */
int exchange_create(const struct exchange_config *config, struct exchange **out,
                    struct error *error);
void exchange_destroy(struct exchange *exchange);

/* A partner is an institution whose card was accepted. Adding it again replaces card and relay
 * flag. ERROR_EXISTS when another accepted card, or we, have the handle; ERROR_FORK when its
 * certificates contradict those known (at the first time after a start, when those known outrank
 * them, it is taken all the same, without what it says of the institution); ERROR_TOO_LARGE when
 * there are too many of them; ERROR_INVALID when it is our own card. */
int exchange_partner_add(struct exchange *exchange, const struct card *card, bool relay,
                         struct error *error);
/* Its entries stay; nothing more is accepted from it or sent to it. */
void exchange_partner_remove(struct exchange *exchange, const struct id *feed);

enum exchange_link_kind {
    EXCHANGE_LIVE_OUT,
    EXCHANGE_SYNC_OUT,
    EXCHANGE_SYNC_IN,
    EXCHANGE_LINK_KINDS
};

/* Events. Each returns nothing: what a peer does wrong is answered to the peer, counted, and shown
 * by status. Call between begin and commit. */
void exchange_link(struct exchange *exchange, const struct id *partner,
                   enum exchange_link_kind kind, bool up, const char *endpoint, const char *reason);
/* A sync message or live payload, parsed and checked by incoming_create; borrowed until the call
 * returns. Requests (incoming_is_request) belong to serve_answer and are ignored here. */
void exchange_incoming(struct exchange *exchange, struct incoming *incoming);
/* Timers; call when exchange_next_ms says so, and at least once a second. */
void exchange_tick(struct exchange *exchange);
/* Milliseconds until the next timer. */
uint64_t exchange_next_ms(const struct exchange *exchange);
/* Entries that were asked for are on their way. */
bool exchange_awaits(const struct exchange *exchange);

int exchange_begin(struct exchange *exchange, struct error *error);
/* Commits and sends. On error nothing was stored, in-memory state is reloaded from the store, and
 * what was to be sent is forgotten; nothing is pulled for a while. What cannot be reloaded now is
 * tried again by exchange_begin, which fails until it could be. */
int exchange_commit(struct exchange *exchange, struct error *error);

struct exchange_published {
    uint64_t seq;
    struct id hash;
    bool repeated; /* this request id was answered before; nothing was published */
};
/* Publishes one entry in our feed. request may be NULL (no retry protection). ERROR_HELD while our
 * own head is being confirmed, ERROR_FROZEN when our feed is forked. Call between begin and commit;
 * the answer is true only once commit has returned ERROR_NONE.
 * Up to LIMIT_LIVE_BURST at once, and LIMIT_LIVE_RATE a second on average, are signed each and go
 * out on live at the commit. Of what comes faster only anchors and the last entry of the
 * transaction are signed and go out: the chain vouches for those before, and who hears the last
 * sees the gap and pulls them. No transaction ends with an entry of ours that has no signature. */
int exchange_publish(struct exchange *exchange, uint32_t content_type, struct span content,
                     const uint8_t request[STORE_REQUEST_ID_SIZE], struct exchange_published *out,
                     struct error *error);

/* A place in our own feed for a new certificate. */
struct exchange_place {
    uint64_t after;        /* the entry in front of it, the last good one; 0: behind our head */
    const struct id *hash; /* … has this hash: it may be among what was quarantined; NULL: it stands
                             in our feed */
};
/* The certificate in force there, which the next one has to follow. ERROR_NOT_FOUND when there is
 * no such entry. Call between begin and commit. */
int exchange_certificate_at(struct exchange *exchange, const struct exchange_place *place,
                            struct identity_certificate *out, struct error *error);
/* Puts a new certificate (SignedCertificate bytes) of our own into our feed, as an entry that is
 * signed by the node key that it names; from then on that key signs all. Rotating keys, after a
 * theft too, recovering, and choosing the branch of a forked feed are this one act: what stands
 * behind the place in our feed is quarantined, what leads to it and was quarantined stands in our
 * feed again.
 * Allowed while our feed is frozen, which it ends. node_key is borrowed for the life of the
 * exchange, if the commit succeeds; the former one may go then, and must stay if it fails.
 * Changing nothing: ERROR_NOT_FOUND when there is no such place; ERROR_HELD behind our head while
 * that is being confirmed; ERROR_INVALID when the certificate is not the next one there, names
 * another node key, or would not outrank what is known of our feed: certificates by the recovery
 * key outrank those by the root key; other errors as identity_chain_append. Call between begin and
 * commit. */
int exchange_certify(struct exchange *exchange, struct span certificate,
                     const struct secret *node_key, const struct exchange_place *place,
                     struct exchange_published *out, struct error *error);

/* What answers this request id, if it was published before, in this transaction or an earlier one;
 * ERROR_NOT_FOUND when it was not, ERROR_EXISTS when it was, but that entry has been quarantined.
 */
int exchange_find_published(struct exchange *exchange, const uint8_t request[STORE_REQUEST_ID_SIZE],
                            struct exchange_published *out, struct error *error);
/* Hands what this transaction has published to the store: part of each commit, and for who reads
 * our own entries there before it. A failure breaks the transaction. */
int exchange_flush(struct exchange *exchange, struct error *error);
/* The open transaction must not be committed: some of what belongs together in it has failed. The
 * commit then fails with this error (NULL: an unnamed one). */
void exchange_break(struct exchange *exchange, const struct error *error);

/* What profile and endpoints should say (their bytes, from the configuration): published as soon as
 * publishing is open, if our feed says otherwise. */
int exchange_describe(struct exchange *exchange, struct span profile, struct span endpoints,
                      struct error *error);
/* Why the store could not be written when that was last tried; NULL while it can. Borrowed. */
const struct error *exchange_failure(const struct exchange *exchange);
/* Our feed is confirmed: a ledger that was restored or copied may be marked as ours again. */
bool exchange_trusted(const struct exchange *exchange);

/* Entries from a file. run: Run bytes; certificates: Certificates bytes or empty. Same rules as for
 * entries from partners; ERROR_UNKNOWN_FEED when neither our own nor an accepted partner's. */
int exchange_import(struct exchange *exchange, struct span certificates, struct span run,
                    uint64_t *added, uint64_t *known, uint64_t *head_seq, struct error *error);

/* --- what status tells ------------------------------------------------------------------------ */

enum exchange_publishing {
    EXCHANGE_OPEN,
    EXCHANGE_CHECKING,
    EXCHANGE_HELD,
    EXCHANGE_FROZEN,
    EXCHANGE_REPLACED /* a certificate of ours names another node key: ours no longer counts */
};

struct exchange_link_state {
    bool up;
    uint64_t since_ms; /* Unix time */
    char endpoint[257];
    char reason[128];
};

struct exchange_feed_state {
    struct id feed;
    char handle[LIMIT_HANDLE_SIZE + 1]; /* "" when no profile was seen */
    char country[3];
    const Caravan__Profile *profile; /* borrowed; NULL when none was seen */
    struct entry_head head;
    uint64_t missing;
    uint64_t quarantined; /* entries that lost against another branch, since there is the feed */
    bool frozen, own, partner, relay;
    uint64_t stated_seq, as_of_ms; /* the publisher's latest statement; 0: none yet */
    /* partners only */
    struct exchange_link_state links[EXCHANGE_LINK_KINDS];
    bool exchanging; /* a sync link is up and heads were exchanged */
    int64_t clock_skew_ms;
    bool clock_known;
    uint64_t received_seq, received_missing, received_ms; /* its latest receipt for our feed */
    bool received_known;
    bool received_newest; /* … says that it has our newest certificate */
    char trouble[256];    /* last thing this partner did wrong; "" when none */
};

/* All feeds known: our own first, then by handle. state is borrowed until the visitor returns. */
void exchange_feeds(const struct exchange *exchange,
                    void (*visit)(void *context, const struct exchange_feed_state *state),
                    void *context);
enum exchange_publishing exchange_publishing(const struct exchange *exchange);
/* Changes whenever something was committed, received by a partner, or a link went up or down: wake
 * long polls when it moves. */
uint64_t exchange_changes(const struct exchange *exchange);
const struct id *exchange_own_feed(const struct exchange *exchange);
/* Our handle, as our profile says, else as configured. Borrowed. */
const char *exchange_own_handle(const struct exchange *exchange);
/* A partner's chain and endpoints now in force, for dialling; NULL when it is no partner. */
const struct identity_chain *exchange_chain(const struct exchange *exchange, const struct id *feed);
const Caravan__Endpoints *exchange_endpoints(const struct exchange *exchange,
                                             const struct id *feed);
/* The transport keys that a partner may show, or answer by: its newest one first, then the one
 * before, until it was seen with the newest; that one not at all when its newest certificate says
 * that it was stolen. How many; 0 when it is no partner. */
size_t exchange_wire_keys(const struct exchange *exchange, const struct id *feed,
                          struct id keys[2]);
/* A connection with this partner stands by this key. Kept across restarts. Call between begin and
 * commit. */
void exchange_seen_key(struct exchange *exchange, const struct id *feed, const struct id *key);
/* Shows our certificates to all partners that are connected, unasked: after a commit that has
 * brought a new one into force. Whoever has stolen our keys may stand between us and the entry. */
void exchange_tell_certificates(struct exchange *exchange);
/* Our own certificates, all that are known; and the entry that brought one into force (0: none). */
const struct identity_chain *exchange_own_chain(const struct exchange *exchange);
uint64_t exchange_own_certificate_seq(const struct exchange *exchange, uint64_t number);
/* The certificate in force at the end of our feed; and the newest one that names the node key with
 * which we sign (0: none does). When the two differ, we sign with keys that were replaced. */
uint64_t exchange_own_certificate(const struct exchange *exchange);
uint64_t exchange_own_key_certificate(const struct exchange *exchange);
/* Asks a partner to dial us back; the answer arrives as a message and is kept here. */
bool exchange_dial(struct exchange *exchange, const struct id *partner);
struct exchange_dialled {
    bool known, live_up, sync_up;
    char text[256];
};
void exchange_dialled(const struct exchange *exchange, const struct id *partner,
                      struct exchange_dialled *out);

#endif
