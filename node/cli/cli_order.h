/* cli_order: arguments that stand in the wrong order, told as such. Threads: the client has one. */
#ifndef CLI_CLI_ORDER_H
#define CLI_CLI_ORDER_H

#include "node/cli/cli.h"

/* Is it written like the name of an entry, th-nstda/42? */
bool cli_order_is_name(const char *text);

/* ERROR_USAGE when not the first but the second argument is written like a name: both were swapped.
 * For commands whose usage is NAME SOMETHING. */
int cli_order_check(const struct cli_command *command, char *const argv[2], struct error *error);

#endif
