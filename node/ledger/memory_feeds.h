/* memory_feeds: feeds, entries and arrivals of the ledger in memory; see struct store_operations.
 * Threads: one. */
#ifndef LEDGER_MEMORY_FEEDS_H
#define LEDGER_MEMORY_FEEDS_H

#include "node/ledger/memory_ledger.h"

int memory_feeds_append(void *self, struct store_entry *entries, size_t count, struct error *error);
int memory_feeds_content(void *self, const struct id *feed, uint64_t seq, struct span salt,
                         struct span content, uint64_t received_ms, struct error *error);
int memory_feeds_erase(void *self, const struct id *feed, const struct erasure_order *orders,
                       size_t count, size_t *erased, struct error *error);
int memory_feeds_quarantine(void *self, const struct id *feed, uint64_t first, uint64_t recoveries,
                            struct error *error);
int memory_feeds_quarantined(void *self, const struct id *feed, store_quarantined_visitor visit,
                             void *context, struct error *error);
int memory_feeds_frozen(void *self, const struct id *feed, bool frozen, struct error *error);
int memory_feeds_statement(void *self, const struct id *feed, struct span signed_head,
                           uint64_t as_of_ms, struct error *error);
int memory_feeds_get(void *self, const struct id *feed, struct store_feed *out,
                     struct error *error);
int memory_feeds_visit(void *self, uint64_t after_arrival, bool with_empty, size_t limit,
                       store_feed_visitor visit, void *context, struct error *error);
int memory_feeds_entries(void *self, const struct id *feed, uint64_t first, uint64_t last,
                         store_entry_visitor visit, void *context, struct error *error);
int memory_feeds_newest(void *self, const struct id *feed, uint32_t type, store_entry_visitor visit,
                        void *context, struct error *error);
int memory_feeds_arrivals(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                          void *context, struct error *error);
int memory_feeds_missing(void *self, const struct id *feed, uint64_t *seqs, size_t limit,
                         size_t *count, struct error *error);

void memory_feeds_commit(struct memory_ledger *ledger);
void memory_feeds_rollback(struct memory_ledger *ledger);
void memory_feeds_finish(struct memory_ledger *ledger);

#endif
