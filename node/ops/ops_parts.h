/* ops_parts: what the files of this folder share: the handlers of the table in operations.c, and
 * small helpers for building replies. Nobody else includes it. */
#ifndef OPS_OPS_PARTS_H
#define OPS_OPS_PARTS_H

#include "common/arena.h"
#include "node/ops/operations.h"

/* Handlers; contract in operations.h. */
typedef int ops_handler(struct ops_context *context, const ProtobufCMessage *request,
                        struct buffer *reply, struct error *error);
ops_handler ops_publish_new, ops_publish_revise, ops_publish_withdraw;
int ops_publish_check_new(const ProtobufCMessage *request, uint64_t now_ms, size_t *unknown,
                          struct error *error);
int ops_publish_check_revise(const ProtobufCMessage *request, uint64_t now_ms, size_t *unknown,
                             struct error *error);
ops_handler ops_prepare, ops_publish_put;
ops_handler ops_list, ops_list_show, ops_list_changes;
ops_handler ops_status, ops_status_coverage;
ops_handler ops_feed_read, ops_feed_import, ops_feed_resolve, ops_feed_backup, ops_feed_dial;

/* How long the long polls may wait. */
uint32_t ops_list_changes_wait(const ProtobufCMessage *request);
uint32_t ops_status_coverage_wait(const ProtobufCMessage *request);
uint32_t ops_feed_dial_wait(const ProtobufCMessage *request);

/* Longest wait of a long poll; a client asks again. */
#define OPS_WAIT_MAX_MS 30000
/* Announcement bytes in one reply, after which the client asks for the next page. */
#define OPS_REPLY_SIZE (512 * 1024)
#define OPS_LIMIT_DEFAULT 100
#define OPS_LIMIT_MAX 1000

/* Appends the packed reply. */
int ops_reply(const ProtobufCMessage *message, struct buffer *reply, struct error *error);
/* Copies into the arena; NULL data when it is full. */
ProtobufCBinaryData ops_binary(struct arena *arena, const void *data, size_t size);
/* Borrows an id. */
ProtobufCBinaryData ops_id(const struct id *id);
/* A feed id of a request: exactly 32 bytes, else ERROR_INVALID. */
int ops_take_feed(const ProtobufCBinaryData *data, struct id *feed, struct error *error);

#endif
