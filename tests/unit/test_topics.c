#include "node/core/topics.h"

#include "tests/support/announcements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void write_topic(void *context, const char *topic)
{
    struct buffer *out = context;

    assert_true(strlen(topic) <= LIMIT_TOPIC_SIZE);
    /* the feed's own name is a long hash */
    assert_true(buffer_printf(out, "%s\n", strncmp(topic, "feed/", 5) == 0 ? "feed" : topic));
}

static void assert_topics(struct entry entry, const char *expected)
{
    struct buffer topics = {0};

    topics_each(&entry, write_topic, &topics);
    assert_string_equal(buffer_text(&topics), expected);
    buffer_finish(&topics);
}

static struct entry entry_of(uint32_t type, const struct buffer *content)
{
    return (struct entry){.content_type = type,
                          .min_reader = 1,
                          .content = buffer_span(content),
                          .has_content = true};
}

#define BOTH "feed\nkind/joint-call/TH/\n"

static void test_topics__name_kind_and_country(void **state)
{
    struct buffer call = {0}, revision = {0};

    (void)state;
    announcements_write(CALL, "A call", "TH", NULL, &call);
    announcements_revision(3, buffer_span(&call), &revision);
    assert_topics(entry_of(TYPE(ANNOUNCEMENT), &call), BOTH);
    assert_topics(entry_of(TYPE(REVISION), &revision), BOTH);
    assert_topics(entry_of(TYPE(PROFILE), &call), "feed\n");
    buffer_finish(&call);
    buffer_finish(&revision);
}

/* A script that follows one kind gets nothing that it could stumble over. */
static void test_topics__what_cannot_be_shown_has_the_feed_topic_only(void **state)
{
    struct buffer call = {0}, no_title = {0}, other_kind = {0}, garbage = {0}, revision = {0};
    Caravan__Announcement *announcement;
    struct entry entry;

    (void)state;
    announcements_write(CALL, "A call", "TH", NULL, &call);
    announcement = caravan__announcement__unpack(NULL, call.size, call.data);
    announcement->kind = CARAVAN__KIND__KIND_VISIT; /* and the details of a call */
    assert_true(buffer_reserve(&other_kind, call.size));
    other_kind.size = caravan__announcement__pack(announcement, other_kind.data);
    announcement->kind = CALL;
    announcement->n_title = 0;
    assert_true(buffer_reserve(&no_title, call.size));
    no_title.size = caravan__announcement__pack(announcement, no_title.data);
    announcement->n_title = 1;
    caravan__announcement__free_unpacked(announcement, NULL);
    assert_true(buffer_append_text(&garbage, "\xff\xff"));
    announcements_revision(3, buffer_span(&no_title), &revision);
    assert_topics(entry_of(TYPE(ANNOUNCEMENT), &no_title), "feed\n");
    assert_topics(entry_of(TYPE(REVISION), &revision), "feed\n");
    assert_topics(entry_of(TYPE(ANNOUNCEMENT), &other_kind), "feed\n");
    assert_topics(entry_of(TYPE(ANNOUNCEMENT), &garbage), "feed\n");
    assert_topics(entry_of(TYPE(REVISION), &garbage), "feed\n");
    entry = entry_of(TYPE(ANNOUNCEMENT), &call);
    entry.min_reader = 2;
    assert_topics(entry, "feed\n");
    entry.min_reader = 1;
    entry.has_content = false;
    assert_topics(entry, "feed\n");
    buffer_finish(&call);
    buffer_finish(&no_title);
    buffer_finish(&other_kind);
    buffer_finish(&garbage);
    buffer_finish(&revision);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics__name_kind_and_country),
        cmocka_unit_test(test_topics__what_cannot_be_shown_has_the_feed_topic_only),
    };

    return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}
