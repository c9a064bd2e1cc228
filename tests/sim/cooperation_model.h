/* cooperation_model: what a node should see, computed from what was published; a second, simple
 * way, which knows nothing of networks, feeds and stores. Part of cooperation. */
#ifndef TESTS_SIM_COOPERATION_MODEL_H
#define TESTS_SIM_COOPERATION_MODEL_H

#include "node/core/view_inbox.h"
#include "tests/sim/cooperation.h"

/* Appends a line for each call, then one for each thing in the inbox. */
void cooperation_model_expect(const struct cooperation *world, unsigned eye, struct buffer *out);
/* The line for a thing. */
void cooperation_model_thing(struct buffer *out, enum view_inbox_kind kind, unsigned node,
                             uint64_t seq, uint64_t about, bool withdrawn);

#endif
