/* A view after something was erased or quarantined: it shows what a new view shows, and reads for
 * it only the feed in which that happened. */
#include "node/core/view.h"

#include "common/fields.h"
#include "node/core/view_sides.h"
#include "tests/support/inbox.h"
#include "tests/support/joint.h"
#include "tests/support/related.h"
#include "tests/support/view_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define ENTRIES_MAX 400
#define ROUNDS 400

#define call(store, operation, ...) (store).operations->operation((store).self, __VA_ARGS__)
#define ok(result) assert_int_equal((result), ERROR_NONE)

/* --- orders ----------------------------------------------------------------------------------- */

/* An order of the institution and what it does to the ledger; how many contents went. */
static size_t order(struct view_world *world, struct institution *whose, const uint64_t *seqs,
                    size_t count)
{
    Caravan__Erasure erasure = CARAVAN__ERASURE__INIT;
    struct erasure_order *orders = calloc(count, sizeof *orders);
    struct buffer content = {0};
    size_t erased = 0;
    uint64_t by;

    assert_non_null(orders);
    erasure.seq = (uint64_t *)(uintptr_t)seqs;
    erasure.n_seq = count;
    assert_true(fields_pack(&erasure.base, &content));
    ok(call(world->writer, begin, NULL));
    by = announcements_keep(&world->writer, whose, TYPE(ERASURE), buffer_span(&content));
    for (size_t i = 0; i < count; i++)
        orders[i] = (struct erasure_order){seqs[i], by};
    ok(call(world->writer, erase, &whose->head.feed, orders, count, &erased, NULL));
    ok(call(world->writer, commit, NULL));
    buffer_finish(&content);
    free(orders);
    return erased;
}

/* --- how much is read --------------------------------------------------------------------------
 */

/* A store that counts the entries that are visited. */
struct counted {
    struct store base;
    struct store_operations operations;
    size_t visits;
    store_entry_visitor visit;
    void *context;
};

static int count_visit(void *context, const struct store_entry *stored)
{
    struct counted *counted = context;

    counted->visits++;
    return counted->visit(counted->context, stored);
}

static int count_entries(void *self, const struct id *feed, uint64_t first, uint64_t last,
                         store_entry_visitor visit, void *context, struct error *error)
{
    struct counted *counted = self;
    struct counted inner = {.visit = visit, .context = context};
    int code = counted->base.operations->entries(counted->base.self, feed, first, last, count_visit,
                                                 &inner, error);

    counted->visits += inner.visits;
    return code;
}

static int count_arrivals(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                          void *context, struct error *error)
{
    struct counted *counted = self;
    struct counted inner = {.visit = visit, .context = context};
    int code = counted->base.operations->arrivals(counted->base.self, after, types, count_visit,
                                                  &inner, error);

    counted->visits += inner.visits;
    return code;
}

static int pass_info(void *self, struct store_info *info, struct error *error)
{
    struct counted *counted = self;

    return counted->base.operations->info(counted->base.self, info, error);
}

static int pass_feeds(void *self, uint64_t after, bool with_empty, size_t limit,
                      store_feed_visitor visit, void *context, struct error *error)
{
    struct counted *counted = self;

    return counted->base.operations->feeds(counted->base.self, after, with_empty, limit, visit,
                                           context, error);
}

static struct store counted_store(struct counted *counted, const struct store *base)
{
    counted->base = *base;
    counted->operations = (struct store_operations){.info = pass_info,
                                                    .entries = count_entries,
                                                    .arrivals = count_arrivals,
                                                    .feeds = pass_feeds};
    return (struct store){&counted->operations, counted};
}

/* Visits of one update. */
static size_t visits_of_update(struct counted *counted, struct view *view)
{
    counted->visits = 0;
    ok(view_update(view, NULL));
    return counted->visits;
}

static int pass_by(void *context, const struct view_state *state)
{
    (void)context, (void)state;
    return 0;
}

#define OWN_ENTRIES 100
#define PARTNER_ENTRIES 10

/* A counted view that has read everything; ours are many, the partner's few. */
static struct view *open_counted(struct view_world *world, struct counted *counted)
{
    struct store store = counted_store(counted, &world->reader);
    struct view *view;
    uint64_t next, total;

    for (int i = 0; i < OWN_ENTRIES; i++)
        announcements_publish(&world->writer, &world->own, CALL, "Ours", "CN", NULL);
    for (int i = 0; i < PARTNER_ENTRIES; i++)
        announcements_publish(&world->writer, &world->partner, CALL, "Theirs", "TH", NULL);
    ok(view_create(&store, &world->own.head.feed, false, &view, NULL));
    ok(view_update(view, NULL));
    ok(view_list(view, NULL, 0, 100, pass_by, NULL, &next, &total, NULL));
    assert_false(view_has_work(view));
    return view;
}

static void test_view_again__an_order_that_counts_for_nothing_costs_nothing(void **state)
{
    struct view_world *world = *state;
    struct counted counted = {0};
    struct view *view = open_counted(world, &counted);
    const uint64_t nothing[] = {1, 2, 900, 4000000000, UINT64_MAX}, call[] = {3, 4};

    /* A certificate, a profile, itself and what is to come. */
    assert_int_equal(order(world, &world->partner, nothing, 5), 0);
    assert_int_equal(visits_of_update(&counted, view), 1);
    assert_int_equal(order(world, &world->partner, call, 2), 2);
    assert_true(visits_of_update(&counted, view) > PARTNER_ENTRIES);
    /* A second time it changes nothing. */
    assert_int_equal(order(world, &world->partner, call, 2), 0);
    assert_int_equal(visits_of_update(&counted, view), 1);
    view_destroy(view);
}

static void test_view_again__reads_only_the_feed_that_ordered(void **state)
{
    struct view_world *world = *state;
    struct counted counted = {0};
    struct view *view = open_counted(world, &counted);
    const uint64_t first[] = {3}, second[] = {4, 5};
    size_t visits;

    assert_int_equal(order(world, &world->partner, first, 1), 1);
    assert_int_equal(order(world, &world->partner, second, 2), 2);
    visits = visits_of_update(&counted, view); /* both at once, and the feed once */
    assert_in_range(visits, PARTNER_ENTRIES, PARTNER_ENTRIES + 6);
    ok(call(world->writer, begin, NULL));
    ok(call(world->writer, quarantine, &world->partner.head.feed, 9, 0, NULL));
    ok(call(world->writer, commit, NULL));
    visits = visits_of_update(&counted, view);
    assert_in_range(visits, 8, 8);
    view_destroy(view);
}

/* --- the same as a new view --------------------------------------------------------------------
 */

static int add_side(void *context, const struct view_side *side)
{
    buffer_printf(context, "  side %d by %" PRIu64 " revision %" PRIu64 " proposal %" PRIu64 "\n",
                  (int)side->state, side->by_seq, side->revision, side->proposal_seq);
    return 0;
}

struct telling {
    struct view *view;
    struct buffer *lines;
};

static int add_state(void *context, const struct view_state *state)
{
    struct telling *telling = context;

    view_world_line(telling->lines, state);
    return view_sides(telling->view, state, add_side, telling->lines, NULL);
}

/* Everything that a view shows, as text. */
static void tell_all(struct view *view, struct buffer *lines)
{
    Caravan__Filter all = CARAVAN__FILTER__INIT;
    struct telling telling = {view, lines};
    struct view_inbox_thing *things;
    uint64_t next, total;
    size_t count;
    bool complete;

    all.withdrawn = all.other = 1;
    ok(view_update(view, NULL));
    while (!view_want_all(view))
        ok(view_work(view, NULL));
    ok(view_list(view, &all, 0, 10000, add_state, &telling, &next, &total, NULL));
    buffer_printf(lines, "total %" PRIu64 "\n", total);
    do {
        ok(inbox_read(view, &things, &count, &complete, NULL));
        if (!complete)
            free(things);
    } while (!complete);
    for (size_t i = 0; i < count; i++)
        buffer_printf(lines, "%s No. %" PRIu64 " of %" PRIu64 " %d\n",
                      view_inbox_kind_name(things[i].kind), things[i].seq, things[i].about_seq,
                      things[i].withdrawn);
    free(things);
}

/* Fails with the first lines that differ. */
static void differ(const char *made, const char *followed, int round)
{
    size_t from = 0;

    for (size_t i = 0; made[i] && made[i] == followed[i]; i++)
        if (made[i] == '\n')
            from = i + 1;
    if (strcmp(made, followed) != 0)
        fail_msg("round %d: a new view shows\n%.300s\nand the one that followed\n%.300s", round,
                 made + from, followed + from);
}

static void compare_with_new(struct view_world *world, int round)
{
    struct buffer followed = {0}, made = {0};
    struct view *view;

    ok(view_create(&world->reader, &world->own.head.feed, false, &view, NULL));
    tell_all(view, &made);
    tell_all(world->view, &followed);
    differ(buffer_text(&made), buffer_text(&followed), round);
    view_destroy(view);
    buffer_finish(&followed);
    buffer_finish(&made);
}

/* --- random lives ----------------------------------------------------------------------------- */

static uint32_t dice; /* state of a small generator: the same rounds every time */

static uint32_t roll(uint32_t sides)
{
    dice = dice * 1664525 + 1013904223;
    return (dice >> 8) % sides;
}

/* Any number of a feed, now and then one too many. */
static uint64_t any_seq(const struct institution *whose)
{
    return 1 + roll((uint32_t)whose->head.seq + 1);
}

static void speak(struct view_world *world, struct institution *who, struct institution *of)
{
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    Caravan__Confirmation said = CARAVAN__CONFIRMATION__INIT;
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;
    struct buffer content = {0};
    bool confirms = roll(2);

    if (roll(3) == 0) {
        joint_propose(&world->writer, who, of, any_seq(of), 1 + roll(28));
        return;
    }
    name.has_feed = name.has_seq = true;
    name.feed = (ProtobufCBinaryData){sizeof of->head.feed.bytes, of->head.feed.bytes};
    name.seq = any_seq(of);
    said.announcement = outcome.announcement = &name;
    assert_true(fields_pack(confirms ? &said.base : &outcome.base, &content));
    announcements_keep(&world->writer, who, confirms ? TYPE(CONFIRMATION) : TYPE(OUTCOME),
                       buffer_span(&content));
    buffer_finish(&content);
}

static void erase_some(struct view_world *world, struct institution *who)
{
    uint64_t seqs[3];
    size_t count = 0;

    for (uint64_t seq = any_seq(who); count < 3 && seq <= who->head.seq; seq += 1 + roll(5))
        seqs[count++] = seq;
    if (count)
        order(world, who, seqs, count);
}

/* What comes from `first` on counts for nothing; the institution goes on in front of it. */
static void quarantine_some(struct view_world *world, struct institution *who)
{
    struct store_feed row;

    if (who->head.seq < 8)
        return;
    ok(call(world->writer, begin, NULL));
    ok(call(world->writer, quarantine, &who->head.feed, who->head.seq - roll(4), 0, NULL));
    ok(call(world->writer, commit, NULL));
    ok(call(world->writer, get_feed, &who->head.feed, &row, NULL));
    who->head = row.head;
}

static void act(struct view_world *world, struct institution *who, struct institution *other)
{
    const struct related_link link = {&other->head.feed, any_seq(other),
                                      CARAVAN__RELATED_REL__RELATED_REL_SAME_AS};
    char title[32];

    snprintf(title, sizeof title, "Title %" PRIu64, who->head.seq + 1);
    switch (roll(10)) {
    case 0:
    case 1:
        announcements_publish(&world->writer, who, CALL, title, "TH", NULL);
        break;
    case 2:
        related_publish(&world->writer, who, title, "TH", &link, 1, other);
        break;
    case 3:
        announcements_revise(&world->writer, who, any_seq(who), CALL, title, "CN");
        break;
    case 4:
        related_revise(&world->writer, who, any_seq(who), title, "CN", &link, 1, other);
        break;
    case 5:
        announcements_withdraw(&world->writer, who, any_seq(who), "over");
        break;
    case 6:
    case 7:
        speak(world, who, roll(2) ? other : who);
        break;
    case 8:
        erase_some(world, who);
        break;
    default:
        if (roll(4) == 0)
            quarantine_some(world, who);
    }
}

static void test_view_again__shows_what_a_new_view_shows(void **state)
{
    struct view_world *world = *state;

    for (int round = 0; round < ROUNDS && world->own.head.seq < ENTRIES_MAX; round++) {
        dice = (uint32_t)round * 7919;
        for (uint32_t acts = 1 + roll(4); acts > 0; acts--) {
            bool own = roll(2);

            act(world, own ? &world->own : &world->partner, own ? &world->partner : &world->own);
        }
        compare_with_new(world, round);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, view_world_setup, view_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_view_again__an_order_that_counts_for_nothing_costs_nothing),
        ROW(test_view_again__reads_only_the_feed_that_ordered),
        ROW(test_view_again__shows_what_a_new_view_shows),
    };

    return cmocka_run_group_tests_name("view_again", tests, NULL, NULL);
}
