/* cli_bench: what this machine and this disk can do, measured with the parts that the node works
 * with: entries are made, signed and checked by common, and committed by the ledger in a folder of
 * its own, which is removed again. Nothing is kept from one call to the next.
 *
 * Threads: the client has one; the live measure starts a second one and ends it. */
#ifndef CLI_CLI_BENCH_H
#define CLI_CLI_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"

/* Content of each announcement in bytes; a commit in groups has so many of them. */
#define CLI_BENCH_CONTENT 400
#define CLI_BENCH_GROUP 1000
/* The run whose checking is measured: as long as the farthest two signatures are apart. */
#define CLI_BENCH_RUN 256

/* Announcements a second, each on one core. */
struct cli_bench_result {
    double sign;         /* made, hashed and signed */
    double check_single; /* parsed, hashed, signature checked: as they come live */
    double check_run;    /* the same in runs with one signature: as they come in a catch-up */
    double commit_single, commit_group; /* on disk, one by one and in groups */
    double live;                        /* over an encrypted connection on this machine */
    double sync_median_ms, sync_p99_ms; /* until the disk says that 4 KiB are safe */
    size_t syncs;                       /* so often was that asked */
    bool in_memory;                     /* the folder is on no disk at all (tmpfs) */
};

struct cli_bench_options {
    const char *folder; /* a folder is made in it, and removed before cli_bench_run returns */
    double seconds;     /* for all measures together; making keys and files comes on top */
    const volatile sig_atomic_t *stop;             /* not 0: end early; NULL: never */
    void (*step)(void *context, const char *what); /* what is measured now; may be NULL */
    void *context;
};

/* ERROR_TIMEOUT when it was stopped, ERROR_NOT_FOUND or ERROR_DENIED when nothing can be made in
 * the folder, ERROR_IO when it has no room. *out changes only on success. */
int cli_bench_run(const struct cli_bench_options *options, struct cli_bench_result *out,
                  struct error *error);

/* Part of cli_bench_run: sends the message from a publishing to a subscribing socket, encrypted,
 * for so long. */
int cli_bench_live(struct span payload, double seconds, const volatile sig_atomic_t *stop,
                   double *rate, struct error *error);

#endif
