/* Who may read a sealed announcement. */
#include "node/core/view_audience.h"

#include "tests/support/fault.h"
#include "tests/support/sealed.h"
#include "tests/support/view_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static struct view_world *base;
static struct institution third, fourth;
static struct sealed_eyes eyes;

static int setup(void **state)
{
    void *made = NULL;

    (void)state;
    assert_int_equal(view_world_setup(&made), 0);
    base = made;
    institution_init(&third, 3);
    institution_init(&fourth, 4);
    announcements_join(&base->writer, &third, "ru-third", "RU");
    sealed_eyes_open(&eyes, &base->reader, &base->own);
    return 0;
}

static int teardown(void **state)
{
    void *made = base;

    (void)state;
    sealed_eyes_close(&eyes);
    institution_finish(&third);
    institution_finish(&fourth);
    return view_world_teardown(&made);
}

static struct view_audience found;

static int look(void *context, const struct view_state *state)
{
    struct error *error = context;

    return view_audience(eyes.view, state, &found, error) ? -1 : 1;
}

static int look_at(const struct institution *publisher, uint64_t seq, struct error *error)
{
    int code = view_update(eyes.view, error);

    return code ? code : view_show(eyes.view, &publisher->head.feed, seq, look, error, error);
}

/* Who it is for: some of "own partner third fourth". */
static void check(const struct institution *publisher, uint64_t seq, const char *expected)
{
    const struct institution *known[] = {&base->own, &base->partner, &third, &fourth};
    static const char *const names[] = {"own", "partner", "third", "fourth"};
    struct buffer text = {0};
    struct error error = {0};
    size_t count = 0;

    assert_int_equal(look_at(publisher, seq, &error), ERROR_NONE);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < found.count; k++)
            if (id_equal(&known[i]->head.feed, &found.feeds[k])) {
                buffer_printf(&text, "%s%s", text.size ? " " : "", names[i]);
                count++;
            }
    assert_int_equal(count, found.count);
    assert_string_equal(buffer_text(&text), expected);
    buffer_finish(&text);
}

static void test_view_audience__is_nobody_of_what_is_public(void **state)
{
    uint64_t seq = announcements_publish(&base->writer, &base->partner, CARAVAN__KIND__KIND_VISIT,
                                         "Visit", "TH", NULL);

    (void)state;
    check(&base->partner, seq, "");
}

static void test_view_audience__is_those_named_and_the_publisher(void **state)
{
    struct institution *two[] = {&base->own, &third}, *one[] = {&base->partner};

    (void)state;
    check(&base->partner, sealed_announce(&base->writer, &base->partner, "Two", two, 2, NULL),
          "own partner third");
    check(&base->own, sealed_announce(&base->writer, &base->own, "One", one, 1, NULL),
          "own partner");
}

static void test_view_audience__grows_with_later_readers(void **state)
{
    struct institution *one[] = {&base->own}, *two[] = {&base->own, &third},
                       *three[] = {&base->own, &third, &fourth};
    struct seal_key key, revised;
    struct buffer content = {0}, revision = {0};
    uint64_t seq = sealed_announce(&base->writer, &base->partner, "One", one, 1, &key);
    uint64_t revision_seq;

    (void)state;
    check(&base->partner, seq, "own partner");
    sealed_share(&base->writer, &base->partner, seq, &key, two, 2);
    check(&base->partner, seq, "own partner third");
    announcements_write(CARAVAN__KIND__KIND_VISIT, "Revised", "TH", NULL, &content);
    announcements_revision(seq, buffer_span(&content), &revision);
    revision_seq = sealed_keep(&base->writer, &base->partner, TYPE(REVISION),
                               buffer_span(&revision), two, 2, &revised);
    check(&base->partner, seq, "own partner third");
    sealed_share(&base->writer, &base->partner, revision_seq, &revised, three, 3);
    check(&base->partner, seq, "own partner third fourth");
    buffer_finish(&content);
    buffer_finish(&revision);
}

/* Somebody else's Reader, and one with a wrong key, add nobody. */
static void test_view_audience__takes_readers_of_its_publisher_only(void **state)
{
    struct institution *one[] = {&base->own}, *two[] = {&base->own, &fourth};
    struct seal_key key, wrong = {{3}};
    uint64_t seq = sealed_announce(&base->writer, &base->partner, "One", one, 1, &key);

    (void)state;
    sealed_share(&base->writer, &third, seq, &key, two, 2);
    sealed_share(&base->writer, &base->partner, seq, &wrong, two, 2);
    check(&base->partner, seq, "own partner");
}

static void test_view_audience__add_keeps_each_once_and_knows_its_size(void **state)
{
    static struct view_audience audience;
    struct id feed = {{0}};

    (void)state;
    audience.count = 0;
    for (unsigned i = 0; i <= LIMIT_SEAL_AUDIENCE; i++) {
        feed.bytes[0] = (uint8_t)i;
        assert_true(view_audience_add(&audience, &feed));
        assert_true(view_audience_add(&audience, &feed));
        assert_int_equal(audience.count, i + 1);
    }
    feed.bytes[1] = 1;
    assert_false(view_audience_add(&audience, &feed));
    feed.bytes[1] = 0;
    assert_true(view_audience_add(&audience, &feed)); /* is there */
}

static void test_view_audience__survives_every_allocation_that_fails(void **state)
{
    struct institution *one[] = {&base->own}, *two[] = {&base->own, &third};
    struct seal_key key;
    uint64_t seq = sealed_announce(&base->writer, &base->partner, "One", one, 1, &key);
    bool done = false;

    (void)state;
    sealed_share(&base->writer, &base->partner, seq, &key, two, 2);
    for (unsigned long n = 1; !done; n++) {
        struct error error = {0};
        int code;

        view_reset(eyes.view);
        fault_arm(n);
        code = look_at(&base->partner, seq, &error);
        done = !fault_disarm();
        if (code || error.code)
            assert_int_equal(error.code, ERROR_MEMORY);
        assert_true(!done || !error.code);
    }
    check(&base->partner, seq, "own partner third");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_view_audience__is_nobody_of_what_is_public),
        TEST(test_view_audience__is_those_named_and_the_publisher),
        TEST(test_view_audience__grows_with_later_readers),
        TEST(test_view_audience__takes_readers_of_its_publisher_only),
        cmocka_unit_test(test_view_audience__add_keeps_each_once_and_knows_its_size),
        TEST(test_view_audience__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
