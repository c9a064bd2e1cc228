/* prepare: what we say of an announcement, looked at and made ready for put. It runs on the reader,
 * which knows the announcements of all feeds. */
#include "node/ops/ops_parts.h"

#include "common/announcement.h"
#include "common/guard.h"
#include "node/core/view_sides.h"

#include <inttypes.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

struct preparing {
    struct ops_context *context;
    const Caravan__PrepareRequest *request;
    const struct view_state *state;
    struct arena arena;
    struct view_side side; /* our own; party is SIZE_MAX when there is none */
    ProtobufCMessage *message;
    Caravan__AnnouncementName name;
    Caravan__PrepareReply *reply;
    struct error *error;
    int code;
};

/* One thing that may be said. */
struct saying {
    const ProtobufCMessageDescriptor *message;
    /* Checks it, and fills in what the node knows. */
    int (*complete)(struct preparing *preparing);
};

static int refuse(struct preparing *preparing, enum error_code code, const char *text)
{
    return error_set(preparing->error, code, "%s %s", preparing->state->name, text);
}

/* --- checks that several need ----------------------------------------------------------------- */

static int check_party(struct preparing *preparing)
{
    if (preparing->side.party == SIZE_MAX)
        return refuse(preparing, ERROR_DENIED,
                      "names no party with our feed as its node id: only its parties confirm it "
                      "or propose other terms; ask its publisher to name us");
    if (preparing->side.state == VIEW_SIDE_PUBLISHER)
        return refuse(preparing, ERROR_INVALID,
                      "is our own announcement: our side is confirmed by publishing it, and its "
                      "terms are changed with revise");
    return ERROR_NONE;
}

static int check_not_withdrawn(struct preparing *preparing)
{
    return preparing->state->withdrawn_by ? refuse(preparing, ERROR_INVALID, "was withdrawn")
                                          : ERROR_NONE;
}

/* Which revision is meant: by hash, which must be of the one in force, or the one in force. Whoever
 * has looked at an older one would confirm what he has not seen. */
static int take_revision(struct preparing *preparing, protobuf_c_boolean *has,
                         ProtobufCBinaryData *hash)
{
    const struct view_state *state = preparing->state;

    if (*has && !span_equal(span_of(hash->data, hash->len), span_of_id(&state->hash)))
        return error_set(preparing->error, ERROR_INVALID,
                         "entry_hash: %s has been revised by No. %" PRIu64
                         " meanwhile; look at it again",
                         state->name, state->event_seq);
    *has = true;
    *hash = ops_id(&state->hash);
    return ERROR_NONE;
}

/* --- what may be said ------------------------------------------------------------------------- */

static int complete_confirmation(struct preparing *preparing)
{
    Caravan__Confirmation *confirmation = (Caravan__Confirmation *)preparing->message;
    int code = check_party(preparing);

    confirmation->announcement = &preparing->name;
    if (!code)
        code = check_not_withdrawn(preparing);
    return code
               ? code
               : take_revision(preparing, &confirmation->has_entry_hash, &confirmation->entry_hash);
}

/* The announcement with the proposed terms must be one that could be published. */
static int check_terms(struct preparing *preparing, Caravan__Party *party)
{
    const Caravan__Announcement *now = preparing->state->announcement;
    struct problem_list problems = {.errors_only = true};
    Caravan__Announcement then = *now;
    struct moment_civil today;
    int code;

    then.parties = arena_alloc(&preparing->arena, now->n_parties * sizeof(Caravan__Party *));
    if (!then.parties)
        return error_memory(preparing->error);
    memcpy(then.parties, now->parties, now->n_parties * sizeof(Caravan__Party *));
    then.parties[preparing->side.party] = party;
    moment_ms_to_civil((int64_t)preparing->context->now_ms, 0, &today);
    announcement_check(&then, &today.date, NULL, &problems);
    code = problem_list_error(&problems, "with these terms the announcement", preparing->error);
    problem_list_finish(&problems);
    return code;
}

static int complete_proposal(struct preparing *preparing)
{
    Caravan__Proposal *proposal = (Caravan__Proposal *)preparing->message;
    int code = check_party(preparing);

    proposal->announcement = &preparing->name;
    if (!code)
        code = check_not_withdrawn(preparing);
    if (!code && !proposal->party)
        code = error_set(preparing->error, ERROR_INVALID,
                         "party is absent; expected our own side as it should stand");
    if (!code)
        code = take_revision(preparing, &proposal->has_entry_hash, &proposal->entry_hash);
    if (code)
        return code;
    proposal->party->has_node_id = true;
    proposal->party->node_id = ops_id(&preparing->context->feed);
    return check_terms(preparing, proposal->party);
}

static int complete_outcome(struct preparing *preparing)
{
    Caravan__Outcome *outcome = (Caravan__Outcome *)preparing->message;

    outcome->announcement = &preparing->name;
    if (preparing->side.party == SIZE_MAX && !preparing->state->own)
        return refuse(preparing, ERROR_DENIED,
                      "is not ours, and names no party with our feed as its node id: only its "
                      "publisher and its parties say what came of it");
    if (outcome->what <= CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_UNSPECIFIED ||
        outcome->what > CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_MATCHED)
        return error_set(preparing->error, ERROR_INVALID,
                         "what: found %d, expected closed, awarded, opened or matched",
                         (int)outcome->what);
    return ERROR_NONE;
}

static const struct saying *saying_of(uint32_t type)
{
    static const struct saying sayings[] = {
        [TYPE(CONFIRMATION)] = {&caravan__confirmation__descriptor, complete_confirmation},
        [TYPE(PROPOSAL)] = {&caravan__proposal__descriptor, complete_proposal},
        [TYPE(OUTCOME)] = {&caravan__outcome__descriptor, complete_outcome},
    };

    return type < sizeof sayings / sizeof sayings[0] && sayings[type].message ? &sayings[type]
                                                                              : NULL;
}

/* --- the announcement it is about ------------------------------------------------------------- */

/* A view_side_visitor: keeps our own side. */
static int keep_own_side(void *context, const struct view_side *side)
{
    struct preparing *preparing = context;

    if (side->own)
        preparing->side = *side;
    return side->own;
}

/* Our newest entry of this type about it, and whether it says the same. */
static int compare_previous(struct preparing *preparing, struct span content)
{
    Caravan__PrepareReply *reply = preparing->reply;
    struct view_own_voice previous;
    int code = view_sides_own_voice(preparing->context->view, preparing->state,
                                    preparing->request->content_type, content, &previous,
                                    preparing->error);

    if (code || !previous.seq)
        return code;
    reply->has_previous = reply->has_previous_hash = reply->has_same = true;
    reply->previous = previous.seq;
    reply->previous_hash =
        ops_binary(&preparing->arena, previous.hash.bytes, sizeof previous.hash.bytes);
    reply->same = previous.same;
    return ERROR_NONE;
}

static int pack(struct preparing *preparing)
{
    size_t size = protobuf_c_message_get_packed_size(preparing->message);
    Caravan__PrepareReply *reply = preparing->reply;

    if (size > LIMIT_CONTENT_SIZE)
        return error_set(preparing->error, ERROR_TOO_LARGE,
                         "it takes %zu bytes, at most %d are allowed", size, LIMIT_CONTENT_SIZE);
    reply->content.data = arena_alloc(&preparing->arena, size ? size : 1);
    if (!reply->content.data)
        return error_memory(preparing->error);
    reply->content.len = protobuf_c_message_pack(preparing->message, reply->content.data);
    reply->has_content_type = reply->has_content = reply->has_revision = true;
    reply->content_type = preparing->request->content_type;
    reply->revision = preparing->state->event_seq;
    return compare_previous(preparing, span_of(reply->content.data, reply->content.len));
}

/* A view_visitor. Everything that the reply points to lives in the arena. */
static int prepare(void *context, const struct view_state *state)
{
    struct preparing *preparing = context;
    struct error *error = preparing->error;

    preparing->state = state;
    preparing->name.has_feed = preparing->name.has_seq = true;
    preparing->name.feed = ops_id(&state->feed);
    preparing->name.seq = state->seq;
    if (!state->announcement)
        preparing->code =
            state->problem[0]
                ? error_set(error, ERROR_INVALID, "%s %s", state->name, state->problem)
                : error_set(error, ERROR_INVALID, "%s is no announcement", state->name);
    if (!preparing->code)
        preparing->code =
            view_sides(preparing->context->view, state, keep_own_side, preparing, error);
    if (!preparing->code)
        preparing->code = saying_of(preparing->request->content_type)->complete(preparing);
    if (!preparing->code)
        preparing->code = pack(preparing);
    return 1;
}

int ops_prepare(struct ops_context *context, const ProtobufCMessage *message, struct buffer *reply,
                struct error *error)
{
    const Caravan__PrepareRequest *request = (const Caravan__PrepareRequest *)message;
    const struct saying *saying = saying_of(request->content_type);
    Caravan__PrepareReply answer = CARAVAN__PREPARE_REPLY__INIT;
    struct preparing preparing = {.context = context,
                                  .request = request,
                                  .side = {.party = SIZE_MAX},
                                  .name = CARAVAN__ANNOUNCEMENT_NAME__INIT,
                                  .reply = &answer,
                                  .error = error};
    struct id feed;
    uint64_t seq;
    int code;

    if (!saying)
        return error_set(error, ERROR_INVALID,
                         "content_type: found %" PRIu32
                         ", expected 7 (confirmation), 8 (proposal) or 9 (outcome)",
                         request->content_type);
    code = view_resolve_name(context->view, request->name ? request->name : "", &feed, &seq, error);
    if (code)
        return code;
    arena_init(&preparing.arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(saying->message, span_of(request->content.data, request->content.len),
                        &guard_limits_content, &preparing.arena, &preparing.message, error);
    if (!code)
        code = view_show(context->view, &feed, seq, prepare, &preparing, error);
    if (!code)
        code = preparing.code;
    if (!code)
        code = ops_reply(&answer.base, reply, error);
    arena_finish(&preparing.arena);
    return code;
}
