/* rules: what both implementations of the ledger decide alike. Threads: no shared state. */
#ifndef LEDGER_RULES_H
#define LEDGER_RULES_H

#include "node/core/ports.h"

/* ERROR_NONE when entries follow the head, one after the other; see append in ports.h. */
int rules_check_order(const struct entry_head *head, const struct store_entry *entries,
                      size_t count, struct error *error);
/* Moves a feed's state behind an appended entry, whose arrival is set. */
void rules_follow(struct store_feed *feed, const struct store_entry *appended);
/* Moves it back to an entry (NULL: to nothing) when those behind it are quarantined: all but
 * missing. */
void rules_go_back(struct store_feed *feed, const struct store_entry *last, uint64_t signed_seq,
                   uint64_t recoveries, uint64_t arrival);
/* The errors of put_content. */
int rules_no_entry(uint64_t seq, struct error *error);
int rules_has_content(uint64_t seq, struct error *error);
int rules_is_erased(uint64_t seq, uint64_t by, struct error *error);
/* May erase take its content? */
bool rules_can_erase(const struct store_entry *stored);
/* types: STORE_ALL_TYPES or bits of STORE_TYPE. */
bool rules_type_matches(uint32_t types, uint64_t content_type);

#endif
