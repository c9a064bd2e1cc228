/* prepare: what we say of an announcement, and what is for some institutions only, looked at and
 * made ready for put. It runs on the reader, which knows the announcements of all feeds and can
 * open what is sealed for us. */
#include "node/ops/ops_parts.h"

#include "common/announcement.h"
#include "common/guard.h"
#include "common/seal.h"
#include "node/core/view_sides.h"
#include "node/ops/ops_erase.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

struct preparing {
    struct ops_context *context;
    const Caravan__PrepareRequest *request;
    const struct view_state *state; /* the announcement it is about; NULL: a new one */
    struct arena arena;
    struct view_side side; /* our own; party is SIZE_MAX when there is none */
    /* Of a refusal: of the side whose proposal it is; else of none. */
    struct view_side refused;
    struct view_audience audience;
    ProtobufCMessage *message; /* what is said; replaced where its form in a feed is another one */
    Caravan__AnnouncementName name;
    Caravan__Revision revision;
    Caravan__Reader reader;
    struct seal_key key;
    Caravan__PrepareReply *reply;
    struct buffer sealed;
    struct ops_erase erase;
    bool only_erases; /* everything else was said before */
    struct error *error;
    int code;
};

/* One thing that may be said. */
struct saying {
    const ProtobufCMessageDescriptor *message; /* of the request's content; NULL: it has none */
    bool voice;                                /* our newest one of this type counts */
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
                      "does not name us as a party (with our handle as `node id`): only its "
                      "parties confirm it or propose other terms; ask its publisher to name us");
    if (preparing->side.state == VIEW_SIDE_PUBLISHER)
        return refuse(preparing, ERROR_INVALID,
                      "is our own announcement: our side is confirmed by publishing it, and its "
                      "terms are changed with revise");
    return ERROR_NONE;
}

static int check_own(struct preparing *preparing)
{
    return preparing->state->own
               ? ERROR_NONE
               : refuse(preparing, ERROR_DENIED,
                        "is not our own announcement; only its publisher can change it");
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

/* Handles of the request join those that may read already. */
static int take_audience(struct preparing *preparing)
{
    const Caravan__PrepareRequest *request = preparing->request;
    struct id feed;
    int code = ERROR_NONE;

    for (size_t i = 0; i < request->n_audience && !code; i++) {
        code =
            view_resolve(preparing->context->view, request->audience[i], &feed, preparing->error);
        if (code == ERROR_NOT_FOUND)
            code = error_set(preparing->error, ERROR_NOT_FOUND,
                             "no institution or group is known as \"%.80s\"; expected a handle "
                             "like th-nstda, or the name of a group of node.yaml; caravan status "
                             "lists the institutions that are known",
                             request->audience[i]);
        if (!code && id_equal(&feed, &preparing->context->feed))
            continue; /* we read it in any case */
        if (!code && !view_audience_add(&preparing->audience, &feed))
            code = error_set(preparing->error, ERROR_TOO_LARGE,
                             "it is for more than %d institutions", LIMIT_SEAL_AUDIENCE);
    }
    return code;
}

static int check_content(struct preparing *preparing, size_t *unknown)
{
    return ops_publish_check_bytes(true, &preparing->request->content, preparing->context->now_ms,
                                   unknown, preparing->error);
}

/* The entry that the new one takes the place of. */
static int set_previous(struct preparing *preparing, uint64_t seq, const struct id *hash, bool same)
{
    Caravan__PrepareReply *reply = preparing->reply;

    reply->has_previous = reply->has_previous_hash = reply->has_same = true;
    reply->previous = seq;
    reply->previous_hash = ops_binary(&preparing->arena, hash->bytes, sizeof hash->bytes);
    reply->same = same;
    return reply->previous_hash.len ? ERROR_NONE : error_memory(preparing->error);
}

/* --- what may be said ------------------------------------------------------------------------- */

/* Before the message is replaced by its form in the feed. */
static int check_parties(struct preparing *preparing, const char *name)
{
    const Caravan__Announcement *announcement = (const Caravan__Announcement *)preparing->message;

    return preparing->audience.count
               ? ops_seal_check_parties(preparing->context, &preparing->audience, announcement,
                                        name, preparing->error)
               : ERROR_NONE;
}

static int complete_announcement(struct preparing *preparing)
{
    size_t unknown;
    int code = check_content(preparing, &unknown);

    if (!code)
        code = take_audience(preparing);
    if (!code && !preparing->audience.count && preparing->request->n_audience)
        code = error_set(preparing->error, ERROR_INVALID,
                         "audience: %.80s is this institution; name the others",
                         preparing->request->audience[0]);
    if (!code && !preparing->audience.count)
        code = error_set(preparing->error, ERROR_INVALID,
                         "audience: found none, expected the handles of those that it is for");
    return code ? code : check_parties(preparing, NULL);
}

/* What the announcement, or what we have said of one, holds in its entries. */
static int take_erase(struct preparing *preparing)
{
    int code;

    if (!preparing->request->erase)
        return ERROR_NONE;
    code = ops_erase_gather(preparing->context, preparing->state->seq, 0, &preparing->erase,
                            preparing->error);
    preparing->reply->n_erase = preparing->erase.count;
    preparing->reply->erase = preparing->erase.seqs;
    return code;
}

static int complete_revision(struct preparing *preparing)
{
    const struct view_state *state = preparing->state;
    const ProtobufCBinaryData *content = &preparing->request->content;
    size_t unknown;
    int code = check_own(preparing);

    if (!code)
        code = check_not_withdrawn(preparing);
    if (!code)
        code = check_content(preparing, &unknown);
    if (!code)
        code = ops_publish_check_drop(state, unknown, preparing->error);
    if (!code)
        code = check_parties(preparing, state->name);
    if (!code)
        code = take_erase(preparing);
    if (code)
        return code;
    caravan__revision__init(&preparing->revision);
    preparing->revision.has_announcement = preparing->revision.has_content = true;
    preparing->revision.announcement = state->seq;
    preparing->revision.content = *content;
    preparing->message = &preparing->revision.base;
    return set_previous(preparing, state->event_seq, &state->hash,
                        span_equal(state->content, span_of(content->data, content->len)));
}

static int complete_withdrawal(struct preparing *preparing)
{
    Caravan__Withdrawal *withdrawal = (Caravan__Withdrawal *)preparing->message;
    const struct view_state *state = preparing->state;
    int code = check_own(preparing);

    if (!code)
        code = take_erase(preparing);
    preparing->only_erases =
        !code && state->withdrawn_by && preparing->erase.count && !withdrawal->n_reason;
    if (code || preparing->only_erases)
        return code;
    code = check_not_withdrawn(preparing);
    if (!code)
        code = ops_publish_check_reason(withdrawal->reason, withdrawal->n_reason, preparing->error);
    withdrawal->has_announcement = true;
    withdrawal->announcement = state->seq;
    return code ? code : set_previous(preparing, state->event_seq, &state->hash, false);
}

/* A view_side_visitor: keeps the side whose feed the refusal names. */
static int keep_refused(void *context, const struct view_side *side)
{
    struct preparing *preparing = context;
    const Caravan__Confirmation *refusal = (const Caravan__Confirmation *)preparing->message;
    const ProtobufCBinaryData *feed = &refusal->announcement->feed;

    if (!span_equal(span_of_id(&side->feed), span_of(feed->data, feed->len)))
        return 0;
    preparing->refused = *side;
    return 1;
}

/* Of what a side proposes: whoever has looked at an older proposal would refuse what he has not
 * seen. */
static int check_refused(struct preparing *preparing, const Caravan__Confirmation *refusal)
{
    const struct view_side *side = &preparing->refused;
    const char *name = preparing->state->name;

    if (!side->proposal_seq)
        return refuse(preparing, ERROR_NOT_FOUND,
                      "has no such proposal now: no side with this feed proposes other terms");
    if (side->proposal_seq != refusal->announcement->seq)
        return error_set(preparing->error, ERROR_INVALID,
                         "announcement: found No. %" PRIu64 " of %s, but for %s it proposes what "
                         "No. %" PRIu64 " says; look at it again",
                         refusal->announcement->seq, side->handle, name, side->proposal_seq);
    if (refusal->has_entry_hash &&
        !span_equal(span_of(refusal->entry_hash.data, refusal->entry_hash.len),
                    span_of_id(&side->proposal_hash)))
        return error_set(preparing->error, ERROR_INVALID,
                         "entry_hash: found another one than that of No. %" PRIu64
                         " of %s; look at it again",
                         side->proposal_seq, side->handle);
    if (!refusal->declined)
        return error_set(preparing->error, ERROR_INVALID,
                         "declined: found no, expected yes: a proposal is taken over by a revision "
                         "that says the same");
    return ERROR_NONE;
}

/* The publisher says no to a proposal: it names that entry, as others name the announcement. */
static int complete_refusal(struct preparing *preparing, Caravan__Confirmation *refusal)
{
    int code = preparing->state->own
                   ? ERROR_NONE
                   : refuse(preparing, ERROR_DENIED,
                            "is not our own announcement; only its publisher can refuse what a "
                            "side proposes");

    if (!code)
        code = check_not_withdrawn(preparing);
    if (!code)
        code = view_sides(preparing->context->view, preparing->state, keep_refused, preparing,
                          preparing->error);
    if (!code)
        code = check_refused(preparing, refusal);
    refusal->has_entry_hash = true;
    refusal->entry_hash = ops_id(&preparing->refused.proposal_hash);
    return code;
}

static bool names_other(const struct preparing *preparing, const Caravan__AnnouncementName *name)
{
    return name && (name->seq != preparing->name.seq ||
                    !span_equal(span_of(name->feed.data, name->feed.len),
                                span_of(preparing->name.feed.data, preparing->name.feed.len)));
}

static int complete_confirmation(struct preparing *preparing)
{
    Caravan__Confirmation *confirmation = (Caravan__Confirmation *)preparing->message;
    int code;

    if (names_other(preparing, confirmation->announcement))
        return complete_refusal(preparing, confirmation);
    code = check_party(preparing);
    confirmation->announcement = &preparing->name;
    if (!code)
        code = check_not_withdrawn(preparing);
    return code
               ? code
               : take_revision(preparing, &confirmation->has_entry_hash, &confirmation->entry_hash);
}

/* The announcement with the proposed terms must be one that could be published, as its publisher
 * would take them over: with a valid_until that moves with them where it was filled in. */
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
    code = announcement_move_expiry(now, &then, &today.date, &preparing->arena, preparing->error);
    if (code)
        return code;
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
                      "is not ours, and does not name us as a party (with our handle as `node "
                      "id`): only its publisher and its parties say what came of it");
    if (outcome->what <= CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_UNSPECIFIED ||
        outcome->what > CARAVAN__OUTCOME_WHAT__OUTCOME_WHAT_MATCHED)
        return error_set(preparing->error, ERROR_INVALID,
                         "what: found %d, expected closed, awarded, opened or matched",
                         (int)outcome->what);
    return ERROR_NONE;
}

struct step_search {
    uint64_t seq;
    bool found;
};

/* A view_visitor. */
static int find_step(void *context, const struct view_state *state)
{
    struct step_search *search = context;

    search->found = state->event_seq == search->seq;
    return search->found;
}

/* A key opens one entry: not one of another announcement, by a slip. */
static int check_step(struct preparing *preparing)
{
    const struct view_state *state = preparing->state;
    struct step_search search = {.seq = preparing->request->entry};
    int code = view_history(preparing->context->view, &state->feed, state->seq, find_step, &search,
                            preparing->error);

    return code || search.found ? code
                                : error_set(preparing->error, ERROR_INVALID,
                                            "entry: found %" PRIu64 ", expected %" PRIu64
                                            ", which first published %s, or a revision of it",
                                            search.seq, state->seq, state->name);
}

static int complete_reader(struct preparing *preparing)
{
    const Caravan__PrepareRequest *request = preparing->request;
    int code = check_own(preparing);

    if (!code && !preparing->state->seal)
        code = refuse(preparing, ERROR_INVALID, "is public: everybody may read it");
    if (!code)
        code = check_step(preparing);
    if (!code)
        code = take_audience(preparing);
    if (!code)
        code = preparing->context->opened
                   ? opened_key(preparing->context->opened, &preparing->context->feed,
                                request->entry, &preparing->key, preparing->error)
                   : error_set(preparing->error, ERROR_INTERNAL, "this node opens nothing");
    caravan__reader__init(&preparing->reader);
    preparing->reader.has_seq = preparing->reader.has_key = true;
    preparing->reader.seq = request->entry;
    preparing->reader.key.data = preparing->key.bytes;
    preparing->reader.key.len = sizeof preparing->key.bytes;
    preparing->message = &preparing->reader.base;
    return code;
}

/* The same answer once more is another one when ours was taken back. */
static int note_taken_back(struct preparing *preparing)
{
    struct view_own_voice answer;
    int code = view_sides_own_voice(preparing->context->view, &preparing->state->feed,
                                    preparing->state->seq, TYPE(INTEREST), span_of(NULL, 0),
                                    &answer, preparing->error);

    return code || !answer.withdrawn ? code
                                     : set_previous(preparing, answer.seq, &answer.hash, false);
}

/* An answer goes to the institution that announced, and to nobody else. */
static int complete_interest(struct preparing *preparing)
{
    Caravan__Interest *interest = (Caravan__Interest *)preparing->message;
    int code = preparing->state->own ? refuse(preparing, ERROR_INVALID,
                                              "is our own announcement; an answer goes to "
                                              "another institution")
                                     : check_not_withdrawn(preparing);

    if (code)
        return code;
    interest->announcement = &preparing->name;
    preparing->audience.count = 0;
    view_audience_add(&preparing->audience, &preparing->state->feed);
    if (interest->from) {
        interest->from->has_node_id = true;
        interest->from->node_id = ops_id(&preparing->context->feed);
    }
    code = announcement_check_interest(interest, preparing->error);
    return code ? code : note_taken_back(preparing);
}

static const struct saying *saying_of(uint32_t type)
{
    static const struct saying sayings[] = {
        [TYPE(ANNOUNCEMENT)] = {&caravan__announcement__descriptor, false, complete_announcement},
        [TYPE(REVISION)] = {&caravan__announcement__descriptor, false, complete_revision},
        [TYPE(WITHDRAWAL)] = {&caravan__withdrawal__descriptor, false, complete_withdrawal},
        [TYPE(CONFIRMATION)] = {&caravan__confirmation__descriptor, true, complete_confirmation},
        [TYPE(PROPOSAL)] = {&caravan__proposal__descriptor, true, complete_proposal},
        [TYPE(OUTCOME)] = {&caravan__outcome__descriptor, true, complete_outcome},
        [TYPE(INTEREST)] = {&caravan__interest__descriptor, false, complete_interest},
        [TYPE(READER)] = {NULL, false, complete_reader},
    };

    return type < sizeof sayings / sizeof sayings[0] && sayings[type].complete ? &sayings[type]
                                                                               : NULL;
}

/* --- making it -------------------------------------------------------------------------------- */

/* Our newest entry of this type about it, and whether it says the same. What was refused can be
 * proposed once more. */
static int compare_previous(struct preparing *preparing, struct span content)
{
    const struct view_state *state = preparing->state;
    const struct view_side *refused = &preparing->refused;
    uint32_t type = preparing->request->content_type;
    struct view_own_voice previous;
    int code = view_sides_own_voice(preparing->context->view,
                                    refused->proposal_seq ? &refused->feed : &state->feed,
                                    refused->proposal_seq ? refused->proposal_seq : state->seq,
                                    type, content, &previous, preparing->error);

    if (type == TYPE(PROPOSAL) && preparing->side.refused_seq)
        previous.same = false;
    return code || !previous.seq
               ? code
               : set_previous(preparing, previous.seq, &previous.hash, previous.same);
}

static int name_audience(struct preparing *preparing)
{
    const struct view_audience *audience = &preparing->audience;
    Caravan__PrepareReply *reply = preparing->reply;

    reply->audience =
        arena_alloc(&preparing->arena, (audience->count + 1) * sizeof *reply->audience);
    for (size_t i = 0; i < audience->count && reply->audience; i++) {
        char *name;

        if (id_equal(&audience->feeds[i], &preparing->context->feed))
            continue;
        name = ops_feed_name(&preparing->arena, preparing->context->view, &audience->feeds[i]);
        if (!name)
            return error_memory(preparing->error);
        reply->audience[reply->n_audience++] = name;
    }
    return reply->audience ? ERROR_NONE : error_memory(preparing->error);
}

static int seal(struct preparing *preparing, struct span content)
{
    Caravan__PrepareReply *reply = preparing->reply;
    int code = ops_seal(preparing->context, &preparing->audience, preparing->request->content_type,
                        content, &preparing->sealed, preparing->error);

    reply->content_type = TYPE(SEALED);
    reply->content.data = preparing->sealed.data;
    reply->content.len = preparing->sealed.size;
    return code ? code : name_audience(preparing);
}

static int pack(struct preparing *preparing, const struct saying *saying)
{
    size_t size = protobuf_c_message_get_packed_size(preparing->message);
    Caravan__PrepareReply *reply = preparing->reply;
    int code = ERROR_NONE;

    if (size > LIMIT_CONTENT_SIZE)
        return error_set(preparing->error, ERROR_TOO_LARGE,
                         "it takes %zu bytes, at most %d are allowed", size, LIMIT_CONTENT_SIZE);
    reply->content.data = arena_alloc(&preparing->arena, size ? size : 1);
    if (!reply->content.data)
        return error_memory(preparing->error);
    reply->content.len = protobuf_c_message_pack(preparing->message, reply->content.data);
    reply->has_content_type = reply->has_content = true;
    reply->content_type = preparing->request->content_type;
    reply->has_revision = preparing->state != NULL;
    reply->revision = preparing->state ? preparing->state->event_seq : 0;
    if (saying->voice)
        code = compare_previous(preparing, span_of(reply->content.data, reply->content.len));
    if (!code && preparing->audience.count) {
        const ProtobufCBinaryData plain = reply->content;

        code = seal(preparing, span_of(plain.data, plain.len));
        secret_wipe(plain.data, plain.len); /* of a Reader: a key */
    }
    return code;
}

static int unpack(struct preparing *preparing, const struct saying *saying)
{
    const ProtobufCBinaryData *content = &preparing->request->content;

    return saying->message ? guard_unpack(saying->message, span_of(content->data, content->len),
                                          &guard_limits_content, &preparing->arena,
                                          &preparing->message, preparing->error)
                           : ERROR_NONE;
}

static int make(struct preparing *preparing, const struct saying *saying)
{
    int code = unpack(preparing, saying);

    if (!code)
        code = saying->complete(preparing);
    return code || preparing->only_erases ? code : pack(preparing, saying);
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

/* What we have said ourselves of an announcement can be withdrawn like one. */
static bool takes_back_other(const struct preparing *preparing)
{
    return preparing->request->content_type == TYPE(WITHDRAWAL) && preparing->state->own &&
           (preparing->state->content_type == TYPE(PROPOSAL) ||
            preparing->state->content_type == TYPE(INTEREST));
}

static int look(struct preparing *preparing)
{
    const struct view_state *state = preparing->state;
    struct view *view = preparing->context->view;
    struct error *error = preparing->error;
    int code;

    if (!state->announcement && !takes_back_other(preparing))
        return state->problem[0]
                   ? error_set(error, ERROR_INVALID, "%s %s", state->name, state->problem)
                   : error_set(error, ERROR_INVALID, "%s is no announcement", state->name);
    preparing->name.has_feed = preparing->name.has_seq = true;
    preparing->name.feed = ops_id(&state->feed);
    preparing->name.seq = state->seq;
    code = view_audience(view, state, &preparing->audience, error);
    return code ? code : view_sides(view, state, keep_own_side, preparing, error);
}

/* A view_visitor. What the reply points to outlives the visit: arena and buffer of preparing. */
static int prepare(void *context, const struct view_state *state)
{
    struct preparing *preparing = context;

    preparing->state = state;
    preparing->code = look(preparing);
    if (!preparing->code)
        preparing->code = make(preparing, saying_of(preparing->request->content_type));
    return 1;
}

static int prepare_about(struct preparing *preparing)
{
    const char *name = preparing->request->name ? preparing->request->name : "";
    struct view *view = preparing->context->view;
    struct id feed;
    uint64_t seq;
    int code = view_resolve_name(view, name, &feed, &seq, preparing->error);

    if (!code)
        code = view_show(view, &feed, seq, prepare, preparing, preparing->error);
    return code ? code : preparing->code;
}

int ops_prepare(struct ops_context *context, const ProtobufCMessage *message, struct buffer *reply,
                struct error *error)
{
    const Caravan__PrepareRequest *request = (const Caravan__PrepareRequest *)message;
    const struct saying *saying = saying_of(request->content_type);
    Caravan__PrepareReply answer = CARAVAN__PREPARE_REPLY__INIT;
    struct preparing *preparing;
    int code;

    if (!saying)
        return error_set(error, ERROR_INVALID,
                         "content_type: found %" PRIu32 ", expected 4 to 9, 12 or 14",
                         request->content_type);
    preparing = calloc(1, sizeof *preparing); /* an audience is 8 KiB */
    if (!preparing)
        return error_memory(error);
    preparing->context = context;
    preparing->request = request;
    preparing->side.party = SIZE_MAX;
    preparing->reply = &answer;
    preparing->error = error;
    caravan__announcement_name__init(&preparing->name);
    arena_init(&preparing->arena, LIMIT_ARENA_SIZE);
    code = request->content_type == TYPE(ANNOUNCEMENT) ? make(preparing, saying)
                                                       : prepare_about(preparing);
    if (!code)
        code = ops_reply(&answer.base, reply, error);
    seal_key_wipe(&preparing->key);
    buffer_finish(&preparing->sealed);
    ops_erase_finish(&preparing->erase);
    arena_finish(&preparing->arena);
    free(preparing);
    return code;
}
