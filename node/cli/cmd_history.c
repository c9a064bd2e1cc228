/* history: every step of one announcement, and what each has changed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/announcement.h"
#include "node/cli/cli_change.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_item.h"
#include "node/cli/client.h"

#define INDENT 2
/* A page of the history and what is read from it. */
#define PAGE_ARENA (8 * (size_t)LIMIT_ARENA_SIZE)

/* What a step is called, and whether it says the announcement anew; cli_item_event names it for
 * scripts. */
struct step_kind {
    uint32_t content_type;
    const char *label;
    bool says;                                 /* it is compared with what was said before */
    void (*print_more)(const Caravan__Item *); /* below it; NULL: nothing */
};

/* In all languages: which one the reader knows is not known. */
static void print_reason(const Caravan__Item *item)
{
    for (size_t i = 0; i < item->n_reason; i++) {
        if (!item->reason[i]->text)
            continue;
        printf("%*s", INDENT, "");
        cli_print_text(stdout, item->reason[i]->text, false);
        putchar('\n');
    }
}

static const struct step_kind step_kinds[] = {
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT, "published", true, NULL},
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION, "revised", true, NULL},
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL, "withdrawn", false, print_reason},
};

static const struct step_kind *kind_of(const Caravan__Item *item)
{
    static const struct step_kind other = {0, "entry", false, NULL};

    for (size_t i = 0; i < sizeof step_kinds / sizeof *step_kinds; i++)
        if (step_kinds[i].content_type == item->content_type)
            return &step_kinds[i];
    return &other;
}

/* One side of a comparison. */
struct version {
    uint64_t seq; /* 0: none */
    struct buffer content;
};

struct step {
    const Caravan__Item *item;
    const Caravan__Announcement *announcement; /* NULL: it cannot be shown */
    uint64_t compared;                         /* the step that it is compared with; 0: none */
    struct difference_list changes;
};

struct telling {
    const struct cli *cli;
    struct client *client;
    char *name;
    struct version last; /* the newest step so far that can be shown */
    bool gap;            /* … but not the newest one of all */
    struct buffer json;
    size_t steps;
    /* of --from and --to; 0: not given */
    uint64_t from, to;
    struct version sides[2];
    struct error *error;
};

static bool keep(struct version *version, const Caravan__Item *item)
{
    buffer_clear(&version->content);
    version->seq = item->event_seq;
    return buffer_append(&version->content, item->content.data, item->content.len);
}

static void version_finish(struct version *version)
{
    buffer_finish(&version->content);
}

/* --- comparing -------------------------------------------------------------------------------- */

/* NULL when memory runs out: it could be read when it was kept. */
static const Caravan__Announcement *read_version(const struct version *version, struct arena *arena)
{
    Caravan__Item item = CARAVAN__ITEM__INIT;

    item.has_content = true;
    item.content.data = version->content.data;
    item.content.len = version->content.size;
    item.content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT;
    return cli_item_read(&item, arena);
}

static int find_changes(const struct version *before, const Caravan__Announcement *after,
                        struct arena *arena, struct difference_list *list, struct error *error)
{
    const Caravan__Announcement *read = read_version(before, arena);

    if (!read || !after)
        return error_memory(error);
    return difference_find(&read->base, &after->base, NULL, arena, list, error);
}

/* --- text ------------------------------------------------------------------------------------- */

static void print_step(const struct cli *cli, const Caravan__Item *item)
{
    const struct step_kind *kind = kind_of(item);

    printf("%sNo. %" PRIu64 "%s  %s ", cli_style(cli, CLI_BOLD), item->event_seq,
           cli_style(cli, CLI_PLAIN), kind->label);
    cli_print_time(stdout, item->created_ms);
    if (!item->own) {
        fputs(", received ", stdout);
        cli_print_time(stdout, item->received_ms);
    }
    putchar('\n');
    if (kind->print_more)
        kind->print_more(item);
}

static void print_remark(const struct cli *cli, enum cli_style style, const char *text)
{
    printf("%*s%s", INDENT, "", cli_style(cli, style));
    cli_print_text(stdout, text, false);
    printf("%s\n", cli_style(cli, CLI_PLAIN));
}

static bool print_changes(const struct cli *cli, const struct difference_list *list)
{
    if (list->count == 0)
        print_remark(cli, CLI_DIM, "nothing has changed");
    return cli_change_print(cli, list, INDENT);
}

/* What a step says, or why it cannot be said. */
static bool tell_text(const struct telling *telling, const struct step *step)
{
    const struct cli *cli = telling->cli;

    print_step(cli, step->item);
    if (!kind_of(step->item)->says)
        return true;
    if (!step->announcement)
        print_remark(cli, CLI_BAD, step->item->problem ? step->item->problem : "cannot be shown");
    else if (!step->compared && telling->steps == 0)
        print_remark(cli, CLI_DIM, announcement_title(step->announcement, NULL));
    else if (!step->compared)
        print_remark(cli, CLI_DIM, "cannot be compared: no earlier step can be shown");
    if (!step->compared)
        return true;
    if (telling->gap)
        printf("%*s%scompared with No. %" PRIu64 "%s\n", INDENT, "", cli_style(cli, CLI_DIM),
               step->compared, cli_style(cli, CLI_PLAIN));
    return print_changes(cli, &step->changes);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static bool tell_json(struct telling *telling, const struct step *step, struct arena *arena)
{
    struct buffer *out = &telling->json;
    bool ok = buffer_append_text(out, telling->steps ? ", " : "") &&
              cli_item_json(step->item, cli_item_event(step->item), arena, out);

    if (!ok || !step->compared)
        return ok;
    out->size--; /* the closing brace */
    return buffer_printf(out,
                         ", \"compared_with\": \"%" PRIu64 "\", \"changes\": ", step->compared) &&
           difference_write_json(&step->changes, out) && buffer_append_text(out, "}");
}

/* --- steps ------------------------------------------------------------------------------------ */

static bool tells_all(const struct telling *telling)
{
    return !telling->from && !telling->to;
}

/* For --from and --to: keeps what stood there after this step. */
static int keep_sides(struct telling *telling, const Caravan__Item *item, struct arena *arena)
{
    const uint64_t wanted[] = {telling->from, telling->to};
    struct error *error = telling->error;

    for (int side = 0; side < 2; side++) {
        bool default_first = side == 0 && !wanted[0] && !telling->sides[0].seq;
        bool default_last = side == 1 && !wanted[1];
        bool shown;

        if (item->event_seq != wanted[side] && !default_first && !default_last)
            continue;
        shown = cli_item_read(item, arena) != NULL;
        if (!shown && wanted[side])
            return error_set(error, ERROR_INVALID, "No. %" PRIu64 ": %s", item->event_seq,
                             item->problem ? item->problem : "cannot be shown");
        if (shown && !keep(&telling->sides[side], item))
            return error_memory(error);
    }
    return ERROR_NONE;
}

static int tell_step(struct telling *telling, const Caravan__Item *item, struct arena *arena)
{
    struct step step = {.item = item, .announcement = cli_item_read(item, arena)};
    bool says = kind_of(item)->says;
    int code = ERROR_NONE;
    bool ok;

    if (says && step.announcement && telling->last.seq) {
        step.compared = telling->last.seq;
        code =
            find_changes(&telling->last, step.announcement, arena, &step.changes, telling->error);
    }
    if (code)
        return code;
    ok = telling->cli->json ? tell_json(telling, &step, arena) : tell_text(telling, &step);
    if (ok && says && step.announcement)
        ok = keep(&telling->last, item);
    telling->gap = says ? !step.announcement : telling->gap;
    telling->steps++;
    return ok ? ERROR_NONE : error_memory(telling->error);
}

static int take_step(struct telling *telling, const Caravan__Item *item)
{
    struct arena arena;
    int code;

    arena_init(&arena, PAGE_ARENA);
    code =
        tells_all(telling) ? tell_step(telling, item, &arena) : keep_sides(telling, item, &arena);
    arena_finish(&arena);
    return code;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void print_header(const struct telling *telling, const Caravan__Item *item,
                         struct arena *arena)
{
    const struct cli *cli = telling->cli;
    struct cli_item_row row;

    cli_item_row(item, arena, (int64_t)time(NULL) * 1000, &row);
    printf("%s", cli_style(cli, CLI_BOLD));
    cli_print_text(stdout, row.name, false);
    printf("%s  %s%s%s\n", cli_style(cli, CLI_PLAIN), row.kind, *row.state ? ", " : "", row.state);
}

/* The first line says how it is now, which is not yet known from its first steps. */
static int ask_header(struct telling *telling, struct arena *arena)
{
    Caravan__ShowRequest request = CARAVAN__SHOW_REQUEST__INIT;
    const Caravan__ShowReply *reply;
    ProtobufCMessage *message;
    int code;

    request.name = telling->name;
    code = client_call(telling->client, "show", &request.base, &caravan__show_reply__descriptor,
                       arena, CLIENT_TIMEOUT_MS, &message, telling->error);
    if (code)
        return code;
    reply = (const Caravan__ShowReply *)message;
    if (!reply->item)
        return error_set(telling->error, ERROR_INTERNAL,
                         "the node's answer has no announcement in it");
    if (telling->cli->json)
        return buffer_append_text(&telling->json, "{\"item\": ") &&
                       cli_item_json(reply->item, NULL, arena, &telling->json)
                   ? ERROR_NONE
                   : error_memory(telling->error);
    print_header(telling, reply->item, arena);
    return ERROR_NONE;
}

/* One page; *after is 0 when it was the last. */
static int take_page(struct telling *telling, uint64_t *after, struct arena *arena)
{
    Caravan__HistoryRequest request = CARAVAN__HISTORY_REQUEST__INIT;
    const Caravan__HistoryReply *reply;
    ProtobufCMessage *message;
    int code;

    request.name = telling->name;
    request.has_after = true;
    request.after = *after;
    code =
        client_call(telling->client, "history", &request.base, &caravan__history_reply__descriptor,
                    arena, CLIENT_TIMEOUT_MS, &message, telling->error);
    if (code)
        return code;
    reply = (const Caravan__HistoryReply *)message;
    for (size_t i = 0; !code && i < reply->n_items; i++)
        code = take_step(telling, reply->items[i]);
    if (!code && reply->next_after && reply->next_after <= *after)
        code = error_set(telling->error, ERROR_INTERNAL, "the node's pages do not go on");
    *after = reply->next_after;
    return code;
}

static int take_pages(struct telling *telling)
{
    uint64_t after = 0;
    int code = ERROR_NONE;

    do {
        struct arena arena;

        arena_init(&arena, PAGE_ARENA);
        code = take_page(telling, &after, &arena);
        arena_finish(&arena);
    } while (!code && after);
    return code;
}

/* --- two steps -------------------------------------------------------------------------------- */

static int check_sides(const struct telling *telling)
{
    const uint64_t wanted[] = {telling->from, telling->to};

    for (int side = 0; side < 2; side++)
        if (!telling->sides[side].seq)
            return wanted[side]
                       ? error_set(telling->error, ERROR_NOT_FOUND,
                                   "--%s: No. %" PRIu64 " is no step of %.80s; the steps are "
                                   "listed by: caravan history %.80s",
                                   side ? "to" : "from", wanted[side], telling->name, telling->name)
                       : error_set(telling->error, ERROR_INVALID, "no step of %.80s can be shown",
                                   telling->name);
    return ERROR_NONE;
}

static bool print_sides(struct telling *telling, const struct difference_list *list)
{
    const struct version *sides = telling->sides;

    if (telling->cli->json)
        return buffer_printf(&telling->json,
                             ", \"from\": \"%" PRIu64 "\", \"to\": \"%" PRIu64 "\", \"changes\": ",
                             sides[0].seq, sides[1].seq) &&
               difference_write_json(list, &telling->json);
    printf("%sfrom No. %" PRIu64 " to No. %" PRIu64 "%s\n", cli_style(telling->cli, CLI_BOLD),
           sides[0].seq, sides[1].seq, cli_style(telling->cli, CLI_PLAIN));
    return print_changes(telling->cli, list);
}

static int compare_sides(struct telling *telling)
{
    struct difference_list list = {NULL, 0};
    struct arena arena;
    int code = check_sides(telling);

    if (code)
        return code;
    arena_init(&arena, PAGE_ARENA);
    code = find_changes(&telling->sides[0], read_version(&telling->sides[1], &arena), &arena, &list,
                        telling->error);
    if (!code && !print_sides(telling, &list))
        code = error_memory(telling->error);
    arena_finish(&arena);
    return code;
}

/* --- the command ------------------------------------------------------------------------------ */

static int tell_all(struct telling *telling)
{
    bool json = telling->cli->json;
    int code = ERROR_NONE;

    if (json && !buffer_append_text(&telling->json, ", \"history\": ["))
        return error_memory(telling->error);
    code = take_pages(telling);
    if (!code && json && !buffer_append_text(&telling->json, "]"))
        code = error_memory(telling->error);
    return code;
}

static int tell_two(struct telling *telling)
{
    int code = take_pages(telling);

    return code ? code : compare_sides(telling);
}

static int tell(struct telling *telling, struct arena *arena)
{
    struct buffer *json = &telling->json;
    int code = ask_header(telling, arena);

    if (!code)
        code = tells_all(telling) ? tell_all(telling) : tell_two(telling);
    if (code || !telling->cli->json)
        return code;
    if (!buffer_append_text(json, "}\n"))
        return error_memory(telling->error);
    cli_item_print_json(stdout, buffer_span(json));
    return ERROR_NONE;
}

/* The number of an entry, as history shows it. */
static int take_number(const char *option, const char *text, uint64_t *number, struct error *error)
{
    char *end = NULL;

    if (!text)
        return ERROR_NONE;
    *number = strtoull(text, &end, 10);
    if (*text < '1' || *text > '9' || *end || strlen(text) > 18)
        return error_set(error, ERROR_USAGE,
                         "%s: found \"%.40s\", expected the number of a step, like 3", option,
                         text);
    return ERROR_NONE;
}

static int run(struct telling *telling)
{
    struct arena arena;
    int code = client_create(telling->cli, &telling->client, telling->error);

    arena_init(&arena, PAGE_ARENA);
    if (!code)
        code = tell(telling, &arena);
    client_destroy(telling->client);
    buffer_finish(&telling->json);
    version_finish(&telling->last);
    version_finish(&telling->sides[0]);
    version_finish(&telling->sides[1]);
    arena_finish(&arena);
    return code;
}

static int run_history(struct cli *cli, int argc, char **argv)
{
    const char *from = NULL, *to = NULL;
    const struct cli_option options[] = {
        {.name = "--from",
         .value = "N",
         .help = "only the difference from this step (else: from the first)",
         .text = &from},
        {.name = "--to", .value = "N", .help = "… to this one (else: to the newest)", .text = &to},
        {.name = NULL}};
    struct error error = {0};
    struct telling telling = {.cli = cli, .error = &error};
    int rest = 0;
    int code = cli_options(cli, &cmd_history, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement: caravan history NAME, for example cn-demo/4");
    if (!code)
        code = take_number("--from", from, &telling.from, &error);
    if (!code)
        code = take_number("--to", to, &telling.to, &error);
    if (!code) {
        telling.name = argv[0];
        code = run(&telling);
    }
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_history = {
    .name = "history",
    .group = CLI_GROUP_READ,
    .usage = "history NAME [--from N] [--to N] [--json]",
    .summary = "show what has changed in one announcement, step by step",
    .help =
        "Each step (published, revised, withdrawn) with its number, when the publisher says it "
        "was\n"
        "made and when it arrived here, and what it has changed since the step before, field by\n"
        "field: what was removed stands behind \"-\", what is there now behind \"+\". Of long "
        "texts\n"
        "only the changed words are shown, with a little around them. --from and --to take the\n"
        "numbers of two steps and show the difference between them; --json has the whole texts.\n\n"
        "Example: caravan history cn-demo/4\n"
        "Example: caravan history cn-demo/4 --from 4 --to 9",
    .run = run_history,
};
