/* respond: an answer to somebody's announcement, for that institution alone. share: lets one more
 * institution read a sealed announcement of ours. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_message.h"
#include "node/cli/cli_order.h"
#include "node/cli/cli_put.h"
#include "node/cli/cli_wait.h"
#include "node/config/config.h"
#include "proto/answer.pb-c.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* One command while it works. */
struct saying {
    struct cli *cli;
    struct client *client;
    struct arena arena;
    struct cli_put_patience patience;
    struct cli_wait wait;
    const Caravan__PublishReply *reply; /* to what was said last */
};

static void saying_init(struct saying *saying, struct cli *cli)
{
    *saying = (struct saying){.cli = cli, .patience = {.cli = cli}};
    arena_init(&saying->arena, 4 * LIMIT_ARENA_SIZE);
}

static int saying_finish(struct saying *saying, int code, struct error *error)
{
    return cli_wait_end(saying->cli, code, &saying->wait, saying->client, &saying->arena, error);
}

static int say(struct saying *saying, const struct cli_put_saying *what,
               const Caravan__PrepareReply **prepared, struct error *error)
{
    int code = cli_put_say(&saying->patience, saying->client, what, &saying->arena, prepared,
                           &saying->reply, error);

    saying->wait.seq = code ? 0 : saying->reply->seq;
    return code;
}

static void print_audience(const Caravan__PrepareReply *prepared)
{
    for (size_t i = 0; i < prepared->n_audience; i++) {
        fputs(i ? ", " : "", stdout);
        cli_print_text(stdout, prepared->audience[i], false);
    }
}

static void print_answered(const char *name, const Caravan__PublishReply *reply,
                           const Caravan__PrepareReply *prepared)
{
    (void)name; /* the answer has one of its own */
    cli_print_text(stdout, reply->name, false);
    printf("  %s ",
           reply->repeated_request ? "was sent before, sealed for" : "answered, sealed for");
    print_audience(prepared);
    putchar('\n');
}

static void print_shared(const char *name, const Caravan__PublishReply *reply,
                         const Caravan__PrepareReply *prepared)
{
    cli_print_text(stdout, name, false);
    fputs("  may be read by ", stdout);
    print_audience(prepared);
    printf(" %s, as No. %" PRIu64 "\n", reply->repeated_request ? "already" : "now", reply->seq);
}

/* name: of the announcement. */
static int
tell(const struct saying *saying, const char *name, const Caravan__PrepareReply *prepared,
     void (*print)(const char *, const Caravan__PublishReply *, const Caravan__PrepareReply *),
     struct error *error)
{
    const Caravan__PublishReply *reply = saying->reply;
    struct buffer json = {0};
    bool ok = true;

    if (saying->cli->json) {
        ok = codec_write_json(&reply->base, &json) && buffer_append_text(&json, "\n");
        cli_item_print_json(stdout, buffer_span(&json));
    } else {
        print(name, reply, prepared);
    }
    buffer_finish(&json);
    return ok ? ERROR_NONE : error_memory(error);
}

/* --- respond ---------------------------------------------------------------------------------- */

static int read_answer(const struct cli *cli, const char *path, struct arena *arena,
                       Caravan__Interest **answer, struct error *error)
{
    ProtobufCMessage *message;
    int code = cli_message_read(cli, path, &caravan__interest__descriptor, NULL, NULL, arena,
                                &message, error);

    *answer = (Caravan__Interest *)message;
    return code;
}

/* Who answers is our institution, unless the file says more of it. */
static int fill_from(const struct cli *cli, struct config *config, Caravan__Interest *answer,
                     Caravan__Party *from, struct error *error)
{
    int code;

    if (answer->from)
        return ERROR_NONE;
    code = cli_home(cli, error) ? config_load(cli->home, config, NULL, error) : ERROR_USAGE;
    if (code)
        return code;
    caravan__party__init(from);
    from->n_name = config->message->institution->n_name;
    from->name = config->message->institution->name;
    from->country = config->message->institution->country;
    answer->from = from;
    return ERROR_NONE;
}

static int respond(struct saying *saying, const char *name, const char *path, struct error *error)
{
    const Caravan__PrepareReply *prepared;
    struct config config = {0};
    Caravan__Interest *answer;
    Caravan__Party from;
    int code = cli_wait_check(&saying->wait, error);

    if (!code)
        code = read_answer(saying->cli, path, &saying->arena, &answer, error);
    if (!code)
        code = fill_from(saying->cli, &config, answer, &from, error);
    if (!code)
        code = client_create(saying->cli, &saying->client, error);
    if (!code) {
        const struct cli_put_saying put = {
            .name = name, .content_type = TYPE(INTEREST), .message = &answer->base};

        code = say(saying, &put, &prepared, error);
    }
    if (!code)
        code = tell(saying, name, prepared, print_answered, error);
    config_finish(&config);
    return code;
}

static const char template[] =
    "# An answer to an announcement. Only the institution that announced can read it. At least "
    "one\n"
    "# of the three texts; the first two may be left out.\n"
    "language: en\n"
    "# what is unclear: Does the call take proposals from universities of applied sciences?\n"
    "# about us: We run a synchrotron beamline with 2,000 hours of user time a year.\n"
    "kind of cooperation: We would like to take part as a research partner.\n"
    "contact:\n"
    "  office: Office of international cooperation\n"
    "  # email: cooperation@example.org\n"
    "# valid until: 2099-12-31\n"
    "# Our name and country are taken from node.yaml.\n";

static int run_respond(struct cli *cli, int argc, char **argv)
{
    bool print = false;
    struct saying saying;
    const struct cli_option options[] = {
        {.name = "--template", .help = "print a file to fill in", .flag = &print},
        CLI_WAIT_OPTIONS(saying.wait),
        {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    saying_init(&saying, cli);
    code = cli_options(cli, &cmd_respond, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && print) {
        fputs(template, stdout);
        return 0;
    }
    if (!code && rest != 2)
        code =
            error_set(&error, ERROR_USAGE,
                      "say to which announcement, and what: caravan respond NAME FILE; a file to "
                      "fill in comes from: caravan respond --template > answer.yaml");
    if (!code)
        code = cli_order_check(&cmd_respond, argv, &error);
    if (!code)
        code = respond(&saying, argv[0], argv[1], &error);
    return saying_finish(&saying, code, &error);
}

/* --- share ------------------------------------------------------------------------------------ */

static int find_sealed(struct saying *saying, const char *name, const Caravan__Item **item,
                       struct error *error)
{
    struct cli_found found;
    int code = cli_find_any(saying->client, name, &saying->arena, &found, error);

    if (code)
        return code;
    *item = found.item;
    if (found.item->own && found.item->sealed)
        return ERROR_NONE;
    return error_set(
        error, ERROR_INVALID,
        "%.80s is not a sealed announcement of ours: only these can be shared, and what is not "
        "sealed can be read by all",
        name);
}

static int share_entry(struct saying *saying, const Caravan__Item *item, uint64_t entry,
                       const struct cli_audience *audience, const Caravan__PrepareReply **prepared,
                       struct error *error)
{
    const struct cli_put_saying put = {
        .name = item->name, .content_type = TYPE(READER), .audience = *audience, .entry = entry};

    return say(saying, &put, prepared, error);
}

/* What first published it. Where that was erased after a revision nobody can read it, and what was
 * shared before is all that there is. */
static int share_first(struct saying *saying, const Caravan__Item *item,
                       const struct cli_audience *audience, const Caravan__PrepareReply **prepared,
                       struct error *error)
{
    const struct saying before = *saying;
    const Caravan__PrepareReply *first;
    int code = share_entry(saying, item, item->seq, audience, &first, error);

    if (!code)
        *prepared = first;
    if (code != ERROR_NOT_FOUND || !item->revised_by)
        return code;
    saying->reply = before.reply;
    saying->wait.seq = before.wait.seq;
    return ERROR_NONE;
}

/* What is in force, and what first published it. */
static int share(struct saying *saying, const char *name, const struct cli_audience *audience,
                 struct error *error)
{
    const Caravan__PrepareReply *prepared;
    const Caravan__Item *item;
    int code = cli_wait_check(&saying->wait, error);

    if (!code)
        code = client_create(saying->cli, &saying->client, error);
    if (!code)
        code = find_sealed(saying, name, &item, error);
    if (!code && item->revised_by)
        code = share_entry(saying, item, item->revised_by, audience, &prepared, error);
    if (!code)
        code = share_first(saying, item, audience, &prepared, error);
    return code ? code : tell(saying, item->name, prepared, print_shared, error);
}

static int run_share(struct cli *cli, int argc, char **argv)
{
    struct saying saying;
    struct cli_audience audience = {0};
    const struct cli_option options[] = {CLI_WAIT_OPTIONS(saying.wait), {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    saying_init(&saying, cli);
    code = cli_options(cli, &cmd_share, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest != 2)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement, and with whom: caravan share NAME HANDLE,…");
    if (!code)
        code = cli_order_check(&cmd_share, argv, &error);
    if (!code)
        code = cli_audience_add_text(cli, argv[1], &saying.arena, &audience, &error);
    if (!code)
        code = share(&saying, argv[0], &audience, &error);
    return saying_finish(&saying, code, &error);
}

const struct cli_command cmd_respond = {
    .name = "respond",
    .group = CLI_GROUP_WRITE,
    .usage = "respond NAME FILE [--wait]\nrespond --template",
    .summary = "answer a partner's announcement",
    .help =
        "Publishes the answer in our own feed, sealed: only the institution that announced can "
        "read\n"
        "it, and nobody else sees that it is an answer, or to whom. It arrives also when that\n"
        "institution is away, or when relays stand in between. caravan withdraw takes it back.\n\n"
        "Example: caravan respond th-demo/7 answer.yaml",
    .run = run_respond,
};

const struct cli_command cmd_share = {
    .name = "share",
    .group = CLI_GROUP_WRITE,
    .usage = "share NAME HANDLE,… [--wait]",
    .summary = "let more institutions read a sealed announcement of ours",
    .help = "They can read what first published it and what is in force, and all that follows.\n"
            "What was shared cannot be taken back.\n\n"
            "Example: caravan share th-demo/7 za-demo",
    .run = run_share,
};
