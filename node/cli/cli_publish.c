#include "node/cli/cli_publish.h"

#include <inttypes.h>
#include <sys/random.h>

#include "common/codec.h"
#include "node/cli/cli_item.h"

void cli_publish_init(struct cli_publish *publish, struct cli *cli)
{
    *publish =
        (struct cli_publish){.cli = cli, .seconds = CLI_WAIT_SECONDS, .patience = {.cli = cli}};
    arena_init(&publish->arena, 8 * LIMIT_ARENA_SIZE);
}

int cli_publish_begin(struct cli_publish *publish, struct error *error)
{
    int code = cli_wait_seconds(publish->wait.timeout, &publish->seconds, error);

    return code ? code : client_create(publish->cli, &publish->client, error);
}

/* --- asking ----------------------------------------------------------------------------------- */

int cli_publish_request_id(const struct cli_publish *publish, const char *what, struct span first,
                           struct span second, uint8_t id[STORE_REQUEST_ID_SIZE],
                           struct error *error)
{
    if (publish->request_id) {
        if (bytes_from_hex(publish->request_id, id, STORE_REQUEST_ID_SIZE))
            return ERROR_NONE;
        return error_set(error, ERROR_USAGE,
                         "--request-id: found \"%.40s\", expected %d hex digits, random for each "
                         "announcement",
                         publish->request_id, 2 * STORE_REQUEST_ID_SIZE);
    }
    cli_put_request_id(what, first, second, id);
    if (publish->again && getrandom(id, STORE_REQUEST_ID_SIZE, 0) != (ssize_t)STORE_REQUEST_ID_SIZE)
        return error_set(error, ERROR_IO, "the system gives no random numbers");
    return ERROR_NONE;
}

int cli_publish_find_own(struct cli_publish *publish, const char *name, const Caravan__Item **item,
                         struct error *error)
{
    struct cli_found found;
    int code = cli_find_any(publish->client, name, &publish->arena, &found, error);

    *item = code ? NULL : found.item;
    return code ? code : cli_find_check_own(&found, "change it", error);
}

int cli_publish_ask(struct cli_publish *publish, const char *operation,
                    const ProtobufCMessage *request, const Caravan__PublishReply **reply,
                    struct error *error)
{
    return cli_put_ask(&publish->patience, publish->client, operation, request, &publish->arena,
                       reply, error);
}

/* --- telling ---------------------------------------------------------------------------------- */

static void tell_erased(const Caravan__PublishReply *reply)
{
    if (!reply->n_erased)
        return;
    fputs("  ordered to be erased everywhere: No. ", stderr);
    for (size_t i = 0; i < reply->n_erased; i++)
        fprintf(stderr, "%s%" PRIu64, i ? ", " : "", reply->erased[i]);
    fputc('\n', stderr);
}

int cli_publish_tell(struct cli_publish *publish, const Caravan__PublishReply *reply,
                     const char *repeated, struct error *error)
{
    publish->wait.seq = reply->seq > publish->wait.seq ? reply->seq : publish->wait.seq;
    publish->erased = reply->n_erased > 0;
    if (publish->cli->json) {
        bool ok = buffer_append_text(&publish->json, publish->answers++ ? ", " : "") &&
                  codec_write_json(&reply->base, &publish->json);

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

void cli_publish_tell_audience(const struct cli_publish *publish,
                               const Caravan__PrepareReply *prepared)
{
    if (publish->cli->json || !prepared->n_audience)
        return;
    fputs("  sealed for ", stderr);
    for (size_t i = 0; i < prepared->n_audience; i++) {
        fputs(i ? ", " : "", stderr);
        cli_print_text(stderr, prepared->audience[i], false);
    }
    fputc('\n', stderr);
}

int cli_publish_say_sealed(struct cli_publish *publish, const struct cli_put_saying *saying,
                           const char *repeated, struct error *error)
{
    const Caravan__PrepareReply *prepared;
    const Caravan__PublishReply *reply;
    Caravan__PublishReply named;
    int code = cli_put_say(&publish->patience, publish->client, saying, &publish->arena, &prepared,
                           &reply, error);

    if (code)
        return code;
    if (!reply) {
        fprintf(stderr, "  %s\n", repeated);
        return ERROR_NONE;
    }
    named = *reply; /* the announcement's name, as where it is public */
    named.name = (char *)(uintptr_t)saying->name;
    code = cli_publish_tell(publish, &named, repeated, error);
    cli_publish_tell_audience(publish, prepared);
    return code;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* What was published is said also when something has gone wrong after that. */
static void print_json(struct cli_publish *publish, const Caravan__CoverageReply *coverage,
                       const struct error *error)
{
    printf("{\"published\": [");
    cli_item_print_json(stdout, buffer_span(&publish->json));
    fputs("]", stdout);
    if (coverage) {
        buffer_clear(&publish->json);
        codec_write_json(&coverage->base, &publish->json);
        fputs(", \"coverage\": ", stdout);
        cli_item_print_json(stdout, buffer_span(&publish->json));
    }
    if (error) {
        fputs(", \"error\": {\"code\": ", stdout);
        cli_print_json(stdout, error_name(error->code));
        fputs(", \"text\": ", stdout);
        cli_print_json(stdout, error->text);
        fputs("}", stdout);
    }
    puts("}");
    publish->printed = true;
}

static int wait_for_partners(struct cli_publish *publish, const Caravan__CoverageReply **coverage,
                             struct error *error)
{
    if (!publish->wait.wait && !publish->wait.timeout)
        return ERROR_NONE;
    return cli_wait_for_partners(publish->client,
                                 publish->erased ? CLI_WAIT_HEAD : publish->wait.seq,
                                 publish->seconds, &publish->arena, coverage, error);
}

/* When something was published the error stands beside that in JSON already. */
static int fail(const struct cli_publish *publish, const struct error *error)
{
    struct cli plain = *publish->cli;

    plain.json = plain.json && !publish->printed;
    return cli_fail(&plain, error);
}

int cli_publish_end(struct cli_publish *publish, int code, struct error *error)
{
    const Caravan__CoverageReply *coverage = NULL;

    if (!code)
        code = wait_for_partners(publish, &coverage, error);
    if (publish->cli->json && (!code || publish->answers))
        print_json(publish, coverage, code ? error : NULL);
    client_destroy(publish->client);
    arena_finish(&publish->arena);
    buffer_finish(&publish->json);
    return code ? fail(publish, error) : 0;
}
