/* What is shown of contents that were erased. */
#include "node/core/view.h"

#include "common/fields.h"
#include "tests/support/view_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define CALL CARAVAN__KIND__KIND_JOINT_CALL

#define call(store, operation, ...) (store).operations->operation((store).self, __VA_ARGS__)
#define ok(result) assert_int_equal((result), ERROR_NONE)

/* The order, and what it orders, in one transaction. Returns the seq of the order. */
static uint64_t erase(struct view_world *world, uint64_t first, uint64_t second)
{
    Caravan__Erasure erasure = CARAVAN__ERASURE__INIT;
    uint64_t seqs[] = {first, second}, by;
    struct erasure_order orders[2];
    struct buffer content = {0};
    size_t erased;

    erasure.seq = seqs;
    erasure.n_seq = second ? 2 : 1;
    assert_true(fields_pack(&erasure.base, &content));
    ok(call(world->writer, begin, NULL));
    by = announcements_keep(&world->writer, &world->own, TYPE(ERASURE), buffer_span(&content));
    for (size_t i = 0; i < erasure.n_seq; i++)
        orders[i] = (struct erasure_order){seqs[i], by};
    ok(call(world->writer, erase, &world->own.head.feed, orders, erasure.n_seq, &erased, NULL));
    assert_int_equal(erased, erasure.n_seq);
    ok(call(world->writer, commit, NULL));
    buffer_finish(&content);
    return by;
}

static void test_view__says_that_a_content_was_erased(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter all = CARAVAN__FILTER__INIT;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);

    announcements_publish(&world->writer, &world->own, CALL, "Other", "CN", NULL);
    view_world_list(world, NULL, "cn-own/4 by 4 Other\ncn-own/3 by 3 Call\n");
    announcements_withdraw(&world->writer, &world->own, seq, "over");
    assert_int_equal(erase(world, seq, 0), 6);
    all.withdrawn = 1;
    view_world_list(world, &all,
                    "cn-own/3 by 3 withdrawn(over) cannot be shown: the content was erased by No. "
                    "6\ncn-own/4 by 4 Other\n");
    view_world_list(world, NULL, "cn-own/4 by 4 Other\n");
    view_world_history(world, seq,
                       "cn-own/3 by 3 cannot be shown: the content was erased by No. 6\n"
                       "cn-own/3 by 5 withdrawn(over) cannot be shown: the content was erased by "
                       "No. 6\n");
}

static void test_view__keeps_a_revision_whose_earlier_texts_are_erased(void **state)
{
    struct view_world *world = *state;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "First", "CN", NULL);
    uint64_t early = announcements_revise(&world->writer, &world->own, seq, CALL, "Second", "CN");

    announcements_revise(&world->writer, &world->own, seq, CALL, "Third", "CN");
    view_world_list(world, NULL, "cn-own/3 by 5 Third\n");
    erase(world, seq, early);
    view_world_list(world, NULL, "cn-own/3 by 5 Third\n");
    view_world_history(world, seq,
                       "cn-own/3 by 3 cannot be shown: the content was erased by No. 6\n"
                       "cn-own/3 by 5 Third\n");
    /* By its number the erased revision is an entry by itself: nothing tells what it changed. */
    view_world_history(world, early,
                       "cn-own/4 by 4 cannot be shown: the content was erased by No. 6\n");
}

static void test_view__filters_no_longer_find_what_was_erased(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kind = CALL;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);

    filter.kind = &kind;
    filter.n_kind = 1;
    view_world_list(world, &filter, "cn-own/3 by 3 Call\n");
    erase(world, seq, 0);
    view_world_list(world, &filter, "");
}

static void test_view__erasing_is_news(void **state)
{
    struct view_world *world = *state;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);
    uint64_t before;

    ok(view_update(world->view, NULL));
    before = view_last_arrival(world->view);
    erase(world, seq, 0);
    view_world_changes(world, NULL, before,
                       "cn-own/3 by 3 cannot be shown: the content was erased by No. 4\n");
}

static void test_view__the_order_is_an_entry_of_a_known_type(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter other = CARAVAN__FILTER__INIT;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);
    char handle[] = "cn-own", *handles[] = {handle};

    erase(world, seq, 0);
    other.other = 1;
    other.handle = handles;
    other.n_handle = 1;
    view_world_list(world, &other,
                    "cn-own/3 by 3 cannot be shown: the content was erased by No. 4\n"
                    "cn-own/4 by 4 type 11\ncn-own/2 by 2 type 2\ncn-own/1 by 1 type 1\n");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, view_world_setup, view_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_view__says_that_a_content_was_erased),
        ROW(test_view__keeps_a_revision_whose_earlier_texts_are_erased),
        ROW(test_view__filters_no_longer_find_what_was_erased),
        ROW(test_view__erasing_is_news),
        ROW(test_view__the_order_is_an_entry_of_a_known_type),
    };

    return cmocka_run_group_tests_name("view_erase", tests, NULL, NULL);
}
