/* cli_soonest: keeps of many items those that close soonest, in the order of their deadlines: the
 * node lists by arrival. Memory: as many items as are kept, and the page that comes in.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_SOONEST_H
#define CLI_CLI_SOONEST_H

#include "common/arena.h"
#include "common/error.h"
#include "proto/control.pb-c.h"

struct cli_soonest_item;

/* Zeroed, with a limit, is valid and empty. */
struct cli_soonest {
    size_t limit; /* 0: keeps all */
    struct cli_soonest_item *items;
    size_t count, capacity;
};

void cli_soonest_finish(struct cli_soonest *soonest);
/* Copies the items of a page, and forgets those above the limit. ERROR_MEMORY only. */
int cli_soonest_add(struct cli_soonest *soonest, Caravan__Item *const *items, size_t count,
                    struct error *error);
/* The index-th, nearest deadline first, in the arena; NULL when memory ran out. */
const Caravan__Item *cli_soonest_get(const struct cli_soonest *soonest, size_t index,
                                     struct arena *arena);

#endif
