/* inbox.db: what of the inbox was read. */
#include "node/ledger/marks.h"

#include "tests/support/fault.h"
#include "tests/support/folder.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct id feed = {{1}}, other = {{2}};
static struct folder home;

static int setup(void **state)
{
    (void)state;
    folder_init(&home);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_finish(&home);
    return 0;
}

static const char *path(void)
{
    return folder_file(&home, MARKS_FILE);
}

static struct marks *open_marks(void)
{
    struct marks *marks = NULL;
    struct error error = {0};

    if (marks_create(path(), &marks, &error))
        fail_msg("%s", error.text);
    return marks;
}

static bool is_read(struct marks *marks, const struct id *of, uint64_t seq)
{
    bool read = false;

    assert_int_equal(marks_is_read(marks, of, seq, &read, NULL), ERROR_NONE);
    return read;
}

static void set(struct marks *marks, const struct id *of, uint64_t seq, bool read)
{
    const struct mark mark = {*of, seq};

    assert_int_equal(marks_set_read(marks, &mark, 1, read, NULL), ERROR_NONE);
}

static void assert_refused(enum error_code code, const char *part)
{
    struct marks *marks = NULL;
    struct error error = {0};

    assert_int_equal(marks_create(path(), &marks, &error), code);
    assert_null(marks);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

/* Another program's file. */
static void run_sql(const char *sql)
{
    sqlite3 *handle = NULL;

    assert_int_equal(sqlite3_open(path(), &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(chmod(path(), 0600), 0);
}

static void test_marks__begin_unread_and_are_set_and_taken_back(void **state)
{
    struct marks *marks = open_marks();

    (void)state;
    assert_int_equal(folder_mode(&home, MARKS_FILE), 0600);
    assert_false(is_read(marks, &feed, 3));
    set(marks, &feed, 3, true);
    set(marks, &feed, 3, true);
    assert_true(is_read(marks, &feed, 3));
    assert_false(is_read(marks, &feed, 4));
    assert_false(is_read(marks, &other, 3));
    set(marks, &other, INT64_MAX, true);
    assert_true(is_read(marks, &other, INT64_MAX));
    set(marks, &feed, 3, false);
    set(marks, &feed, 3, false);
    assert_false(is_read(marks, &feed, 3));
    marks_destroy(marks);
}

/* Between two calls the file is whole by itself: what is beside it may be lost. */
static void test_marks__are_there_the_next_time(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 3; i++) {
        struct marks *marks = open_marks();

        for (uint64_t k = 1; k < i; k++)
            assert_true(is_read(marks, &feed, k));
        set(marks, &feed, i, true);
        assert_false(folder_has(&home, MARKS_FILE "-wal"));
        assert_false(folder_has(&home, MARKS_FILE "-journal"));
        marks_destroy(marks);
    }
    assert_int_equal(folder_mode(&home, MARKS_FILE), 0600);
}

static void test_marks__refuse_a_file_that_others_may_read(void **state)
{
    (void)state;
    marks_destroy(open_marks());
    assert_int_equal(chmod(path(), 0644), 0);
    assert_refused(ERROR_CONFIG, "chmod 600");
}

static void test_marks__refuse_a_damaged_file(void **state)
{
    static char garbage[4096];

    (void)state;
    memset(garbage, 'x', sizeof garbage);
    folder_write(&home, MARKS_FILE, 0600, garbage, sizeof garbage);
    assert_refused(ERROR_IO, "damaged");
}

static void test_marks__refuse_another_programs_file(void **state)
{
    sqlite3 *handle = NULL;

    (void)state;
    run_sql("CREATE TABLE notes (text TEXT)");
    assert_refused(ERROR_CONFIG, "not the inbox");
    assert_int_equal(sqlite3_open(path(), &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "SELECT * FROM read", NULL, NULL, NULL), SQLITE_ERROR);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    run_sql("PRAGMA application_id = 7");
    assert_refused(ERROR_CONFIG, "not the inbox");
}

static void test_marks__refuse_a_newer_file(void **state)
{
    (void)state;
    marks_destroy(open_marks());
    run_sql("PRAGMA user_version = 2");
    assert_refused(ERROR_CONFIG, "newer Caravan (version 2 of the file; this program knows 1)");
}

/* Stopped between making the file and making its table. */
static void test_marks__begin_anew_in_an_empty_file(void **state)
{
    struct marks *marks;

    (void)state;
    folder_write(&home, MARKS_FILE, 0600, "", 0);
    marks = open_marks();
    set(marks, &feed, 1, true);
    assert_true(is_read(marks, &feed, 1));
    marks_destroy(marks);
    assert_int_equal(folder_mode(&home, MARKS_FILE), 0600);
}

static void test_marks__refuse_a_folder(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path(), 0700), 0);
    assert_refused(ERROR_CONFIG, "not a regular file");
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Many at a time: all of them or, when that cannot be written, none. */
static void test_marks__set_many_or_none(void **state)
{
    static struct mark many[1000];
    struct marks *marks = open_marks();
    struct error error = {0};

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < 1000; i++)
        many[i] = (struct mark){i % 2 ? feed : other, 10 + i};
    set(marks, &feed, 1, true);
    limit_files(16384);
    assert_int_equal(marks_set_read(marks, many, 1000, true, &error), ERROR_IO);
    limit_files(RLIM_INFINITY);
    assert_non_null(strstr(error.text, MARKS_FILE));
    assert_true(is_read(marks, &feed, 1));
    for (size_t i = 0; i < 1000; i++)
        assert_false(is_read(marks, &many[i].feed, many[i].seq));
    assert_int_equal(marks_set_read(marks, many, 1000, true, &error), ERROR_NONE);
    for (size_t i = 0; i < 1000; i++)
        assert_true(is_read(marks, &many[i].feed, many[i].seq));
    assert_int_equal(marks_set_read(marks, many, 999, false, &error), ERROR_NONE);
    assert_false(is_read(marks, &many[0].feed, many[0].seq));
    assert_true(is_read(marks, &many[999].feed, many[999].seq));
    marks_destroy(marks);
}

/* What could not be written is said, and is not there; what was there stays. */
static void test_marks__say_when_nothing_more_can_be_written(void **state)
{
    struct marks *marks = open_marks();
    struct error error = {0};
    uint64_t seq = 1;
    int code;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    set(marks, &feed, 1, true);
    limit_files(4096);
    do {
        const struct mark mark = {feed, ++seq};

        code = marks_set_read(marks, &mark, 1, true, &error);
    } while (!code && seq < 1000);
    limit_files(RLIM_INFINITY);
    assert_int_equal(code, ERROR_IO);
    assert_non_null(strstr(error.text, MARKS_FILE));
    assert_true(is_read(marks, &feed, 1));
    assert_false(is_read(marks, &feed, seq));
    set(marks, &feed, seq, true);
    assert_true(is_read(marks, &feed, seq));
    marks_destroy(marks);
}

static void test_marks__survive_every_allocation_that_fails(void **state)
{
    bool done = false;

    (void)state;
    for (unsigned long n = 1; !done; n++) {
        struct marks *marks = NULL;
        struct error error = {0};
        bool read = false;
        int code;

        fault_arm(n);
        code = marks_create(path(), &marks, &error);
        if (!code)
            code = marks_set_read(marks, &(struct mark){feed, 1}, 1, true, &error);
        if (!code)
            code = marks_is_read(marks, &feed, 1, &read, &error);
        done = !fault_disarm();
        assert_int_equal(code, done ? ERROR_NONE : ERROR_MEMORY);
        marks_destroy(marks);
    }
    marks_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_marks__begin_unread_and_are_set_and_taken_back),
        TEST(test_marks__are_there_the_next_time),
        TEST(test_marks__refuse_a_file_that_others_may_read),
        TEST(test_marks__refuse_a_damaged_file),
        TEST(test_marks__refuse_another_programs_file),
        TEST(test_marks__refuse_a_newer_file),
        TEST(test_marks__begin_anew_in_an_empty_file),
        TEST(test_marks__refuse_a_folder),
        TEST(test_marks__set_many_or_none),
        TEST(test_marks__say_when_nothing_more_can_be_written),
        TEST(test_marks__survive_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
