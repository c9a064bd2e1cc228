/* crowd: many light partners of one hub in one process: each has keys, a card in the hub's
 * partners/ folder, and its own encrypted connections to both services of the hub. Each follows the
 * hub's feed on live and checks every entry by itself: its hashes, that it follows the one before,
 * that none is missing and none comes twice. The signature of an entry is checked when the first of
 * them gets it; what the others get must be the same one.
 *
 * Threads: one thread of the crowd reads all sockets from crowd_start to crowd_stop. Everything
 * else belongs to the owner; the atomics may be read by it at any time. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/entry.h"
#include "tests/bench/drive/publisher.h"

struct crowd_member {
    struct publisher partner;
    void *live, *sync;
    uint64_t seq; /* of its last entry; 0: none has come yet */
    struct id hash;
};

/* Deliveries are told apart by groups of entries; those of group 0 are not timed. */
#define CROWD_GROUPS 64

/* What is known of an entry before and after it is delivered. */
struct crowd_entry {
    _Atomic uint64_t due; /* when it was to be published; set by the owner before it is */
    atomic_uint group;    /* below CROWD_GROUPS; likewise */
    struct id hash;       /* once its signature was checked */
    uint8_t signature[IDENTITY_SIGNATURE_SIZE];
    bool checked;
};

struct crowd_delays {
    uint32_t *items; /* µs from due to each delivery */
    uint64_t count, capacity;
};

struct crowd {
    struct crowd_member *members;
    uint64_t count;
    int buffer;                  /* bytes that the kernel keeps for a connection; 0: as it likes */
    struct identity_chain chain; /* of the hub */
    void *context;
    struct crowd_entry *entries; /* by seq */
    uint64_t capacity;
    struct crowd_delays delays[CROWD_GROUPS];
    uint64_t wrong; /* deliveries with a wrong hash, chain or signature */
    uint64_t twice, lost;
    _Atomic uint64_t joined;    /* members that have got an entry */
    _Atomic uint64_t delivered; /* in all */
    atomic_bool over;
    pthread_t thread;
    bool runs;
};

/* Makes the partners, with cards in the home's partners/ folder; the node takes them in within a
 * second. first: number of the first one, see publisher_init. capacity: the highest seq that will
 * be delivered. The caller finishes *crowd, which may be finished after an error, too. */
int crowd_init(struct crowd *crowd, const char *home, unsigned first, uint64_t count,
               uint64_t capacity, struct error *error);
void crowd_finish(struct crowd *crowd); /* zeroed is fine */

/* Connects every partner to both services, each says hello, and starts to read. */
int crowd_start(struct crowd *crowd, const char *live, const char *sync, struct error *error);
void crowd_stop(struct crowd *crowd);

/* Of the group's delays, in ms; sorts them. After crowd_stop. */
double crowd_percentile_ms(struct crowd *crowd, unsigned group, double percent);

/* One partner's link to the sync service, with hello said. NULL: error is set. */
void *crowd_dial_sync(void *context, const struct publisher *partner, const struct id *hub,
                      const char *endpoint, struct error *error);
/* The hub's certificates, from its home. The caller finishes *chain. */
int crowd_read_chain(const char *home, struct identity_chain *chain, struct error *error);
/* Raises the limit of open files as far as it goes. */
int crowd_raise_files(uint64_t needed, struct error *error);

#endif
