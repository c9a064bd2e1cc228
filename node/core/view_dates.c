#include "node/core/view_dates.h"

/* From the highest bit: 24 bits for the day on which it opens, 39 for the second at which it ends,
 * one for "has a deadline". Days and seconds are counted from before the year 1, so that 0 is free:
 * no opening day; open at no time. */
#define DAY_MAX ((UINT64_C(1) << 24) - 1)
#define END_BITS 39
#define END_NEVER ((UINT64_C(1) << END_BITS) - 1)
/* From 30 December of the year before 1 to 1970. */
#define DAYS_BEFORE (719162 + 3)
#define SECONDS_A_DAY INT64_C(86400)
/* A day begins at 00:00 UTC+14. */
#define FIRST_ZONE_SECONDS (14 * INT64_C(3600))

static uint64_t clamp(int64_t value, uint64_t max)
{
    return value < 1 ? 1 : (uint64_t)value > max ? max : (uint64_t)value;
}

static uint64_t pack_day(int64_t opens_ms)
{
    if (opens_ms == INT64_MIN)
        return 0;
    return clamp((opens_ms / 1000 + FIRST_ZONE_SECONDS) / SECONDS_A_DAY + DAYS_BEFORE, DAY_MAX);
}

static uint64_t pack_end(int64_t ends_ms)
{
    if (ends_ms == INT64_MIN)
        return 0;
    if (ends_ms == INT64_MAX)
        return END_NEVER;
    return clamp(ends_ms / 1000 + DAYS_BEFORE * SECONDS_A_DAY, END_NEVER - 1);
}

struct view_dates view_dates_pack(const struct announcement_window *window)
{
    uint64_t bits = pack_day(window->opens_ms) << (END_BITS + 1) | pack_end(window->ends_ms) << 1 |
                    (window->has_deadline ? 1 : 0);

    return (struct view_dates){(uint32_t)(bits >> 32), (uint32_t)(bits & UINT32_MAX)};
}

struct announcement_window view_dates_unpack(const struct view_dates *dates)
{
    uint64_t bits = (uint64_t)dates->high << 32 | dates->low;
    int64_t day = (int64_t)(bits >> (END_BITS + 1));
    int64_t end = (int64_t)(bits >> 1 & END_NEVER);
    struct announcement_window window = {INT64_MIN, INT64_MIN, bits & 1};

    if (day)
        window.opens_ms = ((day - DAYS_BEFORE) * SECONDS_A_DAY - FIRST_ZONE_SECONDS) * 1000;
    if (end == (int64_t)END_NEVER)
        window.ends_ms = INT64_MAX;
    else if (end)
        window.ends_ms = (end - DAYS_BEFORE * SECONDS_A_DAY) * 1000;
    return window;
}
