/* publish, revise, withdraw: what an office announces. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "common/vocabulary.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_file.h"
#include "node/cli/cli_find.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_message.h"
#include "node/cli/cli_names.h"
#include "node/cli/cli_put.h"
#include "node/cli/cli_wait.h"
#include "node/core/ports.h"

struct publishing {
    struct cli *cli;
    struct client *client;
    struct arena arena; /* replies and messages */
    bool again, wait;
    const char *timeout, *request_id;
    unsigned seconds;
    uint64_t last_seq; /* of what was published */
    bool erased;       /* … and an order stands behind it */
    /* JSON: the answers so far */
    struct buffer json;
    size_t answers;
    bool printed; /* … as a whole */
    struct cli_put_patience patience;
    struct cli_names *names; /* for files that name institutions; NULL: not read yet */
    const char *to;          /* --to */
};

/* --- files ------------------------------------------------------------------------------------ */

/* An announcement as bytes: as the file has it, and ready to be published; and what became of it.
 */
struct notice {
    const char *path;
    struct buffer written, content;
    uint8_t request_id[STORE_REQUEST_ID_SIZE];
    struct cli_audience audience;       /* in the arena of publishing */
    const Caravan__PublishReply *reply; /* in the arena of publishing; NULL: none yet, or failed */
    bool failed;
};

static void notice_finish(struct notice *notice)
{
    buffer_finish(&notice->written);
    buffer_finish(&notice->content);
}

static struct moment_date today(void)
{
    struct moment_civil now;

    moment_ms_to_civil((int64_t)time(NULL) * 1000, 0, &now);
    return now.date;
}

/* Whoever is named on the command line is it for all files. */
static int read_audience(struct publishing *publishing, struct span yaml, struct notice *notice,
                         struct error *error)
{
    return publishing->to ? cli_audience_add_text(publishing->cli, publishing->to,
                                                  &publishing->arena, &notice->audience, error)
                          : cli_audience_add_file(publishing->cli, yaml, &publishing->arena,
                                                  &notice->audience, error);
}

/* Prints all that is wrong with the file; ERROR_INVALID when it cannot be published. */
static int read_notice(struct publishing *publishing, const char *path, struct notice *notice,
                       struct error *error)
{
    struct problem_list problems = {0};
    struct cli_file file = {0};
    struct moment_date day = today();
    struct arena arena;
    Caravan__Announcement *announcement;
    int code = ERROR_NONE;

    if (!publishing->names)
        code = cli_names_create(publishing->cli, &publishing->names, error);
    if (!code)
        code = cli_file_open(path, &file, error);
    if (code)
        return code;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    notice->path = path;
    code = announcement_read_with(file.bytes, cli_names_codec(publishing->names), &day, &arena,
                                  &announcement, &notice->written, &problems);
    problem_list_sort(&problems);
    cli_message_print_problems(&problems, path);
    if (code == ERROR_MEMORY || (!code && !codec_pack(&announcement->base, &notice->content)))
        code = error_memory(error);
    else if (code)
        code = error_set(error, ERROR_INVALID,
                         "%s has %zu error%s; correct %s, then check it with: caravan check %s",
                         path, problems.errors, problems.errors == 1 ? "" : "s",
                         problems.errors == 1 ? "it" : "them", path);
    if (!code)
        code = read_audience(publishing, file.bytes, notice, error);
    problem_list_finish(&problems);
    arena_finish(&arena);
    cli_file_close(&file);
    return code;
}

/* --- request ids ------------------------------------------------------------------------------ */

static int choose_request_id(const struct publishing *publishing, const char *what,
                             struct span first, struct span second,
                             uint8_t id[STORE_REQUEST_ID_SIZE], struct error *error)
{
    if (publishing->request_id) {
        if (bytes_from_hex(publishing->request_id, id, STORE_REQUEST_ID_SIZE))
            return ERROR_NONE;
        return error_set(error, ERROR_USAGE,
                         "--request-id: found \"%.40s\", expected %d hex digits, random for each "
                         "announcement",
                         publishing->request_id, 2 * STORE_REQUEST_ID_SIZE);
    }
    cli_put_request_id(what, first, second, id);
    if (publishing->again &&
        getrandom(id, STORE_REQUEST_ID_SIZE, 0) != (ssize_t)STORE_REQUEST_ID_SIZE)
        return error_set(error, ERROR_IO, "the system gives no random numbers");
    return ERROR_NONE;
}

/* --- asking ----------------------------------------------------------------------------------- */

static int ask(struct publishing *publishing, const char *operation,
               const ProtobufCMessage *request, const Caravan__PublishReply **reply,
               struct error *error)
{
    return cli_put_ask(&publishing->patience, publishing->client, operation, request,
                       &publishing->arena, reply, error);
}

static void tell_erased(const Caravan__PublishReply *reply)
{
    if (!reply->n_erased)
        return;
    fputs("  ordered to be erased everywhere: No. ", stderr);
    for (size_t i = 0; i < reply->n_erased; i++)
        fprintf(stderr, "%s%" PRIu64, i ? ", " : "", reply->erased[i]);
    fputc('\n', stderr);
}

static int tell(struct publishing *publishing, const Caravan__PublishReply *reply,
                const char *repeated, struct error *error)
{
    publishing->last_seq = reply->seq > publishing->last_seq ? reply->seq : publishing->last_seq;
    publishing->erased = reply->n_erased > 0;
    if (publishing->cli->json) {
        bool ok = buffer_append_text(&publishing->json, publishing->answers++ ? ", " : "") &&
                  codec_write_json(&reply->base, &publishing->json);

        return ok ? ERROR_NONE : error_memory(error);
    }
    cli_print_text(stdout, reply->name, false);
    putchar('\n');
    fflush(stdout);
    if (reply->repeated_request)
        fprintf(stderr, "  %s\n", repeated);
    tell_erased(reply);
    return ERROR_NONE;
}

/* What was published is said also when something has gone wrong after that. */
static void print_json(struct publishing *publishing, const Caravan__CoverageReply *coverage,
                       const struct error *error)
{
    printf("{\"published\": [");
    cli_item_print_json(stdout, buffer_span(&publishing->json));
    fputs("]", stdout);
    if (coverage) {
        buffer_clear(&publishing->json);
        codec_write_json(&coverage->base, &publishing->json);
        fputs(", \"coverage\": ", stdout);
        cli_item_print_json(stdout, buffer_span(&publishing->json));
    }
    if (error) {
        fputs(", \"error\": {\"code\": ", stdout);
        cli_print_json(stdout, error_name(error->code));
        fputs(", \"text\": ", stdout);
        cli_print_json(stdout, error->text);
        fputs("}", stdout);
    }
    puts("}");
    publishing->printed = true;
}

/* What all three commands end with: --wait, and JSON. */
static int finish(struct publishing *publishing, int code, struct error *error)
{
    const Caravan__CoverageReply *coverage = NULL;

    if (!code && publishing->wait)
        code = cli_wait_for_partners(publishing->client,
                                     publishing->erased ? CLI_WAIT_HEAD : publishing->last_seq,
                                     publishing->seconds, &publishing->arena, &coverage, error);
    if (publishing->cli->json && (!code || publishing->answers))
        print_json(publishing, coverage, code ? error : NULL);
    client_destroy(publishing->client);
    cli_names_destroy(publishing->names);
    arena_finish(&publishing->arena);
    buffer_finish(&publishing->json);
    return code;
}

static int begin(struct publishing *publishing, struct error *error)
{
    int code = cli_wait_seconds(publishing->timeout, &publishing->seconds, error);

    publishing->wait = publishing->wait || publishing->timeout;
    return code ? code : client_create(publishing->cli, &publishing->client, error);
}

/* When something was published the error stands beside that in JSON already. */
static int end(struct publishing *publishing, int code, struct error *error)
{
    struct cli plain = *publishing->cli;

    if (!code)
        return 0;
    plain.json = plain.json && !publishing->printed;
    return cli_fail(&plain, error);
}

/* --- publish ---------------------------------------------------------------------------------- */

static Caravan__PublishRequest request_of(struct notice *notice)
{
    Caravan__PublishRequest request = CARAVAN__PUBLISH_REQUEST__INIT;

    request.has_request_id = request.has_announcement = true;
    request.request_id.data = notice->request_id;
    request.request_id.len = sizeof notice->request_id;
    request.announcement.data = notice->content.data;
    request.announcement.len = notice->content.size;
    return request;
}

/* For whom it was sealed: what a group or a file has named is seen once more. */
static void tell_audience(const struct publishing *publishing,
                          const Caravan__PrepareReply *prepared)
{
    if (publishing->cli->json || !prepared->n_audience)
        return;
    fputs("  sealed for ", stderr);
    for (size_t i = 0; i < prepared->n_audience; i++) {
        fputs(i ? ", " : "", stderr);
        cli_print_text(stderr, prepared->audience[i], false);
    }
    fputc('\n', stderr);
}

static int tell_notice(struct publishing *publishing, const struct notice *notice,
                       struct error *error)
{
    return tell(publishing, notice->reply,
                publishing->request_id
                    ? "this request was answered before; nothing was published again"
                    : "was published already with exactly this content; --again publishes it anew",
                error);
}

/* Many notices, in rounds. In each, what is not published yet is sent in the order of the files:
 * the first alone, as it may have to wait, then many at a time. When one is put off, no more are
 * sent in this round; those on their way may be published and then have smaller numbers. */
struct batch {
    struct publishing *publishing;
    struct notice *notices; /* those before `told` are done with */
    size_t count, told;
    struct notice **round;
    size_t in_round, sent;
    uint64_t first_id;       /* of the first request of the round; the others follow one by one */
    size_t window, most;     /* so many on their way: now, and after the first one is published */
    bool published, crowded; /* in this round: at least one; at least one was too many */
    struct error put_off;    /* in this round: why the first that was; its code 0: none was */
    struct error refused;    /* the first one; its code 0: none was. Nothing more is sent */
};

/* false: nothing is left to do. */
static bool begin_round(struct batch *batch)
{
    if (batch->crowded && batch->published && batch->most > 1)
        batch->most /= 2;
    batch->in_round = batch->sent = 0;
    batch->window = 1;
    batch->published = batch->crowded = false;
    batch->put_off.code = ERROR_NONE;
    for (size_t i = batch->told; i < batch->count; i++)
        if (!batch->notices[i].reply && !batch->notices[i].failed)
            batch->round[batch->in_round++] = &batch->notices[i];
    return batch->in_round && !batch->refused.code;
}

static int send_notices(struct batch *batch, struct error *error)
{
    struct client *client = batch->publishing->client;

    while (!batch->put_off.code && !batch->refused.code && batch->sent < batch->in_round &&
           client_unanswered(client) < batch->window) {
        struct notice *notice = batch->round[batch->sent];
        Caravan__PublishRequest request = request_of(notice);
        uint64_t id;
        int code = client_send(client, "publish", &request.base, &id, error);

        if (code)
            return error_prefix(error, "%s", notice->path);
        if (batch->sent++ == 0)
            batch->first_id = id;
    }
    return ERROR_NONE;
}

/* The names of what was published, in the order of the files; up to the first that may still be
 * published, or, at the end, of all. */
static int tell_in_order(struct batch *batch, bool at_end, struct error *error)
{
    int code = ERROR_NONE;

    for (; !code && batch->told < batch->count; batch->told++) {
        const struct notice *notice = &batch->notices[batch->told];

        if (notice->reply)
            code = tell_notice(batch->publishing, notice, error);
        else if (!notice->failed && !at_end)
            break;
    }
    return code;
}

static void put_off(struct batch *batch, const struct error *error)
{
    if (!batch->put_off.code)
        batch->put_off = *error;
    batch->crowded = batch->crowded || error->code == ERROR_BUSY;
}

/* What is refused is said at once, the first of it by whoever called. */
static void refuse(struct batch *batch, struct notice *notice, const struct error *error)
{
    notice->failed = true;
    if (!batch->refused.code)
        batch->refused = *error;
    else
        fprintf(stderr, "%s\n", error->text);
}

/* Takes one answer. */
static int receive_one(struct batch *batch, struct error *error)
{
    struct publishing *publishing = batch->publishing;
    ProtobufCMessage *reply = NULL;
    struct notice *notice;
    uint64_t id = 0;
    int code = client_receive(publishing->client, &caravan__publish_reply__descriptor,
                              &publishing->arena, CLIENT_TIMEOUT_MS, &id, &reply, error);

    if (!id)
        return error_prefix(error, "%s", batch->notices[batch->told].path);
    notice = batch->round[id - batch->first_id];
    if (code)
        error_prefix(error, "%s", notice->path);
    if (!code) {
        notice->reply = (const Caravan__PublishReply *)reply;
        batch->published = true;
        batch->window = batch->most;
    } else if (cli_put_is_later(code)) {
        put_off(batch, error);
    } else {
        refuse(batch, notice, error);
    }
    return tell_in_order(batch, false, error);
}

/* Until everything that was sent is answered. */
static int run_round(struct batch *batch, struct error *error)
{
    int code = send_notices(batch, error);

    while (!code && client_unanswered(batch->publishing->client)) {
        code = receive_one(batch, error);
        if (!code)
            code = send_notices(batch, error);
    }
    return code;
}

static int run_rounds(struct batch *batch, struct error *error)
{
    int code = ERROR_NONE, tries = 0;

    while (!code && begin_round(batch)) {
        code = run_round(batch, error);
        tries = batch->published ? 0 : tries + 1;
        if (code || !batch->put_off.code || batch->refused.code || batch->published)
            continue;
        if (tries == CLI_PUT_TRIES)
            batch->refused = batch->put_off;
        else
            cli_put_wait(&batch->publishing->patience, (int)batch->put_off.code);
    }
    return code;
}

/* What is for some only is prepared first, so each takes two questions: one after the other. */
static int publish_one(struct publishing *publishing, struct notice *notice, struct error *error)
{
    const struct cli_put_saying saying = {
        .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
        .content = buffer_span(&notice->content),
        .audience = notice->audience,
        .request_id = notice->request_id,
    };
    Caravan__PublishRequest request = request_of(notice);
    const Caravan__PrepareReply *prepared = NULL;
    int code = notice->audience.count
                   ? cli_put_say(&publishing->patience, publishing->client, &saying,
                                 &publishing->arena, &prepared, &notice->reply, error)
                   : ask(publishing, "publish", &request.base, &notice->reply, error);

    if (code)
        return error_prefix(error, "%s", notice->path);
    code = tell_notice(publishing, notice, error);
    if (notice->audience.count)
        tell_audience(publishing, prepared);
    return code;
}

static bool any_is_for_some(const struct notice *notices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (notices[i].audience.count)
            return true;
    return false;
}

static int publish_in_turn(struct publishing *publishing, struct notice *notices, size_t count,
                           struct error *error)
{
    int code = ERROR_NONE;

    for (size_t i = 0; i < count && !code; i++)
        code = publish_one(publishing, &notices[i], error);
    return code;
}

static int publish_notices(struct publishing *publishing, struct notice *notices, size_t count,
                           struct error *error)
{
    struct batch batch = {.publishing = publishing,
                          .notices = notices,
                          .count = count,
                          .most = CLIENT_WINDOW,
                          .round = calloc(count, sizeof(struct notice *))};
    struct error local;
    int code = batch.round ? run_rounds(&batch, error) : error_memory(error);

    tell_in_order(&batch, true, &local); /* what was published is said, whatever happened then */
    if (code && batch.refused.code)
        fprintf(stderr, "%s\n", batch.refused.text);
    else if (batch.refused.code)
        *error = batch.refused;
    free(batch.round);
    return code ? code : (int)batch.refused.code;
}

/* The same text for others is another announcement. */
static struct span audience_bytes(const struct cli_audience *audience, struct arena *arena)
{
    struct buffer all = {0};
    struct span bytes = {0};

    for (size_t i = 0; i < audience->count; i++)
        buffer_printf(&all, "%s\n", audience->handles[i]);
    if (all.size)
        bytes = span_of(arena_copy_text(arena, all.data, all.size), all.size);
    buffer_finish(&all);
    return bytes.data ? bytes : span_of(NULL, 0);
}

/* Every file is checked before the first one is published. */
static int publish_all(struct publishing *publishing, int count, char **paths, struct error *error)
{
    struct notice *notices = calloc((size_t)count, sizeof *notices);
    int code = ERROR_NONE;
    struct error local;

    if (!notices)
        return error_memory(error);
    for (int i = 0; i < count; i++) {
        int one = read_notice(publishing, paths[i], &notices[i], &local);

        if (!one)
            one = choose_request_id(publishing, "publish", buffer_span(&notices[i].written),
                                    audience_bytes(&notices[i].audience, &publishing->arena),
                                    notices[i].request_id, &local);
        if (one && code)
            fprintf(stderr, "%s\n", local.text);
        else if (one)
            code = error_set(error, local.code, "%s", local.text);
    }
    if (!code)
        code = begin(publishing, error);
    if (!code)
        code = any_is_for_some(notices, (size_t)count)
                   ? publish_in_turn(publishing, notices, (size_t)count, error)
                   : publish_notices(publishing, notices, (size_t)count, error);
    for (int i = 0; i < count; i++)
        notice_finish(&notices[i]);
    free(notices);
    return code;
}

static int run_publish(struct cli *cli, int argc, char **argv)
{
    struct publishing publishing = {
        .cli = cli, .seconds = CLI_WAIT_SECONDS, .patience = {.cli = cli}};
    const struct cli_option options[] = {CLI_WAIT_OPTIONS(publishing),
                                         {.name = "--again",
                                          .help = "publish also what was published already",
                                          .flag = &publishing.again},
                                         {.name = "--to",
                                          .value = "HANDLE,…",
                                          .help = "sealed, for these institutions (or groups) only",
                                          .text = &publishing.to},
                                         {.name = "--request-id",
                                          .value = "HEX",
                                          .help = "your own name for this request, 32 hex digits",
                                          .text = &publishing.request_id},
                                         {.name = NULL}};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_publish, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest == 0)
        code = error_set(&error, ERROR_USAGE,
                         "say which file: caravan publish FILE; a new one comes from: caravan new "
                         "\"joint call\" > call.yaml");
    if (!code && publishing.request_id && (rest > 1 || publishing.again))
        code =
            error_set(&error, ERROR_USAGE, "--request-id goes with one file, and not with --again");
    arena_init(&publishing.arena, 8 * LIMIT_ARENA_SIZE);
    if (!code)
        code = publish_all(&publishing, rest, argv, &error);
    code = finish(&publishing, code, &error);
    return end(&publishing, code, &error);
}

/* --- revise and withdraw ---------------------------------------------------------------------- */

/* The announcement as it is now, which must be our own. */
static int find_own(struct publishing *publishing, char *name, const Caravan__Item **item,
                    struct error *error)
{
    struct cli_found found;
    int code = cli_find_any(publishing->client, name, &publishing->arena, &found, error);

    *item = code ? NULL : found.item;
    return code ? code : cli_find_check_own(&found, "change it", error);
}

/* Says something of a sealed announcement of ours, for those that may read it. */
static int say_sealed(struct publishing *publishing, const struct cli_put_saying *saying,
                      const char *repeated, struct error *error)
{
    const Caravan__PrepareReply *prepared;
    const Caravan__PublishReply *reply;
    Caravan__PublishReply named;
    int code = cli_put_say(&publishing->patience, publishing->client, saying, &publishing->arena,
                           &prepared, &reply, error);

    if (code)
        return code;
    if (!reply) {
        fprintf(stderr, "  %s\n", repeated);
        return ERROR_NONE;
    }
    named = *reply; /* the announcement's name, as where it is public */
    named.name = (char *)(uintptr_t)saying->name;
    code = tell(publishing, &named, repeated, error);
    tell_audience(publishing, prepared);
    return code;
}

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
static int check_audience(const struct notice *notice, const Caravan__Item *item,
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

static int revise_sealed(struct publishing *publishing, const Caravan__Item *item,
                         const struct notice *notice, bool erase_earlier, const uint8_t *id,
                         struct error *error)
{
    const struct cli_put_saying saying = {
        .name = item->name,
        .erase = erase_earlier,
        .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION,
        .content = buffer_span(&notice->content),
        .request_id = id,
    };

    return say_sealed(publishing, &saying, "says exactly this already; nothing was published",
                      error);
}

static int revise(struct publishing *publishing, char *name, const struct notice *notice,
                  bool erase_earlier, struct error *error)
{
    Caravan__ReviseRequest request = CARAVAN__REVISE_REQUEST__INIT;
    uint8_t id[STORE_REQUEST_ID_SIZE];
    const Caravan__PublishReply *reply;
    const Caravan__Item *item;
    int code = find_own(publishing, name, &item, error);

    if (!code)
        code = check_audience(notice, item, error);
    /* The entry that is replaced is part of the id: to go back to an older text is a new change. */
    if (!code)
        code = choose_request_id(publishing, erase_earlier ? "revise, erase earlier" : "revise",
                                 span_of(item->hash.data, item->hash.len),
                                 buffer_span(&notice->written), id, error);
    if (code)
        return code;
    if (item->sealed)
        return revise_sealed(publishing, item, notice, erase_earlier, id, error);
    request.has_request_id = request.has_announcement = request.has_content = true;
    request.request_id.data = id;
    request.request_id.len = sizeof id;
    request.announcement = item->seq;
    request.content.data = notice->content.data;
    request.content.len = notice->content.size;
    request.has_erase_earlier = request.erase_earlier = erase_earlier;
    code = ask(publishing, "revise", &request.base, &reply, error);
    return code
               ? code
               : tell(publishing, reply, "says exactly this already; nothing was published", error);
}

static int run_revise(struct cli *cli, int argc, char **argv)
{
    struct publishing publishing = {
        .cli = cli, .seconds = CLI_WAIT_SECONDS, .patience = {.cli = cli}};
    bool erase_earlier = false;
    const struct cli_option options[] = {{.name = "--erase-earlier",
                                          .help = "and have what it said before erased everywhere",
                                          .flag = &erase_earlier},
                                         CLI_WAIT_OPTIONS(publishing),
                                         {.name = NULL}};
    struct notice notice = {0};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_revise, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest != 2)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement and what it shall say: caravan revise NAME FILE");
    arena_init(&publishing.arena, 8 * LIMIT_ARENA_SIZE);
    if (!code)
        code = read_notice(&publishing, argv[1], &notice, &error);
    if (!code)
        code = begin(&publishing, &error);
    if (!code)
        code = revise(&publishing, argv[0], &notice, erase_earlier, &error);
    code = finish(&publishing, code, &error);
    notice_finish(&notice);
    return end(&publishing, code, &error);
}

struct reason {
    const char *text, *language;
};

static int withdraw_sealed(struct publishing *publishing, const Caravan__Item *item,
                           const Caravan__WithdrawRequest *request, const uint8_t *id,
                           struct error *error)
{
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;
    const struct cli_put_saying saying = {
        .name = item->name,
        .erase = request->erase,
        .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL,
        .message = &withdrawal.base,
        .request_id = id,
    };

    withdrawal.n_reason = request->n_reason;
    withdrawal.reason = request->reason;
    return say_sealed(publishing, &saying, "was withdrawn already", error);
}

/* What is taken back in another way says in which. */
static int check_withdrawable(const Caravan__Item *item, struct error *error)
{
    switch (item->content_type) {
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION:
        return error_set(error, ERROR_INVALID,
                         "%s is a confirmation; it is taken back by: caravan confirm NAME "
                         "--decline, with the name of the announcement",
                         item->name);
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_OUTCOME:
        return error_set(error, ERROR_INVALID,
                         "%s is an outcome; the newest one counts, so say another one: caravan "
                         "outcome --help",
                         item->name);
    default:
        return ERROR_NONE;
    }
}

static int withdraw(struct publishing *publishing, char *name, const struct reason *reason,
                    bool erase, struct error *error)
{
    Caravan__WithdrawRequest request = CARAVAN__WITHDRAW_REQUEST__INIT;
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *texts[] = {&text};
    uint8_t id[STORE_REQUEST_ID_SIZE];
    const Caravan__PublishReply *reply;
    const Caravan__Item *item;
    uint8_t seq[8];
    int code = find_own(publishing, name, &item, error);

    if (!code)
        code = check_withdrawable(item, error);
    if (code)
        return code;
    bytes_put_u64(seq, item->seq);
    code = choose_request_id(publishing, erase ? "withdraw, erase" : "withdraw",
                             span_of(seq, sizeof seq), span_of(NULL, 0), id, error);
    request.has_request_id = request.has_announcement = true;
    request.request_id.data = id;
    request.request_id.len = sizeof id;
    request.announcement = item->seq;
    text.lang = (char *)(uintptr_t)reason->language;
    text.text = (char *)(uintptr_t)reason->text;
    request.n_reason = reason->text ? 1 : 0;
    request.reason = texts;
    request.has_erase = request.erase = erase;
    if (!code && item->sealed)
        return withdraw_sealed(publishing, item, &request, id, error);
    if (!code)
        code = ask(publishing, "withdraw", &request.base, &reply, error);
    return code ? code
                : tell(publishing, reply,
                       erase ? "was withdrawn, and ordered to be erased, already"
                             : "was withdrawn already",
                       error);
}

static int run_withdraw(struct cli *cli, int argc, char **argv)
{
    struct publishing publishing = {
        .cli = cli, .seconds = CLI_WAIT_SECONDS, .patience = {.cli = cli}};
    struct reason reason = {.language = "en"};
    bool erase = false;
    const struct cli_option options[] = {
        {.name = "--reason", .value = "TEXT", .help = "why, for readers", .text = &reason.text},
        {.name = "--language",
         .value = "TAG",
         .help = "language of the reason (en)",
         .text = &reason.language},
        {.name = "--erase",
         .help = "and have what it said erased everywhere; not the reason",
         .flag = &erase},
        CLI_WAIT_OPTIONS(publishing),
        {.name = NULL}};
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_withdraw, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement: caravan withdraw NAME [--reason TEXT]");
    if (!code && !vocabulary_language_tag(reason.language, strlen(reason.language)))
        code = error_set(&error, ERROR_USAGE,
                         "--language: found \"%.40s\", expected a language of BCP 47, like en",
                         reason.language);
    arena_init(&publishing.arena, 8 * LIMIT_ARENA_SIZE);
    if (!code)
        code = begin(&publishing, &error);
    if (!code)
        code = withdraw(&publishing, argv[0], &reason, erase, &error);
    code = finish(&publishing, code, &error);
    return end(&publishing, code, &error);
}

/* --- the commands ----------------------------------------------------------------------------- */

const struct cli_command cmd_publish = {
    .name = "publish",
    .group = CLI_GROUP_WRITE,
    .usage = "publish FILE… [--to HANDLE,…] [--wait] [--timeout SECONDS] [--again]",
    .summary = "publish announcements",
    .help =
        "Checks all files, then publishes them and prints the name of each, like cn-demo/4, in "
        "the\n"
        "order of the files. When one is refused, no more are sent; those on their way are told.\n"
        "What the node cannot take yet is sent again, for a while; its number may then be higher "
        "than\n"
        "those of files behind it.\n"
        "Repeating the command publishes nothing twice: the same content gets the same name. With\n"
        "--wait it shows each partner receiving it; the exit code is 75 when not all have.\n\n"
        "With --to, or `audience: [th-nstda, za-nrf]` in the file, the announcement is sealed: "
        "only\n"
        "these institutions can read it, and nobody else sees for whom it is. A group of "
        "node.yaml\n"
        "may stand for its members. What follows it (revisions, confirmations, …) is sealed, "
        "too.\n\n"
        "Example: caravan publish call.yaml --wait",
    .run = run_publish,
};

const struct cli_command cmd_revise = {
    .name = "revise",
    .group = CLI_GROUP_WRITE,
    .usage = "revise NAME FILE [--erase-earlier] [--wait] [--timeout SECONDS]",
    .summary = "replace what an own announcement says",
    .help =
        "The announcement keeps its name; readers see the new text and the history. The file is a\n"
        "whole announcement, as for publish (caravan show NAME prints the present one). What a "
        "newer\n"
        "version of Caravan wrote and this one does not know is never dropped: it refuses.\n\n"
        "With --erase-earlier every node that has the announcement is told to delete what it said\n"
        "before, for good: so the name of one person can go without the announcement. What was\n"
        "exported, copied or sent by e-mail is not reached.\n\n"
        "Example: caravan revise cn-demo/4 call.yaml",
    .run = run_revise,
};

const struct cli_command cmd_withdraw = {
    .name = "withdraw",
    .group = CLI_GROUP_WRITE,
    .usage = "withdraw NAME [--reason TEXT] [--language TAG] [--erase] [--wait]",
    .summary = "withdraw an own announcement",
    .help =
        "Readers see that it is withdrawn, and why; its text stays in the history. This cannot be\n"
        "undone: publish a new one instead.\n\n"
        "With --erase every node that has the announcement is told to delete its text and those "
        "of\n"
        "all its revisions, for good, also of one that was withdrawn before. The reason is never\n"
        "erased: name no person in it. What was exported, copied or sent by e-mail is not "
        "reached.\n\n"
        "Example: caravan withdraw cn-demo/4 --reason \"the programme was cancelled\"",
    .run = run_withdraw,
};
