/* node_wait: how the node's threads wait for what they hand to each other: the lock, the conditions
 * and the end of everything that node_queue, node_lanes and node_turns share. Each keeps its items
 * itself, under this lock.
 *
 * Threads: any. */
#ifndef NODE_NODE_WAIT_H
#define NODE_NODE_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct node_wait {
    pthread_mutex_t lock;           /* protects what follows, and the owner's items */
    pthread_cond_t filled, drained; /* something came; something was taken */
    bool closed;
    bool woken; /* the next node_wait_pop does not wait */
};

void node_wait_init(struct node_wait *wait);
void node_wait_finish(struct node_wait *wait);

/* Calls take(self) under the lock until it gives something, at most wait_ms long. NULL: nothing
 * came, it was woken, or it is closed and nothing is left. */
void *node_wait_pop(struct node_wait *wait, uint64_t wait_ms, void *(*take)(void *self),
                    void *self);
/* Lets one waiting pop return NULL. */
void node_wait_wake(struct node_wait *wait);
/* Ends all waiting. */
void node_wait_close(struct node_wait *wait);
bool node_wait_is_closed(struct node_wait *wait);

#endif
