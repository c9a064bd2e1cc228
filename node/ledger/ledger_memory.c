#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "node/ledger/ledger.h"
#include "node/ledger/memory_feeds.h"
#include "node/ledger/memory_ledger.h"

int memory_ledger_writable(const struct memory_store *store, struct error *error)
{
    if (!store->writer)
        return error_set(error, ERROR_DENIED, "this is a reader of the ledger; it cannot write");
    if (!store->ledger->open)
        return error_set(error, ERROR_INTERNAL, "writing to the ledger outside a transaction");
    return ERROR_NONE;
}

int memory_ledger_failed(struct memory_store *store, struct error *error)
{
    store->ledger->failed = true;
    return error_memory(error);
}

/* --- transactions ----------------------------------------------------------------------------- */

static int ledger_info(void *self, struct store_info *info, struct error *error)
{
    const struct memory_store *store = self;
    const struct memory_ledger *ledger = store->ledger;

    (void)error;
    memcpy(info->ledger, ledger->id, sizeof info->ledger);
    info->unclean = false;
    info->generation = store->writer ? ledger->generation : ledger->committed_generation;
    info->last_arrival = store->writer ? ledger->arrival_count : ledger->committed_arrivals;
    return ERROR_NONE;
}

static int ledger_begin(void *self, struct error *error)
{
    struct memory_store *store = self;

    if (!store->writer)
        return memory_ledger_writable(store, error);
    if (store->ledger->open)
        return error_set(error, ERROR_INTERNAL, "a transaction of the ledger is open already");
    store->ledger->open = true;
    store->ledger->failed = false;
    return ERROR_NONE;
}

static void ledger_rollback(void *self)
{
    struct memory_store *store = self;
    struct memory_ledger *ledger = store->ledger;

    if (!store->writer || !ledger->open)
        return;
    memory_feeds_rollback(ledger);
    for (size_t i = 0; i < MEMORY_TABLE_COUNT; i++)
        memory_table_rollback(&ledger->tables[i]);
    ledger->open = false;
}

static int ledger_commit(void *self, struct error *error)
{
    struct memory_store *store = self;
    struct memory_ledger *ledger = store->ledger;

    if (!store->writer)
        return memory_ledger_writable(store, error);
    if (!ledger->open)
        return error_set(error, ERROR_INTERNAL, "no transaction of the ledger is open");
    if (ledger->failed) {
        ledger_rollback(store);
        return error_set(error, ERROR_IO,
                         "cannot write to the ledger: something in this transaction failed");
    }
    memory_feeds_commit(ledger);
    for (size_t i = 0; i < MEMORY_TABLE_COUNT; i++)
        memory_table_commit(&ledger->tables[i]);
    ledger->open = false;
    return ERROR_NONE;
}

static void ledger_destroy(void *self)
{
    struct memory_store *store = self;

    if (!store)
        return;
    if (store->writer) {
        ledger_rollback(store);
        memory_feeds_finish(store->ledger);
        for (size_t i = 0; i < MEMORY_TABLE_COUNT; i++)
            memory_table_finish(&store->ledger->tables[i]);
        free(store->ledger);
    }
    buffer_finish(&store->statement);
    buffer_finish(&store->scratch);
    free(store);
}

/* --- small tables ----------------------------------------------------------------------------- */

/* A key of an id and a number, in the order of both. */
struct key {
    uint8_t bytes[2 * BYTES_ID_SIZE];
    size_t size;
};

static struct key key_of(const struct id *id, uint64_t number)
{
    struct key key = {.size = BYTES_ID_SIZE + 8};

    memcpy(key.bytes, id->bytes, BYTES_ID_SIZE);
    bytes_put_u64(key.bytes + BYTES_ID_SIZE, number);
    return key;
}

static struct key key_of_two(const struct id *first, const struct id *second)
{
    struct key key = {.size = 2 * BYTES_ID_SIZE};

    memcpy(key.bytes, first->bytes, BYTES_ID_SIZE);
    memcpy(key.bytes + BYTES_ID_SIZE, second->bytes, BYTES_ID_SIZE);
    return key;
}

static struct span key_span(const struct key *key)
{
    return span_of(key->bytes, key->size);
}

static bool append_number(struct buffer *buffer, uint64_t number)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, number);
    return buffer_append(buffer, bytes, sizeof bytes);
}

/* Takes a number off the front of a row's value, which we wrote ourselves. */
static uint64_t take_number(struct span *value)
{
    uint64_t number = bytes_get_u64(value->data);

    value->data += 8;
    value->size -= 8;
    return number;
}

static int table_put(struct memory_store *store, enum memory_table_name table, struct span key,
                     struct span value, struct error *error)
{
    return memory_table_put(&store->ledger->tables[table], key, value)
               ? ERROR_NONE
               : memory_ledger_failed(store, error);
}

static bool table_get(const struct memory_store *store, enum memory_table_name table,
                      struct span key, struct span *value)
{
    return memory_table_get(&store->ledger->tables[table], key, !store->writer, value);
}

/* Visits the rows whose key begins with prefix. */
static void table_visit(const struct memory_store *store, enum memory_table_name name,
                        struct span prefix,
                        int (*visit)(void *context, struct span key, struct span value),
                        void *context)
{
    const struct memory_table *table = &store->ledger->tables[name];
    struct memory_place place = memory_table_find(table, prefix);
    struct span key, value;

    while (memory_table_next(table, &place, !store->writer, &key, &value))
        if (key.size < prefix.size || !span_equal(span_of(key.data, prefix.size), prefix) ||
            visit(context, key, value))
            break;
}

static int put_certificate(void *self, const struct id *feed,
                           const struct store_certificate *certificate, struct error *error)
{
    struct memory_store *store = self;
    struct key key = key_of(feed, certificate->number);
    uint64_t seq = certificate->seq;
    struct span old;
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    if (seq == 0 && table_get(store, MEMORY_CERTIFICATES, key_span(&key), &old) && old.size)
        seq = take_number(&old);
    buffer_clear(&store->scratch);
    if (!append_number(&store->scratch, seq) ||
        !buffer_append(&store->scratch, certificate->encoded.data, certificate->encoded.size))
        return memory_ledger_failed(store, error);
    return table_put(store, MEMORY_CERTIFICATES, key_span(&key), buffer_span(&store->scratch),
                     error);
}

/* Rows of this feed's certificates from a number on: those that were taken away are empty. */
static bool next_certificate(const struct memory_store *store, const struct id *feed,
                             uint64_t number, struct span *key, struct span *value)
{
    const struct memory_table *table = &store->ledger->tables[MEMORY_CERTIFICATES];
    const struct key from = key_of(feed, number);
    struct memory_place place = memory_table_find(table, key_span(&from));

    while (memory_table_next(table, &place, false, key, value))
        if (value->size)
            return span_equal(span_of(key->data, BYTES_ID_SIZE), span_of_id(feed));
    return false;
}

static int cut_certificates(void *self, const struct id *feed, uint64_t first, struct error *error)
{
    struct memory_store *store = self;
    struct span key, value;
    int rc = memory_ledger_writable(store, error);

    while (!rc && next_certificate(store, feed, first, &key, &value))
        rc = table_put(store, MEMORY_CERTIFICATES, key, span_of(NULL, 0), error);
    return rc;
}

/* Certificates whose entries are moved aside are known ahead from then on. */
static int unsee_certificates(struct memory_store *store, const struct id *feed, uint64_t first,
                              struct error *error)
{
    struct span key, value;
    int rc = ERROR_NONE;

    for (uint64_t number = 0; !rc && next_certificate(store, feed, number, &key, &value);) {
        number = bytes_get_u64(key.data + BYTES_ID_SIZE) + 1;
        if (take_number(&value) < first)
            continue;
        buffer_clear(&store->scratch);
        if (!append_number(&store->scratch, 0) ||
            !buffer_append(&store->scratch, value.data, value.size))
            return memory_ledger_failed(store, error);
        rc = table_put(store, MEMORY_CERTIFICATES, key, buffer_span(&store->scratch), error);
    }
    return rc;
}

static int quarantine(void *self, const struct id *feed, uint64_t first, uint64_t recoveries,
                      struct error *error)
{
    int rc = memory_feeds_quarantine(self, feed, first, recoveries, error);

    return rc ? rc : unsee_certificates(self, feed, first, error);
}

static int put_conflict(void *self, const struct store_conflict *conflict, struct error *error)
{
    struct memory_store *store = self;
    struct key key = key_of(&conflict->feed, conflict->certificate);
    struct span old;
    int rc = memory_ledger_writable(store, error);

    if (rc || table_get(store, MEMORY_CONFLICTS, key_span(&key), &old))
        return rc;
    buffer_clear(&store->scratch);
    if (!append_number(&store->scratch, conflict->seq) ||
        !append_number(&store->scratch, conflict->kept.size) ||
        !buffer_append(&store->scratch, conflict->kept.data, conflict->kept.size) ||
        !buffer_append(&store->scratch, conflict->other.data, conflict->other.size))
        return memory_ledger_failed(store, error);
    return table_put(store, MEMORY_CONFLICTS, key_span(&key), buffer_span(&store->scratch), error);
}

static int put_receipt(void *self, const struct store_receipt *receipt, struct error *error)
{
    struct memory_store *store = self;
    struct key key = key_of_two(&receipt->feed, &receipt->receiver);
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    buffer_clear(&store->scratch);
    if (!append_number(&store->scratch, receipt->certificate) ||
        !append_number(&store->scratch, receipt->seq) ||
        !append_number(&store->scratch, receipt->missing) ||
        !append_number(&store->scratch, receipt->counter) ||
        !append_number(&store->scratch, receipt->received_ms) ||
        !buffer_append(&store->scratch, receipt->encoded.data, receipt->encoded.size))
        return memory_ledger_failed(store, error);
    return table_put(store, MEMORY_RECEIPTS, key_span(&key), buffer_span(&store->scratch), error);
}

static int put_cursor(void *self, const struct id *partner, const uint8_t ledger[16],
                      uint64_t arrival, struct error *error)
{
    struct memory_store *store = self;
    uint8_t value[STORE_LEDGER_ID_SIZE + 8];
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    memcpy(value, ledger, STORE_LEDGER_ID_SIZE);
    bytes_put_u64(value + STORE_LEDGER_ID_SIZE, arrival);
    return table_put(store, MEMORY_CURSORS, span_of_id(partner), span_of(value, sizeof value),
                     error);
}

static int put_request(void *self, const uint8_t request[16], uint64_t seq, struct error *error)
{
    struct memory_store *store = self;
    struct span key = span_of(request, STORE_REQUEST_ID_SIZE), old;
    uint8_t value[8];
    int rc = memory_ledger_writable(store, error);

    if (rc)
        return rc;
    if (table_get(store, MEMORY_REQUESTS, key, &old))
        return error_set(error, ERROR_EXISTS, "this request was answered before");
    bytes_put_u64(value, seq);
    return table_put(store, MEMORY_REQUESTS, key, span_of(value, sizeof value), error);
}

static int put_value(void *self, const char *name, struct span value, struct error *error)
{
    struct memory_store *store = self;
    int rc = memory_ledger_writable(store, error);

    return rc ? rc : table_put(store, MEMORY_VALUES, span_of_text(name), value, error);
}

static int get_cursor(void *self, const struct id *partner, uint8_t ledger[16], uint64_t *arrival,
                      struct error *error)
{
    struct span value;

    if (!table_get(self, MEMORY_CURSORS, span_of_id(partner), &value))
        return error_set(error, ERROR_NOT_FOUND, "this cursor is not in the ledger");
    memcpy(ledger, value.data, STORE_LEDGER_ID_SIZE);
    *arrival = bytes_get_u64(value.data + STORE_LEDGER_ID_SIZE);
    return ERROR_NONE;
}

static int get_request(void *self, const uint8_t request[16], uint64_t *seq, struct error *error)
{
    struct span value;

    if (!table_get(self, MEMORY_REQUESTS, span_of(request, STORE_REQUEST_ID_SIZE), &value))
        return error_set(error, ERROR_NOT_FOUND, "this request is not in the ledger");
    *seq = bytes_get_u64(value.data);
    return ERROR_NONE;
}

static int get_value(void *self, const char *name, struct buffer *out, struct error *error)
{
    struct span value;

    if (!table_get(self, MEMORY_VALUES, span_of_text(name), &value))
        return error_set(error, ERROR_NOT_FOUND, "the value %s is not in the ledger", name);
    buffer_clear(out);
    return buffer_append(out, value.data, value.size) ? ERROR_NONE : error_memory(error);
}

struct certificate_visit {
    store_certificate_visitor visit;
    void *context;
};

static int visit_certificate(void *context, struct span key, struct span value)
{
    const struct certificate_visit *to = context;
    struct store_certificate certificate = {.number = bytes_get_u64(key.data + BYTES_ID_SIZE)};

    if (!value.size)
        return 0; /* taken away */
    certificate.seq = take_number(&value);
    certificate.encoded = value;
    return to->visit(to->context, &certificate);
}

static int visit_certificates(void *self, const struct id *feed, store_certificate_visitor visit,
                              void *context, struct error *error)
{
    struct certificate_visit to = {visit, context};

    (void)error;
    table_visit(self, MEMORY_CERTIFICATES, span_of_id(feed), visit_certificate, &to);
    return ERROR_NONE;
}

struct conflict_visit {
    store_conflict_visitor visit;
    void *context;
};

static int visit_conflict(void *context, struct span key, struct span value)
{
    const struct conflict_visit *to = context;
    struct store_conflict conflict = {.certificate = bytes_get_u64(key.data + BYTES_ID_SIZE)};
    size_t kept;

    memcpy(conflict.feed.bytes, key.data, BYTES_ID_SIZE);
    conflict.seq = take_number(&value);
    kept = (size_t)take_number(&value);
    conflict.kept = span_of(value.data, kept);
    conflict.other = span_of(value.data + kept, value.size - kept);
    return to->visit(to->context, &conflict);
}

static int visit_conflicts(void *self, store_conflict_visitor visit, void *context,
                           struct error *error)
{
    struct conflict_visit to = {visit, context};

    (void)error;
    table_visit(self, MEMORY_CONFLICTS, span_of(NULL, 0), visit_conflict, &to);
    return ERROR_NONE;
}

struct receipt_visit {
    store_receipt_visitor visit;
    void *context;
};

static int visit_receipt(void *context, struct span key, struct span value)
{
    const struct receipt_visit *to = context;
    struct store_receipt receipt;

    memcpy(receipt.feed.bytes, key.data, BYTES_ID_SIZE);
    memcpy(receipt.receiver.bytes, key.data + BYTES_ID_SIZE, BYTES_ID_SIZE);
    receipt.certificate = take_number(&value);
    receipt.seq = take_number(&value);
    receipt.missing = take_number(&value);
    receipt.counter = take_number(&value);
    receipt.received_ms = take_number(&value);
    receipt.encoded = value;
    return to->visit(to->context, &receipt);
}

static int visit_receipts(void *self, const struct id *feed, store_receipt_visitor visit,
                          void *context, struct error *error)
{
    struct receipt_visit to = {visit, context};

    (void)error;
    table_visit(self, MEMORY_RECEIPTS, span_of_id(feed), visit_receipt, &to);
    return ERROR_NONE;
}

/* --- the table of operations ------------------------------------------------------------------ */

static const struct store_operations operations = {
    .info = ledger_info,
    .begin = ledger_begin,
    .commit = ledger_commit,
    .rollback = ledger_rollback,
    .append = memory_feeds_append,
    .put_content = memory_feeds_content,
    .erase = memory_feeds_erase,
    .quarantine = quarantine,
    .put_frozen = memory_feeds_frozen,
    .put_statement = memory_feeds_statement,
    .put_certificate = put_certificate,
    .cut_certificates = cut_certificates,
    .put_conflict = put_conflict,
    .put_receipt = put_receipt,
    .put_cursor = put_cursor,
    .put_request = put_request,
    .put_value = put_value,
    .get_feed = memory_feeds_get,
    .get_cursor = get_cursor,
    .get_request = get_request,
    .get_value = get_value,
    .feeds = memory_feeds_visit,
    .certificates = visit_certificates,
    .conflicts = visit_conflicts,
    .receipts = visit_receipts,
    .entries = memory_feeds_entries,
    .newest = memory_feeds_newest,
    .quarantined = memory_feeds_quarantined,
    .arrivals = memory_feeds_arrivals,
    .missing = memory_feeds_missing,
    .destroy = ledger_destroy,
};

int ledger_memory_create(struct store *out, struct error *error)
{
    struct memory_store *store = calloc(1, sizeof *store);
    struct memory_ledger *ledger = calloc(1, sizeof *ledger);
    int code = store && ledger ? ERROR_NONE : error_memory(error);

    if (!code && getrandom(ledger->id, sizeof ledger->id, 0) != (ssize_t)sizeof ledger->id)
        code = error_set(error, ERROR_IO, "no random bytes for the id of a ledger");
    if (code) {
        free(store);
        free(ledger);
        return code;
    }
    store->ledger = ledger;
    store->writer = true;
    *out = (struct store){&operations, store};
    return ERROR_NONE;
}

int ledger_memory_open_reader(const struct store *writer, struct store *out, struct error *error)
{
    const struct memory_store *from = writer->self;
    struct memory_store *store = calloc(1, sizeof *store);

    if (!store)
        return error_memory(error);
    store->ledger = from->ledger;
    *out = (struct store){&operations, store};
    return ERROR_NONE;
}
