#include "common/blake.h"

#include "common/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define COUNT 41
#define PREFIX "caravan 1 content" /* and its NUL */

static uint8_t bytes[70000];

static uint64_t next(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static int setup(void **state)
{
    uint64_t random = 7;
    struct id unused;
    struct blake_message message = {span_of(NULL, 0), span_of(NULL, 0), &unused};

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)next(&random);
    *state = blake_many(span_of(PREFIX, sizeof PREFIX), &message, 1) ? bytes : NULL;
    return 0;
}

/* Against libsodium, message by message. */
static void compare(void *able, const struct blake_message *messages, size_t count)
{
    static const struct id zero;
    struct id expected;

    for (size_t i = 0; i < count; i++)
        *messages[i].hash = zero;
    assert_int_equal(blake_many(span_of(PREFIX, sizeof PREFIX), messages, count), able != NULL);
    for (size_t i = 0; i < count; i++) {
        identity_hash2(IDENTITY_CONTENT, messages[i].first, messages[i].second, &expected);
        if (able)
            assert_memory_equal(messages[i].hash, &expected, sizeof expected);
        else
            assert_true(id_is_zero(messages[i].hash));
    }
    identity_hash_many(IDENTITY_CONTENT, messages, count);
    for (size_t i = 0; i < count; i++) {
        identity_hash2(IDENTITY_CONTENT, messages[i].first, messages[i].second, &expected);
        assert_memory_equal(messages[i].hash, &expected, sizeof expected);
    }
}

/* Around the ends of blocks: of the prefix, of the first piece, of the whole. */
static void test_blake__every_length_has_the_hash_that_libsodium_makes(void **state)
{
    struct id hashes[5];

    for (size_t size = 0; size < 600; size++) {
        struct blake_message messages[5];

        for (size_t i = 0; i < 5; i++) {
            size_t first = size * i / 4;

            messages[i] = (struct blake_message){span_of(bytes + i, first),
                                                 span_of(bytes + 900, size - first), &hashes[i]};
        }
        compare(*state, messages, 5);
    }
}

/* Short and long ones side by side: lanes end at different times and take the next message. */
static void test_blake__lanes_do_not_disturb_each_other(void **state)
{
    uint64_t random = 1;

    for (int round = 0; round < 300; round++) {
        struct blake_message messages[COUNT];
        struct id hashes[COUNT];
        size_t count = next(&random) % (COUNT + 1);

        for (size_t i = 0; i < count; i++) {
            size_t limit = next(&random) % 5 ? 700 : 20000;
            size_t first = next(&random) % 3 ? 16 : next(&random) % limit;

            messages[i] = (struct blake_message){
                span_of(bytes + next(&random) % 1000, first),
                span_of(bytes + next(&random) % 1000, next(&random) % limit), &hashes[i]};
        }
        compare(*state, messages, count);
    }
}

static void test_blake__takes_contents_as_large_as_may_be(void **state)
{
    struct blake_message messages[6];
    struct id hashes[6];

    for (size_t i = 0; i < 6; i++)
        messages[i] = (struct blake_message){span_of(bytes, 16), span_of(bytes + i, 65536 - i % 2),
                                             &hashes[i]};
    compare(*state, messages, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blake__every_length_has_the_hash_that_libsodium_makes),
        cmocka_unit_test(test_blake__lanes_do_not_disturb_each_other),
        cmocka_unit_test(test_blake__takes_contents_as_large_as_may_be),
    };

    return cmocka_run_group_tests_name("blake", tests, setup, NULL);
}
