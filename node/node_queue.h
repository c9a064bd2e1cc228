/* node_queue: a bounded queue between two threads of the node. Items are pointers; who pops an item
 * owns it. Bounded by count and by bytes; what is above that is refused at once, for the caller to
 * answer "busy".
 * Threads: any. */
#ifndef NODE_NODE_QUEUE_H
#define NODE_NODE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node_queue;

/* NULL when memory ran out. */
struct node_queue *node_queue_create(size_t max_items, size_t max_bytes);
/* What is left in it is given to discard. */
void node_queue_destroy(struct node_queue *queue, void (*discard)(void *item));

/* false: full or closed; the item stays the caller's. */
bool node_queue_try_push(struct node_queue *queue, void *item, size_t bytes);
/* Waits at most wait_ms. NULL: nothing came, it was woken, or it is closed and empty. */
void *node_queue_pop(struct node_queue *queue, uint64_t wait_ms);
/* Lets one waiting pop return NULL. */
void node_queue_wake(struct node_queue *queue);
/* No more pushes; pops go on until it is empty. */
void node_queue_close(struct node_queue *queue);
bool node_queue_is_closed(struct node_queue *queue);

#endif
