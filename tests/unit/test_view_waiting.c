/* What the inbox keeps: subjects to look at, and things in order. */
#include "node/core/view_waiting.h"

#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OURS 0u
#define THEM 1u
#define OTHERS 2u
#define ARRIVAL(feed, seq) ((seq)*4 + (feed))

static struct view_waiting waiting;

static int setup(void **state)
{
    (void)state;
    waiting = (struct view_waiting){.count = 0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    view_waiting_finish(&waiting);
    return 0;
}

static struct view_thing thing_of(uint32_t feed, uint32_t seq, uint32_t arrival, uint8_t kind)
{
    return (struct view_thing){.feed = feed, .seq = seq, .arrival = arrival, .kind = kind};
}

/* Looks at the next subject, which has these things. Returns its key; 0: there is none. */
static uint64_t look(const struct view_thing *things, size_t count)
{
    uint32_t place = view_waiting_next(&waiting);
    uint64_t key = place ? view_waiting_subject(&waiting, place)->key : 0;

    if (place)
        assert_true(view_waiting_set(&waiting, place, things, count));
    return key;
}

/* Whatever it is, it has brought itself. */
static void look_at_all(void)
{
    uint32_t place;

    while ((place = view_waiting_next(&waiting))) {
        const struct view_subject *subject = view_waiting_subject(&waiting, place);
        uint32_t feed = (uint32_t)(subject->key >> 32), seq = (uint32_t)subject->key;
        struct view_thing thing = thing_of(feed, seq, ARRIVAL(feed, seq), subject->source);

        assert_true(view_waiting_set(&waiting, place, &thing, 1));
    }
}

static size_t count_from(uint64_t before, bool unread)
{
    struct view_waiting_at at = view_waiting_start(&waiting, before);
    uint64_t last = UINT64_MAX;
    const struct view_thing *thing;
    size_t count = 0;

    while ((thing = view_waiting_step(&waiting, &at, unread))) {
        uint64_t rank = (uint64_t)thing->arrival << 8 | (uint8_t)(UINT8_MAX - thing->kind);

        assert_true(rank < last);
        assert_true(!before || thing->arrival < before);
        last = rank;
        count++;
    }
    return count;
}

static uint64_t more_of(uint32_t feed)
{
    uint64_t more = 0;

    for (uint32_t i = 0; i < waiting.feed_count; i++)
        if (waiting.feeds[i].feed == feed)
            more += waiting.feeds[i].noted - waiting.feeds[i].count;
    return more;
}

/* --- the queue ---------------------------------------------------------------------------------
 */

static void test_view_waiting__has_each_looked_at_once(void **state)
{
    uint64_t one = view_table_key(THEM, 5), two = view_table_key(THEM, 3);

    (void)state;
    assert_int_equal(view_waiting_next(&waiting), 0);
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_NAMING, one));
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_NAMING, two));
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_NAMING, one));
    view_waiting_touch(&waiting, two);
    assert_int_equal(look(NULL, 0), one);
    assert_int_equal(look(NULL, 0), two);
    assert_int_equal(look(NULL, 0), 0);
    view_waiting_touch(&waiting, two);
    view_waiting_touch(&waiting, view_table_key(THEM, 4)); /* nobody knows it */
    assert_int_equal(look(NULL, 0), two);
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_NAMING, one)); /* it names us again */
    assert_int_equal(look(NULL, 0), one);
    assert_int_equal(look(NULL, 0), 0);
}

/* A proposal is taken back: what it was about is looked at. */
static void test_view_waiting__is_touched_by_what_brought_a_thing(void **state)
{
    struct view_thing proposal = thing_of(THEM, 9, 20, 2);
    uint64_t ours = view_table_key(OURS, 3);

    (void)state;
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_SPOKEN, ours));
    assert_int_equal(look(&proposal, 1), ours);
    view_waiting_touch(&waiting, view_table_key(THEM, 9));
    assert_non_null(view_waiting_known(&waiting, view_waiting_next(&waiting), THEM, 9));
    assert_null(view_waiting_known(&waiting, view_waiting_next(&waiting), THEM, 8));
    assert_int_equal(look(NULL, 0), ours);
    assert_int_equal(waiting.count, 0);
    view_waiting_touch(&waiting, view_table_key(THEM, 9));
    assert_int_equal(look(NULL, 0), 0);
}

/* Answers to what is not ours yet; a real one stays one. */
static void test_view_waiting__looks_at_answers_when_ours_comes(void **state)
{
    struct view_thing answer = thing_of(THEM, 7, 30, 0);

    (void)state;
    for (uint32_t seq = 6; seq <= 8; seq++)
        assert_true(view_waiting_add_answer(&waiting, view_table_key(THEM, seq), 20 + seq, 12));
    assert_true(view_waiting_add_answer(&waiting, view_table_key(OTHERS, 6), 40, 13));
    assert_int_equal(look(NULL, 0), view_table_key(THEM, 6));
    assert_int_equal(look(&answer, 1), view_table_key(THEM, 7));
    assert_int_equal(look(NULL, 0), view_table_key(THEM, 8));
    assert_int_equal(look(NULL, 0), view_table_key(OTHERS, 6));
    view_waiting_touch_answers(&waiting, 11);
    assert_int_equal(look(NULL, 0), 0);
    view_waiting_touch_answers(&waiting, 12);
    assert_int_equal(look(NULL, 0), view_table_key(THEM, 8));
    assert_int_equal(look(NULL, 0), view_table_key(THEM, 6));
    assert_int_equal(look(NULL, 0), 0);
}

/* --- things ------------------------------------------------------------------------------------
 */

static void test_view_waiting__counts_and_marks(void **state)
{
    struct view_thing things[] = {thing_of(THEM, 4, 10, 1), thing_of(OTHERS, 9, 3000, 2)};
    struct view_thing link = thing_of(THEM, 4, 10, 5);

    (void)state;
    things[0].to_do = true;
    things[1].read = true;
    view_waiting_mark(&waiting, view_table_key(THEM, 4), true); /* nothing is there */
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_SPOKEN, view_table_key(OURS, 3)));
    look(things, 2);
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_LINK, view_table_key(THEM, 4)));
    look(&link, 1);
    assert_int_equal(waiting.count, 3);
    assert_int_equal(waiting.unread, 2);
    assert_int_equal(waiting.to_do, 1);
    assert_int_equal(count_from(0, false), 3);
    assert_int_equal(count_from(0, true), 2);
    assert_int_equal(count_from(3000, false), 2);
    assert_int_equal(count_from(3001, false), 3);
    assert_int_equal(count_from(10, false), 0);
    assert_int_equal(count_from(UINT64_MAX, false), 3);
    view_waiting_mark(&waiting, view_table_key(THEM, 4), true); /* both that it has brought */
    view_waiting_mark(&waiting, view_table_key(OTHERS, 9), false);
    assert_int_equal(waiting.unread, 1);
    assert_int_equal(count_from(0, true), 1);
    assert_int_equal(view_waiting_find(&waiting, view_table_key(OTHERS, 9))->arrival, 3000);
    assert_null(view_waiting_find(&waiting, view_table_key(OTHERS, 8)));
}

/* --- too many ----------------------------------------------------------------------------------
 */

/* In an order that mixes old and new; the newest stay, others' are not touched. */
static void test_view_waiting__keeps_the_newest_of_each(void **state)
{
    const uint32_t many = 3 * VIEW_WAITING_MAX; /* which 7 does not divide */

    (void)state;
    assert_true(view_waiting_add_answer(&waiting, view_table_key(OTHERS, 1), 1, 5));
    for (uint32_t i = 0; i < many; i++) {
        uint32_t seq = (uint32_t)((uint64_t)i * 7 % many) + 1;

        assert_true(view_waiting_add_answer(&waiting, view_table_key(THEM, seq), seq, 5 + seq % 3));
        assert_true(view_waiting_add(&waiting, VIEW_WAITING_NAMING, view_table_key(THEM, seq)));
        if (i % 100 == 0)
            look_at_all();
    }
    for (uint32_t seq = 1; seq <= many; seq++) /* once more: nothing is counted twice */
        assert_true(view_waiting_add_answer(&waiting, view_table_key(THEM, seq), seq, 5 + seq % 3));
    look_at_all();
    assert_int_equal(waiting.count, 2 * VIEW_WAITING_MAX + 1);
    assert_int_equal(waiting.unread, waiting.count);
    assert_int_equal(more_of(THEM), 4 * VIEW_WAITING_MAX);
    assert_int_equal(more_of(OTHERS), 0);
    assert_int_equal(count_from(0, true), waiting.count);
    assert_int_equal(count_from(ARRIVAL(THEM, many - VIEW_WAITING_MAX + 1), false), 1);
    assert_non_null(view_waiting_find(&waiting, view_table_key(OTHERS, 1)));
    assert_int_equal(waiting.subject_count, 2 * VIEW_WAITING_MAX + 1);
    assert_in_range(waiting.thing_count, 2 * VIEW_WAITING_MAX + 1, 2 * VIEW_WAITING_MAX + 101);
    /* The lists of answers to one of ours have lost nobody, and have nobody else. */
    for (uint32_t about = 5; about <= 7; about++) {
        uint32_t place = view_table_get(&waiting.about, about), count = 0, last = 0;

        for (; place; last = place, place = view_waiting_subject(&waiting, place)->next_about) {
            assert_int_equal(view_waiting_subject(&waiting, place)->about, about);
            assert_int_equal(view_waiting_subject(&waiting, place)->last_about, last);
            count++;
        }
        assert_in_range(count, VIEW_WAITING_MAX / 3, VIEW_WAITING_MAX / 3 + 2);
    }
}

/* Of ours every one is kept: nobody else says how many there are. */
static void test_view_waiting__keeps_all_of_ours(void **state)
{
    (void)state;
    for (uint32_t seq = 1; seq <= VIEW_WAITING_MAX + 10; seq++)
        assert_true(view_waiting_add(&waiting, VIEW_WAITING_SPOKEN, view_table_key(OURS, seq)));
    look_at_all();
    assert_int_equal(waiting.count, VIEW_WAITING_MAX + 10);
    assert_int_equal(more_of(OURS), 0);
}

/* --- forgetting --------------------------------------------------------------------------------
 */

static void add_some(void)
{
    for (uint32_t seq = 1; seq <= 9; seq++) {
        assert_true(view_waiting_add_answer(&waiting, view_table_key(THEM, seq), seq, 1 + seq % 2));
        assert_true(view_waiting_add(&waiting, VIEW_WAITING_NAMING, view_table_key(OTHERS, seq)));
    }
    assert_true(view_waiting_add(&waiting, VIEW_WAITING_SPOKEN, view_table_key(OURS, 1)));
}

static void test_view_waiting__forgets_a_feed(void **state)
{
    (void)state;
    add_some();
    view_waiting_forget(&waiting, THEM, false); /* while they are queued */
    look_at_all();
    assert_int_equal(waiting.count, 10);
    add_some();
    look_at_all();
    assert_int_equal(waiting.count, 19);
    view_waiting_forget(&waiting, THEM, false);
    assert_int_equal(waiting.count, 10);
    assert_int_equal(count_from(0, false), 10);
    assert_int_equal(look(NULL, 0), view_table_key(OURS, 1)); /* somebody may have lost a voice */
    assert_int_equal(look(NULL, 0), 0);
    view_waiting_touch_answers(&waiting, 1);
    assert_int_equal(look(NULL, 0), 0);
    add_some();
    look_at_all();
    assert_int_equal(waiting.count, 19);
    assert_int_equal(waiting.subject_count, 19); /* the old places */
    view_waiting_forget(&waiting, OURS, true);
    look_at_all();
    assert_int_equal(waiting.count, 18);
}

/* --- anything, against what is simple ----------------------------------------------------------
 */

#define SEQS 40u

static uint32_t random_state;

static uint32_t draw(uint32_t bound)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % bound;
}

/* Subject seq of a source has a thing or none; kept beside it as it must be seen. */
struct model {
    struct view_thing things[2][SEQS];
    bool there[2][SEQS];
};

static void check_model(const struct model *model)
{
    uint64_t count = 0, unread = 0, to_do = 0;

    for (unsigned source = 0; source < 2; source++)
        for (uint32_t i = 0; i < SEQS; i++) {
            if (!model->there[source][i])
                continue;
            count++;
            unread += !model->things[source][i].read;
            to_do += model->things[source][i].to_do;
        }
    assert_int_equal(waiting.count, count);
    assert_int_equal(waiting.unread, unread);
    assert_int_equal(waiting.to_do, to_do);
    assert_int_equal(count_from(0, false), count);
    assert_int_equal(count_from(0, true), unread);
}

static void step(struct model *model)
{
    unsigned source = draw(2);
    uint32_t seq = 1 + draw(SEQS);
    uint64_t key = view_table_key(THEM, seq);

    switch (draw(4)) {
    case 0:
        view_waiting_mark(&waiting, key, true);
        for (unsigned i = 0; i < 2; i++)
            model->things[i][seq - 1].read = true;
        break;
    case 1:
        view_waiting_mark(&waiting, key, false);
        for (unsigned i = 0; i < 2; i++)
            model->things[i][seq - 1].read = false;
        break;
    default:
        assert_true(
            view_waiting_add(&waiting, source ? VIEW_WAITING_LINK : VIEW_WAITING_NAMING, key));
        /* Both are brought by one entry, at one arrival, and have one mark. */
        model->things[source][seq - 1].feed = THEM;
        model->things[source][seq - 1].seq = seq;
        model->things[source][seq - 1].arrival = seq * 300;
        model->things[source][seq - 1].kind = (uint8_t)(source ? 5 : 1);
        model->things[source][seq - 1].to_do = draw(2);
        model->there[source][seq - 1] = draw(3) != 0;
        look(&model->things[source][seq - 1], model->there[source][seq - 1]);
    }
}

static void test_view_waiting__agrees_with_a_simple_list(void **state)
{
    (void)state;
    for (random_state = 1; random_state < 20; random_state++) {
        struct model model = {.there = {{false}}};
        uint32_t seed = random_state;

        for (unsigned i = 0; i < 2000; i++) {
            step(&model);
            check_model(&model);
        }
        view_waiting_finish(&waiting);
        random_state = seed;
    }
}

/* --- memory ------------------------------------------------------------------------------------
 */

/* Whatever fails is done again, and then all is as if nothing had failed. */
static void test_view_waiting__survives_every_allocation_that_fails(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned long n = 1; !done; n++) {
        uint32_t seq = 1;

        fault_arm(n);
        for (; seq <= 3000; seq++) {
            uint64_t key = view_table_key(1 + seq % 30, seq);
            struct view_thing thing = thing_of(1 + seq % 30, seq, seq * 10, 0);

            while (!view_waiting_add_answer(&waiting, key, seq * 10, 1 + seq % 100))
                continue;
            while (!view_waiting_set(&waiting, view_waiting_next(&waiting), &thing, 1))
                continue;
        }
        done = !fault_disarm();
        assert_int_equal(view_waiting_next(&waiting), 0);
        assert_int_equal(waiting.count, 3000);
        assert_int_equal(count_from(0, true), 3000);
        view_waiting_finish(&waiting);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_view_waiting__has_each_looked_at_once),
        TEST(test_view_waiting__is_touched_by_what_brought_a_thing),
        TEST(test_view_waiting__looks_at_answers_when_ours_comes),
        TEST(test_view_waiting__counts_and_marks),
        TEST(test_view_waiting__keeps_the_newest_of_each),
        TEST(test_view_waiting__keeps_all_of_ours),
        TEST(test_view_waiting__forgets_a_feed),
        TEST(test_view_waiting__agrees_with_a_simple_list),
        TEST(test_view_waiting__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
