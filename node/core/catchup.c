/* Who has what, and asking for it. Feeds that lack something stand in a queue and are served in
 * turn while there is credit, one range each time, so a slow partner slows only itself and a large
 * feed holds no other one up. A partner that answers promptly and in full is asked for the ranges
 * behind while the first are still on their way: twice as many each time, one at a time again as
 * soon as an answer is short or late.
 *
 * What a partner says that it has is its word. A pull that does not bring it is a fault: the
 * partner is asked again later, each time after a longer pause, and others go first. A word about
 * our own feed closes our publishing while it is believed, so one that was not kept is doubted.
 * Nobody is judged by what our own store could not take: then what was asked for is asked for
 * again. */
#include <stdlib.h>
#include <string.h>

#include "node/core/state.h"

#define FAULT_WAIT_MS 1000
#define WAIT_MAX_MS 300000
#define FAULTS_MAX 9           /* more make the pause no longer */
#define NEWS_FAULTS_MAX 5      /* … and so many where there are new entries */
#define PROBE_INTERVAL_MS 5000 /* of one feed, whoever asks for it */
#define PROMPT_MS 1000         /* an answer within this time may be followed by more at once */
#define CONTENT_WAIT_MS 60000
#define CONTENT_WAIT_MAX_MS 3600000
/* Missing contents looked at when the next ones to ask for are chosen. */
#define MISSING_MAX 65536

/* --- sources ------------------------------------------------------------------------------------
 */

static void set_wanted(struct exchange *exchange, struct source *source, bool wanted)
{
    if (source->wanted == wanted)
        return;
    source->wanted = wanted;
    if (wanted)
        source->partner->wants++;
    else
        source->partner->wants--;
    pulls_update_use(exchange, source->partner);
}

int catchup_rank(const struct feed *feed, const struct source *source)
{
    return source->head.certificate ? entry_head_rank(&source->head, &feed->head) : 0;
}

static uint64_t seq_of(const struct source *source)
{
    return source->heard > source->head.seq ? source->heard : source->head.seq;
}

/* A higher rank is of use even where it ends sooner, a lower one never. While a feed is frozen only
 * a new certificate is of use. */
static bool lacks(const struct feed *feed, const struct source *source)
{
    int rank = catchup_rank(feed, source);

    return rank > 0 || (rank == 0 && !feed->frozen && seq_of(source) > feed->head.seq);
}

struct source *catchup_source(struct feed *feed, const struct partner *partner)
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

static size_t window_of(const struct source *source)
{
    return source->window ? source->window : 1;
}

/* Ranges behind those that are under way. */
static bool wants_more(const struct feed *feed, const struct source *source)
{
    return source && !feed->frozen && lacks(feed, source) && !source->off &&
           seq_of(source) > pulls_asked(feed) && pulls_count(feed) < window_of(source);
}

static bool wants(struct feed *feed)
{
    const struct pull *pull = pulls_first(feed);
    bool lacking = feed->missing && feed->source_count;

    if (pull)
        return pull->kind == PULL_ENTRIES && wants_more(feed, catchup_source(feed, pull->partner));
    for (size_t i = 0; i < feed->source_count && !lacking; i++)
        lacking = lacks(feed, &feed->sources[i]);
    return lacking;
}

void catchup_want(struct exchange *exchange, struct feed *feed)
{
    if (!feed->needy && !wants(feed))
        return;
    exchange->news = true;
    if (feed->needy)
        return;
    feed->needy = true;
    /* Our own publishing may be waiting for it: ours goes first. */
    if (feed == exchange->own) {
        feed->next_needy = exchange->needy;
        exchange->needy = feed;
        if (!feed->next_needy)
            exchange->needy_end = &feed->next_needy;
        return;
    }
    feed->next_needy = NULL;
    *exchange->needy_end = feed;
    exchange->needy_end = &feed->next_needy;
}

static void set_ahead(struct exchange *exchange, bool ahead)
{
    if (ahead == exchange->ahead)
        return;
    exchange->ahead = ahead;
    exchange->ahead_since = exchange_now(exchange);
    exchange->changes++;
}

void catchup_moved(struct exchange *exchange, struct feed *feed)
{
    bool behind = false;

    for (size_t i = 0; i < feed->source_count; i++) {
        struct source *source = &feed->sources[i];

        set_wanted(exchange, source, lacks(feed, source));
        behind = behind || (source->wanted && !source->partner->doubted);
    }
    if (feed == exchange->own)
        set_ahead(exchange, behind);
}

static uint64_t fault_wait_ms(const struct source *source, unsigned faults_max)
{
    unsigned faults = source->faults < faults_max ? source->faults : faults_max;
    uint64_t wait_ms = (uint64_t)FAULT_WAIT_MS << faults;

    return wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS;
}

static bool may_probe(const struct feed *feed, const struct partner *partner, uint64_t now)
{
    return !pulls_first(feed) && !feed->frozen && partner->able && feed->probe_at <= now;
}

/* true: that is more than it told before. An entry that is ahead tells no certificate. */
static bool take_note(struct source *source, const struct entry_head *head)
{
    bool higher;

    if (!head->certificate) {
        higher = head->seq > seq_of(source);
        if (higher)
            source->heard = head->seq;
        return higher;
    }
    higher = entry_head_compare(head, &source->head) > 0;
    /* What it heard of may have been of the branch that it has left. */
    if (entry_head_rank(head, &source->head) > 0)
        source->heard = 0;
    if (higher)
        source->head = *head;
    return higher;
}

void catchup_note(struct exchange *exchange, struct feed *feed, struct partner *partner,
                  const struct entry_head *head)
{
    struct source *source = catchup_source(feed, partner);
    uint64_t now = exchange_now(exchange);

    if (!partner->session)
        return; /* said before its link went down; the next session tells it again */
    if (!source)
        source = add_source(feed, partner);
    if (!source) {
        partner->unheard = true; /* out of memory: it must tell it again */
        return;
    }
    if (take_note(source, head)) {
        /* New entries are a new chance, but a smaller one for who has failed us often. */
        if (source->retry_at > now + fault_wait_ms(source, NEWS_FAULTS_MAX))
            source->retry_at = now + fault_wait_ms(source, NEWS_FAULTS_MAX);
    }
    catchup_moved(exchange, feed);
    /* Another entry at a seq that we hold: one of the two is no longer the publisher's only word.
     * Who stands behind us may be a restored publisher, or hold another branch. The ledger is asked
     * last, and not for what could not be followed up now. */
    if (head->seq <= feed->head.seq && head->certificate && source->retry_at <= now &&
        entry_head_rank(head, &feed->head) == 0 && may_probe(feed, partner, now) &&
        !ingest_is_ours(exchange, feed, head->seq, &head->hash))
        catchup_probe(exchange, feed, partner, head->seq);
    catchup_want(exchange, feed);
}

uint64_t catchup_believed_seq(const struct exchange *exchange, const struct feed *feed)
{
    uint64_t seq = entry_head_rank(&feed->stated, &feed->head) < 0 ? 0 : feed->stated.seq;

    for (size_t i = 0; i < feed->source_count; i++) {
        const struct source *source = &feed->sources[i];
        bool believed = feed == exchange->own ? !source->partner->doubted : source->faults == 0;

        /* What a lower rank has behind our head counts for nothing. */
        if (believed && seq_of(source) > seq && catchup_rank(feed, source) >= 0)
            seq = seq_of(source);
    }
    return seq;
}

/* --- doubt --------------------------------------------------------------------------------------
 */

static void doubt(struct exchange *exchange, const struct source *source)
{
    struct partner *partner = source->partner;
    struct error error;

    /* What does not follow our own entries, but is signed by us, is no false claim. */
    if (partner->doubted || exchange->own->diverged)
        return;
    partner->doubted = true;
    error_set(&error, ERROR_GAP,
              "it says that it holds our own announcements up to No. %llu, of which we have %llu, "
              "but does not hand them on",
              (unsigned long long)seq_of(source), (unsigned long long)exchange->own->head.seq);
    session_trouble(exchange, partner, &error);
}

static void doubt_all(struct exchange *exchange)
{
    struct feed *own = exchange->own;

    for (size_t i = 0; i < own->source_count; i++)
        if (own->sources[i].wanted)
            doubt(exchange, &own->sources[i]);
    catchup_moved(exchange, own);
}

/* --- pulls --------------------------------------------------------------------------------------
 */

static bool is_better(const struct feed *feed, const struct source *a, const struct source *b)
{
    int rank = b ? entry_head_rank(&a->head, &b->head) : 0;

    if (!b || (a->faults == 0) != (b->faults == 0))
        return !b || a->faults == 0;
    if (rank)
        return rank > 0;
    if ((a->partner == feed->partner) != (b->partner == feed->partner))
        return a->partner == feed->partner;
    return a->asked_at < b->asked_at;
}

/* Who has entries behind our head: those that did not fail us first; of those the publisher, then
 * one after the other, so that none that gives as little as it can is the only one. */
static struct source *choose_for_entries(const struct feed *feed, uint64_t now)
{
    struct source *best = NULL;

    for (size_t i = 0; i < feed->source_count; i++) {
        struct source *source = &feed->sources[i];

        if (source->partner->able && source->retry_at <= now && lacks(feed, source) &&
            is_better(feed, source, best))
            best = source;
    }
    return best;
}

/* Anybody who has the feed may have its contents: in turn, by when they were last asked. */
static struct source *choose_for_contents(const struct feed *feed, uint64_t now)
{
    struct source *best = NULL;

    for (size_t i = 0; feed->missing && i < feed->source_count; i++) {
        struct source *source = &feed->sources[i];

        if (source->partner->able && source->content_at <= now && seq_of(source) &&
            (!best || source->content_after < best->content_after))
            best = source;
    }
    return best;
}

/* The next seqs without content behind `after`, as far as they are consecutive; 0: none. */
static uint64_t next_missing(struct exchange *exchange, const struct feed *feed, uint64_t after,
                             uint64_t *last)
{
    const struct store *store = &exchange->config.store;
    size_t limit = feed->missing < MISSING_MAX ? (size_t)feed->missing : MISSING_MAX, count = 0;
    uint64_t *seqs = calloc(limit, sizeof *seqs), first = 0;

    if (!seqs || store->operations->missing(store->self, &feed->id, seqs, limit, &count, NULL))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (seqs[i] <= after)
            continue;
        if (!first)
            first = *last = seqs[i];
        else if (seqs[i] == *last + 1)
            ++*last;
        else
            break;
    }
    free(seqs);
    return first;
}

/* The round is over: the next one after a pause, a longer one each time. */
static void end_round(struct exchange *exchange, struct source *source)
{
    source->content_wait_ms =
        source->content_wait_ms ? source->content_wait_ms * 2 : CONTENT_WAIT_MS;
    if (source->content_wait_ms > CONTENT_WAIT_MAX_MS)
        source->content_wait_ms = CONTENT_WAIT_MAX_MS;
    source->content_at = exchange_now(exchange) + source->content_wait_ms;
    source->content_after = 0;
}

static bool pull_contents(struct exchange *exchange, struct feed *feed, struct source *source)
{
    uint64_t last, first = next_missing(exchange, feed, source->content_after, &last);

    if (!first) {
        end_round(exchange, source);
        return false;
    }
    return pulls_send(exchange, feed, source->partner, PULL_CONTENTS, first, last, LIMIT_PULL_SIZE);
}

static bool pull_entries(struct exchange *exchange, struct feed *feed, struct source *source,
                         uint64_t now)
{
    uint64_t first = pulls_asked(feed) + 1, last;
    size_t size;

    if (branch_needs_walk(feed, source))
        return branch_pull(exchange, feed, source);
    pulls_choose_range(feed, first, seq_of(source), &last, &size);
    if (!pulls_send(exchange, feed, source->partner, PULL_ENTRIES, first, last, size))
        return false;
    source->asked_at = now;
    return true;
}

static bool pull_something(struct exchange *exchange, struct feed *feed, uint64_t now)
{
    const struct pull *pull = pulls_first(feed);
    struct source *source;

    if (pull) { /* only the one that is asked already can bring what is behind */
        source = catchup_source(feed, pull->partner);
        return pull->kind == PULL_ENTRIES && wants_more(feed, source) && source->partner->able &&
               pull_entries(exchange, feed, source, now);
    }
    source = choose_for_entries(feed, now);
    if (source)
        return pull_entries(exchange, feed, source, now);
    source = choose_for_contents(feed, now);
    return source && pull_contents(exchange, feed, source);
}

/* When a source of a feed in the queue may be asked again. A source without credit or link is not
 * waited for: what gives it back is an event. */
static uint64_t next_chance(const struct feed *feed, uint64_t now)
{
    uint64_t chance = UINT64_MAX;

    for (size_t i = 0; i < feed->source_count; i++) {
        const struct source *source = &feed->sources[i];
        uint64_t at = UINT64_MAX;

        if (!source->partner->able)
            continue;
        if (lacks(feed, source))
            at = source->retry_at;
        if (feed->missing && seq_of(source) && source->content_at < at)
            at = source->content_at;
        if (at < chance)
            chance = at;
    }
    /* It could not be sent, or a round has just ended. */
    return chance <= now ? now + 100 : chance;
}

/* Those behind the ones that were looked at stay as they are. */
static void put_back(struct exchange *exchange, struct feed *rest, struct feed **rest_end)
{
    if (!rest)
        return;
    *exchange->needy_end = rest;
    exchange->needy_end = rest_end;
}

/* One range for everybody in the queue, while anybody may be asked who has something: the queue may
 * be long, and most of it wait for the same one. Who was served stands behind those who were not.
 * false: nobody was. */
static bool serve_round(struct exchange *exchange, uint64_t now)
{
    struct feed *queue = exchange->needy, **queue_end = exchange->needy_end;
    struct feed *served = NULL, **served_end = &served, *feed;

    exchange->needy = NULL;
    exchange->needy_end = &exchange->needy;
    while (pulls_may_be_sent(exchange) && (feed = queue)) {
        uint64_t chance;

        queue = feed->next_needy;
        feed->next_needy = NULL;
        if (pull_something(exchange, feed, now)) {
            *served_end = feed;
            served_end = &feed->next_needy;
            continue;
        }
        /* Nobody can help now, or its pull is under way: then it comes back when that ends. */
        feed->needy = false;
        catchup_want(exchange, feed);
        chance = feed->needy ? next_chance(feed, now) : UINT64_MAX;
        if (chance < exchange->pump_at)
            exchange->pump_at = chance;
    }
    put_back(exchange, queue, queue_end);
    queue = served;
    while ((feed = queue)) {
        queue = feed->next_needy;
        feed->next_needy = NULL;
        feed->needy = false;
        catchup_want(exchange, feed);
    }
    return served != NULL;
}

void catchup_pump(struct exchange *exchange)
{
    uint64_t now = exchange_now(exchange);

    exchange->news = false;
    if (now < exchange->paused_until) {
        exchange->pump_at = exchange->paused_until;
        return;
    }
    exchange->pump_at = UINT64_MAX;
    while (exchange->needy && pulls_may_be_sent(exchange) && serve_round(exchange, now))
        ;
    exchange->news = false;
}

/* --- how a pull ends ----------------------------------------------------------------------------
 */

static void entries_done(struct exchange *exchange, struct feed *feed, struct source *source,
                         const struct pull *pull)
{
    /* Also what came by another way meanwhile is no fault of the partner. */
    bool kept_its_word = pull->kind == PULL_PROBE
                             ? feed->frozen
                             : !lacks(feed, source) || feed->head.seq >= pull->last;

    if (pull->kind == PULL_BACK) {
        branch_forget(feed, source->partner);
        kept_its_word = false;
    }
    if (!kept_its_word)
        catchup_fault(exchange, feed, source->partner);
}

static void contents_done(const struct feed *feed, struct source *source, const struct pull *pull)
{
    if (source->content_at <= pull->deadline)
        source->content_after = pull->last;
    if (feed->missing < pull->missing)
        source->content_wait_ms = 0;
}

/* A part of the entries came; the rest is asked for at once. */
static void progress(struct exchange *exchange, struct feed *feed, struct source *source)
{
    source->faults = 0;
    source->retry_at = 0;
    source->lost = false;
    if (feed != exchange->own)
        return;
    source->partner->doubted = false;
    exchange->ahead_since = exchange_now(exchange);
    catchup_moved(exchange, feed);
}

/* What came of a range says how much more may be asked for at once. */
static void judge_range(struct exchange *exchange, struct feed *feed, struct source *source,
                        const struct pull *pull)
{
    bool full = feed->head.seq >= pull->last;

    if (!full)
        pulls_moot_behind(feed, pull->request);
    if (!source)
        return;
    if (!full || exchange_now(exchange) - pull->asked_at > PROMPT_MS)
        source->window = 1;
    else if (window_of(source) < LIMIT_PULLS_PER_FEED)
        source->window = 2 * window_of(source);
}

/* Its answer does not count: what should have come before it has not (yet). */
static bool is_early(const struct feed *feed, const struct pull *pull)
{
    return pull->moot || (pull->kind == PULL_ENTRIES && pull->first > feed->head.seq + 1);
}

void catchup_done(struct exchange *exchange, struct pull *pull, bool moved)
{
    struct feed *feed = pull->feed;
    struct source *source = catchup_source(feed, pull->partner);
    const struct pull done = *pull;

    pulls_release(exchange, pull);
    if (done.kind == PULL_ENTRIES && !done.moot)
        judge_range(exchange, feed, source, &done);
    if (source && moved)
        progress(exchange, feed, source);
    else if (source && done.kind == PULL_CONTENTS)
        contents_done(feed, source, &done);
    else if (source && !is_early(feed, &done))
        entries_done(exchange, feed, source, &done);
    catchup_want(exchange, feed);
}

/* Nobody is to blame: what it asked for is asked for again as soon as that is possible. */
static void ask_again(struct exchange *exchange, struct pull *pull)
{
    struct feed *feed = pull->feed;
    struct source *source = catchup_source(feed, pull->partner);

    if (source)
        source->window = 1;
    /* Behind one that is moot already, others may have been asked. */
    if (!pull->moot)
        pulls_moot_behind(feed, pull->request);
    pulls_release(exchange, pull);
    catchup_want(exchange, feed);
}

/* The answer may have come while nothing could be written, and have been thrown away. */
static bool is_our_fault(const struct exchange *exchange, const struct pull *pull)
{
    return pull->asked_at <= exchange->failed_at;
}

static void time_out(struct exchange *exchange, struct pull *pull)
{
    struct source *source = catchup_source(pull->feed, pull->partner);

    if (is_our_fault(exchange, pull)) {
        ask_again(exchange, pull);
        return;
    }
    /* Contents can wait; entries of the feed behind them must not. */
    if (source && pull->kind == PULL_CONTENTS)
        end_round(exchange, source);
    catchup_done(exchange, pull, false);
}

/* An answer that was lost on its way is nobody's fault: it is asked for again at once. Who loses
 * one after the other counts as somebody who does not answer. */
static void lose(struct exchange *exchange, struct pull *pull)
{
    struct source *source = catchup_source(pull->feed, pull->partner);

    if (pull->moot || !source || source->lost || is_our_fault(exchange, pull)) {
        time_out(exchange, pull);
        return;
    }
    source->lost = true;
    ask_again(exchange, pull);
}

void catchup_answered(struct exchange *exchange, struct partner *partner, uint64_t request)
{
    const struct pull *answered = pulls_find(exchange, partner, request);

    /* After all: it answers in another order, or this one came by another link. */
    if (!answered && request && request <= partner->given_up)
        partner->disorderly = true;
    if (!answered || partner->disorderly)
        return;
    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++) {
        struct pull *pull = &exchange->pulls[i];

        if (!pull->feed || pull->partner != partner || pull->request >= request)
            continue;
        if (pull->request > partner->given_up)
            partner->given_up = pull->request;
        lose(exchange, pull);
    }
}

void catchup_later(struct exchange *exchange, struct pull *pull, uint64_t wait_ms)
{
    struct feed *feed = pull->feed;
    struct source *source = catchup_source(feed, pull->partner);
    enum pull_kind kind = pull->kind;
    uint64_t until;

    if (!pull->moot)
        pulls_moot_behind(feed, pull->request);
    if (source)
        source->window = 1;
    pulls_release(exchange, pull);
    if (!wait_ms)
        wait_ms = FAULT_WAIT_MS;
    until = exchange_now(exchange) + (wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    if (source && kind == PULL_CONTENTS)
        source->content_at = until;
    else if (source)
        source->retry_at = until;
    catchup_want(exchange, feed);
}

void catchup_fault(struct exchange *exchange, struct feed *feed, struct partner *partner)
{
    struct source *source = catchup_source(feed, partner);
    uint64_t wait_ms;

    if (!source)
        return;
    wait_ms = fault_wait_ms(source, FAULTS_MAX);
    source->faults++;
    source->retry_at = exchange_now(exchange) + wait_ms;
    if (feed == exchange->own && source->wanted) {
        doubt(exchange, source);
        catchup_moved(exchange, feed);
    }
    catchup_want(exchange, feed);
}

void catchup_know(struct exchange *exchange, struct feed *feed, struct partner *partner)
{
    struct source *source = catchup_source(feed, partner);

    if (!source || !source->asked_chain)
        return;
    source->retry_at = 0;
    catchup_moved(exchange, feed);
    catchup_want(exchange, feed);
}

void catchup_probe(struct exchange *exchange, struct feed *feed, struct partner *partner,
                   uint64_t seq)
{
    uint64_t now = exchange_now(exchange);

    if (seq && may_probe(feed, partner, now) &&
        pulls_send(exchange, feed, partner, PULL_PROBE, seq, seq, LIMIT_PULL_SIZE / 4))
        feed->probe_at = now + PROBE_INTERVAL_MS;
}

/* --- partners and feeds that go -----------------------------------------------------------------
 */

void catchup_again(struct exchange *exchange, struct partner *partner)
{
    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++) {
        struct pull *pull = &exchange->pulls[i];

        if (pull->feed && pull->partner == partner)
            ask_again(exchange, pull);
    }
}

static void remove_source(struct exchange *exchange, struct feed *feed, struct partner *partner)
{
    struct source *source = catchup_source(feed, partner);

    if (!source)
        return;
    set_wanted(exchange, source, false);
    branch_forget(feed, partner);
    *source = feed->sources[--feed->source_count];
    catchup_moved(exchange, feed);
}

void catchup_forget(struct exchange *exchange, struct partner *partner)
{
    struct feed *feed;
    size_t at = 0;

    catchup_again(exchange, partner);
    partner->disorderly = false;
    while ((feed = map_next(&exchange->feeds, &at)))
        remove_source(exchange, feed, partner);
}

void catchup_abandon(struct exchange *exchange, struct feed *feed)
{
    while (feed->pulls)
        pulls_release(exchange, feed->pulls);
    for (size_t i = 0; i < feed->source_count; i++)
        set_wanted(exchange, &feed->sources[i], false);
    branch_forget(feed, NULL);
    feed->source_count = 0;
}

void catchup_taken_back(struct exchange *exchange, struct feed *feed)
{
    pulls_moot_behind(feed, 0);
    catchup_moved(exchange, feed);
    catchup_want(exchange, feed);
}

void catchup_tick(struct exchange *exchange, uint64_t now)
{
    for (size_t i = 0; i < LIMIT_PULLS_TOTAL; i++) {
        struct pull *pull = &exchange->pulls[i];

        if (pull->feed && pull->deadline <= now)
            time_out(exchange, pull);
    }
    /* Nobody can keep its word while we cannot take it, or do not ask for it. */
    if (exchange->failure.code || now < exchange->paused_until)
        exchange->ahead_since = now;
    if (exchange->ahead && now - exchange->ahead_since >= LIMIT_OWN_CLAIM_MS)
        doubt_all(exchange);
}
