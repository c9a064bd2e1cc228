#include "node/core/topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/fields.h"
#include "tests/support/announcements.h"

static void collect(void *context, const char *topic)
{
    struct buffer *all = context;

    assert_true(strlen(topic) <= LIMIT_TOPIC_SIZE);
    assert_true(buffer_printf(all, "%s ", topic));
}

#define FEED "feed/aeaqcaibaeaqcaibaeaqcaibae/ "

static void expect(uint32_t type, struct span content, const char *topics)
{
    struct entry entry = {
        .content_type = type, .has_content = content.data != NULL, .content = content};
    struct buffer all = {0};

    memset(&entry.feed, 1, sizeof entry.feed);
    topics_each(&entry, collect, &all);
    assert_string_equal(buffer_text(&all), topics);
    buffer_finish(&all);
}

static void test_topics__announcements_go_out_for_each_country(void **state)
{
    struct buffer content = {0}, revision = {0};

    (void)state;
    announcements_write(CARAVAN__KIND__KIND_JOINT_CALL, "A call", "TH", NULL, &content);
    expect(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT, buffer_span(&content),
           FEED "kind/joint-call/TH/ ");
    announcements_revision(7, buffer_span(&content), &revision);
    expect(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION, buffer_span(&revision),
           FEED "kind/joint-call/TH/ ");
    /* What anybody may not read, and what is no announcement, goes out under its feed only. */
    expect(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_SEALED, buffer_span(&content), FEED);
    expect(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, buffer_span(&content), FEED);
    buffer_finish(&content);
    buffer_finish(&revision);
}

static void test_topics__what_cannot_be_read_goes_out_under_its_feed(void **state)
{
    const uint32_t announcement = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT;
    Caravan__Announcement odd = CARAVAN__ANNOUNCEMENT__INIT;
    uint8_t bytes[64];

    (void)state;
    expect(announcement, span_of(NULL, 0), FEED);
    expect(announcement, span_of("", 0), FEED);
    expect(announcement, span_of_text("\xff\xff"), FEED);
    expect(4711, span_of_text("x"), FEED);
    expect(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION, span_of_text("\x08\x01"), FEED);
    odd.has_kind = true;
    odd.kind = (Caravan__Kind)99;
    expect(announcement, span_of(bytes, caravan__announcement__pack(&odd, bytes)), FEED);
}

static void test_topics__each_country_once(void **state)
{
    static const char *const names[] = {"ZA", "TH", "CN", "ZA"};
    char *countries[4];
    struct buffer content = {0}, again = {0};
    Caravan__Announcement *announcement;

    (void)state;
    announcements_write(CARAVAN__KIND__KIND_VISIT, "A visit", "TH", NULL, &content);
    announcement = caravan__announcement__unpack(NULL, content.size, content.data);
    assert_non_null(announcement);
    assert_int_equal(announcement->n_countries, 0);
    for (size_t i = 0; i < 4; i++)
        countries[i] = (char *)(uintptr_t)names[i];
    announcement->countries = countries;
    announcement->n_countries = 4;
    assert_true(fields_pack(&announcement->base, &again));
    announcement->countries = NULL;
    announcement->n_countries = 0;
    expect(CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT, buffer_span(&again),
           FEED "kind/visit/ZA/ kind/visit/TH/ kind/visit/CN/ ");
    caravan__announcement__free_unpacked(announcement, NULL);
    buffer_finish(&content);
    buffer_finish(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics__announcements_go_out_for_each_country),
        cmocka_unit_test(test_topics__what_cannot_be_read_goes_out_under_its_feed),
        cmocka_unit_test(test_topics__each_country_once),
    };

    return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}
