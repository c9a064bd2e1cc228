#include "tests/support/net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

/* --- the gate by itself, as libzmq talks to it (RFC 27) --------------------------------------- */

struct asked {
    void *context, *socket;
    struct access_table *access;
    struct secret *partner, *listener, *stranger;
    struct gate *gate;
};

static void ask_start(struct asked *asked)
{
    struct access_entry entries[2];
    struct gate_config config = {0};
    struct error error = {0};
    int linger = 0;

    asked->partner = fixture_key();
    asked->listener = fixture_key();
    asked->stranger = fixture_key();
    assert_int_equal(access_table_create(&asked->access, NULL), ERROR_NONE);
    entries[0] = fixture_entry(asked->partner, ACCESS_PARTNER, "cn-most");
    memset(entries[0].feed.bytes, 7, sizeof entries[0].feed.bytes);
    entries[1] = fixture_entry(asked->listener, ACCESS_LISTENER, "script");
    assert_int_equal(access_table_set(asked->access, entries, 2, false, NULL), ERROR_NONE);
    config.access = asked->access;
    asked->context = zmq_ctx_new();
    if (gate_start(asked->context, &config, &asked->gate, &error) != ERROR_NONE)
        fail_msg("%s", error.text);
    asked->socket = zmq_socket(asked->context, ZMQ_DEALER);
    zmq_setsockopt(asked->socket, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_connect(asked->socket, "inproc://zeromq.zap.01"), 0);
}

static void ask_finish(struct asked *asked)
{
    zmq_close(asked->socket);
    gate_stop(asked->gate);
    zmq_ctx_term(asked->context);
    access_table_destroy(asked->access);
    secret_destroy(asked->partner);
    secret_destroy(asked->listener);
    secret_destroy(asked->stranger);
}

struct ask_frames {
    struct span frames[12];
    size_t count;
};

static struct ask_frames usual(const char *domain, const struct secret *key)
{
    return (struct ask_frames){{span_of_text(""), span_of_text("1.0"), span_of_text("r1"),
                                span_of_text(domain), span_of_text("192.0.2.1"), span_of_text(""),
                                span_of_text("CURVE"), span_of_id(secret_public(key))},
                               8};
}

/* The status and the user id, or "" for no answer: then a good request behind it is answered first.
 */
static void ask(struct asked *asked, const struct ask_frames *request, char status[4],
                char user[80])
{
    struct ask_frames probe = usual("live", asked->partner);
    char frames[16][300] = {{0}};
    size_t count = 0;

    probe.frames[2] = span_of_text("probe");
    for (size_t i = 0; i < request->count; i++)
        zmq_send(asked->socket, request->frames[i].data, request->frames[i].size,
                 i + 1 < request->count ? ZMQ_SNDMORE : 0);
    for (size_t i = 0; i < probe.count; i++)
        zmq_send(asked->socket, probe.frames[i].data, probe.frames[i].size,
                 i + 1 < probe.count ? ZMQ_SNDMORE : 0);
    status[0] = user[0] = '\0';
    for (;;) {
        int more = 1;
        size_t size = sizeof more;

        memset(frames, 0, sizeof frames);
        for (count = 0; more && count < 16; count++) {
            int wait = FIXTURE_WAIT_MS;

            zmq_setsockopt(asked->socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
            assert_true(zmq_recv(asked->socket, frames[count], sizeof frames[0] - 1, 0) >= 0);
            zmq_getsockopt(asked->socket, ZMQ_RCVMORE, &more, &size);
        }
        assert_int_equal(count, 7);
        assert_string_equal(frames[0], "");
        assert_string_equal(frames[1], "1.0");
        if (strcmp(frames[2], "probe") == 0)
            return;
        snprintf(status, 4, "%.3s", frames[3]);
        snprintf(user, 80, "%.79s", frames[5]);
    }
}

static void test_gate__answers_by_right_and_service(void **state)
{
    struct asked asked;
    char status[4], user[80], hex[65];

    (void)state;
    ask_start(&asked);
    {
        const struct {
            const char *domain;
            const struct secret *key;
            const char *status;
        } rows[] = {
            {"live", asked.partner, "200"},  {"sync", asked.partner, "200"},
            {"live", asked.listener, "200"}, {"sync", asked.listener, "400"},
            {"live", asked.stranger, "400"}, {"sync", asked.stranger, "400"},
            {"", asked.partner, "400"},      {"global", asked.partner, "400"},
            {"liv", asked.partner, "400"},   {"sync ", asked.partner, "400"},
        };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct ask_frames request = usual(rows[i].domain, rows[i].key);

            ask(&asked, &request, status, user);
            assert_string_equal(status, rows[i].status);
            bytes_to_hex(secret_public(rows[i].key)->bytes, BYTES_ID_SIZE, hex);
            assert_string_equal(user, strcmp(status, "200") == 0 ? hex : "");
        }
    }
    ask_finish(&asked);
}

static void test_gate__refuses_every_other_mechanism(void **state)
{
    struct asked asked;
    struct ask_frames request;
    char status[4], user[80];

    (void)state;
    ask_start(&asked);
    request = usual("live", asked.partner);
    request.frames[6] = span_of_text("PLAIN");
    ask(&asked, &request, status, user);
    assert_string_equal(status, "400");
    request.frames[6] = span_of_text("curve");
    ask(&asked, &request, status, user);
    assert_string_equal(status, "400");
    request = usual("live", asked.partner);
    request.frames[7].size = 31; /* a key that is too short */
    ask(&asked, &request, status, user);
    assert_string_equal(status, "400");
    request.frames[7] = span_of_text("");
    ask(&asked, &request, status, user);
    assert_string_equal(status, "400");
    request.frames[6] = span_of_text("NULL"); /* has no credentials: one frame less */
    request.count = 7;
    ask(&asked, &request, status, user);
    assert_string_not_equal(status, "200");
    ask_finish(&asked);
}

static void test_gate__survives_requests_that_are_none(void **state)
{
    struct asked asked;
    struct ask_frames request;
    uint64_t admitted, refused, probes = 0;
    char status[4], user[80], huge[5000];

    (void)state;
    ask_start(&asked);
    memset(huge, 'x', sizeof huge);
    for (size_t count = 1; count <= 12; count++) {
        request = usual("live", asked.partner);
        for (size_t i = request.count; i < 12; i++)
            request.frames[i] = span_of_text("more");
        request.count = count;
        ask(&asked, &request, status, user);
        probes++;
        assert_string_equal(status, count == 8 ? "200" : "");
    }
    for (size_t i = 0; i < 8; i++) { /* each frame too long, in turn */
        request = usual("live", asked.partner);
        request.frames[i] = span_of(huge, sizeof huge);
        ask(&asked, &request, status, user);
        probes++;
        assert_string_not_equal(status, "200");
    }
    request = usual("live", asked.partner);
    request.frames[1] = span_of_text("2.0");
    ask(&asked, &request, status, user);
    probes++;
    assert_string_equal(status, "");
    gate_counts(asked.gate, &admitted, &refused);
    assert_int_equal(admitted, probes + 1);
    assert_int_equal(refused, probes - 1);
    ask_finish(&asked);
}

static void test_gate__lets_one_key_come_only_so_often(void **state)
{
    struct asked asked;
    struct ask_frames request;
    char status[4], user[80];

    (void)state;
    ask_start(&asked);
    request = usual("live", asked.listener);
    for (int i = 0; i < GATE_VISITS_PER_MINUTE / 2; i++) {
        ask(&asked, &request, status, user); /* besides, the partner comes once each time */
        assert_string_equal(status, "200");
    }
    request = usual("sync", asked.partner);
    for (int i = 0; i < GATE_VISITS_PER_MINUTE / 4; i++) {
        ask(&asked, &request, status, user);
        assert_string_equal(status, "200");
    }
    ask(&asked, &request, status, user);
    assert_string_equal(status, "400");
    request = usual("live", asked.listener); /* others are not held up */
    ask(&asked, &request, status, user);
    assert_string_equal(status, "200");
    ask_finish(&asked);
}

/* --- strangers, with the gate in every condition ------------------------------------------------
 */

enum condition { ALIVE, NOT_STARTED, DEAD_BOUND, DEAD_CLOSED };

static const char *const condition_names[] = {"alive", "not started", "dead, bound",
                                              "dead, closed"};

static bool is_fatal(const struct fixture_event *event, const void *argument)
{
    (void)argument;
    return event->kind == FIXTURE_FATAL;
}

/* plants: what is taken out of the node. The gate breaks after the node has started. */
static void begin(struct fixture *node, enum condition condition, const struct net_plants *plants)
{
    fixture_init(node, 1, true, NULL, 0);
    *net_plants(node->net) = *plants;
    net_plants(node->net)->no_gate = condition == NOT_STARTED;
    fixture_start(node);
    if (condition == DEAD_BOUND || condition == DEAD_CLOSED) {
        gate_break(net_gate(node->net), condition == DEAD_BOUND);
        if (!plants->keeps_serving) {
            fixture_wait(node, 0, is_fatal, NULL, "the node to notice that its gate has ended");
        } else {
            zmq_pollitem_t ended = {NULL, gate_ended_fd(net_gate(node->net)), ZMQ_POLLIN, 0};

            assert_int_equal(zmq_poll(&ended, 1, FIXTURE_WAIT_MS), 1);
        }
    }
}

static void refused_everywhere(struct fixture *node, const struct secret *key, const char *when)
{
    const struct id *server = secret_public(node->key);

    if (raw_reads_live(node, RAW_CURVE, key, server))
        fail_msg("gate %s: live was read", when);
    if (raw_writes_sync(node, RAW_CURVE, key, server))
        fail_msg("gate %s: sync was written", when);
}

static void test_gate__strangers_get_nowhere_whatever_state_the_gate_is_in(void **state)
{
    static const struct net_plants none, serving = {.keeps_serving = true};
    struct secret *stranger = fixture_key();
    struct fixture node;

    (void)state;
    for (enum condition condition = ALIVE; condition <= DEAD_CLOSED; condition++) {
        begin(&node, condition, &none);
        refused_everywhere(&node, stranger, condition_names[condition]);
        fixture_finish(&node);
    }
    /* A second wall: also a node that has not noticed that its gate has gone lets nobody in. */
    for (enum condition condition = DEAD_BOUND; condition <= DEAD_CLOSED; condition++) {
        begin(&node, condition, &serving);
        refused_everywhere(&node, stranger, condition_names[condition]);
        fixture_finish(&node);
    }
    secret_destroy(stranger);
}

typedef bool attempt_fn(struct fixture *fixture, enum raw_mechanism mechanism,
                        const struct secret *key, const struct id *server);

/* Whether the key gets through. A machine under load may let the handshake's time pass, which looks
 * like a refusal: who is expected to get through may try again. */
static bool gets_through(attempt_fn *attempt, struct fixture *node, const struct secret *key,
                         bool expected)
{
    for (int i = 0; i < (expected ? 5 : 1); i++) {
        if (attempt(node, RAW_CURVE, key, secret_public(node->key)))
            return true;
    }
    return false;
}

static void test_gate__each_wall_is_one_that_strangers_would_pass_if_it_were_gone(void **state)
{
    static const struct {
        enum condition condition;
        struct net_plants plants;
        bool live, sync; /* what a stranger then reaches */
    } rows[] = {
        {ALIVE, {.gate_admits_all = true}, true, false}, /* sync looks the key up once more */
        {ALIVE, {.gate_admits_all = true, .trusts_connections = true}, true, true},
        {NOT_STARTED, {.lax_domain = true}, true, false},
        {DEAD_CLOSED, {.lax_domain = true, .keeps_serving = true}, true, false},
    };
    struct secret *stranger = fixture_key();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture node;

        begin(&node, rows[i].condition, &rows[i].plants);
        assert_int_equal(gets_through(raw_reads_live, &node, stranger, rows[i].live), rows[i].live);
        assert_int_equal(gets_through(raw_writes_sync, &node, stranger, rows[i].sync),
                         rows[i].sync);
        fixture_finish(&node);
    }
    secret_destroy(stranger);
}

static void test_gate__without_a_gate_nobody_is_let_in_not_even_partners(void **state)
{
    static const struct net_plants none;
    struct secret *key = fixture_key();

    (void)state;
    for (enum condition condition = ALIVE; condition <= DEAD_CLOSED; condition++) {
        struct access_entry entry = fixture_entry(key, ACCESS_PARTNER, "cn-most");
        struct fixture node;
        bool alive = condition == ALIVE;

        begin(&node, condition, &none);
        memset(entry.feed.bytes, 2, sizeof entry.feed.bytes);
        fixture_allow(&node, &entry, 1, false);
        assert_int_equal(gets_through(raw_reads_live, &node, key, alive), alive);
        assert_int_equal(gets_through(raw_writes_sync, &node, key, alive), alive);
        fixture_finish(&node);
    }
    secret_destroy(key);
}

static void test_gate__when_it_dies_partners_that_are_connected_are_cut_off(void **state)
{
    struct fixture a, b;
    size_t from;

    (void)state;
    fixture_init(&a, 1, false, NULL, 0);
    fixture_init(&b, 2, true, NULL, 0);
    fixture_start(&a);
    fixture_start(&b);
    fixture_pair(&a, &b);
    from = fixture_count(&a);
    gate_break(net_gate(b.net), true);
    fixture_wait(&b, 0, is_fatal, NULL, "the node to notice that its gate has ended");
    fixture_wait_link(&a, from, NET_SYNC_OUT, false);
    fixture_wait_link(&a, from, NET_LIVE_OUT, false);
    assert_false(fixture_send(&b, &a.feed, "x"));
    fixture_dial(&b, &a); /* … and it dials nobody any more */
    fixture_finish(&a);
    fixture_finish(&b);
}

static void test_gate__no_mechanism_but_curve_gets_in(void **state)
{
    struct fixture node;
    struct secret *key = fixture_key(), *wrong = fixture_key();
    struct access_entry entry = fixture_entry(key, ACCESS_PARTNER, "cn-most");
    const struct id *server;

    (void)state;
    fixture_init(&node, 1, true, NULL, 0);
    fixture_start(&node);
    memset(entry.feed.bytes, 2, sizeof entry.feed.bytes);
    fixture_allow(&node, &entry, 1, true); /* even while reading is open to all */
    server = secret_public(node.key);
    assert_false(raw_reads_live(&node, RAW_NULL, NULL, NULL));
    assert_false(raw_writes_sync(&node, RAW_NULL, NULL, NULL));
    assert_false(raw_reads_live(&node, RAW_PLAIN, NULL, NULL));
    assert_false(raw_writes_sync(&node, RAW_PLAIN, NULL, NULL));
    /* The right client key, but a server key that is not ours: somebody else's node was meant. */
    assert_false(raw_reads_live(&node, RAW_CURVE, key, secret_public(wrong)));
    assert_false(raw_writes_sync(&node, RAW_CURVE, key, secret_public(wrong)));
    assert_true(raw_reads_live(&node, RAW_CURVE, key, server));
    assert_true(raw_writes_sync(&node, RAW_CURVE, key, server));
    secret_destroy(key);
    secret_destroy(wrong);
    fixture_finish(&node);
}

static void test_gate__a_listener_reads_live_and_nothing_else(void **state)
{
    struct fixture node;
    struct secret *key = fixture_key();
    struct access_entry entry = fixture_entry(key, ACCESS_LISTENER, "script");

    (void)state;
    fixture_init(&node, 1, true, NULL, 0);
    fixture_start(&node);
    fixture_allow(&node, &entry, 1, false);
    assert_true(raw_reads_live(&node, RAW_CURVE, key, secret_public(node.key)));
    assert_false(raw_writes_sync(&node, RAW_CURVE, key, secret_public(node.key)));
    secret_destroy(key);
    fixture_finish(&node);
}

static void test_gate__open_reading_lets_any_key_in_as_a_reader(void **state)
{
    struct fixture node;
    struct secret *key = fixture_key();
    struct fixture_event event;

    (void)state;
    fixture_init(&node, 1, true, NULL, 0);
    fixture_start(&node);
    fixture_allow(&node, NULL, 0, true);
    assert_true(raw_reads_live(&node, RAW_CURVE, key, secret_public(node.key)));
    assert_true(raw_writes_sync(&node, RAW_CURVE, key, secret_public(node.key)));
    event = fixture_event_at(&node, 0); /* readers' links are not told */
    assert_int_equal(event.kind, FIXTURE_MESSAGE);
    assert_int_equal(event.role, ACCESS_READER);
    assert_true(id_equal(&event.peer, secret_public(key)));
    fixture_allow(&node, NULL, 0, false);
    assert_false(raw_reads_live(&node, RAW_CURVE, key, secret_public(node.key)));
    assert_false(raw_writes_sync(&node, RAW_CURVE, key, secret_public(node.key)));
    assert_int_equal(fixture_count_of(&node, FIXTURE_LINK), 0);
    secret_destroy(key);
    fixture_finish(&node);
}

static void test_gate__tells_whom_it_refused(void **state)
{
    struct fixture node;
    struct secret *key = fixture_key();
    struct fixture_event event;
    uint64_t began = fixture_now_ms();

    (void)state;
    fixture_init(&node, 1, true, NULL, 0);
    fixture_start(&node);
    assert_false(raw_writes_sync(&node, RAW_CURVE, key, secret_public(node.key)));
    event = fixture_event_at(&node, fixture_wait_text(&node, 0, FIXTURE_REFUSED, "sync"));
    assert_true(id_equal(&event.peer, secret_public(key)));
    for (int i = 0; i < 5; i++) /* a flood of strangers is no flood of events: one a second */
        assert_false(raw_writes_sync(&node, RAW_CURVE, key, secret_public(node.key)));
    assert_in_range(fixture_count_of(&node, FIXTURE_REFUSED), 1,
                    1 + (fixture_now_ms() - began) / 1000);
    secret_destroy(key);
    fixture_finish(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate__answers_by_right_and_service),
        cmocka_unit_test(test_gate__refuses_every_other_mechanism),
        cmocka_unit_test(test_gate__survives_requests_that_are_none),
        cmocka_unit_test(test_gate__lets_one_key_come_only_so_often),
        cmocka_unit_test(test_gate__strangers_get_nowhere_whatever_state_the_gate_is_in),
        cmocka_unit_test(test_gate__each_wall_is_one_that_strangers_would_pass_if_it_were_gone),
        cmocka_unit_test(test_gate__without_a_gate_nobody_is_let_in_not_even_partners),
        cmocka_unit_test(test_gate__when_it_dies_partners_that_are_connected_are_cut_off),
        cmocka_unit_test(test_gate__no_mechanism_but_curve_gets_in),
        cmocka_unit_test(test_gate__a_listener_reads_live_and_nothing_else),
        cmocka_unit_test(test_gate__open_reading_lets_any_key_in_as_a_reader),
        cmocka_unit_test(test_gate__tells_whom_it_refused),
    };

    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
