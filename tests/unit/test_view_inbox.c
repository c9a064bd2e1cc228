/* What waits for somebody at our institution. */
#include "node/core/view_inbox.h"

#include "tests/support/fault.h"
#include "tests/support/inbox.h"
#include "tests/support/joint.h"
#include "tests/support/sealed.h"
#include "tests/support/view_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static struct view_world *base;
static struct institution third;
static struct sealed_eyes eyes;

static int setup(void **state)
{
    void *made = NULL;

    (void)state;
    assert_int_equal(view_world_setup(&made), 0);
    base = made;
    institution_init(&third, 3);
    announcements_join(&base->writer, &third, "ru-third", "RU");
    sealed_eyes_open(&eyes, &base->reader, &base->own);
    return 0;
}

static int teardown(void **state)
{
    void *made = base;

    (void)state;
    sealed_eyes_close(&eyes);
    institution_finish(&third);
    return view_world_teardown(&made);
}

/* --- what is seen, as text ----------------------------------------------------------------------
 */

static int read_all(struct view_inbox_thing **things, size_t *count, struct error *error)
{
    bool complete = false;
    int code = view_update(eyes.view, error);

    *things = NULL;
    while (!code && !complete) {
        free(*things);
        *things = NULL;
        code = inbox_read(eyes.view, things, count, &complete, error);
        if (!code && !complete)
            code = view_work(eyes.view, error);
    }
    return code;
}

/* Without the partners, which are there in every test. */
static void write_things(const struct view_inbox_thing *things, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct view_inbox_thing *thing = &things[i];

        if (i)
            assert_true(thing->arrival <= things[i - 1].arrival);
        if (thing->kind == VIEW_INBOX_PARTNER)
            continue;
        buffer_printf(out, "%s %s/%" PRIu64 " about %s/%" PRIu64 "%s%s\n",
                      view_inbox_kind_name(thing->kind), view_handle(eyes.view, &thing->feed),
                      thing->seq, view_handle(eyes.view, &thing->about), thing->about_seq,
                      thing->withdrawn ? " withdrawn" : "", thing->to_do ? " to do" : "");
    }
}

static void check(const char *expected)
{
    struct view_inbox_thing *things = NULL;
    struct buffer lines = {0};
    size_t count = 0;

    assert_int_equal(read_all(&things, &count, NULL), ERROR_NONE);
    write_things(things, count, &lines);
    view_world_lines(&lines, expected);
    free(things);
    /* Whoever starts anew sees the same. */
    view_reset(eyes.view);
    assert_int_equal(read_all(&things, &count, NULL), ERROR_NONE);
    write_things(things, count, &lines);
    view_world_lines(&lines, expected);
    free(things);
}

/* --- calls of two sides -------------------------------------------------------------------------
 */

static void write_call(struct institution *lead, struct institution *side, const char *title,
                       unsigned day, struct buffer *out)
{
    struct institution *sides[] = {lead, side};
    const unsigned days[] = {15, day};

    joint_write(title, sides, days, 2, out);
}

static uint64_t call_with(struct institution *lead, struct institution *side, struct id *hash)
{
    struct buffer content = {0};
    uint64_t seq;

    write_call(lead, side, "Call", 1, &content);
    seq = announcements_keep(&base->writer, lead, TYPE(ANNOUNCEMENT), buffer_span(&content));
    *hash = lead->head.hash;
    buffer_finish(&content);
    return seq;
}

static uint64_t revise_with(struct institution *lead, uint64_t call, struct institution *side,
                            const char *title, struct id *hash)
{
    struct buffer content = {0}, revision = {0};
    uint64_t seq;

    write_call(lead, side, title, 1, &content);
    announcements_revision(call, buffer_span(&content), &revision);
    seq = announcements_keep(&base->writer, lead, TYPE(REVISION), buffer_span(&revision));
    *hash = lead->head.hash;
    buffer_finish(&content);
    buffer_finish(&revision);
    return seq;
}

static uint64_t announce(void)
{
    return announcements_publish(&base->writer, &base->own, CARAVAN__KIND__KIND_VISIT, "Visit",
                                 "CN", NULL);
}

/* --- partners -----------------------------------------------------------------------------------
 */

static void test_view_inbox__tells_of_partners_and_not_of_us(void **state)
{
    struct view_inbox_thing *things;
    size_t count;

    (void)state;
    assert_int_equal(read_all(&things, &count, NULL), ERROR_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(things[0].kind, VIEW_INBOX_PARTNER);
    assert_true(id_equal(&things[0].feed, &third.head.feed)); /* the latest first */
    assert_true(id_equal(&things[1].feed, &base->partner.head.feed));
    assert_int_equal(things[0].seq, 1);
    assert_false(things[0].to_do);
    free(things);
}

/* --- answers ------------------------------------------------------------------------------------
 */

static void test_view_inbox__tells_of_answers_the_latest_first(void **state)
{
    uint64_t visit = announce();

    (void)state;
    sealed_answer(&base->writer, &base->partner, &base->own, visit, "One");
    sealed_answer(&base->writer, &third, &base->own, visit, "Two");
    sealed_answer(&base->writer, &base->partner, &base->own, visit, "Three");
    check("answer th-partner/4 about cn-own/3\n"
          "answer ru-third/3 about cn-own/3\n"
          "answer th-partner/3 about cn-own/3\n");
}

static void test_view_inbox__marks_an_answer_that_was_taken_back(void **state)
{
    uint64_t visit = announce(), answer;

    (void)state;
    answer = sealed_answer(&base->writer, &base->partner, &base->own, visit, "One");
    announcements_withdraw(&base->writer, &third, answer, NULL); /* not its own */
    check("answer th-partner/3 about cn-own/3\n");
    announcements_withdraw(&base->writer, &base->partner, answer, NULL);
    check("answer th-partner/3 about cn-own/3 withdrawn\n");
}

/* In the clear; for somebody else; about somebody else's; our own; about what is none of ours. */
static void test_view_inbox__takes_no_other_answers(void **state)
{
    struct institution *us[] = {&base->own}, *partner[] = {&base->partner};
    struct buffer content = {0}, theirs = {0};
    uint64_t visit = announce(), call;

    (void)state;
    sealed_interest_bytes(&base->own, visit, "Clear", &content);
    announcements_keep(&base->writer, &third, TYPE(INTEREST), buffer_span(&content));
    sealed_keep(&base->writer, &third, TYPE(INTEREST), buffer_span(&content), partner, 1, NULL);
    call = announcements_publish(&base->writer, &base->partner, CARAVAN__KIND__KIND_VISIT, "Visit",
                                 "TH", NULL);
    sealed_interest_bytes(&base->partner, call, "About theirs", &theirs);
    sealed_keep(&base->writer, &third, TYPE(INTEREST), buffer_span(&theirs), us, 1, NULL);
    sealed_answer(&base->writer, &base->own, &base->partner, call, "Ours");
    sealed_answer(&base->writer, &third, &base->own, 2, "About a profile");
    sealed_answer(&base->writer, &third, &base->own, 4000, "About nothing");
    sealed_answer(&base->writer, &third, &base->own, 0, "About nothing");
    sealed_answer(&base->writer, &third, &base->own, UINT64_MAX, "About nothing");
    check("");
    buffer_finish(&content);
    buffer_finish(&theirs);
}

/* A partner that copies somebody's sealed answer into its own feed answers nothing. */
static void test_view_inbox__takes_no_copied_answer(void **state)
{
    struct institution *us[] = {&base->own};
    struct buffer content = {0}, sealed = {0};
    uint64_t visit = announce();

    (void)state;
    sealed_interest_bytes(&base->own, visit, "Mine", &content);
    sealed_make(&base->partner, TYPE(INTEREST), 1, buffer_span(&content), us, 1, &sealed, NULL);
    announcements_keep(&base->writer, &third, TYPE(SEALED), buffer_span(&sealed));
    check("");
    announcements_keep(&base->writer, &base->partner, TYPE(SEALED), buffer_span(&sealed));
    check("answer th-partner/3 about cn-own/3\n");
    buffer_finish(&content);
    buffer_finish(&sealed);
}

/* What a Reader names was read before: it is told once. */
static void test_view_inbox__tells_of_an_answer_once(void **state)
{
    struct institution *us[] = {&base->own};
    struct buffer content = {0};
    struct seal_key key;
    uint64_t visit = announce(), answer;

    (void)state;
    sealed_interest_bytes(&base->own, visit, "Mine", &content);
    answer = sealed_keep(&base->writer, &base->partner, TYPE(INTEREST), buffer_span(&content), us,
                         1, &key);
    sealed_share(&base->writer, &base->partner, answer, &key, us, 1);
    sealed_share(&base->writer, &base->partner, answer, &key, us, 1);
    check("answer th-partner/3 about cn-own/3\n");
    buffer_finish(&content);
}

/* An answer that comes late, its withdrawal first. */
static void test_view_inbox__does_not_depend_on_late_contents(void **state)
{
    struct institution *us[] = {&base->own};
    struct buffer content = {0}, late = {0};
    uint64_t visit = announce(), answer;

    (void)state;
    sealed_interest_bytes(&base->own, visit, "Mine", &content);
    answer = sealed_keep_without(&base->writer, &base->partner, TYPE(INTEREST),
                                 buffer_span(&content), us, 1, NULL, &late);
    announcements_withdraw(&base->writer, &base->partner, answer, NULL);
    check("");
    sealed_put_late(&base->writer, &base->partner, answer, buffer_span(&late));
    check("answer th-partner/3 about cn-own/3 withdrawn\n");
    buffer_finish(&content);
    buffer_finish(&late);
}

/* A number of ours that comes later: so it is when our own feed is restored from partners. */
static void test_view_inbox__waits_for_what_is_ours(void **state)
{
    struct id hash;
    uint64_t next = base->own.head.seq + 1;

    (void)state;
    sealed_answer(&base->writer, &third, &base->own, next, "To the call");
    sealed_answer(&base->writer, &third, &base->own, next + 1, "To the visit");
    joint_propose(&base->writer, &base->partner, &base->own, next, 20);
    joint_confirm(&base->writer, &base->partner, &base->own, next, &base->own.head.hash, true);
    check("");
    call_with(&base->own, &base->partner, &hash);
    check("declined th-partner/4 about cn-own/3\n"
          "proposal th-partner/3 about cn-own/3 to do\n"
          "answer ru-third/3 about cn-own/3\n");
    announce();
    announcements_withdraw(&base->writer, &base->own, next, NULL);
    check("answer ru-third/4 about cn-own/4\n"
          "answer ru-third/3 about cn-own/3\n");
}

/* --- marks --------------------------------------------------------------------------------------
 */

/* Marks in memory, of which each call can fail. */
struct false_marks {
    struct mark read[16];
    size_t count;
    unsigned asked;
    bool broken;
};

static int false_is_read(void *self, const struct id *feed, uint64_t seq, bool *read,
                         struct error *error)
{
    struct false_marks *marks = self;

    marks->asked++;
    *read = false;
    for (size_t i = 0; i < marks->count; i++)
        *read = *read || (marks->read[i].seq == seq && id_equal(&marks->read[i].feed, feed));
    return marks->broken ? error_set(error, ERROR_IO, "no marks") : ERROR_NONE;
}

static int false_set_read(void *self, const struct mark *read, size_t count, bool is,
                          struct error *error)
{
    struct false_marks *marks = self;

    if (marks->broken)
        return error_set(error, ERROR_IO, "no marks");
    assert_true(is);
    for (size_t i = 0; i < count; i++)
        marks->read[marks->count++] = read[i];
    return ERROR_NONE;
}

static void check_counts(const struct mark_store *store, uint64_t things, uint64_t unread,
                         uint64_t to_do)
{
    struct view_inbox_counts counts;
    bool complete = false;

    assert_int_equal(view_update(eyes.view, NULL), ERROR_NONE);
    while (!complete)
        assert_int_equal(view_inbox_work(eyes.view, store, &complete, NULL), ERROR_NONE);
    view_inbox_count(eyes.view, &counts);
    assert_int_equal(counts.things, things);
    assert_int_equal(counts.unread, unread);
    assert_int_equal(counts.to_do, to_do);
}

static void test_view_inbox__asks_each_mark_once(void **state)
{
    struct false_marks marks = {.broken = true};
    struct mark_store store = {&marks, false_is_read, false_set_read};
    struct view_inbox_thing thing;
    struct mark first;
    struct id hash;
    uint64_t call = call_with(&base->partner, &base->own, &hash);
    bool complete;

    (void)state;
    first = (struct mark){base->partner.head.feed, call};
    marks.read[marks.count++] = (struct mark){third.head.feed, 1};
    assert_int_equal(view_update(eyes.view, NULL), ERROR_NONE);
    assert_int_equal(view_inbox_work(eyes.view, &store, &complete, NULL), ERROR_IO);
    marks.broken = false;
    check_counts(&store, 3, 2, 1);
    marks.asked = 0;
    marks.broken = true;
    check_counts(&store, 3, 2, 1);
    assert_int_equal(view_inbox_mark(eyes.view, &first, 1, true, NULL), ERROR_IO);
    check_counts(&store, 3, 2, 1);
    marks.broken = false;
    assert_int_equal(view_inbox_mark(eyes.view, &first, 1, true, NULL), ERROR_NONE);
    check_counts(&store, 3, 1, 1);
    assert_true(view_inbox_find(eyes.view, &first.feed, first.seq, &thing));
    assert_true(thing.read);
    assert_false(view_inbox_find(eyes.view, &first.feed, first.seq + 1, &thing));
    assert_int_equal(marks.asked, 0);
    /* A revision asks anew; whoever starts anew asks the marks. */
    revise_with(&base->partner, call, &base->own, "Call, revised", &hash);
    check_counts(&store, 3, 2, 1);
    assert_int_equal(marks.asked, 1);
    view_reset(eyes.view);
    check_counts(&store, 3, 2, 1);
}

/* What was asked for and not finished is worked on between requests, and then no more. */
static void test_view_inbox__is_worked_on_between_requests(void **state)
{
    const struct mark_store none = {.self = NULL};
    const struct store *store = &base->writer;
    struct view_inbox_counts counts;
    struct buffer content = {0};
    bool complete;

    (void)state;
    write_call(&base->partner, &base->own, "Call", 1, &content);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < 2 * VIEW_INBOX_SLICE; i++)
        announcements_keep(store, &base->partner, TYPE(ANNOUNCEMENT), buffer_span(&content));
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    assert_int_equal(view_update(eyes.view, NULL), ERROR_NONE);
    assert_false(view_has_work(eyes.view)); /* nobody has asked */
    assert_int_equal(view_inbox_work(eyes.view, &none, &complete, NULL), ERROR_NONE);
    assert_false(complete);
    view_inbox_count(eyes.view, &counts);
    assert_in_range(counts.to_do, 1, VIEW_INBOX_SLICE);
    while (view_has_work(eyes.view))
        assert_int_equal(view_work(eyes.view, NULL), ERROR_NONE);
    view_inbox_count(eyes.view, &counts);
    assert_int_equal(counts.to_do, 2 * VIEW_INBOX_SLICE);
    assert_int_equal(view_inbox_work(eyes.view, &none, &complete, NULL), ERROR_NONE);
    assert_true(complete);
    announcements_keep(store, &base->partner, TYPE(ANNOUNCEMENT), buffer_span(&content));
    assert_int_equal(view_update(eyes.view, NULL), ERROR_NONE);
    assert_false(view_has_work(eyes.view));
    buffer_finish(&content);
}

/* --- asked to confirm ---------------------------------------------------------------------------
 */

static void test_view_inbox__asks_until_we_have_said_yes_or_no(void **state)
{
    struct id hash, revised;
    uint64_t call = call_with(&base->partner, &base->own, &hash);

    (void)state;
    check("confirm th-partner/3 about th-partner/3 to do\n");
    joint_confirm(&base->writer, &base->own, &base->partner, call, &hash, false);
    check("");
    revise_with(&base->partner, call, &base->own, "Call, revised", &revised);
    check("confirm th-partner/4 about th-partner/3 to do\n");
    joint_confirm(&base->writer, &base->own, &base->partner, call, &revised, true);
    check("");
    revise_with(&base->partner, call, &base->own, "Call, revised again", &revised);
    check("confirm th-partner/5 about th-partner/3 to do\n");
    announcements_withdraw(&base->writer, &base->partner, call, NULL);
    check("");
}

static void test_view_inbox__asks_when_a_revision_names_us_first(void **state)
{
    struct id hash;
    uint64_t call = call_with(&base->partner, &third, &hash);

    (void)state;
    check("");
    revise_with(&base->partner, call, &base->own, "With us", &hash);
    check("confirm th-partner/4 about th-partner/3 to do\n");
    revise_with(&base->partner, call, &third, "Without us", &hash);
    check("");
}

/* Sealed for the third one; shared with us later. */
static void test_view_inbox__asks_for_what_was_shared_with_us(void **state)
{
    struct institution *them[] = {&third}, *us[] = {&base->own};
    struct buffer content = {0};
    struct seal_key key;
    uint64_t call;

    (void)state;
    write_call(&base->partner, &base->own, "Sealed", 1, &content);
    call = sealed_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT), buffer_span(&content),
                       them, 1, &key);
    check("");
    sealed_share(&base->writer, &base->partner, call, &key, us, 1);
    check("confirm th-partner/3 about th-partner/3 to do\n");
    buffer_finish(&content);
}

/* The same, when the content comes behind the Reader. */
static void test_view_inbox__asks_for_what_was_shared_and_comes_late(void **state)
{
    struct institution *them[] = {&third}, *us[] = {&base->own};
    struct buffer content = {0}, late = {0};
    struct seal_key key;
    uint64_t call;

    (void)state;
    write_call(&base->partner, &base->own, "Sealed", 1, &content);
    call = sealed_keep_without(&base->writer, &base->partner, TYPE(ANNOUNCEMENT),
                               buffer_span(&content), them, 1, &key, &late);
    sealed_share(&base->writer, &base->partner, call, &key, us, 1);
    check("");
    sealed_put_late(&base->writer, &base->partner, call, buffer_span(&late));
    check("confirm th-partner/3 about th-partner/3 to do\n");
    buffer_finish(&content);
    buffer_finish(&late);
}

/* --- what sides say of ours ---------------------------------------------------------------------
 */

static void test_view_inbox__tells_what_sides_say_of_ours(void **state)
{
    struct id hash, revised;
    uint64_t call = call_with(&base->own, &base->partner, &hash), proposal;

    (void)state;
    joint_confirm(&base->writer, &base->partner, &base->own, call, &hash, false);
    check("");
    proposal = joint_propose(&base->writer, &base->partner, &base->own, call, 20);
    check("proposal th-partner/4 about cn-own/3 to do\n");
    joint_confirm(&base->writer, &base->partner, &base->own, call, &hash, true);
    check("declined th-partner/5 about cn-own/3\n"
          "proposal th-partner/4 about cn-own/3 to do\n");
    announcements_withdraw(&base->writer, &base->partner, proposal, NULL);
    check("declined th-partner/5 about cn-own/3\n");
    revise_with(&base->own, call, &base->partner, "Call, revised", &revised);
    joint_confirm(&base->writer, &base->partner, &base->own, call, &revised, false);
    check("");
    announcements_withdraw(&base->writer, &base->own, call, NULL);
    joint_propose(&base->writer, &base->partner, &base->own, call, 25);
    check("");
}

static void test_view_inbox__has_nothing_to_do_for_what_we_refused(void **state)
{
    struct id hash;
    uint64_t call = call_with(&base->own, &base->partner, &hash);
    uint64_t proposal = joint_propose(&base->writer, &base->partner, &base->own, call, 20);

    (void)state;
    check("proposal th-partner/3 about cn-own/3 to do\n");
    joint_confirm(&base->writer, &base->own, &base->partner, proposal, &base->partner.head.hash,
                  true);
    check("");
    joint_propose(&base->writer, &base->partner, &base->own, call, 21);
    check("proposal th-partner/4 about cn-own/3 to do\n");
}

static void test_view_inbox__tells_that_a_proposal_of_ours_was_refused(void **state)
{
    struct id hash;
    uint64_t call = call_with(&base->partner, &base->own, &hash);
    uint64_t proposal = joint_propose(&base->writer, &base->own, &base->partner, call, 20);

    (void)state;
    joint_confirm(&base->writer, &base->partner, &base->own, proposal, &base->own.head.hash, true);
    check("refused th-partner/4 about th-partner/3\n"
          "confirm th-partner/3 about th-partner/3 to do\n");
    announcements_withdraw(&base->writer, &base->own, proposal, NULL); /* that is over */
    check("confirm th-partner/3 about th-partner/3 to do\n");
    proposal = joint_propose(&base->writer, &base->own, &base->partner, call, 20);
    joint_confirm(&base->writer, &base->partner, &base->own, proposal, &base->own.head.hash, true);
    check("refused th-partner/5 about th-partner/3\n"
          "confirm th-partner/3 about th-partner/3 to do\n");
    joint_propose(&base->writer, &base->own, &base->partner, call, 21); /* so is that */
    check("confirm th-partner/3 about th-partner/3 to do\n");
}

static void test_view_inbox__does_not_hear_strangers(void **state)
{
    struct id hash;
    uint64_t call = call_with(&base->own, &base->partner, &hash);

    (void)state;
    joint_confirm(&base->writer, &third, &base->own, call, &hash, true);
    joint_propose(&base->writer, &third, &base->own, call, 9);
    joint_propose(&base->writer, &third, &base->own, 4000, 9);
    check("");
}

/* Our call names its other side twice: what that one says is told once. */
static void test_view_inbox__hears_a_side_that_is_named_twice_once(void **state)
{
    struct institution *sides[] = {&base->own, &base->partner, &base->partner};
    const unsigned days[] = {1, 2, 3};
    struct buffer content = {0};
    uint64_t call;

    (void)state;
    joint_write("Call", sides, days, 3, &content);
    call = announcements_keep(&base->writer, &base->own, TYPE(ANNOUNCEMENT), buffer_span(&content));
    joint_propose(&base->writer, &base->partner, &base->own, call, 20);
    joint_confirm(&base->writer, &base->partner, &base->own, call, &base->own.head.hash, true);
    check("declined th-partner/4 about cn-own/3\n"
          "proposal th-partner/3 about cn-own/3 to do\n");
    buffer_finish(&content);
}

/* --- hostile ------------------------------------------------------------------------------------
 */

/* Thousands of confirmations and revisions by one partner: one voice, a bounded look. */
static void test_view_inbox__bears_a_partner_that_says_much(void **state)
{
    const struct store *store = &base->writer;
    struct id hash, last, unknown = {{7}};
    uint64_t ours = call_with(&base->own, &base->partner, &hash), call;
    uint64_t theirs;

    (void)state;
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < 10000; i++)
        joint_confirm(store, &base->partner, &base->own, ours, &hash, i % 2 == 0);
    theirs = joint_confirm(store, &base->partner, &base->own, ours, &unknown, true);
    call = call_with(&base->partner, &base->own, &last);
    for (unsigned i = 0; i < 3000; i++)
        revise_with(&base->partner, call, &base->own, i % 2 ? "X" : "Y", &last);
    joint_confirm(store, &base->own, &base->partner, call, &unknown, false);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    {
        char expected[200];

        snprintf(expected, sizeof expected,
                 "confirm th-partner/%" PRIu64 " about th-partner/%" PRIu64 " to do\n"
                 "declined th-partner/%" PRIu64 " about cn-own/3\n",
                 base->partner.head.seq, call, theirs);
        check(expected);
    }
}

/* Parties without end, with short and long ids; we are the last of them. */
static void test_view_inbox__bears_thousands_of_parties(void **state)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__Party parties[1200], *pointers[1200];
    uint8_t ids[1200][33] = {{0}};
    struct buffer content = {0};

    (void)state;
    for (unsigned i = 0; i < 1200; i++) {
        caravan__party__init(&parties[i]);
        pointers[i] = &parties[i];
        ids[i][0] = (uint8_t)i;
        ids[i][1] = (uint8_t)(i >> 8);
        parties[i].has_node_id = 1;
        parties[i].node_id.data = ids[i];
        parties[i].node_id.len = i % 2 ? 31 : 33;
    }
    parties[1199].node_id.data = base->own.head.feed.bytes;
    parties[1199].node_id.len = 32;
    announcements_write(CARAVAN__KIND__KIND_VISIT, "Visit", "TH", NULL, &content);
    announcement.n_parties = 1200;
    announcement.parties = pointers;
    assert_true(
        buffer_reserve(&content, protobuf_c_message_get_packed_size(&announcement.base) + 1));
    content.size += protobuf_c_message_pack(&announcement.base, content.data + content.size);
    announcements_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT), buffer_span(&content));
    check("confirm th-partner/3 about th-partner/3 to do\n");
    buffer_finish(&content);
}

/* --- showing ------------------------------------------------------------------------------------
 */

static int show(void *context, const struct view_state *state)
{
    struct buffer *lines = context;

    buffer_printf(lines, "%s type %" PRIu32 " by %" PRIu64 "%s%s\n", state->name,
                  state->content_type, state->event_seq, state->said ? " says " : "",
                  state->said ? state->speaker_handle : "");
    return 0;
}

static void test_view_inbox__shows_what_each_thing_is(void **state)
{
    struct view_inbox_thing *things;
    struct buffer lines = {0};
    struct id hash;
    uint64_t visit = announce(), call = call_with(&base->own, &base->partner, &hash);
    size_t count;

    (void)state;
    sealed_answer(&base->writer, &third, &base->own, visit, "Answer");
    joint_propose(&base->writer, &base->partner, &base->own, call, 20);
    joint_confirm(&base->writer, &base->partner, &base->own, call, &hash, true);
    call = call_with(&base->partner, &base->own, &hash);
    joint_confirm(&base->writer, &base->partner, &base->own,
                  joint_propose(&base->writer, &base->own, &base->partner, call, 20),
                  &base->own.head.hash, true);
    assert_int_equal(read_all(&things, &count, NULL), ERROR_NONE);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(view_inbox_show(eyes.view, &things[i], show, &lines, NULL), ERROR_NONE);
    view_world_lines(&lines, "th-partner/5 type 7 by 6 says th-partner\n"
                             "th-partner/5 type 4 by 5\n"
                             "cn-own/4 type 7 by 4 says th-partner\n"
                             "cn-own/4 type 8 by 3 says th-partner\n"
                             "cn-own/3 type 12 by 3 says ru-third\n"
                             "ru-third/1 type 1 by 1\n"
                             "th-partner/1 type 1 by 1\n");
    free(things);
}

static void test_view_inbox__survives_every_allocation_that_fails(void **state)
{
    struct id hash;
    uint64_t visit = announce(), call = call_with(&base->own, &base->partner, &hash);
    bool done = false;

    (void)state;
    sealed_answer(&base->writer, &third, &base->own, visit, "Answer");
    joint_propose(&base->writer, &base->partner, &base->own, call, 20);
    joint_confirm(&base->writer, &base->partner, &base->own, call, &hash, true);
    call = call_with(&base->partner, &base->own, &hash);
    joint_confirm(&base->writer, &base->partner, &base->own,
                  joint_propose(&base->writer, &base->own, &base->partner, call, 20),
                  &base->own.head.hash, true);
    for (unsigned long n = 1; !done; n++) {
        struct view_inbox_thing *things = NULL;
        struct error error = {0};
        size_t count = 0;
        int code;

        if (n % 3)
            view_reset(eyes.view);
        fault_arm(n);
        code = read_all(&things, &count, &error);
        done = !fault_disarm();
        assert_int_equal(code, done ? ERROR_NONE : ERROR_MEMORY);
        free(things);
    }
    check("refused th-partner/6 about th-partner/5\n"
          "confirm th-partner/5 about th-partner/5 to do\n"
          "declined th-partner/4 about cn-own/4\n"
          "proposal th-partner/3 about cn-own/4 to do\n"
          "answer ru-third/3 about cn-own/3\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_view_inbox__tells_of_partners_and_not_of_us),
        TEST(test_view_inbox__tells_of_answers_the_latest_first),
        TEST(test_view_inbox__marks_an_answer_that_was_taken_back),
        TEST(test_view_inbox__takes_no_other_answers),
        TEST(test_view_inbox__takes_no_copied_answer),
        TEST(test_view_inbox__tells_of_an_answer_once),
        TEST(test_view_inbox__does_not_depend_on_late_contents),
        TEST(test_view_inbox__waits_for_what_is_ours),
        TEST(test_view_inbox__asks_each_mark_once),
        TEST(test_view_inbox__is_worked_on_between_requests),
        TEST(test_view_inbox__asks_until_we_have_said_yes_or_no),
        TEST(test_view_inbox__asks_when_a_revision_names_us_first),
        TEST(test_view_inbox__asks_for_what_was_shared_with_us),
        TEST(test_view_inbox__asks_for_what_was_shared_and_comes_late),
        TEST(test_view_inbox__tells_what_sides_say_of_ours),
        TEST(test_view_inbox__has_nothing_to_do_for_what_we_refused),
        TEST(test_view_inbox__tells_that_a_proposal_of_ours_was_refused),
        TEST(test_view_inbox__does_not_hear_strangers),
        TEST(test_view_inbox__hears_a_side_that_is_named_twice_once),
        TEST(test_view_inbox__bears_a_partner_that_says_much),
        TEST(test_view_inbox__bears_thousands_of_parties),
        TEST(test_view_inbox__shows_what_each_thing_is),
        TEST(test_view_inbox__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
