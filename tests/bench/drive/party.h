/* party: a running node, as one of its clients sees it.
 *
 * Threads: a struct party belongs to one thread at a time. */
#ifndef BENCH_PARTY_H
#define BENCH_PARTY_H

#include "node/cli/client.h"
#include "tests/bench/drive/contents.h"

struct party {
    struct client *client;
    struct id feed;
    uint64_t seq; /* its own head when it was opened */
    struct arena arena;
};

/* Connects and asks who it is. The caller finishes *party, which is empty on error. */
int party_open(const char *home, struct party *party, struct error *error);
void party_finish(struct party *party); /* zeroed is fine */
/* Frees the replies in the arena. */
void party_forget(struct party *party);

/* Sends a request to publish the content, with an id of its own; the request's number is *id. */
int party_publish(struct party *party, struct span content, uint64_t *id, struct error *error);
/* One answer to those requests, at once (0) or within timeout_ms. *id 0: none yet. *seq: the number
 * that was given to it, *hash of its entry. */
int party_answer(struct party *party, int timeout_ms, uint64_t *id, uint64_t *seq, struct id *hash,
                 struct error *error);

#endif
