/* show: one announcement as people write it, with its state, its history and who has it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "common/difference.h"
#include "common/guard.h"
#include "node/cli/cli_about.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_names.h"
#include "node/cli/cli_sides.h"
#include "node/cli/cli_voice.h"
#include "node/cli/cli_written.h"
#include "node/cli/client.h"

struct showing {
    const struct cli *cli;
    const Caravan__ShowReply *reply;
    const Caravan__CoverageReply *coverage; /* own announcements only; else NULL */
    struct cli_about about;                 /* of an entry that says something of an announcement */
    struct arena *arena;
    int64_t now_ms;
    bool file; /* --file */
};

/* The last entry that is about it. */
static uint64_t last_seq(const Caravan__ShowReply *reply)
{
    uint64_t seq = reply->item->seq;

    for (size_t i = 0; i < reply->n_history; i++)
        if (reply->history[i]->event_seq > seq)
            seq = reply->history[i]->event_seq;
    return seq;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static bool append_rows(struct buffer *out, Caravan__Coverage *const *rows, size_t count)
{
    bool ok = buffer_append_text(out, ", \"received_by\": [");

    for (size_t i = 0; ok && i < count; i++)
        ok = buffer_append_text(out, i ? ", " : "") && codec_write_json(&rows[i]->base, out);
    return ok && buffer_append_text(out, "]");
}

static bool write_json(const struct showing *showing, struct buffer *out)
{
    const Caravan__ShowReply *reply = showing->reply;
    const Caravan__Announcement *announcement = cli_item_read(reply->item, showing->arena);
    bool ok = buffer_append_text(out, "{\"item\": ") &&
              cli_item_json(reply->item, NULL, showing->arena, out);

    if (ok && announcement)
        ok = buffer_printf(out, ", \"state\": \"%s\"",
                           reply->item->withdrawn ? "withdrawn"
                                                  : announcement_state_name(announcement_state_at(
                                                        announcement, showing->now_ms)));
    ok = ok && cli_about_json(&showing->about, showing->arena, out);
    ok = ok && buffer_append_text(out, ", \"history\": [");
    for (size_t i = 0; ok && i < reply->n_history; i++)
        ok = buffer_append_text(out, i ? ", " : "") &&
             cli_item_json(reply->history[i], cli_item_event(reply->history[i]), showing->arena,
                           out);
    ok = ok && buffer_append_text(out, "], \"voices\": [");
    for (size_t i = 0; ok && i < reply->n_voices; i++)
        ok = buffer_append_text(out, i ? ", " : "") &&
             cli_voice_json(reply->voices[i], showing->arena, out);
    ok = ok && buffer_append_text(out, "], \"differences\": ") &&
         cli_sides_json(reply, out, NULL) == ERROR_NONE;
    ok = ok && buffer_append_text(out, ", \"group\": [");
    for (size_t i = 0; ok && i < reply->n_group; i++)
        ok = buffer_append_text(out, i ? ", " : "") &&
             cli_item_json(reply->group[i], NULL, showing->arena, out);
    ok = ok && buffer_append_text(out, "]");
    if (ok && showing->coverage)
        ok = append_rows(out, showing->coverage->received_by, showing->coverage->n_received_by);
    return ok && buffer_append_text(out, "}\n");
}

/* --- text ------------------------------------------------------------------------------------- */

static void print_label(const struct cli *cli, const char *label)
{
    printf("%s%-12s%s ", cli_style(cli, CLI_DIM), label, cli_style(cli, CLI_PLAIN));
}

/* In the reader's own language first would need to know it; the authentic one is right for all. */
static void print_reason(const Caravan__Item *item)
{
    if (item->n_reason == 0 || !item->reason[0]->text)
        return;
    fputs(": ", stdout);
    cli_print_text(stdout, item->reason[0]->text, false);
}

/* now: the announcement as it is; why it cannot be shown is said below, once. */
static void print_event(const struct cli *cli, const Caravan__Item *now, const Caravan__Item *item)
{
    static const struct {
        uint32_t type;
        const char *label;
    } labels[] = {
        {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT, "Published"},
        {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION, "Revised"},
        {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL, "Withdrawn"},
    };
    const char *label = "Entry";

    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (labels[i].type == item->content_type)
            label = labels[i].label;
    print_label(cli, label);
    cli_print_time(stdout, item->created_ms);
    printf(" as No. %" PRIu64, item->event_seq);
    if (item->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL)
        print_reason(item);
    else if (item->problem && !(now->problem && strcmp(now->problem, item->problem) == 0)) {
        fputs("; ", stdout);
        cli_print_text(stdout, item->problem, false);
    }
    putchar('\n');
}

static bool print_lines(const struct cli *cli, const char *label, struct buffer *lines,
                        const char *name)
{
    char *rest = NULL, *copy = strdup(buffer_text(lines));

    for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        print_label(cli, label);
        cli_print_text(stdout, line, false);
        if (name) {
            fputs(", ", stdout);
            cli_print_text(stdout, name, false);
        }
        putchar('\n');
    }
    free(copy);
    return copy != NULL;
}

static void print_eligible(const struct cli *cli, const struct cli_item_row *row)
{
    if (!*row->apply)
        return;
    print_label(cli, "For us");
    printf("%s: ", strcmp(row->apply, "?") == 0 ? "cannot tell" : row->apply);
    cli_print_text(stdout, row->why, false);
    putchar('\n');
}

/* Do all that are one call have the same deadlines? */
static bool has_one_deadline(const struct showing *showing, struct buffer *own)
{
    bool same = true;

    for (size_t i = 0; i < showing->reply->n_group && same; i++) {
        const Caravan__Announcement *other =
            cli_item_read(showing->reply->group[i], showing->arena);
        struct buffer lines = {0};

        same = !other || (cli_item_deadlines(other, &lines) &&
                          strcmp(buffer_text(&lines), buffer_text(own)) == 0);
        buffer_finish(&lines);
    }
    return same;
}

/* Where those that are one call differ, each with its name. */
static bool print_deadlines(const struct showing *showing,
                            const Caravan__Announcement *announcement)
{
    const Caravan__ShowReply *reply = showing->reply;
    struct buffer lines = {0};
    bool ok = cli_item_deadlines(announcement, &lines), same = has_one_deadline(showing, &lines);

    ok = ok && print_lines(showing->cli, "Deadline", &lines, same ? NULL : reply->item->name);
    for (size_t i = 0; i < reply->n_group && ok && !same; i++) {
        const Caravan__Announcement *other = cli_item_read(reply->group[i], showing->arena);

        buffer_clear(&lines);
        ok = !other || (cli_item_deadlines(other, &lines) &&
                        print_lines(showing->cli, "Deadline", &lines, reply->group[i]->name));
    }
    buffer_finish(&lines);
    return ok;
}

/* --- links ------------------------------------------------------------------------------------ */

static void print_also(const struct cli *cli, const Caravan__Item *item)
{
    if (!item->n_also)
        return;
    print_label(cli, "One with");
    for (size_t i = 0; i < item->n_also; i++) {
        fputs(i ? ", " : "", stdout);
        cli_print_text(stdout, item->also[i]->name, false);
    }
    putchar('\n');
}

/* "parties", of "parties / RSF / money". */
static size_t field_size(const char *path)
{
    const char *slash = strstr(path, " / ");

    return slash ? (size_t)(slash - path) : strlen(path);
}

static bool print_fields(const struct difference_list *list)
{
    const char *last = NULL;
    bool any = false;

    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->items[i].path;
        size_t size = field_size(path);

        if (last && field_size(last) == size && strncmp(last, path, size) == 0)
            continue;
        if (!(size == 7 && strncmp(path, "related", 7) == 0)) {
            printf("%s%.*s", any ? ", " : "", (int)size, path);
            any = true;
        }
        last = path;
    }
    return any;
}

/* What the others that are one with it say otherwise: which fields. */
static bool print_differences(const struct showing *showing, const Caravan__Announcement *own)
{
    int code = ERROR_NONE;

    for (size_t i = 0; i < showing->reply->n_group && !code; i++) {
        const Caravan__Item *item = showing->reply->group[i];
        const Caravan__Announcement *other = cli_item_read(item, showing->arena);
        struct difference_list list = {0};
        struct arena arena;

        if (!other)
            continue;
        arena_init(&arena, LIMIT_ARENA_SIZE);
        code = difference_find(&own->base, &other->base, own->language, &arena, &list, NULL);
        if (!code) {
            print_label(showing->cli, "Compared");
            cli_print_text(stdout, item->name, false);
            fputs(": ", stdout);
            fputs(print_fields(&list) ? " differ\n" : "says the same\n", stdout);
        }
        arena_finish(&arena);
    }
    return !code;
}

static void print_link(const struct cli *cli, const Caravan__ItemLink *link)
{
    char rel[CODEC_NAME_SIZE];
    const char *name = link->name, *slash = strrchr(name, '/');
    bool one = link->state == CARAVAN__LINK_STATE__LINK_STATE_ONE_SIDED;

    if (link->state == CARAVAN__LINK_STATE__LINK_STATE_ONE)
        return; /* it is told already */
    codec_enum_text(&caravan__related_rel__descriptor, (int)link->rel, rel);
    print_label(cli, "Link");
    printf("%s%s ", one ? "says it is the " : "", one ? "same as" : rel);
    cli_print_text(stdout, name, false);
    if (one) {
        printf("; %.*s does not say so", slash ? (int)(slash - name) : (int)strlen(name), name);
        if (link->own)
            printf(" (we)");
    } else if (link->state == CARAVAN__LINK_STATE__LINK_STATE_CROWDED)
        fputs("; too many are linked with each other to be shown as one", stdout);
    else if (link->state == CARAVAN__LINK_STATE__LINK_STATE_NOT_HERE)
        fputs(", which is not here or cannot be shown", stdout);
    else if (link->state == CARAVAN__LINK_STATE__LINK_STATE_WITHDRAWN)
        fputs(", which was withdrawn", stdout);
    putchar('\n');
}

/* "confirmed No. 5, an earlier revision": where a side stands, of the revision in force. */
static void print_side_state(const Caravan__Item *item, const Caravan__Side *side)
{
    switch (side->state) {
    case CARAVAN__SIDE_STATE__SIDE_STATE_PUBLISHER:
        fputs("publishes it", stdout);
        break;
    case CARAVAN__SIDE_STATE__SIDE_STATE_CONFIRMED:
        printf("confirmed, in %s No. %" PRIu64, side->own ? "our" : "its", side->by_seq);
        break;
    case CARAVAN__SIDE_STATE__SIDE_STATE_EARLIER:
        printf("confirmed an earlier revision, No. %" PRIu64, side->revision);
        break;
    case CARAVAN__SIDE_STATE__SIDE_STATE_ELSEWHERE:
        fputs("confirmed a revision that is not here", stdout);
        break;
    case CARAVAN__SIDE_STATE__SIDE_STATE_DECLINED:
        printf("declined%s", side->revision == (item->revised_by ? item->revised_by : item->seq)
                                 ? ""
                                 : " an earlier revision");
        break;
    default:
        fputs("proposed, not confirmed", stdout);
    }
}

/* "proposes other terms, in its No. 5:" */
static void print_proposal_state(const Caravan__Item *item, const Caravan__Side *side)
{
    const char *whose = side->own ? "our" : "its";

    if (!side->has_refused_seq) {
        printf("proposes other terms, in %s No. %" PRIu64 ":\n", whose, side->proposal_seq);
        return;
    }
    printf("proposed other terms, in %s No. %" PRIu64 "; refused by ", whose, side->proposal_seq);
    cli_print_text(stdout, *item->handle ? item->handle : "its publisher", false);
    printf(" (No. %" PRIu64 "):\n", side->refused_seq);
}

/* "caravan accept th-demo/4 --from cn-demo" */
static void print_decision(const char *command, const Caravan__Item *item,
                           const Caravan__Side *side)
{
    printf("caravan %s ", command);
    cli_print_text(stdout, item->name, false);
    fputs(" --from ", stdout);
    cli_print_text(stdout, side->handle, false);
}

/* What waits for us because of this side. */
static void print_to_do(const struct cli *cli, const Caravan__Item *item, const Caravan__Side *side)
{
    if (side->own && side->state != CARAVAN__SIDE_STATE__SIDE_STATE_PUBLISHER &&
        side->state != CARAVAN__SIDE_STATE__SIDE_STATE_CONFIRMED &&
        side->state != CARAVAN__SIDE_STATE__SIDE_STATE_DECLINED) {
        print_label(cli, "To do");
        fputs("caravan confirm ", stdout);
        cli_print_text(stdout, item->name, false);
        putchar('\n');
    } else if (item->own && side->has_proposal_seq && !side->has_refused_seq) {
        print_label(cli, "To do");
        print_decision("accept", item, side);
        fputs(", or ", stdout);
        print_decision("refuse", item, side);
        putchar('\n');
    }
}

/* Under the text behind a label, and two more. */
#define SIDE_INDENT 15

/* Where one side stands, and what is different for it. false when memory runs out. */
static bool print_side(const struct cli *cli, const Caravan__ShowReply *reply,
                       const Caravan__Side *side)
{
    const Caravan__Item *item = reply->item;
    bool ok = true;

    print_label(cli, "Side");
    cli_print_text(stdout, *side->handle ? side->handle : "an institution that is not known here",
                   false);
    fputs(side->own ? " (we): " : ": ", stdout);
    print_side_state(item, side);
    putchar('\n');
    if (cli_sides_differs(item, side, CLI_SIDES_SINCE)) {
        print_label(cli, "");
        fputs("what has changed since:\n", stdout);
        ok = cli_sides_print(cli, stdout, reply, side, CLI_SIDES_SINCE, SIDE_INDENT, NULL) == 0;
    }
    if (side->has_proposal_seq) {
        print_label(cli, "");
        print_proposal_state(item, side);
        ok = ok && cli_sides_print(cli, stdout, reply, side, CLI_SIDES_PROPOSED, SIDE_INDENT,
                                   NULL) == ERROR_NONE;
    }
    if (!item->withdrawn)
        print_to_do(cli, item, side);
    return ok;
}

static void print_receivers(const struct showing *showing, bool have)
{
    const Caravan__CoverageReply *coverage = showing->coverage;
    size_t shown = 0;

    for (size_t i = 0; i < coverage->n_received_by; i++) {
        const Caravan__Coverage *row = coverage->received_by[i];

        if ((row->seq >= coverage->seq) != have)
            continue;
        if (shown++ == 0)
            print_label(showing->cli, have ? "Received by" : "Not yet by");
        else
            fputs(", ", stdout);
        cli_print_text(stdout, row->handle, false);
    }
    if (shown)
        putchar('\n');
}

static void print_audience(const struct cli *cli, const Caravan__Item *item)
{
    if (!item->n_audience)
        return;
    print_label(cli, "Sealed for");
    for (size_t i = 0; i < item->n_audience; i++) {
        fputs(i ? ", " : "", stdout);
        cli_print_text(stdout, item->audience[i], false);
    }
    putchar('\n');
}

/* What came of it. Confirmations and proposals are told with the sides. */
static bool print_voice(const struct cli *cli, const Caravan__Item *item)
{
    struct buffer outcome = {0};
    struct arena arena;
    bool ok;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    ok = cli_voice_outcome(item, &arena, &outcome);
    if (outcome.size) {
        print_label(cli, "Outcome");
        cli_print_text(stdout, buffer_text(&outcome), false);
        fputs(" (", stdout);
        cli_print_text(stdout, item->speaker_handle, false);
        printf(", No. %" PRIu64 ")\n", item->event_seq);
    }
    buffer_finish(&outcome);
    arena_finish(&arena);
    return ok;
}

static bool print_announcement(const struct showing *showing,
                               const Caravan__Announcement *announcement)
{
    const struct cli *cli = showing->cli;
    struct buffer yaml = {0};
    bool ok = cli_names_write(cli, &announcement->base, NULL, &yaml, NULL) == ERROR_NONE;

    printf("%s---%s\n", cli_style(cli, CLI_DIM), cli_style(cli, CLI_PLAIN));
    cli_print_text(stdout, buffer_text(&yaml), true);
    if (reflect_unknown(&announcement->base))
        printf("%s# and %zu fields of a newer version that this one cannot show%s\n",
               cli_style(cli, CLI_WARN), reflect_unknown(&announcement->base),
               cli_style(cli, CLI_PLAIN));
    buffer_finish(&yaml);
    return ok;
}

static bool print_said(const struct showing *showing)
{
    const struct cli *cli = showing->cli;
    struct buffer yaml = {0};
    bool ok = cli_voice_write(cli, &showing->about.voice, showing->arena, &yaml, NULL) == 0;

    if (yaml.size)
        printf("%s---%s\n", cli_style(cli, CLI_DIM), cli_style(cli, CLI_PLAIN));
    cli_print_text(stdout, buffer_text(&yaml), true);
    buffer_finish(&yaml);
    return ok;
}

/* Entries that are no announcements, of the types that people can read. */
static bool print_other(const struct showing *showing)
{
    static const struct {
        uint32_t type;
        const ProtobufCMessageDescriptor *message;
    } readable[] = {
        {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, &caravan__profile__descriptor},
        {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS, &caravan__endpoints__descriptor},
        {CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE, &caravan__erasure__descriptor},
    };
    const Caravan__Item *item = showing->reply->item;
    struct buffer yaml = {0};
    ProtobufCMessage *message;
    bool ok = true;

    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
        if (item->content_type == readable[i].type &&
            guard_unpack(readable[i].message, span_of(item->content.data, item->content.len),
                         &guard_limits_content, showing->arena, &message, NULL) == ERROR_NONE)
            ok = codec_write_yaml(message, &yaml);
    if (yaml.size)
        printf("%s---%s\n", cli_style(showing->cli, CLI_DIM), cli_style(showing->cli, CLI_PLAIN));
    cli_print_text(stdout, buffer_text(&yaml), true);
    buffer_finish(&yaml);
    return ok;
}

static bool print_text(const struct showing *showing)
{
    const struct cli *cli = showing->cli;
    const Caravan__Item *item = showing->reply->item;
    const Caravan__Announcement *announcement = cli_item_read(item, showing->arena);
    struct cli_item_row row;
    bool ok = true;

    cli_item_row(item, showing->arena, showing->now_ms, &row);
    printf("%s", cli_style(cli, CLI_BOLD));
    cli_print_text(stdout, row.name, false);
    printf("%s  %s%s%s%s%s\n", cli_style(cli, CLI_PLAIN),
           showing->about.kind ? showing->about.kind : cli_item_kind(&row), *row.state ? ", " : "",
           row.state, *row.mark ? ", " : "", row.mark);
    if (showing->about.kind)
        cli_about_print(cli, &showing->about);
    print_also(cli, item);
    if (announcement &&
        !(print_deadlines(showing, announcement) && print_differences(showing, announcement)))
        return false;
    for (size_t i = 0; i < item->n_links; i++)
        print_link(cli, item->links[i]);
    print_eligible(cli, &row);
    for (size_t i = 0; i < showing->reply->n_history; i++)
        print_event(cli, item, showing->reply->history[i]);
    print_audience(cli, item);
    for (size_t i = 0; i < item->n_sides; i++)
        ok = print_side(cli, showing->reply, item->sides[i]) && ok;
    for (size_t i = 0; i < showing->reply->n_voices; i++)
        ok = print_voice(cli, showing->reply->voices[i]) && ok;
    if (showing->coverage) {
        print_receivers(showing, true);
        print_receivers(showing, false);
    }
    if (announcement)
        return print_announcement(showing, announcement) && ok;
    if (showing->about.kind)
        return print_said(showing) && ok;
    if (!item->problem)
        return print_other(showing) && ok;
    fputs(cli_style(cli, CLI_BAD), stdout);
    cli_print_text(stdout, item->problem, false);
    printf("%s\n", cli_style(cli, CLI_PLAIN));
    return ok;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int ask_coverage(struct showing *showing, struct client *client, struct error *error)
{
    Caravan__CoverageRequest request = CARAVAN__COVERAGE_REQUEST__INIT;
    ProtobufCMessage *message;
    int code;

    request.has_seq = true;
    request.seq = last_seq(showing->reply);
    code = client_call(client, "coverage", &request.base, &caravan__coverage_reply__descriptor,
                       showing->arena, CLIENT_TIMEOUT_MS, &message, error);
    if (!code)
        showing->coverage = (const Caravan__CoverageReply *)message;
    return code;
}

static int print_file(const struct showing *showing, const struct cli_found *found,
                      struct error *error)
{
    struct buffer file = {0};
    int code = cli_written(showing->cli, found, &file, error);

    if (!code)
        cli_print_text(stdout, buffer_text(&file), true);
    buffer_finish(&file);
    return code;
}

static int show_file(const struct showing *showing, const char *name, struct error *error)
{
    struct client *client = NULL;
    struct cli_found found;
    int code = client_create(showing->cli, &client, error);

    if (!code)
        code = cli_find(client, name, showing->arena, &found, error);
    if (!code)
        code = print_file(showing, &found, error);
    client_destroy(client);
    return code;
}

static int show(struct showing *showing, const char *name, struct error *error)
{
    struct client *client = NULL;
    struct cli_found found;
    struct buffer json = {0};
    int code = client_create(showing->cli, &client, error);

    while (!code) { /* right after a start the node is still reading what links it */
        code = cli_find_any(client, name, showing->arena, &found, error);
        if (code || !found.shown->counting)
            break;
        arena_finish(showing->arena);
        arena_init(showing->arena, 4 * LIMIT_ARENA_SIZE);
    }
    if (code)
        goto out;
    showing->reply = found.shown;
    code = cli_about_find(client, found.item, showing->arena, &showing->about, error);
    if (!code && found.item->own)
        code = ask_coverage(showing, client, error);
    if (code)
        goto out;
    if (!showing->cli->json) {
        code = print_text(showing) ? ERROR_NONE : error_memory(error);
    } else if (write_json(showing, &json)) {
        cli_item_print_json(stdout, buffer_span(&json));
    } else {
        code = error_memory(error);
    }
out:
    client_destroy(client);
    buffer_finish(&json);
    return code;
}

static int run_show(struct cli *cli, int argc, char **argv)
{
    struct arena arena;
    struct showing showing = {.cli = cli, .arena = &arena, .now_ms = (int64_t)time(NULL) * 1000};
    const struct cli_option options[] = {
        {.name = "--file", .help = "only its text, as a file for revise", .flag = &showing.file},
        {.name = NULL}};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_show, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement: caravan show NAME, for example cn-demo/4");
    if (!code && showing.file && cli->json)
        code = error_set(&error, ERROR_USAGE, "--file does not go with --json");
    arena_init(&arena, 4 * LIMIT_ARENA_SIZE);
    if (!code)
        code =
            showing.file ? show_file(&showing, argv[0], &error) : show(&showing, argv[0], &error);
    arena_finish(&arena);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_show = {
    .name = "show",
    .group = CLI_GROUP_READ,
    .usage = "show NAME [--json]\nshow NAME --file",
    .summary = "show one announcement",
    .help =
        "Its state (forthcoming, open, closed, … from its dates), deadlines, whether this\n"
        "institution may apply and by which rule, history, and, of an own one, who has received\n"
        "it; of a joint one, where each side stands and what is different for it; then the\n"
        "announcement as people write it. NAME is institution/number. Of announcements that are\n"
        "one call, the deadlines of all where they differ, and what else differs; a link that\n"
        "only one side says is told as such. Of an answer, confirmation, refusal, proposal or\n"
        "outcome: what it says, and of which announcement.\n\n"
        "With --file only what was written, in a form that caravan revise and caravan publish\n"
        "take.\n\n"
        "Example: caravan show cn-demo/4\n"
        "Example: caravan show cn-demo/4 --file > call.yaml",
    .run = run_show,
};
