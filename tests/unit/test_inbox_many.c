/* The inbox of a node whose partner says very much: no request does much work, asking again comes
 * to an end, and what was looked at is not looked at again. Prints what requests take of the
 * processor; CARAVAN_INBOX_MANY says how much the partner says. */
#include "node/core/view_inbox.h"
#include "node/ledger/marks.h"
#include "node/ops/operations.h"
#include "tests/support/fault.h"
#include "tests/support/folder.h"
#include "tests/support/joint.h"
#include "tests/support/sealed.h"
#include "tests/support/view_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define MANY (VIEW_INBOX_MAX + 500)
/* What one look may read: the announcement, what we have said of it, and its arrival. */
#define READS_OF_A_LOOK 4

static struct view_world *base;
static struct sealed_eyes eyes;
static struct folder home;
static struct marks *marks;
static unsigned long many;

/* --- a ledger that counts ----------------------------------------------------------------------
 */

static struct store_operations counting;
static unsigned long reads;

static int count_entries(void *self, const struct id *feed, uint64_t first, uint64_t last,
                         store_entry_visitor visit, void *context, struct error *error)
{
    reads++;
    return base->reader.operations->entries(self, feed, first, last, visit, context, error);
}

static int setup(void **state)
{
    const char *said = getenv("CARAVAN_INBOX_MANY");
    struct store store;
    void *made = NULL;

    (void)state;
    many = said ? strtoul(said, NULL, 10) : MANY;
    assert_int_equal(view_world_setup(&made), 0);
    base = made;
    counting = *base->reader.operations;
    counting.entries = count_entries;
    store = (struct store){&counting, base->reader.self};
    sealed_eyes_open(&eyes, &store, &base->own);
    folder_init(&home);
    return 0;
}

static int teardown(void **state)
{
    void *made = base;

    (void)state;
    marks_destroy(marks);
    folder_finish(&home);
    sealed_eyes_close(&eyes);
    return view_world_teardown(&made);
}

/* --- asking ------------------------------------------------------------------------------------
 */

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct ops_context context_of(void)
{
    return (struct ops_context){.store = base->reader,
                                .view = eyes.view,
                                .opened = eyes.opened,
                                .network = "caravan-test",
                                .feed = base->own.head.feed,
                                .marks = {marks, marks_is_read, marks_set_read}};
}

static int try(const char *name, const ProtobufCMessage *request, struct arena *arena,
               ProtobufCMessage **reply)
{
    struct ops_context context = context_of();
    const struct ops_operation *operation = ops_find(name);
    struct buffer bytes = {0};
    struct error error = {0};
    int code = ops_run(operation, &context, request, &bytes, &error);

    *reply = NULL;
    if (!code) {
        *reply =
            protobuf_c_message_unpack(operation->reply, &arena->allocator, bytes.size, bytes.data);
        assert_non_null(*reply);
    }
    buffer_finish(&bytes);
    return code;
}

static ProtobufCMessage *run(const char *name, const ProtobufCMessage *request, struct arena *arena)
{
    ProtobufCMessage *reply;

    assert_int_equal(try(name, request, arena, &reply), ERROR_NONE);
    return reply;
}

struct asked {
    unsigned requests;
    double worst_ms, all_ms;
    uint64_t unread, to_do, more;
};

/* Until all was counted. No request reads more than a slice does. */
static struct asked ask_all(void)
{
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    struct asked asked = {.requests = 0};
    bool again = true;

    request.has_summary = request.summary = true;
    while (again) {
        const Caravan__InboxReply *reply;
        struct arena arena;
        double began = now_ms(), took;

        arena_init(&arena, SIZE_MAX);
        reads = 0;
        reply = (const Caravan__InboxReply *)run("inbox", &request.base, &arena);
        assert_true(reads <= VIEW_INBOX_SLICE * READS_OF_A_LOOK);
        took = now_ms() - began;
        asked.requests++;
        asked.all_ms += took;
        asked.worst_ms = took > asked.worst_ms ? took : asked.worst_ms;
        asked.unread = reply->unread;
        asked.to_do = reply->to_do;
        again = reply->counting;
        asked.more = 0;
        for (size_t i = 0; i < reply->n_more; i++)
            asked.more += reply->more[i]->count;
        arena_finish(&arena);
    }
    return asked;
}

static void print_asked(const char *what, const struct asked *asked)
{
    printf("%s: %u requests, the longest %.2f ms, all %.0f ms\n", what, asked->requests,
           asked->worst_ms, asked->all_ms);
}

/* --- what the partner says ---------------------------------------------------------------------
 */

static void say(unsigned long announcements, unsigned long answers)
{
    struct institution *sides[] = {&base->partner, &base->own}, *us[] = {&base->own};
    const unsigned days[] = {1, 2};
    struct buffer call = {0}, answer = {0};
    uint64_t visit = announcements_publish(&base->writer, &base->own, CARAVAN__KIND__KIND_VISIT,
                                           "Visit", "CN", NULL);

    joint_write("Call", sides, days, 2, &call);
    sealed_interest_bytes(&base->own, visit, "Hello", &answer);
    assert_int_equal(base->writer.operations->begin(base->writer.self, NULL), ERROR_NONE);
    for (unsigned long i = 0; i < announcements; i++)
        announcements_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT), buffer_span(&call));
    for (unsigned long i = 0; i < answers; i++)
        sealed_keep(&base->writer, &base->partner, TYPE(INTEREST), buffer_span(&answer), us, 1,
                    NULL);
    assert_int_equal(base->writer.operations->commit(base->writer.self, NULL), ERROR_NONE);
    buffer_finish(&call);
    buffer_finish(&answer);
}

static void mark_all(uint64_t expected)
{
    Caravan__MarkRequest request = CARAVAN__MARK_REQUEST__INIT;
    double worst = 0, began;
    uint64_t changed = 0;
    unsigned requests = 0;
    bool more = true;

    while (more) {
        const Caravan__MarkReply *reply;
        struct arena arena;

        arena_init(&arena, SIZE_MAX);
        began = now_ms();
        reply = (const Caravan__MarkReply *)run("mark", &request.base, &arena);
        worst = now_ms() - began > worst ? now_ms() - began : worst;
        assert_true(reply->changed <= 1000);
        changed += reply->changed;
        more = reply->more;
        requests++;
        arena_finish(&arena);
    }
    printf("mark all: %u requests, the longest %.2f ms\n", requests, worst);
    assert_int_equal(changed, expected);
}

static void test_inbox_many__bears_a_partner_that_says_very_much(void **state)
{
    struct asked asked;
    uint64_t kept = many < VIEW_INBOX_MAX ? many : VIEW_INBOX_MAX;
    double began;

    (void)state;
    assert_int_equal(marks_create(folder_file(&home, MARKS_FILE), &marks, NULL), ERROR_NONE);
    say(many, many);
    began = now_ms();
    assert_int_equal(view_update(eyes.view, NULL), ERROR_NONE);
    printf("what %lu announcements and answers tell: %.0f ms\n", many, now_ms() - began);
    asked = ask_all();
    print_asked("right after a start", &asked);
    assert_int_equal(asked.unread, 2 * kept + 1); /* and the partner */
    assert_int_equal(asked.to_do, kept);
    assert_int_equal(asked.more, 2 * (many - kept));
    asked = ask_all();
    print_asked("then", &asked);
    assert_int_equal(asked.requests, 1);
    assert_int_equal(reads, 0);
    announcements_withdraw(&base->writer, &base->partner, base->partner.head.seq, NULL);
    asked = ask_all();
    print_asked("one was taken back", &asked);
    assert_int_equal(asked.requests, 1);
    assert_in_range(reads, 0, READS_OF_A_LOOK);
    assert_int_equal(asked.unread, 2 * kept + 1);
    mark_all(2 * kept + 1);
    assert_int_equal(ask_all().unread, 0);
}

/* One thing by its name, asked for while others are still looked at; one that is not kept. */
static void test_inbox_many__finds_one_while_it_counts(void **state)
{
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    Caravan__MarkRequest marking = CARAVAN__MARK_REQUEST__INIT;
    const Caravan__InboxReply *reply;
    ProtobufCMessage *message;
    char name[64];
    struct arena arena;
    unsigned requests = 0;

    (void)state;
    assert_int_equal(marks_create(folder_file(&home, MARKS_FILE), &marks, NULL), ERROR_NONE);
    say(many, 1);
    arena_init(&arena, SIZE_MAX);
    snprintf(name, sizeof name, "th-partner/%lu", many - 4000);
    request.name = marking.name = name;
    do {
        reply = (const Caravan__InboxReply *)run("inbox", &request.base, &arena);
        requests++;
    } while (reply->counting);
    assert_in_range(requests, 2, many);
    assert_int_equal(reply->n_things, 1);
    assert_int_equal(reply->things[0]->seq, many - 4000);
    assert_false(reply->things[0]->read);
    message = run("mark", &marking.base, &arena);
    assert_int_equal(((Caravan__MarkReply *)message)->changed, 1);
    assert_false(((Caravan__MarkReply *)message)->more);
    reply = (const Caravan__InboxReply *)run("inbox", &request.base, &arena);
    assert_true(reply->things[0]->read);
    marking.has_unread = marking.unread = true;
    message = run("mark", &marking.base, &arena);
    assert_int_equal(((Caravan__MarkReply *)message)->changed, 1);
    snprintf(name, sizeof name, "th-partner/3"); /* the oldest */
    while (try("mark", &marking.base, &arena, &message) == ERROR_NONE)
        assert_true(((Caravan__MarkReply *)message)->more);
    assert_int_equal(try("inbox", &request.base, &arena, &message), ERROR_NOT_FOUND);
    arena_finish(&arena);
}

/* --- memory ------------------------------------------------------------------------------------
 */

static void fail_each(const char *name, const ProtobufCMessage *request)
{
    struct ops_context context = context_of();
    bool done = false;

    for (unsigned long n = 1; !done; n++) {
        struct buffer bytes = {0};
        struct error error = {0};
        int code;

        if (n % 2)
            view_reset(eyes.view);
        fault_arm(n);
        code = ops_run(ops_find(name), &context, request, &bytes, &error);
        done = !fault_disarm();
        assert_int_equal(code, done ? ERROR_NONE : ERROR_MEMORY);
        buffer_finish(&bytes);
    }
}

static void test_inbox_many__survives_every_allocation_that_fails(void **state)
{
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    Caravan__MarkRequest marking = CARAVAN__MARK_REQUEST__INIT;
    struct asked asked;

    (void)state;
    assert_int_equal(marks_create(folder_file(&home, MARKS_FILE), &marks, NULL), ERROR_NONE);
    say(5, 2);
    fail_each("inbox", &request.base);
    fail_each("mark", &marking.base);
    asked = ask_all();
    assert_int_equal(asked.unread, 0);
    assert_int_equal(asked.to_do, 5);
    marking.has_unread = marking.unread = true;
    marking.name = (char *)(uintptr_t) "th-partner/3";
    fail_each("mark", &marking.base);
    assert_int_equal(ask_all().unread, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_inbox_many__bears_a_partner_that_says_very_much, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_inbox_many__finds_one_while_it_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_inbox_many__survives_every_allocation_that_fails,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
