#include "node/cli/cli_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/folder.h"

static unsigned files_in(const struct folder *folder)
{
    DIR *open_folder = opendir(folder->path);
    unsigned count = 0;

    assert_non_null(open_folder);
    while (readdir(open_folder))
        count++;
    closedir(open_folder);
    return count - 2;
}

struct steps {
    unsigned count, stop_at;
    volatile sig_atomic_t stop;
    char last[64];
};

static void note_step(void *context, const char *what)
{
    struct steps *steps = context;

    snprintf(steps->last, sizeof steps->last, "%s", what);
    if (++steps->count == steps->stop_at)
        steps->stop = 1;
}

static int bench(const struct folder *folder, struct steps *steps, struct cli_bench_result *result,
                 struct error *error)
{
    struct cli_bench_options options = {.folder = folder->path,
                                        .seconds = 0.5,
                                        .stop = &steps->stop,
                                        .step = note_step,
                                        .context = steps};

    memset(error, 0, sizeof *error);
    return cli_bench_run(&options, result, error);
}

static void test_cli_bench__measures_all_and_leaves_nothing(void **state)
{
    struct steps steps = {0};
    struct cli_bench_result result = {0};
    struct folder folder;
    struct error error;

    (void)state;
    folder_init(&folder);
    if (bench(&folder, &steps, &result, &error))
        fail_msg("%s", error.text);
    assert_true(result.sign > 100 && result.check_single > 100);
    /* One signature for many: that is what runs are for. */
    assert_true(result.check_run > result.check_single);
    assert_true(result.commit_single > 1 && result.commit_group > result.commit_single);
    assert_true(result.live > 10);
    assert_true(result.syncs > 0 && result.sync_median_ms > 0);
    assert_true(result.sync_p99_ms >= result.sync_median_ms);
    assert_int_equal(steps.count, 7);
    assert_int_equal(files_in(&folder), 0);
    folder_finish(&folder);
}

/* Whatever is being measured when somebody presses Ctrl-C. */
static void test_cli_bench__stops_and_cleans_up_at_every_step(void **state)
{
    struct folder folder;
    struct error error;

    (void)state;
    folder_init(&folder);
    for (unsigned step = 1; step <= 7; step++) {
        struct steps steps = {.stop_at = step};
        struct cli_bench_result result = {.live = 42};

        assert_int_equal(bench(&folder, &steps, &result, &error), ERROR_TIMEOUT);
        assert_int_equal(steps.count, step);
        assert_true(result.live == 42);
        assert_int_equal(files_in(&folder), 0);
    }
    folder_finish(&folder);
}

static void test_cli_bench__says_what_is_wrong_with_a_folder(void **state)
{
    struct steps steps = {0};
    struct cli_bench_result result;
    struct folder folder, missing;
    struct error error;

    (void)state;
    folder_init(&folder);
    snprintf(missing.path, sizeof missing.path, "%.500s/none", folder.path);
    assert_int_equal(bench(&missing, &steps, &result, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/none"));
    folder_finish(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cli_bench__measures_all_and_leaves_nothing),
        cmocka_unit_test(test_cli_bench__stops_and_cleans_up_at_every_step),
        cmocka_unit_test(test_cli_bench__says_what_is_wrong_with_a_folder),
    };

    return cmocka_run_group_tests_name("cli_bench", tests, NULL, NULL);
}
