/* view_group: announcements that turn out to be one call, and are shown as one.
 *
 * Anybody can write "same as cn-most/12" into an own announcement. So a link (SAME_AS, MIRROR_OF)
 * counts only when it is agreed:
 *
 * - both announcements link each other, or
 * - both are of one publisher, or
 * - the one that is linked names the publisher of the other one, by its feed, as a party.
 *
 * What agreed links connect is one group, of at most VIEW_LINKS_MAX announcements; what is more
 * than that is not shown as one at all. Only announcements that are here, can be shown to us and
 * are not withdrawn take part, as they are in force. In front stands the original: mirrors stand
 * behind what they mirror, else the order is that of names (handle, number). Nothing of this
 * depends on the order of arrival.
 *
 * Threads: as view.h. */
#ifndef CORE_VIEW_GROUP_H
#define CORE_VIEW_GROUP_H

#include "node/core/view.h"

#define VIEW_GROUP_MAX 16 /* VIEW_LINKS_MAX */

struct view_group_member {
    struct id feed;
    uint64_t seq;
};

/* The first one stands in front; none: the announcement stands alone. */
struct view_group {
    struct view_group_member members[VIEW_GROUP_MAX];
    size_t count;
};

/* What a link is, of those that an announcement says. */
enum view_link_state {
    VIEW_LINK_ONE,        /* agreed: both are shown as one */
    VIEW_LINK_ONE_SIDED,  /* says that both are one; the other one does not agree */
    VIEW_LINK_CROWDED,    /* agreed, but with too many others */
    VIEW_LINK_NOT_HERE,   /* leads to what is not here, or cannot be shown */
    VIEW_LINK_TAKEN_BACK, /* leads to what was withdrawn */
    VIEW_LINK_PLAIN,      /* says something else: supersedes, outcome of, part of, … */
};

struct view_group_link {
    uint32_t rel; /* RelatedRel, or a number that this version does not know */
    struct id feed;
    uint64_t seq; /* 0: it leads out of the network */
    enum view_link_state state;
    bool own; /* leads to an announcement of ours */
};

/* The group of an announcement (by the number of its publication). It may lack some as long as
 * records are unread: view_group_complete. */
int view_group_of(struct view *view, const struct id *feed, uint64_t seq, struct view_group *out,
                  struct error *error);
/* Are all records read, so that groups are whole? Reads one chunk where some are not; then there is
 * view_work. */
int view_group_complete(struct view *view, bool *complete, struct error *error);

/* So many links of an announcement are looked at. */
#define VIEW_GROUP_LINKS_MAX 32
typedef int (*view_group_visitor)(void *context, const struct view_group_link *link);
/* What an announcement says of others in this network, in its order; nonzero stops. state: the
 * announcement as it is now. */
int view_group_links(struct view *view, const struct view_state *state, view_group_visitor visit,
                     void *context, struct error *error);

#endif
