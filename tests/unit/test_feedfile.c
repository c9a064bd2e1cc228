#include "common/feedfile.h"

#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST 12

/* 1 certificate; 2 … 9, 11, 12 announcements; 10 certificate 2. */
static struct institution th, cn;
static struct buffer made[LAST + 1], good;

static void append_run(const struct institution *who, size_t first, size_t last, uint64_t proof,
                       struct buffer *out)
{
    struct buffer run = {0};

    institution_run(who, &made[first], last - first + 1, proof, &run);
    assert_int_equal(feedfile_append(buffer_span(&run), out, NULL), 0);
    buffer_finish(&run);
}

static int setup(void **state)
{
    (void)state;
    institution_init(&th, 1);
    institution_init(&cn, 2);
    for (int i = 1; i <= LAST; i++) {
        if (i == 1 || i == 10)
            institution_certify(&th, false, &made[i]);
        else
            institution_say(&th, "a park opens", &made[i]);
    }
    if (feedfile_begin(&th.chain, &good, NULL))
        return -1;
    append_run(&th, 1, 1, 0, &good);
    append_run(&th, 2, 7, 6, &good); /* 6 and 7 are only proof here */
    append_run(&th, 6, 10, 0, &good);
    append_run(&th, 11, 12, 0, &good);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    institution_finish(&cn);
    for (int i = 1; i <= LAST; i++)
        buffer_finish(&made[i]);
    buffer_finish(&good);
    return 0;
}

static int verify(struct span bytes, const char *network, struct feedfile *file,
                  struct error *error)
{
    int code = feedfile_open(file, bytes, network, error);

    return code ? code : feedfile_verify(file, error);
}

static void test_feedfile__what_is_written_verifies(void **state)
{
    struct feedfile file;
    struct error error = {0};

    (void)state;
    if (verify(buffer_span(&good), NULL, &file, &error))
        fail_msg("%s", error.text);
    assert_string_equal(file.chain.network, INSTITUTION_NETWORK);
    assert_int_equal(file.chain.count, 2);
    assert_int_equal(file.head.seq, LAST);
    assert_int_equal(file.head.certificate, 2);
    assert_int_equal(file.missing, 0);
    assert_true(id_equal(&file.head.hash, &th.head.hash));
    assert_true(id_equal(&file.head.feed, &th.chain.feed));
    feedfile_finish(&file);
    feedfile_finish(&file);
    feedfile_finish(NULL);
    assert_int_equal(verify(buffer_span(&good), "else", &file, &error), ERROR_WRONG_NETWORK);
    feedfile_finish(&file);
}

static void test_feedfile__runs_come_one_by_one_for_import(void **state)
{
    static const size_t counts[] = {1, 6, 5, 2}, kept[] = {1, 4, 5, 2};
    struct feedfile_record record = {0};
    struct feedfile file;

    (void)state;
    assert_int_equal(feedfile_open(&file, buffer_span(&good), INSTITUTION_NETWORK, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(feedfile_next(&file, &record, NULL), 0);
        assert_int_equal(record.run.count, counts[i]);
        assert_int_equal(record.run.kept, kept[i]);
        assert_true(record.bytes.data > good.data &&
                    record.bytes.data + record.bytes.size <= good.data + good.size);
    }
    assert_int_equal(feedfile_next(&file, &record, NULL), 0);
    assert_int_equal(record.run.count, 0);
    assert_int_equal(feedfile_next(&file, &record, NULL), 0);
    feedfile_record_finish(&record);
    feedfile_record_finish(NULL);
    feedfile_finish(&file);
}

static void test_feedfile__counts_contents_that_are_missing(void **state)
{
    struct buffer bytes = {0}, bare = {0};
    struct feedfile file;
    struct entry entry;

    (void)state;
    assert_int_equal(feedfile_begin(&th.chain, &bytes, NULL), 0);
    append_run(&th, 1, 1, 0, &bytes);
    assert_int_equal(entry_parse_bytes(buffer_span(&made[2]), INSTITUTION_NETWORK, &entry, NULL),
                     0);
    assert_true(entry_encode(&entry, false, &bare));
    struct buffer kept = made[2];
    made[2] = bare;
    append_run(&th, 2, 3, 0, &bytes);
    made[2] = kept;
    assert_int_equal(verify(buffer_span(&bytes), NULL, &file, NULL), 0);
    assert_int_equal(file.missing, 1);
    feedfile_finish(&file);
    buffer_finish(&bytes);
    buffer_finish(&bare);
}

static void test_feedfile__a_record_over_the_limit_is_not_written(void **state)
{
    uint8_t *big = calloc(1, LIMIT_MESSAGE_SIZE + 1);
    struct buffer out = {0};
    struct error error;

    (void)state;
    assert_int_equal(feedfile_append(span_of(big, LIMIT_MESSAGE_SIZE + 1), &out, &error),
                     ERROR_TOO_LARGE);
    assert_non_null(strstr(error.text, "1048577 bytes, expected at most 1048576"));
    assert_int_equal(out.size, 0);
    free(big);
}

/* --- broken files ---------------------------------------------------------------------------- */

static void begin(struct buffer *out)
{
    assert_int_equal(feedfile_begin(&th.chain, out, NULL), 0);
}

static void empty(struct buffer *out)
{
    buffer_append_text(out, "");
}
static void other_magic(struct buffer *out)
{
    buffer_append_text(out, "caravan-feed 2\n.....");
}
static void magic_only(struct buffer *out)
{
    buffer_append_text(out, FEEDFILE_MAGIC);
}
static void length_cut_off(struct buffer *out)
{
    buffer_append_text(out, FEEDFILE_MAGIC "\1\1\1");
}
static void record_cut_off(struct buffer *out)
{
    buffer_append(out, good.data, good.size - 1);
}
static void record_empty(struct buffer *out)
{
    buffer_append(out, FEEDFILE_MAGIC "\0\0\0\0", sizeof FEEDFILE_MAGIC + 3);
}
static void record_huge(struct buffer *out)
{
    buffer_append(out, FEEDFILE_MAGIC "\0\x10\0\1x", sizeof FEEDFILE_MAGIC + 4);
}
static void no_run(struct buffer *out)
{
    begin(out);
}
static void no_certificates(struct buffer *out)
{
    struct identity_chain none = {.feed = th.chain.feed};

    assert_int_equal(feedfile_begin(&none, out, NULL), 0);
}
static void certificates_short(struct buffer *out)
{
    struct identity_chain first = th.chain;

    first.count = 1;
    assert_int_equal(feedfile_begin(&first, out, NULL), 0);
    append_run(&th, 1, 1, 0, out);
    append_run(&th, 2, 10, 0, out);
}
static void certificate_twice(struct buffer *out)
{
    struct buffer encoded[2] = {th.chain.encoded[0], th.chain.encoded[0]};
    struct identity_chain twice = th.chain;

    twice.encoded = encoded;
    assert_int_equal(feedfile_begin(&twice, out, NULL), 0);
}
static void certificate_changed(struct buffer *out)
{
    buffer_append(out, good.data, good.size);
    out->data[sizeof FEEDFILE_MAGIC - 1 + 4 + 34 + 60] ^= 1;
}
static void gap(struct buffer *out)
{
    begin(out);
    append_run(&th, 1, 1, 0, out);
    append_run(&th, 3, 5, 0, out);
}
static void run_twice(struct buffer *out)
{
    begin(out);
    append_run(&th, 1, 1, 0, out);
    append_run(&th, 1, 1, 0, out);
}
static void starts_late(struct buffer *out)
{
    begin(out);
    append_run(&th, 2, 5, 0, out);
}
static void other_feed(struct buffer *out)
{
    begin(out);
    append_run(&cn, 1, 1, 0, out);
}
static void foreign_run(struct buffer *out) /* in order, but not this feed's */
{
    struct institution own;
    struct buffer entry = {0}, run = {0};

    institution_init(&own, 2);
    institution_certify(&own, false, &entry);
    institution_run(&own, &entry, 1, 0, &run);
    begin(out);
    assert_int_equal(feedfile_append(buffer_span(&run), out, NULL), 0);
    institution_finish(&own);
    buffer_finish(&entry);
    buffer_finish(&run);
}
/* Entries 3 and 4 of another history with the same keys. */
static void other_branch(struct buffer *out)
{
    struct institution own;
    struct buffer entries[4] = {{0}}, run = {0};

    institution_init(&own, 1);
    institution_certify(&own, false, &entries[0]);
    for (int i = 1; i < 4; i++)
        institution_say(&own, "something else", &entries[i]);
    begin(out);
    append_run(&th, 1, 1, 0, out);
    append_run(&th, 2, 2, 0, out);
    institution_run(&own, &entries[2], 2, 0, &run);
    assert_int_equal(feedfile_append(buffer_span(&run), out, NULL), 0);
    institution_finish(&own);
    buffer_finish(&run);
    for (int i = 0; i < 4; i++)
        buffer_finish(&entries[i]);
}
static void garbage(struct buffer *out)
{
    begin(out);
    assert_int_equal(feedfile_append(span_of_text("\xff\xff\xff"), out, NULL), 0);
}
static void content_changed(struct buffer *out)
{
    buffer_append(out, good.data, good.size);
    out->data[out->size - 1] ^= 1;
}

static void test_feedfile__broken_files_have_their_own_errors(void **state)
{
    static const struct {
        void (*make)(struct buffer *);
        int code;
        const char *place, *found, *expected;
    } bad[] = {
        {empty, ERROR_MALFORMED, "byte 0", "no line \"caravan-feed 1\"", "an exported feed"},
        {other_magic, ERROR_MALFORMED, "byte 0", "no line \"caravan-feed 1\"", "exported feed"},
        {magic_only, ERROR_MALFORMED, "byte 15", "found 0 bytes", "expected the 4"},
        {length_cut_off, ERROR_MALFORMED, "byte 15", "found 3 bytes", "expected the 4"},
        {record_cut_off, ERROR_MALFORMED, "byte ", "was cut off", "expected all"},
        {record_empty, ERROR_MALFORMED, "byte 15", "a record of 0 bytes", "1 to 1048576"},
        {record_huge, ERROR_TOO_LARGE, "byte 15", "a record of 1048577 bytes", "1 to 1048576"},
        {no_run, ERROR_MALFORMED, "byte ", "the end of the file", "at least one run"},
        {no_certificates, ERROR_MALFORMED, "byte 15", "found none", "certificate 1"},
        {certificates_short, ERROR_GAP, "byte ", "entry 10 is certificate 2", "first record"},
        {certificate_twice, ERROR_MALFORMED, "byte 15", "certificate 1 stands twice", "once"},
        {certificate_changed, ERROR_BAD_SIGNATURE, "byte 15: Certificate 1", "signature",
         "root key"},
        {gap, ERROR_GAP, "byte ", "a run from entry 3", "expected 2"},
        {run_twice, ERROR_MALFORMED, "byte ", "a run from entry 1", "expected 2"},
        {starts_late, ERROR_GAP, "byte ", "a run from entry 2", "expected 1"},
        {other_feed, ERROR_MALFORMED, "byte ", "entry 1 is of another feed", "the run's"},
        {foreign_run, ERROR_MALFORMED, "byte ", "found a run of another feed", "the feed of the"},
        {other_branch, ERROR_BROKEN_CHAIN, "byte ", "entry 3: previous", "hash of entry 2"},
        {garbage, ERROR_MALFORMED, "byte ", "found", "expected"},
        {content_changed, ERROR_MALFORMED, "byte ", "SignedEntry 12", "content_hash"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer bytes = {0};
        struct feedfile file;
        struct error error = {0};
        int code;

        bad[i].make(&bytes);
        code = verify(buffer_span(&bytes), NULL, &file, &error);
        if (code != bad[i].code || strncmp(error.text, bad[i].place, strlen(bad[i].place)) != 0 ||
            !strstr(error.text, bad[i].found) || !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s: %s", i, error_name((enum error_code)code), error.text);
        feedfile_finish(&file);
        buffer_finish(&bytes);
    }
}

static void test_feedfile__every_cut_is_refused_or_ends_between_runs(void **state)
{
    size_t whole = 0;

    (void)state;
    for (size_t size = 0; size < good.size; size++) {
        struct feedfile file;

        whole += verify(span_of(good.data, size), NULL, &file, NULL) == ERROR_NONE;
        feedfile_finish(&file);
    }
    assert_int_equal(whole, 3); /* behind the first, the second and the third run */
}

/* --- for tests/interop ----------------------------------------------------------------------- */

#define SAMPLE 620

/* A feed with everything in it that can be: rotation (300), recovery (500), an erased content (40),
 * runs that end at an anchor, at a certificate and by a proof, and no signature but those that must
 * be there. */
static void make_sample(struct buffer *out)
{
    static const size_t ends[] = {1, 256, 257, 300, 450, 500, 512, SAMPLE};
    struct buffer entries[SAMPLE + 1] = {{0}};
    struct institution who;

    institution_init(&who, 3);
    for (size_t i = 1; i <= SAMPLE; i++) {
        bool end = i == 1 || i == 256 || i == 300 || i == 450 || i == 500 || i == 512 ||
                   i == SAMPLE || i == 260; /* the proof of 257 reaches 260 */
        struct buffer full = {0};
        struct entry entry;

        if (i == 1 || i == 300 || i == 500)
            institution_certify(&who, i == 500, &full);
        else
            institution_say(&who, i % 2 ? "a shared resource" : "เปิดรับสมัคร", &full);
        assert_int_equal(entry_parse_bytes(buffer_span(&full), who.network, &entry, NULL), 0);
        if (!end)
            entry.signature = span_of(NULL, 0);
        assert_true(entry_encode(&entry, i != 40, &entries[i]));
        buffer_finish(&full);
    }
    assert_int_equal(feedfile_begin(&who.chain, out, NULL), 0);
    for (size_t i = 0, first = 1; i < sizeof ends / sizeof ends[0]; first = ends[i++] + 1) {
        size_t last = ends[i] == 257 ? 260 : ends[i];
        struct buffer run = {0};

        institution_run(&who, &entries[first], last - first + 1, last == 260 ? 258 : 0, &run);
        assert_int_equal(feedfile_append(buffer_span(&run), out, NULL), 0);
        buffer_finish(&run);
    }
    for (size_t i = 1; i <= SAMPLE; i++)
        buffer_finish(&entries[i]);
    institution_finish(&who);
}

static int write_sample(const char *path)
{
    struct buffer bytes = {0};
    FILE *file = fopen(path, "wb");
    int result = 1;

    make_sample(&bytes);
    if (file && fwrite(bytes.data, 1, bytes.size, file) == bytes.size)
        result = 0;
    if (file && fclose(file) != 0)
        result = 1;
    buffer_finish(&bytes);
    return result;
}

/* One word a file: ok or the refusal. */
static int judge_file(const char *path)
{
    struct buffer bytes = {0};
    struct feedfile feed;
    FILE *file = fopen(path, "rb");
    char block[4096];
    size_t got;
    int code;

    if (!file)
        return 1;
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        buffer_append(&bytes, block, got);
    fclose(file);
    code = verify(buffer_span(&bytes), NULL, &feed, NULL);
    puts(error_name((enum error_code)code));
    feedfile_finish(&feed);
    buffer_finish(&bytes);
    return 0;
}

static void test_feedfile__the_sample_for_others_verifies(void **state)
{
    struct buffer bytes = {0};
    struct feedfile file;
    struct error error = {0};

    (void)state;
    make_sample(&bytes);
    if (verify(buffer_span(&bytes), NULL, &file, &error))
        fail_msg("%s", error.text);
    assert_int_equal(file.head.seq, SAMPLE);
    assert_int_equal(file.head.certificate, 3);
    assert_int_equal(file.missing, 1);
    feedfile_finish(&file);
    buffer_finish(&bytes);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feedfile__what_is_written_verifies),
        cmocka_unit_test(test_feedfile__runs_come_one_by_one_for_import),
        cmocka_unit_test(test_feedfile__counts_contents_that_are_missing),
        cmocka_unit_test(test_feedfile__a_record_over_the_limit_is_not_written),
        cmocka_unit_test(test_feedfile__broken_files_have_their_own_errors),
        cmocka_unit_test(test_feedfile__every_cut_is_refused_or_ends_between_runs),
        cmocka_unit_test(test_feedfile__the_sample_for_others_verifies),
    };

    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_sample(argv[2]);
    for (int i = 2; i < argc && strcmp(argv[1], "--judge") == 0; i++)
        if (judge_file(argv[i]))
            return 1;
    if (argc > 1)
        return 0;

    return cmocka_run_group_tests_name("feedfile", tests, setup, teardown);
}
