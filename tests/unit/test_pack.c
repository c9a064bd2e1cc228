#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/ops/pack.h"
#include "proto/control.pb-c.h"
#include "tests/support/fault.h"

static void test_pack__gives_back_what_was_added(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, 70000};
    struct buffer pack = {0}, big = {0};
    struct span rest, message;

    (void)state;
    assert_true(buffer_reserve(&big, 70000));
    for (size_t i = 0; i < 70000; i++)
        big.data[i] = (uint8_t)(i * 7);
    assert_false(pack_is(PACK_REQUESTS, buffer_span(&pack)));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_true(pack_add(PACK_REQUESTS, span_of(big.data, sizes[i]), &pack));
    assert_true(pack_is(PACK_REQUESTS, buffer_span(&pack)));
    assert_false(pack_is(PACK_REPLIES, buffer_span(&pack)));
    rest = buffer_span(&pack);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(pack_next(PACK_REQUESTS, &rest, &message));
        assert_true(span_equal(message, span_of(big.data, sizes[i])));
    }
    assert_false(pack_next(PACK_REQUESTS, &rest, &message));
    assert_int_equal(rest.size, 0);
    buffer_finish(&pack);
    buffer_finish(&big);
}

static void test_pack__is_what_the_schema_says(void **state)
{
    Caravan__ControlRequest *request;
    Caravan__ControlReply *reply;
    struct buffer pack = {0};

    (void)state;
    assert_true(pack_add(PACK_REQUESTS, span_of_text("one"), &pack));
    assert_true(pack_add(PACK_REQUESTS, span_of_text("two"), &pack));
    request = caravan__control_request__unpack(NULL, pack.size, pack.data);
    assert_int_equal(request->n_pack, 2);
    assert_memory_equal(request->pack[1].data, "two", 3);
    caravan__control_request__free_unpacked(request, NULL);
    buffer_clear(&pack);
    assert_true(pack_add(PACK_REPLIES, span_of_text("three"), &pack));
    reply = caravan__control_reply__unpack(NULL, pack.size, pack.data);
    assert_int_equal(reply->n_pack, 1);
    assert_int_equal(reply->pack[0].len, 5);
    caravan__control_reply__free_unpacked(reply, NULL);
    buffer_finish(&pack);
}

static void test_pack__stops_at_what_is_malformed(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } broken[] = {{"\x22", 1},
                  {"\x22\x05gone", 6},
                  {"\x22\x80", 2},
                  {"\x22\xff\xff\xff\xff\xff\x01", 7},
                  {"\x22\xff\xff\xff\xff\x7f", 6},
                  {"\x0a\x01x", 3}};
    struct span rest, message;

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        rest = span_of(broken[i].bytes, broken[i].size);
        assert_false(pack_next(PACK_REQUESTS, &rest, &message));
        assert_int_equal(rest.size, broken[i].size);
    }
}

static void test_pack__is_unchanged_when_memory_runs_out(void **state)
{
    struct buffer pack = {0};

    (void)state;
    assert_true(pack_add(PACK_REPLIES, span_of_text("kept"), &pack));
    fault_arm(1);
    assert_false(pack_add(PACK_REPLIES, span_of("", (size_t)1 << 20), &pack));
    fault_disarm();
    assert_int_equal(pack.size, 6);
    assert_false(pack_add(PACK_REPLIES, span_of("", (size_t)1 << 40), &pack));
    assert_int_equal(pack.size, 6);
    buffer_finish(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pack__gives_back_what_was_added),
        cmocka_unit_test(test_pack__is_what_the_schema_says),
        cmocka_unit_test(test_pack__stops_at_what_is_malformed),
        cmocka_unit_test(test_pack__is_unchanged_when_memory_runs_out),
    };

    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
