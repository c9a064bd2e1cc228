#include "node/cli/cli_about.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "common/limits.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_voice.h"
#include "proto/answer.pb-c.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* What it names and, if it says so, the hash of the revision. */
struct target {
    const Caravan__AnnouncementName *name;
    struct span hash;
};

static struct target target_of(const ProtobufCMessage *message)
{
    const Caravan__Confirmation *confirmation = (const Caravan__Confirmation *)message;
    const Caravan__Proposal *proposal = (const Caravan__Proposal *)message;

    if (message->descriptor == &caravan__confirmation__descriptor)
        return (struct target){confirmation->announcement, span_of(confirmation->entry_hash.data,
                                                                   confirmation->entry_hash.len)};
    if (message->descriptor == &caravan__proposal__descriptor)
        return (struct target){proposal->announcement,
                               span_of(proposal->entry_hash.data, proposal->entry_hash.len)};
    if (message->descriptor == &caravan__outcome__descriptor)
        return (struct target){((const Caravan__Outcome *)message)->announcement, {0}};
    return (struct target){((const Caravan__Interest *)message)->announcement, {0}};
}

static void take_words(const ProtobufCMessage *message, struct cli_about *about)
{
    static const struct {
        uint32_t type;
        const char *kind, *label;
    } words[] = {
        {TYPE(CONFIRMATION), "confirmation", "Confirms"},
        {TYPE(PROPOSAL), "proposal", "Proposes for"},
        {TYPE(OUTCOME), "outcome", "Outcome of"},
        {TYPE(INTEREST), "answer", "Answers"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].type == about->voice.content_type) {
            about->kind = words[i].kind;
            about->label = words[i].label;
        }
    if (about->voice.content_type == TYPE(CONFIRMATION) &&
        ((const Caravan__Confirmation *)message)->declined) {
        about->kind = "declined";
        about->label = "Declines";
    }
}

/* "<feed id>/15", by which the node finds it. false when it names none. */
static bool spell_name(const Caravan__AnnouncementName *name, char out[96])
{
    char hex[2 * BYTES_ID_SIZE + 1];

    if (!name || name->feed.len != BYTES_ID_SIZE || !name->seq)
        return false;
    bytes_to_hex(name->feed.data, BYTES_ID_SIZE, hex);
    snprintf(out, 96, "%s/%" PRIu64, hex, name->seq);
    return true;
}

static char *copy(struct arena *arena, const char *text)
{
    return arena_copy_text(arena, text, strlen(text));
}

static int take_announcement(const struct cli_found *found, struct span hash, struct arena *arena,
                             struct cli_about *about, struct error *error)
{
    const Caravan__Item *step = cli_find_step(found->shown, hash);

    about->name = copy(arena, found->item->name ? found->item->name : "?");
    about->title =
        found->announcement ? copy(arena, announcement_title(found->announcement, NULL)) : "";
    about->revision = step ? step->event_seq : 0;
    return about->name && about->title ? ERROR_NONE : error_memory(error);
}

/* A refusal names a proposal, and that the announcement. */
static int take_found(const struct cli_found *found, struct target *target, struct arena *work,
                      struct arena *arena, struct cli_about *about, struct error *error)
{
    Caravan__Item proposal = *found->item;
    const ProtobufCMessage *message;

    if (about->voice.content_type != TYPE(CONFIRMATION) || proposal.content_type != TYPE(PROPOSAL))
        return take_announcement(found, target->hash, arena, about, error);
    about->kind = "refusal";
    about->label = "Refuses";
    about->proposal = copy(arena, proposal.name ? proposal.name : "?");
    about->name = NULL;
    cli_voice_alone(&proposal);
    message = cli_voice_read(&proposal, work);
    *target = message ? target_of(message) : (struct target){NULL, {0}};
    return about->proposal ? ERROR_NONE : error_memory(error);
}

static int look(struct client *client, struct target target, struct arena *work,
                struct arena *arena, struct cli_about *about, struct error *error)
{
    int code = ERROR_NONE;

    for (int steps = 0; steps < 2 && !code; steps++) {
        const Caravan__AnnouncementName *before = target.name;
        struct cli_found found;
        char name[96];

        if (!spell_name(target.name, name))
            break;
        about->name = copy(arena, name);
        if (!about->name)
            return error_memory(error);
        code = cli_find_any(client, name, work, &found, error);
        if (code == ERROR_NOT_FOUND)
            return ERROR_NONE;
        if (!code)
            code = take_found(&found, &target, work, arena, about, error);
        if (target.name == before)
            break;
    }
    return code;
}

int cli_about_find(struct client *client, const Caravan__Item *item, struct arena *arena,
                   struct cli_about *about, struct error *error)
{
    const ProtobufCMessage *message;
    struct arena work;
    int code;

    *about = (struct cli_about){.voice = *item, .title = ""};
    cli_voice_alone(&about->voice);
    message = cli_voice_read(&about->voice, arena);
    about->voice.has_said = message != NULL;
    if (!message)
        return ERROR_NONE;
    take_words(message, about);
    arena_init(&work, 4 * LIMIT_ARENA_SIZE);
    code = look(client, target_of(message), &work, arena, about, error);
    arena_finish(&work);
    return code;
}

void cli_about_print(const struct cli *cli, const struct cli_about *about)
{
    printf("%s%-12s%s ", cli_style(cli, CLI_DIM), about->label, cli_style(cli, CLI_PLAIN));
    if (about->proposal) {
        cli_print_text(stdout, about->proposal, false);
        fputs(", which proposes other terms for ", stdout);
    }
    cli_print_text(stdout, about->name ? about->name : "an announcement that is not here", false);
    if (about->revision)
        printf(" as of No. %" PRIu64, about->revision);
    if (*about->title) {
        fputs(": ", stdout);
        cli_print_text(stdout, about->title, false);
    }
    putchar('\n');
}

bool cli_about_json(const struct cli_about *about, struct arena *arena, struct buffer *out)
{
    const ProtobufCMessage *message = cli_voice_read(&about->voice, arena);

    if (!message)
        return !arena->no_memory;
    return buffer_printf(out, ", \"kind\": \"%s\"", about->kind) &&
           (!about->name || buffer_printf(out, ", \"about\": \"%s\"", about->name)) &&
           buffer_append_text(out, ", \"said\": ") && codec_write_json(message, out);
}
