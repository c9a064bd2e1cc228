/* Partners: institutions whose card was accepted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/core/state.h"

#define PASSED_OVER_SIZE (sizeof "passed-over/" + 2 * (size_t)BYTES_ID_SIZE)

/* A handle as a key: it is no longer than an id. */
static struct id handle_key(const char *handle)
{
    struct id key = {{0}};

    memcpy(key.bytes, handle, strnlen(handle, sizeof key.bytes));
    return key;
}

/* What counts is what the cards say that the operator accepted: a partner that later takes over
 * another's handle in its profile must not keep the other one out. */
static int check_handle(struct exchange *exchange, const struct card *card, struct error *error)
{
    char ours[IDENTITY_FINGERPRINT_SIZE], theirs[IDENTITY_FINGERPRINT_SIZE];
    const char *handle = card->profile->handle;
    const struct id key = handle_key(handle);
    const struct feed *feed;

    if (id_equal(&card->chain.feed, &exchange->own->id))
        return error_set(error, ERROR_INVALID, "this is our own card");
    feed =
        strcmp(exchange->handle, handle) == 0 ? exchange->own : map_get(&exchange->handles, &key);
    if (!feed || id_equal(&feed->id, &card->chain.feed))
        return ERROR_NONE;
    identity_fingerprint(&feed->id, ours);
    identity_fingerprint(&card->chain.feed, theirs);
    return error_set(error, ERROR_EXISTS,
                     "two institutions have the handle %s: the one known here has fingerprint "
                     "%s, the card has %s",
                     handle, ours, theirs);
}

/* The partner is known by its card's handle, and no longer by that of an older card. */
static bool take_handle(struct exchange *exchange, struct partner *partner, const char *handle)
{
    struct id key = handle_key(handle), before = handle_key(partner->card_handle);

    if (!map_put(&exchange->handles, &key, partner->feed))
        return false;
    if (!id_equal(&key, &before) && partner->card_handle[0])
        map_remove(&exchange->handles, &before);
    snprintf(partner->card_handle, sizeof partner->card_handle, "%s", handle);
    return true;
}

static int take_chain(struct exchange *exchange, struct feed *feed, const struct card *card,
                      struct error *error)
{
    struct span encoded[LIMIT_CERTIFICATES];
    size_t count = 0;
    int code;

    if (card->chain.count > LIMIT_CERTIFICATES)
        return error_set(error, ERROR_TOO_LARGE,
                         "card of %s: found %zu certificates, expected at most %d",
                         card->profile->handle, card->chain.count, LIMIT_CERTIFICATES);
    for (; count < card->chain.count; count++)
        encoded[count] = buffer_span(&card->chain.encoded[count]);
    code = feed_take_certificates(exchange, feed, encoded, count, error);
    if (code)
        return error_prefix(error, "card of %s", card->profile->handle);
    return feed_publish_keys(exchange, feed, error);
}

/* Kept as it is: when entries that said something else turn out to be a thief's, it counts again.
 */
static void take_description(struct partner *partner, const struct card *card)
{
    buffer_clear(&partner->card_profile);
    if (fields_pack(&card->profile->base, &partner->card_profile))
        feed_learn(partner->feed, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, 0, card->created_ms,
                   buffer_span(&partner->card_profile));
    buffer_clear(&partner->card_endpoints);
    if (fields_pack(&card->endpoints->base, &partner->card_endpoints))
        feed_learn(partner->feed, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS, 0,
                   card->created_ms, buffer_span(&partner->card_endpoints));
}

void membership_destroy(struct partner *partner)
{
    if (!partner)
        return;
    buffer_finish(&partner->card_profile);
    buffer_finish(&partner->card_endpoints);
    free(partner);
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
        /* Answers to older questions may still come: they must not move the cursor. The next
         * keep-alive asks once more. */
        partner->unheard = partner->session;
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
    wire_keys_load(exchange, partner);
    return partner;
}

/* "Passed over" is remembered across restarts: whose cursor has gone past a feed's head will not
 * tell it again by itself. */
static void name_of_passed_over(const struct feed *feed, char name[PASSED_OVER_SIZE])
{
    char hex[2 * BYTES_ID_SIZE + 1];

    bytes_to_hex(feed->id.bytes, sizeof feed->id.bytes, hex);
    snprintf(name, PASSED_OVER_SIZE, "passed-over/%s", hex);
}

static void put_passed_over(struct exchange *exchange, struct feed *feed, bool passed_over)
{
    const struct store *store = &exchange->config.store;
    char name[PASSED_OVER_SIZE];
    struct error error;

    name_of_passed_over(feed, name);
    feed->passed_over = passed_over;
    exchange->wrote = true;
    if (store->operations->put_value(store->self, name, span_of("1", passed_over ? 1 : 0), &error))
        exchange_break(exchange, &error);
}

void membership_pass_over(struct exchange *exchange, struct feed *feed)
{
    if (!feed->passed_over)
        put_passed_over(exchange, feed, true);
}

static bool was_passed_over(struct exchange *exchange, const struct feed *feed)
{
    const struct store *store = &exchange->config.store;
    char name[PASSED_OVER_SIZE];
    struct buffer value = {0};
    bool passed_over;

    name_of_passed_over(feed, name);
    passed_over = feed->passed_over ||
                  (store->operations->get_value(store->self, name, &value, NULL) == ERROR_NONE &&
                   value.size != 0);
    buffer_finish(&value);
    return passed_over;
}

/* What the store may know of a feed that was not followed until now. */
static int load_new(struct exchange *exchange, struct feed *feed, struct error *error)
{
    int code = ERROR_NONE;

    if (feed->chain.count)
        return code;
    code = feed_load(exchange, feed, error);
    return code ? code : coverage_load_receipts(exchange, error);
}

/* A card that was accepted once names certificates that the recovery key has replaced since: those
 * that are known count, and what the card says of the institution does not. */
static bool is_outranked(const struct feed *feed, const struct card *card)
{
    struct entry_head known = branch_of_chain(&feed->chain, feed->chain.count);
    struct entry_head named = branch_of_chain(&card->chain, card->chain.count);

    return identity_chain_common(&feed->chain, &card->chain) && entry_head_rank(&named, &known) < 0;
}

static int add(struct exchange *exchange, struct feed *feed, const struct card *card, bool relay,
               struct error *error)
{
    bool is_new = feed->chain.count == 0, outranked = false;
    struct partner *partner;
    int code = load_new(exchange, feed, error);

    if (!code)
        code = take_chain(exchange, feed, card, error);
    if (code == ERROR_FORK && !feed->partner && is_outranked(feed, card)) {
        outranked = true;
        code = feed_publish_keys(exchange, feed, error);
    }
    if (code)
        return code;
    partner = feed->partner;
    if (!partner) {
        partner = make_partner(exchange, feed);
        if (!partner)
            return error_memory(error);
        if (was_passed_over(exchange, feed)) {
            is_new = true;
            put_passed_over(exchange, feed, false);
        }
    }
    if (!take_handle(exchange, partner, card->profile->handle))
        return error_memory(error);
    if (!outranked)
        take_description(partner, card);
    partner->card_ms = card->created_ms;
    partner->relay = relay;
    if (is_new)
        ask_all_again(exchange);
    exchange->changes++;
    return policy_serve(exchange->config.policy, &feed->id, relay, error);
}

int exchange_partner_add(struct exchange *exchange, const struct card *card, bool relay,
                         struct error *error)
{
    struct feed *feed;
    int code = check_handle(exchange, card, error);

    if (code)
        return code;
    feed = feed_get(exchange, &card->chain.feed, error);
    return feed ? add(exchange, feed, card, relay, error) : ERROR_MEMORY;
}

void exchange_partner_remove(struct exchange *exchange, const struct id *id)
{
    struct partner *partner = map_remove(&exchange->partners, id);
    struct id handle;

    if (!partner)
        return;
    handle = handle_key(partner->card_handle);
    if (partner->card_handle[0])
        map_remove(&exchange->handles, &handle);
    catchup_forget(exchange, partner);
    catchup_abandon(exchange, partner->feed);
    pulls_forget(exchange, partner);
    policy_serve(exchange->config.policy, id, false, NULL);
    keyring_remove(exchange->config.keyring, id);
    partner->feed->partner = NULL;
    membership_destroy(partner);
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
