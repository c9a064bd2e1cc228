/* Pulls under way: what was asked of whom, and how much of an answer may come. The credit of a
 * partner, and of all together, is counted in the bytes that were asked for, from the moment of
 * asking until the answer is ingested; so it bounds what is on the network and in our own queues.
 *
 * Of one feed several consecutive ranges may be asked for at once, of one partner, in order. When
 * one of them does not come in full, those behind it are moot: their answers will not fit. They
 * still hold their credit until they come, but nobody is to blame for them. */
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/core/state.h"

/* The least that is kept free before a partner is asked for more. */
#define SIZE_MIN ((size_t)LIMIT_PULL_SIZE / 4)
#define ENTRY_FRAMING 104     /* signature, salt, keys and lengths */
#define ENTRY_SIZE_GUESS 1024 /* of a feed of which nothing has come yet */

/* --- credit -------------------------------------------------------------------------------------
 */

void pulls_update(struct exchange *exchange, struct partner *partner)
{
    bool able = session_up(partner) && !partner->choked &&
                partner->in_flight + SIZE_MIN <= LIMIT_CREDIT_PER_PARTNER;

    if (able == partner->able)
        return;
    partner->able = able;
    exchange->news = exchange->news || able;
    exchange->able += able ? 1 : (size_t)-1;
    pulls_update_use(exchange, partner);
}

void pulls_update_use(struct exchange *exchange, struct partner *partner)
{
    bool useful = partner->able && partner->wants;

    if (useful == partner->useful)
        return;
    partner->useful = useful;
    exchange->news = exchange->news || useful;
    exchange->useful += useful ? 1 : (size_t)-1;
}

void pulls_forget(struct exchange *exchange, struct partner *partner)
{
    exchange->able -= partner->able;
    partner->able = false;
    pulls_update_use(exchange, partner);
}

bool pulls_may_be_sent(const struct exchange *exchange)
{
    return !exchange->full && (exchange->incomplete ? exchange->able : exchange->useful);
}

/* Who waits for room goes first when there is some: nobody else takes it meanwhile. */
static bool take_credit(struct exchange *exchange, struct partner *partner, size_t size)
{
    if (exchange->in_flight + size > LIMIT_CREDIT_TOTAL) {
        exchange->full = true;
        return false;
    }
    partner->choked = partner->in_flight + size > LIMIT_CREDIT_PER_PARTNER;
    if (!partner->choked) {
        partner->in_flight += size;
        exchange->in_flight += size;
    }
    pulls_update(exchange, partner);
    return !partner->choked;
}

static void give_credit_back(struct exchange *exchange, struct partner *partner, size_t size)
{
    exchange->in_flight -= size;
    partner->in_flight -= size;
    partner->choked = false;
    pulls_update(exchange, partner);
}

/* --- ranges -------------------------------------------------------------------------------------
 */

/* About LIMIT_PULL_SIZE of entries, up to an anchor where there is one: the answer then ends with
 * a signature as it is. size: somewhat more than they should need. */
void pulls_choose_range(const struct feed *feed, uint64_t first, uint64_t end, uint64_t *last,
                        size_t *size)
{
    size_t entry = feed->entry_size ? feed->entry_size : ENTRY_SIZE_GUESS;
    uint64_t count = entry < LIMIT_PULL_SIZE ? LIMIT_PULL_SIZE / entry : 1, anchor;

    *last = end - first < count ? end : first + count - 1;
    anchor = *last - *last % LIMIT_ANCHOR_INTERVAL;
    if (*last < end && anchor >= first)
        *last = anchor;
    *size = (size_t)(*last - first + 1) * entry * 5 / 4;
    if (*size < SIZE_MIN)
        *size = SIZE_MIN;
    if (*size > LIMIT_MESSAGE_SIZE)
        *size = LIMIT_MESSAGE_SIZE;
}

/* More at once, less bit by bit: an answer that is cut off costs more than room to spare. */
void pulls_measure(struct feed *feed, const struct entry_run *run)
{
    size_t entry = 0, smoothed;

    for (size_t i = 0; i < run->kept; i++)
        entry += run->entries[i].bytes.size + run->entries[i].content.size + ENTRY_FRAMING;
    entry /= run->kept;
    smoothed = (3 * feed->entry_size + entry) / 4;
    feed->entry_size = entry > smoothed ? entry : smoothed;
}

/* --- under way ----------------------------------------------------------------------------------
 */

const struct pull *pulls_first(const struct feed *feed)
{
    for (const struct pull *pull = feed->pulls; pull; pull = pull->next)
        if (!pull->moot)
            return pull;
    return NULL;
}

size_t pulls_count(const struct feed *feed)
{
    size_t count = 0;

    for (const struct pull *pull = feed->pulls; pull; pull = pull->next)
        count += !pull->moot;
    return count;
}

uint64_t pulls_asked(const struct feed *feed)
{
    uint64_t asked = feed->head.seq;

    for (const struct pull *pull = feed->pulls; pull; pull = pull->next)
        if (!pull->moot && pull->kind == PULL_ENTRIES && pull->last > asked)
            asked = pull->last;
    return asked;
}

static struct pull *free_pull(struct exchange *exchange)
{
    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++)
        if (!exchange->pulls[i].feed)
            return &exchange->pulls[i];
    return NULL;
}

static bool ask(struct exchange *exchange, const struct pull *pull)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Pull body = CARAVAN__PULL__INIT;

    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_PULL;
    message.pull = &body;
    body.has_request = body.has_feed = body.has_first = body.has_last = body.has_size = true;
    body.request = pull->request;
    body.feed = fields_binary(span_of_id(&pull->feed->id));
    body.first = pull->first;
    body.last = pull->last;
    body.size = (uint32_t)pull->size;
    return session_send(exchange, pull->partner, &message);
}

bool pulls_send(struct exchange *exchange, struct feed *feed, struct partner *partner,
                enum pull_kind kind, uint64_t first, uint64_t last, size_t size)
{
    uint64_t now = exchange_now(exchange);
    struct pull *pull = free_pull(exchange), **end = &feed->pulls;

    if (!pull)
        exchange->full = true;
    if (!pull || !take_credit(exchange, partner, size))
        return false;
    *pull = (struct pull){.feed = feed,
                          .partner = partner,
                          .kind = kind,
                          .request = ++exchange->next_request,
                          .first = first,
                          .last = last,
                          .size = size,
                          .missing = feed->missing,
                          .asked_at = now,
                          .deadline = now + LIMIT_PULL_TIMEOUT_MS};
    if (!ask(exchange, pull)) {
        give_credit_back(exchange, partner, size);
        pull->feed = NULL;
        return false;
    }
    while (*end)
        end = &(*end)->next;
    *end = pull;
    return true;
}

struct pull *pulls_find(struct exchange *exchange, const struct partner *partner, uint64_t request)
{
    for (size_t i = 0; request && i < LIMIT_PULLS_TOTAL; i++)
        if (exchange->pulls[i].feed && exchange->pulls[i].partner == partner &&
            exchange->pulls[i].request == request)
            return &exchange->pulls[i];
    return NULL;
}

void pulls_release(struct exchange *exchange, struct pull *pull)
{
    struct pull **at = &pull->feed->pulls;

    while (*at != pull)
        at = &(*at)->next;
    *at = pull->next;
    pull->feed = NULL;
    give_credit_back(exchange, pull->partner, pull->size);
    exchange->news = exchange->news || exchange->full;
    exchange->full = false;
}

void pulls_moot_behind(struct feed *feed, uint64_t request)
{
    for (struct pull *pull = feed->pulls; pull; pull = pull->next)
        if (pull->request > request)
            pull->moot = true;
}
