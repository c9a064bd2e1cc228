#include "common/seal.h"

#include "common/seal_parts.h"
#include "common/wire.h"
#include "tests/support/sealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct id publisher = {{0x70}}, first = {{1}}, second = {{2}};

/* A SealedContent with its parts in any order. */
static void put_number(struct buffer *out, unsigned field, uint64_t value)
{
    assert_true(wire_put_number(out, field, value));
}

static void put_bytes(struct buffer *out, unsigned field, const void *data, size_t size)
{
    assert_true(wire_put_bytes(out, field, span_of(data, size)));
}

static void put_feed(struct buffer *out, const struct id *feed)
{
    put_bytes(out, 3, feed->bytes, sizeof feed->bytes);
}

/* A good one: an announcement for two. */
static void put_good(struct buffer *out)
{
    put_number(out, 1, 4);
    put_bytes(out, 2, "call", 4);
    put_feed(out, &first);
    put_feed(out, &second);
    put_number(out, 4, 1);
}

static void test_seal_content__reads_what_it_should(void **state)
{
    struct seal_content content;
    struct buffer bytes = {0};

    (void)state;
    put_good(&bytes);
    put_number(&bytes, 9, 1); /* from a newer version */
    assert_int_equal(seal_content_read(buffer_span(&bytes), &publisher, &content, NULL), 0);
    assert_int_equal(content.content_type, 4);
    assert_int_equal(content.min_reader, 1);
    assert_true(span_equal(content.content, span_of_text("call")));
    assert_int_equal(content.audience_count, 2);
    assert_true(id_equal(&content.audience[0], &first));
    assert_true(id_equal(&content.audience[1], &second));
    assert_true(seal_content_names(&content, &first));
    assert_true(seal_content_names(&content, &second));
    assert_false(seal_content_names(&content, &publisher));
    buffer_finish(&bytes);
}

/* A type that this version does not know, no content, no min_reader, in another order. */
static void test_seal_content__reads_the_least(void **state)
{
    struct seal_content content;
    struct buffer bytes = {0};

    (void)state;
    put_feed(&bytes, &first);
    put_number(&bytes, 1, 77);
    assert_int_equal(seal_content_read(buffer_span(&bytes), &publisher, &content, NULL), 0);
    assert_int_equal(content.content_type, 77);
    assert_int_equal(content.min_reader, 0);
    assert_int_equal(content.content.size, 0);
    assert_int_equal(content.audience_count, 1);
    buffer_finish(&bytes);
}

static void assert_malformed(struct buffer *bytes, const char *word)
{
    static struct seal_content before, content;
    struct error error = {0};
    int code = seal_content_read(buffer_span(bytes), &publisher, &content, &error);

    if (code != ERROR_MALFORMED || !strstr(error.text, word) || !strstr(error.text, "expected"))
        fail_msg("code %d, expected malformed with \"%s\": %s", code, word, error.text);
    assert_memory_equal(&content, &before, sizeof content);
    buffer_finish(bytes);
}

static void test_seal_content__what_changes_the_feed_is_refused(void **state)
{
    static const uint64_t types[] = {0, 1, 2, 3, 10, 11, 13};
    struct buffer bytes = {0};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        put_number(&bytes, 1, types[i]);
        put_feed(&bytes, &first);
        assert_malformed(&bytes, "content type");
    }
    put_feed(&bytes, &first);
    assert_malformed(&bytes, "no content_type");
    put_number(&bytes, 1, 4);
    put_number(&bytes, 1, 5);
    put_feed(&bytes, &first);
    assert_malformed(&bytes, "second time");
}

static void test_seal_content__the_audience_is_others_in_order(void **state)
{
    struct buffer bytes = {0};

    (void)state;
    put_number(&bytes, 1, 4);
    assert_malformed(&bytes, "no audience");
    put_good(&bytes);
    put_feed(&bytes, &second);
    assert_malformed(&bytes, "number 3 of the audience");
    put_good(&bytes);
    put_feed(&bytes, &first);
    assert_malformed(&bytes, "number 3 of the audience");
    put_good(&bytes);
    put_feed(&bytes, &publisher);
    assert_malformed(&bytes, "publisher");
    put_good(&bytes);
    put_bytes(&bytes, 3, &publisher, 31);
    assert_malformed(&bytes, "31 bytes");
    put_number(&bytes, 1, 4);
    put_number(&bytes, 3, 4);
    assert_malformed(&bytes, "audience is a number");
}

static void test_seal_content__255_may_be_named(void **state)
{
    struct seal_content content;
    struct buffer bytes = {0};
    struct id feed = {{0}};

    (void)state;
    put_number(&bytes, 1, 4);
    for (unsigned i = 1; i <= LIMIT_SEAL_AUDIENCE; i++) {
        feed.bytes[0] = (uint8_t)i;
        feed.bytes[1] = 1; /* so that none is the publisher */
        put_feed(&bytes, &feed);
    }
    assert_int_equal(seal_content_read(buffer_span(&bytes), &publisher, &content, NULL), 0);
    assert_int_equal(content.audience_count, LIMIT_SEAL_AUDIENCE);
    assert_true(seal_content_names(&content, &feed));
    feed.bytes[2] = 1;
    assert_false(seal_content_names(&content, &feed));
    put_feed(&bytes, &feed);
    assert_malformed(&bytes, "256 institutions");
}

/* --- padding --------------------------------------------------------------------------------- */

static void assert_unpads(size_t size, size_t padded, bool good)
{
    static uint8_t text[LIMIT_CONTENT_SIZE];
    struct buffer bytes = {0};
    struct error error = {0};
    size_t found = 0;

    memset(text, 1, sizeof text);
    sealing_pad(span_of(text, size), padded, &bytes);
    if (good) {
        assert_int_equal(seal_unpad(buffer_span(&bytes), &found, &error), 0);
        assert_int_equal(found, size);
        assert_int_equal(seal_padded_size(size), padded);
    } else {
        assert_int_equal(seal_unpad(buffer_span(&bytes), &found, &error), ERROR_INVALID);
        assert_non_null(strstr(error.text, "expected"));
        assert_int_equal(found, 0);
    }
    buffer_finish(&bytes);
}

static void test_seal_content__is_padded_in_one_way_only(void **state)
{
    (void)state;
    assert_unpads(0, 4096, true);
    assert_unpads(4095, 4096, true);
    assert_unpads(4096, 5120, true);
    assert_unpads(5119, 5120, true);
    assert_unpads(5120, 6144, true);
    assert_unpads(100, 3072, false);
    assert_unpads(100, 5120, false);
    assert_unpads(4095, 5120, false);
    assert_unpads(4096, 6144, false);
    assert_unpads(4096, 4097, false);
}

static void test_seal_content__other_padding_is_refused(void **state)
{
    static uint8_t bytes[4096];
    struct error error = {0};
    size_t size = 7;

    (void)state;
    assert_int_equal(seal_unpad(span_of(bytes, sizeof bytes), &size, &error), ERROR_INVALID);
    bytes[100] = 0x81;
    assert_int_equal(seal_unpad(span_of(bytes, sizeof bytes), &size, &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "0x81"));
    bytes[100] = 0x80;
    bytes[4000] = 0x01;
    assert_int_equal(seal_unpad(span_of(bytes, sizeof bytes), &size, &error), ERROR_INVALID);
    assert_int_equal(seal_unpad(span_of(NULL, 0), &size, &error), ERROR_INVALID);
    assert_int_equal(size, 7);
    bytes[4000] = 0x00;
    assert_int_equal(seal_unpad(span_of(bytes, sizeof bytes), &size, &error), 0);
    assert_int_equal(size, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_content__reads_what_it_should),
        cmocka_unit_test(test_seal_content__reads_the_least),
        cmocka_unit_test(test_seal_content__what_changes_the_feed_is_refused),
        cmocka_unit_test(test_seal_content__the_audience_is_others_in_order),
        cmocka_unit_test(test_seal_content__255_may_be_named),
        cmocka_unit_test(test_seal_content__is_padded_in_one_way_only),
        cmocka_unit_test(test_seal_content__other_padding_is_refused),
    };

    return cmocka_run_group_tests_name("seal_content", tests, NULL, NULL);
}
