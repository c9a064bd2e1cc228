#include "node/core/view_links.h"

#include <stdlib.h>
#include <string.h>

void view_links_finish(struct view_links *links)
{
    for (uint32_t i = 0; i < links->node_count; i++)
        free(links->nodes[i].sides);
    view_table_finish(&links->places);
    free(links->nodes);
    free(links->links);
    *links = (struct view_links){.version = 0};
}

uint32_t view_links_find(const struct view_links *links, uint64_t key)
{
    return links->node_count && key ? view_table_get(&links->places, key) : 0;
}

struct view_link_node *view_links_at(const struct view_links *links, uint32_t number)
{
    return &links->nodes[number - 1];
}

const struct view_link *view_links_link(const struct view_links *links, uint32_t place)
{
    return &links->links[place - 1];
}

size_t view_links_count(const struct view_links *links, uint64_t key)
{
    uint32_t number = view_links_find(links, key);
    uint32_t place = number ? view_links_at(links, number)->out : 0;
    size_t count = 0;

    for (; place; place = view_links_link(links, place)->next_out)
        count++;
    return count;
}

/* --- changing --------------------------------------------------------------------------------- */

/* Room for one more of so many bytes each. */
static bool make_room(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    uint32_t more = *capacity ? *capacity * 2 : 16;
    void *grown;

    if (count < *capacity)
        return true;
    if (more < *capacity)
        return false;
    grown = realloc(*items, more * size);
    if (!grown)
        return false;
    *items = grown;
    *capacity = more;
    return true;
}

static uint32_t take_node(struct view_links *links, uint64_t key)
{
    uint32_t number = view_links_find(links, key);
    void *nodes = links->nodes;

    if (number)
        return number;
    if (!make_room(&nodes, links->node_count, &links->node_capacity, sizeof *links->nodes))
        return 0;
    links->nodes = nodes;
    if (!view_table_put(&links->places, key, links->node_count + 1))
        return 0;
    links->nodes[links->node_count++] = (struct view_link_node){.key = key};
    return links->node_count;
}

static uint32_t take_link(struct view_links *links)
{
    uint32_t place = links->free_link;
    void *items = links->links;

    if (place) {
        links->free_link = links->links[place - 1].next_out;
        return place;
    }
    if (!make_room(&items, links->link_count, &links->link_capacity, sizeof *links->links))
        return 0;
    links->links = items;
    return ++links->link_count;
}

static bool add_link(struct view_links *links, uint32_t from, const struct view_link_target *target)
{
    uint32_t to = take_node(links, target->key);
    uint32_t place = to ? take_link(links) : 0;
    struct view_link_node *source = view_links_at(links, from), *aim;

    if (!place)
        return false;
    aim = view_links_at(links, to);
    links->links[place - 1] = (struct view_link){.from = from,
                                                 .to = to,
                                                 .next_out = source->out,
                                                 .next_in = aim->in,
                                                 .mirror = target->mirror};
    if (aim->in)
        links->links[aim->in - 1].last_in = place;
    source->out = aim->in = place;
    return true;
}

static void drop_links(struct view_links *links, uint32_t from)
{
    struct view_link_node *source = view_links_at(links, from);

    while (source->out) {
        uint32_t place = source->out;
        struct view_link *link = &links->links[place - 1];

        if (link->last_in)
            links->links[link->last_in - 1].next_in = link->next_in;
        else
            view_links_at(links, link->to)->in = link->next_in;
        if (link->next_in)
            links->links[link->next_in - 1].last_in = link->last_in;
        source->out = link->next_out;
        link->next_out = links->free_link;
        links->free_link = place;
    }
}

/* The last one was put in front. */
static bool has_exactly(const struct view_links *links, const struct view_link_node *node,
                        const struct view_link_target *targets, size_t count)
{
    uint32_t place = node->out;

    for (size_t i = count; i-- > 0; place = view_links_link(links, place)->next_out) {
        const struct view_link *link = place ? view_links_link(links, place) : NULL;

        if (!link || link->mirror != targets[i].mirror ||
            view_links_at(links, link->to)->key != targets[i].key)
            return false;
    }
    return place == 0;
}

bool view_links_set(struct view_links *links, uint64_t key, uint32_t by,
                    const struct view_link_target *targets, size_t count)
{
    uint32_t from = view_links_find(links, key);

    if (!from && !count)
        return true;
    if (!from)
        from = take_node(links, key);
    if (!from)
        return false;
    view_links_at(links, from)->by = by;
    if (has_exactly(links, view_links_at(links, from), targets, count))
        return true;
    links->version++;
    drop_links(links, from);
    for (size_t i = 0; i < count && i < VIEW_LINKS_MAX; i++)
        if (!add_link(links, from, &targets[i]))
            return false;
    return true;
}

void view_links_touch(struct view_links *links, uint64_t key)
{
    uint32_t number = view_links_find(links, key);

    if (!number)
        return;
    view_links_learn(links, number, VIEW_LINK_UNKNOWN, 0, NULL, 0);
    links->version++;
}

void view_links_renamed(struct view_links *links)
{
    links->version++;
}

void view_links_learn(struct view_links *links, uint32_t number, enum view_link_fact fact,
                      uint32_t arrival, uint32_t *sides, uint32_t side_count)
{
    struct view_link_node *node = view_links_at(links, number);

    free(node->sides);
    node->fact = fact;
    node->arrival = arrival;
    node->sides = sides;
    node->side_count = side_count;
}

/* --- asking ----------------------------------------------------------------------------------- */

bool view_links_says(const struct view_links *links, uint32_t from, uint32_t to)
{
    uint32_t place = view_links_at(links, from)->out;

    while (place && view_links_link(links, place)->to != to)
        place = view_links_link(links, place)->next_out;
    return place != 0;
}

static uint32_t feed_of(const struct view_link_node *node)
{
    return (uint32_t)(node->key >> 32);
}

bool view_links_agreed(const struct view_links *links, uint32_t from, uint32_t to)
{
    const struct view_link_node *source = view_links_at(links, from);
    const struct view_link_node *aim = view_links_at(links, to);

    if (source->fact != VIEW_LINK_HERE || aim->fact != VIEW_LINK_HERE)
        return false;
    if (feed_of(source) == feed_of(aim) || view_links_says(links, to, from))
        return true;
    for (uint32_t i = 0; i < aim->side_count; i++)
        if (aim->sides[i] == feed_of(source))
            return true;
    return false;
}
