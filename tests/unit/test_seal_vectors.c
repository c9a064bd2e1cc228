/* The known answers on sealed contents, judged by common/seal. That they are made again byte for
 * byte is unit.vectors. */
#include "common/seal.h"

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

static struct institution publisher, reader;
static char *line; /* of any length */
static size_t line_size;

static int setup(void **state)
{
    (void)state;
    institution_init(&publisher, 1);
    institution_init(&reader, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&publisher);
    institution_finish(&reader);
    free(line);
    return 0;
}

static void from_hex(const char *hex, struct buffer *out)
{
    size_t size = strcspn(hex, "\n") / 2;
    char *text = strndup(hex, 2 * size);

    buffer_clear(out);
    assert_true(text && buffer_reserve(out, size + 1));
    assert_true(bytes_from_hex(text, out->data, size));
    out->size = size;
    free(text);
}

/* The value of one line. */
static void value_of(const char *name, struct buffer *out)
{
    FILE *file = fopen(PATH, "rb");
    size_t length = strlen(name);
    bool found = false;

    assert_non_null(file);
    while (!found && getline(&line, &line_size, file) > 0)
        found = strncmp(line, name, length) == 0 && strncmp(line + length, " = ", 3) == 0;
    fclose(file);
    if (!found)
        fail_msg("%s is not in the vectors", name);
    from_hex(line + length + 3, out);
}

/* Calls judge with the bytes of each line "group.<verdict>.<what> = …". */
static int judge_all(const char *group, const char *(*judge)(struct span bytes))
{
    FILE *file = fopen(PATH, "rb");
    size_t length = strlen(group);
    struct buffer bytes = {0};
    int count = 0;

    assert_non_null(file);
    while (getline(&line, &line_size, file) > 0) {
        char verdict[32], what[64];
        const char *judged;
        int hex = 0;

        if (strncmp(line, group, length) != 0 ||
            sscanf(line + length, ".%31[^.].%63s = %n", verdict, what, &hex) != 2 || !hex)
            continue;
        from_hex(line + length + hex, &bytes);
        judged = judge(buffer_span(&bytes));
        if (strcmp(judged, verdict) != 0)
            fail_msg("%s: expected %s, judged %s", what, verdict, judged);
        count++;
    }
    fclose(file);
    buffer_finish(&bytes);
    return count;
}

static const char *judge_sealed(struct span bytes)
{
    struct buffer packed = {0};
    struct seal_opened opened;
    struct error error;
    int code = seal_open(bytes, INSTITUTION_NETWORK, &publisher.chain.feed, &reader.sealing, 1,
                         &opened, &error);

    if (!code) {
        value_of("sealed.packed", &packed);
        assert_true(span_equal(buffer_span(&opened.content), buffer_span(&packed)));
    }
    buffer_finish(&packed);
    seal_opened_finish(&opened);
    return code == ERROR_NONE        ? "opens"
           : code == ERROR_NOT_FOUND ? "not-for-us"
           : code == ERROR_MALFORMED ? "malformed"
           : code == ERROR_INVALID   ? "broken"
                                     : error_name((enum error_code)code);
}

static const char *judge_content(struct span bytes)
{
    struct seal_content content;

    return error_name(
        (enum error_code)seal_content_read(bytes, &publisher.chain.feed, &content, NULL));
}

static void test_seal_vectors__every_verdict_is_ours(void **state)
{
    (void)state;
    assert_true(judge_all("sealed_judge", judge_sealed) >= 20);
    assert_true(judge_all("sealed_content_judge", judge_content) >= 15);
}

static void test_seal_vectors__the_known_content_opens(void **state)
{
    static const char *const who[] = {"sealing.secret", "sealed.reader.1.secret",
                                      "sealed.reader.2.secret"};
    struct buffer sealed = {0}, key = {0}, expected = {0}, bytes = {0};

    (void)state;
    value_of("sealed.bytes", &sealed);
    value_of("sealed.key", &key);
    value_of("sealed.content", &expected);
    for (size_t i = 0; i < sizeof who / sizeof who[0]; i++) {
        struct secret *secret = NULL;
        struct seal_content content;
        struct seal_opened opened;

        value_of(who[i], &bytes);
        assert_int_equal(secret_from_bytes(SECRET_SEALING, bytes.data, &secret, NULL), 0);
        assert_int_equal(seal_open(buffer_span(&sealed), INSTITUTION_NETWORK, &publisher.chain.feed,
                                   &secret, 1, &opened, NULL),
                         0);
        assert_memory_equal(opened.key.bytes, key.data, SEAL_KEY_SIZE);
        assert_int_equal(
            seal_content_read(buffer_span(&opened.content), &publisher.chain.feed, &content, NULL),
            0);
        assert_true(span_equal(content.content, buffer_span(&expected)));
        assert_int_equal(content.audience_count, 2);
        seal_opened_finish(&opened);
        secret_destroy(secret);
    }
    buffer_finish(&sealed);
    buffer_finish(&key);
    buffer_finish(&expected);
    buffer_finish(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_vectors__every_verdict_is_ours),
        cmocka_unit_test(test_seal_vectors__the_known_content_opens),
    };

    return cmocka_run_group_tests_name("seal_vectors", tests, setup, teardown);
}
