/* publisher: an institution that exists only for the bench: real keys, certificate 1, a card, and a
 * feed whose entries are built, chained and signed as a node does it, in runs.
 *
 * Threads: a struct publisher belongs to one thread. */
#ifndef BENCH_PUBLISHER_H
#define BENCH_PUBLISHER_H

#include "common/identity.h"
#include "node/core/ports.h"
#include "tests/bench/drive/contents.h"

#define PUBLISHER_RUN LIMIT_ANCHOR_INTERVAL /* entries of one run at most */

struct publisher {
    char handle[LIMIT_HANDLE_SIZE + 1];
    struct identity_chain chain;
    struct secret *node, *transport;
    struct entry_head head;
    uint64_t content_bytes; /* of all its entries so far */
};

/* number: 0 … 9999, makes the handle. The card is written to folder/<handle>.card. */
int publisher_init(struct publisher *publisher, const char *network, unsigned number,
                   const char *folder, struct error *error);
void publisher_finish(struct publisher *publisher); /* zeroed is fine */

/* Appends its next entries to the store in the open transaction, with all that a node writes beside
 * them: entry 1 is certificate 1, entry 2 the profile, then announcements. At most up to seq last,
 * and at most one run, which ends in front of the next anchor or at it and has one signature (and
 * those that must be there). *next is the number of the next content. run: entries of one run, at
 * most PUBLISHER_RUN. */
int publisher_append(struct publisher *publisher, const struct contents *contents, uint64_t *next,
                     uint64_t last, unsigned run, const struct store *store, struct error *error);
/* Its latest word on where its feed ends, as its node says it every few seconds. */
int publisher_state_head(const struct publisher *publisher, const struct store *store,
                         struct error *error);

#endif
