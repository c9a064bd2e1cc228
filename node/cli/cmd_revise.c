/* revise: what an own announcement says from now on. */
#include <string.h>
#include <strings.h>

#include "common/codec.h"
#include "common/guard.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_notice.h"
#include "node/cli/cli_order.h"
#include "node/cli/cli_publish.h"

static bool names(char *const *handles, size_t count, const char *handle)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(handles[i], handle) == 0)
            return true;
    return false;
}

/* Does the file name exactly those that may read the announcement? We may, named or not. */
static bool is_its_audience(const struct cli_audience *audience, const Caravan__Item *item)
{
    size_t missing = 0;

    for (size_t i = 0; i < audience->count; i++)
        if (strcasecmp(audience->handles[i], item->handle) != 0 &&
            !names(item->audience, item->n_audience, audience->handles[i]))
            return false;
    for (size_t i = 0; i < item->n_audience; i++)
        missing += !names(audience->handles, audience->count, item->audience[i]);
    return missing == 0;
}

/* A revision goes to those that its announcement went to: what a file says of its audience must be
 * just that, or something goes to others than its writer believes. */
static int check_audience(const struct cli_notice *notice, const Caravan__Item *item,
                          struct error *error)
{
    struct buffer readers = {0};

    if (!notice->audience.count || (item->sealed && is_its_audience(&notice->audience, item)))
        return ERROR_NONE;
    if (!item->sealed)
        return error_set(error, ERROR_INVALID,
                         "%s: found audience, but %s is public, and so is every revision of it; "
                         "leave audience out, or publish the file as a new announcement",
                         notice->path, item->name);
    for (size_t i = 0; i < item->n_audience; i++)
        buffer_printf(&readers, "%s%s", i ? ", " : "", item->audience[i]);
    error_set(error, ERROR_INVALID,
              "%s: audience is not that of %s; expected %.300s, or no audience at all; to let "
              "another institution read it: caravan share %s HANDLE",
              notice->path, item->name, buffer_text(&readers), item->name);
    buffer_finish(&readers);
    return ERROR_INVALID;
}

static const char *kind_of(const Caravan__Announcement *announcement, char out[CODEC_NAME_SIZE])
{
    codec_enum_text(&caravan__kind__descriptor, (int)announcement->kind, out);
    return out;
}

/* Another kind is another announcement: most likely the wrong file was named. What the node cannot
 * show of the present text it refuses itself. */
static int check_kind(struct cli_publish *publish, const struct cli_notice *notice,
                      const Caravan__Item *item, struct error *error)
{
    const Caravan__Announcement *now = cli_item_read(item, &publish->arena), *then;
    char was[CODEC_NAME_SIZE], is[CODEC_NAME_SIZE];
    ProtobufCMessage *message;
    int code;

    if (!now)
        return ERROR_NONE;
    code = guard_unpack(&caravan__announcement__descriptor, buffer_span(&notice->content),
                        &guard_limits_content, &publish->arena, &message, error);
    then = code ? now : (const Caravan__Announcement *)message;
    if (code || now->kind == then->kind)
        return code;
    return error_set(error, ERROR_INVALID,
                     "%s is a %s, %s is a %s; publish it as a new announcement", item->name,
                     kind_of(now, was), notice->path, kind_of(then, is));
}

static int revise_sealed(struct cli_publish *publish, const Caravan__Item *item,
                         const struct cli_notice *notice, bool erase_earlier, const uint8_t *id,
                         struct error *error)
{
    const struct cli_put_saying saying = {
        .name = item->name,
        .erase = erase_earlier,
        .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION,
        .content = buffer_span(&notice->content),
        .request_id = id,
    };

    return cli_publish_say_sealed(publish, &saying,
                                  "says exactly this already; nothing was published", error);
}

static int revise(struct cli_publish *publish, const char *name, const struct cli_notice *notice,
                  bool erase_earlier, struct error *error)
{
    Caravan__ReviseRequest request = CARAVAN__REVISE_REQUEST__INIT;
    uint8_t id[STORE_REQUEST_ID_SIZE];
    const Caravan__PublishReply *reply;
    const Caravan__Item *item;
    int code = cli_publish_find_own(publish, name, &item, error);

    if (!code)
        code = check_kind(publish, notice, item, error);
    if (!code)
        code = check_audience(notice, item, error);
    /* The entry that is replaced is part of the id: to go back to an older text is a new change. */
    if (!code)
        code = cli_publish_request_id(publish, erase_earlier ? "revise, erase earlier" : "revise",
                                      span_of(item->hash.data, item->hash.len),
                                      buffer_span(&notice->written), id, error);
    if (code)
        return code;
    if (item->sealed)
        return revise_sealed(publish, item, notice, erase_earlier, id, error);
    request.has_request_id = request.has_announcement = request.has_content = true;
    request.request_id.data = id;
    request.request_id.len = sizeof id;
    request.announcement = item->seq;
    request.content.data = notice->content.data;
    request.content.len = notice->content.size;
    request.has_erase_earlier = request.erase_earlier = erase_earlier;
    code = cli_publish_ask(publish, "revise", &request.base, &reply, error);
    return code ? code
                : cli_publish_tell(publish, reply,
                                   "says exactly this already; nothing was published", error);
}

/* The file is read before anybody is asked. */
static int read_notice(struct cli_publish *publish, const char *path, struct cli_notice *notice,
                       struct error *error)
{
    struct cli_names *names = NULL;
    int code = cli_names_create(publish->cli, &names, error);

    if (!code)
        code = cli_notice_read(publish->cli, names, path, NULL, &publish->arena, notice, error);
    cli_names_destroy(names);
    return code;
}

static int run_revise(struct cli *cli, int argc, char **argv)
{
    struct cli_publish publish;
    bool erase_earlier = false;
    const struct cli_option options[] = {{.name = "--erase-earlier",
                                          .help = "and have what it said before erased everywhere",
                                          .flag = &erase_earlier},
                                         CLI_WAIT_OPTIONS(publish.wait),
                                         {.name = NULL}};
    struct cli_notice notice = {0};
    struct error error = {0};
    int rest = 0, code;

    cli_publish_init(&publish, cli);
    code = cli_options(cli, &cmd_revise, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest != 2)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement and what it shall say: caravan revise NAME FILE");
    if (!code)
        code = cli_order_check(&cmd_revise, argv, &error);
    if (!code)
        code = read_notice(&publish, argv[1], &notice, &error);
    if (!code)
        code = cli_publish_begin(&publish, &error);
    if (!code)
        code = revise(&publish, argv[0], &notice, erase_earlier, &error);
    cli_notice_finish(&notice);
    return cli_publish_end(&publish, code, &error);
}

const struct cli_command cmd_revise = {
    .name = "revise",
    .group = CLI_GROUP_WRITE,
    .usage = "revise NAME FILE [--erase-earlier] [--wait] [--timeout SECONDS]",
    .summary = "replace what an own announcement says",
    .help =
        "The announcement keeps its name; readers see the new text and the history. The file is a\n"
        "whole announcement of the same kind, as for publish; caravan show NAME --file prints the\n"
        "present one. What a newer version of Caravan wrote and this one does not know is never\n"
        "dropped: it refuses.\n\n"
        "With --erase-earlier every node that has the announcement is told to delete what it said\n"
        "before, for good: so the name of one person can go without the announcement. What was\n"
        "exported, copied or sent by e-mail is not reached.\n\n"
        "Example: caravan show cn-demo/4 --file > call.yaml\n"
        "Example: caravan revise cn-demo/4 call.yaml",
    .run = run_revise,
};
