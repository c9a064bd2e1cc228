#include "node/net/control.h"

#include "common/log.h"
#include "node/net/queue.h"
#include "node/net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define QUEUE_REPLIES 8192 /* all that one transaction may answer, some times */
#define QUEUE_BYTES (64 * LIMIT_MESSAGE_SIZE)
#define REQUEST_SIZE (4 * LIMIT_MESSAGE_SIZE)
#define READ_AT_ONCE 64
/* Messages that libzmq may hold for one client, each way. Who asks faster than it is answered is
 * slowed down. */
#define SOCKET_QUEUE 32
/* Answers that a client has not read yet wait here, so many messages and bytes of one client; who
 * asks and does not read loses what is above that. */
#define LANE_COUNT 4096
#define LANE_BYTES (8 * LIMIT_MESSAGE_SIZE)
#define AGAIN_MS 5
/* Before a client that did not read is tried again; twice as long each time that it has read
 * nothing. libzmq does not tell when one of several clients has room: a ROUTER counts as writable
 * as long as any of them has. */
#define UNREAD_AGAIN_MS 1
#define UNREAD_AGAIN_MAX_MS 256
#define LAST_WORDS_MS 1000 /* how long the last answers may take to reach their clients */
#define PATH_SIZE sizeof((struct sockaddr_un *)0)->sun_path

/* Answers to one client that it was too slow to take. */
struct lane {
    struct lane *next;
    struct net_route route;
    struct queue queue;
    uint64_t again_ms; /* monotonic: not tried before */
    long rest_ms;      /* how long it rests, when it has read nothing by then */
};

struct control {
    void *context;
    char path[PATH_MAX];
    const struct net_events *events;
    void *socket;
    struct {
        bool full;
        struct net_route route;
        struct buffer message;
    } held;               /* refused by the control event */
    pthread_mutex_t lock; /* protects the queue */
    struct queue replies;
    /* the net thread's */
    struct lane *lanes;
    size_t lane_bytes; /* of all lanes: at most QUEUE_BYTES */
};

static int check_folder(const char *folder, struct error *error)
{
    struct stat info;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_errno(error, "make the folder", folder);
    if (lstat(folder, &info) != 0)
        return error_errno(error, "look at the folder", folder);
    if (!S_ISDIR(info.st_mode))
        return error_set(error, ERROR_CONFIG, "%s is not a folder; move it away", folder);
    if (info.st_uid != geteuid())
        return error_set(error, ERROR_CONFIG,
                         "the folder %s belongs to another user; run the node as that user or "
                         "change the owner",
                         folder);
    if (info.st_mode & 077)
        return error_set(error, ERROR_CONFIG,
                         "the folder %s is open to other users (mode %03o); close it with: chmod "
                         "700 %s",
                         folder, (unsigned)info.st_mode & 0777, folder);
    return ERROR_NONE;
}

static bool is_answered(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered;

    if (fd < 0)
        return false;
    memcpy(address.sun_path, path, strnlen(path, sizeof address.sun_path - 1));
    answered = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answered;
}

/* What a node that was killed has left behind may go, anything else may not. */
static int clear_path(const char *path, struct error *error)
{
    struct stat info;

    if (lstat(path, &info) != 0)
        return errno == ENOENT ? ERROR_NONE : error_errno(error, "look at", path);
    if (!S_ISSOCK(info.st_mode))
        return error_set(error, ERROR_CONFIG, "%s is in the way and is no socket; move it away",
                         path);
    if (is_answered(path))
        return error_set(error, ERROR_EXISTS, "a node already runs here: it answers on %s", path);
    if (unlink(path) != 0)
        return error_errno(error, "remove", path);
    return ERROR_NONE;
}

static int check_path(const char *path, struct error *error)
{
    char folder[PATH_MAX];
    char *slash;
    int code;

    if (strlen(path) >= PATH_SIZE)
        return error_set(error, ERROR_CONFIG,
                         "the path of the control socket is too long: %s has %zu bytes, the system "
                         "allows %zu; choose a shorter home folder",
                         path, strlen(path), PATH_SIZE - 1);
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return error_set(error, ERROR_CONFIG, "the control socket %s needs a folder of its own",
                         path);
    *slash = '\0';
    code = check_folder(folder, error);
    return code == ERROR_NONE ? clear_path(path, error) : code;
}

int control_create(void *context, const char *path, const struct net_events *events,
                   struct control **out, struct error *error)
{
    struct control *control = calloc(1, sizeof *control);

    if (!control)
        return error_memory(error);
    control->context = context;
    control->events = events;
    control->replies = (struct queue){.max_count = QUEUE_REPLIES, .max_bytes = QUEUE_BYTES};
    snprintf(control->path, sizeof control->path, "%s", path);
    pthread_mutex_init(&control->lock, NULL);
    *out = control;
    return ERROR_NONE;
}

int control_open(struct control *control, struct error *error)
{
    const struct socket_settings settings = {.type = ZMQ_ROUTER,
                                             .max_size = REQUEST_SIZE,
                                             .send_queue = SOCKET_QUEUE,
                                             .receive_queue = SOCKET_QUEUE};
    char endpoint[PATH_MAX + 8];
    int mandatory = 1; /* a client that is slow, or has gone, is no silent loss */
    int code = check_path(control->path, error);

    if (code == ERROR_NONE)
        code = socket_open(control->context, &settings, &control->socket, error);
    if (code != ERROR_NONE)
        return code;
    snprintf(endpoint, sizeof endpoint, "ipc://%s", control->path);
    if (zmq_setsockopt(control->socket, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory) != 0 ||
        zmq_bind(control->socket, endpoint) != 0)
        code = error_set(error, ERROR_IO, "cannot open the control socket %s: %s", control->path,
                         zmq_strerror(errno));
    else if (chmod(control->path, 0600) != 0)
        code = error_errno(error, "close to others", control->path);
    if (code != ERROR_NONE)
        socket_close(&control->socket);
    return code;
}

/* --- requests -----------------------------------------------------------------------------------
 */

static bool offer(struct control *control)
{
    if (control->held.full && control->events->control(control->events->self, &control->held.route,
                                                       &control->held.message)) {
        buffer_finish(&control->held.message);
        control->held.full = false;
    }
    return !control->held.full;
}

static void take(struct control *control, struct socket_message *message)
{
    struct span route = socket_frame(message, 0), body;

    if (message->count != 2 || route.size == 0 || route.size > NET_ROUTE_SIZE) {
        log_debug("control.refused", "reason", "expected one frame");
        return;
    }
    body = socket_frame(message, 1);
    buffer_finish(&control->held.message);
    if (!buffer_append(&control->held.message, body.data, body.size))
        return; /* the client sees a time limit */
    control->held.route.size = (uint8_t)route.size;
    memcpy(control->held.route.bytes, route.data, route.size);
    control->held.full = true;
    offer(control);
}

static void read_socket(void *context, short events)
{
    struct control *control = context;
    struct socket_message message;

    (void)events;
    for (int i = 0; i < READ_AT_ONCE && !control->held.full && control->socket; i++) {
        if (!socket_receive(control->socket, &message))
            return;
        take(control, &message);
        socket_message_finish(&message);
    }
}

/* --- answers ------------------------------------------------------------------------------------
 */

bool control_reply(struct control *control, const struct net_route *route, struct buffer *message,
                   bool *first)
{
    struct queue_item item = {.route = *route, .message = *message};
    bool taken;

    pthread_mutex_lock(&control->lock);
    *first = control->replies.count == 0;
    taken = queue_push(&control->replies, &item);
    pthread_mutex_unlock(&control->lock);
    if (taken)
        *message = (struct buffer){0};
    return taken;
}

enum sent { SENT, UNREAD, GONE };

/* Takes the message but when the client has too many to read. */
static enum sent send_one(struct control *control, struct queue_item *item)
{
    const struct net_route *route = &item->route;

    if (zmq_send(control->socket, route->bytes, route->size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        if (errno == EAGAIN)
            return UNREAD;
        buffer_finish(&item->message);
        return GONE; /* a client that has gone takes its answer with it */
    }
    zmq_send(control->socket, item->message.data, item->message.size, ZMQ_DONTWAIT);
    buffer_finish(&item->message);
    return SENT;
}

static struct lane *find_lane(struct control *control, const struct net_route *route)
{
    for (struct lane *lane = control->lanes; lane; lane = lane->next)
        if (lane->route.size == route->size &&
            memcmp(lane->route.bytes, route->bytes, route->size) == 0)
            return lane;
    return NULL;
}

/* Until when a client that is slow is left alone. */
static void lane_rest(struct lane *lane, bool has_read)
{
    if (has_read || lane->rest_ms == 0)
        lane->rest_ms = UNREAD_AGAIN_MS;
    else if (lane->rest_ms < UNREAD_AGAIN_MAX_MS)
        lane->rest_ms *= 2;
    lane->again_ms = socket_now_ms() + (uint64_t)lane->rest_ms;
}

/* Keeps an answer for a client that is slow; what it has too much of is lost. */
static void keep(struct control *control, struct lane *lane, struct queue_item *item)
{
    size_t size = queue_item_bytes(item);

    if (!lane && (lane = calloc(1, sizeof *lane))) {
        lane->route = item->route;
        lane_rest(lane, false);
        lane->queue = (struct queue){.max_count = LANE_COUNT, .max_bytes = LANE_BYTES};
        lane->next = control->lanes;
        control->lanes = lane;
    }
    if (lane && control->lane_bytes + size <= QUEUE_BYTES && queue_push(&lane->queue, item))
        control->lane_bytes += size;
    else
        log_debug("control.lost", "reason", "the client does not read its answers");
    buffer_finish(&item->message);
}

/* true: nothing waits in it any more. */
static bool empty_lane(struct control *control, struct lane *lane)
{
    struct queue_item item;
    bool has_read = false;

    while (queue_pop(&lane->queue, &item)) {
        size_t size = queue_item_bytes(&item);

        switch (send_one(control, &item)) {
        case SENT:
            control->lane_bytes -= size;
            has_read = true;
            break;
        case UNREAD:
            lane_rest(lane, has_read);
            if (queue_unpop(&lane->queue, &item)) /* always: it has just made room */
                return false;
            control->lane_bytes -= size;
            buffer_finish(&item.message);
            break;
        case GONE:
            control->lane_bytes -= size + lane->queue.bytes;
            queue_clear(&lane->queue);
            break;
        }
    }
    return true;
}

/* all: also those that rest. */
static void empty_lanes(struct control *control, bool all)
{
    struct lane **place = &control->lanes, *lane;
    uint64_t now = socket_now_ms();

    while ((lane = *place)) {
        if ((!all && now < lane->again_ms) || !empty_lane(control, lane)) {
            place = &lane->next;
            continue;
        }
        *place = lane->next;
        queue_finish(&lane->queue);
        free(lane);
    }
}

static void send_waiting(struct control *control, bool all)
{
    struct queue_item item;

    if (control->socket)
        empty_lanes(control, all);
    while (queue_take(&control->replies, &control->lock, &item)) {
        struct lane *lane = find_lane(control, &item.route);

        if (!control->socket)
            buffer_finish(&item.message);
        else if (lane || send_one(control, &item) == UNREAD)
            keep(control, lane, &item);
    }
}

void control_poll(struct control *control, struct pollset *set)
{
    if (offer(control) && control->socket)
        pollset_add(set, control->socket, 0, ZMQ_POLLIN, read_socket, control);
}

long control_tick(struct control *control)
{
    long wait;
    uint64_t now;

    send_waiting(control, false);
    wait = control->held.full ? AGAIN_MS : -1;
    now = control->lanes ? socket_now_ms() : 0;
    for (const struct lane *lane = control->lanes; lane; lane = lane->next) {
        long left = lane->again_ms > now ? (long)(lane->again_ms - now) : 0;

        wait = wait < 0 || left < wait ? left : wait;
    }
    return wait;
}

void control_close(struct control *control)
{
    int linger = LAST_WORDS_MS;

    if (!control->socket)
        return;
    send_waiting(control, true);
    unlink(control->path); /* libzmq leaves it behind */
    zmq_setsockopt(control->socket, ZMQ_LINGER, &linger, sizeof linger);
    socket_close(&control->socket);
}

void control_destroy(struct control *control)
{
    struct lane *lane;

    if (!control)
        return;
    while ((lane = control->lanes)) {
        control->lanes = lane->next;
        queue_finish(&lane->queue);
        free(lane);
    }
    queue_finish(&control->replies);
    buffer_finish(&control->held.message);
    pthread_mutex_destroy(&control->lock);
    free(control);
}
