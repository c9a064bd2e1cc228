#include "tests/support/vectors.h"

#include "common/entry.h"
#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH CARAVAN_SOURCE_DIR "/tests/vectors/vectors.txt"

static char *read_file(void)
{
    struct buffer text = {0};
    FILE *file = fopen(PATH, "rb");
    char block[4096];
    size_t got;

    assert_non_null(file);
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        assert_true(buffer_append(&text, block, got));
    fclose(file);
    buffer_text(&text); /* keeps a NUL behind the content */
    return (char *)text.data;
}

/* The first line that differs says what changed; a change here breaks every other implementation.
 */
static void test_vectors__are_made_again_byte_for_byte(void **state)
{
    struct buffer made = {0};
    char *kept = read_file(), *kept_rest = kept, *made_text, *made_rest;

    (void)state;
    vectors_write(&made);
    made_text = made_rest = strdup(buffer_text(&made));
    while (kept_rest || made_rest) {
        const char *a = strsep(&kept_rest, "\n"), *b = strsep(&made_rest, "\n");

        assert_string_equal(a ? a : "(end)", b ? b : "(end)");
    }
    free(kept);
    free(made_text);
    buffer_finish(&made);
}

static int judge(const char *hex, const struct identity_chain *chain)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = malloc(size);
    struct entry_run run = {0};
    int code;

    assert_true(bytes && bytes_from_hex(hex, bytes, size));
    code = entry_run_parse_single(span_of(bytes, size), INSTITUTION_NETWORK, &run, NULL);
    if (!code)
        code = entry_run_check(&run, chain, 1, NULL);
    entry_run_finish(&run);
    free(bytes);
    return code;
}

static void test_vectors__every_verdict_is_ours(void **state)
{
    char *text = read_file(), *rest = text, *line;
    struct institution who;
    struct buffer unused = {0};
    int count = 0;

    (void)state;
    institution_init(&who, 1);
    institution_certify(&who, false, &unused);
    while ((line = strsep(&rest, "\n"))) {
        char verdict[32], what[64];
        int code, hex = 0;

        if (sscanf(line, "judge.%31[^.].%63s = %n", verdict, what, &hex) != 2 || !hex)
            continue;
        code = judge(line + hex, &who.chain);
        if (strcmp(error_name((enum error_code)code), verdict) != 0)
            fail_msg("%s: expected %s, judged %s", what, verdict,
                     error_name((enum error_code)code));
        count++;
    }
    assert_true(count >= 30);
    free(text);
    institution_finish(&who);
    buffer_finish(&unused);
}

static int write_file(const char *path)
{
    struct buffer text = {0};
    FILE *file = fopen(path, "wb");
    int result = 1;

    vectors_write(&text);
    if (file && fwrite(text.data, 1, text.size, file) == text.size)
        result = 0;
    if (file && fclose(file) != 0)
        result = 1;
    buffer_finish(&text);
    return result;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors__are_made_again_byte_for_byte),
        cmocka_unit_test(test_vectors__every_verdict_is_ours),
    };

    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_file(argv[2]);
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
