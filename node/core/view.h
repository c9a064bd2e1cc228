/* view: announcements as people read them: what an entry, its revisions and its withdrawal say
 * together, folded from the ledger. Contents that break a rule, are of an unknown kind or from a
 * newer version, and contents that are missing stop nothing: they come with the reason why they
 * cannot be shown; so do those that were ordered erased. An erased revision no longer tells what it
 * changed: it is then an entry by itself.
 *
 * A change (revision, withdrawal) counts only when it is in the feed of the announcement that it
 * names. The newest revision is in force, also when it cannot be shown: to show an older one would
 * be wrong. What was withdrawn stays withdrawn.
 *
 * A voice (confirmation, proposal, outcome) is what an institution says in its own feed about an
 * announcement of any feed. It changes nothing of the announcement; view_sides.h says what the
 * voices mean together.
 *
 * Over an opened store (opened.h) what was sealed for us is seen as what it is; over another one as
 * "sealed for other institutions".
 *
 * Threads: one at a time, each thread its own view and store. */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include "common/eligible.h"
#include "node/core/ports.h"
#include "proto/answer.pb-c.h"
#include "proto/control.pb-c.h"

/* Contents that ask for a newer schema than this are not interpreted (Entry.min_reader). */
#define VIEW_SCHEMA_VERSION 1

struct view;

/* store: this thread's; borrowed for the life of the view. own_only: our own feed alone, for
 * checking changes of it on the writer's store (uncommitted entries count there); it does not list.
 * What such a view has read of a transaction that was rolled back, view_reset makes it forget. */
int view_create(const struct store *store, const struct id *own, bool own_only, struct view **out,
                struct error *error);
void view_destroy(struct view *view); /* NULL is fine */

void view_reset(struct view *view);

/* Reads what has arrived of names and changes since the last call: little, also of a large ledger.
 * Every function below answers as of then. */
int view_update(struct view *view, struct error *error);
uint64_t view_last_arrival(const struct view *view);

/* Lists are made from an index that is read from the ledger when the first list is asked for,
 * newest entries first, in pieces of some 30 ms. view_list reads what its page needs, one piece at
 * most; the rest is for view_work, which reads one piece: call it, between other work, while
 * view_has_work. So it is with what the inbox must look at (view_inbox.h). */
bool view_has_work(const struct view *view);
int view_work(struct view *view, struct error *error);

/* Asks for all announcements to be read; true: they are. Else there is view_work. */
bool view_want_all(struct view *view);

#define VIEW_PROBLEM_SIZE 512
#define VIEW_NAME_SIZE 64

/* Everything is borrowed until the visitor returns. */
struct view_state {
    char name[VIEW_NAME_SIZE]; /* of the announcement: handle/seq; without a handle, hex/seq */
    const char *handle;        /* "" when no profile was seen */
    struct id feed;
    bool own;
    uint64_t seq;       /* entry that first published it */
    uint64_t event_seq; /* entry that is in force, or that this event is about */
    uint64_t revised_by;
    uint64_t withdrawn_by; /* 0: not withdrawn */
    uint32_t content_type; /* of the entry event_seq, when it is an event; else of seq */
    /* of the entry event_seq */
    uint32_t min_reader;
    uint64_t created_ms, received_ms, arrival;
    struct id hash;
    /* Announcement bytes; of another type of entry its content as it is */
    struct span content;
    bool has_content;
    const Caravan__Announcement *announcement; /* the same, read; NULL when it cannot be shown */
    uint64_t erased_by;              /* that content was erased by this entry; 0: it was not */
    char problem[VIEW_PROBLEM_SIZE]; /* "cannot be shown: …"; "" when it can */
    const Caravan__Withdrawal *withdrawal; /* NULL when not withdrawn or not readable */
    /* Of a voice: who says it, and what (Confirmation, Proposal or Outcome, by content_type). Then
     * event_seq is a number of that feed, and the announcement is as it is now. */
    const ProtobufCMessage *said; /* NULL: this is no voice */
    struct id speaker;
    const char *speaker_handle;
    /* Of what was sealed and opened: for whom it is (common/seal.h); NULL: it is public. */
    const struct seal_content *seal;
};

/* Returns 0 to go on, anything else to stop after this one. */
typedef int (*view_visitor)(void *context, const struct view_state *state);

/* The node's own institution, from its newest profile; unknown before there is one. */
void view_own_institution(const struct view *view, struct eligible_institution *out);

/* A filter that asks for dates has at_ms, and one that asks who may apply for_country, not for_us:
 * the view has no clock, and does not guess whom it serves. What was withdrawn is open at no time.
 */

/* Announcements that match, newest first, from before arrival `before` (0: from the newest), at
 * most limit; fewer, even none, when more would take too long now. *next: pass as `before` to go
 * on; 0: that was all. *total: how many match in all; VIEW_UNKNOWN_TOTAL while there is view_work,
 * or when counting would take too long. filter may be NULL; it was checked by filter_check. Entries
 * that are no announcements come only with filter->other, but those whose type this version does
 * not know come without it, too. Announcements that are one call (view_group.h) are one, which
 * matches when one of them does, and stands where the newest of them would; the one in front is
 * visited. As long as there is view_work, some may not be known to be one yet. */
#define VIEW_UNKNOWN_TOTAL UINT64_MAX
int view_list(struct view *view, const Caravan__Filter *filter, uint64_t before, size_t limit,
              view_visitor visit, void *context, uint64_t *next, uint64_t *total,
              struct error *error);

/* What happened after arrival `after`, oldest first: publications, revisions, withdrawals, late
 * contents, and voices. The state is as the event left it. A change comes when it matches, or what
 * it changes did (by its dates: at some moment since it came). *next: pass as `after` to go on; it
 * is below view_last_arrival when there may be more. Costs what has arrived since, and reads no
 * more than some thousand entries at a time. */
int view_changes(struct view *view, const Caravan__Filter *filter, uint64_t after, size_t limit,
                 view_visitor visit, void *context, uint64_t *next, struct error *error);

/* The announcement (or other entry) as it is now; by the number of a revision or withdrawal, the
 * announcement that it changes. ERROR_NOT_FOUND with what is known. */
int view_show(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
              void *context, struct error *error);
/* Each step of it, oldest first. */
int view_history(struct view *view, const struct id *feed, uint64_t seq, view_visitor visit,
                 void *context, struct error *error);

/* The steps behind the one whose entry is `after`; 0: all. */
int view_history_after(struct view *view, const struct id *feed, uint64_t seq, uint64_t after,
                       view_visitor visit, void *context, struct error *error);

/* May the announcement be revised or withdrawn? A proposal may be withdrawn, too. ERROR_NOT_FOUND
 * when there is no such entry, ERROR_INVALID when it is none of these or was withdrawn. */
int view_check_change(struct view *view, const struct id *feed, uint64_t seq, bool withdraw,
                      struct error *error);

/* The handle of a feed; "" when no profile was seen. Borrowed until the next update or reset. */
const char *view_handle(const struct view *view, const struct id *feed);
/* "th-nstda/42"; without a handle the first 16 hex digits of the feed id. */
void view_name(const struct view *view, const struct id *feed, uint64_t seq,
               char out[VIEW_NAME_SIZE]);

/* A feed by handle, by the beginning of its id in hex (8 digits or more), or by its fingerprint
 * (spaces may be left out). ERROR_NOT_FOUND; ERROR_EXISTS when several fit, with the fingerprints
 * of two. */
int view_resolve(const struct view *view, const char *name, struct id *feed, struct error *error);
/* "name/seq". ERROR_INVALID when it is not of that form. */
int view_resolve_name(const struct view *view, const char *name, struct id *feed, uint64_t *seq,
                      struct error *error);

#endif
