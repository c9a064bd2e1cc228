#include "node/core/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/institution.h"

static void test_keyring__a_snapshot_outlives_its_replacement(void **state)
{
    struct institution th;
    struct buffer bytes = {0};
    struct keyring *keyring;
    const struct keyring_entry *first, *second;

    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &bytes);
    assert_int_equal(keyring_create(&keyring, NULL), ERROR_NONE);
    assert_null(keyring_take(keyring, &th.chain.feed));
    assert_int_equal(keyring_set(keyring, &th.chain, 1, NULL), ERROR_NONE);
    first = keyring_take(keyring, &th.chain.feed);
    institution_certify(&th, true, &bytes);
    assert_int_equal(keyring_set(keyring, &th.chain, 2, NULL), ERROR_NONE);
    second = keyring_take(keyring, &th.chain.feed);
    assert_int_equal(first->number, 1);
    assert_int_equal(first->chain.count, 1);
    assert_int_equal(second->number, 2);
    assert_int_equal(second->chain.count, 2);
    keyring_remove(keyring, &th.chain.feed);
    keyring_remove(keyring, &th.chain.feed);
    assert_null(keyring_take(keyring, &th.chain.feed));
    assert_int_equal(second->chain.certificates[1].number, 2);
    keyring_release(keyring, first);
    keyring_release(keyring, second);
    keyring_release(keyring, NULL);
    keyring_destroy(keyring);
    keyring_destroy(NULL);
    institution_finish(&th);
    buffer_finish(&bytes);
}

struct race {
    struct keyring *keyring;
    struct id feed;
    atomic_bool stop;
    atomic_ulong taken;
    atomic_bool torn;
};

static void *check(void *context)
{
    struct race *race = context;

    while (!atomic_load(&race->stop)) {
        const struct keyring_entry *entry = keyring_take(race->keyring, &race->feed);

        if (!entry)
            continue;
        /* The writer always sets as many certificates as are in force. */
        if (entry->number != entry->chain.count ||
            entry->chain.certificates[entry->number - 1].number != entry->number)
            atomic_store(&race->torn, true);
        keyring_release(race->keyring, entry);
        atomic_fetch_add(&race->taken, 1);
    }
    return NULL;
}

static void test_keyring__checkers_read_while_the_writer_sets(void **state)
{
    struct institution one, two;
    struct buffer bytes = {0};
    struct race race = {0};
    pthread_t threads[2];

    (void)state;
    institution_init(&one, 1);
    institution_certify(&one, false, &bytes);
    institution_init(&two, 1);
    institution_certify(&two, false, &bytes);
    institution_certify(&two, false, &bytes);
    assert_int_equal(keyring_create(&race.keyring, NULL), ERROR_NONE);
    race.feed = one.chain.feed;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check, &race), 0);
    for (unsigned i = 0; i < 2000 || atomic_load(&race.taken) < 1000; i++) {
        assert_int_equal(keyring_set(race.keyring, &one.chain, 1, NULL), ERROR_NONE);
        assert_int_equal(keyring_set(race.keyring, &two.chain, 2, NULL), ERROR_NONE);
        if (i % 7 == 0)
            keyring_remove(race.keyring, &race.feed);
    }
    atomic_store(&race.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_false(atomic_load(&race.torn));
    keyring_destroy(race.keyring);
    institution_finish(&one);
    institution_finish(&two);
    buffer_finish(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyring__a_snapshot_outlives_its_replacement),
        cmocka_unit_test(test_keyring__checkers_read_while_the_writer_sets),
    };

    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
