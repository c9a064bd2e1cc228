/* view_read: reads one state of view.h from the store, with the reason why it cannot be shown. Only
 * view*.c include it. */
#ifndef CORE_VIEW_READ_H
#define CORE_VIEW_READ_H

#include "node/core/view.h"

struct view_read {
    const struct store *store;
    struct view_state state; /* filled: names, event_seq, revised_by, withdrawn_by, content_type */
    uint64_t content_seq;    /* the announcement or revision whose content is shown */
    view_visitor visit;
    void *context;
};

/* Fills the rest of the state and visits it; *stop: the visitor has had enough. */
int view_read(struct view_read *read, bool *stop, struct error *error);

/* false for content types that this version does not interpret. */
bool view_read_knows_type(uint32_t content_type);

#endif
