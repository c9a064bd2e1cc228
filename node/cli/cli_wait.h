/* cli_wait: shows each partner receiving what was published, for --wait.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_WAIT_H
#define CLI_CLI_WAIT_H

#include "common/arena.h"
#include "node/cli/client.h"
#include "proto/control.pb-c.h"

#define CLI_WAIT_SECONDS 60
#define CLI_WAIT_HEAD 0 /* as seq: all of our feed */

/* Waits until all partners hold our feed up to seq, at most so many seconds, and prints a line on
 * standard error for each that has it. *reply (in the arena) is the last answer, also on
 * ERROR_TIMEOUT, whose sentence names those that have not. */
int cli_wait_for_partners(struct client *client, uint64_t seq, unsigned seconds,
                          struct arena *arena, const Caravan__CoverageReply **reply,
                          struct error *error);

/* The value of --timeout. ERROR_USAGE when it is no number of seconds from 1 to 86400. */
int cli_wait_seconds(const char *text, unsigned *seconds, struct error *error);

/* --- commands that publish one entry -----------------------------------------------------------
 */

struct cli_wait {
    bool wait;
    const char *timeout;
    uint64_t seq; /* what is waited for; 0: nothing was published */
};

#define CLI_WAIT_OPTIONS(place)                                                                    \
    {.name = "--wait",                                                                             \
     .help = "until all partners have received it, at most 60 s",                                  \
     .flag = &(place).wait},                                                                       \
    {                                                                                              \
        .name = "--timeout", .value = "SECONDS", .help = "wait, but at most so long",              \
        .text = &(place).timeout                                                                   \
    }

/* Does what the options ask for, if anything was published. Check the options first with
 * cli_wait_check, so that nothing is published before what was typed is known to be right. */
int cli_wait_check(const struct cli_wait *wait, struct error *error);
int cli_wait(const struct cli_wait *wait, struct client *client, struct arena *arena,
             struct error *error);

/* How such a command ends: when it went well (code is ERROR_NONE) it waits as above; frees the
 * client (may be NULL) and what the arena holds; says what went wrong. Returns the exit code. */
int cli_wait_end(const struct cli *cli, int code, const struct cli_wait *wait,
                 struct client *client, struct arena *arena, struct error *error);

#endif
