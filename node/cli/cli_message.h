/* cli_message: messages that people write in files, where institutions may be named by handle; and
 * what is wrong with such a file. Threads: the client has one. */
#ifndef CLI_CLI_MESSAGE_H
#define CLI_CLI_MESSAGE_H

#include "common/codec.h"
#include "node/cli/cli.h"

/* Prints all of them on standard error, each with file and line. */
void cli_message_print_problems(const struct problem_list *problems, const char *path);

/* Reads a file (path "-": standard input) as a message of this type, and prints what is wrong with
 * it. language: of plain texts where the file does not say it; may be NULL. expected: what the file
 * should hold, for the sentence of the error; may be NULL. *message lives in the arena.
 * ERROR_INVALID when the file has errors; others as cli_file_open. */
int cli_message_read(const struct cli *cli, const char *path,
                     const ProtobufCMessageDescriptor *type, const char *language,
                     const char *expected, struct arena *arena, ProtobufCMessage **message,
                     struct error *error);

#endif
