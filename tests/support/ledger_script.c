#include "tests/support/ledger_script.h"

#include <string.h>

#include "node/ledger/schema.h"

const char *ledger_script_file(struct ledger_fixture *f)
{
    return folder_file(&f->folder, "ledger.db");
}

void ledger_script_close(struct ledger_fixture *f)
{
    if (f->writer.self)
        f->writer.operations->destroy(f->writer.self);
    f->writer = (struct store){0};
}

int ledger_script_open(struct ledger_fixture *f)
{
    ledger_script_close(f);
    return ledger_sqlite_create(ledger_script_file(f), LEDGER_EXISTING, &f->writer, &f->error);
}

void ledger_script_make_older(struct ledger_fixture *f, size_t version)
{
    /* What takes back the steps to versions 3, 4, … */
    static const char *const back[] = {
        "ALTER TABLE ledger DROP COLUMN unclean; PRAGMA user_version=2",
        ("DROP INDEX segment_rare;"
         "CREATE INDEX segment_rare ON segment (arrival) WHERE types & 110 != 0;"
         "PRAGMA user_version=3"),
        ("ALTER TABLE ledger DROP COLUMN generation; ALTER TABLE feed DROP COLUMN recoveries;"
         "ALTER TABLE feed DROP COLUMN quarantined; DROP TABLE quarantine; PRAGMA user_version=4"),
        ("ALTER TABLE ledger DROP COLUMN clean_at; ALTER TABLE ledger DROP COLUMN clean_from;"
         "PRAGMA user_version=5"),
    };
    struct database database = {0};

    assert_int_equal(2 + sizeof back / sizeof back[0], schema_step_count);
    ledger_script_close(f);
    ok(database_open(&database, ledger_script_file(f), DATABASE_WRITE, NULL, 0, &f->error));
    for (size_t now = schema_step_count; now > version; now--)
        ok(database_run(&database, back[now - 3], "change", &f->error));
    database_close(&database);
}

void ledger_script_says(struct ledger_fixture *f, const char *text)
{
    if (!strstr(f->error.text, text))
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, text);
}

uint64_t ledger_script_head(struct store store, const struct id *feed)
{
    struct store_feed found;
    int code = call(store, get_feed, feed, &found, NULL);

    assert_true(code == ERROR_NONE || code == ERROR_NOT_FOUND);
    return code ? 0 : found.head.seq;
}

static int count(void *context)
{
    ++*(size_t *)context;
    return 0;
}

int ledger_script_count(void *context, const struct store_entry *entry)
{
    (void)entry;
    return count(context);
}

int ledger_script_count_feed(void *context, const struct store_feed *feed)
{
    (void)feed;
    return count(context);
}

static int count_certificate(void *context, const struct store_certificate *certificate)
{
    (void)certificate;
    return count(context);
}

static int count_conflict(void *context, const struct store_conflict *conflict)
{
    (void)conflict;
    return count(context);
}

static int count_quarantined(void *context, const struct store_quarantined *quarantined)
{
    (void)quarantined;
    return count(context);
}

static int count_receipt(void *context, const struct store_receipt *receipt)
{
    (void)receipt;
    return count(context);
}

struct ledger_script ledger_script_make(struct ledger_fixture *f)
{
    struct ledger_script script;

    for (int i = 0; i < 3; i++)
        script.a[i] = sample_next(f->a, ANNOUNCEMENT, "an announcement");
    script.a[2] = sample_unsigned(script.a[2]);
    script.held = script.a[1];
    script.a[1] = sample_without_content(script.a[1]);
    script.b = sample_next(f->b, ANNOUNCEMENT, "another one");
    return script;
}

int ledger_script_write(struct store store, struct ledger_script *script, struct error *error)
{
    const struct id *a = &script->a[0].entry.feed, *b = &script->b.entry.feed;
    struct store_certificate certificate = {1, 1, span_of_text("certificate")};
    struct store_conflict conflict = {*a, 1, 1, span_of_text("kept"), span_of_text("other")};
    struct store_receipt receipt = {.feed = *a, .receiver = *b, .encoded = span_of_text("r")};
    const struct erasure_order order = {1, 2};
    size_t erased;
    uint8_t sixteen[16] = {1};
    int code = call(store, begin, error);

    if (!code)
        code = call(store, append, script->a, 3, error);
    if (!code)
        code = call(store, append, &script->b, 1, error);
    if (!code)
        code = call(store, put_content, a, 2, script->held.entry.salt, script->held.entry.content,
                    1, error);
    if (!code)
        code = call(store, erase, a, &order, 1, &erased, error);
    if (!code)
        code = call(store, quarantine, a, 3, 0, error);
    if (!code)
        code = call(store, erase, a, &order, 1, &erased, error); /* what is quarantined */
    if (!code)
        code = call(store, append, script->a + 2, 1, error);
    if (!code)
        code = call(store, put_frozen, a, true, error);
    if (!code)
        code = call(store, put_statement, b, span_of_text("statement"), 1, error);
    if (!code)
        code = call(store, put_certificate, a, &certificate, error);
    if (!code)
        code = call(store, cut_certificates, a, 2, error);
    if (!code)
        code = call(store, put_conflict, &conflict, error);
    if (!code)
        code = call(store, put_receipt, &receipt, error);
    if (!code)
        code = call(store, put_cursor, b, sixteen, 1, error);
    if (!code)
        code = call(store, put_request, sixteen, 1, error);
    if (!code)
        code = call(store, put_value, "name", span_of_text("value"), error);
    return code;
}

int ledger_script_read(struct store store, struct ledger_script *script, size_t *seen,
                       struct error *error)
{
    const struct id *a = &script->a[0].entry.feed, *b = &script->b.entry.feed;
    struct buffer value = {0};
    struct store_feed feed;
    struct store_info info;
    uint8_t sixteen[16] = {1}, got[16];
    uint64_t number;
    size_t missing;
    int code = call(store, info, &info, error);

    if (!code)
        code = call(store, get_feed, b, &feed, error);
    if (!code)
        code = call(store, feeds, 0, true, 9, ledger_script_count_feed, seen, error);
    if (!code)
        code = call(store, entries, a, 1, 9, ledger_script_count, seen, error);
    if (!code)
        code = call(store, arrivals, 0, STORE_ALL_TYPES, ledger_script_count, seen, error);
    if (!code)
        code = call(store, certificates, a, count_certificate, seen, error);
    if (!code)
        code = call(store, conflicts, count_conflict, seen, error);
    if (!code)
        code = call(store, quarantined, a, count_quarantined, seen, error);
    if (!code)
        code = call(store, receipts, a, count_receipt, seen, error);
    if (!code)
        code = call(store, missing, a, &number, 1, &missing, error);
    if (!code)
        code = call(store, get_cursor, b, got, &number, error);
    if (!code)
        code = call(store, get_request, sixteen, &number, error);
    if (!code)
        code = call(store, get_value, "name", &value, error);
    buffer_finish(&value);
    return code;
}
