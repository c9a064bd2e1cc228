/* another_day DAYS …: the client with a clock that is so many days ahead: what an office sees that
 * repeats a command on another day. It runs no node. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "node/cli/cli.h"

#define DAY 86400

static long days;

/* In the place of the C library's. */
time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += days * DAY;
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

static int run_no_node(struct cli *cli, int argc, char **argv)
{
    (void)cli;
    (void)argc;
    (void)argv;
    return ENOSYS;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 64;
    days = atol(argv[1]);
    argv[1] = argv[0];
    return cli_main(argc - 1, argv + 1, run_no_node);
}
