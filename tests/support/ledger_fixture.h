/* ledger_fixture: one ledger, on SQLite or in memory, for the tests that run over both. */
#ifndef TESTS_SUPPORT_LEDGER_FIXTURE_H
#define TESTS_SUPPORT_LEDGER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/ledger/ledger.h"
#include "tests/support/folder.h"
#include "tests/support/sample.h"

#define ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT
#define REVISION CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION
#define UNKNOWN_TYPE 77

struct ledger_fixture {
    bool memory;
    struct folder folder;
    struct store writer, reader; /* reader.self NULL: none open */
    struct sample *a, *b;
    struct error error;
};

/* One operation of a store; ok(call(…)) must work. */
#define call(store, operation, ...) (store).operations->operation((store).self, __VA_ARGS__)
#define ok(result) assert_int_equal((result), ERROR_NONE)

/* A test over both, as two rows of the table of tests. */
#define LEDGER_FIXTURE_BOTH(test)                                                                  \
    {#test " (sqlite)", test, ledger_fixture_setup_sqlite, ledger_fixture_teardown, NULL},         \
    {                                                                                              \
#test " (memory)", test, ledger_fixture_setup_memory, ledger_fixture_teardown, NULL        \
    }

int ledger_fixture_setup_sqlite(void **state);
int ledger_fixture_setup_memory(void **state);
int ledger_fixture_teardown(void **state);
void ledger_fixture_open_reader(struct ledger_fixture *f);
/* What was committed must be there again; in memory there is nothing to reopen. */
void ledger_fixture_reopen(struct ledger_fixture *f);
void ledger_fixture_begin(struct ledger_fixture *f);
void ledger_fixture_commit(struct ledger_fixture *f);
void ledger_fixture_rollback(struct ledger_fixture *f);
void ledger_fixture_append(struct ledger_fixture *f, struct store_entry entry);
/* Appends announcements in a transaction of its own. */
void ledger_fixture_fill(struct ledger_fixture *f, struct sample *sample, size_t count);

#endif
