#include "node/core/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/ledger/ledger.h"
#include "tests/support/institution.h"

#define ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT

struct fixture {
    struct store writer, reader;
    struct institution publisher;
    struct policy *policy;
    struct id self, peer;
    Caravan__SyncMessage *answer;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    memset(&f->self, 1, sizeof f->self);
    memset(&f->peer, 2, sizeof f->peer);
    institution_init(&f->publisher, 1);
    if (ledger_memory_create(&f->writer, NULL) ||
        ledger_memory_open_reader(&f->writer, &f->reader, NULL) ||
        policy_create(&f->self, &f->policy, NULL) ||
        policy_serve(f->policy, &f->publisher.chain.feed, true, NULL))
        return 1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->answer)
        caravan__sync_message__free_unpacked(f->answer, NULL);
    f->reader.operations->destroy(f->reader.self);
    f->writer.operations->destroy(f->writer.self);
    institution_finish(&f->publisher);
    policy_destroy(f->policy);
    free(f);
    return 0;
}

static void put_row(struct fixture *f, struct store_entry *row)
{
    assert_int_equal(f->writer.operations->begin(f->writer.self, NULL), ERROR_NONE);
    assert_int_equal(f->writer.operations->append(f->writer.self, row, 1, NULL), ERROR_NONE);
    assert_int_equal(f->writer.operations->commit(f->writer.self, NULL), ERROR_NONE);
}

/* Keeps SignedEntry bytes; signed_too: with their signature. */
static void keep(struct fixture *f, struct buffer *bytes, bool signed_too)
{
    struct store_entry row = {.certificate = 1};

    assert_int_equal(entry_parse_bytes(buffer_span(bytes), INSTITUTION_NETWORK, &row.entry, NULL),
                     ERROR_NONE);
    row.entry.signature_checked = signed_too;
    put_row(f, &row);
    buffer_finish(bytes);
}

static void certify(struct fixture *f)
{
    struct buffer bytes = {0};

    institution_certify(&f->publisher, false, &bytes);
    keep(f, &bytes, true);
}

static void say(struct fixture *f, struct span content, bool signed_too)
{
    struct buffer bytes = {0};

    institution_append(&f->publisher, ANNOUNCEMENT, content, &bytes);
    keep(f, &bytes, signed_too || f->publisher.head.seq % LIMIT_ANCHOR_INTERVAL == 0);
}

static const Caravan__SyncMessage *ask(struct fixture *f, const Caravan__SyncMessage *question)
{
    struct buffer answer = {0};

    assert_int_equal(serve_answer(&f->reader, f->policy, &f->peer, question, &answer, NULL),
                     ERROR_NONE);
    assert_true(answer.size <= LIMIT_MESSAGE_SIZE);
    /* What waits for a slow peer is counted by its size: it holds no more than about that. */
    assert_true(answer.capacity <= 2 * answer.size + 256);
    if (f->answer)
        caravan__sync_message__free_unpacked(f->answer, NULL);
    f->answer = caravan__sync_message__unpack(NULL, answer.size, answer.data);
    assert_non_null(f->answer);
    buffer_finish(&answer);
    return f->answer;
}

static const Caravan__SyncMessage *pull(struct fixture *f, const struct id *feed, uint64_t first,
                                        uint64_t last)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Pull body = CARAVAN__PULL__INIT;

    body.has_request = body.has_feed = body.has_first = body.has_last = true;
    body.request = 77;
    body.feed = fields_binary(span_of_id(feed));
    body.first = first;
    body.last = last;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_PULL;
    message.pull = &body;
    return ask(f, &message);
}

/* Checks the run as any receiver does, with the certificate in force before it. Returns how many
 * entries it keeps. */
static size_t check_run(struct fixture *f, uint64_t first, uint64_t last, uint64_t certificate)
{
    const Caravan__SyncMessage *answer = pull(f, &f->publisher.chain.feed, first, last);
    struct entry_run run = {0};
    struct buffer bytes = {0};
    struct error error;
    size_t kept;

    assert_int_equal(answer->body_case, CARAVAN__SYNC_MESSAGE__BODY_RUN);
    assert_int_equal(answer->run->request, 77);
    if (answer->run->n_entries == 0)
        return 0;
    assert_true(fields_pack(&answer->run->base, &bytes));
    if (entry_run_read(buffer_span(&bytes), INSTITUTION_NETWORK, &run, &error) ||
        entry_run_check(&run, &f->publisher.chain, certificate, &error))
        fail_msg("%s", error.text);
    assert_int_equal(run.entries[0].seq, first);
    kept = run.kept;
    entry_run_finish(&run);
    buffer_finish(&bytes);
    return kept;
}

static void test_serve__a_run_ends_at_the_last_signature(void **state)
{
    struct fixture *f = *state;

    certify(f);
    for (unsigned i = 2; i <= 20; i++)
        say(f, span_of_text("a visit"), i == 7 || i == 15);
    assert_int_equal(check_run(f, 2, 20, 1), 14); /* 2 … 15 */
    assert_int_equal(check_run(f, 2, 14, 1), 6);  /* 2 … 7 */
    assert_int_equal(check_run(f, 15, 15, 1), 1);
    /* No signature behind 15: nothing that anybody could check. */
    assert_int_equal(check_run(f, 16, 20, 1), 0);
    assert_int_equal(check_run(f, 99, 120, 1), 0);
    assert_int_equal(check_run(f, 9, 3, 1), 0);
    assert_int_equal(check_run(f, 16, UINT64_MAX, 1), 0);
    assert_int_equal(check_run(f, 2, UINT64_MAX, 1), 14);
}

static void test_serve__unsigned_entries_bring_their_proof(void **state)
{
    struct fixture *f = *state;

    certify(f);
    for (unsigned i = 2; i <= 12; i++)
        say(f, span_of_text("a visit"), i == 12);
    assert_int_equal(check_run(f, 3, 4, 1), 2);
    assert_int_equal(f->answer->run->n_entries, 10);
    assert_int_equal(f->answer->run->proof_from, 5);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(f->answer->run->entries[i]->has_content, i < 2);
    /* The longest proof there can be: from one anchor to the next. */
    for (unsigned i = 13; i <= 512; i++)
        say(f, span_of_text("a visit"), false);
    assert_int_equal(check_run(f, 257, 257, 1), 1);
    assert_int_equal(f->answer->run->n_entries, 256);
    assert_true(LIMIT_PROOF_SIZE >= LIMIT_ANCHOR_INTERVAL * (LIMIT_ENTRY_SIZE + 64 + 16));
}

static void test_serve__a_certificate_ends_a_run(void **state)
{
    struct fixture *f = *state;

    certify(f);
    say(f, span_of_text("a visit"), true);
    say(f, span_of_text("a visit"), false);
    certify(f); /* No. 4 */
    say(f, span_of_text("a lab"), true);
    assert_int_equal(check_run(f, 1, UINT64_MAX, 0), 1);
    assert_int_equal(check_run(f, 2, UINT64_MAX, 1), 3);
    assert_int_equal(check_run(f, 5, UINT64_MAX, 2), 1);
    /* As a proof it keeps its content, or nobody could check its signature. */
    assert_int_equal(check_run(f, 3, 3, 1), 1);
    assert_int_equal(f->answer->run->proof_from, 4);
    assert_true(f->answer->run->entries[1]->has_content);
}

static void test_serve__large_contents_come_in_several_runs(void **state)
{
    struct fixture *f = *state;
    uint8_t *content = calloc(1, LIMIT_CONTENT_SIZE);
    unsigned runs = 0;
    uint64_t next = 2;

    certify(f);
    for (unsigned i = 2; i <= 60; i++)
        say(f, span_of(content, LIMIT_CONTENT_SIZE), i % 9 == 0 || i == 60);
    while (next <= 60) {
        size_t kept = check_run(f, next, 60, 1);

        assert_true(kept > 0);
        next += kept;
        runs++;
    }
    assert_true(runs >= 4 && runs < 12);
    /* Many, none of them signed, and large: what fits, and the proof. */
    for (unsigned i = 61; i <= 100; i++)
        say(f, span_of(content, LIMIT_CONTENT_SIZE), i == 100);
    assert_true(check_run(f, 61, 100, 1) >= 5);
    assert_true(f->answer->run->proof_from > 61);
    free(content);
}

static void test_serve__small_entries_are_bounded_in_number(void **state)
{
    struct fixture *f = *state;

    certify(f);
    for (unsigned i = 2; i <= 4200; i++)
        say(f, span_of("", 0), true);
    assert_true(check_run(f, 2, UINT64_MAX, 1) > 2000);
    assert_true(f->answer->run->n_entries <= LIMIT_RUN_ENTRIES);
}

static void check_refusal(const Caravan__SyncMessage *answer, const char *code)
{
    assert_int_equal(answer->body_case, CARAVAN__SYNC_MESSAGE__BODY_REFUSAL);
    assert_string_equal(answer->refusal->code, code);
    assert_int_equal(answer->refusal->request, 77);
}

static void test_serve__only_what_is_handed_on_is_served(void **state)
{
    struct fixture *f = *state;
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Pull body = CARAVAN__PULL__INIT;
    Caravan__CertificatesRequest certificates = CARAVAN__CERTIFICATES_REQUEST__INIT;

    certify(f);
    assert_int_equal(check_run(f, 1, 1, 0), 1);
    policy_serve(f->policy, &f->publisher.chain.feed, false, NULL);
    check_refusal(pull(f, &f->publisher.chain.feed, 1, 1), "unknown-feed");
    /* To the publisher itself everything of its own is given back. */
    f->peer = f->publisher.chain.feed;
    assert_int_equal(check_run(f, 1, 1, 0), 1);
    body.has_request = body.has_feed = true;
    body.request = 77;
    body.feed = fields_binary(span_of_text("short"));
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_PULL;
    message.pull = &body;
    check_refusal(ask(f, &message), "malformed");
    body.has_feed = false;
    check_refusal(ask(f, &message), "malformed");
    certificates.has_request = true;
    certificates.request = 77;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES_REQUEST;
    message.certificates_request = &certificates;
    check_refusal(ask(f, &message), "malformed");
}

/* --- heads --------------------------------------------------------------------------------------
 */

/* A feed of one entry that only its row says something of. */
static void add_feed(struct fixture *f, unsigned number, bool serve)
{
    struct store_entry row = {.certificate = 1};

    snprintf((char *)row.entry.feed.bytes, sizeof row.entry.feed.bytes, "feed %u", number);
    row.entry.seq = 1;
    row.entry.bytes = span_of_text("x");
    row.entry.content_type = ANNOUNCEMENT;
    row.entry.hash = row.entry.feed;
    put_row(f, &row);
    assert_int_equal(policy_serve(f->policy, &row.entry.feed, serve, NULL), ERROR_NONE);
}

static const Caravan__Heads *ask_heads(struct fixture *f, struct span ledger, uint64_t after)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__HeadsRequest body = CARAVAN__HEADS_REQUEST__INIT;
    const Caravan__SyncMessage *answer;

    body.has_ledger = body.has_after = true;
    body.ledger = fields_binary(ledger);
    body.after = after;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS_REQUEST;
    message.heads_request = &body;
    answer = ask(f, &message);
    assert_int_equal(answer->body_case, CARAVAN__SYNC_MESSAGE__BODY_HEADS);
    return answer->heads;
}

static void test_serve__heads_come_in_pages_and_only_what_may_be_read(void **state)
{
    struct fixture *f = *state;
    const unsigned count = 2 * LIMIT_HEADS_PER_MESSAGE + 10;
    uint8_t ledger[16];
    const Caravan__Heads *heads;
    size_t told = 0;
    unsigned pages = 0;

    for (unsigned i = 0; i < count; i++)
        add_feed(f, i, i % 2 == 0);
    heads = ask_heads(f, span_of("", 0), 0);
    memcpy(ledger, heads->ledger.data, sizeof ledger);
    for (;;) {
        told += heads->n_heads;
        pages++;
        if (!heads->more)
            break;
        heads = ask_heads(f, span_of(ledger, sizeof ledger), heads->arrival);
    }
    assert_int_equal(told, count / 2);
    assert_int_equal(pages, 3);
    assert_int_equal(heads->arrival, count);
    /* Nothing new: nothing said. */
    heads = ask_heads(f, span_of(ledger, sizeof ledger), count);
    assert_int_equal(heads->n_heads, 0);
    assert_int_equal(heads->arrival, count);
    add_feed(f, 1000000, false);
    heads = ask_heads(f, span_of(ledger, sizeof ledger), count);
    assert_int_equal(heads->n_heads, 0);
    assert_int_equal(heads->arrival, count + 1);
}

static void test_serve__heads_with_long_statements_fit_their_message(void **state)
{
    struct fixture *f = *state;
    uint8_t statement[LIMIT_STATEMENT_SIZE], ledger[16];
    const Caravan__Heads *heads;
    size_t told = 0;
    unsigned pages = 0;

    /* A SignedHead with 1,021 bytes of "statement". */
    memset(statement, 'x', sizeof statement);
    memcpy(statement, "\x0a\xfd\x07", 3);
    for (unsigned i = 0; i < LIMIT_HEADS_PER_MESSAGE; i++) {
        struct id feed = {0};

        add_feed(f, i, true);
        snprintf((char *)feed.bytes, sizeof feed.bytes, "feed %u", i);
        policy_set_statement(f->policy, &feed, span_of(statement, sizeof statement), NULL);
    }
    heads = ask_heads(f, span_of("", 0), 0); /* which checks the size of the answer */
    memcpy(ledger, heads->ledger.data, sizeof ledger);
    for (;;) {
        told += heads->n_heads;
        pages++;
        if (!heads->more)
            break;
        heads = ask_heads(f, span_of(ledger, sizeof ledger), heads->arrival);
    }
    assert_int_equal(told, LIMIT_HEADS_PER_MESSAGE);
    assert_int_equal(pages, 3);
}

static void test_serve__another_ledger_is_told_from_the_start(void **state)
{
    struct fixture *f = *state;
    uint8_t ledger[16];
    const Caravan__Heads *heads;

    add_feed(f, 1, true);
    add_feed(f, 2, false);
    heads = ask_heads(f, span_of("sixteen bytes !!", 16), 2);
    assert_int_equal(heads->n_heads, 1);
    memcpy(ledger, heads->ledger.data, sizeof ledger);
    assert_int_equal(ask_heads(f, span_of(ledger, 16), 2)->n_heads, 0);
    /* Feed 2 has not moved, but is handed on from now on: whoever had asked up to 2 hears of it. */
    add_feed(f, 3, false);
    policy_serve(f->policy, &(struct id){.bytes = "feed 2"}, true, NULL);
    assert_int_equal(ask_heads(f, span_of(ledger, 16), 3)->n_heads, 2);
}

static void test_serve__a_head_carries_the_newest_statement(void **state)
{
    struct fixture *f = *state;
    struct buffer statement = {0};
    const Caravan__Heads *heads;
    struct entry_head head;
    uint64_t as_of;

    certify(f);
    assert_int_equal(entry_head_sign(&f->publisher.head, INSTITUTION_NETWORK, 5, f->publisher.node,
                                     &statement, NULL),
                     ERROR_NONE);
    policy_set_statement(f->policy, &f->publisher.chain.feed, buffer_span(&statement), NULL);
    buffer_clear(&statement);
    heads = ask_heads(f, span_of("", 0), 0);
    assert_int_equal(heads->n_heads, 1);
    assert_non_null(heads->heads[0]->statement);
    assert_true(fields_pack(&heads->heads[0]->statement->base, &statement));
    assert_int_equal(
        entry_head_check(buffer_span(&statement), &f->publisher.chain, &head, &as_of, NULL),
        ERROR_NONE);
    assert_int_equal(as_of, 5);
    buffer_finish(&statement);
}

static void test_serve__a_long_refusal_is_cut_between_characters(void **state)
{
    struct error reason;
    struct buffer bytes = {0};
    Caravan__SyncMessage *message;
    char text[601];

    (void)state;
    text[0] = 'x';
    for (size_t i = 1; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xe2\x89\xa4", 4);
    error_set(&reason, ERROR_DENIED, "%s", text);
    assert_true(serve_refusal(0, NULL, 0, &reason, &bytes));
    message = caravan__sync_message__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(message);
    assert_false(message->refusal->has_request);
    assert_int_equal(strlen(message->refusal->text), 499);
    caravan__sync_message__free_unpacked(message, NULL);
    buffer_finish(&bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_serve__a_run_ends_at_the_last_signature),
        TEST(test_serve__unsigned_entries_bring_their_proof),
        TEST(test_serve__a_certificate_ends_a_run),
        TEST(test_serve__large_contents_come_in_several_runs),
        TEST(test_serve__small_entries_are_bounded_in_number),
        TEST(test_serve__only_what_is_handed_on_is_served),
        TEST(test_serve__heads_come_in_pages_and_only_what_may_be_read),
        TEST(test_serve__heads_with_long_statements_fit_their_message),
        TEST(test_serve__another_ledger_is_told_from_the_start),
        TEST(test_serve__a_head_carries_the_newest_statement),
        TEST(test_serve__a_long_refusal_is_cut_between_characters),
    };

    return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
