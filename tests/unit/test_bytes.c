#include "common/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *base64, *base32;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "my"},
    {"fo", "Zm8=", "mzxq"},
    {"foo", "Zm9v", "mzxw6"},
    {"foob", "Zm9vYg==", "mzxw6yq"},
    {"fooba", "Zm9vYmE=", "mzxw6ytb"},
    {"foobar", "Zm9vYmFy", "mzxw6ytboi"},
};

static void test_bytes__base64_and_base32_follow_rfc_4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buffer text = {0}, back = {0};
        char base32[32];

        assert_true(bytes_to_base64(vectors[i].plain, strlen(vectors[i].plain), &text));
        assert_string_equal(buffer_text(&text), vectors[i].base64);
        assert_true(bytes_from_base64(vectors[i].base64, strlen(vectors[i].base64), &back));
        assert_string_equal(buffer_text(&back), vectors[i].plain);
        bytes_to_base32(vectors[i].plain, strlen(vectors[i].plain), base32);
        assert_string_equal(base32, vectors[i].base32);
        buffer_finish(&text);
        buffer_finish(&back);
    }
}

static void test_bytes__refuses_bad_base64(void **state)
{
    static const char *const bad[] = {"Z", "Zg=", "Zg===", "Zh==", "Zg==Zg==", "Z!==", "Zm9v="};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer out = {0};

        assert_false(bytes_from_base64(bad[i], strlen(bad[i]), &out));
        buffer_finish(&out);
    }
}

static void test_bytes__hex_goes_both_ways(void **state)
{
    uint8_t raw[3] = {0x00, 0xfe, 0x1a}, back[3] = {0};
    char hex[7];

    (void)state;
    bytes_to_hex(raw, sizeof raw, hex);
    assert_string_equal(hex, "00fe1a");
    assert_true(bytes_from_hex("00FE1a", back, sizeof back));
    assert_memory_equal(raw, back, sizeof raw);
    assert_false(bytes_from_hex("00fe1", back, sizeof back));
    assert_false(bytes_from_hex("00fe1g", back, sizeof back));
}

static void test_bytes__a_buffer_grows_and_prints(void **state)
{
    struct buffer buffer = {0}, empty = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(buffer_printf(&buffer, "%d,", i % 10));
    assert_int_equal(buffer.size, 2000);
    assert_int_equal(strlen(buffer_text(&buffer)), 2000);
    assert_false(buffer_reserve(&buffer, SIZE_MAX));
    /* Whoever packs an empty message adds 0 to the pointer, which must not be NULL. */
    assert_true(buffer_reserve(&empty, 0));
    assert_non_null(empty.data);
    buffer_finish(&empty);
    buffer_finish(&buffer);
    buffer_finish(&buffer);
}

static void test_bytes__a_buffer_gives_back_what_it_does_not_need(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    buffer_trim(&buffer);
    assert_int_equal(buffer.capacity, 0);
    assert_true(buffer_reserve(&buffer, 1 << 20));
    assert_true(buffer_append_text(&buffer, "a small one"));
    buffer_trim(&buffer);
    assert_int_equal(buffer.capacity, buffer.size);
    assert_string_equal(buffer_text(&buffer), "a small one");
    /* Where little would come back it stays where it is. */
    assert_true(buffer_reserve(&buffer, buffer.size));
    buffer_trim(&buffer);
    assert_true(buffer.capacity > buffer.size);
    assert_true(buffer_reserve(&buffer, 1 << 20));
    buffer_clear(&buffer);
    buffer_trim(&buffer);
    assert_null(buffer.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes__base64_and_base32_follow_rfc_4648),
        cmocka_unit_test(test_bytes__refuses_bad_base64),
        cmocka_unit_test(test_bytes__hex_goes_both_ways),
        cmocka_unit_test(test_bytes__a_buffer_grows_and_prints),
        cmocka_unit_test(test_bytes__a_buffer_gives_back_what_it_does_not_need),
    };

    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
