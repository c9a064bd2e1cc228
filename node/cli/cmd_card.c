/* card: prints the own card, which introduces this institution to others. */
#include <time.h>

#include "common/card.h"
#include "node/cli/cli_commands.h"
#include "node/config/config.h"
#include "node/config/own.h"

static uint64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* From the files of the home alone: works without a running node. */
static int make_card(const char *home, struct config *config, struct own *own,
                     struct buffer *armour, struct error *error)
{
    Caravan__Profile profile;
    Caravan__Endpoints endpoints;
    int code = secret_start(error);

    if (!code)
        code = config_load(home, config, NULL, error);
    if (!code)
        code = own_load(home, config->message->network, own, error);
    if (code)
        return code;
    config_profile(config, &profile);
    config_endpoints(config, &endpoints);
    return card_write(&own->chain, &profile, &endpoints, wall_ms(), own->node, armour, error);
}

static void print_json(const struct config *config, const struct own *own, struct buffer *armour)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], hex[2 * BYTES_ID_SIZE + 1];

    identity_fingerprint(&own->chain.feed, fingerprint);
    bytes_to_hex(own->chain.feed.bytes, BYTES_ID_SIZE, hex);
    printf("{\"handle\": ");
    cli_print_json(stdout, config->message->institution->handle);
    printf(", \"network\": ");
    cli_print_json(stdout, config->message->network);
    printf(", \"feed\": \"%s\", \"fingerprint\": \"%s\", \"card\": ", hex, fingerprint);
    cli_print_json(stdout, buffer_text(armour));
    puts("}");
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct error error = {0};
    struct config config = {0};
    struct own own = {0};
    struct buffer armour = {0};
    const char *home;
    int rest = 0;
    int code = cli_options(cli, &cmd_card, NULL, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest > 0)
        code = error_set(&error, ERROR_USAGE,
                         "card takes no argument; to look at another's card: caravan verify %s",
                         argv[0]);
    home = code ? NULL : cli_home(cli, &error);
    if (!home)
        return cli_fail(cli, &error);
    code = make_card(home, &config, &own, &armour, &error);
    if (code)
        code = cli_fail(cli, &error);
    else if (cli->json)
        print_json(&config, &own, &armour);
    else
        fputs(buffer_text(&armour), stdout);
    config_finish(&config);
    own_finish(&own);
    buffer_finish(&armour);
    return code;
}

const struct cli_command cmd_card = {
    .name = "card",
    .group = CLI_GROUP_PARTNERS,
    .usage = "card > FILE",
    .summary = "print the own card, for sending to partners",
    .help =
        "The card says who the institution is, how its node is reached and which keys are its\n"
        "own. It is text that survives e-mail, and holds no secret. Whoever accepts it compares\n"
        "the fingerprint over another way, best by telephone.\n"
        "\n"
        "Example: caravan --home ~/caravan card > th-nstda.card",
    .run = run,
};
