#include "common/fields.h"
#include "common/wire.h"
#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define LAST 520

/* 1 certificate, 2 … 519 announcements (518: a profile), 520 certificate 2. */
static struct institution th, other;
static struct buffer made[LAST + 1];

static int setup(void **state)
{
    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &made[1]);
    for (int i = 2; i < LAST; i++) {
        if (i == 518)
            institution_append(&th, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE,
                               span_of_text("profile"), &made[i]);
        else
            institution_say(&th, "a visit", &made[i]);
    }
    institution_certify(&th, false, &made[LAST]);
    institution_init(&other, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    institution_finish(&other);
    for (int i = 0; i <= LAST; i++)
        buffer_finish(&made[i]);
    return 0;
}

/* A Run message that a test may spoil before it is parsed. */
struct message {
    Caravan__Run run;
    Caravan__SignedEntry *entries[LAST];
    struct buffer bytes; /* as it was last packed; a run points into them */
};

static void open_message(struct message *message, size_t first, size_t last)
{
    caravan__run__init(&message->run);
    message->bytes = (struct buffer){0};
    message->run.has_feed = 1;
    message->run.feed = (ProtobufCBinaryData){32, th.chain.feed.bytes};
    message->run.entries = message->entries;
    message->run.n_entries = last - first + 1;
    for (size_t i = first; i <= last; i++)
        message->entries[i - first] =
            caravan__signed_entry__unpack(NULL, made[i].size, made[i].data);
}

static void close_message(struct message *message)
{
    for (size_t i = 0; i < message->run.n_entries; i++)
        caravan__signed_entry__free_unpacked(message->entries[i], NULL);
    buffer_finish(&message->bytes);
}

static int parse(struct message *message, struct entry_run *run, struct error *error)
{
    buffer_clear(&message->bytes);
    assert_true(fields_pack(&message->run.base, &message->bytes));
    return entry_run_read(buffer_span(&message->bytes), INSTITUTION_NETWORK, run, error);
}

static void drop_signature(Caravan__SignedEntry *entry)
{
    entry->has_signature = 0;
}

static void drop_content(Caravan__SignedEntry *entry)
{
    entry->has_salt = entry->has_content = 0;
}

/* Parses and, when that is well, checks with the certificates known. */
static int judge(struct message *message, uint64_t certificate, struct entry_run *run,
                 struct error *error)
{
    int code = parse(message, run, error);

    return code ? code : entry_run_check(run, &th.chain, certificate, error);
}

static void test_entry_run__the_first_run_is_certificate_one(void **state)
{
    struct message message;
    struct entry_run run;

    (void)state;
    open_message(&message, 1, 1);
    assert_int_equal(judge(&message, 0, &run, NULL), 0);
    assert_int_equal(run.certificate, 1);
    assert_int_equal(run.kept, 1);
    assert_true(run.entries[0].signature_checked);
    entry_run_finish(&run);
    close_message(&message);
}

static void test_entry_run__only_anchors_and_the_last_are_checked(void **state)
{
    struct message message;
    struct entry_run run;

    (void)state;
    open_message(&message, 2, 517);
    for (size_t i = 0; i < message.run.n_entries - 1; i++)
        if ((i + 2) % LIMIT_ANCHOR_INTERVAL != 0)
            drop_signature(message.entries[i]);
    message.entries[100]->has_signature = 1; /* there, but not looked at */
    message.entries[100]->signature.data[0] ^= 1;
    assert_int_equal(judge(&message, 1, &run, NULL), 0);
    assert_int_equal(run.count, 516);
    assert_int_equal(run.kept, 516);
    assert_int_equal(run.certificate, 1);
    for (size_t i = 0; i < run.count; i++)
        assert_int_equal(run.entries[i].signature_checked, run.entries[i].seq == 256 ||
                                                               run.entries[i].seq == 512 ||
                                                               run.entries[i].seq == 517);
    entry_run_finish(&run);
    close_message(&message);
}

static void test_entry_run__a_certificate_may_end_it_and_counts_from_there(void **state)
{
    struct message message;
    struct identity_chain known = {0};
    struct entry_run run;

    (void)state;
    open_message(&message, 515, LAST);
    assert_int_equal(judge(&message, 1, &run, NULL), 0);
    assert_int_equal(run.certificate, 2);
    entry_run_finish(&run);
    /* The same when certificate 2 was not known before. */
    assert_int_equal(identity_chain_init(&known, &th.chain.feed, INSTITUTION_NETWORK, NULL), 0);
    assert_int_equal(identity_chain_append(&known, buffer_span(&th.chain.encoded[0]), NULL), 0);
    assert_int_equal(parse(&message, &run, NULL), 0);
    assert_int_equal(entry_run_check(&run, &known, 1, NULL), 0);
    assert_int_equal(run.certificate, 2);
    assert_int_equal(known.count, 1);
    entry_run_finish(&run);
    identity_chain_finish(&known);
    close_message(&message);
}

static void test_entry_run__a_proof_reaches_a_signature_without_contents(void **state)
{
    struct message message;
    struct entry_run run;

    (void)state;
    open_message(&message, 300, 512);
    message.run.has_proof_from = 1;
    message.run.proof_from = 301;
    for (size_t i = 0; i < message.run.n_entries; i++) {
        if (i + 1 < message.run.n_entries)
            drop_signature(message.entries[i]);
        if (i > 0)
            drop_content(message.entries[i]);
    }
    assert_int_equal(judge(&message, 1, &run, NULL), 0);
    assert_int_equal(run.kept, 1);
    assert_int_equal(run.count, 213);
    assert_int_equal(run.certificate, 1);
    assert_true(run.entries[0].has_content);
    assert_false(run.entries[0].signature_checked);
    assert_true(run.entries[212].signature_checked);
    entry_run_finish(&run);
    close_message(&message);
}

static void test_entry_run__a_proof_may_pass_a_profile_and_end_at_a_certificate(void **state)
{
    struct message message;
    struct entry_run run;

    (void)state;
    open_message(&message, 517, LAST);
    message.run.has_proof_from = 1;
    message.run.proof_from = 518;
    for (size_t i = 0; i < 3; i++)
        drop_signature(message.entries[i]);
    drop_content(message.entries[1]); /* the profile: only proof, so it may be absent */
    drop_content(message.entries[2]);
    assert_int_equal(judge(&message, 1, &run, NULL), 0);
    assert_int_equal(run.kept, 1);
    assert_int_equal(run.certificate, 1); /* the certificate is not kept */
    entry_run_finish(&run);
    close_message(&message);
}

/* --- broken runs ----------------------------------------------------------------------------- */

static void no_feed(struct message *m)
{
    m->run.has_feed = 0;
}
static void other_feed(struct message *m)
{
    m->run.feed.data = other.chain.feed.bytes;
}
static void swapped(struct message *m)
{
    Caravan__SignedEntry *kept = m->entries[0];

    m->entries[0] = m->entries[1];
    m->entries[1] = kept;
}
static void unsigned_end(struct message *m)
{
    drop_signature(m->entries[m->run.n_entries - 1]);
}
static void unsigned_anchor(struct message *m)
{
    drop_signature(m->entries[512 - 509]);
}
static void wrong_end(struct message *m)
{
    m->entries[m->run.n_entries - 1]->signature.data[9] ^= 4;
}
static void wrong_anchor(struct message *m)
{
    m->entries[512 - 509]->signature.data[63] ^= 64;
}
static void profile_erased(struct message *m)
{
    drop_content(m->entries[518 - 509]);
}
static void proof_at_first(struct message *m)
{
    m->run.has_proof_from = 1;
    m->run.proof_from = 509;
}
static void proof_behind(struct message *m)
{
    m->run.has_proof_from = 1;
    m->run.proof_from = 520;
}
static void changed_content(struct message *m)
{
    m->entries[4]->content.data[0] ^= 1;
}
static void changed_entry(struct message *m)
{
    m->entries[2]->entry.data[m->entries[2]->entry.len - 1] ^= 2; /* min_reader */
}

static void test_entry_run__refuses_a_broken_run(void **state)
{
    static const struct {
        void (*spoil)(struct message *);
        int code;
        const char *found, *expected;
    } bad[] = {
        {no_feed, ERROR_MALFORMED, "Run: found no feed", "expected it"},
        {other_feed, ERROR_MALFORMED, "entry 509 is of another feed", "expected the run's"},
        {swapped, ERROR_MALFORMED, "found seq 509 behind 510", "expected 511"},
        {unsigned_end, ERROR_MALFORMED, "entry 519: found no signature", "at the end of a run"},
        {unsigned_anchor, ERROR_MALFORMED, "entry 512: found no signature", "every 256th"},
        {wrong_end, ERROR_BAD_SIGNATURE, "entry 519: signature", "node key in force"},
        {wrong_anchor, ERROR_BAD_SIGNATURE, "entry 512: signature", "node key in force"},
        {profile_erased, ERROR_MALFORMED, "entry 518: found no content", "type 2 is never erased"},
        {proof_at_first, ERROR_MALFORMED, "proof_from is 509", "0 or 510 to 519"},
        {proof_behind, ERROR_MALFORMED, "proof_from is 520", "0 or 510 to 519"},
        {changed_content, ERROR_MALFORMED, "entry at place 5: SignedEntry 513", "content_hash"},
        {changed_entry, ERROR_BROKEN_CHAIN, "entry 512: previous", "hash of entry 511"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct message message;
        struct entry_run run;
        struct error error = {0};
        int code;

        open_message(&message, 509, 519);
        bad[i].spoil(&message);
        code = judge(&message, 1, &run, &error);
        if (code != bad[i].code || !strstr(error.text, bad[i].found) ||
            !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s: %s", i, error_name((enum error_code)code), error.text);
        for (size_t k = 0; k < run.count; k++)
            assert_false(run.entries[k].signature_checked);
        entry_run_finish(&run);
        close_message(&message);
    }
}

static void test_entry_run__refuses_too_few_and_too_many(void **state)
{
    struct buffer bytes = {0};
    struct entry_run run;
    struct error error;

    (void)state;
    assert_true(wire_put_bytes(&bytes, 2, span_of_id(&th.chain.feed)));
    assert_int_equal(entry_run_read(buffer_span(&bytes), INSTITUTION_NETWORK, &run, &error),
                     ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "Run: found 0 entries, expected 1 to 4096"));
    /* What is too many is not looked into. */
    for (int i = 0; i <= LIMIT_RUN_ENTRIES; i++)
        assert_true(wire_put_bytes(&bytes, 3, span_of(NULL, 0)));
    assert_int_equal(entry_run_read(buffer_span(&bytes), INSTITUTION_NETWORK, &run, &error),
                     ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "Run: found 4097 entries, expected 1 to 4096"));
    assert_null(run.entries);
    buffer_finish(&bytes);
}

static void test_entry_run__never_crosses_a_certificate(void **state)
{
    struct message message;
    struct entry_run run;
    struct error error;

    (void)state;
    open_message(&message, 1, 3);
    assert_int_equal(judge(&message, 0, &run, &error), ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "entry 1 is a certificate, expected only at the end"));
    close_message(&message);
}

static void test_entry_run__the_certificate_before_must_fit(void **state)
{
    struct message message;
    struct identity_chain none = {0};
    struct entry_run run;
    struct error error;

    (void)state;
    open_message(&message, 5, 9);
    assert_int_equal(judge(&message, 0, &run, &error), ERROR_GAP);
    entry_run_finish(&run);
    assert_int_equal(judge(&message, 2, &run, &error), ERROR_BAD_SIGNATURE); /* newer node key */
    entry_run_finish(&run);
    assert_int_equal(judge(&message, 3, &run, &error), ERROR_GAP);
    entry_run_finish(&run);
    assert_int_equal(identity_chain_init(&none, &th.chain.feed, INSTITUTION_NETWORK, NULL), 0);
    assert_int_equal(parse(&message, &run, NULL), 0);
    assert_int_equal(entry_run_check(&run, &none, 1, &error), ERROR_GAP);
    entry_run_finish(&run);
    close_message(&message);
}

static void test_entry_run__other_certificates_are_our_own_mistake(void **state)
{
    struct message message;
    struct entry_run run;

    (void)state;
    open_message(&message, 1, 1);
    assert_int_equal(parse(&message, &run, NULL), 0);
    assert_int_equal(entry_run_check(&run, &other.chain, 0, NULL), ERROR_INTERNAL);
    entry_run_finish(&run);
    close_message(&message);
}

static void test_entry_run__entry_one_must_be_certificate_one(void **state)
{
    struct institution own;
    struct buffer bytes = {0};
    struct entry_run run;
    struct error error;

    (void)state;
    institution_init(&own, 1); /* the same keys, another history */
    institution_say(&own, "no certificate", &bytes);
    assert_int_equal(entry_run_parse_single(buffer_span(&bytes), INSTITUTION_NETWORK, &run, NULL),
                     0);
    assert_int_equal(entry_run_check(&run, &th.chain, 0, &error), ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "entry 1 has content of type 4, expected certificate 1"));
    entry_run_finish(&run);
    institution_finish(&own);
    buffer_finish(&bytes);
}

/* Two certificates 2: the second one is known, this run carries another. */
static void test_entry_run__another_certificate_of_a_known_number_is_a_fork(void **state)
{
    struct institution own;
    struct buffer bytes = {0};
    struct entry_run run;
    struct error error;

    (void)state;
    institution_init(&own, 1);
    institution_certify(&own, false, &bytes);
    buffer_clear(&bytes);
    institution_certify(&own, true, &bytes); /* certificate 2 by the recovery key */
    assert_int_equal(entry_run_parse_single(buffer_span(&bytes), INSTITUTION_NETWORK, &run, NULL),
                     0);
    assert_int_equal(entry_run_check(&run, &th.chain, 1, &error), ERROR_FORK);
    assert_non_null(strstr(error.text, "another certificate 2"));
    entry_run_finish(&run);
    institution_finish(&own);
    buffer_finish(&bytes);
}

/* A certificate entry is signed by the node key that it names, not by the one before. */
static void test_entry_run__the_old_node_key_cannot_sign_a_certificate(void **state)
{
    struct institution thief;
    struct buffer bytes = {0};
    struct entry_run run;
    struct error error;

    (void)state;
    institution_init(&thief, 1);
    institution_certify(&thief, false, &bytes);
    buffer_clear(&bytes);
    /* The real certificate 2, signed into the feed by the old node key. */
    institution_append(&thief, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE,
                       buffer_span(&th.chain.encoded[1]), &bytes);
    assert_int_equal(entry_run_parse_single(buffer_span(&bytes), INSTITUTION_NETWORK, &run, NULL),
                     0);
    assert_int_equal(entry_run_check(&run, &th.chain, 1, &error), ERROR_BAD_SIGNATURE);
    entry_run_finish(&run);
    institution_finish(&thief);
    buffer_finish(&bytes);
}

static void test_entry_run__a_live_entry_is_a_run_of_one(void **state)
{
    struct entry_run run;
    struct error error;
    struct entry entry;
    struct buffer bare = {0};

    (void)state;
    assert_int_equal(entry_run_parse_single(buffer_span(&made[7]), INSTITUTION_NETWORK, &run, NULL),
                     0);
    assert_int_equal(entry_run_check(&run, &th.chain, 1, NULL), 0);
    assert_true(run.entries[0].signature_checked);
    entry_run_finish(&run);
    assert_int_equal(entry_parse_bytes(buffer_span(&made[7]), INSTITUTION_NETWORK, &entry, NULL),
                     0);
    entry.signature = span_of(NULL, 0);
    assert_true(entry_encode(&entry, true, &bare));
    assert_int_equal(entry_run_parse_single(buffer_span(&bare), INSTITUTION_NETWORK, &run, &error),
                     ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "entry 7: found no signature"));
    assert_null(run.entries);
    entry_run_finish(&run);
    entry_run_finish(&run);
    entry_run_finish(NULL);
    buffer_finish(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_run__the_first_run_is_certificate_one),
        cmocka_unit_test(test_entry_run__only_anchors_and_the_last_are_checked),
        cmocka_unit_test(test_entry_run__a_certificate_may_end_it_and_counts_from_there),
        cmocka_unit_test(test_entry_run__a_proof_reaches_a_signature_without_contents),
        cmocka_unit_test(test_entry_run__a_proof_may_pass_a_profile_and_end_at_a_certificate),
        cmocka_unit_test(test_entry_run__refuses_a_broken_run),
        cmocka_unit_test(test_entry_run__refuses_too_few_and_too_many),
        cmocka_unit_test(test_entry_run__never_crosses_a_certificate),
        cmocka_unit_test(test_entry_run__the_certificate_before_must_fit),
        cmocka_unit_test(test_entry_run__other_certificates_are_our_own_mistake),
        cmocka_unit_test(test_entry_run__entry_one_must_be_certificate_one),
        cmocka_unit_test(test_entry_run__another_certificate_of_a_known_number_is_a_fork),
        cmocka_unit_test(test_entry_run__the_old_node_key_cannot_sign_a_certificate),
        cmocka_unit_test(test_entry_run__a_live_entry_is_a_run_of_one),
    };

    return cmocka_run_group_tests_name("entry_run", tests, setup, teardown);
}
