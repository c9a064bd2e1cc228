/* cli_card: reads cards from files and shows them. Threads: the client has one. */
#ifndef CLI_CLI_CARD_H
#define CLI_CLI_CARD_H

#include "common/card.h"
#include "node/cli/cli.h"

/* A card with what mail programs put around it. */
#define CLI_CARD_FILE_LIMIT (4 * LIMIT_CARD_SIZE)

/* Reads and checks a card; path "-": standard input. network NULL: any. The caller finishes *card.
 */
int cli_card_read(const char *path, const char *network, struct card *card, struct error *error);

/* All that a card says, line by line, and the fingerprint. */
void cli_card_print(const struct cli *cli, const struct card *card);
/* The same as one JSON object, without a line end. */
void cli_card_print_json(const struct card *card);

#endif
