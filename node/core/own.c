/* Our own feed: when we may publish, what we say of its head, and what others state of theirs.
 *
 * Most forks are accidents: a restored backup goes on where it ended, behind what was published
 * since. So after a start publishing waits for what the connected partners hold of our feed:
 *
 *     CHECKING --all connected partners have answered, nothing ahead of us--------> OPEN
 *        |     --10 s are over (a warning), ledger known to be ours---------------> OPEN
 *        +-----10 s are over, ledger restored or copied--> HELD --one answers, or --alone--> OPEN
 *     OPEN --a partner shows our feed ahead of us--> CHECKING (entries are fetched back) --> OPEN
 *     any --two entries of ours at one seq--> FROZEN
 *     any --a certificate of ours for another node key--> REPLACED
 */
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/log.h"
#include "node/core/state.h"

#define STATEMENT_STORE_MS 60000

bool own_key_is_in_force(const struct exchange *exchange)
{
    const struct feed *own = exchange->own;
    const struct identity_certificate *certificate =
        identity_chain_get(&own->chain, own->head.certificate);

    return !certificate ||
           id_equal(&certificate->node_key, secret_public(exchange->config.node_key));
}

enum exchange_publishing exchange_publishing(const struct exchange *exchange)
{
    if (exchange->own->frozen)
        return EXCHANGE_FROZEN;
    if (!own_key_is_in_force(exchange))
        return EXCHANGE_REPLACED;
    if (exchange->ahead || !exchange->start_checked)
        return EXCHANGE_CHECKING;
    return exchange->trusted ? EXCHANGE_OPEN : EXCHANGE_HELD;
}

bool exchange_trusted(const struct exchange *exchange)
{
    return exchange->trusted && exchange->start_checked;
}

/* --- the check after a start --------------------------------------------------------------------
 */

struct answers {
    size_t partners, sessions, answered, believed;
};

static struct answers count_answers(const struct exchange *exchange)
{
    struct answers answers = {0};
    const struct partner *partner;
    size_t at = 0;

    while ((partner = map_next(&exchange->partners, &at))) {
        answers.partners++;
        answers.sessions += partner->session;
        answers.answered += partner->session && partner->answered;
        answers.believed += partner->session && partner->answered && !partner->doubted;
    }
    return answers;
}

static void check_start(struct exchange *exchange, uint64_t now)
{
    struct answers answers = count_answers(exchange);
    uint64_t waited = now - exchange->started_at;
    bool all = answers.answered > 0 && answers.answered == answers.sessions &&
               waited >= LIMIT_START_SETTLE_MS;

    /* Never by what may still be taken back. */
    if (answers.believed && !exchange->ahead && !exchange->trusted && !exchange->own->changed) {
        exchange->trusted = true;
        exchange->changes++;
    }
    if (exchange->start_checked)
        return;
    if (!all && answers.partners && waited < LIMIT_START_CHECK_MS)
        return;
    if (!all && answers.partners)
        log_warning("start.unconfirmed", "partners", log_number((long long)answers.partners),
                    "answered", log_number((long long)answers.answered));
    exchange->start_checked = true;
    exchange->changes++;
}

/* --- who and where we are -----------------------------------------------------------------------
 */

int exchange_describe(struct exchange *exchange, struct span profile, struct span endpoints,
                      struct error *error)
{
    buffer_clear(&exchange->wanted_profile);
    buffer_clear(&exchange->wanted_endpoints);
    if (!buffer_append(&exchange->wanted_profile, profile.data, profile.size) ||
        !buffer_append(&exchange->wanted_endpoints, endpoints.data, endpoints.size))
        return error_memory(error);
    exchange->described = true;
    return ERROR_NONE;
}

static void publish_if_changed(struct exchange *exchange, const ProtobufCMessage *published,
                               uint32_t type, const struct buffer *wanted)
{
    struct exchange_published out;
    struct buffer packed = {0};
    struct error error;
    bool same = published && fields_pack(published, &packed) &&
                span_equal(buffer_span(&packed), buffer_span(wanted));

    buffer_finish(&packed);
    if (!same && exchange_publish(exchange, type, buffer_span(wanted), NULL, &out, &error))
        log_error("describe.failed", "text", error.text);
}

static void describe(struct exchange *exchange)
{
    const struct feed *own = exchange->own;

    if (!exchange->described || exchange_publishing(exchange) != EXCHANGE_OPEN)
        return;
    exchange->described = false;
    exchange->describes = true; /* a commit that fails undoes it */
    publish_if_changed(exchange, own->profile ? &own->profile->base : NULL,
                       CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, &exchange->wanted_profile);
    publish_if_changed(exchange, own->endpoints ? &own->endpoints->base : NULL,
                       CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS, &exchange->wanted_endpoints);
}

/* --- statements of heads ------------------------------------------------------------------------
 */

void own_state_head(struct exchange *exchange)
{
    struct feed *own = exchange->own;
    struct buffer bytes = {0};
    char topic[LIMIT_TOPIC_SIZE + 1];
    uint64_t now = exchange_wall(exchange);

    /* Never what may still be taken back; the commit states it. */
    if (own->changed)
        return;
    /* Of two statements of one head the later counts, also when our clock was put back. */
    if (now <= own->as_of_ms)
        now = own->as_of_ms + 1;
    exchange->statement_at = exchange_now(exchange) + LIMIT_HEAD_INTERVAL_MS;
    if (own->frozen || !own->head.seq || !own_key_is_in_force(exchange) ||
        entry_head_sign(&own->head, exchange->network, now, exchange->config.node_key, &bytes,
                        NULL)) {
        buffer_finish(&bytes);
        return;
    }
    policy_set_statement(exchange->config.policy, &own->id, buffer_span(&bytes), NULL);
    entry_topic_of_head(&own->id, topic);
    exchange->config.bus.live(exchange->config.bus.self, topic, buffer_span(&bytes));
    buffer_finish(&own->statement);
    own->statement = bytes;
    own->stated = own->head;
    own->as_of_ms = now;
    own->statement_dirty = true;
}

/* Does it say anything that is not known, and could it be checked now? */
static bool is_news(const struct feed *feed, const struct entry_head *stated, uint64_t as_of_ms)
{
    int order = entry_head_compare(stated, &feed->stated);

    return stated->certificate <= feed->chain.count &&
           (order > 0 || (order == 0 && as_of_ms > feed->as_of_ms));
}

/* Hands a publisher's newest word on: the "as of" of those who read from us. */
static void pass_on(struct exchange *exchange, struct feed *feed, bool moved)
{
    uint64_t now = exchange_now(exchange);
    char topic[LIMIT_TOPIC_SIZE + 1];

    if (!feed->partner || !feed->partner->relay)
        return;
    policy_set_statement(exchange->config.policy, &feed->id, buffer_span(&feed->statement), NULL);
    /* One that only says "still so" reaches all listeners at the pace that is usual, not at any. */
    if (!moved && feed->passed_at && now - feed->passed_at < LIMIT_HEAD_INTERVAL_MS / 2)
        return;
    feed->passed_at = now;
    entry_topic_of_head(&feed->id, topic);
    exchange->config.bus.live(exchange->config.bus.self, topic, buffer_span(&feed->statement));
}

/* Reads it without the check of its signature. */
static int read_statement(const struct exchange *exchange, struct span signed_head,
                          struct entry_head *head, uint64_t *as_of_ms, struct error *error)
{
    if (signed_head.size > LIMIT_STATEMENT_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "SignedHead: found %zu bytes, expected at most %d",
                         signed_head.size, LIMIT_STATEMENT_SIZE);
    return entry_head_parse(signed_head, exchange->network, head, as_of_ms, error);
}

static void take_statement(struct exchange *exchange, struct feed *feed,
                           const struct entry_head *head, uint64_t as_of_ms,
                           struct span signed_head, struct partner *from)
{
    bool moved = entry_head_compare(head, &feed->stated) > 0;

    buffer_clear(&feed->statement);
    if (!buffer_append(&feed->statement, signed_head.data, signed_head.size))
        return;
    feed->stated = *head;
    feed->as_of_ms = as_of_ms;
    feed->statement_dirty = true;
    /* Only the publisher is known to have what it states; a relay says itself what it holds. */
    if (from == feed->partner)
        catchup_note(exchange, feed, from, head);
    pass_on(exchange, feed, moved);
}

bool own_statement(struct exchange *exchange, const struct feed *expected, struct span signed_head,
                   struct partner *from)
{
    struct entry_head head;
    struct error error;
    struct feed *feed;
    uint64_t as_of_ms;

    if (read_statement(exchange, signed_head, &head, &as_of_ms, &error)) {
        session_trouble(exchange, from, &error);
        return false;
    }
    feed = feed_find(exchange, &head.feed);
    if (expected && feed != expected) {
        error_set(&error, ERROR_UNKNOWN_FEED,
                  "SignedHead: it speaks of another feed than its head");
        session_trouble(exchange, from, &error);
        return false;
    }
    if (!feed || feed == exchange->own || !feed->partner || !is_news(feed, &head, as_of_ms))
        return true;
    if (entry_head_check(signed_head, &feed->chain, &head, &as_of_ms, &error)) {
        session_trouble(exchange, from, &error);
        return false;
    }
    take_statement(exchange, feed, &head, as_of_ms, signed_head, from);
    return true;
}

static void store_statements(struct exchange *exchange)
{
    const struct store *store = &exchange->config.store;
    struct feed *feed;
    struct error error;
    size_t at = 0;

    while ((feed = map_next(&exchange->feeds, &at))) {
        if (!feed->statement_dirty)
            continue;
        feed->statement_dirty = false;
        exchange->wrote = true;
        if (store->operations->put_statement(store->self, &feed->id, buffer_span(&feed->statement),
                                             feed->as_of_ms, &error))
            exchange_break(exchange, &error);
    }
}

/* --- life ---------------------------------------------------------------------------------------
 */

static int append_genesis(struct exchange *exchange, struct error *error)
{
    struct entry_run run = {0};
    int code = entry_run_parse_single(exchange->config.genesis, exchange->network, &run, error);

    if (!code && !id_equal(&run.feed, &exchange->own->id))
        code = error_set(error, ERROR_CONFIG, "the genesis entry is of another feed");
    if (!code)
        code = entry_run_check(&run, &exchange->own->chain, 0, error);
    if (!code)
        code = ingest_append(exchange, exchange->own, run.entries, 1, error);
    entry_run_finish(&run);
    return code;
}

int own_start(struct exchange *exchange, struct error *error)
{
    int code;

    exchange->trusted = !exchange->config.suspect || exchange->config.alone;
    exchange->start_checked = exchange->config.alone;
    if (exchange->own->head.seq)
        return ERROR_NONE;
    /* A ledger that begins cannot be behind, unless one stood here before. */
    exchange->start_checked = !exchange->config.suspect || exchange->config.alone;
    code = exchange_begin(exchange, error);
    if (!code)
        code = append_genesis(exchange, error);
    if (code) {
        exchange_break(exchange, error);
        exchange_commit(exchange, NULL);
        return error_prefix(error, "cannot write entry 1 of our own feed");
    }
    return exchange_commit(exchange, error);
}

void own_tick(struct exchange *exchange, uint64_t now)
{
    check_start(exchange, now);
    describe(exchange);
    if (exchange->statement_at <= now)
        own_state_head(exchange);
    if (exchange->statements_at <= now) {
        exchange->statements_at = now + STATEMENT_STORE_MS;
        store_statements(exchange);
        if (coverage_counter_is_old(exchange))
            exchange->wrote = true;
    }
}
