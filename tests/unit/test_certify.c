/* certify: new certificates of our own feed, over an exchange on a ledger in memory that nobody is
 * connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"
#include "tests/support/exchange_fixture.h"

#define ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT
#define NEVER 99u

struct fixture {
    struct exchange_fixture base;
    struct institution next, after_next; /* our own with one certificate more, and two */
    struct exchange_published out;
};

static struct fixture *current;
static bool no_commit;

static int commit(void *self, struct error *error)
{
    if (!no_commit)
        return current->base.real->commit(self, error);
    current->base.real->rollback(self);
    return error_set(error, ERROR_IO, "no space left");
}

static void start(struct fixture *f, const struct institution *keys)
{
    f->base.config.node_key = keys->node;
    f->base.config.chain = &keys->chain;
    exchange_fixture_start(&f->base);
}

static void prepare(struct institution *institution, unsigned certificates, bool by_recovery)
{
    struct buffer entry = {0};

    institution_init(institution, 1);
    institution_certify(institution, false, &entry);
    while (certificates--)
        institution_certify(institution, by_recovery, &entry);
    buffer_finish(&entry);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    current = f;
    no_commit = false;
    exchange_fixture_init(&f->base);
    prepare(&f->next, 1, false);
    prepare(&f->after_next, 2, false);
    f->base.operations.commit = commit;
    f->base.config.alone = true;
    exchange_fixture_start(&f->base);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    exchange_fixture_finish(&f->base);
    institution_finish(&f->next);
    institution_finish(&f->after_next);
    free(f);
    return 0;
}

static int publish(struct fixture *f, uint8_t request)
{
    uint8_t id[STORE_REQUEST_ID_SIZE] = {request};
    int code;

    exchange_fixture_begin(&f->base);
    code = exchange_publish(f->base.exchange, ANNOUNCEMENT, span_of_text("a visit"), id, &f->out,
                            &f->base.error);
    exchange_fixture_commit(&f->base);
    return code;
}

/* With the newest certificate of an institution. */
static int certify_at(struct fixture *f, const struct institution *from,
                      const struct exchange_place *place)
{
    int code, committed;

    exchange_fixture_begin(&f->base);
    code =
        exchange_certify(f->base.exchange, buffer_span(&from->chain.encoded[from->chain.count - 1]),
                         from->node, place, &f->out, &f->base.error);
    committed = exchange_commit(f->base.exchange, NULL);
    return code ? code : committed;
}

static int certify(struct fixture *f, const struct institution *from, uint64_t after)
{
    return certify_at(f, from, &(struct exchange_place){.after = after});
}

/* The number of the certificate in force at a place; 0: there is no such place. */
static uint64_t number_at(struct fixture *f, uint64_t after, const struct id *hash)
{
    const struct exchange_place place = {after, hash};
    struct identity_certificate certificate = {0};
    int code;

    exchange_fixture_begin(&f->base);
    code = exchange_certificate_at(f->base.exchange, &place, &certificate, &f->base.error);
    exchange_fixture_commit(&f->base);
    assert_int_equal(code == ERROR_NONE, certificate.number != 0);
    return certificate.number;
}

static const struct entry_head *head(const struct fixture *f)
{
    return &f->base.exchange->own->head;
}

static size_t quarantined(const struct fixture *f)
{
    return exchange_fixture_quarantined(&f->base, &f->base.own.chain.feed);
}

static void test_certify__rotates_behind_the_head(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(publish(f, 1), ERROR_NONE);
    assert_int_equal(number_at(f, 0, NULL), 1);
    assert_int_equal(certify(f, &f->next, 0), ERROR_NONE);
    assert_int_equal(f->out.seq, 3);
    assert_int_equal(head(f)->certificate, 2);
    assert_int_equal(number_at(f, 0, NULL), 2);
    assert_int_equal(number_at(f, 2, NULL), 1);
    assert_int_equal(number_at(f, 4, NULL), 0);
    /* The new key signs, and what is signed is checked with it. */
    assert_int_equal(publish(f, 2), ERROR_NONE);
    assert_int_equal(f->out.seq, 4);
    assert_int_equal(quarantined(f), 0);
    start(f, &f->next);
    assert_int_equal(publish(f, 3), ERROR_NONE);
    assert_int_equal(publish(f, 1), ERROR_NONE);
    assert_true(f->out.repeated);
    assert_int_equal(f->out.seq, 2);
}

static void test_certify__after_a_theft_goes_on_behind_the_last_good_entry(void **state)
{
    struct fixture *f = *state;

    for (uint8_t i = 1; i < 5; i++)
        assert_int_equal(publish(f, i), ERROR_NONE);
    assert_int_equal(certify(f, &f->next, 3), ERROR_NONE);
    assert_int_equal(f->out.seq, 4);
    assert_int_equal(head(f)->seq, 4);
    assert_int_equal(quarantined(f), 2);
    /* A retry must not be told of an entry that counts for nothing, nor publish behind its back. */
    assert_int_equal(publish(f, 3), ERROR_EXISTS);
    assert_non_null(strstr(f->base.error.text, "No. 4 was quarantined"));
    assert_int_equal(publish(f, 4), ERROR_EXISTS);
    assert_int_equal(publish(f, 2), ERROR_NONE);
    assert_true(f->out.repeated);
    assert_int_equal(publish(f, 9), ERROR_NONE);
    assert_int_equal(f->out.seq, 5);
    start(f, &f->next);
    assert_int_equal(publish(f, 9), ERROR_NONE);
    assert_true(f->out.repeated);
    assert_int_equal(f->out.seq, 5);
    assert_int_equal(publish(f, 4), ERROR_EXISTS);
}

static void test_certify__refuses_what_would_not_hold(void **state)
{
    struct fixture *f = *state;
    struct institution mixed = f->next;

    assert_int_equal(publish(f, 1), ERROR_NONE);
    assert_int_equal(certify(f, &f->next, NEVER), ERROR_NOT_FOUND);
    assert_non_null(strstr(f->base.error.text, "ends at No. 2"));
    assert_int_equal(certify(f, &f->after_next, 0), ERROR_GAP);
    mixed.node = f->base.own.node;
    assert_int_equal(certify(f, &mixed, 0), ERROR_INVALID);
    assert_non_null(strstr(f->base.error.text, "another node key"));
    assert_int_equal(certify(f, &f->base.own, 0), ERROR_INVALID);
    assert_int_equal(head(f)->seq, 2);
    assert_int_equal(head(f)->certificate, 1);
    assert_int_equal(publish(f, 2), ERROR_NONE);
}

static void test_certify__recovers_from_what_the_root_key_signed(void **state)
{
    struct fixture *f = *state;
    struct institution recovered;

    prepare(&recovered, 1, true);
    assert_int_equal(publish(f, 1), ERROR_NONE);
    assert_int_equal(certify(f, &f->next, 0), ERROR_NONE);
    assert_int_equal(certify(f, &f->after_next, 0), ERROR_NONE);
    assert_int_equal(certify(f, &recovered, 2), ERROR_NONE);
    assert_int_equal(head(f)->seq, 3);
    assert_int_equal(head(f)->certificate, 2);
    assert_int_equal(head(f)->recoveries, 1);
    assert_int_equal(quarantined(f), 2);
    /* The root key that was in force is no longer. */
    assert_int_equal(certify(f, &f->next, 2), ERROR_INVALID);
    assert_non_null(strstr(f->base.error.text, "caravan key recover"));
    assert_int_equal(publish(f, 2), ERROR_NONE);
    start(f, &recovered);
    assert_int_equal(head(f)->recoveries, 1);
    assert_int_equal(publish(f, 3), ERROR_NONE);
    institution_finish(&recovered);
}

static int take_hash(void *context, const struct store_entry *entry)
{
    *(struct id *)context = entry->entry.hash;
    return 1;
}

static struct id hash_at(struct fixture *f, uint64_t seq)
{
    struct id hash = {{0}};

    assert_int_equal(f->base.store.operations->entries(f->base.store.self, &f->base.own.chain.feed,
                                                       seq, seq, take_hash, &hash, NULL),
                     ERROR_NONE);
    return hash;
}

/* Two certificates in a row behind certificate 1, by somebody who has the root key. */
static void steal_root(struct fixture *f)
{
    struct identity_chain chain;
    struct span encoded[2];

    assert_int_equal(identity_chain_copy(&f->base.own.chain, &chain, NULL), ERROR_NONE);
    for (unsigned i = 0; i < 2; i++) {
        struct buffer bytes = {0};
        const struct identity_certificate_draft draft = {
            .network = INSTITUTION_NETWORK,
            .feed = &chain.feed,
            .number = chain.count + 1,
            .previous = &chain.certificates[chain.count - 1].hash,
            .node_key = secret_public(f->base.own.recovery),
            .transport_key = secret_public(f->base.own.transport),
            .sealing_key = secret_public(f->base.own.sealing),
        };

        assert_int_equal(identity_certificate_build(&draft, f->base.own.root, &bytes, NULL),
                         ERROR_NONE);
        assert_int_equal(identity_chain_append(&chain, buffer_span(&bytes), NULL), ERROR_NONE);
        buffer_finish(&bytes);
        encoded[i] = buffer_span(&chain.encoded[chain.count - 1]);
    }
    exchange_fixture_begin(&f->base);
    assert_int_equal(
        feed_take_certificates(f->base.exchange, f->base.exchange->own, encoded, 2, &f->base.error),
        ERROR_NONE);
    exchange_fixture_commit(&f->base);
    identity_chain_finish(&chain);
}

/* The root key was stolen, and a part of the feed made void: the recovery key brings it back. */
static void test_certify__brings_quarantined_entries_back(void **state)
{
    struct fixture *f = *state;
    struct institution recovered;
    struct buffer entry = {0};
    struct id hash, nothing = {{1}};

    institution_init(&recovered, 1);
    institution_certify(&recovered, false, &entry);
    institution_certify(&recovered, false, &entry);
    institution_certify(&recovered, true, &entry);
    for (uint8_t i = 1; i < 4; i++)
        assert_int_equal(publish(f, i), ERROR_NONE);
    assert_int_equal(certify(f, &f->next, 0), ERROR_NONE);
    for (uint8_t i = 4; i < 7; i++)
        assert_int_equal(publish(f, i), ERROR_NONE);
    hash = hash_at(f, 8);
    steal_root(f);
    assert_int_equal(head(f)->seq, 4);
    assert_int_equal(quarantined(f), 4);
    assert_int_equal(exchange_publishing(f->base.exchange), EXCHANGE_FROZEN);
    assert_int_equal(number_at(f, 8, NULL), 0);
    assert_int_equal(number_at(f, 8, &nothing), 0);
    assert_int_equal(certify_at(f, &recovered, &(struct exchange_place){8, &nothing}),
                     ERROR_NOT_FOUND);
    assert_int_equal(number_at(f, 8, &hash), 2);
    assert_int_equal(certify_at(f, &recovered, &(struct exchange_place){8, &hash}), ERROR_NONE);
    assert_int_equal(f->out.seq, 9);
    assert_int_equal(head(f)->certificate, 3);
    assert_int_equal(head(f)->recoveries, 1);
    assert_int_equal(f->base.exchange->own->chain.count, 3);
    nothing = hash_at(f, 8);
    assert_memory_equal(&nothing, &hash, sizeof hash);
    assert_int_equal(number_at(f, 8, &hash), 2); /* it stands there */
    assert_int_equal(publish(f, 9), ERROR_NONE);
    start(f, &recovered);
    assert_int_equal(head(f)->seq, 10);
    assert_int_equal(number_at(f, 0, NULL), 3);
    assert_int_equal(publish(f, 10), ERROR_NONE);
    institution_finish(&recovered);
    buffer_finish(&entry);
}

struct contents {
    uint64_t count, with_content;
};

static int count_contents(void *context, const struct store_entry *entry)
{
    struct contents *contents = context;

    contents->count++;
    contents->with_content += entry->entry.has_content;
    return 0;
}

/* Of what was quarantined, contents went with an erasure: the entries come back, and miss them. */
static void test_certify__brings_back_without_contents_that_went(void **state)
{
    struct fixture *f = *state;
    const struct erasure_order order = {2, 9};
    struct contents contents = {0};
    struct institution recovered;
    struct buffer entry = {0};
    struct id hash;
    size_t erased;

    institution_init(&recovered, 1);
    for (unsigned i = 0; i < 3; i++)
        institution_certify(&recovered, i == 2, &entry);
    for (uint8_t i = 1; i < 4; i++)
        assert_int_equal(publish(f, i), ERROR_NONE);
    assert_int_equal(certify(f, &f->next, 0), ERROR_NONE);
    for (uint8_t i = 4; i < 7; i++)
        assert_int_equal(publish(f, i), ERROR_NONE);
    hash = hash_at(f, 8);
    steal_root(f);
    exchange_fixture_begin(&f->base);
    assert_int_equal(f->base.store.operations->erase(f->base.store.self, &f->base.own.chain.feed,
                                                     &order, 1, &erased, NULL),
                     ERROR_NONE);
    exchange_fixture_commit(&f->base);
    assert_int_equal(certify_at(f, &recovered, &(struct exchange_place){8, &hash}), ERROR_NONE);
    assert_int_equal(head(f)->seq, 9);
    start(f, &recovered);
    assert_int_equal(f->base.store.operations->entries(f->base.store.self, &f->base.own.chain.feed,
                                                       1, UINT64_MAX, count_contents, &contents,
                                                       NULL),
                     ERROR_NONE);
    assert_int_equal(contents.count, 9);
    assert_int_equal(contents.with_content, 9 - 1 - 3); /* without 2, and 6, 7, 8 */
    assert_int_equal(f->base.exchange->own->missing, 3);
    assert_int_equal(publish(f, 10), ERROR_NONE);
    institution_finish(&recovered);
    buffer_finish(&entry);
}

static void test_certify__a_commit_that_fails_takes_all_back(void **state)
{
    struct fixture *f = *state;
    struct institution recovered;

    prepare(&recovered, 1, true);
    for (uint8_t i = 1; i < 4; i++)
        assert_int_equal(publish(f, i), ERROR_NONE);
    no_commit = true;
    assert_int_equal(certify(f, &f->next, 2), ERROR_IO);
    no_commit = false;
    assert_int_equal(head(f)->seq, 4);
    assert_int_equal(head(f)->certificate, 1);
    assert_int_equal(quarantined(f), 0);
    /* The former key signs again, requests are answered, and another certificate may come. */
    assert_int_equal(publish(f, 3), ERROR_NONE);
    assert_true(f->out.repeated);
    assert_int_equal(publish(f, 4), ERROR_NONE);
    assert_int_equal(f->base.exchange->own->chain.count, 1);
    assert_int_equal(certify(f, &recovered, 0), ERROR_NONE);
    assert_int_equal(publish(f, 5), ERROR_NONE);
    institution_finish(&recovered);
}

/* Another node with newer keys has run our feed: what this one signs would break it. */
static void test_certify__a_key_that_is_not_in_force_publishes_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(certify(f, &f->next, 0), ERROR_NONE);
    start(f, &f->base.own);
    assert_int_equal(exchange_publishing(f->base.exchange), EXCHANGE_REPLACED);
    assert_int_equal(exchange_own_certificate(f->base.exchange), 2);
    assert_int_equal(exchange_own_key_certificate(f->base.exchange), 1);
    assert_int_equal(publish(f, 1), ERROR_FROZEN);
    assert_non_null(
        strstr(f->base.error.text, "keys/ has older keys than certificate 2 of our own feed"));
    /* The root key is at hand: it goes on with a new certificate. */
    assert_int_equal(certify(f, &f->after_next, 0), ERROR_NONE);
    assert_int_equal(exchange_own_certificate(f->base.exchange), 3);
    assert_int_equal(exchange_own_key_certificate(f->base.exchange), 3);
    assert_int_equal(publish(f, 1), ERROR_NONE);
}

/* Somebody has recovered the feed elsewhere, while we publish. */
static void test_certify__what_is_just_being_published_goes_aside_with_the_rest(void **state)
{
    struct fixture *f = *state;
    struct institution recovered;
    struct span chain[2];

    prepare(&recovered, 1, true);
    for (size_t i = 0; i < 2; i++)
        chain[i] = buffer_span(&recovered.chain.encoded[i]);
    assert_int_equal(publish(f, 1), ERROR_NONE);
    assert_int_equal(certify(f, &f->next, 0), ERROR_NONE);
    start(f, &f->next);
    exchange_fixture_begin(&f->base);
    assert_int_equal(exchange_publish(f->base.exchange, ANNOUNCEMENT, span_of_text("a call"), NULL,
                                      &f->out, NULL),
                     ERROR_NONE);
    assert_int_equal(f->out.seq, 4);
    assert_int_equal(
        feed_take_certificates(f->base.exchange, f->base.exchange->own, chain, 2, NULL),
        ERROR_NONE);
    exchange_fixture_commit(&f->base);
    assert_int_equal(head(f)->seq, 2);
    assert_int_equal(quarantined(f), 2);
    assert_int_equal(exchange_publishing(f->base.exchange), EXCHANGE_FROZEN);
    institution_finish(&recovered);
}

static void test_certify__ends_a_fork(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(publish(f, 1), ERROR_NONE);
    f->base.exchange->own->diverged = true;
    exchange_fixture_begin(&f->base);
    assert_int_equal(f->base.store.operations->put_frozen(f->base.store.self,
                                                          &f->base.own.chain.feed, true, NULL),
                     ERROR_NONE);
    f->base.exchange->own->frozen = true;
    exchange_fixture_commit(&f->base);
    assert_int_equal(publish(f, 2), ERROR_FROZEN);
    assert_int_equal(certify(f, &f->next, 0), ERROR_NONE);
    assert_int_equal(exchange_publishing(f->base.exchange), EXCHANGE_OPEN);
    /* Else a partner that claims to have more of our own entries could hold us for good. */
    assert_false(f->base.exchange->own->diverged);
    start(f, &f->next);
    assert_int_equal(publish(f, 2), ERROR_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_certify__rotates_behind_the_head),
        TEST(test_certify__after_a_theft_goes_on_behind_the_last_good_entry),
        TEST(test_certify__refuses_what_would_not_hold),
        TEST(test_certify__recovers_from_what_the_root_key_signed),
        TEST(test_certify__brings_quarantined_entries_back),
        TEST(test_certify__brings_back_without_contents_that_went),
        TEST(test_certify__a_commit_that_fails_takes_all_back),
        TEST(test_certify__a_key_that_is_not_in_force_publishes_nothing),
        TEST(test_certify__what_is_just_being_published_goes_aside_with_the_rest),
        TEST(test_certify__ends_a_fork),
    };

    return cmocka_run_group_tests_name("certify", tests, NULL, NULL);
}
