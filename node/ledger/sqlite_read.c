#include "node/ledger/sqlite_read.h"

#include <string.h>

#include "node/ledger/sqlite_ledger.h"
#include "node/ledger/sqlite_tail.h"

/* A page of a visit: one read transaction. So many rows are visited before it is ended and the next
 * one begun. */
#define PAGE_ROWS 512

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
            info->unclean = database_u64(statement, 2) != 0;
            info->generation = database_u64(statement, 3);
            info->last_arrival = ledger->open ? ledger->last_arrival : database_u64(statement, 1);
        } else {
            rc = sqlite_ledger_damaged(ledger, "the ledger's id", error);
        }
    }
    database_release(&ledger->database, STATEMENT_INFO, statement);
    return rc;
}

bool sqlite_ledger_common(const struct id *feed, struct span network, struct segment_feed *out)
{
    out->feed = *feed;
    out->network_size = network.size;
    if (network.size > sizeof out->network)
        return false;
    if (network.size)
        memcpy(out->network, network.data, network.size);
    return true;
}

/* statement is borrowed from SQLite. */
static int feed_of_row(struct sqlite_ledger *ledger, sqlite3_stmt *statement,
                       struct sqlite_feed *out, struct error *error)
{
    struct store_feed *feed = &out->feed;
    struct span hash = database_blob(statement, 4);

    *out = (struct sqlite_feed){.number = database_u64(statement, 0)};
    if (!span_to_id(database_blob(statement, 1), &feed->head.feed) ||
        (hash.size && !span_to_id(hash, &feed->head.hash)) ||
        !sqlite_ledger_common(&feed->head.feed, database_blob(statement, 11), &out->common))
        return sqlite_ledger_damaged(ledger, "a feed", error);
    feed->head.certificate = database_u64(statement, 2);
    feed->head.seq = database_u64(statement, 3);
    feed->signed_seq = database_u64(statement, 5);
    feed->missing = database_u64(statement, 6);
    feed->head_arrival = database_u64(statement, 7);
    feed->frozen = database_u64(statement, 8) != 0;
    feed->statement_ms = database_u64(statement, 9);
    feed->statement = database_blob(statement, 10);
    feed->head.recoveries = database_u64(statement, 12);
    feed->quarantined = database_u64(statement, 13);
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
    int rc = sqlite_tail_settle(self, error);

    if (!rc)
        rc = sqlite_ledger_feed(self, feed, &row, error);
    if (!rc)
        *out = row.feed;
    return rc;
}

int sqlite_read_cursor(void *self, const struct id *partner, uint8_t ledger_id[16],
                       uint64_t *arrival, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    sqlite3_stmt *statement;
    struct span id;
    bool row = false;
    int rc = database_take(&ledger->database, STATEMENT_GET_CURSOR, &statement, error);

    if (rc)
        return rc;
    rc = database_bind_blob(statement, 1, span_of_id(partner))
             ? database_fail(&ledger->database, "read", error)
             : step(ledger, statement, &row, error);
    if (!rc && !row)
        rc = error_set(error, ERROR_NOT_FOUND, "this cursor is not in the ledger");
    id = !rc ? database_blob(statement, 0) : span_of(NULL, 0);
    if (!rc && id.size != STORE_LEDGER_ID_SIZE)
        rc = sqlite_ledger_damaged(ledger, "a cursor", error);
    if (!rc) {
        memcpy(ledger_id, id.data, id.size);
        *arrival = database_u64(statement, 1);
    }
    database_release(&ledger->database, STATEMENT_GET_CURSOR, statement);
    return rc;
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
    int rc = sqlite_tail_settle(self, error);

    if (!rc && with_empty && after_arrival == 0)
        rc = feeds_pages(self, STATEMENT_EMPTY_FEEDS, 0, SIZE_MAX, &stopped, visit, context, error);
    if (!rc)
        rc = feeds_pages(self, STATEMENT_FEEDS, after_arrival, limit, &stopped, visit, context,
                         error);
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
