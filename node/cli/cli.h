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

struct cli_command {
    const char *name;    /* "publish" */
    const char *group;   /* heading in the overview */
    const char *usage;   /* "publish FILE… [--wait]" */
    const char *summary; /* one line */
    const char *help;    /* paragraphs and at least one example */
    int (*run)(struct cli *cli, int argc, char **argv);
};

/* All commands but run, in the order of the overview; ended by a row without a name. */
extern const struct cli_command cli_commands[];

/* The whole client: reads the common options, finds the command. run_node is `caravan run`, handed
 * in by main so that the client does not know the node. */
int cli_main(int argc, char **argv, int (*run_node)(struct cli *cli, int argc, char **argv));

/* Prints "caravan: sentence" (and in JSON mode {"error": …}) and returns the exit code. */
int cli_fail(const struct cli *cli, const struct error *error);

/* Options of one command. */
struct cli_option {
    const char *name;  /* "--wait" */
    const char *value; /* "SECONDS"; NULL: takes none */
    const char *help;
    const char **text; /* where the value goes, or */
    bool *flag;        /* set to true */
    const char **list; /* repeated values: NULL-ended array with list_size places */
    int list_size;
};
/* Takes options out of argv (also "--name=value", and "--" ends them); what is left stands in
 * argv[0 … *rest-1]. --help prints usage, options and help, and returns -1: exit with 0. An unknown
 * option names the nearest known one. */
int cli_options(const struct cli *cli, const struct cli_command *command,
                const struct cli_option *options, int argc, char **argv, int *rest,
                struct error *error);

#endif
