/* What we say of an announcement, made ready: what is refused and why, and who can read it. */
#include "node/ops/operations.h"

#include "tests/support/fault.h"
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
#define NAME_SIZE 64

/* Ours is number 1; 4 is an institution whose certificate is known and whose feed is not. */
static struct view_world *base;
static struct institution third, fourth;
static struct sealed_eyes eyes;
static struct error error;
static struct arena arena;

static int keep_certificate(void *context, const struct store_entry *stored)
{
    buffer_append(context, stored->entry.content.data, stored->entry.content.size);
    return 1;
}

/* As ingest does it with entry 1. */
static void know(const struct institution *institution)
{
    const struct store *store = &base->writer;
    struct buffer encoded = {0};
    struct store_certificate certificate = {.number = 1, .seq = 1};

    assert_int_equal(store->operations->entries(store->self, &institution->head.feed, 1, 1,
                                                keep_certificate, &encoded, NULL),
                     ERROR_NONE);
    certificate.encoded = buffer_span(&encoded);
    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    assert_int_equal(store->operations->put_certificate(store->self, &institution->head.feed,
                                                        &certificate, NULL),
                     ERROR_NONE);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
    buffer_finish(&encoded);
}

static int setup(void **state)
{
    void *made = NULL;

    (void)state;
    assert_int_equal(view_world_setup(&made), 0);
    base = made;
    institution_init(&third, 3);
    institution_init(&fourth, 4);
    announcements_join(&base->writer, &third, "ru-third", "RU");
    announcements_join(&base->writer, &fourth, "za-fourth", "ZA");
    know(&base->own);
    know(&base->partner);
    know(&third);
    sealed_eyes_open(&eyes, &base->reader, &base->own);
    arena_init(&arena, 64 * 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    void *made = base;

    (void)state;
    arena_finish(&arena);
    sealed_eyes_close(&eyes);
    institution_finish(&third);
    institution_finish(&fourth);
    return view_world_teardown(&made);
}

/* --- asking -------------------------------------------------------------------------------------
 */

static struct ops_context context_of(void)
{
    return (struct ops_context){.store = base->reader,
                                .view = eyes.view,
                                .opened = eyes.opened,
                                .network = INSTITUTION_NETWORK,
                                .feed = base->own.head.feed,
                                .now_ms = INSTITUTION_START_MS,
                                .first_try = true,
                                .last_try = true};
}

static void *run(const char *name, const ProtobufCMessage *request, int *code)
{
    const struct ops_operation *operation = ops_find(name);
    struct ops_context context = context_of();
    struct buffer bytes = {0};
    void *reply = NULL;

    error_clear(&error);
    *code = ops_run(operation, &context, request, &bytes, &error);
    if (!*code)
        reply =
            protobuf_c_message_unpack(operation->reply, &arena.allocator, bytes.size, bytes.data);
    buffer_finish(&bytes);
    return reply;
}

static Caravan__PrepareRequest request_for(const char *name, uint32_t type, struct span content)
{
    Caravan__PrepareRequest request = CARAVAN__PREPARE_REQUEST__INIT;

    request.name = (char *)(uintptr_t)name;
    request.has_content_type = request.has_content = 1;
    request.content_type = type;
    request.content.data = (uint8_t *)(uintptr_t)content.data;
    request.content.len = content.size;
    return request;
}

static Caravan__PrepareReply *prepare(const Caravan__PrepareRequest *request)
{
    int code;
    void *reply = run("prepare", &request->base, &code);

    if (!reply)
        fail_msg("prepare: %s", error.text);
    return reply;
}

static void refuse(const Caravan__PrepareRequest *request, enum error_code expected,
                   const char *part)
{
    int code;

    assert_null(run("prepare", &request->base, &code));
    if (code != (int)expected || !strstr(error.text, part))
        fail_msg("%s \"%s\", expected %s \"%s\"", error_name((enum error_code)code), error.text,
                 error_name(expected), part);
    assert_int_equal(error.code, expected);
}

static void refuse_one(const char *name, uint32_t type, struct span content,
                       enum error_code expected, const char *part)
{
    Caravan__PrepareRequest request = request_for(name, type, content);

    refuse(&request, expected, part);
}

static Caravan__PrepareReply *prepare_one(const char *name, uint32_t type, struct span content)
{
    Caravan__PrepareRequest request = request_for(name, type, content);

    return prepare(&request);
}

/* As put does it; returns its seq. */
static uint64_t put(const Caravan__PrepareReply *reply)
{
    return announcements_keep(&base->writer, &base->own, reply->content_type,
                              span_of(reply->content.data, reply->content.len));
}

static struct span pack(const ProtobufCMessage *message)
{
    uint8_t *bytes = arena_alloc(&arena, protobuf_c_message_get_packed_size(message) + 1);

    assert_non_null(bytes);
    return span_of(bytes, protobuf_c_message_pack(message, bytes));
}

static const char *name_of(const char *handle, uint64_t seq)
{
    char *name = arena_alloc(&arena, NAME_SIZE);

    assert_non_null(name);
    snprintf(name, NAME_SIZE, "%s/%" PRIu64, handle, seq);
    return name;
}

static struct span visit_bytes(const char *title)
{
    struct buffer content = {0};
    struct span bytes;

    announcements_write(CARAVAN__KIND__KIND_VISIT, title, "CN", NULL, &content);
    bytes = span_of(arena_copy_text(&arena, content.data, content.size), content.size);
    buffer_finish(&content);
    return bytes;
}

/* A call of the partner, public or sealed for us and the third one, in which we are a side. */
static struct span call_bytes(struct institution *lead, struct institution *side)
{
    struct institution *sides[] = {lead, side};
    const unsigned days[] = {15, 1};
    struct buffer content = {0};
    struct span bytes;

    joint_write("Call", sides, days, 2, &content);
    bytes = span_of(arena_copy_text(&arena, content.data, content.size), content.size);
    buffer_finish(&content);
    return bytes;
}

static const char *call_of_partner(void)
{
    return name_of("th-partner",
                   announcements_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT),
                                      call_bytes(&base->partner, &base->own)));
}

static const char *visit_of(struct institution *publisher, const char *handle)
{
    return name_of(handle, announcements_publish(&base->writer, publisher,
                                                 CARAVAN__KIND__KIND_VISIT, "Visit", "CN", NULL));
}

static Caravan__PrepareReply *prepare_announcement(char **audience, size_t count)
{
    Caravan__PrepareRequest request =
        request_for(NULL, TYPE(ANNOUNCEMENT), visit_bytes("For some"));

    request.n_audience = count;
    request.audience = audience;
    return prepare(&request);
}

/* What one institution sees of our entry: its true type; SEALED when it cannot read it. */
static int take_type(void *context, const struct store_entry *stored)
{
    *(uint32_t *)context = stored->entry.content_type;
    return 1;
}

static uint32_t type_for(struct institution *institution, uint64_t seq)
{
    struct opened *opened;
    struct store store;
    uint32_t type = 0;

    assert_int_equal(
        opened_create(&base->reader, INSTITUTION_NETWORK, &institution->sealing, 1, &opened, NULL),
        ERROR_NONE);
    store = opened_store(opened);
    assert_int_equal(
        store.operations->entries(store.self, &base->own.head.feed, 1, seq, take_type, &type, NULL),
        ERROR_NONE);
    /* all are visited, so that Readers count */
    for (uint64_t i = 1; i <= base->own.head.seq; i++)
        assert_int_equal(store.operations->entries(store.self, &base->own.head.feed, i, i,
                                                   take_type, &type, NULL),
                         ERROR_NONE);
    assert_int_equal(store.operations->entries(store.self, &base->own.head.feed, seq, seq,
                                               take_type, &type, NULL),
                     ERROR_NONE);
    opened_destroy(opened);
    return type;
}

/* --- what is asked of all ------------------------------------------------------------------------
 */

static void test_ops_prepare__knows_its_types(void **state)
{
    static const uint32_t others[] = {0, 1, 2, 3, 10, 11, 13, 15, 1000, UINT32_MAX};
    char expected[100];

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(expected, sizeof expected,
                 "content_type: found %" PRIu32 ", expected 4 to 9, 12 or 14", others[i]);
        refuse_one("th-partner/3", others[i], span_of(NULL, 0), ERROR_INVALID, expected);
    }
}

static void test_ops_prepare__needs_an_announcement_to_speak_of(void **state)
{
    static const uint32_t types[] = {TYPE(REVISION), TYPE(WITHDRAWAL), TYPE(CONFIRMATION),
                                     TYPE(PROPOSAL), TYPE(OUTCOME),    TYPE(INTEREST),
                                     TYPE(READER)};
    static char long_name[5000];

    (void)state;
    announcements_keep_as(&base->writer, &base->partner, TYPE(ANNOUNCEMENT), visit_bytes("Gone"), 1,
                          false);
    announcements_keep_as(&base->writer, &base->partner, TYPE(ANNOUNCEMENT), visit_bytes("New"), 9,
                          true);
    sealed_announce(&base->writer, &base->partner, "Theirs", (struct institution *[]){&third}, 1,
                    NULL);
    memset(long_name, 'x', sizeof long_name - 1);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        refuse_one(NULL, types[i], span_of(NULL, 0), ERROR_INVALID, "no name of an announcement");
        refuse_one(long_name, types[i], span_of(NULL, 0), ERROR_INVALID, "no name of an");
        refuse_one("th-partner", types[i], span_of(NULL, 0), ERROR_INVALID, "no name of an");
        refuse_one("xx-nobody/3", types[i], span_of(NULL, 0), ERROR_NOT_FOUND, "xx-nobody");
        refuse_one("th-partner/99", types[i], span_of(NULL, 0), ERROR_NOT_FOUND,
                   "there is no th-partner/99 here; 5 entries");
        refuse_one("th-partner/2", types[i], span_of(NULL, 0), ERROR_INVALID,
                   "th-partner/2 is no announcement");
        refuse_one("th-partner/3", types[i], span_of(NULL, 0), ERROR_INVALID, "is missing");
        refuse_one("th-partner/4", types[i], span_of(NULL, 0), ERROR_INVALID, "a newer one");
        refuse_one("th-partner/5", types[i], span_of(NULL, 0), ERROR_INVALID,
                   "sealed for other institutions");
    }
}

static void test_ops_prepare__refuses_contents_that_cannot_be_read(void **state)
{
    static const uint32_t types[] = {TYPE(CONFIRMATION), TYPE(PROPOSAL), TYPE(OUTCOME),
                                     TYPE(INTEREST), TYPE(ANNOUNCEMENT)};
    const char *call = call_of_partner();

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        refuse_one(call, types[i], span_of_text("\x0a\xff\x01"), ERROR_MALFORMED, "");
}

static void test_ops_prepare__says_nothing_of_what_was_withdrawn(void **state)
{
    Caravan__Proposal proposal = CARAVAN__PROPOSAL__INIT;
    Caravan__PrepareRequest reader;
    const char *call = call_of_partner();
    uint64_t ours = announcements_publish(&base->writer, &base->own, CARAVAN__KIND__KIND_VISIT,
                                          "Visit", "CN", NULL);

    (void)state;
    announcements_withdraw(&base->writer, &base->partner, 3, NULL);
    announcements_withdraw(&base->writer, &base->own, ours, NULL);
    refuse_one(call, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_INVALID, "was withdrawn");
    refuse_one(call, TYPE(PROPOSAL), pack(&proposal.base), ERROR_INVALID, "was withdrawn");
    refuse_one(call, TYPE(INTEREST), span_of(NULL, 0), ERROR_INVALID, "was withdrawn");
    refuse_one("cn-own/3", TYPE(REVISION), visit_bytes("New"), ERROR_INVALID, "was withdrawn");
    refuse_one("cn-own/3", TYPE(WITHDRAWAL), span_of(NULL, 0), ERROR_INVALID, "was withdrawn");
    reader = request_for("cn-own/3", TYPE(READER), span_of(NULL, 0));
    refuse(&reader, ERROR_INVALID, "is public");
}

/* --- confirmations -------------------------------------------------------------------------------
 */

static Caravan__PrepareReply *confirm(const char *call, bool declined)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;

    confirmation.has_declined = confirmation.declined = declined;
    return prepare_one(call, TYPE(CONFIRMATION), pack(&confirmation.base));
}

static void test_ops_prepare__confirms_what_is_in_force(void **state)
{
    const char *call = call_of_partner();
    Caravan__PrepareReply *reply = confirm(call, false);
    Caravan__Confirmation *made =
        caravan__confirmation__unpack(&arena.allocator, reply->content.len, reply->content.data);

    (void)state;
    assert_int_equal(reply->content_type, TYPE(CONFIRMATION));
    assert_int_equal(reply->n_audience, 0);
    assert_int_equal(reply->revision, 3);
    assert_false(reply->has_previous);
    assert_non_null(made);
    assert_memory_equal(made->entry_hash.data, base->partner.head.hash.bytes, 32);
    assert_memory_equal(made->announcement->feed.data, base->partner.head.feed.bytes, 32);
    assert_int_equal(made->announcement->seq, 3);
}

/* To confirm, to decline and to confirm again are three things; each of them said twice is one. */
static void test_ops_prepare__knows_what_was_said_before(void **state)
{
    const char *call = call_of_partner();
    Caravan__PrepareReply *first = confirm(call, false), *again, *declined;
    uint64_t seq = put(first);

    (void)state;
    again = confirm(call, false);
    assert_true(again->same);
    assert_int_equal(again->previous, seq);
    assert_memory_equal(again->previous_hash.data, base->own.head.hash.bytes, 32);
    declined = confirm(call, true);
    assert_false(declined->same);
    assert_int_equal(declined->previous, seq);
    seq = put(declined);
    again = confirm(call, false);
    assert_false(again->same);
    assert_int_equal(again->previous, seq);
    put(again);
    assert_true(confirm(call, false)->same);
    announcements_revise(&base->writer, &base->partner, 3, CARAVAN__KIND__KIND_VISIT, "No side",
                         "TH");
    refuse_one(call, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_DENIED, "names no party");
}

static void test_ops_prepare__confirms_nothing_that_was_not_seen(void **state)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;
    const char *call = call_of_partner();
    struct id seen = base->partner.head.hash;
    struct buffer revision = {0};

    (void)state;
    announcements_revision(3, call_bytes(&base->partner, &base->own), &revision);
    announcements_keep(&base->writer, &base->partner, TYPE(REVISION), buffer_span(&revision));
    confirmation.has_entry_hash = 1;
    confirmation.entry_hash.data = seen.bytes;
    confirmation.entry_hash.len = 32;
    refuse_one(call, TYPE(CONFIRMATION), pack(&confirmation.base), ERROR_INVALID,
               "has been revised by No. 4 meanwhile");
    confirmation.entry_hash.len = 31;
    refuse_one(call, TYPE(CONFIRMATION), pack(&confirmation.base), ERROR_INVALID, "entry_hash");
    buffer_finish(&revision);
}

static void test_ops_prepare__only_sides_confirm_and_propose(void **state)
{
    Caravan__Proposal proposal = CARAVAN__PROPOSAL__INIT;
    const char *visit = visit_of(&base->partner, "th-partner");
    const char *ours =
        name_of("cn-own", announcements_keep(&base->writer, &base->own, TYPE(ANNOUNCEMENT),
                                             call_bytes(&base->own, &third)));

    (void)state;
    refuse_one(visit, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_DENIED,
               "names no party with our feed");
    refuse_one(visit, TYPE(PROPOSAL), pack(&proposal.base), ERROR_DENIED, "names no party");
    refuse_one(ours, TYPE(CONFIRMATION), span_of(NULL, 0), ERROR_INVALID,
               "is our own announcement: our side is confirmed by publishing");
    refuse_one(ours, TYPE(PROPOSAL), pack(&proposal.base), ERROR_INVALID, "our own announcement");
}

/* --- proposals -----------------------------------------------------------------------------------
 */

static struct span proposal_bytes(unsigned day)
{
    struct buffer content = {0};
    struct span bytes;

    joint_proposal(&base->partner, 3, &base->own, day, &content);
    bytes = span_of(arena_copy_text(&arena, content.data, content.size), content.size);
    buffer_finish(&content);
    return bytes;
}

static void test_ops_prepare__proposes_for_our_side_alone(void **state)
{
    const char *call = call_of_partner();
    Caravan__Proposal *proposal, empty = CARAVAN__PROPOSAL__INIT;
    Caravan__PrepareReply *reply;
    struct span bytes = proposal_bytes(20);

    (void)state;
    refuse_one(call, TYPE(PROPOSAL), pack(&empty.base), ERROR_INVALID, "party is absent");
    proposal = caravan__proposal__unpack(&arena.allocator, bytes.size, bytes.data);
    proposal->party->node_id.data = third.head.feed.bytes; /* by a slip: it is ours all the same */
    reply = prepare_one(call, TYPE(PROPOSAL), pack(&proposal->base));
    proposal = caravan__proposal__unpack(&arena.allocator, reply->content.len, reply->content.data);
    assert_memory_equal(proposal->party->node_id.data, base->own.head.feed.bytes, 32);
    assert_memory_equal(proposal->entry_hash.data, base->partner.head.hash.bytes, 32);
    proposal->party->country = arena_copy_text(&arena, "Cathay", 6);
    proposal->has_entry_hash = 0;
    refuse_one(call, TYPE(PROPOSAL), pack(&proposal->base), ERROR_INVALID,
               "with these terms the announcement");
}

/* What was taken back can be proposed again: that is another entry, not a retry. */
static void test_ops_prepare__can_say_again_what_was_taken_back(void **state)
{
    const char *call = call_of_partner();
    Caravan__PrepareReply *first = prepare_one(call, TYPE(PROPOSAL), proposal_bytes(20)), *again;
    uint64_t seq = put(first);
    struct id hash = base->own.head.hash;

    (void)state;
    assert_false(first->has_previous);
    assert_true(prepare_one(call, TYPE(PROPOSAL), proposal_bytes(20))->same);
    announcements_withdraw(&base->writer, &base->own, seq, NULL);
    again = prepare_one(call, TYPE(PROPOSAL), proposal_bytes(20));
    assert_false(again->same);
    assert_true(again->has_previous_hash);
    assert_memory_equal(again->previous_hash.data, hash.bytes, 32);
}

/* --- refusals ------------------------------------------------------------------------------------
 */

/* No. `seq` of the third institution is refused. */
static Caravan__PrepareRequest refusal_of(const char *call, uint64_t seq, bool declined)
{
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    Caravan__Confirmation refusal = CARAVAN__CONFIRMATION__INIT;

    name.has_feed = name.has_seq = 1;
    name.feed = (ProtobufCBinaryData){32, third.head.feed.bytes};
    name.seq = seq;
    refusal.announcement = &name;
    refusal.has_declined = refusal.declined = declined;
    return request_for(call, TYPE(CONFIRMATION), pack(&refusal.base));
}

static void test_ops_prepare__refuses_what_a_side_proposes(void **state)
{
    uint64_t seq = announcements_keep(&base->writer, &base->own, TYPE(ANNOUNCEMENT),
                                      call_bytes(&base->own, &third));
    uint64_t proposal = joint_propose(&base->writer, &third, &base->own, seq, 20);
    const char *call = name_of("cn-own", seq);
    Caravan__PrepareRequest request = refusal_of(call, proposal, true);
    Caravan__PrepareReply *reply = prepare(&request);
    Caravan__Confirmation *made =
        caravan__confirmation__unpack(&arena.allocator, reply->content.len, reply->content.data);

    (void)state;
    assert_int_equal(reply->content_type, TYPE(CONFIRMATION));
    assert_int_equal(reply->revision, seq);
    assert_false(reply->has_previous);
    assert_memory_equal(made->announcement->feed.data, third.head.feed.bytes, 32);
    assert_int_equal(made->announcement->seq, proposal);
    assert_memory_equal(made->entry_hash.data, third.head.hash.bytes, 32);
    assert_true(made->declined);
    put(reply);
    reply = prepare(&request); /* said before */
    assert_true(reply->same);
    assert_int_equal(reply->previous, base->own.head.seq);
    proposal = joint_propose(&base->writer, &third, &base->own, seq, 20);
    refuse(&request, ERROR_INVALID, "look at it again"); /* it has proposed anew */
    request = refusal_of(call, proposal, true);
    assert_false(prepare(&request)->has_previous);
}

static void test_ops_prepare__refuses_only_what_is_proposed_to_us(void **state)
{
    uint64_t seq = announcements_keep(&base->writer, &base->own, TYPE(ANNOUNCEMENT),
                                      call_bytes(&base->own, &third));
    const char *call = name_of("cn-own", seq), *theirs = call_of_partner();
    Caravan__PrepareRequest request = refusal_of(call, 3, true);
    uint64_t proposal;

    (void)state;
    refuse(&request, ERROR_NOT_FOUND, "no side with this feed proposes other terms");
    proposal = joint_propose(&base->writer, &third, &base->own, seq, 20);
    request = refusal_of(call, proposal, false);
    refuse(&request, ERROR_INVALID, "declined: found no");
    request = refusal_of(theirs, proposal, true);
    refuse(&request, ERROR_DENIED, "only its publisher can refuse");
    request = refusal_of(call, proposal, true);
    prepare(&request);
    announcements_withdraw(&base->writer, &base->own, seq, NULL);
    refuse(&request, ERROR_INVALID, "was withdrawn");
}

static void test_ops_prepare__refuses_under_the_same_seal(void **state)
{
    struct institution *audience[] = {&third};
    uint64_t seq = sealed_keep(&base->writer, &base->own, TYPE(ANNOUNCEMENT),
                               call_bytes(&base->own, &third), audience, 1, NULL);
    Caravan__PrepareRequest request = refusal_of(
        name_of("cn-own", seq), joint_propose(&base->writer, &third, &base->own, seq, 20), true);
    Caravan__PrepareReply *reply = prepare(&request);
    uint64_t refusal = put(reply);

    (void)state;
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    assert_string_equal(reply->audience[0], "ru-third");
    assert_int_equal(type_for(&third, refusal), TYPE(CONFIRMATION));
    assert_int_equal(type_for(&base->partner, refusal), TYPE(SEALED));
}

/* Whoever insists says so in an entry of its own. */
static void test_ops_prepare__can_propose_again_what_was_refused(void **state)
{
    const char *call = call_of_partner();
    Caravan__PrepareReply *again;
    uint64_t seq = put(prepare_one(call, TYPE(PROPOSAL), proposal_bytes(20)));

    (void)state;
    assert_true(prepare_one(call, TYPE(PROPOSAL), proposal_bytes(20))->same);
    joint_confirm(&base->writer, &base->partner, &base->own, seq, &base->own.head.hash, true);
    again = prepare_one(call, TYPE(PROPOSAL), proposal_bytes(20));
    assert_false(again->same);
    assert_int_equal(again->previous, seq);
    put(again);
    assert_true(prepare_one(call, TYPE(PROPOSAL), proposal_bytes(20))->same);
}

/* --- outcomes ------------------------------------------------------------------------------------
 */

static void test_ops_prepare__tells_an_outcome_of_ours_only(void **state)
{
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;
    const char *visit = visit_of(&base->partner, "th-partner");
    const char *ours = visit_of(&base->own, "cn-own");
    const char *call = call_of_partner();

    (void)state;
    outcome.has_what = 1;
    outcome.what = CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_AWARDED;
    refuse_one(visit, TYPE(OUTCOME), pack(&outcome.base), ERROR_DENIED, "is not ours");
    assert_int_equal(prepare_one(ours, TYPE(OUTCOME), pack(&outcome.base))->content_type,
                     TYPE(OUTCOME));
    assert_int_equal(prepare_one(call, TYPE(OUTCOME), pack(&outcome.base))->content_type,
                     TYPE(OUTCOME));
    outcome.what = CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_UNSPECIFIED;
    refuse_one(ours, TYPE(OUTCOME), pack(&outcome.base), ERROR_INVALID, "what: found 0, expected");
    outcome.what = 99;
    refuse_one(ours, TYPE(OUTCOME), pack(&outcome.base), ERROR_INVALID, "what: found 99, expected");
}

/* --- for some only
 * -------------------------------------------------------------------------------- */

static void test_ops_prepare__seals_a_new_announcement(void **state)
{
    char *two[] = {"TH-Partner", "th-partner", "ru-third", "cn-own"}; /* ourselves: in any case */
    Caravan__PrepareReply *reply = prepare_announcement(two, 4);
    uint64_t seq = put(reply);

    (void)state;
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_false(reply->has_revision);
    assert_int_equal(reply->n_audience, 2);
    assert_string_equal(reply->audience[0], "th-partner");
    assert_string_equal(reply->audience[1], "ru-third");
    assert_int_equal(type_for(&base->own, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(type_for(&base->partner, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(type_for(&third, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(type_for(&fourth, seq), TYPE(SEALED));
}

static void test_ops_prepare__refuses_an_audience_that_cannot_be(void **state)
{
    char *unknown[] = {"xx-nobody"}, *us[] = {"cn-own"}, *no_card[] = {"ru-third", "za-fourth"};
    Caravan__PrepareRequest request =
        request_for(NULL, TYPE(ANNOUNCEMENT), visit_bytes("For some"));

    (void)state;
    refuse(&request, ERROR_INVALID, "audience: found none, expected the handles");
    request.n_audience = 1;
    request.audience = us;
    refuse(&request, ERROR_INVALID, "audience: found none");
    request.audience = unknown;
    refuse(&request, ERROR_NOT_FOUND, "no institution is known as \"xx-nobody\"");
    request.n_audience = 2;
    request.audience = no_card;
    refuse(&request, ERROR_NOT_FOUND,
           "nothing can be sealed for za-fourth: its certificate is not known here");
    request = request_for(NULL, TYPE(ANNOUNCEMENT), visit_bytes(""));
    request.n_audience = 1;
    request.audience = no_card;
    refuse(&request, ERROR_INVALID, "title");
}

/* Somebody spoke of a feed that nobody knows: it has no name, and nothing is sealed for it. */
static void test_ops_prepare__does_not_know_feeds_that_were_only_named(void **state)
{
    struct institution unseen;
    char hex[2 * BYTES_ID_SIZE + 1], *audience[] = {hex};
    Caravan__PrepareRequest request =
        request_for(NULL, TYPE(ANNOUNCEMENT), visit_bytes("For some"));
    struct id hash = {{1}};

    (void)state;
    institution_init(&unseen, 7);
    bytes_to_hex(unseen.head.feed.bytes, BYTES_ID_SIZE, hex);
    joint_confirm(&base->writer, &base->partner, &unseen, 3, &hash, false);
    request.n_audience = 1;
    request.audience = audience;
    refuse(&request, ERROR_NOT_FOUND, "no institution is known as");
    institution_finish(&unseen);
}

/* What would fit into an entry does not fit sealed. */
static void test_ops_prepare__knows_how_much_can_be_sealed(void **state)
{
    char *one[] = {"ru-third"};
    Caravan__Announcement *announcement;
    struct span bytes = visit_bytes("Long");
    Caravan__PrepareRequest request;
    Caravan__LocalizedText texts[20], *pointers[20];
    char *text = arena_alloc(&arena, 3301);
    static const char *const languages[] = {"en", "th", "zh", "ru", "si", "fr", "de",
                                            "es", "it", "pt", "ja", "ko", "ar", "fa",
                                            "tr", "pl", "cs", "sv", "fi", "da"};

    (void)state;
    memset(text, 'a', 3250);
    announcement = caravan__announcement__unpack(&arena.allocator, bytes.size, bytes.data);
    for (size_t i = 0; i < 20; i++) {
        caravan__localized_text__init(&texts[i]);
        texts[i].lang = (char *)(uintptr_t)languages[i];
        texts[i].text = text;
        pointers[i] = &texts[i];
    }
    announcement->n_description = 20;
    announcement->description = pointers;
    bytes = pack(&announcement->base);
    assert_in_range(bytes.size, seal_room(1) + 1, LIMIT_CONTENT_SIZE);
    request = request_for(NULL, TYPE(ANNOUNCEMENT), bytes);
    request.n_audience = 1;
    request.audience = one;
    refuse(&request, ERROR_TOO_LARGE, "bytes");
}

/* A party that could not read it could not confirm it. */
static void test_ops_prepare__leaves_no_party_out(void **state)
{
    struct institution *sides[] = {&base->own, &base->partner, &third, &third};
    const unsigned days[] = {15, 1, 2, 3};
    char *one[] = {"th-partner"}, *both[] = {"th-partner", "ru-third"};
    struct buffer content = {0};
    Caravan__PrepareRequest request;
    uint64_t seq;

    (void)state;
    joint_write("Call", sides, days, 4, &content);
    request = request_for(NULL, TYPE(ANNOUNCEMENT), buffer_span(&content));
    request.n_audience = 1;
    request.audience = one;
    refuse(&request, ERROR_INVALID, "found the node id of ru-third, for whom it would not be");
    refuse(&request, ERROR_INVALID, "add ru-third to --to (or to `audience` in the file)");
    request.n_audience = 2;
    request.audience = both;
    assert_int_equal(prepare(&request)->n_audience, 2);
    /* A revision that names one more. */
    seq = put(prepare_announcement(one, 1));
    request = request_for(name_of("cn-own", seq), TYPE(REVISION), buffer_span(&content));
    refuse(&request, ERROR_INVALID, "caravan share cn-own/3 ru-third");
    seq = announcements_publish(&base->writer, &base->own, CARAVAN__KIND__KIND_VISIT, "Visit", "CN",
                                NULL);
    request = request_for(name_of("cn-own", seq), TYPE(REVISION), buffer_span(&content));
    assert_int_equal(prepare(&request)->content_type, TYPE(REVISION)); /* public: all may read it */
    buffer_finish(&content);
}

/* The revision, the confirmation and the withdrawal go to whom the announcement goes. */
static void test_ops_prepare__seals_what_follows(void **state)
{
    char *one[] = {"ru-third"};
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;
    uint64_t seq = put(prepare_announcement(one, 1)), revision;
    const char *name = name_of("cn-own", seq);
    Caravan__PrepareReply *reply = prepare_one(name, TYPE(REVISION), visit_bytes("Revised"));

    (void)state;
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    assert_string_equal(reply->audience[0], "ru-third");
    assert_int_equal(reply->previous, seq);
    assert_false(reply->same);
    revision = put(reply);
    assert_int_equal(type_for(&third, revision), TYPE(REVISION));
    assert_int_equal(type_for(&base->partner, revision), TYPE(SEALED));
    assert_true(prepare_one(name, TYPE(REVISION), visit_bytes("Revised"))->same);
    reply = prepare_one(name, TYPE(WITHDRAWAL), pack(&withdrawal.base));
    assert_int_equal(reply->previous, revision);
    assert_int_equal(type_for(&third, put(reply)), TYPE(WITHDRAWAL));
    refuse_one(name, TYPE(REVISION), visit_bytes("Too late"), ERROR_INVALID, "was withdrawn");
}

static void test_ops_prepare__a_side_confirms_under_the_same_seal(void **state)
{
    struct institution *audience[] = {&base->own, &third};
    uint64_t call = sealed_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT),
                                call_bytes(&base->partner, &base->own), audience, 2, NULL);
    Caravan__PrepareReply *reply = confirm(name_of("th-partner", call), false);
    uint64_t seq = put(reply);

    (void)state;
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 2);
    assert_int_equal(type_for(&base->partner, seq), TYPE(CONFIRMATION));
    assert_int_equal(type_for(&third, seq), TYPE(CONFIRMATION));
    assert_int_equal(type_for(&fourth, seq), TYPE(SEALED));
    assert_true(confirm(name_of("th-partner", call), false)->same);
}

static void test_ops_prepare__changes_only_our_own(void **state)
{
    const char *visit = visit_of(&base->partner, "th-partner");
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT, *texts[] = {&text};

    (void)state;
    refuse_one(visit, TYPE(REVISION), visit_bytes("Mine"), ERROR_DENIED, "only its publisher");
    refuse_one(visit, TYPE(WITHDRAWAL), span_of(NULL, 0), ERROR_DENIED, "only its publisher");
    refuse_one(visit, TYPE(READER), span_of(NULL, 0), ERROR_DENIED, "only its publisher");
    visit = visit_of(&base->own, "cn-own");
    withdrawal.n_reason = 1;
    withdrawal.reason = texts;
    refuse_one(visit, TYPE(WITHDRAWAL), pack(&withdrawal.base), ERROR_INVALID,
               "reason[1]: expected a text and its language");
    refuse_one(visit, TYPE(REVISION), visit_bytes(""), ERROR_INVALID, "title");
}

/* --- Readers
 * -------------------------------------------------------------------------------------- */

static Caravan__PrepareRequest sharing(const char *name, uint64_t entry, char **audience,
                                       size_t count)
{
    Caravan__PrepareRequest request = request_for(name, TYPE(READER), span_of(NULL, 0));

    request.has_entry = 1;
    request.entry = entry;
    request.n_audience = count;
    request.audience = audience;
    return request;
}

static void test_ops_prepare__lets_a_later_one_read(void **state)
{
    char *one[] = {"ru-third"}, *later[] = {"th-partner"};
    uint64_t seq = put(prepare_announcement(one, 1));
    Caravan__PrepareRequest request = sharing(name_of("cn-own", seq), seq, later, 1);
    Caravan__PrepareReply *reply = prepare(&request);
    uint64_t reader = put(reply);

    (void)state;
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 2);
    assert_int_equal(type_for(&base->partner, reader), TYPE(READER));
    assert_int_equal(type_for(&base->partner, seq), TYPE(ANNOUNCEMENT));
    assert_int_equal(type_for(&fourth, seq), TYPE(SEALED));
    /* and what follows is for it, too */
    reply = prepare_one(name_of("cn-own", seq), TYPE(REVISION), visit_bytes("Revised"));
    assert_int_equal(reply->n_audience, 2);
    assert_int_equal(type_for(&base->partner, put(reply)), TYPE(REVISION));
}

/* The key of another announcement, or of an answer, must not go out by a slip. */
static void test_ops_prepare__gives_no_key_of_something_else(void **state)
{
    char *one[] = {"ru-third"}, *later[] = {"th-partner"};
    uint64_t seq = put(prepare_announcement(one, 1)), other = put(prepare_announcement(one, 1));
    uint64_t answer = sealed_answer(&base->writer, &base->own, &third, 3, "Answer");
    Caravan__PrepareRequest request = sharing(name_of("cn-own", seq), other, later, 1);

    (void)state;
    refuse(&request, ERROR_INVALID, "entry: found 4, expected 3, which first published cn-own/3");
    request.entry = answer;
    refuse(&request, ERROR_INVALID, "entry: found 5");
    request.entry = 0;
    refuse(&request, ERROR_INVALID, "entry: found 0");
    request.entry = 1;
    refuse(&request, ERROR_INVALID, "entry: found 1");
    request.entry = UINT64_MAX;
    refuse(&request, ERROR_INVALID, "entry: found 18446744073709551615");
    request = sharing(visit_of(&base->own, "cn-own"), 6, later, 1);
    refuse(&request, ERROR_INVALID, "is public: everybody may read it");
}

/* --- answers
 * -------------------------------------------------------------------------------------- */

static struct span answer_bytes(const char *text)
{
    struct buffer content = {0};
    struct span bytes;

    sealed_interest_bytes(&third, 99, text, &content); /* about something else: not believed */
    bytes = span_of(arena_copy_text(&arena, content.data, content.size), content.size);
    buffer_finish(&content);
    return bytes;
}

static void test_ops_prepare__answers_its_publisher_alone(void **state)
{
    struct institution *audience[] = {&base->own, &third};
    uint64_t sealed = sealed_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT),
                                  call_bytes(&base->partner, &base->own), audience, 2, NULL);
    Caravan__PrepareReply *reply =
        prepare_one(name_of("th-partner", sealed), TYPE(INTEREST), answer_bytes("Hello"));
    uint64_t seq = put(reply);

    (void)state;
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    assert_string_equal(reply->audience[0], "th-partner");
    assert_int_equal(type_for(&base->partner, seq), TYPE(INTEREST));
    assert_int_equal(type_for(&base->own, seq), TYPE(INTEREST));
    assert_int_equal(type_for(&third, seq), TYPE(SEALED));
}

static void test_ops_prepare__refuses_an_answer_that_says_nothing(void **state)
{
    Caravan__Interest interest = CARAVAN__INTEREST__INIT;
    const char *visit = visit_of(&base->partner, "th-partner");

    (void)state;
    refuse_one(visit, TYPE(INTEREST), pack(&interest.base), ERROR_INVALID, "from: found no name");
    refuse_one(visit, TYPE(INTEREST), answer_bytes(""), ERROR_INVALID,
               "about_us[1]: found no text");
    refuse_one(visit_of(&base->own, "cn-own"), TYPE(INTEREST), answer_bytes("Hello"), ERROR_INVALID,
               "is our own announcement");
    refuse_one(visit_of(&fourth, "za-fourth"), TYPE(INTEREST), answer_bytes("Hello"),
               ERROR_NOT_FOUND, "nothing can be sealed for za-fourth");
}

static void test_ops_prepare__answers_again_what_was_taken_back(void **state)
{
    const char *visit = visit_of(&base->partner, "th-partner");
    Caravan__PrepareReply *reply = prepare_one(visit, TYPE(INTEREST), answer_bytes("Hello"));
    uint64_t seq = put(reply), withdrawal;
    struct id hash = base->own.head.hash;

    (void)state;
    assert_false(reply->has_previous_hash);
    reply = prepare_one(visit, TYPE(INTEREST), answer_bytes("Hello"));
    assert_false(reply->has_previous_hash); /* a retry: the same request id */
    reply = prepare_one(name_of("cn-own", seq), TYPE(WITHDRAWAL), span_of(NULL, 0));
    assert_int_equal(reply->content_type, TYPE(SEALED));
    assert_int_equal(reply->n_audience, 1);
    withdrawal = put(reply);
    assert_int_equal(type_for(&base->partner, withdrawal), TYPE(WITHDRAWAL));
    assert_int_equal(type_for(&third, withdrawal), TYPE(SEALED));
    refuse_one(name_of("cn-own", seq), TYPE(WITHDRAWAL), span_of(NULL, 0), ERROR_INVALID,
               "was withdrawn");
    reply = prepare_one(visit, TYPE(INTEREST), answer_bytes("Hello"));
    assert_true(reply->has_previous_hash);
    assert_memory_equal(reply->previous_hash.data, hash.bytes, 32);
    assert_false(reply->same);
}

/* --- put ---------------------------------------------------------------------------------------
 */

static void refuse_put(const Caravan__PutRequest *request, const char *part)
{
    int code;

    assert_null(run("put", &request->base, &code));
    assert_int_equal(code, ERROR_INVALID);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

/* What has an operation of its own, which checks it, and what prepare never gives. */
static void test_ops_prepare__put_takes_only_what_prepare_gives(void **state)
{
    static const uint32_t others[] = {0,
                                      TYPE(CERTIFICATE),
                                      TYPE(PROFILE),
                                      TYPE(ENDPOINTS),
                                      TYPE(ANNOUNCEMENT),
                                      TYPE(REVISION),
                                      TYPE(WITHDRAWAL),
                                      TYPE(ERASURE),
                                      TYPE(INTEREST),
                                      TYPE(READER),
                                      99};
    Caravan__PutRequest request = CARAVAN__PUT_REQUEST__INIT;

    (void)state;
    refuse_put(&request, "content: found none, expected what prepare gives");
    request.has_content_type = request.has_content = 1;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        request.content_type = others[i];
        refuse_put(&request, "expected what prepare gives");
    }
    request.content_type = TYPE(CONFIRMATION);
    request.has_content = 0;
    refuse_put(&request, "content: found none, expected what prepare gives");
    request.has_content = request.has_request_id = 1;
    request.request_id.data = (uint8_t *)(uintptr_t) "short";
    request.request_id.len = 5;
    refuse_put(&request, "request_id: found 5 bytes, expected 16");
}

/* --- inbox and show
 * ------------------------------------------------------------------------------- */

static Caravan__InboxReply *inbox(Caravan__InboxRequest request)
{
    Caravan__InboxReply *reply;
    int code;

    do {
        reply = run("inbox", &request.base, &code);
        if (!reply)
            fail_msg("inbox: %s", error.text);
        assert_int_equal(view_work(eyes.view, NULL), ERROR_NONE);
    } while (reply->counting);
    return reply;
}

static size_t count_kind(const Caravan__InboxReply *reply, Caravan__InboxKind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < reply->n_things; i++)
        count += reply->things[i]->kind == kind;
    return count;
}

/* A large proposal, for each of 60 parties that are one: the reply stays small. */
static void test_ops_prepare__inbox_bears_large_proposals(void **state)
{
    struct institution *sides[] = {&base->partner, &base->own, &third};
    const unsigned days[] = {1, 2, 3};
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    Caravan__ShowRequest show = CARAVAN__SHOW_REQUEST__INIT;
    Caravan__Announcement *call;
    Caravan__Proposal *proposal;
    Caravan__LocalizedText reason = CARAVAN__LOCALIZED_TEXT__INIT, *reasons[] = {&reason};
    Caravan__Party *parties[62];
    struct buffer content = {0};
    int code;

    (void)state;
    joint_write("Call", sides, days, 3, &content);
    call = caravan__announcement__unpack(&arena.allocator, content.size, content.data);
    parties[0] = call->parties[0];
    parties[1] = call->parties[1];
    for (size_t i = 2; i < 62; i++)
        parties[i] = call->parties[2];
    call->n_parties = 62;
    call->parties = parties;
    reason.lang = (char *)(uintptr_t) "en";
    reason.text = arena_alloc(&arena, 60001);
    memset(reason.text, 'x', 60000);
    for (uint64_t seq = 3; seq < 7; seq++) {
        announcements_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT), pack(&call->base));
        buffer_clear(&content);
        joint_proposal(&base->partner, seq, &third, 20, &content);
        proposal = caravan__proposal__unpack(&arena.allocator, content.size, content.data);
        proposal->n_reason = 1;
        proposal->reason = reasons;
        announcements_keep(&base->writer, &third, TYPE(PROPOSAL), pack(&proposal->base));
    }
    assert_int_equal(count_kind(inbox(request), CARAVAN__INBOX_KIND__INBOX_KIND_CONFIRM), 4);
    show.name = (char *)(uintptr_t) "th-partner/3";
    assert_non_null(run("show", &show.base, &code));
    buffer_finish(&content);
}

/* Pages: each thing once, whatever the page holds; what follows an answer to nothing is there. */
static void test_ops_prepare__inbox_goes_page_by_page(void **state)
{
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    uint64_t visit = announcements_publish(&base->writer, &base->own, CARAVAN__KIND__KIND_VISIT,
                                           "Visit", "CN", NULL);
    size_t things = 0;
    uint64_t last = UINT64_MAX;

    (void)state;
    for (int i = 0; i < 7; i++)
        sealed_answer(&base->writer, &third, &base->own, i == 3 ? 999 : visit, "Hello");
    request.has_limit = request.has_before_arrival = 1;
    request.limit = 2;
    do {
        Caravan__InboxReply *reply = inbox(request);

        assert_int_equal(reply->unread, 6 + 3);
        assert_int_equal(reply->to_do, 0);
        assert_in_range(reply->n_things, 1, 2);
        for (size_t i = 0; i < reply->n_things; i++, things++) {
            assert_true(reply->things[i]->arrival < last);
            assert_non_null(reply->things[i]->item);
            last = reply->things[i]->arrival;
        }
        request.before_arrival = reply->next_before;
    } while (request.before_arrival);
    assert_int_equal(things, 6 + 3);
}

/* By the number of a revision the same is told as by the first one's; later readers are named. */
static void test_ops_prepare__show_tells_voices_and_readers(void **state)
{
    struct institution *one[] = {&base->own}, *two[] = {&base->own, &third};
    Caravan__ShowRequest request = CARAVAN__SHOW_REQUEST__INIT;
    Caravan__ShowReply *reply;
    struct buffer revision = {0};
    struct seal_key key;
    uint64_t call = sealed_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT),
                                call_bytes(&base->partner, &base->own), one, 1, &key);
    uint64_t revised;
    int code;

    (void)state;
    sealed_share(&base->writer, &base->partner, call, &key, two, 2);
    put(confirm(name_of("th-partner", call), false));
    announcements_revision(call, call_bytes(&base->partner, &base->own), &revision);
    revised = sealed_keep(&base->writer, &base->partner, TYPE(REVISION), buffer_span(&revision),
                          one, 1, NULL);
    for (int i = 0; i < 2; i++) {
        request.name = (char *)(uintptr_t)name_of("th-partner", i ? revised : call);
        reply = run("show", &request.base, &code);
        assert_non_null(reply);
        assert_int_equal(reply->n_voices, 1);
        assert_int_equal(reply->item->n_audience, 2);
    }
    buffer_finish(&revision);
}

/* --- faults
 * --------------------------------------------------------------------------------------- */

static void fail_each_allocation(const char *operation, const ProtobufCMessage *request)
{
    struct ops_context context = context_of();
    bool done = false;

    for (unsigned long n = 1; !done; n++) {
        struct buffer bytes = {0};
        int code;

        error_clear(&error);
        fault_arm(n);
        code = ops_run(ops_find(operation), &context, request, &bytes, &error);
        done = !fault_disarm();
        if (code != (done ? ERROR_NONE : ERROR_MEMORY))
            fail_msg("%s, allocation %lu: code %d, %s", operation, n, code, error.text);
        buffer_finish(&bytes);
    }
}

static void test_ops_prepare__survives_every_allocation_that_fails(void **state)
{
    struct institution *audience[] = {&base->own, &third};
    uint64_t sealed = sealed_keep(&base->writer, &base->partner, TYPE(ANNOUNCEMENT),
                                  call_bytes(&base->partner, &base->own), audience, 2, NULL);
    const char *call = name_of("th-partner", sealed);
    char *one[] = {"ru-third"}, *later[] = {"th-partner"};
    uint64_t ours = put(prepare_announcement(one, 1)), led, proposal;
    Caravan__PrepareRequest request = request_for(call, TYPE(PROPOSAL), proposal_bytes(20));
    Caravan__InboxRequest asking = CARAVAN__INBOX_REQUEST__INIT;
    Caravan__ShowRequest show = CARAVAN__SHOW_REQUEST__INIT;

    (void)state;
    put(prepare(&request));
    sealed_answer(&base->writer, &third, &base->own, ours, "Hello");
    led = announcements_keep(&base->writer, &base->own, TYPE(ANNOUNCEMENT),
                             call_bytes(&base->own, &third));
    proposal = joint_propose(&base->writer, &third, &base->own, led, 20);
    inbox(asking);
    fail_each_allocation("prepare", &request.base);
    request = request_for(call, TYPE(INTEREST), answer_bytes("Hello"));
    fail_each_allocation("prepare", &request.base);
    request = request_for(name_of("cn-own", ours), TYPE(REVISION), visit_bytes("Revised"));
    fail_each_allocation("prepare", &request.base);
    request = sharing(name_of("cn-own", ours), ours, later, 1);
    fail_each_allocation("prepare", &request.base);
    request = refusal_of(name_of("cn-own", led), proposal, true);
    fail_each_allocation("prepare", &request.base);
    fail_each_allocation("inbox", &asking.base);
    show.name = (char *)(uintptr_t)call;
    fail_each_allocation("show", &show.base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ops_prepare__knows_its_types),
        TEST(test_ops_prepare__needs_an_announcement_to_speak_of),
        TEST(test_ops_prepare__refuses_contents_that_cannot_be_read),
        TEST(test_ops_prepare__says_nothing_of_what_was_withdrawn),
        TEST(test_ops_prepare__confirms_what_is_in_force),
        TEST(test_ops_prepare__knows_what_was_said_before),
        TEST(test_ops_prepare__confirms_nothing_that_was_not_seen),
        TEST(test_ops_prepare__only_sides_confirm_and_propose),
        TEST(test_ops_prepare__proposes_for_our_side_alone),
        TEST(test_ops_prepare__can_say_again_what_was_taken_back),
        TEST(test_ops_prepare__refuses_what_a_side_proposes),
        TEST(test_ops_prepare__refuses_only_what_is_proposed_to_us),
        TEST(test_ops_prepare__refuses_under_the_same_seal),
        TEST(test_ops_prepare__can_propose_again_what_was_refused),
        TEST(test_ops_prepare__tells_an_outcome_of_ours_only),
        TEST(test_ops_prepare__seals_a_new_announcement),
        TEST(test_ops_prepare__refuses_an_audience_that_cannot_be),
        TEST(test_ops_prepare__does_not_know_feeds_that_were_only_named),
        TEST(test_ops_prepare__knows_how_much_can_be_sealed),
        TEST(test_ops_prepare__leaves_no_party_out),
        TEST(test_ops_prepare__seals_what_follows),
        TEST(test_ops_prepare__a_side_confirms_under_the_same_seal),
        TEST(test_ops_prepare__changes_only_our_own),
        TEST(test_ops_prepare__lets_a_later_one_read),
        TEST(test_ops_prepare__gives_no_key_of_something_else),
        TEST(test_ops_prepare__answers_its_publisher_alone),
        TEST(test_ops_prepare__refuses_an_answer_that_says_nothing),
        TEST(test_ops_prepare__answers_again_what_was_taken_back),
        TEST(test_ops_prepare__put_takes_only_what_prepare_gives),
        TEST(test_ops_prepare__inbox_bears_large_proposals),
        TEST(test_ops_prepare__inbox_goes_page_by_page),
        TEST(test_ops_prepare__show_tells_voices_and_readers),
        TEST(test_ops_prepare__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
