#include "node/net/linkset.h"

#include "common/map.h"

#include <stdlib.h>
#include <string.h>

void linkset_init(struct linkset *set, enum net_link_kind kind, void *context,
                  const struct secret *key, const struct net_plants *plants, void *self,
                  void (*changed)(void *self, const struct net_link *change))
{
    *set = (struct linkset){
        .kind = kind,
        .owner = {.context = context,
                  .key = key,
                  .self = self,
                  .changed = changed,
                  .retry_min_ms = plants->retry_min_ms ? plants->retry_min_ms : LINK_RETRY_MIN_MS,
                  .retry_max_ms = plants->retry_max_ms ? plants->retry_max_ms : LINK_RETRY_MAX_MS}};
}

static const char *endpoint_of(const struct linkset *set, const struct net_partner *partner)
{
    return set->kind == NET_LIVE_OUT ? partner->live : partner->sync;
}

/* Goes on, with what its partner's keys are now. */
static bool is_wanted(const struct linkset *set, struct link *link, const struct map *partners)
{
    const struct net_partner *partner = map_get(partners, &link->peer);

    return partner && strcmp(endpoint_of(set, partner), link->endpoint) == 0 &&
           link_set_keys(link, &partner->transport_key, &partner->former_key);
}

static void drop(struct linkset *set, size_t index, const char *reason)
{
    struct link *link = set->links[index];

    set->links[index] = set->links[--set->count];
    link_finish(link, reason);
    free(link);
}

static int add(struct linkset *set, const struct net_partner *partner, struct error *error)
{
    struct link **links = realloc(set->links, (set->count + 1) * sizeof *links);
    struct link *link;

    if (!links)
        return error_memory(error);
    set->links = links;
    link = malloc(sizeof *link);
    if (!link)
        return error_memory(error);
    link_init(link, &set->owner, set->kind, &partner->feed, &partner->transport_key,
              endpoint_of(set, partner));
    link_set_keys(link, &partner->transport_key, &partner->former_key);
    set->links[set->count++] = link;
    return ERROR_NONE;
}

/* A partner that stands twice counts once: the first time. */
static bool map_partners(const struct net_partner *partners, size_t count, struct map *map)
{
    for (size_t i = 0; i < count; i++)
        if (!map_get(map, &partners[i].feed) &&
            !map_put(map, &partners[i].feed, (void *)(uintptr_t)&partners[i]))
            return false;
    return true;
}

static bool map_links(const struct linkset *set, struct map *map)
{
    for (size_t i = 0; i < set->count; i++)
        if (!map_put(map, &set->links[i]->peer, set->links[i]))
            return false;
    return true;
}

int linkset_update(struct linkset *set, const struct net_partner *partners, size_t count,
                   struct error *error)
{
    struct map wanted = {0}, linked = {0};
    int code = map_partners(partners, count, &wanted) ? ERROR_NONE : error_memory(error);

    for (size_t i = set->count; i > 0 && !code; i--)
        if (!is_wanted(set, set->links[i - 1], &wanted))
            drop(set, i - 1, "no longer a partner, or its address or key has changed");
    if (!code && !map_links(set, &linked))
        code = error_memory(error);
    for (size_t i = 0; i < count && !code; i++)
        if (endpoint_of(set, &partners[i])[0] && !map_get(&linked, &partners[i].feed) &&
            map_get(&wanted, &partners[i].feed) == &partners[i])
            code = add(set, &partners[i], error);
    map_finish(&wanted);
    map_finish(&linked);
    return code;
}

void linkset_restart(struct linkset *set, const char *reason)
{
    for (size_t i = 0; i < set->count; i++)
        link_restart(set->links[i], reason);
}

void linkset_clear(struct linkset *set, const char *reason)
{
    while (set->count)
        drop(set, set->count - 1, reason);
    free(set->links);
    set->links = NULL;
}

struct link *linkset_find(const struct linkset *set, const struct id *peer)
{
    for (size_t i = 0; i < set->count; i++)
        if (id_equal(&set->links[i]->peer, peer))
            return set->links[i];
    return NULL;
}

void linkset_poll(struct linkset *set, struct pollset *poll, pollset_handler ready)
{
    uint64_t now = socket_now_ms();

    for (size_t i = 0; i < set->count; i++) {
        struct link *link = set->links[i];

        link_poll(link, poll);
        if (ready && link->state == LINK_UP && now >= link->rest_ms)
            pollset_add(poll, link->socket, 0, ZMQ_POLLIN, ready, link);
    }
}

long linkset_tick(struct linkset *set)
{
    long wait = -1;

    for (size_t i = 0; i < set->count; i++) {
        struct link *link = set->links[i];
        uint64_t now = socket_now_ms();

        wait = linkset_sooner(wait, link_tick(link));
        if (link->rest_ms > now)
            wait = linkset_sooner(wait, (long)(link->rest_ms - now));
    }
    return wait;
}

long linkset_sooner(long a, long b)
{
    if (a < 0)
        return b;
    return b < 0 || a < b ? a : b;
}
