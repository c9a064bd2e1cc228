/* caravan: one binary. `caravan run` is the node, every other subcommand is the client. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        puts(CARAVAN_VERSION);
    return 0;
}
