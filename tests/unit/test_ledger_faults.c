/* What the ledger does when memory or disk run out. */
#include <malloc.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "node/ledger/backup.h"
#include "tests/support/fault.h"
#include "tests/support/ledger_script.h"

#define DISK_LIMIT (256 * 1024)

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

static void test_ledger__survives_failing_allocations_when_written(void **state)
{
    struct ledger_fixture *f = *state;
    struct ledger_script script = ledger_script_make(f);
    unsigned long n = 0;
    bool hit = true;

    while (hit) {
        int code;

        /* Opened anew, so that statements are prepared under fire, too. */
        if (!f->memory)
            ok(ledger_script_open(f));
        fault_arm(++n);
        code = ledger_script_write(f->writer, &script, &f->error);
        hit = fault_disarm();
        assert_int_equal(code, hit ? ERROR_MEMORY : ERROR_NONE);
        if (hit && n % 2) /* both ways out leave nothing */
            ledger_fixture_rollback(f);
        else if (hit)
            assert_int_not_equal(call(f->writer, commit, NULL), ERROR_NONE);
        assert_int_equal(ledger_script_head(f->writer, &f->a->feed), hit ? 0 : 3);
    }
    assert_true(n > 10);
    ledger_fixture_commit(f);
    ledger_fixture_reopen(f);
    assert_int_equal(ledger_script_head(f->writer, &f->a->feed), 3);
    assert_int_equal(ledger_script_head(f->writer, &f->b->feed), 1);
}

static void test_ledger__survives_failing_allocations_at_commit(void **state)
{
    struct ledger_fixture *f = *state;
    struct ledger_script script = ledger_script_make(f);
    unsigned long n = 0;
    bool hit = true;

    while (hit) {
        int code;

        if (!f->memory)
            ok(ledger_script_open(f));
        ok(ledger_script_write(f->writer, &script, &f->error));
        fault_arm(++n);
        code = call(f->writer, commit, &f->error);
        hit = fault_disarm();
        if (code == ERROR_NONE)
            break; /* a failed checkpoint behind a good commit is no error */
        assert_int_equal(code, ERROR_MEMORY);
        assert_int_equal(ledger_script_head(f->writer, &f->a->feed), 0);
    }
    ledger_fixture_reopen(f);
    assert_int_equal(ledger_script_head(f->writer, &f->a->feed), 3);
}

static void test_ledger__survives_failing_allocations_when_read(void **state)
{
    struct ledger_fixture *f = *state;
    struct ledger_script script = ledger_script_make(f);
    unsigned long n = 0;
    bool hit = true;
    size_t seen = 0;

    ok(ledger_script_write(f->writer, &script, &f->error));
    ledger_fixture_commit(f);
    while (hit) {
        int code;

        seen = 0;
        fault_arm(++n);
        code = f->memory ? ledger_memory_open_reader(&f->writer, &f->reader, &f->error)
                         : ledger_sqlite_open_reader(ledger_script_file(f), &f->reader, &f->error);
        if (!code)
            code = ledger_script_read(f->reader, &script, &seen, &f->error);
        hit = fault_disarm();
        assert_memory(code, hit);
        assert_true(code || seen == LEDGER_SCRIPT_SEEN);
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

    ledger_script_close(f);
    remove(ledger_script_file(f));
    for (size_t i = 0; i < 2; i++) {
        unsigned long n = 0;
        bool hit = true;

        while (hit) {
            int code;

            ledger_script_close(f);
            if (modes[i] == LEDGER_NEW)
                remove(
                    ledger_script_file(f)); /* it may have failed when the file had got its name */
            fault_arm(++n);
            code = ledger_sqlite_create(ledger_script_file(f), modes[i], &f->writer, &f->error);
            hit = fault_disarm();
            assert_memory(code, hit);
        }
        assert_true(n > 10);
        ledger_script_close(f);
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
    ledger_script_says(f, "cannot write to");
    assert_int_equal(ledger_script_head(f->writer, &f->a->feed), kept);
    /* With room again, it goes on. */
    ledger_fixture_fill(f, f->b, 50);
    ok(ledger_script_open(f));
    assert_int_equal(ledger_script_head(f->writer, &f->a->feed), kept);
    assert_int_equal(ledger_script_head(f->writer, &f->b->feed), 50);
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
    };

    route_sqlite();
    return cmocka_run_group_tests_name("ledger_faults", tests, NULL, NULL);
}
