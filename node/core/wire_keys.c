/* By which transport keys a partner is known on the wire, and our own certificates.
 *
 * Who rotates its keys goes on with the former transport key until all its partners have the new
 * certificate, so that nobody is locked out. So both keys of it count, until it has shown the
 * newest: from then on whoever shows the former one has found it somewhere. */
#include <stdio.h>
#include <string.h>

#include "common/wire.h"
#include "node/core/serve.h"
#include "node/core/state.h"

#define NAME_SIZE (sizeof "wire-key/" + 2 * (size_t)BYTES_ID_SIZE)

static void name_of(const struct id *feed, char name[NAME_SIZE])
{
    char hex[2 * BYTES_ID_SIZE + 1];

    bytes_to_hex(feed->bytes, sizeof feed->bytes, hex);
    snprintf(name, NAME_SIZE, "wire-key/%s", hex);
}

void wire_keys_load(struct exchange *exchange, struct partner *partner)
{
    const struct store *store = &exchange->config.store;
    struct buffer value = {0};
    char name[NAME_SIZE];

    name_of(&partner->feed->id, name);
    if (store->operations->get_value(store->self, name, &value, NULL) == ERROR_NONE)
        span_to_id(buffer_span(&value), &partner->seen_key);
    buffer_finish(&value);
}

size_t exchange_wire_keys(const struct exchange *exchange, const struct id *feed_id,
                          struct id keys[2])
{
    const struct feed *feed = feed_find(exchange, feed_id);
    const struct identity_chain *chain = feed && feed->partner ? &feed->chain : NULL;
    const struct identity_certificate *newest, *before;

    if (!chain || !chain->count)
        return 0;
    newest = identity_chain_get(chain, chain->count);
    before = identity_chain_get(chain, chain->count - 1);
    keys[0] = newest->transport_key;
    if (!before || newest->former_stolen || id_equal(&before->transport_key, &keys[0]) ||
        id_equal(&feed->partner->seen_key, &keys[0]))
        return 1;
    keys[1] = before->transport_key;
    return 2;
}

void exchange_seen_key(struct exchange *exchange, const struct id *feed_id, const struct id *key)
{
    const struct store *store = &exchange->config.store;
    struct partner *partner = partner_find(exchange, feed_id);
    char name[NAME_SIZE];
    struct id keys[2];
    struct error error;

    /* Only where it makes a difference is it worth a write. */
    if (!partner || !exchange->open || exchange_wire_keys(exchange, feed_id, keys) < 2 ||
        !id_equal(key, &keys[0]))
        return;
    partner->seen_key = *key;
    name_of(feed_id, name);
    exchange->wrote = true;
    if (store->operations->put_value(store->self, name, span_of_id(key), &error))
        exchange_break(exchange, &error);
    if (exchange->config.partner_changed)
        exchange->config.partner_changed(exchange->config.self, feed_id);
}

void exchange_tell_certificates(struct exchange *exchange)
{
    struct buffer certificates = {0}, message = {0};
    struct partner *partner;
    size_t at = 0;
    bool ok =
        serve_certificates(&exchange->config.store, &exchange->own->id, 0, &certificates, NULL) ==
            ERROR_NONE &&
        wire_put_bytes(&message, 7, buffer_span(&certificates)); /* SyncMessage.certificates */

    while (ok && (partner = map_next(&exchange->partners, &at)))
        if (session_up(partner))
            exchange->config.bus.send(exchange->config.bus.self, &partner->feed->id,
                                      buffer_span(&message));
    buffer_finish(&certificates);
    buffer_finish(&message);
}

const struct identity_chain *exchange_own_chain(const struct exchange *exchange)
{
    return &exchange->own->chain;
}

uint64_t exchange_own_certificate_seq(const struct exchange *exchange, uint64_t number)
{
    const struct feed *own = exchange->own;

    return number && number <= own->position_count ? own->positions[number - 1] : 0;
}

uint64_t exchange_own_certificate(const struct exchange *exchange)
{
    return exchange->own->head.certificate;
}

uint64_t exchange_own_key_certificate(const struct exchange *exchange)
{
    const struct identity_chain *chain = &exchange->own->chain;
    const struct id *key = secret_public(exchange->config.node_key);

    for (size_t i = chain->count; i > 0; i--)
        if (id_equal(&chain->certificates[i - 1].node_key, key))
            return chain->certificates[i - 1].number;
    return 0;
}
