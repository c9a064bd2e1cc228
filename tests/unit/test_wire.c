#include "common/wire.h"

#include "common/fields.h"
#include "proto/wire.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void check_bytes(struct buffer *found, const void *expected, size_t size)
{
    assert_int_equal(found->size, size);
    assert_memory_equal(found->data, expected, size);
    buffer_finish(found);
}

static void test_wire__numbers_are_as_short_as_can_be(void **state)
{
    static const struct {
        uint64_t value;
        size_t size;
        const char *bytes;
    } cases[] = {
        {0, 1, "\x00"},
        {127, 1, "\x7f"},
        {128, 2, "\x80\x01"},
        {16383, 2, "\xff\x7f"},
        {16384, 3, "\x80\x80\x01"},
        {UINT64_MAX, 10, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};

        assert_int_equal(wire_varint_size(cases[i].value), cases[i].size);
        assert_true(wire_put_varint(&out, cases[i].value));
        check_bytes(&out, cases[i].bytes, cases[i].size);
    }
}

static void test_wire__fields_are_what_protobuf_makes(void **state)
{
    Caravan__Pull pull = CARAVAN__PULL__INIT;
    struct buffer expected = {0}, out = {0};
    uint8_t feed[200];

    (void)state;
    memset(feed, 7, sizeof feed);
    pull.has_request = pull.has_feed = pull.has_first = 1;
    pull.request = 300;
    pull.feed = fields_binary(span_of(feed, sizeof feed));
    pull.first = UINT64_MAX;
    assert_true(fields_pack(&pull.base, &expected));
    assert_true(wire_put_number(&out, 1, 300) &&
                wire_put_bytes(&out, 2, span_of(feed, sizeof feed)) &&
                wire_put_number(&out, 3, UINT64_MAX));
    assert_int_equal(wire_field_size(2, sizeof feed), 1 + 2 + sizeof feed);
    check_bytes(&out, expected.data, expected.size);
    buffer_finish(&expected);
}

/* Around each length at which the length itself takes another byte. */
static void test_wire__a_sub_message_gets_its_length_afterwards(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 129, 16383, 16384, 16385, (1 << 21) - 1};
    uint8_t *content = malloc(1 << 21);

    (void)state;
    for (size_t i = 0; i < 1 << 21; i++)
        content[i] = (uint8_t)(i * 31 >> 3);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buffer expected = {0}, out = {0};
        size_t mark = 0;

        assert_true(wire_put_number(&expected, 1, 5) &&
                    wire_put_bytes(&expected, 99, span_of(content, sizes[i])));
        assert_true(wire_put_number(&out, 1, 5) && wire_begin(&out, 99, &mark) &&
                    buffer_append(&out, content, sizes[i]));
        wire_end(&out, mark);
        assert_int_equal(out.size, 2 + wire_field_size(99, sizes[i]));
        check_bytes(&out, expected.data, expected.size);
        buffer_finish(&expected);
    }
    free(content);
}

static void test_wire__sub_messages_nest(void **state)
{
    struct buffer inner = {0}, middle = {0}, expected = {0}, out = {0};
    size_t outer_mark = 0, inner_mark = 0;

    (void)state;
    assert_true(wire_put_number(&inner, 1, 9) && wire_put_bytes(&middle, 2, buffer_span(&inner)) &&
                wire_put_bytes(&expected, 5, buffer_span(&middle)));
    assert_true(wire_begin(&out, 5, &outer_mark) && wire_begin(&out, 2, &inner_mark) &&
                wire_put_number(&out, 1, 9));
    wire_end(&out, inner_mark);
    wire_end(&out, outer_mark);
    check_bytes(&out, expected.data, expected.size);
    buffer_finish(&inner);
    buffer_finish(&middle);
    buffer_finish(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire__numbers_are_as_short_as_can_be),
        cmocka_unit_test(test_wire__fields_are_what_protobuf_makes),
        cmocka_unit_test(test_wire__a_sub_message_gets_its_length_afterwards),
        cmocka_unit_test(test_wire__sub_messages_nest),
    };

    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
