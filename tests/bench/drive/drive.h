/* drive: what the programs that drive Caravan in the bench have in common: their command line, one
 * clock, the ledger of a running node seen from outside, its control link.
 *
 * Threads: no shared state; each struct belongs to one thread. */
#ifndef BENCH_DRIVE_H
#define BENCH_DRIVE_H

#include "common/bytes.h"
#include "common/error.h"

/* An option takes a number or a text; the table ends with a row without a name. */
struct drive_option {
    const char *name;
    uint64_t *number;
    const char **text;
};

/* Reads "NAME VALUE" options and exactly `count` other arguments, starts libsodium. ERROR_USAGE
 * says what is wrong. */
int drive_start(int argc, char **argv, const struct drive_option *options, const char **arguments,
                int count, struct error *error);
/* The exit code; prints the error on standard error. */
int drive_end(const char *program, int code, const struct error *error);

/* The monotonic clock, the same for all processes, in ns. */
uint64_t drive_now(void);
/* Sleeps until that moment of drive_now. */
void drive_sleep_until(uint64_t moment);
double drive_seconds(uint64_t from, uint64_t to);
/* What this process has used of the processors so far, in s. */
double drive_cpu_seconds(void);

#endif
