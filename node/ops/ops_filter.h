/* ops_filter: a filter as it came, made ready for the view: with the moment, and with the country
 * and kinds of the node's own institution where it asks for_us. Only files of this folder include
 * it. Threads: the reader's. */
#ifndef OPS_OPS_FILTER_H
#define OPS_OPS_FILTER_H

#include "common/eligible.h"
#include "node/ops/operations.h"

/* Points into itself, and borrows from the filter that it was made of. */
struct ops_filter {
    Caravan__Filter filter;
    struct eligible_institution institution;
    Caravan__OrganisationType types[16];
    bool asks_eligible; /* each item says whether the institution may apply */
    bool asks_dates;    /* … and when it closes */
};

/* asked may be NULL: all. Errors as filter_check; ERROR_INVALID, too, when the filter asks for_us
 * and the node's own profile names no country. */
int ops_filter_take(const struct ops_context *context, const Caravan__Filter *asked,
                    struct ops_filter *out, struct error *error);

/* Adds what the filter asks for to the item of a readable announcement; what it adds lives in the
 * arena. ERROR_MEMORY only. */
int ops_filter_mark(const struct ops_filter *filter, Caravan__Item *item, struct arena *arena,
                    struct error *error);

#endif
