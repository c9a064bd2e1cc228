#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct institution th; /* two certificates: 1 by root, 2 by root */
static struct buffer entry_1, entry_2;

static int setup(void **state)
{
    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &entry_1);
    institution_certify(&th, false, &entry_2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    buffer_finish(&entry_1);
    buffer_finish(&entry_2);
    return 0;
}

static void test_identity__hash_is_blake2b_of_tag_and_bytes(void **state)
{
    struct id one, two, other;
    char hex[65];

    (void)state;
    identity_hash(IDENTITY_ENTRY, span_of_text("abc"), &one);
    bytes_to_hex(one.bytes, 32, hex);
    /* python3: hashlib.blake2b(b"caravan 1 entry\0abc", digest_size=32).hexdigest() */
    assert_string_equal(hex, "5359a6e3810f72f1cd7ef0aa84dec6f284b073d50ae04e7dbc650ce782bd805f");
    identity_hash2(IDENTITY_ENTRY, span_of_text("a"), span_of_text("bc"), &two);
    assert_true(id_equal(&one, &two));
    identity_hash(IDENTITY_CARD, span_of_text("abc"), &other);
    assert_false(id_equal(&one, &other));
}

static void test_identity__a_signature_holds_for_one_purpose_network_key_and_hash(void **state)
{
    const struct id *key = secret_public(th.node), *wrong_key = secret_public(th.root);
    uint8_t bytes[64];
    struct span signature = span_of(bytes, sizeof bytes);
    struct id hash, other;
    char too_long[LIMIT_NETWORK_SIZE + 2];

    (void)state;
    identity_hash(IDENTITY_ENTRY, span_of_text("abc"), &hash);
    identity_hash(IDENTITY_ENTRY, span_of_text("abd"), &other);
    assert_int_equal(identity_sign(th.node, IDENTITY_ENTRY, "net", &hash, bytes, NULL), 0);
    assert_true(identity_verify(key, IDENTITY_ENTRY, "net", &hash, signature));
    assert_false(identity_verify(key, IDENTITY_HEAD, "net", &hash, signature));
    assert_false(identity_verify(key, IDENTITY_ENTRY, "net2", &hash, signature));
    assert_false(identity_verify(key, IDENTITY_ENTRY, "net", &other, signature));
    assert_false(identity_verify(wrong_key, IDENTITY_ENTRY, "net", &hash, signature));
    assert_false(identity_verify(key, IDENTITY_ENTRY, "net", &hash, span_of(bytes, 63)));
    assert_false(identity_verify(key, IDENTITY_ENTRY, "net", &hash, span_of(NULL, 0)));
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(identity_sign(th.node, IDENTITY_ENTRY, too_long, &hash, bytes, NULL),
                     ERROR_INVALID);
    assert_false(identity_verify(key, IDENTITY_ENTRY, too_long, &hash, signature));
}

/* S + L is the same S to a careless verifier. */
static void add_group_order(uint8_t s[32])
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned carry = 0;

    for (int i = 0; i < 32; i++) {
        carry += (unsigned)s[i] + order[i];
        s[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void test_identity__refuses_a_signature_with_s_plus_l(void **state)
{
    uint8_t signature[64];
    struct id hash = {{7}};

    (void)state;
    assert_int_equal(identity_sign(th.node, IDENTITY_ENTRY, "net", &hash, signature, NULL), 0);
    add_group_order(signature + 32);
    assert_false(identity_verify(secret_public(th.node), IDENTITY_ENTRY, "net", &hash,
                                 span_of(signature, 64)));
}

/* Points of small order, and encodings of them that are not canonical: with such a key, the
 * signature (same point, S = 0) fits many messages, for a verifier that takes it. */
static const char *const small_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000080",
};

static void test_identity__refuses_keys_and_points_of_small_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++) {
        uint8_t signature[64] = {0};
        struct id point, hash = {{0}};

        assert_true(bytes_from_hex(small_order[i], point.bytes, 32));
        memcpy(signature, point.bytes, 32);
        for (int n = 0; n < 64; n++) { /* one in eight would fit, were it allowed */
            hash.bytes[0] = (uint8_t)n;
            assert_false(
                identity_verify(&point, IDENTITY_ENTRY, "net", &hash, span_of(signature, 64)));
        }
        assert_int_equal(identity_sign(th.node, IDENTITY_ENTRY, "net", &hash, signature, NULL), 0);
        memcpy(signature, point.bytes, 32);
        assert_false(identity_verify(secret_public(th.node), IDENTITY_ENTRY, "net", &hash,
                                     span_of(signature, 64)));
    }
}

static void test_identity__a_fingerprint_is_eight_groups_of_five_digits(void **state)
{
    char out[IDENTITY_FINGERPRINT_SIZE];
    struct id feed = {{0, 0, 0, 7, 0, 1, 134, 159, 0xff, 0xff, 0xff, 0xff}};

    (void)state;
    identity_fingerprint(&feed, out);
    assert_string_equal(out, "00007 99999 67295 00000 00000 00000 00000 00000");
}

static void test_identity__a_chain_follows_rotation_and_recovery(void **state)
{
    struct institution own;
    struct identity_chain copy = {0};
    struct buffer entries = {0};
    struct id first_root, first_node;

    (void)state;
    institution_init(&own, 3);
    institution_certify(&own, false, &entries);
    first_root = own.chain.root_key;
    first_node = own.chain.certificates[0].node_key;
    assert_true(id_equal(&first_root, &own.chain.feed));
    institution_certify(&own, false, &entries);
    assert_true(id_equal(&own.chain.root_key, &first_root));
    assert_false(id_equal(&own.chain.certificates[1].node_key, &first_node));
    /* A certificate that names no recovery key leaves the one that was named. */
    assert_true(id_is_zero(&own.chain.certificates[1].recovery_hash));
    assert_true(id_equal(&own.chain.recovery_hash, &own.chain.certificates[0].recovery_hash));
    institution_certify(&own, true, &entries);
    assert_false(id_equal(&own.chain.root_key, &first_root));
    assert_true(own.chain.certificates[2].by_recovery);
    institution_certify(&own, false, &entries); /* by the new root */
    assert_int_equal(own.chain.count, 4);
    assert_int_equal(identity_chain_copy(&own.chain, &copy, NULL), 0);
    assert_int_equal(copy.count, 4);
    assert_true(id_equal(&copy.root_key, &own.chain.root_key));
    assert_true(id_equal(&copy.recovery_hash, &own.chain.recovery_hash));
    assert_null(identity_chain_get(&copy, 0));
    assert_int_equal(identity_chain_get(&copy, 4)->number, 4);
    assert_null(identity_chain_get(&copy, 5));
    identity_chain_finish(&copy);
    institution_finish(&own);
    buffer_finish(&entries);
}

/* --- broken certificates --------------------------------------------------------------------- */

/* What a certificate says, before one field is made wrong. */
struct wrong {
    Caravan__Certificate inner;
    Caravan__SignedCertificate outer;
    const struct secret *signer;
    bool spoil_signature;
};

static ProtobufCBinaryData bytes_of(const struct id *id)
{
    return (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)id->bytes};
}

static void init_second(struct wrong *wrong)
{
    const struct identity_certificate *first = identity_chain_get(&th.chain, 1);

    caravan__certificate__init(&wrong->inner);
    caravan__signed_certificate__init(&wrong->outer);
    wrong->inner.network = (char *)(uintptr_t)INSTITUTION_NETWORK;
    wrong->inner.has_feed = wrong->inner.has_number = wrong->inner.has_previous = 1;
    wrong->inner.has_node_key = wrong->inner.has_transport_key = wrong->inner.has_sealing_key = 1;
    wrong->inner.feed = bytes_of(&th.chain.feed);
    wrong->inner.number = 2;
    wrong->inner.previous = bytes_of(&first->hash);
    wrong->inner.node_key = bytes_of(&first->node_key);
    wrong->inner.transport_key = bytes_of(&first->transport_key);
    wrong->inner.sealing_key = bytes_of(&first->sealing_key);
    wrong->outer.has_signer = 1;
    wrong->outer.signer = CARAVAN__CERTIFICATE_SIGNER__CERTIFICATE_SIGNER_ROOT;
    wrong->signer = th.root;
    wrong->spoil_signature = false;
}

static void pack_wrong(struct wrong *wrong, struct buffer *out)
{
    uint8_t inner[2048], signature[64];
    size_t size = caravan__certificate__pack(&wrong->inner, inner);
    struct id hash;

    identity_hash(IDENTITY_CERTIFICATE, span_of(inner, size), &hash);
    assert_int_equal(identity_sign(wrong->signer, IDENTITY_CERTIFICATE, INSTITUTION_NETWORK, &hash,
                                   signature, NULL),
                     0);
    signature[5] ^= wrong->spoil_signature;
    wrong->outer.has_certificate = wrong->outer.has_signature = 1;
    wrong->outer.certificate = (ProtobufCBinaryData){size, inner};
    wrong->outer.signature = (ProtobufCBinaryData){64, signature};
    assert_true(buffer_reserve(out, 4096));
    out->size = caravan__signed_certificate__pack(&wrong->outer, out->data);
}

static const struct id zero_key;
static char long_network[1100];

static void other_network(struct wrong *w)
{
    w->inner.network = (char *)(uintptr_t) "other\nnet";
}
static void huge_network(struct wrong *w)
{
    memset(long_network, 'n', sizeof long_network - 1);
    w->inner.network = long_network;
}
static void other_feed(struct wrong *w)
{
    w->inner.feed = w->inner.node_key;
}
static void short_feed(struct wrong *w)
{
    w->inner.feed.len = 31;
}
static void number_zero(struct wrong *w)
{
    w->inner.number = 0;
}
static void number_three(struct wrong *w)
{
    w->inner.number = 3;
}
static void no_previous(struct wrong *w)
{
    w->inner.has_previous = 0;
}
static void wrong_previous(struct wrong *w)
{
    w->inner.previous = w->inner.node_key;
}
static void no_node_key(struct wrong *w)
{
    w->inner.has_node_key = 0;
}
static void zero_transport_key(struct wrong *w)
{
    w->inner.transport_key = bytes_of(&zero_key);
}
static void root_names_recovery(struct wrong *w)
{
    w->inner.has_recovery_hash = 1;
    w->inner.recovery_hash = w->inner.node_key;
}
static void root_names_root(struct wrong *w)
{
    w->inner.has_new_root_key = 1;
    w->inner.new_root_key = w->inner.node_key;
}
static void unknown_signer(struct wrong *w)
{
    w->outer.signer = (Caravan__CertificateSigner)7;
}
static void spoiled(struct wrong *w)
{
    w->spoil_signature = true;
}
static void by_node_key(struct wrong *w)
{
    w->signer = th.node;
}
static void by_recovery(struct wrong *w, const struct secret *key)
{
    root_names_recovery(w);
    root_names_root(w);
    w->outer.signer = CARAVAN__CERTIFICATE_SIGNER__CERTIFICATE_SIGNER_RECOVERY;
    w->outer.has_recovery_key = 1;
    w->outer.recovery_key = bytes_of(secret_public(key));
    w->signer = key;
}
static void by_a_strangers_recovery_key(struct wrong *w)
{
    by_recovery(w, th.node);
}
static void recovery_without_its_key(struct wrong *w)
{
    by_recovery(w, th.recovery);
    w->outer.has_recovery_key = 0;
}
static void recovery_without_new_root(struct wrong *w)
{
    by_recovery(w, th.recovery);
    w->inner.has_new_root_key = 0;
}

static void test_identity__refuses_a_broken_certificate(void **state)
{
    static const struct {
        void (*spoil)(struct wrong *);
        int code;
        const char *found, *expected;
    } bad[] = {
        {other_network, ERROR_WRONG_NETWORK, "network is \"other?net\"", "\"silkroad-test\""},
        {huge_network, ERROR_TOO_LARGE, "Certificate has 1", "expected at most 1024"},
        {other_feed, ERROR_MALFORMED, "feed has the fingerprint", "expected "},
        {short_feed, ERROR_MALFORMED, "byte 15: feed has 31 bytes", "expected 32"},
        {number_zero, ERROR_MALFORMED, "number is 0", "expected 2"},
        {number_three, ERROR_GAP, "number is 3", "expected 2"},
        {no_previous, ERROR_BROKEN_CHAIN, "Certificate 2: previous", "hash of certificate 1"},
        {wrong_previous, ERROR_BROKEN_CHAIN, "Certificate 2: previous", "hash of certificate 1"},
        {no_node_key, ERROR_MALFORMED, "found no node_key", "expected it"},
        {zero_transport_key, ERROR_MALFORMED, "transport_key is all zero", "expected a key"},
        {root_names_recovery, ERROR_MALFORMED, "root key: found recovery_hash", "expected none"},
        {root_names_root, ERROR_MALFORMED, "root key: found new_root_key", "expected none"},
        {unknown_signer, ERROR_MALFORMED, "signer is 7", "expected 1 (root) or 2 (recovery)"},
        {spoiled, ERROR_BAD_SIGNATURE, "Certificate 2: signature", "root key"},
        {by_node_key, ERROR_BAD_SIGNATURE, "Certificate 2: signature", "root key"},
        {by_a_strangers_recovery_key, ERROR_BAD_SIGNATURE, "recovery key is not the one", "before"},
        {recovery_without_its_key, ERROR_MALFORMED, "found no recovery_key", "expected it"},
        {recovery_without_new_root, ERROR_MALFORMED, "found no new_root_key", "expected it"},
    };
    struct identity_chain chain;

    (void)state;
    assert_int_equal(identity_chain_init(&chain, &th.chain.feed, INSTITUTION_NETWORK, NULL), 0);
    assert_int_equal(identity_chain_append(&chain, buffer_span(&th.chain.encoded[0]), NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer bytes = {0};
        struct error error = {0};
        struct wrong wrong;

        init_second(&wrong);
        bad[i].spoil(&wrong);
        pack_wrong(&wrong, &bytes);
        if (identity_chain_append(&chain, buffer_span(&bytes), &error) != bad[i].code ||
            !strstr(error.text, bad[i].found) || !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s: %s", i, error_name(error.code), error.text);
        assert_int_equal(chain.count, 1);
        buffer_finish(&bytes);
    }
    identity_chain_finish(&chain);
}

static void test_identity__knows_a_certificate_again_and_calls_another_a_fork(void **state)
{
    struct identity_chain chain = {0};
    struct buffer bytes = {0};
    struct error error;
    struct wrong wrong;

    (void)state;
    assert_int_equal(identity_chain_copy(&th.chain, &chain, NULL), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(identity_chain_append(&chain, buffer_span(&th.chain.encoded[i]), NULL), 0);
    assert_int_equal(chain.count, 2);
    init_second(&wrong); /* certificate 2 with the keys of certificate 1 */
    pack_wrong(&wrong, &bytes);
    assert_int_equal(identity_chain_append(&chain, buffer_span(&bytes), &error), ERROR_FORK);
    wrong.spoil_signature = true; /* what no root key signed is no fork */
    pack_wrong(&wrong, &bytes);
    assert_int_equal(identity_chain_append(&chain, buffer_span(&bytes), &error),
                     ERROR_BAD_SIGNATURE);
    assert_int_equal(chain.count, 2);
    buffer_finish(&bytes);
    identity_chain_finish(&chain);
}

/* The same Certificate in other bytes: an unknown field stands beside it. */
static void test_identity__one_certificate_signed_or_packed_twice_is_no_fork(void **state)
{
    struct identity_chain chain = {0};
    struct buffer bytes = {0};

    (void)state;
    assert_int_equal(identity_chain_copy(&th.chain, &chain, NULL), 0);
    assert_true(buffer_append(&bytes, chain.encoded[1].data, chain.encoded[1].size));
    assert_true(buffer_append(&bytes, "\xa2\x06\x02hi", 5));
    assert_int_equal(identity_chain_append(&chain, buffer_span(&bytes), NULL), 0);
    assert_int_equal(chain.count, 2);
    buffer_finish(&bytes);
    identity_chain_finish(&chain);
}

/* Certificate 1 of the institution, made wrong in ways that only the first can be. */
static void test_identity__the_first_certificate_starts_from_nothing(void **state)
{
    struct identity_chain empty;
    struct wrong wrong;
    struct buffer bytes = {0};
    struct error error;

    (void)state;
    assert_int_equal(identity_chain_init(&empty, &th.chain.feed, INSTITUTION_NETWORK, NULL), 0);
    init_second(&wrong);
    wrong.inner.number = 1;
    wrong.inner.has_recovery_hash = 1;
    wrong.inner.recovery_hash = wrong.inner.node_key;
    pack_wrong(&wrong, &bytes); /* it names a certificate before it */
    assert_int_equal(identity_chain_append(&empty, buffer_span(&bytes), &error),
                     ERROR_BROKEN_CHAIN);
    assert_non_null(strstr(error.text, "Certificate 1: found a previous certificate"));
    wrong.inner.has_previous = 0;
    pack_wrong(&wrong, &bytes);
    assert_int_equal(identity_chain_append(&empty, buffer_span(&bytes), &error), 0);
    identity_chain_finish(&empty);
    assert_int_equal(identity_chain_init(&empty, &th.chain.feed, INSTITUTION_NETWORK, NULL), 0);
    by_recovery(&wrong, th.recovery);
    pack_wrong(&wrong, &bytes);
    assert_int_equal(identity_chain_append(&empty, buffer_span(&bytes), &error), ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "Certificate 1: signed by a recovery key, expected"));
    assert_int_equal(empty.count, 0);
    buffer_finish(&bytes);
    identity_chain_finish(&empty);
}

static void test_identity__a_certificate_can_be_judged_at_any_known_place(void **state)
{
    struct identity_certificate certificate;
    struct span second = buffer_span(&th.chain.encoded[1]);

    (void)state;
    assert_int_equal(identity_chain_check_at(&th.chain, 2, second, &certificate, NULL), 0);
    assert_true(id_equal(&certificate.hash, &th.chain.certificates[1].hash));
    assert_int_equal(identity_chain_check_at(&th.chain, 0, second, &certificate, NULL), ERROR_GAP);
    assert_int_equal(identity_chain_check_at(&th.chain, 4, second, &certificate, NULL), ERROR_GAP);
    assert_int_equal(identity_chain_check(&th.chain, second, &certificate, NULL), ERROR_MALFORMED);
}

static void test_identity__the_wrong_key_builds_no_certificate(void **state)
{
    struct identity_certificate_draft draft = {.network = INSTITUTION_NETWORK,
                                               .feed = &th.chain.feed,
                                               .number = 1,
                                               .node_key = secret_public(th.node),
                                               .transport_key = secret_public(th.transport),
                                               .sealing_key = secret_public(th.sealing)};
    struct buffer out = {0};

    (void)state;
    assert_int_equal(identity_certificate_build(&draft, th.node, &out, NULL), ERROR_INTERNAL);
    assert_int_equal(identity_certificate_build(&draft, th.recovery, &out, NULL), ERROR_INTERNAL);
    draft.new_root = secret_public(th.root);
    assert_int_equal(identity_certificate_build(&draft, th.root, &out, NULL), ERROR_INTERNAL);
    draft.new_root = NULL;
    draft.network = "No Net";
    assert_int_equal(identity_certificate_build(&draft, th.root, &out, NULL), ERROR_INVALID);
    assert_int_equal(out.size, 0);
    buffer_finish(&out);
}

static void test_identity__every_changed_bit_of_a_certificate_is_refused(void **state)
{
    struct identity_chain chain;
    struct span good = buffer_span(&th.chain.encoded[0]);
    uint8_t bytes[1024];

    (void)state;
    assert_int_equal(identity_chain_init(&chain, &th.chain.feed, INSTITUTION_NETWORK, NULL), 0);
    assert_true(good.size < sizeof bytes);
    for (size_t i = 0; i < good.size * 8; i++) {
        struct error error = {0};

        memcpy(bytes, good.data, good.size);
        bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(identity_chain_append(&chain, span_of(bytes, good.size), &error), 0);
        assert_true(error.text[0]);
    }
    for (size_t size = 0; size < good.size; size++)
        assert_int_not_equal(identity_chain_append(&chain, span_of(good.data, size), NULL), 0);
    assert_int_equal(identity_chain_append(&chain, good, NULL), 0);
    identity_chain_finish(&chain);
}

static void test_identity__recovery_takes_the_place_of_what_the_root_key_signed(void **state)
{
    struct institution other;
    struct identity_chain chain;
    struct buffer entry = {0};
    struct span one = buffer_span(&th.chain.encoded[0]), root = buffer_span(&th.chain.encoded[1]);
    struct span recovery;
    struct error error;

    (void)state;
    institution_init(&other, 1);
    institution_certify(&other, false, &entry);
    institution_certify(&other, true, &entry);
    institution_certify(&other, false, &entry);
    recovery = buffer_span(&other.chain.encoded[1]);
    assert_int_equal(identity_chain_copy(&th.chain, &chain, NULL), ERROR_NONE);
    assert_int_equal(identity_chain_common(&chain, &other.chain), 1);
    assert_int_equal(identity_chain_recoveries(&chain, 2), 0);
    assert_int_equal(identity_chain_recoveries(&other.chain, 1), 0);
    assert_int_equal(identity_chain_recoveries(&other.chain, 9), 1);
    assert_int_equal(identity_chain_append(&chain, recovery, &error), ERROR_FORK);
    assert_int_equal(identity_chain_replace(&chain, one, &error), ERROR_NONE);
    assert_int_equal(chain.count, 2);
    assert_int_equal(identity_chain_replace(&chain, recovery, &error), ERROR_NONE);
    assert_int_equal(chain.count, 2);
    assert_true(chain.certificates[1].by_recovery);
    assert_true(id_equal(&chain.root_key, &other.chain.root_key));
    /* The new root key goes on, and the chain is judged by it. */
    assert_int_equal(identity_chain_replace(&chain, buffer_span(&other.chain.encoded[2]), &error),
                     ERROR_NONE);
    assert_int_equal(identity_chain_common(&chain, &other.chain), 3);
    /* Back again: what stands behind goes. Which one should count is for the caller to know. */
    assert_int_equal(identity_chain_replace(&chain, root, &error), ERROR_NONE);
    assert_int_equal(chain.count, 2);
    assert_true(id_equal(&chain.root_key, &th.chain.root_key));
    assert_true(id_equal(&chain.recovery_hash, &th.chain.recovery_hash));
    /* A wrong one changes nothing. */
    entry.data[entry.size - 1] ^= 1;
    assert_int_not_equal(identity_chain_replace(&chain, buffer_span(&entry), &error), ERROR_NONE);
    assert_int_equal(chain.count, 2);
    identity_chain_finish(&chain);
    institution_finish(&other);
    buffer_finish(&entry);
}

static void test_identity__network_names_have_a_rule(void **state)
{
    static const char *const good[] = {"a", "silkroad", "silkroad-demo", "net.2026"};
    static const char *const bad[] = {"", "Silk", "silk road", "silk_road", "söz", "a\n"};
    char name[LIMIT_NETWORK_SIZE + 2];
    struct identity_chain chain;
    struct error error;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(identity_network_check(good[i], &error), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(identity_network_check(bad[i], &error), ERROR_INVALID);
    memset(name, 'a', sizeof name);
    name[LIMIT_NETWORK_SIZE] = '\0';
    assert_int_equal(identity_network_check(name, &error), 0);
    name[LIMIT_NETWORK_SIZE] = 'a';
    name[LIMIT_NETWORK_SIZE + 1] = '\0';
    assert_int_equal(identity_network_check(name, &error), ERROR_INVALID);
    assert_int_equal(identity_chain_init(&chain, &th.chain.feed, name, &error), ERROR_INVALID);
}

static void test_identity__what_a_certificate_names_is_read_unjudged(void **state)
{
    const struct identity_certificate *known = &th.chain.certificates[1];
    struct identity_certificate seen;

    (void)state;
    assert_int_equal(identity_certificate_peek(buffer_span(&th.chain.encoded[1]), &seen, NULL),
                     ERROR_NONE);
    assert_int_equal(seen.number, 2);
    assert_true(id_equal(&seen.hash, &known->hash));
    assert_true(id_equal(&seen.node_key, &known->node_key));
    assert_true(id_equal(&seen.transport_key, &known->transport_key));
    assert_true(id_equal(&seen.sealing_key, &known->sealing_key));
    assert_true(id_is_zero(&seen.root_key)); /* it names none */
    assert_int_equal(identity_certificate_peek(span_of_text("nonsense"), &seen, NULL),
                     ERROR_MALFORMED);
}

static void test_identity__a_certificate_says_that_the_keys_before_were_stolen(void **state)
{
    struct identity_chain chain;
    struct buffer plain = {0}, marked = {0};
    struct identity_certificate_draft draft = {.network = INSTITUTION_NETWORK,
                                               .feed = &th.chain.feed,
                                               .number = 3,
                                               .previous = &th.chain.certificates[1].hash,
                                               .node_key = secret_public(th.node),
                                               .transport_key = secret_public(th.transport),
                                               .sealing_key = secret_public(th.sealing),
                                               .created_ms = INSTITUTION_START_MS};

    (void)state;
    assert_int_equal(identity_certificate_build(&draft, th.root, &plain, NULL), ERROR_NONE);
    draft.former_stolen = true;
    assert_int_equal(identity_certificate_build(&draft, th.root, &marked, NULL), ERROR_NONE);
    assert_false(span_equal(buffer_span(&plain), buffer_span(&marked)));
    assert_int_equal(identity_chain_copy(&th.chain, &chain, NULL), ERROR_NONE);
    assert_int_equal(identity_chain_append(&chain, buffer_span(&plain), NULL), ERROR_NONE);
    assert_false(identity_chain_get(&chain, 3)->former_stolen);
    assert_int_equal(identity_chain_replace(&chain, buffer_span(&marked), NULL), ERROR_NONE);
    assert_true(identity_chain_get(&chain, 3)->former_stolen);
    assert_false(identity_chain_get(&chain, 2)->former_stolen);
    identity_chain_finish(&chain);
    buffer_finish(&plain);
    buffer_finish(&marked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity__hash_is_blake2b_of_tag_and_bytes),
        cmocka_unit_test(test_identity__a_signature_holds_for_one_purpose_network_key_and_hash),
        cmocka_unit_test(test_identity__refuses_a_signature_with_s_plus_l),
        cmocka_unit_test(test_identity__refuses_keys_and_points_of_small_order),
        cmocka_unit_test(test_identity__a_fingerprint_is_eight_groups_of_five_digits),
        cmocka_unit_test(test_identity__a_chain_follows_rotation_and_recovery),
        cmocka_unit_test(test_identity__refuses_a_broken_certificate),
        cmocka_unit_test(test_identity__knows_a_certificate_again_and_calls_another_a_fork),
        cmocka_unit_test(test_identity__one_certificate_signed_or_packed_twice_is_no_fork),
        cmocka_unit_test(test_identity__the_first_certificate_starts_from_nothing),
        cmocka_unit_test(test_identity__a_certificate_can_be_judged_at_any_known_place),
        cmocka_unit_test(test_identity__the_wrong_key_builds_no_certificate),
        cmocka_unit_test(test_identity__every_changed_bit_of_a_certificate_is_refused),
        cmocka_unit_test(test_identity__recovery_takes_the_place_of_what_the_root_key_signed),
        cmocka_unit_test(test_identity__network_names_have_a_rule),
        cmocka_unit_test(test_identity__what_a_certificate_names_is_read_unjudged),
        cmocka_unit_test(test_identity__a_certificate_says_that_the_keys_before_were_stolen),
    };

    return cmocka_run_group_tests_name("identity", tests, setup, teardown);
}
