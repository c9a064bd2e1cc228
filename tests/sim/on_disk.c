#include "tests/sim/on_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool is_own(ProtobufCBinaryData feed, const struct id *own)
{
    return span_equal(span_of(feed.data, feed.len), span_of_id(own));
}

static void check_seq(const struct store *reader, ProtobufCBinaryData feed_id, uint64_t seq,
                      const char *what)
{
    struct store_feed feed = {0};
    struct id id;

    if (!span_to_id(span_of(feed_id.data, feed_id.len), &id))
        fail_msg("%s names no feed", what);
    reader->operations->get_feed(reader->self, &id, &feed, NULL);
    if (feed.head.seq < seq)
        fail_msg("%s says %llu, only %llu is on disk", what, (unsigned long long)seq,
                 (unsigned long long)feed.head.seq);
}

static void check_receipt(const struct store *reader, const struct id *own,
                          const Caravan__SignedReceipt *receipt)
{
    Caravan__ReceiptStatement *statement =
        caravan__receipt_statement__unpack(NULL, receipt->statement.len, receipt->statement.data);

    if (statement && statement->head && is_own(statement->receiver, own))
        check_seq(reader, statement->head->feed, statement->head->seq, "a receipt");
    if (statement)
        caravan__receipt_statement__free_unpacked(statement, NULL);
}

static void check_sync(const struct store *reader, const struct id *own, struct span bytes)
{
    Caravan__SyncMessage *message = caravan__sync_message__unpack(NULL, bytes.size, bytes.data);

    if (!message)
        return;
    if (message->body_case == CARAVAN__SYNC_MESSAGE__BODY_RECEIPTS)
        for (size_t i = 0; i < message->receipts->n_receipts; i++)
            check_receipt(reader, own, message->receipts->receipts[i]);
    if (message->body_case == CARAVAN__SYNC_MESSAGE__BODY_HEADS)
        for (size_t i = 0; i < message->heads->n_heads; i++)
            if (message->heads->heads[i]->head)
                check_seq(reader, message->heads->heads[i]->head->feed,
                          message->heads->heads[i]->head->seq, "a head");
    caravan__sync_message__free_unpacked(message, NULL);
}

static void check_statement(const struct store *reader, const struct id *own, struct span bytes)
{
    Caravan__SignedHead *head = caravan__signed_head__unpack(NULL, bytes.size, bytes.data);
    Caravan__HeadStatement *statement =
        head ? caravan__head_statement__unpack(NULL, head->statement.len, head->statement.data)
             : NULL;

    if (statement && statement->head && is_own(statement->head->feed, own))
        check_seq(reader, statement->head->feed, statement->head->seq, "the own head");
    if (statement)
        caravan__head_statement__free_unpacked(statement, NULL);
    if (head)
        caravan__signed_head__free_unpacked(head, NULL);
}

static void check_entry(const struct store *reader, struct span bytes)
{
    Caravan__SignedEntry *outer = caravan__signed_entry__unpack(NULL, bytes.size, bytes.data);
    Caravan__Entry *entry =
        outer ? caravan__entry__unpack(NULL, outer->entry.len, outer->entry.data) : NULL;

    if (entry)
        check_seq(reader, entry->feed, entry->seq, "a live entry");
    if (entry)
        caravan__entry__free_unpacked(entry, NULL);
    if (outer)
        caravan__signed_entry__free_unpacked(outer, NULL);
}

void on_disk_check(const struct store *reader, const struct id *own, const char *topic,
                   struct span message)
{
    if (!topic)
        check_sync(reader, own, message);
    else if (strncmp(topic, "head/", 5) == 0)
        check_statement(reader, own, message);
    else
        check_entry(reader, message);
}
