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

static bool write_mark(struct sqlite_ledger *ledger, bool unclean, struct error *error)
{
    struct sqlite_use use;

    if (sqlite_use_start(&use, ledger, STATEMENT_SET_UNCLEAN, error))
        return false;
    sqlite_use_number(&use, 1, unclean);
    return sqlite_use_run(&use, error) == ERROR_NONE;
}

int sqlite_clean_mark(struct sqlite_ledger *ledger, struct error *error)
{
    if (!write_mark(ledger, true, error))
        return (int)error->code;
    ledger->unclean = true;
    ledger->clean_pages = 0;
    return ERROR_NONE;
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

/* true: all pages are clean, and on disk. */
static bool clean_pages(struct sqlite_ledger *ledger)
{
    struct pages pages;
    uint32_t end;
    bool done = open_pages(ledger, &pages);

    if (!done)
        return false;
    /* A page that is remembered as it was would be written again. */
    sqlite3_db_release_memory(ledger->database.handle);
    end = ledger->clean_pages + SQLITE_CLEAN_SIZE / pages.size;
    end = end < pages.count ? end : pages.count;
    while (done && ledger->clean_pages < end) {
        done = clean_page(&pages, ledger->clean_pages + 1);
        ledger->clean_pages += done;
    }
    done = done && pages.file->pMethods->xSync(pages.file, SQLITE_SYNC_NORMAL) == SQLITE_OK &&
           ledger->clean_pages == pages.count;
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
    struct error error;
    bool done = database_run(&ledger->database, "BEGIN IMMEDIATE", "write to", &error) == 0 &&
                write_mark(ledger, false, &error) &&
                database_run(&ledger->database, "COMMIT", "write to", &error) == 0;

    if (!done)
        sqlite3_exec(ledger->database.handle, "ROLLBACK", NULL, NULL, NULL);
    ledger->unclean = !done;
}

void sqlite_clean_step(struct sqlite_ledger *ledger)
{
    if (ledger->unclean && empty_log(ledger) && clean_pages(ledger) && remove_copies(ledger))
        take_mark_back(ledger);
}

void sqlite_clean_end(struct sqlite_ledger *ledger)
{
    uint32_t before;

    do {
        before = ledger->clean_pages;
        sqlite_clean_step(ledger);
    } while (ledger->unclean && ledger->clean_pages != before);
}

int sqlite_clean_start(struct sqlite_ledger *ledger, struct error *error)
{
    int64_t unclean = 0;
    int rc = database_integer(&ledger->database, "SELECT unclean FROM ledger", 0, &unclean, error);

    ledger->unclean = unclean != 0;
    if (!rc)
        sqlite_clean_step(ledger);
    return rc;
}
