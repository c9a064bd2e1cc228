#include "node/net/pollset.h"

#include <errno.h>
#include <stdlib.h>

void pollset_finish(struct pollset *set)
{
    free(set->items);
    free(set->targets);
    *set = (struct pollset){0};
}

void pollset_clear(struct pollset *set)
{
    set->count = 0;
}

static bool grow(struct pollset *set)
{
    size_t room = set->room ? set->room * 2 : 32;
    zmq_pollitem_t *items = realloc(set->items, room * sizeof *items);
    struct pollset_target *targets;

    if (!items)
        return false;
    set->items = items;
    targets = realloc(set->targets, room * sizeof *targets);
    if (!targets)
        return false;
    set->targets = targets;
    set->room = room;
    return true;
}

void pollset_add(struct pollset *set, void *socket, int fd, short events, pollset_handler handler,
                 void *context)
{
    if (set->count == set->room && !grow(set))
        return;
    set->items[set->count] = (zmq_pollitem_t){socket, fd, events, 0};
    set->targets[set->count++] = (struct pollset_target){handler, context};
}

bool pollset_wait(struct pollset *set, long timeout_ms)
{
    if (zmq_poll(set->items, (int)set->count, timeout_ms) < 0)
        return errno == EINTR || errno == EAGAIN;
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i].revents)
            set->targets[i].handler(set->targets[i].context, set->items[i].revents);
    return true;
}
