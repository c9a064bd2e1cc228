/* partner: accepts, lists and removes the cards of other institutions. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cli/cli_card.h"
#include "node/cli/cli_commands.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/own.h"

struct partner {
    struct cli *cli;
    const char *home;
    struct config config;
    struct identity_chain own; /* our own certificates */
};

static int partner_init(struct cli *cli, struct partner *partner, struct error *error)
{
    int code = secret_start(error);

    partner->cli = cli;
    partner->home = code ? NULL : cli_home(cli, error);
    if (!partner->home)
        return code ? code : ERROR_USAGE;
    code = config_load(partner->home, &partner->config, NULL, error);
    if (!code)
        code =
            own_load_chain(partner->home, partner->config.message->network, &partner->own, error);
    return code;
}

static void partner_finish(struct partner *partner)
{
    config_finish(&partner->config);
    identity_chain_finish(&partner->own);
}

static int card_path(const struct partner *partner, const char *handle, char path[HOME_PATH_SIZE],
                     struct error *error)
{
    return home_path_in(partner->home, HOME_PARTNERS, handle, HOME_CARD_SUFFIX, path, error);
}

/* --- add -------------------------------------------------------------------------------------- */

static int two_feeds(const struct partner *partner, const char *handle, const struct id *known,
                     const struct id *offered, const char *whose, struct error *error)
{
    char first[IDENTITY_FINGERPRINT_SIZE], second[IDENTITY_FINGERPRINT_SIZE];

    identity_fingerprint(known, first);
    identity_fingerprint(offered, second);
    return error_set(error, ERROR_EXISTS,
                     "the handle %s is taken by %s, and the card is another institution's:\n"
                     "  known:    %s\n  the card: %s\n"
                     "Ask the institution which fingerprint is its own; one of the two must take "
                     "another handle, or remove the known one first: caravan --home %s partner "
                     "remove %s",
                     handle, whose, first, second, partner->home, handle);
}

/* Signed by a recovery key that the other one does not know of: it outranks all that the root key
 * has signed. */
static bool outranks(const struct card *offered, const struct card *known)
{
    return identity_chain_recoveries(&offered->chain, offered->chain.count) >
           identity_chain_recoveries(&known->chain, known->chain.count);
}

/* Both chains must say the same as far as both go. */
static int check_same_chain(const struct card *known, const struct card *offered,
                            struct error *error)
{
    size_t count =
        known->chain.count < offered->chain.count ? known->chain.count : offered->chain.count;

    for (size_t i = 0; i < count; i++)
        if (!id_equal(&known->chain.certificates[i].hash, &offered->chain.certificates[i].hash))
            return error_set(error, ERROR_FORK,
                             "certificate %zu of %s on the card is not the one that is known; "
                             "somebody else may have its root key: ask the institution before "
                             "anything else",
                             i + 1, offered->profile->handle);
    return ERROR_NONE;
}

static int check_against_known(const struct partner *partner, const struct card *known,
                               const struct card *offered, bool *same, struct error *error)
{
    *same = false;
    if (!id_equal(&known->chain.feed, &offered->chain.feed))
        return strcmp(known->profile->handle, offered->profile->handle) == 0
                   ? two_feeds(partner, offered->profile->handle, &known->chain.feed,
                               &offered->chain.feed, "a partner", error)
                   : ERROR_NONE;
    *same = span_equal(buffer_span(&known->encoded), buffer_span(&offered->encoded));
    if (*same || outranks(offered, known))
        return ERROR_NONE;
    if (offered->created_ms < known->created_ms || offered->chain.count < known->chain.count)
        return error_set(error, ERROR_EXISTS,
                         "this card of %s is older than the one that is known; ask the institution "
                         "for its newest card (on its side: caravan card)",
                         offered->profile->handle);
    return check_same_chain(known, offered, error);
}

/* false: a card of another institution, with another handle; or none, which must not keep others
 * from being added: list shows it. Of a thousand cards nearly all are others', so only the rest is
 * read with all its signatures. */
static bool concerns(const char *path, const struct card *offered)
{
    char handle[LIMIT_HANDLE_SIZE + 1];
    struct buffer text = {0};
    struct id feed;
    bool found =
        home_read(path, CLI_CARD_FILE_LIMIT, &text, NULL) == ERROR_NONE &&
        card_peek(buffer_span(&text), &feed, handle, NULL) == ERROR_NONE &&
        (id_equal(&feed, &offered->chain.feed) || strcmp(handle, offered->profile->handle) == 0);

    buffer_finish(&text);
    return found;
}

/* Looks at all known cards. *same: this very card is known. replaced: file name under which the
 * same institution is known so far, or "". */
static int check_offered(const struct partner *partner, const struct card *offered, bool *same,
                         char replaced[HOME_PATH_SIZE], struct error *error)
{
    char folder[HOME_PATH_SIZE], path[HOME_PATH_SIZE];
    struct home_names names = {0};
    int code = home_path(partner->home, HOME_PARTNERS, folder, error);

    *same = false;
    *replaced = '\0';
    if (!code)
        code = home_list(folder, HOME_CARD_SUFFIX, &names, error);
    for (size_t i = 0; !code && i < names.count; i++) {
        struct card known = {0};
        bool equal = false;

        code = card_path(partner, names.names[i], path, error);
        if (code || !concerns(path, offered) || cli_card_read(path, NULL, &known, NULL))
            continue;
        code = check_against_known(partner, &known, offered, &equal, error);
        *same = *same || equal;
        if (!code && id_equal(&known.chain.feed, &offered->chain.feed))
            snprintf(replaced, HOME_PATH_SIZE, "%s", names.names[i]);
        card_finish(&known);
    }
    home_names_finish(&names);
    return code;
}

static int check_not_own(const struct partner *partner, const struct card *offered,
                         struct error *error)
{
    const char *own_handle = partner->config.message->institution->handle;

    if (id_equal(&partner->own.feed, &offered->chain.feed))
        return error_set(error, ERROR_INVALID,
                         "this is our own card; send it to the partner, and add the card that the "
                         "partner sends");
    if (strcmp(own_handle, offered->profile->handle) == 0)
        return two_feeds(partner, own_handle, &partner->own.feed, &offered->chain.feed,
                         "this node itself", error);
    return ERROR_NONE;
}

/* true when the person says yes. */
static bool confirm(const struct card *card)
{
    char answer[16];

    fprintf(stderr,
            "\nCompare the fingerprint with %s over the telephone, never by the e-mail "
            "that brought the card.\nIs it the same? [yes/no] ",
            card->profile->handle);
    fflush(stderr);
    if (!fgets(answer, sizeof answer, stdin))
        return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0;
}

static int get_consent(const struct partner *partner, const struct card *card, bool yes,
                       const char *file, struct error *error)
{
    if (!partner->cli->json) {
        cli_card_print(partner->cli, card);
        fflush(stdout);
    }
    if (yes)
        return ERROR_NONE;
    if (strcmp(file, "-") == 0 || isatty(STDIN_FILENO) != 1)
        return error_set(error, ERROR_USAGE,
                         "nobody is here to compare the fingerprint; when it was compared over the "
                         "telephone, say: caravan --home %s partner add %s --yes",
                         partner->home, file);
    return confirm(card) ? ERROR_NONE : error_set(error, ERROR_DENIED, "the card was not added");
}

static int save_card(const struct partner *partner, const struct card *card, const char *replaced,
                     struct error *error)
{
    const char *handle = card->profile->handle;
    char folder[HOME_PATH_SIZE], path[HOME_PATH_SIZE];
    struct buffer armour = {0};
    int code = home_path(partner->home, HOME_PARTNERS, folder, error);

    if (!code)
        code = home_make_folder(folder, 0700, error);
    if (!code)
        code = card_path(partner, handle, path, error);
    if (!code && !card_armour(card, &armour))
        code = error_memory(error);
    if (!code)
        code = home_write(path, 0600, buffer_span(&armour), error);
    /* The institution has taken another handle: its old file goes last. */
    if (!code && *replaced && strcmp(replaced, handle) != 0) {
        code = card_path(partner, replaced, path, error);
        if (!code)
            code = home_remove(path, error);
    }
    buffer_finish(&armour);
    return code;
}

static void print_added(const struct partner *partner, const struct card *card, bool same,
                        const char *replaced)
{
    const char *handle = card->profile->handle;

    if (partner->cli->json) {
        printf("{\"partner\": ");
        cli_card_print_json(card);
        printf(", \"changed\": %s}\n", same ? "false" : "true");
        return;
    }
    if (same)
        printf("%s is a partner already; nothing changed.\n", handle);
    else if (*replaced)
        printf("The card of %s was replaced by the newer one.\n", handle);
    else
        printf("%s is a partner now; a running node notices within a second.\n"
               "The partner has to add your card, too: caravan --home %s card\n",
               handle, partner->home);
}

static int add(struct partner *partner, int argc, char **argv, bool yes, struct error *error)
{
    struct card card = {0};
    char replaced[HOME_PATH_SIZE];
    bool same = false;
    int code;

    if (argc != 1)
        return error_set(error, ERROR_USAGE, "say which card: caravan partner add FILE");
    code = cli_card_read(argv[0], partner->config.message->network, &card, error);
    if (!code)
        code = check_not_own(partner, &card, error);
    if (!code)
        code = check_offered(partner, &card, &same, replaced, error);
    if (!code && !same)
        code = get_consent(partner, &card, yes, argv[0], error);
    if (!code && !same)
        code = save_card(partner, &card, replaced, error);
    if (!code)
        print_added(partner, &card, same, replaced);
    card_finish(&card);
    return code;
}

/* --- list and remove -------------------------------------------------------------------------- */

static void list_one(const struct partner *partner, const char *name, bool first, int *worst)
{
    char path[HOME_PATH_SIZE];
    struct card card = {0};
    struct error error = {0};
    int code = card_path(partner, name, path, &error);

    if (!code)
        code = cli_card_read(path, partner->config.message->network, &card, &error);
    if (code) {
        fprintf(stderr, "%s: ", partner->cli->program);
        cli_print_text(stderr, error.text, false);
        fputs("; remove it, or add it anew\n", stderr);
        *worst = error_exit_code(error.code);
    } else if (partner->cli->json) {
        fputs(first ? "" : ",\n ", stdout);
        cli_card_print_json(&card);
    } else {
        fputs(first ? "" : "\n", stdout);
        cli_card_print(partner->cli, &card);
    }
    card_finish(&card);
}

static int list(struct partner *partner, int argc, char **argv, int *worst, struct error *error)
{
    char folder[HOME_PATH_SIZE];
    struct home_names names = {0};
    int code = home_path(partner->home, HOME_PARTNERS, folder, error);

    (void)argv;
    if (argc > 0)
        return error_set(error, ERROR_USAGE, "partner list takes no argument");
    if (!code)
        code = home_list(folder, HOME_CARD_SUFFIX, &names, error);
    if (code)
        return code;
    fputs(partner->cli->json ? "[" : "", stdout);
    for (size_t i = 0; i < names.count; i++)
        list_one(partner, names.names[i], i == 0, worst);
    if (partner->cli->json)
        puts("]");
    else if (names.count == 0)
        printf("No partners yet. Add one: caravan --home %s partner add FILE\n", partner->home);
    home_names_finish(&names);
    return ERROR_NONE;
}

static int remove_partner(struct partner *partner, int argc, char **argv, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code;

    if (argc != 1)
        return error_set(error, ERROR_USAGE, "say whom: caravan partner remove HANDLE");
    code = card_path(partner, argv[0], path, error);
    if (!code)
        code = home_remove(path, error);
    if (code == ERROR_NOT_FOUND)
        return error_set(error, ERROR_NOT_FOUND,
                         "there is no partner \"%s\"; caravan --home %s partner list names them",
                         argv[0], partner->home);
    if (code)
        return code;
    if (partner->cli->json) {
        printf("{\"removed\": ");
        cli_print_json(stdout, argv[0]);
        puts("}");
    } else {
        printf("%s is no partner any more; a running node cuts it off within five seconds. What "
               "it\nhas published before stays in the ledger.\n",
               argv[0]);
    }
    return ERROR_NONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    bool yes = false;
    const struct cli_option options[] = {
        {.name = "--yes", .help = "add: the fingerprint was compared, do not ask", .flag = &yes},
        {.name = NULL},
    };
    static const char *const verbs[] = {"add", "list", "remove", NULL};
    struct partner partner = {0};
    struct error error = {0};
    int rest = 0, worst = 0;
    int code = cli_options(cli, &cmd_partner, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code)
        code = cli_verb(&cmd_partner, verbs, rest, argv, &error);
    if (!code)
        code = partner_init(cli, &partner, &error);
    if (!code && strcmp(argv[0], "add") == 0)
        code = add(&partner, rest - 1, argv + 1, yes, &error);
    else if (!code && strcmp(argv[0], "list") == 0)
        code = list(&partner, rest - 1, argv + 1, &worst, &error);
    else if (!code)
        code = remove_partner(&partner, rest - 1, argv + 1, &error);
    partner_finish(&partner);
    return code ? cli_fail(cli, &error) : worst;
}

const struct cli_command cmd_partner = {
    .name = "partner",
    .group = CLI_GROUP_PARTNERS,
    .usage = "partner add FILE [--yes]\npartner list\npartner remove HANDLE",
    .summary = "accept, list and remove the cards of other institutions",
    .help = "add reads a card (FILE, or - for standard input), shows who it is from and asks\n"
            "whether the fingerprint was compared. A card of another network, an older card than\n"
            "the one known, and a second institution with the same handle are refused. list shows\n"
            "all accepted cards. remove ends the exchange with a partner.\n"
            "\n"
            "A running node notices within a second; nothing has to be restarted.\n"
            "\n"
            "Example: caravan --home ~/caravan partner add cn-most.card\n"
            "Example: caravan --home ~/caravan partner remove cn-most",
    .run = run,
};
