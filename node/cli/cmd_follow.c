/* follow: announcements as they come, one line each. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/cli/cli_commands.h"
#include "node/cli/cli_filter.h"
#include "node/cli/cli_item.h"
#include "node/cli/client.h"

/* How long one question waits in the node, and how long to rest while the node is away. */
#define WAIT_MS 20000
#define REST_MS 1000

struct following {
    struct cli *cli;
    struct cli_filter filter;
    Caravan__ChangesRequest request;
    struct client *client;
    bool started; /* the node has answered once: from then on wait for it */
    bool away;
};

/* A publication that comes once more, without its content. */
static const char *event_of(const Caravan__Item *item)
{
    return item->has_erased_by && item->event_seq == item->seq ? "erased" : cli_item_event(item);
}

static void print_line(const struct cli *cli, const Caravan__Item *item, struct arena *arena)
{
    const char *plain = cli_style(cli, CLI_PLAIN);
    struct cli_item_row row;

    cli_item_row(item, arena, (int64_t)time(NULL) * 1000, &row);
    fputs(cli_style(cli, CLI_DIM), stdout);
    cli_print_time(stdout, item->received_ms);
    printf("%s  %s", plain, cli_colour_of(cli, item->handle ? item->handle : ""));
    cli_item_print_fit(stdout, row.name, strlen(row.name) < 14 ? 14 : 0);
    printf("%s  %-9s  ", plain, event_of(item));
    cli_item_print_fit(stdout, row.kind, 15);
    fputs("  ", stdout);
    if (*row.mark)
        printf("[%s] ", row.mark);
    cli_item_print_fit(stdout, row.title, 0);
    if (item->n_reason && item->reason[0]->text) {
        fputs(": ", stdout);
        cli_item_print_fit(stdout, item->reason[0]->text, 0);
    }
    if (item->has_said) {
        fputs(" by ", stdout);
        cli_item_print_fit(stdout, item->speaker_handle, 0);
    }
    putchar('\n');
}

static int print_item(const struct cli *cli, const Caravan__Item *item, struct error *error)
{
    struct arena arena;
    struct buffer json = {0};
    int code = ERROR_NONE;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (!cli->json) {
        print_line(cli, item, &arena);
    } else if (cli_item_json(item, event_of(item), &arena, &json)) {
        cli_item_print_json(stdout, buffer_span(&json));
        putchar('\n');
    } else {
        code = error_memory(error);
    }
    /* Each line at once, also into a pipe; and an end when nobody reads any more. */
    if (!code && fflush(stdout) != 0)
        code = error_errno(error, "write to", "standard output");
    buffer_finish(&json);
    arena_finish(&arena);
    return code;
}

static int ask(struct following *following, struct error *error)
{
    struct arena arena;
    ProtobufCMessage *message;
    const Caravan__ChangesReply *reply;
    int code = ERROR_NONE;

    if (!following->client)
        code = client_create(following->cli, &following->client, error);
    if (code)
        return code;
    if (following->away)
        fputs("the node is back\n", stderr);
    following->away = false;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = client_call(following->client, "changes", &following->request.base,
                       &caravan__changes_reply__descriptor, &arena, WAIT_MS + CLIENT_TIMEOUT_MS,
                       &message, error);
    if (code)
        goto out;
    following->started = true;
    reply = (const Caravan__ChangesReply *)message;
    for (size_t i = 0; !code && i < reply->n_items; i++)
        code = print_item(following->cli, reply->items[i], error);
    following->request.has_after = true;
    following->request.after = reply->next_after;
out:
    arena_finish(&arena);
    return code;
}

/* The node restarts: wait for it. Anything else ends the command. */
static bool may_come_back(const struct following *following, int code)
{
    return following->started &&
           (code == ERROR_NODE_DOWN || code == ERROR_TIMEOUT || code == ERROR_BUSY);
}

static int follow(struct following *following, struct error *error)
{
    const struct timespec rest = {.tv_sec = REST_MS / 1000, .tv_nsec = REST_MS % 1000 * 1000000};

    for (;;) {
        int code = ask(following, error);

        if (!code)
            continue;
        if (!may_come_back(following, code))
            return code;
        if (!following->away)
            fputs("the node is away; waiting for it (Ctrl-C ends)\n", stderr);
        following->away = true;
        client_destroy(following->client);
        following->client = NULL;
        nanosleep(&rest, NULL);
    }
}

/* --from ARRIVAL, --since-start, or from now on. */
static int take_start(struct following *following, const char *from, bool since_start,
                      struct error *error)
{
    char *end;

    following->request.has_after = since_start || from;
    if (!from)
        return ERROR_NONE;
    following->request.after = strtoull(from, &end, 10);
    if (*from < '0' || *from > '9' || *end || strlen(from) > 19 || since_start)
        return error_set(error, ERROR_USAGE,
                         "--from: found \"%.40s\", expected the \"arrival\" of the last line that "
                         "was read, without --since-start",
                         from);
    return ERROR_NONE;
}

static int run_follow(struct cli *cli, int argc, char **argv)
{
    struct following following = {.cli = cli, .request = CARAVAN__CHANGES_REQUEST__INIT};
    const char *from = NULL;
    bool since_start = false;
    const struct cli_option options[] = {
        CLI_FILTER_OPTIONS(following.filter),
        {.name = "--since-start", .help = "first all that is here already", .flag = &since_start},
        {.name = "--from",
         .value = "ARRIVAL",
         .help = "first what came after this \"arrival\" (see --json)",
         .text = &from},
        {.name = NULL}};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_follow, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest > 0)
        code =
            error_set(&error, ERROR_USAGE, "follow takes options only; found \"%.60s\"", argv[0]);
    if (!code)
        code = take_start(&following, from, since_start, &error);
    if (!code)
        code = cli_filter_take(&following.filter, &error);
    following.request.filter = &following.filter.filter;
    following.request.has_wait_ms = true;
    following.request.wait_ms = WAIT_MS;
    if (!code)
        code = follow(&following, &error);
    client_destroy(following.client);
    return cli_fail(cli, &error);
}

const struct cli_command cmd_follow = {
    .name = "follow",
    .group = CLI_GROUP_READ,
    .usage = "follow [--kind KIND] [--country COUNTRY] [--field FIELD] [--handle HANDLE]\n"
             "follow --json [--since-start | --from ARRIVAL]",
    .summary = "show announcements as they come",
    .help =
        "One line for everything that is published, revised or withdrawn, own announcements\n"
        "included; Ctrl-C ends. When the node restarts, follow waits for it and misses nothing.\n\n"
        "With --json each line is one JSON object; its \"arrival\" can be given to --from later, "
        "so\n"
        "that a script goes on where it stopped.\n\n"
        "Example: caravan follow --kind \"joint call\" --country TH",
    .run = run_follow,
};
