#include "tests/support/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    abort();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* --- what a test that failed leaves behind ---------------------------------------------------- */

static struct {
    struct folder folder;
    pid_t owner; /* 0: free */
} made[16];

static void finish_all(void)
{
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (made[i].owner == getpid()) /* not those of a parent */
            nftw(made[i].folder.path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void note(const struct folder *folder)
{
    static bool registered;

    if (!registered)
        registered = atexit(finish_all) == 0;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (!made[i].owner) {
            made[i].folder = *folder;
            made[i].owner = getpid();
            return;
        }
}

static void forget(const struct folder *folder)
{
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (strcmp(made[i].folder.path, folder->path) == 0)
            made[i].owner = 0;
}

/* --- folders ---------------------------------------------------------------------------------- */

void folder_init(struct folder *folder)
{
    const char *parent = getenv("TMPDIR");

    snprintf(folder->path, sizeof folder->path, "%s/caravan-test-XXXXXX", parent ? parent : "/tmp");
    must(mkdtemp(folder->path) != NULL, folder->path);
    note(folder);
}

void folder_finish(struct folder *folder)
{
    must(nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0, folder->path);
    forget(folder);
}

const char *folder_file(const struct folder *folder, const char *name)
{
    static char ring[8][FOLDER_PATH_SIZE * 2];
    static unsigned next;
    char *path = ring[next++ % 8];

    snprintf(path, sizeof ring[0], "%s/%s", folder->path, name);
    return path;
}

bool folder_has(const struct folder *folder, const char *name)
{
    return access(folder_file(folder, name), F_OK) == 0;
}

unsigned folder_mode(const struct folder *folder, const char *name)
{
    struct stat status;

    return stat(folder_file(folder, name), &status) == 0 ? status.st_mode & 07777 : 0;
}

void folder_write(const struct folder *folder, const char *name, unsigned mode, const void *content,
                  size_t size)
{
    int fd = open(folder_file(folder, name), O_CREAT | O_WRONLY | O_TRUNC, 0600);

    must(fd >= 0 && fchmod(fd, mode) == 0 && write(fd, content, size) == (ssize_t)size, name);
    close(fd);
}

void folder_write_text(const struct folder *folder, const char *name, unsigned mode,
                       const char *text)
{
    folder_write(folder, name, mode, text, strlen(text));
}

char *folder_read(const struct folder *folder, const char *name, size_t *size)
{
    FILE *file = fopen(folder_file(folder, name), "rb");
    char *content = NULL;
    long length = 0;

    if (!file)
        return NULL;
    must(fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0, name);
    rewind(file);
    content = malloc((size_t)length + 1);
    must(content && fread(content, 1, (size_t)length, file) == (size_t)length, name);
    content[length] = '\0';
    if (size)
        *size = (size_t)length;
    fclose(file);
    return content;
}
