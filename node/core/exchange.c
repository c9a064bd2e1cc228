#include "node/core/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/core/serve.h"
#include "node/core/state.h"
#include "node/core/topics.h"

/* After a failed commit nothing is pulled for this long, twice as long each time in a row. */
#define PAUSE_MS 1000
#define PAUSE_MAX_MS 30000

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
    struct identity_chain *own = &exchange->own->chain;
    struct span encoded[LIMIT_CERTIFICATES];
    size_t common = identity_chain_common(own, chain), count = 0;
    int code;

    /* A certificate that the ledger has and the keys folder lacks is no error: it came by itself.
     */
    while (common + count < chain->count && count < LIMIT_CERTIFICATES) {
        encoded[count] = buffer_span(&chain->encoded[common + count]);
        count++;
    }
    code = feed_take_certificates(exchange, exchange->own, encoded, count, error);
    /* … nor is one that the recovery key has made void while this ledger ran elsewhere. */
    return code == ERROR_FORK && common ? ERROR_NONE : code;
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
    if (!code)
        code = erase_load(exchange, error);
    if (code)
        exchange_break(exchange, error);
    code = exchange_commit(exchange, error);
    if (!code)
        code = feed_publish_keys(exchange, exchange->own, error);
    if (!code)
        code = coverage_load(exchange, error);
    if (!code)
        code = publish_load_cuts(exchange, error);
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
    publish_init(exchange);
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

static void destroy_outgoing(struct outgoing *item)
{
    if (!item)
        return;
    buffer_finish(&item->payload);
    buffer_finish(&item->topics);
    free(item);
}

static void clear_outbox(struct exchange *exchange)
{
    struct outgoing *next;

    for (struct outgoing *item = exchange->outbox; item; item = next) {
        next = item->next;
        destroy_outgoing(item);
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
    publish_finish(exchange);
    while ((partner = map_next(&exchange->partners, &at)))
        membership_destroy(partner);
    at = 0;
    while ((feed = map_next(&exchange->feeds, &at)))
        feed_destroy(feed);
    map_finish(&exchange->partners);
    map_finish(&exchange->handles);
    map_finish(&exchange->feeds);
    buffer_finish(&exchange->wanted_profile);
    buffer_finish(&exchange->wanted_endpoints);
    free(exchange);
}

/* --- live ---------------------------------------------------------------------------------------
 */

static void add_topic(void *context, const char *topic)
{
    struct outgoing *item = context;

    /* One copy for each country: what names all countries of the world is not news for each. */
    if (item->topic_count < LIMIT_TOPICS_PER_ENTRY &&
        buffer_append(&item->topics, topic, strlen(topic) + 1))
        item->topic_count++;
}

/* Its bytes are kept once, however many topics it goes out under. */
static struct outgoing *make_outgoing(const struct entry *entry)
{
    struct outgoing *item = calloc(1, sizeof *item);

    if (item && entry_encode(entry, true, &item->payload))
        topics_each(entry, add_topic, item);
    if (item && item->topic_count)
        return item;
    destroy_outgoing(item);
    return NULL;
}

/* Behind what is known to exist, only the newest entries go out: the rest is for catch-up. */
static bool is_recent(const struct exchange *exchange, const struct feed *feed,
                      const struct entry *entry)
{
    return entry->seq + LIMIT_LIVE_AFTER_CATCHUP > catchup_believed_seq(exchange, feed);
}

void exchange_queue_live(struct exchange *exchange, const struct feed *feed,
                         const struct entry *entry)
{
    bool ours = feed == exchange->own;
    struct outgoing *item;

    if ((!ours && (!feed->partner || !feed->partner->relay)) || !entry->signature_checked ||
        !is_recent(exchange, feed, entry))
        return;
    item = make_outgoing(entry);
    if (!item)
        return; /* out of memory: sync repairs that */
    item->feed = feed;
    item->seq = entry->seq;
    *exchange->outbox_end = item;
    exchange->outbox_end = &item->next;
}

void exchange_unqueue_live(struct exchange *exchange, const struct feed *feed, uint64_t first)
{
    struct outgoing **at = &exchange->outbox, *item;

    while ((item = *at)) {
        if (item->feed == feed && item->seq >= first) {
            *at = item->next;
            destroy_outgoing(item);
        } else {
            at = &item->next;
        }
    }
    exchange->outbox_end = at;
}

/* --- transactions -------------------------------------------------------------------------------
 */

/* What memory says of feeds that a failed transaction changed is taken from the store again. What
 * cannot be read stays in the list: no transaction begins before it was. */
static int read_again(struct exchange *exchange, struct error *error)
{
    struct feed *feed;

    while ((feed = exchange->changed)) {
        int code = feed_load(exchange, feed, error);

        if (code)
            return code;
        if ((feed == exchange->own || feed->profile_from.seq > feed->head.seq ||
             feed->endpoints_from.seq > feed->head.seq) &&
            feed_learn_again(exchange, feed, error))
            return (int)error->code;
        branch_forget(feed, NULL);
        feed->proven = (struct entry_head){0};
        if (feed == exchange->own && publish_load_cuts(exchange, error))
            return (int)error->code;
        exchange->changed = feed->next_changed;
        feed->changed = false;
        feed->next_changed = NULL;
        catchup_taken_back(exchange, feed);
    }
    return ERROR_NONE;
}

/* Why, and when: what came since may have been thrown away. */
static void note_failure(struct exchange *exchange, const struct error *error)
{
    exchange->failure = *error;
    exchange->failed_at = exchange_now(exchange);
}

int exchange_begin(struct exchange *exchange, struct error *error)
{
    struct error local;
    int code;

    error = error ? error : &local;
    code = exchange->changed ? read_again(exchange, error) : ERROR_NONE;
    if (!code)
        code = exchange->config.store.operations->begin(exchange->config.store.self, error);
    if (code)
        note_failure(exchange, error);
    exchange->open = code == ERROR_NONE;
    exchange->wrote = exchange->broken = exchange->describes = false;
    return code;
}

void exchange_break(struct exchange *exchange, const struct error *error)
{
    if (exchange->broken)
        return;
    exchange->broken = true;
    if (error && error->code)
        exchange->broken_error = *error;
    else
        error_set(&exchange->broken_error, ERROR_INTERNAL, "an unnamed failure");
}

static bool all_is_ours(const struct partner *partner)
{
    return !partner->wants && partner->heads_done && !partner->unheard;
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
        if (partner->told == partner->kept || !all_is_ours(partner))
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
        if (all_is_ours(partner))
            partner->kept = partner->told;
}

static void put_rest(struct exchange *exchange)
{
    put_cursors(exchange);
    feed_put_certificates(exchange);
    if (exchange->wrote)
        coverage_put_counter(exchange);
}

static void send_live(struct exchange *exchange, const struct outgoing *item)
{
    const char *topic = (const char *)item->topics.data;

    for (size_t i = 0; i < item->topic_count; i++, topic += strlen(topic) + 1)
        exchange->config.bus.live(exchange->config.bus.self, topic, buffer_span(&item->payload));
}

/* What the commit made true goes out: entries, then heads and receipts. */
static void announce_changes(struct exchange *exchange)
{
    struct feed *feed;

    for (const struct outgoing *item = exchange->outbox; item; item = item->next)
        send_live(exchange, item);
    clear_outbox(exchange);
    if (exchange->changed)
        exchange->changes++;
    while ((feed = exchange->changed)) {
        exchange->changed = feed->next_changed;
        feed->changed = false;
        feed->next_changed = NULL;
        if (feed == exchange->own)
            own_state_head(exchange);
        else
            coverage_send(exchange, feed);
        session_tell_head(exchange, feed);
    }
}

/* The new certificate is as if it had never been made: what the store has is read again. */
static void forget_certificate(struct exchange *exchange)
{
    struct feed *own = exchange->own;

    exchange->config.node_key = exchange->former_key;
    exchange->former_key = NULL;
    identity_chain_finish(&own->chain);
    identity_chain_init(&own->chain, &own->id, exchange->network, NULL);
}

/* Nothing of the transaction holds. Pulling goes on after a pause, or a full disk would have the
 * same entries fetched again and again. */
static void take_back(struct exchange *exchange)
{
    struct error error;

    clear_outbox(exchange);
    publish_forget(exchange);
    if (exchange->former_key)
        forget_certificate(exchange);
    if (exchange->describes)
        exchange->described = true;
    exchange->pause_ms = exchange->pause_ms ? exchange->pause_ms * 2 : PAUSE_MS;
    if (exchange->pause_ms > PAUSE_MAX_MS)
        exchange->pause_ms = PAUSE_MAX_MS;
    exchange->paused_until = exchange_now(exchange) + exchange->pause_ms;
    exchange->pump_at = exchange->paused_until;
    if (read_again(exchange, &error))
        log_error("store.reload", "text", error.text);
}

static int end_transaction(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;

    if (!exchange->broken)
        return store->operations->commit(store->self, error);
    store->operations->rollback(store->self);
    *error = exchange->broken_error;
    return (int)error->code;
}

int exchange_commit(struct exchange *exchange, struct error *error)
{
    struct error local;
    int code;

    error = error ? error : &local;
    exchange_flush(exchange, NULL); /* a failure has broken the transaction */
    put_rest(exchange);
    code = end_transaction(exchange, error);
    exchange->open = exchange->broken = false;
    if (code) {
        note_failure(exchange, error);
        take_back(exchange);
        coverage_send_owed(exchange);
        return code;
    }
    if (exchange->wrote) {
        exchange->pause_ms = 0;
        exchange->failure.code = ERROR_NONE;
    }
    exchange->former_key = NULL;
    cursors_are_kept(exchange);
    feed_certificates_are_stored(exchange);
    announce_changes(exchange);
    coverage_send_owed(exchange);
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
    /* A store that failed is tried by itself: who looks at status sees that it works again. */
    if (exchange->failure.code && now >= exchange->paused_until)
        exchange->wrote = true;
    own_tick(exchange, now);
    catchup_tick(exchange, now);
    session_tick(exchange, now);
}

const struct error *exchange_failure(const struct exchange *exchange)
{
    return exchange->failure.code ? &exchange->failure : NULL;
}

uint64_t exchange_next_ms(const struct exchange *exchange)
{
    uint64_t now = exchange_now(exchange);
    uint64_t next = exchange->statement_at;

    if (exchange->needy && exchange->pump_at < next)
        next = exchange->pump_at;
    /* A start that is being checked is looked at often. */
    if ((!exchange->start_checked || exchange->described) && now + 100 < next)
        next = now + 100;
    if (next > now + 1000)
        next = now + 1000;
    return next > now ? next - now : 0;
}

bool exchange_awaits(const struct exchange *exchange)
{
    return exchange->in_flight > 0;
}
