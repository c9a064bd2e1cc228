/* list: the announcements that this node holds, newest first, or those that close soonest. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/text.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_filter.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_soonest.h"
#include "node/cli/client.h"

#define LIMIT_DEFAULT 100
#define PAGE 500

/* Rows of the table, kept until the widths of its columns are known. */
struct rows {
    struct cli_item_row *items;
    size_t count, capacity;
};

struct listing {
    const struct cli *cli;
    struct client *client;
    struct cli_filter filter;
    uint64_t limit; /* 0: all */
    int64_t now_ms;
    uint64_t shown, total;
    bool counted, counting; /* total is known; it will be */
    bool more;              /* there are more than were asked for */
    bool begun;             /* a page has come */
    bool by_deadline;       /* all are read, and kept here until the end */
    struct cli_soonest soonest;
    struct rows rows;
    struct arena arena; /* what rows point to */
    struct buffer json;
};

/* Rows of a very long list take memory until they are printed: print in parts of this many. */
#define ROWS_MAX 1000

static bool add_row(struct listing *listing, const Caravan__Item *item)
{
    struct rows *rows = &listing->rows;

    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
        struct cli_item_row *items = realloc(rows->items, capacity * sizeof *items);

        if (!items)
            return false;
        rows->items = items;
        rows->capacity = capacity;
    }
    cli_item_row(item, &listing->arena, listing->now_ms, &rows->items[rows->count++]);
    return true;
}

static void print_json_item(struct listing *listing, const Caravan__Item *item)
{
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    buffer_clear(&listing->json);
    if (cli_item_json(item, NULL, &arena, &listing->json)) {
        fputs(listing->shown ? ",\n  " : "\n  ", stdout);
        cli_item_print_json(stdout, buffer_span(&listing->json));
    }
    arena_finish(&arena);
}

/* --- table ------------------------------------------------------------------------------------ */

/* title 0: as long as it is; countries 0: no room for that column; apply 0: it was not asked; also
 * 0: nothing is in it. In a column of its own no title can pretend to it. */
struct widths {
    size_t name, kind, state, when, countries, apply, also, title;
};

/* A title needs so many columns to say something. */
#define TITLE_MIN 30

static size_t widest(size_t width, const char *text, size_t most)
{
    size_t columns = text_columns(text);

    return columns > most ? most : columns > width ? columns : width;
}

static struct widths measure(const struct rows *rows)
{
    struct widths widths = {.name = 4, .kind = 4, .state = 5, .when = 8, .countries = 9};
    size_t terminal = cli_item_terminal_columns();
    size_t used;

    for (size_t i = 0; i < rows->count; i++) {
        const struct cli_item_row *row = &rows->items[i];

        widths.name = widest(widths.name, row->name, 40);
        widths.kind = widest(widths.kind, row->kind, 16);
        widths.state = widest(widths.state, row->state, 12);
        widths.when = widest(widths.when, row->when, 10);
        widths.countries = widest(widths.countries, row->countries, 14);
        if (*row->apply)
            widths.apply = 5;
        if (*row->also)
            widths.also = widest(widths.also ? widths.also : 4, row->also, 40);
    }
    used = widths.name + widths.kind + widths.state + widths.when + widths.countries + 10;
    used += widths.apply ? widths.apply + 2 : 0;
    used += widths.also ? widths.also + 2 : 0;
    if (terminal && terminal < used + TITLE_MIN) {
        used -= widths.countries + 2;
        widths.countries = 0;
    }
    if (terminal)
        widths.title = terminal > used + TITLE_MIN ? terminal - used : TITLE_MIN;
    return widths;
}

static void print_cell(const char *text, size_t width)
{
    cli_item_print_fit(stdout, text, width);
    fputs("  ", stdout);
}

static const char *state_style(const struct cli *cli, const char *state)
{
    if (strcmp(state, "open") == 0)
        return cli_style(cli, CLI_GOOD);
    if (strcmp(state, "forthcoming") == 0 || strcmp(state, "planned") == 0)
        return cli_style(cli, CLI_WARN);
    return cli_style(cli, CLI_DIM);
}

static const char *apply_style(const struct cli *cli, const char *apply)
{
    return cli_style(cli, strcmp(apply, "yes") == 0  ? CLI_GOOD
                          : strcmp(apply, "no") == 0 ? CLI_BAD
                                                     : CLI_WARN);
}

static void print_title(const struct cli *cli, const struct cli_item_row *row, size_t width)
{
    struct buffer title = {0};

    if (*row->mark)
        buffer_printf(&title, "[%s] ", row->mark);
    buffer_append_text(&title, row->title);
    if (row->unreadable)
        fputs(cli_style(cli, CLI_BAD), stdout);
    if (width && text_columns(buffer_text(&title)) <= width)
        width = 0; /* no spaces at the end of a line */
    cli_item_print_fit(stdout, buffer_text(&title), width);
    if (row->unreadable)
        fputs(cli_style(cli, CLI_PLAIN), stdout);
    buffer_finish(&title);
}

static void print_row(const struct cli *cli, const struct cli_item_row *row,
                      const struct widths *widths)
{
    const char *plain = cli_style(cli, CLI_PLAIN);

    fputs(cli_style(cli, CLI_BOLD), stdout);
    print_cell(row->name, widths->name);
    fputs(plain, stdout);
    print_cell(row->kind, widths->kind);
    fputs(state_style(cli, row->state), stdout);
    print_cell(row->state, widths->state);
    fputs(plain, stdout);
    print_cell(row->when, widths->when);
    if (widths->countries)
        print_cell(row->countries, widths->countries);
    if (widths->apply) {
        fputs(apply_style(cli, row->apply), stdout);
        print_cell(row->apply, widths->apply);
        fputs(plain, stdout);
    }
    if (widths->also)
        print_cell(row->also, widths->also);
    print_title(cli, row, widths->title);
    putchar('\n');
}

/* What stands in the way, in a line of its own. */
static void print_why(const struct cli *cli, const struct cli_item_row *row)
{
    if (!*row->apply || strcmp(row->apply, "yes") == 0)
        return;
    printf("    %s%s: ", cli_style(cli, CLI_DIM), row->apply);
    cli_print_text(stdout, row->why, false);
    printf("%s\n", cli_style(cli, CLI_PLAIN));
}

static void print_table(struct listing *listing)
{
    struct widths widths = measure(&listing->rows);
    static const struct cli_item_row head = {.name = "NAME",
                                             .kind = "KIND",
                                             .state = "STATE",
                                             .when = "DEADLINE",
                                             .countries = "COUNTRIES",
                                             .also = "ALSO",
                                             .title = "TITLE",
                                             .apply = "APPLY",
                                             .mark = ""};
    struct cli plain = *listing->cli;

    plain.colour = false;
    if (listing->shown == listing->rows.count && listing->rows.count)
        print_row(&plain, &head, &widths);
    for (size_t i = 0; i < listing->rows.count; i++) {
        print_row(listing->cli, &listing->rows.items[i], &widths);
        print_why(listing->cli, &listing->rows.items[i]);
    }
    listing->rows.count = 0;
    arena_finish(&listing->arena);
    arena_init(&listing->arena, SIZE_MAX);
}

/* --- asking ----------------------------------------------------------------------------------- */

static int take_item(struct listing *listing, const Caravan__Item *item, struct error *error)
{
    if (listing->cli->json)
        print_json_item(listing, item);
    else if (!add_row(listing, item))
        return error_memory(error);
    listing->shown++;
    return ERROR_NONE;
}

static int take_page(struct listing *listing, const Caravan__ListReply *reply, struct error *error)
{
    int code = ERROR_NONE;

    if (listing->cli->json && !listing->begun)
        fputs("{\"items\": [", stdout); /* now that the node has not refused */
    listing->begun = true;
    if (listing->by_deadline)
        code = cli_soonest_add(&listing->soonest, reply->items, reply->n_items, error);
    for (size_t i = 0; !code && !listing->by_deadline && i < reply->n_items; i++)
        code = take_item(listing, reply->items[i], error);
    if (code)
        return code;
    listing->counted = reply->has_total;
    listing->counting = reply->counting;
    listing->total = reply->total;
    if (listing->rows.count >= ROWS_MAX)
        print_table(listing);
    return ERROR_NONE;
}

static int ask(struct listing *listing, Caravan__ListRequest *request, struct error *error)
{
    struct arena page;
    ProtobufCMessage *message;
    int code;

    /* A table's rows point into the replies; JSON is printed at once, and what is sorted is copied.
     */
    arena_init(&page, LIMIT_ARENA_SIZE);
    code = client_call(listing->client, "list", &request->base, &caravan__list_reply__descriptor,
                       listing->cli->json || listing->by_deadline ? &page : &listing->arena,
                       CLIENT_TIMEOUT_MS, &message, error);
    if (!code) {
        const Caravan__ListReply *reply = (const Caravan__ListReply *)message;

        request->before_arrival = reply->next_before;
        code = take_page(listing, reply, error);
    }
    arena_finish(&page);
    return code;
}

/* A page may be short, even empty, and others behind it: then the node had read enough at once. */
static int list_all(struct listing *listing, struct error *error)
{
    Caravan__ListRequest request = CARAVAN__LIST_REQUEST__INIT;
    int code = ERROR_NONE;

    request.filter = &listing->filter.filter;
    request.has_limit = request.has_before_arrival = true;
    listing->more = true;
    while (!code && listing->more && (!listing->limit || listing->shown < listing->limit)) {
        uint64_t left = listing->limit ? listing->limit - listing->shown : PAGE;

        request.limit = left < PAGE && !listing->by_deadline ? (uint32_t)left : PAGE;
        code = ask(listing, &request, error);
        listing->more = request.before_arrival != 0;
    }
    /* Scripts get the total also right after the start of a node that holds very much, when the
     * node takes some seconds to count. Before arrival 1 there is nothing to list. */
    while (!code && listing->cli->json && listing->counting) {
        request.before_arrival = 1;
        code = ask(listing, &request, error);
    }
    return code;
}

/* What was kept, nearest deadline first. */
static int take_soonest(struct listing *listing, struct error *error)
{
    int code = ERROR_NONE;

    for (size_t i = 0; !code && i < listing->soonest.count; i++) {
        struct arena page;
        const Caravan__Item *item;

        arena_init(&page, LIMIT_ARENA_SIZE);
        item = cli_soonest_get(&listing->soonest, i, listing->cli->json ? &page : &listing->arena);
        code = item ? take_item(listing, item, error) : error_memory(error);
        if (listing->rows.count >= ROWS_MAX)
            print_table(listing);
        arena_finish(&page);
    }
    return code;
}

static void print_end(struct listing *listing)
{
    if (listing->cli->json) {
        fputs(listing->shown ? "\n]" : "]", stdout);
        if (listing->counted)
            printf(", \"total\": \"%" PRIu64 "\"", listing->total);
        fputs("}\n", stdout);
        return;
    }
    print_table(listing);
    if (listing->shown == 0)
        fputs("no announcement matches\n", stderr);
    else if (listing->by_deadline && listing->shown < listing->total)
        fprintf(stderr, "the nearest %" PRIu64 " of %" PRIu64 "; --limit all shows the rest\n",
                listing->shown, listing->total);
    else if (listing->more && !listing->counted)
        fprintf(stderr, "the newest %" PRIu64 "; --limit all shows the rest\n", listing->shown);
    else if (listing->shown < listing->total)
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 "; --limit all shows the rest\n", listing->shown,
                listing->total);
}

static int take_limit(const char *text, uint64_t *limit, struct error *error)
{
    char *end;

    if (!text) {
        *limit = LIMIT_DEFAULT;
        return ERROR_NONE;
    }
    *limit = strtoull(text, &end, 10);
    if (strcmp(text, "all") == 0)
        *limit = 0;
    else if (*text < '1' || *text > '9' || *end || strlen(text) > 9)
        return error_set(error, ERROR_USAGE, "--limit: found \"%.40s\", expected a number or all",
                         text);
    return ERROR_NONE;
}

static int run_list(struct cli *cli, int argc, char **argv)
{
    struct listing listing = {.cli = cli, .now_ms = (int64_t)time(NULL) * 1000};
    const char *limit = NULL;
    bool all = false;
    const struct cli_option options[] = {
        CLI_FILTER_OPTIONS(listing.filter),
        {.name = "--all",
         .help = "withdrawn ones, other entries, and what one may not apply for, too",
         .flag = &all},
        {.name = "--limit", .value = "N", .help = "at most so many (100; or all)", .text = &limit},
        {.name = NULL}};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_list, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code)
        code = cli_filter_check_rest(&listing.filter, rest, argv, &error);
    if (!code && rest > 0)
        code = error_set(&error, ERROR_USAGE,
                         "list takes options only; to see one announcement: caravan show %.60s",
                         argv[0]);
    if (!code)
        code = take_limit(limit, &listing.limit, &error);
    if (!code)
        code = cli_filter_take(&listing.filter, &error);
    if (code)
        return cli_fail(cli, &error);
    listing.filter.filter.has_withdrawn = listing.filter.filter.has_other = true;
    listing.filter.filter.has_ineligible = true;
    listing.filter.filter.withdrawn = listing.filter.filter.other = all;
    listing.filter.filter.ineligible = all;
    listing.by_deadline = listing.filter.closing_within != NULL;
    listing.soonest.limit = (size_t)listing.limit;
    arena_init(&listing.arena, SIZE_MAX);
    code = client_create(cli, &listing.client, &error);
    if (!code)
        code = list_all(&listing, &error);
    if (!code)
        code = take_soonest(&listing, &error);
    if (!code)
        print_end(&listing);
    client_destroy(listing.client);
    arena_finish(&listing.arena);
    free(listing.rows.items);
    cli_soonest_finish(&listing.soonest);
    buffer_finish(&listing.json);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_list = {
    .name = "list",
    .group = CLI_GROUP_READ,
    .usage = "list [--kind KIND] [--country COUNTRY] [--field FIELD] [--handle HANDLE] [--all]\n"
             "list [--open] [--closing-within TIME] [--for-us | --for COUNTRY,KIND]\n"
             "list --json",
    .summary = "list the announcements that this node holds",
    .help =
        "Newest first: name, kind, state, last day to apply, countries, title. Conditions must\n"
        "all hold; one that stands several times holds when one of its values does. An\n"
        "announcement that cannot be shown is listed with the reason. Announcements that agree\n"
        "that they are one call are one row, with the others under ALSO; it is there when one of\n"
        "them matches.\n\n"
        "--open: what one can apply to now, by its dates; planned and forthcoming ones are not. A\n"
        "day without a time zone ends when it has ended everywhere. --closing-within: of these, "
        "the\n"
        "ones whose last deadline is near, the nearest first.\n\n"
        "--for-us: what this institution may apply for, by the rules that a program can read\n"
        "(countries, kinds of organisation, owners, consortia; see node.yaml for its own). APPLY\n"
        "says yes, or ? where it cannot be told, with the reason; what a rule excludes is left "
        "out,\n"
        "and shown with that rule by --all. --for TH,university asks for another institution.\n\n"
        "With --json every item has the announcement as ProtoJSON under \"announcement\".\n\n"
        "Example: caravan list --kind \"joint call\" --country Thailand\n"
        "Example: caravan list --for-us --closing-within 14d",
    .run = run_list,
};
