#include "tests/sim/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "node/ops/operations.h"
#include "node/ops/pack.h"
#include "tests/support/announcements.h"

#define MINUTE 60000u
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* --- the node --------------------------------------------------------------------------------- */

static int run_operation(struct shell_world *world, const struct ops_operation *operation,
                         const ProtobufCMessage *request, bool last_try, struct buffer *reply,
                         struct error *error)
{
    struct network_node *node = &world->network.nodes[0];
    bool writes = operation->where == OPS_WRITER;
    struct ops_context context = {
        .exchange = writes ? node->exchange : NULL,
        .store = writes ? node->store : node->reader,
        .view = world->views[writes],
        .policy = node->policy,
        .network = INSTITUTION_NETWORK,
        .feed = node->institution.chain.feed,
        .now_ms = (uint64_t)time(NULL) * 1000, /* files are checked against today */
        .started_ms = INSTITUTION_START_MS,
        .last_try = last_try,
    };
    int code;

    if (writes)
        assert_int_equal(exchange_begin(node->exchange, NULL), ERROR_NONE);
    code = ops_run(operation, &context, request, reply, error);
    if (writes)
        assert_int_equal(exchange_commit(node->exchange, NULL), ERROR_NONE);
    return code;
}

static bool has_words(struct span bytes, const char *words)
{
    return words && memmem(bytes.data, bytes.size, words, strlen(words));
}

static int refuse_as_wanted(struct shell_world *world, struct span bytes, struct error *error)
{
    if (has_words(bytes, world->refused))
        return error_set(error, ERROR_INVALID, "refused, as a test wants it");
    if (!world->put_off_times || !has_words(bytes, world->put_off))
        return ERROR_NONE;
    if (--world->put_off_times && world->put_off_others)
        world->put_off = "Title"; /* from now on all of them */
    return error_set(error, world->put_off_code, "put off, as a test wants it");
}

/* Appends the ControlReply; false: it waits. */
static bool make_answer(struct shell_world *world, struct span bytes, bool last_try,
                        uint32_t *wait_ms, struct buffer *message)
{
    const struct ops_operation *operation = NULL;
    ProtobufCMessage *request = NULL;
    struct buffer reply = {0};
    struct error error = {0};
    struct arena arena;
    uint64_t id;
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = ops_read(bytes, &arena, &id, &operation, &request, &error);
    *wait_ms = !code && operation->wait_ms ? operation->wait_ms(request) : 0;
    if (!code)
        code = refuse_as_wanted(world, bytes, &error);
    if (!code)
        code = run_operation(world, operation, request, last_try || *wait_ms == 0, &reply, &error);
    if (code != OPS_WAIT)
        assert_true(ops_write(id, buffer_span(&reply), &error, message));
    buffer_finish(&reply);
    arena_finish(&arena);
    return code != OPS_WAIT;
}

/* Carries out the requests of a pack in order; the answers go in the opposite one. */
static void answer_pack(struct shell_world *world, struct span route, struct span rest)
{
    struct buffer answers[256] = {{0}}, pack = {0};
    size_t count = 0;
    struct span bytes;
    uint32_t wait_ms;

    while (pack_next(PACK_REQUESTS, &rest, &bytes)) {
        assert_in_range(count, 0, 255);
        assert_true(make_answer(world, bytes, true, &wait_ms, &answers[count++]));
    }
    assert_int_equal(rest.size, 0);
    while (count-- > 0) {
        assert_true(pack_add(PACK_REPLIES, buffer_span(&answers[count]), &pack));
        buffer_finish(&answers[count]);
    }
    zmq_send(world->router, route.data, route.size, ZMQ_SNDMORE);
    zmq_send(world->router, pack.data, pack.size, 0);
    buffer_finish(&pack);
}

/* false: it waits. */
static bool answer(struct shell_world *world, struct span route, struct span bytes, bool last_try,
                   uint32_t *wait_ms)
{
    struct buffer message = {0};
    bool answered = true;

    if (pack_is(PACK_REQUESTS, bytes)) {
        answer_pack(world, route, bytes);
    } else if ((answered = make_answer(world, bytes, last_try, wait_ms, &message))) {
        zmq_send(world->router, route.data, route.size, ZMQ_SNDMORE);
        zmq_send(world->router, message.data, message.size, 0);
    }
    buffer_finish(&message);
    return answered;
}

static void take_request(struct shell_world *world)
{
    uint8_t route[256], bytes[128 * 1024];
    int route_size = zmq_recv(world->router, route, sizeof route, ZMQ_DONTWAIT);
    int size = route_size > 0 ? zmq_recv(world->router, bytes, sizeof bytes, 0) : -1;
    uint32_t wait_ms;

    if (size < 0 || answer(world, span_of(route, (size_t)route_size), span_of(bytes, (size_t)size),
                           false, &wait_ms))
        return;
    for (size_t i = 0; i < 4; i++) {
        struct shell_pending *pending = &world->pending[i];

        if (pending->waiting)
            continue;
        pending->waiting = true;
        pending->end_ms = world->network.now_ms + wait_ms;
        buffer_clear(&pending->route);
        buffer_clear(&pending->bytes);
        assert_true(buffer_append(&pending->route, route, (size_t)route_size));
        assert_true(buffer_append(&pending->bytes, bytes, (size_t)size));
        return;
    }
    fail_msg("too many long polls");
}

static void retry_pending(struct shell_world *world)
{
    uint32_t wait_ms;

    for (size_t i = 0; i < 4; i++) {
        struct shell_pending *pending = &world->pending[i];

        if (pending->waiting)
            pending->waiting =
                !answer(world, buffer_span(&pending->route), buffer_span(&pending->bytes),
                        world->network.now_ms >= pending->end_ms, &wait_ms);
    }
}

static void *serve(void *context)
{
    struct shell_world *world = context;
    bool running = true;

    while (running) {
        zmq_pollitem_t item = {.socket = world->router, .events = ZMQ_POLLIN};
        int ready = zmq_poll(&item, 1, 5);

        pthread_mutex_lock(&world->lock);
        network_sleep(&world->network, 10); /* virtual time goes on */
        if (ready > 0)
            take_request(world);
        retry_pending(world);
        running = world->running;
        pthread_mutex_unlock(&world->lock);
    }
    return NULL;
}

void shell_start_serving(struct shell_world *world)
{
    char endpoint[FOLDER_PATH_SIZE + 32];
    int linger = 1000;

    snprintf(endpoint, sizeof endpoint, "ipc://%s/run/control.sock", world->home.path);
    world->context = zmq_ctx_new();
    world->router = zmq_socket(world->context, ZMQ_ROUTER);
    assert_int_equal(zmq_setsockopt(world->router, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_bind(world->router, endpoint), 0);
    world->running = true;
    assert_int_equal(pthread_create(&world->thread, NULL, serve, world), 0);
}

void shell_stop_serving(struct shell_world *world)
{
    pthread_mutex_lock(&world->lock);
    world->running = false;
    pthread_mutex_unlock(&world->lock);
    pthread_join(world->thread, NULL);
    zmq_close(world->router);
    zmq_ctx_term(world->context);
    unlink(folder_file(&world->home, "run/control.sock"));
    for (size_t i = 0; i < 4; i++)
        world->pending[i].waiting = false;
}

int shell_setup(void **state)
{
    struct shell_world *world = calloc(1, sizeof *world);
    struct network_node *own;

    assert_non_null(world);
    folder_init(&world->home);
    assert_int_equal(mkdir(folder_file(&world->home, "run"), 0700), 0);
    folder_write_text(&world->home, "node.yaml", 0600, "network: silkroad-test\n");
    network_init(&world->network, 2, 11);
    world->network.group_commit = false; /* what was said is done at once */
    network_accept_all(&world->network);
    network_dial_all(&world->network);
    network_start(&world->network, 0, false, false);
    network_start(&world->network, 1, false, false);
    own = &world->network.nodes[0];
    assert_int_equal(
        view_create(&own->reader, &own->institution.chain.feed, false, &world->views[0], NULL),
        ERROR_NONE);
    assert_int_equal(
        view_create(&own->store, &own->institution.chain.feed, true, &world->views[1], NULL),
        ERROR_NONE);
    assert_true(network_run(&world->network, MINUTE, network_is_open, NULL));
    network_publish_profile(&world->network, 0, "cn-one", "CN");
    network_publish_profile(&world->network, 1, "th-two", "CN");
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    pthread_mutex_init(&world->lock, NULL);
    shell_start_serving(world);
    *state = world;
    return 0;
}

int shell_teardown(void **state)
{
    struct shell_world *world = *state;

    shell_stop_serving(world);
    pthread_mutex_destroy(&world->lock);
    view_destroy(world->views[0]);
    view_destroy(world->views[1]);
    network_finish(&world->network);
    for (size_t i = 0; i < 4; i++) {
        buffer_finish(&world->pending[i].route);
        buffer_finish(&world->pending[i].bytes);
    }
    folder_finish(&world->home);
    free(world);
    return 0;
}

/* --- the partner ------------------------------------------------------------------------------ */

void shell_partner_publishes(struct shell_world *world, uint32_t type, struct buffer *content)
{
    pthread_mutex_lock(&world->lock);
    network_publish_content(&world->network, 1, type, buffer_span(content));
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    pthread_mutex_unlock(&world->lock);
    buffer_clear(content);
}

void shell_partner_says(struct shell_world *world, const char *title)
{
    struct buffer content = {0};

    announcements_write(CALL, title, "TH", "3", &content);
    shell_partner_publishes(world, TYPE(ANNOUNCEMENT), &content);
    buffer_finish(&content);
}

/* --- commands --------------------------------------------------------------------------------- */

FILE *shell_open(const struct shell_world *world, const char *before, const char *arguments)
{
    const char *binary = world->client ? world->client : getenv("CARAVAN_BIN");
    char command[2048];
    FILE *pipe;

    assert_non_null(binary);
    snprintf(command, sizeof command, "%s exec %s --home %s %s", before, binary, world->home.path,
             arguments);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    return pipe;
}

int shell_run(struct shell_world *world, const char *arguments)
{
    char both[1024];
    FILE *pipe;
    size_t size;
    int status;

    snprintf(both, sizeof both, "%s%s", arguments, strstr(arguments, "2>") ? "" : " 2>&1");
    pipe = shell_open(world, "", both);
    size = fread(world->output, 1, sizeof world->output - 1, pipe);
    world->output[size] = '\0';
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    world->code = WEXITSTATUS(status);
    return world->code;
}

void shell_said(const struct shell_world *world, const char *part)
{
    if (!strstr(world->output, part))
        fail_msg("found (exit %d):\n%s\nexpected in it: %s", world->code, world->output, part);
}

void shell_expect(struct shell_world *world, const char *arguments, int code, const char *part)
{
    if (shell_run(world, arguments) != code)
        fail_msg("%s: exit code %d, expected %d\n…%s", arguments, world->code, code,
                 strlen(world->output) > 700 ? world->output + strlen(world->output) - 700
                                             : world->output);
    shell_said(world, part);
}

const char *shell_notice(struct shell_world *world, const char *name, const char *title)
{
    char text[1024];

    snprintf(text, sizeof text,
             "kind: joint call\nlanguage: en\ntitle: %s\nsummary: For tests.\n"
             "parties:\n  - {name: Institute of Tests, country: CN}\n"
             "countries: [TH]\nfields of science: [medicine]\ndeadline: 2099-12-31\n",
             title);
    folder_write_text(&world->home, name, 0600, text);
    return folder_file(&world->home, name);
}

void shell_publish(struct shell_world *world, const char *name, const char *title)
{
    char arguments[1024];

    snprintf(arguments, sizeof arguments, "publish %s 2>/dev/null",
             shell_notice(world, name, title));
    assert_int_equal(shell_run(world, arguments), 0);
}

void shell_said_not(const struct shell_world *world, const char *part)
{
    if (strstr(world->output, part))
        fail_msg("found:\n%s\nexpected not in it: %s", world->output, part);
}
