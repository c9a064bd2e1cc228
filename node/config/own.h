/* own: who this node is: its keys, its certificates and its entry 1.
 *
 * Threads: a struct own may be read by several threads once loaded. */
#ifndef CONFIG_OWN_H
#define CONFIG_OWN_H

#include "common/identity.h"
#include "common/secret.h"
#include "node/config/keyfiles.h"

struct own {
    struct identity_chain chain;
    struct secret *node, *transport, *sealing;
    /* Of the certificate before, while it is still used (its file is there, and it is not
     * stolen); else NULL. */
    struct secret *former_transport;
    struct keyfiles_list former_sealing; /* for reading */
    struct buffer genesis;               /* SignedEntry of entry 1 */
};

/* Loads keys/certificates, keys/genesis and the day-to-day keys that the newest certificate names
 * (node/config/keyfiles.h), and checks that all is of this network. ERROR_CONFIG says which file is
 * wrong and what to do; *own is then empty. secret_start must have run. */
int own_load(const char *home, const char *network, struct own *own, struct error *error);
/* Only the certificates: for commands that sign nothing. The caller finishes *chain. */
int own_load_chain(const char *home, const char *network, struct identity_chain *chain,
                   struct error *error);
/* The same from the bytes of a Certificates message, of any feed. */
int own_read_chain(struct span certificates, const char *network, struct identity_chain *chain,
                   struct error *error);
void own_finish(struct own *own); /* wipes the keys; zeroed is fine */

#endif
