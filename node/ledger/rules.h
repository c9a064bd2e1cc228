/* rules: what both implementations of the ledger decide alike. Threads: no shared state. */
#ifndef LEDGER_RULES_H
#define LEDGER_RULES_H

#include "node/core/ports.h"

/* ERROR_NONE when entries follow the head, one after the other; see append in ports.h. */
int rules_check_order(const struct entry_head *head, const struct store_entry *entries,
                      size_t count, struct error *error);
/* Moves a feed's state behind an appended entry, whose arrival is set. */
void rules_follow(struct store_feed *feed, const struct store_entry *appended);
/* The errors of put_content. */
int rules_no_entry(uint64_t seq, struct error *error);
int rules_has_content(uint64_t seq, struct error *error);
int rules_is_erased(uint64_t seq, uint64_t by, struct error *error);
/* May erase take its content? */
bool rules_can_erase(const struct store_entry *stored);
/* types: STORE_ALL_TYPES or bits of STORE_TYPE. */
bool rules_type_matches(uint32_t types, uint64_t content_type);

#endif
