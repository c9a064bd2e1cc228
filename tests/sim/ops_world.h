/* ops_world: two nodes of the simulation that are partners, and operations on them as the control
 * link runs them: bytes in, bytes out. For the tests of node/ops.
 *
 * Replies are owned by the world, and live until its teardown. A call that must go well, and does
 * not, fails the test. */
#ifndef TESTS_SIM_OPS_WORLD_H
#define TESTS_SIM_OPS_WORLD_H

#include "node/ops/operations.h"
#include "tests/sim/network.h"

struct ops_world {
    struct network network;
    struct view *views[2][2]; /* of node n: reader, writer */
    struct arena arena;       /* replies live here until the test ends */
    struct error error;       /* of the last call */
    bool last_try;            /* a call that waits must answer now */
    unsigned calls;           /* so far, of operations with a check */
};

/* For cmocka; *state is a struct ops_world. Each node has published a certificate and a profile
 * (cn-one, cn-two), so that the next entry is No. 3; all is received. */
int ops_world_setup(void **state);
int ops_world_teardown(void **state);

/* --- calls of operations by their name ---
 * What the checking thread of a node does before is done every second time only. */

/* NULL: world->error says why, or OPS_WAIT stands in *code. */
void *ops_world_call_code(struct ops_world *world, unsigned node, const char *name,
                          const ProtobufCMessage *request, int *code);
void *ops_world_call(struct ops_world *world, unsigned node, const char *name,
                     const ProtobufCMessage *request);
/* Node 0 answers with this error, whose text has this part. */
void ops_world_assert_refused(struct ops_world *world, const char *name,
                              const ProtobufCMessage *request, enum error_code expected,
                              const char *part);

/* Of node 0: a joint call with this title. request: 16 bytes, or NULL. */
Caravan__PublishReply *ops_world_publish(struct ops_world *world, const char *title,
                                         const char *request);
Caravan__PublishReply *ops_world_revise(struct ops_world *world, uint64_t seq, const char *title);
Caravan__PublishReply *ops_world_withdraw(struct ops_world *world, uint64_t seq,
                                          const char *request);
/* Of any node. */
Caravan__ListReply *ops_world_list(struct ops_world *world, unsigned node);
Caravan__ShowReply *ops_world_show(struct ops_world *world, unsigned node, char *name);

/* An item shows an announcement with this title. */
void ops_world_assert_title(const Caravan__Item *item, const char *expected);
/* For network_run: node 1 has said that it holds all that node 0 has published. */
bool ops_world_is_received(struct network *network, void *unused);

#endif
