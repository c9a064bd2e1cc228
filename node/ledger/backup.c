#include "node/ledger/backup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/ledger/archive.h"
#include "node/ledger/schema.h"

#define LEDGER_FILE "ledger.db"
/* Pages copied between two reports of progress: 4 MiB. */
#define PAGES_PER_STEP 1024

struct progress {
    backup_progress report;
    void *context;
};

static int path_of(char out[PATH_MAX], struct error *error, const char *folder,
                   const char *separator, const char *name)
{
    if (snprintf(out, PATH_MAX, "%s%s%s", folder, separator, name) < PATH_MAX)
        return ERROR_NONE;
    return error_set(error, ERROR_INVALID, "%s: the path is too long", folder);
}

/* Copies all pages. The source is held in one read transaction, so that a writer's commits in
 * between neither show up nor make SQLite start again. */
static int copy_pages(const struct database *from, const struct database *to,
                      const struct progress *progress, struct error *error)
{
    int64_t tables;
    sqlite3_backup *backup;
    int code = SQLITE_OK, rc = database_run(from, "BEGIN", "read", error);

    if (rc)
        return rc;
    rc = database_integer(from, "SELECT count(*) FROM sqlite_schema", 0, &tables, error);
    backup = rc ? NULL : sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (!rc && !backup)
        rc = database_fail(to, "write to", error);
    while (!rc && code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, PAGES_PER_STEP);
        if (progress->report && (code == SQLITE_OK || code == SQLITE_DONE)) {
            uint64_t total = (uint64_t)sqlite3_backup_pagecount(backup);
            uint64_t left = (uint64_t)sqlite3_backup_remaining(backup);

            progress->report(progress->context, total - left, total);
        }
    }
    if (!rc && code != SQLITE_DONE)
        rc = database_fail_code(to->path, code, "copy the ledger to", error);
    if (backup)
        sqlite3_backup_finish(backup);
    sqlite3_exec(from->handle, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static void remove_with_journal(const char *path)
{
    char journal[PATH_MAX];

    unlink(path);
    if (path_of(journal, NULL, path, "-", "journal") == ERROR_NONE)
        unlink(journal);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_archive(const struct database *to, const char *home, struct error *error)
{
    char sql[64];
    int rc = database_run(to, "PRAGMA journal_mode=DELETE; BEGIN IMMEDIATE", "write to", error);

    if (!rc)
        rc = archive_pack(to, home, error);
    snprintf(sql, sizeof sql, "PRAGMA application_id=%d; COMMIT", SCHEMA_BACKUP_ID);
    return rc ? rc : database_run(to, sql, "write to", error);
}

static int write_partial(const char *home, const char *partial, const struct progress *progress,
                         struct error *error)
{
    struct database from = {0}, to = {0};
    char ledger[PATH_MAX];
    int rc = path_of(ledger, error, home, "/", LEDGER_FILE);

    if (!rc)
        rc = database_open(&from, ledger, DATABASE_READ, NULL, 0, error);
    if (rc == ERROR_NOT_FOUND)
        rc = error_set(
            error, ERROR_NOT_FOUND,
            "there is no ledger in %s; is this the right home? A new node has one once it "
            "has run",
            home);
    if (!rc)
        rc = schema_check(&from, SCHEMA_LEDGER_ID, error);
    if (!rc)
        rc = database_open(&to, partial, DATABASE_CREATE, NULL, 0, error);
    if (!rc)
        rc = copy_pages(&from, &to, progress, error);
    if (!rc)
        rc = write_archive(&to, home, error);
    database_close(&to);
    database_close(&from);
    return rc ? rc : database_sync_file(partial, error);
}

int backup_write(const char *home, const char *file, backup_progress report, void *context,
                 struct error *error)
{
    struct progress progress = {report, context};
    char partial[PATH_MAX];
    int rc = path_of(partial, error, file, ".", "partial");

    if (rc)
        return rc;
    if (access(file, F_OK) == 0)
        return error_set(error, ERROR_EXISTS,
                         "%s is there already; backups are not overwritten, give another name",
                         file);
    remove_with_journal(partial); /* left by an attempt that was killed */
    rc = write_partial(home, partial, &progress, error);
    /* link, unlike rename, does not overwrite what came to be meanwhile; not every file system has
     * it. */
    if (!rc && link(partial, file) != 0 && (errno == EEXIST || rename(partial, file) != 0))
        rc = error_errno(error, "write", file);
    if (!rc)
        rc = database_sync_file(file, error);
    remove_with_journal(partial);
    return rc;
}

/* --- bringing back ---------------------------------------------------------------------------- */

static int check_integrity(const struct database *from, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    const char *found;
    bool row = false;
    int rc = ERROR_NONE;

    if (sqlite3_prepare_v2(from->handle, "PRAGMA integrity_check(1)", -1, &statement, NULL) !=
        SQLITE_OK)
        rc = database_fail(from, "check", error);
    if (!rc)
        rc = database_step(from, statement, "check", &row, error);
    found = rc || !row ? NULL : (const char *)sqlite3_column_text(statement, 0);
    /* It tells of pages that it had no memory for in the same words as of damaged ones. */
    if (!rc && found && strstr(found, "error code=7") != NULL)
        rc = error_memory(error);
    if (!rc && (!found || strcmp(found, "ok") != 0))
        rc = error_set(error, ERROR_IO, "%s is damaged (%.200s); use another backup", from->path,
                       found ? found : "no answer");
    sqlite3_finalize(statement);
    return rc;
}

/* ERROR_NONE when it is an empty folder; *made when we made it. */
static int home_prepare(const char *home, bool *made, struct error *error)
{
    struct dirent *file;
    DIR *folder;
    int rc = ERROR_NONE;

    *made = mkdir(home, 0700) == 0;
    if (!*made && errno != EEXIST)
        return error_errno(error, "make", home);
    folder = opendir(home);
    if (!folder)
        return error_errno(error, "read", home);
    while (!rc && (file = readdir(folder)))
        if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0)
            rc = error_set(error, ERROR_EXISTS,
                           "%s is not empty (it holds %.64s); restore into a new folder", home,
                           file->d_name);
    closedir(folder);
    return rc;
}

/* A new ledger id: arrivals are counted anew from here, partners must not go on from theirs. */
static int restore_ledger(const struct database *from, const char *partial,
                          const struct progress *progress, struct error *error)
{
    struct database to = {0};
    char sql[256];
    int rc = database_open(&to, partial, DATABASE_CREATE, NULL, 0, error);

    snprintf(sql, sizeof sql,
             "PRAGMA secure_delete=ON; BEGIN IMMEDIATE; DROP TABLE sqlar;"
             "UPDATE ledger SET id = randomblob(16); PRAGMA application_id=%d; COMMIT",
             SCHEMA_LEDGER_ID);
    if (!rc)
        rc = copy_pages(from, &to, progress, error);
    if (!rc)
        rc = database_run(&to, sql, "write to", error);
    database_close(&to);
    return rc ? rc : database_sync_file(partial, error);
}

static int restore_into(const struct database *from, const char *home,
                        const struct progress *progress, struct error *error)
{
    char ledger[PATH_MAX], partial[PATH_MAX];
    int rc = path_of(ledger, error, home, "/", LEDGER_FILE);

    if (!rc)
        rc = path_of(partial, error, ledger, ".", "partial");
    if (rc)
        return rc;
    rc = archive_unpack(from, home, error);
    if (!rc)
        rc = restore_ledger(from, partial, progress, error);
    /* Last of all: a home without its ledger is seen to be incomplete. */
    if (!rc && rename(partial, ledger) != 0)
        rc = error_errno(error, "write", ledger);
    if (!rc)
        rc = database_sync_file(ledger, error);
    if (rc) {
        remove_with_journal(partial);
        unlink(ledger);
        archive_remove(from, home);
    }
    return rc;
}

/* What helps with a damaged ledger (to bring back a backup) does not help with the backup. */
static int open_backup(struct database *from, const char *file, struct error *error)
{
    struct error own = {0};
    int rc = database_open(from, file, DATABASE_READ_FOREIGN, NULL, 0, &own);

    if (!rc)
        rc = schema_check(from, SCHEMA_BACKUP_ID, &own);
    if (!rc)
        rc = check_integrity(from, &own);
    if (!rc)
        rc = archive_check(from, &own);
    if (rc && strstr(own.text, "put it aside"))
        return error_set(error, (enum error_code)rc,
                         "%s is damaged or was cut off; use another backup", file);
    return rc ? error_set(error, (enum error_code)rc, "%s", own.text) : ERROR_NONE;
}

int backup_restore(const char *file, const char *home, backup_progress report, void *context,
                   struct error *error)
{
    struct progress progress = {report, context};
    struct database from = {0};
    bool made = false;
    int rc = open_backup(&from, file, error);

    if (!rc)
        rc = home_prepare(home, &made, error);
    if (!rc)
        rc = restore_into(&from, home, &progress, error);
    if (rc && made)
        rmdir(home);
    database_close(&from);
    return rc;
}
