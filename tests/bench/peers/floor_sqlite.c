/* floor_sqlite: what SQLite alone can keep: rows with a number of its feed and a content, in WAL
 * mode, every transaction synced to disk.
 *
 * usage: floor_sqlite FILE CONTENTS ROWS EACH      EACH rows a transaction */
#include "tests/bench/tools.h"

#include <sqlite3.h>

static void must(sqlite3 *db, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        tools_die("SQLite: %s", sqlite3_errmsg(db));
}

static void insert(sqlite3 *db, sqlite3_stmt *statement, const struct contents *contents,
                   uint64_t number)
{
    static uint8_t bytes[TOOLS_CONTENT_MAX];
    size_t size = tools_content(contents, number, bytes);

    must(db, sqlite3_bind_int64(statement, 1, (sqlite3_int64)(number % 50)));
    must(db, sqlite3_bind_int64(statement, 2, (sqlite3_int64)(number / 50)));
    must(db, sqlite3_bind_blob(statement, 3, bytes, (int)size, SQLITE_STATIC));
    must(db, sqlite3_step(statement));
    must(db, sqlite3_reset(statement));
}

/* Every row is there, and has the number that it was given. */
static void read_back(sqlite3 *db, struct arrivals *arrivals)
{
    sqlite3_stmt *statement;

    must(db, sqlite3_prepare_v2(db, "SELECT content FROM entry ORDER BY arrival", -1, &statement,
                                NULL));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(statement, 0);

        arrivals_add(arrivals, bytes, (size_t)sqlite3_column_bytes(statement, 0));
    }
    must(db, sqlite3_finalize(statement));
}

int main(int argc, char **argv)
{
    struct arrivals arrivals = {0};
    struct contents contents;
    sqlite3_stmt *statement;
    uint64_t rows, each;
    int64_t start;
    double cpu;
    sqlite3 *db;

    if (argc != 5)
        tools_die("usage: floor_sqlite FILE CONTENTS ROWS EACH");
    contents = tools_contents(argv[2]);
    rows = (uint64_t)tools_number(argv[3]);
    each = (uint64_t)tools_number(argv[4]);
    TOOLS_MUST(rows > 0 && each > 0 && sqlite3_open(argv[1], &db) == SQLITE_OK);
    must(db, sqlite3_exec(db,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          "PRAGMA wal_autocheckpoint = 4096;"
                          "CREATE TABLE entry (arrival INTEGER PRIMARY KEY, feed INTEGER,"
                          " seq INTEGER, content BLOB, UNIQUE (feed, seq))",
                          NULL, NULL, NULL));
    must(db, sqlite3_prepare_v2(db, "INSERT INTO entry (feed, seq, content) VALUES (?, ?, ?)", -1,
                                &statement, NULL));
    cpu = tools_cpu_seconds(0);
    start = tools_now_ns();
    for (uint64_t i = 0; i < rows; i++) {
        if (i % each == 0)
            must(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
        insert(db, statement, &contents, i);
        if (i % each == each - 1 || i == rows - 1)
            must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    }
    start = tools_now_ns() - start;
    cpu = tools_cpu_seconds(0) - cpu;
    must(db, sqlite3_finalize(statement));
    read_back(db, &arrivals);
    must(db, sqlite3_close(db));
    tools_print_rate(&arrivals, rows, start, cpu);
    return 0;
}
