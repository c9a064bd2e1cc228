/* view_inbox: what waits for somebody at our institution: answers to our announcements,
 * announcements that ask our side to confirm, what sides propose or decline of ours, what was
 * refused of what we propose, partners that are new here, and who links an announcement of ours.
 * Whether somebody has read it is kept elsewhere (ops): a thing is known by the entry that brought
 * it, so a revision that asks anew is another thing.
 *
 * Threads: as view.h. */
#ifndef CORE_VIEW_INBOX_H
#define CORE_VIEW_INBOX_H

#include "node/core/view_sides.h"

enum view_inbox_kind {
    VIEW_INBOX_ANSWER,   /* to an announcement of ours */
    VIEW_INBOX_CONFIRM,  /* somebody's announcement names us, and we have not said yes or no */
    VIEW_INBOX_PROPOSAL, /* a side of our announcement proposes other terms */
    VIEW_INBOX_DECLINED, /* a side of our announcement declined it */
    VIEW_INBOX_PARTNER,  /* an institution whose first entry has come */
    VIEW_INBOX_LINK,     /* says of its announcement that it is one with one of ours */
    VIEW_INBOX_REFUSED,  /* the publisher refuses what we propose for our side */
};

struct view_inbox_thing {
    enum view_inbox_kind kind;
    struct id feed; /* of the entry that brought it … */
    uint64_t seq;   /* … and its number */
    uint64_t arrival;
    /* What it is about: an announcement; of a partner its first entry. */
    struct id about;
    uint64_t about_seq;
    bool withdrawn; /* of an answer: it was taken back */
    bool to_do;     /* it waits for an act of ours: to confirm, to take over, to link back */
};

/* All things, the latest to arrive first; the caller frees *things. *complete false: announcements
 * are still being read (view_has_work), so requests to confirm may be missing; ask again. Costs a
 * look at every announcement that names us, and at every one of ours that others speak of. */
int view_inbox(struct view *view, struct view_inbox_thing **things, size_t *count, bool *complete,
               struct error *error);

/* Visits one thing: the announcement as it is now; of an answer, a proposal and a refusal (of an
 * announcement of ours, or of what we propose) with what is said (view_state.said). */
int view_inbox_show(struct view *view, const struct view_inbox_thing *thing, view_visitor visit,
                    void *context, struct error *error);

const char *view_inbox_kind_name(enum view_inbox_kind kind); /* "answer" */

#endif
