#include "tests/bench/parts.h"

#include <sodium.h>
#include <string.h>
#include <zmq.h>

/* --- SQLite ----------------------------------------------------------------------------------- */

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        tools_die("SQLite: %s: %s", sql, sqlite3_errmsg(db));
}

void parts_open(struct parts_file *file, const char *folder, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s.sqlite", folder, name);
    TOOLS_MUST(sqlite3_open(path, &file->db) == SQLITE_OK);
    /* The log is emptied as seldom as Caravan's. */
    run(file->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                  "PRAGMA wal_autocheckpoint = 4096;"
                  "CREATE TABLE part (number INTEGER PRIMARY KEY, bytes BLOB)");
    TOOLS_MUST(sqlite3_prepare_v2(file->db, "INSERT INTO part VALUES (?, ?)", -1, &file->insert,
                                  NULL) == SQLITE_OK);
    TOOLS_MUST(sqlite3_prepare_v2(file->db, "SELECT bytes FROM part WHERE number = ?", -1,
                                  &file->read, NULL) == SQLITE_OK);
}

void parts_close(struct parts_file *file)
{
    sqlite3_finalize(file->insert);
    sqlite3_finalize(file->read);
    TOOLS_MUST(sqlite3_close(file->db) == SQLITE_OK);
}

void parts_begin(struct parts_file *file)
{
    run(file->db, "BEGIN");
}

void parts_commit(struct parts_file *file)
{
    run(file->db, "COMMIT");
}

void parts_insert(struct parts_file *file, uint64_t number, const void *bytes, size_t size)
{
    sqlite3_bind_int64(file->insert, 1, (sqlite3_int64)number);
    sqlite3_bind_blob(file->insert, 2, bytes, (int)size, SQLITE_STATIC);
    TOOLS_MUST(sqlite3_step(file->insert) == SQLITE_DONE);
    TOOLS_MUST(sqlite3_reset(file->insert) == SQLITE_OK);
}

const void *parts_read(struct parts_file *file, uint64_t number, size_t *size)
{
    sqlite3_reset(file->read);
    sqlite3_bind_int64(file->read, 1, (sqlite3_int64)number);
    TOOLS_MUST(sqlite3_step(file->read) == SQLITE_ROW);
    *size = (size_t)sqlite3_column_bytes(file->read, 0);
    return sqlite3_column_blob(file->read, 0);
}

/* --- libzmq ----------------------------------------------------------------------------------- */

static char server_public[41], server_secret[41], client_public[41], client_secret[41];

void parts_keys(void)
{
    TOOLS_MUST(zmq_curve_keypair(server_public, server_secret) == 0);
    TOOLS_MUST(zmq_curve_keypair(client_public, client_secret) == 0);
}

void parts_set(void *socket, int option, int value)
{
    TOOLS_MUST(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void *open_socket(void *context, int type, int hwm)
{
    void *socket = zmq_socket(context, type);

    TOOLS_MUST(socket);
    parts_set(socket, ZMQ_SNDHWM, hwm);
    parts_set(socket, ZMQ_RCVHWM, hwm);
    return socket;
}

void *parts_bind(void *context, int type, bool curve, int hwm, char endpoint[PARTS_ENDPOINT_SIZE])
{
    void *socket = open_socket(context, type, hwm);
    size_t size = PARTS_ENDPOINT_SIZE;

    if (curve) {
        parts_set(socket, ZMQ_CURVE_SERVER, 1);
        TOOLS_MUST(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server_secret, 40) == 0);
    }
    TOOLS_MUST(zmq_bind(socket, "tcp://127.0.0.1:*") == 0);
    TOOLS_MUST(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    return socket;
}

void *parts_connect(void *context, int type, bool curve, int hwm, const char *endpoint)
{
    void *socket = open_socket(context, type, hwm);

    if (curve) {
        TOOLS_MUST(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_public, 40) == 0);
        TOOLS_MUST(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, client_public, 40) == 0);
        TOOLS_MUST(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, client_secret, 40) == 0);
    }
    if (type == ZMQ_SUB)
        TOOLS_MUST(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) == 0);
    TOOLS_MUST(zmq_connect(socket, endpoint) == 0);
    return socket;
}

/* --- entries ---------------------------------------------------------------------------------- */

#define HEADER 200
#define SALT 16

size_t parts_pack(const struct contents *contents, uint64_t first, uint64_t count, uint8_t *out)
{
    size_t used = 0;

    for (uint64_t i = first; i < first + count; i++) {
        uint8_t *entry = out + used;
        uint32_t size = HEADER + SALT;

        memset(entry + 4, (int)(i & 255), HEADER + SALT);
        size += (uint32_t)tools_content(contents, i, entry + 4 + HEADER + SALT);
        TOOLS_MUST(4 + size <= PARTS_ENTRY_MAX);
        memcpy(entry, &size, 4);
        used += 4 + size;
    }
    return used;
}

void parts_hash(const uint8_t *pack, size_t size, uint8_t previous[32], struct arrivals *arrivals)
{
    uint8_t header[HEADER];
    uint32_t length;

    for (size_t at = 0; at < size; at += 4 + length) {
        const uint8_t *entry = pack + at + 4;

        TOOLS_MUST(size - at > 4 + HEADER + SALT);
        memcpy(&length, pack + at, 4);
        TOOLS_MUST(length > HEADER + SALT && length <= size - at - 4);
        memcpy(header, entry, HEADER);
        memcpy(header, previous, 32);
        crypto_generichash(header + 32, 32, entry + HEADER, length - HEADER, NULL, 0);
        crypto_generichash(previous, 32, header, HEADER, NULL, 0);
        arrivals_add(arrivals, entry, length);
    }
}
