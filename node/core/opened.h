/* opened: a store in front of another one, in which contents that were sealed for us stand as what
 * they are: an entry of type SEALED that one of our keys opens is visited with its true type, its
 * content, its min_reader, and `seal`, which says for whom it is. Everything else passes as it is.
 * So whoever reads through it needs to know nothing of sealing. content_hash and content_size stay
 * those of the sealed bytes.
 *
 * A Reader (PROTOCOL.md, "Sealed content") that is visited lets the entry that it names be opened
 * from then on. Its key is not handed to visitors: its content is empty, and its target is found
 * with opened_target.
 *
 * Opening costs one X25519 for each of our keys the first time; what the outcome was is kept in
 * memory (150 bytes an entry that is sealed), so the next time costs nothing, or one decryption.
 * The key of what was erased, or moved aside with its branch, is wiped as soon as that is seen: by
 * a visit, by info after a quarantine, or by opened_forget, which looks for it.
 *
 * Threads: one at a time, as the store beneath. Never used on the writer's store: opening runs
 * outside the writer. */
#ifndef CORE_OPENED_H
#define CORE_OPENED_H

#include "common/secret.h"
#include "node/core/ports.h"

struct opened;

/* store: a reader; secrets: our sealing keys, of kind SECRET_SEALING. The store and the keys are
 * borrowed for the life of the opened store. */
int opened_create(const struct store *store, const char *network, struct secret *const *secrets,
                  size_t count, struct opened **out, struct error *error);
/* One more of our sealing keys, borrowed, too. What could not be opened before is not tried again:
 * add a key before anybody can know it. */
int opened_add(struct opened *opened, struct secret *secret, struct error *error);
void opened_destroy(struct opened *opened); /* wipes the keys; NULL is fine */

/* Reads only: info, get_feed, feeds, entries, arrivals and quarantined (whose contents stay
 * sealed); the other operations are those of the store beneath, called there. types of arrivals are
 * true types; with SEALED, also what is not for us. ERROR_MEMORY when something could not be opened
 * for want of memory. */
struct store opened_store(struct opened *opened);

/* Wipes the keys of what was erased or moved aside since it was last asked. Costs nothing while it
 * has no key; else it reads what is new and sealed. For after a commit, when nobody visits. */
int opened_forget(struct opened *opened, struct error *error);
/* How many keys of contents it has in memory. */
size_t opened_key_count(const struct opened *opened);

/* The key of an entry that it has opened; the caller wipes it. ERROR_NOT_FOUND when that entry is
 * not sealed, or not for us. */
struct seal_key;
int opened_key(struct opened *opened, const struct id *feed, uint64_t seq, struct seal_key *key,
               struct error *error);

/* Of a visited entry of type READER that was opened: the seq, in its feed, of the entry that may
 * now be read, or as soon as its missing content comes; 0: it names none, its key does not fit, or
 * it is from a newer version. */
uint64_t opened_target(const struct store_entry *entry);

#endif
