#include "common/seal.h"

#include "proto/feed.pb-c.h"
#include "tests/support/fault.h"
#include "tests/support/institution.h"
#include "tests/support/sealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define TYPE_CALL CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT
#define SPAN(text) span_of_text(text)

static const char network[] = INSTITUTION_NETWORK;
static struct id publisher; /* feed id */
static struct secret *own, *older, *stranger;
static struct secret *secrets[LIMIT_SEAL_AUDIENCE];
static struct seal_reader readers[LIMIT_SEAL_AUDIENCE];

static struct secret *make_key(unsigned number)
{
    struct secret *secret = NULL;
    /* Not in the first byte, of which X25519 takes only some bits. */
    uint8_t bytes[32] = {0, (uint8_t)number, (uint8_t)(number >> 8), 1};

    assert_int_equal(secret_from_bytes(SECRET_SEALING, bytes, &secret, NULL), 0);
    return secret;
}

static int setup(void **state)
{
    (void)state;
    if (secret_start(NULL))
        return -1;
    memset(publisher.bytes, 0x70, sizeof publisher.bytes);
    own = make_key(1000);
    older = make_key(1001);
    stranger = make_key(1002);
    for (unsigned i = 0; i < LIMIT_SEAL_AUDIENCE; i++) {
        secrets[i] = make_key(i);
        memset(readers[i].feed.bytes, (int)(0xff - i), 8); /* descending: sealing has to sort */
        readers[i].feed.bytes[31] = 1;
        readers[i].sealing_key = *secret_public(secrets[i]);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_SEAL_AUDIENCE; i++)
        secret_destroy(secrets[i]);
    secret_destroy(own);
    secret_destroy(older);
    secret_destroy(stranger);
    return 0;
}

static struct seal_draft draft_for(size_t count, struct span content)
{
    return (struct seal_draft){.network = network,
                               .feed = publisher,
                               .sealing_key = *secret_public(own),
                               .content_type = TYPE_CALL,
                               .content = content,
                               .audience = readers,
                               .audience_count = count};
}

static void make(const struct seal_draft *draft, struct buffer *out, struct seal_key *key)
{
    struct error error = {0};

    if (seal_make(draft, out, key, &error))
        fail_msg("sealing: %s", error.text);
}

static int open_one(const struct buffer *sealed, struct secret *secret, struct seal_opened *opened,
                    struct error *error)
{
    return seal_open(buffer_span(sealed), network, &publisher, &secret, 1, opened, error);
}

static struct span many_bytes(size_t size)
{
    static uint8_t bytes[LIMIT_CONTENT_SIZE];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7);
    return span_of(bytes, size);
}

/* --- round trips ----------------------------------------------------------------------------- */

static void assert_opens(const struct buffer *sealed, struct secret *secret, struct span content,
                         size_t audience)
{
    struct seal_opened opened;
    struct seal_content read;
    struct error error = {0};

    if (open_one(sealed, secret, &opened, &error))
        fail_msg("opening: %s", error.text);
    if (seal_content_read(buffer_span(&opened.content), &publisher, &read, &error))
        fail_msg("reading: %s", error.text);
    assert_int_equal(read.content_type, TYPE_CALL);
    assert_int_equal(read.min_reader, 1);
    assert_true(span_equal(read.content, content));
    assert_int_equal(read.audience_count, audience);
    for (size_t i = 0; i < audience; i++)
        assert_true(seal_content_names(&read, &readers[i].feed));
    assert_false(seal_content_names(&read, &publisher));
    seal_opened_finish(&opened);
}

static void test_seal__every_recipient_and_the_publisher_open_it(void **state)
{
    static const size_t counts[] = {1, 7, 8, 31, 255};
    struct span content = SPAN("a call for some");

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct seal_draft draft = draft_for(counts[i], content);
        struct seal_opened opened;
        struct buffer sealed = {0};
        struct error error;

        make(&draft, &sealed, NULL);
        assert_opens(&sealed, own, content, counts[i]);
        for (size_t r = 0; r < counts[i]; r++)
            assert_opens(&sealed, secrets[r], content, counts[i]);
        for (size_t r = counts[i]; r < counts[i] + 3 && r < LIMIT_SEAL_AUDIENCE; r++)
            assert_int_equal(open_one(&sealed, secrets[r], &opened, &error), ERROR_NOT_FOUND);
        assert_int_equal(open_one(&sealed, stranger, &opened, &error), ERROR_NOT_FOUND);
        buffer_finish(&sealed);
    }
}

static void test_seal__an_empty_content_is_one(void **state)
{
    struct seal_draft draft = draft_for(1, span_of(NULL, 0));
    struct buffer sealed = {0};

    (void)state;
    make(&draft, &sealed, NULL);
    assert_opens(&sealed, secrets[0], span_of(NULL, 0), 1);
    buffer_finish(&sealed);
}

static void test_seal__not_for_us_is_told_from_malformed(void **state)
{
    struct seal_draft draft = draft_for(2, SPAN("for two"));
    struct secret *none[] = {stranger, older, secrets[9]};
    struct seal_opened opened;
    struct buffer sealed = {0};
    struct error error = {0};

    (void)state;
    make(&draft, &sealed, NULL);
    assert_int_equal(seal_open(buffer_span(&sealed), network, &publisher, none, 3, &opened, &error),
                     ERROR_NOT_FOUND);
    assert_string_equal(error.text, "this content is not sealed for us");
    assert_null(opened.content.data);
    assert_int_equal(seal_open(buffer_span(&sealed), network, &publisher, NULL, 0, &opened, &error),
                     ERROR_NOT_FOUND);
    sealed.size--;
    assert_int_equal(open_one(&sealed, stranger, &opened, &error), ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "expected"));
    buffer_finish(&sealed);
}

static void test_seal__an_old_key_that_is_kept_opens_it(void **state)
{
    struct seal_draft draft = draft_for(1, SPAN("before the rotation"));
    struct secret *ours[] = {stranger, own, older};
    struct seal_opened opened;
    struct buffer sealed = {0};

    (void)state;
    draft.sealing_key = *secret_public(older);
    make(&draft, &sealed, NULL);
    assert_int_equal(seal_open(buffer_span(&sealed), network, &publisher, ours, 2, &opened, NULL),
                     ERROR_NOT_FOUND);
    assert_int_equal(seal_open(buffer_span(&sealed), network, &publisher, ours, 3, &opened, NULL),
                     0);
    seal_opened_finish(&opened);
    buffer_finish(&sealed);
}

static void test_seal__a_copy_in_another_feed_or_network_does_not_open(void **state)
{
    struct seal_draft draft = draft_for(1, SPAN("mine"));
    struct seal_opened opened;
    struct buffer sealed = {0};
    struct seal_key key;
    struct id thief = {{3}};

    (void)state;
    make(&draft, &sealed, &key);
    assert_int_equal(seal_open(buffer_span(&sealed), network, &thief, secrets, 1, &opened, NULL),
                     ERROR_NOT_FOUND);
    assert_int_equal(
        seal_open(buffer_span(&sealed), "silkroad", &publisher, secrets, 1, &opened, NULL),
        ERROR_NOT_FOUND);
    assert_int_equal(seal_open_with_key(buffer_span(&sealed), network, &thief, &key, &opened, NULL),
                     ERROR_INVALID);
    assert_int_equal(
        seal_open_with_key(buffer_span(&sealed), "silkroad", &publisher, &key, &opened, NULL),
        ERROR_INVALID);
    buffer_finish(&sealed);
}

static void test_seal__a_reader_opens_it_with_its_key(void **state)
{
    struct seal_draft draft = draft_for(1, SPAN("for a later reader"));
    struct seal_opened first, second;
    struct buffer sealed = {0}, other = {0};
    struct error error;
    struct seal_key key;

    (void)state;
    make(&draft, &sealed, &key);
    make(&draft, &other, NULL);
    assert_int_equal(open_one(&sealed, own, &first, NULL), 0);
    assert_memory_equal(first.key.bytes, key.bytes, SEAL_KEY_SIZE);
    assert_int_equal(
        seal_open_with_key(buffer_span(&sealed), network, &publisher, &key, &second, NULL), 0);
    assert_true(span_equal(buffer_span(&first.content), buffer_span(&second.content)));
    assert_memory_equal(second.key.bytes, key.bytes, SEAL_KEY_SIZE);
    seal_opened_finish(&second);
    assert_int_equal(
        seal_open_with_key(buffer_span(&other), network, &publisher, &key, &second, &error),
        ERROR_INVALID);
    assert_non_null(strstr(error.text, "commitment"));
    seal_opened_finish(&first);
    buffer_finish(&sealed);
    buffer_finish(&other);
}

static void test_seal__keys_are_wiped(void **state)
{
    struct seal_draft draft = draft_for(1, SPAN("secret"));
    static const struct seal_key zero;
    struct seal_opened opened;
    struct buffer sealed = {0};

    (void)state;
    make(&draft, &sealed, NULL);
    assert_int_equal(open_one(&sealed, own, &opened, NULL), 0);
    assert_memory_not_equal(opened.key.bytes, zero.bytes, SEAL_KEY_SIZE);
    seal_opened_finish(&opened);
    assert_memory_equal(opened.key.bytes, zero.bytes, SEAL_KEY_SIZE);
    seal_opened_finish(&opened);
    buffer_finish(&sealed);
}

/* --- what a stranger sees -------------------------------------------------------------------- */

static void test_seal__a_short_answer_looks_like_a_call_of_three_pages(void **state)
{
    struct seal_draft answer = draft_for(1, SPAN("yes")), call = draft_for(3, many_bytes(3 * 1024));
    struct seal_draft longer = draft_for(3, many_bytes(4 * 1024));
    struct buffer first = {0}, second = {0}, third = {0};

    (void)state;
    make(&answer, &first, NULL);
    make(&call, &second, NULL);
    make(&longer, &third, NULL);
    assert_int_equal(first.size, second.size);
    assert_int_equal(third.size, second.size + LIMIT_SEAL_PAD_STEP);
    buffer_finish(&first);
    buffer_finish(&second);
    buffer_finish(&third);
}

static void test_seal__the_same_content_never_gives_the_same_bytes(void **state)
{
    struct seal_draft draft = draft_for(2, SPAN("again"));
    struct buffer bytes[2] = {{0}};
    struct sealing one, two;

    (void)state;
    make(&draft, &bytes[0], NULL);
    make(&draft, &bytes[1], NULL);
    sealing_read(&one, network, &publisher, buffer_span(&bytes[0]));
    sealing_read(&two, network, &publisher, buffer_span(&bytes[1]));
    assert_memory_not_equal(one.ephemeral.bytes, two.ephemeral.bytes, 32);
    assert_memory_not_equal(one.commitment.bytes, two.commitment.bytes, 32);
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++) /* neither tags nor wrapped keys, nor what fills up */
            assert_memory_not_equal(one.slots + i * LIMIT_SEAL_SLOT_SIZE,
                                    two.slots + k * LIMIT_SEAL_SLOT_SIZE, SEALING_TAG_SIZE);
    for (size_t at = 0; at < one.box.size; at += 512)
        assert_memory_not_equal(one.box.data + at, two.box.data + at, 16);
    for (int i = 0; i < 2; i++)
        buffer_finish(&bytes[i]);
    sealing_finish(&one);
    sealing_finish(&two);
}

/* Which slots carry the secret's tag; their number, and the last one's place. */
static size_t slots_of(const struct sealing *sealing, const struct secret *secret, size_t *place)
{
    uint8_t tag[SEALING_TAG_SIZE];
    size_t found = 0;

    sealing_tag(sealing, secret, tag);
    for (size_t i = 0; i < sealing->slots_size / LIMIT_SEAL_SLOT_SIZE; i++)
        if (memcmp(sealing->slots + i * LIMIT_SEAL_SLOT_SIZE, tag, sizeof tag) == 0) {
            *place = i;
            found++;
        }
    return found;
}

/* With random bytes that are the same in every run, so that chance does not fail it: 800 in 8
 * places are 100 in each, give or take four standard deviations of 9. */
static void test_seal__slots_stand_anywhere(void **state)
{
    struct seal_draft draft = draft_for(2, SPAN("where?"));
    size_t publishers[8] = {0}, readers_own[8] = {0}, place = 0;
    uint64_t count = 0;
    struct seal_random random = sealing_random(&count);

    (void)state;
    for (int i = 0; i < 800; i++) {
        struct buffer sealed = {0};
        struct sealing parts;

        assert_int_equal(seal_make_with(&draft, &random, &sealed, NULL, NULL), 0);
        sealing_read(&parts, network, &publisher, buffer_span(&sealed));
        assert_int_equal(slots_of(&parts, own, &place), 1);
        publishers[place]++;
        assert_int_equal(slots_of(&parts, secrets[1], &place), 1);
        readers_own[place]++;
        sealing_finish(&parts);
        buffer_finish(&sealed);
    }
    for (int i = 0; i < 8; i++) {
        assert_in_range(publishers[i], 64, 136);
        assert_in_range(readers_own[i], 64, 136);
    }
}

static void test_seal__slots_are_a_power_of_two(void **state)
{
    static const struct {
        size_t others, slots;
    } rows[] = {{1, 8}, {7, 8}, {8, 16}, {15, 16}, {16, 32}, {127, 128}, {128, 256}, {255, 256}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seal_draft draft = draft_for(rows[i].others, SPAN("how many?"));
        struct buffer sealed = {0};
        struct sealing parts;

        make(&draft, &sealed, NULL);
        sealing_read(&parts, network, &publisher, buffer_span(&sealed));
        assert_int_equal(parts.slots_size, rows[i].slots * LIMIT_SEAL_SLOT_SIZE);
        sealing_finish(&parts);
        buffer_finish(&sealed);
    }
}

static void test_seal__recipients_with_one_key_take_one_slot(void **state)
{
    struct seal_reader same[] = {readers[0], readers[1], readers[2]};
    struct seal_draft draft = draft_for(3, SPAN("for a house with two names"));
    struct buffer sealed = {0};
    struct sealing parts;
    size_t place;

    (void)state;
    same[1].sealing_key = same[0].sealing_key;
    same[2].sealing_key = draft.sealing_key;
    draft.audience = same;
    make(&draft, &sealed, NULL);
    sealing_read(&parts, network, &publisher, buffer_span(&sealed));
    assert_int_equal(slots_of(&parts, secrets[0], &place), 1);
    assert_int_equal(slots_of(&parts, own, &place), 1);
    assert_int_equal(slots_of(&parts, secrets[1], &place), 0);
    sealing_finish(&parts);
    buffer_finish(&sealed);
}

/* Whatever bit is changed on the way: refused, or not for us, or (in a slot of others) the same. */
static void test_seal__a_changed_bit_never_shows_another_plaintext(void **state)
{
    struct seal_draft draft = draft_for(2, SPAN("as it was written"));
    struct seal_opened right, opened;
    struct buffer sealed = {0};
    size_t same = 0, other_slots = 7 * LIMIT_SEAL_SLOT_SIZE * 8;

    (void)state;
    make(&draft, &sealed, NULL);
    assert_int_equal(open_one(&sealed, secrets[0], &right, NULL), 0);
    for (size_t bit = 0; bit < sealed.size * 8; bit++) {
        struct error error = {0};
        int code;

        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        code = open_one(&sealed, secrets[0], &opened, &error);
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (code == ERROR_NONE) {
            assert_true(span_equal(buffer_span(&opened.content), buffer_span(&right.content)));
            same++;
        } else {
            assert_true(code == ERROR_NOT_FOUND || code == ERROR_MALFORMED ||
                        code == ERROR_INVALID);
            assert_int_equal(code, error.code);
        }
        seal_opened_finish(&opened);
    }
    assert_int_equal(same, other_slots);
    seal_opened_finish(&right);
    buffer_finish(&sealed);
}

/* --- what the publisher may not do ----------------------------------------------------------- */

static void assert_refused(const struct seal_draft *draft, int expected, const char *word)
{
    struct buffer out = {0};
    struct seal_key key = {{7}};
    struct error error = {0};
    int code = seal_make(draft, &out, &key, &error);

    if (code != expected || !strstr(error.text, word) || !strstr(error.text, "expected"))
        fail_msg("code %d, expected %d with \"%s\": %s", code, expected, word, error.text);
    assert_int_equal(out.size, 0);
    assert_int_equal(key.bytes[0], 7);
    buffer_finish(&out);
}

static void test_seal__what_must_be_public_is_not_sealed(void **state)
{
    static const uint32_t public_types[] = {0, 1, 2, 3, 10, 11, 13};
    static const uint32_t sealed_types[] = {4, 5, 6, 7, 8, 9, 12, 14, 15, 4000000000};

    (void)state;
    for (size_t i = 0; i < sizeof public_types / sizeof public_types[0]; i++) {
        struct seal_draft draft = draft_for(1, SPAN("?"));

        draft.content_type = public_types[i];
        assert_false(seal_content_type_is_allowed(public_types[i]));
        assert_refused(&draft, ERROR_INVALID, "content type");
    }
    for (size_t i = 0; i < sizeof sealed_types / sizeof sealed_types[0]; i++)
        assert_true(seal_content_type_is_allowed(sealed_types[i]));
}

static void test_seal__the_audience_is_the_others_each_once(void **state)
{
    struct seal_reader wrong[] = {readers[0], readers[1], readers[0]};
    struct seal_draft draft = draft_for(3, SPAN("?"));

    (void)state;
    draft.audience = wrong;
    assert_refused(&draft, ERROR_INVALID, "twice fffffffffffffff");
    wrong[2].feed = publisher;
    assert_refused(&draft, ERROR_INVALID, "the publisher 7070");
    draft.audience_count = 0;
    assert_refused(&draft, ERROR_INVALID, "0 institutions");
    draft.audience_count = LIMIT_SEAL_AUDIENCE + 1;
    assert_refused(&draft, ERROR_INVALID, "256 institutions");
}

static void test_seal__a_key_that_nobody_has_is_refused_with_its_owner(void **state)
{
    struct seal_reader weak[] = {readers[0], readers[1]};
    struct seal_draft draft = draft_for(2, SPAN("?"));

    (void)state;
    memset(weak[1].sealing_key.bytes, 0, 32);
    draft.audience = weak;
    assert_refused(&draft, ERROR_INVALID, "fefefefefefefefe");
    weak[1].sealing_key.bytes[0] = 1; /* of order 1 on the curve */
    assert_refused(&draft, ERROR_INVALID, "small order");
    draft.audience = readers;
    memset(draft.sealing_key.bytes, 0, 32);
    assert_refused(&draft, ERROR_INVALID, "70707070");
    draft = draft_for(2, SPAN("?"));
    draft.network = "Not a name";
    assert_refused(&draft, ERROR_INVALID, "network");
}

static void test_seal__as_much_as_there_is_room_for_can_be_sealed(void **state)
{
    static const size_t counts[] = {1, 7, 8, 64, 255};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t room = seal_room(counts[i]);
        struct seal_draft draft = draft_for(counts[i], many_bytes(room));
        struct buffer sealed = {0};
        char found[96];

        make(&draft, &sealed, NULL);
        assert_in_range(sealed.size, LIMIT_CONTENT_SIZE - LIMIT_SEAL_PAD_STEP + 1,
                        LIMIT_CONTENT_SIZE);
        assert_opens(&sealed, secrets[0], draft.content, counts[i]);
        draft = draft_for(counts[i], many_bytes(room + 1));
        snprintf(found, sizeof found, "%zu bytes, expected at most %zu when it is sealed for %zu",
                 room + 1, room, counts[i]);
        assert_refused(&draft, ERROR_TOO_LARGE, found);
        buffer_finish(&sealed);
    }
    assert_int_equal(seal_room(0), 0);
    assert_int_equal(seal_room(LIMIT_SEAL_AUDIENCE + 1), 0);
}

/* A type and a min_reader that take five bytes each leave that much less room. */
static void test_seal__large_numbers_take_their_room(void **state)
{
    struct seal_draft draft = draft_for(1, many_bytes(seal_room(1) - 8));
    struct buffer sealed = {0};

    (void)state;
    draft.content_type = draft.min_reader = UINT32_MAX;
    make(&draft, &sealed, NULL);
    assert_in_range(sealed.size, 1, LIMIT_CONTENT_SIZE);
    draft.content = many_bytes(seal_room(1) - 7);
    assert_refused(&draft, ERROR_TOO_LARGE, "expected at most");
    buffer_finish(&sealed);
}

/* --- out of memory --------------------------------------------------------------------------- */

static void test_seal__each_allocation_may_fail_when_sealing(void **state)
{
    struct seal_draft draft = draft_for(9, many_bytes(5000));
    unsigned long failed = 0;
    bool hit = true;

    (void)state;
    for (unsigned long n = 1; hit; n++) {
        struct buffer out = {0};
        struct seal_key key = {{7}};
        struct error error = {0};
        int code;

        fault_arm(n);
        code = seal_make(&draft, &out, &key, &error);
        hit = fault_disarm();
        assert_int_equal(code, hit ? ERROR_MEMORY : ERROR_NONE);
        assert_int_equal(error.code, code);
        if (hit) {
            assert_int_equal(out.size, 0);
            assert_int_equal(key.bytes[0], 7);
            failed++;
        }
        buffer_finish(&out);
    }
    assert_true(failed >= 4); /* audience, content, slots, the whole */
}

static void test_seal__each_allocation_may_fail_when_opening(void **state)
{
    struct seal_draft draft = draft_for(1, many_bytes(5000));
    struct buffer sealed = {0};
    unsigned long failed = 0;
    bool hit = true;

    (void)state;
    make(&draft, &sealed, NULL);
    for (unsigned long n = 1; hit; n++) {
        static const struct seal_key zero;
        struct seal_opened opened;
        struct error error = {0};
        int code;

        fault_arm(n);
        code = open_one(&sealed, own, &opened, &error);
        hit = fault_disarm();
        assert_int_equal(code, hit ? ERROR_MEMORY : ERROR_NONE);
        if (hit) {
            assert_null(opened.content.data);
            assert_memory_equal(opened.key.bytes, zero.bytes, sizeof zero.bytes);
            failed++;
        }
        seal_opened_finish(&opened);
    }
    assert_true(failed >= 1);
    buffer_finish(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal__every_recipient_and_the_publisher_open_it),
        cmocka_unit_test(test_seal__an_empty_content_is_one),
        cmocka_unit_test(test_seal__not_for_us_is_told_from_malformed),
        cmocka_unit_test(test_seal__an_old_key_that_is_kept_opens_it),
        cmocka_unit_test(test_seal__a_copy_in_another_feed_or_network_does_not_open),
        cmocka_unit_test(test_seal__a_reader_opens_it_with_its_key),
        cmocka_unit_test(test_seal__keys_are_wiped),
        cmocka_unit_test(test_seal__a_short_answer_looks_like_a_call_of_three_pages),
        cmocka_unit_test(test_seal__the_same_content_never_gives_the_same_bytes),
        cmocka_unit_test(test_seal__slots_stand_anywhere),
        cmocka_unit_test(test_seal__slots_are_a_power_of_two),
        cmocka_unit_test(test_seal__recipients_with_one_key_take_one_slot),
        cmocka_unit_test(test_seal__a_changed_bit_never_shows_another_plaintext),
        cmocka_unit_test(test_seal__what_must_be_public_is_not_sealed),
        cmocka_unit_test(test_seal__the_audience_is_the_others_each_once),
        cmocka_unit_test(test_seal__a_key_that_nobody_has_is_refused_with_its_owner),
        cmocka_unit_test(test_seal__as_much_as_there_is_room_for_can_be_sealed),
        cmocka_unit_test(test_seal__large_numbers_take_their_room),
        cmocka_unit_test(test_seal__each_allocation_may_fail_when_sealing),
        cmocka_unit_test(test_seal__each_allocation_may_fail_when_opening),
    };

    return cmocka_run_group_tests_name("seal", tests, setup, teardown);
}
