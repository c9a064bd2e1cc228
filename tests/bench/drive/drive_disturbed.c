/* drive_disturbed HOME CONTENTS LIVE SYNC --pid PID [--calm SIGNAL] [--disturb SIGNAL] [--once 1]
 *                 [--partners N] [--known N] [--rate N] [--warm N] [--windows N] [--window-ms N]
 *
 * Light partners (crowd.h) follow the running node of HOME; announcements are published there at
 * even distances. Time is cut into windows: some to warm up, which count for nothing, then calm and
 * disturbed ones in turn, or with --once the first
 * half calm and the second half disturbed. When it changes, the process PID gets that signal (0:
 * none). An announcement's latency runs from when it was due until a light partner has checked it.
 * Where calm and disturbance take turns, the first SETTLE_NS of a window count for neither: what
 * the change itself does belongs to the disturbance, and would fall into the calm. What is compared
 * is the median of the windows' percentiles: a disk that stands still for a moment spoils one
 * window, not the measure. The worst window is told beside it. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/drive/audience.h"
#include "tests/bench/drive/drive.h"

#define SECOND_NS UINT64_C(1000000000)
#define SETTLE_NS (SECOND_NS / 4)

struct disturbed {
    struct audience audience;
    uint64_t pid, calm, disturb, once, partners, known, rate, warm, windows, window_ms;
    uint64_t started, sent;
};

static bool is_disturbed(const struct disturbed *d, uint64_t window)
{
    return d->once ? window >= d->windows / 2 : window % 2;
}

static int tell(const struct disturbed *d, uint64_t window, struct error *error)
{
    bool changes = window == 0 || is_disturbed(d, window) != is_disturbed(d, window - 1);
    uint64_t number = is_disturbed(d, window) ? d->disturb : d->calm;

    if (changes && number && kill((pid_t)d->pid, (int)number) != 0)
        return error_set(error, ERROR_IO, "cannot signal process %" PRIu64 ": error %d", d->pid,
                         errno);
    return ERROR_NONE;
}

static uint64_t length_of(const struct disturbed *d, uint64_t windows)
{
    return windows * d->window_ms * SECOND_NS / 1000;
}

/* What is due before `end`, in this group of crowd.h. */
static int publish_until(struct disturbed *d, uint64_t end, unsigned group, struct error *error)
{
    int code = ERROR_NONE;

    for (;;) {
        uint64_t due = d->started + d->sent * SECOND_NS / d->rate;

        if (code || due >= end)
            return code;
        drive_sleep_until(due);
        code = audience_publish(&d->audience, due, group, error);
        d->sent++;
    }
}

static int run_window(struct disturbed *d, uint64_t window, struct error *error)
{
    uint64_t length = length_of(d, 1), begin = d->started + length_of(d, d->warm + window);
    uint64_t settled = begin + (d->once ? 0 : SETTLE_NS);
    int code = tell(d, window, error);

    if (!code)
        code = publish_until(d, settled, 0, error);
    return code ? code : publish_until(d, begin + length, (unsigned)window + 1, error);
}

static int run(struct disturbed *d, struct error *error)
{
    int code;

    d->started = drive_now() + SECOND_NS / 10;
    /* A hub that has just started is slower. */
    code = publish_until(d, d->started + length_of(d, d->warm), 0, error);
    for (uint64_t window = 0; !code && window < d->windows; window++)
        code = run_window(d, window, error);
    return code ? code : audience_wait(&d->audience, d->sent, error);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Of the windows of one kind, the median of their percentiles. */
static double typical_ms(struct disturbed *d, bool disturbed, double percent)
{
    double values[CROWD_GROUPS];
    size_t count = 0;

    for (uint64_t window = 0; window < d->windows; window++)
        if (is_disturbed(d, window) == disturbed)
            values[count++] =
                crowd_percentile_ms(&d->audience.crowd, (unsigned)window + 1, percent);
    qsort(values, count, sizeof *values, compare);
    return count ? (values[(count - 1) / 2] + values[count / 2]) / 2 : 0;
}

static double worst_p99_ms(struct disturbed *d, bool disturbed)
{
    double worst = 0;

    for (uint64_t window = 0; window < d->windows; window++) {
        double ms = crowd_percentile_ms(&d->audience.crowd, (unsigned)window + 1, 99);

        if (is_disturbed(d, window) == disturbed && ms > worst)
            worst = ms;
    }
    return worst;
}

static void print_done(struct disturbed *d)
{
    printf("{\"values\": {}, \"checks\": ");
    audience_print_checks(&d->audience);
    printf(", \"info\": {\"announcements\": %" PRIu64
           ", \"calm_p50_ms\": %.3f, \"calm_p99_ms\": %.3f, \"calm_worst_p99_ms\": %.3f, "
           "\"disturbed_p50_ms\": %.3f, \"disturbed_p99_ms\": %.3f, "
           "\"disturbed_worst_p99_ms\": %.3f}}\n",
           d->sent, typical_ms(d, false, 50), typical_ms(d, false, 99), worst_p99_ms(d, false),
           typical_ms(d, true, 50), typical_ms(d, true, 99), worst_p99_ms(d, true));
}

int main(int argc, char **argv)
{
    struct disturbed d = {.partners = 50, .rate = 200, .windows = 10, .window_ms = 2000};
    const struct drive_option options[] = {{"--pid", &d.pid, NULL},
                                           {"--calm", &d.calm, NULL},
                                           {"--disturb", &d.disturb, NULL},
                                           {"--once", &d.once, NULL},
                                           {"--partners", &d.partners, NULL},
                                           {"--known", &d.known, NULL},
                                           {"--rate", &d.rate, NULL},
                                           {"--warm", &d.warm, NULL},
                                           {"--windows", &d.windows, NULL},
                                           {"--window-ms", &d.window_ms, NULL},
                                           {NULL, NULL, NULL}};
    const char *arguments[4];
    struct error error = {0};
    int code = drive_start(argc, argv, options, arguments, 4, &error);

    if (!code && (!d.pid || !d.rate || d.windows < 2 || d.windows >= CROWD_GROUPS))
        code = error_set(&error, ERROR_USAGE, "expected --pid, a --rate above 0, 2 to %d --windows",
                         CROWD_GROUPS - 1);
    if (!code) {
        const struct audience_options gather = {
            .home = arguments[0],
            .contents = arguments[1],
            .live = arguments[2],
            .sync = arguments[3],
            .members = d.partners,
            .known = d.known,
            .room = d.rate * (d.warm + d.windows) * d.window_ms / 1000 + d.rate,
        };
        code = audience_gather(&d.audience, &gather, &error);
    }
    if (!code)
        code = run(&d, &error);
    crowd_stop(&d.audience.crowd);
    if (!code)
        print_done(&d);
    audience_finish(&d.audience);
    return drive_end(argv[0], code, &error);
}
