/* pollset: what the net thread waits for, made anew for every turn.
 * Threads: one. */
#ifndef NET_POLLSET_H
#define NET_POLLSET_H

#include <stdbool.h>
#include <stddef.h>
#include <zmq.h>

typedef void (*pollset_handler)(void *context, short events);

struct pollset {
    zmq_pollitem_t *items;
    struct pollset_target {
        pollset_handler handler;
        void *context;
    } * targets;
    size_t count, room;
};

void pollset_finish(struct pollset *set);
void pollset_clear(struct pollset *set);
/* A ZeroMQ socket, or with socket NULL a file descriptor. When memory runs out the item is left out
 * of this turn. */
void pollset_add(struct pollset *set, void *socket, int fd, short events, pollset_handler handler,
                 void *context);
/* Waits, then calls the handlers of what is ready. false: the context has been ended. */
bool pollset_wait(struct pollset *set, long timeout_ms);

#endif
