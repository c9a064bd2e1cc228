/* A ledger of version 1, as the first Caravan made it, becomes one of today. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/ledger_script.h"
#include "tests/support/ledger_seen.h"

#define ENTRIES 600

/* The tables that entries of version 1 stood in, and those that a ledger must have; kept here, so
 * that the program cannot change what old files look like. */
static const char version_1[] =
    "PRAGMA journal_mode=WAL;"
    "CREATE TABLE ledger (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL,"
    "  last_arrival INTEGER NOT NULL) STRICT;"
    "INSERT INTO ledger VALUES (1, x'000102030405060708090a0b0c0d0e0f', 0);"
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
    "  WITHOUT ROWID;"
    "INSERT INTO value VALUES ('name', x'6f6c64');"
    "PRAGMA application_id=1129466929; PRAGMA user_version=1;";

static sqlite3 *open_old(struct ledger_fixture *f)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(ledger_script_file(f), &database), SQLITE_OK);
    return database;
}

static void run(sqlite3 *database, const char *sql)
{
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void bind_blob(sqlite3_stmt *statement, int index, bool there, struct span value)
{
    if (there)
        assert_int_equal(sqlite3_bind_blob(statement, index, value.size ? value.data : (void *)"",
                                           (int)value.size, SQLITE_STATIC),
                         SQLITE_OK);
    else
        assert_int_equal(sqlite3_bind_null(statement, index), SQLITE_OK);
}

static void insert(sqlite3 *database, uint64_t feed, const struct store_entry *stored)
{
    const struct entry *entry = &stored->entry;
    sqlite3_stmt *statement;

    assert_int_equal(
        sqlite3_prepare_v2(database, "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           -1, &statement, NULL),
        SQLITE_OK);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)stored->arrival);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)feed);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)entry->seq);
    sqlite3_bind_int64(statement, 4, entry->content_type);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)stored->certificate);
    sqlite3_bind_int64(statement, 6, (sqlite3_int64)stored->received_ms);
    bind_blob(statement, 7, true, span_of_id(&entry->hash));
    bind_blob(statement, 8, true, entry->bytes);
    bind_blob(statement, 9, entry->signature_checked, entry->signature);
    bind_blob(statement, 10, entry->has_content, entry->salt);
    bind_blob(statement, 11, entry->has_content, entry->content);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

static void insert_feed(sqlite3 *database, uint64_t number, const struct store_entry *last,
                        uint64_t missing, uint64_t signed_seq, uint64_t head_arrival)
{
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(
                         database, "INSERT INTO feed VALUES (?, ?, 1, ?, ?, ?, ?, ?, 0, 5, x'53')",
                         -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
    bind_blob(statement, 2, true, span_of_id(&last->entry.feed));
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)last->entry.seq);
    bind_blob(statement, 4, true, span_of_id(&last->entry.hash));
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)signed_seq);
    sqlite3_bind_int64(statement, 6, (sqlite3_int64)missing);
    sqlite3_bind_int64(statement, 7, (sqlite3_int64)head_arrival);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

/* Two feeds. a's entries 101 … 200 and 301 … stand between others of b; 50 misses its content; 60's
 * came late; 70, 80 and 90 have bytes that no encoder of ours makes; every tenth is signed. */
struct old {
    struct store_entry a[ENTRIES], b[ENTRIES];
    uint8_t foreign[3][LIMIT_ENTRY_SIZE];
    uint64_t last;
};

/* The entry in bytes that another encoder might have made, signed by nobody; the next one follows
 * it. 70 has a field that we do not know. 80 has a length, and 90 a key, of six bytes: that is
 * within what signed bytes may be, but protobuf-c does not read it. */
static struct span foreign_bytes(struct span own, uint64_t seq, uint8_t out[LIMIT_ENTRY_SIZE])
{
    static const uint8_t long_key[] = {0x8a, 0x80, 0x80, 0x80, 0x80, 0x00};
    static const uint8_t long_size[] = {0x0a, 0x8d, 0x80, 0x80, 0x80, 0x80, 0x00};
    static const uint8_t unknown[] = {0x50, 0x01};
    size_t cut = seq == 70 ? 0 : seq == 80 ? 2 : 1, size = 0;

    assert_int_equal(own.data[0], 0x0a);
    assert_int_equal(own.data[1], strlen(INSTITUTION_NETWORK));
    if (seq == 80)
        memcpy(out, long_size, size = sizeof long_size);
    if (seq == 90)
        memcpy(out, long_key, size = sizeof long_key);
    memcpy(out + size, own.data + cut, own.size - cut);
    size += own.size - cut;
    if (seq == 70) {
        memcpy(out + size, unknown, sizeof unknown);
        size += sizeof unknown;
    }
    return span_of(out, size);
}

static void make_foreign(struct ledger_fixture *f, struct old *old, struct entry *entry)
{
    entry->bytes = foreign_bytes(entry->bytes, entry->seq, old->foreign[entry->seq / 10 - 7]);
    entry->signature = span_of(NULL, 0);
    entry->signature_checked = false;
    identity_hash(IDENTITY_ENTRY, entry->bytes, &entry->hash);
    f->a->institution.head.hash = entry->hash;
}

static struct store_entry make_a(struct ledger_fixture *f, struct old *old, uint64_t seq)
{
    struct store_entry entry = sample_next(f->a, seq % 7 ? ANNOUNCEMENT : 2, "an announcement");

    if (seq % 10) {
        entry = sample_unsigned(entry);
        entry.entry.signature = span_of(NULL, 0);
    }
    if (seq == 50)
        entry = sample_without_content(entry);
    if (seq == 70 || seq == 80 || seq == 90)
        make_foreign(f, old, &entry.entry);
    return entry;
}

static void make_old(struct ledger_fixture *f, struct old *old)
{
    char sql[128];
    sqlite3 *database;

    ledger_script_close(f);
    remove(ledger_script_file(f));
    database = open_old(f);
    run(database, version_1);
    run(database, "BEGIN");
    for (uint64_t i = 0; i < ENTRIES; i++) {
        old->a[i] = make_a(f, old, i + 1);
        old->a[i].arrival = ++old->last;
        if (i / 100 % 2) {
            old->b[i] = sample_next(f->b, ANNOUNCEMENT, "of b");
            old->b[i].arrival = ++old->last;
            insert(database, 2, &old->b[i]);
        }
        if (i + 1 != 60)
            insert(database, 1, &old->a[i]);
    }
    old->a[59].arrival = ++old->last;
    insert(database, 1, &old->a[59]);
    insert_feed(database, 1, &old->a[ENTRIES - 1], 1, ENTRIES, old->last);
    insert_feed(database, 2, &old->b[ENTRIES - 1], 0, 300, old->last - 1);
    run(database, "INSERT INTO request VALUES (x'000102030405060708090a0b0c0d0e0f', 7),"
                  " (x'ff0102030405060708090a0b0c0d0e0f', 300)");
    snprintf(sql, sizeof sql, "UPDATE ledger SET last_arrival = %d; COMMIT", (int)old->last);
    run(database, sql);
    sqlite3_close(database);
    assert_int_equal(chmod(ledger_script_file(f), 0600), 0);
}

static void assert_has_requests(struct ledger_fixture *f)
{
    uint8_t id[STORE_REQUEST_ID_SIZE];
    uint64_t seq = 0;

    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (uint8_t)i;
    ok(call(f->writer, get_request, id, &seq, &f->error));
    assert_int_equal(seq, 7);
    id[0] = 0xff;
    ok(call(f->writer, get_request, id, &seq, &f->error));
    assert_int_equal(seq, 300);
    id[0] = 1;
    assert_int_equal(call(f->writer, get_request, id, &seq, NULL), ERROR_NOT_FOUND);
}

static void assert_has_all(struct ledger_fixture *f, const struct old *old)
{
    struct ledger_seen *seen = ledger_seen_arrivals(f->writer, 0, STORE_ALL_TYPES);
    struct store_info info;
    struct store_feed feed;
    uint64_t missing[8];
    size_t count;

    assert_has_requests(f);
    assert_int_equal(seen->count, ENTRIES + ENTRIES / 2);
    for (size_t i = 1; i < seen->count; i++)
        assert_true(seen->arrivals[i] > seen->arrivals[i - 1]);
    assert_int_equal(seen->arrivals[seen->count - 1], old->last);
    assert_int_equal(seen->seqs[seen->count - 1], 60);
    for (size_t i = 0; i < ENTRIES; i++) {
        ledger_seen_kept(f->writer, old->a[i]);
        if (old->b[i].arrival)
            ledger_seen_kept(f->writer, old->b[i]);
    }
    assert_int_equal(ledger_seen_arrivals(f->writer, 0, STORE_TYPE(2))->count, ENTRIES / 7);
    ok(call(f->writer, missing, &f->a->feed, missing, 8, &count, &f->error));
    assert_int_equal(count, 1);
    assert_int_equal(missing[0], 50);
    ok(call(f->writer, info, &info, &f->error));
    assert_int_equal(info.last_arrival, old->last);
    assert_int_equal(info.ledger[15], 15);
    ok(call(f->writer, get_feed, &f->a->feed, &feed, &f->error));
    assert_int_equal(feed.head.seq, ENTRIES);
    assert_int_equal(feed.missing, 1);
    assert_true(span_equal(feed.statement, span_of_text("S")));
}

static int64_t ask(struct ledger_fixture *f, const char *sql)
{
    sqlite3 *database = open_old(f);
    sqlite3_stmt *statement;
    int64_t value;

    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}

static void test_ledger__migrates_entries_into_segments(void **state)
{
    static struct old old;
    struct ledger_fixture *f = *state;
    struct store_entry next;
    struct store store;

    make_old(f, &old);
    assert_int_equal(ledger_sqlite_open_reader(ledger_script_file(f), &store, &f->error),
                     ERROR_CONFIG);
    ledger_script_says(f, "older Caravan");
    ok(ledger_script_open(f));
    assert_has_all(f, &old);
    assert_true(folder_has(&f->folder, "ledger.db.v1"));
    /* It goes on as any other. */
    next = sample_next(f->a, ANNOUNCEMENT, "the next one");
    ledger_fixture_begin(f);
    ledger_fixture_append(f, next);
    ledger_fixture_commit(f);
    assert_int_equal(next.entry.seq, ENTRIES + 1);
    ledger_seen_kept(f->writer, next);
    ledger_script_close(f);
    assert_int_equal(ask(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'entry'"), 0);
    /* Where entries of one feed follow each other, they stand together: three stretches of a with
     * 60 taken out, and 300 pairs. */
    assert_int_equal(ask(f, "SELECT max(count) FROM segment WHERE feed = 1") >= 40, 1);
    assert_int_equal(ask(f, "SELECT count(*) FROM segment WHERE feed = 2"), ENTRIES / 2);
    ok(ledger_script_open(f));
}

static void test_ledger__migrates_all_or_nothing(void **state)
{
    static const struct {
        const char *sql, *why;
    } damage[] = {
        {"entry = x'0801'", "network is a number"},
        {"entry = CAST(entry || x'5001' AS BLOB)", "do not hash to the hash that is kept"},
        {"hash = zeroblob(32)", "do not hash to the hash that is kept"},
        {"hash = x'00'", "its hash has another size"},
        {"content = CAST('something else' AS BLOB)", "content has 14 bytes"},
        {"content = CAST('An announcement' AS BLOB)", "do not hash to content_hash"},
        {"salt = x'00'", "salt has 1 bytes"},
        {"salt = x''", "content without salt"},
        {"signature = x'00'", "signature has 1 bytes"},
        {"signature = x''", "its signature is empty"},
        {"seq = 1000", "its bytes are another entry's"},
    };
    static struct old old;
    struct ledger_fixture *f = *state;
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], sql[256];

    make_old(f, &old);
    identity_fingerprint(&f->a->feed, fingerprint);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        size_t size;
        char *good = folder_read(&f->folder, "ledger.db", &size);
        sqlite3 *database = open_old(f);

        snprintf(sql, sizeof sql, "UPDATE entry SET %s WHERE feed = 1 AND seq = 33", damage[i].sql);
        run(database, sql);
        assert_int_equal(sqlite3_changes(database), 1);
        sqlite3_close(database);
        assert_int_equal(ledger_script_open(f), ERROR_IO);
        ledger_script_says(f, damage[i].why);
        ledger_script_says(f, strstr(damage[i].sql, "seq =") ? "entry 1000 of" : "entry 33 of");
        ledger_script_says(f, fingerprint);
        ledger_script_says(f, "damaged; put it aside");
        assert_int_equal(ask(f, "PRAGMA user_version"), 1);
        assert_int_equal(ask(f, "SELECT count(*) FROM entry"), ENTRIES + ENTRIES / 2);
        assert_int_equal(ask(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'segment'"), 0);
        folder_write(&f->folder, "ledger.db", 0600, good, size);
        free(good);
    }
    ok(ledger_script_open(f)); /* what is not damaged, is migrated */
    assert_has_all(f, &old);
}

/* All that was read is sound, but it is not all that should be there. */
static void test_ledger__migrates_nothing_when_entries_are_missing(void **state)
{
    static const struct {
        const char *sql, *why;
    } damage[] = {
        {"INSERT INTO entry SELECT 5000, 99, seq, content_type, certificate, received_ms, hash,"
         " entry, signature, salt, content FROM entry WHERE feed = 1 AND seq = 33",
         "of 901 only 900 belong to a known feed"},
        {"DELETE FROM feed WHERE number = 2", "of 900 only 600 belong to a known feed"},
        {"DELETE FROM entry WHERE feed = 1 AND seq = 600",
         "it should end at No. 600, and ends at No. 599"},
        {"DELETE FROM entry WHERE feed = 2", "it should end at No. 300, and ends at No. 0"},
        {"UPDATE feed SET seq = 0 WHERE number = 2", "it should end at No. 0, and ends at No. 300"},
        {"UPDATE feed SET hash = zeroblob(32) WHERE number = 2",
         "its last entry is not the one that it should end with"},
    };
    static struct old old;
    struct ledger_fixture *f = *state;

    make_old(f, &old);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        size_t size;
        char *good = folder_read(&f->folder, "ledger.db", &size);
        sqlite3 *database = open_old(f);
        int64_t entries;

        run(database, damage[i].sql);
        sqlite3_close(database);
        entries = ask(f, "SELECT count(*) FROM entry");
        assert_int_equal(ledger_script_open(f), ERROR_IO);
        ledger_script_says(f, damage[i].why);
        ledger_script_says(f, "damaged; put it aside");
        assert_int_equal(ask(f, "PRAGMA user_version"), 1);
        assert_int_equal(ask(f, "SELECT count(*) FROM entry"), entries);
        assert_int_equal(ask(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'segment'"), 0);
        folder_write(&f->folder, "ledger.db", 0600, good, size);
        free(good);
    }
    ok(ledger_script_open(f));
    assert_has_all(f, &old);
}

struct proof {
    struct buffer kept, other;
};

static int note_proof(void *context, const struct store_conflict *conflict)
{
    struct proof *proof = context;

    assert_true(buffer_append(&proof->kept, conflict->kept.data, conflict->kept.size));
    assert_true(buffer_append(&proof->other, conflict->other.data, conflict->other.size));
    return 1;
}

static void assert_entry(struct span bytes, bool has_content)
{
    struct entry entry;

    ok(entry_parse_bytes(bytes, INSTITUTION_NETWORK, &entry, NULL));
    assert_int_equal(entry.has_content, has_content);
    assert_int_equal(entry.signature.size, IDENTITY_SIGNATURE_SIZE);
}

static void test_ledger__migrates_proofs_without_their_contents(void **state)
{
    struct ledger_fixture *f = *state;
    struct buffer text = {0}, profile = {0};
    struct store_conflict conflict = {.certificate = 1, .seq = 1};
    struct store_entry one = sample_next(f->a, ANNOUNCEMENT, "Ask for Anna");
    struct store_entry permanent = sample_next(f->a, 2, "who we are");
    struct proof proof = {0};

    assert_true(entry_encode(&one.entry, true, &text));
    assert_true(entry_encode(&permanent.entry, true, &profile));
    conflict.feed = f->a->feed;
    conflict.kept = buffer_span(&text);
    conflict.other = buffer_span(&profile);
    ledger_fixture_begin(f);
    ledger_fixture_append(f, one);
    ok(call(f->writer, put_conflict, &conflict, &f->error));
    ledger_fixture_commit(f);
    ledger_script_make_older(f, 2);
    ok(ledger_script_open(f));
    ledger_seen_kept(f->writer, one);
    ok(call(f->writer, conflicts, note_proof, &proof, &f->error));
    assert_entry(buffer_span(&proof.kept), false);
    assert_entry(buffer_span(&proof.other), true);
    buffer_finish(&text);
    buffer_finish(&profile);
    buffer_finish(&proof.kept);
    buffer_finish(&proof.other);
}

#define ROW(test)                                                                                  \
    cmocka_unit_test_setup_teardown(test, ledger_fixture_setup_sqlite, ledger_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_ledger__migrates_entries_into_segments),
        ROW(test_ledger__migrates_all_or_nothing),
        ROW(test_ledger__migrates_nothing_when_entries_are_missing),
        ROW(test_ledger__migrates_proofs_without_their_contents),
    };

    return cmocka_run_group_tests_name("ledger_migrate", tests, NULL, NULL);
}
