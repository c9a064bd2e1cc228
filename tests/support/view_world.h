/* view_world: a ledger in memory with two institutions, a view of it, and what the view shows as
 * lines of text. For the tests of node/core/view. */
#ifndef TESTS_SUPPORT_VIEW_WORLD_H
#define TESTS_SUPPORT_VIEW_WORLD_H

#include "node/core/view.h"
#include "tests/support/announcements.h"

/* Two institutions in one ledger: our own and a partner. */
struct view_world {
    struct store writer, reader;
    struct institution own, partner;
    struct view *view;
};

/* For cmocka. Both feeds begin with a certificate and a profile: cn-own, th-partner. */
int view_world_setup(void **state);
int view_world_teardown(void **state);

/* A view_visitor; context is a struct buffer. One line: "cn-own/3 by 5 withdrawn(reason) Title";
 * `by` names the entry that is in force, or the event. */
int view_world_line(void *context, const struct view_state *state);

/* Compare; the first finishes the buffer, the others bring the view up to date first. */
void view_world_lines(struct buffer *lines, const char *expected);
void view_world_list(struct view_world *world, const Caravan__Filter *filter, const char *expected);
void view_world_changes(struct view_world *world, const Caravan__Filter *filter, uint64_t after,
                        const char *expected);
void view_world_history(struct view_world *world, uint64_t seq, const char *expected);

/* One page, as view_list gives it, of what can be shown: how many there are on it, and where the
 * next one begins (0: it was the last). */
uint64_t view_world_page(struct view_world *world, const Caravan__Filter *filter, uint64_t before,
                         size_t limit, unsigned *count, uint64_t *total);
/* How many there are on all pages. */
unsigned view_world_count(struct view_world *world, const Caravan__Filter *filter, uint64_t *total);

/* A list and its changes, with each allocation that fails once, in a view of its own: the view that
 * had no memory then shows `expected` announcements. */
void view_world_run_short(struct view_world *world, const Caravan__Filter *filter,
                          unsigned expected);

#endif
