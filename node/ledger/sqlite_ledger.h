/* sqlite_ledger: what the parts of the ledger on SQLite share: its state and its statements.
 * Threads: as struct store. */
#ifndef LEDGER_SQLITE_LEDGER_H
#define LEDGER_SQLITE_LEDGER_H

#include "node/core/ports.h"
#include "node/ledger/database.h"

struct sqlite_ledger {
    struct database database;
    bool writer;
    int lock;                   /* file descriptor of the lock; -1: none */
    bool open;                  /* a transaction is */
    bool failed;                /* … and something in it went wrong: commit must not succeed */
    uint64_t last_arrival;      /* the writer's count, with the open transaction */
    uint64_t committed_arrival; /* … without it */
    struct buffer statement;    /* what get_feed's last answer points to */
};

#define STATEMENT_ENTRY_COLUMNS                                                                    \
    "arrival, seq, content_type, certificate, received_ms, hash, entry, signature, salt, content"
#define STATEMENT_FEED_COLUMNS                                                                     \
    "number, id, certificate, seq, hash, signed_seq, missing, head_arrival, frozen, statement_ms," \
    " statement"

/* Every prepared statement: name, SQL. */
#define STATEMENTS(X)                                                                              \
    X(STATEMENT_BEGIN, "BEGIN IMMEDIATE")                                                          \
    X(STATEMENT_COMMIT, "COMMIT")                                                                  \
    X(STATEMENT_INFO, "SELECT id, last_arrival FROM ledger")                                       \
    X(STATEMENT_SET_ARRIVAL, "UPDATE ledger SET last_arrival = ?1")                                \
    X(STATEMENT_GET_FEED, "SELECT " STATEMENT_FEED_COLUMNS " FROM feed WHERE id = ?1")             \
    X(STATEMENT_ADD_FEED, "INSERT INTO feed (id, certificate, seq, hash, signed_seq, missing,"     \
                          " head_arrival, frozen, statement_ms, statement)"                        \
                          " VALUES (?1, 0, 0, x'', 0, 0, 0, 0, 0, x'') ON CONFLICT DO NOTHING")    \
    X(STATEMENT_SET_FEED,                                                                          \
      "UPDATE feed SET certificate = ?2, seq = ?3, hash = ?4, signed_seq = ?5,"                    \
      " missing = ?6, head_arrival = ?7 WHERE number = ?1")                                        \
    X(STATEMENT_SET_FROZEN, "UPDATE feed SET frozen = ?2 WHERE id = ?1")                           \
    X(STATEMENT_SET_STATEMENT, "UPDATE feed SET statement = ?2, statement_ms = ?3 WHERE id = ?1")  \
    X(STATEMENT_ADD_ENTRY, "INSERT INTO entry (arrival, feed, seq, content_type, certificate,"     \
                           " received_ms, hash, entry, signature, salt, content)"                  \
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")               \
    X(STATEMENT_HAS, "SELECT salt IS NOT NULL, signature IS NOT NULL FROM entry WHERE feed = ?1"   \
                     " AND seq = ?2")                                                              \
    X(STATEMENT_SET_CONTENT, "UPDATE entry SET arrival = ?3, salt = ?4, content = ?5,"             \
                             " received_ms = ?6 WHERE feed = ?1 AND seq = ?2")                     \
    X(STATEMENT_SET_SIGNATURE, "UPDATE entry SET signature = ?3 WHERE feed = ?1 AND seq = ?2")     \
    X(STATEMENT_PUT_CERTIFICATE, "INSERT INTO certificate VALUES (?1, ?2, ?3, ?4)"                 \
                                 " ON CONFLICT DO UPDATE SET encoded = excluded.encoded,"          \
                                 " seq = iif(excluded.seq = 0, seq, excluded.seq)")                \
    X(STATEMENT_PUT_CONFLICT, "INSERT INTO conflict VALUES (?1, ?2, ?3, ?4, ?5)"                   \
                              " ON CONFLICT DO NOTHING")                                           \
    X(STATEMENT_PUT_RECEIPT, "INSERT OR REPLACE INTO receipt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"  \
                             " ?8)")                                                               \
    X(STATEMENT_PUT_CURSOR, "INSERT OR REPLACE INTO cursor VALUES (?1, ?2, ?3)")                   \
    X(STATEMENT_PUT_REQUEST, "INSERT INTO request VALUES (?1, ?2) ON CONFLICT DO NOTHING")         \
    X(STATEMENT_PUT_VALUE, "INSERT OR REPLACE INTO value VALUES (?1, ?2)")                         \
    X(STATEMENT_GET_CURSOR, "SELECT ledger, arrival FROM cursor WHERE partner = ?1")               \
    X(STATEMENT_GET_REQUEST, "SELECT seq FROM request WHERE request = ?1")                         \
    X(STATEMENT_GET_VALUE, "SELECT value FROM value WHERE name = ?1")                              \
    X(STATEMENT_FEEDS, "SELECT " STATEMENT_FEED_COLUMNS " FROM feed WHERE head_arrival > ?1"       \
                       " ORDER BY head_arrival LIMIT ?2")                                          \
    X(STATEMENT_EMPTY_FEEDS, "SELECT " STATEMENT_FEED_COLUMNS " FROM feed WHERE head_arrival = 0"  \
                             " AND number > ?1 ORDER BY number LIMIT ?2")                          \
    X(STATEMENT_CERTIFICATES, "SELECT number, seq, encoded FROM certificate WHERE feed = ?1"       \
                              " ORDER BY number")                                                  \
    X(STATEMENT_CONFLICTS, "SELECT feed, certificate, seq, kept, other FROM conflict"              \
                           " ORDER BY feed, certificate")                                          \
    X(STATEMENT_RECEIPTS,                                                                          \
      "SELECT receiver, certificate, seq, missing, counter, received_ms, encoded"                  \
      " FROM receipt WHERE feed = ?1 ORDER BY receiver")                                           \
    X(STATEMENT_ENTRIES, "SELECT " STATEMENT_ENTRY_COLUMNS " FROM entry WHERE feed = ?1"           \
                         " AND seq BETWEEN ?2 AND ?3 ORDER BY seq LIMIT ?4")                       \
    X(STATEMENT_ARRIVALS, "SELECT " STATEMENT_ENTRY_COLUMNS " FROM entry WHERE arrival > ?1"       \
                          " ORDER BY arrival LIMIT ?2")                                            \
    X(STATEMENT_MISSING, "SELECT seq FROM entry WHERE feed = ?1 AND salt IS NULL ORDER BY seq"     \
                         " LIMIT ?2")

enum sqlite_statement {
#define STATEMENT_ENUM(name, sql) name,
    STATEMENTS(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        STATEMENT_COUNT
};

/* One feed's row. */
struct sqlite_feed {
    uint64_t number;
    struct store_feed feed;
};
/* ERROR_NOT_FOUND when there is none; feed.statement points into ledger->statement. */
int sqlite_ledger_feed(struct sqlite_ledger *ledger, const struct id *id, struct sqlite_feed *out,
                       struct error *error);
/* "the ledger's row of X is damaged" */
int sqlite_ledger_damaged(const struct sqlite_ledger *ledger, const char *what,
                          struct error *error);

#endif
