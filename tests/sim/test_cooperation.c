/* Joint calls, sealed ones among them, between nodes that lose, cut and reorder: whatever comes
 * when, at the end everybody who may read sees the same, and nobody else sees anything. What should
 * be seen is computed by a second, simple model from what was published. */
#include "tests/sim/cooperation.h"

#include "node/ledger/ledger.h"
#include "tests/sim/cooperation_eyes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define STEPS 40

static void live_through(uint64_t seed)
{
    static struct cooperation world;

    cooperation_begin(&world, seed);
    for (unsigned step = 0; step < STEPS; step++) {
        cooperation_act(&world);
        cooperation_disturb(&world);
        if (cooperation_draw(&world, 25) == 0)
            cooperation_restart(&world, cooperation_draw(&world, COOPERATION_NODES));
    }
    cooperation_settle(&world);
    for (unsigned i = 0; i < COOPERATION_NODES; i++)
        cooperation_eyes_check(&world, i, world.eyes[i].view, "as it went along");
    for (unsigned i = 0; i < COOPERATION_NODES; i++) {
        cooperation_restart(&world, i);
        cooperation_eyes_check(&world, i, world.eyes[i].view, "after a restart");
    }
    cooperation_end(&world);
}

static void test_cooperation__all_who_may_see_the_same(void **state)
{
    uint64_t seeds = network_seeds(25);

    (void)state;
    for (uint64_t n = 0; n < seeds; n++)
        live_through(network_seed_nth(n));
}

/* --- any order of arrival --------------------------------------------------------------------- */

/* Entry after entry from the feeds, which are drawn at random; as it is, or first without content,
 * which comes later. */
struct pouring {
    struct store to;
    bool late;
    int code;
};

static int pour_entry(void *context, const struct store_entry *stored)
{
    struct pouring *pouring = context;
    struct store_entry copy = *stored;

    pouring->late = pouring->late && copy.entry.content_type == TYPE(SEALED);
    copy.seal = NULL;
    if (pouring->late) {
        copy.entry.has_content = false;
        copy.entry.salt = copy.entry.content = span_of(NULL, 0);
    }
    pouring->code = pouring->to.operations->append(pouring->to.self, &copy, 1, NULL);
    return 1;
}

static int pour_content(void *context, const struct store_entry *stored)
{
    struct pouring *pouring = context;

    pouring->code = pouring->to.operations->put_content(
        pouring->to.self, &stored->entry.feed, stored->entry.seq, stored->entry.salt,
        stored->entry.content, stored->received_ms, NULL);
    return 1;
}

static void pour(struct cooperation *world, const struct store *from, struct store *to,
                 unsigned feed, uint64_t seq, store_entry_visitor how, struct pouring *pouring)
{
    pouring->to = *to;
    assert_int_equal(to->operations->begin(to->self, NULL), ERROR_NONE);
    assert_int_equal(from->operations->entries(from->self, network_feed(&world->network, feed), seq,
                                               seq, how, pouring, NULL),
                     ERROR_NONE);
    assert_int_equal(pouring->code, ERROR_NONE);
    assert_int_equal(to->operations->commit(to->self, NULL), ERROR_NONE);
}

/* Late contents wait here. */
struct waiting {
    unsigned feed;
    uint64_t seq;
};

static void pour_all(struct cooperation *world, const struct store *from, struct store *to,
                     struct sealed_eyes eyes[COOPERATION_NODES])
{
    uint64_t next[COOPERATION_NODES], last[COOPERATION_NODES];
    struct waiting waiting[COOPERATION_ACTS];
    size_t waits = 0;
    unsigned open = COOPERATION_NODES;

    for (unsigned i = 0; i < COOPERATION_NODES; i++) {
        next[i] = 1;
        last[i] = network_holds(&world->network, COOPERATION_RELAY, i, &(struct id){{0}});
    }
    while (open || waits) {
        unsigned feed = cooperation_draw(world, COOPERATION_NODES);
        struct pouring pouring = {.late = cooperation_draw(world, 3) == 0};

        if (waits && (!open || cooperation_draw(world, 12) == 0)) {
            size_t which = cooperation_draw(world, (unsigned)waits);

            pour(world, from, to, waiting[which].feed, waiting[which].seq, pour_content, &pouring);
            waiting[which] = waiting[--waits];
        } else if (next[feed] <= last[feed]) {
            pour(world, from, to, feed, next[feed], pour_entry, &pouring);
            if (pouring.late)
                waiting[waits++] = (struct waiting){feed, next[feed]};
            open -= next[feed]++ == last[feed];
        }
        if (cooperation_draw(world, 5) ==
            0) /* somebody looks in between, at the inbox and the list, too */
            cooperation_eyes_count(eyes[cooperation_draw(world, COOPERATION_NODES)].view);
        if (cooperation_draw(world, 2) == 0)
            assert_int_equal(
                view_update(eyes[cooperation_draw(world, COOPERATION_NODES)].view, NULL),
                ERROR_NONE);
        if (cooperation_draw(world, 5) == 0)
            assert_int_equal(view_work(eyes[cooperation_draw(world, COOPERATION_NODES)].view, NULL),
                             ERROR_NONE);
    }
}

static void test_cooperation__the_order_of_arrival_does_not_matter(void **state)
{
    uint64_t seeds = network_seeds(10);
    static struct cooperation world;

    (void)state;
    for (uint64_t n = 0; n < seeds; n++) {
        const uint64_t seed = network_seed_nth(n);
        cooperation_begin(&world, 1000 + seed);
        for (unsigned step = 0; step < STEPS; step++) {
            cooperation_act(&world);
            network_sleep(&world.network, cooperation_draw(&world, 2000));
        }
        cooperation_settle(&world);
        for (unsigned order = 0; order < 6; order++) {
            struct sealed_eyes eyes[COOPERATION_NODES];
            struct store store, reader;

            assert_int_equal(ledger_memory_create(&store, NULL), ERROR_NONE);
            assert_int_equal(ledger_memory_open_reader(&store, &reader, NULL), ERROR_NONE);
            for (unsigned i = 0; i < COOPERATION_NODES; i++)
                sealed_eyes_open(&eyes[i], &reader, &world.network.nodes[i].institution);
            pour_all(&world, &world.network.nodes[COOPERATION_RELAY].reader, &store, eyes);
            for (unsigned i = 0; i < COOPERATION_NODES; i++) {
                cooperation_eyes_check(&world, i, eyes[i].view, "in another order");
                sealed_eyes_close(&eyes[i]);
            }
            reader.operations->destroy(reader.self);
            store.operations->destroy(store.self);
        }
        cooperation_end(&world);
    }
}

/* --- a relay ---------------------------------------------------------------------------------- */

/* The sealed contents of a relay's ledger tell it nothing: no text of them is in its bytes, and its
 * eyes see only that something is sealed. */
static int count_sealed(void *context, const struct store_entry *stored)
{
    assert_int_equal(stored->entry.content_type, TYPE(SEALED));
    assert_null(stored->seal);
    assert_null(memmem(stored->entry.content.data, stored->entry.content.size, "would like", 10));
    assert_null(memmem(stored->entry.content.data, stored->entry.content.size, "Call", 4));
    ++*(unsigned *)context;
    return 0;
}

static void test_cooperation__a_relay_sees_nothing_of_what_is_sealed(void **state)
{
    static struct cooperation world;
    struct store store;
    unsigned count = 0;

    (void)state;
    cooperation_begin(&world, 5000);
    cooperation_announce(&world, true);
    cooperation_settle(&world);
    cooperation_answer(&world, COOPERATION_READER, &world.acts[0]);
    cooperation_revise(&world, &world.acts[0], false);
    cooperation_confirm(&world, &world.acts[0], false);
    cooperation_settle(&world);
    store = opened_store(world.eyes[COOPERATION_RELAY].opened);
    assert_int_equal(store.operations->arrivals(store.self, 0, STORE_TYPE(TYPE(SEALED)),
                                                count_sealed, &count, NULL),
                     ERROR_NONE);
    assert_int_equal(count, 4);
    cooperation_eyes_check(&world, COOPERATION_RELAY, world.eyes[COOPERATION_RELAY].view,
                           "as a relay");
    cooperation_eyes_check(&world, COOPERATION_LATER, world.eyes[COOPERATION_LATER].view,
                           "before it is let in");
    cooperation_share(&world, &world.acts[0]);
    cooperation_settle(&world);
    cooperation_eyes_check(&world, COOPERATION_LATER, world.eyes[COOPERATION_LATER].view,
                           "after it was let in");
    cooperation_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cooperation__all_who_may_see_the_same),
        cmocka_unit_test(test_cooperation__the_order_of_arrival_does_not_matter),
        cmocka_unit_test(test_cooperation__a_relay_sees_nothing_of_what_is_sealed),
    };

    return cmocka_run_group_tests_name("cooperation", tests, NULL, NULL);
}
