/* cooperation_eyes: what a node sees of joint calls and in its inbox, and whether that is what the
 * model expects. Part of cooperation. */
#ifndef TESTS_SIM_COOPERATION_EYES_H
#define TESTS_SIM_COOPERATION_EYES_H

#include "tests/sim/cooperation.h"

/* What a node sees of a call. */
struct cooperation_sight {
    bool found;
    struct id hash;
    uint64_t now, withdrawn_by;
    unsigned day; /* of the side's deadline */
    uint64_t proposal_seq;
    struct id proposal_hash;
    unsigned proposal_day;
    char title[32];
    struct buffer sides;
    struct view *view;
};

/* sight->sides is the caller's to finish. */
void cooperation_eyes_look(struct cooperation *world, struct view *view, uint64_t call,
                           struct cooperation_sight *sight);
/* How many things the inbox has now, but for partners. */
size_t cooperation_eyes_count(struct view *view);
/* Through this view a node sees what it should. when: for people. */
void cooperation_eyes_check(struct cooperation *world, unsigned node, struct view *view,
                            const char *when);

#endif
