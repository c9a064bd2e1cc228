#include "node/ledger/sqlite_requests.h"

#include <stdlib.h>
#include <string.h>

#include "node/ledger/sqlite_request_index.h"
#include "node/ledger/sqlite_use.h"

#define RECORD_SIZE SQLITE_REQUEST_RECORD
#define FIRST_CAPACITY 64

/* --- in memory: a hash table, open addressing, at most half full -------------------------------
 */

/* Ids need not be random; but who chooses them is a client of the owner, so they need no secret. */
static size_t slot_of(const struct sqlite_requests *requests,
                      const uint8_t id[STORE_REQUEST_ID_SIZE])
{
    uint64_t mixed = (bytes_get_u64(id) ^ bytes_get_u64(id + 8)) * 0xbf58476d1ce4e5b9u;

    mixed = (mixed ^ mixed >> 27 ^ bytes_get_u64(id + 8)) * 0x94d049bb133111ebu;
    return (size_t)(mixed ^ mixed >> 32) & (requests->capacity - 1);
}

static struct sqlite_request *find(const struct sqlite_requests *requests,
                                   const uint8_t id[STORE_REQUEST_ID_SIZE])
{
    size_t at = slot_of(requests, id);

    while (requests->slots[at].seq &&
           memcmp(requests->slots[at].id, id, STORE_REQUEST_ID_SIZE) != 0)
        at = (at + 1) & (requests->capacity - 1);
    return &requests->slots[at];
}

static bool make_room(struct sqlite_requests *requests)
{
    struct sqlite_requests bigger = {.capacity = requests->capacity ? 2 * requests->capacity
                                                                    : FIRST_CAPACITY};

    if (2 * (requests->count + 1) <= requests->capacity)
        return true;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < requests->capacity; i++)
        if (requests->slots[i].seq)
            *find(&bigger, requests->slots[i].id) = requests->slots[i];
    free(requests->slots);
    requests->slots = bigger.slots;
    requests->capacity = bigger.capacity;
    return true;
}

static int remember(struct sqlite_requests *requests, const uint8_t id[STORE_REQUEST_ID_SIZE],
                    uint64_t seq, struct error *error)
{
    struct sqlite_request *slot;

    if (!make_room(requests))
        return error_memory(error);
    slot = find(requests, id);
    requests->count += slot->seq == 0;
    memcpy(slot->id, id, STORE_REQUEST_ID_SIZE);
    slot->seq = seq;
    return ERROR_NONE;
}

static void write_record(const uint8_t id[STORE_REQUEST_ID_SIZE], uint64_t seq,
                         uint8_t record[RECORD_SIZE])
{
    memcpy(record, id, STORE_REQUEST_ID_SIZE);
    bytes_put_u64(record + STORE_REQUEST_ID_SIZE, seq);
}

static void empty(struct sqlite_requests *requests)
{
    free(requests->slots);
    requests->slots = NULL;
    requests->capacity = requests->count = 0;
    buffer_clear(&requests->fresh);
    requests->loaded = requests->indexed = false;
}

/* --- the recent ones in their table ------------------------------------------------------------
 */

/* Reads all of them into memory. */
static int load(struct sqlite_ledger *ledger, struct sqlite_requests *out, struct error *error)
{
    struct sqlite_use use;
    bool row = true, none = true;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_RECENT_REQUESTS, error);

    if (rc)
        return rc;
    while (!rc && row) {
        struct span records;

        rc = sqlite_use_step(&use, &row, error);
        records = !rc && row ? database_blob(use.statement, 0) : span_of(NULL, 0);
        if (records.size % RECORD_SIZE)
            rc = sqlite_ledger_damaged(ledger, "requests", error);
        for (size_t at = 0; !rc && at < records.size; at += RECORD_SIZE) {
            uint64_t seq = bytes_get_u64(records.data + at + STORE_REQUEST_ID_SIZE);

            rc = seq ? remember(out, records.data + at, seq, error)
                     : sqlite_ledger_damaged(ledger, "requests", error);
        }
    }
    sqlite_use_finish(&use);
    if (!rc)
        rc = sqlite_request_index_is_empty(ledger, &none, error);
    out->indexed = !none;
    out->loaded = rc == ERROR_NONE;
    return rc;
}

static int look(struct sqlite_ledger *ledger, const uint8_t id[STORE_REQUEST_ID_SIZE],
                uint64_t *seq, bool *found, struct error *error)
{
    struct sqlite_requests *requests = &ledger->requests;
    const struct sqlite_request *slot;
    int rc = requests->loaded ? ERROR_NONE : load(ledger, requests, error);

    *found = false;
    if (rc)
        return rc;
    slot = requests->capacity ? find(requests, id) : NULL;
    if (slot && slot->seq) {
        *seq = slot->seq;
        *found = true;
        return ERROR_NONE;
    }
    return requests->indexed ? sqlite_request_index_find(ledger, id, seq, found, error)
                             : ERROR_NONE;
}

int sqlite_requests_get(void *self, const uint8_t id[STORE_REQUEST_ID_SIZE], uint64_t *seq,
                        struct error *error)
{
    struct sqlite_ledger *ledger = self;
    bool found = false;
    int rc = look(ledger, id, seq, &found, error);

    if (!ledger->writer)
        empty(&ledger->requests); /* another process or thread adds to them */
    if (!rc && !found)
        rc = error_set(error, ERROR_NOT_FOUND, "this request is not in the ledger");
    return rc;
}

int sqlite_requests_put(struct sqlite_ledger *ledger, const uint8_t id[STORE_REQUEST_ID_SIZE],
                        uint64_t seq, struct error *error)
{
    struct sqlite_requests *requests = &ledger->requests;
    uint8_t record[RECORD_SIZE];
    uint64_t known;
    bool found = false;
    int rc = look(ledger, id, &known, &found, error);

    if (!rc && found)
        return error_set(error, ERROR_EXISTS, "this request was answered before");
    write_record(id, seq, record);
    if (!rc)
        rc = remember(requests, id, seq, error);
    if (!rc && !buffer_append(&requests->fresh, record, sizeof record))
        rc = error_memory(error);
    ledger->failed |= rc != ERROR_NONE;
    return rc;
}

/* --- settling ----------------------------------------------------------------------------------
 */

static int write_fresh(struct sqlite_ledger *ledger, struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_ADD_REQUESTS, error);

    if (rc)
        return rc;
    sqlite_use_blob(&use, 1, buffer_span(&ledger->requests.fresh));
    rc = sqlite_use_run(&use, error);
    if (!rc)
        buffer_clear(&ledger->requests.fresh);
    return rc;
}

static int compare(const void *a, const void *b)
{
    const struct sqlite_request *left = a, *right = b;

    return memcmp(left->id, right->id, sizeof left->id);
}

/* All of them, sorted, as records. The hash table is none any more afterwards. */
static bool take_sorted(struct sqlite_requests *requests, struct buffer *out)
{
    size_t count = 0;

    for (size_t i = 0; i < requests->capacity; i++)
        if (requests->slots[i].seq)
            requests->slots[count++] = requests->slots[i];
    qsort(requests->slots, count, sizeof *requests->slots, compare);
    for (size_t i = 0; i < count; i++) {
        uint8_t record[RECORD_SIZE];

        write_record(requests->slots[i].id, requests->slots[i].seq, record);
        if (!buffer_append(out, record, sizeof record))
            return false;
    }
    return true;
}

static int write_index(struct sqlite_ledger *ledger, struct error *error)
{
    struct buffer records = {0};
    struct sqlite_use use;
    int rc = take_sorted(&ledger->requests, &records) ? ERROR_NONE : error_memory(error);

    if (!rc)
        rc = sqlite_request_index_add(ledger, buffer_span(&records), error);
    if (!rc)
        rc = sqlite_use_start(&use, ledger, STATEMENT_DELETE_RECENT_REQUESTS, error);
    if (!rc)
        rc = sqlite_use_run(&use, error);
    buffer_finish(&records);
    empty(&ledger->requests);
    return rc;
}

int sqlite_requests_settle(struct sqlite_ledger *ledger, struct error *error)
{
    const struct sqlite_requests *requests = &ledger->requests;

    if (!requests->fresh.size)
        return ERROR_NONE;
    return requests->count < SQLITE_REQUESTS_RECENT ? write_fresh(ledger, error)
                                                    : write_index(ledger, error);
}

void sqlite_requests_forget(struct sqlite_ledger *ledger)
{
    empty(&ledger->requests);
}

void sqlite_requests_finish(struct sqlite_ledger *ledger)
{
    empty(&ledger->requests);
    buffer_finish(&ledger->requests.fresh);
}
