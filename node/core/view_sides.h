/* view_sides: where each side of a joint announcement stands: what its institution has said, in its
 * own feed, of the revision that is in force.
 *
 * A side is a party that names its feed (Party.node_id); a feed that is named twice is one side,
 * the first. The publisher's own side is confirmed by publishing. A confirmation names the entry it
 * confirms by its hash, so going back to an older text revives no old confirmation. Of each
 * institution the newest confirmation (or refusal) counts, and its newest proposal, until it is
 * withdrawn or the revision in force says what it proposes (all of it, or all that it changes
 * against the revision it was made for). The publisher can refuse it
 * (view_refusal.h); it stands until then and after that, but waits for nobody any more.
 *
 * Threads: as view.h. */
#ifndef CORE_VIEW_SIDES_H
#define CORE_VIEW_SIDES_H

#include "node/core/view.h"

enum view_side_state {
    VIEW_SIDE_PUBLISHER, /* whose announcement it is */
    VIEW_SIDE_PROPOSED,  /* named, and has not said anything */
    VIEW_SIDE_CONFIRMED, /* the revision in force */
    VIEW_SIDE_EARLIER,   /* an earlier revision */
    VIEW_SIDE_ELSEWHERE, /* a revision that is not here, or no revision of it */
    VIEW_SIDE_DECLINED,
};

struct view_side {
    size_t party; /* place in Announcement.parties */
    struct id feed;
    const char *handle; /* "" when no profile was seen */
    bool own;           /* our own side */
    enum view_side_state state;
    uint64_t revision; /* seq that it confirmed or declined; 0: none, or it is not here */
    uint64_t by_seq;   /* number, in its feed, of the entry that says so; 0: none */
    uint64_t by_ms;    /* … that entry's created_ms */
    /* What it proposes for its own side, not taken over yet; 0: nothing. */
    uint64_t proposal_seq, proposal_ms;
    struct id proposal_hash; /* … of that entry */
    struct span proposal;    /* Proposal bytes */
    /* The publisher's entry that refuses it; 0: it is open. */
    uint64_t refused_seq, refused_ms;
};

/* At most so many sides are looked at. */
#define VIEW_SIDES_MAX 64

/* Everything is borrowed until the visitor returns; nonzero stops. */
typedef int (*view_side_visitor)(void *context, const struct view_side *side);

/* Visits the sides of an announcement in the order of its parties; none when no party names a feed
 * other than the publisher's. state: the announcement as it is now, as view_list and view_show give
 * it; does nothing when it cannot be shown. */
int view_sides(struct view *view, const struct view_state *state, view_side_visitor visit,
               void *context, struct error *error);

/* Is an institution other than the publisher one of these sides? */
bool view_sides_names(const struct view_state *state, const struct id *feed);

/* What institutions say of an announcement: of its publisher and of each party that names its feed
 * the newest confirmation, proposal and outcome, as view_state.said, the latest to arrive last.
 * None when the announcement cannot be shown. */
int view_sides_said(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
                    void *context, struct error *error);

/* Our own newest entry of a type (confirmation, proposal, outcome, interest) about an announcement.
 */
struct view_own_voice {
    uint64_t seq; /* 0: none */
    struct id hash;
    bool withdrawn; /* we have taken it back */
    bool same;      /* its content is exactly this one, and stands */
};
/* feed, seq: of the announcement, or of the proposal that we may have refused. */
int view_sides_own_voice(struct view *view, const struct id *feed, uint64_t seq,
                         uint32_t content_type, struct span content, struct view_own_voice *out,
                         struct error *error);

const char *view_side_state_name(enum view_side_state state); /* "confirmed" */

#endif
