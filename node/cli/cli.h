/* cli: every subcommand but `run` is the client. One file per command group; one table of commands.
 *
 * A command gets its arguments behind its own name. It prints results on standard output,
 * everything else on standard error, and returns an exit code: error_exit_code() of what went
 * wrong, 0 for success. Threads: the client has one. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"

struct cli {
    const char *home; /* --home or CARAVAN_HOME; NULL when neither is given */
    bool json;        /* --json */
    bool colour;      /* standard output is a terminal and NO_COLOR is not set */
    bool terminal;    /* standard error is a terminal: progress may be shown */
    const char *program;
};

/* One command. Each group's file defines its own as `const struct cli_command cmd_NAME`, and
 * cli_commands.h lists NAME. */
struct cli_command {
    const char *name;    /* "publish" */
    const char *group;   /* heading in the overview; one of CLI_GROUP_… */
    const char *usage;   /* "publish FILE… [--wait]"; several lines for several forms */
    const char *summary; /* one line, lower case, no full stop */
    const char *help;    /* paragraphs and at least one line "Example: …" */
    int (*run)(struct cli *cli, int argc, char **argv); /* NULL: `run`, see cli_main */
};

#define CLI_GROUP_SETUP "Set up a node"
#define CLI_GROUP_PARTNERS "Partners and listeners"
#define CLI_GROUP_WRITE "Announce"
#define CLI_GROUP_READ "Read"
#define CLI_GROUP_CARE "Look after the node"

/* All commands in the order of the overview; ended by NULL. */
extern const struct cli_command *const cli_commands[];

/* The whole client: reads the common options, finds the command. run_node is `caravan run`, handed
 * in by main so that the client does not know the node; its command is cmd_run (for cli_options).
 */
int cli_main(int argc, char **argv, int (*run_node)(struct cli *cli, int argc, char **argv));
extern const struct cli_command cmd_run;

/* Prints "caravan: sentence" on standard error (and in JSON mode {"error": {"code", "text"}} on
 * standard output, too) and returns the exit code. */
int cli_fail(const struct cli *cli, const struct error *error);

/* The home folder; NULL and ERROR_USAGE when neither --home nor CARAVAN_HOME says which. */
const char *cli_home(const struct cli *cli, struct error *error);

/* Options of one command; an array of them ends with a row without a name. */
struct cli_option {
    const char *name;  /* "--wait" */
    const char *value; /* "SECONDS"; NULL: takes none */
    const char *help;
    const char **text; /* where the value goes, or */
    bool *flag;        /* set to true, or */
    const char **list; /* repeated values: NULL-ended array with list_size places */
    int list_size;
};
/* Takes options out of argv (also "--name=value", and "--" ends them); what is left stands in
 * argv[0 … *rest-1]. --help prints usage, options and help, and returns -1: exit with 0. An unknown
 * option names the nearest known one. --json and --home may stand behind the command, too, which is
 * why cli is changed. Returns 0, -1 or ERROR_USAGE. options may be NULL: none of its own. */
int cli_options(struct cli *cli, const struct cli_command *command,
                const struct cli_option *options, int argc, char **argv, int *rest,
                struct error *error);

/* Commands that begin with a verb ("partner add"): ERROR_NONE when argv[0] is one of the words,
 * else ERROR_USAGE with what they are. */
int cli_verb(const struct cli_command *command, const char *const *verbs, int argc, char **argv,
             struct error *error);

/* The word of a NULL-ended list that is nearest to what was typed, for "did you mean"; NULL when
 * none is near. */
const char *cli_nearest(const char *typed, const char *const *words);

/* --- printing -------------------------------------------------------------------------------- */

enum cli_style { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GOOD, CLI_WARN, CLI_BAD };
/* The escape sequence for standard output, or "" without colour. CLI_PLAIN ends every style. */
const char *cli_style(const struct cli *cli, enum cli_style style);
/* One of twelve colours, the same for the same text: to tell institutions apart. "" without colour.
 */
const char *cli_colour_of(const struct cli *cli, const char *text);

/* Text that others wrote: control characters are shown as \x1b and the like, so that it cannot
 * command the terminal; a line feed passes when lines is true. NULL prints nothing. */
void cli_print_text(FILE *out, const char *text, bool lines);
/* A JSON string with its quotes; NULL prints null. */
void cli_print_json(FILE *out, const char *text);
/* "2026-11-23 10:04 UTC". */
void cli_print_time(FILE *out, unsigned long long unix_ms);

#endif
