/* view_links: which announcement says of which other that both are one call (SAME_AS, MIRROR_OF),
 * as it is in force; and what is known of the announcements at both ends. view_group.h says what
 * the links mean. An announcement that links nothing and that nothing links takes no room here;
 * others about 60 bytes, and 20 for each link. Only view*.c include it. Threads: one at a time.
 *
 * Announcements are known by a number, their place in nodes; 0 is none. */
#ifndef CORE_VIEW_LINKS_H
#define CORE_VIEW_LINKS_H

#include "node/core/view_table.h"

/* Of the links of one announcement only so many count; and no more are shown as one. */
#define VIEW_LINKS_MAX 16
/* Of the links of one feed so many: some 10 MB here, whatever its publisher writes. */
#define VIEW_LINKS_FEED_MAX 32768

struct view_link {
    uint32_t from, to;                   /* announcements */
    uint32_t next_out, next_in, last_in; /* in links->links, counted from 1; 0: none */
    bool mirror;                         /* MIRROR_OF */
};

enum view_link_fact {
    VIEW_LINK_UNKNOWN, /* nobody has looked */
    VIEW_LINK_ABSENT,  /* it is not here, is no announcement, or cannot be shown */
    VIEW_LINK_WITHDRAWN,
    VIEW_LINK_HERE
};

struct view_link_node {
    uint64_t key;     /* view_table_key */
    uint32_t by;      /* the entry that its links stand in; 0: none was read */
    uint32_t out, in; /* first links from it, to it; 0: none */
    /* What was read of it (view_group.c). */
    enum view_link_fact fact;
    uint32_t arrival; /* of the entry that first published it */
    uint32_t *sides;  /* numbers of the feeds that it names as parties */
    uint32_t side_count;
    /* What it is one with, as of a version; 0: nothing is known. */
    uint32_t version;
    uint32_t newest; /* the one of the group that arrived last; 0: it stands alone */
    bool crowded;    /* more than VIEW_LINKS_MAX belong together: none is shown as one */
};

/* Zeroed is valid and empty. */
struct view_links {
    struct view_table places; /* key -> announcement */
    struct view_link_node *nodes;
    struct view_link *links;
    uint32_t node_count, node_capacity, link_count, link_capacity;
    uint32_t free_link; /* a list by next_out */
    uint32_t version;   /* changes with everything that groups depend on */
    uint32_t reads;     /* announcements that were read from the ledger for this */
};

/* Where a link leads. */
struct view_link_target {
    uint64_t key;
    bool mirror;
};

void view_links_finish(struct view_links *links);
/* 0: it links nothing, and nothing links it. */
uint32_t view_links_find(const struct view_links *links, uint64_t key);
/* Never NULL for a number that view_links_find or a link gave. Borrowed until the next set. */
struct view_link_node *view_links_at(const struct view_links *links, uint32_t number);
const struct view_link *view_links_link(const struct view_links *links, uint32_t place);

/* How many links an announcement has. */
size_t view_links_count(const struct view_links *links, uint64_t key);
/* The links of an announcement are now these, of which each leads to another announcement, none to
 * itself; they stand in its entry `by`. At most VIEW_LINKS_MAX. false when memory ran out: it has
 * some of them then. */
bool view_links_set(struct view_links *links, uint64_t key, uint32_t by,
                    const struct view_link_target *targets, size_t count);
/* Something happened to an announcement: what was read of it is read again. */
void view_links_touch(struct view_links *links, uint64_t key);
/* Everything that depends on names of institutions is another thing now. */
void view_links_renamed(struct view_links *links);
/* What was read of an announcement; takes over sides (malloc; may be NULL). */
void view_links_learn(struct view_links *links, uint32_t number, enum view_link_fact fact,
                      uint32_t arrival, uint32_t *sides, uint32_t side_count);

/* Does one link the other? */
bool view_links_says(const struct view_links *links, uint32_t from, uint32_t to);
/* Do both agree that they are one, where `from` links `to`? Both were learned. */
bool view_links_agreed(const struct view_links *links, uint32_t from, uint32_t to);

#endif
