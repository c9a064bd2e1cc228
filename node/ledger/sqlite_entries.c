#include "node/ledger/sqlite_entries.h"

#include <string.h>

#include "node/ledger/rules.h"
#include "node/ledger/sqlite_ledger.h"
#include "node/ledger/sqlite_tail.h"

/* A page of a visit: one read transaction. So many segments and about so many bytes are visited
 * before it is ended and the next one begun. */
#define PAGE_ROWS 512
#define PAGE_BYTES (2 * 1024 * 1024)

struct segment_row sqlite_ledger_segment(sqlite3_stmt *statement)
{
    return (struct segment_row){database_u64(statement, 0), database_u64(statement, 1),
                                database_u64(statement, 2), database_blob(statement, 3)};
}

/* Numbers that core hands in may be "no end"; SQLite's are signed. */
static uint64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : value;
}

static int damaged(const struct sqlite_ledger *ledger, struct error *error)
{
    return sqlite_ledger_damaged(ledger, "entries", error);
}

/* What the pages of a visit have in common. */
struct visit {
    struct sqlite_ledger *ledger;
    uint32_t types;
    uint64_t first_arrival, first, last; /* only entries from here on; seqs */
    store_entry_visitor visit;
    void *context;
    struct segment_feed feed;
    struct id hash;    /* of the last entry of the segment before, … */
    uint64_t next_seq; /* … which this one follows; 0: none before */
    uint64_t next_arrival;
    bool stopped; /* by the visitor */
    bool end;     /* there are no more rows */
};

static int visit_segment(struct visit *visit, const struct segment_row *row, struct error *error)
{
    uint8_t room[LIMIT_ENTRY_SIZE];
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false;

    if (!segment_open(&cursor, &visit->feed, row))
        return damaged(visit->ledger, error);
    while (!visit->stopped && cursor.seq <= visit->last) {
        if (!segment_next(&cursor, &entry, &end))
            return damaged(visit->ledger, error);
        if (end)
            break;
        if (entry.entry.seq < visit->first || entry.arrival < visit->first_arrival ||
            !rules_type_matches(visit->types, entry.entry.content_type))
            continue;
        segment_bytes(&cursor, &entry, room);
        visit->stopped = visit->visit(visit->context, &entry) != 0;
    }
    visit->next_seq = row->seq + row->count;
    visit->next_arrival = row->arrival + row->count;
    memcpy(visit->hash.bytes, cursor.hash, BYTES_ID_SIZE);
    return ERROR_NONE;
}

/* Runs a bound statement until the page is full. */
static int visit_page(struct visit *visit, sqlite3_stmt *statement,
                      int (*prepare)(struct visit *visit, sqlite3_stmt *statement,
                                     const struct segment_row *row, struct error *error),
                      struct error *error)
{
    size_t rows = 0, bytes = 0;
    int rc = ERROR_NONE;

    while (!rc && !visit->stopped && rows < PAGE_ROWS && bytes < PAGE_BYTES) {
        struct segment_row row;
        bool more;

        rc = database_step(&visit->ledger->database, statement, "read", &more, error);
        visit->end = !rc && !more;
        if (rc || visit->end)
            break;
        row = sqlite_ledger_segment(statement);
        rc = prepare(visit, statement, &row, error);
        if (!rc)
            rc = visit_segment(visit, &row, error);
        rows++;
        bytes += row.records.size;
    }
    return rc;
}

/* --- by seq ----------------------------------------------------------------------------------- */

/* A feed has no gap: each segment follows the one before. The first one of a page has the seq that
 * comes next somewhere in it: it may have grown since the page before. */
static int check_follows(struct visit *visit, sqlite3_stmt *statement,
                         const struct segment_row *row, struct error *error)
{
    uint64_t wanted = visit->next_seq ? visit->next_seq : visit->first;

    (void)statement;
    if (row->seq > wanted || row->records.size < BYTES_ID_SIZE ||
        (row->seq == visit->next_seq &&
         memcmp(row->records.data, visit->hash.bytes, BYTES_ID_SIZE) != 0))
        return damaged(visit->ledger, error);
    return ERROR_NONE;
}

static int entries_page(struct visit *visit, uint64_t feed, struct error *error)
{
    struct database *database = &visit->ledger->database;
    sqlite3_stmt *statement;
    int rc = database_take(database, STATEMENT_ENTRIES, &statement, error);

    if (rc)
        return rc;
    visit->first = visit->next_seq ? visit->next_seq : visit->first;
    if (database_bind_u64(statement, 1, feed) |
        database_bind_u64(statement, 2, clamp(visit->first)) |
        database_bind_u64(statement, 3, clamp(visit->last)))
        rc = database_fail(database, "read", error);
    if (!rc)
        rc = visit_page(visit, statement, check_follows, error);
    database_release(database, STATEMENT_ENTRIES, statement);
    return rc;
}

int sqlite_entries_by_seq(void *self, const struct id *feed, uint64_t first, uint64_t last,
                          store_entry_visitor visit, void *context, struct error *error)
{
    struct visit this = {.ledger = self,
                         .types = STORE_ALL_TYPES,
                         .first = first ? first : 1,
                         .visit = visit,
                         .context = context};
    struct sqlite_feed row;
    bool known;
    int rc = sqlite_tail_find_feed(self, feed, &row, &known, error);

    if (rc || !known)
        return rc;
    this.feed = row.common;
    this.last = last < row.feed.head.seq ? last : row.feed.head.seq;
    while (!rc && !this.end && !this.stopped && this.first <= this.last &&
           this.next_seq <= this.last)
        rc = entries_page(&this, row.number, error);
    if (!rc && this.end && this.first <= this.last && this.next_seq <= this.last)
        rc = damaged(self, error); /* fewer than the head says */
    return rc;
}

/* --- backwards -------------------------------------------------------------------------------- */

/* A record has two hashes, so a segment has fewer of them than this. */
#define RECORDS_MAX (SEGMENT_SIZE / (2 * BYTES_ID_SIZE) + 1)

/* Places in front of the segment's entries of the type, in order. */
static int find_all(const struct visit *visit, const struct segment_row *row,
                    struct segment_cursor places[RECORDS_MAX], size_t *count, struct error *error)
{
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false;

    *count = 0;
    if (!segment_open(&cursor, &visit->feed, row))
        return damaged(visit->ledger, error);
    while (!end && *count < RECORDS_MAX) {
        places[*count] = cursor;
        if (!segment_next(&cursor, &entry, &end))
            return damaged(visit->ledger, error);
        *count += !end && rules_type_matches(visit->types, entry.entry.content_type);
    }
    return ERROR_NONE;
}

static int visit_backwards(struct visit *visit, const struct segment_row *row, struct error *error)
{
    struct segment_cursor places[RECORDS_MAX];
    uint8_t room[LIMIT_ENTRY_SIZE];
    size_t count;
    int rc = find_all(visit, row, places, &count, error);

    while (!rc && count-- > 0 && !visit->stopped) {
        struct store_entry entry;
        bool end;

        if (!segment_next(&places[count], &entry, &end))
            return damaged(visit->ledger, error);
        segment_bytes(&places[count], &entry, room);
        visit->stopped = visit->visit(visit->context, &entry) != 0;
    }
    visit->last = row->seq;
    return rc;
}

static int page_before(struct visit *visit, uint64_t feed, struct error *error)
{
    struct database *database = &visit->ledger->database;
    sqlite3_stmt *statement;
    bool more = false;
    int rc = database_take(database, STATEMENT_SEGMENT_BEFORE, &statement, error);

    if (rc)
        return rc;
    if (database_bind_u64(statement, 1, feed) |
        database_bind_u64(statement, 2, clamp(visit->last)) |
        database_bind_u64(statement, 3, visit->types))
        rc = database_fail(database, "read", error);
    if (!rc)
        rc = database_step(database, statement, "read", &more, error);
    visit->end = !more;
    if (!rc && more) {
        struct segment_row row = sqlite_ledger_segment(statement);

        rc = visit_backwards(visit, &row, error);
    }
    database_release(database, STATEMENT_SEGMENT_BEFORE, statement);
    return rc;
}

int sqlite_entries_newest(void *self, const struct id *feed, uint32_t type,
                          store_entry_visitor visit, void *context, struct error *error)
{
    struct visit this = {.ledger = self,
                         .types = STORE_TYPE(type),
                         .last = UINT64_MAX,
                         .visit = visit,
                         .context = context};
    struct sqlite_feed row;
    bool known;
    int rc = sqlite_tail_find_feed(self, feed, &row, &known, error);

    if (rc || !known)
        return rc;
    this.feed = row.common;
    while (!rc && !this.end && !this.stopped)
        rc = page_before(&this, row.number, error);
    return rc;
}

/* --- by arrival ------------------------------------------------------------------------------- */

static int take_feed(struct visit *visit, sqlite3_stmt *statement, const struct segment_row *row,
                     struct error *error)
{
    struct id feed;

    (void)row;
    return span_to_id(database_blob(statement, 4), &feed) &&
                   sqlite_ledger_common(&feed, database_blob(statement, 5), &visit->feed)
               ? ERROR_NONE
               : damaged(visit->ledger, error);
}

static int arrivals_page(struct visit *visit, enum sqlite_statement which, struct error *error)
{
    struct database *database = &visit->ledger->database;
    uint64_t types = visit->types == STORE_ALL_TYPES ? SEGMENT_ALL_TYPES : visit->types;
    sqlite3_stmt *statement;
    int rc = database_take(database, which, &statement, error);

    if (rc)
        return rc;
    visit->first_arrival = visit->next_arrival;
    if (database_bind_u64(statement, 1, clamp(visit->next_arrival)) |
        database_bind_u64(statement, 2, types))
        rc = database_fail(database, "read", error);
    if (!rc)
        rc = visit_page(visit, statement, take_feed, error);
    database_release(database, which, statement);
    return rc;
}

int sqlite_entries_by_arrival(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                              void *context, struct error *error)
{
    enum sqlite_statement which =
        types & ~STATEMENT_RARE_TYPES ? STATEMENT_ARRIVALS : STATEMENT_RARE_ARRIVALS;
    struct visit this = {.ledger = self,
                         .types = types,
                         .next_arrival = after + 1,
                         .last = UINT64_MAX,
                         .visit = visit,
                         .context = context};
    int rc = sqlite_tail_settle(self, error);

    while (!rc && !this.end && !this.stopped && after < INT64_MAX)
        rc = arrivals_page(&this, which, error);
    return rc;
}

/* --- missing ---------------------------------------------------------------------------------- */

struct missing {
    uint64_t *seqs;
    size_t limit, *count;
};

static int note_missing(struct sqlite_ledger *ledger, const struct segment_feed *feed,
                        const struct segment_row *row, struct missing *missing, struct error *error)
{
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false;

    if (!segment_open(&cursor, feed, row))
        return damaged(ledger, error);
    while (*missing->count < missing->limit) {
        if (!segment_next(&cursor, &entry, &end))
            return damaged(ledger, error);
        if (end)
            break;
        if (!entry.entry.has_content && !entry.erased)
            missing->seqs[(*missing->count)++] = entry.entry.seq;
    }
    return ERROR_NONE;
}

int sqlite_entries_missing(void *self, const struct id *feed, uint64_t *seqs, size_t limit,
                           size_t *count, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct missing missing = {seqs, limit, count};
    struct sqlite_feed found;
    sqlite3_stmt *statement;
    bool more = true, known;
    int rc = sqlite_tail_find_feed(ledger, feed, &found, &known, error);

    *count = 0;
    if (!rc && !known)
        return ERROR_NONE;
    if (!rc)
        rc = database_take(&ledger->database, STATEMENT_MISSING, &statement, error);
    if (rc)
        return rc;
    if (database_bind_u64(statement, 1, found.number))
        rc = database_fail(&ledger->database, "read", error);
    while (!rc && *count < limit) {
        struct segment_row row;

        rc = database_step(&ledger->database, statement, "read", &more, error);
        if (rc || !more)
            break;
        row = sqlite_ledger_segment(statement);
        rc = note_missing(ledger, &found.common, &row, &missing, error);
    }
    database_release(&ledger->database, STATEMENT_MISSING, statement);
    return rc;
}
