/* history: every step of one announcement, and what each has changed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/announcement.h"
#include "node/cli/cli_change.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_voice.h"
#include "node/cli/client.h"
#include "proto/answer.pb-c.h"

#define INDENT 2
/* A page of the history and what is read from it. */
#define PAGE_ARENA (8 * (size_t)LIMIT_ARENA_SIZE)

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
    const Caravan__ShowReply *now; /* with the voices, by their arrival */
    size_t voice;                  /* the next of them to be told */
    struct version last;           /* the newest step so far that can be shown */
    bool gap;                      /* … but not the newest one of all */
    bool began;                    /* a step that says the announcement was told */
    struct buffer json;
    size_t steps;
    /* of --from and --to; 0: not given */
    uint64_t from, to;
    struct version sides[2];
    struct error *error;
};

/* What a step is called, and whether it says the announcement anew; cli_item_event names it for
 * scripts. */
struct step_kind {
    uint32_t content_type;
    const char *label; /* NULL: as for scripts */
    bool says;         /* it is compared with what was said before */
    /* below it; NULL: nothing. false when memory runs out */
    bool (*print_more)(const struct telling *, const struct step *, struct arena *);
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

/* The terms of an institution; NULL: it is no party. */
static const Caravan__Party *party_of(const Caravan__Announcement *announcement,
                                      const ProtobufCBinaryData *speaker)
{
    for (size_t i = 0; i < announcement->n_parties; i++) {
        const ProtobufCBinaryData *feed = &announcement->parties[i]->node_id;

        if (span_equal(span_of(feed->data, feed->len), span_of(speaker->data, speaker->len)))
            return announcement->parties[i];
    }
    return NULL;
}

/* What a proposal would change of the newest step so far. */
static int find_proposed(const struct telling *telling, struct step *step, struct arena *arena)
{
    const Caravan__Proposal *proposal =
        (const Caravan__Proposal *)cli_voice_read(step->item, arena);
    const Caravan__Announcement *read =
        telling->last.seq ? read_version(&telling->last, arena) : NULL;
    const Caravan__Party *before = read ? party_of(read, &step->item->speaker) : NULL;

    if (!before || !proposal || !proposal->party)
        return ERROR_NONE;
    step->compared = telling->last.seq;
    return difference_find(&before->base, &proposal->party->base, read->language, arena,
                           &step->changes, telling->error);
}

/* --- text ------------------------------------------------------------------------------------- */

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
    return cli_change_print(cli, stdout, list, INDENT);
}

/* In all languages: which one the reader knows is not known. */
static void print_texts(Caravan__LocalizedText *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!texts[i]->text)
            continue;
        printf("%*s", INDENT, "");
        cli_print_text(stdout, texts[i]->text, false);
        putchar('\n');
    }
}

static bool print_reason(const struct telling *telling, const struct step *step,
                         struct arena *arena)
{
    (void)telling;
    (void)arena;
    print_texts(step->item->reason, step->item->n_reason);
    return true;
}

static bool print_refused(const struct telling *telling, const Caravan__AnnouncementName *refusal)
{
    const Caravan__Side *side = cli_voice_refused(telling->now->item, refusal);
    char text[96];

    snprintf(text, sizeof text, "what %.40s proposed as its No. %" PRIu64,
             side && *side->handle ? side->handle : "a side", refusal->seq);
    print_remark(telling->cli, CLI_PLAIN, text);
    return true;
}

/* Which revision is meant: of each institution only the newest word is here, so its side knows. */
static bool print_confirmed(const struct telling *telling, const struct step *step,
                            struct arena *arena)
{
    const Caravan__Side *side = cli_voice_side(telling->now->item, step->item);
    char text[64] = "a revision that is not here";

    if (cli_voice_refusal(step->item, arena))
        return print_refused(telling, cli_voice_refusal(step->item, arena));
    if (side && side->by_seq == step->item->event_seq && side->revision)
        snprintf(text, sizeof text, "what No. %" PRIu64 " says", side->revision);
    print_remark(telling->cli, CLI_PLAIN, text);
    return true;
}

static bool print_proposed(const struct telling *telling, const struct step *step,
                           struct arena *arena)
{
    const Caravan__Side *side = cli_voice_side(telling->now->item, step->item);
    const Caravan__Proposal *proposal =
        (const Caravan__Proposal *)cli_voice_read(step->item, arena);

    if (proposal)
        print_texts(proposal->reason, proposal->n_reason);
    if (!side || side->proposal_seq != step->item->event_seq)
        print_remark(telling->cli, CLI_DIM, "not proposed any more: taken over, or withdrawn");
    else if (side->has_refused_seq)
        print_remark(telling->cli, CLI_DIM, "refused");
    return !step->compared || print_changes(telling->cli, &step->changes);
}

static bool print_outcome(const struct telling *telling, const struct step *step,
                          struct arena *arena)
{
    struct buffer outcome = {0};
    bool ok = cli_voice_outcome(step->item, arena, &outcome);

    print_remark(telling->cli, CLI_PLAIN, buffer_text(&outcome));
    buffer_finish(&outcome);
    return ok;
}

static const struct step_kind step_kinds[] = {
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT, "published", true, NULL},
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_SEALED, "published", true, NULL}, /* and erased since */
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION, "revised", true, NULL},
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL, "withdrawn", false, print_reason},
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION, NULL, false, print_confirmed},
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROPOSAL, "proposed other terms", false, print_proposed},
    {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_OUTCOME, "said what came of it", false, print_outcome},
};

static const struct step_kind *kind_of(const Caravan__Item *item)
{
    static const struct step_kind other = {0, "entry", false, NULL};

    for (size_t i = 0; i < sizeof step_kinds / sizeof *step_kinds; i++)
        if (step_kinds[i].content_type == item->content_type)
            return &step_kinds[i];
    return &other;
}

static void print_step(const struct telling *telling, const Caravan__Item *item)
{
    const struct cli *cli = telling->cli;
    const char *label = kind_of(item)->label;

    printf("%sNo. %" PRIu64 "%s", cli_style(cli, CLI_BOLD), item->event_seq,
           cli_style(cli, CLI_PLAIN));
    if (item->has_said) {
        fputs(" of ", stdout);
        cli_print_text(stdout, item->speaker_handle, false);
    }
    printf("  %s ", label ? label : cli_item_event(item));
    cli_print_time(stdout, item->created_ms);
    if (item->has_said ? !cli_voice_is_ours(telling->now->item, item) : !item->own) {
        fputs(", received ", stdout);
        cli_print_time(stdout, item->received_ms);
    }
    putchar('\n');
}

/* What a step says, or why it cannot be said. */
static bool tell_text(const struct telling *telling, const struct step *step, struct arena *arena)
{
    const struct cli *cli = telling->cli;

    print_step(telling, step->item);
    if (!kind_of(step->item)->says)
        return !kind_of(step->item)->print_more ||
               kind_of(step->item)->print_more(telling, step, arena);
    if (!step->announcement)
        print_remark(cli, CLI_BAD, step->item->problem ? step->item->problem : "cannot be shown");
    else if (!step->compared && !telling->began)
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
    const Caravan__Item *item = step->item;
    struct buffer *out = &telling->json;
    bool ok = buffer_append_text(out, telling->steps ? ", " : "") &&
              (item->has_said ? cli_voice_json(item, arena, out)
                              : cli_item_json(item, cli_item_event(item), arena, out));

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
    if (!code && item->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROPOSAL)
        code = find_proposed(telling, &step, arena);
    if (code)
        return code;
    ok = telling->cli->json ? tell_json(telling, &step, arena) : tell_text(telling, &step, arena);
    if (ok && says && step.announcement)
        ok = keep(&telling->last, item);
    telling->gap = says ? !step.announcement : telling->gap;
    telling->began = telling->began || says;
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

/* What others (and the publisher itself) have said of it before this arrival. */
static int tell_voices(struct telling *telling, uint64_t before)
{
    const Caravan__ShowReply *now = telling->now;
    int code = ERROR_NONE;

    while (!code && telling->voice < now->n_voices && now->voices[telling->voice]->arrival < before)
        code = take_step(telling, now->voices[telling->voice++]);
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
    printf("%s  %s%s%s\n", cli_style(cli, CLI_PLAIN), cli_item_kind(&row), *row.state ? ", " : "",
           row.state);
}

/* The first line says how it is now, which is not yet known from its first steps. */
static int ask_header(struct telling *telling, struct arena *arena)
{
    struct cli_found found;
    int code = cli_find_any(telling->client, telling->name, arena, &found, telling->error);

    if (code)
        return code;
    telling->now = found.shown;
    if (telling->cli->json)
        return buffer_append_text(&telling->json, "{\"item\": ") &&
                       cli_item_json(found.item, NULL, arena, &telling->json)
                   ? ERROR_NONE
                   : error_memory(telling->error);
    print_header(telling, found.item, arena);
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
    for (size_t i = 0; !code && i < reply->n_items; i++) {
        if (tells_all(telling))
            code = tell_voices(telling, reply->items[i]->arrival);
        if (!code)
            code = take_step(telling, reply->items[i]);
    }
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
    if (!code)
        code = tell_voices(telling, UINT64_MAX);
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
        "Each step (published, revised, withdrawn; and the newest word of each side: confirmed,\n"
        "declined, proposed, outcome) with its number, when its institution says it was\n"
        "made and when it arrived here, and what it has changed since the step before, field by\n"
        "field: what was removed stands behind \"-\", what is there now behind \"+\". Of long "
        "texts\n"
        "only the changed words are shown, with a little around them. --from and --to take the\n"
        "numbers of two steps and show the difference between them; --json has the whole texts.\n\n"
        "Example: caravan history cn-demo/4\n"
        "Example: caravan history cn-demo/4 --from 4 --to 9",
    .run = run_history,
};
