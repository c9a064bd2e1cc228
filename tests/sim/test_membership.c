/* Who is a partner, and by which handle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/sim/network.h"

/* What node 0 says to a card of node `number` with this handle. */
static int add_card(struct network *network, unsigned number, const char *handle,
                    struct error *error)
{
    struct exchange *exchange = network->nodes[0].exchange;
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    struct card card = {.profile = &profile, .endpoints = &endpoints, .created_ms = 1};
    int code;

    profile.handle = (char *)(uintptr_t)handle;
    profile.country = (char *)(uintptr_t) "XX";
    card.chain = network->nodes[number].institution.chain;
    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    code = exchange_partner_add(exchange, &card, false, error);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
    return code;
}

static void assert_refused(struct network *network, unsigned number, const char *handle,
                           const char *because)
{
    struct error error = {0};

    assert_int_equal(add_card(network, number, handle, &error), ERROR_EXISTS);
    if (!strstr(error.text, because))
        fail_msg("\"%s\" does not say \"%s\"", error.text, because);
}

static void remove_partner(struct network *network, unsigned number)
{
    exchange_partner_remove(network->nodes[0].exchange,
                            &network->nodes[number].institution.chain.feed);
}

static void test_membership__a_handle_is_one_partners(void **state)
{
    char first[IDENTITY_FINGERPRINT_SIZE], second[IDENTITY_FINGERPRINT_SIZE];
    struct network network;

    (void)state;
    network_init(&network, 3, 1);
    for (unsigned i = 0; i < 3; i++)
        network_start(&network, i, false, false);
    identity_fingerprint(&network.nodes[1].institution.chain.feed, first);
    identity_fingerprint(&network.nodes[2].institution.chain.feed, second);
    assert_int_equal(add_card(&network, 1, "xx-first", NULL), ERROR_NONE);
    assert_int_equal(add_card(&network, 1, "xx-first", NULL), ERROR_NONE); /* the same again */
    assert_refused(&network, 2, "xx-first", first);
    assert_refused(&network, 2, "xx-first", second);
    assert_int_equal(add_card(&network, 2, "xx-second", NULL), ERROR_NONE);
    assert_refused(&network, 1, "xx-second", second);
    network_finish(&network);
}

static void test_membership__a_handle_that_is_given_up_is_free(void **state)
{
    struct network network;

    (void)state;
    network_init(&network, 3, 2);
    for (unsigned i = 0; i < 3; i++)
        network_start(&network, i, false, false);
    assert_int_equal(add_card(&network, 1, "xx-first", NULL), ERROR_NONE);
    assert_int_equal(add_card(&network, 1, "xx-renamed", NULL), ERROR_NONE);
    assert_int_equal(add_card(&network, 2, "xx-first", NULL), ERROR_NONE);
    assert_refused(&network, 1, "xx-first", "xx-first");
    remove_partner(&network, 2);
    assert_int_equal(add_card(&network, 1, "xx-first", NULL), ERROR_NONE);
    assert_int_equal(add_card(&network, 2, "xx-renamed", NULL), ERROR_NONE);
    network_finish(&network);
}

static void test_membership__our_own_handle_is_ours(void **state)
{
    struct network network;
    struct error error = {0};

    (void)state;
    network_init(&network, 2, 3);
    for (unsigned i = 0; i < 2; i++)
        network_start(&network, i, false, false);
    assert_refused(&network, 1, "xx-self", "xx-self");
    assert_int_equal(add_card(&network, 0, "xx-other", &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "our own card"));
    network_finish(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_membership__a_handle_is_one_partners),
        cmocka_unit_test(test_membership__a_handle_that_is_given_up_is_free),
        cmocka_unit_test(test_membership__our_own_handle_is_ours),
    };
    return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
