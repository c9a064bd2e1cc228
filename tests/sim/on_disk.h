/* on_disk: nothing that a node says may be ahead of what it has committed; a kill could take it
 * back. Looked at whenever a message leaves a node of the simulation. */
#ifndef TESTS_SIM_ON_DISK_H
#define TESTS_SIM_ON_DISK_H

#include "node/core/ports.h"

/* Fails the test when a message states more than the reader, who sees only what is committed,
 * finds: receipts and heads that the node makes, its own feed's head and entries. topic: of a live
 * message, else NULL. */
void on_disk_check(const struct store *reader, const struct id *own, const char *topic,
                   struct span message);

#endif
