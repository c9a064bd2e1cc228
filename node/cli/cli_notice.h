/* cli_notice: an announcement that somebody has written in a file, checked and ready to be
 * published.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_NOTICE_H
#define CLI_CLI_NOTICE_H

#include "common/bytes.h"
#include "node/cli/cli_audience.h"
#include "node/cli/cli_names.h"

/* Zeroed is empty. */
struct cli_notice {
    const char *path; /* borrowed from the caller */
    /* The Announcement: as the file says it, and with what is filled in before publishing. */
    struct buffer written, content;
    struct cli_audience audience; /* in the arena of the call */
};

/* Prints all that is wrong with the file on standard error; ERROR_INVALID when it cannot be
 * published. to: the audience of the command line, which is it for all files: texts as of
 * cli_audience_add_text, ended by NULL; NULL or none: the file says it. ERROR_USAGE when the file
 * says another one than the command line. Others as cli_file_open and cli_audience_add_text. */
int cli_notice_read(const struct cli *cli, const struct cli_names *names, const char *path,
                    const char *const *to, struct arena *arena, struct cli_notice *notice,
                    struct error *error);
void cli_notice_finish(struct cli_notice *notice);

#endif
