#include "node/net/gate.h"
#include "node/net/memory.h"
#include "node/net/queue.h"
#include "node/net/socket.h"
#include "tests/support/fault.h"
#include "tests/support/folder.h"
#include "tests/support/net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int number(void *socket, int option)
{
    int value = -77;
    size_t size = sizeof value;

    assert_int_equal(zmq_getsockopt(socket, option, &value, &size), 0);
    return value;
}

/* What keeps half-open connections, endless waits and clients that dial for ever away. */
static void check_common(void *socket)
{
    static const struct {
        int option, value;
    } rows[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_HEARTBEAT_IVL, 20000},
        {ZMQ_HEARTBEAT_TIMEOUT, 40000},
        {ZMQ_HEARTBEAT_TTL, 60000},
        {ZMQ_HANDSHAKE_IVL, 5000},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_MAXRT, 60000},
        {ZMQ_CONNECT_TIMEOUT, 15000},
        {ZMQ_RECONNECT_IVL, -1},
        {ZMQ_BACKLOG, 1024},
        {ZMQ_MECHANISM, ZMQ_CURVE},
    };
    int64_t max = 0;
    size_t size = sizeof max;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(number(socket, rows[i].option), rows[i].value);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &max, &size), 0);
    assert_int_equal(max, 1234);
}

static void test_net_socket__sets_every_option_before_use(void **state)
{
    void *context = zmq_ctx_new(), *server = NULL, *client = NULL;
    struct secret *key = fixture_key();
    struct socket_settings settings = {.type = ZMQ_ROUTER,
                                       .key = key,
                                       .domain = GATE_SYNC,
                                       .max_size = 1234,
                                       .send_queue = 5,
                                       .receive_queue = 6};
    char domain[16];
    size_t size = sizeof domain;

    (void)state;
    assert_int_equal(socket_open(context, &settings, &server, NULL), ERROR_NONE);
    check_common(server);
    assert_int_equal(number(server, ZMQ_CURVE_SERVER), 1);
    assert_int_equal(number(server, ZMQ_SNDHWM), 5);
    assert_int_equal(number(server, ZMQ_RCVHWM), 6);
    assert_int_equal(zmq_getsockopt(server, ZMQ_ZAP_DOMAIN, domain, &size), 0);
    assert_string_equal(domain, "sync");
    settings.type = ZMQ_SUB;
    settings.server = secret_public(key);
    settings.send_queue = 0; /* a SUB with a limit loses filters */
    assert_int_equal(socket_open(context, &settings, &client, NULL), ERROR_NONE);
    check_common(client);
    assert_int_equal(number(client, ZMQ_CURVE_SERVER), 0);
    assert_int_equal(number(client, ZMQ_SNDHWM), 0);
    size = sizeof domain;
    assert_int_equal(zmq_getsockopt(client, ZMQ_ROUTING_ID, domain, &size), 0);
    assert_int_equal(size, 0); /* never a routing id of our own */
    socket_close(&server);
    socket_close(&client);
    assert_null(client);
    socket_close(&client);
    zmq_ctx_term(context);
    secret_destroy(key);
}

static void test_net_socket__says_what_cannot_be_set_up(void **state)
{
    void *context = zmq_ctx_new(), *socket = NULL, *full[4] = {NULL};
    struct secret *key = fixture_key();
    struct socket_settings settings = {.type = 77};
    struct error error = {0};
    int code = ERROR_NONE;

    (void)state;
    assert_int_equal(socket_open(context, &settings, &socket, &error), ERROR_IO);
    settings = (struct socket_settings){.type = ZMQ_ROUTER, .max_size = -1, .send_queue = -5};
    assert_int_equal(socket_open(context, &settings, &socket, &error), ERROR_IO);
    assert_non_null(strstr(error.text, "SNDHWM"));
    settings =
        (struct socket_settings){.type = ZMQ_ROUTER, .key = key, .domain = "", .max_size = -1};
    assert_int_equal(socket_open(context, &settings, &socket, &error), ERROR_IO);
    assert_non_null(strstr(error.text, "ZAP")); /* without a domain the gate is never asked */
    assert_null(socket);
    zmq_ctx_term(context);

    context = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2), 0);
    settings = (struct socket_settings){.type = ZMQ_ROUTER, .max_size = -1};
    for (int i = 0; i < 4 && code == ERROR_NONE; i++)
        code = socket_open(context, &settings, &full[i], &error);
    assert_int_equal(code, ERROR_IO);
    assert_non_null(strstr(error.text, "raise the limit of open files"));
    for (int i = 0; i < 4; i++)
        socket_close(&full[i]);
    zmq_ctx_term(context);
    secret_destroy(key);
}

/* --- queue --------------------------------------------------------------------------------------
 */

static bool push(struct queue *queue, unsigned char first, size_t size)
{
    struct queue_item item = {0};
    bool taken;

    item.message = (struct buffer){malloc(size), size, size};
    assert_non_null(item.message.data);
    memset(item.message.data, first, size);
    taken = queue_push(queue, &item);
    assert_int_equal(taken, item.message.data == NULL);
    buffer_finish(&item.message);
    return taken;
}

static unsigned pop(struct queue *queue)
{
    struct queue_item item;
    unsigned first;

    assert_true(queue_pop(queue, &item));
    first = item.message.data[0];
    buffer_finish(&item.message);
    return first;
}

/* A short message in a large buffer takes as much memory as a long one. */
static void test_net_socket__a_queue_counts_what_its_messages_occupy(void **state)
{
    struct queue queue = {.max_count = 3, .max_bytes = 1000};
    struct queue_item item = {0};

    (void)state;
    assert_true(push(&queue, 'a', 1));
    assert_true(buffer_reserve(&item.message, 1000) && buffer_append_text(&item.message, "b"));
    assert_false(queue_push(&queue, &item));
    assert_int_equal(pop(&queue), 'a');
    assert_true(queue_push(&queue, &item));
    assert_false(push(&queue, 'c', 1));
    assert_int_equal(pop(&queue), 'b');
    assert_int_equal(queue.bytes, 0);
    queue_finish(&queue);
}

static void open_pair(void *context, void **a, void **b)
{
    const struct socket_settings settings = {
        .type = ZMQ_PAIR, .max_size = -1, .send_queue = 1, .receive_queue = 1};

    assert_int_equal(socket_open(context, &settings, a, NULL), ERROR_NONE);
    assert_int_equal(socket_open(context, &settings, b, NULL), ERROR_NONE);
    assert_int_equal(zmq_bind(*a, "inproc://pair"), 0);
    assert_int_equal(zmq_connect(*b, "inproc://pair"), 0);
}

static void fill_message(struct buffer *message, size_t size)
{
    assert_true(buffer_reserve(message, size));
    message->size = size;
    for (size_t i = 0; i < size; i++)
        message->data[i] = (uint8_t)(i * 7 >> 2);
}

/* A large message is not copied: it is gone from our hands, whatever comes of it. */
static void test_net_socket__hands_large_messages_over(void **state)
{
    static const size_t sizes[] = {0, 1, 8191, 8192, 300000};
    void *context = zmq_ctx_new(), *a = NULL, *b = NULL;

    (void)state;
    open_pair(context, &a, &b);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buffer message = {0}, expected = {0};
        struct socket_message received;

        fill_message(&message, sizes[i]);
        fill_message(&expected, sizes[i]);
        assert_true(socket_can_send(a));
        assert_true(socket_send(a, &message));
        assert_int_equal(message.data == NULL, sizes[i] >= 8192);
        assert_true(socket_receive(b, &received));
        assert_true(span_equal(socket_frame(&received, 0), buffer_span(&expected)));
        socket_message_finish(&received);
        buffer_finish(&message);
        buffer_finish(&expected);
    }
    socket_close(&a);
    socket_close(&b);
    zmq_ctx_term(context);
}

static void test_net_socket__knows_when_there_is_no_room(void **state)
{
    void *context = zmq_ctx_new(), *a = NULL, *b = NULL;
    struct buffer small = {0}, large = {0};
    int sent = 0;

    (void)state;
    open_pair(context, &a, &b);
    fill_message(&small, 10);
    fill_message(&large, 9000);
    while (sent < 100 && socket_can_send(a)) {
        assert_true(socket_send(a, &small));
        sent++;
    }
    assert_true(sent > 0 && sent < 100);
    assert_false(socket_send(a, &small));
    assert_int_equal(small.size, 10);
    assert_false(socket_send(a, &large));
    assert_null(large.data);
    buffer_finish(&small);
    socket_close(&a);
    socket_close(&b);
    zmq_ctx_term(context);
}

static void test_net_socket__a_queue_keeps_order_round_its_end(void **state)
{
    struct queue queue = {.max_count = 20, .max_bytes = 1000};
    unsigned in = 0, out = 0;

    (void)state;
    for (int turn = 0; turn < 50; turn++) {
        for (int i = 0; i < 7 && push(&queue, (unsigned char)in, 10); i++)
            in++;
        for (int i = 0; i < 6; i++)
            assert_int_equal(pop(&queue), out++ % 256);
    }
    assert_int_equal(queue.count, in - out);
    while (queue.count)
        assert_int_equal(pop(&queue), out++ % 256);
    assert_int_equal(in, out);
    assert_int_equal(queue.bytes, 0);
    queue_finish(&queue);
    queue_finish(&queue);
}

static void test_net_socket__a_queue_is_bounded_in_messages_and_bytes(void **state)
{
    struct queue queue = {.max_count = 3, .max_bytes = 100};
    struct queue_item item;

    (void)state;
    assert_true(push(&queue, 'a', 200)); /* an empty queue takes one of any size */
    assert_false(push(&queue, 'b', 1));
    assert_int_equal(pop(&queue), 'a');
    assert_true(push(&queue, 'c', 50));
    assert_false(push(&queue, 'd', 51));
    assert_true(push(&queue, 'e', 25));
    assert_true(push(&queue, 'f', 25));
    assert_false(push(&queue, 'g', 0 + 1));
    assert_true(queue_pop(&queue, &item));
    assert_true(queue_unpop(&queue, &item)); /* back to its place */
    assert_int_equal(queue.bytes, 100);
    assert_int_equal(pop(&queue), 'c');
    assert_int_equal(pop(&queue), 'e');
    queue_clear(&queue);
    assert_false(queue_pop(&queue, &item));
    queue_finish(&queue);
}

static void test_net_socket__knows_its_memory(void **state)
{
    size_t before = memory_resident(), size = (size_t)64 * 1024 * 1024;
    char *block = malloc(size);

    (void)state;
    assert_non_null(block);
    memset(block, 1, size);
    assert_true(memory_resident() >= before + size / 2);
    assert_true(block[size - 1] == 1);
    free(block);
    assert_true(memory_allowed() > memory_resident());
    assert_true(net_memory_limit() < memory_allowed());
    assert_true(net_memory_limit() > memory_allowed() / 2);
}

/* --- memory shortage ----------------------------------------------------------------------------
 */

static bool ignore_message(void *self, const struct id *peer, enum access_role role,
                           struct buffer *message)
{
    (void)self;
    (void)peer;
    (void)role;
    buffer_finish(message);
    return true;
}

/* Every allocation of our own on the way up fails once; nothing is left behind, and the next try
 * goes well. */
static void test_net_socket__a_start_without_memory_fails_cleanly(void **state)
{
    struct folder folder;
    struct secret *key = fixture_key();
    struct access_table *access = NULL;
    char path[FOLDER_PATH_SIZE];
    struct net_config config = {.transport = key,
                                .network = "test",
                                .listen_live = "tcp://127.0.0.1:*",
                                .listen_sync = "tcp://127.0.0.1:*",
                                .events.message = ignore_message};
    unsigned long failed = 0;
    int code = ERROR_MEMORY;

    (void)state;
    folder_init(&folder);
    snprintf(path, sizeof path, "%s", folder_file(&folder, "run/control.sock"));
    config.control_path = path;
    assert_int_equal(access_table_create(&access, NULL), ERROR_NONE);
    config.access = access;
    for (unsigned long n = 1; code == ERROR_MEMORY; n++) {
        struct net *net = NULL;
        struct error error = {0};
        bool hit;

        fault_arm(n);
        code = net_create(&config, &net, &error);
        if (code == ERROR_NONE)
            code = net_start(net, &error);
        hit = fault_disarm();
        failed += code == ERROR_MEMORY;
        assert_true(code == ERROR_NONE || (hit && code == ERROR_MEMORY));
        net_destroy(net);
    }
    assert_int_equal(code, ERROR_NONE);
    assert_int_equal(failed, 5); /* net, gate, sync, live, control */
    access_table_destroy(access);
    secret_destroy(key);
    folder_finish(&folder);
}

static void test_net_socket__an_access_table_without_memory_stays_as_it_was(void **state)
{
    struct access_table *table = NULL;
    struct secret *key = fixture_key();
    struct access_entry entry = fixture_entry(key, ACCESS_LISTENER, "script"), found;

    (void)state;
    fault_arm(1);
    assert_int_equal(access_table_create(&table, NULL), ERROR_MEMORY);
    assert_true(fault_disarm());
    assert_int_equal(access_table_create(&table, NULL), ERROR_NONE);
    assert_int_equal(access_table_set(table, &entry, 1, false, NULL), ERROR_NONE);
    fault_arm(1);
    assert_int_equal(access_table_set(table, &entry, 1, true, NULL), ERROR_MEMORY);
    assert_true(fault_disarm());
    assert_true(access_table_find(table, &entry.key, &found));
    assert_int_equal(access_table_losses(table), 0);
    access_table_destroy(table);
    secret_destroy(key);
}

static void test_net_socket__a_queue_without_memory_leaves_the_message_alone(void **state)
{
    struct queue queue = {.max_count = 9, .max_bytes = 100};
    struct queue_item item = {0};

    (void)state;
    assert_true(buffer_append_text(&item.message, "keep me"));
    fault_arm(1);
    assert_false(queue_push(&queue, &item));
    assert_true(fault_disarm());
    assert_string_equal(buffer_text(&item.message), "keep me");
    assert_true(queue_push(&queue, &item));
    queue_finish(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_socket__sets_every_option_before_use),
        cmocka_unit_test(test_net_socket__says_what_cannot_be_set_up),
        cmocka_unit_test(test_net_socket__hands_large_messages_over),
        cmocka_unit_test(test_net_socket__knows_when_there_is_no_room),
        cmocka_unit_test(test_net_socket__a_queue_keeps_order_round_its_end),
        cmocka_unit_test(test_net_socket__a_queue_is_bounded_in_messages_and_bytes),
        cmocka_unit_test(test_net_socket__a_queue_counts_what_its_messages_occupy),
        cmocka_unit_test(test_net_socket__knows_its_memory),
        cmocka_unit_test(test_net_socket__a_start_without_memory_fails_cleanly),
        cmocka_unit_test(test_net_socket__an_access_table_without_memory_stays_as_it_was),
        cmocka_unit_test(test_net_socket__a_queue_without_memory_leaves_the_message_alone),
    };

    return cmocka_run_group_tests_name("net_socket", tests, NULL, NULL);
}
