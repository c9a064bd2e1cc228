#include "node/cli/cli_put.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/codec.h"
#include "common/identity.h"

void cli_put_request_id(const char *what, struct span first, struct span second,
                        uint8_t id[STORE_REQUEST_ID_SIZE])
{
    struct id inner, outer;

    identity_hash2(IDENTITY_CONTENT, first, second, &inner);
    identity_hash2(IDENTITY_CONTENT, span_of_text(what), span_of_id(&inner), &outer);
    memcpy(id, outer.bytes, STORE_REQUEST_ID_SIZE);
}

bool cli_put_is_later(int code)
{
    return code == ERROR_HELD || code == ERROR_BUSY;
}

void cli_put_wait(struct cli_put_patience *patience, int why)
{
    const struct timespec second = {.tv_sec = 1};

    if (patience->cli->terminal && !patience->told)
        fputs(why == ERROR_HELD
                  ? "the node is still checking its own feed with its partners; waiting\n"
                  : "the node has too much to do; waiting\n",
              stderr);
    patience->told = true;
    nanosleep(&second, NULL);
}

int cli_put_ask(struct cli_put_patience *patience, struct client *client, const char *operation,
                const ProtobufCMessage *request, struct arena *arena,
                const Caravan__PublishReply **reply, struct error *error)
{
    ProtobufCMessage *message;
    int code = ERROR_NONE;

    for (int i = 0; i < CLI_PUT_TRIES && (i == 0 || cli_put_is_later(code)); i++) {
        if (i > 0)
            cli_put_wait(patience, code);
        code = client_call(client, operation, request, &caravan__publish_reply__descriptor, arena,
                           CLIENT_TIMEOUT_MS, &message, error);
    }
    if (!code)
        *reply = (const Caravan__PublishReply *)message;
    return code;
}

/* All that is said: repeating the command says nothing twice. What was said before is part of it:
 * to say again what was taken back is new. */
static int make_request_id(const struct cli_put_saying *saying, struct span content,
                           const Caravan__PrepareReply *prepared, uint8_t id[STORE_REQUEST_ID_SIZE],
                           struct error *error)
{
    struct buffer all = {0};
    bool ok = buffer_printf(&all, "%s %" PRIu32 " %" PRIu64 "\n", saying->name ? saying->name : "",
                            saying->content_type, saying->entry);

    for (size_t i = 0; i < saying->audience.count && ok; i++)
        ok = buffer_printf(&all, "%s\n", saying->audience.handles[i]);
    ok = ok && buffer_append(&all, content.data, content.size);
    if (ok)
        cli_put_request_id("put",
                           span_of(prepared->previous_hash.data, prepared->previous_hash.len),
                           buffer_span(&all), id);
    buffer_finish(&all);
    return ok ? ERROR_NONE : error_memory(error);
}

static int put(struct cli_put_patience *patience, struct client *client,
               const Caravan__PrepareReply *prepared, const uint8_t id[STORE_REQUEST_ID_SIZE],
               struct arena *arena, const Caravan__PublishReply **reply, struct error *error)
{
    Caravan__PutRequest request = CARAVAN__PUT_REQUEST__INIT;

    request.has_request_id = request.has_content_type = request.has_content = true;
    request.request_id.data = (uint8_t *)(uintptr_t)id;
    request.request_id.len = STORE_REQUEST_ID_SIZE;
    request.content_type = prepared->content_type;
    request.has_content = prepared->has_content;
    request.content = prepared->content;
    request.n_erase = prepared->n_erase;
    request.erase = prepared->erase;
    return cli_put_ask(patience, client, "put", &request.base, arena, reply, error);
}

static int prepare(struct client *client, const struct cli_put_saying *saying, struct span content,
                   struct arena *arena, const Caravan__PrepareReply **prepared, struct error *error)
{
    Caravan__PrepareRequest request = CARAVAN__PREPARE_REQUEST__INIT;
    ProtobufCMessage *answer;
    int code;

    request.name = (char *)(uintptr_t)saying->name;
    request.has_content_type = request.has_content = request.has_entry = true;
    request.content_type = saying->content_type;
    request.content.data = (uint8_t *)(uintptr_t)content.data;
    request.content.len = content.size;
    request.n_audience = saying->audience.count;
    request.audience = saying->audience.handles;
    request.entry = saying->entry;
    request.has_erase = request.erase = saying->erase;
    code = client_call(client, "prepare", &request.base, &caravan__prepare_reply__descriptor, arena,
                       CLIENT_TIMEOUT_MS, &answer, error);
    if (!code)
        *prepared = (const Caravan__PrepareReply *)answer;
    return code;
}

int cli_put_say(struct cli_put_patience *patience, struct client *client,
                const struct cli_put_saying *saying, struct arena *arena,
                const Caravan__PrepareReply **prepared, const Caravan__PublishReply **reply,
                struct error *error)
{
    uint8_t made[STORE_REQUEST_ID_SIZE];
    const uint8_t *id = saying->request_id;
    struct buffer packed = {0};
    struct span content = saying->content;
    int code = ERROR_NONE;

    *reply = NULL;
    if (saying->message) {
        code = codec_pack(saying->message, &packed) ? ERROR_NONE : error_memory(error);
        content = buffer_span(&packed);
    }
    if (!code)
        code = prepare(client, saying, content, arena, prepared, error);
    if (!code && (!(*prepared)->same || (*prepared)->n_erase)) {
        if (!id)
            code = make_request_id(saying, content, *prepared, made, error);
        if (!code)
            code = put(patience, client, *prepared, id ? id : made, arena, reply, error);
    }
    buffer_finish(&packed);
    return code;
}
