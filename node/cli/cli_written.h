/* cli_written: an announcement as the file that somebody could have written: caravan revise and
 * caravan publish take it unchanged, and it then says the same, byte for byte, to the same readers.
 * A valid_until that would be filled in just so is left out: whoever moves a deadline in the file
 * moves it, too.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_WRITTEN_H
#define CLI_CLI_WRITTEN_H

#include "common/bytes.h"
#include "node/cli/cli_find.h"

/* Appends the file, as of this day (UTC). ERROR_INVALID when no file could hold it: parts that a
 * newer version has written, or a sealed one of which is not known who may read it. ERROR_MEMORY.
 */
int cli_written(const struct cli *cli, const struct cli_found *found, struct buffer *out,
                struct error *error);

#endif
