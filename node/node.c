#include "node/node.h"

#include "node/cli/cli.h"

int node_run(struct cli *cli, int argc, char **argv)
{
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_run, NULL, argc, argv, &rest, &error);

    if (code == ERROR_NONE)
        error_set(&error, ERROR_INTERNAL, "this build has no node");
    return code < 0 ? 0 : cli_fail(cli, &error);
}
