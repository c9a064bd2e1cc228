/* ops_aside: since when entries of a feed are quarantined, and why: for people who have read them,
 * and perhaps acted on them.
 *
 * Threads: as the store that is given. */
#ifndef OPS_OPS_ASIDE_H
#define OPS_OPS_ASIDE_H

#include "node/core/ports.h"

/* So long status tells of it: whoever was away for a summer still hears of it. The number stays in
 * PartnerStatus for good. */
#define OPS_ASIDE_TOLD_MS (90ull * 24 * 3600 * 1000)

struct ops_aside {
    uint64_t first;    /* the lowest number of what was moved last; 0: nothing is aside */
    uint64_t since_ms; /* when the certificate came that outranked it (Unix time); 0: not yet */
    bool stolen;       /* … and says that the keys before it were stolen */
};

/* Reads two entries and the certificates of the feed, however much was quarantined. Errors of the
 * store only. */
int ops_aside_find(const struct store *store, const struct id *feed, struct ops_aside *out,
                   struct error *error);

#endif
