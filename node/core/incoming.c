#include "node/core/incoming.h"

#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/guard.h"

/* Checks the signatures with what the keyring knows. A failure here is not the last word: the
 * writer may have learned a certificate since, and checks again itself. */
static void check_run(struct incoming *incoming, struct keyring *keyring)
{
    const struct keyring_entry *keys = keyring_take(keyring, &incoming->run.feed);

    if (!keys)
        return;
    incoming->certificate = keys->number;
    if (keys->number && keys->number <= keys->chain.count)
        incoming->certificate_hash = keys->chain.certificates[keys->number - 1].hash;
    incoming->checked =
        entry_run_check(&incoming->run, &keys->chain, keys->number, NULL) == ERROR_NONE;
    keyring_release(keyring, keys);
}

/* Runs are by far the most of what comes, so they are not unpacked: is this the one known field of
 * the message a Run? What is not even a message is left to the guard, which says what is wrong. */
static bool find_run(struct span bytes, struct span *run)
{
    struct fields_cursor cursor = {"SyncMessage", bytes, 0, NULL};
    struct fields_field field;
    size_t runs = 0, others = 0;

    while (fields_next(&cursor, &field) == ERROR_NONE) {
        if (field.number == 0)
            return runs == 1 && others == 0;
        if (field.number == CARAVAN__SYNC_MESSAGE__BODY_RUN && field.wire == 2) {
            *run = field.value.bytes;
            runs++;
        } else {
            others += protobuf_c_message_descriptor_get_field(&caravan__sync_message__descriptor,
                                                              field.number) != NULL;
        }
    }
    return false;
}

static void parse_run(struct incoming *incoming, struct span bytes, const char *network)
{
    struct entry_run_frame frame;
    int code = entry_run_open(bytes, &frame, &incoming->error);

    incoming->is_run = true;
    incoming->request = frame.request;
    /* An empty run says "nothing to hand on yet"; the writer needs its request number only. */
    if (!code && frame.count)
        incoming->has_run =
            entry_run_parse(&frame, network, &incoming->run, &incoming->error) == ERROR_NONE;
}

static int check_count(const char *what, size_t count, size_t limit, struct error *error)
{
    if (count <= limit)
        return ERROR_NONE;
    return error_set(error, ERROR_TOO_LARGE, "%s: found %zu in one message, expected at most %zu",
                     what, count, limit);
}

/* What costs the writer work for each that there is. */
static int check_counts(const Caravan__SyncMessage *message, struct error *error)
{
    switch (message->body_case) {
    case CARAVAN__SYNC_MESSAGE__BODY_HEADS:
        return check_count("heads", message->heads->n_heads, LIMIT_HEADS_PER_MESSAGE, error);
    case CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS:
        return check_count("receipts", message->receipts->n_receipts, LIMIT_RECEIPTS_PER_MESSAGE,
                           error);
    default:
        return ERROR_NONE;
    }
}

static void parse_sync(struct incoming *incoming, const char *network)
{
    ProtobufCMessage *message;
    struct span run;

    if (incoming->bytes.size > LIMIT_MESSAGE_SIZE) {
        error_set(&incoming->error, ERROR_TOO_LARGE,
                  "sync message: found %zu bytes, expected at most %d", incoming->bytes.size,
                  LIMIT_MESSAGE_SIZE);
        return;
    }
    if (find_run(buffer_span(&incoming->bytes), &run)) {
        parse_run(incoming, run, network);
        return;
    }
    /* A body that only a newer version knows is no error: it is passed over. */
    if (guard_unpack(&caravan__sync_message__descriptor, buffer_span(&incoming->bytes),
                     &guard_limits_message, &incoming->arena, &message, &incoming->error) == 0 &&
        check_counts((const Caravan__SyncMessage *)message, &incoming->error) == 0)
        incoming->message = (Caravan__SyncMessage *)message;
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
