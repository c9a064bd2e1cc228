#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct institution th;
static struct buffer first, second; /* the certificate; an announcement */

static int setup(void **state)
{
    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &first);
    institution_say(&th, "a joint call", &second);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    buffer_finish(&first);
    buffer_finish(&second);
    return 0;
}

static void test_entry__what_is_built_parses_to_the_same(void **state)
{
    struct entry one, two;
    struct id hash;

    (void)state;
    assert_int_equal(entry_parse_bytes(buffer_span(&first), INSTITUTION_NETWORK, &one, NULL), 0);
    assert_int_equal(entry_parse_bytes(buffer_span(&second), INSTITUTION_NETWORK, &two, NULL), 0);
    assert_int_equal(one.seq, 1);
    assert_true(entry_is_certificate(&one) && entry_is_anchor(&one));
    assert_true(id_is_zero(&one.previous));
    assert_int_equal(two.seq, 2);
    assert_true(id_equal(&two.feed, &th.chain.feed));
    assert_true(id_equal(&two.previous, &one.hash));
    assert_true(id_equal(&two.hash, &th.head.hash));
    assert_int_equal(two.created_ms, INSTITUTION_START_MS + 2000);
    assert_int_equal(two.content_type, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT);
    assert_int_equal(two.content_size, strlen("a joint call"));
    assert_int_equal(two.min_reader, 1);
    assert_true(two.has_content && span_equal(two.content, span_of_text("a joint call")));
    assert_false(two.signature_checked || entry_is_anchor(&two) || entry_is_certificate(&two));
    identity_hash(IDENTITY_ENTRY, two.bytes, &hash);
    assert_true(id_equal(&hash, &two.hash));
    assert_true(identity_verify(secret_public(th.node), IDENTITY_ENTRY, INSTITUTION_NETWORK, &hash,
                                two.signature));
}

static void test_entry__reads_what_is_kept_under_its_hash(void **state)
{
    struct entry entry, kept, other;
    struct id wrong;

    (void)state;
    assert_int_equal(entry_parse_bytes(buffer_span(&second), INSTITUTION_NETWORK, &entry, NULL), 0);
    kept = (struct entry){.bytes = entry.bytes,
                          .signature = entry.signature,
                          .salt = entry.salt,
                          .content = entry.content,
                          .has_content = true};
    other = kept;
    assert_int_equal(entry_read_kept(&kept, &entry.hash, NULL), ERROR_NONE);
    assert_true(id_equal(&kept.hash, &entry.hash) && id_equal(&kept.feed, &entry.feed));
    assert_true(id_equal(&kept.previous, &entry.previous));
    assert_int_equal(kept.seq, 2);
    assert_int_equal(kept.created_ms, entry.created_ms);
    assert_int_equal(kept.content_size, entry.content_size);
    assert_true(kept.has_content && !kept.signature_checked);
    wrong = entry.hash;
    wrong.bytes[31] ^= 1;
    assert_int_equal(entry_read_kept(&other, &wrong, NULL), ERROR_BROKEN_CHAIN);
    assert_int_equal(other.seq, 0); /* left as it was */
    other.has_content = false;
    assert_int_equal(entry_read_kept(&other, &entry.hash, NULL), ERROR_MALFORMED);
    other.salt = other.content = span_of(NULL, 0);
    assert_int_equal(entry_read_kept(&other, &entry.hash, NULL), ERROR_NONE);
    assert_int_equal(other.seq, 2);
    other.has_content = true;
    assert_int_equal(entry_read_kept(&other, &entry.hash, NULL), ERROR_MALFORMED);
}

static void test_entry__encodes_the_same_bytes_again_or_a_proof(void **state)
{
    struct buffer again = {0}, proof = {0};
    struct entry entry, bare;

    (void)state;
    assert_int_equal(entry_parse_bytes(buffer_span(&second), INSTITUTION_NETWORK, &entry, NULL), 0);
    assert_true(entry_encode(&entry, true, &again));
    assert_true(span_equal(buffer_span(&again), buffer_span(&second)));
    assert_true(entry_encode(&entry, false, &proof));
    assert_int_equal(entry_parse_bytes(buffer_span(&proof), INSTITUTION_NETWORK, &bare, NULL), 0);
    assert_false(bare.has_content);
    assert_int_equal(bare.salt.size + bare.content.size, 0);
    assert_true(id_equal(&bare.hash, &entry.hash));
    buffer_finish(&again);
    buffer_finish(&proof);
}

static void test_entry__an_empty_content_with_a_salt_is_a_content(void **state)
{
    struct institution own;
    struct buffer bytes = {0};
    struct entry entry;

    (void)state;
    institution_init(&own, 2);
    institution_append(&own, 77, span_of(NULL, 0), &bytes);
    assert_int_equal(entry_parse_bytes(buffer_span(&bytes), INSTITUTION_NETWORK, &entry, NULL), 0);
    assert_true(entry.has_content);
    assert_int_equal(entry.content.size, 0);
    assert_int_equal(entry.content_type, 77);
    institution_finish(&own);
    buffer_finish(&bytes);
}

static void test_entry__limits_bind_when_building(void **state)
{
    static uint8_t content[LIMIT_CONTENT_SIZE + 1];
    struct entry_draft draft = {.network = INSTITUTION_NETWORK, .feed = th.chain.feed, .seq = 1};
    struct buffer out = {0};
    struct error error;
    struct entry entry;
    struct id hash;

    (void)state;
    draft.content = span_of(content, LIMIT_CONTENT_SIZE);
    assert_int_equal(entry_build(&draft, th.node, &out, &hash, &error), 0);
    assert_true(out.size <= LIMIT_SIGNED_ENTRY_SIZE);
    assert_int_equal(entry_parse_bytes(buffer_span(&out), INSTITUTION_NETWORK, &entry, NULL), 0);
    buffer_clear(&out);
    draft.content.size++;
    assert_int_equal(entry_build(&draft, th.node, &out, &hash, &error), ERROR_TOO_LARGE);
    assert_non_null(strstr(error.text, "65537 bytes, expected at most 65536"));
    draft.content.size = 1;
    draft.seq = 0;
    assert_int_equal(entry_build(&draft, th.node, &out, &hash, &error), ERROR_INTERNAL);
    draft.seq = 1;
    draft.network = "No Net";
    assert_int_equal(entry_build(&draft, th.node, &out, &hash, &error), ERROR_INVALID);
    assert_int_equal(out.size, 0);
    buffer_finish(&out);
}

/* --- broken entries -------------------------------------------------------------------------- */

struct wrong {
    Caravan__Entry inner;
    Caravan__SignedEntry outer;
};

static uint8_t big[LIMIT_SIGNED_ENTRY_SIZE + 1];

static void entry_big(struct wrong *w)
{
    static ProtobufCMessageUnknownField field = {
        .tag = 100, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, .len = 902, .data = big};

    big[0] = 0x84; /* length 900 */
    big[1] = 0x07;
    w->inner.base.n_unknown_fields = 1;
    w->inner.base.unknown_fields = &field;
}
static void other_network(struct wrong *w)
{
    w->inner.network = (char *)(uintptr_t) "else\x1b";
}
static void no_network(struct wrong *w)
{
    w->inner.network = NULL;
}
static void short_feed(struct wrong *w)
{
    w->inner.feed.len = 5;
}
static void no_seq(struct wrong *w)
{
    w->inner.has_seq = 0;
}
static void seq_zero(struct wrong *w)
{
    w->inner.seq = 0;
}
static void seq_huge(struct wrong *w)
{
    w->inner.seq = (uint64_t)INT64_MAX + 1;
}
static void no_previous(struct wrong *w)
{
    w->inner.has_previous = 0;
}
static void first_with_previous(struct wrong *w)
{
    w->inner.seq = 1;
}
static void no_content_hash(struct wrong *w)
{
    w->inner.has_content_hash = 0;
}
static void size_huge(struct wrong *w)
{
    w->inner.content_size = LIMIT_CONTENT_SIZE + 1;
}
static void size_wrong(struct wrong *w)
{
    w->inner.content_size = 11;
}
static void no_entry(struct wrong *w)
{
    w->outer.has_entry = 0;
}
static void short_signature(struct wrong *w)
{
    w->outer.signature.len = 63;
}
static void short_salt(struct wrong *w)
{
    w->outer.salt.len = 15;
}
static void no_salt(struct wrong *w)
{
    w->outer.has_salt = 0;
}
static void changed_content(struct wrong *w)
{
    w->outer.content = (ProtobufCBinaryData){12, (uint8_t *)(uintptr_t) "a Joint call"};
}
static void content_big(struct wrong *w)
{
    w->outer.content = (ProtobufCBinaryData){sizeof big, big};
}

/* The second entry with something spoiled, as bytes and as unpacked message. */
static void make_wrong(void (*spoil)(struct wrong *), struct buffer *out)
{
    static uint8_t inner[4096];
    struct wrong w;
    Caravan__SignedEntry *outer = caravan__signed_entry__unpack(NULL, second.size, second.data);
    Caravan__Entry *entry = caravan__entry__unpack(NULL, outer->entry.len, outer->entry.data);

    w.inner = *entry;
    w.outer = *outer;
    spoil(&w);
    w.outer.entry = (ProtobufCBinaryData){caravan__entry__pack(&w.inner, inner), inner};
    assert_true(buffer_reserve(out, caravan__signed_entry__get_packed_size(&w.outer)));
    out->size = caravan__signed_entry__pack(&w.outer, out->data);
    caravan__entry__free_unpacked(entry, NULL);
    caravan__signed_entry__free_unpacked(outer, NULL);
}

static void test_entry__refuses_what_breaks_the_feed(void **state)
{
    static const struct {
        void (*spoil)(struct wrong *);
        int code;
        const char *found, *expected;
    } bad[] = {
        {entry_big, ERROR_TOO_LARGE, "Entry has 1", "expected at most 1024"},
        {other_network, ERROR_WRONG_NETWORK, "network is \"else?\"", "\"silkroad-test\""},
        {no_network, ERROR_MALFORMED, "Entry: found no network", "expected it"},
        {short_feed, ERROR_MALFORMED, "byte 15: feed has 5 bytes", "expected 32"},
        {no_seq, ERROR_MALFORMED, "found no seq", "expected it"},
        {seq_zero, ERROR_MALFORMED, "seq is 0", "expected 1 to"},
        {seq_huge, ERROR_MALFORMED, "seq is 9223372036854775808", "to 9223372036854775807"},
        {no_previous, ERROR_MALFORMED, "Entry 2: found no previous", "expected it"},
        {first_with_previous, ERROR_MALFORMED, "Entry 1: found a previous", "none at seq 1"},
        {no_content_hash, ERROR_MALFORMED, "found no content_hash", "expected it"},
        {size_huge, ERROR_TOO_LARGE, "content_size is 65537", "at most 65536"},
        {size_wrong, ERROR_MALFORMED, "content has 12 bytes", "expected 11"},
        {no_entry, ERROR_MALFORMED, "SignedEntry: found no entry", "expected it"},
        {short_signature, ERROR_MALFORMED, "signature has 63 bytes", "expected 64"},
        {short_salt, ERROR_MALFORMED, "salt has 15 bytes", "expected 16"},
        {no_salt, ERROR_MALFORMED, "a content without salt", "expected both or none"},
        {changed_content, ERROR_MALFORMED, "SignedEntry 2: salt and content", "content_hash"},
        {content_big, ERROR_TOO_LARGE, "SignedEntry has 6", "expected at most 66816"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer bytes = {0};
        struct error error = {0};
        struct entry entry;

        make_wrong(bad[i].spoil, &bytes);
        if (entry_parse_bytes(buffer_span(&bytes), INSTITUTION_NETWORK, &entry, &error) !=
                bad[i].code ||
            !strstr(error.text, bad[i].found) || !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s: %s", i, error_name(error.code), error.text);
        buffer_finish(&bytes);
    }
}

static void keep(struct wrong *w)
{
    (void)w;
}
static void unknown_field(struct wrong *w)
{
    static uint8_t data[] = {3, 'n', 'e', 'w'};
    static ProtobufCMessageUnknownField field = {
        .tag = 100, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, .len = 4, .data = data};

    w->inner.base.n_unknown_fields = 1;
    w->inner.base.unknown_fields = &field;
}
static void unknown_type(struct wrong *w)
{
    w->inner.content_type = 999999;
}
static void newer_reader(struct wrong *w)
{
    w->inner.min_reader = 9;
}
static void far_time(struct wrong *w)
{
    w->inner.created_ms = UINT64_MAX;
}
static void no_claims(struct wrong *w)
{
    w->inner.has_created_ms = w->inner.has_content_type = w->inner.has_min_reader = 0;
}
static void erased(struct wrong *w)
{
    w->outer.has_salt = w->outer.has_content = 0;
}
static void unsigned_entry(struct wrong *w)
{
    w->outer.has_signature = 0;
}

static void test_entry__never_refuses_what_only_its_content_is_about(void **state)
{
    static void (*const odd[])(struct wrong *) = {keep,         unknown_field, unknown_type,
                                                  newer_reader, far_time,      no_claims,
                                                  erased,       unsigned_entry};

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct buffer bytes = {0};
        struct error error = {0};
        struct entry entry;

        make_wrong(odd[i], &bytes);
        if (entry_parse_bytes(buffer_span(&bytes), INSTITUTION_NETWORK, &entry, &error) != 0)
            fail_msg("case %zu: %s", i, error.text);
        buffer_finish(&bytes);
    }
}

static void test_entry__every_changed_bit_is_refused_or_seen(void **state)
{
    const struct id *key = secret_public(th.node);
    uint8_t bytes[1024];

    (void)state;
    assert_true(second.size < sizeof bytes);
    for (size_t i = 0; i < second.size * 8; i++) {
        struct error error = {0};
        struct entry entry;

        memcpy(bytes, second.data, second.size);
        bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
        if (entry_parse_bytes(span_of(bytes, second.size), INSTITUTION_NETWORK, &entry, &error)) {
            assert_true(error.text[0]);
            continue;
        }
        if (entry.has_content) /* else: only the erasable part is gone */
            assert_false(identity_verify(key, IDENTITY_ENTRY, INSTITUTION_NETWORK, &entry.hash,
                                         entry.signature));
    }
    for (size_t size = 0; size < second.size; size++) {
        struct entry entry;

        if (!entry_parse_bytes(span_of(second.data, size), INSTITUTION_NETWORK, &entry, NULL))
            assert_false(entry.has_content);
    }
}

/* --- the rest -------------------------------------------------------------------------------- */

static void test_entry__heads_compare_by_rank_then_seq(void **state)
{
    struct entry_head a = {.certificate = 1, .seq = 9}, b = {.certificate = 2, .seq = 3};

    (void)state;
    assert_int_equal(entry_head_compare(&a, &b), -1);
    assert_int_equal(entry_head_compare(&b, &a), 1);
    b.certificate = 1;
    assert_int_equal(entry_head_compare(&a, &b), 1);
    assert_int_equal(entry_head_compare(&b, &a), -1);
    b.seq = 9;
    assert_int_equal(entry_head_compare(&a, &b), 0);
    assert_int_equal(entry_head_rank(&a, &b), 0);
    /* The recovery key outranks any number by the root key. */
    a = (struct entry_head){.certificate = 60, .seq = 99};
    b = (struct entry_head){.certificate = 2, .seq = 3, .recoveries = 1};
    assert_int_equal(entry_head_rank(&a, &b), -1);
    assert_int_equal(entry_head_compare(&b, &a), 1);
}

static void test_entry__topics_name_the_feed(void **state)
{
    char feed[LIMIT_TOPIC_SIZE + 1], head[LIMIT_TOPIC_SIZE + 1];
    struct id id = {{0xff}};

    (void)state;
    entry_topic_of_feed(&id, feed);
    entry_topic_of_head(&id, head);
    assert_string_equal(feed, "feed/74aaaaaaaaaaaaaaaaaaaaaaaa/");
    assert_string_equal(head, "head/74aaaaaaaaaaaaaaaaaaaaaaaa/");
}

static void test_entry__some_contents_are_permanent(void **state)
{
    (void)state;
    assert_true(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE));
    assert_true(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE));
    assert_true(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL));
    assert_true(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION));
    assert_true(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_VOUCH));
    assert_true(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE));
    assert_false(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT));
    assert_false(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION));
    assert_false(entry_content_is_permanent(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS));
    assert_false(entry_content_is_permanent(0));
    assert_false(entry_content_is_permanent(4000000000u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry__what_is_built_parses_to_the_same),
        cmocka_unit_test(test_entry__reads_what_is_kept_under_its_hash),
        cmocka_unit_test(test_entry__encodes_the_same_bytes_again_or_a_proof),
        cmocka_unit_test(test_entry__an_empty_content_with_a_salt_is_a_content),
        cmocka_unit_test(test_entry__limits_bind_when_building),
        cmocka_unit_test(test_entry__refuses_what_breaks_the_feed),
        cmocka_unit_test(test_entry__never_refuses_what_only_its_content_is_about),
        cmocka_unit_test(test_entry__every_changed_bit_is_refused_or_seen),
        cmocka_unit_test(test_entry__heads_compare_by_rank_then_seq),
        cmocka_unit_test(test_entry__topics_name_the_feed),
        cmocka_unit_test(test_entry__some_contents_are_permanent),
    };

    return cmocka_run_group_tests_name("entry", tests, setup, teardown);
}
