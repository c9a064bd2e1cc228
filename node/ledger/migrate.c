#include "node/ledger/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/fields.h"
#include "node/ledger/segment.h"

static const char select_entries[] =
    "SELECT arrival, entry.seq, entry.certificate, received_ms, entry.hash, entry, signature, salt,"
    " content, entry.feed, feed.id FROM entry CROSS JOIN feed ON number = entry.feed"
    " ORDER BY arrival";
static const char insert_segment[] =
    "INSERT INTO segment (arrival, feed, seq, count, types, missing, records)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
/* Only the first entry of a feed says what its network is. */
static const char set_network[] = "UPDATE feed SET network = ?2 WHERE number = ?1";
static const char get_network[] = "SELECT network FROM feed WHERE number = ?1";
static const char count_old[] = "SELECT count(*) FROM entry";
static const char count_new[] = "SELECT coalesce(sum(count), 0) FROM segment";
/* Feeds whose head is not the last entry that was copied. */
static const char select_wrong_heads[] =
    "SELECT id, seq, last FROM (SELECT id, seq, hash, number, coalesce((SELECT max(segment.seq +"
    " segment.count - 1) FROM segment WHERE segment.feed = number), 0) AS last FROM feed) AS head"
    " WHERE seq != last OR (seq > 0 AND hash IS NOT (SELECT entry.hash FROM entry"
    " WHERE entry.feed = head.number AND entry.seq = head.seq)) LIMIT 1";

struct migration {
    const struct database *database;
    sqlite3_stmt *entries, *insert, *set, *get;
    struct segment segment;
    uint64_t number; /* of its feed; 0: none */
    struct segment_feed feed;
};

static int fail(const struct migration *migration, struct error *error)
{
    return database_fail(migration->database, "change", error);
}

static int prepare(const struct migration *migration, const char *sql, sqlite3_stmt **out,
                   struct error *error)
{
    return sqlite3_prepare_v2(migration->database->handle, sql, -1, out, NULL) == SQLITE_OK
               ? ERROR_NONE
               : fail(migration, error);
}

static int damaged(const struct migration *migration, struct error *error)
{
    return database_fail_code(migration->database->path, SQLITE_CORRUPT, "read an entry from",
                              error);
}

/* What is wrong with the row of an entry: why says it, and is followed by what to do. */
static int bad_row(const struct migration *migration, const struct id *feed, uint64_t seq,
                   const char *why, struct error *error)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], action[512];

    identity_fingerprint(feed, fingerprint);
    snprintf(action, sizeof action, "read entry %" PRIu64 " of feed %s (%.300s) from", seq,
             fingerprint, why);
    return database_fail_code(migration->database->path, SQLITE_CORRUPT, action, error);
}

/* The row of an entry as version 1 kept it. Its signature was checked when it came, and covers the
 * hash; so what hashes to that is what was signed. */
static int read_entry(const struct migration *migration, struct store_entry *out,
                      struct error *error)
{
    sqlite3_stmt *row = migration->entries;
    struct entry *entry = &out->entry;
    struct error why = {0};
    uint64_t seq = database_u64(row, 1);
    struct id feed, hash;

    *out = (struct store_entry){.arrival = database_u64(row, 0),
                                .certificate = database_u64(row, 2),
                                .received_ms = database_u64(row, 3)};
    entry->bytes = database_blob(row, 5);
    entry->has_content = sqlite3_column_type(row, 7) != SQLITE_NULL;
    entry->signature = database_blob(row, 6);
    entry->salt = database_blob(row, 7);
    entry->content = database_blob(row, 8);
    if (!span_to_id(database_blob(row, 10), &feed))
        return damaged(migration, error);
    if (!span_to_id(database_blob(row, 4), &hash))
        return bad_row(migration, &feed, seq, "its hash has another size", error);
    if (entry_read_kept(entry, &hash, &why))
        return bad_row(migration, &feed, seq, why.text, error);
    if (!id_equal(&entry->feed, &feed) || entry->seq != seq)
        return bad_row(migration, &feed, seq, "its bytes are another entry's", error);
    entry->signature_checked = sqlite3_column_type(row, 6) != SQLITE_NULL;
    if (entry->signature_checked != (entry->signature.size > 0))
        return bad_row(migration, &feed, seq, "its signature is empty", error);
    return ERROR_NONE;
}

static int write_segment(struct migration *migration, struct error *error)
{
    const struct segment *segment = &migration->segment;
    sqlite3_stmt *insert = migration->insert;
    bool row;
    int rc;

    if (segment->count == 0)
        return ERROR_NONE;
    rc = database_bind_u64(insert, 1, segment->arrival) |
                 database_bind_u64(insert, 2, migration->number) |
                 database_bind_u64(insert, 3, segment->seq) |
                 database_bind_u64(insert, 4, segment->count) |
                 database_bind_u64(insert, 5, segment->types) |
                 database_bind_u64(insert, 6, segment->missing) |
                 database_bind_blob(insert, 7, buffer_span(&segment->records))
             ? fail(migration, error)
             : database_step(migration->database, insert, "change", &row, error);
    sqlite3_reset(insert);
    return rc;
}

/* Turns to the feed of an entry, and learns its network from it if it has none. */
static int turn_to(struct migration *migration, uint64_t number, const struct entry *entry,
                   struct error *error)
{
    const struct database *database = migration->database;
    struct segment_feed *feed = &migration->feed;
    struct span network;
    bool row = false;
    int rc;

    if (migration->number == number && feed->network_size)
        return ERROR_NONE;
    migration->number = number;
    *feed = (struct segment_feed){.feed = entry->feed};
    rc = database_bind_u64(migration->get, 1, number)
             ? fail(migration, error)
             : database_step(database, migration->get, "change", &row, error);
    network = row ? database_blob(migration->get, 0) : span_of(NULL, 0);
    if (!network.size)
        network = segment_network(entry->bytes);
    if (network.size > sizeof feed->network)
        rc = damaged(migration, error);
    if (!rc && network.size) {
        memcpy(feed->network, network.data, network.size);
        feed->network_size = network.size;
        rc = database_bind_u64(migration->set, 1, number) |
                     database_bind_blob(migration->set, 2, network)
                 ? fail(migration, error)
                 : database_step(database, migration->set, "change", &row, error);
        sqlite3_reset(migration->set);
    }
    sqlite3_reset(migration->get);
    return rc;
}

static int add_entry(struct migration *migration, const struct store_entry *entry,
                     struct error *error)
{
    struct segment *segment = &migration->segment;
    uint64_t number = database_u64(migration->entries, 9);
    bool continues = segment->count && migration->number == number &&
                     segment->arrival + segment->count == entry->arrival &&
                     segment->seq + segment->count == entry->entry.seq &&
                     segment->records.size + segment_room(entry) <= SEGMENT_SIZE;
    int rc = continues ? ERROR_NONE : write_segment(migration, error);

    if (!rc)
        rc = turn_to(migration, number, &entry->entry, error);
    if (!rc && !continues)
        rc =
            segment_start(segment, entry->arrival, entry->entry.seq, &entry->entry.previous, error);
    return rc ? rc : segment_add(segment, &migration->feed, entry, error);
}

/* The old table goes only when all of it is in the new one: an entry whose feed is not known is not
 * found by reading feed by feed. */
static int check_count(const struct migration *migration, struct error *error)
{
    int64_t before = 0, after = 0;
    char action[128];
    int rc = database_integer(migration->database, count_old, 0, &before, error);

    if (!rc)
        rc = database_integer(migration->database, count_new, 0, &after, error);
    if (rc || before == after)
        return rc;
    snprintf(action, sizeof action,
             "take over all entries (of %" PRId64 " only %" PRId64 " belong to a known feed) of",
             before, after);
    return database_fail_code(migration->database->path, SQLITE_CORRUPT, action, error);
}

static int wrong_head(const struct migration *migration, sqlite3_stmt *row, struct error *error)
{
    uint64_t seq = database_u64(row, 1), last = database_u64(row, 2);
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], why[128], action[256];
    struct id feed;

    if (!span_to_id(database_blob(row, 0), &feed))
        return damaged(migration, error);
    identity_fingerprint(&feed, fingerprint);
    snprintf(why, sizeof why, "it should end at No. %" PRIu64 ", and ends at No. %" PRIu64, seq,
             last);
    snprintf(action, sizeof action, "take over feed %s (%s) of", fingerprint,
             seq == last ? "its last entry is not the one that it should end with" : why);
    return database_fail_code(migration->database->path, SQLITE_CORRUPT, action, error);
}

static int check_heads(const struct migration *migration, struct error *error)
{
    sqlite3_stmt *wrong = NULL;
    bool row = false;
    int rc = prepare(migration, select_wrong_heads, &wrong, error);

    if (!rc)
        rc = database_step(migration->database, wrong, "change", &row, error);
    if (row)
        rc = wrong_head(migration, wrong, error);
    sqlite3_finalize(wrong);
    return rc;
}

static int migrate_entries(const struct database *database, struct error *error)
{
    struct migration migration = {.database = database};
    struct store_entry entry;
    bool row = true;
    int rc = prepare(&migration, select_entries, &migration.entries, error);

    if (!rc)
        rc = prepare(&migration, insert_segment, &migration.insert, error);
    if (!rc)
        rc = prepare(&migration, set_network, &migration.set, error);
    if (!rc)
        rc = prepare(&migration, get_network, &migration.get, error);
    while (!rc && row) {
        rc = database_step(database, migration.entries, "change", &row, error);
        if (rc || !row)
            break;
        rc = read_entry(&migration, &entry, error);
        if (!rc)
            rc = add_entry(&migration, &entry, error);
    }
    if (!rc)
        rc = write_segment(&migration, error);
    if (!rc)
        rc = check_count(&migration, error);
    if (!rc)
        rc = check_heads(&migration, error);
    sqlite3_finalize(migration.entries);
    sqlite3_finalize(migration.insert);
    sqlite3_finalize(migration.set);
    sqlite3_finalize(migration.get);
    segment_finish(&migration.segment);
    return rc ? rc : database_run(database, "DROP TABLE entry", "change", error);
}

/* --- request ids -------------------------------------------------------------------------------
 */

/* One row of request_recent with all of them; the writer puts many into its index soon enough. */
static int copy_requests(const struct migration *migration, sqlite3_stmt *from, sqlite3_stmt *into,
                         struct buffer *records, struct error *error)
{
    bool row = true;
    int rc = ERROR_NONE;

    while (!rc && row) {
        struct span id;
        uint8_t seq[8];

        rc = database_step(migration->database, from, "change", &row, error);
        if (rc || !row)
            break;
        id = database_blob(from, 0);
        bytes_put_u64(seq, database_u64(from, 1));
        if (id.size != STORE_REQUEST_ID_SIZE)
            return damaged(migration, error);
        if (!buffer_append(records, id.data, id.size) || !buffer_append(records, seq, sizeof seq))
            return error_memory(error);
    }
    if (!rc && records->size)
        rc = database_bind_blob(into, 1, buffer_span(records))
                 ? fail(migration, error)
                 : database_step(migration->database, into, "change", &row, error);
    return rc;
}

static int migrate_requests(const struct database *database, struct error *error)
{
    const struct migration migration = {.database = database};
    sqlite3_stmt *from = NULL, *into = NULL;
    struct buffer records = {0};
    int rc = prepare(&migration, "SELECT request, seq FROM request", &from, error);

    if (!rc)
        rc = prepare(&migration, "INSERT INTO request_recent (requests) VALUES (?1)", &into, error);
    if (!rc)
        rc = copy_requests(&migration, from, into, &records, error);
    sqlite3_finalize(from);
    sqlite3_finalize(into);
    buffer_finish(&records);
    return rc ? rc : database_run(database, "DROP TABLE request", "change", error);
}

int migrate_to_version_2(const struct database *database, struct error *error)
{
    int rc = migrate_entries(database, error);

    return rc ? rc : migrate_requests(database, error);
}

/* --- proofs of forks ----------------------------------------------------------------------------
 */

/* The SignedEntry without salt and content, unless its content is permanent. What cannot be read
 * stays as it is. */
static bool without_content(struct span proof, struct buffer *out)
{
    Caravan__SignedEntry *signed_entry =
        caravan__signed_entry__unpack(NULL, proof.size, proof.data);
    Caravan__Entry *entry =
        signed_entry && signed_entry->has_entry
            ? caravan__entry__unpack(NULL, signed_entry->entry.len, signed_entry->entry.data)
            : NULL;
    bool done;

    buffer_clear(out);
    if (entry && !entry_content_is_permanent(entry->content_type)) {
        signed_entry->has_salt = signed_entry->has_content = false;
        done = fields_pack(&signed_entry->base, out);
    } else {
        done = buffer_append(out, proof.data, proof.size);
    }
    if (entry)
        caravan__entry__free_unpacked(entry, NULL);
    if (signed_entry)
        caravan__signed_entry__free_unpacked(signed_entry, NULL);
    return done;
}

static int strip_proof(const struct migration *migration, sqlite3_stmt *from, sqlite3_stmt *into,
                       struct error *error)
{
    struct buffer kept = {0}, other = {0};
    bool row;
    int rc = without_content(database_blob(from, 1), &kept) &&
                     without_content(database_blob(from, 2), &other)
                 ? ERROR_NONE
                 : error_memory(error);

    if (!rc)
        rc = database_bind_u64(into, 1, database_u64(from, 0)) |
                     database_bind_blob(into, 2, buffer_span(&kept)) |
                     database_bind_blob(into, 3, buffer_span(&other))
                 ? fail(migration, error)
                 : database_step(migration->database, into, "change", &row, error);
    sqlite3_reset(into);
    buffer_finish(&kept);
    buffer_finish(&other);
    return rc;
}

int migrate_to_version_3(const struct database *database, struct error *error)
{
    const struct migration migration = {.database = database};
    sqlite3_stmt *from = NULL, *into = NULL;
    bool row = true;
    int rc = prepare(&migration, "SELECT rowid, kept, other FROM conflict", &from, error);

    if (!rc)
        rc = prepare(&migration, "UPDATE conflict SET kept = ?2, other = ?3 WHERE rowid = ?1",
                     &into, error);
    while (!rc && row) {
        rc = database_step(database, from, "change", &row, error);
        if (!rc && row)
            rc = strip_proof(&migration, from, into, error);
    }
    sqlite3_finalize(from);
    sqlite3_finalize(into);
    return rc;
}
