/* What nodes of the simulation hold and know: the looking part of network. */
#include "tests/sim/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct walk {
    uint64_t seq;
    struct id hash;
};

static int walk_entry(void *context, const struct store_entry *row)
{
    struct walk *walk = context;

    assert_int_equal(row->entry.seq, walk->seq + 1);
    assert_memory_equal(&row->entry.previous, &walk->hash, sizeof walk->hash);
    walk->seq++;
    walk->hash = row->entry.hash;
    return 0;
}

uint64_t network_holds(struct network *network, unsigned a, unsigned b, struct id *hash)
{
    struct store *reader = &network->nodes[a].reader;
    struct walk walk = {0};

    assert_int_equal(reader->operations->entries(reader->self, network_feed(network, b), 1,
                                                 UINT64_MAX, walk_entry, &walk, NULL),
                     ERROR_NONE);
    if (hash)
        *hash = walk.hash;
    return walk.seq;
}

struct tally {
    uint32_t type;
    unsigned count;
};

static int tally_entry(void *context, const struct store_entry *row)
{
    struct tally *tally = context;

    tally->count += row->entry.content_type == tally->type;
    return 0;
}

unsigned network_count(struct network *network, unsigned a, unsigned b, uint32_t type)
{
    struct store *reader = &network->nodes[a].reader;
    struct tally tally = {.type = type};

    assert_int_equal(reader->operations->entries(reader->self, network_feed(network, b), 1,
                                                 UINT64_MAX, tally_entry, &tally, NULL),
                     ERROR_NONE);
    return tally.count;
}

/* Cheap: heads only. network_holds walks the rows. */
static bool head_of(struct network *network, unsigned a, unsigned b, struct entry_head *head)
{
    struct store *reader = &network->nodes[a].reader;
    struct store_feed feed;

    if (reader->operations->get_feed(reader->self, network_feed(network, b), &feed, NULL))
        return false;
    *head = feed.head;
    return true;
}

bool network_is_equal(struct network *network, void *unused)
{
    (void)unused;
    for (unsigned b = 0; b < network->count; b++) {
        struct entry_head own, held;

        if (!head_of(network, b, b, &own))
            continue;
        for (unsigned a = 0; a < network->count; a++)
            if (a != b && network->nodes[a].exchange && network->nodes[a].knows[b] &&
                (!head_of(network, a, b, &held) || held.seq != own.seq ||
                 !id_equal(&held.hash, &own.hash)))
                return false;
    }
    return true;
}

bool network_is_open(struct network *network, void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < network->count; i++)
        if (network->nodes[i].exchange &&
            exchange_publishing(network->nodes[i].exchange) != EXCHANGE_OPEN)
            return false;
    return true;
}

struct looking {
    const struct id *feed;
    struct exchange_feed_state *out;
    bool found;
};

static void look(void *context, const struct exchange_feed_state *state)
{
    struct looking *looking = context;

    if (!id_equal(&state->feed, looking->feed))
        return;
    *looking->out = *state;
    looking->found = true;
}

const struct exchange_feed_state *network_state(struct network *network, unsigned a, unsigned b,
                                                struct exchange_feed_state *out)
{
    struct looking looking = {network_feed(network, b), out, false};

    exchange_feeds(network->nodes[a].exchange, look, &looking);
    return looking.found ? out : NULL;
}
