/* view_audience: who may read a sealed announcement: those it was sealed for, and later readers.
 * What follows it is sealed for the same.
 *
 * Threads: as view.h. */
#ifndef CORE_VIEW_AUDIENCE_H
#define CORE_VIEW_AUDIENCE_H

#include "common/limits.h"
#include "node/core/view.h"

struct view_audience {
    struct id feeds[LIMIT_SEAL_AUDIENCE + 1]; /* with the publisher's */
    size_t count;                             /* 0: it is public */
};

/* state: the announcement as it is now. */
int view_audience(struct view *view, const struct view_state *state, struct view_audience *out,
                  struct error *error);
/* Adds one that is not there yet; false when it is full. */
bool view_audience_add(struct view_audience *audience, const struct id *feed);

#endif
