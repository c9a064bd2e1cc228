/* node_token: notices that a ledger was restored or copied, by the file ledger.token beside it.
 *
 *     caravan-token 1
 *     ledger: <32 hex digits>     the ledger's id
 *     inode: <number>             of ledger.db: a copy has another
 *     starts: <number>            how often the node was started: an older ledger knows fewer
 *
 * The ledger counts a start before the file does, so a crash in between is no alarm.
 * Threads: the writer's. */
#ifndef NODE_NODE_TOKEN_H
#define NODE_NODE_TOKEN_H

#include "node/core/ports.h"

/* Counts this start in the ledger and compares. *suspect: the file is missing (and the ledger is
 * not new, or is new where one stood before) or does not fit. */
int node_token_check(const char *home, const struct store *writer, bool is_new, bool *suspect,
                     struct error *error);
/* Marks the ledger as ours; once our feed is confirmed. */
int node_token_write(const char *home, const struct store *writer, struct error *error);

#endif
