#include "node/cli/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include "common/guard.h"
#include "node/config/home.h"
#include "proto/control.pb-c.h"

struct client {
    char home[HOME_PATH_SIZE];
    char path[HOME_PATH_SIZE];
    void *context, *socket;
    void *monitor; /* tells when the connection is lost */
    uint64_t last_id;
};

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
    int linger = 0;

    client->context = zmq_ctx_new();
    if (client->context)
        client->socket = zmq_socket(client->context, ZMQ_DEALER);
    snprintf(endpoint, sizeof endpoint, "ipc://%s", client->path);
    if (!client->socket ||
        zmq_setsockopt(client->socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
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
    free(client);
}

bool client_node_is_up(const struct cli *cli)
{
    struct client client = {0};

    return find_socket(cli, &client, NULL) == ERROR_NONE && is_listening(client.path);
}

static int send_request(struct client *client, const char *operation,
                        const ProtobufCMessage *request, struct error *error)
{
    Caravan__ControlRequest message = CARAVAN__CONTROL_REQUEST__INIT;
    struct buffer inner = {0}, outer = {0};
    int code = ERROR_NONE;

    if (!buffer_reserve(&inner, protobuf_c_message_get_packed_size(request) + 1)) {
        code = error_memory(error);
        goto out;
    }
    inner.size = protobuf_c_message_pack(request, inner.data);
    message.has_id = true;
    message.id = ++client->last_id;
    message.operation = (char *)(uintptr_t)operation;
    message.has_request = true;
    message.request.len = inner.size;
    message.request.data = inner.data;
    if (!buffer_reserve(&outer, caravan__control_request__get_packed_size(&message))) {
        code = error_memory(error);
        goto out;
    }
    outer.size = caravan__control_request__pack(&message, outer.data);
    if (zmq_send(client->socket, outer.data, outer.size, 0) < 0)
        code = error_set(error, ERROR_IO, "cannot send to the node: %s", zmq_strerror(zmq_errno()));
out:
    buffer_finish(&inner);
    buffer_finish(&outer);
    return code;
}

static int node_stopped(const struct client *client, const char *operation, struct error *error)
{
    return error_set(error, ERROR_NODE_DOWN,
                     "the node stopped before it answered \"%s\"; start it again with: caravan "
                     "--home %s run, and repeat the command",
                     operation, client->home);
}

/* Waits for a message. ERROR_NONE when there is one. A node that restarts takes the question with
 * it, so a lost connection ends the wait. */
static int wait_message(struct client *client, const char *operation, uint64_t deadline,
                        struct error *error)
{
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = client->socket, .events = ZMQ_POLLIN},
                                  {.socket = client->monitor, .events = ZMQ_POLLIN}};
        uint64_t now = now_ms();
        long left = now >= deadline ? 0 : (long)(deadline - now);
        int ready = zmq_poll(items, 2, left > LOOK_MS ? LOOK_MS : left);

        if (ready < 0 && zmq_errno() == EINTR)
            continue;
        if (ready < 0)
            return error_set(error, ERROR_IO, "the control link broke: %s",
                             zmq_strerror(zmq_errno()));
        if (items[0].revents & ZMQ_POLLIN)
            return ERROR_NONE;
        if (items[1].revents & ZMQ_POLLIN || !is_listening(client->path))
            return node_stopped(client, operation, error);
        if (now >= deadline)
            return error_set(error, ERROR_TIMEOUT,
                             "the node did not answer \"%s\" in time; look at its log, or at: "
                             "caravan --home %s status",
                             operation, client->home);
    }
}

/* The reply's bytes are copied into the arena's messages, so the frame may go. */
static int read_reply(struct client *client, zmq_msg_t *frame,
                      const ProtobufCMessageDescriptor *reply_type, struct arena *arena,
                      bool *is_ours, ProtobufCMessage **reply, struct error *error)
{
    struct span bytes = span_of(zmq_msg_data(frame), zmq_msg_size(frame));
    ProtobufCMessage *unpacked;
    const Caravan__ControlReply *outer;
    int code = guard_unpack(&caravan__control_reply__descriptor, bytes, &guard_limits_message,
                            arena, &unpacked, error);

    *is_ours = true;
    if (code)
        return error_prefix(error, "the node's answer cannot be read");
    outer = (const Caravan__ControlReply *)unpacked;
    *is_ours = outer->has_id && outer->id == client->last_id;
    if (!*is_ours)
        return ERROR_NONE;
    if (outer->error)
        return error_set(error, error_code_of_name(outer->error), "%s",
                         outer->text ? outer->text : outer->error);
    code = guard_unpack(reply_type, span_of(outer->reply.data, outer->reply.len),
                        &guard_limits_message, arena, reply, error);
    return code ? error_prefix(error, "the node's answer cannot be read") : ERROR_NONE;
}

int client_call(struct client *client, const char *operation, const ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *reply_type, struct arena *arena, int timeout_ms,
                ProtobufCMessage **reply, struct error *error)
{
    uint64_t deadline = now_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
    struct error local;
    bool is_ours = false;
    int code;

    error = error ? error : &local;
    code = send_request(client, operation, request, error);
    while (!code && !is_ours) {
        zmq_msg_t frame;

        code = wait_message(client, operation, deadline, error);
        if (code)
            break;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, client->socket, ZMQ_DONTWAIT) >= 0)
            code = read_reply(client, &frame, reply_type, arena, &is_ours, reply, error);
        zmq_msg_close(&frame);
    }
    return code ? (int)error->code : ERROR_NONE;
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
