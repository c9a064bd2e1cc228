#include "node/config/own.h"

#include <string.h>

#include "common/entry.h"
#include "common/guard.h"
#include "node/config/home.h"
#include "proto/wire.pb-c.h"

static int append_all(const Caravan__Certificates *message, struct identity_chain *chain,
                      struct error *error)
{
    for (size_t i = 0; i < message->n_certificates; i++) {
        struct buffer bytes = {0};
        size_t size = caravan__signed_certificate__get_packed_size(message->certificates[i]);
        int code;

        if (!buffer_reserve(&bytes, size))
            return error_memory(error);
        bytes.size = caravan__signed_certificate__pack(message->certificates[i], bytes.data);
        code = identity_chain_append(chain, buffer_span(&bytes), error);
        buffer_finish(&bytes);
        if (code)
            return code;
    }
    return ERROR_NONE;
}

static int read_chain(struct span bytes, const char *network, struct arena *arena,
                      struct identity_chain *chain, struct error *error)
{
    ProtobufCMessage *unpacked;
    const Caravan__Certificates *message;
    struct id feed;
    int code = guard_unpack(&caravan__certificates__descriptor, bytes, &guard_limits_message, arena,
                            &unpacked, error);

    if (code)
        return code;
    message = (const Caravan__Certificates *)unpacked;
    if (!message->has_feed || !span_to_id(span_of(message->feed.data, message->feed.len), &feed) ||
        message->n_certificates == 0)
        return error_set(error, ERROR_MALFORMED, "found no certificate");
    code = identity_chain_init(chain, &feed, network, error);
    if (!code)
        code = append_all(message, chain, error);
    if (code)
        identity_chain_finish(chain);
    return code;
}

int own_read_chain(struct span certificates, const char *network, struct identity_chain *chain,
                   struct error *error)
{
    struct arena arena;
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = read_chain(certificates, network, &arena, chain, error);
    arena_finish(&arena);
    return code;
}

int own_load_chain(const char *home, const char *network, struct identity_chain *chain,
                   struct error *error)
{
    char path[HOME_PATH_SIZE];
    struct buffer bytes = {0};
    struct error local;
    int code;

    error = error ? error : &local;
    code = home_path(home, HOME_CERTIFICATES, path, error);
    if (!code)
        code = home_read(path, LIMIT_MESSAGE_SIZE, &bytes, error);
    if (code == ERROR_NOT_FOUND)
        error_set(error, ERROR_CONFIG,
                  "%s is not there: %s is no home of a node; make one with: caravan --home %s init",
                  path, home, home);
    if (!code) {
        code = own_read_chain(buffer_span(&bytes), network, chain, error);
        if (code && code != ERROR_MEMORY) {
            error_prefix(error, "%s", path);
            error->code = ERROR_CONFIG;
        }
    }
    buffer_finish(&bytes);
    return code ? (int)error->code : ERROR_NONE;
}

static int check_genesis(const struct own *own, const char *network, struct error *error)
{
    struct entry_run run = {0};
    int code = entry_run_parse_single(buffer_span(&own->genesis), network, &run, error);

    if (!code)
        code = entry_run_check(&run, &own->chain, 0, error);
    if (!code && (run.entries[0].seq != 1 || !id_equal(&run.feed, &own->chain.feed)))
        code = error_set(error, ERROR_CONFIG, "found another entry, expected entry 1 of this node");
    entry_run_finish(&run);
    return code ? error_prefix(error, "%s", HOME_GENESIS) : ERROR_NONE;
}

/* It counts as long as its file is there: whoever has retired it has removed that. */
static int load_former_transport(const char *home, struct own *own, struct error *error)
{
    const struct identity_certificate *newest = identity_chain_get(&own->chain, own->chain.count);
    const struct identity_certificate *before =
        identity_chain_get(&own->chain, own->chain.count - 1);
    struct error why = {0};
    int code;

    if (!before || newest->former_stolen ||
        id_equal(&before->transport_key, &newest->transport_key))
        return ERROR_NONE;
    code =
        keyfiles_find(home, SECRET_TRANSPORT, &before->transport_key, &own->former_transport, &why);
    return code == ERROR_MEMORY ? error_memory(error) : ERROR_NONE;
}

static int load_rest(const char *home, const char *network, struct own *own, struct error *error)
{
    const struct identity_certificate *newest = identity_chain_get(&own->chain, own->chain.count);
    char path[HOME_PATH_SIZE];
    struct keyfiles keys;
    int code = keyfiles_load(home, newest, &keys, error);

    own->node = keys.node;
    own->transport = keys.transport;
    own->sealing = keys.sealing;
    if (!code)
        code = load_former_transport(home, own, error);
    if (!code)
        code = keyfiles_former_sealing(home, &newest->sealing_key, &own->former_sealing, error);
    if (!code)
        code = home_path(home, HOME_GENESIS, path, error);
    if (!code)
        code = home_read(path, LIMIT_SIGNED_ENTRY_SIZE, &own->genesis, error);
    if (!code)
        code = check_genesis(own, network, error);
    return code;
}

int own_load(const char *home, const char *network, struct own *own, struct error *error)
{
    struct error local;
    int code;

    memset(own, 0, sizeof *own);
    error = error ? error : &local;
    code = own_load_chain(home, network, &own->chain, error);
    if (code)
        return code;
    code = load_rest(home, network, own, error);
    if (!code)
        return ERROR_NONE;
    own_finish(own);
    if (code != ERROR_MEMORY)
        error->code = ERROR_CONFIG;
    return (int)error->code;
}

void own_finish(struct own *own)
{
    identity_chain_finish(&own->chain);
    secret_destroy(own->node);
    secret_destroy(own->transport);
    secret_destroy(own->sealing);
    secret_destroy(own->former_transport);
    keyfiles_list_finish(&own->former_sealing);
    buffer_finish(&own->genesis);
    memset(own, 0, sizeof *own);
}
