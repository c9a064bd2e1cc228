/* node_watch: whom the files in partners/ and listeners/ make a partner. An exchange on a ledger in
 * memory; several files change between two looks, as when an operator types fast. */
#include "node/node_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "node/config/home.h"
#include "tests/support/exchange_fixture.h"
#include "tests/support/folder.h"

#define OTHERS 4

struct world {
    struct exchange_fixture base;
    struct folder home;
    struct institution others[OTHERS];
    Caravan__Config message;
    struct config config;
    struct node_watch watch;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct buffer unused = {0};

    assert_non_null(world);
    log_set_level(LOG_SILENT);
    folder_init(&world->home);
    assert_int_equal(home_make_folder(folder_file(&world->home, HOME_PARTNERS), 0700, NULL),
                     ERROR_NONE);
    exchange_fixture_init(&world->base);
    exchange_fixture_start(&world->base);
    for (uint8_t i = 0; i < OTHERS; i++) {
        institution_init(&world->others[i], (uint8_t)(i + 2));
        institution_certify(&world->others[i], false, &unused);
    }
    buffer_finish(&unused);
    caravan__config__init(&world->message);
    world->message.network = (char *)(uintptr_t)INSTITUTION_NETWORK;
    world->config.message = &world->message;
    world->watch = (struct node_watch){
        .home = world->home.path, .config = &world->config, .exchange = world->base.exchange};
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    node_watch_finish(&world->watch);
    exchange_fixture_finish(&world->base);
    for (size_t i = 0; i < OTHERS; i++)
        institution_finish(&world->others[i]);
    folder_finish(&world->home);
    free(world);
    return 0;
}

static const char *card_file(struct world *world, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, HOME_PARTNERS "/%s" HOME_CARD_SUFFIX, name);
    return folder_file(&world->home, path);
}

/* The file has this institution's newest card, with this handle. */
static void put_card(struct world *world, const char *name, size_t other, const char *handle)
{
    struct buffer armour = {0};

    institution_card(&world->others[other], handle, ++world->base.now, &armour);
    assert_int_equal(home_write(card_file(world, name), 0600, buffer_span(&armour), NULL),
                     ERROR_NONE);
    buffer_finish(&armour);
}

static void remove_card(struct world *world, const char *name)
{
    assert_int_equal(unlink(card_file(world, name)), 0);
}

static void look(struct world *world)
{
    world->base.now += LIMIT_PARTNERS_SCAN_MS;
    exchange_fixture_begin(&world->base);
    node_watch_scan(&world->watch);
    exchange_fixture_commit(&world->base);
}

static bool is_partner(const struct world *world, size_t other)
{
    return exchange_chain(world->base.exchange, &world->others[other].chain.feed) != NULL;
}

struct question {
    const struct id *feed;
    const char *handle;
    bool holds;
};

static void compare(void *context, const struct exchange_feed_state *state)
{
    struct question *question = context;

    if (id_equal(&state->feed, question->feed))
        question->holds = state->partner && strcmp(state->handle, question->handle) == 0;
}

/* A partner, and by this handle. */
static bool is_known_as(const struct world *world, size_t other, const char *handle)
{
    struct question question = {&world->others[other].chain.feed, handle, false};

    exchange_feeds(world->base.exchange, compare, &question);
    return question.holds;
}

static void test_node_watch__a_replaced_card_takes_the_rights_of_the_one_before(void **state)
{
    struct world *world = *state;

    put_card(world, "th-xx", 0, "th-xx");
    look(world);
    assert_true(is_known_as(world, 0, "th-xx"));
    /* `partner remove`, `partner add` of the same handle's new feed: the node sees one file that
     * has changed. */
    remove_card(world, "th-xx");
    put_card(world, "th-xx", 1, "th-xx");
    look(world);
    assert_false(is_partner(world, 0));
    look(world);
    assert_true(is_known_as(world, 1, "th-xx"));
    assert_false(is_partner(world, 0));
}

/* What the file says now cannot be accepted, and never will: the one before is gone all the same.
 */
static void test_node_watch__a_card_that_is_refused_brings_nobody_back(void **state)
{
    struct world *world = *state;

    put_card(world, "th-xx", 0, "th-xx");
    put_card(world, "th-yy", 1, "th-yy");
    look(world);
    put_card(world, "th-xx", 2, "th-yy");
    for (int i = 0; i < 3; i++) {
        look(world);
        assert_false(is_partner(world, 0));
        assert_true(is_known_as(world, 1, "th-yy"));
        assert_false(is_partner(world, 2));
    }
    /* Its handle becomes free. */
    remove_card(world, "th-yy");
    look(world);
    assert_false(is_partner(world, 1));
    look(world);
    assert_true(is_known_as(world, 2, "th-yy"));
}

static void test_node_watch__a_new_card_of_the_same_feed_may_fail_and_harms_nobody(void **state)
{
    struct world *world = *state;

    put_card(world, "th-xx", 0, "th-xx");
    put_card(world, "th-yy", 1, "th-yy");
    look(world);
    put_card(world, "th-xx", 0, "th-yy"); /* which another has */
    for (int i = 0; i < 3; i++) {
        look(world);
        assert_true(is_known_as(world, 0, "th-xx"));
        assert_true(is_known_as(world, 1, "th-yy"));
    }
    /* No card at all: what was accepted stays. */
    folder_write_text(&world->home, HOME_PARTNERS "/th-xx" HOME_CARD_SUFFIX, 0600, "nothing");
    look(world);
    assert_true(is_known_as(world, 0, "th-xx"));
}

static void test_node_watch__two_files_exchange_their_cards(void **state)
{
    struct world *world = *state;

    put_card(world, "th-xx", 0, "th-xx");
    put_card(world, "th-yy", 1, "th-yy");
    look(world);
    put_card(world, "th-xx", 1, "th-xx");
    put_card(world, "th-yy", 0, "th-yy");
    look(world);
    look(world);
    assert_true(is_known_as(world, 0, "th-yy"));
    assert_true(is_known_as(world, 1, "th-xx"));
}

/* The files may have any names. */
static void test_node_watch__institutions_hand_their_handles_round(void **state)
{
    static const char *const handles[] = {"th-aa", "th-bb", "th-cc", "th-dd"};
    static const char *const files[] = {"1", "2", "3", "4"};
    struct world *world = *state;

    for (size_t i = 0; i < OTHERS; i++)
        put_card(world, files[i], i, handles[i]);
    look(world);
    /* Three in a ring; the fourth takes another handle. */
    for (size_t i = 0; i < 3; i++)
        put_card(world, files[i], i, handles[(i + 1) % 3]);
    put_card(world, files[3], 3, "th-ee");
    look(world);
    look(world);
    for (size_t i = 0; i < 3; i++)
        assert_true(is_known_as(world, i, handles[(i + 1) % 3]));
    assert_true(is_known_as(world, 3, "th-ee"));
    /* Each takes what the next one gives up, the last one a new one: nobody goes for that. */
    put_card(world, files[0], 0, "th-cc"); /* which 1 has */
    put_card(world, files[1], 1, "th-ff");
    look(world);
    assert_true(is_partner(world, 0));
    assert_true(is_known_as(world, 1, "th-ff"));
    look(world);
    assert_true(is_known_as(world, 0, "th-cc"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_node_watch__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_replaced_card_takes_the_rights_of_the_one_before),
        TEST(a_card_that_is_refused_brings_nobody_back),
        TEST(a_new_card_of_the_same_feed_may_fail_and_harms_nobody),
        TEST(two_files_exchange_their_cards),
        TEST(institutions_hand_their_handles_round),
    };

    return cmocka_run_group_tests_name("node_watch", tests, NULL, NULL);
}
