#include "tests/sim/cooperation_model.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static bool may_read(const struct cooperation *world, unsigned node,
                     const struct cooperation_act *act)
{
    if (act->readers & 1u << node)
        return true;
    for (size_t i = 0; i < world->count; i++) {
        const struct cooperation_act *reader = &world->acts[i];

        if (reader->type == TYPE(READER) && reader->node == act->node &&
            reader->target == act->seq && reader->readers & 1u << node)
            return true;
    }
    return false;
}

/* The newest that a node may read of what somebody has said or changed. */
static const struct cooperation_act *newest(const struct cooperation *world, unsigned eye,
                                            unsigned node, uint32_t type, uint64_t target,
                                            uint64_t call)
{
    const struct cooperation_act *found = NULL;

    for (size_t i = 0; i < world->count; i++) {
        const struct cooperation_act *act = &world->acts[i];

        if (act->node == node && act->type == type && act->target == target && act->call == call &&
            (!found || act->seq > found->seq) && may_read(world, eye, act))
            found = act;
    }
    return found;
}

static bool is_taken_back(const struct cooperation *world, unsigned eye,
                          const struct cooperation_act *act)
{
    return newest(world, eye, act->node, TYPE(WITHDRAWAL), act->seq, 0) != NULL;
}

/* Where the side stands, as a node may see it. */
struct stand {
    const struct cooperation_act *now, *confirmation, *proposal, *refusal;
    uint64_t revision; /* confirmed or declined; 0: none that can be read here */
    enum view_side_state state;
    bool withdrawn;
};

static void stand_of(const struct cooperation *world, unsigned eye,
                     const struct cooperation_act *call, struct stand *out)
{
    *out = (struct stand){.state = VIEW_SIDE_PROPOSED, .now = call};
    if (newest(world, eye, COOPERATION_LEAD, TYPE(REVISION), call->seq, 0))
        out->now = newest(world, eye, COOPERATION_LEAD, TYPE(REVISION), call->seq, 0);
    out->withdrawn = is_taken_back(world, eye, call);
    out->confirmation = newest(world, eye, COOPERATION_SIDE, TYPE(CONFIRMATION), 0, call->seq);
    out->proposal = newest(world, eye, COOPERATION_SIDE, TYPE(PROPOSAL), 0, call->seq);
    if (out->proposal &&
        (is_taken_back(world, eye, out->proposal) || out->proposal->day == out->now->day))
        out->proposal = NULL;
    if (out->proposal)
        out->refusal =
            newest(world, eye, COOPERATION_LEAD, TYPE(CONFIRMATION), 0, out->proposal->seq);
    if (out->refusal && !id_equal(&out->refusal->names, &out->proposal->hash))
        out->refusal = NULL;
    if (!out->confirmation)
        return;
    for (size_t i = 0; i < world->count; i++) {
        const struct cooperation_act *act = &world->acts[i];

        if (act->node == COOPERATION_LEAD && (act == call || act->target == call->seq) &&
            (act == call || act->type == TYPE(REVISION)) && may_read(world, eye, act) &&
            id_equal(&act->hash, &out->confirmation->names))
            out->revision = act->seq;
    }
    out->state = out->confirmation->declined      ? VIEW_SIDE_DECLINED
                 : out->revision == out->now->seq ? VIEW_SIDE_CONFIRMED
                 : out->revision                  ? VIEW_SIDE_EARLIER
                                                  : VIEW_SIDE_ELSEWHERE;
}

static void expect_call(const struct cooperation *world, unsigned eye,
                        const struct cooperation_act *call, struct buffer *out)
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
        if (stand.refusal)
            buffer_printf(out, " refused by %" PRIu64, stand.refusal->seq);
    }
    buffer_append_text(out, "\n");
}

void cooperation_model_thing(struct buffer *out, enum view_inbox_kind kind, unsigned node,
                             uint64_t seq, uint64_t about, bool withdrawn)
{
    buffer_printf(out, "%s cn-node%u/%" PRIu64 " about %" PRIu64 "%s\n", view_inbox_kind_name(kind),
                  node, seq, about, withdrawn ? " withdrawn" : "");
}

/* What waits in a node's inbox because of one act. */
static void expect_things(const struct cooperation *world, unsigned eye,
                          const struct cooperation_act *act, struct buffer *out)
{
    struct stand stand;

    if (act->type == TYPE(INTEREST) && act->call_by == COOPERATION_LEAD && eye == COOPERATION_LEAD)
        cooperation_model_thing(out, VIEW_INBOX_ANSWER, act->node, act->seq, act->call,
                                is_taken_back(world, eye, act));
    if (act->type != TYPE(ANNOUNCEMENT) || !may_read(world, eye, act))
        return;
    stand_of(world, eye, act, &stand);
    if (stand.withdrawn)
        return;
    if (eye == COOPERATION_SIDE && stand.state != VIEW_SIDE_CONFIRMED &&
        !(stand.state == VIEW_SIDE_DECLINED && stand.revision == stand.now->seq))
        cooperation_model_thing(out, VIEW_INBOX_CONFIRM, COOPERATION_LEAD, stand.now->seq, act->seq,
                                false);
    if (eye == COOPERATION_LEAD && stand.proposal && !stand.refusal)
        cooperation_model_thing(out, VIEW_INBOX_PROPOSAL, COOPERATION_SIDE, stand.proposal->seq,
                                act->seq, false);
    if (eye == COOPERATION_LEAD && stand.state == VIEW_SIDE_DECLINED)
        cooperation_model_thing(out, VIEW_INBOX_DECLINED, COOPERATION_SIDE, stand.confirmation->seq,
                                act->seq, false);
    if (eye == COOPERATION_SIDE && stand.refusal)
        cooperation_model_thing(out, VIEW_INBOX_REFUSED, COOPERATION_LEAD, stand.refusal->seq,
                                act->seq, false);
}

void cooperation_model_expect(const struct cooperation *world, unsigned eye, struct buffer *out)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].type == TYPE(ANNOUNCEMENT))
            expect_call(world, eye, &world->acts[i], out);
    for (size_t i = 0; i < world->count; i++)
        expect_things(world, eye, &world->acts[i], out);
}
