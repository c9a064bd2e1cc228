/* control: the socket on which this machine's owner talks to the node (ZeroMQ ROUTER over a Unix
 * socket; the client is a DEALER; one frame a message each way). Who may open it is decided by the
 * file system: the folder is the owner's, mode 0700, the socket 0600.
 *
 * Answers may come in any order and any time later: a request is named by its route. A client that
 * asks and does not read slows only itself, and after some MiB loses answers; one that reads, if
 * late, loses none.
 * Threads: control_reply from any thread; everything else is the net thread's. */
#ifndef NET_CONTROL_H
#define NET_CONTROL_H

#include "node/net/net.h"
#include "node/net/pollset.h"

struct control; /* opaque */

int control_create(void *context, const char *path, const struct net_events *events,
                   struct control **out, struct error *error);
/* Makes the folder when it is missing, removes a socket file that nobody answers on, binds.
 * ERROR_EXISTS when a node runs there already; ERROR_CONFIG when the path is too long or the folder
 * is open to others. Before the net thread runs. */
int control_open(struct control *control, struct error *error);
/* Sends what waits, then closes. */
void control_close(struct control *control);
void control_destroy(struct control *control);

/* As net_control_reply. *first: nothing waited before, so the net thread must be woken. */
bool control_reply(struct control *control, const struct net_route *route, struct buffer *message,
                   bool *first);

void control_poll(struct control *control, struct pollset *set);
/* Sends what waits, offers again what was refused; milliseconds until the next call, or -1. A
 * client that does not read is tried again ever more seldom, four times a second in the end. */
long control_tick(struct control *control);

#endif
