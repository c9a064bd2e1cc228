#include "node/core/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static struct id id_of(unsigned char fill)
{
    struct id id;

    memset(id.bytes, fill, sizeof id.bytes);
    return id;
}

static struct access_entry entry_of(unsigned char key, enum access_role role, const char *name)
{
    struct access_entry entry = {.key = id_of(key), .role = role};

    if (role == ACCESS_PARTNER)
        entry.feed = id_of((unsigned char)(key + 100));
    strncpy(entry.name, name, sizeof entry.name - 1);
    return entry;
}

static struct access_table *make_table(void)
{
    struct access_table *table = NULL;

    assert_int_equal(access_table_create(&table, NULL), ERROR_NONE);
    return table;
}

static void set(struct access_table *table, const struct access_entry *entries, size_t count,
                bool open_reading)
{
    struct error error = {0};

    if (access_table_set(table, entries, count, open_reading, &error) != ERROR_NONE)
        fail_msg("%s", error.text);
}

static enum access_role role_of(struct access_table *table, unsigned char key)
{
    struct access_entry entry;
    struct id id = id_of(key);
    bool found = access_table_find(table, &id, &entry);

    assert_int_equal(found, entry.role != ACCESS_NONE);
    assert_true(id_equal(&entry.key, &id));
    return entry.role;
}

static void test_access__roles_have_their_rights_and_no_more(void **state)
{
    static const struct {
        enum access_role role;
        bool live, sync, pull, speak;
    } rows[] = {
        {ACCESS_NONE, false, false, false, false},
        {ACCESS_READER, true, true, true, false},
        {ACCESS_LISTENER, true, false, false, false},
        {ACCESS_PARTNER, true, true, true, true},
        {(enum access_role)17, false, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(access_may(rows[i].role, ACCESS_LIVE), rows[i].live);
        assert_int_equal(access_may(rows[i].role, ACCESS_SYNC), rows[i].sync);
        assert_int_equal(access_may(rows[i].role, ACCESS_PULL), rows[i].pull);
        assert_int_equal(access_may(rows[i].role, ACCESS_SPEAK), rows[i].speak);
    }
    assert_string_equal(access_role_name(ACCESS_LISTENER), "listener");
    assert_string_equal(access_role_name((enum access_role)17), "unknown");
}

static void test_access__an_empty_table_knows_nobody(void **state)
{
    struct access_table *table = make_table();

    (void)state;
    assert_int_equal(role_of(table, 1), ACCESS_NONE);
    access_table_destroy(table);
    access_table_destroy(NULL);
}

static void test_access__finds_every_key_and_copies_it_out(void **state)
{
    struct access_table *table = make_table();
    struct access_entry entries[] = {entry_of(9, ACCESS_PARTNER, "th-nstda"),
                                     entry_of(3, ACCESS_LISTENER, "script"),
                                     entry_of(5, ACCESS_PARTNER, "za-dst")};
    struct access_entry found;
    struct id key = id_of(9), feed = id_of(109);

    (void)state;
    set(table, entries, 3, false);
    assert_int_equal(role_of(table, 3), ACCESS_LISTENER);
    assert_int_equal(role_of(table, 5), ACCESS_PARTNER);
    assert_int_equal(role_of(table, 4), ACCESS_NONE);
    assert_true(access_table_find(table, &key, &found));
    set(table, NULL, 0, false); /* what was copied out stays good */
    assert_string_equal(found.name, "th-nstda");
    assert_true(id_equal(access_peer(&found), &feed));
    assert_int_equal(role_of(table, 9), ACCESS_NONE);
    access_table_destroy(table);
}

static void test_access__open_reading_makes_strangers_readers_only(void **state)
{
    struct access_table *table = make_table();
    struct access_entry entries[] = {entry_of(1, ACCESS_PARTNER, "cn-most")};
    struct access_entry found;
    struct id key = id_of(77);

    (void)state;
    set(table, entries, 1, true);
    assert_int_equal(role_of(table, 1), ACCESS_PARTNER);
    assert_true(access_table_find(table, &key, &found));
    assert_int_equal(found.role, ACCESS_READER);
    assert_true(id_equal(access_peer(&found), &key));
    set(table, entries, 1, false);
    assert_int_equal(role_of(table, 77), ACCESS_NONE);
    access_table_destroy(table);
}

static void test_access__refuses_one_key_twice_and_keeps_the_old_table(void **state)
{
    struct access_table *table = make_table();
    struct access_entry good = entry_of(1, ACCESS_PARTNER, "cn-most");
    struct access_entry bad[] = {entry_of(2, ACCESS_PARTNER, "th-nstda"),
                                 entry_of(3, ACCESS_PARTNER, "za-dst"),
                                 entry_of(2, ACCESS_LISTENER, "script")};
    struct access_entry nameless = {.key = id_of(4), .role = ACCESS_PARTNER};
    struct error error = {0};

    (void)state;
    set(table, &good, 1, false);
    assert_int_equal(access_table_set(table, bad, 3, false, &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "th-nstda"));
    assert_non_null(strstr(error.text, "script"));
    assert_int_equal(access_table_set(table, &nameless, 1, false, &error), ERROR_INTERNAL);
    assert_int_equal(role_of(table, 1), ACCESS_PARTNER);
    assert_int_equal(role_of(table, 3), ACCESS_NONE);
    access_table_destroy(table);
}

static void test_access__counts_losses_and_only_losses(void **state)
{
    struct access_table *table = make_table();
    struct access_entry one = entry_of(1, ACCESS_PARTNER, "cn-most");
    struct access_entry both[] = {one, entry_of(2, ACCESS_LISTENER, "script")};
    struct access_entry less = entry_of(1, ACCESS_LISTENER, "cn-most");
    struct access_entry other = one;

    (void)state;
    other.feed = id_of(200);
    set(table, &one, 1, false);
    set(table, both, 2, false); /* gained */
    set(table, both, 2, true);  /* gained */
    assert_int_equal(access_table_losses(table), 0);
    set(table, both, 2, false); /* strangers lost reading */
    assert_int_equal(access_table_losses(table), 1);
    set(table, &one, 1, false); /* the script is gone */
    assert_int_equal(access_table_losses(table), 2);
    set(table, &one, 1, false);
    assert_int_equal(access_table_losses(table), 2);
    set(table, &other, 1, false); /* the key now speaks for another feed */
    assert_int_equal(access_table_losses(table), 3);
    set(table, &less, 1, false); /* partner to listener */
    assert_int_equal(access_table_losses(table), 4);
    set(table, NULL, 0, true); /* listener to reader: nothing lost */
    assert_int_equal(access_table_losses(table), 4);
    set(table, &less, 1, true); /* reader to listener: sync lost */
    assert_int_equal(access_table_losses(table), 5);
    access_table_destroy(table);
}

struct race {
    struct access_table *table;
    atomic_bool stop;
};

static void *look_up(void *argument)
{
    struct race *race = argument;
    size_t wrong = 0;

    while (!atomic_load(&race->stop)) {
        struct access_entry found;
        struct id key = id_of(1);

        if (!access_table_find(race->table, &key, &found) || strcmp(found.name, "cn-most") != 0)
            wrong++;
    }
    return (void *)wrong;
}

static void test_access__readers_never_see_half_a_table(void **state)
{
    struct race race = {.table = make_table()};
    struct access_entry entries[] = {entry_of(1, ACCESS_PARTNER, "cn-most"),
                                     entry_of(2, ACCESS_PARTNER, "th-nstda")};
    pthread_t thread;
    void *wrong;

    (void)state;
    set(race.table, entries, 2, false);
    assert_int_equal(pthread_create(&thread, NULL, look_up, &race), 0);
    for (int i = 0; i < 2000; i++)
        set(race.table, entries, 1 + (size_t)i % 2, i % 3 == 0);
    atomic_store(&race.stop, true);
    pthread_join(thread, &wrong);
    assert_int_equal((size_t)wrong, 0);
    access_table_destroy(race.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access__roles_have_their_rights_and_no_more),
        cmocka_unit_test(test_access__an_empty_table_knows_nobody),
        cmocka_unit_test(test_access__finds_every_key_and_copies_it_out),
        cmocka_unit_test(test_access__open_reading_makes_strangers_readers_only),
        cmocka_unit_test(test_access__refuses_one_key_twice_and_keeps_the_old_table),
        cmocka_unit_test(test_access__counts_losses_and_only_losses),
        cmocka_unit_test(test_access__readers_never_see_half_a_table),
    };

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
