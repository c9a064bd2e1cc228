/* Whole nodes that link announcements to each other, with partitions: in the end all show the same
 * as one. */
#include "node/core/view_group.h"

#include "common/log.h"
#include "tests/sim/network.h"
#include "tests/support/related.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define MINUTE 60000u
#define NODES 4u
#define STEPS 60
/* Links lead to these seqs: certificate, profile, announcements, their changes, and what is never
 * published. */
#define SEQS 12

struct world {
    struct network network;
    struct view *views[NODES];
    uint64_t random;
};

static uint64_t draw(struct world *world, uint64_t below)
{
    world->random = world->random * 6364136223846793005u + 1442695040888963407u;
    return (world->random >> 33) % below;
}

static void start(struct world *world, uint64_t seed)
{
    static const char *const handles[] = {"cn-alpha", "th-beta", "za-gamma", "lk-delta"};
    struct network *network = &world->network;

    world->random = seed;
    network_init(network, NODES, seed);
    network->group_commit = false;
    network_accept_all(network);
    network_dial_all(network);
    for (unsigned i = 0; i < NODES; i++)
        network_start(network, i, false, false);
    assert_true(network_run(network, MINUTE, network_is_open, NULL));
    for (unsigned i = 0; i < NODES; i++) {
        struct network_node *node = &network->nodes[i];
        struct buffer profile = {0};

        announcements_profile(handles[i], "CN", &profile);
        network_publish_content(&world->network, i, TYPE(PROFILE), buffer_span(&profile));
        buffer_finish(&profile);
        assert_int_equal(
            view_create(&node->reader, network_feed(network, i), false, &world->views[i], NULL),
            ERROR_NONE);
    }
}

static void finish(struct world *world)
{
    for (unsigned i = 0; i < NODES; i++)
        view_destroy(world->views[i]);
    network_finish(&world->network);
}

/* An announcement with random links and, often, a random party. */
static void write_linked(struct world *world, struct buffer *out)
{
    struct related_link links[3];
    size_t count = draw(world, 4);
    const struct network_node *side = &world->network.nodes[draw(world, NODES)];

    for (size_t i = 0; i < count; i++)
        links[i] =
            (struct related_link){network_feed(&world->network, (unsigned)draw(world, NODES)),
                                  1 + draw(world, SEQS), (Caravan__RelatedRel)(1 + draw(world, 5))};
    related_write("Linked", "CN", links, count, draw(world, 3) ? &side->institution : NULL, out);
}

static void publish_something(struct world *world, unsigned node)
{
    struct buffer content = {0}, change = {0};
    uint64_t target = 3 + draw(world, SEQS - 2);

    write_linked(world, &content);
    switch (draw(world, 8)) {
    case 0:
        announcements_withdrawal(target, "over", &change);
        network_publish_content(&world->network, node, TYPE(WITHDRAWAL), buffer_span(&change));
        break;
    case 1:
    case 2:
    case 3:
        announcements_revision(target, buffer_span(&content), &change);
        network_publish_content(&world->network, node, TYPE(REVISION), buffer_span(&change));
        break;
    default:
        network_publish_content(&world->network, node, TYPE(ANNOUNCEMENT), buffer_span(&content));
    }
    buffer_finish(&content);
    buffer_finish(&change);
}

/* --- what a node shows ------------------------------------------------------------------------ */

struct rows {
    struct view *view;
    char names[512][512];
    size_t count, grouped;
};

static int add_row(void *context, const struct view_state *state)
{
    struct rows *rows = context;
    char *row = rows->names[rows->count++];
    struct view_group group;
    size_t used = (size_t)snprintf(row, 512, "%s:", state->name);

    assert_true(rows->count < 512);
    assert_int_equal(view_group_of(rows->view, &state->feed, state->seq, &group, NULL), ERROR_NONE);
    rows->grouped += group.count > 1;
    for (size_t i = 0; i < group.count; i++) {
        char name[VIEW_NAME_SIZE];

        view_name(rows->view, &group.members[i].feed, group.members[i].seq, name);
        used += (size_t)snprintf(row + used, 512 - used, " %s", name);
    }
    assert_true(used < 512);
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* In the order of names: that of arrival is each node's own. */
static void look(struct view *view, struct rows *rows)
{
    uint64_t next, total;

    rows->view = view;
    rows->count = rows->grouped = 0;
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_list(view, NULL, 0, 500, add_row, rows, &next, &total, NULL), ERROR_NONE);
    assert_int_equal(total, rows->count);
    qsort(rows->names, rows->count, sizeof *rows->names, compare_rows);
}

static void assert_same(const struct rows *expected, const struct rows *found)
{
    assert_int_equal(found->count, expected->count);
    for (size_t i = 0; i < found->count; i++)
        assert_string_equal(found->names[i], expected->names[i]);
}

/* --- the test --------------------------------------------------------------------------------- */

static void step(struct world *world, struct rows *rows)
{
    unsigned a = (unsigned)draw(world, NODES), b = (unsigned)draw(world, NODES);

    if (a != b && draw(world, 3) == 0)
        network_cut(&world->network, a, b, !world->network.cut[a][b]);
    publish_something(world, a);
    network_sleep(&world->network, 200);
    if (draw(world, 2)) /* what is seen on the way must not stay */
        look(world->views[b], rows);
}

static void heal(struct world *world)
{
    for (unsigned a = 0; a < NODES; a++)
        for (unsigned b = 0; b < a; b++)
            network_cut(&world->network, a, b, false);
    assert_true(network_run(&world->network, 10 * MINUTE, network_is_equal, NULL));
    network_settle(&world->network);
}

static void test_groups__are_the_same_at_all_nodes_in_the_end(void **unused)
{
    static struct rows expected, found;
    size_t grouped = 0;

    (void)unused;
    for (uint64_t n = 0; n < network_seeds(20); n++) {
        const uint64_t seed = network_seed_nth(n);
        struct world world = {.random = seed};

        start(&world, seed);
        for (unsigned i = 0; i < STEPS; i++)
            step(&world, &found);
        heal(&world);
        look(world.views[0], &expected);
        grouped += expected.grouped;
        for (unsigned i = 0; i < NODES; i++) {
            look(world.views[i], &found);
            assert_same(&expected, &found);
            view_reset(world.views[i]); /* as after a restart */
            look(world.views[i], &found);
            assert_same(&expected, &found);
        }
        finish(&world);
    }
    assert_true(grouped > 10); /* else this has shown nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups__are_the_same_at_all_nodes_in_the_end),
    };

    log_set_level(LOG_SILENT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
