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

#include "common/log.h"
#include "node/core/serve.h"
#include "node/core/state.h"

#define HELLO_INTERVAL_MS 15000

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

    if (session_up(partner) && serve_pack(&message->base, &bytes))
        sent = exchange->config.bus.send(exchange->config.bus.self, &partner->feed->id,
                                         buffer_span(&bytes));
    buffer_finish(&bytes);
    return sent;
}

void session_trouble(struct exchange *exchange, struct partner *partner, const struct error *error)
{
    char text[sizeof partner->trouble];

    snprintf(text, sizeof text, "%s: %.200s", error_name(error->code), error->text);
    /* Said once: a partner that repeats itself must not fill the log. */
    if (strcmp(text, partner->trouble) == 0)
        return;
    memcpy(partner->trouble, text, sizeof partner->trouble);
    log_warning("partner.trouble", "partner", feed_handle(partner->feed), "code",
                error_name(error->code), "text", error->text);
    exchange->changes++;
}

static ProtobufCBinaryData binary(struct span span)
{
    return (ProtobufCBinaryData){span.size, (uint8_t *)(uintptr_t)span.data};
}

static void say_hello(struct exchange *exchange, struct partner *partner)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Hello hello = CARAVAN__HELLO__INIT;

    hello.network = exchange->network;
    hello.has_version = hello.has_feed = hello.has_ledger = true;
    hello.has_clock_ms = hello.has_live_link = true;
    hello.version = 1;
    hello.feed = binary(span_of_id(&exchange->own->id));
    hello.ledger = binary(span_of(exchange->ledger, sizeof exchange->ledger));
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
    request.ledger = binary(span_of(partner->ledger, sizeof partner->ledger));
    request.after = partner->told;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS_REQUEST;
    message.heads_request = &request;
    session_send(exchange, partner, &message);
}

static void begin_session(struct exchange *exchange, struct partner *partner)
{
    partner->session = true;
    partner->greeted = partner->live_link = partner->answered = partner->heads_done = false;
    /* Heads told in an earlier session but not yet fetched have been forgotten with it. */
    partner->told = partner->kept;
    say_hello(exchange, partner);
    coverage_send_to(exchange, partner->feed, partner);
    session_ask_heads(exchange, partner);
}

static void end_session(struct exchange *exchange, struct partner *partner)
{
    partner->session = partner->greeted = partner->heads_done = partner->live_link = false;
    catchup_forget(exchange, partner);
}

void exchange_link(struct exchange *exchange, const struct id *feed, enum exchange_link_kind kind,
                   bool up, const char *endpoint, const char *reason)
{
    struct partner *partner = partner_find(exchange, feed);
    struct exchange_link_state *link;

    if (!partner || (unsigned)kind >= EXCHANGE_LINK_KINDS)
        return;
    link = &partner->links[kind];
    if (link->up != up)
        link->since_ms = exchange_wall(exchange);
    link->up = up;
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
}

void session_tick(struct exchange *exchange, uint64_t now)
{
    struct partner *partner;
    size_t at = 0;

    while ((partner = map_next(&exchange->partners, &at))) {
        if (!partner->session || partner->hello_at > now)
            continue;
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
    return from->has_feed && from->has_hash &&
           span_to_id(span_of(from->feed.data, from->feed.len), &head->feed) &&
           span_to_id(span_of(from->hash.data, from->hash.len), &head->hash);
}

static void take_head(struct exchange *exchange, struct partner *partner,
                      const Caravan__FeedHead *feed_head)
{
    struct buffer bytes = {0};
    struct entry_head head;
    struct feed *feed;

    if (!feed_head->head || !read_head(feed_head->head, &head))
        return;
    feed = feed_find(exchange, &head.feed);
    if (!feed || (!feed->partner && feed != exchange->own))
        return;
    catchup_note(exchange, feed, partner, &head);
    if (feed_head->statement && serve_pack(&feed_head->statement->base, &bytes))
        own_statement(exchange, feed, buffer_span(&bytes), partner);
    buffer_finish(&bytes);
}

static void take_heads(struct exchange *exchange, struct partner *partner,
                       const Caravan__Heads *heads)
{
    for (size_t i = 0; i < heads->n_heads; i++)
        take_head(exchange, partner, heads->heads[i]);
    if (heads->unasked || !heads->has_ledger || heads->ledger.len != sizeof partner->ledger)
        return;
    if (memcmp(partner->ledger, heads->ledger.data, sizeof partner->ledger) != 0) {
        memcpy(partner->ledger, heads->ledger.data, sizeof partner->ledger);
        partner->kept = 0;
    }
    partner->told = heads->arrival;
    if (heads->more) {
        session_ask_heads(exchange, partner);
    } else if (!partner->heads_done) {
        partner->heads_done = true;
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

    head.has_feed = head.has_certificate_number = head.has_seq = head.has_hash = true;
    head.feed = binary(span_of_id(&feed->id));
    head.certificate_number = feed->head.certificate;
    head.seq = feed->head.seq;
    head.hash = binary(span_of_id(&feed->head.hash));
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

static void refuse(struct exchange *exchange, struct partner *partner, uint64_t request,
                   const struct id *feed, uint64_t seq, const struct error *reason)
{
    struct buffer bytes = {0};

    if (session_up(partner) && serve_refusal(request, feed, seq, reason, &bytes))
        exchange->config.bus.send(exchange->config.bus.self, &partner->feed->id,
                                  buffer_span(&bytes));
    buffer_finish(&bytes);
}

static void take_hello(struct exchange *exchange, struct partner *partner,
                       const Caravan__Hello *hello)
{
    struct error error;

    if (!hello->network || strcmp(hello->network, exchange->network) != 0) {
        error_set(&error, ERROR_WRONG_NETWORK, "hello: found network \"%.64s\", expected \"%s\"",
                  hello->network ? hello->network : "", exchange->network);
    } else if (!hello->has_feed || !span_equal(span_of(hello->feed.data, hello->feed.len),
                                               span_of_id(&partner->feed->id))) {
        error_set(&error, ERROR_DENIED, "hello: the feed named is not the one of this CURVE key");
    } else {
        partner->live_link = hello->has_live_link && hello->live_link;
        if (hello->has_clock_ms) {
            partner->clock_known = true;
            partner->clock_skew_ms = (int64_t)(hello->clock_ms - exchange_wall(exchange));
        }
        if (!partner->greeted)
            exchange->changes++;
        partner->greeted = true;
        coverage_send_to(exchange, partner->feed, partner);
        return;
    }
    session_trouble(exchange, partner, &error);
    refuse(exchange, partner, 0, NULL, 0, &error);
}

static void after_run(struct exchange *exchange, struct partner *partner, struct feed *feed,
                      enum ingest_result result, uint64_t request, uint64_t first,
                      const struct error *error)
{
    switch (result) {
    case INGEST_REFUSED:
        session_trouble(exchange, partner, error);
        refuse(exchange, partner, request, &feed->id, first, error);
        catchup_fault(exchange, feed, partner, 0);
        break;
    case INGEST_DIVERGED:
        catchup_probe(exchange, feed, partner);
        catchup_fault(exchange, feed, partner, 0);
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

static void take_run(struct exchange *exchange, struct partner *partner, struct incoming *incoming)
{
    uint64_t request = incoming->message ? incoming->message->run->request : 0, added = 0;
    struct pull *pull = request ? catchup_find(exchange, partner, request) : NULL;
    struct feed *feed = feed_find(exchange, &incoming->run.feed);
    enum ingest_result result;
    struct error error = {0};

    if (!feed || (!feed->partner && feed != exchange->own)) {
        error_set(&error, ERROR_UNKNOWN_FEED, "run: this node does not follow that feed");
        refuse(exchange, partner, request, &incoming->run.feed, 0, &error);
        return;
    }
    result = ingest_run(exchange, feed, &incoming->run, incoming->checked, incoming->certificate,
                        &added, &error);
    if (result == INGEST_GAP) {
        const struct entry *last = &incoming->run.entries[incoming->run.kept - 1];
        struct entry_head head = {feed->id, 0, last->seq, last->hash};

        catchup_note(exchange, feed, partner, &head);
    }
    if (pull && pull->feed == feed)
        catchup_done(exchange, pull, result == INGEST_ADDED || feed->missing);
    after_run(exchange, partner, feed, result, request, incoming->run.entries[0].seq, &error);
}

/* A pull that brought nothing that we could use. */
static void fail_pull(struct exchange *exchange, struct partner *partner, uint64_t request,
                      uint64_t wait_ms)
{
    struct pull *pull = request ? catchup_find(exchange, partner, request) : NULL;

    if (!pull)
        return;
    catchup_fault(exchange, pull->feed, partner, wait_ms);
    catchup_done(exchange, pull, false);
}

static void take_refusal(struct exchange *exchange, struct partner *partner,
                         const Caravan__Refusal *refusal)
{
    struct error error;

    error_set(&error, error_code_of_name(refusal->code ? refusal->code : ""),
              "refused by the partner: %.200s", refusal->text ? refusal->text : "no reason given");
    if (error.code != ERROR_BUSY)
        session_trouble(exchange, partner, &error);
    fail_pull(exchange, partner, refusal->request, refusal->retry_after_ms);
}

static void take_certificates(struct exchange *exchange, const Caravan__Certificates *certificates)
{
    struct feed *feed;
    struct id id;
    bool grew = false;

    if (!certificates->has_feed ||
        !span_to_id(span_of(certificates->feed.data, certificates->feed.len), &id))
        return;
    feed = feed_find(exchange, &id);
    for (size_t i = 0; feed && i < certificates->n_certificates; i++) {
        struct buffer bytes = {0};
        size_t before = feed->chain.count;

        if (serve_pack(&certificates->certificates[i]->base, &bytes))
            identity_chain_append(&feed->chain, buffer_span(&bytes), NULL);
        grew = grew || feed->chain.count > before;
        buffer_finish(&bytes);
    }
    if (grew)
        feed_publish_keys(exchange, feed, NULL);
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
    snprintf(partner->dialled.text, sizeof partner->dialled.text, "%.255s",
             dialled->text ? dialled->text : "");
    exchange->changes++;
}

static void take_message(struct exchange *exchange, struct partner *partner,
                         struct incoming *incoming)
{
    const Caravan__SyncMessage *message = incoming->message;

    switch (message->body_case) {
    case CARAVAN__SYNC_MESSAGE__BODY_HELLO:
        take_hello(exchange, partner, message->hello);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_HEADS:
        take_heads(exchange, partner, message->heads);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_RUN:
        if (incoming->has_run)
            take_run(exchange, partner, incoming);
        else /* nothing to hand on yet */
            fail_pull(exchange, partner, message->run->request, HELLO_INTERVAL_MS / 5);
        break;
    case CARAVAN__SYNC_MESSAGE__BODY_CERTIFICATES:
        take_certificates(exchange, message->certificates);
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
    default: /* a request (served elsewhere), or a body of a newer version */
        break;
    }
}

void exchange_incoming(struct exchange *exchange, struct incoming *incoming)
{
    struct partner *partner = partner_find(exchange, &incoming->peer);

    if (!partner || exchange->broken)
        return;
    if (incoming->error.code) {
        uint64_t request = 0;

        session_trouble(exchange, partner, &incoming->error);
        if (incoming->message && incoming->message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RUN)
            request = incoming->message->run->request;
        fail_pull(exchange, partner, request, 0);
        if (incoming->source == INCOMING_SYNC)
            refuse(exchange, partner, request, NULL, 0, &incoming->error);
    } else if (incoming->source == INCOMING_LIVE_HEAD) {
        own_statement(exchange, NULL, buffer_span(&incoming->bytes), partner);
    } else if (incoming->source == INCOMING_LIVE_ENTRY) {
        take_run(exchange, partner, incoming);
    } else if (incoming->message) {
        take_message(exchange, partner, incoming);
    }
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
