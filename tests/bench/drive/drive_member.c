/* drive_member HOME CONTENTS LIVE SYNC [--known N]: one light partner of the running node of HOME
 * in a process of its own, with small buffers, so that it can be killed or stopped. Prints
 * "connected", "following" when it has got an announcement, and after SIGTERM, once nothing more
 * comes, what it has got. known: partners that the node has besides. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "tests/bench/drive/audience.h"
#include "tests/bench/drive/drive.h"

#define NUMBER 9998 /* of this partner among those that are made up */
#define CAPACITY 200000
#define WAIT_NS UINT64_C(60000000000)
#define LOOK_US 10000
#define QUIET_NS UINT64_C(500000000)

static volatile sig_atomic_t over;

struct member {
    const char *arguments[4];
    struct contents contents;
    struct feeder feeder;
    struct crowd crowd;
};

static void stop(int number)
{
    (void)number;
    over = 1;
}

static void say(const char *word)
{
    puts(word);
    fflush(stdout);
}

static int prepare(struct member *member, uint64_t known, struct error *error)
{
    int code = contents_read(member->arguments[1], &member->contents, error);

    if (!code)
        code = feeder_open(member->arguments[0], &member->contents, &member->feeder, error);
    if (!code)
        code = crowd_init(&member->crowd, member->arguments[0], NUMBER, 1, CAPACITY, error);
    member->crowd.buffer = 64 * 1024;
    if (!code)
        code = feeder_wait_partners(&member->feeder, known + 1, drive_now() + WAIT_NS, error);
    return code ? code
                : crowd_start(&member->crowd, member->arguments[2], member->arguments[3], error);
}

static void read_what_is_left(struct member *member)
{
    uint64_t seen = 0, changed = drive_now(), end = changed + WAIT_NS;

    while (drive_now() - changed < QUIET_NS && drive_now() < end) {
        uint64_t delivered = atomic_load(&member->crowd.delivered);

        if (delivered != seen)
            changed = drive_now();
        seen = delivered;
        audience_pause_us(LOOK_US);
    }
}

static void follow(struct member *member)
{
    bool follows = false;

    say("connected");
    for (; !over; audience_pause_us(LOOK_US)) {
        if (!follows && atomic_load(&member->crowd.joined))
            say("following");
        follows = atomic_load(&member->crowd.joined) > 0;
    }
    read_what_is_left(member);
    crowd_stop(&member->crowd);
    printf("{\"info\": {\"delivered\": %" PRIu64 ", \"seq\": %" PRIu64 ", \"wrong\": %" PRIu64
           "}}\n",
           atomic_load(&member->crowd.delivered), member->crowd.members[0].seq,
           member->crowd.wrong + member->crowd.twice);
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = stop};
    struct member member = {.arguments = {NULL}};
    uint64_t known = 0;
    const struct drive_option options[] = {{"--known", &known, NULL}, {NULL, NULL, NULL}};
    struct error error = {0};
    int code = drive_start(argc, argv, options, member.arguments, 4, &error);

    sigaction(SIGTERM, &action, NULL);
    if (!code)
        code = prepare(&member, known, &error);
    if (!code)
        follow(&member);
    crowd_finish(&member.crowd);
    feeder_finish(&member.feeder);
    contents_finish(&member.contents);
    return drive_end(argv[0], code, &error);
}
