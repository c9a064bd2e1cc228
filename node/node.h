/* node: the composition root of `caravan run`: builds every part in order, one way down, and takes
 * them apart again. */
#ifndef NODE_NODE_H
#define NODE_NODE_H

struct cli;

/* Runs the node of the home folder until SIGINT or SIGTERM; argv: what stands behind `run`. Returns
 * the exit code. */
int node_run(struct cli *cli, int argc, char **argv);

#endif
