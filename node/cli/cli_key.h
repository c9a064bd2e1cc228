/* cli_key: shows our own keys, and the end of our feed for choosing its last good entry. Threads:
 * the client has one. */
#ifndef CLI_CLI_KEY_H
#define CLI_CLI_KEY_H

#include "common/arena.h"
#include "node/cli/client.h"
#include "proto/control.pb-c.h"

/* What the node says of our own keys; after and hash (may be NULL): as in KeysRequest. The reply
 * lives in the arena. */
int cli_key_ask(struct client *client, uint64_t after, const struct id *hash, struct arena *arena,
                const Caravan__KeysReply **out, struct error *error);
/* home is for what is still on this machine. */
int cli_key_show(const struct cli *cli, const char *home, const Caravan__KeysReply *reply,
                 struct error *error);
/* The last entries of our feed, one a line, on out. */
int cli_key_list_end(struct client *client, const struct id *feed, uint64_t seq,
                     const char *network, FILE *out, struct error *error);
/* "announcement", "certificate", …; "entry" for what is not known here. */
const char *cli_key_type(uint32_t content_type);

#endif
