/* hostile: what the tests with a hostile partner share. Node 1 is the hostile one; its real
 * exchange runs, and what it says is changed on the way or said in its name. */
#ifndef TESTS_SIM_HOSTILE_H
#define TESTS_SIM_HOSTILE_H

#include "tests/sim/network.h"

/* Starts all nodes and waits until they may publish. */
void hostile_start_all(struct network *network);
/* So many nodes that all know and dial each other, and have caught up. */
void hostile_full_mesh(struct network *network, unsigned count, uint64_t seed);
void hostile_publish_many(struct network *network, unsigned node, unsigned count);
/* What a says is wrong with b; "" when nothing is. */
const char *hostile_trouble(struct network *network, unsigned a, unsigned b);

struct hostile_counting {
    unsigned from, to;
    Caravan__SyncMessage__BodyCase body;
    unsigned long count;
    bool drop;
};

/* Counts, and perhaps drops, one kind of sync message on one way: for network.tamper. */
bool hostile_count(void *context, unsigned from, unsigned to, const char *topic,
                   struct buffer *bytes);
/* from says to another that it has so much of a feed, which nobody asked. */
void hostile_say_head(struct network *network, unsigned from, unsigned to, const struct id *feed,
                      uint64_t certificate, uint64_t seq);
/* For network_run. */
bool hostile_node_2_has_all_of_0(struct network *network, void *unused);

#endif
