/* Lists and followers: filters, pages, and what is read when. */
#include "node/core/view.h"

#include "node/core/view_index.h"
#include "tests/support/view_world.h"

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
#define VISIT CARAVAN__KIND__KIND_VISIT

/* --- filters, paging, following --------------------------------------------------------------- */

static void test_view_list__filters_by_what_is_in_force(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kind = CALL;
    char *country = "TH", *field = "2", *handle = "cn-own";

    announcements_publish(&world->writer, &world->own, CALL, "A", "CN", "2.1");
    announcements_publish(&world->writer, &world->partner, CALL, "B", "TH", "3.3");
    announcements_publish(&world->writer, &world->partner, VISIT, "C", "TH", NULL);
    filter.n_kind = 1;
    filter.kind = &kind;
    view_world_list(world, &filter, "th-partner/3 by 3 B\ncn-own/3 by 3 A\n");
    filter.n_country = 1;
    filter.country = &country;
    view_world_list(world, &filter, "th-partner/3 by 3 B\n");
    announcements_revise(&world->writer, &world->own, 3, CALL, "A with Thailand", "TH");
    view_world_list(world, &filter, "th-partner/3 by 3 B\ncn-own/3 by 4 A with Thailand\n");
    filter.n_handle = 1;
    filter.handle = &handle;
    view_world_list(world, &filter, "cn-own/3 by 4 A with Thailand\n");
    filter.n_country = filter.n_handle = 0;
    filter.n_field_of_science = 1;
    filter.field_of_science = &field;
    view_world_list(world, &filter, ""); /* the revision has no field of science */
}

static void test_view_list__tells_followers_of_changes_that_no_longer_match(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char *country = "TH";
    uint64_t after;

    announcements_publish(&world->writer, &world->own, CALL, "For Thailand", "TH", NULL);
    announcements_publish(&world->writer, &world->own, CALL, "For China", "CN", NULL);
    filter.n_country = 1;
    filter.country = &country;
    view_world_changes(world, &filter, 0, "cn-own/3 by 3 For Thailand\n");
    after = view_last_arrival(world->view);
    announcements_revise(&world->writer, &world->own, 3, CALL, "For China only", "CN");
    announcements_withdraw(&world->writer, &world->own, 4, "never for Thailand");
    announcements_withdraw(&world->writer, &world->own, 3, "over");
    view_world_changes(
        world, &filter, after,
        "cn-own/3 by 5 For China only\ncn-own/3 by 7 withdrawn(over) For China only\n");
}

static int stop_at_once(void *context, const struct view_state *state)
{
    view_world_line(context, state);
    return 1;
}

static void test_view_list__lists_page_by_page(void **state)
{
    struct view_world *world = *state;
    struct buffer lines = {0};
    uint64_t next, total;
    char title[16];

    for (int i = 3; i < 8; i++) {
        snprintf(title, sizeof title, "T%d", i);
        announcements_publish(&world->writer, &world->own, VISIT, title, "CN", NULL);
    }
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, NULL, 0, 2, view_world_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(total, 5);
    assert_int_not_equal(next, 0);
    /* what is published meanwhile does not move the pages */
    announcements_publish(&world->writer, &world->own, VISIT, "T8", "CN", NULL);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, NULL, next, 100, stop_at_once, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(total, 6);
    assert_int_equal(
        view_list(world->view, NULL, next, 2, view_world_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(next, 0);
    view_world_lines(&lines, "cn-own/7 by 7 T7\ncn-own/6 by 6 T6\ncn-own/5 by 5 T5\n"
                             "cn-own/4 by 4 T4\ncn-own/3 by 3 T3\n");
}

static void test_view_list__follows_from_an_arrival(void **state)
{
    struct view_world *world = *state;
    struct buffer lines = {0};
    uint64_t next;

    announcements_publish(&world->writer, &world->own, VISIT, "A", "CN", NULL);
    announcements_publish(&world->writer, &world->partner, VISIT, "B", "TH", NULL);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_changes(world->view, NULL, 0, 1, view_world_line, &lines, &next, NULL),
                     ERROR_NONE);
    announcements_revise(&world->writer, &world->own, 3, VISIT, "A2", "CN");
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_changes(world->view, NULL, next, 10, view_world_line, &lines, &next, NULL),
        ERROR_NONE);
    view_world_lines(&lines, "cn-own/3 by 3 A\nth-partner/3 by 3 B\ncn-own/3 by 4 A2\n");
    assert_int_equal(next, view_last_arrival(world->view));
}

/* --- large ledgers ---------------------------------------------------------------------------- */

static void test_view_list__reads_thousands(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    struct buffer lines = {0};
    uint64_t next, total;
    const uint64_t count = 5000; /* more than two pages of reading */

    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (uint64_t i = 0; i < count; i++)
        announcements_publish(store, &world->own, VISIT, "Many", "CN", NULL);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, NULL, 0, 1, view_world_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(total, count);
    view_world_lines(&lines, "cn-own/5002 by 5002 Many\n");
}

/* Entries of three chunks, without the cost of signing each: `count` announcements of our own, of
 * which every 1,000th is a visit and the others calls. */
static void publish_many(struct view_world *world, unsigned count)
{
    const struct store *store = &world->writer;

    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 1; i <= count; i++)
        announcements_publish(store, &world->own, i % 1000 ? CALL : VISIT, "Many", "CN", NULL);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
}

#define THREE_CHUNKS (2 * VIEW_CHUNK + 3000u)

/* The newest page comes from the newest chunk; the total when all was read. */
static void test_view_list__shows_the_newest_before_it_has_read_all(void **state)
{
    struct view_world *world = *state;
    uint64_t next, total;
    unsigned count, works = 0;

    publish_many(world, THREE_CHUNKS);
    assert_false(view_has_work(world->view)); /* nobody has asked */
    next = view_world_page(world, NULL, 0, 100, &count, &total);
    assert_int_equal(count, 100);
    assert_int_equal(next, 4 + THREE_CHUNKS - 100 + 1);
    assert_true(total == VIEW_UNKNOWN_TOTAL);
    for (; view_has_work(world->view); works++)
        assert_int_equal(view_work(world->view, NULL), ERROR_NONE);
    assert_int_equal(works, 2);
    view_world_page(world, NULL, 0, 100, &count, &total);
    assert_int_equal(total, THREE_CHUNKS);
    assert_false(view_has_work(world->view));
}

/* Each page of a cold index reads one chunk at most; pages without a match lead on to the next. */
static void test_view_list__goes_on_over_empty_pages(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kind = VISIT;
    uint64_t next = 0, total;
    unsigned count, seen = 0, pages = 0;

    publish_many(world, 2 * VIEW_CHUNK);
    filter.n_kind = 1;
    filter.kind = &kind;
    do {
        next = view_world_page(world, &filter, next, 100, &count, &total);
        seen += count;
        pages++;
    } while (next);
    assert_int_equal(seen, 2 * VIEW_CHUNK / 1000);
    assert_int_equal(pages, 3);
    assert_int_equal(total, seen);
    next = view_world_page(world, &filter, 0, 5, &count, &total);
    assert_int_equal(count, 5);
    assert_int_equal(total, seen);
    assert_int_not_equal(next, 0);
}

/* What comes while the rest is read is not for the reading in the background, but for the next
 * list, which reads the newest first. */
static void test_view_list__new_entries_come_first(void **state)
{
    struct view_world *world = *state;
    struct buffer lines = {0};
    uint64_t next, total;
    unsigned count;

    publish_many(world, THREE_CHUNKS);
    view_world_page(world, NULL, 0, 1, &count, &total);
    announcements_publish(&world->writer, &world->partner, CALL, "Newest", "TH", NULL);
    while (view_has_work(world->view))
        assert_int_equal(view_work(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_false(view_has_work(world->view));
    assert_int_equal(
        view_list(world->view, NULL, 0, 1, view_world_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(total, THREE_CHUNKS + 1);
    view_world_lines(&lines, "th-partner/3 by 3 Newest\n");
}

/* The old place of an entry whose content comes late is empty, whichever was read first. */
static void late_content(struct view_world *world, bool read_before)
{
    const struct store *store = &world->writer;
    struct buffer content = {0};
    uint8_t salt[LIMIT_SALT_SIZE];
    uint64_t total;
    unsigned count;

    announcements_write(VISIT, "Late", "CN", NULL, &content);
    announcements_keep_as(store, &world->own, TYPE(ANNOUNCEMENT), buffer_span(&content), 1, false);
    publish_many(world, VIEW_CHUNK);
    view_world_page(world, NULL, 0, 1, &count, &total);
    while (read_before && view_has_work(world->view))
        assert_int_equal(view_work(world->view, NULL), ERROR_NONE);
    memset(salt, 3, sizeof salt);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    assert_int_equal(store->operations->put_content(store->self, &world->own.head.feed, 3,
                                                    span_of(salt, sizeof salt),
                                                    buffer_span(&content), 1, NULL),
                     ERROR_NONE);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    while (view_has_work(world->view))
        assert_int_equal(view_work(world->view, NULL), ERROR_NONE);
    view_world_page(world, NULL, 0, 1, &count, &total);
    if (total == VIEW_UNKNOWN_TOTAL)
        view_world_page(world, NULL, 0, 1, &count, &total);
    assert_int_equal(total, VIEW_CHUNK + 1);
    buffer_finish(&content);
}

static void test_view_list__counts_late_contents_once(void **state)
{
    late_content(*state, true);
}

static void test_view_list__counts_late_contents_once_when_read_later(void **state)
{
    late_content(*state, false);
}

/* Entries of another type that name an announcement in a chunk that is not read yet. */
static void test_view_list__knows_changes_of_what_it_has_not_read(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter all = CARAVAN__FILTER__INIT;
    struct buffer lines = {0};
    uint64_t next, total;

    announcements_publish(&world->writer, &world->own, CALL, "Old", "CN", NULL);
    publish_many(world, VIEW_CHUNK);
    announcements_revise(&world->writer, &world->own, 3, CALL, "Old, revised", "CN");
    announcements_withdraw(&world->writer, &world->own, 2, "of a profile");
    announcements_publish(&world->writer, &world->own, CALL, "New", "CN", NULL);
    all.other = 1;
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, &all, 0, 3, view_world_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    view_world_lines(&lines, "cn-own/8198 by 8198 New\n"
                             "cn-own/8197 by 8197 cannot be shown: announcement: names no "
                             "announcement of this feed\n"
                             "cn-own/8195 by 8195 Many\n");
}

/* --- facets that there is no room for --------------------------------------------------------- */

/* Announcements whose filter keys differ in each, too large to keep them all. */
static void test_view_list__filters_by_what_stands_only_in_the_ledger(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    static char field[8000];
    char *country = "TH";
    uint64_t next = 0, total;
    unsigned count, seen = 0, pages = 0;

    memset(field, 'x', sizeof field - 1);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (int i = 0; i < 3500; i++) {
        snprintf(field, sizeof field, "%06d", i);
        field[6] = 'x';
        announcements_publish(store, &world->own, CALL, "Odd", i % 100 ? "CN" : "TH", field);
    }
    announcements_revise(store, &world->own, 3 + 3401, CALL, "Odd, for Thailand", "TH");
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    filter.n_country = 1;
    filter.country = &country;
    do {
        next = view_world_page(world, &filter, next, 1000, &count, &total);
        seen += count;
        pages++;
        assert_true(pages < 10);
    } while (next);
    assert_int_equal(seen, 36);
    assert_true(pages > 1); /* no page reads more than so many contents */
}

/* --- following -------------------------------------------------------------------------------- */

/* A filter that nothing matches costs a bounded time, and the next try goes on behind. */
static void test_view_list__follows_in_steps(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    struct buffer lines = {0};
    char *country = "TH";
    uint64_t next = 0;
    unsigned steps = 0;

    publish_many(world, THREE_CHUNKS);
    announcements_publish(&world->writer, &world->partner, CALL, "For Thailand", "TH", NULL);
    filter.n_country = 1;
    filter.country = &country;
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    for (; next < view_last_arrival(world->view); steps++)
        assert_int_equal(
            view_changes(world->view, &filter, next, 100, view_world_line, &lines, &next, NULL),
            ERROR_NONE);
    assert_int_equal(steps, 3);
    assert_false(view_has_work(world->view)); /* followers need no records */
    view_world_lines(&lines, "th-partner/3 by 3 For Thailand\n");
}

/* --- when memory runs out --------------------------------------------------------------------- */

static void test_view_list__goes_on_after_memory_ran_out(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kind = CALL;

    announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", "2.1");
    announcements_keep_as(&world->writer, &world->own, TYPE(ANNOUNCEMENT), span_of_text("x"), 1,
                          false);
    announcements_revise(&world->writer, &world->own, 3, CALL, "Revised", "CN");
    announcements_publish(&world->writer, &world->partner, CALL, "Another", "TH", "2.1");
    filter.n_kind = 1;
    filter.kind = &kind;
    view_world_run_short(world, &filter, 2);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_view_list__##name, view_world_setup, view_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(filters_by_what_is_in_force),
        TEST(tells_followers_of_changes_that_no_longer_match),
        TEST(lists_page_by_page),
        TEST(follows_from_an_arrival),
        TEST(reads_thousands),
        TEST(shows_the_newest_before_it_has_read_all),
        TEST(goes_on_over_empty_pages),
        TEST(new_entries_come_first),
        TEST(counts_late_contents_once),
        TEST(counts_late_contents_once_when_read_later),
        TEST(knows_changes_of_what_it_has_not_read),
        TEST(filters_by_what_stands_only_in_the_ledger),
        TEST(follows_in_steps),
        TEST(goes_on_after_memory_ran_out),
    };
    return cmocka_run_group_tests_name("view_list", tests, NULL, NULL);
}
