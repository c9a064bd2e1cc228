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
/* … and where dates are asked for: so often it is looked what they have changed. */
#define DATES_MS 5000
#define REST_MS 1000

struct following {
    struct cli *cli;
    struct cli_filter filter;
    Caravan__ChangesRequest request;
    struct client *client;
    bool started; /* the node has answered once: from then on wait for it */
    bool away;
    uint64_t looked_ms; /* Unix time up to which is known what came to match by its dates */
    struct buffer told; /* names that were printed since then, each with its NUL */
};

/* A publication that comes once more, without its content. */
static const char *event_of(const Caravan__Item *item)
{
    return item->has_erased_by && item->event_seq == item->seq ? "erased" : cli_item_event(item);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* event: what happened now, to something that is here already; NULL: what the item says. */
static void print_line(const struct cli *cli, const Caravan__Item *item, const char *event,
                       struct arena *arena)
{
    const char *plain = cli_style(cli, CLI_PLAIN);
    struct cli_item_row row;

    cli_item_row(item, arena, (int64_t)time(NULL) * 1000, &row);
    fputs(cli_style(cli, CLI_DIM), stdout);
    cli_print_time(stdout, event ? now_ms() : item->received_ms);
    printf("%s  %s", plain, cli_colour_of(cli, item->handle ? item->handle : ""));
    cli_item_print_fit(stdout, row.name, strlen(row.name) < 14 ? 14 : 0);
    printf("%s  %-9s  ", plain, event ? event : event_of(item));
    cli_item_print_fit(stdout, row.kind, 15);
    fputs("  ", stdout);
    if (*row.apply)
        printf("[apply: %s] ", row.apply);
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

static int print_item(const struct cli *cli, const Caravan__Item *item, const char *event,
                      struct error *error)
{
    struct arena arena;
    struct buffer json = {0};
    int code = ERROR_NONE;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (!cli->json) {
        print_line(cli, item, event, &arena);
    } else if (cli_item_json(item, event ? event : event_of(item), &arena, &json)) {
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

/* --- what the dates change -------------------------------------------------------------------- */

static bool asks_dates(const struct following *following)
{
    return filter_asks_dates(&following->filter.filter);
}

static bool tell(struct following *following, const char *name)
{
    return !asks_dates(following) || !name ||
           buffer_append(&following->told, name, strlen(name) + 1);
}

static bool was_told(const struct following *following, const char *name)
{
    const struct buffer *told = &following->told;

    for (size_t at = 0; at < told->size; at += strlen((const char *)told->data + at) + 1)
        if (strcmp((const char *)told->data + at, name) == 0)
            return true;
    return false;
}

static int print_entered(struct following *following, const Caravan__ListReply *reply,
                         struct error *error)
{
    const char *event = following->filter.closing_within ? "closing" : "opened";
    int code = ERROR_NONE;

    for (size_t i = 0; !code && i < reply->n_items; i++) {
        const Caravan__Item *item = reply->items[i];

        if (!item->name || was_told(following, item->name))
            continue;
        code = print_item(following->cli, item, event, error);
        if (!code && !tell(following, item->name))
            code = error_memory(error);
    }
    return code;
}

/* One page; request->before_arrival is then that of the next, 0: that was all. */
static int ask_entered(struct following *following, Caravan__ListRequest *request,
                       struct error *error)
{
    ProtobufCMessage *message;
    struct arena arena;
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = client_call(following->client, "list", &request->base, &caravan__list_reply__descriptor,
                       &arena, CLIENT_TIMEOUT_MS, &message, error);
    if (!code) {
        const Caravan__ListReply *reply = (const Caravan__ListReply *)message;

        request->before_arrival = reply->next_before;
        code = print_entered(following, reply, error);
    }
    arena_finish(&arena);
    return code;
}

/* Prints what came to match since the last look, because time went on: the clock alone sends
 * nothing, so it is asked for. Nothing is lost while the node is away. */
static int look_at_dates(struct following *following, struct error *error)
{
    Caravan__ListRequest request = CARAVAN__LIST_REQUEST__INIT;
    Caravan__Filter filter = following->filter.filter;
    int code;

    filter.has_at_ms = filter.has_entered_since_ms = true;
    filter.at_ms = now_ms();
    filter.entered_since_ms = following->looked_ms;
    if (!asks_dates(following) || filter.at_ms < following->looked_ms + DATES_MS)
        return ERROR_NONE;
    request.filter = &filter;
    request.has_before_arrival = true;
    do
        code = ask_entered(following, &request, error);
    while (!code && request.before_arrival);
    if (code)
        return code;
    following->looked_ms = filter.at_ms;
    buffer_clear(&following->told);
    return ERROR_NONE;
}

/* --- asking ----------------------------------------------------------------------------------- */

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
    for (size_t i = 0; !code && i < reply->n_items; i++) {
        code = print_item(following->cli, reply->items[i], NULL, error);
        if (!code && !reply->items[i]->has_said && !tell(following, reply->items[i]->name))
            code = error_memory(error);
    }
    following->request.has_after = true;
    following->request.after = reply->next_after;
out:
    arena_finish(&arena);
    return code ? code : look_at_dates(following, error);
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
    if (!code)
        code = cli_filter_check_rest(&following.filter, rest, argv, &error);
    if (!code && rest > 0)
        code =
            error_set(&error, ERROR_USAGE, "follow takes options only; found \"%.60s\"", argv[0]);
    if (!code)
        code = take_start(&following, from, since_start, &error);
    if (!code)
        code = cli_filter_take(&following.filter, &error);
    following.request.filter = &following.filter.filter;
    following.request.has_wait_ms = true;
    following.request.wait_ms = asks_dates(&following) ? DATES_MS : WAIT_MS;
    following.looked_ms = now_ms();
    if (!code)
        code = follow(&following, &error);
    client_destroy(following.client);
    buffer_finish(&following.told);
    return cli_fail(cli, &error);
}

const struct cli_command cmd_follow = {
    .name = "follow",
    .group = CLI_GROUP_READ,
    .usage = "follow [--kind KIND] [--country COUNTRY] [--field FIELD] [--handle HANDLE]\n"
             "follow [--open] [--closing-within TIME] [--for-us | --for COUNTRY,KIND]\n"
             "follow --json [--since-start | --from ARRIVAL]",
    .summary = "show announcements as they come",
    .help =
        "One line for everything that is published, revised or withdrawn, own announcements\n"
        "included; Ctrl-C ends. When the node restarts, follow waits for it and misses nothing.\n\n"
        "With --open or --closing-within a line comes, too, when an announcement that is here "
        "opens\n"
        "or comes near its deadline: \"opened\", \"closing\". What had done so before is shown "
        "by:\n"
        "caravan list. Of what was shown, later changes are shown whatever they say.\n\n"
        "With --json each line is one JSON object; its \"arrival\" can be given to --from later, "
        "so\n"
        "that a script goes on where it stopped.\n\n"
        "Example: caravan follow --kind \"joint call\" --country TH\n"
        "Example: caravan follow --for-us --closing-within 14d",
    .run = run_follow,
};
