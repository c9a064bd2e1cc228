#include "node/net/live.h"

#include "common/live_message.h"
#include "common/log.h"
#include "node/net/gate.h"
#include "node/net/linkset.h"
#include "node/net/queue.h"
#include "node/net/service.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define READ_AT_ONCE 256
#define REST_MS 10 /* of a link on which more comes than LIMIT_LIVE_PER_SECOND */
#define QUEUE_BYTES (32 * 1024 * 1024)
/* A listener sends only its topics. Must let CURVE's handshake pass, about 500 bytes. */
#define LISTENER_FRAME_SIZE 1024
/* Topics of all listeners together: a thousand listeners with as many as they may have. libzmq
 * cannot refuse a topic, nor tell whose it was once its owner has gone. */
#define TOPICS_MAX (1024 * LIMIT_TOPICS_PER_LISTENER)

struct live {
    struct live_config config;
    struct service service;
    struct linkset links;
    size_t topics; /* subscribed to now */
    atomic_ullong sent;
    pthread_mutex_t lock; /* protects what follows */
    struct queue queue;
    uint64_t dropped;
};

/* --- publishing ---------------------------------------------------------------------------------
 */

bool live_publish(struct live *live, const char *topic, struct span payload, bool *first)
{
    struct queue_item item = {0};
    bool taken = live_message_append(&item.message, topic, payload);

    *first = false;
    pthread_mutex_lock(&live->lock);
    if (taken) {
        *first = live->queue.count == 0;
        taken = queue_push(&live->queue, &item);
    }
    if (!taken)
        live->dropped++;
    pthread_mutex_unlock(&live->lock);
    buffer_finish(&item.message);
    return taken;
}

/* XPUB never blocks: who cannot keep up misses messages. */
static void publish_waiting(struct live *live)
{
    struct queue_item item;

    while (queue_take(&live->queue, &live->lock, &item)) {
        atomic_fetch_add(&live->sent, 1);
        if (live->service.socket)
            socket_send(live->service.socket, &item.message);
        buffer_finish(&item.message);
    }
}

/* Listeners send nothing but their topics, which libzmq has already taken in. We only count. */
static void read_service(void *context, short events)
{
    struct live *live = context;
    struct socket_message message;

    (void)events;
    for (int i = 0; i < READ_AT_ONCE && live->service.socket; i++) {
        struct span frame;

        if (!socket_receive(live->service.socket, &message))
            return;
        frame = socket_frame(&message, 0);
        if (frame.size && frame.data[0] == 1)
            live->topics++;
        else if (frame.size && frame.data[0] == 0 && live->topics)
            live->topics--;
        socket_message_finish(&message);
    }
    if (live->topics > TOPICS_MAX) {
        log_warning("live.topics", "count", log_number((long long)live->topics), "action",
                    "every listener must connect again");
        live_cut(live);
    }
}

/* --- following partners -------------------------------------------------------------------------
 */

static bool is_partner(struct live *live, const struct link *link)
{
    struct access_entry entry;

    return live->config.plants->trusts_connections ||
           (access_table_find(live->config.access, &link->server_key, &entry) &&
            entry.role == ACCESS_PARTNER && id_equal(&entry.feed, &link->peer));
}

static void take(struct live *live, struct link *link, struct socket_message *message)
{
    const struct net_plants *plants = live->config.plants;
    const struct net_events *events = live->config.events;
    struct span topic, payload;

    if (message->count != 1 || !live_message_parse(socket_frame(message, 0), &topic, &payload))
        link_break(link, "the partner sends what is not a live message");
    else if (!is_partner(live, link))
        link_break(link, "no longer a partner");
    else if (!plants->drop_live || !plants->drop_live(plants->drop_self))
        events->live(events->self, &link->peer, topic, payload);
    if (!pace_take(&link->pace, LIMIT_LIVE_PER_SECOND, 1, socket_now_ms()))
        link->rest_ms = socket_now_ms() + REST_MS;
}

static void read_link(void *context, short events)
{
    struct link *link = context;
    struct live *live = link->owner->self;
    struct socket_message message;

    (void)events;
    link->rest_ms = 0;
    for (int i = 0; i < READ_AT_ONCE && link->socket && !link->rest_ms; i++) {
        if (!socket_receive(link->socket, &message))
            return;
        take(live, link, &message);
        socket_message_finish(&message);
    }
}

static void link_changed(void *self, const struct net_link *change)
{
    struct live *live = self;

    live->config.events->link(live->config.events->self, change);
}

int live_set_partners(struct live *live, const struct net_partner *partners, size_t count,
                      struct error *error)
{
    return linkset_update(&live->links, partners, count, error);
}

void live_redial(struct live *live, const struct id *feed)
{
    struct link *link = linkset_find(&live->links, feed);

    if (link)
        link_redial(link);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int prepare(void *socket, struct error *error)
{
    int one = 1;

    /* Every subscription is told, also one to a topic that others have: they are counted. */
    if (zmq_setsockopt(socket, ZMQ_XPUB_VERBOSER, &one, sizeof one) != 0)
        return error_set(error, ERROR_IO, "cannot set up live: %s", zmq_strerror(errno));
    return ERROR_NONE;
}

int live_create(const struct live_config *config, struct live **out, struct error *error)
{
    struct live *live = calloc(1, sizeof *live);

    if (!live)
        return error_memory(error);
    live->config = *config;
    live->queue = (struct queue){.max_count = LIMIT_LIVE_QUEUE, .max_bytes = QUEUE_BYTES};
    live->service = (struct service){.context = config->context,
                                     .prepare = prepare,
                                     .settings = {.type = ZMQ_XPUB,
                                                  .key = config->key,
                                                  .domain = GATE_LIVE,
                                                  .max_size = LISTENER_FRAME_SIZE,
                                                  .send_queue = LIMIT_LIVE_PER_SUBSCRIBER,
                                                  .receive_queue = 1000}};
    if (config->listen)
        strncpy(live->service.wanted, config->listen, NET_ENDPOINT_SIZE);
    linkset_init(&live->links, NET_LIVE_OUT, config->context, config->key, config->plants, live,
                 link_changed);
    pthread_mutex_init(&live->lock, NULL);
    *out = live;
    return ERROR_NONE;
}

int live_open(struct live *live, struct error *error)
{
    live->service.settings.lax = live->config.plants->lax_domain;
    return service_open(&live->service, error);
}

const char *live_endpoint(const struct live *live)
{
    return live->service.bound;
}

void live_cut(struct live *live)
{
    live->topics = 0;
    service_reopen(&live->service);
}

void live_use_key(struct live *live, const struct secret *key)
{
    live->service.settings.key = live->links.owner.key = key;
    linkset_restart(&live->links, "our transport key is another one");
    live_cut(live);
}

void live_close(struct live *live, const char *reason)
{
    service_close(&live->service);
    linkset_clear(&live->links, reason);
}

void live_destroy(struct live *live)
{
    if (!live)
        return;
    queue_finish(&live->queue);
    pthread_mutex_destroy(&live->lock);
    free(live);
}

void live_poll(struct live *live, struct pollset *set)
{
    linkset_poll(&live->links, set, read_link);
    if (live->service.socket)
        pollset_add(set, live->service.socket, 0, ZMQ_POLLIN, read_service, live);
}

long live_tick(struct live *live)
{
    publish_waiting(live);
    return linkset_sooner(linkset_tick(&live->links), service_tick(&live->service));
}

void live_get_counts(struct live *live, struct net_counts *counts)
{
    pthread_mutex_lock(&live->lock);
    counts->live_sent = atomic_load(&live->sent);
    counts->live_dropped = live->dropped;
    pthread_mutex_unlock(&live->lock);
}
