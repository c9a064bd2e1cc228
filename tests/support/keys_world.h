/* keys_world: an exchange on a ledger in memory, and one institution that may become its partner.
 * For tests of keys. */
#ifndef TESTS_SUPPORT_KEYS_WORLD_H
#define TESTS_SUPPORT_KEYS_WORLD_H

#include "node/core/exchange.h"
#include "tests/support/institution.h"

struct keys_world {
    struct institution own, other;
    struct buffer genesis, sent; /* sent: the last message to a partner */
    struct store store;
    struct keyring *keyring;
    struct policy *policy;
    struct exchange *exchange;
    uint64_t now_ms;
    unsigned changes; /* of partners, as told to the node */
};

/* As cmocka wants them; *state is a struct keys_world. */
int keys_world_setup(void **state);
int keys_world_teardown(void **state);

/* Makes the exchange; after exchange_destroy it is another start. */
void keys_world_start(struct keys_world *world);
/* The institution's next certificate; out: its entry, may be NULL. */
void keys_world_certify(struct institution *institution, struct buffer *out);
/* The other one's newest card. */
void keys_world_add_partner(struct keys_world *world);

#endif
