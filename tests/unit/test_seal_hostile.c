/* Sealed bytes that no honest publisher makes, each wrong in one thing. */
#include "common/seal.h"

#include "common/wire.h"
#include "tests/support/sealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char network[] = "silkroad-test";
static const struct id publisher = {{0x70}};
static const struct seal_key key_a = {{0xa}}, key_b = {{0xb}};
static struct secret *alice, *bob;

static int setup(void **state)
{
    uint8_t bytes[32] = {0, 1};

    (void)state;
    if (secret_start(NULL) || secret_from_bytes(SECRET_SEALING, bytes, &alice, NULL))
        return -1;
    bytes[1] = 2;
    return secret_from_bytes(SECRET_SEALING, bytes, &bob, NULL);
}

static int teardown(void **state)
{
    (void)state;
    secret_destroy(alice);
    secret_destroy(bob);
    return 0;
}

/* A good one for both, with key A. */
static void init_good(struct sealing *sealing)
{
    struct buffer padded = {0};

    sealing_init(sealing, network, &publisher, &key_a);
    sealing_put_slot(sealing, 2, secret_public(alice), &key_a);
    sealing_put_slot(sealing, 5, secret_public(bob), &key_a);
    sealing_pad(span_of_text("the terms"), LIMIT_SEAL_PAD_LEAST, &padded);
    sealing_put_box(sealing, &key_a, buffer_span(&padded));
    buffer_finish(&padded);
}

static int open_with(const struct sealing *sealing, struct secret *secret, struct buffer *content,
                     struct error *error)
{
    struct seal_opened opened;
    struct buffer bytes = {0};
    int code;

    sealing_write(sealing, &bytes);
    code = seal_open(buffer_span(&bytes), network, &publisher, &secret, 1, &opened, error);
    if (code)
        assert_null(opened.content.data);
    else
        assert_true(buffer_append(content, opened.content.data, opened.content.size));
    seal_opened_finish(&opened);
    buffer_finish(&bytes);
    return code;
}

static void assert_shows(const struct sealing *sealing, struct secret *secret, struct span expected)
{
    struct buffer content = {0};
    struct error error = {0};

    if (open_with(sealing, secret, &content, &error))
        fail_msg("opening: %s", error.text);
    assert_true(span_equal(buffer_span(&content), expected));
    buffer_finish(&content);
}

/* Finishes it. */
static void assert_refused(struct sealing *sealing, int expected, const char *word)
{
    struct error error = {0};
    int code = open_with(sealing, alice, NULL, &error);

    if (code != expected || !strstr(error.text, word) || !strstr(error.text, "expected"))
        fail_msg("code %d, expected %d with \"%s\": %s", code, expected, word, error.text);
    sealing_finish(sealing);
}

static void test_seal_hostile__the_helper_makes_what_the_module_opens(void **state)
{
    struct sealing good;

    (void)state;
    init_good(&good);
    assert_shows(&good, alice, span_of_text("the terms"));
    assert_shows(&good, bob, span_of_text("the terms"));
    assert_true(wire_put_number(&good.more, 9, 1)); /* from a newer version */
    assert_shows(&good, alice, span_of_text("the terms"));
    sealing_finish(&good);
}

/* --- two plaintexts -------------------------------------------------------------------------- */

static bool decrypts(const struct sealing *sealing, const struct seal_key *key, uint8_t *plain)
{
    static const uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    struct buffer associated = {0};
    uint8_t box_key[32];
    bool done;

    sealing_associate(sealing, "seal box", &associated);
    sealing_derive(sealing, key->bytes, "seal key", span_of(NULL, 0), box_key);
    done = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealing->box.data,
                                                      sealing->box.size, associated.data,
                                                      associated.size, nonce, box_key) == 0;
    buffer_finish(&associated);
    return done;
}

/* The attack that the commitment is for: the box opens under both keys, the slots bring Alice the
 * one and Bob the other. Without the commitment each would see a text of his own. */
static void test_seal_hostile__one_box_for_two_keys_shows_one_text(void **state)
{
    static uint8_t for_alice[LIMIT_SEAL_PAD_LEAST], for_bob[LIMIT_SEAL_PAD_LEAST];
    struct seal_key second = key_b;
    struct seal_opened opened;
    struct sealing sealing;
    struct buffer bytes = {0};
    struct error error = {0};

    (void)state;
    sealing_init(&sealing, network, &publisher, &key_a);
    sealing_put_double_box(&sealing, &key_a, &second);
    sealing_put_slot(&sealing, 0, secret_public(alice), &key_a);
    sealing_put_slot(&sealing, 1, secret_public(bob), &second);
    assert_true(decrypts(&sealing, &key_a, for_alice));
    assert_true(decrypts(&sealing, &second, for_bob));
    assert_memory_not_equal(for_alice, for_bob, sizeof for_bob - 1);
    assert_int_equal(for_alice[sizeof for_alice - 1], 0x80);
    assert_int_equal(for_bob[sizeof for_bob - 1], 0x80);

    assert_shows(&sealing, alice, span_of(for_alice, sizeof for_alice - 1));
    assert_int_equal(open_with(&sealing, bob, NULL, &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "commitment"));
    sealing_write(&sealing, &bytes);
    assert_int_equal(
        seal_open_with_key(buffer_span(&bytes), network, &publisher, &second, &opened, &error),
        ERROR_INVALID);
    buffer_finish(&bytes);
    sealing_finish(&sealing);
}

/* The same with the commitment to Bob's key: then it is Alice who sees nothing. */
static void test_seal_hostile__two_wrapped_keys_show_one_text(void **state)
{
    struct sealing sealing;

    (void)state;
    init_good(&sealing);
    sealing_put_slot(&sealing, 5, secret_public(bob), &key_b);
    assert_shows(&sealing, alice, span_of_text("the terms"));
    assert_int_equal(open_with(&sealing, bob, NULL, NULL), ERROR_INVALID);
    sealing_derive(&sealing, key_b.bytes, "seal commitment", span_of(NULL, 0),
                   sealing.commitment.bytes);
    sealing_put_slot(&sealing, 2, secret_public(alice), &key_a);
    assert_refused(&sealing, ERROR_INVALID, "commitment");
}

/* Which slot comes first decides nothing: the one with the committed key counts. */
static void test_seal_hostile__two_slots_for_one_show_the_committed_key(void **state)
{
    struct sealing sealing;

    (void)state;
    init_good(&sealing);
    sealing_put_slot(&sealing, 0, secret_public(alice), &key_b);
    sealing_put_slot(&sealing, 7, secret_public(alice), &key_b);
    assert_shows(&sealing, alice, span_of_text("the terms"));
    sealing_finish(&sealing);
}

static void test_seal_hostile__256_slots_for_one_are_gone_through(void **state)
{
    struct sealing sealing;

    (void)state;
    init_good(&sealing);
    sealing.slots_size = sizeof sealing.slots;
    for (size_t i = 0; i < LIMIT_SEAL_SLOTS; i++)
        sealing_put_slot(&sealing, i, secret_public(alice), &key_b);
    sealing_put_slot(&sealing, 255, secret_public(alice), &key_a);
    assert_shows(&sealing, alice, span_of_text("the terms"));
    sealing_put_slot(&sealing, 255, secret_public(alice), &key_b);
    assert_refused(&sealing, ERROR_INVALID, "commitment");
}

/* --- for us, and broken ---------------------------------------------------------------------- */

static void test_seal_hostile__a_box_of_another_key_is_told(void **state)
{
    struct buffer padded = {0};
    struct sealing sealing;

    (void)state;
    init_good(&sealing);
    sealing_pad(span_of_text("other terms"), LIMIT_SEAL_PAD_LEAST, &padded);
    sealing_put_box(&sealing, &key_b, buffer_span(&padded));
    assert_refused(&sealing, ERROR_INVALID, "box");
    buffer_finish(&padded);
}

static void refuses_padding(struct span text, size_t size, uint8_t first)
{
    struct buffer padded = {0};
    struct sealing sealing;

    init_good(&sealing);
    sealing_pad(text, size, &padded);
    padded.data[text.size] = first;
    sealing_put_box(&sealing, &key_a, buffer_span(&padded));
    assert_refused(&sealing, ERROR_INVALID, "padd");
    buffer_finish(&padded);
}

static void test_seal_hostile__wrong_padding_is_told(void **state)
{
    (void)state;
    refuses_padding(span_of_text("the terms"), 4096, 0x81);
    refuses_padding(span_of_text("the terms"), 4096, 0x00);
    refuses_padding(span_of_text("the terms"), 5120, 0x80); /* one step too many */
}

/* --- malformed, whoever reads it ------------------------------------------------------------- */

static void test_seal_hostile__a_wrong_number_of_slots_is_malformed(void **state)
{
    static const size_t sizes[] = {0, 52, 4 * 52, 7 * 52, 8 * 52 + 1, 9 * 52, 24 * 52, 255 * 52};
    struct sealing sealing;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char found[32];

        init_good(&sealing);
        sealing.slots_size = sizes[i];
        snprintf(found, sizeof found, "slots have %zu bytes", sizes[i]);
        assert_refused(&sealing, ERROR_MALFORMED, found);
    }
}

static void test_seal_hostile__512_slots_are_malformed(void **state)
{
    static uint8_t many[512 * LIMIT_SEAL_SLOT_SIZE], box[4112];
    struct secret *secret = alice;
    struct seal_opened opened;
    struct buffer bytes = {0};
    struct error error = {0};

    (void)state;
    assert_true(wire_put_bytes(&bytes, 1, span_of_id(&publisher)) &&
                wire_put_bytes(&bytes, 2, span_of_id(&publisher)) &&
                wire_put_bytes(&bytes, 3, span_of(many, sizeof many)) &&
                wire_put_bytes(&bytes, 4, span_of(box, sizeof box)));
    assert_int_equal(
        seal_open(buffer_span(&bytes), network, &publisher, &secret, 1, &opened, &error),
        ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "26624"));
    buffer_finish(&bytes);
}

static void test_seal_hostile__a_wrong_size_of_the_box_is_malformed(void **state)
{
    static const size_t sizes[] = {0, 16, 4096, 4095 + 16, 4097 + 16, 3072 + 16, 4096 + 512 + 16};
    static uint8_t bytes[8192];
    struct sealing sealing;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char found[32];

        init_good(&sealing);
        buffer_clear(&sealing.box);
        assert_true(buffer_append(&sealing.box, bytes, sizes[i]));
        snprintf(found, sizeof found, "box has %zu bytes", sizes[i]);
        assert_refused(&sealing, ERROR_MALFORMED, found);
    }
}

static void test_seal_hostile__an_ephemeral_key_of_small_order_is_malformed(void **state)
{
    struct sealing sealing;

    (void)state;
    for (uint8_t low = 0; low < 2; low++) {
        init_good(&sealing);
        memset(sealing.ephemeral.bytes, 0, sizeof sealing.ephemeral.bytes);
        sealing.ephemeral.bytes[0] = low;
        assert_refused(&sealing, ERROR_MALFORMED, "small order");
    }
}

static void test_seal_hostile__a_field_twice_or_absent_is_malformed(void **state)
{
    struct secret *secret = alice;
    struct seal_opened opened;
    struct sealing sealing;
    struct error error = {0};

    (void)state;
    init_good(&sealing);
    assert_true(wire_put_bytes(&sealing.more, 2, span_of_id(&publisher)));
    assert_refused(&sealing, ERROR_MALFORMED, "commitment stands a second time");
    init_good(&sealing);
    assert_true(wire_put_bytes(&sealing.more, 4, buffer_span(&sealing.box)));
    assert_refused(&sealing, ERROR_MALFORMED, "box stands a second time");
    assert_int_equal(seal_open(span_of(NULL, 0), network, &publisher, &secret, 1, &opened, &error),
                     ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "no ephemeral"));
}

static void test_seal_hostile__more_than_a_content_is_too_large(void **state)
{
    static uint8_t more[LIMIT_CONTENT_SIZE];
    struct sealing sealing;

    (void)state;
    init_good(&sealing);
    assert_true(wire_put_bytes(&sealing.more, 9, span_of(more, sizeof more)));
    assert_refused(&sealing, ERROR_TOO_LARGE, "65536");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_hostile__the_helper_makes_what_the_module_opens),
        cmocka_unit_test(test_seal_hostile__one_box_for_two_keys_shows_one_text),
        cmocka_unit_test(test_seal_hostile__two_wrapped_keys_show_one_text),
        cmocka_unit_test(test_seal_hostile__two_slots_for_one_show_the_committed_key),
        cmocka_unit_test(test_seal_hostile__256_slots_for_one_are_gone_through),
        cmocka_unit_test(test_seal_hostile__a_box_of_another_key_is_told),
        cmocka_unit_test(test_seal_hostile__wrong_padding_is_told),
        cmocka_unit_test(test_seal_hostile__a_wrong_number_of_slots_is_malformed),
        cmocka_unit_test(test_seal_hostile__512_slots_are_malformed),
        cmocka_unit_test(test_seal_hostile__a_wrong_size_of_the_box_is_malformed),
        cmocka_unit_test(test_seal_hostile__an_ephemeral_key_of_small_order_is_malformed),
        cmocka_unit_test(test_seal_hostile__a_field_twice_or_absent_is_malformed),
        cmocka_unit_test(test_seal_hostile__more_than_a_content_is_too_large),
    };

    return cmocka_run_group_tests_name("seal_hostile", tests, setup, teardown);
}
