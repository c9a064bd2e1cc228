#include "common/guard.h"
#include "common/limits.h"
#include "common/utf8.h"
#include "proto/announcement.pb-c.h"
#include "proto/wire.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define BYTES(...) span_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define DATE &caravan__date__descriptor
#define ANNOUNCEMENT &caravan__announcement__descriptor
#define PARTY &caravan__party__descriptor
#define PLACE &caravan__place__descriptor

static int scan(const ProtobufCMessageDescriptor *type, struct span bytes, struct error *error)
{
    error_clear(error);
    return guard_scan(type, bytes, &guard_limits_content, error);
}

static void test_guard__refuses_broken_bytes_with_place_found_and_expected(void **state)
{
    const struct {
        const ProtobufCMessageDescriptor *type;
        struct span bytes;
        const char *text;
    } rows[] = {
        {DATE, BYTES(0x08),
         "Date.year, byte 1: found a number that is cut off, expected its "
         "remaining bytes"},
        {DATE, BYTES(0x08, 0xE8),
         "Date.year, byte 1: found a number that is cut off, expected its "
         "remaining bytes"},
        {DATE, BYTES(0x88),
         "Date, byte 0: found a number that is cut off, expected its remaining "
         "bytes"},
        {DATE, BYTES(0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02),
         "Date.year, byte 1: found a number of more than 64 bits, expected at most 64 bits"},
        {DATE, BYTES(0x0A, 0x00), "Date.year, byte 0: found wire type 2, expected 0 (a number)"},
        {DATE, BYTES(0x0B), "Date.year, byte 0: found wire type 3, expected 0 (a number)"},
        {DATE, BYTES(0x7B), "Date, byte 0: found wire type 3 (a group), expected 0, 1, 2 or 5"},
        {DATE, BYTES(0x7E), "Date, byte 0: found wire type 6, expected 0, 1, 2 or 5"},
        {DATE, BYTES(0x00, 0x00), "Date, byte 0: found field 0, expected a field number"},
        {DATE, BYTES(0x80, 0x80, 0x80, 0x80, 0x10, 0x00),
         "Date, byte 0: found a field number above 536870911, expected a field number"},
        {DATE, BYTES(0x08, 0x01, 0x08, 0x02),
         "Date.year, byte 2: found this field a second time, expected it once"},
        {PARTY, BYTES(0x22, 0x03, 'C', 'N'),
         "Party.country, byte 2: found a length of 3 with 2 bytes left, expected a length that "
         "fits"},
        {PARTY, BYTES(0x22, 0x02, 'C', 0xFF),
         "Party.country, byte 3: found byte 0xFF that is not UTF-8, expected text in UTF-8"},
        {PARTY, BYTES(0x22, 0x02, 0xC0, 0x80),
         "Party.country, byte 2: found byte 0xC0 that is not UTF-8, expected text in UTF-8"},
        {PARTY, BYTES(0x22, 0x03, 'C', 0x00, 'N'),
         "Party.country, byte 3: found a NUL character, expected text without it"},
        {PLACE, BYTES(0x21, 1, 2, 3, 4, 5, 6, 7),
         "Place.lat, byte 1: found a length of 8 with 7 bytes left, expected a length that fits"},
        {ANNOUNCEMENT, BYTES(0x32, 0x04, 0x22, 0x05, 'C', 'N'),
         "Announcement.parties.country, byte 4: found a length of 5 with 2 bytes left, expected a "
         "length that fits"},
        {ANNOUNCEMENT, BYTES(0x92, 0x03, 0x00, 0x9A, 0x03, 0x00),
         "Announcement.joint_call, byte 3: found this field beside visit, expected only one of "
         "them"},
        {ANNOUNCEMENT, BYTES(0x8A, 0x01, 0x02, 0x05, 0x80),
         "Announcement.sdg, byte 4: found a number that is cut off, expected its remaining bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error;

        assert_int_equal(scan(rows[i].type, rows[i].bytes, &error), ERROR_MALFORMED);
        assert_string_equal(error.text, rows[i].text);
    }
}

static void test_guard__lets_unknown_fields_and_packed_numbers_pass(void **state)
{
    struct error error;

    (void)state;
    assert_int_equal(scan(DATE,
                          BYTES(0x08, 0xE8, 0x0F, 0x78, 0x01, 0x7A, 0x01, 0xFF, 0x7D, 1, 2, 3, 4,
                                0x79, 1, 2, 3, 4, 5, 6, 7, 8),
                          &error),
                     0);
    assert_int_equal(scan(ANNOUNCEMENT, BYTES(0x8A, 0x01, 0x02, 0x05, 0x06), &error), 0);
    assert_int_equal(scan(ANNOUNCEMENT, span_of(NULL, 0), &error), 0);
}

static void test_guard__refuses_depth_above_the_limit(void **state)
{
    /* Announcement.lab_opening.sites.host.eligibility.ownership_rule.text is 7 deep. */
    const struct span deep = BYTES(0xA2, 0x03, 10, 0x12, 8, 0x12, 6, 0x62, 4, 0x42, 2, 0x1A, 0);
    const struct guard_limits six = {6, 100};
    struct error error;

    (void)state;
    assert_int_equal(scan(ANNOUNCEMENT, deep, &error), 0);
    assert_int_equal(guard_scan(ANNOUNCEMENT, deep, &six, &error), ERROR_TOO_LARGE);
    assert_string_equal(error.text,
                        "Announcement.lab_opening.sites.host.eligibility.ownership_rule.text, byte "
                        "13: found a message at depth 7, expected at most 6");
}

static void test_guard__counts_fields_of_sub_messages_and_packed_values(void **state)
{
    uint8_t empty_parties[2 * (LIMIT_PROTOBUF_FIELDS + 1)];
    uint8_t packed[2 + 2 + LIMIT_PROTOBUF_FIELDS] = {0x8A, 0x01, 0x80, LIMIT_PROTOBUF_FIELDS >> 7};
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof empty_parties; i += 2) {
        empty_parties[i] = 0x32;
        empty_parties[i + 1] = 0;
    }
    assert_int_equal(scan(ANNOUNCEMENT, span_of(empty_parties, sizeof empty_parties - 2), &error),
                     0);
    assert_int_equal(scan(ANNOUNCEMENT, span_of(empty_parties, sizeof empty_parties), &error),
                     ERROR_TOO_LARGE);
    assert_string_equal(error.text, "Announcement, byte 8192: found more fields than the limit, "
                                    "expected at most 4096");
    assert_int_equal(scan(ANNOUNCEMENT, span_of(packed, sizeof packed), &error), ERROR_TOO_LARGE);
}

static void test_guard__unpacks_into_the_arena(void **state)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct error error;

    (void)state;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    assert_int_equal(guard_unpack(PARTY, BYTES(0x22, 0x02, 'C', 'N'), &guard_limits_content, &arena,
                                  &message, &error),
                     0);
    assert_string_equal(((Caravan__Party *)message)->country, "CN");
    arena_finish(&arena);
    arena_finish(&arena);
}

/* Every cap from nothing to enough: each allocation fails once, none crashes. */
static void test_guard__unpacking_survives_every_failing_allocation(void **state)
{
    /* country, 20 unknown fields, one name, one contact with an office */
    uint8_t bytes[128] = {0x22, 0x02, 'C', 'N'};
    size_t size = 4, successes = 0;
    static const uint8_t rest[] = {0x1A, 4, 0x12, 2, 'a', 'b', 0x72, 6, 0x0A, 4, 0x12, 2, 'c', 'd'};

    (void)state;
    for (int i = 0; i < 20; i++) {
        bytes[size++] = 0xF0;
        bytes[size++] = 0x01;
        bytes[size++] = 0x01;
    }
    memcpy(bytes + size, rest, sizeof rest);
    size += sizeof rest;
    for (size_t limit = 0; limit < 8192; limit += 8) {
        struct arena arena;
        ProtobufCMessage *message = NULL;
        struct error error;
        int rc;

        arena_init(&arena, limit);
        rc = guard_unpack(PARTY, span_of(bytes, size), &guard_limits_content, &arena, &message,
                          &error);
        assert_true(rc == 0 || rc == ERROR_TOO_LARGE);
        assert_int_equal(rc == 0, message != NULL);
        assert_true(arena.used <= limit);
        successes += rc == 0;
        arena_finish(&arena);
    }
    assert_in_range(successes, 1, 8192 / 8 - 2);
}

static void test_guard__caps_the_memory_of_empty_sub_messages(void **state)
{
    static uint8_t bytes[2 * (LIMIT_MESSAGE_FIELDS - 1) + 8];
    const size_t inner = 2 * (LIMIT_MESSAGE_FIELDS - 8);
    size_t size = 0;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    struct error error;

    (void)state; /* SyncMessage.run with 65,528 empty entries: 128 KiB */
    bytes[size++] = 0x2A;
    bytes[size++] = (uint8_t)(0x80 | (inner & 0x7F));
    bytes[size++] = (uint8_t)(0x80 | (inner >> 7 & 0x7F));
    bytes[size++] = (uint8_t)(inner >> 14);
    for (size_t i = 0; i < inner; i += 2) {
        bytes[size++] = 0x1A;
        bytes[size++] = 0;
    }
    arena_init(&arena, LIMIT_ARENA_SIZE);
    assert_int_equal(guard_unpack(&caravan__sync_message__descriptor, span_of(bytes, size),
                                  &guard_limits_message, &arena, &message, &error),
                     ERROR_TOO_LARGE);
    assert_non_null(strstr(error.text, "more memory than the limit"));
    arena_finish(&arena);
}

static void test_utf8__knows_what_is_valid(void **state)
{
    static const char *const good[] = {"", "a", "é", "中", "ไทย", "\xF4\x8F\xBF\xBF", "𠮷"};
    static const char *const bad[] = {"\x80",         "\xC1\x81",         "\xE0\x80\x80",
                                      "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80",
                                      "\xE4\xB8"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(utf8_check(span_of_text(good[i])), strlen(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(utf8_check(span_of_text(bad[i])), 0);
    assert_int_equal(utf8_length("科技部 MOST"), 8);
    for (uint32_t c = 1; c < 0x110000; c += 97) {
        struct buffer out = {0};
        size_t at = 0;

        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        assert_true(utf8_append(&out, c));
        assert_int_equal(utf8_next(buffer_span(&out), &at), c);
        assert_int_equal(at, out.size);
        buffer_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard__refuses_broken_bytes_with_place_found_and_expected),
        cmocka_unit_test(test_guard__lets_unknown_fields_and_packed_numbers_pass),
        cmocka_unit_test(test_guard__refuses_depth_above_the_limit),
        cmocka_unit_test(test_guard__counts_fields_of_sub_messages_and_packed_values),
        cmocka_unit_test(test_guard__unpacks_into_the_arena),
        cmocka_unit_test(test_guard__unpacking_survives_every_failing_allocation),
        cmocka_unit_test(test_guard__caps_the_memory_of_empty_sub_messages),
        cmocka_unit_test(test_utf8__knows_what_is_valid),
    };

    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
