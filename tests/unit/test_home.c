#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/config/home.h"

static int setup(void **state)
{
    char *folder = strdup("/tmp/caravan-home-XXXXXX");

    *state = folder;
    return folder && mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[HOME_PATH_SIZE];

    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    free(*state);
    return system(command);
}

static void path_of(void **state, const char *name, char out[HOME_PATH_SIZE])
{
    assert_int_equal(home_path(*state, name, out, NULL), ERROR_NONE);
}

static void test_home__replaces_a_file_whole(void **state)
{
    char path[HOME_PATH_SIZE];
    struct buffer read = {0};
    struct stat info;
    struct home_names names;

    path_of(state, "node.yaml", path);
    assert_int_equal(home_write(path, 0600, span_of_text("one"), NULL), ERROR_NONE);
    assert_int_equal(home_write(path, 0640, span_of_text("twotwo"), NULL), ERROR_NONE);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(home_read(path, 100, &read, NULL), ERROR_NONE);
    assert_string_equal(buffer_text(&read), "twotwo");
    buffer_finish(&read);
    /* Nothing temporary is left. */
    assert_int_equal(home_list(*state, "", &names, NULL), ERROR_NONE);
    assert_int_equal(names.count, 1);
    home_names_finish(&names);
}

static void test_home__a_failed_write_keeps_the_old_file(void **state)
{
    char folder[HOME_PATH_SIZE], path[HOME_PATH_SIZE];
    struct home_names names;
    struct error error;

    path_of(state, "taken", folder);
    assert_int_equal(home_make_folder(folder, 0700, NULL), ERROR_NONE);
    path_of(state, "taken/inside", path);
    assert_int_equal(home_write(path, 0600, span_of_text("x"), NULL), ERROR_NONE);
    /* A file cannot take the place of a folder. */
    assert_int_equal(home_write(folder, 0600, span_of_text("y"), &error), ERROR_IO);
    assert_non_null(strstr(error.text, "cannot replace"));
    assert_int_equal(home_list(*state, "", &names, NULL), ERROR_NONE);
    assert_int_equal(names.count, 1);
    home_names_finish(&names);
}

static void test_home__reads_no_more_than_the_limit(void **state)
{
    char path[HOME_PATH_SIZE];
    struct buffer read = {0};
    struct error error;

    path_of(state, "f", path);
    assert_int_equal(home_write(path, 0600, span_of_text("12345"), NULL), ERROR_NONE);
    assert_int_equal(home_read(path, 5, &read, &error), ERROR_NONE);
    assert_int_equal(home_read(path, 4, &read, &error), ERROR_TOO_LARGE);
    assert_int_equal(read.size, 5); /* what was there before stays */
    buffer_finish(&read);
    path_of(state, "missing", path);
    assert_int_equal(home_read(path, 4, &read, &error), ERROR_NOT_FOUND);
    buffer_finish(&read);
}

static void test_home__lists_names_sorted_and_without_suffix(void **state)
{
    static const char *const files[] = {
        "za-demo.card", "cn-demo.card", ".hidden.card", "x.txt", "cn-demo.card.new-abcdef",
        ".card"};
    char folder[HOME_PATH_SIZE], path[HOME_PATH_SIZE];
    struct home_names names;

    path_of(state, "partners", folder);
    assert_int_equal(home_list(folder, ".card", &names, NULL), ERROR_NONE);
    assert_int_equal(names.count, 0);
    assert_int_equal(home_make_folder(folder, 0700, NULL), ERROR_NONE);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/partners/%s", (char *)*state, files[i]);
        assert_int_equal(home_write(path, 0600, span_of_text(""), NULL), ERROR_NONE);
    }
    assert_int_equal(home_list(folder, ".card", &names, NULL), ERROR_NONE);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.names[0], "cn-demo");
    assert_string_equal(names.names[1], "za-demo");
    home_names_finish(&names);
}

static void test_home__names_cannot_leave_their_folder(void **state)
{
    static const char *const names[] = {"../keys/node", "a/b", "", ".", "..", ".hidden"};
    char path[HOME_PATH_SIZE];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(home_path_in(*state, "listeners", names[i], ".key", path, NULL),
                         ERROR_INVALID);
    assert_int_equal(home_path_in(*state, "listeners", "radar", ".key", path, NULL), ERROR_NONE);
}

static void test_home__only_one_process_has_the_lock(void **state)
{
    struct error error;
    char own[32];
    int first = -1, second = -1;

    snprintf(own, sizeof own, "(%ld)", (long)getpid());
    assert_int_equal(home_lock(*state, &first, &error), ERROR_NONE);
    assert_int_equal(home_lock(*state, &second, &error), ERROR_BUSY);
    assert_non_null(strstr(error.text, own));
    assert_int_equal(second, -1);
    home_unlock(first);
    assert_int_equal(home_lock(*state, &second, &error), ERROR_NONE);
    home_unlock(second);
}

static void test_home__reads_listener_keys(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", ERROR_NONE},
        {"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff", ERROR_NONE},
        {"", ERROR_INVALID},
        {"0011\n", ERROR_INVALID},
        {"xx112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", ERROR_INVALID},
        {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00", ERROR_INVALID},
    };
    char path[HOME_PATH_SIZE];

    path_of(state, "listeners", path);
    assert_int_equal(home_make_folder(path, 0700, NULL), ERROR_NONE);
    path_of(state, "listeners/radar.key", path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct id key = {{0}};

        assert_int_equal(home_write(path, 0600, span_of_text(rows[i].text), NULL), ERROR_NONE);
        assert_int_equal(home_read_listener(*state, "radar", &key, NULL), rows[i].code);
        assert_int_equal(key.bytes[31], rows[i].code ? 0 : 0xff);
    }
}

static void test_home__reads_plain_files_only_and_waits_for_nothing(void **state)
{
    char path[HOME_PATH_SIZE];
    struct buffer out = {0};

    path_of(state, "fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(10); /* a reader that waits for somebody to write would never come back */
    assert_int_equal(home_read(path, 100, &out, NULL), ERROR_INVALID);
    assert_int_equal(home_read("/dev/zero", 100, &out, NULL), ERROR_INVALID);
    assert_int_equal(home_read("/", 100, &out, NULL), ERROR_INVALID);
    alarm(0);
    assert_int_equal(out.size, 0);
    buffer_finish(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_home__replaces_a_file_whole),
        TEST(test_home__a_failed_write_keeps_the_old_file),
        TEST(test_home__reads_no_more_than_the_limit),
        TEST(test_home__reads_plain_files_only_and_waits_for_nothing),
        TEST(test_home__lists_names_sorted_and_without_suffix),
        TEST(test_home__names_cannot_leave_their_folder),
        TEST(test_home__only_one_process_has_the_lock),
        TEST(test_home__reads_listener_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
