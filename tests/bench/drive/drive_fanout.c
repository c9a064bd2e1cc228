/* drive_fanout HOME CONTENTS LIVE SYNC [--subscribers N] [--seconds N]: light partners (crowd.h)
 * connect to the running node of HOME, at its two endpoints; then announcements are published there
 * as fast as all of them take them: so many seconds long, at most AHEAD more than they have got on
 * the average, and never so fast that the node leaves them to sync (LIMIT_LIVE_RATE). */
#include <inttypes.h>
#include <stdio.h>

#include "common/limits.h"
#include "tests/bench/drive/audience.h"
#include "tests/bench/drive/drive.h"

#define SECOND_NS UINT64_C(1000000000)
#define AHEAD 32
#define PUBLISHED_MAX (LIMIT_LIVE_RATE * 3 / 4) /* a second, also after a pause */
#define RATE_MAX 4000                           /* entries a second that there is room to count */

struct fanout {
    struct audience audience;
    uint64_t subscribers, seconds;
    uint64_t started, ended, sent;
    double cpu;
};

static bool is_ahead(const struct fanout *fanout)
{
    const struct audience *audience = &fanout->audience;
    uint64_t delivered = atomic_load(&audience->crowd.delivered) - audience->before;

    return fanout->sent * fanout->subscribers >= delivered + AHEAD * fanout->subscribers;
}

static int run(struct fanout *fanout, struct error *error)
{
    uint64_t next = 0;
    int code = ERROR_NONE;

    fanout->cpu = drive_cpu_seconds();
    fanout->started = drive_now();
    while (!code && drive_now() < fanout->started + fanout->seconds * SECOND_NS) {
        if (is_ahead(fanout) || drive_now() < next) {
            audience_pause_us(50);
            continue;
        }
        next = drive_now() + SECOND_NS / PUBLISHED_MAX;
        code = audience_publish(&fanout->audience, drive_now(), 1, error);
        fanout->sent++;
    }
    if (!code)
        code = audience_wait(&fanout->audience, fanout->sent, error);
    fanout->ended = drive_now();
    fanout->cpu = drive_cpu_seconds() - fanout->cpu;
    return code;
}

static void print_done(struct fanout *fanout)
{
    struct crowd *crowd = &fanout->audience.crowd;
    uint64_t deliveries = fanout->sent * fanout->subscribers;
    double seconds = drive_seconds(fanout->started, fanout->ended);

    printf("{\"values\": {\"rate\": %.1f}, \"checks\": ", (double)deliveries / seconds);
    audience_print_checks(&fanout->audience);
    printf(", \"info\": {\"announcements\": %" PRIu64 ", \"deliveries\": %" PRIu64
           ", \"seconds\": %.3f, \"joining_s\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"crowd_cpu_s\": %.3f, \"ahead\": %d}}\n",
           fanout->sent, deliveries, seconds, fanout->audience.joining_s,
           crowd_percentile_ms(crowd, 1, 50), crowd_percentile_ms(crowd, 1, 99), fanout->cpu,
           AHEAD);
}

int main(int argc, char **argv)
{
    struct fanout fanout = {.subscribers = 1000, .seconds = 30};
    const struct drive_option options[] = {{"--subscribers", &fanout.subscribers, NULL},
                                           {"--seconds", &fanout.seconds, NULL},
                                           {NULL, NULL, NULL}};
    const char *arguments[4];
    struct error error = {0};
    int code = drive_start(argc, argv, options, arguments, 4, &error);

    if (!code) {
        const struct audience_options gather = {.home = arguments[0],
                                                .contents = arguments[1],
                                                .live = arguments[2],
                                                .sync = arguments[3],
                                                .members = fanout.subscribers,
                                                .room = fanout.seconds * RATE_MAX};
        code = audience_gather(&fanout.audience, &gather, &error);
    }
    if (!code)
        code = run(&fanout, &error);
    crowd_stop(&fanout.audience.crowd);
    if (!code)
        print_done(&fanout);
    audience_finish(&fanout.audience);
    return drive_end(argv[0], code, &error);
}
