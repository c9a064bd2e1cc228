#include "tests/sim/network_ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/on_disk.h"

uint64_t network_ports_draw(struct network *network)
{
    uint64_t x = network->random += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

unsigned network_ports_index(const struct network_node *node)
{
    return (unsigned)(node - node->network->nodes);
}

static int node_of(const struct network *network, const struct id *feed)
{
    for (unsigned i = 0; i < network->count; i++)
        if (id_equal(network_feed(network, i), feed))
            return (int)i;
    return -1;
}

static bool is_linked(const struct network *network, unsigned a, unsigned b)
{
    return network->nodes[a].linked[b] || network->nodes[b].linked[a];
}

void network_ports_launch(struct network *network, unsigned from, unsigned to, const char *topic,
                          struct span bytes)
{
    struct flight *flight = calloc(1, sizeof *flight), **place = &network->flights;

    assert_non_null(flight);
    *flight = (struct flight){.from = from, .to = to, .live = topic != NULL};
    flight->at = network->now_ms + 1 + network_ports_draw(network) % (network->latency_max_ms + 1);
    if (topic)
        memcpy(flight->topic, topic, strlen(topic) + 1);
    assert_true(buffer_append(&flight->bytes, bytes.data, bytes.size));
    if (network->tamper && !network->tamper(network->context, from, to, topic, &flight->bytes)) {
        buffer_finish(&flight->bytes);
        free(flight);
        return;
    }
    /* ZeroMQ keeps the order of one connection; different connections overtake each other. */
    for (struct flight *other = network->flights; other; other = other->next)
        if (other->from == from && other->to == to && other->live == flight->live &&
            other->at > flight->at)
            flight->at = other->at;
    while (*place && (*place)->at <= flight->at)
        place = &(*place)->next;
    flight->next = *place;
    *place = flight;
}

void network_ports_drop(struct network *network, unsigned a, unsigned b)
{
    struct flight **place = &network->flights, *flight;

    while ((flight = *place)) {
        if ((flight->from == a && flight->to == b) || (flight->from == b && flight->to == a)) {
            *place = flight->next;
            buffer_finish(&flight->bytes);
            free(flight);
        } else {
            place = &flight->next;
        }
    }
}

static bool bus_send(void *self, const struct id *partner, struct span message)
{
    struct network_node *node = self;
    int to = node_of(node->network, partner);

    if (to < 0 || !is_linked(node->network, network_ports_index(node), (unsigned)to))
        return false;
    on_disk_check(&node->reader, &node->institution.chain.feed, NULL, message);
    network_ports_launch(node->network, network_ports_index(node), (unsigned)to, NULL, message);
    return true;
}

static void bus_live(void *self, const char *topic, struct span payload)
{
    struct network_node *node = self;
    struct network *network = node->network;

    /* Nodes subscribe to feed/ and head/ only. */
    if (strncmp(topic, "kind/", 5) == 0)
        return;
    on_disk_check(&node->reader, &node->institution.chain.feed, topic, payload);
    for (unsigned to = 0; to < network->count; to++) {
        if (!network->nodes[to].linked[network_ports_index(node)])
            continue;
        if (network_ports_draw(network) % 100 < network->live_loss)
            network->live_lost++;
        else
            network_ports_launch(network, network_ports_index(node), to, topic, payload);
    }
}

static uint64_t clock_now(void *self)
{
    return ((struct network_node *)self)->network->now_ms;
}

static uint64_t clock_wall(void *self)
{
    const struct network_node *node = self;

    return node->network->now_ms + (uint64_t)node->clock_wrong_ms;
}

static void random_fill(void *self, void *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)out)[i] = (uint8_t)network_ports_draw(((struct network_node *)self)->network);
}

void network_ports_fill(struct network_node *node, struct exchange_config *config)
{
    config->bus = (struct bus){node, bus_send, bus_live};
    config->clock = (struct clock){node, clock_wall, clock_now};
    config->random = (struct random_source){node, random_fill};
}
