#include "node/ledger/marks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/ledger/database.h"

#define MARKS_ID 0x43524931 /* "CRI1" */
#define MARKS_VERSION 1

enum { STATEMENT_FIND, STATEMENT_ADD, STATEMENT_REMOVE, STATEMENT_COUNT };

static const char *const texts[STATEMENT_COUNT] = {
    "SELECT 1 FROM read WHERE feed = ?1 AND seq = ?2",
    "INSERT OR IGNORE INTO read VALUES (?1, ?2)",
    "DELETE FROM read WHERE feed = ?1 AND seq = ?2",
};

struct marks {
    struct database database;
};

static int make_table(const struct database *database, struct error *error)
{
    return database_run(database,
                        "BEGIN IMMEDIATE;"
                        "CREATE TABLE read (feed BLOB NOT NULL, seq INTEGER NOT NULL,"
                        "  PRIMARY KEY (feed, seq)) STRICT, WITHOUT ROWID;"
                        "PRAGMA application_id = 1129466161; PRAGMA user_version = 1;"
                        "COMMIT",
                        "make", error);
}

static int check(const struct database *database, struct error *error)
{
    int64_t id = 0, version = 0;
    int code = database_integer(database, "PRAGMA application_id", 0, &id, error);

    if (!code)
        code = database_integer(database, "PRAGMA user_version", 0, &version, error);
    if (code)
        return code;
    if (id != MARKS_ID)
        return error_set(error, ERROR_CONFIG,
                         "%s is not the inbox of a Caravan node; put it aside, and a new one is "
                         "made",
                         database->path);
    if (version == MARKS_VERSION)
        return ERROR_NONE;
    return error_set(error, ERROR_CONFIG,
                     "%s was made by a newer Caravan (version %" PRId64
                     " of the file; this program "
                     "knows %d)",
                     database->path, version, MARKS_VERSION);
}

/* Whoever was stopped behind making the file has left it empty: as good as none. */
static bool is_there(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return false;
    return status.st_size > 0 || !S_ISREG(status.st_mode) || unlink(path) != 0;
}

/* A file of which the table was not made any more is as good as none. In another's no table is
 * made. */
static int open_file(const char *path, struct database *database, struct error *error)
{
    bool made = !is_there(path);
    int64_t id = 0, tables = 0;
    int code = database_open(database, path, made ? DATABASE_CREATE : DATABASE_WRITE, texts,
                             STATEMENT_COUNT, error);

    if (!code)
        code = database_integer(database, "PRAGMA application_id", 0, &id, error);
    if (!code)
        code = database_integer(database, "SELECT count(*) FROM sqlite_schema", 0, &tables, error);
    if (!code && (id || tables))
        code = check(database, error);
    if (!code)
        code = database_run(database, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL",
                            "open", error);
    return code || id ? code : make_table(database, error);
}

int marks_create(const char *path, struct marks **out, struct error *error)
{
    struct marks *marks = calloc(1, sizeof *marks);
    int code;

    if (!marks)
        return error_memory(error);
    code = open_file(path, &marks->database, error);
    if (code) {
        marks_destroy(marks);
        return code;
    }
    *out = marks;
    return ERROR_NONE;
}

void marks_destroy(struct marks *marks)
{
    if (!marks)
        return;
    database_close(&marks->database);
    free(marks);
}

static int run(struct marks *marks, size_t which, const struct id *feed, uint64_t seq, bool *row,
               struct error *error)
{
    struct database *database = &marks->database;
    sqlite3_stmt *statement;
    int code = database_take(database, which, &statement, error);

    if (code)
        return code;
    if (database_bind_blob(statement, 1, span_of_id(feed)) | database_bind_u64(statement, 2, seq))
        code = database_fail(database, "use", error);
    else
        code = database_step(database, statement, "use", row, error);
    database_release(database, which, statement);
    return code;
}

int marks_is_read(void *self, const struct id *feed, uint64_t seq, bool *read, struct error *error)
{
    return run(self, STATEMENT_FIND, feed, seq, read, error);
}

int marks_set_read(void *self, const struct mark *marks, size_t count, bool read,
                   struct error *error)
{
    const struct database *database = &((struct marks *)self)->database;
    int code = database_run(database, "BEGIN IMMEDIATE", "write", error);
    bool row;

    for (size_t i = 0; i < count && !code; i++)
        code = run(self, read ? STATEMENT_ADD : STATEMENT_REMOVE, &marks[i].feed, marks[i].seq,
                   &row, error);
    if (!code)
        code = database_run(database, "COMMIT", "write", error);
    /* Some errors have ended the transaction by themselves. */
    if (code && !sqlite3_get_autocommit(database->handle))
        database_run(database, "ROLLBACK", "write", NULL);
    return code;
}
