/* database: one SQLite connection: how it is opened, its prepared statements, its errors in plain
 * words. Threads: a struct database belongs to one thread. */
#ifndef LEDGER_DATABASE_H
#define LEDGER_DATABASE_H

#include <sqlite3.h>

#include "common/bytes.h"
#include "common/error.h"

/* Readers can meet a writer that is recovering the log of a killed process; they wait this long. */
#define DATABASE_BUSY_TIMEOUT_MS 5000

struct database {
    sqlite3 *handle;
    char *path;
    const char *const *texts;  /* SQL of each prepared statement; borrowed */
    sqlite3_stmt **statements; /* prepared when first used */
    size_t count;
};

enum database_mode {
    DATABASE_READ,
    DATABASE_READ_FOREIGN, /* a file that came from elsewhere: its mode is not looked at */
    DATABASE_WRITE,
    DATABASE_CREATE
};

/* texts may be NULL with count 0. DATABASE_CREATE makes the file, mode 0600, ERROR_EXISTS when
 * there is one. DATABASE_READ and _WRITE refuse a file that others than its owner may read or
 * write. All but _CREATE refuse an empty file, ERROR_IO. */
int database_open(struct database *database, const char *path, enum database_mode mode,
                  const char *const *texts, size_t count, struct error *error);
/* Zeroed is fine. */
void database_close(struct database *database);

/* Fills error from the connection's last error: "cannot <action> <path>: why; what to do". */
int database_fail(const struct database *database, const char *action, struct error *error);
/* The same from a result code. */
int database_fail_code(const char *path, int code, const char *action, struct error *error);

/* Runs SQL that returns nothing. */
int database_run(const struct database *database, const char *sql, const char *action,
                 struct error *error);
/* One integer; `fallback` when there is no row. */
int database_integer(const struct database *database, const char *sql, int64_t fallback,
                     int64_t *out, struct error *error);

/* Statement number `which`, ready for binding. While it is in use, take gives another one. */
int database_take(struct database *database, size_t which, sqlite3_stmt **out, struct error *error);
void database_release(struct database *database, size_t which, sqlite3_stmt *statement);
/* Runs it to the next row. *row: there is one. */
int database_step(const struct database *database, sqlite3_stmt *statement, const char *action,
                  bool *row, struct error *error);

/* Binding; what is bound stays borrowed until release. Return a SQLite code, to be or-ed. An empty
 * blob is bound as an empty blob, never as NULL. */
int database_bind_u64(sqlite3_stmt *statement, int index, uint64_t value);
int database_bind_blob(sqlite3_stmt *statement, int index, struct span value);
/* Reading; borrowed until the next step. */
uint64_t database_u64(sqlite3_stmt *statement, int column);
struct span database_blob(sqlite3_stmt *statement, int column);

/* Makes an empty file, mode 0600; ERROR_EXISTS when there is one. */
int database_make_file(const char *path, struct error *error);
/* Syncs a finished file, and the folder it is in, to disk. Not for a file that a connection has
 * open: closing a file gives up all locks that the process has on it, SQLite's too. */
int database_sync_file(const char *path, struct error *error);
/* The folder that a file is in, alone. */
int database_sync_folder(const char *path, struct error *error);

#endif
