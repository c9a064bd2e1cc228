/* client: talks to the running node of a home over its control link (ZeroMQ over a Unix socket that
 * only the owner may open). One request at a time; an answer that comes too late is thrown away.
 *
 * Threads: one at a time. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "common/arena.h"
#include "node/cli/cli.h"

struct client;

/* Time limits in ms: for operations that answer at once, and for those that wait for the disk. */
#define CLIENT_TIMEOUT_MS 15000
#define CLIENT_LONG_TIMEOUT_MS 120000

/* Connects. ERROR_NODE_DOWN with what to do when no node listens; ERROR_USAGE without a home. */
int client_create(const struct cli *cli, struct client **out, struct error *error);
void client_destroy(struct client *client); /* NULL is fine */

/* One operation (node/ops/operations.h has the table). *reply lives in the arena, whose cap must
 * leave room for it. Errors: what the node answered (its code and sentence), ERROR_TIMEOUT after
 * timeout_ms, ERROR_NODE_DOWN when the node has gone meanwhile (then make a new client). For a long
 * poll, timeout_ms must be longer than what the request asks the node to wait. */
int client_call(struct client *client, const char *operation, const ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *reply_type, struct arena *arena, int timeout_ms,
                ProtobufCMessage **reply, struct error *error);

/* create, call, destroy: for commands that ask once. */
int client_ask(const struct cli *cli, const char *operation, const ProtobufCMessage *request,
               const ProtobufCMessageDescriptor *reply_type, struct arena *arena, int timeout_ms,
               ProtobufCMessage **reply, struct error *error);

/* True when a node listens on this home's control socket. */
bool client_node_is_up(const struct cli *cli);

#endif
