/* Receipts: what we hold of others' feeds, and what others hold of ours. */
#include <stdlib.h>

#include "common/fields.h"
#include "node/core/state.h"

/* The counter is stored before it has gone on this far (it is at least the time in ms). */
#define COUNTER_SLACK ((uint64_t)240000)

static bool send_bytes(struct exchange *exchange, struct partner *partner,
                       struct span signed_receipt)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Receipts receipts = CARAVAN__RECEIPTS__INIT;
    Caravan__SignedReceipt *list[1], *receipt;
    bool sent;

    receipt = caravan__signed_receipt__unpack(NULL, signed_receipt.size, signed_receipt.data);
    if (!receipt)
        return false;
    list[0] = receipt;
    receipts.receipts = list;
    receipts.n_receipts = 1;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS;
    message.receipts = &receipts;
    sent = session_send(exchange, partner, &message);
    caravan__signed_receipt__free_unpacked(receipt, NULL);
    return sent;
}

static void send_to(struct exchange *exchange, struct feed *feed, struct partner *partner)
{
    struct entry_receipt receipt = {exchange->own->id, feed->head, feed->missing, 0};
    struct buffer bytes = {0};
    uint64_t wall = exchange_wall(exchange);

    /* Not before it is on disk, nor while it is not known what is. */
    if (feed->changed || !own_key_is_in_force(exchange))
        return;
    exchange->receipt_counter =
        wall > exchange->receipt_counter ? wall : exchange->receipt_counter + 1;
    receipt.counter = exchange->receipt_counter;
    if (entry_receipt_sign(&receipt, exchange->network, exchange->config.node_key, &bytes, NULL) ==
        ERROR_NONE)
        send_bytes(exchange, partner, buffer_span(&bytes));
    buffer_finish(&bytes);
}

void coverage_send(struct exchange *exchange, struct feed *feed)
{
    if (feed->partner && session_up(feed->partner)) {
        feed->partner->owed = true;
        return;
    }
    /* The publisher is not connected: whoever hands its feed on takes the receipt along. */
    for (size_t i = 0; i < feed->source_count; i++)
        if (session_up(feed->sources[i].partner))
            send_to(exchange, feed, feed->sources[i].partner);
}

void coverage_send_owed(struct exchange *exchange)
{
    struct partner *partner;
    size_t at = 0;

    while ((partner = map_next(&exchange->partners, &at))) {
        if (!partner->owed || !session_up(partner))
            continue;
        partner->owed = false;
        send_to(exchange, partner->feed, partner);
    }
}

static void remember(struct feed *receiver, const struct entry_receipt *receipt, uint64_t now)
{
    receiver->received_known = true;
    receiver->received = receipt->head;
    receiver->received_missing = receipt->missing;
    receiver->received_counter = receipt->counter;
    receiver->received_by = receiver->chain.count;
    receiver->received_ms = now;
}

/* Under an older certificate it may hold a branch that was left: of that, what lies in front of the
 * next certificate is common. */
uint64_t coverage_received_seq(const struct exchange *exchange, const struct feed *receiver)
{
    const struct feed *own = exchange->own;
    const struct entry_head *head = &receiver->received;
    uint64_t seq = head->seq;

    if (entry_head_rank(head, &own->head) > 0)
        return seq;
    for (uint64_t number = head->certificate + 1; number <= own->head.certificate; number++)
        if (own->positions[number - 1] && own->positions[number - 1] <= seq)
            seq = own->positions[number - 1] - 1;
    if (head->recoveries < own->head.recoveries)
        for (uint64_t number = 1; number <= own->head.certificate; number++)
            if (own->chain.certificates[number - 1].by_recovery && own->positions[number - 1] &&
                identity_chain_recoveries(&own->chain, number) > head->recoveries &&
                own->positions[number - 1] <= seq)
                seq = own->positions[number - 1] - 1;
    return seq;
}

/* A new certificate of the receiver begins its counters anew: whoever had the old key could have
 * signed the highest that there is. */
static bool is_older(const struct feed *receiver, uint64_t counter)
{
    return receiver->received_known && receiver->received_by == receiver->chain.count &&
           counter <= receiver->received_counter;
}

static void store_receipt(struct exchange *exchange, const struct entry_receipt *receipt,
                          struct span bytes)
{
    const struct store *store = &exchange->config.store;
    struct store_receipt row = {.feed = receipt->head.feed,
                                .receiver = receipt->receiver,
                                .certificate = receipt->head.certificate,
                                .seq = receipt->head.seq,
                                .missing = receipt->missing,
                                .counter = receipt->counter,
                                .received_ms = exchange_wall(exchange),
                                .encoded = bytes};
    struct error error;

    exchange->wrote = true;
    if (store->operations->put_receipt(store->self, &row, &error))
        exchange_break(exchange, &error);
}

/* A receipt for our own feed, by whomever it was handed over. */
static void receive_own(struct exchange *exchange, struct partner *from, struct feed *receiver,
                        const struct entry_receipt *receipt, struct span bytes)
{
    bool moved = !receiver->received_known || receiver->received.seq != receipt->head.seq ||
                 entry_head_rank(&receiver->received, &receipt->head) != 0 ||
                 receiver->received_missing != receipt->missing;

    /* What the partner itself says on its own link is its word now, whatever its counter is. */
    if (receiver->partner == from) {
        from->answered = true;
        if (receipt->head.seq)
            catchup_note(exchange, exchange->own, from, &receipt->head);
    }
    if (is_older(receiver, receipt->counter))
        return;
    remember(receiver, receipt, exchange_wall(exchange));
    if (moved) {
        store_receipt(exchange, receipt, bytes);
        exchange->changes++;
    }
}

/* The newest receipt of this receiver that was handed on; NULL without memory. */
static struct passed_receipt *passed_of(struct feed *publisher, const struct feed *receiver)
{
    struct passed_receipt *passed;

    for (size_t i = 0; i < publisher->passed_count; i++)
        if (publisher->passed[i].receiver == receiver)
            return &publisher->passed[i];
    passed = realloc(publisher->passed, (publisher->passed_count + 1) * sizeof *passed);
    if (!passed)
        return NULL;
    publisher->passed = passed;
    passed[publisher->passed_count] = (struct passed_receipt){.receiver = receiver};
    return &passed[publisher->passed_count++];
}

/* A relay hands each receipt on once: whoever repeats an old one reaches nobody but us. */
static void pass_on(struct exchange *exchange, struct feed *publisher, const struct feed *receiver,
                    const struct entry_receipt *receipt, struct span bytes)
{
    struct passed_receipt *passed = passed_of(publisher, receiver);

    if (!passed || (passed->by == receiver->chain.count && receipt->counter <= passed->counter))
        return;
    if (send_bytes(exchange, publisher->partner, bytes))
        *passed = (struct passed_receipt){receiver, receipt->counter, receiver->chain.count};
}

/* What the partner itself says on its own link is its word, whatever its counter is: when it has
 * not said any yet in this session, and when it says that it holds more of our feed than we do. */
static bool is_known_of_ours(const struct exchange *exchange, const struct partner *from,
                             const struct feed *receiver, const struct entry_receipt *receipt)
{
    return is_older(receiver, receipt->counter) &&
           (receiver->partner != from ||
            (from->answered && entry_head_compare(&receipt->head, &exchange->own->head) <= 0));
}

static bool is_passed(const struct feed *receiver, const struct feed *publisher,
                      const struct entry_receipt *receipt)
{
    for (size_t i = 0; i < publisher->passed_count; i++)
        if (publisher->passed[i].receiver == receiver &&
            publisher->passed[i].by == receiver->chain.count &&
            publisher->passed[i].counter >= receipt->counter)
            return true;
    return false;
}

/* Does it tell us, or whom we can hand it on to, anything? Only then its signature is checked. */
static bool is_of_use(const struct exchange *exchange, const struct partner *from,
                      const struct feed *receiver, const struct feed *publisher,
                      const struct entry_receipt *receipt)
{
    if (publisher == exchange->own)
        return !is_known_of_ours(exchange, from, receiver, receipt);
    return publisher->partner && publisher->partner != from && session_up(publisher->partner) &&
           !is_passed(receiver, publisher, receipt);
}

/* Signed with a key of the partner that we shall know once its newest entries are here? */
static bool is_behind(const struct feed *receiver)
{
    for (size_t i = 0; i < receiver->source_count; i++)
        if (receiver->sources[i].wanted)
            return true;
    return false;
}

/* false: it is not what it says it is. */
static bool receive_one(struct exchange *exchange, struct partner *from, struct span bytes)
{
    struct entry_receipt receipt;
    struct error error = {0};
    struct feed *receiver, *publisher;

    if (bytes.size > LIMIT_STATEMENT_SIZE)
        error_set(&error, ERROR_TOO_LARGE, "SignedReceipt: found %zu bytes, expected at most %d",
                  bytes.size, LIMIT_STATEMENT_SIZE);
    else
        entry_receipt_parse(bytes, exchange->network, &receipt, &error);
    if (error.code) {
        session_trouble(exchange, from, &error);
        return false;
    }
    receiver = feed_find(exchange, &receipt.receiver);
    publisher = feed_find(exchange, &receipt.head.feed);
    /* Of a stranger to us there is nothing to check it with, and nobody to show it to. */
    if (!receiver || !publisher || !receiver->chain.count)
        return true;
    if (!is_of_use(exchange, from, receiver, publisher, &receipt))
        return true;
    if (entry_receipt_check(bytes, &receiver->chain, &receipt, &error)) {
        /* Right after a rotation it may be signed with a key that is still on its way to us. */
        if (!is_behind(receiver))
            session_trouble(exchange, from, &error);
        return false;
    }
    if (publisher == exchange->own)
        receive_own(exchange, from, receiver, &receipt, bytes);
    else
        pass_on(exchange, publisher, receiver, &receipt, bytes);
    return true;
}

void coverage_receive(struct exchange *exchange, struct partner *partner,
                      const Caravan__Receipts *receipts)
{
    struct buffer bytes = {0};
    bool good = true;

    /* Each costs a signature check: one that is wrong ends the message. */
    for (size_t i = 0; i < receipts->n_receipts && good; i++) {
        buffer_clear(&bytes);
        if (fields_pack(&receipts->receipts[i]->base, &bytes))
            good = receive_one(exchange, partner, buffer_span(&bytes));
    }
    buffer_finish(&bytes);
}

static int load_one(void *context, const struct store_receipt *row)
{
    struct exchange *exchange = context;
    struct feed *receiver = feed_find(exchange, &row->receiver);
    struct entry_receipt receipt = {.head = {.certificate = row->certificate, .seq = row->seq},
                                    .missing = row->missing,
                                    .counter = row->counter};

    if (!receiver || receiver->received_known)
        return 0;
    entry_receipt_parse(row->encoded, exchange->network, &receipt, NULL);
    /* If its keys are others now, it stands until the next one comes, whatever that counts. */
    if (receiver->chain.count > 1 &&
        entry_receipt_check(row->encoded, &receiver->chain, &receipt, NULL))
        receipt.counter = 0;
    remember(receiver, &receipt, row->received_ms);
    return 0;
}

int coverage_load_receipts(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;

    return store->operations->receipts(store->self, &exchange->own->id, load_one, exchange, error);
}

int coverage_load(struct exchange *exchange, struct error *error)
{
    const struct store *store = &exchange->config.store;
    struct buffer value = {0};
    int code = coverage_load_receipts(exchange, error);

    if (!code && store->operations->get_value(store->self, "receipt-counter", &value, NULL) == 0 &&
        value.size == 8)
        exchange->receipt_counter_stored = bytes_get_u64(value.data);
    /* Between two writes some receipts went out: it goes on behind those, whatever the clock says.
     */
    exchange->receipt_counter = exchange->receipt_counter_stored + COUNTER_SLACK;
    buffer_finish(&value);
    return code;
}

void coverage_put_counter(struct exchange *exchange)
{
    const struct store *store = &exchange->config.store;
    uint8_t counter[8];
    struct error error;

    bytes_put_u64(counter, exchange->receipt_counter);
    exchange->receipt_counter_stored = exchange->receipt_counter;
    if (store->operations->put_value(store->self, "receipt-counter",
                                     span_of(counter, sizeof counter), &error))
        exchange_break(exchange, &error);
}

bool coverage_counter_is_old(const struct exchange *exchange)
{
    return exchange->receipt_counter - exchange->receipt_counter_stored >= COUNTER_SLACK / 2;
}
