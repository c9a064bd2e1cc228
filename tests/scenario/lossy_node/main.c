/* lossy_node HOME PERCENT SEED: `caravan run` whose live messages are lost at random on their way
 * in. Everything else is the real node: real sockets, real ledger. At its end it says on standard
 * output how many it lost, "lost N of M". */
#include <stdio.h>
#include <stdlib.h>

#include "common/error.h"
#include "node/net/plants.h"
#include "node/node.h"

struct losing {
    unsigned percent, seed;
    unsigned long lost, all;
};

static bool lose(void *self)
{
    struct losing *losing = self;

    losing->all++;
    if ((unsigned)rand_r(&losing->seed) % 100 >= losing->percent)
        return false;
    losing->lost++;
    return true;
}

int main(int argc, char **argv)
{
    struct losing losing = {0};
    struct net_plants plants = {.drop_live = lose, .drop_self = &losing};
    struct node_options options = {.plants = &plants};
    struct error error = {0};
    int code;

    if (argc != 4)
        return 64;
    options.home = argv[1];
    losing.percent = (unsigned)atoi(argv[2]);
    losing.seed = (unsigned)atoi(argv[3]);
    code = node_run(&options, &error);
    if (code)
        fprintf(stderr, "%s\n", error.text);
    printf("lost %lu of %lu\n", losing.lost, losing.all);
    return code != 0;
}
