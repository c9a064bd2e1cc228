/* Broken inputs, one table over all parsers: whoever sends one is told where it is wrong, what was
 * found there and what was expected, and no two of a parser are told the same. Each module's own
 * test goes further; tests/fuzz tries what nobody thought of. */
#include "common/announcement.h"
#include "common/card.h"
#include "common/codec.h"
#include "common/feedfile.h"
#include "common/guard.h"
#include "node/config/config.h"
#include "node/core/incoming.h"
#include "node/ops/operations.h"
#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 5 /* broken inputs for each parser */

static struct institution th;
static struct buffer genesis, said, card, exported;

/* --- the parsers ------------------------------------------------------------------------------ */

/* Each writes what a person or a peer is told; "" when nothing is wrong. */
typedef void parser(struct span input, struct buffer *told);

static void tell(const struct error *error, struct buffer *told)
{
    if (error->code)
        buffer_append_text(told, error->text);
}

static void read_yaml(struct span input, struct buffer *told)
{
    const struct moment_date today = {2026, 6, 1};
    struct problem_list problems = {0};
    Caravan__Announcement *announcement;
    struct buffer all = {0};
    struct arena arena;
    char *rest, *line;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (announcement_read(input, &today, &arena, &announcement, NULL, &problems))
        problem_list_print(&problems, "call.yaml", &all);
    buffer_text(&all);
    rest = (char *)all.data;
    while ((line = strsep(&rest, "\n"))) /* the warnings are not what it is about */
        if (strstr(line, ": error: "))
            buffer_printf(told, "%s\n", line);
    buffer_finish(&all);
    problem_list_finish(&problems);
    arena_finish(&arena);
}

static void read_config(struct span input, struct buffer *told)
{
    struct config config;
    struct error error = {0};

    if (config_parse(input, "node.yaml", &config, told, &error) == ERROR_NONE)
        config_finish(&config);
}

static void read_card(struct span input, struct buffer *told)
{
    struct error error = {0};
    struct card read;

    card_read(input, INSTITUTION_NETWORK, &read, &error);
    tell(&error, told);
    card_finish(&read);
}

static void read_entry(struct span input, struct buffer *told)
{
    struct error error = {0};
    struct entry entry;

    entry_parse_bytes(input, INSTITUTION_NETWORK, &entry, &error);
    tell(&error, told);
}

/* As a reader's node judges whether it can be shown. */
static void read_content(struct span input, struct buffer *told)
{
    struct error error = {0};
    ProtobufCMessage *message;
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__announcement__descriptor, input, &guard_limits_content, &arena,
                     &message, &error) == ERROR_NONE)
        announcement_showable((const Caravan__Announcement *)message, &error);
    tell(&error, told);
    arena_finish(&arena);
}

static void read_wire(struct span input, struct buffer *told)
{
    struct keyring *keyring;
    struct buffer copy = {0};
    struct incoming *incoming;

    assert_int_equal(keyring_create(&keyring, NULL), ERROR_NONE);
    assert_true(buffer_append(&copy, input.data, input.size));
    incoming = incoming_create(&th.chain.feed, NULL, &copy, INSTITUTION_NETWORK, keyring);
    assert_non_null(incoming);
    tell(&incoming->error, told);
    incoming_destroy(incoming);
    keyring_destroy(keyring);
}

static void read_control(struct span input, struct buffer *told)
{
    const struct ops_operation *operation;
    ProtobufCMessage *request;
    struct error error = {0};
    struct arena arena;
    uint64_t id;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    ops_read(input, &arena, &id, &operation, &request, &error);
    tell(&error, told);
    arena_finish(&arena);
}

static void read_exported(struct span input, struct buffer *told)
{
    struct error error = {0};
    struct feedfile file;

    if (feedfile_open(&file, input, INSTITUTION_NETWORK, &error) == ERROR_NONE)
        feedfile_verify(&file, &error);
    tell(&error, told);
    feedfile_finish(&file);
}

/* --- inputs that take more than a literal -------------------------------------------------- */

static void append(struct buffer *out, const struct buffer *from, size_t size)
{
    assert_true(buffer_append(out, from->data, size));
}

static void card_cut_off(struct buffer *out)
{
    append(out, &card, card.size / 2);
}
static void card_twice(struct buffer *out)
{
    append(out, &card, card.size);
    append(out, &card, card.size);
}
static void card_with_star(struct buffer *out)
{
    append(out, &card, card.size);
    *strstr((char *)(uintptr_t)buffer_text(out), "\n\n") = '*';
    out->data[strstr(buffer_text(out), "*\n") + 4 - (char *)out->data] = '*';
}
static void entry_cut_off(struct buffer *out)
{
    append(out, &said, said.size - 1);
}
static void entry_changed(struct buffer *out)
{
    append(out, &said, said.size);
    out->data[out->size - 1] ^= 1;
}
static void entry_of_another_network(struct buffer *out)
{
    const struct entry_draft draft = {.network = "another", .feed = th.chain.feed, .seq = 1};
    struct id hash;

    assert_int_equal(entry_build(&draft, th.node, out, &hash, NULL), ERROR_NONE);
}
static void entry_too_large(struct buffer *out)
{
    assert_true(buffer_reserve(out, LIMIT_SIGNED_ENTRY_SIZE + 1));
    memset(out->data, 0, LIMIT_SIGNED_ENTRY_SIZE + 1);
    out->size = LIMIT_SIGNED_ENTRY_SIZE + 1;
}
static void wire_too_large(struct buffer *out)
{
    assert_true(buffer_reserve(out, LIMIT_MESSAGE_SIZE + 1));
    memset(out->data, 0, LIMIT_MESSAGE_SIZE + 1);
    out->size = LIMIT_MESSAGE_SIZE + 1;
}
static void exported_cut_off(struct buffer *out)
{
    append(out, &exported, exported.size - 1);
}
static void exported_changed(struct buffer *out)
{
    append(out, &exported, exported.size);
    out->data[out->size - 1] ^= 1;
}
static void exported_without_runs(struct buffer *out)
{
    assert_int_equal(feedfile_begin(&th.chain, out, NULL), ERROR_NONE);
}
static void exported_with_a_gap(struct buffer *out)
{
    struct buffer run = {0};

    exported_without_runs(out);
    institution_run(&th, &said, 1, 0, &run); /* entry 2 without entry 1 */
    assert_int_equal(feedfile_append(buffer_span(&run), out, NULL), ERROR_NONE);
    buffer_finish(&run);
}

/* --- the table -------------------------------------------------------------------------------- */

struct row {
    struct span input;
    void (*make)(struct buffer *out); /* instead of input */
    const char *place, *found, *expected;
};

#define BYTES(text) .input = {(const uint8_t *)(text), sizeof(text) - 1}
#define CALL                                                                                       \
    "kind: joint call\nlanguage: en\ntitle: A call\n"                                              \
    "parties: [{name: A, country: CN}, {name: B, country: TH}]\n"
#define INSTITUTION                                                                                \
    "network: silkroad\ninstitution: {handle: th-demo, name: {en: Demo}, country: TH}\n"

static const struct row yaml[] = {
    {BYTES(""), NULL, "call.yaml:1:1", "found nothing", "expected `key: value`"},
    {BYTES("kind: [\n"), NULL, "call.yaml:2:1", "what is not YAML", "expected `key: value`"},
    {BYTES(CALL "titel: A\n"), NULL, "call.yaml:5:1", "the unknown key \"titel\"",
     "did you mean \"title\""},
    {BYTES(CALL "deadline: 2026-02-30\n"), NULL, "call.yaml:5:11: error: deadline",
     "found \"2026-02-30\"", "expected a date"},
    {BYTES(CALL "contact: {office: A, email: nobody}\n"), NULL,
     "call.yaml:5:29: error: contact[1].email", "found \"nobody\"", "expected an e-mail address"},
    {BYTES(CALL "money: 1,500 CNY\n"), NULL, "call.yaml:5:8: error: money", "found \"1,500 CNY\"",
     "expected an amount without thousands separators"},
    {BYTES(CALL "title: Again\n"), NULL, "call.yaml:5:1: error: title", "a second time",
     "expected it once"},
};

static const struct row config[] = {
    {BYTES(""), NULL, "node.yaml:1:1", "found nothing", "expected"},
    {BYTES("network: [\n"), NULL, "node.yaml:2:1", "what is not YAML", "expected `key: value`"},
    {BYTES(INSTITUTION "netwrok: x\n"), NULL, "node.yaml:3:1", "the unknown key \"netwrok\"",
     "did you mean \"network\""},
    {BYTES(INSTITUTION "log level: loud\n"), NULL, "node.yaml:3:12: error: log level",
     "found \"loud\"", "expected debug"},
    {BYTES(INSTITUTION "relay: [TH]\n"), NULL, "node.yaml:3:9: error: relay", "found \"TH\"",
     "expected handles of partners"},
    {BYTES(INSTITUTION "open reading: perhaps\n"), NULL, "node.yaml:3:15: error: open reading",
     "found \"perhaps\"", "expected true or false"},
    {BYTES(INSTITUTION "listen: {live: \"tcp://*:0\", sync: \"tcp://*:1\"}\n"), NULL,
     "node.yaml:3:16: error: listen.live", "found \"tcp://*:0\"", "expected"},
};

static const struct row cards[] = {
    {BYTES(""), NULL, "card", "in 0 bytes", "expected a card"},
    {BYTES("-----BEGIN CARAVAN CARD-----  -----END CARAVAN CARD-----\n"), NULL, "line 1",
     "found no text in the card", "expected base64"},
    {BYTES("\x0a\x90\0\xff"), NULL, "SignedCard: byte 3", "found a field of 16 bytes", "expected"},
    {.make = card_cut_off,
     .place = "line ",
     .found = "the card ends",
     .expected = "expected a line \"-----END"},
    {.make = card_twice,
     .place = "line ",
     .found = "found a second card",
     .expected = "expected one"},
    {.make = card_with_star,
     .place = "column",
     .found = "found '*'",
     .expected = "expected base64"},
};

static const struct row entries[] = {
    {BYTES(""), NULL, "SignedEntry", "found no entry", "expected it"},
    {BYTES("\x0a\x03x"), NULL, "SignedEntry: byte 2", "found a field of 3 bytes", "expected"},
    {BYTES("\x0a\x02\x0a\x00"), NULL, "Entry:", "found no feed in 2 bytes", "expected it"},
    {BYTES("\x0a\x00"), NULL, "Entry:", "found no network in 0 bytes", "expected it"},
    {.make = entry_of_another_network,
     .place = "Entry",
     .found = "network is \"another\"",
     .expected = "expected \"silkroad-test\""},
    {.make = entry_cut_off,
     .place = "SignedEntry: byte ",
     .found = "bytes",
     .expected = "expected"},
    {.make = entry_changed,
     .place = "SignedEntry 2",
     .found = "salt and content",
     .expected = "content_hash"},
    {.make = entry_too_large,
     .place = "SignedEntry",
     .found = "has 66817 bytes",
     .expected = "expected at most 66816"},
};

static const struct row contents[] = {
    {BYTES(""), NULL, "kind", "found \"nothing\"", "expected a kind that this version knows"},
    {BYTES("\x08\x4d"), NULL, "kind", "found \"unknown(77)\"",
     "expected a kind that this version knows"},
    {BYTES("\x08\x02"), NULL, "details", "found other ones than those of the kind \"joint call\"",
     "expected these"},
    {BYTES("\x08\x02\x9a\x03\x00"), NULL, "title", "found nothing", "expected a title"},
    {BYTES("\x92\x03\x00\x9a\x03\x00"), NULL, "Announcement.joint_call, byte 3",
     "found this field beside visit", "expected only one of them"},
    {BYTES("\x12\x02\xff\xfe"), NULL, "Announcement.language, byte 2", "that is not UTF-8",
     "expected text in UTF-8"},
    {BYTES("\x12\x01\0"), NULL, "Announcement.language, byte 2", "found a NUL character",
     "expected text without it"},
    {BYTES("\x12\x05x"), NULL, "Announcement.language, byte 2", "found a length of 5",
     "expected a length that fits"},
};

static const struct row wire[] = {
    {BYTES("\x2a"), NULL, "SyncMessage.run, byte 1", "found a number that is cut off",
     "expected its remaining bytes"},
    {BYTES("\x2a\x09ru"), NULL, "SyncMessage.run, byte 2", "found a length of 9",
     "expected a length that fits"},
    {BYTES("\x0a\x03\x0a\x01\xff"), NULL, "SyncMessage.hello.network, byte 4", "not UTF-8",
     "expected text in UTF-8"},
    {BYTES("\x0a\x00\x22\x00"), NULL, "SyncMessage.pull, byte 2", "beside hello",
     "expected only one"},
    {BYTES("\x22\x02\x0a\x00"), NULL, "SyncMessage.pull.request, byte 2", "wire type 2",
     "expected 0 (a number)"},
    {BYTES("\x2a\x04\x1a\x02\x0a\x00"), NULL, "Run", "found no feed", "expected it"},
    {.make = wire_too_large,
     .place = "sync message",
     .found = "found 1048577 bytes",
     .expected = "expected at most 1048576"},
};

static const struct row control[] = {
    {BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), NULL,
     "control request: ControlRequest: byte 0", "found a number over 64 bits",
     "expected at most 64 bits"},
    {BYTES("\x12\x05lis"), NULL, "control request: ControlRequest: byte 2",
     "found a field of 5 bytes", "expected at most the 3 that are left"},
    {BYTES("\x12\x02\xff\xfe"), NULL, "control request: operation", "found \"??\"",
     "expected one that this node has"},
    {BYTES("\x08\x07"), NULL, "control request: ControlRequest", "found no operation",
     "expected it"},
    {BYTES("\x22\x02\x08\x07"), NULL, "control request: ControlRequest", "found no operation",
     "expected it"},
    {BYTES("\x12\x04lisp"), NULL, "control request: operation", "found \"lisp\"",
     "expected one that this node has"},
    {BYTES("\x12\x04list\x1a\x02\x0a\x7f"), NULL, "request of \"list\": ListRequest.filter, byte 2",
     "found a length of 127", "expected a length that fits"},
    {BYTES("\x12\x04list\x1a\x02\x0a\x00\x1a\x00"), NULL,
     "control request: ControlRequest: byte 10", "request stands a second time", "expected once"},
};

static const struct row exports[] = {
    {BYTES("caravan-feed 2\n"), NULL, "byte 0", "no line \"caravan-feed 1\"", "an exported feed"},
    {BYTES(FEEDFILE_MAGIC "\1\1\1"), NULL, "byte 15", "found 3 bytes",
     "expected the 4 of a record's length"},
    {BYTES(FEEDFILE_MAGIC "\0\0\0\0"), NULL, "byte 15", "a record of 0 bytes",
     "expected 1 to 1048576"},
    {.make = exported_without_runs,
     .place = "byte ",
     .found = "the end of the file",
     .expected = "expected at least one run"},
    {.make = exported_with_a_gap,
     .place = "byte ",
     .found = "found a run from entry 2",
     .expected = "expected 1"},
    {.make = exported_cut_off,
     .place = "byte ",
     .found = "the file was cut off",
     .expected = "expected all"},
    {.make = exported_changed,
     .place = "byte ",
     .found = "SignedEntry 2: salt and content",
     .expected = "content_hash"},
};

/* --- one test a parser ------------------------------------------------------------------------ */

static int setup(void **state)
{
    static char handle[] = "th-demo", country[] = "TH", language[] = "en", text[] = "Demo";
    Caravan__LocalizedText name = CARAVAN__LOCALIZED_TEXT__INIT, *names[] = {&name};
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    struct buffer run = {0};

    (void)state;
    name.lang = language;
    name.text = text;
    profile.handle = handle;
    profile.country = country;
    profile.n_name = 1;
    profile.name = names;
    institution_init(&th, 1);
    institution_certify(&th, false, &genesis);
    institution_say(&th, "a visit", &said);
    if (card_write(&th.chain, &profile, NULL, 1, th.node, &card, NULL) ||
        feedfile_begin(&th.chain, &exported, NULL))
        return -1;
    institution_run(&th, &genesis, 1, 0, &run);
    assert_int_equal(feedfile_append(buffer_span(&run), &exported, NULL), ERROR_NONE);
    buffer_clear(&run);
    institution_run(&th, &said, 1, 0, &run);
    assert_int_equal(feedfile_append(buffer_span(&run), &exported, NULL), ERROR_NONE);
    buffer_finish(&run);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    buffer_finish(&genesis);
    buffer_finish(&said);
    buffer_finish(&card);
    buffer_finish(&exported);
    return 0;
}

static void check_row(const struct row *row, parser *parse, struct buffer *told, size_t number)
{
    struct buffer made = {0};
    const char *text;

    if (row->make)
        row->make(&made);
    parse(row->make ? buffer_span(&made) : row->input, told);
    text = buffer_text(told);
    if (!strstr(text, row->place) || !strstr(text, row->found) || !strstr(text, row->expected))
        fail_msg("row %zu: expected \"%s … %s … %s\", was told: %s", number, row->place, row->found,
                 row->expected, text);
    buffer_finish(&made);
}

static void check(const struct row *rows, size_t count, parser *parse)
{
    struct buffer told[16] = {{0}};

    assert_in_range(count, LEAST, 16);
    for (size_t i = 0; i < count; i++) {
        check_row(&rows[i], parse, &told[i], i);
        for (size_t k = 0; k < i; k++)
            if (span_equal(buffer_span(&told[i]), buffer_span(&told[k])))
                fail_msg("rows %zu and %zu are told the same: %s", k, i, buffer_text(&told[i]));
    }
    for (size_t i = 0; i < count; i++)
        buffer_finish(&told[i]);
}

#define PARSER(name, rows, parse)                                                                  \
    static void test_broken_inputs__##name(void **state)                                           \
    {                                                                                              \
        (void)state;                                                                               \
        check(rows, sizeof(rows) / sizeof((rows)[0]), parse);                                      \
    }

PARSER(yaml, yaml, read_yaml)
PARSER(configuration, config, read_config)
PARSER(card, cards, read_card)
PARSER(entry, entries, read_entry)
PARSER(content, contents, read_content)
PARSER(wire_message, wire, read_wire)
PARSER(control_message, control, read_control)
PARSER(exported_file, exports, read_exported)

/* The inputs are broken, not the parsers: what they were made of is right. */
static void test_broken_inputs__whole_ones_are_taken(void **state)
{
    static const struct {
        parser *parse;
        const struct buffer *input;
    } whole[] = {{read_card, &card}, {read_entry, &said}, {read_exported, &exported}};

    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct buffer told = {0};

        whole[i].parse(buffer_span(whole[i].input), &told);
        assert_string_equal(buffer_text(&told), "");
        buffer_finish(&told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_inputs__yaml),
        cmocka_unit_test(test_broken_inputs__configuration),
        cmocka_unit_test(test_broken_inputs__card),
        cmocka_unit_test(test_broken_inputs__entry),
        cmocka_unit_test(test_broken_inputs__content),
        cmocka_unit_test(test_broken_inputs__wire_message),
        cmocka_unit_test(test_broken_inputs__control_message),
        cmocka_unit_test(test_broken_inputs__exported_file),
        cmocka_unit_test(test_broken_inputs__whole_ones_are_taken),
    };

    return cmocka_run_group_tests_name("broken_inputs", tests, setup, teardown);
}
