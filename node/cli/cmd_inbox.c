/* inbox: what waits for somebody at our institution. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_sides.h"
#include "node/cli/cli_voice.h"
#include "node/cli/client.h"
#include "proto/answer.pb-c.h"

struct inbox {
    struct cli *cli;
    struct client *client;
    uint64_t shown;
    bool all;
};

static const char *const verbs[] = {"read", "mark", "unmark", NULL};

/* --- lines ------------------------------------------------------------------------------------ */

static const char *title_of(const Caravan__InboxThing *thing, struct arena *arena)
{
    const Caravan__Announcement *announcement =
        thing->item ? cli_item_read(thing->item, arena) : NULL;

    return announcement ? announcement_title(announcement, NULL) : "";
}

/* Ours that an announcement links and that does not link it; NULL: it does by now. */
static const Caravan__ItemLink *open_link(const Caravan__InboxThing *thing)
{
    for (size_t i = 0; thing->item && i < thing->item->n_links; i++)
        if (thing->item->links[i]->own &&
            thing->item->links[i]->state == CARAVAN__LINK_STATE__LINK_STATE_ONE_SIDED)
            return thing->item->links[i];
    return NULL;
}

/* "says that cn-demo/12 is the same as …" */
static void print_link(const Caravan__InboxThing *thing)
{
    const Caravan__ItemLink *link = open_link(thing);

    fputs("says that our ", stdout);
    cli_print_text(stdout, link ? link->name : "announcement", false);
    fputs(" is the same as ", stdout);
}

/* "asks us to confirm th-demo/7: Joint call 2027" */
static void print_what(const Caravan__InboxThing *thing)
{
    const char *about = thing->item && thing->item->name ? thing->item->name : "?";
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    switch (thing->kind) {
    case CARAVAN__INBOX_KIND__INBOX_KIND_ANSWER:
        fputs(thing->withdrawn ? "answered, and took it back: " : "answers ", stdout);
        break;
    case CARAVAN__INBOX_KIND__INBOX_KIND_CONFIRM:
        fputs("asks us to confirm ", stdout);
        break;
    case CARAVAN__INBOX_KIND__INBOX_KIND_PROPOSAL:
        fputs("proposes other terms for ", stdout);
        break;
    case CARAVAN__INBOX_KIND__INBOX_KIND_DECLINED:
        fputs("declined ", stdout);
        break;
    case CARAVAN__INBOX_KIND__INBOX_KIND_REFUSED:
        fputs("refused what we proposed for ", stdout);
        break;
    case CARAVAN__INBOX_KIND__INBOX_KIND_PARTNER:
        fputs("is new here\n", stdout);
        arena_finish(&arena);
        return;
    case CARAVAN__INBOX_KIND__INBOX_KIND_LINK:
        print_link(thing);
        break;
    default:
        fputs("? ", stdout);
    }
    cli_print_text(stdout, about, false);
    fputs(": ", stdout);
    cli_print_text(stdout, title_of(thing, &arena), false);
    putchar('\n');
    arena_finish(&arena);
}

static void print_line(const struct cli *cli, const Caravan__InboxThing *thing)
{
    char name[96];

    snprintf(name, sizeof name, "%.60s/%" PRIu64, thing->handle, thing->seq);
    printf("%s%c %s", cli_style(cli, thing->read ? CLI_DIM : CLI_BOLD), thing->read ? ' ' : '*',
           cli_style(cli, CLI_PLAIN));
    cli_item_print_fit(stdout, name, strlen(name) < 14 ? 14 : 0);
    fputs("  ", stdout);
    cli_print_text(stdout, thing->handle, false);
    putchar(' ');
    print_what(thing);
}

static bool print_json_thing(const Caravan__InboxThing *thing, bool first)
{
    struct buffer json = {0};
    bool ok = codec_write_json(&thing->base, &json);

    fputs(first ? "\n  " : ",\n  ", stdout);
    cli_item_print_json(stdout, buffer_span(&json));
    buffer_finish(&json);
    return ok;
}

/* --- listing ---------------------------------------------------------------------------------- */

static int ask(struct inbox *inbox, Caravan__InboxRequest *request, struct arena *arena,
               const Caravan__InboxReply **reply, struct error *error)
{
    ProtobufCMessage *message;
    int code;

    do {
        arena_finish(arena); /* what was answered before it was all */
        arena_init(arena, SIZE_MAX);
        code =
            client_call(inbox->client, "inbox", &request->base, &caravan__inbox_reply__descriptor,
                        arena, CLIENT_TIMEOUT_MS, &message, error);
        if (code)
            return code;
        *reply = (const Caravan__InboxReply *)message;
    } while ((*reply)->counting); /* right after a start the node is still reading its ledger */
    return ERROR_NONE;
}

/* "and 1808 older answers of th-demo: of one institution only the newest are kept" */
static void print_more_of(const Caravan__InboxMore *more)
{
    bool answers = more->kind == CARAVAN__INBOX_KIND__INBOX_KIND_ANSWER;

    fprintf(stderr, "and %" PRIu64 " older %s%s of ", more->count,
            answers ? "answer" : "announcement", more->count == 1 ? "" : "s");
    cli_print_text(stderr, more->handle, false);
    if (!answers)
        fprintf(stderr, " that %s %s",
                more->kind == CARAVAN__INBOX_KIND__INBOX_KIND_LINK ? "link" : "name",
                more->kind == CARAVAN__INBOX_KIND__INBOX_KIND_LINK ? "ours" : "us");
    fputs(": of one institution only the newest are kept\n", stderr);
}

static bool print_json_end(const struct inbox *inbox, const Caravan__InboxReply *reply)
{
    bool ok = true;

    printf("%s], \"unread\": \"%" PRIu64 "\", \"to_do\": \"%" PRIu64 "\"", inbox->shown ? "\n" : "",
           reply->unread, reply->to_do);
    for (size_t i = 0; i < reply->n_more && ok; i++) {
        struct buffer json = {0};

        ok = codec_write_json(&reply->more[i]->base, &json);
        fputs(i ? ", " : ", \"more\": [", stdout);
        cli_item_print_json(stdout, buffer_span(&json));
        buffer_finish(&json);
    }
    puts(reply->n_more ? "]}" : "}");
    return ok;
}

static void print_end(const struct inbox *inbox, const Caravan__InboxReply *reply)
{
    fflush(stdout); /* the things first */
    if (!inbox->shown)
        fputs(inbox->all ? "nothing is in the inbox\n"
                         : "nothing is unread; caravan inbox --all shows everything\n",
              stderr);
    if (reply->to_do)
        fprintf(stderr, "%" PRIu64 " thing%s to do; caravan inbox read NAME says what\n",
                reply->to_do, reply->to_do == 1 ? "" : "s");
    for (size_t i = 0; i < reply->n_more; i++)
        print_more_of(reply->more[i]);
}

static int list(struct inbox *inbox, struct error *error)
{
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    const Caravan__InboxReply *reply = NULL;
    struct arena arena;
    int code = ERROR_NONE;

    request.has_unread = request.has_before_arrival = true;
    request.unread = !inbox->all;
    if (inbox->cli->json)
        fputs("{\"things\": [", stdout);
    do {
        arena_init(&arena, SIZE_MAX);
        code = ask(inbox, &request, &arena, &reply, error);
        for (size_t i = 0; !code && i < reply->n_things; i++) {
            if (!inbox->cli->json)
                print_line(inbox->cli, reply->things[i]);
            else if (!print_json_thing(reply->things[i], inbox->shown == 0))
                code = error_memory(error);
            inbox->shown++;
        }
        request.before_arrival = code ? 0 : reply->next_before;
        if (!code && !request.before_arrival && !inbox->cli->json)
            print_end(inbox, reply);
        else if (!code && !request.before_arrival && !print_json_end(inbox, reply))
            code = error_memory(error);
        arena_finish(&arena);
    } while (!code && request.before_arrival);
    return code;
}

/* --- one thing -------------------------------------------------------------------------------- */

/* All of it, so much at a time as the node does in one go. */
static int mark(struct inbox *inbox, const char *name, bool unread, uint64_t *changed,
                struct error *error)
{
    Caravan__MarkRequest request = CARAVAN__MARK_REQUEST__INIT;
    ProtobufCMessage *message;
    struct arena arena;
    bool more = true;
    int code = ERROR_NONE;

    request.name = (char *)(uintptr_t)name;
    request.has_unread = true;
    request.unread = unread;
    for (*changed = 0; !code && more;) {
        arena_init(&arena, LIMIT_ARENA_SIZE);
        code = client_call(inbox->client, "mark", &request.base, &caravan__mark_reply__descriptor,
                           &arena, CLIENT_TIMEOUT_MS, &message, error);
        more = !code && ((const Caravan__MarkReply *)message)->more;
        *changed += code ? 0 : ((const Caravan__MarkReply *)message)->changed;
        arena_finish(&arena);
    }
    return code;
}

/* An answer, as people write it. What it is about stands in the line above. */
static int print_answer(const struct cli *cli, const Caravan__Item *item, struct arena *arena,
                        struct error *error)
{
    struct buffer yaml = {0};
    int code = cli_voice_write(cli, item, arena, &yaml, error);

    if (yaml.size) {
        puts("---");
        cli_print_text(stdout, buffer_text(&yaml), true);
    }
    buffer_finish(&yaml);
    return code;
}

/* What a side proposes, as the difference to what its terms are now. found: the announcement as it
 * is, with the revision that the proposal was made for; the inbox has no history. */
static int print_terms(const struct inbox *inbox, const struct cli_found *found,
                       const Caravan__Side *side, struct error *error)
{
    return side ? cli_sides_print(inbox->cli, stdout, found->shown, side, CLI_SIDES_PROPOSED, 2,
                                  error)
                : ERROR_NONE;
}

static int print_proposal(struct inbox *inbox, const Caravan__Item *item, struct arena *arena,
                          struct error *error)
{
    const Caravan__Proposal *proposal = (const Caravan__Proposal *)cli_voice_read(item, arena);
    struct cli_found found;
    int code = cli_find_any(inbox->client, item->name, arena, &found, error);

    for (size_t i = 0; proposal && i < proposal->n_reason; i++) {
        fputs("  ", stdout);
        cli_print_text(stdout, proposal->reason[i]->text, false);
        putchar('\n');
    }
    return code ? code : print_terms(inbox, &found, cli_voice_side(found.item, item), error);
}

static int print_refusal(struct inbox *inbox, const Caravan__Item *item, struct arena *arena,
                         struct error *error)
{
    const Caravan__AnnouncementName *refusal = cli_voice_refusal(item, arena);
    struct cli_found found;
    int code = refusal ? cli_find_any(inbox->client, item->name, arena, &found, error) : ERROR_NONE;

    return !code && refusal
               ? print_terms(inbox, &found, cli_voice_refused(found.item, refusal), error)
               : code;
}

static int print_more(struct inbox *inbox, const Caravan__InboxThing *thing, struct arena *arena,
                      struct error *error)
{
    if (thing->item && thing->kind == CARAVAN__INBOX_KIND__INBOX_KIND_ANSWER)
        return print_answer(inbox->cli, thing->item, arena, error);
    if (thing->item && thing->kind == CARAVAN__INBOX_KIND__INBOX_KIND_PROPOSAL)
        return print_proposal(inbox, thing->item, arena, error);
    if (thing->item && thing->kind == CARAVAN__INBOX_KIND__INBOX_KIND_REFUSED)
        return print_refusal(inbox, thing->item, arena, error);
    return ERROR_NONE;
}

static int print_thing(struct inbox *inbox, const Caravan__InboxThing *thing, struct arena *arena,
                       struct error *error)
{
    if (inbox->cli->json) {
        struct buffer json = {0};
        bool ok = codec_write_json(&thing->base, &json);

        cli_item_print_json(stdout, buffer_span(&json));
        putchar('\n');
        buffer_finish(&json);
        return ok ? ERROR_NONE : error_memory(error);
    }
    print_line(inbox->cli, thing);
    if (thing->to_do && thing->kind == CARAVAN__INBOX_KIND__INBOX_KIND_CONFIRM)
        printf("To do: caravan show %s, then caravan confirm %s\n", thing->item->name,
               thing->item->name);
    else if (thing->to_do && thing->kind == CARAVAN__INBOX_KIND__INBOX_KIND_PROPOSAL)
        printf("To do: caravan accept %s --from %s, or caravan refuse %s --from %s\n",
               thing->item->name, thing->handle, thing->item->name, thing->handle);
    else if (thing->kind == CARAVAN__INBOX_KIND__INBOX_KIND_LINK && open_link(thing))
        printf("To do, when it is so: caravan link %s %s\n", open_link(thing)->name,
               thing->item->name);
    return print_more(inbox, thing, arena, error);
}

/* Whoever has read it has it marked. */
static int read_thing(struct inbox *inbox, char *name, struct error *error)
{
    Caravan__InboxRequest request = CARAVAN__INBOX_REQUEST__INIT;
    const Caravan__InboxReply *reply = NULL;
    struct arena arena;
    uint64_t changed;
    int code;

    request.name = name;
    arena_init(&arena, SIZE_MAX);
    code = ask(inbox, &request, &arena, &reply, error);
    if (!code && reply->n_things != 1)
        code = error_set(error, ERROR_INTERNAL, "the node's answer has nothing in it");
    if (!code)
        code = print_thing(inbox, reply->things[0], &arena, error);
    if (!code)
        code = mark(inbox, name, false, &changed, error);
    arena_finish(&arena);
    return code;
}

static int run_mark(struct inbox *inbox, const char *name, bool unread, struct error *error)
{
    uint64_t changed = 0;
    int code = mark(inbox, strcmp(name, "all") == 0 ? NULL : name, unread, &changed, error);

    if (!code && inbox->cli->json)
        printf("{\"changed\": \"%" PRIu64 "\"}\n", changed);
    else if (!code)
        printf("%" PRIu64 " marked as %s\n", changed, unread ? "unread" : "read");
    return code;
}

/* --- the command ------------------------------------------------------------------------------ */

static int run_verb(struct inbox *inbox, int argc, char **argv, struct error *error)
{
    int code = cli_verb(&cmd_inbox, verbs, argc, argv, error);

    if (!code && argc != 2)
        code = error_set(error, ERROR_USAGE, "say which one: caravan inbox %s NAME%s", argv[0],
                         strcmp(argv[0], "read") == 0 ? "" : ", or all");
    if (!code)
        code = client_create(inbox->cli, &inbox->client, error);
    if (code)
        return code;
    return strcmp(argv[0], "read") == 0
               ? read_thing(inbox, argv[1], error)
               : run_mark(inbox, argv[1], strcmp(argv[0], "unmark") == 0, error);
}

static int run_inbox(struct cli *cli, int argc, char **argv)
{
    struct inbox inbox = {.cli = cli};
    const struct cli_option options[] = {
        {.name = "--all", .help = "what was read, too", .flag = &inbox.all}, {.name = NULL}};
    struct error error = {0};
    int rest = 0, code = cli_options(cli, &cmd_inbox, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest > 0)
        code = run_verb(&inbox, rest, argv, &error);
    else if (!code) {
        code = client_create(cli, &inbox.client, &error);
        if (!code)
            code = list(&inbox, &error);
    }
    client_destroy(inbox.client);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_inbox = {
    .name = "inbox",
    .group = CLI_GROUP_READ,
    .usage = "inbox [--all]\ninbox read NAME\ninbox mark|unmark NAME|all",
    .summary = "show what waits for us: answers, requests to confirm, proposals, new partners",
    .help =
        "Lists what was not read yet, newest first; * stands before what is unread. NAME is the "
        "first\n"
        "column: the entry that brought it. read shows one in full and marks it as read; mark and\n"
        "unmark only mark. What was read is remembered by this node alone.\n\n"
        "Example: caravan inbox read cn-demo/17",
    .run = run_inbox,
};
