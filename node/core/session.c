/* Talking to partners. A session begins when a first sync link to a partner comes up, and ends when
 * the last one goes down:
 *
 *            sync link up                      hello came
 *     DOWN ---------------> SESSION (asking) -------------> SESSION (greeted)
 *       ^                        |                               |
 *       +------ last sync link down; pulls and sources forgotten-+
 *
 * On entering a session each side says hello, says what it holds of the other's feed (a receipt),
 * and asks for heads since the cursor it keeps. Hello is repeated as a keep-alive and answered with
 * a receipt, so a side that was restarted unnoticed gets what it needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/log.h"
#include "common/text.h"
#include "node/core/serve.h"
#include "node/core/state.h"

#define HELLO_INTERVAL_MS 15000
/* Of one partner's troubles, one log line in this time: whoever makes different mistakes all the
 * time must not fill the disk. */
#define TROUBLE_LOG_MS 30000

struct partner *partner_find(const struct exchange *exchange, const struct id *feed)
{
    return map_get(&exchange->partners, feed);
}

bool session_up(const struct partner *partner)
{
    return partner->links[EXCHANGE_SYNC_OUT].up || partner->links[EXCHANGE_SYNC_IN].up;
}

bool session_send(struct exchange *exchange, struct partner *partner,
                  const Caravan__SyncMessage *message)
{
    struct buffer bytes = {0};
    bool sent = false;

    if (session_up(partner) && fields_pack(&message->base, &bytes))
        sent = exchange->config.bus.send(exchange->config.bus.self, &partner->feed->id,
                                         buffer_span(&bytes));
    buffer_finish(&bytes);
    return sent;
}

/* A sentence may quote what a partner wrote: what is kept of it is valid UTF-8, one line, and
 * nothing that commands a terminal. */
static void keep_text(const char *text, char *out, size_t size)
{
    struct buffer clean = {0};
    size_t length;

    text_clean(text, false, &clean);
    length = clean.size < size ? clean.size : size - 1;
    while (length && length < clean.size && (clean.data[length] & 0xc0) == 0x80)
        length--;
    if (length)
        memcpy(out, clean.data, length);
    out[length] = '\0';
    buffer_finish(&clean);
}

void session_trouble(struct exchange *exchange, struct partner *partner, const struct error *error)
{
    uint64_t now = exchange_now(exchange);
    char text[sizeof partner->trouble], whole[sizeof error->text + 32];

    snprintf(whole, sizeof whole, "%s: %s", error_name(error->code), error->text);
    keep_text(whole, text, sizeof text);
    if (strcmp(text, partner->trouble) == 0)
        return; /* said once */
    memcpy(partner->trouble, text, sizeof partner->trouble);
    if (partner->logged_at && now - partner->logged_at < TROUBLE_LOG_MS) {
        partner->not_logged++;
        return;
    }
    log_warning("partner.trouble", "partner", partner->card_handle, "text", text, "not_logged",
                log_number(partner->not_logged));
    partner->logged_at = now;
    partner->not_logged = 0;
    exchange->changes++;
}

static void say_hello(struct exchange *exchange, struct partner *partner)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Hello hello = CARAVAN__HELLO__INIT;
    uint8_t ledger[STORE_LEDGER_ID_SIZE];

    policy_ledger(exchange->config.policy, exchange->ledger, ledger);
    hello.network = exchange->network;
    hello.has_version = hello.has_feed = hello.has_ledger = true;
    hello.has_clock_ms = hello.has_live_link = true;
    hello.version = 1;
    hello.feed = fields_binary(span_of_id(&exchange->own->id));
    hello.ledger = fields_binary(span_of(ledger, sizeof ledger));
    hello.clock_ms = exchange_wall(exchange);
    hello.live_link = partner->links[EXCHANGE_LIVE_OUT].up;
    hello.software = (char *)(uintptr_t) "caravan " CARAVAN_VERSION;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HELLO;
    message.hello = &hello;
    session_send(exchange, partner, &message);
    partner->hello_at = exchange_now(exchange) + HELLO_INTERVAL_MS;
}

void session_ask_heads(struct exchange *exchange, struct partner *partner)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__HeadsRequest request = CARAVAN__HEADS_REQUEST__INIT;

    request.has_ledger = request.has_after = true;
    request.ledger = fields_binary(span_of(partner->ledger, sizeof partner->ledger));
    request.after = partner->told;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS_REQUEST;
    message.heads_request = &request;
    session_send(exchange, partner, &message);
}

bool session_ask_certificates(struct exchange *exchange, struct partner *partner,
                              const struct id *feed)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__CertificatesRequest request = CARAVAN__CERTIFICATES_REQUEST__INIT;

    request.has_feed = true;
    request.feed = fields_binary(span_of_id(feed));
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES_REQUEST;
    message.certificates_request = &request;
    return session_send(exchange, partner, &message);
}

static void begin_session(struct exchange *exchange, struct partner *partner)
{
    partner->session = true;
    partner->greeted = partner->live_link = partner->answered = partner->heads_done = false;
    /* Heads told in an earlier session but not yet fetched have been forgotten with it. */
    partner->told = partner->kept;
    partner->unheard = false;
    partner->owed = true;
    say_hello(exchange, partner);
    session_ask_heads(exchange, partner);
}

static void end_session(struct exchange *exchange, struct partner *partner)
{
    partner->session = partner->greeted = partner->heads_done = partner->live_link = false;
    catchup_forget(exchange, partner);
}

/* One of two links went down: what was under way on it is asked for again on the other. */
static void go_on(struct exchange *exchange, struct partner *partner)
{
    catchup_again(exchange, partner);
    say_hello(exchange, partner);
    session_ask_heads(exchange, partner);
}

void exchange_link(struct exchange *exchange, const struct id *feed, enum exchange_link_kind kind,
                   bool up, const char *endpoint, const char *reason)
{
    struct partner *partner = partner_find(exchange, feed);
    struct exchange_link_state *link;
    bool was_up;

    if (!partner || (unsigned)kind >= EXCHANGE_LINK_KINDS)
        return;
    link = &partner->links[kind];
    was_up = link->up;
    if (was_up != up) {
        static const char *const names[EXCHANGE_LINK_KINDS] = {[EXCHANGE_LIVE_OUT] = "live out",
                                                               [EXCHANGE_SYNC_OUT] = "sync out",
                                                               [EXCHANGE_SYNC_IN] = "sync in"};

        link->since_ms = exchange_wall(exchange);
        log_info(up ? "link.up" : "link.down", "partner", feed_handle(partner->feed), "link",
                 names[kind], "endpoint", endpoint ? endpoint : "", "reason", reason ? reason : "");
    }
    link->up = up;
    pulls_update(exchange, partner);
    snprintf(link->endpoint, sizeof link->endpoint, "%s", endpoint ? endpoint : "");
    snprintf(link->reason, sizeof link->reason, "%s", reason ? reason : "");
    exchange->changes++;
    if (kind == EXCHANGE_LIVE_OUT) {
        if (partner->session)
            say_hello(exchange, partner); /* live_link has changed */
        /* What went out on live before we heard it. */
        if (up && partner->session)
            session_ask_heads(exchange, partner);
        return;
    }
    if (!partner->session && session_up(partner))
        begin_session(exchange, partner);
    else if (partner->session && !session_up(partner))
        end_session(exchange, partner);
    else if (partner->session && was_up && !up) /* not one more dial that failed */
        go_on(exchange, partner);
}

void session_tick(struct exchange *exchange, uint64_t now)
{
    struct partner *partner;
    size_t at = 0;

    while ((partner = map_next(&exchange->partners, &at))) {
        if (!partner->session || partner->hello_at > now)
            continue;
        if (partner->unheard) {
            partner->told = partner->kept;
            partner->unheard = false;
        }
        say_hello(exchange, partner);
        session_ask_heads(exchange, partner);
    }
}

/* --- heads --------------------------------------------------------------------------------------
 */

static bool read_head(const Caravan__Head *from, struct entry_head *head)
{
    head->certificate = from->certificate_number;
    head->seq = from->seq;
    head->recoveries = from->recoveries;
    return from->has_feed && from->has_hash && entry_head_is_possible(head, false) &&
           span_to_id(span_of(from->feed.data, from->feed.len), &head->feed) &&
           span_to_id(span_of(from->hash.data, from->hash.len), &head->hash);
}

/* *good: the statements of this message are what they say they are, so far. */
static void take_head(struct exchange *exchange, struct partner *partner,
                      const Caravan__FeedHead *feed_head, bool *good)
{
    struct buffer bytes = {0};
    struct entry_head head;
    struct feed *feed;

    if (!feed_head->head || !read_head(feed_head->head, &head))
        return;
    feed = feed_find(exchange, &head.feed);
    if (!feed || feed->told_in == exchange->heads_messages)
        return;
    feed->told_in = exchange->heads_messages;
    if (!feed->partner && feed != exchange->own) {
        membership_pass_over(exchange, feed);
        return;
    }
    catchup_note(exchange, feed, partner, &head);
    if (*good && feed_head->statement && feed != exchange->own &&
        fields_pack(&feed_head->statement->base, &bytes))
        *good = own_statement(exchange, feed, buffer_span(&bytes), partner);
    buffer_finish(&bytes);
}

static void take_heads(struct exchange *exchange, struct partner *partner,
                       const Caravan__Heads *heads)
{
    bool more, good = true;

    if (!partner->session)
        return;
    /* A feed is looked at once, and statements up to the first wrong one: a message costs little,
     * whatever stands in it. Behind a wrong statement heads count as before: the partner may be
     * honest and know another branch of a publisher's certificates. */
    exchange->heads_messages++;
    for (size_t i = 0; i < heads->n_heads; i++)
        take_head(exchange, partner, heads->heads[i], &good);
    if (heads->unasked || !heads->has_ledger || heads->ledger.len != sizeof partner->ledger)
        return;
    if (memcmp(partner->ledger, heads->ledger.data, sizeof partner->ledger) != 0) {
        memcpy(partner->ledger, heads->ledger.data, sizeof partner->ledger);
        partner->kept = partner->told = 0;
    }
    more = heads->more && heads->arrival > partner->told;
    partner->told = heads->arrival;
    if (more) {
        session_ask_heads(exchange, partner);
    } else if (!partner->heads_done) {
        partner->heads_done = true;
        if (!partner->doubted)
            partner->trouble[0] = '\0';
        exchange->changes++;
    }
}

void session_tell_head(struct exchange *exchange, const struct feed *feed)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Heads heads = CARAVAN__HEADS__INIT;
    Caravan__FeedHead feed_head = CARAVAN__FEED_HEAD__INIT, *list[1] = {&feed_head};
    Caravan__Head head = CARAVAN__HEAD__INIT;
    struct partner *partner;
    size_t at = 0;

    entry_head_fill(&feed->head, &head);
    feed_head.head = &head;
    heads.heads = list;
    heads.n_heads = 1;
    heads.has_unasked = heads.unasked = true;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS;
    message.heads = &heads;
    while ((partner = map_next(&exchange->partners, &at)))
        if (partner->session && !partner->live_link &&
            policy_may_read(exchange->config.policy, &feed->id, &partner->feed->id))
            session_send(exchange, partner, &message);
}

/* --- messages -----------------------------------------------------------------------------------
 */

/* What a partner sent is refused. No request number: those in a Run are ours, not the partner's. */
static void refuse(struct exchange *exchange, struct partner *partner, const struct id *feed,
                   uint64_t seq, const struct error *reason)
{
    struct buffer bytes = {0};

    if (session_up(partner) && serve_refusal(0, feed, seq, reason, &bytes))
        exchange->config.bus.send(exchange->config.bus.self, &partner->feed->id,
                                  buffer_span(&bytes));
    buffer_finish(&bytes);
}

/* In milliseconds; a clock that shows nonsense counts as a hundred years wrong. */
static int64_t skew_of(uint64_t theirs, uint64_t ours)
{
    const uint64_t century = (uint64_t)100 * 365 * 24 * 3600 * 1000;

    if (theirs >= ours)
        return (int64_t)(theirs - ours < century ? theirs - ours : century);
    return -(int64_t)(ours - theirs < century ? ours - theirs : century);
}

static void take_hello(struct exchange *exchange, struct partner *partner,
                       const Caravan__Hello *hello)
{
    char found[LIMIT_NETWORK_SIZE + 1];
    struct error error;

    if (!hello->network || strcmp(hello->network, exchange->network) != 0) {
        error_set(&error, ERROR_WRONG_NETWORK, "hello: found network \"%s\", expected \"%s\"",
                  bytes_visible(span_of_text(hello->network), found, sizeof found),
                  exchange->network);
    } else if (!hello->has_feed || !span_equal(span_of(hello->feed.data, hello->feed.len),
                                               span_of_id(&partner->feed->id))) {
        error_set(&error, ERROR_DENIED, "hello: the feed named is not the one of this CURVE key");
    } else {
        partner->live_link = hello->has_live_link && hello->live_link;
        if (hello->has_clock_ms) {
            partner->clock_known = true;
            partner->clock_skew_ms = skew_of(hello->clock_ms, exchange_wall(exchange));
        }
        if (!partner->greeted)
            exchange->changes++;
        partner->greeted = true;
        partner->owed = true;
        return;
    }
    session_trouble(exchange, partner, &error);
    refuse(exchange, partner, NULL, 0, &error);
}

/* It does not follow what we hold. Who says that it has a branch of a higher rank is asked where
 * the two part; who has one of the same rank, for the entry at our head. */
static void take_off(struct exchange *exchange, struct feed *feed, struct partner *partner,
                     enum ingest_result result, const struct error *error)
{
    struct source *source = catchup_source(feed, partner);

    if (source && catchup_rank(feed, source) > 0) {
        if (error->code == ERROR_FORK)
            session_ask_certificates(exchange, partner, &feed->id);
        source->off = true;
        catchup_want(exchange, feed);
    } else if (result == INGEST_DIVERGED) {
        catchup_fault(exchange, feed, partner);
        catchup_probe(exchange, feed, partner, feed->head.seq);
    }
}

/* Behind another branch other keys may be in force: what fits no key of ours may be that, once. */
static bool goes_another_way(struct feed *feed, const struct partner *partner)
{
    const struct source *source = catchup_source(feed, partner);

    return source && !source->off && catchup_rank(feed, source) > 0;
}

static void after_run(struct exchange *exchange, struct partner *partner, struct feed *feed,
                      enum ingest_result result, const struct incoming *incoming,
                      const struct error *error)
{
    if (result == INGEST_REFUSED && goes_another_way(feed, partner))
        result = INGEST_DIVERGED;
    switch (result) {
    case INGEST_REFUSED:
        session_trouble(exchange, partner, error);
        /* Certificates that are longer than one entry shows may outrank those that we know. */
        if (error->code == ERROR_FORK)
            session_ask_certificates(exchange, partner, &feed->id);
        if (incoming->source == INCOMING_SYNC)
            refuse(exchange, partner, &feed->id, incoming->run.entries[0].seq, error);
        catchup_fault(exchange, feed, partner);
        break;
    case INGEST_DIVERGED:
    case INGEST_FROZEN:
        take_off(exchange, feed, partner, result, error);
        break;
    case INGEST_FORK:
        session_trouble(exchange, partner, error);
        break;
    case INGEST_ADDED:
    case INGEST_KNOWN:
    case INGEST_GAP:
    case INGEST_FAILED:
        break;
    }
}

/* What this partner has is known to go on behind our head, under the highest certificate that we
 * know of. */
static bool is_chosen(struct feed *feed, const struct partner *partner)
{
    const struct source *source = catchup_source(feed, partner);

    return source && branch_is_proven(feed) && source->head.certificate &&
           entry_head_rank(&source->head, &feed->proven) >= 0;
}

/* A step back along another branch; where it meets ours, the run may bring what follows there. */
static void take_step(struct exchange *exchange, struct partner *partner, struct pull *pull,
                      struct incoming *incoming)
{
    struct feed *feed = pull->feed;
    enum branch_step step = branch_walk(exchange, feed, &incoming->run);
    struct source *source = catchup_source(feed, partner);
    struct error error = {0};
    uint64_t added = 0;

    pulls_measure(feed, &incoming->run);
    if (source && step == BRANCH_FOUND)
        source->off = false;
    if (exchange->broken) {
        catchup_later(exchange, pull, 0);
        return;
    }
    catchup_done(exchange, pull, step != BRANCH_LOST);
    if (step != BRANCH_FOUND)
        return;
    feed->chosen = is_chosen(feed, partner);
    ingest_run(exchange, feed, &incoming->run, false, 0, &added, &error);
    feed->chosen = false;
}

/* With a key that still counts: another certificate may have taken its place since. */
static bool was_checked(const struct feed *feed, const struct incoming *incoming)
{
    const struct identity_certificate *certificate =
        identity_chain_get(&feed->chain, incoming->certificate);

    return incoming->checked &&
           (incoming->certificate == 0 ||
            (certificate && id_equal(&certificate->hash, &incoming->certificate_hash)));
}

static void take_run(struct exchange *exchange, struct partner *partner, struct incoming *incoming)
{
    struct pull *pull = pulls_find(exchange, partner, incoming->request);
    struct feed *feed = feed_find(exchange, &incoming->run.feed);
    enum ingest_result result;
    struct error error = {0};
    uint64_t added = 0;

    if (pull && pull->feed != feed) {
        catchup_done(exchange, pull, false);
        pull = NULL;
    }
    if (!feed || (!feed->partner && feed != exchange->own)) {
        error_set(&error, ERROR_UNKNOWN_FEED, "run: this node does not follow that feed");
        /* On live a partner says all that it hands on; that is no mistake. */
        if (incoming->source == INCOMING_SYNC)
            refuse(exchange, partner, &incoming->run.feed, 0, &error);
        return;
    }
    if (pull && pull->kind == PULL_BACK) {
        take_step(exchange, partner, pull, incoming);
        return;
    }
    feed->chosen = pull && is_chosen(feed, partner);
    result = ingest_run(exchange, feed, &incoming->run, was_checked(feed, incoming),
                        incoming->certificate, &added, &error);
    feed->chosen = false;
    if (result == INGEST_GAP) {
        const struct entry *last = &incoming->run.entries[incoming->run.kept - 1];
        struct entry_head head = {.feed = feed->id, .seq = last->seq, .hash = last->hash};

        catchup_note(exchange, feed, partner, &head);
    }
    feed->diverged = feed->diverged || result == INGEST_DIVERGED;
    if (pull)
        pulls_measure(feed, &incoming->run);
    if (pull && result == INGEST_FAILED)
        catchup_later(exchange, pull, 0); /* our own fault */
    else if (pull)
        catchup_done(exchange, pull, result == INGEST_ADDED);
    after_run(exchange, partner, feed, result, incoming, &error);
}

/* A pull that brought nothing that we could use. */
static void fail_pull(struct exchange *exchange, struct partner *partner, uint64_t request)
{
    struct pull *pull = pulls_find(exchange, partner, request);

    if (pull)
        catchup_done(exchange, pull, false);
}

static void take_refusal(struct exchange *exchange, struct partner *partner,
                         const Caravan__Refusal *refusal)
{
    struct pull *pull = pulls_find(exchange, partner, refusal->request);
    struct error error;

    error_set(&error, error_code_of_name(refusal->code ? refusal->code : ""),
              "refused by the partner: %s", refusal->text ? refusal->text : "no reason given");
    if (error.code == ERROR_BUSY) {
        if (pull)
            catchup_later(exchange, pull, refusal->retry_after_ms);
        return;
    }
    session_trouble(exchange, partner, &error);
    fail_pull(exchange, partner, refusal->request);
}

static void take_certificates(struct exchange *exchange, struct partner *partner,
                              const Caravan__Certificates *certificates)
{
    size_t before;
    struct feed *feed;
    struct error error;
    struct id id;

    if (!certificates->has_feed ||
        !span_to_id(span_of(certificates->feed.data, certificates->feed.len), &id))
        return;
    feed = feed_find(exchange, &id);
    if (!feed || (!feed->partner && feed != exchange->own))
        return;
    before = feed->chain.count;
    if (feed_take_messages(exchange, feed, certificates, &error))
        session_trouble(exchange, partner, &error);
    if (feed->chain.count > before)
        feed_publish_keys(exchange, feed, NULL);
    /* By the keys of the wire it is known from now on, too. */
    if (feed->chain.count > before && feed->partner && exchange->config.partner_changed)
        exchange->config.partner_changed(exchange->config.self, &feed->id);
    catchup_know(exchange, feed, partner);
}

static void take_dial(struct exchange *exchange, struct partner *partner, const Caravan__Dial *dial)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Dialled dialled = CARAVAN__DIALLED__INIT;
    const struct exchange_link_state *links = partner->links;
    char text[257];

    /* This node dials its partners all the time, so the answer is the state of those links. */
    dialled.has_request = dialled.has_live_up = dialled.has_sync_up = true;
    dialled.request = dial->request;
    dialled.live_up = links[EXCHANGE_LIVE_OUT].up;
    dialled.sync_up = links[EXCHANGE_SYNC_OUT].up;
    snprintf(text, sizeof text, "%s",
             dialled.sync_up ? links[EXCHANGE_LIVE_OUT].reason : links[EXCHANGE_SYNC_OUT].reason);
    dialled.text = text;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_DIALLED;
    message.dialled = &dialled;
    session_send(exchange, partner, &message);
}

static void take_dialled(struct exchange *exchange, struct partner *partner,
                         const Caravan__Dialled *dialled)
{
    if (dialled->request != partner->dial_request)
        return;
    partner->dialled.known = true;
    partner->dialled.live_up = dialled->live_up;
    partner->dialled.sync_up = dialled->sync_up;
    keep_text(dialled->text, partner->dialled.text, sizeof partner->dialled.text);
    exchange->changes++;
}

static void take_message(struct exchange *exchange, struct partner *partner,
                         const Caravan__SyncMessage *message)
{
    switch (message->body_case) {
    case CARAVAN__SYNC_MESSAGE__BODY_HELLO:
        take_hello(exchange, partner, message->hello);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_HEADS:
        take_heads(exchange, partner, message->heads);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES:
        take_certificates(exchange, partner, message->certificates);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_REFUSAL:
        take_refusal(exchange, partner, message->refusal);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS:
        coverage_receive(exchange, partner, message->receipts);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_DIAL:
        take_dial(exchange, partner, message->dial);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_DIALLED:
        take_dialled(exchange, partner, message->dialled);
        break;
    default: /* a run or a request (taken elsewhere), or a body of a newer version */
        break;
    }
}

/* Nothing can be kept of it now. What we asked for we ask for again; the rest is repeated by
 * partners in time. */
static void put_off(struct exchange *exchange, struct partner *partner,
                    const struct incoming *incoming)
{
    struct pull *pull = pulls_find(exchange, partner, incoming->request);

    if (pull)
        catchup_later(exchange, pull, 0);
}

void exchange_incoming(struct exchange *exchange, struct incoming *incoming)
{
    struct partner *partner = partner_find(exchange, &incoming->peer);

    if (!partner)
        return;
    if (incoming->is_run)
        catchup_answered(exchange, partner, incoming->request);
    if (exchange->broken) {
        put_off(exchange, partner, incoming);
    } else if (incoming->error.code) {
        session_trouble(exchange, partner, &incoming->error);
        if (incoming->is_run)
            fail_pull(exchange, partner, incoming->request);
        if (incoming->source == INCOMING_SYNC)
            refuse(exchange, partner, NULL, 0, &incoming->error);
    } else if (incoming->source == INCOMING_LIVE_HEAD) {
        own_statement(exchange, NULL, buffer_span(&incoming->bytes), partner);
    } else if (incoming->has_run) {
        take_run(exchange, partner, incoming);
    } else if (incoming->is_run) { /* nothing to hand on yet */
        fail_pull(exchange, partner, incoming->request);
    } else if (incoming->message) {
        take_message(exchange, partner, incoming->message);
    }
    /* Not only at the commit: while that goes on, what is asked for now is on its way. */
    if (exchange->news && !exchange->broken)
        catchup_pump(exchange);
}

/* --- dialling back ------------------------------------------------------------------------------
 */

bool exchange_dial(struct exchange *exchange, const struct id *feed)
{
    struct partner *partner = partner_find(exchange, feed);
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Dial dial = CARAVAN__DIAL__INIT;

    if (!partner || !session_up(partner))
        return false;
    partner->dial_request = ++exchange->next_request;
    partner->dialled = (struct exchange_dialled){0};
    dial.has_request = true;
    dial.request = partner->dial_request;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_DIAL;
    message.dial = &dial;
    return session_send(exchange, partner, &message);
}

void exchange_dialled(const struct exchange *exchange, const struct id *feed,
                      struct exchange_dialled *out)
{
    const struct partner *partner = partner_find(exchange, feed);

    *out = partner ? partner->dialled : (struct exchange_dialled){0};
}
