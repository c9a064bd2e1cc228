#include "node/ledger/sqlite_write.h"

#include <string.h>

#include "node/ledger/rules.h"
#include "node/ledger/sqlite_ledger.h"

/* One prepared statement in use, its bind codes or-ed together. */
struct use {
    struct sqlite_ledger *ledger;
    enum sqlite_statement which;
    sqlite3_stmt *statement;
    int bound;
};

static int writable(struct sqlite_ledger *ledger, struct error *error)
{
    if (!ledger->writer)
        return error_set(error, ERROR_DENIED, "this is a reader of the ledger; it cannot write");
    if (!ledger->open)
        return error_set(error, ERROR_INTERNAL, "writing to the ledger outside a transaction");
    return ERROR_NONE;
}

static int use_start(struct use *use, struct sqlite_ledger *ledger, enum sqlite_statement which,
                     struct error *error)
{
    int rc = database_take(&ledger->database, which, &use->statement, error);

    use->ledger = ledger;
    use->which = which;
    use->bound = SQLITE_OK;
    if (rc)
        ledger->failed = true;
    return rc;
}

static void use_number(struct use *use, int index, uint64_t value)
{
    use->bound |= database_bind_u64(use->statement, index, value);
}

static void use_blob(struct use *use, int index, struct span value)
{
    use->bound |= database_bind_blob(use->statement, index, value);
}

/* Runs once; the statement may then be bound and run again. */
static int use_step(struct use *use, bool *row, struct error *error)
{
    int rc;

    *row = false;
    rc = use->bound ? database_fail(&use->ledger->database, "write to", error)
                    : database_step(&use->ledger->database, use->statement, "write to", row, error);
    if (rc)
        use->ledger->failed = true;
    return rc;
}

static void use_finish(struct use *use)
{
    database_release(&use->ledger->database, use->which, use->statement);
}

static int use_run(struct use *use, struct error *error)
{
    bool row;
    int rc = use_step(use, &row, error);

    use_finish(use);
    return rc;
}

/* The feed's row, ERROR_NOT_FOUND when there is none. */
static int feed_find(struct sqlite_ledger *ledger, const struct id *id, struct sqlite_feed *out,
                     struct error *error)
{
    int rc = sqlite_ledger_feed(ledger, id, out, error);

    ledger->failed |= rc && rc != ERROR_NOT_FOUND;
    return rc;
}

/* The feed's row, made when it is new. */
static int feed_take(struct sqlite_ledger *ledger, const struct id *id, struct sqlite_feed *out,
                     struct error *error)
{
    struct use use;
    int rc = sqlite_ledger_feed(ledger, id, out, error);

    if (rc != ERROR_NOT_FOUND) {
        ledger->failed |= rc != ERROR_NONE;
        return rc;
    }
    rc = use_start(&use, ledger, STATEMENT_ADD_FEED, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of_id(id));
    rc = use_run(&use, error);
    if (!rc)
        rc = sqlite_ledger_feed(ledger, id, out, error);
    ledger->failed |= rc != ERROR_NONE;
    return rc;
}

static int feed_save(struct sqlite_ledger *ledger, const struct sqlite_feed *feed,
                     struct error *error)
{
    const struct store_feed *state = &feed->feed;
    struct use use;
    int rc = use_start(&use, ledger, STATEMENT_SET_FEED, error);

    if (rc)
        return rc;
    use_number(&use, 1, feed->number);
    use_number(&use, 2, state->head.certificate);
    use_number(&use, 3, state->head.seq);
    use_blob(&use, 4, span_of_id(&state->head.hash));
    use_number(&use, 5, state->signed_seq);
    use_number(&use, 6, state->missing);
    use_number(&use, 7, state->head_arrival);
    return use_run(&use, error);
}

static int insert_entry(struct use *use, uint64_t feed, const struct store_entry *stored,
                        struct error *error)
{
    const struct entry *entry = &stored->entry;
    bool row;
    int rc;

    use_number(use, 1, stored->arrival);
    use_number(use, 2, feed);
    use_number(use, 3, entry->seq);
    use_number(use, 4, entry->content_type);
    use_number(use, 5, stored->certificate);
    use_number(use, 6, stored->received_ms);
    use_blob(use, 7, span_of_id(&entry->hash));
    use_blob(use, 8, entry->bytes);
    use->bound |= sqlite3_bind_null(use->statement, 9);
    use->bound |= sqlite3_bind_null(use->statement, 10);
    use->bound |= sqlite3_bind_null(use->statement, 11);
    if (entry->signature_checked)
        use_blob(use, 9, entry->signature);
    if (entry->has_content) {
        use_blob(use, 10, entry->salt);
        use_blob(use, 11, entry->content);
    }
    rc = use_step(use, &row, error);
    sqlite3_reset(use->statement);
    return rc;
}

int sqlite_write_append(void *self, struct store_entry *entries, size_t count, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_feed feed = {0};
    struct use use;
    int rc = writable(ledger, error);

    if (rc || count == 0)
        return rc;
    rc = sqlite_ledger_feed(ledger, &entries[0].entry.feed, &feed, error);
    if (rc == ERROR_NOT_FOUND)
        feed.feed.head.feed = entries[0].entry.feed;
    else if (rc)
        ledger->failed = true;
    if (rc && rc != ERROR_NOT_FOUND)
        return rc;
    rc = rules_check_order(&feed.feed.head, entries, count, error);
    if (!rc && feed.number == 0)
        rc = feed_take(ledger, &entries[0].entry.feed, &feed, error);
    if (!rc)
        rc = use_start(&use, ledger, STATEMENT_ADD_ENTRY, error);
    if (rc)
        return rc;
    for (size_t i = 0; i < count && !rc; i++) {
        entries[i].arrival = ledger->last_arrival + 1;
        rc = insert_entry(&use, feed.number, &entries[i], error);
        if (!rc)
            ledger->last_arrival++;
        rules_follow(&feed.feed, &entries[i]);
    }
    use_finish(&use);
    return rc ? rc : feed_save(ledger, &feed, error);
}

/* What a kept entry has; ERROR_NOT_FOUND when it is not kept. */
static int entry_has(struct sqlite_ledger *ledger, uint64_t feed, uint64_t seq, bool *content,
                     bool *signature, struct error *error)
{
    struct use use;
    bool row = false;
    int rc = use_start(&use, ledger, STATEMENT_HAS, error);

    if (rc)
        return rc;
    use_number(&use, 1, feed);
    use_number(&use, 2, seq);
    rc = use_step(&use, &row, error);
    if (!rc && row) {
        *content = database_u64(use.statement, 0) != 0;
        *signature = database_u64(use.statement, 1) != 0;
    }
    use_finish(&use);
    return rc || row ? rc : rules_no_entry(seq, error);
}

int sqlite_write_content(void *self, const struct id *feed, uint64_t seq, struct span salt,
                         struct span content, uint64_t received_ms, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_feed row;
    struct use use;
    bool has_content = false, has_signature = false;
    int rc = writable(ledger, error);

    if (!rc)
        rc = feed_find(ledger, feed, &row, error);
    if (rc)
        return rc;
    rc = entry_has(ledger, row.number, seq, &has_content, &has_signature, error);
    if (!rc && has_content)
        rc = rules_has_content(seq, error);
    if (!rc)
        rc = use_start(&use, ledger, STATEMENT_SET_CONTENT, error);
    if (rc)
        return rc;
    use_number(&use, 1, row.number);
    use_number(&use, 2, seq);
    use_number(&use, 3, ledger->last_arrival + 1);
    use_blob(&use, 4, salt);
    use_blob(&use, 5, content);
    use_number(&use, 6, received_ms);
    rc = use_run(&use, error);
    if (rc)
        return rc;
    row.feed.head_arrival = ++ledger->last_arrival;
    row.feed.missing -= row.feed.missing > 0;
    return feed_save(ledger, &row, error);
}

int sqlite_write_signature(void *self, const struct id *feed, uint64_t seq, struct span signature,
                           struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_feed row;
    struct use use;
    bool has_content = false, has_signature = false;
    int rc = writable(ledger, error);

    if (!rc)
        rc = feed_find(ledger, feed, &row, error);
    if (!rc)
        rc = entry_has(ledger, row.number, seq, &has_content, &has_signature, error);
    if (!rc && has_signature)
        rc = rules_has_signature(seq, error);
    if (!rc)
        rc = use_start(&use, ledger, STATEMENT_SET_SIGNATURE, error);
    if (rc)
        return rc;
    use_number(&use, 1, row.number);
    use_number(&use, 2, seq);
    use_blob(&use, 3, signature);
    rc = use_run(&use, error);
    if (rc)
        return rc;
    rules_follow_signature(&row.feed, seq);
    return feed_save(ledger, &row, error);
}

int sqlite_write_frozen(void *self, const struct id *feed, bool frozen, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_feed row;
    struct use use;
    int rc = writable(ledger, error);

    if (!rc)
        rc = feed_take(ledger, feed, &row, error);
    if (!rc)
        rc = use_start(&use, ledger, STATEMENT_SET_FROZEN, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of_id(feed));
    use_number(&use, 2, frozen);
    return use_run(&use, error);
}

int sqlite_write_statement(void *self, const struct id *feed, struct span signed_head,
                           uint64_t as_of_ms, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_feed row;
    struct use use;
    int rc = writable(ledger, error);

    if (!rc)
        rc = feed_take(ledger, feed, &row, error);
    if (!rc)
        rc = use_start(&use, ledger, STATEMENT_SET_STATEMENT, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of_id(feed));
    use_blob(&use, 2, signed_head);
    use_number(&use, 3, as_of_ms);
    return use_run(&use, error);
}

int sqlite_write_certificate(void *self, const struct id *feed,
                             const struct store_certificate *certificate, struct error *error)
{
    struct use use;
    int rc = writable(self, error);

    if (!rc)
        rc = use_start(&use, self, STATEMENT_PUT_CERTIFICATE, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of_id(feed));
    use_number(&use, 2, certificate->number);
    use_number(&use, 3, certificate->seq);
    use_blob(&use, 4, certificate->encoded);
    return use_run(&use, error);
}

int sqlite_write_conflict(void *self, const struct store_conflict *conflict, struct error *error)
{
    struct use use;
    int rc = writable(self, error);

    if (!rc)
        rc = use_start(&use, self, STATEMENT_PUT_CONFLICT, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of_id(&conflict->feed));
    use_number(&use, 2, conflict->certificate);
    use_number(&use, 3, conflict->seq);
    use_blob(&use, 4, conflict->kept);
    use_blob(&use, 5, conflict->other);
    return use_run(&use, error);
}

int sqlite_write_receipt(void *self, const struct store_receipt *receipt, struct error *error)
{
    struct use use;
    int rc = writable(self, error);

    if (!rc)
        rc = use_start(&use, self, STATEMENT_PUT_RECEIPT, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of_id(&receipt->feed));
    use_blob(&use, 2, span_of_id(&receipt->receiver));
    use_number(&use, 3, receipt->certificate);
    use_number(&use, 4, receipt->seq);
    use_number(&use, 5, receipt->missing);
    use_number(&use, 6, receipt->counter);
    use_number(&use, 7, receipt->received_ms);
    use_blob(&use, 8, receipt->encoded);
    return use_run(&use, error);
}

int sqlite_write_cursor(void *self, const struct id *partner,
                        const uint8_t ledger[STORE_LEDGER_ID_SIZE], uint64_t arrival,
                        struct error *error)
{
    struct use use;
    int rc = writable(self, error);

    if (!rc)
        rc = use_start(&use, self, STATEMENT_PUT_CURSOR, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of_id(partner));
    use_blob(&use, 2, span_of(ledger, STORE_LEDGER_ID_SIZE));
    use_number(&use, 3, arrival);
    return use_run(&use, error);
}

int sqlite_write_request(void *self, const uint8_t request[STORE_REQUEST_ID_SIZE], uint64_t seq,
                         struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct use use;
    int rc = writable(ledger, error);

    if (!rc)
        rc = use_start(&use, ledger, STATEMENT_PUT_REQUEST, error);
    if (rc)
        return rc;
    use_blob(&use, 1, span_of(request, STORE_REQUEST_ID_SIZE));
    use_number(&use, 2, seq);
    rc = use_run(&use, error);
    if (!rc && sqlite3_changes(ledger->database.handle) == 0)
        rc = error_set(error, ERROR_EXISTS, "this request was answered before");
    return rc;
}

int sqlite_write_value(void *self, const char *name, struct span value, struct error *error)
{
    struct use use;
    int rc = writable(self, error);

    if (!rc)
        rc = use_start(&use, self, STATEMENT_PUT_VALUE, error);
    if (rc)
        return rc;
    use.bound |= sqlite3_bind_text(use.statement, 1, name, -1, SQLITE_STATIC);
    use_blob(&use, 2, value);
    return use_run(&use, error);
}
