/* An announcement as the file that somebody could have written. */
#include "node/cli/cli_written.h"

#include "common/codec.h"
#include "common/limits.h"
#include "tests/support/fault.h"
#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char written[] = "kind: visit\nlanguage: en\ntitle: A visit\n";
static char *readers[] = {(char *)(uintptr_t) "th-nstda", (char *)(uintptr_t) "za-nrf"};

static struct folder home;
static struct cli cli;
static struct arena arena;
static struct buffer out;
static struct error error;
static Caravan__Item item;
static struct cli_found found;

static int setup(void **state)
{
    ProtobufCMessage *message;

    (void)state;
    folder_init(&home);
    cli = (struct cli){.home = home.path, .program = "caravan"};
    arena_init(&arena, LIMIT_ARENA_SIZE);
    out = (struct buffer){0};
    error_clear(&error);
    caravan__item__init(&item);
    item.name = (char *)(uintptr_t) "cn-demo/4";
    item.seq = 4;
    item.own = true;
    assert_int_equal(codec_read_yaml(&caravan__announcement__descriptor, span_of_text(written),
                                     &arena, NULL, &message, NULL),
                     ERROR_NONE);
    found = (struct cli_found){
        .name = item.name, .item = &item, .announcement = (const Caravan__Announcement *)message};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_finish(&out);
    arena_finish(&arena);
    folder_finish(&home);
    return 0;
}

static void assert_file(const char *head)
{
    buffer_clear(&out);
    assert_int_equal(cli_written(&cli, &found, &out, &error), ERROR_NONE);
    assert_memory_equal(buffer_text(&out), head, strlen(head));
    assert_string_equal(buffer_text(&out) + strlen(head), written);
}

static void assert_refused(const char *part)
{
    assert_int_equal(cli_written(&cli, &found, &out, &error), ERROR_INVALID);
    assert_int_equal(out.size, 0);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void test_cli_written__says_what_it_is_and_what_to_do(void **state)
{
    (void)state;
    assert_file("# cn-demo/4 as of No. 4. Change what is to be changed, then: caravan revise "
                "cn-demo/4 FILE\n");
    item.revised_by = 9;
    assert_file("# cn-demo/4 as of No. 9. Change what is to be changed, then: caravan revise "
                "cn-demo/4 FILE\n");
    item.withdrawn = true;
    assert_file("# cn-demo/4 as of No. 9, withdrawn\n");
    item.withdrawn = item.own = false;
    assert_file("# cn-demo/4 as of No. 9\n");
}

static void test_cli_written__names_the_readers_of_a_sealed_one(void **state)
{
    (void)state;
    item.own = false;
    item.sealed = true;
    assert_refused("cn-demo/4 is sealed, and it is not known here who may read it");
    item.audience = readers;
    item.n_audience = 1;
    assert_file("# cn-demo/4 as of No. 4\naudience: [th-nstda]\n");
    item.n_audience = 2;
    assert_file("# cn-demo/4 as of No. 4\naudience: [th-nstda, za-nrf]\n");
}

/* A file without them would drop them. */
static void test_cli_written__refuses_what_this_version_does_not_know(void **state)
{
    ProtobufCMessageUnknownField unknown = {
        .tag = 4000, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = (uint8_t[]){1}};
    Caravan__Announcement newer = *found.announcement;

    (void)state;
    newer.base.n_unknown_fields = 1;
    newer.base.unknown_fields = &unknown;
    found.announcement = &newer;
    assert_refused("cn-demo/4 has 1 field of a newer version of Caravan");
}

static void read_with(const char *dates)
{
    ProtobufCMessage *message;
    char yaml[256];

    snprintf(yaml, sizeof yaml, "%s%s", written, dates);
    assert_int_equal(codec_read_yaml(&caravan__announcement__descriptor, span_of_text(yaml), &arena,
                                     NULL, &message, NULL),
                     ERROR_NONE);
    found.announcement = (const Caravan__Announcement *)message;
    buffer_clear(&out);
    assert_int_equal(cli_written(&cli, &found, &out, &error), ERROR_NONE);
}

/* Whoever moves the deadline in the file moves it, too. */
static void test_cli_written__leaves_out_what_is_filled_in(void **state)
{
    (void)state;
    read_with("deadline: 2099-05-01\nvalid until: 2099-05-01\n");
    assert_non_null(strstr(buffer_text(&out), "deadline: 2099-05-01\n"));
    assert_null(strstr(buffer_text(&out), "valid until"));
    assert_non_null(found.announcement->valid_until);
    read_with("deadline: 2099-05-01\nvalid until: 2099-04-30\n");
    assert_non_null(strstr(buffer_text(&out), "valid until: 2099-04-30\n"));
    read_with("deadline: 2099-05-31\nvalid until: 2099-05\n");
    assert_non_null(strstr(buffer_text(&out), "valid until: 2099-05\n"));
}

static void test_cli_written__survives_a_lack_of_memory(void **state)
{
    bool failed = true;

    (void)state;
    item.sealed = true;
    item.audience = readers;
    item.n_audience = 2;
    for (unsigned long n = 1; failed; n++) {
        struct buffer text = {0};
        int code;

        fault_arm(n);
        code = cli_written(&cli, &found, &text, &error);
        failed = fault_disarm();
        /* Where only names of institutions are not found, the file has their ids. */
        assert_true(code == ERROR_NONE || (failed && code == ERROR_MEMORY));
        if (!code)
            assert_non_null(
                strstr(buffer_text(&text), "audience: [th-nstda, za-nrf]\nkind: visit"));
        buffer_finish(&text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cli_written__says_what_it_is_and_what_to_do),
        TEST(test_cli_written__names_the_readers_of_a_sealed_one),
        TEST(test_cli_written__refuses_what_this_version_does_not_know),
        TEST(test_cli_written__leaves_out_what_is_filled_in),
        TEST(test_cli_written__survives_a_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
