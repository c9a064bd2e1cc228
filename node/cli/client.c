#include "node/cli/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "common/fields.h"
#include "common/guard.h"
#include "node/config/home.h"
#include "node/ops/pack.h"
#include "proto/control.pb-c.h"

struct client {
    char home[HOME_PATH_SIZE];
    char path[HOME_PATH_SIZE];
    void *context, *socket;
    void *monitor;               /* tells when the connection is lost */
    const char *operation;       /* the last one, for sentences */
    uint64_t last_id, forgotten; /* nobody waits for answers up to the latter */
    size_t unanswered;
    struct buffer pack;           /* requests that are not sent yet */
    struct buffer inner, message; /* for making them */
    zmq_msg_t frame;              /* the message that was read last … */
    struct span rest;             /* … and what of it was not taken out yet */
};

enum { REPLY_ID = 1, REPLY_ERROR, REPLY_TEXT, REPLY_REPLY, REPLY_COUNT };

static const struct fields_rule reply_rules[REPLY_COUNT] = {
    [REPLY_ID] = {FIELDS_U64, "id", 0, false},
    [REPLY_ERROR] = {FIELDS_BYTES, "error", 0, false},
    [REPLY_TEXT] = {FIELDS_BYTES, "text", 0, false},
    [REPLY_REPLY] = {FIELDS_BYTES, "reply", 0, false},
};
static const struct fields_message reply_message = {"ControlReply", reply_rules, REPLY_COUNT};

/* How long to wait before looking whether the node is still there. */
#define LOOK_MS 500
#define MONITOR "inproc://client-monitor"

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ZeroMQ would wait for a socket that is not there; so ask the system first. */
static bool is_listening(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool up;
    int probe;

    if (strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path));
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return false;
    up = connect(probe, (const struct sockaddr *)&address, sizeof address) == 0;
    close(probe);
    return up;
}

static int find_socket(const struct cli *cli, struct client *client, struct error *error)
{
    const char *home = cli_home(cli, error);
    int code;

    if (!home)
        return ERROR_USAGE;
    code = home_path(home, "", client->home, error);
    if (!code)
        code = home_path(home, HOME_SOCKET, client->path, error);
    if (code)
        return code;
    client->home[strlen(client->home) - 1] = '\0'; /* the slash of home_path */
    if (strlen(client->path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return error_set(error, ERROR_CONFIG,
                         "the path %s is too long for a Unix socket (%zu bytes); choose a shorter "
                         "home folder",
                         client->path, sizeof((struct sockaddr_un *)0)->sun_path - 1);
    return ERROR_NONE;
}

static int node_down(const struct client *client, struct error *error)
{
    char path[HOME_PATH_SIZE];

    if (home_path(client->home, HOME_CONFIG, path, error))
        return (int)error->code;
    if (access(path, F_OK) != 0)
        return error_set(error, ERROR_CONFIG,
                         "%s is no home of a node (there is no %s); make one with: caravan --home "
                         "%s init",
                         client->home, HOME_CONFIG, client->home);
    if (access(client->path, F_OK) == 0 && access(client->path, R_OK | W_OK) != 0)
        return error_set(error, ERROR_DENIED,
                         "%s belongs to another user; run the client as the user of the node",
                         client->path);
    return error_set(error, ERROR_NODE_DOWN,
                     "the node of %s does not run; start it with: caravan --home %s run",
                     client->home, client->home);
}

static int connect_socket(struct client *client, struct error *error)
{
    char endpoint[HOME_PATH_SIZE + 8];
    int linger = 0, unbounded = 0; /* the window bounds what waits to be sent */

    client->context = zmq_ctx_new();
    if (client->context)
        client->socket = zmq_socket(client->context, ZMQ_DEALER);
    snprintf(endpoint, sizeof endpoint, "ipc://%s", client->path);
    if (!client->socket ||
        zmq_setsockopt(client->socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_setsockopt(client->socket, ZMQ_SNDHWM, &unbounded, sizeof unbounded) != 0 ||
        zmq_socket_monitor(client->socket, MONITOR, ZMQ_EVENT_DISCONNECTED) != 0 ||
        !(client->monitor = zmq_socket(client->context, ZMQ_PAIR)) ||
        zmq_connect(client->monitor, MONITOR) != 0 || zmq_connect(client->socket, endpoint) != 0)
        return error_set(error, ERROR_IO, "cannot open the control link %s: %s", client->path,
                         zmq_strerror(zmq_errno()));
    return ERROR_NONE;
}

int client_create(const struct cli *cli, struct client **out, struct error *error)
{
    struct client *client = calloc(1, sizeof *client);
    int code;

    if (!client)
        return error_memory(error);
    zmq_msg_init(&client->frame);
    code = find_socket(cli, client, error);
    if (!code && !is_listening(client->path))
        code = node_down(client, error);
    if (!code)
        code = connect_socket(client, error);
    if (code) {
        client_destroy(client);
        return code;
    }
    *out = client;
    return ERROR_NONE;
}

void client_destroy(struct client *client)
{
    if (!client)
        return;
    if (client->socket)
        zmq_close(client->socket);
    if (client->monitor)
        zmq_close(client->monitor);
    if (client->context)
        while (zmq_ctx_term(client->context) != 0 && zmq_errno() == EINTR)
            ;
    zmq_msg_close(&client->frame);
    buffer_finish(&client->pack);
    buffer_finish(&client->inner);
    buffer_finish(&client->message);
    free(client);
}

bool client_node_is_up(const struct cli *cli)
{
    struct client client = {0};

    return find_socket(cli, &client, NULL) == ERROR_NONE && is_listening(client.path);
}

/* What waits in the pack goes out, as a message of its own when it is only one. */
static int flush(struct client *client, struct error *error)
{
    struct span message = buffer_span(&client->pack), rest = message, only;
    int code = ERROR_NONE;

    if (!message.size)
        return ERROR_NONE;
    if (pack_next(PACK_REQUESTS, &rest, &only) && !rest.size)
        message = only;
    if (zmq_send(client->socket, message.data, message.size, 0) < 0)
        code = error_set(error, ERROR_IO, "cannot send to the node: %s", zmq_strerror(zmq_errno()));
    buffer_clear(&client->pack);
    return code;
}

/* ControlRequest bytes into client->message. */
static int pack_request(struct client *client, const char *operation,
                        const ProtobufCMessage *request, struct error *error)
{
    Caravan__ControlRequest message = CARAVAN__CONTROL_REQUEST__INIT;

    buffer_clear(&client->inner);
    buffer_clear(&client->message);
    if (!fields_pack(request, &client->inner))
        return error_memory(error);
    message.has_id = true;
    message.id = client->last_id + 1;
    message.operation = (char *)(uintptr_t)operation;
    message.has_request = true;
    message.request = fields_binary(buffer_span(&client->inner));
    return fields_pack(&message.base, &client->message) ? ERROR_NONE : error_memory(error);
}

int client_send(struct client *client, const char *operation, const ProtobufCMessage *request,
                uint64_t *id, struct error *error)
{
    struct error local;
    int code;

    error = error ? error : &local;
    if (client->unanswered >= CLIENT_WINDOW)
        return error_set(error, ERROR_BUSY,
                         "%d requests wait for their answers already; read some first",
                         CLIENT_WINDOW);
    code = pack_request(client, operation, request, error);
    if (!code && client->pack.size + client->message.size > PACK_SIZE)
        code = flush(client, error);
    if (!code && !pack_add(PACK_REQUESTS, buffer_span(&client->message), &client->pack))
        code = error_memory(error);
    if (code)
        return code;
    *id = ++client->last_id;
    client->operation = operation;
    client->unanswered++;
    return ERROR_NONE;
}

size_t client_unanswered(const struct client *client)
{
    return client->unanswered;
}

static int node_stopped(const struct client *client, struct error *error)
{
    return error_set(error, ERROR_NODE_DOWN,
                     "the node stopped before it answered \"%s\"; start it again with: caravan "
                     "--home %s run, and repeat the command",
                     client->operation, client->home);
}

/* Waits for a message. ERROR_NONE when there is one. A node that restarts takes the question with
 * it, so a lost connection ends the wait. */
static int wait_message(struct client *client, uint64_t deadline, struct error *error)
{
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = client->socket, .events = ZMQ_POLLIN},
                                  {.socket = client->monitor, .events = ZMQ_POLLIN}};
        uint64_t now = now_ms();
        long left = now >= deadline ? 0 : (long)(deadline - now);
        bool look = left > LOOK_MS;
        int ready = zmq_poll(items, 2, look ? LOOK_MS : left);

        if (ready < 0 && zmq_errno() == EINTR)
            continue;
        if (ready < 0)
            return error_set(error, ERROR_IO, "the control link broke: %s",
                             zmq_strerror(zmq_errno()));
        if (items[0].revents & ZMQ_POLLIN)
            return ERROR_NONE;
        if (items[1].revents & ZMQ_POLLIN || (look && !is_listening(client->path)))
            return node_stopped(client, error);
        if (now >= deadline)
            return error_set(error, ERROR_TIMEOUT,
                             "the node did not answer \"%s\" in time; look at its log, or at: "
                             "caravan --home %s status",
                             client->operation, client->home);
    }
}

static int unreadable(struct error *error)
{
    return error_prefix(error, "the node's answer cannot be read");
}

/* *id 0: an answer that nobody waits for any more. */
static int read_reply(struct client *client, struct span bytes,
                      const ProtobufCMessageDescriptor *reply_type, struct arena *arena,
                      uint64_t *id, ProtobufCMessage **reply, struct error *error)
{
    struct fields_value in[REPLY_COUNT];
    struct span text;
    int code = fields_read(&reply_message, bytes, in, error);

    if (code)
        return unreadable(error);
    if (in[REPLY_ID].number <= client->forgotten || in[REPLY_ID].number > client->last_id)
        return ERROR_NONE;
    *id = in[REPLY_ID].number;
    client->unanswered -= client->unanswered > 0;
    if (in[REPLY_ERROR].present) {
        char name[32];

        snprintf(name, sizeof name, "%.*s", (int)in[REPLY_ERROR].bytes.size,
                 (const char *)in[REPLY_ERROR].bytes.data);
        text = in[in[REPLY_TEXT].present ? REPLY_TEXT : REPLY_ERROR].bytes;
        return error_set(error, error_code_of_name(name), "%.*s", (int)text.size,
                         (const char *)text.data);
    }
    code =
        guard_unpack(reply_type, in[REPLY_REPLY].bytes, &guard_limits_message, arena, reply, error);
    return code ? unreadable(error) : ERROR_NONE;
}

/* The next message, which may be a pack; what is on its way goes first. */
static int next_message(struct client *client, uint64_t deadline, struct error *error)
{
    int code = ERROR_NONE;

    while (!code) {
        zmq_msg_close(&client->frame);
        zmq_msg_init(&client->frame);
        if (zmq_msg_recv(&client->frame, client->socket, ZMQ_DONTWAIT) >= 0) {
            client->rest = span_of(zmq_msg_data(&client->frame), zmq_msg_size(&client->frame));
            return ERROR_NONE;
        }
        code = flush(client, error);
        if (!code)
            code = wait_message(client, deadline, error);
    }
    return code;
}

/* One answer out of the message that was read last; what is no pack is one. */
static struct span take_one(struct client *client, bool *malformed)
{
    struct span one = client->rest;
    bool is_pack = pack_is(PACK_REPLIES, one);

    *malformed = is_pack && !pack_next(PACK_REPLIES, &client->rest, &one);
    if (!is_pack || *malformed)
        client->rest = span_of(NULL, 0);
    return one;
}

int client_receive(struct client *client, const ProtobufCMessageDescriptor *reply_type,
                   struct arena *arena, int timeout_ms, uint64_t *id, ProtobufCMessage **reply,
                   struct error *error)
{
    uint64_t deadline = now_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
    struct error local;
    int code = ERROR_NONE;

    error = error ? error : &local;
    *id = 0;
    while (!code && !*id) {
        struct span one;
        bool malformed;

        if (!client->rest.size)
            code = next_message(client, deadline, error);
        if (code)
            break;
        one = take_one(client, &malformed);
        if (malformed) {
            error_set(error, ERROR_MALFORMED, "a pack is cut off");
            code = unreadable(error);
        } else {
            code = read_reply(client, one, reply_type, arena, id, reply, error);
        }
    }
    return code;
}

/* Nobody waits for answers to what was sent so far. */
static void forget(struct client *client)
{
    buffer_clear(&client->pack);
    client->rest = span_of(NULL, 0);
    client->unanswered = 0;
    client->forgotten = client->last_id;
}

int client_call(struct client *client, const char *operation, const ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *reply_type, struct arena *arena, int timeout_ms,
                ProtobufCMessage **reply, struct error *error)
{
    uint64_t id = 0;
    int code;

    if (client->unanswered)
        forget(client);
    code = client_send(client, operation, request, &id, error);
    if (!code)
        code = client_receive(client, reply_type, arena, timeout_ms, &id, reply, error);
    if (code)
        forget(client);
    return code;
}

int client_ask(const struct cli *cli, const char *operation, const ProtobufCMessage *request,
               const ProtobufCMessageDescriptor *reply_type, struct arena *arena, int timeout_ms,
               ProtobufCMessage **reply, struct error *error)
{
    struct client *client = NULL;
    int code = client_create(cli, &client, error);

    if (!code)
        code = client_call(client, operation, request, reply_type, arena, timeout_ms, reply, error);
    client_destroy(client);
    return code;
}
