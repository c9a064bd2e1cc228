#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/entry.h"
#include "node/config/home.h"
#include "node/config/home_new.h"
#include "node/config/own.h"

static int setup(void **state)
{
    char *folder = strdup("/tmp/caravan-home-XXXXXX");

    *state = folder;
    return folder && mkdtemp(folder) && secret_start(NULL) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    char command[HOME_PATH_SIZE];

    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    free(*state);
    return system(command);
}

static int make(const char *home, const char *network, struct id *feed, struct error *error)
{
    const struct home_new input = {.network = network,
                                   .title = "Test (th-test)",
                                   .yaml = span_of_text("network: test\n"),
                                   .now_ms = 1700000000000};

    return home_new(home, &input, feed, error);
}

static void path_of(void **state, const char *name, char out[HOME_PATH_SIZE])
{
    assert_int_equal(home_path(*state, name, out, NULL), ERROR_NONE);
}

static void assert_private(const char *home, const char *name, mode_t mode)
{
    char path[HOME_PATH_SIZE];
    struct stat info;

    assert_int_equal(home_path(home, name, path, NULL), ERROR_NONE);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, mode);
}

static void test_home_new__makes_a_home_that_loads(void **state)
{
    static const char *const files[] = {HOME_CONFIG,        HOME_ROOT_KEY,      HOME_NODE_KEY,
                                        HOME_TRANSPORT_KEY, HOME_SEALING_KEY,   HOME_CERTIFICATES,
                                        HOME_GENESIS,       HOME_RECOVERY_PAPER};
    char home[HOME_PATH_SIZE];
    struct error error = {0};
    struct own own;
    struct entry entry;
    struct id feed;

    path_of(state, "home", home);
    assert_int_equal(make(home, "test", &feed, &error), ERROR_NONE);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_private(home, files[i], 0600);
    assert_private(home, HOME_KEYS, 0700);
    assert_int_equal(own_load(home, "test", &own, &error), ERROR_NONE);
    assert_true(id_equal(&own.chain.feed, &feed));
    assert_int_equal(own.chain.count, 1);
    assert_false(id_is_zero(&own.chain.recovery_hash));
    assert_int_equal(entry_parse_bytes(buffer_span(&own.genesis), "test", &entry, &error), 0);
    assert_int_equal(entry.seq, 1);
    assert_int_equal(entry.created_ms, 1700000000000);
    own_finish(&own);
}

/* Four lines of four groups and a check; read by hand, as somebody in need would. */
static void read_paper(const char *text, uint8_t secret[32])
{
    unsigned number, groups[4], check;
    const char *line = strstr(text, "\n    1 ");

    for (unsigned i = 0; i < 4; i++) {
        unsigned crc = 0xffff;
        uint8_t bytes[9];

        assert_non_null(line);
        assert_int_equal(sscanf(line, " %u %x %x %x %x check %x", &number, groups, groups + 1,
                                groups + 2, groups + 3, &check),
                         6);
        assert_int_equal(number, i + 1);
        bytes[0] = (uint8_t)number;
        for (unsigned g = 0; g < 4; g++) {
            bytes[1 + 2 * g] = (uint8_t)(groups[g] >> 8);
            bytes[2 + 2 * g] = (uint8_t)groups[g];
        }
        for (unsigned b = 0; b < 9; b++)
            for (int bit = 7; bit >= 0; bit--) {
                unsigned top = (crc >> 15 & 1) ^ (bytes[b] >> bit & 1);

                crc = (crc << 1 & 0xffff) ^ (top ? 0x1021 : 0);
            }
        assert_int_equal(crc, check);
        memcpy(secret + 8 * i, bytes + 1, 8);
        line = strchr(line + 1, '\n');
    }
}

static void test_home_new__the_recovery_key_can_be_typed_from_paper(void **state)
{
    char home[HOME_PATH_SIZE], path[HOME_PATH_SIZE];
    struct identity_chain chain;
    struct buffer text = {0};
    struct secret *recovery;
    struct id feed, hash;
    uint8_t secret[32];

    path_of(state, "home", home);
    assert_int_equal(make(home, "test", &feed, NULL), ERROR_NONE);
    path_of(state, "home/" HOME_RECOVERY_PAPER, path);
    assert_int_equal(home_read(path, 8192, &text, NULL), ERROR_NONE);
    read_paper(buffer_text(&text), secret);
    buffer_finish(&text);
    assert_int_equal(secret_from_bytes(SECRET_RECOVERY, secret, &recovery, NULL), ERROR_NONE);
    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(recovery)), &hash);
    secret_destroy(recovery);
    assert_int_equal(own_load_chain(home, "test", &chain, NULL), ERROR_NONE);
    assert_true(id_equal(&chain.recovery_hash, &hash));
    identity_chain_finish(&chain);
}

static void test_home_new__takes_an_empty_folder(void **state)
{
    char home[HOME_PATH_SIZE], inside[HOME_PATH_SIZE];
    struct id feed;

    path_of(state, "volume", home);
    path_of(state, "volume/lost+found", inside);
    assert_int_equal(home_make_folder(home, 0700, NULL), ERROR_NONE);
    assert_int_equal(home_make_folder(inside, 0700, NULL), ERROR_NONE);
    assert_int_equal(make(home, "test", &feed, NULL), ERROR_NONE);
    assert_private(home, HOME_CONFIG, 0600);
}

static void test_home_new__touches_nothing_in_a_folder_in_use(void **state)
{
    char home[HOME_PATH_SIZE], inside[HOME_PATH_SIZE];
    struct home_names names;
    struct error error;
    struct id feed;

    path_of(state, "used", home);
    path_of(state, "used/letter.txt", inside);
    assert_int_equal(home_make_folder(home, 0700, NULL), ERROR_NONE);
    assert_int_equal(home_write(inside, 0644, span_of_text("mine"), NULL), ERROR_NONE);
    assert_int_equal(make(home, "test", &feed, &error), ERROR_EXISTS);
    assert_non_null(strstr(error.text, "letter.txt"));
    assert_int_equal(home_list(home, "", &names, NULL), ERROR_NONE);
    assert_int_equal(names.count, 1);
    home_names_finish(&names);
    /* A second init on a home is the same. */
    path_of(state, "home", home);
    assert_int_equal(make(home, "test", &feed, NULL), ERROR_NONE);
    assert_int_equal(make(home, "test", &feed, &error), ERROR_EXISTS);
    assert_private(home, HOME_CONFIG, 0600);
}

static void test_home_new__leaves_nothing_behind_after_an_error(void **state)
{
    char home[HOME_PATH_SIZE], path[HOME_PATH_SIZE], network[LIMIT_NETWORK_SIZE + 2];
    struct error error;
    struct id feed;

    memset(network, 'n', sizeof network - 1);
    network[sizeof network - 1] = '\0';
    path_of(state, "home", home);
    assert_int_not_equal(make(home, network, &feed, &error), ERROR_NONE);
    assert_int_equal(access(home, F_OK), -1);
    /* The folder was there before: it stays, empty. */
    assert_int_equal(home_make_folder(home, 0700, NULL), ERROR_NONE);
    assert_int_not_equal(make(home, network, &feed, &error), ERROR_NONE);
    assert_int_equal(rmdir(home), 0);
    /* Its parent is missing. */
    path_of(state, "no/such/home", path);
    assert_int_equal(make(path, "test", &feed, &error), ERROR_NOT_FOUND);
}

static void broken(void **state, const char *name, struct span content, const char *expected)
{
    char home[HOME_PATH_SIZE], path[HOME_PATH_SIZE];
    struct error error = {0};
    struct own own;
    struct id feed;
    struct buffer before = {0};

    path_of(state, "home", home);
    if (access(home, F_OK) != 0)
        assert_int_equal(make(home, "test", &feed, NULL), ERROR_NONE);
    assert_int_equal(home_path(home, name, path, NULL), ERROR_NONE);
    assert_int_equal(home_read(path, 65536, &before, NULL), ERROR_NONE);
    assert_int_equal(home_write(path, 0600, content, NULL), ERROR_NONE);
    assert_int_equal(own_load(home, "test", &own, &error), ERROR_CONFIG);
    if (!strstr(error.text, expected))
        fail_msg("expected \"%s\" in \"%s\"", expected, error.text);
    assert_int_equal(home_write(path, 0600, buffer_span(&before), NULL), ERROR_NONE);
    buffer_finish(&before);
    assert_int_equal(own_load(home, "test", &own, &error), ERROR_NONE);
    own_finish(&own);
}

static void test_own__says_which_file_is_wrong(void **state)
{
    char other[HOME_PATH_SIZE], path[HOME_PATH_SIZE];
    struct buffer bytes = {0};
    struct error error;
    struct own own;
    struct id feed;

    broken(state, HOME_CERTIFICATES, span_of_text("nonsense"), HOME_CERTIFICATES);
    broken(state, HOME_CERTIFICATES, span_of_text(""), "no certificate");
    broken(state, HOME_GENESIS, span_of_text(""), HOME_GENESIS);
    broken(state, HOME_NODE_KEY, span_of_text("caravan-key 1\n"), HOME_NODE_KEY);
    path_of(state, "other", other);
    assert_int_equal(make(other, "test", &feed, NULL), ERROR_NONE);
    path_of(state, "other/" HOME_TRANSPORT_KEY, path);
    assert_int_equal(home_read(path, 4096, &bytes, NULL), ERROR_NONE);
    broken(state, HOME_TRANSPORT_KEY, buffer_span(&bytes), "not the key that the newest");
    buffer_clear(&bytes);
    path_of(state, "other/" HOME_GENESIS, path);
    assert_int_equal(home_read(path, 4096, &bytes, NULL), ERROR_NONE);
    broken(state, HOME_GENESIS, buffer_span(&bytes), HOME_GENESIS);
    buffer_finish(&bytes);
    assert_int_equal(own_load(other, "another-network", &own, &error), ERROR_CONFIG);
    path_of(state, "nowhere", path);
    assert_int_equal(own_load(path, "test", &own, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.text, " init"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_home_new__makes_a_home_that_loads),
        TEST(test_home_new__the_recovery_key_can_be_typed_from_paper),
        TEST(test_home_new__takes_an_empty_folder),
        TEST(test_home_new__touches_nothing_in_a_folder_in_use),
        TEST(test_home_new__leaves_nothing_behind_after_an_error),
        TEST(test_own__says_which_file_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
