/* drive_catchup HUB RECEIVER [--timeout SECONDS]: waits until the ledger of the receiver's home has
 * all that is in the hub's ledger now, with equal heads, committed. Both nodes run; the clock is
 * the monotonic one, in ns, so that whoever started the receiver can count from there. */
#include <inttypes.h>
#include <stdio.h>

#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/heads.h"
#include "tests/bench/drive/watch.h"

struct catchup {
    struct watch hub, receiver;
    struct heads wanted;
    uint64_t first, done; /* when the first entry of others was there, and the last */
};

/* Certificate, profile, endpoints. */
#define OWN_ENTRIES 3

static bool read_target(void *context, struct error *error)
{
    struct catchup *catchup = context;

    return heads_read(&catchup->hub.reader, &catchup->wanted, error) == ERROR_NONE;
}

static bool look(void *context, struct error *error)
{
    struct catchup *catchup = context;
    uint64_t now = drive_now(), arrivals = 0;
    struct heads here = {0};
    bool equal = false;

    if (watch_arrivals(&catchup->receiver, &arrivals, error))
        return false;
    if (!catchup->first && arrivals > OWN_ENTRIES)
        catchup->first = now;
    /* Only then is it worth comparing every feed. */
    if (arrivals < catchup->wanted.entries || heads_read(&catchup->receiver.reader, &here, error))
        return false;
    equal = heads_equal(&catchup->wanted, &here) == catchup->wanted.count;
    heads_finish(&here);
    catchup->done = now;
    return equal;
}

int main(int argc, char **argv)
{
    struct catchup catchup = {0};
    const char *homes[2];
    uint64_t seconds = 120;
    const struct drive_option options[] = {{"--timeout", &seconds, NULL}, {NULL, NULL, NULL}};
    struct error error = {0};
    uint64_t deadline;
    int code = drive_start(argc, argv, options, homes, 2, &error);

    deadline = drive_now() + seconds * 1000000000u;
    if (!code)
        code = watch_open(homes[0], &catchup.hub, &error);
    if (!code)
        code = watch_open(homes[1], &catchup.receiver, &error);
    if (!code)
        code = watch_until(&catchup.hub, read_target, &catchup, deadline, &error);
    if (!code)
        code = watch_until(&catchup.receiver, look, &catchup, deadline, &error);
    if (!code)
        printf("{\"info\": {\"entries\": %" PRIu64 ", \"feeds\": %zu, \"first_ns\": %" PRIu64
               ", \"done_ns\": %" PRIu64 "}}\n",
               catchup.wanted.entries, catchup.wanted.count, catchup.first, catchup.done);
    heads_finish(&catchup.wanted);
    watch_finish(&catchup.hub);
    watch_finish(&catchup.receiver);
    return drive_end(argv[0], code, &error);
}
