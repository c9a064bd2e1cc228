/* Two nets of which one rotates its transport key: the other one knows both, or one of them. */
#include "tests/support/net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct pair {
    struct fixture dialler, server;
    struct secret *next; /* the key that one of them will have */
};

static int setup(void **state)
{
    static struct pair pair;

    fixture_init(&pair.dialler, 1, false, NULL, 0);
    fixture_init(&pair.server, 2, true, NULL, 0);
    fixture_start(&pair.dialler);
    fixture_start(&pair.server);
    pair.next = fixture_key();
    *state = &pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;

    fixture_finish(&pair->dialler);
    fixture_finish(&pair->server);
    secret_destroy(pair->next);
    return 0;
}

/* Who knows `of` by these keys, the second may be NULL. */
static void allow(struct fixture *fixture, const struct fixture *of, const struct secret *newest,
                  const struct secret *former)
{
    struct access_entry entries[2] = {fixture_partner(of), fixture_partner(of)};

    entries[0].key = *secret_public(newest);
    if (former)
        entries[1].key = *secret_public(former);
    fixture_allow(fixture, entries, former ? 2 : 1, false);
}

static void dial(struct pair *pair, const struct secret *newest, const struct secret *former)
{
    struct net_partner partner = {
        .feed = pair->server.feed, .transport_key = *secret_public(newest), .handle = "xx-server"};

    if (former)
        partner.former_key = *secret_public(former);
    snprintf(partner.live, sizeof partner.live, "%s", pair->server.live);
    snprintf(partner.sync, sizeof partner.sync, "%s", pair->server.sync);
    allow(&pair->dialler, &pair->server, newest, former);
    assert_int_equal(net_set_partners(pair->dialler.net, &partner, 1, NULL), ERROR_NONE);
}

struct question {
    enum net_link_kind link;
    struct id key;
};

static bool is_up_by(const struct fixture_event *event, const void *argument)
{
    const struct question *question = argument;

    return event->kind == FIXTURE_LINK && event->up && event->link == question->link &&
           id_equal(&event->key, &question->key);
}

static void wait_up(struct fixture *fixture, size_t from, enum net_link_kind link,
                    const struct secret *key)
{
    const struct question question = {link, *secret_public(key)};

    fixture_wait(fixture, from, is_up_by, &question, "a link by that key");
}

static void test_net_keys__a_server_is_reached_by_its_former_key_then_by_the_newest(void **state)
{
    struct pair *pair = *state;
    struct secret *old = pair->server.key;
    size_t from = 0;

    allow(&pair->server, &pair->dialler, pair->dialler.key, NULL);
    dial(pair, pair->next, old);
    wait_up(&pair->dialler, from, NET_SYNC_OUT, old);
    wait_up(&pair->dialler, from, NET_LIVE_OUT, old);
    from = fixture_count(&pair->dialler);
    net_use_key(pair->server.net, pair->next);
    wait_up(&pair->dialler, from, NET_SYNC_OUT, pair->next);
    wait_up(&pair->dialler, from, NET_LIVE_OUT, pair->next);
    assert_true(fixture_send(&pair->dialler, &pair->server.feed, "by the new key"));
    fixture_wait_text(&pair->server, 0, FIXTURE_MESSAGE, "by the new key");
}

/* The certificate comes over the link that stands by the former key: it is not cut for that. */
static void test_net_keys__a_link_stays_when_a_newer_key_is_told(void **state)
{
    struct pair *pair = *state;
    struct secret *old = pair->server.key;
    size_t from;

    allow(&pair->server, &pair->dialler, pair->dialler.key, NULL);
    dial(pair, old, NULL);
    wait_up(&pair->dialler, 0, NET_SYNC_OUT, old);
    wait_up(&pair->dialler, 0, NET_LIVE_OUT, old);
    from = fixture_count(&pair->dialler);
    dial(pair, pair->next, old);
    assert_true(fixture_send(&pair->dialler, &pair->server.feed, "over the same link"));
    fixture_wait_text(&pair->server, 0, FIXTURE_MESSAGE, "over the same link");
    for (size_t i = from; i < fixture_count(&pair->dialler); i++)
        assert_int_not_equal(fixture_event_at(&pair->dialler, i).kind, FIXTURE_LINK);
    /* Stolen: from now on the newest alone, which it has not got. */
    dial(pair, pair->next, NULL);
    fixture_wait_link(&pair->dialler, from, NET_SYNC_OUT, false);
    from = fixture_count(&pair->dialler);
    net_use_key(pair->server.net, pair->next);
    wait_up(&pair->dialler, from, NET_SYNC_OUT, pair->next);
}

static void test_net_keys__who_dials_comes_by_another_key_and_is_known_by_both(void **state)
{
    struct pair *pair = *state;
    struct secret *old = pair->dialler.key;
    size_t from;

    allow(&pair->server, &pair->dialler, pair->next, old);
    dial(pair, pair->server.key, NULL);
    wait_up(&pair->dialler, 0, NET_SYNC_OUT, pair->server.key);
    assert_true(fixture_send(&pair->dialler, &pair->server.feed, "one"));
    wait_up(&pair->server, 0, NET_SYNC_IN, old);
    from = fixture_count(&pair->dialler);
    net_use_key(pair->dialler.net, pair->next);
    wait_up(&pair->dialler, from, NET_SYNC_OUT, pair->server.key);
    assert_true(fixture_send(&pair->dialler, &pair->server.feed, "two"));
    wait_up(&pair->server, 0, NET_SYNC_IN, pair->next);
    fixture_wait_text(&pair->server, 0, FIXTURE_MESSAGE, "two");
}

static void test_net_keys__a_key_that_does_not_count_any_more_is_refused(void **state)
{
    struct pair *pair = *state;

    allow(&pair->server, &pair->dialler, pair->next, NULL);
    dial(pair, pair->server.key, NULL);
    fixture_wait_text(
        &pair->dialler, 0, FIXTURE_LINK,
        "the partner refused our key: it has not accepted our card, or knows a newer one");
    net_use_key(pair->dialler.net, pair->next);
    wait_up(&pair->dialler, 0, NET_SYNC_OUT, pair->server.key);
}

/* Whichever of its two keys the server answers by: that it refuses ours is what people must read.
 */
static void test_net_keys__a_refusal_is_told_though_there_is_another_key(void **state)
{
    static const char refusal[] =
        "the partner refused our key: it has not accepted our card, or knows a newer one";
    struct pair *pair = *state;
    struct secret *other = fixture_key();
    size_t from;

    allow(&pair->server, &pair->dialler, pair->next, NULL);
    dial(pair, pair->server.key, other);
    fixture_wait_text(&pair->dialler, 0, FIXTURE_LINK, refusal);
    from = fixture_count(&pair->dialler);
    dial(pair, other, pair->server.key);
    fixture_wait_text(&pair->dialler, from, FIXTURE_LINK, refusal);
    secret_destroy(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_net_keys__a_server_is_reached_by_its_former_key_then_by_the_newest),
        TEST(test_net_keys__a_link_stays_when_a_newer_key_is_told),
        TEST(test_net_keys__who_dials_comes_by_another_key_and_is_known_by_both),
        TEST(test_net_keys__a_key_that_does_not_count_any_more_is_refused),
        TEST(test_net_keys__a_refusal_is_told_though_there_is_another_key),
    };
#undef TEST

    return cmocka_run_group_tests_name("net_keys", tests, NULL, NULL);
}
