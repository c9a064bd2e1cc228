/* What the ledger on SQLite does when memory, disk, file or another process are not as they should
 * be. */
#include <malloc.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/ledger/backup.h"
#include "node/ledger/schema.h"
#include "tests/support/fault.h"
#include "tests/support/ledger_fixture.h"

#define DISK_LIMIT (256 * 1024)

static const char *ledger_file(struct ledger_fixture *f)
{
    return folder_file(&f->folder, "ledger.db");
}

static void close_writer(struct ledger_fixture *f)
{
    if (f->writer.self)
        f->writer.operations->destroy(f->writer.self);
    f->writer = (struct store){0};
}

static int open_writer(struct ledger_fixture *f)
{
    close_writer(f);
    return ledger_sqlite_create(ledger_file(f), LEDGER_EXISTING, &f->writer, &f->error);
}

static void assert_says(struct ledger_fixture *f, const char *text)
{
    if (!strstr(f->error.text, text))
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, text);
}

static uint64_t head_of(struct store store, const struct id *feed)
{
    struct store_feed found;
    int code = call(store, get_feed, feed, &found, NULL);

    assert_true(code == ERROR_NONE || code == ERROR_NOT_FOUND);
    return code ? 0 : found.head.seq;
}

/* --- allocations ------------------------------------------------------------------------------ */

/* SQLite's allocations go the same way as ours. */
static void *sqlite_malloc(int size)
{
    return malloc((size_t)size);
}

static void *sqlite_realloc(void *memory, int size)
{
    return realloc(memory, (size_t)size);
}

static int sqlite_size(void *memory)
{
    return memory ? (int)malloc_usable_size(memory) : 0;
}

static int sqlite_roundup(int size)
{
    return (size + 7) & ~7;
}

static int sqlite_init(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void sqlite_shutdown(void *context)
{
    (void)context;
}

static void route_sqlite(void)
{
    static const sqlite3_mem_methods methods = {
        sqlite_malloc,  free,        sqlite_realloc,  sqlite_size,
        sqlite_roundup, sqlite_init, sqlite_shutdown, NULL};

    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
        abort();
}

/* SQLite can do without some of its allocations. */
static void assert_memory(int code, bool hit)
{
    assert_true(code == ERROR_NONE || (hit && code == ERROR_MEMORY));
}

static int count(void *context)
{
    ++*(size_t *)context;
    return 0;
}

static int count_entry(void *context, const struct store_entry *entry)
{
    (void)entry;
    return count(context);
}

static int count_feed(void *context, const struct store_feed *feed)
{
    (void)feed;
    return count(context);
}

static int count_certificate(void *context, const struct store_certificate *certificate)
{
    (void)certificate;
    return count(context);
}

static int count_conflict(void *context, const struct store_conflict *conflict)
{
    (void)conflict;
    return count(context);
}

static int count_receipt(void *context, const struct store_receipt *receipt)
{
    (void)receipt;
    return count(context);
}

/* Entries a1 … a3 and b1, made once: making them allocates, too. */
struct script {
    struct store_entry a[3], held, b;
};

static struct script script_of(struct ledger_fixture *f)
{
    struct script script;

    for (int i = 0; i < 3; i++)
        script.a[i] = sample_next(f->a, ANNOUNCEMENT, "an announcement");
    script.held = script.a[1];
    script.a[1] = sample_without_content(script.a[1]);
    script.b = sample_next(f->b, ANNOUNCEMENT, "another one");
    return script;
}

/* One transaction with everything in it; stops at the first error. */
static int write_all(struct store store, struct script *script, struct error *error)
{
    const struct id *a = &script->a[0].entry.feed, *b = &script->b.entry.feed;
    struct store_certificate certificate = {1, 1, span_of_text("certificate")};
    struct store_conflict conflict = {*a, 1, 1, span_of_text("kept"), span_of_text("other")};
    struct store_receipt receipt = {.feed = *a, .receiver = *b, .encoded = span_of_text("r")};
    uint8_t sixteen[16] = {1};
    int code = call(store, begin, error);

    if (!code)
        code = call(store, append, script->a, 3, error);
    if (!code)
        code = call(store, append, &script->b, 1, error);
    if (!code)
        code = call(store, put_content, a, 2, script->held.entry.salt, script->held.entry.content,
                    1, error);
    if (!code)
        code = call(store, put_frozen, a, true, error);
    if (!code)
        code = call(store, put_statement, b, span_of_text("statement"), 1, error);
    if (!code)
        code = call(store, put_certificate, a, &certificate, error);
    if (!code)
        code = call(store, put_conflict, &conflict, error);
    if (!code)
        code = call(store, put_receipt, &receipt, error);
    if (!code)
        code = call(store, put_cursor, b, sixteen, 1, error);
    if (!code)
        code = call(store, put_request, sixteen, 1, error);
    if (!code)
        code = call(store, put_value, "name", span_of_text("value"), error);
    return code;
}

/* Reads everything that write_all wrote: 2 feeds, 3 + 4 entries, one of each other. */
static int read_all(struct store store, struct script *script, size_t *seen, struct error *error)
{
    const struct id *a = &script->a[0].entry.feed, *b = &script->b.entry.feed;
    struct buffer value = {0};
    struct store_feed feed;
    struct store_info info;
    uint8_t sixteen[16] = {1}, got[16];
    uint64_t number;
    size_t missing;
    int code = call(store, info, &info, error);

    if (!code)
        code = call(store, get_feed, b, &feed, error);
    if (!code)
        code = call(store, feeds, 0, true, 9, count_feed, seen, error);
    if (!code)
        code = call(store, entries, a, 1, 9, count_entry, seen, error);
    if (!code)
        code = call(store, arrivals, 0, STORE_ALL_TYPES, count_entry, seen, error);
    if (!code)
        code = call(store, certificates, a, count_certificate, seen, error);
    if (!code)
        code = call(store, conflicts, count_conflict, seen, error);
    if (!code)
        code = call(store, receipts, a, count_receipt, seen, error);
    if (!code)
        code = call(store, missing, a, &number, 1, &missing, error);
    if (!code)
        code = call(store, get_cursor, b, got, &number, error);
    if (!code)
        code = call(store, get_request, sixteen, &number, error);
    if (!code)
        code = call(store, get_value, "name", &value, error);
    buffer_finish(&value);
    return code;
}
#define ALL_SEEN (2 + 3 + 4 + 1 + 1 + 1)

static void test_ledger__survives_failing_allocations_when_written(void **state)
{
    struct ledger_fixture *f = *state;
    struct script script = script_of(f);
    unsigned long n = 0;
    bool hit = true;

    while (hit) {
        int code;

        /* Opened anew, so that statements are prepared under fire, too. */
        if (!f->memory)
            ok(open_writer(f));
        fault_arm(++n);
        code = write_all(f->writer, &script, &f->error);
        hit = fault_disarm();
        assert_int_equal(code, hit ? ERROR_MEMORY : ERROR_NONE);
        if (hit && n % 2) /* both ways out leave nothing */
            ledger_fixture_rollback(f);
        else if (hit)
            assert_int_not_equal(call(f->writer, commit, NULL), ERROR_NONE);
        assert_int_equal(head_of(f->writer, &f->a->feed), hit ? 0 : 3);
    }
    assert_true(n > 10);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_int_equal(head_of(f->writer, &f->a->feed), 3);
    assert_int_equal(head_of(f->writer, &f->b->feed), 1);
}

static void test_ledger__survives_failing_allocations_at_commit(void **state)
{
    struct ledger_fixture *f = *state;
    struct script script = script_of(f);
    unsigned long n = 0;
    bool hit = true;

    while (hit) {
        int code;

        if (!f->memory)
            ok(open_writer(f));
        ok(write_all(f->writer, &script, &f->error));
        fault_arm(++n);
        code = call(f->writer, commit, &f->error);
        hit = fault_disarm();
        if (code == ERROR_NONE)
            break; /* a failed checkpoint behind a good commit is no error */
        assert_int_equal(code, ERROR_MEMORY);
        assert_int_equal(head_of(f->writer, &f->a->feed), 0);
    }
    ledger_fixture_reopen(f);
    assert_int_equal(head_of(f->writer, &f->a->feed), 3);
}

static void test_ledger__survives_failing_allocations_when_read(void **state)
{
    struct ledger_fixture *f = *state;
    struct script script = script_of(f);
    unsigned long n = 0;
    bool hit = true;
    size_t seen = 0;

    ok(write_all(f->writer, &script, &f->error));
    ledger_fixture_commit(f);
    while (hit) {
        int code;

        seen = 0;
        fault_arm(++n);
        code = f->memory ? ledger_memory_open_reader(&f->writer, &f->reader, &f->error)
                         : ledger_sqlite_open_reader(ledger_file(f), &f->reader, &f->error);
        if (!code)
            code = read_all(f->reader, &script, &seen, &f->error);
        hit = fault_disarm();
        assert_memory(code, hit);
        assert_true(code || seen == ALL_SEEN);
        if (f->reader.self)
            f->reader.operations->destroy(f->reader.self);
        f->reader = (struct store){0};
    }
    assert_true(n > 2);
}

static void test_ledger__survives_failing_allocations_when_made_and_opened(void **state)
{
    static const enum ledger_mode modes[] = {LEDGER_NEW, LEDGER_EXISTING};
    struct ledger_fixture *f = *state;

    close_writer(f);
    remove(ledger_file(f));
    for (size_t i = 0; i < 2; i++) {
        unsigned long n = 0;
        bool hit = true;

        while (hit) {
            int code;

            close_writer(f);
            if (modes[i] == LEDGER_NEW)
                remove(ledger_file(f)); /* it may have failed when the file had got its name */
            fault_arm(++n);
            code = ledger_sqlite_create(ledger_file(f), modes[i], &f->writer, &f->error);
            hit = fault_disarm();
            assert_memory(code, hit);
        }
        assert_true(n > 10);
        close_writer(f);
        assert_false(folder_has(&f->folder, "ledger.db.new"));
    }
}

static void make_home(struct ledger_fixture *f)
{
    static const char *const names[] = {"node.yaml",          "keys/node.key",
                                        "keys/transport.key", "keys/sealing.key",
                                        "keys/certificates",  "keys/genesis"};

    assert_int_equal(mkdir(folder_file(&f->folder, "keys"), 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        folder_write_text(&f->folder, names[i], 0600, names[i]);
}

static void test_backup__survives_failing_allocations(void **state)
{
    struct ledger_fixture *f = *state;
    struct folder new = {{0}};
    char saved[FOLDER_PATH_SIZE];
    unsigned long n;
    bool hit = true;
    int code;

    snprintf(saved, sizeof saved, "%s", folder_file(&f->folder, "saved"));
    snprintf(new.path, sizeof new.path, "%s", folder_file(&f->folder, "new"));
    make_home(f);
    ledger_fixture_fill(f, f->a, 20);
    for (n = 1; hit; n++) {
        remove(saved);
        fault_arm(n);
        code = backup_write(f->folder.path, saved, NULL, NULL, &f->error);
        hit = fault_disarm();
        assert_memory(code, hit);
        assert_int_equal(folder_has(&f->folder, "saved"), code == ERROR_NONE);
        assert_false(folder_has(&f->folder, "saved.partial"));
    }
    for (n = 1, hit = true; hit; n++) {
        fault_arm(n);
        code = backup_restore(saved, new.path, NULL, NULL, &f->error);
        hit = fault_disarm();
        assert_memory(code, hit);
        assert_int_equal(folder_has(&f->folder, "new"), code == ERROR_NONE);
        if (code == ERROR_NONE)
            folder_finish(&new);
    }
}

/* --- disk ------------------------------------------------------------------------------------- */

/* No file may grow beyond this; 0: any size. As good as a full disk. */
static void limit_files(rlim_t size)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_ledger__survives_a_full_disk(void **state)
{
    struct ledger_fixture *f = *state;
    static char big[20000];
    uint64_t kept = 0;
    int code = ERROR_NONE;

    memset(big, 'x', sizeof big - 1);
    limit_files(DISK_LIMIT);
    while (!code) {
        struct store_entry entry = sample_next(f->a, ANNOUNCEMENT, big);

        ledger_fixture_begin(f);
        code = call(f->writer, append, &entry, 1, &f->error);
        if (!code)
            code = call(f->writer, commit, &f->error);
        else
            assert_int_not_equal(call(f->writer, commit, NULL), ERROR_NONE);
        if (!code)
            kept = entry.entry.seq;
        assert_true(kept < 100);
    }
    limit_files(0);
    assert_int_equal(code, ERROR_IO);
    assert_says(f, "cannot write to");
    assert_int_equal(head_of(f->writer, &f->a->feed), kept);
    /* With room again, it goes on. */
    ledger_fixture_fill(f, f->b, 50);
    ok(open_writer(f));
    assert_int_equal(head_of(f->writer, &f->a->feed), kept);
    assert_int_equal(head_of(f->writer, &f->b->feed), 50);
}

static void test_backup__leaves_nothing_on_a_full_disk(void **state)
{
    struct ledger_fixture *f = *state;
    static char big[60000];
    struct store_entry entry;
    int code;

    memset(big, 'x', sizeof big - 1);
    make_home(f);
    ledger_fixture_begin(f);
    for (int i = 0; i < 8; i++) {
        entry = sample_next(f->a, ANNOUNCEMENT, big);
        ok(call(f->writer, append, &entry, 1, &f->error));
    }
    ledger_fixture_commit(f);
    limit_files(DISK_LIMIT);
    code = backup_write(f->folder.path, folder_file(&f->folder, "saved"), NULL, NULL, &f->error);
    limit_files(0);
    assert_int_equal(code, ERROR_IO);
    assert_false(folder_has(&f->folder, "saved"));
    assert_false(folder_has(&f->folder, "saved.partial"));
    ok(backup_write(f->folder.path, folder_file(&f->folder, "saved"), NULL, NULL, &f->error));
    limit_files(DISK_LIMIT);
    code = backup_restore(folder_file(&f->folder, "saved"), folder_file(&f->folder, "new"), NULL,
                          NULL, &f->error);
    limit_files(0);
    assert_int_equal(code, ERROR_IO);
    assert_false(folder_has(&f->folder, "new"));
}

/* --- files ------------------------------------------------------------------------------------ */

/* Runs SQL on the closed ledger, as somebody who tampers with it. */
static void tamper(struct ledger_fixture *f, const char *sql)
{
    sqlite3 *database;

    close_writer(f);
    assert_int_equal(sqlite3_open(ledger_file(f), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void test_ledger__refuses_files_that_are_not_right(void **state)
{
    struct ledger_fixture *f = *state;
    struct store store;

    assert_int_equal(ledger_sqlite_create(ledger_file(f), LEDGER_NEW, &store, &f->error),
                     ERROR_BUSY); /* f->writer has it */
    close_writer(f);
    assert_int_equal(ledger_sqlite_create(ledger_file(f), LEDGER_NEW, &store, &f->error),
                     ERROR_EXISTS);
    assert_int_equal(chmod(ledger_file(f), 0640), 0);
    assert_int_equal(open_writer(f), ERROR_CONFIG);
    assert_says(f, "mode 0640");
    assert_says(f, "chmod 600");
    assert_int_equal(ledger_sqlite_open_reader(ledger_file(f), &store, &f->error), ERROR_CONFIG);
    assert_int_equal(chmod(ledger_file(f), 0600), 0);
    tamper(f, "PRAGMA user_version=99");
    assert_int_equal(open_writer(f), ERROR_CONFIG);
    assert_says(f, "newer Caravan (version 99");
    assert_int_equal(ledger_sqlite_open_reader(ledger_file(f), &store, &f->error), ERROR_CONFIG);
    tamper(f, "PRAGMA user_version=0");
    assert_int_equal(ledger_sqlite_open_reader(ledger_file(f), &store, &f->error), ERROR_CONFIG);
    assert_says(f, "older Caravan");
    tamper(f, "PRAGMA application_id=7");
    assert_int_equal(open_writer(f), ERROR_INVALID);
    assert_says(f, "another program's database");
    folder_write_text(&f->folder, "ledger.db", 0600, "Dear diary, today I am not a database file.");
    assert_int_equal(open_writer(f), ERROR_IO);
    assert_says(f, "not a Caravan database");
    remove(ledger_file(f));
    assert_int_equal(open_writer(f), ERROR_NOT_FOUND);
    assert_int_equal(ledger_sqlite_open_reader(ledger_file(f), &store, &f->error), ERROR_NOT_FOUND);
    assert_int_equal(ledger_sqlite_open_reader(f->folder.path, &store, &f->error), ERROR_CONFIG);
    assert_says(f, "not a regular file");
}

static void test_ledger__lets_only_one_write(void **state)
{
    struct ledger_fixture *f = *state;
    struct store second;

    assert_int_equal(ledger_sqlite_create(ledger_file(f), LEDGER_EXISTING, &second, &f->error),
                     ERROR_BUSY);
    assert_says(f, "another process is writing");
    close_writer(f);
    ok(ledger_sqlite_create(ledger_file(f), LEDGER_EXISTING, &second, &f->error));
    second.operations->destroy(second.self);
    assert_int_equal(folder_mode(&f->folder, "ledger.db"), 0600);
    assert_int_equal(folder_mode(&f->folder, "ledger.db-lock"), 0600);
}

static void test_ledger__says_when_it_is_damaged(void **state)
{
    static const char *const damage[] = {
        "UPDATE entry SET entry = x'0801'",
        "UPDATE entry SET entry = zeroblob(5000)",
        "UPDATE entry SET hash = x'00'",
        "UPDATE entry SET seq = seq + 100 WHERE seq = 2",
        "UPDATE feed SET hash = x'00'",
        "UPDATE ledger SET id = x'00'",
        "DELETE FROM ledger",
        "UPDATE cursor SET ledger = x'00'",
        "UPDATE receipt SET receiver = x'00'",
        "UPDATE conflict SET feed = x'00'",
    };
    struct ledger_fixture *f = *state;
    struct script script = script_of(f);

    ok(write_all(f->writer, &script, &f->error));
    ledger_fixture_commit(f);
    tamper(f, "VACUUM");
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        size_t size, seen = 0;
        char *good = folder_read(&f->folder, "ledger.db", &size);
        int code;

        tamper(f, damage[i]);
        code = ledger_sqlite_open_reader(ledger_file(f), &f->reader, &f->error);
        if (!code) {
            code = read_all(f->reader, &script, &seen, &f->error);
            f->reader.operations->destroy(f->reader.self);
            f->reader = (struct store){0};
        }
        if (code != ERROR_IO)
            fail_msg("%s: %s", damage[i], error_name((enum error_code)code));
        assert_says(f, "damaged");
        assert_says(f, "caravan restore");
        folder_write(&f->folder, "ledger.db", 0600, good, size);
        free(good);
    }
}

static void test_ledger__never_crashes_on_a_damaged_file(void **state)
{
    struct ledger_fixture *f = *state;
    struct script script = script_of(f);
    size_t size, damaged = 0;
    char *good, *bad;

    ok(write_all(f->writer, &script, &f->error));
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
        code = open_writer(f);
        if (!code)
            code = read_all(f->writer, &script, &seen, &f->error);
        if (code) {
            damaged++;
            assert_int_not_equal(code, ERROR_INTERNAL);
            assert_true(strlen(f->error.text) > 20);
        }
        close_writer(f);
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

    close_writer(f);
    child = fork();
    if (child == 0) {
        if (open_writer(f) != ERROR_NONE)
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
    assert_int_equal(head_of(f->reader, &f->a->feed), 20);
    ok(open_writer(f));
    assert_int_equal(head_of(f->writer, &f->a->feed), 20);
}

static void test_ledger__a_new_one_takes_nothing_of_an_old_ones_log(void **state)
{
    struct ledger_fixture *f = *state;

    kill_a_writer(f);
    remove(ledger_file(f)); /* by somebody who does not know of the log beside it */
    ok(ledger_sqlite_create(ledger_file(f), LEDGER_NEW, &f->writer, &f->error));
    assert_int_equal(head_of(f->writer, &f->a->feed), 0);
    ok(open_writer(f));
    assert_int_equal(head_of(f->writer, &f->a->feed), 0);
}

static void test_ledger__a_reader_does_not_hold_the_log(void **state)
{
    struct ledger_fixture *f = *state;
    size_t seen = 0, size = 1;
    char *log;

    ledger_fixture_fill(f, f->a, 100);
    ledger_fixture_open_reader(f);
    ok(call(f->reader, entries, &f->a->feed, 1, 50, count_entry, &seen, &f->error));
    ok(call(f->reader, arrivals, 0, STORE_ALL_TYPES, count_entry, &seen, &f->error));
    ok(call(f->reader, feeds, 0, true, 1, count_feed, &seen, &f->error));
    assert_int_equal(head_of(f->reader, &f->a->feed), 100);
    assert_int_equal(seen, 151);
    ledger_fixture_fill(f, f->a, 100);
    close_writer(f); /* empties the log, if nobody reads from it */
    log = folder_read(&f->folder, "ledger.db-wal", &size);
    assert_true(log == NULL || size == 0);
    free(log);
    assert_int_equal(head_of(f->reader, &f->a->feed), 200);
}

/* --- versions --------------------------------------------------------------------------------- */

static void test_schema__copies_and_migrates_an_older_ledger(void **state)
{
    const struct schema_step steps[] = {
        schema_steps[0],
        {"add a colour", "ALTER TABLE feed ADD COLUMN colour TEXT; UPDATE feed SET colour = 'red'"},
        {"add a shade", "UPDATE feed SET colour = 'dark ' || colour"},
    };
    const struct schema_step broken[] = {steps[0], steps[1], {"break", "UPDATE nothing SET x = 1"}};
    struct ledger_fixture *f = *state;
    struct database database = {0};
    int64_t found = 0;

    ledger_fixture_fill(f, f->a, 3);
    close_writer(f);
    ok(database_open(&database, ledger_file(f), DATABASE_WRITE, NULL, 0, &f->error));
    assert_int_equal(schema_migrate(&database, broken, 3, &f->error), ERROR_IO);
    assert_says(f, "version 3 of the ledger's tables");
    ok(database_integer(&database, "PRAGMA user_version", 0, &found, &f->error));
    assert_int_equal(found, 1); /* all steps or none */
    ok(schema_migrate(&database, steps, 3, &f->error));
    ok(database_integer(&database, "PRAGMA user_version", 0, &found, &f->error));
    assert_int_equal(found, 3);
    ok(database_integer(&database, "SELECT count(*) FROM feed WHERE colour = 'dark red'", 0, &found,
                        &f->error));
    assert_int_equal(found, 1);
    ok(schema_migrate(&database, steps, 3, &f->error)); /* nothing to do */
    database_close(&database);
    /* The old one is there, whole. */
    assert_int_equal(folder_mode(&f->folder, "ledger.db.v1"), 0600);
    assert_false(folder_has(&f->folder, "ledger.db.v1.new"));
    ok(ledger_sqlite_open_reader(folder_file(&f->folder, "ledger.db.v1"), &f->reader, &f->error));
    assert_int_equal(head_of(f->reader, &f->a->feed), 3);
}

#define ROW(test)                                                                                  \
    cmocka_unit_test_setup_teardown(test, ledger_fixture_setup_sqlite, ledger_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_FIXTURE_BOTH(test_ledger__survives_failing_allocations_when_written),
        LEDGER_FIXTURE_BOTH(test_ledger__survives_failing_allocations_at_commit),
        LEDGER_FIXTURE_BOTH(test_ledger__survives_failing_allocations_when_read),
        ROW(test_ledger__survives_failing_allocations_when_made_and_opened),
        ROW(test_backup__survives_failing_allocations),
        ROW(test_ledger__survives_a_full_disk),
        ROW(test_backup__leaves_nothing_on_a_full_disk),
        ROW(test_ledger__refuses_files_that_are_not_right),
        ROW(test_ledger__lets_only_one_write),
        ROW(test_ledger__says_when_it_is_damaged),
        ROW(test_ledger__never_crashes_on_a_damaged_file),
        ROW(test_ledger__keeps_what_was_committed_when_killed),
        ROW(test_ledger__a_new_one_takes_nothing_of_an_old_ones_log),
        ROW(test_ledger__a_reader_does_not_hold_the_log),
        ROW(test_schema__copies_and_migrates_an_older_ledger),
    };

    route_sqlite();
    return cmocka_run_group_tests_name("ledger_faults", tests, NULL, NULL);
}
