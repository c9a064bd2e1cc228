/* feeder: publishes announcements at a node through one client, and waits for a node to know its
 * partners.
 *
 * Threads: a struct feeder belongs to one thread. */
#ifndef BENCH_FEEDER_H
#define BENCH_FEEDER_H

#include "tests/bench/drive/party.h"

struct feeder {
    struct party party;
    const struct contents *contents; /* borrowed */
    uint64_t first_id;
    uint64_t sent, answered;
    uint64_t in_order; /* answers that name the number that was to come */
};

/* The caller finishes *feeder, which is empty on error. */
int feeder_open(const char *home, const struct contents *contents, struct feeder *feeder,
                struct error *error);
void feeder_finish(struct feeder *feeder); /* zeroed is fine */

/* Sends the next one, and takes the answers that are there. Its seq will be party.seq + sent. */
int feeder_publish(struct feeder *feeder, struct error *error);
/* Waits until all are answered. */
int feeder_settle(struct feeder *feeder, struct error *error);
/* Until the node knows so many partners; ERROR_TIMEOUT at the deadline (drive_now). */
int feeder_wait_partners(struct feeder *feeder, uint64_t count, uint64_t deadline,
                         struct error *error);

#endif
