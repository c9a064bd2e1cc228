#include "node/net/sync.h"

#include "common/log.h"
#include "node/net/gate.h"
#include "node/net/linkset.h"
#include "node/net/pace.h"
#include "node/net/queue.h"
#include "node/net/service.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROUTE_SIZE 255   /* of a ZeroMQ routing id */
#define SILENCE_MS 60000 /* the dialling side says hello every 15 s */
#define SWEEP_MS 1000    /* how often silence is looked for */
/* Whoever keeps no pace is not read from for so long, so that its connection fills up and it has to
 * wait. All who have dialled us are read from one socket, message by message in turn: each message
 * of theirs waits no longer than this. */
#define REST_MS 4
#define AGAIN_MS 5        /* a full pipe or a full queue is tried again */
#define READ_AT_ONCE 64   /* messages of one socket in one turn */
#define SEND_AT_ONCE 16   /* messages to one peer in one turn */
#define QUEUE_MESSAGES 64 /* to one peer: answers to two pulls and small talk … */
#define QUEUE_BYTES (8 * LIMIT_MESSAGE_SIZE)
#define READERS 256 /* peers that are not partners; the one silent longest gives way */
#define BUCKETS 256

/* Somebody we can send to; gone as soon as neither link nor route is left. */
struct peer {
    struct peer *next; /* in its bucket */
    struct id id;
    struct queue queue; /* under the lock */
    struct link *link;  /* NULL unless up */
    enum access_role role;
    struct id key; /* of the route */
    uint8_t route[ROUTE_SIZE];
    size_t route_size;        /* 0: no route */
    uint64_t heard_ms;        /* on the route */
    struct pace small, large; /* of its messages */
    char address[64];
};

struct sync {
    struct sync_config config;
    struct service service;
    struct linkset links;
    pthread_mutex_t lock; /* protects the buckets' shape and every queue */
    struct peer *buckets[BUCKETS];
    size_t readers;
    atomic_size_t queued; /* messages in all queues */
    atomic_ullong sent, received, refused;
    uint64_t sweep_ms;
    uint64_t rest_ms; /* the service is not read from until then */
    bool blocked;     /* something could not be sent in this turn */
    struct {
        bool full;
        struct id peer;
        enum access_role role;
        struct buffer message;
    } held; /* refused by the message event; nothing more is read until it is taken */
};

/* --- peers --------------------------------------------------------------------------------------
 */

static struct peer **bucket_of(struct sync *sync, const struct id *id)
{
    return &sync->buckets[id->bytes[0] % BUCKETS];
}

/* The net thread needs no lock: only it changes the buckets. */
static struct peer *peer_find(struct sync *sync, const struct id *id)
{
    for (struct peer *peer = *bucket_of(sync, id); peer; peer = peer->next)
        if (id_equal(&peer->id, id))
            return peer;
    return NULL;
}

static struct peer *peer_add(struct sync *sync, const struct id *id)
{
    struct peer *peer = peer_find(sync, id), **bucket = bucket_of(sync, id);

    if (peer)
        return peer;
    peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->id = *id;
    peer->queue.max_count = QUEUE_MESSAGES;
    peer->queue.max_bytes = QUEUE_BYTES;
    pthread_mutex_lock(&sync->lock);
    peer->next = *bucket;
    *bucket = peer;
    pthread_mutex_unlock(&sync->lock);
    return peer;
}

static void peer_drop_if_gone(struct sync *sync, struct peer *peer)
{
    struct peer **at = bucket_of(sync, &peer->id);

    if (peer->link || peer->route_size)
        return;
    pthread_mutex_lock(&sync->lock);
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    pthread_mutex_unlock(&sync->lock);
    atomic_fetch_sub(&sync->queued, peer->queue.count);
    queue_finish(&peer->queue);
    free(peer);
}

/* visit may drop the peer. */
static void peers_each(struct sync *sync, void (*visit)(struct sync *, struct peer *, void *),
                       void *argument)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct peer *peer = sync->buckets[i], *next; peer; peer = next) {
            next = peer->next;
            visit(sync, peer, argument);
        }
}

/* --- routes: who reached us ----------------------------------------------------------------- */

/* Of partners only: nobody asks how the links of readers are, and there may be many. */
static void tell_route(struct sync *sync, const struct id *id, const struct id *key,
                       const char *address, bool up, const char *reason)
{
    const struct net_link change = {.peer = *id,
                                    .kind = NET_SYNC_IN,
                                    .up = up,
                                    .reason = reason,
                                    .endpoint = address,
                                    .key = *key};

    sync->config.events->link(sync->config.events->self, &change);
}

/* Told once it is done: from the event on, sync_send refuses. */
static void route_drop(struct sync *sync, struct peer *peer, const char *reason)
{
    const bool reader = peer->role != ACCESS_PARTNER;
    struct id id = peer->id, key = peer->key;
    char address[sizeof peer->address];

    if (!peer->route_size)
        return;
    memcpy(address, peer->address, sizeof address);
    peer->route_size = 0;
    if (reader)
        sync->readers--;
    peer_drop_if_gone(sync, peer);
    if (!reader)
        tell_route(sync, &id, &key, address, false, reason);
}

static void find_oldest_reader(struct sync *sync, struct peer *peer, void *argument)
{
    struct peer **oldest = argument;

    (void)sync;
    if (peer->route_size && peer->role != ACCESS_PARTNER &&
        (!*oldest || peer->heard_ms < (*oldest)->heard_ms))
        *oldest = peer;
}

static void make_room_for_reader(struct sync *sync)
{
    struct peer *oldest = NULL;

    if (sync->readers < READERS)
        return;
    peers_each(sync, find_oldest_reader, &oldest);
    if (oldest)
        route_drop(sync, oldest, "too many readers");
}

/* false: out of memory. */
static bool route_note(struct sync *sync, const struct access_entry *entry,
                       struct socket_message *message)
{
    struct peer *peer = peer_find(sync, access_peer(entry));
    struct span route = socket_frame(message, 0);
    const char *address = zmq_msg_gets(&message->frames[1], "Peer-Address");
    bool fresh = !peer || !peer->route_size || !id_equal(&peer->key, &entry->key);

    if (fresh && entry->role != ACCESS_PARTNER)
        make_room_for_reader(sync);
    if (!peer)
        peer = peer_add(sync, access_peer(entry));
    if (!peer || route.size == 0 || route.size > ROUTE_SIZE)
        return false;
    memcpy(peer->route, route.data, route.size);
    peer->route_size = route.size;
    peer->heard_ms = socket_now_ms();
    peer->key = entry->key;
    if (fresh) {
        peer->role = entry->role;
        strncpy(peer->address, address ? address : "", sizeof peer->address - 1);
        if (entry->role == ACCESS_PARTNER)
            tell_route(sync, &peer->id, &peer->key, peer->address, true, "");
        else
            sync->readers++;
    }
    return true;
}

/* --- receiving ----------------------------------------------------------------------------------
 */

static bool offer(struct sync *sync)
{
    const struct net_events *events = sync->config.events;

    if (sync->held.full &&
        events->message(events->self, &sync->held.peer, sync->held.role, &sync->held.message)) {
        buffer_finish(&sync->held.message);
        sync->held.full = false;
        atomic_fetch_add(&sync->received, 1);
    }
    return !sync->held.full;
}

/* Is it to be taken? A large one always: it may be the answer to a pull (or heads, which are up to
 * 1 MiB). Small ones are asked for again. */
static bool keeps_pace(struct sync *sync, const struct id *id, struct span message,
                       uint64_t *rest_ms)
{
    struct peer *peer = peer_find(sync, id);
    bool small = message.size <= LIMIT_SYNC_SMALL_SIZE;
    uint64_t now = socket_now_ms();

    if (!peer || pace_take(small ? &peer->small : &peer->large, LIMIT_SYNC_PER_SECOND,
                           1 + message.size / LIMIT_SYNC_LARGE_SIZE, now))
        return true;
    *rest_ms = now + REST_MS;
    return !small;
}

/* Whoever may only ask has nothing large to say. It is not worth a look, nor an answer. */
static bool is_too_large(const struct access_entry *entry, struct span message)
{
    return message.size > LIMIT_REQUEST_SIZE && !access_may(entry->role, ACCESS_SPEAK);
}

/* *rest_ms: set when no more should be read from there for a moment. */
static void deliver(struct sync *sync, const struct access_entry *entry, struct span message,
                    uint64_t *rest_ms)
{
    if (!keeps_pace(sync, access_peer(entry), message, rest_ms) || is_too_large(entry, message)) {
        atomic_fetch_add(&sync->refused, 1);
        return;
    }
    buffer_finish(&sync->held.message);
    if (!buffer_append(&sync->held.message, message.data, message.size)) {
        atomic_fetch_add(&sync->refused, 1);
        return; /* lost like on a broken link: the protocol asks again */
    }
    sync->held.peer = *access_peer(entry);
    sync->held.role = entry->role;
    sync->held.full = true;
    offer(sync);
}

struct by_key {
    struct id key;
    struct peer *found;
};

static void find_by_key(struct sync *sync, struct peer *peer, void *argument)
{
    struct by_key *search = argument;

    (void)sync;
    if (peer->route_size && id_equal(&peer->key, &search->key))
        search->found = peer;
}

/* Somebody who may not speak does so: forget where it is. */
static void refuse(struct sync *sync, struct socket_message *message, const char *reason)
{
    struct by_key search = {0};

    atomic_fetch_add(&sync->refused, 1);
    log_debug("sync.refused", "reason", reason);
    if (message->count < 2 || !socket_sender(message, 1, &search.key))
        return;
    peers_each(sync, find_by_key, &search);
    if (search.found)
        route_drop(sync, search.found, reason);
}

static bool look_up(struct sync *sync, const struct id *key, struct access_entry *entry)
{
    struct by_key search = {.key = *key};

    if (access_table_find(sync->config.access, key, entry) && access_may(entry->role, ACCESS_SYNC))
        return true;
    if (!sync->config.plants->trusts_connections)
        return false;
    peers_each(sync, find_by_key, &search);
    entry->role = ACCESS_PARTNER;
    entry->feed = search.found ? search.found->id : *key;
    return true;
}

static void take_routed(struct sync *sync, struct socket_message *message)
{
    struct access_entry entry;
    struct id key;

    if (message->count != 2 && !sync->config.plants->takes_many_frames)
        refuse(sync, message, "a message must be one frame");
    else if (message->count < 2 || !socket_sender(message, 1, &key))
        refuse(sync, message, "not authenticated");
    else if (!look_up(sync, &key, &entry))
        refuse(sync, message, "no right to use sync");
    else if (route_note(sync, &entry, message))
        deliver(sync, &entry, socket_frame(message, 1), &sync->rest_ms);
}

static void read_service(void *context, short events)
{
    struct sync *sync = context;
    struct socket_message message;

    (void)events;
    sync->rest_ms = 0;
    for (int i = 0; i < READ_AT_ONCE && !sync->held.full && !sync->rest_ms && sync->service.socket;
         i++) {
        if (!socket_receive(sync->service.socket, &message))
            return;
        take_routed(sync, &message);
        socket_message_finish(&message);
    }
}

static void take_linked(struct sync *sync, struct link *link, struct socket_message *message)
{
    struct access_entry entry;

    if (message->count != 1 && !sync->config.plants->takes_many_frames)
        link_break(link, "the partner sends messages of several frames");
    else if ((!access_table_find(sync->config.access, &link->server_key, &entry) ||
              !access_may(entry.role, ACCESS_SPEAK) || !id_equal(&entry.feed, &link->peer)) &&
             !sync->config.plants->trusts_connections)
        link_break(link, "no longer a partner");
    else {
        entry = (struct access_entry){.role = ACCESS_PARTNER, .feed = link->peer};
        deliver(sync, &entry, socket_frame(message, 0), &link->rest_ms);
        return;
    }
    atomic_fetch_add(&sync->refused, 1);
}

static void read_link(void *context, short events)
{
    struct link *link = context;
    struct sync *sync = link->owner->self;
    struct socket_message message;

    (void)events;
    link->rest_ms = 0;
    for (int i = 0; i < READ_AT_ONCE && !sync->held.full && !link->rest_ms && link->socket; i++) {
        if (!socket_receive(link->socket, &message))
            return;
        take_linked(sync, link, &message);
        socket_message_finish(&message);
    }
}

/* --- sending ------------------------------------------------------------------------------------
 */

bool sync_send(struct sync *sync, const struct id *id, struct buffer *message)
{
    struct queue_item item = {.message = *message};
    struct peer *peer;
    bool taken;

    if (message->size > LIMIT_MESSAGE_SIZE)
        return false;
    pthread_mutex_lock(&sync->lock);
    peer = peer_find(sync, id);
    taken = peer && queue_push(&peer->queue, &item);
    if (taken)
        atomic_fetch_add(&sync->queued, 1);
    pthread_mutex_unlock(&sync->lock);
    if (taken)
        *message = (struct buffer){0};
    return taken;
}

enum sent { SENT, SENT_LATER, SENT_NEVER };

static enum sent send_on(struct sync *sync, struct peer *peer, struct buffer *message)
{
    if (peer->link) {
        if (!socket_can_send(peer->link->socket))
            return SENT_LATER;
        /* One that was lost after all is asked for again. */
        return socket_send(peer->link->socket, message) || !message->data ? SENT : SENT_LATER;
    }
    if (!sync->service.socket)
        return SENT_NEVER;
    /* MANDATORY: EAGAIN when the route is full, EHOSTUNREACH when it is gone. */
    if (zmq_send(sync->service.socket, peer->route, peer->route_size, ZMQ_DONTWAIT | ZMQ_SNDMORE) <
        0)
        return errno == EAGAIN ? SENT_LATER : SENT_NEVER;
    return socket_send(sync->service.socket, message) ? SENT : SENT_NEVER;
}

static void put_back(struct sync *sync, struct peer *peer, struct queue_item *item)
{
    pthread_mutex_lock(&sync->lock);
    if (!queue_unpop(&peer->queue, item)) /* out of memory: lost, the protocol repairs it */
        atomic_fetch_sub(&sync->queued, 1);
    pthread_mutex_unlock(&sync->lock);
    buffer_finish(&item->message);
}

static void flush_peer(struct sync *sync, struct peer *peer, void *argument)
{
    struct queue_item item;

    (void)argument;
    for (int i = 0; i < SEND_AT_ONCE && queue_take(&peer->queue, &sync->lock, &item); i++) {
        enum sent sent = send_on(sync, peer, &item.message);

        if (sent == SENT) {
            atomic_fetch_sub(&sync->queued, 1);
            atomic_fetch_add(&sync->sent, 1);
            buffer_finish(&item.message);
            continue;
        }
        put_back(sync, peer, &item);
        if (sent == SENT_LATER)
            sync->blocked = true;
        else
            route_drop(sync, peer, "the connection ended");
        return;
    }
}

/* --- links we dialled ----------------------------------------------------------------------- */

static void link_changed(void *self, const struct net_link *change)
{
    struct sync *sync = self;
    struct peer *peer;

    if (change->up) {
        peer = peer_add(sync, &change->peer);
        if (peer)
            peer->link = linkset_find(&sync->links, &change->peer);
    } else {
        peer = peer_find(sync, &change->peer);
        if (peer) {
            peer->link = NULL;
            peer_drop_if_gone(sync, peer);
        }
    }
    sync->config.events->link(sync->config.events->self, change);
}

int sync_set_partners(struct sync *sync, const struct net_partner *partners, size_t count,
                      struct error *error)
{
    return linkset_update(&sync->links, partners, count, error);
}

void sync_redial(struct sync *sync, const struct id *feed)
{
    struct link *link = linkset_find(&sync->links, feed);

    if (link)
        link_redial(link);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int prepare(void *socket, struct error *error)
{
    int one = 1;

    /* HANDOVER stays off: nobody takes over the routing id of somebody else. */
    if (zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &one, sizeof one) != 0)
        return error_set(error, ERROR_IO, "cannot set up sync: %s", zmq_strerror(errno));
    return ERROR_NONE;
}

int sync_create(const struct sync_config *config, struct sync **out, struct error *error)
{
    struct sync *sync = calloc(1, sizeof *sync);

    if (!sync)
        return error_memory(error);
    sync->config = *config;
    sync->service =
        (struct service){.context = config->context,
                         .prepare = prepare,
                         .settings = {.type = ZMQ_ROUTER,
                                      .key = config->key,
                                      .domain = GATE_SYNC,
                                      .max_size = LIMIT_MESSAGE_SIZE + SOCKET_CURVE_OVERHEAD,
                                      .send_queue = 16,
                                      .receive_queue = 16}};
    if (config->listen)
        strncpy(sync->service.wanted, config->listen, NET_ENDPOINT_SIZE);
    linkset_init(&sync->links, NET_SYNC_OUT, config->context, config->key, config->plants, sync,
                 link_changed);
    pthread_mutex_init(&sync->lock, NULL);
    *out = sync;
    return ERROR_NONE;
}

int sync_open(struct sync *sync, struct error *error)
{
    sync->service.settings.lax = sync->config.plants->lax_domain;
    return service_open(&sync->service, error);
}

const char *sync_endpoint(const struct sync *sync)
{
    return sync->service.bound;
}

static void drop_route(struct sync *sync, struct peer *peer, void *argument)
{
    route_drop(sync, peer, argument);
}

static void drop_all_routes(struct sync *sync, const char *reason)
{
    peers_each(sync, drop_route, (void *)(uintptr_t)reason);
}

void sync_cut(struct sync *sync, const char *reason)
{
    drop_all_routes(sync, reason);
    service_reopen(&sync->service);
}

void sync_use_key(struct sync *sync, const struct secret *key)
{
    sync->service.settings.key = sync->links.owner.key = key;
    linkset_restart(&sync->links, "our transport key is another one");
    sync_cut(sync, "our transport key is another one");
}

void sync_close(struct sync *sync, const char *reason)
{
    drop_all_routes(sync, reason);
    service_close(&sync->service);
    linkset_clear(&sync->links, reason);
}

void sync_destroy(struct sync *sync)
{
    if (!sync)
        return;
    buffer_finish(&sync->held.message);
    pthread_mutex_destroy(&sync->lock);
    free(sync);
}

void sync_poll(struct sync *sync, struct pollset *set)
{
    bool reads = offer(sync);

    linkset_poll(&sync->links, set, reads ? read_link : NULL);
    if (reads && sync->service.socket && socket_now_ms() >= sync->rest_ms)
        pollset_add(set, sync->service.socket, 0, ZMQ_POLLIN, read_service, sync);
}

static void expire(struct sync *sync, struct peer *peer, void *argument)
{
    uint64_t *oldest = argument;

    if (peer->route_size && peer->heard_ms < *oldest)
        route_drop(sync, peer, "nothing heard for a minute");
}

static void sweep(struct sync *sync)
{
    uint64_t now = socket_now_ms();
    uint64_t silence =
        sync->config.plants->silence_ms ? sync->config.plants->silence_ms : SILENCE_MS;
    uint64_t oldest = now > silence ? now - silence : 0;

    if (now < sync->sweep_ms)
        return;
    sync->sweep_ms = now + (silence < SWEEP_MS ? silence / 2 : SWEEP_MS);
    peers_each(sync, expire, &oldest);
}

long sync_tick(struct sync *sync)
{
    uint64_t now = socket_now_ms();
    long wait;

    sync->blocked = false;
    if (atomic_load(&sync->queued))
        peers_each(sync, flush_peer, NULL);
    sweep(sync);
    wait = linkset_sooner(linkset_tick(&sync->links), service_tick(&sync->service));
    if (sync->rest_ms > now)
        wait = linkset_sooner(wait, (long)(sync->rest_ms - now));
    if (sync->held.full || sync->blocked)
        return linkset_sooner(wait, AGAIN_MS);
    return atomic_load(&sync->queued) ? 0 : wait;
}

void sync_get_counts(const struct sync *sync, struct net_counts *counts)
{
    counts->sync_sent = atomic_load(&sync->sent);
    counts->sync_received = atomic_load(&sync->received);
    counts->sync_refused = atomic_load(&sync->refused);
}
