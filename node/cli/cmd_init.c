/* init: makes the home of a new institution. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/card.h"
#include "node/cli/cli_commands.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/home_new.h"

#define TYPES_MAX 9
#define ANSWER_SIZE 512

struct init {
    const char *handle, *name, *country, *network, *lang;
    const char *listen_live, *listen_sync, *public_live, *public_sync;
    const char *ror, *website, *email;
    const char *types[TYPES_MAX];
    /* what was asked for */
    char handle_answer[ANSWER_SIZE], name_answer[ANSWER_SIZE], network_answer[ANSWER_SIZE];
    char host_answer[ANSWER_SIZE], live_answer[ANSWER_SIZE + 16], sync_answer[ANSWER_SIZE + 16];
    char country_answer[3];
};

/* --- asking ----------------------------------------------------------------------------------- */

static bool ask(const char *question, char answer[ANSWER_SIZE])
{
    char *end;

    fprintf(stderr, "%s ", question);
    fflush(stderr);
    if (!fgets(answer, ANSWER_SIZE, stdin))
        return false;
    end = answer + strlen(answer);
    while (end > answer && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return *answer != '\0';
}

/* Asks again, so that one slip does not cost all answers. */
static bool ask_right(const char *question, bool (*is_right)(const char *), const char *expected,
                      char answer[ANSWER_SIZE])
{
    for (int tries = 0; tries < 3 && ask(question, answer); tries++) {
        if (is_right(answer))
            return true;
        fprintf(stderr, "  expected %s\n", expected);
    }
    return *answer != '\0';
}

static bool is_network(const char *text)
{
    size_t size = strlen(text);

    return size <= 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-._") == size;
}

static void ask_missing(struct init *init)
{
    if (!init->handle &&
        ask_right("Handle, for people to type (country-name, like th-nstda):", card_handle_is_valid,
                  "two letters of the country, \"-\", and 2 to 29 of a-z, 0-9, \"-\"",
                  init->handle_answer))
        init->handle = init->handle_answer;
    if (!init->name && ask("Name of the institution in English:", init->name_answer))
        init->name = init->name_answer;
    if (!init->network &&
        ask_right("Network, as the partners call it (like silkroad):", is_network,
                  "at most 64 of a-z, 0-9, \"-\", \".\", \"_\"", init->network_answer))
        init->network = init->network_answer;
    if (init->listen_live || init->listen_sync || init->public_live || init->public_sync ||
        !ask("Host name or address at which partners can reach this machine\n"
             "(empty: this node only connects outwards):",
             init->host_answer))
        return;
    snprintf(init->live_answer, sizeof init->live_answer, "tcp://%s:7410", init->host_answer);
    snprintf(init->sync_answer, sizeof init->sync_answer, "tcp://%s:7411", init->host_answer);
    init->listen_live = "tcp://0.0.0.0:7410";
    init->listen_sync = "tcp://0.0.0.0:7411";
    init->public_live = init->live_answer;
    init->public_sync = init->sync_answer;
}

/* The handle begins with the country, so it need not be said twice. */
static void fill_country(struct init *init)
{
    if (init->country || !init->handle || !card_handle_is_valid(init->handle))
        return;
    init->country_answer[0] = (char)toupper((unsigned char)init->handle[0]);
    init->country_answer[1] = (char)toupper((unsigned char)init->handle[1]);
    init->country = init->country_answer;
}

static int check_complete(const struct init *init, struct error *error)
{
    const struct {
        const char *option, *value;
    } needed[] = {{"--handle", init->handle}, {"--name", init->name}, {"--network", init->network}};
    char missing[64] = "";

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!needed[i].value || !*needed[i].value)
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s",
                     *missing ? ", " : "", needed[i].option);
    if (*missing)
        return error_set(error, ERROR_USAGE,
                         "say %s, too; for example: caravan --home DIR init --handle th-nstda "
                         "--name \"National Science and Technology Development Agency\" --network "
                         "silkroad",
                         missing);
    return ERROR_NONE;
}

/* --- node.yaml -------------------------------------------------------------------------------- */

/* Always in quotes: YAML would read NO as false and 7.10 as a number. */
static bool quoted(struct buffer *out, const char *text)
{
    bool ok = buffer_append_text(out, "\"");

    for (; ok && *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            ok = buffer_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            ok = buffer_printf(out, "\\x%02x", c);
        else
            ok = buffer_append(out, text, 1);
    }
    return ok && buffer_append_text(out, "\"");
}

/* "key: value", or the key as a comment with an example when there is no value. */
static bool line(struct buffer *out, const char *indent, const char *key, const char *value,
                 const char *example)
{
    if (!value)
        return buffer_printf(out, "%s# %s: %s\n", indent, key, example);
    return buffer_printf(out, "%s%s: ", indent, key) && quoted(out, value) &&
           buffer_append_text(out, "\n");
}

static bool institution(struct buffer *out, const struct init *init)
{
    bool ok = buffer_append_text(out, "# Who runs this node. Partners see it on the card, and as "
                                      "an entry of the feed when it changes.\ninstitution:\n");

    ok = ok && line(out, "  ", "handle", init->handle, "") &&
         buffer_append_text(out, "  # In as many languages as you like; the first is the authentic "
                                 "one.\n  name:\n") &&
         line(out, "    ", init->lang ? init->lang : "en", init->name, "") &&
         line(out, "  ", "country", init->country ? init->country : "", "");
    if (!init->types[0])
        ok = ok && buffer_append_text(out, "  # organisation type: institute   # university, "
                                           "company, sme, park, ministry, ngo, funder\n");
    else
        ok = ok && buffer_append_text(out, "  organisation type: [");
    for (int i = 0; ok && init->types[i]; i++)
        ok = (i == 0 || buffer_append_text(out, ", ")) && quoted(out, init->types[i]);
    if (init->types[0])
        ok = ok && buffer_append_text(out, "]\n");
    return ok && line(out, "  ", "ror", init->ror, "https://ror.org/…") &&
           line(out, "  ", "website", init->website, "https://www.example.org") &&
           line(out, "  ", "contact email", init->email,
                "cooperation@example.org   # an office, not a person");
}

static bool endpoints(struct buffer *out, const struct init *init)
{
    bool listen = init->listen_live || init->listen_sync;
    bool public = init->public_live || init->public_sync;
    bool ok = buffer_append_text(
        out, "\n# Where this node listens. Without it the node only connects outwards, and takes "
             "part\n# in full with every partner that listens.\n");

    ok = ok && buffer_append_text(out, listen ? "listen:\n" : "# listen:\n") &&
         line(out, "  ", "live", init->listen_live, "tcp://0.0.0.0:7410") &&
         line(out, "  ", "sync", init->listen_sync, "tcp://0.0.0.0:7411");
    ok = ok && buffer_append_text(out, "\n# Under which addresses partners reach it from outside; "
                                       "they stand on the card.\n");
    return ok && buffer_append_text(out, public ? "public:\n" : "# public:\n") &&
           line(out, "  ", "live", init->public_live, "tcp://node.example.org:7410") &&
           line(out, "  ", "sync", init->public_sync, "tcp://node.example.org:7411");
}

static bool write_yaml(struct buffer *out, const struct init *init)
{
    return buffer_append_text(out, "# Configuration of a Caravan node. After a change: caravan run "
                                   "--check-config, then restart\n# the node.\n\n"
                                   "# All institutions of one exchange say the same name; it "
                                   "cannot be changed later.\n") &&
           line(out, "", "network", init->network, "") && buffer_append_text(out, "\n") &&
           institution(out, init) && endpoints(out, init) &&
           buffer_append_text(
               out, "\n# Partners whose feeds this node hands on to others: handles, or all.\n"
                    "# relay: [ru-demo, lk-demo]\n\n"
                    "# May any script with a CURVE key read what is public? Without it, only keys\n"
                    "# from: caravan listener add\n"
                    "# open reading: no\n\n"
                    "# debug, info, warning or error\n"
                    "log level: info\n");
}

/* --- the command ------------------------------------------------------------------------------ */

static int parse_options(struct cli *cli, int argc, char **argv, struct init *init,
                         struct error *error)
{
    const struct cli_option options[] = {
        {.name = "--handle",
         .value = "CC-NAME",
         .help = "short name for people, like th-nstda",
         .text = &init->handle},
        {.name = "--name", .value = "TEXT", .help = "name of the institution", .text = &init->name},
        {.name = "--lang",
         .value = "TAG",
         .help = "language of that name (en)",
         .text = &init->lang},
        {.name = "--country",
         .value = "CC",
         .help = "ISO 3166-1 (the one the handle begins with)",
         .text = &init->country},
        {.name = "--network",
         .value = "NAME",
         .help = "the network to join, like silkroad",
         .text = &init->network},
        {.name = "--listen-live",
         .value = "ENDPOINT",
         .help = "like tcp://0.0.0.0:7410",
         .text = &init->listen_live},
        {.name = "--listen-sync",
         .value = "ENDPOINT",
         .help = "like tcp://0.0.0.0:7411",
         .text = &init->listen_sync},
        {.name = "--public-live",
         .value = "ENDPOINT",
         .help = "like tcp://node.example.org:7410",
         .text = &init->public_live},
        {.name = "--public-sync",
         .value = "ENDPOINT",
         .help = "like tcp://node.example.org:7411",
         .text = &init->public_sync},
        {.name = "--type",
         .value = "TYPE",
         .help = "institute, university, park, …; may be repeated",
         .list = init->types,
         .list_size = TYPES_MAX},
        {.name = "--ror",
         .value = "URL",
         .help = "https://ror.org/… of the institution",
         .text = &init->ror},
        {.name = "--website", .value = "URL", .help = "its website", .text = &init->website},
        {.name = "--email",
         .value = "ADDRESS",
         .help = "of an office, not of a person",
         .text = &init->email},
        {.name = NULL},
    };
    int rest = 0;
    int code = cli_options(cli, &cmd_init, options, argc, argv, &rest, error);

    if (!code && rest > 0)
        code = error_set(error, ERROR_USAGE,
                         "init takes no argument like \"%s\"; texts with spaces stand in quotes",
                         argv[0]);
    return code;
}

static void print_done(const struct cli *cli, const char *home, const struct init *init,
                       const struct id *feed)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], hex[2 * BYTES_ID_SIZE + 1];

    identity_fingerprint(feed, fingerprint);
    bytes_to_hex(feed->bytes, BYTES_ID_SIZE, hex);
    if (cli->json) {
        printf("{\"home\": ");
        cli_print_json(stdout, home);
        printf(", \"handle\": ");
        cli_print_json(stdout, init->handle);
        printf(", \"feed\": \"%s\", \"fingerprint\": \"%s\"}\n", hex, fingerprint);
        return;
    }
    printf("%sMade the home of %s in %s%s\nFingerprint: %s\n\n"
           "Now:\n"
           "  1. Move %s/" HOME_ROOT_KEY " off this machine, to a medium that is locked away.\n"
           "     The node does not need it; it names new keys when these are lost or stolen.\n"
           "  2. Print %s/" HOME_RECOVERY_PAPER ", lock it away in another place, and delete the "
           "file.\n"
           "  3. Look through %s/" HOME_CONFIG ".\n"
           "  4. Start the node:          caravan --home %s run\n"
           "  5. Introduce yourselves:    caravan --home %s card > %s.card\n"
           "     Send the card to each partner, and read out the fingerprint over the telephone.\n",
           cli_style(cli, CLI_BOLD), init->handle, home, cli_style(cli, CLI_PLAIN), fingerprint,
           home, home, home, home, home, init->handle);
}

static int make_home(const char *home, const struct init *init, struct id *feed,
                     struct error *error)
{
    struct buffer yaml = {0}, report = {0};
    struct config config = {0};
    struct timespec now;
    char title[ANSWER_SIZE];
    struct home_new input = {.network = init->network, .title = title};
    int code;

    clock_gettime(CLOCK_REALTIME, &now);
    input.now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    snprintf(title, sizeof title, "%s (%s)", init->name, init->handle);
    code = write_yaml(&yaml, init) ? ERROR_NONE : error_memory(error);
    if (!code)
        code =
            config_parse(buffer_span(&yaml), "the answers, as node.yaml", &config, &report, error);
    if (code && report.size > 0) {
        cli_print_text(stderr, buffer_text(&report), true);
        code = error_set(error, ERROR_INVALID,
                         "the answers break the rules of node.yaml, see above; nothing was made");
    }
    if (!code)
        code = secret_start(error);
    input.yaml = buffer_span(&yaml);
    if (!code)
        code = home_new(home, &input, feed, error);
    config_finish(&config);
    buffer_finish(&yaml);
    buffer_finish(&report);
    return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct init init = {0};
    struct error error = {0};
    struct id feed;
    const char *home;
    int code = parse_options(cli, argc, argv, &init, &error);

    if (code < 0)
        return 0;
    home = code ? NULL : cli_home(cli, &error);
    if (!home)
        return cli_fail(cli, &error);
    if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
        ask_missing(&init);
    fill_country(&init);
    code = check_complete(&init, &error);
    if (!code)
        code = make_home(home, &init, &feed, &error);
    if (code)
        return cli_fail(cli, &error);
    print_done(cli, home, &init, &feed);
    return 0;
}

const struct cli_command cmd_init = {
    .name = "init",
    .group = CLI_GROUP_SETUP,
    .usage = "init --handle CC-NAME --name TEXT --network NAME [OPTION]…",
    .summary = "make the home folder of a new institution: keys and node.yaml",
    .help =
        "Makes the keys of the institution, its certificate and a commented node.yaml in a new\n"
        "folder. On a terminal it asks for what is missing. A folder that is not empty is\n"
        "refused; after an error nothing is left behind.\n"
        "\n"
        "A node behind a firewall needs no endpoints: it connects outwards and takes part in\n"
        "full with every partner that listens. Live and sync endpoints come in pairs.\n"
        "\n"
        "Example: caravan --home ~/caravan init --handle th-nstda --network silkroad \\\n"
        "  --name \"National Science and Technology Development Agency\" \\\n"
        "  --listen-live tcp://0.0.0.0:7410 --public-live tcp://node.nstda.example:7410 \\\n"
        "  --listen-sync tcp://0.0.0.0:7411 --public-sync tcp://node.nstda.example:7411",
    .run = run,
};
