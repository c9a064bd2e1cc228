#include "node/net/link.h"
#include "tests/support/net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CUT_OFF_MS 5000 /* a removed partner must be cut off within this */

static void start_two(struct fixture *a, struct fixture *b, bool a_listens)
{
    fixture_init(a, 1, a_listens, NULL, 0);
    fixture_init(b, 2, true, NULL, 0);
    fixture_start(a);
    fixture_start(b);
}

static void finish_two(struct fixture *a, struct fixture *b)
{
    fixture_finish(a);
    fixture_finish(b);
}

/* --- both ways over one connection --------------------------------------------------------------
 */

static void test_net__a_node_that_only_dials_out_gets_messages_both_ways(void **state)
{
    struct fixture a, b;
    struct fixture_event event;
    size_t at;

    (void)state;
    start_two(&a, &b, false);
    assert_string_equal(net_sync_endpoint(a.net), "");
    assert_false(fixture_send(&b, &a.feed, "too early"));
    fixture_pair(&a, &b);
    assert_true(fixture_send(&a, &b.feed, "hello"));
    at = fixture_wait_link(&b, 0, NET_SYNC_IN, true);
    event = fixture_event_at(&b, at);
    assert_true(id_equal(&event.peer, &a.feed));
    at = fixture_wait_text(&b, at, FIXTURE_MESSAGE, "hello");
    event = fixture_event_at(&b, at);
    assert_true(id_equal(&event.peer, &a.feed));
    assert_int_equal(event.role, ACCESS_PARTNER);
    assert_true(fixture_send(&b, &a.feed, "hello back"));
    at = fixture_wait_text(&a, 0, FIXTURE_MESSAGE, "hello back");
    event = fixture_event_at(&a, at);
    assert_true(id_equal(&event.peer, &b.feed));
    finish_two(&a, &b);
}

static bool has_text(struct fixture *fixture, const char *text)
{
    for (size_t i = fixture_count(fixture); i > 0; i--)
        if (strcmp(fixture_event_at(fixture, i - 1).text, text) == 0)
            return true;
    return false;
}

/* A subscription travels behind the handshake: publish until it is there. */
static void wait_live(struct fixture *to, struct fixture *from, const char *topic, const char *text)
{
    uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS;

    while (!has_text(to, text)) {
        assert_true(fixture_now_ms() < end);
        net_live(from->net, topic, span_of_text(text));
        usleep(2000);
    }
}

static void test_net__live_reaches_who_dialled(void **state)
{
    struct fixture a, b;
    struct fixture_event event;

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    wait_live(&a, &b, "feed/abc/", "entry");
    event = fixture_event_at(&a, fixture_wait_text(&a, 0, FIXTURE_LIVE, "entry"));
    assert_string_equal(event.topic, "feed/abc/");
    assert_true(id_equal(&event.peer, &b.feed));
    assert_true(net_live(b.net, "other/x/", span_of_text("not asked for")));
    assert_true(net_live(b.net, "head/abc/", span_of_text("head")));
    fixture_wait_text(&a, 0, FIXTURE_LIVE, "head");
    assert_false(has_text(&a, "not asked for"));
    finish_two(&a, &b);
}

static void test_net__the_largest_message_passes_and_a_larger_one_is_refused(void **state)
{
    struct fixture a, b;
    size_t i = 0;

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    assert_false(fixture_send_sized(&a, &b.feed, LIMIT_MESSAGE_SIZE + 1, 'x'));
    assert_true(fixture_send_sized(&a, &b.feed, LIMIT_MESSAGE_SIZE, 'x'));
    assert_true(fixture_send(&a, &b.feed, "end"));
    fixture_wait_text(&b, 0, FIXTURE_MESSAGE, "end");
    while (fixture_event_at(&b, i).kind != FIXTURE_MESSAGE)
        i++;
    assert_int_equal(fixture_event_at(&b, i).size, LIMIT_MESSAGE_SIZE);
    finish_two(&a, &b);
}

/* --- queues -------------------------------------------------------------------------------------
 */

static void test_net__a_full_core_loses_nothing_and_keeps_the_order(void **state)
{
    struct fixture a, b;
    char text[32];
    size_t from = 0;

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    fixture_set_full(&b, true);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "%d", i);
        for (uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS;
             !fixture_send(&a, &b.feed, text) && fixture_now_ms() < end;) {
            fixture_set_full(&b, false); /* everything between is full now */
            usleep(1000);
        }
    }
    fixture_set_full(&b, false);
    net_wake(b.net);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "%d", i);
        from = fixture_wait_text(&b, from, FIXTURE_MESSAGE, text) + 1;
    }
    assert_int_equal(fixture_count_of(&b, FIXTURE_MESSAGE), 200);
    finish_two(&a, &b);
}

static void test_net__a_peer_that_does_not_read_fills_only_its_own_queue(void **state)
{
    struct fixture a, b, c;
    struct access_entry both[2], of_b;
    size_t taken = 0;

    (void)state;
    start_two(&a, &b, false);
    fixture_init(&c, 3, false, NULL, 0);
    fixture_start(&c);
    both[0] = fixture_partner(&a);
    both[1] = fixture_partner(&c);
    of_b = fixture_partner(&b);
    fixture_allow(&b, both, 2, false);
    fixture_allow(&a, &of_b, 1, false);
    fixture_allow(&c, &of_b, 1, false);
    fixture_dial(&a, &b);
    fixture_dial(&c, &b);
    fixture_wait_link(&a, 0, NET_SYNC_OUT, true);
    fixture_wait_link(&c, 0, NET_SYNC_OUT, true);
    assert_true(fixture_send(&a, &b.feed, "here is a"));
    assert_true(fixture_send(&c, &b.feed, "here is c"));
    fixture_wait_text(&b, 0, FIXTURE_MESSAGE, "here is a");
    fixture_wait_text(&b, 0, FIXTURE_MESSAGE, "here is c");
    fixture_set_full(&a, true); /* a stops reading */
    for (uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS, refused = 0;
         refused < 50 && fixture_now_ms() < end;) {
        if (fixture_send_sized(&b, &a.feed, LIMIT_MESSAGE_SIZE, 'x')) {
            taken++;
            refused = 0;
        } else {
            refused++;
            usleep(2000);
        }
    }
    assert_true(taken > 8 && taken < 200); /* bounded */
    assert_true(fixture_send(&b, &c.feed, "you are not held up"));
    fixture_wait_text(&c, 0, FIXTURE_MESSAGE, "you are not held up");
    fixture_finish(&c);
    finish_two(&a, &b);
}

static void test_net__live_never_waits_and_counts_what_it_drops(void **state)
{
    struct fixture a;
    struct net_counts counts;
    char topic[LIMIT_TOPIC_SIZE + 2];
    size_t taken = 0, tried = 0;

    (void)state;
    fixture_init(&a, 1, true, NULL, 0);
    assert_false(net_live(a.net, "feed/x/", span_of_text("not started")));
    fixture_start(&a);
    memset(topic, 't', sizeof topic);
    topic[LIMIT_TOPIC_SIZE + 1] = '\0';
    assert_false(net_live(a.net, topic, span_of_text("topic too long")));
    topic[LIMIT_TOPIC_SIZE] = '\0';
    assert_true(net_live(a.net, topic, span_of_text("fits")));
    for (; taken == tried && tried < 10000000; tried++)
        taken += net_live(a.net, "feed/x/", span_of_text("entry"));
    net_get_counts(a.net, &counts);
    assert_int_equal(counts.live_dropped, 1 + tried - taken);
    fixture_finish(&a);
}

static bool lose_some(void *self)
{
    unsigned *number = self;

    return (*number)++ % 10 < 3;
}

static void test_net__live_can_be_made_to_lose_messages(void **state)
{
    struct fixture a, b;
    unsigned number = 0;
    size_t sent = 0;

    (void)state;
    fixture_init(&a, 1, false, NULL, 0);
    fixture_init(&b, 2, true, NULL, 0);
    net_plants(a.net)->drop_live = lose_some;
    net_plants(a.net)->drop_self = &number;
    fixture_start(&a);
    fixture_start(&b);
    fixture_pair(&a, &b);
    for (uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS;
         fixture_count_of(&a, FIXTURE_LIVE) < 70 && fixture_now_ms() < end; usleep(1000))
        sent += net_live(b.net, "feed/x/", span_of_text("entry"));
    fixture_stop(&a); /* joins the thread that counts */
    assert_true(fixture_count_of(&a, FIXTURE_LIVE) >= 70);
    assert_true(number >= 100 && number <= sent);
    assert_true(fixture_count_of(&a, FIXTURE_LIVE) <= number * 7 / 10 + 1);
    fixture_make_net(&a, NULL, 0);
    finish_two(&a, &b);
}

/* --- links --------------------------------------------------------------------------------------
 */

static void test_net__links_come_back_after_the_other_node_starts_again(void **state)
{
    struct fixture a, b;
    size_t from;

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    from = fixture_count(&a);
    fixture_stop(&b);
    fixture_wait_link(&a, from, NET_SYNC_OUT, false);
    fixture_wait_link(&a, from, NET_LIVE_OUT, false);
    assert_false(fixture_send(&a, &b.feed, "nobody there"));
    fixture_make_net(&b, NULL, 0);
    fixture_start(&b);
    from = fixture_count(&a);
    fixture_wait_link(&a, from, NET_SYNC_OUT, true);
    fixture_wait_link(&a, from, NET_LIVE_OUT, true);
    assert_true(fixture_send(&a, &b.feed, "again"));
    fixture_wait_text(&b, 0, FIXTURE_MESSAGE, "again");
    /* Both topics were asked for again: a SUB that reconnects by itself may forget some. */
    wait_live(&a, &b, "feed/abc/", "entry after");
    wait_live(&a, &b, "head/abc/", "head after");
    finish_two(&a, &b);
}

static void test_net__a_link_says_why_it_is_down(void **state)
{
    static const char refused[] =
        "the partner refused our key: it has not accepted our card, or knows a newer one";
    struct fixture a, b;
    struct access_entry of_b, of_a;
    size_t at;

    (void)state;
    start_two(&a, &b, false);
    of_b = fixture_partner(&b);
    of_a = fixture_partner(&a);
    fixture_allow(&a, &of_b, 1, false);
    fixture_dial(&a, &b);
    at = fixture_wait_text(&a, 0, FIXTURE_LINK, refused);
    assert_false(fixture_event_at(&a, at).up);
    /* Accepted later: our own back-off tries again, libzmq alone never would. */
    fixture_allow(&b, &of_a, 1, false);
    fixture_wait_link(&a, at, NET_SYNC_OUT, true);
    fixture_wait_link(&a, 0, NET_LIVE_OUT, true);
    fixture_stop(&b);
    fixture_wait_text(&a, 0, FIXTURE_LINK, "nobody answers there");
    fixture_make_net(&b, NULL, 0);
    finish_two(&a, &b);
}

static void test_net__a_partner_with_another_key_is_dialled_anew(void **state)
{
    struct fixture a, b;
    struct secret *old;
    size_t from;

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    fixture_stop(&b);
    old = b.key;
    b.key = fixture_key(); /* same feed, same address, new certificate */
    fixture_make_net(&b, NULL, 0);
    fixture_start(&b);
    fixture_wait_text(&a, 0, FIXTURE_LINK,
                      "the handshake failed: the partner's card may be old, or its gate is closed");
    from = fixture_count(&a);
    fixture_pair(&a, &b);
    fixture_wait_link(&a, from, NET_SYNC_OUT, true);
    secret_destroy(old);
    finish_two(&a, &b);
}

/* Replaces the address, keeps the port. */
static void dial_as(struct fixture *from, const struct fixture *to, const char *host)
{
    struct fixture other = *to;

    snprintf(other.live, sizeof other.live, "tcp://%s%s", host, strrchr(to->live, ':'));
    snprintf(other.sync, sizeof other.sync, "tcp://%s%s", host, strrchr(to->sync, ':'));
    fixture_dial(from, &other);
}

static void test_net__a_name_is_dialled_whichever_address_answers(void **state)
{
    static const char *const rows[][2] = {{"tcp://127.0.0.1:*", "localhost"},
                                          {"tcp://[::1]:*", "[::1]"},
                                          {"tcp://*:*", "127.0.0.1"},
                                          {"tcp://*:*", "[::1]"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture a, b;
        struct access_entry of_a, of_b;
        struct error error = {0};

        fixture_init(&a, 1, false, NULL, 0);
        fixture_start(&a);
        fixture_init(&b, 2, true, NULL, 0);
        net_destroy(b.net);
        strcpy(b.live, rows[i][0]);
        strcpy(b.sync, rows[i][0]);
        fixture_make_net(&b, NULL, 0);
        if (net_start(b.net, &error) != ERROR_NONE) { /* a machine without IPv6 */
            assert_non_null(strchr(rows[i][0], '['));
            finish_two(&a, &b);
            continue;
        }
        strcpy(b.live, net_live_endpoint(b.net));
        strcpy(b.sync, net_sync_endpoint(b.net));
        of_a = fixture_partner(&a);
        of_b = fixture_partner(&b);
        fixture_allow(&a, &of_b, 1, false);
        fixture_allow(&b, &of_a, 1, false);
        dial_as(&a, &b, rows[i][1]);
        fixture_wait_link(&a, 0, NET_SYNC_OUT, true);
        fixture_wait_link(&a, 0, NET_LIVE_OUT, true);
        finish_two(&a, &b);
    }
}

static void test_net__a_silent_route_is_given_up(void **state)
{
    struct fixture a, b;
    size_t from;

    (void)state;
    fixture_init(&a, 1, false, NULL, 0);
    fixture_init(&b, 2, true, NULL, 0);
    net_plants(b.net)->silence_ms = 300;
    fixture_start(&a);
    fixture_start(&b);
    fixture_pair(&a, &b);
    assert_true(fixture_send(&a, &b.feed, "hello"));
    from = fixture_wait_link(&b, 0, NET_SYNC_IN, true);
    from = fixture_wait_link(&b, from, NET_SYNC_IN, false);
    assert_string_equal(fixture_event_at(&b, from).text, "nothing heard for a minute");
    assert_false(fixture_send(&b, &a.feed, "nobody"));
    assert_true(fixture_send(&a, &b.feed, "still here"));
    fixture_wait_link(&b, from, NET_SYNC_IN, true);
    finish_two(&a, &b);
}

static void test_net__a_peer_that_reaches_us_is_dialled_at_once(void **state)
{
    struct fixture a, b;
    struct access_entry of_a, of_b;

    (void)state;
    fixture_init(&a, 1, true, NULL, 0);
    fixture_init(&b, 2, true, NULL, 0);
    net_plants(a.net)->retry_min_ms = 3600000; /* a's next try by itself is an hour away */
    net_plants(a.net)->retry_max_ms = 3600000;
    fixture_start(&a);
    fixture_start(&b);
    of_a = fixture_partner(&a);
    of_b = fixture_partner(&b);
    fixture_allow(&a, &of_b, 1, false);
    fixture_dial(&a, &b);
    fixture_wait_link(&a, 0, NET_SYNC_OUT, false); /* refused */
    fixture_wait_link(&a, 0, NET_LIVE_OUT, false);
    fixture_allow(&b, &of_a, 1, false);
    fixture_dial(&b, &a);
    fixture_wait_link(&b, 0, NET_SYNC_OUT, true);
    assert_true(fixture_send(&b, &a.feed, "hello"));
    fixture_wait_link(&a, 0, NET_SYNC_OUT, true);
    fixture_wait_link(&a, 0, NET_LIVE_OUT, true);
    finish_two(&a, &b);
}

static void test_net__the_back_off_doubles_up_to_five_minutes(void **state)
{
    const struct link_owner owner = {.retry_min_ms = LINK_RETRY_MIN_MS,
                                     .retry_max_ms = LINK_RETRY_MAX_MS};

    (void)state;
    assert_int_equal(link_delay_ms(&owner, 1, 0), 750);
    assert_int_equal(link_delay_ms(&owner, 1, 250), 1000);
    assert_int_equal(link_delay_ms(&owner, 2, 500), 2000);
    assert_int_equal(link_delay_ms(&owner, 9, 64000), 256000);
    assert_int_equal(link_delay_ms(&owner, 10, 75000), 300000);
    assert_int_equal(link_delay_ms(&owner, UINT32_MAX, 75000), 300000);
    for (uint32_t chance = 1; chance; chance <<= 1) {
        assert_in_range(link_delay_ms(&owner, 3, chance), 3000, 5000);
        assert_in_range(link_delay_ms(&owner, 30, UINT32_MAX - chance), 225000, 375000);
    }
}

/* --- a removed partner ------------------------------------------------------------------------ */

struct cut {
    bool live_read, sync_read, sync_wrote; /* after the time was up */
    bool live_ended, sync_ended;
};

/* What must go on is waited for; what must not is looked for some 400 ms. */
static void look_after_cut(struct fixture *b, const struct id *feed, struct raw *live,
                           struct raw *sync, struct cut *cut, const struct cut *expected)
{
    uint64_t end = fixture_now_ms() + FIXTURE_WAIT_MS;
    size_t from = fixture_count(b);
    char text[64];

    for (int i = 0; i < 20 || (fixture_now_ms() < end && (cut->live_read < expected->live_read ||
                                                          cut->sync_wrote < expected->sync_wrote));
         i++) {
        net_live(b->net, "feed/x/", span_of_text("after"));
        raw_send(sync, "after", 5, false);
        cut->live_read |= raw_receive(live, text, sizeof text, 20);
        cut->sync_read |= fixture_send(b, feed, "after");
        for (; from < fixture_count(b); from++)
            cut->sync_wrote |= fixture_event_at(b, from).kind == FIXTURE_MESSAGE;
    }
}

/* A raw client with a's key that stays connected and, unlike a node, does not hang up by itself. */
static void remove_partner(bool keeps_connections, bool trusts_connections, struct cut *cut,
                           const struct cut *expected)
{
    struct fixture b;
    struct secret *key = fixture_key();
    struct access_entry entry = fixture_entry(key, ACCESS_PARTNER, "cn-most");
    struct raw live, sync;
    struct raw_settings settings = {
        .type = ZMQ_SUB, .mechanism = RAW_CURVE, .key = key, .topic = "", .stubborn = true};
    uint64_t removed, took;
    char text[64];

    *cut = (struct cut){0};
    fixture_init(&b, 2, true, NULL, 0);
    net_plants(b.net)->keeps_connections = keeps_connections;
    net_plants(b.net)->trusts_connections = trusts_connections;
    fixture_start(&b);
    memset(entry.feed.bytes, 1, sizeof entry.feed.bytes);
    fixture_allow(&b, &entry, 1, false);
    settings.server = secret_public(b.key);
    settings.endpoint = b.live;
    raw_open(&live, &settings);
    settings.type = ZMQ_DEALER;
    settings.endpoint = b.sync;
    settings.topic = NULL;
    raw_open(&sync, &settings);
    do {
        net_live(b.net, "feed/x/", span_of_text("before"));
    } while (!raw_receive(&live, text, sizeof text, 20));
    assert_true(raw_send(&sync, "hello", 5, false));
    fixture_wait_text(&b, 0, FIXTURE_MESSAGE, "hello");
    assert_true(fixture_send(&b, &entry.feed, "answer"));
    assert_true(raw_receive(&sync, text, sizeof text, FIXTURE_WAIT_MS));
    live.ended = sync.ended = false;
    fixture_allow(&b, NULL, 0, false);
    fixture_dial_none(&b);
    removed = fixture_now_ms();
    cut->live_ended = raw_wait_ended(&live, keeps_connections ? 1500 : CUT_OFF_MS);
    took = fixture_now_ms() - removed;
    if (!keeps_connections)
        cut->sync_ended = raw_wait_ended(&sync, took < CUT_OFF_MS ? CUT_OFF_MS - took : 0);
    while (raw_receive(&live, text, sizeof text, 0))
        ; /* what was on its way */
    look_after_cut(&b, &entry.feed, &live, &sync, cut, expected);
    raw_close(&live);
    raw_close(&sync);
    secret_destroy(key);
    fixture_finish(&b);
}

static void test_net__a_removed_partner_is_cut_off_within_five_seconds(void **state)
{
    struct cut cut;

    (void)state;
    remove_partner(false, false, &cut, &(struct cut){0});
    assert_true(cut.live_ended);
    assert_true(cut.sync_ended);
    assert_false(cut.live_read);
    assert_false(cut.sync_read);
    assert_false(cut.sync_wrote);
    /* Connections that are let stand still carry nothing of sync … */
    remove_partner(true, false, &cut, &(struct cut){.live_read = true});
    assert_false(cut.sync_wrote);
    /* … but live goes on: that is why they are cut. */
    assert_true(cut.live_read);
    /* Without a look at the rights, both go on. */
    remove_partner(true, true, &cut, &(struct cut){.live_read = true, .sync_wrote = true});
    assert_true(cut.live_read);
    assert_true(cut.sync_wrote);
}

static void test_net__others_come_back_after_one_was_removed(void **state)
{
    struct fixture a, b;
    struct access_entry entries[2];
    struct secret *key = fixture_key();
    size_t from;

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    entries[0] = fixture_partner(&a);
    entries[1] = fixture_entry(key, ACCESS_LISTENER, "script");
    fixture_allow(&b, entries, 2, false);
    from = fixture_count(&a);
    fixture_allow(&b, entries, 1, false);
    net_access_changed(b.net);
    fixture_wait_link(&a, from, NET_SYNC_OUT, false);
    from = fixture_wait_link(&a, from, NET_SYNC_OUT, true);
    fixture_wait_link(&a, 0, NET_LIVE_OUT, true);
    assert_true(fixture_send(&a, &b.feed, "back"));
    fixture_wait_text(&b, 0, FIXTURE_MESSAGE, "back");
    secret_destroy(key);
    finish_two(&a, &b);
}

static void test_net__a_partner_we_removed_is_no_longer_heard(void **state)
{
    struct fixture a, b;
    size_t from;

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    from = fixture_count(&a);
    fixture_allow(&a, NULL, 0, false); /* a still dials b, whom it no longer knows */
    assert_true(fixture_send(&a, &b.feed, "hello"));
    fixture_wait_link(&b, 0, NET_SYNC_IN, true);
    assert_true(fixture_send(&b, &a.feed, "do you hear me"));
    from = fixture_wait_link(&a, from, NET_SYNC_OUT, false);
    assert_string_equal(fixture_event_at(&a, from).text, "no longer a partner");
    assert_int_equal(fixture_count_of(&a, FIXTURE_MESSAGE), 0);
    finish_two(&a, &b);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static void test_net__a_taken_port_is_said_plainly(void **state)
{
    struct fixture a, b;
    struct error error = {0};

    (void)state;
    fixture_init(&a, 1, true, NULL, 0);
    fixture_start(&a);
    fixture_init(&b, 2, true, NULL, 0);
    net_destroy(b.net);
    strcpy(b.sync, a.sync);
    fixture_make_net(&b, NULL, 0);
    assert_int_equal(net_start(b.net, &error), ERROR_IO);
    assert_non_null(strstr(error.text, a.sync));
    assert_non_null(strstr(error.text, "another program, or another node, listens there"));
    finish_two(&a, &b);
}

static void test_net__only_encrypted_tcp_is_listened_on(void **state)
{
    static const char *const bad[] = {"ipc:///tmp/x", "inproc://x", "udp://127.0.0.1:1", "7410"};
    struct fixture a;

    (void)state;
    fixture_init(&a, 1, true, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct net_config config = {
            .transport = a.key, .network = "test", .listen_sync = bad[i], .access = a.access};
        struct net *net = NULL;
        struct error error = {0};

        assert_int_equal(net_create(&config, &net, &error), ERROR_INVALID);
        assert_non_null(strstr(error.text, bad[i]));
        assert_non_null(strstr(error.text, "tcp://ADDRESS:PORT"));
    }
    fixture_finish(&a);
}

static void test_net__refuses_work_once_closed(void **state)
{
    struct fixture a, b;
    struct net_route route = {.size = 1};
    struct buffer message = {0};

    (void)state;
    start_two(&a, &b, false);
    fixture_pair(&a, &b);
    net_close(a.net);
    assert_false(fixture_send(&a, &b.feed, "x"));
    assert_false(net_live(a.net, "feed/x/", span_of_text("x")));
    assert_false(net_control_reply(a.net, &route, &message));
    net_stop(a.net);
    net_stop(a.net);
    net_destroy(NULL);
    finish_two(&a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net__a_node_that_only_dials_out_gets_messages_both_ways),
        cmocka_unit_test(test_net__live_reaches_who_dialled),
        cmocka_unit_test(test_net__the_largest_message_passes_and_a_larger_one_is_refused),
        cmocka_unit_test(test_net__a_full_core_loses_nothing_and_keeps_the_order),
        cmocka_unit_test(test_net__a_peer_that_does_not_read_fills_only_its_own_queue),
        cmocka_unit_test(test_net__live_never_waits_and_counts_what_it_drops),
        cmocka_unit_test(test_net__live_can_be_made_to_lose_messages),
        cmocka_unit_test(test_net__links_come_back_after_the_other_node_starts_again),
        cmocka_unit_test(test_net__a_link_says_why_it_is_down),
        cmocka_unit_test(test_net__a_partner_with_another_key_is_dialled_anew),
        cmocka_unit_test(test_net__a_name_is_dialled_whichever_address_answers),
        cmocka_unit_test(test_net__a_silent_route_is_given_up),
        cmocka_unit_test(test_net__a_peer_that_reaches_us_is_dialled_at_once),
        cmocka_unit_test(test_net__the_back_off_doubles_up_to_five_minutes),
        cmocka_unit_test(test_net__a_removed_partner_is_cut_off_within_five_seconds),
        cmocka_unit_test(test_net__others_come_back_after_one_was_removed),
        cmocka_unit_test(test_net__a_partner_we_removed_is_no_longer_heard),
        cmocka_unit_test(test_net__a_taken_port_is_said_plainly),
        cmocka_unit_test(test_net__only_encrypted_tcp_is_listened_on),
        cmocka_unit_test(test_net__refuses_work_once_closed),
    };

    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
