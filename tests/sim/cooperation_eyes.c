#include "tests/sim/cooperation_eyes.h"

#include "tests/sim/cooperation_model.h"
#include "tests/support/inbox.h"

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

static int see_side(void *context, const struct view_side *side)
{
    struct cooperation_sight *sight = context;

    if (side->state == VIEW_SIDE_PUBLISHER)
        return 0;
    buffer_printf(&sight->sides, " | %s %" PRIu64 " by %" PRIu64 " proposal %" PRIu64,
                  view_side_state_name(side->state), side->revision, side->by_seq,
                  side->proposal_seq);
    if (side->refused_seq)
        buffer_printf(&sight->sides, " refused by %" PRIu64, side->refused_seq);
    sight->proposal_seq = side->proposal_seq;
    sight->proposal_hash = side->proposal_hash;
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
    struct cooperation_sight *sight = context;

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

void cooperation_eyes_look(struct cooperation *world, struct view *view, uint64_t call,
                           struct cooperation_sight *sight)
{
    int code;

    *sight = (struct cooperation_sight){.view = view};
    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    code = view_show(view, network_feed(&world->network, COOPERATION_LEAD), call, see, sight, NULL);
    assert_true(code == ERROR_NONE || code == ERROR_NOT_FOUND);
}

static void write_call_seen(struct cooperation *world, struct view *view, uint64_t call,
                            struct buffer *out)
{
    struct cooperation_sight sight;

    cooperation_eyes_look(world, view, call, &sight);
    buffer_printf(out, "%" PRIu64 ":", call);
    if (sight.found)
        buffer_printf(out, " %s as of %" PRIu64 "%s%s", sight.title, sight.now,
                      sight.withdrawn_by ? " withdrawn" : "", buffer_text(&sight.sides));
    buffer_append_text(out, "\n");
    buffer_finish(&sight.sides);
}

static unsigned node_of(const struct cooperation *world, const struct id *feed)
{
    for (unsigned i = 0; i < COOPERATION_NODES; i++)
        if (id_equal(network_feed(&world->network, i), feed))
            return i;
    fail_msg("a feed of nobody");
    return COOPERATION_NODES;
}

/* In the order of the model: by act, and of one act by kind; partners are not looked at, and nobody
 * links anything. */
static void write_inbox_seen(struct cooperation *world, struct view *view, struct buffer *out)
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
        for (int kind = 0; kind <= VIEW_INBOX_REFUSED; kind++)
            for (size_t i = 0; i < count; i++) {
                const struct view_inbox_thing *thing = &things[i];
                unsigned node = node_of(world, &thing->feed);
                const struct cooperation_act *act = &world->acts[a];
                bool by_act = kind == VIEW_INBOX_ANSWER
                                  ? act->node == node && act->seq == thing->seq
                                  : act->type == TYPE(ANNOUNCEMENT) && act->seq == thing->about_seq;

                if ((int)thing->kind == kind && by_act && kind != VIEW_INBOX_PARTNER)
                    cooperation_model_thing(out, thing->kind, node, thing->seq, thing->about_seq,
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

size_t cooperation_eyes_count(struct view *view)
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

void cooperation_eyes_check(struct cooperation *world, unsigned node, struct view *view,
                            const char *when)
{
    struct buffer expected = {0}, seen = {0};
    size_t calls = 0;

    cooperation_model_expect(world, node, &expected);
    for (size_t i = 0; i < world->count; i++)
        if (world->acts[i].type == TYPE(ANNOUNCEMENT)) {
            write_call_seen(world, view, world->acts[i].seq, &seen);
            calls++;
        }
    write_inbox_seen(world, view, &seen);
    if (strcmp(buffer_text(&seen), buffer_text(&expected)) != 0)
        fail_msg("node %u, %s: it sees\n%sexpected\n%s", node, when, buffer_text(&seen),
                 buffer_text(&expected));
    assert_int_equal(cooperation_eyes_count(view), count_lines(buffer_text(&seen)) - calls);
    buffer_finish(&expected);
    buffer_finish(&seen);
}
