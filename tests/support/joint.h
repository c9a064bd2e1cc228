/* joint: a joint announcement between institutions, and what its sides say of it, for tests. */
#ifndef TESTS_SUPPORT_JOINT_H
#define TESTS_SUPPORT_JOINT_H

#include "tests/support/announcements.h"

/* A joint call of several institutions; each party has its feed, its country, and one deadline: a
 * day of 2099-06, its day in days[i]. The first one is the publisher. Bytes are appended. */
void joint_write(const char *title, struct institution *const *sides, const unsigned *days,
                 size_t count, struct buffer *out);

/* One institution's terms as a proposal: its deadline on another day. */
void joint_proposal(const struct institution *publisher, uint64_t seq,
                    const struct institution *side, unsigned day, struct buffer *out);
/* … made for the revision whose entry has this hash. */
void joint_proposal_for(const struct institution *publisher, uint64_t seq, const struct id *hash,
                        const struct institution *side, unsigned day, struct buffer *out);

/* Put into the store as the next entry of `side` (announcements_keep); return its seq. */
uint64_t joint_confirm(const struct store *store, struct institution *side,
                       const struct institution *publisher, uint64_t seq, const struct id *hash,
                       bool declined);
uint64_t joint_propose(const struct store *store, struct institution *side,
                       const struct institution *publisher, uint64_t seq, unsigned day);

#endif
