/* node: the composition root of `caravan run`: builds every part in order, one way down, and takes
 * them apart again. It knows nothing of the client: main hands it what the command line said. */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <stdbool.h>

struct error;
struct net_plants;

struct node_options {
    const char *home;  /* the home folder */
    bool check_config; /* only look at the configuration, list all its problems, and return */
    bool json;         /* … as JSON: all is in the error, and nothing is printed beside it */
    bool alone;        /* a restored or copied ledger does not wait for a partner's answer */
    const struct net_plants *plants; /* faults for tests (node/net/plants.h); NULL in a real node */
};

/* Runs the node until SIGINT or SIGTERM. Returns 0, or the code of what is wrong. */
int node_run(const struct node_options *options, struct error *error);

#endif
