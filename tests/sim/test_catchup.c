/* Catching up in many pieces: what is under way at once, and what happens when pieces are lost,
 * late, short, refused, repeated or in another order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/log.h"
#include "node/core/serve.h"
#include "tests/sim/network.h"

#define MINUTE 60000u
#define LARGE 60000 /* bytes of a content: some of them make a pull */
#define HELD_MAX 32

/* What node 1 asks of node 0, and gets. */
struct watch {
    struct network *network;
    uint64_t random; /* 0: nothing is spoilt */
    size_t pulls, runs, asked_bytes, most_pulls, most_bytes;
    size_t sizes[LIMIT_PULLS_TOTAL * 4]; /* by request number */
    size_t large_pulls_before_small;     /* of node 0's feed, before the first of node 2's */
    bool small_seen;
    size_t small_pulls;
    size_t lose_large, lose_small; /* so many of the next runs of each feed are lost */
    size_t spoilt;
    struct buffer held[HELD_MAX]; /* runs that are late */
    size_t held_count;
};

static uint64_t next(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static void note_pull(struct watch *watch, const Caravan__Pull *pull)
{
    if (span_equal(span_of(pull->feed.data, pull->feed.len),
                   span_of_id(network_feed(watch->network, 0))))
        watch->large_pulls_before_small += !watch->small_seen;
    else
        watch->small_seen = true;
    watch->small_pulls += span_equal(span_of(pull->feed.data, pull->feed.len),
                                     span_of_id(network_feed(watch->network, 2)));
    watch->pulls++;
    watch->asked_bytes += pull->size;
    watch->sizes[pull->request % (LIMIT_PULLS_TOTAL * 4)] = pull->size;
    if (watch->pulls - watch->runs > watch->most_pulls)
        watch->most_pulls = watch->pulls - watch->runs;
    if (watch->asked_bytes > watch->most_bytes)
        watch->most_bytes = watch->asked_bytes;
}

static void make_busy(uint64_t request, struct buffer *bytes)
{
    struct error error;

    buffer_clear(bytes);
    error_set(&error, ERROR_BUSY, "later");
    assert_true(serve_refusal(request, NULL, 0, &error, bytes));
}

/* The run without its later half; all entries of these feeds are signed. */
static void make_short(Caravan__SyncMessage *message, struct buffer *bytes)
{
    size_t all = message->run->n_entries;

    message->run->n_entries = (all + 1) / 2;
    buffer_clear(bytes);
    assert_true(fields_pack(&message->base, bytes));
    message->run->n_entries = all;
}

static bool hold(struct watch *watch, const struct buffer *bytes)
{
    struct buffer *held = &watch->held[watch->held_count % HELD_MAX];

    buffer_clear(held);
    assert_true(buffer_append(held, bytes->data, bytes->size));
    watch->held_count++;
    return false;
}

static bool spoil(struct watch *watch, Caravan__SyncMessage *message, struct buffer *bytes)
{
    uint64_t what = watch->random ? next(&watch->random) % 24 : 99;

    watch->spoilt += what < 10;
    switch (what) {
    case 0:
        return false;
    case 1:
    case 2:
        make_busy(message->run->request, bytes);
        return true;
    case 3:
    case 4:
    case 5:
        make_short(message, bytes);
        return true;
    case 6:
    case 7:
    case 8:
        return hold(watch, bytes);
    case 9:
        hold(watch, bytes); /* and once more, later */
        return true;
    default:
        return true;
    }
}

static bool is_lost(struct watch *watch, const Caravan__Run *run)
{
    bool small = span_equal(span_of(run->feed.data, run->feed.len),
                            span_of_id(network_feed(watch->network, 2)));
    size_t *lose = small ? &watch->lose_small : &watch->lose_large;

    if (!*lose)
        return false;
    --*lose;
    return true;
}

static bool look(void *context, unsigned from, unsigned to, const char *topic, struct buffer *bytes)
{
    struct watch *watch = context;
    Caravan__SyncMessage *message;
    bool goes = true;

    if (topic || from > 1 || to > 1)
        return true;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    assert_non_null(message);
    if (from == 1 && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_PULL) {
        note_pull(watch, message->pull);
    } else if (from == 0 && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RUN) {
        watch->runs++;
        watch->asked_bytes -= watch->sizes[message->run->request % (LIMIT_PULLS_TOTAL * 4)];
        goes = !is_lost(watch, message->run) && spoil(watch, message, bytes);
    }
    caravan__sync_message__free_unpacked(message, NULL);
    return goes;
}

static void publish_large(struct network *network, unsigned node, unsigned count)
{
    char *text = malloc(LARGE + 1);

    memset(text, 'a', LARGE);
    text[LARGE] = '\0';
    for (unsigned i = 0; i < count; i++)
        assert_true(network_publish(network, node, text));
    free(text);
}

/* Node 1 was away while node 0 published, and node 2, whose feed node 0 hands on. */
static void come_back(struct network *network, struct watch *watch, uint64_t seed, unsigned large,
                      unsigned small)
{
    *watch = (struct watch){.network = network};
    network_init(network, 3, seed);
    network_accept_all(network);
    network_accept(network, 0, 1, true);
    network_accept(network, 0, 2, true);
    network_dial(network, 1, 0);
    network_dial(network, 2, 0);
    for (unsigned i = 0; i < 3; i++)
        network_start(network, i, false, false);
    assert_true(network_run(network, MINUTE, network_is_open, NULL));
    assert_true(network_run(network, MINUTE, network_is_equal, NULL));
    network_stop(network, 1);
    publish_large(network, 0, large);
    for (unsigned i = 0; i < small; i++)
        assert_true(network_publish(network, 2, "short"));
    network_sleep(network, 5000);
    network->tamper = look;
    network->context = watch;
    network_start(network, 1, false, false);
}

static void go(struct network *network, struct watch *watch)
{
    network_finish(network);
    for (size_t i = 0; i < HELD_MAX; i++)
        buffer_finish(&watch->held[i]);
}

static void test_catchup__ranges_of_one_feed_are_under_way_together(void **state)
{
    struct network network;
    struct watch *watch = calloc(1, sizeof *watch);
    uint64_t began;

    (void)state;
    come_back(&network, watch, 11, 150, 0);
    began = network.now_ms;
    network.latency_max_ms = 200;
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_int_equal(network_holds(&network, 1, 0, NULL), 151);
    assert_true(watch->most_pulls >= 3);
    assert_true(watch->most_bytes <= LIMIT_CREDIT_PER_PARTNER);
    assert_true(watch->most_bytes >= LIMIT_CREDIT_PER_PARTNER / 2);
    /* One after the other, some 30 pulls of 200 ms on average would take longer. */
    assert_true(watch->pulls > 20 && watch->pulls < 50);
    assert_true(network.now_ms - began < 5000);
    go(&network, watch);
    free(watch);
}

static void test_catchup__a_large_feed_holds_no_small_one_up(void **state)
{
    struct network network;
    struct watch *watch = calloc(1, sizeof *watch);

    (void)state;
    come_back(&network, watch, 12, 150, 40);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    assert_int_equal(network_holds(&network, 1, 2, NULL), 41);
    assert_true(watch->small_seen);
    assert_true(watch->large_pulls_before_small <= 3);
    go(&network, watch);
    free(watch);
}

/* The answers behind a lost one show that it was lost, long before its time limit. */
static void test_catchup__a_lost_answer_is_asked_for_again_at_once(void **state)
{
    struct network network;
    struct watch *watch = calloc(1, sizeof *watch);

    (void)state;
    come_back(&network, watch, 13, 60, 40);
    watch->lose_large = 1;
    assert_true(network_run(&network, 5000, network_is_equal, NULL));
    assert_int_equal(watch->lose_large, 0);
    assert_int_equal(network_holds(&network, 1, 0, NULL), 61);
    go(&network, watch);
    free(watch);
}

/* … which must not become asking in circles. */
static void test_catchup__who_never_answers_is_asked_less_and_less(void **state)
{
    struct network network;
    struct watch *watch = calloc(1, sizeof *watch);

    (void)state;
    come_back(&network, watch, 14, 150, 40);
    watch->lose_small = SIZE_MAX;
    network_sleep(&network, 5000);
    assert_int_equal(network_holds(&network, 1, 0, NULL), 151);
    assert_true(watch->small_pulls >= 2 && watch->small_pulls <= 6);
    watch->lose_small = 0;
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    go(&network, watch);
    free(watch);
}

/* Late runs come at some time; a link is lost now and then; a commit fails. */
static void disturb(struct network *network, struct watch *watch)
{
    uint64_t what = next(&watch->random) % 16;
    size_t held = watch->held_count < HELD_MAX ? watch->held_count : HELD_MAX;

    if (what == 0) {
        network_cut(network, 0, 1, true);
        network_sleep(network, next(&watch->random) % 3000);
        network_cut(network, 0, 1, false);
    } else if (what == 1) {
        network->nodes[1].faults.per_mille = 200;
        network_sleep(network, next(&watch->random) % 1000);
        network->nodes[1].faults.per_mille = 0;
    } else if (held) {
        const struct buffer *late = &watch->held[next(&watch->random) % held];

        network_inject(network, 0, 1, NULL, buffer_span(late));
    }
}

static size_t catch_up_with_spoiling(uint64_t seed)
{
    struct network network;
    struct watch *watch = calloc(1, sizeof *watch);
    struct exchange_feed_state feed;
    size_t spoilt;

    come_back(&network, watch, seed, 60 + (unsigned)(seed % 5) * 20, 300);
    watch->random = seed;
    for (int i = 0; i < 200 && !network_is_equal(&network, NULL); i++) {
        network_sleep(&network, next(&watch->random) % 700);
        disturb(&network, watch);
    }
    watch->random = 0;
    if (!network_run(&network, 10 * MINUTE, network_is_equal, NULL))
        fail_msg("seed %llu: node 1 did not catch up", (unsigned long long)seed);
    /* It is fast again, and nothing is left under way. */
    publish_large(&network, 0, 30);
    if (!network_run(&network, MINUTE, network_is_equal, NULL))
        fail_msg("seed %llu: node 1 stays behind", (unsigned long long)seed);
    network_sleep(&network, 1000); /* for the hello on a link that has just come back */
    assert_non_null(network_state(&network, 1, 0, &feed));
    assert_true(feed.exchanging);
    spoilt = watch->spoilt;
    go(&network, watch);
    free(watch);
    return spoilt;
}

static void test_catchup__lost_short_refused_and_late_answers_lose_nothing(void **state)
{
    const uint64_t seeds = network_seeds(30);
    size_t spoilt = 0;

    (void)state;
    log_set_level(LOG_SILENT);
    for (uint64_t n = 0; n < seeds; n++)
        spoilt += catch_up_with_spoiling(network_seed_nth(n));
    assert_true(spoilt > seeds * 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catchup__ranges_of_one_feed_are_under_way_together),
        cmocka_unit_test(test_catchup__a_large_feed_holds_no_small_one_up),
        cmocka_unit_test(test_catchup__a_lost_answer_is_asked_for_again_at_once),
        cmocka_unit_test(test_catchup__who_never_answers_is_asked_less_and_less),
        cmocka_unit_test(test_catchup__lost_short_refused_and_late_answers_lose_nothing),
    };

    return cmocka_run_group_tests_name("catchup", tests, NULL, NULL);
}
