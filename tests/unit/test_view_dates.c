/* Lists and changes by dates and by who may apply, over one ledger; and the packed dates. */
#include "node/core/view_dates.h"

#include "common/arena.h"
#include "common/codec.h"
#include "node/core/view_index.h"
#include "tests/support/view_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define DAY_MS (UINT64_C(86400) * 1000)

/* ---- packed ---------------------------------------------------------------------------------- */

static void assert_same(struct announcement_window window)
{
    struct view_dates dates = view_dates_pack(&window);
    struct announcement_window again = view_dates_unpack(&dates);

    assert_true(again.opens_ms == window.opens_ms);
    assert_true(again.ends_ms == window.ends_ms);
    assert_int_equal(again.has_deadline, window.has_deadline);
}

/* Every day from the year 1 to 9999 on which something may open, and ends beside it, to the
 * second. */
static void test_view_dates__are_exact_for_all_years(void **state)
{
    const struct moment_date first = {1, 1, 1}, last = {9999, 12, 31};
    uint64_t random = 1;

    (void)state;
    for (int64_t day = moment_date_to_days(&first); day <= moment_date_to_days(&last); day++) {
        struct moment_date date = moment_date_from_days(day);
        int64_t opens = moment_date_start_ms(&date);

        random = random * 6364136223846793005u + 1442695040888963407u;
        assert_same((struct announcement_window){
            opens, moment_date_end_ms(&date) - (int64_t)(random >> 40) % 200000 * 1000, day & 1});
    }
    assert_same((struct announcement_window){INT64_MIN, INT64_MAX, false});
    assert_same((struct announcement_window){INT64_MIN, INT64_MIN, false});
    assert_same((struct announcement_window){moment_date_start_ms(&last), INT64_MIN, true});
    assert_same((struct announcement_window){INT64_MIN, 0, true});
}

static void test_view_dates__zeroed_is_open_at_no_time(void **state)
{
    const struct view_dates zeroed = {0, 0};
    struct announcement_window window = view_dates_unpack(&zeroed);

    (void)state;
    assert_true(window.ends_ms == INT64_MIN);
    assert_int_equal(sizeof(struct view_record), 20);
}

/* ---- a ledger -------------------------------------------------------------------------------- */

#define NOW "2027-03-01T00:00:00Z"

static void write_yaml(const char *title, const char *lines, struct buffer *out)
{
    struct problem_list problems = {0};
    ProtobufCMessage *message = NULL;
    struct buffer yaml = {0};
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    assert_true(buffer_printf(&yaml,
                              "kind: joint call\nlanguage: en\ntitle: %s\nvalid until: 2027-12-31\n"
                              "parties: {name: A, country: TH}\nfunding type: call\n%s",
                              title, lines));
    if (codec_read_yaml(&caravan__announcement__descriptor, buffer_span(&yaml), &arena, NULL,
                        &message, &problems)) {
        struct buffer text = {0};

        problem_list_print(&problems, "test", &text);
        fail_msg("%s", buffer_text(&text));
    }
    assert_true(codec_pack(message, out));
    problem_list_finish(&problems);
    buffer_finish(&yaml);
    arena_finish(&arena);
}

static uint64_t publish(struct view_world *world, const char *title, const char *lines)
{
    struct buffer content = {0};
    uint64_t seq;

    write_yaml(title, lines, &content);
    seq =
        announcements_keep(&world->writer, &world->own, TYPE(ANNOUNCEMENT), buffer_span(&content));
    buffer_finish(&content);
    return seq;
}

static uint64_t revise(struct view_world *world, uint64_t seq, const char *title, const char *lines)
{
    struct buffer content = {0}, revision = {0};
    uint64_t by;

    write_yaml(title, lines, &content);
    announcements_revision(seq, buffer_span(&content), &revision);
    by = announcements_keep(&world->writer, &world->own, TYPE(REVISION), buffer_span(&revision));
    buffer_finish(&content);
    buffer_finish(&revision);
    return by;
}

static uint64_t moment(const char *rfc3339)
{
    int64_t ms;

    assert_int_equal(moment_ms_from_rfc3339(rfc3339, strlen(rfc3339), &ms, NULL), 0);
    return (uint64_t)ms;
}

static Caravan__Filter open_at(const char *when)
{
    Caravan__Filter filter = CARAVAN__FILTER__INIT;

    filter.has_open = filter.open = 1;
    filter.has_at_ms = 1;
    filter.at_ms = moment(when);
    return filter;
}

static Caravan__Filter closing_at(const char *when, uint64_t days)
{
    Caravan__Filter filter = open_at(when);

    filter.has_closing_within_ms = 1;
    filter.closing_within_ms = days * DAY_MS;
    return filter;
}

static void test_view_dates__lists_what_is_open_and_near(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter open = open_at(NOW), near = closing_at(NOW, 14);

    publish(world, "Past", "deadline: 2027-02-28 23:00 UTC\n");
    publish(world, "Near", "deadline: 2027-03-10 16:00 Asia/Bangkok\n");
    publish(world, "Far", "deadline: 2027-04-30\n");
    publish(world, "Later", "opens: 2027-03-05\ndeadline: 2027-03-12\n");
    publish(world, "Always", "rolling: true\n");
    publish(world, "Planned", "status: planned\ndeadline: 2027-03-10\n");
    view_world_list(world, &open, "cn-own/7 by 7 Always\ncn-own/5 by 5 Far\ncn-own/4 by 4 Near\n");
    view_world_list(world, &near, "cn-own/4 by 4 Near\n");
    near = closing_at("2027-03-10T08:59:59Z", 1);
    view_world_list(world, &near, "cn-own/4 by 4 Near\n");
    near = closing_at("2027-03-10T09:00:00Z", 4);
    view_world_list(world, &near, "cn-own/6 by 6 Later\n");
}

/* The newest revision's dates count; what was withdrawn is open at no time, whatever is asked. */
static void test_view_dates__lists_by_what_is_in_force(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter open = open_at(NOW);
    uint64_t moved = publish(world, "Moved", "deadline: 2027-02-10\n");
    uint64_t ended = publish(world, "Ended", "deadline: 2027-06-10\n");

    publish(world, "Kept", "deadline: 2027-06-10\n");
    view_world_list(world, &open, "cn-own/5 by 5 Kept\ncn-own/4 by 4 Ended\n");
    revise(world, moved, "Moved on", "deadline: 2027-05-10\n");
    revise(world, ended, "Ended early", "deadline: 2027-02-20\n");
    view_world_list(world, &open, "cn-own/5 by 5 Kept\ncn-own/3 by 6 Moved on\n");
    announcements_withdraw(&world->writer, &world->own, 5, "no money");
    view_world_list(world, &open, "cn-own/3 by 6 Moved on\n");
    open.has_withdrawn = open.withdrawn = 1;
    view_world_list(world, &open, "cn-own/3 by 6 Moved on\n");
}

/* A revision that cannot be shown is in force all the same, and is open at no time. */
static void test_view_dates__an_unreadable_revision_is_not_open(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter open = open_at(NOW);
    struct buffer revision = {0};
    uint64_t seq = publish(world, "Good", "deadline: 2027-06-10\n");

    announcements_revision(seq, span_of_text("\xff\xff"), &revision);
    announcements_keep(&world->writer, &world->own, TYPE(REVISION), buffer_span(&revision));
    announcements_keep_as(&world->writer, &world->own, TYPE(ANNOUNCEMENT), span_of_text("x"), 99,
                          true);
    view_world_list(world, &open, "");
    buffer_finish(&revision);
}

static void test_view_dates__lists_who_may_apply(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    Caravan__OrganisationType type = CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_COMPANY;
    uint64_t seq =
        publish(world, "Companies",
                "eligibility: {who: organisation, countries: [TH, LK], org types: company}\n");

    publish(world, "Universities",
            "eligibility: {who: organisation, countries: [TH, LK], org types: university}\n");
    publish(world, "Says nothing", "");
    filter.for_country = "LK";
    filter.n_for_type = 1;
    filter.for_type = &type;
    view_world_list(world, &filter, "cn-own/5 by 5 Says nothing\ncn-own/3 by 3 Companies\n");
    filter.has_ineligible = filter.ineligible = 1;
    view_world_list(world, &filter,
                    "cn-own/5 by 5 Says nothing\ncn-own/4 by 4 Universities\ncn-own/3 by 3 "
                    "Companies\n");
    filter.ineligible = 0;
    revise(world, seq, "Universities, too",
           "eligibility: {who: organisation, countries: [TH, LK], org types: university}\n");
    view_world_list(world, &filter, "cn-own/5 by 5 Says nothing\n");
    view_world_changes(world, &filter, 4, /* whoever saw it is told */
                       "cn-own/3 by 3 Companies\ncn-own/5 by 5 Says nothing\n"
                       "cn-own/3 by 6 Universities, too\n");
}

static void test_view_dates__knows_its_own_institution(void **state)
{
    struct view_world *world = *state;
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__OrganisationType types[] = {CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_PARK};
    struct eligible_institution own;
    struct buffer bytes = {0};

    view_own_institution(world->view, &own);
    assert_string_equal(own.country, ""); /* nothing was read yet */
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    view_own_institution(world->view, &own);
    assert_string_equal(own.country, "CN");
    assert_int_equal(own.types, 0);
    profile.handle = "cn-own";
    profile.country = "LK";
    profile.n_organisation_type = 1;
    profile.organisation_type = types;
    assert_true(codec_pack(&profile.base, &bytes));
    announcements_keep(&world->writer, &world->own, TYPE(PROFILE), buffer_span(&bytes));
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    view_own_institution(world->view, &own);
    assert_string_equal(own.country, "LK");
    assert_int_equal(own.types, ELIGIBLE_TYPE(types[0]));
    buffer_finish(&bytes);
}

/* ---- changes --------------------------------------------------------------------------------- */

static void test_view_dates__tells_followers_what_is_open_when_it_comes(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter near = closing_at(NOW, 14);

    publish(world, "Past", "deadline: 2027-02-10\n");
    publish(world, "Near", "deadline: 2027-03-10\n");
    publish(world, "Far", "deadline: 2027-06-10\n");
    view_world_changes(world, &near, 4, "cn-own/4 by 4 Near\n");
}

/* What was open when it came was seen; so its changes are told, also after it has closed. What was
 * never open is not. */
static void test_view_dates__tells_followers_of_changes_of_what_has_closed(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter open;
    char received[MOMENT_RFC3339_SIZE], lines[128];
    uint64_t seen, past;

    /* entries of this world came at INSTITUTION_START_MS */
    moment_ms_to_rfc3339((int64_t)(INSTITUTION_START_MS + 30 * DAY_MS), received);
    snprintf(lines, sizeof lines, "deadline: %.10s\n", received);
    seen = publish(world, "Seen", lines);
    past = publish(world, "Past", "deadline: 2001-01-01\n");
    announcements_withdraw(&world->writer, &world->own, seen, "over");
    announcements_withdraw(&world->writer, &world->own, past, "over");
    moment_ms_to_rfc3339((int64_t)(INSTITUTION_START_MS + 90 * DAY_MS), received);
    open = open_at(received);
    view_world_changes(world, &open, 4, "cn-own/3 by 5 withdrawn(over) Seen\n");
    open.closing_within_ms = 7 * DAY_MS;
    open.has_closing_within_ms = 1;
    view_world_changes(world, &open, 4, "cn-own/3 by 5 withdrawn(over) Seen\n");
}

static void test_view_dates__tells_followers_of_a_moved_deadline(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter open = open_at(NOW);
    uint64_t seq = publish(world, "Past", "deadline: 2001-02-10\n");

    revise(world, seq, "Longer", "deadline: 2027-06-10\n");
    view_world_changes(world, &open, 4, "cn-own/3 by 4 Longer\n");
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Each has a deadline of its own, 10 minutes after the one before. */
static void test_view_dates__thousands_have_dates_of_their_own(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    Caravan__Filter near = closing_at("2027-03-01T00:00:00Z", 1);
    const unsigned count = VIEW_CHUNK + 500;
    uint64_t total, start = moment("2027-02-20T00:00:00Z");

    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < count; i++) {
        struct moment_civil civil;
        char lines[64];

        moment_ms_to_civil((int64_t)(start + i * UINT64_C(600000)), 0, &civil);
        snprintf(lines, sizeof lines, "deadline: %04u-%02u-%02u %02u:%02u UTC\n",
                 (unsigned)civil.date.year, (unsigned)civil.date.month, (unsigned)civil.date.day,
                 (unsigned)civil.hour, (unsigned)civil.minute);
        publish(world, "Many", lines);
    }
    revise(world, 3, "To the next day", "deadline: 2027-03-01 12:00 UTC\n");
    announcements_withdraw(store, &world->own, 3 + 9 * 144 + 1, "the first that is near");
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    /* 144 end within the day, the last of them at its very end; one came, one went */
    assert_int_equal(view_world_count(world, &near, &total), 144);
    assert_int_equal(total, 144);
    near = open_at("2027-03-01T00:00:00Z");
    assert_int_equal(view_world_count(world, &near, &total), count - 9 * 144 - 1);
}

/* Where the facets find no room, dates stand with the record all the same, and rules are read from
 * the ledger. */
static void test_view_dates__reads_rules_from_the_ledger_where_there_is_no_room(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    Caravan__Filter filter = open_at(NOW);
    static char field[8000], lines[9000];
    uint64_t total;

    memset(field, 'x', sizeof field - 1); /* a code so long that few blocks have room */
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (int i = 0; i < 3500; i++) {
        snprintf(lines, sizeof lines,
                 "deadline: %s\neligibility: {who: organisation, countries: %s}\n"
                 "fields of science: {code: \"%06d%s\"}\n",
                 i % 10 ? "2027-02-10" : "2027-06-10", i % 100 ? "CN" : "[CN, LK]", i, field);
        publish(world, "Odd", lines);
    }
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    filter.for_country = "LK";
    assert_int_equal(view_world_count(world, &filter, &total), 35);
}

/* ---- when memory runs out -------------------------------------------------------------------- */

static void test_view_dates__goes_on_after_memory_ran_out(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter filter = open_at(NOW);

    publish(world, "Open",
            "deadline: 2027-06-10\neligibility: {who: organisation, countries: LK}\n");
    publish(world, "Closed", "deadline: 2027-02-10\n");
    filter.for_country = "LK";
    view_world_run_short(world, &filter, 1);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_view_dates__##name, view_world_setup, view_world_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_dates__are_exact_for_all_years),
        cmocka_unit_test(test_view_dates__zeroed_is_open_at_no_time),
        TEST(lists_what_is_open_and_near),
        TEST(lists_by_what_is_in_force),
        TEST(an_unreadable_revision_is_not_open),
        TEST(lists_who_may_apply),
        TEST(knows_its_own_institution),
        TEST(tells_followers_what_is_open_when_it_comes),
        TEST(tells_followers_of_changes_of_what_has_closed),
        TEST(tells_followers_of_a_moved_deadline),
        TEST(thousands_have_dates_of_their_own),
        TEST(reads_rules_from_the_ledger_where_there_is_no_room),
        TEST(goes_on_after_memory_ran_out),
    };
    return cmocka_run_group_tests_name("view_dates", tests, NULL, NULL);
}
