/* drive_fanout HOME CONTENTS LIVE SYNC [--subscribers N] [--seconds N]: light partners (crowd.h)
 * connect to the running node of HOME, at its two endpoints; then announcements are published there
 * as fast as all of them take them: so many seconds long, at most AHEAD more than they have got on
 * the average. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/drive/crowd.h"
#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/feeder.h"

#define SECOND_NS UINT64_C(1000000000)
#define AHEAD 32
#define RATE_MAX 4000 /* entries a second that there is room to count */
#define JOIN_NS (120 * SECOND_NS)
#define LAST_NS (20 * SECOND_NS) /* so long after the last delivery, one that lacks is lost */

struct fanout {
    const char *arguments[4]; /* home, file of contents, live, sync */
    uint64_t subscribers, seconds;
    struct contents contents;
    struct feeder feeder;
    struct crowd crowd;
    uint64_t accepted_at, joined_at, started, ended;
    uint64_t before, sent; /* deliveries, announcements */
    double cpu;
};

static void pause_us(long us)
{
    const struct timespec pause = {.tv_nsec = us * 1000};

    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static uint64_t next_seq(const struct fanout *fanout)
{
    return fanout->feeder.party.seq + fanout->feeder.sent + 1;
}

static int publish(struct fanout *fanout, struct error *error)
{
    uint64_t seq = next_seq(fanout);

    if (seq >= fanout->crowd.capacity)
        return error_set(error, ERROR_TOO_LARGE, "no room to count more than %" PRIu64 " entries",
                         fanout->crowd.capacity);
    atomic_store(&fanout->crowd.entries[seq].due, drive_now());
    return feeder_publish(&fanout->feeder, error);
}

/* Until every member has the last one. */
static int wait_all(struct fanout *fanout, uint64_t wanted, struct error *error)
{
    uint64_t seen = 0, changed = drive_now();

    while (atomic_load(&fanout->crowd.delivered) < wanted) {
        uint64_t now = drive_now(), delivered = atomic_load(&fanout->crowd.delivered);

        if (delivered != seen)
            changed = now;
        seen = delivered;
        if (now - changed > LAST_NS)
            return error_set(error, ERROR_TIMEOUT,
                             "%" PRIu64 " of %" PRIu64 " deliveries came, then none any more", seen,
                             wanted);
        pause_us(100);
    }
    return ERROR_NONE;
}

/* One announcement after the other until the last subscriber has got one; whoever is there gets all
 * from then on. */
static int join(struct fanout *fanout, struct error *error)
{
    uint64_t deadline = drive_now() + JOIN_NS;
    int code = ERROR_NONE;

    while (!code && atomic_load(&fanout->crowd.joined) < fanout->subscribers) {
        if (drive_now() > deadline)
            return error_set(error, ERROR_TIMEOUT, "%" PRIu64 " of %" PRIu64 " have joined",
                             atomic_load(&fanout->crowd.joined), fanout->subscribers);
        code = publish(fanout, error);
        pause_us(50000);
    }
    fanout->joined_at = drive_now();
    return code ? code : feeder_settle(&fanout->feeder, error);
}

/* Until nothing of what was published for joining is on its way any more. */
static void settle(struct fanout *fanout)
{
    uint64_t changed = drive_now();

    while (drive_now() - changed < SECOND_NS / 2) {
        uint64_t delivered = atomic_load(&fanout->crowd.delivered);

        if (delivered != fanout->before)
            changed = drive_now();
        fanout->before = delivered;
        pause_us(1000);
    }
}

static int run(struct fanout *fanout, struct error *error)
{
    struct crowd *crowd = &fanout->crowd;
    int code = ERROR_NONE;

    fanout->cpu = drive_cpu_seconds();
    fanout->started = drive_now();
    while (!code && drive_now() < fanout->started + fanout->seconds * SECOND_NS) {
        uint64_t delivered = atomic_load(&crowd->delivered) - fanout->before;

        if ((fanout->sent - AHEAD) * fanout->subscribers >= delivered && fanout->sent >= AHEAD) {
            pause_us(50);
            continue;
        }
        code = publish(fanout, error);
        fanout->sent++;
    }
    if (!code)
        code = feeder_settle(&fanout->feeder, error);
    if (!code)
        code = wait_all(fanout, fanout->before + fanout->sent * fanout->subscribers, error);
    fanout->ended = drive_now();
    fanout->cpu = drive_cpu_seconds() - fanout->cpu;
    return code;
}

static int prepare(struct fanout *fanout, struct error *error)
{
    int code = contents_read(fanout->arguments[1], &fanout->contents, error);
    uint64_t began = drive_now();

    if (!code)
        code = feeder_open(fanout->arguments[0], &fanout->contents, &fanout->feeder, error);
    if (!code)
        code = crowd_init(&fanout->crowd, fanout->arguments[0], 0, fanout->subscribers,
                          fanout->feeder.party.seq + fanout->seconds * RATE_MAX + 4096, error);
    if (!code)
        code = feeder_wait_partners(&fanout->feeder, fanout->subscribers, began + JOIN_NS, error);
    fanout->accepted_at = drive_now();
    if (!code)
        code = crowd_start(&fanout->crowd, fanout->arguments[2], fanout->arguments[3], error);
    if (!code)
        code = join(fanout, error);
    if (!code)
        settle(fanout);
    return code;
}

/* How many members are at the end of the feed. */
static uint64_t count_ended(const struct fanout *fanout)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < fanout->crowd.count; i++)
        count += fanout->crowd.members[i].seq + 1 == next_seq(fanout);
    return count;
}

static void print_done(struct fanout *fanout)
{
    struct crowd *crowd = &fanout->crowd;
    uint64_t deliveries = fanout->sent * fanout->subscribers;
    uint64_t from = crowd->delay_count > deliveries ? crowd->delay_count - deliveries : 0;
    double seconds = drive_seconds(fanout->started, fanout->ended);
    double p99 = crowd_percentile_ms(crowd, from, crowd->delay_count, 99);
    double p50 = crowd_percentile_ms(crowd, from, crowd->delay_count, 50);

    printf("{\"values\": {\"rate\": %.1f}, \"checks\": {\"at_the_end\": [%" PRIu64 ", %" PRIu64
           "], \"lost\": [%" PRIu64 ", 0], \"twice\": [%" PRIu64 ", 0], \"wrong\": [%" PRIu64
           ", 0], \"answered_in_order\": [%" PRIu64 ", %" PRIu64 "]}, ",
           (double)deliveries / seconds, count_ended(fanout), fanout->subscribers, crowd->lost,
           crowd->twice, crowd->wrong, fanout->feeder.in_order, fanout->feeder.sent);
    printf("\"info\": {\"announcements\": %" PRIu64 ", \"deliveries\": %" PRIu64
           ", \"seconds\": %.3f, \"joining_s\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"crowd_cpu_s\": %.3f, \"ahead\": %d}}\n",
           fanout->sent, deliveries, seconds, drive_seconds(fanout->accepted_at, fanout->joined_at),
           p50, p99, fanout->cpu, AHEAD);
}

int main(int argc, char **argv)
{
    struct fanout fanout = {.subscribers = 1000, .seconds = 30};
    const struct drive_option options[] = {{"--subscribers", &fanout.subscribers, NULL},
                                           {"--seconds", &fanout.seconds, NULL},
                                           {NULL, NULL, NULL}};
    struct error error = {0};
    int code = drive_start(argc, argv, options, fanout.arguments, 4, &error);

    if (!code)
        code = prepare(&fanout, &error);
    if (!code)
        code = run(&fanout, &error);
    crowd_stop(&fanout.crowd);
    if (!code)
        print_done(&fanout);
    crowd_finish(&fanout.crowd);
    feeder_finish(&fanout.feeder);
    contents_finish(&fanout.contents);
    return drive_end(argv[0], code, &error);
}
