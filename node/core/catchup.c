/* Who has what, and asking for it. One pull a feed is under way at a time; feeds that lack
 * something stand in a queue and are served in turn while there is credit, so a slow partner slows
 * only itself. */
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"

#define NO_PROGRESS_WAIT_MS 2000
#define FAULT_WAIT_MS 1000
#define FAULT_WAIT_MAX_MS 300000

static void set_wanted(struct source *source, bool wanted)
{
    if (source->wanted == wanted)
        return;
    source->wanted = wanted;
    if (wanted)
        source->partner->wants++;
    else
        source->partner->wants--;
}

static bool lacks(const struct feed *feed, const struct source *source)
{
    return !feed->frozen && source->seq > feed->head.seq;
}

static struct source *source_of(struct feed *feed, const struct partner *partner)
{
    for (size_t i = 0; i < feed->source_count; i++)
        if (feed->sources[i].partner == partner)
            return &feed->sources[i];
    return NULL;
}

static struct source *add_source(struct feed *feed, struct partner *partner)
{
    struct source *sources = realloc(feed->sources, (feed->source_count + 1) * sizeof *sources);

    if (!sources)
        return NULL;
    feed->sources = sources;
    sources[feed->source_count] = (struct source){.partner = partner};
    return &sources[feed->source_count++];
}

void catchup_want(struct exchange *exchange, struct feed *feed)
{
    bool lacking = feed->missing && !feed->frozen;

    for (size_t i = 0; i < feed->source_count && !lacking; i++)
        lacking = lacks(feed, &feed->sources[i]);
    if (!lacking || feed->needy || feed->pull)
        return;
    feed->needy = true;
    feed->next_needy = NULL;
    *exchange->needy_end = feed;
    exchange->needy_end = &feed->next_needy;
}

void catchup_note(struct exchange *exchange, struct feed *feed, struct partner *partner,
                  const struct entry_head *head)
{
    struct source *source = source_of(feed, partner);

    if (!source)
        source = add_source(feed, partner);
    if (!source)
        return; /* out of memory: the next head tells it again */
    if (head->certificate > source->certificate)
        source->certificate = head->certificate;
    if (head->seq > source->seq) {
        source->seq = head->seq;
        /* New entries are a new chance for a source that had nothing to hand on. */
        if (!source->faults)
            source->retry_at = 0;
    }
    set_wanted(source, lacks(feed, source));
    if (feed == exchange->own && lacks(feed, source))
        exchange->ahead = true;
    /* The same seq with another hash: one of the two is no longer the publisher's only word. */
    if (head->seq == feed->head.seq && head->seq && !feed->frozen &&
        !id_equal(&head->hash, &feed->head.hash))
        catchup_probe(exchange, feed, partner);
    catchup_want(exchange, feed);
}

void catchup_moved(struct exchange *exchange, struct feed *feed)
{
    bool behind = false;

    for (size_t i = 0; i < feed->source_count; i++) {
        set_wanted(&feed->sources[i], lacks(feed, &feed->sources[i]));
        behind = behind || feed->sources[i].wanted;
    }
    if (feed == exchange->own)
        exchange->ahead = behind;
}

/* --- pulls --------------------------------------------------------------------------------------
 */

static struct pull *free_pull(struct exchange *exchange)
{
    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++)
        if (!exchange->pulls[i].feed)
            return &exchange->pulls[i];
    return NULL;
}

static bool send_pull(struct exchange *exchange, struct feed *feed, struct partner *partner,
                      uint64_t first, uint64_t last)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Pull body = CARAVAN__PULL__INIT;
    struct pull *pull = free_pull(exchange);

    if (!pull)
        return false;
    *pull = (struct pull){feed, partner, ++exchange->next_request, first,
                          exchange_now(exchange) + LIMIT_PULL_TIMEOUT_MS};
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_PULL;
    message.pull = &body;
    body.has_request = body.has_feed = body.has_first = body.has_last = true;
    body.request = pull->request;
    body.feed = (ProtobufCBinaryData){sizeof feed->id.bytes, feed->id.bytes};
    body.first = first;
    body.last = last;
    if (!session_send(exchange, partner, &message)) {
        pull->feed = NULL;
        return false;
    }
    feed->pull = pull;
    partner->pulls++;
    return true;
}

/* Has entries above our head; or, where only contents are missing, might have those. */
static bool can_help(const struct feed *feed, const struct source *source, uint64_t now)
{
    return session_up(source->partner) && source->partner->pulls < LIMIT_PULLS_PER_PARTNER &&
           source->retry_at <= now && (lacks(feed, source) || (feed->missing && source->seq > 0));
}

/* The publisher first, then whoever has most. */
static struct source *choose(const struct feed *feed, uint64_t now)
{
    struct source *best = NULL;

    for (size_t i = 0; i < feed->source_count; i++) {
        struct source *source = &feed->sources[i];

        if (!can_help(feed, source, now))
            continue;
        if (!best || source->partner == feed->partner ||
            (best->partner != feed->partner && source->seq > best->seq))
            best = source;
    }
    return best;
}

static uint64_t first_missing(struct exchange *exchange, const struct feed *feed)
{
    const struct store *store = &exchange->config.store;
    uint64_t seq = 0;
    size_t count = 0;

    if (store->operations->missing(store->self, &feed->id, &seq, 1, &count, NULL) || !count)
        return 0;
    return seq;
}

static bool pull_from(struct exchange *exchange, struct feed *feed, struct source *source)
{
    uint64_t seq;

    if (lacks(feed, source))
        return send_pull(exchange, feed, source->partner, feed->head.seq + 1, source->seq);
    seq = first_missing(exchange, feed);
    return seq && send_pull(exchange, feed, source->partner, seq, seq);
}

void catchup_pump(struct exchange *exchange)
{
    struct feed *queue = exchange->needy, *feed;
    uint64_t now = exchange_now(exchange);

    exchange->needy = NULL;
    exchange->needy_end = &exchange->needy;
    while ((feed = queue)) {
        struct source *source = choose(feed, now);

        queue = feed->next_needy;
        feed->needy = false;
        /* Nobody can help now: it stays in the queue, at the end. */
        if (!source || !pull_from(exchange, feed, source))
            catchup_want(exchange, feed);
    }
}

struct pull *catchup_find(struct exchange *exchange, const struct partner *partner,
                          uint64_t request)
{
    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++)
        if (exchange->pulls[i].feed && exchange->pulls[i].partner == partner &&
            exchange->pulls[i].request == request)
            return &exchange->pulls[i];
    return NULL;
}

static void release(struct pull *pull)
{
    pull->partner->pulls--;
    pull->feed->pull = NULL;
    pull->feed = NULL;
}

void catchup_done(struct exchange *exchange, struct pull *pull, bool progress)
{
    struct feed *feed = pull->feed;
    struct source *source = source_of(feed, pull->partner);

    release(pull);
    if (source && progress) {
        source->faults = 0;
        source->retry_at = 0;
    } else if (source && source->retry_at <= exchange_now(exchange)) {
        source->retry_at = exchange_now(exchange) + NO_PROGRESS_WAIT_MS;
    }
    catchup_want(exchange, feed);
}

void catchup_fault(struct exchange *exchange, struct feed *feed, struct partner *partner,
                   uint64_t wait_ms)
{
    struct source *source = source_of(feed, partner);

    if (!source)
        return;
    if (!wait_ms) {
        wait_ms = (uint64_t)FAULT_WAIT_MS << (source->faults < 9 ? source->faults : 9);
        source->faults++;
        if (wait_ms > FAULT_WAIT_MAX_MS)
            wait_ms = FAULT_WAIT_MAX_MS;
    }
    source->retry_at = exchange_now(exchange) + wait_ms;
    catchup_want(exchange, feed);
}

void catchup_probe(struct exchange *exchange, struct feed *feed, struct partner *partner)
{
    struct source *source = source_of(feed, partner);

    if (feed->pull || !feed->head.seq || !session_up(partner) ||
        partner->pulls >= LIMIT_PULLS_PER_PARTNER ||
        (source && source->retry_at > exchange_now(exchange)))
        return;
    send_pull(exchange, feed, partner, feed->head.seq, feed->head.seq);
}

static void remove_source(struct exchange *exchange, struct feed *feed, struct partner *partner)
{
    struct source *source = source_of(feed, partner);

    if (!source)
        return;
    set_wanted(source, false);
    *source = feed->sources[--feed->source_count];
    catchup_moved(exchange, feed);
}

void catchup_forget(struct exchange *exchange, struct partner *partner)
{
    struct feed *feed;
    size_t at = 0;

    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++) {
        struct pull *pull = &exchange->pulls[i];

        if (pull->feed && pull->partner == partner) {
            feed = pull->feed;
            release(pull);
            catchup_want(exchange, feed);
        }
    }
    while ((feed = map_next(&exchange->feeds, &at)))
        remove_source(exchange, feed, partner);
}

void catchup_tick(struct exchange *exchange, uint64_t now)
{
    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++) {
        struct pull *pull = &exchange->pulls[i];

        if (pull->feed && pull->deadline <= now) {
            catchup_fault(exchange, pull->feed, pull->partner, 0);
            catchup_done(exchange, pull, false);
        }
    }
}
