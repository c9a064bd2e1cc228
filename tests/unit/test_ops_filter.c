/* list, changes and show for an institution, and at a moment: what the requests say, and what each
 * item answers. */
#include "node/ops/operations.h"

#include "common/arena.h"
#include "common/codec.h"
#include "common/moment.h"
#include "tests/support/view_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define DAY_MS (UINT64_C(86400) * 1000)

static void publish(struct view_world *world, const char *title, const char *lines)
{
    ProtobufCMessage *message = NULL;
    struct buffer yaml = {0}, content = {0};
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    assert_true(buffer_printf(&yaml,
                              "kind: joint call\nlanguage: en\ntitle: %s\nfunding type: call\n"
                              "parties: {name: A, country: TH}\n%s",
                              title, lines));
    assert_int_equal(codec_read_yaml(&caravan__announcement__descriptor, buffer_span(&yaml), &arena,
                                     NULL, &message, NULL),
                     ERROR_NONE);
    assert_true(codec_pack(message, &content));
    announcements_keep(&world->writer, &world->partner, TYPE(ANNOUNCEMENT), buffer_span(&content));
    buffer_finish(&yaml);
    buffer_finish(&content);
    arena_finish(&arena);
}

static uint64_t moment(const char *rfc3339)
{
    int64_t ms;

    assert_int_equal(moment_ms_from_rfc3339(rfc3339, strlen(rfc3339), &ms, NULL), 0);
    return (uint64_t)ms;
}

static struct ops_context context_at(struct view_world *world, const char *now)
{
    return (struct ops_context){.store = world->reader,
                                .view = world->view,
                                .feed = world->own.head.feed,
                                .now_ms = moment(now),
                                .first_try = true,
                                .last_try = true};
}

/* The reply, for the caller to free; NULL with an error. */
static void *run(struct ops_context *context, const char *name, const ProtobufCMessage *request,
                 struct error *error)
{
    const struct ops_operation *operation = ops_find(name);
    struct buffer bytes = {0};
    void *reply = NULL;

    if (ops_run(operation, context, request, &bytes, error) == ERROR_NONE)
        reply = protobuf_c_message_unpack(operation->reply, NULL, bytes.size, bytes.data);
    buffer_finish(&bytes);
    return reply;
}

/* "title/answer" of each item, one after the other. */
static void describe(Caravan__Item *const *items, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        Caravan__Announcement *announcement =
            caravan__announcement__unpack(NULL, items[i]->content.len, items[i]->content.data);

        assert_non_null(announcement);
        buffer_printf(out, "%s%s", out->size ? " " : "", announcement->title[0]->text);
        if (items[i]->eligible)
            buffer_printf(out, "/%s", items[i]->eligible->answer);
        caravan__announcement__free_unpacked(announcement, NULL);
    }
}

static void assert_list(struct view_world *world, const char *now, Caravan__Filter *filter,
                        const char *expected)
{
    struct ops_context context = context_at(world, now);
    Caravan__ListRequest request = CARAVAN__LIST_REQUEST__INIT;
    Caravan__ListReply *reply;
    struct buffer found = {0};

    request.filter = filter;
    reply = run(&context, "list", &request.base, NULL);
    assert_non_null(reply);
    describe(reply->items, reply->n_items, &found);
    assert_string_equal(buffer_text(&found), expected);
    buffer_finish(&found);
    caravan__list_reply__free_unpacked(reply, NULL);
}

static void set_own_types(struct view_world *world)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__OrganisationType types[] = {CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_INSTITUTE,
                                         CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_FUNDER};
    struct buffer bytes = {0};

    profile.handle = "cn-own";
    profile.country = "CN";
    profile.n_organisation_type = 2;
    profile.organisation_type = types;
    assert_true(codec_pack(&profile.base, &bytes));
    announcements_keep(&world->writer, &world->own, TYPE(PROFILE), buffer_span(&bytes));
    buffer_finish(&bytes);
}

/* ---- the moment ------------------------------------------------------------------------------ */

#define BANGKOK "deadline: 2027-03-31 16:00 Asia/Bangkok\n"

static void test_ops_filter__uses_the_clock_of_the_node(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    publish(world, "Call", BANGKOK);
    filter.has_open = filter.open = 1;
    assert_list(world, "2027-03-31T08:59:59Z", &filter, "Call");
    assert_list(world, "2027-03-31T09:00:00Z", &filter, "");
    filter.has_closing_within_ms = 1;
    filter.closing_within_ms = 14 * DAY_MS;
    assert_list(world, "2027-03-17T09:00:00Z", &filter, "Call");
    assert_list(world, "2027-03-17T08:59:59Z", &filter, "");
}

static void test_ops_filter__uses_the_moment_that_is_asked_for(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    publish(world, "Call", BANGKOK);
    filter.has_open = filter.open = filter.has_at_ms = 1;
    filter.at_ms = moment("2027-03-31T08:59:59Z");
    assert_list(world, "2099-01-01T00:00:00Z", &filter, "Call");
    filter.at_ms = moment("2027-03-17T09:00:00Z");
    filter.has_closing_within_ms = filter.has_entered_since_ms = 1;
    filter.closing_within_ms = 14 * DAY_MS;
    filter.entered_since_ms = filter.at_ms - 1;
    assert_list(world, "2099-01-01T00:00:00Z", &filter, "Call");
    filter.entered_since_ms = filter.at_ms;
    assert_list(world, "2099-01-01T00:00:00Z", &filter, "");
}

static void test_ops_filter__says_when_it_closes(void **state)
{
    struct view_world *world = *state;
    struct ops_context context = context_at(world, "2027-01-01T00:00:00Z");
    Caravan__ListRequest request = CARAVAN__LIST_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    Caravan__ListReply *reply;

    publish(world, "Call", BANGKOK);
    publish(world, "Without", "valid until: 2027-12-31\n");
    request.filter = &filter;
    filter.has_open = filter.open = 1;
    reply = run(&context, "list", &request.base, NULL);
    assert_int_equal(reply->n_items, 2);
    assert_false(reply->items[0]->has_closes_ms);
    assert_true(reply->items[1]->closes_ms == moment("2027-03-31T09:00:00Z"));
    assert_null(reply->items[1]->eligible); /* nobody asked */
    caravan__list_reply__free_unpacked(reply, NULL);
}

/* ---- the institution ------------------------------------------------------------------------- */

#define COMPANIES "eligibility: {who: organisation, countries: CN, org types: company}\n"
#define FUNDERS "eligibility: {who: organisation, countries: CN, org types: funder}\n"

static void test_ops_filter__asks_for_the_own_institution(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    publish(world, "Companies", COMPANIES);
    publish(world, "Funders", FUNDERS);
    publish(world, "Nothing", "");
    filter.has_for_us = filter.for_us = 1;
    assert_list(world, "2027-01-01T00:00:00Z", &filter,
                "Nothing/unknown Funders/unknown Companies/unknown");
    set_own_types(world);
    assert_list(world, "2027-01-01T00:00:00Z", &filter, "Nothing/unknown Funders/yes");
    filter.has_ineligible = filter.ineligible = 1;
    assert_list(world, "2027-01-01T00:00:00Z", &filter, "Nothing/unknown Funders/yes Companies/no");
}

static void test_ops_filter__asks_for_another_institution(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    Caravan__OrganisationType type = CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_SME;

    publish(world, "Companies", COMPANIES);
    publish(world, "Funders", FUNDERS);
    filter.for_country = "CN";
    filter.n_for_type = 1;
    filter.for_type = &type;
    assert_list(world, "2027-01-01T00:00:00Z", &filter, "Companies/yes");
    filter.for_country = "LK";
    assert_list(world, "2027-01-01T00:00:00Z", &filter, "");
}

static void assert_refused(struct view_world *world, const char *operation,
                           const ProtobufCMessage *request, enum error_code code, const char *text)
{
    struct ops_context context = context_at(world, "2027-01-01T00:00:00Z");
    struct error error = {0};

    assert_null(run(&context, operation, request, &error));
    assert_int_equal(error.code, code);
    assert_string_equal(error.text, text);
}

static void test_ops_filter__refuses_what_cannot_be_asked(void **state)
{
    struct view_world *world = *state;
    Caravan__ListRequest list = CARAVAN__LIST_REQUEST__INIT;
    Caravan__ChangesRequest changes = CARAVAN__CHANGES_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    struct buffer profile = {0};
    char *handles[] = {"CN-own", "xx-demo"};

    list.filter = changes.filter = &filter;
    filter.for_country = "XX";
    assert_refused(world, "list", &list.base, ERROR_INVALID,
                   "there is no country code \"XX\"; did you mean AX (Åland Islands)?");
    assert_refused(world, "changes", &changes.base, ERROR_INVALID,
                   "there is no country code \"XX\"; did you mean AX (Åland Islands)?");
    filter.for_country = NULL;
    filter.has_for_us = filter.for_us = 1;
    announcements_profile("cn-own", NULL, &profile);
    announcements_keep(&world->writer, &world->own, TYPE(PROFILE), buffer_span(&profile));
    assert_refused(world, "list", &list.base, ERROR_INVALID,
                   "this node's own profile names no country, so that it is not known what the "
                   "institution may apply for; see \"institution\" in node.yaml");
    filter.has_for_us = filter.for_us = 0;
    filter.handle = handles;
    filter.n_handle = 2;
    assert_refused(world, "list", &list.base, ERROR_NOT_FOUND,
                   "no institution is known as \"xx-demo\"; expected a handle like th-nstda, or a "
                   "fingerprint; caravan status lists those that are known");
    buffer_finish(&profile);
}

static void test_ops_filter__changes_say_it_too(void **state)
{
    struct view_world *world = *state;
    struct ops_context context = context_at(world, "2027-01-01T00:00:00Z");
    Caravan__ChangesRequest request = CARAVAN__CHANGES_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    Caravan__ChangesReply *reply;
    struct buffer found = {0};

    set_own_types(world);
    publish(world, "Companies", COMPANIES BANGKOK);
    publish(world, "Funders", FUNDERS BANGKOK);
    publish(world, "Past", FUNDERS "deadline: 2026-12-01\n");
    request.filter = &filter;
    request.has_after = 1;
    filter.has_for_us = filter.for_us = filter.has_open = filter.open = 1;
    reply = run(&context, "changes", &request.base, NULL);
    assert_non_null(reply);
    describe(reply->items, reply->n_items, &found);
    assert_string_equal(buffer_text(&found), "Funders/yes");
    assert_true(reply->items[0]->closes_ms == moment("2027-03-31T09:00:00Z"));
    buffer_finish(&found);
    caravan__changes_reply__free_unpacked(reply, NULL);
}

static void test_ops_filter__show_says_whether_we_may_apply(void **state)
{
    struct view_world *world = *state;
    struct ops_context context = context_at(world, "2027-01-01T00:00:00Z");
    Caravan__ShowRequest request = CARAVAN__SHOW_REQUEST__INIT;
    Caravan__ShowReply *reply;

    set_own_types(world);
    publish(world, "Companies", COMPANIES);
    request.name = "th-partner/3";
    reply = run(&context, "show", &request.base, NULL);
    assert_non_null(reply);
    assert_string_equal(reply->item->eligible->answer, "no");
    assert_string_equal(reply->item->eligible->why,
                        "eligibility[1].org types: company; not institute, funder");
    assert_null(reply->history[0]->eligible);
    caravan__show_reply__free_unpacked(reply, NULL);
    request.name = "th-partner/2"; /* a profile: nothing to apply for */
    reply = run(&context, "show", &request.base, NULL);
    assert_non_null(reply);
    assert_null(reply->item->eligible);
    caravan__show_reply__free_unpacked(reply, NULL);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_ops_filter__##name, view_world_setup, view_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(uses_the_clock_of_the_node),   TEST(uses_the_moment_that_is_asked_for),
        TEST(says_when_it_closes),          TEST(asks_for_the_own_institution),
        TEST(asks_for_another_institution), TEST(refuses_what_cannot_be_asked),
        TEST(changes_say_it_too),           TEST(show_says_whether_we_may_apply),
    };
    return cmocka_run_group_tests_name("ops_filter", tests, NULL, NULL);
}
