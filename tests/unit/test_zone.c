#include "common/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t seconds(const char *rfc3339)
{
    int64_t ms = 0;

    assert_int_equal(moment_ms_from_rfc3339(rfc3339, strlen(rfc3339), &ms, NULL), 0);
    return ms / 1000;
}

/* What the clocks of these places did, from their laws and from tzdata's notes. */
static const struct {
    const char *zone, *at;
    int offset;
} facts[] = {
    {"UTC", "2024-01-01T00:00:00Z", 0},
    {"Asia/Bangkok", "2024-05-15T09:00:00Z", 7 * 3600},
    {"Asia/Bangkok", "1910-01-01T00:00:00Z", 6 * 3600 + 42 * 60 + 4},
    {"Asia/Bangkok", "2300-05-15T09:00:00Z", 7 * 3600},
    {"Asia/Shanghai", "2024-05-15T09:00:00Z", 8 * 3600},
    {"Asia/Shanghai", "1988-07-01T00:00:00Z", 9 * 3600},
    {"Asia/Colombo", "1996-05-01T00:00:00Z", 5 * 3600 + 1800},
    {"Asia/Colombo", "1996-07-01T00:00:00Z", 6 * 3600 + 1800},
    {"Asia/Colombo", "2000-01-01T00:00:00Z", 6 * 3600},
    {"Asia/Colombo", "2024-01-01T00:00:00Z", 5 * 3600 + 1800},
    {"Africa/Johannesburg", "2024-07-01T00:00:00Z", 2 * 3600},
    {"Europe/Moscow", "2010-07-01T00:00:00Z", 4 * 3600},
    {"Europe/Moscow", "2014-10-25T21:59:59Z", 4 * 3600},
    {"Europe/Moscow", "2014-10-25T22:00:00Z", 3 * 3600},
    {"Europe/Moscow", "2027-07-01T00:00:00Z", 3 * 3600},
    {"America/New_York", "2024-03-10T06:59:59Z", -5 * 3600},
    {"America/New_York", "2024-03-10T07:00:00Z", -4 * 3600},
    {"America/New_York", "2024-11-03T05:59:59Z", -4 * 3600},
    {"America/New_York", "2024-11-03T06:00:00Z", -5 * 3600},
    /* Beyond the transitions in the file: the footer's rule. */
    {"America/New_York", "2060-03-14T06:59:59Z", -5 * 3600},
    {"America/New_York", "2060-03-14T07:00:00Z", -4 * 3600},
    {"America/New_York", "2060-11-07T06:00:00Z", -5 * 3600},
    {"Australia/Sydney", "2060-01-01T00:00:00Z", 11 * 3600},
    {"Australia/Sydney", "2060-07-01T00:00:00Z", 10 * 3600},
    {"Europe/Dublin", "2060-01-01T00:00:00Z", 0},
    {"Europe/Dublin", "2060-07-01T00:00:00Z", 3600},
    {"Asia/Kathmandu", "2024-01-01T00:00:00Z", 5 * 3600 + 45 * 60},
};

static void test_zone__agrees_with_known_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        struct error error = {0};
        int32_t offset = 0;

        if (zone_offset(facts[i].zone, seconds(facts[i].at), &offset, &error))
            fail_msg("%s: %s", facts[i].zone, error.text);
        if (offset != facts[i].offset)
            fail_msg("%s at %s: %d, expected %d", facts[i].zone, facts[i].at, (int)offset,
                     facts[i].offset);
    }
}

static void test_zone__turns_local_time_into_utc(void **state)
{
    static const struct {
        const char *zone;
        struct moment_civil civil;
        const char *utc;
    } cases[] = {
        {"Asia/Bangkok", {{2024, 5, 15}, 16, 0, 0}, "2024-05-15T09:00:00Z"},
        {"Asia/Colombo", {{2027, 1, 31}, 24, 0, 0}, "2027-01-31T18:30:00Z"},
        {"UTC", {{2024, 5, 15}, 16, 0, 0}, "2024-05-15T16:00:00Z"},
        {"America/New_York", {{2024, 3, 10}, 1, 59, 59}, "2024-03-10T06:59:59Z"},
        {"America/New_York", {{2024, 3, 10}, 2, 30, 0}, "2024-03-10T07:30:00Z"}, /* a gap */
        {"America/New_York", {{2024, 3, 10}, 3, 0, 0}, "2024-03-10T07:00:00Z"},
        {"America/New_York", {{2024, 11, 3}, 1, 30, 0}, "2024-11-03T05:30:00Z"}, /* the first */
        {"America/New_York", {{2024, 11, 3}, 2, 0, 0}, "2024-11-03T07:00:00Z"},
        {"Europe/Moscow", {{2014, 10, 26}, 1, 30, 0}, "2014-10-25T21:30:00Z"}, /* the first */
        {"Europe/Moscow", {{2014, 10, 26}, 2, 0, 0}, "2014-10-25T23:00:00Z"},
        /* Samoa left out the whole of 30 December 2011. */
        {"Pacific/Apia", {{2011, 12, 29}, 23, 0, 0}, "2011-12-30T09:00:00Z"},
        {"Pacific/Apia", {{2011, 12, 30}, 12, 0, 0}, "2011-12-30T22:00:00Z"},
        {"Pacific/Apia", {{2011, 12, 31}, 0, 0, 0}, "2011-12-30T10:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 0;
        char text[MOMENT_RFC3339_SIZE];

        assert_int_equal(zone_local_to_utc(cases[i].zone, &cases[i].civil, &ms, NULL), 0);
        moment_ms_to_rfc3339(ms, text);
        assert_string_equal(text, cases[i].utc);
    }
}

static void test_zone__refuses_names_that_leave_its_folder(void **state)
{
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../../../etc/passwd",
                                      "Asia/../Asia/Bangkok",
                                      "Asia//Bangkok",
                                      "Asia/",
                                      ".hidden",
                                      "zone.tab",
                                      "localtime",
                                      "right/Asia/Bangkok",
                                      "posix/Asia/Bangkok",
                                      "Asia/Bang kok",
                                      "Asia",
                                      "Asia/Bangkok\n",
                                      "Factory",
                                      "leap-seconds.list",
                                      "tzdata.zi",
                                      "Asia/Bangkok/Bangkok"};
    char longer[200];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (zone_exists(bad[i]))
            fail_msg("\"%s\" was taken for a zone", bad[i]);
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_false(zone_exists(longer));
    assert_false(zone_exists(NULL));
    assert_true(zone_exists("Asia/Bangkok"));
    assert_true(zone_exists("Etc/GMT+7"));
    assert_true(zone_exists("America/Argentina/Buenos_Aires"));
}

static void test_zone__suggests_the_right_name(void **state)
{
    struct error error = {0};
    char near[ZONE_NAME_SIZE];
    int32_t offset;

    (void)state;
    assert_true(zone_suggest("asia/bangkok", near));
    assert_string_equal(near, "Asia/Bangkok");
    assert_true(zone_suggest("Colombo", near));
    assert_string_equal(near, "Asia/Colombo");
    assert_true(zone_suggest("new york", near));
    assert_string_equal(near, "America/New_York");
    assert_true(zone_suggest("UT", near));
    assert_string_equal(near, "UTC");
    assert_false(zone_suggest("Atlantis", near));
    assert_false(zone_suggest("Bangko", near));
    assert_int_equal(zone_offset("asia/bangkok", 0, &offset, &error), ERROR_NOT_FOUND);
    assert_string_equal(error.text,
                        "there is no time zone \"asia/bangkok\"; did you mean Asia/Bangkok?");
}

static void test_zone__says_when_the_system_has_no_zones(void **state)
{
    struct error error = {0};
    int32_t offset;

    (void)state;
    setenv("ZONEINFO", "/nowhere/zoneinfo", 1);
    assert_int_equal(zone_offset("Asia/Tokyo", 0, &offset, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "install tzdata"));
    assert_int_equal(zone_offset("UTC", 0, &offset, &error), 0);
    unsetenv("ZONEINFO");
    assert_int_equal(zone_offset("Asia/Tokyo", 0, &offset, &error), 0);
}

/* --- files made by hand ---------------------------------------------------------------------- */

struct file {
    uint8_t bytes[512];
    size_t size;
};

static void put(struct file *file, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--)
        file->bytes[file->size++] = i > 8 ? 0 : (uint8_t)(value >> (8 * (i - 1)));
}

static void put_header(struct file *file, char version, unsigned transitions, unsigned types)
{
    memcpy(file->bytes + file->size, "TZif", 4);
    file->size += 4;
    put(file, (uint8_t)version, 1);
    put(file, 0, 15); /* reserved */
    put(file, 0, 4);  /* UTC flags */
    put(file, 0, 4);  /* standard flags */
    put(file, 0, 4);  /* leap seconds */
    put(file, transitions, 4);
    put(file, types, 4);
    put(file, 4, 4); /* letters */
}

/* Two types, +1 h and +2 h (summer), one transition to each; then the footer. */
static struct file make(int64_t first, int64_t second, unsigned last_type, const char *footer)
{
    struct file file = {{0}, 0};

    put_header(&file, '2', 0, 1);
    put(&file, 0, 6);
    put(&file, 0, 4);
    put_header(&file, '2', 2, 2);
    put(&file, (uint64_t)first, 8);
    put(&file, (uint64_t)second, 8);
    put(&file, 1, 1);
    put(&file, last_type, 1);
    put(&file, 3600, 4);
    put(&file, 0, 2);
    put(&file, 7200, 4);
    put(&file, 0x100, 2);
    put(&file, 0x41424300, 4);
    memcpy(file.bytes + file.size, footer, strlen(footer));
    file.size += strlen(footer);
    return file;
}

static void test_zone__reads_a_file_made_by_hand(void **state)
{
    struct file file = make(1000, 2000, 0, "\nABC-1DEF,J60/0,J300/-1:30\n");
    struct zone *zone = NULL;

    (void)state;
    assert_int_equal(zone_create(file.bytes, file.size, &zone, NULL), 0);
    assert_int_equal(zone_offset_of(zone, INT64_MIN), 3600);
    assert_int_equal(zone_offset_of(zone, 999), 3600);
    assert_int_equal(zone_offset_of(zone, 1000), 7200);
    assert_int_equal(zone_offset_of(zone, 1999), 7200);
    assert_int_equal(zone_offset_of(zone, 2000), 3600);
    /* J60 is 1 March also in a leap year; J300 at -1:30 is 26 October 22:30 summer time. */
    assert_int_equal(zone_offset_of(zone, seconds("2024-02-29T22:59:59Z")), 3600);
    assert_int_equal(zone_offset_of(zone, seconds("2024-02-29T23:00:00Z")), 7200);
    assert_int_equal(zone_offset_of(zone, seconds("2023-10-26T20:29:59Z")), 7200);
    assert_int_equal(zone_offset_of(zone, seconds("2023-10-26T20:30:00Z")), 3600);
    assert_int_equal(zone_offset_of(zone, INT64_MAX), 3600);
    zone_destroy(zone);
    zone_destroy(NULL);
}

static void refuse(const struct file *file, const char *expected)
{
    struct error error = {0};
    struct zone *zone = NULL;

    assert_int_equal(zone_create(file->bytes, file->size, &zone, &error), ERROR_INVALID);
    assert_null(zone);
    if (!strstr(error.text, expected))
        fail_msg("\"%s\" does not say \"%s\"", error.text, expected);
}

static void test_zone__refuses_broken_files(void **state)
{
    struct file file = make(1000, 2000, 0, "\nABC-1\n");

    (void)state;
    file.bytes[0] = 'X';
    refuse(&file, "does not begin with TZif");
    file = make(1000, 2000, 0, "\nABC-1\n");
    file.bytes[4] = 0;
    refuse(&file, "version 1");
    file = make(2000, 2000, 0, "\nABC-1\n");
    refuse(&file, "transition 2 is not after");
    file = make(1000, 2000, 2, "\nABC-1\n");
    refuse(&file, "names type 2 of 2");
    file = make(1000, 2000, 0, "");
    refuse(&file, "no footer");
    file = make(1000, 2000, 0, "ABC-1\n");
    refuse(&file, "no footer");
    file = make(1000, 2000, 0, "\nABC-1\n");
    file.bytes[34] = 0xff; /* transitions of the first block */
    refuse(&file, "impossible counts");
}

static void test_zone__refuses_broken_footers(void **state)
{
    static const char *const bad[] = {"\nA-1\n",
                                      "\nABC\n",
                                      "\nABC-25\n",
                                      "\nABC-1:60\n",
                                      "\nABC-1DEF\n",
                                      "\nABC-1DEF,M3.2\n",
                                      "\nABC-1DEF,M3.2.0\n",
                                      "\nABC-1DEF,M13.1.0,M1.1.0\n",
                                      "\n<>-1\n",
                                      "\n<+01-1\n",
                                      "\nABC-1DEF,J0,J1\n",
                                      "\nABC-1DEF,366,1\n",
                                      "\nABC-1DEF,M3.0.0,M4.1.0\n",
                                      "\nABC-1DEF,M3.2.0/168,M4.1.0\n",
                                      "\nABC-1DEF,M3.2.0,M4.1.0x\n",
                                      "\nABC-99999999999999999999\n"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct file file = make(1000, 2000, 0, bad[i]);

        refuse(&file, "is no rule");
    }
}

static void test_zone__refuses_every_shortened_file(void **state)
{
    struct file file = make(1000, 2000, 0, "\nABC-1DEF,M3.2.0,M11.1.0\n");

    (void)state;
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *exact = malloc(size + 1); /* on the heap, so that a sanitizer sees an overrun */
        struct zone *zone = NULL;

        assert_non_null(exact);
        memcpy(exact, file.bytes, size);
        exact = realloc(exact, size ? size : 1);
        assert_int_equal(zone_create(exact, size, &zone, NULL), ERROR_INVALID);
        free(exact);
    }
}

/* --- threads --------------------------------------------------------------------------------- */

static void *ask_many(void *argument)
{
    int *wrong = argument;

    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
            int32_t offset = -1;

            if (zone_offset(facts[i].zone, seconds(facts[i].at), &offset, NULL) ||
                offset != facts[i].offset)
                (*wrong)++;
        }
        for (int hours = 1; hours <= 12; hours++) { /* more names than are kept, with the others */
            char name[ZONE_NAME_SIZE];
            int32_t offset = -1;

            snprintf(name, sizeof name, "Etc/GMT%c%d", round % 2 ? '+' : '-', hours);
            if (zone_offset(name, 0, &offset, NULL) ||
                offset != (round % 2 ? -hours : hours) * 3600)
                (*wrong)++;
        }
    }
    return NULL;
}

static void test_zone__answers_threads_at_once(void **state)
{
    pthread_t threads[4];
    int wrong[4] = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &wrong[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone__agrees_with_known_facts),
        cmocka_unit_test(test_zone__turns_local_time_into_utc),
        cmocka_unit_test(test_zone__refuses_names_that_leave_its_folder),
        cmocka_unit_test(test_zone__suggests_the_right_name),
        cmocka_unit_test(test_zone__says_when_the_system_has_no_zones),
        cmocka_unit_test(test_zone__reads_a_file_made_by_hand),
        cmocka_unit_test(test_zone__refuses_broken_files),
        cmocka_unit_test(test_zone__refuses_broken_footers),
        cmocka_unit_test(test_zone__refuses_every_shortened_file),
        cmocka_unit_test(test_zone__answers_threads_at_once),
    };

    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
