#include "node/core/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct id own = {.bytes = "own"}, a = {.bytes = "a"}, b = {.bytes = "b"},
                       peer = {.bytes = "peer"};

static void test_policy__our_own_and_the_peers_own_feed_may_always_be_read(void **state)
{
    struct policy *policy;

    (void)state;
    assert_int_equal(policy_create(&own, &policy, NULL), ERROR_NONE);
    assert_true(policy_may_read(policy, &own, &peer));
    assert_true(policy_may_read(policy, &peer, &peer));
    assert_false(policy_may_read(policy, &a, &peer));
    assert_int_equal(policy_serve(policy, &a, true, NULL), ERROR_NONE);
    assert_true(policy_may_read(policy, &a, &peer));
    assert_false(policy_may_read(policy, &b, &peer));
    assert_int_equal(policy_serve(policy, &a, false, NULL), ERROR_NONE);
    assert_false(policy_may_read(policy, &a, &peer));
    policy_destroy(policy);
    policy_destroy(NULL);
}

static void ledger_of(struct policy *policy, uint8_t out[16])
{
    policy_ledger(policy, (const uint8_t *)"a ledger's name!", out);
}

static void test_policy__the_ledger_that_peers_see_follows_what_is_served(void **state)
{
    uint8_t none[16], only_a[16], both[16], again[16];
    struct policy *policy;

    (void)state;
    assert_int_equal(policy_create(&own, &policy, NULL), ERROR_NONE);
    ledger_of(policy, none);
    assert_memory_equal(none, "a ledger's name!", 16);
    policy_serve(policy, &a, true, NULL);
    policy_serve(policy, &a, true, NULL); /* twice the same changes nothing */
    ledger_of(policy, only_a);
    assert_memory_not_equal(only_a, none, 16);
    policy_serve(policy, &b, true, NULL);
    ledger_of(policy, both);
    assert_memory_not_equal(both, only_a, 16);
    policy_destroy(policy);
    /* The same after a restart, in whatever order partners are added. */
    assert_int_equal(policy_create(&own, &policy, NULL), ERROR_NONE);
    policy_serve(policy, &b, true, NULL);
    policy_serve(policy, &a, true, NULL);
    ledger_of(policy, again);
    assert_memory_equal(again, both, 16);
    policy_serve(policy, &b, false, NULL);
    ledger_of(policy, again);
    assert_memory_equal(again, only_a, 16);
    policy_destroy(policy);
}

static void test_policy__heads_are_counted_anew_after_a_theft(void **state)
{
    struct policy *policy;
    uint8_t before[16], after[16], again[16];

    (void)state;
    assert_int_equal(policy_create(&own, &policy, NULL), ERROR_NONE);
    ledger_of(policy, before);
    policy_count_anew(policy, &a);
    ledger_of(policy, after);
    assert_memory_not_equal(before, after, 16);
    policy_count_anew(policy, &a); /* after a restart, say */
    ledger_of(policy, again);
    assert_memory_equal(after, again, 16);
    policy_serve(policy, &b, true, NULL);
    ledger_of(policy, again);
    assert_memory_not_equal(after, again, 16);
    policy_destroy(policy);
}

static void test_policy__keeps_the_newest_statement(void **state)
{
    struct policy *policy;
    struct buffer out = {0};

    (void)state;
    assert_int_equal(policy_create(&own, &policy, NULL), ERROR_NONE);
    assert_false(policy_get_statement(policy, &a, &out));
    policy_serve(policy, &a, true, NULL);
    assert_false(policy_get_statement(policy, &a, &out));
    policy_set_statement(policy, &a, span_of_text("a longer statement"), NULL);
    policy_set_statement(policy, &a, span_of_text("newer"), NULL);
    assert_true(policy_get_statement(policy, &a, &out));
    assert_true(span_equal(buffer_span(&out), span_of_text("newer")));
    buffer_finish(&out);
    policy_destroy(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy__our_own_and_the_peers_own_feed_may_always_be_read),
        cmocka_unit_test(test_policy__the_ledger_that_peers_see_follows_what_is_served),
        cmocka_unit_test(test_policy__heads_are_counted_anew_after_a_theft),
        cmocka_unit_test(test_policy__keeps_the_newest_statement),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
