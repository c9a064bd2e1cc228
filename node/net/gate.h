/* gate: decides who may connect, by ZAP (ZeroMQ RFC 27): libzmq asks it once per new connection,
 * and lets the connection stand only on its "200". What it says about a key is in core/access.
 *
 *     200  the key may use that service; its User-Id is the key in hex
 *     400  no right, not CURVE, or too many connections of this key in this minute
 *
 * A request that is not of RFC 27 gets no answer. "300" (try again later) is never said: a node
 * dials again by itself whatever it was told, and strangers shall not.
 *
 * The gate is bound before the first service and closed after the last one: a CURVE server without
 * a gate lets everybody in unless told otherwise, which node/net/socket.c does besides.
 * Threads: one thread of its own; the functions below are for the owner of the gate. */
#ifndef NET_GATE_H
#define NET_GATE_H

#include "node/core/access.h"

#include <stdatomic.h>

/* What a service is called when libzmq asks about it. */
#define GATE_LIVE "live"
#define GATE_SYNC "sync"
/* Of one key, to both services. A node that is killed and started all the time makes about two a
 * second. See socket_seed for what many connections could be used for. */
#define GATE_VISITS_PER_MINUTE 600

struct gate_config {
    struct access_table *access; /* borrowed */
    void *self;
    /* At most one a second; on the gate's thread. May be NULL. */
    void (*refused)(void *self, const struct id *key, const char *service, const char *address);
    bool admits_all; /* planted by tests */
};

struct gate; /* opaque */

int gate_start(void *context, const struct gate_config *config, struct gate **out,
               struct error *error);
/* Readable once the gate's thread has ended for whatever reason. */
int gate_ended_fd(const struct gate *gate);
void gate_counts(const struct gate *gate, uint64_t *admitted, uint64_t *refused);
/* Ends the thread and closes the socket; after the services. libzmq keeps a connection standing
 * until the gate's socket has let go of it, which a dead gate never does. */
void gate_close(struct gate *gate);
/* The same, and frees. NULL is fine. */
void gate_stop(struct gate *gate);

/* For tests only: the thread ends as if it had failed. bound: its socket stays, unanswered. */
void gate_break(struct gate *gate, bool bound);

#endif
