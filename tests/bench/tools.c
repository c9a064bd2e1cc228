#include "tests/bench/tools.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void tools_die(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    _exit(1);
}

int64_t tools_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void tools_sleep_until(int64_t ns)
{
    struct timespec until = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    prctl(PR_SET_TIMERSLACK, 1); /* of this thread: it wakes 50 µs late otherwise */
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

double tools_cpu_seconds(long server_pid)
{
    struct rusage used;
    char path[64];
    unsigned long user = 0, system = 0;
    FILE *file;

    getrusage(RUSAGE_SELF, &used);
    if (server_pid) {
        snprintf(path, sizeof path, "/proc/%ld/stat", server_pid);
        file = fopen(path, "r");
        TOOLS_MUST(file);
        TOOLS_MUST(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                          &user, &system) == 2);
        fclose(file);
    }
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6 +
           (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

long tools_number(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < 0)
        tools_die("found \"%s\", expected a number", text);
    return number;
}

/* --- contents --------------------------------------------------------------------------------- */

static uint8_t *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long end;

    if (!file)
        tools_die("cannot open %s: %s", path, strerror(errno));
    TOOLS_MUST(fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) > 0);
    rewind(file);
    *size = (size_t)end;
    bytes = malloc(*size);
    TOOLS_MUST(bytes && fread(bytes, 1, *size, file) == *size);
    fclose(file);
    return bytes;
}

/* The lengths are taken out: the contents lie one behind the other. */
struct contents tools_contents(const char *path)
{
    struct contents contents = {0};
    size_t size, from = 0, to = 0;

    contents.bytes = read_all(path, &size);
    contents.offset = calloc(size / 4 + 2, sizeof *contents.offset);
    TOOLS_MUST(contents.offset);
    while (from + 4 <= size) {
        const uint8_t *at = contents.bytes + from;
        size_t length = (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16;

        TOOLS_MUST(length >= 8 && length <= TOOLS_CONTENT_MAX && from + 4 + length <= size);
        memmove(contents.bytes + to, at + 4, length);
        to += length;
        from += 4 + length;
        contents.offset[++contents.count] = to;
    }
    TOOLS_MUST(contents.count > 0);
    return contents;
}

size_t tools_content(const struct contents *contents, uint64_t number, uint8_t *out)
{
    size_t i = number % contents->count;
    size_t size = contents->offset[i + 1] - contents->offset[i];

    memcpy(out, contents->bytes + contents->offset[i], size);
    memcpy(out + size - 8, &number, 8);
    return size;
}

uint64_t tools_message_number(const void *message, size_t size)
{
    uint64_t number = UINT64_MAX;

    if (size >= 8)
        memcpy(&number, (const uint8_t *)message + size - 8, 8);
    return number;
}

void arrivals_add(struct arrivals *arrivals, const void *message, size_t size)
{
    if (tools_message_number(message, size) != arrivals->next)
        arrivals->wrong++;
    arrivals->next++;
}

/* --- figures ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

double tools_percentile(double *values, size_t count, double percent)
{
    size_t at = (size_t)((double)count * percent / 100.0);

    TOOLS_MUST(count > 0);
    qsort(values, count, sizeof *values, compare);
    return values[at < count ? at : count - 1];
}

static void print_checks(const struct arrivals *arrivals, uint64_t wanted)
{
    printf("\"checks\": {\"received\": [%llu, %llu], \"out of order\": [%llu, 0]}}\n",
           (unsigned long long)arrivals->next, (unsigned long long)wanted,
           (unsigned long long)arrivals->wrong);
}

void tools_print_latency(double *ms, uint64_t count, const struct arrivals *arrivals,
                         uint64_t wanted)
{
    double p50 = tools_percentile(ms, count, 50), p99 = tools_percentile(ms, count, 99);

    printf("{\"values\": {\"p50_ms\": %.4f, \"p99_ms\": %.4f}, ", p50, p99);
    print_checks(arrivals, wanted);
}

void tools_print_rate(const struct arrivals *arrivals, uint64_t wanted, int64_t ns, double cpu)
{
    double seconds = (double)ns / 1e9;

    printf("{\"values\": {\"rate\": %.1f, \"cpu_us\": %.3f}, \"info\": {\"seconds\": %.3f}, ",
           (double)wanted / seconds, cpu * 1e6 / (double)wanted, seconds);
    print_checks(arrivals, wanted);
}
