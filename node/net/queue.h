/* queue: a bounded first-in first-out queue of messages on their way to a socket.
 * Threads: none of its own; the owner's lock protects it. Zeroed with the two limits set is a valid
 * empty queue. */
#ifndef NET_QUEUE_H
#define NET_QUEUE_H

#include "common/bytes.h"
#include "common/limits.h"
#include "node/net/net.h"

#include <pthread.h>

struct queue_item {
    struct net_route route; /* control replies */
    struct buffer message;
};

struct queue {
    size_t max_count, max_bytes; /* a queue that is empty takes one message of any size */
    struct queue_item *items;    /* a ring */
    size_t room, first, count, bytes;
};

/* What an item counts: what its message occupies, which may be much more than what it says. */
size_t queue_item_bytes(const struct queue_item *item);
void queue_finish(struct queue *queue);
/* Throws away what waits. */
void queue_clear(struct queue *queue);
/* Moves the item's message in; false when full or out of memory: the item is untouched. */
bool queue_push(struct queue *queue, struct queue_item *item);
/* The oldest one, moved out and owned by the caller; false when empty. */
bool queue_pop(struct queue *queue, struct queue_item *out);
/* The same under the owner's lock. */
bool queue_take(struct queue *queue, pthread_mutex_t *lock, struct queue_item *out);
/* Puts back what queue_pop gave; there is room as long as nothing was pushed since. When something
 * was, the limits are passed by one. */
bool queue_unpop(struct queue *queue, struct queue_item *item);

#endif
