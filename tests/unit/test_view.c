/* What announcements, revisions and withdrawals say together. */
#include "node/core/view.h"

#include "tests/support/fault.h"
#include "tests/support/view_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define CALL CARAVAN__KIND__KIND_JOINT_CALL
#define VISIT CARAVAN__KIND__KIND_VISIT

/* --- folding ---------------------------------------------------------------------------------- */

static void test_view__shows_the_newest_revision(void **state)
{
    struct view_world *world = *state;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "First", "CN", NULL);

    view_world_list(world, NULL, "cn-own/3 by 3 First\n");
    announcements_revise(&world->writer, &world->own, seq, CALL, "Second", "CN");
    announcements_publish(&world->writer, &world->own, CALL, "Other", "CN", NULL);
    announcements_revise(&world->writer, &world->own, seq, CALL, "Third", "CN");
    view_world_list(world, NULL, "cn-own/5 by 5 Other\ncn-own/3 by 6 Third\n");
    view_world_history(world, seq,
                       "cn-own/3 by 3 First\ncn-own/3 by 4 Second\ncn-own/3 by 6 Third\n");
}

/* A page of the history goes on behind the last step of the page before. */
static void test_view__goes_on_behind_a_step(void **state)
{
    struct view_world *world = *state;
    const struct id *feed = &world->own.head.feed;
    struct buffer lines = {0};
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "First", "CN", NULL);

    announcements_revise(&world->writer, &world->own, seq, CALL, "Second", "CN");
    announcements_publish(&world->writer, &world->own, CALL, "Other", "CN", NULL);
    announcements_withdraw(&world->writer, &world->own, seq, "over");
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    for (uint64_t after = seq; after <= seq + 3; after++) {
        assert_true(buffer_printf(&lines, "behind %d\n", (int)after));
        assert_int_equal(
            view_history_after(world->view, feed, seq, after, view_world_line, &lines, NULL),
            ERROR_NONE);
    }
    view_world_lines(&lines, "behind 3\ncn-own/3 by 4 Second\n"
                             "cn-own/3 by 6 withdrawn(over) Second\n"
                             "behind 4\ncn-own/3 by 6 withdrawn(over) Second\n"
                             "behind 5\ncn-own/3 by 6 withdrawn(over) Second\n"
                             "behind 6\n");
}

static void test_view__shows_by_a_change_what_it_changes(void **state)
{
    struct view_world *world = *state;
    struct buffer lines = {0};
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "First", "CN", NULL);
    uint64_t change = announcements_revise(&world->writer, &world->own, seq, CALL, "Second", "CN");

    announcements_withdraw(&world->writer, &world->own, seq, "over");
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    for (uint64_t by = seq; by <= change + 1; by++)
        assert_int_equal(
            view_show(world->view, &world->own.head.feed, by, view_world_line, &lines, NULL),
            ERROR_NONE);
    view_world_lines(&lines, "cn-own/3 by 4 withdrawn(over) Second\n"
                             "cn-own/3 by 4 withdrawn(over) Second\n"
                             "cn-own/3 by 4 withdrawn(over) Second\n");
    view_world_history(world, change,
                       "cn-own/3 by 3 First\ncn-own/3 by 4 Second\n"
                       "cn-own/3 by 5 withdrawn(over) Second\n");
}

static void test_view__hides_the_withdrawn_and_says_why(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter all = CARAVAN__FILTER__INIT;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);

    announcements_withdraw(&world->writer, &world->own, seq, "no money");
    announcements_revise(&world->writer, &world->own, seq, CALL, "Too late", "CN");
    all.withdrawn = 1;
    view_world_list(world, NULL, "");
    view_world_list(world, &all, "cn-own/3 by 5 withdrawn(no money) Too late\n");
    view_world_history(world, seq,
                       "cn-own/3 by 3 Call\ncn-own/3 by 4 withdrawn(no money) Too late\n"
                       "cn-own/3 by 5 Too late\n");
}

static void test_view__takes_changes_only_from_the_same_feed(void **state)
{
    struct view_world *world = *state;
    Caravan__Filter other = CARAVAN__FILTER__INIT;

    announcements_publish(&world->writer, &world->own, CALL, "Ours", "CN", NULL);
    announcements_revise(&world->writer, &world->partner, 3, CALL, "Theirs", "TH");
    announcements_withdraw(&world->writer, &world->partner, 3, "not yours");
    view_world_list(world, NULL, "cn-own/3 by 3 Ours\n");
    other.other = 1;
    view_world_list(
        world, &other,
        "th-partner/4 by 4 cannot be shown: announcement: names no announcement of this "
        "feed\n"
        "th-partner/3 by 3 cannot be shown: announcement: names no announcement of this "
        "feed\n"
        "cn-own/3 by 3 Ours\n"
        "th-partner/2 by 2 type 2\nth-partner/1 by 1 type 1\n"
        "cn-own/2 by 2 type 2\ncn-own/1 by 1 type 1\n");
}

static void test_view__takes_changes_only_of_announcements(void **state)
{
    struct view_world *world = *state;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);
    uint64_t revision =
        announcements_revise(&world->writer, &world->own, seq, CALL, "Revised", "CN");

    announcements_revise(&world->writer, &world->own, 2, CALL, "Of a profile", "CN");
    announcements_withdraw(&world->writer, &world->own, revision, "of a revision");
    announcements_revise(&world->writer, &world->own, revision, CALL, "Of a revision", "CN");
    announcements_revise(&world->writer, &world->own, 9, CALL, "Of what comes later", "CN");
    announcements_publish(&world->writer, &world->own, CALL, "Ninth", "CN", NULL);
    view_world_list(world, NULL, "cn-own/9 by 9 Ninth\ncn-own/3 by 4 Revised\n");
    view_world_history(world, seq, "cn-own/3 by 3 Call\ncn-own/3 by 4 Revised\n");
}

/* --- what cannot be shown --------------------------------------------------------------------- */

static void test_view__shows_the_odd_as_such_and_goes_on(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    struct institution *partner = &world->partner;
    struct buffer good = {0}, bad = {0};

    announcements_write(CALL, "Good", "TH", NULL, &good);
    announcements_write((Caravan__Kind)77, "Kind", "TH", NULL, &bad);
    announcements_keep(store, partner, TYPE(ANNOUNCEMENT), span_of_text("\xff\xff\xff"));
    announcements_keep(store, partner, TYPE(ANNOUNCEMENT), span_of(NULL, 0));
    announcements_keep(store, partner, TYPE(ANNOUNCEMENT), buffer_span(&bad));
    announcements_keep_as(store, partner, TYPE(ANNOUNCEMENT), buffer_span(&good), 2, true);
    announcements_keep_as(store, partner, TYPE(ANNOUNCEMENT), buffer_span(&good), 1, false);
    announcements_keep(store, partner, 99, span_of_text("from the future"));
    announcements_keep(store, partner, TYPE(ANNOUNCEMENT), buffer_span(&good));
    buffer_finish(&good);
    buffer_finish(&bad);

    struct buffer lines = {0};
    uint64_t next, total;
    static const struct {
        const char *start, *part;
    } expected[] = {
        {"th-partner/9 by 9 Good", ""},
        {"th-partner/8 by 8 cannot be shown", "content type 99"},
        {"th-partner/7 by 7 cannot be shown", "missing"},
        {"th-partner/6 by 6 cannot be shown", "version 2"},
        {"th-partner/5 by 5 cannot be shown", "kind"},
        {"th-partner/4 by 4 cannot be shown", ": "},
        {"th-partner/3 by 3 cannot be shown", "byte"},
    };
    char *line, *rest;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, NULL, 0, 100, view_world_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(total, 7);
    buffer_text(&lines);
    rest = (char *)lines.data;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        line = strsep(&rest, "\n");
        if (!line || strncmp(line, expected[i].start, strlen(expected[i].start)) != 0 ||
            !strstr(line, expected[i].part))
            fail_msg("found \"%s\", expected \"%s … %s\"", line, expected[i].start,
                     expected[i].part);
    }
    buffer_finish(&lines);
}

static void test_view__does_not_fall_back_to_an_older_revision(void **state)
{
    struct view_world *world = *state;
    struct buffer bytes = {0};

    announcements_publish(&world->writer, &world->own, CALL, "Readable", "CN", NULL);
    announcements_revision(3, span_of_text("\xff"), &bytes);
    announcements_keep(&world->writer, &world->own, TYPE(REVISION), buffer_span(&bytes));
    buffer_finish(&bytes);

    struct buffer lines = {0};

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_show(world->view, &world->own.head.feed, 3, view_world_line, &lines, NULL),
        ERROR_NONE);
    assert_memory_equal(buffer_text(&lines), "cn-own/3 by 4 cannot be shown: ", 31);
    buffer_finish(&lines);
}

static void test_view__takes_late_contents(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    struct buffer content = {0};
    uint8_t salt[LIMIT_SALT_SIZE];
    uint64_t after;

    announcements_write(CALL, "Late", "CN", NULL, &content);
    announcements_keep_as(store, &world->own, TYPE(ANNOUNCEMENT), buffer_span(&content), 1, false);
    announcements_publish(store, &world->own, CALL, "Punctual", "CN", NULL);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    after = view_last_arrival(world->view);
    memset(salt, 3, sizeof salt);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    assert_int_equal(store->operations->put_content(store->self, &world->own.head.feed, 3,
                                                    span_of(salt, sizeof salt),
                                                    buffer_span(&content), 1, NULL),
                     ERROR_NONE);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    view_world_changes(world, NULL, after, "cn-own/3 by 3 Late\n");
    view_world_changes(world, NULL, 0, "cn-own/4 by 4 Punctual\ncn-own/3 by 3 Late\n");
    view_world_list(world, NULL, "cn-own/3 by 3 Late\ncn-own/4 by 4 Punctual\n");
    buffer_finish(&content);
}

/* A revision that arrives before its announcement's late content, read anew from the ledger. */
static void test_view__does_not_depend_on_the_order_of_arrival(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    struct buffer content = {0};
    uint8_t salt[LIMIT_SALT_SIZE];

    announcements_write(CALL, "Late", "CN", NULL, &content);
    announcements_keep_as(store, &world->own, TYPE(ANNOUNCEMENT), buffer_span(&content), 1, false);
    announcements_revise(store, &world->own, 3, CALL, "Revised", "CN");
    announcements_withdraw(store, &world->own, 3, "over");
    memset(salt, 3, sizeof salt);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    assert_int_equal(store->operations->put_content(store->self, &world->own.head.feed, 3,
                                                    span_of(salt, sizeof salt),
                                                    buffer_span(&content), 1, NULL),
                     ERROR_NONE);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    view_world_list(world, NULL, "");
    view_world_history(world, 3,
                       "cn-own/3 by 3 Late\ncn-own/3 by 4 Revised\n"
                       "cn-own/3 by 5 withdrawn(over) Revised\n");
    buffer_finish(&content);
}

/* --- names ------------------------------------------------------------------------------------ */

static void test_view__resolves_names(void **state)
{
    struct view_world *world = *state;
    const struct id *feed = &world->partner.head.feed;
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], hex[65];
    struct id found;
    uint64_t seq;
    struct error error;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_resolve(world->view, "TH-Partner", &found, NULL), ERROR_NONE);
    assert_true(id_equal(&found, feed));
    identity_fingerprint(feed, fingerprint);
    assert_int_equal(view_resolve(world->view, fingerprint, &found, NULL), ERROR_NONE);
    assert_true(id_equal(&found, feed));
    bytes_to_hex(feed->bytes, sizeof feed->bytes, hex);
    assert_int_equal(view_resolve(world->view, hex, &found, NULL), ERROR_NONE);
    hex[8] = '\0';
    assert_int_equal(view_resolve_name(world->view, hex, &found, &seq, &error), ERROR_INVALID);
    memcpy(hex + 8, "/42", 4);
    assert_int_equal(view_resolve_name(world->view, hex, &found, &seq, NULL), ERROR_NONE);
    assert_true(id_equal(&found, feed));
    assert_int_equal(seq, 42);
    memmove(hex + 7, "/42", 4); /* seven digits are too few */
    assert_int_equal(view_resolve_name(world->view, hex, &found, &seq, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "expected a handle like th-nstda, or a fingerprint"));
    assert_int_equal(view_resolve(world->view, "lk-nobody", &found, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "lk-nobody"));
    static const char *const wrong[] = {"th-partner",
                                        "th-partner/",
                                        "th-partner/0",
                                        "/3",
                                        "th-partner/3x",
                                        "th-partner/-3",
                                        "th-partner/12345678901234567890"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(view_resolve_name(world->view, wrong[i], &found, &seq, &error),
                         ERROR_INVALID);
}

static void test_view__names_both_when_a_handle_is_taken_twice(void **state)
{
    struct view_world *world = *state;
    struct buffer profile = {0};
    char first[IDENTITY_FINGERPRINT_SIZE], second[IDENTITY_FINGERPRINT_SIZE];
    struct id found;
    struct error error;

    announcements_profile("th-partner", "TH", &profile);
    announcements_keep(&world->writer, &world->own, TYPE(PROFILE), buffer_span(&profile));
    buffer_finish(&profile);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_string_equal(view_handle(world->view, &world->own.head.feed), "th-partner");
    assert_int_equal(view_resolve(world->view, "th-partner", &found, &error), ERROR_EXISTS);
    identity_fingerprint(&world->own.head.feed, first);
    identity_fingerprint(&world->partner.head.feed, second);
    assert_non_null(strstr(error.text, first));
    assert_non_null(strstr(error.text, second));
    assert_int_equal(view_resolve(world->view, "cn-own", &found, &error), ERROR_NOT_FOUND);
}

static void test_view__keeps_the_handle_when_a_profile_breaks_the_rules(void **state)
{
    struct view_world *world = *state;
    struct buffer profile = {0};

    announcements_profile("../../etc", "TH", &profile);
    announcements_keep(&world->writer, &world->partner, TYPE(PROFILE), buffer_span(&profile));
    buffer_finish(&profile);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_string_equal(view_handle(world->view, &world->partner.head.feed), "th-partner");
}

/* --- the writer's own ------------------------------------------------------------------------- */

static void assert_refused(struct view *view, const struct id *feed, uint64_t seq,
                           enum error_code code, const char *part)
{
    struct error error = {0};

    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, seq, false, &error), code);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void test_view__says_what_may_be_changed(void **state)
{
    struct view_world *world = *state;
    const struct id *feed = &world->own.head.feed;
    struct view *view;

    assert_int_equal(view_create(&world->writer, feed, true, &view, NULL), ERROR_NONE);
    announcements_publish(&world->writer, &world->own, VISIT, "A", "CN", NULL);
    announcements_publish(&world->writer, &world->partner, VISIT, "B", "TH", NULL);
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 3, false, NULL), ERROR_NONE);
    assert_refused(view, feed, 4, ERROR_NOT_FOUND, "cn-own/4");
    assert_refused(view, feed, 2, ERROR_INVALID, "no announcement");
    assert_refused(view, &world->partner.head.feed, 3, ERROR_NOT_FOUND, "0 entries");
    announcements_revise(&world->writer, &world->own, 3, VISIT, "A2", "CN");
    assert_refused(view, feed, 4, ERROR_INVALID, "cn-own/3");
    announcements_withdraw(&world->writer, &world->own, 3, NULL);
    assert_refused(view, feed, 3, ERROR_INVALID, "withdrawn by No. 5");
    view_destroy(view);
}

/* The writer's view reads what is not committed yet; a rollback must not leave it behind. */
static void test_view__forgets_what_was_rolled_back(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    const struct id *feed = &world->own.head.feed;
    struct entry_head head;
    struct view *view;

    assert_int_equal(view_create(store, feed, true, &view, NULL), ERROR_NONE);
    announcements_publish(store, &world->own, VISIT, "A", "CN", NULL);
    head = world->own.head;
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    announcements_withdraw(store, &world->own, 3, NULL);
    assert_refused(view, feed, 3, ERROR_INVALID, "withdrawn");
    store->operations->rollback(store->self);
    view_reset(view);
    world->own.head = head;
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 3, false, NULL), ERROR_NONE);
    /* another entry stands at the same number now */
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    announcements_withdraw(store, &world->own, 3, NULL);
    assert_refused(view, feed, 3, ERROR_INVALID, "withdrawn");
    store->operations->rollback(store->self);
    view_reset(view);
    world->own.head = head;
    announcements_publish(store, &world->own, VISIT, "B", "CN", NULL);
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 3, false, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 4, false, NULL), ERROR_NONE);
    view_destroy(view);
}

static void test_view__forgets_what_was_quarantined(void **state)
{
    struct view_world *world = *state;
    const struct store *store = &world->writer;
    const struct id *feed = &world->own.head.feed;
    struct buffer lines = {0};
    struct error error = {0};
    struct entry_head head;

    announcements_publish(store, &world->own, VISIT, "A", "CN", NULL);
    announcements_publish(store, &world->own, VISIT, "B", "CN", NULL);
    head = world->own.head;
    announcements_revise(store, &world->own, 3, VISIT, "by a thief", "CN");
    announcements_withdraw(store, &world->own, 4, "by a thief");
    view_world_list(world, NULL, "cn-own/3 by 5 by a thief\n");
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    assert_int_equal(store->operations->quarantine(store->self, feed, 5, 0, NULL), ERROR_NONE);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    view_world_list(world, NULL, "cn-own/4 by 4 B\ncn-own/3 by 3 A\n");
    /* Whoever asks for it is told; a number that never was is another matter. */
    assert_int_equal(view_show(world->view, feed, 6, view_world_line, &lines, &error),
                     ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "cn-own/6 counts for nothing any more"));
    assert_int_equal(view_show(world->view, feed, 7, view_world_line, &lines, &error),
                     ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "there is no cn-own/7 here; 4 entries"));
    world->own.head = head;
    announcements_publish(store, &world->own, VISIT, "C", "CN", NULL);
    view_world_list(world, NULL, "cn-own/5 by 5 C\ncn-own/4 by 4 B\ncn-own/3 by 3 A\n");
}

/* --- when memory runs out --------------------------------------------------------------------- */

static int count_line(void *context, const struct view_state *state)
{
    assert_string_equal(state->problem, ""); /* lack of memory is no fault of the content */
    ++*(unsigned *)context;
    return 0;
}

/* Reads the ledger anew and lists it; what a caller may see. */
static int read_all(const struct view_world *world, unsigned *lines, struct error *error)
{
    struct view *view = NULL;
    uint64_t next, total;
    int code = view_create(&world->reader, &world->own.head.feed, false, &view, error);

    *lines = 0;
    if (!code)
        code = view_update(view, error);
    if (!code)
        code = view_list(view, NULL, 0, 100, count_line, lines, &next, &total, error);
    if (!code)
        code = view_history(view, &world->own.head.feed, 3, count_line, lines, error);
    view_destroy(view);
    return code;
}

static void test_view__says_when_memory_runs_out(void **state)
{
    struct view_world *world = *state;
    struct error error = {0};
    unsigned lines, failures = 0;
    int code = ERROR_MEMORY;

    announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", "2.1");
    announcements_revise(&world->writer, &world->own, 3, CALL, "Revised", "CN");
    announcements_withdraw(&world->writer, &world->own, 3, "over");
    announcements_publish(&world->writer, &world->own, CALL, "Another", "CN", "2.1");
    for (unsigned long n = 1; code == ERROR_MEMORY; n++) {
        fault_arm(n);
        code = read_all(world, &lines, &error);
        if (fault_disarm()) {
            assert_int_equal(code, ERROR_MEMORY);
            failures++;
        }
    }
    assert_int_equal(code, ERROR_NONE);
    assert_int_equal(lines, 4); /* one is listed, three stand in the history */
    assert_true(failures > 10);
}

/* An update that was cut short goes on where it stopped. */
static void test_view__goes_on_after_memory_ran_out(void **state)
{
    struct view_world *world = *state;

    announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);
    announcements_revise(&world->writer, &world->own, 3, CALL, "Revised", "CN");
    for (unsigned long n = 1; n < 40; n++) {
        fault_arm(n);
        view_update(world->view, NULL);
        fault_disarm();
    }
    view_world_list(world, NULL, "cn-own/3 by 4 Revised\n");
    view_world_history(world, 3, "cn-own/3 by 3 Call\ncn-own/3 by 4 Revised\n");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_view__##name, view_world_setup, view_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(shows_the_newest_revision),
        TEST(goes_on_behind_a_step),
        TEST(shows_by_a_change_what_it_changes),
        TEST(hides_the_withdrawn_and_says_why),
        TEST(takes_changes_only_from_the_same_feed),
        TEST(takes_changes_only_of_announcements),
        TEST(shows_the_odd_as_such_and_goes_on),
        TEST(does_not_fall_back_to_an_older_revision),
        TEST(takes_late_contents),
        TEST(does_not_depend_on_the_order_of_arrival),
        TEST(resolves_names),
        TEST(names_both_when_a_handle_is_taken_twice),
        TEST(keeps_the_handle_when_a_profile_breaks_the_rules),
        TEST(says_what_may_be_changed),
        TEST(forgets_what_was_rolled_back),
        TEST(forgets_what_was_quarantined),
        TEST(says_when_memory_runs_out),
        TEST(goes_on_after_memory_ran_out),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
