/* view_inbox: what waits for somebody at our institution: answers to our announcements,
 * announcements that ask our side to confirm, what sides propose or decline of ours, what was
 * refused of what we propose, partners that are new here, and who links an announcement of ours.
 * Whether somebody has read it is kept elsewhere (struct mark_store): a thing is known by the entry
 * that brought it, so a revision that asks anew is another thing.
 *
 * Partners choose how much there is to look at. So what was found is kept (view_waiting.h), and a
 * call of view_inbox_work looks only at what has come or was changed since, so much of it that some
 * 20 ms go by: VIEW_INBOX_SLICE looks at most, fewer when they cost more (a request to confirm is
 * some 1,000 in one call); and it reads the records of VIEW_CHUNK entries at most, when some are
 * unread. What remains is for the next call, or for view_work. Of each
 * institution the newest VIEW_INBOX_MAX answers, announcements that name us, and announcements that
 * link ours are looked at and kept; of the older ones is known how many there are
 * (view_inbox_more).
 *
 * Threads: as view.h. */
#ifndef CORE_VIEW_INBOX_H
#define CORE_VIEW_INBOX_H

#include "node/core/view_sides.h"

#define VIEW_INBOX_SLICE 2048
#define VIEW_INBOX_MAX 8192 /* VIEW_WAITING_MAX */

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
    bool read;
};

/* Looks at what nobody has looked at since it came or was changed, a slice of it. *complete: there
 * is nothing more to look at; else what is told below may lack things, or tell of some that are
 * over: ask again. marks (self NULL: nothing was read): copied, borrowed for the life of the view,
 * the same at each call; it is asked once for each thing that is found. An error of the ledger or
 * of the marks loses nothing: the next call goes on. */
int view_inbox_work(struct view *view, const struct mark_store *marks, bool *complete,
                    struct error *error);

struct view_inbox_counts {
    uint64_t things, unread, to_do; /* to_do: read or not */
};
void view_inbox_count(const struct view *view, struct view_inbox_counts *out);

/* Returns 0 to go on, anything else to stop. It must not mark anything. */
typedef int (*view_inbox_visitor)(void *context, const struct view_inbox_thing *thing);
/* Visits the things that came before arrival `before` (0: all), the latest to arrive first; unread:
 * only those. Costs what is visited. */
void view_inbox_visit(const struct view *view, uint64_t before, bool unread,
                      view_inbox_visitor visit, void *context);
/* What this entry has brought. false: nothing, or it was not looked at yet, or is not kept. */
bool view_inbox_find(const struct view *view, const struct id *feed, uint64_t seq,
                     struct view_inbox_thing *out);

/* Marks what these entries have brought as read, or as unread: on disk when it returns. marks.self
 * must not be NULL. */
int view_inbox_mark(struct view *view, const struct mark *entries, size_t count, bool read,
                    struct error *error);

/* Older ones that are not looked at, of one kind: VIEW_INBOX_ANSWER, _CONFIRM (announcements that
 * name us, whether they wait for us or not) or _LINK. */
struct view_inbox_more {
    enum view_inbox_kind kind;
    struct id feed;
    uint64_t count;
};
typedef int (*view_inbox_more_visitor)(void *context, const struct view_inbox_more *more);
void view_inbox_more(const struct view *view, view_inbox_more_visitor visit, void *context);

/* Visits one thing: the announcement as it is now; of an answer, a proposal and a refusal (of an
 * announcement of ours, or of what we propose) with what is said (view_state.said). */
int view_inbox_show(struct view *view, const struct view_inbox_thing *thing, view_visitor visit,
                    void *context, struct error *error);

const char *view_inbox_kind_name(enum view_inbox_kind kind); /* "answer" */

#endif
