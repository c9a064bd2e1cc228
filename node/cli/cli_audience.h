/* cli_audience: for whom an announcement is: handles, and names of groups of node.yaml, from
 * `--to` or from the key `audience` of the file. The key is the client's: it never stands in what
 * is published. Threads: the client has one. */
#ifndef CLI_CLI_AUDIENCE_H
#define CLI_CLI_AUDIENCE_H

#include "common/arena.h"
#include "common/bytes.h"
#include "node/cli/cli.h"

#define CLI_AUDIENCE_KEY "audience"

/* Zeroed is empty: for everybody. */
struct cli_audience {
    char **handles; /* in the arena, each once, in alphabetical order; or feed ids in hex */
    size_t count;
};

/* Adds the parts of "th-nstda,brics". ERROR_USAGE when one is neither a handle (or a whole feed id)
 * nor a group. */
int cli_audience_add_text(const struct cli *cli, const char *text, struct arena *arena,
                          struct cli_audience *audience, struct error *error);
/* Adds what the file says; a file without the key, or that is no YAML, adds nothing. ERROR_INVALID
 * when the key holds something else than one or several names, ERROR_MEMORY also when the file
 * could not be looked through. */
int cli_audience_add_file(const struct cli *cli, struct span yaml, struct arena *arena,
                          struct cli_audience *audience, struct error *error);

/* The same names? A handle and the feed id of the same institution are two. */
bool cli_audience_equal(const struct cli_audience *a, const struct cli_audience *b);
/* Appends "th-nstda, za-nrf". false when memory runs out. */
bool cli_audience_print(const struct cli_audience *audience, struct buffer *out);

#endif
