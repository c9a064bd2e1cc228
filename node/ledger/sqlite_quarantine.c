#include "node/ledger/sqlite_quarantine.h"

#include "node/ledger/rules.h"
#include "node/ledger/sqlite_entries.h"
#include "node/ledger/sqlite_tail.h"
#include "node/ledger/sqlite_use.h"
#include "node/ledger/sqlite_write.h"

/* - generation: of the ledger, goes up with each move; of a row, the one that began with it.
 * - feed.recoveries: part of the head (common/entry.h); feed.quarantined: how many were moved.
 * - quarantine.erased: 1 when a row has no content any more that may be erased. */
const char sqlite_quarantine_schema[] =
    "ALTER TABLE ledger ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE feed ADD COLUMN recoveries INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE feed ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE quarantine (number INTEGER PRIMARY KEY, generation INTEGER NOT NULL,"
    "  feed INTEGER NOT NULL, arrival INTEGER NOT NULL, seq INTEGER NOT NULL,"
    "  count INTEGER NOT NULL, erased INTEGER NOT NULL DEFAULT 0, records BLOB NOT NULL) STRICT;"
    "CREATE INDEX quarantine_feed ON quarantine (feed, generation, seq);"
    "CREATE INDEX quarantine_content ON quarantine (feed) WHERE erased = 0;";

/* --- moving ----------------------------------------------------------------------------------- */

/* A statement of a feed and a seq. */
static int run(struct sqlite_ledger *ledger, enum sqlite_statement which, uint64_t feed,
               uint64_t seq, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, which, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, feed);
    sqlite_use_number(&use, 2, seq);
    return sqlite_use_run(&use, error);
}

static int next_generation(struct sqlite_ledger *ledger, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_NEXT_GENERATION, error);

    return rc ? rc : sqlite_use_run(&use, error);
}

static int unsee_certificates(struct sqlite_ledger *ledger, const struct id *feed, uint64_t first,
                              struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_UNSEE_CERTIFICATES, error);

    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(feed));
    sqlite_use_number(&use, 2, first);
    return sqlite_use_run(&use, error);
}

static int count_missing(struct sqlite_ledger *ledger, uint64_t feed, uint64_t *missing,
                         struct error *error)
{
    struct sqlite_use use;
    bool row;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_COUNT_MISSING, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, feed);
    rc = sqlite_use_step(&use, &row, error);
    if (!rc)
        *missing = row ? database_u64(use.statement, 0) : 0;
    sqlite_use_finish(&use);
    return rc;
}

/* What the feed ends with now. */
struct end {
    struct store_entry last;
    uint64_t signed_seq;
};

static int note_end(void *context, const struct store_entry *entry)
{
    struct end *end = context;

    end->last = *entry;
    if (entry->entry.signature_checked)
        end->signed_seq = entry->entry.seq;
    return 0;
}

/* Every anchor has a signature, so an interval before the end has one, too; in a feed that was kept
 * without them, all is looked through. */
static int find_end(struct sqlite_ledger *ledger, const struct id *feed, uint64_t seq,
                    struct end *end, struct error *error)
{
    uint64_t first = seq > LIMIT_ANCHOR_INTERVAL ? seq - LIMIT_ANCHOR_INTERVAL : 1;
    int rc = ERROR_NONE;

    if (seq)
        rc = sqlite_entries_by_seq(ledger, feed, first, seq, note_end, end, error);
    if (!rc && first > 1 && seq && !end->signed_seq)
        rc = sqlite_entries_by_seq(ledger, feed, 1, seq, note_end, end, error);
    return rc;
}

static int move(struct sqlite_ledger *ledger, const struct id *feed, uint64_t first,
                uint64_t recoveries, struct error *error)
{
    struct sqlite_feed *kept = &ledger->tail.feed;
    uint64_t number = kept->number, missing = 0;
    struct end end = {0};
    int rc = find_end(ledger, feed, first - 1, &end, error);

    if (!rc)
        rc = next_generation(ledger, error);
    if (!rc)
        rc = run(ledger, STATEMENT_QUARANTINE, number, first, error);
    if (!rc)
        rc = run(ledger, STATEMENT_DELETE_FROM, number, first, error);
    if (!rc)
        rc = unsee_certificates(ledger, feed, first, error);
    if (!rc)
        rc = count_missing(ledger, number, &missing, error);
    if (rc)
        return rc;
    rules_go_back(&kept->feed, first > 1 ? &end.last : NULL, end.signed_seq, recoveries,
                  ++ledger->last_arrival);
    kept->feed.missing = missing;
    ledger->tail.feed_changed = true;
    return ERROR_NONE;
}

int sqlite_quarantine_move(void *self, const struct id *feed, uint64_t first, uint64_t recoveries,
                           struct error *error)
{
    struct sqlite_ledger *ledger = self;
    int rc = sqlite_write_allowed(ledger, error);

    if (!rc)
        rc = sqlite_tail_feed(ledger, feed, error);
    if (rc == ERROR_NOT_FOUND)
        return rules_no_entry(first, error);
    if (!rc)
        rc = sqlite_tail_cut(ledger, first, error);
    if (!rc)
        rc = sqlite_tail_void(ledger, first, error);
    if (rc)
        return rc;
    rc = move(ledger, feed, first, recoveries, error);
    ledger->failed |= rc != ERROR_NONE;
    return rc;
}

/* --- erasing ---------------------------------------------------------------------------------- */

static int drop_contents(struct sqlite_ledger *ledger, const struct segment_row *row,
                         struct segment *out, struct error *error)
{
    const struct segment_feed *feed = &ledger->tail.feed.common;
    uint8_t room[LIMIT_ENTRY_SIZE];
    struct segment_cursor cursor;
    struct store_entry entry;
    bool end = false, good = segment_open(&cursor, feed, row);
    int rc = ERROR_NONE;

    while (!rc && good && (good = segment_next(&cursor, &entry, &end)) && !end) {
        segment_bytes(&cursor, &entry, room);
        if (entry.entry.seq == row->seq)
            rc = segment_start(out, row->arrival, row->seq, &entry.entry.previous, error);
        if (entry.entry.has_content && !entry_content_is_permanent(entry.entry.content_type)) {
            entry.entry.has_content = false;
            entry.entry.salt = entry.entry.content = span_of(NULL, 0);
            ledger->erased = true;
        }
        if (!rc)
            rc = segment_add(out, feed, &entry, error);
    }
    return rc || good ? rc : sqlite_ledger_damaged(ledger, "quarantined entries", error);
}

/* The next row that may have contents, without them in *out. *number 0: there is none. */
static int next_content(struct sqlite_ledger *ledger, struct segment *out, uint64_t *number,
                        struct error *error)
{
    struct segment_row found;
    struct sqlite_use use;
    bool row;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_QUARANTINED_CONTENT, error);

    *number = 0;
    if (rc)
        return rc;
    sqlite_use_number(&use, 1, ledger->tail.feed.number);
    rc = sqlite_use_step(&use, &row, error);
    if (!rc && row) {
        found = sqlite_ledger_segment(use.statement);
        *number = database_u64(use.statement, 4);
        rc = drop_contents(ledger, &found, out, error);
    }
    sqlite_use_finish(&use);
    return rc;
}

static int write_without(struct sqlite_ledger *ledger, uint64_t number,
                         const struct segment *segment, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_ERASE_QUARANTINED, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, number);
    sqlite_use_blob(&use, 2, buffer_span(&segment->records));
    return sqlite_use_run(&use, error);
}

int sqlite_quarantine_erase(struct sqlite_ledger *ledger, const struct id *feed,
                            struct error *error)
{
    struct segment segment = {0};
    uint64_t number = 0;
    int rc = sqlite_tail_feed(ledger, feed, error);

    if (rc == ERROR_NOT_FOUND) {
        error_clear(error);
        return ERROR_NONE;
    }
    if (!rc)
        rc = next_content(ledger, &segment, &number, error);
    while (!rc && number) {
        rc = write_without(ledger, number, &segment, error);
        if (!rc)
            rc = next_content(ledger, &segment, &number, error);
    }
    segment_finish(&segment);
    ledger->failed |= rc != ERROR_NONE;
    return rc;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int visit_row(struct sqlite_ledger *ledger, const struct segment_feed *feed,
                     const struct segment_row *row, struct store_quarantined *quarantined,
                     store_quarantined_visitor visit, void *context, bool *stopped,
                     struct error *error)
{
    uint8_t room[LIMIT_ENTRY_SIZE];
    struct segment_cursor cursor;
    bool end = false;

    if (!segment_open(&cursor, feed, row))
        return sqlite_ledger_damaged(ledger, "quarantined entries", error);
    while (!*stopped) {
        if (!segment_next(&cursor, &quarantined->entry, &end))
            return sqlite_ledger_damaged(ledger, "quarantined entries", error);
        if (end)
            break;
        segment_bytes(&cursor, &quarantined->entry, room);
        *stopped = visit(context, quarantined) != 0;
    }
    return ERROR_NONE;
}

/* The last generation below this one of which something of the feed is here; 0: none. */
static int generation_before(struct sqlite_ledger *ledger, uint64_t feed, uint64_t generation,
                             uint64_t *out, struct error *error)
{
    sqlite3_stmt *statement;
    bool row = false;
    int rc = database_take(&ledger->database, STATEMENT_QUARANTINED_BEFORE, &statement, error);

    *out = 0;
    if (rc)
        return rc;
    if (database_bind_u64(statement, 1, feed) || database_bind_u64(statement, 2, generation))
        rc = database_fail(&ledger->database, "read", error);
    if (!rc)
        rc = database_step(&ledger->database, statement, "read", &row, error);
    if (row)
        *out = database_u64(statement, 0);
    database_release(&ledger->database, STATEMENT_QUARANTINED_BEFORE, statement);
    return rc;
}

static int visit_generation(struct sqlite_ledger *ledger, const struct sqlite_feed *feed,
                            uint64_t generation, store_quarantined_visitor visit, void *context,
                            bool *stopped, struct error *error)
{
    struct store_quarantined quarantined = {.generation = generation};
    sqlite3_stmt *statement;
    bool row = true;
    int rc = database_take(&ledger->database, STATEMENT_QUARANTINED, &statement, error);

    if (rc)
        return rc;
    if (database_bind_u64(statement, 1, feed->number) ||
        database_bind_u64(statement, 2, generation))
        rc = database_fail(&ledger->database, "read", error);
    while (!rc && !*stopped) {
        struct segment_row segment;

        rc = database_step(&ledger->database, statement, "read", &row, error);
        if (rc || !row)
            break;
        segment = sqlite_ledger_segment(statement);
        rc = visit_row(ledger, &feed->common, &segment, &quarantined, visit, context, stopped,
                       error);
    }
    database_release(&ledger->database, STATEMENT_QUARANTINED, statement);
    return rc;
}

/* One generation after the other: all at once SQLite would sort, and so read the whole of the last
 * one before the first entry is seen. A thief may have published any number. */
int sqlite_quarantine_visit(void *self, const struct id *feed, store_quarantined_visitor visit,
                            void *context, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    uint64_t generation = INT64_MAX;
    struct sqlite_feed found;
    bool stopped = false, known;
    int rc = sqlite_tail_find_feed(ledger, feed, &found, &known, error);

    while (!rc && known && !stopped) {
        rc = generation_before(ledger, found.number, generation, &generation, error);
        if (rc || !generation)
            break;
        rc = visit_generation(ledger, &found, generation, visit, context, &stopped, error);
    }
    return rc;
}
