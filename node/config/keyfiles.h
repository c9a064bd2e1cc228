/* keyfiles: the files in keys/ that hold the day-to-day keys, and how they change places when keys
 * are rotated.
 *
 *     keys/{node,transport,sealing}.key       of the newest certificate
 *     keys/sealing-1.key, -2, …               former ones, for reading what was sealed for them
 *     keys/transport-1.key                    the one before, until all partners know the newest
 *     keys/{node,transport,sealing}-new.key   taken over by the node, about to come into force
 *     keys/next/{node,transport,sealing}.key  made by the client; the node does not read them
 * before it is asked to
 *
 * A key is found by what it is: whichever of these files (but those in next/) holds the key that a
 * certificate names is used. So between any two steps of a rotation the home can be started, with
 * the keys before or after it:
 *
 *     client  stage     next/X.key is written                 (leftovers are replaced)
 *     node    take      next/X.key -> X-new.key               before the ledger's commit
 *     node    settle    certificates is replaced              after it, and at each start
 *                       sealing.key, transport.key -> …-1.key
 *                       X-new.key -> X.key                    (the former node key is gone then)
 *
 * Only the owner of the home's lock takes and settles. Threads: one at a time for one home. */
#ifndef CONFIG_KEYFILES_H
#define CONFIG_KEYFILES_H

#include "common/identity.h"
#include "common/secret.h"

#define KEYFILES_NEXT "keys/next"

/* The keys that one certificate names; owned. */
struct keyfiles {
    struct secret *node, *transport, *sealing;
};
void keyfiles_finish(struct keyfiles *keys); /* wipes; zeroed is fine */
/* Fresh ones. *out is empty on error. */
int keyfiles_make(struct keyfiles *out, struct error *error);

/* Loads the key with this public part. ERROR_NOT_FOUND when no file holds it; the errors of
 * secret_load when the file that should hold it (X.key) cannot be read and no other one does. */
int keyfiles_find(const char *home, enum secret_kind kind, const struct id *public,
                  struct secret **out, struct error *error);
/* All that a certificate names. *out is empty on error. */
int keyfiles_load(const char *home, const struct identity_certificate *certificate,
                  struct keyfiles *out, struct error *error);

/* The sealing keys that are there besides this one; owned. */
struct keyfiles_list {
    struct secret **secrets;
    size_t count;
};
int keyfiles_former_sealing(const char *home, const struct id *newest, struct keyfiles_list *out,
                            struct error *error);
void keyfiles_list_finish(struct keyfiles_list *list);

/* The client's part: writes keys/next; what stood there before is replaced. */
int keyfiles_stage(const char *home, const struct keyfiles *keys, struct error *error);
/* Removes keys/next; nothing there is fine. */
int keyfiles_unstage(const char *home, struct error *error);

/* The node's: takes what the client has staged over, and loads it. ERROR_INVALID when it is not
 * what the certificate names. *out is empty on error. */
int keyfiles_take(const char *home, const struct identity_certificate *certificate,
                  struct keyfiles *out, struct error *error);
/* Puts certificates and keys in their places, for this chain, whose newest keys must be there.
 * What is in its place already is left alone; after an error it can be called again. */
int keyfiles_settle(const char *home, const struct identity_chain *chain, struct error *error);
/* Removes the former transport keys: they are no longer used. */
int keyfiles_retire(const char *home, struct error *error);

#endif
