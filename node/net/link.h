/* link: one connection that we dial: a DEALER to a partner's sync service or a SUB to its live
 * service, with its monitor and its own back-off. libzmq never dials again by itself here: every
 * attempt is a fresh socket, so that no filter, message or half-dead connection is carried over.
 *
 *                 timer, now                accepted
 *     +---------+ ---------> +---------+ ------------> +----+
 *     | WAITING |            | DIALLING|               | UP |
 *     +---------+ <--------- +---------+               +----+
 *          ^     broken, timer                           |
 *          +---------------------------------------------+ broken
 *
 *                 timer        now        accepted    broken       refused
 *     WAITING     dial         dial       -           -            -
 *     DIALLING    other key    -          come up     other key    give up
 *     UP          -            -          -           go down      go down
 *
 * A partner that rotates its transport key answers by the former one for a while (PROTOCOL.md,
 * "Certificates"): when a handshake fails, and a former key is known, the other of the two is tried
 * at once; then both have failed, and the link gives up.
 *
 * Back-off: 1 s, doubled with every failure up to 300 s, each time ± 25 %; from the start again
 * after a link that stood for 2 s.
 * Threads: the net thread. */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "node/net/net.h"
#include "node/net/pace.h"
#include "node/net/pollset.h"
#include "node/net/socket.h"

#define LINK_RETRY_MIN_MS 1000
#define LINK_RETRY_MAX_MS 300000

enum link_state { LINK_WAITING, LINK_DIALLING, LINK_UP, LINK_STATES };

struct link_owner {
    void *context; /* ZeroMQ */
    const struct secret *key;
    void *self;
    void (*changed)(void *self, const struct net_link *change);
    uint32_t retry_min_ms, retry_max_ms; /* the two above, but in tests */
};

struct link {
    const struct link_owner *owner; /* must outlive the link */
    enum net_link_kind kind;        /* NET_LIVE_OUT or NET_SYNC_OUT */
    struct id peer;
    struct id server_key;     /* the one of the next two that is used */
    struct id newest, former; /* former zero: none */
    bool other_tried;         /* both were, since the last pause */
    char endpoint[NET_ENDPOINT_SIZE + 1];
    enum link_state state;
    void *socket, *monitor; /* NULL while waiting */
    bool connected;         /* TCP stands; DIALLING only */
    unsigned failures;
    uint64_t deadline_ms; /* of the state; 0: none */
    uint64_t up_ms;       /* since when it is up */
    struct pace pace;     /* of what comes over it; the owner's */
    uint64_t rest_ms;     /* not read from until then; set by the owner, 0: never mind */
};

/* Dials at the next link_tick. */
void link_init(struct link *link, const struct link_owner *owner, enum net_link_kind kind,
               const struct id *peer, const struct id *server_key, const char *endpoint);
/* The keys by which the partner may answer. false: the link stands, or is dialled, by another one,
 * and nothing has changed. */
bool link_set_keys(struct link *link, const struct id *newest, const struct id *former);
/* Hangs up, and dials at the next link_tick. */
void link_restart(struct link *link, const char *reason);
/* Hangs up; tells the owner (reason as given) if it was up. */
void link_finish(struct link *link, const char *reason);
/* Waits for what the monitor says. */
void link_poll(struct link *link, struct pollset *set);
/* Handles timers; milliseconds until the next one, or -1. */
long link_tick(struct link *link);
/* Dials now when it waits. */
void link_redial(struct link *link);
/* The peer breaks the rules: hang up and dial again later. */
void link_break(struct link *link, const char *reason);
/* How long to wait after so many failures; chance is any random number. */
uint32_t link_delay_ms(const struct link_owner *owner, unsigned failures, uint32_t chance);

#endif
