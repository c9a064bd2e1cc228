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
