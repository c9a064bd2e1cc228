/* access: who may do what on this node's two services, known by transport key (CURVE).
 *
 *     role      live  sync  pull  speak
 *     partner    x     x     x     x     an institution whose card was accepted
 *     reader     x     x     x           any key, when reading is open to all (open_reading)
 *     listener   x                       a key added by hand, for scripts
 *     none                               everybody else
 *
 * The table is asked twice: by the gate before a connection stands, and again at every sync
 * message, since a connection outlives the moment it was let in. Threads: every function may be
 * called from any thread. */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/limits.h"

enum access_role { ACCESS_NONE, ACCESS_READER, ACCESS_LISTENER, ACCESS_PARTNER };

/* What a role may do; bits, so that a set of them is an unsigned. */
enum access_right {
    ACCESS_LIVE = 1 << 0,  /* connect to the live service and read it */
    ACCESS_SYNC = 1 << 1,  /* connect to the sync service */
    ACCESS_PULL = 1 << 2,  /* heads_request, pull, certificates_request */
    ACCESS_SPEAK = 1 << 3, /* everything else: hello, heads, run, receipts, dial, … */
};

unsigned access_rights(enum access_role role);
bool access_may(enum access_role role, enum access_right right);
const char *access_role_name(enum access_role role); /* "partner"; never NULL */

struct access_entry {
    struct id key; /* transport key: what CURVE proves */
    enum access_role role;
    struct id feed; /* of a partner; zero otherwise */
    char name[LIMIT_HANDLE_SIZE + 1];
};

/* By what id the node knows somebody: a partner by its feed, all others by their key. */
const struct id *access_peer(const struct access_entry *entry);

struct access_table; /* opaque */

/* An empty table: nobody may do anything. */
int access_table_create(struct access_table **out, struct error *error);
void access_table_destroy(struct access_table *table); /* NULL is fine */

/* Replaces the whole table. Two entries may name one feed (a key that is being replaced); one key
 * twice is ERROR_INVALID. On error the old table stays in force. */
int access_table_set(struct access_table *table, const struct access_entry *entries, size_t count,
                     bool open_reading, struct error *error);

/* Copies out what the table says of a key. false and role ACCESS_NONE when it has no right at all;
 * an unknown key is a reader while open_reading is set. */
bool access_table_find(const struct access_table *table, const struct id *key,
                       struct access_entry *out);

/* Grows by one whenever access_table_set took a right from somebody: connections that stand must
 * then pass the gate again. */
uint64_t access_table_losses(const struct access_table *table);

#endif
