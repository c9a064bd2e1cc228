#include "tests/bench/drive/audience.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "tests/bench/drive/drive.h"

#define SECOND_NS UINT64_C(1000000000)
#define JOIN_NS (120 * SECOND_NS)
#define JOIN_PAUSE_US 50000
#define JOIN_ROOM 4096           /* announcements that joining may take */
#define LAST_NS (20 * SECOND_NS) /* so long after the last delivery, one that lacks is lost */

void audience_pause_us(long us)
{
    const struct timespec pause = {.tv_nsec = us * 1000};

    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static uint64_t next_seq(const struct audience *audience)
{
    return audience->feeder.party.seq + audience->feeder.sent + 1;
}

int audience_publish(struct audience *audience, uint64_t due, unsigned group, struct error *error)
{
    uint64_t seq = next_seq(audience);

    if (seq >= audience->crowd.capacity)
        return error_set(error, ERROR_TOO_LARGE, "no room to count more than %" PRIu64 " entries",
                         audience->crowd.capacity);
    atomic_store(&audience->crowd.entries[seq].group, group);
    atomic_store(&audience->crowd.entries[seq].due, due);
    return feeder_publish(&audience->feeder, error);
}

int audience_wait(struct audience *audience, uint64_t count, struct error *error)
{
    uint64_t wanted = audience->before + count * audience->crowd.count;
    uint64_t seen = 0, changed = drive_now();
    int code = feeder_settle(&audience->feeder, error);

    while (!code && seen < wanted) {
        uint64_t delivered = atomic_load(&audience->crowd.delivered);

        if (delivered != seen)
            changed = drive_now();
        else if (drive_now() - changed > LAST_NS)
            code = error_set(error, ERROR_TIMEOUT,
                             "%" PRIu64 " of %" PRIu64 " deliveries came, then none any more", seen,
                             wanted);
        else
            audience_pause_us(100);
        seen = delivered;
    }
    return code;
}

static int join(struct audience *audience, struct error *error)
{
    struct crowd *crowd = &audience->crowd;
    uint64_t began = drive_now();
    int code = ERROR_NONE;

    while (!code && atomic_load(&crowd->joined) < crowd->count) {
        if (drive_now() - began > JOIN_NS)
            return error_set(error, ERROR_TIMEOUT, "%" PRIu64 " of %" PRIu64 " have joined",
                             atomic_load(&crowd->joined), crowd->count);
        code = audience_publish(audience, drive_now(), 0, error);
        audience_pause_us(JOIN_PAUSE_US);
    }
    audience->joining_s = drive_seconds(began, drive_now());
    return code ? code : feeder_settle(&audience->feeder, error);
}

/* Until nothing of what was published for joining is on its way any more. */
static void settle(struct audience *audience)
{
    uint64_t changed = drive_now();

    while (drive_now() - changed < SECOND_NS / 2) {
        uint64_t delivered = atomic_load(&audience->crowd.delivered);

        if (delivered != audience->before)
            changed = drive_now();
        audience->before = delivered;
        audience_pause_us(1000);
    }
}

int audience_gather(struct audience *audience, const struct audience_options *options,
                    struct error *error)
{
    int code;

    *audience = (struct audience){0};
    code = contents_read(options->contents, &audience->contents, error);
    if (!code)
        code = feeder_open(options->home, &audience->contents, &audience->feeder, error);
    if (!code)
        code = crowd_init(&audience->crowd, options->home, 0, options->members,
                          audience->feeder.party.seq + options->room + JOIN_ROOM, error);
    if (!code)
        code = feeder_wait_partners(&audience->feeder, options->known + options->members,
                                    drive_now() + JOIN_NS, error);
    if (!code)
        code = crowd_start(&audience->crowd, options->live, options->sync, error);
    if (!code)
        code = join(audience, error);
    if (!code)
        settle(audience);
    return code;
}

void audience_finish(struct audience *audience)
{
    crowd_finish(&audience->crowd);
    feeder_finish(&audience->feeder);
    contents_finish(&audience->contents);
}

/* How many members are at the end of the feed. */
static uint64_t count_ended(const struct audience *audience)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < audience->crowd.count; i++)
        count += audience->crowd.members[i].seq + 1 == next_seq(audience);
    return count;
}

void audience_print_checks(const struct audience *audience)
{
    const struct crowd *crowd = &audience->crowd;

    printf("{\"at_the_end\": [%" PRIu64 ", %" PRIu64 "], \"lost\": [%" PRIu64
           ", 0], \"twice\": [%" PRIu64 ", 0], \"wrong\": [%" PRIu64
           ", 0], \"answered_in_order\": [%" PRIu64 ", %" PRIu64 "]}",
           count_ended(audience), crowd->count, crowd->lost, crowd->twice, crowd->wrong,
           audience->feeder.in_order, audience->feeder.sent);
}
