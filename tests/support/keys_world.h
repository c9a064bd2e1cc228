/* keys_world: an exchange on a ledger in memory, and one institution that may become its partner.
 * For tests of keys. */
#ifndef TESTS_SUPPORT_KEYS_WORLD_H
#define TESTS_SUPPORT_KEYS_WORLD_H

#include "tests/support/exchange_fixture.h"

struct keys_world {
    struct exchange_fixture base;
    struct institution other;
    struct buffer sent; /* the last message to a partner */
};

/* As cmocka wants them; *state is a struct keys_world. */
int keys_world_setup(void **state);
int keys_world_teardown(void **state);

/* The institution's next certificate; out: its entry, may be NULL. */
void keys_world_certify(struct institution *institution, struct buffer *out);
/* The other one's newest card. */
void keys_world_add_partner(struct keys_world *world);

#endif
