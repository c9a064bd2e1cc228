#include "node/net/gate.h"

#include "common/log.h"
#include "node/net/socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ENDPOINT "inproc://zeromq.zap.01"
#define VERSION "1.0"
#define FIELD_SIZE 255 /* RFC 27: short texts */
#define REFUSED_EVERY_MS 1000
#define VISITORS 256 /* keys whose visits are counted; the one not seen longest gives way */
#define VISIT_WINDOW_MS 60000

/* A request as it comes over a ROUTER socket. */
enum frame {
    FRAME_ROUTE,
    FRAME_EMPTY,
    FRAME_VERSION,
    FRAME_REQUEST,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_IDENTITY,
    FRAME_MECHANISM,
    FRAME_KEY,
    FRAME_COUNT
};

enum order { ORDER_NONE, ORDER_STOP, ORDER_BREAK, ORDER_BREAK_AND_CLOSE };

/* How often a key has come in the window that began then. */
struct visitor {
    struct id key;
    uint64_t window_ms; /* 0: free */
    unsigned count;
};

struct gate {
    struct gate_config config;
    void *socket; /* the thread's while it runs */
    int order_fd; /* wakes the thread */
    int ended_fd; /* says that it has ended */
    atomic_int order;
    atomic_ullong admitted, refused;
    uint64_t refused_ms;               /* last event; the thread's */
    struct visitor visitors[VISITORS]; /* the thread's */
    pthread_t thread;
    bool started;
};

struct request {
    struct {
        uint8_t data[FIELD_SIZE];
        size_t size;
    } frames[FRAME_COUNT];
    bool whole; /* exactly FRAME_COUNT frames, none too long */
};

struct answer {
    const char *status, *text;
    char user[2 * BYTES_ID_SIZE + 1];
};

static bool frame_is(const struct request *request, enum frame frame, const char *text)
{
    return span_equal(span_of(request->frames[frame].data, request->frames[frame].size),
                      span_of_text(text));
}

/* false: no message there. */
static bool receive(void *socket, struct request *request)
{
    size_t count = 0;
    bool more = true;

    request->whole = true;
    while (more) {
        zmq_msg_t frame;
        size_t size;

        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return false;
        }
        size = zmq_msg_size(&frame);
        if (count < FRAME_COUNT && size <= FIELD_SIZE) {
            memcpy(request->frames[count].data, zmq_msg_data(&frame), size);
            request->frames[count].size = size;
        } else {
            request->whole = false;
        }
        more = zmq_msg_more(&frame) != 0;
        zmq_msg_close(&frame);
        count++;
    }
    request->whole = request->whole && count == FRAME_COUNT;
    return true;
}

static unsigned right_of_service(const struct request *request)
{
    if (frame_is(request, FRAME_DOMAIN, GATE_LIVE))
        return ACCESS_LIVE;
    if (frame_is(request, FRAME_DOMAIN, GATE_SYNC))
        return ACCESS_SYNC;
    return 0;
}

static void tell_refused(struct gate *gate, const struct request *request, const struct id *key)
{
    uint64_t now = socket_now_ms();
    char address[FIELD_SIZE + 1] = "";
    size_t size = request->frames[FRAME_ADDRESS].size;

    if (!gate->config.refused || (gate->refused_ms && now - gate->refused_ms < REFUSED_EVERY_MS))
        return;
    gate->refused_ms = now;
    memcpy(address, request->frames[FRAME_ADDRESS].data, size);
    gate->config.refused(gate->config.self, key,
                         frame_is(request, FRAME_DOMAIN, GATE_LIVE) ? GATE_LIVE : GATE_SYNC,
                         address);
}

static struct visitor *find_visitor(struct gate *gate, const struct id *key)
{
    struct visitor *oldest = &gate->visitors[0];

    for (size_t i = 0; i < VISITORS; i++) {
        struct visitor *visitor = &gate->visitors[i];

        if (visitor->window_ms && id_equal(&visitor->key, key))
            return visitor;
        if (visitor->window_ms < oldest->window_ms)
            oldest = visitor;
    }
    *oldest = (struct visitor){.key = *key};
    return oldest;
}

/* Keys that nobody has named count as one: anybody can make new ones. */
static bool is_within_rate(struct gate *gate, const struct access_entry *entry)
{
    static const struct id unnamed;
    struct visitor *visitor =
        find_visitor(gate, entry->role == ACCESS_READER ? &unnamed : &entry->key);
    uint64_t now = socket_now_ms();

    if (!visitor->window_ms || now - visitor->window_ms >= VISIT_WINDOW_MS) {
        visitor->window_ms = now;
        visitor->count = 0;
    }
    if (++visitor->count == GATE_VISITS_PER_MINUTE + 1)
        log_warning("gate.rate", "name", entry->name[0] ? entry->name : "readers", "action",
                    "refused for the rest of the minute");
    return visitor->count <= GATE_VISITS_PER_MINUTE;
}

static bool may_enter(struct gate *gate, const struct id *key, unsigned right)
{
    struct access_entry entry;

    return access_table_find(gate->config.access, key, &entry) &&
           access_may(entry.role, (enum access_right)right) && is_within_rate(gate, &entry);
}

static void decide(struct gate *gate, const struct request *request, struct answer *answer)
{
    struct id key;
    unsigned right = right_of_service(request);

    *answer = (struct answer){.status = "400", .text = "no access"};
    if (!right || !frame_is(request, FRAME_MECHANISM, "CURVE") ||
        !span_to_id(span_of(request->frames[FRAME_KEY].data, request->frames[FRAME_KEY].size),
                    &key))
        return;
    if (may_enter(gate, &key, right) || gate->config.admits_all) {
        answer->status = "200";
        answer->text = "OK";
        bytes_to_hex(key.bytes, sizeof key.bytes, answer->user);
        return;
    }
    tell_refused(gate, request, &key);
}

static void send_answer(void *socket, const struct request *request, const struct answer *answer)
{
    const struct span frames[] = {
        span_of(request->frames[FRAME_ROUTE].data, request->frames[FRAME_ROUTE].size),
        span_of_text(""),
        span_of_text(VERSION),
        span_of(request->frames[FRAME_REQUEST].data, request->frames[FRAME_REQUEST].size),
        span_of_text(answer->status),
        span_of_text(answer->text),
        span_of_text(answer->user),
        span_of_text(""), /* metadata */
    };
    size_t count = sizeof frames / sizeof frames[0];

    /* A connection that has gone in the meantime is not an error. */
    for (size_t i = 0; i < count; i++)
        if (zmq_send(socket, frames[i].data, frames[i].size,
                     ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0)) < 0)
            return;
}

static void serve(struct gate *gate)
{
    struct request request;
    struct answer answer;

    while (receive(gate->socket, &request)) {
        /* A request that is not whole has no answer: the connection then never comes about. */
        if (!request.whole || !frame_is(&request, FRAME_VERSION, VERSION)) {
            atomic_fetch_add(&gate->refused, 1);
            continue;
        }
        decide(gate, &request, &answer);
        atomic_fetch_add(answer.user[0] ? &gate->admitted : &gate->refused, 1);
        send_answer(gate->socket, &request, &answer);
    }
}

static void *run(void *argument)
{
    struct gate *gate = argument;
    uint64_t one = 1;

    while (atomic_load(&gate->order) == ORDER_NONE) {
        zmq_pollitem_t items[] = {{gate->socket, 0, ZMQ_POLLIN, 0},
                                  {NULL, gate->order_fd, ZMQ_POLLIN, 0}};

        if (zmq_poll(items, 2, -1) < 0 && errno != EINTR)
            break;
        if (atomic_load(&gate->order) == ORDER_NONE)
            serve(gate);
    }
    if (atomic_load(&gate->order) == ORDER_BREAK_AND_CLOSE)
        socket_close(&gate->socket);
    if (write(gate->ended_fd, &one, sizeof one) < 0)
        log_error("gate.ended");
    return NULL;
}

static int open_gate(void *context, struct gate *gate, struct error *error)
{
    const struct socket_settings settings = {.type = ZMQ_ROUTER, .max_size = -1};
    int code;

    gate->order_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    gate->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (gate->order_fd < 0 || gate->ended_fd < 0)
        return error_errno(error, "make", "an event of the gate");
    code = socket_open(context, &settings, &gate->socket, error);
    if (code == ERROR_NONE && zmq_bind(gate->socket, ENDPOINT) != 0)
        code = error_set(error, ERROR_IO, "cannot bind the gate: %s", zmq_strerror(errno));
    return code;
}

int gate_start(void *context, const struct gate_config *config, struct gate **out,
               struct error *error)
{
    struct gate *gate = calloc(1, sizeof *gate);
    int code;

    if (!gate)
        return error_memory(error);
    gate->config = *config;
    gate->order_fd = gate->ended_fd = -1;
    code = open_gate(context, gate, error);
    if (code == ERROR_NONE && pthread_create(&gate->thread, NULL, run, gate) != 0)
        code = error_set(error, ERROR_IO, "cannot start the gate's thread");
    if (code != ERROR_NONE) {
        gate_stop(gate);
        return code;
    }
    gate->started = true;
    *out = gate;
    return ERROR_NONE;
}

int gate_ended_fd(const struct gate *gate)
{
    return gate->ended_fd;
}

void gate_counts(const struct gate *gate, uint64_t *admitted, uint64_t *refused)
{
    *admitted = atomic_load(&gate->admitted);
    *refused = atomic_load(&gate->refused);
}

static void give_order(struct gate *gate, enum order order)
{
    uint64_t one = 1;

    atomic_store(&gate->order, order);
    if (write(gate->order_fd, &one, sizeof one) < 0)
        log_error("gate.order");
}

void gate_break(struct gate *gate, bool bound)
{
    give_order(gate, bound ? ORDER_BREAK : ORDER_BREAK_AND_CLOSE);
}

void gate_close(struct gate *gate)
{
    if (gate->started) {
        give_order(gate, ORDER_STOP);
        pthread_join(gate->thread, NULL);
    }
    gate->started = false;
    if (gate->socket) /* at once, where closing would free the name some time later */
        zmq_unbind(gate->socket, ENDPOINT);
    socket_close(&gate->socket);
}

void gate_stop(struct gate *gate)
{
    if (!gate)
        return;
    gate_close(gate);
    if (gate->order_fd >= 0)
        close(gate->order_fd);
    if (gate->ended_fd >= 0)
        close(gate->ended_fd);
    free(gate);
}
