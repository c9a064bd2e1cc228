/* cli_names: the institutions that a home knows, by handle: its own, and those whose cards it has
 * accepted. Read from files, so it works while no node runs. Threads: the client has one. */
#ifndef CLI_CLI_NAMES_H
#define CLI_CLI_NAMES_H

#include "common/codec.h"
#include "node/cli/cli.h"

struct cli_names;

/* Reads the names of the home; without a home, or where cards cannot be read, fewer are known,
 * which is no error here. ERROR_MEMORY only. */
int cli_names_create(const struct cli *cli, struct cli_names **out, struct error *error);
void cli_names_destroy(struct cli_names *names); /* NULL is fine */

/* For the codec; borrowed. */
const struct codec_names *cli_names_codec(const struct cli_names *names);
/* The same for what is no announcement: there `audience` is no key, and is refused. */
struct codec_names cli_names_plain(const struct cli_names *names);

/* Appends a message as YAML, as people write it: with the handles of institutions that the home
 * knows. language: of its texts, where it does not say that itself; may be NULL. ERROR_MEMORY only.
 */
int cli_names_write(const struct cli *cli, const ProtobufCMessage *message, const char *language,
                    struct buffer *yaml, struct error *error);

#endif
