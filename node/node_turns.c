#include "node/node_turns.h"

#include <stdlib.h>

#include "common/limits.h"
#include "common/map.h"
#include "node/node_wait.h"

struct waiting {
    struct waiting *next;
    void *item;
    size_t bytes;
};

/* What one peer has waiting; gone as soon as that is nothing. */
struct lane {
    struct lane *next; /* in its turn: the first is served next, then goes to the end */
    struct id peer;
    struct waiting *first, **end;
    size_t count, bytes;
};

struct turn {
    struct map lanes; /* peer -> lane */
    struct lane *first, **end;
};

struct node_turns {
    struct node_wait wait; /* its lock protects everything below */
    struct turn turns[NODE_TURN_COUNT];
    size_t bytes;  /* of all that waits */
    unsigned next; /* the turn to look at first */
};

struct node_turns *node_turns_create(void)
{
    struct node_turns *turns = calloc(1, sizeof *turns);

    if (!turns)
        return NULL;
    for (int i = 0; i < NODE_TURN_COUNT; i++)
        turns->turns[i].end = &turns->turns[i].first;
    node_wait_init(&turns->wait);
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

/* Who has nothing waiting always has room for one. */
static bool has_room(const struct node_turns *turns, const struct lane *lane, size_t bytes)
{
    return !lane || (lane->count < LIMIT_REQUESTS_PER_PEER &&
                     lane->bytes + bytes <= LIMIT_REQUEST_BYTES_PER_PEER &&
                     turns->bytes + bytes <= LIMIT_REQUEST_BYTES_TOTAL);
}

static bool turn_push(struct node_turns *turns, struct turn *turn, const struct id *peer,
                      void *item, size_t bytes)
{
    struct lane *lane = map_get(&turn->lanes, peer);
    struct waiting *waiting;

    if (!has_room(turns, lane, bytes))
        return false;
    waiting = malloc(sizeof *waiting);
    if (waiting && !lane)
        lane = lane_add(turn, peer);
    if (!waiting || !lane) {
        free(waiting);
        return false;
    }
    *waiting = (struct waiting){NULL, item, bytes};
    *lane->end = waiting;
    lane->end = &waiting->next;
    lane->count++;
    lane->bytes += bytes;
    turns->bytes += bytes;
    return true;
}

/* The first item of the first lane; the lane goes to the end, or away when it is empty. */
static void *turn_pop(struct node_turns *turns, struct turn *turn)
{
    struct lane *lane = turn->first;
    struct waiting *waiting;
    void *item;

    if (!lane)
        return NULL;
    waiting = lane->first;
    item = waiting->item;
    lane->first = waiting->next;
    lane->bytes -= waiting->bytes;
    turns->bytes -= waiting->bytes;
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

static void *take(void *self)
{
    struct node_turns *turns = self;

    for (unsigned i = 0; i < NODE_TURN_COUNT; i++) {
        unsigned at = (turns->next + i) % NODE_TURN_COUNT;
        void *item = turn_pop(turns, &turns->turns[at]);

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
    node_wait_finish(&turns->wait);
    free(turns);
}

bool node_turns_push(struct node_turns *turns, enum node_turn turn, const struct id *peer,
                     void *item, size_t bytes)
{
    bool done;

    pthread_mutex_lock(&turns->wait.lock);
    done = !turns->wait.closed && turn_push(turns, &turns->turns[turn], peer, item, bytes);
    if (done)
        pthread_cond_signal(&turns->wait.filled);
    pthread_mutex_unlock(&turns->wait.lock);
    return done;
}

void *node_turns_pop(struct node_turns *turns, uint64_t wait_ms)
{
    return node_wait_pop(&turns->wait, wait_ms, take, turns);
}

void node_turns_close(struct node_turns *turns)
{
    node_wait_close(&turns->wait);
}

bool node_turns_is_closed(struct node_turns *turns)
{
    return node_wait_is_closed(&turns->wait);
}
