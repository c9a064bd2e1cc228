/* node_lanes: a bounded queue between two threads of the node in which everybody has a lane of its
 * own: the items of a lane come out in order, the lanes take turns. So a partner that floods waits
 * behind itself and not in front of others, and the owner of the node is one of those who take
 * turns, whatever the partners do. A turn is worth 16 KiB: a small item takes one turn, a big one
 * as many as it has bytes; when nobody else waits, that takes no time.
 *
 * What is spare, because it is no loss when it is lost, has half as much room, in each lane and in
 * all, beside the rest: however much of it comes, it takes no room from what was asked for.
 *
 *                    lane full               all full
 *     a peer's       refused                 refused, taken again later (relief)
 *     a spare one    refused (its half)      refused (its half)
 *     the owner's    refused                 taken
 *     push           taken                   waits
 *
 * Items are pointers; who pops an item owns it. Threads: any. */
#ifndef NODE_NODE_LANES_H
#define NODE_NODE_LANES_H

#include "common/bytes.h"

struct node_lanes;

struct node_lanes_room {
    size_t items, bytes;
};

/* each: of one lane; all: of all peers' lanes together, without what is spare. NULL when memory ran
 * out. */
struct node_lanes *node_lanes_create(struct node_lanes_room each, struct node_lanes_room all);
/* What is left in it is given to discard. */
void node_lanes_destroy(struct node_lanes *lanes, void (*discard)(void *item));

enum node_lanes_taken {
    NODE_LANES_TAKEN,
    NODE_LANES_LATER, /* no room at all, closed, or out of memory */
    NODE_LANES_NEVER  /* this peer has enough waiting: whoever keeps to the protocol never has */
};

/* Never waits. The item stays the caller's unless it was taken. peer NULL: the owner of the node.
 * A lane with nothing of its sort has room for one item of any size. */
enum node_lanes_taken node_lanes_try_push(struct node_lanes *lanes, const struct id *peer,
                                          void *item, size_t bytes);
/* The same for what is spare, of a peer. false: the item stays the caller's, to be thrown away. */
bool node_lanes_try_spare(struct node_lanes *lanes, const struct id *peer, void *item,
                          size_t bytes);
/* Waits for room in all; no matter how full the lane is. The owner's item is not waited with: it is
 * refused when as much as all may have waits in the owner's lane alone. false: refused, closed or
 * out of memory, the item stays the caller's. */
bool node_lanes_push(struct node_lanes *lanes, const struct id *peer, void *item, size_t bytes);
/* Waits at most wait_ms. NULL: nothing came, or it is closed and empty. */
void *node_lanes_pop(struct node_lanes *lanes, uint64_t wait_ms);
/* No more pushes; pops go on until it is empty. */
void node_lanes_close(struct node_lanes *lanes);
bool node_lanes_is_closed(struct node_lanes *lanes);
/* true once after a push was told "later" (the owner's: "never") and there is room again. */
bool node_lanes_take_relief(struct node_lanes *lanes);

#endif
