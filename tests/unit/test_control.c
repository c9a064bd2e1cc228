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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define SOCKET "run/control.sock"

struct owner {
    struct folder folder;
    struct fixture node;
    char path[FOLDER_PATH_SIZE];
};

static void begin(struct owner *owner)
{
    folder_init(&owner->folder);
    snprintf(owner->path, sizeof owner->path, "%s", folder_file(&owner->folder, SOCKET));
    fixture_init(&owner->node, 1, false, owner->path, 0);
}

static void finish(struct owner *owner)
{
    fixture_finish(&owner->node);
    folder_finish(&owner->folder);
}

/* Starting must fail: with this code and this word in the sentence. */
static void refuses(struct owner *owner, enum error_code code, const char *word)
{
    struct error error = {0};

    assert_int_equal(net_start(owner->node.net, &error), code);
    if (!strstr(error.text, word))
        fail_msg("expected \"%s\" in: %s", word, error.text);
}

static void connect_client(struct owner *owner, struct raw *raw)
{
    char endpoint[FOLDER_PATH_SIZE + 8];
    /* As the real client does: one that never reconnects may drop what it has not read. */
    const struct raw_settings settings = {
        .type = ZMQ_DEALER, .endpoint = endpoint, .stubborn = true};

    snprintf(endpoint, sizeof endpoint, "ipc://%s", owner->path);
    raw_open(raw, &settings);
}

static struct net_route route_of(struct owner *owner, const char *request)
{
    size_t at = fixture_wait_text(&owner->node, 0, FIXTURE_CONTROL, request);

    return fixture_event_at(&owner->node, at).route;
}

static void answer(struct owner *owner, const struct net_route *route, const char *text)
{
    struct buffer message = {0};

    assert_true(buffer_append_text(&message, text));
    assert_true(net_control_reply(owner->node.net, route, &message));
    assert_null(message.data);
}

static void expect(struct raw *raw, const char *text)
{
    char got[64];

    assert_true(raw_receive(raw, got, sizeof got, FIXTURE_WAIT_MS));
    assert_string_equal(got, text);
}

static void test_control__answers_each_client_in_any_order(void **state)
{
    struct owner owner;
    struct raw poll, quick;
    struct net_route poll_route, quick_route;

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    connect_client(&owner, &poll);
    assert_true(raw_send(&poll, "follow", 6, false));
    poll_route = route_of(&owner, "follow"); /* stays unanswered for now */
    connect_client(&owner, &quick);
    for (int i = 0; i < 50; i++) {
        char text[16];

        snprintf(text, sizeof text, "list %d", i);
        assert_true(raw_send(&quick, text, strlen(text), false));
        quick_route = route_of(&owner, text);
        answer(&owner, &quick_route, text);
        expect(&quick, text);
    }
    answer(&owner, &poll_route, "something new");
    expect(&poll, "something new");
    raw_close(&poll);
    answer(&owner, &poll_route, "too late"); /* nobody there: no harm */
    assert_true(raw_send(&quick, "still there?", 12, false));
    quick_route = route_of(&owner, "still there?");
    answer(&owner, &quick_route, "yes");
    expect(&quick, "yes");
    raw_close(&quick);
    finish(&owner);
}

/* So many answers of 1 KiB, each with its number; whoever gets them reads nothing meanwhile. */
static void answer_many(struct owner *owner, const struct net_route *route, int count)
{
    for (int i = 0; i < count; i++) {
        struct buffer message = {0};

        assert_true(buffer_reserve(&message, 1024));
        memset(message.data, 0, 1024);
        snprintf((char *)message.data, 16, "%d", i);
        message.size = 1024;
        while (!net_control_reply(owner->node.net, route, &message))
            usleep(1000);
    }
}

static int read_number(struct raw *raw, uint64_t wait_ms)
{
    char got[2048];

    return raw_receive(raw, got, sizeof got, wait_ms) ? atoi(got) : -1;
}

/* Passes over what comes before it; false when nothing comes for so long. */
static bool reads_up_to(struct raw *raw, const char *text, uint64_t wait_ms)
{
    char got[2048];

    while (raw_receive(raw, got, sizeof got, wait_ms))
        if (strcmp(got, text) == 0)
            return true;
    return false;
}

static void test_control__keeps_answers_for_a_client_that_reads_late(void **state)
{
    struct owner owner;
    struct raw late, other;
    struct net_route late_route, other_route;

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    connect_client(&owner, &late);
    connect_client(&owner, &other);
    assert_true(raw_send(&late, "late", 4, false));
    assert_true(raw_send(&other, "other", 5, false));
    late_route = route_of(&owner, "late");
    other_route = route_of(&owner, "other");
    answer_many(&owner, &late_route, 4000);
    answer(&owner, &other_route, "not behind it");
    expect(&other, "not behind it");
    for (int i = 0; i < 4000; i++)
        assert_int_equal(read_number(&late, FIXTURE_WAIT_MS), i);
    /* Far too many: some are lost, but only those of who does not read. */
    answer_many(&owner, &late_route, 20000);
    answer(&owner, &other_route, "still not");
    expect(&other, "still not");
    for (int i = 0; i < 4000; i++)
        assert_int_equal(read_number(&late, FIXTURE_WAIT_MS), i);
    /* The rest may be slow to come, and until there is room again more is lost. */
    for (int i = 0; !reads_up_to(&late, "from now on it reads", 200); i++) {
        assert_true(i < 100);
        answer(&owner, &late_route, "from now on it reads");
    }
    raw_close(&late);
    raw_close(&other);
    finish(&owner);
}

static long sleeps(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_nvcsw;
}

/* Nobody says when it reads again, so it is looked at: ever more seldom while it does not. */
static void test_control__rests_while_a_client_does_not_read(void **state)
{
    struct owner owner;
    struct raw late;
    struct net_route route;
    long before;

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    connect_client(&owner, &late);
    assert_true(raw_send(&late, "late", 4, false));
    route = route_of(&owner, "late");
    answer_many(&owner, &route, 4000);
    usleep(600 * 1000);
    before = sleeps();
    usleep(1000 * 1000);
    assert_in_range(sleeps() - before, 1, 100); /* every millisecond: about 1,000 */
    for (int i = 0; i < 4000; i++)
        assert_int_equal(read_number(&late, FIXTURE_WAIT_MS), i);
    raw_close(&late);
    finish(&owner);
}

static void test_control__the_last_answer_arrives_though_the_node_stops(void **state)
{
    struct owner owner;
    struct raw raw;
    struct net_route route;

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    connect_client(&owner, &raw);
    assert_true(raw_send(&raw, "stop", 4, false));
    route = route_of(&owner, "stop");
    answer(&owner, &route, "stopping");
    net_stop(owner.node.net);
    expect(&raw, "stopping");
    raw_close(&raw);
    finish(&owner);
}

static void test_control__throws_away_what_is_no_request(void **state)
{
    struct owner owner;
    struct raw raw, named;
    char endpoint[FOLDER_PATH_SIZE + 8];
    const struct raw_settings settings = {.type = ZMQ_DEALER,
                                          .endpoint = endpoint,
                                          .routing_id =
                                              "a routing id that is longer than a route can be"};

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    connect_client(&owner, &raw);
    assert_true(raw_send(&raw, "two", 3, true));
    assert_true(raw_send(&raw, "frames", 6, false));
    assert_true(raw_send(&raw, "good", 4, false));
    route_of(&owner, "good");
    snprintf(endpoint, sizeof endpoint, "ipc://%s", owner.path);
    raw_open(&named, &settings);
    assert_true(raw_send(&named, "unanswerable", 12, false));
    assert_true(raw_wait_accepted(&named, FIXTURE_WAIT_MS));
    assert_true(raw_send(&raw, "good again", 10, false));
    route_of(&owner, "good again");
    assert_int_equal(fixture_count_of(&owner.node, FIXTURE_CONTROL), 2);
    raw_close(&named);
    raw_close(&raw);
    finish(&owner);
}

static void test_control__only_the_owner_may_open_it(void **state)
{
    struct owner owner;

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    assert_int_equal(folder_mode(&owner.folder, "run"), 0700);
    assert_int_equal(folder_mode(&owner.folder, SOCKET), 0600);
    finish(&owner);
}

static void test_control__refuses_a_folder_that_is_open_to_others(void **state)
{
    struct owner owner;

    (void)state;
    begin(&owner);
    assert_int_equal(mkdir(folder_file(&owner.folder, "run"), 0700), 0);
    assert_int_equal(chmod(folder_file(&owner.folder, "run"), 0755), 0);
    refuses(&owner, ERROR_CONFIG, "chmod 700");
    assert_int_equal(chmod(folder_file(&owner.folder, "run"), 0700), 0);
    fixture_start(&owner.node); /* mended as the sentence says */
    finish(&owner);
}

static void test_control__refuses_a_folder_of_somebody_else(void **state)
{
    struct owner owner;

    (void)state;
    if (geteuid() != 0)
        skip();
    begin(&owner);
    assert_int_equal(mkdir(folder_file(&owner.folder, "run"), 0700), 0);
    assert_int_equal(chown(folder_file(&owner.folder, "run"), 65534, 65534), 0);
    refuses(&owner, ERROR_CONFIG, "belongs to another user");
    finish(&owner);
}

static void test_control__refuses_a_link_to_a_folder(void **state)
{
    struct owner owner;

    (void)state;
    begin(&owner);
    assert_int_equal(mkdir(folder_file(&owner.folder, "elsewhere"), 0700), 0);
    assert_int_equal(symlink("elsewhere", folder_file(&owner.folder, "run")), 0);
    refuses(&owner, ERROR_CONFIG, "is not a folder");
    finish(&owner);
}

static void test_control__takes_the_place_of_a_node_that_was_killed(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct owner owner;
    struct raw raw;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    begin(&owner);
    assert_int_equal(mkdir(folder_file(&owner.folder, "run"), 0700), 0);
    assert_true(strlen(owner.path) < sizeof address.sun_path);
    memcpy(address.sun_path, owner.path, strlen(owner.path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    refuses(&owner, ERROR_EXISTS, "a node already runs here");
    close(fd); /* the file stays, as after a kill */
    assert_true(folder_has(&owner.folder, SOCKET));
    fixture_start(&owner.node);
    connect_client(&owner, &raw);
    assert_true(raw_send(&raw, "hello", 5, false));
    route_of(&owner, "hello");
    raw_close(&raw);
    finish(&owner);
}

static void test_control__two_nodes_cannot_run_in_one_home(void **state)
{
    struct owner owner;
    struct fixture second;
    struct error error = {0};
    struct raw raw;

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    fixture_init(&second, 2, false, owner.path, 0);
    assert_int_equal(net_start(second.net, &error), ERROR_EXISTS);
    connect_client(&owner, &raw); /* the first one is not disturbed */
    assert_true(raw_send(&raw, "hello", 5, false));
    route_of(&owner, "hello");
    raw_close(&raw);
    fixture_finish(&second);
    finish(&owner);
}

static void test_control__leaves_alone_what_is_no_socket(void **state)
{
    struct owner owner;

    (void)state;
    begin(&owner);
    assert_int_equal(mkdir(folder_file(&owner.folder, "run"), 0700), 0);
    folder_write_text(&owner.folder, SOCKET, 0600, "a letter to a friend");
    refuses(&owner, ERROR_CONFIG, "is no socket");
    assert_true(folder_has(&owner.folder, SOCKET));
    finish(&owner);
}

static void test_control__says_when_the_path_is_too_long(void **state)
{
    struct folder folder;
    struct fixture node;
    struct error error = {0};
    char path[FOLDER_PATH_SIZE + 200], name[140];

    (void)state;
    folder_init(&folder);
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    snprintf(path, sizeof path, "%s/%s", folder.path, name);
    fixture_init(&node, 1, false, path, 0);
    assert_int_equal(net_start(node.net, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.text, "the system allows 107"));
    assert_non_null(strstr(error.text, "choose a shorter home folder"));
    fixture_finish(&node);
    folder_finish(&folder);
}

static void test_control__removes_its_socket_when_it_stops(void **state)
{
    struct owner owner;

    (void)state;
    begin(&owner);
    fixture_start(&owner.node);
    assert_true(folder_has(&owner.folder, SOCKET));
    fixture_stop(&owner.node);
    assert_false(folder_has(&owner.folder, SOCKET));
    fixture_make_net(&owner.node, owner.path, 0);
    fixture_start(&owner.node); /* … and starts again at the same place */
    finish(&owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control__answers_each_client_in_any_order),
        cmocka_unit_test(test_control__keeps_answers_for_a_client_that_reads_late),
        cmocka_unit_test(test_control__rests_while_a_client_does_not_read),
        cmocka_unit_test(test_control__the_last_answer_arrives_though_the_node_stops),
        cmocka_unit_test(test_control__throws_away_what_is_no_request),
        cmocka_unit_test(test_control__only_the_owner_may_open_it),
        cmocka_unit_test(test_control__refuses_a_folder_that_is_open_to_others),
        cmocka_unit_test(test_control__refuses_a_folder_of_somebody_else),
        cmocka_unit_test(test_control__refuses_a_link_to_a_folder),
        cmocka_unit_test(test_control__takes_the_place_of_a_node_that_was_killed),
        cmocka_unit_test(test_control__two_nodes_cannot_run_in_one_home),
        cmocka_unit_test(test_control__leaves_alone_what_is_no_socket),
        cmocka_unit_test(test_control__says_when_the_path_is_too_long),
        cmocka_unit_test(test_control__removes_its_socket_when_it_stops),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
