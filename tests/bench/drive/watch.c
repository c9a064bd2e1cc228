#include "tests/bench/drive/watch.h"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "node/config/home.h"
#include "node/ledger/ledger.h"
#include "tests/bench/drive/drive.h"

/* Between two looks while the file is written to. */
#define LOOK_NS 1000000
/* What was written becomes visible once it is on disk, of which nobody is told: so long after the
 * last write it is looked for. */
#define SYNC_NS 200000000
#define IDLE_MS 250

int watch_open(const char *home, struct watch *watch, struct error *error)
{
    int code;

    *watch = (struct watch){.events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    code = home_path(home, HOME_LEDGER, watch->path, error);
    if (!code && (watch->events < 0 ||
                  inotify_add_watch(watch->events, home, IN_MODIFY | IN_CREATE | IN_ONLYDIR) < 0))
        code = error_errno(error, "watch", home);
    if (code)
        watch_finish(watch);
    return code;
}

void watch_finish(struct watch *watch)
{
    if (watch->reader.operations)
        watch->reader.operations->destroy(watch->reader.self);
    if (watch->events > 0)
        close(watch->events);
    *watch = (struct watch){0};
}

static int wait_event(struct watch *watch, uint64_t deadline, struct error *error)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    struct pollfd wait = {.fd = watch->events, .events = POLLIN};
    char buffer[4096];
    uint64_t now = drive_now();
    bool busy = now < watch->written + SYNC_NS;

    if (now >= deadline)
        return error_set(error, ERROR_TIMEOUT, "%s did not come as far as was expected",
                         watch->path);
    if (busy)
        nanosleep(&pause, NULL);
    if (poll(&wait, 1, busy ? 0 : IDLE_MS) < 0 && errno != EINTR)
        return error_errno(error, "watch", watch->path);
    while (read(watch->events, buffer, sizeof buffer) > 0)
        watch->written = drive_now();
    return ERROR_NONE;
}

/* *there: the ledger is there and open. A node that starts may not have made all of it yet. */
static int open_reader(struct watch *watch, bool *there)
{
    struct error ignored;

    *there = watch->reader.operations ||
             ledger_sqlite_open_reader(watch->path, &watch->reader, &ignored) == ERROR_NONE;
    return ERROR_NONE;
}

int watch_until(struct watch *watch, bool (*look)(void *context, struct error *error),
                void *context, uint64_t deadline, struct error *error)
{
    bool there = false;
    int code;

    error_clear(error);
    for (;;) {
        code = open_reader(watch, &there);
        if (!code && there && look(context, error))
            return ERROR_NONE;
        if (!code)
            code = error->code;
        if (!code)
            code = wait_event(watch, deadline, error);
        if (code)
            return code;
    }
}

int watch_arrivals(struct watch *watch, uint64_t *arrivals, struct error *error)
{
    struct store_info info;
    int code = watch->reader.operations->info(watch->reader.self, &info, error);

    if (!code)
        *arrivals = info.last_arrival;
    return code;
}
