/* view_refusal: the publisher of a joint announcement says no to what a side proposes: a
 * confirmation, declined, that names the entry of the proposal as others name an announcement, and
 * its hash. So of each proposal the publisher's newest word counts, whatever it says of those of
 * other sides; and a new proposal is open again. Only view*.c include it. Threads: as view.h. */
#ifndef CORE_VIEW_REFUSAL_H
#define CORE_VIEW_REFUSAL_H

#include "node/core/view_parts.h"

/* As view_read_voice; but what refuses a proposal that is here, and that is made for an
 * announcement of the same feed, is about that announcement. */
int view_refusal_read_voice(struct view *view, const struct entry *entry, struct arena *arena,
                            struct view_read_voice *out, struct error *error);

/* Does this voice say no to the entry with this hash? */
bool view_refusal_is(const struct view_read_voice *voice, const struct id *proposal);

/* The newest word of the publisher (a feed) on a proposal, which need not be a refusal; NULL: none
 * is here. Borrowed until the next update. */
const struct view_voice *view_refusal_find(const struct view_index *index,
                                           const struct id *publisher, const struct id *proposer,
                                           uint64_t proposal);

#endif
