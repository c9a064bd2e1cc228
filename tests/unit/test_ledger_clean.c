/* What was erased is in no file of the ledger on SQLite any more. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/ledger/schema.h"
#include "node/ledger/sqlite_clean.h"
#include "tests/support/ledger_script.h"
#include "tests/support/ledger_seen.h"

/* --- searching -------------------------------------------------------------------------------- */

static void read_file(struct ledger_fixture *f, const char *name, struct buffer *out)
{
    size_t size = 0;
    char *file = folder_read(&f->folder, name, &size);

    assert_true(buffer_append(out, file, size));
    free(file);
}

/* All files of the ledger, one behind the other. */
static struct buffer read_files(struct ledger_fixture *f)
{
    static const char *const names[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm",
                                        "ledger.db.v1", "ledger.db.v2"};
    struct buffer files = {0};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        read_file(f, names[i], &files);
    return files;
}

static bool holds(const struct buffer *files, struct span bytes)
{
    return memmem(files->data, files->size, bytes.data, bytes.size) != NULL;
}

static bool file_holds(struct ledger_fixture *f, const char *name, struct span bytes)
{
    struct buffer file = {0};
    bool found;

    read_file(f, name, &file);
    found = holds(&file, bytes);
    buffer_finish(&file);
    return found;
}

static bool files_hold(struct ledger_fixture *f, struct span bytes)
{
    struct buffer files = read_files(f);
    bool found = holds(&files, bytes);

    buffer_finish(&files);
    return found;
}

/* A text that stands nowhere else, of no regular shape: all of its four-byte pieces are rare. */
static const char *marker(uint64_t number, size_t size)
{
    static char text[20000];
    uint64_t random = number * 6364136223846793005u + 1442695040888963407u;

    assert_true(size < sizeof text);
    for (size_t i = 0; i < size; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        text[i] = (char)('!' + (random >> 33) % 90);
    }
    text[size] = '\0';
    return text;
}

/* Pieces of the content. (Salts of samples are not random.) */
static void assert_not_in(const struct buffer *files, const struct entry *entry)
{
    for (size_t at = 0; at + 24 <= entry->content.size; at += 24)
        if (holds(files, span_of(entry->content.data + at, 24)))
            fail_msg("the content of %d is still there at %zu", (int)entry->seq, at);
}

static void assert_gone(struct ledger_fixture *f, const struct entry *entry)
{
    struct buffer files = read_files(f);

    assert_not_in(&files, entry);
    buffer_finish(&files);
}

static void erase_seq(struct ledger_fixture *f, const struct id *feed, uint64_t seq)
{
    const struct erasure_order order = {seq, INT64_MAX};
    size_t erased;

    ok(call(f->writer, erase, feed, &order, 1, &erased, &f->error));
    assert_int_equal(erased, 1);
}

static bool is_unclean(struct ledger_fixture *f)
{
    struct store_info info;

    ok(call(f->writer, info, &info, &f->error));
    return info.unclean;
}

static void idle_commit(struct ledger_fixture *f)
{
    ledger_fixture_begin(f);
    ledger_fixture_commit(f);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_ledger__erased_bytes_are_in_no_file(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, marker(1, 700));
    struct store_entry two = sample_next(f->a, ANNOUNCEMENT, marker(2, 15000));

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_append(f, two);
    ledger_fixture_commit(f);
    assert_true(files_hold(f, one.entry.content));
    assert_true(files_hold(f, span_of(two.entry.content.data + 14000, 24)));
    ledger_fixture_begin(f);
    erase_seq(f, &f->a->feed, 1);
    erase_seq(f, &f->a->feed, 2);
    ledger_fixture_commit(f);
    assert_gone(f, &one.entry);
    assert_gone(f, &two.entry);
}

static void test_ledger__erased_bytes_are_in_no_quarantine(void **state)
{
    const struct erasure_order order = {1, 9};
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, marker(1, 700));
    struct store_entry two = sample_next(f->a, ANNOUNCEMENT, marker(2, 15000));
    size_t erased;

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_append(f, two);
    ledger_fixture_commit(f);
    ledger_fixture_begin(f);
    ok(call(f->writer, quarantine, &f->a->feed, 1, 0, &f->error));
    ledger_fixture_commit(f);
    assert_true(files_hold(f, one.entry.content));
    assert_true(files_hold(f, span_of(two.entry.content.data + 14000, 24)));
    ledger_fixture_begin(f);
    ok(call(f->writer, erase, &f->a->feed, &order, 1, &erased, &f->error));
    ledger_fixture_commit(f);
    assert_gone(f, &one.entry);
    assert_gone(f, &two.entry);
}

/* Rows come, are merged, cut and grow in all ways: no page keeps an old copy of one. */
static void test_ledger__no_page_keeps_a_copy(void **state)
{
    enum { STEPS = 900 };
    static struct store_entry kept[SAMPLE_ENTRIES];
    static bool gone[SAMPLE_ENTRIES];
    struct ledger_fixture *f = *state;
    struct buffer files;
    uint64_t random = 7;
    size_t count = 0;

    for (size_t step = 0; step < STEPS; step++) {
        size_t many, victim;

        random = random * 6364136223846793005u + 1442695040888963407u;
        many = random >> 60 ? 1 : 3;
        ledger_fixture_begin(f);
        for (size_t i = 0; i < many && f->a->count < SAMPLE_ENTRIES; i++) {
            size_t size = 30 + (random >> (20 + i)) % ((random >> 40) % 5 ? 900 : 6000);

            kept[count] = sample_next(f->a, ANNOUNCEMENT, marker(count, size));
            ledger_fixture_append(f, kept[count++]);
        }
        victim = (random >> 25) % count;
        if (step > 60 && step % 3 == 0 && !gone[victim]) {
            erase_seq(f, &f->a->feed, victim + 1);
            gone[victim] = true;
        }
        ledger_fixture_commit(f);
    }
    idle_commit(f);
    files = read_files(f);
    for (size_t i = 0; i < count; i++)
        if (gone[i])
            assert_not_in(&files, &kept[i].entry);
        else
            ledger_seen_kept(f->writer, kept[i]);
    buffer_finish(&files);
}

/* Puts bytes where a page has room between its list of rows and the first row: SQLite leaves copies
 * of rows there, seldom, when it puts a page in order. */
static size_t plant(struct ledger_fixture *f, struct span bytes)
{
    size_t size, planted = 0;
    char *file = folder_read(&f->folder, "ledger.db", &size);

    for (size_t page = 4096; page + 4096 <= size; page += 4096) {
        const uint8_t *at = (const uint8_t *)file + page;
        size_t from = 8 + 2 * (size_t)(at[3] << 8 | at[4]), to = (size_t)(at[5] << 8 | at[6]);

        if (at[0] != 13 || to > 4096 || from + bytes.size > to)
            continue;
        memcpy(file + page + to - bytes.size, bytes.data, bytes.size);
        planted++;
    }
    folder_write(&f->folder, "ledger.db", 0600, file, size);
    free(file);
    return planted;
}

static void test_ledger__cleans_the_room_that_pages_have(void **state)
{
    struct ledger_fixture *f = *state;
    const struct span bytes = span_of_text("a copy of a row that was here");
    struct store_entry one;

    ledger_fixture_fill(f, f->a, 200);
    one = sample_next(f->a, ANNOUNCEMENT, "one");
    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_commit(f);
    ledger_script_close(f);
    assert_true(plant(f, bytes) > 1);
    ok(ledger_script_open(f));
    assert_true(files_hold(f, bytes));
    ledger_fixture_begin(f);
    erase_seq(f, &f->a->feed, 7);
    ledger_fixture_commit(f);
    assert_false(files_hold(f, bytes));
    /* It is sound, and goes on. */
    ledger_fixture_fill(f, f->a, 200);
    ledger_fixture_reopen(f);
    assert_false(files_hold(f, bytes));
    ledger_seen_kept(f->writer, one);
    assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, UINT64_MAX)->count, 401);
}

/* Somebody reads from the log: it is cleaned when he has ended. */
static int erase_meanwhile(void *context, const struct store_entry *entry)
{
    struct ledger_fixture *f = context;

    ledger_fixture_begin(f);
    erase_seq(f, &f->a->feed, 1);
    ledger_fixture_commit(f);
    assert_true(files_hold(f, span_of(entry->entry.content.data, entry->entry.content.size)));
    return 1;
}

static void test_ledger__is_cleaned_once_no_reader_is_in_the_way(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, marker(3, 300));

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_commit(f);
    ledger_fixture_open_reader(f);
    ok(call(f->reader, entries, &f->a->feed, 1, 1, erase_meanwhile, f, &f->error));
    assert_true(files_hold(f, one.entry.content));
    assert_true(is_unclean(f));
    idle_commit(f);
    assert_gone(f, &one.entry);
    assert_false(is_unclean(f));
}

/* Killed between the commit and the cleaning. */
static void test_ledger__is_cleaned_at_the_next_start(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, marker(4, 300));
    struct store reader;
    size_t seen = 0;
    pid_t child;
    int status;

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_commit(f);
    ledger_script_close(f);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (ledger_script_open(f) ||
            ledger_sqlite_open_reader(ledger_script_file(f), &reader, &f->error))
            _exit(1);
        f->reader = reader;
        ledger_fixture_begin(f);
        ledger_fixture_append(f, sample_next(f->a, ANNOUNCEMENT, "later"));
        ledger_fixture_commit(f);
        call(f->reader, entries, &f->a->feed, 1, 1, erase_meanwhile, f, &f->error);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(files_hold(f, one.entry.content));
    ok(ledger_script_open(f));
    assert_gone(f, &one.entry);
    ok(call(f->writer, entries, &f->a->feed, 1, 9, ledger_script_count, &seen, &f->error));
    assert_int_equal(seen, 2);
}

/* A copy that a migration has left holds what was erased later. */
static void test_ledger__copies_of_migrations_go(void **state)
{
    struct ledger_fixture *f = *state;
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, marker(5, 300));

    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ledger_fixture_commit(f);
    ledger_script_make_older(f, 2);
    ok(ledger_script_open(f));
    assert_true(folder_has(&f->folder, "ledger.db.v2"));
    assert_true(file_holds(f, "ledger.db.v2", one.entry.content));
    ledger_seen_kept(f->writer, one);
    ledger_fixture_begin(f);
    erase_seq(f, &f->a->feed, 1);
    ledger_fixture_commit(f);
    assert_false(folder_has(&f->folder, "ledger.db.v2"));
    assert_gone(f, &one.entry);
}

/* Whether another process could take the ledger for one that nobody uses, and its log away. */
static bool is_locked(struct ledger_fixture *f)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        /* Where SQLite's locks of readers stand: https://sqlite.org/src/file/src/os.h */
        struct flock lock = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
        int file = open(ledger_script_file(f), O_RDWR);

        _exit(file < 0 || fcntl(file, F_GETLK, &lock) != 0 ? 2 : lock.l_type != F_UNLCK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 1;
}

static void test_ledger__keeps_its_locks_while_it_cleans(void **state)
{
    struct ledger_fixture *f = *state;

    ledger_fixture_fill(f, f->a, 3);
    folder_write_text(&f->folder, "ledger.db.v1", 0600, "an old copy");
    assert_true(is_locked(f));
    ledger_fixture_begin(f);
    erase_seq(f, &f->a->feed, 1);
    ledger_fixture_commit(f);
    assert_false(is_unclean(f));
    assert_true(is_locked(f));
    assert_false(folder_has(&f->folder, "ledger.db.v1"));
    ledger_script_close(f);
    assert_false(is_locked(f));
}

/* --- a large ledger --------------------------------------------------------------------------- */

#define STEPS 3 /* to clean all of it: its file is longer than two, and not than three */

/* Something that is no content, and fills as much of the file. */
static void fill_file(struct ledger_fixture *f, const char *prefix, size_t size)
{
    const size_t each = 1024 * 1024;
    uint8_t *bytes = calloc(1, each);
    char name[32];

    assert_non_null(bytes);
    ledger_fixture_begin(f);
    for (size_t i = 0; i < size / each; i++) {
        snprintf(name, sizeof name, "%s %zu", prefix, i);
        ok(call(f->writer, put_value, name, span_of(bytes, each), &f->error));
    }
    ledger_fixture_commit(f);
    free(bytes);
}

/* Entries at the beginning, in the middle and at the end. */
static void make_large(struct ledger_fixture *f)
{
    for (int i = 0; i < 3; i++) {
        ledger_fixture_begin(f);
        for (int j = 0; j < 100; j++)
            ledger_fixture_append(f, sample_next(f->a, ANNOUNCEMENT, marker(1, 700)));
        ledger_fixture_commit(f);
        fill_file(f, i ? "second" : "first", i < 2 ? SQLITE_CLEAN_SIZE / 4 * 5 : 0);
    }
    ledger_script_close(f);
}

/* Which parts of the file, each what a step cleans in a sweep from the beginning, hold it. */
static void assert_parts(struct ledger_fixture *f, struct span bytes, bool first, bool second,
                         bool third)
{
    const bool expected[STEPS] = {first, second, third};
    const size_t part = SQLITE_CLEAN_SIZE;
    size_t size, from;
    char *file = folder_read(&f->folder, "ledger.db", &size);

    assert_true(size > (STEPS - 1) * part && size <= STEPS * part);
    for (size_t step = 0; step < STEPS; step++) {
        from = step * part;
        assert_int_equal(memmem(file + from, step + 1 < STEPS ? part : size - from, bytes.data,
                                bytes.size) != NULL,
                         expected[step]);
    }
    free(file);
}

static void order(struct ledger_fixture *f, uint64_t seq)
{
    ledger_fixture_begin(f);
    erase_seq(f, &f->a->feed, seq);
    ledger_fixture_commit(f);
}

static void test_ledger__is_cleaned_to_its_end_while_orders_come(void **state)
{
    struct ledger_fixture *f = *state;
    const struct span bytes = span_of_text("a copy of a row that was here");

    make_large(f);
    assert_true(plant(f, bytes) > 3);
    ok(ledger_script_open(f));
    folder_write_text(&f->folder, "ledger.db.v1", 0600, "an old copy");
    assert_parts(f, bytes, true, true, true);
    order(f, 1);
    assert_parts(f, bytes, false, true, true);
    assert_false(folder_has(&f->folder, "ledger.db.v1"));
    order(f, 2);
    assert_parts(f, bytes, false, false, true);
    order(f, 3);
    assert_parts(f, bytes, false, false, false);
    order(f, 4);
    /* All that was there at the last order is looked at once more, and no more than that. */
    for (int step = 1; step < STEPS; step++) {
        assert_true(is_unclean(f));
        idle_commit(f);
    }
    assert_false(is_unclean(f));
    assert_int_equal(ledger_seen_entries(f->writer, &f->a->feed, 1, UINT64_MAX)->count, 300);
}

/* In another process, which is killed when it has done so many orders and then other commits. */
static void order_and_die(struct ledger_fixture *f, uint64_t first, int orders, int others)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        if (ledger_script_open(f))
            _exit(1);
        for (int i = 0; i < orders; i++)
            order(f, first + (uint64_t)i);
        for (int i = 0; i < others; i++)
            idle_commit(f);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void test_ledger__goes_on_cleaning_where_it_was_killed(void **state)
{
    struct ledger_fixture *f = *state;
    const struct span bytes = span_of_text("a copy of a row that was here");

    make_large(f);
    order_and_die(f, 1, 2, 0); /* the second order is owed from the second part on */
    assert_true(plant(f, bytes) > 3);
    ok(ledger_script_open(f));
    assert_parts(f, bytes, true, false, true);
    idle_commit(f);
    assert_parts(f, bytes, false, false, false);
    assert_true(is_unclean(f));
    idle_commit(f);
    assert_false(is_unclean(f));
}

/* What is owed after a start is no more than what was owed before. */
static void test_ledger__ends_a_round_that_began_before_it_was_killed(void **state)
{
    struct ledger_fixture *f = *state;
    const struct span bytes = span_of_text("a copy of a row that was here");

    make_large(f);
    order_and_die(f, 1, 3, 1); /* the third is owed up to the end of the second part */
    assert_true(plant(f, bytes) > 3);
    ok(ledger_script_open(f));
    assert_true(is_unclean(f));
    idle_commit(f);
    assert_false(is_unclean(f));
    assert_parts(f, bytes, true, false, true); /* of the first, what was clean before */
}

#define ROW(test)                                                                                  \
    cmocka_unit_test_setup_teardown(test, ledger_fixture_setup_sqlite, ledger_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_ledger__erased_bytes_are_in_no_file),
        ROW(test_ledger__erased_bytes_are_in_no_quarantine),
        ROW(test_ledger__no_page_keeps_a_copy),
        ROW(test_ledger__cleans_the_room_that_pages_have),
        ROW(test_ledger__is_cleaned_once_no_reader_is_in_the_way),
        ROW(test_ledger__is_cleaned_at_the_next_start),
        ROW(test_ledger__copies_of_migrations_go),
        ROW(test_ledger__keeps_its_locks_while_it_cleans),
        ROW(test_ledger__is_cleaned_to_its_end_while_orders_come),
        ROW(test_ledger__goes_on_cleaning_where_it_was_killed),
        ROW(test_ledger__ends_a_round_that_began_before_it_was_killed),
    };

    return cmocka_run_group_tests_name("ledger_clean", tests, NULL, NULL);
}
