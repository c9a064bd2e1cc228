/* What net brings: into the queues, without waiting. */
#include "node/node_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

/* All who may only ask share a lane: together they have the turns and the room of one partner,
 * however many they are. The id is nobody's: no signature is valid with this key. */
static const struct id readers = {{1}};

/* Hands a buffer over; true: taken. What a peer says while it has more waiting than the protocol
 * has a use for is taken and thrown away: to wait for it would be to let others wait. peer NULL:
 * the owner, who is let wait. */
static bool offer(struct node *node, enum node_item_kind kind, const struct id *peer,
                  enum access_role role, const struct net_route *route, struct buffer *bytes)
{
    const struct id *lane = !peer || role == ACCESS_PARTNER ? peer : &readers;
    struct node_item *item = calloc(1, sizeof *item);
    enum node_lanes_taken taken;

    if (!item)
        return false;
    item->kind = kind;
    if (peer)
        item->peer = *peer;
    item->role = role;
    if (route)
        item->route = *route;
    item->bytes = *bytes;
    taken = node_lanes_try_push(node->to_check, lane, item, node_item_bytes(item));
    if (taken != NODE_LANES_TAKEN)
        free(item);
    if (taken == NODE_LANES_TAKEN)
        *bytes = (struct buffer){0};
    else if (taken == NODE_LANES_NEVER && peer)
        buffer_finish(bytes);
    else
        return false;
    return true;
}

static bool on_message(void *self, const struct id *peer, enum access_role role,
                       struct buffer *message)
{
    return offer(self, NODE_ITEM_MESSAGE, peer, role, NULL, message);
}

static bool on_control(void *self, const struct net_route *route, struct buffer *message)
{
    return offer(self, NODE_ITEM_CONTROL, NULL, ACCESS_NONE, route, message);
}

static void on_live(void *self, const struct id *from, struct span topic, struct span payload)
{
    struct node *node = self;
    struct node_item *item;

    if (topic.size > LIMIT_TOPIC_SIZE || payload.size > LIMIT_SIGNED_ENTRY_SIZE)
        return;
    item = calloc(1, sizeof *item);
    if (!item)
        return;
    item->kind = NODE_ITEM_LIVE;
    item->peer = *from;
    memcpy(item->topic, topic.data, topic.size);
    /* Live may drop: sync repairs it. */
    if (!buffer_append(&item->bytes, payload.data, payload.size) ||
        !node_lanes_try_spare(node->to_check, from, item, node_item_bytes(item)))
        node_item_destroy(item);
}

static void on_link(void *self, const struct net_link *link)
{
    static const enum exchange_link_kind kinds[] = {[NET_LIVE_OUT] = EXCHANGE_LIVE_OUT,
                                                    [NET_SYNC_OUT] = EXCHANGE_SYNC_OUT,
                                                    [NET_SYNC_IN] = EXCHANGE_SYNC_IN};
    struct node *node = self;
    struct node_item *item = calloc(1, sizeof *item);

    if (!item)
        return;
    item->kind = NODE_ITEM_LINK;
    item->peer = link->peer;
    item->link = kinds[link->kind];
    item->up = link->up;
    item->key = link->key;
    snprintf(item->endpoint, sizeof item->endpoint, "%s", link->endpoint ? link->endpoint : "");
    snprintf(item->reason, sizeof item->reason, "%.127s", link->reason ? link->reason : "");
    /* Through the same lane as messages, so that a link's first message comes behind it. A state
     * of a link must not be lost, and the check thread never waits for net, so waiting here is
     * safe. */
    if (!node_lanes_push(node->to_check, &link->peer, item, node_item_bytes(item)))
        node_item_destroy(item);
}

void node_stop_because(struct node *node, const char *text)
{
    uint64_t one = 1;

    log_error("node.fatal", "text", text);
    if (write(node->stop_fd, &one, sizeof one) < 0)
        abort(); /* an eventfd that cannot count to one: not serving is the only safe way on */
}

static void on_fatal(void *self, const char *text)
{
    node_stop_because(self, text);
}

static void on_refused(void *self, const struct id *key, const char *service, const char *address)
{
    char hex[2 * BYTES_ID_SIZE + 1];

    (void)self;
    bytes_to_hex(key->bytes, sizeof key->bytes, hex);
    log_info("gate.refused", "key", hex, "service", service, "address", address);
}

struct net_events node_events(struct node *node)
{
    return (struct net_events){node,       on_link,  on_message, on_live,
                               on_control, on_fatal, on_refused};
}
