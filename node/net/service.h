/* service: a bound CURVE socket that can be closed and bound again at the same place.
 *
 *     closed --service_open--> open --service_reopen--> (port not free yet) --service_tick--> open
 *
 * Closing and binding again is the only way to cut a connection in ZeroMQ: everyone must then pass
 * the gate again. While it is not bound nobody is served.
 * Threads: the net thread; service_open may be called before that runs. */
#ifndef NET_SERVICE_H
#define NET_SERVICE_H

#include "node/net/net.h"
#include "node/net/socket.h"

struct service {
    void *context;
    struct socket_settings settings;        /* domain is the service's name */
    char wanted[NET_ENDPOINT_SIZE + 1];     /* "" when it is not offered */
    char bound[NET_ENDPOINT_SIZE + 1];      /* with the port number it got */
    void *socket;                           /* NULL while closed */
    int (*prepare)(void *, struct error *); /* further options, before bind; may be NULL */
    uint64_t retry_ms;                      /* next try to bind; 0: none due */
    bool complained;
};

/* ERROR_IO says who is in the way and where to change it. Nothing happens when none is offered. */
int service_open(struct service *service, struct error *error);
void service_close(struct service *service); /* for good */
/* Closes and binds again, now or, when the port is still taken, by service_tick. */
void service_reopen(struct service *service);
/* Milliseconds until the next try, or -1. */
long service_tick(struct service *service);

#endif
