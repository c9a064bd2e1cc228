/* cli_find: asks the node for what a name stands for, and says what is wrong when it is not what a
 * command needs.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_FIND_H
#define CLI_CLI_FIND_H

#include "common/arena.h"
#include "node/cli/client.h"
#include "proto/announcement.pb-c.h"
#include "proto/control.pb-c.h"

/* All of it lives in the arena that was handed in; name is borrowed from the caller. */
struct cli_found {
    const char *name; /* as it was typed */
    const Caravan__ShowReply *shown;
    const Caravan__Item *item;                 /* of shown; never NULL */
    const Caravan__Announcement *announcement; /* NULL: it cannot be shown, or is none */
};

/* Whatever the name stands for: an announcement, readable or not, or another entry. Errors as
 * client_call; ERROR_NOT_FOUND is the node's. */
int cli_find_any(struct client *client, const char *name, struct arena *arena,
                 struct cli_found *found, struct error *error);

/* An announcement that can be shown: found->announcement is there. Else ERROR_INVALID, with why. */
int cli_find(struct client *client, const char *name, struct arena *arena, struct cli_found *found,
             struct error *error);

/* ERROR_DENIED when what was found is not our own. can: what only its publisher can do, "change
 * it"; it may go on with advice. */
int cli_find_check_own(const struct cli_found *found, const char *can, struct error *error);

/* The step of an announcement's history with this entry hash; NULL: it is not among those that were
 * given, or the hash is empty. */
const Caravan__Item *cli_find_step(const Caravan__ShowReply *shown, struct span hash);

#endif
