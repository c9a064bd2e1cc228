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
#include "proto/control.pb-c.h"

/* What the pretended node does with the next request. */
enum behaviour { ANSWER, REFUSE, GARBAGE, OTHER_ID_FIRST, SILENT, LEAVE, END };

struct node {
    char home[64], endpoint[128];
    void *context, *socket;
    pthread_t thread;
    enum behaviour script[8];
    bool runs;
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

static void start(struct node *node, const enum behaviour *script)
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
    if (!script)
        return;
    for (size_t i = 0; (node->script[i] = script[i]) != END; i++)
        ;
    node->context = zmq_ctx_new();
    node->socket = zmq_socket(node->context, ZMQ_ROUTER);
    zmq_setsockopt(node->socket, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_bind(node->socket, node->endpoint), 0);
    node->runs = pthread_create(&node->thread, NULL, serve, node) == 0;
    assert_true(node->runs);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client__hands_over_answers_and_errors),
        cmocka_unit_test(test_client__gives_up_in_time),
        cmocka_unit_test(test_client__notices_that_the_node_has_gone),
        cmocka_unit_test(test_client__says_how_to_start_a_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
