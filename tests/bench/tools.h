/* tools: what the bench's programs share: contents, stamps, percentiles, the order of what arrives.
 *
 * A program's arguments are positions; wrong ones, and whatever cannot be done, end it with a
 * sentence on standard error and code 1. Its result is one line of JSON (see frame.py).
 *
 * Threads: contents may be read by several; everything else is used by one at a time. */
#ifndef TESTS_BENCH_TOOLS_H
#define TESTS_BENCH_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TOOLS_CONTENT_MAX 65536

/* The contents that every system moves, as drive_contents has written them. */
struct contents {
    uint8_t *bytes;
    size_t *offset; /* of content i; [count] is the end */
    size_t count;
};

_Noreturn void tools_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define TOOLS_MUST(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            tools_die("%s:%d: %s failed", __FILE__, __LINE__, #condition);                         \
    } while (0)

int64_t tools_now_ns(void);                /* monotonic; the same clock in all processes */
void tools_sleep_until(int64_t ns);        /* returns at once when it is over */
double tools_cpu_seconds(long server_pid); /* of this process and of that one (0: none), so far */
long tools_number(const char *text);       /* an argument */

struct contents tools_contents(const char *path);
/* Copies content number % count, with `number` in its last 8 bytes; returns its size. out holds
 * TOOLS_CONTENT_MAX. */
size_t tools_content(const struct contents *contents, uint64_t number, uint8_t *out);
/* The number in a message; UINT64_MAX when it is too short to have one. */
uint64_t tools_message_number(const void *message, size_t size);

/* Counts what arrives; each number is wanted once, and in order. */
struct arrivals {
    uint64_t next, wrong; /* wrong: not the one after the one before */
};
void arrivals_add(struct arrivals *arrivals, const void *message, size_t size);

/* Sorts, and returns the value that `percent` of them do not exceed. */
double tools_percentile(double *values, size_t count, double percent);
/* Prints the result of a latency measurement: p50 and p99 in ms, and that all have arrived. */
void tools_print_latency(double *ms, uint64_t count, const struct arrivals *arrivals,
                         uint64_t wanted);
/* Prints the result of moving `wanted` messages: rate, CPU of each, and that all have arrived. */
void tools_print_rate(const struct arrivals *arrivals, uint64_t wanted, int64_t ns, double cpu);

#endif
