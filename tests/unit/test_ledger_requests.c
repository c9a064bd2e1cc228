/* Request ids in the ledger: few, as many as fit into memory, and more than that. */
#include <string.h>

#include "node/ledger/sqlite_request_index.h"
#include "node/ledger/sqlite_requests.h"
#include "tests/support/ledger_fixture.h"

#define MANY (2 * SQLITE_REQUESTS_RECENT + 5000) /* most of them are in the index then */
#define EACH 1500                                /* in one transaction */

/* Ids in no order, no two alike. */
static void make_id(uint64_t seq, uint8_t id[STORE_REQUEST_ID_SIZE])
{
    memset(id, 0, STORE_REQUEST_ID_SIZE);
    bytes_put_u64(id, seq * 0x9e3779b97f4a7c15u);
    bytes_put_u64(id + 8, seq);
}

static int put(struct ledger_fixture *f, uint64_t seq)
{
    uint8_t id[STORE_REQUEST_ID_SIZE];

    make_id(seq, id);
    return call(f->writer, put_request, id, seq, &f->error);
}

static void put_range(struct ledger_fixture *f, uint64_t first, uint64_t last)
{
    while (first <= last) {
        ledger_fixture_begin(f);
        for (int i = 0; i < EACH && first <= last; i++)
            ok(put(f, first++));
        ledger_fixture_commit(f);
    }
}

static void assert_answer(struct ledger_fixture *f, struct store store, uint64_t seq, bool known)
{
    uint8_t id[STORE_REQUEST_ID_SIZE];
    uint64_t found = 0;

    make_id(seq, id);
    assert_int_equal(call(store, get_request, id, &found, &f->error),
                     known ? ERROR_NONE : ERROR_NOT_FOUND);
    assert_int_equal(found, known ? seq : 0);
}

/* Ids that no hash makes: more begin with the same eight bytes than a row is to hold, and they
 * stand in one all the same. Twice as many, not thousands: each put reads such a row. */
static void make_alike(uint64_t seq, uint8_t id[STORE_REQUEST_ID_SIZE])
{
    bytes_put_u64(id, seq % (SQLITE_REQUESTS_RECENT / (2 * SQLITE_REQUEST_CHUNK)));
    bytes_put_u64(id + 8, seq);
}

static void assert_all(struct ledger_fixture *f, uint64_t last)
{
    for (uint64_t seq = 1; seq <= last; seq++)
        assert_answer(f, f->writer, seq, true);
    assert_answer(f, f->writer, last + 1, false);
    ledger_fixture_begin(f);
    assert_int_equal(put(f, 1), ERROR_EXISTS);
    assert_int_equal(put(f, last), ERROR_EXISTS);
    ledger_fixture_commit(f);
}

static void test_ledger_requests__few_stay_over_a_start(void **state)
{
    struct ledger_fixture *f = *state;

    put_range(f, 1, 3);
    put_range(f, 4, 5);
    assert_all(f, 5);
    ledger_fixture_reopen(f);
    assert_all(f, 5);
    put_range(f, 6, 6);
    assert_all(f, 6);
}

static void test_ledger_requests__more_than_fit_into_memory_are_kept_too(void **state)
{
    struct ledger_fixture *f = *state;

    put_range(f, 1, MANY);
    assert_all(f, MANY);
    ledger_fixture_reopen(f);
    assert_all(f, MANY);
    put_range(f, MANY + 1, MANY + 10);
    assert_all(f, MANY + 10);
}

static void test_ledger_requests__what_is_taken_back_is_unknown(void **state)
{
    struct ledger_fixture *f = *state;

    put_range(f, 1, 10);
    ledger_fixture_begin(f);
    ok(put(f, 11));
    assert_int_equal(put(f, 11), ERROR_EXISTS);
    assert_answer(f, f->writer, 11, true);
    ledger_fixture_rollback(f);
    assert_answer(f, f->writer, 11, false);
    assert_all(f, 10);
    put_range(f, 11, 12);
    ledger_fixture_reopen(f);
    assert_all(f, 12);
}

static void test_ledger_requests__ids_that_begin_alike_are_found_too(void **state)
{
    struct ledger_fixture *f = *state;
    uint8_t id[STORE_REQUEST_ID_SIZE];
    uint64_t found;

    for (uint64_t seq = 1; seq <= 2 * SQLITE_REQUESTS_RECENT + 10; seq++) {
        if (seq % EACH == 1)
            ledger_fixture_begin(f);
        make_alike(seq, id);
        ok(call(f->writer, put_request, id, seq, &f->error));
        if (seq % EACH == 0)
            ledger_fixture_commit(f);
    }
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    for (uint64_t seq = 1; seq <= 2 * SQLITE_REQUESTS_RECENT + 10; seq += 997) {
        make_alike(seq, id);
        ok(call(f->writer, get_request, id, &found, &f->error));
        assert_int_equal(found, seq);
    }
    make_alike(3 * SQLITE_REQUESTS_RECENT, id);
    assert_int_equal(call(f->writer, get_request, id, &found, NULL), ERROR_NOT_FOUND);
}

/* The transaction that fills the index, taken back and done again. */
static void test_ledger_requests__filling_the_index_is_taken_back_whole(void **state)
{
    struct ledger_fixture *f = *state;

    put_range(f, 1, SQLITE_REQUESTS_RECENT - 1);
    ledger_fixture_begin(f);
    ok(put(f, SQLITE_REQUESTS_RECENT));
    ok(put(f, SQLITE_REQUESTS_RECENT + 1));
    ledger_fixture_rollback(f);
    assert_all(f, SQLITE_REQUESTS_RECENT - 1);
    put_range(f, SQLITE_REQUESTS_RECENT, SQLITE_REQUESTS_RECENT + 1);
    assert_all(f, SQLITE_REQUESTS_RECENT + 1);
}

static void test_ledger_requests__a_reader_sees_what_was_committed(void **state)
{
    struct ledger_fixture *f = *state;

    put_range(f, 1, 3);
    ledger_fixture_open_reader(f);
    assert_answer(f, f->reader, 3, true);
    assert_answer(f, f->reader, 4, false);
    put_range(f, 4, 4);
    assert_answer(f, f->reader, 4, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger_requests__few_stay_over_a_start),
        LEDGER_FIXTURE_BOTH(test_ledger_requests__more_than_fit_into_memory_are_kept_too),
        LEDGER_FIXTURE_BOTH(test_ledger_requests__what_is_taken_back_is_unknown),
        LEDGER_FIXTURE_BOTH(test_ledger_requests__ids_that_begin_alike_are_found_too),
        LEDGER_FIXTURE_BOTH(test_ledger_requests__filling_the_index_is_taken_back_whole),
        LEDGER_FIXTURE_BOTH(test_ledger_requests__a_reader_sees_what_was_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
