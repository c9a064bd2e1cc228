#include "node/cli/cli_commands.h"

#include <stddef.h>

const struct cli_command cmd_run = {
    .name = "run",
    .group = CLI_GROUP_SETUP,
    .usage = "run [--check-config] [--alone]",
    .summary = "run the node in the foreground until it is told to stop",
    .help =
        "Runs the node of this home: it publishes, follows its partners and keeps everything in\n"
        "the ledger. Log lines go to standard error. Ctrl-C or SIGTERM stops it cleanly; killing\n"
        "it in any other way loses nothing that was acknowledged.\n"
        "\n"
        "Example: caravan --home /var/lib/caravan run\n"
        "Example: caravan --home /var/lib/caravan run --check-config",
    .run = NULL,
};

#define CLI_ROW(name) &cmd_##name,
const struct cli_command *const cli_commands[] = {CLI_COMMANDS(CLI_ROW) NULL};
#undef CLI_ROW
