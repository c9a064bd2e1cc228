/* The node's threads, and what goes between them:
 *
 *     net ----messages, live, control----> check ----checked entries, operations----> writer
 *      ^                                     |                                          |
 *      |                                     +--peers' requests-----> server            |
 *      |                                     +--operations to read--> reader            |
 *      +------------ answers, entries on live, replies ---------------+-----------------+
 *
 * net and check push without waiting or stop reading; the writer never waits for net. */
#include "node/node.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fields.h"
#include "common/log.h"
#include "node/config/home.h"
#include "node/ledger/backup.h"
#include "node/ledger/ledger.h"
#include "node/ledger/marks.h"
#include "node/net/net_internal.h"
#include "node/node_parts.h"
#include "node/node_token.h"

/* What may wait for the check thread: as much as may be in flight from all partners. What comes
 * above that waits at the sockets. The owner's requests may take as much before the reader. */
#define QUEUE_BYTES ((size_t)LIMIT_CREDIT_TOTAL)
/* … and for the writer: the same, parsed, where an entry without a content takes nearly three times
 * its bytes. So the check thread need not wait for room while partners keep to their credit, and
 * the owner's requests behind it need not either. It is a limit, not room that is set aside. */
#define WRITER_BYTES (3 * QUEUE_BYTES)

static void fill_random(void *self, void *out, size_t size)
{
    (void)self;
    secret_random(out, size);
}

static void on_partner_changed(void *self, const struct id *feed)
{
    struct node *node = self;

    (void)feed;
    node->watch.dirty = true;
}

/* --- building, one way down --- */

static int back_up(void *self, const char *file, uint64_t *size, struct error *error)
{
    struct node *node = self;
    struct stat status;
    int code;

    if (!node_keys_begin_backup(node))
        return error_set(error, ERROR_BUSY, "new keys are being put into place; try again");
    code = backup_write(node->options->home, file, NULL, NULL, error);
    node_keys_end_backup(node);
    if (!code)
        *size = stat(file, &status) == 0 ? (uint64_t)status.st_size : 0;
    return code;
}

static int open_ledger(struct node *node, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(node->options->home, HOME_LEDGER, path, error);

    if (code)
        return code;
    code = ledger_sqlite_create(path, LEDGER_EXISTING, &node->writer, error);
    if (code == ERROR_NOT_FOUND) {
        node->ledger_is_new = true;
        code = ledger_sqlite_create(path, LEDGER_NEW, &node->writer, error);
    }
    if (!code)
        code = ledger_sqlite_open_reader(path, &node->server, error);
    if (!code)
        code = ledger_sqlite_open_reader(path, &node->reader, error);
    if (!code)
        code = node_token_check(node->options->home, &node->writer, node->ledger_is_new,
                                &node->suspect, error);
    if (!code && node->suspect && !node->options->alone)
        log_warning("ledger.suspect", "text",
                    "the ledger was restored or copied: publishing waits for a partner's answer");
    return code;
}

static int describe(struct node *node, struct error *error)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    struct buffer a = {0}, b = {0};
    int code;

    config_profile(&node->config, &profile);
    config_endpoints(&node->config, &endpoints);
    code = fields_pack(&profile.base, &a) && fields_pack(&endpoints.base, &b)
               ? exchange_describe(node->exchange, buffer_span(&a), buffer_span(&b), error)
               : error_memory(error);
    buffer_finish(&a);
    buffer_finish(&b);
    return code;
}

/* Without it everything works but the marks of the inbox. */
static void open_marks(struct node *node)
{
    char path[HOME_PATH_SIZE];
    struct error error;
    int code = home_path(node->options->home, MARKS_FILE, path, &error);

    if (!code)
        code = marks_create(path, &node->marks, &error);
    if (code)
        log_error("inbox.failed", "text", error.text);
}

static int build_reader_view(struct node *node, struct error *error)
{
    const struct keyfiles_list *former = &node->own.former_sealing;
    struct store store;
    int code = opened_create(&node->reader, node->config.message->network, &node->own.sealing, 1,
                             &node->opened, error);

    for (size_t i = 0; i < former->count && !code; i++)
        code = opened_add(node->opened, former->secrets[i], error);
    if (code)
        return code;
    store = opened_store(node->opened);
    return view_create(&store, &node->own.chain.feed, false, &node->view, error);
}

static int build_exchange(struct node *node, struct error *error)
{
    const struct exchange_config config = {
        .network = node->config.message->network,
        .feed = node->own.chain.feed,
        .handle = node->config.message->institution->handle,
        .node_key = node->own.node,
        .chain = &node->own.chain,
        .genesis = buffer_span(&node->own.genesis),
        .store = node->writer,
        .bus = node_work_bus(node),
        .clock = {NULL, node_wall_ms, node_monotonic_ms},
        .random = {NULL, fill_random},
        .keyring = node->keyring,
        .policy = node->policy,
        .suspect = node->suspect,
        .alone = node->options->alone,
        .self = node,
        .partner_changed = on_partner_changed,
    };
    int code = exchange_create(&config, &node->exchange, error);

    if (!code)
        code = view_create(&node->writer, &config.feed, true, &node->own_view, error);
    open_marks(node);
    if (!code)
        code = build_reader_view(node, error);
    return code ? code : describe(node, error);
}

static int build_net(struct node *node, struct error *error)
{
    const Caravan__Listen *listen = node->config.message->listen;
    char control[HOME_PATH_SIZE];
    struct net_config config = {
        .transport = node->keys.wire,
        .network = node->config.message->network,
        .listen_live = listen ? listen->live : NULL,
        .listen_sync = listen ? listen->sync : NULL,
        .control_path = control,
        .access = node->access,
        .memory_limit = net_memory_limit(),
        .events = node_events(node),
    };
    int code = home_path(node->options->home, HOME_SOCKET, control, error);

    if (!code)
        code = net_create(&config, &node->net, error);
    if (!code && node->options->plants)
        *net_plants(node->net) = *node->options->plants;
    return code;
}

/* Told once: what does not fit shows as refused connections later. */
static void raise_files(void)
{
    size_t files = net_raise_files();

    log_info("node.files", "limit", log_number((long long)files), "partners",
             log_number((long long)(files / NET_FILES_PER_PARTNER)));
}

static void build_desks(struct node *node)
{
    struct ops_context context = {
        .policy = node->policy,
        .network = node->config.message->network,
        .feed = node->own.chain.feed,
        .home = node->options->home,
        .started_ms = node->started_ms,
        .backup = back_up,
        .self = node,
    };
    const Caravan__Listen *listen = node->config.message->listen;

    context.listen_live = listen ? listen->live : NULL;
    context.listen_sync = listen ? listen->sync : NULL;
    node_desk_init(&node->desk);
    node_desk_init(&node->reader_desk);
    node->desk.net = node->reader_desk.net = node->net;
    node->desk.context = node->reader_desk.context = context;
    node->desk.context.exchange = node->exchange;
    node->desk.context.store = node->writer;
    node->desk.context.view = node->own_view;
    node->reader_desk.context.store = node->reader;
    node->reader_desk.context.view = node->view;
    node->reader_desk.context.opened = node->opened;
    node->reader_desk.context.marks =
        (struct mark_store){node->marks, marks_is_read, marks_set_read};
    node->watch = (struct node_watch){.home = node->options->home,
                                      .config = &node->config,
                                      .exchange = node->exchange,
                                      .access = node->access,
                                      .net = node->net,
                                      .dirty = true};
}

int node_make_queues(struct node *node, struct error *error)
{
    const struct node_lanes_room each = {LIMIT_WAITING_PER_PEER, LIMIT_WAITING_BYTES_PER_PEER};

    node->to_check =
        node_lanes_create(each, (struct node_lanes_room){LIMIT_WAITING_TOTAL, QUEUE_BYTES});
    node->to_writer =
        node_lanes_create(each, (struct node_lanes_room){LIMIT_WAITING_TOTAL, WRITER_BYTES});
    node->to_reader = node_queue_create(LIMIT_QUEUE_LENGTH, QUEUE_BYTES);
    node->to_server = node_turns_create();
    return node->to_check && node->to_writer && node->to_reader && node->to_server
               ? ERROR_NONE
               : error_memory(error);
}

/* Prints all problems; the error then only says that there were some. */
static int load_config(struct node *node, const struct node_options *options, struct error *error)
{
    struct buffer report = {0};
    int code = config_load(options->home, &node->config, &report, error);

    if (options->check_config && options->json) {
        if (!code)
            puts("{\"ok\": true}");
    } else if (report.size) {
        fputs(buffer_text(&report), stderr);
        if (code)
            error_set(error, (enum error_code)code, "%s/" HOME_CONFIG " cannot be used like this",
                      options->home);
    } else if (!code && options->check_config) {
        puts("node.yaml is fine");
    }
    buffer_finish(&report);
    return code;
}

static int build(struct node *node, struct error *error)
{
    const char *network = node->config.message->network;
    int code = home_lock(node->options->home, &node->lock, error);

    log_set_level(node->config.log_level);
    raise_files();
    if (!code)
        code = own_load(node->options->home, network, &node->own, error);
    if (!code)
        code = open_ledger(node, error);
    if (!code)
        code = keyring_create(&node->keyring, error);
    if (!code)
        code = policy_create(&node->own.chain.feed, &node->policy, error);
    if (!code)
        code = node_keys_start(node, error);
    if (!code)
        code = access_table_create(&node->access, error);
    if (!code)
        code = node_make_queues(node, error);
    if (!code)
        code = build_net(node, error);
    if (!code)
        code = build_exchange(node, error);
    if (!code)
        build_desks(node);
    return code;
}

/* --- running and stopping --- */

/* The name is for people who look at what takes the time (top -H). */
static int start_thread(struct node *node, const char *name, pthread_t *thread, bool *runs,
                        void *(*run)(void *), struct error *error)
{
    int number = pthread_create(thread, NULL, run, node);

    if (number) {
        errno = number;
        return error_errno(error, "start", "a thread");
    }
    pthread_setname_np(*thread, name);
    *runs = true;
    return ERROR_NONE;
}

static int start_threads(struct node *node, struct error *error)
{
    int code = start_thread(node, "server", &node->server_thread, &node->server_runs,
                            node_work_server, error);

    if (!code)
        code = start_thread(node, "reader", &node->reader_thread, &node->reader_runs,
                            node_work_reader, error);
    if (!code)
        code = start_thread(node, "writer", &node->writer_thread, &node->writer_runs,
                            node_work_writer, error);
    if (!code)
        code = start_thread(node, "check", &node->check_thread, &node->check_runs, node_work_check,
                            error);
    return code;
}

static int start(struct node *node, struct error *error)
{
    int code;

    /* Accepted partners are known to the gate before anybody can knock. */
    code = exchange_begin(node->exchange, error);
    if (code)
        return code;
    node_watch_scan(&node->watch);
    node_watch_check_relay(&node->watch);
    code = exchange_commit(node->exchange, error);
    if (!code)
        code = node_watch_apply(&node->watch, error);
    if (!code)
        code = net_start(node->net, error);
    if (!code)
        code = start_threads(node, error);
    return code;
}

static void join(pthread_t thread, bool *runs)
{
    if (*runs)
        pthread_join(thread, NULL);
    *runs = false;
}

/* Refuse work, let what is under way end, wait. */
static void stop(struct node *node)
{
    if (node->to_check)
        node_lanes_close(node->to_check);
    join(node->check_thread, &node->check_runs);
    if (node->to_writer)
        node_lanes_close(node->to_writer);
    join(node->writer_thread, &node->writer_runs);
    if (node->to_server)
        node_turns_close(node->to_server);
    join(node->server_thread, &node->server_runs);
    if (node->to_reader)
        node_queue_close(node->to_reader);
    join(node->reader_thread, &node->reader_runs);
    if (node->net) {
        node_desk_finish(&node->desk);
        node_desk_finish(&node->reader_desk);
        net_close(node->net);
        net_stop(node->net);
    }
}

static void dismantle(struct node *node)
{
    stop(node);
    node_watch_finish(&node->watch);
    view_destroy(node->view);
    opened_destroy(node->opened);
    marks_destroy(node->marks);
    view_destroy(node->own_view);
    exchange_destroy(node->exchange);
    net_destroy(node->net);
    node_lanes_destroy(node->to_check, node_item_destroy);
    node_lanes_destroy(node->to_writer, node_item_destroy);
    node_queue_destroy(node->to_reader, node_item_destroy);
    node_turns_destroy(node->to_server, node_item_destroy);
    access_table_destroy(node->access);
    policy_destroy(node->policy);
    keyring_destroy(node->keyring);
    if (node->server.operations)
        node->server.operations->destroy(node->server.self);
    if (node->reader.operations)
        node->reader.operations->destroy(node->reader.self);
    if (node->writer.operations)
        node->writer.operations->destroy(node->writer.self);
    node_keys_finish(node);
    own_finish(&node->own);
    home_unlock(node->lock);
    config_finish(&node->config);
}

/* Until a signal, or until something is wrong. */
static int wait_for_end(struct node *node, int signals, struct error *error)
{
    struct pollfd wait[2] = {{.fd = signals, .events = POLLIN},
                             {.fd = node->stop_fd, .events = POLLIN}};

    while (poll(wait, 2, -1) < 0)
        if (errno != EINTR)
            return error_errno(error, "wait for", "signals");
    if (wait[1].revents)
        return error_set(error, ERROR_INTERNAL,
                         "the node stopped itself because it could no longer serve safely; the log "
                         "says why");
    log_info("node.stopping");
    return ERROR_NONE;
}

static int serve(struct node *node, int signals, struct error *error)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];
    int code = build(node, error);

    if (!code) {
        /* Once the writer runs, the chain is its own: keys may be rotated at any time. */
        identity_fingerprint(&node->own.chain.feed, fingerprint);
        code = start(node, error);
    }
    if (code)
        return code;
    log_info("node.started", "handle", node->config.message->institution->handle, "network",
             node->config.message->network, "fingerprint", fingerprint, "live",
             net_live_endpoint(node->net), "sync", net_sync_endpoint(node->net), "version",
             CARAVAN_VERSION);
    return wait_for_end(node, signals, error);
}

static int block_signals(int *signals, struct error *error)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads made later inherit it */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ,
           SIG_IGN); /* a file at its size limit is an error to report, as a full disk is */
    *signals = signalfd(-1, &set, SFD_CLOEXEC);
    return *signals < 0 ? error_errno(error, "watch", "signals") : ERROR_NONE;
}

int node_run(const struct node_options *options, struct error *error)
{
    struct node *node = calloc(1, sizeof *node);
    int signals = -1, code;

    if (!node)
        return error_memory(error);
    node->options = options;
    node->lock = node->stop_fd = -1;
    node->started_ms = node_wall_ms(NULL);
    code = secret_start(error);
    if (!code)
        code = load_config(node, options, error);
    if (code || options->check_config)
        goto out;
    code = block_signals(&signals, error);
    if (code)
        goto out;
    node->stop_fd = eventfd(0, EFD_CLOEXEC);
    code =
        node->stop_fd < 0 ? error_errno(error, "make", "an eventfd") : serve(node, signals, error);
out:
    dismantle(node);
    if (signals >= 0)
        close(signals);
    if (node->stop_fd >= 0)
        close(node->stop_fd);
    free(node);
    return code;
}
