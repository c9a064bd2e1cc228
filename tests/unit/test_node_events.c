/* node_events: what net brings, and the room for it between the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "node/node_parts.h"

#define READERS 16

static int setup(void **state)
{
    struct node *node = calloc(1, sizeof *node);

    assert_non_null(node);
    assert_int_equal(node_make_queues(node, NULL), ERROR_NONE);
    *state = node;
    return 0;
}

static void destroy_queues(struct node *node, void (*discard)(void *item))
{
    node_lanes_destroy(node->to_check, discard);
    node_lanes_destroy(node->to_writer, discard);
    node_queue_destroy(node->to_reader, discard);
    node_turns_destroy(node->to_server, discard);
    free(node);
}

static int teardown(void **state)
{
    destroy_queues(*state, node_item_destroy);
    return 0;
}

/* false: net has to keep it and reads nothing more. */
static bool say(struct node *node, const struct id *peer, enum access_role role)
{
    const struct net_events events = node_events(node);
    struct buffer message = {0};
    bool taken;

    assert_true(buffer_append(&message, (uint8_t[LIMIT_REQUEST_SIZE]){0}, LIMIT_REQUEST_SIZE));
    taken = events.message(events.self, peer, role, &message);
    assert_true(!taken || !message.data);
    buffer_finish(&message);
    return taken;
}

static struct node_item *pop(struct node *node)
{
    struct node_item *item = node_lanes_pop(node->to_check, 0);

    assert_non_null(item);
    return item;
}

/* Strangers, as many as like and each as much as it can: partners have room, and their turns. */
static void test_node_events__readers_do_not_crowd_partners_out(void **state)
{
    static const struct id partners[] = {{{2}}, {{3}}, {{4}}};
    struct node *node = *state;
    unsigned others = 0;

    for (unsigned i = 0; i < READERS * LIMIT_WAITING_PER_PEER; i++) {
        struct id reader = {{200, (uint8_t)(i % READERS)}};

        assert_true(say(node, &reader, ACCESS_READER));
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(say(node, &partners[i], ACCESS_PARTNER));
    for (size_t i = 0; i < 3;) {
        struct node_item *item = pop(node);

        if (item->role == ACCESS_PARTNER)
            assert_true(id_equal(&item->peer, &partners[i++]));
        else
            others++;
        node_item_destroy(item);
    }
    assert_true(others <= 1);
    /* The others are still known by their own keys, for the answers. */
    for (unsigned i = others; i < READERS; i++) {
        struct node_item *item = pop(node);

        assert_int_equal(item->peer.bytes[0], 200);
        assert_int_equal(item->peer.bytes[1], i);
        node_item_destroy(item);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_node_events__readers_do_not_crowd_partners_out, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("node_events", tests, NULL, NULL);
}
