/* keyring: the certificates of all feeds that a node knows, for the threads that check signatures.
 * The writer sets, checkers take copies. Threads: any; one lock inside. */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include "common/identity.h"

struct keyring;

int keyring_create(struct keyring **out, struct error *error);
void keyring_destroy(struct keyring *keyring);
/* Copies the chain. number: certificate in force at the head that the node holds. */
int keyring_set(struct keyring *keyring, const struct identity_chain *chain, uint64_t number,
                struct error *error);
void keyring_remove(struct keyring *keyring, const struct id *feed);
/* A reference-counted snapshot, so that no lock is held while checking; NULL when unknown. */
struct keyring_entry {
    struct identity_chain chain;
    uint64_t number;
};
const struct keyring_entry *keyring_take(struct keyring *keyring, const struct id *feed);
void keyring_release(struct keyring *keyring, const struct keyring_entry *entry);

#endif
