/* What a partner whose card was accepted can do with wrong, false or endless messages: nothing that
 * lasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fields.h"
#include "common/guard.h"
#include "common/log.h"
#include "tests/sim/hostile.h"

#define MINUTE 60000u

/* --- endless and senseless messages -------------------------------------------------------------
 */

static void test_hostile__heads_out_of_range_change_nothing(void **state)
{
    static const uint64_t numbers[][2] = {
        {0, 0}, {0, 5}, {9, 5}, {1, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}, {1, (uint64_t)1 << 63}};
    struct network network;
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Heads heads = CARAVAN__HEADS__INIT;
    Caravan__FeedHead empty = CARAVAN__FEED_HEAD__INIT, *list[1] = {&empty};
    struct hostile_counting counting = {0, 1, CARAVAN__SYNC_MESSAGE__BODY_PULL, 0, false};

    (void)state;
    hostile_full_mesh(&network, 3, 47);
    network.tamper = hostile_count;
    network.context = &counting;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (unsigned feed = 0; feed < 3; feed++)
            hostile_say_head(&network, 1, 0, network_feed(&network, feed), numbers[i][0],
                             numbers[i][1]);
    heads.heads = list;
    heads.n_heads = 1;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS;
    message.heads = &heads;
    network_say(&network, 1, 0, &message);
    assert_int_equal(exchange_publishing(network.nodes[0].exchange), EXCHANGE_OPEN);
    assert_int_equal(counting.count, 0);
    network_finish(&network);
}

/* Answers every question for heads with "ask again". */
static bool more_heads(void *context, unsigned from, unsigned to, const char *topic,
                       struct buffer *bytes)
{
    unsigned long *asked = context;
    Caravan__SyncMessage *message;

    if (topic)
        return true;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    if (!message)
        return true;
    *asked +=
        from == 0 && to == 1 && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_HEADS_REQUEST;
    if (from == 1 && to == 0 && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_HEADS) {
        message->heads->has_more = message->heads->more = true;
        buffer_clear(bytes);
        assert_true(fields_pack(&message->base, bytes));
    }
    caravan__sync_message__free_unpacked(message, NULL);
    return true;
}

static void test_hostile__endless_heads_are_not_asked_for(void **state)
{
    struct network network;
    unsigned long asked = 0;

    (void)state;
    hostile_full_mesh(&network, 2, 48);
    network.tamper = more_heads;
    network.context = &asked;
    network_sleep(&network, 5 * MINUTE);
    assert_true(asked > 10 && asked < 60);
    network_finish(&network);
}

static void test_hostile__live_entries_of_other_feeds_are_passed_over(void **state)
{
    struct hostile_counting counting = {0, 1, CARAVAN__SYNC_MESSAGE__BODY_REFUSAL, 0, false};
    struct network network;
    struct institution stranger;
    struct buffer bytes = {0};
    char topic[LIMIT_TOPIC_SIZE + 1];

    (void)state;
    hostile_full_mesh(&network, 2, 49);
    network.tamper = hostile_count;
    network.context = &counting;
    institution_init(&stranger, 7);
    institution_certify(&stranger, false, &bytes);
    entry_topic_of_feed(&stranger.chain.feed, topic);
    network_inject(&network, 1, 0, topic, buffer_span(&bytes));
    network_sleep(&network, 1000);
    assert_int_equal(counting.count, 0);
    assert_string_equal(hostile_trouble(&network, 0, 1), "");
    institution_finish(&stranger);
    buffer_finish(&bytes);
    network_finish(&network);
}

static void say_refusal(struct network *network, unsigned from, unsigned to, const char *code,
                        const char *text)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Refusal refusal = CARAVAN__REFUSAL__INIT;

    refusal.code = (char *)(uintptr_t)code;
    refusal.text = (char *)(uintptr_t)text;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_REFUSAL;
    message.refusal = &refusal;
    network_say(network, from, to, &message);
}

/* What status shows of a partner is valid UTF-8 and harmless, wherever a long text is cut. */
static void test_hostile__troubles_are_clean_text(void **state)
{
    struct network network;
    char text[600];

    (void)state;
    hostile_full_mesh(&network, 2, 50);
    for (unsigned shift = 0; shift < 4; shift++) {
        Caravan__Refusal copy = CARAVAN__REFUSAL__INIT;
        struct buffer bytes = {0};

        memset(text, 0, sizeof text);
        memset(text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 3)
            memcpy(text + i, i % 2 ? "\xe2\x89\xa4" : "\x1b[2", 3);
        say_refusal(&network, 1, 0, "denied", text);
        copy.text = (char *)(uintptr_t)hostile_trouble(&network, 0, 1);
        assert_non_null(strstr(copy.text, "denied"));
        assert_null(strchr(copy.text, 0x1b));
        assert_true(fields_pack(&copy.base, &bytes));
        assert_int_equal(guard_scan(&caravan__refusal__descriptor, buffer_span(&bytes),
                                    &guard_limits_content, NULL),
                         0);
        buffer_finish(&bytes);
    }
    network_finish(&network);
}

static void test_hostile__changing_troubles_do_not_fill_the_log(void **state)
{
    struct network network;
    unsigned lines = 0;
    char text[64], line[1200];
    FILE *log = tmpfile();
    int saved;

    (void)state;
    assert_non_null(log);
    hostile_full_mesh(&network, 2, 51);
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "excuse %u", i);
        say_refusal(&network, 1, 0, "denied", text);
        network_sleep(&network, 60);
    }
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(log);
    while (fgets(line, sizeof line, log))
        lines++;
    fclose(log);
    assert_true(lines > 0 && lines < 6);
    assert_non_null(strstr(hostile_trouble(&network, 0, 1), "excuse 999"));
    network_finish(&network);
}

/* --- receipts and statements --------------------------------------------------------------------
 */

struct taping {
    struct buffer receipt; /* the last one that 2 gave to 1 for 0 */
    unsigned long passed;  /* 1 to 0 */
};

static bool tape_receipts(void *context, unsigned from, unsigned to, const char *topic,
                          struct buffer *bytes)
{
    struct taping *taping = context;
    Caravan__SyncMessage *message;

    if (topic)
        return true;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    if (message && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS) {
        taping->passed += from == 1 && to == 0;
        if (from == 2 && to == 1) {
            buffer_clear(&taping->receipt);
            assert_true(buffer_append(&taping->receipt, bytes->data, bytes->size));
        }
    }
    if (message)
        caravan__sync_message__free_unpacked(message, NULL);
    return true;
}

static void test_hostile__a_repeated_receipt_is_handed_on_once(void **state)
{
    struct network network;
    struct exchange_feed_state feed;
    struct taping taping = {0};

    (void)state;
    network_init(&network, 3, 52);
    network_accept_all(&network);
    network_accept(&network, 1, 0, true);
    network_dial(&network, 1, 0);
    network_dial(&network, 2, 1);
    network.tamper = tape_receipts;
    network.context = &taping;
    hostile_start_all(&network);
    hostile_publish_many(&network, 0, 5);
    assert_true(network_run(&network, MINUTE, hostile_node_2_has_all_of_0, NULL));
    network_sleep(&network, 2000);
    assert_non_null(network_state(&network, 0, 2, &feed));
    assert_int_equal(feed.received_seq, 6);
    taping.passed = 0;
    for (unsigned i = 0; i < 500; i++)
        network_inject(&network, 2, 1, NULL, buffer_span(&taping.receipt));
    network_sleep(&network, 1000);
    assert_true(taping.passed < 5);
    buffer_finish(&taping.receipt);
    network_finish(&network);
}

static void test_hostile__a_clock_put_back_hides_no_news(void **state)
{
    struct network network;
    struct exchange_feed_state feed;

    (void)state;
    network_init(&network, 2, 53);
    network_accept_all(&network);
    network_dial_all(&network);
    network.nodes[0].clock_wrong_ms = (int64_t)365 * 24 * 3600 * 1000;
    hostile_start_all(&network);
    hostile_publish_many(&network, 0, 3);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_stop(&network, 0);
    network.nodes[0].clock_wrong_ms = 0;
    network_start(&network, 0, false, false);
    assert_true(network_run(&network, MINUTE, network_is_open, NULL));
    hostile_publish_many(&network, 0, 3);
    hostile_publish_many(&network, 1, 3);
    network_sleep(&network, 10000);
    assert_non_null(network_state(&network, 1, 0, &feed));
    assert_int_equal(feed.stated_seq, 7);
    /* Receipts that 0 signs now count, too. */
    assert_int_equal(feed.received_seq, 4);
    network_finish(&network);
}

/* Statements are kept and handed on as they are; one that hides a load would make a relay's answers
 * too large for everybody. */
static void test_hostile__a_loaded_statement_is_not_taken(void **state)
{
    struct network network;
    struct exchange_feed_state feed;
    struct buffer bytes = {0}, load = {0};
    struct entry_head head;
    char topic[LIMIT_TOPIC_SIZE + 1];

    (void)state;
    hostile_full_mesh(&network, 2, 55);
    head = (struct entry_head){.feed = *network_feed(&network, 1), .certificate = 1, .seq = 5};
    assert_int_equal(entry_head_sign(&head, INSTITUTION_NETWORK, network.now_ms + 1000,
                                     network.nodes[1].institution.node, &bytes, NULL),
                     ERROR_NONE);
    assert_true(buffer_reserve(&load, 50000));
    memset(load.data, 'x', 50000);
    /* Field 99, of which nobody knows anything. */
    assert_true(buffer_append(&bytes, "\x9a\x06\xd0\x86\x03", 5));
    assert_true(buffer_append(&bytes, load.data, 50000));
    entry_topic_of_head(network_feed(&network, 1), topic);
    network_inject(&network, 1, 0, topic, buffer_span(&bytes));
    assert_non_null(network_state(&network, 0, 1, &feed));
    assert_true(feed.stated_seq < 5);
    assert_non_null(strstr(feed.trouble, "too-large"));
    buffer_finish(&bytes);
    buffer_finish(&load);
    network_finish(&network);
}

/* A partner that takes over another's handle in its profile must not keep the other out. */
static void test_hostile__a_stolen_handle_keeps_nobody_out(void **state)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    struct buffer bytes = {0};
    struct network network;

    (void)state;
    hostile_full_mesh(&network, 3, 54);
    profile.handle = (char *)(uintptr_t) "xx-node2";
    assert_true(fields_pack(&profile.base, &bytes));
    network_publish_content(&network, 1, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE,
                            buffer_span(&bytes));
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    network_stop(&network, 0);
    network_start(&network, 0, false, false); /* adds both cards; a refused one fails the test */
    hostile_publish_many(&network, 2, 2);
    assert_true(network_run(&network, MINUTE, network_is_equal, NULL));
    buffer_finish(&bytes);
    network_finish(&network);
}

/* --- slowness -----------------------------------------------------------------------------------
 */

/* Node 1 answers a pull of 2 with one entry, and that late. */
struct dripping {
    struct network *network;
    struct buffer answer;
    uint64_t since; /* when it should have been said */
};

static bool drip(void *context, unsigned from, unsigned to, const char *topic, struct buffer *bytes)
{
    struct dripping *dripping = context;
    Caravan__SyncMessage *message;
    bool run;

    if (topic || from != 1 || to != 2)
        return !topic || to != 2;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    run = message && message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RUN &&
          message->run->n_entries > 0 &&
          span_equal(span_of(message->run->feed.data, message->run->feed.len),
                     span_of_id(network_feed(dripping->network, 0)));
    if (run) {
        for (size_t i = 1; i < message->run->n_entries; i++)
            caravan__signed_entry__free_unpacked(message->run->entries[i], NULL);
        message->run->n_entries = 1;
        buffer_clear(&dripping->answer);
        assert_true(fields_pack(&message->base, &dripping->answer));
        dripping->since = dripping->network->now_ms;
    }
    if (message)
        caravan__sync_message__free_unpacked(message, NULL);
    return !run;
}

static void test_hostile__a_dripping_relay_does_not_hold_a_feed_up(void **state)
{
    struct network network;
    struct dripping dripping = {.network = &network};
    unsigned seconds = 0;

    (void)state;
    network_init(&network, 4, 56);
    network_accept_all(&network);
    network_accept(&network, 1, 0, true);
    network_accept(&network, 3, 0, true);
    network_dial(&network, 1, 0);
    network_dial(&network, 3, 0);
    network_dial(&network, 2, 1);
    network_dial(&network, 2, 3);
    network.tamper = drip;
    network.context = &dripping;
    hostile_start_all(&network);
    network_sleep(&network, 20000);
    network_cut(&network, 2, 3, true);
    hostile_publish_many(&network, 0, 200);
    network_sleep(&network, 5000);
    network_cut(&network, 2, 3, false);
    while (!hostile_node_2_has_all_of_0(&network, NULL) && seconds++ < 100) {
        hostile_say_head(&network, 1, 2, network_feed(&network, 0), 1,
                         1000000000); /* it claims to have most */
        network_sleep(&network, 1000);
        if (dripping.answer.size && network.now_ms - dripping.since >= 12000) {
            network_inject(&network, 1, 2, NULL, buffer_span(&dripping.answer));
            buffer_clear(&dripping.answer);
        }
    }
    assert_true(seconds < 100);
    buffer_finish(&dripping.answer);
    network_finish(&network);
}

/* --- anything at all ----------------------------------------------------------------------------
 */

struct damaging {
    uint64_t random;
    struct buffer kept[64]; /* messages of node 1, to be said again at a wrong time */
    unsigned long count;
};

static uint64_t next(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

/* What node 1 says is lost, cut, changed in some bits, or replaced by something that it said
 * before.
 */
static bool damage(void *context, unsigned from, unsigned to, const char *topic,
                   struct buffer *bytes)
{
    struct damaging *damaging = context;
    struct buffer *kept = &damaging->kept[next(&damaging->random) % 64];

    (void)to;
    if (from != 1 || next(&damaging->random) % 3 == 0)
        return true;
    damaging->count++;
    switch (next(&damaging->random) % 5) {
    case 0:
        return false;
    case 1:
        bytes->size = next(&damaging->random) % (bytes->size + 1);
        return true;
    case 2:
        if (kept->size && !topic) {
            buffer_clear(bytes);
            assert_true(buffer_append(bytes, kept->data, kept->size));
        }
        return true;
    default:
        buffer_clear(kept);
        if (!topic)
            assert_true(buffer_append(kept, bytes->data, bytes->size));
        for (uint64_t n = next(&damaging->random) % 4; n && bytes->size; n--)
            bytes->data[next(&damaging->random) % bytes->size] ^=
                (uint8_t)(1u << next(&damaging->random) % 8);
        return true;
    }
}

static unsigned long live_with_damage(uint64_t seed)
{
    struct network network;
    struct damaging damaging = {.random = seed};

    network_init(&network, 3, seed);
    network.live_loss = 10;
    network_accept_all(&network);
    network_accept(&network, 1, 0, true);
    network_accept(&network, 2, 0, true);
    network_dial_all(&network);
    hostile_start_all(&network);
    network.tamper = damage;
    network.context = &damaging;
    for (int step = 0; step < 60; step++) {
        unsigned node = (unsigned)next(&damaging.random) % 3;

        network_publish(&network, node, "through all of it");
        network_sleep(&network, next(&damaging.random) % 600);
        if (step % 20 == 7) {
            network_cut(&network, 0, 2, !network.cut[0][2]);
            network_remove_partner(&network, node, (node + 1) % 3);
        }
        if (step % 20 == 17)
            network_accept(&network, node, (node + 1) % 3, true);
    }
    network.tamper = NULL;
    network_cut(&network, 0, 2, false);
    for (unsigned a = 0; a < 3; a++)
        for (unsigned b = 0; b < 3; b++)
            if (a != b)
                network_accept(&network, a, b, true);
    if (!network_run(&network, 20 * MINUTE, network_is_equal, NULL))
        fail_msg("seed %llu: the nodes did not become equal", (unsigned long long)seed);
    for (unsigned a = 0; a < 3; a++) {
        struct exchange_feed_state state;

        assert_non_null(network_state(&network, a, 0, &state));
        assert_false(state.frozen);
    }
    for (unsigned i = 0; i < 64; i++)
        buffer_finish(&damaging.kept[i]);
    network_finish(&network);
    return damaging.count;
}

static void test_hostile__damaged_and_repeated_messages_harm_nobody(void **state)
{
    const uint64_t seeds = network_seeds(60);
    unsigned long damaged = 0;

    (void)state;
    log_set_level(LOG_SILENT);
    for (uint64_t n = 0; n < seeds; n++)
        damaged += live_with_damage(network_seed_nth(n));
    assert_true(damaged > 40 * seeds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile__heads_out_of_range_change_nothing),
        cmocka_unit_test(test_hostile__endless_heads_are_not_asked_for),
        cmocka_unit_test(test_hostile__live_entries_of_other_feeds_are_passed_over),
        cmocka_unit_test(test_hostile__troubles_are_clean_text),
        cmocka_unit_test(test_hostile__changing_troubles_do_not_fill_the_log),
        cmocka_unit_test(test_hostile__a_repeated_receipt_is_handed_on_once),
        cmocka_unit_test(test_hostile__a_clock_put_back_hides_no_news),
        cmocka_unit_test(test_hostile__a_loaded_statement_is_not_taken),
        cmocka_unit_test(test_hostile__a_stolen_handle_keeps_nobody_out),
        cmocka_unit_test(test_hostile__a_dripping_relay_does_not_hold_a_feed_up),
        cmocka_unit_test(test_hostile__damaged_and_repeated_messages_harm_nobody),
    };

    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
