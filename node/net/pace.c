#include "node/net/pace.h"

bool pace_take(struct pace *pace, uint64_t per_second, uint64_t cost, uint64_t now_ms)
{
    uint64_t passed = now_ms - pace->from_ms;
    uint64_t good = passed < 1000 ? passed * per_second / 1000 : per_second;

    /* Time that is worth less than a message is not lost: it is counted when it has grown. */
    if (good) {
        pace->spent -= good < pace->spent ? good : pace->spent;
        pace->from_ms = now_ms;
    }
    if (pace->spent >= per_second)
        return false;
    pace->spent += cost;
    return true;
}
