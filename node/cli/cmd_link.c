/* link: says of an own announcement that it is one with another, or belongs to it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_put.h"
#include "node/cli/cli_wait.h"

/* One command while it works. */
struct linking {
    struct cli *cli;
    struct client *client;
    struct arena arena;
    struct cli_put_patience patience;
    struct cli_wait wait;
    const char *as;
    bool remove;
    Caravan__RelatedRel rel;
    char *name, *other; /* as they were typed */
    const Caravan__Item *item;
    const Caravan__Announcement *announcement;
    Caravan__AnnouncementName target;
    char target_name[96]; /* for people */
};

static int take_rel(const char *text, Caravan__RelatedRel *rel, struct error *error)
{
    char written[CODEC_NAME_SIZE];
    struct buffer list = {0};
    int value = CARAVAN__RELATED_REL__RELATED_REL_SAME_AS;

    snprintf(written, sizeof written, "%s", text ? text : "same as");
    for (char *c = written; *c; c++)
        *c = *c == '-' ? ' ' : *c;
    if (!codec_enum_find(&caravan__related_rel__descriptor, written, &value) || !value) {
        codec_enum_list(&caravan__related_rel__descriptor, &list);
        error_set(error, ERROR_USAGE, "--as: found \"%.40s\", expected one of: %s", text,
                  buffer_text(&list));
        buffer_finish(&list);
        return ERROR_USAGE;
    }
    *rel = (Caravan__RelatedRel)value;
    return ERROR_NONE;
}

/* --- finding ---------------------------------------------------------------------------------- */

static int find_own(struct linking *linking, struct error *error)
{
    struct cli_found found;
    char can[160];
    int code = cli_find(linking->client, linking->name, &linking->arena, &found, error);

    if (code)
        return code;
    linking->item = found.item;
    linking->announcement = found.announcement;
    snprintf(can, sizeof can, "link it. An own one is linked to it so: caravan link OURS %.80s",
             linking->name);
    return cli_find_check_own(&found, can, error);
}

/* The other one must be here, so that nobody links a slip of the pen. */
static int find_other(struct linking *linking, struct error *error)
{
    struct cli_found found;
    const Caravan__Item *other;
    int code = cli_find(linking->client, linking->other, &linking->arena, &found, error);

    if (code)
        return code;
    other = found.item;
    if (other->own && other->seq == linking->item->seq)
        return error_set(error, ERROR_INVALID, "%.80s cannot be linked to itself", linking->name);
    if (other->withdrawn)
        return error_set(error, ERROR_INVALID, "%.80s was withdrawn; there is nothing to link",
                         linking->other);
    linking->target.feed = other->feed;
    linking->target.seq = other->seq;
    snprintf(linking->target_name, sizeof linking->target_name, "%s", other->name);
    return ERROR_NONE;
}

/* What is no longer linked need not be here any more. */
static int resolve_other(struct linking *linking, struct error *error)
{
    Caravan__ResolveRequest request = CARAVAN__RESOLVE_REQUEST__INIT;
    char *institution = arena_copy_text(&linking->arena, linking->other, strlen(linking->other));
    char *slash = institution ? strrchr(institution, '/') : NULL, *end = NULL;
    ProtobufCMessage *message;
    int code;

    if (!institution)
        return error_memory(error);
    if (slash && slash[1] >= '1' && slash[1] <= '9')
        linking->target.seq = strtoull(slash + 1, &end, 10);
    if (!end || *end)
        return error_set(error, ERROR_INVALID,
                         "%.80s is no name of an announcement; expected institution/number, like "
                         "cn-demo/4",
                         linking->other);
    *slash = '\0';
    request.name = institution;
    code =
        client_call(linking->client, "resolve", &request.base, &caravan__resolve_reply__descriptor,
                    &linking->arena, CLIENT_TIMEOUT_MS, &message, error);
    if (!code)
        linking->target.feed = ((const Caravan__ResolveReply *)message)->feed;
    snprintf(linking->target_name, sizeof linking->target_name, "%.90s", linking->other);
    return code;
}

/* --- changing --------------------------------------------------------------------------------- */

static bool leads_there(const struct linking *linking, const Caravan__Related *related)
{
    const Caravan__AnnouncementName *name = related->announcement;

    return name && name->seq == linking->target.seq && name->feed.len == linking->target.feed.len &&
           memcmp(name->feed.data, linking->target.feed.data, name->feed.len) == 0;
}

/* The announcement with the link, or without it: in either case one link at most leads there. */
static int change(struct linking *linking, Caravan__Announcement *changed, struct error *error)
{
    Caravan__Related *link = arena_alloc(&linking->arena, sizeof *link);
    const Caravan__Announcement *now = linking->announcement;
    bool had = false;

    *changed = *now;
    changed->related =
        arena_alloc(&linking->arena, (now->n_related + 1) * sizeof *changed->related);
    if (!link || !changed->related)
        return error_memory(error);
    changed->n_related = 0;
    for (size_t i = 0; i < now->n_related; i++) {
        bool there = leads_there(linking, now->related[i]);

        had = had || there;
        if (!there)
            changed->related[changed->n_related++] = now->related[i];
    }
    if (linking->remove && !had)
        return error_set(error, ERROR_NOT_FOUND, "%.80s does not link %.80s", linking->name,
                         linking->other);
    caravan__related__init(link);
    link->has_rel = true;
    link->rel = linking->rel;
    link->announcement = &linking->target;
    if (!linking->remove)
        changed->related[changed->n_related++] = link;
    return ERROR_NONE;
}

static bool says_it_already(const struct linking *linking)
{
    const Caravan__Announcement *now = linking->announcement;
    size_t links = 0, same = 0;

    for (size_t i = 0; i < now->n_related; i++) {
        links += leads_there(linking, now->related[i]);
        same += leads_there(linking, now->related[i]) && now->related[i]->rel == linking->rel;
    }
    return !linking->remove && links == 1 && same == 1;
}

/* --- telling ---------------------------------------------------------------------------------- */

/* What readers see now. */
static int tell_state(struct linking *linking, struct error *error)
{
    struct cli_found found;
    int code = cli_find(linking->client, linking->name, &linking->arena, &found, error);

    for (size_t i = 0; !code && i < found.item->n_links; i++) {
        const Caravan__ItemLink *link = found.item->links[i];

        if (link->seq != linking->target.seq || link->feed.len != linking->target.feed.len ||
            memcmp(link->feed.data, linking->target.feed.data, link->feed.len) != 0)
            continue;
        if (link->state == CARAVAN__LINK_STATE__LINK_STATE_ONE)
            puts("readers see both as one");
        else if (link->state == CARAVAN__LINK_STATE__LINK_STATE_ONE_SIDED)
            printf("readers see both as one when its publisher says so, too: caravan link %s %s\n",
                   link->name, found.item->name);
        else if (link->state == CARAVAN__LINK_STATE__LINK_STATE_CROWDED)
            puts("too many announcements are linked with each other to be shown as one");
    }
    return code;
}

static int tell(struct linking *linking, const Caravan__PublishReply *reply, struct error *error)
{
    struct buffer json = {0};
    char rel[CODEC_NAME_SIZE];
    int code = ERROR_NONE;

    codec_enum_text(&caravan__related_rel__descriptor, (int)linking->rel, rel);
    if (linking->cli->json) {
        if (!reply)
            buffer_append_text(&json, "{\"repeated\": true}");
        else if (!codec_write_json(&reply->base, &json))
            code = error_memory(error);
        cli_item_print_json(stdout, buffer_span(&json));
        putchar('\n');
        buffer_finish(&json);
        return code;
    }
    cli_print_text(stdout, linking->item->name, false);
    if (linking->remove)
        printf("  no longer says anything of %s", linking->target_name);
    else
        printf("  %s %s %s", reply ? "now says: it is" : "says already: it is", rel,
               linking->target_name);
    if (reply)
        printf(", as No. %" PRIu64, reply->seq);
    putchar('\n');
    return linking->remove ? ERROR_NONE : tell_state(linking, error);
}

/* --- the command ------------------------------------------------------------------------------ */

/* What follows a sealed announcement is sealed, too. */
static int put_sealed(struct linking *linking, struct span content,
                      const Caravan__PublishReply **reply, struct error *error)
{
    const struct cli_put_saying saying = {.name = linking->item->name,
                                          .content_type =
                                              CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION,
                                          .content = content};
    const Caravan__PrepareReply *prepared;

    return cli_put_say(&linking->patience, linking->client, &saying, &linking->arena, &prepared,
                       reply, error);
}

static int put_public(struct linking *linking, struct span content,
                      const Caravan__PublishReply **reply, struct error *error)
{
    Caravan__ReviseRequest request = CARAVAN__REVISE_REQUEST__INIT;
    const ProtobufCBinaryData *now = &linking->item->hash;
    uint8_t id[STORE_REQUEST_ID_SIZE];

    /* The entry that is replaced is part of the id: to link again is a new change. */
    cli_put_request_id("link", span_of(now->data, now->len), content, id);
    request.has_request_id = request.has_announcement = request.has_content = true;
    request.request_id.data = id;
    request.request_id.len = sizeof id;
    request.announcement = linking->item->seq;
    request.content.data = (uint8_t *)(uintptr_t)content.data;
    request.content.len = content.size;
    return cli_put_ask(&linking->patience, linking->client, "revise", &request.base,
                       &linking->arena, reply, error);
}

static int revise(struct linking *linking, struct error *error)
{
    Caravan__Announcement changed;
    struct buffer content = {0};
    const Caravan__PublishReply *reply = NULL;
    int code = change(linking, &changed, error);

    if (!code && !codec_pack(&changed.base, &content))
        code = error_memory(error);
    if (!code && !says_it_already(linking))
        code = linking->item->sealed ? put_sealed(linking, buffer_span(&content), &reply, error)
                                     : put_public(linking, buffer_span(&content), &reply, error);
    buffer_finish(&content);
    linking->wait.seq = !code && reply ? reply->seq : 0;
    return code ? code : tell(linking, reply, error);
}

static int link_both(struct linking *linking, struct error *error)
{
    int code = take_rel(linking->as, &linking->rel, error);

    if (!code && linking->remove && linking->as)
        code = error_set(error, ERROR_USAGE, "--as does not go with --remove");
    if (!code)
        code = cli_wait_check(&linking->wait, error);
    if (!code)
        code = client_create(linking->cli, &linking->client, error);
    if (!code)
        code = find_own(linking, error);
    if (!code)
        code = linking->remove ? resolve_other(linking, error) : find_other(linking, error);
    return code ? code : revise(linking, error);
}

static int run_link(struct cli *cli, int argc, char **argv)
{
    struct linking linking = {.cli = cli, .patience = {.cli = cli}};
    const struct cli_option options[] = {
        {.name = "--as",
         .value = "WHAT",
         .help = "same-as (default), mirror-of, supersedes, outcome-of or part-of",
         .text = &linking.as},
        {.name = "--remove", .help = "take the link back", .flag = &linking.remove},
        CLI_WAIT_OPTIONS(linking.wait),
        {.name = NULL}};
    struct error error = {0};
    int rest = 0, code = cli_options(cli, &cmd_link, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    arena_init(&linking.arena, 8 * LIMIT_ARENA_SIZE);
    caravan__announcement_name__init(&linking.target);
    linking.target.has_feed = linking.target.has_seq = true;
    if (!code && rest != 2)
        code = error_set(&error, ERROR_USAGE,
                         "say which own announcement, and which other: caravan link NAME OTHER");
    if (!code) {
        linking.name = argv[0];
        linking.other = argv[1];
        code = link_both(&linking, &error);
    }
    return cli_wait_end(cli, code, &linking.wait, linking.client, &linking.arena, &error);
}

const struct cli_command cmd_link = {
    .name = "link",
    .group = CLI_GROUP_WRITE,
    .usage = "link NAME OTHER [--as WHAT] [--wait]\nlink NAME OTHER --remove",
    .summary = "say that an own announcement is the same call as another one",
    .help =
        "Revises the own announcement NAME so that it names OTHER. Readers see both as one when\n"
        "both say so (same-as or mirror-of), when both are ours, or when OTHER names our feed as "
        "one\n"
        "of its parties; else they see that one side says so. The other publisher finds it in its\n"
        "inbox. supersedes, outcome-of and part-of are shown as links.\n\n"
        "Example: caravan link th-demo/7 cn-demo/12",
    .run = run_link,
};
