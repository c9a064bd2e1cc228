#include "tests/sim/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/fields.h"

#define MINUTE 60000u

void hostile_start_all(struct network *network)
{
    for (unsigned i = 0; i < network->count; i++)
        network_start(network, i, false, false);
    assert_true(network_run(network, MINUTE, network_is_open, NULL));
}

void hostile_full_mesh(struct network *network, unsigned count, uint64_t seed)
{
    network_init(network, count, seed);
    network_accept_all(network);
    network_dial_all(network);
    hostile_start_all(network);
    assert_true(network_run(network, MINUTE, network_is_equal, NULL));
}

void hostile_publish_many(struct network *network, unsigned node, unsigned count)
{
    char text[64];

    for (unsigned i = 0; i < count; i++) {
        snprintf(text, sizeof text, "announcement %u of node %u", i, node);
        assert_true(network_publish(network, node, text));
    }
}

const char *hostile_trouble(struct network *network, unsigned a, unsigned b)
{
    static struct exchange_feed_state state;

    assert_non_null(network_state(network, a, b, &state));
    return state.trouble;
}

bool hostile_count(void *context, unsigned from, unsigned to, const char *topic,
                   struct buffer *bytes)
{
    struct hostile_counting *counting = context;
    Caravan__SyncMessage *message;
    bool hit;

    if (topic || from != counting->from || to != counting->to)
        return true;
    message = caravan__sync_message__unpack(NULL, bytes->size, bytes->data);
    hit = message && message->body_case == counting->body;
    if (message)
        caravan__sync_message__free_unpacked(message, NULL);
    counting->count += hit;
    return !hit || !counting->drop;
}

void hostile_say_head(struct network *network, unsigned from, unsigned to, const struct id *feed,
                      uint64_t certificate, uint64_t seq)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Heads heads = CARAVAN__HEADS__INIT;
    Caravan__FeedHead feed_head = CARAVAN__FEED_HEAD__INIT, *list[1] = {&feed_head};
    Caravan__Head head = CARAVAN__HEAD__INIT;

    head.has_feed = head.has_certificate_number = head.has_seq = head.has_hash = true;
    head.feed = fields_binary(span_of_id(feed));
    head.hash = fields_binary(span_of_id(feed));
    head.certificate_number = certificate;
    head.seq = seq;
    feed_head.head = &head;
    heads.heads = list;
    heads.n_heads = 1;
    heads.has_unasked = heads.unasked = true;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS;
    message.heads = &heads;
    network_say(network, from, to, &message);
}

bool hostile_node_2_has_all_of_0(struct network *network, void *unused)
{
    (void)unused;
    return network_holds(network, 2, 0, NULL) == network_holds(network, 0, 0, NULL);
}
