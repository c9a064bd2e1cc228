#include "tests/support/net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

uint64_t fixture_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct secret *fixture_key(void)
{
    struct secret *key = NULL;
    struct error error = {0};

    if (secret_start(&error) != ERROR_NONE ||
        secret_generate(SECRET_TRANSPORT, &key, &error) != ERROR_NONE)
        fail_msg("%s", error.text);
    return key;
}

/* --- what happens -------------------------------------------------------------------------------
 */

static void note(struct fixture *fixture, struct fixture_event *event)
{
    event->at_ms = fixture_now_ms();
    pthread_mutex_lock(&fixture->lock);
    if (fixture->count == fixture->room) {
        fixture->room = fixture->room ? fixture->room * 2 : 64;
        fixture->events = realloc(fixture->events, fixture->room * sizeof *event);
        if (!fixture->events)
            abort();
    }
    fixture->events[fixture->count++] = *event;
    pthread_cond_broadcast(&fixture->moved);
    pthread_mutex_unlock(&fixture->lock);
}

static void put_text(struct fixture_event *event, struct span text)
{
    size_t size = text.size < sizeof event->text - 1 ? text.size : sizeof event->text - 1;

    if (size)
        memcpy(event->text, text.data, size);
    event->text[size] = '\0';
    event->size = text.size;
}

static void on_link(void *self, const struct net_link *change)
{
    struct fixture_event event = {.kind = FIXTURE_LINK,
                                  .peer = change->peer,
                                  .link = change->kind,
                                  .up = change->up,
                                  .key = change->key};

    put_text(&event, span_of_text(change->reason));
    note(self, &event);
}

static bool on_message(void *self, const struct id *peer, enum access_role role,
                       struct buffer *message)
{
    struct fixture *fixture = self;
    struct fixture_event event = {.kind = FIXTURE_MESSAGE, .peer = *peer, .role = role};
    bool full;

    pthread_mutex_lock(&fixture->lock);
    full = fixture->full;
    pthread_mutex_unlock(&fixture->lock);
    if (full)
        return false;
    put_text(&event, buffer_span(message));
    buffer_finish(message);
    note(fixture, &event);
    return true;
}

static void on_live(void *self, const struct id *from, struct span topic, struct span payload)
{
    struct fixture_event event = {.kind = FIXTURE_LIVE, .peer = *from};

    snprintf(event.topic, sizeof event.topic, "%.*s", (int)topic.size, (const char *)topic.data);
    put_text(&event, payload);
    note(self, &event);
}

static bool on_control(void *self, const struct net_route *route, struct buffer *message)
{
    struct fixture_event event = {.kind = FIXTURE_CONTROL, .route = *route};

    put_text(&event, buffer_span(message));
    buffer_finish(message);
    note(self, &event);
    return true;
}

static void on_fatal(void *self, const char *text)
{
    struct fixture_event event = {.kind = FIXTURE_FATAL};

    put_text(&event, span_of_text(text));
    note(self, &event);
}

static void on_refused(void *self, const struct id *key, const char *service, const char *address)
{
    struct fixture_event event = {.kind = FIXTURE_REFUSED, .peer = *key};

    (void)address;
    put_text(&event, span_of_text(service));
    note(self, &event);
}

bool fixture_wait_for(struct fixture *fixture, size_t from, fixture_match want,
                      const void *argument, uint64_t ms, size_t *at)
{
    struct timespec until;
    bool found = false;
    int late = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&fixture->lock);
    for (size_t i = from; !found && !late;) {
        for (; i < fixture->count && !found; i++)
            if (want(&fixture->events[i], argument)) {
                found = true;
                *at = i;
            }
        if (!found)
            late = pthread_cond_timedwait(&fixture->moved, &fixture->lock, &until);
    }
    pthread_mutex_unlock(&fixture->lock);
    return found;
}

size_t fixture_wait(struct fixture *fixture, size_t from, fixture_match want, const void *argument,
                    const char *what)
{
    size_t at = 0;

    if (!fixture_wait_for(fixture, from, want, argument, FIXTURE_WAIT_MS, &at))
        fail_msg("waited in vain for: %s", what);
    return at;
}

struct wanted {
    enum fixture_kind kind;
    const char *text;
    enum net_link_kind link;
    bool up;
};

static bool is_text(const struct fixture_event *event, const void *argument)
{
    const struct wanted *wanted = argument;

    return event->kind == wanted->kind && strcmp(event->text, wanted->text) == 0;
}

static bool is_link(const struct fixture_event *event, const void *argument)
{
    const struct wanted *wanted = argument;

    return event->kind == FIXTURE_LINK && event->link == wanted->link && event->up == wanted->up;
}

size_t fixture_wait_text(struct fixture *fixture, size_t from, enum fixture_kind kind,
                         const char *text)
{
    const struct wanted wanted = {.kind = kind, .text = text};

    return fixture_wait(fixture, from, is_text, &wanted, text);
}

size_t fixture_wait_link(struct fixture *fixture, size_t from, enum net_link_kind link, bool up)
{
    const struct wanted wanted = {.link = link, .up = up};
    char what[64];

    snprintf(what, sizeof what, "%s %s", net_link_kind_name(link), up ? "up" : "down");
    return fixture_wait(fixture, from, is_link, &wanted, what);
}

size_t fixture_count(struct fixture *fixture)
{
    size_t count;

    pthread_mutex_lock(&fixture->lock);
    count = fixture->count;
    pthread_mutex_unlock(&fixture->lock);
    return count;
}

struct fixture_event fixture_event_at(struct fixture *fixture, size_t index)
{
    struct fixture_event event;

    pthread_mutex_lock(&fixture->lock);
    assert_true(index < fixture->count);
    event = fixture->events[index];
    pthread_mutex_unlock(&fixture->lock);
    return event;
}

size_t fixture_count_of(struct fixture *fixture, enum fixture_kind kind)
{
    size_t found = 0;

    pthread_mutex_lock(&fixture->lock);
    for (size_t i = 0; i < fixture->count; i++)
        found += fixture->events[i].kind == kind;
    pthread_mutex_unlock(&fixture->lock);
    return found;
}

/* --- life ---------------------------------------------------------------------------------------
 */

void fixture_make_net(struct fixture *fixture, const char *control, size_t memory_limit)
{
    const struct net_config config = {
        .transport = fixture->key,
        .network = "test",
        .listen_live = fixture->inward ? fixture->live : NULL,
        .listen_sync = fixture->inward ? fixture->sync : NULL,
        .control_path = control,
        .access = fixture->access,
        .memory_limit = memory_limit,
        .events = {fixture, on_link, on_message, on_live, on_control, on_fatal, on_refused}};
    struct error error = {0};

    if (net_create(&config, &fixture->net, &error) != ERROR_NONE)
        fail_msg("%s", error.text);
    net_plants(fixture->net)->retry_min_ms = 50;
    net_plants(fixture->net)->retry_max_ms = 200;
}

void fixture_init(struct fixture *fixture, unsigned char feed, bool inward, const char *control,
                  size_t memory_limit)
{
    pthread_condattr_t attributes;

    *fixture = (struct fixture){.inward = inward};
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fixture->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    memset(fixture->feed.bytes, feed, sizeof fixture->feed.bytes);
    fixture->key = fixture_key();
    assert_int_equal(access_table_create(&fixture->access, NULL), ERROR_NONE);
    strcpy(fixture->live, "tcp://127.0.0.1:*");
    strcpy(fixture->sync, "tcp://127.0.0.1:*");
    fixture_make_net(fixture, control, memory_limit);
}

void fixture_start(struct fixture *fixture)
{
    struct error error = {0};

    if (net_start(fixture->net, &error) != ERROR_NONE)
        fail_msg("%s", error.text);
    if (fixture->inward) {
        snprintf(fixture->live, sizeof fixture->live, "%s", net_live_endpoint(fixture->net));
        snprintf(fixture->sync, sizeof fixture->sync, "%s", net_sync_endpoint(fixture->net));
    }
}

void fixture_stop(struct fixture *fixture)
{
    net_close(fixture->net);
    net_stop(fixture->net);
    net_destroy(fixture->net);
    fixture->net = NULL;
}

void fixture_finish(struct fixture *fixture)
{
    fixture_stop(fixture);
    access_table_destroy(fixture->access);
    secret_destroy(fixture->key);
    free(fixture->events);
    pthread_cond_destroy(&fixture->moved);
    pthread_mutex_destroy(&fixture->lock);
}

struct access_entry fixture_entry(const struct secret *key, enum access_role role, const char *name)
{
    struct access_entry entry = {.key = *secret_public(key), .role = role};

    snprintf(entry.name, sizeof entry.name, "%s", name);
    return entry;
}

struct access_entry fixture_partner(const struct fixture *of)
{
    struct access_entry entry = fixture_entry(of->key, ACCESS_PARTNER, "partner");

    entry.feed = of->feed;
    return entry;
}

void fixture_allow(struct fixture *fixture, const struct access_entry *entries, size_t count,
                   bool open_reading)
{
    struct error error = {0};

    if (access_table_set(fixture->access, entries, count, open_reading, &error) != ERROR_NONE)
        fail_msg("%s", error.text);
}

void fixture_dial(struct fixture *fixture, const struct fixture *other)
{
    struct net_partner partner = {
        .feed = other->feed, .transport_key = *secret_public(other->key), .handle = "xx-other"};

    snprintf(partner.live, sizeof partner.live, "%s", other->inward ? other->live : "");
    snprintf(partner.sync, sizeof partner.sync, "%s", other->inward ? other->sync : "");
    assert_int_equal(net_set_partners(fixture->net, &partner, 1, NULL), ERROR_NONE);
}

void fixture_dial_none(struct fixture *fixture)
{
    assert_int_equal(net_set_partners(fixture->net, NULL, 0, NULL), ERROR_NONE);
}

void fixture_pair(struct fixture *from, struct fixture *to)
{
    struct access_entry of_from = fixture_partner(from), of_to = fixture_partner(to);

    fixture_allow(from, &of_to, 1, false);
    fixture_allow(to, &of_from, 1, false);
    fixture_dial(from, to);
    fixture_wait_link(from, 0, NET_SYNC_OUT, true);
    fixture_wait_link(from, 0, NET_LIVE_OUT, true);
}

bool fixture_send(struct fixture *fixture, const struct id *peer, const char *text)
{
    struct buffer message = {0};
    bool taken;

    assert_true(buffer_append_text(&message, text));
    taken = net_send(fixture->net, peer, &message);
    assert_true(taken == (message.data == NULL));
    buffer_finish(&message);
    return taken;
}

bool fixture_send_sized(struct fixture *fixture, const struct id *peer, size_t size, char fill)
{
    struct buffer message = {0};
    bool taken;

    assert_true(buffer_reserve(&message, size));
    memset(message.data, fill, size);
    message.size = size;
    taken = net_send(fixture->net, peer, &message);
    buffer_finish(&message);
    return taken;
}

void fixture_set_full(struct fixture *fixture, bool full)
{
    pthread_mutex_lock(&fixture->lock);
    fixture->full = full;
    pthread_mutex_unlock(&fixture->lock);
}

/* --- raw clients ---------------------------------------------------------------------------- */

static void set_number(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

static void set_mechanism(void *socket, const struct raw_settings *settings)
{
    if (settings->mechanism == RAW_PLAIN) {
        assert_int_equal(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "admin", 5), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_PLAIN_PASSWORD, "admin", 5), 0);
    } else if (settings->mechanism == RAW_CURVE) {
        assert_int_equal(
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, settings->server->bytes, BYTES_ID_SIZE), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY,
                                        secret_public(settings->key)->bytes, BYTES_ID_SIZE),
                         0);
        assert_int_equal(
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_bytes(settings->key), BYTES_ID_SIZE),
            0);
    }
}

void raw_open(struct raw *raw, const struct raw_settings *settings)
{
    *raw = (struct raw){.context = zmq_ctx_new()};
    raw->socket = zmq_socket(raw->context, settings->type);
    raw->monitor = zmq_socket(raw->context, ZMQ_PAIR);
    assert_non_null(raw->socket);
    assert_non_null(raw->monitor);
    set_number(raw->socket, ZMQ_LINGER, 0);
    set_number(raw->monitor, ZMQ_LINGER, 0);
    set_number(raw->socket, ZMQ_SNDHWM, settings->send_queue);
    set_number(raw->socket, ZMQ_HANDSHAKE_IVL, 1000);
    set_number(raw->socket, ZMQ_RECONNECT_IVL, settings->stubborn ? 50 : -1);
    set_mechanism(raw->socket, settings);
    if (settings->routing_id)
        assert_int_equal(zmq_setsockopt(raw->socket, ZMQ_ROUTING_ID, settings->routing_id,
                                        settings->routing_id_size ? settings->routing_id_size
                                                                  : strlen(settings->routing_id)),
                         0);
    if (settings->topic)
        assert_int_equal(
            zmq_setsockopt(raw->socket, ZMQ_SUBSCRIBE, settings->topic, strlen(settings->topic)),
            0);
    assert_int_equal(zmq_socket_monitor(raw->socket, "inproc://raw", ZMQ_EVENT_ALL), 0);
    assert_int_equal(zmq_connect(raw->monitor, "inproc://raw"), 0);
    assert_int_equal(zmq_connect(raw->socket, settings->endpoint), 0);
}

void raw_close(struct raw *raw)
{
    zmq_socket_monitor(raw->socket, NULL, 0);
    zmq_close(raw->socket);
    zmq_close(raw->monitor);
    zmq_ctx_term(raw->context);
}

bool raw_send(struct raw *raw, const void *data, size_t size, bool more)
{
    return zmq_send(raw->socket, data, size, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0;
}

void raw_listen(struct raw *raw)
{
    for (;;) {
        uint8_t frame[6];
        char endpoint[256];
        uint16_t event;

        if (zmq_recv(raw->monitor, frame, sizeof frame, ZMQ_DONTWAIT) < 0)
            return;
        zmq_recv(raw->monitor, endpoint, sizeof endpoint, 0);
        memcpy(&event, frame, sizeof event);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            raw->accepted = true;
        else if (event == ZMQ_EVENT_DISCONNECTED || event == ZMQ_EVENT_CLOSED ||
                 event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
                 event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
                 event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
            raw->ended = true;
    }
}

static void wait_any(struct raw *raw, uint64_t ms)
{
    zmq_pollitem_t items[] = {{raw->monitor, 0, ZMQ_POLLIN, 0}, {raw->socket, 0, ZMQ_POLLIN, 0}};

    zmq_poll(items, 2, (long)ms);
    raw_listen(raw);
}

bool raw_receive(struct raw *raw, char *out, size_t size, uint64_t ms)
{
    uint64_t end = fixture_now_ms() + ms;

    for (;;) {
        int got = zmq_recv(raw->socket, out, size - 1, ZMQ_DONTWAIT);
        uint64_t now = fixture_now_ms();

        if (got >= 0) {
            int more;
            size_t more_size = sizeof more;

            /* Of two frames one may be under way when a socket is closed: libzmq would abort. */
            assert_int_equal(zmq_getsockopt(raw->socket, ZMQ_RCVMORE, &more, &more_size), 0);
            assert_int_equal(more, 0);
            out[(size_t)got < size - 1 ? (size_t)got : size - 1] = '\0';
            return true;
        }
        if (now >= end)
            return false;
        wait_any(raw, end - now);
    }
}

static bool wait_flag(struct raw *raw, const bool *flag, uint64_t ms)
{
    uint64_t now = fixture_now_ms(), end = now + ms;

    for (raw_listen(raw); !*flag && now < end; raw_listen(raw)) {
        zmq_pollitem_t item = {raw->monitor, 0, ZMQ_POLLIN, 0};

        zmq_poll(&item, 1, (long)(end - now));
        now = fixture_now_ms();
    }
    return *flag;
}

bool raw_wait_accepted(struct raw *raw, uint64_t ms)
{
    return wait_flag(raw, &raw->accepted, ms);
}

bool raw_wait_ended(struct raw *raw, uint64_t ms)
{
    return wait_flag(raw, &raw->ended, ms);
}

bool raw_reads_live(struct fixture *fixture, enum raw_mechanism mechanism, const struct secret *key,
                    const struct id *server)
{
    const struct raw_settings settings = {.type = ZMQ_SUB,
                                          .mechanism = mechanism,
                                          .key = key,
                                          .server = server,
                                          .endpoint = fixture->live,
                                          .topic = ""};
    uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS;
    struct raw raw;
    char text[64];
    bool read = false;

    raw_open(&raw, &settings);
    while (!read && !raw.ended && fixture_now_ms() < end) {
        net_live(fixture->net, "feed/secret/", span_of_text("secret"));
        read = raw_receive(&raw, text, sizeof text, 20);
    }
    if (!read && !raw.ended)
        fail_msg("neither read nor refused");
    raw_close(&raw);
    return read;
}

static bool is_intruder(const struct fixture_event *event, const void *argument)
{
    return event->kind == FIXTURE_MESSAGE && strcmp(event->text, argument) == 0;
}

bool raw_writes_sync(struct fixture *fixture, enum raw_mechanism mechanism,
                     const struct secret *key, const struct id *server)
{
    const struct raw_settings settings = {.type = ZMQ_DEALER,
                                          .mechanism = mechanism,
                                          .key = key,
                                          .server = server,
                                          .endpoint = fixture->sync};
    static unsigned number;
    uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS;
    size_t at, from = fixture_count(fixture);
    struct net_counts before, now;
    struct raw raw;
    char text[32];
    bool wrote = false, dropped = false;

    snprintf(text, sizeof text, "intruder %u", number++);
    net_get_counts(fixture->net, &before);
    raw_open(&raw, &settings);
    raw_send(&raw, text, strlen(text), false);
    while (!wrote && !dropped && !raw.ended && fixture_now_ms() < end) {
        raw_listen(&raw);
        wrote = fixture_wait_for(fixture, from, is_intruder, text, 20, &at);
        net_get_counts(fixture->net, &now);
        dropped = now.sync_refused > before.sync_refused;
    }
    if (!wrote && !dropped && !raw.ended)
        fail_msg("neither taken nor refused");
    raw_close(&raw);
    return wrote;
}
