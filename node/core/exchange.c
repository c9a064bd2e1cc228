#include "node/core/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
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

/* --- partners -----------------------------------------------------------------------------------
 */

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

/* --- import -------------------------------------------------------------------------------------
 */

static int import_certificates(struct exchange *exchange, struct span certificates,
                               struct error *error)
{
    const struct store *store = &exchange->config.store;
    const Caravan__Certificates *list;
    ProtobufCMessage *message;
    struct arena arena;
    struct feed *feed;
    struct id id;
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__certificates__descriptor, certificates, &guard_limits_message,
                        &arena, &message, error);
    if (code)
        goto out;
    list = (const Caravan__Certificates *)message;
    feed = list->has_feed && span_to_id(span_of(list->feed.data, list->feed.len), &id)
               ? feed_find(exchange, &id)
               : NULL;
    if (!feed || (!feed->partner && feed != exchange->own)) {
        code = error_set(error, ERROR_UNKNOWN_FEED,
                         "this file is of an institution whose card was not accepted here; add its "
                         "card first: caravan partner add FILE");
        goto out;
    }
    for (size_t i = 0; i < list->n_certificates && !code; i++) {
        struct buffer bytes = {0};
        struct store_certificate row = {i + 1, 0, {0}};
        bool known = i < feed->chain.count;

        if (!serve_pack(&list->certificates[i]->base, &bytes))
            code = error_memory(error);
        row.encoded = buffer_span(&bytes);
        if (!code)
            code = identity_chain_append(&feed->chain, row.encoded, error);
        if (!code && !known)
            code = store->operations->put_certificate(store->self, &feed->id, &row, error);
        exchange->wrote = true;
        buffer_finish(&bytes);
    }
    if (!code)
        code = feed_publish_keys(exchange, feed, error);
out:
    arena_finish(&arena);
    return code;
}

static int import_run(struct exchange *exchange, struct span bytes, uint64_t *added,
                      uint64_t *known, uint64_t *head_seq, struct error *error)
{
    struct entry_run run = {0};
    ProtobufCMessage *message;
    enum ingest_result result;
    struct arena arena;
    struct feed *feed;
    int code;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__run__descriptor, bytes, &guard_limits_message, &arena, &message,
                        error);
    if (!code)
        code = entry_run_parse((const Caravan__Run *)message, exchange->network, &run, error);
    if (code)
        goto out;
    feed = feed_find(exchange, &run.feed);
    if (!feed || (!feed->partner && feed != exchange->own)) {
        code = error_set(error, ERROR_UNKNOWN_FEED, "no accepted card names the feed of this run");
        goto out;
    }
    result = ingest_run(exchange, feed, &run, false, 0, added, error);
    *known = run.kept - *added;
    *head_seq = feed->head.seq;
    if (result == INGEST_GAP)
        code = error_set(
            error, ERROR_GAP, "the file goes on at No. %llu, but only No. 1 to %llu are held here",
            (unsigned long long)run.entries[0].seq, (unsigned long long)feed->head.seq);
    else if (result != INGEST_ADDED && result != INGEST_KNOWN)
        code = (int)error->code;
out:
    entry_run_finish(&run);
    arena_finish(&arena);
    return code;
}

int exchange_import(struct exchange *exchange, struct span certificates, struct span run,
                    uint64_t *added, uint64_t *known, uint64_t *head_seq, struct error *error)
{
    int code = ERROR_NONE;

    *added = *known = *head_seq = 0;
    if (certificates.size)
        code = import_certificates(exchange, certificates, error);
    if (!code && run.size)
        code = import_run(exchange, run, added, known, head_seq, error);
    return code;
}

/* --- what status tells --------------------------------------------------------------------------
 */

static int by_handle(const void *a, const void *b)
{
    const struct feed *left = *(struct feed *const *)a, *right = *(struct feed *const *)b;
    int order = strcmp(feed_handle(left), feed_handle(right));

    return order ? order : id_compare(&left->id, &right->id);
}

static void fill_partner(struct exchange_feed_state *state, const struct partner *partner)
{
    state->partner = true;
    state->relay = partner->relay;
    memcpy(state->links, partner->links, sizeof state->links);
    state->exchanging = partner->session && partner->greeted && partner->heads_done;
    state->clock_known = partner->clock_known;
    state->clock_skew_ms = partner->clock_skew_ms;
    memcpy(state->trouble, partner->trouble, sizeof state->trouble);
}

static void fill_state(const struct exchange *exchange, const struct feed *feed,
                       struct exchange_feed_state *state)
{
    *state = (struct exchange_feed_state){.feed = feed->id,
                                          .profile = feed->profile,
                                          .head = feed->head,
                                          .missing = feed->missing,
                                          .frozen = feed->frozen,
                                          .own = feed == exchange->own,
                                          .stated_seq = feed->stated.seq,
                                          .as_of_ms = feed->as_of_ms,
                                          .received_known = feed->received_known,
                                          .received_seq = feed->received_seq,
                                          .received_missing = feed->received_missing,
                                          .received_ms = feed->received_ms};
    snprintf(state->handle, sizeof state->handle, "%s", feed_handle(feed));
    if (state->own && !state->handle[0])
        snprintf(state->handle, sizeof state->handle, "%s", exchange->handle);
    if (feed->profile && feed->profile->country)
        snprintf(state->country, sizeof state->country, "%s", feed->profile->country);
    if (feed->partner)
        fill_partner(state, feed->partner);
}

void exchange_feeds(const struct exchange *exchange,
                    void (*visit)(void *context, const struct exchange_feed_state *state),
                    void *context)
{
    struct feed **feeds = calloc(exchange->feeds.count, sizeof *feeds), *feed;
    struct exchange_feed_state state;
    size_t at = 0, count = 0;

    if (!feeds)
        return;
    while ((feed = map_next(&exchange->feeds, &at)))
        if (feed != exchange->own)
            feeds[count++] = feed;
    qsort(feeds, count, sizeof *feeds, by_handle);
    fill_state(exchange, exchange->own, &state);
    visit(context, &state);
    for (size_t i = 0; i < count; i++) {
        fill_state(exchange, feeds[i], &state);
        visit(context, &state);
    }
    free(feeds);
}

uint64_t exchange_changes(const struct exchange *exchange)
{
    return exchange->changes;
}
