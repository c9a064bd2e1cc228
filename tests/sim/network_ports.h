/* network_ports: the outside of each node in the simulation: a bus whose messages take their time
 * and may get lost, a virtual clock, and numbers drawn from the network's seed. Part of network. */
#ifndef TESTS_SIM_NETWORK_PORTS_H
#define TESTS_SIM_NETWORK_PORTS_H

#include "tests/sim/network.h"

/* A message on its way; network->flights in order of time. */
struct flight {
    struct flight *next;
    uint64_t at;
    unsigned from, to;
    bool live;
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct buffer bytes;
};

/* Bus, clock and random of a node's exchange. */
void network_ports_fill(struct network_node *node, struct exchange_config *config);
/* Sends a message off, as network->tamper leaves it. topic: of a live message, else NULL. */
void network_ports_launch(struct network *network, unsigned from, unsigned to, const char *topic,
                          struct span bytes);
/* What is on its way between two nodes, either way, gets lost. */
void network_ports_drop(struct network *network, unsigned a, unsigned b);
/* Which node of its network this is. */
unsigned network_ports_index(const struct network_node *node);
/* The next number drawn from the seed. */
uint64_t network_ports_draw(struct network *network);

#endif
