#include "node/node_lanes.h"

#include <stdlib.h>

#include "common/map.h"
#include "node/node_wait.h"

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
    struct node_wait wait; /* its lock protects everything below */
    struct map map;        /* peer -> lane */
    struct lane *first, **end;
    struct node_lanes_room used; /* by all but the owner */
    bool refused;
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

    if (!lanes)
        return NULL;
    lanes->each = each;
    lanes->all = all;
    lanes->end = &lanes->first;
    node_wait_init(&lanes->wait);
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
    pthread_cond_signal(&lanes->wait.filled);
    return true;
}

/* The first item of the first lane; the lane goes to the end, or away when it is empty. */
static void *take(void *self)
{
    struct node_lanes *lanes = self;
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
    pthread_cond_signal(&lanes->wait.drained);
    return item;
}

static enum node_lanes_taken try_put(struct node_lanes *lanes, const struct id *peer, void *item,
                                     size_t bytes)
{
    const struct lane *lane = map_get(&lanes->map, peer);

    if (lanes->wait.closed)
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
    node_wait_finish(&lanes->wait);
    free(lanes);
}

enum node_lanes_taken node_lanes_try_push(struct node_lanes *lanes, const struct id *peer,
                                          void *item, size_t bytes)
{
    enum node_lanes_taken taken;

    pthread_mutex_lock(&lanes->wait.lock);
    taken = try_put(lanes, peer ? peer : &owner, item, bytes);
    if (taken == NODE_LANES_LATER || (taken == NODE_LANES_NEVER && !peer))
        lanes->refused = true;
    pthread_mutex_unlock(&lanes->wait.lock);
    return taken;
}

bool node_lanes_push(struct node_lanes *lanes, const struct id *peer, void *item, size_t bytes)
{
    const struct lane *mine;
    bool done;

    pthread_mutex_lock(&lanes->wait.lock);
    while (peer && !lanes->wait.closed && !has_room(&lanes->used, &lanes->all, bytes))
        pthread_cond_wait(&lanes->wait.drained, &lanes->wait.lock);
    mine = peer ? NULL : map_get(&lanes->map, &owner);
    done = !lanes->wait.closed && (!mine || has_room(&mine->used, &lanes->all, bytes)) &&
           put(lanes, peer ? peer : &owner, item, bytes);
    pthread_mutex_unlock(&lanes->wait.lock);
    return done;
}

void *node_lanes_pop(struct node_lanes *lanes, uint64_t wait_ms)
{
    return node_wait_pop(&lanes->wait, wait_ms, take, lanes);
}

void node_lanes_close(struct node_lanes *lanes)
{
    node_wait_close(&lanes->wait);
}

bool node_lanes_is_closed(struct node_lanes *lanes)
{
    return node_wait_is_closed(&lanes->wait);
}

bool node_lanes_take_relief(struct node_lanes *lanes)
{
    const struct lane *mine;
    bool relief;

    pthread_mutex_lock(&lanes->wait.lock);
    mine = lanes->refused ? map_get(&lanes->map, &owner) : NULL;
    relief = lanes->refused && has_much_room(&lanes->used, &lanes->all) &&
             (!mine || has_much_room(&mine->used, &lanes->each));
    if (relief)
        lanes->refused = false;
    pthread_mutex_unlock(&lanes->wait.lock);
    return relief;
}
