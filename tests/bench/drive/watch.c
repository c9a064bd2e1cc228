#include "tests/bench/drive/watch.h"

#include <time.h>

#include "node/config/home.h"
#include "node/ledger/ledger.h"
#include "tests/bench/drive/drive.h"

#define LOOK_NS 1000000

int watch_open(const char *home, struct watch *watch, struct error *error)
{
    *watch = (struct watch){.path = ""};
    return home_path(home, HOME_LEDGER, watch->path, error);
}

void watch_finish(struct watch *watch)
{
    if (watch->reader.operations)
        watch->reader.operations->destroy(watch->reader.self);
    *watch = (struct watch){.path = ""};
}

/* A node that starts may not have made all of it yet. */
static bool is_there(struct watch *watch)
{
    struct error ignored;

    return watch->reader.operations ||
           ledger_sqlite_open_reader(watch->path, &watch->reader, &ignored) == ERROR_NONE;
}

int watch_until(struct watch *watch, bool (*look)(void *context, struct error *error),
                void *context, uint64_t deadline, struct error *error)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};

    error_clear(error);
    for (;;) {
        if (is_there(watch) && look(context, error))
            return ERROR_NONE;
        if (error->code)
            return (int)error->code;
        if (drive_now() >= deadline)
            return error_set(error, ERROR_TIMEOUT, "%s did not come as far as was expected",
                             watch->path);
        nanosleep(&pause, NULL);
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
