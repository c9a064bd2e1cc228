/* export, import: a feed as one file, for an archive or a partner without a connection. */
#include <inttypes.h>
#include <string.h>

#include "common/feedfile.h"
#include "common/guard.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_file.h"
#include "node/cli/client.h"
#include "node/config/config.h"
#include "node/config/own.h"
#include "proto/control.pb-c.h"

/* One line on a terminal that is written over and over. */
static void progress(const struct cli *cli, const char *what, uint64_t seq)
{
    if (cli->terminal)
        fprintf(stderr, "\r%s: No. %" PRIu64 " ", what, seq);
}

static void progress_end(const struct cli *cli)
{
    if (cli->terminal)
        fputs("\r\033[K", stderr);
}

/* --- export ----------------------------------------------------------------------------------- */

struct export
{
    const struct cli *cli;
    struct client *client;
    struct cli_output output;
    struct id feed;
    uint64_t seq; /* how far it has come */
};

static int write_begin(struct export *job, const Caravan__ReadReply *reply, struct error *error)
{
    struct config config;
    struct identity_chain chain = {0};
    struct buffer bytes = {0};
    int code = config_load(job->cli->home, &config, NULL, error);

    if (code)
        return code;
    code = own_read_chain(span_of(reply->certificates.data, reply->certificates.len),
                          config.message->network, &chain, error);
    if (!code)
        code = feedfile_begin(&chain, &bytes, error);
    if (!code)
        code = cli_output_write(&job->output, buffer_span(&bytes), error);
    identity_chain_finish(&chain);
    buffer_finish(&bytes);
    config_finish(&config);
    return code;
}

/* One answer of the node: certificates (the first one), a run. *more: there is more to ask for. */
static int export_step(struct export *job, uint64_t *first, bool *more, struct error *error)
{
    Caravan__ReadRequest request = CARAVAN__READ_REQUEST__INIT;
    const Caravan__ReadReply *reply;
    struct buffer record = {0};
    struct arena arena;
    ProtobufCMessage *message;
    int code;

    request.has_feed = request.has_first = true;
    request.feed.data = job->feed.bytes;
    request.feed.len = BYTES_ID_SIZE;
    request.first = *first;
    arena_init(&arena, 4 * LIMIT_ARENA_SIZE);
    code = client_call(job->client, "read", &request.base, &caravan__read_reply__descriptor, &arena,
                       CLIENT_LONG_TIMEOUT_MS, &message, error);
    if (code)
        goto out;
    reply = (const Caravan__ReadReply *)message;
    *more = reply->has_run;
    if (*first == 1)
        code = write_begin(job, reply, error);
    if (!code && reply->has_run) {
        code = feedfile_append(span_of(reply->run.data, reply->run.len), &record, error);
        if (!code)
            code = cli_output_write(&job->output, buffer_span(&record), error);
        job->seq = reply->next - 1;
        *first = reply->next;
    }
out:
    buffer_finish(&record);
    arena_finish(&arena);
    return code;
}

static int resolve(struct export *job, const char *name, struct error *error)
{
    Caravan__ResolveRequest request = CARAVAN__RESOLVE_REQUEST__INIT;
    struct arena arena;
    ProtobufCMessage *message;
    const Caravan__ResolveReply *reply;
    int code;

    request.name = (char *)(uintptr_t)name;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = client_call(job->client, "resolve", &request.base, &caravan__resolve_reply__descriptor,
                       &arena, CLIENT_TIMEOUT_MS, &message, error);
    if (!code) {
        reply = (const Caravan__ResolveReply *)message;
        if (!span_to_id(span_of(reply->feed.data, reply->feed.len), &job->feed))
            code = error_set(error, ERROR_INTERNAL, "the node named no feed for %s", name);
    }
    arena_finish(&arena);
    return code;
}

/* "own" is short for the node's own handle. */
static int find_feed(struct export *job, const char *name, struct error *error)
{
    struct config config;
    int code;

    if (strcmp(name, "own") != 0)
        return resolve(job, name, error);
    code = config_load(job->cli->home, &config, NULL, error);
    if (!code)
        code = resolve(job, config.message->institution->handle, error);
    config_finish(&config);
    return code;
}

static int export_feed(const struct cli *cli, const char *name, const char *path,
                       struct error *error)
{
    struct export job = {.cli = cli, .output = {.descriptor = -1}};
    uint64_t first = 1;
    bool more = true;
    int code = secret_start(error);

    if (!code)
        code = client_create(cli, &job.client, error);
    if (!code)
        code = find_feed(&job, name, error);
    if (!code)
        code = cli_output_open(path, &job.output, error);
    while (!code && more) {
        code = export_step(&job, &first, &more, error);
        progress(cli, "exporting", job.seq);
    }
    progress_end(cli);
    if (!code && job.seq == 0)
        code = error_set(error, ERROR_NOT_FOUND, "nothing of %s is in the ledger yet", name);
    if (!code)
        code = cli_output_finish(&job.output, error);
    cli_output_abandon(&job.output);
    client_destroy(job.client);
    if (code || job.output.to_stdout)
        return code;
    if (cli->json) {
        printf("{\"file\": ");
        cli_print_json(stdout, path);
        printf(", \"seq\": \"%" PRIu64 "\"}\n", job.seq);
    } else {
        printf("%s holds %s from No. 1 to No. %" PRIu64 "; check it with: caravan verify %s\n",
               path, strcmp(name, "own") == 0 ? "our own announcements" : name, job.seq, path);
    }
    return ERROR_NONE;
}

static int run_export(struct cli *cli, int argc, char **argv)
{
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_export, NULL, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest != 2)
        code = error_set(&error, ERROR_USAGE,
                         "say whose feed and where to: caravan export HANDLE FILE");
    if (!code)
        code = export_feed(cli, argv[0], argv[1], &error);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_export = {
    .name = "export",
    .group = CLI_GROUP_READ,
    .usage = "export HANDLE FILE",
    .summary = "write a whole feed to a file: its announcements with all proofs",
    .help = "Writes everything that an institution published, with its certificates and\n"
            "signatures, to a new file (- is standard output). HANDLE is its handle, its\n"
            "fingerprint, or own. Whoever has the file can check it without asking anybody.\n"
            "\n"
            "Example: caravan --home ~/caravan export own th-nstda.feed\n"
            "Example: caravan verify th-nstda.feed",
    .run = run_export,
};

/* --- import ----------------------------------------------------------------------------------- */

struct import {
    const struct cli *cli;
    struct client *client;
    struct feedfile file;
    uint64_t added, known, seq;
};

/* The first record, as it stands in the file that feedfile_open has checked. */
static struct span certificates_of(struct span bytes)
{
    const uint8_t *at = bytes.data + strlen(FEEDFILE_MAGIC);
    size_t size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];

    return span_of(at + FEEDFILE_RECORD_HEADER, size);
}

static int import_run(struct import *job, struct span run, bool first, struct error *error)
{
    Caravan__ImportRequest request = CARAVAN__IMPORT_REQUEST__INIT;
    struct span certificates = certificates_of(job->file.bytes);
    struct arena arena;
    ProtobufCMessage *message;
    int code;

    request.has_run = true;
    request.run.data = (uint8_t *)(uintptr_t)run.data;
    request.run.len = run.size;
    request.has_certificates = first;
    request.certificates.data = first ? (uint8_t *)(uintptr_t)certificates.data : NULL;
    request.certificates.len = first ? certificates.size : 0;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = client_call(job->client, "import", &request.base, &caravan__import_reply__descriptor,
                       &arena, CLIENT_LONG_TIMEOUT_MS, &message, error);
    if (!code) {
        const Caravan__ImportReply *reply = (const Caravan__ImportReply *)message;

        job->added += reply->added;
        job->known += reply->known;
        job->seq = reply->seq;
    }
    arena_finish(&arena);
    return code;
}

static int import_runs(struct import *job, struct error *error)
{
    struct feedfile_record record = {0};
    bool first = true;
    int code;

    do {
        code = feedfile_next(&job->file, &record, error);
        if (!code && record.run.count > 0) {
            code = import_run(job, record.bytes, first, error);
            progress(job->cli, "importing", job->file.head.seq);
        }
        first = false;
    } while (!code && record.run.count > 0);
    progress_end(job->cli);
    feedfile_record_finish(&record);
    return code;
}

static void print_imported(const struct import *job)
{
    if (job->cli->json)
        printf("{\"added\": \"%" PRIu64 "\", \"known\": \"%" PRIu64 "\", \"seq\": \"%" PRIu64
               "\"}\n",
               job->added, job->known, job->seq);
    else
        printf("%" PRIu64 " entries added, %" PRIu64
               " were known; the ledger holds this feed up to "
               "No. %" PRIu64 "\n",
               job->added, job->known, job->seq);
}

static int import_feed(const struct cli *cli, const char *path, struct error *error)
{
    struct import job = {.cli = cli};
    struct config config = {0};
    struct cli_file file = {0};
    int code = secret_start(error);

    if (!code)
        code = client_create(cli, &job.client, error);
    if (!code)
        code = config_load(cli->home, &config, NULL, error);
    if (!code)
        code = cli_file_open(path, &file, error);
    if (!code) {
        code = feedfile_open(&job.file, file.bytes, config.message->network, error);
        if (!code)
            code = import_runs(&job, error);
        if (code)
            error_prefix(error, "%s", path);
        feedfile_finish(&job.file);
    }
    if (!code)
        print_imported(&job);
    cli_file_close(&file);
    config_finish(&config);
    client_destroy(job.client);
    return code;
}

static int run_import(struct cli *cli, int argc, char **argv)
{
    struct error error = {0};
    int rest = 0;
    int code = cli_options(cli, &cmd_import, NULL, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE, "say which file: caravan import FILE");
    if (!code)
        code = import_feed(cli, argv[0], &error);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_import = {
    .name = "import",
    .group = CLI_GROUP_READ,
    .usage = "import FILE",
    .summary = "take a feed from a file that export wrote",
    .help =
        "Hands the entries of an exported feed to the running node, as if a partner had sent\n"
        "them: every hash and signature is checked, what is known stays as it is. The feed must\n"
        "be a partner's or the node's own.\n"
        "\n"
        "Example: caravan --home ~/caravan import cn-most.feed",
    .run = run_import,
};
