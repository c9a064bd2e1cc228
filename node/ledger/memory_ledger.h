/* memory_ledger: what the parts of the ledger in memory share. Threads: one.
 *
 * Feeds, entries and small tables each know what they were before the open transaction: readers see
 * that, and a roll back needs no memory and cannot fail. */
#ifndef LEDGER_MEMORY_LEDGER_H
#define LEDGER_MEMORY_LEDGER_H

#include "node/core/ports.h"
#include "node/ledger/memory_table.h"

struct memory_entry {
    struct store_entry stored; /* spans point into block, or into late */
    uint8_t *block;
    uint8_t *late; /* salt and content that came late */
    bool changed;  /* in the open transaction (late content, erased); before it: */
    struct store_entry old;
    uint8_t *old_late;
    uint64_t aside; /* the generation that began when it was moved aside; 0: it was not */
    bool aside_is_new;
};

struct memory_feed {
    struct store_feed now; /* statement.data is owned */
    bool changed;          /* in the open transaction; before it: */
    bool was_there;
    struct store_feed old;
    struct memory_entry **entries; /* seq 1, 2, …: as many as now.head.seq */
    size_t capacity;
    struct memory_entry **aside; /* those that were moved aside, in the order of moving */
    size_t aside_count, aside_capacity, aside_committed;
};

struct memory_arrival { /* entry that took this arrival, unless it has taken a later one since */
    struct memory_feed *feed;
    struct memory_entry *entry; /* NULL: none did */
};

enum memory_table_name {
    MEMORY_CERTIFICATES, /* feed, number: seq, encoded */
    MEMORY_CONFLICTS,    /* feed, certificate: seq, size of kept, kept, other */
    MEMORY_RECEIPTS,     /* feed, receiver: five numbers, encoded */
    MEMORY_CURSORS,      /* partner: ledger, arrival */
    MEMORY_REQUESTS,     /* request: seq */
    MEMORY_VALUES,       /* name: value */
    MEMORY_TABLE_COUNT
};

struct memory_ledger {
    uint8_t id[STORE_LEDGER_ID_SIZE];
    struct memory_feed **feeds; /* in order of id */
    size_t feed_count, feed_capacity;
    struct memory_arrival *arrivals; /* arrival n stands at n - 1 */
    size_t arrival_count, arrival_capacity, committed_arrivals;
    uint64_t generation, committed_generation;
    struct memory_table tables[MEMORY_TABLE_COUNT];
    bool open, failed; /* as in struct sqlite_ledger */
};

/* One struct store on it. */
struct memory_store {
    struct memory_ledger *ledger;
    bool writer;
    struct buffer statement; /* what get_feed's last answer points to */
    struct buffer scratch;   /* keys and values on their way into a table */
};

/* ERROR_NONE when this store may write now. */
int memory_ledger_writable(const struct memory_store *store, struct error *error);
/* Out of memory while writing: the transaction cannot be committed any more. */
int memory_ledger_failed(struct memory_store *store, struct error *error);

#endif
