#include "node/net/net.h"

#include "common/log.h"
#include "node/net/control.h"
#include "node/net/gate.h"
#include "node/net/linkset.h"
#include "node/net/live.h"
#include "node/net/memory.h"
#include "node/net/net_internal.h"
#include "node/net/sync.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TURN_MS 1000      /* the longest sleep: losses of rights and memory are looked at */
#define SOCKETS_MAX 16384 /* four a partner */
/* Memory is looked at this often, and everyone is cut off for it at most this often. */
#define MEMORY_LOOK_MS 100
#define MEMORY_EVERY_MS 60000

/* What other threads want done, besides sending: under the lock. */
struct orders {
    bool partners_changed;
    struct net_partner *partners;
    size_t partner_count;
    struct id redial[64]; /* the newest ones; a lost one is dialled a little later anyway */
    size_t redial_count;
    const struct secret *transport; /* to be used from now on; NULL: no change */
    bool refused;                   /* the gate refused somebody: an event is due */
    struct id refused_key;
    char refused_service[16], refused_address[64];
};

struct net {
    struct net_config config; /* its texts point to the copies below */
    char network[LIMIT_NETWORK_SIZE + 1];
    char listen_live[NET_ENDPOINT_SIZE + 1], listen_sync[NET_ENDPOINT_SIZE + 1];
    char control_path[PATH_MAX];
    struct net_events inner; /* what our parts call: the caller's, and a look of our own */
    struct net_plants plants;

    void *context;
    struct gate *gate;
    struct sync *sync;
    struct live *live;
    struct control *control; /* NULL: none */
    struct pollset polled;

    pthread_t thread;
    bool started;
    int wake_fd;
    atomic_bool closed, stopping;
    pthread_mutex_t lock; /* protects orders */
    struct orders orders;

    /* the net thread's */
    uint64_t losses_seen;
    uint64_t memory_ms;      /* when memory was last set free */
    uint64_t memory_look_ms; /* … and is looked at next */
    bool gate_ended;         /* seen in this turn */
    bool dead;               /* … and acted upon: nothing is served any more */
};

const char *net_link_kind_name(enum net_link_kind kind)
{
    static const char *const names[] = {"live-out", "sync-out", "sync-in"};

    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

static void wake(struct net *net)
{
    uint64_t one = 1;

    /* Fails only when the counter is full: then the thread is awake anyway. */
    if (write(net->wake_fd, &one, sizeof one) < 0)
        return;
}

/* --- events -------------------------------------------------------------------------------------
 */

/* A partner that reaches us is alive: dial it without waiting for a long back-off to end. */
static void on_link(void *self, const struct net_link *change)
{
    struct net *net = self;

    net->config.events.link(net->config.events.self, change);
    if (change->kind == NET_SYNC_IN && change->up) {
        sync_redial(net->sync, &change->peer);
        live_redial(net->live, &change->peer);
    }
}

static bool on_message(void *self, const struct id *peer, enum access_role role,
                       struct buffer *message)
{
    struct net *net = self;

    return net->config.events.message(net->config.events.self, peer, role, message);
}

static void on_live(void *self, const struct id *from, struct span topic, struct span payload)
{
    struct net *net = self;

    net->config.events.live(net->config.events.self, from, topic, payload);
}

static bool on_control(void *self, const struct net_route *route, struct buffer *message)
{
    struct net *net = self;

    return net->config.events.control(net->config.events.self, route, message);
}

/* On the gate's thread. */
static void on_refused(void *self, const struct id *key, const char *service, const char *address)
{
    struct net *net = self;

    pthread_mutex_lock(&net->lock);
    net->orders.refused = true;
    net->orders.refused_key = *key;
    snprintf(net->orders.refused_service, sizeof net->orders.refused_service, "%s", service);
    snprintf(net->orders.refused_address, sizeof net->orders.refused_address, "%.63s", address);
    pthread_mutex_unlock(&net->lock);
    wake(net);
}

/* --- the net thread ------------------------------------------------------------------------- */

static void carry_out(struct net *net, struct orders *orders)
{
    struct error error = {0};

    if (orders->partners_changed && !net->dead) {
        int code = sync_set_partners(net->sync, orders->partners, orders->partner_count, &error);

        if (code == ERROR_NONE)
            code = live_set_partners(net->live, orders->partners, orders->partner_count, &error);
        if (code != ERROR_NONE)
            log_error("net.partners", "reason", error.text);
    }
    if (orders->transport && !net->dead) {
        log_info("net.key", "text", "the transport key is another one; all connect anew");
        sync_use_key(net->sync, orders->transport);
        live_use_key(net->live, orders->transport);
    }
    for (size_t i = 0; i < orders->redial_count; i++) {
        sync_redial(net->sync, &orders->redial[i]);
        live_redial(net->live, &orders->redial[i]);
    }
    if (orders->refused && net->config.events.refused)
        net->config.events.refused(net->config.events.self, &orders->refused_key,
                                   orders->refused_service, orders->refused_address);
    free(orders->partners);
}

static void take_orders(struct net *net)
{
    struct orders orders;

    pthread_mutex_lock(&net->lock);
    orders = net->orders;
    net->orders = (struct orders){0};
    pthread_mutex_unlock(&net->lock);
    carry_out(net, &orders);
}

static void cut_everyone(struct net *net, const char *reason)
{
    log_info("net.cut", "reason", reason);
    sync_cut(net->sync, reason);
    live_cut(net->live);
}

static void check_rights(struct net *net)
{
    uint64_t losses = access_table_losses(net->config.access);

    if (losses == net->losses_seen)
        return;
    net->losses_seen = losses;
    if (!net->plants.keeps_connections)
        cut_everyone(net, "rights have changed; everyone passes the gate again");
}

/* ZeroMQ counts neither the frames of a message that never ends nor the topics of a listener. */
static void check_memory(struct net *net)
{
    uint64_t now = socket_now_ms();

    if (!net->config.memory_limit || net->plants.no_memory_watch || now < net->memory_look_ms)
        return;
    net->memory_look_ms = now + MEMORY_LOOK_MS;
    if ((net->memory_ms && now - net->memory_ms < MEMORY_EVERY_MS) ||
        memory_resident() <= net->config.memory_limit)
        return;
    net->memory_ms = now;
    log_warning("net.memory", "limit", log_number((long long)net->config.memory_limit), "action",
                "all connections are cut");
    cut_everyone(net, "the node uses too much memory; all connections are cut");
    malloc_trim(0);
}

static void on_wake(void *context, short events)
{
    struct net *net = context;
    uint64_t count;

    (void)events;
    if (read(net->wake_fd, &count, sizeof count) < 0)
        return;
}

static void stop_serving(struct net *net, const char *reason)
{
    sync_close(net->sync, reason);
    live_close(net->live, reason);
}

static void on_gate_ended(void *context, short events)
{
    struct net *net = context;

    (void)events;
    net->gate_ended = true; /* handled by tick: closing here would pull links away from the turn */
}

static void die(struct net *net)
{
    static const char reason[] =
        "the gate has ended, nobody can be let in safely; start the node again";

    net->dead = true;
    stop_serving(net, reason);
    gate_close(net->gate);
    log_error("net.fatal", "reason", reason);
    net->config.events.fatal(net->config.events.self, reason);
}

static void build_pollset(struct net *net)
{
    struct pollset *set = &net->polled;

    pollset_clear(set);
    pollset_add(set, NULL, net->wake_fd, ZMQ_POLLIN, on_wake, net);
    if (net->gate && !net->dead && !net->plants.keeps_serving)
        pollset_add(set, NULL, gate_ended_fd(net->gate), ZMQ_POLLIN, on_gate_ended, net);
    if (net->control)
        control_poll(net->control, set);
    if (net->dead)
        return;
    sync_poll(net->sync, set);
    live_poll(net->live, set);
}

static long tick(struct net *net)
{
    long wait = TURN_MS;

    if (net->gate_ended && !net->dead)
        die(net);
    take_orders(net);
    if (net->control)
        wait = linkset_sooner(wait, control_tick(net->control));
    if (net->dead)
        return wait;
    check_rights(net);
    check_memory(net);
    wait = linkset_sooner(wait, live_tick(net->live));
    return linkset_sooner(wait, sync_tick(net->sync));
}

static void *run(void *argument)
{
    struct net *net = argument;

    pthread_setname_np(pthread_self(), "net");
    while (!atomic_load(&net->stopping)) {
        long wait = tick(net);

        build_pollset(net);
        if (!pollset_wait(&net->polled, wait)) {
            net->config.events.fatal(net->config.events.self, "ZeroMQ has stopped working");
            break;
        }
    }
    stop_serving(net, "the node stops");
    if (net->control)
        control_close(net->control);
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int copy_text(char *out, size_t size, const char **text, const char *what,
                     struct error *error)
{
    if (!*text)
        return ERROR_NONE;
    if (strlen(*text) >= size)
        return error_set(error, ERROR_INVALID, "the %s is longer than %zu bytes", what, size - 1);
    strcpy(out, *text);
    *text = out;
    return ERROR_NONE;
}

static int copy_config(struct net *net, const struct net_config *config, struct error *error)
{
    int code;

    net->config = *config;
    code =
        copy_text(net->network, sizeof net->network, &net->config.network, "network name", error);
    if (code == ERROR_NONE)
        code = copy_text(net->listen_live, sizeof net->listen_live, &net->config.listen_live,
                         "endpoint of live", error);
    if (code == ERROR_NONE)
        code = copy_text(net->listen_sync, sizeof net->listen_sync, &net->config.listen_sync,
                         "endpoint of sync", error);
    if (code == ERROR_NONE)
        code = copy_text(net->control_path, sizeof net->control_path, &net->config.control_path,
                         "path of the control socket", error);
    return code;
}

/* Only these carry CURVE. */
static int check_endpoint(const char *endpoint, const char *what, struct error *error)
{
    if (endpoint && strncmp(endpoint, "tcp://", 6) != 0)
        return error_set(error, ERROR_INVALID, "cannot listen on %s for %s; expected %s", endpoint,
                         what, "tcp://ADDRESS:PORT, for example tcp://0.0.0.0:7410");
    return ERROR_NONE;
}

static int make_context(struct net *net, struct error *error)
{
    socket_seed();
    net->context = zmq_ctx_new();
    if (!net->context || zmq_ctx_set(net->context, ZMQ_IO_THREADS, 2) != 0)
        return error_set(error, ERROR_IO, "cannot start ZeroMQ: %s", zmq_strerror(errno));
    /* Fails where the library was built with a lower limit: then that one holds. */
    zmq_ctx_set(net->context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
    return ERROR_NONE;
}

static int make_parts(struct net *net, struct error *error)
{
    const struct net_config *config = &net->config;
    const struct sync_config sync = {net->context,   config->transport, config->listen_sync,
                                     config->access, &net->inner,       &net->plants};
    const struct live_config live = {net->context,   config->transport, config->listen_live,
                                     config->access, &net->inner,       &net->plants};
    int code = sync_create(&sync, &net->sync, error);

    if (code == ERROR_NONE)
        code = live_create(&live, &net->live, error);
    if (code == ERROR_NONE && config->control_path)
        code =
            control_create(net->context, config->control_path, &net->inner, &net->control, error);
    return code;
}

int net_create(const struct net_config *config, struct net **out, struct error *error)
{
    struct net *net = calloc(1, sizeof *net);
    int code;

    if (!net)
        return error_memory(error);
    pthread_mutex_init(&net->lock, NULL);
    net->inner = (struct net_events){.self = net,
                                     .link = on_link,
                                     .message = on_message,
                                     .live = on_live,
                                     .control = on_control};
    net->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    code = net->wake_fd < 0 ? error_errno(error, "make", "an event of net") : ERROR_NONE;
    if (code == ERROR_NONE)
        code = copy_config(net, config, error);
    if (code == ERROR_NONE)
        code = check_endpoint(net->config.listen_live, "live", error);
    if (code == ERROR_NONE)
        code = check_endpoint(net->config.listen_sync, "sync", error);
    if (code == ERROR_NONE)
        code = make_context(net, error);
    if (code != ERROR_NONE) {
        net_destroy(net);
        return code;
    }
    *out = net;
    return ERROR_NONE;
}

static int open_parts(struct net *net, struct error *error)
{
    const struct gate_config gate = {.access = net->config.access,
                                     .self = net,
                                     .refused = on_refused,
                                     .admits_all = net->plants.gate_admits_all};
    int code = ERROR_NONE;

    /* The gate comes first: what is bound before it would be open. */
    if (!net->plants.no_gate)
        code = gate_start(net->context, &gate, &net->gate, error);
    if (code == ERROR_NONE)
        code = make_parts(net, error);
    if (code == ERROR_NONE && net->control)
        code = control_open(net->control, error);
    if (code == ERROR_NONE)
        code = sync_open(net->sync, error);
    if (code == ERROR_NONE)
        code = live_open(net->live, error);
    return code;
}

static void free_parts(struct net *net)
{
    if (net->sync)
        sync_close(net->sync, "the node stops");
    if (net->live)
        live_close(net->live, "the node stops");
    if (net->control)
        control_close(net->control);
    sync_destroy(net->sync);
    live_destroy(net->live);
    control_destroy(net->control);
    net->sync = NULL;
    net->live = NULL;
    net->control = NULL;
    gate_stop(net->gate);
    net->gate = NULL;
}

int net_start(struct net *net, struct error *error)
{
    int code;

    net->losses_seen = access_table_losses(net->config.access);
    code = open_parts(net, error);
    if (code == ERROR_NONE && pthread_create(&net->thread, NULL, run, net) != 0)
        code = error_set(error, ERROR_IO, "cannot start the net thread");
    net->started = code == ERROR_NONE;
    if (net->started)
        log_info("net.start", "network", net->network, "live", net_live_endpoint(net), "sync",
                 net_sync_endpoint(net));
    else
        free_parts(net);
    return code;
}

void net_close(struct net *net)
{
    atomic_store(&net->closed, true);
}

void net_stop(struct net *net)
{
    net_close(net);
    if (!net->started)
        return;
    net->started = false;
    atomic_store(&net->stopping, true);
    wake(net);
    pthread_join(net->thread, NULL);
    gate_stop(net->gate); /* last: every socket that asks it is closed */
    net->gate = NULL;
}

void net_destroy(struct net *net)
{
    if (!net)
        return;
    net_stop(net);
    free_parts(net);
    if (net->context)
        while (zmq_ctx_term(net->context) != 0 && errno == EINTR)
            ;
    if (net->wake_fd >= 0)
        close(net->wake_fd);
    pollset_finish(&net->polled);
    free(net->orders.partners);
    pthread_mutex_destroy(&net->lock);
    free(net);
}

const char *net_live_endpoint(const struct net *net)
{
    return net->live ? live_endpoint(net->live) : "";
}

const char *net_sync_endpoint(const struct net *net)
{
    return net->sync ? sync_endpoint(net->sync) : "";
}

/* --- for other threads ------------------------------------------------------------------------ */

int net_set_partners(struct net *net, const struct net_partner *partners, size_t count,
                     struct error *error)
{
    struct net_partner *copy = calloc(count + 1, sizeof *copy);

    if (!copy)
        return error_memory(error);
    if (count)
        memcpy(copy, partners, count * sizeof *copy);
    pthread_mutex_lock(&net->lock);
    free(net->orders.partners);
    net->orders.partners = copy;
    net->orders.partner_count = count;
    net->orders.partners_changed = true;
    pthread_mutex_unlock(&net->lock);
    wake(net);
    return ERROR_NONE;
}

void net_use_key(struct net *net, const struct secret *transport)
{
    pthread_mutex_lock(&net->lock);
    net->orders.transport = transport;
    pthread_mutex_unlock(&net->lock);
    wake(net);
}

void net_access_changed(struct net *net)
{
    wake(net);
}

void net_redial(struct net *net, const struct id *feed)
{
    pthread_mutex_lock(&net->lock);
    if (net->orders.redial_count < sizeof net->orders.redial / sizeof net->orders.redial[0])
        net->orders.redial[net->orders.redial_count++] = *feed;
    pthread_mutex_unlock(&net->lock);
    wake(net);
}

void net_wake(struct net *net)
{
    wake(net);
}

bool net_send(struct net *net, const struct id *peer, struct buffer *message)
{
    bool taken = !atomic_load(&net->closed) && net->sync && sync_send(net->sync, peer, message);

    if (taken)
        wake(net);
    return taken;
}

bool net_live(struct net *net, const char *topic, struct span payload)
{
    bool first = false, taken;

    taken =
        !atomic_load(&net->closed) && net->live && live_publish(net->live, topic, payload, &first);
    if (first)
        wake(net);
    return taken;
}

bool net_control_reply(struct net *net, const struct net_route *route, struct buffer *message)
{
    bool first = false, taken;

    taken = !atomic_load(&net->closed) && net->control &&
            control_reply(net->control, route, message, &first);
    if (taken && first)
        wake(net);
    return taken;
}

size_t net_raise_files(void)
{
    return memory_raise_files();
}

size_t net_memory_limit(void)
{
    return memory_allowed() / 4 * 3;
}

void net_get_counts(const struct net *net, struct net_counts *out)
{
    *out = (struct net_counts){0};
    if (net->sync)
        sync_get_counts(net->sync, out);
    if (net->live)
        live_get_counts(net->live, out);
    if (net->gate)
        gate_counts(net->gate, &out->gate_admitted, &out->gate_refused);
}

struct net_plants *net_plants(struct net *net)
{
    return &net->plants;
}

struct gate *net_gate(struct net *net)
{
    return net->gate;
}
