/* Which branch of a forked feed is taken.
 *
 * Of two branches the one of the higher rank wins: more certificates by the recovery key, then the
 * higher certificate number. So every node that has seen the same entries holds the same branch,
 * in whatever order it saw them. Of equal ranks neither wins: the feed is frozen (ingest.c).
 *
 * A run that begins behind an entry that we hold, and ends with a certificate of a higher rank, is
 * taken at once (ingest.c). A branch that left ours further back than one run reaches is followed
 * from its end back, step by step, until it meets ours:
 *
 *     none --who says it has a higher rank has not what follows ours--> walking
 *     walking --a step fits----------------------------------> walking, further back
 *     walking --it meets ours, a certificate was on the way--> none; what we hold behind that entry
 *                                                              is quarantined, the rest is pulled
 *     walking --a step does not fit, or does not come--------> none; the partner is at fault
 *
 * What is quarantined was outranked for certain: nobody can make a node drop entries by false
 * claims. */
#include <string.h>

#include "common/log.h"
#include "node/core/state.h"

#define STEP_SIZE ((size_t)LIMIT_PULL_SIZE)
#define ASK_WAIT_MS 2000 /* for certificates that were asked for */
#define ASKS_MAX 3       /* in vain: then it is a false claim */

struct entry_head branch_of_chain(const struct identity_chain *chain, uint64_t number)
{
    return (struct entry_head){.certificate = number,
                               .recoveries = identity_chain_recoveries(chain, number)};
}

bool branch_is_proven(const struct feed *feed)
{
    return entry_head_rank(&feed->proven, &feed->head) > 0;
}

void branch_forget(struct feed *feed, const struct partner *partner)
{
    if (!partner || feed->walk.partner == partner)
        feed->walk = (struct way_back){0};
}

/* --- quarantine ---------------------------------------------------------------------------------
 */

/* Memory follows the store: what it keeps of the feed now. */
static int follow_store(struct exchange *exchange, struct feed *feed, uint64_t first,
                        struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct store_feed row;
    int code = store->operations->get_feed(store->self, &feed->id, &row, error);

    if (code)
        return code;
    feed->head = row.head;
    feed->quarantined = row.quarantined;
    feed_set_missing(exchange, feed, row.missing);
    for (size_t i = 0; i < feed->position_count; i++)
        if (feed->positions[i] >= first)
            feed->positions[i] = 0;
    return ERROR_NONE;
}

static int freeze_until(struct exchange *exchange, struct feed *feed, const struct entry_head *rank,
                        struct error *error)
{
    const struct store *store = &exchange->config.store;

    feed->frozen = true;
    feed->diverged = false;
    if (entry_head_rank(rank, &feed->proven) > 0)
        feed->proven = *rank;
    return store->operations->put_frozen(store->self, &feed->id, true, error);
}

int branch_quarantine(struct exchange *exchange, struct feed *feed, uint64_t first,
                      const struct entry_head *rank, struct error *error)
{
    const struct store *store = &exchange->config.store;
    uint64_t last = feed->head.seq, number = feed_certificate_at(feed, first - 1);
    bool learn = feed->profile_from.seq >= first || feed->endpoints_from.seq >= first;
    int code;

    /* From here on memory may be ahead of the store: a failed commit must read the feed again. */
    ingest_mark_changed(exchange, feed);
    code = store->operations->quarantine(store->self, &feed->id, first,
                                         identity_chain_recoveries(&feed->chain, number), error);
    if (!code && feed == exchange->own)
        code = publish_note_cut(exchange, first, error);
    if (!code)
        code = follow_store(exchange, feed, first, error);
    if (!code)
        code = freeze_until(exchange, feed, rank, error);
    if (!code)
        code = feed_publish_keys(exchange, feed, error);
    if (code)
        return code;
    exchange_unqueue_live(exchange, feed, first);
    if (learn)
        code = feed_learn_again(exchange, feed, error);
    if (code)
        return code;
    log_warning("feed.quarantine", "feed", feed_handle(feed), "first", log_number((long long)first),
                "last", log_number((long long)last));
    catchup_taken_back(exchange, feed);
    if (learn && feed->partner && exchange->config.partner_changed)
        exchange->config.partner_changed(exchange->config.self, &feed->id);
    return ERROR_NONE;
}

/* --- certificates -------------------------------------------------------------------------------
 */

int branch_take_chain(struct exchange *exchange, struct feed *feed,
                      const struct identity_chain *chain, struct error *error)
{
    const struct store *store = &exchange->config.store;
    size_t common = identity_chain_common(&feed->chain, chain);
    /* With the first of the new ones the feed goes on; further ones may still be ahead of it. */
    struct entry_head rank = branch_of_chain(chain, common + 1);
    struct identity_chain copy;
    uint64_t displaced;
    /* What we have just published stands in front of the cut, or goes aside with the rest. */
    int code = feed == exchange->own ? exchange_flush(exchange, error) : ERROR_NONE;

    if (!code)
        code = identity_chain_copy(chain, &copy, error);
    if (code)
        return code;
    displaced = common < feed->position_count ? feed->positions[common] : 0;
    if (displaced)
        code = branch_quarantine(exchange, feed, displaced, &rank, error);
    if (!code)
        code = store->operations->cut_certificates(store->self, &feed->id, common + 1, error);
    if (code) {
        identity_chain_finish(&copy);
        return code;
    }
    ingest_mark_changed(exchange, feed);
    identity_chain_finish(&feed->chain);
    feed->chain = copy;
    if (feed->stored_certificates > common)
        feed->stored_certificates = common;
    exchange->certificates_new = true;
    branch_forget(feed, NULL);
    /* Its keys have changed, also those of the wire. */
    if (feed->partner && exchange->config.partner_changed)
        exchange->config.partner_changed(exchange->config.self, &feed->id);
    return feed_publish_keys(exchange, feed, error);
}

/* --- walking ------------------------------------------------------------------------------------
 */

bool branch_needs_walk(const struct feed *feed, const struct source *source)
{
    return catchup_rank(feed, source) > 0 && (source->off || source->head.seq <= feed->head.seq);
}

/* Its rank can be checked with the certificates that we know. */
static bool is_of_chain(const struct feed *feed, const struct source *source)
{
    const struct entry_head *told = &source->head;
    struct entry_head known = branch_of_chain(&feed->chain, told->certificate);

    return told->certificate <= feed->chain.count && told->recoveries == known.recoveries;
}

/* Who says that a branch has more certificates than we know has to show them. */
static void ask_chain(struct exchange *exchange, struct feed *feed, struct source *source)
{
    if (source->asked_chain >= ASKS_MAX) {
        source->asked_chain = 0;
        catchup_fault(exchange, feed, source->partner);
        return;
    }
    source->asked_chain++;
    source->retry_at = exchange_now(exchange) + ASK_WAIT_MS;
    session_ask_certificates(exchange, source->partner, &feed->id);
}

static void begin(struct feed *feed, const struct source *source)
{
    if (feed->walk.partner == source->partner)
        return;
    feed->walk = (struct way_back){.partner = source->partner,
                                   .seq = source->head.seq,
                                   .hash = source->head.hash,
                                   .rank = source->head};
}

bool branch_pull(struct exchange *exchange, struct feed *feed, struct source *source)
{
    size_t entry = feed->entry_size ? feed->entry_size : 1024;
    uint64_t count = entry < STEP_SIZE ? STEP_SIZE / entry : 1, first;
    struct way_back *walk = &feed->walk;

    if (!is_of_chain(feed, source)) {
        ask_chain(exchange, feed, source);
        return false;
    }
    source->asked_chain = 0;
    begin(feed, source);
    first = walk->from ? walk->from : walk->seq > count ? walk->seq - count + 1 : 1;
    return pulls_send(exchange, feed, source->partner, PULL_BACK, first, walk->seq,
                      LIMIT_MESSAGE_SIZE);
}

/* One entry, checked by itself. */
static bool is_signed(const struct feed *feed, const struct entry *entry, uint64_t certificate)
{
    struct entry alone = *entry;
    struct entry_run run = {.feed = feed->id, .entries = &alone, .count = 1, .kept = 1};

    if (entry_is_certificate(entry))
        certificate--;
    return alone.signature.size &&
           entry_run_check(&run, &feed->chain, certificate, NULL) == ERROR_NONE;
}

/* The first certificate that is met is the one that the end was said to stand under: its place is
 * vouched for by its own signature, and it vouches for all in front of it. */
static bool look_at(struct feed *feed, const struct entry_run *run, size_t count)
{
    struct way_back *walk = &feed->walk;

    if (!walk->signed_end && !is_signed(feed, &run->entries[count - 1], walk->rank.certificate))
        return false;
    walk->signed_end = true;
    for (size_t i = count; i-- > 0 && !walk->proven;) {
        if (!entry_is_certificate(&run->entries[i]))
            continue;
        if (!is_signed(feed, &run->entries[i], walk->rank.certificate))
            return false;
        walk->proven = true;
    }
    return true;
}

/* The last common entry is No. `last`. */
static enum branch_step meet(struct exchange *exchange, struct feed *feed, uint64_t last)
{
    struct entry_head rank = feed->walk.rank;
    bool proven = feed->walk.proven;
    struct error error;

    branch_forget(feed, NULL);
    if (!proven || entry_head_rank(&rank, &feed->head) <= 0)
        return BRANCH_LOST;
    if (last == feed->head.seq) {
        feed->proven = rank;
        catchup_moved(exchange, feed);
    } else if (branch_quarantine(exchange, feed, last + 1, &rank, &error)) {
        exchange_break(exchange, &error);
        return BRANCH_LOST;
    }
    return BRANCH_FOUND;
}

/* Further back: in front of the run. */
static enum branch_step go_back(struct exchange *exchange, struct feed *feed,
                                const struct entry_run *run, size_t count)
{
    struct way_back *walk = &feed->walk;
    const struct entry *first = &run->entries[0];
    struct error error;
    size_t common = 0;

    walk->seq = first->seq - 1;
    walk->hash = first->previous;
    walk->from = 0;
    if (walk->seq > feed->head.seq)
        return BRANCH_ON;
    if (walk->seq && !ingest_is_ours(exchange, feed, walk->seq, &walk->hash))
        return BRANCH_ON;
    if (ingest_common(exchange, feed, run->entries, count, &common, &error)) {
        exchange_break(exchange, &error);
        return BRANCH_LOST;
    }
    return meet(exchange, feed, first->seq - 1 + common);
}

enum branch_step branch_walk(struct exchange *exchange, struct feed *feed, struct entry_run *run)
{
    struct way_back *walk = &feed->walk;
    uint64_t first = run->entries[0].seq;
    size_t count;

    if (!walk->partner || first > walk->seq || (walk->from && first != walk->from))
        return BRANCH_LOST;
    if (run->entries[run->count - 1].seq < walk->seq) {
        walk->from = run->entries[run->count - 1].seq + 1; /* it was cut off: the rest first */
        return BRANCH_ON;
    }
    count = (size_t)(walk->seq + 1 - first);
    if (!id_equal(&run->entries[count - 1].hash, &walk->hash) || !look_at(feed, run, count))
        return BRANCH_LOST;
    return go_back(exchange, feed, run, count);
}
