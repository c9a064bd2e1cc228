/* exchange_fixture: one exchange on a ledger in memory that nobody is connected to; what it sends
 * goes nowhere, its clock stands still, and it is given entries and messages by hand. For the tests
 * of one part of node/core with all others around it; whole networks are in tests/sim.
 *
 * A test puts it into a struct of its own, and changes what it needs to see or to make fail before
 * exchange_fixture_start: config.bus, config.alone …, or operations of the store.
 *
 * What goes wrong here fails the test, unless a function returns a code. Threads: one. */
#ifndef TESTS_SUPPORT_EXCHANGE_FIXTURE_H
#define TESTS_SUPPORT_EXCHANGE_FIXTURE_H

#include "node/core/exchange.h"
#include "tests/support/institution.h"

struct exchange_fixture {
    struct institution own; /* institution 1, called th-own */
    struct buffer genesis;  /* its entry 1, with certificate 1 */
    struct store store;
    struct store_operations operations;  /* of the store: a test may replace some … */
    const struct store_operations *real; /* … and call these */
    struct keyring *keyring;
    struct policy *policy;
    struct exchange_config config; /* for the next start */
    struct exchange *exchange;     /* NULL before the first start */
    uint64_t now;                  /* both clocks, ms */
    unsigned changed;              /* how often a partner's keys or endpoints have changed */
    struct error error;            /* of the last call here that may fail */
};

/* The caller keeps it where it is until exchange_fixture_finish: it points into itself. */
void exchange_fixture_init(struct exchange_fixture *f);
void exchange_fixture_finish(struct exchange_fixture *f);
/* Makes the exchange from config; again: a restart on the same ledger. */
void exchange_fixture_start(struct exchange_fixture *f);

void exchange_fixture_begin(struct exchange_fixture *f);
void exchange_fixture_commit(struct exchange_fixture *f);

/* The rest is done in a transaction of its own. */

/* A card with these certificates is accepted, also as a relay; what exchange_partner_add says. */
int exchange_fixture_accept(struct exchange_fixture *f, const struct identity_chain *chain,
                            const char *handle);
/* A partner says something. topic: of a live message, else NULL; the bytes are taken. */
void exchange_fixture_hear(struct exchange_fixture *f, const struct id *partner, const char *topic,
                           struct buffer *bytes);

/* How many entries of a feed the store has moved aside. */
size_t exchange_fixture_quarantined(const struct exchange_fixture *f, const struct id *feed);

#endif
