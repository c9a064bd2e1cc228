/* cli_change: what has changed (common/difference.h) on a terminal: what was removed behind "-",
 * what stands there now behind "+"; of long texts the changed words with a little around them.
 *
 *     deadline
 *       - 2026-05-15 16:00 Asia/Bangkok
 *       + 2026-06-15 16:00 Asia/Bangkok
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_CHANGE_H
#define CLI_CLI_CHANGE_H

#include "common/difference.h"
#include "node/cli/cli.h"

/* Prints all changes, each line behind so many spaces. false when memory runs out. */
bool cli_change_print(const struct cli *cli, FILE *out, const struct difference_list *list,
                      int indent);

/* One text with what was there before and what is there now, in lines that begin with "- " and "+
 * ", appended without colours. Texts that are short are said whole. false when memory runs out. */
bool cli_change_lines(const char *before, const char *after, struct buffer *out);

#endif
