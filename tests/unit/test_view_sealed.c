/* Lists and changes of what is sealed: before it may be read, and from then on. */
#include "tests/support/fault.h"
#include "tests/support/sealed.h"
#include "tests/support/view_world.h"

#include "common/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static struct view_world *base;
static struct institution third;
static struct sealed_eyes eyes;
static struct view *plain; /* what view_world looks with by itself */

static int setup(void **state)
{
    void *made = NULL;

    (void)state;
    assert_int_equal(view_world_setup(&made), 0);
    base = made;
    institution_init(&third, 3);
    announcements_join(&base->writer, &third, "ru-third", "RU");
    sealed_eyes_open(&eyes, &base->reader, &base->own);
    plain = base->view;
    base->view = eyes.view;
    return 0;
}

static int teardown(void **state)
{
    void *made = base;

    (void)state;
    base->view = plain;
    sealed_eyes_close(&eyes);
    institution_finish(&third);
    return view_world_teardown(&made);
}

static uint64_t arrivals(void)
{
    assert_int_equal(view_update(base->view, NULL), ERROR_NONE);
    return view_last_arrival(base->view);
}

static Caravan__Filter visits(void)
{
    static uint32_t kind = CARAVAN__KIND__KIND_VISIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    filter.n_kind = 1;
    filter.kind = &kind;
    return filter;
}

/* Two announcements of the partner for the third one alone, and their keys. */
static void publish_two(struct seal_key keys[2])
{
    struct institution *them[] = {&third};

    assert_int_equal(sealed_announce(&base->writer, &base->partner, "One", them, 1, &keys[0]), 3);
    assert_int_equal(sealed_announce(&base->writer, &base->partner, "Two", them, 1, &keys[1]), 4);
}

static void test_view_sealed__lists_what_is_for_us_only(void **state)
{
    struct institution *us[] = {&base->own};
    Caravan__Filter filter = visits();
    struct seal_key keys[2];

    (void)state;
    publish_two(keys);
    sealed_announce(&base->writer, &base->partner, "For us", us, 1, NULL);
    view_world_list(base, NULL, "th-partner/5 by 5 For us\n");
    view_world_list(base, &filter, "th-partner/5 by 5 For us\n");
    base->view = plain;
    view_world_list(base, NULL, "");
    base->view = eyes.view;
}

/* The record of the list was made when it could not be read. */
static void test_view_sealed__lists_what_was_shared_later(void **state)
{
    struct institution *us[] = {&base->own};
    Caravan__Filter filter = visits();
    struct seal_key keys[2];

    (void)state;
    publish_two(keys);
    view_world_list(base, NULL, "");
    sealed_share(&base->writer, &base->partner, 4, &keys[1], us, 1);
    view_world_list(base, NULL, "th-partner/4 by 4 Two\n");
    view_world_list(base, &filter, "th-partner/4 by 4 Two\n");
    sealed_share(&base->writer, &base->partner, 3, &keys[0], us, 1);
    sealed_share(&base->writer, &base->partner, 3, &keys[0], us, 1);
    view_world_list(base, NULL, "th-partner/4 by 4 Two\nth-partner/3 by 3 One\n");
    view_reset(base->view);
    view_world_list(base, NULL, "th-partner/4 by 4 Two\nth-partner/3 by 3 One\n");
}

#define CHAIN 900

/* A Reader that lets a Reader be read, and so on: the last one is for us. */
static void test_view_sealed__follows_readers_of_readers_to_the_end(void **state)
{
    struct institution *them[] = {&third}, *us[] = {&base->own};
    struct seal_key keys[2], key;
    uint64_t seq = 3;

    (void)state;
    publish_two(keys);
    key = keys[0];
    for (int i = 0; i < CHAIN; i++) {
        struct buffer bytes = {0};

        sealed_reader_bytes(seq, &key, &bytes);
        seq = sealed_keep(&base->writer, &base->partner, TYPE(READER), buffer_span(&bytes), them, 1,
                          &key);
        buffer_finish(&bytes);
    }
    view_world_list(base, NULL, "");
    sealed_share(&base->writer, &base->partner, seq, &key, us, 1);
    view_world_list(base, NULL, "th-partner/3 by 3 One\n");
    view_reset(base->view);
    view_world_list(base, NULL, "th-partner/3 by 3 One\n");
}

/* A revision that is shared twice, and was read before, is one step. */
static void test_view_sealed__folds_a_shared_revision_once(void **state)
{
    struct institution *us[] = {&base->own}, *them[] = {&third};
    struct buffer content = {0}, revision = {0}, lines = {0};
    struct seal_key keys[2], revised;
    uint64_t seq;

    (void)state;
    publish_two(keys);
    announcements_write(CARAVAN__KIND__KIND_VISIT, "One, revised", "TH", NULL, &content);
    announcements_revision(3, buffer_span(&content), &revision);
    seq = sealed_keep(&base->writer, &base->partner, TYPE(REVISION), buffer_span(&revision), them,
                      1, &revised);
    sealed_share(&base->writer, &base->partner, seq, &revised, us, 1);
    arrivals();
    sealed_share(&base->writer, &base->partner, 3, &keys[0], us, 1);
    sealed_share(&base->writer, &base->partner, seq, &revised, us, 1);
    view_world_list(base, NULL, "th-partner/3 by 5 One, revised\n");
    assert_int_equal(
        view_history(base->view, &base->partner.head.feed, 3, view_world_line, &lines, NULL),
        ERROR_NONE);
    view_world_lines(&lines, "th-partner/3 by 3 One\nth-partner/3 by 5 One, revised\n");
    buffer_finish(&content);
    buffer_finish(&revision);
}

/* Whoever follows is told when something may be read, and by what it is. */
static void test_view_sealed__tells_followers_of_what_was_shared(void **state)
{
    struct institution *us[] = {&base->own};
    Caravan__Filter filter = visits(), calls = visits();
    uint32_t call = CARAVAN__KIND__KIND_JOINT_CALL;
    struct seal_key keys[2];
    uint64_t after;

    (void)state;
    calls.kind = &call;
    publish_two(keys);
    after = arrivals();
    sealed_share(&base->writer, &base->partner, 3, &keys[0], us, 1);
    sealed_share(&base->writer, &base->partner, 3, &(struct seal_key){{9}}, us, 1);
    view_world_changes(base, &filter, after, "th-partner/3 by 5 type 14\n");
    view_world_changes(base, &calls, after, "");
}

/* What was shared before it came is told when it comes. */
static void test_view_sealed__tells_followers_of_late_content(void **state)
{
    struct institution *us[] = {&base->own}, *them[] = {&third};
    struct buffer content = {0}, late = {0};
    struct seal_key key;
    uint64_t seq, after;

    (void)state;
    announcements_write(CARAVAN__KIND__KIND_VISIT, "Late", "TH", NULL, &content);
    seq = sealed_keep_without(&base->writer, &base->partner, TYPE(ANNOUNCEMENT),
                              buffer_span(&content), them, 1, &key, &late);
    view_world_list(base, NULL, "");
    after = arrivals();
    sealed_share(&base->writer, &base->partner, seq, &key, us, 1);
    view_world_changes(base, NULL, after, "");
    view_world_list(base, NULL, "");
    after = arrivals();
    sealed_put_late(&base->writer, &base->partner, seq, buffer_span(&late));
    view_world_changes(base, NULL, after, "th-partner/3 by 3 Late\n");
    view_world_list(base, NULL, "th-partner/3 by 3 Late\n");
    buffer_finish(&content);
    buffer_finish(&late);
}

/* Another ledger in its place: what was opened before does no harm. */
static void test_view_sealed__starts_again_in_another_ledger(void **state)
{
    struct institution *us[] = {&base->own};
    struct seal_key keys[2];

    (void)state;
    publish_two(keys);
    sealed_share(&base->writer, &base->partner, 3, &keys[0], us, 1);
    for (int i = 0; i < 3; i++) {
        view_world_list(base, NULL, "th-partner/3 by 3 One\n");
        view_reset(base->view);
    }
}

static void test_view_sealed__survives_every_allocation_that_fails(void **state)
{
    struct institution *us[] = {&base->own};
    struct seal_key keys[2];
    bool done = false;

    (void)state;
    publish_two(keys);
    for (unsigned long n = 1; !done; n++) {
        struct error error = {0};
        int code;

        view_world_list(base, NULL, n == 1 ? "" : "th-partner/3 by 3 One\n");
        sealed_share(&base->writer, &base->partner, 3, &keys[0], us, 1);
        fault_arm(n);
        code = view_update(base->view, &error);
        done = !fault_disarm();
        assert_int_equal(code, done ? ERROR_NONE : ERROR_MEMORY);
        view_world_list(base, NULL, "th-partner/3 by 3 One\n");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_view_sealed__lists_what_is_for_us_only),
        TEST(test_view_sealed__lists_what_was_shared_later),
        TEST(test_view_sealed__follows_readers_of_readers_to_the_end),
        TEST(test_view_sealed__folds_a_shared_revision_once),
        TEST(test_view_sealed__tells_followers_of_what_was_shared),
        TEST(test_view_sealed__tells_followers_of_late_content),
        TEST(test_view_sealed__starts_again_in_another_ledger),
        TEST(test_view_sealed__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
