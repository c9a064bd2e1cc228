#include "node/ledger/schema.h"

#include "node/ledger/migrate.h"
#include "node/ledger/sqlite_quarantine.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* Why it looks as it does:
 * - entry (until version 2): the rowid is the arrival, so that reading by arrival is reading the
 * table in order, and appending is appending. feed is the small number from the feed table. Small
 * columns come first: reading them never touches a large content. Fields that stand inside `entry`
 * (previous, created_ms, …) are not stored again. salt is NULL when the content is missing.
 * - ledger.last_arrival counts on even when the newest entry is taken away.
 * - 64-bit numbers that a peer chooses (counters, foreign arrivals) are stored as their bit pattern
 *   and never compared in SQL. */
static const char version_1[] =
    "CREATE TABLE ledger (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL,"
    "  last_arrival INTEGER NOT NULL) STRICT;"
    "INSERT INTO ledger VALUES (1, randomblob(16), 0);"
    "CREATE TABLE feed (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    "  certificate INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,"
    "  signed_seq INTEGER NOT NULL, missing INTEGER NOT NULL, head_arrival INTEGER NOT NULL,"
    "  frozen INTEGER NOT NULL, statement_ms INTEGER NOT NULL, statement BLOB NOT NULL) STRICT;"
    "CREATE INDEX feed_by_change ON feed (head_arrival);"
    "CREATE TABLE entry (arrival INTEGER PRIMARY KEY, feed INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL, content_type INTEGER NOT NULL, certificate INTEGER NOT NULL,"
    "  received_ms INTEGER NOT NULL, hash BLOB NOT NULL, entry BLOB NOT NULL, signature BLOB,"
    "  salt BLOB, content BLOB, UNIQUE (feed, seq)) STRICT;"
    "CREATE INDEX entry_missing ON entry (feed, seq) WHERE salt IS NULL;"
    "CREATE TABLE certificate (feed BLOB NOT NULL, number INTEGER NOT NULL, seq INTEGER NOT NULL,"
    "  encoded BLOB NOT NULL, PRIMARY KEY (feed, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE conflict (feed BLOB NOT NULL, certificate INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL, kept BLOB NOT NULL, other BLOB NOT NULL,"
    "  PRIMARY KEY (feed, certificate)) STRICT;"
    "CREATE TABLE receipt (feed BLOB NOT NULL, receiver BLOB NOT NULL,"
    "  certificate INTEGER NOT NULL, seq INTEGER NOT NULL, missing INTEGER NOT NULL,"
    "  counter INTEGER NOT NULL, received_ms INTEGER NOT NULL, encoded BLOB NOT NULL,"
    "  PRIMARY KEY (feed, receiver)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cursor (partner BLOB NOT NULL PRIMARY KEY, ledger BLOB NOT NULL,"
    "  arrival INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE request (request BLOB NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) STRICT,"
    "  WITHOUT ROWID;"
    "CREATE TABLE value (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT,"
    "  WITHOUT ROWID;";

/* - segment: consecutive entries of one feed that took consecutive arrivals: see segment.h. The
 * rowid is the arrival of the first one, so that reading by arrival is reading the table in order,
 * and appending is appending. types (bits of segment_type) and missing (how many contents are)
 * stand before the records: what looks for some types or for what is missing does not touch the
 * others.
 * - segment_rare: a start reads certificates, profiles and endpoints of all feeds, the first list
 * or show revisions and withdrawals; 110 is their bits.
 * - feed.network: what the feed's Entry bytes begin with; see segment.h.
 * - request_recent, request_chunk: see sqlite_requests.h. */
static const char version_2[] =
    "ALTER TABLE feed ADD COLUMN network BLOB NOT NULL DEFAULT x'';"
    "CREATE TABLE segment (arrival INTEGER PRIMARY KEY, feed INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL, count INTEGER NOT NULL, types INTEGER NOT NULL,"
    "  missing INTEGER NOT NULL, records BLOB NOT NULL, UNIQUE (feed, seq)) STRICT;"
    "CREATE INDEX segment_missing ON segment (feed, seq) WHERE missing > 0;"
    "CREATE INDEX segment_rare ON segment (arrival) WHERE types & 110 != 0;"
    "CREATE TABLE request_recent (number INTEGER PRIMARY KEY, requests BLOB NOT NULL) STRICT;"
    "CREATE TABLE request_chunk (key INTEGER PRIMARY KEY, records BLOB NOT NULL) STRICT;";

/* - ledger.unclean: not 0 after something was erased, until it is gone from all files, too; a value
 * of enum sqlite_owed.
 * - Records of segments may say that their content was erased: see segment.h. */
static const char version_3[] = "ALTER TABLE ledger ADD COLUMN unclean INTEGER NOT NULL DEFAULT 0;";

/* - segment_rare: the first list or show reads all that was said of announcements, too, and what is
 * sealed, which may be such a thing; 31726 is the bits of all types but announcements. */
static const char version_4[] =
    "DROP INDEX segment_rare;"
    "CREATE INDEX segment_rare ON segment (arrival, types) WHERE types & 31726 != 0;";

/* - ledger.clean_at, clean_from: how far the files are cleaned; struct sqlite_sweep. */
static const char version_6[] = "ALTER TABLE ledger ADD COLUMN clean_at INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE ledger ADD COLUMN clean_from INTEGER NOT NULL DEFAULT "
                                "0;";

const struct schema_step schema_steps[] = {
    {"make the tables", version_1, NULL},
    {"put entries into segments", version_2, migrate_to_version_2},
    {"make room for what erasing leaves", version_3, migrate_to_version_3},
    {"find what is said of announcements", version_4, NULL},
    {"make room for quarantined entries", sqlite_quarantine_schema, NULL},
    {"remember how far the files are cleaned", version_6, NULL},
};
const size_t schema_step_count = sizeof schema_steps / sizeof schema_steps[0];

static int run_steps(const struct database *database, const struct schema_step *steps, size_t from,
                     size_t count, struct error *error)
{
    char sql[128];
    int rc = database_run(database, "BEGIN IMMEDIATE", "change", error);

    if (rc)
        return rc;
    for (size_t i = from; i < count && !rc; i++) {
        rc = database_run(database, steps[i].sql, steps[i].what, error);
        if (!rc && steps[i].run)
            rc = steps[i].run(database, error);
        if (rc)
            error_prefix(error, "version %zu of the ledger's tables", i + 1);
    }
    snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%zu; COMMIT",
             SCHEMA_LEDGER_ID, count);
    if (!rc)
        rc = database_run(database, sql, "change", error);
    if (rc)
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* A database and what belongs to it. What an attempt that was killed, or somebody who took only the
 * database away, has left: SQLite would play journal and log back into the new one. */
static void unlink_left_over(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    char name[PATH_MAX];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (snprintf(name, sizeof name, "%s%s", path, suffixes[i]) < (int)sizeof name)
            unlink(name);
}

int schema_create(const char *path, struct error *error)
{
    struct database database = {0};
    char temporary[PATH_MAX];
    int rc;

    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return error_set(error, ERROR_INVALID, "%s: the path is too long", path);
    if (access(path, F_OK) == 0)
        return error_set(error, ERROR_EXISTS, "%s is there already", path);
    unlink_left_over(path);
    unlink_left_over(temporary);
    rc = database_open(&database, temporary, DATABASE_CREATE, NULL, 0, error);
    if (rc)
        return rc;
    rc = run_steps(&database, schema_steps, 0, schema_step_count, error);
    database_close(&database);
    if (!rc)
        rc = database_sync_file(temporary, error);
    if (!rc && rename(temporary, path) != 0)
        rc = error_errno(error, "make", path);
    if (!rc)
        rc = database_sync_file(path, error);
    if (rc)
        unlink(temporary);
    return rc;
}

int schema_check(const struct database *database, int64_t application_id, struct error *error)
{
    int64_t found = 0, version = 0;
    int rc = database_integer(database, "PRAGMA application_id", 0, &found, error);

    if (!rc)
        rc = database_integer(database, "PRAGMA user_version", 0, &version, error);
    if (rc)
        return rc;
    if (found != application_id)
        return error_set(error, ERROR_INVALID, "%s is %s, not %s", database->path,
                         found == SCHEMA_BACKUP_ID   ? "a Caravan backup"
                         : found == SCHEMA_LEDGER_ID ? "a Caravan ledger"
                                                     : "another program's database",
                         application_id == SCHEMA_BACKUP_ID ? "a Caravan backup"
                                                            : "a Caravan ledger");
    if (version > (int64_t)schema_step_count)
        return error_set(
            error, ERROR_CONFIG,
            "%s was written by a newer Caravan (version %lld, this program reads up to "
            "%zu); install that one",
            database->path, (long long)version, schema_step_count);
    return ERROR_NONE;
}

static int copy_aside(const struct database *database, int64_t version, struct error *error)
{
    char copy[PATH_MAX], temporary[PATH_MAX];
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;

    if (snprintf(copy, sizeof copy, "%s.v%lld", database->path, (long long)version) >=
            (int)sizeof copy ||
        snprintf(temporary, sizeof temporary, "%s.v%lld.new", database->path, (long long)version) >=
            (int)sizeof temporary)
        return error_set(error, ERROR_INVALID, "%s: the path is too long", database->path);
    unlink_left_over(temporary);
    rc = database_make_file(temporary, error);
    if (rc)
        return rc;
    if (sqlite3_prepare_v2(database->handle, "VACUUM INTO ?1", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_bind_text(statement, 1, temporary, -1, SQLITE_STATIC) != SQLITE_OK)
        rc = database_fail(database, "copy", error);
    else
        rc = database_step(database, statement, "copy", &row, error);
    sqlite3_finalize(statement);
    if (!rc)
        rc = database_sync_file(temporary, error);
    if (!rc && rename(temporary, copy) != 0)
        rc = error_errno(error, "make", copy);
    if (rc)
        unlink(temporary);
    return rc;
}

int schema_migrate(const struct database *database, const struct schema_step *steps, size_t count,
                   struct error *error)
{
    int64_t version = 0;
    int rc = database_integer(database, "PRAGMA user_version", 0, &version, error);

    if (rc || version >= (int64_t)count)
        return rc;
    if (version < 1)
        return error_set(error, ERROR_IO, "%s has no tables; it is not a ledger", database->path);
    rc = copy_aside(database, version, error);
    return rc ? rc : run_steps(database, steps, (size_t)version, count, error);
}
