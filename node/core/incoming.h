/* incoming: one message from a peer, scanned, parsed and checked as far as it can be without
 * knowing the node's state. Pure, so that several threads can do it.
 *
 * Threads: no shared state besides the keyring. */
#ifndef CORE_INCOMING_H
#define CORE_INCOMING_H

#include "common/arena.h"
#include "common/entry.h"
#include "node/core/keyring.h"
#include "proto/wire.pb-c.h"

enum incoming_source { INCOMING_SYNC, INCOMING_LIVE_ENTRY, INCOMING_LIVE_HEAD };

struct incoming {
    struct id peer; /* who handed it over: a partner's feed id */
    enum incoming_source source;
    struct buffer bytes;           /* owned; a run points into it */
    struct arena arena;            /* owned; the message lives in it */
    Caravan__SyncMessage *message; /* INCOMING_SYNC but a Run; NULL when anything is wrong */
    bool is_run;                   /* INCOMING_SYNC: a Run, which may be broken or empty */
    uint64_t request;              /* … and what it answers; 0: nothing */
    struct entry_run run;          /* of a Run, or a live entry as a run of one */
    bool has_run;
    bool checked; /* entry_run_check has passed with `certificate` at its start */
    uint64_t certificate;
    struct id certificate_hash; /* of that certificate; zero for 0 */
    struct error error;         /* what is wrong with it; code ERROR_NONE when nothing is */
};

/* Takes the buffer, also on failure. What is wrong with the bytes stands in ->error. topic: of a
 * live message, else NULL. NULL only when memory ran out. */
struct incoming *incoming_create(const struct id *peer, const char *topic, struct buffer *bytes,
                                 const char *network, struct keyring *keyring);
void incoming_destroy(struct incoming *incoming); /* NULL is fine */
/* True for heads_request, pull and certificates_request: they are answered by serve_answer. */
bool incoming_is_request(const struct incoming *incoming);

#endif
