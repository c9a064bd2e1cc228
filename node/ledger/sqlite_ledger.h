/* sqlite_ledger: what the parts of the ledger on SQLite share: its state and its statements.
 * Threads: as struct store. */
#ifndef LEDGER_SQLITE_LEDGER_H
#define LEDGER_SQLITE_LEDGER_H

#include "node/core/ports.h"
#include "node/ledger/database.h"
#include "node/ledger/segment.h"

/* One feed's row. */
struct sqlite_feed {
    uint64_t number; /* 0: none */
    struct segment_feed common;
    struct store_feed feed;
};

/* What the writer keeps in memory of what it writes: the feed that it appends to, and the newest
 * segment. They go into the tables when another one takes their place, before something reads them,
 * and at commit; so entries that are appended one by one in a transaction cost no statement each.
 */
struct sqlite_tail {
    struct sqlite_feed feed; /* statement and frozen are not kept up to date here */
    bool feed_changed;       /* its row is to be written */
    uint64_t number;         /* of the segment's feed */
    struct segment segment;  /* count 0: none */
    bool stored;             /* it has a row */
    bool changed;            /* … that is to be written */
    struct sqlite_small {    /* small rows of that feed that stand at the end of the table */
        uint64_t number, first, next; /* feed, first arrival, next one if they are to go on */
        uint64_t next_seq;            /* … with this seq; a late content has an old one */
        size_t rows, bytes;
    } small;
};

/* What the writer keeps in memory of the newest request ids; see sqlite_requests.h. */
struct sqlite_requests {
    struct sqlite_request {
        uint8_t id[STORE_REQUEST_ID_SIZE];
        uint64_t seq; /* 0: a free slot */
    } * slots;
    size_t capacity, count; /* capacity: a power of two, or 0 */
    bool loaded;            /* all that stand in the table are here */
    bool indexed;           /* … and there are others in the index */
    struct buffer fresh;    /* records that are not in the table yet */
};

/* What is still to be cleaned of the pages; see sqlite_clean.h. */
enum sqlite_owed {
    SQLITE_OWED_NOTHING,
    SQLITE_OWED_ROUND, /* from `at` to the end, and then from the beginning to `from` */
    SQLITE_OWED_REST,  /* from `at` to `from` */
};
struct sqlite_sweep {
    enum sqlite_owed owed;
    uint32_t at;   /* so many pages stand in front of the one that is next */
    uint32_t from; /* … when something was last erased */
    bool moved;    /* since it was last written down */
};

struct sqlite_ledger {
    struct database database;
    bool writer;
    int lock;                   /* file descriptor of the lock; -1: none */
    bool open;                  /* a transaction is */
    bool failed;                /* … and something in it went wrong: commit must not succeed */
    bool erased;                /* … and something in it was erased */
    struct sqlite_sweep sweep;  /* owed: what was erased may stand in the files */
    uint64_t last_arrival;      /* the writer's count, with the open transaction */
    uint64_t committed_arrival; /* … without it */
    struct buffer statement;    /* what get_feed's last answer points to */
    struct sqlite_tail tail;    /* of the writer */
    struct segment scratch;     /* … for rows that it changes or merges */
    struct sqlite_requests requests;
};

#define STATEMENT_SEGMENT_COLUMNS "arrival, seq, count, records"
#define STATEMENT_ARRIVAL_COLUMNS                                                                  \
    "arrival, segment.seq, count, records, feed.id, feed.network FROM segment"
#define STATEMENT_FEED_COLUMNS                                                                     \
    "number, id, certificate, seq, hash, signed_seq, missing, head_arrival, frozen, statement_ms," \
    " statement, network, recoveries, quarantined"

/* Every prepared statement: name, SQL. */
#define STATEMENTS(X)                                                                              \
    X(STATEMENT_BEGIN, "BEGIN IMMEDIATE")                                                          \
    X(STATEMENT_COMMIT, "COMMIT")                                                                  \
    X(STATEMENT_INFO, "SELECT id, last_arrival, unclean, generation FROM ledger")                  \
    X(STATEMENT_SET_ARRIVAL, "UPDATE ledger SET last_arrival = ?1")                                \
    X(STATEMENT_SET_SWEEP, "UPDATE ledger SET unclean = ?1, clean_at = ?2, clean_from = ?3")       \
    X(STATEMENT_GET_FEED, "SELECT " STATEMENT_FEED_COLUMNS " FROM feed WHERE id = ?1")             \
    X(STATEMENT_ADD_FEED, "INSERT INTO feed (id, certificate, seq, hash, signed_seq, missing,"     \
                          " head_arrival, frozen, statement_ms, statement)"                        \
                          " VALUES (?1, 0, 0, x'', 0, 0, 0, 0, 0, x'') ON CONFLICT DO NOTHING")    \
    X(STATEMENT_SET_FEED,                                                                          \
      "UPDATE feed SET certificate = ?2, seq = ?3, hash = ?4, signed_seq = ?5,"                    \
      " missing = ?6, head_arrival = ?7, network = ?8, recoveries = ?9,"                           \
      " quarantined = ?10 WHERE number = ?1")                                                      \
    X(STATEMENT_SET_FROZEN, "UPDATE feed SET frozen = ?2 WHERE id = ?1")                           \
    X(STATEMENT_SET_STATEMENT, "UPDATE feed SET statement = ?2, statement_ms = ?3 WHERE id = ?1")  \
    X(STATEMENT_ADD_SEGMENT,                                                                       \
      "INSERT INTO segment (arrival, feed, seq, count, types, missing, records)"                   \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                                      \
    X(STATEMENT_SET_SEGMENT,                                                                       \
      "UPDATE segment SET count = ?4, types = ?5, missing = ?6, records = ?7"                      \
      " WHERE arrival = ?1")                                                                       \
    X(STATEMENT_DELETE_SEGMENTS, "DELETE FROM segment WHERE arrival BETWEEN ?1 AND ?2")            \
    X(STATEMENT_FIND_SEGMENT, "SELECT " STATEMENT_SEGMENT_COLUMNS " FROM segment WHERE feed = ?1"  \
                              " AND seq <= ?2 ORDER BY seq DESC LIMIT 1")                          \
    X(STATEMENT_SEGMENTS_FROM, "SELECT " STATEMENT_SEGMENT_COLUMNS " FROM segment"                 \
                               " WHERE arrival >= ?1 ORDER BY arrival")                            \
    X(STATEMENT_PUT_CERTIFICATE, "INSERT INTO certificate VALUES (?1, ?2, ?3, ?4)"                 \
                                 " ON CONFLICT DO UPDATE SET encoded = excluded.encoded,"          \
                                 " seq = iif(excluded.seq = 0, seq, excluded.seq)")                \
    X(STATEMENT_NEXT_GENERATION, "UPDATE ledger SET generation = generation + 1")                  \
    X(STATEMENT_QUARANTINE,                                                                        \
      "INSERT INTO quarantine (generation, feed, arrival, seq, count, records)"                    \
      " SELECT (SELECT generation FROM ledger), feed, arrival, seq, count, records FROM segment"   \
      " WHERE feed = ?1 AND seq >= ?2 ORDER BY seq")                                               \
    X(STATEMENT_DELETE_FROM, "DELETE FROM segment WHERE feed = ?1 AND seq >= ?2")                  \
    X(STATEMENT_COUNT_MISSING,                                                                     \
      "SELECT coalesce(sum(missing), 0) FROM segment WHERE feed = ?1 AND missing > 0")             \
    X(STATEMENT_QUARANTINED, "SELECT arrival, seq, count, records FROM quarantine"                 \
                             " WHERE feed = ?1 AND generation = ?2 ORDER BY seq")                  \
    X(STATEMENT_QUARANTINED_BEFORE, "SELECT coalesce(max(generation), 0) FROM quarantine"          \
                                    " WHERE feed = ?1 AND generation < ?2")                        \
    X(STATEMENT_NEXT_ERASED, "SELECT seq FROM segment WHERE feed = ?1 AND seq > ?2 AND seq < ?3"   \
                             " AND types & 8589934592 != 0 ORDER BY seq LIMIT 1")                  \
    X(STATEMENT_QUARANTINED_CONTENT,                                                               \
      "SELECT arrival, seq, count, records, number FROM quarantine WHERE feed = ?1 AND erased = 0" \
      " LIMIT 1")                                                                                  \
    X(STATEMENT_ERASE_QUARANTINED,                                                                 \
      "UPDATE quarantine SET records = ?2, erased = 1 WHERE number = ?1")                          \
    X(STATEMENT_UNSEE_CERTIFICATES,                                                                \
      "UPDATE certificate SET seq = 0 WHERE feed = ?1 AND seq >= ?2")                              \
    X(STATEMENT_CUT_CERTIFICATES, "DELETE FROM certificate WHERE feed = ?1 AND number >= ?2")      \
    X(STATEMENT_PUT_CONFLICT, "INSERT INTO conflict VALUES (?1, ?2, ?3, ?4, ?5)"                   \
                              " ON CONFLICT DO NOTHING")                                           \
    X(STATEMENT_PUT_RECEIPT, "INSERT OR REPLACE INTO receipt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"  \
                             " ?8)")                                                               \
    X(STATEMENT_PUT_CURSOR, "INSERT OR REPLACE INTO cursor VALUES (?1, ?2, ?3)")                   \
    X(STATEMENT_ADD_REQUESTS, "INSERT INTO request_recent (requests) VALUES (?1)")                 \
    X(STATEMENT_RECENT_REQUESTS, "SELECT requests FROM request_recent ORDER BY number")            \
    X(STATEMENT_DELETE_RECENT_REQUESTS, "DELETE FROM request_recent")                              \
    X(STATEMENT_FIND_REQUESTS, "SELECT key, records FROM request_chunk WHERE key <= ?1"            \
                               " ORDER BY key DESC LIMIT 1")                                       \
    X(STATEMENT_NEXT_REQUESTS, "SELECT key, records FROM request_chunk WHERE key >= ?1"            \
                               " ORDER BY key LIMIT 1")                                            \
    X(STATEMENT_NEXT_REQUESTS_KEY, "SELECT key FROM request_chunk WHERE key >= ?1"                 \
                                   " ORDER BY key LIMIT 1")                                        \
    X(STATEMENT_ADD_INDEXED_REQUESTS, "INSERT INTO request_chunk (key, records) VALUES (?1, ?2)")  \
    X(STATEMENT_DELETE_INDEXED_REQUESTS, "DELETE FROM request_chunk WHERE key = ?1")               \
    X(STATEMENT_PUT_VALUE, "INSERT OR REPLACE INTO value VALUES (?1, ?2)")                         \
    X(STATEMENT_GET_CURSOR, "SELECT ledger, arrival FROM cursor WHERE partner = ?1")               \
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
    X(STATEMENT_ENTRIES,                                                                           \
      "SELECT " STATEMENT_SEGMENT_COLUMNS " FROM segment WHERE feed = ?1"                          \
      " AND seq >= coalesce((SELECT seq FROM segment WHERE feed = ?1 AND seq <= ?2"                \
      " ORDER BY seq DESC LIMIT 1), ?2) AND seq <= ?3 ORDER BY seq")                               \
    X(STATEMENT_SEGMENT_BEFORE,                                                                    \
      "SELECT " STATEMENT_SEGMENT_COLUMNS " FROM segment WHERE feed = ?1 AND seq < ?2"             \
      " AND types & ?3 ORDER BY seq DESC LIMIT 1")                                                 \
    X(STATEMENT_ARRIVALS,                                                                          \
      "SELECT " STATEMENT_ARRIVAL_COLUMNS " CROSS JOIN feed ON number = feed"                      \
      " WHERE arrival >= coalesce((SELECT arrival FROM segment WHERE arrival <= ?1"                \
      " ORDER BY arrival DESC LIMIT 1), ?1) AND types & ?2 ORDER BY arrival")                      \
    X(STATEMENT_RARE_ARRIVALS,                                                                     \
      "SELECT " STATEMENT_ARRIVAL_COLUMNS " INDEXED BY segment_rare"                               \
      " CROSS JOIN feed ON number = feed"                                                          \
      " WHERE arrival >= coalesce((SELECT arrival FROM segment WHERE arrival <= ?1"                \
      " ORDER BY arrival DESC LIMIT 1), ?1) AND types & 31726 != 0 AND types & ?2 ORDER BY "       \
      "arrival")                                                                                   \
    X(STATEMENT_MISSING, "SELECT " STATEMENT_SEGMENT_COLUMNS " FROM segment WHERE feed = ?1"       \
                         " AND missing > 0 ORDER BY seq")

/* The 8589934592 is SEGMENT_HAS_ERASED. */

/* Content types whose segments an index finds: all that are known but announcements and vouches.
 * The 31726 in the SQL of the index and of the statement that uses it. */
#define STATEMENT_RARE_TYPES ((uint32_t)31726)

enum sqlite_statement {
#define STATEMENT_ENUM(name, sql) name,
    STATEMENTS(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        STATEMENT_COUNT
};

/* ERROR_NOT_FOUND when there is none; feed.statement points into ledger->statement. */
int sqlite_ledger_feed(struct sqlite_ledger *ledger, const struct id *id, struct sqlite_feed *out,
                       struct error *error);
/* What its segments have in common; false: no such network. */
bool sqlite_ledger_common(const struct id *feed, struct span network, struct segment_feed *out);
/* The row in the columns of STATEMENT_SEGMENT_COLUMNS; borrowed until the next step. */
struct segment_row sqlite_ledger_segment(sqlite3_stmt *statement);
/* "the ledger's row of X is damaged" */
int sqlite_ledger_damaged(const struct sqlite_ledger *ledger, const char *what,
                          struct error *error);

#endif
