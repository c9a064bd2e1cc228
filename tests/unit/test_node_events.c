/* node_events: what net brings, and the room for it between the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "node/node_parts.h"
#include "tests/support/institution.h"

#define READERS 16
#define RUN_BODY 5 /* the field of a SyncMessage */

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

/* --- catching up with many at once -----------------------------------------------------------
 */

/* A Run of about the size that a pull asks for, of entries that say little. */
static void make_run(struct buffer *message)
{
    struct buffer *entries = calloc(LIMIT_RUN_ENTRIES, sizeof *entries), run = {0};
    struct institution publisher;
    size_t count = 0;

    assert_non_null(entries);
    institution_init(&publisher, 1);
    institution_certify(&publisher, false, &run);
    buffer_clear(&run);
    for (size_t size = 0; size < LIMIT_PULL_SIZE - 1024; size += entries[count++].size)
        institution_say(&publisher, "", &entries[count]);
    institution_run(&publisher, entries, count, 0, &run);
    assert_true(wire_put_bytes(message, RUN_BODY, buffer_span(&run)));
    institution_finish(&publisher);
    buffer_finish(&run);
    for (size_t i = 0; i < count; i++)
        buffer_finish(&entries[i]);
    free(entries);
}

/* All credit used by 32 partners: the check thread, which has the owner's requests behind it, finds
 * room for all of it. */
static void test_node_events__what_is_in_flight_has_room_at_the_writer(void **state)
{
    struct node *node = *state;
    struct node_item item = {.kind = NODE_ITEM_INCOMING};
    struct keyring *keyring = NULL;
    struct buffer message = {0};
    size_t size, refused = 0;

    assert_int_equal(keyring_create(&keyring, NULL), ERROR_NONE);
    make_run(&message);
    size = message.size;
    item.incoming =
        incoming_create(&(struct id){{2}}, NULL, &message, INSTITUTION_NETWORK, keyring);
    assert_true(item.incoming && item.incoming->has_run);
    for (unsigned i = 0; i < LIMIT_CREDIT_TOTAL / LIMIT_CREDIT_PER_PARTNER; i++) {
        struct id partner = {{2, (uint8_t)i}};

        for (size_t sum = 0; sum < LIMIT_CREDIT_PER_PARTNER; sum += size)
            refused += node_lanes_try_push(node->to_writer, &partner, &item,
                                           node_item_bytes(&item)) != NODE_LANES_TAKEN;
    }
    while (node_lanes_pop(node->to_writer, 0))
        ; /* it is always the same one */
    assert_int_equal(refused, 0);
    incoming_destroy(item.incoming);
    keyring_destroy(keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_node_events__readers_do_not_crowd_partners_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_node_events__what_is_in_flight_has_room_at_the_writer,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("node_events", tests, NULL, NULL);
}
