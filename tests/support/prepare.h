/* prepare: what an institution says of announcements, asked of the operations prepare, inbox and
 * show. Ours is cn-own, the partner th-partner, as in view_world; of the others ru-third is known
 * as well, and za-fourth by its entries alone: its certificate was never taken. What must go well,
 * and does not, fails the test.
 *
 * Replies, names and contents that are returned live until the teardown. */
#ifndef TESTS_SUPPORT_PREPARE_H
#define TESTS_SUPPORT_PREPARE_H

#include "node/ops/operations.h"
#include "tests/support/sealed.h"
#include "tests/support/view_world.h"

struct prepare {
    struct view_world *base;
    struct institution third, fourth;
    struct sealed_eyes eyes; /* ours */
    struct arena arena;
    struct error error; /* of the last operation */
};

/* For cmocka; *state is a struct prepare. */
int prepare_setup(void **state);
int prepare_teardown(void **state);

/* --- contents --- */

/* The message's bytes. */
struct span prepare_pack(struct prepare *world, const ProtobufCMessage *message);
/* The buffer's bytes; it is finished. */
struct span prepare_keep(struct prepare *world, struct buffer *content);
/* A visit; a joint call with these two sides. */
struct span prepare_visit(struct prepare *world, const char *title);
struct span prepare_call(struct prepare *world, struct institution *lead, struct institution *side);
/* "th-partner/3" */
const char *prepare_name(struct prepare *world, const char *handle, uint64_t seq);
/* Such a thing is published; its name. The partner's call has us as a side. */
const char *prepare_partners_call(struct prepare *world);
const char *prepare_visit_of(struct prepare *world, struct institution *publisher,
                             const char *handle);

/* --- asking --- */

struct ops_context prepare_context(struct prepare *world);
/* The reply; NULL: *code and world->error say why. */
void *prepare_run(struct prepare *world, const char *operation, const ProtobufCMessage *request,
                  int *code);
/* name: of the announcement, NULL for a new one. It borrows both. */
Caravan__PrepareRequest prepare_request(const char *name, uint32_t type, struct span content);
Caravan__PrepareReply *prepare_reply(struct prepare *world, const Caravan__PrepareRequest *request);
Caravan__PrepareReply *prepare_one(struct prepare *world, const char *name, uint32_t type,
                                   struct span content);
/* It is refused with this error, whose text has this part. */
void prepare_refuse(struct prepare *world, const Caravan__PrepareRequest *request,
                    enum error_code expected, const char *part);
void prepare_refuse_one(struct prepare *world, const char *name, uint32_t type, struct span content,
                        enum error_code expected, const char *part);
/* A new visit, sealed for these handles; a confirmation of a call. */
Caravan__PrepareReply *prepare_announcement(struct prepare *world, char **audience, size_t count);
Caravan__PrepareReply *prepare_confirm(struct prepare *world, const char *call, bool declined);

/* What was prepared is our next entry, as put does it; its seq. */
uint64_t prepare_put(struct prepare *world, const Caravan__PrepareReply *reply);
/* What one institution sees of our entry: its true type; SEALED when it cannot read it. */
uint32_t prepare_type_for(struct prepare *world, struct institution *institution, uint64_t seq);

/* The operation with each allocation that fails once: it says so, and goes well in the end. */
void prepare_fail_each(struct prepare *world, const char *operation,
                       const ProtobufCMessage *request);

#endif
