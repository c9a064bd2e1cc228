#include "node/core/view_index.h"

#include "common/fields.h"
#include "tests/support/related.h"
#include "tests/support/view_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* A feed that nobody has. */
static struct id stranger(uint32_t number)
{
    struct id id = {{0}};

    memcpy(id.bytes, &number, sizeof number);
    id.bytes[31] = 0x7f;
    return id;
}

static void speak_of(struct view_world *world, struct id feed)
{
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;
    struct buffer content = {0};

    name.has_feed = name.has_seq = true;
    name.feed = (ProtobufCBinaryData){sizeof feed.bytes, feed.bytes};
    name.seq = 3;
    outcome.announcement = &name;
    assert_true(fields_pack(&outcome.base, &content));
    announcements_keep(&world->writer, &world->partner, TYPE(OUTCOME), buffer_span(&content));
    buffer_finish(&content);
}

static void test_view_index__one_feed_makes_few_others_known(void **state)
{
    struct view_world *world = *state;
    const uint32_t many = VIEW_STRANGERS_MAX + 100;
    struct view_index index;
    struct view_feed *partner;
    struct id last = stranger(many);
    const struct related_link link = {&last, 3, CARAVAN__RELATED_REL__RELATED_REL_SAME_AS};

    view_index_init(&index, &world->reader, &world->own.head.feed, false);
    for (uint32_t i = 0; i < many; i++)
        speak_of(world, stranger(i));
    related_publish(&world->writer, &world->partner, "Linked", "TH", &link, 1, NULL);
    speak_of(world, world->own.head.feed);
    assert_int_equal(view_index_update(&index, NULL), ERROR_NONE);
    assert_int_equal(view_index_read(&index, 0, NULL), ERROR_NONE);
    partner = view_index_feed(&index, &world->partner.head.feed);
    assert_int_equal(partner->strangers, VIEW_STRANGERS_MAX);
    assert_int_equal(index.feed_count, VIEW_STRANGERS_MAX + 2); /* and the two that are here */
    /* What it says of feeds that are here counts still. */
    assert_non_null(view_voices_find(&index.voices,
                                     view_index_key(&index, &world->own.head.feed, 3),
                                     partner->number, TYPE(OUTCOME)));
    view_index_finish(&index);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, view_world_setup, view_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_view_index__one_feed_makes_few_others_known),
    };

    return cmocka_run_group_tests_name("view_index", tests, NULL, NULL);
}
