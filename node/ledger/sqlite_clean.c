#include "node/ledger/sqlite_clean.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/ledger/schema.h"
#include "node/ledger/sqlite_use.h"

/* Of the file format (sqlite.org/fileformat2.html). */
#define FILE_HEADER_SIZE 100
#define LEAF_OF_TABLE 13 /* the first byte of a page that holds rows */
#define LEAF_HEADER_SIZE 8
/* Pages of long contents begin with the number of another page: with so many pages that number
 * could look like a leaf's first byte. That is a file of 800 GB; it is left as it is. */
#define PAGES_MAX ((uint32_t)LEAF_OF_TABLE << 24)

static int write_sweep(struct sqlite_ledger *ledger, const struct sqlite_sweep *sweep,
                       struct error *error)
{
    struct sqlite_use use;
    int rc = sqlite_use_start(&use, ledger, STATEMENT_SET_SWEEP, error);

    if (rc)
        return rc;
    sqlite_use_number(&use, 1, sweep->owed);
    sqlite_use_number(&use, 2, sweep->at);
    sqlite_use_number(&use, 3, sweep->from);
    return sqlite_use_run(&use, error);
}

int sqlite_clean_mark(struct sqlite_ledger *ledger, struct error *error)
{
    struct sqlite_sweep *sweep = &ledger->sweep;

    if (ledger->erased) { /* should this commit fail, some pages are looked at for nothing */
        sweep->owed = SQLITE_OWED_ROUND;
        sweep->from = sweep->at;
        sweep->moved = true;
    }
    return sweep->moved ? write_sweep(ledger, sweep, error) : ERROR_NONE;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* A reader that is in the way ends soon; nobody waits for it here. */
static bool empty_log(const struct sqlite_ledger *ledger)
{
    sqlite3 *handle = ledger->database.handle;
    int code;

    sqlite3_busy_timeout(handle, 0);
    code = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(handle, DATABASE_BUSY_TIMEOUT_MS);
    return code == SQLITE_OK;
}

/* --- pages ------------------------------------------------------------------------------------ */

struct pages {
    sqlite3_file *file;
    uint32_t size, count;
    uint8_t *page;
};

static unsigned two_bytes(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* Where something stands between the list of rows and the first row. false: nothing does, or it is
 * no sound leaf. */
static bool find_room(const struct pages *pages, uint32_t number, size_t *from, size_t *to)
{
    size_t header = number == 1 ? FILE_HEADER_SIZE : 0;
    const uint8_t *page = pages->page;

    if (page[header] != LEAF_OF_TABLE)
        return false;
    *from = header + LEAF_HEADER_SIZE + 2 * (size_t)two_bytes(page + header + 3);
    *to = two_bytes(page + header + 5);
    if (*to == 0)
        *to = 65536;
    if (*to > pages->size || *from >= *to)
        return false;
    while (*from < *to && page[*from] == 0)
        ++*from;
    return *from < *to;
}

/* false: it cannot be read or written now. */
static bool clean_page(const struct pages *pages, uint32_t number)
{
    const sqlite3_io_methods *io = pages->file->pMethods;
    sqlite3_int64 at = (sqlite3_int64)(number - 1) * pages->size;
    size_t from, to;

    if (io->xRead(pages->file, pages->page, (int)pages->size, at) != SQLITE_OK)
        return false;
    if (!find_room(pages, number, &from, &to))
        return true;
    memset(pages->page + from, 0, to - from);
    return io->xWrite(pages->file, pages->page + from, (int)(to - from),
                      at + (sqlite3_int64)from) == SQLITE_OK;
}

static bool open_pages(const struct sqlite_ledger *ledger, struct pages *pages)
{
    int64_t size = 0, count = 0;

    *pages = (struct pages){0};
    if (database_integer(&ledger->database, "PRAGMA page_size", 0, &size, NULL) ||
        database_integer(&ledger->database, "PRAGMA page_count", 0, &count, NULL) || size < 512 ||
        size > 65536 || count >= PAGES_MAX ||
        sqlite3_file_control(ledger->database.handle, "main", SQLITE_FCNTL_FILE_POINTER,
                             &pages->file) != SQLITE_OK ||
        !pages->file || !pages->file->pMethods)
        return false;
    pages->size = (uint32_t)size;
    pages->count = (uint32_t)count;
    pages->page = malloc(pages->size);
    return pages->page != NULL;
}

/* Whether it has come to where it ends; at the end of the file it goes on at the beginning. */
static bool has_come_round(struct sqlite_sweep *sweep, uint32_t page_count)
{
    if (sweep->owed == SQLITE_OWED_ROUND && sweep->at >= page_count) {
        sweep->owed = SQLITE_OWED_REST;
        sweep->at = 0;
    }
    return sweep->owed == SQLITE_OWED_REST && (sweep->at >= sweep->from || sweep->at >= page_count);
}

/* true: all pages that are owed are clean, and on disk. */
static bool clean_pages(struct sqlite_ledger *ledger)
{
    struct sqlite_sweep sweep = ledger->sweep;
    struct pages pages;
    uint32_t left;
    bool done = open_pages(ledger, &pages);

    if (!done)
        return false;
    /* A page that is remembered as it was would be written again. */
    sqlite3_db_release_memory(ledger->database.handle);
    sweep.moved = true;
    for (left = SQLITE_CLEAN_SIZE / pages.size;
         done && left && !has_come_round(&sweep, pages.count); left--) {
        done = clean_page(&pages, sweep.at + 1);
        sweep.at += done;
    }
    if (pages.file->pMethods->xSync(pages.file, SQLITE_SYNC_NORMAL) == SQLITE_OK)
        ledger->sweep = sweep;
    else
        done = false;
    done = done && has_come_round(&ledger->sweep, pages.count);
    free(pages.page);
    return done;
}

/* --- copies ----------------------------------------------------------------------------------- */

static bool remove_copies(const struct sqlite_ledger *ledger)
{
    static const char *const suffixes[] = {"", ".new"};
    const char *path = ledger->database.path;
    char name[PATH_MAX];
    bool removed = false;

    for (size_t version = 1; version < schema_step_count; version++)
        for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
            if (snprintf(name, sizeof name, "%s.v%zu%s", path, version, suffixes[i]) <
                (int)sizeof name)
                removed = unlink(name) == 0 || removed;
    return !removed || database_sync_folder(path, NULL) == ERROR_NONE;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void take_mark_back(struct sqlite_ledger *ledger)
{
    struct sqlite_sweep sweep = {.owed = SQLITE_OWED_NOTHING, .at = ledger->sweep.at};
    struct error error;
    bool done = database_run(&ledger->database, "BEGIN IMMEDIATE", "write to", &error) == 0 &&
                write_sweep(ledger, &sweep, &error) == 0 &&
                database_run(&ledger->database, "COMMIT", "write to", &error) == 0;

    if (done)
        ledger->sweep = sweep;
    else
        sqlite3_exec(ledger->database.handle, "ROLLBACK", NULL, NULL, NULL);
}

void sqlite_clean_step(struct sqlite_ledger *ledger)
{
    bool removed;

    ledger->sweep.moved = false; /* what was to be written down is committed */
    if (ledger->sweep.owed == SQLITE_OWED_NOTHING || !empty_log(ledger))
        return;
    removed = remove_copies(ledger);
    if (clean_pages(ledger) && removed)
        take_mark_back(ledger);
}

void sqlite_clean_end(struct sqlite_ledger *ledger)
{
    struct sqlite_sweep before;

    do {
        before = ledger->sweep;
        sqlite_clean_step(ledger);
    } while (ledger->sweep.owed != SQLITE_OWED_NOTHING &&
             (ledger->sweep.at != before.at || ledger->sweep.owed != before.owed));
}

static int read_number(const struct sqlite_ledger *ledger, const char *sql, uint32_t max,
                       uint32_t *out, struct error *error)
{
    int64_t value = 0;
    int rc = database_integer(&ledger->database, sql, 0, &value, error);

    if (!rc)
        *out = value < 0 || value > max ? 0 : (uint32_t)value;
    return rc;
}

int sqlite_clean_start(struct sqlite_ledger *ledger, struct error *error)
{
    struct sqlite_sweep *sweep = &ledger->sweep;
    uint32_t owed = 0;
    int rc = read_number(ledger, "SELECT unclean FROM ledger", SQLITE_OWED_REST, &owed, error);

    if (!rc)
        rc = read_number(ledger, "SELECT clean_at FROM ledger", UINT32_MAX, &sweep->at, error);
    if (!rc)
        rc = read_number(ledger, "SELECT clean_from FROM ledger", UINT32_MAX, &sweep->from, error);
    sweep->owed = (enum sqlite_owed)owed;
    if (!rc)
        sqlite_clean_step(ledger);
    return rc;
}
