/* What one has changed, carried over into what the message has become meanwhile. */
#include "common/merge.h"

#include "common/codec.h"
#include "common/limits.h"
#include "proto/announcement.pb-c.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static ProtobufCMessage *party(const char *terms)
{
    ProtobufCMessage *message;

    assert_int_equal(codec_read_yaml(&caravan__party__descriptor, span_of_text(terms), &arena, NULL,
                                     &message, NULL),
                     0);
    return message;
}

static void assert_says(const ProtobufCMessage *message, const char *expected)
{
    struct buffer yaml = {0};

    assert_true(codec_write_yaml(message, &yaml));
    assert_string_equal(buffer_text(&yaml), expected);
    buffer_finish(&yaml);
}

static void check_conflicts(const struct merge *merge, const char *expected)
{
    if (expected) {
        assert_non_null(merge->conflicts);
        assert_string_equal(merge->conflicts, expected);
    } else {
        assert_null(merge->conflicts);
    }
}

#define FUNDER                                                                                     \
    "country: RU\nmoney: up to 5 RUB\ndeadline: 2099-05-01\napply url: https://a.example\n"

static void test_merge__takes_what_they_changed_and_keeps_the_rest(void **state)
{
    static const struct {
        const char *base, *now, *theirs, *merged;
        size_t changed, pending;
        const char *conflicts;
    } rows[] = {
        {"money: up to 5 RUB\ndeadline: 2099-05-01\n", "money: up to 4 RUB\ndeadline: 2099-05-01\n",
         "money: up to 5 RUB\ndeadline: 2099-06-01\n", "money: up to 4 RUB\ndeadline: 2099-06-01\n",
         1, 1, NULL},
        {"country: RU\n", "country: RU\n", "country: RU\n", "country: RU\n", 0, 0, NULL},
        /* there on one side only */
        {"country: RU\n", "country: RU\nmoney: up to 4 RUB\n",
         "country: RU\napply url: https://a.example\n",
         "country: RU\nmoney: up to 4 RUB\napply url: https://a.example\n", 1, 1, NULL},
        {"country: RU\nmoney: up to 4 RUB\n", "country: RU\nmoney: up to 4 RUB\n", "country: RU\n",
         "country: RU\n", 1, 1, NULL},
        {"country: RU\nmoney: up to 4 RUB\n", "country: RU\n", "country: RU\nmoney: up to 4 RUB\n",
         "country: RU\n", 0, 0, NULL},
        /* both say the same now */
        {"money: up to 5 RUB\n", "money: up to 4 RUB\n", "money: up to 4 RUB\n",
         "money: up to 4 RUB\n", 1, 0, NULL},
        /* both say something else: a list as a whole */
        {"money: up to 5 RUB\napply url: https://a.example\n",
         "money: up to 4 RUB\napply url: https://b.example\n",
         "money: up to 6 RUB\napply url: https://c.example\n",
         "money: up to 6 RUB\napply url: https://c.example\n", 2, 2, "money, apply url"},
        {"deadline: 2099-05-01\n",
         "deadline:\n  - 2099-05-01\n  - what: intent\n    at: 2099-04-01\n",
         "deadline: 2099-06-01\n", "deadline: 2099-06-01\n", 1, 1, "deadline"},
        {"money: up to 5 RUB\n", "country: RU\n", "money: up to 6 RUB\n",
         "country: RU\nmoney: up to 6 RUB\n", 1, 1, "money"},
    };
    struct merge merge;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ProtobufCMessage *now = party(rows[i].now);

        assert_int_equal(
            merge_find(party(rows[i].base), now, party(rows[i].theirs), &arena, &merge, NULL), 0);
        assert_says(merge.message, rows[i].merged);
        assert_says(now, rows[i].now);
        assert_int_equal(merge.changed, rows[i].changed);
        assert_int_equal(merge.pending, rows[i].pending);
        check_conflicts(&merge, rows[i].conflicts);
    }
}

/* What a newer version has written is carried over, or in the way, like any field. */
static void test_merge__knows_fields_that_this_version_does_not(void **state)
{
    uint8_t one[] = {1}, two[] = {2};
    ProtobufCMessageUnknownField unknown[] = {
        {.tag = 4000, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = one},
        {.tag = 4000, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = two}};
    ProtobufCMessage *base = party("country: RU\n"), *now = party("country: TH\n");
    ProtobufCMessage *theirs = party("country: RU\n");
    struct merge merge;

    (void)state;
    theirs->n_unknown_fields = 1;
    theirs->unknown_fields = &unknown[0];
    assert_int_equal(merge_find(base, now, theirs, &arena, &merge, NULL), 0);
    assert_int_equal(merge.message->n_unknown_fields, 1);
    assert_says(merge.message, "country: TH\n");
    assert_int_equal(merge.pending, 1);
    check_conflicts(&merge, NULL);
    now->n_unknown_fields = 1;
    now->unknown_fields = &unknown[1];
    assert_int_equal(merge_find(base, now, theirs, &arena, &merge, NULL), 0);
    check_conflicts(&merge, "fields of a newer version");
}

static void test_merge__survives_every_allocation_that_fails(void **state)
{
    ProtobufCMessage *base = party(FUNDER), *now = party("money: up to 4 RUB\n");
    ProtobufCMessage *theirs = party("money: up to 6 RUB\n");
    bool done = false;
    int failed = 0;

    (void)state;
    for (unsigned long n = 1; !done; n++) {
        struct merge merge = {.changed = 99};
        struct arena own;
        int code;

        arena_init(&own, LIMIT_ARENA_SIZE);
        fault_arm(n);
        code = merge_find(base, now, theirs, &own, &merge, NULL);
        done = !fault_disarm();
        assert_int_equal(code, done ? ERROR_NONE : ERROR_MEMORY);
        assert_int_equal(merge.changed, done ? 4 : 99);
        failed += code != ERROR_NONE;
        arena_finish(&own);
    }
    assert_true(failed > 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_merge__takes_what_they_changed_and_keeps_the_rest),
        TEST(test_merge__knows_fields_that_this_version_does_not),
        TEST(test_merge__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
