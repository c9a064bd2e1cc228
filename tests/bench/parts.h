/* parts: SQLite and libzmq as the floors and the bounding programs use them: a file of numbered
 * blobs in WAL mode with every commit synced, sockets with or without CURVE, and packs of made-up
 * entries with something to hash. Nothing of Caravan's is in here. What fails ends the program
 * (tools.h).
 *
 * Threads: a file or a socket belongs to one. parts_keys comes before the first socket. */
#ifndef TESTS_BENCH_PARTS_H
#define TESTS_BENCH_PARTS_H

#include "tests/bench/tools.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parts_file {
    sqlite3 *db;
    sqlite3_stmt *insert, *read;
};

/* Makes FOLDER/NAME.sqlite. */
void parts_open(struct parts_file *file, const char *folder, const char *name);
void parts_close(struct parts_file *file);
void parts_begin(struct parts_file *file);
void parts_commit(struct parts_file *file); /* on disk when it returns */
/* Inserts; a transaction of its own when none was begun. */
void parts_insert(struct parts_file *file, uint64_t number, const void *bytes, size_t size);
/* The bytes are borrowed until the next call. */
const void *parts_read(struct parts_file *file, uint64_t number, size_t *size);

#define PARTS_ENDPOINT_SIZE 64

/* Makes the keys of a server and of a client. */
void parts_keys(void);
/* A socket of this type on a free port of the loopback address. hwm: ZMQ_SNDHWM and ZMQ_RCVHWM. */
void *parts_bind(void *context, int type, bool curve, int hwm, char endpoint[PARTS_ENDPOINT_SIZE]);
void *parts_connect(void *context, int type, bool curve, int hwm, const char *endpoint);
void parts_set(void *socket, int option, int value);

/* Entries of a pack, each: size of the rest (4 bytes), header (200: as large as an Entry), salt
 * (16) and content. out holds `count` times PARTS_ENTRY_MAX. Returns the size of the pack. */
#define PARTS_ENTRY_MAX 8192
size_t parts_pack(const struct contents *contents, uint64_t first, uint64_t count, uint8_t *out);
/* The two hashes that every entry costs: of salt and content, and of a header that has this and the
 * hash of the entry before in it. previous ends as the hash of the last entry. */
void parts_hash(const uint8_t *pack, size_t size, uint8_t previous[32], struct arrivals *arrivals);

#endif
