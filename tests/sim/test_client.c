/* The client's commands, as a person or a script runs them: the real binary against a node of the
 * simulation that answers on a real control socket. */
#include "node/ops/operations.h"
#include "node/ops/pack.h"

#include "tests/sim/network.h"
#include "tests/support/announcements.h"
#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define MINUTE 60000u
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* A long poll that waits; one at a time is enough for a test. */
struct pending {
    bool waiting;
    uint64_t end_ms; /* virtual */
    struct buffer route, bytes;
};

/* Two nodes; 0 is ours and answers. */
struct world {
    struct network network;
    struct view *views[2]; /* of node 0: reader, writer */
    struct folder home;
    pthread_t thread;
    pthread_mutex_t lock; /* network, views, running, refused, put_off and those behind it */
    bool running;
    void *context, *router;
    struct pending pending[4];
    const char *refused; /* requests with these words are; NULL: none */
    const char *put_off; /* … are refused for now, so many times, with this code */
    unsigned put_off_times;
    enum error_code put_off_code;
    bool put_off_others;    /* so are those behind them, until that is over */
    const char *client;     /* NULL: CARAVAN_BIN */
    char output[64 * 1024]; /* of the last command, both streams */
    int code;
};

/* --- the node --------------------------------------------------------------------------------- */

static int run_operation(struct world *world, const struct ops_operation *operation,
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

static int refuse_as_wanted(struct world *world, struct span bytes, struct error *error)
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
static bool make_answer(struct world *world, struct span bytes, bool last_try, uint32_t *wait_ms,
                        struct buffer *message)
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
static void answer_pack(struct world *world, struct span route, struct span rest)
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
static bool answer(struct world *world, struct span route, struct span bytes, bool last_try,
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

static void take_request(struct world *world)
{
    uint8_t route[256], bytes[128 * 1024];
    int route_size = zmq_recv(world->router, route, sizeof route, ZMQ_DONTWAIT);
    int size = route_size > 0 ? zmq_recv(world->router, bytes, sizeof bytes, 0) : -1;
    uint32_t wait_ms;

    if (size < 0 || answer(world, span_of(route, (size_t)route_size), span_of(bytes, (size_t)size),
                           false, &wait_ms))
        return;
    for (size_t i = 0; i < 4; i++) {
        struct pending *pending = &world->pending[i];

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

static void retry_pending(struct world *world)
{
    uint32_t wait_ms;

    for (size_t i = 0; i < 4; i++) {
        struct pending *pending = &world->pending[i];

        if (pending->waiting)
            pending->waiting =
                !answer(world, buffer_span(&pending->route), buffer_span(&pending->bytes),
                        world->network.now_ms >= pending->end_ms, &wait_ms);
    }
}

static void *serve(void *context)
{
    struct world *world = context;
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

static void start_serving(struct world *world)
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

static void stop_serving(struct world *world)
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

static void publish_content(struct world *world, unsigned node, uint32_t type, struct span content)
{
    struct exchange *exchange = world->network.nodes[node].exchange;
    struct exchange_published published;

    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    assert_int_equal(exchange_publish(exchange, type, content, NULL, &published, NULL), ERROR_NONE);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
}

static void publish_profile(struct world *world, unsigned node, const char *handle)
{
    struct buffer profile = {0};

    announcements_profile(handle, "CN", &profile);
    publish_content(world, node, TYPE(PROFILE), buffer_span(&profile));
    buffer_finish(&profile);
}

/* Something that the partner announces. */
static void partner_says(struct world *world, const char *title)
{
    struct buffer content = {0};

    announcements_write(CALL, title, "TH", "3", &content);
    pthread_mutex_lock(&world->lock);
    publish_content(world, 1, TYPE(ANNOUNCEMENT), buffer_span(&content));
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    pthread_mutex_unlock(&world->lock);
    buffer_finish(&content);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
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
    publish_profile(world, 0, "cn-one");
    publish_profile(world, 1, "th-two");
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    pthread_mutex_init(&world->lock, NULL);
    start_serving(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    stop_serving(world);
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

/* --- commands --------------------------------------------------------------------------------- */

static FILE *open_command(const struct world *world, const char *before, const char *arguments)
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

/* Runs a command; both streams come to world->output unless the arguments say otherwise. */
static int run(struct world *world, const char *arguments)
{
    char both[1024];
    FILE *pipe;
    size_t size;
    int status;

    snprintf(both, sizeof both, "%s%s", arguments, strstr(arguments, "2>") ? "" : " 2>&1");
    pipe = open_command(world, "", both);
    size = fread(world->output, 1, sizeof world->output - 1, pipe);
    world->output[size] = '\0';
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    world->code = WEXITSTATUS(status);
    return world->code;
}

static void assert_says(const struct world *world, const char *part)
{
    if (!strstr(world->output, part))
        fail_msg("found (exit %d):\n%s\nexpected in it: %s", world->code, world->output, part);
}

static void assert_run(struct world *world, const char *arguments, int code, const char *part)
{
    if (run(world, arguments) != code)
        fail_msg("%s: exit code %d, expected %d\n…%s", arguments, world->code, code,
                 strlen(world->output) > 700 ? world->output + strlen(world->output) - 700
                                             : world->output);
    assert_says(world, part);
}

/* A file in the home that may be published; returns the path. */
static const char *write_notice(struct world *world, const char *name, const char *title)
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

static void publish(struct world *world, const char *name, const char *title)
{
    char arguments[1024];

    snprintf(arguments, sizeof arguments, "publish %s 2>/dev/null",
             write_notice(world, name, title));
    assert_int_equal(run(world, arguments), 0);
}

static void test_client__publish_prints_the_name_and_repeats_nothing(void **state)
{
    struct world *world = *state;
    char arguments[1024];

    publish(world, "a.yaml", "First call");
    assert_string_equal(world->output, "cn-one/3\n");
    publish(world, "a.yaml", "First call");
    assert_string_equal(world->output, "cn-one/3\n");
    publish(world, "b.yaml", "Second call");
    assert_string_equal(world->output, "cn-one/4\n");
    snprintf(arguments, sizeof arguments, "publish %s", folder_file(&world->home, "a.yaml"));
    assert_run(world, arguments, 0, "published already");
    snprintf(arguments, sizeof arguments, "publish --again %s",
             folder_file(&world->home, "a.yaml"));
    assert_run(world, arguments, 0, "cn-one/5\n");
}

/* valid_until of an announcement, as text. */
static void copy_end_of(struct world *world, const char *name, char out[64])
{
    char arguments[64];
    const char *at;

    snprintf(arguments, sizeof arguments, "--json show %s 2>/dev/null", name);
    assert_run(world, arguments, 0, "\"valid_until\"");
    at = strstr(world->output, "\"valid_until\"");
    snprintf(out, 64, "%.*s", (int)strcspn(at, "}"), at);
}

/* Without any date in it, what is published ends so many months from the day of publishing. */
static void test_client__publish_repeats_nothing_on_another_day(void **state)
{
    struct world *world = *state;
    const char *build = getenv("CARAVAN_BUILD");
    char client[1024], arguments[1024], ends[2][64];

    assert_non_null(build);
    folder_write_text(&world->home, "a.yaml", 0600,
                      "kind: joint call\nlanguage: en\ntitle: No dates\nsummary: For tests.\n"
                      "parties: [{name: Institute of Tests, country: CN}]\ncountries: [TH]\n");
    snprintf(arguments, sizeof arguments, "publish %s", folder_file(&world->home, "a.yaml"));
    assert_run(world, arguments, 0, "cn-one/3\n");
    snprintf(client, sizeof client, "%s/tests/another_day 1", build);
    world->client = client;
    assert_run(world, arguments, 0, "cn-one/3\n");
    assert_says(world, "published already");
    /* The other day is one to the client: what it publishes anew ends a day later. */
    snprintf(arguments, sizeof arguments, "publish --again %s",
             folder_file(&world->home, "a.yaml"));
    assert_run(world, arguments, 0, "cn-one/4\n");
    world->client = NULL;
    copy_end_of(world, "cn-one/3", ends[0]);
    copy_end_of(world, "cn-one/4", ends[1]);
    assert_string_not_equal(ends[0], ends[1]);
}

static void test_client__publish_checks_every_file_first(void **state)
{
    struct world *world = *state;
    char good[512], arguments[2048];

    snprintf(good, sizeof good, "%s", write_notice(world, "good.yaml", "Good"));
    folder_write_text(&world->home, "bad.yaml", 0600, "kind: joint cal\ntitle: Bad\n");
    snprintf(arguments, sizeof arguments, "publish %s %s", good,
             folder_file(&world->home, "bad.yaml"));
    assert_run(world, arguments, 65, "bad.yaml:1:");
    assert_says(world, "joint call"); /* did you mean */
    assert_run(world, "list", 0, "no announcement");
    assert_run(world, "publish", 64, "publish FILE");
    assert_run(world, "publish /does/not/exist.yaml", 66, "/does/not/exist.yaml");
}

static void write_notices(struct world *world, unsigned first, unsigned count)
{
    char name[32], title[32];

    for (unsigned i = first; i < first + count; i++) {
        snprintf(name, sizeof name, "call%03u.yaml", i);
        snprintf(title, sizeof title, "Title %03u", i);
        write_notice(world, name, title);
    }
}

static void test_client__publish_of_many_files_keeps_their_order(void **state)
{
    struct world *world = *state;
    struct buffer expected = {0};
    char arguments[256];

    write_notices(world, 0, 200);
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml 2>/dev/null", world->home.path);
    for (int i = 0; i < 200; i++)
        buffer_printf(&expected, "cn-one/%d\n", i + 3);
    assert_run(world, arguments, 0, "cn-one/3\n");
    assert_string_equal(world->output, buffer_text(&expected));
    assert_run(world, arguments, 0, "cn-one/3\n"); /* the same names again */
    assert_string_equal(world->output, buffer_text(&expected));
    assert_run(world, "show cn-one/3", 0, "Title 000");
    assert_run(world, "show cn-one/202", 0, "Title 199");
    assert_run(world, "show cn-one/203", 66, "");
    buffer_finish(&expected);
}

static void refuse(struct world *world, const char *words)
{
    pthread_mutex_lock(&world->lock);
    world->refused = words;
    pthread_mutex_unlock(&world->lock);
}

/* What is on its way when one file is refused is published, and said. */
static void test_client__publish_says_which_of_many_was_refused(void **state)
{
    struct world *world = *state;
    char arguments[256];

    write_notices(world, 0, 20);
    refuse(world, "Title 007");
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml", world->home.path);
    assert_run(world, arguments, 65, "call007.yaml: refused, as a test wants it");
    assert_says(world, "cn-one/9\ncn-one/10\n");
    assert_says(world, "cn-one/21\n");
    assert_run(world, "show cn-one/9", 0, "Title 006");
    assert_run(world, "show cn-one/10", 0, "Title 008");
    refuse(world, NULL);
    assert_run(world, arguments, 0, "cn-one/9\n");
    assert_says(world, "cn-one/22\n");
    assert_run(world, "show cn-one/22", 0, "Title 007");
    assert_run(world, "show cn-one/23", 66, "");
    /* The first one goes alone. */
    refuse(world, "Title 000");
    snprintf(arguments, sizeof arguments, "publish --again %s/call*.yaml", world->home.path);
    assert_run(world, arguments, 65, "call000.yaml: refused, as a test wants it");
    assert_run(world, "show cn-one/23", 66, "");
    refuse(world, NULL);
}

static void assert_says_not(const struct world *world, const char *part)
{
    if (strstr(world->output, part))
        fail_msg("found:\n%s\nexpected not in it: %s", world->output, part);
}

/* In JSON it is one object: what was published, and the error beside it. */
static void test_client__publish_says_in_json_what_was_published_before_a_refusal(void **state)
{
    struct world *world = *state;
    char arguments[256];
    const char *line;

    write_notices(world, 0, 5);
    refuse(world, "Title 002");
    snprintf(arguments, sizeof arguments, "--json publish %s/call*.yaml 2>/dev/null",
             world->home.path);
    assert_run(world, arguments, 65, "\"error\": {\"code\": \"invalid\", \"text\": \"");
    assert_says(world, "call002.yaml: refused, as a test wants it");
    line = strchr(world->output, '\n');
    assert_true(line && !line[1]);
    assert_int_equal(strncmp(world->output, "{\"published\": [{", 16), 0);
    assert_says(world, "\"cn-one/3\"");
    assert_says(world, "\"cn-one/4\"");
    assert_says(world, "\"cn-one/5\"");
    assert_says(world, "\"cn-one/6\"");
    /* Nothing was: the error alone. */
    refuse(world, "Title 000");
    snprintf(arguments, sizeof arguments, "--json publish --again %s/call*.yaml 2>/dev/null",
             world->home.path);
    assert_run(world, arguments, 65, "{\"error\": {\"code\": \"invalid\"");
    assert_says_not(world, "published");
    refuse(world, NULL);
}

static void put_off(struct world *world, const char *words, enum error_code code, unsigned times,
                    bool others)
{
    pthread_mutex_lock(&world->lock);
    world->put_off = words;
    world->put_off_code = code;
    world->put_off_times = times;
    world->put_off_others = others;
    pthread_mutex_unlock(&world->lock);
}

/* Publishing is held from the ninth on, for a while. */
static void test_client__publish_sends_again_what_was_held(void **state)
{
    struct world *world = *state;
    struct buffer expected = {0};
    char arguments[256];

    write_notices(world, 0, 20);
    for (int i = 0; i < 20; i++)
        buffer_printf(&expected, "cn-one/%d\n", i + 3);
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml 2>/dev/null", world->home.path);
    put_off(world, "Title 008", ERROR_HELD, 13, true);
    assert_run(world, arguments, 0, "cn-one/3\n");
    assert_string_equal(world->output, buffer_text(&expected));
    assert_run(world, "show cn-one/11", 0, "Title 008");
    assert_run(world, "show cn-one/22", 0, "Title 019");
    buffer_finish(&expected);
}

/* Too much waited when they came: they are sent again, and those behind them had room. */
static void test_client__publish_sends_again_what_had_no_room(void **state)
{
    struct world *world = *state;
    char arguments[256];

    write_notices(world, 0, 20);
    snprintf(arguments, sizeof arguments, "publish %s/call*.yaml", world->home.path);
    put_off(world, "Title 008", ERROR_BUSY, 2, false);
    assert_run(world, arguments, 0, "cn-one/10\ncn-one/22\ncn-one/11\n");
    assert_says_not(world, "put off");
    assert_run(world, "show cn-one/22", 0, "Title 008");
    assert_run(world, "show cn-one/23", 66, "");
    /* The other commands do the same. */
    put_off(world, "no longer true", ERROR_BUSY, 1, false);
    assert_run(world, "withdraw cn-one/22 --reason 'no longer true'", 0, "cn-one/22\n");
}

static void test_client__publish_waits_for_partners(void **state)
{
    struct world *world = *state;
    char arguments[1024];

    snprintf(arguments, sizeof arguments, "publish --wait %s",
             write_notice(world, "a.yaml", "Call"));
    assert_run(world, arguments, 0, "received by th-two (1 of 1)");
    pthread_mutex_lock(&world->lock);
    network_stop(&world->network, 1);
    pthread_mutex_unlock(&world->lock);
    snprintf(arguments, sizeof arguments, "publish --timeout 1 %s",
             write_notice(world, "b.yaml", "Other call"));
    assert_run(world, arguments, 75, "cn-one/4");
    assert_says(world, "th-two");
    snprintf(arguments, sizeof arguments, "--json publish --timeout 1 %s 2>/dev/null",
             folder_file(&world->home, "b.yaml"));
    assert_run(world, arguments, 75, "\"complete\": false");
}

static void test_client__revise_and_withdraw(void **state)
{
    struct world *world = *state;
    char arguments[1024];

    publish(world, "a.yaml", "First title");
    snprintf(arguments, sizeof arguments, "revise cn-one/3 %s",
             write_notice(world, "a.yaml", "Second title"));
    assert_run(world, arguments, 0, "cn-one/3\n");
    assert_run(world, arguments, 0, "nothing was published");
    assert_run(world, "show cn-one/3", 0, "title: Second title");
    assert_says(world, "Revised");
    assert_run(world, "withdraw cn-one/3 --reason 'no \x1b[31m money'", 0, "cn-one/3\n");
    assert_run(world, "withdraw cn-one/3", 0, "withdrawn already");
    assert_run(world, "show cn-one/3", 0, "no \\x1b[31m money");
    assert_says(world, "withdrawn");
    assert_run(world, arguments, 65, "was withdrawn by No. 5");
    assert_run(world, "withdraw th-two/2", 77, "not your own");
    assert_run(world, "withdraw cn-one", 65, "th-nstda/42");
    assert_run(world, "withdraw cn-one/3 --reason no --language engl", 64, "BCP 47");
    assert_run(world, "withdraw cn-one/99", 66, "cn-one/99");
}

/* Every command that needs an announcement, a readable one, or our own, says what else it found. */
static void test_client__says_what_a_name_stands_for(void **state)
{
    struct world *world = *state;

    partner_says(world, "Theirs");
    publish(world, "a.yaml", "Ours");
    assert_run(world, "confirm th-two/2", 65, "th-two/2 is no announcement");
    assert_run(world, "outcome th-two/2 closed", 65, "th-two/2 is no announcement");
    assert_run(world, "link cn-one/2 th-two/3", 65, "cn-one/2 is no announcement");
    assert_run(world, "link cn-one/3 th-two/1", 65, "th-two/1 is no announcement");
    assert_run(world, "link cn-one/3 th-two/4", 66, "th-two/4");
    assert_run(world, "link th-two/3 cn-one/3", 77,
               "th-two/3 is not your own announcement; only its publisher can link it. An own one "
               "is linked to it so: caravan link OURS th-two/3\n");
    assert_run(world, "withdraw th-two/3", 77,
               "th-two/3 is not your own announcement; only its publisher can change it\n");
    assert_run(world, "share th-two/3 th-two", 65, "is not a sealed announcement of ours");
    assert_run(world, "share cn-one/3 th-two", 65, "is not a sealed announcement of ours");
    assert_run(world, "history th-two/9", 66, "th-two/9");
    assert_run(world, "link cn-one/3 th-two/3", 0, "readers see both as one when its publisher");
    assert_run(world, "link cn-one/3 th-two/3", 0, "says already");
    assert_run(world, "link cn-one/3 th-two/3 --remove --wait", 0, "received by th-two");
}

static void test_client__list_shows_a_table_and_json(void **state)
{
    struct world *world = *state;

    publish(world, "a.yaml", "联合研究 with columns");
    partner_says(world, "From \xe2\x80\xae Thailand");
    assert_run(world, "list", 0,
               "NAME      KIND        STATE  DEADLINE    COUNTRIES  TITLE\n"
               "th-two/3  joint call  open               TH         From \\u202e Thailand\n"
               "cn-one/3  joint call  open   2099-12-31  CN TH      联合研究 with columns\n");
    assert_run(world, "list --handle cn-one", 0, "cn-one/3");
    assert_null(strstr(world->output, "th-two"));
    assert_run(world, "list --country China --kind joint-call --field medicine", 0, "cn-one/3");
    assert_null(strstr(world->output, "th-two"));
    assert_run(world, "list --kind visit", 0, "no announcement matches");
    assert_run(world, "list --limit 1", 0, "1 of 2");
    assert_run(world, "list --all", 0, "profile");
    assert_run(world, "list --json", 0, "\"title\": [{\"lang\": \"en\", \"text\": \"联合");
    assert_says(world, "\\u202e");
    assert_says(world, "\"total\": \"2\"");
    assert_run(world,
               "list --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)"
               "[\"items\"]))'",
               0, "2\n");
    assert_run(world, "list --kind visitt", 64, "expected one of visit");
    assert_run(world, "list --limit x", 64, "--limit");
}

static void test_client__show_tells_state_deadline_and_receivers(void **state)
{
    struct world *world = *state;
    char arguments[1024];

    snprintf(arguments, sizeof arguments, "publish --wait %s",
             write_notice(world, "a.yaml", "Call"));
    assert_run(world, arguments, 0, "cn-one/3");
    assert_run(world, "show cn-one/3", 0, "joint call, open");
    assert_says(world, "2099-12-31, time zone not stated");
    assert_says(world, "Received by  th-two");
    assert_says(world, "\ntitle: Call\n");
    assert_run(world, "show cn-one/3 --json", 0, "\"state\": \"open\"");
    assert_says(world, "\"event\": \"published\"");
    assert_says(world, "\"received_by\": [{");
    assert_run(world, "show cn-one/3 --json | python3 -m json.tool", 0, "announcement");
    assert_run(world, "show cn-one/1", 0, "certificate");
    assert_run(world, "show cn-one/2", 0, "handle: cn-one");
    assert_run(world, "withdraw --wait cn-one/3", 0, "received by th-two");
    assert_run(world, "show cn-one/3", 0, "Received by  th-two");
    assert_run(world, "show nobody/1", 66, "nobody");
    assert_run(world, "show", 64, "caravan show NAME");
}

/* As a node of the partner publishes it. */
static void partner_publishes(struct world *world, uint32_t type, struct buffer *content)
{
    pthread_mutex_lock(&world->lock);
    publish_content(world, 1, type, buffer_span(content));
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    pthread_mutex_unlock(&world->lock);
    buffer_clear(content);
}

static void partner_revises(struct world *world, const char *title)
{
    struct buffer content = {0}, revision = {0};

    announcements_write(CALL, title, "TH", "3", &content);
    announcements_revision(3, buffer_span(&content), &revision);
    partner_publishes(world, TYPE(REVISION), &revision);
    buffer_finish(&content);
    buffer_finish(&revision);
}

static void test_client__history_says_what_each_step_changed(void **state)
{
    struct world *world = *state;
    struct buffer content = {0};

    partner_says(world, "First");
    partner_revises(world, "Second");
    announcements_withdrawal(3, "no \x1b[31m money", &content);
    partner_publishes(world, TYPE(WITHDRAWAL), &content);
    assert_run(world, "history th-two/3", 0,
               "th-two/3  joint call, withdrawn\nNo. 3  published 20");
    assert_says(world, " UTC, received 20");
    assert_says(world, " UTC\n  First\nNo. 4  revised 20");
    assert_says(world, " UTC\n  title\n    - First\n    + Second\nNo. 5  withdrawn 20");
    assert_says(world, " UTC\n  no \\x1b[31m money\n");
    assert_run(world, "history th-two/5", 0, "No. 3  published");
    assert_run(world, "history th-two/3 --json | python3 -m json.tool --compact", 0,
               "\"changes\":[{\"path\":\"title\",\"before\":\"First\",\"after\":\"Second\"}]");
    assert_says(world, "\"compared_with\":\"3\"");
    assert_says(world, "\"event\":\"withdrawn\"");
    assert_run(world, "history nobody/1", 66, "nobody");
    assert_run(world, "history", 64, "caravan history NAME");
    assert_run(world, "history th-two/1", 0, "No. 1  entry");
    buffer_finish(&content);
}

static void test_client__history_passes_over_what_cannot_be_shown(void **state)
{
    struct world *world = *state;
    struct buffer content = {0};

    partner_says(world, "First");
    announcements_revision(3, span_of_text("\xff"), &content);
    partner_publishes(world, TYPE(REVISION), &content);
    partner_revises(world, "Third");
    assert_run(world, "history th-two/3", 0, " UTC\n  cannot be shown: ");
    assert_says(world, " UTC\n  compared with No. 3\n  title\n    - First\n    + Third\n");
    assert_run(world, "history th-two/3 --from 4", 65, "No. 4: cannot be shown: ");
    assert_run(world, "history th-two/3 --json | python3 -m json.tool", 0,
               "\"problem\": \"cannot be shown");
    assert_says(world, "\"compared_with\": \"3\"");
    buffer_finish(&content);
}

static void test_client__history_compares_any_two_steps(void **state)
{
    struct world *world = *state;

    partner_says(world, "First");
    partner_revises(world, "Second");
    partner_revises(world, "Third");
    partner_revises(world, "First");
    assert_run(world, "history th-two/3 --from 3 --to 5", 0,
               "from No. 3 to No. 5\n  title\n    - First\n    + Third\n");
    assert_run(world, "history th-two/3 --from 5 --to 4", 0, "    - Third\n    + Second\n");
    assert_run(world, "history th-two/3 --to 4", 0, "from No. 3 to No. 4\n");
    assert_run(world, "history th-two/3 --from 4", 0, "from No. 4 to No. 6\n");
    assert_run(world, "history th-two/3 --from 3 --to 6", 0, "  nothing has changed\n");
    assert_run(world, "history th-two/3 --from 4 --to 5 --json | python3 -m json.tool --compact", 0,
               "\"from\":\"4\",\"to\":\"5\",\"changes\":[{\"path\":\"title\"");
    assert_run(world, "history th-two/3 --to 9", 66, "--to: No. 9 is no step of th-two/3");
    assert_run(world, "history th-two/3 --from x", 64, "expected the number of a step");
}

static void test_client__the_odd_is_shown_as_such(void **state)
{
    struct world *world = *state;

    pthread_mutex_lock(&world->lock);
    publish_content(world, 1, TYPE(ANNOUNCEMENT), span_of_text("\xff\xff"));
    publish_content(world, 1, 77, span_of_text("future"));
    pthread_mutex_unlock(&world->lock);
    partner_says(world, "Later entry");
    assert_run(world, "list", 0, "Later entry");
    assert_says(world, "content type 77");
    assert_run(world, "show th-two/3", 0, "cannot be shown");
    assert_run(world, "list --json", 0, "\"problem\": \"cannot be shown");
}

static void test_client__status_tells_and_checks(void **state)
{
    struct world *world = *state;

    pthread_mutex_lock(&world->lock);
    network_sleep(&world->network, 10000);
    pthread_mutex_unlock(&world->lock);
    assert_run(world, "status", 0, "cn-one");
    assert_says(world, "th-two");
    assert_says(world, "2 of 2");
    assert_says(world, "Nothing is wrong.");
    assert_run(world, "status --check", 0, "this node exchanges");
    assert_run(world, "status --json | python3 -m json.tool", 0, "\"exchanging\": true");
    pthread_mutex_lock(&world->lock);
    network_stop(&world->network, 1);
    pthread_mutex_unlock(&world->lock);
    assert_run(world, "status", 0, "What to do:");
    assert_says(world, "not connected");
    assert_run(world, "status --check", 76, "none of 1 partners");
    pthread_mutex_lock(&world->lock);
    network_remove_partner(&world->network, 0, 1);
    pthread_mutex_unlock(&world->lock);
    assert_run(world, "status --check", 76, "there is no partner");
}

static void expect_line(FILE *pipe, char line[4096], const char *part)
{
    assert_non_null(fgets(line, 4096, pipe));
    if (!strstr(line, part))
        fail_msg("found the line: %s\nexpected in it: %s", line, part);
}

static void test_client__follow_goes_on_after_a_restart(void **state)
{
    struct world *world = *state;
    char line[4096], arguments[128], pid_text[32];
    FILE *pipe;
    int pid;

    partner_says(world, "Before");
    pipe = open_command(world, "echo $$;",
                        "follow --json --since-start --kind 'joint call' 2>/dev/null");
    assert_non_null(fgets(pid_text, sizeof pid_text, pipe));
    pid = atoi(pid_text);
    assert_true(pid > 1);
    expect_line(pipe, line, "Before");
    assert_non_null(strstr(line, "\"event\": \"published\""));
    partner_says(world, "Live");
    expect_line(pipe, line, "Live");
    stop_serving(world);
    partner_says(world, "While away");
    start_serving(world);
    expect_line(pipe, line, "While away");
    kill(pid, SIGTERM);
    pclose(pipe);
    snprintf(arguments, sizeof arguments, "follow --from x");
    assert_run(world, arguments, 64, "--from");
}

static void test_client__says_when_the_node_is_down(void **state)
{
    struct world *world = *state;

    stop_serving(world);
    assert_run(world, "list", 69, "run");
    assert_run(world, "follow", 69, "run");
    assert_run(world, "status --check --json", 69, "\"code\": \"node-down\"");
    start_serving(world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_client__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(publish_prints_the_name_and_repeats_nothing),
        TEST(publish_repeats_nothing_on_another_day),
        TEST(publish_checks_every_file_first),
        TEST(publish_of_many_files_keeps_their_order),
        TEST(publish_says_which_of_many_was_refused),
        TEST(publish_says_in_json_what_was_published_before_a_refusal),
        TEST(publish_sends_again_what_was_held),
        TEST(publish_sends_again_what_had_no_room),
        TEST(publish_waits_for_partners),
        TEST(revise_and_withdraw),
        TEST(says_what_a_name_stands_for),
        TEST(list_shows_a_table_and_json),
        TEST(show_tells_state_deadline_and_receivers),
        TEST(history_says_what_each_step_changed),
        TEST(history_passes_over_what_cannot_be_shown),
        TEST(history_compares_any_two_steps),
        TEST(the_odd_is_shown_as_such),
        TEST(status_tells_and_checks),
        TEST(follow_goes_on_after_a_restart),
        TEST(says_when_the_node_is_down),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
