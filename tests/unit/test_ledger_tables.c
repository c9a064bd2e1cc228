/* The small tables of both implementations of struct store: certificates, conflicts, receipts,
 * cursors, requests and values. */
#include "tests/support/ledger_fixture.h"

#include <string.h>

struct certificates {
    struct store_certificate all[8];
    char text[8][16];
    size_t count;
};

static int see_certificate(void *context, const struct store_certificate *certificate)
{
    struct certificates *seen = context;

    assert_true(seen->count < 8 && certificate->encoded.size < 16);
    seen->all[seen->count] = *certificate;
    if (certificate->encoded.size)
        memcpy(seen->text[seen->count], certificate->encoded.data, certificate->encoded.size);
    return ++seen->count == 3;
}

static void put_certificate(struct ledger_fixture *f, uint64_t number, uint64_t seq,
                            const char *text)
{
    struct store_certificate certificate = {number, seq, span_of_text(text)};

    ok(call(f->writer, put_certificate, &f->a->feed, &certificate, &f->error));
}

static void test_ledger__replaces_certificates_by_number(void **state)
{
    struct ledger_fixture *f = *state;
    struct certificates seen = {0}, none = {0};
    struct store_feed feed;

    ledger_fixture_begin(f);
    put_certificate(f, 2, 0, "two");
    put_certificate(f, 1, 1, "one");
    put_certificate(f, 300, 0, "many");
    put_certificate(f, 2, 40, "two again");
    put_certificate(f, 1, 0, "one again"); /* its seq stays */
    put_certificate(f, 301, 0, "not visited");
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ok(call(f->writer, certificates, &f->a->feed, see_certificate, &seen, &f->error));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.all[0].number, 1);
    assert_int_equal(seen.all[0].seq, 1);
    assert_string_equal(seen.text[0], "one again");
    assert_int_equal(seen.all[1].number, 2);
    assert_int_equal(seen.all[1].seq, 40);
    assert_string_equal(seen.text[1], "two again");
    assert_int_equal(seen.all[2].number, 300);
    assert_int_equal(seen.all[2].seq, 0);
    ok(call(f->writer, certificates, &f->b->feed, see_certificate, &none, &f->error));
    assert_int_equal(none.count, 0);
    assert_int_equal(call(f->writer, get_feed, &f->a->feed, &feed, NULL), ERROR_NOT_FOUND);
}

struct conflicts {
    uint64_t certificates[8], seqs[8];
    char kept[8][16], other[8][16];
    size_t count;
};

static int see_conflict(void *context, const struct store_conflict *conflict)
{
    struct conflicts *seen = context;

    assert_true(seen->count < 8);
    seen->certificates[seen->count] = conflict->certificate;
    seen->seqs[seen->count] = conflict->seq;
    memcpy(seen->kept[seen->count], conflict->kept.data, conflict->kept.size);
    memcpy(seen->other[seen->count], conflict->other.data, conflict->other.size);
    return ++seen->count == 3;
}

static void test_ledger__keeps_one_conflict_per_certificate(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_conflict conflict = {f->a->feed, 2, 10, span_of_text("kept"),
                                      span_of_text("other")};
    struct conflicts seen = {0};

    ledger_fixture_begin(f);
    ok(call(f->writer, put_conflict, &conflict, &f->error));
    conflict.seq = 11;
    conflict.kept = span_of_text("second");
    ok(call(f->writer, put_conflict, &conflict, &f->error)); /* not kept */
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    conflict.seq = 12;
    ok(call(f->writer, put_conflict, &conflict, &f->error)); /* nor this */
    conflict.certificate = 1;
    conflict.kept = span_of_text("first");
    ok(call(f->writer, put_conflict, &conflict, &f->error));
    conflict.certificate = 3;
    ok(call(f->writer, put_conflict, &conflict, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ok(call(f->writer, conflicts, see_conflict, &seen, &f->error));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.certificates[0], 1);
    assert_string_equal(seen.kept[0], "first");
    assert_int_equal(seen.certificates[1], 2);
    assert_int_equal(seen.seqs[1], 10);
    assert_string_equal(seen.kept[1], "kept");
    assert_string_equal(seen.other[1], "other");
}

struct receipts {
    struct store_receipt all[4];
    char text[4][16];
    size_t count;
};

static int see_receipt(void *context, const struct store_receipt *receipt)
{
    struct receipts *seen = context;

    assert_true(seen->count < 4);
    seen->all[seen->count] = *receipt;
    memcpy(seen->text[seen->count], receipt->encoded.data, receipt->encoded.size);
    return ++seen->count == 2;
}

static void test_ledger__replaces_a_receivers_receipt(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_receipt receipt = {f->a->feed,    f->b->feed,         1, 20, 3, UINT64_MAX,
                                    1700000000000, span_of_text("new")};
    struct store_receipt old = receipt, other = receipt, foreign = receipt;
    struct receipts seen = {0};

    old.seq = 30;
    old.counter = 1;
    old.encoded = span_of_text("old");
    other.receiver = f->a->feed;
    foreign.feed = f->b->feed;
    ledger_fixture_begin(f);
    ok(call(f->writer, put_receipt, &old, &f->error));
    ok(call(f->writer, put_receipt, &foreign, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_receipt, &receipt, &f->error)); /* even with a lower seq */
    ok(call(f->writer, put_receipt, &other, &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ok(call(f->writer, receipts, &f->a->feed, see_receipt, &seen, &f->error));
    assert_int_equal(seen.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct store_receipt *got = &seen.all[i];

        assert_true(id_equal(&got->feed, &f->a->feed));
        assert_int_equal(got->certificate, 1);
        assert_int_equal(got->seq, 20);
        assert_int_equal(got->missing, 3);
        assert_true(got->counter == UINT64_MAX);
        assert_int_equal(got->received_ms, 1700000000000);
        assert_string_equal(seen.text[i], "new");
    }
    assert_false(id_equal(&seen.all[0].receiver, &seen.all[1].receiver));
}

static void test_ledger__keeps_cursors_requests_and_values(void **state)
{
    struct ledger_fixture *f = *state;
    uint8_t ledger[16] = {1, 2, 3}, other[16] = {9}, got[16], request[16] = {7};
    struct buffer value = {0};
    uint64_t number = 5;

    assert_int_equal(call(f->writer, get_cursor, &f->a->feed, got, &number, NULL), ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, get_request, request, &number, NULL), ERROR_NOT_FOUND);
    assert_int_equal(call(f->writer, get_value, "x", &value, NULL), ERROR_NOT_FOUND);
    assert_int_equal(number, 5);
    ledger_fixture_begin(f);
    ok(call(f->writer, put_cursor, &f->a->feed, other, 1, &f->error));
    ok(call(f->writer, put_cursor, &f->a->feed, ledger, UINT64_MAX, &f->error));
    ok(call(f->writer, put_request, request, 42, &f->error));
    assert_int_equal(call(f->writer, put_request, request, 43, &f->error), ERROR_EXISTS);
    ok(call(f->writer, put_value, "x", span_of("a\0b", 3), &f->error));
    ok(call(f->writer, put_value, "empty", span_of(NULL, 0), &f->error));
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    ledger_fixture_begin(f);
    assert_int_equal(call(f->writer, put_request, request, 44, &f->error), ERROR_EXISTS);
    ledger_fixture_commit(f);
    ok(call(f->writer, get_cursor, &f->a->feed, got, &number, &f->error));
    assert_memory_equal(got, ledger, sizeof got);
    assert_true(number == UINT64_MAX);
    ok(call(f->writer, get_request, request, &number, &f->error));
    assert_int_equal(number, 42);
    assert_true(buffer_append_text(&value, "replaced"));
    ok(call(f->writer, get_value, "x", &value, &f->error));
    assert_true(span_equal(buffer_span(&value), span_of("a\0b", 3)));
    ok(call(f->writer, get_value, "empty", &value, &f->error));
    assert_int_equal(value.size, 0);
    assert_int_equal(call(f->writer, get_value, "X", &value, NULL), ERROR_NOT_FOUND);
    buffer_finish(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger__replaces_certificates_by_number),
        LEDGER_FIXTURE_BOTH(test_ledger__keeps_one_conflict_per_certificate),
        LEDGER_FIXTURE_BOTH(test_ledger__replaces_a_receivers_receipt),
        LEDGER_FIXTURE_BOTH(test_ledger__keeps_cursors_requests_and_values),
    };

    return cmocka_run_group_tests_name("ledger_tables", tests, NULL, NULL);
}
