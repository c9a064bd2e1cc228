#include "node/node_queue.h"

#include <stdlib.h>

#include "node/node_wait.h"

struct item {
    void *value;
    size_t bytes;
};

struct node_queue {
    struct node_wait wait; /* its lock protects everything below */
    struct item *items;    /* a ring of max_items */
    size_t max_items, max_bytes, first, count, bytes;
};

struct node_queue *node_queue_create(size_t max_items, size_t max_bytes)
{
    struct node_queue *queue = calloc(1, sizeof *queue);

    if (!queue)
        return NULL;
    queue->items = calloc(max_items, sizeof *queue->items);
    if (!queue->items) {
        free(queue);
        return NULL;
    }
    queue->max_items = max_items;
    queue->max_bytes = max_bytes;
    node_wait_init(&queue->wait);
    return queue;
}

void node_queue_destroy(struct node_queue *queue, void (*discard)(void *item))
{
    if (!queue)
        return;
    for (size_t i = 0; i < queue->count; i++)
        discard(queue->items[(queue->first + i) % queue->max_items].value);
    node_wait_finish(&queue->wait);
    free(queue->items);
    free(queue);
}

/* One item always fits into an empty queue, however big. */
static bool has_room(const struct node_queue *queue, size_t bytes)
{
    return queue->count < queue->max_items &&
           (queue->count == 0 || queue->bytes + bytes <= queue->max_bytes);
}

static void put(struct node_queue *queue, void *value, size_t bytes)
{
    queue->items[(queue->first + queue->count) % queue->max_items] = (struct item){value, bytes};
    queue->count++;
    queue->bytes += bytes;
    pthread_cond_signal(&queue->wait.filled);
}

bool node_queue_try_push(struct node_queue *queue, void *item, size_t bytes)
{
    bool done;

    pthread_mutex_lock(&queue->wait.lock);
    done = !queue->wait.closed && has_room(queue, bytes);
    if (done)
        put(queue, item, bytes);
    pthread_mutex_unlock(&queue->wait.lock);
    return done;
}

static void *take(void *self)
{
    struct node_queue *queue = self;
    struct item *item = &queue->items[queue->first];

    if (!queue->count)
        return NULL;
    queue->bytes -= item->bytes;
    queue->first = (queue->first + 1) % queue->max_items;
    queue->count--;
    return item->value;
}

void *node_queue_pop(struct node_queue *queue, uint64_t wait_ms)
{
    return node_wait_pop(&queue->wait, wait_ms, take, queue);
}

void node_queue_wake(struct node_queue *queue)
{
    node_wait_wake(&queue->wait);
}

void node_queue_close(struct node_queue *queue)
{
    node_wait_close(&queue->wait);
}

bool node_queue_is_closed(struct node_queue *queue)
{
    return node_wait_is_closed(&queue->wait);
}
