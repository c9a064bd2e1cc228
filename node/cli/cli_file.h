/* cli_file: files of any size, read without copying and written whole. Threads: the client has one.
 */
#ifndef CLI_CLI_FILE_H
#define CLI_CLI_FILE_H

#include "common/bytes.h"
#include "common/error.h"

/* A file in memory, as long as it is open. Zeroed is closed. */
struct cli_file {
    struct span bytes;
    void *map;
    struct buffer text; /* of standard input */
};
/* path "-": standard input, at most 64 MiB. */
int cli_file_open(const char *path, struct cli_file *file, struct error *error);
void cli_file_close(struct cli_file *file);

/* A new file that appears under its name only when it is complete. */
struct cli_output {
    int descriptor;
    bool to_stdout;
    char path[1024], temporary[1040];
};
/* path "-": standard output. ERROR_EXISTS when there is such a file. */
int cli_output_open(const char *path, struct cli_output *output, struct error *error);
int cli_output_write(struct cli_output *output, struct span bytes, struct error *error);
/* Syncs it to disk and gives it its name. */
int cli_output_finish(struct cli_output *output, struct error *error);
/* Removes what was written; nothing after cli_output_finish. */
void cli_output_abandon(struct cli_output *output);

#endif
