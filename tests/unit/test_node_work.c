/* node_work: the check, the writer and the reader thread, with an exchange on a ledger in memory.
 * The bus is slow: every message to the partner takes its time, as expensive events do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "node/ledger/ledger.h"
#include "node/node_parts.h"
#include "node/ops/pack.h"
#include "tests/support/folder.h"
#include "tests/support/institution.h"
#include "tests/support/net_fixture.h"
#include "tests/support/sealed.h"

#define EVENTS 24
#define EVENT_MS 40
/* In the 250 ms of a batch so many begin; one more may have begun before the first. */
#define BATCH_MOST 8
#define POLL_MS 50
#define PACK 1000

struct world {
    struct node node;
    struct folder home;
    struct institution own, partner;
    struct buffer genesis;
    struct fixture net;
    const struct store_operations *inner;
    struct store_operations watched;
    unsigned said;      /* hellos, in all */
    unsigned committed; /* of them, those that a commit has ended */
    unsigned most;      /* between two commits */
    bool wrong_order;
    bool expect_live;   /* the next hello should say this */
    atomic_uint begins; /* transactions of the thread, also those that fail */
    unsigned may_begin; /* so many of them; the others fail */
};

static struct world *the_world; /* a store has no room for it */

static bool say_slowly(void *self, const struct id *partner, struct span bytes)
{
    const struct timespec pause = {.tv_nsec = EVENT_MS * 1000000};
    struct world *world = self;
    Caravan__SyncMessage *message = caravan__sync_message__unpack(NULL, bytes.size, bytes.data);

    (void)partner;
    assert_non_null(message);
    if (message->body_case == CARAVAN__SYNC_MESSAGE__BODY_HELLO && world->node.writer_runs) {
        world->wrong_order |= message->hello->live_link != world->expect_live;
        world->expect_live = !world->expect_live;
        world->said++;
        nanosleep(&pause, NULL);
    }
    caravan__sync_message__free_unpacked(message, NULL);
    return true;
}

static void bus_live(void *self, const char *topic, struct span payload)
{
    (void)self, (void)topic, (void)payload;
}

static int note_commit(void *self, struct error *error)
{
    struct world *world = the_world;
    unsigned count = world->said - world->committed;

    world->most = count > world->most ? count : world->most;
    world->committed = world->said;
    return world->inner->commit(self, error);
}

static int begin_or_fail(void *self, struct error *error)
{
    struct world *world = the_world;

    if (world->node.writer_runs && atomic_fetch_add(&world->begins, 1) >= world->may_begin)
        return error_set(error, ERROR_IO, "the disk is away");
    return world->inner->begin(self, error);
}

static void fill(void *self, void *out, size_t size)
{
    (void)self;
    memset(out, 7, size);
}

static void accept(struct world *world)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    struct card card = {.profile = &profile,
                        .endpoints = &endpoints,
                        .chain = world->partner.chain,
                        .created_ms = 1};

    profile.handle = (char *)(uintptr_t) "cn-aa";
    assert_int_equal(exchange_begin(world->node.exchange, NULL), ERROR_NONE);
    assert_int_equal(exchange_partner_add(world->node.exchange, &card, false, NULL), ERROR_NONE);
    exchange_link(world->node.exchange, &world->partner.chain.feed, EXCHANGE_SYNC_IN, true, "", "");
    assert_int_equal(exchange_commit(world->node.exchange, NULL), ERROR_NONE);
}

static void make_exchange(struct world *world)
{
    struct node *node = &world->node;
    const struct exchange_config config = {
        .network = INSTITUTION_NETWORK,
        .feed = world->own.chain.feed,
        .handle = "th-own",
        .node_key = world->own.node,
        .chain = &world->own.chain,
        .genesis = buffer_span(&world->genesis),
        .store = node->writer,
        .bus = {world, say_slowly, bus_live},
        .clock = {NULL, node_wall_ms, node_monotonic_ms},
        .random = {NULL, fill},
        .keyring = node->keyring,
        .policy = node->policy,
    };

    assert_int_equal(exchange_create(&config, &node->exchange, NULL), ERROR_NONE);
    accept(world);
}

static void make_parts(struct world *world)
{
    const struct node_lanes_room room = {LIMIT_WAITING_PER_PEER, LIMIT_WAITING_BYTES_PER_PEER};
    struct node *node = &world->node;

    assert_int_equal(ledger_memory_create(&node->writer, NULL), ERROR_NONE);
    world->inner = node->writer.operations;
    world->watched = *world->inner;
    world->watched.commit = note_commit;
    world->watched.begin = begin_or_fail;
    world->may_begin = UINT32_MAX;
    node->writer.operations = &world->watched;
    the_world = world;
    assert_int_equal(keyring_create(&node->keyring, NULL), ERROR_NONE);
    assert_int_equal(policy_create(&world->own.chain.feed, &node->policy, NULL), ERROR_NONE);
    node->net = world->net.net;
    node->to_check = node_lanes_create(room, room);
    node->to_writer = node_lanes_create(room, room);
    node->to_reader = node_queue_create(LIMIT_QUEUE_LENGTH, LIMIT_CREDIT_TOTAL);
    assert_true(node->to_check && node->to_writer && node->to_reader);
    node_desk_init(&node->desk);
    node->desk.net = node->net;
    node->token_written = true;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct buffer unused = {0};

    log_set_level(LOG_SILENT);
    folder_init(&world->home);
    institution_init(&world->own, 1);
    institution_certify(&world->own, false, &world->genesis);
    institution_init(&world->partner, 2);
    institution_certify(&world->partner, false, &unused);
    buffer_finish(&unused);
    fixture_init(&world->net, 1, false, NULL, 0);
    make_parts(world);
    make_exchange(world);
    world->node.desk.context.exchange = world->node.exchange;
    world->node.watch =
        (struct node_watch){.home = world->home.path, .exchange = world->node.exchange};
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    struct node *node = &world->node;

    node_desk_finish(&node->desk);
    node_watch_finish(&node->watch);
    exchange_destroy(node->exchange);
    node_lanes_destroy(node->to_check, node_item_destroy);
    node_lanes_destroy(node->to_writer, node_item_destroy);
    node_queue_destroy(node->to_reader, node_item_destroy);
    node->writer.operations->destroy(node->writer.self);
    policy_destroy(node->policy);
    keyring_destroy(node->keyring);
    fixture_finish(&world->net);
    institution_finish(&world->own);
    institution_finish(&world->partner);
    buffer_finish(&world->genesis);
    folder_finish(&world->home);
    free(world);
    return 0;
}

/* The partner hears us on live, or no longer: it is told in a hello. */
static void push_link(struct world *world, bool up)
{
    struct node_item *item = calloc(1, sizeof *item);

    assert_non_null(item);
    item->kind = NODE_ITEM_LINK;
    item->peer = world->partner.chain.feed;
    item->link = EXCHANGE_LIVE_OUT;
    item->up = up;
    assert_true(node_lanes_push(world->node.to_writer, &item->peer, item, node_item_bytes(item)));
}

static void test_node_work__expensive_events_do_not_put_a_commit_off(void **state)
{
    struct world *world = *state;
    struct node *node = &world->node;

    for (unsigned i = 0; i < EVENTS; i++)
        push_link(world, i % 2 == 0);
    node_lanes_close(node->to_writer);
    world->expect_live = true;
    node->writer_runs = true;
    assert_null(node_work_writer(node));
    /* All of it, in order, each in some transaction, and none of these took them all. */
    assert_int_equal(world->said, EVENTS);
    assert_false(world->wrong_order);
    assert_int_equal(world->committed, EVENTS);
    assert_true(world->most <= BATCH_MOST);
}

/* --- requests of the control link --- */

static void pack_request(const char *operation, const ProtobufCMessage *content,
                         struct buffer *message)
{
    Caravan__ControlRequest request = CARAVAN__CONTROL_REQUEST__INIT;
    struct buffer inner = {0}, bytes = {0};

    assert_true(buffer_reserve(&inner, protobuf_c_message_get_packed_size(content) + 1));
    inner.size = protobuf_c_message_pack(content, inner.data);
    request.has_id = request.has_request = true;
    request.id = 1;
    request.operation = (char *)(uintptr_t)operation;
    request.request.data = inner.data;
    request.request.len = inner.size;
    assert_true(buffer_reserve(&bytes, protobuf_c_message_get_packed_size(&request.base)));
    bytes.size = protobuf_c_message_pack(&request.base, bytes.data);
    assert_true(pack_add(PACK_REQUESTS, buffer_span(&bytes), message));
    buffer_finish(&inner);
    buffer_finish(&bytes);
}

static struct node_item *make_item(enum node_item_kind kind)
{
    struct node_item *item = calloc(1, sizeof *item);

    assert_non_null(item);
    item->kind = kind;
    item->route = (struct net_route){.size = 1, .bytes = {1}};
    return item;
}

/* Waits, for a while, until the partner has our feed; it never will. */
static void push_poll(struct world *world)
{
    Caravan__CoverageRequest coverage = CARAVAN__COVERAGE_REQUEST__INIT;
    struct node_item *item = make_item(NODE_ITEM_REQUEST);
    struct buffer message = {0};

    coverage.has_wait_ms = true;
    coverage.wait_ms = POLL_MS;
    pack_request("coverage", &coverage.base, &message);
    item->request =
        node_request_create(&item->route, &message, node_monotonic_ms(NULL), node_wall_ms(NULL));
    assert_non_null(item->request);
    assert_true(node_lanes_push(world->node.to_writer, NULL, item, node_item_bytes(item)));
}

static void test_node_work__answers_who_has_waited_while_nothing_can_begin(void **state)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    struct world *world = *state;
    struct node *node = &world->node;
    pthread_t writer;

    world->may_begin = 1;
    node->writer_runs = true;
    push_poll(world);
    assert_int_equal(pthread_create(&writer, NULL, node_work_writer, node), 0);
    /* The third one begins a pause after the second: the time of the poll is over by then. */
    while (atomic_load(&world->begins) < 3)
        nanosleep(&pause, NULL);
    node_lanes_close(node->to_writer);
    pthread_join(writer, NULL);
    assert_int_equal(node->desk.waiting_count, 0);
    assert_null(node->desk.finished);
}

/* What a pack takes in memory is counted once, not once for each of its requests. */
static void test_node_work__a_pack_fits_into_the_readers_queue(void **state)
{
    static char country[] = "TH";
    char *countries[64];
    Caravan__ListRequest list = CARAVAN__LIST_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    struct world *world = *state;
    struct node *node = &world->node;
    struct node_item *item = make_item(NODE_ITEM_CONTROL);
    size_t passed = 0;

    for (size_t i = 0; i < sizeof countries / sizeof countries[0]; i++)
        countries[i] = country;
    filter.n_country = sizeof countries / sizeof countries[0];
    filter.country = countries;
    list.filter = &filter;
    for (size_t i = 0; i < PACK; i++)
        pack_request("list", &list.base, &item->bytes);
    assert_true(node_lanes_push(node->to_check, NULL, item, node_item_bytes(item)));
    node_lanes_close(node->to_check);
    assert_null(node_work_check(node));
    while ((item = node_queue_pop(node->to_reader, 0))) {
        assert_null(item->request->next); /* each by itself */
        passed++;
        node_item_destroy(item);
    }
    assert_int_equal(passed, PACK);
}

/* --- the reader's keys --- */

/* A ledger of its own, for the reader: somebody sealed something for `us` and erased it again. */
struct sealed_world {
    struct store writer, reader;
    const struct store_operations *inner;
    struct store_operations watched;
    atomic_uint looks; /* of the reader, for what is new */
    struct institution us, them;
};

static struct sealed_world *the_sealed_world;

static int note_arrivals(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                         void *context, struct error *error)
{
    int code = the_sealed_world->inner->arrivals(self, after, types, visit, context, error);

    atomic_fetch_add(&the_sealed_world->looks, 1);
    return code;
}

static void sealed_world_init(struct sealed_world *sealed, struct node *node)
{
    struct store store;

    the_sealed_world = sealed;
    institution_init(&sealed->us, 3);
    institution_init(&sealed->them, 4);
    assert_int_equal(ledger_memory_create(&sealed->writer, NULL), ERROR_NONE);
    assert_int_equal(ledger_memory_open_reader(&sealed->writer, &sealed->reader, NULL), ERROR_NONE);
    sealed->inner = sealed->reader.operations;
    sealed->watched = *sealed->inner;
    sealed->watched.arrivals = note_arrivals;
    sealed->reader.operations = &sealed->watched;
    announcements_join(&sealed->writer, &sealed->us, "th-us", "TH");
    announcements_join(&sealed->writer, &sealed->them, "cn-them", "CN");
    assert_int_equal(opened_create(&sealed->reader, INSTITUTION_NETWORK, &sealed->us.sealing, 1,
                                   &node->opened, NULL),
                     ERROR_NONE);
    store = opened_store(node->opened);
    assert_int_equal(view_create(&store, &sealed->us.head.feed, false, &node->view, NULL),
                     ERROR_NONE);
    node_desk_init(&node->reader_desk);
    node->reader_desk.net = node->net;
}

static void sealed_world_finish(struct sealed_world *sealed, struct node *node)
{
    node_desk_finish(&node->reader_desk);
    view_destroy(node->view);
    opened_destroy(node->opened);
    sealed->inner->destroy(sealed->reader.self);
    sealed->writer.operations->destroy(sealed->writer.self);
    institution_finish(&sealed->us);
    institution_finish(&sealed->them);
}

static void seal_and_erase(struct sealed_world *sealed, struct node *node)
{
    struct institution *audience[] = {&sealed->us};
    const struct store_operations *operations = sealed->writer.operations;
    struct erasure_order order;
    size_t erased;

    sealed_announce(&sealed->writer, &sealed->them, "Call", audience, 1, NULL);
    assert_int_equal(view_update(node->view, NULL), ERROR_NONE);
    assert_int_equal(opened_key_count(node->opened), 1);
    order = (struct erasure_order){sealed->them.head.seq, sealed->them.head.seq + 1};
    assert_int_equal(operations->begin(sealed->writer.self, NULL), ERROR_NONE);
    assert_int_equal(
        operations->erase(sealed->writer.self, &sealed->them.head.feed, &order, 1, &erased, NULL),
        ERROR_NONE);
    assert_int_equal(operations->commit(sealed->writer.self, NULL), ERROR_NONE);
}

/* Nobody asks for anything: the commit is all that the reader hears of. */
static void test_node_work__the_reader_forgets_keys_of_what_was_erased(void **state)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    struct world *world = *state;
    struct node *node = &world->node;
    struct sealed_world sealed = {.us = {.network = NULL}};
    unsigned before;
    pthread_t reader;

    sealed_world_init(&sealed, node);
    seal_and_erase(&sealed, node);
    before = atomic_load(&sealed.looks);
    atomic_store(&node->changes, 1);
    assert_int_equal(pthread_create(&reader, NULL, node_work_reader, node), 0);
    while (atomic_load(&sealed.looks) == before)
        nanosleep(&pause, NULL);
    node_queue_close(node->to_reader);
    pthread_join(reader, NULL);
    assert_int_equal(opened_key_count(node->opened), 0);
    sealed_world_finish(&sealed, node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_node_work__expensive_events_do_not_put_a_commit_off,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_node_work__answers_who_has_waited_while_nothing_can_begin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_node_work__a_pack_fits_into_the_readers_queue, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_node_work__the_reader_forgets_keys_of_what_was_erased,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("node_work", tests, NULL, NULL);
}
