#include "node/net/link.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define STOOD_MS 2000    /* a link that stood so long was a good one */
#define ATTEMPT_MS 30000 /* libzmq's own limits end an attempt sooner */

enum input { INPUT_TIMER, INPUT_NOW, INPUT_ACCEPTED, INPUT_BROKEN, INPUT_REFUSED, INPUTS };

uint32_t link_delay_ms(const struct link_owner *owner, unsigned failures, uint32_t chance)
{
    uint64_t delay = owner->retry_min_ms;

    for (unsigned i = 1; i < failures && delay < owner->retry_max_ms; i++)
        delay *= 2;
    if (delay > owner->retry_max_ms)
        delay = owner->retry_max_ms;
    return (uint32_t)(delay - delay / 4 + chance % (delay / 2 + 1));
}

static uint32_t chance(void)
{
    uint32_t value;

    return getrandom(&value, sizeof value, GRND_NONBLOCK) == sizeof value
               ? value
               : (uint32_t)socket_now_ms();
}

static void hang_up(struct link *link)
{
    if (link->socket)
        zmq_socket_monitor(link->socket, NULL, 0);
    socket_close(&link->monitor);
    socket_close(&link->socket);
    link->connected = false;
}

static void tell(struct link *link, bool up, const char *reason, uint32_t retry_ms)
{
    const struct net_link change = {.peer = link->peer,
                                    .kind = link->kind,
                                    .up = up,
                                    .reason = reason,
                                    .endpoint = link->endpoint,
                                    .retry_ms = retry_ms,
                                    .key = link->server_key};

    link->owner->changed(link->owner->self, &change);
}

static void wait_again(struct link *link, const char *reason)
{
    uint32_t delay;

    hang_up(link);
    link->other_tried = false;
    link->failures++;
    delay = link_delay_ms(link->owner, link->failures, chance());
    link->state = LINK_WAITING;
    link->deadline_ms = socket_now_ms() + delay;
    tell(link, false, reason, delay);
}

/* Who accepts the connection and breaks off the handshake may answer by its other key. */
static void give_up(struct link *link, const char *reason)
{
    bool two = !id_is_zero(&link->former) && link->connected;

    if (two)
        link->server_key = id_equal(&link->server_key, &link->newest) ? link->former : link->newest;
    if (!two || link->other_tried) {
        wait_again(link, reason);
        return;
    }
    link->other_tried = true;
    hang_up(link);
    link->state = LINK_WAITING;
    link->deadline_ms = socket_now_ms();
}

static int open_monitor(struct link *link, struct error *error)
{
    static atomic_uint number;
    const struct socket_settings settings = {.type = ZMQ_PAIR, .max_size = -1};
    char name[64];
    int code;

    snprintf(name, sizeof name, "inproc://monitor-%u", atomic_fetch_add(&number, 1));
    if (zmq_socket_monitor(link->socket, name, ZMQ_EVENT_ALL) != 0)
        return error_set(error, ERROR_IO, "cannot watch the link: %s", zmq_strerror(errno));
    code = socket_open(link->owner->context, &settings, &link->monitor, error);
    if (code == ERROR_NONE && zmq_connect(link->monitor, name) != 0)
        code = error_set(error, ERROR_IO, "cannot watch the link: %s", zmq_strerror(errno));
    return code;
}

/* SNDHWM 0 on SUB: with a limit it loses filters silently. Whole topics only: few and coarse. */
static int subscribe(struct link *link, struct error *error)
{
    static const char *const prefixes[] = {"feed/", "head/"};

    for (size_t i = 0; i < 2; i++)
        if (zmq_setsockopt(link->socket, ZMQ_SUBSCRIBE, prefixes[i], strlen(prefixes[i])) != 0)
            return error_set(error, ERROR_IO, "cannot subscribe: %s", zmq_strerror(errno));
    return ERROR_NONE;
}

/* libzmq tries only the first address that a name has. So every other attempt asks for IPv6: a name
 * that has both is reached though the node behind it listens on one. */
static bool uses_ipv6(const struct link *link)
{
    return strchr(link->endpoint, '[') || link->failures % 2 == 1;
}

static int open_sockets(struct link *link, struct error *error)
{
    bool live = link->kind == NET_LIVE_OUT;
    const struct socket_settings settings = {
        .type = live ? ZMQ_SUB : ZMQ_DEALER,
        .key = link->owner->key,
        .server = &link->server_key,
        .ipv6 = uses_ipv6(link),
        .max_size = (live ? LIMIT_SIGNED_ENTRY_SIZE : LIMIT_MESSAGE_SIZE) + SOCKET_CURVE_OVERHEAD,
        .send_queue = live ? 0 : 16,
        .receive_queue = live ? 1000 : 16,
    };
    int code = socket_open(link->owner->context, &settings, &link->socket, error);

    if (code == ERROR_NONE)
        code = open_monitor(link, error);
    if (code == ERROR_NONE && live)
        code = subscribe(link, error);
    if (code == ERROR_NONE && zmq_connect(link->socket, link->endpoint) != 0)
        code = error_set(error, ERROR_IO, "cannot dial %s: %s; expected tcp://HOST:PORT",
                         link->endpoint, zmq_strerror(errno));
    return code;
}

static void dial(struct link *link, const char *reason)
{
    struct error error = {0};

    (void)reason;
    link->state = LINK_DIALLING;
    link->deadline_ms = socket_now_ms() + ATTEMPT_MS;
    if (open_sockets(link, &error) != ERROR_NONE)
        wait_again(link, error.text);
}

static void come_up(struct link *link, const char *reason)
{
    link->state = LINK_UP;
    link->other_tried = false;
    link->deadline_ms = 0;
    link->up_ms = socket_now_ms();
    tell(link, true, reason, 0);
}

static void go_down(struct link *link, const char *reason)
{
    if (socket_now_ms() - link->up_ms >= STOOD_MS)
        link->failures = 0;
    wait_again(link, reason);
}

static void (*const table[LINK_STATES][INPUTS])(struct link *, const char *) = {
    [LINK_WAITING] = {[INPUT_TIMER] = dial, [INPUT_NOW] = dial},
    [LINK_DIALLING] = {[INPUT_TIMER] = give_up,
                       [INPUT_ACCEPTED] = come_up,
                       [INPUT_BROKEN] = give_up,
                       [INPUT_REFUSED] = wait_again},
    [LINK_UP] = {[INPUT_BROKEN] = go_down, [INPUT_REFUSED] = go_down},
};

static void feed(struct link *link, enum input input, const char *reason)
{
    if (table[link->state][input])
        table[link->state][input](link, reason);
}

void link_init(struct link *link, const struct link_owner *owner, enum net_link_kind kind,
               const struct id *peer, const struct id *server_key, const char *endpoint)
{
    *link = (struct link){.owner = owner,
                          .kind = kind,
                          .peer = *peer,
                          .server_key = *server_key,
                          .newest = *server_key,
                          .state = LINK_WAITING,
                          .deadline_ms = socket_now_ms()};
    snprintf(link->endpoint, sizeof link->endpoint, "%s", endpoint);
}

bool link_set_keys(struct link *link, const struct id *newest, const struct id *former)
{
    bool used = id_equal(&link->server_key, newest) ||
                (!id_is_zero(former) && id_equal(&link->server_key, former));

    if (!used && link->state != LINK_WAITING)
        return false;
    if (!id_equal(&link->newest, newest) && link->state == LINK_WAITING) {
        link->server_key = *newest;
        link->deadline_ms = socket_now_ms();
    }
    link->newest = *newest;
    link->former = *former;
    if (!used)
        link->server_key = *newest;
    return true;
}

void link_restart(struct link *link, const char *reason)
{
    link_finish(link, reason);
    link->failures = 0;
    link->other_tried = false;
    link->deadline_ms = socket_now_ms();
}

void link_finish(struct link *link, const char *reason)
{
    bool up = link->state == LINK_UP;

    hang_up(link);
    link->state = LINK_WAITING;
    link->deadline_ms = 0;
    if (up)
        tell(link, false, reason, 0);
}

/* What a refusal means for the people who run this node. */
static const char *refusal_text(int32_t status)
{
    return status == 400 ? "the partner refused our key: it has not accepted our card, or knows a "
                           "newer one"
                         : "the partner cannot tell now whether we may connect";
}

static void hear_event(struct link *link, uint16_t event, int32_t value)
{
    switch (event) {
    case ZMQ_EVENT_CONNECTED:
        link->connected = true;
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        feed(link, INPUT_ACCEPTED, "");
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        feed(link, INPUT_REFUSED, refusal_text(value)); /* it has answered by this key */
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        feed(link, INPUT_BROKEN, "what answers there is not a node of this network");
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        feed(link, INPUT_BROKEN,
             "the handshake failed: the partner's card may be old, or its gate is closed");
        break;
    case ZMQ_EVENT_CLOSED:
    case ZMQ_EVENT_DISCONNECTED:
        feed(link, INPUT_BROKEN,
             link->state == LINK_UP ? "the connection ended"
             : link->connected      ? "the partner ended the handshake"
                                    : "nobody answers there");
        break;
    default:
        break;
    }
}

static void read_monitor(void *context, short events)
{
    struct link *link = context;
    struct socket_message message;

    (void)events;
    while (link->monitor && socket_receive(link->monitor, &message)) {
        struct span frame = socket_frame(&message, 0);
        uint16_t event;
        int32_t value;

        if (frame.size == sizeof event + sizeof value) {
            memcpy(&event, frame.data, sizeof event);
            memcpy(&value, frame.data + sizeof event, sizeof value);
            hear_event(link, event, value);
        }
        socket_message_finish(&message);
    }
}

void link_poll(struct link *link, struct pollset *set)
{
    if (link->monitor)
        pollset_add(set, link->monitor, 0, ZMQ_POLLIN, read_monitor, link);
}

long link_tick(struct link *link)
{
    uint64_t now = socket_now_ms();

    if (link->deadline_ms && now >= link->deadline_ms)
        feed(link, INPUT_TIMER, "no answer in time");
    if (!link->deadline_ms)
        return -1;
    return link->deadline_ms > now ? (long)(link->deadline_ms - now) : 0;
}

void link_redial(struct link *link)
{
    feed(link, INPUT_NOW, "");
}

void link_break(struct link *link, const char *reason)
{
    feed(link, INPUT_BROKEN, reason);
}
