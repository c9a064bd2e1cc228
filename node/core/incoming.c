#include "node/core/incoming.h"

#include <stdlib.h>
#include <string.h>

#include "common/guard.h"

/* Checks the signatures with what the keyring knows. A failure here is not the last word: the
 * writer may have learned a certificate since, and checks again itself. */
static void check_run(struct incoming *incoming, struct keyring *keyring)
{
    const struct keyring_entry *keys = keyring_take(keyring, &incoming->run.feed);

    if (!keys)
        return;
    incoming->certificate = keys->number;
    incoming->checked =
        entry_run_check(&incoming->run, &keys->chain, keys->number, NULL) == ERROR_NONE;
    keyring_release(keyring, keys);
}

static void parse_sync(struct incoming *incoming, const char *network)
{
    ProtobufCMessage *message;

    if (incoming->bytes.size > LIMIT_MESSAGE_SIZE) {
        error_set(&incoming->error, ERROR_TOO_LARGE,
                  "sync message: found %zu bytes, expected at most %d", incoming->bytes.size,
                  LIMIT_MESSAGE_SIZE);
        return;
    }
    if (guard_unpack(&caravan__sync_message__descriptor, buffer_span(&incoming->bytes),
                     &guard_limits_message, &incoming->arena, &message, &incoming->error))
        return;
    incoming->message = (Caravan__SyncMessage *)message;
    /* A body that only a newer version knows is no error: it is passed over. */
    if (incoming->message->body_case != CARAVAN__SYNC_MESSAGE__BODY_RUN)
        return;
    /* An empty run says "nothing to hand on yet"; the writer needs its request number only. */
    if (incoming->message->run->n_entries == 0)
        return;
    incoming->has_run = entry_run_parse(incoming->message->run, network, &incoming->run,
                                        &incoming->error) == ERROR_NONE;
}

static enum incoming_source source_of(const char *topic)
{
    if (!topic)
        return INCOMING_SYNC;
    return strncmp(topic, "head/", 5) == 0 ? INCOMING_LIVE_HEAD : INCOMING_LIVE_ENTRY;
}

struct incoming *incoming_create(const struct id *peer, const char *topic, struct buffer *bytes,
                                 const char *network, struct keyring *keyring)
{
    struct incoming *incoming = calloc(1, sizeof *incoming);

    if (!incoming) {
        buffer_finish(bytes);
        return NULL;
    }
    incoming->peer = *peer;
    incoming->source = source_of(topic);
    incoming->bytes = *bytes;
    *bytes = (struct buffer){0};
    arena_init(&incoming->arena, LIMIT_ARENA_SIZE);
    if (incoming->source == INCOMING_SYNC)
        parse_sync(incoming, network);
    else if (incoming->source == INCOMING_LIVE_ENTRY)
        incoming->has_run = entry_run_parse_single(buffer_span(&incoming->bytes), network,
                                                   &incoming->run, &incoming->error) == ERROR_NONE;
    if (incoming->has_run)
        check_run(incoming, keyring);
    return incoming;
}

void incoming_destroy(struct incoming *incoming)
{
    if (!incoming)
        return;
    entry_run_finish(&incoming->run);
    arena_finish(&incoming->arena);
    buffer_finish(&incoming->bytes);
    free(incoming);
}

bool incoming_is_request(const struct incoming *incoming)
{
    if (!incoming->message)
        return false;
    switch (incoming->message->body_case) {
    case CARAVAN__SYNC_MESSAGE__BODY_HEADS_REQUEST:
    case CARAVAN__SYNC_MESSAGE__BODY_PULL:
    case CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES_REQUEST:
        return true;
    default:
        return false;
    }
}
