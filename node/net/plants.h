/* plants: faults that tests plant in a net to see that they notice when a protection is missing,
 * and shorter times, so that they need not wait. All zero in a real node. Read by the net thread;
 * set before net_start, but for drop_live and the gate (gate_break). */
#ifndef NET_PLANTS_H
#define NET_PLANTS_H

#include <stdbool.h>
#include <stdint.h>

struct net_plants {
    bool no_gate;            /* the gate is never started */
    bool gate_admits_all;    /* … or lets everybody in */
    bool lax_domain;         /* sockets do not insist on a gate */
    bool trusts_connections; /* rights are not looked up again at every message */
    bool keeps_connections;  /* a loss of rights cuts nobody off */
    bool takes_many_frames;  /* messages of several frames are taken */
    bool keeps_serving;      /* the end of the gate is not noticed */
    bool no_memory_watch;
    bool (*drop_live)(void *self); /* true: this live message is lost on its way in */
    void *drop_self;
    uint32_t retry_min_ms, retry_max_ms; /* back-off of links; 0: as in a real node */
    uint32_t silence_ms;                 /* after which a route is given up; 0: as in a real node */
};

#endif
