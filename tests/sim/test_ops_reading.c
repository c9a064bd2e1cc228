/* Operations of whole nodes: lists, histories, what has changed; and feeds as a whole. */
#include "tests/sim/ops_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/support/announcements.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void test_ops_reading__changes_wait_for_news(void **state)
{
    struct ops_world *world = *state;
    Caravan__ChangesRequest message = CARAVAN__CHANGES_REQUEST__INIT;
    Caravan__ChangesReply *reply = ops_world_call(world, 0, "changes", &message.base);
    int code;

    assert_int_equal(reply->n_items, 0); /* from now on */
    message.has_after = 1;
    message.after = reply->next_after;
    world->last_try = false;
    assert_null(ops_world_call_code(world, 0, "changes", &message.base, &code));
    assert_int_equal(code, OPS_WAIT);
    ops_world_publish(world, "News", NULL);
    reply = ops_world_call(world, 0, "changes", &message.base);
    assert_int_equal(reply->n_items, 1);
    ops_world_assert_title(reply->items[0], "News");
    assert_true(reply->next_after > message.after);
    message.after = reply->next_after;
    world->last_try = true;
    assert_int_equal(
        ((Caravan__ChangesReply *)ops_world_call(world, 0, "changes", &message.base))->n_items, 0);
    message.after = UINT64_MAX; /* another ledger's count: from the beginning */
    assert_int_equal(
        ((Caravan__ChangesReply *)ops_world_call(world, 0, "changes", &message.base))->n_items, 1);
}

static void test_ops_reading__filters_are_checked(void **state)
{
    struct ops_world *world = *state;
    Caravan__ListRequest message = CARAVAN__LIST_REQUEST__INIT;
    Caravan__ChangesRequest changes = CARAVAN__CHANGES_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char *country = "Siam";

    filter.n_country = 1;
    filter.country = &country;
    message.filter = changes.filter = &filter;
    ops_world_assert_refused(world, "list", &message.base, ERROR_INVALID, "Siam");
    ops_world_assert_refused(world, "changes", &changes.base, ERROR_INVALID, "Siam");
}

static void test_ops_reading__list_cuts_large_replies_into_pages(void **state)
{
    struct ops_world *world = *state;
    Caravan__ListRequest message = CARAVAN__LIST_REQUEST__INIT;
    Caravan__ListReply *reply;
    size_t seen = 0, pages = 0;
    char content[60000];

    memset(content, 'x', sizeof content); /* unreadable, but kept and counted */
    for (int i = 0; i < 20; i++)
        network_publish_content(&world->network, 0, TYPE(ANNOUNCEMENT),
                                span_of(content, sizeof content));
    do {
        reply = ops_world_call(world, 0, "list", &message.base);
        assert_true(protobuf_c_message_get_packed_size(&reply->base) < LIMIT_MESSAGE_SIZE);
        assert_int_equal(reply->total, 20);
        seen += reply->n_items;
        pages++;
        message.has_before_arrival = 1;
        message.before_arrival = reply->next_before;
    } while (reply->next_before);
    assert_int_equal(seen, 20);
    assert_true(pages > 1);
}

/* Unlike show, which leaves contents out of a large reply. */
static void test_ops_reading__history_has_all_contents_page_by_page(void **state)
{
    struct ops_world *world = *state;
    Caravan__HistoryRequest message = CARAVAN__HISTORY_REQUEST__INIT;
    const Caravan__HistoryReply *reply;
    struct buffer content = {0}, revision = {0};
    uint64_t last = 0;
    size_t seen = 0, pages = 0;

    ops_world_publish(world, "Call", NULL);
    assert_true(buffer_reserve(&content, 60000));
    memset(content.data, 'x', 60000); /* unreadable, but kept and counted */
    content.size = 60000;
    announcements_revision(3, buffer_span(&content), &revision);
    for (int i = 0; i < 20; i++)
        network_publish_content(&world->network, 0, TYPE(REVISION), buffer_span(&revision));
    message.name = "cn-one/3";
    do {
        reply = ops_world_call(world, 0, "history", &message.base);
        assert_true(protobuf_c_message_get_packed_size(&reply->base) < LIMIT_MESSAGE_SIZE);
        for (size_t i = 0; i < reply->n_items; i++, seen++) {
            assert_true(reply->items[i]->has_content);
            assert_true(reply->items[i]->event_seq > last);
            last = reply->items[i]->event_seq;
        }
        assert_true(!reply->next_after || reply->next_after == last);
        pages++;
        message.has_after = 1;
        message.after = reply->next_after;
    } while (reply->next_after);
    assert_int_equal(seen, 21);
    assert_true(pages > 1);
    message.after = 0;
    message.has_limit = 1;
    message.limit = 21; /* all of them, and no empty page behind them */
    while ((reply = ops_world_call(world, 0, "history", &message.base))->next_after)
        message.after = reply->next_after;
    assert_true(reply->n_items > 0);
    message.name = "cn-one/99";
    ops_world_assert_refused(world, "history", &message.base, ERROR_NOT_FOUND, "cn-one/99");
    message.name = "cn-one";
    ops_world_assert_refused(world, "history", &message.base, ERROR_INVALID, "th-nstda/42");
    buffer_finish(&content);
    buffer_finish(&revision);
}

static void test_ops_reading__a_feed_is_read_and_imported(void **state)
{
    struct ops_world *world = *state;
    Caravan__ResolveRequest resolve = CARAVAN__RESOLVE_REQUEST__INIT;
    Caravan__ReadRequest read = CARAVAN__READ_REQUEST__INIT;
    Caravan__ImportRequest import = CARAVAN__IMPORT_REQUEST__INIT;
    Caravan__ResolveReply *resolved;
    Caravan__ReadReply *part;
    Caravan__ImportReply *imported;
    uint64_t added = 0, known = 0;

    network_cut(&world->network, 0, 1, true);
    ops_world_publish(world, "Carried by hand", NULL);
    resolve.name = "cn-one";
    resolved = ops_world_call(world, 0, "resolve", &resolve.base);
    assert_int_equal(resolved->seq, 3);
    read.has_feed = read.has_first = 1;
    read.feed = resolved->feed;
    read.first = 1;
    for (part = ops_world_call(world, 0, "read", &read.base); part->has_run;
         part = ops_world_call(world, 0, "read", &read.base)) {
        assert_int_equal(part->has_certificates, read.first == 1);
        import.has_certificates = part->has_certificates;
        import.has_run = 1;
        import.certificates = part->certificates;
        import.run = part->run;
        imported = ops_world_call(world, 1, "import", &import.base);
        added += imported->added;
        known += imported->known;
        read.first = part->next;
    }
    assert_int_equal(part->next, 4);
    assert_int_equal(added, 1);
    assert_int_equal(known, 2);
    assert_int_equal(ops_world_list(world, 1)->n_items, 1);
    read.feed.len = 31;
    ops_world_assert_refused(world, "read", &read.base, ERROR_INVALID, "expected 32");
    resolve.name = "nobody";
    ops_world_assert_refused(world, "resolve", &resolve.base, ERROR_NOT_FOUND, "nobody");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_ops_reading__##name, ops_world_setup, ops_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(changes_wait_for_news),
        TEST(filters_are_checked),
        TEST(list_cuts_large_replies_into_pages),
        TEST(history_has_all_contents_page_by_page),
        TEST(a_feed_is_read_and_imported),
    };
    return cmocka_run_group_tests_name("ops_reading", tests, NULL, NULL);
}
