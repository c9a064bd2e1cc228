#include "node/node_wait.h"

#include <time.h>

void node_wait_init(struct node_wait *wait)
{
    pthread_condattr_t monotonic;

    *wait = (struct node_wait){0};
    pthread_mutex_init(&wait->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&wait->filled, &monotonic);
    pthread_cond_init(&wait->drained, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void node_wait_finish(struct node_wait *wait)
{
    pthread_cond_destroy(&wait->filled);
    pthread_cond_destroy(&wait->drained);
    pthread_mutex_destroy(&wait->lock);
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

void *node_wait_pop(struct node_wait *wait, uint64_t wait_ms, void *(*take)(void *self), void *self)
{
    struct timespec deadline = deadline_in(wait_ms);
    void *item;

    pthread_mutex_lock(&wait->lock);
    while (!(item = take(self)) && !wait->closed && !wait->woken && wait_ms)
        if (pthread_cond_timedwait(&wait->filled, &wait->lock, &deadline))
            wait_ms = 0; /* looked at once more */
    wait->woken = false;
    pthread_mutex_unlock(&wait->lock);
    return item;
}

void node_wait_wake(struct node_wait *wait)
{
    pthread_mutex_lock(&wait->lock);
    wait->woken = true;
    pthread_cond_signal(&wait->filled);
    pthread_mutex_unlock(&wait->lock);
}

void node_wait_close(struct node_wait *wait)
{
    pthread_mutex_lock(&wait->lock);
    wait->closed = true;
    pthread_cond_broadcast(&wait->filled);
    pthread_cond_broadcast(&wait->drained);
    pthread_mutex_unlock(&wait->lock);
}

bool node_wait_is_closed(struct node_wait *wait)
{
    bool closed;

    pthread_mutex_lock(&wait->lock);
    closed = wait->closed;
    pthread_mutex_unlock(&wait->lock);
    return closed;
}
