/* Joint calls, sealed ones among them, between nodes that lose, cut and reorder: whatever comes
 * when, at the end everybody who may read sees the same, and nobody else sees anything. What should
 * be seen is computed by a second, simple model from what was published. */
#include "node/core/view_inbox.h"
#include "node/ledger/ledger.h"
#include "node/ops/operations.h"

#include "tests/sim/network.h"
#include "tests/support/inbox.h"
#include "tests/support/joint.h"
#include "tests/support/sealed.h"

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
#define MINUTE 60000u
#define ACTS_MAX 256
#define STEPS 40

/* 0 leads the calls; 1 is the relay between all, and no side; 2 is the other side; 3 answers; 4 is
 * let in later. */
enum { LEAD, RELAY, SIDE, READER, LATER, NODES };
#define EVERYBODY ((1u << NODES) - 1)

/* Something that was published, as it was meant. */
struct act {
    unsigned node;
    uint64_t seq;
    uint32_t type; /* the true one */
    unsigned readers;
    struct id hash;
    uint64_t target;  /* of a change or Reader: in its own feed */
    unsigned call_by; /* of a voice or answer: whose announcement … */
    uint64_t call;    /* … and which */
    struct id names;  /* of a confirmation: the revision that was seen */
    bool declined;
    unsigned day; /* of the SIDE's deadline: of an announcement, a revision, a proposal */
    char title[32];
};

struct world {
    struct network network;
    struct sealed_eyes eyes[NODES]; /* as a node's reader has them, from its start on */
    struct view *writers[NODES];
    struct act acts[ACTS_MAX];
    size_t count;
    struct arena arena;
    struct error error;
    uint64_t random;
};

static unsigned draw(struct world *world, unsigned below)
{
    world->random = world->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(world->random >> 33) % below;
}

/* --- operations ----------------------------------------------------------------------------------
 */

static void *run(struct world *world, unsigned number, const char *name,
                 const ProtobufCMessage *request, int *code)
{
    const struct ops_operation *operation = ops_find(name);
    struct network_node *node = &world->network.nodes[number];
    bool writes = operation->where == OPS_WRITER;
    struct ops_context context = {
        .exchange = writes ? node->exchange : NULL,
        .store = writes ? node->store : node->reader,
        .view = writes ? world->writers[number] : world->eyes[number].view,
        .opened = writes ? NULL : world->eyes[number].opened,
        .policy = node->policy,
        .network = INSTITUTION_NETWORK,
        .feed = node->institution.chain.feed,
        .now_ms = world->network.now_ms,
        .first_try = true,
        .last_try = true,
    };
    struct buffer bytes = {0};
    void *reply = NULL;

    error_clear(&world->error);
    network_settle(&world->network);
    if (writes)
        assert_int_equal(exchange_begin(node->exchange, NULL), ERROR_NONE);
    *code = ops_run(operation, &context, request, &bytes, &world->error);
    if (writes)
        assert_int_equal(exchange_commit(node->exchange, NULL), ERROR_NONE);
    if (!*code)
        reply = protobuf_c_message_unpack(operation->reply, &world->arena.allocator, bytes.size,
                                          bytes.data);
    buffer_finish(&bytes);
    return reply;
}

static ProtobufCBinaryData binary(struct span span)
{
    return (ProtobufCBinaryData){.len = span.size, .data = (uint8_t *)(uintptr_t)span.data};
}

static struct act *record(struct world *world, const Caravan__PublishReply *reply,
                          const struct act *act)
{
    struct act *kept = &world->acts[world->count++];

    assert_true(world->count < ACTS_MAX);
    *kept = *act;
    kept->seq = reply->seq;
    memcpy(kept->hash.bytes, reply->hash.data, sizeof kept->hash.bytes);
    return kept;
}

/* Straight into the feed, as a program of another make could; false: not now. */
static bool publish_raw(struct world *world, uint32_t type, struct span content,
                        const struct act *act)
{
    struct exchange *exchange = world->network.nodes[act->node].exchange;
    struct exchange_published published;
    int code;

    network_settle(&world->network);
    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    code = exchange_publish(exchange, type, content, NULL, &published, NULL);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
    if (!code) {
        world->acts[world->count] = *act;
        world->acts[world->count].seq = published.seq;
        world->acts[world->count++].hash = published.hash;
        assert_true(world->count < ACTS_MAX);
    }
    return !code;
}

static unsigned readers_of(const Caravan__PrepareReply *reply, unsigned node)
{
    unsigned readers = 1u << node;

    for (size_t i = 0; i < reply->n_audience; i++) {
        const char *handle = reply->audience[i];

        readers |= 1u << (unsigned)(handle[strlen(handle) - 1] - '0');
    }
    return reply->content_type == TYPE(SEALED) ? readers : EVERYBODY;
}

/* Prepares and puts, as the client does; NULL: it was refused, was said before, or cannot be now.
 */
static struct act *say(struct world *world, const Caravan__PrepareRequest *request, struct act *act)
{
    Caravan__PutRequest putting = CARAVAN__PUT_REQUEST__INIT;
    const Caravan__PublishReply *published;
    const Caravan__PrepareReply *reply;
    int code;

    reply = run(world, act->node, "prepare", &request->base, &code);
    if (code && code != ERROR_INVALID && code != ERROR_DENIED && code != ERROR_NOT_FOUND)
        fail_msg("prepare: %s", world->error.text);
    if (code || reply->same)
        return NULL;
    act->readers = readers_of(reply, act->node);
    putting.has_content_type = putting.has_content = 1;
    putting.content_type = reply->content_type;
    putting.content = reply->content;
    published = run(world, act->node, "put", &putting.base, &code);
    if (code && code != ERROR_HELD)
        fail_msg("put: %s", world->error.text);
    return code ? NULL : record(world, published, act);
}

/* --- what nodes do -------------------------------------------------------------------------------
 */

static void write_call(struct world *world, const char *title, unsigned day, struct buffer *out)
{
    struct institution *sides[] = {&world->network.nodes[LEAD].institution,
                                   &world->network.nodes[SIDE].institution};
    const unsigned days[] = {15, day};

    joint_write(title, sides, days, 2, out);
}

static struct act *any_call(struct world *world)
{
    struct act *found = NULL;
    unsigned seen = 0;

    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].type == TYPE(ANNOUNCEMENT) && draw(world, ++seen) == 0)
            found = &world->acts[i];
    return found;
}

static const char *name_of(struct world *world, unsigned node, uint64_t seq)
{
    char *name = arena_alloc(&world->arena, 32);

    assert_non_null(name);
    snprintf(name, 32, "cn-node%u/%" PRIu64, node, seq);
    return name;
}

static Caravan__PrepareRequest request_for(const char *name, uint32_t type, struct span content)
{
    Caravan__PrepareRequest request = CARAVAN__PREPARE_REQUEST__INIT;

    request.name = (char *)(uintptr_t)name;
    request.has_content_type = request.has_content = 1;
    request.content_type = type;
    request.content = binary(content);
    return request;
}

static void announce(struct world *world, bool sealed)
{
    char *audience[] = {(char *)(uintptr_t) "cn-node2", (char *)(uintptr_t) "cn-node3"};
    struct act act = {.node = LEAD, .type = TYPE(ANNOUNCEMENT), .day = 1, .readers = EVERYBODY};
    struct buffer content = {0};

    snprintf(act.title, sizeof act.title, "Call %zu", world->count);
    write_call(world, act.title, act.day, &content);
    if (sealed) {
        Caravan__PrepareRequest request =
            request_for(NULL, TYPE(ANNOUNCEMENT), buffer_span(&content));

        request.n_audience = 2;
        request.audience = audience;
        say(world, &request, &act);
    } else {
        publish_raw(world, TYPE(ANNOUNCEMENT), buffer_span(&content), &act);
    }
    buffer_finish(&content);
}

/* What a node sees of a call. */
struct sight {
    bool found;
    struct id hash;
    uint64_t now, withdrawn_by;
    unsigned day; /* of the SIDE's deadline */
    uint64_t proposal_seq;
    unsigned proposal_day;
    char title[32];
    struct buffer sides;
    struct view *view;
};

static int see_side(void *context, const struct view_side *side)
{
    struct sight *sight = context;

    if (side->state == VIEW_SIDE_PUBLISHER)
        return 0;
    buffer_printf(&sight->sides, " | %s %" PRIu64 " by %" PRIu64 " proposal %" PRIu64,
                  view_side_state_name(side->state), side->revision, side->by_seq,
                  side->proposal_seq);
    sight->proposal_seq = side->proposal_seq;
    if (side->proposal_seq) {
        Caravan__Proposal *proposal =
            caravan__proposal__unpack(NULL, side->proposal.size, side->proposal.data);

        assert_non_null(proposal);
        sight->proposal_day = proposal->party->deadline[0]->at->date->day;
        caravan__proposal__free_unpacked(proposal, NULL);
    }
    return 0;
}

static int see(void *context, const struct view_state *state)
{
    struct sight *sight = context;

    if (!state->announcement)
        return 1;
    sight->found = true;
    sight->hash = state->hash;
    sight->now = state->event_seq;
    sight->withdrawn_by = state->withdrawn_by;
    sight->day = state->announcement->parties[1]->deadline[0]->at->date->day;
    snprintf(sight->title, sizeof sight->title, "%s", state->announcement->title[0]->text);
    assert_int_equal(view_sides(sight->view, state, see_side, sight, NULL), ERROR_NONE);
    return 1;
}

static void look(struct world *world, struct view *view, uint64_t call, struct sight *sight)
{
    int code;

    *sight = (struct sight){.view = view};
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    code = view_show(view, network_feed(&world->network, LEAD), call, see, sight, NULL);
    assert_true(code == ERROR_NONE || code == ERROR_NOT_FOUND);
}

static void revise(struct world *world, const struct act *call, bool take_over)
{
    struct act act = {
        .node = LEAD, .type = TYPE(REVISION), .target = call->seq, .readers = EVERYBODY};
    struct buffer content = {0};
    struct sight sight;

    look(world, world->eyes[LEAD].view, call->seq, &sight);
    act.day = take_over && sight.proposal_seq ? sight.proposal_day : 1 + draw(world, 3);
    snprintf(act.title, sizeof act.title, "Call %u", draw(world, 3)); /* X, Y and X again */
    write_call(world, act.title, act.day, &content);
    if (call->readers != EVERYBODY) {
        Caravan__PrepareRequest request =
            request_for(name_of(world, LEAD, call->seq), TYPE(REVISION), buffer_span(&content));

        say(world, &request, &act);
    } else {
        Caravan__ReviseRequest request = CARAVAN__REVISE_REQUEST__INIT;
        const Caravan__PublishReply *reply;
        int code;

        request.has_announcement = request.has_content = 1;
        request.announcement = call->seq;
        request.content = binary(buffer_span(&content));
        reply = run(world, LEAD, "revise", &request.base, &code);
        if (reply && !reply->repeated_request)
            record(world, reply, &act);
    }
    buffer_finish(&content);
    buffer_finish(&sight.sides);
}

static void confirm(struct world *world, const struct act *call, bool declined)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;
    struct act act = {.node = SIDE,
                      .type = TYPE(CONFIRMATION),
                      .call_by = LEAD,
                      .call = call->seq,
                      .declined = declined};
    Caravan__PrepareRequest request;
    struct sight sight;
    uint8_t bytes[64];

    look(world, world->eyes[SIDE].view, call->seq, &sight);
    act.names = sight.hash;
    confirmation.has_entry_hash = confirmation.has_declined = 1;
    confirmation.entry_hash = binary(span_of_id(&sight.hash));
    confirmation.declined = declined;
    request = request_for(name_of(world, LEAD, call->seq), TYPE(CONFIRMATION),
                          span_of(bytes, caravan__confirmation__pack(&confirmation, bytes)));
    say(world, &request, &act);
    buffer_finish(&sight.sides);
}

static void propose(struct world *world, const struct act *call)
{
    struct act act = {.node = SIDE,
                      .type = TYPE(PROPOSAL),
                      .call_by = LEAD,
                      .call = call->seq,
                      .day = 1 + draw(world, 5)};
    Caravan__PrepareRequest request;
    struct buffer content = {0};

    joint_proposal(&world->network.nodes[LEAD].institution, call->seq,
                   &world->network.nodes[SIDE].institution, act.day, &content);
    request = request_for(name_of(world, LEAD, call->seq), TYPE(PROPOSAL), buffer_span(&content));
    say(world, &request, &act);
    buffer_finish(&content);
}

static void answer(struct world *world, unsigned node, const struct act *call)
{
    struct act act = {.node = node, .type = TYPE(INTEREST), .call_by = LEAD, .call = call->seq};
    Caravan__PrepareRequest request;
    struct buffer content = {0};

    sealed_interest_bytes(&world->network.nodes[LEAD].institution, call->seq, "We would like to",
                          &content);
    request = request_for(name_of(world, LEAD, call->seq), TYPE(INTEREST), buffer_span(&content));
    say(world, &request, &act);
    buffer_finish(&content);
}

/* A node takes back something that it has said: a call, a proposal or an answer. */
static void take_back(struct world *world, unsigned node, uint32_t type)
{
    struct act act = {.node = node, .type = TYPE(WITHDRAWAL), .readers = EVERYBODY};
    const struct act *found = NULL;
    unsigned seen = 0;

    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].node == node && world->acts[i].type == type && draw(world, ++seen) == 0)
            found = &world->acts[i];
    if (!found)
        return;
    act.target = found->seq;
    if (found->readers != EVERYBODY) {
        Caravan__PrepareRequest request =
            request_for(name_of(world, node, found->seq), TYPE(WITHDRAWAL), span_of(NULL, 0));

        say(world, &request, &act);
    } else {
        Caravan__WithdrawRequest request = CARAVAN__WITHDRAW_REQUEST__INIT;
        const Caravan__PublishReply *reply;
        int code;

        request.has_announcement = 1;
        request.announcement = found->seq;
        reply = run(world, node, "withdraw", &request.base, &code);
        if (reply)
            record(world, reply, &act);
    }
}

/* What first published it, and what is in force. */
static void share(struct world *world, const struct act *call)
{
    char *audience[] = {(char *)(uintptr_t) "cn-node4"};
    struct sight sight;
    uint64_t entries[2];

    look(world, world->eyes[LEAD].view, call->seq, &sight);
    entries[0] = sight.now;
    entries[1] = call->seq;
    for (unsigned i = entries[0] == entries[1]; i < 2 && sight.found; i++) {
        struct act act = {.node = LEAD, .type = TYPE(READER), .target = entries[i]};
        Caravan__PrepareRequest request =
            request_for(name_of(world, LEAD, call->seq), TYPE(READER), span_of(NULL, 0));

        request.has_entry = 1;
        request.n_audience = 1;
        request.audience = audience;
        request.entry = entries[i];
        say(world, &request, &act);
    }
    buffer_finish(&sight.sides);
}

/* The relay is no side: what it says of calls counts nowhere, nor does an answer in the clear. */
static void intrude(struct world *world, const struct act *call)
{
    struct act act = {.node = RELAY, .type = TYPE(INTEREST), .call_by = RELAY};
    struct institution *relay = &world->network.nodes[RELAY].institution;
    struct institution *lead = &world->network.nodes[LEAD].institution;
    struct buffer content = {0};

    act.readers = EVERYBODY;
    switch (draw(world, 3)) {
    case 0:
        act.type = TYPE(PROPOSAL);
        joint_proposal(lead, call->seq, relay, 9, &content);
        break;
    case 1:
        act.type = TYPE(PROPOSAL);
        joint_proposal(lead, call->seq, &world->network.nodes[SIDE].institution, 9, &content);
        break;
    default:
        sealed_interest_bytes(lead, call->seq, "In the clear", &content);
    }
    publish_raw(world, act.type, buffer_span(&content), &act);
    buffer_finish(&content);
}

static void act_once(struct world *world)
{
    struct act *call = any_call(world);
    unsigned what = draw(world, 22);

    if (!call || what == 0)
        announce(world, draw(world, 2));
    else if (what <= 3)
        revise(world, call, false);
    else if (what <= 5)
        revise(world, call, true);
    else if (what <= 9)
        confirm(world, call, what == 9);
    else if (what <= 12)
        propose(world, call);
    else if (what <= 15)
        answer(world, what == 13 ? SIDE : what == 14 ? READER : LATER, call);
    else if (what == 16)
        take_back(world, draw(world, 2) ? READER : LATER, TYPE(INTEREST));
    else if (what == 17)
        take_back(world, SIDE, TYPE(PROPOSAL));
    else if (what >= 18 && what <= 20 && call->readers != EVERYBODY)
        share(world, call);
    else if (what == 21 && draw(world, 4) == 0)
        take_back(world, LEAD, TYPE(ANNOUNCEMENT));
    else
        intrude(world, call);
}

/* --- the model -----------------------------------------------------------------------------------
 */

static bool may_read(const struct world *world, unsigned node, const struct act *act)
{
    if (act->readers & 1u << node)
        return true;
    for (size_t i = 0; i < world->count; i++) {
        const struct act *reader = &world->acts[i];

        if (reader->type == TYPE(READER) && reader->node == act->node &&
            reader->target == act->seq && reader->readers & 1u << node)
            return true;
    }
    return false;
}

/* The newest that a node may read of what somebody has said or changed. */
static const struct act *newest(const struct world *world, unsigned eye, unsigned node,
                                uint32_t type, uint64_t target, uint64_t call)
{
    const struct act *found = NULL;

    for (size_t i = 0; i < world->count; i++) {
        const struct act *act = &world->acts[i];

        if (act->node == node && act->type == type && act->target == target && act->call == call &&
            (!found || act->seq > found->seq) && may_read(world, eye, act))
            found = act;
    }
    return found;
}

static bool is_taken_back(const struct world *world, unsigned eye, const struct act *act)
{
    return newest(world, eye, act->node, TYPE(WITHDRAWAL), act->seq, 0) != NULL;
}

/* Where the SIDE stands, as a node may see it. */
struct stand {
    const struct act *now, *confirmation, *proposal;
    uint64_t revision; /* confirmed or declined; 0: none that can be read here */
    enum view_side_state state;
    bool withdrawn;
};

static void stand_of(const struct world *world, unsigned eye, const struct act *call,
                     struct stand *out)
{
    *out = (struct stand){.state = VIEW_SIDE_PROPOSED, .now = call};
    if (newest(world, eye, LEAD, TYPE(REVISION), call->seq, 0))
        out->now = newest(world, eye, LEAD, TYPE(REVISION), call->seq, 0);
    out->withdrawn = is_taken_back(world, eye, call);
    out->confirmation = newest(world, eye, SIDE, TYPE(CONFIRMATION), 0, call->seq);
    out->proposal = newest(world, eye, SIDE, TYPE(PROPOSAL), 0, call->seq);
    if (out->proposal &&
        (is_taken_back(world, eye, out->proposal) || out->proposal->day == out->now->day))
        out->proposal = NULL;
    if (!out->confirmation)
        return;
    for (size_t i = 0; i < world->count; i++) {
        const struct act *act = &world->acts[i];

        if (act->node == LEAD && (act == call || act->target == call->seq) &&
            (act == call || act->type == TYPE(REVISION)) && may_read(world, eye, act) &&
            id_equal(&act->hash, &out->confirmation->names))
            out->revision = act->seq;
    }
    out->state = out->confirmation->declined      ? VIEW_SIDE_DECLINED
                 : out->revision == out->now->seq ? VIEW_SIDE_CONFIRMED
                 : out->revision                  ? VIEW_SIDE_EARLIER
                                                  : VIEW_SIDE_ELSEWHERE;
}

static void expect_call(const struct world *world, unsigned eye, const struct act *call,
                        struct buffer *out)
{
    struct stand stand;

    buffer_printf(out, "%" PRIu64 ":", call->seq);
    if (may_read(world, eye, call)) {
        stand_of(world, eye, call, &stand);
        buffer_printf(out,
                      " %s as of %" PRIu64 "%s | %s %" PRIu64 " by %" PRIu64 " proposal %" PRIu64,
                      stand.now->title, stand.now->seq, stand.withdrawn ? " withdrawn" : "",
                      view_side_state_name(stand.state), stand.revision,
                      stand.confirmation ? stand.confirmation->seq : 0,
                      stand.proposal ? stand.proposal->seq : 0);
    }
    buffer_append_text(out, "\n");
}

static void add_thing(struct buffer *out, enum view_inbox_kind kind, unsigned node, uint64_t seq,
                      uint64_t about, bool withdrawn)
{
    buffer_printf(out, "%s cn-node%u/%" PRIu64 " about %" PRIu64 "%s\n", view_inbox_kind_name(kind),
                  node, seq, about, withdrawn ? " withdrawn" : "");
}

/* What waits in a node's inbox because of one act. */
static void expect_things(const struct world *world, unsigned eye, const struct act *act,
                          struct buffer *out)
{
    struct stand stand;

    if (act->type == TYPE(INTEREST) && act->call_by == LEAD && eye == LEAD)
        add_thing(out, VIEW_INBOX_ANSWER, act->node, act->seq, act->call,
                  is_taken_back(world, eye, act));
    if (act->type != TYPE(ANNOUNCEMENT) || !may_read(world, eye, act))
        return;
    stand_of(world, eye, act, &stand);
    if (stand.withdrawn)
        return;
    if (eye == SIDE && stand.state != VIEW_SIDE_CONFIRMED &&
        !(stand.state == VIEW_SIDE_DECLINED && stand.revision == stand.now->seq))
        add_thing(out, VIEW_INBOX_CONFIRM, LEAD, stand.now->seq, act->seq, false);
    if (eye == LEAD && stand.proposal)
        add_thing(out, VIEW_INBOX_PROPOSAL, SIDE, stand.proposal->seq, act->seq, false);
    if (eye == LEAD && stand.state == VIEW_SIDE_DECLINED)
        add_thing(out, VIEW_INBOX_DECLINED, SIDE, stand.confirmation->seq, act->seq, false);
}

static void expect(const struct world *world, unsigned eye, struct buffer *out)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].type == TYPE(ANNOUNCEMENT))
            expect_call(world, eye, &world->acts[i], out);
    for (size_t i = 0; i < world->count; i++)
        expect_things(world, eye, &world->acts[i], out);
}

/* --- what is seen
 * --------------------------------------------------------------------------------- */

static void write_call_seen(struct world *world, struct view *view, uint64_t call,
                            struct buffer *out)
{
    struct sight sight;

    look(world, view, call, &sight);
    buffer_printf(out, "%" PRIu64 ":", call);
    if (sight.found)
        buffer_printf(out, " %s as of %" PRIu64 "%s%s", sight.title, sight.now,
                      sight.withdrawn_by ? " withdrawn" : "", buffer_text(&sight.sides));
    buffer_append_text(out, "\n");
    buffer_finish(&sight.sides);
}

static unsigned node_of(const struct world *world, const struct id *feed)
{
    for (unsigned i = 0; i < NODES; i++)
        if (id_equal(network_feed(&world->network, i), feed))
            return i;
    fail_msg("a feed of nobody");
    return NODES;
}

/* In the order of the model: by act, and of one act by kind; partners are not looked at. */
static void write_inbox_seen(struct world *world, struct view *view, struct buffer *out)
{
    struct view_inbox_thing *things = NULL;
    size_t count = 0;
    bool complete = false;

    while (!complete) {
        free(things);
        assert_int_equal(inbox_read(view, &things, &count, &complete, NULL), ERROR_NONE);
        assert_int_equal(view_work(view, NULL), ERROR_NONE);
    }
    for (size_t a = 0; a < world->count; a++)
        for (int kind = 0; kind < VIEW_INBOX_PARTNER; kind++)
            for (size_t i = 0; i < count; i++) {
                const struct view_inbox_thing *thing = &things[i];
                unsigned node = node_of(world, &thing->feed);
                const struct act *act = &world->acts[a];
                bool by_act = kind == VIEW_INBOX_ANSWER
                                  ? act->node == node && act->seq == thing->seq
                                  : act->type == TYPE(ANNOUNCEMENT) && act->seq == thing->about_seq;

                if ((int)thing->kind == kind && by_act)
                    add_thing(out, thing->kind, node, thing->seq, thing->about_seq,
                              thing->withdrawn);
            }
    free(things);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static size_t count_things(struct view *view)
{
    struct view_inbox_thing *things = NULL;
    size_t count = 0, found = 0;
    bool complete;

    assert_int_equal(inbox_read(view, &things, &count, &complete, NULL), ERROR_NONE);
    for (size_t i = 0; i < count; i++)
        found += things[i].kind != VIEW_INBOX_PARTNER;
    free(things);
    return found;
}

static void check_eyes(struct world *world, unsigned node, struct view *view, const char *when)
{
    struct buffer expected = {0}, seen = {0};
    size_t calls = 0;

    expect(world, node, &expected);
    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].type == TYPE(ANNOUNCEMENT)) {
            write_call_seen(world, view, world->acts[i].seq, &seen);
            calls++;
        }
    write_inbox_seen(world, view, &seen);
    if (strcmp(buffer_text(&seen), buffer_text(&expected)) != 0)
        fail_msg("node %u, %s: it sees\n%sexpected\n%s", node, when, buffer_text(&seen),
                 buffer_text(&expected));
    assert_int_equal(count_things(view), count_lines(buffer_text(&seen)) - calls);
    buffer_finish(&expected);
    buffer_finish(&seen);
}

/* --- the world
 * ------------------------------------------------------------------------------------ */

static void open_eyes(struct world *world, unsigned node)
{
    sealed_eyes_open(&world->eyes[node], &world->network.nodes[node].reader,
                     &world->network.nodes[node].institution);
}

static void publish_profile(struct world *world, unsigned node)
{
    struct buffer profile = {0};
    struct exchange_published published;
    struct exchange *exchange = world->network.nodes[node].exchange;
    char handle[16];

    snprintf(handle, sizeof handle, "cn-node%u", node);
    announcements_profile(handle, "CN", &profile);
    network_settle(&world->network);
    assert_int_equal(exchange_begin(exchange, NULL), ERROR_NONE);
    assert_int_equal(
        exchange_publish(exchange, TYPE(PROFILE), buffer_span(&profile), NULL, &published, NULL),
        ERROR_NONE);
    assert_int_equal(exchange_commit(exchange, NULL), ERROR_NONE);
    buffer_finish(&profile);
}

/* All know all; only the relay is dialled, and hands on what it cannot read. */
static void begin(struct world *world, uint64_t seed)
{
    memset(world, 0, sizeof *world);
    world->random = seed * 7919 + 1;
    arena_init(&world->arena, 256 * 1024 * 1024);
    network_init(&world->network, NODES, seed);
    for (unsigned a = 0; a < NODES; a++)
        for (unsigned b = 0; b < NODES; b++)
            if (a != b)
                network_accept(&world->network, a, b, a == RELAY);
    for (unsigned i = 0; i < NODES; i++)
        if (i != RELAY)
            network_dial(&world->network, i, RELAY);
    for (unsigned i = 0; i < NODES; i++) {
        struct network_node *node = &world->network.nodes[i];

        network_start(&world->network, i, false, false);
        open_eyes(world, i);
        assert_int_equal(view_create(&node->store, network_feed(&world->network, i), true,
                                     &world->writers[i], NULL),
                         ERROR_NONE);
    }
    assert_true(network_run(&world->network, MINUTE, network_is_open, NULL));
    for (unsigned i = 0; i < NODES; i++)
        publish_profile(world, i);
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    world->network.live_loss = 30;
    world->network.latency_max_ms = 400;
}

static void end(struct world *world)
{
    for (unsigned i = 0; i < NODES; i++) {
        sealed_eyes_close(&world->eyes[i]);
        view_destroy(world->writers[i]);
    }
    network_finish(&world->network);
    arena_finish(&world->arena);
}

/* Cuts or mends a link, lets time pass, looks with some eyes: whatever was seen before must not
 * matter. */
static void disturb(struct world *world)
{
    unsigned node = draw(world, NODES);

    if (node != RELAY)
        network_cut(&world->network, node, RELAY, draw(world, 3) == 0);
    network_sleep(&world->network, draw(world, 3000));
    assert_int_equal(view_update(world->eyes[draw(world, NODES)].view, NULL), ERROR_NONE);
}

static void restart(struct world *world, unsigned node)
{
    sealed_eyes_close(&world->eyes[node]);
    network_stop(&world->network, node);
    network_start(&world->network, node, false, false);
    open_eyes(world, node);
}

static void settle(struct world *world)
{
    for (unsigned i = 0; i < NODES; i++)
        if (i != RELAY)
            network_cut(&world->network, i, RELAY, false);
    world->network.live_loss = 0;
    assert_true(network_run(&world->network, 10 * MINUTE, network_is_equal, NULL));
}

static void live_through(uint64_t seed)
{
    static struct world world;

    begin(&world, seed);
    for (unsigned step = 0; step < STEPS; step++) {
        act_once(&world);
        disturb(&world);
        if (draw(&world, 25) == 0)
            restart(&world, draw(&world, NODES));
    }
    settle(&world);
    for (unsigned i = 0; i < NODES; i++)
        check_eyes(&world, i, world.eyes[i].view, "as it went along");
    for (unsigned i = 0; i < NODES; i++) {
        restart(&world, i);
        check_eyes(&world, i, world.eyes[i].view, "after a restart");
    }
    end(&world);
}

static void test_cooperation__all_who_may_see_the_same(void **state)
{
    uint64_t seeds = network_seeds(25);

    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        live_through(seed);
}

/* --- any order of arrival
 * -------------------------------------------------------------------------- */

/* Entry after entry from the feeds, which are drawn at random; as it is, or first without content,
 * which comes later. */
struct pouring {
    struct store to;
    bool late;
    int code;
};

static int pour_entry(void *context, const struct store_entry *stored)
{
    struct pouring *pouring = context;
    struct store_entry copy = *stored;

    pouring->late = pouring->late && copy.entry.content_type == TYPE(SEALED);
    copy.seal = NULL;
    if (pouring->late) {
        copy.entry.has_content = false;
        copy.entry.salt = copy.entry.content = span_of(NULL, 0);
    }
    pouring->code = pouring->to.operations->append(pouring->to.self, &copy, 1, NULL);
    return 1;
}

static int pour_content(void *context, const struct store_entry *stored)
{
    struct pouring *pouring = context;

    pouring->code = pouring->to.operations->put_content(
        pouring->to.self, &stored->entry.feed, stored->entry.seq, stored->entry.salt,
        stored->entry.content, stored->received_ms, NULL);
    return 1;
}

static void pour(struct world *world, const struct store *from, struct store *to, unsigned feed,
                 uint64_t seq, store_entry_visitor how, struct pouring *pouring)
{
    pouring->to = *to;
    assert_int_equal(to->operations->begin(to->self, NULL), ERROR_NONE);
    assert_int_equal(from->operations->entries(from->self, network_feed(&world->network, feed), seq,
                                               seq, how, pouring, NULL),
                     ERROR_NONE);
    assert_int_equal(pouring->code, ERROR_NONE);
    assert_int_equal(to->operations->commit(to->self, NULL), ERROR_NONE);
}

/* Late contents wait here. */
struct waiting {
    unsigned feed;
    uint64_t seq;
};

static void pour_all(struct world *world, const struct store *from, struct store *to,
                     struct sealed_eyes eyes[NODES])
{
    uint64_t next[NODES], last[NODES];
    struct waiting waiting[ACTS_MAX];
    size_t waits = 0;
    unsigned open = NODES;

    for (unsigned i = 0; i < NODES; i++) {
        next[i] = 1;
        last[i] = network_holds(&world->network, RELAY, i, &(struct id){{0}});
    }
    while (open || waits) {
        unsigned feed = draw(world, NODES);
        struct pouring pouring = {.late = draw(world, 3) == 0};

        if (waits && (!open || draw(world, 12) == 0)) {
            size_t which = draw(world, (unsigned)waits);

            pour(world, from, to, waiting[which].feed, waiting[which].seq, pour_content, &pouring);
            waiting[which] = waiting[--waits];
        } else if (next[feed] <= last[feed]) {
            pour(world, from, to, feed, next[feed], pour_entry, &pouring);
            if (pouring.late)
                waiting[waits++] = (struct waiting){feed, next[feed]};
            open -= next[feed]++ == last[feed];
        }
        if (draw(world, 5) == 0) /* somebody looks in between, at the inbox and the list, too */
            count_things(eyes[draw(world, NODES)].view);
        if (draw(world, 2) == 0)
            assert_int_equal(view_update(eyes[draw(world, NODES)].view, NULL), ERROR_NONE);
        if (draw(world, 5) == 0)
            assert_int_equal(view_work(eyes[draw(world, NODES)].view, NULL), ERROR_NONE);
    }
}

static void test_cooperation__the_order_of_arrival_does_not_matter(void **state)
{
    uint64_t seeds = network_seeds(10);
    static struct world world;

    (void)state;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        begin(&world, 1000 + seed);
        for (unsigned step = 0; step < STEPS; step++) {
            act_once(&world);
            network_sleep(&world.network, draw(&world, 2000));
        }
        settle(&world);
        for (unsigned order = 0; order < 6; order++) {
            struct sealed_eyes eyes[NODES];
            struct store store, reader;

            assert_int_equal(ledger_memory_create(&store, NULL), ERROR_NONE);
            assert_int_equal(ledger_memory_open_reader(&store, &reader, NULL), ERROR_NONE);
            for (unsigned i = 0; i < NODES; i++)
                sealed_eyes_open(&eyes[i], &reader, &world.network.nodes[i].institution);
            pour_all(&world, &world.network.nodes[RELAY].reader, &store, eyes);
            for (unsigned i = 0; i < NODES; i++) {
                check_eyes(&world, i, eyes[i].view, "in another order");
                sealed_eyes_close(&eyes[i]);
            }
            reader.operations->destroy(reader.self);
            store.operations->destroy(store.self);
        }
        end(&world);
    }
}

/* The sealed contents of a relay's ledger tell it nothing: no text of them is in its bytes, and its
 * eyes see only that something is sealed. */
static int count_sealed(void *context, const struct store_entry *stored)
{
    assert_int_equal(stored->entry.content_type, TYPE(SEALED));
    assert_null(stored->seal);
    assert_null(memmem(stored->entry.content.data, stored->entry.content.size, "would like", 10));
    assert_null(memmem(stored->entry.content.data, stored->entry.content.size, "Call", 4));
    ++*(unsigned *)context;
    return 0;
}

static void test_cooperation__a_relay_sees_nothing_of_what_is_sealed(void **state)
{
    static struct world world;
    struct store store;
    unsigned count = 0;

    (void)state;
    begin(&world, 5000);
    announce(&world, true);
    settle(&world);
    answer(&world, READER, &world.acts[0]);
    revise(&world, &world.acts[0], false);
    confirm(&world, &world.acts[0], false);
    settle(&world);
    store = opened_store(world.eyes[RELAY].opened);
    assert_int_equal(store.operations->arrivals(store.self, 0, STORE_TYPE(TYPE(SEALED)),
                                                count_sealed, &count, NULL),
                     ERROR_NONE);
    assert_int_equal(count, 4);
    check_eyes(&world, RELAY, world.eyes[RELAY].view, "as a relay");
    check_eyes(&world, LATER, world.eyes[LATER].view, "before it is let in");
    share(&world, &world.acts[0]);
    settle(&world);
    check_eyes(&world, LATER, world.eyes[LATER].view, "after it was let in");
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cooperation__all_who_may_see_the_same),
        cmocka_unit_test(test_cooperation__the_order_of_arrival_does_not_matter),
        cmocka_unit_test(test_cooperation__a_relay_sees_nothing_of_what_is_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
