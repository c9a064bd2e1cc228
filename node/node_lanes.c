#include "node/node_lanes.h"

#include <stdlib.h>

#include "common/map.h"
#include "node/node_wait.h"

/* What a turn is worth: about what checking and storing one small message costs. */
#define TURN_BYTES ((size_t)16 * 1024)

struct waiting {
    struct waiting *next;
    void *item;
    size_t bytes;
    bool spare;
};

/* Gone as soon as it is empty. */
struct lane {
    struct lane *next; /* the first is served next, then goes to the end */
    struct id peer;
    struct waiting *first, **end;
    struct node_lanes_room used, spare; /* by what must not be lost, and by what may be */
    size_t saved;                       /* what its turns were worth for which nothing was taken */
};

struct node_lanes {
    struct node_lanes_room each, all;
    struct node_lanes_room each_spare, all_spare; /* half of them */
    struct node_wait wait;                        /* its lock protects everything below */
    struct map map;                               /* peer -> lane */
    struct lane *first, **end;
    struct node_lanes_room used, spare; /* as in a lane, by all but the owner */
    bool refused;
};

/* No feed and no key is zero. */
static const struct id owner;

static bool is_owner(const struct id *peer)
{
    return id_is_zero(peer);
}

static struct node_lanes_room half_of(struct node_lanes_room room)
{
    return (struct node_lanes_room){room.items / 2, room.bytes / 2};
}

struct node_lanes *node_lanes_create(struct node_lanes_room each, struct node_lanes_room all)
{
    struct node_lanes *lanes = calloc(1, sizeof *lanes);

    if (!lanes)
        return NULL;
    lanes->each = each;
    lanes->all = all;
    lanes->each_spare = half_of(each);
    lanes->all_spare = half_of(all);
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

static struct node_lanes_room *used_by(struct lane *lane, bool spare)
{
    return spare ? &lane->spare : &lane->used;
}

static struct node_lanes_room *used_by_all(struct node_lanes *lanes, bool spare)
{
    return spare ? &lanes->spare : &lanes->used;
}

/* false: out of memory. */
static bool put(struct node_lanes *lanes, const struct id *peer, void *item, size_t bytes,
                bool spare)
{
    struct waiting *waiting = malloc(sizeof *waiting);
    struct lane *lane = waiting ? map_get(&lanes->map, peer) : NULL;

    if (waiting && !lane)
        lane = add_lane(lanes, peer);
    if (!lane) {
        free(waiting);
        return false;
    }
    *waiting = (struct waiting){NULL, item, bytes, spare};
    *lane->end = waiting;
    lane->end = &waiting->next;
    use(used_by(lane, spare), bytes);
    if (!is_owner(peer))
        use(used_by_all(lanes, spare), bytes);
    pthread_cond_signal(&lanes->wait.filled);
    return true;
}

/* Takes the first lane out of the turns. */
static struct lane *next_lane(struct node_lanes *lanes)
{
    struct lane *lane = lanes->first;

    lanes->first = lane->next;
    if (!lanes->first)
        lanes->end = &lanes->first;
    return lane;
}

static void *take_first(struct node_lanes *lanes, struct lane *lane)
{
    struct waiting *waiting = lane->first;
    void *item = waiting->item;

    lane->first = waiting->next;
    if (!lane->first)
        lane->end = &lane->first;
    give_back(used_by(lane, waiting->spare), waiting->bytes);
    if (!is_owner(&lane->peer))
        give_back(used_by_all(lanes, waiting->spare), waiting->bytes);
    free(waiting);
    return item;
}

/* The first item of the lane whose turn it is: a big one has to save for as many turns as it is
 * worth (deficit round robin), so nobody gets more done by sending more at once. Each turn gives
 * somebody TURN_BYTES of what waits, so this ends soon. The lane goes to the end, or away. */
static void *take(void *self)
{
    struct node_lanes *lanes = self;

    while (lanes->first) {
        struct lane *lane = next_lane(lanes);
        size_t cost = lane->first->bytes > TURN_BYTES ? lane->first->bytes : TURN_BYTES;
        void *item = NULL;

        lane->saved += TURN_BYTES;
        if (lane->saved >= cost) {
            lane->saved -= cost;
            item = take_first(lanes, lane);
        }
        if (lane->first) {
            queue_lane(lanes, lane);
        } else {
            map_remove(&lanes->map, &lane->peer);
            free(lane);
        }
        if (item) {
            pthread_cond_signal(&lanes->wait.drained);
            return item;
        }
    }
    return NULL;
}

static enum node_lanes_taken try_put(struct node_lanes *lanes, const struct id *peer, void *item,
                                     size_t bytes, bool spare)
{
    const struct node_lanes_room *each = spare ? &lanes->each_spare : &lanes->each;
    const struct node_lanes_room *all = spare ? &lanes->all_spare : &lanes->all;
    struct lane *lane = map_get(&lanes->map, peer);

    if (lanes->wait.closed)
        return NODE_LANES_LATER;
    if (lane && !has_room(used_by(lane, spare), each, bytes))
        return NODE_LANES_NEVER;
    if (!is_owner(peer) && !has_room(used_by_all(lanes, spare), all, bytes))
        return NODE_LANES_LATER;
    return put(lanes, peer, item, bytes, spare) ? NODE_LANES_TAKEN : NODE_LANES_LATER;
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
    taken = try_put(lanes, peer ? peer : &owner, item, bytes, false);
    if (taken == NODE_LANES_LATER || (taken == NODE_LANES_NEVER && !peer))
        lanes->refused = true;
    pthread_mutex_unlock(&lanes->wait.lock);
    return taken;
}

bool node_lanes_try_spare(struct node_lanes *lanes, const struct id *peer, void *item, size_t bytes)
{
    bool done;

    pthread_mutex_lock(&lanes->wait.lock);
    done = try_put(lanes, peer, item, bytes, true) == NODE_LANES_TAKEN;
    pthread_mutex_unlock(&lanes->wait.lock);
    return done;
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
           put(lanes, peer ? peer : &owner, item, bytes, false);
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
