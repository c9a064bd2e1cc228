/* policy: which feeds are served to whom, and the newest signed heads; shared by the writer (sets)
 * and the servers (read). Threads: any; one lock inside. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "common/bytes.h"
#include "common/error.h"

struct policy;

int policy_create(const struct id *own_feed, struct policy **out, struct error *error);
void policy_destroy(struct policy *policy);
/* A feed that is handed on to everybody who may pull. Our own always is. */
int policy_serve(struct policy *policy, const struct id *feed, bool serve, struct error *error);
/* Our own feed and those handed on are served to all; a partner's own feed is served to it, too:
 * partners are each other's backup. */
bool policy_may_read(struct policy *policy, const struct id *feed, const struct id *peer);
/* What heads are counted in, for peers: made of the ledger and of which feeds are handed on. When a
 * feed begins to be handed on, its head has not moved; so that peers whose cursor is behind it hear
 * of it, they see another id and ask from the start. 16 bytes each. */
void policy_ledger(struct policy *policy, const uint8_t ledger[16], uint8_t out[16]);
/* From now on heads are counted in something new, marked by this id: who has stolen our keys and a
 * copy of our ledger may have led peers' cursors astray. */
void policy_count_anew(struct policy *policy, const struct id *mark);
/* SignedHead bytes, the publisher's latest. */
int policy_set_statement(struct policy *policy, const struct id *feed, struct span signed_head,
                         struct error *error);
/* Appends to out; false when there is none or memory ran out. */
bool policy_get_statement(struct policy *policy, const struct id *feed, struct buffer *out);

#endif
