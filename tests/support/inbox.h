/* inbox: the whole inbox of a view as one list, for tests. */
#ifndef TESTS_SUPPORT_INBOX_H
#define TESTS_SUPPORT_INBOX_H

#include "node/core/view_inbox.h"

/* One call of view_inbox_work, without marks, and all things that are known behind it, the latest
 * first; the caller frees *things. */
int inbox_read(struct view *view, struct view_inbox_thing **things, size_t *count, bool *complete,
               struct error *error);

#endif
