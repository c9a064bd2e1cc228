/* caravan: one binary. `caravan run` is the node, every other subcommand is the client. */
#include "node/cli/cli.h"
#include "node/node.h"

/* The only place that knows both the client and the node. */
static int run_node(struct cli *cli, int argc, char **argv)
{
    struct node_options node = {0};
    const struct cli_option options[] = {
        {.name = "--check-config",
         .help = "only check the configuration and say all that is wrong with it",
         .flag = &node.check_config},
        {.name = "--alone",
         .help = "publish without waiting for a partner's answer after a restore or a copy",
         .flag = &node.alone},
        {0}};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_run, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (code == ERROR_NONE && rest > 0)
        code = error_set(&error, ERROR_USAGE, "run takes no argument, found \"%s\"", argv[0]);
    if (code == ERROR_NONE && !(node.home = cli_home(cli, &error)))
        code = (int)error.code;
    if (code == ERROR_NONE)
        node.json = cli->json;
    if (code == ERROR_NONE)
        code = node_run(&node, &error);
    return code == ERROR_NONE ? 0 : cli_fail(cli, &error);
}

int main(int argc, char **argv)
{
    return cli_main(argc, argv, run_node);
}
