/* pace: how much one peer may say in a second. Who says more is held back where that costs least,
 * before anybody looks into it: what is above the pace is thrown away, or not read for a moment. A
 * node that keeps to the protocol never comes near: it has a few requests on their way at a time
 * and asks again for what was lost.
 *
 * Threads: a struct pace belongs to one thread. */
#ifndef NET_PACE_H
#define NET_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t spent;   /* what is not yet made good by time; zeroed: nothing */
    uint64_t from_ms; /* up to here time has been taken into account */
};

/* One more message at this moment (a clock that never jumps, ms), which counts as so many. false:
 * too many; it does not count. per_second may be said at once, and again as time passes; the last
 * message may pass that. */
bool pace_take(struct pace *pace, uint64_t per_second, uint64_t cost, uint64_t now_ms);

#endif
