/* client: talks to the running node of a home over its control link (ZeroMQ over a Unix socket that
 * only the owner may open). One request at a time with client_call; or many on their way with
 * client_send and client_receive, for whoever has much to do.
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
 * poll, timeout_ms must be longer than what the request asks the node to wait. An answer that comes
 * too late is thrown away, and so is every one to a client_send before. */
int client_call(struct client *client, const char *operation, const ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *reply_type, struct arena *arena, int timeout_ms,
                ProtobufCMessage **reply, struct error *error);

/* --- many at a time ----------------------------------------------------------------------------
 */

/* Requests that may wait for their answers: some batches of the node, so that it has the next ones
 * in hand while its disk works on one. */
#define CLIENT_WINDOW 6144

/* Queues one request; *id names it. It is on its way at the latest when client_receive is called.
 * Never waits. ERROR_BUSY when CLIENT_WINDOW requests are unanswered: receive first. */
int client_send(struct client *client, const char *operation, const ProtobufCMessage *request,
                uint64_t *id, struct error *error);
/* Waits for the next answer, to whichever request; answers come in any order. All requests that are
 * unanswered must have the same type of reply. *id: whose answer it is; 0 when there is none, and
 * the error is one of the link: ERROR_TIMEOUT (nothing is lost: call again; 0 ms only looks),
 * ERROR_NODE_DOWN (the node has gone; what is unanswered may or may not have been done). With an
 * id, the error is the node's answer. *reply as for client_call. */
int client_receive(struct client *client, const ProtobufCMessageDescriptor *reply_type,
                   struct arena *arena, int timeout_ms, uint64_t *id, ProtobufCMessage **reply,
                   struct error *error);
size_t client_unanswered(const struct client *client);

/* --- once ---------------------------------------------------------------------------------------
 */

/* create, call, destroy: for commands that ask once. */
int client_ask(const struct cli *cli, const char *operation, const ProtobufCMessage *request,
               const ProtobufCMessageDescriptor *reply_type, struct arena *arena, int timeout_ms,
               ProtobufCMessage **reply, struct error *error);

/* True when a node listens on this home's control socket. */
bool client_node_is_up(const struct cli *cli);

#endif
