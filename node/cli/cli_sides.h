/* cli_sides: what is different for a side of a joint announcement: the text in force from the one
 * that it confirmed or declined; and the terms that it proposes from those in force.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_SIDES_H
#define CLI_CLI_SIDES_H

#include "common/bytes.h"
#include "node/cli/cli.h"
#include "proto/control.pb-c.h"

enum cli_sides_what {
    CLI_SIDES_SINCE,    /* the revision that it confirmed, or declined -> the one in force */
    CLI_SIDES_PROPOSED, /* its terms in force -> with what its proposal changes (cli_terms.h) */
};

/* Is there such a difference? Not when the side has spoken of what is in force, or proposes
 * nothing. */
bool cli_sides_differs(const Caravan__Item *item, const Caravan__Side *side,
                       enum cli_sides_what what);

/* Prints it, each line behind so many spaces: what has changed, that nothing has, or why it cannot
 * be said here. reply: as the node has answered to show. Prints nothing when there is no such
 * difference. ERROR_MEMORY only. */
int cli_sides_print(const struct cli *cli, FILE *out, const Caravan__ShowReply *reply,
                    const Caravan__Side *side, enum cli_sides_what what, int indent,
                    struct error *error);

/* Appends all differences of all sides: [{"handle": …, "from": revision | "proposal": entry,
 * "changes": …}, …]; what cannot be said is left out. ERROR_MEMORY only. */
int cli_sides_json(const Caravan__ShowReply *reply, struct buffer *out, struct error *error);

#endif
