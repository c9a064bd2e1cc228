#include "common/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
#define PUBLIC "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define GOOD "caravan-key 1\nkind: node\npublic: " PUBLIC "\nsecret: " SEED "\n"

static char folder[64], path[128];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/caravan-secret-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/node.key", folder);
    return secret_start(NULL);
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_text(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

/* RFC 8032, 7.1, test 2, and RFC 7748, 6.1. */
static void test_secret__public_keys_follow_the_standards(void **state)
{
    static const struct {
        enum secret_kind kind;
        const char *hidden, *public;
    } vectors[] = {
        {SECRET_NODE, SEED, PUBLIC},
        {SECRET_TRANSPORT, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
         "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct secret *secret = NULL;
        uint8_t bytes[32];
        char hex[65];

        assert_true(bytes_from_hex(vectors[i].hidden, bytes, 32));
        assert_int_equal(secret_from_bytes(vectors[i].kind, bytes, &secret, NULL), 0);
        bytes_to_hex(secret_public(secret)->bytes, 32, hex);
        assert_string_equal(hex, vectors[i].public);
        assert_true(secret_equal(secret_bytes(secret), bytes, 32));
        assert_int_equal(secret_kind_of(secret), vectors[i].kind);
        secret_destroy(secret);
    }
}

/* RFC 8032, 7.1, test 2. */
static void test_secret__signs_as_rfc_8032_says(void **state)
{
    static const char expected[] =
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    struct secret *node = NULL, *transport = NULL;
    struct error error;
    uint8_t bytes[32], signature[64];
    char hex[129];

    (void)state;
    assert_true(bytes_from_hex(SEED, bytes, 32));
    assert_int_equal(secret_from_bytes(SECRET_NODE, bytes, &node, NULL), 0);
    assert_int_equal(secret_sign(node, span_of_text("r"), signature, NULL), 0);
    bytes_to_hex(signature, 64, hex);
    assert_string_equal(hex, expected);
    assert_int_equal(secret_generate(SECRET_TRANSPORT, &transport, NULL), 0);
    assert_int_equal(secret_sign(transport, span_of_text("r"), signature, &error), ERROR_INTERNAL);
    secret_destroy(node);
    secret_destroy(transport);
    secret_destroy(NULL);
}

static void test_secret__every_kind_goes_to_a_file_and_back(void **state)
{
    (void)state;
    for (int kind = SECRET_ROOT; kind <= SECRET_SEALING; kind++) {
        struct secret *made = NULL, *loaded = NULL;
        struct stat info;

        assert_int_equal(secret_generate((enum secret_kind)kind, &made, NULL), 0);
        assert_int_equal(secret_save(made, path, NULL), 0);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
        assert_int_equal(secret_load(path, (enum secret_kind)kind, &loaded, NULL), 0);
        assert_true(id_equal(secret_public(made), secret_public(loaded)));
        assert_true(secret_equal(secret_bytes(made), secret_bytes(loaded), 32));
        secret_destroy(made);
        secret_destroy(loaded);
        assert_int_equal(unlink(path), 0);
    }
}

static void test_secret__two_made_keys_differ(void **state)
{
    struct secret *a = NULL, *b = NULL;

    (void)state;
    assert_int_equal(secret_generate(SECRET_NODE, &a, NULL), 0);
    assert_int_equal(secret_generate(SECRET_NODE, &b, NULL), 0);
    assert_false(secret_equal(secret_bytes(a), secret_bytes(b), 32));
    secret_destroy(a);
    secret_destroy(b);
}

static void test_secret__never_replaces_a_key_file(void **state)
{
    struct secret *made = NULL, *loaded = NULL;
    struct error error;

    (void)state;
    write_text(GOOD, 0600);
    assert_int_equal(secret_generate(SECRET_NODE, &made, NULL), 0);
    assert_int_equal(secret_save(made, path, &error), ERROR_EXISTS);
    assert_non_null(strstr(error.text, "is already there"));
    assert_int_equal(secret_load(path, SECRET_NODE, &loaded, NULL), 0);
    secret_destroy(made);
    secret_destroy(loaded);
    unlink(path);
}

static void test_secret__refuses_a_bad_file(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
        const char *place, *found, *expected;
    } bad[] = {
        {GOOD, 0640, "node.key", "mode 0640", "expected 0600; run: chmod 600"},
        {GOOD, 0602, "node.key", "mode 0602", "expected 0600"},
        {"", 0600, ":1:", "not a key file", "\"caravan-key 1\""},
        {"caravan-key 2\nkind: node\n", 0600, ":1:", "not a key file", "\"caravan-key 1\""},
        {"caravan-key 1\n", 0600, ":2:", "no \"kind", "\"kind: node\""},
        {"caravan-key 1\nkind: root\npublic: " PUBLIC "\nsecret: " SEED "\n", 0600,
         ":2:", "kind root", "expected node"},
        {"caravan-key 1\nkind: node\nsecret: " SEED "\n", 0600, ":3:", "no \"public",
         "64 hex digits"},
        {"caravan-key 1\nkind: node\npublic: " PUBLIC "\nsecret: 1234\n", 0600,
         ":4:", "4 characters", "64 hex digits"},
        {"caravan-key 1\nkind: node\npublic: " PUBLIC "\nsecret: " PUBLIC "\n", 0600,
         ":3:", "does not belong", "backup"},
        {GOOD "more\n", 0600, ":5:", "more text", "the end"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct secret *secret = NULL;
        struct error error;

        write_text(bad[i].text, bad[i].mode);
        assert_int_equal(secret_load(path, SECRET_NODE, &secret, &error), ERROR_CONFIG);
        assert_null(secret);
        assert_non_null(strstr(error.text, bad[i].place));
        assert_non_null(strstr(error.text, bad[i].found));
        assert_non_null(strstr(error.text, bad[i].expected));
        assert_null(strstr(error.text, "4ccd089b")); /* never the secret itself */
        unlink(path);
    }
}

static void test_secret__refuses_what_is_no_plain_text_file(void **state)
{
    struct secret *secret = NULL;
    struct error error;
    char long_text[2000];
    FILE *file;

    (void)state;
    assert_int_equal(secret_load(path, SECRET_NODE, &secret, &error), ERROR_NOT_FOUND);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(secret_load(path, SECRET_NODE, &secret, &error), ERROR_CONFIG);
    rmdir(path);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    write_text(long_text, 0600);
    assert_int_equal(secret_load(path, SECRET_NODE, &secret, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.text, "more than 512 bytes"));
    file = fopen(path, "w");
    fwrite(GOOD "\0", 1, sizeof GOOD, file);
    fclose(file);
    assert_int_equal(secret_load(path, SECRET_NODE, &secret, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.text, "NUL"));
    unlink(path);
}

static void test_secret__reads_a_file_with_windows_line_ends(void **state)
{
    struct secret *secret = NULL;

    (void)state;
    write_text("caravan-key 1\r\nkind: node\r\npublic: " PUBLIC "\r\nsecret: " SEED "\r\n", 0600);
    assert_int_equal(secret_load(path, SECRET_NODE, &secret, NULL), 0);
    secret_destroy(secret);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret__public_keys_follow_the_standards),
        cmocka_unit_test(test_secret__signs_as_rfc_8032_says),
        cmocka_unit_test(test_secret__every_kind_goes_to_a_file_and_back),
        cmocka_unit_test(test_secret__two_made_keys_differ),
        cmocka_unit_test(test_secret__never_replaces_a_key_file),
        cmocka_unit_test(test_secret__refuses_a_bad_file),
        cmocka_unit_test(test_secret__refuses_what_is_no_plain_text_file),
        cmocka_unit_test(test_secret__reads_a_file_with_windows_line_ends),
    };

    return cmocka_run_group_tests_name("secret", tests, setup, teardown);
}
