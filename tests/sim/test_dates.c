/* Deadlines and rules of eligibility over a network that is cut: what a partner's list says is what
 * the newest revision says that has reached it, whichever way it came; and time goes on meanwhile.
 */
#include "node/ops/operations.h"

#include "tests/sim/network.h"
#include "tests/support/announcements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/codec.h"
#include "common/moment.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60000u
#define HOUR (60u * MINUTE)
#define DAY_MS (UINT64_C(24) * HOUR)
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* 0 publishes; 1 reads; 2 is a relay that both know. */
enum { PUBLISHER, READER, RELAY, NODES };

struct world {
    struct network network;
    struct view *view; /* of the reader */
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct network *network = &world->network;

    assert_non_null(world);
    network_init(network, NODES, 11);
    network->group_commit = false;
    for (unsigned a = 0; a < NODES; a++)
        for (unsigned b = 0; b < NODES; b++)
            if (a != b)
                network_accept(network, a, b, a == RELAY);
    network_dial_all(network);
    for (unsigned i = 0; i < NODES; i++)
        network_start(network, i, false, false);
    assert_int_equal(view_create(&network->nodes[READER].reader, network_feed(network, READER),
                                 false, &world->view, NULL),
                     ERROR_NONE);
    assert_true(network_run(network, MINUTE, network_is_open, NULL));
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    view_destroy(world->view);
    network_finish(&world->network);
    free(world);
    return 0;
}

/* --- what the publisher says ------------------------------------------------------------------ */

static uint64_t keep(struct world *world, uint32_t type, struct span content)
{
    return network_publish_content(&world->network, PUBLISHER, type, content);
}

/* A call that closes so many days from now, and is for these countries. */
static void write_call(struct world *world, unsigned days, const char *countries,
                       struct buffer *out)
{
    ProtobufCMessage *message = NULL;
    char yaml[512], until[MOMENT_RFC3339_SIZE];
    struct arena arena;

    moment_ms_to_rfc3339((int64_t)(world->network.now_ms + days * DAY_MS), until);
    until[10] = '\0';
    snprintf(yaml, sizeof yaml,
             "kind: joint call\nlanguage: en\ntitle: Call\nfunding type: call\n"
             "parties: {name: A, country: CN}\ndeadline: %s 12:00 UTC\n"
             "eligibility: {who: organisation, countries: [%s]}\n",
             until, countries);
    arena_init(&arena, LIMIT_ARENA_SIZE);
    assert_int_equal(codec_read_yaml(&caravan__announcement__descriptor, span_of_text(yaml), &arena,
                                     NULL, &message, NULL),
                     ERROR_NONE);
    assert_true(codec_pack(message, out));
    arena_finish(&arena);
}

static uint64_t publish(struct world *world, unsigned days, const char *countries)
{
    struct buffer content = {0};
    uint64_t seq;

    write_call(world, days, countries, &content);
    seq = keep(world, TYPE(ANNOUNCEMENT), buffer_span(&content));
    buffer_finish(&content);
    return seq;
}

static void revise(struct world *world, uint64_t seq, unsigned days, const char *countries)
{
    struct buffer content = {0}, revision = {0};

    write_call(world, days, countries, &content);
    announcements_revision(seq, buffer_span(&content), &revision);
    keep(world, TYPE(REVISION), buffer_span(&revision));
    buffer_finish(&content);
    buffer_finish(&revision);
}

/* --- what the reader is told ------------------------------------------------------------------ */

/* Open calls that close within so many days (0: open ones), for an institution of this country:
 * "revision/answer" of each, "-" when there are none. */
static void assert_reader(struct world *world, uint64_t days, char *country, const char *expected)
{
    struct network_node *node = &world->network.nodes[READER];
    const struct ops_operation *operation = ops_find("list");
    struct ops_context context = {.store = node->reader,
                                  .view = world->view,
                                  .feed = *network_feed(&world->network, READER),
                                  .now_ms = world->network.now_ms};
    Caravan__ListRequest request = CARAVAN__LIST_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    Caravan__ListReply *reply;
    struct buffer bytes = {0};
    char found[128] = "-";

    filter.has_open = filter.open = 1;
    filter.has_closing_within_ms = days > 0;
    filter.closing_within_ms = days * DAY_MS;
    filter.for_country = country;
    request.filter = &filter;
    assert_int_equal(ops_run(operation, &context, &request.base, &bytes, NULL), ERROR_NONE);
    reply = caravan__list_reply__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(reply);
    for (size_t i = 0; i < reply->n_items; i++)
        snprintf(found + (i ? strlen(found) : 0), 64, "%s%u/%s", i ? " " : "",
                 (unsigned)reply->items[i]->event_seq, reply->items[i]->eligible->answer);
    assert_string_equal(found, expected);
    caravan__list_reply__free_unpacked(reply, NULL);
    buffer_finish(&bytes);
}

static bool reader_holds(struct network *network, void *context)
{
    return network_holds(network, READER, PUBLISHER, NULL) == *(uint64_t *)context;
}

static void wait_for(struct world *world, uint64_t seq)
{
    assert_true(network_run(&world->network, 10 * MINUTE, reader_holds, &seq));
}

/* --- tests ------------------------------------------------------------------------------------ */

/* The publisher is cut off from the reader. The first revision comes over the relay; the second
 * one, made when nobody hears the publisher, comes when the partition ends. */
static void test_dates__answers_follow_revisions_over_a_partition(void **state)
{
    struct world *world = *state;
    struct network *network = &world->network;
    uint64_t seq = publish(world, 10, "TH");

    assert_int_equal(seq, 2);
    wait_for(world, 2);
    assert_reader(world, 0, "TH", "2/yes");
    assert_reader(world, 14, "TH", "2/yes");
    assert_reader(world, 0, "LK", "-");

    network_cut(network, PUBLISHER, READER, true);
    network_cut(network, PUBLISHER, RELAY, true);
    revise(world, seq, 30, "TH, LK"); /* No. 3 */
    network_sleep(network, MINUTE);
    assert_reader(world, 14, "TH", "2/yes"); /* it cannot know */
    network_cut(network, PUBLISHER, RELAY, false);
    wait_for(world, 3);
    assert_reader(world, 14, "TH", "-");
    assert_reader(world, 0, "TH", "3/yes");
    assert_reader(world, 0, "LK", "3/yes");

    network_cut(network, PUBLISHER, RELAY, true);
    revise(world, seq, 20, "LK"); /* No. 4 */
    revise(world, seq, 12, "LK"); /* No. 5 */
    network->live_loss = 50;
    network_cut(network, PUBLISHER, READER, false);
    wait_for(world, 5);
    assert_reader(world, 0, "TH", "-");
    assert_reader(world, 14, "LK", "5/yes");
}

/* Nothing comes, and the answer changes all the same: on reading. */
static void test_dates__time_goes_on_in_a_partition(void **state)
{
    struct world *world = *state;
    struct network *network = &world->network;

    publish(world, 1, "TH");
    wait_for(world, 2);
    network_cut(network, PUBLISHER, READER, true);
    network_cut(network, RELAY, READER, true);
    assert_reader(world, 0, "TH", "2/yes");
    network->now_ms += 2 * DAY_MS;
    assert_reader(world, 0, "TH", "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dates__answers_follow_revisions_over_a_partition,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_dates__time_goes_on_in_a_partition, setup, teardown),
    };
    return cmocka_run_group_tests_name("dates", tests, NULL, NULL);
}
