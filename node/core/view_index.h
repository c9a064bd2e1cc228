/* view_index: what view.c looks things up in: for every entry of the ledger what it is about, by
 * feed and seq and in order of arrival, without contents. In memory, about 100 bytes an entry; only
 * view*.c include it, so that a catalogue on disk can take its place.
 *
 * It follows the ledger by arrival, and starts again when the ledger is another one, or when the
 * entry that was read last is no longer there (a transaction that was rolled back).
 *
 * Threads: one at a time. */
#ifndef CORE_VIEW_INDEX_H
#define CORE_VIEW_INDEX_H

#include "common/filter.h"
#include "common/map.h"
#include "node/core/ports.h"

/* One entry. A change is a revision or a withdrawal. */
struct view_slot {
    uint64_t arrival; /* 0: not seen yet */
    /* of an announcement; kept for other entries, too, until it is known what they are */
    uint64_t first, last;              /* changes that name it, in order of seq; or 0 */
    uint64_t revised_by, withdrawn_by; /* newest revision, first withdrawal; or 0 */
    /* of a change */
    uint64_t target;              /* seq of what it names, lower than its own; 0: none */
    uint64_t next;                /* next change of the same; 0: none */
    struct filter_facets *facets; /* announcement, revision; NULL: cannot be read */
    uint32_t content_type;
};

struct view_feed {
    struct id id;
    char handle[LIMIT_HANDLE_SIZE + 1]; /* of the newest profile; "" when none */
    char country[3];
    uint64_t profile_seq;
    struct view_slot *slots; /* of seq n at n - 1 */
    uint64_t count, capacity;
};

struct view_arrival {
    uint64_t arrival;
    struct view_feed *feed;
    uint64_t seq; /* stale when the slot's arrival is another: late content moved it */
};

struct view_index {
    struct store store;
    struct id own;
    bool own_only; /* knows nothing of other feeds */
    bool started;
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    uint64_t last_arrival;
    struct map feeds;
    struct view_arrival *order; /* by arrival */
    size_t order_count, order_capacity;
    /* the entry that was read last */
    struct id last_feed, last_hash;
    uint64_t last_seq;
    uint64_t own_missing; /* own_only: contents missing when it was read */
};

void view_index_init(struct view_index *index, const struct store *store, const struct id *own,
                     bool own_only);
void view_index_finish(struct view_index *index);
/* Reads what has arrived. After an error what was read stays, and the next call goes on. */
int view_index_update(struct view_index *index, struct error *error);

struct view_feed *view_index_feed(const struct view_index *index, const struct id *feed);
/* NULL when there is no such entry. */
struct view_slot *view_feed_slot(const struct view_feed *feed, uint64_t seq);
/* The announcement that a change belongs to, in the same feed; NULL when it names none. */
struct view_slot *view_feed_base(const struct view_feed *feed, const struct view_slot *change);
/* Place in order of the first arrival above `after`. */
size_t view_index_after(const struct view_index *index, uint64_t after);

#endif
