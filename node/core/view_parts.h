/* view_parts: what view.c, view_list.c and view_name.c share. Nobody else includes it. */
#ifndef CORE_VIEW_PARTS_H
#define CORE_VIEW_PARTS_H

#include "node/core/view_index.h"
#include "node/core/view_read.h"

struct view {
    struct view_index index;
    /* The inbox (view_inbox.c). */
    struct mark_store marks;
    bool wants_inbox; /* somebody has asked, and was told that it is not complete */
};

/* Is there something to look at for the inbox? Looks at a slice of it. */
bool view_parts_inbox_waits(const struct view *view);
int view_parts_inbox_work(struct view *view, struct error *error);

/* An empty state with the names of an announcement or other entry. */
void view_parts_name(const struct view *view, const struct id *feed, uint64_t seq,
                     struct view_state *state);
/* Visits an announcement (or other entry) as it is now. taken_back: a withdrawal of it counts,
 * though it is none. */
int view_parts_now(struct view *view, const struct id *feed, uint64_t seq, bool announcement,
                   bool taken_back, view_visitor visit, void *context, bool *stop,
                   struct error *error);
/* Does an entry of this type begin an announcement? A sealed one does when a revision of it can be
 * read here: then it was erased, or the revision is for more institutions. */
bool view_parts_is_base(const struct view *view, const struct id *feed, uint64_t seq,
                        uint32_t content_type);
/* Is `seq` an announcement of the feed? 0 is none. */
int view_parts_is_announcement(const struct view *view, const struct id *feed, uint64_t seq,
                               bool *is, struct error *error);
/* Visits what somebody says of an announcement, which is shown as it is now. read: visit and
 * context are filled. */
int view_parts_voice(struct view *view, const struct store_entry *stored,
                     const struct view_read_voice *voice, struct view_read *read, bool *stop,
                     struct error *error);
/* The group of an announcement (view_group.h), for lists: it is one row, where the newest of its
 * members stands. */
struct view_parts_group {
    struct {
        uint64_t key; /* view_table_key */
        uint32_t arrival;
    } members[VIEW_LINKS_MAX]; /* the first one stands in front */
    size_t count;              /* 0: the announcement is a row of its own */
    bool elsewhere;            /* it is shown where another one stands */
};
int view_parts_row(struct view *view, const struct view_feed *feed, uint32_t seq,
                   struct view_parts_group *out, struct error *error);

/* Does one announcement link the other (places in index->links), which does not agree? false, too,
 * when one of them is not here or was withdrawn. */
int view_parts_is_one_sided(struct view *view, uint32_t from, uint32_t to, bool *is,
                            struct error *error);

/* Does the filter take an entry that is no announcement and no change of one? */
bool view_parts_takes_other(const Caravan__Filter *filter, bool known_type);

#endif
