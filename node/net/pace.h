/* pace: how many messages one peer may say in a second. Whoever says more is not answered: what is
 * above the pace is thrown away where it costs least, before anybody looks into it. A node that
 * keeps to the protocol never comes near: it has a few requests on their way at a time and asks
 * again for what was lost.
 *
 * Threads: a struct pace belongs to one thread. */
#ifndef NET_PACE_H
#define NET_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t spent;   /* messages that are not yet made good by time; zeroed: none */
    uint64_t from_ms; /* up to here time has been taken into account */
};

/* One more message at this moment (a clock that never jumps, ms). false: too many; it does not
 * count. per_second may be said at once, and again as time passes. */
bool pace_take(struct pace *pace, uint64_t per_second, uint64_t now_ms);

#endif
