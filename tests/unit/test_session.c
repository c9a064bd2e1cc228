/* session: what a message may cost, over an exchange on a ledger in memory that counts how often it
 * is asked for entries. A is the partner who speaks; B is another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/core/state.h"
#include "tests/support/exchange_fixture.h"

enum { OWN, A, B, PARTIES };

#define HELD 6 /* entries of B that we hold */

struct fixture {
    struct exchange_fixture base; /* whose own institution is OWN */
    struct institution partners[PARTIES];
    struct buffer entries[PARTIES]; /* entry 1 of the partners */
    struct id second;               /* the hash of B's entry 2 */
    unsigned reads, pulls, refusals;
    char code[32]; /* of the last refusal */
};

static struct fixture *the_fixture; /* a store has no room for one */

static const struct institution *institution_of(const struct fixture *f, unsigned party)
{
    return party == OWN ? &f->base.own : &f->partners[party];
}

static const struct id *feed_id(const struct fixture *f, unsigned party)
{
    return &institution_of(f, party)->chain.feed;
}

static struct feed *feed_of(struct fixture *f, unsigned party)
{
    return feed_find(f->base.exchange, feed_id(f, party));
}

static bool bus_send(void *self, const struct id *partner, struct span bytes)
{
    struct fixture *f = self;
    Caravan__SyncMessage *message = caravan__sync_message__unpack(NULL, bytes.size, bytes.data);

    (void)partner;
    assert_non_null(message);
    f->pulls += message->body_case == CARAVAN__SYNC_MESSAGE__BODY_PULL;
    if (message->body_case == CARAVAN__SYNC_MESSAGE__BODY_REFUSAL) {
        f->refusals++;
        snprintf(f->code, sizeof f->code, "%s", message->refusal->code);
    }
    caravan__sync_message__free_unpacked(message, NULL);
    return true;
}

static int count_entries(void *self, const struct id *feed, uint64_t first, uint64_t last,
                         store_entry_visitor visit, void *context, struct error *error)
{
    the_fixture->reads++;
    return the_fixture->base.real->entries(self, feed, first, last, visit, context, error);
}

/* B's entries, as from a file. */
static void hold(struct fixture *f)
{
    struct institution *b = &f->partners[B];
    struct buffer entries[HELD - 1] = {0}, run = {0};
    uint64_t added, known, head;

    institution_run(b, &f->entries[B], 1, 0, &run);
    assert_int_equal(exchange_import(f->base.exchange, span_of(NULL, 0), buffer_span(&run), &added,
                                     &known, &head, NULL),
                     ERROR_NONE);
    for (unsigned i = 0; i < HELD - 1; i++) {
        institution_say(b, "a visit", &entries[i]);
        if (i == 0)
            f->second = b->head.hash;
    }
    buffer_clear(&run);
    institution_run(b, entries, HELD - 1, 0, &run);
    assert_int_equal(exchange_import(f->base.exchange, span_of(NULL, 0), buffer_span(&run), &added,
                                     &known, &head, NULL),
                     ERROR_NONE);
    assert_int_equal(head, HELD);
    for (unsigned i = 0; i < HELD - 1; i++)
        buffer_finish(&entries[i]);
    buffer_finish(&run);
}

static void start(struct fixture *f)
{
    exchange_fixture_start(&f->base);
    assert_int_equal(exchange_fixture_accept(&f->base, &f->partners[A].chain, "cn-aa"), ERROR_NONE);
    assert_int_equal(exchange_fixture_accept(&f->base, &f->partners[B].chain, "ru-bb"), ERROR_NONE);
    exchange_fixture_begin(&f->base);
    hold(f);
    exchange_link(f->base.exchange, feed_id(f, A), EXCHANGE_SYNC_IN, true, "", "");
    exchange_fixture_commit(&f->base);
    f->reads = 0;
}

static int setup(void **state)
{
    struct fixture *f = the_fixture = calloc(1, sizeof *f);

    assert_non_null(f);
    exchange_fixture_init(&f->base);
    f->base.operations.entries = count_entries;
    f->base.config.bus.self = f;
    f->base.config.bus.send = bus_send;
    for (unsigned i = A; i < PARTIES; i++) {
        institution_init(&f->partners[i], (uint8_t)(i + 1));
        institution_certify(&f->partners[i], false, &f->entries[i]);
    }
    start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    exchange_fixture_finish(&f->base);
    for (unsigned i = A; i < PARTIES; i++) {
        institution_finish(&f->partners[i]);
        buffer_finish(&f->entries[i]);
    }
    free(f);
    return 0;
}

/* --- what A says --------------------------------------------------------------------------------
 */

struct said {
    struct entry_head head;
    uint64_t as_of_ms; /* of a statement of that head; 0: none */
    unsigned signer;
};

static Caravan__SignedHead *sign(const struct fixture *f, const struct said *said)
{
    struct buffer bytes = {0};
    Caravan__SignedHead *statement;

    assert_int_equal(entry_head_sign(&said->head, INSTITUTION_NETWORK, said->as_of_ms,
                                     institution_of(f, said->signer)->node, &bytes, NULL),
                     ERROR_NONE);
    statement = caravan__signed_head__unpack(NULL, bytes.size, bytes.data);
    buffer_finish(&bytes);
    assert_non_null(statement);
    return statement;
}

static Caravan__FeedHead *make_head(const struct fixture *f, const struct said *said)
{
    Caravan__FeedHead *feed_head = calloc(1, sizeof *feed_head);
    Caravan__Head *head = calloc(1, sizeof *head);

    caravan__feed_head__init(feed_head);
    caravan__head__init(head);
    head->has_feed = head->has_certificate_number = head->has_seq = head->has_hash = true;
    head->feed = fields_binary(span_of_id(&said->head.feed));
    head->certificate_number = said->head.certificate;
    head->seq = said->head.seq;
    head->hash = fields_binary(span_of_id(&said->head.hash));
    feed_head->head = head;
    if (said->as_of_ms)
        feed_head->statement = sign(f, said);
    return feed_head;
}

static void free_head(Caravan__FeedHead *feed_head)
{
    if (feed_head->statement)
        caravan__signed_head__free_unpacked(feed_head->statement, NULL);
    free(feed_head->head);
    free(feed_head);
}

static void give(struct fixture *f, const Caravan__SyncMessage *message)
{
    struct buffer bytes = {0};

    assert_true(fields_pack(&message->base, &bytes));
    exchange_fixture_hear(&f->base, feed_id(f, A), NULL, &bytes);
}

/* All of it in one message, each so many times. */
static void say(struct fixture *f, const struct said *said, size_t count, size_t times)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Heads heads = CARAVAN__HEADS__INIT;

    heads.n_heads = count * times;
    heads.heads = calloc(heads.n_heads, sizeof *heads.heads);
    assert_non_null(heads.heads);
    for (size_t i = 0; i < heads.n_heads; i++)
        heads.heads[i] = make_head(f, &said[i % count]);
    heads.has_unasked = heads.unasked = true;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS;
    message.heads = &heads;
    give(f, &message);
    for (size_t i = 0; i < heads.n_heads; i++)
        free_head(heads.heads[i]);
    free(heads.heads);
}

static struct said head_of(const struct fixture *f, unsigned party, uint64_t seq)
{
    return (struct said){.head = {*feed_id(f, party), 1, seq, {{0}}, 0}, .signer = party};
}

static const char *trouble(struct fixture *f)
{
    return feed_of(f, A)->partner->trouble;
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void test_session__a_feed_is_looked_at_once_in_a_message(void **state)
{
    struct fixture *f = *state;
    struct said said = head_of(f, B, 2);

    said.head.hash = f->second; /* the true one: it is read, and nothing follows */
    say(f, &said, 1, 100);
    assert_int_equal(f->reads, 1);
    say(f, &said, 1, 1);
    assert_int_equal(f->reads, 2);
    assert_int_equal(f->pulls, 0);
}

static void test_session__wrong_hashes_are_compared_when_they_can_be_followed_up(void **state)
{
    struct fixture *f = *state;
    struct said said = head_of(f, B, 2);

    for (unsigned i = 0; i < 20; i++)
        say(f, &said, 1, 1);
    /* One was, and A was asked for the entry that it speaks of. */
    assert_int_equal(f->reads, 1);
    assert_int_equal(f->pulls, 1);
}

static void test_session__statements_are_checked_up_to_the_first_wrong_one(void **state)
{
    struct fixture *f = *state;
    struct said said[2] = {head_of(f, A, 1), head_of(f, B, 9)};

    said[0].as_of_ms = said[1].as_of_ms = 5;
    said[0].signer = B; /* in A's name */
    say(f, said, 2, 1);
    assert_non_null(strstr(trouble(f), "bad-signature"));
    assert_int_equal(feed_of(f, A)->stated.seq, 0);
    assert_int_equal(feed_of(f, B)->stated.seq, 0);
    /* The heads count: an honest partner may know another branch of a publisher's certificates. A
     * is asked for both feeds. */
    assert_int_equal(f->pulls, 2);
    said[0].signer = A;
    say(f, said, 2, 1);
    assert_int_equal(feed_of(f, A)->stated.seq, 1);
    assert_int_equal(feed_of(f, B)->stated.seq, 9);
}

static void test_session__statements_that_tell_nothing_new_are_not_checked(void **state)
{
    struct fixture *f = *state;
    struct said said = head_of(f, B, HELD);

    said.as_of_ms = 5;
    say(f, &said, 1, 1);
    assert_int_equal(feed_of(f, B)->as_of_ms, 5);
    said.signer = A; /* not B's word: its check would fail */
    said.as_of_ms = 5;
    say(f, &said, 1, 1);
    said.head.seq = HELD - 1;
    said.as_of_ms = 6;
    say(f, &said, 1, 1);
    assert_string_equal(trouble(f), "");
    said.head.seq = HELD;
    say(f, &said, 1, 1);
    assert_non_null(strstr(trouble(f), "bad-signature"));
    assert_int_equal(feed_of(f, B)->as_of_ms, 5);
}

/* The same, where A says it on live. */
static void say_live(struct fixture *f, const struct said *said)
{
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct buffer bytes = {0};

    assert_int_equal(entry_head_sign(&said->head, INSTITUTION_NETWORK, said->as_of_ms,
                                     institution_of(f, said->signer)->node, &bytes, NULL),
                     ERROR_NONE);
    entry_topic_of_head(&said->head.feed, topic);
    exchange_fixture_hear(&f->base, feed_id(f, A), topic, &bytes);
}

static void test_session__live_statements_that_tell_nothing_new_are_not_checked(void **state)
{
    struct fixture *f = *state;
    struct said said = head_of(f, B, HELD), old[2] = {head_of(f, B, 2), head_of(f, B, 3)};

    said.as_of_ms = 5;
    say_live(f, &said);
    assert_int_equal(feed_of(f, B)->as_of_ms, 5);
    /* Two in turn, so that neither is the one that came last; not B's word: a check would fail. */
    for (unsigned i = 0; i < 4; i++) {
        old[i % 2].as_of_ms = 4;
        old[i % 2].signer = A;
        say_live(f, &old[i % 2]);
    }
    said.signer = A;
    say_live(f, &said);
    assert_string_equal(trouble(f), "");
    assert_int_equal(feed_of(f, B)->stated.seq, HELD);
    said.as_of_ms = 6;
    say_live(f, &said);
    assert_non_null(strstr(trouble(f), "bad-signature"));
    assert_int_equal(feed_of(f, B)->as_of_ms, 5);
    said.signer = B;
    say_live(f, &said);
    assert_int_equal(feed_of(f, B)->as_of_ms, 6);
}

static void test_session__too_many_heads_are_refused(void **state)
{
    struct fixture *f = *state;
    struct said said = head_of(f, B, 9);

    say(f, &said, 1, LIMIT_HEADS_PER_MESSAGE + 1);
    assert_int_equal(f->refusals, 1);
    assert_string_equal(f->code, "too-large");
    assert_non_null(strstr(trouble(f), "too-large"));
    assert_int_equal(f->pulls, 0); /* it was not listened to */
    say(f, &said, 1, LIMIT_HEADS_PER_MESSAGE);
    assert_int_equal(f->refusals, 1);
    assert_int_equal(f->pulls, 1);
}

/* --- who is asked -------------------------------------------------------------------------------
 */

static void set_in_flight(struct fixture *f, unsigned party, size_t size)
{
    struct partner *partner = feed_of(f, party)->partner;

    f->base.exchange->in_flight = f->base.exchange->in_flight - partner->in_flight + size;
    partner->in_flight = size;
    pulls_update(f->base.exchange, partner);
}

static void test_session__the_queue_is_not_searched_for_who_has_nothing(void **state)
{
    struct fixture *f = *state;
    struct said said[2] = {head_of(f, A, 50), head_of(f, B, 50)};
    struct feed *last = feed_of(f, B);

    /* Both wait for A, who has no more room; B is there, too, and has nothing that we lack. */
    set_in_flight(f, A, LIMIT_CREDIT_PER_PARTNER);
    say(f, said, 2, 1);
    exchange_link(f->base.exchange, feed_id(f, B), EXCHANGE_SYNC_IN, true, "", "");
    /* Who looks at it in the queue sees that it lacks nothing any more. */
    last->head.seq = 60;
    catchup_moved(f->base.exchange, last);
    say(f, said, 1, 1);
    assert_true(last->needy);
    assert_int_equal(f->pulls, 0);
    set_in_flight(f, A, 0);
    say(f, said, 1, 1);
    assert_int_equal(f->pulls, 1);
    assert_false(last->needy);
}

static void test_session__who_waits_for_room_is_asked_when_there_is_some(void **state)
{
    struct fixture *f = *state;
    struct said said[2] = {head_of(f, A, 50), head_of(f, B, 50)};
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Run run = CARAVAN__RUN__INIT;
    struct buffer bytes = {0};
    struct incoming *incoming;

    say(f, said, 1, 1);
    assert_int_equal(f->pulls, 1);
    f->base.exchange->in_flight += LIMIT_CREDIT_TOTAL;
    say(f, said + 1, 1, 1);
    assert_int_equal(f->pulls, 1);
    f->base.exchange->in_flight -= LIMIT_CREDIT_TOTAL;
    /* An answer makes room: at once, not only at the commit, and not after some time. */
    run.has_request = run.has_feed = true;
    run.request = feed_of(f, A)->pulls->request;
    run.feed = fields_binary(span_of_id(feed_id(f, A)));
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_RUN;
    message.run = &run;
    assert_true(fields_pack(&message.base, &bytes));
    incoming = incoming_create(feed_id(f, A), NULL, &bytes, INSTITUTION_NETWORK, f->base.keyring);
    exchange_fixture_begin(&f->base);
    exchange_incoming(f->base.exchange, incoming);
    assert_int_equal(f->pulls, 2);
    assert_non_null(feed_of(f, B)->pulls);
    exchange_fixture_commit(&f->base);
    incoming_destroy(incoming);
}

/* B's first certificate again and again, which is known. */
static void say_certificates(struct fixture *f, size_t count)
{
    const struct identity_chain *chain = &f->partners[B].chain;
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Certificates certificates = CARAVAN__CERTIFICATES__INIT;
    Caravan__SignedCertificate *list[LIMIT_CERTIFICATES + 1];

    list[0] =
        caravan__signed_certificate__unpack(NULL, chain->encoded[0].size, chain->encoded[0].data);
    assert_non_null(list[0]);
    for (size_t i = 1; i < count; i++)
        list[i] = list[0];
    certificates.has_feed = true;
    certificates.feed = fields_binary(span_of_id(&chain->feed));
    certificates.certificates = list;
    certificates.n_certificates = count;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES;
    message.certificates = &certificates;
    give(f, &message);
    caravan__signed_certificate__free_unpacked(list[0], NULL);
}

static void test_session__certificates_are_looked_at_as_many_as_a_feed_may_have(void **state)
{
    struct fixture *f = *state;

    say_certificates(f, LIMIT_CERTIFICATES);
    assert_string_equal(trouble(f), "");
    say_certificates(f, LIMIT_CERTIFICATES + 1);
    assert_non_null(strstr(trouble(f), "found 65 in one message, expected at most 64"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_session__a_feed_is_looked_at_once_in_a_message),
        TEST(test_session__wrong_hashes_are_compared_when_they_can_be_followed_up),
        TEST(test_session__statements_are_checked_up_to_the_first_wrong_one),
        TEST(test_session__statements_that_tell_nothing_new_are_not_checked),
        TEST(test_session__live_statements_that_tell_nothing_new_are_not_checked),
        TEST(test_session__too_many_heads_are_refused),
        TEST(test_session__the_queue_is_not_searched_for_who_has_nothing),
        TEST(test_session__who_waits_for_room_is_asked_when_there_is_some),
        TEST(test_session__certificates_are_looked_at_as_many_as_a_feed_may_have),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
