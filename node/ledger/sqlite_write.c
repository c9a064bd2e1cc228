#include "node/ledger/sqlite_write.h"

#include "node/ledger/rules.h"
#include "node/ledger/sqlite_ledger.h"
#include "node/ledger/sqlite_quarantine.h"
#include "node/ledger/sqlite_requests.h"
#include "node/ledger/sqlite_tail.h"
#include "node/ledger/sqlite_use.h"

int sqlite_write_allowed(const struct sqlite_ledger *ledger, struct error *error)
{
    if (!ledger->writer)
        return error_set(error, ERROR_DENIED, "this is a reader of the ledger; it cannot write");
    if (!ledger->open)
        return error_set(error, ERROR_INTERNAL, "writing to the ledger outside a transaction");
    return ERROR_NONE;
}

int sqlite_write_append(void *self, struct store_entry *entries, size_t count, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct entry_head nothing = {0};
    bool found;
    int rc = sqlite_write_allowed(ledger, error);

    if (rc || count == 0)
        return rc;
    rc = sqlite_tail_feed(ledger, &entries[0].entry.feed, error);
    found = rc == ERROR_NONE;
    if (rc && rc != ERROR_NOT_FOUND)
        return rc;
    nothing.feed = entries[0].entry.feed;
    rc = rules_check_order(found ? &ledger->tail.feed.feed.head : &nothing, entries, count, error);
    if (!rc && !found)
        rc = sqlite_tail_make_feed(ledger, &entries[0].entry.feed, error);
    for (size_t i = 0; i < count && !rc; i++)
        rc = sqlite_tail_add(ledger, &entries[i], error);
    return rc;
}

int sqlite_write_content(void *self, const struct id *feed, uint64_t seq, struct span salt,
                         struct span content, uint64_t received_ms, struct error *error)
{
    int rc = sqlite_write_allowed(self, error);

    return rc ? rc : sqlite_tail_content(self, feed, seq, salt, content, received_ms, error);
}

int sqlite_write_erase(void *self, const struct id *feed, const struct erasure_order *orders,
                       size_t count, size_t *erased, struct error *error)
{
    int rc = sqlite_write_allowed(self, error);

    *erased = 0;
    if (!rc)
        rc = sqlite_tail_erase(self, feed, orders, count, erased, error);
    return rc || !count ? rc : sqlite_quarantine_erase(self, feed, error);
}

int sqlite_write_frozen(void *self, const struct id *feed, bool frozen, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_use use;
    int rc = sqlite_write_allowed(ledger, error);

    if (!rc)
        rc = sqlite_tail_add_feed(ledger, feed, error);
    if (!rc)
        rc = sqlite_use_start(&use, ledger, STATEMENT_SET_FROZEN, error);
    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(feed));
    sqlite_use_number(&use, 2, frozen);
    return sqlite_use_run(&use, error);
}

int sqlite_write_statement(void *self, const struct id *feed, struct span signed_head,
                           uint64_t as_of_ms, struct error *error)
{
    struct sqlite_ledger *ledger = self;
    struct sqlite_use use;
    int rc = sqlite_write_allowed(ledger, error);

    if (!rc)
        rc = sqlite_tail_add_feed(ledger, feed, error);
    if (!rc)
        rc = sqlite_use_start(&use, ledger, STATEMENT_SET_STATEMENT, error);
    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(feed));
    sqlite_use_blob(&use, 2, signed_head);
    sqlite_use_number(&use, 3, as_of_ms);
    return sqlite_use_run(&use, error);
}

int sqlite_write_certificate(void *self, const struct id *feed,
                             const struct store_certificate *certificate, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_write_allowed(self, error);

    if (!rc)
        rc = sqlite_use_start(&use, self, STATEMENT_PUT_CERTIFICATE, error);
    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(feed));
    sqlite_use_number(&use, 2, certificate->number);
    sqlite_use_number(&use, 3, certificate->seq);
    sqlite_use_blob(&use, 4, certificate->encoded);
    return sqlite_use_run(&use, error);
}

int sqlite_write_cut_certificates(void *self, const struct id *feed, uint64_t first,
                                  struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_write_allowed(self, error);

    if (!rc)
        rc = sqlite_use_start(&use, self, STATEMENT_CUT_CERTIFICATES, error);
    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(feed));
    sqlite_use_number(&use, 2, first);
    return sqlite_use_run(&use, error);
}

int sqlite_write_conflict(void *self, const struct store_conflict *conflict, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_write_allowed(self, error);

    if (!rc)
        rc = sqlite_use_start(&use, self, STATEMENT_PUT_CONFLICT, error);
    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(&conflict->feed));
    sqlite_use_number(&use, 2, conflict->certificate);
    sqlite_use_number(&use, 3, conflict->seq);
    sqlite_use_blob(&use, 4, conflict->kept);
    sqlite_use_blob(&use, 5, conflict->other);
    return sqlite_use_run(&use, error);
}

int sqlite_write_receipt(void *self, const struct store_receipt *receipt, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_write_allowed(self, error);

    if (!rc)
        rc = sqlite_use_start(&use, self, STATEMENT_PUT_RECEIPT, error);
    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(&receipt->feed));
    sqlite_use_blob(&use, 2, span_of_id(&receipt->receiver));
    sqlite_use_number(&use, 3, receipt->certificate);
    sqlite_use_number(&use, 4, receipt->seq);
    sqlite_use_number(&use, 5, receipt->missing);
    sqlite_use_number(&use, 6, receipt->counter);
    sqlite_use_number(&use, 7, receipt->received_ms);
    sqlite_use_blob(&use, 8, receipt->encoded);
    return sqlite_use_run(&use, error);
}

int sqlite_write_cursor(void *self, const struct id *partner,
                        const uint8_t ledger[STORE_LEDGER_ID_SIZE], uint64_t arrival,
                        struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_write_allowed(self, error);

    if (!rc)
        rc = sqlite_use_start(&use, self, STATEMENT_PUT_CURSOR, error);
    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, span_of_id(partner));
    sqlite_use_blob(&use, 2, span_of(ledger, STORE_LEDGER_ID_SIZE));
    sqlite_use_number(&use, 3, arrival);
    return sqlite_use_run(&use, error);
}

int sqlite_write_request(void *self, const uint8_t request[STORE_REQUEST_ID_SIZE], uint64_t seq,
                         struct error *error)
{
    int rc = sqlite_write_allowed(self, error);

    return rc ? rc : sqlite_requests_put(self, request, seq, error);
}

int sqlite_write_value(void *self, const char *name, struct span value, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_write_allowed(self, error);

    if (!rc)
        rc = sqlite_use_start(&use, self, STATEMENT_PUT_VALUE, error);
    if (rc)
        return rc;
    use.bound |= sqlite3_bind_text(use.statement, 1, name, -1, SQLITE_STATIC);
    sqlite_use_blob(&use, 2, value);
    return sqlite_use_run(&use, error);
}
