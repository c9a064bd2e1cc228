#include "tests/bench/drive/feeder.h"

#include <time.h>

#include "proto/control.pb-c.h"
#include "tests/bench/drive/drive.h"

#define PAUSE_NS 100000000 /* the node looks for new cards once a second */

int feeder_open(const char *home, const struct contents *contents, struct feeder *feeder,
                struct error *error)
{
    *feeder = (struct feeder){.contents = contents};
    return party_open(home, &feeder->party, error);
}

void feeder_finish(struct feeder *feeder)
{
    party_finish(&feeder->party);
    *feeder = (struct feeder){0};
}

/* All answers that are there; with wait, at least one. */
static int take_answers(struct feeder *feeder, bool wait, struct error *error)
{
    while (client_unanswered(feeder->party.client)) {
        uint64_t id, seq;
        struct id hash;
        int code = party_answer(&feeder->party, wait ? CLIENT_LONG_TIMEOUT_MS : 0, &id, &seq, &hash,
                                error);

        if (code || !id)
            return code;
        wait = false;
        feeder->answered++;
        feeder->in_order += seq == feeder->party.seq + (id - feeder->first_id) + 1;
    }
    return ERROR_NONE;
}

int feeder_publish(struct feeder *feeder, struct error *error)
{
    uint64_t id;
    int code = ERROR_NONE;

    if (client_unanswered(feeder->party.client) == CLIENT_WINDOW)
        code = take_answers(feeder, true, error);
    if (!code)
        code =
            party_publish(&feeder->party, contents_get(feeder->contents, feeder->sent), &id, error);
    if (code)
        return code;
    if (feeder->sent++ == 0)
        feeder->first_id = id;
    return take_answers(feeder, false, error); /* also sends what waits to be sent */
}

int feeder_settle(struct feeder *feeder, struct error *error)
{
    int code = ERROR_NONE;

    while (!code && client_unanswered(feeder->party.client))
        code = take_answers(feeder, true, error);
    return code;
}

static int count_partners(struct feeder *feeder, uint64_t *count, struct error *error)
{
    const Caravan__Empty request = CARAVAN__EMPTY__INIT;
    ProtobufCMessage *reply;
    int code;

    party_forget(&feeder->party);
    code = client_call(feeder->party.client, "status", &request.base,
                       &caravan__status_reply__descriptor, &feeder->party.arena, CLIENT_TIMEOUT_MS,
                       &reply, error);
    if (!code)
        *count = ((const Caravan__StatusReply *)reply)->n_partners;
    return code;
}

int feeder_wait_partners(struct feeder *feeder, uint64_t wanted, uint64_t deadline,
                         struct error *error)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    uint64_t count = 0;
    int code = count_partners(feeder, &count, error);

    while (!code && count < wanted) {
        if (drive_now() > deadline)
            return error_set(error, ERROR_TIMEOUT, "the node knows %llu partners, expected %llu",
                             (unsigned long long)count, (unsigned long long)wanted);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        code = count_partners(feeder, &count, error);
    }
    return code;
}
