/* What the ledger on SQLite does when its file is not as it should be, or its writer is killed. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/ledger/schema.h"
#include "tests/support/ledger_script.h"
#include "tests/support/ledger_seen.h"

/* Runs SQL on the closed ledger, as somebody who tampers with it. */
static void tamper(struct ledger_fixture *f, const char *sql)
{
    sqlite3 *database;

    ledger_script_close(f);
    assert_int_equal(sqlite3_open(ledger_script_file(f), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void test_ledger__refuses_files_that_are_not_right(void **state)
{
    struct ledger_fixture *f = *state;
    struct store store;

    assert_int_equal(ledger_sqlite_create(ledger_script_file(f), LEDGER_NEW, &store, &f->error),
                     ERROR_BUSY); /* f->writer has it */
    ledger_script_close(f);
    assert_int_equal(ledger_sqlite_create(ledger_script_file(f), LEDGER_NEW, &store, &f->error),
                     ERROR_EXISTS);
    assert_int_equal(chmod(ledger_script_file(f), 0640), 0);
    assert_int_equal(ledger_script_open(f), ERROR_CONFIG);
    ledger_script_says(f, "mode 0640");
    ledger_script_says(f, "chmod 600");
    assert_int_equal(ledger_sqlite_open_reader(ledger_script_file(f), &store, &f->error),
                     ERROR_CONFIG);
    assert_int_equal(chmod(ledger_script_file(f), 0600), 0);
    tamper(f, "PRAGMA user_version=99");
    assert_int_equal(ledger_script_open(f), ERROR_CONFIG);
    ledger_script_says(f, "newer Caravan (version 99");
    assert_int_equal(ledger_sqlite_open_reader(ledger_script_file(f), &store, &f->error),
                     ERROR_CONFIG);
    tamper(f, "PRAGMA user_version=0");
    assert_int_equal(ledger_sqlite_open_reader(ledger_script_file(f), &store, &f->error),
                     ERROR_CONFIG);
    ledger_script_says(f, "older Caravan");
    tamper(f, "PRAGMA application_id=7");
    assert_int_equal(ledger_script_open(f), ERROR_INVALID);
    ledger_script_says(f, "another program's database");
    folder_write_text(&f->folder, "ledger.db", 0600, "Dear diary, today I am not a database file.");
    assert_int_equal(ledger_script_open(f), ERROR_IO);
    ledger_script_says(f, "not a Caravan database");
    folder_write_text(&f->folder, "ledger.db", 0600, "");
    for (int reader = 0; reader < 2; reader++) {
        assert_int_equal(reader
                             ? ledger_sqlite_open_reader(ledger_script_file(f), &store, &f->error)
                             : ledger_script_open(f),
                         ERROR_IO);
        ledger_script_says(f, "ledger.db: the file is empty");
        ledger_script_says(f, "caravan restore");
    }
    remove(ledger_script_file(f));
    assert_int_equal(ledger_script_open(f), ERROR_NOT_FOUND);
    assert_int_equal(ledger_sqlite_open_reader(ledger_script_file(f), &store, &f->error),
                     ERROR_NOT_FOUND);
    assert_int_equal(ledger_sqlite_open_reader(f->folder.path, &store, &f->error), ERROR_CONFIG);
    ledger_script_says(f, "not a regular file");
}

static void test_ledger__refuses_a_file_system_without_a_log(void **state)
{
    struct ledger_fixture *f = *state;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    int code;

    ledger_script_close(f);
    tamper(f, "PRAGMA journal_mode=DELETE");
    sqlite3_vfs_register(sqlite3_vfs_find("unix-dotfile"), 1); /* has no shared memory */
    code = ledger_script_open(f);
    sqlite3_vfs_register(usual, 1);
    assert_int_equal(code, ERROR_IO);
    ledger_script_says(f, "keep the home on a local disk");
    ok(ledger_script_open(f));
}

static void test_ledger__lets_only_one_write(void **state)
{
    struct ledger_fixture *f = *state;
    struct store second;

    assert_int_equal(
        ledger_sqlite_create(ledger_script_file(f), LEDGER_EXISTING, &second, &f->error),
        ERROR_BUSY);
    ledger_script_says(f, "another process is writing");
    ledger_script_close(f);
    ok(ledger_sqlite_create(ledger_script_file(f), LEDGER_EXISTING, &second, &f->error));
    second.operations->destroy(second.self);
    assert_int_equal(folder_mode(&f->folder, "ledger.db"), 0600);
    assert_int_equal(folder_mode(&f->folder, "ledger.db-lock"), 0600);
}

static void test_ledger__says_when_it_is_damaged(void **state)
{
    static const char *const damage[] = {
        "UPDATE segment SET records = x'0801'",
        "UPDATE segment SET records = zeroblob(5000)",
        "UPDATE segment SET records = CAST(records || x'00' AS BLOB)",
        "UPDATE segment SET records = substr(records, 1, length(records) - 1)",
        "UPDATE segment SET records = CAST(zeroblob(32) || substr(records, 33) AS BLOB)",
        "UPDATE segment SET count = count + 1",
        "UPDATE segment SET count = 0",
        "UPDATE segment SET count = -1",
        "UPDATE segment SET arrival = -arrival",
        "UPDATE segment SET seq = seq + 100 WHERE seq = 2",
        "DELETE FROM segment WHERE seq = 3",
        "UPDATE feed SET network = x''",
        "UPDATE feed SET network = zeroblob(65)",
        "UPDATE feed SET hash = x'00'",
        "UPDATE ledger SET id = x'00'",
        "DELETE FROM ledger",
        "UPDATE cursor SET ledger = x'00'",
        "UPDATE receipt SET receiver = x'00'",
        "UPDATE conflict SET feed = x'00'",
    };
    struct ledger_fixture *f = *state;
    struct ledger_script script = ledger_script_make(f);

    ok(ledger_script_write(f->writer, &script, &f->error));
    ledger_fixture_commit(f);
    tamper(f, "VACUUM");
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        size_t size, seen = 0;
        char *good = folder_read(&f->folder, "ledger.db", &size);
        int code;

        tamper(f, damage[i]);
        code = ledger_sqlite_open_reader(ledger_script_file(f), &f->reader, &f->error);
        if (!code) {
            code = ledger_script_read(f->reader, &script, &seen, &f->error);
            f->reader.operations->destroy(f->reader.self);
            f->reader = (struct store){0};
        }
        if (code != ERROR_IO)
            fail_msg("%s: %s", damage[i], error_name((enum error_code)code));
        ledger_script_says(f, "damaged");
        ledger_script_says(f, "caravan restore");
        folder_write(&f->folder, "ledger.db", 0600, good, size);
        free(good);
    }
}

static void test_ledger__never_crashes_on_a_damaged_file(void **state)
{
    struct ledger_fixture *f = *state;
    struct ledger_script script = ledger_script_make(f);
    size_t size, damaged = 0;
    char *good, *bad;

    ok(ledger_script_write(f->writer, &script, &f->error));
    ledger_fixture_commit(f);
    tamper(f, "PRAGMA journal_mode=DELETE");
    good = folder_read(&f->folder, "ledger.db", &size);
    bad = malloc(size);
    for (size_t at = 0; at < size; at += 509) {
        size_t seen = 0;
        int code;

        memcpy(bad, good, size);
        memset(bad + at, (int)(at * 31 & 0xff), size - at < 64 ? size - at : 64);
        folder_write(&f->folder, "ledger.db", 0600, bad, size);
        code = ledger_script_open(f);
        if (!code)
            code = ledger_script_read(f->writer, &script, &seen, &f->error);
        if (code) {
            damaged++;
            assert_int_not_equal(code, ERROR_INTERNAL);
            assert_true(strlen(f->error.text) > 20);
        }
        ledger_script_close(f);
    }
    assert_true(damaged > 5);
    free(good);
    free(bad);
}

/* A process that has committed ten more entries is killed in the middle of a transaction. */
static void kill_a_writer(struct ledger_fixture *f)
{
    pid_t child;
    int status;

    ledger_script_close(f);
    child = fork();
    if (child == 0) {
        if (ledger_script_open(f) != ERROR_NONE)
            _exit(1);
        ledger_fixture_fill(f, f->a, 10);
        ledger_fixture_begin(f);
        for (int i = 0; i < 100; i++)
            ledger_fixture_append(f, sample_next(f->a, ANNOUNCEMENT, "never committed"));
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(folder_has(&f->folder, "ledger.db-wal")); /* it had no time to tidy up */
}

static void test_ledger__keeps_what_was_committed_when_killed(void **state)
{
    struct ledger_fixture *f = *state;

    ledger_fixture_fill(f, f->a, 10);
    kill_a_writer(f);
    ledger_fixture_open_reader(f);
    assert_int_equal(ledger_script_head(f->reader, &f->a->feed), 20);
    ok(ledger_script_open(f));
    assert_int_equal(ledger_script_head(f->writer, &f->a->feed), 20);
}

static void test_ledger__a_new_one_takes_nothing_of_an_old_ones_log(void **state)
{
    struct ledger_fixture *f = *state;

    kill_a_writer(f);
    remove(ledger_script_file(f)); /* by somebody who does not know of the log beside it */
    ok(ledger_sqlite_create(ledger_script_file(f), LEDGER_NEW, &f->writer, &f->error));
    assert_int_equal(ledger_script_head(f->writer, &f->a->feed), 0);
    ok(ledger_script_open(f));
    assert_int_equal(ledger_script_head(f->writer, &f->a->feed), 0);
}

static void test_ledger__a_reader_does_not_hold_the_log(void **state)
{
    struct ledger_fixture *f = *state;
    size_t seen = 0, size = 1;
    char *log;

    ledger_fixture_fill(f, f->a, 100);
    ledger_fixture_open_reader(f);
    ok(call(f->reader, entries, &f->a->feed, 1, 50, ledger_script_count, &seen, &f->error));
    ok(call(f->reader, arrivals, 0, STORE_ALL_TYPES, ledger_script_count, &seen, &f->error));
    ok(call(f->reader, feeds, 0, true, 1, ledger_script_count_feed, &seen, &f->error));
    assert_int_equal(ledger_script_head(f->reader, &f->a->feed), 100);
    assert_int_equal(seen, 151);
    ledger_fixture_fill(f, f->a, 100);
    ledger_script_close(f); /* empties the log, if nobody reads from it */
    log = folder_read(&f->folder, "ledger.db-wal", &size);
    assert_true(log == NULL || size == 0);
    free(log);
    assert_int_equal(ledger_script_head(f->reader, &f->a->feed), 200);
}

/* --- versions --------------------------------------------------------------------------------- */

/* The steps of today, and some of tomorrow. */
#define STEPS_MAX 16

static void add_steps(struct schema_step steps[STEPS_MAX], const struct schema_step *first,
                      const struct schema_step *second)
{
    assert_true(schema_step_count + 2 <= STEPS_MAX);
    memcpy(steps, schema_steps, schema_step_count * sizeof *steps);
    steps[schema_step_count] = *first;
    steps[schema_step_count + 1] = *second;
}

static void test_schema__copies_and_migrates_an_older_ledger(void **state)
{
    const struct schema_step colour = {
        "add a colour", "ALTER TABLE feed ADD COLUMN colour TEXT; UPDATE feed SET colour = 'red'",
        NULL};
    const struct schema_step shade = {"add a shade", "UPDATE feed SET colour = 'dark ' || colour",
                                      NULL};
    const struct schema_step breaks = {"break", "UPDATE nothing SET x = 1", NULL};
    struct schema_step steps[STEPS_MAX], broken[STEPS_MAX];
    struct ledger_fixture *f = *state;
    struct database database = {0};
    size_t now = schema_step_count;
    char text[64], copy[32];
    int64_t found = 0;

    add_steps(steps, &colour, &shade);
    add_steps(broken, &colour, &breaks);
    ledger_fixture_fill(f, f->a, 3);
    ledger_script_close(f);
    ok(database_open(&database, ledger_script_file(f), DATABASE_WRITE, NULL, 0, &f->error));
    assert_int_equal(schema_migrate(&database, broken, now + 2, &f->error), ERROR_IO);
    snprintf(text, sizeof text, "version %zu of the ledger's tables", now + 2);
    ledger_script_says(f, text);
    ok(database_integer(&database, "PRAGMA user_version", 0, &found, &f->error));
    assert_int_equal(found, now); /* all steps or none */
    ok(schema_migrate(&database, steps, now + 2, &f->error));
    ok(database_integer(&database, "PRAGMA user_version", 0, &found, &f->error));
    assert_int_equal(found, now + 2);
    ok(database_integer(&database, "SELECT count(*) FROM feed WHERE colour = 'dark red'", 0, &found,
                        &f->error));
    assert_int_equal(found, 1);
    ok(schema_migrate(&database, steps, now + 2, &f->error)); /* nothing to do */
    database_close(&database);
    /* The old one is there, whole. */
    snprintf(copy, sizeof copy, "ledger.db.v%zu", now);
    assert_int_equal(folder_mode(&f->folder, copy), 0600);
    snprintf(text, sizeof text, "%s.new", copy);
    assert_false(folder_has(&f->folder, text));
    ok(ledger_sqlite_open_reader(folder_file(&f->folder, copy), &f->reader, &f->error));
    assert_int_equal(ledger_script_head(f->reader, &f->a->feed), 3);
}

static void test_schema__migrates_every_older_version(void **state)
{
    struct ledger_fixture *f = *state;
    struct database database = {0};
    char copy[32];
    int64_t found = 0;

    ledger_fixture_fill(f, f->a, 300);
    for (size_t version = 2; version < schema_step_count; version++) {
        struct store_entry last = sample_next(f->a, ANNOUNCEMENT, "the last one");

        ledger_script_make_older(f, version);
        ok(ledger_script_open(f));
        snprintf(copy, sizeof copy, "ledger.db.v%zu", version);
        assert_int_equal(folder_mode(&f->folder, copy), 0600);
        ok(database_open(&database, ledger_script_file(f), DATABASE_READ, NULL, 0, &f->error));
        ok(database_integer(&database, "PRAGMA user_version", 0, &found, &f->error));
        assert_int_equal(found, schema_step_count);
        database_close(&database);
        /* All that later versions have brought can be done. */
        ledger_fixture_begin(f);
        ledger_fixture_append(f, last);
        ok(call(f->writer, quarantine, &f->a->feed, last.entry.seq, 0, &f->error));
        ledger_fixture_append(f, last);
        ledger_fixture_commit(f);
        ledger_seen_kept(f->writer, last);
        assert_int_equal(ledger_script_head(f->writer, &f->a->feed), 299 + version);
    }
}

#define ROW(test)                                                                                  \
    cmocka_unit_test_setup_teardown(test, ledger_fixture_setup_sqlite, ledger_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_ledger__refuses_files_that_are_not_right),
        ROW(test_ledger__refuses_a_file_system_without_a_log),
        ROW(test_ledger__lets_only_one_write),
        ROW(test_ledger__says_when_it_is_damaged),
        ROW(test_ledger__never_crashes_on_a_damaged_file),
        ROW(test_ledger__keeps_what_was_committed_when_killed),
        ROW(test_ledger__a_new_one_takes_nothing_of_an_old_ones_log),
        ROW(test_ledger__a_reader_does_not_hold_the_log),
        ROW(test_schema__copies_and_migrates_an_older_ledger),
        ROW(test_schema__migrates_every_older_version),
    };

    return cmocka_run_group_tests_name("ledger_files", tests, NULL, NULL);
}
