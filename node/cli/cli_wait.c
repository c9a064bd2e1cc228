#include "node/cli/cli_wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One question waits so long in the node. */
#define STEP_MS 5000

struct waiting {
    struct client *client;
    Caravan__CoverageRequest request;
    struct buffer told; /* feed ids of partners that were printed, 32 bytes each */
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool was_told(const struct waiting *waiting, const ProtobufCBinaryData *feed)
{
    for (size_t at = 0; at + BYTES_ID_SIZE <= waiting->told.size; at += BYTES_ID_SIZE)
        if (feed->len == BYTES_ID_SIZE &&
            memcmp(waiting->told.data + at, feed->data, BYTES_ID_SIZE) == 0)
            return true;
    return false;
}

/* Prints partners that have it and were not printed yet. */
static void tell(struct waiting *waiting, const Caravan__CoverageReply *reply)
{
    uint32_t have = 0;

    for (size_t i = 0; i < reply->n_received_by; i++)
        have += reply->received_by[i]->seq >= reply->seq;
    for (size_t i = 0; i < reply->n_received_by; i++) {
        const Caravan__Coverage *row = reply->received_by[i];

        if (row->seq < reply->seq || was_told(waiting, &row->feed))
            continue;
        if (row->feed.len == BYTES_ID_SIZE)
            buffer_append(&waiting->told, row->feed.data, BYTES_ID_SIZE);
        fputs("  received by ", stderr);
        cli_print_text(stderr, row->handle, false);
        fprintf(stderr, " (%zu of %zu)\n", waiting->told.size / BYTES_ID_SIZE,
                reply->n_received_by);
    }
    waiting->request.known = have;
}

static int not_all(const Caravan__CoverageReply *reply, unsigned seconds, struct error *error)
{
    struct buffer names = {0};
    size_t missing = 0;

    for (size_t i = 0; i < reply->n_received_by; i++)
        if (reply->received_by[i]->seq < reply->seq)
            buffer_printf(&names, "%s%s", missing++ ? ", " : "",
                          reply->received_by[i]->handle ? reply->received_by[i]->handle : "?");
    error_set(error, ERROR_TIMEOUT,
              "after %u seconds %zu of %zu partners have not received it: %.600s; it is published "
              "and reaches them when they are connected; see: caravan status",
              seconds, missing, reply->n_received_by, buffer_text(&names));
    buffer_finish(&names);
    return ERROR_TIMEOUT;
}

static int ask(struct waiting *waiting, uint64_t left_ms, struct arena *arena,
               const Caravan__CoverageReply **reply, struct error *error)
{
    ProtobufCMessage *message;
    int code;

    waiting->request.has_wait_ms = waiting->request.has_known = true;
    waiting->request.wait_ms = left_ms < STEP_MS ? (uint32_t)left_ms : STEP_MS;
    code = client_call(waiting->client, "coverage", &waiting->request.base,
                       &caravan__coverage_reply__descriptor, arena, STEP_MS + CLIENT_TIMEOUT_MS,
                       &message, error);
    if (!code)
        *reply = (const Caravan__CoverageReply *)message;
    return code;
}

int cli_wait_for_partners(struct client *client, uint64_t seq, unsigned seconds,
                          struct arena *arena, const Caravan__CoverageReply **reply,
                          struct error *error)
{
    struct waiting waiting = {.client = client, .request = CARAVAN__COVERAGE_REQUEST__INIT};
    uint64_t end = now_ms() + (uint64_t)seconds * 1000;
    int code = ERROR_NONE;
    bool complete = false;

    waiting.request.has_seq = true;
    waiting.request.seq = seq;
    while (!code && !complete) {
        uint64_t now = now_ms();

        code = ask(&waiting, now < end ? end - now : 0, arena, reply, error);
        if (code)
            break;
        tell(&waiting, *reply);
        complete = (*reply)->complete;
        if (!complete && now >= end)
            code = not_all(*reply, seconds, error);
    }
    if (complete && (*reply)->n_received_by == 0)
        fputs("  there is no partner yet to receive it; see: caravan partner add --help\n", stderr);
    buffer_finish(&waiting.told);
    return code;
}

int cli_wait_seconds(const char *text, unsigned *seconds, struct error *error)
{
    unsigned long value;
    char *end;

    if (!text)
        return ERROR_NONE;
    value = strtoul(text, &end, 10);
    if (*text < '1' || *text > '9' || *end || strlen(text) > 6 || value > 86400)
        return error_set(error, ERROR_USAGE,
                         "--timeout: found \"%.40s\", expected seconds, 1 to 86400", text);
    *seconds = (unsigned)value;
    return ERROR_NONE;
}

int cli_wait_check(const struct cli_wait *wait, struct error *error)
{
    unsigned seconds;

    return cli_wait_seconds(wait->timeout, &seconds, error);
}

int cli_wait(const struct cli_wait *wait, struct client *client, struct arena *arena,
             struct error *error)
{
    const Caravan__CoverageReply *reply;
    unsigned seconds = CLI_WAIT_SECONDS;
    int code = cli_wait_seconds(wait->timeout, &seconds, error);

    if (code || !wait->seq || (!wait->wait && !wait->timeout))
        return code;
    return cli_wait_for_partners(client, wait->seq, seconds, arena, &reply, error);
}

int cli_wait_end(const struct cli *cli, int code, const struct cli_wait *wait,
                 struct client *client, struct arena *arena, struct error *error)
{
    fflush(stdout); /* what was said stands there before anybody waits */
    if (!code)
        code = cli_wait(wait, client, arena, error);
    client_destroy(client);
    arena_finish(arena);
    return code ? cli_fail(cli, error) : 0;
}
