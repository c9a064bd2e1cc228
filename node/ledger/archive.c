#include "node/ledger/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/secret.h"

/* A million marks. */
#define INBOX_SIZE_MAX ((size_t)64 * 1024 * 1024)

/* What a backup holds: single files, or all files of a folder that have the suffix; name is then
 * what theirs begin with, NULL: anything. */
static const struct part {
    const char *folder, *name, *suffix;
    bool required;
    mode_t mode; /* no more than this is given when it is brought back */
    size_t most; /* bytes */
} parts[] = {
    {"", "node.yaml", NULL, true, 0644, LIMIT_YAML_SIZE},
    {"keys/", "node.key", NULL, true, 0600, LIMIT_YAML_SIZE},
    {"keys/", "transport.key", NULL, true, 0600, LIMIT_YAML_SIZE},
    {"keys/", "sealing.key", NULL, true, 0600, LIMIT_YAML_SIZE},
    {"keys/", "certificates", NULL, true, 0644, LIMIT_YAML_SIZE},
    {"keys/", "genesis", NULL, true, 0644, LIMIT_YAML_SIZE},
    /* Former keys for reading. Not the former transport key: when the backup comes back partners
     * may know the newer one alone. */
    {"keys/", "sealing-", ".key", false, 0600, LIMIT_YAML_SIZE},
    {"partners/", NULL, ".card", false, 0644, LIMIT_YAML_SIZE},
    {"listeners/", NULL, ".key", false, 0644, LIMIT_YAML_SIZE},
    {"", "inbox.db", NULL, false, 0600, INBOX_SIZE_MAX},
};
#define PART_COUNT (sizeof parts / sizeof parts[0])

static const struct {
    const char *name;
    mode_t mode;
} folders[] = {{"keys", 0700}, {"partners", 0700}, {"listeners", 0700}};
#define FOLDER_COUNT (sizeof folders / sizeof folders[0])

static bool is_plain(const char *name, size_t size)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";

    return size && size <= NAME_MAX && name[0] != '.' && strspn(name, allowed) == size &&
           strlen(name) == size;
}

/* The part that a name in the archive belongs to; NULL: none. */
static const struct part *part_of(const char *name)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        const struct part *part = &parts[i];
        size_t folder = strlen(part->folder), suffix = part->suffix ? strlen(part->suffix) : 0;
        size_t begin = part->suffix && part->name ? strlen(part->name) : 0;
        const char *file = name + folder;
        size_t size;

        if (strncmp(name, part->folder, folder) != 0)
            continue;
        size = strlen(file);
        if (!part->suffix ? strcmp(file, part->name) == 0
                          : is_plain(file, size) && size > begin + suffix &&
                                strncmp(file, part->name ? part->name : "", begin) == 0 &&
                                strcmp(file + size - suffix, part->suffix) == 0)
            return part;
    }
    return NULL;
}

static int join(const char *home, const char *name, char out[PATH_MAX], struct error *error)
{
    if (snprintf(out, PATH_MAX, "%s/%s", home, name) < PATH_MAX)
        return ERROR_NONE;
    return error_set(error, ERROR_INVALID, "%s: the path is too long", home);
}

/* --- packing ---------------------------------------------------------------------------------- */

static int read_file(const char *path, size_t most, struct buffer *out, struct stat *status,
                     struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* not wait for a FIFO */
    ssize_t got = 1;
    size_t room = 0;
    int rc = ERROR_NONE;

    if (fd < 0)
        return error_errno(error, "read", path);
    if (fstat(fd, status) != 0)
        rc = error_errno(error, "read", path);
    else if (!S_ISREG(status->st_mode))
        rc = error_set(error, ERROR_CONFIG, "%s is not a regular file", path);
    /* One byte more than allowed, to notice a larger file. */
    room = (size_t)status->st_size < most ? (size_t)status->st_size + 1 : most + 1;
    if (!rc && !buffer_reserve(out, room))
        rc = error_memory(error);
    while (!rc && got > 0 && out->size < room) {
        got = read(fd, out->data + out->size, room - out->size);
        if (got < 0)
            rc = error_errno(error, "read", path);
        else
            out->size += (size_t)got;
    }
    if (!rc && (out->size > most || out->size > (size_t)status->st_size))
        rc = error_set(error, ERROR_CONFIG,
                       "%s is larger than any such file may be (%zu bytes), or grows", path, most);
    close(fd);
    return rc;
}

static void wipe(struct buffer *secret)
{
    if (secret->data)
        secret_wipe(secret->data, secret->capacity);
    buffer_finish(secret);
}

static int pack_file(const struct database *database, sqlite3_stmt *insert, const char *home,
                     const char *name, const struct part *part, struct error *error)
{
    char path[PATH_MAX];
    struct buffer content = {0};
    struct stat status;
    bool row;
    int rc = join(home, name, path, error);

    if (!rc)
        rc = read_file(path, part->most, &content, &status, error);
    if (!rc && (sqlite3_bind_text(insert, 1, name, -1, SQLITE_STATIC) |
                sqlite3_bind_int64(insert, 2, status.st_mode) |
                sqlite3_bind_int64(insert, 3, status.st_mtime) |
                sqlite3_bind_int64(insert, 4, (sqlite3_int64)content.size) |
                database_bind_blob(insert, 5, buffer_span(&content))))
        rc = database_fail(database, "write to", error);
    if (!rc)
        rc = database_step(database, insert, "write to", &row, error);
    sqlite3_reset(insert);
    sqlite3_clear_bindings(insert);
    wipe(&content);
    return rc;
}

static int pack_folder(const struct database *database, sqlite3_stmt *insert, const char *home,
                       const struct part *part, struct error *error)
{
    char path[PATH_MAX], name[NAME_MAX + 32];
    struct dirent *file;
    DIR *folder;
    int rc = join(home, part->folder, path, error);

    if (rc)
        return rc;
    folder = opendir(path);
    if (!folder)
        return errno == ENOENT ? ERROR_NONE : error_errno(error, "read", path);
    while (!rc && (errno = 0, file = readdir(folder))) {
        snprintf(name, sizeof name, "%s%s", part->folder, file->d_name);
        if (part_of(name) == part)
            rc = pack_file(database, insert, home, name, part, error);
    }
    if (!rc && errno)
        rc = error_errno(error, "read", path);
    closedir(folder);
    return rc;
}

static int pack_part(const struct database *database, sqlite3_stmt *insert, const char *home,
                     const struct part *part, struct error *error)
{
    char name[NAME_MAX + 32];
    int rc;

    if (part->suffix)
        return pack_folder(database, insert, home, part, error);
    snprintf(name, sizeof name, "%s%s", part->folder, part->name);
    rc = pack_file(database, insert, home, name, part, error);
    if (rc == ERROR_NOT_FOUND && !part->required) {
        error_clear(error);
        return ERROR_NONE;
    }
    if (rc == ERROR_NOT_FOUND)
        rc = error_set(error, ERROR_CONFIG,
                       "%s/%s is missing; a backup without it would be of no use, so none was made",
                       home, name);
    return rc;
}

int archive_pack(const struct database *database, const char *home, struct error *error)
{
    sqlite3_stmt *insert = NULL;
    int rc = database_run(database,
                          "CREATE TABLE sqlar (name TEXT PRIMARY KEY, mode INT, mtime INT, sz INT,"
                          " data BLOB)",
                          "write to", error);

    if (rc)
        return rc;
    if (sqlite3_prepare_v2(database->handle, "INSERT INTO sqlar VALUES (?1, ?2, ?3, ?4, ?5)", -1,
                           &insert, NULL) != SQLITE_OK)
        rc = database_fail(database, "write to", error);
    for (size_t i = 0; i < PART_COUNT && !rc; i++)
        rc = pack_part(database, insert, home, &parts[i], error);
    sqlite3_finalize(insert);
    return rc;
}

/* --- unpacking -------------------------------------------------------------------------------- */

struct row {
    const char *name;
    const struct part *part;
    mode_t mode;
    struct span content;
};

static const char select_all[] = "SELECT name, mode, sz, data FROM sqlar ORDER BY name";

static int read_row(const struct database *database, sqlite3_stmt *select, struct row *row,
                    struct error *error)
{
    const char *name = (const char *)sqlite3_column_text(select, 0);
    sqlite3_int64 mode = sqlite3_column_int64(select, 1);

    row->name = name ? name : "";
    row->part =
        strlen(row->name) == (size_t)sqlite3_column_bytes(select, 0) ? part_of(row->name) : NULL;
    row->content = database_blob(select, 3);
    if (!row->part)
        return error_set(error, ERROR_INVALID,
                         "%s holds a file named \"%.64s\", which does not belong into a backup; do "
                         "not use it",
                         database->path, row->name);
    if (!S_ISREG((mode_t)mode) || sqlite3_column_type(select, 3) != SQLITE_BLOB ||
        sqlite3_column_int64(select, 2) != (sqlite3_int64)row->content.size)
        return error_set(error, ERROR_INVALID, "%s: %s in it is not an uncompressed regular file",
                         database->path, row->name);
    if (row->content.size > row->part->most)
        return error_set(error, ERROR_INVALID, "%s: %s in it is too large", database->path,
                         row->name);
    row->mode = (mode_t)mode & row->part->mode;
    return ERROR_NONE;
}

/* Runs through all rows; handle may be NULL. */
static int each_row(const struct database *database, const char *home,
                    int (*handle)(const char *home, const struct row *row, struct error *error),
                    bool *seen, struct error *error)
{
    sqlite3_stmt *select = NULL;
    struct row row;
    bool more = true;
    int rc = ERROR_NONE;

    if (sqlite3_prepare_v2(database->handle, select_all, -1, &select, NULL) != SQLITE_OK)
        rc = database_fail(database, "read", error);
    while (!rc && more) {
        rc = database_step(database, select, "read", &more, error);
        if (rc || !more)
            break;
        rc = read_row(database, select, &row, error);
        if (!rc && seen)
            seen[row.part - parts] = true;
        if (!rc && handle)
            rc = handle(home, &row, error);
    }
    sqlite3_finalize(select);
    return rc;
}

int archive_check(const struct database *database, struct error *error)
{
    bool seen[PART_COUNT] = {false};
    int rc = each_row(database, NULL, NULL, seen, error);

    for (size_t i = 0; i < PART_COUNT && !rc; i++)
        if (parts[i].required && !seen[i])
            rc = error_set(error, ERROR_INVALID, "%s lacks %s%s; it is no complete backup",
                           database->path, parts[i].folder, parts[i].name);
    return rc;
}

static int write_all(int fd, struct span content)
{
    while (content.size) {
        ssize_t written = write(fd, content.data, content.size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        content.data += written;
        content.size -= (size_t)written;
    }
    return 0;
}

static int unpack_row(const char *home, const struct row *row, struct error *error)
{
    char path[PATH_MAX];
    int fd, rc = join(home, row->name, path, error);

    if (rc)
        return rc;
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(error, "write", path);
    if (write_all(fd, row->content) != 0 || fchmod(fd, row->mode) != 0 || fsync(fd) != 0)
        rc = error_errno(error, "write", path);
    close(fd);
    return rc;
}

int archive_unpack(const struct database *database, const char *home, struct error *error)
{
    char path[PATH_MAX];
    int rc = ERROR_NONE;

    for (size_t i = 0; i < FOLDER_COUNT && !rc; i++) {
        rc = join(home, folders[i].name, path, error);
        if (!rc && mkdir(path, folders[i].mode) != 0)
            rc = error_errno(error, "make", path);
    }
    if (!rc)
        rc = each_row(database, home, unpack_row, NULL, error);
    for (size_t i = 0; i < FOLDER_COUNT && !rc; i++) {
        rc = join(home, folders[i].name, path, error);
        if (!rc)
            rc = database_sync_file(path, error);
    }
    return rc;
}

static int remove_row(const char *home, const struct row *row, struct error *error)
{
    char path[PATH_MAX];

    if (join(home, row->name, path, error) == ERROR_NONE)
        unlink(path);
    return ERROR_NONE;
}

void archive_remove(const struct database *database, const char *home)
{
    char path[PATH_MAX];

    each_row(database, home, remove_row, NULL, NULL);
    for (size_t i = 0; i < FOLDER_COUNT; i++)
        if (join(home, folders[i].name, path, NULL) == ERROR_NONE)
            rmdir(path);
}
