#include "node/net/queue.h"

#include <stdlib.h>

void queue_finish(struct queue *queue)
{
    queue_clear(queue);
    free(queue->items);
    queue->items = NULL;
    queue->room = 0;
}

void queue_clear(struct queue *queue)
{
    struct queue_item item;

    while (queue_pop(queue, &item))
        buffer_finish(&item.message);
}

static bool grow(struct queue *queue)
{
    size_t room = queue->room ? queue->room * 2 : 8;
    struct queue_item *items = calloc(room, sizeof *items);

    if (!items)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->first + i) % queue->room];
    free(queue->items);
    queue->items = items;
    queue->room = room;
    queue->first = 0;
    return true;
}

size_t queue_item_bytes(const struct queue_item *item)
{
    return item->message.capacity;
}

bool queue_push(struct queue *queue, struct queue_item *item)
{
    if (queue->count >= queue->max_count ||
        (queue->count && queue->bytes + queue_item_bytes(item) > queue->max_bytes))
        return false;
    if (queue->count == queue->room && !grow(queue))
        return false;
    queue->items[(queue->first + queue->count++) % queue->room] = *item;
    queue->bytes += queue_item_bytes(item);
    item->message = (struct buffer){0};
    return true;
}

bool queue_pop(struct queue *queue, struct queue_item *out)
{
    if (!queue->count)
        return false;
    *out = queue->items[queue->first];
    queue->first = (queue->first + 1) % queue->room;
    queue->count--;
    queue->bytes -= queue_item_bytes(out);
    return true;
}

bool queue_take(struct queue *queue, pthread_mutex_t *lock, struct queue_item *out)
{
    bool found;

    pthread_mutex_lock(lock);
    found = queue_pop(queue, out);
    pthread_mutex_unlock(lock);
    return found;
}

bool queue_unpop(struct queue *queue, struct queue_item *item)
{
    if (queue->count == queue->room && !grow(queue))
        return false;
    queue->first = (queue->first + queue->room - 1) % queue->room;
    queue->items[queue->first] = *item;
    queue->count++;
    queue->bytes += queue_item_bytes(item);
    item->message = (struct buffer){0};
    return true;
}
