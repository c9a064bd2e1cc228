#include "tests/bench/drive/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "common/secret.h"

static const struct drive_option *find(const struct drive_option *options, const char *name)
{
    for (; options->name; options++)
        if (strcmp(options->name, name) == 0)
            return options;
    return NULL;
}

static int take(const struct drive_option *option, const char *value, struct error *error)
{
    char *end = NULL;

    if (!value)
        return error_set(error, ERROR_USAGE, "%s: expected a value", option->name);
    if (option->text) {
        *option->text = value;
        return ERROR_NONE;
    }
    *option->number = strtoull(value, &end, 10);
    return *value >= '0' && *value <= '9' && !*end
               ? ERROR_NONE
               : error_set(error, ERROR_USAGE, "%s: found \"%s\", expected a number", option->name,
                           value);
}

int drive_start(int argc, char **argv, const struct drive_option *options, const char **arguments,
                int count, struct error *error)
{
    int found = 0, code = secret_start(error);

    for (int i = 1; !code && i < argc; i++) {
        const struct drive_option *option = find(options, argv[i]);

        if (option)
            code = take(option, argv[++i], error); /* argv ends with NULL */
        else if (argv[i][0] == '-' || found == count)
            code = error_set(error, ERROR_USAGE, "found \"%s\", expected something else", argv[i]);
        else
            arguments[found++] = argv[i];
    }
    if (!code && found < count)
        code = error_set(error, ERROR_USAGE, "found %d arguments, expected %d", found, count);
    return code;
}

int drive_end(const char *program, int code, const struct error *error)
{
    if (code)
        fprintf(stderr, "%s: %s\n", program, error->text);
    return code ? error_exit_code(error->code) : 0;
}

uint64_t drive_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void drive_sleep_until(uint64_t moment)
{
    const struct timespec at = {.tv_sec = (time_t)(moment / 1000000000u),
                                .tv_nsec = (long)(moment % 1000000000u)};

    prctl(PR_SET_TIMERSLACK, 1); /* of this thread: it wakes 50 µs late otherwise */
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

double drive_seconds(uint64_t from, uint64_t to)
{
    return (double)(int64_t)(to - from) / 1e9;
}

double drive_cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
