#include "node/node_lanes.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/map.h"

struct waiting {
    struct waiting *next;
    void *item;
    size_t bytes;
};

/* Gone as soon as it is empty. */
struct lane {
    struct lane *next; /* the first is served next, then goes to the end */
    struct id peer;
    struct waiting *first, **end;
    struct node_lanes_room used;
};

struct node_lanes {
    struct node_lanes_room each, all;
    pthread_mutex_t lock; /* protects everything below */
    pthread_cond_t filled, drained;
    struct map map; /* peer -> lane */
    struct lane *first, **end;
    struct node_lanes_room used; /* by all but the owner */
    bool closed, refused;
};

/* No feed and no key is zero. */
static const struct id owner;

static bool is_owner(const struct id *peer)
{
    return id_is_zero(peer);
}

struct node_lanes *node_lanes_create(struct node_lanes_room each, struct node_lanes_room all)
{
    struct node_lanes *lanes = calloc(1, sizeof *lanes);
    pthread_condattr_t monotonic;

    if (!lanes)
        return NULL;
    lanes->each = each;
    lanes->all = all;
    lanes->end = &lanes->first;
    pthread_mutex_init(&lanes->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&lanes->filled, &monotonic);
    pthread_cond_init(&lanes->drained, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return lanes;
}

/* --- under the lock --------------------------------------------------------------------------- */

/* The last one may pass the limit of bytes: an item is not cut in two. */
static bool has_room(const struct node_lanes_room *used, const struct node_lanes_room *limit,
                     size_t bytes)
{
    return used->items < limit->items && (!used->items || used->bytes + bytes <= limit->bytes);
}

static void use(struct node_lanes_room *used, size_t bytes)
{
    used->items++;
    used->bytes += bytes;
}

static void give_back(struct node_lanes_room *used, size_t bytes)
{
    used->items--;
    used->bytes -= bytes;
}

static void queue_lane(struct node_lanes *lanes, struct lane *lane)
{
    lane->next = NULL;
    *lanes->end = lane;
    lanes->end = &lane->next;
}

static struct lane *add_lane(struct node_lanes *lanes, const struct id *peer)
{
    struct lane *lane = calloc(1, sizeof *lane);

    if (!lane)
        return NULL;
    lane->peer = *peer;
    lane->end = &lane->first;
    if (!map_put(&lanes->map, peer, lane)) {
        free(lane);
        return NULL;
    }
    queue_lane(lanes, lane);
    return lane;
}

/* false: out of memory. */
static bool put(struct node_lanes *lanes, const struct id *peer, void *item, size_t bytes)
{
    struct waiting *waiting = malloc(sizeof *waiting);
    struct lane *lane = waiting ? map_get(&lanes->map, peer) : NULL;

    if (waiting && !lane)
        lane = add_lane(lanes, peer);
    if (!lane) {
        free(waiting);
        return false;
    }
    *waiting = (struct waiting){NULL, item, bytes};
    *lane->end = waiting;
    lane->end = &waiting->next;
    use(&lane->used, bytes);
    if (!is_owner(peer))
        use(&lanes->used, bytes);
    pthread_cond_signal(&lanes->filled);
    return true;
}

/* The first item of the first lane; the lane goes to the end, or away when it is empty. */
static void *take(struct node_lanes *lanes)
{
    struct lane *lane = lanes->first;
    struct waiting *waiting;
    void *item;

    if (!lane)
        return NULL;
    waiting = lane->first;
    item = waiting->item;
    lane->first = waiting->next;
    give_back(&lane->used, waiting->bytes);
    if (!is_owner(&lane->peer))
        give_back(&lanes->used, waiting->bytes);
    free(waiting);
    lanes->first = lane->next;
    if (!lanes->first)
        lanes->end = &lanes->first;
    if (lane->used.items) {
        queue_lane(lanes, lane);
    } else {
        map_remove(&lanes->map, &lane->peer);
        free(lane);
    }
    pthread_cond_signal(&lanes->drained);
    return item;
}

static enum node_lanes_taken try_put(struct node_lanes *lanes, const struct id *peer, void *item,
                                     size_t bytes)
{
    const struct lane *lane = map_get(&lanes->map, peer);

    if (lanes->closed)
        return NODE_LANES_LATER;
    if (lane && !has_room(&lane->used, &lanes->each, bytes))
        return NODE_LANES_NEVER;
    if (!is_owner(peer) && !has_room(&lanes->used, &lanes->all, bytes))
        return NODE_LANES_LATER;
    return put(lanes, peer, item, bytes) ? NODE_LANES_TAKEN : NODE_LANES_LATER;
}

static bool has_much_room(const struct node_lanes_room *used, const struct node_lanes_room *limit)
{
    return used->items <= limit->items / 2 && used->bytes <= limit->bytes / 2;
}

/* --- for all threads -------------------------------------------------------------------------- */

void node_lanes_destroy(struct node_lanes *lanes, void (*discard)(void *item))
{
    void *item;

    if (!lanes)
        return;
    while ((item = take(lanes)))
        discard(item);
    map_finish(&lanes->map);
    pthread_cond_destroy(&lanes->filled);
    pthread_cond_destroy(&lanes->drained);
    pthread_mutex_destroy(&lanes->lock);
    free(lanes);
}

enum node_lanes_taken node_lanes_try_push(struct node_lanes *lanes, const struct id *peer,
                                          void *item, size_t bytes)
{
    enum node_lanes_taken taken;

    pthread_mutex_lock(&lanes->lock);
    taken = try_put(lanes, peer ? peer : &owner, item, bytes);
    if (taken == NODE_LANES_LATER || (taken == NODE_LANES_NEVER && !peer))
        lanes->refused = true;
    pthread_mutex_unlock(&lanes->lock);
    return taken;
}

bool node_lanes_push(struct node_lanes *lanes, const struct id *peer, void *item, size_t bytes)
{
    const struct lane *mine;
    bool done;

    pthread_mutex_lock(&lanes->lock);
    while (peer && !lanes->closed && !has_room(&lanes->used, &lanes->all, bytes))
        pthread_cond_wait(&lanes->drained, &lanes->lock);
    mine = peer ? NULL : map_get(&lanes->map, &owner);
    done = !lanes->closed && (!mine || has_room(&mine->used, &lanes->all, bytes)) &&
           put(lanes, peer ? peer : &owner, item, bytes);
    pthread_mutex_unlock(&lanes->lock);
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

void *node_lanes_pop(struct node_lanes *lanes, uint64_t wait_ms)
{
    struct timespec deadline = deadline_in(wait_ms);
    void *item;

    pthread_mutex_lock(&lanes->lock);
    while (!(item = take(lanes)) && !lanes->closed && wait_ms)
        if (pthread_cond_timedwait(&lanes->filled, &lanes->lock, &deadline))
            wait_ms = 0; /* looked at once more */
    pthread_mutex_unlock(&lanes->lock);
    return item;
}

void node_lanes_close(struct node_lanes *lanes)
{
    pthread_mutex_lock(&lanes->lock);
    lanes->closed = true;
    pthread_cond_broadcast(&lanes->filled);
    pthread_cond_broadcast(&lanes->drained);
    pthread_mutex_unlock(&lanes->lock);
}

bool node_lanes_is_closed(struct node_lanes *lanes)
{
    bool closed;

    pthread_mutex_lock(&lanes->lock);
    closed = lanes->closed;
    pthread_mutex_unlock(&lanes->lock);
    return closed;
}

bool node_lanes_take_relief(struct node_lanes *lanes)
{
    const struct lane *mine;
    bool relief;

    pthread_mutex_lock(&lanes->lock);
    mine = lanes->refused ? map_get(&lanes->map, &owner) : NULL;
    relief = lanes->refused && has_much_room(&lanes->used, &lanes->all) &&
             (!mine || has_much_room(&mine->used, &lanes->each));
    if (relief)
        lanes->refused = false;
    pthread_mutex_unlock(&lanes->lock);
    return relief;
}
