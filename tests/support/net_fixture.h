/* net_fixture: real nets over loopback on free ports, and raw ZeroMQ clients that do what a node
 * never does. Everything that happens is kept in a log; tests wait for it with a time limit. */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include "node/net/net.h"
#include "node/net/net_internal.h"

#include <pthread.h>

#define FIXTURE_WAIT_MS 20000 /* far more than anything takes; never slept through in full */

enum fixture_kind {
    FIXTURE_LINK,
    FIXTURE_MESSAGE,
    FIXTURE_LIVE,
    FIXTURE_CONTROL,
    FIXTURE_FATAL,
    FIXTURE_REFUSED
};

struct fixture_event {
    enum fixture_kind kind;
    struct id peer;
    enum net_link_kind link;
    bool up;
    struct id key; /* of a link that is up */
    enum access_role role;
    struct net_route route;
    char topic[80];
    char text[200]; /* reason, message or payload, cut */
    size_t size;    /* of the whole message */
    uint64_t at_ms;
};

struct fixture {
    struct secret *key;
    struct id feed;
    struct access_table *access;
    struct net *net;
    char live[NET_ENDPOINT_SIZE + 1], sync[NET_ENDPOINT_SIZE + 1];
    bool inward; /* listens */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct fixture_event *events; /* under the lock */
    size_t count, room;
    bool full; /* the message event answers false */
};

struct secret *fixture_key(void); /* a fresh transport key */
uint64_t fixture_now_ms(void);

/* Keys, access table and net, not yet started: plants may be set. control: NULL or a path. */
void fixture_init(struct fixture *fixture, unsigned char feed, bool inward, const char *control,
                  size_t memory_limit);
void fixture_start(struct fixture *fixture);
/* Stops and frees the net; the same places are used by the next fixture_make_net. */
void fixture_stop(struct fixture *fixture);
void fixture_make_net(struct fixture *fixture, const char *control, size_t memory_limit);
void fixture_finish(struct fixture *fixture);

struct access_entry fixture_partner(const struct fixture *of);
struct access_entry fixture_entry(const struct secret *key, enum access_role role,
                                  const char *name);
void fixture_allow(struct fixture *fixture, const struct access_entry *entries, size_t count,
                   bool open_reading);
/* Dials the other one, at the places where it listens. */
void fixture_dial(struct fixture *fixture, const struct fixture *other);
void fixture_dial_none(struct fixture *fixture);
/* Both know each other, `from` dials `to`, the sync link is up. */
void fixture_pair(struct fixture *from, struct fixture *to);

bool fixture_send(struct fixture *fixture, const struct id *peer, const char *text);
bool fixture_send_sized(struct fixture *fixture, const struct id *peer, size_t size, char fill);
void fixture_set_full(struct fixture *fixture, bool full);

/* Waits until `want` holds for some event from number `from` on; its number, or fails the test. */
typedef bool (*fixture_match)(const struct fixture_event *event, const void *argument);
size_t fixture_wait(struct fixture *fixture, size_t from, fixture_match want, const void *argument,
                    const char *what);
bool fixture_wait_for(struct fixture *fixture, size_t from, fixture_match want,
                      const void *argument, uint64_t ms, size_t *at);
size_t fixture_count(struct fixture *fixture);
struct fixture_event fixture_event_at(struct fixture *fixture, size_t index);
/* Of one kind, so far. */
size_t fixture_count_of(struct fixture *fixture, enum fixture_kind kind);
/* The usual questions. */
size_t fixture_wait_text(struct fixture *fixture, size_t from, enum fixture_kind kind,
                         const char *text);
size_t fixture_wait_link(struct fixture *fixture, size_t from, enum net_link_kind link, bool up);

/* --- raw clients ------------------------------------------------------------------------------ */

enum raw_mechanism { RAW_NULL, RAW_PLAIN, RAW_CURVE };

struct raw {
    void *context, *socket, *monitor;
    bool accepted, ended; /* as its monitor has said so far */
};

struct raw_settings {
    int type;
    enum raw_mechanism mechanism;
    const struct secret *key;
    const struct id *server;
    const char *endpoint;
    const char *routing_id; /* NULL: none */
    size_t routing_id_size; /* 0: up to its NUL */
    const char *topic;      /* SUB: NULL for none */
    int send_queue;         /* messages; 0: no limit */
    bool stubborn;          /* connects again by itself */
};

void raw_open(struct raw *raw, const struct raw_settings *settings);
void raw_close(struct raw *raw);
bool raw_send(struct raw *raw, const void *data, size_t size, bool more);
/* One message, which must be one frame, cut to size - 1 and terminated; false after ms. Notes what
 * the monitor says. */
bool raw_receive(struct raw *raw, char *out, size_t size, uint64_t ms);
void raw_listen(struct raw *raw); /* notes what the monitor says */
/* Waits until the handshake has succeeded, or the connection has ended; false after ms. */
bool raw_wait_accepted(struct raw *raw, uint64_t ms);
bool raw_wait_ended(struct raw *raw, uint64_t ms);

/* Can somebody with this key and mechanism read from live, or write to sync (or read there)? Comes
 * back as soon as it is clear. */
bool raw_reads_live(struct fixture *fixture, enum raw_mechanism mechanism, const struct secret *key,
                    const struct id *server);
bool raw_writes_sync(struct fixture *fixture, enum raw_mechanism mechanism,
                     const struct secret *key, const struct id *server);

#endif
