#include "node/cli/cli_put.h"

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

static int put(struct cli_put_patience *patience, struct client *client,
               const Caravan__PrepareReply *prepared, struct arena *arena,
               const Caravan__PublishReply **reply, struct error *error)
{
    Caravan__PutRequest request = CARAVAN__PUT_REQUEST__INIT;
    uint8_t id[STORE_REQUEST_ID_SIZE];

    /* What was said before is part of the id: to say again what was taken back is new. */
    cli_put_request_id("put", span_of(prepared->previous_hash.data, prepared->previous_hash.len),
                       span_of(prepared->content.data, prepared->content.len), id);
    request.has_request_id = request.has_content_type = request.has_content = true;
    request.request_id.data = id;
    request.request_id.len = sizeof id;
    request.content_type = prepared->content_type;
    request.content = prepared->content;
    return cli_put_ask(patience, client, "put", &request.base, arena, reply, error);
}

int cli_put_say(struct cli_put_patience *patience, struct client *client, const char *name,
                uint32_t content_type, const ProtobufCMessage *message, struct arena *arena,
                const Caravan__PrepareReply **prepared, const Caravan__PublishReply **reply,
                struct error *error)
{
    Caravan__PrepareRequest request = CARAVAN__PREPARE_REQUEST__INIT;
    struct buffer content = {0};
    ProtobufCMessage *answer;
    int code = ERROR_NONE;

    *reply = NULL;
    if (!codec_pack(message, &content))
        code = error_memory(error);
    request.name = (char *)(uintptr_t)name;
    request.has_content_type = request.has_content = true;
    request.content_type = content_type;
    request.content.data = content.data;
    request.content.len = content.size;
    if (!code)
        code = client_call(client, "prepare", &request.base, &caravan__prepare_reply__descriptor,
                           arena, CLIENT_TIMEOUT_MS, &answer, error);
    if (!code) {
        *prepared = (const Caravan__PrepareReply *)answer;
        if (!(*prepared)->same)
            code = put(patience, client, *prepared, arena, reply, error);
    }
    buffer_finish(&content);
    return code;
}
