#include "node/node.h"

#include "common/error.h"

int node_run(const struct node_options *options, struct error *error)
{
    (void)options;
    return error_set(error, ERROR_INTERNAL, "this build has no node");
}
