#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <zmq.h>

#include "common/limits.h"
#include "node/cli/client.h"
#include "node/config/home.h"
#include "node/ops/pack.h"
#include "proto/control.pb-c.h"

/* What the pretended node does with the next request. */
enum behaviour { ANSWER, REFUSE, GARBAGE, OTHER_ID_FIRST, SILENT, LEAVE, END };

struct node {
    char home[64], endpoint[128];
    void *context, *socket;
    pthread_t thread;
    enum behaviour script[8];
    bool runs;
    size_t requests, messages; /* of a node that is asked in packs */
};

static void send_reply(struct node *node, const void *peer, size_t peer_size,
                       Caravan__ControlReply *reply)
{
    uint8_t bytes[512];
    size_t size = caravan__control_reply__pack(reply, bytes);

    zmq_send(node->socket, peer, peer_size, ZMQ_SNDMORE);
    zmq_send(node->socket, bytes, size, 0);
}

static void answer(struct node *node, enum behaviour what, const void *peer, size_t peer_size,
                   const Caravan__ControlRequest *request)
{
    Caravan__ControlReply reply = CARAVAN__CONTROL_REPLY__INIT;
    Caravan__BackupReply inner = CARAVAN__BACKUP_REPLY__INIT;
    uint8_t bytes[64];

    inner.has_size = true;
    inner.size = 42;
    reply.has_id = reply.has_reply = true;
    reply.id = what == OTHER_ID_FIRST ? request->id + 1000 : request->id;
    reply.reply.data = bytes;
    if (what == REFUSE) {
        reply.has_reply = false;
        reply.error = (char *)(uintptr_t) "held";
        reply.text = (char *)(uintptr_t) "publishing waits";
    }
    reply.reply.len = caravan__backup_reply__pack(&inner, bytes);
    if (what == GARBAGE) {
        zmq_send(node->socket, peer, peer_size, ZMQ_SNDMORE);
        zmq_send(node->socket, "\xff\xff\xff", 3, 0);
        return;
    }
    send_reply(node, peer, peer_size, &reply);
    if (what == OTHER_ID_FIRST) {
        reply.id = request->id;
        inner.size = 43;
        reply.reply.len = caravan__backup_reply__pack(&inner, bytes);
        send_reply(node, peer, peer_size, &reply);
    }
}

static void *serve(void *argument)
{
    struct node *node = argument;

    for (size_t i = 0; node->script[i] != END; i++) {
        uint8_t peer[64], bytes[512];
        int peer_size = zmq_recv(node->socket, peer, sizeof peer, 0);
        int size = zmq_recv(node->socket, bytes, sizeof bytes, 0);
        Caravan__ControlRequest *request =
            size < 0 ? NULL : caravan__control_request__unpack(NULL, (size_t)size, bytes);

        if (!request)
            break;
        if (node->script[i] == LEAVE)
            zmq_unbind(node->socket, node->endpoint);
        else if (node->script[i] != SILENT)
            answer(node, node->script[i], peer, (size_t)peer_size, request);
        caravan__control_request__free_unpacked(request, NULL);
    }
    return NULL;
}

static void add_answer(const Caravan__ControlRequest *request, struct buffer *pack)
{
    Caravan__ControlReply reply = CARAVAN__CONTROL_REPLY__INIT;
    Caravan__BackupReply inner = CARAVAN__BACKUP_REPLY__INIT;
    uint8_t bytes[64], whole[256];

    reply.has_id = inner.has_size = true;
    reply.id = inner.size = request->id;
    reply.has_reply = request->id % 7 != 0;
    reply.reply.data = bytes;
    reply.reply.len = caravan__backup_reply__pack(&inner, bytes);
    if (!reply.has_reply)
        reply.error = (char *)(uintptr_t) "invalid";
    assert_true(
        pack_add(PACK_REPLIES, span_of(whole, caravan__control_reply__pack(&reply, whole)), pack));
}

/* Answers all requests of a message, the last one first, in one pack; refuses every seventh. */
static void answer_pack(struct node *node, const void *peer, size_t peer_size,
                        const Caravan__ControlRequest *message)
{
    struct buffer pack = {0};

    if (!message->n_pack)
        add_answer(message, &pack);
    for (size_t i = message->n_pack; i-- > 0;) {
        Caravan__ControlRequest *request =
            caravan__control_request__unpack(NULL, message->pack[i].len, message->pack[i].data);

        assert_non_null(request);
        add_answer(request, &pack);
        caravan__control_request__free_unpacked(request, NULL);
    }
    zmq_send(node->socket, peer, peer_size, ZMQ_SNDMORE);
    zmq_send(node->socket, pack.data, pack.size, 0);
    buffer_finish(&pack);
}

/* Takes so many requests, in packs or not. */
static void *serve_packs(void *argument)
{
    struct node *node = argument;
    size_t left = node->requests;

    while (left) {
        static uint8_t bytes[2 * PACK_SIZE];
        uint8_t peer[64];
        int peer_size = zmq_recv(node->socket, peer, sizeof peer, 0);
        int size = zmq_recv(node->socket, bytes, sizeof bytes, 0);
        Caravan__ControlRequest *message =
            size < 0 || (size_t)size > sizeof bytes
                ? NULL
                : caravan__control_request__unpack(NULL, (size_t)size, bytes);

        if (!message)
            break;
        node->messages++;
        left -= message->n_pack ? message->n_pack : 1;
        answer_pack(node, peer, (size_t)peer_size, message);
        caravan__control_request__free_unpacked(message, NULL);
    }
    return NULL;
}

static void start_any(struct node *node, const enum behaviour *script, size_t requests)
{
    char path[HOME_PATH_SIZE];
    int linger = 1000;

    memset(node, 0, sizeof *node);
    strcpy(node->home, "/tmp/caravan-home-XXXXXX");
    assert_non_null(mkdtemp(node->home));
    assert_int_equal(home_path(node->home, HOME_RUN, path, NULL), 0);
    assert_int_equal(home_make_folder(path, 0700, NULL), 0);
    assert_int_equal(home_path(node->home, HOME_CONFIG, path, NULL), 0);
    assert_int_equal(home_write(path, 0600, span_of_text("x"), NULL), 0);
    snprintf(node->endpoint, sizeof node->endpoint, "ipc://%s/%s", node->home, HOME_SOCKET);
    if (!script && !requests)
        return;
    for (size_t i = 0; script && (node->script[i] = script[i]) != END; i++)
        ;
    node->requests = requests;
    node->context = zmq_ctx_new();
    node->socket = zmq_socket(node->context, ZMQ_ROUTER);
    zmq_setsockopt(node->socket, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_bind(node->socket, node->endpoint), 0);
    node->runs = pthread_create(&node->thread, NULL, script ? serve : serve_packs, node) == 0;
    assert_true(node->runs);
}

static void start(struct node *node, const enum behaviour *script)
{
    start_any(node, script, 0);
}

static void stop(struct node *node)
{
    char command[128];

    if (node->runs) {
        pthread_join(node->thread, NULL);
        zmq_close(node->socket);
        zmq_ctx_term(node->context);
    }
    snprintf(command, sizeof command, "rm -rf '%s'", node->home);
    assert_int_equal(system(command), 0);
}

static int call(struct client *client, int timeout_ms, uint64_t *size, struct error *error)
{
    Caravan__BackupRequest request = CARAVAN__BACKUP_REQUEST__INIT;
    struct arena arena;
    ProtobufCMessage *reply = NULL;
    int code;

    request.file = (char *)(uintptr_t) "/backup";
    arena_init(&arena, LIMIT_ARENA_SIZE);
    memset(error, 0, sizeof *error);
    code = client_call(client, "backup", &request.base, &caravan__backup_reply__descriptor, &arena,
                       timeout_ms, &reply, error);
    if (code == ERROR_NONE)
        *size = ((Caravan__BackupReply *)reply)->size;
    arena_finish(&arena);
    return code;
}

static struct client *connect_to(struct node *node)
{
    struct cli cli = {.home = node->home, .program = "caravan"};
    struct client *client = NULL;
    struct error error;

    assert_int_equal(client_create(&cli, &client, &error), ERROR_NONE);
    assert_true(client_node_is_up(&cli));
    return client;
}

static void test_client__hands_over_answers_and_errors(void **state)
{
    static const enum behaviour script[] = {ANSWER, REFUSE, OTHER_ID_FIRST, GARBAGE, ANSWER, END};
    struct node node;
    struct client *client;
    struct error error;
    uint64_t size = 0;

    (void)state;
    start(&node, script);
    client = connect_to(&node);
    assert_int_equal(call(client, 5000, &size, &error), ERROR_NONE);
    assert_int_equal(size, 42);
    assert_int_equal(call(client, 5000, &size, &error), ERROR_HELD);
    assert_string_equal(error.text, "publishing waits");
    assert_int_equal(call(client, 5000, &size, &error), ERROR_NONE);
    assert_int_equal(size, 43); /* not the answer to somebody else's request */
    assert_int_equal(call(client, 5000, &size, &error), ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "the node's answer cannot be read"));
    assert_int_equal(call(client, 5000, &size, &error), ERROR_NONE);
    client_destroy(client);
    stop(&node);
}

static void test_client__gives_up_in_time(void **state)
{
    static const enum behaviour script[] = {SILENT, ANSWER, END};
    struct node node;
    struct client *client;
    struct error error;
    uint64_t size = 0;

    (void)state;
    start(&node, script);
    client = connect_to(&node);
    assert_int_equal(call(client, 100, &size, &error), ERROR_TIMEOUT);
    assert_non_null(strstr(error.text, "\"backup\""));
    assert_int_equal(call(client, 5000, &size, &error), ERROR_NONE);
    client_destroy(client);
    stop(&node);
}

static void test_client__notices_that_the_node_has_gone(void **state)
{
    static const enum behaviour script[] = {LEAVE, END};
    struct node node;
    struct client *client;
    struct error error;
    uint64_t size = 0;

    (void)state;
    start(&node, script);
    client = connect_to(&node);
    assert_int_equal(call(client, 60000, &size, &error), ERROR_NODE_DOWN);
    assert_non_null(strstr(error.text, " run"));
    client_destroy(client);
    stop(&node);
}

static void test_client__says_how_to_start_a_node(void **state)
{
    struct node node;
    struct cli cli = {.program = "caravan"};
    struct client *client = NULL;
    struct error error;
    char path[HOME_PATH_SIZE];

    (void)state;
    start(&node, NULL);
    assert_int_equal(client_create(&cli, &client, &error), ERROR_USAGE);
    cli.home = node.home;
    assert_int_equal(client_create(&cli, &client, &error), ERROR_NODE_DOWN);
    assert_non_null(strstr(error.text, node.home));
    assert_false(client_node_is_up(&cli));
    /* What a killed node leaves behind does not listen. */
    assert_int_equal(home_path(node.home, HOME_SOCKET, path, NULL), 0);
    assert_int_equal(home_write(path, 0600, span_of_text(""), NULL), 0);
    assert_int_equal(client_create(&cli, &client, &error), ERROR_NODE_DOWN);
    cli.home = "/nonexistent";
    assert_int_equal(client_create(&cli, &client, &error), ERROR_CONFIG);
    cli.home = "/tmp/a-folder-whose-name-is-so-long-that-the-path-of-a-socket-in-it-does-not-fit-"
               "into-what-the-system-allows-for-it";
    assert_int_equal(client_create(&cli, &client, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.text, "shorter"));
    assert_null(client);
    stop(&node);
}

/* Receives one answer; returns its id, or 0. */
static uint64_t receive(struct client *client, int timeout_ms, int *code, struct error *error)
{
    struct arena arena;
    ProtobufCMessage *reply = NULL;
    uint64_t id = 0;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    *code = client_receive(client, &caravan__backup_reply__descriptor, &arena, timeout_ms, &id,
                           &reply, error);
    if (!*code && id % 7)
        assert_int_equal(((Caravan__BackupReply *)reply)->size, id);
    arena_finish(&arena);
    return id;
}

static void test_client__has_many_requests_on_their_way(void **state)
{
    const size_t many = 3 * CLIENT_WINDOW;
    Caravan__BackupRequest request = CARAVAN__BACKUP_REQUEST__INIT;
    uint8_t *seen = calloc(many + 1, 1);
    struct node node;
    struct client *client;
    struct error error = {0};
    uint64_t id = 0;
    size_t sent = 0, received = 0;
    int code;

    (void)state;
    assert_non_null(seen);
    start_any(&node, NULL, many);
    client = connect_to(&node);
    request.file = (char *)(uintptr_t) "/a/file";
    while (received < many) {
        while (sent < many && client_unanswered(client) < CLIENT_WINDOW) {
            assert_int_equal(client_send(client, "backup", &request.base, &id, &error), ERROR_NONE);
            assert_int_equal(id, ++sent);
        }
        if (sent == CLIENT_WINDOW && !received)
            assert_int_equal(client_send(client, "backup", &request.base, &id, &error), ERROR_BUSY);
        id = receive(client, 10000, &code, &error);
        assert_int_equal(code, id % 7 ? ERROR_NONE : ERROR_INVALID);
        assert_in_range(id, 1, many);
        assert_int_equal(seen[id]++, 0);
        received++;
    }
    assert_int_equal(client_unanswered(client), 0);
    assert_int_equal(receive(client, 0, &code, &error), 0);
    assert_int_equal(code, ERROR_TIMEOUT);
    client_destroy(client);
    stop(&node);
    assert_true(node.messages < many / 10);
    free(seen);
}

static void test_client__forgets_what_was_sent_before_a_call(void **state)
{
    static const enum behaviour script[] = {SILENT, ANSWER, END};
    Caravan__BackupRequest request = CARAVAN__BACKUP_REQUEST__INIT;
    struct node node;
    struct client *client;
    struct error error = {0};
    uint64_t id = 0, size = 0;
    int code;

    (void)state;
    start(&node, script);
    client = connect_to(&node);
    request.file = (char *)(uintptr_t) "/a/file";
    assert_int_equal(client_send(client, "backup", &request.base, &id, &error), ERROR_NONE);
    assert_int_equal(receive(client, 50, &code, &error), 0);
    assert_int_equal(code, ERROR_TIMEOUT);
    assert_int_equal(client_unanswered(client), 1);
    assert_int_equal(call(client, 5000, &size, &error), ERROR_NONE);
    assert_int_equal(size, 42);
    assert_int_equal(client_unanswered(client), 0);
    client_destroy(client);
    stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client__hands_over_answers_and_errors),
        cmocka_unit_test(test_client__gives_up_in_time),
        cmocka_unit_test(test_client__notices_that_the_node_has_gone),
        cmocka_unit_test(test_client__says_how_to_start_a_node),
        cmocka_unit_test(test_client__has_many_requests_on_their_way),
        cmocka_unit_test(test_client__forgets_what_was_sent_before_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
