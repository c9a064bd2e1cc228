#include "tests/support/ledger_seen.h"

#include <string.h>

int ledger_seen_entry(void *context, const struct store_entry *entry)
{
    struct ledger_seen *seen = context;

    assert_true(seen->count < 4096);
    seen->feeds[seen->count] = entry->entry.feed;
    seen->seqs[seen->count] = entry->entry.seq;
    seen->arrivals[seen->count] = entry->arrival;
    seen->has_content[seen->count] = entry->entry.has_content;
    return ++seen->count == seen->stop_after;
}

int ledger_seen_feed(void *context, const struct store_feed *feed)
{
    struct ledger_seen *seen = context;

    assert_true(seen->count < 4096);
    seen->feeds[seen->count] = feed->head.feed;
    seen->arrivals[seen->count] = feed->head_arrival;
    seen->last_feed = *feed;
    return ++seen->count == seen->stop_after;
}

struct ledger_seen *ledger_seen_start(void)
{
    static struct ledger_seen seen;

    memset(&seen, 0, sizeof seen);
    return &seen;
}

struct ledger_seen *ledger_seen_entries(struct store store, const struct id *feed, uint64_t first,
                                        uint64_t last)
{
    struct ledger_seen *seen = ledger_seen_start();

    ok(call(store, entries, feed, first, last, ledger_seen_entry, seen, NULL));
    return seen;
}

struct ledger_seen *ledger_seen_newest(struct store store, const struct id *feed, uint32_t type,
                                       size_t stop_after)
{
    struct ledger_seen *seen = ledger_seen_start();

    seen->stop_after = stop_after;
    ok(call(store, newest, feed, type, ledger_seen_entry, seen, NULL));
    return seen;
}

struct ledger_seen *ledger_seen_arrivals(struct store store, uint64_t after, uint32_t types)
{
    struct ledger_seen *seen = ledger_seen_start();

    ok(call(store, arrivals, after, types, ledger_seen_entry, seen, NULL));
    return seen;
}

struct ledger_seen *ledger_seen_feeds(struct store store, uint64_t after, bool with_empty,
                                      size_t limit)
{
    struct ledger_seen *seen = ledger_seen_start();

    ok(call(store, feeds, after, with_empty, limit, ledger_seen_feed, seen, NULL));
    return seen;
}

int ledger_compare_entry(void *context, const struct store_entry *got)
{
    struct ledger_compare *compare = context;
    const struct entry *a = &compare->expected.entry, *b = &got->entry;

    compare->count++;
    assert_int_equal(got->received_ms, compare->expected.received_ms);
    assert_int_equal(got->certificate, compare->expected.certificate);
    assert_int_equal(got->erased, compare->expected.erased);
    assert_true(span_equal(a->bytes, b->bytes));
    assert_true(span_equal(a->signature, b->signature));
    assert_true(span_equal(a->salt, b->salt));
    assert_true(span_equal(a->content, b->content));
    assert_int_equal(a->has_content, b->has_content);
    assert_int_equal(a->signature_checked, b->signature_checked);
    assert_memory_equal(&a->hash, &b->hash, sizeof a->hash);
    assert_memory_equal(&a->feed, &b->feed, sizeof a->feed);
    assert_memory_equal(&a->previous, &b->previous, sizeof a->previous);
    assert_memory_equal(&a->content_hash, &b->content_hash, sizeof a->content_hash);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->content_type, b->content_type);
    assert_int_equal(a->content_size, b->content_size);
    assert_int_equal(a->min_reader, b->min_reader);
    return 0;
}

void ledger_seen_kept(struct store store, struct store_entry expected)
{
    struct ledger_compare compare = {.expected = expected};
    uint64_t seq = expected.entry.seq;

    ok(call(store, entries, &expected.entry.feed, seq, seq, ledger_compare_entry, &compare, NULL));
    assert_int_equal(compare.count, 1);
}
