/* ops_parts: what the files of this folder share: the handlers of the table in operations.c, and
 * small helpers for building replies. Nobody else includes it. */
#ifndef OPS_OPS_PARTS_H
#define OPS_OPS_PARTS_H

#include "common/arena.h"
#include "common/seal.h"
#include "node/core/view_audience.h"
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
/* Everything that readers need; the first error as a sentence. *unknown: fields that this version
 * does not know. */
int ops_publish_check_bytes(bool present, const ProtobufCBinaryData *data, uint64_t now_ms,
                            size_t *unknown, struct error *error);
/* ERROR_INVALID when a revision that has so many unknown fields would lose some of what is in
 * force.
 */
int ops_publish_check_drop(const struct view_state *state, size_t unknown, struct error *error);
/* A reason is one short text in some languages. */
int ops_publish_check_reason(Caravan__LocalizedText *const *reasons, size_t count,
                             struct error *error);
ops_handler ops_list, ops_list_show, ops_list_history, ops_list_changes;
ops_handler ops_inbox, ops_inbox_mark;
ops_handler ops_status, ops_status_coverage;
ops_handler ops_keys, ops_keys_certify, ops_keys_retire;
ops_handler ops_feed_read, ops_feed_import, ops_feed_resolve, ops_feed_backup, ops_feed_dial;

/* Appends the bytes of a Sealed that holds a content for these institutions and us. ERROR_NOT_FOUND
 * when the sealing key of one is not known; others as seal_make. */
int ops_seal(const struct ops_context *context, const struct view_audience *audience,
             uint32_t content_type, struct span content, struct buffer *out, struct error *error);

/* A party that is named by its node id must be able to read what is asked of it. ERROR_INVALID with
 * those for whom it is not sealed, and how to add them; name: of the announcement that is revised,
 * NULL: a new one. */
int ops_seal_check_parties(const struct ops_context *context, const struct view_audience *audience,
                           const Caravan__Announcement *announcement, const char *name,
                           struct error *error);

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

/* A view_state as an Item, in the arena, with its sides (and proposals) and audience. NULL when
 * memory ran out. */
Caravan__Item *ops_list_item(struct view *view, struct arena *arena,
                             const struct view_state *state);
/* Appends the packed reply. */
int ops_reply(const ProtobufCMessage *message, struct buffer *reply, struct error *error);
/* Copies into the arena; NULL data when it is full. */
ProtobufCBinaryData ops_binary(struct arena *arena, const void *data, size_t size);
/* The handle of a feed; the whole id in hex where none is known. NULL when the arena is full. */
char *ops_feed_name(struct arena *arena, const struct view *view, const struct id *feed);
/* Borrows an id. */
ProtobufCBinaryData ops_id(const struct id *id);
/* A feed id of a request: exactly 32 bytes, else ERROR_INVALID. */
int ops_take_feed(const ProtobufCBinaryData *data, struct id *feed, struct error *error);

#endif
