#include "common/live_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/limits.h"

static void test_live_message__is_topic_zero_byte_payload(void **state)
{
    struct buffer out = {0};
    struct span topic, payload;

    (void)state;
    assert_true(live_message_append(&out, "feed/x/", span_of("\0ab", 3)));
    assert_int_equal(out.size, 11);
    assert_memory_equal(out.data, "feed/x/\0\0ab", 11);
    assert_true(live_message_parse(buffer_span(&out), &topic, &payload));
    assert_int_equal(topic.size, 7);
    assert_ptr_equal(topic.data, out.data);
    assert_int_equal(payload.size, 3);
    assert_ptr_equal(payload.data, out.data + 8);
    buffer_finish(&out);
}

static void test_live_message__topic_and_payload_may_be_empty(void **state)
{
    struct span topic, payload;

    (void)state;
    assert_true(live_message_parse(span_of("\0x", 2), &topic, &payload));
    assert_int_equal(topic.size, 0);
    assert_int_equal(payload.size, 1);
    assert_true(live_message_parse(span_of("x", 2), &topic, &payload));
    assert_int_equal(topic.size, 1);
    assert_int_equal(payload.size, 0);
}

static void test_live_message__without_an_end_of_its_topic_it_is_none(void **state)
{
    struct span topic, payload;

    (void)state;
    assert_false(live_message_parse(span_of(NULL, 0), &topic, &payload));
    assert_false(live_message_parse(span_of("feed/x/", 7), &topic, &payload));
}

static void test_live_message__a_topic_has_a_longest_size(void **state)
{
    char topic[LIMIT_TOPIC_SIZE + 2] = {0};
    struct buffer out = {0};
    struct span read, payload;

    (void)state;
    memset(topic, 't', LIMIT_TOPIC_SIZE);
    assert_true(live_message_append(&out, topic, span_of("x", 1)));
    assert_true(live_message_parse(buffer_span(&out), &read, &payload));
    assert_int_equal(read.size, LIMIT_TOPIC_SIZE);
    topic[LIMIT_TOPIC_SIZE] = 't';
    assert_false(live_message_append(&out, topic, span_of("x", 1)));
    assert_false(live_message_parse(span_of(topic, sizeof topic), &read, &payload));
    buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_message__is_topic_zero_byte_payload),
        cmocka_unit_test(test_live_message__topic_and_payload_may_be_empty),
        cmocka_unit_test(test_live_message__without_an_end_of_its_topic_it_is_none),
        cmocka_unit_test(test_live_message__a_topic_has_a_longest_size),
    };

    return cmocka_run_group_tests_name("live_message", tests, NULL, NULL);
}
