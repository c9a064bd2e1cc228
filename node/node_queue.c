#include "node/node_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct item {
    void *value;
    size_t bytes;
};

struct node_queue {
    pthread_mutex_t lock; /* protects everything below */
    pthread_cond_t filled, drained;
    struct item *items; /* a ring of max_items */
    size_t max_items, max_bytes, first, count, bytes;
    bool closed, woken, refused;
};

struct node_queue *node_queue_create(size_t max_items, size_t max_bytes)
{
    struct node_queue *queue = calloc(1, sizeof *queue);
    pthread_condattr_t monotonic;

    if (!queue)
        return NULL;
    queue->items = calloc(max_items, sizeof *queue->items);
    if (!queue->items) {
        free(queue);
        return NULL;
    }
    queue->max_items = max_items;
    queue->max_bytes = max_bytes;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &monotonic);
    pthread_cond_init(&queue->drained, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return queue;
}

void node_queue_destroy(struct node_queue *queue, void (*discard)(void *item))
{
    if (!queue)
        return;
    for (size_t i = 0; i < queue->count; i++)
        discard(queue->items[(queue->first + i) % queue->max_items].value);
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->drained);
    pthread_mutex_destroy(&queue->lock);
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
    pthread_cond_signal(&queue->filled);
}

bool node_queue_try_push(struct node_queue *queue, void *item, size_t bytes)
{
    bool done;

    pthread_mutex_lock(&queue->lock);
    done = !queue->closed && has_room(queue, bytes);
    if (done)
        put(queue, item, bytes);
    else
        queue->refused = true;
    pthread_mutex_unlock(&queue->lock);
    return done;
}

bool node_queue_push(struct node_queue *queue, void *item, size_t bytes)
{
    bool done;

    pthread_mutex_lock(&queue->lock);
    while (!queue->closed && !has_room(queue, bytes))
        pthread_cond_wait(&queue->drained, &queue->lock);
    done = !queue->closed;
    if (done)
        put(queue, item, bytes);
    pthread_mutex_unlock(&queue->lock);
    return done;
}

static struct timespec deadline_in(uint64_t wait_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(wait_ms / 1000);
    at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

void *node_queue_pop(struct node_queue *queue, uint64_t wait_ms)
{
    struct timespec deadline = deadline_in(wait_ms);
    void *value = NULL;

    pthread_mutex_lock(&queue->lock);
    while (!queue->count && !queue->closed && !queue->woken && wait_ms)
        if (pthread_cond_timedwait(&queue->filled, &queue->lock, &deadline))
            break;
    queue->woken = false;
    if (queue->count) {
        struct item *item = &queue->items[queue->first];

        value = item->value;
        queue->bytes -= item->bytes;
        queue->first = (queue->first + 1) % queue->max_items;
        queue->count--;
        pthread_cond_signal(&queue->drained);
    }
    pthread_mutex_unlock(&queue->lock);
    return value;
}

void node_queue_wake(struct node_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->woken = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void node_queue_close(struct node_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_cond_broadcast(&queue->drained);
    pthread_mutex_unlock(&queue->lock);
}

bool node_queue_is_closed(struct node_queue *queue)
{
    bool closed;

    pthread_mutex_lock(&queue->lock);
    closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

bool node_queue_take_relief(struct node_queue *queue)
{
    bool relief;

    pthread_mutex_lock(&queue->lock);
    relief = queue->refused && queue->count <= queue->max_items / 2 &&
             queue->bytes <= queue->max_bytes / 2;
    if (relief)
        queue->refused = false;
    pthread_mutex_unlock(&queue->lock);
    return relief;
}
