/* publish: what an office announces, one file or many. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/card.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_notice.h"
#include "node/cli/cli_publish.h"

/* A file on its way, and what became of it. */
struct posting {
    struct cli_notice notice;
    uint8_t request_id[STORE_REQUEST_ID_SIZE];
    const Caravan__PublishReply *reply; /* in the command's arena; NULL: none yet, or failed */
    bool failed;
};

static Caravan__PublishRequest request_of(struct posting *posting)
{
    Caravan__PublishRequest request = CARAVAN__PUBLISH_REQUEST__INIT;

    request.has_request_id = request.has_announcement = true;
    request.request_id.data = posting->request_id;
    request.request_id.len = sizeof posting->request_id;
    request.announcement.data = posting->notice.content.data;
    request.announcement.len = posting->notice.content.size;
    return request;
}

static int tell_posting(struct cli_publish *publish, const struct posting *posting,
                        struct error *error)
{
    return cli_publish_tell(
        publish, posting->reply,
        publish->request_id
            ? "this request was answered before; nothing was published again"
            : "was published already with exactly this content; --again publishes it anew",
        error);
}

/* Many files, in rounds. In each, what is not published yet is sent in the order of the files:
 * the first alone, as it may have to wait, then many at a time. When one is put off, no more are
 * sent in this round; those on their way may be published and then have smaller numbers. */
struct batch {
    struct cli_publish *publish;
    struct posting *postings; /* those before `told` are done with */
    size_t count, told;
    struct posting **round;
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
        if (!batch->postings[i].reply && !batch->postings[i].failed)
            batch->round[batch->in_round++] = &batch->postings[i];
    return batch->in_round && !batch->refused.code;
}

static int send_postings(struct batch *batch, struct error *error)
{
    struct client *client = batch->publish->client;

    while (!batch->put_off.code && !batch->refused.code && batch->sent < batch->in_round &&
           client_unanswered(client) < batch->window) {
        struct posting *posting = batch->round[batch->sent];
        Caravan__PublishRequest request = request_of(posting);
        uint64_t id;
        int code = client_send(client, "publish", &request.base, &id, error);

        if (code)
            return error_prefix(error, "%s", posting->notice.path);
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
        const struct posting *posting = &batch->postings[batch->told];

        if (posting->reply)
            code = tell_posting(batch->publish, posting, error);
        else if (!posting->failed && !at_end)
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
static void refuse(struct batch *batch, struct posting *posting, const struct error *error)
{
    posting->failed = true;
    if (!batch->refused.code)
        batch->refused = *error;
    else
        fprintf(stderr, "%s\n", error->text);
}

/* Takes one answer. */
static int receive_one(struct batch *batch, struct error *error)
{
    struct cli_publish *publish = batch->publish;
    ProtobufCMessage *reply = NULL;
    struct posting *posting;
    uint64_t id = 0;
    int code = client_receive(publish->client, &caravan__publish_reply__descriptor, &publish->arena,
                              CLIENT_TIMEOUT_MS, &id, &reply, error);

    if (!id)
        return error_prefix(error, "%s", batch->postings[batch->told].notice.path);
    posting = batch->round[id - batch->first_id];
    if (code)
        error_prefix(error, "%s", posting->notice.path);
    if (!code) {
        posting->reply = (const Caravan__PublishReply *)reply;
        batch->published = true;
        batch->window = batch->most;
    } else if (cli_put_is_later(code)) {
        put_off(batch, error);
    } else {
        refuse(batch, posting, error);
    }
    return tell_in_order(batch, false, error);
}

/* Until everything that was sent is answered. */
static int run_round(struct batch *batch, struct error *error)
{
    int code = send_postings(batch, error);

    while (!code && client_unanswered(batch->publish->client)) {
        code = receive_one(batch, error);
        if (!code)
            code = send_postings(batch, error);
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
            cli_put_wait(&batch->publish->patience, (int)batch->put_off.code);
    }
    return code;
}

/* What is for some only is prepared first, so each takes two questions: one after the other. */
static int publish_one(struct cli_publish *publish, struct posting *posting, struct error *error)
{
    const struct cli_put_saying saying = {
        .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
        .content = buffer_span(&posting->notice.content),
        .audience = posting->notice.audience,
        .request_id = posting->request_id,
    };
    Caravan__PublishRequest request = request_of(posting);
    const Caravan__PrepareReply *prepared = NULL;
    int code = posting->notice.audience.count
                   ? cli_put_say(&publish->patience, publish->client, &saying, &publish->arena,
                                 &prepared, &posting->reply, error)
                   : cli_publish_ask(publish, "publish", &request.base, &posting->reply, error);

    if (code)
        return error_prefix(error, "%s", posting->notice.path);
    code = tell_posting(publish, posting, error);
    if (posting->notice.audience.count)
        cli_publish_tell_audience(publish, prepared);
    return code;
}

static bool any_is_for_some(const struct posting *postings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (postings[i].notice.audience.count)
            return true;
    return false;
}

static int publish_in_turn(struct cli_publish *publish, struct posting *postings, size_t count,
                           struct error *error)
{
    int code = ERROR_NONE;

    for (size_t i = 0; i < count && !code; i++)
        code = publish_one(publish, &postings[i], error);
    return code;
}

static int publish_in_rounds(struct cli_publish *publish, struct posting *postings, size_t count,
                             struct error *error)
{
    struct batch batch = {.publish = publish,
                          .postings = postings,
                          .count = count,
                          .most = CLIENT_WINDOW,
                          .round = calloc(count, sizeof(struct posting *))};
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

/* --- the command ------------------------------------------------------------------------------ */

/* The same text for others is another announcement. */
static int choose_request_id(const struct cli_publish *publish, struct posting *posting,
                             struct error *error)
{
    const struct cli_audience *audience = &posting->notice.audience;
    struct buffer all = {0};
    bool ok = true;
    int code;

    for (size_t i = 0; i < audience->count && ok; i++)
        ok = buffer_printf(&all, "%s\n", audience->handles[i]);
    code = ok ? cli_publish_request_id(publish, "publish", buffer_span(&posting->notice.written),
                                       buffer_span(&all), posting->request_id, error)
              : error_memory(error);
    buffer_finish(&all);
    return code;
}

static int read_posting(struct cli_publish *publish, const struct cli_names *names,
                        const char *path, const char *const *to, struct posting *posting,
                        struct error *error)
{
    int code =
        cli_notice_read(publish->cli, names, path, to, &publish->arena, &posting->notice, error);

    return code ? code : choose_request_id(publish, posting, error);
}

/* All of them, to the last: the first error is the command's, the others are said here. */
static int read_postings(struct cli_publish *publish, const char *const *to, char **paths,
                         size_t count, struct posting *postings, struct error *error)
{
    struct cli_names *names = NULL;
    int code = cli_names_create(publish->cli, &names, error);
    struct error local;

    for (size_t i = 0; i < count && names; i++) {
        int one = read_posting(publish, names, paths[i], to, &postings[i], &local);

        if (one && code)
            fprintf(stderr, "%s\n", local.text);
        else if (one)
            code = error_set(error, local.code, "%s", local.text);
    }
    cli_names_destroy(names);
    return code;
}

/* Every file is checked before the first one is published. */
static int publish_all(struct cli_publish *publish, const char *const *to, char **paths,
                       size_t count, struct error *error)
{
    struct posting *postings = calloc(count, sizeof *postings);
    int code =
        postings ? read_postings(publish, to, paths, count, postings, error) : error_memory(error);

    if (!code)
        code = cli_publish_begin(publish, error);
    if (!code)
        code = any_is_for_some(postings, count)
                   ? publish_in_turn(publish, postings, count, error)
                   : publish_in_rounds(publish, postings, count, error);
    for (size_t i = 0; i < count && postings; i++)
        cli_notice_finish(&postings[i].notice);
    free(postings);
    return code;
}

static void trim_comma(const char *text, struct buffer *out)
{
    size_t size = strlen(text);

    while (size && (text[size - 1] == ',' || text[size - 1] == ' '))
        size--;
    buffer_printf(out, "%.*s", (int)size, text);
}

static bool is_handle(const char *text)
{
    struct buffer handle = {0};
    bool is;

    trim_comma(text, &handle);
    is = card_handle_is_valid(buffer_text(&handle));
    buffer_finish(&handle);
    return is;
}

/* "--to cn-demo lk-demo" and "--to cn-demo, lk-demo": the second name is read as a file. */
static int check_files(const char *const *to, char **paths, size_t count, struct error *error)
{
    struct buffer all = {0};
    const char *wrong = NULL;

    for (size_t i = 0; *to && i < count; i++) {
        if (!is_handle(paths[i]) || access(paths[i], F_OK) == 0)
            continue;
        wrong = wrong ? wrong : paths[i];
        buffer_append_text(&all, ",");
        trim_comma(paths[i], &all);
    }
    if (wrong) {
        struct buffer first = {0}, bare = {0};

        for (size_t i = 0; to[i]; i++) {
            buffer_append_text(&first, i ? "," : "");
            trim_comma(to[i], &first);
        }
        trim_comma(wrong, &bare);
        error_set(error, ERROR_USAGE,
                  "%.60s is no file; several handles are written so: --to %.200s%.200s",
                  buffer_text(&bare), buffer_text(&first), buffer_text(&all));
        buffer_finish(&first);
        buffer_finish(&bare);
    }
    buffer_finish(&all);
    return wrong ? ERROR_USAGE : ERROR_NONE;
}

/* Each may have several names. */
#define TO_MAX 64

static int run_publish(struct cli *cli, int argc, char **argv)
{
    const char *to[TO_MAX + 1] = {NULL};
    struct cli_publish publish;
    const struct cli_option options[] = {
        CLI_WAIT_OPTIONS(publish.wait),
        {.name = "--again",
         .help = "publish also what was published already",
         .flag = &publish.again},
        {.name = "--to",
         .value = "HANDLE,…",
         .help = "sealed, for these institutions (or groups) only; adds up",
         .list = to,
         .list_size = TO_MAX + 1},
        {.name = "--request-id",
         .value = "HEX",
         .help = "your own name for this request, 32 hex digits",
         .text = &publish.request_id},
        {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    cli_publish_init(&publish, cli);
    code = cli_options(cli, &cmd_publish, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest == 0)
        code = error_set(&error, ERROR_USAGE,
                         "say which file: caravan publish FILE; a new one comes from: caravan new "
                         "\"joint call\" > call.yaml");
    if (!code && publish.request_id && (rest > 1 || publish.again))
        code =
            error_set(&error, ERROR_USAGE, "--request-id goes with one file, and not with --again");
    if (!code)
        code = check_files(to, argv, (size_t)rest, &error);
    if (!code)
        code = publish_all(&publish, to, argv, (size_t)rest, &error);
    return cli_publish_end(&publish, code, &error);
}

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
