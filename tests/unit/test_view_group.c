/* Announcements that are one call: who may say so, and what lists make of it. */
#include "node/core/view_group.h"

#include "node/core/view_inbox.h"
#include "node/core/view_index.h"
#include "tests/support/fault.h"
#include "tests/support/inbox.h"
#include "tests/support/related.h"
#include "tests/support/view_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define SAME CARAVAN__RELATED_REL__RELATED_REL_SAME_AS
#define MIRROR CARAVAN__RELATED_REL__RELATED_REL_MIRROR_OF
#define SUPERSEDES CARAVAN__RELATED_REL__RELATED_REL_SUPERSEDES
#define PART CARAVAN__RELATED_REL__RELATED_REL_PART_OF

/* The announcements of a feed begin behind its certificate and its profile. */
#define FIRST 3

/* A world with a third institution, za-third. */
struct three {
    struct view_world *world;
    struct institution third;
};

static int setup(void **state)
{
    struct three *three = calloc(1, sizeof *three);
    void *world = NULL;

    assert_non_null(three);
    view_world_setup(&world);
    three->world = world;
    institution_init(&three->third, 4);
    announcements_join(&three->world->writer, &three->third, "za-third", "ZA");
    *state = three;
    return 0;
}

static int teardown(void **state)
{
    struct three *three = *state;
    void *world = three->world;

    institution_finish(&three->third);
    view_world_teardown(&world);
    free(three);
    return 0;
}

static const struct id *feed_of(const struct institution *institution)
{
    return &institution->chain.feed;
}

/* --- what is seen, as text -------------------------------------------------------------------- */

struct seeing {
    struct view *view;
    struct buffer lines;
};

static void add_others(struct seeing *seeing, const struct id *feed, uint64_t seq)
{
    struct view_group group;
    char name[VIEW_NAME_SIZE];

    assert_int_equal(view_group_of(seeing->view, feed, seq, &group, NULL), ERROR_NONE);
    for (size_t i = 0; i < group.count; i++) {
        if (group.members[i].seq == seq && id_equal(&group.members[i].feed, feed))
            continue;
        view_name(seeing->view, &group.members[i].feed, group.members[i].seq, name);
        buffer_printf(&seeing->lines, " + %s", name);
    }
}

static int see_row(void *context, const struct view_state *state)
{
    struct seeing *seeing = context;

    buffer_printf(&seeing->lines, "%s", state->name);
    add_others(seeing, &state->feed, state->seq);
    buffer_append_text(&seeing->lines, "\n");
    return 0;
}

/* In pages of two, of a long list larger ones. */
static void list_rows(struct view *view, const Caravan__Filter *filter, struct seeing *seeing,
                      uint64_t *total)
{
    size_t rows;
    uint64_t before = 0;

    seeing->view = view;
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    rows = view_last_arrival(view) > 1000 ? 500 : 2;
    do
        assert_int_equal(
            view_list(view, filter, before, rows, see_row, seeing, &before, total, NULL),
            ERROR_NONE);
    while (before);
}

static void check_list(struct three *three, const Caravan__Filter *filter, const char *expected)
{
    struct seeing seeing = {0};
    uint64_t total, rows = 0;

    list_rows(three->world->view, filter, &seeing, &total);
    assert_string_equal(buffer_text(&seeing.lines), expected);
    for (const char *c = expected; *c; c++)
        rows += *c == '\n';
    assert_int_equal(total, rows);
    buffer_finish(&seeing.lines);
}

static int see_link(void *context, const struct view_group_link *link)
{
    static const char *const states[] = {[VIEW_LINK_ONE] = "one",
                                         [VIEW_LINK_ONE_SIDED] = "one sided",
                                         [VIEW_LINK_CROWDED] = "crowded",
                                         [VIEW_LINK_NOT_HERE] = "not here",
                                         [VIEW_LINK_TAKEN_BACK] = "withdrawn",
                                         [VIEW_LINK_PLAIN] = "plain"};
    struct seeing *seeing = context;
    char name[VIEW_NAME_SIZE];

    view_name(seeing->view, &link->feed, link->seq, name);
    buffer_printf(&seeing->lines, "%s %s%s\n", name, states[link->state], link->own ? " ours" : "");
    return 0;
}

static int see_links(void *context, const struct view_state *state)
{
    struct seeing *seeing = context;

    assert_int_equal(view_group_links(seeing->view, state, see_link, seeing, NULL), ERROR_NONE);
    return 1;
}

static void check_links(struct three *three, const struct institution *publisher, uint64_t seq,
                        const char *expected)
{
    struct seeing seeing = {.view = three->world->view};

    assert_int_equal(view_update(seeing.view, NULL), ERROR_NONE);
    assert_int_equal(view_show(seeing.view, feed_of(publisher), seq, see_links, &seeing, NULL),
                     ERROR_NONE);
    assert_string_equal(buffer_text(&seeing.lines), expected);
    buffer_finish(&seeing.lines);
}

/* --- who may say so --------------------------------------------------------------------------- */

/* The own institution's announcement and the partner's: what each says of the other, and whether
 * each names the other's institution as a side. */
static void test_view_group__is_what_both_agree_on(void **state)
{
    static const struct {
        Caravan__RelatedRel ours, theirs; /* 0: says nothing */
        bool we_name_them, they_name_us, one;
    } rows[] = {
        {0, 0, false, false, false},
        {SAME, 0, false, false, false},
        {0, SAME, false, false, false},
        {SAME, SAME, false, false, true},
        {SAME, MIRROR, false, false, true},
        {MIRROR, MIRROR, false, false, true},
        {SAME, 0, false, true, true},
        {SAME, 0, true, false, false},
        {0, SAME, true, false, true},
        {0, MIRROR, false, true, false},
        {0, 0, true, true, false},
        {SUPERSEDES, SUPERSEDES, true, true, false},
        {SAME, SUPERSEDES, false, false, false},
        {PART, PART, true, true, false},
        {SAME, PART, false, true, true},
    };
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct related_link ours = {feed_of(&world->partner), FIRST + i, rows[i].ours};
        const struct related_link theirs = {feed_of(&world->own), FIRST + i, rows[i].theirs};

        related_publish(store, &world->own, "Ours", "CN", &ours, rows[i].ours != 0,
                        rows[i].we_name_them ? &world->partner : NULL);
        related_publish(store, &world->partner, "Theirs", "TH", &theirs, rows[i].theirs != 0,
                        rows[i].they_name_us ? &world->own : NULL);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct view_group group;
        bool complete;

        assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
        assert_int_equal(view_group_complete(world->view, &complete, NULL), ERROR_NONE);
        assert_true(complete);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(view_group_of(world->view,
                                           feed_of(side ? &world->partner : &world->own), FIRST + i,
                                           &group, NULL),
                             ERROR_NONE);
            if (group.count != (rows[i].one ? 2u : 0u))
                fail_msg("row %zu: found %zu members", i, group.count);
        }
    }
}

static void test_view_group__tells_what_a_link_is(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct id nobody = {{9}};
    const struct related_link back = {feed_of(&world->partner), FIRST, SAME};
    const struct related_link links[] = {
        {feed_of(&world->own), FIRST, MIRROR},    {feed_of(&world->own), FIRST + 1, SAME},
        {feed_of(&world->own), FIRST + 2, SAME},  {feed_of(&world->own), 1, SAME},
        {feed_of(&world->own), FIRST + 1, PART},  {&nobody, 5, SAME},
        {feed_of(&world->partner), FIRST, SAME},  {feed_of(&world->own), 0, SAME},
        {feed_of(&world->own), UINT64_MAX, SAME}, {feed_of(&world->own), FIRST + 1, 99},
    };

    related_publish(store, &world->own, "Agrees", "CN", &back, 1, NULL);
    related_publish(store, &world->own, "Does not", "CN", NULL, 0, NULL);
    related_publish(store, &world->own, "Withdrawn", "CN", &back, 1, NULL);
    announcements_withdraw(store, &world->own, FIRST + 2, "over");
    related_publish(store, &world->partner, "Links", "TH", links, sizeof links / sizeof *links,
                    NULL);
    check_list(three, NULL, "cn-own/3 + th-partner/3\ncn-own/4\n");
    check_links(three, &world->partner, FIRST,
                "cn-own/3 one ours\ncn-own/4 one sided ours\ncn-own/5 withdrawn ours\n"
                "cn-own/1 not here ours\ncn-own/4 plain ours\n0900000000000000/5 not here\n"
                "th-partner/3 plain\ncn-own/18446744073709551615 not here ours\n"
                "cn-own/4 plain ours\n");
}

static void test_view_group__is_of_one_publisher_without_asking(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct related_link first = {feed_of(&world->partner), FIRST, SAME};

    related_publish(&world->writer, &world->partner, "First", "TH", NULL, 0, NULL);
    related_publish(&world->writer, &world->partner, "Again", "TH", &first, 1, NULL);
    check_list(three, NULL, "th-partner/3 + th-partner/4\n");
}

/* --- what changes ----------------------------------------------------------------------------- */

static void test_view_group__follows_revisions_and_withdrawals(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link theirs = {feed_of(&world->partner), FIRST, SAME};
    const struct related_link ours = {feed_of(&world->own), FIRST, SAME};

    related_publish(store, &world->own, "Ours", "CN", &theirs, 1, NULL);
    related_publish(store, &world->partner, "Theirs", "TH", NULL, 0, NULL);
    check_list(three, NULL, "th-partner/3\ncn-own/3\n");
    related_revise(store, &world->partner, FIRST, "Theirs", "TH", &ours, 1, NULL);
    check_list(three, NULL, "cn-own/3 + th-partner/3\n");
    related_revise(store, &world->own, FIRST, "Ours", "CN", NULL, 0, NULL);
    check_list(three, NULL, "th-partner/3\ncn-own/3\n");
    /* To be a side is enough. */
    related_revise(store, &world->own, FIRST, "Ours", "CN", NULL, 0, &world->partner);
    check_list(three, NULL, "cn-own/3 + th-partner/3\n");
    announcements_withdraw(store, &world->own, FIRST, "over");
    check_list(three, NULL, "th-partner/3\n");
    check_links(three, &world->partner, FIRST, "cn-own/3 withdrawn ours\n");
}

static void test_view_group__a_revision_that_cannot_be_shown_leaves(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link links[] = {{feed_of(&world->partner), FIRST, SAME},
                                         {feed_of(&world->own), FIRST, SAME}};
    struct buffer revision = {0};

    related_publish(store, &world->own, "Ours", "CN", &links[0], 1, NULL);
    related_publish(store, &world->partner, "Theirs", "TH", &links[1], 1, NULL);
    check_list(three, NULL, "cn-own/3 + th-partner/3\n");
    announcements_revision(FIRST, span_of_text("\xff\xff"), &revision);
    announcements_keep(store, &world->partner, TYPE(REVISION), buffer_span(&revision));
    check_list(three, NULL, "th-partner/3\ncn-own/3\n");
    buffer_finish(&revision);
}

/* --- chains, cycles, order -------------------------------------------------------------------- */

/* own/3 -> partner/3 -> third/3 -> own/3, by steps that all agree somehow; own/4 is a mirror. */
static void publish_ring(struct three *three, unsigned which)
{
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link of_own[] = {{feed_of(&world->partner), FIRST, SAME},
                                          {feed_of(&three->third), FIRST, SAME}};
    const struct related_link of_partner[] = {{feed_of(&world->own), FIRST, SAME},
                                              {feed_of(&three->third), FIRST, SAME}};
    const struct related_link of_third[] = {{feed_of(&world->own), FIRST, MIRROR}};
    const struct related_link mirror[] = {{feed_of(&world->own), FIRST, MIRROR}};

    if (which == 0) {
        related_publish(store, &world->own, "Ours", "CN", of_own, 2, NULL);
        related_publish(store, &world->own, "Mirror", "CN", mirror, 1, NULL);
        related_publish(store, &world->own, "Alone", "CN", NULL, 0, NULL);
    } else if (which == 1) {
        related_publish(store, &world->partner, "Theirs", "TH", NULL, 0, NULL);
        related_revise(store, &world->partner, FIRST, "Theirs", "TH", of_partner, 2, NULL);
    } else {
        related_publish(store, &three->third, "Third", "ZA", of_third, 1, &world->partner);
    }
}

static void test_view_group__does_not_depend_on_the_order_of_arrival(void **unused)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)unused;
    for (size_t i = 0; i < 12; i++) {
        void *state = NULL;
        struct three *three;
        struct seeing seeing = {0};
        uint64_t total;

        setup(&state);
        three = state;
        for (size_t k = 0; k < 3; k++) {
            publish_ring(three, orders[i % 6][k]);
            if (i >= 6) /* what was seen on the way must not stay */
                list_rows(three->world->view, NULL, &seeing, &total);
        }
        buffer_clear(&seeing.lines);
        list_rows(three->world->view, NULL, &seeing, &total);
        assert_int_equal(total, 2);
        assert_non_null(strstr(buffer_text(&seeing.lines),
                               "cn-own/3 + th-partner/3 + cn-own/4 + za-third/3\n"));
        assert_non_null(strstr(buffer_text(&seeing.lines), "cn-own/5\n"));
        buffer_finish(&seeing.lines);
        teardown(&state);
    }
}

static void test_view_group__stands_where_its_newest_member_does(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link links[] = {{feed_of(&world->partner), FIRST, SAME},
                                         {feed_of(&world->own), FIRST, MIRROR}};

    related_publish(store, &world->own, "Ours", "CN", &links[0], 1, NULL);
    announcements_publish(store, &three->third, CALL, "Between", "ZA", NULL);
    related_publish(store, &world->partner, "Theirs", "TH", &links[1], 1, NULL);
    announcements_publish(store, &three->third, CALL, "Newest", "ZA", NULL);
    check_list(three, NULL, "za-third/4\ncn-own/3 + th-partner/3\nza-third/3\n");
}

static void test_view_group__matches_when_one_of_it_does(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link links[] = {{feed_of(&world->partner), FIRST, SAME},
                                         {feed_of(&world->own), FIRST, SAME}};
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char *countries[] = {"TH"}, *handles[] = {"th-partner"};

    related_publish(store, &world->own, "Ours", "CN", &links[0], 1, NULL);
    related_publish(store, &world->partner, "Theirs", "TH", &links[1], 1, NULL);
    filter.n_country = 1;
    filter.country = countries;
    check_list(three, &filter, "cn-own/3 + th-partner/3\n");
    filter.n_handle = 1;
    filter.handle = handles;
    check_list(three, &filter, "cn-own/3 + th-partner/3\n");
    countries[0] = "CN"; /* one must meet all conditions */
    check_list(three, &filter, "");
    filter.n_handle = 0;
    countries[0] = "ZA";
    check_list(three, &filter, "");
}

/* The older one stands in a chunk that no list has read yet. */
static void test_view_group__is_known_before_everything_is_read(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link links[] = {{feed_of(&world->partner), FIRST, SAME},
                                         {feed_of(&world->own), FIRST, SAME}};
    struct seeing seeing = {.view = world->view};
    uint64_t next, total;

    related_publish(store, &world->own, "Ours", "CN", &links[0], 1, NULL);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < 2 * VIEW_CHUNK; i++)
        announcements_publish(store, &world->own, CALL, "Many", "CN", NULL);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    related_publish(store, &world->partner, "Theirs", "TH", &links[1], 1, NULL);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_list(world->view, NULL, 0, 1, see_row, &seeing, &next, &total, NULL),
                     ERROR_NONE);
    assert_true(view_has_work(world->view));
    assert_string_equal(buffer_text(&seeing.lines), "cn-own/3 + th-partner/3\n");
    while (view_has_work(world->view))
        assert_int_equal(view_work(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_list(world->view, NULL, 0, 0, see_row, &seeing, &next, &total, NULL),
                     ERROR_NONE);
    assert_int_equal(total, 2 * VIEW_CHUNK + 1);
    buffer_finish(&seeing.lines);
}

/* --- hostile ---------------------------------------------------------------------------------- */

static void test_view_group__of_too_many_is_none(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    struct related_link chain = {feed_of(&world->partner), 0, SAME};
    struct seeing seeing = {0};
    struct view_group group;
    uint64_t total;

    for (unsigned i = 0; i < VIEW_GROUP_MAX; i++) {
        chain.seq = FIRST + i - 1;
        related_publish(store, &world->partner, "Chain", "TH", &chain, i > 0, NULL);
    }
    list_rows(world->view, NULL, &seeing, &total);
    assert_int_equal(total, 1);
    assert_int_equal(view_group_of(world->view, feed_of(&world->partner), FIRST + 7, &group, NULL),
                     ERROR_NONE);
    assert_int_equal(group.count, VIEW_GROUP_MAX);
    assert_int_equal(group.members[0].seq, FIRST);
    chain.seq = FIRST + VIEW_GROUP_MAX - 1;
    related_publish(store, &world->partner, "One more", "TH", &chain, 1, NULL);
    list_rows(world->view, NULL, &seeing, &total);
    assert_int_equal(total, VIEW_GROUP_MAX + 1);
    check_links(three, &world->partner, FIRST + 1, "th-partner/3 crowded\n");
    announcements_withdraw(store, &world->partner, FIRST + 8, "breaks the chain");
    list_rows(world->view, NULL, &seeing, &total);
    assert_int_equal(total, 2);
    buffer_finish(&seeing.lines);
}

/* Very many that link one of ours: it stays alone, they are rows, and nothing takes long. */
static void test_view_group__bears_very_many_links(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    struct id nobody = {{1}};
    struct related_link links[VIEW_GROUP_MAX + 4];
    struct view_inbox_thing *things;
    struct seeing seeing = {0};
    size_t count;
    uint64_t total;
    bool complete;

    related_publish(store, &world->own, "Ours", "CN", NULL, 0, NULL);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < 10000; i++) {
        for (size_t k = 0; k < sizeof links / sizeof *links; k++) {
            memcpy(nobody.bytes + 1, &i, sizeof i);
            links[k] = (struct related_link){&nobody, UINT32_MAX - k, SAME};
        }
        links[0] = (struct related_link){feed_of(&world->own), FIRST, SAME};
        related_publish(store, &world->partner, "Same", "TH", links,
                        i % 10 ? 1 : sizeof links / sizeof *links, NULL);
    }
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    do {
        buffer_clear(&seeing.lines);
        list_rows(world->view, NULL, &seeing, &total);
        while (view_has_work(world->view))
            assert_int_equal(view_work(world->view, NULL), ERROR_NONE);
    } while (total == VIEW_UNKNOWN_TOTAL);
    assert_int_equal(total, 10001);
    assert_null(strstr(buffer_text(&seeing.lines), "+"));
    do {
        assert_int_equal(inbox_read(world->view, &things, &count, &complete, NULL), ERROR_NONE);
        free(things);
    } while (!complete);
    assert_int_equal(count, VIEW_INBOX_MAX + 2); /* and two new partners */
    buffer_finish(&seeing.lines);
}

/* Who links without end is not heard any more; others are. */
static void test_view_group__keeps_so_many_links_of_one_feed(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct id nobody = {{1}};
    const struct related_link ours = {feed_of(&world->own), FIRST, SAME};
    struct related_link links[VIEW_GROUP_MAX];
    struct seeing seeing = {0};
    uint64_t seq = 0, total;

    for (size_t i = 0; i < VIEW_GROUP_MAX; i++)
        links[i] = (struct related_link){&nobody, 1 + i, SAME};
    related_publish(store, &world->own, "Ours", "CN", NULL, 0, NULL);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < VIEW_LINKS_FEED_MAX / VIEW_GROUP_MAX; i++)
        seq = related_publish(store, &world->partner, "Links", "TH", links, VIEW_GROUP_MAX, NULL);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    list_rows(world->view, NULL, &seeing, &total);
    related_publish(store, &world->partner, "One more", "TH", &ours, 1, NULL);
    related_publish(store, &three->third, "Another", "ZA", &ours, 1, NULL);
    list_rows(world->view, NULL, &seeing, &total);
    check_links(three, &world->partner, seq + 1, "cn-own/3 crowded ours\n");
    check_links(three, &three->third, FIRST, "cn-own/3 one sided ours\n");
    /* What is taken back makes room. */
    related_revise(store, &world->partner, seq, "Links", "TH", NULL, 0, NULL);
    related_revise(store, &world->partner, seq + 1, "One more", "TH", &ours, 1, NULL);
    list_rows(world->view, NULL, &seeing, &total);
    check_links(three, &world->partner, seq + 1, "cn-own/3 one sided ours\n");
    buffer_finish(&seeing.lines);
}

/* --- the inbox -------------------------------------------------------------------------------- */

static size_t count_links(struct view *view, struct view_inbox_thing *found)
{
    struct view_inbox_thing *things;
    size_t count, links = 0;
    bool complete = false;

    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    while (!complete) {
        assert_int_equal(inbox_read(view, &things, &count, &complete, NULL), ERROR_NONE);
        links = 0;
        for (size_t i = 0; i < count; i++)
            if (things[i].kind == VIEW_INBOX_LINK) {
                *found = things[i];
                links++;
            }
        free(things);
        assert_int_equal(view_work(view, NULL), ERROR_NONE);
    }
    return links;
}

static void test_view_group__asks_us_to_link_back(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link ours = {feed_of(&world->own), FIRST, SAME};
    const struct related_link part = {feed_of(&world->own), FIRST, PART};
    const struct related_link theirs = {feed_of(&world->partner), FIRST, SAME};
    struct view_inbox_thing thing;

    related_publish(store, &world->own, "Ours", "CN", NULL, 0, NULL);
    related_publish(store, &three->third, "A part", "ZA", &part, 1, NULL);
    related_publish(store, &world->partner, "Theirs", "TH", NULL, 0, NULL);
    assert_int_equal(count_links(world->view, &thing), 0);
    related_revise(store, &world->partner, FIRST, "Theirs", "TH", &ours, 1, NULL);
    assert_int_equal(count_links(world->view, &thing), 1);
    assert_true(thing.to_do);
    assert_int_equal(thing.seq, FIRST + 1);
    assert_int_equal(thing.about_seq, FIRST);
    assert_true(id_equal(&thing.feed, feed_of(&world->partner)));
    related_revise(store, &world->own, FIRST, "Ours", "CN", &theirs, 1, NULL);
    assert_int_equal(count_links(world->view, &thing), 0);
    related_revise(store, &world->own, FIRST, "Ours", "CN", NULL, 0, NULL);
    assert_int_equal(count_links(world->view, &thing), 1);
    announcements_withdraw(store, &world->partner, FIRST, "over");
    assert_int_equal(count_links(world->view, &thing), 0);
}

/* Third and ours are one by way of the partner, until the partner unlinks the third. */
static void test_view_group__asks_us_when_somebody_between_goes(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link ours = {feed_of(&world->own), FIRST, SAME};
    const struct related_link theirs = {feed_of(&world->partner), FIRST, SAME};
    const struct related_link thirds = {feed_of(&three->third), FIRST, SAME};
    const struct related_link by_partner[] = {ours, thirds}, by_third[] = {ours, theirs};
    struct view_inbox_thing thing;

    related_publish(store, &world->own, "Ours", "CN", &theirs, 1, NULL);
    related_publish(store, &world->partner, "Theirs", "TH", by_partner, 2, NULL);
    related_publish(store, &three->third, "Third", "ZA", by_third, 2, NULL);
    assert_int_equal(count_links(world->view, &thing), 0);
    related_revise(store, &world->partner, FIRST, "Theirs", "TH", &ours, 1, NULL);
    assert_int_equal(count_links(world->view, &thing), 1);
    assert_true(id_equal(&thing.feed, feed_of(&three->third)));
    related_revise(store, &world->partner, FIRST, "Theirs", "TH", by_partner, 2, NULL);
    assert_int_equal(count_links(world->view, &thing), 0);
}

/* A partner changes a link of its many before each time that we ask: we get an answer. */
static void test_view_group__answers_while_links_change(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    const struct store *store = &world->writer;
    const struct related_link ours = {feed_of(&world->own), FIRST, SAME};
    struct view_inbox_thing *things;
    bool complete = false;
    unsigned asked = 0;
    size_t count;

    related_publish(store, &world->own, "Ours", "CN", NULL, 0, NULL);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < 6000; i++)
        related_publish(store, &world->partner, "Same", "TH", &ours, 1, NULL);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    for (; !complete; asked++) {
        related_revise(store, &world->partner, FIRST + asked, "Same", "TH", &ours, asked % 2, NULL);
        assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
        assert_int_equal(inbox_read(world->view, &things, &count, &complete, NULL), ERROR_NONE);
        free(things);
    }
    assert_in_range(asked, 4, 40);
    assert_in_range(count, 5900, 6002);
}

/* --- memory ----------------------------------------------------------------------------------- */

static int list_in(struct view *view, const struct id *feed)
{
    struct view_group group;
    struct buffer lines = {0};
    uint64_t next, total;
    int code = view_update(view, NULL);

    if (!code)
        code = view_list(view, NULL, 0, 10, view_world_line, &lines, &next, &total, NULL);
    if (!code)
        code = view_group_of(view, feed, FIRST, &group, NULL);
    if (!code)
        assert_int_equal(group.count, 4);
    buffer_finish(&lines);
    return code;
}

static void test_view_group__survives_without_memory(void **state)
{
    struct three *three = *state;
    struct view_world *world = three->world;
    int code;

    for (unsigned i = 0; i < 3; i++)
        publish_ring(three, i);
    for (unsigned n = 1;; n++) {
        struct view *view;

        assert_int_equal(view_create(&world->reader, feed_of(&world->own), false, &view, NULL),
                         ERROR_NONE);
        fault_arm(n);
        code = list_in(view, feed_of(&world->own));
        if (!fault_disarm()) {
            assert_int_equal(code, ERROR_NONE);
            view_destroy(view);
            break;
        }
        if (code) /* what a failed call leaves behind is good for the next one */
            assert_int_equal(list_in(view, feed_of(&world->own)), ERROR_NONE);
        view_destroy(view);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_view_group__is_what_both_agree_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view_group__tells_what_a_link_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view_group__is_of_one_publisher_without_asking, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__follows_revisions_and_withdrawals, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__a_revision_that_cannot_be_shown_leaves,
                                        setup, teardown),
        cmocka_unit_test(test_view_group__does_not_depend_on_the_order_of_arrival),
        cmocka_unit_test_setup_teardown(test_view_group__stands_where_its_newest_member_does, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__matches_when_one_of_it_does, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__is_known_before_everything_is_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__of_too_many_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view_group__bears_very_many_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view_group__keeps_so_many_links_of_one_feed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__asks_us_to_link_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view_group__asks_us_when_somebody_between_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__answers_while_links_change, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_view_group__survives_without_memory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
