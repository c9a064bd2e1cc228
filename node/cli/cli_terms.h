/* cli_terms: what a proposal of a side would make of its terms in force. A proposal carries all
 * terms of its side as they would be in the revision that it was made for. When the publisher has
 * revised them since, only what the proposal changed of that revision is taken (common/merge.h).
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_TERMS_H
#define CLI_CLI_TERMS_H

#include "common/arena.h"
#include "common/error.h"
#include "proto/announcement.pb-c.h"
#include "proto/control.pb-c.h"

struct cli_terms {
    Caravan__Party *now;  /* in force; NULL: these, or what is proposed, cannot be read here */
    Caravan__Party *then; /* once the proposal is taken over; NULL: that cannot be told */
    bool changes;         /* then says something else than now */
    uint64_t in_force;    /* number of the revision */
    uint64_t made_for;    /* … that the proposal was made for; 0: it is not at hand */
    /* What both have changed since, "deadline, money"; NULL: nothing. then has what was proposed.
     */
    const char *conflicts;
};

/* item: the announcement in force, which has the proposal; history: where the revision it was made
 * for is looked for, too. Everything lives in the arena. ERROR_MEMORY only. */
int cli_terms_find(const Caravan__ShowReply *reply, const Caravan__Side *side, struct arena *arena,
                   struct cli_terms *terms, struct error *error);

#endif
