/* caravan: one binary. `caravan run` is the node, every other subcommand is the client. */
#include "node/cli/cli.h"
#include "node/node.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv, node_run);
}
