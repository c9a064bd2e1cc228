#include "node/cli/cli_card.h"

#include <string.h>
#include <unistd.h>

#include "node/config/home.h"

#define CARD_MARK "BEGIN CARAVAN CARD"

static void say_networks(struct span text, const char *network, struct error *error)
{
    struct card card = {0};

    if (card_read(text, NULL, &card, NULL) == ERROR_NONE)
        error_set(
            error, ERROR_WRONG_NETWORK,
            "this card is for the network \"%s\", and our node is in \"%s\"; ask for the card "
            "of their node in \"%s\"",
            card.chain.network, network, network);
    card_finish(&card);
}

int cli_card_read(const char *path, const char *network, struct card *card, struct error *error)
{
    struct buffer text = {0};
    int code = strcmp(path, "-") == 0 ? home_read_stream(STDIN_FILENO, "standard input",
                                                         CLI_CARD_FILE_LIMIT, &text, error)
                                      : home_read(path, CLI_CARD_FILE_LIMIT, &text, error);

    if (!code) {
        code = card_read(buffer_span(&text), network, card, error);
        if (code == ERROR_WRONG_NETWORK)
            say_networks(buffer_span(&text), network, error);
        else if (code && !memmem(buffer_text(&text), text.size, CARD_MARK, strlen(CARD_MARK)))
            error_set(error, (enum error_code)code,
                      "this is no card: a card is text with a line -----" CARD_MARK
                      "-----; ask for the file that their \"caravan card\" prints");
        if (code)
            error_prefix(error, "%s", path);
    }
    buffer_finish(&text);
    return code;
}

static void print_endpoints(const char *label, char *const *endpoints, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf("  %-12s ", label);
        cli_print_text(stdout, endpoints[i], false);
        putchar('\n');
    }
}

void cli_card_print(const struct cli *cli, const struct card *card)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];

    identity_fingerprint(&card->chain.feed, fingerprint);
    printf("  %-12s %s%s%s\n", "Handle", cli_style(cli, CLI_BOLD), card->profile->handle,
           cli_style(cli, CLI_PLAIN));
    for (size_t i = 0; i < card->profile->n_name; i++) {
        printf("  %-12s ", i == 0 ? "Name" : "");
        cli_print_text(stdout, card->profile->name[i]->text, false);
        putchar('\n');
    }
    printf("  %-12s %s\n  %-12s %s\n", "Country", card->profile->country, "Network",
           card->chain.network);
    print_endpoints("Live", card->endpoints->live, card->endpoints->n_live);
    print_endpoints("Sync", card->endpoints->sync, card->endpoints->n_sync);
    if (card->endpoints->n_live == 0 && card->endpoints->n_sync == 0)
        puts("  Endpoints    none: it connects outwards");
    printf("  %-12s ", "Made");
    cli_print_time(stdout, card->created_ms);
    printf("\n  %-12s %s%s%s\n", "Fingerprint", cli_style(cli, CLI_BOLD), fingerprint,
           cli_style(cli, CLI_PLAIN));
}

static void print_json_list(const char *key, char *const *texts, size_t count)
{
    printf(", \"%s\": [", key);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", stdout);
        cli_print_json(stdout, texts[i]);
    }
    putchar(']');
}

void cli_card_print_json(const struct card *card)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], hex[2 * BYTES_ID_SIZE + 1];

    identity_fingerprint(&card->chain.feed, fingerprint);
    bytes_to_hex(card->chain.feed.bytes, BYTES_ID_SIZE, hex);
    printf("{\"handle\": ");
    cli_print_json(stdout, card->profile->handle);
    printf(", \"name\": ");
    cli_print_json(stdout, card->profile->n_name ? card->profile->name[0]->text : NULL);
    printf(", \"country\": ");
    cli_print_json(stdout, card->profile->country);
    printf(", \"network\": ");
    cli_print_json(stdout, card->chain.network);
    printf(", \"feed\": \"%s\", \"fingerprint\": \"%s\", \"certificates\": %zu", hex, fingerprint,
           card->chain.count);
    print_json_list("live", card->endpoints->live, card->endpoints->n_live);
    print_json_list("sync", card->endpoints->sync, card->endpoints->n_sync);
    printf(", \"created_ms\": \"%llu\"}", (unsigned long long)card->created_ms);
}
