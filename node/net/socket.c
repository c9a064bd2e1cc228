#include "node/net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Not in zmq.h unless drafts are on, yet in the library: without it a CURVE server lets every
 * stranger in while no gate is bound. */
#define ENFORCE_DOMAIN 93
#define LARGE 8192 /* from here on a copy costs more than a hand-over */

/* Half-open connections hang for ever without heartbeats; times in ms but for keep-alive. */
static const struct {
    int option, value;
    const char *name;
} common_options[] = {
    {ZMQ_LINGER, 0, "LINGER"},
    {ZMQ_TCP_KEEPALIVE, 1, "TCP_KEEPALIVE"},
    {ZMQ_TCP_MAXRT, 60000, "TCP_MAXRT"},
    {ZMQ_HANDSHAKE_IVL, 5000, "HANDSHAKE_IVL"},
    {ZMQ_HEARTBEAT_IVL, 20000, "HEARTBEAT_IVL"},
    {ZMQ_HEARTBEAT_TIMEOUT, 40000, "HEARTBEAT_TIMEOUT"},
    {ZMQ_HEARTBEAT_TTL, 60000, "HEARTBEAT_TTL"},
    {ZMQ_BACKLOG, 1024, "BACKLOG"},
    {ZMQ_RECONNECT_IVL, -1, "RECONNECT_IVL"}, /* node/net/link.c dials again, nobody else */
    {ZMQ_CONNECT_TIMEOUT, 15000, "CONNECT_TIMEOUT"},
};

static int fail(struct error *error, const char *what)
{
    return error_set(error, ERROR_IO, "cannot set up a socket: %s: %s", what, zmq_strerror(errno));
}

static int set_number(void *socket, int option, int value, const char *name, struct error *error)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0 ? ERROR_NONE
                                                                     : fail(error, name);
}

static int set_bytes(void *socket, int option, const void *value, size_t size, const char *name,
                     struct error *error)
{
    return zmq_setsockopt(socket, option, value, size) == 0 ? ERROR_NONE : fail(error, name);
}

static int set_server(void *socket, const struct socket_settings *settings, struct error *error)
{
    int code = set_number(socket, ZMQ_CURVE_SERVER, 1, "CURVE_SERVER", error);

    if (code == ERROR_NONE)
        code = set_bytes(socket, ZMQ_ZAP_DOMAIN, settings->domain, strlen(settings->domain),
                         "ZAP_DOMAIN", error);
    if (code == ERROR_NONE && !settings->lax)
        code = set_number(socket, ENFORCE_DOMAIN, 1,
                          "ZAP_ENFORCE_DOMAIN (this libzmq cannot keep strangers out)", error);
    return code;
}

static int set_curve(void *socket, const struct socket_settings *settings, struct error *error)
{
    const struct id *own = secret_public(settings->key);
    int code = ERROR_NONE;

    if (settings->server) {
        code = set_bytes(socket, ZMQ_CURVE_SERVERKEY, settings->server->bytes, BYTES_ID_SIZE,
                         "CURVE_SERVERKEY", error);
        if (code == ERROR_NONE)
            code = set_bytes(socket, ZMQ_CURVE_PUBLICKEY, own->bytes, BYTES_ID_SIZE,
                             "CURVE_PUBLICKEY", error);
    } else {
        code = set_server(socket, settings, error);
    }
    if (code == ERROR_NONE)
        code = set_bytes(socket, ZMQ_CURVE_SECRETKEY, secret_bytes(settings->key), BYTES_ID_SIZE,
                         "CURVE_SECRETKEY", error);
    return code;
}

/* Two I/O threads: one for what listens, one for what dials, since libzmq looks names up on the
 * latter and a slow name server must not hold up those who are connected to us. */
static int set_thread(void *socket, bool dials, struct error *error)
{
    uint64_t mask = dials ? 2 : 1;

    return set_bytes(socket, ZMQ_AFFINITY, &mask, sizeof mask, "AFFINITY", error);
}

static int set_options(void *socket, const struct socket_settings *settings, struct error *error)
{
    int code = set_thread(socket, settings->server != NULL, error);

    for (size_t i = 0; i < sizeof common_options / sizeof common_options[0]; i++)
        if (code == ERROR_NONE)
            code = set_number(socket, common_options[i].option, common_options[i].value,
                              common_options[i].name, error);
    if (code == ERROR_NONE)
        code = set_number(socket, ZMQ_IPV6, settings->ipv6, "IPV6", error);
    if (code == ERROR_NONE)
        code = set_bytes(socket, ZMQ_MAXMSGSIZE, &settings->max_size, sizeof settings->max_size,
                         "MAXMSGSIZE", error);
    if (code == ERROR_NONE)
        code = set_number(socket, ZMQ_SNDHWM, settings->send_queue, "SNDHWM", error);
    if (code == ERROR_NONE)
        code = set_number(socket, ZMQ_RCVHWM, settings->receive_queue, "RCVHWM", error);
    if (code == ERROR_NONE && settings->key)
        code = set_curve(socket, settings, error);
    return code;
}

void socket_seed(void)
{
    unsigned seed;

    if (getrandom(&seed, sizeof seed, 0) == sizeof seed)
        srand(seed);
}

int socket_open(void *context, const struct socket_settings *settings, void **out,
                struct error *error)
{
    void *socket = zmq_socket(context, settings->type);
    int code;

    if (!socket)
        return error_set(error, ERROR_IO, "cannot make a socket: %s%s", zmq_strerror(errno),
                         errno == EMFILE ? "; raise the limit of open files" : "");
    code = set_options(socket, settings, error);
    if (code != ERROR_NONE)
        socket_close(&socket);
    else
        *out = socket;
    return code;
}

void socket_close(void **socket)
{
    int events;
    size_t size = sizeof events;

    if (!*socket)
        return;
    /* Takes in what the I/O threads have sent to the socket so far; a socket closed with that
     * unread has been seen to keep its connections open. */
    zmq_getsockopt(*socket, ZMQ_EVENTS, &events, &size);
    zmq_close(*socket);
    *socket = NULL;
}

bool socket_receive(void *socket, struct socket_message *out)
{
    zmq_msg_t extra;
    bool more = true;

    out->count = 0;
    while (more) {
        bool keep = out->count < 2;
        zmq_msg_t *frame = keep ? &out->frames[out->count] : &extra;

        zmq_msg_init(frame);
        /* Frames of one message arrive together: only the first can be missing. */
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            socket_message_finish(out);
            return false;
        }
        more = zmq_msg_more(frame) != 0;
        if (!keep)
            zmq_msg_close(frame);
        out->count++;
    }
    return true;
}

void socket_message_finish(struct socket_message *message)
{
    for (size_t i = 0; i < message->count && i < 2; i++)
        zmq_msg_close(&message->frames[i]);
    message->count = 0;
}

struct span socket_frame(struct socket_message *message, size_t index)
{
    return span_of(zmq_msg_data(&message->frames[index]), zmq_msg_size(&message->frames[index]));
}

/* On whichever thread libzmq is done with it. */
static void release(void *data, void *unused)
{
    (void)unused;
    free(data);
}

static bool hand_over(void *socket, struct buffer *message)
{
    zmq_msg_t frame;

    if (zmq_msg_init_data(&frame, message->data, message->size, release, NULL) != 0)
        return false;
    *message = (struct buffer){0};
    if (zmq_msg_send(&frame, socket, ZMQ_DONTWAIT) >= 0)
        return true;
    zmq_msg_close(&frame);
    return false;
}

bool socket_send(void *socket, struct buffer *message)
{
    if (message->size >= LARGE)
        return hand_over(socket, message);
    return zmq_send(socket, message->data, message->size, ZMQ_DONTWAIT) >= 0;
}

bool socket_can_send(void *socket)
{
    int events = 0;
    size_t size = sizeof events;

    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 && events & ZMQ_POLLOUT;
}

bool socket_sender(struct socket_message *message, size_t index, struct id *key)
{
    const char *user = zmq_msg_gets(&message->frames[index], "User-Id");

    return user && bytes_from_hex(user, key->bytes, sizeof key->bytes);
}

uint64_t socket_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
