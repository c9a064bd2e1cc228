/* Every allocation of an exchange's life is made to fail once: nothing is torn, and with memory
 * back again everything is taken after all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "common/log.h"
#include "node/core/state.h"
#include "tests/support/exchange_fixture.h"
#include "tests/support/fault.h"

enum { ENTRIES = 6, MESSAGES = 5 };

struct fixture {
    struct exchange_fixture base;
    struct institution other;
    struct buffer entries[ENTRIES];
    Caravan__Profile profile;
    Caravan__Endpoints endpoints;
    struct card card;
    struct buffer messages[MESSAGES]; /* what the partner says, SyncMessage bytes */
};

static void wrap_receipt(struct fixture *f, struct buffer *out)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Receipts receipts = CARAVAN__RECEIPTS__INIT;
    Caravan__SignedReceipt *list[1];
    struct entry_receipt receipt = {
        .receiver = f->other.chain.feed,
        .head = {f->base.own.chain.feed, 1, 1, f->base.own.head.hash, 0},
        .counter = 1};
    struct buffer bytes = {0};

    assert_int_equal(entry_receipt_sign(&receipt, INSTITUTION_NETWORK, f->other.node, &bytes, NULL),
                     0);
    list[0] = caravan__signed_receipt__unpack(NULL, bytes.size, bytes.data);
    receipts.receipts = list;
    receipts.n_receipts = 1;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS;
    message.receipts = &receipts;
    assert_true(fields_pack(&message.base, out));
    caravan__signed_receipt__free_unpacked(list[0], NULL);
    buffer_finish(&bytes);
}

static void wrap_heads(struct fixture *f, struct buffer *out)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    Caravan__Heads heads = CARAVAN__HEADS__INIT;
    Caravan__FeedHead feed_head = CARAVAN__FEED_HEAD__INIT, *list[1] = {&feed_head};
    Caravan__Head head = CARAVAN__HEAD__INIT;
    struct buffer statement = {0};
    uint8_t ledger[STORE_LEDGER_ID_SIZE] = {1};

    head.has_feed = head.has_certificate_number = head.has_seq = head.has_hash = true;
    head.feed = (ProtobufCBinaryData){BYTES_ID_SIZE, f->other.head.feed.bytes};
    head.hash = (ProtobufCBinaryData){BYTES_ID_SIZE, f->other.head.hash.bytes};
    head.certificate_number = f->other.head.certificate;
    head.seq = f->other.head.seq;
    assert_int_equal(
        entry_head_sign(&f->other.head, INSTITUTION_NETWORK, 99, f->other.node, &statement, NULL),
        0);
    feed_head.head = &head;
    feed_head.statement = caravan__signed_head__unpack(NULL, statement.size, statement.data);
    heads.has_ledger = heads.has_arrival = true;
    heads.ledger = (ProtobufCBinaryData){sizeof ledger, ledger};
    heads.arrival = 6;
    heads.heads = list;
    heads.n_heads = 1;
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_HEADS;
    message.heads = &heads;
    assert_true(fields_pack(&message.base, out));
    caravan__signed_head__free_unpacked(feed_head.statement, NULL);
    buffer_finish(&statement);
}

static void prepare(struct fixture *f)
{
    *f = (struct fixture){0};
    exchange_fixture_init(&f->base);
    institution_init(&f->other, 2);
    for (unsigned i = 0; i < ENTRIES; i++)
        if (i == 0 || i == 3)
            institution_certify(&f->other, false, &f->entries[i]);
        else
            institution_say(&f->other, "a visit", &f->entries[i]);
    wrap_heads(f, &f->messages[0]);
    institution_run_message(&f->other, f->entries + 0, 1, 0, &f->messages[1]);
    institution_run_message(&f->other, f->entries + 1, 3, 0, &f->messages[2]);
    institution_run_message(&f->other, f->entries + 4, 2, 0, &f->messages[3]);
    wrap_receipt(f, &f->messages[4]);
    caravan__profile__init(&f->profile);
    caravan__endpoints__init(&f->endpoints);
    f->profile.handle = (char *)(uintptr_t) "cn-other";
    f->card = (struct card){.profile = &f->profile,
                            .endpoints = &f->endpoints,
                            .chain = f->other.chain,
                            .created_ms = 1};
}

static void clean_up(struct fixture *f)
{
    exchange_fixture_finish(&f->base);
    institution_finish(&f->other);
    for (unsigned i = 0; i < ENTRIES; i++)
        buffer_finish(&f->entries[i]);
    for (unsigned i = 0; i < MESSAGES; i++)
        buffer_finish(&f->messages[i]);
}

/* One message in a transaction of its own; when memory runs out it is lost. */
static void hear(struct fixture *f, struct exchange *exchange, unsigned message)
{
    struct buffer copy = {0};
    struct incoming *incoming;

    if (!buffer_append(&copy, f->messages[message].data, f->messages[message].size))
        return;
    incoming =
        incoming_create(&f->other.chain.feed, NULL, &copy, INSTITUTION_NETWORK, f->base.keyring);
    if (!incoming)
        return;
    if (exchange_begin(exchange, NULL) == ERROR_NONE) {
        exchange_incoming(exchange, incoming);
        f->base.now += 3000;
        exchange_tick(exchange);
        exchange_commit(exchange, NULL);
    }
    incoming_destroy(incoming);
}

/* Whether all of it was done. The node lives as a node does: what fails is tried again later. */
static bool live(struct fixture *f, uint64_t *acknowledged)
{
    struct exchange_published out = {0};
    struct exchange *exchange;
    const struct feed *feed;
    bool published;

    if (exchange_create(&f->base.config, &exchange, NULL))
        return false;
    if (exchange_begin(exchange, NULL) == ERROR_NONE) {
        exchange_partner_add(exchange, &f->card, true, NULL);
        exchange_link(exchange, &f->other.chain.feed, EXCHANGE_SYNC_IN, true, "", "");
        exchange_commit(exchange, NULL);
    }
    for (unsigned i = 0; i < MESSAGES; i++)
        hear(f, exchange, i);
    published = exchange_begin(exchange, NULL) == ERROR_NONE &&
                exchange_publish(exchange, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                                 span_of_text("x"), (const uint8_t *)"a request number", &out,
                                 NULL) == ERROR_NONE;
    if (exchange->open && exchange_commit(exchange, NULL) == ERROR_NONE && published)
        *acknowledged = out.seq;
    feed = feed_find(exchange, &f->other.chain.feed);
    published = published && feed && feed->head.seq == ENTRIES && feed->head.certificate == 2;
    exchange_destroy(exchange);
    return published;
}

static int count_entry(void *context, const struct store_entry *row)
{
    assert_int_equal(row->entry.seq, ++*(uint64_t *)context);
    return 0;
}

static void test_exchange__every_allocation_may_fail(void **state)
{
    unsigned long n;
    bool failed = true;

    (void)state;
    log_set_level(LOG_SILENT);
    for (n = 1; failed; n++) {
        struct fixture f;
        uint64_t acknowledged = 0, after = 0, seq = 0;

        prepare(&f);
        fault_arm(n);
        live(&f, &acknowledged);
        failed = fault_disarm();
        f.base.now += 3600000;
        if (!live(&f, &after))
            fail_msg("allocation %lu: not all was done afterwards", n);
        /* The same request: what was acknowledged is answered with the same number. */
        if (acknowledged)
            assert_int_equal(after, acknowledged);
        f.base.store.operations->entries(f.base.store.self, &f.base.own.chain.feed, 1, UINT64_MAX,
                                         count_entry, &seq, NULL);
        assert_int_equal(seq, 2);
        clean_up(&f);
    }
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange__every_allocation_may_fail),
    };

    return cmocka_run_group_tests_name("exchange_faults", tests, NULL, NULL);
}
