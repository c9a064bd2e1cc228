/* node_desk: carries out operations for the control link on one thread, long polls included, and
 * holds back replies until what they say is on disk. Threads: one; each desk its own. */
#ifndef NODE_NODE_DESK_H
#define NODE_NODE_DESK_H

#include "node/net/net.h"
#include "node/ops/operations.h"

/* One request of the control link, read. */
struct node_request {
    struct node_request *next;
    struct net_route route;
    struct arena arena;
    uint64_t id;
    const struct ops_operation *operation; /* NULL when error says why not */
    ProtobufCMessage *message;
    struct error error;
    uint64_t deadline; /* monotonic ms, of a long poll */
    bool tried;
    struct buffer reply;
};

/* Reads ControlRequest bytes; takes the buffer. NULL only when memory ran out. */
struct node_request *node_request_create(const struct net_route *route, struct buffer *bytes,
                                         uint64_t now);
void node_request_destroy(struct node_request *request);

struct node_desk {
    struct ops_context context; /* filled by the node */
    struct net *net;
    struct node_request *waiting; /* long polls, a bounded number: more are answered "busy" */
    size_t waiting_count;
    struct node_request *finished; /* answered, not yet sent */
    uint64_t seen;                 /* changes when the long polls were last tried */
};

/* Takes the request and runs it. now: monotonic ms. */
void node_desk_take(struct node_desk *desk, struct node_request *request, uint64_t now);
/* Runs long polls again: all of them when changes has moved, else those whose time has run out. */
void node_desk_retry(struct node_desk *desk, uint64_t changes, uint64_t now);
/* Sends what is finished; with an error instead of the reply when the commit failed. */
void node_desk_send(struct node_desk *desk, const struct error *commit_error);
/* Sends the error of a request that nobody runs. Any thread. */
void node_desk_refuse(struct net *net, struct node_request *request);
/* Until the next deadline, at most 1 s. */
uint64_t node_desk_next_ms(const struct node_desk *desk, uint64_t now);
void node_desk_finish(struct node_desk *desk);

#endif
