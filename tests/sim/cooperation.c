#include "tests/sim/cooperation.h"

#include "common/fields.h"
#include "node/ops/operations.h"
#include "tests/sim/cooperation_eyes.h"
#include "tests/support/joint.h"
#include "tests/support/prepare.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define MINUTE 60000u

unsigned cooperation_draw(struct cooperation *world, unsigned below)
{
    world->random = world->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(world->random >> 33) % below;
}

/* --- operations ------------------------------------------------------------------------------- */

static void *run(struct cooperation *world, unsigned number, const char *name,
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

static struct cooperation_act *record(struct cooperation *world, const Caravan__PublishReply *reply,
                                      const struct cooperation_act *act)
{
    struct cooperation_act *kept = &world->acts[world->count++];

    assert_true(world->count < COOPERATION_ACTS);
    *kept = *act;
    kept->seq = reply->seq;
    memcpy(kept->hash.bytes, reply->hash.data, sizeof kept->hash.bytes);
    return kept;
}

/* Straight into the feed, as a program of another make could; false: not now. */
static bool publish_raw(struct cooperation *world, uint32_t type, struct span content,
                        const struct cooperation_act *act)
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
        assert_true(world->count < COOPERATION_ACTS);
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
    return reply->content_type == TYPE(SEALED) ? readers : COOPERATION_EVERYBODY;
}

/* Prepares and puts, as the client does; NULL: it was refused, was said before, or cannot be now.
 */
static struct cooperation_act *
say(struct cooperation *world, const Caravan__PrepareRequest *request, struct cooperation_act *act)
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

/* --- what nodes do ---------------------------------------------------------------------------- */

static void write_call(struct cooperation *world, const char *title, unsigned day,
                       struct buffer *out)
{
    struct institution *sides[] = {&world->network.nodes[COOPERATION_LEAD].institution,
                                   &world->network.nodes[COOPERATION_SIDE].institution};
    const unsigned days[] = {15, day};

    joint_write(title, sides, days, 2, out);
}

static struct cooperation_act *any_call(struct cooperation *world)
{
    struct cooperation_act *found = NULL;
    unsigned seen = 0;

    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].type == TYPE(ANNOUNCEMENT) && cooperation_draw(world, ++seen) == 0)
            found = &world->acts[i];
    return found;
}

static const char *name_of(struct cooperation *world, unsigned node, uint64_t seq)
{
    char *name = arena_alloc(&world->arena, 32);

    assert_non_null(name);
    snprintf(name, 32, "cn-node%u/%" PRIu64, node, seq);
    return name;
}

void cooperation_announce(struct cooperation *world, bool sealed)
{
    char *audience[] = {(char *)(uintptr_t) "cn-node2", (char *)(uintptr_t) "cn-node3"};
    struct cooperation_act act = {.node = COOPERATION_LEAD,
                                  .type = TYPE(ANNOUNCEMENT),
                                  .day = 1,
                                  .readers = COOPERATION_EVERYBODY};
    struct buffer content = {0};

    snprintf(act.title, sizeof act.title, "Call %zu", world->count);
    write_call(world, act.title, act.day, &content);
    if (sealed) {
        Caravan__PrepareRequest request =
            prepare_request(NULL, TYPE(ANNOUNCEMENT), buffer_span(&content));

        request.n_audience = 2;
        request.audience = audience;
        say(world, &request, &act);
    } else {
        publish_raw(world, TYPE(ANNOUNCEMENT), buffer_span(&content), &act);
    }
    buffer_finish(&content);
}

void cooperation_revise(struct cooperation *world, const struct cooperation_act *call,
                        bool take_over)
{
    struct cooperation_act act = {.node = COOPERATION_LEAD,
                                  .type = TYPE(REVISION),
                                  .target = call->seq,
                                  .readers = COOPERATION_EVERYBODY};
    struct buffer content = {0};
    struct cooperation_sight sight;

    cooperation_eyes_look(world, world->eyes[COOPERATION_LEAD].view, call->seq, &sight);
    act.day = take_over && sight.proposal_seq ? sight.proposal_day : 1 + cooperation_draw(world, 3);
    snprintf(act.title, sizeof act.title, "Call %u",
             cooperation_draw(world, 3)); /* X, Y and X again */
    write_call(world, act.title, act.day, &content);
    if (call->readers != COOPERATION_EVERYBODY) {
        Caravan__PrepareRequest request = prepare_request(
            name_of(world, COOPERATION_LEAD, call->seq), TYPE(REVISION), buffer_span(&content));

        say(world, &request, &act);
    } else {
        Caravan__ReviseRequest request = CARAVAN__REVISE_REQUEST__INIT;
        const Caravan__PublishReply *reply;
        int code;

        request.has_announcement = request.has_content = 1;
        request.announcement = call->seq;
        request.content = fields_binary(buffer_span(&content));
        reply = run(world, COOPERATION_LEAD, "revise", &request.base, &code);
        if (reply && !reply->repeated_request)
            record(world, reply, &act);
    }
    buffer_finish(&content);
    buffer_finish(&sight.sides);
}

void cooperation_confirm(struct cooperation *world, const struct cooperation_act *call,
                         bool declined)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;
    struct cooperation_act act = {.node = COOPERATION_SIDE,
                                  .type = TYPE(CONFIRMATION),
                                  .call_by = COOPERATION_LEAD,
                                  .call = call->seq,
                                  .declined = declined};
    Caravan__PrepareRequest request;
    struct cooperation_sight sight;
    uint8_t bytes[64];

    cooperation_eyes_look(world, world->eyes[COOPERATION_SIDE].view, call->seq, &sight);
    act.names = sight.hash;
    confirmation.has_entry_hash = confirmation.has_declined = 1;
    confirmation.entry_hash = fields_binary(span_of_id(&sight.hash));
    confirmation.declined = declined;
    request = prepare_request(name_of(world, COOPERATION_LEAD, call->seq), TYPE(CONFIRMATION),
                              span_of(bytes, caravan__confirmation__pack(&confirmation, bytes)));
    say(world, &request, &act);
    buffer_finish(&sight.sides);
}

static void propose(struct cooperation *world, const struct cooperation_act *call)
{
    struct cooperation_act act = {.node = COOPERATION_SIDE,
                                  .type = TYPE(PROPOSAL),
                                  .call_by = COOPERATION_LEAD,
                                  .call = call->seq,
                                  .day = 1 + cooperation_draw(world, 5)};
    Caravan__PrepareRequest request;
    struct buffer content = {0};

    joint_proposal(&world->network.nodes[COOPERATION_LEAD].institution, call->seq,
                   &world->network.nodes[COOPERATION_SIDE].institution, act.day, &content);
    request = prepare_request(name_of(world, COOPERATION_LEAD, call->seq), TYPE(PROPOSAL),
                              buffer_span(&content));
    say(world, &request, &act);
    buffer_finish(&content);
}

/* The lead says no to what it sees proposed. As an entry that names no proposal of anybody it must
 * come to nothing: `astray`. */
static void refuse(struct cooperation *world, const struct cooperation_act *call, bool astray)
{
    Caravan__Confirmation refusal = CARAVAN__CONFIRMATION__INIT;
    Caravan__AnnouncementName proposal = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    struct cooperation_act act = {.node = COOPERATION_LEAD,
                                  .type = TYPE(CONFIRMATION),
                                  .call_by = COOPERATION_SIDE,
                                  .readers = COOPERATION_EVERYBODY,
                                  .declined = true};
    Caravan__PrepareRequest request;
    struct cooperation_sight sight;
    uint8_t bytes[160];

    cooperation_eyes_look(world, world->eyes[COOPERATION_LEAD].view, call->seq, &sight);
    act.call = sight.proposal_seq;
    act.names = sight.proposal_hash;
    proposal.has_feed = proposal.has_seq = 1;
    proposal.feed = fields_binary(span_of_id(network_feed(&world->network, COOPERATION_SIDE)));
    proposal.seq = sight.proposal_seq;
    refusal.announcement = &proposal;
    refusal.has_declined = refusal.declined = 1;
    if (astray) {
        act.names = sight.hash;
        refusal.has_entry_hash = 1;
        refusal.entry_hash = fields_binary(span_of_id(&sight.hash));
        publish_raw(world, TYPE(CONFIRMATION),
                    span_of(bytes, caravan__confirmation__pack(&refusal, bytes)), &act);
    } else {
        request = prepare_request(name_of(world, COOPERATION_LEAD, call->seq), TYPE(CONFIRMATION),
                                  span_of(bytes, caravan__confirmation__pack(&refusal, bytes)));
        say(world, &request, &act);
    }
    buffer_finish(&sight.sides);
}

void cooperation_answer(struct cooperation *world, unsigned node,
                        const struct cooperation_act *call)
{
    struct cooperation_act act = {
        .node = node, .type = TYPE(INTEREST), .call_by = COOPERATION_LEAD, .call = call->seq};
    Caravan__PrepareRequest request;
    struct buffer content = {0};

    sealed_interest_bytes(&world->network.nodes[COOPERATION_LEAD].institution, call->seq,
                          "We would like to", &content);
    request = prepare_request(name_of(world, COOPERATION_LEAD, call->seq), TYPE(INTEREST),
                              buffer_span(&content));
    say(world, &request, &act);
    buffer_finish(&content);
}

/* A node takes back something that it has said: a call, a proposal or an answer. */
static void take_back(struct cooperation *world, unsigned node, uint32_t type)
{
    struct cooperation_act act = {
        .node = node, .type = TYPE(WITHDRAWAL), .readers = COOPERATION_EVERYBODY};
    const struct cooperation_act *found = NULL;
    unsigned seen = 0;

    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].node == node && world->acts[i].type == type &&
            cooperation_draw(world, ++seen) == 0)
            found = &world->acts[i];
    if (!found)
        return;
    act.target = found->seq;
    if (found->readers != COOPERATION_EVERYBODY) {
        Caravan__PrepareRequest request =
            prepare_request(name_of(world, node, found->seq), TYPE(WITHDRAWAL), span_of(NULL, 0));

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

void cooperation_share(struct cooperation *world, const struct cooperation_act *call)
{
    char *audience[] = {(char *)(uintptr_t) "cn-node4"};
    struct cooperation_sight sight;
    uint64_t entries[2];

    cooperation_eyes_look(world, world->eyes[COOPERATION_LEAD].view, call->seq, &sight);
    entries[0] = sight.now;
    entries[1] = call->seq;
    for (unsigned i = entries[0] == entries[1]; i < 2 && sight.found; i++) {
        struct cooperation_act act = {
            .node = COOPERATION_LEAD, .type = TYPE(READER), .target = entries[i]};
        Caravan__PrepareRequest request = prepare_request(
            name_of(world, COOPERATION_LEAD, call->seq), TYPE(READER), span_of(NULL, 0));

        request.has_entry = 1;
        request.n_audience = 1;
        request.audience = audience;
        request.entry = entries[i];
        say(world, &request, &act);
    }
    buffer_finish(&sight.sides);
}

/* The relay is no side: what it says of calls counts nowhere, nor does an answer in the clear. */
static void intrude(struct cooperation *world, const struct cooperation_act *call)
{
    struct cooperation_act act = {
        .node = COOPERATION_RELAY, .type = TYPE(INTEREST), .call_by = COOPERATION_RELAY};
    struct institution *relay = &world->network.nodes[COOPERATION_RELAY].institution;
    struct institution *lead = &world->network.nodes[COOPERATION_LEAD].institution;
    struct buffer content = {0};

    act.readers = COOPERATION_EVERYBODY;
    switch (cooperation_draw(world, 3)) {
    case 0:
        act.type = TYPE(PROPOSAL);
        joint_proposal(lead, call->seq, relay, 9, &content);
        break;
    case 1:
        act.type = TYPE(PROPOSAL);
        joint_proposal(lead, call->seq, &world->network.nodes[COOPERATION_SIDE].institution, 9,
                       &content);
        break;
    default:
        sealed_interest_bytes(lead, call->seq, "In the clear", &content);
    }
    publish_raw(world, act.type, buffer_span(&content), &act);
    buffer_finish(&content);
}

void cooperation_act(struct cooperation *world)
{
    struct cooperation_act *call = any_call(world);
    unsigned what = cooperation_draw(world, 26);

    if (!call || what == 0)
        cooperation_announce(world, cooperation_draw(world, 2));
    else if (what <= 3)
        cooperation_revise(world, call, false);
    else if (what <= 5)
        cooperation_revise(world, call, true);
    else if (what <= 9)
        cooperation_confirm(world, call, what == 9);
    else if (what <= 12)
        propose(world, call);
    else if (what <= 15)
        cooperation_answer(world,
                           what == 13   ? COOPERATION_SIDE
                           : what == 14 ? COOPERATION_READER
                                        : COOPERATION_LATER,
                           call);
    else if (what == 16)
        take_back(world, cooperation_draw(world, 2) ? COOPERATION_READER : COOPERATION_LATER,
                  TYPE(INTEREST));
    else if (what == 17)
        take_back(world, COOPERATION_SIDE, TYPE(PROPOSAL));
    else if (what >= 18 && what <= 20 && call->readers != COOPERATION_EVERYBODY)
        cooperation_share(world, call);
    else if (what >= 22)
        refuse(world, call, what == 25 && call->readers == COOPERATION_EVERYBODY);
    else if (what == 21 && cooperation_draw(world, 4) == 0)
        take_back(world, COOPERATION_LEAD, TYPE(ANNOUNCEMENT));
    else
        intrude(world, call);
}

/* --- the world -------------------------------------------------------------------------------- */

static void open_eyes(struct cooperation *world, unsigned node)
{
    sealed_eyes_open(&world->eyes[node], &world->network.nodes[node].reader,
                     &world->network.nodes[node].institution);
}

void cooperation_begin(struct cooperation *world, uint64_t seed)
{
    memset(world, 0, sizeof *world);
    world->random = seed * 7919 + 1;
    arena_init(&world->arena, 256 * 1024 * 1024);
    network_init(&world->network, COOPERATION_NODES, seed);
    for (unsigned a = 0; a < COOPERATION_NODES; a++)
        for (unsigned b = 0; b < COOPERATION_NODES; b++)
            if (a != b)
                network_accept(&world->network, a, b, a == COOPERATION_RELAY);
    for (unsigned i = 0; i < COOPERATION_NODES; i++)
        if (i != COOPERATION_RELAY)
            network_dial(&world->network, i, COOPERATION_RELAY);
    for (unsigned i = 0; i < COOPERATION_NODES; i++) {
        struct network_node *node = &world->network.nodes[i];

        network_start(&world->network, i, false, false);
        open_eyes(world, i);
        assert_int_equal(view_create(&node->store, network_feed(&world->network, i), true,
                                     &world->writers[i], NULL),
                         ERROR_NONE);
    }
    assert_true(network_run(&world->network, MINUTE, network_is_open, NULL));
    for (unsigned i = 0; i < COOPERATION_NODES; i++) {
        char handle[16];

        snprintf(handle, sizeof handle, "cn-node%u", i);
        network_publish_profile(&world->network, i, handle, "CN");
    }
    assert_true(network_run(&world->network, MINUTE, network_is_equal, NULL));
    world->network.live_loss = 30;
    world->network.latency_max_ms = 400;
}

void cooperation_end(struct cooperation *world)
{
    for (unsigned i = 0; i < COOPERATION_NODES; i++) {
        sealed_eyes_close(&world->eyes[i]);
        view_destroy(world->writers[i]);
    }
    network_finish(&world->network);
    arena_finish(&world->arena);
}

void cooperation_disturb(struct cooperation *world)
{
    unsigned node = cooperation_draw(world, COOPERATION_NODES);

    if (node != COOPERATION_RELAY)
        network_cut(&world->network, node, COOPERATION_RELAY, cooperation_draw(world, 3) == 0);
    network_sleep(&world->network, cooperation_draw(world, 3000));
    assert_int_equal(
        view_update(world->eyes[cooperation_draw(world, COOPERATION_NODES)].view, NULL),
        ERROR_NONE);
}

void cooperation_restart(struct cooperation *world, unsigned node)
{
    sealed_eyes_close(&world->eyes[node]);
    network_stop(&world->network, node);
    network_start(&world->network, node, false, false);
    open_eyes(world, node);
}

void cooperation_settle(struct cooperation *world)
{
    for (unsigned i = 0; i < COOPERATION_NODES; i++)
        if (i != COOPERATION_RELAY)
            network_cut(&world->network, i, COOPERATION_RELAY, false);
    world->network.live_loss = 0;
    assert_true(network_run(&world->network, 10 * MINUTE, network_is_equal, NULL));
}
