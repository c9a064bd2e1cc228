/* ledger_seen: visitors that write down what a ledger shows them. */
#ifndef TESTS_SUPPORT_LEDGER_SEEN_H
#define TESTS_SUPPORT_LEDGER_SEEN_H

#include "tests/support/ledger_fixture.h"

struct ledger_seen {
    struct store store; /* what the visitor may read from */
    size_t count, stop_after;
    struct id feeds[4096];
    uint64_t seqs[4096], arrivals[4096];
    bool has_content[4096];
    struct store_feed last_feed;
};

/* Empty; one at a time, the next call takes it back. */
struct ledger_seen *ledger_seen_start(void);
/* The visitors; they stop after stop_after, unless that is 0. */
int ledger_seen_entry(void *context, const struct store_entry *entry);
int ledger_seen_feed(void *context, const struct store_feed *feed);

struct ledger_seen *ledger_seen_entries(struct store store, const struct id *feed, uint64_t first,
                                        uint64_t last);
struct ledger_seen *ledger_seen_newest(struct store store, const struct id *feed, uint32_t type,
                                       size_t stop_after);
struct ledger_seen *ledger_seen_arrivals(struct store store, uint64_t after, uint32_t types);
struct ledger_seen *ledger_seen_feeds(struct store store, uint64_t after, bool with_empty,
                                      size_t limit);

/* A visitor that compares what it is shown with one expected entry, all but its arrival. */
struct ledger_compare {
    struct store_entry expected;
    size_t count;
};
int ledger_compare_entry(void *context, const struct store_entry *got);
/* The entry is kept as expected. */
void ledger_seen_kept(struct store store, struct store_entry expected);

#endif
