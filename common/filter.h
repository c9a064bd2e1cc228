/* filter: which announcements somebody wants to see: by kind, country, field of science, handle,
 * who may apply, and when.
 *
 * Facets, the rules of eligibility and the dates are what of an announcement is filtered by, taken
 * out once, so that a list does not unpack every announcement again. Threads: no shared state. */
#ifndef COMMON_FILTER_H
#define COMMON_FILTER_H

#include "common/announcement.h"
#include "common/bytes.h"
#include "common/error.h"
#include "proto/announcement.pb-c.h"
#include "proto/control.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One block of memory. Texts stand one behind the other, each with its NUL. */
struct filter_facets {
    uint32_t kind;
    uint16_t countries, fields; /* how many */
    char texts[];               /* first the countries, then the FORD codes */
};

/* Kind; countries concerned and those of the parties, each once; FORD codes of the
 * announcement and of a lab's research lines, also where only a name of the vocabulary was written,
 * each once. The caller destroys *out. ERROR_MEMORY only. */
int filter_facets_create(const Caravan__Announcement *announcement, struct filter_facets **out,
                         struct error *error);
void filter_facets_destroy(struct filter_facets *facets); /* NULL is fine */
/* Bytes of the block; the blocks of announcements that are filtered alike are equal bytes. */
size_t filter_facets_size(const struct filter_facets *facets);
/* The index-th country; NULL behind the last. For live topics. */
const char *filter_facets_country(const struct filter_facets *facets, size_t index);

/* Does an announcement match kind, country and field of science? What could not be read (facets
 * NULL) matches only a filter without conditions on the content. "2" matches the FORD codes 2 and
 * 2.6, "2.1" does not match 2.11. filter may be NULL: all. */
bool filter_matches(const Caravan__Filter *filter, const struct filter_facets *facets);
/* Does it match by who may apply (for_country, not for_us: that is the caller's to resolve)? rules:
 * bytes of eligible_rules; they are looked at only when the filter asks. */
bool filter_matches_rules(const Caravan__Filter *filter, struct span rules);
bool filter_asks_rules(const Caravan__Filter *filter);
/* Does it match by its dates (open, closing_within_ms, entered_since_ms) at filter->at_ms, which is
 * set when the filter asks for dates? What is no longer in force never does. */
bool filter_matches_dates(const Caravan__Filter *filter, const struct announcement_window *window);
/* The same at some moment from since_ms to at_ms: may somebody have seen it meanwhile? */
bool filter_matched_dates(const Caravan__Filter *filter, const struct announcement_window *window,
                          int64_t since_ms);
bool filter_asks_dates(const Caravan__Filter *filter);
/* Does the publisher match? Handles are compared without regard to case; handle may be "". */
bool filter_matches_handle(const Caravan__Filter *filter, const char *handle);
/* true when the filter has conditions that only a readable announcement can meet. */
bool filter_asks_content(const Caravan__Filter *filter);

/* A filter as people write it is made of codes before it is used. ERROR_INVALID with the value, the
 * rule and a suggestion: country not ISO 3166-1, field not FORD, kind unknown, a moment behind the
 * year 9999, for_us and for_country together, more than FILTER_VALUES values of one sort. */
#define FILTER_VALUES 64
int filter_check(const Caravan__Filter *filter, struct error *error);

#endif
