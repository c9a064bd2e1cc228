/* Partners: institutions whose card was accepted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/serve.h"
#include "node/core/state.h"

static int check_handle(struct exchange *exchange, const struct card *card, struct error *error)
{
    char ours[IDENTITY_FINGERPRINT_SIZE], theirs[IDENTITY_FINGERPRINT_SIZE];
    const struct feed *feed;
    size_t at = 0;

    if (id_equal(&card->chain.feed, &exchange->own->id))
        return error_set(error, ERROR_INVALID, "this is our own card");
    while ((feed = map_next(&exchange->feeds, &at))) {
        if ((!feed->partner && feed != exchange->own) || id_equal(&feed->id, &card->chain.feed) ||
            strcmp(feed_handle(feed), card->profile->handle) != 0)
            continue;
        identity_fingerprint(&feed->id, ours);
        identity_fingerprint(&card->chain.feed, theirs);
        return error_set(error, ERROR_EXISTS,
                         "two institutions have the handle %s: the one known here has fingerprint "
                         "%s, the card has %s",
                         card->profile->handle, ours, theirs);
    }
    return ERROR_NONE;
}

static int take_chain(struct exchange *exchange, struct feed *feed, const struct card *card,
                      struct error *error)
{
    const struct store *store = &exchange->config.store;

    for (size_t i = 0; i < card->chain.count; i++) {
        struct store_certificate row = {i + 1, 0, buffer_span(&card->chain.encoded[i])};
        bool known = i < feed->chain.count;
        int code = identity_chain_append(&feed->chain, row.encoded, error);

        if (code)
            return error_prefix(error, "card of %s", card->profile->handle);
        if (known)
            continue;
        code = store->operations->put_certificate(store->self, &feed->id, &row, error);
        if (code) {
            exchange_break(exchange, error);
            return code;
        }
        exchange->wrote = true;
    }
    return feed_publish_keys(exchange, feed, error);
}

static void take_description(struct feed *feed, const struct card *card)
{
    struct buffer bytes = {0};

    if (serve_pack(&card->profile->base, &bytes))
        feed_learn(feed, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, card->created_ms,
                   buffer_span(&bytes));
    buffer_clear(&bytes);
    if (serve_pack(&card->endpoints->base, &bytes))
        feed_learn(feed, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS, card->created_ms,
                   buffer_span(&bytes));
    buffer_finish(&bytes);
}

/* Others may have told heads of this feed before we followed it: let them tell all again. */
static void ask_all_again(struct exchange *exchange)
{
    const struct store *store = &exchange->config.store;
    struct partner *partner;
    struct error error;
    size_t at = 0;

    while ((partner = map_next(&exchange->partners, &at))) {
        if (!partner->kept && !partner->told)
            continue;
        partner->kept = partner->told = 0;
        exchange->wrote = true;
        if (store->operations->put_cursor(store->self, &partner->feed->id, partner->ledger, 0,
                                          &error))
            exchange_break(exchange, &error);
        if (partner->session)
            session_ask_heads(exchange, partner);
    }
}

static struct partner *make_partner(struct exchange *exchange, struct feed *feed)
{
    const struct store *store = &exchange->config.store;
    struct partner *partner = calloc(1, sizeof *partner);

    if (!partner || !map_put(&exchange->partners, &feed->id, partner)) {
        free(partner);
        return NULL;
    }
    partner->feed = feed;
    feed->partner = partner;
    store->operations->get_cursor(store->self, &feed->id, partner->ledger, &partner->kept, NULL);
    partner->told = partner->kept;
    return partner;
}

int exchange_partner_add(struct exchange *exchange, const struct card *card, bool relay,
                         struct error *error)
{
    struct feed *feed;
    struct partner *partner;
    bool is_new;
    int code = check_handle(exchange, card, error);

    if (code)
        return code;
    feed = feed_get(exchange, &card->chain.feed, error);
    if (!feed)
        return ERROR_MEMORY;
    is_new = feed->chain.count == 0;
    code = take_chain(exchange, feed, card, error);
    if (code)
        return code;
    take_description(feed, card);
    partner = feed->partner ? feed->partner : make_partner(exchange, feed);
    if (!partner)
        return error_memory(error);
    partner->card_ms = card->created_ms;
    partner->relay = relay;
    if (is_new)
        ask_all_again(exchange);
    exchange->changes++;
    return policy_serve(exchange->config.policy, &feed->id, relay, error);
}

void exchange_partner_remove(struct exchange *exchange, const struct id *id)
{
    struct partner *partner = map_remove(&exchange->partners, id);

    if (!partner)
        return;
    catchup_forget(exchange, partner);
    policy_serve(exchange->config.policy, id, false, NULL);
    keyring_remove(exchange->config.keyring, id);
    partner->feed->partner = NULL;
    free(partner);
    exchange->changes++;
}

const struct identity_chain *exchange_chain(const struct exchange *exchange, const struct id *id)
{
    const struct feed *feed = feed_find(exchange, id);

    return feed && feed->partner ? &feed->chain : NULL;
}

const Caravan__Endpoints *exchange_endpoints(const struct exchange *exchange, const struct id *id)
{
    const struct feed *feed = feed_find(exchange, id);

    return feed && feed->partner ? feed->endpoints : NULL;
}

const struct id *exchange_own_feed(const struct exchange *exchange)
{
    return &exchange->own->id;
}
