#include "node/config/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int home_path(const char *home, const char *name, char out[HOME_PATH_SIZE], struct error *error)
{
    int size = snprintf(out, HOME_PATH_SIZE, "%s/%s", home, name);

    if (size < 0 || size >= HOME_PATH_SIZE)
        return error_set(error, ERROR_CONFIG,
                         "the path %.60s… is longer than %d bytes; choose a shorter home folder",
                         home, HOME_PATH_SIZE - 1);
    return ERROR_NONE;
}

int home_path_in(const char *home, const char *folder, const char *name, const char *suffix,
                 char out[HOME_PATH_SIZE], struct error *error)
{
    char relative[HOME_PATH_SIZE];
    int size;

    if (!*name || *name == '.' || strchr(name, '/'))
        return error_set(error, ERROR_INVALID,
                         "\"%s\" cannot be a file name in %s/; expected a name without / that does "
                         "not begin with a dot",
                         name, folder);
    size = snprintf(relative, sizeof relative, "%s/%s%s", folder, name, suffix);
    if (size < 0 || (size_t)size >= sizeof relative)
        return error_set(error, ERROR_INVALID, "the name %.60s… is too long", name);
    return home_path(home, relative, out, error);
}

/* --- files ------------------------------------------------------------------------------------ */

int home_read_stream(int file, const char *path, size_t limit, struct buffer *out,
                     struct error *error)
{
    size_t start = out->size;

    for (;;) {
        ssize_t got;

        if (!buffer_reserve(out, 4096))
            return error_memory(error);
        got = read(file, out->data + out->size, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(error, "read", path);
        if (got == 0)
            return ERROR_NONE;
        out->size += (size_t)got;
        if (out->size - start > limit)
            return error_set(error, ERROR_TOO_LARGE, "%s is larger than %zu bytes", path, limit);
    }
}

int home_read(const char *path, size_t limit, struct buffer *out, struct error *error)
{
    size_t start = out->size;
    /* NONBLOCK: a FIFO that somebody put here would hold the caller up for ever. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat info;
    int code;

    if (file < 0)
        return error_errno(error, "open", path);
    if (fstat(file, &info) != 0)
        code = error_errno(error, "look at", path);
    else if (!S_ISREG(info.st_mode))
        code = error_set(error, ERROR_INVALID, "%s is no plain file", path);
    else
        code = home_read_stream(file, path, limit, out, error);
    close(file);
    if (code)
        out->size = start;
    return code;
}

static int write_all(int file, struct span content)
{
    while (content.size > 0) {
        ssize_t done = write(file, content.data, content.size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        content.data += done;
        content.size -= (size_t)done;
    }
    return 0;
}

static int sync_parent(const char *path, struct error *error)
{
    char folder[HOME_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;

    if (size >= sizeof folder)
        return error_set(error, ERROR_CONFIG, "the path %.60s… is too long", path);
    memcpy(folder, path, size);
    folder[size] = '\0';
    return home_sync_folder(slash ? (size ? folder : "/") : ".", error);
}

int home_write(const char *path, mode_t mode, struct span content, struct error *error)
{
    char temporary[HOME_PATH_SIZE];
    int file = -1, code = ERROR_NONE;
    int size = snprintf(temporary, sizeof temporary, "%s.new-XXXXXX", path);

    if (size < 0 || (size_t)size >= sizeof temporary)
        return error_set(error, ERROR_CONFIG, "the path %.60s… is too long", path);
    file = mkostemp(temporary, O_CLOEXEC);
    if (file < 0)
        return error_errno(error, "write", path);
    if (fchmod(file, mode) != 0 || write_all(file, content) != 0 || fsync(file) != 0)
        code = error_errno(error, "write", path);
    if (close(file) != 0 && !code)
        code = error_errno(error, "write", path);
    if (!code && rename(temporary, path) != 0)
        code = error_errno(error, "replace", path);
    if (code) {
        unlink(temporary);
        return code;
    }
    return sync_parent(path, error);
}

int home_remove(const char *path, struct error *error)
{
    if (unlink(path) != 0)
        return error_errno(error, "remove", path);
    return sync_parent(path, error);
}

int home_make_folder(const char *path, mode_t mode, struct error *error)
{
    struct stat info;

    if (mkdir(path, 0700) == 0)
        return chmod(path, mode) == 0 ? sync_parent(path, error)
                                      : error_errno(error, "set the mode of", path);
    if (errno != EEXIST)
        return error_errno(error, "make the folder", path);
    if (stat(path, &info) != 0)
        return error_errno(error, "look at", path);
    if (!S_ISDIR(info.st_mode))
        return error_set(error, ERROR_EXISTS, "%s is there and is no folder", path);
    return ERROR_NONE;
}

int home_sync_folder(const char *path, struct error *error)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = ERROR_NONE;

    if (folder < 0)
        return error_errno(error, "open the folder", path);
    /* Some file systems cannot sync a folder (EINVAL); then there is nothing more to do. */
    if (fsync(folder) != 0 && errno != EINVAL && errno != EROFS)
        code = error_errno(error, "sync the folder", path);
    close(folder);
    return code;
}

/* --- listing ---------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct home_names *names, const char *name, size_t size, struct error *error)
{
    char **grown = realloc(names->names, (names->count + 1) * sizeof *grown);

    if (!grown)
        return error_memory(error);
    names->names = grown;
    grown[names->count] = strndup(name, size);
    if (!grown[names->count])
        return error_memory(error);
    names->count++;
    return ERROR_NONE;
}

int home_list(const char *path, const char *suffix, struct home_names *out, struct error *error)
{
    struct home_names names = {0};
    size_t suffix_size = strlen(suffix);
    DIR *folder = opendir(path);
    struct dirent *item;
    int code = ERROR_NONE;

    *out = names;
    if (!folder)
        return errno == ENOENT ? ERROR_NONE : error_errno(error, "list the folder", path);
    while (!code && (errno = 0, item = readdir(folder)) != NULL) {
        size_t size = strlen(item->d_name);

        if (item->d_name[0] != '.' && size > suffix_size &&
            strcmp(item->d_name + size - suffix_size, suffix) == 0)
            code = add_name(&names, item->d_name, size - suffix_size, error);
    }
    if (!code && errno)
        code = error_errno(error, "list the folder", path);
    closedir(folder);
    if (code) {
        home_names_finish(&names);
        return code;
    }
    if (names.count > 1)
        qsort(names.names, names.count, sizeof *names.names, compare_names);
    *out = names;
    return ERROR_NONE;
}

void home_names_finish(struct home_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    memset(names, 0, sizeof *names);
}

int home_read_listener(const char *home, const char *name, struct id *key, struct error *error)
{
    char path[HOME_PATH_SIZE], hex[2 * BYTES_ID_SIZE + 1];
    struct buffer text = {0};
    struct id found;
    int code = home_path_in(home, HOME_LISTENERS, name, HOME_LISTENER_SUFFIX, path, error);

    if (!code)
        code = home_read(path, 4096, &text, error);
    if (!code) {
        while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]))
            text.size--;
        if (text.size == 2 * BYTES_ID_SIZE)
            memcpy(hex, text.data, text.size);
        hex[2 * BYTES_ID_SIZE] = '\0';
        if (text.size != 2 * BYTES_ID_SIZE || !bytes_from_hex(hex, &found, BYTES_ID_SIZE))
            code = error_set(error, ERROR_INVALID,
                             "%s holds no key, expected 64 hex digits; remove it and add the "
                             "listener anew",
                             path);
        else
            *key = found;
    }
    buffer_finish(&text);
    return code;
}

/* --- the lock --------------------------------------------------------------------------------- */

static int lock_taken(int file, const char *home, struct error *error)
{
    char text[32] = "";
    ssize_t size = pread(file, text, sizeof text - 1, 0);

    text[size > 0 ? strcspn(text, "\n") : 0] = '\0';
    return error_set(error, ERROR_BUSY,
                     "another process (%s) is using the home folder %s; stop it first, or talk to "
                     "the node through the client",
                     *text ? text : "unknown", home);
}

int home_lock(const char *home, int *lock, struct error *error)
{
    char path[HOME_PATH_SIZE], text[32];
    int file, size;
    int code = home_path(home, HOME_RUN, path, error);

    if (!code)
        code = home_make_folder(path, 0700, error);
    if (code)
        return error_prefix(error, "cannot lock the home folder %s", home);
    code = home_path(home, HOME_LOCK, path, error);
    if (code)
        return code;
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return error_errno(error, "open", path);
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        code =
            errno == EWOULDBLOCK ? lock_taken(file, home, error) : error_errno(error, "lock", path);
        close(file);
        return code;
    }
    size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)size, 0) != size) {
        code = error_errno(error, "write", path);
        close(file);
        return code;
    }
    *lock = file;
    return ERROR_NONE;
}

void home_unlock(int lock)
{
    if (lock >= 0)
        close(lock); /* the file stays: removing it would let two processes hold two locks */
}
