#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct institution th, cn;

static int setup(void **state)
{
    struct buffer bytes = {0};

    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &bytes);
    institution_say(&th, "one", &bytes);
    institution_init(&cn, 2);
    institution_certify(&cn, false, &bytes);
    buffer_finish(&bytes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    institution_finish(&cn);
    return 0;
}

static void test_entry_statement__a_head_goes_there_and_back(void **state)
{
    struct buffer bytes = {0};
    struct entry_head head;
    uint64_t as_of = 0;

    (void)state;
    assert_int_equal(entry_head_sign(&th.head, INSTITUTION_NETWORK, 1234567, th.node, &bytes, NULL),
                     0);
    assert_int_equal(
        entry_head_parse(buffer_span(&bytes), INSTITUTION_NETWORK, &head, &as_of, NULL), 0);
    assert_true(head.seq == 2 && as_of == 1234567 && id_equal(&head.hash, &th.head.hash));
    head = (struct entry_head){0};
    as_of = 0;
    assert_int_equal(entry_head_check(buffer_span(&bytes), &th.chain, &head, &as_of, NULL), 0);
    assert_int_equal(head.seq, 2);
    assert_int_equal(head.certificate, 1);
    assert_int_equal(as_of, 1234567);
    assert_true(id_equal(&head.hash, &th.head.hash));
    assert_true(id_equal(&head.feed, &th.chain.feed));
    buffer_finish(&bytes);
}

static struct entry_receipt sample_receipt(void)
{
    struct entry_receipt receipt = {
        .receiver = cn.chain.feed, .head = th.head, .missing = 3, .counter = 17};

    return receipt;
}

static void test_entry_statement__a_receipt_goes_there_and_back(void **state)
{
    struct entry_receipt receipt = sample_receipt(), back = {0}, parsed = {0};
    struct buffer bytes = {0};

    (void)state;
    assert_int_equal(entry_receipt_sign(&receipt, INSTITUTION_NETWORK, cn.node, &bytes, NULL), 0);
    assert_int_equal(entry_receipt_parse(buffer_span(&bytes), INSTITUTION_NETWORK, &parsed, NULL),
                     0);
    assert_true(id_equal(&parsed.receiver, &cn.chain.feed));
    assert_int_equal(entry_receipt_check(buffer_span(&bytes), &cn.chain, &back, NULL), 0);
    assert_int_equal(back.missing, 3);
    assert_int_equal(back.counter, 17);
    assert_int_equal(back.head.seq, 2);
    assert_true(id_equal(&back.head.feed, &th.chain.feed));
    buffer_finish(&bytes);
}

static void test_entry_statement__a_receipt_may_say_that_nothing_came_yet(void **state)
{
    struct entry_receipt receipt = {
        .receiver = cn.chain.feed, .head = {.feed = th.chain.feed}, .counter = 1};
    struct entry_receipt back = {.missing = 9};
    struct buffer bytes = {0};

    (void)state;
    assert_int_equal(entry_receipt_sign(&receipt, INSTITUTION_NETWORK, cn.node, &bytes, NULL), 0);
    assert_int_equal(entry_receipt_check(buffer_span(&bytes), &cn.chain, &back, NULL), 0);
    assert_int_equal(back.head.seq, 0);
    assert_int_equal(back.missing, 0);
    buffer_finish(&bytes);
}

static void test_entry_statement__the_newest_certificate_signs_receipts(void **state)
{
    struct entry_receipt receipt = sample_receipt(), back;
    struct buffer bytes = {0}, unused = {0};
    struct institution own;
    struct error error;

    (void)state;
    institution_init(&own, 2);
    institution_certify(&own, false, &unused);
    assert_int_equal(entry_receipt_sign(&receipt, INSTITUTION_NETWORK, own.node, &bytes, NULL), 0);
    institution_certify(&own, false, &unused);
    assert_int_equal(entry_receipt_check(buffer_span(&bytes), &own.chain, &back, &error),
                     ERROR_BAD_SIGNATURE);
    assert_non_null(strstr(error.text, "certificate 2"));
    buffer_finish(&bytes);
    buffer_finish(&unused);
    institution_finish(&own);
}

/* --- broken statements ----------------------------------------------------------------------- */

static int sign_head(const struct entry_head *head, const char *network, const struct secret *key,
                     struct error *error)
{
    struct buffer bytes = {0};
    struct entry_head back = {.seq = 99};
    uint64_t as_of = 99;
    int code;

    assert_int_equal(entry_head_sign(head, network, 1, key, &bytes, NULL), 0);
    code = entry_head_check(buffer_span(&bytes), &th.chain, &back, &as_of, error);
    if (code) {
        assert_int_equal(back.seq, 99); /* outputs change only on success */
        assert_int_equal(as_of, 99);
    }
    buffer_finish(&bytes);
    return code;
}

static void test_entry_statement__refuses_a_broken_head(void **state)
{
    struct entry_head head = th.head;
    struct error error;

    (void)state;
    assert_int_equal(sign_head(&head, "else", th.node, &error), ERROR_WRONG_NETWORK);
    assert_non_null(strstr(error.text, "HeadStatement: network is \"else\", expected \"silk"));
    assert_int_equal(sign_head(&head, INSTITUTION_NETWORK, cn.node, &error), ERROR_BAD_SIGNATURE);
    assert_non_null(strstr(error.text, "SignedHead: signature does not match the node key of"));
    head.feed = cn.chain.feed;
    assert_int_equal(sign_head(&head, INSTITUTION_NETWORK, th.node, &error), ERROR_UNKNOWN_FEED);
    head = th.head;
    head.certificate = 2;
    assert_int_equal(sign_head(&head, INSTITUTION_NETWORK, th.node, &error), ERROR_GAP);
    assert_non_null(strstr(error.text, "names certificate 2, but only 1 are known"));
    head.certificate = 3; /* more certificates than entries cannot be */
    assert_int_equal(sign_head(&head, INSTITUTION_NETWORK, th.node, &error), ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "certificate 3 at seq 2, 0 by recovery, expected 1"));
    head = th.head;
    head.recoveries = 1; /* certificate 1 is always by the root key */
    assert_int_equal(sign_head(&head, INSTITUTION_NETWORK, th.node, &error), ERROR_MALFORMED);
    assert_non_null(strstr(error.text, "1 by recovery"));
    head = th.head;
    head.seq = 0;
    assert_int_equal(sign_head(&head, INSTITUTION_NETWORK, th.node, &error), ERROR_MALFORMED);
    head = th.head;
    head.seq = UINT64_MAX;
    assert_int_equal(sign_head(&head, INSTITUTION_NETWORK, th.node, &error), ERROR_MALFORMED);
}

static int sign_receipt(const struct entry_receipt *receipt, const char *network,
                        const struct secret *key, struct error *error)
{
    struct buffer bytes = {0};
    struct entry_receipt back = {.counter = 99};
    int code;

    assert_int_equal(entry_receipt_sign(receipt, network, key, &bytes, NULL), 0);
    code = entry_receipt_check(buffer_span(&bytes), &cn.chain, &back, error);
    if (code)
        assert_int_equal(back.counter, 99);
    buffer_finish(&bytes);
    return code;
}

static void test_entry_statement__refuses_a_broken_receipt(void **state)
{
    struct entry_receipt receipt = sample_receipt();
    struct identity_chain empty;
    struct error error;
    struct buffer bytes = {0};

    (void)state;
    assert_int_equal(sign_receipt(&receipt, "else", cn.node, &error), ERROR_WRONG_NETWORK);
    assert_non_null(strstr(error.text, "ReceiptStatement: network is \"else\""));
    assert_int_equal(sign_receipt(&receipt, INSTITUTION_NETWORK, th.node, &error),
                     ERROR_BAD_SIGNATURE);
    receipt.receiver = th.chain.feed;
    assert_int_equal(sign_receipt(&receipt, INSTITUTION_NETWORK, cn.node, &error),
                     ERROR_UNKNOWN_FEED);
    receipt = sample_receipt();
    receipt.head.seq = 0;
    assert_int_equal(sign_receipt(&receipt, INSTITUTION_NETWORK, cn.node, &error), ERROR_MALFORMED);
    receipt = sample_receipt();
    assert_int_equal(identity_chain_init(&empty, &cn.chain.feed, INSTITUTION_NETWORK, NULL), 0);
    assert_int_equal(entry_receipt_sign(&receipt, INSTITUTION_NETWORK, cn.node, &bytes, NULL), 0);
    assert_int_equal(entry_receipt_check(buffer_span(&bytes), &empty, &receipt, &error), ERROR_GAP);
    buffer_finish(&bytes);
}

static void test_entry_statement__every_changed_bit_is_refused(void **state)
{
    struct entry_receipt receipt = sample_receipt(), back;
    struct buffer head_bytes = {0}, receipt_bytes = {0};
    struct entry_head head;
    uint64_t as_of;

    (void)state;
    assert_int_equal(entry_head_sign(&th.head, INSTITUTION_NETWORK, 1, th.node, &head_bytes, NULL),
                     0);
    assert_int_equal(
        entry_receipt_sign(&receipt, INSTITUTION_NETWORK, cn.node, &receipt_bytes, NULL), 0);
    for (size_t i = 0; i < head_bytes.size * 8; i++) {
        head_bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(
            entry_head_check(buffer_span(&head_bytes), &th.chain, &head, &as_of, NULL), 0);
        head_bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t i = 0; i < receipt_bytes.size * 8; i++) {
        receipt_bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(
            entry_receipt_check(buffer_span(&receipt_bytes), &cn.chain, &back, NULL), 0);
        receipt_bytes.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    /* A head is not a receipt, though both have one shape. */
    assert_int_not_equal(entry_receipt_check(buffer_span(&head_bytes), &cn.chain, &back, NULL), 0);
    buffer_finish(&head_bytes);
    buffer_finish(&receipt_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_statement__a_head_goes_there_and_back),
        cmocka_unit_test(test_entry_statement__a_receipt_goes_there_and_back),
        cmocka_unit_test(test_entry_statement__a_receipt_may_say_that_nothing_came_yet),
        cmocka_unit_test(test_entry_statement__the_newest_certificate_signs_receipts),
        cmocka_unit_test(test_entry_statement__refuses_a_broken_head),
        cmocka_unit_test(test_entry_statement__refuses_a_broken_receipt),
        cmocka_unit_test(test_entry_statement__every_changed_bit_is_refused),
    };

    return cmocka_run_group_tests_name("entry_statement", tests, setup, teardown);
}
