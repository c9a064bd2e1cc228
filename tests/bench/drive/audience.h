/* audience: a crowd that listens to a node at which a feeder publishes: everything up to the moment
 * in which all of them get every announcement.
 *
 * Threads: a struct audience belongs to one thread. */
#ifndef BENCH_AUDIENCE_H
#define BENCH_AUDIENCE_H

#include "tests/bench/drive/crowd.h"
#include "tests/bench/drive/feeder.h"

struct audience {
    struct contents contents;
    struct feeder feeder;
    struct crowd crowd;
    uint64_t before;  /* deliveries up to now that do not count */
    double joining_s; /* until the last one had got an announcement */
};

struct audience_options {
    const char *home, *contents, *live, *sync; /* the node's home and endpoints */
    uint64_t members;
    uint64_t known; /* partners that the node has besides */
    uint64_t room;  /* announcements that will be published */
};

/* Makes the partners, waits until the node knows them, connects them, and publishes one
 * announcement after the other until the last of them has got one: from then on all get all. The
 * caller finishes *audience, also after an error. */
int audience_gather(struct audience *audience, const struct audience_options *options,
                    struct error *error);
void audience_finish(struct audience *audience); /* zeroed is fine */

/* Publishes the next announcement, which was due at this moment (drive_now), in this group of
 * crowd.h. */
int audience_publish(struct audience *audience, uint64_t due, unsigned group, struct error *error);
/* Waits until everything is answered, and `count` announcements of now have come to everybody:
 * ERROR_TIMEOUT when deliveries stop before. */
int audience_wait(struct audience *audience, uint64_t count, struct error *error);
/* Prints the checks of the JSON line: {…}. After crowd_stop. */
void audience_print_checks(const struct audience *audience);

void audience_pause_us(long us);

#endif
