/* view_dates: when one can apply (announcement_window), in 8 bytes: nearly every announcement has
 * dates of its own, so they stand with each record, and nothing is shared. Exact: to the second,
 * for all years that a date may have. Only view*.c include it. Threads: no shared state. */
#ifndef CORE_VIEW_DATES_H
#define CORE_VIEW_DATES_H

#include "common/announcement.h"

/* Two halves, so that a record needs no padding. Zeroed: open at no time. */
struct view_dates {
    uint32_t high, low;
};

/* A window of announcement_window: it opens when a day begins, and ends with a second. */
struct view_dates view_dates_pack(const struct announcement_window *window);
struct announcement_window view_dates_unpack(const struct view_dates *dates);

#endif
