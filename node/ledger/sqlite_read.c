#include "node/ledger/sqlite_read.h"

#include <string.h>

#include "node/ledger/rules.h"
#include "node/ledger/sqlite_ledger.h"
#include "proto/feed.pb-c.h"

/* A page of a visit: one read transaction. So many rows and about so many bytes are visited before
 * it is ended and the next one begun. */
#define PAGE_ROWS 512
#define PAGE_BYTES (2 * 1024 * 1024)

static int step(struct sqlite_ledger *ledger, sqlite3_stmt *statement, bool *row,
                struct error *error)
{
    return database_step(&ledger->database, statement, "read", row, error);
}

/* Numbers that core hands in may be "no end"; SQLite's are signed. */
static uint64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : value;
}

int sqlite_read_info(void *self, struct store_info *info, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    struct span id;
    bool row;
    int rc = database_take(&ledger->database, STATEMENT_INFO, &statement, error);

    if (rc)
        return rc;
    rc = step(ledger, statement, &row, error);
    if (!rc) {
        id = row ? database_blob(statement, 0) : span_of(NULL, 0);
        if (id.size == sizeof info->ledger) {
            memcpy(info->ledger, id.data, id.size);
            info->last_arrival = ledger->open ? ledger->last_arrival : database_u64(statement, 1);
        } else {
            rc = sqlite_ledger_damaged(ledger, "the ledger's id", error);
        }
    }
    database_release(&ledger->database, STATEMENT_INFO, statement);
    return rc;
}

/* statement is borrowed from SQLite. */
static int feed_of_row(struct sqlite_ledger *ledger, sqlite3_stmt *statement,
                       struct sqlite_feed *out, struct error *error)
{
    struct store_feed *feed = &out->feed;
    struct span hash = database_blob(statement, 4);

    *out = (struct sqlite_feed){.number = database_u64(statement, 0)};
    if (!span_to_id(database_blob(statement, 1), &feed->head.feed) ||
        (hash.size && !span_to_id(hash, &feed->head.hash)))
        return sqlite_ledger_damaged(ledger, "a feed", error);
    feed->head.certificate = database_u64(statement, 2);
    feed->head.seq = database_u64(statement, 3);
    feed->signed_seq = database_u64(statement, 5);
    feed->missing = database_u64(statement, 6);
    feed->head_arrival = database_u64(statement, 7);
    feed->frozen = database_u64(statement, 8) != 0;
    feed->statement_ms = database_u64(statement, 9);
    feed->statement = database_blob(statement, 10);
    return ERROR_NONE;
}

int sqlite_ledger_feed(struct sqlite_ledger *ledger, const struct id *id, struct sqlite_feed *out,
                       struct error *error)
{
    sqlite3_stmt *statement;
    bool row;
    int rc = database_take(&ledger->database, STATEMENT_GET_FEED, &statement, error);

    if (rc)
        return rc;
    rc = database_bind_blob(statement, 1, span_of_id(id))
             ? database_fail(&ledger->database, "read", error)
             : step(ledger, statement, &row, error);
    if (!rc && !row)
        rc = error_set(error, ERROR_NOT_FOUND, "this feed is not in the ledger");
    if (!rc)
        rc = feed_of_row(ledger, statement, out, error);
    if (!rc) {
        buffer_clear(&ledger->statement);
        if (!buffer_append(&ledger->statement, out->feed.statement.data, out->feed.statement.size))
            rc = error_memory(error);
        out->feed.statement = buffer_span(&ledger->statement);
    }
    database_release(&ledger->database, STATEMENT_GET_FEED, statement);
    return rc;
}

int sqlite_read_feed(void *self, const struct id *feed, struct store_feed *out, struct error *error)
{
    struct sqlite_feed row;
    int rc = sqlite_ledger_feed(self, feed, &row, error);

    if (!rc)
        *out = row.feed;
    return rc;
}

/* Runs a statement with one blob as its key to its first row; ERROR_NOT_FOUND when there is none.
 * On success the caller releases it. */
static int lookup(struct sqlite_ledger *ledger, enum sqlite_statement which, struct span key,
                  const char *what, sqlite3_stmt **out, struct error *error)
{
    bool row = false;
    int rc = database_take(&ledger->database, which, out, error);

    if (rc)
        return rc;
    rc = database_bind_blob(*out, 1, key) ? database_fail(&ledger->database, "read", error)
                                          : step(ledger, *out, &row, error);
    if (!rc && !row)
        rc = error_set(error, ERROR_NOT_FOUND, "this %s is not in the ledger", what);
    if (rc)
        database_release(&ledger->database, which, *out);
    return rc;
}

int sqlite_read_cursor(void *self, const struct id *partner, uint8_t ledger_id[16],
                       uint64_t *arrival, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    struct span id;
    int rc = lookup(ledger, STATEMENT_GET_CURSOR, span_of_id(partner), "cursor", &statement, error);

    if (rc)
        return rc;
    id = database_blob(statement, 0);
    if (id.size == STORE_LEDGER_ID_SIZE) {
        memcpy(ledger_id, id.data, id.size);
        *arrival = database_u64(statement, 1);
    } else {
        rc = sqlite_ledger_damaged(ledger, "a cursor", error);
    }
    database_release(&ledger->database, STATEMENT_GET_CURSOR, statement);
    return rc;
}

int sqlite_read_request(void *self, const uint8_t request[16], uint64_t *seq, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    int rc = lookup(ledger, STATEMENT_GET_REQUEST, span_of(request, STORE_REQUEST_ID_SIZE),
                    "request", &statement, error);

    if (rc)
        return rc;
    *seq = database_u64(statement, 0);
    database_release(&ledger->database, STATEMENT_GET_REQUEST, statement);
    return ERROR_NONE;
}

int sqlite_read_value(void *self, const char *name, struct buffer *out, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    struct span value;
    bool row = false;
    int rc = database_take(&ledger->database, STATEMENT_GET_VALUE, &statement, error);

    if (rc)
        return rc;
    rc = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC)
             ? database_fail(&ledger->database, "read", error)
             : step(ledger, statement, &row, error);
    if (!rc && !row)
        rc = error_set(error, ERROR_NOT_FOUND, "the value %s is not in the ledger", name);
    if (!rc) {
        value = database_blob(statement, 0);
        buffer_clear(out);
        if (!buffer_append(out, value.data, value.size))
            rc = error_memory(error);
    }
    database_release(&ledger->database, STATEMENT_GET_VALUE, statement);
    return rc;
}

/* --- visits in pages -------------------------------------------------------------------------- */

/* One page after *after; *rows: visited; *stopped: by the visitor. */
static int feeds_page(struct sqlite_ledger *ledger, enum sqlite_statement which, uint64_t *after,
                      size_t limit, size_t *rows, bool *stopped, store_feed_visitor visit,
                      void *context, struct error *error)
{
    sqlite3_stmt *statement;
    struct sqlite_feed feed;
    bool row = true;
    int rc = database_take(&ledger->database, which, &statement, error);

    *rows = 0;
    if (rc)
        return rc;
    if (database_bind_u64(statement, 1, clamp(*after)) |
        database_bind_u64(statement, 2, limit < PAGE_ROWS ? limit : PAGE_ROWS))
        rc = database_fail(&ledger->database, "read", error);
    while (!rc && !*stopped) {
        rc = step(ledger, statement, &row, error);
        if (rc || !row)
            break;
        rc = feed_of_row(ledger, statement, &feed, error);
        if (rc)
            break;
        *after = which == STATEMENT_FEEDS ? feed.feed.head_arrival : feed.number;
        (*rows)++;
        *stopped = visit(context, &feed.feed) != 0;
    }
    database_release(&ledger->database, which, statement);
    return rc;
}

static int feeds_pages(struct sqlite_ledger *ledger, enum sqlite_statement which, uint64_t after,
                       size_t limit, bool *stopped, store_feed_visitor visit, void *context,
                       struct error *error)
{
    size_t rows = 1;
    int rc = ERROR_NONE;

    while (!rc && limit && rows && !*stopped) {
        rc = feeds_page(ledger, which, &after, limit, &rows, stopped, visit, context, error);
        limit -= rows;
    }
    return rc;
}

int sqlite_read_feeds(void *self, uint64_t after_arrival, bool with_empty, size_t limit,
                      store_feed_visitor visit, void *context, struct error *error)
{
    bool stopped = false;
    int rc = ERROR_NONE;

    if (with_empty && after_arrival == 0)
        rc = feeds_pages(self, STATEMENT_EMPTY_FEEDS, 0, SIZE_MAX, &stopped, visit, context, error);
    if (!rc)
        rc = feeds_pages(self, STATEMENT_FEEDS, after_arrival, limit, &stopped, visit, context,
                         error);
    return rc;
}

/* The columns of STATEMENT_ENTRY_COLUMNS; what stands inside the entry's bytes is read from there.
 */
static int entry_of_row(struct sqlite_ledger *ledger, sqlite3_stmt *statement,
                        struct store_entry *out, struct error *error)
{
    struct entry *entry = &out->entry;
    Caravan__Entry *message;
    bool good;

    *out = (struct store_entry){.arrival = database_u64(statement, 0),
                                .certificate = database_u64(statement, 3),
                                .received_ms = database_u64(statement, 4)};
    entry->seq = database_u64(statement, 1);
    entry->bytes = database_blob(statement, 6);
    entry->signature_checked = sqlite3_column_type(statement, 7) != SQLITE_NULL;
    entry->has_content = sqlite3_column_type(statement, 8) != SQLITE_NULL;
    entry->signature = database_blob(statement, 7);
    entry->salt = database_blob(statement, 8);
    entry->content = database_blob(statement, 9);
    if (entry->bytes.size > LIMIT_ENTRY_SIZE)
        return sqlite_ledger_damaged(ledger, "an entry", error);
    message = caravan__entry__unpack(NULL, entry->bytes.size, entry->bytes.data);
    if (!message)
        return sqlite_ledger_damaged(ledger, "an entry", error);
    good = span_to_id(database_blob(statement, 5), &entry->hash) &&
           span_to_id(span_of(message->feed.data, message->feed.len), &entry->feed) &&
           span_to_id(span_of(message->content_hash.data, message->content_hash.len),
                      &entry->content_hash) &&
           message->seq == entry->seq &&
           (!message->has_previous ||
            span_to_id(span_of(message->previous.data, message->previous.len), &entry->previous));
    entry->created_ms = message->created_ms;
    entry->content_type = message->content_type;
    entry->content_size = message->content_size;
    entry->min_reader = message->min_reader;
    caravan__entry__free_unpacked(message, NULL);
    return good ? ERROR_NONE : sqlite_ledger_damaged(ledger, "an entry", error);
}

/* What a page of entries has in common. */
struct page {
    struct sqlite_ledger *ledger;
    uint32_t types;
    store_entry_visitor visit;
    void *context;
    int column;    /* where `last` is read from */
    uint64_t last; /* arrival or seq of the last row that was looked at */
    bool stopped;  /* by the visitor */
    bool end;      /* there are no more rows */
};

static int entries_page(struct page *page, sqlite3_stmt *statement, struct error *error)
{
    struct store_entry entry;
    size_t rows = 0, bytes = 0;
    bool row;
    int rc = ERROR_NONE;

    while (!rc && !page->stopped && rows < PAGE_ROWS && bytes < PAGE_BYTES) {
        rc = step(page->ledger, statement, &row, error);
        if (rc || !row) {
            page->end = true;
            break;
        }
        rows++;
        page->last = database_u64(statement, page->column);
        if (!rules_type_matches(page->types, database_u64(statement, 2)))
            continue;
        rc = entry_of_row(page->ledger, statement, &entry, error);
        if (rc)
            break;
        bytes += entry.entry.bytes.size + entry.entry.content.size;
        page->stopped = page->visit(page->context, &entry) != 0;
    }
    return rc;
}

int sqlite_read_entries(void *self, const struct id *feed, uint64_t first, uint64_t last,
                        store_entry_visitor visit, void *context, struct error *error)
{
    struct page page = {self, STORE_ALL_TYPES, visit, context, 1, 0, false, false};
    struct sqlite_feed row;
    sqlite3_stmt *statement;
    int rc = sqlite_ledger_feed(self, feed, &row, error);

    if (rc == ERROR_NOT_FOUND) {
        error_clear(error);
        return ERROR_NONE;
    }
    while (!rc && !page.end && !page.stopped && first <= last) {
        rc = database_take(&page.ledger->database, STATEMENT_ENTRIES, &statement, error);
        if (rc)
            break;
        if (database_bind_u64(statement, 1, row.number) |
            database_bind_u64(statement, 2, clamp(first)) |
            database_bind_u64(statement, 3, clamp(last)) |
            database_bind_u64(statement, 4, PAGE_ROWS + 1))
            rc = database_fail(&page.ledger->database, "read", error);
        if (!rc)
            rc = entries_page(&page, statement, error);
        database_release(&page.ledger->database, STATEMENT_ENTRIES, statement);
        first = page.last + 1;
    }
    return rc;
}

int sqlite_read_arrivals(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                         void *context, struct error *error)
{
    struct page page = {self, types, visit, context, 0, after, false, false};
    sqlite3_stmt *statement;
    int rc = ERROR_NONE;

    while (!rc && !page.end && !page.stopped) {
        rc = database_take(&page.ledger->database, STATEMENT_ARRIVALS, &statement, error);
        if (rc)
            break;
        if (database_bind_u64(statement, 1, clamp(page.last)) |
            database_bind_u64(statement, 2, PAGE_ROWS + 1))
            rc = database_fail(&page.ledger->database, "read", error);
        if (!rc)
            rc = entries_page(&page, statement, error);
        database_release(&page.ledger->database, STATEMENT_ARRIVALS, statement);
    }
    return rc;
}

/* --- small tables ----------------------------------------------------------------------------- */

int sqlite_read_certificates(void *self, const struct id *feed, store_certificate_visitor visit,
                             void *context, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    bool row = true;
    int rc = database_take(&ledger->database, STATEMENT_CERTIFICATES, &statement, error);

    if (rc)
        return rc;
    if (database_bind_blob(statement, 1, span_of_id(feed)))
        rc = database_fail(&ledger->database, "read", error);
    while (!rc && row) {
        struct store_certificate certificate;

        rc = step(ledger, statement, &row, error);
        if (rc || !row)
            break;
        certificate = (struct store_certificate){
            database_u64(statement, 0), database_u64(statement, 1), database_blob(statement, 2)};
        if (visit(context, &certificate))
            break;
    }
    database_release(&ledger->database, STATEMENT_CERTIFICATES, statement);
    return rc;
}

int sqlite_read_conflicts(void *self, store_conflict_visitor visit, void *context,
                          struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    bool row = true;
    int rc = database_take(&ledger->database, STATEMENT_CONFLICTS, &statement, error);

    if (rc)
        return rc;
    while (!rc && row) {
        struct store_conflict conflict;

        rc = step(ledger, statement, &row, error);
        if (rc || !row)
            break;
        if (!span_to_id(database_blob(statement, 0), &conflict.feed)) {
            rc = sqlite_ledger_damaged(ledger, "a proof of a fork", error);
            break;
        }
        conflict.certificate = database_u64(statement, 1);
        conflict.seq = database_u64(statement, 2);
        conflict.kept = database_blob(statement, 3);
        conflict.other = database_blob(statement, 4);
        if (visit(context, &conflict))
            break;
    }
    database_release(&ledger->database, STATEMENT_CONFLICTS, statement);
    return rc;
}

int sqlite_read_receipts(void *self, const struct id *feed, store_receipt_visitor visit,
                         void *context, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    bool row = true;
    int rc = database_take(&ledger->database, STATEMENT_RECEIPTS, &statement, error);

    if (rc)
        return rc;
    if (database_bind_blob(statement, 1, span_of_id(feed)))
        rc = database_fail(&ledger->database, "read", error);
    while (!rc && row) {
        struct store_receipt receipt = {.feed = *feed};

        rc = step(ledger, statement, &row, error);
        if (rc || !row)
            break;
        if (!span_to_id(database_blob(statement, 0), &receipt.receiver)) {
            rc = sqlite_ledger_damaged(ledger, "a receipt", error);
            break;
        }
        receipt.certificate = database_u64(statement, 1);
        receipt.seq = database_u64(statement, 2);
        receipt.missing = database_u64(statement, 3);
        receipt.counter = database_u64(statement, 4);
        receipt.received_ms = database_u64(statement, 5);
        receipt.encoded = database_blob(statement, 6);
        if (visit(context, &receipt))
            break;
    }
    database_release(&ledger->database, STATEMENT_RECEIPTS, statement);
    return rc;
}

int sqlite_read_missing(void *self, const struct id *feed, uint64_t *seqs, size_t limit,
                        size_t *count, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_feed found;
    sqlite3_stmt *statement;
    bool row = true;
    int rc = sqlite_ledger_feed(ledger, feed, &found, error);

    *count = 0;
    if (rc == ERROR_NOT_FOUND) {
        error_clear(error);
        return ERROR_NONE;
    }
    if (!rc)
        rc = database_take(&ledger->database, STATEMENT_MISSING, &statement, error);
    if (rc)
        return rc;
    if (database_bind_u64(statement, 1, found.number) |
        database_bind_u64(statement, 2, clamp(limit)))
        rc = database_fail(&ledger->database, "read", error);
    while (!rc && *count < limit) {
        rc = step(ledger, statement, &row, error);
        if (rc || !row)
            break;
        seqs[(*count)++] = database_u64(statement, 0);
    }
    database_release(&ledger->database, STATEMENT_MISSING, statement);
    return rc;
}
