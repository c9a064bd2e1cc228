#include "node/ledger/sqlite_request_index.h"

#include <string.h>

#include "node/ledger/sqlite_use.h"

#define RECORD SQLITE_REQUEST_RECORD

static uint64_t key_of(const uint8_t *id)
{
    return bytes_get_u64(id) >> 1;
}

/* --- reading rows ------------------------------------------------------------------------------
 */

struct chunk {
    uint64_t key;
    struct buffer records;
};

/* The row that a statement with one key finds; its records are copied. */
static int read_chunk(struct sqlite_ledger *ledger, enum sqlite_statement which, uint64_t key,
                      struct chunk *out, bool *found, struct error *error)
{
    struct sqlite_use use;
    struct span records;
    int rc = sqlite_use_start(&use, ledger, which, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, key);
    rc = sqlite_use_step(&use, found, error);
    if (!rc && *found) {
        out->key = database_u64(use.statement, 0);
        records = database_blob(use.statement, 1);
        buffer_clear(&out->records);
        if (!records.size || records.size % RECORD)
            rc = sqlite_ledger_damaged(ledger, "requests", error);
        else if (!buffer_append(&out->records, records.data, records.size))
            rc = error_memory(error);
    }
    sqlite_use_finish(&use);
    ledger->failed |= rc != ERROR_NONE;
    return rc;
}

static int read_key(struct sqlite_ledger *ledger, uint64_t from, uint64_t *key, bool *found,
                    struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_NEXT_REQUESTS_KEY, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, from);
    rc = sqlite_use_step(&use, found, error);
    if (!rc && *found)
        *key = database_u64(use.statement, 0);
    sqlite_use_finish(&use);
    return rc;
}

int sqlite_request_index_is_empty(struct sqlite_ledger *ledger, bool *empty, struct error *error)
{
    uint64_t key;
    bool found = false;
    int rc = read_key(ledger, 0, &key, &found, error);

    *empty = !found;
    return rc;
}

static const uint8_t *search(struct span records, const uint8_t *id)
{
    size_t low = 0, high = records.size / RECORD;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(records.data + middle * RECORD, id, STORE_REQUEST_ID_SIZE);

        if (order == 0)
            return records.data + middle * RECORD;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int sqlite_request_index_find(struct sqlite_ledger *ledger, const uint8_t id[STORE_REQUEST_ID_SIZE],
                              uint64_t *seq, bool *found, struct error *error)
{
    const uint8_t *record = NULL;
    struct sqlite_use use;
    struct span records = {0};
    int rc = sqlite_use_start(&use, ledger, STATEMENT_FIND_REQUESTS, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, key_of(id));
    rc = sqlite_use_step(&use, found, error);
    if (!rc && *found) {
        records = database_blob(use.statement, 1);
        record = search(records, id);
    }
    if (records.size % RECORD)
        rc = sqlite_ledger_damaged(ledger, "requests", error);
    *found = record != NULL;
    if (record)
        *seq = bytes_get_u64(record + STORE_REQUEST_ID_SIZE);
    sqlite_use_finish(&use);
    return rc;
}

/* --- adding ------------------------------------------------------------------------------------
 */

static int write_row(struct sqlite_ledger *ledger, struct span records, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_ADD_INDEXED_REQUESTS, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, key_of(records.data));
    sqlite_use_blob(&use, 2, records);
    return sqlite_use_run(&use, error);
}

static int delete_row(struct sqlite_ledger *ledger, uint64_t key, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_DELETE_INDEXED_REQUESTS, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, key);
    return sqlite_use_run(&use, error);
}

/* Whether the record at this place may begin a row. */
static bool differs_from_last(struct span records, size_t at)
{
    return key_of(records.data + at) != key_of(records.data + at - RECORD);
}

/* In rows of equal size, none larger than it may be unless its ids are alike. */
static int write_rows(struct sqlite_ledger *ledger, struct span records, struct error *error)
{
    size_t count = records.size / RECORD;
    size_t rows = (count + SQLITE_REQUEST_CHUNK - 1) / SQLITE_REQUEST_CHUNK;
    size_t each = rows ? (count + rows - 1) / rows * RECORD : 0, from = 0;
    int rc = ERROR_NONE;

    while (!rc && from < records.size) {
        size_t to = from + each < records.size ? from + each : records.size;

        while (to < records.size && !differs_from_last(records, to))
            to += RECORD;
        rc = write_row(ledger, span_of(records.data + from, to - from), error);
        from = to;
    }
    return rc;
}

static bool merge(struct span old, struct span new, struct buffer *out)
{
    buffer_clear(out);
    if (!buffer_reserve(out, old.size + new.size))
        return false;
    while (old.size || new.size) {
        bool take_old =
            !new.size || (old.size && memcmp(old.data, new.data, STORE_REQUEST_ID_SIZE) < 0);
        struct span *from = take_old ? &old : &new;

        if (!buffer_append(out, from->data, RECORD))
            return false;
        *from = span_of(from->data + RECORD, from->size - RECORD);
    }
    return true;
}

/* Bytes of the records in front of the first with this key. */
static size_t size_below(struct span records, uint64_t key)
{
    size_t size = 0;

    while (size < records.size && key_of(records.data + size) < key)
        size += RECORD;
    return size;
}

/* One row and what goes into it: what is in front of the next row. */
static int add_to_row(struct sqlite_ledger *ledger, const struct chunk *chunk, struct span *records,
                      struct buffer *merged, struct error *error)
{
    uint64_t next = 0;
    bool more = false;
    size_t size;
    int rc = read_key(ledger, chunk->key + 1, &next, &more, error);

    if (rc)
        return rc;
    size = more ? size_below(*records, next) : records->size;
    if (!merge(buffer_span(&chunk->records), span_of(records->data, size), merged))
        return error_memory(error);
    *records = span_of(records->data + size, records->size - size);
    rc = delete_row(ledger, chunk->key, error);
    return rc ? rc : write_rows(ledger, buffer_span(merged), error);
}

int sqlite_request_index_add(struct sqlite_ledger *ledger, struct span records, struct error *error)
{
    struct buffer merged = {0};
    struct chunk chunk = {0};
    bool found = true;
    int rc = ERROR_NONE;

    while (!rc && records.size) {
        rc = read_chunk(ledger, STATEMENT_FIND_REQUESTS, key_of(records.data), &chunk, &found,
                        error);
        if (!rc && !found) /* in front of the first row */
            rc = read_chunk(ledger, STATEMENT_NEXT_REQUESTS, 0, &chunk, &found, error);
        if (rc || !found)
            break;
        rc = add_to_row(ledger, &chunk, &records, &merged, error);
    }
    if (!rc)
        rc = write_rows(ledger, records, error); /* the first of all */
    ledger->failed |= rc != ERROR_NONE;
    buffer_finish(&merged);
    buffer_finish(&chunk.records);
    return rc;
}
