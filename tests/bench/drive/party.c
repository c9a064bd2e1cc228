#include "tests/bench/drive/party.h"

#include "common/fields.h"
#include "common/secret.h"
#include "node/core/ports.h"
#include "proto/control.pb-c.h"

int party_open(const char *home, struct party *party, struct error *error)
{
    const struct cli cli = {.home = home, .program = "bench"};
    const Caravan__Empty request = CARAVAN__EMPTY__INIT;
    const Caravan__StatusReply *status;
    ProtobufCMessage *reply;
    int code;

    *party = (struct party){0};
    arena_init(&party->arena, LIMIT_ARENA_SIZE);
    code = client_create(&cli, &party->client, error);
    if (!code)
        code =
            client_call(party->client, "status", &request.base, &caravan__status_reply__descriptor,
                        &party->arena, CLIENT_TIMEOUT_MS, &reply, error);
    if (!code) {
        status = (const Caravan__StatusReply *)reply;
        party->seq = status->seq;
        if (!span_to_id(span_of(status->feed.data, status->feed.len), &party->feed))
            code = error_set(error, ERROR_INTERNAL, "%s: status names no feed", home);
    }
    if (code)
        party_finish(party);
    return code;
}

void party_finish(struct party *party)
{
    client_destroy(party->client);
    arena_finish(&party->arena);
    *party = (struct party){0};
}

void party_forget(struct party *party)
{
    arena_finish(&party->arena);
    arena_init(&party->arena, LIMIT_ARENA_SIZE);
}

int party_publish(struct party *party, struct span content, uint64_t *id, struct error *error)
{
    Caravan__PublishRequest request = CARAVAN__PUBLISH_REQUEST__INIT;
    uint8_t request_id[STORE_REQUEST_ID_SIZE];

    secret_random(request_id, sizeof request_id);
    request.has_request_id = request.has_announcement = true;
    request.request_id = fields_binary(span_of(request_id, sizeof request_id));
    request.announcement = fields_binary(content);
    return client_send(party->client, "publish", &request.base, id, error);
}

int party_answer(struct party *party, int timeout_ms, uint64_t *id, uint64_t *seq, struct id *hash,
                 struct error *error)
{
    const Caravan__PublishReply *answer;
    ProtobufCMessage *reply = NULL;
    int code;

    party_forget(party);
    *id = 0;
    code = client_receive(party->client, &caravan__publish_reply__descriptor, &party->arena,
                          timeout_ms, id, &reply, error);
    if (!*id && code == ERROR_TIMEOUT && timeout_ms == 0)
        return ERROR_NONE;
    if (code)
        return code;
    answer = (const Caravan__PublishReply *)reply;
    *seq = answer->seq;
    return span_to_id(span_of(answer->hash.data, answer->hash.len), hash)
               ? ERROR_NONE
               : error_set(error, ERROR_INTERNAL, "an answer names no hash");
}
