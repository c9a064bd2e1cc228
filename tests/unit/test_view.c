/* What announcements, revisions and withdrawals say together. */
#include "node/core/view.h"

#include "node/ledger/ledger.h"
#include "tests/support/announcements.h"
#include "tests/support/fault.h"

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

/* Two institutions in one ledger: our own and a partner. */
struct world {
    struct store writer, reader;
    struct institution own, partner;
    struct view *view;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    institution_init(&world->own, 1);
    institution_init(&world->partner, 2);
    assert_int_equal(ledger_memory_create(&world->writer, NULL), ERROR_NONE);
    assert_int_equal(ledger_memory_open_reader(&world->writer, &world->reader, NULL), ERROR_NONE);
    announcements_join(&world->writer, &world->own, "cn-own", "CN");
    announcements_join(&world->writer, &world->partner, "th-partner", "TH");
    assert_int_equal(view_create(&world->reader, &world->own.head.feed, false, &world->view, NULL),
                     ERROR_NONE);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    view_destroy(world->view);
    world->reader.operations->destroy(world->reader.self);
    world->writer.operations->destroy(world->writer.self);
    institution_finish(&world->own);
    institution_finish(&world->partner);
    free(world);
    return 0;
}

/* --- what a visitor sees, as one line an item --------------------------------------------------
 */

static const char *title_of(struct span content, char out[64])
{
    Caravan__Announcement *announcement =
        caravan__announcement__unpack(NULL, content.size, content.data);

    snprintf(out, 64, "%s",
             announcement && announcement->n_title ? announcement->title[0]->text : "?");
    if (announcement)
        caravan__announcement__free_unpacked(announcement, NULL);
    return out;
}

/* "cn-own/3 by 5 withdrawn(reason) Title": `by` names the entry that is in force or the event. */
static int write_line(void *context, const struct view_state *state)
{
    struct buffer *lines = context;
    char title[64];

    buffer_printf(lines, "%s by %" PRIu64, state->name, state->event_seq);
    if (state->withdrawn_by)
        buffer_printf(lines, " withdrawn(%s)",
                      state->withdrawal && state->withdrawal->n_reason
                          ? state->withdrawal->reason[0]->text
                          : "");
    if (state->problem[0])
        buffer_printf(lines, " %s", state->problem);
    else if (state->content_type >= TYPE(ANNOUNCEMENT) && state->content_type <= TYPE(WITHDRAWAL))
        buffer_printf(lines, " %s", title_of(state->content, title));
    else
        buffer_printf(lines, " type %" PRIu32, state->content_type);
    buffer_append_text(lines, "\n");
    return 0;
}

static void assert_lines(struct buffer *lines, const char *expected)
{
    assert_string_equal(buffer_text(lines), expected);
    buffer_finish(lines);
}

static void assert_list(struct world *world, const Caravan__Filter *filter, const char *expected)
{
    struct buffer lines = {0};
    uint64_t next = 99, total = 99;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, filter, 0, 100, write_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(next, 0);
    assert_lines(&lines, expected);
}

static void assert_changes(struct world *world, const Caravan__Filter *filter, uint64_t after,
                           const char *expected)
{
    struct buffer lines = {0};
    uint64_t next = 0;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_changes(world->view, filter, after, 100, write_line, &lines, &next, NULL),
                     ERROR_NONE);
    assert_int_equal(next, view_last_arrival(world->view));
    assert_lines(&lines, expected);
}

static void assert_history(struct world *world, uint64_t seq, const char *expected)
{
    struct buffer lines = {0};

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_history(world->view, &world->own.head.feed, seq, write_line, &lines, NULL),
        ERROR_NONE);
    assert_lines(&lines, expected);
}

/* --- folding ---------------------------------------------------------------------------------- */

static void test_view__shows_the_newest_revision(void **state)
{
    struct world *world = *state;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "First", "CN", NULL);

    assert_list(world, NULL, "cn-own/3 by 3 First\n");
    announcements_revise(&world->writer, &world->own, seq, CALL, "Second", "CN");
    announcements_publish(&world->writer, &world->own, CALL, "Other", "CN", NULL);
    announcements_revise(&world->writer, &world->own, seq, CALL, "Third", "CN");
    assert_list(world, NULL, "cn-own/5 by 5 Other\ncn-own/3 by 6 Third\n");
    assert_history(world, seq, "cn-own/3 by 3 First\ncn-own/3 by 4 Second\ncn-own/3 by 6 Third\n");
}

static void test_view__shows_by_a_change_what_it_changes(void **state)
{
    struct world *world = *state;
    struct buffer lines = {0};
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "First", "CN", NULL);
    uint64_t change = announcements_revise(&world->writer, &world->own, seq, CALL, "Second", "CN");

    announcements_withdraw(&world->writer, &world->own, seq, "over");
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    for (uint64_t by = seq; by <= change + 1; by++)
        assert_int_equal(
            view_show(world->view, &world->own.head.feed, by, write_line, &lines, NULL),
            ERROR_NONE);
    assert_lines(&lines, "cn-own/3 by 4 withdrawn(over) Second\n"
                         "cn-own/3 by 4 withdrawn(over) Second\n"
                         "cn-own/3 by 4 withdrawn(over) Second\n");
    assert_history(world, change,
                   "cn-own/3 by 3 First\ncn-own/3 by 4 Second\n"
                   "cn-own/3 by 5 withdrawn(over) Second\n");
}

static void test_view__hides_the_withdrawn_and_says_why(void **state)
{
    struct world *world = *state;
    Caravan__Filter all = CARAVAN__FILTER__INIT;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);

    announcements_withdraw(&world->writer, &world->own, seq, "no money");
    announcements_revise(&world->writer, &world->own, seq, CALL, "Too late", "CN");
    all.withdrawn = 1;
    assert_list(world, NULL, "");
    assert_list(world, &all, "cn-own/3 by 5 withdrawn(no money) Too late\n");
    assert_history(world, seq,
                   "cn-own/3 by 3 Call\ncn-own/3 by 4 withdrawn(no money) Too late\n"
                   "cn-own/3 by 5 Too late\n");
}

static void test_view__takes_changes_only_from_the_same_feed(void **state)
{
    struct world *world = *state;
    Caravan__Filter other = CARAVAN__FILTER__INIT;

    announcements_publish(&world->writer, &world->own, CALL, "Ours", "CN", NULL);
    announcements_revise(&world->writer, &world->partner, 3, CALL, "Theirs", "TH");
    announcements_withdraw(&world->writer, &world->partner, 3, "not yours");
    assert_list(world, NULL, "cn-own/3 by 3 Ours\n");
    other.other = 1;
    assert_list(world, &other,
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
    struct world *world = *state;
    uint64_t seq = announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);
    uint64_t revision =
        announcements_revise(&world->writer, &world->own, seq, CALL, "Revised", "CN");

    announcements_revise(&world->writer, &world->own, 2, CALL, "Of a profile", "CN");
    announcements_withdraw(&world->writer, &world->own, revision, "of a revision");
    announcements_revise(&world->writer, &world->own, revision, CALL, "Of a revision", "CN");
    announcements_revise(&world->writer, &world->own, 9, CALL, "Of what comes later", "CN");
    announcements_publish(&world->writer, &world->own, CALL, "Ninth", "CN", NULL);
    assert_list(world, NULL, "cn-own/9 by 9 Ninth\ncn-own/3 by 4 Revised\n");
    assert_history(world, seq, "cn-own/3 by 3 Call\ncn-own/3 by 4 Revised\n");
}

/* --- what cannot be shown --------------------------------------------------------------------- */

static void test_view__shows_the_odd_as_such_and_goes_on(void **state)
{
    struct world *world = *state;
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
    assert_int_equal(view_list(world->view, NULL, 0, 100, write_line, &lines, &next, &total, NULL),
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
    struct world *world = *state;
    struct buffer bytes = {0};

    announcements_publish(&world->writer, &world->own, CALL, "Readable", "CN", NULL);
    announcements_revision(3, span_of_text("\xff"), &bytes);
    announcements_keep(&world->writer, &world->own, TYPE(REVISION), buffer_span(&bytes));
    buffer_finish(&bytes);

    struct buffer lines = {0};

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_show(world->view, &world->own.head.feed, 3, write_line, &lines, NULL),
                     ERROR_NONE);
    assert_memory_equal(buffer_text(&lines), "cn-own/3 by 4 cannot be shown: ", 31);
    buffer_finish(&lines);
}

static void test_view__takes_late_contents(void **state)
{
    struct world *world = *state;
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
    assert_changes(world, NULL, after, "cn-own/3 by 3 Late\n");
    assert_changes(world, NULL, 0, "cn-own/4 by 4 Punctual\ncn-own/3 by 3 Late\n");
    assert_list(world, NULL, "cn-own/3 by 3 Late\ncn-own/4 by 4 Punctual\n");
    buffer_finish(&content);
}

/* A revision that arrives before its announcement's late content, read anew from the ledger. */
static void test_view__does_not_depend_on_the_order_of_arrival(void **state)
{
    struct world *world = *state;
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
    assert_list(world, NULL, "");
    assert_history(world, 3,
                   "cn-own/3 by 3 Late\ncn-own/3 by 4 Revised\n"
                   "cn-own/3 by 5 withdrawn(over) Revised\n");
    buffer_finish(&content);
}

/* --- filters, paging, following --------------------------------------------------------------- */

static void test_view__filters_by_what_is_in_force(void **state)
{
    struct world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    uint32_t kind = CALL;
    char *country = "TH", *field = "2", *handle = "cn-own";

    announcements_publish(&world->writer, &world->own, CALL, "A", "CN", "2.1");
    announcements_publish(&world->writer, &world->partner, CALL, "B", "TH", "3.3");
    announcements_publish(&world->writer, &world->partner, VISIT, "C", "TH", NULL);
    filter.n_kind = 1;
    filter.kind = &kind;
    assert_list(world, &filter, "th-partner/3 by 3 B\ncn-own/3 by 3 A\n");
    filter.n_country = 1;
    filter.country = &country;
    assert_list(world, &filter, "th-partner/3 by 3 B\n");
    announcements_revise(&world->writer, &world->own, 3, CALL, "A with Thailand", "TH");
    assert_list(world, &filter, "th-partner/3 by 3 B\ncn-own/3 by 4 A with Thailand\n");
    filter.n_handle = 1;
    filter.handle = &handle;
    assert_list(world, &filter, "cn-own/3 by 4 A with Thailand\n");
    filter.n_country = filter.n_handle = 0;
    filter.n_field_of_science = 1;
    filter.field_of_science = &field;
    assert_list(world, &filter, ""); /* the revision has no field of science */
}

static void test_view__tells_followers_of_changes_that_no_longer_match(void **state)
{
    struct world *world = *state;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char *country = "TH";
    uint64_t after;

    announcements_publish(&world->writer, &world->own, CALL, "For Thailand", "TH", NULL);
    announcements_publish(&world->writer, &world->own, CALL, "For China", "CN", NULL);
    filter.n_country = 1;
    filter.country = &country;
    assert_changes(world, &filter, 0, "cn-own/3 by 3 For Thailand\n");
    after = view_last_arrival(world->view);
    announcements_revise(&world->writer, &world->own, 3, CALL, "For China only", "CN");
    announcements_withdraw(&world->writer, &world->own, 4, "never for Thailand");
    announcements_withdraw(&world->writer, &world->own, 3, "over");
    assert_changes(world, &filter, after,
                   "cn-own/3 by 5 For China only\ncn-own/3 by 7 withdrawn(over) For China only\n");
}

static int stop_at_once(void *context, const struct view_state *state)
{
    write_line(context, state);
    return 1;
}

static void test_view__lists_page_by_page(void **state)
{
    struct world *world = *state;
    struct buffer lines = {0};
    uint64_t next, total;
    char title[16];

    for (int i = 3; i < 8; i++) {
        snprintf(title, sizeof title, "T%d", i);
        announcements_publish(&world->writer, &world->own, VISIT, title, "CN", NULL);
    }
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_list(world->view, NULL, 0, 2, write_line, &lines, &next, &total, NULL),
                     ERROR_NONE);
    assert_int_equal(total, 5);
    assert_int_not_equal(next, 0);
    /* what is published meanwhile does not move the pages */
    announcements_publish(&world->writer, &world->own, VISIT, "T8", "CN", NULL);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, NULL, next, 100, stop_at_once, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(total, 6);
    assert_int_equal(view_list(world->view, NULL, next, 2, write_line, &lines, &next, &total, NULL),
                     ERROR_NONE);
    assert_int_equal(next, 0);
    assert_lines(&lines, "cn-own/7 by 7 T7\ncn-own/6 by 6 T6\ncn-own/5 by 5 T5\n"
                         "cn-own/4 by 4 T4\ncn-own/3 by 3 T3\n");
}

static void test_view__follows_from_an_arrival(void **state)
{
    struct world *world = *state;
    struct buffer lines = {0};
    uint64_t next;

    announcements_publish(&world->writer, &world->own, VISIT, "A", "CN", NULL);
    announcements_publish(&world->writer, &world->partner, VISIT, "B", "TH", NULL);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_changes(world->view, NULL, 0, 1, write_line, &lines, &next, NULL),
                     ERROR_NONE);
    announcements_revise(&world->writer, &world->own, 3, VISIT, "A2", "CN");
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_changes(world->view, NULL, next, 10, write_line, &lines, &next, NULL),
                     ERROR_NONE);
    assert_lines(&lines, "cn-own/3 by 3 A\nth-partner/3 by 3 B\ncn-own/3 by 4 A2\n");
    assert_int_equal(next, view_last_arrival(world->view));
}

/* --- names ------------------------------------------------------------------------------------ */

static void test_view__resolves_names(void **state)
{
    struct world *world = *state;
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
    assert_non_null(strstr(error.text, "at least 8 hex digits"));
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
    struct world *world = *state;
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
    struct world *world = *state;
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
    assert_int_equal(view_check_change(view, feed, seq, &error), code);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void test_view__says_what_may_be_changed(void **state)
{
    struct world *world = *state;
    const struct id *feed = &world->own.head.feed;
    struct view *view;

    assert_int_equal(view_create(&world->writer, feed, true, &view, NULL), ERROR_NONE);
    announcements_publish(&world->writer, &world->own, VISIT, "A", "CN", NULL);
    announcements_publish(&world->writer, &world->partner, VISIT, "B", "TH", NULL);
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 3, NULL), ERROR_NONE);
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
    struct world *world = *state;
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
    world->own.head = head;
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 3, NULL), ERROR_NONE);
    /* another entry stands at the same number now */
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    announcements_withdraw(store, &world->own, 3, NULL);
    assert_refused(view, feed, 3, ERROR_INVALID, "withdrawn");
    store->operations->rollback(store->self);
    world->own.head = head;
    announcements_publish(store, &world->own, VISIT, "B", "CN", NULL);
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 3, NULL), ERROR_NONE);
    assert_int_equal(view_check_change(view, feed, 4, NULL), ERROR_NONE);
    view_destroy(view);
}

static void test_view__reads_thousands(void **state)
{
    struct world *world = *state;
    const struct store *store = &world->writer;
    struct buffer lines = {0};
    uint64_t next, total;
    const uint64_t count = 5000; /* more than two pages of reading */

    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (uint64_t i = 0; i < count; i++)
        announcements_publish(store, &world->own, VISIT, "Many", "CN", NULL);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(view_list(world->view, NULL, 0, 1, write_line, &lines, &next, &total, NULL),
                     ERROR_NONE);
    assert_int_equal(total, count);
    assert_lines(&lines, "cn-own/5002 by 5002 Many\n");
}

/* --- when memory runs out --------------------------------------------------------------------- */

static int count_line(void *context, const struct view_state *state)
{
    assert_string_equal(state->problem, ""); /* lack of memory is no fault of the content */
    ++*(unsigned *)context;
    return 0;
}

/* Reads the ledger anew and lists it; what a caller may see. */
static int read_all(const struct world *world, unsigned *lines, struct error *error)
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
    struct world *world = *state;
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
    struct world *world = *state;

    announcements_publish(&world->writer, &world->own, CALL, "Call", "CN", NULL);
    announcements_revise(&world->writer, &world->own, 3, CALL, "Revised", "CN");
    for (unsigned long n = 1; n < 40; n++) {
        fault_arm(n);
        view_update(world->view, NULL);
        fault_disarm();
    }
    assert_list(world, NULL, "cn-own/3 by 4 Revised\n");
    assert_history(world, 3, "cn-own/3 by 3 Call\ncn-own/3 by 4 Revised\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_view__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(shows_the_newest_revision),
        TEST(shows_by_a_change_what_it_changes),
        TEST(hides_the_withdrawn_and_says_why),
        TEST(takes_changes_only_from_the_same_feed),
        TEST(takes_changes_only_of_announcements),
        TEST(shows_the_odd_as_such_and_goes_on),
        TEST(does_not_fall_back_to_an_older_revision),
        TEST(takes_late_contents),
        TEST(does_not_depend_on_the_order_of_arrival),
        TEST(filters_by_what_is_in_force),
        TEST(tells_followers_of_changes_that_no_longer_match),
        TEST(lists_page_by_page),
        TEST(follows_from_an_arrival),
        TEST(resolves_names),
        TEST(names_both_when_a_handle_is_taken_twice),
        TEST(keeps_the_handle_when_a_profile_breaks_the_rules),
        TEST(says_what_may_be_changed),
        TEST(forgets_what_was_rolled_back),
        TEST(reads_thousands),
        TEST(says_when_memory_runs_out),
        TEST(goes_on_after_memory_ran_out),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
