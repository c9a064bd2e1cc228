/* confirm, propose, accept, refuse, outcome: what the sides of a joint announcement say to it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "common/guard.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_message.h"
#include "node/cli/cli_names.h"
#include "node/cli/cli_order.h"
#include "node/cli/cli_put.h"
#include "node/cli/cli_sides.h"
#include "node/cli/cli_terms.h"
#include "node/cli/cli_wait.h"
#include "proto/answer.pb-c.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* One command while it works. */
struct joint {
    struct cli *cli;
    struct client *client;
    struct arena arena;
    struct cli_put_patience patience;
    struct cli_wait wait;
    char *name; /* as it was typed */
    const Caravan__ShowReply *shown;
    const Caravan__Item *item; /* of shown */
    const Caravan__Announcement *announcement;
};

static void joint_init(struct joint *joint, struct cli *cli)
{
    *joint = (struct joint){.cli = cli, .patience = {.cli = cli}};
    arena_init(&joint->arena, 4 * LIMIT_ARENA_SIZE);
}

static int joint_finish(struct joint *joint, int code, struct error *error)
{
    return cli_wait_end(joint->cli, code, &joint->wait, joint->client, &joint->arena, error);
}

/* The announcement as it is now. */
static int find(struct joint *joint, char *name, struct error *error)
{
    struct cli_found found;
    int code = cli_wait_check(&joint->wait, error);

    if (!code)
        code = client_create(joint->cli, &joint->client, error);
    if (!code)
        code = cli_find(joint->client, name, &joint->arena, &found, error);
    if (code)
        return code;
    joint->name = name;
    joint->shown = found.shown;
    joint->item = found.item;
    joint->announcement = found.announcement;
    return ERROR_NONE;
}

static const Caravan__Side *own_side(const struct joint *joint)
{
    for (size_t i = 0; i < joint->item->n_sides; i++)
        if (joint->item->sides[i]->own)
            return joint->item->sides[i];
    return NULL;
}

static Caravan__Party *party_of(const struct joint *joint, const Caravan__Side *side)
{
    return side->party < joint->announcement->n_parties ? joint->announcement->parties[side->party]
                                                        : NULL;
}

/* What was said, or was said before. */
static int tell(const struct joint *joint, const char *what, const Caravan__PrepareReply *prepared,
                const Caravan__PublishReply *reply, struct error *error)
{
    struct buffer json = {0};
    bool ok = true;

    if (joint->cli->json) {
        ok = buffer_printf(&json, "{\"said\": \"%s\", \"repeated\": %s", what,
                           reply ? "false" : "true") &&
             (!reply || (buffer_append_text(&json, ", \"published\": ") &&
                         codec_write_json(&reply->base, &json))) &&
             buffer_append_text(&json, "}\n");
        cli_item_print_json(stdout, buffer_span(&json));
    } else if (reply) {
        cli_print_text(stdout, reply->name, false);
        printf("  %s ", what);
        cli_print_text(stdout, joint->item->name, false);
        printf(" as of No. %" PRIu64 "\n", prepared->revision);
    } else {
        printf("%s ", what);
        cli_print_text(stdout, joint->item->name, false);
        printf(" already, as our No. %" PRIu64 "\n", prepared->previous);
    }
    buffer_finish(&json);
    return ok ? ERROR_NONE : error_memory(error);
}

static int say(struct joint *joint, uint32_t type, const ProtobufCMessage *message,
               const char *what, struct error *error)
{
    const struct cli_put_saying saying = {
        .name = joint->item->name, .content_type = type, .message = message};
    const Caravan__PrepareReply *prepared;
    const Caravan__PublishReply *reply;
    int code = cli_put_say(&joint->patience, joint->client, &saying, &joint->arena, &prepared,
                           &reply, error);

    if (code)
        return code;
    joint->wait.seq = reply ? reply->seq : prepared->previous;
    return tell(joint, what, prepared, reply, error);
}

/* --- confirm ---------------------------------------------------------------------------------- */

static int print_yaml(const struct joint *joint, const ProtobufCMessage *message,
                      struct error *error)
{
    struct buffer yaml = {0};
    int code = cli_names_write(joint->cli, message, joint->announcement->language, &yaml, error);

    cli_print_text(stderr, buffer_text(&yaml), true);
    buffer_finish(&yaml);
    return code;
}

/* What is confirmed: on standard error, as standard output is for the result. */
static int print_terms(const struct joint *joint, uint64_t revision, struct error *error)
{
    const Caravan__Side *side = own_side(joint);
    const Caravan__Party *party = side ? party_of(joint, side) : NULL;
    int code;

    cli_print_text(stderr, joint->item->name, false);
    fprintf(stderr, ", No. %" PRIu64 ": ", revision);
    cli_print_text(stderr, announcement_title(joint->announcement, NULL), false);
    fputc('\n', stderr);
    if (!party)
        return ERROR_NONE;
    fputs("Our side in it:\n", stderr);
    code = print_yaml(joint, &party->base, error);
    if (code || !cli_sides_differs(joint->item, side, CLI_SIDES_SINCE))
        return code;
    fprintf(stderr, "What has changed since No. %" PRIu64 ", of which we spoke last:\n",
            side->revision);
    return cli_sides_print(joint->cli, stderr, joint->shown, side, CLI_SIDES_SINCE, 2, error);
}

static int get_consent(struct joint *joint, uint64_t revision, bool yes, const char *wanted,
                       struct error *error)
{
    char number[24], answer[16] = "";
    int code;

    snprintf(number, sizeof number, "%" PRIu64, revision);
    if (wanted && strcmp(wanted, number) != 0)
        return error_set(error, ERROR_INVALID,
                         "--revision: found %.24s, but No. %s is in force; look at it: caravan "
                         "history %.80s",
                         wanted, number, joint->name);
    if (wanted || yes)
        return ERROR_NONE;
    code = print_terms(joint, revision, error);
    if (code)
        return code;
    if (isatty(STDIN_FILENO) != 1)
        return error_set(error, ERROR_USAGE,
                         "this is not a terminal, so nobody can be asked; read it (caravan show "
                         "%.80s), then say: caravan confirm %.80s --revision %s",
                         joint->name, joint->name, number);
    fputs("Does our institution confirm this? [yes/no] ", stderr);
    if (!fgets(answer, sizeof answer, stdin))
        answer[0] = '\0';
    answer[strcspn(answer, "\n")] = '\0';
    return strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0
               ? ERROR_NONE
               : error_set(error, ERROR_DENIED, "not confirmed");
}

struct confirm_options {
    bool decline, yes;
    const char *revision;
};

static int confirm(struct joint *joint, char *name, const struct confirm_options *options,
                   struct error *error)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;
    const Caravan__Side *side;
    uint64_t revision;
    int code = find(joint, name, error);

    if (code)
        return code;
    side = own_side(joint);
    revision = joint->item->revised_by ? joint->item->revised_by : joint->item->seq;
    if (side && !joint->item->own && !options->decline && !joint->item->withdrawn &&
        (options->revision || side->state != CARAVAN__SIDE_STATE__SIDE_STATE_CONFIRMED))
        code = get_consent(joint, revision, options->yes, options->revision, error);
    confirmation.has_entry_hash = true;
    confirmation.entry_hash = joint->item->hash;
    confirmation.has_declined = confirmation.declined = options->decline;
    return code ? code
                : say(joint, TYPE(CONFIRMATION), &confirmation.base,
                      options->decline ? "declined" : "confirmed", error);
}

static int run_confirm(struct cli *cli, int argc, char **argv)
{
    struct confirm_options chosen = {0};
    struct joint joint;
    const struct cli_option options[] = {
        {.name = "--decline",
         .help = "say that our side does not take part (any more)",
         .flag = &chosen.decline},
        {.name = "--revision",
         .value = "N",
         .help = "only if No. N is what is in force; does not ask",
         .text = &chosen.revision},
        {.name = "--yes", .help = "whatever is in force; does not ask", .flag = &chosen.yes},
        CLI_WAIT_OPTIONS(joint.wait),
        {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    joint_init(&joint, cli);
    code = cli_options(cli, &cmd_confirm, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE, "say which announcement: caravan confirm NAME");
    if (!code)
        code = confirm(&joint, argv[0], &chosen, &error);
    return joint_finish(&joint, code, &error);
}

/* --- propose ---------------------------------------------------------------------------------- */

/* The terms of a file: a Party, of which only what is written is changed. */
static int read_terms(struct joint *joint, const char *path, Caravan__Party **terms,
                      struct error *error)
{
    ProtobufCMessage *message;
    int code = cli_message_read(joint->cli, path, &caravan__party__descriptor,
                                joint->announcement->language, "terms of our side", &joint->arena,
                                &message, error);

    *terms = (Caravan__Party *)message;
    return code;
}

/* What changes nothing is no proposal: readers would not see it. */
static int check_change(const struct joint *joint, const Caravan__Party *now,
                        const Caravan__Party *then, struct error *error)
{
    struct buffer before = {0}, after = {0};
    int code = ERROR_NONE;

    if (!codec_pack(&now->base, &before) || !codec_pack(&then->base, &after))
        code = error_memory(error);
    else if (span_equal(buffer_span(&before), buffer_span(&after)))
        code = error_set(error, ERROR_INVALID,
                         "these are the terms of our side in %.80s already; nothing was proposed",
                         joint->name);
    buffer_finish(&before);
    buffer_finish(&after);
    return code;
}

static int propose(struct joint *joint, char *name, const char *path, struct error *error)
{
    Caravan__Proposal proposal = CARAVAN__PROPOSAL__INIT;
    const Caravan__Side *side;
    Caravan__Party *terms, ours;
    int code = find(joint, name, error);

    if (code)
        return code;
    side = own_side(joint);
    if (!side || !party_of(joint, side))
        return error_set(error, ERROR_DENIED,
                         "%.80s does not name us as a party (with our handle as `node id`): only "
                         "its parties propose other terms",
                         name);
    code = read_terms(joint, path, &terms, error);
    if (code)
        return code;
    ours = *party_of(joint, side);
    reflect_overlay(&terms->base, &ours.base);
    code = check_change(joint, party_of(joint, side), &ours, error);
    if (code)
        return code;
    proposal.has_entry_hash = true;
    proposal.entry_hash = joint->item->hash;
    proposal.party = &ours;
    return say(joint, TYPE(PROPOSAL), &proposal.base, "proposed other terms for", error);
}

static int run_propose(struct cli *cli, int argc, char **argv)
{
    struct joint joint;
    const struct cli_option options[] = {CLI_WAIT_OPTIONS(joint.wait), {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    joint_init(&joint, cli);
    code = cli_options(cli, &cmd_propose, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest != 2)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement, and a file with the terms that change: caravan "
                         "propose NAME FILE");
    if (!code)
        code = cli_order_check(&cmd_propose, argv, &error);
    if (!code)
        code = propose(&joint, argv[0], argv[1], &error);
    return joint_finish(&joint, code, &error);
}

/* --- accept, refuse --------------------------------------------------------------------------- */

/* What the publisher does with a proposal. */
struct decision {
    const struct cli_command *command;
    const char *what; /* as in "can … what a side proposes" */
    bool repeats;     /* what was refused is found also without its side's handle */
    int (*carry_out)(struct joint *joint, const Caravan__Side *side, struct error *error);
};

static const Caravan__Side *find_proposal(const struct joint *joint, const char *handle,
                                          bool refused, size_t *count)
{
    const Caravan__Side *found = NULL;

    *count = 0;
    for (size_t i = 0; i < joint->item->n_sides; i++) {
        const Caravan__Side *side = joint->item->sides[i];

        if (!side->has_proposal || (handle && strcasecmp(side->handle, handle) != 0) ||
            (!handle && (bool)side->has_refused_seq != refused))
            continue;
        found = side;
        ++*count;
    }
    return found;
}

static bool is_side(const struct joint *joint, const char *handle)
{
    for (size_t i = 0; i < joint->item->n_sides; i++)
        if (strcasecmp(joint->item->sides[i]->handle, handle) == 0)
            return true;
    return false;
}

/* ERROR_NOT_FOUND in the node's words when it knows no such institution: it refuses to list what
 * that has announced. */
static int check_known(struct joint *joint, const char *handle, struct error *error)
{
    Caravan__ListRequest request = CARAVAN__LIST_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char *handles[] = {(char *)(uintptr_t)handle};
    ProtobufCMessage *message;

    filter.n_handle = 1;
    filter.handle = handles;
    request.filter = &filter;
    request.has_limit = request.has_before_arrival = true;
    request.limit = 1;
    request.before_arrival = 1; /* before which there is nothing */
    return client_call(joint->client, "list", &request.base, &caravan__list_reply__descriptor,
                       &joint->arena, CLIENT_TIMEOUT_MS, &message, error);
}

static int choose_proposal(struct joint *joint, const struct decision *decision, const char *handle,
                           const Caravan__Side **side, struct error *error)
{
    size_t count;

    *side = find_proposal(joint, handle, false, &count);
    if (!count && !handle && decision->repeats)
        *side = find_proposal(joint, handle, true, &count);
    if (count == 1)
        return ERROR_NONE;
    if (count)
        return error_set(error, ERROR_USAGE,
                         "%zu sides have proposed other terms for %.80s; say whose: caravan %s "
                         "%.80s --from HANDLE",
                         count, joint->name, decision->command->name, joint->name);
    if (handle && !is_side(joint, handle)) {
        int code = check_known(joint, handle, error);

        if (code)
            return code;
    }
    return error_set(error, ERROR_NOT_FOUND, "%.40s proposes %sother terms for %.80s now",
                     handle ? handle : "no side", handle ? "no " : "", joint->name);
}

/* For those that may read the announcement now. */
static int revise_sealed(struct joint *joint, struct span content, const uint8_t *request_id,
                         const Caravan__PublishReply **reply, struct error *error)
{
    const struct cli_put_saying saying = {.name = joint->item->name,
                                          .content_type = TYPE(REVISION),
                                          .content = content,
                                          .request_id = request_id};
    const Caravan__PrepareReply *prepared;
    int code = cli_put_say(&joint->patience, joint->client, &saying, &joint->arena, &prepared,
                           reply, error);

    return code || *reply
               ? code
               : error_set(error, ERROR_INVALID, "%.80s says exactly this already", joint->name);
}

static int revise(struct joint *joint, const Caravan__Announcement *changed,
                  const Caravan__PublishReply **reply, struct error *error)
{
    Caravan__ReviseRequest request = CARAVAN__REVISE_REQUEST__INIT;
    uint8_t id[STORE_REQUEST_ID_SIZE];
    struct buffer content = {0};
    int code = codec_pack(&changed->base, &content) ? ERROR_NONE : error_memory(error);

    cli_put_request_id("accept", span_of(joint->item->hash.data, joint->item->hash.len),
                       buffer_span(&content), id);
    request.has_request_id = request.has_announcement = request.has_content = true;
    request.request_id.data = id;
    request.request_id.len = sizeof id;
    request.announcement = joint->item->seq;
    request.content.data = content.data;
    request.content.len = content.size;
    if (!code && joint->item->sealed)
        code = revise_sealed(joint, buffer_span(&content), id, reply, error);
    else if (!code)
        code = cli_put_ask(&joint->patience, joint->client, "revise", &request.base, &joint->arena,
                           reply, error);
    buffer_finish(&content);
    return code;
}

/* On standard error, as standard output is for the result. */
static int print_proposed(const struct joint *joint, const Caravan__Side *side, struct error *error)
{
    cli_print_text(stderr, side->handle, false);
    fprintf(stderr, " proposes, as No. %" PRIu64 ":\n", side->proposal_seq);
    return cli_sides_print(joint->cli, stderr, joint->shown, side, CLI_SIDES_PROPOSED, 2, error);
}

/* What expired with its last deadline expires with the new one. */
static int move_expiry(struct joint *joint, Caravan__Announcement *changed, struct error *error)
{
    struct moment_civil now;

    moment_ms_to_civil((int64_t)time(NULL) * 1000, 0, &now);
    return announcement_move_expiry(joint->announcement, changed, &now.date, &joint->arena, error);
}

/* Nobody but people can say what holds where both have changed the same, or what a proposal means
 * that was made for a text that is gone. */
static int check_terms(const struct joint *joint, const Caravan__Side *side,
                       const struct cli_terms *terms, struct error *error)
{
    const char *name = joint->name;

    if (!terms->now)
        return error_set(error, ERROR_INVALID, "what %.40s proposes for %.80s cannot be read here",
                         side->handle, name);
    if (!terms->then)
        return error_set(
            error, ERROR_INVALID,
            "%.40s made its proposal for an earlier revision of %.80s, which cannot be "
            "read here, so what it would change cannot be told; revise by hand "
            "(caravan show %.80s --file), or: caravan refuse %.80s --from %.40s",
            side->handle, name, name, name, side->handle);
    if (terms->conflicts)
        return error_set(error, ERROR_INVALID,
                         "%.40s made its proposal for No. %" PRIu64 " of %.80s, and No. %" PRIu64
                         " has changed the same since: %.120s; revise by hand (caravan show %.80s "
                         "--file), or: caravan refuse %.80s --from %.40s",
                         side->handle, terms->made_for, name, terms->in_force, terms->conflicts,
                         name, name, side->handle);
    if (!terms->changes)
        return error_set(error, ERROR_INVALID,
                         "%.80s says all that %.40s proposes already; nothing was published", name,
                         side->handle);
    return ERROR_NONE;
}

/* The revision that says what was proposed. */
static int take_over(struct joint *joint, const Caravan__Side *side, struct error *error)
{
    const Caravan__PublishReply *reply;
    Caravan__Announcement changed = *joint->announcement;
    Caravan__Party **parties =
        arena_alloc(&joint->arena, changed.n_parties * sizeof(Caravan__Party *));
    struct cli_terms terms;
    int code = cli_terms_find(joint->shown, side, &joint->arena, &terms, error);

    if (!code && !parties)
        code = error_memory(error);
    if (!code)
        code = check_terms(joint, side, &terms, error);
    if (code)
        return code;
    memcpy(parties, changed.parties, changed.n_parties * sizeof(Caravan__Party *));
    parties[side->party] = terms.then;
    changed.parties = parties;
    code = move_expiry(joint, &changed, error);
    if (!code)
        code = revise(joint, &changed, &reply, error);
    if (code)
        return code;
    joint->wait.seq = reply->seq;
    if (joint->cli->json) {
        struct buffer json = {0};
        bool ok = codec_write_json(&reply->base, &json) && buffer_append_text(&json, "\n");

        cli_item_print_json(stdout, buffer_span(&json));
        buffer_finish(&json);
        return ok ? ERROR_NONE : error_memory(error);
    }
    cli_print_text(stdout, joint->item->name, false);
    printf("  now says what ");
    cli_print_text(stdout, side->handle, false);
    printf(" proposed, as No. %" PRIu64 "; its sides are asked to confirm that\n", reply->seq);
    return ERROR_NONE;
}

static int say_no(struct joint *joint, const Caravan__Side *side, struct error *error)
{
    Caravan__Confirmation refusal = CARAVAN__CONFIRMATION__INIT;
    Caravan__AnnouncementName proposal = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    char what[96];

    proposal.has_feed = proposal.has_seq = true;
    proposal.feed = side->feed;
    proposal.seq = side->proposal_seq;
    refusal.announcement = &proposal;
    refusal.has_declined = refusal.declined = true;
    snprintf(what, sizeof what, "refused what %.40s proposes for",
             *side->handle ? side->handle : "a side");
    return say(joint, TYPE(CONFIRMATION), &refusal.base, what, error);
}

static int decide(struct joint *joint, const struct decision *decision, char *name,
                  const char *handle, struct error *error)
{
    const Caravan__Side *side;
    int code = find(joint, name, error);

    if (!code && !joint->item->own)
        code = error_set(error, ERROR_DENIED,
                         "%.80s is not your own announcement; only its publisher can %s what a "
                         "side proposes",
                         name, decision->what);
    if (!code)
        code = choose_proposal(joint, decision, handle, &side, error);
    if (!code)
        code = print_proposed(joint, side, error);
    return code ? code : decision->carry_out(joint, side, error);
}

static int run_decision(struct cli *cli, const struct decision *decision, int argc, char **argv)
{
    const char *handle = NULL;
    struct joint joint;
    const struct cli_option options[] = {{.name = "--from",
                                          .value = "HANDLE",
                                          .help = "whose proposal, when there are several",
                                          .text = &handle},
                                         CLI_WAIT_OPTIONS(joint.wait),
                                         {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    joint_init(&joint, cli);
    code = cli_options(cli, decision->command, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement: caravan %s NAME [--from HANDLE]",
                         decision->command->name);
    if (!code)
        code = decide(&joint, decision, argv[0], handle, &error);
    return joint_finish(&joint, code, &error);
}

static int run_accept(struct cli *cli, int argc, char **argv)
{
    static const struct decision accept = {&cmd_accept, "take over", false, take_over};

    return run_decision(cli, &accept, argc, argv);
}

static int run_refuse(struct cli *cli, int argc, char **argv)
{
    static const struct decision refuse = {&cmd_refuse, "refuse", true, say_no};

    return run_decision(cli, &refuse, argc, argv);
}

/* --- outcome ---------------------------------------------------------------------------------- */

struct outcome_options {
    const char *number, *text, *language, *url;
};

static int take_number(const char *text, Caravan__Outcome *outcome, struct error *error)
{
    char *end;

    if (!text)
        return ERROR_NONE;
    outcome->has_number = true;
    outcome->number = (uint32_t)strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && strlen(text) <= 9)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "--number: found \"%.40s\", expected a number", text);
}

static int say_outcome(struct joint *joint, char *name, const char *what,
                       const struct outcome_options *chosen, struct error *error)
{
    Caravan__Outcome outcome = CARAVAN__OUTCOME__INIT;
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *texts[] = {&text};
    int value = 0, code = take_number(chosen->number, &outcome, error);

    if (!code && (!codec_enum_find(&caravan__outcome_what__descriptor, what, &value) || !value))
        code = error_set(error, ERROR_USAGE,
                         "found \"%.40s\", expected what came of it: closed, awarded, opened or "
                         "matched",
                         what);
    if (!code)
        code = find(joint, name, error);
    if (code)
        return code;
    outcome.has_what = true;
    outcome.what = (Caravan__OutcomeWhat)value;
    text.lang = (char *)(uintptr_t)chosen->language;
    text.text = (char *)(uintptr_t)chosen->text;
    outcome.n_text = chosen->text ? 1 : 0;
    outcome.text = texts;
    outcome.url = (char *)(uintptr_t)chosen->url;
    return say(joint, TYPE(OUTCOME), &outcome.base, "said what came of", error);
}

static int run_outcome(struct cli *cli, int argc, char **argv)
{
    struct outcome_options chosen = {.language = "en"};
    struct joint joint;
    const struct cli_option options[] = {
        {.name = "--number",
         .value = "N",
         .help = "how many projects, grants or places",
         .text = &chosen.number},
        {.name = "--text", .value = "TEXT", .help = "in words, for readers", .text = &chosen.text},
        {.name = "--language",
         .value = "TAG",
         .help = "language of the text (en)",
         .text = &chosen.language},
        {.name = "--url",
         .value = "URL",
         .help = "where it is told at length",
         .text = &chosen.url},
        CLI_WAIT_OPTIONS(joint.wait),
        {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    joint_init(&joint, cli);
    code = cli_options(cli, &cmd_outcome, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest != 2)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement and what came of it: caravan outcome NAME "
                         "closed|awarded|opened|matched");
    if (!code)
        code = cli_order_check(&cmd_outcome, argv, &error);
    if (!code)
        code = say_outcome(&joint, argv[0], argv[1], &chosen, &error);
    return joint_finish(&joint, code, &error);
}

/* --- the commands ----------------------------------------------------------------------------- */

const struct cli_command cmd_confirm = {
    .name = "confirm",
    .group = CLI_GROUP_WRITE,
    .usage = "confirm NAME [--revision N | --yes] [--wait]\nconfirm NAME --decline [--wait]",
    .summary = "confirm a partner's announcement that names us as a side",
    .help =
        "Says in our own feed, signed, that our side agrees to exactly what the announcement says\n"
        "now. When it is revised, the confirmation stays with the earlier text, and readers see\n"
        "that, until we confirm again. --decline takes a confirmation back, or says that our side\n"
        "does not take part.\n\n"
        "Example: caravan confirm cn-demo/4",
    .run = run_confirm,
};

const struct cli_command cmd_propose = {
    .name = "propose",
    .group = CLI_GROUP_WRITE,
    .usage = "propose NAME FILE [--wait]",
    .summary = "propose other terms for our side of a partner's announcement",
    .help =
        "The file holds what shall change of our side (deadline, money, eligibility, contact, …),\n"
        "written as under `parties` in an announcement; what it does not name stays. Readers see\n"
        "it as proposed. Nothing changes until the publisher takes it over (caravan accept).\n"
        "caravan withdraw takes a proposal back.\n\n"
        "Example: caravan propose cn-demo/4 terms.yaml",
    .run = run_propose,
};

const struct cli_command cmd_accept = {
    .name = "accept",
    .group = CLI_GROUP_WRITE,
    .usage = "accept NAME [--from HANDLE] [--wait]",
    .summary = "take over the terms that a side has proposed",
    .help = "Revises our own announcement so that it says what the side proposes for itself. All "
            "sides\n"
            "are then asked to confirm the new text. What we have revised since the side made its\n"
            "proposal stays; where both have changed the same, nothing is taken over. What was\n"
            "refused can be taken over later: say whose it is with --from.\n\n"
            "Example: caravan accept th-demo/7",
    .run = run_accept,
};

const struct cli_command cmd_refuse = {
    .name = "refuse",
    .group = CLI_GROUP_WRITE,
    .usage = "refuse NAME [--from HANDLE] [--wait]",
    .summary = "say no to the terms that a side has proposed",
    .help = "Says in our own feed, signed, that our announcement stays as it is. Readers see that\n"
            "what the side proposes was refused; the side finds it in its inbox, and may propose\n"
            "other terms, or the same ones once more.\n\n"
            "Example: caravan refuse th-demo/7 --from cn-demo",
    .run = run_refuse,
};

const struct cli_command cmd_outcome = {
    .name = "outcome",
    .group = CLI_GROUP_WRITE,
    .usage = "outcome NAME closed|awarded|opened|matched [--number N] [--text TEXT] [--wait]",
    .summary = "say what came of an announcement",
    .help =
        "For our own announcements, and those that name us as a side. The newest one counts.\n\n"
        "Example: caravan outcome th-demo/7 awarded --number 12",
    .run = run_outcome,
};
