#include "tests/sim/store_fault.h"

static bool fails(struct store_fault *fault)
{
    bool now = fault->fail_at && --fault->fail_at == 0;

    fault->random = fault->random * 6364136223846793005u + 1442695040888963407u;
    now = now || (fault->random >> 33) % 1000 < fault->per_mille;
    fault->failures += now;
    fault->failed = fault->failed || now;
    return now;
}

static int full(struct error *error)
{
    return error_set(error, ERROR_IO, "no space left on the simulated disk");
}

#define INNER(operation, ...)                                                                      \
    ((struct store_fault *)self)                                                                   \
        ->inner.operations->operation(((struct store_fault *)self)->inner.self, __VA_ARGS__)

#define WRITE(operation, ...) (fails(self) ? full(error) : INNER(operation, __VA_ARGS__))

static int info(void *self, struct store_info *out, struct error *error)
{
    return INNER(info, out, error);
}

static int begin(void *self, struct error *error)
{
    struct store_fault *fault = self;

    fault->failures += fault->shut;
    if (fault->shut || (!fault->spares_begin && fails(self)))
        return full(error);
    fault->failed = false;
    return INNER(begin, error);
}

static void rollback(void *self)
{
    struct store_fault *fault = self;

    fault->inner.operations->rollback(fault->inner.self);
}

static int commit(void *self, struct error *error)
{
    struct store_fault *fault = self;
    int code;

    fault->failed = fault->failed || fault->no_commit;
    if ((!fault->spares_begin && fails(self)) || fault->failed) {
        rollback(self);
        return full(error);
    }
    code = INNER(commit, error);
    if (fault->lose_answer) {
        fault->lose_answer = false;
        return full(error);
    }
    return code;
}

static int append(void *self, struct store_entry *entries, size_t count, struct error *error)
{
    return WRITE(append, entries, count, error);
}

static int put_content(void *self, const struct id *feed, uint64_t seq, struct span salt,
                       struct span content, uint64_t received_ms, struct error *error)
{
    return WRITE(put_content, feed, seq, salt, content, received_ms, error);
}

static int erase(void *self, const struct id *feed, const struct erasure_order *orders,
                 size_t count, size_t *erased, struct error *error)
{
    *erased = 0;
    return WRITE(erase, feed, orders, count, erased, error);
}

static int quarantine(void *self, const struct id *feed, uint64_t first, uint64_t recoveries,
                      struct error *error)
{
    return WRITE(quarantine, feed, first, recoveries, error);
}

static int cut_certificates(void *self, const struct id *feed, uint64_t first, struct error *error)
{
    return WRITE(cut_certificates, feed, first, error);
}

static int put_frozen(void *self, const struct id *feed, bool frozen, struct error *error)
{
    return WRITE(put_frozen, feed, frozen, error);
}

static int put_statement(void *self, const struct id *feed, struct span signed_head,
                         uint64_t as_of_ms, struct error *error)
{
    return WRITE(put_statement, feed, signed_head, as_of_ms, error);
}

static int put_certificate(void *self, const struct id *feed,
                           const struct store_certificate *certificate, struct error *error)
{
    return WRITE(put_certificate, feed, certificate, error);
}

static int put_conflict(void *self, const struct store_conflict *conflict, struct error *error)
{
    return WRITE(put_conflict, conflict, error);
}

static int put_receipt(void *self, const struct store_receipt *receipt, struct error *error)
{
    return WRITE(put_receipt, receipt, error);
}

static int put_cursor(void *self, const struct id *partner,
                      const uint8_t ledger[STORE_LEDGER_ID_SIZE], uint64_t arrival,
                      struct error *error)
{
    return WRITE(put_cursor, partner, ledger, arrival, error);
}

static int put_request(void *self, const uint8_t request[STORE_REQUEST_ID_SIZE], uint64_t seq,
                       struct error *error)
{
    return WRITE(put_request, request, seq, error);
}

static int put_value(void *self, const char *name, struct span value, struct error *error)
{
    return WRITE(put_value, name, value, error);
}

static int get_feed(void *self, const struct id *feed, struct store_feed *out, struct error *error)
{
    return INNER(get_feed, feed, out, error);
}

static int get_cursor(void *self, const struct id *partner, uint8_t ledger[STORE_LEDGER_ID_SIZE],
                      uint64_t *arrival, struct error *error)
{
    return INNER(get_cursor, partner, ledger, arrival, error);
}

static int get_request(void *self, const uint8_t request[STORE_REQUEST_ID_SIZE], uint64_t *seq,
                       struct error *error)
{
    return INNER(get_request, request, seq, error);
}

static int get_value(void *self, const char *name, struct buffer *out, struct error *error)
{
    return INNER(get_value, name, out, error);
}

static int feeds(void *self, uint64_t after, bool with_empty, size_t limit,
                 store_feed_visitor visit, void *context, struct error *error)
{
    return INNER(feeds, after, with_empty, limit, visit, context, error);
}

static int certificates(void *self, const struct id *feed, store_certificate_visitor visit,
                        void *context, struct error *error)
{
    return INNER(certificates, feed, visit, context, error);
}

static int conflicts(void *self, store_conflict_visitor visit, void *context, struct error *error)
{
    return INNER(conflicts, visit, context, error);
}

static int receipts(void *self, const struct id *feed, store_receipt_visitor visit, void *context,
                    struct error *error)
{
    return INNER(receipts, feed, visit, context, error);
}

static int entries(void *self, const struct id *feed, uint64_t first, uint64_t last,
                   store_entry_visitor visit, void *context, struct error *error)
{
    return INNER(entries, feed, first, last, visit, context, error);
}

static int newest(void *self, const struct id *feed, uint32_t type, store_entry_visitor visit,
                  void *context, struct error *error)
{
    return INNER(newest, feed, type, visit, context, error);
}

static int quarantined(void *self, const struct id *feed, store_quarantined_visitor visit,
                       void *context, struct error *error)
{
    return INNER(quarantined, feed, visit, context, error);
}

static int arrivals(void *self, uint64_t after, uint32_t types, store_entry_visitor visit,
                    void *context, struct error *error)
{
    return INNER(arrivals, after, types, visit, context, error);
}

static int missing(void *self, const struct id *feed, uint64_t *seqs, size_t limit, size_t *count,
                   struct error *error)
{
    return INNER(missing, feed, seqs, limit, count, error);
}

static void destroy(void *self)
{
    struct store_fault *fault = self;

    fault->inner.operations->destroy(fault->inner.self);
}

static const struct store_operations operations = {
    .info = info,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .append = append,
    .put_content = put_content,
    .erase = erase,
    .quarantine = quarantine,
    .put_frozen = put_frozen,
    .put_statement = put_statement,
    .put_certificate = put_certificate,
    .cut_certificates = cut_certificates,
    .put_conflict = put_conflict,
    .put_receipt = put_receipt,
    .put_cursor = put_cursor,
    .put_request = put_request,
    .put_value = put_value,
    .get_feed = get_feed,
    .get_cursor = get_cursor,
    .get_request = get_request,
    .get_value = get_value,
    .feeds = feeds,
    .certificates = certificates,
    .conflicts = conflicts,
    .receipts = receipts,
    .entries = entries,
    .newest = newest,
    .quarantined = quarantined,
    .arrivals = arrivals,
    .missing = missing,
    .destroy = destroy,
};

void store_fault_wrap(struct store_fault *fault, struct store *store)
{
    *fault = (struct store_fault){.inner = *store, .random = 1};
    *store = (struct store){&operations, fault};
}
