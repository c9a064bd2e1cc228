/* node_desk: carries out operations for the control link on one thread, long polls included, and
 * holds back replies until what they say is on disk. Threads: one; each desk its own. */
#ifndef NODE_NODE_DESK_H
#define NODE_NODE_DESK_H

#include "node/net/net.h"
#include "node/ops/operations.h"

/* One request of the control link, read. */
struct node_request {
    struct node_request *next;
    struct node_requests *all; /* memory that it shares with those of the same message */
    struct net_route route;
    bool packed; /* it came in a pack: its answer may go in one, too */
    uint64_t id;
    const struct ops_operation *operation; /* NULL when error says why not */
    ProtobufCMessage *message;
    struct error *error;    /* NULL: none yet */
    struct ops_check check; /* its error is this request's */
    uint64_t deadline;      /* monotonic ms, of a long poll */
    bool tried;
    uint64_t progress;           /* of a long poll, between two tries */
    size_t reply_at, reply_size; /* in the desk's replies */
};

/* Reads a message of the control link, a ControlRequest or a pack of them, into a list, and looks
 * at what the requests carry; takes the buffer. now: monotonic ms; wall: Unix ms. NULL only when
 * memory ran out. */
struct node_request *node_request_create(const struct net_route *route, struct buffer *bytes,
                                         uint64_t now, uint64_t wall);
void node_request_destroy(struct node_request *request); /* this one; NULL is fine */
/* Memory that a list takes: of each request its share of what its message takes. */
size_t node_request_bytes(const struct node_request *list);
/* Says what is wrong with it, unless that is known already. */
void node_request_fail(struct node_request *request, const struct error *error);

struct node_desk {
    struct ops_context context; /* filled by the node */
    struct net *net;
    struct node_request *waiting; /* long polls, a bounded number: more are answered "busy" */
    size_t waiting_count;
    struct node_request *finished, **finished_end; /* answered, not yet sent; in order */
    struct buffer replies;                         /* of what is finished */
    uint64_t seen;                                 /* changes when the long polls were last tried */
};

/* context and net are the caller's to fill. */
void node_desk_init(struct node_desk *desk);
/* Takes the request and runs it; refuses it, without running it, when the replies to its pack take
 * more than 8 MiB already. now: monotonic ms. */
void node_desk_take(struct node_desk *desk, struct node_request *request, uint64_t now);
/* Runs long polls again: all of them when changes has moved, else those whose time has run out. */
void node_desk_retry(struct node_desk *desk, uint64_t changes, uint64_t now);
/* While nothing can be run: answers those whose time has run out with the error. */
void node_desk_expire(struct node_desk *desk, uint64_t now, const struct error *error);
/* Sends what is finished; with an error instead of the reply when the commit failed. */
void node_desk_send(struct node_desk *desk, const struct error *commit_error);
/* Sends the errors of requests that nobody runs, and destroys the list. Any thread. */
void node_desk_refuse(struct net *net, struct node_request *list, const struct error *error);
/* Until the next deadline, at most 1 s. */
uint64_t node_desk_next_ms(const struct node_desk *desk, uint64_t now);
/* Answers what waits; a zeroed desk is fine. */
void node_desk_finish(struct node_desk *desk);

#endif
