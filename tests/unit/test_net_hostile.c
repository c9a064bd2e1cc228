/* What an accepted partner, or a listener, may try once it is in. */
#include "tests/support/net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MIB ((size_t)1024 * 1024)

/* A node and an accepted partner that is a raw client. */
struct hostile {
    struct fixture node;
    struct secret *key;
    struct id feed;
    struct raw raw;
};

static void begin_with(struct hostile *hostile, size_t memory_limit,
                       const struct net_plants *plants)
{
    struct access_entry entry;

    fixture_init(&hostile->node, 1, true, NULL, memory_limit);
    *net_plants(hostile->node.net) = *plants;
    hostile->key = fixture_key();
    memset(hostile->feed.bytes, 66, sizeof hostile->feed.bytes);
    entry = fixture_entry(hostile->key, ACCESS_PARTNER, "xx-evil");
    entry.feed = hostile->feed;
    fixture_allow(&hostile->node, &entry, 1, false);
    fixture_start(&hostile->node);
}

static void begin(struct hostile *hostile)
{
    static const struct net_plants none;

    begin_with(hostile, 0, &none);
}

static void connect_raw(struct hostile *hostile, int type, const char *routing_id, struct raw *raw)
{
    const struct raw_settings settings = {.type = type,
                                          .mechanism = RAW_CURVE,
                                          .key = hostile->key,
                                          .server = secret_public(hostile->node.key),
                                          .endpoint = type == ZMQ_DEALER ? hostile->node.sync
                                                                         : hostile->node.live,
                                          .routing_id = routing_id};

    /* libzmq does not always dial again by itself when a service closes in the middle of a
     * handshake; our own links do, with a fresh socket, and so does this. */
    for (int attempt = 0; attempt < 8; attempt++) {
        raw_open(raw, &settings);
        if (raw_wait_accepted(raw, FIXTURE_WAIT_MS / 4))
            return;
        raw_close(raw);
    }
    fail_msg("the service accepts nobody");
}

static void finish(struct hostile *hostile)
{
    raw_close(&hostile->raw);
    secret_destroy(hostile->key);
    fixture_finish(&hostile->node);
}

/* A good node still gets its messages through. */
static void still_works(struct hostile *hostile)
{
    struct fixture good;
    struct access_entry entries[2], of_node = fixture_partner(&hostile->node);
    size_t from = fixture_count(&hostile->node);

    fixture_init(&good, 7, false, NULL, 0);
    fixture_start(&good);
    entries[0] = fixture_entry(hostile->key, ACCESS_PARTNER, "xx-evil");
    entries[0].feed = hostile->feed;
    entries[1] = fixture_partner(&good);
    fixture_allow(&hostile->node, entries, 2, false);
    fixture_allow(&good, &of_node, 1, false);
    fixture_dial(&good, &hostile->node);
    fixture_wait_link(&good, 0, NET_SYNC_OUT, true);
    assert_true(fixture_send(&good, &hostile->node.feed, "from a good one"));
    fixture_wait_text(&hostile->node, from, FIXTURE_MESSAGE, "from a good one");
    fixture_finish(&good);
}

static uint64_t refused(struct hostile *hostile)
{
    struct net_counts counts;

    net_get_counts(hostile->node.net, &counts);
    return counts.sync_refused;
}

static void wait_refused(struct hostile *hostile, uint64_t count)
{
    uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS;

    while (refused(hostile) < count) {
        assert_true(fixture_now_ms() < end);
        raw_wait_ended(&hostile->raw, 5);
    }
}

/* --- who is who ---------------------------------------------------------------------------------
 */

static void test_net_hostile__a_routing_id_makes_nobody_somebody_else(void **state)
{
    struct hostile hostile;
    struct fixture_event event;
    struct id victim;
    char id[33] = {0};
    struct raw twin;
    size_t at;

    (void)state;
    begin(&hostile);
    memset(victim.bytes, 'v', sizeof victim.bytes);
    memcpy(id, victim.bytes, 32); /* the victim's feed id as routing id */
    connect_raw(&hostile, ZMQ_DEALER, id, &hostile.raw);
    assert_true(raw_send(&hostile.raw, "I am the victim", 15, false));
    at = fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, "I am the victim");
    event = fixture_event_at(&hostile.node, at);
    assert_true(id_equal(&event.peer, &hostile.feed)); /* known by its key */
    assert_false(fixture_send(&hostile.node, &victim, "for the victim only"));
    /* A second connection with the same routing id does not take the first one's place. */
    connect_raw(&hostile, ZMQ_DEALER, id, &twin);
    raw_send(&twin, "me too", 6, false);
    assert_true(raw_send(&hostile.raw, "still me", 8, false));
    fixture_wait_text(&hostile.node, at, FIXTURE_MESSAGE, "still me");
    still_works(&hostile);
    raw_close(&twin);
    finish(&hostile);
}

static void test_net_hostile__an_answer_goes_where_its_peer_spoke_last(void **state)
{
    struct hostile hostile;
    struct raw second;
    char text[64];

    (void)state;
    begin(&hostile);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    assert_true(raw_send(&hostile.raw, "first", 5, false));
    fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, "first");
    connect_raw(&hostile, ZMQ_DEALER, NULL, &second);
    assert_true(raw_send(&second, "second", 6, false));
    fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, "second");
    assert_true(fixture_send(&hostile.node, &hostile.feed, "answer"));
    assert_true(raw_receive(&second, text, sizeof text, FIXTURE_WAIT_MS));
    assert_string_equal(text, "answer");
    raw_close(&second);
    finish(&hostile);
}

#define ROUTERS 4 /* libzmq draws a start for each ROUTER; ours is the second one */
#define AHEAD 4

static void claim(struct hostile *hostile, uint32_t id, struct raw *raw)
{
    const uint8_t bytes[6] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                              (uint8_t)id};
    const struct raw_settings settings = {.type = ZMQ_DEALER,
                                          .mechanism = RAW_CURVE,
                                          .key = hostile->key,
                                          .server = secret_public(hostile->node.key),
                                          .endpoint = hostile->node.sync,
                                          .routing_id = (const char *)bytes,
                                          .routing_id_size = 5};
    char text[16];

    snprintf(text, sizeof text, "%u", id);
    raw_open(raw, &settings);
    assert_true(raw_wait_accepted(raw, FIXTURE_WAIT_MS));
    assert_true(raw_send(raw, text, strlen(text), false));
    fixture_wait_text(&hostile->node, 0, FIXTURE_MESSAGE, text);
}

/* libzmq ends the process when the id that it chooses for a connection is taken. It counts up from
 * rand(), so in a process that has just started everybody knows which ones come next. */
static void test_net_hostile__ids_to_come_cannot_be_guessed(void **state)
{
    struct hostile hostile;
    struct raw claims[ROUTERS * AHEAD];
    uint32_t starts[ROUTERS];

    (void)state;
    srand(1); /* as in a fresh process */
    for (int i = 0; i < ROUTERS; i++) {
        uint32_t low = (uint32_t)rand(), high = (uint32_t)rand();

        starts[i] = high << 31 | low;
    }
    srand(1);
    begin(&hostile);
    for (uint32_t i = 0; i < ROUTERS * AHEAD; i++)
        claim(&hostile, starts[i / AHEAD] + i % AHEAD, &claims[i]);
    still_works(&hostile);
    for (int i = 0; i < ROUTERS * AHEAD; i++)
        raw_close(&claims[i]);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    finish(&hostile);
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Sends one message of so many frames, then a proper one; has the node taken the first? */
static bool takes_frames(size_t frames, bool planted)
{
    const struct net_plants plants = {.takes_many_frames = planted};
    struct hostile hostile;
    bool taken = false;

    begin_with(&hostile, 0, &plants);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    for (size_t i = 0; i < frames; i++)
        assert_true(raw_send(&hostile.raw, "frame", 5, i + 1 < frames));
    assert_true(raw_send(&hostile.raw, "proper", 6, false));
    fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, "proper");
    for (size_t i = 0; i < fixture_count(&hostile.node); i++)
        taken |= strcmp(fixture_event_at(&hostile.node, i).text, "frame") == 0;
    assert_int_equal(refused(&hostile), planted ? 0 : 1);
    finish(&hostile);
    return taken;
}

static void test_net_hostile__a_message_of_several_frames_is_dropped(void **state)
{
    (void)state;
    assert_false(takes_frames(2, false));
    assert_false(takes_frames(3, false));
    assert_false(takes_frames(1000, false));
    assert_true(takes_frames(2, true));
}

static void test_net_hostile__several_frames_cost_the_route(void **state)
{
    struct hostile hostile;
    size_t at;

    (void)state;
    begin(&hostile);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    assert_true(raw_send(&hostile.raw, "hello", 5, false));
    fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, "hello");
    assert_true(fixture_send(&hostile.node, &hostile.feed, "you have a route"));
    raw_send(&hostile.raw, "a", 1, true);
    raw_send(&hostile.raw, "b", 1, false);
    at = fixture_wait_link(&hostile.node, 0, NET_SYNC_IN, false);
    assert_string_equal(fixture_event_at(&hostile.node, at).text, "a message must be one frame");
    assert_false(fixture_send(&hostile.node, &hostile.feed, "you have none"));
    finish(&hostile);
}

static void test_net_hostile__an_oversize_message_costs_the_connection(void **state)
{
    struct hostile hostile;
    uint8_t *huge = calloc(1, 2 * MIB);

    (void)state;
    assert_non_null(huge);
    begin(&hostile);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    assert_true(raw_send(&hostile.raw, huge, LIMIT_MESSAGE_SIZE, false)); /* the largest allowed */
    fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, "");             /* all zero */
    assert_true(raw_send(&hostile.raw, huge, LIMIT_MESSAGE_SIZE + 64, false));
    assert_true(raw_wait_ended(&hostile.raw, FIXTURE_WAIT_MS));
    assert_int_equal(fixture_count_of(&hostile.node, FIXTURE_MESSAGE), 1);
    still_works(&hostile);
    free(huge);
    finish(&hostile);
}

static size_t resident(void)
{
    unsigned long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &total, &pages), 2);
    fclose(file);
    return pages * 4096;
}

/* Frames of a message that never ends, up to so many MiB; was the connection cut on the way? */
static bool endless_frames_are_cut(bool watched)
{
    const struct net_plants plants = {.no_memory_watch = !watched};
    struct hostile hostile;
    uint8_t *frame = calloc(1, MIB);
    size_t sent = 0;
    bool cut;

    assert_non_null(frame);
    begin_with(&hostile, resident() + 64 * MIB, &plants);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    hostile.raw.ended = false;
    /* A few at a time, so that memory grows over there and not in our own queue. */
    for (uint64_t end = fixture_now_ms() + (watched ? FIXTURE_WAIT_MS : 4000);
         !hostile.raw.ended && fixture_now_ms() < end; raw_wait_ended(&hostile.raw, 10))
        for (int i = 0; i < 4 && sent < 400; i++, sent++)
            raw_send(&hostile.raw, frame, MIB, true);
    assert_int_equal(fixture_count_of(&hostile.node, FIXTURE_MESSAGE), 0);
    if (watched)
        still_works(&hostile);
    free(frame);
    cut = hostile.raw.ended;
    finish(&hostile);
    return cut;
}

static void test_net_hostile__a_message_that_never_ends_is_cut_off(void **state)
{
    (void)state;
    assert_true(endless_frames_are_cut(true));
    assert_false(endless_frames_are_cut(false));
}

/* --- listeners ----------------------------------------------------------------------------------
 */

static void subscribe(struct raw *raw, const char *topic, size_t size)
{
    assert_int_equal(zmq_setsockopt(raw->socket, ZMQ_SUBSCRIBE, topic, size), 0);
}

static void test_net_hostile__topics_of_every_length_do_no_harm(void **state)
{
    struct hostile hostile;
    char topic[4096];
    char text[64];

    (void)state;
    begin(&hostile);
    memset(topic, 't', sizeof topic);
    connect_raw(&hostile, ZMQ_SUB, NULL, &hostile.raw);
    for (size_t size = 0; size <= 300; size++)
        subscribe(&hostile.raw, topic, size);
    do {
        net_live(hostile.node.net, "feed/x/", span_of_text("entry"));
    } while (!raw_receive(&hostile.raw, text, sizeof text, 10));
    subscribe(&hostile.raw, topic, sizeof topic); /* more than a frame of a listener may have */
    assert_true(raw_wait_ended(&hostile.raw, FIXTURE_WAIT_MS));
    still_works(&hostile);
    finish(&hostile);
}

static void test_net_hostile__too_many_topics_cost_the_connection(void **state)
{
    struct hostile hostile;
    struct raw polite;
    char topic[32], text[64];
    int count = 0;

    (void)state;
    begin(&hostile);
    connect_raw(&hostile, ZMQ_SUB, NULL, &polite);
    subscribe(&polite, "feed/", 5);
    connect_raw(&hostile, ZMQ_SUB, NULL, &hostile.raw);
    hostile.raw.ended = false;
    for (; !hostile.raw.ended && count < 200000; count++) {
        snprintf(topic, sizeof topic, "kind/%d/", count);
        subscribe(&hostile.raw, topic, strlen(topic));
        if (count % 1000 == 0)
            raw_listen(&hostile.raw);
    }
    assert_true(raw_wait_ended(&hostile.raw, FIXTURE_WAIT_MS));
    still_works(&hostile);
    raw_close(&polite);
    connect_raw(&hostile, ZMQ_SUB, NULL, &polite);
    subscribe(&polite, "feed/", 5);
    do {
        net_live(hostile.node.net, "feed/x/", span_of_text("entry"));
    } while (!raw_receive(&polite, text, sizeof text, 10));
    raw_close(&polite);
    finish(&hostile);
}

static void test_net_hostile__what_listeners_say_is_thrown_away(void **state)
{
    struct hostile hostile;
    char text[64];

    (void)state;
    begin(&hostile);
    connect_raw(&hostile, ZMQ_XSUB, NULL, &hostile.raw);
    for (int i = 0; i < 100; i++) {
        raw_send(&hostile.raw, "gossip", 6, i % 3 == 0);
        raw_send(&hostile.raw, "", 0, false);
    }
    assert_true(raw_send(&hostile.raw, "\1feed/", 6, false));
    do {
        net_live(hostile.node.net, "feed/x/", span_of_text("entry"));
    } while (!raw_receive(&hostile.raw, text, sizeof text, 10));
    assert_int_equal(fixture_count_of(&hostile.node, FIXTURE_LIVE), 0);
    assert_int_equal(fixture_count_of(&hostile.node, FIXTURE_MESSAGE), 0);
    finish(&hostile);
}

/* --- a partner whose service lies ----------------------------------------------------------- */

struct liar {
    void *context, *gate, *live, *sync;
    struct secret *key;
    struct fixture node;
    char endpoint[2][NET_ENDPOINT_SIZE];
};

static void *bind_as_server(struct liar *liar, int type, char *endpoint)
{
    void *socket = zmq_socket(liar->context, type);
    int one = 1, zero = 0;
    size_t size = NET_ENDPOINT_SIZE;

    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero), 0);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof one), 0);
    assert_int_equal(
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_bytes(liar->key), BYTES_ID_SIZE), 0);
    assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    return socket;
}

static void liar_begin(struct liar *liar)
{
    struct net_partner partner = {.handle = "xx-liar"};
    struct access_entry entry;
    int one = 1;

    liar->context = zmq_ctx_new();
    liar->key = fixture_key();
    liar->live = bind_as_server(liar, ZMQ_XPUB, liar->endpoint[0]);
    /* Every subscription is seen, also one that comes before the ended link's is forgotten. */
    assert_int_equal(zmq_setsockopt(liar->live, ZMQ_XPUB_VERBOSE, &one, sizeof one), 0);
    liar->sync = bind_as_server(liar, ZMQ_ROUTER, liar->endpoint[1]);
    fixture_init(&liar->node, 1, false, NULL, 0);
    fixture_start(&liar->node);
    memset(partner.feed.bytes, 66, sizeof partner.feed.bytes);
    partner.transport_key = *secret_public(liar->key);
    snprintf(partner.live, sizeof partner.live, "%s", liar->endpoint[0]);
    snprintf(partner.sync, sizeof partner.sync, "%s", liar->endpoint[1]);
    entry = fixture_entry(liar->key, ACCESS_PARTNER, "xx-liar");
    entry.feed = partner.feed;
    fixture_allow(&liar->node, &entry, 1, false);
    assert_int_equal(net_set_partners(liar->node.net, &partner, 1, NULL), ERROR_NONE);
    fixture_wait_link(&liar->node, 0, NET_LIVE_OUT, true);
    fixture_wait_link(&liar->node, 0, NET_SYNC_OUT, true);
}

static void liar_finish(struct liar *liar)
{
    zmq_close(liar->live);
    zmq_close(liar->sync);
    zmq_ctx_term(liar->context);
    secret_destroy(liar->key);
    fixture_finish(&liar->node);
}

/* Until the node has subscribed to both of its topics; what an ended link unsubscribes passes by.
 */
static void wait_topics(struct liar *liar)
{
    int wait = FIXTURE_WAIT_MS, topics = 0;
    char topic[16];

    zmq_setsockopt(liar->live, ZMQ_RCVTIMEO, &wait, sizeof wait);
    while (topics < 2) {
        assert_int_equal(zmq_recv(liar->live, topic, sizeof topic, 0), 6);
        topics += topic[0] == 1;
    }
}

static void test_net_hostile__a_live_service_that_lies_is_hung_up_on(void **state)
{
    static const size_t frames[] = {1, 2, 50}; /* the one has no end of its topic */
    struct liar liar;
    char topic[LIMIT_TOPIC_SIZE + 2];
    size_t from;

    (void)state;
    liar_begin(&liar);
    memset(topic, 'x', sizeof topic);
    memcpy(topic, "feed/", 5);
    for (size_t i = 0; i < 3; i++) {
        wait_topics(&liar);
        from = fixture_count(&liar.node);
        for (size_t n = 0; n < frames[i]; n++)
            zmq_send(liar.live, "feed/x/", 7, n + 1 < frames[i] ? ZMQ_SNDMORE : 0);
        fixture_wait_link(&liar.node, from, NET_LIVE_OUT, false);
    }
    wait_topics(&liar);
    from = fixture_count(&liar.node);
    topic[LIMIT_TOPIC_SIZE + 1] = '\0'; /* it is one byte too long */
    zmq_send(liar.live, topic, sizeof topic, 0);
    fixture_wait_link(&liar.node, from, NET_LIVE_OUT, false);
    wait_topics(&liar);
    zmq_send(liar.live, "feed/y/\0at last", 15, 0);
    fixture_wait_text(&liar.node, 0, FIXTURE_LIVE, "at last");
    assert_int_equal(fixture_count_of(&liar.node, FIXTURE_LIVE), 1);
    liar_finish(&liar);
}

static void test_net_hostile__a_sync_service_that_lies_is_hung_up_on(void **state)
{
    struct liar liar;
    uint8_t route[64];
    int wait = FIXTURE_WAIT_MS, size;
    size_t from;
    char text[16];

    (void)state;
    liar_begin(&liar);
    zmq_setsockopt(liar.sync, ZMQ_RCVTIMEO, &wait, sizeof wait);
    {
        struct id feed;

        memset(feed.bytes, 66, sizeof feed.bytes);
        assert_true(fixture_send(&liar.node, &feed, "hello"));
    }
    size = zmq_recv(liar.sync, route, sizeof route, 0);
    assert_true(size > 0 && zmq_recv(liar.sync, text, sizeof text, 0) == 5);
    from = fixture_count(&liar.node);
    zmq_send(liar.sync, route, (size_t)size, ZMQ_SNDMORE);
    zmq_send(liar.sync, "one", 3, ZMQ_SNDMORE);
    zmq_send(liar.sync, "two", 3, 0);
    from = fixture_wait_link(&liar.node, from, NET_SYNC_OUT, false);
    assert_string_equal(fixture_event_at(&liar.node, from).text,
                        "the partner sends messages of several frames");
    fixture_wait_link(&liar.node, from, NET_SYNC_OUT, true);
    assert_int_equal(fixture_count_of(&liar.node, FIXTURE_MESSAGE), 0);
    liar_finish(&liar);
}

/* --- a flood ------------------------------------------------------------------------------------
 */

static void test_net_hostile__a_flood_is_held_back_and_not_piled_up(void **state)
{
    struct hostile hostile;
    size_t before = resident(), sent = 0;
    uint8_t *frame = calloc(1, MIB);
    struct raw_settings settings = {.type = ZMQ_DEALER, .mechanism = RAW_CURVE, .send_queue = 4};

    (void)state;
    assert_non_null(frame);
    begin(&hostile);
    fixture_set_full(&hostile.node, true); /* the node cannot take any more */
    settings.key = hostile.key;
    settings.server = secret_public(hostile.node.key);
    settings.endpoint = hostile.node.sync;
    raw_open(&hostile.raw, &settings);
    assert_true(raw_wait_accepted(&hostile.raw, FIXTURE_WAIT_MS));
    for (int idle = 0; idle < 50 && sent < 300;) {
        if (raw_send(&hostile.raw, frame, MIB, false)) {
            sent++;
            idle = 0;
        } else {
            idle++;
            raw_wait_ended(&hostile.raw, 10);
        }
    }
    assert_true(sent < 300);
    assert_true(resident() < before + 200 * MIB);
    fixture_set_full(&hostile.node, false);
    net_wake(hostile.node.net);
    still_works(&hostile);
    free(frame);
    finish(&hostile);
}

/* Messages that are just too large to be counted as small ones: all of them come, at the pace. */
static void test_net_hostile__padded_messages_do_not_escape_the_pace(void **state)
{
    const size_t count = 3 * LIMIT_SYNC_PER_SECOND;
    uint8_t padded[LIMIT_SYNC_SMALL_SIZE + 1] = {0};
    struct hostile hostile;
    uint64_t began, end;
    size_t sent = 0;

    (void)state;
    begin(&hostile);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    began = fixture_now_ms();
    end = began + FIXTURE_WAIT_MS;
    while (fixture_count_of(&hostile.node, FIXTURE_MESSAGE) < count) {
        assert_true(fixture_now_ms() < end);
        for (int i = 0; i < 1000 && sent < count; i++)
            sent += raw_send(&hostile.raw, padded, sizeof padded, false);
        raw_wait_ended(&hostile.raw, 5);
    }
    /* A second's worth at once, the rest in two seconds; while it rests a few more come. */
    assert_true(fixture_now_ms() - began >= 1500);
    assert_int_equal(refused(&hostile), 0);
    still_works(&hostile);
    finish(&hostile);
}

static void test_net_hostile__a_key_without_rights_is_counted_and_has_no_route(void **state)
{
    static const struct net_plants plants = {.keeps_connections = true};
    struct hostile hostile;

    (void)state;
    begin_with(&hostile, 0, &plants);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    assert_true(raw_send(&hostile.raw, "hello", 5, false));
    fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, "hello");
    fixture_allow(&hostile.node, NULL, 0, false);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_true(raw_send(&hostile.raw, "still here", 10, false));
        wait_refused(&hostile, i);
    }
    fixture_wait_link(&hostile.node, 0, NET_SYNC_IN, false);
    assert_int_equal(fixture_count_of(&hostile.node, FIXTURE_MESSAGE), 1);
    assert_false(fixture_send(&hostile.node, &hostile.feed, "x"));
    finish(&hostile);
}

/* Whom open reading has let in may ask, and no more. */
static void test_net_hostile__a_strangers_large_messages_are_thrown_away(void **state)
{
    struct hostile hostile;
    uint8_t *large = calloc(1, LIMIT_MESSAGE_SIZE);
    char text[16];

    (void)state;
    assert_non_null(large);
    fixture_init(&hostile.node, 1, true, NULL, 0);
    hostile.key = fixture_key();
    fixture_allow(&hostile.node, NULL, 0, true);
    fixture_start(&hostile.node);
    connect_raw(&hostile, ZMQ_DEALER, NULL, &hostile.raw);
    assert_true(raw_send(&hostile.raw, large, LIMIT_MESSAGE_SIZE, false));
    assert_true(raw_send(&hostile.raw, large, LIMIT_REQUEST_SIZE + 1, false));
    assert_true(raw_send(&hostile.raw, large, LIMIT_REQUEST_SIZE, false));
    fixture_wait_text(&hostile.node, 0, FIXTURE_MESSAGE, ""); /* all zero */
    assert_int_equal(refused(&hostile), 2);
    assert_int_equal(fixture_count_of(&hostile.node, FIXTURE_MESSAGE), 1);
    assert_true(fixture_send(&hostile.node, secret_public(hostile.key), "answer"));
    assert_true(raw_receive(&hostile.raw, text, sizeof text, FIXTURE_WAIT_MS));
    free(large);
    finish(&hostile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_hostile__a_routing_id_makes_nobody_somebody_else),
        cmocka_unit_test(test_net_hostile__an_answer_goes_where_its_peer_spoke_last),
        cmocka_unit_test(test_net_hostile__ids_to_come_cannot_be_guessed),
        cmocka_unit_test(test_net_hostile__a_message_of_several_frames_is_dropped),
        cmocka_unit_test(test_net_hostile__several_frames_cost_the_route),
        cmocka_unit_test(test_net_hostile__an_oversize_message_costs_the_connection),
        cmocka_unit_test(test_net_hostile__a_message_that_never_ends_is_cut_off),
        cmocka_unit_test(test_net_hostile__topics_of_every_length_do_no_harm),
        cmocka_unit_test(test_net_hostile__too_many_topics_cost_the_connection),
        cmocka_unit_test(test_net_hostile__what_listeners_say_is_thrown_away),
        cmocka_unit_test(test_net_hostile__a_live_service_that_lies_is_hung_up_on),
        cmocka_unit_test(test_net_hostile__a_sync_service_that_lies_is_hung_up_on),
        cmocka_unit_test(test_net_hostile__a_flood_is_held_back_and_not_piled_up),
        cmocka_unit_test(test_net_hostile__a_strangers_large_messages_are_thrown_away),
        cmocka_unit_test(test_net_hostile__padded_messages_do_not_escape_the_pace),
        cmocka_unit_test(test_net_hostile__a_key_without_rights_is_counted_and_has_no_route),
    };

    return cmocka_run_group_tests_name("net_hostile", tests, NULL, NULL);
}
