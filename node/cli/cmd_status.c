/* status: partners, links, who has received what, what is wrong and what to do about it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec.h"
#include "common/limits.h"
#include "common/text.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_item.h"
#include "node/cli/client.h"
#include "proto/control.pb-c.h"

/* --- the table of partners -------------------------------------------------------------------- */

enum column { WHO, LINK, HOLD, AS_OF, RECEIVED, WHEN, COLUMNS };

static const char *const heads[COLUMNS] = {
    [WHO] = "PARTNER", [LINK] = "LINK",          [HOLD] = "WE HOLD",
    [AS_OF] = "AS OF", [RECEIVED] = "THEY HOLD", [WHEN] = "SINCE",
};

struct row {
    char cells[COLUMNS][80];
    enum cli_style styles[COLUMNS];
};

/* "5 s", "3 min", "2 h", "4 d" */
static void write_age(uint64_t now_ms, uint64_t then_ms, char out[80])
{
    uint64_t seconds = now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;

    if (then_ms == 0)
        snprintf(out, 80, "–");
    else if (seconds < 100)
        snprintf(out, 80, "%" PRIu64 " s", seconds);
    else if (seconds < 100 * 60)
        snprintf(out, 80, "%" PRIu64 " min", seconds / 60);
    else if (seconds < 100 * 3600)
        snprintf(out, 80, "%" PRIu64 " h", seconds / 3600);
    else
        snprintf(out, 80, "%" PRIu64 " d", seconds / 86400);
}

static bool has_link(const Caravan__PartnerStatus *partner, const char *kind)
{
    for (size_t i = 0; i < partner->n_links; i++)
        if (partner->links[i]->up && strcmp(partner->links[i]->kind, kind) == 0)
            return true;
    return false;
}

/* Neither can dial the other, and yet we have its entries: a partner that is connected hands them
 * on. */
static bool by_relay(const Caravan__StatusReply *status, const Caravan__PartnerStatus *partner,
                     bool any)
{
    return any && !partner->exchanging && !status->listen_sync && partner->n_links == 0 &&
           partner->seq;
}

static bool any_exchanges(const Caravan__StatusReply *status)
{
    for (size_t i = 0; i < status->n_partners; i++)
        if (status->partners[i]->exchanging)
            return true;
    return false;
}

static void write_link(const Caravan__StatusReply *status, const Caravan__PartnerStatus *partner,
                       bool any, struct row *row)
{
    bool out = has_link(partner, "sync out");
    bool in = has_link(partner, "sync in");
    bool relayed = by_relay(status, partner, any);

    row->styles[LINK] = partner->exchanging || relayed ? CLI_GOOD : CLI_BAD;
    if (!partner->frozen && relayed)
        snprintf(row->cells[LINK], sizeof row->cells[LINK], "by a relay");
    else if (partner->frozen)
        snprintf(row->cells[LINK], sizeof row->cells[LINK], "disputed");
    else if (!partner->exchanging)
        snprintf(row->cells[LINK], sizeof row->cells[LINK],
                 out || in ? "greeting" : "not connected");
    else
        snprintf(row->cells[LINK], sizeof row->cells[LINK], "%s%s",
                 out && in ? "both ways"
                 : out     ? "outgoing"
                           : "incoming",
                 has_link(partner, "live out") ? ", live" : "");
    if (partner->frozen)
        row->styles[LINK] = CLI_BAD;
}

/* any: some partner exchanges with this node. */
static void write_row(const Caravan__StatusReply *status, const Caravan__PartnerStatus *partner,
                      bool any, struct row *row)
{
    const Caravan__Coverage *received = partner->received;
    uint64_t theirs = received ? received->seq : 0;

    memset(row, 0, sizeof *row);
    snprintf(row->cells[WHO], sizeof row->cells[WHO], "%s",
             partner->handle && *partner->handle ? partner->handle : partner->fingerprint);
    write_link(status, partner, any, row);
    if (partner->seq == 0 && partner->stated_seq == 0)
        snprintf(row->cells[HOLD], sizeof row->cells[HOLD], "nothing yet");
    else
        snprintf(row->cells[HOLD], sizeof row->cells[HOLD], "%" PRIu64 " of %" PRIu64, partner->seq,
                 partner->stated_seq > partner->seq ? partner->stated_seq : partner->seq);
    row->styles[HOLD] = partner->stated_seq > partner->seq ? CLI_WARN : CLI_PLAIN;
    write_age(status->now_ms, partner->as_of_ms, row->cells[AS_OF]);
    if (received && received->has_received_ms)
        snprintf(row->cells[RECEIVED], sizeof row->cells[RECEIVED], "%" PRIu64 " of %" PRIu64,
                 theirs, status->seq);
    else
        snprintf(row->cells[RECEIVED], sizeof row->cells[RECEIVED], "not known");
    row->styles[RECEIVED] = theirs < status->seq ? CLI_WARN : CLI_PLAIN;
    write_age(status->now_ms, received && received->has_received_ms ? received->received_ms : 0,
              row->cells[WHEN]);
}

static void print_row(const struct cli *cli, const struct row *row, const size_t *widths)
{
    for (int i = 0; i < COLUMNS; i++) {
        const char *style = row->styles[i] ? cli_style(cli, row->styles[i]) : "";

        fputs(i ? "  " : "", stdout);
        fputs(style, stdout);
        cli_item_print_fit(stdout, row->cells[i], i == COLUMNS - 1 ? 0 : widths[i]);
        fputs(*style ? cli_style(cli, CLI_PLAIN) : "", stdout);
    }
    putchar('\n');
}

static int print_partners(const struct cli *cli, const Caravan__StatusReply *status,
                          struct error *error)
{
    size_t count = status->n_partners;
    struct row *rows = calloc(count + 1, sizeof *rows);
    bool any = any_exchanges(status);
    size_t widths[COLUMNS];

    if (!rows)
        return error_memory(error);
    for (int i = 0; i < COLUMNS; i++)
        snprintf(rows[0].cells[i], sizeof rows[0].cells[i], "%s", heads[i]);
    for (size_t n = 0; n < count; n++)
        write_row(status, status->partners[n], any, &rows[n + 1]);
    for (int i = 0; i < COLUMNS; i++) {
        widths[i] = 0;
        for (size_t n = 0; n <= count; n++)
            if (text_columns(rows[n].cells[i]) > widths[i])
                widths[i] = text_columns(rows[n].cells[i]);
    }
    if (count)
        putchar('\n');
    for (size_t n = 0; count && n <= count; n++)
        print_row(cli, &rows[n], widths);
    free(rows);
    return ERROR_NONE;
}

/* --- the inbox -------------------------------------------------------------------------------- */

/* Right after a start the node is still reading its ledger: the numbers then grow. */
#define INBOX_ASKED_MAX 50

/* What the rest of status is asked for must be seen also when this cannot be told. */
struct inbox {
    const Caravan__InboxReply *reply; /* NULL: not known, and why */
    struct error error;
};

static void ask_inbox(struct client *client, struct arena *arena, struct inbox *inbox)
{
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    ProtobufCMessage *message;
    bool again = true;

    request.has_summary = request.summary = true;
    for (int i = 0; again && i < INBOX_ASKED_MAX; i++) {
        int code = client_call(client, "inbox", &request.base, &caravan__inbox_reply__descriptor,
                               arena, CLIENT_TIMEOUT_MS, &message, &inbox->error);

        inbox->reply = code ? NULL : (const Caravan__InboxReply *)message;
        again = inbox->reply && inbox->reply->counting;
    }
}

static void write_inbox(const struct inbox *asked, struct buffer *out)
{
    const Caravan__InboxReply *inbox = asked->reply;
    uint64_t older = 0;

    if (!inbox) {
        buffer_printf(out, "not known: %s", asked->error.text);
        return;
    }
    if (inbox->to_do)
        buffer_printf(out, "%" PRIu64 " to do, ", inbox->to_do);
    buffer_printf(out, "%" PRIu64 " unread", inbox->unread);
    for (size_t i = 0; i < inbox->n_more; i++)
        older += inbox->more[i]->count;
    if (older)
        buffer_printf(out, ", %" PRIu64 " older not counted", older);
    if (inbox->counting)
        buffer_append_text(out, "; the ledger is still being read, there may be more");
    else if (inbox->to_do || inbox->unread)
        buffer_append_text(out, "; see: caravan inbox --all");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void print_line(const struct cli *cli, const char *label, const char *text)
{
    printf("%s%-13s%s", cli_style(cli, CLI_DIM), label, cli_style(cli, CLI_PLAIN));
    cli_print_text(stdout, text, false);
    putchar('\n');
}

static void print_node(const struct cli *cli, const Caravan__StatusReply *status,
                       const struct inbox *inbox)
{
    bool open = status->publishing && strcmp(status->publishing, "open") == 0;
    struct buffer text = {0};
    char age[80];

    printf("%s%s%s in the network %s\n", cli_style(cli, CLI_BOLD),
           status->handle ? status->handle : "?", cli_style(cli, CLI_PLAIN),
           status->network ? status->network : "?");
    print_line(cli, "Fingerprint", status->fingerprint);
    buffer_printf(&text, "up to No. %" PRIu64 ", publishing: %s", status->seq,
                  open ? "open" : status->publishing);
    print_line(cli, "Published", buffer_text(&text));
    buffer_clear(&text);
    write_age(status->now_ms, status->started_ms, age);
    buffer_printf(&text, "caravan %s, for %s; it holds %" PRIu64 " entries", status->version, age,
                  status->entries);
    print_line(cli, "Running", buffer_text(&text));
    buffer_clear(&text);
    if (status->listen_sync)
        buffer_printf(&text, "%s (sync), %s (live)", status->listen_sync,
                      status->listen_live ? status->listen_live : "–");
    else
        buffer_append_text(&text, "not at all; it connects outwards only");
    print_line(cli, "Listening", buffer_text(&text));
    buffer_clear(&text);
    write_inbox(inbox, &text);
    print_line(cli, "Inbox", buffer_text(&text));
    buffer_finish(&text);
}

static void print_problems(const struct cli *cli, const Caravan__StatusReply *status)
{
    for (size_t i = 0; i < status->n_problems; i++) {
        const Caravan__Problem *problem = status->problems[i];

        printf("\n%s%s%s ", cli_style(cli, problem->warning ? CLI_WARN : CLI_BAD),
               problem->warning ? "Note:" : "Wrong:", cli_style(cli, CLI_PLAIN));
        cli_print_text(stdout, problem->what, false);
        fputs("\n  What to do: ", stdout);
        cli_print_text(stdout, problem->todo, false);
        putchar('\n');
    }
    if (status->n_problems == 0)
        printf("\n%sNothing is wrong.%s\n", cli_style(cli, CLI_GOOD), cli_style(cli, CLI_PLAIN));
}

/* --- --check ---------------------------------------------------------------------------------- */

/* Healthy means: this node exchanges. */
static int check(const Caravan__StatusReply *status, struct error *error)
{
    size_t exchanging = 0, received = 0;

    for (size_t i = 0; i < status->n_partners; i++) {
        const Caravan__PartnerStatus *partner = status->partners[i];

        exchanging += partner->exchanging ? 1 : 0;
        received += partner->received && partner->received->has_received_ms &&
                    partner->received->seq >= status->seq;
    }
    if (status->n_partners == 0)
        return error_set(error, ERROR_BUSY,
                         "there is no partner to exchange with; see: caravan partner add --help");
    if (exchanging == 0)
        return error_set(error, ERROR_BUSY,
                         "none of %zu partners is connected and has said what it holds",
                         status->n_partners);
    if (received == 0)
        return error_set(error, ERROR_BUSY,
                         "no partner has received our own feed up to No. %" PRIu64 " yet",
                         status->seq);
    return ERROR_NONE;
}

/* The node's own answer, with the numbers of the inbox as one more field. */
static bool write_json(const Caravan__StatusReply *status, const struct inbox *inbox,
                       struct buffer *json)
{
    bool ok = codec_write_json(&status->base, json);

    if (ok && inbox->reply) {
        json->size--; /* the closing brace */
        ok = buffer_printf(json,
                           ", \"inbox\": {\"unread\": \"%" PRIu64 "\", \"to_do\": \"%" PRIu64
                           "\", \"counting\": %s}}",
                           inbox->reply->unread, inbox->reply->to_do,
                           inbox->reply->counting ? "true" : "false");
    }
    return ok && buffer_append_text(json, "\n");
}

static int print_status(const struct cli *cli, const Caravan__StatusReply *status,
                        const struct inbox *inbox, struct error *error)
{
    struct buffer json = {0};
    int code = ERROR_NONE;

    if (!cli->json) {
        print_node(cli, status, inbox);
        code = print_partners(cli, status, error);
        print_problems(cli, status);
        return code;
    }
    if (write_json(status, inbox, &json))
        cli_item_print_json(stdout, buffer_span(&json));
    else
        code = error_memory(error);
    buffer_finish(&json);
    return code;
}

static int status(const struct cli *cli, bool only_check, struct error *error)
{
    Caravan__Empty request = CARAVAN__EMPTY__INIT;
    struct client *client = NULL;
    struct inbox inbox = {0};
    ProtobufCMessage *message;
    struct arena arena;
    int code = client_create(cli, &client, error);

    arena_init(&arena, 4 * LIMIT_ARENA_SIZE);
    if (!code)
        code = client_call(client, "status", &request.base, &caravan__status_reply__descriptor,
                           &arena, CLIENT_TIMEOUT_MS, &message, error);
    if (!code && only_check) {
        code = check((const Caravan__StatusReply *)message, error);
    } else if (!code) {
        ask_inbox(client, &arena, &inbox);
        code = print_status(cli, (const Caravan__StatusReply *)message, &inbox, error);
    }
    client_destroy(client);
    arena_finish(&arena);
    return code;
}

static int run_status(struct cli *cli, int argc, char **argv)
{
    bool only_check = false;
    const struct cli_option options[] = {
        {.name = "--check",
         .help = "exit 0 only if this node exchanges with a partner; else say why not",
         .flag = &only_check},
        {.name = NULL}};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_status, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest > 0)
        code =
            error_set(&error, ERROR_USAGE, "status takes options only; found \"%.60s\"", argv[0]);
    if (!code)
        code = status(cli, only_check, &error);
    if (!code && only_check && !cli->json)
        puts("this node exchanges");
    else if (!code && only_check)
        puts("{\"exchanging\": true}");
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_status = {
    .name = "status",
    .group = CLI_GROUP_READ,
    .usage = "status [--json]\nstatus --check",
    .summary = "show partners, links, who has received what, and what is wrong",
    .help =
        "Inbox: how many things there are to do for us, and how many nobody has read yet.\n"
        "WE HOLD: how far we hold the partner's feed, of what it said itself, and when (AS OF).\n"
        "THEY HOLD: how far the partner has confirmed that it holds ours, and when. Below stands\n"
        "what is wrong and what to do about it.\n\n"
        "--check is for health checks: a sync link is up, both sides have said what they hold, "
        "and\n"
        "at least one partner has received our feed to its end.\n\n"
        "Example: caravan status",
    .run = run_status,
};
