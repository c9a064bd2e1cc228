/* cli_commands: the list of commands, in the order of the overview. A new command is one line here
 * and one `const struct cli_command cmd_NAME` in its group's file. */
#ifndef CLI_CLI_COMMANDS_H
#define CLI_CLI_COMMANDS_H

#include "node/cli/cli.h"

/* clang-format off */
#define CLI_COMMANDS(X) \
    X(init) \
    X(run) \
    X(card) \
    X(partner) \
    X(listener) \
    X(new) \
    X(check) \
    X(publish) \
    X(revise) \
    X(withdraw) \
    X(confirm) \
    X(propose) \
    X(accept) \
    X(refuse) \
    X(outcome) \
    X(respond) \
    X(share) \
    X(link) \
    X(list) \
    X(show) \
    X(history) \
    X(follow) \
    X(inbox) \
    X(status) \
    X(verify) \
    X(export) \
    X(import) \
    X(backup) \
    X(restore) \
    X(key) \
    X(doctor) \
    X(bench)
/* clang-format on */

#define CLI_DECLARE(name) extern const struct cli_command cmd_##name;
CLI_COMMANDS(CLI_DECLARE)
#undef CLI_DECLARE

#endif
