#include "node/ledger/backup.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/ledger_fixture.h"

/* A home with a ledger that is in use (f->writer), as a running node has it. */
struct home {
    struct folder folder; /* home/, and room beside it */
    struct store writer;
    struct sample *sample;
    struct error error;
};

static const struct {
    const char *name, *text;
    unsigned mode;
    bool saved;
} files[] = {
    {"home/node.yaml", "network: silkroad-test\n", 0640, true},
    {"home/keys/node.key", "node secret\n", 0600, true},
    {"home/keys/transport.key", "transport secret\n", 0600, true},
    {"home/keys/sealing.key", "sealing secret\n", 0600, true},
    {"home/keys/sealing-1.key", "former sealing secret\n", 0600, true},
    {"home/keys/transport-1.key", "former transport secret\n", 0600, false},
    {"home/keys/recovery-1.key", "another recovery secret\n", 0600, false},
    {"home/keys/certificates", "certificates\n", 0644, true},
    {"home/keys/genesis", "genesis\n", 0644, true},
    {"home/keys/root.key", "the root secret\n", 0600, false},
    {"home/keys/recovery-paper.txt", "the recovery secret\n", 0600, false},
    {"home/partners/th-demo.card", "card of th-demo\n", 0644, true},
    {"home/partners/.th-demo.card", "half written\n", 0644, false},
    {"home/partners/notes.txt", "not ours\n", 0644, false},
    {"home/listeners/script.key", "listener\n", 0644, true},
    {"home/ledger.token", "token\n", 0600, false},
};
#define FILE_COUNT (sizeof files / sizeof files[0])

static const char *at(struct home *home, const char *name)
{
    return folder_file(&home->folder, name);
}

static void add_entries(struct home *home, size_t count)
{
    struct store *store = &home->writer;

    ok(call(*store, begin, &home->error));
    for (size_t i = 0; i < count; i++) {
        struct store_entry entry = sample_next(home->sample, ANNOUNCEMENT, "an announcement");

        ok(call(*store, append, &entry, 1, &home->error));
    }
    ok(call(*store, commit, &home->error));
}

static int setup(void **state)
{
    static const char *const made[] = {"home", "home/keys", "home/partners", "home/listeners"};
    struct home *home = calloc(1, sizeof *home);

    folder_init(&home->folder);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        assert_int_equal(mkdir(at(home, made[i]), 0700), 0);
    for (size_t i = 0; i < FILE_COUNT; i++)
        folder_write_text(&home->folder, files[i].name, files[i].mode, files[i].text);
    home->sample = sample_create(1);
    ok(ledger_sqlite_create(at(home, "home/ledger.db"), LEDGER_NEW, &home->writer, &home->error));
    add_entries(home, 50);
    *state = home;
    return 0;
}

static int teardown(void **state)
{
    struct home *home = *state;

    if (home->writer.self)
        home->writer.operations->destroy(home->writer.self);
    sample_destroy(home->sample);
    folder_finish(&home->folder);
    free(home);
    return 0;
}

static void write_backup(struct home *home)
{
    ok(backup_write(at(home, "home"), at(home, "saved"), NULL, NULL, &home->error));
}

/* Runs SQL on the backup, as somebody who tampers with it. */
static void tamper(struct home *home, const char *sql)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(at(home, "saved"), &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

/* Fails with this code, says this, and leaves nothing. */
static void assert_refused(struct home *home, int code, const char *says)
{
    assert_int_equal(backup_restore(at(home, "saved"), at(home, "new"), NULL, NULL, &home->error),
                     code);
    if (!strstr(home->error.text, says))
        fail_msg("\"%s\" does not say \"%s\"", home->error.text, says);
    assert_false(folder_has(&home->folder, "new"));
}

static int count_entry(void *context, const struct store_entry *entry)
{
    uint64_t *count = context;

    assert_int_equal(entry->entry.seq, *count + 1);
    assert_true(span_equal(entry->entry.content, span_of_text("an announcement")));
    (*count)++;
    return 0;
}

static void assert_has_entries(struct home *home, const char *ledger, uint64_t expected)
{
    struct store store;
    uint64_t count = 0;

    ok(ledger_sqlite_create(at(home, ledger), LEDGER_EXISTING, &store, &home->error));
    ok(call(store, entries, &home->sample->feed, 1, UINT64_MAX, count_entry, &count, &home->error));
    assert_int_equal(count, expected);
    store.operations->destroy(store.self);
}

struct report {
    uint64_t calls, done, total;
};

static void see_progress(void *context, uint64_t done, uint64_t total)
{
    struct report *report = context;

    assert_true(done >= report->done && done <= total);
    *report = (struct report){report->calls + 1, done, total};
}

static void test_backup__goes_there_and_back(void **state)
{
    struct home *home = *state;
    struct report there = {0}, back = {0};
    struct store_info before, after;
    struct store restored;

    ok(backup_write(at(home, "home"), at(home, "saved"), see_progress, &there, &home->error));
    assert_true(there.calls && there.done == there.total && there.total);
    assert_int_equal(folder_mode(&home->folder, "saved"), 0600);
    assert_false(folder_has(&home->folder, "saved.partial"));
    add_entries(home, 1); /* after the backup */
    ok(backup_restore(at(home, "saved"), at(home, "new"), see_progress, &back, &home->error));
    assert_true(back.calls && back.done == back.total);
    assert_int_equal(folder_mode(&home->folder, "new"), 0700);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        char name[128];
        char *text;

        snprintf(name, sizeof name, "new%s", files[i].name + strlen("home"));
        text = folder_read(&home->folder, name, NULL);
        assert_int_equal(text != NULL, files[i].saved);
        if (!text)
            continue;
        assert_string_equal(text, files[i].text);
        assert_int_equal(folder_mode(&home->folder, name), files[i].mode);
        free(text);
    }
    assert_int_equal(folder_mode(&home->folder, "new/ledger.db"), 0600);
    assert_int_equal(folder_mode(&home->folder, "new/keys"), 0700);
    assert_has_entries(home, "new/ledger.db", 50);
    /* Arrivals may be counted anew from here, so it is another ledger. */
    ok(ledger_sqlite_open_reader(at(home, "new/ledger.db"), &restored, &home->error));
    ok(call(home->writer, info, &before, NULL));
    ok(call(restored, info, &after, NULL));
    restored.operations->destroy(restored.self);
    assert_memory_not_equal(before.ledger, after.ledger, sizeof before.ledger);
    assert_int_equal(after.last_arrival, 50);
}

static void test_backup__never_holds_root_or_recovery_key(void **state)
{
    struct home *home = *state;
    size_t size;
    char *bytes;

    write_backup(home);
    bytes = folder_read(&home->folder, "saved", &size);
    assert_non_null(memmem(bytes, size, "transport secret", 16));
    assert_null(memmem(bytes, size, "root secret", 11));
    assert_null(memmem(bytes, size, "recovery secret", 15));
    free(bytes);
    /* And a restored ledger holds no keys. */
    ok(backup_restore(at(home, "saved"), at(home, "new"), NULL, NULL, &home->error));
    bytes = folder_read(&home->folder, "new/ledger.db", &size);
    assert_null(memmem(bytes, size, "transport secret", 16));
    free(bytes);
}

static void test_backup__is_consistent_in_an_open_transaction(void **state)
{
    struct home *home = *state;
    struct store_entry entry = sample_next(home->sample, ANNOUNCEMENT, "an announcement");

    ok(call(home->writer, begin, &home->error));
    ok(call(home->writer, append, &entry, 1, &home->error));
    write_backup(home);
    ok(call(home->writer, commit, &home->error));
    ok(backup_restore(at(home, "saved"), at(home, "new"), NULL, NULL, &home->error));
    assert_has_entries(home, "new/ledger.db", 50);
}

static void test_backup__needs_no_running_node(void **state)
{
    struct home *home = *state;

    home->writer.operations->destroy(home->writer.self);
    home->writer = (struct store){0};
    write_backup(home);
    ok(backup_restore(at(home, "saved"), at(home, "new"), NULL, NULL, &home->error));
    assert_has_entries(home, "new/ledger.db", 50);
}

static void test_backup__overwrites_nothing(void **state)
{
    struct home *home = *state;
    char *text;

    folder_write_text(&home->folder, "saved", 0600, "something");
    assert_int_equal(backup_write(at(home, "home"), at(home, "saved"), NULL, NULL, &home->error),
                     ERROR_EXISTS);
    text = folder_read(&home->folder, "saved", NULL);
    assert_string_equal(text, "something");
    free(text);
    remove(at(home, "saved"));
    write_backup(home);
    assert_int_equal(backup_restore(at(home, "saved"), at(home, "home"), NULL, NULL, &home->error),
                     ERROR_EXISTS);
    assert_non_null(strstr(home->error.text, "is not empty"));
    text = folder_read(&home->folder, "home/node.yaml", NULL);
    assert_string_equal(text, files[0].text);
    free(text);
    assert_int_equal(mkdir(at(home, "empty"), 0755), 0);
    ok(backup_restore(at(home, "saved"), at(home, "empty"), NULL, NULL, &home->error));
    assert_has_entries(home, "empty/ledger.db", 50);
}

static void test_backup__refuses_an_incomplete_home(void **state)
{
    struct home *home = *state;

    remove(at(home, "home/keys/genesis"));
    assert_int_equal(backup_write(at(home, "home"), at(home, "saved"), NULL, NULL, &home->error),
                     ERROR_CONFIG);
    assert_non_null(strstr(home->error.text, "keys/genesis is missing"));
    assert_false(folder_has(&home->folder, "saved"));
    assert_false(folder_has(&home->folder, "saved.partial"));
    assert_int_equal(backup_write(at(home, "nowhere"), at(home, "saved"), NULL, NULL, &home->error),
                     ERROR_NOT_FOUND);
    assert_non_null(strstr(home->error.text, "there is no ledger in"));
    assert_int_equal(
        backup_write(at(home, "home"), at(home, "nowhere/saved"), NULL, NULL, &home->error),
        ERROR_NOT_FOUND);
}

static void test_backup__refuses_names_that_do_not_belong(void **state)
{
    static const char *const names[] = {
        "../x",
        "/etc/passwd",
        "partners/../../x.card",
        "partners//x.card",
        "partners/.card",
        "partners/x.card/",
        "partners/x",
        "keys/root.key",
        "keys/extra.key",
        "ledger.token",
        "ledger.db",
        "node.yaml/x",
        "",
    };
    struct home *home = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char sql[256];

        write_backup(home);
        snprintf(sql, sizeof sql, "INSERT INTO sqlar VALUES ('%s', 33188, 0, 1, x'78')", names[i]);
        tamper(home, sql);
        assert_refused(home, ERROR_INVALID, "does not belong into a backup");
        remove(at(home, "saved"));
    }
}

static void test_backup__refuses_rows_that_are_not_plain_files(void **state)
{
    static const char *const changes[] = {
        "UPDATE sqlar SET mode = 41471 WHERE name = 'node.yaml'", /* a symbolic link */
        "UPDATE sqlar SET mode = 16877 WHERE name = 'node.yaml'", /* a folder */
        "UPDATE sqlar SET sz = 1000 WHERE name = 'node.yaml'",    /* compressed */
        "UPDATE sqlar SET data = NULL WHERE name = 'node.yaml'",
        "UPDATE sqlar SET data = 'text' WHERE name = 'node.yaml'",
    };
    struct home *home = *state;

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        write_backup(home);
        tamper(home, changes[i]);
        assert_refused(home, ERROR_INVALID, "node.yaml in it is not an uncompressed regular file");
        remove(at(home, "saved"));
    }
    write_backup(home);
    tamper(home, "UPDATE sqlar SET sz = 1048577, data = zeroblob(1048577)"
                 " WHERE name = 'node.yaml'");
    assert_refused(home, ERROR_INVALID, "node.yaml in it is too large");
    tamper(home, "DELETE FROM sqlar WHERE name = 'node.yaml'");
    assert_refused(home, ERROR_INVALID, "lacks node.yaml");
    tamper(home, "DROP TABLE sqlar");
    assert_refused(home, ERROR_IO, "");
}

static void test_backup__gives_no_more_rights_than_it_should(void **state)
{
    struct home *home = *state;

    write_backup(home);
    tamper(home, "UPDATE sqlar SET mode = 36351"); /* 0106777 */
    ok(backup_restore(at(home, "saved"), at(home, "new"), NULL, NULL, &home->error));
    assert_int_equal(folder_mode(&home->folder, "new/keys/node.key"), 0600);
    assert_int_equal(folder_mode(&home->folder, "new/node.yaml"), 0644);
}

static void test_backup__refuses_what_is_damaged(void **state)
{
    struct home *home = *state;
    size_t size;
    char *bytes;

    write_backup(home);
    bytes = folder_read(&home->folder, "saved", &size);
    assert_true(size > 5 * 4096);
    folder_write(&home->folder, "saved", 0600, bytes, size - 4096); /* cut off */
    assert_refused(home, ERROR_IO, "was cut off; use another backup");
    for (size_t page = 1; page < size / 4096; page += 3) {
        memset(bytes + page * 4096, 0xa5, 512);
        folder_write(&home->folder, "saved", 0600, bytes, size);
        assert_int_not_equal(
            backup_restore(at(home, "saved"), at(home, "new"), NULL, NULL, &home->error),
            ERROR_NONE);
        assert_false(folder_has(&home->folder, "new"));
    }
    folder_write(&home->folder, "saved", 0600, "not a database at all, but long enough", 38);
    assert_refused(home, ERROR_IO, "not a Caravan database");
    folder_write(&home->folder, "saved", 0600, "", 0);
    assert_refused(home, ERROR_IO, "was cut off; use another backup");
    remove(at(home, "saved"));
    assert_refused(home, ERROR_NOT_FOUND, "saved");
    free(bytes);
}

static void test_backup__tells_a_ledger_from_a_backup(void **state)
{
    struct home *home = *state;
    struct store store;

    assert_int_equal(
        backup_restore(at(home, "home/ledger.db"), at(home, "new"), NULL, NULL, &home->error),
        ERROR_INVALID);
    assert_non_null(strstr(home->error.text, "is a Caravan ledger, not a Caravan backup"));
    write_backup(home);
    assert_int_equal(ledger_sqlite_create(at(home, "saved"), LEDGER_EXISTING, &store, &home->error),
                     ERROR_INVALID);
    assert_non_null(strstr(home->error.text, "is a Caravan backup, not a Caravan ledger"));
    tamper(home, "PRAGMA user_version=99");
    assert_refused(home, ERROR_CONFIG, "newer Caravan");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_backup__goes_there_and_back),
        ROW(test_backup__never_holds_root_or_recovery_key),
        ROW(test_backup__is_consistent_in_an_open_transaction),
        ROW(test_backup__needs_no_running_node),
        ROW(test_backup__overwrites_nothing),
        ROW(test_backup__refuses_an_incomplete_home),
        ROW(test_backup__refuses_names_that_do_not_belong),
        ROW(test_backup__refuses_rows_that_are_not_plain_files),
        ROW(test_backup__gives_no_more_rights_than_it_should),
        ROW(test_backup__refuses_what_is_damaged),
        ROW(test_backup__tells_a_ledger_from_a_backup),
    };

    return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
