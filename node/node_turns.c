#include "node/node_turns.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/limits.h"
#include "common/map.h"

struct waiting {
    struct waiting *next;
    void *item;
};

/* What one peer has waiting; gone as soon as that is nothing. */
struct lane {
    struct lane *next; /* in its turn: the first is served next, then goes to the end */
    struct id peer;
    struct waiting *first, **end;
    size_t count;
};

struct turn {
    struct map lanes; /* peer -> lane */
    struct lane *first, **end;
};

struct node_turns {
    pthread_mutex_t lock; /* protects everything below */
    pthread_cond_t filled;
    struct turn turns[NODE_TURN_COUNT];
    unsigned next; /* the turn to look at first */
    bool closed;
};

struct node_turns *node_turns_create(void)
{
    struct node_turns *turns = calloc(1, sizeof *turns);
    pthread_condattr_t monotonic;

    if (!turns)
        return NULL;
    for (int i = 0; i < NODE_TURN_COUNT; i++)
        turns->turns[i].end = &turns->turns[i].first;
    pthread_mutex_init(&turns->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&turns->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return turns;
}

/* --- one turn ----------------------------------------------------------------------------------
 */

static struct lane *lane_add(struct turn *turn, const struct id *peer)
{
    struct lane *lane = calloc(1, sizeof *lane);

    if (!lane)
        return NULL;
    lane->peer = *peer;
    lane->end = &lane->first;
    if (!map_put(&turn->lanes, peer, lane)) {
        free(lane);
        return NULL;
    }
    *turn->end = lane;
    turn->end = &lane->next;
    return lane;
}

static bool turn_push(struct turn *turn, const struct id *peer, void *item)
{
    struct lane *lane = map_get(&turn->lanes, peer);
    struct waiting *waiting;

    if (lane && lane->count >= LIMIT_REQUESTS_PER_PEER)
        return false;
    waiting = malloc(sizeof *waiting);
    if (waiting && !lane)
        lane = lane_add(turn, peer);
    if (!waiting || !lane) {
        free(waiting);
        return false;
    }
    *waiting = (struct waiting){NULL, item};
    *lane->end = waiting;
    lane->end = &waiting->next;
    lane->count++;
    return true;
}

/* The first item of the first lane; the lane goes to the end, or away when it is empty. */
static void *turn_pop(struct turn *turn)
{
    struct lane *lane = turn->first;
    struct waiting *waiting;
    void *item;

    if (!lane)
        return NULL;
    waiting = lane->first;
    item = waiting->item;
    lane->first = waiting->next;
    free(waiting);
    turn->first = lane->next;
    lane->next = NULL;
    if (!turn->first)
        turn->end = &turn->first;
    if (--lane->count) {
        *turn->end = lane;
        turn->end = &lane->next;
        return item;
    }
    map_remove(&turn->lanes, &lane->peer);
    free(lane);
    return item;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void *take(struct node_turns *turns)
{
    for (unsigned i = 0; i < NODE_TURN_COUNT; i++) {
        unsigned at = (turns->next + i) % NODE_TURN_COUNT;
        void *item = turn_pop(&turns->turns[at]);

        if (item) {
            turns->next = (at + 1) % NODE_TURN_COUNT;
            return item;
        }
    }
    return NULL;
}

void node_turns_destroy(struct node_turns *turns, void (*discard)(void *item))
{
    void *item;

    if (!turns)
        return;
    while ((item = take(turns)))
        discard(item);
    for (int i = 0; i < NODE_TURN_COUNT; i++)
        map_finish(&turns->turns[i].lanes);
    pthread_cond_destroy(&turns->filled);
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

bool node_turns_push(struct node_turns *turns, enum node_turn turn, const struct id *peer,
                     void *item)
{
    bool done;

    pthread_mutex_lock(&turns->lock);
    done = !turns->closed && turn_push(&turns->turns[turn], peer, item);
    if (done)
        pthread_cond_signal(&turns->filled);
    pthread_mutex_unlock(&turns->lock);
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

void *node_turns_pop(struct node_turns *turns, uint64_t wait_ms)
{
    struct timespec deadline = deadline_in(wait_ms);
    void *item;

    pthread_mutex_lock(&turns->lock);
    while (!(item = take(turns)) && !turns->closed && wait_ms)
        if (pthread_cond_timedwait(&turns->filled, &turns->lock, &deadline))
            wait_ms = 0; /* looked at once more */
    pthread_mutex_unlock(&turns->lock);
    return item;
}

void node_turns_close(struct node_turns *turns)
{
    pthread_mutex_lock(&turns->lock);
    turns->closed = true;
    pthread_cond_broadcast(&turns->filled);
    pthread_mutex_unlock(&turns->lock);
}

bool node_turns_is_closed(struct node_turns *turns)
{
    bool closed;

    pthread_mutex_lock(&turns->lock);
    closed = turns->closed;
    pthread_mutex_unlock(&turns->lock);
    return closed;
}
