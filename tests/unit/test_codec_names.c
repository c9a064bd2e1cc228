/* Handles where feed ids stand on the wire, announcements by name, and a key for the caller. */
#include "common/codec.h"

#include "common/limits.h"
#include "proto/announcement.pb-c.h"
#include "proto/answer.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct problem_list problems;
static unsigned asked;

static bool find(void *self, const char *handle, struct id *feed)
{
    (void)self;
    asked++;
    memset(feed->bytes, 7, sizeof feed->bytes);
    return strcmp(handle, "th-nstda") == 0;
}

static const char *name(void *self, const struct id *feed)
{
    struct id known;

    find(self, "th-nstda", &known);
    return id_equal(feed, &known) ? "th-nstda" : NULL;
}

static const struct codec_names names = {.find = find, .aside = "audience", .name = name};

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    problems = (struct problem_list){0};
    asked = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    problem_list_finish(&problems);
    return 0;
}

static void *read_with(const ProtobufCMessageDescriptor *type, const struct codec_names *known,
                       const char *yaml)
{
    ProtobufCMessage *message = NULL;

    problem_list_finish(&problems);
    problems = (struct problem_list){0};
    codec_read_yaml_with(type, span_of_text(yaml), known, NULL, &arena, NULL, &message, &problems);
    return problems.errors ? NULL : message;
}

static void assert_problem(const char *path, const char *part)
{
    assert_int_equal(problems.errors, 1);
    assert_string_equal(problems.items[0].path, path);
    if (!strstr(problems.items[0].text, part))
        fail_msg("\"%s\" does not say \"%s\"", problems.items[0].text, part);
}

static void test_codec__takes_a_handle_for_a_feed_id(void **state)
{
    const Caravan__Party *party =
        read_with(&caravan__party__descriptor, &names, "node id: th-nstda\n");

    (void)state;
    assert_non_null(party);
    assert_int_equal(party->node_id.len, 32);
    assert_int_equal(party->node_id.data[31], 7);
    party = read_with(&caravan__party__descriptor, &names, "node id: " HEX "\n");
    assert_non_null(party);
    assert_int_equal(party->node_id.data[31], 0x1f);
    assert_int_equal(asked, 1); /* an id is no handle */
}

static void test_codec__says_what_is_no_institution(void **state)
{
    static char long_handle[4000] = "node id: ";

    (void)state;
    assert_null(read_with(&caravan__party__descriptor, &names, "node id: xx-nobody\n"));
    assert_problem("node id", "found \"xx-nobody\", expected the handle of a partner");
    assert_null(read_with(&caravan__party__descriptor, &names, "node id: [th-nstda]\n"));
    assert_problem("node id", "expected the handle of a partner");
    assert_null(read_with(&caravan__party__descriptor, &names, "node id: 0001\n"));
    assert_problem("node id", "64 hexadecimal digits");
    assert_null(read_with(&caravan__party__descriptor, &names, "node id: \"\"\n"));
    assert_problem("node id", "64 hexadecimal digits");
    memset(long_handle + 9, 'x', sizeof long_handle - 10);
    assert_null(read_with(&caravan__party__descriptor, &names, long_handle));
    assert_problem("node id", "expected the handle of a partner");
    assert_true(strlen(problems.items[0].text) < 1000);
    assert_null(read_with(&caravan__party__descriptor, NULL, "node id: th-nstda\n"));
    assert_int_equal(problems.errors, 1);
}

static void test_codec__reads_announcements_by_name(void **state)
{
    static const char *const wrong[] = {
        "th-nstda", "th-nstda/",    "th-nstda/0", "th-nstda/-1",  "th-nstda/1x", "xx-nobody/42",
        "/42",      "th-nstda/042", HEX,          "th-nstda/ 42", "th-nstda/4/2"};
    const Caravan__Confirmation *confirmation =
        read_with(&caravan__confirmation__descriptor, &names, "announcement: th-nstda/42\n");
    char yaml[200];

    (void)state;
    assert_non_null(confirmation);
    assert_int_equal(confirmation->announcement->seq, 42);
    assert_int_equal(confirmation->announcement->feed.data[0], 7);
    confirmation = read_with(&caravan__confirmation__descriptor, NULL,
                             "announcement: " HEX "/9223372036854775807\n");
    assert_non_null(confirmation);
    assert_true(confirmation->announcement->seq == INT64_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(yaml, sizeof yaml, "announcement: %s\n", wrong[i]);
        if (read_with(&caravan__confirmation__descriptor, &names, yaml))
            fail_msg("taken: %s", yaml);
        assert_problem("announcement", "expected an announcement: th-nstda/42");
    }
}

/* What is written is read again as the same, whatever the numbers are. */
static void test_codec__writes_announcements_so_that_they_are_read_again(void **state)
{
    static const uint64_t seqs[] = {0, 1, 42, INT64_MAX, 9999999999999999999u, UINT64_MAX};
    static const size_t sizes[] = {0, 31, 32, 33};
    uint8_t feed[33];

    (void)state;
    memset(feed, 9, sizeof feed);
    for (size_t i = 0; i < sizeof seqs / sizeof seqs[0]; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT, *back;
            Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
            struct buffer yaml = {0}, first = {0}, second = {0};

            name.has_feed = name.has_seq = 1;
            name.feed.data = feed;
            name.feed.len = sizes[k];
            name.seq = seqs[i];
            confirmation.announcement = &name;
            assert_true(codec_write_yaml(&confirmation.base, &yaml));
            back = read_with(&caravan__confirmation__descriptor, NULL, buffer_text(&yaml));
            if (!back)
                fail_msg("not read again: %s", buffer_text(&yaml));
            assert_true(codec_pack(&confirmation.base, &first));
            assert_true(codec_pack(&back->base, &second));
            assert_true(span_equal(buffer_span(&first), buffer_span(&second)));
            buffer_finish(&yaml);
            buffer_finish(&first);
            buffer_finish(&second);
        }
}

static void assert_written(const ProtobufCMessage *message, const struct codec_names *known,
                           const char *expected)
{
    struct buffer yaml = {0};

    assert_true(codec_write_yaml_with(message, known, "en", &yaml));
    assert_string_equal(buffer_text(&yaml), expected);
    buffer_finish(&yaml);
}

/* What a terminal must not get is written as its number, and read again as what it was. */
static void test_codec__writes_no_text_that_commands_a_terminal(void **state)
{
    static const char text[] =
        "a \xe2\x80\xae b \xf3\xa0\x80\x81 c \x1b[31m d \xc2\x85 \xe7\xa0\x94";
    Caravan__Party party = CARAVAN__PARTY__INIT;
    const Caravan__Party *back;
    struct buffer yaml = {0};

    (void)state;
    party.apply_url = (char *)(uintptr_t)text;
    assert_true(codec_write_yaml(&party.base, &yaml));
    assert_string_equal(
        buffer_text(&yaml),
        "apply url: \"a \\u202E b \\U000E0001 c \\x1B[31m d \\x85 \xe7\xa0\x94\"\n");
    back = read_with(&caravan__party__descriptor, NULL, buffer_text(&yaml));
    assert_non_null(back);
    assert_string_equal(back->apply_url, text);
    buffer_finish(&yaml);
}

static void test_codec__writes_handles_where_they_are_known(void **state)
{
    static const struct codec_names only_reading = {.find = find};
    const Caravan__Party *party =
        read_with(&caravan__party__descriptor, &names, "node id: th-nstda\ncountry: TH\n");
    const Caravan__Related *related = read_with(&caravan__related__descriptor, &names,
                                                "rel: same as\nannouncement: th-nstda/42\n");
    const Caravan__Announcement *whole = read_with(
        &caravan__announcement__descriptor, &names,
        "kind: visit\nlanguage: en\nparties: [{node id: th-nstda}, {node id: " HEX "}]\n");
    Caravan__LocalizedText english = CARAVAN__LOCALIZED_TEXT__INIT, thai = english;
    Caravan__LocalizedText *names_of[] = {&english, &thai};
    Caravan__Party named = CARAVAN__PARTY__INIT;

    (void)state;
    english.lang = (char *)(uintptr_t) "en";
    english.text = (char *)(uintptr_t) "Agency";
    thai.lang = (char *)(uintptr_t) "th";
    thai.text = (char *)(uintptr_t) "xx";
    assert_non_null(party);
    assert_written(&party->base, &names, "node id: th-nstda\ncountry: TH\n");
    named.name = names_of;
    named.n_name = 2;
    assert_written(&named.base, &names, "name:\n  en: Agency\n  th: xx\n");
    named.n_name = 1;
    assert_written(&named.base, &names, "name: Agency\n");
    assert_written(&party->base, NULL,
                   "node id: 0707070707070707070707070707070707070707070707070707070707070707\n"
                   "country: TH\n");
    assert_written(&party->base, &only_reading,
                   "node id: 0707070707070707070707070707070707070707070707070707070707070707\n"
                   "country: TH\n");
    assert_non_null(related);
    assert_written(&related->base, &names, "rel: same as\nannouncement: th-nstda/42\n");
    assert_non_null(whole);
    assert_written(&whole->base, &names,
                   "kind: visit\nlanguage: en\nparties:\n  - node id: th-nstda\n"
                   "  - node id: " HEX "\n");
}

/* The caller's key is passed over at the top, and only there, and only when there is one. */
static void test_codec__passes_over_the_callers_key_at_the_top_only(void **state)
{
    static const struct codec_names plain = {.find = find};

    (void)state;
    assert_non_null(read_with(&caravan__party__descriptor, &names,
                              "country: TH\naudience: {any: [thing, {at: all}]}\n"));
    assert_null(read_with(&caravan__interest__descriptor, &names,
                          "from:\n  country: TH\n  audience: th-nstda\n"));
    assert_problem("from.audience", "");
    assert_null(
        read_with(&caravan__party__descriptor, &plain, "country: TH\naudience: th-nstda\n"));
    assert_problem("audience", "");
    assert_null(read_with(&caravan__party__descriptor, NULL, "country: TH\naudience: th-nstda\n"));
    assert_problem("audience", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_codec__takes_a_handle_for_a_feed_id),
        TEST(test_codec__says_what_is_no_institution),
        TEST(test_codec__reads_announcements_by_name),
        TEST(test_codec__writes_announcements_so_that_they_are_read_again),
        TEST(test_codec__writes_handles_where_they_are_known),
        TEST(test_codec__writes_no_text_that_commands_a_terminal),
        TEST(test_codec__passes_over_the_callers_key_at_the_top_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
