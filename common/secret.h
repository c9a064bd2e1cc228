/* secret: the only module that touches private key material in memory and in files.
 *
 * Memory is locked (where the system lets us), guarded and wiped when freed (libsodium's
 * sodium_malloc). A key file holds one key, as text, mode 0600:
 *
 *     caravan-key 1
 *     kind: node
 *     public: <64 hex digits>
 *     secret: <64 hex digits>
 *
 * Threads: a struct secret may be read by several threads once loaded. */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include "common/bytes.h"
#include "common/error.h"

enum secret_kind { SECRET_ROOT, SECRET_RECOVERY, SECRET_NODE, SECRET_TRANSPORT, SECRET_SEALING };

struct secret; /* opaque */

/* Initialises libsodium; call once before anything else. ERROR_INTERNAL when it fails. */
int secret_start(struct error *error);

/* A fresh key pair: Ed25519 for root, recovery and node, X25519 for transport and sealing. */
int secret_generate(enum secret_kind kind, struct secret **out, struct error *error);
/* From the 32 secret bytes (Ed25519 seed or X25519 scalar): for tests and for recovery from paper.
 */
int secret_from_bytes(enum secret_kind kind, const uint8_t bytes[32], struct secret **out,
                      struct error *error);
void secret_destroy(struct secret *secret); /* wipes; NULL is fine */

/* Refuses a file that others may read or write, of another kind, damaged, or whose public key does
 * not belong to its secret; says which and how to mend it. */
int secret_load(const char *path, enum secret_kind kind, struct secret **out, struct error *error);
/* Writes a new file, mode 0600, synced to disk; ERROR_EXISTS when there is one already. */
int secret_save(const struct secret *secret, const char *path, struct error *error);

const char *secret_kind_name(enum secret_kind kind);
enum secret_kind secret_kind_of(const struct secret *secret);
const struct id *secret_public(const struct secret *secret);
/* The 32 secret bytes, borrowed: for handing to a library that needs them (CURVE), or printing the
 * recovery key on paper. Never log, never copy into unlocked memory that outlives the call. */
const uint8_t *secret_bytes(const struct secret *secret);

/* Ed25519 over message; ERROR_INTERNAL for an X25519 key. */
int secret_sign(const struct secret *secret, struct span message, uint8_t signature[64],
                struct error *error);

/* Cryptographically strong random bytes. */
void secret_random(void *out, size_t size);
void secret_wipe(void *memory, size_t size);
bool secret_equal(const void *a, const void *b, size_t size); /* constant time */

/* Version of libsodium. */
const char *secret_library(void);

#endif
