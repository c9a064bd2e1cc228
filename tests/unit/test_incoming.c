#include "node/core/incoming.h"

#include "common/wire.h"
#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct institution th;
static struct buffer first, second, third;
static struct keyring *keyring;

static int setup(void **state)
{
    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &first);
    institution_say(&th, "a visit", &second);
    institution_say(&th, "a lab opens", &third);
    return keyring_create(&keyring, NULL) || keyring_set(keyring, &th.chain, 1, NULL);
}

static int teardown(void **state)
{
    (void)state;
    keyring_destroy(keyring);
    institution_finish(&th);
    buffer_finish(&first);
    buffer_finish(&second);
    buffer_finish(&third);
    return 0;
}

static struct incoming *receive(const char *topic, struct span bytes)
{
    struct buffer copy = {0};
    struct incoming *incoming;

    assert_true(buffer_append(&copy, bytes.data, bytes.size));
    incoming = incoming_create(&th.chain.feed, topic, &copy, INSTITUTION_NETWORK, keyring);
    assert_non_null(incoming);
    return incoming;
}

/* A Run of the entries in a SyncMessage. */
static void wrap_run(const struct buffer *entries, size_t count, struct buffer *out)
{
    institution_run_message(&th, entries, count, 7, out);
}

static void test_incoming__a_run_is_parsed_and_checked(void **state)
{
    struct buffer entries[2] = {second, third}, bytes = {0};
    struct incoming *incoming;

    (void)state;
    wrap_run(entries, 2, &bytes);
    incoming = receive(NULL, buffer_span(&bytes));
    assert_int_equal(incoming->error.code, ERROR_NONE);
    assert_true(incoming->has_run && incoming->checked);
    assert_int_equal(incoming->certificate, 1);
    assert_int_equal(incoming->run.count, 2);
    assert_true(incoming->is_run);
    assert_int_equal(incoming->request, 7);
    assert_false(incoming_is_request(incoming));
    incoming_destroy(incoming);
    buffer_finish(&bytes);
}

/* Around a Run, and in it, there may be what a newer version says; and it may be empty. */
static void test_incoming__a_run_may_have_unknown_fields_around_it(void **state)
{
    struct buffer run = {0}, message = {0};
    struct incoming *incoming;

    (void)state;
    assert_true(wire_put_bytes(&run, 77, span_of_text("news")) && wire_put_number(&run, 1, 12) &&
                wire_put_bytes(&run, 2, span_of_id(&th.chain.feed)));
    assert_true(wire_put_number(&message, 99, 1) &&
                wire_put_bytes(&message, 5, buffer_span(&run)) &&
                wire_put_bytes(&message, 100, span_of_text("more")));
    incoming = receive(NULL, buffer_span(&message));
    assert_int_equal(incoming->error.code, ERROR_NONE);
    assert_true(incoming->is_run && !incoming->has_run && !incoming->message);
    assert_int_equal(incoming->request, 12);
    incoming_destroy(incoming);
    /* A broken entry in it: whose answer it is must still be known. */
    buffer_clear(&message);
    assert_true(wire_put_bytes(&run, 3, span_of_text("\x0a\x01?")) &&
                wire_put_bytes(&message, 5, buffer_span(&run)));
    incoming = receive(NULL, buffer_span(&message));
    assert_int_equal(incoming->error.code, ERROR_MALFORMED);
    assert_true(incoming->is_run && !incoming->has_run);
    assert_int_equal(incoming->request, 12);
    incoming_destroy(incoming);
    buffer_finish(&run);
    buffer_finish(&message);
}

static void test_incoming__what_the_keyring_cannot_judge_is_left_to_the_writer(void **state)
{
    struct buffer bytes = {0};
    struct incoming *incoming;

    (void)state;
    wrap_run(&first, 1, &bytes); /* from before certificate 1, which the keyring has in force */
    incoming = receive(NULL, buffer_span(&bytes));
    assert_int_equal(incoming->error.code, ERROR_NONE);
    assert_true(incoming->has_run);
    assert_false(incoming->checked);
    incoming_destroy(incoming);
    buffer_finish(&bytes);
}

static void test_incoming__live_payloads_are_told_by_their_topic(void **state)
{
    struct incoming *incoming = receive("feed/x/", buffer_span(&second));

    (void)state;
    assert_int_equal(incoming->source, INCOMING_LIVE_ENTRY);
    assert_true(incoming->has_run && incoming->checked);
    assert_null(incoming->message);
    incoming_destroy(incoming);
    incoming = receive("head/x/", span_of_text("not looked at here"));
    assert_int_equal(incoming->source, INCOMING_LIVE_HEAD);
    assert_int_equal(incoming->error.code, ERROR_NONE);
    assert_false(incoming->has_run);
    incoming_destroy(incoming);
    incoming_destroy(NULL);
}

static void test_incoming__requests_are_known(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool request;
    } messages[] = {
        {"\x12\x00", 2, true},  {"\x22\x00", 2, true},  {"\x32\x00", 2, true},
        {"\x0a\x00", 2, false}, {"\x1a\x00", 2, false}, {"\xea\x04\x01x", 4, false},
        {"", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct incoming *incoming = receive(NULL, span_of(messages[i].bytes, messages[i].size));

        assert_int_equal(incoming->error.code, ERROR_NONE);
        assert_int_equal(incoming_is_request(incoming), messages[i].request);
        incoming_destroy(incoming);
    }
}

#define BYTES(text) text, sizeof text - 1

static void test_incoming__broken_messages_have_their_own_errors(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        int code;
        const char *place, *found, *expected;
    } bad[] = {
        {BYTES("\x2a\x09ru"), ERROR_MALFORMED, "SyncMessage.run, byte 2", "length of 9", "fits"},
        {BYTES("\x2a"), ERROR_MALFORMED, "SyncMessage.run, byte 1", "cut off", "remaining bytes"},
        {BYTES("\x0a\x03\x0a\x01\xff"), ERROR_MALFORMED, "SyncMessage.hello.network, byte 4",
         "not UTF-8", "text in UTF-8"},
        {BYTES("\x0a\x03\x0a\x01\0"), ERROR_MALFORMED, "SyncMessage.hello.network, byte 4", "a NUL",
         "without it"},
        {BYTES("\x0a\x00\x22\x00"), ERROR_MALFORMED, "SyncMessage.pull, byte 2", "beside hello",
         "only one"},
        {BYTES("\x22\x04\x08\x01\x08\x02"), ERROR_MALFORMED, "SyncMessage.pull.request, byte 4",
         "a second time", "once"},
        {BYTES("\x22\x02\x0a\x00"), ERROR_MALFORMED, "SyncMessage.pull.request, byte 2",
         "wire type 2", "a number"},
        {BYTES("\x23\x24"), ERROR_MALFORMED, "SyncMessage.pull, byte 0", "wire type 3", "2"},
        {BYTES("\x2a\x04\x1a\x02\x0a\x00"), ERROR_MALFORMED, "Run:", "no feed", "expected it"},
        {BYTES("\x2a\x04\x12\x02\x0a\x00"), ERROR_MALFORMED, "Run: byte 0: feed", "has 2 bytes",
         "expected 32"},
        {BYTES("\x2a\x00\x2a\x00"), ERROR_MALFORMED, "SyncMessage.run, byte 2", "a second time",
         "once"},
        {BYTES("\x2a\x00\x22\x00"), ERROR_MALFORMED, "SyncMessage.pull, byte 2", "beside run",
         "only one"},
        {BYTES("\x28\x00"), ERROR_MALFORMED, "SyncMessage.run, byte 0", "wire type 0", "a length"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct incoming *incoming = receive(NULL, span_of(bad[i].bytes, bad[i].size));
        const struct error *error = &incoming->error;

        if ((int)error->code != bad[i].code || !strstr(error->text, bad[i].place) ||
            !strstr(error->text, bad[i].found) || !strstr(error->text, bad[i].expected))
            fail_msg("case %zu: %s: %s", i, error_name(error->code), error->text);
        assert_false(incoming->has_run);
        incoming_destroy(incoming);
    }
}

static void test_incoming__a_message_over_the_limit_is_not_looked_into(void **state)
{
    uint8_t *big = calloc(1, LIMIT_MESSAGE_SIZE + 1);
    struct incoming *incoming = receive(NULL, span_of(big, LIMIT_MESSAGE_SIZE + 1));

    (void)state;
    assert_int_equal(incoming->error.code, ERROR_TOO_LARGE);
    assert_non_null(strstr(incoming->error.text, "1048577 bytes, expected at most 1048576"));
    assert_null(incoming->message);
    incoming_destroy(incoming);
    free(big);
}

/* Heads and receipts without anything in them: as many as there may be, and one more. */
static void test_incoming__heads_and_receipts_are_counted(void **state)
{
    static const struct {
        uint32_t body, list;
        size_t limit;
        const char *text;
    } kinds[] = {
        {CARAVAN__SYNC_MESSAGE__BODY_HEADS, 4, LIMIT_HEADS_PER_MESSAGE,
         "heads: found 2049 in one message, expected at most 2048"},
        {CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS, 1, LIMIT_RECEIPTS_PER_MESSAGE,
         "receipts: found 65 in one message, expected at most 64"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (size_t more = 0; more < 2; more++) {
            struct buffer list = {0}, bytes = {0};
            struct incoming *incoming;

            for (size_t n = 0; n < kinds[i].limit + more; n++)
                assert_true(wire_put_bytes(&list, kinds[i].list, span_of(NULL, 0)));
            assert_true(wire_put_bytes(&bytes, kinds[i].body, buffer_span(&list)));
            incoming = receive(NULL, buffer_span(&bytes));
            assert_int_equal(incoming->error.code, more ? ERROR_TOO_LARGE : ERROR_NONE);
            assert_true(more ? !incoming->message : incoming->message != NULL);
            if (more)
                assert_string_equal(incoming->error.text, kinds[i].text);
            incoming_destroy(incoming);
            buffer_finish(&list);
            buffer_finish(&bytes);
        }
    }
}

static void test_incoming__a_changed_entry_in_a_run_is_named(void **state)
{
    struct buffer entries[2] = {second, third}, bytes = {0};
    struct incoming *incoming;

    (void)state;
    wrap_run(entries, 2, &bytes);
    bytes.data[bytes.size - 1] ^= 1; /* the last content */
    incoming = receive(NULL, buffer_span(&bytes));
    assert_int_equal(incoming->error.code, ERROR_MALFORMED);
    assert_non_null(strstr(incoming->error.text, "Run: entry at place 2: SignedEntry 3: salt and"));
    assert_false(incoming->has_run);
    incoming_destroy(incoming);
    buffer_finish(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incoming__a_run_is_parsed_and_checked),
        cmocka_unit_test(test_incoming__a_run_may_have_unknown_fields_around_it),
        cmocka_unit_test(test_incoming__what_the_keyring_cannot_judge_is_left_to_the_writer),
        cmocka_unit_test(test_incoming__live_payloads_are_told_by_their_topic),
        cmocka_unit_test(test_incoming__requests_are_known),
        cmocka_unit_test(test_incoming__broken_messages_have_their_own_errors),
        cmocka_unit_test(test_incoming__a_message_over_the_limit_is_not_looked_into),
        cmocka_unit_test(test_incoming__heads_and_receipts_are_counted),
        cmocka_unit_test(test_incoming__a_changed_entry_in_a_run_is_named),
    };

    return cmocka_run_group_tests_name("incoming", tests, setup, teardown);
}
