/* Every allocation of identity, entry, card and feedfile is made to fail, one at a time: the answer
 * is then "out of memory", what was there stays as it was, and nothing leaks (the sanitizer sees).
 */
#include "common/card.h"
#include "common/feedfile.h"
#include "common/fields.h"
#include "tests/support/fault.h"
#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct institution th;
static struct buffer made[4], armour, file;
static Caravan__Profile profile = CARAVAN__PROFILE__INIT;
static Caravan__LocalizedText name = CARAVAN__LOCALIZED_TEXT__INIT, *names[] = {&name};

static int setup(void **state)
{
    struct buffer run = {0};

    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &made[0]);
    institution_say(&th, "a visit", &made[1]);
    institution_say(&th, "a call", &made[2]);
    institution_certify(&th, false, &made[3]);
    name.text = (char *)(uintptr_t) "Sample agency";
    profile.name = names;
    profile.n_name = 1;
    profile.handle = (char *)(uintptr_t) "th-sample";
    profile.country = (char *)(uintptr_t) "TH";
    if (card_write(&th.chain, &profile, NULL, 1, th.node, &armour, NULL) ||
        feedfile_begin(&th.chain, &file, NULL))
        return -1;
    institution_run(&th, made, 1, 0, &run);
    if (feedfile_append(buffer_span(&run), &file, NULL))
        return -1;
    buffer_clear(&run);
    institution_run(&th, made + 1, 3, 0, &run);
    if (feedfile_append(buffer_span(&run), &file, NULL))
        return -1;
    buffer_finish(&run);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    for (int i = 0; i < 4; i++)
        buffer_finish(&made[i]);
    buffer_finish(&armour);
    buffer_finish(&file);
    return 0;
}

static int append_certificate(struct error *error)
{
    struct identity_chain chain;
    int code = identity_chain_init(&chain, &th.chain.feed, INSTITUTION_NETWORK, error);

    for (size_t i = 0; !code && i < th.chain.count; i++) {
        code = identity_chain_append(&chain, buffer_span(&th.chain.encoded[i]), error);
        assert_int_equal(chain.count, i + (code == 0));
    }
    identity_chain_finish(&chain);
    return code;
}

static int copy_chain(struct error *error)
{
    struct identity_chain copy = {0};
    int code = identity_chain_copy(&th.chain, &copy, error);

    assert_int_equal(copy.count, code ? 0 : th.chain.count);
    identity_chain_finish(&copy);
    return code;
}

static int build_certificate(struct error *error)
{
    struct identity_certificate_draft draft = {.network = INSTITUTION_NETWORK,
                                               .feed = &th.chain.feed,
                                               .number = 1,
                                               .node_key = secret_public(th.node),
                                               .transport_key = secret_public(th.transport),
                                               .sealing_key = secret_public(th.sealing),
                                               .recovery_hash = &th.chain.recovery_hash};
    struct buffer out = {0};
    int code = identity_certificate_build(&draft, th.root, &out, error);

    assert_int_equal(out.size == 0, code != 0);
    buffer_finish(&out);
    return code;
}

static int build_entry(struct error *error)
{
    struct entry_draft draft = {.network = INSTITUTION_NETWORK, .feed = th.chain.feed, .seq = 1};
    struct buffer out = {0};
    struct id hash = {{0}};
    int code;

    draft.content = span_of_text("said");
    code = entry_build(&draft, th.node, &out, &hash, error);
    assert_int_equal(out.size == 0, code != 0);
    assert_int_equal(id_is_zero(&hash), code != 0);
    buffer_finish(&out);
    return code;
}

static int parse_single(struct error *error)
{
    struct entry_run run;
    int code = entry_run_parse_single(buffer_span(&made[1]), INSTITUTION_NETWORK, &run, error);

    assert_int_equal(run.entries == NULL, code != 0);
    entry_run_finish(&run);
    return code;
}

static int sign_statements(struct error *error)
{
    struct entry_receipt receipt = {.receiver = th.chain.feed, .head = th.head, .counter = 1};
    struct buffer head = {0}, bytes = {0};
    int code = entry_head_sign(&th.head, INSTITUTION_NETWORK, 1, th.node, &head, error);

    assert_int_equal(head.size == 0, code != 0);
    if (!code) {
        code = entry_receipt_sign(&receipt, INSTITUTION_NETWORK, th.node, &bytes, error);
        assert_int_equal(bytes.size == 0, code != 0);
    }
    buffer_finish(&head);
    buffer_finish(&bytes);
    return code;
}

static int write_card(struct error *error)
{
    struct buffer out = {0};
    int code = card_write(&th.chain, &profile, NULL, 1, th.node, &out, error);

    buffer_finish(&out);
    return code;
}

static int read_card(struct error *error)
{
    struct card card;
    int code = card_read(buffer_span(&armour), INSTITUTION_NETWORK, &card, error);

    assert_int_equal(card.profile == NULL, code != 0);
    card_finish(&card);
    return code;
}

static int write_file(struct error *error)
{
    struct buffer out = {0};
    int code = feedfile_begin(&th.chain, &out, error);

    if (!code)
        code = feedfile_append(span_of_text("a record"), &out, error);
    buffer_finish(&out);
    return code;
}

static int verify_file(struct error *error)
{
    struct feedfile feed;
    int code = feedfile_open(&feed, buffer_span(&file), NULL, error);

    if (!code)
        code = feedfile_verify(&feed, error);
    assert_int_equal(feed.head.seq == 4, code == 0);
    feedfile_finish(&feed);
    return code;
}

/* A full arena is told as too-large: it cannot know whether the cap or the system said no. */
static bool means_no_memory(int code, const struct error *error)
{
    return code == ERROR_MEMORY || strstr(error->text, "out of memory") != NULL;
}

static void fail_each_allocation(int (*act)(struct error *error), unsigned long at_least)
{
    unsigned long n = 0;
    bool hit = true;

    while (hit) {
        struct error error = {0};
        int code;

        fault_arm(++n);
        code = act(&error);
        hit = fault_disarm();
        if (hit ? !means_no_memory(code, &error) : code != 0)
            fail_msg("allocation %lu: %s: %s", n, error_name((enum error_code)code), error.text);
    }
    assert_true(n > at_least);
}

static void test_signed_faults__identity(void **state)
{
    (void)state;
    fail_each_allocation(append_certificate, 6);
    fail_each_allocation(copy_chain, 6);
    fail_each_allocation(build_certificate, 2);
}

static void test_signed_faults__entry(void **state)
{
    (void)state;
    fail_each_allocation(build_entry, 1);
    fail_each_allocation(parse_single, 1);
    fail_each_allocation(sign_statements, 4);
}

static void test_signed_faults__card(void **state)
{
    (void)state;
    fail_each_allocation(write_card, 5);
    fail_each_allocation(read_card, 8);
}

static void test_signed_faults__feedfile(void **state)
{
    (void)state;
    fail_each_allocation(write_file, 3);
    fail_each_allocation(verify_file, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_faults__identity),
        cmocka_unit_test(test_signed_faults__entry),
        cmocka_unit_test(test_signed_faults__card),
        cmocka_unit_test(test_signed_faults__feedfile),
    };

    return cmocka_run_group_tests_name("signed_faults", tests, setup, teardown);
}
