#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "node/ledger/ledger.h"
#include "node/ledger/schema.h"
#include "node/ledger/sqlite_clean.h"
#include "node/ledger/sqlite_entries.h"
#include "node/ledger/sqlite_ledger.h"
#include "node/ledger/sqlite_quarantine.h"
#include "node/ledger/sqlite_read.h"
#include "node/ledger/sqlite_requests.h"
#include "node/ledger/sqlite_tail.h"
#include "node/ledger/sqlite_write.h"

static const char *const statement_texts[STATEMENT_COUNT] = {
#define STATEMENT_TEXT(name, sql) [name] = sql,
    STATEMENTS(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

/* Runs one of the statements without parameters. */
static int run(struct sqlite_ledger *ledger, enum sqlite_statement which, struct error *error)
{
    sqlite3_stmt *statement;
    bool row;
    int rc = database_take(&ledger->database, which, &statement, error);

    if (rc)
        return rc;
    rc = database_step(&ledger->database, statement, "write to", &row, error);
    database_release(&ledger->database, which, statement);
    return rc;
}

static int ledger_begin(void *self, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    int rc;

    if (!ledger->writer)
        return error_set(error, ERROR_DENIED, "this is a reader of the ledger; it cannot write");
    if (ledger->open)
        return error_set(error, ERROR_INTERNAL, "a transaction of the ledger is open already");
    rc = run(ledger, STATEMENT_BEGIN, error);
    if (rc)
        return rc;
    ledger->open = true;
    ledger->failed = ledger->erased = false;
    return ERROR_NONE;
}

static void ledger_rollback(void *self)
{
    struct sqlite_ledger *ledger = self;

    if (!ledger->open)
        return;
    /* After some errors SQLite has rolled back by itself; then this one does nothing. */
    sqlite3_exec(ledger->database.handle, "ROLLBACK", NULL, NULL, NULL);
    ledger->open = false;
    ledger->last_arrival = ledger->committed_arrival;
    sqlite_tail_forget(ledger);
    sqlite_requests_forget(ledger);
}

static int write_last_arrival(struct sqlite_ledger *ledger, struct error *error)
{
    sqlite3_stmt *statement;
    bool row;
    int rc;

    if (ledger->last_arrival == ledger->committed_arrival)
        return ERROR_NONE;
    rc = database_take(&ledger->database, STATEMENT_SET_ARRIVAL, &statement, error);
    if (rc)
        return rc;
    rc = database_bind_u64(statement, 1, ledger->last_arrival)
             ? database_fail(&ledger->database, "write to", error)
             : database_step(&ledger->database, statement, "write to", &row, error);
    database_release(&ledger->database, STATEMENT_SET_ARRIVAL, statement);
    return rc;
}

static int ledger_commit(void *self, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    int rc;

    if (!ledger->writer)
        return error_set(error, ERROR_DENIED, "this is a reader of the ledger; it cannot write");
    if (!ledger->open)
        return error_set(error, ERROR_INTERNAL, "no transaction of the ledger is open");
    rc = ledger->failed ? error_set(error, ERROR_IO,
                                    "cannot write to %s: something in this transaction failed",
                                    ledger->database.path)
                        : sqlite_tail_settle(ledger, error);
    if (!rc)
        rc = sqlite_tail_tidy(ledger, error);
    if (!rc)
        rc = sqlite_requests_settle(ledger, error);
    if (!rc)
        rc = write_last_arrival(ledger, error);
    if (!rc)
        rc = sqlite_clean_mark(ledger, error);
    if (!rc)
        rc = run(ledger, STATEMENT_COMMIT, error);
    if (rc) {
        ledger_rollback(ledger);
        return rc;
    }
    ledger->open = false;
    ledger->committed_arrival = ledger->last_arrival;
    sqlite_tail_close(ledger);
    sqlite_clean_step(ledger);
    return ERROR_NONE;
}

static void ledger_destroy(void *self)
{
    struct sqlite_ledger *ledger = self;

    if (!ledger)
        return;
    ledger_rollback(ledger);
    sqlite_clean_end(ledger);
    if (ledger->writer && ledger->database.handle)
        sqlite3_wal_checkpoint_v2(ledger->database.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                  NULL);
    database_close(&ledger->database);
    if (ledger->lock >= 0)
        close(ledger->lock);
    buffer_finish(&ledger->statement);
    sqlite_tail_finish(ledger);
    sqlite_requests_finish(ledger);
    free(ledger);
}

static const struct store_operations operations = {
    .info = sqlite_read_info,
    .begin = ledger_begin,
    .commit = ledger_commit,
    .rollback = ledger_rollback,
    .append = sqlite_write_append,
    .put_content = sqlite_write_content,
    .erase = sqlite_write_erase,
    .quarantine = sqlite_quarantine_move,
    .put_frozen = sqlite_write_frozen,
    .put_statement = sqlite_write_statement,
    .put_certificate = sqlite_write_certificate,
    .cut_certificates = sqlite_write_cut_certificates,
    .put_conflict = sqlite_write_conflict,
    .put_receipt = sqlite_write_receipt,
    .put_cursor = sqlite_write_cursor,
    .put_request = sqlite_write_request,
    .put_value = sqlite_write_value,
    .get_feed = sqlite_read_feed,
    .get_cursor = sqlite_read_cursor,
    .get_request = sqlite_requests_get,
    .get_value = sqlite_read_value,
    .feeds = sqlite_read_feeds,
    .certificates = sqlite_read_certificates,
    .conflicts = sqlite_read_conflicts,
    .receipts = sqlite_read_receipts,
    .entries = sqlite_entries_by_seq,
    .newest = sqlite_entries_newest,
    .quarantined = sqlite_quarantine_visit,
    .arrivals = sqlite_entries_by_arrival,
    .missing = sqlite_entries_missing,
    .destroy = ledger_destroy,
};

int sqlite_ledger_damaged(const struct sqlite_ledger *ledger, const char *what, struct error *error)
{
    char action[128];

    snprintf(action, sizeof action, "read %s from", what);
    return database_fail_code(ledger->database.path, SQLITE_CORRUPT, action, error);
}

/* Only one process may write: see FIELD_NOTES' bug of two connections. */
static int lock_take(const char *path, int *lock, struct error *error)
{
    char name[PATH_MAX];

    if (snprintf(name, sizeof name, "%s-lock", path) >= (int)sizeof name)
        return error_set(error, ERROR_INVALID, "%s: the path is too long", path);
    *lock = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (*lock < 0)
        return error_errno(error, "open", name);
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return ERROR_NONE;
    if (errno == EWOULDBLOCK)
        return error_set(error, ERROR_BUSY,
                         "another process is writing to %s; stop that node first (one node runs in "
                         "one home folder)",
                         path);
    return error_errno(error, "lock", name);
}

static int writer_open(struct sqlite_ledger *ledger, const char *path, enum ledger_mode mode,
                       struct error *error)
{
    struct store_info info;
    int rc;

    if (mode == LEDGER_EXISTING && access(path, F_OK) != 0)
        return error_errno(error, "open", path);
    rc = lock_take(path, &ledger->lock, error);
    if (!rc && mode == LEDGER_NEW)
        rc = schema_create(path, error);
    if (!rc)
        rc = database_open(&ledger->database, path, DATABASE_WRITE, statement_texts,
                           STATEMENT_COUNT, error);
    if (!rc)
        rc = schema_check(&ledger->database, SCHEMA_LEDGER_ID, error);
    if (!rc)
        rc = schema_migrate(&ledger->database, schema_steps, schema_step_count, error);
    if (!rc)
        rc = sqlite_read_info(ledger, &info, error);
    if (!rc)
        rc = sqlite_clean_start(ledger, error);
    if (!rc)
        ledger->last_arrival = ledger->committed_arrival = info.last_arrival;
    return rc;
}

static int reader_open(struct sqlite_ledger *ledger, const char *path, struct error *error)
{
    int64_t version = 0;
    int rc = database_open(&ledger->database, path, DATABASE_READ, statement_texts, STATEMENT_COUNT,
                           error);

    if (!rc)
        rc = schema_check(&ledger->database, SCHEMA_LEDGER_ID, error);
    if (!rc)
        rc = database_integer(&ledger->database, "PRAGMA user_version", 0, &version, error);
    if (!rc && version < (int64_t)schema_step_count)
        rc = error_set(error, ERROR_CONFIG,
                       "%s was written by an older Caravan; start the node once, so that it is "
                       "brought up to date",
                       path);
    return rc;
}

static int finish_open(struct sqlite_ledger *ledger, int rc, struct store *out)
{
    if (rc) {
        ledger_destroy(ledger);
        return rc;
    }
    *out = (struct store){&operations, ledger};
    return ERROR_NONE;
}

int ledger_sqlite_create(const char *path, enum ledger_mode mode, struct store *out,
                         struct error *error)
{
    struct sqlite_ledger *ledger = calloc(1, sizeof *ledger);

    if (!ledger)
        return error_memory(error);
    ledger->lock = -1;
    ledger->writer = true;
    return finish_open(ledger, writer_open(ledger, path, mode, error), out);
}

int ledger_sqlite_open_reader(const char *path, struct store *out, struct error *error)
{
    struct sqlite_ledger *ledger = calloc(1, sizeof *ledger);

    if (!ledger)
        return error_memory(error);
    ledger->lock = -1;
    return finish_open(ledger, reader_open(ledger, path, error), out);
}

const char *ledger_library(void)
{
    return sqlite3_libversion();
}
