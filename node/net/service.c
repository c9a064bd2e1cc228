#include "node/net/service.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RETRY_MS 50

static int bind_failed(const struct service *service, const char *endpoint, struct error *error)
{
    const char *advice = "";

    if (errno == EADDRINUSE)
        advice = "; another program, or another node, listens there";
    else if (errno == ENODEV || errno == EADDRNOTAVAIL)
        advice = "; this machine does not have that address";
    else if (errno == EINVAL)
        advice = "; expected tcp://ADDRESS:PORT";
    return error_set(error, ERROR_IO, "cannot listen on %s for %s: %s%s", endpoint,
                     service->settings.domain, zmq_strerror(errno), advice);
}

int service_open(struct service *service, struct error *error)
{
    const char *endpoint = service->bound[0] ? service->bound : service->wanted;
    size_t size = sizeof service->bound;
    int code;

    service->retry_ms = 0;
    if (!endpoint[0] || service->socket)
        return ERROR_NONE;
    service->settings.ipv6 = strchr(endpoint, '[') || strstr(endpoint, "//*");
    code = socket_open(service->context, &service->settings, &service->socket, error);
    if (code == ERROR_NONE && service->prepare)
        code = service->prepare(service->socket, error);
    if (code == ERROR_NONE && zmq_bind(service->socket, endpoint) != 0)
        code = bind_failed(service, endpoint, error);
    if (code == ERROR_NONE && !service->bound[0] &&
        zmq_getsockopt(service->socket, ZMQ_LAST_ENDPOINT, service->bound, &size) != 0)
        code = error_set(error, ERROR_INTERNAL, "cannot tell where %s listens", endpoint);
    if (code != ERROR_NONE)
        socket_close(&service->socket);
    return code;
}

void service_close(struct service *service)
{
    service->retry_ms = 0;
    socket_close(&service->socket);
}

static void try_again(struct service *service)
{
    struct error error = {0};

    if (service_open(service, &error) == ERROR_NONE) {
        log_info("service.open", "service", service->settings.domain, "endpoint", service->bound);
        return;
    }
    service->retry_ms = socket_now_ms() + RETRY_MS;
    if (!service->complained) /* the old socket is still closing; said once */
        log_debug("service.waits", "service", service->settings.domain, "reason", error.text);
    service->complained = true;
}

void service_reopen(struct service *service)
{
    if (!service->bound[0])
        return;
    service_close(service);
    service->complained = false;
    try_again(service);
}

long service_tick(struct service *service)
{
    uint64_t now = socket_now_ms();

    if (service->retry_ms && now >= service->retry_ms)
        try_again(service);
    if (!service->retry_ms)
        return -1;
    return service->retry_ms > now ? (long)(service->retry_ms - now) : 0;
}
