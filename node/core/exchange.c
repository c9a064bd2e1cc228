#include "node/core/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/core/serve.h"
#include "node/core/state.h"
#include "node/core/topics.h"

uint64_t exchange_now(const struct exchange *exchange)
{
    return exchange->config.clock.monotonic_ms(exchange->config.clock.self);
}

uint64_t exchange_wall(const struct exchange *exchange)
{
    return exchange->config.clock.wall_ms(exchange->config.clock.self);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int load_own_chain(struct exchange *exchange, struct error *error)
{
    const struct identity_chain *chain = exchange->config.chain;
    const struct store *store = &exchange->config.store;
    int code = ERROR_NONE;

    /* A certificate that the ledger has and the keys folder lacks is no error: it came by itself.
     */
    for (size_t i = 0; i < chain->count && !code; i++) {
        struct store_certificate row = {i + 1, 0, buffer_span(&chain->encoded[i])};

        if (i < exchange->own->chain.count)
            continue;
        code = identity_chain_append(&exchange->own->chain, row.encoded, error);
        if (!code)
            code = store->operations->put_certificate(store->self, &exchange->own->id, &row, error);
    }
    return code;
}

static int load(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct store_info info;
    int code = store->operations->info(store->self, &info, error);

    if (code)
        return code;
    memcpy(exchange->ledger, info.ledger, sizeof exchange->ledger);
    exchange->own = feed_get(exchange, &exchange->config.feed, error);
    if (!exchange->own)
        return ERROR_MEMORY;
    code = feed_load_all(exchange, error);
    if (!code)
        code = exchange_begin(exchange, error);
    if (code)
        return code;
    code = load_own_chain(exchange, error);
    if (code)
        exchange_break(exchange, error);
    code = exchange_commit(exchange, error);
    if (!code)
        code = feed_publish_keys(exchange, exchange->own, error);
    if (!code)
        code = coverage_load(exchange, error);
    return code;
}

int exchange_create(const struct exchange_config *config, struct exchange **out,
                    struct error *error)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    int code;

    if (!exchange)
        return error_memory(error);
    exchange->config = *config;
    snprintf(exchange->network, sizeof exchange->network, "%s", config->network);
    snprintf(exchange->handle, sizeof exchange->handle, "%s", config->handle);
    exchange->outbox_end = &exchange->outbox;
    exchange->needy_end = &exchange->needy;
    exchange->started_at = exchange_now(exchange);
    exchange->statements_at = exchange->started_at + 60000;
    code = load(exchange, error);
    if (!code)
        code = own_start(exchange, error);
    if (code) {
        exchange_destroy(exchange);
        return code;
    }
    *out = exchange;
    return ERROR_NONE;
}

static void clear_outbox(struct exchange *exchange)
{
    struct outgoing *next;

    for (struct outgoing *item = exchange->outbox; item; item = next) {
        next = item->next;
        buffer_finish(&item->payload);
        free(item);
    }
    exchange->outbox = NULL;
    exchange->outbox_end = &exchange->outbox;
}

void exchange_destroy(struct exchange *exchange)
{
    struct partner *partner;
    struct feed *feed;
    size_t at = 0;

    if (!exchange)
        return;
    if (exchange->open)
        exchange->config.store.operations->rollback(exchange->config.store.self);
    clear_outbox(exchange);
    while ((partner = map_next(&exchange->partners, &at)))
        free(partner);
    at = 0;
    while ((feed = map_next(&exchange->feeds, &at)))
        feed_destroy(feed);
    map_finish(&exchange->partners);
    map_finish(&exchange->feeds);
    buffer_finish(&exchange->wanted_profile);
    buffer_finish(&exchange->wanted_endpoints);
    free(exchange);
}

/* --- live ---------------------------------------------------------------------------------------
 */

struct queueing {
    struct exchange *exchange;
    struct span payload;
};

static void queue_topic(void *context, const char *topic)
{
    struct queueing *queueing = context;
    struct outgoing *item = calloc(1, sizeof *item);

    /* Without memory it is not sent live; sync repairs that. */
    if (!item || !buffer_append(&item->payload, queueing->payload.data, queueing->payload.size)) {
        free(item);
        return;
    }
    memcpy(item->topic, topic, strlen(topic) + 1);
    *queueing->exchange->outbox_end = item;
    queueing->exchange->outbox_end = &item->next;
}

/* Behind what is known to exist, only the newest entries go out: the rest is for catch-up. */
static bool is_recent(const struct feed *feed, const struct entry *entry)
{
    uint64_t known = feed->stated.seq;

    for (size_t i = 0; i < feed->source_count; i++)
        if (feed->sources[i].seq > known)
            known = feed->sources[i].seq;
    return entry->seq + LIMIT_LIVE_AFTER_CATCHUP > known;
}

void exchange_queue_live(struct exchange *exchange, const struct feed *feed,
                         const struct entry *entry)
{
    struct queueing queueing = {exchange, {0}};
    struct buffer payload = {0};
    bool ours = feed == exchange->own;

    if ((!ours && (!feed->partner || !feed->partner->relay)) || !entry->signature_checked ||
        !is_recent(feed, entry))
        return;
    if (entry_encode(entry, true, &payload)) {
        queueing.payload = buffer_span(&payload);
        topics_each(entry, queue_topic, &queueing);
    }
    buffer_finish(&payload);
}

/* --- transactions -------------------------------------------------------------------------------
 */

int exchange_begin(struct exchange *exchange, struct error *error)
{
    int code = exchange->config.store.operations->begin(exchange->config.store.self, error);

    exchange->open = code == ERROR_NONE;
    exchange->wrote = exchange->broken = false;
    return code;
}

void exchange_break(struct exchange *exchange, const struct error *error)
{
    if (exchange->broken)
        return;
    exchange->broken = true;
    if (error)
        exchange->broken_error = *error;
    else
        error_set(&exchange->broken_error, ERROR_INTERNAL, "an unnamed failure");
}

/* A partner's cursor moves once everything that it told is ours; in the transaction of the entries.
 */
static void put_cursors(struct exchange *exchange)
{
    const struct store *store = &exchange->config.store;
    struct partner *partner;
    struct error error;
    size_t at = 0;

    while ((partner = map_next(&exchange->partners, &at))) {
        if (partner->told == partner->kept || partner->wants || !partner->heads_done)
            continue;
        exchange->wrote = true;
        if (store->operations->put_cursor(store->self, &partner->feed->id, partner->ledger,
                                          partner->told, &error))
            exchange_break(exchange, &error);
    }
}

static void cursors_are_kept(struct exchange *exchange)
{
    struct partner *partner;
    size_t at = 0;

    while ((partner = map_next(&exchange->partners, &at)))
        if (!partner->wants && partner->heads_done)
            partner->kept = partner->told;
}

static void put_own(struct exchange *exchange)
{
    const struct store *store = &exchange->config.store;
    uint8_t counter[8];
    struct error error;

    bytes_put_u64(counter, exchange->receipt_counter);
    if (store->operations->put_value(store->self, "receipt-counter",
                                     span_of(counter, sizeof counter), &error))
        exchange_break(exchange, &error);
}

static void reload(struct exchange *exchange)
{
    struct error error;
    struct feed *feed;
    size_t at = 0;

    while ((feed = map_next(&exchange->feeds, &at))) {
        if (!feed->changed && feed->chain.count)
            continue;
        if (feed_load(exchange, feed, &error))
            log_error("store.reload", "text", error.text);
        catchup_moved(exchange, feed);
        catchup_want(exchange, feed);
    }
}

static void forget_changes(struct exchange *exchange)
{
    struct feed *next;

    for (struct feed *feed = exchange->changed; feed; feed = next) {
        next = feed->next_changed;
        feed->changed = false;
        feed->next_changed = NULL;
    }
    exchange->changed = NULL;
}

/* What the commit made true goes out: entries, then heads and receipts. */
static void announce_changes(struct exchange *exchange)
{
    for (struct outgoing *item = exchange->outbox; item; item = item->next)
        exchange->config.bus.live(exchange->config.bus.self, item->topic,
                                  buffer_span(&item->payload));
    clear_outbox(exchange);
    for (struct feed *feed = exchange->changed; feed; feed = feed->next_changed) {
        if (feed == exchange->own)
            own_state_head(exchange);
        else
            coverage_send(exchange, feed);
        session_tell_head(exchange, feed);
    }
    if (exchange->changed)
        exchange->changes++;
    forget_changes(exchange);
}

int exchange_commit(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;
    int code = ERROR_NONE;

    put_cursors(exchange);
    if (exchange->wrote)
        put_own(exchange);
    exchange->open = false;
    if (exchange->broken) {
        store->operations->rollback(store->self);
        code = (int)exchange->broken_error.code;
        if (error)
            *error = exchange->broken_error;
    } else {
        code = store->operations->commit(store->self, error);
    }
    exchange->broken = false;
    if (code) {
        clear_outbox(exchange);
        reload(exchange);
        forget_changes(exchange);
        return code;
    }
    cursors_are_kept(exchange);
    announce_changes(exchange);
    catchup_pump(exchange);
    return ERROR_NONE;
}

/* --- time ---------------------------------------------------------------------------------------
 */

void exchange_tick(struct exchange *exchange)
{
    uint64_t now = exchange_now(exchange);

    if (exchange->broken)
        return;
    own_tick(exchange, now);
    catchup_tick(exchange, now);
    session_tick(exchange, now);
}

uint64_t exchange_next_ms(const struct exchange *exchange)
{
    uint64_t now = exchange_now(exchange);
    uint64_t wait = exchange->statement_at > now ? exchange->statement_at - now : 0;

    /* Pulls to ask again and starts to check are looked at often while there are any. */
    if (exchange->needy || !exchange->start_checked || exchange->described)
        wait = wait < 100 ? wait : 100;
    return wait < 1000 ? wait : 1000;
}
